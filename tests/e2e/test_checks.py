"""Who sent a mail: what the checks find stands in the header and the log.

The client says XCLIENT, since those of this machine are not checked.
"""
import email
import json
import os
import re
import subprocess
import time

import authres
import dkim
import pytest

from kit.certs import make_key
from kit.client import Client
from kit.gateway import binary, run
from kit.process import wait_until

pytestmark = pytest.mark.core

XCLIENT = "\txclient 127.0.0.1"
LISTS = """
dnsbl good { zone good.lists.test  reply 127.0.0.2-3 score 5
    reply 127.0.0.4 score 3 tag exploited  test_points no }
dnsbl deny { zone deny.lists.test  reply 127.0.0.2 score 9 }
"""


@pytest.fixture(scope="module")
def key(module_work):
    return make_key(module_work)


RECORDS = {
    ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.x.test-domain.example"],
    ("mail.x.test-domain.example", "A"): ["192.0.2.7"],
    ("x.test-domain.example", "TXT"): ["v=spf1 ip4:192.0.2.7 -all"],
    ("x.test-domain.example", "MX"): ["10 mail.x.test-domain.example"],
    ("_dmarc.test-domain.example", "TXT"): ["v=DMARC1; p=reject; sp=none"],
    ("_dmarc.bank.example", "TXT"): ["v=DMARC1; p=reject"],
    ("bank.example", "TXT"): ["v=spf1 -all"],
    ("8.2.0.192.good.lists.test", "A"): ["127.0.0.2", "127.0.0.4"],
    # "You may not ask", whatever is asked.
    ("2.0.0.127.deny.lists.test", "A"): ["127.255.255.254"],
    ("1.0.0.127.deny.lists.test", "A"): ["127.255.255.254"],
    ("8.2.0.192.deny.lists.test", "A"): ["127.255.255.254"],
}


def names(key):
    return dict(RECORDS) | {
        ("s1._domainkey.x.test-domain.example", "TXT"):
            ["v=DKIM1; k=rsa; p=" + key[1]]}


# The log has what was asked, and lists are asked only if a rule reads them.
RULES = """
on rcpt { tag listed when dnsbl.score > 0 or spf is fail }
"""


def route_with(start, key, top=""):
    start.resolver().records.update(names(key))
    sink = start.sink()
    rules = os.path.join(start.work, "checks.rules")
    with open(rules, "w") as f:
        f.write(RULES)
    return start.gateway({"in": sink.url}, listener=XCLIENT,
                         top='rules "%s"\n%s' % (rules, top)), sink


@pytest.fixture(scope="module")
def route(module_start, key):
    return route_with(module_start, key, LISTS)


MESSAGE = (b"From: Ann <ann@x.test-domain.example>\r\n"
           b"To: bob@in.test\r\nSubject: checked\r\n"
           b"Date: Sun, 22 Nov 2026 01:00:00 +0000\r\n"
           b"Message-ID: <1@x.test-domain.example>\r\n\r\n"
           b"Hello.\r\n..dots\r\n.\r\nend\r\n")


def sign(message, key, domain=b"x.test-domain.example"):
    return dkim.sign(message, b"s1", domain, key[0], include_headers=[
        b"from", b"to", b"subject", b"date"]) + message


def deliver(route, message, addr="192.0.2.7",
            sender="ann@x.test-domain.example", helo="x.test-domain.example"):
    gateway, sink = route
    sink.clear()
    with Client(gateway.address) as client:
        client.ehlo()
        assert client.cmd("XCLIENT ADDR=%s" % addr) == 220
        assert client.cmd("EHLO " + helo) == 250
        assert client.cmd("MAIL FROM:<%s>" % sender) == 250
        assert client.cmd("RCPT TO:<bob@in.test>") == 250
        assert client.data(message) == 250
        client.quit()
    return sink.wait(1)[0].data


def results(data):
    """Our field, read by another implementation: {method: result}; of SPF's
    two that of the sender, which is first."""
    mail = email.message_from_bytes(data)
    found = [authres.AuthenticationResultsHeader.parse(
        "Authentication-Results: " + value)
        for value in mail.get_all("Authentication-Results")]
    ours, = [f for f in found if f.authserv_id == "gw.e2e.test"]
    return {r.method: r for r in reversed(ours.results)}


def value(result, ptype, name):
    return [p.value for p in result.properties
            if (p.type, p.name) == (ptype, name)]


def test_everything_passes(route, key):
    signed = sign(MESSAGE, key)
    data = deliver(route, signed)
    found = results(data)
    assert {m: r.result for m, r in found.items()} == {
        "spf": "pass", "dkim": "pass", "dmarc": "pass", "iprev": "pass"}
    assert value(found["spf"], "smtp", "mailfrom") == [
        "ann@x.test-domain.example"]
    assert value(found["dkim"], "header", "d") == ["x.test-domain.example"]
    assert value(found["dmarc"], "header", "from") == [
        "x.test-domain.example"]
    assert data.endswith(signed)	# and it still verifies
    assert route[0].wait_line("mail done .*spf=pass dkim=pass dmarc=pass "
                              "author=x.test-domain.example")


def test_our_field_stands_on_top(route, key):
    data = deliver(route, MESSAGE)
    assert data.startswith(b"Authentication-Results: gw.e2e.test")
    assert data.index(b"Authentication-Results:") < data.index(b"Received:")


def test_a_changed_body_fails(route, key):
    signed = sign(MESSAGE, key).replace(b"Hello", b"Hullo")
    found = results(deliver(route, signed, addr="192.0.2.99"))
    assert found["dkim"].result == "fail"
    assert found["spf"].result == "fail"
    assert found["dmarc"].result == "fail"


def test_a_large_signed_message_in_many_reads(route, key):
    body = b"".join(b"line %d of many, .dots. and all\r\n" % i
                    for i in range(60000))
    found = results(deliver(route, sign(MESSAGE + body, key)))
    assert found["dkim"].result == "pass"


def test_a_stranger_in_the_name_of_a_bank(route, key):
    message = MESSAGE.replace(b"ann@x.test-domain.example",
                              b"ceo@bank.example")
    found = results(deliver(route, sign(message, key)))
    assert found["dkim"].result == "pass"	# by somebody else
    assert found["dmarc"].result == "fail"
    assert value(found["dmarc"], "header", "from") == ["bank.example"]


@pytest.mark.parametrize("name, header", {
    "no From": b"Subject: x\r\n",
    "two From": b"From: a@x.test-domain.example\r\n"
                b"From: ceo@bank.example\r\n",
    "two authors": b"From: a@x.test-domain.example, ceo@bank.example\r\n",
    "NUL in From": None,
    "8-bit header": "From: \u00fc@bank.example\r\n".encode("latin-1"),
    "no header": b"",
    "10,000 Received": b"From: ceo@bank.example\r\n" +
                       b"Received: x\r\n" * 10000,
    "a long header": b"From: ceo@bank.example\r\nX: " + b"y" * (200 << 10) +
                     b"\r\n",
    "500 signatures": b"DKIM-Signature: v=1; a=rsa-sha256; d=bank.example; "
                      b"s=s; h=from; bh=YQ==; b=YQ==\r\n" * 500 +
                      b"From: ceo@bank.example\r\n",
    "1,000 authors": b"From: " + b",\r\n ".join(
        b"a@d%d.example" % i for i in range(1000)) + b"\r\n",
}.items())
def test_malformed_mail_never_passes(route, name, header):
    gateway, sink = route
    sink.clear()
    if header is None:
        header = b"From: a@x.test-domain.example\0\r\n"
    with Client(gateway.address) as client:
        client.ehlo()
        assert client.cmd("XCLIENT ADDR=192.0.2.99") == 220
        assert client.cmd("EHLO x.test-domain.example") == 250
        assert client.cmd("MAIL FROM:<a@bank.example>") == 250
        assert client.cmd("RCPT TO:<bob@in.test>") == 250
        reply = client.data(header + b"\r\ntext\r\n")
    if reply.code != 250:	# by its limits, not by the checks
        assert reply.code in (550, 552, 554)
        return
    assert results(sink.wait(1)[0].data)["dmarc"].result != "pass"


def test_forged_results_are_removed(route, key):
    forged = (b"Authentication-Results: gw.e2e.test; dmarc=pass "
              b"header.from=bank.example\r\n")
    other = b"Authentication-Results: mx.other.example; spf=pass\r\n"
    data = deliver(route, MESSAGE.replace(
        b"To:", forged + b"To:").replace(b"Subject:", other + b"Subject:"))
    assert b"bank.example" not in data
    assert data.endswith(MESSAGE.replace(b"Subject:", other + b"Subject:"))


def test_lists_score_and_a_refusing_list_does_not(route, key):
    gateway, _ = route
    gateway.wait_line("dns list suspended list=deny")
    deliver(route, MESSAGE, addr="192.0.2.8")
    gateway.wait_line("mail done .*client=192.0.2.8 .*dnsbl=good "
                      "dnsbl-score=8")
    assert not gateway.lines("dnsbl=.*deny")
    assert len(gateway.lines("dns list suspended list=deny side=IPv4")) <= \
        gateway.workers		# each tells it once


def test_the_state_of_lists_is_told(route, key):
    gateway, _ = route
    gateway.wait_line("dns list suspended list=deny")
    deliver(route, MESSAGE, addr="192.0.2.8")
    def status():
        return run("status", "--config", gateway.conf).stdout
    # A worker writes down once a second how it is.
    wait_until(lambda: re.search(
        r"dns list good good asked=[1-9]\d* listed=[1-9]", status()),
        what="a list that was asked")
    status = status()
    assert " dns list deny suspended asked=" in status
    assert "dns list deny IPv4 suspended: " in status


def test_the_null_sender_is_checked_by_its_helo_name(route, key):
    found = results(deliver(route, MESSAGE, sender=""))
    assert found["spf"].result == "pass"
    assert value(found["spf"], "smtp", "helo") == ["x.test-domain.example"]


def test_clients_of_this_machine_are_not_checked(route):
    gateway, sink = route
    sink.clear()
    with Client(gateway.address) as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert b"Authentication-Results" not in sink.wait(1)[0].data


def test_unchecked_networks(start, key):
    route = route_with(start, key, "unchecked 192.0.2.0/24")
    assert b"Authentication-Results" not in deliver(route, MESSAGE)
    assert b"Authentication-Results" in deliver(route, MESSAGE,
                                                addr="198.51.100.1")


def test_what_is_switched_off_is_not_looked_up(start, key):
    route = route_with(start, key, "spf { check no }\ndkim { check no }\n"
                       "dmarc { check no }\nauthres { id mx.mine.example }")
    data = deliver(route, sign(MESSAGE, key))
    assert b"Authentication-Results: mx.mine.example;" in data
    assert b"spf=" not in data and b"dkim=" not in data
    assert not [n for n, kind in start.resolver().asked if kind == "TXT"]


def test_a_header_with_too_many_fields_is_not_looked_at(start, key):
    gateway, _ = route_with(start, key)
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("XCLIENT ADDR=192.0.2.7") == 220
        client.ehlo()
        assert client.envelope("a@s.test", ["bob@in.test"]) == 250
        assert client.cmd("DATA") == 354
        header = sign(MESSAGE, key).split(b"\r\n\r\n")[0] + b"\r\n\r\n"
        client.send(b"X: y\r\n" * 1001 + header)
        time.sleep(.3)      # it would be looked at as soon as it is there
        client.send(b"text\r\n.\r\n")
        assert client.reply() == 554
    assert not [n for n, _ in start.resolver().asked if "_domainkey" in n]


def test_nothing_is_added_if_one_likes(start, key):
    route = route_with(start, key, "authres { add no }")
    data = deliver(route, MESSAGE)
    assert data.startswith(b"Received:")
    route[0].wait_line("mail done .*spf=pass")


def test_the_other_engine(start, key):
    route = route_with(start, key, "spf { engine libspf2 received_spf yes }")
    data = deliver(route, MESSAGE)
    assert results(data)["spf"].result == "pass"
    assert re.search(rb"^Received-SPF: pass ", data, re.M)


def test_silent_servers_cost_their_time_and_no_mail(start, key):
    route = route_with(start, key, "resolver { timeout 1s }\n"
                       "spf { timeout 2s }")
    start.resolver().silent.add("test-domain.example")
    begun = time.monotonic()
    found = results(deliver(route, sign(MESSAGE, key)))
    assert time.monotonic() - begun < 30
    assert found["spf"].result == "temperror"
    assert found["dkim"].result == "temperror"
    assert found["dmarc"].result == "temperror"


def test_mails_without_end_make_no_lookups_without_end(start, key):
    # Nobody can take a lookup back: who breaks off a mail waits for its
    # checks before the next, or one client could use up all there may be.
    route = route_with(start, key, "resolver { timeout 1s }\n"
                       "spf { timeout 1s }")
    start.resolver().silent.add("silent.example")
    with Client(route[0].address) as client:
        client.ehlo()
        assert client.cmd("XCLIENT ADDR=192.0.2.99") == 220
        begun = time.monotonic()
        for i in range(3):
            assert client.cmd("EHLO h%d.silent.example" % i) == 250
            assert client.cmd("MAIL FROM:<a@m%d.silent.example>" % i) == 250
        assert time.monotonic() - begun >= 1.8
        # Who sends all at once makes no lookups but the last ones.
        route[1].clear()
        client.send(b"".join(
            b"RSET\r\nMAIL FROM:<a@n%d.silent.example>\r\n" % i
            for i in range(3)))
        for _ in range(6):
            assert client.reply() == 250
        assert client.cmd("RCPT TO:<bob@in.test>") == 250
        assert client.data(MESSAGE) == 250
    assert results(route[1].wait(1)[0].data)["spf"].result == "temperror"


def test_clients_that_come_and_go_count_until_their_lookups_end(start, key):
    start.resolver().silent.add("silent.example")
    sink = start.sink()
    gateway = start.gateway(
        {"in": sink.url}, workers=1, listener="\tproxy_protocol 127.0.0.1",
        top="max_sessions_per_network 5\nresolver { timeout 1m }\n"
        "spf { timeout 1m }\n")

    def reply_to(address, i):
        with Client(gateway.address, greet=False, before=(
                "PROXY TCP4 %s 192.0.2.1 4000 25\r\n" % address).encode(
                )) as client:
            greeting = client.reply()
            if greeting == 220:
                client.ehlo("h%d.silent.example" % i)
                assert client.cmd("MAIL FROM:<a@m%d.silent.example>" %
                                  i) == 250
            return greeting.code

    assert [reply_to("198.51.100.7", i) for i in range(7)] == \
        5 * [220] + 2 * [421]
    assert reply_to("203.0.113.7", 9) == 220	# of another network
    # Those do not keep the gateway from leaving.
    begun = time.monotonic()
    gateway.stop()
    assert time.monotonic() - begun < 20


# --- forepost explain ---

def explain(start, key, work, *arguments, message=None):
    start.resolver().records.update(names(key))
    command = [binary(), "explain", "--resolver",
               start.resolver().address.replace(":", "@"), *arguments]
    if message is not None:
        with open(work + "/mail.eml", "wb") as f:
            f.write(message)
        command.append(work + "/mail.eml")
    return subprocess.run(command, capture_output=True, text=True,
                          timeout=60, check=False)


def test_explain(start, key, work):
    # As files are kept: with LF.
    message = sign(MESSAGE, key).replace(b"\r\n", b"\n")
    done = explain(start, key, work, "--client", "192.0.2.7", "--helo",
                   "mail.x.test-domain.example", "--from",
                   "<ann@x.test-domain.example>", "--to", "bob@in.test",
                   message=message)
    facts = facts_of(done)
    assert facts["client.name"] == "mail.x.test-domain.example"
    assert facts["helo.matches-client"] == "yes"
    assert facts["sender.domain-accepts-mail"] == "yes"
    assert facts["spf"] == facts["dkim"] == facts["dmarc"] == "pass"
    assert facts["dmarc.domain"] == "x.test-domain.example"
    assert facts["rcpt.domain"] == "in.test"
    assert "Authentication-Results: " in done.stdout


def test_explain_as_json(start, key, work):
    done = explain(start, key, work, "--client", "192.0.2.99", "--from",
                   "ceo@bank.example", "--json")
    page = json.loads(done.stdout)
    assert page["facts"]["spf"] == "fail"
    assert page["facts"]["client.name"] is None
    assert page["why"]["spf"] == "-all"
    assert "dkim" not in page["facts"]	# there is no message


def facts_of(done):
    assert done.returncode == 0, done.stderr
    return dict(re.findall(r"^([a-z0-9.-]+) = ([^\t\n]*)", done.stdout, re.M))


def test_explain_waits_for_silent_servers_once(start, key, work):
    start.resolver().silent.add("2.0.192.in-addr.arpa")
    facts = facts_of(explain(
        start, key, work, "--client", "192.0.2.7", "--helo",
        "mail.x.test-domain.example", "--from", "ann@x.test-domain.example"))
    assert facts["client.reverse"] == "temperror"
    assert facts["helo.resolves"] == facts["helo.matches-client"] == "yes"


def test_explain_sees_a_header_where_a_session_does(start, key, work):
    for message, author in {b"no field\n" + MESSAGE: "none",
                            b"\n" + MESSAGE: "none",
                            MESSAGE: "x.test-domain.example"}.items():
        facts = facts_of(explain(start, key, work, "--client", "192.0.2.7",
                                 message=message))
        assert facts["from.domain"] == author
        assert facts["sender.is-null"] == "yes"	# as none was given


def test_explain_does_not_act_on_the_terminal(start, key, work):
    arguments = ("--client", "192.0.2.7", "--from",
                 "\u00fc\u202e@x.test-domain.example")
    done = explain(start, key, work, *arguments, message=MESSAGE)
    assert "sender.local = \u00fc\\xe2\\x80\\xae\n" in done.stdout
    assert "\u202e" not in done.stdout
    assert "\u202e" not in explain(start, key, work, "--json",
                                   *arguments).stdout


@pytest.mark.parametrize("resolver, code", [
    ("%(ip)s@%(port)s", 0), ("%(ip)s:%(port)s", 0), ("[::1]@%(port)s", 0),
    ("::1@%(port)s", 0), ("[::1]:%(port)s", 0), ("nonsense", 2),
    ("192.0.2.1@x", 2), ("192.0.2.1@70000", 2), ("unix:/tmp", 2), ("@53", 2),
])
def test_explain_takes_resolvers_as_people_write_them(start, resolver, code):
    ip, _, port = start.resolver().address.partition(":")
    done = subprocess.run(
        [binary(), "explain", "--client", "192.0.2.7", "--name", "a.example",
         "--helo", "[192.0.2.7]", "--resolver",
         resolver % {"ip": ip, "port": port}],
        capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == code, done.stderr
    assert code == 0 or "expected ADDRESS@PORT" in done.stderr


@pytest.mark.parametrize("arguments, message", [
    ((), "explain needs --client"),
    (("--client", "192.0.2.7", "--name", "a b"), '--name "a b"'),
    (("--client", "mail.example"), "--client"),
    (("--client", "192.0.2.7", "--from", "no at"), '--from "no at"'),
    (("--client", "192.0.2.7", "--helo", "a b"), '--helo "a b"'),
    (("--client", "192.0.2.7", "/nowhere/at/all"), "No such file"),
])
def test_explain_says_what_is_wrong(start, key, work, arguments, message):
    done = explain(start, key, work, *arguments)
    assert done.returncode in (2, 3)
    assert message in done.stderr
