"""`forepost explain` says of a mail what the gateway then does with it.

Each case is explained first, and then sent by swaks, from the same address to
a gateway with the same configuration: reply, rule, log and what the backend
holds are those that were told.
"""
import json
import os
import re

import pytest

from kit.explained import RECORDS, explain, message
from kit.ruled import Swaks, ruled

pytestmark = pytest.mark.core

CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../conf")
LISTS = ("dnsbl bad { zone bad.lists.test  reply 127.0.0.2 score 9\n"
         "    reply 127.0.0.3 score 3 }\nquarantine aside\n")
ACTIONS = r"""
set friends = { 192.0.2.30/31 }
on connect {
	trust			when client.ip in $friends
	conn-reject: reject 550 5.7.1 "No, {client.ip}"	when client.ip is 192.0.2.40
	conn-521: reject 521 5.3.2 "Never"	when client.ip is 192.0.2.41
	conn-defer: defer "Later"		when client.ip is 192.0.2.42
	conn-bye: disconnect 554 "Bye"		when client.ip is 192.0.2.43
	conn-listed: reject 554 5.7.1 "Listed by {dnsbl.names}"	when dnsbl.score >= 8
	observed: observe reject 554 "Would be {client.ip}"	when client.ip is 192.0.2.44
	delay 200ms				when client.ip is 192.0.2.44
	score 1 "here"
	log "{client.ip}:{client.port} at {listener}"
}
on helo {
	helo-reject: reject 550 5.7.1 "Not {helo.name}"	when helo.name is "evil.test"
	helo-bye: disconnect 421 4.7.0 "Bye"	when helo.name is "bye.test"
	tag dynamic				when not helo.resolves
}
on mail {
	mail-reject: reject 553 5.1.8 "Not {sender}"	when sender.local is "spam"
	mail-bye: disconnect "Bye, {sender}"	when sender.local is "bye"
	score 1.5				when spf is softfail
}
on rcpt {
	rcpt-reject: reject 550 5.1.1 "No {rcpt}"	when rcpt.local is "nobody"
	rcpt-defer: defer 450 4.2.0 "Busy"	when rcpt.local is "busy"
	rcpt-drop: discard "unwanted"		when rcpt.local is "drop"
	rcpt-bye: disconnect "Enough"		when rcpt.local is "enough"
	route other				when rcpt.local is "other"
	rcpt-trust: trust			when rcpt.local is "abuse"
}
on message {
	msg-reject: reject 554 5.6.0 "No {header \"Subject\"}"	when header "Subject" is "no"
	msg-drop: discard "boring"		when header "Subject" is "drop"
	msg-aside: quarantine "odd: {header \"Subject\"}"	when header "Subject" contains "odd"
	msg-bye: disconnect "Done"		when header "Subject" is "bye"
	would: observe quarantine "for {rcpt.local}"	when message.size < 100k
	prefix subject "[dyn]"			when tagged "dynamic"
	add header "X-Score" "{score} {scores}"
	remove header "X-Old"
}
"""


RULES = {
    "default": 'include "%s/default.rules"\n' % CONF,
    "strict": 'include "%s/strict.rules"\n' % CONF,
    "actions": ACTIONS,
    "observing": 'observe include "%s/strict.rules"\n' % CONF,
}
GOOD = {"client": "192.0.2.7", "helo": "mail.good.example",
        "sender": "ann@good.example", "to": "bob@in.test"}
FORGED = "ceo@bank.example"
# What differs from GOOD, and what becomes of it: (result, rule).
CASES = {
    "default": [
        ({}, "delivered", None),
        ({"client": "192.0.2.8"}, "refused", "listed"),
        ({"client": "192.0.2.8", "to": "postmaster@in.test"}, "delivered",
         "role-mail"),
        ({"client": "192.0.2.6"}, "delivered", None),
        ({"client": "192.0.2.9", "helo": "localhost"}, "delivered", None),
        ({"client": "2001:db8::9", "helo": "nowhere.example"}, "delivered",
         None),
        ({"sender": "a@nomail.example"}, "refused", "no-reply"),
        ({"sender": FORGED, "message": message(FORGED)}, "refused",
         "dmarc-spf"),
        ({"message": message(FORGED)}, "quarantined", "dmarc"),
        ({"message": message(FORGED, more="List-Id: <l.example>\n")},
         "quarantined", "dmarc"),
        ({"message": message("a@shop.example")}, "quarantined", "dmarc"),
        ({"message": message(more="From: b@good.example\n")}, "refused",
         "two-from"),
        ({"sender": "<>"}, "delivered", None),
        ({"message": message(more="Received: by x.example\n" * 101)},
         "refused", None),
        ({"message": message(more="X-Long: %s\n" % ("a " * 200000))},
         "refused", None),
        # Nothing is looked up for these.
        ({"client": "127.0.0.9"}, "delivered", None),
        ({"client": "203.0.113.7", "sender": FORGED,
          "message": message(FORGED)}, "delivered", None),
        ({"client": "192.0.2.8", "sender": "ann@silent.example",
          "to": "x@elsewhere.example"}, "refused", "listed"),
        ({"to": "x@elsewhere.example"}, "refused", None),
    ],
    "strict": [
        ({}, "delivered", None),
        ({"client": "192.0.2.9"}, "refused", "strict-no-reverse"),
        ({"helo": "WIN-8Q2KD3"}, "refused", "strict-helo-name"),
        ({"client": "192.0.2.8", "helo": "nowhere.example"}, "refused",
         "listed"),
        ({"message": message(sender=None)}, "refused", "strict-no-from"),
        ({"message": message(FORGED), "sender": "x@shop.example"},
         "quarantined", "dmarc"),
        ({"sender": FORGED}, "quarantined", "strict-spf"),
        ({"to": "abuse@in.test", "client": "192.0.2.9"}, "delivered",
         "role-mail"),
    ],
    "actions": [
        ({}, "delivered", None),
        ({"client": "192.0.2.31"}, "delivered", "in.rules:4"),
        ({"client": "192.0.2.8"}, "refused", "conn-listed"),
        ({"client": "192.0.2.40"}, "refused", "conn-reject"),
        ({"client": "192.0.2.41"}, "refused", "conn-521"),
        ({"client": "192.0.2.42"}, "deferred", "conn-defer"),
        ({"client": "192.0.2.43"}, "disconnected", "conn-bye"),
        ({"client": "192.0.2.44"}, "delivered", None),
        ({"helo": "evil.test"}, "refused", "helo-reject"),
        ({"helo": "bye.test"}, "disconnected", "helo-bye"),
        ({"helo": "nowhere.example"}, "delivered", None),
        ({"sender": "spam@good.example"}, "refused", "mail-reject"),
        ({"sender": "bye@good.example"}, "disconnected", "mail-bye"),
        ({"client": "192.0.2.9"}, "delivered", None),
        ({"to": "nobody@in.test"}, "refused", "rcpt-reject"),
        ({"to": "busy@in.test"}, "deferred", "rcpt-defer"),
        ({"to": "drop@in.test"}, "discarded", "rcpt-drop"),
        ({"to": "enough@in.test"}, "disconnected", "rcpt-bye"),
        ({"to": "other@in.test"}, "delivered", None),
        ({"to": "abuse@in.test"}, "delivered", "rcpt-trust"),
        ({"to": "other@elsewhere.example"}, "refused", None),
        ({"message": message(subject="no")}, "refused", "msg-reject"),
        ({"message": message(subject="drop")}, "discarded", "msg-drop"),
        ({"message": message(subject="an odd =?utf-8?q?=C3=BC?=")},
         "quarantined", "msg-aside"),
        ({"message": message(subject="bye")}, "disconnected", "msg-bye"),
    ],
    "observing": [
        ({}, "delivered", None),
        ({"client": "192.0.2.9", "helo": "localhost"}, "delivered", None),
        ({"client": "192.0.2.8", "sender": FORGED,
          "message": message(FORGED)}, "delivered", None),
    ],
}
VERBS = {"greeting": "CONNECT", "EHLO": "EHLO", "MAIL": "MAIL",
         "RCPT": "RCPT", "message": "."}
# The listeners: with refusals at RCPT, and at once.
LISTENERS = {"mx": False, "now": True}


def name_of(case):
    names = sorted(set(case[0]) - {"message"})
    return "-".join([case[1], case[2] or "nobody"] +
                    [case[0][n] for n in names]).replace("/", "_")


ALL = [pytest.param(rules, listener, *case,
                    id="%s-%s-%s" % (rules, listener, name_of(case)))
       for rules in CASES for case in CASES[rules] for listener in LISTENERS
       if rules == "actions" or listener == "mx"]


class Route:
    def __init__(self, start, rules):
        start.resolver().records.update(RECORDS)
        self.sinks = {n: start.sink() for n in ("in", "other", "aside")}
        self.gateway = ruled(
            start, rules, {n: s.url for n, s in self.sinks.items()},
            top=LISTS, listener="\tunchecked 203.0.113.0/24\n", run=False)
        with open(self.gateway.conf) as f:
            text = f.read()
        # Not all the world's mail.
        self.gateway.configure(re.sub(r'route \{ domains "\*".*\n', "", text))
        self.gateway.start()

    def explain(self, case, *arguments):
        path = self.gateway.path("mail.eml")
        with open(path, "w") as f:
            f.write(case["message"])
        return explain("--config", self.gateway.conf, "--client",
                       bracketed(case["client"]) + ":4000", "--helo",
                       case["helo"], "--from", case["sender"], "--to",
                       case["to"], *arguments, path)

    def send(self, case, at_once):
        for sink in self.sinks.values():
            sink.clear()
        # As swaks shall say it, which else edits it.
        wire = self.gateway.path("wire")
        with open(wire, "w", newline="\r\n") as f:
            f.write(case["message"] + ".\n")
        return Swaks(self.gateway, case["client"], "--helo", case["helo"],
                     "--from", case["sender"], "--to", case["to"],
                     "--no-data-fixup", "--data", "@" + wire,
                     at_once=at_once)

    def held(self):
        return {name: [m.data for m in sink.messages]
                for name, sink in self.sinks.items() if sink.messages}


def bracketed(address):
    return "[%s]" % address if ":" in address else address


@pytest.fixture(scope="module")
def routes(module_start):
    made = {}

    def route(rules):
        if rules not in made:
            made[rules] = Route(module_start, RULES[rules])
        return made[rules]
    return route


def mail_of(changes):
    return {**GOOD, "message": message(), **changes}


def value(line, key):
    """Of a log line; None if it is not there."""
    found = re.search(r' %s=(?:"((?:[^"\\]|\\.)*)"|(\S+))' % key, line)
    if not found:
        return None
    return found[2] or re.sub(r"\\(.)", r"\1", found[1])


def check_reply(page, swaks):
    """What it heard, and that nothing else was refused."""
    reply, verb = page["reply"], "."
    if reply:
        verb = VERBS[reply["to"]]
        words = [str(reply["code"]), reply["enhanced"], reply["text"]]
        if reply["code"] >= 400:
            words.append("[%s]" % swaks.ident())
        assert swaks.reply(verb) == " ".join(w for w in words if w)
    else:
        assert swaks.reply(verb).startswith("250 ")
    before = list(swaks.replies)[:list(swaks.replies).index(verb)]
    for other in before:
        assert swaks.replies[other][-1][0] in "23", swaks.text


def check_log(page, swaks):
    to = page["reply"]["to"] if page["reply"] else "message"
    event = {"RCPT": "rcpt refused", "message": "mail done",
             "MAIL": "mail done"}.get(to, "session end")
    found = swaks.lines(" %s " % event)
    assert len(found) == 1, (event, swaks.gateway.process.text())
    line, = found
    by = page["outcome"]["by"]
    assert value(line, "rule") == (by and by["rule"])
    if by:
        assert value(line, "action") == by["action"]
    if event == "mail done":
        expected = page["outcome"]["result"]
        if expected == "disconnected":
            expected = "deferred"	# 421
        assert value(line, "outcome") == expected
        assert float(value(line, "score") or 0) == page["outcome"]["score"]
        assert (value(line, "scores") or "") == page["outcome"]["scores"]
    told = [(value(line, "phase"), value(line, "rule"), value(line, "would"))
            for line in swaks.lines(" observed ")]
    assert told == [(o["phase"], o["rule"], o["would"])
                    for o in page["observed"]]
    told = [(value(line, "phase"), value(line, "rule"), value(line, "text"))
            for line in swaks.lines(" rule log ")]
    assert told == [(o["phase"], o["rule"], o["text"]) for o in page["logs"]]


def check_message(page, route):
    held = route.held()
    if page["outcome"]["result"] not in ("delivered", "quarantined"):
        assert held == {}
        return
    (data,), = held.values()
    assert list(held) == [page["outcome"]["backend"]]
    assert data.startswith(page["fields"].encode() + b"Received: ")
    header = data.partition(b"\r\n\r\n")[0].decode() + "\r\n"
    for edit in page["edits"]:
        if edit["action"] in ("add header", "replace header"):
            unfolded = header.replace("\r\n ", " ")
            assert "%(name)s: %(value)s\r\n" % edit in unfolded
        elif edit["action"] == "remove header":
            assert "\n%(name)s:" % edit not in header
        else:
            assert "\nSubject: %(value)s" % edit in header
    if not page["edits"]:
        assert "\nX-Old: 1\r\n" in header


@pytest.mark.parametrize("rules, listener, changes, result, rule", ALL)
def test_what_is_told_is_what_happens(routes, rules, listener, changes,
                                      result, rule):
    route, case = routes(rules), mail_of(changes)
    done = route.explain(case, "--json", "--listener", listener)
    assert done.returncode == 0, done.stderr
    page = json.loads(done.stdout)
    assert page["outcome"]["result"] == result
    assert (page["outcome"]["by"] or {}).get("rule") == rule
    swaks = route.send(case, LISTENERS[listener])
    check_reply(page, swaks)
    check_log(page, swaks)
    check_message(page, route)


# --- the two forms ---

def test_json_has_its_keys(routes):
    """Those that the manual names, of the types that it says."""
    page = json.loads(routes("actions").explain(
        mail_of({"client": "192.0.2.8"}), "--json", "--listener",
        "mx").stdout)
    assert {k: type(v) for k, v in page.items()} == {
        "outcome": dict, "reply": dict, "listener": str, "mode": str,
        "unlooked": type(None), "store": type(None), "rules": list,
        "observed": list, "logs": list, "edits": list, "facts": dict,
        "why": dict, "fields": str, "removed": int}
    assert page["outcome"] == {
        "result": "refused", "phase": "connect", "by": {
            "rule": "conn-listed", "file": routes("actions").gateway.path(
                "in.rules"), "line": 9, "action": "reject"},
        "why": None, "backend": None, "delay": 0, "score": 0, "scores": ""}
    assert page["reply"] == {
        "to": "RCPT", "code": 554, "enhanced": "5.7.1",
        "text": "Listed by bad", "closes": False}
    assert [p["phase"] for p in page["rules"]] == [
        "connect", "helo", "mail", "rcpt", "message"]
    assert {p["not-asked"] for p in page["rules"][1:]} == {
        "refused at connect"}
    last = page["rules"][0]["rules"][-1]
    assert last["facts"] == {"dnsbl.score": 9, "dnsbl.names": ["bad"]}
    assert (page["facts"]["client.port"], page["facts"]["helo.kind"],
            page["facts"]["listener"]) == (4000, "ehlo", "mx")


def test_text_begins_with_the_verdict(routes):
    route = routes("actions")
    text = route.explain(mail_of({"client": "192.0.2.8"}), "--listener",
                         "mx").stdout
    path = route.gateway.path("in.rules")
    assert text.startswith(
        "refused by conn-listed (%s:9) at connect\n"
        "  reply     to RCPT: 554 5.7.1 Listed by bad\n" % path)
    assert "\nat helo: not asked: refused at connect\n" in text
    flat = re.sub(r"\n +", " ", text)
    assert "\n* %s:9 conn-listed: when dnsbl.score >= 8 [dnsbl.score = 9, " \
        "dnsbl.names = { \"bad\" }] -> reject 554 5.7.1 \"Listed by bad\"" \
        "\n" % path in flat
    assert text.index("at message: not asked") < text.index("\nclient.ip = ")


@pytest.mark.parametrize("changes, lines", [
    ({}, ["delivered to in: no rule decided", "  reply     what the backend "
          "says", "  score     1 (here)", "  edit      add header X-Score: "
          "1 here", "  edit      remove header X-Old", "  observed  would ("]),
    ({"client": "192.0.2.31"}, [
        "delivered to in, trusted by in.rules:4 at connect"]),
    ({"client": "192.0.2.44"}, [
        "  delay     200ms, all replies together", "  observed  observed (",
        "at helo: accept, no rule decided; observation ended by observed"]),
    ({"message": message(subject="odd")}, [
        "quarantined by msg-aside (", "  backend   aside",
        "X-Forepost-Quarantine: odd: odd"]),
    ({"to": "drop@in.test"}, ["discarded by rcpt-drop (",
                              "  reply     to message: 250 2.0.0 Ok",
                              "at message: not asked: discarded at rcpt"]),
    ({"to": "x@elsewhere.example"}, [
        "refused: no route takes this recipient",
        "  reply     to RCPT: 550 5.7.1 Relaying is not permitted"]),
    ({"client": "203.0.113.7"}, ["  lookups   nothing is looked up but the "
                                 "client's name: it is in"]),
    ({"client": "127.0.0.9"}, ["  lookups   nothing is looked up: the client "
                               "is on this machine"]),
])
def test_text(routes, changes, lines):
    text = routes("actions").explain(mail_of(changes)).stdout
    for line in lines:
        assert "\n" + line in "\n" + text
    rules = text.partition("\nfacts, ")[0]
    path = routes("actions").gateway.path("in.rules")
    assert all(len(line) <= 79 for line in rules.splitlines()
               if path not in line)


def test_an_observing_configuration_says_so(start):
    start.resolver().records.update(RECORDS)
    gateway = ruled(start, ACTIONS, {"in": "smtp://192.0.2.1",
                                     "other": "smtp://192.0.2.1"},
                    top="mode observe\n", run=False)
    done = explain("--config", gateway.conf, "--client", "192.0.2.40",
                   "--to", "bob@in.test")
    assert done.returncode == 0
    assert "undecided, not refused so far: no message was given\n" \
        in done.stdout
    assert "\n  mode      observe: no rule acts\n" in done.stdout
    assert 'would reject 550 5.7.1 "No, 192.0.2.40"' in done.stdout


def test_rules_of_another_file_are_tried(routes, work):
    """With lists and backends of the configuration, whose rules do not
    matter; and without one with any backend."""
    with open(work + "/x.rules", "w") as f:
        f.write('on rcpt { route other when dnsbl.bad is not none }\n')
    page = json.loads(routes("actions").explain(
        mail_of({"client": "192.0.2.8"}), "--rules", work + "/x.rules",
        "--json").stdout)
    assert page["outcome"]["backend"] == "other"
    with open(work + "/x.rules", "w") as f:
        f.write('on rcpt { route nosuch }\n')
    done = routes("actions").explain(mail_of({}), "--rules",
                                     work + "/x.rules")
    assert done.returncode == 1
    assert "x.rules:1:17: " in done.stderr and "nosuch" in done.stderr
