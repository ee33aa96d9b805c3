"""What is hidden in the journal: a subject however it came into the texts of
rules; and that replay knows what was hidden."""
import json
import re
import subprocess

import pytest

from kit.gateway import binary
from kit.journaled import journaled, last_session, record
from kit.raw_filter import RawFilter, reply
from kit.ruled import another, client_at

SUBJECT = '{header \\"Subject\\"}'
RULES = """
on rcpt {
	help: reject 550 5.7.1 "no: ask postmaster@box.test"
		when rcpt.local is "refused"
}
on message {
	bob: reject 550 5.7.1 "to bob" when header "X-To" contains "bob@box"
	spam: reject 554 5.7.1 "this is spam" when header "X-Is" is "spam"
	would: observe defer 451 4.7.1 "%s" when header "Subject" contains "secret0"
	told: reject 554 5.7.1 "for %s"
		when header "Subject" contains "secret0"
	seen: add header "X-Seen" "%s and {headers \\"Subject\\"}"
}
""" % (SUBJECT, SUBJECT, SUBJECT)


def hiding(start, what):
    return journaled(start, RULES, "\thide %s\n" % what,
                     backends={"in": start.sink().url})


def send(gateway, subject=b"hi", sender="a@x.test", rcpt="bob@box.test",
         more=b""):
    """The record of the mail."""
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        if c.envelope(sender, [rcpt]) == 250:
            c.data(more + another().replace(b"Subject: ruled",
                                            b"Subject: " + subject))
        c.quit()
    return record(gateway, last_session(gateway))


def replayed(gateway):
    done = subprocess.run(
        [binary(), "replay", "--config", gateway.conf, "--json"],
        capture_output=True, timeout=60, text=True)
    assert done.returncode in (0, 4), done.stderr
    return json.loads(done.stdout)


SUBJECTS = {
    "long": " ".join("secret%d" % i for i in range(90)).encode(),
    "tab": b"secret0\tsecret1",
    "UTF-8": "secret0 Gr\u00fc\u00dfe secret1".encode(),
    "no UTF-8": b"secret0\xff secret1",
    "encoded": b"=?utf-8?q?secret0_=C3=BC?= secret1",
    "folded": b"secret0\r\n secret1",
    "two": b"secret0\r\nSubject: secret1",
}


@pytest.fixture
def subject_hidden(start):
    return hiding(start, "subject")


@pytest.mark.parametrize("name", SUBJECTS)
def test_a_subject_in_texts_of_rules(subject_hidden, name):
    found = send(subject_hidden, SUBJECTS[name])
    text = json.dumps(found)
    assert "secret0" not in text and "secret1" not in text
    assert found["hidden"] == ["subject"]
    assert found["reply"] == '554 5.7.1 for {header Subject}'
    assert found["phases"][-1]["text"] == 'for {header Subject}'
    assert found["phases"][-1]["would"]["text"] == '{header Subject}'


def test_the_rest_of_its_texts(subject_hidden):
    found = send(subject_hidden, b"secret1")
    hit, = found["phases"][-1]["hits"]
    assert hit["text"] == "{header Subject} and {headers Subject}"


def test_replay_where_the_subject_is_in_a_rule(subject_hidden):
    """The words of a rule stay, although the subject has them too."""
    found = send(subject_hidden, b"spam", more=b"X-Is: spam\r\n")
    assert found["phases"][-1]["text"] == "this is spam"
    assert replayed(subject_hidden)["changed"] == 0


@pytest.mark.parametrize("what", ["senders", "recipients"])
def test_replay_where_addresses_are_hidden(start, what):
    gateway = hiding(start, what)
    # Nothing of its envelope shows that senders are hidden.
    found = send(gateway, sender="", more=b"X-To: <bob@box.test>\r\n")
    assert found["rule"] == "bob" and "bob@" not in found["facts"][
        "header X-To"]
    found = send(gateway, rcpt="refused@box.test")
    assert found["rule"] == "help"
    said = replayed(gateway)
    assert said["changed"] == 0 and said["mails"] == 2
    assert said["unjudged"] == (1 if what == "senders" else 2)


# --- addresses in all texts ---

TEXTS = """
on rcpt {
	gone: reject 550 5.1.1 "no {rcpt.local} for {sender.local} at {helo.name}"
		when rcpt.local is "gone-user"
	seen: log "rcpt {rcpt} {rcpt.local} of {sender} {sender.local}"
}
on message {
	for: observe reject "{header \\"From\\"} {header \\"To\\"} {header \\"Cc\\"}"
	notes: log "notes {header \\"X-Notes\\"}"
	list: log "own words: user postmaster@box.test"
	held: reject 554 5.7.1 "held {header \\"X-Notes\\"} {header \\"To\\"}"
		when header "X-Held" is "yes"
}
"""
FIELDS = (b'From: "Anna Secretaria" <anna-secret@x.test> (also Annie)\r\n'
          b'To: "Robert Hidden" <bob-hidden@box.test>, bob-hidden@z.test\r\n'
          b"Cc: (Robbie) bob-hidden@box.test\r\n"
          b"Delivered-To: bob-hidden@box.test\r\n"
          b"X-Notes: for bob-hidden, <bob-hidden@box.test>, "
          b"bob-hidden%40box.test from anna-secret\r\n")
NAMES = {"senders": ["anna-secret", "secretaria", "annie"],
         "recipients": ["bob-hidden", "robert", "robbie", "gone-user"]}


def says(sink):
    """A backend that names everybody."""
    def answer(session, verb, line):
        if verb == "RCPT" and "unknown" in line:
            session.message.rcpts.pop()
            return (b"550 5.1.1 bob-hidden-unknown: no such user "
                    b"(BOB-HIDDEN-UNKNOWN@box.test) for anna-secret\r\n")
        if verb == ".":
            return (b"554 5.7.1 mailbox of bob-hidden <bob-hidden@box.test> "
                    b"is full, anna-secret=x.test@fwd.test\r\n")
        return None
    sink.answer = answer
    return sink


@pytest.mark.parametrize("what", [["senders"], ["recipients"],
                                  ["senders", "recipients"]],
                         ids=" ".join)
def test_addresses_are_in_no_text(start, what):
    sink = says(start.sink())
    raw = start.keep(RawFilter(start.work))
    gateway = journaled(start, TEXTS, "\thide %s\n" % " ".join(what),
                        top='\nmilter m { address "%s" }' % raw.url,
                        backends={"in": sink.url})
    raw.answer = lambda session, letter, data: reply(
        b"550 5.7.1 bob-hidden-away of <bob-hidden@box.test> is away, "
        b"anna-secret") if letter == b"R" and b"away" in data else None
    found = []
    for rcpts, held in ((["gone-user@box.test"], b""),
                        (["bob-hidden-unknown@box.test"], b""),
                        (["bob-hidden-away@box.test"], b""),
                        (["bob-hidden@box.test"], b""),
                        (["bob-hidden@box.test"], b"X-Held: yes\r\n"),
                        (["gone-user@box.test", "bob-hidden@box.test",
                          "bob-hidden-unknown@box.test"], b"")):
        with client_at(gateway, "192.0.2.1") as c:
            c.ehlo()
            c.cmd("MAIL FROM:<anna-secret@x.test>")
            for rcpt in rcpts:
                last = c.cmd("RCPT TO:<%s>" % rcpt)
            if c.cmd("DATA") == 354:
                c.send(FIELDS + held + b"Subject: hi\r\n\r\nx\r\n.\r\n")
                last = c.reply()
            assert last.code >= 500
            c.quit()
        found.append(record(gateway, last_session(gateway)))
    text = json.dumps(found).lower()
    for kind, names in NAMES.items():
        for name in names:
            assert (name not in text) == (kind in what), (name, [
                json.dumps(r) for r in found
                if name in json.dumps(r).lower()])
    # What rules say by themselves is as they say it.
    hits = found[3]["phases"][-1]["hits"]
    assert [h["text"] for h in hits if h["rule"] == "list"] == [
        "own words: user %s@box.test" % hits_hash(hits)]


def hits_hash(hits):
    """Of an address in the words of a rule."""
    text, = [h["text"] for h in hits if h["rule"] == "list"]
    found, = re.findall(r"user ([0-9a-f]{16})@box\.test$", text)
    return found


def test_those_who_were_refused_are_in_no_text_either(start):
    """All that the record tells of, not only the first."""
    rules = """
on rcpt {
	gone: reject "no" when rcpt.local contains "gone"
	away: discard "away" when rcpt.local contains "away"
}
on message { notes: reject "x" when header "X-Notes" contains "never" }
"""
    gateway = journaled(start, rules, "\thide recipients\n",
                        backends={"in": start.sink().url})
    names = ["ann-gone", "ben-gone", "cid-away", "dan"]
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.cmd("MAIL FROM:<a@x.test>")
        codes = [c.cmd("RCPT TO:<%s@box.test>" % name).code for name in names]
        assert codes == [550, 550, 250, 250]
        assert c.data(b"X-Notes: for %s\r\n" % " ".join(names).encode() +
                      another()) == 250
        c.quit()
    found = record(gateway, last_session(gateway))
    assert len(found["rcpts"]) == 4
    text = json.dumps(found)
    assert [name for name in names if name in text] == []


def test_an_address_that_was_cut(start):
    """Nothing shows that what is left of it is one."""
    text = "x" * 389 + " {rcpt}"
    rules = 'on rcpt { long: reject 550 5.7.1 "%s" when rcpt.local ' \
        'contains "b" }\n' % text
    gateway = journaled(start, rules, "\thide recipients\n",
                        backends={"in": start.sink().url})
    found = send(gateway, rcpt="bob-smith@box.test")
    assert "bob" not in json.dumps(found)
    assert found["rcpts"][0]["text"] == text
    assert found["reply"] == "550 5.7.1 " + text
    found = send(gateway, rcpt="b@y.test")
    assert re.fullmatch("x{389} [0-9a-f]{16}@y.test",
                        found["rcpts"][0]["text"])


@pytest.mark.parametrize("sender, rcpt, what", [
    ("bounce-bob=y.test@list.test", "bob@box.test", "recipients"),
    ("list-bobby-owner@list.test", "bobby@box.test", "recipients"),
    ("a@x.test", "SRS0=abcd=ef=y.test=bob@box.test", "senders")])
def test_addresses_within_addresses(start, sender, rcpt, what):
    gateway = hiding(start, what)
    found = send(gateway, sender=sender, rcpt=rcpt)
    assert "bob" not in json.dumps(found)
    assert found["facts"]["sender"]["domain"] == sender.split("@")[1]
    said = replayed(gateway)
    assert said["changed"] == 0


def test_a_sender_with_a_tag_is_shown(start):
    """Where nothing of it is a recipient."""
    gateway = hiding(start, "recipients")
    sender = "prvs=0123456789=ann.lee@x.test"
    assert send(gateway, sender=sender)["facts"]["sender"] == sender


@pytest.mark.parametrize("what", ["senders", "recipients"])
def test_replay_of_texts_without_addresses(start, what):
    """A word of a rule that is somebody's name is no difference."""
    rules = """
on message {
	user: reject 554 5.7.1 "no user here {header \\"X-Notes\\"}"
		when header "X-Refuse" is "yes"
}
"""
    gateway = journaled(start, rules, "\thide %s\n" % what,
                        backends={"in": start.sink().url})
    for more in (b"", b"X-Notes: plain\r\n", b"X-Notes: user\r\n",
                 b"X-Notes: a user@box.test\r\n"):
        found = send(gateway, sender="user@x.test", rcpt="user@box.test",
                     more=b"X-Refuse: yes\r\n" + more)
        assert found["rule"] == "user"
    said = replayed(gateway)
    assert said["changed"] == 0 and said["mails"] == 4
