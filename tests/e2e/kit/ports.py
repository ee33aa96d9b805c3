"""Loopback ports for servers that a test starts.

They are taken from below the range that the kernel gives to outgoing
connections, so that no connection of another test can sit on one, and the
first one tried depends on the process, so that parallel runs stay apart.
"""
import itertools
import os
import socket

FIRST, LAST = 11000, 32000
_offsets = itertools.count(os.getpid() * 61)


def free_port(host="127.0.0.1"):
    """A port of `host` on which nothing listens."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    for _ in range(2000):
        port = FIRST + next(_offsets) % (LAST - FIRST)
        with socket.socket(family) as s:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                s.bind((host, port))
            except OSError:
                continue
            return port
    raise RuntimeError("no free port on %s" % host)
