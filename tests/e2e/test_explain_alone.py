"""`forepost explain` as far as it goes: without a recipient, a message, rules,
a configuration; with any file as the mail; and it asks no filter."""
import json
import re

import pytest

from kit.explained import RECORDS, explain, message

pytestmark = pytest.mark.core


@pytest.fixture
def resolver(start):
    start.resolver().records.update(RECORDS)
    return "--resolver", start.resolver().address


@pytest.mark.parametrize("arguments, why", [
    ((), {"rcpt": "no recipient was given (--to)",
          "message": "no message was given"}),
    (("--to", "bob@in.test"), {"message": "no message was given"}),
    (("-",), {"rcpt": "no recipient was given (--to)",
              "message": "no recipient was given (--to)"}),
])
def test_phases_that_lack_something_are_not_asked(resolver, arguments, why):
    done = explain(*resolver, "--client", "192.0.2.7", "--json", *arguments)
    page = json.loads(done.stdout)
    assert page["outcome"]["result"] == "undecided"
    assert page["reply"] is None
    assert {p["phase"]: p["not-asked"] for p in page["rules"]
            if "not-asked" in p} == why


def test_a_refusal_needs_no_recipient(resolver, work):
    with open(work + "/x.rules", "w") as f:
        f.write('on mail { reject "No" when sender.is-null }\n')
    done = explain(*resolver, "--client", "192.0.2.7", "--rules",
                   work + "/x.rules")
    assert done.returncode == 0
    assert done.stdout.startswith(
        "refused by x.rules:1 at mail\n"
        "  reply     to RCPT: 550 5.7.1 No\n")


def test_without_a_configuration_any_backend_may_be_named(resolver, work):
    with open(work + "/x.rules", "w") as f:
        f.write('on rcpt { route anywhere }\n')
    mail = work + "/mail.eml"
    with open(mail, "w") as f:
        f.write(message())
    done = explain(*resolver, "--client", "192.0.2.7", "--rules",
                   work + "/x.rules", "--to", "bob@in.test", mail)
    assert done.stdout.startswith("delivered to anywhere: no rule decided\n")


FILTERS = """
hostname mx.in.test
listener mx { address 127.0.0.1:2525 }
backend in { address smtp://127.0.0.1 }
route { domains "in.test" backend in }
rules "in.rules"
milter dkim { address unix:/nowhere/dkim }
milter clamav { address unix:/nowhere/clamav  when rules }
"""
ASKING = """
on mail { milter clamav when sender.is-null }
on message {
	virus: milter clamav	when message.size < 25M
	score 1			when milter.dkim is reject
	log "{milter.clamav}"
}
"""


def test_no_filter_is_asked(work):
    """Nor waited for; where one would be asked is told."""
    for name, text in (("forepost.conf", FILTERS), ("in.rules", ASKING),
                       ("mail.eml", message())):
        with open(work + "/" + name, "w") as f:
            f.write(text)
    given = ("--config", work + "/forepost.conf", "--client", "127.0.0.1",
             "--from", "", "--to", "bob@in.test", work + "/mail.eml")
    done = explain(*given)
    assert done.returncode == 0, done.stderr
    told = " ".join(done.stdout.split())
    assert "delivered to in: no rule decided" in told
    assert "when sender.is-null [sender.is-null = yes] -> milter clamav" \
        in told
    assert "-> milter clamav: not asked" in told
    assert "[milter.dkim = none] -> no" in told
    rules = [r for p in json.loads(explain("--json", *given).stdout)["rules"]
             for r in p.get("rules", ())]
    asked = [r for r in rules if r["action"] == "milter"]
    assert [r["name"] for r in asked] == ["clamav", "clamav"]
    assert all("said" not in r for r in asked)


def test_without_a_configuration_any_filter_may_be_named(resolver, work):
    with open(work + "/x.rules", "w") as f:
        f.write('on mail { milter anything }\n'
                'on message { log "x" when milter.other is reject }\n')
    done = explain(*resolver, "--client", "192.0.2.7", "--rules",
                   work + "/x.rules")
    assert done.returncode == 0, done.stderr


def test_rules_none(resolver, work):
    with open(work + "/forepost.conf", "w") as f:
        f.write('listener mx { address 127.0.0.1:2525 }\nrules none\n'
                'backend in { address smtp://127.0.0.1 }\n'
                'route { domains "in.test" backend in }\n')
    mail = work + "/mail.eml"
    with open(mail, "w") as f:
        f.write(message())
    known = (*resolver, "--config", work + "/forepost.conf", "--client",
             "192.0.2.7")
    done = explain(*known, "--to", "bob@in.test", mail)
    assert done.stdout.startswith("delivered to in: no rule decided\n")
    assert done.stdout.count("not asked: there are no rules\n") == 5
    done = explain(*known, "--listener", "nope")
    assert done.returncode == 2
    assert '--listener "nope"' in done.stderr


def test_line_ends_of_a_file_are_those_of_data(resolver, work):
    """LF stands for CRLF; a bare CR is what the gateway refuses."""
    mail = work + "/mail.eml"
    for text, result in ((message(), "delivered"),
                         (message().replace("\n", "\r\n"), "delivered"),
                         (message().rstrip("\n"), "delivered"),
                         (message() + "bare\rCR\n", "refused")):
        with open(mail, "w", newline="") as f:
            f.write(text)
        page = json.loads(explain(
            *resolver, "--client", "192.0.2.7", "--to", "bob@in.test",
            "--json", mail).stdout)
        assert page["outcome"]["result"] == result
        assert page["facts"]["message.size"] == len(
            text.rstrip("\n").replace("\r\n", "\n").replace(
                "\n", "\r\n").rstrip("\r\n")) + 2
    assert page["reply"]["code"] == 550 and page["reply"]["closes"]


def test_an_empty_message(resolver):
    """On the standard input."""
    page = json.loads(explain(*resolver, "--client", "192.0.2.7", "--to",
                              "bob@in.test", "--json", "-").stdout)
    assert page["outcome"]["result"] == "delivered"
    assert page["facts"]["message.size"] == 0
    assert page["outcome"]["scores"] == "no-author"


def test_what_a_mail_says_does_not_act_on_the_terminal(resolver, work):
    with open(work + "/x.rules", "w") as f:
        f.write('on message {\n\tlog "{header \\"Subject\\"}"\n'
                '\tquarantine "{header \\"Subject\\"}"\n}\n')
    mail = work + "/mail.eml"
    with open(mail, "wb") as f:
        f.write(b"From: a@good.example\nSubject: \x1b[2J \xe2\x80\xae \xc2\x9b"
                b" \xff\n\nx\n")
    done = explain(*resolver, "--client", "192.0.2.7", "--rules",
                   work + "/x.rules", "--to", "bob@in.test", mail)
    assert done.stdout.startswith("quarantined by x.rules:3 at message\n")
    assert not re.search("[\x00-\x08\x0b-\x1f\x7f-\x9f\u202e]", done.stdout)
