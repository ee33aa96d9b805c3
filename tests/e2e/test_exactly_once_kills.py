"""Workers and whole gateways die at random while mails for several recipients
go to an LMTP backend: none is lost, nobody is told that a mail failed which did
not, and who has two copies has them because the kill fell between the backend's
answer and the record of it."""
import collections
import heapq
import os
import random
import re
import signal
import socket
import struct
import threading
import time

import pytest

from kit.client import Closed
from kit.fates import Backend, Mail, attempt, is_refused
from kit.process import wait_until
from kit.running import stats

THREADS = 8
OUTCOMES = ("ok", "ok", "ok", "later", "no")
# The record follows the answer at once, but this machine may be busy.
AT_MOST = 1.0
# An answer of which the worker died soon is made likelier by so many.
AIMED_AT = 0.04


class Copy:
    """One recipient has got one; who brought it, and when."""

    def __init__(self, rcpt, pid, session):
        self.rcpt, self.pid, self.session = rcpt, pid, session
        self.when = time.monotonic()


class Killer:
    """Kills at random, some of them right behind an answer of the backend."""

    def __init__(self, gateways, seed):
        self.gateways, self.chance = gateways, random.Random(seed)
        self.kills = collections.defaultdict(list)	# pid -> when
        self.aimed = self.workers = self.whole = 0
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self.run, daemon=True)

    def kill(self, pid):
        with self.lock:
            if self.is_over.is_set():
                return False
            self.kills[pid].append(time.monotonic())
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                self.kills[pid].pop()
                return False
        return True

    def may_kill(self, pid):
        """Called where a worker is about to read that it was done."""
        if self.thread.is_alive() and self.chance.random() < AIMED_AT:
            threading.Timer(self.chance.uniform(0, 0.004), self.aim,
                            (pid,)).start()

    def aim(self, pid):
        self.aimed += self.kill(pid)

    def run(self):
        try:
            turn = 0
            while not self.is_over.wait(self.chance.uniform(0.1, 0.4)):
                turn += 1
                gateway = self.chance.choice(self.gateways)
                if turn % 15 == 9:
                    self.kill_all_of(gateway)
                    continue
                workers = gateway.workers_alive()
                if workers:
                    self.workers += self.kill(self.chance.choice(workers))
        except Exception as e:
            self.error = e

    def kill_all_of(self, gateway):
        gateway.process.signal(signal.SIGSTOP)	# it makes no new ones
        workers = gateway.workers_alive()
        for pid in workers:
            self.kill(pid)
        gateway.process.kill()
        wait_until(lambda: not any(os.path.exists("/proc/%d" % pid)
                                   for pid in workers), what="an end")
        self.whole += 1
        gateway.start()

    def has_done_enough(self):
        return self.workers + self.aimed >= 30 and self.whole > 0

    def stop(self):
        self.is_over.set()
        self.thread.join(30)
        if self.error:
            raise self.error


class Watched(Backend):
    """It knows which worker it talks to, and what it has told whom."""

    def __init__(self, path):
        super().__init__(path=path)
        os.chmod(path, 0o777)
        self.made, self.killer = [], None
        self.before_message_reply = self.look_and_work

    def look_and_work(self, message):
        message.pid, = struct.unpack("i8x", message.session.sock.getsockopt(
            socket.SOL_SOCKET, socket.SO_PEERCRED, 12))
        time.sleep(random.uniform(0, 0.02))

    def keep(self, message):
        """Whoever is dead by now gets no answer, so there is no copy."""
        session = re.search(rb"\sid (\w+)", message.data).group(1).decode()
        with self.killer.lock:
            if self.killer.kills[message.pid]:
                raise ConnectionError
            self.made += [Copy(r, message.pid, session)
                          for r in message.taken]
        self.killer.may_kill(message.pid)


class Senders:
    """Threads that bring mails, `count` and until enough was done against them,
    and come again with what was not done: for those who were told nothing, or
    to come again, as a mail server does."""

    def __init__(self, gateways, count, seed, disturber):
        self.gateways, self.count = gateways, count
        self.disturber = disturber
        self.chance = random.Random(seed)
        self.mails, self.done = [], {}		# recipient -> last reply
        self.later = []		# (when, number, mail, recipients, wait)
        self.tries = self.open = 0
        self.lock = threading.Lock()
        self.is_over = threading.Event()
        self.threads = [threading.Thread(target=self.run, daemon=True)
                        for _ in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def are_all(self):
        return len(self.mails) >= self.count and \
            self.disturber.has_done_enough()

    def next(self):
        with self.lock:
            self.tries += 1
            if self.later and self.later[0][0] < time.monotonic():
                return heapq.heappop(self.later)[2:]
            if not self.are_all():
                mail = Mail("k%d" % len(self.mails), self.chance.choices(
                    OUTCOMES, k=self.chance.randint(1, 3)))
                self.mails.append(mail)
                self.open += 1
                return mail, mail.rcpts, 0.2
            self.tries -= 1
            return None

    def run(self):
        while not self.is_over.is_set():
            job = self.next()
            if job:
                self.send(*job)
            time.sleep(random.uniform(0, 0.1) if job else 0.02)

    def send(self, mail, rcpts, wait):
        try:
            replies = attempt(random.choice(self.gateways).address, mail,
                              rcpts)
        except (OSError, Closed):
            replies = {}
        left = [r for r in rcpts
                if r not in replies or replies[r].code // 100 == 4]
        with self.lock:
            self.done.update((r, replies[r]) for r in rcpts if r not in left)
            if not left:
                self.open -= 1
                return
            heapq.heappush(self.later, (
                time.monotonic() + wait, random.random(), mail, left,
                min(wait * 1.5, 2)))

    def stop(self):
        self.is_over.set()
        for thread in self.threads:
            thread.join(40)


def check_copies(copies, killer, text):
    """Who has more than one; the longest time from the answer to the kill."""
    finished = set(re.findall(
        r" (\w+) mail done .* outcome=(?:delivered|mixed)", text))
    by_rcpt = collections.defaultdict(list)
    for copy in copies:
        by_rcpt[copy.rcpt].append(copy)
    twice, longest = 0, 0.0
    for copies in by_rcpt.values():
        for copy in copies[:-1]:
            twice += 1
            gaps = [when - copy.when for when in killer.kills[copy.pid]
                    if when >= copy.when]
            assert gaps and min(gaps) < AT_MOST, (
                copy.__dict__, killer.kills[copy.pid])
            assert copy.session not in finished, copy.__dict__
            longest = max(longest, min(gaps))
    return by_rcpt, twice, longest


def gateways_before(start, backend, store):
    """One with LMDB, or two that share a Redis."""
    address = start.redis().url if store == "redis" else "lmdb:var/store"
    gateways = []
    for _ in range(2 if store == "redis" else 1):
        gateway = start.gateway(
            {"in": backend.url}, workers=6, start=False,
            top='max_sessions_per_network 0\nstore { address "%s" }' %
            address, backend="\tretry_time 100ms")
        gateway.own_folder("var")
        gateways.append(gateway.start())
    return gateways


def send_under(gateways, disturber, count, seed):
    """Brings so many mails while somebody disturbs, and to the end without."""
    senders = Senders(gateways, count, seed, disturber)
    try:
        wait_until(lambda: disturber.error or senders.are_all(), 90, "mails")
        disturber.stop()
        # What was under way when its worker died stays claimed for 30 s.
        wait_until(lambda: senders.open == 0, 60, "all replies")
    finally:
        disturber.is_over.set()
        senders.stop()
    for gateway in gateways:
        assert stats(gateway)["delivery_memory_failed"] == 0
    return senders


def expect_told(senders, have):
    for mail in senders.mails:
        for rcpt in mail.rcpts:
            reply = senders.done[rcpt]
            if is_refused(rcpt):
                assert rcpt not in have, rcpt
                assert mail.tells_refusal(rcpt, repr(reply)), (rcpt, reply)
            else:
                assert reply == 250 and have[rcpt], (rcpt, reply)


@pytest.mark.parametrize("store, count", (("lmdb", 1000), ("redis", 500)))
def test_killed_at_random(start, work, store, count):
    backend = start.keep(Watched(os.path.join(work, "lmtp")))
    gateways = gateways_before(start, backend, store)
    seed = random.randrange(1 << 32)
    print("seed %d" % seed)
    killer = backend.killer = Killer(gateways, seed)
    killer.thread.start()
    senders = send_under(gateways, killer, count, seed)
    text = "".join(gateway.process.text() for gateway in gateways)
    have, twice, longest = check_copies(backend.made, killer, text)
    expect_told(senders, have)
    print("%s: %d mails, %d recipients, %d tries; killed: %d workers, %d aimed "
          "at, %d gateways; %d copies too many, %.4f s at most from answer to "
          "kill" % (store, len(senders.mails), len(senders.done),
                    senders.tries, killer.workers, killer.aimed,
                    killer.whole, twice, longest))


class Restarter(Killer):
    """Nobody dies: gateways reload, and stop and start as they are told to."""

    def run(self):
        try:
            while not self.is_over.wait(self.chance.uniform(0.1, 0.5)):
                gateway = self.chance.choice(self.gateways)
                if self.chance.random() < 0.7:
                    gateway.reload()
                    self.workers += 1
                    continue
                assert gateway.process.stop() == 0
                gateway.start()
                self.whole += 1
        except Exception as e:
            self.error = e

    def may_kill(self, pid):
        pass

    def has_done_enough(self):
        return self.workers > 2 and self.whole > 0


@pytest.mark.parametrize("store", ("lmdb", "redis"))
def test_reloaded_and_restarted(start, work, store):
    """No copy is too many then."""
    backend = start.keep(Watched(os.path.join(work, "lmtp")))
    gateways = gateways_before(start, backend, store)
    seed = random.randrange(1 << 32)
    print("seed %d" % seed)
    restarter = backend.killer = Restarter(gateways, seed)
    restarter.thread.start()
    senders = send_under(gateways, restarter, 400, seed)
    have = collections.Counter(copy.rcpt for copy in backend.made)
    expect_told(senders, have)
    assert max(have.values()) == 1
    print("%s: %d mails, %d tries, %d reloads, %d restarts" % (
        store, len(senders.mails), senders.tries, restarter.workers,
        restarter.whole))
