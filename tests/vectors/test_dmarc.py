"""DMARC (RFC 9989) and the author domain: other people's cases, and the
RFC's own examples."""
import pytest

import kit

EVAL = ("dmarc-rfc9989/cases-public.yml", "dmarc-mailauth/cases.yml",
        "dmarc-mox/cases.yml")
RECORDS = ("dmarc-opendmarc/records.yml", "dmarc-mox/records.yml",
           "dmarc-checkdmarc/records.yml")
AUTHORS = ("from-facts/cases-public.yml", "dmarc-opendmarc/from-domain.yml")
SPOOFS = "spoof-espoofer/cases-public.yml"


def cases_of(paths):
    for path in paths:
        folder = path.split("/", maxsplit=1)[0]
        kit.folder(folder)
        for i, case in enumerate(kit.load(path)[0]["cases"]):
            yield pytest.param(case, id=f"{folder}-{case.get('id', i)}")


def octets(value):
    """JSON carries octets as U+0000 to U+00FF."""
    data = value if isinstance(value, bytes) else value.encode("utf-8")
    return data.decode("latin-1")


def judge(case, *arguments):
    return kit.judge("dmarc_judge", [case], *arguments)[0]


# --- evaluation and the tree walk ---

def message(case):
    return {"zone": kit.zone_text(case["zone"]), "spf": case["spf"],
            "dkim": case["dkim"],
            "header": octets(f"From: a@{case['from_domain']}\r\n")}


def expected(case):
    """The RFC's answer: where the source has another one, that of the field
    rfc9989."""
    return case.get("rfc9989", case["expect"])


@pytest.mark.parametrize("case", cases_of(EVAL))
def test_evaluation(case):
    got = judge(message(case))
    for key, want in expected(case).items():
        if key == "queries":
            assert [f"_dmarc.{name}" for name in got[key]] == want
        else:
            assert got[key] == want, (key, got["reason"])


def test_together():
    """All cases of one zone at once, each in a fiber of its own."""
    zones = {}
    for param in cases_of(EVAL):
        case = message(param.values[0])
        if "timeout" not in case["zone"]:
            zones.setdefault(case["zone"], []).append(case)
    assert max(len(cases) for cases in zones.values()) > 5
    for cases in zones.values():
        assert kit.judge("dmarc_judge", cases * 20, "--together") == \
            kit.judge("dmarc_judge", cases * 20)


# --- records ---

@pytest.mark.parametrize("case", cases_of(RECORDS))
def test_record(case):
    got = judge({"record": octets(case["record"])})
    for key, want in case["rfc9989"].items():
        assert got[key] == want, key


# --- alignment, as OpenDMARC compares names ---

ALIGNMENT = kit.load("dmarc-opendmarc/misc.yml")[0]["alignment"]

# A name with a dot in front, or several behind, is none and never aligns.
# (OpenDMARC takes the dots off.)
NO_NAMES = {".mac.com.", "....mac.com...."}


@pytest.mark.parametrize("case", ALIGNMENT,
                         ids=lambda c: f"{c['a']}-{c['b']}-{c['mode']}")
@pytest.mark.parametrize("method", ["spf", "dkim"])
def test_alignment(case, method):
    """One record at the author domain, and one at the shorter name, which is
    what makes it the organizational domain."""
    text = f"v=DMARC1; p=reject; adkim={case['mode']}; aspf={case['mode']}"
    name = {"result": "pass", "domain": case["a"]}
    tail = ".".join(case["b"].strip(".").split(".")[-2:])
    got = judge({"zone": kit.zone_text({
                     f"_dmarc.{tail}": {"TXT": [text]}}),
                 "spf": name if method == "spf" else None,
                 "dkim": [name] if method == "dkim" else [],
                 "header": f"From: x@{case['b']}\r\n"})
    aligned = case["aligned"] and case["a"] not in NO_NAMES
    assert (got["result"] == "pass") == aligned, got["reason"]


# --- the author domain ---

def header_of(case):
    if "header_hex" in case:
        return octets(bytes.fromhex(case["header_hex"]))
    if "header_gen" in case:
        # An expression of strings, "+" and "*" only.
        return octets(eval(case["header_gen"], {"__builtins__": {}}))
    return octets(case["header"])


@pytest.mark.parametrize("case", cases_of(AUTHORS))
def test_author(case):
    """Never a pass without an author domain, whatever authenticates: every
    domain there may be has a record, and is signed for."""
    got = judge({"header": header_of(case) + "\r\n"})
    want = case["domain"]
    assert got["author"] in (want if isinstance(want, list) else [want]), \
        got["fault"]
    names = got["domains"]
    everything = judge({
        "header": header_of(case) + "\r\n",
        "zone": kit.zone_text({f"_dmarc.{name}": {"TXT": [
            "v=DMARC1; p=reject"]} for name in names}),
        "dkim": [{"result": "pass", "domain": name} for name in names]})
    assert everything["domain"] == got["author"]
    assert everything["result"] == ("pass" if got["author"] else "permerror")


@pytest.mark.parametrize("case", kit.load("dmarc-opendmarc/misc.yml")[0][
    "milter_cases"], ids=lambda c: c["id"])
def test_milter_case(case):
    """Nothing authenticates; what a Received-SPF from outside says is not
    asked. Of several authors each is looked at."""
    names = ("blackops.org", "eleet.org", "paypal.com", "trusteddomain.org")
    got = judge({"header": "\r\n".join(case["header"]) + "\r\n",
                 "zone": kit.zone_text({f"_dmarc.{name}": {"TXT": [
                     "v=DMARC1; p=reject"]} for name in names}),
                 "spf": {"result": "fail",
                         "domain": case["mail_from"].split("@")[1]}})
    assert (got["result"], got["policy"]) == ("fail", "reject")
    assert (got["author"] is None) == case["id"].startswith("multi-from")


# --- spoofing: "Composition Kills", cases on From ---

SPOOF = kit.load(SPOOFS)[0]

# The author domain, what DMARC says while everything of the attacker's passes,
# and of whom.
VICTIM = ("legitimate.com", "fail", "legitimate.com")
NO_ONE = (None, "fail", "legitimate.com")
SPOOFED = {
    "server_a1": VICTIM, "server_a3": VICTIM, "server_a5": VICTIM,
    "server_a7": VICTIM,
    "server_a9": NO_ONE, "server_a11": NO_ONE,
    "server_a13": (None, "permerror", None),
    "server_a15": (None, "permerror", None),
    "server_a17": NO_ONE, "server_a19": NO_ONE,
    "client_a2": ("example.com", "none", "example.com"),
}


@pytest.mark.parametrize("case", SPOOF["cases"], ids=lambda c: c["id"])
def test_spoof(case):
    """Whatever is the attacker's passes: SPF for attack.com, and a signature
    of every name beneath."""
    text = (kit.folder("spoof-espoofer") / case["file"]).read_bytes()
    got = judge({"zone": kit.zone_text(SPOOF["zone"]),
                 "header": octets(text),
                 "spf": {"result": "pass", "domain": "attack.com"},
                 "dkim": [{"result": "pass", "domain": name} for name in
                          ("attack.com", "helo.attack.com",
                           "33.attack.com")]})
    known = SPOOFED.get(case["id"])
    if known is not None:
        assert (got["author"], got["result"], got["domain"]) == known
    # Of cases that are not in the table too.
    assert got["result"] != "pass" or got["domain"] != "legitimate.com"
