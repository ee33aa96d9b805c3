"""What the tests share whose mails fare differently for each recipient."""
import re

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
    return sorted(wait_until(find, what="%d bounced recipients" % count))
