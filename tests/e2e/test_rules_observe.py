"""Rules that only observe: they say what they would do, and change not one
octet for client and backend."""
import re

import pytest

from kit.client import stuff
from kit.ruled import MESSAGE, client_at, ruled, write_rules
from kit.running import stats

pytestmark = pytest.mark.core

# Every action at every phase where it may stand; delays that would be seen.
ANYWHERE = """
	NAME-score: score 9
	NAME-tag: tag seen
	NAME-delay: delay 100s
	NAME-log: log "seen {client.ip}"   when ASKING
"""
MORE = {
    "rcpt": """
	rcpt-route: route other
""",
    "message": """
	message-add: add header "X-Added" "{rcpt}"
	message-remove: remove header "Subject"
	message-replace: replace header "To" "{dmarc} {dkim}"
	message-prefix: prefix subject "[odd]"
""",
}
# Nothing is observed behind those that decide: a client for each of them.
DECIDING = ('defer 450 4.2.0 "not {client.ip} now"',
            'reject 550 5.7.1 "not {client.ip}"',
            'disconnect 521 5.3.2 "not {client.ip}"', "accept",
            'trust "a friend"')
MORE_DECIDING = {
    "rcpt": ('discard "unwanted {rcpt}"',),
    "message": ('quarantine "odd {rcpt}"', 'discard "unwanted"'),
}
PHASES = ("connect", "helo", "mail", "rcpt", "message")
CLIENTS = {}		# by label
for _phase in PHASES:
    for _action in DECIDING + MORE_DECIDING.get(_phase, ()):
        CLIENTS["%s-%s" % (_phase, _action.split()[0])] = (
            "192.0.2.%d" % (10 + len(CLIENTS)))
ADDRESSES = ["192.0.2.7"] + list(CLIENTS.values())
# What is looked up for them.
ASKING = {"connect": "client.reverse is not ok", "helo": "not helo.resolves",
          "mail": "spf is none", "rcpt": "dnsbl.score < 5",
          "message": "dmarc is none"}


def block(phase):
    rules = ANYWHERE.replace("NAME", phase).replace(
        "ASKING", ASKING[phase]) + MORE.get(phase, "")
    for action in DECIDING + MORE_DECIDING.get(phase, ()):
        label = "%s-%s" % (phase, action.split()[0])
        rules += "\t%s: %s   when client.ip is %s\n" % (
            label, action, CLIENTS[label])
    return "on %s {%s}\n" % (phase, rules)


ACTING = "".join(map(block, PHASES))
LABELS = [(phase, label) for phase in PHASES
          for label in re.findall(r"^\t(\S+):", block(phase), re.M)]


def observing(how):
    """The rules, and what the configuration says besides."""
    if how == "rule":
        return re.sub(r"^(\t\S+: )", r"\1observe ", ACTING, flags=re.M), ""
    if how == "block":
        return ACTING.replace("on ", "observe on "), ""
    if how == "group":
        return re.sub(r"\{\n(.*?)\n\}\n", r"{ observe when client.port > 0 {\n"
                      r"\1\n} }\n", ACTING, flags=re.S), ""
    if how == "include":
        return 'observe include "acting.rules"\n', ""
    return ACTING, "mode observe\n"


def dialogue(gateway, address, at_once):
    """All that a client hears: two mails, one of them in chunks, and what the
    gateway itself refuses."""
    lines = []

    def say(octets, replies=1):
        client.send(octets)
        for _ in range(replies):
            lines.extend(client.reply().lines)

    with client_at(gateway, address, at_once) as client:
        lines += client.greeting.lines
        say(b"HELO one.test\r\n")
        say(b"EHLO two.test\r\n")
        say(b"MAIL FROM:<a@sender.test> BODY=8BITMIME\r\n"
            b"RCPT TO:<b@box.test>\r\nRCPT TO:<c@box.test>\r\n"
            b"RCPT TO:<nobody@box.test>\r\nRCPT TO:nonsense\r\nDATA\r\n", 6)
        say(stuff(MESSAGE) + b".\r\n")
        say(b"MAIL FROM:<> SMTPUTF8\r\nRSET\r\nMAIL FROM:<>\r\n", 3)
        say(b"RCPT TO:<d@box.test>\r\nBDAT 12\r\nSubject: no\r", 2)
        say(b"BDAT 7 LAST\r\n\n\r\nbye.")
        say(b"QUIT\r\n")
    return "\n".join(lines).encode()


def masked(octets):
    """Without ids and times."""
    octets = re.sub(rb"\b[0-9a-f]{12}\b", b"ID", octets)
    return re.sub(rb"\w{3}, \d+ \w{3} \d{4} \d\d:\d\d:\d\d [-+]\d{4}",
                  b"DATE", octets)


def world(start, rules, top=""):
    """A gateway with its backends, among them one that takes not everybody,
    after a dialogue with each client: what was heard, and what the backends
    got."""
    sinks = {name: start.sink() for name in ("in", "other", "aside")}
    sinks["in"].rcpt_replies["nobody@box.test"] = b"550 5.1.1 nobody\r\n"
    gateway = ruled(start, rules, {n: s.url for n, s in sinks.items()},
                    workers=1, run=False, top="quarantine aside\n" + top)
    write_rules(gateway, ACTING, "acting.rules")
    gateway.start()
    heard = [dialogue(gateway, address, i % 2 == 1)
             for i, address in enumerate(ADDRESSES)]
    gateway.wait_line("session end ", count=len(ADDRESSES))
    return gateway, [masked(h) for h in heard], {
        n: masked(s.raw()) for n, s in sinks.items()}


@pytest.fixture(scope="module")
def plain(module_start):
    """Without any rules."""
    _, heard, held = world(module_start, None)
    assert b"354" in heard[0] and b"Subject: ruled" in held["in"]
    return heard, held


@pytest.mark.parametrize("how", ("rule", "block", "group", "include", "mode"))
def test_not_an_octet_changes(start, plain, how):
    rules, top = observing(how)
    gateway, heard, held = world(start, rules, top)
    for address, one, other in zip(ADDRESSES, heard, plain[0]):
        assert one.splitlines() == other.splitlines(), address
    assert held == plain[1]

    # And all of it is in the log.
    lines = gateway.lines(" observed ")
    told = {re.search(r" rule=(\S+) phase=(\S+) ", line).groups()
            for line in lines}
    assert told == {(label, phase) for phase, label in LABELS}
    assert stats(gateway)["rules_observed"] == len(lines)
    assert stats(gateway)["rule_refusals"] == 0
    for label, phase, would in (
            ("connect-defer", "connect",
             'defer 450 4.2.0 \\"not %s now\\"' % CLIENTS["connect-defer"]),
            ("helo-delay", "helo", "delay 100s"),
            ("mail-trust", "mail", 'trust \\"a friend\\"'),
            ("rcpt-route", "rcpt", "route other"),
            ("rcpt-discard", "rcpt", 'discard \\"unwanted c@box.test\\"'),
            ("message-reject", "message",
             'reject 550 5.7.1 \\"not %s\\"' % CLIENTS["message-reject"]),
            ("message-replace", "message",
             'replace header \\"To\\" \\"none none\\"')):
        assert [line for line in lines if line.endswith(
            ' rule=%s phase=%s would="%s"' % (label, phase, would))], label
    # One rule may be told as often as it is asked: for each recipient, unless
    # that of an earlier phase would have kept it from being asked.
    reaching = [label for label in CLIENTS if label.startswith(
        ("rcpt", "message")) or label.endswith("accept")]
    assert len([line for line in lines if "rule=rcpt-score " in line]) == \
        4 * (1 + len(reaching))
    # The line of a mail says what would have become of it.
    mails = gateway.lines(" mail done ")
    assert len(mails) == 3 * len(ADDRESSES)	# one of them aborted
    for label, action in (("connect-defer", "defer 450 4.2.0"),
                          ("mail-disconnect", "disconnect 521 5.3.2"),
                          ("rcpt-discard", "discard"),
                          ("message-trust", "trust")):
        told = [line for line in mails if " would-rule=%s " % label in line]
        assert len(told) >= 2 and all(
            ' would="%s ' % action in line for line in told), label
    assert not gateway.lines(" action=") and not gateway.lines(" score=")


def test_the_same_rules_act_when_nobody_observes(start):
    """So the test above has something to see."""
    sink = start.sink()
    gateway = ruled(start, 'on mail { no: reject "no" }', {"in": sink.url},
                    workers=1)
    with client_at(gateway, "192.0.2.7") as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 550
    gateway.wait_line("rcpt refused .*rule=no action=reject")
    assert not gateway.lines(" observed ")
    assert stats(gateway)["rule_refusals"] == 1


def test_an_observer_beside_rules_that_act(start):
    """A score that it would have given is not given, but other observers see
    it; what acts behind it is asked."""
    sink = start.sink()
    gateway = ruled(start, """
on mail {
	more: observe score 5
	tagging: observe tag odd
	try: observe reject 554 "not {sender}: {score}" when tagged "odd"
	reject "odd" when tagged "odd" or score >= 5
	real: score 2
}
on message { add header "X-Scores" "{score} {scores}" }
""", {"in": sink.url}, workers=1)
    with client_at(gateway, "192.0.2.7") as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert b"X-Scores: 2 real\r\n" in sink.wait(1)[0].data
    line, = gateway.wait_line(" observed rule=try ")
    assert line.endswith(
        'would="reject 554 5.7.1 \\"not a@sender.test: 5\\""')
