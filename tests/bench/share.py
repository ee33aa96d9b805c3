"""share -- what part of a message's CPU its rules take.

The shipped rules beside one rule that asks for the same of DNS and says
nothing: the same lookups, checks and Authentication-Results. What is left is
what rules cost: evaluating them, the facts that they read of header and
envelope, what they write into the header and the log.

Servers run in short turns, and each turn is compared with its own round: a
busy machine meets all of them.
"""
import statistics

from checks import ALL

ASKING = "one rule that asks"
SHIPPED = ("default.rules", "strict.rules", "observe.rules")
SETS = {ASKING: ALL, **{name: {**ALL, "rules": name} for name in SHIPPED}}
LOAD = "checks and rules, DNS cached, 20 sessions"
BAR = 5			# percent, of default.rules


def measure(checks):
    bench = checks.bench
    names = checks.resolver(0, "names-share")
    for name, what in SETS.items():
        bench.source(checks.server(name, names, **what),
                     *checks.warm("-s", 20, "-n", 2000))
    rounds = bench.repeat * (4 if bench.quick else 8)
    bench.in_turn(LOAD, rounds, checks.warm("-s", 20, "-n", 2000),
                  list(SETS))
    for name in SETS:
        bench.servers.pop(name).program.stop()
    checks.unknown += checks.wrong()


def percents(bench, name):
    """Of each round: what is more than of the one rule, of the whole."""
    runs = bench.samples[LOAD]
    return [100 * (judged["cpu"] - asking["cpu"]) / judged["cpu"]
            for judged, asking in zip(runs[name], runs[ASKING])]


def show(checks, report):
    bench = checks.bench
    base = bench.median(LOAD, ASKING, "cpu")
    print("\nRules of a message of which everything is found out (DNS answers "
          "in the cache,\n20 sessions, a new connection each)")
    rows = [[ASKING, f"{base:.1f}", "", "", ""]]
    for name in SHIPPED:
        share = percents(bench, name)
        low, middle, high = statistics.quantiles(share, n=4)
        rows.append([name, f"{bench.median(LOAD, name, 'cpu'):.1f}",
                     f"{bench.median(LOAD, name, 'cpu') - base:.1f}",
                     f"{middle:.1f} %", f"{low:.1f} to {high:.1f} %"])
    report.table(["", "CPU us/message", "of that rules", "share, median",
                  "half of the rounds"], rows)
    report.bar("default.rules, share of a message's CPU",
               statistics.median(percents(bench, SHIPPED[0])), BAR, "%")
    report.bar("messages of which not all was found out", checks.unknown, 0,
               "")
