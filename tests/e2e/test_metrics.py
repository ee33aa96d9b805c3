"""/metrics, after real mail: as promtool, Prometheus' client library and a
Prometheus read it; and that no number ever falls."""
import os
import signal

import pytest

from kit.gateway import run
from kit.metrics import (ACCEPT, CLASSIC, OPENMETRICS, Prometheus, Text, fresh,
                         get, openmetrics_families, promtool)
from kit.peers import unpacked
from kit.ports import free_port
from kit.process import wait_until
from kit.running import MAIL, admin, stats

# A name that is awkward in each of the formats. No line end: the file of rules
# is named in a string of the settings, which has none.
ODD = 'a "b" c\\d {e}=, \u00fc'

RULES = """\
on rcpt {
	nobody: reject 550 5.1.1 "no" when rcpt.local is "nobody"
	observe reject 550 5.7.1 "would" when rcpt.local is "watched"
}
on message {
	reject 550 5.7.1 "spam" when header "Subject" contains "spam"
}
"""


def rules_file(gateway, name, text=RULES):
    path = gateway.path(name)
    with open(path, "w") as f:
        f.write(text)
    return '"%s"' % path.replace("\\", "\\\\").replace('"', '\\"')


def counted(start, rules=RULES, top=""):
    """A gateway with the endpoint, and its port."""
    port = free_port()
    gateway = start.gateway({"in": start.sink().url, "other":
                             start.sink().url}, start=False)
    path = rules_file(gateway, ODD, rules)
    gateway.configure(gateway.text(
        {"in": start.sink().url, "other": start.sink().url},
        "rules %s\nstats { address 127.0.0.1:%d }\n%s" % (path, port, top)))
    gateway.start()
    return gateway, port


def send(gateway):
    """Of each outcome one."""
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MAIL) == 250
        assert client.mail(MAIL.replace(b"hello", b"spam")) == 550
        assert client.envelope("a@sender.test", "watched@box.test") == 250
        client.cmd("RSET")
        assert client.envelope("a@sender.test", "nobody@box.test") == 550
        client.cmd("FOO")
        client.quit()


@pytest.fixture(scope="module")
def sent(module_start):
    gateway, port = counted(module_start)
    send(gateway)
    gateway.wait_line("session end")
    return gateway, port, unpacked("prometheus", module_start.work)


@pytest.mark.core
def test_classic_format(sent):
    gateway, port, tree = sent
    status, kind, text = fresh(port, "/metrics")
    assert (status, kind) == (200, CLASSIC)
    assert promtool(tree, text) == (0, "")
    seen = Text(text)
    assert seen.get("mails_total", listener="mx", outcome="delivered") == 1
    assert seen.get("mails_total", listener="mx", outcome="refused") == 1
    assert seen.get("mails_total", listener="mx", outcome="aborted") == 2
    assert seen.sum("mails_total") == 4
    assert seen.sum("sessions_total") == 1
    assert seen.sum("stage_seconds_count", stage="total") == 4
    assert seen.sum("commands_total", verb="RCPT") == 4
    assert seen.sum("commands_total", verb="RCPT", **{"class": "5"}) == 1
    assert seen.get("recipients_total", listener="mx", outcome="refused") == 1
    assert seen.get("workers", state="running") == 2
    assert seen.get("rule_hits_total", rule="nobody") == 1
    hits = {name for name in seen.labels("rule_hits_total", "rule")
            if seen.get("rule_hits_total", rule=name)}
    assert len(hits) == 2 and any(ODD in name for name in hits)
    assert seen.sum("rule_would_total") == 1
    assert seen.sum("backend_transactions_total", backend="in") == 1


@pytest.mark.core
def test_openmetrics(sent):
    gateway, port, tree = sent
    status, kind, text = fresh(port, "/metrics", ACCEPT)
    assert (status, kind) == (200, OPENMETRICS)
    assert text.endswith("\n# EOF\n")
    seen = Text(text)
    families = openmetrics_families(tree, text)
    for name, kind, unit, documentation, samples in families:
        assert documentation and kind in ("counter", "gauge", "histogram")
        assert unit in ("", "seconds", "bytes") and name.endswith(unit)
        for sample, labels, value in samples:
            assert seen.values[sample, frozenset(labels.items())] == value
    assert sum(len(f[4]) for f in families) == len(seen.values)


def test_both_formats_have_the_same(sent):
    gateway, port, tree = sent
    fresh(port, "/metrics")	# so that such requests are counted
    classic = Text(fresh(port, "/metrics")[2])
    opened = Text(get(port, "/metrics", ACCEPT)[2])
    # Of what is going on meanwhile nothing but the requests is counted.
    assert set(opened.values) - set(classic.values) == set()
    assert set(classic.values) == set(opened.values)
    moving = ("http_", "longest_turn", "stack_high", "dns_", "worker_")
    for key, value in classic.values.items():
        if not key[0].startswith(tuple("forepost_" + m for m in moving)):
            assert opened.values[key] == value, key


def test_all_that_is_counted_is_in_the_list(sent):
    gateway, port, tree = sent
    seen = Text(fresh(port, "/metrics")[2])
    listed = {}
    for line in run("stats", "--list").stdout.splitlines():
        name, kind, labels, help_ = line.split("\t")
        listed[name] = kind, set(filter(None, labels.split(","))), help_
    for name, kind in seen.kinds.items():
        assert listed[name][0] == kind
        assert listed[name][2] == seen.helps[name]
    for (name, labels), _ in seen.values.items():
        family = name if name in listed else name[:name.rindex("_")]
        assert {k for k, _ in labels} - {"le"} == listed[family][1], name
    assert len(listed) > 90


def test_plain_counters_agree(sent):
    gateway, port, tree = sent
    plain = stats(gateway)
    seen = Text(fresh(port, "/metrics")[2])
    assert plain["mails_delivered"] == seen.sum(
        "mails_total", outcome="delivered") == 1
    # A plain counter and a row of one name are the same thing.
    for name in ("sessions", "milter_answers", "milter_edits"):
        assert plain[name] == seen.sum(name + "_total"), name
    # But these two verbs are no commands.
    assert plain["commands"] == seen.sum("commands_total") - sum(
        seen.sum("commands_total", verb=v) for v in ("connect", "message"))
    for (name, labels), value in seen.values.items():
        bare = name[9:-6] if name.endswith("_total") else name[9:]
        if not labels and bare.startswith(("mails_", "recipients_", "rule")):
            assert plain[bare] == value, name


def test_reload_and_killed_workers(start):
    gateway, port = counted(start)
    before = None
    for turn in range(4):
        send(gateway)
        if turn == 1:
            path = rules_file(gateway, ODD, "# moved by a line\n" + RULES +
                              'on mail { tag new when sender is "x@y.test" }\n')
            assert path and admin(gateway, "reload").returncode == 0
        if turn == 2:
            names = {pid: open("/proc/%d/comm" % pid).read()
                     for pid in gateway.workers_alive()}
            for pid, name in names.items():
                if name.startswith("forepost-w"):
                    os.kill(pid, signal.SIGKILL)
            wait_until(lambda: len(gateway.lines("worker ended")) >= 4 or
                       stats(gateway)["worker_crashes"] == 2,
                       what="the workers to be missed")
            wait_until(lambda: Text(fresh(port, "/metrics")[2]).get(
                "workers", state="running") == 2, what="new workers")
        now = Text(fresh(port, "/metrics")[2])
        assert now.get("mails_total", listener="mx",
                       outcome="delivered") == turn + 1
        for key, value in (before.values if before else {}).items():
            if before.kinds.get(key[0]) != "gauge":
                # A rule that is gone and never acted is not shown.
                assert now.values.get(key, 0) >= value, key
        before = now
    hits = {name: now.get("rule_hits_total", rule=name)
            for name in now.labels("rule_hits_total", "rule")}
    assert hits["nobody"] == 4
    moved = sorted(v for name, v in hits.items() if ODD in name and v)
    assert moved == [2, 2]	# by its line before, and by that of now


def test_prometheus_reads_it(sent, start):
    gateway, port, _ = sent
    prometheus = start.keep(Prometheus(start.work, port))
    target = prometheus.target()
    assert (target["health"], target["lastError"]) == ("up", "")
    # It is "up" a moment before its answers have what it read.
    found = wait_until(lambda: prometheus.query("forepost_mails_total"),
                       what="the first reading")
    assert found[frozenset({"listener": "mx",
                            "outcome": "delivered"}.items())] == 1
    seen = Text(get(port, "/metrics")[2])
    assert set(prometheus.query("forepost_rule_hits_total")) == {
        frozenset({"rule": name}.items())
        for name in seen.labels("rule_hits_total", "rule")}
    whole = prometheus.query(
        'sum(forepost_stage_seconds_bucket%7Bstage="total",le="%2BInf"%7D)')
    assert list(whole.values()) == [4]
