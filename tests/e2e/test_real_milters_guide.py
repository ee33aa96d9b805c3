"""What docs/milters.md shows of filters that people run works as it is shown:
their settings, ours, and all of them behind each other. Only paths and ports
are the test's."""
import re
import shlex

import dkim
import pytest

from kit import filters as real
from kit.certs import make_key
from kit.filter_world import (OUTSIDE, Delivered, mail, names, spam, virus)
from kit.filtered import connect
from kit.ports import free_port
from test_guides import FENCE, text_of

INSIDE = "10.0.0.5"
# Where the guide puts them.
PLACES = re.compile(r"^(Socket|MilterSocket|ClamdSocket|KeyFile|IgnoreHosts|"
                    r"bind_socket|\$unix_socketname)\b.*\n", re.M)


def section():
    text = text_of("docs/milters.md")
    start = text.index("\n## Filters that people run\n")
    return text[start:text.index("\n## ", start + 1)]


def shown():
    """{what it is called: text}, with nothing of where it is."""
    return {f[1].split()[1]: PLACES.sub("", f[2])
            for f in FENCE.finditer(section()) if " " in f[1]}


def ours():
    return "".join(f[2] for f in FENCE.finditer(section()) if f[1] == "conf")


def variable(text, name):
    return shlex.split(re.search(r'^%s="(.*)"$' % name, text, re.M)[1])


@pytest.fixture(scope="module")
def guide(module_start):
    start, work, theirs = module_start, module_start.work, shown()
    resolver = start.resolver()

    def run(one):
        return start.keep(one).start()
    private, public = make_key(work)
    records = {"s1._domainkey.example.org": "v=DKIM1; k=rsa; p=" + public}
    clamd, spamd = run(real.Clamd(work)), run(real.Spamd(work))
    amavisd = run(real.Amavisd(work, clamd, spamd, theirs["amavis"]))
    at = {
        "opendkim": run(real.OpenDkim(work, records, theirs["opendkim"])),
        "opendmarc": run(real.OpenDmarc(
            work, {"_dmarc.bank.example": "v=DMARC1; p=reject"},
            theirs["opendmarc"])),
        "clamav": run(real.ClamavMilter(work, clamd,
                                        conf=theirs["clamav-milter"])),
        "spamassassin": run(real.SpamassMilter(work, spamd, *(
            word for word in variable(theirs["spamass-milter"], "OPTIONS")
            # The user for whom spamd asks is not here.
            if word not in ("-u", "spamass-milter")))),
        "amavis": run(real.AmavisdMilter(work, amavisd, *variable(
            theirs["amavisd-milter"], "EXTRAPARAMS"))),
        "rspamd": run(real.Rspamd(work, resolver, theirs["worker-proxy.inc"],
                                  theirs["milter_headers.conf"])),
        "sign": run(real.OpenDkimSigner(work, private,
                                        theirs["opendkim-signs"])),
    }
    text, count = re.subn(
        r"milter (\w+) \{\n *address +\S+",
        lambda m: "milter %s {\naddress %s" % (m[1], at[m[1]].address), ours())
    assert count == len(at)
    sink, port = start.sink(), free_port()
    gateway = start.gateway({"in": sink.url}, top="%s\nlistener guide {\n"
                            "address 127.0.0.1:%d\nproxy_protocol "
                            "127.0.0.1\n}" % (text, port))
    return gateway, sink, port, records


def say(guide, message, client=OUTSIDE):
    _, sink, port, _ = guide
    sink.clear()
    with connect(("127.0.0.1", port), client) as c:
        c.ehlo("mail.sender.example")
        return c.mail(message, "ann@sender.example", "bob@box.test")


def test_mail_passes_all_that_the_guide_shows(guide):
    message = mail(author=b"nothing.example")
    assert say(guide, message) == 250
    got = Delivered(guide[1].wait(1)[0].data)
    assert "X-Virus-Scanned" in map(names, got.above)	# amavis
    assert [r.split(";")[1].split("=")[0].strip() for r in
            got.has("Authentication-Results")[:2]] == ["dmarc", "dkim"]
    # (amavis puts its own results in place of SpamAssassin's.)
    for name in ("X-Virus-Status", "X-Spam-Status", "X-Rspamd-Action"):
        assert len(got.has(name)) == 1
    assert not got.has("DKIM-Signature")
    # From inside it is signed.
    assert say(guide, mail(author=b"example.org"), INSIDE) == 250
    got = Delivered(guide[1].wait(1)[0].data)
    assert names(got.above[0]) == "DKIM-Signature"
    assert dkim.verify(got.data, dnsfunc=lambda name, timeout=5: guide[3][
        name.decode().rstrip(".")].encode())


@pytest.mark.parametrize("message, client, text", (
    (lambda: mail(author=b"bank.example"), OUTSIDE,
     "550 5.7.1 rejected by DMARC policy for bank.example"),
    (virus, OUTSIDE, "550 5.7.1 Virus found: Test.Eicar"),
    (spam, OUTSIDE, "550 5.7.1 Blocked by SpamAssassin"),
    (spam, INSIDE, "554 5.7.0 Reject, id=")),
    ids=("dmarc", "virus", "spam", "spam-from-inside"))
def test_mail_is_refused_as_the_guide_shows(guide, message, client, text):
    reply = say(guide, message(), client)
    assert reply.lines[0].startswith(text), reply
    assert not guide[1].messages
