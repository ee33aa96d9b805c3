"""store -- what operations on the store cost, and a large LMDB.

Processes do one kind of operation as fast as they can, with many fibers in
each for Redis, which is asked over a Unix socket; then records are made, of
which a tenth end at once.
"""
import os
import statistics
import subprocess

import servers
from process import fields

PROCESSES = (1, 2)
FIBERS = {"lmdb": 1, "redis": 50}
OPERATIONS = 20000
RECORDS = 10_000_000
QUICK_RECORDS = 1_000_000


def run(bench, *args):
    done = subprocess.run([bench.tool("store"), *map(str, args)],
                          capture_output=True, text=True, timeout=3600)
    if done.returncode:
        raise RuntimeError(f"store: {done.stderr}")
    return done.stdout.splitlines()


def measure_operations(bench, kind, place):
    """samples["store"]["lmdb, 2 processes"]["get"] = [{"rate": ...}, ...]"""
    samples = bench.samples.setdefault("store", {})
    for turn in range(bench.repeat):
        for processes in PROCESSES:
            for line in run(bench, "-f", FIBERS[kind], "-p", processes,
                            "-o", OPERATIONS, place(turn, processes)):
                verb, _, rest = line.partition(" ")
                name = f"{kind}, {processes} process" + (
                    "es" if processes > 1 else "")
                samples.setdefault(name, {}).setdefault(verb, []).append(
                    fields(rest))


def measure(bench, peers):
    print("  store", flush=True)
    measure_operations(bench, "lmdb", lambda *which: os.path.join(
        bench.folder, "store-" + "-".join(map(str, which))))
    try:
        server, socket = servers.redis(peers, bench.folder)
    except servers.Missing as why:
        print(f"without redis: {why}")
    else:
        try:
            measure_operations(bench, "redis", lambda *_: socket)
        finally:
            server.stop()
    print("  many records", flush=True)
    records = QUICK_RECORDS if bench.quick else RECORDS
    bench.samples["records"] = {records: [
        fields(line) for line in run(
            bench, "-n", records, os.path.join(bench.folder, "many"))]}


def show(bench, report):
    print("\nOperations on the store, as fast as they go")
    rows = []
    for name, verbs in bench.samples["store"].items():
        for verb, runs in verbs.items():
            rows.append([name, verb] + [
                form.format(statistics.median(r[what] for r in runs))
                for what, form in (("rate", "{:,.0f}"), ("cpu", "{:.1f}"),
                                   ("failed", "{:.0f}"))])
    report.table(["", "", "a second", "CPU us", "failed"], rows)
    for records, (made, swept, paced) in bench.samples["records"].items():
        print(f"\nLMDB with {records:,} records, a tenth of which end")
        report.table(
            ["", "file MB", "lookup us", "change p50 us",
             "p99", "worst", "sweep s", "CPU us a record", "behind ms"],
            [["", f"{made['file'] / 1e6:,.0f}",
              f"{made['lookup']:.2f}", f"{paced['p50']:.0f}",
              f"{paced['p99']:.0f}", f"{paced['worst']:,.0f}",
              f"{swept['sweep']:.0f}", f"{swept['cpu']:.2f}",
              f"{swept['behind']:.1f}"]])
        report.bar("a lookup", made["lookup"], 10, "us")
        report.bar("a change (p99)", paced["p99"] / 1000, 1, "ms")
