"""ARC chains of other people (RFC 8617), and the canonical forms beneath them
(RFC 6376 3.4)."""
import dkim
import pytest

import kit

SUITE = "arc-valimail"
SELECTOR = "dummy._domainkey.example.org"


def crlf(text):
    return text.replace("\r\n", "\n").replace("\n", "\r\n")


def octets(text):
    """JSON carries octets as U+0000 to U+00FF."""
    return crlf(text).encode("utf-8").decode("latin-1")


def zone(keys):
    return kit.zone_text({name: {"TXT": [record]}
                          for name, record in keys.items()})


# --- Valimail's suite: every message, whole and in pieces ---

def validation_cases():
    kit.folder(SUITE)
    for document in kit.load(f"{SUITE}/validation-public.yml"):
        keys = zone(document["txt-records"])
        for name, case in document["tests"].items():
            yield name, case, keys


SUITE_CASES = list(validation_cases())
PIECES = (0, 1, 7, 4096)

# A chain whose sealer noted a failure: the suite expects no statement, since
# nobody is to add a set. RFC 8617 5.2 steps 2 and 3 C: "fail".
ENDED = {"cv_fail_i2_as2_fail", "cv_fail_i2_as1_fail"}


@pytest.fixture(scope="module")
def suite_answers():
    cases = [{"zone": keys, "message": octets(case["message"]),
              "piece": piece}
             for name, case, keys in SUITE_CASES for piece in PIECES]
    answers = iter(kit.judge("arc_judge", cases))
    return {(name, piece): next(answers)
            for name, case, keys in SUITE_CASES for piece in PIECES}


@pytest.mark.parametrize("piece", PIECES, ids=lambda p: f"piece-{p}")
@pytest.mark.parametrize("name,case", [c[:2] for c in SUITE_CASES],
                         ids=[c[0] for c in SUITE_CASES])
def test_suite(suite_answers, name, case, piece):
    want = "fail" if name in ENDED else case["cv"].lower()
    got = suite_answers[name, piece]
    assert got["outcome"] == want, got["reason"]


def test_pieces_change_nothing(suite_answers):
    for name, _, _ in SUITE_CASES:
        whole = suite_answers[name, PIECES[0]]
        assert all(suite_answers[name, p] == whole for p in PIECES)


def test_together():
    """All at once, each in a fiber of its own."""
    keys = "\n".join(sorted({line for c in SUITE_CASES
                             for line in c[2].splitlines()}))
    cases = [{"zone": keys, "message": octets(case["message"])}
             for _, case, _ in SUITE_CASES]
    assert kit.judge("arc_judge", cases, "--together") == \
        kit.judge("arc_judge", cases)


# --- its signing suite: the sets it expects, put on top of its messages ---

def signed_cases():
    """Where the chain goes on. The text of a set is not given, only its tags,
    so the seal over that text cannot fit; the message signature, made over
    the rest of the message, does."""
    for document in kit.load(f"{SUITE}/arc-draft-sign-tests.yml"):
        for name, case in document["tests"].items():
            if case["AS"] and "cv=fail" not in case["AS"]:
                yield name, case, zone(document["txt-records"])


def field(name, value):
    return f"{name}: " + "\n    ".join(value.split("\n")).rstrip() + "\n"


@pytest.mark.parametrize("case,keys", [c[1:] for c in signed_cases()],
                         ids=[c[0] for c in signed_cases()])
def test_signed(case, keys):
    message = (field("ARC-Seal", case["AS"]) +
               field("ARC-Message-Signature", case["AMS"]) +
               field("ARC-Authentication-Results", case["AAR"]) +
               case["message"])
    got, = kit.judge("arc_judge", [{"zone": keys, "message": octets(message)}])
    assert got["reason"] == (f"i={got['sets']}: ARC-Seal: the signature does "
                             "not match")


# --- real messages, whose keys are not known: they cannot be had now ---

GOOGLE = "arc-20160816._domainkey.google.com servfail\n"
REAL = {"arc-pass": ("temperror", 2), "arc-pass2": ("temperror", 2),
        "arc-fail": ("temperror", 2), "arc-fail2": ("temperror", 2),
        "arc-fail3": ("fail", 2), "authtest": ("temperror", 1),
        "bimi": ("temperror", 1), "zbimi": ("temperror", 1),
        "zproov": ("none", 0), "message1": ("none", 0),
        "message2": ("none", 0), "message4": ("none", 0)}


@pytest.mark.parametrize("name", REAL)
def test_real(name):
    """Structure and body are right, and only for want of a key it is not
    known whether the chain is whole; arc-fail3 says cv=fail itself."""
    octets_ = (kit.folder("dkim-mailauth") / f"{name}.eml").read_bytes()
    message = octets_.decode("latin-1").replace("\r\n", "\n")
    changed = message + "one line more\n"
    cases = [{"zone": GOOGLE, "message": m.replace("\n", "\r\n")}
             for m in (message, changed)]
    got, other = kit.judge("arc_judge", cases)
    assert (got["outcome"], got["sets"]) == REAL[name], got["reason"]
    if got["outcome"] == "temperror":
        assert got["status"] == "fail"
        assert other["reason"].endswith("the body was changed")


# --- chains that dkimpy makes ---

KEYED = kit.load(f"{SUITE}/arc-draft-sign-tests.yml")[0]
PLAIN = ("From: a@x.example\r\nTo: b@y.example\r\nSubject:  a   b\r\n"
         "\tc\r\n\r\nSome  text \r\n\r\n and more\t\r\n\r\n\r\n").encode()


def sealed(message, instances):
    for i in instances:
        status = "none" if i == 1 else "pass"
        results = f"Authentication-Results: x.example; arc={status}\r\n"
        fields = dkim.arc_sign(
            results.encode() + message, KEYED["sel"].encode(),
            KEYED["domain"].encode(), KEYED["privatekey"].encode(),
            b"x.example", timestamp="12345",
            include_headers=[b"from", b"to", b"subject", b"from"])
        message = b"".join(fields) + message
    return message


def judge_sealed(message):
    case = {"zone": zone(KEYED["txt-records"]),
            "message": message.decode("latin-1")}
    return kit.judge("arc_judge", [case])[0]


@pytest.mark.parametrize("times", [1, 2, 3, 7])
def test_dkimpy_chain(times):
    got = judge_sealed(sealed(PLAIN, range(1, times + 1)))
    assert got["outcome"] == "pass", got["reason"]
    assert got["sets"] == times and got["oldest"] == 0
    assert got["domains"] == ["example.org"] * times


CHANGES = {
    "another From": (b"From: a@x", b"From: c@x"),
    "a second From": (b"From: a@x", b"From: c@x.example\r\nFrom: a@x"),
    "another body": (b"Some", b"some"),
    "other results of the first": (b"i=1; x.example", b"i=1; y.example"),
    "another seal": (b"cv=pass;", b"cv=none;"),
}


@pytest.mark.parametrize("change", CHANGES)
def test_dkimpy_chain_changed(change):
    message = sealed(PLAIN, (1, 2, 3))
    altered = message.replace(*CHANGES[change])
    assert altered != message
    assert judge_sealed(altered)["outcome"] == "fail"


def test_dkimpy_chain_after_change():
    """Sealed anew behind a change: the answer says how far back it holds."""
    message = sealed(PLAIN, (1, 2)).replace(b"a   b", b"[list] a b")
    assert judge_sealed(message)["outcome"] == "fail"
    got = judge_sealed(sealed(message, (3, 4)))
    assert (got["outcome"], got["oldest"]) == ("pass", 3)


# --- canonical forms (RFC 6376 3.4) ---

FORMS = kit.load("dkim-go-msgauth/canonicalization.yml")[0]["cases"]

# A bare LF is an octet like others: RFC 6376 knows only CRLF, and none gets
# past the gateway's reader. The source makes it a CRLF.
BARE = {
    ("What about\nLF endings?\n\n",): "What about\nLF endings?\n\n\r\n",
    ("\r\n", "\r", "\n", "hey\n", "\n"): "\r\n\r\nhey\n\n\r\n",
}


def form_id(case):
    return f"{case['algorithm']}-{case['kind']}-{''.join(case['chunks'])!r}"


@pytest.mark.parametrize("case", FORMS, ids=form_id)
def test_canonical_form(case):
    want = BARE.get(tuple(case["chunks"]), case["canonical"])
    got, = kit.judge("canon_judge", [case])
    assert got["canonical"] == want


@pytest.mark.parametrize("case", [c for c in FORMS if c["kind"] == "body"],
                         ids=form_id)
def test_canonical_form_in_pieces(case):
    text = "".join(case["chunks"])
    cases = [{**case, "chunks": [text[i:i + n]
                                 for i in range(0, len(text), n)]}
             for n in (1, 2, 3, len(text) + 1)]
    got = [a["canonical"] for a in kit.judge("canon_judge", cases)]
    assert got == [kit.judge("canon_judge", [case])[0]["canonical"]] * 4
