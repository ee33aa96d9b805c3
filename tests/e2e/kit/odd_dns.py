"""Name servers that do not do what one would wish, each on its address.

usage: odd_dns.py ADDRESS=BEHAVIOUR...

	silent		never answers
	slow:SECONDS	answers late
	servfail	SERVFAIL
	cut		every answer over UDP is cut; over TCP it is whole
	cutsilent	cut over UDP, and silent over TCP
	garbage		octets that are no answer
	picky		a forwarder that never answers for names with "silent"

Each answer that there is is the address 192.0.2.53.
"""
import selectors
import socket
import struct
import sys
import threading
import time


def question_end(query):
    at = 12
    while query[at]:
        at += 1 + query[at]
    return at + 5


def answer(query, rcode=0, cut=False):
    end = question_end(query)
    kind, = struct.unpack_from("!H", query, end - 4)
    has_data = kind == 1 and rcode == 0 and not cut
    out = query[:2] + struct.pack("!5H", 0x8480 | cut << 9 | rcode, 1,
                                  int(has_data), 0, 0)
    out += query[12:end]
    if has_data:
        out += struct.pack("!HHHIH", 0xc00c, 1, 1, 300, 4)
        out += socket.inet_aton("192.0.2.53")
    return out


def serve_udp(address, behaviour):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        s.bind((address, 53))
        while True:
            query, client = s.recvfrom(4096)
            what, _, seconds = behaviour.partition(":")
            if what == "slow":
                threading.Timer(float(seconds), s.sendto,
                                (answer(query), client)).start()
            elif what == "servfail":
                s.sendto(answer(query, rcode=2), client)
            elif what in ("cut", "cutsilent"):
                s.sendto(answer(query, cut=True), client)
            elif what == "picky" and b"silent" not in query:
                s.sendto(answer(query), client)
            elif what == "garbage":
                s.sendto(query[:2] + b"\x84\0\0\1\xff\xff\xff\xff" +
                         b"\xc0\x0c" * 200, client)


def serve_tcp(address, behaviour):
    """One thread for all streams; those of a silent server stay open."""
    with socket.socket() as listener:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((address, 53))
        listener.listen(100)
        waiting = selectors.DefaultSelector()
        waiting.register(listener, selectors.EVENT_READ)
        while True:
            for key, _ in waiting.select():
                s = key.fileobj
                if s is listener:
                    waiting.register(s.accept()[0], selectors.EVENT_READ)
                    continue
                query = s.recv(4096)
                if len(query) > 14 and behaviour == "cut":
                    data = answer(query[2:])
                    s.sendall(struct.pack("!H", len(data)) + data)
                elif not query:
                    waiting.unregister(s)
                    s.close()


def main():
    for argument in sys.argv[1:]:
        address, _, behaviour = argument.partition("=")
        for serve in (serve_udp, serve_tcp):
            threading.Thread(target=serve, args=(address, behaviour),
                             daemon=True).start()
    while True:
        time.sleep(3600)


if __name__ == "__main__":
    main()
