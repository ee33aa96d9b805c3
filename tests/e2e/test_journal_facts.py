"""What the journal has of facts that are looked up, of filters, of the greylist
and of TLS."""
import time

import pytest

from kit.journaled import journaled, last_session, record
from kit.raw_filter import CONTINUE, REJECT, RawFilter, add_header
from kit.ruled import another, client_at

RULES = """
on connect { gone: score 1 when client.name is "nobody.test" }
on mail {
	early: score 1 when dnsbl.names in { "bad" }
	spf: score 1 when spf is fail
}
on rcpt {
	greylist when sender.domain is "grey.test"
	loud: log "{dnsbl.score}" when dnsbl.score > 1
}
on message {
	asked: reject "no" when milter.odd is error
	late: log "{dnsbl.score} {dnsbl.bad}"
	sure: score 1 when dkim is fail and dmarc is fail
}
"""
LISTS = ('dnsbl bad { zone bad.test checks client sender from '
         'test_points no reply 127.0.0.2-4 score 5 }\n'
         'store { address "lmdb:var/store" size 16M }\n'
         'greylist { delay 1s }\n')
ZONE = {("9.2.0.192.bad.test", "A"): ["127.0.0.2"],
        ("author.test.bad.test", "A"): ["127.0.0.3"],
        ("x.test", "TXT"): ["v=spf1 -all"],
        ("9.2.0.192.in-addr.arpa", "PTR"): ["host.test"],
        ("host.test", "A"): ["192.0.2.9"]}


@pytest.fixture
def gateway(start, work):
    filter_ = start.keep(RawFilter(work))

    def answer(session, letter, data):
        if letter == b"L" and data.lower().startswith(b"subject\0"):
            session.subject = data.split(b"\0")[1].strip()
        if letter != b"E":
            return None
        subject = getattr(session, "subject", b"")
        return {b"f-reject": REJECT, b"f-change": add_header(
            b"X-F", b"1") + CONTINUE}.get(subject, CONTINUE)
    filter_.answer = answer
    start.resolver().records.update(ZONE)
    return journaled(start, RULES, backends={"in": start.sink().url},
                     workers=1, top=LISTS + "milter odd { address %s }\n" %
                     filter_.url)


def send(gateway, sender="a@x.test", client="192.0.2.9", subject=b"ruled",
         author=b"ann@author.test"):
    with client_at(gateway, client) as c:
        c.ehlo("helo.test")
        reply = c.envelope(sender, "bob@box.test")
        if reply == 250:
            reply = c.data(another().replace(b"ruled", subject).replace(
                b"ann@sender.test", author))
        c.quit()
    return reply, record(gateway, last_session(gateway))


def test_facts_that_grow(gateway):
    reply, r = send(gateway)
    assert reply == 250, reply
    phases = {p["phase"]: p for p in r["phases"]}
    assert phases["mail"]["read"] == {"dnsbl.names": ["bad"]}
    assert r["rcpts"][0]["read"] == {"dnsbl.score": 5.0}
    assert phases["message"]["read"]["dnsbl.score"] == 5.0
    assert sorted(phases["message"]["read"]["dnsbl.bad"]) == [
        "127.0.0.2", "127.0.0.3"]
    facts = r["facts"]
    assert facts["dnsbl.score"] == 5.0 and facts["dnsbl.names"] == ["bad"]
    assert facts["spf"] == "fail" and facts["client.name"] == "host.test"
    assert facts["client.reverse"] == "ok" and facts["dkim"] == "none"
    assert facts["from.domain"] == "author.test"
    assert [h["rule"] for h in phases["mail"]["hits"]] == ["early", "spf"]


def test_filters(gateway):
    reply, r = send(gateway, subject=b"f-reject")
    assert reply == 550
    assert (r["by"], r["milter"], r["outcome"]) == ("milter", "odd", "refused")
    assert r["milters"][0]["name"] == "odd"
    assert r["milters"][0]["word"] == "reject" and r["milters"][0]["us"] >= 0
    assert r["facts"]["milter.odd"] == "reject"
    reply, r = send(gateway, subject=b"f-change")
    assert reply == 250
    assert r["milters"][0]["changed"] is True
    assert r["by"] == "backend"


def test_the_greylist(gateway):
    reply, r = send(gateway, sender="a@grey.test", client="198.51.100.1")
    assert reply == 451
    facts = r["rcpts"][0]["facts"]
    assert facts["greylist"] == "new" and facts["greylist.left"] > 0
    assert facts["greylist.identity"]
    assert r["rcpts"][0]["outcome"] == "deferred"
    time.sleep(1.2)
    reply, r = send(gateway, sender="a@grey.test", client="198.51.100.1")
    assert reply == 250
    assert r["rcpts"][0]["facts"]["greylist"] == "passed"
    assert r["rcpts"][0]["facts"]["greylist.left"] is None


def test_many_that_are_refused(start):
    sink = start.sink()
    gateway = journaled(start, 'on rcpt { no: reject "no" when rcpt.local '
                        'starts with "r" }', backends={"in": sink.url},
                        workers=1, listener="\tmax_errors 5000\n")
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.cmd("MAIL FROM:<a@x.test>")
        c.send(b"".join(b"RCPT TO:<r%d@box.test>\r\n" % i
                        for i in range(300)))
        assert {c.reply().code for _ in range(300)} == {550}
        assert c.cmd("RCPT TO:<bob@box.test>") == 250
        assert c.data(another()) == 250
        c.quit()
    r = record(gateway, last_session(gateway))
    assert len(r["rcpts"]) == 201 and r["rcpts_left_out"] == 100
    assert r["rcpts"][-1]["to"] == "bob@box.test"


def test_tls(start, authority):
    certificate = authority.issue("gw.e2e.test")
    gateway = journaled(start, "on mail { log \"x\" when client.tls }",
                        backends={"in": start.sink().url}, workers=1,
                        listener='\tcertificate "%s"\n\tkey "%s"\n' %
                        certificate)
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.starttls()
        c.ehlo()
        c.envelope("a@x.test", "bob@box.test")
        assert c.data(another()) == 250
        c.quit()
    r = record(gateway, last_session(gateway))
    assert r["tls"] == r["facts"]["tls.version"] == "TLSv1.3"
    assert r["facts"]["client.tls"] is True and r["facts"]["tls.cipher"]
