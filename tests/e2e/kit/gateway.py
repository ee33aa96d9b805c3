"""The gateway under test: a configuration in a folder, a running process."""
import os
import re
import select
import signal
import socket
import subprocess
import time

from kit.client import Client
from kit.ports import free_port
from kit.process import PATIENCE, START_SECONDS, Process, wait_until

USER = "daemon"		# of the workers, when the tests run as root


def binary():
    path = os.environ.get("FOREPOST_BIN") or os.path.join(
        os.path.dirname(os.path.abspath(__file__)), "../../../build/forepost")
    if not os.access(path, os.X_OK):
        raise RuntimeError("no gateway in %s: build it, or set FOREPOST_BIN"
                           % path)
    return os.path.realpath(path)


def run(*arguments, timeout=START_SECONDS):
    """A subcommand that ends by itself; text of both outputs in stdout."""
    return subprocess.run(
        [binary(), *arguments], stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=timeout,
        text=True)


# A test may look into the log as soon as it has an answer.
LOG_DELAY = "log_delay 0"


class Gateway:
    """`Gateway(work, backends="...", ...)` then start().

    `backends` is {name: url}; the first is the default route, the others get
    the domain NAME.test. What a test wants besides goes into `top` (lines
    at top level), `listener` and `backend` (lines in each such block), or
    it writes the whole text itself with `configure`.
    """

    def __init__(self, work, backends=None, top="", listener="", backend="",
                 workers=2, resolver=None):
        self.work = os.path.join(work, "gw%d" % free_port())
        os.makedirs(self.work)
        os.chmod(self.work, 0o755)
        self.port = free_port()
        self.address = ("127.0.0.1", self.port)
        self.conf = self.path("forepost.conf")
        self.log = self.path("log")
        self.spool = self.own_folder("spool")
        self.control = self.path("control")
        self.workers = workers
        self.resolver = resolver
        self.process = None
        self.expect_sanitizer = False
        self.configure(self.text(backends or {}, top, listener, backend))

    def path(self, name):
        return os.path.join(self.work, name)

    def own_folder(self, name):
        """A folder that the workers may write to."""
        path = self.path(name)
        os.makedirs(path, exist_ok=True)
        if os.geteuid() == 0:
            import pwd
            user = pwd.getpwnam(USER)
            os.chown(path, user.pw_uid, user.pw_gid)
        return path

    def text(self, backends, top="", listener="", backend="", routes=None):
        lines = ['hostname "gw.e2e.test"', "workers %d" % self.workers,
                 'log stderr', LOG_DELAY, 'control "%s"' % self.control,
                 'spool "%s"' % self.spool]
        if os.geteuid() == 0:
            lines.append('user "%s"' % USER)
        if self.resolver:
            lines.append("resolver { forward %s }" % self.resolver)
        # What the shipped rules do is shown by the tests of the rules.
        if not re.search(r"^\s*rules\s", top, re.M):
            lines.append("rules none")
        lines.append(top)
        lines.append("listener mx {\n\taddress 127.0.0.1:%d\n%s\n}" % (
            self.port, listener))
        for name, url in backends.items():
            lines.append('backend %s {\n\taddress "%s"\n%s\n}' % (
                name, url, backend))
        names = list(backends)
        if routes is None:
            routes = "".join('route { domains "%s.test" backend %s }\n' % (
                n, n) for n in names)
            if names:
                routes += 'route { domains "*" backend %s }\n' % names[0]
        return "\n".join(lines) + "\n" + routes

    def configure(self, text):
        with open(self.conf, "w") as f:
            f.write(text)

    def check(self):
        return run("check", "--config", self.conf)

    def command(self):
        return [binary(), "serve", "--config", self.conf]

    def start(self, prefix=(), seconds=START_SECONDS):
        """Starts and waits until it says that it is ready (sd_notify)."""
        path = self.path("notify%d" % free_port())
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as ready:
            ready.bind(path)
            os.chmod(path, 0o777)
            self.process = Process(
                "forepost", [*prefix, *self.command()], self.log,
                {"NOTIFY_SOCKET": path})
            deadline = time.monotonic() + seconds
            while True:
                if select.select([ready], [], [], 0.05)[0] and \
                        b"READY=1" in ready.recv(4096):
                    return self
                if not self.process.alive():
                    raise RuntimeError("forepost ended with status %s:\n%s" %
                                       (self.process.popen.returncode,
                                        self.process.text()))
                if time.monotonic() > deadline:
                    self.process.kill()
                    raise TimeoutError("forepost is not ready:\n" +
                                       self.process.text())

    def client(self, **options):
        return Client(self.address, **options)

    def reload(self):
        self.process.signal(signal.SIGHUP)

    def workers_alive(self):
        return self.process.children()

    def stop(self, seconds=PATIENCE):
        """Stops it; its end and its log have to be clean."""
        if self.process is None:
            return
        if self.process.alive():
            status = self.process.stop(seconds)
            assert status == 0, "forepost ended with status %s:\n%s" % (
                status, self.process.text()[-3000:])
        self.check_log()
        self.process = None

    def check_log(self):
        bad = re.search(r"Sanitizer|runtime error:|Assertion|^bug ",
                        self.process.text(), re.M)
        if bad:
            text = self.process.text()
            raise AssertionError("in the log:\n" + text[
                max(0, bad.start() - 500):bad.start() + 6000])

    def lines(self, pattern):
        return [line for line in self.process.text().splitlines()
                if re.search(pattern, line)]

    def wait_line(self, pattern, seconds=PATIENCE, count=1):
        """The log lines that match, once there are `count` of them."""
        def find():
            found = self.lines(pattern)
            return found if len(found) >= count else None
        return wait_until(find, seconds, "log line " + pattern)
