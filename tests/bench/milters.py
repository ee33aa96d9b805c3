"""milters -- what filters cost a message, beside Postfix with the same ones.

The filters are those of filter.c: they let everything pass. `one` and `three`
are told of everything and answer each step, which is the most that a mail can
cost; quiet ones answer only RCPT and the end of the message. Of three, the
first says that it may edit, so that the others wait for it, and are told side
by side. Both servers are asked in turn about the same filters, with their
own CPU, and the filters'.

Postfix tells filters of a message only if it goes through its queue, so that
its share is more than telling them; what filters add to it is comparable. Its
queue is in memory where there is such a folder, and its CPU is taken when the
queue is empty.

Then filters take their time at the end of each message: what are three of them
to one that waits? And what does a session hold for them that does nothing? What
one that never answers is to the others: stalls.py.
"""
import contextlib
import os
import shutil
import signal
import statistics
import tempfile
import time

import loads
import servers
import stalls
from checks import Names, make_key
from greylist import ratio
from process import Program, fields

SESSIONS = 20
KEPT = 10
LOADS = [(f"milters, {size} KiB, {name}", size, kept)
         for size in (4, 50)
         for name, kept in (("new connection each", 1),
                            (f"{KEPT} over a connection", KEPT))]
EDITS = ["-e"]
KINDS = {"none": [], "one": [EDITS], "three": [EDITS, [], []],
         "one quiet": [["-q", *EDITS]],
         "three quiet": [["-q", *EDITS], ["-q"], ["-q"]]}
UNKEPT = "one, a new connection each"	# of the gateway, to the filter
UNKEPT_QUIET = "one quiet, a new connection each"

UNSEEN = "milters, mails that a filter has not seen"

SLOW_TIME = 20		# ms, at the end of each message
SLOW = {"three slow": [["-w", str(SLOW_TIME), *options]
                       for options in KINDS["three"]]}
SLOW_LOAD = "milters, slow, one message at a time"

IDLE_LOAD = "milters, idle sessions"
IDLE = {"told at RCPT": ("", 12), "told at connect": ("tell_at connect", 24)}
HELD = 1000


class Filters:
    """Programs of filter.c, each with a socket of its own."""

    def __init__(self, bench):
        self.bench, self.programs, self.started = bench, {}, 0
        self.wanted = self.unseen = 0	# mails, each by each of its filters

    def start(self, options):
        """Its socket."""
        self.started += 1
        name = f"filter-{self.started}"
        socket = os.path.join(self.bench.folder, name + ".sock")
        self.programs[socket] = Program(
            [self.bench.tool("filter"), *options, socket], self.bench.folder,
            name)
        for _ in range(200):
            if os.path.exists(socket):
                return socket
            time.sleep(0.05)
        raise RuntimeError(f"filter: {self.programs[socket].said()}")

    def start_rows(self, kinds):
        return {name: [self.start(options) for options in filters]
                for name, filters in kinds.items()}

    def cpu(self, sockets):
        return sum(self.programs[s].cpu_alone() for s in sockets)

    def stop(self):
        seen = sum(fields(program.stop(signal.SIGUSR1)).get("messages", 0)
                   for program in self.programs.values())
        self.programs.clear()
        self.unseen += self.wanted - seen
        self.wanted = 0


class Milters:
    """Both servers, by row; each has: sockets, settle()."""

    def __init__(self, bench, binary, sink, names, filters):
        self.bench, self.binary, self.sink = bench, binary, sink
        self.names, self.filters = names, filters
        self.queue = None

    def keep(self, server, name, sockets, settle=lambda: None):
        server.name, server.sockets, server.settle = name, sockets, settle
        self.bench.servers[name] = server

    def forepost(self, row, sockets, settings=""):
        blocks = "".join(
            f'milter filter{i} {{ address "unix:{socket}" {settings} }}\n'
            for i, socket in enumerate(sockets))
        server = servers.forepost(
            self.binary, self.bench.folder, self.sink,
            "milters-" + row.replace(" ", "-").replace(",", ""),
            f"resolver {{ forward 127.0.0.1:{self.names.port} }}\n" + blocks)
        self.keep(server, f"forepost, {row}", sockets)

    def wait_sent(self):
        """Until Postfix has sent all that it took."""
        end = time.monotonic() + 60
        while time.monotonic() < end:
            if not any(files for name in ("incoming", "active", "deferred")
                       for _, _, files in os.walk(
                           os.path.join(self.queue, name))):
                return
            time.sleep(0.02)
        raise RuntimeError("postfix does not send what it took")

    def postfix(self, peers, rows):
        memory = "/dev/shm"
        self.queue = tempfile.mkdtemp(
            prefix="forepost-bench-", dir=memory if os.access(
                memory, os.W_OK) else self.bench.folder)
        os.chmod(self.queue, 0o755)
        for server in servers.postfix_milters(
                peers, self.bench.folder, self.sink, rows, self.queue):
            self.keep(server, f"postfix, {server.name}", rows[server.name],
                      self.wait_sent)

    def source(self, server, *options):
        result = self.bench.source(server, *options)
        self.filters.wanted += result["messages"] * len(server.sockets)
        return result

    def one(self, load, name, *options):
        """A run, and the CPU of server and filters for each message."""
        server = self.bench.servers[name]
        before = (server.program.cpu(), self.filters.cpu(server.sockets))
        result = self.source(server, *options)
        time.sleep(0.05)
        server.settle()
        n = max(result["messages"], 1)
        result["cpu"] = (server.program.cpu() - before[0]) / n
        result["filters"] = (self.filters.cpu(server.sockets)
                             - before[1]) / n
        self.bench.samples.setdefault(load, {}).setdefault(
            name, []).append(result)

    def in_turn(self, load, names, repeat, *options):
        print(f"  {load}", flush=True)
        for i in range(repeat):
            shift = i % len(names)
            for name in names[shift:] + names[:shift]:
                self.one(load, name, *options)

    def loads(self):
        bench = self.bench
        seconds = 0.5 if bench.quick else 1
        both = [name for name in bench.servers if name.endswith(tuple(KINDS))]
        unkept = [name for name in bench.servers
                  if name.endswith((UNKEPT, UNKEPT_QUIET))]
        slow = [name for name in bench.servers
                if name.endswith(("none", *SLOW))]
        for server in bench.servers.values():
            self.source(server, "-s", SESSIONS, "-n", 200)
        for load, size, kept in LOADS:
            self.in_turn(load, both + (unkept if kept == 1 else []),
                         bench.repeat, "-s", SESSIONS, "-k", kept, "-l",
                         size * loads.KIB, "-t", seconds)
        self.in_turn(SLOW_LOAD, slow, bench.repeat, "-n", 20)

    def idle(self, row, sockets, settings):
        """KiB of a session behind EHLO, in a gateway that has just begun."""
        bench, name = self.bench, f"forepost, {row}"
        direct = servers.Server("direct", self.sink.port)
        self.forepost(row, sockets, settings)
        loads.idle(bench, bench.servers[name], direct, False, (HELD,))
        bench.samples.setdefault(IDLE_LOAD, {})[row] = bench.samples[
            f"idle, clear, {HELD}"].pop(name)
        bench.servers.pop(name).program.stop()

    def stop(self):
        # Of several servers one may be the same program.
        for program in {server.program for server in
                        self.bench.servers.values()}:
            program.stop()
        self.bench.servers.clear()
        if self.queue:
            shutil.rmtree(self.queue)
            self.queue = None


def start(milters, peers):
    rows = milters.filters.start_rows(KINDS)
    slow = milters.filters.start_rows(SLOW)
    for name, sockets in {**rows, **slow}.items():
        milters.forepost(name, sockets)
    milters.forepost(UNKEPT, rows["one"], "max_idle 0")
    milters.forepost(UNKEPT_QUIET, rows["one quiet"], "max_idle 0")
    try:
        milters.postfix(peers, {**rows, **slow})
    except servers.Missing as why:
        print(f"without postfix: {why}")


def measure(bench, binary, sink, peers):
    with contextlib.ExitStack() as stack:
        names = Names(bench.programs, bench.folder, make_key(bench.folder),
                      0, "names-milters")
        stack.callback(names.program.stop)
        filters = Filters(bench)
        stack.callback(filters.stop)
        milters = Milters(bench, binary, sink, names, filters)
        stack.callback(milters.stop)
        start(milters, peers)
        milters.loads()
        milters.stop()
        filters.stop()
        bench.samples[UNSEEN] = filters.unseen
        idle_sockets = filters.start_rows({"three": KINDS["three"]})["three"]
        for told, (settings, _) in IDLE.items():
            milters.idle(told, idle_sockets, settings)
        stalls.measure(bench, binary, sink, names, filters)


# --- what it was ---

def added(bench, load, name, what, base):
    """By filters to what it is without, of each round."""
    runs = bench.samples[load]
    return statistics.median(run[what] - none[what] for run, none in
                             zip(runs[name], runs[base]))


def of_postfix(bench, load, name, what):
    """None: it has no counterpart."""
    other = name.replace("forepost", "postfix")
    if other == name or other not in bench.samples[load]:
        return None
    return ratio(bench, load, name, other, what)


def row(bench, load, name):
    base = name.split(",")[0] + ", none"

    def get(what):
        return bench.median(load, name, what)

    def part(what):
        value = of_postfix(bench, load, name, what)
        return "" if value is None else f"{value:.2f}"

    return [name, f"{get('rate'):,.0f}", part("rate"), f"{get('cpu'):.0f}",
            part("cpu"), f"{added(bench, load, name, 'cpu', base):+.0f}"
            if name != base else "",
            f"{get('filters'):.0f}" if name != base else "",
            f"{get('p50') / 1000:.1f}", f"{get('p99') / 1000:.1f}"]


def bars(bench, report, load):
    parts = {what: [value for name in bench.samples[load]
                    if not name.endswith("none")
                    and (value := of_postfix(bench, load, name, what))]
             for what in ("cpu", "rate")}
    if parts["cpu"]:
        report.bar("with filters, CPU of Postfix's, the largest",
                   max(parts["cpu"]), 0.25, "")
        report.bar("with filters, messages/s of Postfix's, the smallest",
                   min(parts["rate"]), 1, "", at_least=True)


def show_slow(bench, report):
    print(f"\n  {SLOW_LOAD}: {SLOW_TIME} ms each")
    report.table(
        ["", "p50 ms", "p99 ms"],
        [[name, *(f"{bench.median(SLOW_LOAD, name, what) / 1000:.1f}"
                  for what in ("p50", "p99"))]
         for name in bench.samples[SLOW_LOAD]])
    report.bar("three slow filters, two of which are told side by side",
               bench.median(SLOW_LOAD, "forepost, three slow", "p50") / 1000,
               2.5 * SLOW_TIME, "ms")


def show(bench, report):
    print(f"\nFilters that let everything pass, {SESSIONS} sessions; CPU in us "
          "for each message")
    for load, _, _ in LOADS:
        print(f"\n  {load}")
        report.table(
            ["", "messages/s", "of Postfix's", "CPU", "of Postfix's",
             "by filters", "filters' own", "p50 ms", "p99 ms"],
            [row(bench, load, name) for name in bench.samples[load]])
        bars(bench, report, load)
    show_slow(bench, report)
    report.bar("mails that a filter has not seen", bench.samples[UNSEEN], 0,
               "")
    for told, (_, most) in IDLE.items():
        report.bar(f"an idle session, three filters {told}",
                   bench.median(IDLE_LOAD, told, "each"), most, "KiB")
    stalls.show(bench, report)
