"""Clients that go on and on, within what rules refuse."""
import pytest

from kit.ruled import MESSAGE, client_at, ruled

pytestmark = pytest.mark.core

REFUSED_MOST = 1000         # gateway/cmd_rcpt.c


def replies(client, lines):
    """All sent ahead."""
    client.send(b"".join(line.encode() + b"\r\n" for line in lines))
    return [client.reply() for _ in lines]


def test_deferred_recipients_have_an_end(start):
    """They are no errors of the client; but each is judged and logged, so
    there is an end to them. The mail goes on with those that were taken."""
    sink = start.sink()
    gateway = ruled(start, 'on rcpt { defer "later" when rcpt.local '
                    'starts with "later" }\n', {"in": sink.url}, workers=1)
    with client_at(gateway, "192.0.2.9") as client:
        client.ehlo()
        assert client.cmd("MAIL FROM:<a@sender.test>") == 250
        assert client.cmd("RCPT TO:<b@box.test>") == 250
        told = replies(client, ["RCPT TO:<later%d@box.test>" % i
                                for i in range(REFUSED_MOST + 20)])
        assert {r.code for r in told[:REFUSED_MOST]} == {451}
        assert {(r.code, r.enhanced) for r in told[REFUSED_MOST:]} == {
            (452, "4.5.3")}
        assert client.data(MESSAGE) == 250
        assert client.cmd("MAIL FROM:<a@sender.test>") == 250
        assert client.cmd("RCPT TO:<c@box.test>") == 250
        assert client.data(MESSAGE) == 250
    assert [m.rcpts for m in sink.wait(2)] == [["b@box.test"],
                                               ["c@box.test"]]
    gateway.wait_line("session end .*mails=2")
    assert len(gateway.lines("rcpt refused")) == REFUSED_MOST
