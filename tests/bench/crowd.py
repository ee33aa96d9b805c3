"""crowd -- what it costs to count sessions by network over all workers.

The program crowd plays workers that have as many sessions as they may, each of
another client. Figures are medians of several runs.
"""
import statistics
import subprocess

from process import fields

WORKERS = (1, 2, 8, 64)


def measure(bench):
    """samples["crowd"][2] = [{"visit_ns": ...}, ...]"""
    print("  sessions by network", flush=True)
    samples = bench.samples.setdefault("crowd", {})
    for _ in range(bench.repeat):
        for workers in WORKERS:
            run = subprocess.run(
                [bench.tool("crowd"), "-s", str(workers)],
                capture_output=True, text=True, timeout=600)
            if run.returncode:
                raise RuntimeError(f"crowd: {run.stderr}")
            samples.setdefault(workers, []).append(fields(run.stdout))


def show(bench, report):
    samples = bench.samples["crowd"]

    def get(workers, what):
        return statistics.median(run[what] for run in samples[workers])

    print("\nSessions by network: workers with 20,000 sessions each")
    report.table(
        ["workers", "enter and leave ns", "count ns", "memory KB a worker"],
        [[workers, f"{get(workers, 'visit_ns'):.0f}",
          f"{get(workers, 'count_ns'):,.0f}",
          f"{get(workers, 'octets') / 1e3:,.0f}"] for workers in samples])
    # A session enters once and counts twice.
    report.bar("8 workers: a session", (get(8, "visit_ns") +
                                        2 * get(8, "count_ns")) / 1000, 5,
               "us")
