"""Texts that strangers may send, and what must not come out of them."""
import json
import re

PAYLOADS = {
    "title": b"\x1b]0;pwned\x07",
    "clear": b"a\x1b[2J\x1b[Hb",
    "C1": b"a\xc2\x9b31mb",
    "C1 octet": b"a\x9b31mb",
    "backspace": b"abc\x08\x08\x08\x7f",
    "tab": b"a\tb",
    "html": b"<script>alert('x')</script>&amp;\"",
    "quotes": b"a\"b'c`d\\e\\\\\"f\\n",
    "no UTF-8": b"a\xff\xfe\xc3(\xed\xa0\x80\xf5b",
    "override": "a\u202egnp.exe\u2066\u2028b".encode(),
    "format": b"%s%n%x{client.ip}${x}$(id)`id`",
    "key": b"a\" rule=good outcome=delivered {\"a\":1},",
    "long": b"\x1b" * 700 + b"\xff" * 300,
    "U+FFFF": "\uffff\U0010ffff\ufeff".encode(),
    "NUL": b"a\x00b\x00",
}

CONTROL = re.compile("[\x00-\x09\x0b-\x1f\x7f-\x9f]")
TURNS = re.compile("[\u200e\u200f\u2028-\u202e\u2066-\u2069]")


def clean(octets, what, turns=False, tabs=False):
    """The text; of control characters it has line ends alone, and `tabs` if
    our own layout has them. With `turns` nothing turns the direction of text
    either."""
    if isinstance(octets, str):
        octets = octets.encode("utf-8", "surrogateescape")
    text = octets.decode("utf-8", "strict")
    found = CONTROL.search(text.replace("\t", " ") if tabs else text)
    assert found is None, (what, text[max(0, found.start() - 200):
                                      found.end() + 100])
    found = TURNS.search(text) if turns else None
    assert found is None, (what, text[max(0, found.start() - 200):
                                      found.end() + 100])
    return text


def once(pairs):
    members = dict(pairs)
    assert len(members) == len(pairs), pairs
    return members


def objects(octets, what, turns=False):
    """A JSON object to a line."""
    return [json.loads(line, object_pairs_hook=once)
            for line in clean(octets, what, turns).split("\n") if line]


def document(octets, what):
    return json.loads(clean(octets, what), object_pairs_hook=once)


LINE = re.compile(r"(<\d>)?\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z "
                  r"(info|warn|error|debug) (-|[0-9a-f]{12}) [a-z]")
PAIR = re.compile(r' ([a-zA-Z][\w.-]*)=("(?:[^"\\]|\\["\\]|\\x[0-9A-F]{2})*"'
                  r'|[^\s"=\\]*)')


def log_lines(octets, what):
    """Each line has a beginning, and is words and then pairs alone."""
    lines = clean(octets, what, True).split("\n")
    assert lines.pop() == ""
    for line in lines:
        assert LINE.match(line), line
        first = PAIR.search(line)
        if first is None or " log lines" in line:
            continue
        rest = line[first.start():]
        assert PAIR.sub("", rest) == "", line
    return lines
