"""Ten thousand transactions of all kinds, while workers are killed and the
configuration is read again: what a client was told is in the statistics and in
the log, once. Only of sessions that lost their worker with a reply outstanding
may one have more than the other."""
import collections
import json
import os
import re
import signal
import threading
import time

from kit.counted import Session, choose, seeded, statistics
from kit.filtered import new_client
from kit.gateway import LOG_DELAY
from kit.ports import free_port
from kit.process import wait_until
from kit.raw_filter import (CONTINUE, DISCARD, NO_BODY, NO_CONNECT, NO_HELO,
                            NO_RCPT, REJECT, TEMPFAIL, RawFilter)
from kit.ruled import PROXY, proxy_line

MAILS, THREADS, KILLS, RELOADS = 10000, 12, 20, 2
LISTENERS = ("mx", "tls", "second", "filtered")
# A worker that was killed so soon behind the end of a session may not have
# seen it yet: this machine may be busy.
SOON = 3.0
RULES = """
on mail { r-sender: reject 550 "no" when sender.local matches /^bad-/ }
on rcpt {
	r-rcpt: reject 550 "not he" when rcpt.local matches /^ruled-/
	r-gone: discard "unwanted" when rcpt.local matches /^gone-/
	r-grey: greylist when rcpt.local matches /^grey-/
}
on message {
	r-would: observe reject "would" when header "Subject" is "would"
	r-spam: reject 550 "spam" when header "Subject" is "spam"
	r-defer: defer "later" when header "Subject" is "defer"
	r-drop: discard "dropped" when header "Subject" is "drop"
	r-aside: quarantine "odd" when header "Subject" is "aside"
}
"""


def rcpt_reply(session, verb, line):
    """What the backend says to recipients, by their names."""
    if verb != "RCPT":
        return None
    rcpt = re.search(r"<(.*)>", line).group(1)
    reply = {"no": b"550 5.1.1 no\r\n", "later": b"450 4.2.1 later\r\n"}.get(
        rcpt.partition("-")[0])
    if reply:
        session.message.rcpts.remove(rcpt)
    return reply


def dot_reply(rcpt):
    return {"dotno": b"550 5.6.0 not this\r\n",
            "dotlater": b"450 4.2.0 not now\r\n"}.get(
                rcpt.partition("-")[0], b"250 2.0.0 taken\r\n")


def filter_answer(session, letter, data):
    """A filter that decides by the subject."""
    if letter == b"L" and data.startswith(b"Subject\0"):
        session.subject = data.split(b"\0")[1].strip()
    if letter != b"E":
        return None
    return {b"f-reject": REJECT, b"f-later": TEMPFAIL,
            b"f-drop": DISCARD}.get(session.subject, CONTINUE)


class Fleet:
    """The gateway, its backend and its filter."""

    def __init__(self, start, authority, work):
        self.sink = start.sink(lmtp=True)
        self.sink.answer, self.sink.lmtp_reply = rcpt_reply, dot_reply
        self.sink.keep = lambda message: None
        self.filter = start.keep(RawFilter(
            work, steps=NO_CONNECT | NO_HELO | NO_RCPT | NO_BODY))
        self.filter.answer = filter_answer
        self.filter.note = lambda *_: None
        self.at = {name: ("127.0.0.1", free_port()) for name in LISTENERS}
        self.web = free_port()
        self.gateway = start.gateway(start=False, workers=4)
        self.at["mx"] = self.gateway.address
        self.configure(authority.issue("gw.e2e.test"))
        self.gateway.own_folder("var")
        with open(self.gateway.path("in.rules"), "w") as f:
            f.write(RULES)
        self.gateway.start()

    def configure(self, pair):
        more = {"tls": "\tcertificate \"%s\"\n\tkey \"%s\"\n" % pair}
        text = "".join(
            "listener %s {\n\taddress %s:%d\n%s%s}\n" % (
                name, *self.at[name], PROXY, more.get(name, ""))
            for name in LISTENERS[1:])
        text += 'milter odd {\n\taddress %s\n\tlisteners filtered\n}\n' % (
            self.filter.url)
        self.gateway.configure(self.gateway.text(
            {"in": self.sink.url}, listener=PROXY,
            top='rules "in.rules"\n' + text +
            'store { address "lmdb:var/store" }\nmax_message_size 60000\n'
            "max_errors 1000\nmax_sessions_per_network 0\n"
            "stats { address 127.0.0.1:%d }\nauthres { add no }\n"
            'journal { file "var/journal" max_size 1g }\n' % self.web).replace(
                LOG_DELAY, ""))		# lines wait, as they do for users

    def series(self):
        return statistics(self.web)


class Killer(threading.Thread):
    """SIGKILL to workers, and a reload now and then."""

    def __init__(self, gateway, chance):
        super().__init__(daemon=True)
        self.gateway, self.chance = gateway, chance
        self.killed, self.reloads = [], 0	# when
        self.is_over = threading.Event()

    def run(self):
        while not self.has_done_enough() and \
                not self.is_over.wait(self.chance.uniform(0.1, 0.5)):
            if self.reloads * KILLS <= len(self.killed) * RELOADS - KILLS:
                self.gateway.reload()
                self.reloads += 1
                continue
            workers = worker_ids(self.gateway)
            if workers and len(self.killed) < KILLS:
                try:
                    os.kill(self.chance.choice(workers), signal.SIGKILL)
                    self.killed.append(time.time())
                except ProcessLookupError:
                    pass

    def has_done_enough(self):
        return len(self.killed) >= KILLS and self.reloads >= RELOADS

    def had_killed(self, when):
        return any(-0.5 <= k - when <= SOON for k in self.killed)


def worker_ids(gateway):
    """Its workers, without the process of the statistics."""
    ids = []
    for pid in gateway.workers_alive():
        try:
            with open("/proc/%d/comm" % pid) as f:
                if "stats" not in f.read():
                    ids.append(pid)
        except OSError:
            pass
    return ids


class Senders:
    """Threads with sessions of a few mails each, until there are enough, and
    the killer has done his part."""

    def __init__(self, fleet, chance, count, killer):
        self.fleet, self.chance, self.count = fleet, chance, count
        self.killer, self.until = killer, time.monotonic() + 60
        self.tallies, self.sessions = [], []
        self.begun = 0
        self.lock = threading.Lock()
        self.errors = []
        self.threads = [threading.Thread(target=self.run, daemon=True)
                        for _ in range(THREADS)]
        for thread in self.threads:
            thread.start()

    def next(self, tally):
        with self.lock:
            if self.errors or self.begun >= self.count and (
                    not self.killer or self.killer.has_done_enough() or
                    time.monotonic() > self.until):
                return None
            listener = self.chance.choice(LISTENERS)
            kinds = choose(self.chance, listener, self.chance.randint(1, 9))
            session = Session(listener, "s%d.e2e.test" % len(self.sessions),
                              tally)
            names = ["m%d" % (self.begun + i) for i in range(len(kinds))]
            self.begun += len(kinds)
            self.sessions.append(session)
            return session, kinds, names, self.chance.random() < 0.1

    def run(self):
        tally = collections.Counter()
        self.tallies.append(tally)
        try:
            while job := self.next(tally):
                session, kinds, names, tls = job
                line = "PROXY %s\r\n" % proxy_line(new_client())
                session.run(self.fleet.at[session.listener], kinds, names,
                            line.encode(), tls and session.listener == "tls")
        except Exception as e:
            self.errors.append(e)
            raise

    def join(self):
        for thread in self.threads:
            thread.join(120)
        assert not self.errors, self.errors

    def told(self):
        return sum(self.tallies, collections.Counter())


class Logged:
    """The log's lines about mails and sessions, by the client's name."""

    def __init__(self, text):
        self.mails, self.ends, self.idents = {}, {}, {}
        for ident, number, outcome, helo in re.findall(
                r" (\w{12}) mail done id=(\d+) outcome=(\S+) client=\S+ "
                r"helo=(\S+) ", text):
            key = helo, int(number)
            assert key not in self.mails, "twice in the log: %s" % (key,)
            self.mails[key] = outcome
            self.idents[helo] = ident
        for ident, helo, listener, by in re.findall(
                r" (\w{12}) session end client=\S+(?: name=\S+)? helo=(\S+) "
                r"listener=(\S+) by=(\S+) ", text):
            assert helo not in self.ends
            self.ends[helo] = by
            self.idents[helo] = ident
        self.all = dict(self.mails)


# --- the comparison ---

def check_log(sessions, logged, killer):
    """What each client was told is in the log; what is there beside that was
    on its way to a client whose worker was killed."""
    unseen, missing = [], []
    for s in sessions:
        for number, outcome in s.mails.items():
            got = logged.mails.pop((s.helo, number), None)
            if got is None and s.mails_nobody_told(number):
                missing.append(s)
                continue
            assert got == outcome, (s.helo, s.ident, number, outcome, got)
        if s.lost_at is not None:
            got = logged.mails.pop((s.helo, s.open_mail), None)
            if got is not None:
                unseen.append((s, got))
        elif s.helo not in logged.ends and s not in missing:
            missing.append(s)
    assert not logged.mails, "in the log, and nobody's: %s" % logged.mails
    for s in missing:
        assert killer.had_killed(s.ended), (s.helo, s.ident)
    return unseen, missing


def labelled(key):
    """What a client counts as the labels of the statistics."""
    family, *labels = key
    return {"command": "commands", "recipient": "recipients",
            "mail": "mails", "rule": "rule_hits"}[family], *labels


def check_counts(told, series, sessions, missing):
    """Each count is what clients were told, and at most as much more as those
    may have been told who lost their worker."""
    lost = [s for s in sessions if s.lost_at is not None]
    may = collections.Counter()
    for s in lost:
        for verb in s.may_have():
            may["commands", s.listener, verb] += 1
            if verb == "RCPT":
                may["recipients", s.listener] += 1
        if s.open_mail is not None:
            may["mails", s.listener] += 1
            may["rule_hits"] += 1
    silent = collections.Counter(s.listener for s in missing)
    want = {labelled(key): n for key, n in told.items()}
    more = 0
    for key in sorted(set(want) | {
            k for k in series if k[0] in ("commands", "recipients", "mails",
                                          "rule_hits")}):
        got, seen = series.get(key, 0), want.get(key, 0)
        allowed = may[key[:3]] if key[0] == "commands" else \
            may["rule_hits"] if key[0] == "rule_hits" else may[key[:2]]
        if key[0] == "commands" and key[3] == "none":
            continue		# nobody was told anything
        if key[0] == "mails" and key[2] == "aborted":
            seen -= silent[key[1]]
            allowed += silent[key[1]]
        assert seen <= got <= seen + allowed, (key, seen, got, allowed)
        more += got - seen
    return more


def check_sums(series, sessions):
    """Counts of the same thing in several places are equal."""
    outcomes = collections.Counter()
    for key, n in series.items():
        if key[0] == "mails":
            outcomes[key[2]] += n
    plain = {name[1]: n for name, n in series.items() if name[0] == "plain"}
    assert plain["mails_refused"] == outcomes["refused"]
    assert plain["mails_aborted"] == outcomes["aborted"]
    assert plain["mails_deferred"] == outcomes["deferred"] + \
        outcomes["mixed"]
    assert plain["mails_discarded"] == outcomes["discarded"]
    assert plain["mails_quarantined"] == outcomes["quarantined"]
    assert plain["mails_delivered"] == sum(
        outcomes[w] for w in ("delivered", "discarded", "quarantined"))
    for listener in LISTENERS:
        begun = sum(s.listener == listener and s.has_greeting
                    for s in sessions)
        lost = sum(s.listener == listener and not s.has_greeting
                   for s in sessions)
        assert begun <= series["sessions", listener] <= begun + lost
        # Each mail has a time in all.
        assert series["stage_seconds", listener, "total"] == sum(
            series.get(("mails", listener, outcome), 0)
            for outcome in outcomes)


def read_journal(path, logged):
    """The mails in the log, and those in the journal: by the ids of their
    sessions; and how many lines of the journal are none."""
    in_journal, cut = collections.Counter(), 0
    with open(path) as f:
        for line in f:
            try:
                record = json.loads(line)
            except ValueError:	# a worker was killed while it wrote
                cut += line != "\n"
                continue
            if record["kind"] == "mail":
                in_journal[record["session"], record["id"],
                           record["outcome"]] += 1
    in_log = collections.Counter(
        (logged.idents[helo], number, outcome)
        for (helo, number), outcome in logged.all.items())
    return in_log, in_journal, cut


def is_quiet(fleet):
    """All that clients left behind is over."""
    return fleet.series()["plain", "sessions_open"] == 0


def run(fleet, chance, count, killer=None):
    senders = Senders(fleet, chance, count, killer)
    if killer:
        killer.start()
    began = time.monotonic()
    senders.join()
    took = time.monotonic() - began
    if killer:
        killer.is_over.set()
        killer.join(20)
    wait_until(lambda: is_quiet(fleet), what="the ends")
    time.sleep(1.2)		# what is collected once a second, and is rendered
    return senders, took


def test_ten_thousand_with_kills(start, authority, work):
    chance = seeded()
    fleet = Fleet(start, authority, work)
    killer = Killer(fleet.gateway, chance)
    senders, took = run(fleet, chance, MAILS, killer)
    logged = Logged(fleet.gateway.process.text())
    unseen, missing = check_log(senders.sessions, logged, killer)
    series = fleet.series()
    more = check_counts(senders.told(), series, senders.sessions, missing)
    check_sums(series, senders.sessions)
    lost = [s for s in senders.sessions if s.lost_at is not None]
    print("%d transactions in %d sessions, %.0f s; %d workers killed, %d "
          "reloads; %d sessions lost their worker, %d counts more than they "
          "were told" % (senders.begun, len(senders.sessions), took,
                         len(killer.killed), killer.reloads, len(lost), more))
    for s in lost:
        print("lost: %s session %s at %s" % (
            s.helo, logged.idents.get(s.helo, s.ident), s.lost_at))
    for s, outcome in unseen:
        print("logged and not told: %s %s" % (s.helo, outcome))
    for s in missing:
        print("over, and not seen by its worker: %s" % s.helo)
    in_log, in_journal, cut = read_journal(
        fleet.gateway.path("var/journal"), logged)
    assert cut <= KILLS
    for ident, _, _ in set(in_log - in_journal) | set(in_journal - in_log):
        assert ident in [s.ident for s in lost + missing], ident
    assert killer.has_done_enough()


def test_two_thousand_in_peace(start, authority, work):
    """Without kills nothing may differ."""
    chance = seeded()
    fleet = Fleet(start, authority, work)
    senders, _ = run(fleet, chance, MAILS // 5)
    logged = Logged(fleet.gateway.process.text())
    killer = Killer(fleet.gateway, chance)
    unseen, missing = check_log(senders.sessions, logged, killer)
    assert not unseen and not missing
    series = fleet.series()
    assert check_counts(senders.told(), series, senders.sessions, []) == 0
    check_sums(series, senders.sessions)
    in_log, in_journal, cut = read_journal(
        fleet.gateway.path("var/journal"), logged)
    assert in_log == in_journal and cut == 0
    ends = collections.Counter()
    for s in senders.sessions:
        ends[s.listener, logged.ends[s.helo]] += 1
    assert {key[1:]: n for key, n in series.items()
            if key[0] == "sessions_ended" and n} == ends
