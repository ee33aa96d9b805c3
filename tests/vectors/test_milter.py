"""The packets of the milter protocol: what we send, what we read.

milter-wire has packets that an MTA may send, and some that it must never send:
whatever is in them, what we make of it is not those octets. milter-facts says
what an MTA does; here are those facts that packets alone can show, the others
are about dialogues. milter-go-dj are dialogues with what a filter answered.
"""
import itertools
import struct

import pytest

import kit

CASES = kit.load("milter-wire/commands.yml")[0]["cases"]
FACTS = {f["id"]: f for f in kit.load("milter-facts/facts.yml")[0]["facts"]}
DIALOGUES = sorted(kit.folder("milter-go-dj").glob("testcases/*/*.testcase"))

# Taken as invalid by the set, since its library decodes UTF-8: octets go to
# filters as they came, as from other MTAs.
OCTETS = {
    "define_macro-utf8-impossible-byte-3.5.1-value-12",
    "connect-ipv4-invalid-char-hostname-25",
    "connect-ipv6-invalid-char-hostname-29",
    "connect-hostname-utf8-impossible-byte-3.5.1-30",
    "connect-unix-socket-invalid-char-32",
}
# Not checked by the one who makes the packet, but by the one who parses the
# client's command or reads its address: a host that is no address literal.
HOSTS = {"connect-ipv4-invalid-23", "connect-ipv6-invalid-26",
         "connect-ipv6-invalid-27"}
# Valid, but we write something else.
OTHERWISE = {
    "mail-noangle": "an address is always in < >",
    "rcpt-noangle": "an address is always in < >",
    "unknown-empty-should-work-52": "a line ends with NUL, even an empty one",
    "unknown-not-null-terminated-54": "a line ends with NUL",
}


def text(octets):
    """Octets as the text that stands for them in JSON (judge.h)."""
    return octets.decode("latin-1")


def strings(data):
    parts = data.split(b"\0")
    return parts[:-1] if parts[-1] == b"" else parts


def request(code, data):
    """What somebody who wanted to send this would have asked for, leniently."""
    case = {"command": code, "leading_space": True}
    if code == "D":
        parts = [text(p) for p in strings(data[1:])]
        case["step"] = text(data[:1]) if data[:1] in (
            b"C", b"H", b"M", b"R", b"T", b"N", b"E", b"U") else "C"
        case["macros"] = dict(zip(parts[::2], parts[1::2]))
    elif code == "C":
        host, _, rest = data.partition(b"\0")
        case["host"] = text(host)
        if rest[:1] in (b"4", b"5", b"6", b"L") and len(rest) > 3:
            case["port"] = struct.unpack(">H", rest[1:3])[0]
            case["client"] = text(rest[3:].split(b"\0")[0])
    elif code in "MR":
        parts = strings(data) or [b""]
        case["text"] = text(parts[0].strip(b"<>"))
        case["args"] = [text(p) for p in parts[1:]]
    elif code == "L":
        name, _, value = data.partition(b"\0")
        case["name"] = text(name)
        case["value"] = text(value.split(b"\0")[0])
    else:
        case["text"] = text(data if code == "B" else data.split(b"\0")[0])
    return case


def wire(code, data):
    return struct.pack(">I", len(data) + 1) + code.encode() + data


def encode(*cases):
    return [bytes.fromhex(a["packet"])
            for a in kit.judge("milter_judge", cases)]


def test_number_of_cases():
    assert len(CASES) == 68 and len(FACTS) == 69 and len(DIALOGUES) == 36
    ids = {c["id"] for c in CASES}
    assert OCTETS | HOSTS | set(OTHERWISE) <= ids


@pytest.mark.parametrize("case", CASES, ids=lambda c: c["id"])
def test_command(case):
    data = bytes.fromhex(case["data_hex"])
    [sent] = encode(request(case["code"], data))
    same = sent == wire(case["code"], data)
    if case["id"] in OCTETS:
        assert not case["valid"] and same
    elif case["id"] in HOSTS:
        # The host is as given, the address does not go.
        assert not case["valid"] and not same and b"\0U" in sent
    elif case["id"] in OTHERWISE:
        assert case["valid"] and not same
    else:
        assert same == case["valid"]


# --- facts ---

def options(actions=0x1ff, steps=0x400, version=6, lists=b""):
    return text(struct.pack(">III", version, actions, steps) + lists)


def agreed(**how):
    [answer] = kit.judge("milter_judge", [{"options": options(**how)}])
    return answer


def read(letter, data=b"", step="E", **how):
    [answer] = kit.judge("milter_judge", [{
        "options": options(**how), "step": step, "letter": letter,
        "data": text(data)}])
    return answer


def hexed(answer, key):
    return bytes.fromhex(answer[key])


def fact_neg_offer():
    assert encode({"command": "O"}) == [wire("O", struct.pack(
        ">III", 6, 0x1ff, 0x301fffff))]
    assert "error" not in agreed(version=2, actions=1)


def fact_neg_reject():
    assert "version 7" in agreed(version=7)["error"]
    assert "0x200" in agreed(actions=0x201)["error"]
    assert "error" not in agreed(steps=0x80000000)


def fact_neg_old():
    assert not set("TU") & set(agreed(version=2)["sends"])
    three = agreed(version=3)["sends"]
    assert "U" in three and "T" not in three
    assert set("TU") < set(agreed(version=4)["sends"])


def fact_neg_symlist():
    # As in sendmail, and not as in Postfix: stages without a list keep ours.
    answer = agreed(lists=struct.pack(">I", 5) + b"{mail_addr} i\0")
    assert set(answer["macros"]["E"]) == {"i", "{mail_addr}"}
    assert answer["macros"]["C"] == agreed()["macros"]["C"] != []


def fact_neg_nosend():
    for bit, command in enumerate("CHMRBLN"):
        assert command not in agreed(steps=1 << bit)["sends"]
    assert "U" not in agreed(steps=0x100)["sends"]
    assert "T" not in agreed(steps=0x200)["sends"]


def fact_neg_nr():
    for bit, command in {7: "L", 12: "C", 13: "H", 14: "M", 15: "R", 16: "T",
                         17: "U", 18: "N", 19: "B"}.items():
        answer = agreed(steps=1 << bit)
        assert command in answer["sends"]
        assert command not in answer["awaits"]


def fact_neg_skip():
    assert read("s", step="B")["kind"] == "skip"
    assert "error" in read("s", step="B", steps=0)
    assert "error" in read("s", step="E")


def fact_neg_rcptrej():
    assert agreed(steps=0x800)["refused"] and not agreed()["refused"]


def fact_neg_leadspc():
    for value, bare in {"b": "b", " b": "b", "  b": " b", "\tb": "\tb",
                        "": ""}.items():
        assert encode(
            {"command": "L", "name": "A", "value": value},
            {"command": "L", "name": "A", "value": value,
             "leading_space": True}) == [
                 wire("L", b"A\0" + v.encode() + b"\0")
                 for v in (bare, value)]
    assert hexed(read("h", b"A\0b\0"), "value") == b" b"
    assert hexed(read("h", b"A\0b\0", steps=0x100000), "value") == b"b"


def fact_hdr_lf():
    assert encode({"command": "L", "name": "A", "value": "b\r\n\tc"}) == [
        wire("L", b"A\0b\n\tc\0")]
    for fold in (b"\n", b"\r\n"):
        answer = read("h", b"A\0b" + fold + b"\tc\0")
        assert hexed(answer, "value") == b" b\r\n\tc"


def fact_hdr_8bit():
    assert encode({"command": "L", "name": "A", "value": "\xe4\xff\0"}) == [
        wire("L", b"A\0\xe4\xff?\0")]


def fact_hdr_nameorig():
    assert encode({"command": "L", "name": "sUBJECT", "value": "x"}) == [
        wire("L", b"sUBJECT\0x\0")]


def fact_chg_index():
    answer = read("m", b"\0\0\0\0A\0b\0")
    assert answer["index"] == 1 and answer["kind"] == "change header"
    assert read("m", b"\0\0\0\2A\0\0")["kind"] == "delete header"


def fact_edit_inject():
    for bad in (b"a\nBcc: x@y.example", b"a\r\n\r\nbody", b"a\rX: y"):
        value = hexed(read("h", b"A\0" + bad + b"\0"), "value")
        assert all(line[:1] in b" \t" and line.strip()
                   for line in value.split(b"\r\n")[1:])
        assert b"\n" not in value.replace(b"\r\n", b"")
        assert b"\r" not in value.replace(b"\r\n", b"")
    for name in (b"A\nB", b"A:B", b"", b"A B"):
        assert "error" in read("h", name + b"\0x\0")


def fact_body_chunk():
    assert agreed()["chunk"] == 65535
    assert agreed(steps=0x10000000)["chunk"] == 262143
    assert agreed(steps=0x20000000)["chunk"] == 1048575


def fact_body_eob():
    assert encode({"command": "E"}) == [wire("E", b"")]


def fact_repl_empty():
    assert hexed(read("b"), "body") == b"" and not read("b")["final"]


def fact_chgfrom():
    assert hexed(read("e", b"<>\0"), "address") == b""
    answer = read("e", b"<a@x.example>\0SIZE=1\0")
    assert hexed(answer, "address") == b"a@x.example"


def fact_quar():
    assert not read("q", b"why\0")["final"]


def fact_final_only_eom():
    for letter, data in {"h": b"A\0b\0", "b": b"x", "q": b"x\0",
                         "+": b"a@x.example\0"}.items():
        assert "error" not in read(letter, data)
        for step in "CHMRTLNBU":
            assert "error" in read(letter, data, step=step)


def fact_progress():
    assert not read("p")["final"] and not read("p", step="M")["final"]


def fact_abort_noreply():
    assert not set("AQK") & set(agreed()["awaits"])


def fact_quit():
    assert "K" in agreed()["sends"] and "K" not in agreed(version=5)["sends"]
    assert encode({"command": "Q"}, {"command": "K"}) == [
        wire("Q", b""), wire("K", b"")]


def fact_macro_before():
    assert encode({"command": "D", "step": "C", "macros": {"j": "mx"}},
                  {"command": "D", "step": "R", "macros": {}}) == [
                      wire("D", b"Cj\0mx\0"), wire("D", b"R")]


def fact_macro_i():
    macros = agreed()["macros"]
    assert all("i" in macros[command] for command in "CHMRTNE")


def fact_macro_names():
    names = FACTS["macro-names"]["fact"].removeprefix("Names: ").split(", ")
    assert len(names) == 20
    wanted = struct.pack(">I", 0) + " ".join(names).encode() + b"\0"
    assert set(agreed(lists=wanted)["macros"]["C"]) == set(names)


def fact_conn_unknown():
    assert encode(
        {"command": "C", "host": "h"},
        {"command": "C", "host": "", "client": "192.0.2.1", "port": 25},
        {"command": "C", "host": "h", "client": "2001:db8::1", "port": 258},
    ) == [
        wire("C", b"h\0U"),
        wire("C", b"[192.0.2.1]\0" b"4\0\x19" b"192.0.2.1\0"),
        wire("C", b"h\0" b"6\1\2" b"2001:db8::1\0")]


def fact_conn_reject():
    for step in "CH":
        assert "error" in read("d", step=step)
        for letter, data in {"r": b"", "t": b"", "y": b"554 no\0"}.items():
            assert read(letter, data, step=step)["final"]


def fact_replycode_percent():
    answer = read("y", b"450 100%% 5%d\0", step="M")
    assert hexed(answer, "text") == b"100% 5d"


def fact_replycode_check():
    answer = read("y", b"550-5.7.1 a\r\n550 5.7.1 b\0", step="M")
    assert (answer["code"], answer["enhanced"]) == (550, "5.7.1")
    assert hexed(answer, "text") == b"a\nb"
    for bad in (b"250 ok\0", b"550-a\r\n551 b\0", b"550 4.7.1 x\0",
                b"550-a\n550 b\0", b"550 a\0b\0", b"550 a", b"\0",
                b"550 a\r\n\0", b"xyz a\0", b"550-a\0"):
        assert "error" in read("y", bad, step="M")


def fact_replycode_421():
    assert read("y", b"421 4.3.0 bye\0", step="M")["code"] == 421


def fact_extra_data():
    for letter, step in zip("acdrtsp", "EEEEEBE"):
        assert "error" not in read(letter, step=step)
        assert "error" in read(letter, b"x", step=step)


SHOWN = {name.removeprefix("fact_").replace("_", "-"): check
         for name, check in sorted(globals().items())
         if name.startswith("fact_")}
# In milter/packet_test.c: length 0, too large, one octet at a time.
FRAMING = {"len", "pipelining"}


@pytest.mark.parametrize("name", sorted(SHOWN))
def test_fact(name):
    assert name in FACTS and name not in FRAMING
    SHOWN[name]()


def test_framing_facts_are_there():
    assert FRAMING <= set(FACTS)


# --- dialogues ---

def paths(lines, verb):
    return [line.split(">")[0].removeprefix(f"{verb} <") for line in lines
            if line.startswith(f"{verb} <")]


@pytest.mark.parametrize(
    "path", DIALOGUES, ids=lambda p: f"{p.parent.name}/{p.stem}")
def test_dialogue(path):
    """Its addresses are told and can be asked for, its reply can be given."""
    lines = path.read_text(encoding="utf-8").splitlines()
    for verb, letter, edit in (("FROM", "M", "e"), ("TO", "R", "+")):
        for address in paths(lines, verb):
            quoted = f"<{address}>\0".encode()
            assert encode({"command": letter, "text": address}) == [
                wire(letter, quoted)]
            answer = read(edit, quoted)
            assert hexed(answer, "address") == address.encode()
    for number, line in enumerate(lines):
        if line.startswith("DECISION CUSTOM"):
            reply = list(itertools.takewhile(
                lambda given: given[:3].isdigit(), lines[number + 1:]))
            check_reply(reply)


def check_reply(reply):
    """Lines of a reply, as the filter sends them and as we would say them."""
    assert reply
    answer = read("y", "\r\n".join(reply).encode() + b"\0", step="M")
    start = " ".join(filter(None, (str(answer["code"]), answer["enhanced"])))
    said = text(hexed(answer, "text")).split("\n")
    assert [line.replace("-", " ", 1) if line[3] == "-" else line
            for line in reply] == [f"{start} {line}" for line in said]


def test_dialogue_multiline():
    """A value of three lines, as the filter of header/multiline sends it."""
    [path] = [p for p in DIALOGUES if p.stem == "multiline"]
    answer = read("h", b"X-MultiLine\0Line1\n\tLine2\n\tLine3\0")
    field = hexed(answer, "name") + b":" + hexed(answer, "value")
    assert field.replace(b"\r\n", b"\n") in path.read_bytes()
