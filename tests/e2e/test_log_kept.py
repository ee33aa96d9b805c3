"""Lines of the log that wait to be written with others: what was told to a
client is in the log in the end, once, whoever is killed."""
import os
import re
import signal
import socket
import threading
import time

import pytest

from kit.client import Client, Closed
from kit.gateway import LOG_DELAY
from kit.process import wait_until
from kit.running import edit, stats

LONG = "log_delay 1s"
MAIL = b"Subject: hello\r\n\r\nworld\r\n"


class Listener:
    """A syslog daemon's socket."""

    def __init__(self, path):
        self.path, self.text = path, ""
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.sock.bind(path)
        os.chmod(path, 0o666)
        self.thread = threading.Thread(target=self.run, daemon=True)
        self.thread.start()

    def run(self):
        while data := self.sock.recv(65536):
            self.text += data.decode() + "\n"

    def stop(self):
        self.sock.shutdown(socket.SHUT_RDWR)
        self.thread.join()
        self.sock.close()


class Log:
    def __init__(self, gateway, kind, start):
        self.gateway, self.kind = gateway, kind
        self.path = gateway.log
        if kind == "syslog":
            self.daemon = start.keep(Listener(gateway.path("daemon")))
            edit(gateway, "log stderr", 'log "syslog:%s"' % self.daemon.path)
        if kind == "file":
            self.path = os.path.join(gateway.own_folder("logs"), "log")
            edit(gateway, "log stderr", 'log "%s"' % self.path)

    def text(self):
        if self.kind == "syslog":
            return self.daemon.text
        with open(self.path, errors="replace") as f:
            return f.read()

    def mails(self):
        """The senders of the "mail done" lines."""
        return re.findall(r" mail done .* from=<(\w+)@sender.test>",
                          self.text())

    def wait(self, names):
        wait_until(lambda: set(names) <= set(self.mails()), what="all lines")


@pytest.fixture(params=["stderr", "file", "syslog"])
def logged(start, request):
    """A gateway, not started, and its log."""
    gateway = start.gateway({"in": start.sink().url}, start=False, workers=1)
    return gateway, Log(gateway, request.param, start)


def send(client, name):
    client.ehlo()
    client.envelope("%s@sender.test" % name, "bob@box.test")
    assert client.data(MAIL) == 250


def kill_workers(gateway):
    for pid in gateway.workers_alive():
        os.kill(pid, signal.SIGKILL)


def one_told(gateway, name):
    """Its worker is killed as soon as the client has its reply. False: nobody
    takes connections yet."""
    try:
        with Client(gateway.address) as client:
            send(client, name)
            kill_workers(gateway)
            return True
    except (Closed, OSError):
        return False


def test_what_was_told_is_there_whoever_is_killed(logged):
    gateway, log = logged
    edit(gateway, LOG_DELAY, LONG)
    gateway.start()
    names = ["told%d" % i for i in range(6)]
    for name in names:
        wait_until(lambda: one_told(gateway, name), 60)
    log.wait(names)
    assert log.mails() == names		# each of them once
    # The supervisor tells of the end behind what its worker had said.
    wait_until(lambda: log.text().count("worker ended ") == len(names))
    said = re.findall(r"(mail done|worker ended) ", log.text())
    assert said == ["mail done", "worker ended"] * len(names)
    assert stats(gateway)["log_dropped"] == 0


class Senders:
    """Mail after mail, and what they were told of."""

    def __init__(self, gateway, n):
        self.gateway, self.told, self.over = gateway, [], False
        self.threads = [threading.Thread(target=self.work, args=(i,))
                        for i in range(n)]
        for thread in self.threads:
            thread.start()

    def work(self, number):
        count = 0
        while not self.over:
            count += 1
            name = "s%dm%d" % (number, count)
            try:
                with Client(self.gateway.address) as client:
                    send(client, name)
                    self.told.append(name)
            except (Closed, OSError):
                time.sleep(0.05)

    def end(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        return self.told


def test_killed_at_any_time(logged):
    gateway, log = logged
    edit(gateway, LOG_DELAY, "")
    gateway.start()
    senders = Senders(gateway, 4)
    for i in range(12):
        time.sleep(0.3 + 0.007 * i)
        kill_workers(gateway)
    told = senders.end()
    assert len(told) > 50
    log.wait(told)
    found = log.mails()
    if log.kind != "syslog":	# who was killed as he wrote there, perhaps
        assert len(set(found)) == len(found)


def test_lines_wait_for_others(logged):
    gateway, log = logged
    edit(gateway, LOG_DELAY, LONG)
    gateway.start()
    with Client(gateway.address) as client:
        began = time.monotonic()
        send(client, "first")
        found = log.mails()
        if time.monotonic() - began < 0.5:	# or the machine stood still
            assert found == []
        log.wait(["first"])
    wait_until(lambda: " session end " in log.text(), what="the end")


def test_without_a_delay_a_line_is_there_before_the_reply(logged):
    gateway, log = logged
    gateway.start()
    for i in range(20):
        name = "m%d" % i
        with Client(gateway.address) as client:
            send(client, name)
            if log.kind == "syslog":	# its reader is a thread of this one
                log.wait([name])
            assert name in log.mails()


def test_what_waits_is_written_at_the_end(logged):
    gateway, log = logged
    edit(gateway, LOG_DELAY, LONG)
    gateway.start()
    with Client(gateway.address) as client:
        send(client, "last")
        client.quit()
    gateway.stop()
    log.wait(["last"])
    assert log.mails() == ["last"]
