"""What each part of the gateway counts, by its own labels: a few mails whose
way is known."""
import collections
import time

import pytest

from kit.client import Closed
from kit.counted import statistics
from kit.filtered import connect
from kit.ports import free_port
from kit.process import wait_until
from kit.raw_filter import REJECT, RawFilter, add_header
from kit.ruled import PROXY
from kit.web import get

LISTED, GOOD = "192.0.2.8", "192.0.2.7"
RECORDS = {
    ("7.2.0.192.in-addr.arpa", "PTR"): ["mail.x.example"],
    ("mail.x.example", "A"): [GOOD],
    ("x.example", "TXT"): ["v=spf1 ip4:%s -all" % GOOD],
    ("8.2.0.192.bad.lists.test", "A"): ["127.0.0.2"],
    ("2.0.0.127.bad.lists.test", "A"): ["127.0.0.2"],
}
TOP = """rules "in.rules"
authres { add no }
store { address "lmdb:var/store" }
stats { address 127.0.0.1:%d }
max_sessions_per_network 0
dnsbl bad { zone bad.lists.test  reply 127.0.0.2 score 9 }
milter odd { address %s }
"""
RULES = """
on rcpt {
	listed: reject 550 5.7.1 "{dnsbl.names}" when dnsbl.score >= 8
	seen: tag seen when spf is pass
	often: limit 100/1h per client.ip
}
on message {
	watch: observe score 5 when dkim is none
	kept: score 1 when dmarc is none
}
"""
MESSAGE = (b"From: Ann <ann@x.example>\r\nSubject: %s\r\n"
           b"Message-ID: <%d@x.example>\r\n\r\nHello.\r\n")


def answer(session, letter, data):
    """A filter that refuses by the subject, and adds a field to all else."""
    if letter == b"L" and data.startswith(b"Subject\0"):
        session.subject = data.split(b"\0")[1].strip()
    if letter == b"E":
        return REJECT if session.subject == b"no" else \
            add_header(b"X-Odd", b"yes") + b"\0\0\0\x01c"
    return None


class Parts:
    """A gateway that has all of them, and what it says it has done."""

    def __init__(self, start, work):
        self.web = free_port()
        start.resolver().records.update(RECORDS)
        self.sink = start.sink()
        self.filter = start.keep(RawFilter(work))
        self.filter.answer = answer
        self.gateway = start.gateway(
            {"in": self.sink.url, "box": "maildir:box"}, start=False,
            workers=1, top=TOP % (self.web, self.filter.url), listener=PROXY +
            "\tcommand_timeout 1s\n\tmax_errors 5\n",
            backend="\tprobe_interval 0s")
        self.gateway.own_folder("var")
        self.box = "maildir:" + self.gateway.own_folder("box")
        with open(self.gateway.path("in.rules"), "w") as f:
            f.write(RULES)
        self.gateway.start()
        self.numbers = iter(range(1, 1000))

    def mail(self, client=GOOD, rcpt="b@in.test", subject=b"yes"):
        with connect(self.gateway.address, client) as c:
            c.ehlo("mail.x.example")
            reply = c.mail(MESSAGE % (subject, next(self.numbers)),
                           "a@x.example", rcpt)
            c.quit()
        return reply

    def find(self):
        """Once what is collected each second is there."""
        wait_until(lambda: statistics(self.web)["plain", "sessions_open"] ==
                   0, what="the ends")
        time.sleep(2.2)
        return statistics(self.web)


@pytest.fixture
def parts(start, work):
    return Parts(start, work)


def sums(found, name, *labels):
    return sum(n for key, n in found.items()
               if key[0] == name and key[1:1 + len(labels)] == labels)


def test_each_part(parts):
    for _ in range(3):
        assert parts.mail() == 250
    assert parts.mail(subject=b"no") == 550
    assert parts.mail(LISTED) == 550
    assert parts.mail(rcpt="c@box.test") == 250
    found = parts.find()
    plain = {key[1]: n for key, n in found.items() if key[0] == "plain"}

    assert found["rule_hits", "listed"] == 1
    assert found["rule_hits", "seen"] == 5
    assert found["rule_would", "watch"] == 5
    for phase, n in (("rcpt", 6), ("message", 5)):
        assert found["judge_seconds", phase] == n, phase

    assert found["list_answers", "bad", "listed"] == 1
    assert found["list_answers", "bad", "not-listed"] == 5
    assert sums(found, "list_seconds", "bad") == 6

    assert found["milter_answers", "odd", "reject"] == 1
    assert sums(found, "milter_answers") == plain["milter_answers"] == \
        sums(found, "milter_seconds")
    assert found["milter_edits", "odd"] == 4
    assert sums(found, "milter_connections", "odd") >= 5

    url = parts.sink.url
    assert found["backend_transactions", "in", url, "taken"] == 3
    assert found["backend_message_seconds", "in", url] == 3
    assert found["backend_rcpt_seconds", "in", url] == 4
    assert found["backend_connections_opened", "in", url] == \
        found["backend_connect_seconds", "in", url] >= 1
    assert found["backend_transactions", "box", parts.box, "taken"] == 1

    assert sums(found, "resolver_answers") == plain["dns_asked"]
    assert sums(found, "resolver_answers", "PTR") >= 2
    assert sums(found, "resolver_answers", "TXT", "answer") >= 1
    assert 0 < sums(found, "resolver_seconds") <= plain["dns_asked"]
    assert sums(found, "store_operations_by") == \
        sums(found, "store_seconds") == plain["store_operations"] > 0
    assert sums(found, "store_operations_by", "add", "good") == 5

    assert found["checks", "spf", "pass"] == 5
    assert found["checks", "spf", "fail"] == 1
    assert sums(found, "checks", "dkim") == 5
    assert found["checks", "reverse", "pass"] == 5
    assert found["checks", "reverse", "none"] == 1

    assert found["stage_seconds", "mx", "total"] == 6
    assert found["stage_seconds", "mx", "message"] == 5
    assert found["stage_seconds", "mx", "backend"] == 4
    for verb in ("EHLO", "MAIL", "RCPT", "DATA", "message", "QUIT"):
        assert found["command_seconds", "mx", verb] == \
            sums(found, "commands", "mx", verb), verb


def test_who_ends_sessions(parts):
    """The word of the log's line."""
    ended = collections.Counter()

    def end(by, *lines, raw=b""):
        with connect(parts.gateway.address, GOOD) as client:
            for line in lines:
                client.cmd(line)
            if raw:
                client.send(raw)
            try:
                client.replies_to_end()
            except Closed:
                pass
        ended[by] += 1

    end("client", "QUIT")
    end("timeout")
    end("errors", *["RCPT x"] * 4, raw=b"RCPT x\r\n")
    end("unknown-commands", raw=b"X\r\n" * 20)
    end("bare-newline", raw=b"NOOP\n")
    end("not-smtp", raw=b"GET / HTTP/1.1\r\n")
    end("bdat-syntax", "EHLO c", raw=b"BDAT x\r\n")
    found = parts.find()
    assert {key[2]: n for key, n in found.items()
            if key[0] == "sessions_ended" and n} == ended
    assert sums(found, "sessions") == sum(ended.values()) == \
        sums(found, "session_seconds")


def test_time_that_a_client_takes_is_not_ours(parts):
    """Neither behind DATA nor behind BDAT."""
    body = MESSAGE % (b"yes", 1)
    with connect(parts.gateway.address, GOOD) as c:
        c.ehlo("mail.x.example")
        for last in (False, True):
            c.cmd("MAIL FROM:<a@x.example>")
            c.cmd("RCPT TO:<c@box.test>")
            if not last:
                assert c.cmd("DATA") == 354
            c.send(b"BDAT %d LAST\r\n" % len(body) if last else b"")
            time.sleep(3)
            c.send(body if last else body + b".\r\n")
            assert c.reply() == 250
        for line in ("MAIL FROM:<a@x.example>", "RCPT TO:<c@box.test>",
                     "DATA"):
            c.cmd(line)
        time.sleep(3)		# and leaves
    time.sleep(1.2)
    took = {tuple(v["labels"]): v["sum"] for row in get(
        parts.web, "/stats.json").json()["series"]
        if row["name"] == "command_seconds" for v in row["values"]}
    assert 0 < took["mx", "message"] < 2.5
    assert 0 < took["mx", "BDAT"] < 2.5


def test_lists_that_no_rule_asks_for(start, work):
    """What is asked of one counts for that one, whatever stands before it."""
    web = free_port()
    start.resolver().records.update(RECORDS)
    gateway = start.gateway(
        {"in": start.sink().url}, start=False, workers=1, listener=PROXY,
        top='rules "in.rules"\nstats { address 127.0.0.1:%d }\n'
            "dnsbl idle { zone idle.lists.test  reply 127.0.0.2 score 9 }\n"
            "dnsbl bad { zone bad.lists.test  reply 127.0.0.2 score 9 }\n"
            "dnsbl spare { zone spare.lists.test  reply 127.0.0.2 score 9 }\n"
            % web)
    with open(gateway.path("in.rules"), "w") as f:
        f.write('on rcpt { reject 550 5.7.1 "no" when dnsbl.bad in '
                "{ 127.0.0.2 } }\n")
    gateway.start()
    for client, code in ((LISTED, 550), (GOOD, 250)):
        with connect(gateway.address, client) as c:
            c.ehlo("mail.x.example")
            assert c.mail(MESSAGE % (b"yes", 1), "a@x.example",
                          "b@in.test") == code
            c.quit()
    wait_until(lambda: statistics(web).get(
        ("list_answers", "bad", "listed")) == 1, what="the answers")
    found = statistics(web)
    assert found["list_answers", "bad", "not-listed"] == 1
    assert not sums(found, "list_answers", "idle")
    assert not sums(found, "list_answers", "spare")
