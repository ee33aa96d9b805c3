"""Two outcomes of one dialogue, compared line by line.

What differs is told in lines of text, so that a table can say which of them
are meant. What must differ is taken out first: ids, ports, and the trace
fields that each server puts above a message.

	told: mail [<a@sender.test>] -> nothing
	macro {mail_host} at mail: box.test -> sender.test
	reply to DATA: 554 5.5.1 -> 503 5.5.1
	message: X-New: value -> nothing
"""
import collections
import difflib
import re

NOTHING = "nothing"


def aligned(a, b, *keys):
    """Pairs of what stands at the same place, None for what has no match;
    where the first key says nothing, by the next one."""
    found = [keys[0](x) for x in a], [keys[0](x) for x in b]
    for what, a0, a1, b0, b1 in difflib.SequenceMatcher(
            None, *found, autojunk=False).get_opcodes():
        if what == "equal":
            yield from zip(a[a0:a1], b[b0:b1])
        elif what == "replace" and keys[1:]:
            yield from aligned(a[a0:a1], b[b0:b1], *keys[1:])
        else:
            yield from ((x, None) for x in a[a0:a1])
            yield from ((None, x) for x in b[b0:b1])


def shown(text):
    return NOTHING if text is None else text if len(text) < 100 else \
        "%s... (%d)" % (text[:90], len(text))


def line(what, a, b):
    return "%s: %s -> %s" % (what, shown(a), shown(b))


# --- what filters are told ---

def merged(calls):
    """The pieces of a body as one, however it was cut."""
    out = []
    for call in calls:
        if call.name == "body" and out and out[-1].name == "body":
            last = out[-1].args
            if len(last) == 1:
                last[0] += call.args[0]
            else:
                last[:] = [str(int(x) + int(y))
                           for x, y in zip(last, call.args)]
        else:
            out.append(call)
    return out


def without_late_aborts(calls):
    """The library may or may not call abort when a session ends behind a
    whole message."""
    out, in_mail = [], False
    for call in calls:
        if call.name == "abort" and not in_mail:
            continue
        if call.name in ("mail", "rcpt", "data", "header", "eoh", "body"):
            in_mail = True
        elif call.name in ("eom", "abort", "close"):
            in_mail = False
        out.append(call)
    return out


def told(side, who):
    """The calls of one filter, without what is different each time. Whether
    loopback addresses have a name depends on the machine."""
    calls = [c for c in side.heard if c.who == who]
    # Sessions follow each other, but each has a thread in the filter.
    calls.sort(key=lambda c: c.session)
    calls = merged(without_late_aborts(calls))
    for call in calls:
        if call.name == "connect":
            if call.args[0] == "localhost":
                call.args[0] = "[%s]" % call.args[1]
            if call.args[2] == str(side.client_port):
                call.args[2] = "PORT"
        for name, shown_as in ("i", "ID"), ("b", "DATE"):
            if name in call.macros:
                call.macros[name] = shown_as
        for name, value in call.macros.items():
            for port in side.own_ports:
                value = re.sub(r"\b%d$" % port, "PORT", value)
            if name == "{client_port}":
                value = re.sub("^%d$" % side.client_port, "PORT", value)
            call.macros[name] = re.sub("^localhost(?= |$)", "unknown", value)
    return calls


def told_differently(a, b):
    """A macro counts where its value comes up; it is seen from there on."""
    for who in "ab":
        known = {}
        # From the end: who is told late hears the last of several.
        pairs = [*aligned(told(a, who)[::-1], told(b, who)[::-1],
                          lambda c: c.key(), lambda c: c.name)]
        for x, y in reversed(pairs):
            if x is None or y is None or x.key() != y.key():
                yield line("told", x and x.key(), y and y.key())
            if x is None or y is None or not (x.macros or y.macros):
                continue
            for name in sorted(set(x.macros) | set(y.macros)):
                values = x.macros.get(name), y.macros.get(name)
                if values[0] != values[1] and values != known.get(name):
                    yield line("macro %s at %s" % (name, x.name), *values)
                known[name] = values


def order(side):
    """How the messages of two filters come one after the other."""
    return " ".join(c.who + c.name for c in side.heard
                    if c.name in ("eoh", "eom"))


def ordered_differently(a, b):
    if len({c.who for c in a.heard}) == 2 and sorted(order(a).split()) == \
            sorted(order(b).split()) and order(a) != order(b):
        yield line("order", order(a), order(b))


# --- what the client is told ---

LOG_ID = re.compile(r"\[[0-9a-f]{12}\]$")


def said(reply):
    """Code and enhanced code; the text too if it is the filter's."""
    if reply is None:
        return "closed"
    text = "%d %s" % (reply.code, reply.enhanced)
    if "filter" in reply.text:
        text = "%d %s" % (reply.code, LOG_ID.sub(
            "[ID]", reply.text.replace("\n", " | ")))
    return text.strip()


def replied_differently(a, b):
    for x, y in aligned(a.replies, b.replies, lambda r: r[0]):
        values = x and said(x[1]), y and said(y[1])
        if values[0] != values[1]:
            yield line("reply to " + (x or y)[0], *values)


# --- what reaches the other side ---

OWN = re.compile(
    rb"(?:Authentication-Results: gw\.e2e\.test;\r\n(?:[ \t].*\r\n)*)?"
    rb"Received: from .*\r\n(?:\t\(.*\r\n)?\tby gw\.e2e\.test .*\r\n"
    rb"(?:[ \t].*\r\n)*")


# What is said to a server may depend on what it offers.
TRANSPORT = ("SIZE", "BODY", "SMTPUTF8", "ORCPT")


def copies(side):
    """{recipient: [(sender, parameters, data)]}"""
    found = collections.defaultdict(list)
    for m in side.messages:
        data = OWN.sub(b"(own trace)\r\n", m.data, count=1)
        sender, *parameters = m.mail_line.split(":", 1)[1].split(" ")
        for rcpt in m.rcpt_lines:
            address, *more = rcpt.split(":", 1)[1].split(" ")
            found[address].append((sender, " ".join(sorted(
                p for p in parameters + more
                if p.split("=")[0] not in TRANSPORT)), data))
    return {rcpt: sorted(c) for rcpt, c in found.items()}


def text_lines(data):
    return [x.decode("utf-8", "backslashreplace")
            for x in data.split(b"\r\n")]


def delivered_differently(a, b):
    """The data is compared once for all recipients that have the same."""
    a, b = copies(a), copies(b)
    seen = set()
    for rcpt in sorted(set(a) | set(b)):
        x, y = a.get(rcpt, []), b.get(rcpt, [])
        if len(x) != len(y):
            yield line("copies for " + rcpt, str(len(x)), str(len(y)))
            continue
        for (*envelope, data), (*other, other_data) in zip(x, y):
            for what, p, q in zip(("sender", "parameters"), envelope, other):
                if p != q:
                    yield line("%s for %s" % (what, rcpt), p or None,
                               q or None)
            if data == other_data or (data, other_data) in seen:
                continue
            seen.add((data, other_data))
            for p, q in aligned(text_lines(data), text_lines(other_data),
                                lambda text: text):
                if p is None or q is None:
                    yield line("message", p, q)


def differences(a, b):
    """Lines, each of them once; `a` is Postfix's outcome."""
    found = [*replied_differently(a, b), *told_differently(a, b),
             *ordered_differently(a, b), *delivered_differently(a, b)]
    return list(dict.fromkeys(found))
