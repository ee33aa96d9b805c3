"""tests/kit/milter_record: a filter on sendmail's library, and what it heard.

One filter process on a unix socket, or two that write to one log, so that
the order of what they hear is seen.
"""
import os
import re

from kit.gateway import binary
from kit.process import Process, wait_until

PROGRAM = "tests/kit/milter_record"
CALL = re.compile(r"(?P<who>[a-z]+)(?P<session>\d+) (?P<name>[a-z ]+?)"
                  r"(?P<args>(?: \[.*?\](?= |$))*)"
                  r"(?P<macros>(?: (?:_|[a-z]|\{\w+\})=.*)?)$")
MACRO = re.compile(r" (_|[a-z]|\{\w+\})=")


class Call:
    """One line: which filter, in which session of its, was told what."""

    def __init__(self, line):
        m = CALL.match(line)
        assert m, line
        self.who, self.session = m["who"], int(m["session"])
        self.name = m["name"]
        # An argument may itself hold "] [": none of our dialogues has it.
        self.args = m["args"][2:-1].split("] [") if m["args"] else []
        parts = MACRO.split(m["macros"])
        assert parts[0] == "", line
        self.macros = dict(zip(parts[1::2], parts[2::2]))

    def __str__(self):
        return "%s%d %s" % (self.who, self.session, self.key())

    def key(self):
        return " ".join([self.name] + ["[%s]" % a for a in self.args])


def listens(path):
    """Without a connection, which the filter would hear of."""
    with open("/proc/net/unix") as f:
        return any(line.endswith(" %s\n" % path) and
                   line.split()[3] == "00010000" for line in f)


class Recorder:
    def __init__(self, work, name):
        self.name = name
        self.socket = os.path.join(work, name + ".milter")
        self.out = os.path.join(work, name + ".out")
        self.process = None

    def start(self, log, words=()):
        program = os.path.join(os.path.dirname(binary()), PROGRAM)
        if not os.access(program, os.X_OK):
            raise RuntimeError("no %s: make test-programs" % program)
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        mask = os.umask(0)	# who connects to it is another user
        try:
            self.process = Process(
                "milter_record", [program, "unix:" + self.socket,
                                  "tag=" + self.name, "log=" + log, *words],
                self.out)
        finally:
            os.umask(mask)
        wait_until(lambda: listens(self.socket), what="milter_record")
        return self

    def stop(self):
        """It would first wait for its next look around."""
        if self.process:
            self.process.kill()
            self.process = None


def calls(log):
    if not os.path.exists(log):
        return []
    with open(log, errors="backslashreplace") as f:
        return [Call(line) for line in f.read().splitlines()]


def all_closed(log):
    """Every session that a filter heard of is over for it."""
    heard = calls(log)
    opened = {(c.who, c.session) for c in heard}
    return opened == {(c.who, c.session) for c in heard
                      if c.name == "close"}
