"""Other people's dialogues with filters (milter-go-dj), played through the
gateway: filters that behave as that set says, what the client is told at each
step, and what the backend has in the end.

A decision @FROM is said at MAIL there: the listener has `tell_at connect` and
`reject_at connect`. AUTH is the LOGIN of XCLIENT here. Discarded mail and
such that is put into quarantine must not reach its recipients.
"""
import glob
import os
import re

import pytest

from kit import samples
from kit.filtered import filtered, split_received
from kit.client import Client
from kit.raw_filter import (CONTINUE, DISCARD, REJECT, TEMPFAIL, RawFilter,
                            add_header, add_rcpt, change_header,
                            change_sender, delete_rcpt, insert_header,
                            quarantine, replace_body, reply)

FOLDER = "milter-go-dj/testcases"
FROM, TO = "from@example.com", "to@example.com"


class Case:
    """One mail of a file: what is said, and what is to come of it."""

    def __init__(self):
        self.begins = []		# STARTTLS, AUTH
        self.sender, self.resets = FROM, False
        self.rcpts, self.rcpts_before = [], []
        self.header = self.body = None
        self.decision, self.reply = None, []
        self.sent = {}		# FROM, TO, HEADER, BODY as the backend has it


def read(path):
    """The cases of a file: behind a decision and what comes of it the next
    one begins, at a comment."""
    with open(path) as f:
        lines = iter(f.read().splitlines())
    case, cases = Case(), []
    for line in lines:
        word, _, rest = line.partition(" ")
        address = re.sub(r"^<(.*?)>.*", r"\1", rest)
        if line.startswith("#"):
            if case.decision:
                cases.append(case)
                case = Case()
        elif word == "DECISION":
            case.decision = rest
        elif word[:3].isdigit():
            case.reply.append(line)
        elif word in ("HEADER", "BODY"):
            text = "".join(part + "\r\n" for part in iter(
                lambda: next(lines), "."))
            if case.decision:
                case.sent[word] = text
            else:
                setattr(case, word.lower(), text)
        elif case.decision and word in ("FROM", "TO"):
            case.sent.setdefault(word, []).append(address)
        elif word == "FROM":
            case.sender = address
        elif word == "TO":
            case.rcpts.append(address)
        elif word == "RESET":
            case.rcpts_before, case.rcpts = case.rcpts, []
        else:
            assert word in ("STARTTLS", "AUTH"), line
            case.begins.append((word, rest))
    return cases + [case]


# --- filters, by folder ---

def local_part(session, letter):
    """Of the last such address, its name."""
    data = session.data_of(letter)
    return data[-1].strip(b"<").split(b"@")[0].decode() if data else ""


def auth(session, letter, data):
    if letter != b"M":
        return None
    macros = {**session.macros.get(b"H", {}), **session.macros[b"M"]}
    if b"{tls_version}" not in macros:
        return reply(b"500 No starttls")
    if macros.get(b"{auth_authen}") == b"user1@example.com":
        return reply(b"502 Ok")
    return reply(b"501 No authentication")


def body(session, letter, data):
    if letter == b"E" and local_part(session, b"M") == "add":
        return replace_body(session.body() + b"two\r\n") + CONTINUE
    return None


def header(session, letter, data):
    if letter != b"E":
        return None

    def before(name):
        """Our Received counts as one; the first is below it."""
        names = [n for n, _ in session.fields()]
        return names.index(name) + 1 if name else 1

    def insert(place, *names):
        return b"".join(insert_header(place + i, n, b"Test")
                        for i, n in enumerate(names))
    adds = add_header(b"X-ADD1", b"Test") + add_header(b"X-ADD2", b"Test")
    firsts = insert(before(None), b"X-First1", b"X-First2")
    edits = {
        "add": adds,
        "add-first": firsts,
        "add-middle": insert(before(b"Subject"), b"X-Middle1", b"X-Middle2"),
        "subject": change_header(1, b"Subject", b"changed"),
        "del": change_header(1, b"Subject", b""),
        "multi": insert(before(b"Date"), b"X-Before-DATE") + firsts +
        change_header(1, b"Subject", b"") + adds,
        "multiline": add_header(b"X-MultiLine", b"Line1\n\tLine2\n\tLine3"),
        "change-to": change_header(
            1, b"To", b"<to@example.com>,\n <to@example.org>"),
    }
    return edits[local_part(session, b"M")] + CONTINUE


def macro(session, letter, data):
    if letter == b"M" and not session.macros[b"C"].get(b"j"):
        return reply(b"500 no j")
    return None


WORDS = {"temp-fail": TEMPFAIL, "reject": REJECT, "discard": DISCARD,
         "custom": reply(b"555 5.0.0 custom"),
         "quarantine": quarantine(b"test") + CONTINUE}


def mail_from(session, letter, data):
    name = local_part(session, b"M")
    if name in ("temp-fail", "reject", "discard", "custom"):
        return WORDS[name] if letter == b"M" else None
    if letter == b"E" and name == "change":
        return change_sender(b"<another@example.com>") + CONTINUE
    return WORDS[name] if letter == b"E" and name == "quarantine" else None


def rcpt_to(session, letter, data):
    name = local_part(session, b"R")
    if letter == b"R":
        return {"reject-one": REJECT, "discard-one": DISCARD}.get(name)
    if letter == b"T":
        return WORDS.get(name) if name != "quarantine" else None
    another = add_rcpt(b"<another@example.com>")
    return {
        "quarantine": WORDS["quarantine"],
        "add": another + CONTINUE,
        "change": delete_rcpt(b"<change@example.com>") + another + CONTINUE,
    }.get(name) if letter == b"E" else None


def several(session, letter, data):
    if letter == b"M" and local_part(session, b"M") == "reject-me":
        return reply(b"550-5.7.1 We do not like you\r\n"
                     b"550 5.7.1 very much, please go away")
    if letter == b"R" and local_part(session, b"R") == "other-spammer":
        return REJECT
    return None


FILTERS = {"auth": auth, "body": body, "header": header, "macro": macro,
           "mail-from": mail_from, "rcpt-to": rcpt_to, "milter": several}
CASES = sorted(glob.glob(os.path.join(samples.vectors(), FOLDER, "*/*")))


# --- the gateway ---

class Place:
    def __init__(self, start, authority):
        self.sinks = [start.sink() for _ in range(2)]
        self.raws = [start.keep(RawFilter(start.work)) for _ in range(2)]
        lines = "\treject_at connect\n\txclient 127.0.0.0/8\n" \
            "\tcertificate \"%s\"\n\tkey \"%s\"" % authority.issue(
                "gw.e2e.test")
        settings = ["\taddress \"%s\"\n\ttell_at connect\n\tmax_idle 0" %
                    r.url for r in self.raws]
        self.gateway = filtered(start, {
            "one": (lines, settings[0]), "milter": (lines, *settings)},
            {"in": self.sinks[0].url, "spam": self.sinks[1].url},
            "quarantine spam\n")

    def client(self, folder):
        at = self.gateway.at["milter" if folder == "milter" else "one"]
        client = Client(at, before=b"PROXY UNKNOWN\r\n")
        client.ehlo()
        return client


@pytest.fixture(scope="module")
def place(module_start, authority):
    return Place(module_start, authority)


def message_of(case):
    text = (case.header or "From: <%s>\r\nSubject: test\r\n" % FROM) + \
        "\r\n" + (case.body or "test\r\n")
    return text.encode()


def begin(client, case):
    for word, argument in case.begins:
        if word == "STARTTLS":
            client.starttls()
        else:
            assert client.cmd("XCLIENT LOGIN=" + argument) == 220
        client.ehlo()


def talk(client, case):
    """The step at which the mail was decided, and the reply."""
    for rcpts in filter(None, (case.rcpts_before, case.rcpts or [TO])):
        told = client.cmd("MAIL FROM:<%s>" % case.sender)
        if told != 250:
            return "FROM", told
        taken = [told for told in (client.cmd("RCPT TO:<%s>" % r)
                                   for r in rcpts) if told == 250]
        if rcpts is case.rcpts_before:
            client.cmd("RSET")
    if not taken:
        return "TO", told
    told = client.cmd("DATA")
    if told != 354:
        return "DATA", told
    client.send(message_of(case) + b".\r\n")
    return "EOM", client.reply()


def check_sent(case, sent):
    """What is not named is as it was sent."""
    ours, text = split_received(sent.data)
    head, _, rest = text.decode().partition("\r\n\r\n")
    assert [sent.sender] == case.sent.get("FROM", [case.sender])
    assert sorted(sent.taken) == sorted(case.sent.get("TO", [TO]))
    expected = case.sent.get("HEADER")
    if expected:
        assert "Received: placeholder\r\n" + head + "\r\n" == expected
    assert rest == case.sent.get("BODY", case.body or "test\r\n")


@pytest.mark.parametrize("path", CASES, ids=lambda p: "/".join(
    p.removesuffix(".testcase").split("/")[-2:]))
def test_script(place, path):
    folder = os.path.basename(os.path.dirname(path))
    for raw in place.raws:
        raw.answer = FILTERS[folder]
    with place.client(folder) as client:
        for case in read(path):
            for sink in place.sinks:
                sink.clear()
            begin(client, case)
            step, told = talk(client, case)
            decision, _, at = case.decision.partition("@")
            if at == "FROM":
                assert step == "FROM"
            if case.reply:
                assert [re.sub(r" \[[0-9a-f]+\]$", "", line)
                        for line in told.lines] == case.reply
            assert told.code // 100 == {
                "REJECT": 5, "TEMPFAIL": 4, "CUSTOM": 5}.get(decision, 2)
            delivered = place.sinks[0].messages
            assert len(delivered) == (decision == "ACCEPT")
            if delivered:
                check_sent(case, delivered[0])
            client.cmd("RSET")
        client.quit()


def test_number_of_scripts(vectors):
    assert len(CASES) == 36
    assert {p.split("/")[-2] for p in CASES} == set(FILTERS)
