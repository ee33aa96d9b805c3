"""What each action does, at each phase where it may stand: what swaks hears,
what the backend holds, what the log says.

One file of rules holds all of them; each is for a client address of its own.
"""
import re
import time

import pytest

from kit.ruled import MESSAGE, Swaks, client_at, ruled

pytestmark = pytest.mark.core

PHASES = ("connect", "helo", "mail", "rcpt", "message")
# Where swaks hears of a refusal that is told at once, and how it ends then.
HEARD = {"connect": ("CONNECT", 21), "helo": ("EHLO", 22),
         "mail": ("MAIL", 23), "rcpt": ("RCPT", 24), "message": (".", 26)}
REFUSALS = {
    "reject": ('reject "No, {client.ip}"', "550 5.7.1 No, %s"),
    "reject-code": ('reject 553 5.1.8 "No, {client.ip}"',
                    "553 5.1.8 No, %s"),
    "defer": ('defer "Later, {client.ip}"', "451 4.7.1 Later, %s"),
    "defer-code": ('defer 450 4.2.0 "Later, {client.ip}"',
                   "450 4.2.0 Later, %s"),
}
DISCONNECTS = {
    "disconnect": ('disconnect "Bye, {client.ip}"', "421 4.7.0 Bye, %s"),
    "disconnect-5": ('disconnect 550 5.7.1 "Bye, {client.ip}"',
                     "550 5.7.1 Bye, %s"),
    "disconnect-521": ('disconnect 521 5.3.2 "Bye, {client.ip}"',
                       "521 5.3.2 Bye, %s"),
    "disconnect-4": ('disconnect 450 4.7.1 "Bye, {client.ip}"',
                     "450 4.7.1 Bye, %s"),
}
OTHERS = {
    "accept": ('accept "fine"', PHASES),
    "trust": ('trust "a friend"', PHASES),
    "discard": ('discard "unwanted"', ("rcpt", "message")),
    "quarantine": ('quarantine "odd: {header \\"Subject\\"}"', ("message",)),
    "score": ("score -2.5", PHASES),
    "score-name": ('score 7 "seven"', PHASES),
    "tag": ("tag strange", PHASES),
    "route": ("route other", ("rcpt",)),
    "add": ('add header "X-Added" "{client.ip} said {helo.name}"',
            ("message",)),
    "remove": ('remove header "Subject"', ("message",)),
    "replace": ('replace header "Subject" "[was {header \\"Subject\\"}]"',
                ("message",)),
    "prefix": ('prefix subject "[odd]"', ("message",)),
    "log": ('log "seen {client.ip}"', PHASES),
}
CASES = [(name, phase) for name in REFUSALS for phase in PHASES] + \
    [(name, phase) for name, (_, phases) in OTHERS.items()
     for phase in phases]
PROMPT = [(name, phase) for name in DISCONNECTS for phase in PHASES] + \
    [("reject", phase) for phase in PHASES] + \
    [("delay", phase) for phase in PHASES]


def statement(name):
    if name in REFUSALS:
        return REFUSALS[name][0]
    if name in DISCONNECTS:
        return DISCONNECTS[name][0]
    return "delay 400ms" if name == "delay" else OTHERS[name][0]


def address(cases, name, phase):
    return "192.0.2.%d" % (1 + cases.index((name, phase)))


def rules(cases):
    """Each phase scores what goes through it, so that is seen which rules
    were asked."""
    blocks = ['on message {\n\tadd header "X-Scores" "{scores}"\n}\n']
    for phase in PHASES:
        blocks.append("on %s {\n" % phase)
        for name, where in cases:
            if where != phase:
                continue
            label = "%s-%s" % (name, phase)
            blocks.append(
                "\twhen client.ip is %s {\n\t\tscore 1 \"before\"\n"
                "\t\t%s: %s\n\t\tscore 1 \"after\"\n\t}\n" % (
                    address(cases, name, phase), label, statement(name)))
        blocks.append('\tscore 1 "%s"\n\tlog "strange at %s" '
                      'when tagged "strange"\n}\n' % (phase, phase))
    return "".join(blocks)


class Route:
    def __init__(self, start, cases):
        self.cases = cases
        self.sinks = {name: start.sink() for name in ("in", "other", "aside")}
        self.gateway = ruled(
            start, rules(cases), {n: s.url for n, s in self.sinks.items()},
            top="quarantine aside\nauthres { add no }\n")

    def address(self, name, phase):
        return address(self.cases, name, phase)

    def clear(self):
        for sink in self.sinks.values():
            sink.clear()

    def swaks(self, name, phase, **options):
        self.clear()
        return Swaks(self.gateway, self.address(name, phase), **options)

    def held(self):
        """{backend: its messages} of those that have any."""
        return {name: [m.data for m in sink.messages]
                for name, sink in self.sinks.items() if sink.messages}

    def only(self, where="in"):
        """The only message, which this backend has."""
        (data,), = self.held().values()
        assert list(self.held()) == [where]
        return data


@pytest.fixture(scope="module")
def route(module_start):
    return Route(module_start, CASES)


@pytest.fixture(scope="module")
def prompt(module_start):
    return Route(module_start, PROMPT)


def scores(phase, inner, from_phase=None):
    """Of a mail whose rules of `phase` gave `inner`, and those from
    `from_phase` on theirs."""
    found = list(PHASES[:PHASES.index(phase)]) + inner
    return found + list(PHASES[PHASES.index(from_phase):]
                        if from_phase else ())


def behind(phase):
    """The phase behind this one, None behind the last."""
    return (PHASES + (None,))[PHASES.index(phase) + 1]


def logged_scores(ran):
    line = ran.line("mail done ")
    return re.search(r" scores=\"?([^ \"]*|[^\"]*)\"?( |$)",
                     line).group(1).replace(" ", "").split(",")


def delivered(ran):
    assert ran.status == 0, ran.text
    assert ran.reply(".") == "250 2.0.0 taken"
    return ran.line("mail done ")


# --- those that go on, and those that end a phase well ---

@pytest.mark.parametrize("phase", PHASES)
def test_accept_skips_the_rest_of_its_phase(route, phase):
    ran = route.swaks("accept", phase)
    line = delivered(ran)
    assert logged_scores(ran) == scores(phase, ["before"], behind(phase))
    assert ("rule=accept-message action=accept" in line) == (
        phase == "message")
    assert b"\r\nSubject: by swaks\r\n" in route.only()


@pytest.mark.parametrize("phase", PHASES)
def test_trust_skips_all_later_phases_too(route, phase):
    ran = route.swaks("trust", phase)
    line = delivered(ran)
    assert logged_scores(ran) == scores(phase, ["before"])
    assert "rule=trust-%s action=trust" % phase in line
    assert (b"X-Scores" in route.only()) == (phase == "message")


@pytest.mark.parametrize("phase", PHASES)
def test_score(route, phase):
    for name, given in (("score", "score-" + phase), ("score-name", "seven")):
        ran = route.swaks(name, phase)
        line = delivered(ran)
        assert logged_scores(ran) == scores(
            phase, ["before", given, "after"], phase)
        assert " score=%s " % ("4.5" if name == "score" else "14") in line
        names = b"connect, helo, mail, rcpt" if phase == "message" else \
            ", ".join(scores(phase, ["before", given, "after"], phase)[:-1]
                      ).encode()
        assert b"X-Scores: " + names + b"\r\n" in route.only()


@pytest.mark.parametrize("phase", PHASES)
def test_tag_holds_from_there_on(route, phase):
    ran = route.swaks("tag", phase)
    delivered(ran)
    assert [re.search(r'phase=(\S+) text="strange at (\S+)"', line).groups()
            for line in ran.lines("rule log ")] == [
        (p, p) for p in PHASES[PHASES.index(phase):]]


@pytest.mark.parametrize("phase", PHASES)
def test_log(route, phase):
    ran = route.swaks("log", phase)
    delivered(ran)
    line = ran.line("rule log ")
    assert " rule=log-%s " % phase in line and " phase=%s " % phase in line
    assert line.endswith('text="seen %s"' % route.address("log", phase))


def test_route(route):
    ran = route.swaks("route", "rcpt")
    assert 'backend="other ' in delivered(ran)
    route.only("other")


# --- refusals ---

def refused(route, ran, name, phase, want, heard, status):
    """The reply, with the session's id; that nothing went on; the log."""
    action = name.split("-")[0]
    want = want % ran.address + " [%s]" % ran.ident()
    assert ran.reply(heard) == want
    assert ran.status == status, ran.text
    assert route.held() == {}
    by_rule = "rule=%s-%s action=%s" % (name, phase, action)
    if heard == "RCPT":
        assert by_rule in ran.line("rcpt refused ")
        assert by_rule in ran.line("mail done ")
    elif heard in ("MAIL", "."):
        outcome = "refused" if want[0] == "5" else "deferred"
        line = ran.line("mail done ")
        assert by_rule in line and "outcome=%s " % outcome in line
    if PHASES.index(phase) < 2:		# of the session, not of a mail
        assert by_rule in ran.line("session end ")


@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", REFUSALS)
def test_refusals(route, name, phase):
    """Before the message they are told at RCPT: the log has both names."""
    ran = route.swaks(name, phase)
    heard, status = HEARD["rcpt" if phase != "message" else phase]
    refused(route, ran, name, phase, REFUSALS[name][1], heard, status)
    assert ran.reply("QUIT") == "221 2.0.0 Bye"


@pytest.mark.parametrize("phase", PHASES[:4])
def test_each_recipient_of_each_mail_is_refused(route, phase):
    with client_at(route.gateway, route.address("reject", phase)) as client:
        client.ehlo()
        for sender in ("a@sender.test", ""):
            assert client.cmd("MAIL FROM:<%s>" % sender) == 250
            for rcpt in ("b@box.test", "postmaster@box.test", "b@box.test"):
                reply = client.cmd("RCPT TO:<%s>" % rcpt)
                assert reply.text.startswith("5.7.1 No, 192.0.2."), reply
            assert client.cmd("DATA") == 503
            assert client.cmd("RSET") == 250
        client.quit()


@pytest.mark.parametrize("phase", PHASES[1:])
@pytest.mark.parametrize("name", REFUSALS)
def test_refusals_at_once(route, name, phase):
    ran = route.swaks(name, phase, at_once=True)
    heard, status = HEARD[phase]
    refused(route, ran, name, phase, REFUSALS[name][1],
            "HELO" if phase == "helo" else heard, status)
    if phase == "helo":		# swaks has a second try
        assert ran.replies["EHLO"] == ran.replies["HELO"]
    assert ran.reply("QUIT") == "221 2.0.0 Bye"


@pytest.mark.parametrize("name, greeting, may_quit", (
    ("reject", "554 No, %s", True), ("reject-code", "554 No, %s", True),
    ("defer", "421 Later, %s", False), ("defer-code", "421 Later, %s", False)))
def test_refusals_in_the_greeting(route, name, greeting, may_quit):
    ran = route.swaks(name, "connect", at_once=True)
    refused(route, ran, name, "connect", greeting, "CONNECT", 21)
    assert ("QUIT" in ran.replies) == may_quit


def test_who_was_turned_away_can_only_quit(route):
    with client_at(route.gateway, route.address("reject", "connect"),
                   at_once=True) as client:
        assert client.greeting == 554
        for line in ("EHLO a.test", "MAIL FROM:<a@b.test>", "NOOP", "RSET"):
            reply = client.cmd(line)
            assert (reply.code, reply.enhanced) == (503, "5.5.1"), line
        assert client.quit() == 221


def test_a_refused_helo_was_never_said(route):
    with client_at(route.gateway, route.address("reject", "helo"),
                   at_once=True) as client:
        assert client.cmd("EHLO a.test") == 550
        assert client.cmd("MAIL FROM:<a@sender.test>") == 503


def test_a_refused_sender_may_be_followed_by_another(route):
    with client_at(route.gateway, route.address("defer", "mail"),
                   at_once=True) as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<a@sender.test>") == 451
        assert client.cmd("RCPT TO:<b@box.test>") == 503
        assert client.cmd("MAIL FROM:<c@sender.test>") == 451
        assert client.quit() == 221


@pytest.mark.parametrize("phase", PHASES)
def test_refusals_beside_rules_that_answer_at_once(prompt, phase):
    """That a phase may hold its reply back does not change when a refusal is
    told."""
    ran = prompt.swaks("reject", phase)
    heard, status = HEARD["rcpt" if phase != "message" else phase]
    refused(prompt, ran, "reject", phase, REFUSALS["reject"][1], heard,
            status)


# --- disconnect ---

GREETINGS = {"disconnect": "421 Bye, %s", "disconnect-5": "554 Bye, %s",
             "disconnect-521": "521 Bye, %s", "disconnect-4": "421 Bye, %s"}


@pytest.mark.parametrize("at_once", (False, True), ids=("rcpt", "connect"))
@pytest.mark.parametrize("phase", PHASES)
@pytest.mark.parametrize("name", DISCONNECTS)
def test_disconnect_closes_at_once(prompt, name, phase, at_once):
    """Wherever refusals are told."""
    ran = prompt.swaks(name, phase, at_once=at_once)
    heard, status = HEARD[phase]
    want = DISCONNECTS[name][1] if phase != "connect" else GREETINGS[name]
    if phase == "helo":
        status = 6		# swaks wanted to try HELO
    refused(prompt, ran, name, phase, want, heard, status)
    assert "QUIT" not in ran.replies and "HELO" not in ran.replies
    assert "by=rule " in ran.line("session end ")


def test_what_was_sent_ahead_of_disconnect_is_not_answered(prompt):
    with client_at(prompt.gateway,
                   prompt.address("disconnect", "mail")) as client:
        client.ehlo()
        client.send(b"MAIL FROM:<a@sender.test>\r\nRCPT TO:<b@box.test>\r\n"
                    b"RCPT TO:<c@box.test>\r\nNOOP\r\n")
        assert client.reply() == 421
        assert client.closed()


# --- delay ---

@pytest.mark.parametrize("phase", PHASES)
def test_delay(prompt, phase):
    """The reply of its phase waits; the others do not wait for it."""
    prompt.clear()
    times = {}

    def timed(name, what):
        begun = time.monotonic()
        assert what() in (220, 250, 354)
        times[name] = time.monotonic() - begun

    client = client_at(prompt.gateway, prompt.address("delay", phase),
                       greet=False)
    with client:
        timed("connect", client.reply)
        timed("helo", lambda: client.cmd("EHLO a.test"))
        timed("mail", lambda: client.cmd("MAIL FROM:<a@sender.test>"))
        timed("rcpt", lambda: client.cmd("RCPT TO:<b@box.test>"))
        timed("message", lambda: client.data(MESSAGE))
        client.quit()
    # The greeting's wait began before the client looked at its clock.
    assert times[phase] >= (.3 if phase == "connect" else .39)
    assert prompt.only().endswith(MESSAGE)


def test_nothing_of_the_backend_waits_with_a_delayed_reply(start):
    """Its only connection, that two transactions had, serves a third one
    meanwhile."""
    sink = start.sink()
    gateway = ruled(
        start, "on rcpt { delay 4s when rcpt.local is \"slow\" }\n"
        'on message { delay 4s when sender.local is "slow" }\n',
        {"in": sink.url}, workers=1, backend="\tmax_connections 1",
        top="authres { add no }")
    with client_at(gateway, "192.0.2.1") as first, \
            client_at(gateway, "192.0.2.2") as second, \
            client_at(gateway, "192.0.2.3") as third:
        first.ehlo()
        assert first.envelope("slow@sender.test", "a@box.test") == 250
        assert first.cmd("DATA") == 354
        first.send(b"Subject: first\r\n\r\n.\r\n")
        second.ehlo()
        assert second.envelope("b@sender.test", "b@box.test") == 250
        second.send(b"RCPT TO:<slow@box.test>\r\n")
        third.ehlo()
        assert third.mail(b"Subject: third\r\n\r\n", rcpts="c@box.test") == 250
        assert first.reply() == 250
        assert second.reply() == 250
        assert second.data(b"Subject: second\r\n\r\n") == 250
    held = sink.wait(3)
    assert [(m.sender.split("@")[0], m.rcpts) for m in held] == [
        ("a", ["c@box.test"]), ("slow", ["a@box.test"]),
        ("b", ["b@box.test", "slow@box.test"])]
    assert len(sink.sessions) == 1


# --- discard and quarantine ---

@pytest.mark.parametrize("phase", ("rcpt", "message"))
def test_discard(route, phase):
    ran = route.swaks("discard", phase)
    assert ran.status == 0, ran.text
    assert ran.reply("RCPT").startswith("250 2.1.5 ")
    assert ran.reply(".") == "250 2.0.0 Ok"
    line = ran.line("mail done ")
    assert " outcome=discarded " in line
    assert "rule=discard-%s action=discard" % phase in line
    if phase == "rcpt":
        assert "rule=discard-rcpt" in ran.line("rcpt discarded ")
        assert b"MAIL" not in route.sinks["in"].raw()	# not even begun
    assert route.held() == {}


def test_quarantine(route):
    ran = route.swaks("quarantine", "message")
    line = delivered(ran)
    assert "outcome=quarantined " in line and 'backend="aside ' in line
    assert "rule=quarantine-message action=quarantine" in line
    data = route.only("aside")
    assert data.startswith(b"X-Forepost-Quarantine: odd: by swaks\r\n")
    assert route.sinks["aside"].messages[0].rcpts == ["b@box.test"]
    assert route.sinks["aside"].messages[0].sender == "a@sender.test"


def test_quarantine_without_a_backend_for_it(start):
    sink = start.sink()
    gateway = ruled(start, 'on message { aside: quarantine "odd" }',
                    {"in": sink.url}, run=False)
    warned = gateway.check()
    assert warned.returncode == 0 and "quarantine" in warned.stdout
    gateway.start()
    ran = Swaks(gateway, "192.0.2.1")
    assert ran.status == 0
    data = sink.wait(1)[0].data
    assert data.startswith(b"X-Forepost-Quarantine: odd\r\n")
    assert "outcome=quarantined " in ran.line("mail done ")


def test_a_quarantine_that_is_down_defers_the_mail(start):
    sink, aside = start.sink(), start.sink()
    gateway = ruled(start, 'on message { quarantine "odd" }',
                    {"in": sink.url, "aside": aside.url},
                    top="quarantine aside")
    aside.rcpt_replies["b@box.test"] = b"550 5.1.1 not here\r\n"
    ran = Swaks(gateway, "192.0.2.1")
    assert ran.status == 26 and ran.reply(".").startswith("451 4.")
    aside.stop()
    ran = Swaks(gateway, "192.0.2.2")
    assert ran.status == 26 and ran.reply(".").startswith("451 4.")
    assert sink.messages == aside.messages == []


# --- the header ---

def header(data):
    """{name: [value]} of the fields below the gateway's Received."""
    fields = {}
    head = data.partition(b"\r\n\r\n")[0].decode()
    for line in re.sub(r"\r\n[ \t]+", " ", head).split("\r\n"):
        name, _, value = line.partition(": ")
        fields.setdefault(name, []).append(value)
    return fields


@pytest.mark.parametrize("name, want", (
    ("add", {"X-Added": ["%s said swaks.test"], "Subject": ["by swaks"]}),
    ("remove", {"Subject": None}),
    ("replace", {"Subject": ["[was by swaks]"]}),
    ("prefix", {"Subject": ["[odd] by swaks"]})))
def test_the_header_is_edited(route, name, want):
    delivered(route.swaks(name, "message"))
    data = route.only()
    found = header(data)
    for field, values in want.items():
        assert found.get(field) == (values and [
            v.replace("%s", route.address(name, "message")) for v in values])
    assert data.endswith(b"\r\n\r\nThis is a test mailing\r\n\r\n\r\n")


def test_nothing_but_what_was_edited_changes(route):
    """Order, folding, spaces and the body stay as they were."""
    route.clear()
    message = (b"X-One:  two  spaces\r\nsubject:\tfolded\r\n here\r\n"
               b"Subject: the second\r\nX-Two:\r\n\tz\r\n\r\n..body\r\n.\r\n")
    want = {
        "remove": message.replace(
            b"subject:\tfolded\r\n here\r\nSubject: the second\r\n", b""),
        "replace": message.replace(
            b"subject:\tfolded\r\n here\r\n",
            b"Subject: [was folded here]\r\n").replace(
                b"Subject: the second\r\n", b""),
    }
    for name, edited in want.items():
        route.clear()
        with client_at(route.gateway,
                       route.address(name, "message")) as client:
            client.ehlo()
            assert client.mail(message) == 250
        got = re.sub(rb"\r\nX-Scores: [^\r]*", b"", b"\r\n" + route.only())
        assert got.endswith(b" +0000\r\n" + edited), got
