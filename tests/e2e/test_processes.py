"""The processes: start, privileges, crash, stop, service managers."""
import ctypes
import json
import os
import re
import select
import signal
import socket
import subprocess
import threading
import time

import pytest

from kit.client import Client, Closed
from kit.gateway import USER, binary, run
from kit.ports import free_port
from kit.process import PATIENCE, Process, can_connect, wait_until
from kit.running import (
    AS_ROOT, MAIL, admin, stats, edit, serve, status_of, deliver,
    begin_mail, has_seccomp)


PIDFD_GETFD = 438		# of Linux, on every machine


# --- start and privileges ---

@pytest.mark.core
def test_workers_give_up_privileges(gateway):
    import pwd
    gateway.start()
    assert deliver(gateway.client()) == 250
    uid = pwd.getpwnam(USER).pw_uid if AS_ROOT else os.geteuid()
    workers = gateway.workers_alive()
    assert len(workers) == 2
    for worker in workers:
        for thread in os.listdir("/proc/%d/task" % worker):
            s = status_of(worker, thread)
            assert s["Uid"].split() == [str(uid)] * 4
            assert int(s["CapEff"], 16) == 0 and int(s["CapPrm"], 16) == 0
            assert s["NoNewPrivs"] == "1"
            if has_seccomp():
                assert s["Seccomp"] == "2"


@pytest.mark.skipif(not AS_ROOT, reason="needs root to become another user")
def test_without_root(gateway):
    os.chmod(gateway.own_folder("run"), 0o755)
    gateway.control = gateway.path("run/control")
    gateway.configure(gateway.text({"in": "smtp://127.0.0.1:9"}))
    with open(gateway.conf) as f:
        text = re.sub(r'user ".*"', "", f.read())
    gateway.configure(text)
    prefix = ["setpriv", "--reuid=" + USER, "--regid=" + USER,
              "--clear-groups"]
    gateway.start(prefix)
    assert gateway.client().ehlo()
    assert admin(gateway, "status").returncode == 0
    gateway.stop()
    gateway.configure(text + 'user "nobody"\n')
    done = subprocess.run(prefix + gateway.command(), capture_output=True,
                          text=True, timeout=10)
    assert done.returncode == 1
    assert 'user "nobody": only root can change its user' in done.stderr


def test_listeners_of_all_families(gateway, work):
    path = os.path.join(work, "smtp")
    port = free_port("::1")
    edit(gateway, "listener mx {", "listener local {\n\taddress "
         '"unix:%s" [::1]:%d\n}\nlistener mx {' % (path, port))
    gateway.start()
    for address in gateway.address, path, ("::1", port):
        client = Client(address)
        assert deliver(client) == 250
        client.quit()
    gateway.stop()
    assert not os.path.exists(path)


def test_start_errors(gateway):
    """Each is one line that says what to do, and an exit code."""
    with socket.socket() as s:
        s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        s.bind(gateway.address)
        s.listen()
        assert serve(gateway) == (
            3, "forepost: listener mx: cannot listen on 127.0.0.1:%d: "
            "Address already in use (another server listens there)\n" %
            gateway.port)

    with open(gateway.conf) as f:
        good = f.read()
    gateway.configure(re.sub('user ".*"', "", good) +
                      'user "no-such-user"\n')
    code, text = serve(gateway)
    assert code == 1 and 'no user "no-such-user"' in text

    gateway.configure(good)
    os.unlink(gateway.conf)
    code, text = serve(gateway)
    assert code == 1 and gateway.conf in text and "No such file" in text

    gateway.configure(good + 'bakcend x { }\n')
    code, text = serve(gateway)
    assert code == 1 and "%s:" % gateway.conf in text and "backend" in text

    gateway.configure(good)
    if AS_ROOT:
        os.chown(gateway.spool, 0, 0)
        code, text = serve(gateway)
        assert code == 3
        assert text.endswith("forepost: spool %s: user %s cannot write "
                             "there: Permission denied\n" % (
                                 gateway.spool, USER))


@pytest.mark.skipif(not AS_ROOT, reason="is about being root")
def test_root_without_a_user(gateway):
    """Workers are never root; the user "forepost" may not exist here."""
    import pwd
    with open(gateway.conf) as f:
        text = re.sub('user ".*"', "", f.read())
    gateway.configure(text + 'user "root"\n')
    code, out = serve(gateway)
    assert code == 1 and "workers must not be root" in out
    gateway.configure(text)
    try:
        pwd.getpwnam("forepost")
    except KeyError:
        code, out = serve(gateway)
        assert code == 1 and 'set "user"' in out


def test_second_gateway(gateway):
    """It must not take half of the first one's clients."""
    gateway.start()
    code, text = serve(gateway)
    assert code == 3 and gateway.control in text
    edit(gateway, gateway.control, gateway.control + "2")
    code, text = serve(gateway)
    assert code == 3 and "Address already in use" in text


def test_command_line():
    assert run("version").stdout.startswith("forepost ")
    text = run("help").stdout
    for name in ("serve", "check", "dump", "stats", "status", "reload",
                 "drain", "stop", "facts", "test", "settings", "manual",
                 "version", "help"):
        assert re.search("^  %s " % name, text, re.M), name
    assert run("--help").stdout == text == run("serve", "--help").stdout
    for bad in (["frobnicate"], ["serve", "--frobnicate"], ["serve", "x"],
                ["reload", "--json"], ["serve", "--config"], [],
                ["facts", "--json", "--mdoc"], ["facts", "spf"],
                ["serve", "--demo", "x", "--config", "y"]):
        done = run(*bad)
        assert done.returncode == 2 and "forepost" in done.stdout, bad
    gone = run("reload", "--demo", "/tmp/forepost-no-such/folder")
    assert gone.returncode == 1


def test_facts_are_listed():
    """The same ones in every form."""
    rows = run("facts").stdout.splitlines()
    listed = json.loads(run("facts", "--json").stdout)
    assert [row.split()[0] for row in rows] == [f["name"] for f in listed]
    spf, = [f for f in listed if f["name"] == "spf"]
    assert spf["phase"] == "mail" and "softfail" in spf["words"]
    manual = run("facts", "--mdoc").stdout
    assert manual.count("\n.It Ic ") == len(listed)


def try_demo(work):
    """In a network of its own, because the port is fixed; returns the owner
    of the mail."""
    folder = os.path.join(work, "demo")
    script = """
        set -e
        ip link set lo up
        "$0" serve --demo "$1" 2>"$1.err" &
        until grep -q swaks "$1.err"; do sleep 0.05; kill -0 $!; done
        $(grep swaks "$1.err") --header "Subject: newcomer" >"$1.swaks"
        "$0" status --demo "$1"
        "$0" stop --demo "$1"
        wait $!
    """
    done = subprocess.run(
        ["unshare", "--net"] + ([] if AS_ROOT else ["--map-root-user"]) +
        ["sh", "-c", script, binary(), folder],
        stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=60)
    assert done.returncode == 0, done.stdout
    assert "listening 127.0.0.1:2525" in done.stdout
    with open(folder + ".err") as f:
        told = f.read()
    assert "Forepost listens on 127.0.0.1:2525" in told
    new = re.search("The mail will be in (.*)", told).group(1)
    mails = os.listdir(new)
    assert len(mails) == 1
    with open(os.path.join(new, mails[0])) as f:
        text = f.read()
    assert "Received: from" in text and "Subject: newcomer" in text
    return os.stat(os.path.join(new, mails[0])).st_uid


@pytest.mark.core
def test_demo(work):
    """What the README tells a newcomer."""
    owner = try_demo(work)
    assert owner == os.geteuid() if not AS_ROOT else owner != 0


@pytest.mark.skipif(not AS_ROOT, reason="is about being root")
def test_demo_in_somebodys_folder(work):
    import pwd
    uid = pwd.getpwnam(USER).pw_uid
    os.mkdir(os.path.join(work, "demo"), 0o700)
    os.chown(os.path.join(work, "demo"), uid, -1)
    assert try_demo(work) == uid


@pytest.mark.skipif(not AS_ROOT, reason="is about being root")
def test_demo_where_only_root_can_enter(work):
    os.chmod(work, 0o700)
    assert try_demo(work) == 0


# --- crashes ---

@pytest.mark.core
def test_killed_worker_is_replaced(gateway):
    edit(gateway, "workers 2", "workers 1")
    gateway.start()
    [worker] = gateway.workers_alive()
    lost = gateway.client()
    os.kill(worker, signal.SIGSTOP)
    waiting = [gateway.client(greet=False) for _ in range(20)]
    os.kill(worker, signal.SIGKILL)
    for client in waiting:
        assert client.reply() == 220	# none was reset
    with pytest.raises(Closed):
        lost.cmd("NOOP")
    [line] = gateway.wait_line("worker ended")
    assert "signal=SIGKILL" in line and "sessions-lost=1" in line
    assert gateway.workers_alive() not in ([], [worker])
    s = stats(gateway)
    assert s["worker_crashes"] == 1 and s["worker_starts"] == 2
    assert s["sessions_open"] == 20 and s["sessions"] == 21


def test_restarts_slow_down(gateway):
    edit(gateway, "workers 2", "workers 1")
    gateway.start()
    for n, delay in enumerate((100, 200, 400, 800), 1):
        [worker] = wait_until(gateway.workers_alive, what="a worker")
        os.kill(worker, signal.SIGKILL)
        line = gateway.wait_line("worker ended", count=n)[-1]
        assert "restart-ms=%d" % delay in line
        assert gateway.client() is not None


def test_worker_outlives_no_supervisor(gateway):
    gateway.start()
    client = gateway.client()
    client.ehlo()
    workers = gateway.workers_alive()
    gateway.process.kill()
    assert client.reply() == 421
    wait_until(lambda: not any(os.path.exists("/proc/%d" % w)
                               for w in workers), what="workers to leave")
    assert not can_connect(gateway.address)


def test_hanging_worker_is_killed(gateway):
    edit(gateway, "workers 2", "workers 1")
    gateway.start()
    [worker] = gateway.workers_alive()
    os.kill(worker, signal.SIGSTOP)
    client = gateway.client(greet=False, timeout=90)
    assert client.reply() == 220
    assert gateway.lines("worker 0 hangs: its loop has not turned for 60 s")
    assert worker not in gateway.workers_alive()


# --- the end ---

@pytest.mark.core
def channel_of(pid):
    """What it talks to its supervisor over; None: that cannot be had."""
    libc = ctypes.CDLL(None, use_errno=True)
    handle = os.pidfd_open(pid)
    try:
        for number in os.listdir("/proc/%d/fd" % pid):
            fd = libc.syscall(PIDFD_GETFD, handle, int(number), 0)
            if fd < 0:
                return None
            try:
                sock = socket.socket(fileno=fd)
            except OSError:		# not a socket
                os.close(fd)
                continue
            if sock.type == socket.SOCK_SEQPACKET:
                return sock
            sock.close()
    finally:
        os.close(handle)


@pytest.mark.parametrize("word", [b"r", b"fnothing", b"?", b"\xff", b"\0"])
def test_worker_that_does_not_stop_talking(gateway, word):
    """The supervisor hears all others, and does not bear it for long."""
    gateway.start()
    before = gateway.workers_alive()
    channel = channel_of(before[0])
    if channel is None:
        pytest.skip("descriptors of others cannot be had here")
    over = threading.Event()

    def talk():
        while not over.is_set():
            try:
                channel.send(word)
            except BlockingIOError:
                select.select([], [channel], [], 0.1)
            except OSError:
                return
    talking = threading.Thread(target=talk)
    talking.start()
    try:
        assert admin(gateway, "status").returncode == 0
        wait_until(lambda: before[0] not in gateway.workers_alive() and
                   len(gateway.workers_alive()) == 2, what="another worker")
    finally:
        over.set()
        talking.join()
        channel.close()
    assert before[1] in gateway.workers_alive()
    assert deliver(gateway.client()) == 250
    assert len(gateway.lines("says what no worker says, it is killed pid=%d"
                             % before[0])) == 1


def test_sigterm_tells_idle_clients(gateway):
    gateway.start()
    idle, busy = gateway.client(), begin_mail(gateway.client())
    idle.ehlo()
    gateway.process.signal(signal.SIGTERM)
    reply = idle.reply()
    assert reply == 421 and idle.closed()
    assert busy.data(MAIL) == 250		# what was begun is finished
    assert gateway.process.wait() == 0
    assert not os.path.exists(gateway.control)


def test_stop_timeout(gateway):
    edit(gateway, "workers 2", "workers 2\nstop_timeout 1s")
    gateway.start()
    busy = begin_mail(gateway.client())
    answer = admin(gateway, "stop")
    assert (answer.returncode, answer.stdout) == (0, "stopping\n")
    assert gateway.process.wait() == 0
    assert gateway.lines("sessions are cut")


def test_second_sigterm(gateway):
    gateway.start()
    busy = begin_mail(gateway.client())
    gateway.process.signal(signal.SIGTERM)
    gateway.wait_line("stopping sessions=1")
    gateway.process.signal(signal.SIGINT)
    assert gateway.process.wait() == 0
    assert gateway.lines("stopping at once")


def test_drain(gateway):
    gateway.start()
    busy = begin_mail(gateway.client())
    answer = admin(gateway, "drain")
    assert answer.returncode == 0 and "sessions open: 1" in answer.stdout
    wait_until(lambda: not can_connect(gateway.address),
               what="the port to close")
    assert "state=draining" in admin(gateway, "status").stdout
    assert admin(gateway, "reload").returncode == 3
    assert busy.data(MAIL) == 250
    assert deliver(busy) == 250		# it may even go on
    busy.quit()
    assert gateway.process.wait() == 0


# --- service managers ---

class Manager:
    """The other end of NOTIFY_SOCKET."""

    def __init__(self, folder):
        self.path = os.path.join(folder, "notify")
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(self.path)
        os.chmod(self.path, 0o777)

    def hear(self, what, seconds=PATIENCE):
        deadline = time.monotonic() + seconds
        while time.monotonic() < deadline:
            if select.select([self.sock], [], [], 0.05)[0]:
                text = self.sock.recv(4096).decode()
                if what in text:
                    return text
        raise TimeoutError("nothing with %s was said" % what)


def test_notifications(gateway, start, work):
    manager = Manager(work)
    process = start.keep(Process(
        "forepost", gateway.command(), gateway.log,
        {"NOTIFY_SOCKET": manager.path, "WATCHDOG_USEC": "300000"}))
    gateway.process = process
    assert manager.hear("READY=1") == "READY=1\nSTATUS=2 workers, " \
        "listening on 127.0.0.1:%d" % gateway.port
    for _ in range(3):
        manager.hear("WATCHDOG=1", 2)
    gateway.reload()
    assert re.search(r"^MONOTONIC_USEC=\d+$", manager.hear("RELOADING=1"),
                     re.M)
    manager.hear("READY=1")
    with open(gateway.conf, "a") as f:
        f.write("nonsense\n")
    gateway.reload()
    manager.hear("RELOADING=1")
    assert "refused" in manager.hear("READY=1")
    process.signal(signal.SIGTERM)
    manager.hear("STOPPING=1")
    assert process.wait() == 0


PASS_SOCKET = """
import os, socket, sys
s = socket.socket()
s.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
s.bind(("127.0.0.1", int(sys.argv[1])))
s.listen(100)
os.dup2(s.fileno(), 3)
os.set_inheritable(3, True)
os.environ.update(LISTEN_PID=str(os.getpid()), LISTEN_FDS="1",
                  LISTEN_FDNAMES=sys.argv[2])
os.execv(sys.argv[3], sys.argv[3:])
"""


def test_passed_sockets(gateway):
    edit(gateway, "address 127.0.0.1:%d" % gateway.port,
         "address systemd:mx")
    code, text = serve(gateway)
    assert code == 1 and 'no socket "mx" was passed' in text
    gateway.start(["/usr/bin/python3", "-c", PASS_SOCKET,
                   str(gateway.port), "mx"])
    for _ in range(10):
        client = gateway.client()
        client.ehlo()
        client.quit()
    assert deliver(gateway.client()) == 250
    assert admin(gateway, "reload").returncode == 0
    assert deliver(gateway.client()) == 250
    edit(gateway, "systemd:mx", "systemd:other")
    answer = admin(gateway, "reload")
    assert answer.returncode == 1
    assert 'no socket "other" was passed' in answer.stdout
    assert "passed: mx" in answer.stdout


def test_log_rotation(gateway):
    log = gateway.path("forepost.log")
    edit(gateway, "log stderr", 'log "%s"' % log)
    gateway.start()
    gateway.client().quit()
    wait_until(lambda: "session end" in read(log), what="a log line")
    os.rename(log, log + ".1")
    gateway.process.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(log), what="the new log")
    # A worker opens it in its own time.
    for _ in range(50):
        gateway.client().quit()
        if "session end" in read(log):
            break
    assert "session end" in read(log)
    os.kill(gateway.workers_alive()[0], signal.SIGKILL)
    wait_until(lambda: "worker ended" in read(log),
               what="a line of the supervisor")


def read(path):
    with open(path) as f:
        return f.read()
