"""A program that a test starts, and ends by its process id."""
import os
import signal
import socket
import subprocess
import time

# How long for what comes at once, or for a start, on a machine that has much
# else to do.
PATIENCE, START_SECONDS = 30, 60


def wait_until(condition, seconds=PATIENCE, what="condition"):
    """Polls until `condition()` is true; returns its value."""
    deadline = time.monotonic() + seconds
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise TimeoutError("waited %g s for %s" % (seconds, what))
        time.sleep(0.01)


def connected(address, seconds=5):
    """A socket connected to (host, port) or to a unix socket's path."""
    family = socket.AF_UNIX if isinstance(address, str) else \
        socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    s = socket.socket(family)
    s.settimeout(seconds)
    try:
        s.connect(address)
    except OSError:
        s.close()
        raise
    return s


def can_connect(address):
    """Whether something listens there."""
    try:
        connected(address).close()
    except OSError:
        return False
    return True


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

    def wait_started(self, answers, seconds=START_SECONDS):
        """Until `answers()` is true of it; while it does not answer as it
        will that may be false, or an OSError."""
        def started():
            if not self.alive():
                raise RuntimeError("%s ended with status %s:\n%s" % (
                    self.name, self.popen.returncode, self.text()))
            try:
                return answers()
            except OSError:
                return False
        wait_until(started, seconds, "%s to be started" % self.name)

    def wait_listening(self, address):
        self.wait_started(lambda: can_connect(address))

    def signal(self, number):
        if self.alive():
            os.kill(self.pid, number)

    def wait(self, seconds=PATIENCE):
        return self.popen.wait(seconds)

    def stop(self, seconds=PATIENCE):
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
