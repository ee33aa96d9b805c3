"""A filter that speaks the milter protocol octet by octet, rightly or not.

In threads of this process. It answers `continue` to whatever has an answer;
a test makes it do otherwise with `answer`, a function (session, letter, data)
that returns packets to send, an action below, or None for the usual, or once
with `fault(letter, what)`. Letters are those of the commands (mfdef.h): O, C,
H, M, R, T, L, N, B, E, U, and D, A, K, Q, which have no answer.

`sessions` holds what was heard over each connection.
"""
import os
import socket
import struct
import threading

from kit.ports import free_port
from kit.process import PATIENCE

VERSION = 6
ACTIONS = 0x1ff
AWAITED = b"CHMRTLNBEU"

# SMFIP_*
NO_CONNECT, NO_HELO, NO_MAIL, NO_RCPT, NO_BODY, NO_HEADERS, NO_EOH = (
    1 << i for i in range(7))
NR_HEADER, NO_UNKNOWN, NO_DATA, SKIP, RCPT_REJ = (
    1 << i for i in range(7, 12))
NR = {b"L": NR_HEADER, b"C": 1 << 12, b"H": 1 << 13, b"M": 1 << 14,
      b"R": 1 << 15, b"T": 1 << 16, b"U": 1 << 17, b"N": 1 << 18,
      b"B": 1 << 19}
LEADING_SPACE = 1 << 20


def packet(letter, data=b""):
    return struct.pack(">I", len(data) + 1) + letter + data


def strings(*texts):
    return b"".join(t + b"\0" for t in texts)


# --- answers ---

CONTINUE, ACCEPT, REJECT, TEMPFAIL, DISCARD, SKIP_BODY, PROGRESS, SHUTDOWN, \
    CONN_FAIL = (packet(letter) for letter in (
        b"c", b"a", b"r", b"t", b"d", b"s", b"p", b"4", b"f"))


def reply(text):
    return packet(b"y", strings(text))


def add_header(name, value):
    return packet(b"h", strings(name, value))


def insert_header(index, name, value):
    return packet(b"i", struct.pack(">I", index) + strings(name, value))


def change_header(index, name, value):
    """An empty value deletes it."""
    return packet(b"m", struct.pack(">I", index) + strings(name, value))


def change_sender(address, *args):
    return packet(b"e", strings(address, *args))


def add_rcpt(address):
    return packet(b"+", strings(address))


def add_rcpt_with(address, args):
    return packet(b"2", strings(address, args))


def delete_rcpt(address):
    return packet(b"-", strings(address))


def replace_body(octets):
    return packet(b"b", octets)


def quarantine(why):
    return packet(b"q", strings(why))


# --- what a broken one does ---

class Gone(Exception):
    """The session is over: the other side left, or we do."""


def close(session):
    raise Gone


def reset(session):
    """On TCP; a unix socket is closed with octets unread, or just closed."""
    session.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\x01\0\0\0\0\0\0\0")
    raise Gone


def stall(session):
    """Not another octet, until the other side has had enough."""
    session.wait_for_end()


def then_stall(octets):
    def act(session):
        session.send(octets)
        session.wait_for_end()
    return act


def then_close(octets):
    def act(session):
        session.send(octets)
        raise Gone
    return act


def slowly(octets):
    """One octet at a time, each on its way before the next."""
    def act(session):
        for i in range(len(octets)):
            session.send(octets[i:i + 1])
            session.owner.pause(0.001)
    return act


def progress_for_ever(session):
    while True:
        session.send(PROGRESS)
        session.owner.pause(0.02)


class Session:
    """One connection; `heard` is (letter, data) of each packet."""

    def __init__(self, owner, sock, number):
        self.owner, self.sock, self.number = owner, sock, number
        self.heard = []
        self.macros = {}	# of the last packet for each command
        self.buffer = b""
        self.ended = None	# "quit", or "closed" by the other side
        self.steps = owner.steps

    def send(self, octets):
        try:
            self.sock.sendall(octets)
        except OSError as e:
            raise Gone from e

    def octets(self, n):
        while len(self.buffer) < n:
            data = self.sock.recv(65536)
            if not data:
                self.ended = self.ended or "closed"
                raise Gone
            self.buffer += data
        data, self.buffer = self.buffer[:n], self.buffer[n:]
        return data

    def read(self):
        length, = struct.unpack(">I", self.octets(4))
        data = self.octets(length)
        return data[:1], data[1:]

    def wait_for_end(self):
        while True:
            self.octets(1)

    def run(self):
        while True:
            letter, data = self.read()
            self.owner.note(self, letter, data)
            if letter == b"Q":
                self.ended = "quit"
                raise Gone
            what = self.owner.decide(self, letter, data)
            if what is None:
                what = self.usual(letter)
            if callable(what):
                what(self)
            elif what:
                self.send(what)

    def usual(self, letter):
        if letter == b"O":
            return self.owner.terms()
        if letter not in AWAITED or NR.get(letter, 0) & self.steps:
            return b""
        return CONTINUE

    # --- what was heard ---

    def letters(self):
        """Of all but macros."""
        return b"".join(p[0] for p in list(self.heard) if p[0] != b"D")

    def data_of(self, letter):
        """Of each such command."""
        return [p[1] for p in list(self.heard) if p[0] == letter]

    def fields(self):
        return [tuple(d[:-1].split(b"\0")) for d in self.data_of(b"L")]

    def body(self):
        return b"".join(self.data_of(b"B"))


class RawFilter:
    """On a unix socket in `work`, or on loopback: "inet" or "inet6"."""

    def __init__(self, work=None, family="unix", version=VERSION,
                 actions=ACTIONS, steps=SKIP, lists=b""):
        self.family, self.version = family, version
        self.actions, self.steps, self.lists = actions, steps, lists
        self.answer = None
        self.faults = []
        self.sessions, self.sockets = [], []
        self.changed = threading.Condition()
        self.stopping = threading.Event()
        self.server = None
        self.address = 0
        if family == "unix":
            self.address = os.path.join(work, "raw%d.milter" % id(self))
        self.listen()

    def listen(self):
        """Also again, where it was before."""
        if self.family == "unix":
            if os.path.exists(self.address):
                os.unlink(self.address)
            self.server = socket.socket(socket.AF_UNIX)
            self.server.bind(self.address)
            os.chmod(self.address, 0o777)
        else:
            host = "::1" if self.family == "inet6" else "127.0.0.1"
            self.server = socket.socket(
                socket.AF_INET6 if ":" in host else socket.AF_INET)
            self.server.setsockopt(socket.SOL_SOCKET,
                                   socket.SO_REUSEADDR, 1)
            self.address = self.address or free_port(host)
            self.server.bind((host, self.address))
        self.server.listen(64)
        threading.Thread(target=self.accept, args=(self.server,),
                         daemon=True).start()

    @property
    def url(self):
        if self.family == "unix":
            return "unix:" + self.address
        host = "[::1]" if self.family == "inet6" else "127.0.0.1"
        return "%s:%s:%d" % (self.family, host, self.address)

    def accept(self, server):
        while True:
            try:
                sock, _ = server.accept()
            except OSError:
                return
            if sock.family != socket.AF_UNIX:
                sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.changed:
                session = Session(self, sock, len(self.sessions))
                self.sessions.append(session)
                self.sockets.append(sock)
            threading.Thread(target=self.serve, args=(session,),
                             daemon=True).start()

    def serve(self, session):
        try:
            session.run()
        except (Gone, OSError):
            pass
        finally:
            with self.changed:
                session.ended = session.ended or "left"
                self.sockets.remove(session.sock)
                session.sock.close()
                self.changed.notify_all()

    def terms(self):
        return packet(b"O", struct.pack(
            ">III", self.version, self.actions, self.steps) + self.lists)

    def note(self, session, letter, data):
        with self.changed:
            session.heard.append((letter, data))
            if letter == b"D":
                parts = data[1:].split(b"\0")[:-1]
                session.macros[data[:1]] = dict(zip(parts[::2],
                                                    parts[1::2]))
            self.changed.notify_all()

    def fault(self, letter, what):
        """At the next such command, once."""
        with self.changed:
            self.faults.append((letter, what))

    def decide(self, session, letter, data):
        with self.changed:
            for fault in self.faults:
                if fault[0] == letter:
                    self.faults.remove(fault)
                    return fault[1]
        return self.answer(session, letter, data) if self.answer else None

    def pause(self, seconds):
        if self.stopping.wait(seconds):
            raise Gone

    def wait(self, condition, what="the filter", seconds=PATIENCE):
        """Until condition(self), which is then its value."""
        with self.changed:
            value = self.changed.wait_for(lambda: condition(self), seconds)
            assert value, "waited for " + what
            return value

    def wait_ended(self):
        """All its connections are over."""
        self.wait(lambda f: all(s.ended for s in f.sessions),
                  "the end of its sessions")

    def clear(self):
        """What is over is forgotten."""
        with self.changed:
            self.sessions = [s for s in self.sessions if not s.ended]
            self.faults.clear()

    def go(self, unlink=False):
        """As if the process had been killed."""
        self.server.shutdown(socket.SHUT_RDWR)
        self.server.close()
        if unlink and self.family == "unix":
            os.unlink(self.address)
        with self.changed:
            for sock in self.sockets:
                try:
                    sock.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

    def stop(self):
        self.stopping.set()
        try:
            self.go()
        except OSError:		# gone already
            pass
