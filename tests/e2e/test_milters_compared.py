"""The same filter and the same mail, behind Postfix and behind the gateway.

A filter on sendmail's library writes down each call, argument and macro
(tests/kit/milter_record.c). What it was told in each dialogue, what the client
was told and what came out behind are compared line by line. Whatever differs
is in the table of kit/differences.py, which docs/milters.md repeats.
"""
import os

import pytest

from kit import differences as table
from kit.compared import differences
from kit.dialogues import DIALOGUES
from kit.mta import ForepostMta, PostfixMta

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)),
                    "../../docs/milters.md")
BEGIN, END = "## How this differs from Postfix\n", "\n## "
NAMED = {d.name: d for d in DIALOGUES}
# With the settings as they are, filters hear of clients later.
LATE = (
    "plain mail", "two mails", "RSET, then a mail", "HELO twice",
    "all recipients are refused", "all recipients are refused, and told",
    "a refused recipient that is told", "leaves behind MAIL",
    "nothing but QUIT", "unknown commands", "accept at helo",
    "550 5.7.9 the filter says no at connect",
    "550 5.7.9 the filter says no at helo",
    "550 5.7.9 the filter says no at mail",
    "421 4.7.8 the filter closes at connect")


@pytest.fixture(scope="module")
def postfix(module_start, authority):
    return PostfixMta(module_start, authority)


@pytest.fixture(scope="module")
def forepost(module_start, authority):
    return ForepostMta(module_start, authority)


@pytest.fixture(scope="module")
def seen():
    """Which dialogues were had, and which rows they showed."""
    return set(), set()


def explained(name, lines, seen):
    seen[0].add(name)
    open_lines = []
    for line in lines:
        rows = [d for d in table.DIFFERENCES if d.explains(name, line)]
        seen[1].update(rows)
        if not rows:
            open_lines.append(line)
    return open_lines


def test_names_are_different():
    assert len(NAMED) == len(DIALOGUES) >= 30


@pytest.mark.parametrize("name", NAMED)
def test_dialogue(postfix, forepost, seen, name):
    a, b = postfix.have(NAMED[name]), forepost.have(NAMED[name])
    assert explained(name, differences(a, b), seen) == []


@pytest.mark.parametrize("name", LATE)
def test_dialogue_by_default(postfix, forepost, seen, name):
    a, b = postfix.have(NAMED[name]), forepost.have(NAMED[name], "late")
    assert explained(table.LATE + name, differences(a, b), seen) == []


def test_each_row_is_seen(postfix, forepost, seen):
    """Whatever dialogues were had before, all are now."""
    for name in set(NAMED) - seen[0]:
        test_dialogue(postfix, forepost, seen, name)
    for name in LATE:
        if table.LATE + name not in seen[0]:
            test_dialogue_by_default(postfix, forepost, seen, name)
    assert [d.cells[0] for d in table.DIFFERENCES if d not in seen[1]] == []


def test_id(forepost):
    """`i` is the session's, of a mail with its number behind it."""
    heard = forepost.have(NAMED["two mails"]).heard
    ids = [c.macros["i"] for c in heard if "i" in c.macros]
    first, second = ids[0] + ".1", ids[0] + ".2"
    assert list(dict.fromkeys(ids)) == [ids[0], first, second]
    assert forepost.gateway.lines(ids[0] + " session end ")


def test_page_has_the_table():
    with open(PAGE) as f:
        text = f.read()
    section = text.partition(BEGIN)[2].partition(END)[0]
    assert table.page().strip() in section, table.page()
