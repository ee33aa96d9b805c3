"""The HTTP server and those who are slow, many, or both; mail does not
notice."""
import os
import socket
import time

import pytest

from kit.process import wait_until
from kit.running import (
    MAIL, cpu_seconds, deliver, has_seccomp, limit_descriptors)
from kit.web import HOST, connect, get, read_all, server, shown

MANY = 100


@pytest.fixture
def gateway(start):
    return shown(start).start()


def scrape_and_mail(gateway):
    for _ in range(5):
        assert get(gateway.web, "/metrics").status == 200
    with gateway.client() as client:
        assert deliver(client) == 250


def descriptors(pid):
    return len(os.listdir("/proc/%d/fd" % pid))


def test_slow_writers(gateway):
    """Who sends an octet now and then has 5 seconds for all of it, and gives
    way at once where there are many."""
    before = descriptors(server(gateway))
    socks = [connect(gateway.web) for _ in range(MANY)]
    for i in range(8):
        for sock in socks:
            try:
                sock.sendall(b"GET /metrics HTTP/1.1\r\n"[i:i + 1])
            except OSError:
                pass		# it gave way
        scrape_and_mail(gateway)
        time.sleep(0.1)
    assert descriptors(server(gateway)) <= before + 40
    for sock in socks:
        answer = read_all(sock)
        assert answer == b"" or answer.startswith(b"HTTP/1.1 408 ")
        sock.close()
    wait_until(lambda: descriptors(server(gateway)) <= before + 1,
               what="the slow ones to be gone")


def test_a_slow_request_is_told_so(gateway):
    began = time.monotonic()
    with connect(gateway.web) as sock:
        for octet in b"GET /metrics HTTP/1.1\r\nHost: localhost":
            if time.monotonic() - began > 4:
                break
            sock.sendall(bytes([octet]))
            time.sleep(0.2)
        assert read_all(sock).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - began < 25


def test_slow_readers(gateway):
    """The last mails are more than the kernel takes off the process."""
    with gateway.client() as client:
        client.ehlo()
        for _ in range(300):
            assert client.mail(MAIL) == 250
    pid = server(gateway)
    before = descriptors(pid)
    socks = []
    for _ in range(MANY):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)
        sock.settimeout(20)
        sock.connect(("127.0.0.1", gateway.web))
        sock.sendall(b"GET /transactions.json?limit=1000 HTTP/1.1\r\n" +
                     HOST + b"\r\n")
        socks.append(sock)
    for _ in range(8):
        for sock in socks:
            try:
                sock.recv(100)
            except OSError:
                pass
        scrape_and_mail(gateway)
    assert descriptors(pid) <= before + 40
    with open("/proc/%d/status" % pid) as f:
        rss = int(f.read().split("VmRSS:")[1].split()[0])
    if has_seccomp():		# a sanitizer keeps what was freed
        assert rss < 60000, "%d KiB for slow readers" % rss
    for sock in socks:
        sock.close()
    wait_until(lambda: descriptors(pid) <= before + 1,
               what="the slow ones to be gone")
    assert server(gateway) == pid


def test_many_at_once_get_one_rendering(gateway):
    began = time.monotonic()
    socks = [connect(gateway.web) for _ in range(30)]
    for sock in socks:
        sock.sendall(b"GET /stats.json HTTP/1.1\r\n" + HOST + b"\r\n")
    bodies = {read_all(sock).partition(b"\r\n\r\n")[2] for sock in socks}
    # One for each second that has begun, however late they were asked for.
    assert 1 <= len(bodies) <= 2 + time.monotonic() - began
    for sock in socks:
        sock.close()


def test_hammered(gateway):
    """A thousand requests behind each other; mail goes on."""
    for i in range(1000):
        assert get(gateway.web, "/transactions.json" if i % 2 else
                   "/metrics").status == 200
        if i % 100 == 0:
            with gateway.client() as client:
                assert deliver(client) == 250


def test_out_of_descriptors(gateway):
    pid = server(gateway)
    used = descriptors(pid)
    limit_descriptors(pid, used + 4)
    socks = [connect(gateway.web) for _ in range(12)]
    wait_until(lambda: descriptors(pid) >= used + 3, what="it to be full")
    before = cpu_seconds(pid)
    time.sleep(2)
    spent = cpu_seconds(pid) - before
    assert spent < 0.3, "%g s of processor time in 2 s" % spent
    assert len(gateway.lines("statistics: accepting rests")) == 1
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MAIL) == 250
    for sock in socks:
        sock.close()
    assert get(gateway.web, "/healthz").status == 200
    assert server(gateway) == pid
