"""How many sessions a client, its network and its site have: in all workers,
through kills and reloads, as limits and as facts."""
import os
import re
import signal

import pytest

from kit.process import wait_until
from kit.ruled import MESSAGE, client_at, ruled
from kit.running import admin, edit, stats

SEEN = """
on message {
	add header "X-Seen"
		"{client.sessions} {client.network.sessions} {client.site.sessions}"
}
"""


def sessions_by_worker(gateway):
    """{pid: sessions}, of those that are told."""
    text = admin(gateway, "status").stdout
    return {int(pid): int(n) for pid, n in re.findall(
        r"^worker \d+ pid=(\d+) state=\S+ sessions=(\d+)", text, re.M)}


def fill(gateway, source, limit):
    """Clients of one address up to the limit, some with each worker: the
    kernel chooses by their port."""
    clients = []
    while True:
        clients += [gateway.client(source=source)
                    for _ in range(limit - len(clients))]
        assert all(c.greeting == 220 for c in clients)
        held = wait_until(
            lambda: sum(sessions_by_worker(gateway).values()) ==
            len(clients) and sessions_by_worker(gateway),
            what="%d sessions" % len(clients))
        if all(held.values()):
            return clients
        for client in clients:
            client.quit()
        wait_until(lambda: stats(gateway)["sessions_open"] == 0)
        clients = []


def refused(gateway, source, tries=6):
    """By whichever worker."""
    return all(gateway.client(source=source).greeting == 421
               for _ in range(tries))


@pytest.mark.core
def test_a_limit_holds_over_all_workers(gateway):
    edit(gateway, "workers 2", "workers 2\nmax_sessions_per_network 6")
    gateway.start()
    clients = fill(gateway, "127.0.1.1", 6)
    assert refused(gateway, "127.0.1.1") and refused(gateway, "127.0.1.77")
    with gateway.client(source="127.0.2.1") as elsewhere:
        assert elsewhere.greeting == 220
    clients.pop().quit()
    wait_until(lambda: stats(gateway)["sessions_open"] == 5)
    clients.append(gateway.client(source="127.0.1.77"))
    assert clients[-1].greeting == 220
    assert refused(gateway, "127.0.1.77")
    s = stats(gateway)
    assert s["sessions_refused"] == 18 and s["sessions_uncounted"] == 0
    assert s["networks_counted"] > 0
    text = admin(gateway, "status").stdout
    # The kernel may have given all of them to one of the workers.
    assert len(re.findall(r" networks=\d+/\d{5} ", text)) == 2
    assert re.search(r" networks=[1-9]", text)


def test_a_killed_worker_takes_along_its_sessions(gateway):
    edit(gateway, "workers 2", "workers 2\nmax_sessions_per_network 6")
    gateway.start()
    clients = fill(gateway, "127.0.1.1", 6)
    held = sessions_by_worker(gateway)
    victim = max(held, key=held.get)
    os.kill(victim, signal.SIGKILL)
    gateway.wait_line("worker ended .*sessions-lost=%d" % held[victim])
    again = [gateway.client(source="127.0.1.2") for _ in range(held[victim])]
    assert all(c.greeting == 220 for c in again)
    assert refused(gateway, "127.0.1.3")
    for client in clients + again:
        client.close()
    wait_until(lambda: stats(gateway)["sessions_open"] == 0)
    assert stats(gateway)["networks_counted"] == 0


def test_a_reload_forgets_nobody(gateway):
    """The old workers' sessions count with the new ones', until they end or
    their worker is killed."""
    edit(gateway, "workers 2", "workers 2\nmax_sessions_per_network 6\n"
         "max_sessions 100")
    gateway.start()
    clients = fill(gateway, "127.0.1.1", 6)
    old = sessions_by_worker(gateway)
    edit(gateway, "max_sessions 100", "max_sessions 200")
    done = admin(gateway, "reload")
    assert done.returncode == 0, done.stdout
    assert '"max_sessions" is 200: sessions by network are counted up to ' \
        "100 a worker, until the next start\n" in done.stdout
    assert refused(gateway, "127.0.1.1")
    victim = max(old, key=old.get)
    os.kill(victim, signal.SIGKILL)
    gateway.wait_line("worker ended .*pid=%d .*sessions-lost=%d" % (
        victim, old[victim]))
    again = [gateway.client(source="127.0.1.1") for _ in range(old[victim])]
    assert all(c.greeting == 220 for c in again)
    assert refused(gateway, "127.0.1.1")
    for client in clients:
        client.close()
    wait_until(lambda: stats(gateway)["sessions_open"] == old[victim])
    again += [gateway.client(source="127.0.1.1")
              for _ in range(6 - old[victim])]
    assert all(c.greeting == 220 for c in again)
    assert refused(gateway, "127.0.1.1")
    assert stats(gateway)["sessions_uncounted"] == 0


@pytest.mark.parametrize("setting, inside, outside", [
    ("max_sessions_per_client 3",
     ["192.0.2.1"] * 3 + ["192.0.2.1"], "192.0.2.2"),
    ("max_sessions_per_client 3",
     ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"],
     "2001:db8:0:1::1"),
    ("max_sessions_per_network 3",
     ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"], "192.0.3.1"),
    ("max_sessions_per_network 3",
     ["2001:db8::1", "2001:db8::2", "2001:db8::3", "2001:db8::4"],
     "2001:db8:0:1::1"),
    ("max_sessions_per_site 3",
     ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"], "192.0.3.1"),
    ("max_sessions_per_site 3",
     ["2001:db8:0:%d::1" % n for n in range(4)], "2001:db8:1::1"),
], ids=["client-4", "client-6", "network-4", "network-6", "site-4", "site-6"])
def test_each_limit(start, setting, inside, outside):
    gateway = ruled(start, None, {"in": start.sink().url}, top=setting)
    clients = [client_at(gateway, ip) for ip in inside]
    assert [c.greeting.code for c in clients] == [220, 220, 220, 421]
    assert "Too many sessions from your network" in clients[3].greeting.text
    assert client_at(gateway, outside).greeting == 220
    clients[0].quit()
    wait_until(lambda: stats(gateway)["sessions_open"] == 3)
    assert client_at(gateway, inside[3]).greeting == 220


def test_facts(start):
    sink = start.sink()
    gateway = ruled(start, SEEN, {"in": sink.url})
    clients = []
    for address, want in (
            ("192.0.2.1", b"1 1 1"), ("192.0.2.1", b"2 2 2"),
            ("192.0.2.2", b"1 3 3"), ("192.0.3.1", b"1 1 1"),
            ("2001:db8::1", b"1 1 1"), ("2001:db8::2", b"2 2 2"),
            ("2001:db8:0:1::1", b"1 1 3"), ("2001:db8:1::1", b"1 1 1"),
            ("192.0.2.1", b"3 4 4")):
        client = client_at(gateway, address)
        clients.append(client)
        client.ehlo()
        assert client.mail(MESSAGE) == 250
        assert b"X-Seen: " + want + b"\r\n" in sink.messages[-1].data
    # Both workers had some of them.
    wait_until(lambda: len(sessions_by_worker(gateway)) == 2)


def test_rules_by_them(start):
    gateway = ruled(start, """
on connect {
	many: defer 450 4.7.1 "Too many sessions" when client.sessions > 2
	near: defer 450 4.7.1 "Too many near you"
		when client.network.sessions > 3
	site: defer 450 4.7.1 "Too many on your site"
		when client.site.sessions > 4
}
""", {"in": start.sink().url})

    def greeting(address, clients=[]):
        clients.append(client_at(gateway, address, at_once=True))
        return clients[-1].greeting.text
    assert [("near you" in g, "many sessions" in g) for g in (
        greeting("192.0.2.1"), greeting("192.0.2.1"), greeting("192.0.2.1"),
        greeting("192.0.2.2"))] == [(False, False), (False, False),
                                    (False, True), (True, False)]
    for n in range(4):
        assert "Too many" not in greeting("2001:db8:0:%d::1" % n)
    assert "Too many on your site" in greeting("2001:db8:0:9::1")


def told(gateway, address):
    """A session of a server in front that tells of this client; and whether it
    is let in."""
    client = gateway.client()
    assert client.greeting == 220
    client.ehlo()
    return client, client.cmd("XCLIENT ADDR=%s" % address)


def test_whom_a_server_in_front_tells(start):
    """Its sessions count for them, and it has no limit of its own."""
    gateway = start.gateway(
        {"in": "smtp://127.0.0.1:9"}, listener="\txclient 127.0.0.1\n",
        top="max_sessions_per_network 3")
    clients = [told(gateway, "192.0.%d.1" % n)[0] for n in range(6)]
    more = [told(gateway, "192.0.2.%d" % n) for n in (7, 8, 9)]
    assert [reply.code for _, reply in more] == [220, 220, 421]
    # One that becomes another client gives its place back.
    more[0][0].ehlo()
    assert more[0][0].cmd("XCLIENT ADDR=198.51.100.1") == 220
    client, reply = told(gateway, "192.0.2.9")
    assert reply == 220
    for one in clients + [client] + [c for c, _ in more]:
        one.close()
    wait_until(lambda: stats(gateway)["sessions_open"] == 0)
    assert stats(gateway)["networks_counted"] == 0
