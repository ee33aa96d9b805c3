"""TLS with clients: STARTTLS, SNI, implicit TLS, versions, certificates."""
import ssl

import pytest

from kit.client import Client, Closed
from kit.sink import EXTENSIONS

pytestmark = pytest.mark.core

MESSAGE = b"Subject: tls\r\n\r\ntext\r\n"


def lines(*pairs, more=""):
    """Listener lines for certificates and keys, in this order."""
    return "\tcertificate %s\n\tkey %s\n%s" % (
        " ".join('"%s"' % c for c, _ in pairs),
        " ".join('"%s"' % k for _, k in pairs), more)


@pytest.fixture(scope="module")
def route(module_start, authority):
    """Three certificates: two names each of its own, one with a wildcard."""
    sink = module_start.sink()
    pairs = [authority.issue("gw.e2e.test"),
             authority.issue("other.e2e.test"),
             authority.issue("wild", ("*.wild.test", "third.e2e.test"))]
    gateway = module_start.gateway({"in": sink.url}, listener=lines(*pairs))
    return gateway, sink


@pytest.fixture(autouse=True)
def clean(request):
    if "route" in request.fixturenames:
        request.getfixturevalue("route")[1].clear()


def test_starttls(route, authority):
    gateway, sink = route
    with gateway.client() as client:
        assert "STARTTLS" in client.ehlo()
        client.starttls(authority.trust())
        assert "STARTTLS" not in client.ehlo()
        assert client.mail(MESSAGE) == 250
        assert client.quit() == 221
    message, = sink.wait(1)
    head = message.data.partition(b"\r\n\r\n")[0].decode()
    assert " with ESMTPS id " in " ".join(head.split())
    assert "TLSv1.3" in head
    assert gateway.wait_line("session end .*tls=TLSv?1.3")


@pytest.mark.parametrize("version", ("TLSv1_2", "TLSv1_3"))
def test_versions_that_are_spoken(route, authority, version):
    gateway, sink = route
    version = getattr(ssl.TLSVersion, version)
    with gateway.client() as client:
        client.ehlo()
        client.starttls(authority.trust(minimum_version=version,
                                        maximum_version=version))
        client.ehlo()
        assert client.mail(MESSAGE) == 250
        assert client.sock.version().replace(".", "_") == version.name


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
@pytest.mark.parametrize("version", ("TLSv1", "TLSv1_1"))
def test_versions_that_are_not_spoken(route, version):
    gateway, _ = route
    context = ssl._create_unverified_context()
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = getattr(ssl.TLSVersion, version)
    context.maximum_version = getattr(ssl.TLSVersion, version)
    with gateway.client() as client:
        client.ehlo()
        with pytest.raises((ssl.SSLError, ConnectionError)):
            client.starttls(context)
    # The next client is served.
    with gateway.client() as client:
        assert "STARTTLS" in client.ehlo()


@pytest.mark.parametrize("asked, got", (
    ("gw.e2e.test", "gw.e2e.test"), ("other.e2e.test", "other.e2e.test"),
    ("OTHER.e2e.test", "other.e2e.test"), ("a.wild.test", "*.wild.test"),
    ("third.e2e.test", "*.wild.test"), ("unknown.test", "gw.e2e.test"),
    (None, "gw.e2e.test")))
def test_certificate_by_name(route, authority, asked, got):
    gateway, _ = route
    context = authority.trust()
    context.check_hostname = False
    with gateway.client() as client:
        client.ehlo()
        client.starttls(context, asked)
        subject = dict(x[0] for x in client.sock.getpeercert()["subject"])
        assert subject["commonName"] == got


def test_starttls_forgets_what_was_said_in_clear(route, authority):
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        client.starttls(authority.trust())
        assert client.cmd("MAIL FROM:<a@s.test>") == 503
        client.ehlo()
        assert client.cmd("STARTTLS").code in (502, 503)


@pytest.mark.parametrize("injected", (
    b"MAIL FROM:<x@evil.example>\r\n", b"EHLO evil.example\r\n", b"x", b"\n"))
def test_starttls_injection(route, injected):
    """What stands behind STARTTLS in the same segment never gets into TLS:
    554, and the connection closes."""
    gateway, sink = route
    with gateway.client() as client:
        client.ehlo()
        client.send(b"STARTTLS\r\n" + injected)
        reply = client.reply()
        assert reply == 554, reply
        assert client.closed()
    assert sink.messages == []


def test_starttls_in_the_middle_of_a_mail(route):
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        assert client.envelope("a@s.test", "b@box.test") == 250
        assert client.cmd("STARTTLS") == 503
        assert client.cmd("RSET") == 250
        client.starttls()
        client.ehlo()


def test_starttls_with_an_argument(route):
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("STARTTLS now") == 501


def test_no_handshake_but_commands(route):
    """A client that goes on in clear after 220 is sent away."""
    gateway, _ = route
    with gateway.client() as client:
        client.ehlo()
        assert client.cmd("STARTTLS") == 220
        client.send(b"EHLO x\r\nMAIL FROM:<a@s.test>\r\n")
        with pytest.raises((Closed, AssertionError)):
            assert client.reply() == 250
    assert gateway.wait_line("session end .*by=tls")


def test_leaving_in_the_handshake(route):
    gateway, _ = route
    for _ in range(5):
        client = gateway.client()
        client.ehlo()
        assert client.cmd("STARTTLS") == 220
        client.send(b"\x16\x03\x01\x02\x00\x01")
        client.reset()
    with gateway.client() as client:
        assert "STARTTLS" in client.ehlo()


def test_large_message_over_tls(route, authority):
    gateway, sink = route
    text = b"Subject: large\r\n\r\n" + b"0123456789abcdef" * 4 + b"\r\n"
    text += b".dot and more\r\n" * 100000
    with gateway.client(timeout=60) as client:
        client.ehlo()
        client.starttls(authority.trust())
        client.ehlo()
        assert client.mail(text) == 250
        assert client.mail(text, how="BDAT") == 250
    for message in sink.wait(2):
        assert message.data.endswith(text)


def test_implicit_tls(start, authority):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, listener=lines(
        authority.issue("gw.e2e.test"), more="\ttls implicit"))
    client = Client(gateway.address, greet=False)
    client.start_tls_now(authority.trust())
    assert client.reply() == 220
    assert "STARTTLS" not in client.ehlo()
    assert client.mail(MESSAGE) == 250
    assert client.quit() == 221
    assert len(sink.wait(1)) == 1
    # Clear text there is no SMTP.
    client = Client(gateway.address, greet=False)
    client.send(b"EHLO x\r\n")
    with pytest.raises((Closed, AssertionError)):
        assert client.reply() == 220


def test_tls_required(start, authority):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, listener=lines(
        authority.issue("gw.e2e.test"), more="\ttls require"))
    with gateway.client() as client:
        client.ehlo()
        reply = client.cmd("MAIL FROM:<a@s.test>")
        assert (reply.code, reply.enhanced) == (530, "5.7.0"), reply
        assert client.cmd("NOOP") == 250
        client.starttls(authority.trust())
        client.ehlo()
        assert client.mail(MESSAGE) == 250


@pytest.mark.parametrize("mode", ("ask", "require"))
def test_client_certificates(start, authority, mode):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, listener=lines(
        authority.issue("gw.e2e.test"),
        more='\ttls_client_certificate %s\n\ttls_client_ca "%s"' % (
            mode, authority.cert)))
    cert, key = authority.issue("client.e2e.test")
    context = authority.trust()
    context.load_cert_chain(cert, key)
    with gateway.client() as client:
        client.ehlo()
        client.starttls(context)
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert len(sink.wait(1)) == 1
    with gateway.client() as client:
        client.ehlo()
        if mode == "ask":
            client.starttls(authority.trust())
            client.ehlo()
            assert client.mail(MESSAGE) == 250
            return
        # In TLS 1.3 a client only learns by the next read that it was
        # not let in.
        with pytest.raises((ssl.SSLError, ConnectionError, Closed)):
            client.starttls(authority.trust())
            client.ehlo()


def test_client_certificate_of_a_stranger(start, authority, work):
    from kit.certs import Authority
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, listener=lines(
        authority.issue("gw.e2e.test"),
        more='\ttls_client_certificate require\n\ttls_client_ca "%s"' %
             authority.cert))
    stranger = Authority(work + "/stranger", "Another CA")
    context = authority.trust()
    context.load_cert_chain(*stranger.issue("client.e2e.test"))
    with gateway.client() as client:
        client.ehlo()
        with pytest.raises((ssl.SSLError, ConnectionError, Closed)):
            client.starttls(context)
            client.ehlo()


def test_certificates_are_read_again(start, authority):
    """After a reload new sessions get the new certificate."""
    sink = start.sink()
    pair = authority.issue("turn.e2e.test", ("first.e2e.test",))
    gateway = start.gateway({"in": sink.url}, listener=lines(pair))

    def name():
        context = authority.trust()
        context.check_hostname = False
        with gateway.client() as client:
            client.ehlo()
            client.starttls(context)
            cert = client.sock.getpeercert()
            return dict(x[0] for x in cert["subject"])["commonName"]
    assert name() == "first.e2e.test"
    authority.issue("turn.e2e.test", ("second.e2e.test",))
    gateway.reload()
    from kit.process import wait_until
    wait_until(lambda: name() == "second.e2e.test", what="the certificate")


# --- TLS with the backend ---

@pytest.mark.parametrize("level", ("opportunistic", "require", "verify"))
@pytest.mark.parametrize("implicit", (False, True))
def test_tls_to_the_backend(start, authority, level, implicit):
    sink = start.sink(EXTENSIONS + ("STARTTLS",), implicit_tls=implicit,
                      tls=authority.server_context("sink.e2e.test"))
    gateway = start.gateway({"in": sink.url}, backend=(
        '\ttls %s\n\ttls_ca "%s"\n\ttls_name "sink.e2e.test"' % (
            level, authority.cert)))
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    message, = sink.wait(1)
    assert message.session.tls
    # Beyond the clear-text start there is nothing of the mail to be seen.
    assert message.data.endswith(MESSAGE)


def test_no_tls_to_a_backend_without_it(start, authority):
    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, backend="\ttls opportunistic")
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert not sink.wait(1)[0].session.tls


@pytest.mark.parametrize("what", ("no tls", "wrong name", "wrong ca",
                                  "expired", "fingerprint"))
def test_a_backend_that_fails_the_tls_it_must_have(start, authority, work,
                                                   what):
    """Our refusal to speak to it is never a 5yz to the client."""
    settings = {"tls": "verify", "tls_ca": '"%s"' % authority.cert,
                "tls_name": '"sink.e2e.test"'}
    context = authority.server_context("sink.e2e.test")
    extensions = EXTENSIONS + ("STARTTLS",)
    if what == "no tls":
        settings = {"tls": "require"}
        extensions = EXTENSIONS
    elif what == "wrong name":
        settings["tls_name"] = '"elsewhere.test"'
    elif what == "wrong ca":
        from kit.certs import Authority
        settings["tls_ca"] = '"%s"' % Authority(work + "/other").cert
    elif what == "expired":
        cert, key = authority.issue("expired.e2e.test",
                                    ("sink.e2e.test",), expired=True)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(cert, key)
    else:
        settings["tls_fingerprint"] = "00" * 32
    sink = start.sink(extensions, tls=context)
    gateway = start.gateway({"in": sink.url}, backend="\n".join(
        "\t%s %s" % item for item in settings.items()))
    with gateway.client() as client:
        client.ehlo()
        reply = client.mail(MESSAGE)
        assert reply.code == 451, reply
    assert sink.messages == []
    assert gateway.wait_line("mail done .*why=.*(TLS|certificate|tls)")


def test_the_right_fingerprint_is_enough(start, authority):
    import hashlib
    cert, _ = authority.issue("pinned.e2e.test")
    with open(cert) as f:
        der = ssl.PEM_cert_to_DER_cert(f.read())
    sink = start.sink(EXTENSIONS + ("STARTTLS",),
                      tls=authority.server_context("pinned.e2e.test"))
    gateway = start.gateway({"in": sink.url}, backend=(
        "\ttls verify\n\ttls_fingerprint %s" %
        hashlib.sha256(der).hexdigest()))
    with gateway.client() as client:
        client.ehlo()
        assert client.mail(MESSAGE) == 250
    assert sink.wait(1)[0].session.tls
