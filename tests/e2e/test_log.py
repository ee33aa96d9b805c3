"""The log as programs read it: lines of JSON."""
import json
import re

import pytest

from kit.process import wait_until
from kit.running import MAIL, admin, deliver, edit

SENDER = '"\\"},{\\"event\\":1 \\\\ \u00fc"@sender.test'


def once(pairs):
    """An object none of whose names comes twice."""
    members = dict(pairs)
    assert len(members) == len(pairs), pairs
    return members


def objects(path):
    with open(path, "rb") as f:
        text = f.read()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text)
    text = text.decode("utf-8", "strict")
    assert not re.search("[\x80-\x9f]", text)
    assert text.endswith("\n") or text == ""
    return [json.loads(line, object_pairs_hook=once)
            for line in text.split("\n")[:-1]]


def of(lines, event):
    return [line for line in lines if line["event"] == event]


@pytest.mark.core
def test_json(gateway):
    log = gateway.path("forepost.log")
    edit(gateway, "log stderr", 'log "%s"\nlog_format json' % log)
    gateway.start()
    client = gateway.client()
    client.ehlo()
    assert client.mail(MAIL, SENDER, params=" SMTPUTF8") == 250
    answer = client.cmd(b"FOO \x1b[2J\xff")
    assert answer.code == 500
    client.quit()
    wait_until(lambda: of(objects(log), "session end"), what="the session")
    lines = objects(log)
    for line in lines:
        assert list(line)[:2] == ["time", "label"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            line["time"])
        assert line["label"] in ("info", "warn"), line
    (mail,) = of(lines, "mail done")
    assert mail["outcome"] == "delivered"
    assert (mail["id"], mail["rcpts"], mail["client"]) == (1, 1, "127.0.0.1")
    assert mail["from"] == "<%s>" % SENDER
    assert type(mail["ms"]) is int and mail["reply"].startswith("250 ")
    (end,) = of(lines, "session end")
    assert end["session"] == mail["session"]
    assert "[%s]" % end["session"] in answer.text
    assert "500" in end["last-error"] and end["errors"] == 1


def test_json_of_supervisor_and_reload(gateway):
    log = gateway.path("forepost.log")
    edit(gateway, "log stderr", 'log "%s"\nlog_format json' % log)
    gateway.start()
    edit(gateway, "log_format json", "log_format text")
    assert admin(gateway, "reload").returncode == 0
    assert deliver(gateway.client()) == 250
    gateway.stop()
    lines = objects(log)	# as it says: at the next start, not before
    assert of(lines, "stopped") and of(lines, "mail done")
    assert all("session" in line for line in of(lines, "mail done"))
    assert not any("session" in line for line in of(lines, "stopped"))
