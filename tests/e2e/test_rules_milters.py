"""Rules that say which filter is asked, and what comes of what it says.

The filters are ones on sendmail's library (tests/kit/milter_any), which do
what a plan says for the mail at hand; each mail has a sender of its own.
"""
import itertools
import re

import pytest

from kit.any_filter import AnyFilter
from kit.ruled import another, client_at, ruled

RULES = """
on helo {
	milter early			when helo.name is "told.test"
}
on mail {
	milter spam			when sender.local starts with "told"
}
on rcpt {
	milter spam			when rcpt.local is "told"
}
on message {
	watched: observe milter clam	when header "X-Watch" is not none
	virus: milter clam		when header "X-Scan" is not none
	when header "X-Weigh" is not none {
		score 4			when milter.spam is reject
		log "spam says {milter.spam}"
		heavy: reject 550 5.7.9 "Too much ({score})"	when score >= 4
		milter spam		when header "X-Weigh" is "obey"
	}
	log "late says {milter.late}"	when header "X-Late" is not none
	log "gone says {milter.gone}"	when header "X-Gone" is not none
	milter gone			when header "X-Gone" is "obey"
	add header "X-Ruled" "yes"
}
"""
NAMES = ("clam", "spam", "late", "early")
senders = itertools.count(1)


class House:
    def __init__(self, start):
        self.sink = start.sink()
        self.filters = {name: start.keep(AnyFilter(start.work, name))
                        for name in NAMES}
        for one in self.filters.values():
            one.plan()
            one.start()
        top = "".join("milter %s { address %s %s }\n" % (
            name, self.filters[name].url,
            "" if name == "late" else "when rules")
            for name in ("clam", "spam", "late"))
        top += "milter early { address %s when rules tell_at connect }\n" \
            "milter gone { address unix:/nowhere/gone when rules }\n" \
            "authres { add no }\n" % self.filters["early"].url
        self.gateway = ruled(start, RULES, {"in": self.sink.url}, top=top,
                             workers=1)

    def plan(self, **plans):
        for name, lines in plans.items():
            self.filters[name].plan(*lines)


class Mail:
    """One mail, with these fields; `said` is the reply that decided it."""

    def __init__(self, house, *fields, local="from", rcpts=("b@box.test",),
                 helo="c.test", **plans):
        self.house = house
        self.sender = "%s%d@sender.test" % (local, next(senders))
        house.plan(**{name: [(step, self.sender, *words)
                             for step, *words in lines]
                      for name, lines in plans.items()})
        self.text = another().replace(b"\r\n\r\n", b"".join(
            b"\r\n" + f.encode() for f in fields) + b"\r\n\r\n", 1)
        client = client_at(house.gateway, "198.51.100.7")
        client.cmd("EHLO " + helo)
        self.replies = [client.cmd("MAIL FROM:<%s>" % self.sender)]
        self.replies += [client.cmd("RCPT TO:<%s>" % r) for r in rcpts]
        self.said = self.replies[-1]
        if self.said == 250:
            self.said = client.data(self.text)
        client.quit()
        client.close()

    def heard(self, name):
        """The steps that the filter heard of it, but for its end."""
        return [step for _, step, about in
                self.house.filters[name].heard(self.sender)
                if step not in ("abort", "close")]

    def delivered(self):
        """Its header, or None."""
        for m in self.house.sink.messages:
            if m.sender == self.sender:
                return m.data.split(b"\r\n\r\n", 1)[0].decode()
        return None

    def log(self, pattern):
        """Lines of its session."""
        line, = self.house.gateway.wait_line(
            "mail done .*from=<%s>" % self.sender)
        session = re.search(r"(\S+) mail done", line)[1]
        return [line for line in self.house.gateway.lines(pattern)
                if session in line.split()]


@pytest.fixture(scope="module")
def house(module_start):
    return House(module_start)


REJECT = [("eom", "reject")]
PASSES = [("eom", "add_header", "X-Seen:by it")]


def test_who_is_not_named_hears_nothing(house):
    mail = Mail(house, clam=REJECT, spam=REJECT)
    assert mail.said == 250
    assert mail.heard("clam") == mail.heard("spam") == []
    assert mail.heard("late")[-1] == "eom"
    assert "X-Ruled: yes" in mail.delivered()


def test_it_refuses_and_the_rules_end(house):
    mail = Mail(house, "X-Scan: yes", "X-Late: yes", clam=[
        ("eom", "reply", 554, "5.7.8", "A virus")])
    assert mail.said == 554 and "5.7.8 A virus" in mail.said.text
    assert mail.delivered() is None
    # All of the mail, from its beginning; and nobody behind it.
    heard = mail.heard("clam")
    assert heard[0] == "mail" and heard[-1] == "eom"
    assert "rcpt" in heard and "header" in heard
    assert "eom" not in mail.heard("late")
    assert "rule=virus" in mail.log("mail done")[0]
    assert mail.log("late says") == []


@pytest.mark.parametrize("word, code", [
    (("tempfail",), 451), (("reply", 450, "4.7.1", "later"), 450),
    (("discard",), 250)])
def test_other_ends(house, word, code):
    mail = Mail(house, "X-Scan: yes", "X-Late: yes", clam=[("eom", *word)])
    assert mail.said == code
    assert mail.delivered() is None
    assert mail.log("late says") == []


def test_it_lets_pass_and_the_rules_go_on(house):
    mail = Mail(house, "X-Scan: yes", clam=PASSES)
    assert mail.said == 250
    assert "X-Seen: by it" in mail.delivered()
    assert "X-Ruled: yes" in mail.delivered()
    assert mail.heard("clam").count("eom") == 1


@pytest.mark.parametrize("word, said", [
    (("accept",), "accept"), (("continue",), "accept"),
    (("tempfail",), "tempfail"), (("discard",), "discard"),
    (("quarantine", "why"), "quarantine")])
def test_asking_alone_does_nothing(house, word, said):
    mail = Mail(house, "X-Weigh: yes",
                spam=[("eom", "add_header", "X-Seen:by it"), ("eom", *word)])
    assert mail.said == 250
    assert mail.log('text="spam says %s"' % said)
    assert "X-Seen" not in mail.delivered()


def test_what_it_says_is_weighed(house):
    mail = Mail(house, "X-Weigh: yes", spam=REJECT)
    assert mail.said == 550 and "5.7.9 Too much (4)" in mail.said.text
    assert "rule=heavy" in mail.log("mail done")[0]


def test_asked_and_then_obeyed_it_is_asked_once(house):
    mail = Mail(house, "X-Weigh: obey", spam=PASSES)
    assert mail.said == 250
    assert "X-Seen: by it" in mail.delivered()
    assert mail.heard("spam").count("eom") == 1


def test_of_one_that_is_always_asked_what_it_says_holds(house):
    mail = Mail(house, "X-Late: yes", late=[
        ("eom", "reply", 550, "5.7.3", "Late")])
    assert mail.log('text="late says reject"')
    assert mail.said == 550 and "5.7.3 Late" in mail.said.text
    mail = Mail(house, "X-Late: yes", late=PASSES)
    assert mail.said == 250 and mail.log('text="late says accept"')
    assert "X-Seen: by it" in mail.delivered()
    assert mail.heard("late").count("eom") == 1


def test_told_at_mail_it_can_refuse_a_recipient(house):
    mail = Mail(house, local="told", rcpts=("c@box.test", "b@box.test"),
                spam=[("rcpt", "reject")])
    assert [r.code for r in mail.replies] == [250, 550, 550]
    mail = Mail(house, local="told", spam=PASSES)
    assert mail.said == 250 and "X-Seen: by it" in mail.delivered()


def test_told_at_rcpt_it_hears_of_the_mail(house):
    mail = Mail(house, rcpts=("b@box.test", "told@box.test", "c@box.test"))
    assert mail.said == 250
    assert mail.heard("spam").count("rcpt") == 3
    assert mail.heard("spam")[-1] == "eom"


def test_told_at_helo_it_hears_of_the_client(house):
    def heard():
        return [step for _, step, _ in house.filters["early"].heard()
                if step != "close"]

    assert Mail(house, helo="other.test").said == 250 and heard() == []
    mail = Mail(house, helo="told.test")
    assert mail.said == 250
    assert heard()[:3] == ["connect", "helo", "mail"]
    assert mail.heard("early")[-1] == "eom"


def test_who_only_observes_has_nobody_asked(house):
    mail = Mail(house, "X-Watch: yes", clam=REJECT)
    assert mail.said == 250 and mail.heard("clam") == []
    assert "would=\"milter clam\"" in mail.log("rule=watched")[0]


def test_one_that_is_away(house):
    mail = Mail(house, "X-Gone: yes")
    assert mail.said == 250 and mail.log('text="gone says error"')
    mail = Mail(house, "X-Gone: obey")
    assert mail.said == 451 and mail.delivered() is None
