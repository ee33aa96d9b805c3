"""Filters that people run, from Debian: several behind each other, with real
servers behind them, and while one of them is away."""
import concurrent.futures
import re

import pytest

from kit.filter_world import (INSIDE, LISTENERS, OUTSIDE, Delivered, Route,
                              World, mail, names, spam)
from kit.filtered import connect, filtered
from kit.process import wait_until

pytestmark = pytest.mark.core


@pytest.fixture(scope="module")
def world(module_start):
    return World(module_start)


@pytest.fixture(scope="module")
def route(module_start, world):
    return Route(module_start, world)


# --- behind each other ---

def test_three_filters_as_people_run_them(world, route):
    message = world.sign(mail())
    got = route.pass_on("chain", message)
    assert [names(f) for f in got.above] == [
        "DMARC-Filter", "Authentication-Results", "Authentication-Results"]
    assert "dmarc=pass" in got.has("Authentication-Results")[0]
    assert "R_DKIM_ALLOW" in got.has("X-Spamd-Result")[0]
    assert world.is_signed(got.data)
    # Each of them may refuse.
    for bad, who, text in (
            (message.replace(b"Hello", b"Hallo"), "chain0", "bad DKIM"),
            (mail(author=b"bank.example"), "chain1", "DMARC policy"),
            (world.sign(spam()), "chain2", "Gtube")):
        assert text in route.refuse("chain", bad).text
        assert route.gateway.wait_line("milter decided .*milter=%s " % who)


def test_what_is_signed_is_what_filters_before_have_made_of_it(world, route):
    got = route.pass_on("resign", mail(b" SUSPECT offer"), INSIDE)
    assert got.has("Subject") == ["[SPAM] SUSPECT offer"]
    assert b"multipart" in got.data
    assert names(got.above[0]) == "DKIM-Signature"
    assert world.is_signed(got.data)
    assert not world.is_signed(got.data.replace(b"[SPAM]", b"[HAM]"))


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_all_of_them(world, route, how):
    """Octets that are easily lost, on the way past six filters."""
    message = mail(b" Gr\xc3\xbc\xc3\x9fe\r\n\tfolded", body=(
        b"\r\n\r\n..two dots\r\n.\r\n \xc3\xa4 \t \r\n" +
        b"x" * 900 + b"\r\n\r\n\r\n"))
    got = route.pass_on("six", world.sign(message), INSIDE, how=how,
                        params=" BODY=8BITMIME")
    assert got.body == message.partition(b"\r\n\r\n")[2]
    assert [names(f) for f in got.above] == [
        "DKIM-Signature", "X-Virus-Scanned", "X-Spam-Flag", "X-Spam-Score",
        "X-Spam-Level", "X-Spam-Status", "DMARC-Filter",
        "Authentication-Results", "Authentication-Results"]
    assert world.is_signed(got.data, 0) and world.is_signed(got.data, 1)


def test_many_at_once_are_not_mixed_up(world, route):
    """Sessions side by side, several mails in each; every third is refused
    by OpenDKIM, every third by OpenDMARC."""
    route.sink.clear()

    def one(session):
        replies = []
        with connect(route.gateway.at["chain"], "192.0.2.%d" % (
                100 + session)) as c:
            c.ehlo()
            for i in range(9):
                subject = b" %d-%d" % (session, i)
                message = world.sign(mail(subject))
                if i % 3 == 1:
                    message = message.replace(b"Hello", b"Hallo")
                elif i % 3 == 2:
                    message = mail(subject, author=b"bank.example")
                replies.append(c.mail(message, "ann@sender.example").enhanced)
        return replies

    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        for replies in pool.map(one, range(8)):
            assert replies == ["2.0.0", "5.7.0", "5.7.1"] * 3
    got = [Delivered(m.data) for m in route.sink.wait(24)]
    assert sorted(g.has("Subject")[0] for g in got) == [
        "%d-%d" % (s, i) for s in range(8) for i in (0, 3, 6)]
    for g in got:
        # Of this very mail: its signature, its id.
        signature = re.search(r"header\.b=(\S{8})",
                              g.has("Authentication-Results")[1])[1]
        assert " b=" + signature in re.sub(
            r"\s+", " ", g.has("DKIM-Signature")[0])
        ident = g.has("X-Rspamd-Queue-Id")[0]
        assert g.has("DMARC-Filter")[0].endswith(" " + ident)
        assert re.search(rb" id %s\b" % ident.partition(".")[0].encode(),
                         g.ours)
        session, i = map(int, g.has("Subject")[0].split("-"))
        assert ident.endswith(".%d" % (i + 1))
        assert b"[192.0.2.%d]" % (100 + session) in g.ours


# --- real servers behind ---

def test_postfix_and_dovecot_behind_filters(start, world):
    postfix, dovecot = start.postfix(), start.dovecot()
    gateway = filtered(
        start, {"in": ["", *world.blocks(LISTENERS["chain"])],
                "warn": ["", *world.blocks(["spamass"])]},
        {"box": postfix.url, "dovecot": dovecot.url()})
    for peer, rcpt in ((postfix, "bob@box.test"),
                       (dovecot, "bob@dovecot.test")):
        with connect(gateway.at["in"], OUTSIDE) as c:
            c.ehlo()
            assert c.mail(world.sign(mail()), "ann@sender.example",
                          rcpt) == 250
        stored = peer.wait(b"X-Spamd-Result")
        assert stored.index(b"dmarc=pass") < stored.index(b"dkim=pass") < \
            stored.index(b"by gw.e2e.test (Forepost)")
        assert world.is_signed(stored)
        with connect(gateway.at["warn"], OUTSIDE) as c:
            c.ehlo()
            assert c.mail(mail(b" SUSPECT"), "ann@sender.example",
                          rcpt) == 250
        assert b"Subject: [SPAM] SUSPECT\r\n" in peer.wait(b"X-Spam-Flag")


# --- a filter that is away ---

# What it leaves on a mail that has passed.
MARKS = {"opendkim": "Authentication-Results", "signer": "DKIM-Signature",
         "opendmarc": "DMARC-Filter", "clamav": "X-Virus-Status",
         "spamass": "X-Spam-Status", "amavis": "X-Virus-Scanned",
         "rspamd": "X-Rspamd-Action"}


@pytest.fixture(scope="module")
def away(module_start, world):
    """Each filter on two listeners, by what is to be done without it."""
    sink = module_start.sink()
    gateway = filtered(module_start, {
        "%s_%s" % (name, failure): ["", *world.blocks(
            [name], "\tfailure %s\n\tretry_time 100ms" % failure)]
        for name in MARKS for failure in ("accept", "tempfail")},
        {"in": sink.url})
    return gateway, sink


@pytest.mark.parametrize("name", MARKS)
def test_filter_is_killed_and_started_again(world, away, name):
    gateway, sink = away
    one = world.filters[name]

    def message():
        # OpenDKIM signs this domain, OpenDMARC has nothing against that one.
        return mail(author=b"nothing.example" if name == "opendmarc" else
                    b"sender.example")

    def say(failure):
        """The reply, and whether what arrived has the filter's mark."""
        sink.clear()
        with connect(gateway.at["%s_%s" % (name, failure)], INSIDE) as c:
            c.ehlo()
            reply = c.mail(message(), "ann@sender.example")
        if reply != 250:
            assert not sink.messages
            return reply, None
        return reply, bool(Delivered(sink.wait(1)[0].data).has(MARKS[name]))

    for failure in ("accept", "tempfail"):
        assert say(failure) == (250, True)
    # What was kept open is found dead, and nobody is told.
    one.kill()
    one.start()
    for failure in ("accept", "tempfail"):
        assert say(failure) == (250, True)
    # In the middle of a session, between two mails.
    sink.clear()
    with connect(gateway.at[name + "_tempfail"], INSIDE) as c:
        c.ehlo()
        assert c.mail(message(), "ann@sender.example") == 250
        one.kill()
        one.start()
        assert c.mail(message(), "ann@sender.example") == 250
        assert not gateway.lines("milter failed .*milter=%s_" % name)
        # And in the middle of a mail.
        assert c.envelope("ann@sender.example", "bob@box.test") == 250
        one.kill()
        reply = c.data(message())
        assert (reply.code, reply.enhanced) == (451, "4.7.1")
        sink.wait(2)
        assert say("accept") == (250, False)
        reply, _ = say("tempfail")
        assert (reply.code, reply.enhanced) == (451, "4.7.1")
        one.start()
        sink.clear()
        wait_until(lambda: c.mail(message(), "ann@sender.example") == 250)
        assert Delivered(sink.wait(1)[0].data).has(MARKS[name])
    for failure in ("accept", "tempfail"):
        wait_until(lambda: say(failure) == (250, True))
