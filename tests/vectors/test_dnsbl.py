"""DNS lists: the facts of dnsbl-facts (RFC 5782 and what others test)."""
import ipaddress
import re

import pytest

import kit

FACTS = kit.load("dnsbl-facts/" + sorted(
    p.name for p in kit.folder("dnsbl-facts").glob("cases*.yml"))[0])[0]
ZONE = FACTS.get("zone", "bl.example")
CLIENT = FACTS.get("client_ip", "1.2.3.4")
KNOWN = {"schema", "client_ip", "zone", "sources", "query_names", "answers",
         "self_test", "private"}
TEST_POINTS = {
    "IPv4": ("127.0.0.2", "127.0.0.1"),
    "IPv6": ("::ffff:7f00:2", "::ffff:7f00:1"),
    "domains": ("TEST", "INVALID"),
}


def reversed_name(ip):
    return ipaddress.ip_address(ip).reverse_pointer.rsplit(".", 2)[0]


def answer_to(zone, replies=(), **question):
    listed = {"zone": ZONE, "checks": ["client", "helo"],
              "replies": list(replies)}
    case = {"zone": kit.zone_text(zone), "list": listed, **question}
    return kit.judge("dnsbl_judge", [case])[0]


def test_nothing_is_passed_over():
    assert set(FACTS) <= KNOWN


@pytest.mark.parametrize("case", FACTS["query_names"], ids=lambda c: c["ip"])
def test_query_name(case):
    got = answer_to({}, client=case["ip"])
    assert got.get("prefix") == case["name"]
    assert ("bad" in got) == (case["name"] is None)


@pytest.mark.parametrize("case", FACTS["answers"], ids=lambda c: c["id"])
def test_answer(case):
    zone = {f"{reversed_name(CLIENT)}.{ZONE}": case["answer"]}
    if "CNAME" in case["answer"]:
        zone[case["answer"]["CNAME"]] = {"A": ["127.0.0.2"]}
    replies = [f"{case['filter']} score 1"] if "filter" in case else []
    got = answer_to(zone, replies, client=CLIENT)
    if case["listed"] == "temperror":
        assert got["state"] == "failed"
    elif case["listed"]:
        assert got["state"] == "listed"
        assert got["addresses"]
    else:
        assert got["state"] in ("unlisted", "error")
        assert got["score"] == "0"
    texts = case["answer"].get("TXT") if case["listed"] is True else None
    if not texts:
        return
    reason = got["reason"]
    assert 0 < len(reason) <= 200
    assert re.fullmatch(r"[!-~]+( [!-~]+)*", reason)
    assert reason == " ".join(texts[0].split())


def test_you_may_not_ask_is_an_error():
    for last in (252, 254, 255):
        zone = {f"{reversed_name(CLIENT)}.{ZONE}":
                {"A": [f"127.255.255.{last}"]}}
        assert answer_to(zone, client=CLIENT)["state"] == "error"


@pytest.mark.parametrize("side", TEST_POINTS)
@pytest.mark.parametrize("listed, unlisted, want", [
    (True, False, "good"), (False, False, "sick"), (True, True, "sick"),
    (False, True, "sick")])
def test_self_test(side, listed, unlisted, want):
    def name(point):
        # Python would turn ::ffff:7f00:2 into an IPv4 name: digits by hand.
        if side == "IPv6":
            digits = ipaddress.IPv6Address(point).exploded.replace(":", "")
            return ".".join(reversed(digits))
        return reversed_name(point) if side == "IPv4" else point.lower()

    assert any(TEST_POINTS["IPv4"][0] in fact for fact in FACTS["self_test"])
    points = TEST_POINTS[side]
    zone = {f"{name(p)}.{ZONE}": {"A": ["127.0.0.2"]}
            for p, is_there in zip(points, (listed, unlisted)) if is_there}
    got = answer_to(zone, probe=side)
    assert got["condition"] == want
    if want == "sick":
        assert points[0 if not unlisted else 1] in got["why"]


def private_networks():
    """Out of a sentence such as "clients in 10/8, ::1, fe80::/10 are not"."""
    for text in FACTS["private"]:
        for word in re.findall(r"[0-9a-f:.]+(?:/[0-9]+)?", text):
            if not re.match(r"[0-9a-f]*[0-9:]", word) or len(word) < 3:
                continue
            address, _, bits = word.partition("/")
            if ":" not in address:
                address = ".".join((address.split(".") + ["0"] * 3)[:4])
            yield f"{address}/{bits}" if bits else address


@pytest.mark.parametrize("network", private_networks())
def test_private(network):
    net = ipaddress.ip_network(network)
    for ip in (net[0], net[-1]):
        zone = {f"{reversed_name(ip)}.{ZONE}": {"A": ["127.0.0.2"]}}
        got = answer_to(zone, client=str(ip))
        assert got["private"] is True
        assert "state" not in got
