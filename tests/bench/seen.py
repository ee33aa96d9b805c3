"""seen -- what it costs that all can be seen: log, statistics, journal.

What a mail costs is measured with each of them on, in short turns, there and
back, and compared turn by turn: for seconds at a time the machine is faster or
slower by more than is looked for here. Each round has servers of its own,
since two that are the same may differ by where their memory happens to lie. Of
the differences of a round the highest and the lowest are left out. First come
the mails that the shipped rules are about, with SPF, DKIM, DMARC and DNS
lists, by STARTTLS as most servers bring them (TLS 1.3 with a full handshake
each) and in clear. The bar stands on these. Then bare ones without rules, for
comparison: there what is to be seen costs nearly the same, and is a larger
share of less. Two things cannot be turned off, and there is no switch for a
benchmark's sake: the counts and the log. For these counting.c measures what
one count and one line cost; how many there were of a mail is read from the
statistics and the log.

Then the rate at which mail goes through while somebody is in trouble: a hundred
clients that read the statistics slowly, a syslog daemon that takes nothing, a
disk without space for log and journal.
"""
import contextlib
import json
import os
import select
import socket
import statistics
import subprocess
import threading
import time
import urllib.request

import servers
from checks import ALL, make_key, Names, settings
from process import fields, free_port

SESSIONS = 20
BASE = "log"
JSON, JOURNAL = "log as JSON", "log, journal, endpoint"
# By load: rules, octets of a message, and what else the client is told.
COSTS = {"shipped rules, all checks, STARTTLS": ("default", 8192, "-S"),
         "the same in clear": ("default", 8192),
         "no rules, no checks, in clear": ("none", 4096)}
JUDGED = list(COSTS)[:2]
RATE = "seen, in trouble"
WELL, SLOW, STUCK, FULL = "all is well", "100 slow readers", \
    "syslog takes nothing", "no space for log and journal"
READERS = 100
LOST = "seen, dropped"
COUNTED = "seen, counted"
ASKED = "seen, asked"
TURNS, MAILS = 6, 500		# of a round, of a turn
FETCHED = 8 << 20		# octets, more than a turn writes
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
               folder=None, journal=False, shown=True):
        folder = folder or self.folder()
        self.started += 1
        endpoint = Endpoint()
        if journal:
            more += f'journal {{ file "{folder}/journal" }}\n'
        checks = ALL if rules != "none" else {}
        server = servers.forepost(
            self.binary, self.bench.folder, self.sink,
            f"seen-{self.started}", settings(self.names, **checks) +
            endpoint.setting * shown + more, rules, log or folder + "/log",
            prefix)
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
        # Without an endpoint nothing is put together for it.
        rows = {BASE: {"shown": False},
                JSON: {"shown": False, "more": "log_format json\n"},
                JOURNAL: {"journal": True}}
        print(f"  {key(load)}", flush=True)
        rounds = self.bench.repeat * 4
        for i in range(rounds):
            self.round(load, rows, i)
            if i + 1 == rounds:
                self.count(load, 1000)
                self.ask(load)
            self.stop_servers()

    def round(self, load, rows, shift):
        bench = self.bench
        for name, what in rows.items():
            bench.source(self.server(name, COSTS[load][0], **what),
                         *self.mails(load, 1500))
        names = list(rows)[shift % len(rows):] + list(rows)[:shift % len(rows)]
        for _ in range(TURNS):
            for name in names + names[::-1]:
                self.fetch_memory()
                bench.measure(key(load), bench.servers[name],
                              *self.mails(load, MAILS))

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
        server = self.bench.servers[JOURNAL]
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
        server = bench.servers[JOURNAL]
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
        rules = {"rules": "none", "journal": True}
        stuck = self.folder()
        socket_ = self.syslog = socket.socket(socket.AF_UNIX,
                                              socket.SOCK_DGRAM)
        socket_.bind(stuck + "/log.sock")
        os.chmod(stuck + "/log.sock", 0o777)
        self.server(WELL, **rules)
        self.server(SLOW, **rules)
        self.server(STUCK, log="syslog:" + stuck + "/log.sock",
                    folder=stuck, **rules)
        if os.geteuid() == 0:
            full = self.folder()
            self.server(FULL, folder=full, prefix=(
                "unshare", "-m", "sh", "-c",
                'mount -t tmpfs -o size=64k,mode=1777 none "$0" && '
                '{ cat /dev/zero >"$0/fills" 2>/dev/null; exec "$@"; }',
                full),
                **rules)

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
        done = subprocess.run(
            [bench.tool("counting"), os.path.join(bench.folder, "counting")],
            capture_output=True, text=True, check=True)
        bench.samples["seen, each"] = fields(done.stdout)


# --- what it was ---

def more(bench, load, name):
    """us of a mail, and by how much that may be wrong: twice the standard error
    by rounds. Of the turns of a round the highest and the lowest are out."""
    runs = bench.samples[key(load)]
    each = [a["cpu"] - b["cpu"] for a, b in zip(runs[name], runs[BASE])]
    rounds = [statistics.mean(sorted(each[i:i + 2 * TURNS])[1:-1])
              for i in range(0, len(each), 2 * TURNS)]
    return (statistics.mean(rounds),
            2 * statistics.stdev(rounds) / len(rounds) ** 0.5)


def cost_row(bench, load, name):
    row = [name, f"{bench.median(key(load), name, 'cpu'):.1f}"]
    if name == BASE:
        return [*row, "", ""]
    us, wrong = more(bench, load, name)
    return [*row, f"{us:+.1f}", f"{wrong:.1f}"]


def show_cost(bench, report, load):
    each, n = bench.samples["seen, each"], bench.samples[COUNTED][load][0]
    cpu = bench.median(key(load), JOURNAL, "cpu")
    parts = {
        f"log, {n['lines']:.1f} lines, {n['log']:,.0f} octets":
            n["lines"] * each["text"] / 1000,
        f"statistics, {n['adds']:.0f} counts and {n['times']:.0f} times":
            (n["adds"] + n["times"]) * max(each["cold"], each["time"]) / 1000,
        f"journal, {n['journal']:,.0f} octets, and the last mails":
            more(bench, load, JOURNAL)[0]}
    print(f"\n  {load}: CPU us/message")
    report.table(
        ["", "CPU us/message", "more than '" + BASE + "'", "or so much off"],
        [cost_row(bench, load, name)
         for name in (BASE, JSON, JOURNAL)])
    print("    of that, of a mail:")
    report.table(["", "us", "share"],
                 [[name, f"{us:.1f}", f"{100 * us / cpu:.1f} %"]
                  for name, us in parts.items()])
    print(f"    asked for the metrics: {bench.samples[ASKED][load]:,.0f} us")
    share = 100 * sum(parts.values()) / cpu
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
    each = bench.samples["seen, each"]
    print(f"\nLog, statistics, journal; {SESSIONS} sessions, a new connection "
          f"each. A count takes {each['add']:.1f} ns,\na time "
          f"{each['time']:.1f} ns, either {each['cold']:.0f} ns if its memory "
          f"is not near, as it is taken to be here;\na line of the log "
          f"{each['text']:,.0f} ns, as JSON {each['json']:,.0f} ns")
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
