"""A program that a test starts, and ends by its process id."""
import os
import signal
import socket
import subprocess
import time


def wait_until(condition, seconds=10.0, what="condition"):
    """Polls until `condition()` is true; returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError("waited %g s for %s" % (seconds, what))
        time.sleep(0.01)


def can_connect(address):
    """Whether something listens on (host, port) or a unix socket's path."""
    family = socket.AF_UNIX if isinstance(address, str) else \
        socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as s:
        s.settimeout(1)
        return s.connect_ex(address) == 0


class Process:
    """One child process; all that it prints goes to `log`."""

    def __init__(self, name, argv, log, env=None, cwd=None):
        self.name = name
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                env={**os.environ, **(env or {})}, cwd=cwd)
        self.pid = self.popen.pid

    def alive(self):
        return self.popen.poll() is None

    def wait_listening(self, address, seconds=15):
        def ready():
            if not self.alive():
                raise RuntimeError("%s ended with status %s:\n%s" % (
                    self.name, self.popen.returncode, self.text()))
            return can_connect(address)
        wait_until(ready, seconds, "%s on %s" % (self.name, address))

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, seconds=10):
        return self.popen.wait(seconds)

    def stop(self, seconds=20):
        """SIGTERM, and SIGKILL for one that does not go; exit status."""
        self.signal(signal.SIGTERM)
        try:
            return self.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise

    def kill(self):
        self.signal(signal.SIGKILL)
        return self.wait()

    def children(self):
        """The ids of its child processes."""
        pids = []
        for entry in os.listdir("/proc"):
            if not entry.isdigit():
                continue
            try:
                with open("/proc/%s/stat" % entry) as f:
                    fields = f.read().rpartition(")")[2].split()
            except OSError:
                continue
            if fields[0] != "Z" and int(fields[1]) == self.pid:
                pids.append(int(entry))
        return pids

    def text(self):
        with open(self.log, errors="replace") as f:
            return f.read()
