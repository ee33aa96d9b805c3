"""A server that records what the gateway says to it, byte for byte.

SMTP or LMTP, in threads of this process. It is strict where real servers may
be lenient (only CRLF ends a line, only CRLF.CRLF ends DATA), so what it holds
is what was sent. A test reads `messages` and `sessions`; it makes the sink
misbehave with `answer`, a function (session, verb, line) that returns the
bytes to say instead, CLOSE, HANG, or None for the usual answer. Verbs are the
command's, "CONNECT" for the greeting, and "." after the message.
"""
import re
import socket
import threading
import time

from kit.ports import free_port
from kit.process import PATIENCE

CLOSE = object()
HANG = object()

EXTENSIONS = ("PIPELINING", "SIZE 104857600", "8BITMIME", "SMTPUTF8", "DSN",
              "ENHANCEDSTATUSCODES")
CHUNKING = EXTENSIONS + ("CHUNKING", "BINARYMIME")


class Message:
    def __init__(self, session):
        self.session = session
        self.sender = self.mail_line = ""
        self.rcpts, self.rcpt_lines = [], []
        self.taken = []		# of the recipients: told 2yz
        self.data = b""		# as the sender of the message meant it
        self.how = ""		# DATA or BDAT


class Session:
    """One connection; `raw` is all that the gateway sent on it."""

    def __init__(self, sink, sock):
        self.sink, self.sock = sink, sock
        self.raw = b""
        self.buffer = b""
        self.commands = []
        self.message = None
        self.greeted = False
        self.tls = False

    def fill(self):
        data = self.sock.recv(65536)
        if not data:
            raise ConnectionError
        self.raw += data
        self.buffer += data

    def read_line(self):
        while b"\r\n" not in self.buffer:
            self.fill()
        line, _, self.buffer = self.buffer.partition(b"\r\n")
        return line.decode("utf-8", "surrogateescape")

    def read_octets(self, n):
        while len(self.buffer) < n:
            self.fill()
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def read_data(self):
        text = b"\r\n"		# the end may be the very first line
        end = -1
        while end < 0:
            if not self.buffer:
                self.fill()
            start = max(0, len(text) - 4)
            text += self.buffer
            self.buffer = b""
            end = text.find(b"\r\n.\r\n", start)
        self.buffer = text[end + 5:]
        text = text[:end + 2].replace(b"\r\n.", b"\r\n")
        return text[2:]

    def say(self, reply):
        self.sock.sendall(reply)

    def run(self):
        if not self.step("CONNECT", "", b"220 sink.e2e.test ready\r\n"):
            return
        while True:
            line = self.read_line()
            self.commands.append(line)
            verb = line.split(" ")[0].upper()
            handler = getattr(self, "on_" + verb.lower(), None)
            usual = handler(line) if handler else b"250 2.0.0 ok\r\n"
            if usual is not None and not self.step(verb, line, usual):
                return
            if verb == "QUIT":
                return

    def step(self, verb, line, usual, message=None):
        """Answers; False ends the session. A message is held before a 250
        to it is said, whatever the behaviour."""
        reply = None
        if self.sink.answer:
            reply = self.sink.answer(self, verb, line)
        if reply is CLOSE:
            return False
        if reply is HANG:
            while self.sink.running:
                time.sleep(0.02)
            return False
        if reply is None:
            reply = usual
        self.last = reply
        if message:
            message.taken = self.who_is_told_so(message, reply)
            if message.taken:
                self.sink.keep(message)
        self.say(reply)
        return True

    def who_is_told_so(self, message, reply):
        lines = [line for line in reply.split(b"\r\n")
                 if line[3:4] == b" "]
        if not self.sink.lmtp:
            lines = lines[:1] * len(message.rcpts)
        return [r for r, line in zip(message.rcpts, lines)
                if line.startswith(b"2")]

    def greet(self, line):
        self.greeted = True
        offers = ["sink.e2e.test"]
        for e in self.sink.extensions:
            if e != "STARTTLS" or not self.tls:
                offers.append(e)
        return b"".join(b"250%c%s\r\n" % (
            b" " if o is offers[-1] else b"-", o.encode()) for o in offers)

    def on_ehlo(self, line):
        if self.sink.lmtp or not self.sink.extensions:
            return b"500 5.5.1 not here\r\n"
        return self.greet(line)

    def on_lhlo(self, line):
        return self.greet(line) if self.sink.lmtp else b"500 5.5.1 no\r\n"

    def on_mail(self, line):
        self.message = Message(self)
        self.message.mail_line = line
        self.message.sender = re.search(r"<(.*?)>", line).group(1)
        return b"250 2.1.0 ok\r\n"

    def on_rcpt(self, line):
        rcpt = re.search(r"<(.*)>", line).group(1)
        reply = b"250 2.1.5 ok\r\n"
        if self.sink.rcpt_replies.get(rcpt):
            return self.sink.rcpt_replies[rcpt]
        self.message.rcpts.append(rcpt)
        self.message.rcpt_lines.append(line)
        return reply

    def on_rset(self, line):
        self.message = None
        return b"250 2.0.0 ok\r\n"

    def on_data(self, line):
        if not self.message or not self.message.rcpts:
            return b"503 5.5.1 no recipients\r\n"
        if not self.step("DATA", line, b"354 go on\r\n"):
            raise ConnectionError
        if not self.last.startswith(b"354"):
            return None
        self.message.data = self.read_data()
        return self.finish("DATA")

    def on_bdat(self, line):
        words = line.split(" ")
        self.message.data += self.read_octets(int(words[1]))
        if len(words) > 2 and words[2].upper() == "LAST":
            return self.finish("BDAT")
        return b"250 2.0.0 more\r\n"

    def finish(self, how):
        message, self.message = self.message, None
        message.how = how
        if self.sink.lmtp:
            usual = b"".join(self.sink.lmtp_reply(r)
                             for r in message.rcpts)
        else:
            usual = b"250 2.0.0 taken\r\n"
        if self.sink.before_message_reply:
            self.sink.before_message_reply(message)
        if not self.step(".", "", usual, message):
            raise ConnectionError
        return None

    def on_starttls(self, line):
        if not self.sink.tls:
            return b"502 5.5.1 no TLS here\r\n"
        self.say(b"220 2.0.0 go\r\n")
        self.buffer = b""
        self.sock = self.sink.tls.wrap_socket(self.sock, server_side=True)
        self.tls = True
        return None

    def on_xclient(self, line):
        return b"220 sink.e2e.test again\r\n"

    def on_quit(self, line):
        return b"221 2.0.0 bye\r\n"


class Sink:
    def __init__(self, extensions=EXTENSIONS, lmtp=False, path=None,
                 tls=None, implicit_tls=False, port=None,
                 before_message_reply=None):
        self.extensions, self.lmtp, self.tls = extensions, lmtp, tls
        self.implicit_tls = implicit_tls
        self.answer = None
        self.before_message_reply = before_message_reply
        self.rcpt_replies, self.lmtp_replies = {}, {}
        self.running = True
        self.sessions, self.messages = [], []
        self.changed = threading.Condition()
        if path:
            self.server = socket.socket(socket.AF_UNIX)
            self.server.bind(path)
            self.url = "%s://unix:%s" % (self.scheme(), path)
        else:
            self.server = socket.socket()
            self.server.setsockopt(socket.SOL_SOCKET,
                                   socket.SO_REUSEADDR, 1)
            self.port = port or free_port()
            self.server.bind(("127.0.0.1", self.port))
            self.url = "%s://127.0.0.1:%d" % (self.scheme(), self.port)
        self.server.listen(512)
        threading.Thread(target=self.accept, daemon=True).start()

    def lmtp_reply(self, rcpt):
        """A list is used up, one for each message, but for its last."""
        reply = self.lmtp_replies.get(rcpt, b"250 2.0.0 taken\r\n")
        if isinstance(reply, list):
            reply = reply.pop(0) if len(reply) > 1 else reply[0]
        return reply

    def copies(self):
        """The recipients who have a message, once for each that they have,
        in order."""
        with self.changed:
            return sorted(r for m in self.messages for r in m.taken)

    def scheme(self):
        if self.lmtp:
            return "lmtp"
        return "smtps" if self.implicit_tls else "smtp"

    def accept(self):
        while self.running:
            try:
                sock, _ = self.server.accept()
            except OSError:
                return
            threading.Thread(target=self.serve, args=(sock,),
                             daemon=True).start()

    def serve(self, sock):
        if sock.family == socket.AF_INET:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        session = Session(self, sock)
        try:
            if self.implicit_tls:
                session.sock = self.tls.wrap_socket(sock, server_side=True)
                session.tls = True
            self.sessions.append(session)
            session.run()
        except OSError:		# the gateway left, or TLS failed
            pass
        finally:
            session.sock.close()

    def keep(self, message):
        with self.changed:
            self.messages.append(message)
            self.changed.notify_all()

    def clear(self):
        with self.changed:
            self.messages.clear()
            self.sessions.clear()

    def wait(self, n, seconds=PATIENCE):
        """The messages, once there are `n` of them."""
        with self.changed:
            self.changed.wait_for(lambda: len(self.messages) >= n, seconds)
            assert len(self.messages) == n, "%d messages, not %d" % (
                len(self.messages), n)
            return list(self.messages)

    def raw(self):
        return b"".join(s.raw for s in list(self.sessions))

    def stop(self):
        self.running = False
        # A blocked accept() does not see close(); it sees shutdown().
        try:
            self.server.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.server.close()
        for s in list(self.sessions):
            try:
                s.sock.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
