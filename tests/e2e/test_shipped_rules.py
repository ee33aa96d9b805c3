"""The rules that come along do what they say.

Their tests pass, and each rule is held by a test: without the rule, or with
it for every mail, one of them fails.
"""
import os
import re
import shutil

import pytest

from kit.gateway import run

CONF = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../conf")
RULES = ("default", "strict", "observe")
# Whose tests hold which file.
HELD = (("default.rules", "default"),
        ("strict-more.rules", "strict"),
        ("strict-more.rules", "observe"))
STATEMENT = re.compile(r"""
    ^\t+(?:(?P<label>[\w-]+):\s*)?
    (?P<action>(?:score|reject|accept|quarantine|tag|replace)\b[^\n]*?)
    (?P<more>(?:\n\t+"[^"\n]*")*)
    (?P<when>\s+when\ [^{}\n]*(?:\{[^}\n]*\}[^{}\n]*)*
        (?:\n\t+\ *(?:and\ |header)[^\n]*)*)?$""", re.M | re.X)


@pytest.fixture
def rules(work):
    """A folder with all that is shipped, to be changed."""
    for name in os.listdir(CONF):
        if name.endswith((".rules", ".test")):
            shutil.copy(os.path.join(CONF, name), work)
    return work


def text_of(folder, name):
    with open(os.path.join(folder, name)) as f:
        return f.read()


def put(folder, name, text):
    with open(os.path.join(folder, name), "w") as f:
        f.write(text)
    return os.path.join(folder, name)


def statements(text):
    """(label or action, match) of each rule."""
    for found in STATEMENT.finditer(text):
        yield found["label"] or found["action"], found


@pytest.mark.parametrize("name", RULES)
def test_rules_are_good(rules, name):
    done = run("check", "--rules", os.path.join(rules, name + ".rules"))
    assert done.returncode == 0
    assert "warning" not in done.stdout


@pytest.mark.parametrize("name", RULES)
def test_tests_pass(rules, name):
    path = os.path.join(rules, name + ".test")
    done = run("test", path)
    assert done.stdout == "%d tests, 0 failed\n" % text_of(
        rules, name + ".test").count("\ntest ")
    assert done.returncode == 0
    assert not done.stdout.startswith("0 ")


def test_every_rule_is_found():
    """As many as `forepost` sees actions; else the next test misses some."""
    text = re.sub(r"#.*|\"[^\"\n]*\"", '""', text_of(CONF, "default.rules"))
    actions = re.findall(r"\b(?:score|reject|accept|quarantine|tag|replace)\b"
                         r"(?! [<>])", re.sub(r"\$[\w-]+|dnsbl\.score|"
                         r"policy in \{[^}]*\}|policy is \w+", "", text))
    assert len(list(statements(text_of(CONF, "default.rules")))) == len(
        actions) > 20


@pytest.mark.parametrize("of, tests", HELD)
def test_every_rule_is_held_by_a_test(rules, of, tests):
    text = text_of(rules, of)
    test = os.path.join(rules, tests + ".test")
    missed = []
    for name, found in statements(text):
        put(rules, of, text[:found.start()] + text[found.end():])
        if run("test", test).returncode == 0:
            missed.append("without " + name)
        if found["when"] is None:
            continue
        put(rules, of, text[:found.start("when")] + text[found.end("when"):])
        if run("test", test).returncode == 0:
            missed.append("always " + name)
    assert not missed


def test_lists_are_asked_again_at_the_message(rules):
    """Who came through rcpt by a rule in front is refused at message."""
    path = put(rules, "mine.rules", 'on rcpt {\n\taccept when rcpt.domain is '
               '"example.org"\n}\ninclude "default.rules"\n')
    put(rules, "mine.test", 'test "listed" {\n\trcpt = "a@example.org"\n'
        '\tdnsbl.score = 8\n\texpect rcpt accept\n'
        '\texpect message reject 550 5.7.1 by listed-names\n}\n'
        'test "nearly" {\n\trcpt = "a@example.org"\n\tdnsbl.score = 7\n'
        '\texpect no verdict\n}\n')
    done = run("test", path.replace(".rules", ".test"))
    assert done.stdout == "2 tests, 0 failed\n"


def test_postmaster_and_abuse_are_never_refused(rules):
    """Whatever is wrong with client, sender and message at once."""
    for name in RULES:
        for local in ("postmaster", "abuse", "Postmaster"):
            put(rules, name + ".test", """
                test "all is wrong" {
                    rcpt = "%s@example.org"
                    client.early-talker = yes
                    client.pipelined-early = yes
                    client.reverse = none
                    helo.name = "192.0.2.1"
                    helo.resolves = no
                    sender.domain-accepts-mail = no
                    sender = none
                    spf = fail
                    spf.helo = fail
                    dnsbl.score = 100
                    rcpt.count = 50
                    from.count = 0
                    header-count "From" = 3
                    dkim = fail
                    dmarc = fail
                    dmarc.policy = reject
                    expect rcpt accept
                    expect accept
                }
                """ % local)
            done = run("test", os.path.join(rules, name + ".test"))
            assert done.stdout == "1 tests, 0 failed\n"


def test_a_dns_that_is_down_refuses_nothing(rules):
    for name in RULES:
        put(rules, name + ".test", """
            test "temperror everywhere" {
                client.reverse = temperror
                client.name = none
                spf = temperror
                spf.helo = temperror
                dkim = temperror
                dmarc = temperror
                dmarc.policy = reject
                arc = temperror
                dnsbl.failed = 9
                helo.matches-client = no
                expect no verdict
                expect score 0
            }
            """)
        done = run("test", os.path.join(rules, name + ".test"))
        assert done.stdout == "1 tests, 0 failed\n"


def test_observe_include_reaches_what_is_included_there(rules):
    put(rules, "inner.rules", 'on mail {\n\tinner: accept "yes"\n}\n')
    put(rules, "outer.rules", 'include "inner.rules"\n'
        'on rcpt {\n\touter: reject "no"\n}\n')
    put(rules, "mine.rules", 'observe include "outer.rules"\n')
    test = put(rules, "mine.test", 'test "nothing happens" {\n'
               '\texpect mail would accept by inner\n'
               '\texpect rcpt would reject by outer\n'
               '\texpect no verdict\n}\n')
    assert run("test", test).stdout == "1 tests, 0 failed\n"
    put(rules, "mine.rules", 'include "outer.rules"\n')
    assert run("test", test).returncode == 1
