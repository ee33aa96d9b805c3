"""The rules that are built in, with a client, local DNS and a backend.

Their own tests (test_shipped_rules.py) say what they make of facts; here the
facts come from DNS, and what is said and forwarded is seen. The client says
XCLIENT, since DNS is not asked about those of this machine.
"""
import email
import os
import re

import pytest

from kit.client import Client

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
LISTS = """
dnsbl one { zone one.lists.test  reply 127.0.0.2 score 5  test_points no }
dnsbl two { zone two.lists.test  reply 127.0.0.2 score 3  test_points no }
dnsbl authors { zone authors.lists.test  checks from
    reply 127.0.0.2 score 8  test_points no }
"""
GOOD, LISTED, HALF, STRANGER = ("192.0.2.%d" % n for n in (7, 8, 9, 10))
RECORDS = {
    ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.good.example"],
    ("8.2.0.192.in-addr.arpa", "PTR"): ["mail.good.example"],
    ("mail.good.example", "A"): ["192.0.2.7", "192.0.2.8"],
    ("good.example", "MX"): ["10 mail.good.example"],
    ("good.example", "TXT"): ["v=spf1 ip4:192.0.2.7 ip4:192.0.2.8 -all"],
    ("8.2.0.192.one.lists.test", "A"): ["127.0.0.2"],
    ("8.2.0.192.two.lists.test", "A"): ["127.0.0.2"],
    ("9.2.0.192.one.lists.test", "A"): ["127.0.0.2"],
    ("listed.example.authors.lists.test", "A"): ["127.0.0.2"],
    ("bank.example", "MX"): ["10 mail.good.example"],
    ("bank.example", "TXT"): ["v=spf1 -all"],
    ("_dmarc.bank.example", "TXT"): ["v=DMARC1; p=reject"],
    ("gone.example", "MX"): ["10 mx.gone.example"],
}
MESSAGE = (b"From: Ann <ann@good.example>\r\n"
           b"To: bob@in.test\r\nSubject: hello\r\n"
           b"Date: Sun, 22 Nov 2026 01:00:00 +0000\r\n"
           b"Message-ID: <1@good.example>\r\n\r\nHello.\r\n")


@pytest.fixture(scope="module")
def route(module_start):
    module_start.resolver().records.update(RECORDS)
    sink = module_start.sink()
    gateway = module_start.gateway(
        {"in": sink.url}, top=LISTS + "rules default",
        listener="\txclient 127.0.0.1")
    return gateway, sink, module_start.resolver()


class Session:
    def __init__(self, route, addr, helo):
        self.gateway, self.sink, _ = route
        self.sink.clear()
        self.client = Client(self.gateway.address)
        self.client.ehlo()
        assert self.client.cmd("XCLIENT ADDR=%s" % addr) == 220
        assert self.client.cmd("EHLO " + helo) == 250

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.client.close()

    def mail(self, sender="ann@good.example", rcpt="bob@in.test"):
        """The reply to RCPT."""
        assert self.client.cmd("MAIL FROM:<%s>" % sender) == 250
        return self.client.cmd("RCPT TO:<%s>" % rcpt)

    def data(self, message=MESSAGE):
        return self.client.data(message)

    def header(self):
        return email.message_from_bytes(self.sink.wait(1)[0].data)


@pytest.fixture
def session(route):
    opened = []

    def open(addr=GOOD, helo="mail.good.example"):
        opened.append(Session(route, addr, helo))
        return opened[-1]
    yield open
    for s in opened:
        s.client.close()


def test_a_good_mail_comes_through_with_its_score(session):
    s = session()
    assert s.mail() == 250
    forged = (b"X-Forepost-Score: -99 (forged)\r\n"
              b"x-forepost-score: -98\r\n" + MESSAGE)
    assert s.data(forged) == 250
    assert s.header().get_all("X-Forepost-Score") == ["0 (none)"]
    assert "X-Spam-Flag" not in s.header()


def test_two_lists_together_refuse_and_are_named(session):
    s = session(LISTED)
    reply = s.mail()
    assert reply == 550
    assert "5.7.1" in reply.text
    assert "%s or a name that it uses is on DNS lists: one, two." % LISTED in \
        reply.text


def test_postmaster_can_be_written_to_by_who_is_listed(session):
    s = session(LISTED)
    assert s.mail(rcpt="postmaster@in.test") == 250
    assert s.data() == 250
    assert s.header()["X-Spam-Flag"] == "YES"
    assert s.header()["X-Forepost-Score"] == "8 (dns-lists)"


def test_one_list_marks(session):
    s = session(HALF)
    assert s.mail() == 250
    assert s.data(b"X-Spam-Flag: NO\r\n" + MESSAGE) == 250
    assert s.header().get_all("X-Spam-Flag") == ["YES"]
    assert re.search(r"spf-fail, dns-lists\)$", s.header()["X-Forepost-Score"])


def test_an_author_on_a_list_is_refused_at_the_message(session):
    s = session()
    assert s.mail() == 250
    reply = s.data(MESSAGE.replace(b"ann@good", b"ann@listed"))
    assert reply == 550
    assert "DNS lists: authors." in reply.text


def test_a_sender_that_takes_no_mail(session):
    for domain in ("nowhere.example", "gone.example"):
        reply = session().mail("ann@" + domain)
        assert reply == 550, domain
        assert "5.1.8 %s takes no mail" % domain in reply.text
    assert session().mail("") == 250


def test_dmarc_reject_needs_one_more_sign(session):
    forged = MESSAGE.replace(b"ann@good", b"ann@bank")
    s = session()
    assert s.mail() == 250		# SPF passes, of another domain
    assert s.data(forged) == 250
    assert "bank.example, whose policy is reject" in \
        s.header()["X-Forepost-Quarantine"]
    s = session()
    assert s.mail("ann@bank.example") == 250
    reply = s.data(forged)
    assert reply == 550
    assert "5.7.26 DMARC: bank.example" in reply.text


def test_two_from_fields(session):
    s = session()
    assert s.mail() == 250
    reply = s.data(b"From: boss@in.test\r\n" + MESSAGE)
    assert reply == 550
    assert "more than one From" in reply.text


def test_without_dns_nothing_is_refused(start):
    """And nothing is held against the mail."""
    resolver = start.resolver()
    resolver.answer = lambda query: None
    sink = start.sink()
    gateway = start.gateway(
        {"in": sink.url}, listener="\txclient 127.0.0.1",
        top=LISTS.replace("test_points no", "test_points no  timeout 300ms") +
        "rules default\nspf { timeout 300ms }")
    gateway.stop()
    text = open(gateway.conf).read()
    gateway.configure(re.sub(r"resolver \{ (.*?) \}",
                             r"resolver { \1  timeout 300ms }", text))
    gateway.start()
    s = Session((gateway, sink, resolver), STRANGER, "mail.bank.example")
    assert s.mail("ann@bank.example") == 250
    assert s.data(MESSAGE.replace(b"ann@good", b"ann@bank")) == 250
    assert s.header()["X-Forepost-Score"] == "0 (none)"
    assert "X-Forepost-Quarantine" not in s.header()
    s.client.close()


def test_what_observe_rules_would_refuse_is_in_the_log(start):
    start.resolver().records.update(RECORDS)
    sink = start.sink()
    gateway = start.gateway(
        {"in": sink.url}, listener="\txclient 127.0.0.1",
        top='rules "%s"' % os.path.realpath(TOP + "/conf/observe.rules"))
    s = Session((gateway, sink, start.resolver()), STRANGER, "localhost")
    assert s.mail("ann@good.example") == 250
    assert s.data() == 250
    assert "spf-fail" in s.header()["X-Forepost-Score"]
    s.client.close()
    line, = gateway.wait_line("observed rule=strict-no-reverse")
    assert 'would="reject 550 5.7' in line
    gateway.wait_line("mail done .* would-rule=strict-no-reverse")
    # It is the one that would have decided: no other is told.
    assert len(gateway.lines(" observed ")) == 1
