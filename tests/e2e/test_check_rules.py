"""`forepost check --rules`: a file of rules is good, or every error is told."""
import os

import pytest

from kit.gateway import run

GOOD = """\
on rcpt {
    route mail when rcpt.local is "sales"
}
"""
BAD = """\
on mail {
    rejct "no" when spf is fial
    score 1 when dkim is pass
}
"""
CONF = """\
listener l { address 127.0.0.1:2525 }
backend %s { address smtp://127.0.0.1 }
"""


@pytest.fixture
def write(work):
    def put(name, text):
        path = os.path.join(work, name)
        with open(path, "w") as f:
            f.write(text)
        return path
    return put


def test_good_rules(write):
    path = write("in.rules", GOOD)
    done = run("check", "--rules", path)
    assert (done.returncode, done.stdout) == (
        0, path + ": the rules are good\n")


def test_every_error_is_told(write):
    path = write("in.rules", BAD)
    done = run("check", "--rules", path)
    assert done.returncode == 1
    assert done.stdout == """\
%s:2:5: unknown action "rejct"
      rejct "no" when spf is fial
      ^
  did you mean "reject"?
%s:2:28: spf is never "fial": expected none, neutral, pass, fail, \
softfail, temperror or permerror
      rejct "no" when spf is fial
                             ^
  did you mean "fail"?
%s:3:18: dkim is not known at mail: it is from message on
      score 1 when dkim is pass
                   ^
""" % (path, path, path)


def test_backends_are_those_of_a_configuration_that_is_named(write):
    rules = write("in.rules", GOOD)
    good = write("good.conf", CONF % "mail")
    done = run("check", "--rules", rules, "--config", good)
    assert done.returncode == 0, done.stdout
    bad = write("bad.conf", CONF % "mial")
    done = run("check", "--rules", rules, "--config", bad)
    assert done.returncode == 1
    assert 'unknown backend "mail"\n' in done.stdout
    assert 'did you mean "mial"?\n' in done.stdout
    done = run("check", "--rules", rules, "--config", rules)
    assert done.returncode == 1


def test_no_such_file(work):
    path = os.path.join(work, "missing.rules")
    done = run("check", "--rules", path)
    assert done.returncode == 1
    assert done.stdout == ("cannot open %s: No such file or directory\n" %
                           path)
