"""One mail, several recipients who fare differently: PRDR with Exim before and
behind the gateway, and the delivery memory for who does not speak it.

A client that asks for PRDR hears of each recipient in one transaction. Any
other is told 451, comes again, and then the gateway knows who has it.
"""
import os
import re

import pytest

from kit.apart import (FULL, LATER, MESSAGE, OK, STORE, bounced,
                       gateway_before, submit)
from kit.process import wait_until


def exim_behind(start):
    """It refuses the message for some, by an ACL that it asks for each
    recipient if the gateway asked it to and there is more than one."""
    return start.exim(prdr="""\
  deny local_parts = full
    message = mailbox is full
  defer local_parts = busy
    message = not now
""")


def stored_for(exim):
    """Who has a message, once for each that he has."""
    text = b"\n".join(exim.delivered())
    return sorted(re.findall(rb"^Envelope-to: (\S+)\r$", text, re.M))


def final_replies(client, n):
    """What follows on a message that `n` recipients of a PRDR client had."""
    first = client.data(MESSAGE % b"by-hand")
    return [first] if first != 353 else [
        first, *(client.reply() for _ in range(n + 1))]


# --- Exim is the client ---

FATES = {
    "each-otherwise": {"one": OK, "full": FULL, "busy": [LATER, OK]},
    "all-but-one": {"one": OK, "two": OK, "full": FULL, "three": OK},
    "nobody-at-first": {"full": FULL, "busy": [LATER, OK]},
    "nobody-at-all": {"full": FULL, "over": FULL},
    "later-all": {"busy": [LATER, OK], "slow": [LATER, OK]},
    "later-twice": {"one": OK, "busy": [LATER, LATER, OK]},
    "all": {"one": OK, "two": OK},
    "only-one": {"busy": [LATER, OK]},
}


@pytest.mark.parametrize("fates", FATES.values(), ids=FATES)
def test_exim_hears_of_each(start, fates):
    sink = start.sink(lmtp=True)
    sink.lmtp_replies = {
        "%s@box.test" % name: reply[:] if isinstance(reply, list) else reply
        for name, reply in fates.items()}
    gateway = gateway_before(start, {"in": sink.url})
    exim = start.exim(relay=gateway.port)
    submit(exim, b"1", list(sink.lmtp_replies))
    exim.wait_done()
    lost = sorted("%s@box.test" % n for n in fates if fates[n] == FULL)
    assert sink.copies() == sorted(
        "%s@box.test" % n for n in fates if fates[n] != FULL)
    assert [r.decode() for r in bounced(exim, len(lost))] == lost
    for name in fates:
        exim.wait_log(
            r"\*\* %s@box.test .* 552 5.2.2 mailbox is full" % name
            if fates[name] == FULL else "[=-]> %s@box.test " % name)
        if isinstance(fates[name], list):
            # Told so by us; else it was too early to ask.
            assert len(exim.wait_log("== %s@box.test .* H=" % name)) == \
                len(fates[name]) - 1
    # Nobody was given a message twice to find out.
    tried = [r for s in sink.sessions for c in s.commands
             for r in re.findall(r"^RCPT TO:<(.*?)@", c)]
    for name, fate in fates.items():
        assert tried.count(name) == (
            len(fate) if isinstance(fate, list) else 1)


def test_exim_and_dovecot(start):
    """A mailbox that is full, one that cannot be written to yet."""
    dovecot = start.dovecot()
    gateway = gateway_before(start, {"in": dovecot.url(unix=True)})
    exim = start.exim(relay=gateway.port)
    dovecot.write("box/busy@box.test", "no folder\n")
    submit(exim, b"1", ["one@box.test", "full@box.test", "busy@box.test",
                        "two@box.test"])
    exim.wait_log("== busy@box.test .* 451 ")
    os.unlink(dovecot.path("box/busy@box.test"))
    exim.wait_done()
    for name in ("one", "busy", "two"):
        folder = dovecot.path("box/%s@box.test/new" % name)
        assert len(os.listdir(folder)) == 1, name
    assert bounced(exim, 1) == [b"full@box.test"]
    done = gateway.lines("mail done .*from=<a@")[0]
    assert re.search(r'outcome=mixed .*reply="250 2\.0\.0 2 of 4 recipients '
                     r'have the message" .*ok=2 temp=1 perm=1 ', done), done


# --- Exim is the backend ---

def test_prdr_all_the_way(start):
    exim = exim_behind(start)
    gateway = gateway_before(start, {"in": exim.url})
    client = start.exim(relay=gateway.port)
    submit(client, b"1", ["one@box.test", "full@box.test", "busy@box.test"])
    client.wait_log("== busy@box.test .* 450 not now")
    client.wait_done()
    exim.wait_done()
    assert stored_for(exim) == [b"busy@box.test", b"one@box.test"]
    assert bounced(client, 1) == [b"full@box.test"]
    client.wait_log(r"\*\* full@box.test .* 550 mailbox is full")


RCPTS = ["one@box.test", "full@box.test", "busy@box.test", "two@box.test"]


def test_prdr_behind_for_who_asks(start):
    exim = exim_behind(start)
    gateway = gateway_before(start, {"in": exim.url})
    with gateway.client() as client:
        assert "PRDR" in client.ehlo()
        assert client.envelope("a@sender.test", RCPTS, " PRDR") == 250
        replies = final_replies(client, 4)
        assert [r.code for r in replies] == [353, 250, 550, 450, 250, 250]
        assert client.envelope("a@sender.test", RCPTS[1:3], " PRDR") == 250
        replies = final_replies(client, 2)
        assert [r.code for r in replies] == [353, 550, 450, 451]
        # None of them: what all say is said once.
        assert client.envelope("a@sender.test", RCPTS[1:2] * 2,
                               " PRDR") == 250
        assert [r.code for r in final_replies(client, 2)] == [550]
        # Not asked for, and nobody remembers: one fate for all.
        assert client.mail(MESSAGE % b"one-for-all", rcpts=RCPTS) == 250
        client.quit()
    wait_until(lambda: len(stored_for(exim)) == 6, what="deliveries")
    exim.wait_done()
    assert stored_for(exim) == sorted(
        r.encode() for r in RCPTS + RCPTS[::3])
    fates = gateway.lines("mixed outcome id=1 ")
    assert [re.search(r"to=(\S+) code=(\d+)", f).groups() for f in fates] == [
        (r, c) for r, c in zip(RCPTS, ("250", "550", "450", "250"))]
    assert all('backend="in smtp://' in f for f in fates)


def test_prdr_behind_for_the_memory(start):
    """Postfix does not speak it, and tries again: the memory tells."""
    exim = exim_behind(start)
    gateway = gateway_before(start, {"in": exim.url}, STORE)
    postfix = start.postfix(relayhost="[127.0.0.1]:%d" % gateway.port)
    rcpts = [r.replace("box", "far") for r in RCPTS]
    submit(postfix, b"1", rcpts, sender="b@box.test")
    assert bounced(postfix, 1) == [b"full@far.test"]
    wait_until(lambda: len(stored_for(exim)) == 3, what="deliveries")
    exim.wait_done()
    assert stored_for(exim) == sorted(
        r.encode() for r in rcpts if "full" not in r)
    gateway.wait_line("mail done .*outcome=mixed .*ok=2 temp=1 perm=1")
    gateway.wait_line("rcpt refused .*to=full@far.test code=550 .*known=yes")
    gateway.wait_line("mail done .*outcome=delivered .*rcpts=3 .*known=2")
