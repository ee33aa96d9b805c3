"""A gateway that acts by rules, and clients of other addresses than ours:
PROXY headers tell them, as from behind a load balancer."""
import itertools
import re
import subprocess

from kit.client import Client
from kit.ports import free_port
from kit.process import wait_until

PROXY = "\tproxy_protocol 127.0.0.1\n"
MESSAGE = (b"From: Ann <ann@sender.test>\r\nTo: bob@box.test\r\n"
           b"Subject: ruled\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n"
           b"Message-ID: <1@sender.test>\r\n\r\nHello.\r\n..dots\r\n")
numbers = itertools.count(2)


def another():
    """The same text as another message: who has the first gets it too."""
    return MESSAGE.replace(b"<1@", b"<%d@" % next(numbers))


def write_rules(gateway, text, name="in.rules"):
    with open(gateway.path(name), "w") as f:
        f.write(text)


def ruled(start, rules, backends=None, top="", listener="", run=True,
          **options):
    """A gateway with these rules, None for `rules none`. The listener of
    `gateway.at_once` has `reject_at connect`."""
    at_once = free_port()
    gateway = start.gateway(
        backends, start=False, listener=PROXY + listener, **options,
        top="rules %s\nlistener now {\n\taddress 127.0.0.1:%d\n"
        "\treject_at connect\n%s}\n%s" % (
            "none" if rules is None else '"in.rules"', at_once,
            PROXY + listener, top))
    gateway.at_once = ("127.0.0.1", at_once)
    write_rules(gateway, rules or "")
    return gateway.start() if run else gateway


def proxy_line(client, port=4000):
    family = "TCP6" if ":" in client else "TCP4"
    local = "2001:db8:1::1" if ":" in client else "198.51.100.1"
    return "%s %s %s %d 25" % (family, client, local, port)


def client_at(gateway, address, at_once=False, **options):
    return Client(gateway.at_once if at_once else gateway.address,
                  before=b"PROXY %s\r\n" % proxy_line(address).encode(),
                  **options)


class Swaks:
    """One run of swaks: `replies` are the server's to CONNECT, EHLO, MAIL
    and so on, "." the one to the message, each with the lines it has; where a
    command was said again, the last one's."""

    def __init__(self, gateway, address, *arguments, at_once=False):
        self.begun = len(gateway.lines(""))
        host = gateway.at_once if at_once else gateway.address
        self.gateway, self.address = gateway, address
        done = subprocess.run(
            ["swaks", "--server", "%s:%d" % host, "--proxy",
             proxy_line(address), "--helo", "swaks.test",
             "--from", "a@sender.test", "--to", "b@box.test",
             "--header", "Subject: by swaks", *arguments],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, timeout=60, text=True)
        self.status, self.text = done.returncode, done.stdout
        self.replies = {}
        self.read()

    def read(self):
        verb = "CONNECT"
        for line in self.text.splitlines():
            said = re.match(r" [-~]+> ?(.*)", line)
            heard = re.match(r"<(?:-|~|\*\*|~\*)\s+(.*)", line)
            if said:
                verb = self.verb(verb, said.group(1))
            elif heard:
                if verb not in self.replies or self.is_over(verb):
                    self.replies[verb] = []
                self.replies[verb].append(heard.group(1))

    @staticmethod
    def verb(before, line):
        if line.startswith("PROXY "):
            return "CONNECT"
        if before in ("DATA", ".") and line != "QUIT":
            return "."
        return line.split(" ")[0].upper()

    def is_over(self, verb):
        return self.replies[verb][-1][3:4] != "-"

    def reply(self, verb):
        """The only line of a reply."""
        assert verb in self.replies, self.text
        line, = self.replies[verb]
        return line

    def session(self):
        """The lines that the log has of it, once it has ended."""
        def find():
            lines = self.gateway.lines("")[self.begun:]
            end = [line for line in lines if " session end client=%s " %
                   self.address in line]
            return end and [line for line in lines
                            if self.ident_of(line) == self.ident_of(end[0])]
        return wait_until(find, what="the end of its session in the log")

    @staticmethod
    def ident_of(line):
        return line.split(" ")[2]

    def ident(self):
        return self.ident_of(self.session()[-1])

    def lines(self, event):
        """What the log has of one kind of event."""
        return [line for line in self.session() if event in line]

    def line(self, event):
        line, = self.lines(event)
        return line
