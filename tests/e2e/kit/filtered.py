"""A gateway that asks filters, and a client who says all that one can hear of.

Each listener has filters of its own, so that one run of the gateway serves
many set-ups. Clients come from addresses of their own (PROXY), by which a
filter can tell them apart.
"""
import itertools
import re

from kit.client import Client, Closed, stuff
from kit.ports import free_port

MESSAGE = (b"From: Ann <ann@sender.test>\r\nTo: bob@box.test\r\n"
           b"Subject: told\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n"
           b"Message-ID: <1@sender.test>\r\nX-Filter: here\r\n\r\n"
           b"Hello.\r\n.one dot\r\n..two\r\n")
_clients = itertools.count(1)
_mails = itertools.count(1)

# What the client does, and the code it is told if nothing is wrong.
USUAL = {"connect": 220, "EHLO": 250, "MAIL": 250, "RCPT 1": 250,
         "RCPT 2": 250, "NONSENSE": 500, "DATA": 354, ".": 250,
         "again": 250}
WITHOUT_A_WORD = object()	# in place of a code: closed


def filtered(start, listeners, backends, top="", routes=None, backend="",
             workers=1, results=False):
    """`listeners` is {name: (lines of it, lines of a filter, ...)}; the
    filters of `in` are in0, in1 and so on. `gateway.at` has the addresses."""
    at, text = {}, ""
    for name, (lines, *filters) in listeners.items():
        at[name] = ("127.0.0.1", free_port())
        text += "listener %s {\n\taddress %s:%d\n" \
            "\tproxy_protocol 127.0.0.1\n%s\n}\n" % (name, *at[name], lines)
        for i, lines in enumerate(filters):
            text += "milter %s%d {\n\tlisteners %s\n%s\n}\n" % (
                name, i, name, lines)
    gateway = start.gateway(start=False, workers=workers)
    gateway.configure(gateway.text(
        backends, "max_sessions_per_network 0\n%s%s%s" % (
            "" if results else "authres { add no }\n", text, top),
        "", backend, routes))
    gateway.own_folder("var")
    gateway.at = at
    return gateway.start()


def new_client():
    """An address, 198.18.0.0/15 (RFC 2544)."""
    n = next(_clients)
    return "198.%d.%d.%d" % (18 + n // 65536, n // 256 % 256, n % 256)


def connect(address, client=None, **options):
    line = "PROXY TCP4 %s 198.51.100.1 4000 25\r\n" % (
        client or new_client())
    return Client(address, before=line.encode(), **options)


def another():
    """The same text as another message."""
    return MESSAGE.replace(b"<1@", b"<f%d@" % next(_mails))


def may_do(step, codes):
    """A client that obeys what it was told before."""
    if step == "connect":
        return True
    if step == "EHLO":
        return codes["connect"] == 220
    if codes.get("EHLO") != 250:
        return False
    if step.startswith("RCPT"):
        return codes["MAIL"] == 250
    if step in ("NONSENSE", "DATA"):
        return 250 in (codes.get("RCPT 1"), codes.get("RCPT 2"))
    if step == ".":
        return codes.get("DATA") == 354
    return True


def expected(said):
    """{step: code} of a session in which `said` is told, {step: code}, in
    place of the usual."""
    codes = {}
    for step, usual in USUAL.items():
        if not may_do(step, codes):
            continue
        codes[step] = said.get(step, usual)
        if codes[step] in (421, WITHOUT_A_WORD):
            break
    return codes


class Played:
    """A session with two mails; `replies` are those to its steps."""

    def __init__(self, address, name, client=None):
        self.name, self.replies, self.codes = name, {}, {}
        self.message, self.second = another(), another()
        self.address = client or new_client()
        self.client = connect(address, self.address, greet=False)
        for step in USUAL:
            if may_do(step, self.codes) and not self.take(step):
                break
        else:
            self.client.quit()
        self.client.close()

    def take(self, step):
        """False: the session is over."""
        try:
            reply = self.do(step)
        except (Closed, ConnectionError):
            self.codes[step] = WITHOUT_A_WORD
            return False
        self.replies[step], self.codes[step] = reply, reply.code
        if reply == 421:
            assert self.client.closed()
            return False
        if step == "RCPT 2" and not may_do("DATA", self.codes):
            self.client.cmd("RSET")
        return True

    def do(self, step):
        client = self.client
        if step == "connect":
            return client.reply()
        if step == ".":
            client.send(stuff(self.message) + b".\r\n")
            return client.reply()
        if step == "again":
            return client.mail(self.second, self.sender(2), self.rcpt(1))
        return client.cmd({
            "EHLO": "EHLO %s.test" % self.name,
            "MAIL": "MAIL FROM:<%s>" % self.sender(1),
            "RCPT 1": "RCPT TO:<%s>" % self.rcpt(1),
            "RCPT 2": "RCPT TO:<%s>" % self.rcpt(2),
            "NONSENSE": "NONSENSE-" + self.name,
            "DATA": "DATA"}[step])

    def sender(self, n):
        return "%d.%s@sender.test" % (n, self.name)

    def rcpt(self, n):
        return "%d.%s@box.test" % (n, self.name)

    def log(self, gateway):
        """Its lines, once it has ended."""
        end = gateway.wait_line(r" session end client=%s " % re.escape(
            self.address))[-1]
        return gateway.lines(" %s " % end.split(" ")[2])

    def taken(self):
        """What was answered 250: {message: its recipients}."""
        taken = {}
        if self.codes.get(".") == 250:
            taken[self.message] = [
                self.rcpt(n) for n in (1, 2)
                if self.codes["RCPT %d" % n] == 250]
        if self.codes.get("again") == 250:
            taken[self.second] = [self.rcpt(1)]
        return taken

    def delivered(self, sink):
        """What the backend has of it, in the same way. A message has but one
        field that was not in it, and came once."""
        found = {}
        for m in list(sink.messages):
            if m.sender not in (self.sender(1), self.sender(2)):
                continue
            ours, text = split_received(m.data)
            assert text not in found
            found[text] = m.taken
        return found


def split_received(data):
    """Our own field, in front, and the rest."""
    assert data.startswith(b"Received: "), data
    end = 0
    while True:
        end = data.index(b"\r\n", end) + 2
        if data[end:end + 1] not in (b" ", b"\t"):
            return data[:end], data[end:]
