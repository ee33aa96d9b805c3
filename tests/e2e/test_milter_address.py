"""Where a filter is: each form of its address, as it is written for Postfix and
sendmail, reaches a filter; and a name that DNS does not know is a failure."""
import pytest

from kit.any_filter import AnyFilter
from kit.client import Client
from kit.ports import free_port

MESSAGE = b"Subject: one\r\n\r\nHello.\r\n"
# How the filter listens, in libmilter's words, and how forepost.conf says it.
FORMS = [
    ("unix:{path}", "unix:{path}"),
    ("unix:{path}", "local:{path}"),
    ("inet:{port}@127.0.0.1", "inet:127.0.0.1:{port}"),
    ("inet:{port}@127.0.0.1", "inet:{port}@127.0.0.1"),
    ("inet:{port}@127.0.0.1", "127.0.0.1:{port}"),
    ("inet:{port}@127.0.0.1", "inet:{port}@localhost"),
    ("inet:{port}@127.0.0.1", "inet:filter.e2e.test:{port}"),
    ("inet:{port}@127.0.0.1", "filter.e2e.test:{port}"),
    ("inet6:{port}@::1", "inet6:[::1]:{port}"),
    ("inet6:{port}@::1", "[::1]:{port}"),
    ("inet6:{port}@::1", "inet6:{port}@six.e2e.test"),
]


def deliver(gateway):
    with Client(gateway.address) as client:
        client.ehlo()
        client.cmd("MAIL FROM:<a@sender.test>")
        reply = client.cmd("RCPT TO:<b@box.test>")
        return client.data(MESSAGE) if reply.code == 250 else reply


def filter_at(start, listens, port):
    one = AnyFilter(start.work)
    one.plan()
    one.url = listens.format(path=one.socket, port=port)
    if not listens.startswith("unix"):
        one.address = (listens.split("@")[1], port)
    return start.keep(one)


@pytest.mark.parametrize("listens, written", FORMS)
def test_a_filter_is_reached(start, listens, written):
    port, sink = free_port(), start.sink()
    one = filter_at(start, listens, port)
    one.start()
    resolver = start.resolver()
    resolver.records.update({("filter.e2e.test", "A"): ["127.0.0.1"],
                             ("six.e2e.test", "AAAA"): ["::1"]})
    gateway = start.gateway({"box": sink.url}, top="milter one { address %s }"
                            % written.format(path=one.socket, port=port))
    assert deliver(gateway).code == 250
    assert [step for _, step, _ in one.heard() if step != "close"][:3] == [
        "connect", "helo", "mail"]


def test_a_name_that_nobody_knows_is_a_failure(start):
    gateway = start.gateway(
        {"box": start.sink().url},
        top="milter one { address inet:nowhere.e2e.test:%d }" % free_port())
    reply = deliver(gateway)
    assert (reply.code, reply.enhanced) == (451, "4.7.1")
    gateway.wait_line("milter failed .* at=options failure=tempfail .*"
                      "nowhere.e2e.test")
