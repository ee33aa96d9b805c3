#!/usr/bin/python3
"""Measures forepost beside doing without it, haproxy and Postfix.

Everything runs on loopback ports and in a temporary folder, in one run:
`direct` is the same client straight to the same sink, haproxy in TCP mode is
what a relay costs that understands nothing, Postfix's smtpd_proxy_filter is
the nearest thing that people use. Servers are run in turn and repeated; each
figure is a median and stands beside its bar. `forepost` relays and has no
rules, as haproxy; `forepost-bdat` is the same before a sink that offers
CHUNKING, `forepost-rules` has the shipped default.rules, for a client that
nothing is looked up of. The bars are for the plain one. What it costs to find
out who sent a mail is measured by checks.py, what rules cost by share.py (of a
whole message) and rules.py (many rules, large sets), the store by store.py,
counting sessions by network by crowd.py, greylisting and a lost Redis by
greylist.py, the delivery memory by memory.py, filters (milters) beside Postfix
with the same by milters.py, log, statistics and journal by seen.py,
what replay takes of a journal by replayed.py.

Exit status 1 when a message or a session was lost or failed. A missed bar is
printed and does not change it: machines are noisy.
"""
import argparse
import json
import os
import shutil
import signal
import sys
import tempfile
import time

import checks
import crowd
import greylist
import memory
import milters
import loads
import replayed
import rules
import seen
import servers
import share
import store

JUDGED = "forepost-rules"
SERVED = ("relay", "large", "latency", "idle")	# by all servers in turn
ALL = (*SERVED, "checks", "share", "rules", "store", "crowd", "greylist",
       "memory", "milters", "seen", "replay")


class Report:
    def __init__(self):
        self.bars = []

    def bar(self, what, value, bar, unit, at_least=False):
        ok = value >= bar if at_least else value <= bar
        self.bars.append({"what": what, "value": value, "bar": bar,
                          "unit": unit, "ok": ok})
        word = "at least" if at_least else "at most"
        print(f"    {'ok    ' if ok else 'MISSED'} {what}: {value:.4g} "
              f"{unit} ({word} {bar:.4g})")

    def table(self, head, rows):
        widths = [max(len(str(row[i])) for row in [head, *rows])
                  for i in range(len(head))]
        for row in [head, *rows]:
            print("    " + "  ".join(
                str(cell).ljust(w) if i == 0 else str(cell).rjust(w)
                for i, (cell, w) in enumerate(zip(row, widths))))


def number(value, form="{:,.0f}"):
    return "-" if value is None else form.format(value)


def show_relay(bench, report):
    print("\nRelay of 4 KiB messages")
    for load, _, _ in loads.RELAY:
        def get(server, what):
            return bench.median(load, server, what)

        print(f"\n  {load}")
        direct = get("direct", "rate")
        report.table(
            ["", "messages/s", "of direct", "CPU us/message", "p50 us",
             "p99 us"],
            [[name, number(get(name, "rate")),
              f"{100 * get(name, 'rate') / direct:.0f} %",
              number(get(name, "cpu"), "{:.1f}"),
              number(get(name, "p50")), number(get(name, "p99"))]
             for name in bench.samples[load]])
        if "haproxy" in bench.samples[load]:
            report.bar("CPU per message, haproxy's", get("forepost", "cpu"),
                       get("haproxy", "cpu"), "us")
            report.bar("messages/s, haproxy's", get("forepost", "rate"),
                       get("haproxy", "rate"), "/s", at_least=True)
        if "postfix" in bench.samples[load]:
            report.bar("CPU per message, a quarter of Postfix's",
                       get("forepost", "cpu"), get("postfix", "cpu") / 4,
                       "us")


def show_large(bench, report, floods):
    print("\nLarge messages, a new connection each")
    for load, _, _ in loads.LARGE:
        def get(server, what):
            return bench.median(load, server, what)

        print(f"\n  {load}")
        direct = get("direct", "mb_s")
        report.table(
            ["", "MB/s", "of direct", "CPU us/message"],
            [[name, number(get(name, "mb_s")),
              f"{get(name, 'mb_s') / direct:.2f}",
              number(get(name, "cpu"))] for name in bench.samples[load]])
        report.bar("MB/s of direct", get("forepost", "mb_s") / direct, 0.55,
                   "", at_least=True)
    print("\n  twenty 50 MiB messages at once")
    report.table(["", "PSS before KiB", "rise KiB", "seconds"],
                 [[name, number(f["base"]), number(f["rise"]),
                   f"{f['seconds']:.1f}"] for name, f in floods.items()])
    report.bar("memory rises by", floods["forepost"]["rise"] / 1024, 64,
               "MiB")


def show_latency(bench, report):
    print("\nTime of one transaction on a new connection")
    for load in (loads.LATENCY, loads.LATENCY_ONE_CPU):
        direct = bench.median(load, "direct", "p50")
        added = {name: bench.median(load, name, "p50") - direct
                 for name in bench.samples[load]}
        print(f"\n  {load}")
        report.table(["", "p50 us", "added us", "p99 us"],
                     [[name, number(bench.median(load, name, "p50")),
                       number(added[name]),
                       number(bench.median(load, name, "p99"))]
                      for name in added])
        if "haproxy" in added:
            report.bar("added at p50, haproxy's", added["forepost"],
                       added["haproxy"], "us")


def show_idle(bench, report):
    print("\nIdle sessions after EHLO")
    rows = [(load, name, runs[0]) for load, by_name in bench.samples.items()
            if load.startswith("idle") for name, runs in by_name.items()]
    report.table(
        ["", "", "KiB each", "opening s", "new client p50 us", "p99 us",
         "direct p99 us"],
        [[load, name, f"{run['each']:.1f}", f"{run['opening']:.1f}",
          number(run["p50"]), number(run["p99"]), number(run["direct_p99"])]
         for load, name, run in rows])
    for load, name, run in rows:
        if name not in ("forepost", JUDGED):
            continue
        report.bar(f"{load}, {name}: memory of each", run["each"],
                   32 if "TLS" in load else 12, "KiB")
        report.bar(f"{load}, {name}: new client served (p99)",
                   run["p99"] / 1000, 10, "ms")


def start(bench, args, folder, sinks):
    """Each server in front of its own sink; what is missing is said."""
    plain = sinks["plain"]
    bench.servers["direct"] = servers.Server("direct", plain.port)
    bench.servers["forepost"] = servers.forepost(
        args.forepost, folder, plain)
    bench.servers["forepost-bdat"] = servers.forepost(
        args.forepost, folder, sinks["chunking"], "forepost-bdat")
    for name, begin in (
            ("haproxy", lambda: servers.haproxy(
                args.peers, folder, plain, os.cpu_count())),
            ("postfix", lambda: servers.postfix(args.peers, folder, plain))):
        if name in args.without.split(","):
            continue
        try:
            bench.servers[name] = begin()
        except servers.Missing as why:
            print(f"without {name}: {why}")


def stop(bench, *names):
    for name in names or list(bench.servers):
        server = bench.servers.pop(name)
        if server.program:
            server.program.stop()


def measure(bench, args, folder, sinks):
    floods = {}
    if not set(args.only) & set(SERVED):
        return floods
    start(bench, args, folder, sinks)
    bench.warm_up()
    if "latency" in args.only:
        loads.latency(bench, sinks.values())
    if "relay" in args.only:
        bench.servers[JUDGED] = servers.forepost(
            args.forepost, folder, sinks["plain"], JUDGED, rules="default")
        bench.warm_up()
        loads.relay(bench)
        stop(bench, JUDGED)
    if "large" in args.only:
        loads.large(bench)
        for name in ("forepost", "forepost-bdat"):
            floods[name] = loads.flood(bench, bench.servers[name])
    if "idle" in args.only:
        direct = bench.servers["direct"]
        if "haproxy" in bench.servers:
            loads.idle(bench, bench.servers["haproxy"], direct, False,
                       loads.LEVELS[:2])
        stop(bench)
        # A process that has served much keeps memory: each starts afresh.
        for name, tls, policy, levels in (
                ("forepost", False, "none", loads.LEVELS),
                (JUDGED, False, "default", loads.LEVELS[:2]),
                ("forepost", True, "none", loads.LEVELS)):
            server = servers.forepost(
                args.forepost, folder, sinks["plain"],
                f"idle-{name}-{'tls' if tls else 'clear'}", rules=policy)
            server.name = name
            bench.servers[name] = server
            loads.idle(bench, server, direct, tls, levels)
            stop(bench)
    return floods


def options():
    p = argparse.ArgumentParser(description=__doc__.split("\n\n")[0])
    here = os.path.dirname(os.path.abspath(__file__))
    p.add_argument("--forepost", default="./forepost", metavar="PATH")
    p.add_argument("--programs", default=here, metavar="FOLDER",
                   help="where source, sink and idle are")
    p.add_argument("--peers", metavar="FOLDER", help="where the packages of "
                   "other servers are unpacked (default: PROGRAMS/peers)")
    p.add_argument("--quick", action="store_true")
    p.add_argument("--only", default=",".join(ALL),
                   help="some of " + ",".join(ALL))
    p.add_argument("--without", default="", help="haproxy,postfix")
    p.add_argument("--repeat", type=int, default=0, metavar="N")
    p.add_argument("--json", metavar="FILE", help="all samples and bars")
    p.add_argument("--keep", action="store_true",
                   help="keep the temporary folder")
    args = p.parse_args()
    args.only = args.only.split(",")
    for name in args.only:
        if name not in ALL:
            p.error(f"--only {name}: expected some of {','.join(ALL)}")
    args.repeat = args.repeat or (2 if args.quick else 5)
    args.peers = args.peers or os.path.join(args.programs, "peers")
    for name in ("forepost", "programs", "peers"):
        setattr(args, name, os.path.abspath(getattr(args, name)))
    return args


def main():
    args = options()
    began = time.monotonic()
    folder = tempfile.mkdtemp(prefix="forepost-bench-")
    os.chmod(folder, 0o755)	# the servers drop their privileges
    bench = loads.Bench(args.programs, folder, args.quick, args.repeat)
    report, sinks, held = Report(), {}, 0
    checking = None

    # Told to stop, it stops what it started.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    print(f"measuring ({args.repeat} rounds)", flush=True)
    try:
        sinks["plain"] = servers.Sink(args.programs, folder)
        sinks["chunking"] = servers.Sink(args.programs, folder, "-c",
                                         name="sink-chunking")
        floods = measure(bench, args, folder, sinks)
        stop(bench)
        if {"checks", "share"} & set(args.only):
            checking = checks.Checks(bench, args.forepost, sinks["plain"])
        if "checks" in args.only:
            checks.measure(checking, lambda: stop(bench))
        if "share" in args.only:
            share.measure(checking)
        if "rules" in args.only:
            rules.measure(bench)
        if "store" in args.only:
            store.measure(bench, args.peers)
        if "crowd" in args.only:
            crowd.measure(bench)
        if "greylist" in args.only:
            greylist.measure(bench, args.forepost, sinks["plain"], args.peers)
        if "memory" in args.only:
            memory.measure(bench, args.forepost, sinks["plain"], args.peers)
        if "milters" in args.only:
            milters.measure(bench, args.forepost, sinks["plain"], args.peers)
        if "seen" in args.only:
            seen.measure(bench, args.forepost, sinks["plain"])
        if "replay" in args.only:
            replayed.measure(bench, args.forepost)
    finally:
        stop(bench)
        if checking:
            checking.stop()
        held = sum(int(s.stop().get("messages", 0)) for s in sinks.values())
        if not args.keep:
            shutil.rmtree(folder)
    if "relay" in args.only:
        show_relay(bench, report)
    if "large" in args.only:
        show_large(bench, report, floods)
    if "latency" in args.only:
        show_latency(bench, report)
    if "idle" in args.only:
        show_idle(bench, report)
    if "checks" in args.only:
        checks.show(checking, report)
    if "share" in args.only:
        share.show(checking, report)
    if "rules" in args.only:
        rules.show(bench, report)
    if "store" in args.only:
        store.show(bench, report)
    if "crowd" in args.only:
        crowd.show(bench, report)
    if "greylist" in args.only:
        greylist.show(bench, report)
    if "memory" in args.only:
        memory.show(bench, report)
    if "milters" in args.only:
        milters.show(bench, report)
    if "seen" in args.only:
        seen.show(bench, report)
    if "replay" in args.only:
        replayed.show(bench, report)
    missed = sum(not bar["ok"] for bar in report.bars)
    print(f"\nacknowledged {bench.acknowledged:,}, held by the sinks "
          f"{held:,}, failed {bench.failed:,}")
    print(f"bars: {len(report.bars) - missed} ok, {missed} MISSED; "
          f"{time.monotonic() - began:.0f} s")
    if args.json:
        with open(args.json, "w") as f:
            json.dump({"samples": bench.samples, "bars": report.bars,
                       "floods": floods}, f, indent=1)
    return held < bench.acknowledged or bench.failed > 0


if __name__ == "__main__":
    sys.exit(main())
