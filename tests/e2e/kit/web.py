"""The HTTP server of a gateway, as anybody may talk to it."""
import json
import os
import socket

from kit.ports import free_port
from kit.process import PATIENCE, wait_until

HOST = b"Host: localhost\r\n"


def shown(start, backends=None, token=None, top="", **options):
    """A gateway that is not started yet, with gateway.web the port."""
    port = free_port()
    lines = "stats {\n\taddress 127.0.0.1:%d\n" % port
    gateway = start.gateway(
        backends or {"in": start.sink().url}, start=False,
        top=top + "\nSTATS\n", **options)
    if token:
        path = gateway.path("token")
        with open(path, "w") as f:
            f.write(token + "\n")
        os.chmod(path, 0o600)
        lines += '\ttoken_file "%s"\n' % path
    with open(gateway.conf) as f:
        text = f.read().replace("STATS\n", lines + "}\n")
    gateway.configure(text)
    gateway.web = port
    return gateway


class Answer:
    def __init__(self, octets):
        head, _, self.body = octets.partition(b"\r\n\r\n")
        lines = head.decode("ascii").split("\r\n")
        assert lines[0].startswith("HTTP/1.1 "), octets[:200]
        self.status = int(lines[0].split(" ")[1])
        self.fields = {}
        for line in lines[1:]:
            name, _, value = line.partition(": ")
            assert name.lower() not in self.fields, line
            self.fields[name.lower()] = value

    def json(self):
        return json.loads(self.body.decode("utf-8", "strict"))


def connect(port, timeout=PATIENCE):
    return socket.create_connection(("127.0.0.1", port), timeout)


def read_all(sock):
    octets = b""
    while True:
        try:
            piece = sock.recv(65536)
        except ConnectionResetError:
            return octets
        if not piece:
            return octets
        octets += piece


def raw(port, octets, timeout=PATIENCE):
    """Says just this; None if nothing is answered."""
    with connect(port, timeout) as sock:
        sock.sendall(octets)
        answer = read_all(sock)
    return Answer(answer) if answer else None


def get(port, path, method="GET", fields=b"", token=None):
    if token is not None:
        fields += b"Authorization: Bearer " + token.encode() + b"\r\n"
    return raw(port, method.encode() + b" " + path.encode() +
               b" HTTP/1.1\r\n" + HOST + fields + b"\r\n")


def server(gateway):
    """The id of the process that answers; None: not just now."""
    for pid in gateway.process.children():
        try:
            with open("/proc/%d/comm" % pid) as f:
                if f.read() == "forepost-stats\n":
                    return pid
        except OSError:
            pass
    return None


def wait_server(gateway, other_than=None):
    def find():
        pid = server(gateway)
        return pid if pid != other_than else None
    return wait_until(find, what="the statistics process")


def workers(gateway):
    answering = server(gateway)
    return [p for p in gateway.workers_alive() if p != answering]
