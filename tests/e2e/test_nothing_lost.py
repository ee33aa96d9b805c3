"""Nothing that was acknowledged is lost, whatever dies meanwhile.

Clients in parallel sessions write down every 250 to a message. Meanwhile
workers get SIGKILL at random, the backend is killed and started again, and
the gateway reloads. In the end everything acknowledged must be held by the
backend, which writes each message down, with fsync, before it says 250.
"""
import glob
import itertools
import os
import random
import signal
import sys
import threading
import time

import pytest

from kit.client import Client, Closed
from kit.ports import free_port
from kit.process import Process, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))


class Ledger:
    """The backend of ledger.py, which may be killed and started again."""

    def __init__(self, work, lmtp=False):
        self.work, self.lmtp = work, lmtp
        self.port = free_port()
        self.path = os.path.join(work, "ledger")
        self.process = None
        self.start()

    @property
    def url(self):
        return "%s://127.0.0.1:%d" % ("lmtp" if self.lmtp else "smtp",
                                      self.port)

    def start(self):
        self.process = Process("ledger", [
            sys.executable, os.path.join(HERE, "kit/ledger.py"),
            str(self.port), self.path] + ["lmtp"] * self.lmtp,
            self.path + ".log")
        self.process.wait_listening(("127.0.0.1", self.port))

    def restart(self):
        self.process.kill()
        time.sleep(random.uniform(0, 0.3))
        self.start()

    def held(self):
        with open(self.path) as f:
            return set(f.read().split("\n"))

    def stop(self):
        if self.process.alive():
            self.process.kill()


class Maildir:
    """The embedded backend: files of a Maildir."""

    def __init__(self, path):
        self.path = path
        self.url = "maildir:" + path

    def held(self):
        idents = set()
        for name in glob.glob(self.path + "/new/*"):
            with open(name, "rb") as f:
                data = f.read()
            ident = data.partition(b"X-Ledger: ")[2].partition(b"\r\n")[0]
            whole = data.endswith(b"end " + ident + b"\r\n")
            idents.add(ident.decode() + ("" if whole else " cut"))
        return idents


class Clients:
    """Sessions in threads, each with 1 to 8 mails, some by BDAT."""

    def __init__(self, address, threads=8):
        self.address = address
        self.acknowledged, self.failures = [], []
        self.sessions = 0
        self.numbers = itertools.count(1)
        self.stopping = threading.Event()
        self.threads = [threading.Thread(target=self.run, args=(n,),
                                         daemon=True)
                        for n in range(threads)]
        for t in self.threads:
            t.start()

    def run(self, seed):
        chance = random.Random(seed)
        while not self.stopping.is_set():
            self.sessions += 1
            try:
                self.session(chance)
            except (OSError, Closed, AssertionError) as e:
                # The gateway or a worker of it went away: we keep the mail.
                self.failures.append(repr(e))
                time.sleep(0.02)

    def session(self, chance):
        with Client(self.address, timeout=30) as client:
            if client.greeting != 220:
                self.failures.append(repr(client.greeting))
                return
            client.ehlo()
            for _ in range(chance.randint(1, 8)):
                self.mail(client, chance)
                if self.stopping.is_set():
                    break
            client.quit()

    def mail(self, client, chance):
        ident = "%d" % next(self.numbers)
        body = b"0123456789abcde\r\n" * chance.choice((1, 10, 300, 30000))
        text = b"X-Ledger: %s\r\n\r\n%send %s\r\n" % (
            ident.encode(), body, ident.encode())
        reply = client.mail(text, how=chance.choice(("DATA", "BDAT")))
        if reply == 250:
            self.acknowledged.append(ident)
            return
        self.failures.append(repr(reply))
        # Whatever fails here fails for now: it is never the mail's fault.
        assert reply.code < 500, reply
        if client.cmd("RSET") != 250:
            raise Closed

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join(60)
            assert not t.is_alive(), "a session hangs"


class Chaos:
    """Does something now and then, until told to stop."""

    def __init__(self, *deeds):
        """Each deed: (function, least and most seconds between two, how
        often it has to happen)."""
        self.stopping = threading.Event()
        self.left = [deed[3] for deed in deeds]
        self.error = None
        self.threads = [threading.Thread(target=self.run, args=(i, *d),
                                         daemon=True)
                        for i, d in enumerate(deeds)]
        for t in self.threads:
            t.start()

    def run(self, i, deed, least, most, _):
        try:
            while not self.stopping.wait(random.uniform(least, most)):
                deed()
                self.left[i] -= 1
        except Exception as e:
            self.error = e

    def enough(self):
        return self.error or max(self.left) <= 0

    def stop(self):
        self.stopping.set()
        for t in self.threads:
            t.join(60)
        if self.error:
            raise self.error


def kill_a_worker(gateway):
    workers = gateway.workers_alive()
    if workers:
        try:
            os.kill(random.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            pass


def finish(clients, chaos, count, seconds):
    """Runs until `count` messages were acknowledged and enough was done
    against it."""
    try:
        wait_until(lambda: chaos.error or chaos.enough() and
                   len(clients.acknowledged) >= count,
                   seconds, "%d acknowledged messages" % count)
    finally:
        chaos.stop()
        clients.stop()


@pytest.mark.parametrize("kind, count", (
    pytest.param("smtp", 2500, marks=pytest.mark.core),
    ("lmtp", 1000), ("maildir", 1000)))
def test_kills_restarts_and_reloads(start, work, kind, count):
    gateway = start.gateway({"in": "maildir:unused"}, workers=3, start=False)
    if kind == "maildir":
        backend = Maildir(gateway.own_folder("Maildir"))
    else:
        backend = start.keep(Ledger(work, lmtp=kind == "lmtp"))
    gateway.configure(gateway.text(
        {"in": backend.url}, top="max_sessions_per_network 0",
        backend="\tretry_time 100ms\n\tprobe_interval 1s"))
    gateway.start()
    deeds = [(lambda: kill_a_worker(gateway), 0.1, 0.8, 20),
             (gateway.reload, 0.5, 2, 8)]
    if kind != "maildir":
        deeds.append((backend.restart, 0.5, 2, 8))
    clients = Clients(gateway.address)
    finish(clients, Chaos(*deeds), count, 150)
    gateway.stop()

    held = backend.held()
    missing = [i for i in clients.acknowledged if i not in held]
    print("%d sessions, %d acknowledged, %d held, %d failures" % (
        clients.sessions, len(clients.acknowledged), len(held),
        len(clients.failures)))
    assert missing == []
    # There was something to survive.
    assert clients.failures


def test_reloads_fail_no_session(start, work):
    """20 reloads under load, nothing killed: every session ends well."""
    backend = start.keep(Ledger(work))
    gateway = start.gateway({"in": backend.url}, workers=3,
                            top="max_sessions_per_network 0")
    clients = Clients(gateway.address)
    for n in range(20):
        started = len(clients.acknowledged)
        gateway.reload()
        gateway.wait_line("reload", count=n + 1)
        wait_until(lambda: len(clients.acknowledged) > started + 10,
                   what="messages after reload %d" % n)
    wait_until(lambda: len(clients.acknowledged) >= 2000, 120,
               "2000 messages")
    clients.stop()
    assert clients.failures == []
    held = backend.held()
    assert [i for i in clients.acknowledged if i not in held] == []
    gateway.stop()
    held = backend.held()
    assert len(held - {""}) == len(clients.acknowledged)
