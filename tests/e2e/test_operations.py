"""docs/operations.md has everything that the gateway says and counts.

Each event of the log, each key, each counter, each series and each reply is
taken from the sources (kit/sources.py) and has to be in its table; a row about
something that does not exist is a failure, too. What is shown of the log is
made of lines that can be.
"""
import os
import re
import subprocess

import pytest

from kit import sources
from kit.gateway import run
from kit.peers import unpacked
from kit.ports import free_port
from kit.process import wait_until

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
NAME = "docs/operations.md"
# Said or counted by tests and tools alone, or not by the gateway.
# Series that metrics.c makes by itself.
OF_THE_WHOLE = ("build_info", "start_time_seconds",
                "configuration_generation", "workers")
LEVELS = ("debug", "info", "warn", "error", "bug")


def text_of(name=NAME):
    with open(os.path.join(TOP, name)) as f:
        return f.read()


def section(title, text=None):
    """Below a heading, up to the next one of its level."""
    text = text or text_of()
    m = re.search(r"^(#+) %s\n" % re.escape(title), text, re.M)
    assert m, title
    rest = text[m.end():]
    end = re.search(r"^#{1,%d} " % len(m[1]), rest, re.M)
    return rest[:end.start()] if end else rest


def rows(text):
    """Tables: lists of cells."""
    for line in text.splitlines():
        if line.startswith("| ") and not line.startswith("| ---"):
            yield [c.strip() for c in re.split(r" \| ", line[2:-1])]


def code(cell):
    return re.findall(r"`([^`]+)`", cell)


def table(*titles):
    """{what the first column names: the row}"""
    found = {}
    for row in (row for title in titles for row in rows(section(title))):
        for word in code(row[0]):
            assert word not in found, word
            found[word] = row
    return found


def assert_same(got, want, what):
    """Sets: both differences, so that one run shows all."""
    missing, extra = sorted(set(want) - set(got)), sorted(set(got) - set(want))
    assert not missing and not extra, \
        "%s: not in %s: %s\nnot in the program: %s" % (
            what, NAME, missing, extra)


# --- the log ---

EVENTS = ("Mail and sessions", "Backends, filters, lists, store",
          "The gateway itself")
KEYS = 'Keys of "mail done" and "session end"'


def test_every_event_of_the_log_has_its_row():
    assert_same(table(*EVENTS), sources.events(), "events")


def test_rows_of_events_have_labels():
    for title in EVENTS:
        for row in list(rows(section(title)))[1:]:
            assert len(row) == 4, row
            assert all(w in LEVELS for w in row[1].split(", ")), row


def keys_documented():
    text = section(KEYS)
    tables = [w for row in rows(text) for w in code(row[0])]
    others = code(text[text.index("Keys of other lines"):])
    return {w for w in tables if w != "by="} | set(others)


def test_every_key_of_the_log_is_explained():
    words = set(sources.endings())
    documented = keys_documented()
    assert words <= documented, words - documented
    keys = set(sources.keys())
    # Some words are both: an ending and a key.
    assert_same(documented - (words - keys), keys, "keys")


def test_every_ending_of_a_session_is_explained():
    text = section(KEYS)
    text = text[text.index("| `by=` |"):text.index("Keys of other lines")]
    words = [w for row in list(rows(text))[1:] for w in code(row[0])]
    assert_same(words, sources.endings(), "by=")


def test_every_outcome_of_a_mail_is_explained():
    row, = [r for r in rows(section(KEYS)) if r[0] == "`outcome`"]
    words = [w for _, w in sources.words("OUTCOME")]
    assert_same(code(row[1]), words, "outcome=")


def log_lines():
    for block in re.findall(r"^```log\n(.*?)^```$", text_of(), re.M | re.S):
        yield from block.splitlines()


def test_lines_that_are_shown_can_be_said():
    events, keys = sources.events(), sources.keys()
    plain = sorted((e for e in events if "..." not in e), key=len)
    for line in log_lines():
        m = re.match(r"2026-11-22T[\d:.]+Z (\w+) ([0-9a-f]{12}|-) (.*)", line)
        assert m and m[1] in LEVELS, line
        event = [e for e in plain if m[3].startswith(e + " ") or m[3] == e]
        assert event, line
        pairs = re.sub(r'"(?:[^"\\]|\\.)*"', "", m[3][len(event[-1]):])
        for key in re.findall(r" ([\w.-]+)=", pairs):
            assert key in keys, (key, line)


# --- replies ---

def documented_replies():
    found = {}
    for row in rows(section("Every reply of the gateway")):
        for word in re.findall(r"^`(.+)`$", row[0]):
            assert word not in found, word
            found[word] = row
    return found


def test_every_reply_has_its_row():
    assert_same(documented_replies(), sources.replies(), "replies")


def test_replies_stand_where_their_code_belongs():
    for title, first in (("Mail that comes again", "4"),
                         ("Mail that is refused", "5"),
                         ("Commands that are wrong", "5"),
                         ("All is well", "23")):
        for row in list(rows(section(title)))[1:]:
            assert row[0].startswith(tuple("`" + c for c in first)), row


# --- what is counted ---

def test_every_counter_has_its_row():
    documented = table("Counters")
    kinds = sources.counters()
    assert_same(documented, kinds, "counters")
    for name, row in documented.items():
        said = re.search(r"\((\w+)\)", row[0])
        assert (said[1] if said else "counter") == kinds[name].lower(), row


def test_every_series_has_its_row_with_its_labels():
    documented, known = table("Series"), sources.series()
    for name in OF_THE_WHOLE:
        documented.pop(name)
    assert_same(documented, known, "series")
    for name, row in documented.items():
        kind, labels = known[name]
        assert code(row[1]) == labels, (row, labels)
        assert row[2].startswith("histogram:") == (kind == "HISTOGRAM"), row


def test_all_that_is_shown_to_prometheus_has_its_row():
    known = {**table("Counters"), **table("Series")}
    shown = {re.sub("^forepost_|_total$", "", line.split("\t")[0])
             for line in run("stats", "--list").stdout.splitlines()}
    assert_same(known, shown, "metrics")


def test_names_in_the_text_exist():
    """forepost_... with the ends that a reader of /metrics puts there."""
    counters, series = sources.counters(), sources.series()
    known = {"forepost_NAME", *("forepost_" + n for n in OF_THE_WHOLE)}
    for name, kind in [*counters.items(),
                       *((n, k) for n, (k, _) in series.items())]:
        known.add("forepost_" + name)
        if kind == "COUNTER":
            known.add("forepost_%s_total" % name)
        if kind == "HISTOGRAM":
            known |= {"forepost_%s_%s" % (name, end)
                      for end in ("bucket", "sum", "count")}
    text = re.sub(r"forepost_NAME_\w+", "", text_of())
    for name in re.findall(r"\bforepost_\w+", text):
        assert name in known, name


def test_labels_in_queries_exist():
    known = sources.series()
    everywhere = {"le", "instance"} | {
        label for _, labels in known.values() for label in labels}
    text = text_of()
    for labels in re.findall(r"\bby \(([^)]+)\)", text):
        assert set(labels.split(", ")) <= everywhere, labels
    for name, label, value in re.findall(
            r'\bforepost_(\w+)\{(\w+)="([^"]+)"\}', text):
        name = re.sub("_(total|bucket|sum|count)$", "", name)
        assert label in known[name][1], (name, label)
        assert value in sources.words_of(name, label), (name, value)


# --- what is to be typed ---

def test_commands_that_are_shown_exist():
    subcommands, options = run("help").stdout.split("options:")
    for block in re.findall(r"^```sh\n(.*?)^```$", text_of(), re.M | re.S):
        for line in block.splitlines():
            m = re.match(r"(?:\S+ +\| *)?forepost (\w+)(.*)", line)
            if not m:
                continue
            assert re.search(r"^  %s " % m[1], subcommands, re.M), line
            for option in re.findall(r" (--\w+)", m[2].split("#")[0]):
                assert re.search(r"^  %s [^(]*\([^)]*\b%s\b" % (
                    option, m[1]), options, re.M), line


def shape(line):
    """What kind of line it is, and its keys."""
    words = re.sub(r'"(?:[^"\\]|\\.)*"', "", line).split()
    kind = words[0] if "=" not in words[0] else ""
    return kind, {w.split("=")[0] for w in words if "=" in w}


def shown(start_of_block):
    block, = [b for b in re.findall(r"^```text\n(.*?)^```$", text_of(),
                                    re.M | re.S)
              if b.startswith(start_of_block) and "worker 0" in b]
    return block.splitlines()


def test_status_that_is_shown_has_the_form_of_today(start, work):
    """Of each kind of line, no key that a gateway does not say; and all but
    those of trouble and of what is not there."""
    gateway = start.gateway(
        {"inside": "smtp://127.0.0.1:%d" % free_port()},
        top="stats { address 127.0.0.1:%d }\n"
        "milter clamav { address unix:%s/none  failure accept }\n" % (
            free_port(), work))

    def status():
        said = run("status", "--config", gateway.conf).stdout
        return said if "retry=" in said else None
    real = {}
    for line in wait_until(status, what="a backend that is down").splitlines():
        kind, keys = shape(line)
        real.setdefault(kind, set()).update(keys)
    trouble = {"failure", "failures", "why", "retry"}
    for line in shown("forepost 0"):
        kind, keys = shape(line)
        if kind in ("store", "journal", "dns"):	# none is asked here
            continue
        assert kind in real, line
        assert keys <= real[kind] | trouble, (line, real[kind])


def test_reload_and_drain_say_what_is_shown(start):
    gateway = start.gateway({"inside": "smtp://127.0.0.1:%d" % free_port()})
    done = run("reload", "--config", gateway.conf)
    assert done.stdout.startswith("reloaded: generation 2, 2 workers, ")
    assert "reloaded: generation 2, 2 workers, " in text_of()
    done = run("drain", "--config", gateway.conf)
    assert done.stdout == "draining, sessions open: 0\n"
    assert "draining, sessions open: 1\n" in text_of()


def test_links_lead_somewhere():
    text = text_of()
    anchors = {re.sub(r"[^\w\- ]", "", h.lower()).replace(" ", "-")
               for h in re.findall(r"^#+ (.*)$", text, re.M)}
    for name, anchor in re.findall(r"\]\(([\w.-]*)(?:#([\w-]+))?\)", text):
        if name:
            assert os.path.exists(os.path.join(TOP, "docs", name)), name
        else:
            assert anchor in anchors, anchor


def test_settings_that_are_named_exist():
    """Words of code that look like settings: with an underscore."""
    known = set(re.findall(r"^(?:\w+\.)?(\w+)", run("settings").stdout, re.M))
    known |= {*sources.counters(), *sources.series(), *OF_THE_WHOLE}
    known |= {m for m in re.findall(r"[a-z]+(?:_[a-z]+)+", text_of())
              if m.startswith("forepost_")}
    prose = re.sub(r"^```.*?^```$", "", text_of(), flags=re.M | re.S)
    foreign = {"default_process_limit", "smtp_accept_max", "max_map_count",
               "histogram_quantile"}
    for words in code(prose):
        for word in re.findall(r"(?<![\w.])[a-z]+(?:_[a-z]+)+", words):
            if words.startswith("_") or word in foreign:
                continue
            assert word in known, (word, words)


# --- Prometheus ---

def promtool(*arguments):
    path = os.path.join(unpacked("prometheus", TOP), "usr/bin/promtool")
    return subprocess.run([path, *arguments], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=60)


def yaml(kind):
    found = re.findall(r"^```yaml %s\n(.*?)^```$" % kind, text_of(),
                       re.M | re.S)
    assert found, kind
    return "".join(found)


@pytest.mark.parametrize("kind", ["config", "rules"])
def test_prometheus_takes_what_is_shown(work, kind):
    path = os.path.join(work, kind + ".yml")
    with open(path, "w") as f:
        f.write(yaml(kind).replace("/etc/prometheus/", work + "/"))
    for name in re.findall(re.escape(work) + r"/[\w.-]+", open(path).read()):
        if not os.path.exists(name):
            with open(name, "w") as f:
                f.write(yaml("rules") if name.endswith("rules.yml") else "x")
    done = promtool("check", kind, path)
    assert done.returncode == 0, done.stdout
