"""What the tests of a running gateway have in common."""
import json
import os
import subprocess

from kit.gateway import USER, run
from kit.process import PATIENCE

AS_ROOT = os.geteuid() == 0
MAIL = b"Subject: hello\r\n\r\nworld\r\n"


def admin(gateway, *words):
    return run(words[0], "--config", gateway.conf, *words[1:])


def stats(gateway):
    answer = admin(gateway, "stats", "--json")
    assert answer.returncode == 0, answer.stdout
    return json.loads(answer.stdout)


def edit(gateway, old, new):
    with open(gateway.conf) as f:
        text = f.read()
    assert old in text
    gateway.configure(text.replace(old, new))


def serve(gateway, seconds=PATIENCE):
    """`serve` when it is to fail: exit status and output."""
    done = subprocess.run(gateway.command(), stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=seconds)
    return done.returncode, done.stdout


def status_of(pid, thread=None):
    path = "/proc/%d/status" % pid
    if thread is not None:
        path = "/proc/%d/task/%s/status" % (pid, thread)
    with open(path) as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f
                    if ":\t" in line)


def limit_descriptors(worker, limit):
    """From outside, since a worker may not; as its user, which is enough."""
    prefix = ["setpriv", "--reuid=" + USER, "--regid=" + USER,
              "--clear-groups"] if AS_ROOT else []
    subprocess.run(prefix + ["prlimit", "--pid=%d" % worker,
                             "--nofile=%d:%d" % (limit, limit)], check=True)


def cpu_seconds(pid):
    with open("/proc/%d/stat" % pid) as f:
        fields = f.read().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def deliver(client):
    client.ehlo()
    return client.mail(MAIL)


def begin_mail(client):
    """A transaction that only lacks its message."""
    client.ehlo()
    assert client.envelope("a@sender.test", "b@box.test") == 250
    return client


def has_seccomp():
    return "seccomp" in run("version").stdout
