"""A relay before a server of this machine, whose answers come late."""
import collections
import selectors
import socket
import threading
import time

from kit.ports import free_port


class Relay:
    """To a port of 127.0.0.1. What the server says comes `delay` seconds late,
    what the client says at once."""

    def __init__(self, port):
        self.to, self.delay = port, 0
        self.port = free_port()
        self.listener = socket.create_server(("127.0.0.1", self.port))
        self.over = False
        self.peers = {}		# of each socket
        self.late = collections.deque()		# (when, to whom, what)
        self.thread = threading.Thread(target=self.run)
        self.thread.start()

    def run(self):
        with selectors.DefaultSelector() as self.selector:
            self.selector.register(self.listener, selectors.EVENT_READ, None)
            while not self.over:
                for key, _ in self.selector.select(0.01):
                    if key.data is None:
                        self.accept()
                    else:
                        self.read(key.fileobj, key.data)
                self.send_due()
            for one in list(self.peers):
                one.close()

    def accept(self):
        client, _ = self.listener.accept()
        server = socket.create_connection(("127.0.0.1", self.to))
        self.peers[client], self.peers[server] = server, client
        self.selector.register(client, selectors.EVENT_READ, "client")
        self.selector.register(server, selectors.EVENT_READ, "server")

    def read(self, one, role):
        try:
            piece = one.recv(65536)
        except OSError:
            piece = b""
        other = self.peers.get(one)
        if not piece:
            self.drop(one)
            self.drop(other)
        elif role == "client":
            self.send(other, piece)
        else:
            self.late.append((time.monotonic() + self.delay, other, piece))

    def send_due(self):
        waiting = collections.deque()
        while self.late:
            due, to, piece = self.late.popleft()
            if due <= time.monotonic() or self.delay == 0:
                self.send(to, piece)
            else:
                waiting.append((due, to, piece))
        self.late = waiting

    def send(self, to, piece):
        if to in self.peers:
            try:
                to.sendall(piece)
            except OSError:
                self.drop(to)

    def drop(self, one):
        if self.peers.pop(one, None) is not None:
            self.selector.unregister(one)
            one.close()

    def close(self):
        self.over = True
        self.thread.join()
        self.listener.close()
