"""Dialogues of a client with a server that asks filters on its mail.

Each is a list of steps. A text is a command; the classes below are what else
a client does. What the filters do is told to milter_record by its words:
those of the first filter, and of a second one if there is one.
"""
from kit.client import stuff

HELLO = "EHLO client.test"
MAIL = "MAIL FROM:<a@sender.test>"
RCPT = "RCPT TO:<b@box.test>"
RCPT2 = "RCPT TO:<c@box.test>"
REFUSED = "RCPT TO:<no@box.test>"	# by the server or its backend
REFUSED_REPLY = "550 5.1.1 nobody of that name"
QUIT = "QUIT"
# At the listener "proxy".
XCLIENT = "XCLIENT ADDR=192.0.2.7 NAME=client.test"

FIELDS = (b"From: <a@sender.test>\r\nTo: <b@box.test>\r\n"
          b"Subject: hello\r\nDate: Mon, 6 Jul 2026 10:00:00 +0000\r\n"
          b"Message-ID: <1@sender.test>\r\n")
TEXT = b"one\r\n.two\r\n\r\n..three\r\n"

# SMFIP_* of <libmilter/mfdef.h>
RCPT_REJ = 0x800
NR_ALL = 0xff080
NO_ALL = 0x37f
SKIP = 0x400
LEADING_SPACE = 0x100000


class Data:
    """DATA, and the message if it is asked for."""

    def __init__(self, message):
        self.message = message

    def run(self, talk):
        if talk.command("DATA") != 354:
            return
        talk.client.send(stuff(self.message) + b".\r\n")
        talk.note(".", talk.client.reply())


class Bdat:
    """BDAT chunks; the last says LAST, if the message ends there."""

    def __init__(self, *chunks, is_whole=True):
        self.chunks, self.is_whole = chunks, is_whole

    def run(self, talk):
        for i, chunk in enumerate(self.chunks):
            ends = self.is_whole and i == len(self.chunks) - 1
            last = b" LAST" if ends else b""
            talk.client.send(b"BDAT %d%s\r\n%s" % (len(chunk), last, chunk))
            talk.note("BDAT" + last.decode(), talk.client.reply())


class Pipelined:
    """Commands in one segment; the last may be DATA, of the usual message."""

    def __init__(self, *lines):
        self.lines = lines

    def run(self, talk):
        talk.client.send("".join(x + "\r\n" for x in self.lines).encode())
        for x in self.lines:
            talk.note(x.split(":")[0].split(" ")[0], talk.client.reply())
        if talk.replies[-1][1] == 354:
            talk.client.send(stuff(MESSAGE.message) + b".\r\n")
            talk.note(".", talk.client.reply())


class StartTls:
    def __init__(self, has_certificate=False):
        self.has_certificate = has_certificate

    def run(self, talk):
        if talk.command("STARTTLS") == 220:
            talk.start_tls(self.has_certificate)


class Left(Exception):
    """The client is gone."""


class Leave:
    """Without a word."""

    def run(self, talk):
        raise Left


class HalfData:
    """Leaves in the middle of the message."""

    def run(self, talk):
        if talk.command("DATA") == 354:
            talk.client.send(FIELDS + b"\r\nhalf of a text\r\n")
        raise Left


class Dialogue:
    """`at` is a listener of kit/mta.py."""

    def __init__(self, name, steps, first=(), second=None, at="mx"):
        self.name, self.steps = name, steps
        self.filters = [first] if second is None else [first, second]
        self.at = at if second is None else "two"


MESSAGE = Data(FIELDS + b"\r\n" + TEXT)
SHORT = Data(b"Subject: another\r\n\r\nshort\r\n")
WHOLE = [HELLO, MAIL, RCPT, MESSAGE, QUIT]


def header(*lines):
    """A mail with this header."""
    return [HELLO, MAIL, RCPT, Data(b"".join(
        line + b"\r\n" for line in lines) + b"\r\ntext\r\n"), QUIT]


def refusals():
    """A refusal at each stage, and what the client does next. Behind one of
    DATA it says RSET: without that Postfix waits in vain for the answer of a
    filter that thinks the mail to be over."""
    for step in "connect helo mail rcpt data header eoh body eom".split():
        again = [HELLO, MAIL, RCPT, RCPT2, MESSAGE, MAIL, RCPT, SHORT, QUIT]
        if step == "data":
            again.insert(5, "RSET")
        for what in "reject", "tempfail", "550 5.7.9 the filter says no", \
                "421 4.7.8 the filter closes":
            yield Dialogue("%s at %s" % (what, step), again,
                           ["%s=%s" % (step, what)])


DIALOGUES = [
    # --- mails ---
    Dialogue("plain mail", WHOLE),
    Dialogue("two recipients", [HELLO, MAIL, RCPT, RCPT2, MESSAGE, QUIT]),
    Dialogue("no recipient", [HELLO, MAIL, MESSAGE, QUIT]),
    Dialogue("a refused recipient",
             [HELLO, MAIL, REFUSED, RCPT, MESSAGE, QUIT]),
    Dialogue("a refused recipient that is told",
             [HELLO, MAIL, REFUSED, RCPT, MESSAGE, QUIT],
             ["steps=%d" % RCPT_REJ]),
    Dialogue("all recipients are refused",
             [HELLO, MAIL, REFUSED, MESSAGE, QUIT]),
    Dialogue("all recipients are refused, and told",
             [HELLO, MAIL, REFUSED, MESSAGE, QUIT],
             ["steps=%d" % RCPT_REJ]),
    Dialogue("a recipient twice", [HELLO, MAIL, RCPT, RCPT, MESSAGE, QUIT]),
    Dialogue("RSET, then a mail",
             [HELLO, MAIL, RCPT, "RSET", MAIL, RCPT2, MESSAGE, QUIT]),
    Dialogue("RSET before any mail", [HELLO, "RSET", "RSET", MAIL, RCPT,
                                      MESSAGE, "RSET", QUIT]),
    Dialogue("two mails", [HELLO, MAIL, RCPT, MESSAGE,
                           "MAIL FROM:<second@sender.test>", RCPT2, SHORT,
                           QUIT]),
    Dialogue("MAIL twice", [HELLO, MAIL, MAIL, RCPT, MESSAGE, QUIT]),
    Dialogue("null sender", [HELLO, "MAIL FROM:<>", RCPT, MESSAGE, QUIT]),
    Dialogue("parameters of MAIL and RCPT", [
        HELLO, MAIL + " SIZE=500 BODY=8BITMIME RET=HDRS ENVID=x+2By",
        RCPT + " NOTIFY=SUCCESS,FAILURE ORCPT=rfc822;x+2By@box.test",
        MESSAGE, QUIT]),
    Dialogue("SMTPUTF8", [
        HELLO, "MAIL FROM:<\u00e4@sender.test> SMTPUTF8 BODY=8BITMIME",
        "RCPT TO:<\u00f6@box.test>",
        Data("Subject: \u00e4\u00f6\r\n\r\n\u00fc\r\n".encode()), QUIT]),
    Dialogue("odd addresses", [
        HELLO, "mail from: <\"a b\"@Sender.TEST>", "rcpt to:<B.c+d@BOX.Test>",
        "RCPT TO:<\"x@y\"@box.test>", "RCPT TO:<\"plain\"@box.test>",
        MESSAGE, QUIT]),
    Dialogue("a source route", [
        HELLO, "MAIL FROM:<@relay.test:a@sender.test>",
        "RCPT TO:<@relay.test,@other.test:b@box.test>", MESSAGE, QUIT]),
    Dialogue("postmaster without a domain", [
        HELLO, MAIL, "RCPT TO:<postmaster>", RCPT, MESSAGE, QUIT]),
    Dialogue("pipelined", [
        HELLO, Pipelined(MAIL, RCPT, REFUSED, RCPT2, "DATA"),
        Pipelined("RSET", MAIL, RCPT2, "DATA"), QUIT]),
    Dialogue("pipelined, and one of two is refused", [
        HELLO, Pipelined(MAIL, RCPT, RCPT2, "DATA"),
        Pipelined(MAIL, RCPT2, "DATA"), QUIT],
        ["rcpt:b@=550 5.7.9 the filter says no"]),
    Dialogue("pipelined, and MAIL is refused", [
        HELLO, Pipelined(MAIL, RCPT, RCPT2, "DATA"), QUIT],
        ["mail=550 5.7.9 the filter says no"]),
    Dialogue("commands between", [
        HELLO, "NOOP", "VRFY b@box.test", MAIL, "NOOP", RCPT, "HELP", "NOOP",
        MESSAGE, QUIT]),
    Dialogue("unknown commands", [
        HELLO, "XYZZY a b", MAIL, "what is this", RCPT, "FOO", MESSAGE, "BAR",
        QUIT]),
    Dialogue("commands in the wrong order", [
        "MAIL FROM:<early@sender.test>", HELLO, RCPT, "DATA", MAIL, "DATA",
        RCPT, MESSAGE, QUIT]),
    Dialogue("wrong syntax", [
        HELLO, "MAIL FROM:<a@sender", "MAIL TO:<a@sender.test>", MAIL,
        "RCPT TO:<b@", "RCPT TO:<>", RCPT, MESSAGE, QUIT]),

    # --- clients ---
    Dialogue("HELO", ["HELO client.test", MAIL, RCPT, MESSAGE, QUIT]),
    Dialogue("HELO twice", ["HELO client.test", "EHLO other.test", MAIL, RCPT,
                            MESSAGE, HELLO, MAIL, RCPT2, SHORT, QUIT]),
    Dialogue("EHLO within a mail", [HELLO, MAIL, RCPT, HELLO, MAIL, RCPT2,
                                    MESSAGE, QUIT]),
    Dialogue("EHLO of an address literal", [
        "EHLO [127.0.0.1]", MAIL, RCPT, MESSAGE, QUIT]),
    Dialogue("no HELO", [MAIL, RCPT, QUIT]),
    Dialogue("nothing but QUIT", [QUIT]),
    Dialogue("nothing at all", [Leave()]),
    Dialogue("leaves behind EHLO", [HELLO, Leave()]),
    Dialogue("leaves behind MAIL", [HELLO, MAIL, Leave()]),
    Dialogue("leaves behind RCPT", [HELLO, MAIL, RCPT, Leave()]),
    Dialogue("leaves within the message", [HELLO, MAIL, RCPT, HalfData()]),
    Dialogue("leaves behind a mail", [HELLO, MAIL, RCPT, MESSAGE, Leave()]),
    Dialogue("QUIT behind RCPT", [HELLO, MAIL, RCPT, QUIT]),
    Dialogue("STARTTLS", [HELLO, StartTls(), HELLO, MAIL, RCPT, MESSAGE,
                          QUIT]),
    Dialogue("STARTTLS with a certificate", [
        HELLO, StartTls(True), HELLO, MAIL, RCPT, MESSAGE, QUIT]),
    Dialogue("STARTTLS behind a mail", [
        HELLO, MAIL, RCPT, MESSAGE, StartTls(), HELLO, MAIL, RCPT2, SHORT,
        QUIT]),
    Dialogue("IPv6", WHOLE, at="ipv6"),
    Dialogue("XCLIENT", [
        HELLO, XCLIENT, HELLO, MAIL, RCPT, MESSAGE, QUIT], at="proxy"),
    Dialogue("XCLIENT behind a mail", [
        HELLO, MAIL, RCPT, MESSAGE, XCLIENT, HELLO, MAIL, RCPT, SHORT, QUIT],
        at="proxy"),
    Dialogue("XCLIENT with a login", [
        HELLO, XCLIENT + " LOGIN=who PORT=4711", HELLO, MAIL, RCPT, MESSAGE,
        QUIT], at="proxy"),
    Dialogue("XCLIENT without a name", [
        HELLO, "XCLIENT ADDR=192.0.2.7 NAME=[UNAVAILABLE]",
        HELLO, MAIL, RCPT, MESSAGE, QUIT], at="proxy"),
    Dialogue("XCLIENT of IPv6", [
        HELLO, "XCLIENT ADDR=IPV6:2001:db8::7 NAME=six.test",
        HELLO, MAIL, RCPT, MESSAGE, QUIT], at="proxy"),
    Dialogue("XCLIENT of IPv6 without a name", [
        HELLO, "XCLIENT ADDR=IPV6:2001:db8::7 NAME=[UNAVAILABLE]",
        HELLO, MAIL, RCPT, MESSAGE, QUIT], at="proxy"),

    # --- messages ---
    Dialogue("empty body", [HELLO, MAIL, RCPT, Data(FIELDS + b"\r\n"), QUIT]),
    Dialogue("a header only", [HELLO, MAIL, RCPT, Data(FIELDS), QUIT]),
    Dialogue("no header", [HELLO, MAIL, RCPT, Data(b"\r\n" + TEXT), QUIT]),
    Dialogue("an empty message", [HELLO, MAIL, RCPT, Data(b""), QUIT]),
    Dialogue("a text that is no header", [
        HELLO, MAIL, RCPT, Data(b"This is no header\r\nat all\r\n"), QUIT]),
    Dialogue("a line that is no field", header(
        b"Subject: x", b"no field", b"To: <b@box.test>")),
    Dialogue("a space before the colon", header(
        b"Subject : x", b"To: <b@box.test>")),
    Dialogue("an empty name", header(b"Subject: x", b": no name", b"X: y")),
    Dialogue("begins with a folded line", header(b" folded", b"Subject: x")),
    Dialogue("From_ line", header(b"From a@sender.test Mon Jul  6 2026",
                                  b"Subject: x")),
    Dialogue("8-bit header", header(b"Subject: \xe4\xff\xc3\xa4", b"X: y")),
    Dialogue("NUL in the message", [
        HELLO, MAIL, RCPT,
        Data(b"Subject: a\0b\r\nX: y\r\n\r\none\0two\r\n"), QUIT]),
    Dialogue("folded fields", header(
        b"Subject: one", b" two", b"\tthree", b"X-Blank: a", b" ", b" b",
        b"X-First:", b" begins below")),
    Dialogue("spaces behind the colon", header(
        b"None:x", b"One: x", b"Two:  x", b"Tab:\tx", b"Empty:", b"Space: ",
        b"Trailing: x  ", b"sUBJECT: case")),
    Dialogue("spaces behind the colon, with the leading space", header(
        b"None:x", b"One: x", b"Two:  x", b"Tab:\tx", b"Empty:", b"Space: ",
        b"Trailing: x  ", b"Folded:", b" x"), ["steps=%d" % LEADING_SPACE]),
    Dialogue("Received, Return-Path and Bcc", header(
        b"Return-Path: <x@sender.test>",
        b"Received: from x by y; Mon, 6 Jul 2026 10:00:00 +0000",
        b"Received: from z by x; Mon, 6 Jul 2026 09:00:00 +0000",
        b"Bcc: <hidden@box.test>", b"Content-Length: 5", b"Subject: x")),
    Dialogue("many fields", header(*(
        b"X-%d: value %d" % (i, i) for i in range(300)))),
    Dialogue("huge fields", header(
        b"X-Long: " + b"a" * 900, b"X-Folded: " + b"\r\n ".join(
            [b"b" * 900] * 20), b"Subject: x")),
    Dialogue("a field near the limit of a packet", header(
        b"X-Folded: " + b"\r\n ".join([b"b" * 900] * 72), b"Subject: x")),
    Dialogue("a field above the limit of a packet", header(
        b"X-Folded: " + b"\r\n ".join([b"b" * 900] * 80), b"Subject: x")),
    Dialogue("a long line", [
        HELLO, MAIL, RCPT,
        Data(b"Subject: x\r\n\r\n" + b"l" * 3000 + b"\r\n"), QUIT]),
    Dialogue("200 kB of dots", [HELLO, MAIL, RCPT, Data(
        FIELDS + b"\r\n" + b"".join(
            b"." * (i % 5) + b"%060d\r\n" % i for i in range(3200))), QUIT]),
    Dialogue("BDAT", [HELLO, MAIL, RCPT, Bdat(
        FIELDS[:30], FIELDS[30:], b"\r\n.text\r\n", b"more\r\n"), QUIT]),
    Dialogue("BDAT without a line's end", [
        HELLO, MAIL, RCPT, Bdat(FIELDS + b"\r\nno end"), QUIT]),
    Dialogue("BDAT, then RSET", [
        HELLO, MAIL, RCPT, Bdat(FIELDS, is_whole=False), "RSET", MAIL, RCPT2,
        MESSAGE, QUIT]),

    # --- what a filter wants to hear ---
    Dialogue("nothing is told", WHOLE, ["steps=%d" % NO_ALL]),
    Dialogue("nothing is answered", WHOLE, ["steps=%d" % NR_ALL]),
    Dialogue("lists of macros", WHOLE, [
        "macros:0=j {client_addr} {client_connections} {client_port}",
        "macros:2=i {client_name} {client_ptr} {auth_type} {mail_addr}",
        "macros:3={rcpt_addr} {nrcpts}", "macros:5=i {mail_addr}"]),
    Dialogue("each macro at each stage", [
        HELLO, XCLIENT + " PORT=4711 LOGIN=who", HELLO, MAIL, RCPT, RCPT2,
        MESSAGE, QUIT], ["macros:%d=%s" % (stage, " ".join(
            "_ b i j r s v {auth_authen} {auth_author} {auth_ssf} {auth_type} "
            "{cert_issuer} {cert_subject} {cipher} {cipher_bits} "
            "{client_addr} {client_connections} {client_name} {client_port} "
            "{client_ptr} {client_resolve} {daemon_addr} {daemon_name} "
            "{daemon_port} {if_addr} {if_name} {mail_addr} {mail_host} "
            "{mail_mailer} {msg_id} {nbadrcpts} {nrcpts} {rcpt_addr} "
            "{rcpt_host} {rcpt_mailer} {tls_version} {verify}".split()))
            for stage in range(7)], at="proxy"),
    Dialogue("a filter of version 2", [
        HELLO, "XYZZY", MAIL, RCPT, MESSAGE, QUIT], ["version=2"]),
    Dialogue("a filter of version 3", [
        HELLO, "XYZZY", MAIL, RCPT, MESSAGE, QUIT], ["version=3"]),
    Dialogue("a filter of version 4", [
        HELLO, "XYZZY", MAIL, RCPT, MESSAGE, QUIT], ["version=4"]),

    # --- verdicts (refusals: see below) ---
    Dialogue("one of two recipients is refused", [
        HELLO, MAIL, RCPT, RCPT2, MESSAGE, QUIT],
        ["rcpt:b@=550 5.7.9 the filter says no"]),
    Dialogue("a reply of two lines and percent signs", [
        HELLO, MAIL, RCPT, RCPT2, MESSAGE, QUIT],
        ["rcpt:b@=550 5.7.9 the filter says\n100% no"]),
    Dialogue("an unknown command is refused", [
        HELLO, "XYZZY", MAIL, RCPT, "XYZZY", MESSAGE, QUIT],
        ["unknown=550 5.7.9 the filter says no"]),
    Dialogue("MAIL is refused, then another", [
        HELLO, "MAIL FROM:<bad@sender.test>", RCPT, MAIL, RCPT, MESSAGE,
        QUIT], ["mail:bad@=reject"]),
    Dialogue("EHLO is refused, then another", [
        "EHLO bad.test", MAIL, RCPT, HELLO, MAIL, RCPT, MESSAGE, QUIT],
        ["helo:bad=550 5.7.9 the filter says no"]),
    Dialogue("a second field is refused", WHOLE, ["header:To=reject"]),
    Dialogue("RSET behind a refusal of MAIL", [
        HELLO, MAIL, "RSET", MAIL, RCPT, QUIT],
        ["mail=550 5.7.9 the filter says no"]),
    Dialogue("MAIL behind a refusal of DATA", [
        HELLO, MAIL, RCPT, MESSAGE, MAIL, QUIT],
        ["data=550 5.7.9 the filter says no"]),
    Dialogue("skip", [HELLO, MAIL, RCPT, Data(
        FIELDS + b"\r\n" + b"%062d\r\n" % 0 * 3200), MAIL, RCPT2, SHORT, QUIT],
        ["steps=%d" % SKIP, "body=skip"]),
]
for step in "connect helo mail rcpt data header eoh body eom".split():
    DIALOGUES.append(Dialogue("accept at " + step, [
        HELLO, MAIL, RCPT, RCPT2, MESSAGE, MAIL, RCPT, SHORT, QUIT],
        [step + "=accept"]))
for step in "mail rcpt data header eoh body eom".split():
    DIALOGUES.append(Dialogue("discard at " + step, [
        HELLO, MAIL, RCPT, RCPT2, MESSAGE, MAIL, RCPT, SHORT, QUIT],
        [step + "=discard"]))
DIALOGUES += refusals()


# --- edits ---

EDITED = header(b"Received: from x by y; Mon, 6 Jul 2026 10:00:00 +0000",
                b"X-A: 1", b"X-B: b", b"X-A: 2", b"Subject: first", b" line",
                b"X-A: 3")
EDITS = [
    ("a field is added", "add_header=X-New:value"),
    ("a folded field is added", "add_header=X-New:value\n\tmore"),
    ("a field is added that is there", "add_header=X-A:4"),
    ("fields are inserted", "insert_header:0=X-0:zero",
     "insert_header:1=X-1:one", "insert_header:2=X-2:two"),
    ("fields are inserted at one place", "insert_header:1=X-1:one",
     "insert_header:1=X-2:two"),
    ("fields are inserted at the top", "insert_header:0=X-1:one",
     "insert_header:0=X-2:two"),
    ("a field is inserted below all", "insert_header:100=X-Last:last"),
    ("a field is inserted in the middle", "insert_header:4=X-4:four"),
    ("the second is changed", "change_header:2=X-A:changed"),
    ("number 0 is changed", "change_header:0=X-A:changed"),
    ("one is changed that is not there", "change_header:4=X-A:changed",
     "change_header:1=X-No:new"),
    ("one is deleted", "change_header:1=x-a:"),
    ("one is deleted, then the first again", "change_header:1=X-A:",
     "change_header:1=X-A:"),
    ("all are deleted from the last", "change_header:3=X-A:",
     "change_header:2=X-A:", "change_header:1=X-A:"),
    ("one is deleted that is not there", "change_header:4=X-A:"),
    ("a folded field is changed", "change_header:1=Subject:new"),
    ("Received is changed", "change_header:1=Received:changed"),
    ("Received is deleted", "change_header:1=Received:"),
    ("the second Received is changed", "change_header:2=Received:changed"),
    ("inserted, then changed", "insert_header:0=X-A:0",
     "change_header:1=X-A:changed"),
    ("added, then changed", "add_header=X-A:4",
     "change_header:4=X-A:changed"),
    ("deleted, then inserted", "change_header:1=X-A:",
     "insert_header:1=X-A:0"),
    ("the sender is changed", "sender=<new@sender.test>"),
    ("the sender becomes null", "sender=<>"),
    ("the sender is changed, with parameters",
     "sender=<new@sender.test> ENVID=abc RET=FULL"),
    ("a recipient is added", "add_rcpt=<new@box.test>"),
    ("a recipient is added without brackets", "add_rcpt=new@box.test"),
    ("a recipient is added, with parameters",
     "add_rcpt=<new@box.test> NOTIFY=NEVER"),
    ("a recipient is added who is there", "add_rcpt=<b@box.test>"),
    ("a recipient is deleted", "delete_rcpt=<c@box.test>"),
    ("a recipient is deleted in another case", "delete_rcpt=<C@BOX.test>"),
    ("a recipient is deleted who is not there",
     "delete_rcpt=<x@box.test>"),
    ("a recipient is deleted and added", "delete_rcpt=<c@box.test>",
     "add_rcpt=<c@box.test>"),
    ("a recipient is added and deleted", "add_rcpt=<new@box.test>",
     "delete_rcpt=<new@box.test>"),
    ("all recipients are deleted", "delete_rcpt=<b@box.test>",
     "delete_rcpt=<c@box.test>"),
    ("a new body", "new_body=new\r\n.text\r\n"),
    ("a new body in parts", "new_body=one\r", "new_body=\ntwo\r\n",
     "new_body=three\r\n"),
    ("a new body with bare LF", "new_body=one\ntwo\n"),
    ("a new body without a line's end", "new_body=one"),
    ("an empty new body", "new_body="),
    ("a long new body", "long_body=200000"),
    ("a new body, a field, and more body", "new_body=one\r\n",
     "add_header=X-New:value", "new_body=two\r\n"),
    ("quarantine", "quarantine=the filter keeps it"),
    ("all kinds of edits", "add_header=X-New:value",
     "insert_header:1=X-1:one", "change_header:1=X-A:changed",
     "change_header:1=X-B:", "sender=<new@sender.test>",
     "add_rcpt=<new@box.test>", "delete_rcpt=<c@box.test>",
     "new_body=new\r\n"),
    ("edits, then a refusal", "add_header=X-New:value", "eom=reject"),
    ("edits, then it is accepted", "add_header=X-New:value", "eom=accept"),
    ("edits, then it is discarded", "add_header=X-New:value",
     "eom=discard"),
]
for name, *words in EDITS:
    DIALOGUES.append(Dialogue(
        name, [HELLO, MAIL, RCPT, RCPT2, EDITED[3], QUIT], words))
DIALOGUES.append(Dialogue(
    "edits with the leading space", EDITED, [
        "steps=%d" % LEADING_SPACE, "add_header=X-New: value",
        "add_header=X-None:value", "insert_header:1=X-1:\tone",
        "change_header:1=X-A:  changed"]))

# --- two filters ---

TWO = [HELLO, MAIL, RCPT, RCPT2, MESSAGE, QUIT]
for name, first, second in (
        ("two filters", [], []),
        ("two filters that may change nothing", ["actions=0", "slow=eoh"],
         ["actions=0"]),
        ("the second sees what the first changed", [
            "add_header=X-New:value", "insert_header:0=X-0:zero",
            "change_header:1=Subject:changed", "new_body=new\r\n",
            "add_rcpt=<new@box.test>", "delete_rcpt=<c@box.test>",
            "sender=<new@sender.test>"], ["octets"]),
        ("two add and change the same field", [
            "add_header=X-New:1", "insert_header:1=X-New:0"],
         ["change_header:1=X-New:a", "change_header:2=X-New:b",
          "insert_header:1=X-1:second"]),
        ("the first refuses the client",
         ["connect=550 5.7.9 the filter says no"], []),
        ("the second refuses the client", [],
         ["connect=550 5.7.9 the filter says no"]),
        ("the first refuses EHLO",
         ["helo=550 5.7.9 the filter says no"], []),
        ("the first refuses MAIL",
         ["mail=550 5.7.9 the filter says no"], []),
        ("the second refuses MAIL", [],
         ["mail=550 5.7.9 the filter says no"]),
        ("the first refuses a recipient",
         ["rcpt:b@=550 5.7.9 the filter says no"], []),
        ("the second refuses a recipient", [],
         ["rcpt:b@=550 5.7.9 the filter says no"]),
        ("the second refuses, the first hears of the refused", [
            "steps=%d" % RCPT_REJ], ["rcpt:b@=550 5.7.9 the filter says no"]),
        ("the first refuses, the second hears of the refused",
         ["rcpt:b@=550 5.7.9 the filter says no"], [
            "steps=%d" % RCPT_REJ]),
        ("both refuse a recipient", ["rcpt:b@=550 5.7.9 the filter says no"],
         ["rcpt:c@=450 4.7.9 the filter says later"]),
        ("the first refuses DATA",
         ["data=550 5.7.9 the filter says no"], []),
        ("the first refuses in the header",
         ["header=550 5.7.9 the filter says no"], []),
        ("the second refuses in the header", [],
         ["header=550 5.7.9 the filter says no"]),
        ("the first refuses at the end",
         ["eom=550 5.7.9 the filter says no"], []),
        ("the second refuses at the end", ["add_header=X-New:value"],
         ["eom=550 5.7.9 the filter says no"]),
        ("the first accepts the client", ["connect=accept"], []),
        ("the first accepts at MAIL", ["mail=accept"], []),
        ("the first discards at RCPT", ["rcpt=discard"], []),
        ("the first discards at the end", ["eom=discard"], []),
        ("the first discards, the second refuses", ["eom=discard"],
         ["eom=550 5.7.9 the filter says no"]),
        ("the second discards in the header", [], ["header=discard"]),
        ("both refuse at the end", ["eom=550 5.7.9 the filter says no"],
         ["eom=451 4.7.9 the filter says later"])):
    DIALOGUES.append(Dialogue(name, TWO, first, second))
