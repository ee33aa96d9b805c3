"""Sick filters and everybody else: one that stalls costs others nothing, one
that fails again and again is left alone and found well again, one that was
started anew is used as if nothing had been."""
import re
import threading

import pytest

from kit.any_filter import AnyFilter
from kit.client import Closed, stuff
from kit.filtered import MESSAGE, Played, another, connect, filtered
from kit.process import PATIENCE, wait_until
from kit.raw_filter import (CONTINUE, REJECT, RawFilter, add_header, close,
                            packet, stall)
from kit.running import admin, edit, stats

pytestmark = pytest.mark.core


def block(filter_, *lines):
    return "\taddress \"%s\"\n%s" % (filter_.url, "\n".join(
        "\t" + line for line in lines))


def mail(gateway, name="in", sender="a@sender.test", message=MESSAGE):
    with connect(gateway.at[name]) as client:
        client.ehlo()
        reply = client.mail(message, sender)
        client.quit()
    return reply


class Gate:
    """An answer that is given when the test says so."""

    def __init__(self, answer=CONTINUE):
        self.answer, self.opened = answer, threading.Event()
        self.reached = threading.Event()

    def __call__(self, session):
        self.reached.set()
        assert self.opened.wait(60)
        session.send(self.answer)

    def wait(self):
        assert self.reached.wait(PATIENCE)


# --- others ---

def test_a_stalled_filter_costs_others_nothing(start):
    """While one session waits at its end of message, as long as it likes,
    others have all their mails through: before the same filter, and before
    another one."""
    sink, raw, other = start.sink(), RawFilter(start.work), \
        RawFilter(start.work)
    start.keep(raw), start.keep(other)
    gateway = filtered(start, {
        "in": ("", block(raw, "failure accept", "end_timeout 1h",
                         "max_time 1h")),
        "out": ("", block(other))}, {"in": sink.url})
    gate = Gate()
    raw.fault(b"E", gate)
    with connect(gateway.at["in"], timeout=60) as waiting:
        waiting.ehlo()
        waiting.envelope("waits@sender.test", "b@box.test")
        assert waiting.cmd("DATA") == 354
        waiting.send(MESSAGE + b".\r\n")
        gate.wait()
        for n in range(100):
            assert mail(gateway, ("in", "out")[n % 2]) == 250
        assert len(sink.messages) == 100
        assert "waits@sender.test" not in [m.sender for m in sink.messages]
        gate.opened.set()
        assert waiting.reply() == 250
        waiting.quit()
    assert sink.messages[-1].sender == "waits@sender.test"


def test_a_session_waits_for_all_at_the_same_time(start):
    """Two filters that change nothing hear the message together: each waits
    for the other to have heard all of it."""
    sink, raws = start.sink(), []
    both = threading.Barrier(2, timeout=30)

    def answer(session, letter, data):
        return (lambda s: (both.wait(), s.send(CONTINUE))) \
            if letter == b"E" else None
    for _ in range(2):
        raws.append(start.keep(RawFilter(start.work, actions=0)))
        raws[-1].answer = answer
    gateway = filtered(start, {"in": ("", *map(block, raws))},
                       {"in": sink.url})
    assert mail(gateway) == 250


# --- rest ---

def status(gateway, name, pattern):
    """The line of a filter: up, resting or unknown, and the rest; once it
    is so, since a worker writes it down once a second."""
    def find():
        answer = admin(gateway, "status")
        assert answer.returncode == 0, answer.stdout
        line, = [line for line in answer.stdout.splitlines()
                 if re.search(r"\b%s (unix|inet)" % name, line)]
        return re.search(pattern, line) and line
    return wait_until(find, what="%s to be %s" % (name, pattern))


def test_rest(start):
    """Three failures, and it is left alone; then one session tries."""
    sink, raw = start.sink(), start.keep(RawFilter(start.work))
    gateway = filtered(start, {"in": ("", block(
        raw, "retry_time 5s", "failure accept", "max_idle 0"))},
        {"in": sink.url})
    status(gateway, "in0", " unknown ")
    assert mail(gateway) == 250
    status(gateway, "in0", " up ")
    raw.answer = lambda session, letter, data: \
        close if letter == b"E" else None
    for n in range(3):
        status(gateway, "in0", " up ")
        assert mail(gateway) == 250
    down, = gateway.wait_line("milter down ")
    assert re.search(r'milter down milter=in0 address=unix:\S+ failure=accept '
                     r'why="milter in0: end of message: closed by the '
                     r'peer"$', down), down
    status(gateway, "in0", " resting .*why=.*end of message: closed")
    heard = len(raw.sessions)
    assert heard == 4
    for n in range(5):
        assert mail(gateway) == 250
    assert len(raw.sessions) == heard
    # It is tried, fails, and rests again: that is no news.
    wait_until(lambda: mail(gateway) == 250 and len(raw.sessions) > heard,
               30, "a try")
    assert len(raw.sessions) == heard + 1
    assert len(gateway.lines("milter down ")) == 1
    # Who connects is not well yet: it is the end of the message that failed.
    gate = Gate(add_header(b"X-Well", b"again") + CONTINUE)
    raw.answer = lambda session, letter, data: \
        gate if letter == b"E" else None
    sink.clear()
    with connect(gateway.at["in"], timeout=60) as client:
        client.ehlo()
        wait_until(lambda: client.envelope("try@sender.test", "b@box.test")
                   == 250 and (len(raw.sessions) == heard + 2 or
                               client.cmd("RSET") != 250), 30, "a try")
        assert client.cmd("DATA") == 354
        client.send(stuff(MESSAGE) + b".\r\n")
        gate.wait()
        # One tries, and nobody else waits for it.
        for n in range(5):
            assert mail(gateway) == 250
        assert len(raw.sessions) == heard + 2
        assert gateway.lines("milter up ") == []
        gate.opened.set()
        assert client.reply() == 250
        client.quit()
    gateway.wait_line("milter up milter=in0 ")
    status(gateway, "in0", " up ")
    raw.answer = None
    assert mail(gateway) == 250
    assert len(raw.sessions) == heard + 3
    assert [b"X-Well" in m.data for m in sink.messages] == [
        False] * 5 + [True, False]
    counted = stats(gateway)
    assert counted["milter_failures"] >= 4


@pytest.mark.parametrize("action", ("accept", "reject", "tempfail"))
def test_others_are_not_held_back_by_one_mail(start, action):
    """A field that no packet takes is that mail's fault, whatever is set for
    failures: the filter is as well as before."""
    sink, raw = start.sink(), start.keep(RawFilter(start.work))
    gateway = filtered(start, {"in": ("\tmax_header_size 200K",
                                      block(raw, "failure " + action))},
                       {"in": sink.url})
    large = b"X-Large: " + b"\r\n ".join([b"0123456789" * 8] * 1000) + b"\r\n"
    for n in range(5):
        reply = mail(gateway, message=large + MESSAGE)
        assert (reply.code, reply.enhanced) == (552, "5.3.4")
    assert mail(gateway) == 250
    assert len(sink.messages) == 1 and gateway.lines("milter down ") == []
    assert len(gateway.lines("milter failed .* at=header .*why=")) == 5


# --- started anew ---

@pytest.mark.parametrize("family", ("unix", "inet"))
def test_killed_and_started_again(start, family):
    """Between two mails of a session, and between sessions: kept connections
    are gone then, and nobody sees it."""
    sink, raw = start.sink(), start.keep(RawFilter(start.work, family))
    gateway = filtered(start, {"in": ("", block(raw))}, {"in": sink.url})
    with connect(gateway.at["in"]) as client:
        client.ehlo()
        for n in range(3):
            assert client.mail(another()) == 250
            raw.go()
            raw.listen()
        client.quit()
    for n in range(3):
        assert mail(gateway, message=another()) == 250
        raw.go()
        raw.listen()
    assert len(sink.messages) == 6
    assert gateway.lines("milter failed") == []


def test_killed_in_the_middle(start):
    """Many clients, and a filter that is killed again and again: what is
    acknowledged is there once, with what the filter does to it."""
    sink = start.sink()
    any_filter = start.keep(AnyFilter(start.work))
    any_filter.plan(("eom", "*", "add_header", "X-Seen:yes"))
    any_filter.start()
    gateway = filtered(start, {"in": ("", block(
        any_filter, "failure tempfail", "retry_time 100ms"))},
        {"in": sink.url})
    stopping, taken, codes = threading.Event(), [], []

    def send():
        while not stopping.is_set():
            with connect(gateway.at["in"], timeout=60) as client:
                client.ehlo()
                for _ in range(5):
                    message = another()
                    codes.append(client.mail(message).code)
                    if codes[-1] == 250:
                        taken.append(message)
                    client.cmd("RSET")
                client.quit()
    threads = [threading.Thread(target=send, daemon=True) for _ in range(4)]
    for thread in threads:
        thread.start()
    for n in range(10):
        wanted = len(taken) + 30
        wait_until(lambda: len(taken) >= wanted, 30, "mails")
        any_filter.stop()
        any_filter.start()
    stopping.set()
    for thread in threads:
        thread.join(60)
    texts = [re.sub(rb"^Received: (.*\r\n)([ \t].*\r\n)*", b"", m.data)
             for m in sink.messages]
    assert sorted(texts) == sorted(
        m.replace(b"\r\n\r\n", b"\r\nX-Seen: yes\r\n\r\n", 1) for m in taken)
    assert set(codes) <= {250, 451}


# --- its end, and others' ---

@pytest.mark.parametrize("letter", (b"O", b"R", b"T", b"B", b"E"))
def test_the_gateway_stops_while_a_filter_stalls(start, letter):
    """It does not wait for ever; nothing is taken that is not delivered."""
    sink, raw = start.sink(), start.keep(RawFilter(start.work))
    raw.fault(letter, stall)
    gateway = filtered(start, {"in": ("", block(
        raw, "connect_timeout 5m", "command_timeout 5m", "body_timeout 5m",
        "end_timeout 5m"))}, {"in": sink.url}, "stop_timeout 300ms\n")
    with connect(gateway.at["in"], timeout=60) as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<a@sender.test>") == 250
        client.send(b"RCPT TO:<b@box.test>\r\n")
        if letter not in b"OR":
            assert client.reply() == 250
            client.send(b"DATA\r\n")
        if letter in b"BE":
            assert client.reply() == 354
            client.send(MESSAGE + b".\r\n")
        raw.wait(lambda f: not f.faults)
        gateway.stop()
        codes = [r.code for r in client.replies_to_end()]
    assert codes in ([], [421], [451], [451, 421]) and sink.messages == []
    raw.wait_ended()


def test_a_reload_while_a_filter_is_waited_for(start):
    """Who is under way stays with the filter that he began with; new sessions
    have the new one."""
    sink = start.sink()
    old, new = (start.keep(RawFilter(start.work)) for _ in range(2))
    gateway = filtered(start, {"in": ("", block(old))}, {"in": sink.url})
    gate = Gate(add_header(b"X-Old", b"1") + CONTINUE)
    old.fault(b"E", gate)
    new.answer = lambda session, letter, data: \
        add_header(b"X-New", b"1") + CONTINUE if letter == b"E" else None
    with connect(gateway.at["in"], timeout=60) as client:
        client.ehlo()
        client.envelope("waits@sender.test", "b@box.test")
        assert client.cmd("DATA") == 354
        client.send(stuff(MESSAGE) + b".\r\n")
        gate.wait()
        edit(gateway, old.url, new.url)
        gateway.reload()
        wait_until(lambda: mail(gateway) == 250 and new.sessions,
                   what="the new filter")
        gate.opened.set()
        assert client.reply() == 250
        assert client.mail(MESSAGE, "more@sender.test") == 250
        client.quit()
    by_sender = {m.sender: m.data for m in sink.messages}
    assert b"X-Old" in by_sender["waits@sender.test"]
    assert b"X-New" not in by_sender["waits@sender.test"]
    assert b"X-New" not in by_sender["more@sender.test"]
    assert b"X-New" in by_sender["a@sender.test"]
    old.wait_ended()	# kept connections too, with their worker


@pytest.mark.parametrize("letter", (b"O", b"C", b"R", b"T", b"B", b"E"))
def test_the_client_leaves_while_a_filter_stalls(start, letter):
    """The filter has its time; then the session ends, and it is told so."""
    sink, raw = start.sink(), start.keep(RawFilter(start.work))
    gate = Gate(raw.terms() if letter == b"O" else CONTINUE)
    raw.fault(letter, gate)
    gateway = filtered(start, {"in": ("", block(raw, "max_idle 0"))},
                       {"in": sink.url})
    client = connect(gateway.at["in"], timeout=60)
    client.ehlo()
    assert client.cmd("MAIL FROM:<a@sender.test>") == 250
    client.send(b"RCPT TO:<b@box.test>\r\n")
    if letter in b"TBE":
        assert client.reply() == 250
        client.send(b"DATA\r\n")
    if letter in b"BE":
        assert client.reply() == 354
        client.send(MESSAGE + b".\r\n")
    gate.wait()
    client.reset()
    gate.opened.set()
    gateway.wait_line("session end ")
    raw.wait_ended()
    assert len(sink.messages) == (1 if letter in b"BE" else 0)
    assert mail(gateway) == 250


# --- two of them ---

def test_one_of_two_fails(start):
    """The other is asked all the same, and has the last word."""
    sink = start.sink()
    sick, well = (start.keep(RawFilter(start.work)) for _ in range(2))
    gateway = filtered(start, {
        "in": ("", block(sick, "failure accept"), block(well)),
        "out": ("", block(well), block(sick, "failure accept"))},
        {"in": sink.url})
    for letter in b"OCHMRTLNBE":
        letter = bytes((letter,))
        for at in ("in", "out"):
            sick.go()
            sick.listen()
            sick.fault(letter, close if letter == b"O" else packet(b"z"))
            # Behind a refusal of the first nobody is asked.
            says = REJECT if at == "in" else \
                add_header(b"X-Well", letter) + CONTINUE
            well.fault(b"E", says)
            assert mail(gateway, at) == (550 if says == REJECT else 250)
            assert sick.faults == [] and well.faults == []
            if at == "out":
                assert b"X-Well: " + letter in sink.messages[-1].data
            assert mail(gateway, at) == 250
    assert len(sink.messages) == 30


def test_both_fail(start):
    """The first in order that does not let pass decides."""
    sink = start.sink()
    raws = [start.keep(RawFilter(start.work)) for _ in range(3)]
    gateway = filtered(start, {"in": ("", *(
        block(raw, "failure " + action, "retry_time 100ms")
        for raw, action in zip(raws, ("accept", "reject", "shutdown"))))},
        {"in": sink.url})
    for raw in raws:
        raw.fault(b"E", close)
    assert mail(gateway) == 550
    for raw in raws[::2]:
        raw.clear()
        raw.fault(b"E", close)
    with connect(gateway.at["in"]) as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 421
        with pytest.raises(Closed):
            client.cmd("NOOP")
    assert sink.messages == []
    for raw in raws:
        raw.clear()
    assert Played(gateway.at["in"], "well-x").codes["again"] == 250
