"""Every byte of a message arrives: the samples, by every way there is.

One gateway before four backends: SMTP with and without CHUNKING, LMTP, and a
Maildir. Trace fields are added on top; under them the message is what was
sent, octet for octet. What holds a bare CR, a bare LF or a NUL is refused.
"""
import glob
import os

import pytest

from kit.samples import FOLDERS, read_folder, without_trace
from kit.sink import CHUNKING, EXTENSIONS

pytestmark = pytest.mark.core

WAYS = ("chunking", "plain", "lmtp", "maildir")


class Route:
    """A gateway and what its four backends hold."""

    def __init__(self, starter):
        self.sinks = {"chunking": starter.sink(CHUNKING),
                      "plain": starter.sink(EXTENSIONS),
                      "lmtp": starter.sink(EXTENSIONS, lmtp=True)}
        backends = {n: s.url for n, s in self.sinks.items()}
        gateway = starter.gateway(
            {**backends, "maildir": "maildir:unused"}, start=False)
        self.maildir = gateway.own_folder("Maildir")
        backends["maildir"] = "maildir:" + self.maildir
        # One of the samples has 2,000 header fields.
        gateway.configure(gateway.text(
            backends, top="max_header_fields 3000"))
        self.gateway = gateway.start()
        self.seen = set()

    def take(self, way):
        """The one new message at the end of a way."""
        if way == "maildir":
            new = set(glob.glob(self.maildir + "/new/*")) - self.seen
            assert len(new) == 1, "%d files" % len(new)
            self.seen |= new
            with open(new.pop(), "rb") as f:
                first, _, rest = f.read().partition(b"\r\n")
            # The final delivery says who sent it (RFC 5321 4.4).
            assert first.startswith(b"Return-Path: <"), first
            return rest
        message, = self.sinks[way].wait(1)
        self.sinks[way].clear()
        return message.data

    def count(self, way):
        if way == "maildir":
            return len(set(glob.glob(self.maildir + "/new/*")) - self.seen)
        return len(self.sinks[way].messages)


@pytest.fixture(scope="module")
def route(module_start):
    return Route(module_start)


def send(client, sample, text, way, how):
    params = " BODY=8BITMIME" if sample.is_8bit else ""
    return client.mail(text, rcpts="b@%s.test" % way, how=how, params=params)


def expected(sample, text):
    """A message without a header gets the empty line that separates it."""
    return b"\r\n" + text if sample.headless else text


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("folder", FOLDERS)
def test_samples_arrive_as_they_are(route, vectors, folder, way, how):
    wrong = []
    client = route.gateway.client()
    client.ehlo()
    for sample in read_folder(folder):
        if sample.has_nul:
            continue
        reply = send(client, sample, sample.text, way, how)
        if reply != 250:
            wrong.append((sample.name, reply))
            continue
        got = without_trace(route.take(way))
        want = expected(sample, sample.text)
        if got == want:
            continue
        # DATA cannot carry a last line without its CRLF, and neither can
        # the way on to a backend without CHUNKING, nor LMTP.
        if not want.endswith(b"\r\n") and got == want + b"\r\n":
            continue
        wrong.append((sample.name, first_difference(got, want)))
    assert wrong == []
    client.quit()


def first_difference(got, want):
    n = len(os.path.commonprefix([got, want]))
    return "at %d: got %r, want %r" % (n, got[n:n + 60], want[n:n + 60])


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
@pytest.mark.parametrize("way", WAYS)
def test_samples_with_bare_newlines_are_refused(route, vectors, way, how):
    wrong = []
    for folder in FOLDERS:
        for sample in read_folder(folder):
            if not sample.is_faulty:
                continue
            with route.gateway.client() as client:
                client.ehlo()
                reply = send(client, sample, sample.raw, way, how)
                if reply != 550 or reply.enhanced != "5.6.0" \
                        or not client.closed():
                    wrong.append((folder, sample.name, reply))
            if route.count(way):
                wrong.append((folder, sample.name, route.take(way)))
    assert wrong == []


@pytest.mark.parametrize("way", WAYS)
def test_an_unfinished_last_line_by_bdat(route, way):
    """BDAT to BDAT keeps a message that does not end in CRLF."""
    text = b"Subject: no end\r\n\r\nlast line"
    with route.gateway.client() as client:
        client.ehlo()
        assert client.mail(text, rcpts="b@%s.test" % way, how="BDAT") == 250
    got = without_trace(route.take(way))
    if way in ("chunking", "maildir"):
        assert got.rstrip(b"\r\n") == text
    else:
        assert got == text + b"\r\n"


@pytest.mark.parametrize("chunk", (1, 2, 3, 7, 64, 4096))
def test_bdat_in_small_chunks(route, chunk):
    """Chunks may cut anywhere: in a CRLF, before a dot."""
    text = (b"Subject: cut\r\nX-A: b\r\n\r\n" +
            b".\r\n..\r\n.a\r\n\r\n.\r\nend\r\n" * (1 if chunk < 64 else 400))
    with route.gateway.client() as client:
        client.ehlo()
        for way in WAYS:
            assert client.envelope("a@s.test", "b@%s.test" % way) == 250
            assert client.bdat(text, chunk) == 250
            assert without_trace(route.take(way)) == text


def test_binary_needs_a_backend_that_takes_it(start):
    """BINARYMIME is offered when the backend has it, and then NUL, CR and
    LF pass in the body."""
    text = (b"Content-Type: application/octet-stream\r\n"
            b"Content-Transfer-Encoding: binary\r\n\r\n"
            b"\0\1\r\n.\r\n\n\r\xff.\n")
    sink = start.sink(CHUNKING)
    gateway = start.gateway({"in": sink.url}, listener="\tmax_errors 5")
    with gateway.client() as client:
        assert "BINARYMIME" in wait_for_keyword(client, "BINARYMIME")
        assert client.mail(text, how="BDAT", params=" BODY=BINARYMIME") == 250
        assert client.envelope("a@s.test", "b@box.test",
                               " BODY=BINARYMIME") == 250
        assert client.cmd("DATA") == 503
    message, = sink.wait(1)
    assert message.how == "BDAT"
    assert without_trace(message.data) == text
    assert "BODY=BINARYMIME" in message.mail_line


def wait_for_keyword(client, keyword):
    """What the backends can do is known only when a probe has asked them."""
    from kit.process import wait_until

    def offered():
        keywords = client.ehlo()
        return keywords if keyword in keywords else None
    return wait_until(offered, what=keyword)


def test_binary_is_not_offered_before_a_backend_without_it(start):
    sink = start.sink(EXTENSIONS)
    gateway = start.gateway({"in": sink.url})
    with gateway.client() as client:
        assert client.mail(b"Subject: x\r\n\r\n", how="DATA") in (250, 503)
        keywords = client.ehlo()
        assert "BINARYMIME" not in keywords
        reply = client.cmd("MAIL FROM:<a@s.test> BODY=BINARYMIME")
        assert reply.code in (501, 504, 555), reply


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_a_large_message_comes_whole(route, how):
    line = bytes(range(32, 127)) + b"\r\n"
    text = b"Subject: large\r\n\r\n" + line * 60000	# 5.8 MB
    with route.gateway.client(timeout=60) as client:
        client.ehlo()
        for way in WAYS:
            assert client.mail(text, rcpts="b@%s.test" % way, how=how) == 250
            assert without_trace(route.take(way)) == text
