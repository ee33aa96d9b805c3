"""The HTTP server: every path, every way to ask wrongly, and the token."""
import json
import re
import socket

import pytest

from kit.process import wait_until
from kit.running import admin, deliver, has_seccomp, status_of, AS_ROOT
from kit.gateway import USER
from kit.web import (HOST, connect, get, raw, read_all, server, shown,
                     wait_server)

TOKEN = "correct-horse-battery"
PATHS = ["/", "/page.css", "/page.js", "/metrics", "/stats.json",
         "/transactions.json", "/healthz", "/readyz"]
TYPES = {"/": "text/html; charset=utf-8",
         "/page.css": "text/css; charset=utf-8",
         "/page.js": "text/javascript; charset=utf-8",
         "/metrics": "text/plain; version=0.0.4; charset=utf-8",
         "/stats.json": "application/json",
         "/transactions.json": "application/json",
         "/healthz": "text/plain; charset=utf-8",
         "/readyz": "text/plain; charset=utf-8"}
OPEN = ["/", "/page.css", "/page.js", "/healthz", "/readyz"]


@pytest.fixture(scope="module")
def gateway(module_start):
    return shown(module_start).start()


@pytest.fixture(scope="module")
def guarded(module_start):
    return shown(module_start, token=TOKEN).start()


def check_fields(answer):
    f = answer.fields
    assert f["connection"] == "close" and f["cache-control"] == "no-store"
    assert f["x-content-type-options"] == "nosniff"
    assert f["referrer-policy"] == "no-referrer"
    assert f["content-security-policy"].startswith("default-src 'none'; ")
    assert "frame-ancestors 'none'" in f["content-security-policy"]
    assert "unsafe" not in f["content-security-policy"]
    assert "access-control-allow-origin" not in f
    assert re.fullmatch(r"\w{3}, \d\d \w{3} \d{4} \d\d:\d\d:\d\d GMT",
                        f["date"])


@pytest.mark.core
@pytest.mark.parametrize("path", PATHS)
def test_paths(gateway, path):
    answer = get(gateway.web, path)
    assert answer.status == 200, answer.body
    assert answer.fields["content-type"] == TYPES[path]
    assert int(answer.fields["content-length"]) == len(answer.body) > 0
    check_fields(answer)
    if path.endswith(".json"):
        assert isinstance(answer.json(), dict)
    head = get(gateway.web, path, "HEAD")
    assert head.status == 200 and head.body == b""
    assert head.fields["content-type"] == TYPES[path]
    check_fields(head)


def test_openmetrics_for_who_takes_it(gateway):
    answer = get(gateway.web, "/metrics", fields=b"Accept: application/"
                 b"openmetrics-text;version=1.0.0,text/plain;q=0.5\r\n")
    assert answer.fields["content-type"].startswith(
        "application/openmetrics-text; version=1.0.0")
    assert answer.body.endswith(b"# EOF\n")


WRONG = {
    "no Host": (b"GET / HTTP/1.1\r\n\r\n", 400),
    "two Hosts": (b"GET / HTTP/1.1\r\n" + HOST + HOST + b"\r\n", 400),
    "a stranger's Host": (b"GET /metrics HTTP/1.1\r\nHost: evil.example\r\n"
                          b"\r\n", 421),
    "a stranger's page": (b"GET / HTTP/1.1\r\nHost: localhost.evil.example\r\n"
                          b"\r\n", 421),
    "a stranger's URI": (b"GET http://evil.example/ HTTP/1.1\r\n" + HOST +
                         b"\r\n", 421),
    "our URI": (b"GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: "
                b"evil.example\r\n\r\n", 200),
    "our name": (b"GET /healthz HTTP/1.1\r\nHost: GW.e2e.test:1\r\n\r\n", 200),
    "an address": (b"GET /healthz HTTP/1.1\r\nHost: [2001:db8::1]:1\r\n\r\n",
                   200),
    "bare LF": (b"GET / HTTP/1.1\nHost: localhost\n\n", 400),
    "one bare LF": (b"GET / HTTP/1.1\r\nHost: localhost\n\r\n\r\n", 400),
    "control character": (b"GET / HTTP/1.1\r\n" + HOST + b"A: \x01\r\n\r\n",
                          400),
    "NUL": (b"GET /\0 HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "beyond ASCII": (b"GET /\xff HTTP/1.1\r\n" + HOST + b"\r\n", 400),
    "HTTP/0.9": (b"GET /\r\n\r\n", 400),
    "HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
    "SMTP": (b"EHLO c.example\r\n\r\n", 400),
    "POST": (b"POST / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc",
             405),
    "PUT": (b"PUT /metrics HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "DELETE": (b"DELETE / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "OPTIONS": (b"OPTIONS * HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "CONNECT": (b"CONNECT localhost:25 HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "TRACE": (b"TRACE / HTTP/1.1\r\n" + HOST + b"\r\n", 405),
    "a body": (b"GET / HTTP/1.1\r\n" + HOST + b"Content-Length: 3\r\n\r\nabc",
               413),
    "chunks": (b"GET / HTTP/1.1\r\n" + HOST + b"Transfer-Encoding: chunked\r\n"
               b"\r\n0\r\n\r\n", 413),
    "huge header": (b"GET / HTTP/1.1\r\n" + HOST + b"A: " + b"x" * 100000 +
                    b"\r\n\r\n", 431),
    "many fields": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n" * 5000 +
                    b"\r\n", 431),
    "huge target": (b"GET /" + b"x" * 9000 + b" HTTP/1.1\r\n" + HOST + b"\r\n",
                    431),
    "folded": (b"GET / HTTP/1.1\r\n" + HOST + b"A: b\r\n c\r\n\r\n", 400),
    "space before the colon": (b"GET / HTTP/1.1\r\nHost : localhost\r\n\r\n",
                               400),
    "no such path": (b"GET /etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "upwards": (b"GET /../../etc/passwd HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "encoded": (b"GET /%6detrics HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "slash behind": (b"GET /metrics/ HTTP/1.1\r\n" + HOST + b"\r\n", 404),
    "bad query": (b"GET /transactions.json?sender=%zz HTTP/1.1\r\n" + HOST +
                  b"\r\n", 400),
    "unknown question": (b"GET /transactions.json?form=a HTTP/1.1\r\n" + HOST +
                         b"\r\n", 400),
    "too many": (b"GET /transactions.json?limit=1001 HTTP/1.1\r\n" + HOST +
                 b"\r\n", 400),
}


@pytest.mark.parametrize("name", WRONG)
def test_other_requests(gateway, name):
    octets, status = WRONG[name]
    answer = raw(gateway.web, octets)
    assert answer.status == status, answer.body
    check_fields(answer)
    assert int(answer.fields["content-length"]) == len(answer.body)
    if status == 405:
        assert answer.fields["allow"] == "GET, HEAD"
    assert get(gateway.web, "/healthz").status == 200


def test_one_request_a_connection(gateway):
    with connect(gateway.web) as sock:
        sock.sendall((b"GET /healthz HTTP/1.1\r\n" + HOST + b"\r\n") * 200)
        octets = read_all(sock)
    assert octets.count(b"HTTP/1.1 200") == 1


def test_who_leaves_or_says_nothing(gateway):
    for octets in b"", b"GET /metr", b"GET /metrics HTTP/1.1\r\n" + HOST:
        with connect(gateway.web) as sock:
            sock.sendall(octets)
            sock.shutdown(socket.SHUT_WR)
            assert read_all(sock) == b""
    for _ in range(50):		# asks and leaves at once
        with connect(gateway.web) as sock:
            sock.sendall(b"GET /metrics HTTP/1.1\r\n" + HOST + b"\r\n")
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER,
                            b"\x01\0\0\0\0\0\0\0")
    assert get(gateway.web, "/healthz").status == 200


def test_requests_are_counted(gateway):
    get(gateway.web, "/nothing")
    get(gateway.web, "/")

    def counted():
        text = get(gateway.web, "/metrics").body.decode()
        return 'forepost_http_requests_total{path="other",code="404"}' in \
            text and re.search(r'forepost_http_requests_total\{path="/",'
                               r'code="200"\} [1-9]', text)
    wait_until(counted, what="requests to be counted")


def test_gives_its_rights_up(guarded):
    # Who answers has done so.
    wait_until(lambda: get(guarded.web, "/healthz").status == 200,
               what="an answer")
    s = status_of(wait_server(guarded))
    assert int(s["CapEff"], 16) == 0 and int(s["CapPrm"], 16) == 0
    assert s["NoNewPrivs"] == "1"
    if AS_ROOT:
        import pwd
        uid = pwd.getpwnam(USER).pw_uid
        assert s["Uid"].split() == [str(uid)] * 4
    if has_seccomp():
        assert s["Seccomp"] == "2"


# --- the token ---

@pytest.mark.parametrize("path", PATHS)
def test_token(guarded, path):
    port = guarded.web
    assert get(port, path, token=TOKEN).status == 200
    want = 200 if path in OPEN else 401
    for answer in (get(port, path), get(port, path, token="wrong"),
                   get(port, path, token=""), get(port, path, token=TOKEN[:-1]),
                   get(port, path, token=TOKEN + "x"),
                   get(port, path, token=TOKEN.upper()),
                   get(port, path, fields=b"Authorization: Basic " +
                       TOKEN.encode() + b"\r\n"),
                   get(port, path, fields=b"Authorization: " +
                       TOKEN.encode() + b"\r\n"),
                   get(port, path, fields=b"Authorization: Bearer x\r\n"
                       b"Authorization: Bearer " + TOKEN.encode() + b"\r\n")):
        assert answer.status == want
        check_fields(answer)
        if want == 401:
            assert answer.fields["www-authenticate"] == "Bearer"
            assert b"e2e" not in answer.body
    assert get(port, path, fields=b"authorization:bearer  " + TOKEN.encode() +
               b" \r\n").status == 200


def test_token_is_read_again(start):
    gateway = shown(start, token="first").start()
    assert get(gateway.web, "/metrics", token="first").status == 200
    with open(gateway.path("token"), "w") as f:
        f.write("second\n")
    assert get(gateway.web, "/metrics", token="first").status == 200
    gateway.reload()
    wait_until(lambda: get(gateway.web, "/metrics", token="second").status ==
               200, what="the new token")
    wait_until(lambda: get(gateway.web, "/metrics", token="first").status ==
               401, what="the end of the old token")


def test_readyz_says_why_to_who_has_the_token(start):
    gateway = shown(start, {"in": "smtp://127.0.0.1:9"}, token=TOKEN,
                    backend="\tretry_time 30s\n\tprobe_interval 1s")
    gateway.start()

    def down():
        return get(gateway.web, "/readyz", token=TOKEN).status == 503
    wait_until(down, what="the backend to be down")
    assert get(gateway.web, "/readyz", token=TOKEN).body == \
        b"backend in is down\n"
    answer = get(gateway.web, "/readyz")
    assert answer.status == 503 and answer.body == b"no\n"
    assert get(gateway.web, "/healthz").status == 200


def test_status_names_it(gateway):
    state = json.loads(admin(gateway, "status", "--json").stdout)
    assert state["stats"]["address"] == "127.0.0.1:%d" % gateway.web
    assert state["stats"]["pid"] == server(gateway)
    assert "127.0.0.1:%d" % gateway.web in admin(gateway, "status").stdout


def test_works_without(start):
    gateway = start.gateway({"in": start.sink().url})
    assert server(gateway) is None
    assert deliver(gateway.client()) == 250
