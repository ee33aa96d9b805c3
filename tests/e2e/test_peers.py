"""Real peers: swaks, smtp-source and Postfix as clients; Postfix, Exim,
Dovecot and Maildir as backends. Each started here, on a port of its own."""
import re
import subprocess

import pytest

from kit.client import Client
from kit.process import wait_until
from kit.sink import CHUNKING

MESSAGE = (b"From: <a@sender.test>\r\nTo: <b@box.test>\r\n"
           b"Message-Id: <%s@sender.test>\r\n"
           b"Date: Sun, 22 Nov 2026 01:00:00 +0000\r\nSubject: peers\r\n"
           b"\r\n.leading dot\r\n..\r\ntext \xc3\xa4\r\n\r\nlast\r\n")


def our_part(stored, message):
    """What is stored holds our Received field, and right under it the
    message, octet for octet."""
    m = re.search(rb"Received: from \S+ \([^\r]*\)\r\n(?:[ \t][^\r]*\r\n)*?"
                  rb"[ \t]by gw\.e2e\.test \(Forepost\)[^\r]*\r\n"
                  rb"(?:[ \t][^\r]*\r\n)*", stored)
    assert m, stored
    rest = stored[m.end():]
    assert rest == message, rest
    return m.group(0)


def through(gateway, stored, ident, how="DATA"):
    """One message by hand, and as it was stored."""
    message = MESSAGE % ident
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(message, how=how, params=" BODY=8BITMIME") == 250
        client.quit()
    return our_part(stored(b"<%s@sender.test>" % ident), message)


# --- backends ---

@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_postfix_as_backend(start, how):
    postfix = start.postfix()
    gateway = start.gateway({"in": postfix.url})
    through(gateway, postfix.wait, b"postfix", how)
    # Its own word on an unknown recipient is what the client is told.
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<a@sender.test>") == 250
        reply = client.cmd("RCPT TO:<no such@box.test>")
        assert reply.code == 501 or reply.code == 553, reply


@pytest.mark.parametrize("how", ("DATA", "BDAT"))
def test_exim_as_backend(start, how):
    exim = start.exim()
    gateway = start.gateway({"in": exim.url})
    through(gateway, exim.wait, b"exim", how)


@pytest.mark.parametrize("unix", (False, True), ids=("tcp", "unix"))
def test_dovecot_as_backend(start, unix):
    dovecot = start.dovecot()
    gateway = start.gateway({"in": dovecot.url(unix)})
    through(gateway, dovecot.wait, b"dovecot", "DATA")
    through(gateway, dovecot.wait, b"dovecot2", "BDAT")
    # One mail, several mailboxes: LMTP answers for each.
    with gateway.client() as client:
        client.ehlo()
        reply = client.mail(MESSAGE % b"three", rcpts=[
            "x@box.test", "y@box.test", "z@box.test"])
        assert reply == 250
    wait_until(lambda: sum(b"<three@" in m for m in dovecot.delivered()) == 3,
               what="three copies")


def test_maildir_as_backend(start):
    gateway = start.gateway({"in": "maildir:unused"}, start=False)
    folder = gateway.own_folder("Maildir")
    gateway.configure(gateway.text({"in": "maildir:" + folder}))
    gateway.start()

    import glob

    def stored(marker):
        for name in glob.glob(folder + "/new/*"):
            with open(name, "rb") as f:
                data = f.read()
            if marker in data:
                return data
        raise AssertionError("not there")
    received = through(gateway, stored, b"maildir")
    assert b"for <b@box.test>;" in received
    assert glob.glob(folder + "/tmp/*") == []


# --- clients ---

def swaks(gateway, *arguments):
    return subprocess.run(
        ["swaks", "--server", "127.0.0.1:%d" % gateway.port, "--helo",
         "swaks.test", "--from", "a@sender.test", "--to", "b@box.test",
         "--header", "Subject: by swaks", *arguments],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT, timeout=60, text=True)


@pytest.mark.core
@pytest.mark.parametrize("arguments, protocol", (
    (["--protocol", "SMTP"], "SMTP"), ([], "ESMTP"),
    (["--pipeline"], "ESMTP"), (["--tls"], "ESMTPS"),
    (["--tls", "--tls-protocol", "tlsv1_2"], "ESMTPS"),
    (["--tls", "--pipeline"], "ESMTPS"),
    (["--attach", "@/bin/true"], "ESMTP")),
    ids=("plain-helo", "plain", "pipeline", "starttls", "tls12",
         "starttls-pipeline", "attachment"))
def test_swaks(start, authority, arguments, protocol):
    sink = start.sink(CHUNKING)
    cert, key = authority.issue("gw.e2e.test")
    gateway = start.gateway(
        {"in": sink.url},
        listener='\tcertificate "%s"\n\tkey "%s"' % (cert, key))
    ran = swaks(gateway, *arguments)
    assert ran.returncode == 0, ran.stdout
    message, = sink.wait(1)
    assert b"\r\nSubject: by swaks\r\n" in message.data
    head = " ".join(message.data.partition(b"\r\n\r\n")[0].decode().split())
    assert "from swaks.test " in head
    assert " with %s id " % protocol in head, head


def test_swaks_is_told_the_backends_refusal(start):
    sink = start.sink()
    sink.rcpt_replies["b@box.test"] = b"550 5.1.1 nobody of that name\r\n"
    gateway = start.gateway({"in": sink.url})
    ran = swaks(gateway)
    assert ran.returncode == 24, ran.stdout		# no recipient taken
    assert "550 5.1.1 nobody of that name" in ran.stdout


@pytest.mark.parametrize("size", (100, 4096, 300000))
def test_smtp_source(start, size):
    """Postfix's load generator, 20 sessions at a time."""
    count = 20 if size > 100000 else 200
    postfix = start.postfix(run=False)
    sink = start.sink()
    gateway = start.gateway({"in": sink.url})
    ran = postfix.smtp_source(
        "-s", "20", "-m", str(count), "-l", str(size), "-f",
        "a@sender.test", "-t", "b@box.test",
        "127.0.0.1:%d" % gateway.port)
    assert ran.returncode == 0, ran.stdout
    messages = sink.wait(count, 30)
    assert all(len(m.data) >= size for m in messages)


def test_smtp_source_on_kept_connections(start):
    postfix = start.postfix(run=False)
    sink = start.sink()
    gateway = start.gateway({"in": sink.url})
    ran = postfix.smtp_source(
        "-d", "-s", "10", "-m", "300", "-l", "1000", "-f", "a@sender.test",
        "-t", "b@box.test", "127.0.0.1:%d" % gateway.port)
    assert ran.returncode == 0, ran.stdout
    sink.wait(300, 30)


@pytest.mark.parametrize("tls", (None, "encrypt"), ids=("clear", "tls"))
def test_postfix_as_client(start, authority, tls):
    sink = start.sink(CHUNKING)
    cert, key = authority.issue("gw.e2e.test")
    gateway = start.gateway(
        {"in": sink.url},
        listener='\tcertificate "%s"\n\tkey "%s"' % (cert, key))
    postfix = start.postfix(relayhost="[127.0.0.1]:%d" % gateway.port,
                            tls=tls)
    message = MESSAGE % b"relayed"
    with Client(postfix.port) as client:
        client.ehlo()
        for n in range(10):
            assert client.mail(message, rcpts="u%d@far.test" % n,
                               params=" BODY=8BITMIME") == 250
    for got in sink.wait(10, 30):
        assert got.data.endswith(message)
        head = " ".join(got.data[:600].decode("latin1").split())
        assert "from postfix.e2e.test " in head
        assert (" with ESMTPS " if tls else " with ESMTP ") in head


def test_postfix_keeps_a_mail_that_was_deferred(start):
    """The backend is down, then comes back: Postfix's retry delivers."""
    sink = start.sink()
    down = [True]
    sink.answer = lambda session, verb, line: (
        b"451 4.3.0 not now\r\n" if verb == "." and down[0] else None)
    gateway = start.gateway({"in": sink.url},
                            backend="\tretry_time 100ms")
    postfix = start.postfix(relayhost="[127.0.0.1]:%d" % gateway.port)
    with Client(postfix.port) as client:
        client.ehlo()
        assert client.mail(MESSAGE % b"later", rcpts="u@far.test",
                           params=" BODY=8BITMIME") == 250
    gateway.wait_line("mail done .*outcome=deferred")
    assert sink.messages == []
    down[0] = False
    assert sink.wait(1, 40)[0].data.endswith(MESSAGE % b"later")


def test_from_postfix_to_exim(start):
    """The whole way: Postfix, the gateway, Exim."""
    exim = start.exim()
    gateway = start.gateway({"in": exim.url})
    postfix = start.postfix(relayhost="[127.0.0.1]:%d" % gateway.port)
    message = MESSAGE % b"whole"
    with Client(postfix.port) as client:
        client.ehlo()
        assert client.mail(message, rcpts="b@far.test",
                           params=" BODY=8BITMIME") == 250
    stored = exim.wait(b"<whole@sender.test>", 40)
    assert stored.endswith(message)
    assert stored.index(b"exim.e2e.test") < stored.index(b"gw.e2e.test") \
        < stored.rindex(b"postfix.e2e.test")
