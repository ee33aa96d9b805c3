"""Texts of rules, with facts that a stranger has chosen: none of them adds a
line to a reply, to the header or to the log, or writes to a terminal."""
import email
import email.policy
import re

import pytest

from kit.ruled import MESSAGE, Swaks, client_at, ruled

pytestmark = pytest.mark.core

# What is done with it, by the client's address.
ACTIONS = ("reject", "defer", "quarantine", "add", "replace", "prefix", "log")
RULES = """
on message {
	when client.ip is 192.0.2.1 { reject 550 5.7.1 "S: SUBJECT" }
	when client.ip is 192.0.2.2 { defer "S: SUBJECT" }
	when client.ip is 192.0.2.3 { quarantine "S: SUBJECT" }
	when client.ip is 192.0.2.4 { add header "X-S" "S: SUBJECT" }
	when client.ip is 192.0.2.5 { replace header "X-Old" "S: SUBJECT" }
	when client.ip is 192.0.2.6 { prefix subject "[{header \\"Subject\\"}]" }
	when client.ip is 192.0.2.7 { log "S: SUBJECT" }
}
""".replace("SUBJECT", '{header \\"Subject\\"}')
HOSTILE = {
    "lines": b"=?utf-8?q?a=0D=0AX-Evil:_1=0D=0A=0D=0Abody=0D=0A.=0D=0A?=",
    "bare lines": b"=?utf-8?q?a=0AX-Evil:_1?= =?utf-8?q?=0DX-Evil:_2?=",
    "folded": b"a\r\n X-Evil: 1\r\n\t550 no",
    "a reply": b"=?utf-8?q?=0D=0A250_2.0.0_Ok=0D=0A221_Bye?=",
    "nul": b"=?utf-8?q?a=00b?=",
    "escapes": b"\x1b[31mred\x1b[0m\x07\x9b2J =?utf-8?q?=1B]0;title=07?=",
    "quotes": b"a \"quoted\" \\\\ \\n 'word' \" rule=x action=accept",
    "templates": b"{score} {header \"To\"} {{ }} %s%n%99999d",
    "long": b"word " * 2048,
    "one long word": b"x" * 900 + b"\r\n " + b"y" * 900,
    "octets": b"\xff\xfe\x80 \xc3",
    "separators": "\u2028X-Evil: 1\u2029\u0085X-Evil: 2\u202e".encode(),
    "other scripts": "\u00fcber \U0001f600 \u65e5\u672c".encode() * 60,
    "empty": b"",
}
ALLOWED = {"X-Forepost-Quarantine", "X-S", "X-Old", "Received", "From", "To",
           "Subject", "Date", "Message-ID"}


@pytest.fixture(scope="module")
def route(module_start):
    sink = module_start.sink()
    gateway = ruled(module_start, RULES, {"in": sink.url},
                    top="authres { add no }\n")
    return gateway, sink


def log_lines(gateway):
    """Of the file, as octets: a line is what ends in LF."""
    with open(gateway.log, "rb") as f:
        return f.read().split(b"\n")[:-1]


def check_log(gateway, before):
    for line in log_lines(gateway)[before:]:
        text = line.decode()
        assert re.match(r"\d{4}-\d\d-\d\dT[\d:.]+Z info \S+ \w+ ", text)
        assert not re.search("[\0-\x1f\x7f-\x9f]", text), line


def check_header(data, message):
    """Our fields and those that were sent, nothing else; ours in proper
    lines."""
    head, _, body = data.partition(b"\r\n\r\n")
    sent, _, sent_body = message.partition(b"\r\n\r\n")
    assert body == sent_body
    for line in head.split(b"\r\n"):
        assert b"\n" not in line and b"\r" not in line
        name = line.partition(b":")[0].decode("latin1")
        assert line[:1] in b" \t" or name in ALLOWED, line
        prefix = re.match(rb"Subject: (\[.*?\]|=\?utf-8\?Q\?=5B.*?=5D\?=) ",
                          line)
        if prefix:
            line = prefix.group()	# what follows was sent so
        if line not in sent.split(b"\r\n") and line.strip(b" \t") not in sent:
            assert len(line) <= 998 and re.match(rb"[\t -~]+$", line), line


@pytest.mark.parametrize("action", ACTIONS)
@pytest.mark.parametrize("name", HOSTILE)
def test_a_hostile_subject(route, name, action):
    gateway, sink = route
    sink.clear()
    before = len(log_lines(gateway))
    message = MESSAGE.replace(b"ruled", HOSTILE[name])
    if action == "replace":
        message = b"X-Old: here\r\n" + message
    address = "192.0.2.%d" % (1 + ACTIONS.index(action))
    with client_at(gateway, address) as client:
        client.ehlo()
        reply = client.mail(message, params=" BODY=8BITMIME")
        line, = reply.lines
        if action in ("reject", "defer"):
            code = "550 5.7.1" if action == "reject" else "451 4.7.1"
            assert re.match(code + r" S: ?[ -~]* \[[0-9a-f]{12}\]$", line)
            assert len(line) <= 510
        else:
            assert line == "250 2.0.0 taken"
        # The dialogue is where it was.
        assert client.cmd("NOOP") == 250
        assert client.quit() == 221
    end = gateway.wait_line("session end client=%s " % address)[-1]
    ident = end.split(" ")[2]
    check_log(gateway, before)
    assert len(gateway.lines(" %s " % ident)) == (3 if action == "log" else 2)
    if action in ("reject", "defer"):
        assert sink.messages == []
    else:
        held, = sink.wait(1)
        check_header(held.data, message)


def test_what_becomes_of_it(route):
    """What is harmless comes through."""
    gateway, sink = route
    ran = Swaks(gateway, "192.0.2.1", "--header",
                'Subject: =?utf-8?q?a "b" {score}=0D=0A250 c?=')
    assert ran.reply(".") == '550 5.7.1 S: a "b" {score}??250 c [%s]' % \
        ran.ident()
    assert 'reply="550 5.7.1 S: a \\"b\\" {score}??250 c"' in \
        ran.line("mail done ")
    sink.clear()
    assert Swaks(gateway, "192.0.2.4", "--header",
                 "Subject: =?utf-8?q?=C3=BCber?=").status == 0
    found = email.message_from_bytes(sink.wait(1)[0].data,
                                     policy=email.policy.default)
    assert found["X-S"] == "S: \u00fcber"


@pytest.mark.parametrize("sender, seen", (
    ('"a b"@x.test', '"a b"@x.test'), ('"a\\"b"@x.test', '"a\\"b"@x.test'),
    ('"{client.ip}"@x.test', '"{client.ip}"@x.test'),
    ('"<b@y.test>"@x.test', '"<b@y.test>"@x.test')))
def test_a_hostile_sender(start, sender, seen):
    gateway = ruled(start, 'on rcpt { no: reject "not {sender} here" }',
                    {"in": start.sink().url}, workers=1)
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<%s>" % sender) == 250
        line, = client.cmd("RCPT TO:<b@box.test>").lines
        assert line.startswith("550 5.7.1 not %s here [" % seen), line
        client.quit()


# --- SMTPUTF8 ---

UTF8_RULES = """
on mail { greeks: reject "\u039f\u03c7\u03b9, {sender}"
		when sender.local is "x" }
on message { spam: reject "\u039f\u03c7\u03b9: {header \\"Subject\\"}"
		when header "Subject" is not none }
"""


def test_replies_are_ascii_unless_the_client_knows_smtputf8(start):
    gateway = ruled(start, UTF8_RULES, {"in": start.sink().url}, workers=1)
    message = "Subject: gr\u00fc\u00dfe\r\n\r\ntext\r\n".encode()
    with client_at(gateway, "192.0.2.1") as client:
        client.ehlo()
        lines = []
        for params in ("", " SMTPUTF8"):
            assert client.cmd("MAIL FROM:<x@y.test>" + params) == 250
            lines += client.cmd("RCPT TO:<b@box.test>").lines
            assert client.cmd("RSET") == 250
            assert client.cmd("MAIL FROM:<a@y.test> BODY=8BITMIME" +
                              params) == 250
            assert client.cmd("RCPT TO:<b@box.test>") == 250
            lines += client.data(message).lines
        client.quit()
    found = [re.sub(r" \[\w+\]$", "", line) for line in lines]
    assert found == [
        "550 5.7.1 ???, x@y.test", "550 5.7.1 ???: gr??e",
        "550 5.7.1 \u039f\u03c7\u03b9, x@y.test",
        "550 5.7.1 \u039f\u03c7\u03b9: gr\u00fc\u00dfe"]


def test_at_once_nobody_has_said_smtputf8(start):
    gateway = ruled(start, 'on connect { reject "\u039f\u03c7\u03b9" '
                    'when client.ip is 192.0.2.1 }\n'
                    'on helo { reject "\u039f\u03c7\u03b9" '
                    'when client.ip is 192.0.2.2 }\n',
                    {"in": start.sink().url}, workers=1)
    with client_at(gateway, "192.0.2.1", at_once=True) as client:
        assert client.greeting.text.startswith("??? [")
    with client_at(gateway, "192.0.2.2", at_once=True) as client:
        assert client.cmd("EHLO a.test").text.startswith("5.7.1 ??? [")
