"""process -- programs that the benchmark starts, and what they use.

A Program is stopped by its own process id; nothing else is ever signalled.
Times are microseconds, memory KiB.
"""
import os
import re
import signal
import socket
import subprocess
import time

TICK = 1e6 / os.sysconf("SC_CLK_TCK")


def free_port():
    """A port that nobody uses now, outside the range of client ports."""
    for port in range(20000 + os.getpid() % 5000, 32000):
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
            except OSError:
                continue
        if port not in free_port.given:
            free_port.given.add(port)
            return port
    raise RuntimeError("no free port")


free_port.given = set()


def _stat_fields(pid):
    with open(f"/proc/{pid}/stat") as f:
        return f.read().rpartition(")")[2].split()


def family(pid):
    """The process and all its descendants that are alive."""
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                parent = int(_stat_fields(name)[1])
            except OSError:
                continue
            children.setdefault(parent, []).append(int(name))
    found = [pid]
    for one in found:
        found += children.get(one, [])
    return found


def _thread_time(pid):
    """CPU of all threads, by the scheduler's count: nanoseconds, not ticks."""
    total = 0
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/schedstat") as f:
            total += int(f.read().split()[0])
    return total / 1e3


class Program:
    def __init__(self, argv, folder, name, env=None):
        self.name = name
        self.output = os.path.join(folder, name + ".out")
        with open(self.output, "wb") as out:
            self.popen = subprocess.Popen(
                argv, stdin=subprocess.PIPE, stdout=out, stderr=out,
                cwd=folder, start_new_session=True, env=env)
        self.pid = self.popen.pid

    def cpu(self):
        """CPU so far, of the living and of those that ended."""
        total = 0
        for pid in family(self.pid):
            try:
                reaped = _stat_fields(pid)[13:15]
                total += _thread_time(pid) + TICK * sum(map(int, reaped))
            except OSError:
                continue
        return total

    def cpu_alone(self):
        """CPU of this one process, with its threads that ended."""
        clock = ~self.pid << 3 | 2	# as clock_getcpuclockid(3)
        return time.clock_gettime_ns(clock) / 1e3

    def pss(self):
        total = 0
        for pid in family(self.pid):
            try:
                with open(f"/proc/{pid}/smaps_rollup") as f:
                    total += int(re.search(r"^Pss:\s+(\d+)", f.read(),
                                           re.M).group(1))
            except (OSError, AttributeError):
                continue
        return total

    def run_on(self, cpus):
        """Binds all its threads to these processors."""
        for pid in family(self.pid):
            try:
                for thread in os.listdir(f"/proc/{pid}/task"):
                    os.sched_setaffinity(int(thread), cpus)
            except OSError:
                continue

    def wait_ready(self, port, seconds=15):
        """Until it greets on the port."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if self.popen.poll() is not None:
                break
            try:
                with socket.create_connection(("127.0.0.1", port), 2) as s:
                    s.settimeout(2)
                    if s.recv(3) == b"220":
                        s.sendall(b"QUIT\r\n")
                        s.recv(512)
                        return
            except OSError:
                pass
            time.sleep(0.05)
        raise RuntimeError(f"{self.name} does not serve: {self.said()}")

    def said(self):
        with open(self.output, errors="replace") as f:
            return f.read()[-2000:]

    def stop(self, how=signal.SIGTERM):
        """The signal, then after a while SIGKILL, for it and its children."""
        if self.popen.poll() is None:
            pids = family(self.pid)
            os.kill(self.pid, how)
            try:
                self.popen.wait(10)
            except subprocess.TimeoutExpired:
                for pid in pids:
                    try:
                        os.kill(pid, signal.SIGKILL)
                    except ProcessLookupError:
                        pass
                self.popen.wait()
        self.popen.stdin.close()
        return self.said()


def fields(line):
    """A line of name=value, as numbers."""
    return {k: float(v) for k, v in re.findall(r"(\w+)=([\d.]+)", line)}
