"""A client that sends its message while a filter still thinks about DATA: it
sent ahead where it may not, and what it sent is not taken for commands."""
from kit.any_filter import AnyFilter
from kit.client import Client
from kit.process import wait_until


def test_sent_ahead_while_a_filter_is_asked(start):
    one, sink = start.keep(AnyFilter(start.work)), start.sink()
    one.plan(("data", "*", "hang"))
    one.start()
    gateway = start.gateway(
        {"box": sink.url}, top="milter one { address %s command_timeout 5s "
        "failure accept }" % one.url)
    with Client(gateway.address) as client:
        client.ehlo()
        client.envelope("a@sender.test", ["b@box.test"])
        client.send(b"DATA\r\n")
        wait_until(lambda: "data" in [step for _, step, _ in one.heard()],
                   what="DATA at the filter")
        client.send(b"Subject: one\r\n\r\n.\r\nMAIL FROM:<x@evil.test>\r\n")
        reply = client.reply()
        assert (reply.code, reply.enhanced) == (554, "5.5.0")
        assert client.closed()
    assert " by=early-pipelining at=DATA " in gateway.wait_line(
        "session end ")[-1]
    assert sink.messages == []
