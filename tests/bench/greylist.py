"""greylist -- what greylisting costs a message, and what a lost Redis costs.

Gateways with the same rule but for the store: one asks for SPF alone, as the
greylist does to know who it is, the others ask the greylist, which only
observes, so that all mail goes on. Strangers are clients and senders that were
never seen before, not by DNS either; regulars are identities that have passed
five times.

Then Redis is stopped (SIGSTOP), goes on, and is killed, while the same few
clients send: how long a whole mail takes while it is well, in the seconds in
which that is found out, and behind these.
"""
import json
import os
import shutil
import signal
import statistics
import subprocess
import time

import servers
from checks import Names, make_key

WARM = 8		# clients and senders
SESSIONS = 20
DELAY = 1.1		# s, a little more than that of the greylist
PASSES = 5
TIMEOUT = 300		# ms
LOST_SESSIONS = 4
REGULARS = "greylist, regulars"
STRANGERS = "greylist, strangers"
LOST = "greylist, Redis lost"
WITHOUT = "without greylist"
ASKING = "on rcpt { tag asked when spf is temperror }\n"
GREY = "on rcpt { observe greylist }\n"
FORGETFUL = "delivery_memory 0s"
BOUND = ("Redis, stopped", "Redis, killed")


def write_rules(bench, name, text):
    path = os.path.join(bench.folder, name)
    with open(path, "w") as f:
        f.write(text)
    return f'"{path}"'


def gateway(bench, binary, sink, names, name, store=""):
    settings = (f"xclient 127.0.0.1\n"
                f"resolver {{ forward 127.0.0.1:{names.port} }}\n{store}")
    if store:
        settings += "greylist { delay 1s }\n"
    server = servers.forepost(
        binary, bench.folder, sink, "greylist-" + name.split(",")[0].lower()
        .replace(" ", "-"), settings,
        write_rules(bench, "grey.rules" if store else "asking.rules",
                    GREY if store else ASKING))
    server.name = name
    return server


def lmdb(bench, what, settings=""):
    place = os.path.join(bench.folder, what + "-lmdb-place")
    os.makedirs(place)
    if os.geteuid() == 0:
        shutil.chown(place, "nobody")
    return f'store {{ address "lmdb:{place}/store" {settings} }}\n'


def some(first, n, *options):
    return ("-l", 4096, "-i", n, "-a", first, "-d", "test", *options)


# --- what it costs ---

def counted(binary, server, what):
    conf = os.path.join(os.path.dirname(server.program.output),
                        "forepost.conf")
    done = subprocess.run([binary, "stats", "--json", "--config", conf],
                          capture_output=True, text=True, timeout=20)
    return json.loads(done.stdout)[what]


def check(bench, binary, rows, what, before, load):
    """They were strangers, or regulars, all of them."""
    for server, was in zip(rows[1:], before):
        n = counted(binary, server, what) - was
        wanted = sum(run["messages"] for run in bench.samples[load][
            server.name])
        if n != wanted:
            raise RuntimeError(f"{server.name}: {n} of {wanted:.0f} {what}")


def counts(binary, rows, what):
    time.sleep(1.5)		# workers tell what they counted once a second
    return [counted(binary, server, what) for server in rows[1:]]


def one(bench, load, server, *options):
    before = server.redis.cpu() if server.redis else 0
    result = bench.measure(load, server, *options)
    if server.redis:
        result["redis"] = (server.redis.cpu() - before) / result["messages"]


def costs(bench, binary, rows):
    """CPU of the gateway for each message, and of Redis."""
    n = 500 if bench.quick else 2000
    first = WARM
    print(f"  {STRANGERS}", flush=True)
    for server in rows:
        bench.source(server, *some(first, n, "-s", SESSIONS, "-n", n))
    was = counts(binary, rows, "greylist_new")
    for _ in range(bench.repeat):
        first += n
        for server in rows:
            one(bench, STRANGERS, server, *some(
                first, n, "-s", SESSIONS, "-n", n))
    counts(binary, rows, "greylist_new")
    check(bench, binary, rows, "greylist_new", was, STRANGERS)
    for _ in range(PASSES + 1):
        for server in rows:
            bench.source(server, *some(0, WARM, "-n", 10 * WARM))
        time.sleep(DELAY)
    print(f"  {REGULARS}", flush=True)
    was = counts(binary, rows, "greylist_known")
    for _ in range(2 * bench.repeat):
        for server in rows:
            one(bench, REGULARS, server, *some(
                0, WARM, "-s", SESSIONS, "-n", n))
    counts(binary, rows, "greylist_known")
    check(bench, binary, rows, "greylist_known", was, REGULARS)


# --- while it is lost ---

def note(bench, server, what, seconds):
    """As it is now; `server` is named after that."""
    name, server.name = server.name, what
    bench.measure(LOST, server, *some(0, WARM, "-s", LOST_SESSIONS,
                                      "-t", seconds))
    server.name = name


def wait_said(server, what, seconds):
    log = os.path.join(os.path.dirname(server.program.output), "log")
    for _ in range(20 * seconds):
        with open(log, errors="replace") as f:
            if what in f.read():
                return
        time.sleep(0.05)
    raise RuntimeError(f"{server.name} does not say: {what}")


def lose(bench, server):
    seconds = 2 if bench.quick else 4
    print(f"  {LOST}", flush=True)
    note(bench, server, "Redis, well", seconds)
    os.kill(server.redis.pid, signal.SIGSTOP)
    try:
        note(bench, server, "Redis, stopped just now", seconds)
        note(bench, server, "Redis, stopped", seconds)
    finally:
        os.kill(server.redis.pid, signal.SIGCONT)
    wait_said(server, "store is back", 20)
    time.sleep(1)		# in the other worker too
    note(bench, server, "Redis, well again", seconds)
    os.kill(server.redis.pid, signal.SIGKILL)
    server.redis.popen.wait()
    note(bench, server, "Redis, killed just now", seconds)
    note(bench, server, "Redis, killed", seconds)


# --- all of it ---

def measure(bench, binary, sink, peers):
    names = Names(bench.programs, bench.folder, make_key(bench.folder), 0,
                  "names-greylist")
    redis = None
    try:
        rows = [gateway(bench, binary, sink, names, WITHOUT)]
        bench.servers[WITHOUT] = rows[0]
        rows.append(gateway(bench, binary, sink, names, "LMDB",
                            lmdb(bench, "greylist", FORGETFUL)))
        bench.servers["LMDB"] = rows[1]
        try:
            redis, socket = servers.redis(peers, bench.folder)
        except servers.Missing as why:
            print(f"without redis: {why}")
        else:
            rows.append(gateway(
                bench, binary, sink, names, "Redis",
                f'store {{ address "redis:unix:{socket}" '
                f'timeout {TIMEOUT}ms {FORGETFUL} }}\n'))
            bench.servers["Redis"] = rows[2]
        for server in rows:
            server.redis = redis if server.name == "Redis" else None
        costs(bench, binary, rows)
        if redis:
            lose(bench, rows[2])
    finally:
        for name in (WITHOUT, "LMDB", "Redis"):
            if name in bench.servers:
                bench.servers.pop(name).program.stop()
        if redis:
            redis.stop()
        names.program.stop()


def show_costs(bench, report):
    for load, who in ((STRANGERS, "who was never seen before, by DNS "
                       "neither"), (REGULARS, "who has passed five times")):
        base = bench.median(load, WITHOUT, "cpu")
        print(f"\n  {who}")
        report.table(
            ["", "CPU us/message", "of that without", "Redis us/message"],
            [[name, f"{bench.median(load, name, 'cpu'):.1f}",
              f"{ratio(bench, load, name):.2f}" if name != WITHOUT else "",
              f"{bench.median(load, name, 'redis'):.1f}"
              if bench.median(load, name, "redis") is not None else ""]
             for name in bench.samples[load]])
        for name in bench.samples[load]:
            if name != WITHOUT:
                report.bar(f"{who}, {name}: CPU of that without ({base:.0f} "
                           "us)", ratio(bench, load, name),
                           1.6 if load == STRANGERS else 1.4, "")


def ratio(bench, load, name, without=WITHOUT, what="cpu"):
    """Of each round, since a busy machine meets all of them."""
    runs = bench.samples[load]
    return statistics.median(
        run[what] / base[what]
        for run, base in zip(runs[name], runs[without]))


def show_lost(bench, report):
    runs = {name: run[0] for name, run in bench.samples[LOST].items()}
    well = runs["Redis, well"]
    print(f"\n  a whole mail, {LOST_SESSIONS} clients, a new connection each, "
          f"timeout {TIMEOUT} ms")
    report.table(["", "mails", "p50 ms", "p99 ms", "longest ms",
                  "gateway us/message"],
                 [[name, f"{run['messages']:,.0f}",
                   f"{run['p50'] / 1000:.2f}", f"{run['p99'] / 1000:.2f}",
                   f"{run['max'] / 1000:.0f}", f"{run['cpu']:.1f}"]
                  for name, run in runs.items()])
    for name in BOUND:
        for what, bar in (("p50", 1.25), ("p99", 2)):
            report.bar(f"{name}: {what} of that while it was well",
                       runs[name][what] / well[what], bar, "")


def show(bench, report):
    print("\nGreylisting of 4 KiB messages, 20 sessions, a new connection "
          "each")
    show_costs(bench, report)
    if LOST in bench.samples:
        show_lost(bench, report)
