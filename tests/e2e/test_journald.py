"""The log in the journal of systemd: what is a warning there is one here."""
import json
import re

import pytest

from kit.journald import Journald
from kit.process import wait_until
from kit.running import AS_ROOT, admin, deliver, edit

PRIORITIES = {"debug": "7", "info": "6", "warn": "4", "error": "3"}


@pytest.fixture
def journald(work):
    if not AS_ROOT:
        pytest.skip("mounts are root's")
    daemon = Journald(work)
    try:
        yield daemon.start()
    finally:
        daemon.stop()


def label_of(entry):
    text = entry["MESSAGE"]
    if text.startswith("{"):
        return json.loads(text)["label"]
    return re.match(r"(?:\S+Z )?(info|warn|error|debug) ", text).group(1)


def make_all_kinds(gateway):
    """Lines of each label, and one of a client who means ill."""
    with gateway.client() as client:
        assert deliver(client) == 250
        assert client.cmd(b"EHLO <3>\x1b[1m\xff \"x").code >= 500
    with open(gateway.conf) as f:
        good = f.read()
    gateway.configure(good + "\nunknown 1\n")
    assert admin(gateway, "reload", "--control",
                 gateway.control).returncode != 0
    gateway.configure(good.replace('control "%s"' % gateway.control,
                                   'control "%s2"' % gateway.control))
    assert admin(gateway, "reload", "--control",
                 gateway.control).returncode == 0
    gateway.configure(good)


def check(entries, transport):
    for entry in entries:
        assert entry["_TRANSPORT"] == transport, entry
        assert isinstance(entry["MESSAGE"], str), entry
        assert not entry["MESSAGE"].startswith("<"), entry
        assert entry["PRIORITY"] == PRIORITIES[label_of(entry)], entry
    assert {label_of(e) for e in entries} == {"info", "warn", "error"}
    for event in ("mail done", "session end", "reload refused"):
        assert any(event in e["MESSAGE"] for e in entries), event


def has_all(journald):
    found = journald.entries()
    return found if any("session end" in e["MESSAGE"] for e in found) and \
        any("next start" in e["MESSAGE"] for e in found) else None


@pytest.mark.parametrize("form", ["text", "json"])
def test_stderr(gateway, journald, form):
    edit(gateway, "log stderr", "log stderr\nlog_format " + form)
    gateway.start(prefix=journald.service())
    make_all_kinds(gateway)
    entries = wait_until(lambda: has_all(journald), what="the lines")
    check(entries, "stdout")
    # Each process is told apart, although all write to one stream.
    writers = {e["_PID"] for e in entries}
    assert str(gateway.process.pid) in writers and len(writers) > 1


@pytest.mark.parametrize("form", ["text", "json"])
def test_syslog(gateway, journald, form):
    edit(gateway, "log stderr", 'log "syslog:%s"\nlog_format %s' % (
        journald.path("dev-log"), form))
    gateway.start()
    make_all_kinds(gateway)
    entries = wait_until(lambda: has_all(journald), what="the lines")
    check(entries, "syslog")
    for entry in entries:
        assert entry["SYSLOG_FACILITY"] == "2"		# mail
        assert entry["SYSLOG_PID"].isdigit()
