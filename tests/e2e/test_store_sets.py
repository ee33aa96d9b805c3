"""Sets and routes in Redis, under a running gateway: who is in a set, where a
recipient goes, changed meanwhile, and Redis lost, frozen, of another type."""
import json
import re
import subprocess
import time

import pytest

from kit.gateway import binary, run
from kit.process import PATIENCE, wait_until
from kit.ruled import another, client_at, ruled
from kit.running import admin, edit, stats

RULES = """
set friends = redis "friends"
set banned  = redis "banned"
on connect { friend: trust when client.ip in $friends }
on mail { banned: reject 550 5.7.1 "Not from {sender}" when sender in $banned }
on rcpt { spam: reject 550 5.7.1 "spam" when rcpt.local is "spam" }
"""
WHO = "192.0.2.1"
SAID = "Something could not be checked"


def store(redis, more="timeout 1s cache 1s"):
    return 'store { address "%s" %s }\n' % (redis.url, more)


def asking(start, redis, rules=RULES, more="timeout 1s cache 1s",
           **options):
    """A gateway that asks Redis, and a sink behind it."""
    sink = start.sink()
    gateway = ruled(start, rules, {"in": sink.url},
                    top=store(redis, more), **options)
    gateway.sink = sink
    return gateway


def send(gateway, address=WHO, sender="a@sender.test", to="b@box.test"):
    """A mail; the reply that decided it."""
    with client_at(gateway, address) as client:
        client.ehlo()
        return client.mail(another(), sender, to)


def turns(gateway, code, within=PATIENCE, **mail):
    """The reply becomes this in time, in all workers."""
    def all_say():
        replies = [send(gateway, **mail) for _ in range(12)]
        return replies[0] if {r.code for r in replies} == {code} else None
    return wait_until(all_say, within)


# --- sets ---

@pytest.mark.core
def test_members_decide(start):
    """In each form that a value is asked for, and none other."""
    redis = start.redis()
    redis.say("SADD", "banned", "bad@", "x@one.test", "two.test",
              ".three.test", "xn--bcher-kva.test", "FOUR.test")
    redis.say("SADD", "friends", "198.51.100.7", "203.0.113.0/24",
              "2001:db8:1:2::/64")
    gateway = asking(start, redis)
    for sender, code in (("bad@any.test", 550), ("X@One.Test", 550),
                         ("y@one.test", 250), ("a@two.test", 550),
                         ("a@sub.two.test", 250), ("a@sub.three.test", 550),
                         ("a@b.c.three.test", 550), ("a@three.test", 250),
                         ("a@four.test", 250), ("", 250)):
        assert send(gateway, sender=sender) == code, sender
    for address, code in (("198.51.100.7", 250), ("198.51.100.8", 550),
                          ("203.0.113.200", 250), ("2001:db8:1:2::9", 250),
                          ("2001:db8:1:3::9", 550)):
        assert send(gateway, address, to="spam@box.test") == code, address
    counted = stats(gateway)
    assert counted["lookups"] > 20 and counted["lookups_failed"] == 0
    assert counted["refusals_unsure"] == 0


@pytest.mark.core
def test_changes_are_seen(start):
    """Within the time of the cache, in all workers of two gateways."""
    redis = start.redis()
    one, two = asking(start, redis), asking(start, redis)
    for gateway in (one, two):
        assert send(gateway) == 250
    redis.say("SADD", "banned", "sender.test")
    for gateway in (one, two):
        reply = turns(gateway, 550)
        assert "Not from a@sender.test" in reply.text
    redis.say("SREM", "banned", "sender.test")
    for gateway in (one, two):
        turns(gateway, 250)
    redis.say("SADD", "banned", "sender.test")
    redis.say("DEL", "banned")
    time.sleep(1.1)
    for gateway in (one, two):
        assert send(gateway) == 250
        counted = stats(gateway)
        assert counted["lookups_cached"] > 0
        assert counted["lookups_failed"] == 0


def test_the_cache_answers(start):
    """What was asked a moment ago is not asked again; with `cache 0` it is."""
    redis = start.redis()
    gateway = asking(start, redis, more="cache 1m", workers=1)
    assert send(gateway) == 250
    redis.kill()
    for _ in range(5):
        assert send(gateway) == 250
    assert stats(gateway)["lookups_failed"] == 0
    redis.start()
    edit(gateway, "cache 1m", "cache 0")
    assert admin(gateway, "reload").returncode == 0
    assert send(gateway) == 250
    redis.say("SADD", "banned", "sender.test")
    assert send(gateway) == 550


def lost(start, lose, regain, event="store is down", back="store is back"):
    """Nobody is refused for good who might be a friend, and nobody by what
    is not told; those whom nothing speaks against get their mail."""
    redis = start.redis()
    redis.say("SADD", "banned", "banned.test")
    gateway = asking(start, redis)
    turns(gateway, 550, sender="x@banned.test")
    turns(gateway, 550, to="spam@box.test")
    lose(redis)
    reply = turns(gateway, 451, to="spam@box.test")
    assert SAID in reply.text and "4.3.0" in reply.text
    turns(gateway, 250, sender="x@banned.test")
    began = time.monotonic()
    for _ in range(20):
        assert send(gateway) == 250
    assert time.monotonic() - began < 15
    gateway.wait_line(event)
    gateway.wait_line("refused for now only .*rule=spam phase=rcpt "
                      "unsure=friend")
    told = len(gateway.lines(event))
    assert told <= 4		# for each worker, and each of two keys
    regain(redis)
    turns(gateway, 550, sender="x@banned.test")
    turns(gateway, 550, to="spam@box.test")
    gateway.wait_line(back)
    assert len(gateway.lines(event)) == told
    counted = stats(gateway)
    assert counted["lookups_failed"] > 0 and counted["refusals_unsure"] >= 6
    assert counted["store_failing"] == 0
    return gateway


def test_redis_is_killed(start):
    lost(start, lambda r: r.kill(), lambda r: r.start())


def test_redis_is_frozen(start):
    lost(start, lambda r: r.freeze(), lambda r: r.thaw())


def test_keys_of_another_type(start):
    """Redis itself is well: no waiting, and each key is told once."""
    def break_keys(redis):
        redis.say("DEL", "banned")
        redis.say("SET", "banned", "x")
        redis.say("SET", "friends", "x")

    def mend_keys(redis):
        redis.say("DEL", "banned", "friends")
        redis.say("SADD", "banned", "banned.test")

    gateway = lost(start, break_keys, mend_keys,
                   "redis key cannot be asked .*WRONGTYPE",
                   "redis key can be asked again key=banned")
    assert gateway.lines("redis key cannot be asked key=friends")
    assert not gateway.lines("store is down")


def test_a_client_waits_once(start):
    """Whatever his mails ask of a Redis that is silent."""
    redis = start.redis()
    gateway = asking(start, redis, more="timeout 1s", workers=1)
    redis.freeze()
    with client_at(gateway, WHO) as client:
        began = time.monotonic()
        client.ehlo()
        for i in range(5):
            assert client.cmd("MAIL FROM:<a@s%d.test>" % i) == 250
            assert client.cmd("RCPT TO:<b@box.test>") == 250
            assert client.cmd("RCPT TO:<spam@box.test>") == 451
            assert client.cmd("RSET") == 250
        assert 0.8 < time.monotonic() - began < 6
    # A third one that waits in vain closes the store.
    assert not gateway.lines("store is down")
    redis.thaw()


# --- routes ---

ROUTES = 'route { domains "own.test" backend in }\n' \
    'route { redis "routes" }\n'


def routed(start, redis, routes=ROUTES, more="timeout 1s cache 1s",
           rules=None):
    """Two backends; the hash says who goes where."""
    sinks = {name: start.sink() for name in ("in", "out")}
    gateway = ruled(start, rules, {n: s.url for n, s in sinks.items()},
                    top=store(redis, more), run=False)
    with open(gateway.conf) as f:
        text = f.read()
    text = re.sub(r"(?m)^route .*\n", "", text) + routes
    gateway.configure(text)
    gateway.sinks = sinks
    return gateway.start()


@pytest.mark.core
def test_the_hash_picks_the_backend(start):
    redis = start.redis()
    redis.say("HSET", "routes", "a.test", "out", ".a.test", "in",
              "boss@a.test", "in", "abuse@", "in", "own.test", "out")
    gateway = routed(start, redis)
    for to, name in (("x@a.test", "out"), ("Boss@A.test", "in"),
                     ("abuse@a.test", "in"), ("x@sub.a.test", "in"),
                     ("x@own.test", "in")):
        before = len(gateway.sinks[name].messages)
        assert send(gateway, to=to) == 250, to
        assert len(gateway.sinks[name].messages) == before + 1, to
    for to in ("x@b.test", "abuse@b.test", "x@sub.own.test"):
        reply = send(gateway, to=to)
        assert reply == 550 and "Relaying" in reply.text, to
    redis.say("HSET", "routes", "b.test", "out")
    turns(gateway, 250, to="x@b.test")
    redis.say("HDEL", "routes", "b.test")
    turns(gateway, 550, to="x@b.test")
    redis.say("HSET", "routes", "a.test", "in")
    before = len(gateway.sinks["out"].messages)
    time.sleep(1.1)
    assert send(gateway, to="x@a.test") == 250
    assert len(gateway.sinks["out"].messages) == before


def test_a_backend_that_is_none(start):
    redis = start.redis()
    redis.say("HSET", "routes", "a.test", "outt")
    gateway = routed(start, redis)
    assert send(gateway, to="x@a.test") == 451
    gateway.wait_line('warn .* route is not known why="route routes: its '
                      'field a.test names no backend: \\\\"outt\\\\""')
    redis.say("HSET", "routes", "a.test", "out")
    turns(gateway, 250, to="x@a.test")


def routes_lost(start, lose, regain):
    """What the file routes goes on; what Redis might route is asked to come
    again, also if the file has a star. Nobody is refused for good."""
    redis = start.redis()
    redis.say("HSET", "routes", "a.test", "out")
    gateway = routed(start, redis,
                     ROUTES + 'route { domains * backend in }\n')
    turns(gateway, 250, to="x@a.test")
    turns(gateway, 250, to="x@other.test")
    lose(redis)
    turns(gateway, 451, to="x@a.test")
    turns(gateway, 451, to="x@other.test")
    turns(gateway, 250, to="x@own.test")
    codes = {send(gateway, to="x@z%d.test" % i).code for i in range(20)}
    assert codes == {451}
    regain(redis)
    turns(gateway, 250, to="x@a.test")
    turns(gateway, 250, to="x@other.test")
    assert send(gateway, to="x@a.test") == 250
    return gateway


def test_redis_is_killed_under_routes(start):
    gateway = routes_lost(start, lambda r: r.kill(), lambda r: r.start())
    assert len(gateway.lines("store is down")) <= 2


def test_redis_is_frozen_under_routes(start):
    routes_lost(start, lambda r: r.freeze(), lambda r: r.thaw())


def test_routes_of_another_type(start):
    gateway = routes_lost(
        start, lambda r: (r.say("DEL", "routes"), r.say("SET", "routes", "x")),
        lambda r: (r.say("DEL", "routes"),
                   r.say("HSET", "routes", "a.test", "out")))
    assert len(gateway.lines("redis key cannot be asked key=routes")) == 2
    gateway.wait_line("redis key can be asked again key=routes", count=2)


def test_rules_route_by_a_set(start):
    """Where a mail belongs is not guessed: the other backend might not know
    its recipient, and would refuse him for good."""
    redis = start.redis()
    redis.say("SADD", "moved", "a.test")
    gateway = routed(start, redis, 'route { domains * backend in }\n', rules="""
set moved = redis "moved"
on rcpt { moved: route out when rcpt in $moved }
""")
    for to in ("x@a.test", "x@b.test"):
        gateway.sinks["in"].rcpt_replies[to] = b"550 5.1.1 No such user\r\n"
    turns(gateway, 250, to="x@a.test")
    turns(gateway, 550, to="x@b.test")
    redis.kill()
    turns(gateway, 451, to="x@a.test")
    gateway.wait_line('route is not known why="rule moved routes by a set')
    done = explain(gateway, "--to", "x@a.test", "--json")
    page = json.loads(done.stdout)
    assert page["reply"]["code"] == 451
    redis.start()
    turns(gateway, 250, to="x@a.test")
    assert len(gateway.sinks["out"].messages) > 1


# --- tools ---

def test_check(start):
    """Without Redis as the store neither can be."""
    gateway = ruled(start, RULES, {"in": "smtp://127.0.0.1:1"}, run=False)
    for text in ("", "store { address lmdb:store }\n"):
        with open(gateway.conf) as f:
            before = f.read()
        gateway.configure(before + text + 'route { redis "routes" }\n')
        answer = gateway.check()
        assert answer.returncode == 1
        assert "a set in Redis needs it as the store" in answer.stdout
        assert "a route in Redis needs it as the store" in answer.stdout
        gateway.configure(before)


def explain(gateway, *more):
    done = subprocess.run(
        [binary(), "explain", "--config", gateway.conf, "--client", WHO,
         "--helo", "c.test", "--from", "a@banned.test", *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    return done


def test_explain(start):
    """It asks Redis, says what it found, and why if it could not."""
    redis = start.redis()
    redis.say("SADD", "banned", "banned.test")
    redis.say("HSET", "routes", "a.test", "out", "b.test", "outt")
    gateway = routed(start, redis, rules=RULES)
    text = explain(gateway, "--to", "x@a.test").stdout
    assert re.search(r'sender in \$banned\s+=\s+"banned\.test"', text), text
    assert "Not from a@banned.test" in text
    page = json.loads(explain(gateway, "--to", "x@a.test", "--json").stdout)
    sets = [s for phase in page["rules"] for rule in phase.get("rules", [])
            for s in rule.get("sets", [])]
    assert sets == [
        {"set": "friends", "fact": "client.ip", "in": False},
        {"set": "banned", "fact": "sender", "in": True,
         "member": "banned.test"}]
    redis.say("DEL", "banned")
    page = json.loads(explain(gateway, "--to", "x@a.test", "--json").stdout)
    assert page["outcome"]["backend"] == "out"
    page = json.loads(explain(gateway, "--to", "x@c.test", "--json").stdout)
    assert page["reply"]["code"] == 550
    done = explain(gateway, "--to", "x@b.test")
    assert 'names no backend: "outt"' in done.stdout, done.stdout
    redis.kill()
    done = explain(gateway, "--to", "x@a.test")
    assert "cannot be told" in done.stdout
    assert "Connection refused" in done.stdout, done.stdout
    assert "warn" not in done.stderr
    page = json.loads(explain(gateway, "--to", "x@a.test", "--json").stdout)
    assert page["reply"]["code"] == 451


def test_rule_tests(start):
    """`forepost test` gives a set its members, or none."""
    gateway = ruled(start, RULES, {"in": "smtp://127.0.0.1:1"}, run=False)
    with open(gateway.path("in.test"), "w") as f:
        f.write("""
test "a friend may" {
    client.ip = 192.0.2.1
    rcpt = "spam@box.test"
    set friends = { 192.0.2.0/24 }
    expect no verdict by friend
}
test "Redis is away" {
    client.ip = 192.0.2.1
    rcpt = "spam@box.test"
    set friends = none
    expect defer 451 4.3.0 by spam
}
test "banned" {
    sender = "a@sub.banned.test"
    set banned = { ".banned.test" }
    expect mail reject by banned
}
""".replace("no verdict by friend", "accept by friend"))
    answer = run("test", "--rules", gateway.path("in.rules"),
                 gateway.path("in.test"))
    assert answer.returncode == 0, answer.stdout
