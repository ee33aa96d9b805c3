"""Each recipient gets a mail once, or its sender learns why not: whatever the
others of the mail get, whatever reply is lost, over one gateway or several."""
import collections
import glob
import os
import random
import re
import shutil
import time

import pytest

from kit.client import Client
from kit.fates import AT_RCPT, OUTCOMES, Backend, Mail, is_refused, mixes, \
    outcome_of
from kit.peers import USER
from kit.process import wait_until
from kit.running import stats

LMDB = 'store { address "lmdb:var/store" }\n'
MANY = "max_sessions_per_network 0\n"


def in_redis(redis, more=""):
    return 'store { address "%s" %s }\n' % (redis.url, more)


def remembering(start, url, store=LMDB, **options):
    """A gateway with a delivery memory, in front of one backend."""
    options.setdefault("backend", "\tretry_time 100ms")
    gateway = start.gateway({"in": url}, start=False, top=MANY + store,
                            **options)
    gateway.own_folder("var")
    return gateway.start()


# --- every mix of outcomes, from Postfix ---

def wait_done(postfix, ids):
    """Its log, once it says that those mails and their bounces are gone: what
    became of their recipients stands there before."""
    looked = 0

    def log_to_end():
        nonlocal looked
        time.sleep(0.1)		# it is a long one
        with open(postfix.log, errors="replace") as f:
            log = f.read()
        # One whose last try had not let go of it would rest for 5 minutes.
        if log.count(" skipped, still being delivered\n") > looked:
            looked = log.count(" skipped, still being delivered\n")
            postfix.look_again()
        bounces = re.findall(r" non-delivery notification: (\w+)$", log, re.M)
        gone = re.findall(r": (\w+): removed$", log, re.M)
        return log if ids.union(bounces) <= set(gone) else None
    return wait_until(log_to_end, 200, "Postfix to have no mail")


def send_by_postfix(gateways, start, mails, meanwhile=lambda: None):
    """Through a Postfix that tries soon again; its log, once it has no more to
    do."""
    postfix = start.postfix(relayhost=", ".join(
        "[127.0.0.1]:%d" % g.port for g in gateways))
    ids = set()
    with Client(postfix.port, timeout=60) as client:
        client.ehlo()
        for mail in mails:
            reply = client.mail(mail.text, mail.sender, mail.rcpts)
            assert reply == 250
            ids.add(re.search(r"queued as (\w+)", reply.text)[1])
        client.quit()
    meanwhile()
    return wait_done(postfix, ids)


def told(log):
    """What Postfix took for the fate of a recipient: (status, text), but for
    what it tries again."""
    fates = collections.defaultdict(list)
    for rcpt, status, text in re.findall(
            r": to=<(\S+)>, .* status=(\w+) \((.*)\)$", log, re.M):
        if status != "deferred":
            fates[rcpt].append((status, text))
    return fates


def expect_once(mails, copies, log, memory=True):
    """Each has one copy, or his sender got the backend's own refusal of him.
    Without a memory he may have more; how many there are too many."""
    fates, count = told(log), collections.Counter(copies)
    more = 0
    for mail in mails:
        for rcpt in mail.rcpts:
            expected = 0 if is_refused(rcpt) else 1
            if count[rcpt] > 0 and expected and not memory:
                more += count[rcpt] - expected
            else:
                assert count[rcpt] == expected, rcpt
            (status, text), = fates[rcpt]
            if is_refused(rcpt):
                assert status == "bounced", (rcpt, text)
                assert mail.tells_refusal(rcpt, text), (rcpt, text)
            else:
                assert status == "sent", (rcpt, text)
        if any(map(is_refused, mail.rcpts)):
            assert count[mail.sender] > 0, mail.rcpts	# the bounce
        else:
            assert count[mail.sender] == 0, mail.rcpts
    return more


def tell_figures(mails, gateways):
    """What the gateways counted, together."""
    each = [stats(g) for g in gateways]
    counted = {name: sum(c[name] for c in each) for name in (
        "mails_mixed", "deliveries_recalled", "deliveries_met",
        "refusals_recalled", "delivery_memory_failed", "store_failures")}
    print("%d mails, %d recipients, %s" % (
        len(mails), sum(len(m.rcpts) for m in mails), counted))
    return counted


def all_mixes(start, mails, backend, *gateways):
    log = send_by_postfix(gateways, start, mails)
    expect_once(mails, backend.copies(), log)
    counted = tell_figures(mails, gateways)
    assert counted["mails_mixed"] > 0 and counted["deliveries_recalled"] > 0
    assert counted["delivery_memory_failed"] == 0
    for gateway in gateways:
        assert gateway.lines("mail done ")


@pytest.mark.core
def test_every_mix(start):
    """1 to 5 recipients; what is said at RCPT too for up to 3; and many."""
    backend = start.keep(Backend())
    gateway = remembering(start, backend.url)
    crowds = [Mail("crowd%d" % i, random.choices(OUTCOMES + AT_RCPT, k=49))
              for i in range(5)]
    all_mixes(start, mixes("dot", range(1, 6)) + crowds +
              mixes("rcpt", (1, 2, 3), OUTCOMES + AT_RCPT) +
              mixes("full", (2, 3), ("fills", "later", "no")),
              backend, gateway)


@pytest.mark.parametrize("gateways", (1, 2))
def test_every_mix_with_redis(start, gateways):
    """With two, Postfix goes to the other at once with what one deferred: so
    what the first has noted a moment ago counts there."""
    backend, redis = start.keep(Backend()), start.redis()
    all_mixes(start, mixes("full", (2, 3), ("fills", "later", "no")) +
              mixes("dot", range(1, 5)), backend, *(
        remembering(start, backend.url, in_redis(redis))
        for _ in range(gateways)))


def test_every_mix_while_redis_comes_and_goes(start):
    """There may be copies too many then; nothing else is wrong."""
    backend, redis = start.keep(Backend()), start.redis()
    gateways = [remembering(start, backend.url, in_redis(
        redis, "timeout 200ms")) for _ in range(2)]
    mails = mixes("dot", range(1, 5))

    def is_missed():
        return any(stats(g)["delivery_memory_failed"] for g in gateways)

    def come_and_go():
        wait_until(is_missed, 60, "mail while Redis does not answer")
        redis.thaw()
        for _ in range(3):
            time.sleep(0.3)
            redis.kill()
            time.sleep(0.5)
            redis.start()
            time.sleep(0.3)
            redis.freeze()
            time.sleep(0.5)
            redis.thaw()
    redis.freeze()
    log = send_by_postfix(gateways, start, mails, come_and_go)
    more = expect_once(mails, backend.copies(), log, memory=False)
    counted = tell_figures(mails, gateways)
    print("%d copies too many" % more)
    assert counted["delivery_memory_failed"] > 0


# --- the same with Dovecot ---

def lock_boxes(dovecot, rcpts):
    """Those who are refused for now: nothing can be written there."""
    boxes = [os.path.join(dovecot.box, rcpt) for rcpt in rcpts
             if outcome_of(rcpt) == "later"]
    for box in boxes:
        os.mkdir(box, 0o700)
    return boxes


def test_every_mix_with_dovecot(start):
    mails = mixes("dot", range(1, 5))
    rcpts = [r for m in mails for r in m.rcpts]
    dovecot = start.dovecot(full="no.*")
    locked = lock_boxes(dovecot, rcpts)
    gateway = remembering(start, dovecot.url(unix=True))

    def mend():
        """After as many tries as there are mails."""
        gateway.wait_line("mail done ", 60, len(mails))
        for box in locked:
            shutil.chown(box, USER)
    log = send_by_postfix([gateway], start, mails, mend)
    fates = told(log)
    for rcpt in rcpts:
        copies = glob.glob(os.path.join(dovecot.box, rcpt, "new/*"))
        (status, text), = fates[rcpt]
        if is_refused(rcpt):
            assert copies == [] and status == "bounced", (rcpt, text)
            assert "said: 552 5.2.2 <" in text and "uota" in text
        else:
            assert len(copies) == 1 and status == "sent", (rcpt, text)
    counted = tell_figures(mails, [gateway])
    assert counted["delivery_memory_failed"] == 0
