"""What an MTA does for filters, fact by fact (milter-facts), over whole
dialogues: what packets alone can show is in tests/vectors/test_milter.py.

The filter is our own (kit/raw_filter.py), which hears every packet.
"""
import os
import re
import threading

import dkim
import pytest

from kit import samples
from kit.certs import make_key
from kit.filtered import MESSAGE, connect, filtered, split_received
from kit.raw_filter import (ACCEPT, CONTINUE, LEADING_SPACE, NO_HEADERS,
                            REJECT, SKIP, RCPT_REJ, RawFilter, add_header,
                            change_header, insert_header, replace_body)

pytestmark = pytest.mark.core

# Shown in other tests, by their names.
ELSEWHERE = {
    "ins-index": "test_milter_edits.test_header",
    "ins-seq": "test_milter_edits.test_header",
    "chg-own": "test_milter_edits.test_header",
    "add-dup": "test_milter_edits.test_header",
    "repl-whole": "test_milter_edits.test_body",
    "repl-lockout": "test_milter_edits.test_body",
    "rcpt-del-exact": "test_milter_edits.test_envelope",
    "rcpt-add-dup": "test_milter_edits.test_envelope",
    "rcpt-del-add": "test_milter_edits.test_envelope",
    "rcpt-none": "test_milter_edits.test_nobody_is_left",
    "edits-then-verdict": "test_milter_edits.test_edits_and_then",
    "two-filters":
        "test_milter_edits.test_the_second_sees_what_the_first_has_done",
    "rcpt-reject": "test_milter_answers.test_answers",
    "mail-reject": "test_milter_answers.test_answers",
    "data-reject": "test_milter_answers.test_answers",
    "accept-msg": "test_milter_answers.test_heard_behind_an_answer",
    "timeouts": "test_milter_failures.test_slow_faults",
    "unix-tcp": "test_milter_health.test_killed_and_started_again",
}
HEADER, _, BODY = MESSAGE.partition(b"\r\n\r\n")
FIELDS = [tuple(f.split(b": ")) for f in HEADER.split(b"\r\n")]


class Place:
    """A gateway that tells one filter, and two, each step at once."""

    def __init__(self, start, authority):
        self.sink = start.sink()
        self.filters = [start.keep(RawFilter(start.work)) for _ in range(2)]
        first, second = ("\taddress \"%s\"\n\ttell_at connect\n"
                         "\tmax_idle 0" % f.url for f in self.filters)
        self.gateway = filtered(start, {
            "one": ("\tcertificate \"%s\"\n\tkey \"%s\"\n"
                    "\tmax_message_size 1M" % authority.issue("gw.e2e.test"),
                    first),
            "two": ("", first, second)}, {"in": self.sink.url})

    def client(self, at="one"):
        client = connect(self.gateway.at[at])
        client.ehlo()
        return client

    def send(self, message=MESSAGE, at="one", code=250):
        """What the filter heard of it, and what the backend has."""
        with self.client(at) as client:
            assert client.mail(message) == code
            client.quit()
        self.over()
        return self.filters[0].sessions[-1], \
            self.sink.messages[-1].data if code == 250 else None

    def over(self):
        for f in self.filters:
            f.wait_ended()


@pytest.fixture(scope="module")
def whole(module_start, authority):
    return Place(module_start, authority)


@pytest.fixture
def place(whole):
    whole.sink.clear()
    yield whole
    for f in whole.filters:
        f.clear()
        f.answer, f.steps = None, SKIP


def fact_neg_eachconn(place):
    place.filters[0].steps = SKIP | NO_HEADERS
    assert place.send()[0].fields() == []
    place.filters[0].steps = SKIP
    assert len(place.send()[0].fields()) == len(FIELDS)


def fact_hdr_order(place):
    lines = [b"Received: three", b"Subject: a", b"Received: two",
             b"Received: one", b"Subject: b", b"received: zero"]
    heard, data = place.send(b"\r\n".join(lines) + b"\r\n" + MESSAGE)
    assert [b": ".join(f) for f in heard.fields()] == \
        lines + [b": ".join(f) for f in FIELDS]
    assert data.startswith(b"Received: from ")
    assert not any(b"by gw.e2e.test" in value for _, value in heard.fields())


def fact_hdr_noname(place):
    """The line stays where it is; what comes behind it is header for the
    filter as it is for the rules."""
    message = b"From: <a@x.test>\r\nTo: b\r\nno field here\r\n" \
        b"Subject: x\r\n\r\nbody\r\n"
    place.filters[0].fault(b"E", change_header(1, b"Subject", b"y") +
                           add_header(b"X-New", b"1") + CONTINUE)
    heard, data = place.send(message)
    header, _, body = message.partition(b"\r\n\r\n")
    assert heard.fields() == [
        (b"From", b"<a@x.test>"), (b"To", b"b"), (b"Subject", b"x")]
    assert heard.body() == body
    assert split_received(data)[1] == header.replace(
        b"x\r\n", b"y\r\n").replace(b"Subject: x", b"Subject: y") + \
        b"\r\nX-New: 1\r\n\r\n" + body


def fact_chg_after_del(place):
    place.filters[0].fault(b"E", change_header(1, b"X", b"") * 2 + CONTINUE)
    _, data = place.send(b"X: 1\r\nX: 2\r\nX: 3\r\n" + MESSAGE)
    assert split_received(data)[1] == b"X: 3\r\n" + MESSAGE


def fact_chg_fold(place):
    place.filters[0].fault(b"E", change_header(1, b"Subject", b"short") +
                           CONTINUE)
    folded = MESSAGE.replace(b"told", b"a\r\n b\r\n\tc")
    _, data = place.send(folded)
    assert split_received(data)[1] == MESSAGE.replace(b"told", b"short")


def fact_body_empty(place):
    for message in (HEADER + b"\r\n\r\n", HEADER + b"\r\n"):
        heard, data = place.send(message)
        assert heard.letters() == b"OCHMRT" + b"L" * len(FIELDS) + b"NEQ"
        assert split_received(data)[1] == message


def fact_repl_smaller(place, work, start):
    """DKIM is checked as the message came, whatever filters make of it."""
    key = make_key(work)
    start.resolver().records[("s1._domainkey.sender.test", "TXT")] = [
        "v=DKIM1; k=rsa; p=" + key[1]]
    raw = start.keep(RawFilter(start.work))
    raw.fault(b"E", replace_body(b"s\r\n") + CONTINUE)
    sink = start.sink()
    gateway = filtered(start, {"in": (
        "", "\taddress \"%s\"" % raw.url)}, {"in": sink.url}, results=True)
    signed = dkim.sign(MESSAGE, b"s1", b"sender.test", key[0]) + MESSAGE
    with connect(gateway.at["in"]) as client:
        client.ehlo()
        assert client.mail(signed) == 250
        client.quit()
    assert sink.messages[0].data.endswith(b"\r\n\r\ns\r\n")
    assert b"\r\n\tdkim=pass " in sink.messages[0].data


def fact_after_error(place):
    """Who has not finished is told so; nobody gets half a message."""
    first, second = place.filters
    first.fault(b"E", REJECT)
    place.send(at="two", code=550)
    assert first.sessions[-1].letters()[-3:] == b"BEQ"
    assert second.sessions[-1].letters() == b"OCHMRTAQ"
    second.fault(b"R", REJECT)
    with place.client("two") as client:
        assert client.envelope("a@x.test", "b@box.test") == 550
        client.quit()
    place.over()
    for f in place.filters:
        assert f.sessions[-1].letters() == b"OCHMRAQ"
    # Too large: that is ours to say.
    place.send(MESSAGE + b"0123456789abcde\r\n" * 100000, code=552)
    assert first.sessions[-1].letters() == b"OCHMRTAQ"


def fact_abort(place):
    """Of the mail alone; and not behind one that is over."""
    rounds = (("RSET",), ("EHLO again.test",), ("HELO again.test",), ())
    with place.client() as client:
        assert client.mail(MESSAGE) == 250
        assert client.cmd("RSET") == 250
        for commands in rounds:
            assert client.envelope("a@x.test", "b@box.test") == 250
            for command in commands:
                assert client.cmd(command) == 250
        client.close()	# in the middle of the last one
    place.over()
    heard = place.filters[0].sessions[-1].letters()
    assert heard == b"OCHMRT" + b"L" * len(FIELDS) + \
        b"NBE" b"MRA" b"MRAH" b"MRAH" b"MRAQ"


def fact_order(place):
    with place.client() as client:
        client.cmd("XONE")
        client.cmd("MAIL FROM:<a@x.test>")
        client.cmd("XTWO")
        for n in range(3):
            client.cmd("RCPT TO:<%d@box.test>" % n)
        assert client.bdat(MESSAGE + b"x" * 200000 + b"\r\n", 1000) == 250
        client.cmd("XTHREE")
        client.quit()
    place.over()
    assert re.fullmatch(b"OCHUMURRRTL{%d}NB{4}EUQ" % len(FIELDS),
                        place.filters[0].sessions[-1].letters())


def fact_helo_again(place):
    with place.client() as client:
        client.starttls()
        assert client.cmd("EHLO tls.test") == 250
        client.quit()
    place.over()
    assert place.filters[0].sessions[-1].data_of(b"H") == [
        b"client.e2e.test\0", b"tls.test\0"]


def fact_starttls_macros(place):
    with place.client() as client:
        client.starttls()
        client.ehlo()
        client.envelope("a@x.test", "b@box.test")
        session = place.filters[0].sessions[-1]
        macros = {**session.macros[b"H"], **session.macros[b"M"]}
        assert macros[b"{tls_version}"].startswith(b"TLSv1.")
        assert macros[b"{cipher}"] and int(macros[b"{cipher_bits}"]) >= 128
        client.quit()


def fact_macro_clear(place):
    with place.client() as client:
        ids = []
        for sender, rcpt in (("a@x.test", "b@box.test"), ("", "c@box.test")):
            client.envelope(sender, rcpt)
            macros = place.filters[0].sessions[-1].macros
            ids.append(macros[b"M"][b"i"])
            assert macros[b"M"][b"{mail_addr}"] == sender.encode()
            assert macros[b"R"][b"{rcpt_addr}"] == rcpt.encode()
            assert b"{rcpt_addr}" not in macros[b"M"]
            client.cmd("RSET")
        assert ids[0] != ids[1]
        # Those of the connection are told with it alone, once.
        assert len([d for d in place.filters[0].sessions[-1].data_of(b"D")
                    if d[:1] == b"C"]) == 1
        client.quit()


def fact_two_filters_2(place):
    """The second does not hear of him; nor does one that wants to hear of the
    refused ones: it was a filter that refused him."""
    first, second = place.filters
    second.steps = SKIP | RCPT_REJ
    first.answer = lambda session, letter, data: \
        REJECT if letter == b"R" and b"no@" in data else None
    with place.client("two") as client:
        client.cmd("MAIL FROM:<a@x.test>")
        assert [client.cmd("RCPT TO:<%s@box.test>" % name).code
                for name in ("a", "no", "b")] == [250, 550, 250]
        assert client.data(MESSAGE) == 250
        client.quit()
    place.over()
    assert second.sessions[-1].data_of(b"R") == [
        b"<a@box.test>\0", b"<b@box.test>\0"]
    assert first.sessions[-1].data_of(b"R") == [
        b"<a@box.test>\0", b"<no@box.test>\0", b"<b@box.test>\0"]


FORGED = b"Authentication-Results: %s; dkim=pass\r\n"


def fact_eom_insert_ar(place):
    """Forged ones are removed from the last up, a new one is put in front."""
    text = b"".join(FORGED % name for name in (b"mx.a", b"mx.b", b"mx.a"))
    for index in (0, 1):
        place.filters[0].fault(b"E", b"".join(
            change_header(n, b"Authentication-Results", b"")
            for n in (3, 1)) + insert_header(
                index, b"Authentication-Results", b"mx.a; none") + CONTINUE)
        _, data = place.send(text + MESSAGE)
        ours = re.search(rb"^Received: from .*\r\n([ \t].*\r\n)*", data,
                         re.M).group(0)
        mine = b"Authentication-Results: mx.a; none\r\n"
        assert data == (mine + ours if index == 0 else ours + mine) + \
            FORGED % b"mx.b" + MESSAGE


def fact_dkim_verify_trace(place):
    """The header octet by octet, white space and folds too, if the filter
    asks for the space; and the body."""
    place.filters[0].steps = SKIP | LEADING_SPACE
    header = b"From:no space\r\nTo:  two\r\nX-Tab:\ttab\r\nSubject: a\r\n" \
        b" b \r\n\tc\t\r\nX-Empty:\r\nX-8: \xe4\xff\r\n"
    body = b"\r\n \r\n.\r\n..x \t\r\n\r\n"
    heard, _ = place.send(header + b"\r\n" + body)
    assert b"".join(name + b":" + value.replace(b"\n", b"\r\n") + b"\r\n"
                    for name, value in heard.fields()) == header
    assert heard.body() == body


def fact_go_31(place):
    """Connections end without a word on either side, and nothing comes of
    it."""
    with place.client() as client:
        client.envelope("a@x.test", "b@box.test")
        client.cmd("DATA")
        client.send(MESSAGE[:50])
        client.reset()
    place.over()
    assert place.filters[0].sessions[-1].letters() == b"OCHMRTAQ"
    assert place.filters[0].sessions[-1].ended == "quit"
    # One that has said all it wants to say, before the next mail comes.
    ended = threading.Semaphore(0)

    def end(session):
        session.send(ACCEPT)
        session.sock.shutdown(1)
        ended.release()
    place.filters[0].answer = lambda session, letter, data: \
        end if letter == b"E" else None
    with place.client() as client:
        for _ in range(3):
            assert client.mail(MESSAGE) == 250
            assert ended.acquire(timeout=10)
        client.quit()
    assert place.gateway.lines("milter failed") == []


SHOWN = {name.removeprefix("fact_").replace("_", "-"): check
         for name, check in sorted(globals().items())
         if name.startswith("fact_")}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_fact(place, name, request):
    check = SHOWN[name]
    check(*(request.getfixturevalue(fixture) for fixture in
            check.__code__.co_varnames[:check.__code__.co_argcount]))


def test_all_facts_are_shown(vectors):
    here = os.path.dirname(os.path.abspath(__file__))
    with open(os.path.join(samples.vectors(), "milter-facts/facts.yml")) as f:
        facts = set(re.findall(r"^- id: (\S+)$", f.read(), re.M))
    with open(os.path.join(here, "../vectors/test_milter.py")) as f:
        by_packets = {name.replace("_", "-") for name in re.findall(
            r"^def fact_(\w+)", f.read(), re.M)} | {"len", "pipelining"}
    assert facts == by_packets | set(SHOWN) | set(ELSEWHERE)
    assert len(SHOWN) + len(ELSEWHERE) == 35
    for where in ELSEWHERE.values():
        module, _, name = where.partition(".")
        with open(os.path.join(here, module + ".py")) as f:
            assert "\ndef %s(" % name in f.read()
