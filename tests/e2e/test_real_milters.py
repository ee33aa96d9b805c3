"""Filters that people run, from Debian, between a client and a backend: what
they let pass, what they refuse and with which words, and what they change, as
the backend gets it.
"""
import email
import email.policy
import re

import pytest

from kit import filters as real
from kit.filter_world import (INSIDE, Delivered, Route, World, fields_of,
                              forged, mail, names, spam, virus)
from kit.filtered import connect
from kit.process import wait_until

pytestmark = pytest.mark.core


@pytest.fixture(scope="module")
def world(module_start):
    return World(module_start)


@pytest.fixture(scope="module")
def route(module_start, world):
    return Route(module_start, world)


# White space that is lost easily; none of it may be, or the signature that
# covers it is broken.
ODD = b"no space\r\n \tfolded \r\n\t and\ttabbed"


# --- OpenDKIM ---

@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_opendkim_finds_a_signature_good(world, route, how):
    message = world.sign(mail(ODD), canonicalize=(b"simple", b"simple"))
    got = route.pass_on("dkim", message, how=how)
    result, = got.has("Authentication-Results")
    assert result.startswith("filter.e2e.test; dkim=pass (2048-bit key) "
                             "header.d=sender.example")
    assert [names(f) for f in got.above] == ["Authentication-Results"]
    assert got.adds(message) == []
    assert world.is_signed(got.data)


def test_opendkim_refuses_a_broken_signature(world, route):
    message = world.sign(mail()).replace(b"Hello Bob", b"Hello Eve")
    reply = route.refuse("dkim", message)
    assert (reply.code, reply.enhanced) == (550, "5.7.0")
    assert "bad DKIM signature data" in reply.text
    assert route.gateway.wait_line(
        "milter decided .*milter=dkim0 .*code=550 enhanced=5.7.0")


def test_opendkim_removes_forged_results(route):
    """All that claim to be its own; not those of others."""
    other = b"Authentication-Results: other.test; dkim=pass\r\n"
    extra = forged(b"a.example") + b"X-Between: 1\r\n" + other + \
        forged(b"b.example")
    message = mail(extra=extra)
    got = route.pass_on("dkim", message)
    assert got.has("Authentication-Results") == [
        "filter.e2e.test; dkim=none; dkim-atps=neutral",
        "other.test; dkim=pass"]
    for domain in (b"a.example", b"b.example"):
        message = message.replace(forged(domain), b"")
    assert got.adds(message) == []


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_opendkim_signs(world, route, how):
    message = mail(ODD)
    got = route.pass_on("sign", message, INSIDE, how=how)
    assert [names(f) for f in got.above] == ["DKIM-Signature"]
    assert "c=simple/simple; d=sender.example; s=s1" in \
        got.has("DKIM-Signature")[0]
    assert got.adds(message) == []
    assert world.is_signed(got.data)
    assert not world.is_signed(got.data.replace(b"no space", b" no space"))


def test_opendkim_signs_what_has_no_body(world, route):
    message = mail(body=b"")
    got = route.pass_on("sign", message, INSIDE)
    assert got.body == b""
    assert world.is_signed(got.data)


def test_opendkim_signs_for_nobody_else(route):
    message = mail()
    got = route.pass_on("sign", message)
    assert got.above == [] and got.adds(message) == []


def test_opendkim_signs_for_who_has_logged_in(world, route):
    """It knows by {auth_type}."""
    route.sink.clear()
    with connect(route.gateway.at["sign"], "192.0.2.8") as c:
        c.ehlo()
        assert c.cmd("XCLIENT ADDR=198.51.100.9 LOGIN=ann") == 220
        c.ehlo()
        assert c.mail(mail(), "ann@sender.example") == 250
    assert world.is_signed(route.sink.wait(1)[0].data)


# --- OpenDMARC ---

def test_opendmarc_reads_what_opendkim_has_found(world, route):
    message = world.sign(mail())
    got = route.pass_on("dmarc", message)
    assert [names(f) for f in got.above] == [
        "DMARC-Filter", "Authentication-Results", "Authentication-Results"]
    dmarc, dkim_result = got.has("Authentication-Results")
    assert dmarc == "filter.e2e.test; dmarc=pass (p=reject dis=none) " \
        "header.from=sender.example"
    assert "dkim=pass" in dkim_result
    assert re.match(r"OpenDMARC Filter v\S+ gw\.e2e\.test [0-9a-f]{12}\.1$",
                    got.has("DMARC-Filter")[0])
    assert got.adds(message) == []


@pytest.mark.parametrize("extra", (b"", forged(b"bank.example")),
                         ids=("unsigned", "forged-result"))
def test_opendmarc_refuses(route, extra):
    """What OpenDKIM has removed OpenDMARC does not see."""
    reply = route.refuse("dmarc", mail(author=b"bank.example", extra=extra))
    assert (reply.code, reply.enhanced) == (550, "5.7.1")
    assert "rejected by DMARC policy for bank.example" in reply.text


def test_opendmarc_has_mail_held(route):
    message = mail(author=b"shop.example")
    assert route.say("dmarc", message) == 250
    got = Delivered(route.held.wait(1)[0].data)
    assert not route.sink.messages
    assert got.has("Authentication-Results")[0] == \
        "filter.e2e.test; dmarc=fail (p=quarantine dis=quarantine) " \
        "header.from=shop.example"
    assert got.has("X-Forepost-Quarantine") == [
        "milter dmarc1: quarantined by DMARC policy for shop.example"]
    assert got.body == message.partition(b"\r\n\r\n")[2]


# --- ClamAV ---

def test_clamav_lets_pass_what_is_clean(route):
    message = mail()
    got = route.pass_on("clamav", message)
    assert got.adds(message) == ["X-Virus-Scanned", "X-Virus-Status"]
    assert got.has("X-Virus-Status") == ["Clean"]
    assert got.above == []


def test_clamav_replaces_forged_fields(route):
    extra = b"X-Virus-Scanned: by me\r\nX-Other: 1\r\n" \
        b"X-Virus-Status: Clean, really\r\n"
    got = route.pass_on("clamav", mail(extra=extra))
    assert [names(f) for f in got.below[-3:]] == [
        "X-Other", "X-Virus-Scanned", "X-Virus-Status"]
    assert got.has("X-Virus-Status") == ["Clean"]
    assert len(got.has("X-Virus-Scanned")) == 1


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_clamav_refuses_a_virus(route, how):
    reply = route.refuse("clamav", virus(), how=how)
    assert (reply.code, reply.enhanced) == (550, "5.7.1")
    assert "Infected by Test.Eicar" in reply.text


def test_clamav_has_a_virus_held(route):
    assert route.say("hold", virus()) == 250
    got = Delivered(route.held.wait(1)[0].data)
    assert not route.sink.messages
    assert got.has("X-Virus-Status")[0].startswith("Infected (Test.Eicar")
    assert got.has("X-Forepost-Quarantine") == [
        "milter hold0: quarantined by clamav-milter"]
    assert route.pass_on("hold", mail()).has("X-Virus-Status") == ["Clean"]


def test_clamav_reads_all_of_a_large_message(route):
    """The virus is in the last packet of many."""
    text = b"".join(b"line %d of this long message\r\n" % i
                    for i in range(10000))
    message = mail(body=text)
    got = route.pass_on("clamav", message)
    assert got.adds(message) == ["X-Virus-Scanned", "X-Virus-Status"]
    reply = route.refuse("clamav", mail(body=text + real.EICAR + b"\r\n"))
    assert "Infected" in reply.text


def test_clamav_without_clamd_refuses_for_a_while(world, route):
    """The filter's own word: it is well, but cannot say anything."""
    world.clamd.kill()
    reply = route.refuse("clamav", mail())
    assert (reply.code, reply.enhanced) == (451, "4.7.1")
    assert route.gateway.lines("milter decided .*milter=clamav0 .*"
                               "verdict=tempfail")
    world.clamd.start()
    wait_until(lambda: route.say("clamav", mail()) == 250, 30)


# --- SpamAssassin ---

def test_spamassassin_marks_what_passes(route):
    """And what the client says of that is not what counts."""
    got = route.pass_on("spamass", mail(
        extra=b"X-Spam-Status: No, score=-99\r\nX-Other: 1\r\n"))
    status, = got.has("X-Spam-Status")
    assert re.match(r"No, score=\d", status)
    # It is changed where it stood.
    assert [names(f) for f in got.below[6:8]] == ["X-Spam-Status", "X-Other"]
    assert got.has("X-Spam-Checker-Version")
    assert got.body == b"Hello Bob.\r\n.dot\r\n"


def test_spamassassin_refuses_spam(route):
    reply = route.refuse("spamass", spam())
    assert (reply.code, reply.enhanced) == (550, "5.7.1")
    assert "Blocked by SpamAssassin" in reply.text


def test_spamassassin_wraps_what_it_suspects(route):
    """Subject, type and body are others; the message is within."""
    message = mail(b" SUSPECT offer")
    got = route.pass_on("spamass", message)
    assert got.has("Subject") == ["[SPAM] SUSPECT offer"]
    assert got.has("X-Spam-Flag") == ["YES"]
    assert len(got.has("Content-Type")) == 1
    outer = email.message_from_bytes(got.data, policy=email.policy.SMTP)
    report, inner = outer.iter_parts()
    assert "TEST_SUSPECT" in report.get_content()
    # What it was told of the client is in the Received field that it made.
    original = inner.get_content()
    assert original["Subject"] == "SUSPECT offer"
    assert original.get_content() == "Hello Bob.\r\n.dot\r\n"
    assert re.match(r"from mail\.sender\.example \(.*\[192\.0\.2\.7\]\)\s+"
                    r"by gw\.e2e\.test ", original["Received"])
    assert b"\r\n.dot\r\n" in got.data


def test_spamassassin_sends_spam_elsewhere(route):
    """The recipients are taken off, another is added."""
    got = route.pass_on("trap", mail(b" SUSPECT"), rcpts=[
        "bob@box.test", "eve@box.test"])
    assert route.sink.messages[0].rcpts == ["trap@box.test"]
    assert sorted(got.has("X-Spam-Orig-To")) == [
        "<bob@box.test>", "<eve@box.test>"]
    route.pass_on("trap", mail(), rcpts=["bob@box.test", "eve@box.test"])
    assert route.sink.messages[0].rcpts == ["bob@box.test", "eve@box.test"]


# --- amavis ---

def test_amavis_marks_what_passes(route):
    """Above our own field; and forged ones are gone."""
    message = mail(extra=b"X-Spam-Flag: NO\r\nX-Other: 1\r\n")
    got = route.pass_on("amavis", message)
    assert [names(f) for f in got.above] == [
        "X-Virus-Scanned", "X-Spam-Flag", "X-Spam-Score", "X-Spam-Level",
        "X-Spam-Status"]
    assert got.has("X-Virus-Scanned") == ["amavis at box.test"]
    assert got.has("X-Spam-Flag") == ["NO"]
    assert got.adds(message.replace(b"X-Spam-Flag: NO\r\n", b"")) == []


def test_amavis_changes_the_subject(route):
    message = mail(b" SUSPECT offer")
    got = route.pass_on("amavis", message)
    assert got.has("Subject") == ["***SPAM*** SUSPECT offer"]
    assert got.has("X-Spam-Flag") == ["YES"]
    assert [names(f).lower() for f in got.below] == [
        names(f).lower() for f in fields_of(
            message.partition(b"\r\n\r\n")[0])]
    assert got.body == b"Hello Bob.\r\n.dot\r\n"


PROGRAM = b"""\
--x\r\n\r\nSee this.\r\n--x\r
Content-Type: application/octet-stream; name=see.exe\r\n\r\nMZ\r\n--x--\r\n"""


@pytest.mark.parametrize("message, text", (
    (lambda: spam(), "spam"),
    (lambda: mail(extra=b"Content-Type: multipart/mixed; boundary=x\r\n",
                  body=PROGRAM), r"BANNED: .*see\.exe")),
    ids=("spam", "program"))
def test_amavis_refuses(route, message, text):
    reply = route.refuse("amavis", message())
    assert (reply.code, reply.enhanced) == (554, "5.7.0")
    assert re.search("Reject, id=[-0-9]+ - " + text, reply.text)


def test_amavis_discards_a_virus_but_for_who_wants_it(route):
    """It takes the other recipients off the mail."""
    message = virus()
    assert route.say("amavis", message) == 250
    assert not route.sink.messages and not route.held.messages
    got = route.pass_on("amavis", message, rcpts=[
        "bob@box.test", "lab@box.test", "eve@box.test"])
    assert route.sink.messages[0].rcpts == ["lab@box.test"]
    assert got.has("Subject") == ["***INFECTED*** hello"]


# --- Rspamd ---

def test_rspamd_marks_what_passes(world, route):
    message = world.sign(mail(
        extra=b"X-Spamd-Bar: ----\r\nX-Other: 1\r\n"
        b"X-Spamd-Result: none\r\n"), canonicalize=(b"simple", b"simple"))
    got = route.pass_on("rspamd", message)
    assert len(got.has("X-Spamd-Bar")) == len(got.has("X-Rspamd-Action")) == 1
    assert got.has("X-Rspamd-Action") == ["no action"]
    result, = got.has("X-Spamd-Result")
    for symbol in ("R_DKIM_ALLOW", "DMARC_POLICY_ALLOW"):
        assert symbol in result
    assert re.fullmatch(r"[0-9a-f]{12}\.1", got.has("X-Rspamd-Queue-Id")[0])
    assert got.above == []
    assert world.is_signed(got.data)


@pytest.mark.parametrize("message, code, enhanced, text", (
    (spam, 554, "5.7.1", "Gtube pattern"),
    (lambda: mail(b" LATER"), 451, "4.7.1", "Come back later")),
    ids=("spam", "later"))
def test_rspamd_refuses(route, message, code, enhanced, text):
    reply = route.refuse("rspamd", message())
    assert (reply.code, reply.enhanced) == (code, enhanced)
    assert text in reply.text


def test_rspamd_marks_and_changes(route):
    message = mail(body=real.GTUBE.replace(b"XJS", b"YJS") + b"\r\n")
    got = route.pass_on("rspamd", message)
    assert got.adds(message) == ["X-Spam"]
    message = mail(body=real.GTUBE.replace(b"XJS", b"ZJS") + b"\r\n")
    got = route.pass_on("rspamd", message)
    assert got.adds(message.replace(b" hello", b" ***SPAM*** hello")) == []
