"""What the program can say, read from its sources: for tests of documents.

A call's arguments are taken as text. Where an event or a reply stands in a
variable, the places that fill the variable are named in INDIRECT: a new one
that is not named there is a failure, not an omission.
"""
import os
import re

TOP = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../../..")
FOLDERS = ("base", "conf", "policy", "filters", "milter", "gateway")
LITERAL = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
# Directives of printf, with what PRIu64 and the like stand for.
DIRECTIVE = re.compile(r"%[-+ #0]*(?:\*|\d+)?(?:\.(?:\*|\d+))?"
                       r"(?:hh?|ll?|j|z|t)?[diouxXcsp]")

# Functions that are given the event, by file, and which argument it is.
EVENT_TAKERS = {("gateway/reload.c", "log_report"): 1,
                ("gateway/reload.c", "log_listening"): 1,
                ("gateway/mail_log.c", "log_fate"): 3,
                ("gateway/journal_files.c", "tell"): 1}
# A table that has it, by file: the pattern of its rows.
EVENT_TABLES = {"gateway/stock.c": r"\[STORE_\w+\] = \"([^\"]+)\""}
# Those of log_event() whose text is another function's, and what they are.
EVENT_TEXTS = {}


class Call:
    def __init__(self, path, name, text):
        self.path, self.name = path, name
        self.arguments = split(text)

    def __repr__(self):
        return "%s: %s(%s)" % (self.path, self.name, self.arguments)


def files(suffix=".c"):
    for folder in FOLDERS:
        for name in sorted(os.listdir(os.path.join(TOP, folder))):
            if name.endswith(suffix) and not name.endswith("_test.c"):
                yield folder + "/" + name


def text_of(path):
    with open(os.path.join(TOP, path)) as f:
        text = f.read()
    # Comments away, texts that hold what looks like one kept.
    return re.sub(r'("(?:[^"\\\n]|\\.)*")|/\*.*?\*/',
                  lambda m: m[1] or " ", text, flags=re.S)


def end_of(text, at):
    """Behind the bracket that closes the one at `at`."""
    depth = 0
    for m in re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\]|\\.)+\'|[()]'
                        ).finditer(text, at):
        depth += {"(": 1, ")": -1}.get(m[0], 0)
        if depth == 0:
            return m.end()
    raise ValueError(text[at:at + 60])


def split(text):
    """Arguments, at commas that stand in no brackets and no text."""
    parts, depth, last = [], 0, 0
    for m in re.compile(r'"(?:[^"\\\n]|\\.)*"|\'(?:[^\'\\]|\\.)+\'|[][(){},]'
                        ).finditer(text):
        if m[0] in "([{":
            depth += 1
        elif m[0] in ")]}":
            depth -= 1
        elif m[0] == "," and depth == 0:
            parts.append(text[last:m.start()].strip())
            last = m.end()
    return parts + [text[last:].strip()]


def calls(*names):
    pattern = re.compile(r"\b(%s)\(" % "|".join(names))
    for path in files():
        text = text_of(path)
        for m in pattern.finditer(text):
            end = end_of(text, m.end() - 1)
            # No definition, and no prototype.
            if text[m.start() - 1] != "\n" and \
                    not re.match(r"\s*\{|\n +__attr", text[end:]):
                yield Call(path, m[1], text[m.end():end - 1])


def unescape(text):
    return text.replace('\\"', '"').replace("\\\\", "\\")


def literals(argument):
    """Texts, each with what stands behind each other joined: those of a
    ternary are several."""
    argument = re.sub(r"PRI[a-z]+\d+", '"u"', argument)
    parts, last = [], None
    for m in LITERAL.finditer(argument):
        if last is not None and not argument[last:m.start()].strip():
            parts[-1] += unescape(m[1])
        else:
            parts.append(unescape(m[1]))
        last = m.end()
    return parts


def plain(text):
    """A format as a reader sees it: `...` for what is put in."""
    return re.sub(r"(?:\.\.\.)+", "...", DIRECTIVE.sub("...", text))


def event_of(text):
    """Of the short form: what stands before the pairs."""
    return re.split(r"[ :]* [\w.-]+=", plain(text))[0]


# --- the log ---

def events():
    """{event: path}"""
    found = {}
    for path, pattern in EVENT_TABLES.items():
        for event in re.findall(pattern, text_of(path)):
            found[event] = path
    takers = {name for _, name in EVENT_TAKERS}
    for call in calls("log_begin", "log_event", "log_bug", *takers):
        if call.path.startswith("base/log"):
            if call.name == "log_event":
                found[event_of(literals(call.arguments[2])[0])] = call.path
            continue
        at = EVENT_TAKERS.get((call.path, call.name), {
            "log_begin": 3, "log_event": 2, "log_bug": 1}.get(call.name))
        if at is None:
            continue		# another function of that name
        texts = literals(call.arguments[at])
        if call.name in ("log_event", "log_bug"):
            texts = [event_of(t) for t in texts]
            known = EVENT_TEXTS.get(call.path, set())
            texts = [t for t in texts if t not in known]
            assert texts or known, call
        elif not texts:
            assert call.path in EVENT_TABLES or \
                call.arguments[at] == "event", call
        for text in texts:
            found[text] = call.path
    return found


def keys():
    """{key of a log line: path}"""
    found = {}
    for call in calls("log_z", "log_str", "log_int", "log_addr", "log_own"):
        if call.path.startswith("base/"):
            continue
        for text in literals(call.arguments[1]):
            found[text] = call.path
    for call in calls("log_event", "log_bug"):
        for argument in call.arguments:
            for text in literals(argument):
                for key in re.findall(r"(?:^| )([\w.-]+)=", text):
                    found[key] = call.path
    return found


def endings():
    """{what `by` of "session end" can be: path}"""
    return {m: path for path in files()
            for m in re.findall(r'ended_by = "([^"]+)"', text_of(path))}


# --- replies ---

# Functions that are given code, enhanced code and text, and where.
REPLY_TAKERS = {"reply": 0, "reply_close": 0, "path_refuse": 1, "set": 2}
# Texts that are another one's: backend, rule, filter, and the address parser.
FOREIGN = {"...", ""}
# Said as they are: conn_puts() and the like.
RAW = re.compile(r'"(\d\d\d [^"]*)\\r\\n"')
# Of rules that have no text, by file: code and enhanced code, and the pattern
# of the texts.
OF_RULES = (("policy/rule_parse_brake.c", "451 4.7.1",
             r'"((?:Too many|Greylisted)[^"]*)"'),
            ("policy/rule_question.c", "451 4.3.0", r"SPAN_LIT\(([^)]*)\)"))


def replies():
    """{"550 5.7.1 text": path}. Replies to EHLO and greetings have no
    enhanced code; those of paths have two, for sender and recipient."""
    found = {}
    for call in calls(*REPLY_TAKERS):
        if call.path.startswith("gateway/explain"):
            continue
        at = REPLY_TAKERS[call.name]
        if call.name == "set" and not call.path.endswith("chain_verdict.c"):
            continue
        if len(call.arguments) < at + 3:
            continue
        code, enhanced, text = call.arguments[at:at + 3]
        codes = re.findall(r"\b[2-5]\d\d\b", code)
        texts = [plain(t).replace("\n", " ") for t in literals(text)]
        numbers = literals(enhanced)
        if enhanced == "p->enhanced":
            numbers = ["5.1.7", "5.1.3"]
        if not codes or not numbers:
            assert all(t in FOREIGN for t in texts), call
            continue
        for t in texts:
            for n in numbers:
                words = [w for w in (codes[0], n, t) if w]
                found[" ".join(words)] = call.path
    for path in files():
        for text in RAW.findall(text_of(path)):
            if plain(text) != "421 ... ...":
                found[plain(text)] = path
    for call in calls("turn_away"):
        found["421 ... " + literals(call.arguments[2])[0]] = call.path
    for path, codes, pattern in OF_RULES:
        for text in re.findall(pattern, text_of(path)):
            text = "".join(literals(text)) or text
            found["%s %s%s" % (codes, text, "..." * text.endswith(" "))] = path
    return found


# --- what is counted ---

def table(header, name):
    """Rows of an X-macro: lists of their arguments."""
    text = text_of(header)
    at = text.index("#define " + name)
    body = re.match(r"(?:[^\n]*\\\n)*[^\n]*\n", text[at:])[0]
    body = body.replace("\\\n", "\n")
    rows = []
    for m in re.finditer(r"\bX\(", body[body.index("\n"):]):
        start = body.index("\n") + m.end()
        rows.append(split(body[start:end_of(body, start - 1) - 1]))
    return rows


def counters():
    """{name in `forepost stats`: kind}"""
    return {next(n for a in row for n in literals(a)): row[1]
            for row in table("gateway/stats.h", "STATS_TABLE(X)")}


def words(which):
    """Of a label: [(id, word)]"""
    return [(row[1], literals(row[2])[0]) for row in
            table("gateway/series_table.h", "WORDS_%s(" % which)]


def series():
    """{name: (kind, [labels])}"""
    header = "gateway/series_table.h"
    label = {row[0]: literals(row[1])[0]
             for row in table(header, "SERIES_WORD_LISTS")}
    label["NO"] = None
    subject = {row[0]: [n for a in row[2:] for n in literals(a)]
               for row in table(header, "SERIES_SUBJECTS")}
    return {literals(row[6])[0]: (row[1], subject[row[3]] + [
        label[w] for w in row[4:6] if label[w]])
        for row in table(header, "SERIES_TABLE")}


def words_of(name, label):
    """What this label of a series can be."""
    header = "gateway/series_table.h"
    row, = [r for r in table(header, "SERIES_TABLE")
            if literals(r[6]) == [name]]
    lists = {r[0]: literals(r[1])[0]
             for r in table(header, "SERIES_WORD_LISTS")}
    which, = [w for w in row[4:6] if lists.get(w) == label]
    return [word for _, word in words(which)]
