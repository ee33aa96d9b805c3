"""A small DNS server on loopback: the names that a test knows, else NXDOMAIN.

Without it each lookup of the gateway would go out to the root servers, or
wait for them in vain.
"""
import ipaddress
import socket
import struct
import threading

TYPES = {1: "A", 12: "PTR", 15: "MX", 16: "TXT", 28: "AAAA"}


def wire_name(name):
    return b"".join(bytes([len(label)]) + label.encode()
                    for label in name.rstrip(".").split(".")) + b"\0"


class Resolver:
    """`records` is {(name, type): [value]}; addresses, names and TXT as
    text, MX as "10 name". Names in `silent` (and below) get no answer.
    `asked` has every question, in the order in which they came."""

    def __init__(self, records=None):
        self.records = records or {}
        self.asked = []
        self.silent = set()
        self.held = None	# answers, between hold() and release()
        self.lock = threading.Lock()
        self.sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        # Resolvers send from random ports, so none is free beforehand.
        self.sock.bind(("127.0.0.1", 0))
        self.port = self.sock.getsockname()[1]
        self.address = "127.0.0.1:%d" % self.port
        self.running = True
        self.thread = threading.Thread(target=self.serve, daemon=True)
        self.thread.start()

    def serve(self):
        while self.running:
            try:
                query, client = self.sock.recvfrom(4096)
                answer = self.answer(query) if query else None
                if answer:
                    self.send(answer, client)
            except OSError:
                return
            except (IndexError, struct.error):
                continue

    def send(self, answer, client):
        with self.lock:
            if self.held is None:
                self.sock.sendto(answer, client)
            else:
                self.held.append((answer, client))

    def hold(self):
        """From here on nothing is answered until release()."""
        with self.lock:
            self.held = []

    def release(self):
        with self.lock:
            held, self.held = self.held, None
            for answer, client in held:
                self.sock.sendto(answer, client)

    def rdata(self, kind, value):
        if kind in ("A", "AAAA"):
            return ipaddress.ip_address(value).packed
        if kind == "TXT":
            octets = value.encode()
            return b"".join(bytes([len(octets[i:i + 255])]) +
                            octets[i:i + 255]
                            for i in range(0, len(octets) or 1, 255))
        if kind == "MX":
            preference, _, name = value.partition(" ")
            return struct.pack("!H", int(preference)) + wire_name(name)
        return wire_name(value)

    def answer(self, query):
        ident, = struct.unpack_from("!H", query)
        pos, labels = 12, []
        while query[pos]:
            labels.append(query[pos + 1:pos + 1 + query[pos]].decode())
            pos += 1 + query[pos]
        name = ".".join(labels).lower()
        kind = TYPES.get(struct.unpack_from("!H", query, pos + 1)[0], "?")
        question = query[12:pos + 5]
        self.asked.append((name, kind))
        if any(name == s or name.endswith("." + s) for s in self.silent):
            return None
        values = self.records.get((name, kind), [])
        known = any(n == name for n, _ in self.records)
        rcode = 0 if known or not name else 3
        out = struct.pack("!6H", ident, 0x8580 | rcode, 1, len(values), 0, 0)
        out += question
        for value in values:
            data = self.rdata(kind, value)
            out += struct.pack("!HHHIH", 0xc00c, struct.unpack_from(
                "!H", query, pos + 1)[0], 1, 300, len(data)) + data
        return out

    def stop(self):
        # A blocked recvfrom() does not see close(), and would read from what
        # gets the number of the socket next; an empty datagram wakes it up.
        self.running = False
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
            s.sendto(b"", ("127.0.0.1", self.port))
        self.thread.join()
        self.sock.close()
