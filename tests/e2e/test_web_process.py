"""The process that answers HTTP: it comes back, it never holds anything up,
and it ends with the gateway."""
import contextlib
import os
import random
import re
import signal
import socket
import subprocess
import sys
import threading
import time

import pytest

from kit.gateway import binary
from kit.ports import free_port
from kit.process import can_connect, wait_until
from kit.running import (
    AS_ROOT, admin, begin_mail, deliver, edit, has_seccomp, serve)
from kit.web import (
    HOST, connect, get, read_all, server, shown, wait_server, workers)


@pytest.fixture
def gateway(start):
    return shown(start).start()


@pytest.mark.core
def test_comes_back(gateway):
    pid = wait_server(gateway)
    with gateway.client() as client:
        client.ehlo()
        os.kill(pid, signal.SIGKILL)
        assert deliver(client) == 250
    other = wait_server(gateway, pid)
    assert get(gateway.web, "/metrics").status == 200
    gateway.wait_line("statistics process ended pid=%d signal=SIGKILL" % pid)
    os.kill(other, signal.SIGTERM)	# by itself: nobody wanted that
    wait_server(gateway, other)
    assert get(gateway.web, "/metrics").status == 200


def test_comes_back_later_and_later(gateway):
    times = []
    for _ in range(4):
        pid = wait_server(gateway)
        os.kill(pid, signal.SIGKILL)
        wait_until(lambda: server(gateway) != pid, what="its end")
        times += [int(m) for m in re.findall(
            r"pid=%d .*restart-ms=(\d+)" % pid, "\n".join(gateway.wait_line(
                "statistics process ended pid=%d " % pid)))]
    assert times == [100, 200, 400, 800]


def test_reload_refuses_nobody(gateway):
    """Who asks all the time is answered all the time."""
    refused, answers, over = [], [], threading.Event()

    def ask():
        while not over.is_set():
            try:
                answers.append(get(gateway.web, "/healthz").status)
            except (OSError, AttributeError) as e:
                refused.append(e)
    asking = [threading.Thread(target=ask) for _ in range(3)]
    for thread in asking:
        thread.start()
    for i in range(5):
        pid = wait_server(gateway)
        gateway.reload()
        wait_server(gateway, pid)
        gateway.wait_line("reloaded ", count=i + 1)
    over.set()
    for thread in asking:
        thread.join(20)
    assert refused == []
    assert len(answers) > 20 and set(answers) == {200}
    wait_until(lambda: len(gateway.workers_alive()) == 3,
               what="the processes before to be gone")


def test_reload_finishes_what_was_asked(gateway):
    with connect(gateway.web) as sock:
        sock.sendall(b"GET /metrics HTTP/1.1\r\n")
        time.sleep(0.2)		# accepted by the one that goes
        pid = wait_server(gateway)
        gateway.reload()
        gateway.wait_line("reloaded ")
        sock.sendall(HOST + b"\r\n")
        assert read_all(sock).startswith(b"HTTP/1.1 200 ")
    wait_server(gateway, pid)


def test_reload_moves_adds_and_removes_it(gateway):
    old, new = gateway.web, free_port()
    edit(gateway, "127.0.0.1:%d" % old, "127.0.0.1:%d" % new)
    gateway.reload()
    gateway.wait_line("reloaded .*stats=127.0.0.1:%d" % new)
    assert get(new, "/healthz").status == 200
    wait_until(lambda: not can_connect(("127.0.0.1", old)),
               what="the old address to be closed")
    edit(gateway, "stats {\n\taddress 127.0.0.1:%d\n" % new, "stats {\n")
    gateway.reload()
    wait_until(lambda: not can_connect(("127.0.0.1", new)),
               what="the address to be closed")
    wait_until(lambda: server(gateway) is None, what="its end")
    edit(gateway, "stats {\n", "stats {\n\taddress 127.0.0.1:%d\n" % old)
    gateway.reload()
    wait_server(gateway)
    assert get(old, "/healthz").status == 200


def test_address_in_use(gateway):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        edit(gateway, "127.0.0.1:%d" % gateway.web, "127.0.0.1:%d" % port)
        answer = admin(gateway, "reload")
        assert answer.returncode == 3
        assert "stats: cannot listen on 127.0.0.1:%d" % port in answer.stdout
        assert get(gateway.web, "/healthz").status == 200
        gateway.stop()
        status, text = serve(gateway)
        assert status == 3 and "stats: cannot listen on" in text


@pytest.mark.parametrize("to", ["0.0.0.0", "127.0.0.2", "[::1]"])
def test_reload_moves_it_on_its_port(start, to):
    gateway = shown(start, token="x").start()
    edit(gateway, "127.0.0.1:%d" % gateway.web, "%s:%d" % (to, gateway.web))
    answer = admin(gateway, "reload")
    assert answer.returncode == 0, answer.stdout
    if to == "0.0.0.0":
        assert get(gateway.web, "/healthz").status == 200
    else:
        wait_until(lambda: not can_connect(("127.0.0.1", gateway.web)),
                   what="the old address to be closed")


def test_address_is_free_while_somebody_is_served(gateway):
    """Who is slow does not hold it against the reload after next."""
    address = "address 127.0.0.1:%d" % gateway.web
    with connect(gateway.web) as sock:
        sock.sendall(b"GET /metr")
        time.sleep(0.2)
        edit(gateway, address, "address none")
        assert admin(gateway, "reload").returncode == 0
        edit(gateway, "address none", address)
        answer = admin(gateway, "reload")
        assert answer.returncode == 0, answer.stdout
        assert get(gateway.web, "/healthz").status == 200


UNUSABLE = {
    "empty": (b"", "its first line is empty"),
    "first line": (b"\nsecret\n", "its first line is empty"),
    "NUL": (b"\0secret\n", "NUL octet"),
    "UTF-16": ("secret\n".encode("utf-16-le"), "NUL octet"),
    "space": (b" secret\n", "something else than letters"),
    "8-bit": ("Schl\u00fcssel\n".encode(), "something else than letters"),
    "long": (b"x" * 1025, "more than 1024 octets"),
    "none": (None, "No such file or directory"),
}


@pytest.mark.parametrize("name", UNUSABLE)
def test_token_file_that_holds_none(start, name):
    """It would let nobody in: the gateway does not begin with it."""
    octets, why = UNUSABLE[name]
    gateway = shown(start, token="x").start()
    path = gateway.path("token")
    os.unlink(path)
    if octets is not None:
        with open(path, "wb") as f:
            f.write(octets)
    check = admin(gateway, "check")
    assert check.returncode != 0
    assert "token_file" in check.stdout and path in check.stdout
    assert why in check.stdout
    answer = admin(gateway, "reload")
    assert answer.returncode == check.returncode, answer.stdout
    assert "token_file" in answer.stdout and path in answer.stdout
    assert why in answer.stdout
    assert "nothing has changed: generation 1 goes on\n" in answer.stdout
    gateway.wait_line("reload refused .*" + why)
    assert get(gateway.web, "/metrics", token="x").status == 200
    gateway.stop()
    status, text = serve(gateway)
    assert status == check.returncode
    assert path in text and why in text and "Traceback" not in text
    assert not can_connect(("127.0.0.1", gateway.web))


def test_token_of_a_process_that_is_made_anew(start):
    """What the configuration began with, whatever is in the file now."""
    gateway = shown(start, token="x").start()
    open(gateway.path("token"), "w").close()
    first = wait_server(gateway)
    os.kill(first, signal.SIGKILL)
    wait_server(gateway, first)
    wait_until(lambda: get(gateway.web, "/metrics", token="x").status == 200,
               what="the token")
    assert get(gateway.web, "/metrics", token="y").status == 401
    assert get(gateway.web, "/metrics").status == 401


def test_token_file_without_an_address(start):
    """It has no effect, and none if it is empty."""
    gateway = shown(start, token="x")
    open(gateway.path("token"), "w").close()
    edit(gateway, "\taddress 127.0.0.1:%d\n" % gateway.web, "")
    assert admin(gateway, "check").returncode == 0
    gateway.start()


def others_memory(pid):
    """Of the heap and of what is mapped with no file."""
    found = b""
    with open("/proc/%d/maps" % pid) as f, \
            open("/proc/%d/mem" % pid, "rb", buffering=0) as mem:
        for line in f:
            span, rights, _, _, inode = line.split()[:5]
            if rights[:2] != "rw" or inode != "0":
                continue
            begin, end = (int(bound, 16) for bound in span.split("-"))
            with contextlib.suppress(OSError, ValueError):
                mem.seek(begin)
                found += mem.read(end - begin)
    return found


@pytest.mark.skipif(not has_seccomp(), reason="a sanitizer keeps what is freed")
def test_workers_have_no_token(start):
    tokens = ["".join(random.choices("0123456789abcdef", k=960))
              for _ in range(2)]

    def pieces(memory):
        return [token[i:i + 60] for token in tokens
                for i in range(0, 900, 10) if token[i:i + 60].encode() in
                memory]
    gateway = shown(start, token=tokens[0]).start()
    try:
        assert pieces(others_memory(wait_server(gateway)))
    except PermissionError:
        pytest.skip("memory of others cannot be read here")
    before = workers(gateway)
    for pid in before:
        assert pieces(others_memory(pid)) == []
    with open(gateway.path("token"), "w") as f:
        f.write(tokens[1])
    assert admin(gateway, "reload").returncode == 0
    wait_until(lambda: not set(before) & set(workers(gateway)),
               what="the new workers alone")
    for pid in workers(gateway):
        assert pieces(others_memory(pid)) == []


def test_drain(gateway):
    held = begin_mail(gateway.client())
    assert admin(gateway, "drain").returncode == 0
    answer = get(gateway.web, "/readyz")
    assert answer.status == 503 and b"draining" in answer.body
    assert get(gateway.web, "/healthz").status == 200
    assert get(gateway.web, "/stats.json").json()["state"] == "draining"
    assert held.cmd("RSET") == 250
    held.quit()
    assert gateway.process.wait(20) == 0
    assert not can_connect(("127.0.0.1", gateway.web))


def stack_of(pid):
    with open("/proc/%d/maps" % pid) as f:
        bounds = re.search(r"^(\w+)-(\w+) .*\[stack\]$", f.read(), re.M)
    begin, end = (int(bound, 16) for bound in bounds.groups())
    try:
        with open("/proc/%d/mem" % pid, "rb", buffering=0) as f:
            f.seek(begin)
            return end, f.read(end - begin)
    except PermissionError:
        pytest.skip("memory of others cannot be read here")


@pytest.mark.skipif(not has_seccomp(), reason="a sanitizer has stacks of its "
                    "own")
def test_has_no_secrets(gateway):
    """Of what the supervisor keeps for tickets and hashes there are zeros."""
    def is_random(octets):
        return 0 not in octets and len(set(octets)) >= 21
    end, own = stack_of(gateway.process.pid)
    also_end, its = stack_of(wait_server(gateway))
    assert end == also_end
    least = min(len(own), len(its))	# main() is at the end of it
    own, its = own[-least:], its[-least:]
    assert any(is_random(own[i:i + 24]) and not its[i:i + 24].strip(b"\0")
               for i in range(least))


def test_stop_ends_it_whoever_is_asking(gateway):
    """Slow readers and slow writers do not hold up the end."""
    socks = [connect(gateway.web) for _ in range(20)]
    for i, sock in enumerate(socks):
        sock.sendall(b"GET /page.js HTTP/1.1\r\n" +
                     (HOST + b"\r\n" if i % 2 else b""))
    time.sleep(0.2)
    pid = wait_server(gateway)
    gateway.stop(seconds=10)
    assert not os.path.exists("/proc/%d" % pid)
    for sock in socks:
        sock.close()


def test_interrupted_in_a_terminal(gateway):
    """All processes are told; it is not made anew for a last moment."""
    held = begin_mail(gateway.client())
    pid = wait_server(gateway)
    for process in [gateway.process.popen.pid] + gateway.process.children():
        os.kill(process, signal.SIGINT)
    gateway.wait_line("stopping ")
    time.sleep(0.5)
    assert server(gateway) == pid
    assert b"stopping" in get(gateway.web, "/readyz").body
    assert held.cmd("RSET") == 250
    assert gateway.process.wait(20) == 0
    assert not gateway.lines("statistics process ended")


def test_supervisor_killed(gateway):
    """It does not stay behind."""
    pid = wait_server(gateway)
    gateway.process.kill()
    wait_until(lambda: not os.path.exists("/proc/%d" % pid), what="its end")
    gateway.process = None


def test_log_is_opened_again(start):
    gateway = shown(start)
    log = os.path.join(gateway.own_folder("logs"), "log")
    edit(gateway, "log stderr", 'log "%s"' % log)
    gateway.start()
    os.rename(log, log + ".1")
    gateway.process.signal(signal.SIGUSR1)
    pid = wait_server(gateway)

    def has_new():
        return log in [os.path.realpath("/proc/%d/fd/%s" % (pid, fd))
                       for fd in os.listdir("/proc/%d/fd" % pid)]
    wait_until(has_new, what="the new log")


def test_healthz_sees_a_worker_that_hangs(gateway):
    victim = workers(gateway)[0]
    os.kill(victim, signal.SIGSTOP)
    try:
        wait_until(lambda: get(gateway.web, "/healthz").status == 503, 30,
                   "a worker that hangs to be seen")
        assert b"hangs: its loop has not turned for" in get(
            gateway.web, "/healthz").body
    finally:
        os.kill(victim, signal.SIGCONT)
    wait_until(lambda: get(gateway.web, "/healthz").status == 200,
               what="it to be well again")


# Ports of a demo are fixed, so it has a network of its own. What is printed:
# the status of /readyz, what the demo said.
DEMO = """
import socket, subprocess, sys, time, urllib.request
subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
if sys.argv[3] == "taken":
    taken = socket.create_server(("127.0.0.1", 9925))
log = sys.argv[2] + ".log"
with open(log, "w") as out:
    demo = subprocess.Popen([sys.argv[1], "serve", "--demo", sys.argv[2]],
                            stderr=out)
for _ in range(300):
    with open(log) as f:
        if "started workers=" in f.read():
            break
    time.sleep(0.05)
if sys.argv[3] != "taken":
    with urllib.request.urlopen("http://127.0.0.1:9925/readyz") as answer:
        print(answer.status)
demo.terminate()
assert demo.wait(20) == 0
with open(log) as f:
    print(f.read())
"""


@pytest.mark.parametrize("port", ["free", "taken"])
def test_demo(work, port):
    """A port that is not free is a warning, and the demo goes on."""
    done = subprocess.run(
        ["unshare", "--net"] + ([] if AS_ROOT else ["--map-root-user"]) +
        [sys.executable, "-c", DEMO, binary(), os.path.join(work, "demo"),
         port], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        timeout=60)
    assert done.returncode == 0, done.stdout
    assert "started workers=" in done.stdout
    if port == "free":
        assert done.stdout.startswith("200\n")
        assert "shown at http://127.0.0.1:9925/" in done.stdout
    else:
        assert "http://" not in done.stdout
        assert re.search("warn .*9925.*there is no page to look at",
                         done.stdout)
