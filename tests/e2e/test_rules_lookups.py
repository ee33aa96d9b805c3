"""What the rules make the gateway look up: what they ask for and no more,
early and side by side; seen by the DNS server."""
from base64 import b64encode
import select

import pytest

from kit.process import wait_until
from kit.ruled import MESSAGE, Swaks, client_at, ruled

pytestmark = pytest.mark.core

# Without test points they are never asked but about clients.
LISTS = "".join("dnsbl %s { zone %s.lists.test  reply 127.0.0.2 score 5  "
                "test_points no }\n" % (zone, zone) for zone in "lm")
# Reads every fact that costs a lookup.
EVERYTHING = """
	log "{client.name} {client.reverse} {dnsbl.l} {helo.resolves}"
	log "{helo.matches-client} {spf.helo} {spf} {dkim} {dmarc} {arc}"
	log "{sender.domain-accepts-mail}"
"""


class Mail:
    """The names of one mail, which no cache has: `number` makes them."""

    def __init__(self, number):
        self.number = number
        self.address = "192.0.2.%d" % number
        self.helo = "h%d.helo.test" % number
        self.domain = "s%d.sender.test" % number
        self.author = "a%d.author.test" % number
        self.signer = "d%d.signer.test" % number
        self.reverse = "%d.2.0.192.in-addr.arpa" % number
        # By what is asked for.
        self.questions = {
            "name": {(self.reverse, "PTR")},
            "l": {("%d.2.0.192.l.lists.test" % number, "A")},
            "m": {("%d.2.0.192.m.lists.test" % number, "A")},
            "helo": {(self.helo, "A"), (self.helo, "AAAA")},
            "spf.helo": {(self.helo, "TXT")},
            "spf": {(self.domain, "TXT")},
            "sender": {(self.domain, "MX")},
            "dkim": {("s1._domainkey." + self.signer, "TXT")},
            "dmarc": {("_dmarc." + self.author, "TXT")},
        }

    def records(self):
        """So that each question has an answer, and asks no further."""
        return {(self.helo, "A"): [self.address],
                (self.helo, "TXT"): ["v=spf1 ip4:%s -all" % self.address],
                (self.domain, "TXT"): ["v=spf1 ip4:%s -all" % self.address],
                (self.domain, "MX"): ["10 mx.host.test"],
                ("_dmarc." + self.author, "TXT"): ["v=DMARC1; p=none"]}

    def message(self):
        return MESSAGE.replace(b"ann@sender.test", b"ann@" +
                               self.author.encode()).replace(
            b"Subject:", b"DKIM-Signature: v=1; a=rsa-sha256; d=%s; s=s1; "
            b"h=from; bh=%s; b=%s\r\nSubject:" % (
                self.signer.encode(), b64encode(bytes(32)),
                b64encode(bytes(256))))

    def send(self, gateway):
        """The reply to the message, or the first that is no 250."""
        with client_at(gateway, self.address) as client:
            client.ehlo(self.helo)
            reply = client.mail(self.message(), "ann@" + self.domain)
            client.quit()
        return reply

    def asked(self, resolver):
        """What was asked of it, without how often, and without what the
        confirmation of its names and the tree above them ask further."""
        return {q for q in list(resolver.asked)
                if any(q in qs for qs in self.questions.values())}

    def was_asked(self, resolver, *names):
        """These, when all of them have come, and no others."""
        want = self.all(*names)
        wait_until(lambda: want <= self.asked(resolver), what=str(want))
        return self.asked(resolver) == want

    def all(self, *names):
        found = set()
        for name in names:
            found |= self.questions[name]
        return found


def gateway_with(start, rules, top=""):
    """And the DNS server."""
    sink, resolver = start.sink(), start.resolver()
    resolver.records[("mx.host.test", "A")] = ["192.0.2.250"]
    for n in range(1, 30):
        resolver.records.update(Mail(n).records())
    gateway = ruled(start, rules, {"in": sink.url}, workers=1, top=LISTS + top)
    return gateway, sink, resolver



# --- trust ---

TRUSTING = "".join(
    "on %s { %s: trust when client.ip is 192.0.2.%d }\n" % (phase, phase, n)
    for n, phase in enumerate(("connect", "helo", "mail", "rcpt"), 1)
    ) + "on message {%s}" % EVERYTHING


@pytest.fixture(scope="module")
def trusting(module_start):
    return gateway_with(module_start, TRUSTING)


@pytest.mark.parametrize("number, phase, looked_up", (
    (1, "connect", ()),
    (2, "helo", ("name", "l")),
    (3, "mail", ("name", "l", "helo", "spf.helo")),
    (4, "rcpt", ("name", "l", "helo", "spf.helo", "spf", "sender")),
    (5, None, ("name", "l", "helo", "spf.helo", "spf", "sender", "dkim",
               "dmarc"))), ids=("connect", "helo", "mail", "rcpt", "never"))
def test_behind_trust_nothing_is_looked_up(trusting, number, phase,
                                           looked_up):
    gateway, sink, resolver = trusting
    mail = Mail(number)
    before = len(resolver.asked)
    sink.clear()
    assert mail.send(gateway) == 250
    gateway.wait_line("session end client=%s " % mail.address)
    assert mail.was_asked(resolver, *looked_up)
    data = sink.wait(1)[0].data
    assert (b"Authentication-Results" in data) == (phase is None)
    if phase == "connect":
        # Not one question of any kind; so it has no name.
        assert resolver.asked[before:] == []
        assert data.startswith(b"Received: from h1.helo.test (unknown "
                               b"[192.0.2.1])\r\n"), data


def test_trust_in_numbers(trusting):
    """As swaks sees it: many sessions, and the DNS server counts none."""
    gateway, sink, resolver = trusting
    before = len(resolver.asked)
    for _ in range(5):
        assert Swaks(gateway, "192.0.2.1", "--helo",
                     "h1.helo.test").status == 0
    assert resolver.asked[before:] == []


def test_who_is_refused_by_what_is_known_costs_no_lookup(start):
    gateway, sink, resolver = gateway_with(
        start, 'on connect { reject "no" when client.ip in '
        '{ 192.0.2.0/28 } }\non helo { defer "no" when helo.name ends with '
        '".helo.test" }\non message {%s}' % EVERYTHING)
    assert Mail(1).send(gateway) == 550
    assert resolver.asked == []
    mail = Mail(20)
    assert mail.send(gateway) == 451
    assert mail.was_asked(resolver, "name", "l")
    assert b"MAIL" not in sink.raw()


# --- what is asked for, and no more ---

ASKING = {
    "nothing": ('on mail { reject "no" when sender in { "x@y.test" } }', ()),
    "client.name": ('on connect { score 1 when client.name is none }', ()),
    "spf": ('on mail { reject "no" when spf is fail }', ("spf",)),
    "spf.helo": ('on helo { reject "no" when spf.helo is fail }',
                 ("spf.helo",)),
    "helo": ('on helo { reject "no" when not helo.resolves }', ("helo",)),
    "sender": ('on mail { reject "no" when not sender.domain-accepts-mail }',
               ("sender",)),
    "dkim": ('on message { reject "no" when dkim is pass }', ("dkim",)),
    "dmarc": ('on message { reject "no" when dmarc is fail and dmarc.policy '
              'is reject }', ("spf", "dkim", "dmarc")),
    "one list": ('on rcpt { reject "no" when dnsbl.l is not none }', ("l",)),
    "lists": ('on rcpt { reject "no" when dnsbl.score >= 5 }', ("l", "m")),
    "scored": ('on rcpt { score dnsbl.score }\n'
               'on message { log "x" when score > 3 }', ("l", "m")),
    "in a text": ('on message { add header "X-SPF" "{spf}" }', ("spf",)),
    "observed": ('on mail { observe reject "no" when spf is fail }',
                 ("spf",)),
}


@pytest.mark.parametrize("name", ASKING)
def test_only_what_rules_ask_for_is_looked_up(start, name):
    """And the client's name, which Received tells."""
    rules, looked_up = ASKING[name]
    gateway, _, resolver = gateway_with(start, rules,
                                        "authres { add no }")
    mail = Mail(9)
    assert mail.send(gateway) == 250
    assert mail.was_asked(resolver, "name", *looked_up)


def test_a_list_that_no_rule_asks_for_is_not_even_probed(start):
    gateway, _, resolver = gateway_with(
        start, """
dnsbl asked "asked.test" { 127.0.0.2 score 1 }
dnsbl idle  "idle.test" { 127.0.0.2 score 1 }
on rcpt { reject "no" when dnsbl.asked is not none }
""")
    wait_until(lambda: ("2.0.0.127.asked.test", "A") in resolver.asked,
               what="a probe")
    assert Mail(9).send(gateway) == 250
    assert not [name for name, _ in resolver.asked if "idle" in name]


def test_what_the_header_tells_is_looked_up_without_rules(start):
    """The lists are asked for rules alone."""
    gateway, _, resolver = gateway_with(start, "")
    mail = Mail(9)
    assert mail.send(gateway) == 250
    assert mail.was_asked(resolver, "name", "spf.helo", "spf", "dkim",
                          "dmarc")


@pytest.mark.parametrize("where", ("loopback", "unchecked"))
def test_clients_that_are_not_looked_up_have_neutral_facts(start, where):
    """A rule that refuses for what DNS says never meets them."""
    gateway, sink, resolver = gateway_with(start, """
on message {
	reject "no" when client.reverse is not ok or dnsbl.score > 0 or
		dnsbl.failed > 0
	reject "no" when not helo.resolves or not helo.matches-client
	reject "no" when spf is not none or spf.helo is not none
	reject "no" when not sender.domain-accepts-mail
	reject "no" when dkim is not none or dmarc is not none
	add header "X-Seen" "{client.ip} {helo.name} {sender}"
}
""", "unchecked 192.0.2.0/24" if where == "unchecked" else "")
    mail = Mail(9)
    if where == "loopback":
        mail.address = "127.0.0.5"
    else:
        # Its name is looked up for Received alone: this is not the client's.
        resolver.records[(mail.reverse, "PTR")] = ["mx.host.test"]
    assert mail.send(gateway) == 250
    assert b"X-Seen: %s %s ann@%s\r\n" % (
        mail.address.encode(), mail.helo.encode(), mail.domain.encode()) in \
        sink.wait(1)[0].data
    assert mail.asked(resolver) - mail.all("name") == set()


# --- early, and side by side ---

def has_reply(client):
    """Whether there is something to read now."""
    return bool(client.buffer or select.select([client.sock], [], [], 0)[0])


def test_the_lookups_of_all_phases_run_together(start):
    """None of them is answered until all have been asked: those of the mail
    do not wait for those of the client. Only RCPT waits for them."""
    gateway, sink, resolver = gateway_with(start, """
on connect {
	score 1 when client.name is none
	reject "listed" when dnsbl.l is not none
}
on helo {
	reject "no" when not helo.resolves
	score 1 when spf.helo is fail
}
on mail {
	reject "no" when not sender.domain-accepts-mail
	score 1 when spf is fail
}
on message {
	log "{dmarc}"
	# Known before the lookups above begin, so asked for at connect.
	reject "listed" when dnsbl.score >= 5
}
""")
    mail = Mail(9)
    names = ("name", "l", "m", "helo", "spf.helo", "spf", "sender")
    resolver.hold()
    with client_at(gateway, mail.address) as client:
        client.ehlo(mail.helo)
        assert client.cmd("MAIL FROM:<ann@%s>" % mail.domain) == 250
        client.send(b"RCPT TO:<b@box.test>\r\n")
        wait_until(lambda: mail.all(*names) <= mail.asked(resolver),
                   what="all questions")
        assert not has_reply(client)
        assert b"MAIL" not in sink.raw()	# rules come first
        resolver.release()
        assert client.reply() == 250
        assert client.data(mail.message()) == 250
        client.quit()
    assert b"spf=pass" in sink.wait(1)[0].data


def test_the_greeting_waits_for_what_may_take_its_place(start):
    gateway, _, resolver = gateway_with(start, """
on connect { bad: disconnect 554 "You are on {dnsbl.names}"
		when dnsbl.l is not none }
""")
    resolver.records[("9.2.0.192.l.lists.test", "A")] = ["127.0.0.2"]
    resolver.hold()
    with client_at(gateway, "192.0.2.9", greet=False) as client:
        wait_until(lambda: Mail(9).all("l") <= Mail(9).asked(resolver),
                   what="the question")
        assert not has_reply(client)
        resolver.release()
        line = client.line()
        assert line.startswith("554 You are on l ["), line
        assert client.closed()
    with client_at(gateway, "192.0.2.10") as client:
        assert client.greeting == 220


# --- DNS that does not answer ---

@pytest.mark.parametrize("how", ("silent", "garbage"))
def test_a_dns_that_fails_is_never_held_against_a_mail(start, how):
    """Not by rules that refuse for everything that DNS can say against it."""
    gateway, sink, resolver = gateway_with(
        start, """
on connect {
	reject "no" when client.reverse is none or client.reverse is mismatch
	reject "listed" when dnsbl.score > 0
}
on helo {
	reject "no" when not helo.resolves or not helo.matches-client
	reject "no" when spf.helo is fail or spf.helo is permerror
}
on mail {
	reject "no" when not sender.domain-accepts-mail
	reject "no" when spf is fail or spf is softfail or spf is permerror
}
on message {
	reject "no" when dkim is fail or dkim is permerror
	reject "no" when dmarc is fail or dmarc is permerror
	add header "X-Facts" "{client.reverse} {spf.helo} {spf} {dkim} {dmarc}"
}
""", "resolver { timeout 1s }\nspf { timeout 2s }")
    if how == "silent":
        resolver.silent |= {"test", "arpa"}
    else:
        resolver.answer = lambda query: query[:2] + b"\x85\x82" + query[4:]
    assert Mail(9).send(gateway) == 250
    assert b"X-Facts: temperror temperror temperror temperror temperror" in \
        sink.wait(1)[0].data
