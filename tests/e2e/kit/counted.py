"""Clients that write down what they are told, and so what has to be counted.

A tally is that: (family, listener, word, ...) -> how often. A client adds to
it whatever it has read. Of what it sent and read no answer to, since the
worker was gone, it knows what may have been counted, or not.
"""
import json
import random
import re
import time
import urllib.request

from kit.client import Client, Closed, stuff

HEAD = ("From: <%s>\r\nTo: you\r\nSubject: %s\r\n"
        "Date: Sun, 22 Nov 2026 01:00:00 +0000\r\n"
        "Message-ID: <%s@sender.test>\r\n\r\n")
BODY = "Hello.\r\n..dots\r\n"


class Kind:
    """A transaction. `rcpts` is {local part: word that he is counted by};
    `outcome` what becomes of the mail; `rules` those that act, once each;
    `end` how the client ends one without a message."""

    def __init__(self, rcpts="ok", outcome="delivered", subject="plain",
                 sender="a", rules=(), code=250, how="DATA", end=None,
                 body=BODY, mail=250, closes=False):
        self.rcpts = rcpts.split()
        self.outcome, self.subject, self.sender = outcome, subject, sender
        self.rules, self.code, self.how, self.end = rules, code, how, end
        self.body, self.mail, self.closes = body, mail, closes


# What the backend says (behind ok- and so on), and the rules. A name that
# begins so has this word.
WORDS = {"ok": "taken", "no": "refused", "later": "deferred",
         "dotno": "taken", "dotlater": "taken", "ruled": "refused",
         "gone": "discarded", "grey": "deferred"}
KINDS = {
    "one": Kind(),
    "bdat": Kind(how="BDAT"),
    "three": Kind("ok ok no"),
    "half": Kind("ok dotno", "mixed", code=451),
    "refused": Kind("dotno", "refused", code=550),
    "deferred": Kind("dotlater", "deferred", code=450),
    "nobody": Kind("no no", "aborted", end="RSET"),
    "later": Kind("later", "aborted", end="RSET"),
    "sender": Kind("ruled", "aborted", sender="bad", rules=("r-sender",),
                   end="RSET"),
    "ruled": Kind("ruled ok", rules=("r-rcpt",)),
    "gone": Kind("gone", "discarded", rules=("r-gone",)),
    "grey": Kind("grey", "aborted", rules=("r-grey",), end="RSET"),
    "spam": Kind(subject="spam", outcome="refused", rules=("r-spam",),
                 code=550),
    "defer": Kind(subject="defer", outcome="deferred", rules=("r-defer",),
                  code=451),
    "drop": Kind(subject="drop", outcome="discarded", rules=("r-drop",)),
    "aside": Kind(subject="aside", outcome="quarantined", rules=("r-aside",)),
    "would": Kind(subject="would"),
    "large": Kind(body="x" * 70 + "\r\n" + BODY * 4000, outcome="refused",
                  code=552),
    "rset": Kind(outcome="aborted", end="RSET"),
    "helo": Kind(outcome="aborted", end="EHLO"),
    "quit": Kind(outcome="aborted", end="QUIT", closes=True),
    "left": Kind(outcome="aborted", end="", closes=True),
    "cut": Kind(outcome="aborted", how="cut", closes=True),
    "bare": Kind(outcome="refused", body="a\nb\r\n", code=550, closes=True),
}
FILTERED = {
    "f-reject": Kind(subject="f-reject", outcome="refused", code=550),
    "f-later": Kind(subject="f-later", outcome="deferred", code=451),
    "f-drop": Kind(subject="f-drop", outcome="discarded"),
}


class Lost(Exception):
    """The worker was killed."""


class Session:
    """One connection and its mails, {number: outcome}. `helo` is its name:
    every line about it has that, or its id."""

    def __init__(self, listener, helo, tally):
        self.listener, self.helo, self.tally = listener, helo, tally
        self.mails, self.ident = {}, None
        self.lost_at = None	# what it had sent when its worker died
        self.open_mail = None	# its number, if it may be in the log
        self.ended = None	# when the client knew that it is over
        self.began_mails = 0
        self.has_greeting = self.left = False
        self.pending = []

    def add(self, family, *words):
        self.tally[(family, self.listener) + words] += 1

    def rule(self, name):
        self.tally["rule", name] += 1

    # --- one reply ---

    def read(self, verb):
        try:
            reply = self.client.reply()
        except (Closed, OSError):
            self.lost_at = verb
            raise Lost
        self.add("command", verb, str(reply.code // 100))
        ident = re.search(r"\[(\w{12})\]$", reply.text)
        if ident:
            self.ident = ident.group(1)
        return reply

    def send(self, octets):
        try:
            self.client.send(octets)
        except OSError:
            pass		# the reply will not come

    def say(self, line, want=None):
        self.send(line.encode() + b"\r\n")
        reply = self.read(line.split(" ")[0])
        assert want is None or reply == want, (self.helo, line, reply)
        return reply

    # --- a mail ---

    def envelope(self, kind, name):
        """Whether a recipient was taken."""
        lines = ["MAIL FROM:<%s-%s@sender.test>" % (kind.sender, name)]
        lines += ["RCPT TO:<%s-%d-%s@box.test>" % (r, i, name)
                  for i, r in enumerate(kind.rcpts)]
        self.began_mails += 1
        self.send(("\r\n".join(lines) + "\r\n").encode())
        self.pending = ["MAIL"] + kind.rcpts
        reply = self.read("MAIL")
        assert reply == 250, (self.helo, reply)
        taken = False
        for rcpt in kind.rcpts:
            self.pending.pop(0)
            word = WORDS[rcpt]
            reply = self.read("RCPT")
            assert reply.code // 100 == {"taken": 2, "discarded": 2,
                                         "refused": 5, "deferred": 4}[word], (
                self.helo, rcpt, reply)
            self.add("recipient", word)
            taken |= reply == 250
        self.pending = []
        return taken

    def message(self, kind, name):
        text = (HEAD % ("a@sender.test", kind.subject, name) +
                kind.body).encode()
        if kind.how == "BDAT":
            self.send(b"BDAT %d LAST\r\n" % len(text) + text)
            return self.read("BDAT")
        self.say("DATA", 354)
        if kind.how == "cut":
            self.send(text)
            return None
        self.send(stuff(text) + b".\r\n")
        return self.read("message")

    def finish(self, outcome):
        self.mails[self.began_mails] = outcome
        self.add("mail", outcome)
        self.open_mail = None

    def mail(self, kind, name):
        self.open_mail = self.began_mails + 1
        taken = self.envelope(kind, name)
        if kind.end is not None:
            if kind.end:
                self.say(kind.end + (" " + self.helo if kind.end == "EHLO"
                                     else ""))
        elif taken:
            reply = self.message(kind, name)
            assert reply is None or reply == kind.code, (self.helo, name,
                                                         reply)
        self.left = kind.end == "" or kind.how == "cut"
        self.finish(kind.outcome)
        for rule in kind.rules:
            self.rule(rule)

    def run(self, address, kinds, names, before=b"", tls=False):
        """Mails of these kinds, one behind the other."""
        try:
            self.client = Client(address, greet=False, before=before,
                                 timeout=60)
        except OSError:
            self.lost_at = "nothing"
            return
        try:
            self.talk(kinds, names, tls)
        except Lost:
            pass
        finally:
            self.ended = time.time()
            self.client.close()

    def talk(self, kinds, names, tls):
        self.read("connect")
        self.has_greeting = True
        # The answer to this has the id of the session in it.
        self.send(b"NONSENSE\r\n")
        assert self.read("other") == 500 and self.ident
        self.say("EHLO " + self.helo, 250)
        if tls:
            self.say("STARTTLS", 220)
            try:
                self.client.start_tls_now()
            except OSError:
                self.lost_at = "nothing"
                raise Lost
            self.say("EHLO " + self.helo, 250)
        for kind, name in zip(kinds, names):
            self.mail(kind, name)
            if kind.closes:
                return
        self.say("QUIT", 221)

    # --- what nobody has told it ---

    def mails_nobody_told(self, number):
        """It ended that mail by leaving."""
        return number == self.began_mails and self.left

    def may_have(self):
        """Of a lost one: families and verbs that may have been counted once
        more than it has read."""
        verbs = [self.lost_at] + (["RCPT"] * (len(self.pending) - 1)
                                  if self.lost_at in ("MAIL", "RCPT") else [])
        return verbs


def choose(chance, listener, count):
    """Kinds of the mails of one session; what closes it stands last."""
    table = FILTERED if listener == "filtered" else {}
    names = list(KINDS) + list(table) * 8
    kinds = []
    while len(kinds) < count:
        kind = table.get(name := chance.choice(names)) or KINDS[name]
        kinds.append(kind)
        if kind.closes:
            break
    return kinds


def statistics(port):
    """All that /stats.json has: (name, labels...) -> value, of times how many
    there are; counters without labels are ("plain", name)."""
    with urllib.request.urlopen("http://127.0.0.1:%d/stats.json" % port,
                                timeout=10) as f:
        page = json.load(f)
    found = {("plain", name): n for name, n in page["counters"].items()}
    for row in page["series"]:
        for value in row["values"]:
            found[(row["name"],) + tuple(value["labels"])] = \
                value["value"] if "value" in value else value["count"]
    return found


def seeded():
    seed = random.randrange(1 << 32)
    print("seed %d" % seed)
    return random.Random(seed)
