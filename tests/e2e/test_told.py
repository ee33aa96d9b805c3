"""What the administrator is told: by the subcommands, by the log."""
import datetime
import re
import time

import pytest

from kit.gateway import run


def test_reload_shows_warnings(start):
    """Each time, behind what it has done."""
    gateway = start.gateway({"in": "smtp://192.0.2.1"}, backend=(
        '\tprobe_interval 0s\n\ttls_name "in.test"'))
    for _ in range(2):
        done = run("reload", "--config", gateway.conf)
        assert done.returncode == 0, done.stdout
        assert re.fullmatch(
            r"reloaded: .*\n  rules none: unchanged\n\S+:\d+:\d+: warning: "
            r"tls_name has no effect .*\n.*\n *\^\n", done.stdout), \
            done.stdout


def test_session_does_not_begin_before_its_client_came(start):
    """However long the worker had slept."""
    gateway = start.gateway({"in": "smtp://192.0.2.1"}, workers=1,
                            backend="\tprobe_interval 0s")
    for count in range(1, 4):
        time.sleep(0.35)
        began = time.time()
        gateway.client().close()
        line = gateway.wait_line("session end", count=count)[-1]
        ended = datetime.datetime.fromisoformat(
            line.split()[0].replace("Z", "+00:00")).timestamp()
        took = int(re.search(r" ms=(\d+)", line).group(1)) / 1000
        assert ended - took > began - 0.02, line


def test_mail_without_a_recipient_says_what_was_refused(start):
    sink = start.sink()
    sink.answer = lambda session, verb, line: \
        b"550 5.1.1 no such user\r\n" if verb == "RCPT" else None
    gateway = start.gateway({"in": sink.url})
    with gateway.client() as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@sender.test>")
        assert client.cmd("RCPT TO:<b@in.test>") == 550
        assert client.cmd("RCPT TO:<c@in.test>") == 550
        client.cmd("QUIT")
    line, = gateway.wait_line("mail done ")
    assert "to=<b@in.test> rcpts=0 refused=2 " \
        'reply="550 5.1.1 no such user"' in line


@pytest.mark.parametrize("arguments, want", (
    (("chek",), "unknown subcommand chek"),
    (("check", "--confg", "x"), "unknown option --confg"),
    (("check", "--config"), "a value is missing behind --config"),
    (("serve", "--demo", "--help"), "a value is missing behind --demo"),
    (("check", "--json"), "this subcommand does not take --json"),
    (("check", "x"), "too many arguments: x"),
    (("stats", "--list", "--json"), "--list excludes --json and --watch"),
    (("stats", "--watch", "--json"), "--json and --watch exclude"),
))
def test_wrong_command_line(arguments, want):
    done = run(*arguments)
    assert done.returncode == 2
    assert done.stdout.startswith("forepost: " + want), done.stdout
    assert done.stdout.count("\n") == 1


def test_help_fits_a_terminal():
    done = run("help")
    assert done.returncode == 0
    assert [line for line in done.stdout.split("\n") if len(line) > 80] == []


def test_workers_say_why_they_end_when_the_supervisor_is_gone(start):
    gateway = start.gateway({"in": "smtp://192.0.2.1"}, workers=1)
    gateway.process.kill()
    assert gateway.wait_line("^[^ ]+ error - the supervisor is gone")
