"""/transactions.json: who finds what, hostile mail, and workers that die."""
import json
import os
import signal
import threading

import pytest

from kit.process import wait_until
from kit.ruled import write_rules
from kit.web import get, shown, workers

RULES = """\
on mail {
	known-bad: reject 550 5.7.1 "no mail from {sender}"
	    when sender.domain is "bad.test"
}
on message {
	subjects: reject 554 5.7.1 "not with this subject"
	    when header "Subject" contains "unwanted"
}
"""


def ruled(start, **options):
    gateway = shown(start, top='rules "in.rules"', **options)
    write_rules(gateway, RULES)
    return gateway.start()


def ask(gateway, query=""):
    answer = get(gateway.web, "/transactions.json" + (query and "?" + query))
    assert answer.status == 200, answer.body
    return answer.json()


def found(gateway, query=""):
    return ask(gateway, query)["transactions"]


@pytest.fixture(scope="module")
def gateway(module_start):
    gateway = ruled(module_start)
    with gateway.client() as client:
        client.ehlo()
        for i in range(3):
            assert client.mail(b"Subject: %d\r\n\r\nx\r\n" % i,
                               "Ann%d@fine.test" % i, "b%d@box.test" % i)
        client.mail(b"Subject: unwanted\r\n\r\nx\r\n", "eve@odd.test",
                    ["b@box.test", "c@box.test"])
        client.mail(b"x\r\n", "eve@bad.test", "b@box.test")
        client.cmd("RSET")
    return gateway


def test_newest_first(gateway):
    everything = found(gateway)
    assert len(everything) == 5
    times = [t["time"] for t in everything]
    assert times == sorted(times, reverse=True)
    assert [t["time"] for t in found(gateway, "limit=2")] == times[:2]
    assert ask(gateway, "limit=2")["cut"] and not ask(gateway)["cut"]


@pytest.mark.parametrize("query, n", [
    ("sender=ann", 3), ("sender=ANN1%40fine", 1), ("sender=nobody", 0),
    ("recipient=c@box", 1), ("recipient=b1", 1), ("verdict=refused", 2),
    ("verdict=delivered", 3), ("rule=subjects", 1), ("rule=known-bad", 1),
    ("rule=none.rules", 0), ("sender=ann&verdict=refused", 0),
    ("sender=odd&recipient=c@&verdict=refused&rule=subjects", 1),
    ("id=0000.1", 0), ("id=' OR 1=1", None)])
def test_filters(gateway, query, n):
    if n is None:		# a space in the target
        assert get(gateway.web, "/transactions.json?" + query).status == 400
        return
    assert len(found(gateway, query)) == n


def test_by_id(gateway):
    one = found(gateway, "rule=subjects")[0]
    same = found(gateway, "id=%s.%d" % (one["session"], one["id"]))
    assert same == [one]
    assert len(found(gateway, "id=" + one["session"])) == 5
    assert "trace" not in one


def test_trace(gateway):
    one = found(gateway, "rule=subjects")[0]
    same = found(gateway, "trace=1&id=%s.%d" % (one["session"], one["id"]))[0]
    phases = same["trace"]
    assert [p["phase"] for p in phases].count("message") == 1
    last = phases[-1]
    assert last["verdict"]["action"] == "reject"
    assert last["verdict"]["rule"] == "subjects"
    assert last["rules"][-1]["facts"]
    assert [p["to"] for p in phases if p["phase"] == "rcpt"] in (
        [], ["b@box.test", "c@box.test"])


def test_trace_of_other_rules(start):
    gateway = ruled(start)
    with gateway.client() as client:
        client.ehlo()
        client.mail(b"x\r\n", "a@fine.test", "b@box.test")
    write_rules(gateway, RULES + "# changed\n")
    gateway.reload()
    gateway.wait_line("reloaded ")
    wait_until(lambda: get(gateway.web, "/stats.json").json()["generation"] ==
               2, what="the new rules")
    one = found(gateway)[0]
    one = found(gateway, "trace=1&id=%s" % one["session"])[0]
    assert one["trace"] is None
    assert one["trace-why"] == "the rules were changed since"


HOSTILE = ['"', "\\", '"}],"x":[{"', "</script><script>alert(1)</script>",
           "<img src=x onerror=alert(1)>", "\u2028\u2029", "\U0001f600",
           "&quot;&#x0;", "\\udc80", "\\ud83d\\ude00", "%00%0d%0a",
           "\x1b[31mred\x1b[0m"]


def hostile_octets():
    for text in HOSTILE:
        yield text.encode()
    for octet in list(range(1, 10)) + [11, 12] + list(range(14, 32)) + [127]:
        yield b"c" + bytes([octet]) + b"c"
    yield b"\xff\xfe\xc0\x80\xed\xa0\x80\xf5"
    yield b"\xe2\x82"
    yield bytes(range(128, 256))


def test_hostile_text(start):
    """In every field that a client can fill. Whatever becomes of the mail,
    what is shown is JSON for strict readers."""
    gateway = ruled(start)
    sent = 0
    for octets in hostile_octets():
        with gateway.client() as client:
            client.send(b"EHLO c" + octets + b"\r\n")
            client.reply()
            client.send(b"HELO [127.0.0.1]\r\n")
            client.reply()
            client.send(b"MAIL FROM:<\"" + octets.replace(
                b"\\", b"\\\\").replace(b'"', b'\\"') + b"\"@x.test>\r\n")
            if client.reply().code != 250:
                client.send(b"MAIL FROM:<a@x.test>\r\n")
                assert client.reply() == 250
            client.send(b"RCPT TO:<" + octets + b"@box.test>\r\n")
            client.reply()
            client.send(b"RCPT TO:<b@box.test>\r\n")
            assert client.reply() == 250
            client.send(b"DATA\r\n")
            assert client.reply() == 354
            field = octets.replace(b"\r", b"").replace(b"\n", b"")
            client.send(b"Subject: " + field + b"\r\nFrom: " + field +
                        b"\r\nTo: " + field + b"\r\nMessage-ID: <" + field +
                        b">\r\nDate: " + field + b"\r\n\r\n" + field +
                        b"\r\n.\r\n")
            client.reply()
            sent += 1
    answer = get(gateway.web, "/transactions.json?limit=1000")
    assert answer.status == 200
    assert answer.fields["content-type"] == "application/json"
    text = answer.body.decode("utf-8", "strict")
    shown_ones = json.loads(text)["transactions"]
    assert len(shown_ones) >= sent
    # No half of a pair, and no control character that is not escaped.
    text.encode("utf-8")
    json.dumps(shown_ones, ensure_ascii=False).encode("utf-8", "strict")
    assert not [c for c in text if ord(c) < 32 and c != "\n" or
                127 <= ord(c) < 160]
    for one in shown_ones:		# each by itself, with its trace
        with_trace = found(gateway, "trace=1&id=%s" % one["session"])
        assert with_trace
        json.dumps(with_trace, ensure_ascii=False).encode("utf-8", "strict")
    subjects = "".join(str(t["facts"].get("header Subject"))
                       for t in shown_ones)
    for sample in HOSTILE[:7]:
        assert sample in subjects


def test_a_worker_killed_in_the_middle(start):
    """Its last transactions stay, and who comes into its place goes on."""
    gateway = ruled(start, workers=1)
    with gateway.client() as client:
        client.ehlo()
        for i in range(20):
            assert client.mail(b"Subject: %d\r\n\r\nx\r\n" % i) == 250
        client.send(b"MAIL FROM:<a@x.test>\r\nRCPT TO:<b@box.test>\r\n")
        before = found(gateway)
        assert len(before) == 20
        os.kill(workers(gateway)[0], signal.SIGKILL)
    gateway.wait_line("worker ended .*signal=SIGKILL")
    assert found(gateway) == before
    wait_until(lambda: get(gateway.web, "/readyz").status == 200,
               what="the next worker")
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(b"Subject: next\r\n\r\nx\r\n") == 250
    assert found(gateway)[1:] == before


def test_a_worker_killed_in_full_swing(start):
    gateway = ruled(start, workers=2)
    over, wrong = threading.Event(), []

    def send():
        while not over.is_set():
            try:
                with gateway.client(timeout=5) as client:
                    client.ehlo()
                    while not over.is_set():
                        client.mail(b"Subject: x\r\n\r\nx\r\n")
            except Exception:
                pass		# its worker was killed
    senders = [threading.Thread(target=send) for _ in range(4)]
    for thread in senders:
        thread.start()
    for _ in range(8):
        wait_until(lambda: get(gateway.web, "/readyz").status == 200)
        for _ in range(5):
            if not isinstance(ask(gateway)["transactions"], list):
                wrong.append("no list")
        os.kill(wait_until(lambda: workers(gateway), 30)[0], signal.SIGKILL)
    over.set()
    for thread in senders:
        thread.join(20)
    assert wrong == []
    for one in found(gateway, "limit=1000"):
        assert one["v"] == 1 and one["time"] and one["session"]


def test_the_ring_is_bounded(start):
    gateway = ruled(start, workers=1)
    with gateway.client() as client:
        client.ehlo()
        for i in range(700):
            assert client.mail(b"Subject: %d %s\r\n\r\nx\r\n" % (
                i, b"long " * 40)) == 250
    shown_ones = found(gateway, "limit=1000")
    assert 100 < len(shown_ones) < 700
    assert shown_ones[0]["facts"]["header Subject"].startswith("699 ")
