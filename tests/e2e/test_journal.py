"""The journal: each transaction as one line of JSON that says what the log and
the client were told, with the facts and what every rule did."""
import re

import pytest

from kit.client import Client
from kit.journaled import (journaled, last_session, logged, record,
                           records)
from kit.process import wait_until
from kit.ruled import another, client_at

RULES = """
on connect {
	away: reject 554 5.7.1 "not from {client.ip}"
		when client.ip in { 203.0.113.0/24 }
	gone: disconnect 421 4.7.0 "go" when client.ip is 203.0.114.1
}
on mail { from-x: score 2.5 when sender.domain is "x.test" }
on rcpt {
	no-ruled: reject 550 5.7.1 "not {rcpt}" when rcpt.local is "ruled"
	later: defer 450 4.7.1 "later" when rcpt.local is "later"
	drop: discard "unwanted" when rcpt.local is "gone"
	few: limit 2/1h per client.ip when client.ip is 192.0.2.99
	trial: observe reject 550 5.7.1 "would" when rcpt.local is "tried"
	log "errors {client.errors}" when client.errors > 0
}
on message {
	spam: reject 554 5.7.1 "spam" when header "Subject" contains "spam"
	void: discard "void" when header "Subject" is "void"
	odd: quarantine "odd" when header "Subject" is "odd"
	seen: add header "X-Seen" "{score}"
}
"""


def backend_says(session, verb, line):
    if verb != "RCPT":
        return None
    rcpt = re.search(r"<(.*)>", line).group(1)
    reply = {"unknown": b"550 5.1.1 no such user\r\n",
             "busy": b"450 4.2.1 busy\r\n"}.get(rcpt.partition("@")[0])
    if reply:
        session.message.rcpts.remove(rcpt)
    return reply


def dot_reply(rcpt):
    return {"full": b"452 4.2.2 full\r\n", "large": b"552 5.3.4 large\r\n"}.get(
        rcpt.partition("@")[0], b"250 2.0.0 taken\r\n")


@pytest.fixture
def gateway(start):
    sink = start.sink(lmtp=True)
    sink.answer, sink.lmtp_reply = backend_says, dot_reply
    return journaled(start, RULES, backends={"in": sink.url}, workers=1,
                     top='store { address "lmdb:var/store" size 16M }\n')


def message(subject):
    return another().replace(b"Subject: ruled", b"Subject: " +
                             subject.encode())


KINDS = {
    # name: (recipients, subject, outcome, who, reply begins, rule)
    "delivered": ("bob", "hi", "delivered", "backend", "250 2.0.0", None),
    "a rule refuses the recipient":
        ("ruled", "", "aborted", "rule", "550 5.7.1 not ruled@box.test",
         "no-ruled"),
    "a rule defers him":
        ("later", "", "aborted", "rule", "450 4.7.1 later", "later"),
    "the backend does not know him":
        ("unknown", "", "aborted", "backend", "550 5.1.1 no such user", None),
    "the backend is busy":
        ("busy", "", "aborted", "backend", "450 4.2.1 busy", None),
    "all are discarded":
        ("gone", "hi", "discarded", "rule", "250 2.0.0 Ok", "drop"),
    "a rule refuses the message":
        ("bob", "spam", "refused", "rule", "554 5.7.1 spam", "spam"),
    "a rule discards the message":
        ("bob", "void", "discarded", "rule", "250 2.0.0 Ok", "void"),
    "a rule has it put aside":
        ("bob", "odd", "quarantined", "rule", "250 2.0.0", "odd"),
    "the backend refuses the message":
        ("large", "hi", "refused", "backend", "552 5.3.4 large", None),
    "the backend defers the message":
        ("full", "hi", "deferred", "backend", "452 4.2.2 full", None),
    "not the same for all":
        ("bob large", "hi", "mixed", "backend", "451 4.3.0", None),
}


def send(gateway, rcpts, subject, sender="a@x.test", client="192.0.2.1"):
    """The session's id and the last reply."""
    with client_at(gateway, client) as c:
        c.ehlo()
        reply = c.envelope(sender, ["%s@box.test" % r for r in rcpts.split()])
        if reply == 250:
            reply = c.data(message(subject))
        c.quit()
    return last_session(gateway), reply


@pytest.mark.parametrize("kind", KINDS)
def test_a_transaction(gateway, kind):
    rcpts, subject, outcome, by, says, rule = KINDS[kind]
    ident, reply = send(gateway, rcpts, subject)
    r, log = record(gateway, ident), logged(gateway, ident)
    assert (r["v"], r["kind"], r["listener"], r["id"]) == (1, "mail", "mx", 1)
    assert r["outcome"] == outcome == log["outcome"]
    assert r["by"] == by
    assert r["reply"].startswith(says), r["reply"]
    # The client was told the same, with the session behind it.
    assert re.sub(r" \[[0-9a-f]{12}\]$", "", "%d %s" % (
        reply.code, reply.text)) == r["reply"]
    assert log["reply"] == r["reply"][:len(log["reply"])]
    assert r.get("rule") == rule == log.get("rule")
    assert r.get("action") == log.get("action")
    if rule:
        assert re.search(r"in\.rules:\d+$", r["at"])
    assert r["score"] == 2.5 and log["score"] == "2.5"
    facts = r["facts"]
    assert facts["client.ip"] == "192.0.2.1"
    assert facts["sender"] == "a@x.test"
    assert facts["sender.domain"] == "x.test"
    # These follow from others, and no rule names them.
    assert not {"client.network", "sender.local", "listener"} & set(facts)
    # Of these there is nothing, and who replays it knows that.
    assert not {"client.early-talker", "client.tls",
                "dnsbl.names", "spf.explanation"} & set(facts)
    assert facts["helo.name"] == log["helo"] and facts["helo.kind"] == "ehlo"
    phases = {p["phase"]: p for p in r["phases"]}
    assert phases["mail"]["hits"] == [
        {"rule": "from-x", "at": phases["mail"]["hits"][0]["at"],
         "action": "score", "score": 2.5}]
    names = ["%s@box.test" % x for x in rcpts.split()]
    assert [x["to"] for x in r["rcpts"]] == names
    for x in r["rcpts"]:
        assert x["facts"]["rcpt"] == x["to"]
        assert x.get("read", {"client.errors": 0}) == {"client.errors": 0}
    assert ("message" in phases) == (outcome not in ("aborted",) and
                                     rcpts != "gone")
    if subject and rcpts != "gone":
        assert facts["header Subject"] == subject
        assert facts["header From"] == "Ann <ann@sender.test>"
        assert facts["message.size"] == r["size"]
    if outcome == "mixed":
        assert [x["final"][:3] for x in r["rcpts"]] == ["250", "552"]
    assert set(r["us"]) >= {"connect", "helo", "mail", "rcpt", "total"}


def test_recipients_have_what_was_said_of_each(gateway):
    ident, reply = send(gateway, "bob ruled later unknown gone tried", "hi")
    assert reply == 250
    r = record(gateway, ident)
    assert [(x["to"].partition("@")[0], x["outcome"], x["by"], x["reply"][:3])
            for x in r["rcpts"]] == [
        ("bob", "taken", "backend", "250"), ("ruled", "refused", "rule", "550"),
        ("later", "deferred", "rule", "450"),
        ("unknown", "refused", "backend", "550"),
        ("gone", "discarded", "rule", "250"),
        ("tried", "taken", "backend", "250")]
    by = {x["to"].partition("@")[0]: x for x in r["rcpts"]}
    assert by["ruled"]["hits"][-1] == {
        "rule": "no-ruled", "at": by["ruled"]["at"], "action": "reject",
        "text": "not ruled@box.test"}
    assert (by["ruled"]["code"], by["ruled"]["enhanced"]) == (550, "5.7.1")
    # The number of errors was another one for each.
    assert {name: x["read"]["client.errors"] for name, x in by.items()
            if "read" in x} == {"bob": 0, "unknown": 1, "tried": 2}
    would = by["tried"]["would"]
    assert (would["action"], would["rule"], would["text"]) == (
        "reject", "trial", "would")
    assert [h["rule"] for h in by["tried"]["hits"] if h.get("observed")] == [
        "trial"]
    assert by["bob"]["backend"] == "in" and "backend" not in by["gone"]


def test_what_limits_counted(gateway):
    idents = [send(gateway, "bob", "hi", client="192.0.2.99") for _ in range(4)]
    found = [record(gateway, ident)["rcpts"][0] for ident, _ in idents]
    assert [x["limits"]["few"] for x in found] == [1, 2, 3, 4]
    assert [x["outcome"] for x in found] == [
        "taken", "taken", "deferred", "deferred"]


def test_a_session_that_is_turned_away(gateway):
    with client_at(gateway, "203.0.113.7", at_once=True) as c:
        assert c.greeting == 554
        c.quit()
    with client_at(gateway, "203.0.114.1") as c:
        assert c.greeting == 421
    gateway.wait_line("session end", count=2)
    found = records(gateway, 2)
    assert [(r["kind"], r["outcome"], r["rule"], r["by"]) for r in found] == [
        ("session", "turned-away", "away", "rule"),
        ("session", "turned-away", "gone", "rule")]
    assert found[0]["reply"] == "554 not from 203.0.113.7"
    assert found[0]["listener"] == "now"
    assert "id" not in found[0] and "rcpts" not in found[0]
    assert found[0]["phases"][0]["rule"] == "away"
    assert found[0]["facts"]["client.ip"] == "203.0.113.7"


def test_a_client_behind_a_proxy(start):
    """One that XCLIENT tells of is turned away, not the proxy."""
    gateway = journaled(start, RULES, backends={"in": start.sink().url},
                        workers=1, listener="\txclient 127.0.0.1\n",
                        top='store { address "lmdb:var/store" size 16M }\n')
    with Client(gateway.at_once, before=b"PROXY TCP4 127.0.0.1 127.0.0.1 "
                b"4000 25\r\n") as c:
        c.ehlo()
        assert c.cmd("XCLIENT ADDR=203.0.113.7").code == 554
        c.quit()
    gateway.wait_line("session end")
    r, = records(gateway, 1)
    assert r["reply"] == "554 not from 203.0.113.7"
    assert r["facts"]["client.ip"] == "203.0.113.7"


def test_several_mails_of_a_session(gateway):
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.envelope("a@x.test", "ruled@box.test")
        c.cmd("RSET")
        c.envelope("b@y.test", "bob@box.test")
        assert c.data(message("hi")) == 250
        c.envelope("c@x.test", "bob@box.test")
        c.cmd("DATA")
        c.send(b"Subject: half\r\n\r\n")
    ident = last_session(gateway, "session end")
    found = [record(gateway, ident, n) for n in (1, 2, 3)]
    assert [r["outcome"] for r in found] == ["aborted", "delivered", "aborted"]
    assert [r["facts"]["sender"] for r in found] == [
        "a@x.test", "b@y.test", "c@x.test"]
    assert found[2]["by"] == "client" and "reply" not in found[2]
    assert [r.get("score") for r in found] == [2.5, None, 2.5]


def test_octets_that_are_no_utf8(gateway):
    """They are kept as halves of surrogate pairs; Python takes them so."""
    odd = b"Subject: \xff\x01\x1b[31m\xe2\x82 \xe2\x80\xa8 \"\\udcff\\\r\n\r\n."
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.envelope("a@x.test", "bob@box.test")
        reply = c.data(odd + b"\r\n")
        c.quit()
    ident = last_session(gateway)
    r = record(gateway, ident)
    assert reply.code == int(r["reply"][:3])
    text = r["facts"]["header Subject"]
    raw = text.encode("utf-8", "surrogateescape")
    assert b"\x1b[31m" in raw and b"\\udcff\\" in raw and b'"' in raw
    with open(gateway.path("var/journal"), "rb") as f:
        line = f.read()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", line)


def test_a_mail_with_more_than_fits(start):
    sink = start.sink()
    gateway = journaled(
        start, "on message { long: log \"x\" when header \"X-Long\" contains "
        "\"y\" }", backends={"in": sink.url}, workers=1,
        listener="\tmax_header_size 4M\n\tmax_recipients 3000\n")
    long = b"X-Long: " + b"a b\r\n " * 300000 + b"\r\n"
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.cmd("MAIL FROM:<a@x.test>")
        c.send(b"".join(b"RCPT TO:<r%d@box.test>\r\n" % i
                        for i in range(1500)))
        assert {c.reply().code for _ in range(1500)} == {250}
        assert c.data(long + another()) == 250
        c.quit()
    r, = records(gateway, 1)
    assert r["cut"] is True and r["outcome"] == "delivered"
    assert len(r["rcpts"]) == 20 and "header X-Long" not in r["facts"]
    assert r["facts"]["sender"] == "a@x.test"


def test_a_client_that_is_gone_early(gateway):
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.cmd("MAIL FROM:<a@x.test>")
    ident = last_session(gateway, "session end")
    r = record(gateway, ident)
    assert (r["outcome"], r["by"]) == ("aborted", "client")
    assert "rcpts" not in r and [p["phase"] for p in r["phases"]] == [
        "connect", "helo", "mail"]


def test_idle_sessions_leave_nothing(gateway):
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.cmd("NOOP")
        c.quit()
    gateway.wait_line("session end")
    gateway.stop()
    assert records(gateway) == []


def memory_of(gateway):
    pid, = gateway.workers_alive()
    with open("/proc/%d/status" % pid) as f:
        return int(re.search(r"VmRSS:\s+(\d+) kB", f.read()).group(1)) * 1024


def test_huge_headers_leave_no_memory_behind(start):
    """Each octet of this one is six in JSON, until it is seen to be too
    long."""
    gateway = journaled(start, 'on message { log "x" when headers "X-Odd" '
                        'contains "no" }', workers=1,
                        backends={"in": start.sink().url},
                        listener="\tmax_header_size 16M\n")
    before = memory_of(gateway)
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        assert c.envelope("a@x.test", "bob@box.test") == 250
        assert c.data(b"X-Odd: " + b"\x01" * (12 << 20) + b"\r\n" +
                      another()) == 250
        found = record(gateway, last_session(gateway))
        c.quit()
    assert found["cut"]
    wait_until(lambda: memory_of(gateway) < before + (48 << 20))
