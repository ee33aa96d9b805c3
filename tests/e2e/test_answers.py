"""What goes wrong gets a clear answer: to the client, to the administrator.

A fault of ours is never a 5yz, and the log says what it was.
"""
import os
import re
import shutil
import socket
import time

import pytest

from kit.client import Client, Closed
from kit.gateway import run
from kit.ports import free_port
from kit.process import wait_until
from kit.sink import CLOSE, HANG

pytestmark = pytest.mark.core

MESSAGE = b"Subject: answers\r\n\r\ntext\r\n"


def deferred(gateway, message=MESSAGE, codes=(451,), **options):
    """The reply, which asks the client to come again."""
    with gateway.client(**options) as client:
        client.ehlo()
        reply = client.mail(message)
        assert reply.code in codes, reply
        assert client.cmd("NOOP") == 250	# and the session goes on
    return reply


# --- backends ---

def test_no_backend_at_all(start):
    """Without a backend there is nothing to accept mail for; the
    configuration check says so, or every recipient is refused."""
    gateway = start.gateway(start=False)
    gateway.configure(gateway.text({}, routes=""))
    checked = gateway.check()
    assert checked.returncode == 1, checked.stdout
    assert "backend" in checked.stdout


def test_backend_refuses_connections(start):
    gateway = start.gateway({"in": "smtp://127.0.0.1:%d" % free_port()})
    reply = deferred(gateway)
    assert reply.enhanced.startswith("4.")
    assert gateway.wait_line("mail done .*why=.*refused")


def test_backend_name_that_does_not_resolve(start):
    gateway = start.gateway({"in": "smtp://nowhere.test:25"})
    deferred(gateway)
    assert gateway.wait_line("mail done .*why=.*nowhere.test")


@pytest.mark.parametrize("verb", (
    "CONNECT", "EHLO", "MAIL", "RCPT", "DATA", "."))
@pytest.mark.parametrize("fault", ("close", "hang", "421", "nonsense"))
def test_backend_fails_at(start, verb, fault):
    """At each step of the dialogue, in each way: 4yz, and the log says
    where."""
    what = {"close": CLOSE, "hang": HANG,
            "421": b"421 4.3.2 going down\r\n",
            "nonsense": b"what?\r\n"}[fault]
    sink = start.sink()
    sink.answer = lambda session, v, line: what if v == verb else None
    gateway = start.gateway(
        {"in": sink.url}, workers=1,
        backend="\tconnect_timeout 2s\n\treply_timeout 2s\n"
                "\tdata_timeout 2s\n\tretry_time 100ms\n"
                "\tprobe_interval 0s")
    deferred(gateway, codes=(421, 450, 451))
    # When it is well again, mail goes through.
    sink.answer = None
    sink.clear()
    time.sleep(0.15)
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert len(sink.wait(1)) == 1


def test_failover_to_the_second_address(start):
    sink = start.sink()
    gateway = start.gateway(start=False)
    gateway.configure(gateway.text({"in": sink.url}).replace(
        'address "smtp://', 'address smtp://127.0.0.1:%d "smtp://' %
        free_port()))
    gateway.start()
    for _ in range(6):
        with gateway.client() as client:
            client.ehlo()
            assert client.mail(MESSAGE) == 250
    sink.wait(6)


def test_backend_comes_back(start):
    port = free_port()
    gateway = start.gateway({"in": "smtp://127.0.0.1:%d" % port},
                            backend="\tretry_time 100ms")
    deferred(gateway)
    sink = start.sink(port=port)

    def delivered():
        with gateway.client() as client:
            client.ehlo()
            return client.mail(MESSAGE) == 250
    wait_until(delivered, what="a delivery")
    sink.wait(1)


# --- our own disk, descriptors, port, certificates ---

@pytest.mark.skipif(os.geteuid() != 0, reason="mounts a small file system")
def test_no_space_for_the_spool(start):
    """The small file system lives in a mount namespace of the gateway's
    own and is gone with it."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, start=False,
                            top="spool_memory 128k")
    gateway.start(prefix=[
        "unshare", "-m", "sh", "-c",
        'mount -t tmpfs -o size=1m,mode=1777 none "$0" && exec "$@"',
        gateway.spool])
    large = b"Subject: large\r\n\r\n" + b"x" * 98 * 20000 + b"\r\n"
    large = large.replace(b"x" * 98, b"x" * 96 + b"\r\n")
    reply = deferred(gateway, large, codes=(452,))
    assert reply.enhanced == "4.3.1"
    assert gateway.wait_line("mail done .*why=.*[Nn]o space")
    # What fits into memory still goes through, and so does the next one
    # that fits onto the disk.
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
        assert client.mail(large[:500000] + b"\r\n") == 250
    sink.wait(2)


def test_spool_folder_that_is_not_there(start):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, start=False)
    shutil.rmtree(gateway.spool)
    with pytest.raises(RuntimeError) as failure:
        gateway.start()
    assert gateway.spool in str(failure.value)
    gateway.process = None


def test_port_in_use(start):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, start=False)
    with socket.socket() as other:
        other.bind(gateway.address)
        other.listen(1)
        with pytest.raises(RuntimeError) as failure:
            gateway.start()
    said = str(failure.value)
    assert "127.0.0.1:%d" % gateway.port in said and "in use" in said
    gateway.process = None


def certificate_lines(pair):
    return '\tcertificate "%s"\n\tkey "%s"' % pair


@pytest.mark.parametrize("what", (
    "missing", "bad", "missing key", "other key", "empty"))
def test_certificate_that_cannot_be_used(start, authority, work, what):
    """check says so with the place; serve does not start."""
    cert, key = authority.issue("gw.e2e.test")
    _, other = authority.issue("other.e2e.test")
    bad = os.path.join(work, "bad.pem")
    with open(bad, "w") as f:
        f.write("" if what == "empty" else "-----BEGIN CERTIFICATE-----\n"
                "bm90aGluZw==\n-----END CERTIFICATE-----\n")
    pair = {"missing": (work + "/nowhere.pem", key), "bad": (bad, key),
            "empty": (bad, key), "missing key": (cert, work + "/no.key"),
            "other key": (cert, other)}[what]
    gateway = start.gateway({"in": "maildir:/tmp/unused"}, start=False,
                            listener=certificate_lines(pair))
    checked = gateway.check()
    assert checked.returncode == 1
    assert re.search(r"forepost\.conf:\d+:\d+: ", checked.stdout)
    named = pair[1] if "key" in what else pair[0]
    assert named in checked.stdout, checked.stdout


def test_expired_certificate(start, authority):
    """The administrator is warned; senders, who do not look at dates,
    are served."""
    pair = authority.issue("past.e2e.test", expired=True)
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, start=False,
                            listener=certificate_lines(pair))
    checked = gateway.check()
    assert checked.returncode == 0, checked.stdout
    assert "expired" in checked.stdout
    gateway.start()
    with gateway.client() as client:
        client.ehlo()
        client.starttls()
        client.ehlo()
        assert client.mail(MESSAGE) == 250


# --- configuration ---

TEN_MISTAKES = """\
hostnam "mx.example.org"
workers many
max_message_size 12Q
listener mx {
	address 127.0.0.1:99999
	tls sometimes
	max_recipients 0
}
backend inside {
	address htp://127.0.0.1:25
	reply_timeout 5 parsecs
}
route { domains "example.org" backend inside }
route { domains "example.net" backend outside }
listener mx { address 127.0.0.1:2525 }
"""


def test_ten_mistakes_are_all_told(work):
    """One run of check tells them all, each with its line and a caret."""
    path = os.path.join(work, "forepost.conf")
    with open(path, "w") as f:
        f.write(TEN_MISTAKES)
    checked = run("check", "--config", path)
    assert checked.returncode == 1
    told = {int(n) for n in re.findall(r"forepost\.conf:(\d+):\d+: ",
                                       checked.stdout)}
    assert {1, 2, 3, 5, 6, 7, 10, 11, 14, 15} <= told, checked.stdout
    assert 'did you mean "hostname"' in checked.stdout
    assert re.search(r"^\s*\^", checked.stdout, re.M)
    # serve says the same and does not start.
    served = run("serve", "--config", path)
    assert served.returncode != 0
    assert "forepost.conf:1:1: " in served.stdout


def test_configuration_that_is_not_there(work):
    path = work + "/nowhere.conf"
    for command in ("check", "serve"):
        ran = run(command, "--config", path)
        assert ran.returncode != 0
        assert path in ran.stdout


def test_reload_with_a_broken_file(start):
    """It changes nothing, and the log says why."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url})
    with open(gateway.conf) as f:
        good = f.read()
    gateway.configure(good + "max_recipient 5\n")
    gateway.reload()
    assert gateway.wait_line(r"max_recipient")
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    gateway.configure(good.replace("gw.e2e.test", "new.e2e.test"))
    gateway.reload()

    def renewed():
        with gateway.client() as client:
            return "new.e2e.test" in client.greeting.text
    wait_until(renewed, what="the new name")


# --- clients that are slow, or leave ---

@pytest.mark.parametrize("at", ("command", "data", "bdat"))
def test_one_octet_at_a_time(start, at):
    """A line has to be whole in command_timeout, and a message comes at
    min_data_rate at least, whatever the pauses."""
    sink = start.sink()
    gateway = start.gateway(
        {"in": sink.url}, listener="\tcommand_timeout 1s\n"
        "\tdata_timeout 1s\n\tmin_data_rate 1000")
    client = gateway.client()
    client.ehlo()
    if at != "command":
        assert client.envelope("a@s.test", "b@box.test") == 250
        if at == "data":
            assert client.cmd("DATA") == 354
        else:
            client.send(b"BDAT 100 LAST\r\n")
    began = time.monotonic()
    try:
        for _ in range(40):
            client.send(b"x")
            time.sleep(0.25)
    except ConnectionError:
        pass
    try:
        assert client.reply() == 421
    except (Closed, ConnectionError):
        pass
    assert time.monotonic() - began < 25
    assert gateway.wait_line("session end .*by=timeout")
    assert sink.messages == []


def test_others_are_served_beside_a_slow_one(start):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, workers=1)
    slow = gateway.client()
    slow.ehlo()
    assert slow.envelope("a@s.test", "b@box.test") == 250
    assert slow.cmd("DATA") == 354
    for n in range(20):
        slow.send(b"x")
        with gateway.client() as client:
            client.ehlo()
            assert client.mail(MESSAGE) == 250
    slow.send(b"\r\n.\r\n")
    assert slow.reply() == 250
    sink.wait(21)


STEPS = (b"", b"EH", b"LO x\r\n", b"MAIL FROM:<a@s.test>\r\n",
         b"RCPT TO:<b@box.test>\r\n", b"DATA\r\n",
         b"Subject: x\r\n\r\nhalf a", b" line\r\n.", b"\r\n")


@pytest.mark.parametrize("rst", (False, True), ids=("fin", "rst"))
def test_client_leaves_at_each_step(start, rst):
    """Nothing is delivered but what was ended; the next one is served."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, workers=1)
    for last in range(len(STEPS)):
        client = gateway.client()
        for step in STEPS[:last + 1]:
            client.send(step)
            if step.endswith(b"\r\n") and step not in STEPS[6:]:
                assert client.reply().code in (250, 354)
        if rst:
            client.reset()
        else:
            client.close()
    ends = gateway.wait_line("session end ", count=len(STEPS))
    assert all("by=client" in e for e in ends[:len(STEPS) - 1]), ends
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    # The last one had sent all of its message: that one may be there.
    def held(part):
        return sum(part in m.data for m in list(sink.messages))
    wait_until(lambda: held(MESSAGE) == 1, what="a message")
    assert held(b"half a line\r\n") == len(sink.messages) - 1 <= 1


def test_client_leaves_without_reading_its_reply(start):
    """The message is the backend's then; the log says what became of it."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url})
    client = gateway.client()
    client.ehlo()
    assert client.envelope("a@s.test", "b@box.test") == 250
    assert client.cmd("DATA") == 354
    client.send(MESSAGE + b".\r\n")
    client.close()
    sink.wait(1)
    assert gateway.wait_line("mail done .*outcome=delivered")


# --- limits ---

def test_limits_have_replies(start):
    sink = start.sink()
    gateway = start.gateway(
        {"in": sink.url}, listener="\tmax_recipients 2\n\tmax_errors 4\n"
        "\tmax_unknown_commands 3\n\tmax_mails 2\n\tmax_header_size 4k\n"
        "\tmax_header_fields 20\n\tmax_received 3\n"
        "\tmax_message_size 100k")
    with gateway.client() as client:
        client.ehlo()
        assert client.envelope("a@s.test", ["b@x.test", "c@x.test"]) == 250
        reply = client.cmd("RCPT TO:<d@x.test>")
        assert (reply.code, reply.enhanced) == (452, "4.5.3")
        assert client.data(MESSAGE) == 250
        assert sink.wait(1)[0].rcpts == ["b@x.test", "c@x.test"]
    with gateway.client() as client:
        client.send(b"FOO\r\nBAR\r\nBAZ\r\nQUX\r\n")
        assert [r.code for r in client.replies_to_end()] == [500, 500, 421]
    with gateway.client() as client:
        client.send(b"MAIL FROM:<a@s.test>\r\n" * 6)
        codes = [r.code for r in client.replies_to_end()]
        assert codes[0] == 503 and codes[-1] == 421 and len(codes) <= 5
    for text, code in (
            (b"X: y\r\n" * 21 + b"\r\n", 554),
            (b"X: " + b"y" * 5000 + b"\r\n\r\n", 552),
            (b"Received: by x; date\r\n" * 4 + b"\r\n", 554),
            (b"Subject: x\r\n\r\n" + b"y\r\n" * 40000, 552)):
        for how in ("DATA", "BDAT"):
            with gateway.client() as client:
                client.ehlo()
                assert client.mail(text, how=how) == code, text[:40]
                assert client.cmd("NOOP") == 250
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
        assert client.mail(MESSAGE) == 250
        assert client.cmd("MAIL FROM:<a@s.test>").code in (421, 452)


def test_too_many_sessions(start):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, workers=1,
                            top="max_sessions 5\nstress_at 100%")
    held = [gateway.client() for _ in range(5)]
    with Client(gateway.address) as client:
        assert client.greeting == 421
        assert client.closed()
    held.pop().quit()

    def served():
        with gateway.client() as client:
            return client.greeting == 220
    wait_until(served, what="a place")
    for client in held:
        assert client.quit() == 221


@pytest.mark.parametrize("line, codes", (
    ("BDAT", (501,)), ("BDAT x", (501,)), ("BDAT -1", (501,)),
    ("BDAT 5 FIRST", (501,)), ("BDAT 99999999999999999999", (501, 552))))
def test_wrong_bdat(start, line, codes):
    """Where a chunk's end is not known, the dialogue cannot go on."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url})
    with gateway.client() as client:
        client.ehlo()
        assert client.envelope("a@s.test", "b@box.test") == 250
        client.send(line.encode() + b"\r\n")
        assert client.reply().code in codes
        assert client.closed()
    assert sink.messages == []


def test_bdat_out_of_order(start):
    """The octets of a chunk are never read as commands."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url})
    with gateway.client() as client:
        client.ehlo()
        client.send(b"BDAT 6 LAST\r\nQUIT\r\n")
        assert client.reply() == 503
        assert client.envelope("a@s.test", "b@box.test") == 250
        client.send(b"BDAT 12\r\nSubject: x\r\n")
        assert client.reply() == 250
        assert client.cmd("DATA") == 503
        assert client.cmd("RCPT TO:<c@box.test>") == 503
        client.send(b"BDAT 2 LAST\r\n\r\n")
        assert client.reply() == 250
    assert sink.wait(1)[0].data.endswith(b"Subject: x\r\n\r\n")
