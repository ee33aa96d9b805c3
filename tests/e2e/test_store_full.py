"""An LMDB store that is filled by mail until it takes no more, and what becomes
of mail then; a Redis whose answers come 20 seconds late."""
import os
import threading
import time

import pytest

from kit.gateway import run
from kit.process import wait_until
from kit.relay import Relay
from kit.ruled import client_at
from kit.running import stats
from test_store import Load, rcpt, redis_conf, send, stored

FILLED = "fill.test"
RULES = ('on mail { few: limit 3/1h per client.ip when client.ip in '
         '{ 198.51.100.0/24, 203.0.113.0/24 } }\n'
         'on rcpt { greylist }\n')
SMALLEST = 'store { address "lmdb:var/store" size 16M }\n'
CLIENTS = 2
BURST = 200		# recipients of a mail that fills
LONG = "x" * 50		# so that records are as large as they get


class Filler:
    """Recipients without end, each a triplet of its own."""

    def __init__(self, gateway, until):
        self.gateway, self.until, self.codes = gateway, until, set()
        self.threads = [threading.Thread(target=self.work, args=(i,))
                        for i in range(CLIENTS)]
        for thread in self.threads:
            thread.start()
        for thread in self.threads:
            thread.join()

    def work(self, i):
        n = 0
        while not self.until():
            with client_at(self.gateway, "10.200.%d.1" % i) as client:
                client.ehlo()
                client.cmd("MAIL FROM:<%s%d@%s>" % (LONG, n, FILLED))
                client.send(b"".join(
                    b"RCPT TO:<%s%d-%d-%d@box.test>\r\n" % (
                        LONG.encode(), i, n, k) for k in range(BURST)))
                self.codes.update(client.reply().code for _ in range(BURST))
                client.quit()
            n += 1


def forget(gateway):
    for i in range(CLIENTS):
        done = run("greylist", "forget", "10.200.%d.1" % i, "--config",
                   gateway.conf)
        assert done.returncode == 0, done.stdout
        assert int(done.stdout.split()[0]) > 5000, done.stdout


# What ends by itself is removed within seconds when it is nearly full. (Before
# that it has to be full, which takes a busy machine a while.)
@pytest.mark.timeout(480)
@pytest.mark.parametrize("window, make_room", [("1h", forget),
                                               ("90s", lambda gateway: None)],
                         ids=["forgotten", "swept"])
def test_lmdb_is_full(start, window, make_room):
    gateway = stored(
        start, RULES, SMALLEST, workers=2,
        later="greylist { delay 1s window %s memory 1d }\n" % window)
    assert rcpt(gateway, "192.0.2.1") == 451
    time.sleep(1.2)
    assert rcpt(gateway, "192.0.2.1") == 250

    load = Load(gateway, 2)
    begun = time.monotonic()
    filler = Filler(gateway, lambda: gateway.lines("takes no changes") or
                    time.monotonic() - begun > 150)
    assert gateway.lines("store takes no changes .*why=.*full: 16 MiB")
    assert filler.codes <= {451, 250}
    # Who is new passes; who has passed is still known; limits count here.
    wait_until(lambda: load.codes[-20:] == [250] * 20)
    assert rcpt(gateway, "192.0.2.1") == 250
    codes = [rcpt(gateway, "198.51.100.1").code for _ in range(8)]
    assert codes[:3] == [250] * 3 and set(codes) == {250, 451}

    make_room(gateway)
    wait_until(lambda: load.codes[-20:] == [451] * 20, 150)
    time.sleep(1)
    codes = load.stop()
    assert set(codes) == {250, 451}		# no 5yz
    assert codes.count(250) == len(gateway.sink.messages)	# none is lost
    assert load.longest < 10, load.longest
    for what in ("store takes no changes", "store is back"):
        assert 1 <= len(gateway.lines(what)) <= 2, gateway.lines(what)
    assert not gateway.lines("store is down")
    wait_until(lambda: stats(gateway)["store_failing"] == 0)
    counted = stats(gateway)
    assert counted["store_declined"] > 0 and counted["store_downs"] == 0
    assert counted["greylist_unknown"] > 0 and counted["limits_local"] > 0
    # Its size, and 256 MiB for what was changed lately (base/store.h).
    assert os.path.getsize(gateway.path("var/store/data.mdb")) < 280 << 20
    # What was known before still is.
    assert rcpt(gateway, "192.0.2.1") == 250
    assert rcpt(gateway, "203.0.113.9") == 451


def test_redis_answers_after_20_seconds(start):
    """Mails wait for `timeout` once, then not at all."""
    redis = start.redis()
    relay = Relay(redis.port)
    try:
        gateway = stored(
            start, "on rcpt { greylist }\n",
            'store { address "redis://127.0.0.1:%d" timeout 2s }\n' %
            relay.port, workers=1)
        assert rcpt(gateway, "192.0.2.1") == 451
        relay.delay = 20
        waited = []
        for n in range(12):
            began = time.monotonic()
            assert send(gateway, "10.1.%d.1" % n) == 250
            waited.append(time.monotonic() - began)
        assert sum(w > 1.9 for w in waited) == 3, waited	# the breaker
        assert max(waited) < 10, waited
        assert max(waited[3:]) < 1.9, waited
        assert len(gateway.lines("store is down")) == 1
        assert len(gateway.sink.messages) == 12
        # A single client does not wait for each of its recipients.
        with client_at(gateway, "192.0.2.9") as client:
            client.ehlo()
            began = time.monotonic()
            client.cmd("MAIL FROM:<a@sender.test>")
            for n in range(10):
                assert client.cmd("RCPT TO:<b%d@box.test>" % n) == 250
            assert time.monotonic() - began < 10
        relay.delay = 0
        gateway.wait_line("store is back", 45)
        assert rcpt(gateway, "203.0.113.1") == 451
        time.sleep(1.2)
        assert rcpt(gateway, "203.0.113.1") == 250
    finally:
        relay.close()
