"""What becomes of a mail for each of its recipients, by their names.

A recipient is OUTCOME.MAIL.NUMBER@far.test; the backend does with him what his
name says, and keeps account of it. One that is refused for now is taken at the
next try; to one who is "silent", the last of a mail, it says nothing at first;
one who "fills" his box with the mail is refused at RCPT from then on.
"""
import collections
import itertools
import re
import threading

from kit.client import Client
from kit.sink import Sink

# At RCPT and behind the dot.
OUTCOMES = ("ok", "later", "no")
AT_RCPT = ("rcptlater", "rcptno")
REFUSALS = ("552 5.2.2", "550 5.1.1", "554 5.6.0", "550 5.7.1", "553 5.1.3")
MESSAGE = ("From: <%(sender)s>\r\nTo: all of %(name)s\r\n"
           "Subject: exactly once\r\nDate: Sun, 22 Nov 2026 01:00:00 +0000\r\n"
           "Message-ID: <%(name)s@sender.test>\r\n\r\n"
           "Hello.\r\n..dots\r\nend of %(name)s\r\n")


class Mail:
    def __init__(self, name, outcomes):
        self.name = name
        self.sender = "s-%s@sender.test" % name
        self.rcpts = ["%s.%s.%d@far.test" % (outcome, name, n)
                      for n, outcome in enumerate(outcomes)]
        self.text = (MESSAGE % self.__dict__).encode()

    def told_together(self, rcpt):
        """Whose words he may be refused in: where the message came as far as
        the dot, and all refused it, one reply is for all of them."""
        behind = [r for r in self.rcpts if not outcome_of(r) in AT_RCPT]
        if rcpt in behind and all(map(is_refused, behind)):
            return behind
        return [rcpt]

    def tells_refusal(self, rcpt, said):
        """Whether that is what his sender may be told."""
        return any(refusal_of(r) in said for r in self.told_together(rcpt))


def mixes(name, numbers, outcomes=OUTCOMES):
    """A mail for each mix of outcomes, for so many recipients."""
    return [Mail("%s%d-%d" % (name, n, i), mix) for n in numbers
            for i, mix in enumerate(itertools.product(outcomes, repeat=n))]


def outcome_of(rcpt):
    return rcpt.partition(".")[0]


def is_refused(rcpt):
    return outcome_of(rcpt) in ("no", "rcptno")


def refusal_of(rcpt):
    """What the backend says: a code of its own and his name, so that one that
    is told for another is found out."""
    number = int(re.search(r"\.(\d+)@", rcpt).group(1))
    return "%s not for %s" % (REFUSALS[number % len(REFUSALS)], rcpt)


class Backend(Sink):
    """LMTP; `copies()` are who has what."""

    def __init__(self, *arguments, **options):
        super().__init__(*arguments, lmtp=True, **options)
        self.lock = threading.Lock()
        self.tries = collections.Counter()	# (where, recipient)
        self.answer = self.answer_rcpt

    def is_first(self, where, rcpt):
        with self.lock:
            self.tries[where, rcpt] += 1
            return self.tries[where, rcpt] == 1

    def answer_rcpt(self, session, verb, line):
        if verb != "RCPT":
            return None
        rcpt = re.search(r"<(.*)>", line).group(1)
        outcome = outcome_of(rcpt)
        reply = None
        if outcome == "rcptlater" and self.is_first("rcpt", rcpt):
            reply = "450 4.2.1 not yet for " + rcpt
        elif outcome == "rcptno" or outcome == "fills" and \
                self.tries["dot", rcpt]:
            reply = refusal_of(rcpt)
        if reply:
            session.message.rcpts.remove(rcpt)
            return reply.encode() + b"\r\n"
        return None

    def lmtp_reply(self, rcpt):
        outcome = outcome_of(rcpt)
        reply = "250 2.0.0 kept for " + rcpt
        is_first = self.is_first("dot", rcpt)
        if is_first and outcome == "silent":
            return b""
        if is_first and outcome == "later":
            reply = "450 4.2.0 later for " + rcpt
        elif outcome == "no":
            reply = refusal_of(rcpt)
        return reply.encode() + b"\r\n"


def attempt(address, mail, rcpts=None, **options):
    """One try, as a sender makes it: recipient -> what he was told in the end.
    Raises Closed or OSError if that is not known."""
    replies, taken = {}, []
    with Client(address, timeout=30, **options) as client:
        rcpts, reply = rcpts or mail.rcpts, client.greeting
        for line in ("EHLO client.e2e.test", "MAIL FROM:<%s> SIZE=%d" % (
                mail.sender, len(mail.text))):
            if reply.code // 100 != 2:
                break
            reply = client.cmd(line)
        if reply != 250:
            return {r: reply for r in rcpts}
        for rcpt in rcpts:
            replies[rcpt] = client.cmd("RCPT TO:<%s>" % rcpt)
            if replies[rcpt] == 250:
                taken.append(rcpt)
        if taken:
            reply = client.data(mail.text)
            replies.update((r, reply) for r in taken)
        client.quit()
    return replies
