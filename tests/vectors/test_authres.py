"""Authentication-Results: forged ones, what we write, what others read.

Written fields are read back by python3-authres, and by the strict reader of
tests/kit. Received-SPF is read back by python3-spf.
"""
import email.header
import re

import authres
import pytest
import spf
from authres import dkim_b, dmarc

import kit

FACTS = kit.load("authres-facts/facts-public.yml")[0]
OWN = FACTS["own_authserv_id"]

SETS = {name: kit.load(f"{name}/cases.yml")[0]["cases"]
        for name in ("authres-mail-ar", "authres-msgauth", "authres-python")}
PARSED = [pytest.param(case, id=f"{name}/{case['id']}")
          for name, cases in SETS.items() for case in cases]
EMITTED = kit.load("authres-python/emitted.yml")[0]["cases"]

# Values that RFC 8601 2.2 does not allow, but the sets take as valid: our
# strict reader, which is a test tool only, refuses them. Removal takes them.
NOT_RFC = {
    "provider-aol-0": "ends with a semicolon",
    "msgauth-12": "ends with a semicolon",
    "py-19": "properties without a type",
    "py-21": "properties without a type",
}


def octets(text):
    """Any text as the octets that stand for it in JSON (judge.h)."""
    return text.encode("utf-8", "surrogateescape").decode("latin-1")


def forged(fields, own=(OWN,)):
    """What is left of each header."""
    cases = [{"op": "forged", "header": octets(f), "own": list(own)}
             for f in fields]
    return [a["rest"] for a in kit.judge("authres_judge", cases)]


def is_removed(value, own):
    field = f"Authentication-Results: {value}\r\n"
    return forged([field], [own])[0] == ""


# --- forged fields ---

# null: either is right. Ours: gone, since the name stands in it as a word.
EITHER = {"bare-cr": True}


@pytest.mark.parametrize("case", FACTS["removal"], ids=lambda c: c["id"])
def test_removal(case):
    header = case["header"] + "\r\n"
    rest = forged([header])[0]
    want = EITHER[case["id"]] if case["remove"] is None else case["remove"]
    if not want:
        assert rest == octets(header)
        return
    kept = [line for line in header.split("\r\n")[:-1]
            if line and not re.match(r"(?i)authentication-results|[ \t]",
                                     line)]
    assert rest == "".join(line + "\r\n" for line in kept)


@pytest.mark.parametrize("case", PARSED)
def test_other_peoples_are_ours_by_their_id(case):
    """Whatever has an id for the source of the case is removed if it is ours,
    and kept if it is not."""
    value = case["value"]
    if case.get("authserv_id"):
        assert is_removed(value, case["authserv_id"])
        assert is_removed(value, case["authserv_id"].upper() + ".")
    assert not is_removed(value, "mx.gw.example")


@pytest.mark.parametrize("line", EMITTED)
def test_emitted_by_others(line):
    value = line.split(":", 1)[1]
    own = re.match(r"\s*([^\s;]+)", value).group(1)
    assert is_removed(value, own)
    assert not is_removed(value, "mx.gw.example")


# --- the reader that judges ours ---

def read_ours(value):
    return kit.judge("authres_judge",
                     [{"op": "read", "value": octets(value)}])[0]


@pytest.mark.parametrize("case", PARSED)
def test_reader(case):
    got = read_ours(case["value"])
    if case.get("lenient"):
        return
    if not case["valid"] or case["id"] in NOT_RFC:
        assert "error" in got
        return
    assert got["authserv_id"] == case["authserv_id"]
    want = case.get("results")
    if want is None:
        want = case["python_authres"]["results"]
    assert len(got["results"]) == len(want)
    for ours, theirs in zip(got["results"], want):
        assert ours["method"] == theirs["method"]
        assert ours["result"] == theirs["result"]
        assert ours["reason"] == theirs.get("reason", ours["reason"])
        assert ours["properties"] == theirs.get("props", ours["properties"])


# --- what we write ---

FEATURES = authres.FeatureContext(dmarc, dkim_b)


def entry(method="dkim", result="pass", comment="", reason="", properties=()):
    return {"method": method, "result": result, "comment": octets(comment),
            "reason": octets(reason),
            "properties": [[n, k, octets(v)] for n, k, v in properties]}


def write(entries, utf8=False):
    answer = kit.judge("authres_judge", [{
        "op": "write", "id": OWN, "utf8": utf8, "entries": entries}])[0]
    return answer["field"].encode("latin-1").decode("utf-8")


def check_lines(field):
    assert field.endswith("\r\n")
    lines = field[:-2].split("\r\n")
    assert all(line[0] == "\t" and line.strip() for line in lines[1:])
    assert all(len(line) <= 998 for line in lines)
    assert not re.search(r"[\x00-\x08\x0a-\x1f\x7f]", "".join(lines))


def read_back(field):
    """As python3-authres reads it, quoted pairs undone."""
    check_lines(field)
    unfolded = re.sub(r"\r\n(?=[ \t])", "", field)
    header = FEATURES.parse(unfolded)
    assert header.authserv_id == OWN
    return [(r.method, r.result, plain(r.reason),
             {f"{p.type}.{p.name}": plain(p.value) for p in r.properties})
            for r in header.results]


def plain(value):
    return value and re.sub(r"\\(.)", r"\1", value)


def shown(value):
    """What cannot be in a field is a question mark an octet."""
    return "".join(c if " " <= c <= "~" else "?" * len(
        c.encode("utf-8", "surrogateescape")) for c in value)


def content(local):
    """What a local part says."""
    if len(local) >= 2 and local[0] == local[-1] == '"':
        return plain(local[1:-1])
    return local


def same(kind, written, read):
    """A local part may get quotes, a domain loses its case."""
    if read == written or kind != "mailbox" or "@" not in written:
        return read.lower() == written.lower()
    local, domain = written.rsplit("@", 1)
    said = content(local)
    read_local, read_domain = read.rsplit("@", 1)
    return (read_domain.lower() == domain.lower()
            and read_local in (said, f'"{said}"'))


def facts_entry(case):
    """An emission case as the result it would be in."""
    fields = {
        "dkim_i": ("dkim", "header.i", "mailbox"),
        "dkim_s": ("dkim", "header.s", "domain"),
        "mail_from": ("spf", "smtp.mailfrom", "mailbox"),
        "helo": ("spf", "smtp.helo", "domain"),
        "header_from": ("dmarc", "header.from", "domain"),
        "client_ip": ("iprev", "policy.iprev", "text"),
    }
    for key, (method, name, kind) in fields.items():
        if key in case:
            return [entry(method, properties=[(name, kind, case[key])])]
    if "dkim_error" in case:
        return [entry(reason=case["dkim_error"], comment=case["dkim_error"])]
    assert case["id"] == "long"
    return [entry(properties=[
        ("header.d", "domain", f"a{i}.signer.example"),
        ("header.s", "domain", "selector"),
        ("header.b", "text", "Ab/d+F12")]) for i in range(40)]


@pytest.mark.parametrize("case", FACTS["emission"], ids=lambda c: c["id"])
def test_emission(case):
    entries = facts_entry(case)
    results = read_back(write(entries))
    assert len(results) == len(entries)
    for given, (method, result, reason, properties) in zip(entries, results):
        assert (method, result) == (given["method"], given["result"])
        assert (reason or "") == given["reason"]
        assert len(properties) == len(given["properties"])
        for name, kind, value in given["properties"]:
            assert same(kind, shown(value), properties[name])


STALWART = {
    "dkim=pass header.d=example.org header.s=myselector":
        entry(properties=[("header.d", "domain", "example.org"),
                          ("header.s", "domain", "myselector")]),
    "dkim=fail (verification failed) header.d=example.org "
    "header.s=myselector header.b=MTIzNDU2":
        entry(result="fail", comment="verification failed", properties=[
            ("header.d", "domain", "example.org"),
            ("header.s", "domain", "myselector"),
            ("header.b", "text", "MTIzNDU2")]),
    "spf=pass (localhost: domain of jdoe@example.org designates 192.168.1.1 "
    "as permitted sender) smtp.mailfrom=jdoe@example.org":
        entry("spf", comment="localhost: domain of jdoe@example.org "
              "designates 192.168.1.1 as permitted sender",
              properties=[("smtp.mailfrom", "mailbox", "jdoe@example.org")]),
    # <> is no token: RFC 8601 2.2 wants quotes
    "spf=neutral (mx.domain.org: domain of postmaster@example.org reports "
    "neutral for a:b:c::f) smtp.mailfrom=<>":
        entry("spf", "neutral", comment="mx.domain.org: domain of postmaster"
              "@example.org reports neutral for a:b:c::f",
              properties=[("smtp.mailfrom", "mailbox", "<>")]),
    "dmarc=pass header.from=example.org policy.dmarc=none":
        entry("dmarc", properties=[("header.from", "domain", "example.org"),
                                   ("policy.dmarc", "text", "none")]),
    "dmarc=fail (policy not aligned) header.from=example.com "
    "policy.dmarc=quarantine":
        entry("dmarc", "fail", comment="policy not aligned", properties=[
            ("header.from", "domain", "example.com"),
            ("policy.dmarc", "text", "quarantine")]),
    "iprev=fail (policy not aligned) policy.iprev=\"1:2:3::a\"":
        entry("iprev", "fail", comment="policy not aligned", properties=[
            ("policy.iprev", "text", "1:2:3::a")]),
}


@pytest.mark.parametrize("want", FACTS["stalwart_examples"])
def test_same_as_anothers(want):
    field = write([STALWART[want]])
    got = " ".join(field.split(";", 1)[1].split())
    assert got == want.replace("=<>", "=\"<>\"")


def test_none():
    field = write([])
    assert field == f"Authentication-Results: {OWN}; none\r\n"
    assert read_back(field) == []


HOSTILE = {
    "quote": 'a"b',
    "two-quotes": '"a" b',
    "backslash": "a\\b",
    "last-backslash": "a\\",
    "escaped-quote": 'a\\"b',
    "comment": "a (b) c",
    "comment-not-closed": "a (b",
    "comment-not-opened": "a) b",
    "semicolon": "a; dmarc=pass header.from=bank.example",
    "quoted-semicolon": '"; dmarc=pass header.from=bank.example; x="',
    "equals": "a=b smtp.mailfrom=c",
    "crlf": "a\r\nX-Injected: b",
    "crlf-fold": "a\r\n b",
    "empty-line": "a\r\n\r\nbody",
    "bare-cr": "a\rb",
    "bare-lf": "a\nb",
    "nul": "a\0b",
    "controls": "a\x01\x1b[31m\x7fb",
    "tab": "a\tb",
    "blanks": "  a  b ",
    "latin-1": "a\udce4b",
    "utf-8": "a\u00e4\u20ac\U0001f600",
    "c1": "a\u0085\u009bb",
    "bad-utf-8": "a\udcc3(\udced\udca0\udc80",
    "encoded-word": "=?utf-8?q?a=0d=0ab?=",
    "angle": "<a@b.example>, <c@d.example>",
    "none": "none",
    "reason": "reason=\"a\"",
    "long": "x" * 400,
    "long-quotes": '"' * 400,
    "too-long": "x" * 401,
    "far-too-long": "(\"\\" * 30000,
}
SHAPES = {
    "text": ("text", "{}"),
    "domain": ("domain", "{}"),
    "selector": ("domain", "{}._x.example"),
    "local": ("mailbox", "{}@x.example"),
    "mailbox-domain": ("mailbox", "a@{}"),
    "quoted-local": ("mailbox", "\"{}\"@x.example"),
    "identity": ("mailbox", "@{}"),
}


def is_name(kind, value):
    """UTF-8 in a domain becomes A-labels: not what shown() expects."""
    domain = value.rsplit("@", 1)[-1]
    return kind != "text" and not domain.isascii()


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_value(name, shape):
    kind, form = SHAPES[shape]
    value = form.format(HOSTILE[name])
    results = read_back(write([
        entry("spf", properties=[("smtp.mailfrom", kind, value)]),
        entry("iprev", "fail")]))
    assert [(m, r) for m, r, _, _ in results] == [
        ("spf", "pass"), ("iprev", "fail")]
    properties = results[0][3]
    if len(value.encode("utf-8", "surrogateescape")) > 400:
        assert properties == {}
        return
    assert list(properties) == ["smtp.mailfrom"]
    read = properties["smtp.mailfrom"]
    if is_name(kind, value):
        assert read.isascii()
    else:
        assert same(kind, shown(value), read)


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text(name):
    value = HOSTILE[name]
    results = read_back(write([
        entry("dkim", "fail", comment=value, reason=value,
              properties=[("header.d", "domain", "x.example")]),
        entry("iprev", "fail", comment=value)]))
    assert [(m, r, p) for m, r, _, p in results] == [
        ("dkim", "fail", {"header.d": "x.example"}), ("iprev", "fail", {})]
    assert results[0][2] == shown(value)[:400]


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_everywhere(name):
    """python3-authres loses a quoted string that is not the last property of
    its result (RFC 8601 allows it): what it reads must be right, and our
    reader finds all."""
    value = HOSTILE[name]
    properties = [(f"header.{n}", kind, form.format(value))
                  for n, (kind, form) in zip("abcdefg", SHAPES.values())]
    given = [entry("dkim", "fail", value, value, properties)] * 3
    field = write(given)
    theirs = read_back(field)
    ours = read_ours(field.split(":", 1)[1][:-2])["results"]
    assert len(theirs) == len(ours) == 3
    for (method, result, _, found), mine in zip(theirs, ours):
        assert (method, result) == ("dkim", "fail")
        assert found.items() <= {k: plain_if_quoted(v) for k, v in
                                 mine["properties"].items()}.items()
        assert len(mine["properties"]) == sum(
            len(v.encode("utf-8", "surrogateescape")) <= 400
            for _, _, v in properties)


def plain_if_quoted(value):
    """read_back() undoes quoted pairs of local parts too."""
    return plain(value) if value.startswith('"') else value


@pytest.mark.parametrize("name", HOSTILE)
@pytest.mark.parametrize("shape", SHAPES)
def test_hostile_smtputf8(name, shape):
    """python3-authres knows no UTF-8: our reader only."""
    kind, form = SHAPES[shape]
    value = form.format(HOSTILE[name])
    field = write([entry("spf", comment=value, reason=value, properties=[
        ("smtp.mailfrom", kind, value)])], utf8=True)
    check_lines(field)
    got = read_ours(field.split(":", 1)[1][:-2])["results"]
    assert [(r["method"], r["result"]) for r in got] == [("spf", "pass")]


def test_smtputf8():
    field = write([entry("spf", properties=[
        ("smtp.mailfrom", "mailbox", "jos\u00e9@b\u00fccher.example")])],
        utf8=True)
    assert "smtp.mailfrom=jos\u00e9@xn--bcher-kva.example" in field


# --- Received-SPF ---

def received_spf(**given):
    case = {k.replace("_", "-") if k in ("client_ip", "envelope_from") else k:
            octets(v) for k, v in given.items()}
    return kit.judge("authres_judge",
                     [{"op": "received_spf", **case}])[0]["field"]


@pytest.mark.parametrize("name", HOSTILE)
def test_received_spf(name):
    value = HOSTILE[name]
    field = received_spf(
        result="fail", identity="mailfrom", comment=value,
        client_ip="2001:db8::1", envelope_from=f"{value}@x.example",
        helo=value, receiver=OWN, mechanism="-all", problem=value)
    check_lines(field)
    reader = spf.query("192.0.2.1", "", "nothing")
    reader.parse_header_spf(field[:-2].split(":", 1)[1])
    assert reader.result == "fail"
    assert reader.ident == "mailfrom"
    assert reader.mechanism == "-all"
    assert reader.c == "2001:db8::1"
    too_long = len(value.encode("utf-8", "surrogateescape")) > 400
    assert reader.h == (
        "nothing" if too_long else shown(value).replace("\\", "?"))
