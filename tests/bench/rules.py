"""rules -- what the rules of a file cost: asking them, and its large sets.

The program evaluate asks many rules about a message whose facts are known;
sets measures in one process, a set and a sorted array beside each other.
Figures are medians of several runs.
"""
import statistics
import subprocess
import tempfile

from process import fields

# Domains and networks: few, and as many as there will ever be.
SIZES = ((1000, 1000), (1_000_000, 500_000))
NAMES = ("domains", "networks")


RULES = (30, 1000)	# a file as people write it, and a long one


def measure(bench):
    measure_evaluation(bench)
    measure_sets(bench)


def measure_evaluation(bench):
    """samples["evaluate"][1000] = [{"load": ...}, ...]"""
    print("  rules", flush=True)
    samples = bench.samples.setdefault("evaluate", {})
    for _ in range(bench.repeat):
        for size in RULES:
            run = subprocess.run(
                [bench.tool("evaluate"), "-n", str(size)],
                capture_output=True, text=True, timeout=600)
            if run.returncode:
                raise RuntimeError(f"evaluate: {run.stderr}")
            samples.setdefault(size, []).append(fields(run.stdout))


def measure_sets(bench):
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
    show_evaluation(bench, report)
    show_sets(bench, report)


def show_evaluation(bench, report):
    samples = bench.samples["evaluate"]

    def get(size, what):
        return statistics.median(run[what] for run in samples[size])

    print("\nRules of all phases and operators, asked about a message whose "
          "facts are known")
    report.table(
        ["", "load ms", "memory MB", "us a message", "with the trace",
         "ns a rule"],
        [[f"{size:,} rules", f"{1e3 * get(size, 'load'):.1f}",
          f"{get(size, 'memory') / 1e6:.2f}", f"{get(size, 'plain'):.1f}",
          f"{get(size, 'traced'):.1f}",
          f"{1e3 * get(size, 'plain') / get(size, 'rules'):.0f}"]
         for size in samples])
    report.bar("1,000 rules: a message", get(1000, "plain"), 200, "us")
    report.bar("1,000 rules: a message, with the trace",
               get(1000, "traced"), 500, "us")


def show_sets(bench, report):
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
