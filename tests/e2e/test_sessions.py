"""Dialogues that other projects test their servers with, and their replies.

Two files of the test vectors: sessions.yml (commands and the reply codes that
are allowed) and addresses.yml (MAIL and RCPT lines to accept or to refuse).
"""
import re

import pytest

from kit.client import Closed
from kit.samples import read_yaml, without_trace

pytestmark = pytest.mark.core

LIMIT = 100000

# Where we differ on purpose, and why.
DIFFERS = {
    "MAIL FROM:<postmaster>":
        "a reverse-path has a domain (RFC 5321 4.1.1.2)",
    "RCPT TO:<abuse>":
        "only postmaster may stand without a domain (RFC 5321 4.5.1)",
}


@pytest.fixture(scope="module")
def route(module_start):
    sink = module_start.sink()
    gateway = module_start.gateway(
        {"in": sink.url}, listener="\tmax_message_size %d" % LIMIT)
    return gateway, sink


def octets(text):
    """\\xHH in the file stands for that octet."""
    return re.sub(rb"\\x([0-9a-f]{2})",
                  lambda m: bytes([int(m.group(1), 16)]), text.encode())


def data_of(send):
    """Steps that the file tells in words."""
    if "larger than the limit" in send:
        return b"Subject: x\r\n\r\n" + (b"y" * 98 + b"\r\n") * 1100 + \
            b".\r\n"
    if send.startswith("a*1004"):
        return b"Subject: x\r\n\r\n" + b"a" * 1004 + b"\r\n.\r\n"
    if send.startswith("a*513"):
        return b"a" * 513 + b"\r\n"
    if send.startswith("a*1000000"):
        return b"a" * 1001001 + b"\r\n"
    return octets(send.replace("<limit+1>", str(LIMIT + 1))) + b"\r\n"


def play(client, steps):
    for step in steps:
        send, code = step["send"], step["code"]
        if "then RST" in send:
            client.send(b"Subject: half a body\r\n\r\nbut no end")
            client.reset()
            return
        if "then close" in send:
            client.send(send.split(" (")[0].encode())
            client.close()
            return
        if send == "FOO x 10":
            client.send(b"FOO\r\n" * 10)
            codes = [r.code for r in client.replies_to_end()]
            assert codes[0] == 500 and set(codes) <= {500, 421}, codes
            return
        client.send(data_of(send))
        reply = client.reply()
        assert reply.code in [int(c) for c in code.split("|")], (
            send, reply)


def test_sessions_of_the_vectors(route, vectors):
    gateway, sink = route
    wrong = []
    for case in read_yaml("smtp-aiosmtpd/sessions.yml")["cases"]:
        sink.clear()
        client = gateway.client()
        try:
            play(client, case["session"])
        except (AssertionError, Closed) as e:
            wrong.append((case["id"], e))
        client.close()
        # The one case that ends a message well is the long line.
        if len(sink.messages) > (case["id"] == "line-late"):
            wrong.append((case["id"], "delivered", sink.messages))
    assert wrong == []
    with gateway.client() as client:
        client.ehlo()


def test_addresses_of_the_vectors(route, vectors):
    gateway, _ = route
    wrong = []
    for case in read_yaml("smtp-haraka/addresses.yml")["cases"]:
        line, expect = case["command"], case["expect"]
        with gateway.client() as client:
            client.ehlo()
            if line.startswith("RCPT"):
                assert client.cmd("MAIL FROM:<a@sender.test>") == 250
            reply = client.cmd(line)
        if line in DIFFERS:
            assert reply.code >= 500, (line, reply)
        elif expect == "accept" and reply != 250 or \
                expect == "refuse" and reply.code < 500:
            wrong.append((line, reply))
        elif reply != 250 and reply.code not in (501, 550, 552, 553, 555):
            wrong.append((line, reply))
    assert wrong == []


def test_every_advertised_extension(route):
    """Nothing is offered that is not there."""
    gateway, sink = route
    sink.clear()
    with gateway.client() as client:
        keywords = client.ehlo()
        assert set(keywords) == {
            "PIPELINING", "SIZE", "8BITMIME", "SMTPUTF8",
            "ENHANCEDSTATUSCODES", "CHUNKING", "DSN", "LIMITS", "PRDR"}
        assert keywords["SIZE"] == str(LIMIT)
        assert "RCPTMAX=1000" in keywords["LIMITS"]
        assert client.cmd(
            "MAIL FROM:<\u00e4@s\u00fc.test> SIZE=50 BODY=8BITMIME SMTPUTF8 "
            "RET=HDRS ENVID=abc") == 250
        assert client.cmd("RCPT TO:<\u00f6@box.test> NOTIFY=FAILURE,DELAY "
                          "ORCPT=rfc822;o@x.test") == 250
        assert client.data("Subject: \u00fc\r\n\r\n".encode()) == 250
    message, = sink.wait(1)
    for part in ("BODY=8BITMIME", "SMTPUTF8", "RET=HDRS", "ENVID=abc"):
        assert part in message.mail_line
    assert "NOTIFY=FAILURE,DELAY" in message.rcpt_lines[0]
    assert "ORCPT=rfc822;o@x.test" in message.rcpt_lines[0]
    head = b" ".join(message.data.partition(b"Subject")[0].split())
    assert b" with UTF8SMTP id " in head
    assert without_trace(message.data) == "Subject: \u00fc\r\n\r\n".encode()


def test_help_vrfy_and_the_obsolete(route):
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("HELP") == 214
        assert client.cmd("VRFY b@box.test") == 252
        for verb in ("EXPN list", "ETRN x.test", "TURN", "SEND FROM:<a@b>"):
            assert client.cmd(verb).code in (500, 502), verb
        assert client.cmd("NOOP") == 250


def test_a_recipient_that_no_route_takes(start):
    """Never an open relay."""
    sink = start.sink()
    gateway = start.gateway(start=False)
    gateway.configure(gateway.text(
        {"in": sink.url},
        routes='route { domains "here.test" backend in }\n'))
    gateway.start()
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<a@here.test>") == 250
        for rcpt in ("b@elsewhere.test", "b%elsewhere.test@x.test",
                     "@here.test:b@elsewhere.test", "b@sub.here.test"):
            reply = client.cmd("RCPT TO:<%s>" % rcpt)
            assert (reply.code, reply.enhanced) == (550, "5.7.1"), rcpt
        assert client.cmd("RCPT TO:<b@HERE.test>") == 250
        assert client.cmd("RCPT TO:<postmaster>") == 250


@pytest.mark.parametrize("code", (450, 451, 550, 552, 553))
def test_rcpt_is_answered_by_the_backend(start, code):
    sink = start.sink()
    text = "%d %d.1.1 said by the backend" % (code, code // 100)
    sink.rcpt_replies["b@box.test"] = text.encode() + b"\r\n"
    gateway = start.gateway({"in": sink.url})
    with gateway.client() as client:
        client.ehlo()
        reply = client.envelope("a@sender.test", "b@box.test")
        assert reply == code
        assert "said by the backend" in reply.text
        assert client.cmd("RCPT TO:<c@box.test>") == 250
        assert client.data(b"Subject: x\r\n\r\n") == 250
    assert sink.wait(1)[0].rcpts == ["c@box.test"]


@pytest.mark.parametrize("verb, code", (
    ("MAIL", 451), ("MAIL", 550), ("DATA", 451), ("DATA", 554),
    (".", 452), (".", 550)))
def test_what_the_backend_says_is_passed_on(start, verb, code):
    sink = start.sink()
    said = b"%d %d.7.0 because\r\n" % (code, code // 100)
    sink.answer = lambda session, v, line: said if v == verb else None
    gateway = start.gateway({"in": sink.url})
    with gateway.client() as client:
        client.ehlo()
        reply = client.mail(b"Subject: x\r\n\r\n")
        assert reply.code == code, reply
        assert client.quit() == 221
    assert sink.messages == []


def test_lmtp_recipients_that_differ(start):
    """Without a memory of deliveries, a mixed outcome is a 451."""
    sink = start.sink(lmtp=True)
    sink.lmtp_replies = {"full@box.test": b"452 4.2.2 full\r\n",
                         "gone@box.test": b"550 5.1.1 gone\r\n"}
    gateway = start.gateway({"in": sink.url})
    text = b"Subject: x\r\n\r\n"
    with gateway.client() as client:
        client.ehlo()
        for rcpts, code in ((["a@box.test", "b@box.test"], 250),
                            (["gone@box.test"], 550),
                            (["full@box.test"], 452),
                            (["a@box.test", "full@box.test"], 451),
                            (["gone@box.test", "a@box.test"], 451)):
            assert client.mail(text, rcpts=rcpts) == code, rcpts
