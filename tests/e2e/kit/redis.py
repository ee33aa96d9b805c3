"""Debian's Redis, run from where peers.sh unpacked it."""
import os
import signal
import socket

from kit.peers import library_folders, unpacked
from kit.ports import free_port
from kit.process import Process


class Redis:
    """A server on a port and a socket of its own, with its data in a folder.
    `options` are lines of redis.conf more."""

    def __init__(self, work, options=""):
        self.port = free_port()
        self.work = os.path.join(work, "redis%d" % self.port)
        os.makedirs(self.work)
        os.chmod(self.work, 0o755)
        self.tree = unpacked("redis", work)
        self.socket = os.path.join(self.work, "socket")
        self.log = os.path.join(self.work, "log")
        self.conf = os.path.join(self.work, "redis.conf")
        self.process = None
        with open(self.conf, "w") as f:
            f.write("bind 127.0.0.1\nport %d\nunixsocket %s\n"
                    "unixsocketperm 777\ndir %s\nappendonly yes\n"
                    "save \"\"\n%s\n" % (self.port, self.socket, self.work,
                                         options))

    @property
    def url(self):
        return "redis://127.0.0.1:%d" % self.port

    def environment(self):
        return {"LD_LIBRARY_PATH": library_folders(self.tree)}

    def start(self):
        self.process = Process("redis", [
            os.path.join(self.tree, "usr/bin/redis-server"), self.conf],
            self.log, self.environment())
        # It may want a password first.
        self.process.wait_started(lambda: self.say("PING").startswith(
            (b"+PONG", b"-NOAUTH")))
        return self

    def say(self, *words):
        """A command over a connection of its own; the octets that came."""
        text = b"*%d\r\n" % len(words)
        for word in words:
            word = word.encode() if isinstance(word, str) else word
            text += b"$%d\r\n%s\r\n" % (len(word), word)
        with socket.create_connection(("127.0.0.1", self.port), 10) as s:
            s.sendall(text)
            s.shutdown(socket.SHUT_WR)
            answer = b""
            while True:
                piece = s.recv(65536)
                if not piece:
                    return answer
                answer += piece

    def keys(self):
        return [line for line in self.say("KEYS", "*").split(b"\r\n")[2::2]]

    def kill(self):
        self.process.kill()

    def freeze(self):
        self.process.signal(signal.SIGSTOP)

    def thaw(self):
        self.process.signal(signal.SIGCONT)

    def stop(self):
        if self.process and self.process.alive():
            self.thaw()
            self.process.stop()
