"""loads -- what is measured: relay, large messages, latency, idle sessions.

Each load runs the servers in turn, again and again in another order, so that
a busy moment of the machine meets them all; what is reported is the median.
Samples are kept as samples[load][server] = [{"rate": ...}, ...].
"""
import contextlib
import os
import statistics
import subprocess
import time

from process import Program, fields

KIB, MIB = 1024, 1024 * 1024


class Bench:
    def __init__(self, programs, folder, quick, repeat):
        self.programs, self.folder = programs, folder
        self.quick, self.repeat = quick, repeat
        self.servers = {}	# by name, "direct" is the sink itself
        self.samples = {}
        self.acknowledged = 0
        self.failed = 0

    def tool(self, name):
        return os.path.join(self.programs, name)

    def source(self, server, *options):
        """One run of the client; its line of results as numbers."""
        run = subprocess.run(
            [self.tool("source"), *map(str, options),
             f"127.0.0.1:{server.port}"],
            capture_output=True, text=True, timeout=600)
        result = fields(run.stdout)
        if not result:
            raise RuntimeError(f"source: {run.stderr}")
        self.acknowledged += int(result["messages"])
        self.failed += int(result["failed"])
        if result["failed"]:
            print(f"  {server.name}: {int(result['failed'])} messages "
                  f"failed: {run.stderr.strip()[:300]}", flush=True)
        return result

    def measure(self, load, server, *options):
        """The same, with the CPU that the server took for each message."""
        before = server.program.cpu() if server.program else 0
        result = self.source(server, *options)
        if server.program:
            time.sleep(0.05)	# what it still has to write down
            cpu = server.program.cpu() - before
            result["cpu"] = cpu / max(result["messages"], 1)
        self.samples.setdefault(load, {}).setdefault(
            server.name, []).append(result)
        return result

    def in_turn(self, load, repeat, options, servers=None):
        names = servers or list(self.servers)
        print(f"  {load}", flush=True)
        for i in range(repeat):
            shift = i % len(names)
            for name in names[shift:] + names[:shift]:
                self.measure(load, self.servers[name], *options)

    def median(self, load, server, what):
        runs = self.samples.get(load, {}).get(server)
        if not runs or what not in runs[0]:
            return None
        return statistics.median(run[what] for run in runs)

    def warm_up(self):
        for server in self.servers.values():
            self.source(server, "-s", 100, "-n", 1000)
            self.source(server, "-s", 20, "-n", 1000, "-k", KEPT)


# Kept connections end after so many messages: gateways have a limit too.
KEPT = 500
RELAY = [(f"4 KiB, {sessions} sessions, {name}", sessions, kept)
         for name, kept in (("new connection each", 1), ("kept", KEPT))
         for sessions in (20, 100)]


def relay(bench):
    seconds = 1 if bench.quick else 2
    for load, sessions, kept in RELAY:
        bench.in_turn(load, bench.repeat,
                      ("-s", sessions, "-k", kept, "-t", seconds))


LARGE = [("100 KiB, 20 sessions", 100 * KIB, 20),
         ("10 MiB, 4 sessions", 10 * MIB, 4)]
FLOOD = (20, 50 * MIB)


def large(bench):
    seconds = 1 if bench.quick else 2
    for load, size, sessions in LARGE:
        bench.in_turn(load, bench.repeat,
                      ("-s", sessions, "-l", size, "-t", seconds))


def flood(bench, server):
    """KiB by which memory rises while many large messages come at once."""
    sessions, size = FLOOD
    base = most = server.program.pss()
    client = Program(
        [bench.tool("source"), "-s", str(sessions), "-n", str(sessions),
         "-l", str(size), f"127.0.0.1:{server.port}"], bench.folder,
        "flood-" + server.name)
    while client.popen.poll() is None:
        most = max(most, server.program.pss())
        time.sleep(0.01)
    result = fields(client.stop())
    bench.acknowledged += int(result["messages"])
    bench.failed += int(result["failed"])
    return {"base": base, "rise": most - base, "seconds": result["seconds"]}


LATENCY = "one at a time"
LATENCY_ONE_CPU = "one at a time, all on one processor"


def latency(bench, sinks):
    """Twice: as it comes, and without the chance of who wakes up where.

    On an idle machine the time of one transaction is mostly the waking of
    processors, and it differs by a factor of five with the scheduler's mood.
    On one processor it is the work that stands between question and answer.
    """
    rounds = 6 if bench.quick else 15
    bench.in_turn(LATENCY, rounds, ("-n", 100))
    with one_processor([*sinks, *bench.servers.values()]):
        bench.in_turn(LATENCY_ONE_CPU, rounds, ("-n", 100))


def bind(programs, cpus):
    os.sched_setaffinity(0, cpus)	# the clients that it starts, too
    for program in programs:
        program.run_on(cpus)


@contextlib.contextmanager
def one_processor(things):
    """Sinks and servers, and the clients that are started meanwhile."""
    programs = [thing.program for thing in things if thing.program]
    everything = os.sched_getaffinity(0)
    bind(programs, {max(everything)})
    try:
        yield
    finally:
        bind(programs, everything)


LEVELS = (1000, 5000, 20000)
A_HOLDER = 7500		# sessions: a process may have 20,000 descriptors or less


class Crowd:
    """Sessions that are held open."""

    def __init__(self, bench, server, tls):
        self.bench, self.server, self.tls = bench, server, tls
        self.held, self.holders = 0, []

    def grow(self, level):
        started = []
        while self.held < level:
            n = min(A_HOLDER, level - self.held)
            holder = Program(
                [self.bench.tool("idle"), "-n", str(n),
                 *(["-t"] if self.tls else []),
                 f"127.0.0.1:{self.server.port}"], self.bench.folder,
                f"idle-{self.server.name}-{self.held}")
            self.held += n
            started.append((holder, n))
        for holder, n in started:
            while not holder.said().startswith("opened="):
                if holder.popen.poll() is not None:
                    break
                time.sleep(0.05)
            if fields(holder.said()).get("opened") != n:
                raise RuntimeError(f"idle sessions: wanted {n}, "
                                   f"{holder.said()}")
        self.holders += [holder for holder, _ in started]

    def leave(self):
        """How many had been lost."""
        lost = 0
        for holder in self.holders:
            holder.popen.stdin.close()
            holder.popen.wait()
            lost += int(fields(holder.said()).get("lost", 0))
        self.holders = []
        return lost


def idle(bench, server, direct, tls, levels=LEVELS):
    """At each level: KiB of each session, and how a new client fares, beside
    one that goes straight to the sink at the same moment."""
    load = f"idle, {'TLS' if tls else 'clear'}"
    print(f"  {load}: {server.name}", flush=True)
    crowd = Crowd(bench, server, tls)
    bench.source(server, "-s", 20, "-n", 400)
    time.sleep(1)
    base = server.program.pss()
    for level in levels[:2] if bench.quick else levels:
        started = time.monotonic()
        crowd.grow(level)
        opening = time.monotonic() - started
        time.sleep(1)
        pss = server.program.pss()
        probe = bench.source(server, "-n", 200)
        straight = bench.source(direct, "-n", 200)
        bench.samples.setdefault(f"{load}, {level}", {})[server.name] = [{
            "each": (pss - base) / level, "opening": opening,
            "p50": probe["p50"], "p99": probe["p99"],
            "direct_p99": straight["p99"]}]
    lost = crowd.leave()
    if lost:
        print(f"  {server.name}: {lost} idle sessions were lost")
        bench.failed += lost
