"""What rules know of a session, as it goes on: TLS, another HELO, another
client behind a proxy, the next mail."""
import pytest

from kit.client import Client
from kit.ruled import MESSAGE, Swaks, client_at, proxy_line, ruled

pytestmark = pytest.mark.core


def seen(sink, name=b"X-Seen"):
    """The field that the rules added to the last message."""
    head = sink.messages[-1].data.partition(b"\r\n\r\n")[0]
    values = [line.partition(b": ")[2] for line in head.split(b"\r\n")
              if line.startswith(name + b":")]
    return values[0].decode() if values else None


def test_tls(start, authority):
    """Asked for by a rule: swaks is taken with it and refused without."""
    sink = start.sink()
    cert, key = authority.issue("gw.e2e.test")
    gateway = ruled(start, """
on helo { tag old when client.tls and tls.version is "TLSv1.2" }
on mail {
	clear: reject 530 5.7.0 "{helo.name}: TLS first" when not client.tls
}
on message {
	add header "X-Seen" "{tls.version} old"   when tagged "old"
	add header "X-Seen" "{tls.version}"   when not tagged "old"
}
""", {"in": sink.url}, listener='\tcertificate "%s"\n\tkey "%s"\n' % (
        cert, key))
    ran = Swaks(gateway, "192.0.2.1")
    assert ran.status == 24
    assert ran.reply("RCPT") == "530 5.7.0 swaks.test: TLS first [%s]" % \
        ran.ident()
    for arguments, want in ((["--tls"], "TLSv1.3"), (
            ["--tls", "--tls-protocol", "tlsv1_2"], "TLSv1.2 old")):
        ran = Swaks(gateway, "192.0.2.2", *arguments)
        assert ran.status == 0, ran.text
        assert seen(sink) == want


def test_another_helo_is_judged_anew(start):
    sink = start.sink()
    gateway = ruled(start, """
on connect { first: score 1 }
on helo {
	bad: score 5 when helo.name is "bad.test"
	tag bad when helo.name is "bad.test"
	never: reject "never {helo.name}" when helo.name is "never.test"
}
on rcpt { no: reject "a bad one" when tagged "bad" }
on message { add header "X-Seen" "{score} {scores} {helo.name} {helo.kind}" }
""", {"in": sink.url}, workers=1)
    for at_once in (False, True):
        with client_at(gateway, "192.0.2.1", at_once) as client:
            client.ehlo("bad.test")
            assert client.envelope("a@sender.test", "b@box.test") == 550
            client.ehlo("good.test")
            assert client.mail(MESSAGE) == 250
            assert seen(sink) == "1 first good.test ehlo"
            refused = client.cmd("EHLO never.test")
            assert refused == (550 if at_once else 250)
            assert client.envelope("a@sender.test", "b@box.test") == (
                503 if at_once else 550)
            assert client.cmd("HELO good.test") == 250
            assert client.mail(MESSAGE) == 250
            assert seen(sink) == "1 first good.test helo"
            client.quit()


def test_each_mail_begins_with_what_the_session_gave(start):
    """Scores and tags of a mail, and trust in its sender, end with it."""
    sink = start.sink()
    gateway = ruled(start, """
on connect { first: score 1 }
on mail {
	trust when sender.local is "friend"
	bad: score 5 when sender.local is "bad"
	tag bad when sender.local is "bad"
}
on message {
	spam: reject "spam" when tagged "bad" and score > 5
	add header "X-Seen" "{score} {scores} {rcpt.count}"
}
""", {"in": sink.url}, workers=1)
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        for _ in range(2):
            assert client.mail(MESSAGE, "a@sender.test") == 250
            assert seen(sink) == "1 first 1"
            assert client.mail(MESSAGE, "bad@sender.test") == 550
            assert client.cmd("MAIL FROM:<bad@sender.test>") == 250
            assert client.cmd("RSET") == 250
            assert client.mail(MESSAGE, "friend@sender.test",
                               ["b@box.test", "c@box.test"]) == 250
            assert seen(sink) is None
        client.quit()


def test_who_speaks_early(start):
    """With a rule that refuses for it, and one further on that scores."""
    sink = start.sink()
    gateway = ruled(start, """
on connect {
	early: reject 554 5.5.1 "You spoke before the greeting"
		when client.early-talker and client.ip is 192.0.2.1
	spoke: score 4 when client.early-talker
}
on message { add header "X-Seen" "{scores} {client.early-talker}" }
""", {"in": sink.url}, listener="\tgreeting_delay 300ms\n")
    early = {}
    for address in ("192.0.2.1", "192.0.2.2"):
        header = b"PROXY %s\r\n" % proxy_line(address).encode()
        with Client(gateway.at_once, greet=False) as client:
            client.send(header + b"EHLO hasty.test\r\n")
            early[address] = client.line()
            if early[address].startswith("220"):
                assert client.reply() == 250
                assert client.mail(MESSAGE) == 250
                client.quit()
    assert early["192.0.2.1"].startswith(
        "554 You spoke before the greeting [")
    assert early["192.0.2.2"].startswith("220 ")
    assert seen(sink) == "spoke yes"
    gateway.wait_line("session end client=192.0.2.1 .*rule=early "
                      "action=reject .*early-talker=yes")
    with client_at(gateway, "192.0.2.1") as client:	# who waits
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert seen(sink) == "none no"


# --- behind a proxy that says XCLIENT ---

XCLIENT_RULES = """
on connect {
	proxy: reject "nothing from the proxy" when client.ip is 127.0.0.1
	bye:   disconnect 521 5.3.2 "Bye, {client.ip}" when client.ip is 192.0.2.1
	no:    reject "No, {client.ip}" when client.ip is 192.0.2.2
	trust when client.ip is 192.0.2.3
}
on rcpt { seen: reject "untrusted {client.ip} {client.port} {client.name}" }
"""


@pytest.fixture(scope="module")
def xclient(module_start):
    """A gateway whose clients are told by XCLIENT, and its backend."""
    sink = module_start.sink()
    gateway = ruled(module_start, XCLIENT_RULES, {"in": sink.url}, workers=1,
                    listener="\txclient 192.0.2.200\n")
    return gateway, sink


def told(gateway, attributes, at_once=False):
    """A client of the proxy, which says so after its own greeting, and the
    reply to that."""
    client = client_at(gateway, "192.0.2.200", at_once)
    assert client.greeting == 220
    client.ehlo("proxy.test")
    return client, client.cmd("XCLIENT " + attributes)


@pytest.mark.parametrize("at_once", (False, True), ids=("rcpt", "connect"))
def test_xclient_is_a_new_client(xclient, at_once):
    gateway, sink = xclient
    sink.clear()
    client, reply = told(gateway, "ADDR=192.0.2.1", at_once)
    assert reply == 521 and reply.text.startswith("Bye, 192.0.2.1 [")
    assert client.closed()

    client, reply = told(gateway, "ADDR=192.0.2.2", at_once)
    assert reply == (554 if at_once else 220)
    if not at_once:
        client.ehlo()
        reply = client.envelope("a@sender.test", "b@box.test")
    assert "No, 192.0.2.2 [" in reply.text
    assert client.quit() == 221

    client, reply = told(gateway, "ADDR=192.0.2.3", at_once)
    assert reply == 220
    client.ehlo()
    assert client.mail(MESSAGE) == 250
    # Trust was in that client, not in the next one.
    assert client.cmd("XCLIENT ADDR=192.0.2.4 PORT=99 "
                      "NAME=mail.x.test") == 220
    client.ehlo()
    assert client.envelope("a@sender.test", "b@box.test").text.startswith(
        "5.7.1 untrusted 192.0.2.4 99 mail.x.test [")
    assert client.quit() == 221
    sink.wait(1)


def test_a_proxy_that_speaks_for_itself(xclient):
    """Is a client like others, judged where it says what it wants."""
    gateway, _ = xclient
    with client_at(gateway, "192.0.2.200") as client:
        assert client.greeting == 220
        client.ehlo()
        assert "untrusted 192.0.2.200 " in client.envelope(
            "a@sender.test", "b@box.test").text


# --- what is counted ---

def test_what_is_counted_of_a_session(start):
    sink = start.sink()
    gateway = ruled(start, """
on rcpt {
	many: disconnect 421 4.7.0 "Too many errors: {client.errors}"
		when client.errors >= 3
}
on message {
	add header "X-Seen" "{client.errors} {client.network.sessions} {listener}"
	add header "X-Size" "{message.declared-size} {message.size}"
}
""", {"in": sink.url}, workers=1)
    with client_at(gateway, "192.0.2.1") as client, \
            client_at(gateway, "192.0.2.9", at_once=True) as other:
        client.ehlo()
        other.ehlo()
        assert client.cmd("NONSENSE") == 500
        assert client.mail(MESSAGE, params=" SIZE=1000") == 250
        assert seen(sink) == "1 1 mx"
        assert seen(sink, b"X-Size").split()[0] == "1000"
        assert other.mail(MESSAGE) == 250
        assert seen(sink) == "0 2 now"
        assert seen(sink, b"X-Size").split()[0] == "none"
        for _ in range(3):
            assert client.cmd("NONSENSE") == 500
        assert client.cmd("MAIL FROM:<a@sender.test>") == 250
        reply = client.cmd("RCPT TO:<b@box.test>")
        assert reply.text.startswith("4.7.0 Too many errors: 3 [")
        assert client.closed()
        other.quit()


def test_replies_that_wait_do_not_outlast_the_gateway(start):
    """It stops within its time; a mail whose reply waits was not taken."""
    sink = start.sink()
    gateway = ruled(start, """
on connect { delay 90s when client.ip is 192.0.2.1 }
on message { delay 90s }
""", {"in": sink.url}, workers=1, top="stop_timeout 1s\n")
    with client_at(gateway, "192.0.2.1", greet=False) as early, \
            client_at(gateway, "192.0.2.2") as client:
        client.ehlo()
        assert client.envelope("a@sender.test", "b@box.test") == 250
        assert client.cmd("DATA") == 354
        client.send(b"Subject: x\r\n\r\n.\r\n")
        gateway.stop()
        for which in (early, client):
            assert [r.code for r in which.replies_to_end()] in ([], [421])
    assert sink.messages == []
