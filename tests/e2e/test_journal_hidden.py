"""What is hidden in the journal: a subject however it came into the texts of
rules; and that replay knows what was hidden."""
import json
import subprocess

import pytest

from kit.gateway import binary
from kit.journaled import journaled, last_session, record
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
