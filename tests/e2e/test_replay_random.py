"""Sessions of every kind, at random: replay of the same rules says of each
record what the gateway decided, and misses nothing."""
import json
import random
import re
import subprocess

import pytest

from kit.client import Closed
from kit.gateway import binary
from kit.journaled import journaled, records
from kit.ruled import another, client_at

RULES = """
on connect {
	away: reject 554 5.7.1 "not from {client.ip}"
		when client.ip in { 203.0.113.0/24 }
	put-off: defer 451 4.7.1 "later {client.errors}"
		when client.ip is 203.0.115.1
	gone: disconnect 421 4.7.0 "go" when client.ip is 203.0.114.1
	ours: trust when client.ip is 192.0.2.200
	often: limit 3/1h per client.ip when client.ip is 192.0.2.50
	delay 10ms when client.ip is 192.0.2.51
}
on helo {
	helo: reject 550 5.7.1 "helo {helo.name}" when helo.name is "bad.test"
	helo-gone: disconnect 421 4.7.1 "go" when helo.name is "gone.test"
	helo-ours: trust when helo.name is "ours.test"
	score 1 when client.errors > 0
}
on mail {
	from-x: score 2.5 when sender.domain is "x.test"
	bad: reject 550 5.7.1 "no {sender}" when sender.local is "bad"
	bye: disconnect 421 4.7.1 "bye" when sender.local is "gone"
	errors: defer 450 4.7.1 "errors {client.errors}" when client.errors > 6
	trusted: trust when sender.local is "trusted"
	seen-limit: observe limit 1/1h per sender
}
on rcpt {
	friend: tag friend when sender.domain is "friend.test"
	ruled: reject 550 5.7.1 "not {rcpt} {rcpt.count}"
		when rcpt.local is "ruled"
	later: defer 450 4.7.1 "later {client.errors}" when rcpt.local is "later"
	drop: discard "unwanted" when rcpt.local is "gone"
	few: limit 2/1h per sender when sender.local is "few"
	grey: greylist when client.ip is 192.0.2.77
	trial: observe reject 550 5.7.1 "would" when rcpt.local is "tried"
	many: log "{rcpt.count} {client.errors}" when rcpt.count > 1
	rcpt-ours: trust when rcpt.local is "ours"
	rcpt-gone: disconnect 421 4.7.1 "bye" when rcpt.local is "leave"
	route "two" when rcpt.local is "second"
	apart: tag apart when rcpt.local is "apart"
}
on message {
	spam: reject 554 5.7.1 "spam {header \\"Subject\\"}"
		when header "Subject" contains "spam"
	void: discard "void" when header "Subject" is "void"
	odd: quarantine "odd" when header "Subject" is "odd"
	put-off-too: defer 451 4.7.1 "later {score}"
		when header "Subject" is "later"
	leave: disconnect 421 4.7.1 "bye" when header "Subject" is "leave"
	tagged: reject 550 5.7.1 "tagged {rcpt} {rcpt.count}"
		when tagged friend and score > 2
	apart-too: add header "X-Seen" "{score} {rcpt.count} {client.errors}"
		when tagged apart
	headless: reject 550 5.7.1 "no from"
		when header-count "From" is 0 and score > 1
	observe reject 550 5.7.1 "obs {rcpt}" when header "X-Any" is "yes"
	big: reject 552 5.3.4 "big {message.size}" when message.size > 5k
	five: limit 5/1h per sender
}
"""
STORE = 'store { address "lmdb:var/store" size 16M }\n'
CLIENTS = ["192.0.2.%d" % n for n in (1, 1, 1, 2, 50, 51, 77, 200)] + [
    "203.0.113.7", "203.0.114.1", "203.0.115.1"]
NAMES = ["c.test"] * 6 + ["bad.test", "gone.test", "ours.test", "[192.0.2.9]",
                          "x_y"]
SENDERS = ["a@y.test", "a@y.test", "b@x.test", "bad@x.test", "gone@x.test",
           "trusted@x.test", "few@x.test", "", "f@friend.test",
           '"q u"@y.test', "a@[192.0.2.1]"]
RCPTS = ("bob ann carl ruled later gone unknown tried ours leave second apart "
         "dora eve").split()
SUBJECTS = "hi hi hi spam void odd later leave".split()


def backend_says(session, verb, line):
    if verb != "RCPT" or "<unknown@" not in line:
        return None
    session.message.rcpts.remove(re.search(r"<(.*)>", line).group(1))
    return b"550 5.1.1 no such user\r\n"


def letter(rng):
    usual = another().replace(b"Subject: ruled",
                              b"Subject: " + rng.choice(SUBJECTS).encode())
    return rng.choice([usual] * 8 + [
        b"no header at all\r\njust text\r\n", b"", b"\r\n",
        usual.replace(b"From:", b"X-From:"), b"X-Any: yes\r\n" + usual,
        usual + (b"z" * 70 + b"\r\n") * 100,
        b"X-Long: " + b"l" * 300 * 1024 + b"\r\n" + usual,
        usual.replace(b"Subject: ", b"Subject: \xff\x1b spam=?utf-8?q?=e4?= ")])


def nonsense(rng, client):
    if rng.random() < 0.1:
        client.cmd("NONSENSE")


def hello(rng, client):
    client.cmd(rng.choice(["EHLO ", "HELO "]) + rng.choice(NAMES))


def one_mail(rng, client):
    """False: the client has left."""
    client.cmd("MAIL FROM:<%s>%s" % (rng.choice(SENDERS), rng.choice(
        ["", "", " SIZE=100", " PRDR"])))
    taken = 0
    for _ in range(rng.choice([0, 1, 1, 2, 3, 8])):
        nonsense(rng, client)
        taken += client.cmd("RCPT TO:<%s@box.test>" % rng.choice(RCPTS)) == 250
    how = rng.choice(["data"] * 10 + ["bdat"] * 5 + [
        "RSET", "hello", "reset", "close", "half"])
    if how == "RSET":
        client.cmd("RSET")
    elif how == "hello":
        hello(rng, client)
    elif how == "bdat" and taken:
        client.bdat(letter(rng) or b"x", rng.choice([None, 50, 1000]))
    elif how == "data":
        client.data(letter(rng))
    elif how == "half" and client.cmd("DATA") == 354:
        client.send(b"Subject: spam\r\n\r\nhalf")
        how = "close"
    if how == "reset":
        client.reset()
    return how not in ("reset", "close")


def play(gateway, rng):
    client = client_at(gateway, rng.choice(CLIENTS),
                       at_once=rng.random() < 0.3)
    try:
        for _ in range(rng.choice([1, 1, 2])):
            nonsense(rng, client)
            hello(rng, client)
        if all(one_mail(rng, client)
               for _ in range(rng.choice([0, 1, 1, 2, 3, 5]))):
            client.quit()
    except (Closed, OSError):
        pass
    client.close()


@pytest.mark.parametrize("mode", ["enforce", "observe"])
@pytest.mark.parametrize("seed", [1, 2])
def test_sessions_at_random(start, seed, mode):
    rng = random.Random(seed)
    one, two = start.sink(), start.sink(lmtp=True)
    one.answer = two.answer = backend_says
    gateway = journaled(start, RULES, workers=2,
                        backends={"in": one.url, "two": two.url},
                        top="mode %s\n%s" % (mode, STORE))
    for _ in range(100):
        play(gateway, rng)
    gateway.wait_line("session end", count=100)
    logged = len(gateway.lines("mail done"))
    gateway.stop()
    found = records(gateway)
    assert sum(r["kind"] == "mail" for r in found) == logged > 50
    done = subprocess.run(
        [binary(), "replay", "--config", gateway.conf, "--json"],
        capture_output=True, timeout=60, text=True)
    said = json.loads(done.stdout)
    assert (done.returncode, said["unchanged"], said["needs"]) == (
        0, len(found), {}), (said["changes"][:3], done.stderr)
