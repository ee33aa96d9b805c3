"""checks -- what it costs to find out who sent a mail.

Clients and senders are made up by XCLIENT and known to the DNS server of
names.c; messages are 8 KiB with one RSA-2048 signature, made beforehand. Only
what rules or header fields ask for is looked up: one rule asks for what no
field of ours tells, or there are the shipped rules, which ask at RCPT.

    latency     each client and sender is new, each DNS answer comes 20 ms
                late, one transaction at a time
    load        the same few again and again, all DNS in the cache, 20
                sessions: CPU for each message, by what is checked
    crowd       how others fare while 1,000 sessions wait for DNS servers
                that never answer
"""
import os
import signal
import statistics
import subprocess
import time

import servers
from loads import one_processor
from process import Program, fields, free_port

SIZE = 8192
DELAY = 20		# ms
LISTS = 5
WARM = 8		# clients and senders
CROWD = 1000
SILENT = "silent.bench.example"

# The second half of what is ours is exempt.
UNCHECKED, UNCHECKED_FIRST = "198.19.0.0/16", 1 << 16
UNCHECKED_SENDERS = "unchecked.senders.bench.example"

SHIPPED = os.path.join(servers.HERE, "..", "..", "conf")


class Names:
    """A DNS server for the clients and senders of source."""

    def __init__(self, programs, folder, key, delay, name):
        self.port = free_port()
        self.program = Program(
            [os.path.join(programs, "names"), "-d", str(delay), "-k", key,
             f"127.0.0.1:{self.port}"], folder, name)
        self._wait_lines(1)

    def _wait_lines(self, n):
        end = time.monotonic() + 5
        while time.monotonic() < end:
            with open(self.program.output) as f:
                lines = f.read().splitlines()
            if len(lines) >= n and lines[-1].count("="):
                return lines
            time.sleep(0.002)
        raise RuntimeError(f"names: {self.program.said()}")

    def asked(self):
        """Questions so far, by what they were asked for."""
        n = len(self._wait_lines(1))
        os.kill(self.program.pid, signal.SIGUSR1)
        return fields(self._wait_lines(n + 1)[-1])


class Fresh:
    """Numbers of clients and senders that were never seen before."""

    def __init__(self):
        self.next = 1000

    def take(self, n):
        first, self.next = self.next, self.next + n
        assert self.next <= UNCHECKED_FIRST
        return first


def make_key(folder):
    key = os.path.join(folder, "dkim.pem")
    subprocess.run(["openssl", "genrsa", "-out", key, "2048"], check=True,
                   capture_output=True)
    return key


def settings(names, lists=0, spf=None, dkim=None, dmarc=False, arc=False,
             **_):
    """What forepost is to check; of SPF and DKIM by which engine."""
    def word(flag):
        return "yes" if flag else "no"

    text = f'''xclient 127.0.0.1
unchecked {UNCHECKED}
resolver {{ forward 127.0.0.1:{names.port} }}
spf {{ check {word(spf)} engine {spf or "own"} }}
dkim {{ check {word(dkim)} engine {dkim or "own"} }}
dmarc {{ check {word(dmarc)} }}
authres {{ add {word(spf or dkim)} }}
arc {"verify" if arc else "off"}
'''
    for i in range(lists):
        text += (f"dnsbl l{i + 1} {{ zone l{i + 1}.lists.bench.example "
                 "checks client-ipv4 reply 127.0.0.2 score 1 }\n")
    return text


# What names and addresses are to lists, HELO and sender: behind the dot.
ASK_LISTS = "dnsbl.score > 1000"
ASK_DOMAINS = "not helo.resolves and not sender.domain-accepts-mail"


def rules(folder, lists=0, domains=False, rules=None, **_):
    """The setting: shipped rules, or one rule that asks and never applies."""
    if rules == "default.rules":
        return "default"
    if rules:
        return f'"{os.path.abspath(os.path.join(SHIPPED, rules))}"'
    asks = ([ASK_LISTS] if lists else []) + ([ASK_DOMAINS] if domains else [])
    if not asks:
        return "none"
    path = os.path.join(folder, f"ask-{lists}-{int(domains)}.rules")
    with open(path, "w") as f:
        f.write(f"on message {{\n\ttag asked when {' and '.join(asks)}\n}}\n")
    return f'"{path}"'


ALL = {"lists": LISTS, "domains": True, "spf": "own", "dkim": "own",
       "dmarc": True}
LIBRARIES = {"spf": "libspf2", "dkim": "libopendkim"}
# By row of the table.
SETS = {
    "no checks": {},
    f"{LISTS} lists": {"lists": LISTS},
    "HELO, sender": {"domains": True},
    "SPF": {"spf": "own"},
    "SPF, libspf2": {"spf": "libspf2"},
    "DKIM": {"dkim": "own"},
    "DKIM, libopendkim": {"dkim": "libopendkim"},
    "SPF, DKIM": {"spf": "own", "dkim": "own"},
    "SPF, DKIM, DMARC": {"spf": "own", "dkim": "own", "dmarc": True},
    "all": ALL,
    "all, both libraries": {**ALL, **LIBRARIES},
    "all, ARC": {**ALL, "arc": True},
    "all, default.rules": {**ALL, "rules": "default.rules"},
    "all, strict.rules": {**ALL, "rules": "strict.rules"},
}
JUDGED = ("all, default.rules", "all, strict.rules")
# What each one adds: its name, a row with it, and one without.
SHARES = ((f"{LISTS} lists", f"{LISTS} lists", "no checks"),
          ("HELO and sender", "HELO, sender", "no checks"),
          ("SPF", "SPF", "no checks"),
          ("libspf2", "SPF, libspf2", "no checks"),
          ("DKIM", "DKIM", "no checks"),
          ("libopendkim", "DKIM, libopendkim", "no checks"),
          ("DMARC", "SPF, DKIM, DMARC", "SPF, DKIM"),
          ("ARC", "all, ARC", "all"))


class Checks:
    """The servers of these loads and what was measured."""

    def __init__(self, bench, binary, sink):
        self.bench, self.binary, self.sink = bench, binary, sink
        self.fresh = Fresh()
        self.key = make_key(bench.folder)
        os.chmod(self.key, 0o644)
        self.programs = []
        self.started = 0
        self.watched = []	# servers whose log is to be looked at
        self.asked = {}		# by row, a transaction
        self.not_cached = 0
        self.unknown = 0	# messages of which not all was found out
        self.waited = []	# seconds, at least

    def resolver(self, delay, name):
        names = Names(self.bench.programs, self.bench.folder, self.key, delay,
                      name)
        self.programs.append(names.program)
        return names

    def server(self, name, names, **what):
        self.started += 1
        server = servers.forepost(
            self.binary, self.bench.folder, self.sink,
            f"checks-{self.started}", settings(names, **what),
            rules(self.bench.folder, **what))
        server.name = name
        server.log = os.path.join(self.bench.folder,
                                  f"checks-{self.started}", "log")
        server.wanted = [f" {check}=pass" for check in
                         ("spf", "dkim", "dmarc", "arc") if what.get(check)]
        self.bench.servers[name] = server
        self.watched.append(server)
        return server

    def wrong(self):
        """Messages of which not everything was found out that was asked
        for: of the servers since the last call, which have ended."""
        n = 0
        for server in self.watched:
            with open(server.log, errors="replace") as f:
                bad = [line for line in f if " mail done " in line and
                       SILENT not in line and UNCHECKED_SENDERS not in line
                       and ("dnsbl-failed=" in line or
                            any(w not in line for w in server.wanted))]
            if bad:
                print(f"  {server.name}: {len(bad)} messages were not found "
                      f"out about, one: {bad[0].strip()}", flush=True)
            n += len(bad)
        self.watched = []
        return n

    def stop(self):
        for program in self.programs:
            program.stop()

    def message(self, *options):
        return ("-l", SIZE, "-K", self.key, *options)

    def warm(self, *options):
        return self.message("-i", WARM, *options)

    def new(self, n, *options):
        return self.message("-n", n, "-i", n, "-a", self.fresh.take(n),
                            *options)


# --- one at a time, nobody seen before ---

LATENCY = "checks, all new, one at a time"
INCLUDE = "default.rules, SPF by an include"


def latency(checks):
    bench = checks.bench
    names = checks.resolver(DELAY, "names-late")
    rows = [checks.server(name, names, **SETS[name])
            for name in ("no checks", "all", *JUDGED)]
    default = checks.bench.servers[JUDGED[0]]
    rows.append(servers.Server(INCLUDE, default.port, default.program))
    n = 30 if bench.quick else 60
    print(f"  {LATENCY}", flush=True)
    for server in rows[:-1]:
        bench.source(server, *checks.new(5))
    for _ in range(bench.repeat):
        for server in rows:
            domain = ("-d", "including.bench.example") \
                if server.name == INCLUDE else ()
            before = names.asked()
            bench.measure(LATENCY, server, *checks.new(n, *domain))
            after = names.asked()
            total = checks.asked.setdefault(server.name, {})
            for sort in after:
                total[sort] = total.get(sort, 0) + \
                    (after[sort] - before[sort]) / n / bench.repeat


def show_latency(checks, report):
    def ms(name, what):
        return checks.bench.median(LATENCY, name, what) / 1000

    print(f"\n  one at a time; client, sender and key never seen before, "
          f"each DNS answer {DELAY} ms late")
    report.table(
        ["", "RCPT p50 ms", "p99 ms", "round trips", "message p50 ms",
         "p99 ms", "round trips"],
        [[name, f"{ms(name, 'rcpt_p50'):.1f}", f"{ms(name, 'rcpt_p99'):.1f}",
          f"{ms(name, 'rcpt_p50') / DELAY:.2f}",
          f"{ms(name, 'dot_p50'):.1f}", f"{ms(name, 'dot_p99'):.1f}",
          f"{ms(name, 'dot_p50') / DELAY:.2f}"]
         for name in checks.asked])
    sorts = [sort for sort in checks.asked["all"]
             if any(asked[sort] >= 0.05 for asked in checks.asked.values())]
    print("    questions for each transaction, by what they ask for")
    report.table(["", *sorts],
                 [[name, *(f"{asked[sort]:.1f}" for sort in sorts)]
                  for name, asked in checks.asked.items()])
    for name in (*JUDGED, INCLUDE):
        report.bar(f"{name}: connect to the reply to RCPT",
                   ms(name, "rcpt_p50") / DELAY, 2.5, "round trips")
        report.bar(f"{name}: connect to the reply to the message",
                   ms(name, "dot_p50") / DELAY, 3.75, "round trips")


# --- many at a time, everything cached ---

LOAD = "checks, DNS cached, 20 sessions"


def load(checks):
    bench = checks.bench
    names = checks.resolver(0, "names-at-once")
    rows = [checks.server(name, names, **what) for name, what in SETS.items()]
    for server in rows:
        bench.source(server, *checks.warm("-s", 20, "-n", 300, "-A"))
    seconds = 0.5 if bench.quick else 2
    before = names.asked()
    for arc in (False, True):
        bench.in_turn(
            LOAD, bench.repeat,
            checks.warm("-s", 20, "-t", seconds, *(["-A"] if arc else [])),
            [name for name in SETS if arc == ("ARC" in name)])
    checks.not_cached = names.asked()["total"] - before["total"]


def show_load(checks, report):
    def get(name, what):
        return checks.bench.median(LOAD, name, what)

    base = get("no checks", "cpu")
    print("\n  20 sessions, a new connection each, DNS answers in the cache")
    report.table(
        ["", "messages/s", "CPU us/message", "of that checks", "p50 us",
         "p99 us"],
        [[name, f"{get(name, 'rate'):,.0f}", f"{get(name, 'cpu'):.0f}",
          f"{get(name, 'cpu') - base:.0f}", f"{get(name, 'p50'):,.0f}",
          f"{get(name, 'p99'):,.0f}"] for name in SETS])
    print("    of each check: " + ", ".join(
        f"{what} {get(row, 'cpu') - get(without, 'cpu'):.0f} us"
        for what, row, without in SHARES))
    print(f"    DNS questions while measuring: {checks.not_cached:.0f}")
    for name in JUDGED:
        report.bar(f"CPU per message, {name}", get(name, "cpu"), 1200, "us")


# --- beside those who wait ---

CALM, CROWDED = "nobody waits", f"{CROWD:,} wait"
SETTLE = 2		# seconds: the resolver still asks for those who left


def crowd(checks):
    """Probes before and while many sessions wait, in turn."""
    bench = checks.bench
    names = checks.resolver(5, "names-crowd")
    server = checks.server(JUDGED[0], names, **SETS[JUDGED[0]])
    n = 50 if bench.quick else 150
    # Its caches and its heap grow once, with any crowd: before all rounds.
    bench.source(server, *checks.new(3 * CROWD, "-s", CROWD))
    bench.source(server, *checks.warm("-n", 100))
    print("  checks, beside a crowd", flush=True)
    with one_processor([checks.sink, names, server]):
        for _ in range(bench.repeat):
            probe(checks, server, CALM, n)
            waiting = gather(checks, server, names)
            began = time.monotonic()
            probe(checks, server, CROWDED, n)
            leave(checks, waiting, time.monotonic() - began)
            time.sleep(SETTLE)


def probe(checks, server, load, n):
    """Others, one at a time; on one processor (see loads.latency)."""
    for name, options in (
            ("unchecked", checks.message(
                "-n", 20 * n, "-i", WARM, "-a", UNCHECKED_FIRST,
                "-d", UNCHECKED_SENDERS)),
            ("checked, cached", checks.warm("-n", 20 * n)),
            ("checked, all new", checks.new(n))):
        result = checks.bench.source(server, *options)
        checks.bench.samples.setdefault(load, {}).setdefault(
            name, []).append(result)


def gather(checks, server, names):
    """Sessions whose senders' domains never answer; until all are asked."""
    before = names.asked()["silent"]
    program = Program(
        [checks.bench.tool("source"), "-s", str(CROWD), "-n", str(CROWD),
         "-i", str(CROWD), "-a", str(checks.fresh.take(CROWD)), "-d", SILENT,
         "-l", str(SIZE), f"127.0.0.1:{server.port}"], checks.bench.folder,
        "crowd")
    checks.programs.append(program)
    end = time.monotonic() + 5
    while names.asked()["silent"] - before < CROWD and \
            time.monotonic() < end and program.popen.poll() is None:
        time.sleep(0.02)
    time.sleep(0.3)		# what it had to do until then
    return program


def leave(checks, program, probing):
    """It gets its replies in the end; were all waiting until now?"""
    left = program.popen.poll() is not None
    program.popen.wait(60)
    checks.programs.remove(program)
    result = fields(program.stop())
    checks.bench.acknowledged += int(result["messages"])
    checks.bench.failed += int(result["failed"])
    checks.waited.append(result["dot_min"] / 1e6)
    if left or result["dot_min"] / 1e6 < probing:
        print(f"  the crowd waited for {result['dot_min'] / 1e6:.1f} s only, "
              f"and the others took {probing:.1f} s", flush=True)


def show_crowd(checks, report):
    def get(load, name, what="dot_p50"):
        return checks.bench.median(load, name, what)

    names = list(checks.bench.samples[CALM])
    print(f"\n  beside {CROWD:,} sessions whose senders' DNS servers never "
          f"answer (they waited {statistics.median(checks.waited):.1f} s)")
    report.table(
        ["", f"{CALM}: p50 us", "p99 us", f"{CROWDED}: p50 us", "p99 us",
         "p50 changes by"],
        [[name, f"{get(CALM, name):,.0f}",
          f"{get(CALM, name, 'dot_p99'):,.0f}",
          f"{get(CROWDED, name):,.0f}",
          f"{get(CROWDED, name, 'dot_p99'):,.0f}",
          f"{100 * (get(CROWDED, name) / get(CALM, name) - 1):+.1f} %"]
         for name in names])
    for name in names:
        report.bar(f"{name}, time beside the crowd",
                   get(CROWDED, name) / get(CALM, name), 1.1, "of without")


def measure(checks, stop):
    for what in (latency, load, crowd):
        what(checks)
        stop()
        checks.unknown += checks.wrong()


def show(checks, report):
    print(f"\nChecks of {SIZE // 1024} KiB messages with an RSA-2048 "
          "signature")
    show_latency(checks, report)
    show_load(checks, report)
    show_crowd(checks, report)
    report.bar("messages of which not all was found out", checks.unknown, 0,
               "")
