"""The delivery memory before a Redis that holds what it cannot read, and before
one that is slow to answer: the mail goes on, and the log says why it may come
twice."""
import re

from kit.fates import Backend, Mail, attempt
from kit.relay import Relay
from kit.running import stats

MANY = 192	# at 16 at a time, twelve answers one behind the other
LATE = 0.4	# s, each: within `timeout`, but not all of them are


def gateway_before(start, backend, port, **others):
    return start.gateway(
        {"in": backend.url, **others}, workers=1, backend="\tretry_time 100ms",
        top='max_sessions_per_network 0\n'
        'store { address "redis://127.0.0.1:%d" timeout 2s }' % port)


def keys(redis):
    return re.findall(rb"[\w:/]*fate/m/\w+", redis.say("KEYS", "*"))


def test_a_record_of_another_type(start):
    """Somebody else's value stands where the record was, or a later version's:
    who has the mail gets it once more, and the others are asked as ever."""
    backend = start.keep(Backend())
    redis = start.redis()
    gateway = gateway_before(start, backend, redis.port)
    for number, ruin in enumerate((
            lambda key: redis.say("RPUSH", key, "a"),
            lambda key: redis.say("SET", key, "2 of a later version"))):
        mail = Mail("odd%d" % number, ["ok", "ok"])
        assert attempt(gateway.address, mail) == dict.fromkeys(mail.rcpts, 250)
        key = keys(redis)[0]
        redis.say("DEL", key)
        ruin(key)
        assert attempt(gateway.address, mail) == dict.fromkeys(mail.rcpts, 250)
        assert sorted(map(backend.copies().count, mail.rcpts)) == [1, 2]
        redis.say("FLUSHALL")
    for why in ("WRONGTYPE", "is no record of a delivery"):
        gateway.wait_line("mail done .*outcome=delivered .*known=1 "
                          "memory=.*%s" % why)
    assert stats(gateway)["delivery_memory_failed"] == 2
    assert stats(gateway)["deliveries_recalled"] == 2


def test_slow_for_many_recipients(start):
    """No answer is too late, but there are too many: what the mail waits for
    all of them is one `timeout`."""
    backend = start.keep(Backend())
    redis = start.redis()
    relay = Relay(redis.port)
    try:
        gateway = gateway_before(start, backend, relay.port)
        mail = Mail("many", ["ok"] * MANY)
        relay.delay = LATE
        assert attempt(gateway.address, mail) == dict.fromkeys(mail.rcpts, 250)
        gateway.wait_line("mail done .*outcome=delivered .*rcpts=%d .*memory="
                          '"the store is too slow for %d recipients"' %
                          (MANY, MANY))
        assert sorted(backend.copies()) == sorted(mail.rcpts)
        assert stats(gateway)["delivery_memory_failed"] > 0
    finally:
        relay.close()


def test_slow_behind_the_message(start):
    """Who has got it from one of two backends is kept while the other has not
    answered, but nobody waits for as many slow answers as there are."""
    backend, other = start.keep(Backend()), start.keep(Backend())
    redis = start.redis()
    relay = Relay(redis.port)
    try:
        gateway = gateway_before(start, backend, relay.port, other=other.url)
        mail = Mail("many", ["ok"] * MANY)
        mail.rcpts += ["you@other.test"]

        def grow_slow(_):
            relay.delay = LATE
        backend.before_message_reply = grow_slow
        assert attempt(gateway.address, mail) == dict.fromkeys(mail.rcpts, 250)
        gateway.wait_line("mail done .*outcome=delivered .*rcpts=%d .*"
                          'memory="the store is too slow' % len(mail.rcpts))
        assert len(backend.copies()) == MANY and len(other.copies()) == 1
    finally:
        relay.close()
