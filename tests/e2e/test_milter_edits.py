"""Filters that change mails: each kind of edit, alone and together, all or
none of them; what the backends get, and what the client is told."""
import re

import pytest

from kit.any_filter import AnyFilter
from kit.filtered import MESSAGE, connect, filtered
from kit.raw_filter import (CONTINUE, RawFilter, add_header, add_rcpt,
                            change_header, change_sender, insert_header,
                            replace_body)

pytestmark = pytest.mark.core

HEADER, _, BODY = MESSAGE.partition(b"\r\n\r\n")
HEADER += b"\r\n"
SENDER, RCPTS = "a@sender.test", ["b@box.test", "c@box.test"]
MOST = 5 * 1024 * 1024
ROUTES = "".join('route { domains "%s.test" backend %s }\n' % pair
                 for pair in (("box", "in"), ("lm", "lm")))
LINE = b"01234567890123456789012345678901234567890123456789" \
    b"012345678901\r\n"


class Place:
    """A gateway before three backends: `in`, `lm` by LMTP, and `spam` for
    what is put into quarantine if it is told so."""

    def __init__(self, start, top=""):
        self.any = [start.keep(AnyFilter(start.work, name)).start()
                    for name in ("a", "b")]
        self.raw = start.keep(RawFilter(start.work))
        self.sinks = {"in": start.sink(), "lm": start.sink(lmtp=True),
                      "spam": start.sink()}
        self.sinks["in"].rcpt_replies = {
            "no@box.test": b"550 5.1.1 nobody\r\n",
            "later@box.test": b"450 4.2.1 not now\r\n"}
        a, b = ("\taddress \"%s\"" % f.url for f in self.any)
        passes = "\n\tfailure accept"
        self.gateway = filtered(start, {
            "one": ("", a), "passes": ("", a + passes), "two": ("", a, b),
            "first_passes": ("", a + passes, b),
            "raw": ("", "\taddress \"%s\"" % self.raw.url),
        }, {n: s.url for n, s in self.sinks.items()},
            "max_message_size 5M\n" + top, ROUTES)

    def send(self, listener, message=MESSAGE, rcpts=RCPTS, how="DATA",
             params=""):
        for sink in self.sinks.values():
            sink.clear()
        with connect(self.gateway.at[listener]) as client:
            client.ehlo()
            reply = client.mail(message, SENDER, rcpts, how, params)
            client.quit()
        return reply

    def got(self):
        """{backend: (sender, recipients, text)}, with <ours> in place of our
        own field; one message each at most."""
        found = {}
        for name, sink in self.sinks.items():
            assert len(sink.messages) < 2
            for m in sink.messages:
                text, n = re.subn(
                    rb"^Received: from [^\r]*(\r\n[ \t][^\r]*)*\r\n",
                    b"<ours>", m.data, count=1, flags=re.M)
                assert n == 1
                found[name] = (m.sender, m.taken, text)
        return found

    def failed(self, why, milter):
        """The last line that says so."""
        line = self.gateway.wait_line("milter failed ")[-1]
        assert ' milter=%s at="end of message" ' % milter in line
        assert re.search(' why="milter %s: .*%s' % (milter, why), line), line


@pytest.fixture(scope="module")
def place(module_start):
    return Place(module_start, "quarantine spam\n")


def edited(header=HEADER, body=BODY, above=b"", sender=SENDER, rcpts=RCPTS,
           backend="in"):
    return {backend: (sender, rcpts,
                      above + b"<ours>" + header + b"\r\n" + body)}


UNCHANGED = edited()

# What it does (milter_any), and what comes of it.
HEADERS = {
    "add": (["add_header X-New:one"], HEADER + b"X-New: one\r\n"),
    "add-what-is-there": (["add_header subject:again"],
                          HEADER + b"subject: again\r\n"),
    "add-two": (["add_header X-New:1", "add_header X-New:2"],
                HEADER + b"X-New: 1\r\nX-New: 2\r\n"),
    "add-folds": (["add_header X-New:a\n\tb\r\n c"],
                  HEADER + b"X-New: a\r\n\tb\r\n c\r\n"),
    "add-no-field-more": (["add_header X-New:a\nBcc: x@y.test\n\nbody"],
                          HEADER + b"X-New: a\r\n\tBcc: x@y.test\r\n"
                          b"\tbody\r\n"),
    "add-8-bit": (["add_header X-New:\u00e4\u00f6"],
                  HEADER + "X-New: \u00e4\u00f6\r\n".encode()),
    "insert-1": (["insert_header 1 X-New:i"], b"X-New: i\r\n" + HEADER),
    "insert-1-twice": (["insert_header 1 X-New:i", "insert_header 1 X-New:j"],
                       b"X-New: j\r\nX-New: i\r\n" + HEADER),
    "insert-2": (["insert_header 2 X-New:i"],
                 HEADER.replace(b"To:", b"X-New: i\r\nTo:")),
    "insert-99": (["insert_header 99 X-New:i"], HEADER + b"X-New: i\r\n"),
    "change": (["change_header 1 Subject:other"],
               HEADER.replace(b"told", b"other")),
    "change-0": (["change_header 0 Subject:other"],
                 HEADER.replace(b"told", b"other")),
    "change-case": (["change_header 1 SUBJECT:other"],
                    HEADER.replace(b"Subject: told", b"SUBJECT: other")),
    "change-2": (["change_header 2 Subject:other"],
                 HEADER + b"Subject: other\r\n"),
    "change-ours": (["change_header 1 Received:x"],
                    HEADER + b"Received: x\r\n"),
    "delete": (["delete_header 1 subject"],
               HEADER.replace(b"Subject: told\r\n", b"")),
    "delete-what-is-not-there": (["delete_header 2 Subject"], HEADER),
    "delete-ours": (["delete_header 1 Received"], HEADER),
    "delete-and-add": (["delete_header 1 Subject", "add_header Subject:z"],
                       HEADER.replace(b"Subject: told\r\n", b"") +
                       b"Subject: z\r\n"),
    "progress": (["progress 3", "add_header X-New:one", "progress 1"],
                 HEADER + b"X-New: one\r\n"),
}
BODIES = {
    "new": (["body new\r\n"], b"new\r\n"),
    "larger": (["body_octets 20000"], (LINE * 313)[:20000] + b"\r\n"),
    "pieces": (["body one\r", "body \ntwo\r\n"], b"one\r\ntwo\r\n"),
    "between-others": (["body one\r\n", "delete_header 9 X-None",
                        "body two\r\n"], b"one\r\ntwo\r\n"),
    "empty": (["body "], b""),
    "bare-LF": (["body one\ntwo\n"], b"one\r\ntwo\r\n"),
    "bare-CR": (["body one\rtwo"], b"one\r\ntwo\r\n"),
    "no-end": (["body one"], b"one\r\n"),
    "dots": (["body .\r\n..\r\n.x\r\n\r\n.\r\n"],
             b".\r\n..\r\n.x\r\n\r\n.\r\n"),
    "8-bit": (["body \u00fcber\r\n"], "\u00fcber\r\n".encode()),
    "5-MB": (["body_octets 5000000"],
             (LINE * (5000000 // 64 + 1))[:5000000]),
}
SENDERS = {
    "other": (["sender <n@sender.test>"], "n@sender.test"),
    "bare": (["sender n@sender.test"], "n@sender.test"),
    "null": (["sender <>"], ""),
    "the-last": (["sender <n@sender.test>", "sender <m@sender.test>"],
                 "m@sender.test"),
    "parameters": (["sender <n@sender.test> RET=HDRS ENVID=x1"],
                   "n@sender.test"),
}
B, C = RCPTS
ENVELOPES = {
    "add": (["add_rcpt <d@box.test>"], [B, C, "d@box.test"]),
    "add-bare": (["add_rcpt d@box.test"], [B, C, "d@box.test"]),
    "add-two": (["add_rcpt <d@box.test>", "add_rcpt <e@box.test>"],
                [B, C, "d@box.test", "e@box.test"]),
    "add-with": (["add_rcpt <d@box.test> NOTIFY=NEVER"],
                 [B, C, "d@box.test"]),
    "add-who-is-there": (["add_rcpt <b@box.test>", "add_rcpt <C@BOX.test>"],
                         [B, C]),
    "add-twice": (["add_rcpt <d@box.test>", "add_rcpt <d@box.test>"],
                  [B, C, "d@box.test"]),
    "delete": (["delete_rcpt <b@box.test>"], [C]),
    "delete-bare": (["delete_rcpt b@box.test"], [C]),
    "delete-case": (["delete_rcpt <B@Box.Test>"], [C]),
    "delete-nobody": (["delete_rcpt <x@box.test>"], [B, C]),
    "delete-and-add": (["delete_rcpt <b@box.test>", "add_rcpt <b@box.test>"],
                       [B, C]),
    "add-and-delete": (["add_rcpt <d@box.test>", "delete_rcpt <d@box.test>"],
                       [B, C]),
    "all-others": (["delete_rcpt <b@box.test>", "delete_rcpt <c@box.test>",
                    "add_rcpt <d@box.test>"], ["d@box.test"]),
}
# What cannot be done, and the reason in the log.
FAILURES = {
    "not-routable": (["add_rcpt <d@nowhere.test>"], "d@nowhere.test"),
    "refused": (["add_rcpt <no@box.test>"], "550 5.1.1 nobody"),
    "one-of-two": (["add_rcpt <d@box.test>", "add_rcpt <no@box.test>"],
                   "550 5.1.1 nobody"),
    "behind-others": (["sender <n@sender.test>", "add_header X-New:one",
                       "body new\r\n", "delete_rcpt <b@box.test>",
                       "add_rcpt <d@lm.test>", "add_rcpt <no@box.test>"],
                      "550 5.1.1 nobody"),
    "no-address": (["add_rcpt <d>"], "add recipient"),
    "bad-parameter": (["add_rcpt <d@box.test> NOTIFY=MAYBE"], "NOTIFY"),
    "bad-sender": (["sender <n@@sender.test>"], "change sender"),
    "bad-sender-parameter": (["sender <n@sender.test> RET=MAYBE"], "RET"),
    "body-too-large": (["body_octets 6400000"], "new body of more than"),
}


def plan(*edits, final="continue"):
    """Lines of milter_any's plan."""
    lines = [("eom", "*", edit.partition(" ")[0], edit.partition(" ")[2])
             for edit in edits]
    return lines + [("eom", "*", final)]


def check(place, edits, expected):
    place.any[0].plan(*plan(*edits))
    assert place.send("one") == 250
    assert place.got() == expected
    done = place.gateway.wait_line("mail done .*from=<a@sender.test> ")[-1]
    if expected != UNCHANGED:
        assert " changed-by=one0 " in done


@pytest.mark.parametrize("name", HEADERS)
def test_header(place, name):
    edits, header = HEADERS[name]
    check(place, edits, edited(header))


def test_above_our_own_field(place):
    check(place, ["insert_header 0 X-New:i", "insert_header 0 X-New:j",
                  "insert_header 1 X-New:k"],
          edited(above=b"X-New: j\r\nX-New: k\r\nX-New: i\r\n"))


@pytest.mark.parametrize("name", BODIES)
def test_body(place, name):
    edits, body = BODIES[name]
    if not body.endswith(b"\r\n") and body:
        body += b"\r\n"
    check(place, edits, edited(body=body))


@pytest.mark.parametrize("name", SENDERS)
def test_sender(place, name):
    edits, sender = SENDERS[name]
    check(place, edits, edited(sender=sender))
    if name == "parameters":
        line = place.sinks["in"].messages[0].mail_line
        assert " RET=HDRS" in line and " ENVID=x1" in line


@pytest.mark.parametrize("name", ENVELOPES)
def test_envelope(place, name):
    edits, rcpts = ENVELOPES[name]
    place.any[0].plan(*plan(*edits))
    assert place.send("one") == 250
    got = place.got()
    sender, taken, text = got.pop("in")
    assert got == {} and (sender, text) == UNCHANGED["in"][::2]
    assert sorted(taken) == sorted(rcpts)
    if name == "add-with":
        lines = place.sinks["in"].messages[0].rcpt_lines
        assert [line for line in lines if "NOTIFY" in line] == [
            "RCPT TO:<d@box.test> NOTIFY=NEVER"]


def test_nobody_is_left(place):
    """It is taken and goes nowhere, as in Postfix."""
    place.any[0].plan(*plan("delete_rcpt <b@box.test>",
                            "delete_rcpt <c@box.test>"))
    assert place.send("one") == 250
    assert place.got() == {}
    assert " outcome=discarded " in place.gateway.wait_line(
        "mail done .*from=<a@sender.test> ")[-1]


def test_another_backend(place):
    place.any[0].plan(*plan("add_rcpt <d@lm.test>", "add_header X-New:one"))
    assert place.send("one") == 250
    header = HEADER + b"X-New: one\r\n"
    assert place.got() == {
        **edited(header), **edited(header, rcpts=["d@lm.test"],
                                   backend="lm")}
    place.any[0].plan(*plan("add_rcpt <d@lm.test>", "sender <n@sender.test>",
                            "delete_rcpt <b@box.test>",
                            "delete_rcpt <c@box.test>"))
    assert place.send("one") == 250
    assert place.got() == edited(rcpts=["d@lm.test"], backend="lm",
                                 sender="n@sender.test")


@pytest.mark.parametrize("name", FAILURES)
def test_all_or_none(place, name):
    """What cannot be done whole is not done at all: the mail waits at its
    sender, or goes on as it came if the settings say so."""
    edits, why = FAILURES[name]
    place.any[0].plan(*plan("add_header X-New:one", *edits))
    reply = place.send("one")
    assert (reply.code, reply.enhanced) == (451, "4.7.1")
    assert place.got() == {}
    place.failed(why, "one0")
    assert place.send("passes") == 250
    assert place.got() == UNCHANGED
    place.failed(why, "passes0")


@pytest.mark.parametrize("listener", ("one", "passes"))
def test_a_backend_that_defers_whom_a_filter_adds(place, listener):
    """No failure of the filter: the mail waits, whatever its settings say."""
    place.any[0].plan(*plan("add_rcpt <later@box.test>"))
    reply = place.send(listener)
    assert (reply.code, reply.enhanced) == (451, "4.3.0")
    assert place.got() == {}
    place.gateway.wait_line('mail done .* outcome=deferred .* why="what '
                            'milter %s0 wants: .*450 4.2.1 not now"' %
                            listener)


@pytest.mark.parametrize("listener, reply, code, enhanced", (
    ("one", b"550 5.1.8 not from him\r\n", 451, "4.7.1"),
    ("passes", b"550 5.1.8 not from him\r\n", 250, "2.0.0"),
    ("one", b"450 4.1.8 not yet from him\r\n", 451, "4.3.0"),
    ("passes", b"450 4.1.8 not yet from him\r\n", 451, "4.3.0")))
def test_a_backend_that_refuses_the_new_sender(place, listener, reply, code,
                                               enhanced):
    """It is asked at once. For good: what the filter wants cannot be done,
    which is a failure of the filter. For now: 451, whatever that means."""
    place.any[0].plan(*plan("sender <n@sender.test>"))
    place.sinks["in"].answer = lambda session, verb, line: \
        reply if verb == "MAIL" and "<n@" in line else None
    told = place.send(listener)
    place.sinks["in"].answer = None
    assert (told.code, told.enhanced) == (code, enhanced)
    assert place.got() == (edited() if code == 250 else {})
    if reply.startswith(b"5"):
        place.failed("change sender <n@sender.test>: in .*550 5.1.8",
                     listener + "0")


@pytest.mark.parametrize("final, code", (
    ("accept", 250), ("continue", 250), ("reject", 550), ("tempfail", 451),
    ("discard", 250)))
def test_edits_and_then(place, final, code):
    place.any[0].plan(*plan("add_header X-New:one", "add_rcpt <d@box.test>",
                            "sender <n@sender.test>", final=final))
    assert place.send("one") == code
    assert place.got() == (edited(
        HEADER + b"X-New: one\r\n", sender="n@sender.test",
        rcpts=RCPTS + ["d@box.test"]) if final in ("accept", "continue")
        else {})


def test_all_together(place):
    place.any[0].plan(*plan(
        "insert_header 0 X-Top:t", "insert_header 1 X-Ins:i",
        "change_header 1 Subject:other", "delete_header 1 X-Filter",
        "add_header X-New:one", "body new\n", "sender <n@sender.test>",
        "delete_rcpt <b@box.test>", "add_rcpt <d@box.test>",
        "add_rcpt <e@lm.test>"))
    header = HEADER.replace(b"told", b"other").replace(
        b"X-Filter: here\r\n", b"X-New: one\r\n")
    above = b"X-Top: t\r\nX-Ins: i\r\n"
    for how in ("DATA", "BDAT"):
        assert place.send("one", how=how) == 250
        assert place.got() == {
            **edited(header, b"new\r\n", above, "n@sender.test",
                     [C, "d@box.test"]),
            **edited(header, b"new\r\n", above, "n@sender.test",
                     ["e@lm.test"], "lm")}


def test_quarantine(place):
    place.any[0].plan(*plan("quarantine looks odd", "add_header X-New:one",
                            "add_rcpt <d@lm.test>"))
    assert place.send("one") == 250
    got = place.got()
    sender, taken, text = got.pop("spam")
    assert got == {}
    assert (sender, sorted(taken)) == (SENDER, sorted(
        RCPTS + ["d@lm.test"]))
    assert text == (b"X-Forepost-Quarantine: milter one0: looks odd\r\n"
                    b"<ours>" + HEADER + b"X-New: one\r\n\r\n" + BODY)
    place.any[0].plan(*plan("quarantine looks odd", final="reject"))
    assert place.send("one") == 550
    assert place.got() == {}


def test_quarantine_without_one(start):
    """It goes where it would have gone, and says why."""
    place = Place(start)
    place.any[0].plan(*plan("quarantine looks odd"))
    assert place.send("one") == 250
    assert place.got() == edited(
        above=b"X-Forepost-Quarantine: milter one0: looks odd\r\n")


# --- two filters ---

def test_the_second_sees_what_the_first_has_done(place):
    place.any[0].plan(*plan("add_header X-New:one", "body new\r\n",
                            "insert_header 1 Subject:first"))
    place.any[1].plan(*plan("change_header 1 Subject:second",
                            "delete_header 1 X-New"))
    assert place.send("two") == 250
    assert place.got() == edited(b"Subject: second\r\n" + HEADER,
                                 b"new\r\n")


def test_the_second_refuses(place):
    place.any[0].plan(*plan("add_header X-New:one", "add_rcpt <d@lm.test>",
                            "sender <n@sender.test>"))
    place.any[1].plan(*plan(final="reject"))
    assert place.send("two") == 550
    assert place.got() == {}
    place.any[1].plan(("rcpt", "<d@", "reject"), ("eom", "*", "tempfail"))
    assert place.send("two") == 451
    assert place.got() == {}


def test_the_edits_of_the_first_cannot_be_made(place):
    """The second sees the message as it came, and its own are made."""
    place.any[0].plan(*plan("add_header X-New:one", "add_rcpt <no@box.test>"))
    place.any[1].plan(*plan("add_header X-New:two", "add_rcpt <d@box.test>",
                            "change_header 1 X-New:2"))
    assert place.send("first_passes") == 250
    assert place.got() == edited(
        HEADER + b"X-New: 2\r\n", rcpts=RCPTS + ["d@box.test"])
    assert place.send("two") == 451
    assert place.got() == {}


def test_both_change_the_envelope(place):
    place.any[0].plan(*plan("add_rcpt <d@box.test>", "sender <>",
                            "delete_rcpt <b@box.test>"))
    place.any[1].plan(*plan("delete_rcpt <d@box.test>",
                            "add_rcpt <e@box.test>",
                            "sender <n@sender.test>"))
    assert place.send("two") == 250
    assert place.got() == edited(sender="n@sender.test",
                                 rcpts=[C, "e@box.test"])


# --- other kinds of mail ---

def test_smtputf8(place):
    place.any[0].plan(*plan("add_rcpt <d\u00fc@box.test>",
                            "add_header X-New:\u00fc"))
    assert place.send("one", params=" SMTPUTF8") == 250
    assert place.got() == edited(HEADER + "X-New: \u00fc\r\n".encode(),
                                 rcpts=RCPTS + ["d\u00fc@box.test"])
    # A mail that may not have such an address does not get it.
    assert place.send("one") == 451
    assert place.got() == {}


@pytest.mark.parametrize("params", ("", " PRDR"))
def test_who_was_added_has_no_reply_of_his_own(place, params):
    place.any[0].plan(*plan("add_rcpt <d@lm.test>", "delete_rcpt <" + B + ">"))
    place.sinks["lm"].lmtp_replies = {
        "d@lm.test": [b"450 4.2.0 later\r\n", b"250 2.0.0 ok\r\n"]}
    reply = place.send("one", params=params)
    assert reply == 451
    place.sinks["lm"].lmtp_replies = {}
    assert place.got() == edited(rcpts=[C])
    place.gateway.wait_line("mixed outcome .*to=d@lm.test code=450 ")


def test_prdr(place):
    """Who was deleted is told 250 as the others are."""
    place.any[0].plan(*plan("delete_rcpt <1@lm.test>"))
    place.sinks["lm"].lmtp_replies = {"2@lm.test": b"552 5.2.2 full\r\n"}
    for sink in place.sinks.values():
        sink.clear()
    with connect(place.gateway.at["one"]) as client:
        client.ehlo()
        assert client.envelope(SENDER, ["1@lm.test", "2@lm.test",
                                        "3@lm.test"], " PRDR") == 250
        replies = [client.data(MESSAGE)]
        replies += [client.reply() for _ in range(4)]
        assert [r.code for r in replies] == [353, 250, 552, 250, 250]
        client.quit()
    place.sinks["lm"].lmtp_replies = {}
    assert place.got() == edited(rcpts=["3@lm.test"], backend="lm")


def test_the_delivery_memory(start):
    """Who was added and deferred gets it at the next try, and nobody else
    again."""
    place = Place(start, 'store { address "lmdb:var/store" }\n')
    place.any[0].plan(*plan("add_rcpt <d@lm.test>", "body new\r\n"))
    place.sinks["lm"].lmtp_replies = {
        "d@lm.test": [b"450 4.2.0 later\r\n", b"250 2.0.0 ok\r\n"]}
    assert place.send("one") == 451
    assert place.got() == edited(body=b"new\r\n")
    assert place.send("one") == 250
    assert place.got() == edited(body=b"new\r\n", rcpts=["d@lm.test"],
                                 backend="lm")


# --- what the library would not send ---

WRONG = {
    "name-with-colon": add_header(b"X:Y", b"z"),
    "name-with-space": add_header(b"X Y", b"z"),
    "no-name": insert_header(1, b"", b"z"),
    "name-with-LF": change_header(1, b"X\nY", b"z"),
    "long-line": add_header(b"X-New", b"z" * 1100),
    "no-rcpt": add_rcpt(b"<>"),
    "rcpt-with-CRLF": add_rcpt(b"<d@box.test>\r\nDATA"),
    "rcpt-8-bit": add_rcpt(b"<\xff@box.test>"),
    "sender-with-CRLF": change_sender(b"<d@box.test>\r\nDATA"),
    "parameter-with-CRLF": change_sender(b"<d@box.test>", b"RET=HDRS\r\nX"),
}


@pytest.mark.parametrize("name", WRONG)
def test_wrong_edits(place, name):
    place.raw.fault(b"E", add_header(b"X-New", b"1") + WRONG[name] + CONTINUE)
    assert place.send("raw") == 451
    assert place.got() == {}
    assert place.send("raw") == 250
    assert place.got() == UNCHANGED


def test_body_octets(place):
    """NUL and octets that are no text; pieces that split a line end."""
    place.raw.fault(b"E", b"".join(replace_body(p) for p in (
        b"a\0b\r", b"\n\xff\xfe\r\n", b".", b"\r\n", b"")) + CONTINUE)
    assert place.send("raw") == 250
    assert place.got() == edited(body=b"ab\r\n\xff\xfe\r\n.\r\n")
