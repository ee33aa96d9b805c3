"""The live page in a browser: its numbers are those of the gateway, a mail is
found and explained, and whatever strangers write is text."""
import json

import pytest

from kit.client import Client
from kit.paged import (fetch, metric, number, open_page, quiet, rows,
                       stats_json, up_to_date, watched)
from kit.process import wait_until

MAIL = b"From: a@x.test\r\nSubject: %s\r\n\r\nHello.\r\n"
# (sender, recipients, subject): how often; what becomes of them.
LOAD = [
    (7, "a@fine.test", "b@box.test", b"good"),
    (3, "a@bad.test", "b@box.test", b"good"),	# told at RCPT
    (4, "a@odd.test", "b@box.test", b"good"),	# scored, observed
    (2, "a@fine.test", "nobody@box.test", b"good"),
    (5, "a@fine.test", "later@box.test", b"good"),
    (6, "a@fine.test", "b@box.test", b"unwanted things"),
]


@pytest.fixture(scope="module")
def loaded(module_start):
    """A gateway that has had the load, and nothing since."""
    gateway = watched(module_start)
    for count, sender, rcpt, subject in LOAD:
        for _ in range(count):
            with gateway.client() as client:
                client.ehlo()
                client.mail(MAIL % subject, sender, rcpt)
                client.quit()
    Client(gateway.other).quit()
    wait_until(lambda: metric(gateway, "forepost_sessions_ended_total") ==
               28, what="the sessions' ends")
    return gateway


def since_start(page, where, name):
    return {row[name].lstrip("\u2713\u25b2\u2716\u25cb "):
            number(row["Since start"]) for row in rows(page, where)}


def test_numbers(browser, loaded):
    page = open_page(browser, loaded)
    up_to_date(page, loaded)
    mails = since_start(page, "#mails-sums", "Outcome")
    rcpts = since_start(page, "#rcpts-sums", "Outcome")
    ends = since_start(page, "#ends-sums", "Ended by")
    assert mails["delivered"] == 11 and mails["refused"] == 6, mails
    assert rcpts == {"taken": 17, "refused": 5, "deferred": 5}, rcpts
    for sums, name, label in ((mails, "mails", "outcome"),
                              (rcpts, "recipients", "outcome"),
                              (ends, "sessions_ended", "by")):
        for word, count in sums.items():
            assert count == metric(loaded, "forepost_%s_total" % name,
                                   **{label: word}), (name, word)
        assert sum(sums.values()) == metric(loaded,
                                            "forepost_%s_total" % name)
    tiles = dict(zip(*(page.evaluate(
        "[...document.querySelectorAll('#tiles %s')].map((e) => "
        "e.textContent)" % e) for e in ("dt", "dd.quiet"))))
    assert tiles["Mails delivered"] == "11 since start"
    assert tiles["Mails refused"] == "6 since start"
    assert tiles["Recipients refused"] == "5 since start"
    assert tiles["Sessions open"] == "28 since start"
    quiet(page, loaded)


def test_rules(browser, loaded):
    page = open_page(browser, loaded)
    up_to_date(page, loaded)
    table = {row["Rule"]: row for row in rows(page, "#rules-table")}
    acted = {rule: number(row["Acted since start"])
             for rule, row in table.items()}
    assert acted == {"known-bad": 3, "in.rules:4": 4, "trial": 0,
                     "in.rules:8": 2, "later": 5, "subjects": 6}
    would = {rule: number(row["Would have since start"])
             for rule, row in table.items()}
    assert {r: n for r, n in would.items() if n} == {"trial": 4}
    for rule, count in acted.items():
        assert count == metric(loaded, "forepost_rule_hits_total", rule=rule)
    assert table["subjects"]["What it did last"] == "reject"
    assert table["trial"]["What it did last"] == "would reject"
    assert table["later"]["At"] == loaded.path("in.rules:9")


def test_times(browser, loaded):
    page = open_page(browser, loaded)
    page.evaluate("document.querySelector('[name=span][value=\"0\"]').click()")
    up_to_date(page, loaded)
    table = {row["Stage"]: row for row in rows(page, "#times-table")}
    for stage in ("connect", "helo", "mail", "rcpt", "data", "message",
                  "backend", "total"):
        count = metric(loaded, "forepost_stage_seconds_count", stage=stage)
        if count:
            assert number(table[stage]["Number"]) == count, stage
            assert table[stage]["p99"] != "\u2013"
    assert number(table["data"]["Number"]) >= 17


def test_health(browser, loaded):
    page = open_page(browser, loaded)
    up_to_date(page, loaded)
    workers = rows(page, "#workers")
    told = stats_json(loaded)["workers"]
    assert sorted(int(w["Process"]) for w in workers) == \
        sorted(w["pid"] for w in told)
    assert all("running" in w["State"] for w in workers)
    (backend,) = rows(page, "#backends")
    assert backend["Backend"] == "in" and "up" in backend["State"]
    page.evaluate("document.querySelector('[name=span][value=\"0\"]').click()")
    (backend,) = rows(page, "#backends")
    assert number(backend["Taken"]) == metric(
        loaded, "forepost_backend_transactions_total", result="taken") >= 11
    assert page.text("#badge").endswith("all well")
    assert page.text("#alarms").strip() == "\u2713 Nothing needs you."
    assert "gw.e2e.test" in page.text("h1")


def test_refused_mail_is_explained(browser, loaded):
    """By the id that its sender was told."""
    with loaded.client() as client:
        client.ehlo()
        reply = client.mail(MAIL % b"unwanted 4711", "why@fine.test")
        client.quit()
    assert reply == 554
    found = json.loads(fetch(loaded, "transactions.json?sender=why@"))
    (mail,) = found["transactions"]
    session, name = mail["session"], "%s.%d" % (mail["session"], mail["id"])
    assert session in reply.text

    page = open_page(browser, loaded)
    page.evaluate("document.querySelector('#find [name=id]').focus()")
    page.write(session)
    page.key("Enter")
    page.until("document.querySelector('#detail').open && "
               "document.querySelector('#detail h3') !== null")
    text = page.text("#detail")
    for what in ("refused", "554 5.7.1 not with this subject",
                 "subjects (%s)" % loaded.path("in.rules:12"), "why@fine.test", "unwanted 4711",
                 "client.ip", "127.0.0.1", "b@box.test"):
        assert what in text, (what, text)
    # The trace: the condition as it is written, and what was read for it.
    assert 'header "Subject" contains "unwanted"' in text
    assert "Subject = unwanted 4711" in text
    assert page.evaluate("location.hash") == "#id=" + session
    quiet(page, loaded)

    # The same by a link that somebody has sent.
    page = open_page(browser, loaded, "#id=" + name)
    page.until("document.querySelector('#detail h3') !== null")
    assert "subjects (%s)" % loaded.path("in.rules:12") in page.text("#detail")
    page.key("Escape")
    page.until("!document.querySelector('#detail').open")
    # And one that there is not.
    page.evaluate("location.hash = 'id=000000000000.1'")
    page.until("document.querySelector('#detail [role=alert]') !== null")
    assert "forepost explain 000000000000.1" in page.text("#detail")
    # Another, in the moment in which that is closed.
    page.evaluate("document.querySelector('#detail').close(); "
                  "location.hash = 'id=%s'" % name)
    page.until("document.querySelector('#detail h3') !== null && "
               "document.querySelector('#detail').open")
    assert page.evaluate("location.hash") == "#id=" + name


def test_observed_mail_says_what_would_have_been(browser, loaded):
    page = open_page(browser, loaded, "#sender=a@odd.test")
    page.until("document.querySelectorAll('#mails-table tbody tr').length "
               "=== 4")
    page.click("#mails-table tbody td")
    page.until("document.querySelector('#detail h3') !== null")
    text = page.text("#detail")
    assert "would have said: reject 550 5.7.1 \u201cperhaps\u201d by trial" \
        in text.replace("\n", ""), text
    assert "score 2.50" in text


def test_search(browser, loaded):
    page = open_page(browser, loaded, "#verdict=refused&rule=subjects")
    page.until("document.querySelector('#found').textContent.includes("
               "'subjects')")
    found = rows(page, "#mails-table")
    assert len(found) >= 6
    assert {row["Rule"] for row in found} == {"subjects"}
    assert page.evaluate("document.querySelector('#find').elements.verdict"
                         ".value") == "refused"
    page.evaluate("document.querySelector('#find [type=reset]').click()")
    page.until("document.querySelectorAll('#mails-table tbody tr').length "
               "> 20")
    page.evaluate("document.querySelector('#rules-table a').click()")
    page.until("document.querySelector('#find').elements.rule.value !== ''")
    quiet(page, loaded)


def test_a_listener_alone(browser, loaded):
    page = open_page(browser, loaded)
    page.until("!document.querySelector('#listeners').hidden")
    page.evaluate("""(() => { const s = document.querySelector('#listener');
        s.value = 'other';
        s.dispatchEvent(new Event('change', {bubbles: true})); })()""")
    assert rows(page, "#mails-sums") == []
    assert page.evaluate("[...document.querySelectorAll('#tiles dd.quiet')]"
                         ".slice(0, 3).map((e) => e.textContent)") == [
        "1 since start", "0 since start", "0 since start"]


def test_load_is_seen(browser, start):
    """Over time: the rate that the page shows is that of the counters."""
    gateway = watched(start)
    page = open_page(browser, gateway)
    with gateway.client() as client:
        client.ehlo()
        for _ in range(40):
            assert client.mail(MAIL % b"good") == 250
        client.quit()
    # The area of the chart is the number of mails.
    page.until("""Math.abs(40 - main.traffic.mails.points.reduce(
        (n, p, i, all) => n + p.values[0] * (p.t -
        (i > 0 ? all[i - 1].t : past.readings[0].at)), 0)) < 0.1""")
    assert page.evaluate("document.querySelectorAll('.drawing .area').length"
                         ) > 0
    label = page.evaluate(
        "document.querySelector('.drawing').getAttribute('aria-label')")
    assert label.startswith("Mails, by the second, over "), label
    assert "delivered now " in label and "at most " in label
    page.evaluate("document.querySelector('.chart summary').click()")
    page.until("document.querySelectorAll('.chart tbody tr').length > 0")
    quiet(page, gateway)
    gateway.stop()
