"""forepost replay: the mails of a real journal, judged by the same rules and by
others. Each kind of verdict is in it."""
import json
import os
import re
import subprocess

import pytest

from kit.any_filter import AnyFilter
from kit.gateway import binary, run
from kit.journaled import files, journaled, last_session, lines, records
from kit.ruled import another, client_at, write_rules

RULES = """
set friends = { "friend.test" }
on connect {
	away: reject 554 5.7.1 "not from {client.ip}" when client.ip in { 203.0.113.0/24 }
	gone: disconnect 421 4.7.0 "go" when client.ip is 203.0.114.1
	ours: trust when client.ip is 192.0.2.200
}
on helo {
	no-helo: reject 550 5.7.1 "not {helo.name}" when helo.name is "bad.test"
	gone-helo: disconnect 421 4.7.0 "go, {helo.name}" when helo.name is "gone.test"
}
on mail {
	from-x: score 2.5 when sender.domain is "x.test"
	no-sender: reject 550 5.7.1 "no {sender}" when sender.local is "bad"
}
on rcpt {
	friendly: tag friend when sender.domain in $friends
	no-ruled: reject 550 5.7.1 "not {rcpt}" when rcpt.local is "ruled"
	later: defer 450 4.7.1 "later" when rcpt.local is "later"
	drop: discard "unwanted" when rcpt.local is "gone"
	few: limit 2/1h per client.ip when client.ip is 192.0.2.99
	grey: greylist when client.ip is 192.0.2.77
	trial: observe reject 550 5.7.1 "would" when rcpt.local is "tried"
	wrong: log "errors {client.errors}" when client.errors > 0
	many: log "{rcpt.count}" when rcpt.count > 1
}
on message {
	spam: reject 554 5.7.1 "spam" when header "Subject" contains "spam"
	void: discard "void" when header "Subject" is "void"
	odd: quarantine "odd" when header "Subject" is "odd"
	local: reject 550 5.7.1 "tagged" when tagged friend and score > 2
	seen: add header "X-Seen" "{score}"
}
"""
STORE = 'store { address "lmdb:var/store" size 16M }\n'


def backend_says(session, verb, line):
    if verb != "RCPT":
        return None
    rcpt = re.search(r"<(.*)>", line).group(1)
    if not rcpt.startswith("unknown@"):
        return None
    session.message.rcpts.remove(rcpt)
    return b"550 5.1.1 no such user\r\n"


def send(gateway, rcpts, subject="hi", sender="a@x.test", client="192.0.2.1"):
    """The session's id."""
    with client_at(gateway, client) as c:
        c.ehlo()
        reply = c.envelope(sender, ["%s@box.test" % r for r in rcpts.split()])
        if reply == 250:
            c.data(another().replace(b"Subject: ruled", b"Subject: " +
                                     subject.encode()))
        c.quit()
    return last_session(gateway)


MAILS = {
    # what it is: (recipients, subject, sender, client)
    "delivered": ("bob", "hi", "a@y.test", "192.0.2.1"),
    "scored": ("bob", "hi", "a@x.test", "192.0.2.1"),
    "null sender": ("bob", "hi", "", "192.0.2.1"),
    "sender refused": ("bob", "", "bad@x.test", "192.0.2.1"),
    "rcpt refused": ("ruled", "", "a@y.test", "192.0.2.1"),
    "rcpt deferred": ("later", "", "a@y.test", "192.0.2.1"),
    "rcpt discarded": ("gone", "hi", "a@y.test", "192.0.2.1"),
    "unknown there": ("unknown", "", "a@y.test", "192.0.2.1"),
    "some of each": ("bob ruled gone unknown later ann tried", "hi",
                     "a@y.test", "192.0.2.1"),
    "spam": ("bob", "spam", "a@y.test", "192.0.2.1"),
    "void": ("bob ann", "void", "a@y.test", "192.0.2.1"),
    "odd": ("bob", "odd", "a@y.test", "192.0.2.1"),
    "friend": ("bob", "hi", "a@friend.test", "192.0.2.1"),
    "trusted": ("ruled", "spam", "bad@x.test", "192.0.2.200"),
    "greylisted": ("bob", "", "a@y.test", "192.0.2.77"),
    "client refused": ("bob", "", "a@y.test", "203.0.113.7"),
    "tried": ("tried", "hi", "a@y.test", "192.0.2.1"),
    "limit 1": ("bob", "hi", "a@y.test", "192.0.2.99"),
    "limit 2": ("bob", "hi", "a@y.test", "192.0.2.99"),
    "limit 3": ("bob", "", "a@y.test", "192.0.2.99"),
}
SESSIONS = 4


@pytest.fixture(scope="module")
def played(module_start):
    """A gateway that all of these went through: it has ended."""
    sink = module_start.sink()
    sink.answer = backend_says
    gateway = journaled(module_start, RULES, backends={"in": sink.url},
                        workers=2, top=STORE)
    gateway.ids = {name: send(gateway, *mail) for name, mail in MAILS.items()}
    with client_at(gateway, "203.0.113.7", at_once=True) as c:
        assert c.greeting == 554
        c.quit()
    with client_at(gateway, "203.0.114.1") as c:
        assert c.greeting == 421
    with client_at(gateway, "192.0.2.1", at_once=True) as c:
        assert c.cmd("EHLO bad.test") == 550
        assert c.cmd("HELO other.test") == 250
        c.quit()
    with client_at(gateway, "192.0.2.1") as c:
        assert c.cmd("EHLO gone.test") == 421
    gateway.wait_line("session end", count=len(MAILS) + SESSIONS)
    gateway.stop()
    assert len(records(gateway)) == len(MAILS) + SESSIONS
    return gateway


def replay(gateway, rules=None, *arguments, stdin=None):
    """(status, what --json prints)"""
    done = call(gateway, rules, "--json", *arguments, stdin=stdin)
    assert done.returncode in (0, 4), done.stdout + done.stderr
    return done.returncode, json.loads(done.stdout)


def call(gateway, rules=None, *arguments, stdin=None):
    more = []
    if rules is not None:
        write_rules(gateway, rules, "other.rules")
        more = ["--rules", gateway.path("other.rules")]
    return subprocess.run(
        [binary(), "replay", "--config", gateway.conf, *more, *arguments],
        input=stdin if stdin is not None else "", capture_output=True,
        timeout=60, text=True)


def changed(gateway, found):
    """Names of the mails that have a difference, and in what."""
    names = {ident + ".1": name for name, ident in gateway.ids.items()}
    return {names.get(mail["id"], mail["kind"]): [
        (d["of"], d["before"]["action"], d["before"].get("rule"),
         d["now"]["action"], d["now"].get("rule"))
        for d in mail["differences"]] for mail in found["changes"]}


def test_the_same_rules_change_nothing(played):
    status, found = replay(played)
    assert found["changes"] == [] and found["differences"] == [], found
    assert status == 0
    assert (found["records"], found["mails"], found["sessions"]) == (
        len(MAILS) + SESSIONS, len(MAILS), SESSIONS)
    assert found["same_rules"] == found["unchanged"] == found["records"]
    assert (found["changed"], found["unjudged"], found["bad"],
            found["would"]) == (0, 0, 0, 0)


def test_rules_that_moved_change_nothing(played):
    status, found = replay(played, "# one\n# two\n" + RULES)
    assert status == 0 and found["unchanged"] == found["records"]
    assert found["same_rules"] == 0


CHANGES = {
    # name: (what is replaced, by what, {mail: [difference]})
    "a rule goes": (
        '\tspam: reject 554 5.7.1 "spam" when header "Subject" contains '
        '"spam"\n', "",
        {"spam": [("verdict", "reject", "spam", "accept", None)]}),
    "a new rule of the sender": (
        "on rcpt {", 'on rcpt {\n\tnull: reject 550 5.7.1 "nobody" when '
        "sender.is-null",
        {"null sender": [("verdict", "accept", None, "reject", "null")]}),
    "other words": (
        '"not {rcpt}"', '"nobody is called {rcpt}"',
        {"rcpt refused": [("verdict", "reject", "no-ruled", "reject",
                           "no-ruled")],
         "some of each": [("verdict", "reject", "no-ruled", "reject",
                           "no-ruled")]}),
    "another code": (
        "defer 450 4.7.1", "defer 451 4.7.1",
        {name: [("verdict", "defer", "later", "defer", "later")]
         for name in ("rcpt deferred", "some of each")}),
    "a score that is read later": (
        "score 2.5", "score 9",
        {"scored": [("handling", "add header", "seen", "add header",
                     "seen")]}),
    "a limit is wider": (
        "limit 2/1h", "limit 3/1h",
        {"limit 3": [("verdict", "defer", "few", "accept", None)]}),
    "the greylist goes": (
        "\tgrey: greylist when client.ip is 192.0.2.77\n", "",
        {"greylisted": [("verdict", "defer", "grey", "accept", None)]}),
    "a trial becomes earnest": (
        "trial: observe reject", "trial: reject",
        {name: [("verdict", "accept", None, "reject", "trial"),
                ("would", "reject", "trial", "accept", None)]
         for name in ("tried", "some of each")}),
    "a client is let in": (
        "when client.ip in { 203.0.113.0/24 }", "when client.ip is none",
        {"client refused": [("verdict", "reject", "away", "accept", None)],
         "session": [("verdict", "reject", "away", "accept", None)]}),
    "nobody is discarded": (
        "drop: discard", "drop: reject 550 5.1.1",
        {name: [("verdict", "discard", "drop", "reject", "drop")]
         for name in ("rcpt discarded", "some of each")}),
    "it observes": (
        '\tspam: reject', "\tspam: observe reject",
        {"spam": [("verdict", "reject", "spam", "accept", None),
                  ("would", "accept", None, "reject", "spam")]}),
    "another field": (
        '"X-Seen" "{score}"', '"X-Score" "{score}"', None),
}


@pytest.mark.parametrize("name", CHANGES)
def test_other_rules_change_just_what_they_say(played, name):
    before, after, want = CHANGES[name]
    assert before in RULES
    status, found = replay(played, RULES.replace(before, after))
    got = changed(played, found)
    if want is None:		# all that are delivered with it
        want = {m: [("handling", "add header", "seen", "add header", "seen")]
                for m in ("delivered", "scored", "null sender", "friend",
                          "some of each", "tried", "limit 1", "limit 2")}
    assert got == want
    assert status == 4
    assert found["unjudged"] == 0
    assert found["unchanged"] + found["changed"] == found["records"]
    assert sum(d["count"] for d in found["differences"]) == sum(
        map(len, got.values()))


def test_what_nobody_looked_up_is_missing(played):
    """Never taken for something: the rule says nothing of these mails."""
    status, found = replay(played, RULES.replace(
        "on mail {", 'on mail {\n\tforged: reject 550 5.7.1 "no" when not '
        "sender.domain-accepts-mail"))
    assert status == 0 and found["changes"] == []
    # All but the client that is refused before, and the one that is trusted.
    assert found["unjudged"] == len(MAILS) - 2
    assert found["needs"] == {"sender.domain-accepts-mail": len(MAILS) - 2}
    assert found["changed"] == 0


def test_only_mails_that_ask_for_it_need_it(played):
    status, found = replay(played, RULES.replace(
        "on mail {", 'on mail {\n\tforged: reject 550 5.7.1 "no" when sender '
        'is "a@x.test" and not sender.domain-accepts-mail'))
    assert found["unjudged"] == 1
    assert found["needs"] == {"sender.domain-accepts-mail": 1}


def test_for_people(played):
    write_rules(played, RULES.replace("spam: reject", "ham: reject"),
                "other.rules")
    done = call(played, RULES.replace('"spam" when', '"junk" when'))
    assert done.returncode == 4 and done.stderr == ""
    first = done.stdout.splitlines()[0]
    assert re.fullmatch(
        r'\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z %s\.1 from=<a@y\.test> '
        r'to=<bob@box\.test>: reject 554 5\.7\.1 "spam" by spam \(\S*in\.rules'
        r':\d+\) -> reject 554 5\.7\.1 "junk" by spam \(\S*other\.rules:\d+\)' %
        played.ids["spam"], first), first
    assert re.search(r"^ +%d  unchanged$" % (len(MAILS) + SESSIONS - 1),
                     done.stdout, re.M)
    assert re.search(r"^ +1  changed$", done.stdout, re.M)
    assert re.search(r"^differences by rule:\n +1  reject 554 5\.7\.1 by spam "
                     r"\(\S+\) -> reject 554 5\.7\.1 by spam \(\S+\)$",
                     done.stdout, re.M)


def test_files_and_standard_input(played):
    path, = files(played)
    text = b"\n".join(lines(played)) + b"\n"
    status, found = replay(played, None, path, path)
    assert status == 0 and found["files"] == 2
    assert found["records"] == 2 * (len(MAILS) + SESSIONS)
    status, found = replay(played, None, "-", stdin=text.decode())
    assert status == 0 and found["records"] == len(MAILS) + SESSIONS


def test_renamed_files_come_first(played, tmp_path):
    all_lines = lines(played)
    journal = tmp_path / "journal"
    for i, name in enumerate(("journal.2", "journal.1", "journal")):
        (tmp_path / name).write_bytes(
            b"".join(line + b"\n" for line in all_lines[i * 4:i * 4 + 4]))
    conf = tmp_path / "forepost.conf"
    with open(played.conf) as f:
        conf.write_text(f.read().replace('"var/journal"', '"%s"' % journal)
                        .replace('rules "in.rules"', 'rules "%s"' %
                                 played.path("in.rules")))
    write_rules(played, "on connect { reject \"no\" }", "other.rules")
    done = run("replay", "--config", str(conf), "--json", "--rules",
               played.path("other.rules"))
    found = json.loads(done.stdout)
    assert found["files"] == 3 and found["records"] == 12
    assert [mail["time"] for mail in found["changes"]] == [
        json.loads(line)["time"] for line in all_lines[:12]]


def test_lines_that_are_no_record(played):
    good = lines(played)[0].decode()
    bad = ["x", "{", "[]", '{"v":1}', good[:-1], good.replace('"v":1', '"v":2'),
           good + "x", "x" * (1 << 20) + "y", '{"v":1,"session":"a","kind":'
           '"mail","facts":{"\\ud800":1}}']
    text = "\n".join([good] + bad + ["", good])
    done = call(played, None, "--json", "-", stdin=text)
    found = json.loads(done.stdout)
    assert done.returncode == 0
    assert (found["records"], found["bad"]) == (2, len(bad))
    told = done.stderr.splitlines()
    assert len(told) == len(bad)
    for i, line in enumerate(told):
        assert line.startswith("(standard input):%d: " % (i + 2)), line


def test_what_goes_wrong(played, tmp_path):
    assert call(played, None, str(tmp_path / "none")).returncode == 3
    done = call(played, None, str(tmp_path))
    assert done.returncode == 3 and str(tmp_path) in done.stderr
    done = call(played, "on connect {", "-")
    assert done.returncode == 1 and "other.rules:1" in done.stderr
    assert call(played, None, "--spam").returncode == 2
    conf = tmp_path / "forepost.conf"
    with open(played.conf) as f:
        text = re.sub(r"journal \{.*?\n\}", "", f.read(), flags=re.S)
    conf.write_text(text.replace('rules "in.rules"', "rules none"))
    done = run("replay", "--config", str(conf))
    assert done.returncode == 1 and "configuration has none" in done.stdout


def test_senders_that_are_hidden(start):
    """What has only a hash is missing, not another sender."""
    sink = start.sink()
    gateway = journaled(start, "on mail { tag x when sender.local is \"q\" }\n"
                        "on message { log \"x\" when tagged x }",
                        settings="\thide senders\n", backends={"in": sink.url})
    send(gateway, "bob")
    gateway.stop()
    status, found = replay(gateway)
    assert status == 0 and found["needs"] == {"sender.local": 1}
    status, found = replay(gateway, 'on rcpt { reject "no" when rcpt.local is '
                           '"bob" }')
    assert status == 4 and found["changed"] == 1
    assert set(found["changes"][0]["sender"]) == {"hash", "domain"}
    status, found = replay(gateway, 'on message { reject "no" when header '
                           '"From" contains "ann@" }')
    assert (found["changed"], found["unjudged"]) == (0, 1)


ASKING = """
set banned = redis "banned"
on mail { banned: reject 550 5.7.1 "not {sender}" when sender in $banned }
on rcpt { again: limit 3/1h per sender.domain, else defer 450 4.7.1 "often" }
on message {
	spammy: score 4 when milter.spam is reject
	heavy: reject 550 5.7.9 "too much" when score >= 4
	virus: milter clam when header "Subject" contains "scan"
	bare: reject 550 5.7.1 "bare" when header "Subject" contains "bare"
}
"""


def test_what_others_answered(start):
    """Redis, the store's counters and filters are not asked again."""
    sink, redis = start.sink(), start.redis()
    filters = {name: start.keep(AnyFilter(start.work, name))
               for name in ("clam", "spam")}
    filters["clam"].plan(("eom", "virus@", "reply", 554, "5.7.8", "a virus"))
    filters["spam"].plan(("eom", "heavy@", "reject"))
    for one in filters.values():
        one.start()
    redis.say("SADD", "banned", "bad.test")
    gateway = journaled(
        start, ASKING, backends={"in": sink.url}, workers=1,
        top='store { address "%s" timeout 300ms cache 0s }\n' % redis.url +
        "".join("milter %s { address %s when rules }\n" % (
            name, one.url) for name, one in filters.items()))
    gateway.ids = {name: send(gateway, "bob", subject, sender) for
                   name, subject, sender in (
        ("fine", "hi", "a@one.test"), ("banned", "", "a@bad.test"),
        ("virus", "scan", "virus@two.test"), ("clean", "scan", "a@two.test"),
        ("heavy", "hi", "heavy@three.test"),
        ("often 1", "hi", "a@four.test"), ("often 2", "hi", "a@four.test"),
        ("often 3", "hi", "a@four.test"), ("often 4", "", "a@four.test"))}
    redis.stop()
    gateway.ids["nobody knows"] = send(gateway, "bob", "bare", "a@bad.test")
    gateway.stop()
    for one in filters.values():
        one.stop()
    outcomes = {r["session"]: r["outcome"] for r in records(gateway)}
    assert {name: outcomes[ident] for name, ident in gateway.ids.items()} == {
        "fine": "delivered", "banned": "aborted", "virus": "refused",
        "clean": "delivered", "heavy": "refused", "often 1": "delivered",
        "often 2": "delivered", "often 3": "delivered", "often 4": "aborted",
        "nobody knows": "refused"}
    status, found = replay(gateway)
    assert status == 0 and found["unchanged"] == 10 == found["same_rules"]
    status, found = replay(gateway, ASKING.replace("sender in", "not sender in"))
    got = changed(gateway, found)
    assert got["banned"] == [("verdict", "reject", "banned", "accept", None)]
    assert got["fine"] == [("verdict", "accept", None, "reject", "banned")]
    assert "nobody knows" not in got
    status, found = replay(gateway, ASKING.replace("milter clam", "milter spam")
                           .replace("virus:", "new:"))
    # What spam said of it is in the journal: the score asks for it.
    assert changed(gateway, found) == {"virus": [
        ("verdict", "milter", "virus", "accept", None)]}
    status, found = replay(gateway, ASKING.replace(
        "spammy: score 4 when milter.spam", "spammy: score 4 when milter.clam"))
    # It was asked about two of those that came to the message.
    assert found["needs"] == {"milter.clam": 6}
    assert changed(gateway, found) == {"virus": [
        ("verdict", "milter", "virus", "reject", "heavy")]}


# --- forepost explain ID ---

def explain(gateway, ident, *arguments):
    return run("explain", "--config", gateway.conf, *arguments, ident)


def test_explain_a_mail(played):
    done = explain(played, played.ids["spam"] + ".1")
    assert done.returncode == 0
    text = done.stdout
    for line in (r"^%s\.1, \S+Z: a mail, refused$" % played.ids["spam"],
                 r"^  reply +554 5\.7\.1 spam$",
                 r"^  decided by +rule: reject by spam \(\S+in\.rules:\d+\)$",
                 r"^  from +<a@y\.test>$",
                 r"^  to +<bob@box\.test>: taken, backend in: 250 ",
                 r'^  at message: reject 554 5\.7\.1 "spam" by spam',
                 r"^  header Subject = spam$", r"^  client\.ip = 192\.0\.2\.1$",
                 r"^trace by \S*in\.rules, the same rules as then:$",
                 r"^at message: reject 554 5\.7\.1 \"spam\" by spam$"):
        assert re.search(line, text, re.M), (line, text)


def test_explain_several_recipients(played):
    """The trace says whose it is."""
    mail = next(r for r in records(played) if len(r.get("rcpts", ())) > 1)
    done = explain(played, "%s.%d" % (mail["session"], mail["id"]))
    trace = done.stdout.partition("\ntrace by ")[2]
    assert re.findall(r"^to <(.*)>:\nat rcpt: ", trace, re.M) == \
        [r["to"] for r in mail["rcpts"]], done.stdout


def test_explain_a_session(played):
    # Two workers write: in the file any of them may be the first.
    for one in [r for r in records(played) if r["kind"] == "session"]:
        done = explain(played, one["session"])
        assert "a session without a mail, turned-away" in done.stdout
        done = explain(played, one["session"], "--json")
        found = json.loads(done.stdout)
        assert found["record"] == one
        assert found["rules"]["same"] is True
        assert found["trace"][len(one["phases"]) - 1]["verdict"]["rule"] == \
            one["rule"]


def test_explain_by_other_rules(played):
    write_rules(played, RULES.replace("on mail {", 'on mail {\n\treject "no" '
                "when not helo.resolves"), "other.rules")
    done = explain(played, played.ids["spam"], "--rules",
                   played.path("other.rules"))
    assert "which has CHANGED since" in done.stdout
    assert "at mail: it ends here, as the journal does not have helo.resolves" in \
        done.stdout


def test_explain_what_is_not_there(played):
    done = explain(played, "0123456789ab")
    assert done.returncode == 3 and "does not have 0123456789ab" in done.stdout
    assert explain(played, "no-id").returncode == 2


def test_hostile_text_is_escaped(start):
    sink = start.sink()
    gateway = journaled(start, 'on message { log "{header \\"Subject\\"}" when '
                        'header "Subject" contains "x" }',
                        backends={"in": sink.url})
    send(gateway, "bob", "x \x1b[31m \x07 \u202e <script> \" \udcff".encode(
        "utf-8", "surrogateescape").decode("latin-1"))
    gateway.stop()
    ident = records(gateway)[0]["session"]
    for done in (explain(gateway, ident), explain(gateway, ident, "--json"),
                 run("replay", "--config", gateway.conf)):
        assert done.returncode == 0
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout)
    write_rules(gateway, 'on message { reject "{header \\"Subject\\"}" when '
                'header "Subject" contains "x" }', "other.rules")
    for option in ([], ["--json"]):
        done = run("replay", "--config", gateway.conf, *option, "--rules",
                   gateway.path("other.rules"))
        assert done.returncode == 4
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f]", done.stdout)
