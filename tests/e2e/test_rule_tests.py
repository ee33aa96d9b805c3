"""`forepost test`: what it says, and how it ends."""
import json
import os

import pytest

from kit.gateway import run

RULES = """\
dnsbl zen "zen.example" {
    127.0.0.2 score 8
}
on connect {
    listed: reject 554 5.7.1 "{client.ip} is listed" when dnsbl.score >= 8
}
on mail {
    spf-fail: score 4 when spf is fail
}
on message {
    reject 550 5.7.1 "spam" when score >= 9
}
"""
GOOD = """\
test "who is listed is refused" {
    client.ip = 192.0.2.1
    dnsbl.zen = 127.0.0.2
    expect rcpt reject 554 by listed
}
"""
FAILS = """\
test "SPF is enough" {
    spf = fail
    expect mail reject 550
}
"""
WRONG = """\
test "no such fact" {
    sbf = fail
    expect accept
}
"""


@pytest.fixture
def write(work):
    def put(name, text):
        path = os.path.join(work, name)
        with open(path, "w") as f:
            f.write(text)
        return path
    put("in.rules", RULES)
    return put


def test_all_is_well(write):
    done = run("test", write("in.test", GOOD))
    assert (done.returncode, done.stdout) == (0, "1 tests, 0 failed\n")


def test_a_failure_says_why(write):
    path = write("in.test", GOOD + FAILS)
    done = run("test", path)
    assert done.returncode == 1
    assert "%s:6: FAILED: SPF is enough\n" % path in done.stdout
    assert "%s:8: expected mail reject 550\n" % path in done.stdout
    assert "got accept, no rule decided\n" in done.stdout
    assert ("in.rules:8 spf-fail: when spf is fail [spf = fail] -> score 4\n"
            in done.stdout)
    assert done.stdout.endswith("2 tests, 1 failed\n")


def test_json_has_an_object_a_line(write):
    """And nothing else: what is wrong in a file goes to standard error."""
    path = write("in.test", GOOD + FAILS)
    done = run("test", "--json", path)
    good, bad = [json.loads(line) for line in done.stdout.splitlines()]
    assert done.returncode == 1
    assert good == {"file": path, "line": 1, "passed": True, "why": [],
                    "name": "who is listed is refused"}
    assert bad["line"] == 6 and not bad["passed"]
    assert bad["why"][:2] == [
        "  %s:8: expected mail reject 550" % path,
        "      got accept, no rule decided"]


def test_rules_from_elsewhere(write, work):
    other = write("other.rules", RULES.replace("score 4",
                                               'reject 550 5.7.1 "no"'))
    one, two = write("one.test", GOOD), write("two.txt", FAILS)
    done = run("test", "--rules", other, one, two)
    assert done.returncode == 0
    assert "warning: SPF alone" in done.stdout
    assert done.stdout.endswith("2 tests, 0 failed\n")


def test_a_bad_test_is_shown_and_the_others_run(write):
    bad = write("bad.test", WRONG)
    write("bad.rules", RULES)
    done = run("test", bad, write("in.test", GOOD))
    assert done.returncode == 1
    assert '%s:2:5: unknown fact "sbf"' % bad in done.stdout
    assert "1 tests, 0 failed, and not all files could be read" in done.stdout


def test_bad_rules(write):
    path = write("in.test", GOOD)
    write("in.rules", RULES.replace("on mail", "on male"))
    done = run("test", path)
    assert done.returncode == 1 and "male" in done.stdout


@pytest.mark.parametrize("arguments", [
    (), ("in.txt",), ("--rules",), ("--mdoc", "in.test")], ids=str)
def test_what_is_no_command_line(arguments):
    assert run("test", *arguments).returncode == 2


def test_files_that_are_not_there(work):
    for path in (os.path.join(work, "no.test"), work + "/no.rules"):
        done = run("test", "--rules", path, path)
        assert done.returncode == 1 and "cannot open" in done.stdout


def test_the_rules_of_a_configuration(write):
    """With its lists, and as they act, whatever its mode is."""
    conf = write("gw.conf", """\
rules "listed.rules"
mode observe
listener l { address 127.0.0.1:2525 }
backend mail { address smtp://127.0.0.1 }
dnsbl zen { zone zen.example  reply 127.0.0.2 score 8 }
""")
    rules = write("listed.rules", """\
on connect { listed: reject 554 "no" when dnsbl.score >= 8 }
""")
    tests = write("listed.test", GOOD)
    done = run("test", "--config", conf, tests)
    assert (done.returncode, done.stdout) == (0, "1 tests, 0 failed\n")
    done = run("test", "--config", conf, "--rules", rules, tests)
    assert (done.returncode, done.stdout) == (0, "1 tests, 0 failed\n")
    done = run("test", tests)		# which list?
    assert done.returncode == 1
    assert 'no list "zen"' in done.stdout
    done = run("test", "--config", conf + ".missing", tests)
    assert done.returncode == 1
    assert "cannot open" in done.stdout
