"""The store under a running gateway: greylisting and limits over LMDB and over
a real Redis, shared, restarted, lost, frozen, full."""
import os
import re
import threading
import time

import pytest

from kit.gateway import run
from kit.process import wait_until
from kit.ruled import Swaks, another, client_at, ruled
from kit.running import admin, edit, stats

GREY = "on rcpt { greylist }\n"
LIMIT = "on mail { few: limit 3/1h per client.ip }\n"
LATER = "greylist { delay 1s window 1h memory 1d }\n"
# Where the next try has to come within it.
MUCH_LATER = LATER.replace("1s", "4s")


def lmdb(path="store"):
    return 'store { address "lmdb:%s" }\n' % path


def redis_conf(redis, more="timeout 3s"):
    return 'store { address "%s" %s }\n' % (redis.url, more)


def stored(start, rules, store, begin=True, later=LATER, **options):
    """A gateway with a store, and a sink behind it."""
    sink = start.sink()
    gateway = ruled(start, rules, {"in": sink.url}, run=False,
                    top=later + store, **options)
    if "lmdb:" in store:
        # The workers make it themselves in a folder that is theirs.
        gateway.own_folder("var")
    gateway.sink = sink
    return gateway.start() if begin else gateway


def rcpt(gateway, address, sender="a@sender.test", to="b@box.test"):
    """The reply to one RCPT, in a session of its own."""
    with client_at(gateway, address) as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<%s>" % sender) == 250
        reply = client.cmd("RCPT TO:<%s>" % to)
        client.quit()
    return reply


def send(gateway, address, sender="a@sender.test", to="b@box.test"):
    """A mail; the reply that decided it."""
    with client_at(gateway, address) as client:
        client.ehlo()
        return client.mail(another(), sender, to)


# --- LMDB ---

@pytest.mark.core
def test_greylist(start):
    """By swaks: deferred, and taken when it comes again."""
    gateway = stored(start, GREY, lmdb("var/store"), later=MUCH_LATER)
    ran = Swaks(gateway, "192.0.2.1")
    assert ran.status == 24, ran.text
    assert re.match(r"451 4\.7\.1 .*4s \[%s\]" % ran.ident(),
                    ran.reply("RCPT")), ran.text
    assert rcpt(gateway, "192.0.2.99") == 451	# its network, too early
    time.sleep(4.2)
    # Another address of the same network, as big senders have.
    ran = Swaks(gateway, "192.0.2.77")
    assert ran.status == 0, ran.text
    assert rcpt(gateway, "192.0.2.1") == 250
    assert rcpt(gateway, "198.51.100.1") == 451
    assert rcpt(gateway, "198.51.100.1", "") == 250
    assert len(gateway.sink.messages) == 1
    counted = stats(gateway)
    assert counted["greylist_new"] == 2
    assert counted["greylist_early"] == 1
    assert counted["greylist_passed"] == 1
    assert counted["greylist_known"] == 1
    assert counted["greylist_null_sender"] == 1
    assert counted["greylist_unknown"] == 0
    status = admin(gateway, "status").stdout
    assert len(re.findall("^  store lmdb .* up ", status, re.M)) == 2


def test_greylist_identity(start):
    """A domain that SPF confirms is one sender, whatever its addresses."""
    resolver = start.resolver()
    resolver.records[("sender.test", "TXT")] = [
        "v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all"]
    gateway = stored(start, 'on rcpt {\n'
                     'log "{greylist} {greylist.identity}"\n'
                     'greylist "in {greylist.left}"\n}\n',
                     lmdb("var/store"))
    reply = rcpt(gateway, "192.0.2.1")
    assert reply == 451 and reply.text.startswith("4.7.1 in 1s"), reply
    time.sleep(1.2)
    assert rcpt(gateway, "198.51.100.7") == 250
    gateway.wait_line('rule log .*text="passed spf:sender.test"')
    assert rcpt(gateway, "203.0.113.7") == 451
    gateway.wait_line('rule log .*text="new net:203.0.113.0/24"')


def test_a_restart_keeps_it(start):
    """What was known is known to the next process, the next configuration
    and to a worker that took the place of one that was killed."""
    gateway = stored(start, GREY + LIMIT, lmdb("var/store"))
    assert rcpt(gateway, "192.0.2.1") == 451
    gateway.stop()
    time.sleep(1.0)
    gateway.start()
    assert rcpt(gateway, "192.0.2.1") == 250
    answer = admin(gateway, "reload")
    assert answer.returncode == 0, answer.stdout
    assert rcpt(gateway, "192.0.2.1") == 250
    reply = rcpt(gateway, "192.0.2.1")
    assert reply == 451 and "Too many" in reply.text, reply
    for pid in gateway.workers_alive():
        os.kill(pid, 9)
    gateway.wait_line("worker ended .*signal=", count=2)
    wait_until(lambda: len(gateway.workers_alive()) == 2)
    reply = wait_until(lambda: try_rcpt(gateway, "192.0.2.1"))
    assert reply == 451 and "Too many" in reply.text, reply
    assert stats(gateway)["store_failures"] == 0


def try_rcpt(gateway, address):
    try:
        return rcpt(gateway, address)
    except OSError:
        return None


def test_a_limit_holds_over_all_workers(start):
    gateway = stored(start, LIMIT, lmdb("var/store"), workers=3)
    codes = [rcpt(gateway, "192.0.2.1").code for _ in range(12)]
    assert codes == [250] * 3 + [451] * 9
    assert rcpt(gateway, "192.0.2.2") == 250
    counted = stats(gateway)
    assert counted["limits_counted"] == 13
    assert counted["limits_local"] == 0


def test_limits_at_each_phase(start):
    """One mail a phase is too much, in its turn; each says what is due."""
    gateway = stored(start, """
on connect { c: limit 5/1h per client.ip, else disconnect 421 4.7.0 "connect" }
on helo { h: limit 4/1h per helo.name, else reject 550 "helo" }
on mail { m: limit 3/1h per sender.domain }
on rcpt { r: limit 2/1h per rcpt, else defer 452 4.2.1 "rcpt" }
on message { d: limit 1/1h per from.domain, else reject 554 "message" }
""", lmdb("var/store"))
    replies = []
    for _ in range(6):
        with client_at(gateway, "192.0.2.1") as client:
            if client.greeting == 421:
                replies.append(client.greeting)
                continue
            client.ehlo()
            client.cmd("MAIL FROM:<a@sender.test>")
            reply = client.cmd("RCPT TO:<b@box.test>")
            if reply == 250:
                assert client.cmd("DATA") == 354
                client.send(another() + b".\r\n")
                reply = client.reply()
            replies.append(reply)
    assert [r.code for r in replies] == [250, 554, 452, 451, 550, 421]
    assert "message" in replies[1].text and "rcpt" in replies[2].text
    assert "helo" in replies[4].text and "connect" in replies[5].text


def test_folder_that_cannot_be_used(start):
    """It is told at the start, by its name; a reload changes nothing."""
    gateway = stored(start, None, "")
    os.makedirs(gateway.path("closed"))
    os.chmod(gateway.path("closed"), 0o500)
    edit(gateway, LATER, LATER + lmdb("closed/store"))
    answer = admin(gateway, "reload")
    assert answer.returncode == 3, answer.stdout
    assert "/closed/store" in answer.stdout
    assert "Permission denied" in answer.stdout
    gateway.wait_line("reload refused .*/closed/store")
    assert send(gateway, "192.0.2.1") == 250


@pytest.mark.core
def test_forepost_greylist(start):
    """Beside the running gateway, and without it."""
    gateway = stored(start, GREY, lmdb("var/store"))

    def grey(*words):
        answer = run("greylist", *words, "--config", gateway.conf)
        assert answer.returncode == 0, answer.stdout
        return answer.stdout

    assert rcpt(gateway, "192.0.2.1") == 451
    listed, = grey("list").splitlines()
    assert re.match(r"waiting identity=net:192\.0\.2\.0/24 "
                    r"from=a@sender\.test to=b@box\.test first=2\S+Z "
                    r"passes-from=2\S+Z until=2\S+Z$", listed)
    assert '"kind":"waiting"' in grey("list", "--json")
    assert grey("stats").splitlines()[:2] == ["waiting 1", "passed 0"]
    assert grey("pass", "192.0.2.1", "--from", "a@sender.test", "--to",
                "b@box.test") == "1 pass from now on\n"
    assert rcpt(gateway, "192.0.2.1") == 250
    assert grey("forget", "net:192.0.2.0/24") == "2 forgotten\n"
    assert rcpt(gateway, "192.0.2.1") == 451
    gateway.stop()
    assert grey("stats", "--json") == (
        '{"waiting":1,"passed":0,"known":0,"counted":0,"doubted":0,'
        '"unreadable":0}\n')
    grey("pass", "192.0.2.1")
    gateway.start()		# the files are still those of the workers
    assert rcpt(gateway, "192.0.2.1") == 250


# --- Redis ---

def test_two_gateways_on_one_redis(start):
    """A triplet that began on one passes on the other; limits add up."""
    redis = start.redis()
    one, two = (stored(start, GREY + LIMIT, redis_conf(redis),
                       later=MUCH_LATER) for _ in range(2))
    assert rcpt(one, "192.0.2.1") == 451
    assert rcpt(two, "192.0.2.1") == 451
    time.sleep(4.2)
    assert rcpt(two, "192.0.2.1") == 250
    reply = rcpt(one, "192.0.2.1")
    assert reply == 451 and "Too many" in reply.text, reply
    assert all(key.startswith(b"forepost:") for key in redis.keys())
    assert run("greylist", "stats", "--config", one.conf).stdout.startswith(
        "waiting 0\npassed 1\n")
    assert run("greylist", "forget", "192.0.2.0/24", "--config",
               two.conf).stdout == "2 forgotten\n"
    for gateway in (one, two):
        assert stats(gateway)["store_failures"] == 0


def test_password_user_socket_and_database(start):
    redis = start.redis('user gate on >s3cret ~mx:* +@all\n'
                        'user default on >other ~* +@all\n')
    gateway = stored(start, GREY, "", begin=False, workers=1)
    with open(gateway.path("secret"), "w") as f:
        os.chmod(f.fileno(), 0o600)	# and of root, if root runs this
        f.write("s3cret\n")
    edit(gateway, LATER, LATER + 'store { address "redis:unix:%s?db=3" '
         'user gate password_file secret prefix "mx:" }\n' % redis.socket)
    gateway.start()
    assert rcpt(gateway, "192.0.2.1") == 451
    assert stats(gateway)["store_failures"] == 0
    with open(gateway.path("secret"), "w") as f:
        f.write("not-this-1\n")
    admin(gateway, "reload")
    for _ in range(3):
        assert rcpt(gateway, "192.0.2.1") == 250
    line, = gateway.wait_line("store is down|store takes no changes")[:1]
    assert "s3cret" not in line and "not-this-1" not in line


class Load:
    """Clients that send mails as fast as they can; all are new senders."""

    def __init__(self, gateway, clients=4):
        self.gateway, self.codes, self.longest = gateway, [], 0.0
        self.over = threading.Event()
        self.threads = [threading.Thread(target=self.work, args=(i,))
                        for i in range(clients)]
        for thread in self.threads:
            thread.start()

    def work(self, i):
        n = 0
        while not self.over.is_set():
            n += 1
            began = time.monotonic()
            reply = send(self.gateway, "10.%d.%d.1" % (i, n % 250),
                         "a%d@sender%d.test" % (n, n))
            self.longest = max(self.longest, time.monotonic() - began)
            self.codes.append(reply.code)

    def stop(self):
        self.over.set()
        for thread in self.threads:
            thread.join()
        return self.codes


def lost_under_load(start, lose, regain, down=True):
    """Redis goes and comes back while mail comes in: who is asked to come
    again is, as long as it is there; all others pass; nobody waits long."""
    redis = start.redis()
    gateway = stored(start, GREY, redis_conf(redis, "timeout 500ms"))
    load = Load(gateway)
    wait_until(lambda: load.codes.count(451) >= 20)
    lose(redis)
    if down:
        gateway.wait_line("store is down .*store=redis://")
    wait_until(lambda: load.codes[-20:] == [250] * 20)
    told = len(gateway.lines("store is down"))
    time.sleep(1)
    regain(redis)
    gateway.wait_line("store is back")
    wait_until(lambda: load.codes[-20:] == [451] * 20)
    codes = load.stop()
    assert set(codes) == {250, 451}
    assert codes.count(250) == len(gateway.sink.messages)
    assert load.longest < 10, load.longest
    assert told <= 2			# once for each worker, not for a mail
    counted = stats(gateway)
    assert counted["store_failing"] == 0
    wait_until(lambda: stats(gateway)["store_refused"] > 0)
    assert counted["greylist_unknown"] >= codes.count(250)


def test_redis_is_killed_and_restarted_under_mail(start):
    lost_under_load(start, lambda r: r.kill(), lambda r: r.start())


def test_redis_is_frozen_under_mail(start):
    lost_under_load(start, lambda r: r.freeze(), lambda r: r.thaw())


def test_redis_is_full(start):
    """It refuses changes: who is new cannot be noted down, and passes."""
    redis = start.redis("maxmemory 3mb\nmaxmemory-policy noeviction\n")
    gateway = stored(start, GREY + LIMIT, redis_conf(redis), workers=1)
    assert rcpt(gateway, "192.0.2.1") == 451
    redis.say("SET", "ballast", b"x" * 4000000)
    redis.say("CONFIG", "SET", "maxmemory", "1mb")
    assert [rcpt(gateway, "198.51.100.1").code for _ in range(4)] == [
        250, 250, 250, 451]		# the limit counts here
    gateway.wait_line("store takes no changes .*OOM")
    redis.say("DEL", "ballast")
    redis.say("CONFIG", "SET", "maxmemory", "100mb")
    assert rcpt(gateway, "203.0.113.1") == 451
    gateway.wait_line("store is back")
    wait_until(lambda: stats(gateway)["store_declined"] > 0)
    counted = stats(gateway)
    assert counted["store_downs"] == 0 and counted["store_failing"] == 0
    assert counted["limits_local"] > 0


def test_redis_is_emptied(start):
    """Everybody is new, and is asked once more."""
    redis = start.redis()
    gateway = stored(start, GREY, redis_conf(redis))
    assert rcpt(gateway, "192.0.2.1") == 451
    time.sleep(1.2)
    assert rcpt(gateway, "192.0.2.1") == 250
    redis.say("FLUSHALL")
    assert rcpt(gateway, "192.0.2.1") == 451
    time.sleep(1.2)
    assert rcpt(gateway, "192.0.2.1") == 250
    assert stats(gateway)["store_failures"] == 0


def test_redis_is_read_only(start):
    """A replica: who has passed is known, who is new passes."""
    redis = start.redis()
    gateway = stored(start, GREY, redis_conf(redis), workers=1)
    assert rcpt(gateway, "192.0.2.1") == 451
    time.sleep(1.2)
    assert rcpt(gateway, "192.0.2.1") == 250
    redis.say("REPLICAOF", "127.0.0.1", "1")
    for _ in range(4):
        assert rcpt(gateway, "198.51.100.1") == 250
        assert rcpt(gateway, "192.0.2.1") == 250
    redis.say("REPLICAOF", "NO", "ONE")
    wait_until(lambda: rcpt(gateway, "203.0.113.1") == 451)
    wait_until(lambda: stats(gateway)["store_failing"] == 0)


def test_rules_need_a_store(start):
    gateway = stored(start, GREY + LIMIT, "", begin=False)
    answer = gateway.check()
    assert answer.returncode == 1
    assert '"greylist" needs a store' in answer.stdout
    assert '"limit" needs a store' in answer.stdout


def test_key_of_another_type(start):
    """Somebody else's value under a key of ours: that one passes."""
    redis = start.redis()
    gateway = stored(start, GREY, redis_conf(redis), workers=1)
    assert rcpt(gateway, "192.0.2.1") == 451
    triplet, = [k for k in redis.keys() if b"grey/t/" in k]
    redis.say("DEL", triplet)
    redis.say("RPUSH", triplet, "a")
    assert rcpt(gateway, "192.0.2.1") == 250
    redis.say("DEL", triplet)
    redis.say("SET", triplet, "not a record")
    assert rcpt(gateway, "192.0.2.1") == 250
    assert rcpt(gateway, "198.51.100.1") == 451
    assert stats(gateway)["greylist_unknown"] == 2
    answer = run("greylist", "stats", "--config", gateway.conf)
    assert "\nunreadable 1\n" in answer.stdout


def test_redis_that_is_not_there_at_the_start(start):
    redis = start.redis()
    redis.kill()
    gateway = stored(start, GREY + LIMIT, redis_conf(redis), workers=1)
    assert [rcpt(gateway, "192.0.2.1").code for _ in range(4)] == [
        250, 250, 250, 451]
    gateway.wait_line("store is down")
    answer = run("greylist", "stats", "--config", gateway.conf)
    assert answer.returncode == 3
    redis.start()
    gateway.wait_line("store is back")
    assert rcpt(gateway, "198.51.100.1") == 451


def test_many_recipients_wait_once(start):
    """Of one client that waited for the store in vain the next recipients do
    not wait for it again."""
    redis = start.redis()
    gateway = stored(start, GREY, redis_conf(redis, "timeout 1s"), workers=1)
    redis.freeze()
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@sender.test>")
        began = time.monotonic()
        for i in range(10):
            assert client.cmd("RCPT TO:<b%d@box.test>" % i) == 250
        took = time.monotonic() - began
        client.quit()
    # Each that waits in vain is a failure, and the third one closes the store.
    assert not gateway.lines("store is down")
    redis.thaw()
    assert 0.9 < took < 7
