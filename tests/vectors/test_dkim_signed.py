"""DKIM: messages signed by python3-dkim, as they were and as others made them.

For combinations of canonical forms, algorithms, bodies and header fields that
the sets of cases do not have. Both engines say the same.
"""
import base64
import functools
import itertools
import subprocess

import dkim
import nacl.signing
import pytest

import kit

FORMS = [b"simple", b"relaxed"]
ALGORITHMS = ["rsa-sha256", "ed25519-sha256"]
HEADER = (
    b"Received: from a.example by b.example;\r\n\tThu, 1 Jan 2026\r\n"
    b"FROM:  Bob <bob@x.example> \r\n"
    b"To:\ta@here.example,\r\n  b@here.example,\r\n\t \r\n c@here.example\r\n"
    b"Subject:\r\n Hello\t  there  \r\n"
    b"X-Empty:\r\n"
    b"X-Octets: caf\xe9 \xc3\xa9\r\n"
    b"MIME-Version: 1.0\r\n")
BODIES = {
    "text": b"Hello  there,\r\n\r\n\tBob \r\n",
    "empty": b"",
    "line ends": b"\r\n\r\n\r\n",
    "blanks": b" \t\r\n \r\n",
    "blanks at the end": b"Hello\r\n \t \r\n\r\n \r\n",
    "blanks at the front": b"  \t Hello\r\n",
    "dots": b".\r\n..\r\n. .\r\n",
    "long line": b"x y  " * 5000 + b"\r\n",
    "many lines": b"\r\n" * 500 + b"Hello" + b"\r\n" * 500 + b".\r\n",
    "octets": bytes(o for o in range(1, 256) if o not in b"\r\n") + b"\r\n",
}


@functools.lru_cache(None)
def keys():
    """{algorithm: (what dkim signs with, key record)}"""
    pem = subprocess.run(
        ["openssl", "genrsa", "-traditional", "2048"],
        capture_output=True, check=True).stdout
    der = subprocess.run(
        ["openssl", "rsa", "-pubout", "-outform", "DER"], input=pem,
        capture_output=True, check=True).stdout
    seed = nacl.signing.SigningKey.generate()
    return {
        "rsa-sha256": (pem, b"v=DKIM1; p=" + base64.b64encode(der)),
        "ed25519-sha256": (
            base64.b64encode(bytes(seed)), b"v=DKIM1; k=ed25519; p=" +
            base64.b64encode(bytes(seed.verify_key))),
    }


def sign(message, algorithm, header=b"relaxed", body=b"relaxed", **more):
    key, _ = keys()[algorithm]
    selector = algorithm.split("-")[0].encode()
    field = dkim.sign(message, selector, b"x.example", key,
                      canonicalize=(header, body),
                      signature_algorithm=algorithm.encode(), **more)
    return field + message


def zone():
    return "\n".join(
        kit.txt(f"{algorithm.split('-')[0]}._domainkey.x.example", record)
        for algorithm, (_, record) in keys().items()) + "\n"


def ask(message):
    """What both engines say of each signature."""
    own, other = kit.judge("dkim_judge", [
        {"zone": zone(), "message": message.decode("latin-1"),
         "engine": engine, "piece": 61} for engine in ("own", "libopendkim")])
    got = [s["result"] for s in own["signatures"]]
    assert got == [s["result"] for s in other["signatures"]], (own, other)
    return got


ALL = list(itertools.product(ALGORITHMS, FORMS, FORMS, BODIES))
ALL_NAMES = [f"{a.split('-')[0]}-{h.decode()}-{b.decode()}-{n}"
             for a, h, b, n in ALL]


@pytest.mark.parametrize("algorithm,header,body,name", ALL, ids=ALL_NAMES)
def test_as_signed(algorithm, header, body, name):
    message = HEADER + b"\r\n" + BODIES[name]
    assert ask(sign(message, algorithm, header, body)) == ["pass"]


@pytest.mark.parametrize("algorithm", ALGORITHMS)
@pytest.mark.parametrize("form", FORMS, ids=bytes.decode)
@pytest.mark.parametrize("old,new", [
    (b"Hello there", b"Hello  there"),          # in the body
    (b"Bob\r\n", b"bob\r\n"),
    (b"\r\nEnd", b"End"),
    (b"a@here", b"z@here"),                     # in the header
    (b"Subject: x", b"Subject: xy"),
    (b"Subject", b"X-Subject"),
    (b"MIME", b"From: eve@y.example\r\nMIME"),
], ids=str)
def test_changed(algorithm, form, old, new):
    message = (b"From: bob@x.example\r\nTo: a@here.example\r\nSubject: x\r\n"
               b"MIME-Version: 1.0\r\n\r\nHello there\r\nBob\r\nEnd\r\n")
    signed = sign(message, algorithm, form, form, include_headers=[
        b"from", b"to", b"subject", b"from"])
    assert ask(signed) == ["pass"]
    changed = signed.replace(old, new, 1)
    assert changed != signed
    blanks = form == b"relaxed" and old == b"Hello there"
    assert ask(changed) == ["fail"] or blanks


@pytest.mark.parametrize("algorithm", ALGORITHMS)
def test_carried_on(algorithm):
    """What may happen on the way: fields on top, folding, blanks."""
    message = HEADER + b"\r\nHello\r\n"
    signed = sign(message, algorithm, identity=b"bob+y@sub.x.example")
    moved = (b"Received: from b.example by c.example\r\n" + signed).replace(
        b"FROM:  Bob", b"From :\r\n Bob").replace(b"Hello\r\n", b"Hello \r\n")
    assert ask(moved + b"\r\n\r\n") == ["pass"]


@pytest.mark.parametrize("form", FORMS, ids=bytes.decode)
def test_part_of_the_body(form):
    message = HEADER + b"\r\nHello\r\n"
    signed = sign(message, "rsa-sha256", form, form, length=True)
    assert ask(signed) == ["pass"]
    assert ask(signed + b"Buy now!\r\n") == ["pass"]
    assert ask(signed[:-4]) == ["permerror"]
    told, = kit.judge("dkim_judge", [
        {"zone": zone(), "message": (signed + b"Buy!").decode("latin-1")}])
    assert told["signatures"][0]["partial"] is True


def test_several():
    message = HEADER + b"\r\nHello\r\n"
    for algorithm, header, body in itertools.product(
            ALGORITHMS, FORMS, FORMS):
        message = sign(message, algorithm, header, body)
    assert ask(message) == ["pass"] * 8
    assert ask(message.replace(b"Hello", b"Hullo")) == ["fail"] * 8
