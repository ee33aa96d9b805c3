"""What the documentation shows is true.

Every example of a configuration passes `forepost check`, every command line
is one that the program takes, and every counter is explained. A reader who
copies something has to get what was promised.
"""
import os
import re
import shutil
import socket

import pytest

from kit.gateway import run

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
RULES = "docs/forepost-rules.5.in"
STARTS = ("hostname", "listener", "backend", "route", "resolver")
FILES = {	# and how many examples of a configuration each must have
    "README.md": 1,
    "docs/install.md": 4,
    "docs/forepost.conf.5.in": 6,
}


def text_of(name):
    with open(os.path.join(TOP, name)) as f:
        return f.read()


def blocks(name):
    """The parts of a document that are shown as they are."""
    text = text_of(name)
    if name.endswith(".md"):
        # Indented by four, or by eight in a list; an empty line may be within.
        for found in re.findall(r"(?:^(?: {4}.*)?\n)+", text, re.M):
            if found.strip():
                yield found
    else:
        for found in re.findall(r"^\.Bd -literal.*\n((?:.*\n)*?)^\.Ed", text,
                                re.M):
            yield found
        for found in re.findall(r"^\.Dl (.*\n)", text, re.M):
            yield found.replace(r"\(dq", '"')


def examples(name):
    return [b for b in blocks(name) if b.split()[0] in STARTS]


def completed(text):
    """With all that a fragment leaves out, so that it stands alone."""
    words = re.sub(r"#.*", "", text)
    if not re.search(r"^\s*hostname\s", words, re.M):
        text += 'hostname "mx1.example.org"\n'
    if not re.search(r"^\s*listener\s", words, re.M):
        text += "listener rest { address 127.0.0.1:2525 }\n"
    backends = set(re.findall(r"^\s*backend\s+(\S+)\s*\{", words, re.M))
    needed = set(re.findall(r"route\s*\{[^}]*\bbackend\s+(\w+)\s*\}", words))
    for name in sorted((needed or {"rest"}) - backends):
        text += "backend %s { address smtp://192.0.2.1 }\n" % name
        backends.add(name)
    if not needed:
        text += 'route { domains "rest.example" backend %s }\n' % min(backends)
    if not re.search(r"^\s*spool\s", words, re.M):
        text += 'spool "spool"\n'
    return text


@pytest.fixture
def check(work, authority):
    """A function: the text passes, with the files and users that it names."""
    os.makedirs(os.path.join(work, "spool"))
    cert, key = authority.issue("mx1.example.org")
    shutil.copy(cert, os.path.join(work, "mx1.pem"))
    shutil.copy(key, os.path.join(work, "mx1.key"))
    shutil.copy(authority.cert, os.path.join(work, "internal-ca.pem"))
    with open(os.path.join(work, "our-domains"), "w") as f:
        f.write("example.org\nexample.net\n")
    with open(os.path.join(work, "inbound.rules"), "w") as f:
        f.write('on connect { reject "Listed" when dnsbl.score > 8 }\n')
    for name in ("redis.password", "stats.token"):
        with open(os.path.join(work, name), "w") as f:
            os.chmod(f.fileno(), 0o600)
            f.write("a-secret-of-24-characters\n")

    filter_socket = os.path.join(work, "filter")
    with socket.socket(socket.AF_UNIX) as s:
        s.bind(filter_socket)

    def check(text):
        path = os.path.join(work, "forepost.conf")
        # What cannot be made here: a user, folders and filters of the machine.
        text = re.sub(r"(milter \S+ \{[^}]*?\baddress\s+(?:unix|local):)"
                      r"/[^\s}]+", r"\1" + filter_socket, text)
        text = re.sub(r'^(\s*user\s+)"forepost"', r'\1"nobody"', text,
                      flags=re.M)
        text = text.replace('"/etc/forepost/', '"%s/' % work)
        text = text.replace('"/var/spool/forepost"', '"%s/spool"' % work)
        text = text.replace('"/var/log/forepost/', '"%s/' % work)
        for kind, folder in re.findall(r"(maildir|lmdb):(/[^\s}]+)", text):
            os.makedirs(work + folder, exist_ok=True)
            text = text.replace("%s:%s" % (kind, folder),
                                "%s:%s%s" % (kind, work, folder))
        with open(path, "w") as f:
            f.write(completed(text))
        done = run("check", "--config", path)
        assert done.returncode == 0, "%s\n%s" % (done.stdout, text)
        assert "warning" not in done.stdout, "%s\n%s" % (done.stdout, text)
    return check


@pytest.mark.parametrize("name", FILES)
def test_examples_pass_the_check(name, check):
    found = examples(name)
    assert len(found) >= FILES[name], found
    for text in found:
        check(text)


def test_the_sample_configuration_passes_the_check(check):
    check(text_of("conf/forepost.conf"))


def test_what_the_sample_comments_out_passes_the_check(check):
    """Each of these lines, put to use, is right too."""
    text = text_of("conf/forepost.conf")
    used = re.sub(r"^(\t*)#(?=\w)", r"\1", text, flags=re.M)
    assert used.count("\n") == text.count("\n") and used != text
    used = used.replace("address 10.1.0.2:25", "address 127.0.0.1:2526")
    check(used)


def test_message_in_the_manual_is_what_check_says(work):
    shown, = [b for b in blocks("docs/forepost.conf.5.in") if
              "unknown setting" in b]
    path = os.path.join(work, "forepost.conf")
    with open(path, "w") as f:
        f.write("\n" * 30 + "max_recipient 5\n")
    assert shown.replace("forepost.conf:", path + ":", 1) in run(
        "check", "--config", path).stdout


# --- rules ---

def rule_examples():
    return [b for b in blocks(RULES)
            if b.split()[0] in ("on", "set", "dnsbl", "observe")]


def run_tests(work, rules, tests):
    """`forepost test` of these texts."""
    for name, text in (("abusers.txt", "spam.example\n"),
                       ("inbound.rules", rules), ("inbound.test", tests)):
        with open(os.path.join(work, name), "w") as f:
            f.write(text)
    return run("test", os.path.join(work, "inbound.test"))


def test_rules_that_are_shown_pass_the_check(work):
    found = rule_examples()
    assert len(found) == 10
    for text in found:
        done = run_tests(work, text, "")
        assert done.returncode == 0, "%s\n%s" % (done.stdout, text)


def test_tests_that_are_shown_are_of_rules_that_are(work):
    """Of the whole file, without a warning; and of the limits."""
    limits, = [b for b in rule_examples() if "limit" in b]
    of_limits, of_all = sorted((b for b in blocks(RULES)
                                if b.startswith("test")), key=len)
    for rules, tests in ((rule_examples()[-1], of_all), (limits, of_limits)):
        done = run_tests(work, rules, tests)
        assert done.returncode == 0, done.stdout
        if rules != limits:
            assert done.stdout == "%d tests, 0 failed\n" % \
                tests.count("test \"")


def test_message_about_rules_is_what_test_says(work):
    shown, = [b for b in blocks(RULES) if "unknown fact" in b]
    line = shown.splitlines()[1].strip()
    rules = 'set abusers = { "a.example" }\non mail {\n%s\n}\n' % line
    path = os.path.join(work, "inbound.rules")
    assert shown.replace("inbound.rules:", path + ":", 1) in run_tests(
        work, rules, "").stdout


def command_lines():
    for name in (*FILES, "docs/forepost.8"):
        for block in blocks(name):
            for line in re.findall(r"^\s*[$#]?\s*(forepost .*)", block, re.M):
                yield from re.findall(r"forepost (\w+)((?: --\w+)*)", line)


def test_commands_that_are_shown_exist():
    subcommands, options = run("help").stdout.split("options:")
    shown = set(command_lines())
    assert {"check", "reload"} <= {name for name, _ in shown}
    for name, given in shown:
        assert re.search(r"^  %s " % name, subcommands, re.M), name
        for option in given.split():
            assert re.search(r"^  %s [^(]*\([^)]*\b%s\b" % (option, name),
                             options, re.M), (name, option)


def test_every_counter_is_in_the_manual(start):
    gateway = start.gateway({"in": "smtp://192.0.2.1"},
                            backend="\tprobe_interval 0s")
    manual = text_of("docs/forepost.8")
    for line in run("stats", "--config", gateway.conf).stdout.splitlines():
        assert ".It Li %s\n" % line.split()[0] in manual
