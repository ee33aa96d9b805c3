"""stalls -- what a filter that never answers costs other sessions.

It gives no answer to the end of a message, and its failure action is `accept`.
At first it does so to some clients, while it answers the others, and more come
that it does not apply to. Then it does so to all: who is in it waits for
end_timeout, until the gateway leaves the filter alone.
"""
import time

import servers
from greylist import ratio
from process import Program, fields, free_port

SESSIONS = 20
LOAD = "milters, one stalls"
SENDERS = "stalled.test"
TIMEOUT = 4		# s
WELL, BARE = "it answers", "without it"
SOME = f"{SESSIONS} wait, it answers the others"
SOME_BARE = f"{SESSIONS} wait, the others are without it"
ALL = "it answers nobody, the first seconds"
REST, REST_BARE = "it answers nobody, then", "meanwhile without it"
BARS = ((SOME, WELL), (SOME_BARE, BARE), (REST, REST_BARE))


class Place:
    """A gateway with a listener for the filter, and one without."""

    def __init__(self, bench, binary, sink, names, name, socket, settings):
        port = free_port()
        self.bench, self.name = bench, name
        self.filtered = servers.forepost(
            binary, bench.folder, sink, name,
            f"resolver {{ forward 127.0.0.1:{names.port} }}\n"
            f"xclient 127.0.0.1\n"
            f"listener bare {{ address 127.0.0.1:{port} }}\n"
            f'milter filter {{ address "unix:{socket}" listeners bench '
            f"failure accept {settings} }}\n")
        self.bare = servers.Server(BARE, port, self.filtered.program)
        bench.servers[name] = self.filtered
        self.bench.source(self.bare, "-s", SESSIONS, "-n", 500)

    def note(self, server, what, seconds):
        server.name = what
        self.bench.measure(LOAD, server, "-s", SESSIONS, "-t", seconds)

    def some_wait(self, seconds):
        """Some for the end of TIMEOUT, and others meanwhile."""
        client = Program(
            [self.bench.tool("source"), "-s", str(SESSIONS), "-n",
             str(SESSIONS), "-i", str(SESSIONS), "-d", SENDERS,
             f"127.0.0.1:{self.filtered.port}"], self.bench.folder,
            "stalls-source")
        try:
            time.sleep(0.3)		# all are there
            self.note(self.filtered, SOME, seconds)
            self.note(self.bare, SOME_BARE, seconds)
            if client.popen.poll() is not None:
                raise RuntimeError(f"nobody waits: {client.said()}")
            client.popen.wait(2 * TIMEOUT)
        finally:
            result = fields(client.stop())
            self.bench.acknowledged += int(result.get("messages", 0))
        if result["messages"] != SESSIONS:
            raise RuntimeError(f"who waited was not served: {client.said()}")

    def heal(self):
        """It has failed at all who waited: try it again."""
        time.sleep(1.5)
        for _ in range(2):
            self.bench.source(self.filtered, "-s", SESSIONS, "-n", 200)

    def stop(self):
        self.bench.servers.pop(self.name).program.stop()


def measure(bench, binary, sink, names, filters):
    seconds = 1 if bench.quick else 1.5
    print(f"  {LOAD}", flush=True)
    place = Place(bench, binary, sink, names, "stalls-some",
                  filters.start(["-s", SENDERS]),
                  f"end_timeout {TIMEOUT}s retry_time 1s")
    for _ in range(bench.repeat):
        place.heal()
        place.note(place.bare, BARE, seconds)
        place.note(place.filtered, WELL, seconds)
        place.some_wait(seconds)
    place.stop()
    place = Place(bench, binary, sink, names, "stalls-all",
                  filters.start(["-s", "@"]),
                  f"connect_timeout {TIMEOUT // 2}s command_timeout "
                  f"{TIMEOUT // 2}s end_timeout {TIMEOUT // 2}s "
                  f"retry_time 10m")
    place.note(place.filtered, ALL, TIMEOUT)
    for _ in range(bench.repeat):
        place.note(place.bare, REST_BARE, seconds)
        place.note(place.filtered, REST, seconds)
    place.stop()


def show(bench, report):
    print(f"\n  a filter that gives no answer, `failure accept`, 4 KiB, "
          f"{SESSIONS} sessions, a new connection\n  each; timeout "
          f"{TIMEOUT} s, for all {TIMEOUT // 2} s")
    report.table(
        ["", "messages/s", "p50 ms", "p99 ms", "longest ms", "CPU us/message"],
        [[name, f"{bench.median(LOAD, name, 'rate'):,.0f}",
          *(f"{bench.median(LOAD, name, what) / 1000:.2f}"
            for what in ("p50", "p99", "max")),
          f"{bench.median(LOAD, name, 'cpu'):.0f}"]
         for name in bench.samples[LOAD]])
    for name, base in BARS:
        for what, bar in (("p50", 1.25), ("p99", 2)):
            report.bar(f"{name}: {what} of that of '{base}'",
                       ratio(bench, LOAD, name, base, what), bar, "")
