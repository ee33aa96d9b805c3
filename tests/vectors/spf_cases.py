"""The cases of SPF: the suites of RFC 7208 and RFC 4408, those of pyspf, and
what libspf2 tests its parser and its macros with."""
import collections
import re
import shlex

import kit

LOOKUP_MS = 300		# a name that never answers costs a test that long

Case = collections.namedtuple("Case", "id zone query results explanation")


def owner(name):
    name = name.rstrip(".")
    return f'"{name}"' if " " in name else name


def lines_of(name, entries):
    """The suites' zone data: [{TYPE: value}, ..., "TIMEOUT"]. An SPF record
    is a TXT record too, unless there are TXT records of its own; "TIMEOUT"
    holds for the types that are not there, here for TXT."""
    pairs = [p for e in entries if isinstance(e, dict) for p in e.items()]
    has_txt = any(kind == "TXT" for kind, _ in pairs)
    texts = [v for kind, v in pairs
             if kind == ("TXT" if has_txt else "SPF") and v != "NONE"]
    for record in texts:
        strings = record if isinstance(record, list) else [record]
        yield kit.txt(owner(name), strings or [""])
    for kind, value in pairs:
        if kind == "CNAME":
            value = value.rstrip(".") or "."
        if kind not in ("TXT", "SPF"):
            yield kit.line_of(owner(name), kind, value)
    if "TIMEOUT" in entries and not texts:
        yield f"{owner(name)} timeout"


def suite(path, prefix):
    """One suite: documents with tests and the zone that they share."""
    for number, doc in enumerate(kit.load(path)):
        scenario = doc.get("description") or doc.get("comment") or ""
        scenario = re.sub(r"\W+", "-", scenario.strip()).lower() or str(number)
        zone = "".join(line + "\n" for name, entries in doc["zonedata"].items()
                       for line in lines_of(name, entries))
        for name, test in doc["tests"].items():
            results = test["result"]
            yield Case(
                f"{prefix}/{scenario}/{name}", zone,
                {"client": test["host"], "helo": test["helo"],
                 "sender": test["mailfrom"] or "",
                 "receiver": test.get("receiver"), "lookup_ms": LOOKUP_MS},
                tuple(results if isinstance(results, list) else [results]),
                test.get("explanation"))


def commands(path):
    """libspf2's files: a command line, then what is expected of it."""
    done = None
    with open(kit.folder("spf-libspf2") / path, encoding="ascii") as f:
        for line in f:
            word, _, rest = line.strip().partition(" ")
            if word in ("spftest", "spfquery"):
                if done:
                    yield done
                done = {"command": shlex.split(rest)}
            elif done and word and not word.startswith("#"):
                done[word] = rest.strip().partition(" ")[2]
    yield done


def parser_cases():
    """Records. The client matches a term put in front of the others, so that
    the result is pass, unless the record is none or has an error."""
    for case in commands("test_parser.txt"):
        record = case["command"][1]
        error = case["err-msg"]
        if "no errors" in error or "Warning" in error:
            result = "pass"
        elif "Could not find a valid" in error:
            result = "none"
        else:
            result = "permerror"
        record_in_zone = re.sub(r"^v=spf1(?= |$)", "v=spf1 ip4:192.0.2.1",
                                record)
        yield Case(f"libspf2/parser/{record}",
                   kit.txt("x.example", record_in_zone) + "\n",
                   {"client": "192.0.2.1", "helo": "x.example",
                    "sender": "a@x.example", "lookup_ms": LOOKUP_MS},
                   (result,), None)


def macro_cases():
    """The examples of RFC 7208 7.4, each as an explanation."""
    for case in commands("test_rfc_examples.txt"):
        line = " ".join(case["command"])
        options = dict(re.findall(r"-([\w-]+)[= ](\S+)", line))
        text = options["default-explanation"]
        zone = "\n".join([
            'email.example.com TXT "v=spf1 -all exp=why.example.com"',
            kit.txt("why.example.com", text),
            "3.2.0.192.in-addr.arpa PTR mx.example.org",
            "mx.example.org A 192.0.2.3"]) + "\n"
        yield Case(f"libspf2/macros/{text}", zone,
                   {"client": options["ip"], "helo": options["helo"],
                    "sender": options["sender"], "lookup_ms": LOOKUP_MS},
                   (case["result"].split()[-1],),
                   case["smtp-comment"].split()[-1])


def numbered(cases):
    """Ids are unique: the second of the same name gets a 2."""
    seen = collections.Counter()
    for case in cases:
        seen[case.id] += 1
        n = seen[case.id]
        yield case if n == 1 else case._replace(id=f"{case.id}#{n}")


def all_cases():
    return list(numbered([
        *suite("spf-rfc7208/rfc7208-tests.yml", "rfc7208"),
        *suite("spf-rfc7208/rfc4408-tests.yml", "rfc4408"),
        *suite("spf-pyspf/pyspf-test.yml", "pyspf"),
        *parser_cases(), *macro_cases()]))
