"""Rules read header fields in UTF-8, whatever charset they were written in:
under the real sandbox, where the C library cannot load a converter any more,
in a worker that took the place of another one, and in `forepost explain`."""
import base64
import os
import quopri
import signal
import subprocess

import pytest

from kit.gateway import binary
from kit.process import wait_until
from kit.ruled import MESSAGE, client_at, ruled

pytestmark = pytest.mark.core

RULES = """
on message {
	when header "Subject" contains "ü" { reject "latin" }
	when header "Subject" matches /^ПРИВЕТ,/i { reject "russian" }
	when header "Subject" starts with "日本" { reject "japanese" }
	when header "Subject" contains "中文" { reject "chinese" }
	when header "Subject" contains "가격" { reject "korean" }
}
"""


def q(charset, text, codec=None):
    octets = quopri.encodestring(text.encode(codec or charset), header=True)
    return b"=?%s?Q?%s?=" % (charset.encode(), octets.replace(b"?", b"=3F"))


def b(charset, text, codec=None):
    octets = base64.b64encode(text.encode(codec or charset))
    return b"=?%s?B?%s?=" % (charset.encode(), octets)


CASES = {
    "iso-8859-1": (q("iso-8859-1", "für alle"), "latin"),
    "windows-1252": (b("Windows-1252", "€ für"), "latin"),
    "two names of one": (q("latin1", "f") + b"\r\n " + b("cp1252", "ür"),
                         "latin"),
    "raw windows-1252": (b"f\xfcr", "latin"),
    "raw utf-8": ("für".encode(), "latin"),
    "utf-8": (q("utf-8", "für"), "latin"),
    "utf-7": (q("utf-7", "für"), "latin"),
    "koi8-r": (b("koi8-r", "Привет, мир"), "russian"),
    "windows-1251": (q("windows-1251", "привет, мир"), "russian"),
    "with a language": (q("koi8-r*ru", "привет, мир", "koi8-r"), "russian"),
    "iso-2022-jp": (b("ISO-2022-JP", "日本"), "japanese"),
    "shift_jis": (b("Shift_JIS", "日本"), "japanese"),
    "euc-jp": (b("euc-jp", "日本"), "japanese"),
    "gb2312": (b("gb2312", "学中文"), "chinese"),
    "gb18030": (b("gb18030", "学中文"), "chinese"),
    "big5": (b("big5", "學中文"), "chinese"),
    "euc-kr": (b("ks_c_5601-1987", "이 가격", "euc-kr"), "korean"),
    "nothing of it": (q("iso-8859-1", "fur"), None),
    "another letter": (q("iso-8859-5", "\u042c", "iso-8859-5"), None),
}


@pytest.fixture(scope="module")
def gateway(module_start):
    return ruled(module_start, RULES, {"in": module_start.sink().url})


def send(gateway, subject):
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        reply = client.mail(MESSAGE.replace(b"ruled", subject),
                            params=" BODY=8BITMIME")
        assert client.quit() == 221
    line, = reply.lines
    return line


def matches(line, want):
    if want is None:
        return line.startswith("250 ")
    return line.startswith("550 5.7.1 %s [" % want)


@pytest.mark.parametrize("name", CASES)
def test_a_subject(gateway, name):
    subject, want = CASES[name]
    assert matches(send(gateway, subject), want)


@pytest.mark.parametrize("name", CASES)
def test_explained(gateway, name):
    subject, want = CASES[name]
    with open(gateway.path("message"), "wb") as f:
        f.write(MESSAGE.replace(b"ruled", subject))
    told = subprocess.run(
        [binary(), "explain", "--config", gateway.conf,
         "--client", "192.0.2.1", "--from", "a@sender.test",
         "--to", "b@box.test", gateway.path("message")],
        capture_output=True, text=True, timeout=60)
    assert told.returncode == 0, told.stderr
    assert ("550 5.7.1 %s" % want in told.stdout) == (want is not None), \
        told.stdout


def test_a_worker_that_came_later(gateway):
    first = set(gateway.workers_alive())
    for worker in first:
        os.kill(worker, signal.SIGKILL)
    wait_until(lambda: set(gateway.workers_alive()) - first,
               what="a new worker")
    assert matches(send(gateway, CASES["koi8-r"][0]), "russian")


def test_no_warning_of_missing_ones(gateway):
    assert gateway.lines("charsets that the system cannot convert") == []
