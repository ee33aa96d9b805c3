"""`forepost explain`: the names that its tests know, a mail, and one run."""
import subprocess

from kit.gateway import binary

RECORDS = {
    ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.good.example"],
    ("mail.good.example", "A"): ["192.0.2.7"],
    ("good.example", "TXT"): ["v=spf1 ip4:192.0.2.7 ~all"],
    ("good.example", "MX"): ["10 mail.good.example"],
    ("8.2.0.192.in-addr.arpa", "PTR"): ["mail.good.example"],
    ("8.2.0.192.bad.lists.test", "A"): ["127.0.0.2"],
    ("6.2.0.192.bad.lists.test", "A"): ["127.0.0.3"],
    ("2.0.0.127.bad.lists.test", "A"): ["127.0.0.2"],
    ("silent.example", "A"): ["192.0.2.1"],
    ("bank.example", "TXT"): ["v=spf1 -all"],
    ("bank.example", "MX"): ["10 mail.good.example"],
    ("_dmarc.bank.example", "TXT"): ["v=DMARC1; p=reject"],
    ("shop.example", "MX"): ["10 mail.good.example"],
    ("_dmarc.shop.example", "TXT"): ["v=DMARC1; p=quarantine"],
}


def message(sender="Ann <ann@good.example>", subject="hello", more=""):
    head = "From: %s\n" % sender if sender else ""
    return head + "To: bob@in.test\nSubject: %s\nX-Old: 1\n" \
        "Date: Sun, 22 Nov 2026 01:00:00 +0000\n%s" \
        "Message-ID: <1@good.example>\n\nHello.\n" % (subject, more)


def explain(*arguments):
    return subprocess.run([binary(), "explain", *arguments],
                          stdin=subprocess.DEVNULL, capture_output=True,
                          text=True, timeout=60, check=False)
