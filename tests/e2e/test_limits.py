"""Limits: sessions, networks, stress, descriptors; what status says."""
import os
import re
import time

import pytest

from kit.process import wait_until
from kit.running import (
    admin, stats, edit, limit_descriptors, cpu_seconds, deliver)


def test_max_sessions(gateway):
    edit(gateway, "workers 2", "workers 1\nmax_sessions 5")
    gateway.start()
    clients = [gateway.client() for _ in range(5)]
    refused = gateway.client()
    assert refused.greeting == 421 and refused.closed()
    assert refused.greeting.text.startswith("gw.e2e.test ")
    assert deliver(clients[0]) == 250
    clients[0].quit()
    wait_until(lambda: stats(gateway)["sessions_open"] == 4)
    assert deliver(gateway.client()) == 250
    s = stats(gateway)
    assert s["sessions_refused"] == 1 and s["sessions"] == 6


def test_max_sessions_per_network(gateway):
    edit(gateway, "workers 2", "workers 1\nmax_sessions_per_network 3")
    gateway.start()
    near = [gateway.client(source="127.0.0.%d" % n) for n in (1, 2, 3)]
    assert gateway.client(source="127.0.0.4").greeting == 421
    assert gateway.client(source="127.0.1.1").greeting == 220
    near[0].quit()
    wait_until(lambda: stats(gateway)["sessions_open"] == 2)
    assert gateway.client(source="127.0.0.4").greeting == 220


def test_networks_behind_a_load_balancer(gateway):
    """It may have as many sessions as it likes; its clients may not."""
    edit(gateway, "workers 2", "workers 1\nmax_sessions_per_network 2\n"
         "proxy_protocol 127.0.0.0/8")
    gateway.start()

    def behind(ip):
        return gateway.client(before=b"PROXY TCP4 %s 192.0.2.9 4000 25\r\n" %
                              ip.encode())
    clients = [behind("198.51.%d.1" % n) for n in range(6)]
    clients.append(behind("198.51.0.2"))
    assert all(c.greeting == 220 for c in clients)
    assert behind("198.51.0.3").greeting == 421
    clients[0].quit()
    wait_until(lambda: stats(gateway)["sessions_open"] == 6)
    assert behind("198.51.0.3").greeting == 220


def test_stress(gateway):
    """Above the mark a network gets a quarter of its sessions."""
    edit(gateway, "workers 2", "workers 1\nmax_sessions 20\nstress_at 50%\n"
         "max_sessions_per_network 8")
    gateway.start()
    one = [gateway.client(source="127.0.1.1") for _ in range(3)]
    rest = [gateway.client(source="127.0.%d.1" % n) for n in range(2, 9)]
    assert gateway.wait_line("stress begins sessions=10")
    assert gateway.client(source="127.0.1.1").greeting == 421
    assert gateway.client(source="127.0.9.1").greeting == 220
    assert stats(gateway)["stress"] == 1
    for client in rest:
        client.quit()
    gateway.wait_line("stress is over")
    assert gateway.client(source="127.0.1.1").greeting == 220
    for client in one:
        assert client.cmd("NOOP") == 250


@pytest.mark.core
def test_out_of_descriptors(gateway):
    edit(gateway, "workers 2", "workers 1")
    gateway.start()
    [worker] = gateway.workers_alive()
    used = len(os.listdir("/proc/%d/fd" % worker))
    limit_descriptors(worker, used + 10)
    clients = [gateway.client(greet=False) for _ in range(30)]
    [line] = gateway.wait_line("accepting rests: Too many open files")
    before, began = cpu_seconds(worker), time.monotonic()
    wait_until(lambda: time.monotonic() > began + 2)
    assert cpu_seconds(worker) - before < 0.4
    assert stats(gateway)["accept_rests"] > 1
    assert len(gateway.lines("accepting rests")) == 1	# told once
    # Every one of them is served in the end.
    for client in clients:
        assert client.reply() == 220
        client.quit()
    assert gateway.workers_alive() == [worker]
    assert gateway.client().greeting == 220


def test_status(gateway):
    gateway.start()
    client = gateway.client()
    assert deliver(client) == 250
    text = admin(gateway, "status").stdout
    assert re.search(r"^forepost \S+ pid=%d state=running up=\d+s "
                     r"generation=1 configuration=%s$" % (gateway.process.pid,
                                             gateway.conf), text, re.M)
    assert "\nlistening 127.0.0.1:%d\n" % gateway.port in text
    workers = re.findall(r"^worker (\d) pid=(\d+) state=running sessions=(\d)",
                         text, re.M)
    assert sorted(int(w[1]) for w in workers) == \
        sorted(gateway.workers_alive())
    assert sum(int(w[2]) for w in workers) == 1
    # Each worker finds out for itself.
    wait_until(lambda: len(re.findall(
        "^  in smtp://.* up ", admin(gateway, "status").stdout, re.M)) == 2,
        what="both workers to know the backend")
    plain = admin(gateway, "stats").stdout
    assert "\nmails_delivered 1\n" in plain
    gateway.stop()
    gone = admin(gateway, "status")
    assert gone.returncode == 3 and "is Forepost running?" in gone.stdout
