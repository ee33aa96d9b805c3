"""replayed -- a journal before rules: how long `forepost replay` takes.

The journal is made up: transactions as the gateway writes them, of a mail to
one recipient with all that checks find, 2.1 KB each. Some are spam, some are
forged, and every value that rules read varies. Figures are the best of the
rounds, and stand for a million: fewer are judged, and the time is scaled.
"""
import json
import os
import random
import subprocess
import time

MILLION = 1_000_000
RECORDS = 200_000
QUICK = 40_000
MADE = (60, 500)	# rules

RULES = {
    "connect": ("client.ip in {{ 10.{n}.0.0/16 }}",
                'client.name ends with ".dyn{n}.example"',
                "client.name matches /(^|[.-])(dsl|pool|dyn)[0-9]*{n}[.-]/i",
                "client.ip is 192.0.2.{n}", "client.early-talker",
                "client.network in {{ 198.51.{n}.0/24, 2001:db8:{n}::/48 }}"),
    "helo": ('helo.name is "h{n}.example"',
             "helo.name matches /^[0-9]+{n}\\.example$/",
             "not helo.resolves", "spf.helo in {{ fail, softfail }}",
             'helo.name contains "bad{n}"', "score > {n}"),
    "mail": ('sender in {{ "u{n}@a.example", ".s{n}.example" }}',
             'sender.local starts with "bounce{n}"', "spf is fail",
             "sender matches /^[a-z]+{n}@/", "message.declared-size > {n}M",
             'sender.domain is "d{n}.example"'),
    "rcpt": ('rcpt.local is "local{n}"',
             'rcpt in {{ "u{n}@", "v{n}@here.example" }}',
             'rcpt.local ends with "-{n}"',
             "rcpt matches /^(sales|info){n}@/", "dnsbl.score > {n}",
             'sender.domain in {{ ".x{n}.example" }}'),
    "message": ('header "Subject" contains "winner {n}"',
                'header "Subject" matches /\\bfree (offer|money) {n}\\b/i',
                'header "From" contains "from{n}"', "message.size > {n}M",
                "dmarc is fail and dmarc.policy is reject",
                'from.domain in {{ "f{n}.example", ".g{n}.example" }}',
                'dkim.domains in {{ "d{n}.example" }}'),
}
# Of default.rules, for a mail of whom nothing bad is known.
HITS = [{"rule": "default.rules:98", "at": "default.rules:98",
         "action": "replace header", "name": "X-Forepost-Score",
         "text": "0 (none)"}]
SHARE = {"connect": 20, "helo": 10, "mail": 20, "rcpt": 10, "message": 40}


def rules(count):
    """As those of evaluate.c, of facts that these mails have."""
    dice = random.Random(count)
    out = []
    for phase, tests in RULES.items():
        out.append("on %s {" % phase)
        for _ in range(count * SHARE[phase] // 100):
            parts = [dice.choice(tests).format(n=dice.randrange(1, 250))
                     for _ in range(dice.choice((1, 1, 2, 3)))]
            out.append("\tscore 0.0%d \"s\" when %s" % (
                dice.randrange(1, 10), dice.choice(
                    (" and ", " or ")).join(parts)))
        out.append("}")
    out.append('on message {\n\treplace header "X-Forepost-Score" "0 (none)"\n'
               '\treject "no" when score > 1000\n}')
    return "\n".join(out) + "\n"


def template():
    """A record, with %(name)s for what is another in each."""
    growing = {"dnsbl.score": 0.0, "dnsbl.names": [], "dnsbl.tags": [],
               "dnsbl.failed": 0}
    facts = {
        "client.ip": "203.0.%(a)s.%(b)s", "client.port": 40123,
        "client.network": "203.0.%(a)s.0/24",
        "client.name": "mail%(b)s.sender%(a)s.example",
        "client.reverse": "ok", "client.early-talker": False,
        "client.pipelined-early": False, "client.errors": 0,
        "client.sessions": 1, "client.network.sessions": 1,
        "client.site.sessions": 1, "listener": "mx", **growing,
        "client.tls": True, "tls.version": "TLSv1.3",
        "tls.cipher": "TLS_AES_256_GCM_SHA384", "tls.client-name": None,
        "helo.name": "mail%(b)s.sender%(a)s.example", "helo.kind": "ehlo",
        "helo.resolves": True, "helo.matches-client": True,
        "spf.helo": "pass", "sender": "news-%(n)s@sender%(a)s.example",
        "sender.local": "news-%(n)s", "sender.domain": "sender%(a)s.example",
        "sender.is-null": False, "sender.domain-accepts-mail": True,
        "spf": "%(spf)s", "spf.explanation": None,
        "message.declared-size": 48211, "message.size": 48211,
        "header From": "News <news@sender%(a)s.example>",
        "header Subject": "%(subject)s",
        "header Message-ID": "<%(n)s@sender%(a)s.example>",
        "header Date": "Sun, 22 Nov 2026 01:00:00 +0000",
        "header To": "someone@here.example", "header List-Id": None,
        "header-count From": 1, "header-count Subject": 1,
        "header List-Unsubscribe": None, "header Precedence": None,
        "from.domain": "sender%(a)s.example", "from.count": 1,
        "dkim": "%(dkim)s", "dkim.domains": ["sender%(a)s.example"],
        "dkim.aligned": True, "dmarc": "%(dmarc)s", "dmarc.policy": "reject",
        "dmarc.domain": "sender%(a)s.example", "dmarc.testing": False,
        "arc": "none"}
    rcpt = {"to": "someone%(b)s@here.example", "reply": "250 2.1.5 Ok",
            "outcome": "taken", "by": "backend", "action": "accept",
            "read": growing, "facts": {
                "rcpt": "someone%(b)s@here.example",
                "rcpt.local": "someone%(b)s", "rcpt.domain": "here.example",
                "rcpt.count": 1}, "backend": "in"}
    return json.dumps({
        "v": 1, "time": "2026-11-22T17:43:32.%(n)s", "session": "%(n)s",
        "id": 1, "kind": "mail", "worker": 4711, "listener": "mx",
        "rules": "0123456789abcdef", "outcome": "delivered",
        "reply": "250 2.0.0 Ok: queued as 4F2A1C0D3E", "by": "backend",
        "facts": facts,
        "phases": [{"phase": p, "action": "accept", **(
            {"hits": HITS, "read": {**growing, "rcpt.count": 1,
                                    "client.pipelined-early": False}}
            if p == "message" else {})}
            for p in ("connect", "helo", "mail", "message")],
        "rcpts": [rcpt], "backend": "in",
        "size": 48211, "tls": "TLSv1.3", "us": {
            "connect": 210, "helo": 180, "mail": 900, "rcpt": 1200,
            "data": 2100, "message": 5300, "backend": 8000, "total": 18000},
    }, separators=(",", ":")) + "\n"


def write(path, count):
    dice = random.Random(7)
    line = template()
    with open(path, "w") as f:
        for i in range(count):
            f.write(line % {
                "n": "%012x" % (i + 1), "a": dice.randrange(256),
                "b": dice.randrange(256),
                "spf": dice.choice(("pass", "pass", "none", "fail")),
                "dkim": dice.choice(("pass", "pass", "none")),
                "dmarc": dice.choice(("pass", "pass", "pass", "fail")),
                "subject": dice.choice(
                    ("Your weekly news: a dozen things to read",
                     "Minutes of Thursday", "f\\u00fcr Sie: free money 7"))})
    return os.path.getsize(path)


def measure(bench, forepost):
    """samples["replay"][rules] = [{"seconds": of a million, ...}, ...]"""
    samples = bench.samples.setdefault("replay", {})
    count = QUICK if bench.quick else RECORDS
    journal = os.path.join(bench.folder, "journal")
    samples["octets"] = write(journal, count) / count
    samples["records"] = count
    runs = samples.setdefault("runs", {})
    for made in (0, *MADE):
        print(f"  replay, {made or 'shipped'} rules", flush=True)
        name, option = f"{made} rules", []
        if made == 0:
            name = "default.rules"
        else:
            path = os.path.join(bench.folder, f"replay-{made}.rules")
            with open(path, "w") as f:
                f.write(rules(made))
            option = ["--rules", path]
        for _ in range(min(bench.repeat, 3)):
            runs.setdefault(name, []).append(
                replay(bench, forepost, option, journal, count))
    os.unlink(journal)


def replay(bench, forepost, option, journal, count):
    before = os.times()
    began = time.monotonic()
    with open(os.path.join(bench.folder, "replayed"), "w+") as out:
        run = subprocess.run([forepost, "replay", *option, "--json", journal],
                             stdout=out, stderr=subprocess.PIPE, text=True,
                             timeout=600)
        took = time.monotonic() - began
        out.seek(0)
        found = json.load(out)
    after = os.times()
    if run.returncode not in (0, 4) or found["records"] != count or \
            found["unjudged"] or found["bad"]:
        raise RuntimeError(f"replay: {run.stderr} {found['needs']}")
    return {"seconds": took * MILLION / count, "cpu": MILLION / count * (
        after.children_user + after.children_system -
        before.children_user - before.children_system),
        "changed": found["changed"]}


def show(bench, report):
    samples = bench.samples["replay"]
    print(f"\nA journal judged by other rules: {samples['records']:,} records "
          f"of {samples['octets']:,.0f} octets, scaled to a million")
    best = {name: min(runs, key=lambda run: run["seconds"])
            for name, runs in samples["runs"].items()}
    report.table(["", "seconds", "CPU", "mails/s", "changed"],
                 [[name, f"{run['seconds']:.1f}", f"{run['cpu']:.1f}",
                   f"{MILLION / run['seconds']:,.0f}",
                   f"{run['changed'] / samples['records']:.1%}"]
                  for name, run in best.items()])
    for name, run in best.items():
        report.bar(f"a million mails by {name}", run["seconds"], 60, "s")
