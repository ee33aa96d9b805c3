"""Rules decide for each recipient, though a message has one reply for all of
them: who would be treated otherwise comes in a mail of his own."""
import re

import pytest

from kit.client import Client
from kit.ruled import MESSAGE, Swaks, client_at, ruled

pytestmark = pytest.mark.core

APART = "452 4.5.3 This recipient needs a mail of its own, send it again"


def gateway_with(start, rules, names=("in",), **options):
    """And a sink for each of the names."""
    sinks = {name: start.sink() for name in names}
    gateway = ruled(start, rules, {n: s.url for n, s in sinks.items()},
                    workers=1, **options)
    return gateway, sinks


def offer(client, *rcpts, sender="a@sender.test", message=MESSAGE):
    """One transaction; the replies to RCPT by recipient, "." for the
    message."""
    replies = {}
    assert client.cmd("MAIL FROM:<%s>" % sender) == 250
    for rcpt in rcpts:
        replies[rcpt] = client.cmd("RCPT TO:<%s>" % rcpt)
    if any(r == 250 for r in replies.values()):
        replies["."] = client.data(message)
    else:
        client.cmd("RSET")
    return replies


def codes(replies):
    return {rcpt: reply.code for rcpt, reply in replies.items()}


def held(sink):
    """{recipients: header} of its messages, in the order of their coming."""
    return {tuple(m.rcpts): m.data.partition(b"\r\n\r\n")[0] + b"\r\n"
            for m in sink.messages}


def retried(client, rcpts, most=10):
    """Offers all, and again those that were told 4yz; how many mails it
    took."""
    mails = 0
    while rcpts:
        mails += 1
        assert mails <= most
        replies = codes(offer(client, *rcpts))
        assert replies["."] == 250
        rcpts = [r for r in rcpts if replies[r] == 452]
    return mails


# Rules of the message that tell b@ from the others, each in its own way.
TELLING = {
    "rcpt": 'on message { add header "X-For" "b" when rcpt in '
            '{ "b@box.test" } }',
    "rcpt.local": 'on message { add header "X-For" "b" when '
                  'rcpt.local is "b" }',
    "text": 'on message { add header "X-For" "{rcpt.local}" }',
    "score": 'on rcpt { score 3 when rcpt.local is "b" }\n'
             'on message { add header "X-For" "b" when score >= 3 }',
    "scores": 'on rcpt { score 3 "b" when rcpt.local is "b" }\n'
              'on message { add header "X-For" "b" when scores contains '
              '"b" }',
    "tag": 'on rcpt { tag b when rcpt.local is "b" }\n'
           'on message { add header "X-For" "b" when tagged "b" }',
    "trust": 'on rcpt { trust when rcpt.local is not "b" }\n'
             'on message { add header "X-For" "b" }',
    "rejection": 'on message { reject "no" when rcpt.local is "z" }\n'
                 'on message { add header "X-For" "b" when rcpt.local is '
                 '"b" }',
}


@pytest.mark.parametrize("how", TELLING)
def test_who_is_told_apart_gets_a_mail_of_his_own(start, how):
    gateway, sinks = gateway_with(start, TELLING[how])
    rcpts = ["a@box.test", "b@box.test", "c@box.test"]
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        first = offer(client, *rcpts)
        assert first["a@box.test"] == 250 and first["."] == 250
        line, = first["b@box.test"].lines
        ident = gateway.wait_line("mail done ")[0].split(" ")[2]
        assert line == "%s [%s]" % (APART, ident)
        assert first["c@box.test"] == (452 if how == "text" else 250)
        retried(client, [r for r in rcpts if first[r] == 452])
        client.quit()
    marks = {r: re.findall(rb"^X-For: (.*)\r\n", header, re.M)
             for rs, header in held(sinks["in"]).items() for r in rs}
    assert marks["b@box.test"] == [b"b"]
    if how != "text":
        assert marks["a@box.test"] == marks["c@box.test"] == []
    assert sorted(marks) == rcpts
    assert "code=452 enhanced=4.5.3 " in gateway.lines(
        "rcpt refused .*to=b@box.test")[0]


# And rules that do not, though they read of recipients or differ for them.
ALIKE = {
    "nothing": "on message { score 1 }",
    "observed": 'on message { observe reject "no" when rcpt.local is "b" }',
    "score unread": 'on rcpt { score 3 when rcpt.local is "b" }',
    "count": 'on message { add header "X-Count" "{rcpt.count}" }',
    "accepted": 'on rcpt { accept when rcpt.local is "b" }\n'
                'on message { add header "X-Count" "{rcpt.count}" }',
    "same domain": 'on message { add header "X-For" "{rcpt.domain}" }',
}


@pytest.mark.parametrize("how", ALIKE)
def test_who_is_not_told_apart_comes_along(start, how):
    gateway, sinks = gateway_with(start, ALIKE[how])
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        assert set(codes(offer(client, "a@box.test", "b@box.test",
                               "c@box.test")).values()) == {250}
        client.quit()
    (rcpts, header), = held(sinks["in"]).items()
    assert rcpts == ("a@box.test", "b@box.test", "c@box.test")
    assert (b"X-Count: 3\r\n" in header) == (how in ("count", "accepted"))


def test_swaks_with_two_recipients(start):
    """It says what it is told, and sends to the other."""
    gateway, sinks = gateway_with(start, TELLING["rcpt"])
    ran = Swaks(gateway, "192.0.2.1", "--to", "a@box.test,b@box.test")
    assert ran.status == 0
    assert "<** %s [%s]\n" % (APART, ran.ident()) in ran.text
    assert list(held(sinks["in"])) == [("a@box.test",)]
    assert Swaks(gateway, "192.0.2.1").status == 0
    assert list(held(sinks["in"])) == [("a@box.test",), ("b@box.test",)]


def test_postfix_sends_the_others_by_itself(start):
    """One mail to four in its queue: it comes in two, and reaches each of
    them once."""
    gateway, sinks = gateway_with(
        start, 'on message { add header "X-List" "yes" when rcpt.local '
        'starts with "list" }')
    # It speaks for itself, not as a load balancer.
    gateway.stop()
    with open(gateway.conf) as f:
        gateway.configure(f.read().replace("proxy_protocol", "unchecked"))
    gateway.start()
    postfix = start.postfix(relayhost="[127.0.0.1]:%d" % gateway.port)
    rcpts = ["a@far.test", "list-1@far.test", "b@far.test", "list-2@far.test"]
    with Client(postfix.port) as client:
        client.ehlo()
        assert client.mail(MESSAGE, rcpts=rcpts) == 250
        client.quit()
    got = {tuple(sorted(m.rcpts)): b"X-List: yes" in m.data
           for m in sinks["in"].wait(2, 60)}
    assert got == {("a@far.test", "b@far.test"): False,
                   ("list-1@far.test", "list-2@far.test"): True}
    assert len(gateway.lines("rcpt refused .*code=452 enhanced=4.5.3 ")) == 2


# --- discard, route, trust and refusals for one of them ---

def test_discard_for_one_only(start):
    gateway, sinks = gateway_with(start, """
on rcpt { gone: discard "left the company" when rcpt.local is "gone" }
on message { add header "X-Count" "{rcpt.count}" }
""")
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        assert set(codes(offer(client, "a@box.test", "gone@box.test",
                               "b@box.test")).values()) == {250}
        # Were he the only one, nothing is delivered.
        assert set(codes(offer(client, "gone@box.test")).values()) == {250}
        assert set(codes(offer(client, "gone@box.test",
                               "c@box.test")).values()) == {250}
        client.quit()
    found = held(sinks["in"])
    assert list(found) == [("a@box.test", "b@box.test"), ("c@box.test",)]
    assert b"X-Count: 2\r\n" in found["a@box.test", "b@box.test"]
    assert len(gateway.lines("rcpt discarded .*to=gone@box.test rule=gone"
                             )) == 3
    assert [re.search("outcome=(\\S+)", line).group(1)
            for line in gateway.lines("mail done ")] == [
        "delivered", "discarded", "delivered"]


def test_route_for_one_only(start):
    gateway, sinks = gateway_with(
        start, 'on rcpt { route other when rcpt.local is "b" }\n',
        ("in", "other"))
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        # One message has one backend, since there is one reply to it.
        first = offer(client, "a@box.test", "b@box.test", "c@box.test")
        assert codes(first) == {"a@box.test": 250, "b@box.test": 452,
                                "c@box.test": 250, ".": 250}
        assert first["b@box.test"].text.startswith(APART[4:])
        assert codes(offer(client, "b@box.test")) == {"b@box.test": 250,
                                                      ".": 250}
        client.quit()
    assert list(held(sinks["in"])) == [("a@box.test", "c@box.test")]
    assert list(held(sinks["other"])) == [("b@box.test",)]


def test_a_route_of_a_rule_makes_no_relay(start):
    """What the configuration does not route is not taken for a rule."""
    gateway, sinks = gateway_with(
        start, 'on rcpt { trust when rcpt.local is "friend"\nroute other }',
        ("in", "other"))
    gateway.stop()
    with open(gateway.conf) as f:
        gateway.configure(f.read().replace(
            'route { domains "*" backend in }\n', ""))
    gateway.start()
    for rcpt in ("b@far.test", "friend@far.test"):
        ran = Swaks(gateway, "192.0.2.1", "--to", rcpt)
        assert ran.status == 24
        assert ran.reply("RCPT") == \
            "550 5.7.1 Relaying is not permitted [%s]" % ran.ident()
    assert Swaks(gateway, "192.0.2.1", "--to", "b@in.test").status == 0
    assert list(held(sinks["other"])) == [("b@in.test",)]
    assert sinks["in"].messages == []


def test_trust_for_one_only(start):
    """His mail goes by the rules of the message; that of others does not."""
    gateway, sinks = gateway_with(start, """
on rcpt {
	abuse: trust "must be reached by everybody" when rcpt.local is "abuse"
	reject "not from there" when client.ip is 192.0.2.2
}
on message { spam: reject "spam" }
""")
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        assert codes(offer(client, "abuse@box.test", "b@box.test")) == {
            "abuse@box.test": 250, "b@box.test": 452, ".": 250}
        # Whoever comes first: the other comes later.
        assert codes(offer(client, "b@box.test", "abuse@box.test")) == {
            "b@box.test": 250, "abuse@box.test": 452, ".": 550}
        client.quit()
    with client_at(gateway, "192.0.2.2") as client:
        client.ehlo()
        assert codes(offer(client, "b@box.test", "abuse@box.test")) == {
            "b@box.test": 550, "abuse@box.test": 250, ".": 250}
        client.quit()
    assert [m.rcpts for m in sinks["in"].messages] == [["abuse@box.test"]] * 2


def test_each_recipient_has_his_own_reply(start):
    gateway, sinks = gateway_with(start, """
on rcpt {
	no:    reject 550 5.1.1 "no {rcpt}" when rcpt.local is "no"
	later: defer 450 4.2.0 "later {rcpt}" when rcpt.local is "later"
	many:  defer 452 4.5.3 "{rcpt.count} are too many" when rcpt.count > 4
}
""")
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        replies = offer(client, "no@box.test", "a@box.test", "later@box.test",
                        "b@box.test", "c@box.test", "d@box.test",
                        "e@box.test")
        client.quit()
    assert codes(replies) == {
        "no@box.test": 550, "a@box.test": 250, "later@box.test": 450,
        "b@box.test": 250, "c@box.test": 250, "d@box.test": 250,
        "e@box.test": 452, ".": 250}
    assert "no no@box.test [" in replies["no@box.test"].text
    assert "later later@box.test [" in replies["later@box.test"].text
    assert "5 are too many [" in replies["e@box.test"].text
    assert list(held(sinks["in"])) == [tuple(
        "%s@box.test" % name for name in "abcd")]
    assert [re.search(r"to=(\w+)@.* rule=(\w+) ", line).groups()
            for line in gateway.lines("rcpt refused ")] == [
        ("no", "no"), ("later", "later"), ("e", "many")]


def test_a_recipient_that_the_backend_refused_settles_nothing(start):
    """The first that was taken does, so the next may differ from him."""
    gateway, sinks = gateway_with(start, TELLING["tag"])
    sinks["in"].rcpt_replies["b@box.test"] = b"550 5.1.1 nobody\r\n"
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        assert codes(offer(client, "b@box.test", "a@box.test",
                           "c@box.test")) == {
            "b@box.test": 550, "a@box.test": 250, "c@box.test": 250,
            ".": 250}
        client.quit()
    (rcpts, header), = held(sinks["in"]).items()
    assert rcpts == ("a@box.test", "c@box.test")
    assert b"X-For" not in header
