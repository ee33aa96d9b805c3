"""Filters that stall, die, or talk nonsense, at each stage: what the settings
say is done, nothing that was acknowledged is lost or comes twice, and the
session, the others, and the filter itself go on."""
import collections
import os
import re
import struct
import threading

import pytest

from kit.any_filter import AnyFilter
from kit.filtered import MESSAGE, Played, connect, expected, filtered
from kit.gateway import binary
from kit.process import wait_until
from kit.raw_filter import (CONTINUE, DISCARD, NR, REJECT, SKIP_BODY,
                            RawFilter, add_header, close, packet,
                            progress_for_ever, replace_body, reply, reset,
                            slowly, stall, then_close, then_stall)
from kit.running import status_of

STAGES = collections.OrderedDict((
    (b"O", "options"), (b"C", "connect"), (b"H", "HELO"), (b"M", "MAIL"),
    (b"R", "RCPT"), (b"U", "unknown command"), (b"T", "DATA"),
    (b"L", "header"), (b"N", "end of header"), (b"B", "body"),
    (b"E", "end of message")))
LISTENERS = {
    # tell_at, reject_at
    "late": ("rcpt", "rcpt"),
    "early": ("connect", "rcpt"),
    "at_once": ("connect", "connect"),
}
# What is said to the client: code, enhanced code. None: it goes on.
ACTIONS = {
    "accept": None,
    "tempfail": (451, "4.7.1"),
    "reject": (550, "5.5.0"),
    "shutdown": (421, "4.7.1"),
}
SHORT = "\tconnect_timeout 1500ms\n\tcommand_timeout 1500ms\n" \
    "\tbody_timeout 1500ms\n\tend_timeout 1500ms\n\tmax_time 1500ms"
SAID = {b"U": "NONSENSE", b"T": "DATA", b"L": ".", b"N": ".", b"B": ".",
        b"E": "."}
AT_ONCE = {b"O": "connect", b"C": "connect", b"H": "EHLO", b"M": "MAIL"}


def illegal(letter):
    """What cannot be answered there, though it is an answer."""
    if letter in b"CHU":
        return DISCARD
    return add_header(b"X-New", b"1") if letter == b"B" else SKIP_BODY


FAULTS = {
    "closes": lambda letter: close,
    "resets": lambda letter: reset,
    "garbage": lambda letter: bytes(range(255, 155, -1)),
    "another-protocol": lambda letter: b"HTTP/1.1 400 Bad Request\r\n\r\n",
    "oversized": lambda letter: struct.pack(">I", 0x7fffffff) + b"c" * 99,
    "a-bit-too-large": lambda letter: packet(b"y", b"5" * 65536),
    "length-0": lambda letter: b"\0\0\0\0" + CONTINUE,
    "unknown-answer": lambda letter: packet(b"z"),
    "not-there": illegal,
    "data-where-none-is": lambda letter: packet(b"c", b"x"),
    "bad-code": lambda letter: reply(b"250 2.0.0 fine"),
    "bad-lines": lambda letter: reply(b"550-5.7.1 a\r\n551 5.7.1 b"),
    "bad-text": lambda letter: reply(b"550 5.7.1 a\nMAIL FROM:<>"),
    "half-and-closes": lambda letter: then_close(b"\0\0\0"),
}
SLOW_FAULTS = {
    "stalls": lambda letter: stall,
    "half-and-stalls": lambda letter: then_stall(b"\0\0\0\1"),
    "progress-for-ever": lambda letter: progress_for_ever,
}
# Instead of what is agreed on.
BAD_TERMS = {
    "too-new": packet(b"O", struct.pack(">III", 7, 0, 0)),
    "too-old": packet(b"O", struct.pack(">III", 1, 0, 0)),
    "too-short": packet(b"O", struct.pack(">II", 6, 0)),
    "actions-not-offered": packet(b"O", struct.pack(">III", 6, 0x200, 0)),
    "another-command": packet(b"c"),
    "half-a-list": packet(b"O", struct.pack(">IIII", 6, 0x100, 0, 1) +
                          b"{i}"),
}


class Place:
    """A gateway with a filter for each listener and each failure action."""

    def __init__(self, start, settings):
        self.sink = start.sink()
        self.raw = {}
        listeners = {}
        for listener, (tell_at, reject_at) in LISTENERS.items():
            for action in ACTIONS:
                name = "%s_%s" % (listener, action)
                self.raw[name] = start.keep(RawFilter(family="inet"))
                listeners[name] = (
                    "\treject_at " + reject_at,
                    "\taddress \"%s\"\n\ttell_at %s\n\tfailure %s\n"
                    "\tmax_idle 0\n\tretry_time 100ms\n%s" % (
                        self.raw[name].url, tell_at, action, settings))
        self.gateway = filtered(start, listeners, {"in": self.sink.url},
                                backend="\tmax_idle 0")

        check(Played(self.gateway.at["late_accept"], "begin"), {}, self.sink)
        self.least = len(self.descriptors())

    def descriptors(self):
        pid, = self.gateway.workers_alive()
        return [os.readlink("/proc/%d/fd/%s" % (pid, fd))
                for fd in os.listdir("/proc/%d/fd" % pid)]

    def wait_no_more(self):
        """The worker has no more open than it had before the first fault; a
        query to the resolver may still be under way."""
        wait_until(lambda: len(self.descriptors()) <= self.least,
                   what="the end of what was open")


@pytest.fixture(scope="module")
def quick(module_start):
    """For filters that can be found out at once."""
    return Place(module_start, "")


@pytest.fixture(scope="module")
def slow(module_start):
    """For those that have to be waited for."""
    return Place(module_start, SHORT)


def is_open_again(listener, letter):
    """The next MAIL tries it anew, and it was the first that could be."""
    return listener == "early" and letter in b"OCH"


def outcome(listener, letter, action):
    """(code, enhanced code) by step, in place of the usual."""
    reply = ACTIONS[action]
    if reply is None:
        return {}
    if letter == b"U":
        return {"NONSENSE": reply, "DATA": reply}
    if letter in SAID:
        return {SAID[letter]: reply}
    if letter == b"R" or listener == "late":
        return {"RCPT 1": reply, "RCPT 2": reply}
    if listener == "at_once" or reply[0] == 421:
        step = AT_ONCE[letter]
        if step == "connect":
            reply = (554 if reply[0] == 550 else 421, "")
        return {step: reply}
    if is_open_again(listener, letter):
        return {}
    return {"RCPT 1": reply, "RCPT 2": reply}


def check(session, said, sink):
    assert session.codes == expected({s: r[0] for s, r in said.items()})
    for step, (_, enhanced) in said.items():
        if step in session.replies:
            assert session.replies[step].enhanced == enhanced
    assert session.delivered(sink) == session.taken()


def fail_everywhere(place, listener, action, letters, fault):
    """A session for each stage, on one listener."""
    name = "%s_%s" % (listener, action)
    raw, played = place.raw[name], []
    for letter in letters:
        raw.fault(letter, fault(letter))
        session = Played(place.gateway.at[name], "%s-%s-x" % (
            name.replace("_", "-"), letter.decode()))
        assert raw.faults == []
        check(session, outcome(listener, letter, action), place.sink)
        played.append((session, letter, name))
        # With the next one all is well, and the filter is.
        if session.codes.get("again") != 250:
            good = Played(place.gateway.at[name], session.name + "-good")
            check(good, {}, place.sink)
        raw.wait_ended()
        raw.clear()
    return played


class Run(threading.Thread):
    """A thread whose failure is the test's."""

    def __init__(self, *call):
        super().__init__(daemon=True)
        self.call, self.result, self.error = call, None, None
        self.start()

    def run(self):
        try:
            self.result = self.call[0](*self.call[1:])
        except BaseException as e:
            self.error = e



def results(runs):
    """Of all of them, once they have ended."""
    for run in runs:
        run.join(120)
        assert not run.is_alive()
    for run in runs:
        if run.error:
            raise run.error
    return [run.result for run in runs]


def check_logs(place, played):
    """Each failure is one line, with its stage and its reason; and a mail that
    was refused for it says so too."""
    lines = collections.defaultdict(list)
    for line in place.gateway.lines(""):
        lines[line.split(" ")[2]].append(line)
    ends = {re.search("client=(\\S+)", line).group(1): ident
            for ident, found in lines.items() for line in found
            if " session end client=" in line}
    for session, letter, name in played:
        found = lines[ends[session.address]]
        failed = [line for line in found if " milter failed " in line]
        assert len(failed) == 1, failed
        action = name.rpartition("_")[2].replace("shutdown", "close")
        assert re.search(r' milter=%s0 at="?[\w ]+"? failure=%s .*why="milter '
                         r'%s0: %s' % (name, action, name, STAGES[letter]),
                         failed[0]), failed[0]


def fail_on_all(place, fault, letters=tuple(STAGES)):
    place.sink.clear()
    runs = [Run(fail_everywhere, place, listener, action, letters, fault)
            for listener in LISTENERS for action in ACTIONS]
    played = [p for result in results(runs) for p in result]
    for session, _, _ in played:
        place.gateway.wait_line("session end client=%s " % re.escape(
            session.address))
    check_logs(place, played)
    place.wait_no_more()


@pytest.mark.core
@pytest.mark.parametrize("fault", FAULTS)
def test_faults(quick, fault):
    fail_on_all(quick, FAULTS[fault])


def memory(place):
    """Octets that the worker has in use."""
    pid, = place.gateway.workers_alive()
    return int(status_of(pid)["VmRSS"].split()[0]) * 1024


def is_sanitized():
    with open(binary(), "rb") as f:
        return b"__asan_init" in f.read()


def test_no_memory_is_kept(quick):
    """Of filters that fail, however often. (A sanitizer keeps what was freed;
    it tells of what was not.)"""
    before = 0
    for n in range(3):
        fail_on_all(quick, FAULTS["unknown-answer"])
        before = before or memory(quick)
    assert is_sanitized() or memory(quick) < before + 2 * 1024 * 1024


@pytest.mark.parametrize("fault", SLOW_FAULTS)
def test_slow_faults(slow, fault):
    fail_on_all(slow, SLOW_FAULTS[fault])


@pytest.mark.core
@pytest.mark.parametrize("terms", BAD_TERMS)
def test_bad_terms(quick, terms):
    fail_on_all(quick, lambda letter: BAD_TERMS[terms], (b"O",))


# --- which setting of the stage it is ---

SETTINGS = {
    b"O": "rcpt", b"C": "connect", b"H": "helo", b"M": "mail", b"R": "rcpt",
    b"U": None, b"T": "message", b"L": "message", b"N": "message",
    b"B": "message", b"E": "message"}


@pytest.mark.core
def test_settings_of_stages(start):
    """One setting differs from `failure`; it is used at its stage alone."""
    sink, raw, listeners = start.sink(), {}, {}
    names = sorted({n for n in SETTINGS.values() if n})
    for name in names:
        for action, other in (("reject", "accept"), ("accept", "reject")):
            at = "%s_%s" % (name, action)
            raw[at] = start.keep(RawFilter(start.work))
            listeners[at] = ("", "\taddress \"%s\"\n\tfailure %s\n"
                             "\tfailure_%s %s\n\tretry_time 100ms" % (
                                 raw[at].url, other, name, action))
    gateway = filtered(start, listeners, {"in": sink.url})
    for at, filter_ in raw.items():
        name, _, action = at.partition("_")
        other = "accept" if action == "reject" else "reject"
        for letter, setting in SETTINGS.items():
            # One that is kept is replaced unseen, if it cannot be used.
            filter_.go()
            filter_.listen()
            filter_.fault(letter, packet(b"z"))
            session = Played(gateway.at[at], "%s-%s-x" % (
                at.replace("_", "-"), letter.decode()))
            assert filter_.faults == []
            check(session, outcome("late", letter, action if setting == name
                                   else other), sink)


# --- one that is not there ---

@pytest.mark.core
def test_not_there(start):
    """Nothing listens: on a port, on a socket, where no socket is, and where
    there is no such name."""
    sink, dead = start.sink(), {}
    for kind in ("inet", "inet6", "unix"):
        gone = RawFilter(start.work, kind)
        gone.go()
        dead[kind] = gone.url
    dead["missing"] = "unix:%s/none.milter" % start.work
    dead["no_name"] = "inet:none.e2e.test:1"
    gateway = filtered(start, {
        "%s_%s" % (kind, action): ("", "\taddress \"%s\"\n\tfailure %s" % (
            url, action)) for kind, url in dead.items()
        for action in ACTIONS}, {"in": sink.url})
    for kind in dead:
        for action, said in ACTIONS.items():
            at = "%s_%s" % (kind, action)
            # More often than it is tried: then it rests, and all is the same.
            for n in range(3):
                session = Played(gateway.at[at], "%s-%d-x" % (
                    at.replace("_", "-"), n))
                check(session, {} if said is None else dict.fromkeys(
                    ("RCPT 1", "RCPT 2", "again"), said), sink)
            assert len(gateway.wait_line("milter down milter=%s0 " % at)) == 1


# --- in the middle ---

LARGE = MESSAGE + b"0123456789abcde\r\n" * 200000


@pytest.mark.core
@pytest.mark.parametrize("what", ("closes", "does-not-read"))
def test_a_large_body(start, what):
    """It goes, or reads no more, when it has a part of it."""
    sink = start.sink()
    raw = start.keep(RawFilter(start.work))
    raw.answer = lambda session, letter, data: \
        (close if what == "closes" else stall_without_reading) \
        if letter == b"B" and len(session.data_of(b"B")) == 5 else None
    settings = "\taddress \"%s\"\n\tbody_timeout 1500ms\n\tfailure " % raw.url
    gateway = filtered(start, {a: ("", settings + a) for a in (
        "accept", "tempfail")}, {"in": sink.url})
    for action, code in (("accept", 250), ("tempfail", 451)):
        with connect(gateway.at[action]) as client:
            client.ehlo()
            assert client.mail(LARGE) == code
            client.quit()
    raw.stopping.set()
    assert [m.data.endswith(LARGE) for m in sink.messages] == [True]


def stall_without_reading(session):
    session.send(CONTINUE)
    session.owner.pause(60)


@pytest.mark.core
def test_edits_that_break_off(start):
    """None of them is made, and the message is as it came."""
    sink = start.sink()
    raw = start.keep(RawFilter(start.work))
    gateway = filtered(start, {"accept": ("", "\taddress \"%s\"\n"
                                          "\tfailure accept" % raw.url)},
                       {"in": sink.url})
    half = add_header(b"X-New", b"1") + replace_body(b"new" * 20000)
    for n in range(1, 4):
        raw.fault(b"E", then_close(half[:-n] if n > 1 else half))
        check(Played(gateway.at["accept"], "half-%d-x" % n), {}, sink)


# --- answers that nobody waits for ---

@pytest.mark.core
@pytest.mark.parametrize("letter", NR)
def test_answers_that_were_not_to_be_given(start, letter):
    """What is taken is delivered, what is not taken is not, and the filter is
    of use again in the next session."""
    sink = start.sink()
    raw = start.keep(RawFilter(start.work, steps=NR[letter]))
    raw.fault(letter, CONTINUE)
    gateway = filtered(start, {"in": ("", "\taddress \"%s\"" % raw.url)},
                       {"in": sink.url})
    session = Played(gateway.at["in"], "stray-x")
    assert session.delivered(sink) == session.taken()
    assert set(session.codes.values()) <= {220, 250, 354, 451, 500}
    assert raw.faults == []
    check(Played(gateway.at["in"], "next-x"), {}, sink)


@pytest.mark.core
@pytest.mark.parametrize("letter", NR)
def test_two_answers(start, letter):
    sink = start.sink()
    raw = start.keep(RawFilter(start.work))
    raw.fault(letter, CONTINUE + REJECT)
    gateway = filtered(start, {"in": ("", "\taddress \"%s\"" % raw.url)},
                       {"in": sink.url})
    session = Played(gateway.at["in"], "two-x")
    assert session.delivered(sink) == session.taken()
    gateway.wait_line("milter failed .*octets that nobody waited for")
    check(Played(gateway.at["in"], "next-x"), {}, sink)


@pytest.mark.core
def test_two_answers_to_the_message(start):
    """Which of them is meant nobody knows: it has failed."""
    sink = start.sink()
    raw = start.keep(RawFilter(start.work))
    raw.fault(b"E", CONTINUE + REJECT)
    gateway = filtered(start, {"in": ("", "\taddress \"%s\"" % raw.url)},
                       {"in": sink.url})
    session = Played(gateway.at["in"], "two-x")
    assert session.delivered(sink) == session.taken()
    assert session.codes["."] == 451
    gateway.wait_line("milter failed .*octets behind its answer")
    check(Played(gateway.at["in"], "next-x"), {}, sink)
    assert len(raw.sessions) == 2


@pytest.mark.core
def test_octet_by_octet(start):
    """Slow is not wrong."""
    sink = start.sink()
    raw = start.keep(RawFilter(start.work, "inet"))

    def answer(session, letter, data):
        if letter == b"E":
            return slowly(add_header(b"X-Slow", b"yes") + CONTINUE)
        usual = session.usual(letter)
        return slowly(usual) if usual else None
    raw.answer = answer
    gateway = filtered(start, {"in": ("", "\taddress \"%s\"" % raw.url)},
                       {"in": sink.url})
    session = Played(gateway.at["in"], "slow-x")
    assert session.codes == expected({})
    assert [b"X-Slow: yes\r\n\r\n" in m.data for m in sink.messages] == [
        True, True]


# --- a real library's end ---

@pytest.mark.parametrize("word", ("die", "hang"))
def test_a_filter_on_the_library(start, word):
    """The process ends, or a thread of it stalls, at each stage."""
    sink = start.sink()
    any_filter = start.keep(AnyFilter(start.work)).start()
    gateway = filtered(start, {"in": (
        "", "\taddress \"%s\"\n\ttell_at connect\n\tretry_time 100ms\n%s" % (
            any_filter.url, SHORT))}, {"in": sink.url})
    for stage, letter in (("connect", b"C"), ("helo", b"H"), ("mail", b"M"),
                          ("rcpt", b"R"), ("data", b"T"), ("header", b"L"),
                          ("eoh", b"N"), ("body", b"B"), ("eom", b"E")):
        name = "%s-%s-x" % (word, stage)
        which = {"connect": "|||", "helo": name + ".test||"}.get(
            stage, "1.%s@" % name)
        any_filter.plan((stage, which, word))
        with connect(gateway.at["in"], timeout=30) as client:
            said = [client.greeting.code]
            client.cmd("EHLO %s.test" % name)
            any_filter.plan(*[(stage, which, word)] * (
                stage not in ("connect", "helo")))
            if word == "die" and stage in ("connect", "helo"):
                any_filter.stop()
                any_filter.start()
            said = client.mail(MESSAGE, "1.%s@sender.test" % name)
            assert said.code == outcome("early", letter, "tempfail").get(
                {b"M": "RCPT 1", b"R": "RCPT 1"}.get(
                    letter, SAID.get(letter)), (250,))[0]
            client.cmd("RSET")
            if word == "die":
                any_filter.stop()
                any_filter.start()
            any_filter.plan()
            assert client.mail(MESSAGE, "2.%s@sender.test" % name) == 250
            client.quit()
    assert sorted(m.sender for m in sink.messages) == sorted(
        ["2.%s-%s-x@sender.test" % (word, stage) for stage in (
            "connect", "helo", "mail", "rcpt", "data", "header", "eoh",
            "body", "eom")] +
        ["1.%s-%s-x@sender.test" % (word, s) for s in ("connect", "helo")])
