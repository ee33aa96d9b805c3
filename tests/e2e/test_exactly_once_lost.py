"""Replies that are lost, of the client and of the backend, tries that meet, and
a store that is lost: each recipient has the mail once, or it is told why not."""
import collections
import itertools
import threading
import time

import pytest

from kit.client import stuff
from kit.fates import AT_RCPT, OUTCOMES, Backend, Mail, attempt, is_refused, \
    mixes
from kit.process import PATIENCE, wait_until
from kit.ruled import proxy_line
from kit.running import stats

SOON = "\tretry_time 100ms"
ON_ITS_WAY = "on its way"


def gateways_before(start, backend, store, soon=SOON, **options):
    """One with LMDB, or two that share a Redis."""
    address = start.redis().url if store == "redis" else "lmdb:var/store"
    made = []
    for _ in range(2 if store == "redis" else 1):
        gateway = start.gateway(
            {"in": backend.url}, start=False, backend=soon,
            top='max_sessions_per_network 0\n'
            'store { address "%s" timeout 5s }' % address, **options)
        gateway.own_folder("var")
        made.append(gateway.start())
    return made


class Gate:
    """The backend has the message, and says nothing until it is opened."""

    def __init__(self, backend):
        self.is_open, self.waiting = threading.Event(), 0
        self.lock = threading.Lock()
        backend.before_message_reply = self.pass_through

    def pass_through(self, _):
        with self.lock:
            self.waiting += 1
        assert self.is_open.wait(PATIENCE)


def bring(gateways, mail, seconds=PATIENCE, networks=(None,)):
    """Tries until all is told, over one gateway after the other, and from one
    network after the other: recipient -> last reply, and how many tries it
    took."""
    told, left, tries = {}, mail.rcpts, 0
    turns, end = itertools.cycle(gateways), time.monotonic() + seconds
    networks = itertools.cycle(networks)
    while left:
        assert time.monotonic() < end, (left, told)
        tries += 1
        network = next(networks)
        replies = attempt(
            next(turns).address, mail, left, before=b"PROXY %s\r\n" %
            proxy_line(network).encode() if network else b"")
        told.update(replies)
        left = [r for r in left if replies[r].code // 100 == 4]
        time.sleep(0.05 if left else 0)
    return told, tries


def expect_told(mail, told):
    for rcpt in mail.rcpts:
        if is_refused(rcpt):
            assert mail.tells_refusal(rcpt, repr(told[rcpt])), told[rcpt]
        else:
            assert told[rcpt] == 250, told[rcpt]


def expect_once(backend, mails):
    may = [r for m in mails for r in m.rcpts if not is_refused(r)]
    assert backend.copies() == sorted(may)


# --- the client does not read its reply ---

def send_and_wait_for_nothing(gateway, mail):
    client = gateway.client()
    client.ehlo()
    client.cmd("MAIL FROM:<%s> SIZE=%d" % (mail.sender, len(mail.text)))
    for rcpt in mail.rcpts:
        assert client.cmd("RCPT TO:<%s>" % rcpt) == 250
    assert client.cmd("DATA") == 354
    client.send(stuff(mail.text) + b".\r\n")
    return client


@pytest.mark.parametrize("store", ("lmdb", "redis"))
@pytest.mark.parametrize("how", ("closes", "resets", "is deaf"))
def test_client_leaves(start, store, how):
    """At once, and while the backend has the message; then it comes again, to
    the other gateway if there are two."""
    backend = start.keep(Backend())
    gateways = gateways_before(start, backend, store)
    mails = mixes("l", (1, 2)) + [Mail("both", ("ok", "later", "no"))]
    clients = []
    for turn, mail in enumerate(mails):
        gate = Gate(backend)
        client = send_and_wait_for_nothing(gateways[0], mail)
        clients.append(client)
        if turn % 2 or how == "resets":
            wait_until(lambda: gate.waiting, what="the message")
        if how != "is deaf":
            (client.close if how == "closes" else client.reset)()
        gate.is_open.set()
        gateways[0].wait_line("mail done .*from=<%s>" % mail.sender)
    tries = 0
    for mail in mails:
        told, n = bring(gateways[::-1], mail)
        expect_told(mail, told)
        if all(r.startswith("ok") for r in mail.rcpts):
            assert n == 1 and told[mail.rcpts[0]].text.startswith(
                "2.0.0 kept for " + mail.rcpts[0])
        tries += n
    expect_once(backend, mails)
    recalled = sum(stats(g)["deliveries_recalled"] for g in gateways)
    print("%d mails, %d tries more, %d recalled" % (len(mails), tries,
                                                    recalled))
    for client in clients:
        client.close()


# --- the next try comes from elsewhere ---

@pytest.mark.parametrize("store", ("lmdb", "redis"))
def test_each_try_from_another_network(start, store):
    """As from a big sender's many machines, who all may send for him."""
    backend = start.keep(Backend())
    start.resolver().records[("sender.test", "TXT")] = [
        "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 ip4:203.0.113.0/24 "
        "ip6:2001:db8::/32 -all"]
    gateways = gateways_before(start, backend, store,
                               listener="\tproxy_protocol 127.0.0.1\n")
    mails = mixes("n", (1, 2, 3)) + mixes("r", (2,), OUTCOMES + AT_RCPT)
    most = 0
    for mail in mails:
        told, tries = bring(gateways, mail, networks=[
            "192.0.2.1", "198.51.100.1", "203.0.113.1", "2001:db8::1"])
        expect_told(mail, told)
        most = max(most, tries)
    expect_once(backend, mails)
    print("%d mails, %d tries at most" % (len(mails), most))


def test_at_the_other_gateway_at_once(start):
    """It has just looked whether anything is noted of any mail: nothing was.
    But who has got it meanwhile is not told that his box is full."""
    backend = start.keep(Backend())
    one, two = gateways_before(start, backend, "redis", workers=1)
    before, mail = Mail("before", ("ok",)), Mail("full", ("fills", "later"))
    expect_told(before, attempt(two.address, before))
    assert {r.code for r in attempt(one.address, mail).values()} == {451}
    expect_told(mail, attempt(two.address, mail))
    expect_once(backend, [before, mail])


# --- the same mail twice at the same time ---

@pytest.mark.parametrize("store", ("lmdb", "redis"))
def test_a_try_while_another_is_on_its_way(start, store):
    backend = start.keep(Backend())
    gateways = gateways_before(start, backend, store)
    mail, gate = Mail("twice", ("ok", "ok")), Gate(backend)
    first = send_and_wait_for_nothing(gateways[0], mail)
    wait_until(lambda: gate.waiting, what="the message")
    for gateway in gateways * 2:
        replies = attempt(gateway.address, mail)
        for reply in replies.values():
            assert reply == 451 and ON_ITS_WAY in reply.text
    gate.is_open.set()
    said = first.reply()
    assert said == 250
    first.close()
    told, tries = bring(gateways[::-1], mail)
    assert tries == 1 and told[mail.rcpts[0]].text == said.text
    expect_once(backend, [mail])
    assert sum(stats(g)["deliveries_met"] for g in gateways) == \
        2 * 2 * len(gateways)


@pytest.mark.parametrize("store", ("lmdb", "redis"))
def test_many_at_the_same_time(start, store):
    """Eight senders with the same mails, all in the same order."""
    backend = start.keep(Backend())
    gateways = gateways_before(start, backend, store, workers=3)
    mails = mixes("m", (1, 2, 3))
    together = threading.Barrier(8)
    failures, tries = [], collections.Counter()

    def send(turn):
        try:
            for mail in mails:
                together.wait(60)
                told, n = bring(gateways[turn % 2:] + gateways[:turn % 2],
                                mail)
                tries[turn] += n
                expect_told(mail, told)
        except Exception as e:
            failures.append(e)
            together.abort()
    threads = [threading.Thread(target=send, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(100)
    assert not failures, failures
    expect_once(backend, mails)
    met = sum(stats(g)["deliveries_met"] for g in gateways)
    print("%d mails by 8 senders: %d tries, %d met another" % (
        len(mails), sum(tries.values()), met))
    assert met > 0


# --- the backend's reply is lost ---

def test_backend_leaves_behind_the_dot(start):
    """It may have taken it: 451, and it gets it again."""
    backend = start.keep(Backend())
    gateway, = gateways_before(start, backend, "lmdb")
    lost, mail = [], Mail("gone", ("ok", "ok"))

    def take_and_leave(message):
        if not lost:
            lost.append(message)
            raise ConnectionError
    backend.before_message_reply = take_and_leave
    replies = attempt(gateway.address, mail)
    assert [r.code for r in replies.values()] == [451, 451]
    gateway.wait_line("reply lost after the end of the message")
    told, tries = bring([gateway], mail)
    expect_told(mail, told)
    assert tries == 1 and lost[0].rcpts == mail.rcpts
    expect_once(backend, [mail])		# besides what was lost


def test_backend_falls_silent_between_replies(start):
    """Who was told is not delivered again, the other one is."""
    backend = start.keep(Backend())
    gateway, = gateways_before(start, backend, "lmdb",
                               SOON + "\n\tdata_timeout 2s")
    mail = Mail("cut", ("ok", "ok", "no", "silent"))
    replies = attempt(gateway.address, mail)
    assert {r.code for r in replies.values()} == {451}
    told, tries = bring([gateway], mail)
    expect_told(mail, told)
    assert tries == 1
    expect_once(backend, [mail])


# --- the store is lost ---

def fill(redis):
    redis.say("SET", "ballast", b"x" * 4000000)
    redis.say("CONFIG", "SET", "maxmemory", "1mb")


def empty(redis):
    redis.say("DEL", "ballast")
    redis.say("CONFIG", "SET", "maxmemory", "100mb")


LOSSES = {
    "killed": (lambda r: r.kill(), lambda r: r.start(), "store is down"),
    "frozen": (lambda r: r.freeze(), lambda r: r.thaw(), "store is down"),
    "full": (fill, empty, "store takes no changes"),
}


@pytest.mark.parametrize("loss", LOSSES)
def test_store_is_lost_between_two_tries(start, loss):
    """Mails flow on, and nobody is refused for it. Who has had a mail of mixed
    outcome may get it once more; what was not told yet is told in the end."""
    lose, regain, line = LOSSES[loss]
    backend, redis = start.keep(Backend()), start.redis()
    gateway = start.gateway(
        {"in": backend.url}, workers=1, start=False, backend=SOON,
        top='store { address "%s" timeout 300ms }' % redis.url).start()
    mixed = ("ok", "later", "no")
    before, meanwhile = Mail("before", mixed), Mail("meanwhile", mixed)
    assert {r.code for r in attempt(gateway.address, before).values()} == {451}
    lose(redis)
    longest = 0.0
    for mail in (before, meanwhile, meanwhile):
        began = time.monotonic()
        replies = attempt(gateway.address, mail)
        longest = max(longest, time.monotonic() - began)
        for rcpt, reply in replies.items():
            # Of the full one all that is known can be read.
            assert reply == 451 or loss == "full" and mail is before, rcpt
    for outcome in ("ok", "later", "no"):
        alone = Mail("alone", (outcome,))
        expect_told(alone, bring([gateway], alone)[0])
    assert longest < 5
    wait_until(lambda: gateway.lines(line))
    failed = stats(gateway)["delivery_memory_failed"]
    assert failed > 0
    assert gateway.lines("mail done .*outcome=mixed .*memory=")
    regain(redis)
    wait_until(lambda: attempt(gateway.address, Mail("see", ("ok",))) and
               gateway.lines("store is back"), what="the store")
    for mail in (before, meanwhile):
        told, _ = bring([gateway], mail)
        expect_told(mail, told)
    after = mixes("after", (2,))
    for mail in after:
        expect_told(mail, bring([gateway], mail)[0])
    count = collections.Counter(backend.copies())
    for mail in after:
        for rcpt in mail.rcpts:
            assert count.pop(rcpt, 0) == (not is_refused(rcpt)), rcpt
    assert not any(map(is_refused, count))
    del count["ok.see.0@far.test"]
    assert count["ok.meanwhile.0@far.test"] > 1
    assert len(gateway.lines(line)) == len(gateway.lines("store is back")) == 1
    print("%s: %d times not asked or told, %d copies too many, %.2f s the "
          "longest try" % (loss, failed, sum(count.values()) - len(count),
                           longest))
