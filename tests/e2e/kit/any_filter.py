"""tests/kit/milter_any: a filter on sendmail's library that does what a plan
says. The plan may be changed while it runs."""
import os

from kit.gateway import binary
from kit.process import Process, can_connect, wait_until

PROGRAM = "tests/kit/milter_any"


def escape(text):
    """As the argument of a line of the plan."""
    octets = text.encode() if isinstance(text, str) else text
    return "".join(chr(c) if 0x20 < c < 0x7f and c != 0x5c else
                   "\\x%02x" % c for c in octets).replace("\\x20", " ")


class AnyFilter:
    def __init__(self, work, name="any"):
        self.socket = os.path.join(work, name + ".milter")
        self.plan_path = os.path.join(work, name + ".plan")
        self.out = os.path.join(work, name + ".out")
        self.url = "unix:" + self.socket	# where it listens; and so:
        self.address = self.socket
        self.process = None

    def plan(self, *lines):
        """Each is (STEP, WHICH, WORD, ARGUMENTS...), the last argument as the
        text that is meant."""
        with open(self.plan_path + ".new", "w") as f:
            for line in lines:
                words = list(line)
                if len(words) > 3:
                    words[-1] = escape(words[-1])
                f.write(" ".join(map(str, words)) + "\n")
        os.rename(self.plan_path + ".new", self.plan_path)

    def start(self, *words):
        program = os.path.join(os.path.dirname(binary()), PROGRAM)
        if not os.access(program, os.X_OK):
            raise RuntimeError("no %s: make test-programs" % program)
        if os.path.exists(self.socket):
            os.unlink(self.socket)
        mask = os.umask(0)	# who connects to it is another user
        try:
            self.process = Process("milter_any", [
                program, self.url, self.plan_path, *words], self.out)
        finally:
            os.umask(mask)
        wait_until(lambda: can_connect(self.address), what="milter_any")
        return self

    def heard(self, which=""):
        """(session, step, about) of each call whose `about` has the text."""
        with open(self.out, errors="backslashreplace") as f:
            lines = [line.rstrip("\n").split(" ", 2) for line in f]
        return [(int(n), step, about) for n, step, about in lines
                if which in about]

    def stop(self):
        """It would first wait for its next look around."""
        if self.process:
            self.process.kill()
            self.process = None
