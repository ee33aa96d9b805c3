"""Filters that say anything at any stage: what the client is told, what the
backend gets, and what becomes of the session's next mail.

The filter is one on sendmail's library (tests/kit/milter_any); what that
library cannot say is said by one of our own (kit/raw_filter.py).
"""
import os
import re

import pytest

from kit.any_filter import AnyFilter
from kit.filtered import (MESSAGE, WITHOUT_A_WORD, Played, another, connect,
                          expected, filtered, new_client)
from kit.process import wait_until
from kit.raw_filter import CONN_FAIL, SHUTDOWN, RawFilter, reply

pytestmark = pytest.mark.core

STAGES = ("connect", "helo", "mail", "rcpt", "unknown", "data", "header",
          "eoh", "body", "eom")
LISTENERS = {
    # tell_at, reject_at
    "late": ("rcpt", "rcpt"),
    "late_at_once": ("rcpt", "connect"),
    "early": ("connect", "rcpt"),
    "early_at_once": ("connect", "connect"),
}

# What it says (words of milter_any), and what that is to the client: code,
# enhanced code, text. Code None: it passes; "drop": it is taken and thrown
# away; "failure": an answer that cannot be there.
PASSES = (None, "", "")
REFUSED = (550, "5.7.1", "Command rejected")
DEFERRED = (451, "4.7.1", "Service unavailable - try again later")
FAILED = (451, "4.7.1", "This cannot be checked now, try again later")
ANSWERS = {
    "continue": ("continue", PASSES),
    "accept": ("accept", PASSES),
    "reject": ("reject", REFUSED),
    "tempfail": ("tempfail", DEFERRED),
    "discard": ("discard", ("drop", "", "")),
    "skip": ("skip", ("failure", "", "")),
    "550": ("reply 550 5.7.9 Not today", (550, "5.7.9", "Not today")),
    "554": ("reply 554 5.6.0 spam, 100%%", (554, "5.6.0", "spam, 100%")),
    "450": ("reply 450 4.7.25 later", (450, "4.7.25", "later")),
    "lines": ("reply 551 5.7.0 one\ntwo\nthree",
              (551, "5.7.0", "one\n5.7.0 two\n5.7.0 three")),
    "421": ("reply 421 4.3.2 Go away", (421, "4.3.2", "Go away")),
}
# The same of a filter that is not bound to the library.
RAW_ANSWERS = {
    "shutdown": (SHUTDOWN, (421, "4.7.0", "Closing the connection")),
    "conn-fail": (CONN_FAIL, (WITHOUT_A_WORD, "", "")),
    "bare-code": (reply(b"550"), (550, "", "")),
    "no-enhanced": (reply(b"553 who are you"), (553, "", "who are you")),
    "421-lines": (reply(b"421-4.3.2 one\r\n421 4.3.2 two"),
                  (421, "4.3.2", "one\n4.3.2 two")),
}
EARLY = {"connect": "connect", "helo": "EHLO", "mail": "MAIL"}
LATER = {"unknown": "NONSENSE", "data": "DATA", "header": ".", "eoh": ".",
         "body": ".", "eom": "."}

AT = {"connect": "connect", "helo": "HELO", "mail": "MAIL", "rcpt": "RCPT",
      "unknown": '"unknown command"', "data": "DATA", "header": "header",
      "eoh": '"end of header"', "body": "body", "eom": '"end of message"'}
LETTERS = dict(zip(STAGES, (b"C", b"H", b"M", b"R", b"U", b"T", b"L", b"N",
                            b"B", b"E")))


def closes(code):
    return code in (421, WITHOUT_A_WORD)


def greeting(code):
    """421 closes, 554 waits for QUIT (RFC 5321 3.1)."""
    return code if closes(code) else 554 if code >= 500 else 421


def where_said(listener, stage, code, is_failure):
    """The steps at which the client is told a refusal."""
    tell_at, reject_at = LISTENERS[listener]
    if stage in LATER:
        if stage == "unknown" and is_failure:
            return ["NONSENSE", "DATA"]
        return [LATER[stage]]
    if stage == "rcpt":
        return ["RCPT 1", "RCPT 2"] if is_failure else ["RCPT 1"]
    if tell_at == "connect" and (reject_at == "connect" or closes(code)):
        return [EARLY[stage]]
    return ["RCPT 1", "RCPT 2"] + ["again"] * (stage != "mail")


def outcome(listener, stage, answer):
    """(reply by step, whether the first mail is thrown away)"""
    code, enhanced, text = answer
    is_failure = code == "failure" and not stage == "body"
    if code == "drop" and stage == "unknown":
        is_failure = True
    if is_failure:
        code, enhanced, text = FAILED
    if code in (None, "drop", "failure"):
        return {}, code == "drop"
    said = {}
    for step in where_said(listener, stage, code, is_failure):
        said[step] = (code, enhanced, text)
    if "connect" in said:
        said["connect"] = (greeting(code), "", text)
    return said, False


def check_reply(told, code, enhanced, text):
    prefix = enhanced + " " if enhanced else ""
    lines = (prefix + text).split("\n")
    assert told.enhanced == enhanced, told
    assert len(told.lines) == len(lines), told
    for i, line in enumerate(lines[:-1]):
        assert told.lines[i] == "%d-%s" % (code, line), told
    # The last one names the session.
    assert told.lines[-1].startswith("%d %s" % (code, lines[-1])), told
    assert re.search(r"(^|[ ])\[[0-9a-f]{12}\]$", told.text), told


def check(session, said, is_dropped, sink):
    """What the client was told and the backend got."""
    assert session.codes == expected(
        {step: reply[0] for step, reply in said.items()})
    for step, (code, enhanced, text) in said.items():
        if step == "connect":	# no enhanced codes there
            text = re.sub(r"\n\d\.\d\.\d ", "\n", text)
        if step in session.replies:
            check_reply(session.replies[step], code, enhanced, text)
    taken = session.taken()
    if is_dropped:
        assert taken.pop(session.message)
    assert session.delivered(sink) == taken


def check_log(session, stage, said, is_dropped, gateway, milter):
    """The line that explains it, and the mail's own."""
    lines = session.log(gateway)
    told = [line for line in lines if " milter decided " in line or
            " milter failed " in line]
    if not said and not is_dropped:
        assert told == []
        return
    assert re.search(" milter=%s at=%s " % (milter, AT[stage]), told[0])
    assert len(told) == 1
    done = [line for line in lines if " mail done id=1 " in line]
    if "." in session.codes and session.codes["."] != 250:
        assert " milter=%s " % milter in done[0]
    if is_dropped:
        assert " verdict=discard " in told[0]
        assert " outcome=discarded " in done[0]


@pytest.fixture(scope="module")
def place(module_start):
    """A gateway, the filters, the backend."""
    any_filter = module_start.keep(AnyFilter(module_start.work)).start()
    raw = module_start.keep(RawFilter(module_start.work))
    sink = module_start.sink()
    settings = "\taddress \"%s\"\n\ttell_at %s\n\tretry_time 100ms"
    listeners = {}
    for name, (tell_at, reject_at) in LISTENERS.items():
        for prefix, url in (("", any_filter.url), ("raw_", raw.url)):
            listeners[prefix + name] = (
                "\treject_at %s" % reject_at,
                settings % (url, tell_at))
    gateway = filtered(module_start, listeners, {"in": sink.url})
    gateway.any, gateway.raw, gateway.sink = any_filter, raw, sink
    return gateway


def which(stage, name, client):
    """The call of the filter at which it answers (milter_any)."""
    sender = "<1.%s@sender.test>|" % name
    return {"connect": client + "|", "helo": name + ".test||",
            "mail": sender + "<1.", "rcpt": sender + "<1.%s@box" % name,
            "header": sender + "X-Filter",
            "unknown": "NONSENSE-" + name}.get(stage, sender)


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("listener", LISTENERS)
def test_answers(place, listener, stage):
    sessions, plan = [], []
    for answer, (words, meaning) in ANSWERS.items():
        if stage in ("connect", "helo") and answer in ("skip", "discard"):
            continue	# test_milter_failures.py: what cannot be said there
        name = "%s-%s-%s-x" % (listener.replace("_", "-"), stage, answer)
        client = new_client()
        argument = words.partition(" ")[2]
        plan.append((stage, which(stage, name, client),
                     words.split(" ")[0]) + ((argument,) if argument else ()))
        sessions.append((name, client, meaning))
    place.any.plan(*plan)
    for name, client, meaning in sessions:
        session = Played(place.at[listener], name, client)
        result = outcome(listener, stage, meaning)
        check(session, *result, place.sink)
        check_log(session, stage, *result, place, listener + "0")


@pytest.mark.parametrize("stage", STAGES)
@pytest.mark.parametrize("listener", LISTENERS)
def test_answers_that_the_library_has_not(place, listener, stage):
    for answer, (octets, meaning) in RAW_ANSWERS.items():
        name = "%s-%s-%s-x" % (listener.replace("_", "-"), stage, answer)
        place.raw.fault(LETTERS[stage], octets)
        session = Played(place.at["raw_" + listener], name)
        assert place.raw.faults == []
        result = outcome(listener, stage, meaning)
        check(session, *result, place.sink)
        check_log(session, stage, *result, place, "raw_%s0" % listener)


# --- what the filter hears behind its answer ---

FIELDS = ["header"] * 6
MESSAGE_STEPS = FIELDS + ["eoh", "body", "eom"]
FIRST = ["connect", "helo", "mail", "rcpt", "rcpt", "unknown",
         "data"] + MESSAGE_STEPS
SECOND = ["mail", "rcpt", "data"] + MESSAGE_STEPS


def heard_after(stage, answer):
    """The steps told to a filter that gives this answer there."""
    said = FIRST.index(stage) + (6 if stage == "header" else 1)
    if stage in ("connect", "helo"):
        return FIRST[:said] + ["close"]
    if answer == "reject" and stage in ("rcpt", "unknown"):
        return FIRST + SECOND + ["close"]
    # Elsewhere the library knows by itself that it is over.
    abort = ["abort"] if stage == "rcpt" and answer == "discard" else []
    return FIRST[:said] + abort + SECOND + ["close"]


@pytest.mark.parametrize("stage, answer", [
    (stage, answer) for stage in STAGES
    for answer in ("accept", "reject", "discard")
    if answer != "discard" or stage not in ("connect", "helo", "unknown")])
def test_heard_behind_an_answer(place, stage, answer):
    name = "heard-%s-%s-x" % (stage, answer)
    client = new_client()
    place.any.plan((stage, which(stage, name, client), answer))
    Played(place.at["early"], name, client)
    wait_until(lambda: place.any.heard(client + "|")[-1][1] == "close",
               what="the end of the filter's session")
    steps = [step for _, step, _ in place.any.heard(client + "|")]
    assert steps == heard_after(stage, answer)


# --- other ways of a message ---

@pytest.mark.parametrize("stage", ("data", "header", "body", "eom"))
def test_chunks(place, stage):
    """DATA has no command of its own then: the first BDAT is it."""
    name = "bdat-%s-x" % stage
    place.any.plan((stage, "1.%s@" % name, "reject"))
    message = MESSAGE + b"." * 70000 + b"\r\n"
    with connect(place.at["late"]) as client:
        client.ehlo()
        client.envelope("1.%s@sender.test" % name, "b@box.test")
        client.send(b"BDAT 100\r\n" + message[:100])
        first = client.reply()
        if stage == "data":
            assert (first.code, first.enhanced) == (550, "5.7.1")
            assert client.cmd("BDAT 0 LAST") == 503
        else:
            assert first == 250
            client.send(b"BDAT %d LAST\r\n" % len(message[100:]) +
                        message[100:])
            last = client.reply()
            assert (last.code, last.enhanced) == (550, "5.7.1")
        assert client.mail(message, "2.%s@sender.test" % name,
                           how="BDAT") == 250
        client.quit()
    assert [m.sender for m in place.sink.messages if name in m.sender] == [
        "2.%s@sender.test" % name]
    assert place.sink.messages[-1].data.endswith(message)


def test_prdr(place):
    """A refusal of the message is for all: one reply."""
    rcpts = ["%d.prdr-x@box.test" % n for n in (1, 2, 3)]
    place.any.plan(("eom", "1.prdr-x@", "reply", "550 5.7.9 none of you"),
                   ("rcpt", "|<1.prdr-x@box", "reject"))
    with connect(place.at["late"]) as client:
        assert "PRDR" in client.ehlo()
        for sender, code in (("1.prdr-x@sender.test", 550),
                             ("2.prdr-x@sender.test", 250)):
            client.cmd("MAIL FROM:<%s> PRDR" % sender)
            assert [client.cmd("RCPT TO:<%s>" % r).code for r in rcpts] == [
                550, 250, 250]
            assert client.data(MESSAGE) == code
        client.quit()
    assert [(m.sender, m.rcpts) for m in place.sink.messages
            if "prdr-x" in m.sender] == [("2.prdr-x@sender.test", rcpts[1:])]


def test_smtputf8(place):
    """Addresses go as they came, and texts come back if the mail may have
    them."""
    sender, rcpt = "1.ütf-x@sender.test", "jörg@box.test"
    place.any.plan(("rcpt", "<jörg@", "reply", "550 5.7.9 für jörg nicht"),
                   ("rcpt", "<jorg@", "reply", "550 5.7.9 für jorg nicht"))
    with connect(place.at["late"]) as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<%s> SMTPUTF8" % sender) == 250
        refused = client.cmd("RCPT TO:<%s>" % rcpt)
        assert refused.lines[0].startswith("550 5.7.9 für jörg nicht")
        assert client.cmd("RCPT TO:<jürg@box.test>") == 250
        assert client.data(MESSAGE) == 250
        assert client.cmd("MAIL FROM:<2.utf-x@sender.test>") == 250
        refused = client.cmd("RCPT TO:<jorg@box.test>")
        assert refused.enhanced == "5.7.9" and refused.lines[0].isascii()
        client.quit()
    assert place.any.heard("|<%s>|<%s>" % (sender, rcpt))
    sent = place.sink.messages[-1]
    assert (sent.sender, sent.rcpts) == (sender, ["jürg@box.test"])


def test_a_refused_recipient_is_not_in_the_message(place):
    """Though the backend had taken him: its transaction is begun anew."""
    rcpts = ["%d.alone-x@box.test" % n for n in range(5)]
    place.any.plan(*(("rcpt", "|<%s>" % rcpts[n], word) for n, word in (
        (1, "reject"), (2, "tempfail"))),
        ("rcpt", "|<%s>" % rcpts[3], "reply", "452 4.5.3 in another mail"))
    with connect(place.at["late"]) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<1.alone-x@sender.test>")
        replies = [client.cmd("RCPT TO:<%s>" % r) for r in rcpts]
        assert [(r.code, r.enhanced) for r in replies] == [
            (250, "2.1.5"), (550, "5.7.1"), (451, "4.7.1"), (452, "4.5.3"),
            (250, "2.1.5")]
        assert client.data(MESSAGE) == 250
        client.quit()
    sent = place.sink.messages[-1]
    assert sent.rcpts == [rcpts[0], rcpts[4]]
    done = place.wait_line("mail done .*from=<1.alone-x@sender.test>")[-1]
    assert " rcpts=2 refused=3 " in done and " outcome=delivered " in done


def test_recipients_refused_behind_the_message(start):
    """By a filter that a rule has told of the mail only then: each has his
    own fate."""
    any_filter, sink = start.keep(AnyFilter(start.work)), start.sink()
    any_filter.plan(("rcpt", "<no@box", "reply", "550 5.7.9 not you"),
                    ("rcpt", "<later@box", "tempfail"))
    any_filter.start()
    rules = os.path.join(start.work, "in.rules")
    with open(rules, "w") as f:
        f.write("on message { milter in0 }\n")
    gateway = filtered(start, {"in": (
        "", "\taddress \"%s\"\n\twhen rules" % any_filter.url)},
        {"in": sink.url}, 'store { address "lmdb:var/store" }\n'
        'rules "%s"\n' % rules)
    message = another()

    def send(*names, params=""):
        """Of RCPT and, if there is one, of the message."""
        with connect(gateway.at["in"]) as client:
            client.ehlo()
            client.cmd("MAIL FROM:<a@sender.test> SIZE=%d%s" % (
                len(message), params))
            codes = [client.cmd("RCPT TO:<%s@box.test>" % n).code
                     for n in names]
            if 250 in codes:
                codes.append(client.data(message).code)
            if codes[-1] == 353:
                codes += [client.reply().code for _ in range(
                    codes.count(250) + 1)]
            client.quit()
        return codes
    assert send("no") == [250, 550]
    assert send("no", "later") == [250, 250, 451]
    assert sink.messages == []
    # By its size it is seen at RCPT that it is another one.
    message = another() + b"two\r\n"
    assert send("one", "no", "later", params=" PRDR") == [
        250, 250, 250, 353, 250, 550, 451, 250]
    assert sink.messages[-1].rcpts == ["one@box.test"]
    message = another() + b"three\r\n"
    assert send("one", "no", "two", "later") == [250] * 4 + [451]
    assert sink.messages[-1].rcpts == ["one@box.test", "two@box.test"]
    # The memory knows what became of each.
    any_filter.plan(("rcpt", "<no@box", "reply", "550 5.7.9 not you"))
    assert send("one", "no", "two", "later") == [250, 550, 250, 250, 250]
    assert sink.messages[-1].rcpts == ["later@box.test"]
    assert len(sink.messages) == 3


TEXTS = {
    "escape": b"550 5.7.1 \x1b[31mred\x07\x7f",
    "8-bit": b"550 5.7.1 \xc3\xa4 \xff\xfe",
    "long": b"550 5.7.1 " + b"x" * 950,
    "many": b"\r\n".join([b"550-5.7.1 line"] * 31 + [b"550 5.7.1 last"]),
    "many-long": b"\r\n".join([b"550-5.7.1 " + b"y" * 900] * 31 +
                              [b"550 5.7.1 last"]),
    "empty-lines": b"550-5.7.1 \r\n550-\r\n550 5.7.1 ",
    "looks-like-more": b"550 5.7.1 a 250 ok 550-5.7.1",
    "percent": b"550 5.7.1 %%s %n %%%%x",
}


@pytest.mark.parametrize("name", TEXTS)
def test_odd_texts(place, name):
    """Whatever they are, the client has one reply in lines that may be."""
    place.raw.fault(b"M", reply(TEXTS[name]))
    with connect(place.at["raw_early_at_once"]) as client:
        client.ehlo()
        client.send(b"MAIL FROM:<a@sender.test>\r\nNOOP\r\n")
        lines = []
        while not lines or lines[-1][3:4] == "-":
            lines.append(client.line())
        assert client.reply() == 250	# that to NOOP
        assert client.cmd("MAIL FROM:<a@sender.test>") == 250
        client.quit()
    assert all(re.fullmatch(r"550[ -](5\.7\.1)?[ -~]*", line) and
               len(line) <= 510 for line in lines), lines
    assert re.search(r"\[[0-9a-f]{12}\]$", lines[-1])
