"""The log at rsyslogd of Debian, and at targets that take nothing."""
import json
import os
import re
import signal
import socket
import subprocess
import threading

import pytest

from kit.process import wait_until
from kit.rsyslog import Rsyslog
from kit.running import admin, deliver, edit, stats

HOSTILE = b"\x1b]0;x\x07\xff\xc2\x9b31m\\\"{}%s%n <22>1 - - - - -"


@pytest.fixture
def rsyslog(work):
    daemon = Rsyslog(work).start()
    yield daemon
    daemon.stop()


def once(gateway):
    with gateway.client() as client:
        assert deliver(client) == 250
        client.cmd("QUIT")


def hostile(gateway):
    """A session whose last words are in the log."""
    with gateway.client() as client:
        assert client.cmd(b"EHLO " + HOSTILE).code >= 500
        client.cmd("QUIT")


def one_line_each(messages):
    for message in messages:
        text = message["text"]
        assert not re.search("[\x00-\x1f\x7f\x80-\x9f]", text), message
        # rsyslog writes #ooo for what it does not let in.
        assert not re.search(r"#[0-3][0-7][0-7]", text), message


@pytest.mark.parametrize("how", ["old", "new", "udp", "tcp"])
@pytest.mark.parametrize("form", ["text", "json"])
def test_rsyslog(gateway, rsyslog, how, form):
    edit(gateway, "log stderr", "log \"%s\"\nlog_format %s" % (
        rsyslog.target(how), form))
    gateway.start()
    once(gateway)
    hostile(gateway)
    wait_until(lambda: rsyslog.has("session end") and
               rsyslog.has("mail done"), what="the lines")
    wait_until(lambda: len([m for m in rsyslog.messages()
                            if "session end" in m["text"]]) == 2,
               what="both ends")
    messages = rsyslog.messages()
    one_line_each(messages)
    workers = {str(pid) for pid in gateway.workers_alive()}
    for message in messages:
        assert message["facility"] == "mail"
        assert message["pid"] in workers | {str(gateway.process.pid)}
        assert message["version"] == ("0" if how == "old" else "1")
        assert re.match(r"\d{4}-\d\d-\d\dT", message["time"])
        text = message["text"].strip()
        if form == "json":
            event = json.loads(text)
            assert event["label"] in ("info", "warn")
            label = event["label"]
        else:
            label, _, _ = text.partition(" ")
        assert message["severity"] == {"info": "6", "warn": "4"}[label]
    if how != "old":
        assert any(re.search(r"\.\d{3}", m["time"]) for m in messages)
    assert stats(gateway)["log_dropped"] == 0


@pytest.mark.parametrize("how", ["old", "new"])
def test_daemon_killed_and_started_again(gateway, rsyslog, how):
    edit(gateway, "log stderr", 'log "%s"' % rsyslog.target(how))
    gateway.start()
    once(gateway)
    rsyslog.kill()
    for _ in range(20):
        once(gateway)
    # What was said meanwhile was kept: both workers find the new one.
    rsyslog.start()

    def ends():
        once(gateway)
        return len([m for m in rsyslog.messages()
                    if "mail done" in m["text"]]) >= 22
    wait_until(ends, what="the lines that were kept")
    assert stats(gateway)["log_dropped"] == 0


class Dull:
    """A syslog socket that nobody reads, until somebody does."""

    def __init__(self, path):
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        self.lines = []

        self.thread = threading.Thread(target=self.run, daemon=True)

    def read(self):
        self.thread.start()

    def run(self):
        while data := self.sock.recv(65536):
            self.lines.append(data.decode())

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)	# else it reads on
        self.thread.join()
        self.sock.close()


def talk_until_dropped(gateway, most=400):
    """Refused recipients, each a line, until lines are dropped; then more
    mail, which must not mind."""
    client = gateway.client(timeout=5)
    client.ehlo()
    batch = b"RSET\r\nMAIL FROM:<a@sender.test>\r\n" + 90 * (
        b"RCPT TO:<%s@nowhere.test>\r\n" % (b"x" * 60))
    for _ in range(most):
        client.send(batch)
        codes = [client.reply().code for _ in range(92)]
        assert codes == [250, 250] + [550] * 90
        if stats(gateway)["log_dropped"] > 0:
            break
    else:
        raise AssertionError("nothing was dropped")
    client.close()
    with gateway.client(timeout=5) as client:
        assert deliver(client) == 250


def talkative(gateway, target):
    edit(gateway, "log stderr", target)
    edit(gateway, "workers 2", "workers 1\nmax_errors 100000")
    edit(gateway, 'domains "*"', 'domains "box.test"')


def test_socket_that_nobody_reads(gateway):
    """Mail goes on; what is dropped is counted, shown by status, and told
    when the daemon reads again."""
    path = gateway.path("dull")
    dull = Dull(path)
    talkative(gateway, 'log "syslog:rfc5424:%s"' % path)
    gateway.start()
    talk_until_dropped(gateway)
    wait_until(lambda: re.search(r"^  log dropped=[1-9]\d* stuck$",
                                 admin(gateway, "status").stdout, re.M),
               what="status to tell")
    dull.read()

    def told():		# without anybody who comes
        return [m for m in list(dull.lines) if "log lines dropped" in m]
    line = wait_until(told, what="the count")[0]
    count = int(re.search(r"count=(\d+)", line).group(1))
    wait_until(lambda: count == stats(gateway)["log_dropped"],
               what="the counter to be the same")
    wait_until(lambda: re.search(r"^  log dropped=%d$" % count,
                                 admin(gateway, "status").stdout, re.M),
               what="status to tell that it is over")
    dull.stop()


def test_worker_that_ends_counts_what_nobody_took(gateway):
    path = gateway.path("dull")
    dull = Dull(path)
    talkative(gateway, 'log "syslog:%s"' % path)
    gateway.start()
    talk_until_dropped(gateway)
    before = stats(gateway)["log_dropped"]
    assert admin(gateway, "reload").returncode == 0
    # Some hundred lines waited, 256 KiB of them.
    wait_until(lambda: stats(gateway)["log_dropped"] > before + 500,
               what="them to be counted")
    # What takes its place has nothing to tell of that.
    dull.read()
    wait_until(lambda: "stuck" not in admin(gateway, "status").stdout,
               what="the log to go on")
    assert not [m for m in list(dull.lines) if "log lines dropped" in m]
    dull.stop()


def test_pipe_that_nobody_reads(gateway):
    talkative(gateway, "log stderr")
    reader, writer = os.pipe()
    process = subprocess.Popen(gateway.command(), stdin=subprocess.DEVNULL,
                               stdout=subprocess.DEVNULL, stderr=writer)
    os.close(writer)
    try:
        wait_until(lambda: admin(gateway, "status").returncode == 0,
                   what="the gateway")
        wait_until(lambda: "state=running" in re.findall(
            "^worker.*", admin(gateway, "status").stdout, re.M)[0],
            what="the worker")
        talk_until_dropped(gateway)
        text = b""
        os.set_blocking(reader, False)

        def told():
            nonlocal text
            with gateway.client() as client:
                client.cmd("QUIT")
            try:
                text += os.read(reader, 1 << 20)
            except BlockingIOError:
                pass
            return b"log lines dropped" in text
        wait_until(told, what="the count")
        # Lines are whole, and each begins with its time.
        for line in text.split(b"\n")[:-1]:
            assert re.match(rb"\d{4}-\d\d-\d\dT\S+Z \w+ \S+ ", line), line
    finally:
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        os.close(reader)


@pytest.fixture
def small_disk(work):
    """A file system with room for a few lines."""
    folder = os.path.join(work, "disk")
    os.makedirs(folder)
    if os.geteuid() != 0 or subprocess.run(
            ["mount", "-t", "tmpfs", "-o", "size=64k,mode=777", "tmpfs",
             folder], stderr=subprocess.DEVNULL).returncode != 0:
        pytest.skip("no file system can be mounted here")
    yield folder
    subprocess.run(["umount", "-l", folder], check=True)


def test_disk_full(gateway, small_disk):
    path = os.path.join(small_disk, "forepost.log")
    talkative(gateway, 'log "%s"' % path)
    gateway.start()
    talk_until_dropped(gateway)
    dropped = stats(gateway)["log_dropped"]
    # Rotated away: there is room again.
    os.truncate(path, 0)

    def told():
        once(gateway)
        with open(path, errors="replace") as f:
            return re.search(r"log lines dropped count=(\d+)", f.read())
    assert int(wait_until(told, what="the count").group(1)) >= dropped
    with open(path) as f:
        lines = f.read().split("\n")
    # Half a line may be left of what was cut, and nothing joined to it.
    assert all(re.match(r"\d{4}-\d\d-\d\dT\S+Z \w+ \S+ ", line)
               for line in lines[1:-1])


def test_file_deleted(gateway):
    """Lines go on into the file that has no name any more, until SIGUSR1
    makes a new one."""
    path = gateway.path("forepost.log")
    edit(gateway, "log stderr", 'log "%s"' % path)
    gateway.start()
    once(gateway)
    os.unlink(path)
    once(gateway)
    assert not os.path.exists(path)
    gateway.process.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(path), what="a new file")

    def logged():
        once(gateway)
        with open(path) as f:
            return "mail done" in f.read()
    wait_until(logged, what="lines in it")
    assert stats(gateway)["log_dropped"] == 0
