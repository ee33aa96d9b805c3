"""The statistics endpoint as its readers see it: Prometheus' own programs, its
client library as a strict reader of OpenMetrics, and what neither looks at."""
import collections
import http.client
import json
import os
import re
import subprocess
import sys
import time

from kit.peers import unpacked
from kit.ports import free_port
from kit.process import PATIENCE, Process, wait_until

CLASSIC = "text/plain; version=0.0.4; charset=utf-8"
OPENMETRICS = "application/openmetrics-text; version=1.0.0; charset=utf-8"
# What Prometheus asks with.
ACCEPT = ("application/openmetrics-text;version=1.0.0,"
          "application/openmetrics-text;version=0.0.1;q=0.75,"
          "text/plain;version=0.0.4;q=0.5,*/*;q=0.1")

SAMPLE = re.compile(r'([a-z_:][a-z0-9_:]*)(?:\{(.*)\})? (\S+)\Z')
LABEL = re.compile(r'([a-z_]+)="((?:[^"\\\n]|\\["\\n])*)"(?:,|\Z)')


def get(port, path, accept=None):
    """Status, Content-Type and text."""
    connection = http.client.HTTPConnection("127.0.0.1", port,
                                            timeout=PATIENCE)
    try:
        connection.request("GET", path,
                           headers={"Accept": accept} if accept else {})
        answer = connection.getresponse()
        return (answer.status, answer.getheader("Content-Type"),
                answer.read().decode("utf-8", "strict"))
    finally:
        connection.close()


def fresh(port, path, accept=None):
    """What is asked for within a second may be the same answer."""
    time.sleep(1.05)
    return get(port, path, accept)


def promtool(tree, text):
    done = subprocess.run([os.path.join(tree, "usr/bin/promtool"), "check",
                           "metrics"], input=text.encode(),
                          capture_output=True, timeout=30)
    return done.returncode, (done.stdout + done.stderr).decode()


def labels_of(text):
    """A dictionary; nothing may be left over and no label come twice."""
    labels, at = {}, 0
    while at < len(text):
        found = LABEL.match(text, at)
        assert found, text
        assert found.group(1) not in labels, text
        labels[found.group(1)] = re.sub(
            r"\\(.)", lambda m: "\n" if m.group(1) == "n" else m.group(1),
            found.group(2))
        at = found.end()
    return labels


class Text:
    """Either format, checked for what promtool lets pass: each family in one
    piece, behind its HELP and TYPE; no series twice; histograms that are
    cumulative and agree with their counts."""

    def __init__(self, text):
        assert text.endswith("\n") and "\r" not in text
        self.kinds, self.helps = {}, {}
        self.values = {}	# (name, frozenset of labels): number
        family = None
        lines = text[:-1].split("\n")
        if lines[-1] == "# EOF":
            lines.pop()
        for line in lines:
            assert not re.search("[\x00-\x1f\x7f-\x9f]", line), repr(line)
            if line.startswith("# HELP "):
                family, text = line[7:].split(" ", 1)
                assert family not in self.helps and text, line
                self.helps[family] = text
            elif line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                assert name == family and name not in self.kinds, line
                self.kinds[name] = kind
            elif line.startswith("# UNIT "):
                name, unit = line[7:].split(" ")
                assert name == family and name.endswith("_" + unit), line
            else:
                self.sample(family, line)
        self.check_histograms()

    def sample(self, family, line):
        found = SAMPLE.match(line)
        assert found, line
        name, labels, number = found.groups()
        kind = self.kinds[family]
        ends = {"counter": ("", "_total"), "gauge": ("",),
                "histogram": ("_bucket", "_count", "_sum")}[kind]
        assert name in [family + end for end in ends], (family, line)
        key = name, frozenset(labels_of(labels or "").items())
        assert key not in self.values, line
        self.values[key] = float(number)
        assert self.values[key] >= 0 or kind == "gauge", line

    def check_histograms(self):
        series = collections.defaultdict(list)
        for (name, labels), value in self.values.items():
            if name.endswith("_bucket"):
                rest = frozenset((k, v) for k, v in labels if k != "le")
                series[name[:-7], rest].append(
                    (float(dict(labels)["le"]), value))
        for (name, labels), buckets in series.items():
            assert buckets == sorted(buckets), (name, labels)
            assert [n for _, n in buckets] == sorted(n for _, n in buckets)
            assert buckets[-1] == (float("inf"),
                                   self.values[name + "_count", labels])
            assert (name + "_sum", labels) in self.values
            longest = max([le for (le, n), before in zip(
                buckets, [0.0] + [n for _, n in buckets]) if n > before] or
                [0.0])
            assert self.values[name + "_sum", labels] <= \
                longest * buckets[-1][1] or longest == float("inf")
        assert len(series) == sum(
            1 for name, _ in self.values if name.endswith("_count") and
            self.kinds.get(name[:-6]) == "histogram")

    def get(self, name, **labels):
        return self.values["forepost_" + name, frozenset(labels.items())]

    def sum(self, name, **labels):
        wanted = set(labels.items())
        return sum(v for (n, have), v in self.values.items()
                   if n == "forepost_" + name and wanted <= have)

    def labels(self, name, label):
        return {dict(have)[label] for n, have in self.values
                if n == "forepost_" + name}


def openmetrics_families(tree, text):
    """As Prometheus' client library reads it, which is strict. In a process of
    its own: the library is not installed."""
    program = ("import json, sys\n"
               "from prometheus_client.openmetrics.parser import "
               "text_string_to_metric_families as read\n"
               "print(json.dumps([[f.name, f.type, f.unit, f.documentation,"
               " [[s.name, s.labels, s.value] for s in f.samples]]"
               " for f in read(sys.stdin.read())]))")
    done = subprocess.run(
        [sys.executable, "-c", program], input=text.encode(),
        capture_output=True, timeout=60,
        env=dict(os.environ, PYTHONIOENCODING="utf-8", PYTHONPATH=os.path.join(
            tree, "usr/lib/python3/dist-packages")))
    assert done.returncode == 0, done.stderr.decode()[-2000:]
    return json.loads(done.stdout)


class Prometheus:
    """The server, with one target that it reads each second."""

    def __init__(self, work, target):
        self.tree = unpacked("prometheus", work)
        self.port = free_port()
        self.work = os.path.join(work, "prometheus")
        os.makedirs(self.work)
        config = os.path.join(self.work, "prometheus.yml")
        with open(config, "w") as f:
            f.write("scrape_configs:\n"
                    "  - job_name: forepost\n"
                    "    scrape_interval: 1s\n"
                    "    scrape_timeout: 1s\n"
                    "    static_configs:\n"
                    "      - targets: ['127.0.0.1:%d']\n" % target)
        self.process = Process("prometheus", [
            os.path.join(self.tree, "usr/bin/prometheus"),
            "--config.file=" + config,
            "--storage.tsdb.path=" + os.path.join(self.work, "data"),
            "--web.listen-address=127.0.0.1:%d" % self.port],
            os.path.join(self.work, "log"))
        self.process.wait_listening(("127.0.0.1", self.port))

    def api(self, path):
        status, _, text = get(self.port, "/api/v1/" + path)
        return json.loads(text)["data"] if status == 200 else None

    def target(self):
        """The target, once it was read."""
        def find():
            targets = (self.api("targets") or {}).get("activeTargets")
            return targets and targets[0]["health"] != "unknown" and \
                targets[0]
        return wait_until(find, what="Prometheus to read its target")

    def query(self, expression):
        """Values by their labels."""
        found = self.api("query?query=" + expression)["result"]
        return {frozenset((k, v) for k, v in one["metric"].items()
                          if k not in ("__name__", "job", "instance")):
                float(one["value"][1]) for one in found}

    def stop(self):
        self.process.stop()
