"""The gateway's resolver among real name servers, good and bad: each lookup
ends with the right outcome, in bounded time, and leaves nothing behind."""
import pytest

from kit.dns_world import LONG_TEXT, ODD, World, can_make_networks
from kit.process import wait_until
from kit.running import stats


@pytest.fixture(scope="module")
def world(module_work):
    if not can_make_networks():
        pytest.skip("no network namespaces here (unshare -n)")
    world = World(module_work)
    try:
        yield world.start()
    finally:
        world.stop()


def by_question(lines):
    return {(line["type"], line["name"]): line for line in lines
            if "name" in line}


def said(line):
    """Outcome, why it failed, whether DNSSEC vouches for it."""
    return (line["outcome"], line.get("why"), line["secure"])


OK, SURE = ("ok", None, False), ("ok", None, True)
BOGUS, FAILED = ("fail", "bogus", False), ("fail", "servfail", False)
LATE = ("fail", "timeout", False)

# With the trust anchor of this world, without it, and the records.
DNSSEC = {
    "A www.good.example": (SURE, OK, ["192.0.2.1"]),
    "TXT www.good.example": (SURE, OK, ["signed"]),
    "AAAA www.good.example": (("nodata", None, True),
                              ("nodata", None, False), []),
    "A none.good.example": (("nxdomain", None, True),
                            ("nxdomain", None, False), []),
    "A none.example": (("nxdomain", None, True),
                       ("nxdomain", None, False), []),
    "A mail.plain.example": (OK, OK, ["192.0.2.9"]),
    "A none.plain.example": (("nxdomain", None, False),
                             ("nxdomain", None, False), []),
    "A out.good.example": (OK, OK, ["192.0.2.9"]),
    "A far.plain.example": (OK, OK, ["192.0.2.1"]),
    "A www.bogus.example": (BOGUS, OK, ["192.0.2.66"]),
    "A bad.good.example": (BOGUS, OK, ["192.0.2.66"]),
    "A www.expired.example": (BOGUS, OK, ["192.0.2.3"]),
    "A www.stripped.example": (BOGUS, OK, ["192.0.2.4"]),
    "A www.rolled.example": (BOGUS, OK, ["192.0.2.5"]),
}


@pytest.mark.core
@pytest.mark.parametrize("anchor", (True, False), ids=("anchor", "none"))
def test_dnssec(world, anchor):
    """Signed, unsigned, forged, expired, without signatures, with the wrong
    key; answers and denials; across a CNAME the weaker of both counts."""
    answers = by_question(world.ask(list(DNSSEC), anchor=anchor))
    for question, (with_anchor, without, records) in DNSSEC.items():
        answer = answers[tuple(question.split())]
        want = with_anchor if anchor else without
        assert said(answer) == want, question
        assert answer["records"] == (records if want[0] == "ok" else [])


# Below example., found from the root down. Milliseconds bound the time.
PATHS = {
    "MX plain.example": (OK, ["10 mail.plain.example"], 1000),
    "AAAA mail.plain.example": (OK, ["2001:db8::9"], 1000),
    "TXT big.plain.example": (OK, [LONG_TEXT], 1000),
    "NS plain.example": (OK, ["ns.plain.example"], 1000),
    "A c35.plain.example": (OK, ["192.0.2.40"], 1000),
    "A c0.plain.example": (FAILED, [], 1000),
    "A loop1.plain.example": (FAILED, [], 1000),
    "A self.plain.example": (FAILED, [], 1000),
    "A www.lame.example": (FAILED, [], 1000),
    "A www.halflame.example": (OK, ["192.0.2.6"], 1000),
    "A www.gone.example": (FAILED, [], 5000),
    "A www.halfgone.example": (OK, ["192.0.2.8"], 3000),
    "A www.silent.example": (FAILED, [], 5000),
    "A www.halfsilent.example": (OK, ["192.0.2.7"], 3000),
    "A www.servfail.example": (FAILED, [], 1000),
    "A www.garbage.example": (FAILED, [], 1000),
    "A www.cut.example": (OK, ["192.0.2.53"], 1000),
    "A www.cutsilent.example": (LATE, [], 6100),
    "A www.slow.example": (FAILED, [], 5000),
    "A www.late.example": (OK, ["192.0.2.53"], 5000),
    "A www.hen.example": (FAILED, [], 1000),
    "A www.crowd.example": (FAILED, [], 5000),
    "A mail.plain.example": (OK, ["192.0.2.9"], 1000),
}


@pytest.mark.core
def test_recursion(world):
    """All at once: dead and hostile servers do not hold up the others. (The
    bounds leave room for a busy machine: an answer by TCP may have been
    asked for twice.)"""
    answers = by_question(world.ask(list(PATHS), deadline=6000))
    for question, (want, records, bound) in PATHS.items():
        answer = answers[tuple(question.split())]
        assert said(answer) == want, question
        assert answer["records"] == records, question
        assert answer["ms"] <= bound + 4000, question


def test_deadline(world):
    """Late is late, whatever the servers do, and the next one is served."""
    names = ["A www.silent.example", "A www.slow.example",
             "A www.cutsilent.example", "A www.gone.example"]
    lines = world.ask(names + ["wait", "A mail.plain.example"], deadline=1000)
    for line in lines[:4]:
        assert said(line) == LATE
        assert 1000 <= line["ms"] < 4000
    assert said(lines[4]) == OK


def test_nothing_is_left(world):
    """What was given up ends by itself, and round after round of it takes
    neither descriptors nor memory."""
    domains = ("silent", "slow", "gone", "servfail", "lame", "garbage",
               "hen", "crowd")
    questions, rounds, each = [], 4, 40
    for r in range(rounds):
        questions += ["A r%dn%d.%s.example" % (r, i, d)
                      for d in domains for i in range(each)]
        # What is silent over TCP ends last: after nine tries of 3 s.
        questions += ["A www.cutsilent.example"] * (r == 0)
        questions += ["wait", "settle", "state"]
    lines = world.ask(questions, deadline=500, seconds=200)
    states = [line for line in lines if "descriptors" in line]
    assert len(states) == rounds
    for state in states:
        assert state["given_up"] == state["waiting"] == 0
        assert state["descriptors"] == states[0]["descriptors"]
    growth = states[-1]["allocated"] - states[1]["allocated"]
    # Answers are cached, failures too for a while: some 400 octets each.
    assert growth < 2 * each * len(domains) * 1000, states


def test_a_forwarder_outlives_silent_names(world):
    """Names that a forwarder has no answer for, one after the other and with
    nothing else between, do not make it look dead."""
    questions = ["A www.plain.example", "wait"]
    for i in range(2):
        questions += ["A n%d.silent.example" % i, "wait", "settle"]
    questions += ["A mail.plain.example"]
    lines = world.ask(questions, deadline=2500, forward=[ODD["picky"]])
    assert [said(line) for line in lines[1:-1]] == [LATE] * 2
    assert said(lines[-1]) == OK
    assert lines[-1]["ms"] < 2000


def test_two_forwarders_one_dead(world):
    lines = world.ask(["A n%d.plain.example" % i for i in range(20)] +
                      ["wait", "A www.plain.example"],
                      forward=[ODD["silent"], ODD["picky"]])
    assert [said(line) for line in lines] == [OK] * 21


def test_counters(start):
    """What the resolver counts is told by `forepost stats`."""
    resolver = start.resolver()
    resolver.records[("1.2.0.192.in-addr.arpa", "PTR")] = ["host.test"]
    resolver.records[("host.test", "A")] = ["192.0.2.1"]
    gateway = start.gateway({"in": start.sink().url},
                            listener="\txclient 127.0.0.1")
    for _ in range(3):
        with gateway.client() as client:
            client.ehlo()
            assert client.cmd("XCLIENT ADDR=192.0.2.1") == 220
            client.quit()
    wait_until(lambda: stats(gateway)["dns_asked"] > 0)
    wait_until(lambda: stats(gateway)["dns_waiting"] == 0)
    s = stats(gateway)
    assert s["dns_asked"] >= s["dns_cached"] + s["dns_timeouts"]
    assert s["dns_failed"] >= s["dns_timeouts"] + s["dns_overload"]
