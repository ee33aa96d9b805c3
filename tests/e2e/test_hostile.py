"""What strangers send, in each field that has a way into an output: no control
character comes out anywhere, JSON is JSON, and one event is one line."""
import base64
import contextlib
import glob
import os
import re
import ssl

import pytest

from kit.certs import Authority
from kit.client import Client, Closed
from kit.gateway import run
from kit.hostile import PAYLOADS, clean, document, log_lines, objects
from kit.odd_certs import BMP, T61, UTF8, OddAuthority
from kit.ports import free_port
from kit.process import wait_until
from kit.raw_filter import CONTINUE, RawFilter, add_header, reply
from kit.running import admin
from kit.sink import CHUNKING
from kit.web import get

RULES = r"""
on helo { log "helo {helo.name} {client.name} {tls.client-name}" }
on mail { log "sender {sender} {tls.client-name}" }
on rcpt {
	bad: reject 550 5.7.1 "no {rcpt} of {sender} from {helo.name} {client.name} {tls.client-name} {dnsbl.names}"
	    when rcpt.local contains "refuse"
	grey: greylist "later {greylist.left}" when rcpt.local contains "grey"
	would: observe reject "would {rcpt}" when rcpt.local contains "x"
}
on message {
	log "subject {header \"Subject\"}"
	hostile: reject 554 5.7.1 "no {header \"Subject\"} of {header \"From\"}"
	    when header "X-Refuse" is "yes"
	add header "X-Seen" "{header \"Subject\"} {tls.client-name}"
}
"""
TOP = """rules "in.rules"
store { address "lmdb:var/store" size 16M }
journal { file "var/journal" }
log_format %s
stats { address 127.0.0.1:%d }
milter m { address "%s"  failure accept  retry_time 1s }
max_errors 100000
max_sessions_per_network 0
listener x { address 127.0.0.1:%d  xclient 127.0.0.1 }
dnsbl l { zone l.test  reply 127.0.0.2  score 1  test_points no }
"""
CERTIFICATES = """	certificate %s
	key %s
	tls_client_certificate ask
	tls_client_ca "%s"
"""


def backend_says(sink):
    """What the recipient's backend says holds the payload too."""
    def answer(session, verb, line):
        if verb == "RCPT" and b"deny" in line.encode("utf-8",
                                                     "surrogateescape"):
            session.message.rcpts.pop()
            return b"550-5.1.1 no " + sink.payload + b"\r\n550 5.1.1 " + \
                sink.payload + b"\r\n"
        if verb == "." and sink.refuses:
            return b"554 5.6.0 " + sink.payload + b"\r\n"
        return None
    return answer


@pytest.fixture(scope="module", params=["text", "json"])
def world(request, module_start):
    start = module_start
    sink = start.sink(CHUNKING)
    sink.payload, sink.refuses = b"", False
    sink.answer = backend_says(sink)
    raw = start.keep(RawFilter(start.work))
    web, at_x = free_port(), free_port()
    ours = Authority(start.work + "/ca").issue("gw.e2e.test")
    odd = OddAuthority(start.work + "/odd")
    gateway = start.gateway(
        {"in": sink.url}, start=False, workers=1,
        listener="\tproxy_protocol 127.0.0.1\n" + CERTIFICATES % (
            *ours, odd.cert),
        top=TOP % (request.param, web, raw.url, at_x))
    gateway.own_folder("var")
    with open(gateway.path("in.rules"), "w") as f:
        f.write(RULES)
    gateway.sink, gateway.raw, gateway.web = sink, raw, web
    gateway.odd = odd
    gateway.resolver = start.resolver()
    gateway.format, gateway.at_x = request.param, at_x
    gateway.start()
    yield gateway
    with open(gateway.log, "rb") as f:
        read_log(gateway, f.read())


@contextlib.contextmanager
def connect(gateway, address="192.0.2.9"):
    """A client; the gateway may have had enough of it."""
    client = Client(gateway.address, before=b"PROXY TCP4 %s 198.51.100.1 "
                    b"4000 25\r\n" % address.encode(), timeout=30)
    with contextlib.suppress(Closed, ConnectionError):
        yield client
    client.close()


def quoted(payload):
    """A local part that a server takes: without what no path may hold."""
    text = re.sub(rb"[\x00-\x1f\x7f]", b"", payload)
    return b'"' + text.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


def message(payload, extra=b""):
    word = b"=?utf-8?B?" + base64.b64encode(payload[:60]) + b"?="
    return (b"From: \"" + payload + b"\" <a@x.test>\r\nTo: b@box.test\r\n"
            b"Subject: " + payload + b" " + word + b"\r\nMessage-ID: <" +
            payload + b"@x>\r\nDate: " + payload + b"\r\nX-" +
            re.sub(rb"[^!-9;-~]", b"", payload)[:20] + b": x\r\n" + extra +
            b"\r\nbody " + payload + b"\r\n")


# --- the fields ---

def helo(gateway, payload):
    with connect(gateway) as c:
        c.cmd(b"EHLO " + payload)
        c.cmd(b"HELO x." + payload)
        c.cmd(b"EHLO [" + payload + b"]")
        c.cmd("EHLO client.test")
        c.envelope("a@x.test", "refuse@box.test")
        c.cmd(b"QUIT " + payload)


def command(gateway, payload):
    with connect(gateway) as c:
        c.cmd(payload)
        c.cmd("EHLO client.test")
        c.cmd(payload + b" x")
        c.cmd(b"VRFY " + payload)
        c.cmd(b"NOOP " + payload)
        c.cmd(b"AUTH PLAIN " + payload)


def sender(gateway, payload):
    with connect(gateway) as c:
        c.ehlo()
        for text in (payload + b"@x.test", quoted(payload) + b"@x.test",
                     b"a@" + payload, b"a@x.test> " + payload, payload):
            for params in (b"", b" SMTPUTF8"):
                c.cmd(b"MAIL FROM:<" + text + b">" + params)
                c.cmd("RCPT TO:<refuse@box.test>")
                c.cmd("RCPT TO:<grey@box.test>")
                c.cmd("RSET")


def recipient(gateway, payload):
    with connect(gateway) as c:
        c.ehlo()
        for text in (payload + b"@box.test", quoted(payload + b"refuse") +
                     b"@box.test", quoted(payload + b"deny x") + b"@box.test",
                     quoted(payload + b"grey") + b"@box.test",
                     b"a@" + payload):
            for params in (b"", b" SMTPUTF8"):
                c.cmd(b"MAIL FROM:<a@x.test>" + params)
                c.cmd(b"RCPT TO:<" + text + b">")
                c.cmd("RSET")


def parameter(gateway, payload):
    xtext = b"".join(b"+%02X" % octet for octet in payload[:80])
    with connect(gateway) as c:
        c.ehlo()
        for text in (b"SIZE=" + payload, payload + b"=x", payload,
                     b"ENVID=" + xtext, b"ENVID=" + payload,
                     b"BODY=" + payload):
            c.cmd(b"MAIL FROM:<a@x.test> " + text)
            c.cmd(b"RCPT TO:<refuse@box.test> ORCPT=rfc822;" + xtext)
            c.cmd(b"RCPT TO:<refuse@box.test> NOTIFY=" + payload)
            c.cmd("RSET")


def reverse_name(gateway, payload):
    """A name of DNS may hold any octet."""
    label = payload[:60].decode("utf-8", "replace").replace(".", "")[:15]
    name = label + ".evil.test"
    gateway.resolver.records[("10.2.0.192.in-addr.arpa", "PTR")] = [name]
    gateway.resolver.records[(name, "A")] = ["192.0.2.10"]
    with connect(gateway, "192.0.2.10") as c:
        c.ehlo()
        c.envelope("a@x.test", "refuse@box.test")


def dns_texts(gateway, payload):
    text = payload[:200].decode("utf-8", "replace")
    records = gateway.resolver.records
    records[("11.2.0.192.l.test", "A")] = ["127.0.0.2"]
    records[("11.2.0.192.l.test", "TXT")] = [text]
    records[("dns.test", "TXT")] = ["v=spf1 exists:" + text + " -all"]
    records[("_dmarc.dns.test", "TXT")] = ["v=DMARC1; p=" + text]
    with connect(gateway, "192.0.2.11") as c:
        c.ehlo()
        c.envelope("a@dns.test", "refuse@box.test")


def header(gateway, payload):
    for extra in (b"", b"X-Refuse: yes\r\n"):
        with connect(gateway) as c:
            c.ehlo()
            if c.envelope("a@x.test", "b@box.test") == 250:
                c.data(message(payload, extra))


def chunks(gateway, payload):
    """What a message with CR, LF and NUL anywhere may hold."""
    with connect(gateway) as c:
        c.ehlo()
        for extra in (b"", b"X-Refuse: yes\r\n"):
            if c.envelope("a@x.test", "b@box.test",
                          " BODY=BINARYMIME") == 250:
                c.bdat(message(payload, extra), 100)


def certificate(gateway, payload):
    for tag in (UTF8, T61, BMP):
        with connect(gateway) as c:
            c.ehlo()
            with contextlib.suppress(ssl.SSLError):
                c.starttls(gateway.odd.context(
                    payload, payload + b" CA", tag))
                c.ehlo()
                c.envelope("a@x.test", "refuse@box.test")
                c.cmd("RSET")
                if c.envelope("a@x.test", "b@box.test") == 250:
                    c.data(message(b"x"))


def backend(gateway, payload):
    gateway.sink.payload = payload
    with connect(gateway) as c:
        c.ehlo()
        c.envelope("a@x.test", "deny@box.test")
        gateway.sink.refuses = True
        if c.envelope("a@x.test", "b@box.test") == 250:
            c.data(message(b"x"))
    gateway.sink.refuses = False


def filter_says(gateway, payload):
    says = payload.replace(b"%", b"%%").replace(b"\n", b"")
    gateway.raw.answer = lambda session, letter, data: (
        reply(b"550 5.7.1 " + says) if letter == b"R" and b"refuse" not in
        data else add_header(b"X-Filter", payload) + CONTINUE
        if letter == b"E" else None)
    with connect(gateway) as c:
        c.ehlo()
        c.envelope("a@x.test", "b@box.test")
    gateway.raw.answer = lambda session, letter, data: \
        reply(b"554 5.7.1 " + says) if letter == b"E" else None
    with connect(gateway) as c:
        c.ehlo()
        if c.envelope("a@x.test", "b@box.test") == 250:
            c.data(message(b"x"))
    gateway.raw.answer = None


def xclient(gateway, payload):
    xtext = b"".join(b"+%02X" % octet for octet in payload[:40])
    for text in (b"NAME=" + xtext, b"HELO=" + xtext, b"NAME=" + payload,
                 b"ADDR=" + payload, b"LOGIN=" + xtext, payload):
        with contextlib.suppress(Closed), Client(gateway.at_x) as c:
            c.ehlo()
            c.cmd(b"XCLIENT " + text)
            c.ehlo()
            c.envelope("a@x.test", "refuse@box.test")


def proxy(gateway, payload):
    for text in (b"PROXY TCP4 " + payload, b"PROXY " + payload,
                 b"PROXY TCP4 192.0.2.1 " + payload + b" 1 2"):
        with contextlib.suppress(Closed, ConnectionError):
            Client(gateway.address, before=text[:100] + b"\r\n").close()


FIELDS = [helo, command, sender, recipient, parameter, reverse_name,
          dns_texts, header, chunks, certificate, backend, filter_says,
          xclient, proxy]


# --- the outputs ---

def read_log(gateway, octets):
    if gateway.format == "json":
        lines = objects(octets, "log", True)
        assert all("event" in line and "label" in line for line in lines)
        return lines
    return log_lines(octets, "log")


def log_since(gateway, at):
    """Whole lines: one that is just being written may be read in part."""
    with open(gateway.log, "rb") as f:
        f.seek(at)
        octets = f.read()
    return octets[:octets.rfind(b"\n") + 1]


def journal(gateway):
    found = b""
    for path in glob.glob(gateway.path("var/journal*")):
        with open(path, "rb") as f:
            found += f.read()
    return found


def explained(gateway, records):
    """Of the last ones, since each is a process."""
    for record in records[-3:]:
        ident = record["session"] + (
            ".%d" % record["id"] if "id" in record else "")
        for more in ((), ("--json",)):
            done = run("explain", "--config", gateway.conf, *more, ident)
            clean(done.stdout, "explain " + ident, not more, True)


@pytest.mark.parametrize("payload", PAYLOADS)
@pytest.mark.parametrize("field", FIELDS, ids=lambda f: f.__name__)
def test_field(world, field, payload):
    at = os.stat(world.log).st_size
    field(world, PAYLOADS[payload])
    wait_until(lambda: b"session end" in log_since(world, at) or
               field is proxy, what="the session's end")
    read_log(world, log_since(world, at))
    answer = get(world.web, "/transactions.json?limit=5&trace=1")
    assert answer.status == 200
    document(answer.body, "transactions")


@pytest.mark.parametrize("payload", PAYLOADS)
def test_names_of_a_certificate_arrive(world, payload):
    """But for one that would end before its end. OpenSSL takes no text that
    is not UTF-8 where it should be; in T61 each octet is a character."""
    text = PAYLOADS[payload]
    tag = T61 if b"\xff" in text or b"\x9b3" in text else UTF8
    with connect(world) as c:
        c.ehlo()
        c.starttls(world.odd.context(text, b"CA", tag))
        c.ehlo()
        answer = c.envelope("a@x.test", "refuse@box.test")
        assert answer == 550
    session, = re.findall(r"\[([0-9a-f]{12})\]$", answer.text)

    def find():
        return [r for r in objects(journal(world), "journal")
                if r["session"] == session]
    record, = wait_until(find, what="its record")
    found = record["facts"].get("tls.client-name")
    if payload == "NUL":
        assert found is None
    elif text.isascii():
        assert found == text.decode().lower()
    else:
        assert found		# perhaps as A-labels


def test_megabyte_subject(world):
    at = os.stat(world.log).st_size
    line = b"\x1b\xff\xc2\x9b\" <b>" * 100
    for extra in (b"", b"X-Refuse: yes\r\n"):
        with connect(world) as c:
            c.ehlo()
            assert c.envelope("a@x.test", "b@box.test") == 250
            answer = c.data(b"Subject: " + b"\r\n ".join([line] * 1100) +
                            b"\r\n" + extra + b"\r\nx\r\n")
            assert answer.code in (250, 451, 552, 554)
    wait_until(lambda: log_since(world, at).count(b"session end") == 2,
               what="the sessions' ends")
    lines = read_log(world, log_since(world, at))
    assert all(len(str(line)) < 16384 for line in lines)


def test_all_outputs(world):
    """After all of the above."""
    # The session of a test that ran alone.
    header(world, PAYLOADS["title"])
    raw = wait_until(lambda: journal(world), what="a record")
    records = objects(raw, "journal")
    assert records
    explained(world, records)
    for path in ("/stats.json", "/transactions.json?limit=1000"):
        document(get(world.web, path).body, path)
    for path in ("/metrics", "/readyz", "/healthz"):
        clean(get(world.web, path).body, path)
    for words in (("status",), ("stats",)):
        clean(admin(world, *words).stdout, words, True)
    document(admin(world, "status", "--json").stdout, "status")
    clean(admin(world, "stats", "--json").stdout, "stats --json", tabs=True)
    for words in (("list",), ("stats",)):
        done = run("greylist", *words, "--config", world.conf)
        assert done.returncode == 0, done.stdout
        clean(done.stdout, "greylist", True)
        objects(run("greylist", *words, "--json", "--config",
                    world.conf).stdout, "greylist --json")
    rules = world.path("other.rules")
    with open(rules, "w") as f:
        f.write('on message { other: reject "no {header \\"Subject\\"}" '
                'when message.size > 0 }\n')
    for more in ((), ("--json",), ("--rules", rules),
                 ("--rules", rules, "--json")):
        done = run("replay", "--config", world.conf, *more, timeout=100)
        assert done.returncode in (0, 4), done.stdout
        clean(done.stdout, "replay", "--json" not in more)


@pytest.mark.parametrize("payload", PAYLOADS)
def test_explain(world, payload):
    """Of a mail that is only asked about."""
    text = PAYLOADS[payload]
    path = world.path("message")
    with open(path, "wb") as f:
        f.write(message(text, b"X-Refuse: yes\r\n"))
    address = quoted(text[:50]).decode("utf-8", "surrogateescape") + "@x.test"
    helo = text[:60].decode("utf-8", "surrogateescape").replace("\0", "")
    for more in ((), ("--json",)):
        done = run("explain", "--config", world.conf, "--client",
                   "192.0.2.9", "--name", "c.test", "--from", address,
                   "--to", "b@box.test", "--helo", helo, *more, path)
        clean(done.stdout, "explain", not more, True)
        done = run("explain", "--config", world.conf, "--client",
                   "192.0.2.9", "--name", "c.test", "--from", "a@x.test",
                   "--to", "b@box.test", *more, path)
        assert done.returncode == 0, done.stdout
        clean(done.stdout, "explain", not more, True)
