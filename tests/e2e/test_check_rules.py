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


WHOLE = """\
hostname "gw.e2e.test"
spool "/tmp"
rules "in.rules"
listener l { address 127.0.0.1:2525 }
backend mail { address smtp://127.0.0.1 }
dnsbl zen { zone zen.test  reply 127.0.0.2 score 4 }
route { domains * backend mail }
"""


def test_a_configuration_is_checked_with_its_rules(write):
    conf = write("gw.conf", WHOLE)
    rules = write("in.rules", """\
on connect { reject "no" when dnsbl.score > 3 }
on message { quarantine "DMARC" when dmarc is fail }
""")
    done = run("check", "--config", conf)
    assert (done.returncode, done.stdout) == (0, """\
%s:2:14: warning: no quarantine backend is set: such mail goes to its own \
backend, with the header X-Forepost-Quarantine
  on message { quarantine "DMARC" when dmarc is fail }
               ^
  quarantine BACKEND in the configuration would send it elsewhere
%s: the configuration is good
""" % (rules, conf))
    # Both files, in one run.
    write("gw.conf", WHOLE.replace("spool", "sploo"))
    write("in.rules", "on connect { reject \"no\" when dnsbl.zne is none }\n")
    done = run("check", "--config", conf)
    assert done.returncode == 1
    first, second = (done.stdout.index(s) for s in (
        'unknown setting "sploo"', 'no DNS list is called "zne"'))
    assert first < second


def test_lists_are_those_of_a_configuration_that_is_named(write):
    conf = write("gw.conf", WHOLE)
    rules = write("other.rules",
                  'on connect { log "x" when dnsbl.zen in { 127.0.0.2 } }\n')
    assert run("check", "--rules", rules, "--config", conf).returncode == 0
    done = run("check", "--rules", rules)
    assert done.returncode == 1
    assert 'no DNS list is called "zen"' in done.stdout


def test_no_such_file(work):
    path = os.path.join(work, "missing.rules")
    done = run("check", "--rules", path)
    assert done.returncode == 1
    assert done.stdout == ("cannot open %s: No such file or directory\n" %
                           path)
