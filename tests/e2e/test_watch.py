"""`stats --watch` in a terminal and without one; `drain --wait`."""
import fcntl
import os
import pty
import re
import select
import signal
import struct
import subprocess
import termios
import time

import pytest

from kit.gateway import binary
from kit.process import PATIENCE, wait_until
from kit.running import begin_mail, deliver, MAIL

CURSOR = re.compile(rb"\x1b\[[0-9;?]*[A-Za-z]")


class Terminal:
    """The program on a terminal of its own."""

    def __init__(self, gateway, *words, lines=24, columns=80):
        argv = [binary(), *words, "--config", gateway.conf]
        self.pid, self.fd = pty.fork()
        if self.pid == 0:
            # The size has to be there before the first page.
            fcntl.ioctl(0, termios.TIOCSWINSZ,
                        struct.pack("HHHH", lines, columns, 0, 0))
            os.execv(argv[0], argv)
        self.out = b""
        self.status = None

    def read(self):
        while select.select([self.fd], [], [], 0.05)[0]:
            try:
                piece = os.read(self.fd, 65536)
            except OSError:
                return
            self.out += piece

    def pages(self):
        self.read()
        return [CURSOR.sub(b"", page).replace(b"\r", b"").decode()
                for page in self.out.split(b"\x1b[H")[1:]]

    def wait(self, pattern, seconds=PATIENCE):
        return wait_until(lambda: self.pages() and re.search(
            pattern, self.pages()[-1], re.M), seconds, pattern)

    def size(self, lines, columns):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ,
                    struct.pack("HHHH", lines, columns, 0, 0))
        os.kill(self.pid, signal.SIGWINCH)

    def flags(self):
        return termios.tcgetattr(self.fd)[3]

    def end(self, what):
        if isinstance(what, bytes):
            os.write(self.fd, what)
        else:
            os.kill(self.pid, what)
        deadline = time.monotonic() + PATIENCE
        while os.waitpid(self.pid, os.WNOHANG) == (0, 0):
            self.read()
            assert time.monotonic() < deadline
        self.read()


@pytest.mark.parametrize("end", [b"q", b"\x03", signal.SIGTERM],
                         ids=["q", "control-c", "SIGTERM"])
def test_terminal(gateway, end, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    gateway.start()
    terminal = Terminal(gateway, "stats", "--watch")
    terminal.wait("^forepost .*running")
    for _ in range(5):
        assert deliver(gateway.client()) == 250
    terminal.wait(r"^delivered +[0-9.]+ +5 ")
    terminal.wait(r"^ALL WELL")
    for page in terminal.pages():
        lines = page.split("\n")
        assert len(lines) <= 24
        assert [line for line in lines if len(line) > 80] == []
        assert not re.search("[\x00-\x09\x0b\x0c\x0e-\x1f\x7f]", page)
    terminal.size(12, 50)

    def fits():
        lines = terminal.pages()[-1].split("\n")
        return len(lines) <= 12 and max(map(len, lines)) <= 50
    wait_until(fits, what="a page of that size")
    assert not terminal.flags() & termios.ECHO
    terminal.end(end)
    assert terminal.out.rstrip().endswith(b"\x1b[?25h\x1b[?1049l")


def test_gone_and_back(gateway, monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    gateway.start()
    terminal = Terminal(gateway, "stats", "--watch")
    terminal.wait("^forepost .*running")
    gateway.stop()
    terminal.wait("^the gateway is gone: control socket .*running")
    gateway.start()
    wait_until(lambda: not terminal.pages()[-1].startswith("the gateway"),
               what="it to be back")
    terminal.end(b"q")


def test_without_a_terminal(gateway):
    gateway.start()
    process = subprocess.Popen(
        [binary(), "stats", "--watch", "--config", gateway.conf],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    lines = [process.stdout.readline() for _ in range(2)]
    for line in lines:
        assert re.match(r"\S+Z state=running sessions=\d+ sessions/s=", line)
        assert "\x1b" not in line
    gateway.stop()
    while not line.startswith("the gateway is gone: "):
        line = process.stdout.readline()
        assert line
    # Nobody reads any more: it ends.
    process.stdout.close()
    assert process.wait(PATIENCE) == 0


@pytest.mark.parametrize("environ, seen, unseen", [
    ({"TERM": "xterm", "NO_COLOR": "1"}, b"\x1b[H", b"\x1b[1m"),
    ({"TERM": "xterm", "NO_COLOR": ""}, b"\x1b[1m", b"\x1b[31m"),
    ({"TERM": "dumb"}, b" state=running ", b"\x1b"),
    ({"TERM": ""}, b" state=running ", b"\x1b"),
], ids=["no colour", "colour", "dumb", "none"])
def test_what_the_terminal_can(gateway, monkeypatch, environ, seen, unseen):
    for name, value in environ.items():
        monkeypatch.setenv(name, value)
    gateway.start()
    terminal = Terminal(gateway, "stats", "--watch")

    def shown():
        terminal.read()
        return seen in terminal.out

    wait_until(shown, what="a page, or a line")
    terminal.end(b"q")
    assert unseen not in terminal.out


@pytest.mark.parametrize("words", [
    ("stats",), ("stats", "--json"), ("stats", "--list"), ("status",),
    ("stats", "--watch"), ("dump",), ("help",)], ids=" ".join)
def test_output_that_cannot_be_written(gateway, words):
    gateway.start()
    conf = ["--config", gateway.conf] if words[0] != "help" else []
    with open("/dev/full", "w", encoding="ascii") as full:
        done = subprocess.run([binary(), *words, *conf], stdout=full,
                              stderr=subprocess.PIPE, text=True, timeout=30)
    assert done.returncode == 3, done.stderr
    assert done.stderr.startswith("forepost: standard output: ")


def test_no_gateway(gateway):
    done = subprocess.run(
        [binary(), "stats", "--watch", "--config", gateway.conf],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    assert done.returncode == 3 and "is Forepost running?" in done.stdout


def test_drain_and_wait(gateway):
    gateway.start()
    clients = [begin_mail(gateway.client()) for _ in range(2)]
    process = subprocess.Popen(
        [binary(), "drain", "--wait", "--config", gateway.conf],
        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "draining, sessions open: 2\n"
    for client in clients:
        assert client.data(MAIL) == 250
    clients[0].quit()
    assert process.stdout.readline() == "draining, sessions open: 1\n"
    clients[1].quit()
    rest = process.stdout.read()
    assert rest in ("the gateway has ended\n", "draining, sessions open: 0\n"
                    "the gateway has ended\n")
    assert process.wait(PATIENCE) == 0
    assert gateway.process.wait() == 0
    gateway.process = None
