"""seen -- what it costs that all can be seen: log, statistics, journal.

What a mail costs is measured with these on and off, a hundred mails each, in
one process (switched.c): two servers that are the same differ by more than what
is looked for, since their memory happens to lie otherwise. That it does changes
the difference, too, so there are many servers one after the other; the figure is
the mean of them. All three together, which is what the bar is about, are switched
in most of them; in some each alone, the log as JSON, or nothing, which shows how
far the figures are off. Parts cost less where another stays on, as one finds code
and data in the caches that the other has used.
First come the mails that the shipped rules are about, with SPF, DKIM, DMARC and
DNS lists, by STARTTLS as most servers bring them (TLS 1.3 with a full handshake
each) and in clear. The bar stands on these. Then bare ones without rules, for
comparison: there what is to be seen costs less, but is a larger share.

Then the rate at which mail goes through while somebody is in trouble: a hundred
clients that read the statistics slowly, a syslog daemon that takes nothing, a
disk without space for log and journal.
"""
import contextlib
import json
import os
import re
import select
import socket
import statistics
import threading
import time
import urllib.request

import servers
from checks import ALL, make_key, Names, settings
from process import free_port

SESSIONS = 20
# What is switched, by the name of the row; and what is set for it.
ALL_OF_IT = "all of these"
PARTS = {ALL_OF_IT: ("all", ""), "log": ("log", ""),
         "log as JSON": ("log", "log_format json\n"),
         "statistics": ("statistics", ""),
         "journal and the last mails": ("records", ""),
         "nothing": ("nothing", "")}
# By load: rules, octets of a message, and what else the client is told.
COSTS = {"shipped rules, all checks, STARTTLS": ("default", 8192, "-S"),
         "the same in clear": ("default", 8192),
         "no rules, no checks, in clear": ("none", 4096)}
JUDGED = list(COSTS)[:2]
# Where the share is near its bar there are more.
ROUNDS = dict(zip(COSTS, (1, 4, 1)))
EACH = {ALL_OF_IT: 5}	# servers of a round; of the others one
RATE = "seen, in trouble"
WELL, SLOW, STUCK, FULL = "all is well", "100 slow readers", \
    "syslog takes nothing", "no space for log and journal"
READERS = 100
LOST = "seen, dropped"
COUNTED = "seen, counted"
ASKED = "seen, asked"
MAILS = 4000			# of a run
FETCHED = 64 << 20		# octets, more than a run writes
BAR = 5			# percent of a message's CPU


def key(load):
    return "seen, " + load


def beside(name):
    return RATE + ", beside " + name


class Endpoint:
    """Where a server's statistics are."""

    def __init__(self):
        self.port = free_port()
        self.setting = f"stats {{ address 127.0.0.1:{self.port} }}\n"

    def get(self, path="/stats.json"):
        url = f"http://127.0.0.1:{self.port}{path}"
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.read()

    def counts(self):
        """How often something was counted, and how often timed, so far."""
        said = json.loads(self.get())
        adds = sum(value for name, value in said["counters"].items()
                   if not name.endswith(("bytes", "seconds")))
        times = 0
        for row in said["series"]:
            for one in row["values"]:
                if row["kind"] == "histogram":
                    times += one["count"]
                elif row["kind"] == "counter":
                    adds += one["value"]
        return adds, times


class SlowReaders(threading.Thread):
    """Each asks for much and reads an octet a second; who is sent away comes
    again."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port, self.over = port, threading.Event()
        self.clients, self.came = [], 0
        self.fill()
        self.start()

    def fill(self):
        while len(self.clients) < READERS:
            s = socket.socket()
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.connect(("127.0.0.1", self.port))
            s.sendall(b"GET /transactions.json?limit=1000 HTTP/1.1\r\n"
                      b"Host: 127.0.0.1\r\n\r\n")
            self.clients.append(s)
            self.came += 1

    def read(self):
        for s in select.select(self.clients, [], [], 0)[0]:
            try:
                gone = not s.recv(1)
            except OSError:
                gone = True
            if gone:
                s.close()
                self.clients.remove(s)

    def run(self):
        while not self.over.wait(1):
            self.read()
            self.fill()

    def stop(self):
        self.over.set()
        self.join()
        for s in self.clients:
            s.close()


class Seen:
    def __init__(self, bench, binary, sink):
        self.bench, self.binary, self.sink = bench, binary, sink
        self.key = make_key(bench.folder)
        os.chmod(self.key, 0o644)
        self.names = Names(bench.programs, bench.folder, self.key, 0,
                           "names-seen")
        self.started = 0

    def folder(self):
        """For log and journal, which the workers write."""
        self.started += 1
        path = os.path.join(self.bench.folder, f"seen-{self.started}-files")
        os.makedirs(path)
        os.chmod(path, 0o1777)
        return path

    def server(self, name, rules="none", log=None, more="", prefix=(),
               folder=None, binary=None):
        folder = folder or self.folder()
        self.started += 1
        endpoint = Endpoint()
        more += f'journal {{ file "{folder}/journal" }}\n'
        checks = ALL if rules != "none" else {}
        server = servers.forepost(
            binary or self.binary, self.bench.folder, self.sink,
            f"seen-{self.started}", settings(self.names, **checks) +
            endpoint.setting + more, rules, log or folder + "/log", prefix)
        server.name, server.endpoint, server.folder = name, endpoint, folder
        self.bench.servers[name] = server
        return server

    def stop_servers(self):
        for server in self.bench.servers.values():
            server.program.stop()
        self.bench.servers.clear()

    def stop(self):
        self.stop_servers()
        self.names.program.stop()

    # --- what it costs ---

    def mails(self, load, n):
        rules, size, *options = COSTS[load]
        signed = ("-K", self.key, "-i", 8) if rules != "none" else ()
        return ("-s", SESSIONS, "-l", size, *options, *signed, "-n", n)

    def cost(self, load):
        print(f"  {key(load)}", flush=True)
        for _ in range(self.bench.repeat * ROUNDS[load]):
            for part in PARTS:
                for _ in range(EACH.get(part, 1)):
                    self.switch(load, part)
        self.server(COUNTED, COSTS[load][0])
        self.bench.source(self.bench.servers[COUNTED],
                          *self.mails(load, 1500))
        self.count(load, 1000)
        self.ask(load)
        self.stop_servers()

    def switch(self, load, part):
        """One server more: what each worker told of its turns."""
        what, more = PARTS[part]
        server = self.server(part, COSTS[load][0], more=more,
                             prefix=("env", "BENCH_SWITCHES=" + what),
                             binary=self.bench.tool("switched"))
        for _ in range(2):
            self.fetch_memory()
            self.bench.source(server, *self.mails(load, MAILS))
        time.sleep(0.1)
        with open(server.folder + "/log") as f:
            turns = re.findall(
                r'bench turns"?,? ?"?off"?[=:](\d+),? ?"?on"?[=:](\d+)',
                f.read())
        self.bench.samples.setdefault(key(load), {}).setdefault(
            part, []).append([(int(off) / 1e3, int(on) / 1e3)
                              for off, on in turns])
        self.stop_servers()

    def fetch_memory(self):
        """A virtual machine may have given its free memory back to its host:
        files that grow would fetch it again, which takes longer than what the
        journal does. So there is some that was in use a moment ago."""
        path = os.path.join(self.bench.folder, "fetched")
        with open(path, "wb", buffering=0) as f:
            f.write(bytes(FETCHED))
        os.unlink(path)

    def ask(self, load, n=3):
        """What it takes to be asked for the metrics, CPU us."""
        server = self.bench.servers[COUNTED]
        took = []
        for asks in (False, True):
            before = server.program.cpu()
            for _ in range(n):
                if asks:
                    server.endpoint.get("/metrics")
                time.sleep(1.1)		# an answer is kept for a second
            took.append((server.program.cpu() - before) / n)
        self.bench.samples.setdefault(ASKED, {})[load] = took[1] - took[0]

    def count(self, load, n):
        """What a mail has of each: counts, times, lines, octets."""
        bench = self.bench
        server = bench.servers[COUNTED]
        time.sleep(1.2)		# an answer is kept for a second
        before = self.sizes(server), server.endpoint.counts()
        bench.source(server, *self.mails(load, n))
        time.sleep(1.2)		# an answer is kept for a second
        after = self.sizes(server), server.endpoint.counts()
        what = {w: (after[0][w] - before[0][w]) / n for w in after[0]}
        what["adds"], what["times"] = (
            (b - a) / n for a, b in zip(before[1], after[1]))
        bench.samples.setdefault(COUNTED, {})[load] = [what]

    def sizes(self, server):
        found = {}
        # But for what is said of XCLIENT, by which the load comes from many.
        with open(server.folder + "/log") as f:
            lines = [line for line in f if " xclient " not in line]
        found["lines"], found["log"] = len(lines), sum(map(len, lines))
        found["journal"] = sum(
            os.path.getsize(os.path.join(server.folder, name))
            for name in os.listdir(server.folder)
            if name.startswith("journal"))
        return found

    # --- in trouble ---

    def troubled(self):
        """The servers; each thing that is in trouble has one of its own."""
        stuck = self.folder()
        socket_ = self.syslog = socket.socket(socket.AF_UNIX,
                                              socket.SOCK_DGRAM)
        socket_.bind(stuck + "/log.sock")
        os.chmod(stuck + "/log.sock", 0o777)
        self.server(WELL)
        self.server(SLOW)
        self.server(STUCK, log="syslog:" + stuck + "/log.sock",
                    folder=stuck)
        if os.geteuid() == 0:
            full = self.folder()
            self.server(FULL, folder=full, prefix=(
                "unshare", "-m", "sh", "-c",
                'mount -t tmpfs -o size=64k,mode=1777 none "$0" && '
                '{ cat /dev/zero >"$0/fills" 2>/dev/null; exec "$@"; }',
                full))

    def dropped(self):
        """By server: lines of log and journal."""
        lost = self.bench.samples.setdefault(LOST, {})
        for name, server in self.bench.servers.items():
            counters = json.loads(server.endpoint.get())["counters"]
            lost[name] = {what: counters[what + "_dropped"]
                          for what in ("log", "journal")}

    def turn(self, name, load, seconds):
        server, readers = self.bench.servers[name], None
        if name == SLOW:
            readers = SlowReaders(server.endpoint.port)
            time.sleep(1)	# their answers are made, and wait
        self.bench.measure(load, server, "-s", SESSIONS, "-t", seconds)
        if readers:
            readers.stop()

    def trouble(self):
        """In short turns, each beside one of a server that is well."""
        bench = self.bench
        self.troubled()
        print(f"  {RATE}", flush=True)
        for server in bench.servers.values():
            bench.source(server, "-s", SESSIONS, "-n", 2000)
        for i in range(bench.repeat * (2 if bench.quick else 6)):
            for name in [n for n in bench.servers if n != WELL]:
                both = [(name, RATE), (WELL, beside(name))]
                for which, load in both if i % 2 else both[::-1]:
                    self.turn(which, load, 0.5)
        self.dropped()
        self.stop_servers()
        self.syslog.close()


def measure(bench, binary, sink):
    with contextlib.ExitStack() as stack:
        seen = Seen(bench, binary, sink)
        stack.callback(seen.stop)
        for load in COSTS:
            seen.cost(load)
        seen.trouble()


# --- what it was ---

def more(bench, load, part):
    """us of a mail, and by how much that may be wrong: twice the standard error
    by servers. Of their turns a tenth is out at either end: there somebody else
    had the processor."""
    each = []
    for turns in bench.samples[key(load)][part]:
        took = sorted(on - off for off, on in turns)
        out = len(took) // 10
        each.append(statistics.mean(took[out:len(took) - out]))
    return (statistics.mean(each),
            2 * statistics.stdev(each) / len(each) ** 0.5)


def spent(bench, load):
    """CPU us of a mail, with all of it."""
    return statistics.median(on for turns in
                             bench.samples[key(load)][ALL_OF_IT]
                             for _, on in turns)


def show_cost(bench, report, load):
    n, cpu = bench.samples[COUNTED][load][0], spent(bench, load)
    rows = []
    for part in PARTS:
        us, wrong = more(bench, load, part)
        rows.append([part, f"{us:.1f}", f"{wrong:.1f}",
                     f"{100 * us / cpu:.1f} %"])
    print(f"\n  {load}: {cpu:.1f} CPU us/message, of that")
    report.table(["", "us", "or so much off", "share"], rows)
    print(f"    log: {n['lines']:.1f} lines, {n['log']:,.0f} octets; "
          f"statistics: {n['adds']:.0f} counts, {n['times']:.0f} times; "
          f"journal: {n['journal']:,.0f} octets")
    print(f"    asked for the metrics: {bench.samples[ASKED][load]:,.0f} us")
    share = 100 * more(bench, load, ALL_OF_IT)[0] / cpu
    what = "log, statistics and journal, share of a message's CPU"
    if load in JUDGED:
        report.bar(f"{load}: {what}", share, BAR, "%")
    else:
        print(f"    {load}, without a bar: {what}: {share:.1f} %")


def of_well(bench, name):
    """Messages a second, by the median of the rounds."""
    return statistics.median(
        a["rate"] / b["rate"] for a, b in
        zip(bench.samples[RATE][name], bench.samples[beside(name)][WELL]))


def trouble_row(bench, name):
    def both(what):
        return (bench.median(RATE, name, what),
                bench.median(beside(name), WELL, what))

    (rate, well), (cpu, well_cpu) = both("rate"), both("cpu")
    lost = bench.samples[LOST][name]
    return [name, f"{rate:,.0f}", f"{well:,.0f}",
            f"{of_well(bench, name):.3f}", f"{cpu:.0f}", f"{well_cpu:.0f}",
            f"{lost['log']:,.0f}", f"{lost['journal']:,.0f}"]


def show(bench, report):
    print(f"\nLog, statistics, journal; {SESSIONS} sessions, a new connection "
          "each")
    for load in COSTS:
        show_cost(bench, report, load)
    print("\n  mail goes on; 4 KiB, no rules, log and journal on; beside it "
          f"in turn '{WELL}'")
    lost = bench.samples[LOST]
    report.table(
        ["", "messages/s", "all is well", "of that", "CPU us/message",
         "all is well", "lines dropped", "records dropped"],
        [trouble_row(bench, name) for name in bench.samples[RATE]])
    for name in bench.samples[RATE]:
        report.bar(f"{name}: messages/s of '{WELL}'", of_well(bench, name),
                   0.95, "", at_least=True)
    for name, what in ((STUCK, "log"), (FULL, "log"), (FULL, "journal")):
        if name in lost:
            report.bar(f"{name}: what {what} dropped was counted",
                       lost[name][what], 1, "", at_least=True)
