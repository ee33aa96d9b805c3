"""DKIM: other people's cases through both engines (filters/signature.h).

Each signature of a message has the result expected: a word of RFC 8601, or
one that leaves room (ROOM).
"""
import functools
import itertools

import pytest

import kit

SETS = {
    "dkim-facts": "cases-public.yml",
    "dkim-dkimpy": "cases.yml",
    "dkim-go-msgauth": "cases.yml",
    "dkim-mail-dkim": "cases.yml",
    "dkim-mailauth": "cases.yml",
    "dkim-mimekit": "cases.yml",
}
RESULTS = {"pass", "fail", "neutral", "temperror", "permerror", "policy"}
ROOM = {
    "notpass": RESULTS - {"pass"},
    "pass-or-permerror": {"pass", "permerror"},
    "pass-policy": {"pass", "policy"},
    "notpass-or-pass": RESULTS,
    "notpass-dmarc": {"permerror"},     # a top-level domain speaks for nobody
    "any": RESULTS,
}
PIECES = (1, 7, 4096)
ENGINES = ("own", "libopendkim")

# Where libopendkim says something else, and why (docs/conformance.md, DKIM).
OTHERWISE = {
    "dkim-facts/tag-fws": "it takes \"b =\" for another tag than \"b=\"",
    "dkim-facts/key-v-notfirst": "v= may stand anywhere in a key record",
    "dkim-go-msgauth/pkcs1-key": "it reads no bare RSAPublicKey",
}


def octets(path):
    """The message as it would come in: all line ends are CRLF."""
    raw = path.read_bytes()
    if b"\r\n" not in raw:
        raw = raw.replace(b"\n", b"\r\n")
    return raw.decode("latin-1")


def load():
    for folder, file in SETS.items():
        root = kit.folder(folder)
        if not (root / file).exists():      # the whole of a set in one file
            file = "cases.yml"
        for document in kit.load(f"{folder}/{file}"):
            zone = kit.zone_text(document.get("zone", {}))
            for case in document["cases"]:
                yield (f"{folder}/{case['id']}", zone,
                       octets(root / case["file"]), case["expect"])


CASES = list(load())
NAMES = [case[0] for case in CASES]


def ask(cases, engine, piece, *arguments):
    return kit.judge("dkim_judge", [
        {"zone": zone, "message": message, "engine": engine, "piece": piece}
        for _, zone, message, _ in cases], *arguments)


@functools.lru_cache(None)
def answers(engine, piece=0):
    return dict(zip(NAMES, ask(CASES, engine, piece)))


def results(answer):
    return [s["result"] for s in answer["signatures"]]


@pytest.mark.parametrize("case", CASES, ids=NAMES)
def test_result(case):
    name, _, _, expect = case
    got = answers("own")[name]
    if expect == ["any"]:
        assert set(results(got)) <= RESULTS
        return
    assert len(results(got)) == len(expect), got
    for result, word in zip(results(got), expect):
        assert result in ROOM.get(word, {word}), got


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("piece", PIECES)
@pytest.mark.parametrize("name", NAMES)
def test_pieces(name, piece, engine):
    """The body may come in any pieces."""
    assert answers(engine, piece)[name] == answers(engine)[name]


@pytest.mark.parametrize("name", NAMES)
def test_engines(name):
    """They agree, or the table says why not."""
    own, other = answers("own")[name], answers("libopendkim")[name]
    same = results(own) == results(other)
    if name in OTHERWISE:
        assert not same, "they agree: take it out of the table"
    else:
        assert same, (own, other)


def by_zone():
    return [list(g) for _, g in itertools.groupby(CASES, lambda c: c[1])]


def slow(zone):
    """Each name answers when it likes to."""
    names = dict.fromkeys(line.split()[0] for line in zone.splitlines()
                          if " TXT " in line)
    return zone + "".join(f"{name} delay {i * 37 % 100}\n"
                          for i, name in enumerate(names))


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("group", by_zone(),
                         ids=lambda g: g[0][0].split("/")[0])
def test_together(group, engine):
    """Many messages that wait for their keys do not disturb each other."""
    cases = [(name, slow(zone), message, expect)
             for name, zone, message, expect in group] * 3
    got = ask(cases, engine, 100, "--together")
    assert got == [answers(engine)[case[0]] for case in cases]


def test_table():
    """It lists nothing that is not there."""
    assert set(OTHERWISE) <= set(NAMES)
