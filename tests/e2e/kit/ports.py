"""Loopback ports for servers that a test starts.

They are taken from below the range that the kernel gives to outgoing
connections, so that no connection of another test can sit on one. Many a test
takes a port long before something listens on it, or wants one on which nothing
does, so each process of a run has a block of its own: it is whose socket is
bound to the block's last port.
"""
import itertools
import os
import socket

FIRST, LAST = 11000, 32000
BLOCK = 500


def bind(port, host="127.0.0.1", is_shared=True):
    """A socket bound to the port; None: something else is."""
    s = socket.socket(
        socket.AF_INET6 if ":" in host else socket.AF_INET)
    if is_shared:		# with connections that have ended
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        s.bind((host, port))
    except OSError:
        s.close()
        return None
    return s


class Block:
    """Its ports, from the first to the last but one, over and over."""

    def __init__(self):
        blocks = range(FIRST, LAST, BLOCK)
        for i in range(len(blocks)):
            first = blocks[(os.getpid() + i) % len(blocks)]
            self.lock = bind(first + BLOCK - 1, is_shared=False)
            if self.lock:
                self.ports = itertools.cycle(range(first, first + BLOCK - 1))
                return
        raise RuntimeError("more runs at a time than there are ports for")


block = None


def free_port(host="127.0.0.1"):
    """A port of `host` on which nothing listens."""
    global block
    if block is None:
        block = Block()
    for _ in range(BLOCK):
        port = next(block.ports)
        s = bind(port, host)
        if s:
            s.close()
            return port
    raise RuntimeError("no free port on %s" % host)
