"""`forepost explain` says what the store makes of a mail, and changes nothing:
what it says of the greylist and of limits is what the gateway then does."""
import json
import os
import subprocess
import time

import pytest

from kit.gateway import binary, run
from test_store import lmdb, rcpt, redis_conf, stored

RULES = ("on mail { few: limit 3/1h per client.ip }\n"
         "on rcpt { greylist \"in {greylist.left}\" }\n")
WHO = "192.0.2.1"
# What LMDB notes its readers in.
READERS = ("lock.mdb",)


def explain(gateway, *more, sender="a@sender.test", to="b@box.test"):
    return subprocess.run(
        [binary(), "explain", "--config", gateway.conf, "--client", WHO,
         "--helo", "c.test", "--from", sender, "--to", to, *more],
        stdin=subprocess.DEVNULL, capture_output=True, text=True,
        timeout=60, check=False)


class Told:
    """What explain says of it all."""

    def __init__(self, gateway, **mail):
        done = explain(gateway, "--json", **mail)
        assert done.returncode == 0, done.stderr
        self.page = json.loads(done.stdout)
        self.greylist = self.page["facts"].get("greylist")
        self.left = self.page["facts"].get("greylist.left")
        self.identity = self.page["facts"].get("greylist.identity")
        self.reply = self.page["reply"] and self.page["reply"]["code"]
        self.store = self.page["store"]
        rules = [rule for phase in self.page["rules"]
                 for rule in phase.get("rules", []) if "number" in rule]
        self.counted = rules[0]["number"] if rules else None


def kept(gateway, redis):
    """All that the store holds; of LMDB octet for octet."""
    if redis:
        return {key: redis.say("GET", key) for key in redis.keys()}
    folder = gateway.path("var/store")
    files = {}
    for name in os.listdir(folder):
        if name not in READERS:
            with open(os.path.join(folder, name), "rb") as f:
                files[name] = f.read()
    return files


@pytest.mark.core
@pytest.mark.parametrize("kind", ["lmdb", "redis"])
def test_explain_says_what_the_gateway_then_does(start, kind):
    redis = start.redis() if kind == "redis" else None
    gateway = stored(start, RULES,
                     redis_conf(redis) if redis else lmdb("var/store"))

    def told(**mail):
        """Twice the same, and nothing is another one for it. With LMDB the
        keeper of the gateway may write things through meanwhile, once."""
        for _ in range(3):
            before = kept(gateway, redis)
            once, again = Told(gateway, **mail), Told(gateway, **mail)
            if kept(gateway, redis) == before:
                break
        else:
            pytest.fail("explain changes the store")
        assert (once.greylist, once.counted) == (again.greylist,
                                                 again.counted)
        assert again.store is None
        return again

    first = told()
    assert (first.greylist, first.left, first.reply) == ("new", 1, 451)
    assert first.identity == "net:192.0.2.0/24" and first.counted == 1
    assert rcpt(gateway, WHO) == 451

    time.sleep(1.2)
    second = told()
    assert (second.greylist, second.left, second.reply) == ("passed", None,
                                                            None)
    assert second.counted == 2
    assert rcpt(gateway, WHO) == 250
    third = told()
    assert (third.greylist, third.counted) == ("known", 3)
    assert told(sender="").greylist == "null-sender"
    assert told(to="c@box.test").greylist == "new"

    assert run("greylist", "pass", WHO, "--config",
               gateway.conf).returncode == 0
    assert told(to="c@box.test").greylist == "identity-known"
    assert rcpt(gateway, WHO, to="c@box.test") == 250
    too_many = told()
    assert too_many.counted == 4 and too_many.reply == 451
    assert too_many.greylist is None		# not asked any more
    assert rcpt(gateway, WHO) == 451


def test_lmdb_without_a_gateway_is_not_touched(start):
    gateway = stored(start, RULES, lmdb("var/store"))
    assert rcpt(gateway, WHO) == 451
    gateway.stop()
    before = kept(gateway, None)
    time.sleep(1.2)
    assert Told(gateway).greylist == "passed"
    assert kept(gateway, None) == before
    gateway.start()		# the files are still those of the workers
    assert rcpt(gateway, WHO) == 250


def test_explain_makes_no_folder(start):
    gateway = stored(start, RULES, lmdb("var/store"), begin=False)
    page = Told(gateway)
    assert page.greylist == "unknown" and page.counted is None
    assert "var/store: No such file" in page.store
    assert page.reply is None			# nobody is deferred for it
    assert os.listdir(gateway.path("var")) == []
    assert "var/store: No such file" in " ".join(
        explain(gateway).stdout.split())


def test_explain_without_permission(start):
    gateway = stored(start, RULES, lmdb("var/store"))
    folder = gateway.path("var/store")
    os.chmod(os.path.join(folder, "lock.mdb"), 0o400)
    os.chmod(os.path.join(folder, "data.mdb"), 0)
    page = Told(gateway)
    assert page.greylist == "unknown" and page.counted is None
    assert "var/store/data.mdb: Permission denied" in page.store
    os.chmod(folder, 0)
    page = Told(gateway)
    assert "var/store: Permission denied" in page.store
    os.chmod(folder, 0o750)


def test_explain_without_redis(start):
    redis = start.redis()
    gateway = stored(start, RULES, redis_conf(redis))
    redis.freeze()
    begun = time.monotonic()
    page = Told(gateway)
    assert time.monotonic() - begun < 10
    assert page.greylist == "unknown" and page.counted is None
    assert "in time" in page.store or "no answer" in page.store
    redis.thaw()
    redis.kill()
    assert "refused" in Told(gateway).store.lower()


def test_rules_that_do_not_ask(start):
    """The store is left alone: that it is not there is nobody's concern."""
    gateway = stored(start, "on rcpt { trust }\n", lmdb("var/store"),
                     begin=False)
    assert Told(gateway).store is None
