"""systemd-journald, run from where peers.sh unpacked it, in a mount namespace
in which a folder of the test is its /run: it sees nothing of the machine's own
journal, and its sockets and files are in that folder for everybody."""
import glob
import json
import os
import subprocess

from kit.peers import library_folders, unpacked
from kit.process import Process, wait_until

SETTINGS = """[Journal]
Storage=volatile
Audit=no
ReadKMsg=no
ForwardToWall=no
SplitMode=none
RateLimitIntervalSec=0
"""
# As systemd does for a service: the stream of its stderr, and which it is.
AS_SERVICE = """
import os, socket, sys
s = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
s.connect(sys.argv[1])
s.sendall(b"forepost\\n\\n6\\n1\\n0\\n0\\n0\\n")
os.dup2(s.fileno(), 2)
at = os.fstat(2)
os.environ["JOURNAL_STREAM"] = "%d:%d" % (at.st_dev, at.st_ino)
os.execv(sys.argv[2], sys.argv[2:])
"""


class Journald:
    def __init__(self, work):
        self.work = os.path.join(work, "journald")
        self.run = os.path.join(self.work, "run")
        self.tree = unpacked("journald", work)
        self.process = None
        for name in ("systemd/journald.conf.d", "log/journal"):
            os.makedirs(os.path.join(self.run, name))
        for folder, _, _ in os.walk(self.work):
            os.chmod(folder, 0o755)
        with open(os.path.join(self.run, "systemd/journald.conf.d/e2e.conf"),
                  "w") as f:
            f.write(SETTINGS)
        self.env = {"LD_LIBRARY_PATH": ":".join([
            library_folders(self.tree), *glob.glob(os.path.join(
                self.tree, "usr/lib/*-linux-*/systemd"))])}

    def path(self, name):
        return os.path.join(self.run, "systemd/journal", name)

    def start(self):
        program = os.path.join(self.tree, "lib/systemd/systemd-journald")
        self.process = Process("systemd-journald", [
            "unshare", "-m", "--propagation", "private", "sh", "-c",
            'mount --bind "$1" /run && exec "$2"', "sh", self.run, program],
            os.path.join(self.work, "log"), self.env)
        wait_until(lambda: self.entries("systemd-journald"), 30,
                   "journald to begin")
        return self

    def service(self):
        """In front of a command: its stderr is a stream of the journal."""
        return ["/usr/bin/python3", "-c", AS_SERVICE, self.path("stdout")]

    def entries(self, identifier="forepost"):
        done = subprocess.run(
            [os.path.join(self.tree, "bin/journalctl"), "-D",
             os.path.join(self.run, "log/journal"), "-o", "json", "--all",
             "--no-pager", "-q", "SYSLOG_IDENTIFIER=" + identifier],
            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, timeout=30,
            env={**os.environ, **self.env})
        return [json.loads(line) for line in done.stdout.splitlines()]

    def stop(self):
        if self.process is not None and self.process.alive():
            self.process.stop()
