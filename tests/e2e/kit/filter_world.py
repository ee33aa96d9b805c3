"""A gateway that asks real filters, on each listener those that LISTENERS says,
and what a backend behind it gets."""
import re
import time
from email.utils import formatdate

import dkim

from kit import filters as real
from kit.certs import make_key
from kit.filtered import connect, filtered

LISTENERS = {
    "dkim": ["opendkim"], "sign": ["signer"],
    "dmarc": ["opendkim", "opendmarc"],
    "clamav": ["clamav"], "hold": ["clamhold"],
    "spamass": ["spamass"], "trap": ["spamtrap"],
    "amavis": ["amavis"], "rspamd": ["rspamd"],
    "chain": ["opendkim", "opendmarc", "rspamd"],
    "resign": ["spamass", "signer"],
    "six": ["opendkim", "opendmarc", "clamav", "amavis", "rspamd", "signer"],
}
OUTSIDE, INSIDE = "192.0.2.7", "192.0.2.20"
POLICIES = {"_dmarc.sender.example": "v=DMARC1; p=reject",
            "_dmarc.bank.example": "v=DMARC1; p=reject",
            "_dmarc.shop.example": "v=DMARC1; p=quarantine"}


class World:
    def __init__(self, start):
        self.start, self.work = start, start.work
        self.private, public = make_key(start.work)
        self.records = dict(POLICIES, **{
            "s1._domainkey.sender.example": "v=DKIM1; k=rsa; p=" + public})
        resolver = start.resolver()
        resolver.records.update(
            {(name, "TXT"): [text] for name, text in self.records.items()})
        work, keep = start.work, lambda f: start.keep(f).start()
        self.clamd = keep(real.Clamd(work))
        self.spamd = keep(real.Spamd(work))
        self.amavisd = keep(real.Amavisd(work, self.clamd, self.spamd))
        self.filters = {
            "opendkim": keep(real.OpenDkim(work, self.records)),
            "signer": keep(real.OpenDkimSigner(work, self.private)),
            "opendmarc": keep(real.OpenDmarc(work, self.records)),
            "clamav": keep(real.ClamavMilter(work, self.clamd)),
            "clamhold": keep(real.ClamavMilter(work, self.clamd,
                                               "Quarantine")),
            "spamass": keep(real.SpamassMilter(work, self.spamd, "-r", "15")),
            "spamtrap": keep(real.SpamassMilter(
                work, self.spamd, "-r", "15", "-b", "trap@box.test")),
            "amavis": keep(real.AmavisdMilter(work, self.amavisd)),
            "rspamd": keep(real.Rspamd(work, resolver)),
        }

    def blocks(self, names, lines=""):
        return ["\taddress %s\n%s" % (self.filters[n].address, lines)
                for n in names]

    def sign(self, message, **options):
        return dkim.sign(message, b"s1", b"sender.example", self.private,
                         include_headers=[b"from", b"to", b"subject",
                                          b"date"], **options) + message

    def key_for(self, name, timeout=5):
        return self.records[name.decode().rstrip(".")].encode()

    def is_signed(self, data, index=0):
        return dkim.DKIM(data).verify(idx=index, dnsfunc=self.key_for)


class Route:
    """The gateway, and what is behind it."""

    def __init__(self, start, world):
        self.sink, self.held = start.sink(), start.sink()
        self.gateway = filtered(
            start, {name: ["\txclient 192.0.2.0/24", *world.blocks(f)]
                    for name, f in LISTENERS.items()},
            {"in": self.sink.url, "held": self.held.url},
            top="quarantine held")

    def say(self, listener, message, client=OUTSIDE, rcpts="bob@box.test",
            sender="ann@sender.example", **options):
        """The reply to a mail."""
        for sink in (self.sink, self.held):
            sink.clear()
        with connect(self.gateway.at[listener], client) as c:
            c.ehlo("mail.sender.example")
            reply = c.mail(message, sender, rcpts, **options)
            c.quit()
        return reply

    def pass_on(self, *arguments, **options):
        """A mail that passes, as the backend got it."""
        reply = self.say(*arguments, **options)
        assert reply == 250, reply
        assert not self.held.messages
        return Delivered(self.sink.wait(1)[0].data)

    def refuse(self, *arguments, **options):
        reply = self.say(*arguments, **options)
        assert reply.code >= 400, reply
        assert not self.sink.messages and not self.held.messages
        return reply


def fields_of(head):
    return re.split(rb"\r\n(?![ \t])", head)


class Delivered:
    """A message at the backend: the fields above ours, ours, those below."""

    def __init__(self, data):
        self.data = data
        head, _, self.body = data.partition(b"\r\n\r\n")
        fields = fields_of(head)
        at, = [i for i, f in enumerate(fields) if re.match(
            rb"Received: from .*\sby gw\.e2e\.test \(Forepost\)", f, re.S)]
        self.above, self.ours = fields[:at], fields[at]
        self.below = fields[at + 1:]

    def has(self, name):
        """The values of the fields of this name, unfolded, top first."""
        return [re.sub(r"\s+", " ", f.decode().partition(":")[2]).strip()
                for f in self.above + self.below
                if f.lower().startswith(name.lower().encode() + b":")]

    def adds(self, message):
        """The names of the fields behind those of `message`; else it is that
        message, octet for octet."""
        head, _, body = message.partition(b"\r\n\r\n")
        fields = fields_of(head)
        assert self.below[:len(fields)] == fields
        assert self.body == body
        return [names(f) for f in self.below[len(fields):]]


def names(field):
    return field.partition(b":")[0].decode()


def mail(subject=b" hello", author=b"sender.example", extra=b"",
         body=b"Hello Bob.\r\n.dot\r\n"):
    """A message that nobody can find fault with."""
    return b"From: Ann <ann@%s>\r\nTo: Bob <bob@box.test>\r\n" \
        b"Subject:%s\r\nDate: %s\r\nMessage-ID: <%x.mail@%s>\r\n" \
        b"MIME-Version: 1.0\r\n%s\r\n%s" % (
            author, subject, formatdate().encode(), time.monotonic_ns(),
            author, extra or b"Content-Type: text/plain\r\n", body)


def virus():
    return mail(body=real.EICAR + b"\r\n")


def spam():
    return mail(body=real.GTUBE + b"\r\n")


def forged(domain):
    return b"Authentication-Results: filter.e2e.test; dkim=pass " \
        b"header.d=%s\r\n" % domain
