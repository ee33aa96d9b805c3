"""The log as programs read it: lines of JSON, and syslog over the network."""
import json
import re
import socket
import threading

import pytest

from kit.ports import free_port
from kit.process import wait_until
from kit.running import MAIL, admin, deliver, edit, stats

SENDER = '"\\"},{\\"event\\":1 \\\\ \u00fc"@sender.test'


def once(pairs):
    """An object none of whose names comes twice."""
    members = dict(pairs)
    assert len(members) == len(pairs), pairs
    return members


def objects(path):
    with open(path, "rb") as f:
        text = f.read()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", text)
    text = text.decode("utf-8", "strict")
    assert not re.search("[\x80-\x9f]", text)
    assert text.endswith("\n") or text == ""
    return [json.loads(line, object_pairs_hook=once)
            for line in text.split("\n")[:-1]]


def of(lines, event):
    return [line for line in lines if line["event"] == event]


@pytest.mark.core
def test_json(gateway):
    log = gateway.path("forepost.log")
    edit(gateway, "log stderr", 'log "%s"\nlog_format json' % log)
    gateway.start()
    client = gateway.client()
    client.ehlo()
    assert client.mail(MAIL, SENDER, params=" SMTPUTF8") == 250
    answer = client.cmd(b"FOO \x1b[2J\xff")
    assert answer.code == 500
    client.quit()
    wait_until(lambda: of(objects(log), "session end"), what="the session")
    lines = objects(log)
    for line in lines:
        assert list(line)[:2] == ["time", "label"]
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z",
                            line["time"])
        assert line["label"] in ("info", "warn"), line
    (mail,) = of(lines, "mail done")
    assert mail["outcome"] == "delivered"
    assert (mail["id"], mail["rcpts"], mail["client"]) == (1, 1, "127.0.0.1")
    assert mail["from"] == "<%s>" % SENDER
    assert type(mail["ms"]) is int and mail["reply"].startswith("250 ")
    (end,) = of(lines, "session end")
    assert end["session"] == mail["session"]
    assert "[%s]" % end["session"] in answer.text
    assert "500" in end["last-error"] and end["errors"] == 1


def test_json_of_supervisor_and_reload(gateway):
    log = gateway.path("forepost.log")
    edit(gateway, "log stderr", 'log "%s"\nlog_format json' % log)
    gateway.start()
    edit(gateway, "log_format json", "log_format text")
    answer = admin(gateway, "reload")
    assert answer.returncode == 0
    waits = '"log_format" changes with the next start'
    assert waits in answer.stdout
    # What it is compared with is what is in effect, not what was in the file.
    assert waits in admin(gateway, "reload").stdout
    edit(gateway, "log_format text", "log_format json")
    assert waits not in admin(gateway, "reload").stdout
    with gateway.client() as client:
        assert deliver(client) == 250
    gateway.stop()
    lines = objects(log)	# as it says: at the next start, not before
    assert of(lines, "stopped") and of(lines, "mail done")
    assert all("session" in line for line in of(lines, "mail done"))
    assert not any("session" in line for line in of(lines, "stopped"))


# --- syslog over the network ---

class Daemon:
    """Takes messages of RFC 5424, by UDP or by TCP with their lengths."""

    def __init__(self, kind, port):
        self.messages = []
        self.broken = []
        self.open = []
        self.sock = socket.socket(socket.AF_INET, kind)
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self.sock.bind(("127.0.0.1", port))
        if kind == socket.SOCK_STREAM:
            self.sock.listen(20)
        threading.Thread(daemon=True, target=self.accept if
                         kind == socket.SOCK_STREAM else self.receive).start()

    def receive(self):
        while True:
            try:
                data = self.sock.recv(65536)
            except OSError:
                return
            if not data:		# shut down
                return
            self.messages.append(data.decode())

    def accept(self):
        while True:
            try:
                conn = self.sock.accept()[0]
            except OSError:
                return
            self.open.append(conn)
            threading.Thread(daemon=True, target=self.read,
                             args=(conn,)).start()

    def read(self, conn):
        try:
            with conn.makefile("rb") as f:
                while True:
                    length = b""
                    while not length.endswith(b" "):
                        octet = f.read(1)
                        if not octet:
                            return
                        length += octet
                    text = f.read(int(length))
                    if len(text) == int(length):
                        self.messages.append(text.decode())
        except ValueError as e:
            self.broken.append(e)
        except OSError:
            pass

    def close(self):
        # A thread that waits in accept or recv would keep the port.
        for sock in [self.sock] + self.open:
            try:
                sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            sock.close()

    def has(self, text):
        return any(text in m for m in list(self.messages))


HEADER = re.compile(r"<(1[89]|2[0-3])>1 \d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                    r"[!-~]+ forepost \d+ - - (info|warn|error) ")


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM],
                         ids=["udp", "tcp"])
def test_syslog_over_the_network(gateway, kind):
    port = free_port()
    how = "tcp" if kind == socket.SOCK_STREAM else "udp"
    edit(gateway, "log stderr", "log syslog:%s://127.0.0.1:%d" % (how, port))
    daemon = Daemon(kind, port)
    gateway.start()
    for _ in range(10):
        client = gateway.client()
        assert deliver(client) == 250
        client.quit()
    wait_until(lambda: len([m for m in list(daemon.messages)
                            if " session end " in m]) >= 10,
               what="the ends of ten sessions")
    for message in list(daemon.messages):
        assert HEADER.match(message), message
        assert "\n" not in message
    # The daemon is away for a while: workers look for it from within their
    # sandbox, and mail goes on.
    daemon.close()
    for _ in range(5):
        assert deliver(gateway.client()) == 250
    daemon2 = Daemon(kind, port)

    def mails():
        assert deliver(gateway.client()) == 250
        return daemon2.has(" mail done ")
    wait_until(mails, what="a line for the new daemon")
    assert not daemon.broken and not daemon2.broken
    assert stats(gateway)["log_dropped"] == 0
    daemon2.close()


def test_syslog_that_does_not_read(gateway):
    with socket.socket() as daemon:
        daemon.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        daemon.bind(("127.0.0.1", 0))
        daemon.listen(20)
        edit(gateway, "log stderr", "log syslog:tcp://127.0.0.1:%d" %
             daemon.getsockname()[1])
        edit(gateway, "workers 2", "workers 1\nmax_errors 100000")
        edit(gateway, 'domains "*"', 'domains "box.test"')
        gateway.start()
        # Each refused recipient is a line; the kernel takes some megabytes.
        client = gateway.client()
        client.ehlo()
        batch = b"RSET\r\nMAIL FROM:<a@sender.test>\r\n" + 90 * (
            b"RCPT TO:<%s@nowhere.test>\r\n" % (b"x" * 60))
        dropped = 0
        for _ in range(1000):
            client.send(batch)
            codes = [client.reply().code for _ in range(92)]
            assert codes == [250, 250] + [550] * 90
            dropped = stats(gateway)["log_dropped"]
            if dropped > 0:
                break
        client.close()
        assert dropped > 0
        with gateway.client() as client:
            assert deliver(client) == 250
