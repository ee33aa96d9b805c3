"""A raw SMTP client: says exactly what it is told to, checks nothing."""
import re
import socket
import ssl

from kit.process import PATIENCE


class Closed(Exception):
    """The server closed the connection where a reply was awaited."""


class Reply:
    def __init__(self, lines):
        self.lines = lines
        self.code = int(lines[0][:3])
        self.text = "\n".join(line[4:] for line in lines)
        m = re.match(r"([245]\.\d+\.\d+) ", self.text)
        self.enhanced = m.group(1) if m else ""

    def __repr__(self):
        return " | ".join(self.lines)

    def __eq__(self, other):
        return self.code == other if isinstance(other, int) else self is other

    def keywords(self):
        """The keywords of an EHLO reply, with their parameters."""
        return {(line[4:].split(" ") + [""])[0].upper():
                line[4:].partition(" ")[2] for line in self.lines[1:]}


def stuff(message):
    """The wire form of a message for DATA, without the final dot."""
    if not message.endswith(b"\r\n") and message:
        message += b"\r\n"
    message = message.replace(b"\r\n.", b"\r\n..")
    return b"." + message if message.startswith(b".") else message


class Client:
    def __init__(self, address, timeout=PATIENCE, greet=True, before=b"",
                 source=None):
        """Connects; `before` is sent first (a PROXY header)."""
        if isinstance(address, int):
            address = ("127.0.0.1", address)
        if isinstance(address, str):
            self.sock = socket.socket(socket.AF_UNIX)
        else:
            family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
            self.sock = socket.socket(family)
            self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if source:
            self.sock.bind((source, 0))
        self.sock.settimeout(timeout)
        self.sock.connect(address)
        self.buffer = b""
        self.greeting = None
        if before:
            self.send(before)
        if greet:
            self.greeting = self.reply()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def close(self):
        self.sock.close()

    def reset(self):
        """Closes so that the server sees RST."""
        self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                             b"\x01\0\0\0\0\0\0\0")
        self.sock.close()

    def send(self, data):
        self.sock.sendall(data)

    def line(self):
        while b"\r\n" not in self.buffer:
            try:
                data = self.sock.recv(65536)
            except ConnectionError:
                data = b""
            if not data:
                raise Closed(self.buffer)
            self.buffer += data
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("utf-8", "backslashreplace")

    def reply(self):
        lines = [self.line()]
        assert re.match(r"[2-5]\d\d([ -]|$)", lines[0]), lines[0]
        while lines[-1][3:4] == "-":
            lines.append(self.line())
            assert lines[-1][:3] == lines[0][:3], lines
        return Reply(lines)

    def replies_to_end(self):
        """All replies until the server closes."""
        replies = []
        while True:
            try:
                replies.append(self.reply())
            except Closed:
                return replies

    def cmd(self, line):
        if isinstance(line, str):
            line = line.encode()
        self.send(line + b"\r\n")
        return self.reply()

    def ehlo(self, name="client.e2e.test"):
        reply = self.cmd("EHLO " + name)
        assert reply == 250, reply
        return reply.keywords()

    def starttls(self, context=None, server_name="gw.e2e.test"):
        reply = self.cmd("STARTTLS")
        assert reply == 220, reply
        assert not self.buffer, "bytes behind the reply to STARTTLS"
        self.start_tls_now(context, server_name)

    def start_tls_now(self, context=None, server_name="gw.e2e.test"):
        if context is None:
            context = ssl._create_unverified_context()
        self.sock = context.wrap_socket(self.sock,
                                        server_hostname=server_name)

    def envelope(self, sender, rcpts, params=""):
        """MAIL and RCPT; the last RCPT's reply."""
        reply = self.cmd("MAIL FROM:<%s>%s" % (sender, params))
        if reply != 250:
            return reply
        for rcpt in [rcpts] if isinstance(rcpts, str) else rcpts:
            reply = self.cmd("RCPT TO:<%s>" % rcpt)
        return reply

    def data(self, message, stuffed=False):
        """DATA and the message; the reply to it, or a refusal of DATA."""
        reply = self.cmd("DATA")
        if reply != 354:
            return reply
        self.send((message if stuffed else stuff(message)) + b".\r\n")
        return self.reply()

    def bdat(self, message, chunk=None):
        """The message in BDAT chunks; the last reply, or the first bad."""
        chunk = chunk or max(len(message), 1)
        pos = 0
        while True:
            part = message[pos:pos + chunk]
            pos += len(part)
            last = " LAST" if pos >= len(message) else ""
            self.send(b"BDAT %d%s\r\n" % (len(part), last.encode()) + part)
            reply = self.reply()
            if last or reply != 250:
                return reply

    def mail(self, message, sender="a@sender.test", rcpts="b@box.test",
             how="DATA", params=""):
        """A whole transaction; the reply that decided it."""
        reply = self.envelope(sender, rcpts, params)
        if reply != 250:
            return reply
        return self.data(message) if how == "DATA" else self.bdat(message)

    def quit(self):
        reply = self.cmd("QUIT")
        self.close()
        return reply

    def closed(self, seconds=PATIENCE):
        """True if the server closes now, without another word."""
        self.sock.settimeout(seconds)
        try:
            return self.buffer == b"" and self.sock.recv(1) == b""
        except ConnectionError:
            return True
