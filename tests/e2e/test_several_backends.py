"""One mail for several backends: it goes to all of them at once, and what one
of them does or says is for its own recipients."""
import glob
import os
import signal
import threading

import pytest

from kit.apart import (FULL, LATER, MESSAGE, OK, STORE, bounced,
                       gateway_before, submit)
from kit.client import stuff
from kit.process import wait_until
from kit.ruled import write_rules
from kit.sink import CHUNKING, CLOSE, EXTENSIONS, Sink

SOON = "\tretry_time 100ms\n\tprobe_interval 100ms"


def maildir_of(gateway, name="Maildir"):
    """What it holds, CRLF line ends."""
    found = []
    for path in glob.glob(gateway.path(name) + "/new/*"):
        with open(path, "rb") as f:
            found.append(f.read())
    return found


def two(start, top="", store=STORE):
    """A gateway before backends `a` and `b`."""
    a, b = start.sink(), start.sink()
    gateway = gateway_before(start, {"a": a.url, "b": b.url},
                             store + top, backend=SOON)
    return gateway, a, b


BOTH = ["1@a.test", "2@b.test"]


def test_four_kinds(start):
    postfix, dovecot, sink = start.postfix(), start.dovecot(), start.sink()
    gateway = start.gateway({"box": "maildir:unused"}, start=False)
    gateway.own_folder("var")
    gateway.configure(gateway.text({
        "box": postfix.url, "dovecot": dovecot.url(True), "sink": sink.url,
        "folder": "maildir:" + gateway.own_folder("Maildir")}, STORE))
    gateway.start()
    message = MESSAGE % b"four"
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(message, rcpts=[
            "b@box.test", "d@dovecot.test", "s@sink.test", "f@folder.test",
            "g@folder.test", "e@dovecot.test"]) == 250
        client.quit()
    assert postfix.wait(b"<four@").endswith(message)
    assert sink.messages[0].data.endswith(message)
    assert sink.copies() == ["s@sink.test"]
    assert [m.endswith(message) for m in maildir_of(gateway)] == [True]
    stored = wait_until(lambda: len(dovecot.delivered()) == 2 and
                        dovecot.delivered(), what="two mailboxes")
    assert all(m.endswith(message) for m in stored)
    gateway.wait_line(r'mail done .*outcome=delivered .*rcpts=6 .*backend="'
                      r'box smtp:\S+, dovecot lmtp:\S+, sink smtp:\S+, '
                      r'folder maildir:')


def test_one_is_down(start):
    gateway, a, b = two(start)
    b.stop()
    with gateway.client() as client:
        client.ehlo()
        client.cmd("MAIL FROM:<x@sender.test>")
        assert client.cmd("RCPT TO:<1@a.test>") == 250
        assert client.cmd("RCPT TO:<2@b.test>") == 451
        assert client.cmd("RCPT TO:<3@a.test>") == 250
        assert client.cmd("RCPT TO:<4@b.test>") == 451
        assert client.data(MESSAGE % b"down") == 250
        assert a.copies() == ["1@a.test", "3@a.test"]
        b = start.keep(Sink(port=b.port))
        gateway.wait_line("backend up .*b smtp:")
        assert client.mail(MESSAGE % b"down", "x@sender.test",
                           ["2@b.test", "4@b.test"]) == 250
        client.quit()
    assert a.copies() == ["1@a.test", "3@a.test"]
    assert b.copies() == ["2@b.test", "4@b.test"]
    assert gateway.lines('rcpt refused .*to=2@b.test code=451 .*'
                         'backend="b smtp:.*why=')


# Where the second backend fails and what it says; the code for its recipient,
# and the one at RCPT when he comes again (None: he is taken).
FAILURES = {
    "gone-before-DATA": ("gone", None, 451, None),
    "hangs-up-at-DATA": ("DATA", CLOSE, 451, None),
    "defers-DATA": ("DATA", b"452 4.3.1 no room\r\n", 452, None),
    "refuses-DATA": ("DATA", b"554 5.5.1 nobody\r\n", 554, 554),
    "hangs-up-at-the-dot": (".", CLOSE, 451, None),
    "says-421": (".", b"421 4.3.2 leaving\r\n", 451, None),
    "defers-the-message": (".", b"451 4.3.0 not now\r\n", 451, None),
    "refuses-the-message": (".", b"552 5.3.4 too big\r\n", 552, 552),
    "talks-nonsense": (".", b"hello\r\n", 451, None),
}


def fail_once(sink, verb, what):
    """What `answer` of a sink does; `gone`: it closes what is open now."""
    left = [what]

    def answer(session, said, line):
        if said == verb and left:
            return left.pop()
        return None
    sink.answer = answer


# Without it nobody is refused at RCPT: that could be any mail.
SIZED = " SIZE=%d" % len(MESSAGE % b"fails")


def send_failing(client, b, at, what, prdr):
    assert client.envelope("x@sender.test", BOTH, SIZED + " PRDR" * prdr) == 250
    if at == "gone":
        for session in b.sessions:
            session.sock.shutdown(2)
        fail_once(b, "CONNECT", b"421 4.3.2 not now\r\n")
    else:
        fail_once(b, at, what)
    return client.data(MESSAGE % b"fails")


@pytest.mark.parametrize("at, what, code, later", FAILURES.values(),
                         ids=FAILURES)
def test_one_fails(start, at, what, code, later):
    """For its own recipient, who alone has to come again."""
    gateway, a, b = two(start)
    with gateway.client() as client:
        client.ehlo()
        assert send_failing(client, b, at, what, False) == 451
        assert a.copies() == ["1@a.test"] and b.copies() == []
        client.cmd("MAIL FROM:<x@sender.test>" + SIZED)
        assert client.cmd("RCPT TO:<1@a.test>") == 250
        assert client.cmd("RCPT TO:<2@b.test>") == (later or 250)
        assert client.data(MESSAGE % b"fails") == 250
        client.quit()
    assert a.copies() == ["1@a.test"]
    assert b.copies() == ([] if later else ["2@b.test"])
    gateway.wait_line("mixed outcome id=1 to=1@a.test code=250 .*a smtp:")
    line, = gateway.wait_line("mixed outcome id=1 to=2@b.test code=%d .*"
                              "b smtp:" % code)
    # Whether it is said by the backend or by us, and then why.
    assert ("cannot be reached" in line) == (" why=" in line), line
    gateway.wait_line('mail done id=1 outcome=mixed .*backend="a smtp:.*, b '
                      'smtp:.*" ok=1 temp=%d perm=%d' % (
                          (0, 1) if later else (1, 0)))
    gateway.wait_line("mail done id=2 outcome=%s .*known=1" % (
        "remembered" if later else "delivered"))


@pytest.mark.parametrize("at, what, code, later", FAILURES.values(),
                         ids=FAILURES)
def test_one_fails_and_is_told(start, at, what, code, later):
    """The same with PRDR, and without any memory."""
    a, b = start.sink(), start.sink()
    gateway = gateway_before(start, {"a": a.url, "b": b.url}, backend=SOON)
    with gateway.client() as client:
        client.ehlo()
        assert send_failing(client, b, at, what, True) == 353
        assert [client.reply().code for _ in range(3)] == [250, code, 250]
        client.quit()
    assert a.copies() == ["1@a.test"] and b.copies() == []


def test_side_by_side(start):
    """Each holds its answer until all have the message: asked one after the
    other, none would ever answer."""
    all_have_it = threading.Barrier(3)
    sinks = [start.sink(lmtp=lmtp, extensions=offers,
                        before_message_reply=lambda m: all_have_it.wait(20))
             for lmtp, offers in ((False, EXTENSIONS), (True, EXTENSIONS),
                                  (False, CHUNKING))]
    gateway = gateway_before(start, {
        "s%d" % n: sink.url for n, sink in enumerate(sinks)}, STORE)
    with gateway.client() as client:
        client.ehlo()
        for n in range(3):		# over kept connections too
            assert client.mail(MESSAGE % b"%d" % n, rcpts=[
                "r@s%d.test" % i for i in range(3)]) == 250
        client.quit()
    assert not all_have_it.broken
    for n, sink in enumerate(sinks):
        assert sink.copies() == ["r@s%d.test" % n] * 3


# --- the gateway stops ---

class Held:
    """What sinks hold their answers for."""

    def __init__(self, sink):
        self.come, self.may_go = threading.Event(), threading.Event()
        sink.before_message_reply = self.wait

    def wait(self, message):
        self.come.set()
        self.may_go.wait(20)


def test_what_is_begun_is_finished(start):
    gateway, a, b = two(start)
    held = Held(a), Held(b)
    with gateway.client() as client:
        client.ehlo()
        assert client.envelope("x@sender.test", BOTH) == 250
        client.cmd("DATA")
        client.send(stuff(MESSAGE % b"stop") + b".\r\n")
        for h in held:
            assert h.come.wait(20)
        gateway.process.signal(signal.SIGTERM)
        gateway.wait_line("stopping sessions=1")
        for h in held:
            h.may_go.set()
        assert client.reply() == 250
    assert gateway.process.wait() == 0
    assert a.copies() + b.copies() == BOTH


@pytest.mark.parametrize("store", ("lmdb", "redis"))
@pytest.mark.parametrize("prdr", (False, True), ids=("one-reply", "prdr"))
def test_cut_while_one_is_silent(start, prdr, store):
    """The time to stop is over: who had it is remembered, the other gets it
    from the gateway that comes after this one."""
    gateway, a, b = two(
        start, top="stop_timeout 1s\n", store=STORE if store == "lmdb" else
        'store { address "%s" }\n' % start.redis().url)
    held = Held(b)
    with gateway.client() as client:
        client.ehlo()
        assert client.envelope("x@sender.test", BOTH, " PRDR" * prdr) == 250
        client.cmd("DATA")
        client.send(stuff(MESSAGE % b"cut") + b".\r\n")
        assert held.come.wait(20)
        a.wait(1)
        gateway.process.signal(signal.SIGTERM)
        replies = client.replies_to_end()
    assert gateway.process.wait() == 0
    assert [r.code for r in replies] == (
        [353, 250, 451, 250, 421] if prdr else [451, 421])
    held.may_go.set()
    b.before_message_reply = None
    gateway.start()
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE % b"cut", "x@sender.test", BOTH) == 250
        client.quit()
    assert a.copies() == ["1@a.test"]


# --- octets ---

def big_message(size):
    """Lines with dots at every place, none of them regular."""
    lines, n = [], 0
    while n < size:
        lines.append(b"." * (len(lines) % 5) + b"%d" % len(lines) +
                     b"x" * (len(lines) * 7 % 71) + b"\r\n")
        n += len(lines[-1])
    return MESSAGE % b"big" + b"".join(lines)


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
@pytest.mark.parametrize("dots", (False, True), ids=("no-dots", "dots"))
def test_large_to_three_at_once(start, how, dots):
    """From a file, by BDAT to one and by DATA to another, to a Maildir."""
    message = big_message(5 << 20)
    if not dots:
        message = message.replace(b"\r\n.", b"\r\n,")
    by_bdat = start.sink(CHUNKING)
    by_data = start.sink(lmtp=True)
    gateway = start.gateway({"x": by_bdat.url}, start=False)
    gateway.own_folder("var")
    gateway.configure(gateway.text({
        "bdat": by_bdat.url, "data": by_data.url,
        "folder": "maildir:" + gateway.own_folder("Maildir")},
        STORE + "spool_memory 4k\n"))
    gateway.start()
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(message, how=how, rcpts=[
            "1@bdat.test", "2@data.test", "3@folder.test"]) == 250
        client.quit()
    got = [by_bdat.messages[0], by_data.messages[0]]
    assert [m.how for m in got] == ["BDAT", "DATA"]
    stored, = maildir_of(gateway)
    heads = []
    for data in (got[0].data, got[1].data, stored):
        assert data.endswith(b"\r\n" + message)
        heads.append(data[:-len(message)])
    # What we put in front is the same for both; a Maildir has a path more.
    assert heads[0] == heads[1] and heads[2].endswith(heads[0])
    assert os.listdir(gateway.spool) == []


# --- rules ---

def judged(start, rules):
    """Backends a, b, aside; the last is the quarantine."""
    sinks = a, b, aside = start.sink(), start.sink(lmtp=True), start.sink()
    gateway = start.gateway(
        {"a": a.url, "b": b.url, "aside": aside.url}, start=False,
        top='rules "in.rules"\nquarantine aside\n' + STORE)
    gateway.own_folder("var")
    write_rules(gateway, rules)
    return gateway.start(), *sinks


def test_quarantine_instead_of_both(start):
    gateway, a, b, aside = judged(
        start, 'on message { quarantine "odd" when header "Subject" '
        'contains "apart" }\n')
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE % b"odd", rcpts=BOTH) == 250
        # Again: it is in the quarantine already.
        assert client.mail(MESSAGE % b"odd", rcpts=BOTH) == 250
        client.quit()
    assert a.copies() == b.copies() == []
    message, = aside.messages
    assert message.rcpts == BOTH
    assert message.data.endswith(MESSAGE % b"odd")
    assert "DATA" not in [c for s in a.sessions + b.sessions
                          for c in s.commands]
    gateway.wait_line('mail done id=1 outcome=quarantined .*rcpts=2 .*'
                      'backend="aside smtp:[^,]*" ')
    gateway.wait_line('mail done id=2 outcome=quarantined .*known=2')


def test_rules_route_each(start):
    gateway, a, b, aside = judged(start, """\
on rcpt {
	route b when rcpt.local is "moved"
	route aside when rcpt.local is "watched"
	discard "gone" when rcpt.local is "gone"
}
""")
    b.lmtp_replies["moved@a.test"] = [LATER, OK]
    rcpts = ["1@a.test", "moved@a.test", "gone@a.test", "2@b.test",
             "watched@b.test", "3@a.test"]
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE % b"routes", rcpts=rcpts) == 451
        assert client.mail(MESSAGE % b"routes", rcpts=rcpts) == 250
        client.quit()
    assert a.copies() == ["1@a.test", "3@a.test"]
    assert b.copies() == ["2@b.test", "moved@a.test"]
    assert aside.copies() == ["watched@b.test"]
    gateway.wait_line("mail done id=1 outcome=mixed .*rcpts=5 .*ok=4 temp=1 "
                      "perm=0 discarded=1")
    gateway.wait_line("mail done id=2 outcome=delivered .*known=4 "
                      "discarded=1")


# --- one after the other ---

def test_in_turn_without_memory(start):
    """Who has no memory and does not speak PRDR brings each backend's
    recipients in a transaction of their own."""
    a, b = start.sink(), start.sink(lmtp=True)
    gateway = gateway_before(start, {"a": a.url, "b": b.url})
    postfix = start.postfix(relayhost="[127.0.0.1]:%d" % gateway.port)
    submit(postfix, b"turns", ["1@a.test", "2@b.test", "3@a.test", "4@b.test"],
           sender="b@box.test")
    a.wait(1, 30)
    b.wait(1, 30)
    wait_until(lambda: len(gateway.lines("mail done .*delivered")) == 2)
    assert a.copies() == ["1@a.test", "3@a.test"]
    assert b.copies() == ["2@b.test", "4@b.test"]
    assert len(gateway.lines("rcpt refused .*code=452 enhanced=4.5.3")) == 2
    assert bounced(postfix, 0) == []


def test_in_turn_while_the_store_is_down(start):
    redis = start.redis()
    gateway, a, b = two(start, store='store { address "%s" timeout 200ms }\n' %
                        redis.url)
    redis.kill()
    with gateway.client() as client:
        client.ehlo()
        wait_until(lambda: client.envelope("x@sender.test", BOTH) == 452 or
                   client.cmd("RSET") != 250, what="452")
        assert client.data(MESSAGE % b"down") == 250
        assert client.mail(MESSAGE % b"down", "x@sender.test", BOTH[1:]) == 250
        # PRDR needs no memory.
        assert client.mail(MESSAGE % b"prdr", "x@sender.test", BOTH,
                           params=" PRDR") == 250
        redis.start()
        wait_until(lambda: client.envelope("x@sender.test", BOTH) == 250 or
                   client.cmd("RSET") != 250, what="the store")
        assert client.data(MESSAGE % b"up") == 250
        client.quit()
    assert a.copies() == BOTH[:1] * 3 and b.copies() == BOTH[1:] * 3


# --- a client that speaks PRDR ---

def test_exim_before_several(start):
    """One is gone before its message, one gives its recipients two answers:
    Exim brings again whom it was told to, and nobody else."""
    a, b, c = start.sink(), start.sink(), start.sink(lmtp=True)
    gateway = gateway_before(start, {"a": a.url, "b": b.url, "c": c.url},
                             backend=SOON)
    exim = start.exim(relay=gateway.port)
    fail_once(b, "DATA", CLOSE)
    c.lmtp_replies = {"5@c.test": FULL, "6@c.test": [LATER, OK]}
    submit(exim, b"several", ["1@a.test", "2@b.test", "3@c.test", "4@a.test",
                              "5@c.test", "6@c.test"])
    exim.wait_done()
    assert a.copies() == ["1@a.test", "4@a.test"]
    assert b.copies() == ["2@b.test"]
    assert c.copies() == ["3@c.test", "6@c.test"]
    assert bounced(exim, 1) == [b"5@c.test"]
    exim.wait_log("== 2@b.test .* 451 4.4.1 A system behind this one")
    assert all(len(sink.messages) <= 2 for sink in (a, b, c))
    gateway.wait_line("mail done id=1 outcome=mixed .*ok=3 temp=2 perm=1 "
                      "prdr=yes")
