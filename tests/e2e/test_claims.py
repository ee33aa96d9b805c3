"""Who delivers a mail holds it for as long as his backend takes, and no longer
than half a minute if he dies."""
import contextlib
import os
import signal
import threading
import time

import pytest

from kit.client import Closed
from kit.fates import Backend, Mail, attempt
from kit.process import PATIENCE, wait_until


def gateway_before(start, backend, address):
    gateway = start.gateway(
        {"in": backend.url}, workers=1, start=False,
        backend="\tretry_time 100ms", top='max_sessions_per_network 0\n'
        'store { address "%s" }' % address)
    gateway.own_folder("var")
    return gateway.start()


class Slow:
    """The backend says nothing to its first message until it is let."""

    def __init__(self, backend):
        self.go_on, self.waiting = threading.Event(), threading.Event()
        backend.before_message_reply = self.pass_through

    def pass_through(self, _):
        if not self.waiting.is_set():
            self.waiting.set()
            self.go_on.wait(60)


def begin(gateway, mail):
    """A try whose end its client does not wait for, or does not live to see."""
    def bring():
        with contextlib.suppress(Closed, OSError):
            attempt(gateway.address, mail, mail.rcpts)
    thread = threading.Thread(target=bring)
    thread.start()
    return thread


def is_on_its_way(gateway, mail):
    reply, = attempt(gateway.address, mail, mail.rcpts).values()
    return reply == 451 and "on its way" in repr(reply)


@pytest.mark.parametrize("store", ("lmdb", "redis"))
def test_a_claim_is_held(start, store):
    backend = start.keep(Backend())
    slow = Slow(backend)
    address = start.redis().url if store == "redis" else "lmdb:var/store"
    gateway = gateway_before(start, backend, address)
    mail = Mail("slow", ["ok"])
    thread = begin(gateway, mail)
    began = time.monotonic()
    assert slow.waiting.wait(PATIENCE)
    while time.monotonic() < began + 34:	# more than half a minute
        assert is_on_its_way(gateway, mail)
        time.sleep(2)
    slow.go_on.set()
    thread.join(20)
    wait_until(lambda: not is_on_its_way(gateway, mail))
    reply, = attempt(gateway.address, mail, mail.rcpts).values()
    assert reply == 250
    assert backend.copies() == mail.rcpts


@pytest.mark.parametrize("store", ("lmdb", "redis"))
def test_who_dies_keeps_no_mail(start, store):
    backend = start.keep(Backend())
    slow = Slow(backend)
    address = start.redis().url if store == "redis" else "lmdb:var/store"
    gateway = gateway_before(start, backend, address)
    mail = Mail("dead", ["ok"])
    thread = begin(gateway, mail)
    assert slow.waiting.wait(PATIENCE)
    worker, = gateway.workers_alive()
    os.kill(worker, signal.SIGKILL)
    died = time.monotonic()
    thread.join(10)
    slow.go_on.set()
    wait_until(lambda: gateway.workers_alive() not in ([], [worker]))
    assert is_on_its_way(gateway, mail)
    while is_on_its_way(gateway, mail):
        assert time.monotonic() < died + 40
        time.sleep(1)
    reply, = attempt(gateway.address, mail, mail.rcpts).values()
    assert reply == 250
    # Nobody had been told that the first copy was taken.
    assert set(backend.copies()) == set(mail.rcpts)
