"""The client's address, told by others: PROXY header, XCLIENT, XFORWARD."""
import socket
import struct

import pytest

from kit.client import Client, Closed
from kit.samples import read_yaml
from kit.sink import EXTENSIONS

pytestmark = pytest.mark.core

MESSAGE = b"Subject: proxied\r\n\r\ntext\r\n"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"


def version2(command, family, addresses, tlvs=b""):
    body = addresses + tlvs
    return SIGNATURE + struct.pack("!BBH", 0x20 | command, family,
                                   len(body)) + body


def addresses4(client="192.0.2.7", local="198.51.100.1", ports=(4321, 25)):
    return socket.inet_aton(client) + socket.inet_aton(local) + \
        struct.pack("!HH", *ports)


def addresses6(client="2001:db8::7", local="2001:db8::1", ports=(4321, 25)):
    return socket.inet_pton(socket.AF_INET6, client) + \
        socket.inet_pton(socket.AF_INET6, local) + struct.pack("!HH", *ports)


@pytest.fixture(scope="module")
def route(module_start):
    sink = module_start.sink()
    gateway = module_start.gateway(
        {"in": sink.url}, listener="\tproxy_protocol 127.0.0.0/8")
    return gateway, sink


@pytest.fixture(autouse=True)
def clean(request):
    if "route" in request.fixturenames:
        request.getfixturevalue("route")[1].clear()


def deliver(gateway, sink, header):
    """The Received field of a mail from behind a load balancer."""
    with Client(gateway.address, before=header) as client:
        assert client.greeting == 220
        client.ehlo()
        assert client.mail(MESSAGE) == 250
        client.quit()
    message, = sink.wait(1)
    sink.clear()
    return message.data.partition(b"\r\n\tby ")[0].decode()


def refused(gateway, header):
    """Closed, without a greeting."""
    client = Client(gateway.address, greet=False)
    client.send(header)
    try:
        client.reply()
    except Closed:
        return True
    return False


def test_version_1_of_the_vectors(route, vectors):
    gateway, sink = route
    for line in read_yaml("smtp-aiosmtpd/proxy-v1.yml")["good"]:
        received = deliver(gateway, sink, line.encode() + b"\r\n")
        address = line.split(" ")[2]
        assert "[%s%s]" % ("IPv6:" if ":" in address else "",
                           address) in received, received


@pytest.mark.parametrize("header", (
    # The vectors list what is wrong in words; each here as octets.
    b"PROXY TCP6 2001:db8::1 2001:db8::2 02501 25\r\n",
    b"PROXY TCP4  192.0.2.1 192.0.2.2 1 25\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2  1 25\r\n",
    b"PROXY TCP6 2001:db8::g 2001:db8::2 1 25\r\n",
    b"PROXY \r\n", b"PROXY text\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25" + b" " * 90 + b"\r\n",
    b"PROXY TCP4 256.0.0.1 192.0.2.2 1 25\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25" + b"5" * 80,
    # And more of the kind.
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 65536\r\n",
    b"PROXY TCP4 2001:db8::1 2001:db8::2 1 25\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\nEHLO x\r\n",
    b"PROXY TCP4 192.0.2.1 192.0.2.2 1\r\n",
    b"PROXY UDP4 192.0.2.1 192.0.2.2 1 25\r\n",
    b"proxy TCP4 192.0.2.1 192.0.2.2 1 25\r\n",
    b"EHLO client.test\r\n", b"GET / HTTP/1.0\r\n\r\n"))
def test_bad_version_1(route, header):
    assert refused(route[0], header)


def test_unknown_is_the_balancer_itself(route):
    gateway, sink = route
    assert "[127.0.0.1]" in deliver(gateway, sink, b"PROXY UNKNOWN\r\n")
    assert "[127.0.0.1]" in deliver(
        gateway, sink, b"PROXY UNKNOWN ffff::1 ffff::2 1 2\r\n")


@pytest.mark.parametrize("header, address", (
    (version2(1, 0x11, addresses4()), "192.0.2.7"),
    (version2(1, 0x21, addresses6()), "IPv6:2001:db8::7"),
    (version2(0, 0x00, b""), "127.0.0.1"),
    (version2(0, 0x11, addresses4()), "127.0.0.1"),
    (version2(1, 0x00, b""), "127.0.0.1"),
    # Type-length-values: ALPN, a checksum's place left out, NOOP, TLS.
    (version2(1, 0x11, addresses4(), b"\x01\0\x02h2\x04\0\x03abc"
              b"\x20\0\x05\x07\0\0\0\0"), "192.0.2.7"),
    (version2(1, 0x11, addresses4(), b"\x04\x07\xd0" + b"n" * 2000),
     "192.0.2.7")))
def test_version_2(route, header, address):
    gateway, sink = route
    assert "[%s]" % address in deliver(gateway, sink, header)


def test_header_octet_by_octet(route):
    """The header may come in any pieces."""
    gateway, sink = route
    for header in (b"PROXY TCP4 192.0.2.9 192.0.2.2 1 25\r\n",
                   version2(1, 0x11, addresses4("192.0.2.9"))):
        client = Client(gateway.address, greet=False)
        for i in range(len(header)):
            client.send(header[i:i + 1])
        assert client.reply() == 220
        client.ehlo()
        assert client.mail(MESSAGE) == 250
        client.close()
        assert b"[192.0.2.9]" in sink.wait(1)[0].data
        sink.clear()


@pytest.mark.parametrize("header", (
    SIGNATURE + b"\x31\x11\0\x0c" + addresses4(),	# version 3
    SIGNATURE + b"\x22\x11\0\x0c" + addresses4(),	# command 2
    SIGNATURE + b"\x21\x11\0\x04" + addresses4(),	# too short
    SIGNATURE + b"\x21\x21\0\x0c" + addresses4(),	# IPv6 in 12 octets
    b"\r\n\r\n\0\r\nQUIX\n\x21\x11\0\x0c" + addresses4()))
def test_bad_version_2(route, header):
    assert refused(route[0], header)


def test_commands_behind_the_header(route):
    """What follows the header in the same segment is the client's; that it
    spoke before the greeting is noted, not punished by default."""
    gateway, _ = route
    client = Client(gateway.address, before=(
        b"PROXY TCP4 192.0.2.8 192.0.2.2 1 25\r\nEHLO x\r\nQUIT\r\n"))
    assert client.greeting == 220
    assert [r.code for r in client.replies_to_end()] == [250, 221]
    assert gateway.wait_line(
        "session end .*client=192.0.2.8 .*early-talker=yes")


def test_only_from_trusted_networks(start):
    """From elsewhere the header is an unknown command, not an address."""
    sink = start.sink()
    gateway = start.gateway({"in": sink.url},
                            listener="\tproxy_protocol 127.0.0.77")
    with gateway.client() as client:
        reply = client.cmd("PROXY TCP4 192.0.2.1 192.0.2.2 1 25")
        assert 500 <= reply.code <= 502
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert b"[127.0.0.1]" in sink.wait(1)[0].data
    with Client(gateway.address, source="127.0.0.77",
                before=b"PROXY TCP4 192.0.2.1 192.0.2.2 1 25\r\n") as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert b"[192.0.2.1]" in sink.wait(2)[1].data


# --- XCLIENT: from trusted networks a client may be any other ---

@pytest.fixture(scope="module")
def xclient(module_start):
    sink = module_start.sink()
    gateway = module_start.gateway(
        {"in": sink.url}, listener="\txclient 127.0.0.1")
    return gateway, sink


def test_xclient(xclient):
    gateway, sink = xclient
    sink.clear()
    with gateway.client() as client:
        offered = client.ehlo()["XCLIENT"].split()
        assert {"ADDR", "NAME", "HELO"} <= set(offered)
        assert client.cmd("XCLIENT ADDR=192.0.2.33 NAME=there.test "
                          "HELO=helo.test") == 220
        client.ehlo("other.test")
        assert client.mail(MESSAGE) == 250
    received = sink.wait(1)[0].data.partition(b"\r\n\tby ")[0]
    assert b"[192.0.2.33]" in received and b"there.test" in received


@pytest.mark.parametrize("args", (
    "ADDR=IPV6:2001:db8::9", "ADDR=192.0.2.1 PORT=1234 PROTO=ESMTP",
    "NAME=[UNAVAILABLE] ADDR=192.0.2.1", "NAME=[TEMPUNAVAIL]",
    "ADDR=192.0.2.1 LOGIN=user+40there"))
def test_xclient_forms(xclient, args):
    gateway, _ = xclient
    with gateway.client() as client:
        client.ehlo()
        reply = client.cmd("XCLIENT " + args)
        assert reply.code in (220, 501), reply
        if "LOGIN" not in args:
            assert reply == 220


@pytest.mark.parametrize("args", (
    "ADDR=300.1.1.1", "ADDR", "FOO=bar", "ADDR=192.0.2.1 PORT=x",
    "ADDR=2001:db8::1 NAME=a b"))
def test_bad_xclient(xclient, args):
    gateway, _ = xclient
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("XCLIENT " + args) == 501


def test_xclient_not_from_others(xclient):
    gateway, _ = xclient
    with gateway.client(source="127.0.0.2") as client:
        assert "XCLIENT" not in client.ehlo()
        assert client.cmd("XCLIENT ADDR=192.0.2.1").code in (502, 550)


def test_xclient_in_a_mail(xclient):
    gateway, _ = xclient
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<a@s.test>") == 250
        assert client.cmd("XCLIENT ADDR=192.0.2.1") == 503


# --- and towards backends that offer it ---

@pytest.mark.parametrize("verb", ("XCLIENT", "XFORWARD"))
def test_the_backend_is_told(start, verb):
    sink = start.sink(EXTENSIONS + (verb + " NAME ADDR PORT PROTO HELO",))
    gateway = start.gateway({"in": sink.url}, workers=1,
                            backend="\tclient_info auto",
                            listener="\txclient 127.0.0.1")
    with gateway.client() as client:
        for address in ("192.0.2.40", "192.0.2.41", "2001:db8::41"):
            prefix = "IPV6:" if ":" in address else ""
            client.ehlo()
            client.cmd("XCLIENT ADDR=%s%s NAME=n.test" % (prefix, address))
            client.ehlo("h.test")
            assert client.mail(MESSAGE) == 250
    told = [c for s in sink.sessions for c in s.commands
            if c.startswith(verb)]
    for address in ("192.0.2.40", "192.0.2.41", "2001:db8::41"):
        assert any("ADDR=" + address in t or "ADDR=IPV6:" + address in t
                   for t in told), told
    assert any("HELO=h.test" in t for t in told), told


def test_the_backend_is_not_told_by_default(start):
    sink = start.sink(EXTENSIONS + ("XCLIENT NAME ADDR",))
    gateway = start.gateway({"in": sink.url})
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert b"XCLIENT" not in sink.raw()
