"""SMTP smuggling: one message in is never two messages out.

For each false end of data: at most one reply to the message and none to what
was smuggled behind it, the connection closes, no second message reaches a
backend, and nothing that was sent to a backend holds a bare CR, LF or NUL.
"""
import re

import pytest

from kit.client import stuff
from kit.samples import BARE, read_yaml, without_trace
from kit.sink import CHUNKING, EXTENSIONS

pytestmark = pytest.mark.core

# The reject list that the sources have in common, and two more.
LISTED = ("\n.\n", "\n.\r", "\r.\n", "\r.\r", "\n.\r\n", "\r.\r\n",
          "\r\n.\r\r\n", "\r\r\n.\r\r\n", "\r\n\0.\r\n", "\r\n.\n", "\r\n.\r")

HEADER = (b"From: <outer@sender.test>\r\nTo: <victim@rcpt.example>\r\n"
          b"Subject: outer\r\n\r\nfirst mail text")
SMUGGLED = (b"MAIL FROM:<smuggled@evil.example>\r\n"
            b"RCPT TO:<victim@rcpt.example>\r\nDATA\r\n"
            b"From: admin@rcpt.example\r\nSubject: SMUGGLED\r\n\r\n"
            b"smuggled text\r\n")


def all_variants():
    found = {v.encode() for v in LISTED}
    for case in read_yaml("smuggling/eod-public.yml")["cases"]:
        if not case.get("is_end_of_data"):
            found.add(bytes.fromhex(case["hex"]))
    return sorted(found)


@pytest.fixture(scope="module")
def route(module_start):
    sinks = {"chunking": module_start.sink(CHUNKING),
             "plain": module_start.sink(EXTENSIONS),
             "lmtp": module_start.sink(EXTENSIONS, lmtp=True)}
    gateway = module_start.gateway({n: s.url for n, s in sinks.items()})
    return gateway, sinks


@pytest.fixture(autouse=True)
def clean(request):
    if "route" in request.fixturenames:
        for sink in request.getfixturevalue("route")[1].values():
            sink.clear()


def assert_nothing_bare(sink):
    """What lenient servers would take for a line's end was never sent."""
    m = BARE.search(sink.raw())
    assert not m, sink.raw()[max(0, m.start() - 40):m.end() + 40]


def begin(gateway, way):
    client = gateway.client()
    client.ehlo()
    assert client.envelope("outer@sender.test", "b@%s.test" % way) == 250
    return client


@pytest.mark.parametrize("way", ("chunking", "plain", "lmtp"))
def test_false_ends_of_data(route, vectors, way):
    gateway, sinks = route
    for variant in all_variants():
        client = begin(gateway, way)
        assert client.cmd("DATA") == 354
        client.send(HEADER + variant + SMUGGLED + b".\r\nQUIT\r\n")
        replies = client.replies_to_end()
        client.close()
        assert len(replies) == 1, (variant, replies)
        assert replies[0] == 550, (variant, replies)
        assert replies[0].enhanced == "5.6.0"
    assert sinks[way].messages == []
    assert b"SMUGGLED" not in sinks[way].raw()
    assert_nothing_bare(sinks[way])


@pytest.mark.parametrize("way", ("chunking", "plain", "lmtp"))
def test_false_ends_of_data_by_bdat(route, vectors, way):
    """In BDAT no dot ends anything, but a next hop by DATA might be led to
    believe so."""
    gateway, sinks = route
    for variant in all_variants():
        for chunk in (None, len(HEADER) + 1, 1):
            client = begin(gateway, way)
            try:
                reply = client.bdat(HEADER + variant + SMUGGLED, chunk)
                assert client.closed(), variant
            except ConnectionError:	# closed before all was sent
                reply = client.reply()
            assert (reply.code, reply.enhanced) == (550, "5.6.0"), variant
            client.close()
    assert sinks[way].messages == []
    assert b"SMUGGLED" not in sinks[way].raw()
    assert_nothing_bare(sinks[way])


@pytest.mark.parametrize("place", ("header", "first line", "body", "end"))
@pytest.mark.parametrize("octet", (b"\r", b"\n", b"\0"))
@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_a_bare_octet_anywhere(route, how, octet, place):
    gateway, sinks = route
    text = {"header": b"Subject: a%sX-Hidden: b\r\n\r\ntext\r\n",
            "first line": b"%sSubject: a\r\n\r\ntext\r\n",
            "body": b"Subject: a\r\n\r\nte%sxt\r\n",
            "end": b"Subject: a\r\n\r\ntext%s\r\n"}[place] % octet
    client = begin(gateway, "plain")
    reply = client.data(text) if how == "DATA" else client.bdat(text)
    assert (reply.code, reply.enhanced) == (550, "5.6.0"), reply
    assert client.closed()
    assert sinks["plain"].messages == []
    assert b"Subject" not in sinks["plain"].raw()


def test_a_message_of_bare_lf_only(route):
    """lf-only-mail: one message or a refusal, never split."""
    gateway, sinks = route
    client = begin(gateway, "plain")
    assert client.cmd("DATA") == 354
    client.send(b"Subject: a\n\nline\n.\nline\n\r\n.\r\n")
    assert client.reply() == 550
    assert client.closed()
    assert sinks["plain"].messages == []


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
@pytest.mark.parametrize("way", ("chunking", "plain", "lmtp"))
def test_dots_are_stuffed_again(route, way, how):
    gateway, sinks = route
    text = (b"Subject: dots\r\n\r\n.\r\n..\r\n.a\r\n..a\r\n...\r\n"
            b"a.\r\n.\r\n\r\n.\r\n")
    client = begin(gateway, way)
    assert (client.data(text) if how == "DATA" else client.bdat(text)) == 250
    client.quit()
    message, = sinks[way].wait(1)
    assert without_trace(message.data) == text
    if message.how == "DATA":
        raw = message.session.raw
        body = raw[raw.index(b"Subject: dots"):]
        assert body.startswith(stuff(text) + b".\r\n")


def test_an_end_of_data_within_bdat(route):
    """bdat-dot: CRLF.CRLF within a chunk ends nothing, here or behind."""
    gateway, sinks = route
    text = b"Subject: a\r\n\r\ntext\r\n.\r\n" + SMUGGLED
    for way in ("chunking", "plain", "lmtp"):
        client = begin(gateway, way)
        assert client.bdat(text) == 250
        assert client.quit() == 221
        message, = sinks[way].wait(1)
        assert without_trace(message.data) == text


def test_everything_in_one_segment(route):
    """pipelined-data: a client that does not wait for 354 gets no further;
    its text is never read as commands."""
    gateway, sinks = route
    client = gateway.client()
    client.ehlo()
    client.send(b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@plain.test>\r\n"
                b"DATA\r\nSubject: a\r\n\r\ntext\r\n.\r\n"
                b"MAIL FROM:<smuggled@evil.example>\r\n")
    codes = [r.code for r in client.replies_to_end()]
    assert codes[:2] == [250, 250]
    assert codes[2:] in ([554], [503], [421])
    assert sinks["plain"].messages == []
    assert b"evil" not in sinks["plain"].raw()


def test_input_behind_the_end_of_data(route):
    """Commands behind the true end are commands, as PIPELINING allows."""
    gateway, sinks = route
    client = begin(gateway, "plain")
    assert client.cmd("DATA") == 354
    client.send(b"Subject: a\r\n\r\ntext\r\n.\r\nMAIL FROM:<c@s.test>\r\n"
                b"QUIT\r\n")
    assert [r.code for r in client.replies_to_end()] == [250, 250, 221]
    message, = sinks["plain"].wait(1)
    assert without_trace(message.data) == b"Subject: a\r\n\r\ntext\r\n"


def test_a_reply_too_many_from_the_backend(start):
    """reply-split: what a backend says unasked is no answer to the next."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, workers=1)
    sink.answer = lambda session, verb, line: (
        b"250 2.0.0 taken\r\n550 5.0.0 never\r\n" if verb == "." else None)
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(b"Subject: one\r\n\r\n") == 250
        sink.answer = None
        assert client.mail(b"Subject: two\r\n\r\n") == 250
    assert len(sink.wait(2)) == 2
    # The connection that spoke out of turn was not used again.
    assert sink.messages[0].session is not sink.messages[1].session


@pytest.mark.parametrize("line", (
    b"MAIL FROM:<a\0b@x.example>", b"\0MAIL FROM:<a@x.example>",
    b"MAIL FROM:<a@x.example>\0", b"NOOP\0", b"EHLO a\0b"))
def test_nul_in_a_command(route, line):
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        reply = client.cmd(line)
        assert 500 <= reply.code <= 501, reply


@pytest.mark.parametrize("line", (
    b"MAIL FROM:<a@x.example>\rRCPT TO:<b@plain.test>",
    b"MAIL FROM:<a@x.example>\r"))
def test_bare_cr_in_a_command(route, line):
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        assert 500 <= client.cmd(line).code <= 501


def test_bare_lf_ends_no_command(route):
    """A client that never says CRLF gets an answer, and no session."""
    gateway, sinks = route
    with gateway.client() as client:
        client.send(b"EHLO x\nMAIL FROM:<a@x.example>\n")
        assert 500 <= client.reply().code <= 501


@pytest.mark.parametrize("length", (2100, 10000, 200000))
def test_overlong_command(route, length):
    """The tail of a line that is too long is not the next command."""
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        line = b"NOOP " + b"x" * (length - 20) + b" RSET\rRSET"
        client.send(line + b"\r\nNOOP\r\n")
        assert client.reply() == 500
        assert client.reply() == 250
        assert client.quit() == 221


def test_normalize_for_chosen_networks(start):
    """With bare_newline normalize the message is repaired, and still is
    one message."""
    sinks = {"plain": start.sink(EXTENSIONS),
             "chunking": start.sink(CHUNKING),
             "lmtp": start.sink(EXTENSIONS, lmtp=True)}
    gateway = start.gateway(
        {n: s.url for n, s in sinks.items()},
        listener="\tbare_newline normalize\n"
                 "\tbare_newline_from 127.0.0.1")
    variants = [v.encode() for v in LISTED if "\0" not in v]
    for way, sink in sinks.items():
        for variant in variants:
            client = begin(gateway, way)
            assert client.cmd("DATA") == 354
            client.send(HEADER + variant + SMUGGLED + b".\r\nQUIT\r\n")
            codes = [r.code for r in client.replies_to_end()]
            assert codes == [250, 221], (variant, codes)
        messages = sink.wait(len(variants))
        assert_nothing_bare(sink)
        for message in messages:
            assert message.sender == "outer@sender.test"
            assert b"\r\nSubject: SMUGGLED\r\n" in message.data
            if message.how == "BDAT":
                continue	# counted octets: a dot means nothing
            # What looked like an end is a stuffed dot on the wire.
            raw = message.session.raw
            assert not re.search(rb"\r\n\.\r\nMAIL FROM:<smuggled", raw)


def test_normalize_is_not_for_others(start):
    sink = start.sink()
    gateway = start.gateway(
        {"plain": sink.url},
        listener="\tbare_newline normalize\n"
                 "\tbare_newline_from 127.0.0.9 192.0.2.0/24")
    client = begin(gateway, "plain")
    assert client.data(b"Subject: a\nX: b\r\n\r\n") == 550
    client = gateway.client(source="127.0.0.9")
    client.ehlo()
    assert client.mail(b"Subject: a\nX: b\r\n\r\n") == 250
    message, = sink.wait(1)
    assert without_trace(message.data) == b"Subject: a\r\nX: b\r\n\r\n"
