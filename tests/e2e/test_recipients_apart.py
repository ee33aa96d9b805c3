"""One mail, several recipients who fare differently: PRDR with Exim before and
behind the gateway, and the delivery memory for who does not speak it.

A client that asks for PRDR hears of each recipient in one transaction. Any
other is told 451, comes again, and then the gateway knows who has it.
"""
import re

import pytest

from kit.client import Client
from kit.process import wait_until

MESSAGE = (b"From: <a@sender.test>\r\nTo: <b@box.test>\r\n"
           b"Message-Id: <%s@sender.test>\r\n"
           b"Date: Sun, 22 Nov 2026 01:00:00 +0000\r\nSubject: apart\r\n"
           b"\r\n.leading dot\r\n..\r\ntext\r\n")
STORE = 'store { address "lmdb:var/store" }\n'
OK = b"250 2.0.0 taken\r\n"
FULL = b"552 5.2.2 mailbox is full\r\n"
LATER = b"450 4.2.0 not now\r\n"


def gateway_before(start, backends, top="", **options):
    gateway = start.gateway(backends, start=False, top=top, **options)
    gateway.own_folder("var")
    return gateway.start()


def submit(peer, ident, rcpts, sender="a@sender.test"):
    """To a mail server, which brings it to the gateway."""
    with Client(peer.port) as client:
        client.ehlo()
        assert client.mail(MESSAGE % ident, rcpts=rcpts,
                           sender=sender) == 250


def bounced(peer, count):
    """Whom the bounces name that the sender has got, of `count` in all."""
    def find():
        named = []
        for bounce in peer.delivered():
            assert b"Auto-Submitted: auto-replied" in bounce
            named += re.findall(rb"^Final-Recipient: rfc822; ?(\S+)\r$",
                                bounce, re.M | re.I)
        return named if len(named) >= count else None
    if count == 0:
        return peer.delivered()
    return sorted(wait_until(find, 20, "%d bounced recipients" % count))


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
        exim.wait_log("%s %s@box.test " % (
            r"\*\*" if fates[name] == FULL else "[=-]>", name))
        if isinstance(fates[name], list):
            assert len(exim.wait_log("== %s@box.test " % name)) == \
                len(fates[name]) - 1
    # Nobody was given a message twice to find out.
    tried = [r for s in sink.sessions for c in s.commands
             for r in re.findall(r"^RCPT TO:<(.*?)@", c)]
    for name, fate in fates.items():
        assert tried.count(name) == (
            len(fate) if isinstance(fate, list) else 1)
