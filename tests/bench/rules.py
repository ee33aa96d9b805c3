"""rules -- what the rules of a file cost: so far, its large sets.

The program sets measures in one process, a set and a sorted array beside each
other; figures are medians of several runs.
"""
import statistics
import subprocess
import tempfile

from process import fields

# Domains and networks: few, and as many as there will ever be.
SIZES = ((1000, 1000), (1_000_000, 500_000))
NAMES = ("domains", "networks")


def measure(bench):
    """samples["sets"]["1,000,000 domains"] = [{"load": ...}, ...]"""
    print("  large sets", flush=True)
    samples = bench.samples.setdefault("sets", {})
    for _ in range(bench.repeat):
        for sizes in SIZES:
            with tempfile.TemporaryDirectory(dir=bench.folder) as folder:
                run = subprocess.run(
                    [bench.tool("sets"), "-n", str(sizes[0]), "-m",
                     str(sizes[1]), folder], capture_output=True, text=True,
                    timeout=600)
            if run.returncode:
                raise RuntimeError(f"sets: {run.stderr}")
            for name, size, line in zip(NAMES, sizes,
                                        run.stdout.splitlines()):
                samples.setdefault(f"{size:,} {name}", []).append(
                    fields(line))


def show(bench, report):
    samples = bench.samples["sets"]

    def get(name, what):
        return statistics.median(run[what] for run in samples[name])

    print("\nSets, beside a sorted array (binary search for each suffix or "
          "prefix length)")
    report.table(
        ["", "load ms", "array ms", "memory MB", "array MB", "look-up ns",
         "array ns", "times faster"],
        [[name, f"{1e3 * get(name, 'load'):.1f}",
          f"{1e3 * get(name, 'plain_load'):.1f}",
          f"{get(name, 'memory') / 1e6:.2f}",
          f"{get(name, 'plain_memory') / 1e6:.2f}",
          f"{get(name, 'lookup'):.0f}", f"{get(name, 'plain_lookup'):.0f}",
          f"{get(name, 'plain_lookup') / get(name, 'lookup'):.1f}"]
         for name in samples])
    for name, ratio in (("1,000,000 domains", 2), ("500,000 networks", 4)):
        report.bar(f"{name}: load", get(name, "load"), 1, "s")
        report.bar(f"{name}: memory, the array's", get(name, "memory") / 1e6,
                   get(name, "plain_memory") / 1e6, "MB")
        report.bar(f"{name}: look-up, beside the array's",
                   get(name, "plain_lookup") / get(name, "lookup"), ratio,
                   "times faster", at_least=True)
