"""What the guides show of rules and settings is true.

In docs/*.md and README.md a fenced block says what it is:

    ```rules                a file of rules: passes the check without a warning
    ```rules on mail        rules of that block alone; declarations are in front
    ```rules warns          a file, or rules, that the check warns of
    ```rules-test           tests of the file above it; they pass
    ```text NAME            a file of this name, for the rules below it
    ```conf                 settings, that pass `forepost check`
    ```error                what `forepost check --rules` says of the file above
    ```rules wrong          ... which is not right

and what is another system's, or no file, is one of OTHERS. The rules that come
along are beside each file: /usr/share/forepost/rules is that folder.
"""
import os
import re
import shutil

import pytest

from kit.gateway import run
from test_docs import check  # noqa: F401 (a fixture)

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../..")
OTHERS = ("", "sh", "text", "postfix", "hcl", "exim", "ini", "log", "yaml")
# Files, and how many of each kind they have at least: (rules, tests, conf)
GUIDES = {
    "README.md": (1, 1, 0),
    "docs/writing-rules.md": (9, 6, 4),
    "docs/rules-from-postfix.md": (4, 3, 1),
    "docs/rules-from-rspamd.md": (4, 3, 1),
    "docs/rules-from-exim.md": (3, 3, 0),
    "docs/rules-from-haraka.md": (4, 3, 1),
    "docs/milters.md": (0, 0, 7),
    "docs/operations.md": (0, 0, 2),
}
FENCE = re.compile(r"^```([^\n]*)\n(.*?)^```$", re.M | re.S)


def text_of(name):
    with open(os.path.join(TOP, name)) as f:
        return f.read()


def markdown():
    names = ["README.md"] + sorted(
        "docs/" + n for n in os.listdir(os.path.join(TOP, "docs"))
        if n.endswith(".md"))
    return [n for n in names if os.path.exists(os.path.join(TOP, n))]


class Block:
    def __init__(self, name, at, info, text):
        self.place = "%s:%d" % (name, at)
        words = info.split()
        self.kind = words[0] if words else ""
        self.words = words[1:]
        self.text = text
        self.tests = []         # of rules: those below
        self.error = None
        self.files = {}         # beside them

    def whole(self):
        """A file, of rules that are shown without their block too."""
        if self.words[:1] != ["on"]:
            return self.text
        return "on %s {\n%s}\n" % (self.words[1], self.text)


def blocks(name):
    text, files, rules, found = text_of(name), {}, None, []
    for fence in FENCE.finditer(text):
        at = text.count("\n", 0, fence.start()) + 1
        block = Block(name, at, fence[1], fence[2])
        if block.kind == "text" and block.words:
            files[block.words[0]] = block.text
        elif block.kind == "rules":
            rules = block
            block.files = dict(files)
            found.append(block)
        elif block.kind == "rules-test":
            assert rules is not None, block.place
            rules.tests.append(block)
        elif block.kind == "error":
            assert rules.words == ["wrong"], block.place
            rules.error = block
        elif block.kind == "conf":
            found.append(block)
        else:
            assert block.kind in OTHERS, "%s: %s" % (block.place, block.kind)
    assert text.count("\n```") == 2 * len(FENCE.findall(text)), name
    return found


ALL = [b for name in markdown() for b in blocks(name)]


@pytest.fixture
def place(work):
    """A function that puts a block into a folder, with what it needs."""
    def put(block):
        for name in os.listdir(os.path.join(TOP, "conf")):
            if name.endswith(".rules"):
                shutil.copy(os.path.join(TOP, "conf", name), work)
        text = block.whole().replace("/usr/share/forepost/rules", work)
        for name in re.findall(r"file \"([^\"]+)\"", text):
            with open(os.path.join(work, name), "w") as f:
                f.write(block.files.get(name, ""))
        path = os.path.join(work, "inbound.rules")
        with open(path, "w") as f:
            f.write(text)
        return path
    return put


def of_kind(kind, *words):
    return [pytest.param(b, id=b.place) for b in ALL if b.kind == kind and
            (not words or b.words == list(words))]


@pytest.mark.parametrize("block", of_kind("rules"))
def test_rules_pass_the_check(place, block):
    path = place(block)
    done = run("check", "--rules", path)
    if block.words == ["wrong"]:
        assert done.returncode == 1
        # The path is that of this run.
        shown = block.error.text
        assert shown in done.stdout.replace(path, "inbound.rules")
        return
    assert done.returncode == 0, "%s\n%s" % (done.stdout, block.text)
    # Of a part it is not known what other rules ask for.
    if block.words == [] or "warns" in block.words:
        assert ("warning" in done.stdout) == ("warns" in block.words), \
            "%s\n%s" % (done.stdout, block.text)


@pytest.mark.parametrize("block", [p for p in of_kind("rules")
                                   if p.values[0].tests])
def test_tests_of_rules_pass(place, block):
    path = place(block)
    text = "".join(t.text for t in block.tests)
    test = path.replace(".rules", ".test")
    with open(test, "w") as f:
        f.write(text)
    done = run("test", test)
    count = len(re.findall(r"^test \"", text, re.M))
    assert count > 0
    assert done.stdout.endswith("%d tests, 0 failed\n" % count), done.stdout


@pytest.mark.parametrize("block", of_kind("conf"))
def test_settings_pass_the_check(check, work, place, block):  # noqa: F811
    rules = [b for b in ALL if b.kind == "rules" and b.words == []
             and not b.files][0]
    for name in re.findall(r"^\s*rules +\"([^/\"]+)\"", block.text, re.M):
        shutil.copy(place(rules), os.path.join(work, "kept"))
        os.replace(os.path.join(work, "kept"), os.path.join(work, name))
    for name in os.listdir(os.path.join(TOP, "conf")):
        if name.endswith(".rules"):
            shutil.copy(os.path.join(TOP, "conf", name), work)
    text = block.text.replace("/usr/share/forepost/rules", work)
    # Of rules that put mail aside, as those that come along do, the check
    # says so once.
    if not re.search(r"^\s*quarantine ", text, re.M):
        text += "quarantine held\nbackend held { address smtp://192.0.2.1 }\n"
    # Filters `when rules` need some that name them.
    asked = re.findall(r"^\s*milter (\S+) \{[^}]*\bwhen +rules\b", text, re.M)
    if asked and not re.search(r"^\s*rules ", text, re.M):
        with open(os.path.join(work, "asks.rules"), "w") as f:
            f.write("on message {\n%s}\n" % "".join(
                "milter %s\n" % name for name in asked))
        text += "rules asks.rules\n"
    check(text)


@pytest.mark.parametrize("name", GUIDES)
def test_guides_have_what_they_had(name):
    """So that a fence that is written otherwise does not go unchecked."""
    of = [b for b in ALL if b.place.startswith(name + ":")]
    rules = [b for b in of if b.kind == "rules"]
    got = (len(rules), sum(len(b.tests) for b in rules),
           sum(b.kind == "conf" for b in of))
    assert all(g >= w for g, w in zip(got, GUIDES[name])), got
    # Each guide about another system shows some of its files.
    other = re.match(r"docs/rules-from-(\w+)", name)
    if other:
        kinds = {"postfix": "postfix", "exim": "exim", "rspamd": "hcl",
                 "haraka": "ini"}
        assert text_of(name).count("```" + kinds[other[1]]) >= 3


def test_guides_name_facts_and_actions_that_exist():
    """What stands in `code` in the text, and has the form of a fact."""
    facts = set(re.findall(r"^([a-z][\w.-]+)", run("facts").stdout, re.M))
    heads = {f.split(".")[0] for f in facts if "." in f} - {"rcpt"}
    for name in GUIDES:
        text = FENCE.sub("", text_of(name))
        for word in re.findall(r"`((?:%s)\.[\w-]+)`" % "|".join(
                sorted(heads)), text):
            assert word in facts or \
                    word.startswith(("dnsbl.", "milter.")) or \
                word.endswith((".rules", ".test", ".conf")), (name, word)
