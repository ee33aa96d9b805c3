"""Fixtures of the end-to-end tests.

Every test works in a folder of its own below /tmp: short, since the paths of
unix sockets are, and open to the users that workers and peers run as.
Everything that a test starts is ended by its process id when the test ends.
"""
import os
import re
import shutil
import sys
import tempfile

import pytest

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

from kit import samples		# noqa: E402
from kit.browser import Browser		# noqa: E402
from kit.certs import Authority		# noqa: E402
from kit.gateway import Gateway		# noqa: E402
from kit.peers import Dovecot, Exim, Postfix	# noqa: E402
from kit.redis import Redis	# noqa: E402
from kit.resolver import Resolver	# noqa: E402
from kit.sink import Sink		# noqa: E402


def pytest_collection_modifyitems(items):
    # The longest first, so that parallel workers end together.
    items.sort(key=lambda item: not re.search("nothing_lost|store_full",
                                              item.nodeid))


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """A test that fails shows what those had to say whom it has started."""
    report = (yield).get_result()
    if report.failed and call.when != "teardown":
        for starter in Starter.running:
            report.sections += starter.logs(call.start - 1).items()


def new_folder():
    folder = tempfile.mkdtemp(prefix="fp", dir="/tmp")
    os.chmod(folder, 0o755)
    return folder


@pytest.fixture(scope="session")
def vectors():
    """Asked for by tests that read the test vectors."""
    if not os.path.isdir(samples.vectors()):
        pytest.skip("no test vectors in %s: set FOREPOST_VECTORS" %
                    samples.vectors())


@pytest.fixture
def work():
    folder = new_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def module_work():
    folder = new_folder()
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


def needs_root():
    """The mail servers change to another user for their files."""
    if os.geteuid() != 0:
        pytest.skip("real mail servers are started by root")


LOG_LINES = 40


def last_lines(log):
    with open(log, errors="replace") as f:
        return "".join(line[:500].rstrip("\n") + "\n"
                       for line in f.readlines()[-LOG_LINES:])


class Starter:
    """Makes things that have stop(), and stops them in the end, the last
    one first. The first failure of a stop is the test's."""

    running = []	# all there are

    def __init__(self, work):
        self.work, self.started = work, []
        self.running.append(self)

    def logs(self, since):
        """Of those who said something after that time: {path: its end}."""
        files = [getattr(of, "log", None) for thing in self.started
                 for of in (thing, getattr(thing, "process", None))]
        return {log: last_lines(log) for log in files
                if log and os.path.exists(log) and os.path.getsize(log) and
                os.path.getmtime(log) >= since}

    def keep(self, thing):
        self.started.append(thing)
        return thing

    def gateway(self, backends=None, start=True, **options):
        gateway = self.keep(Gateway(
            self.work, backends, resolver=self.resolver().address,
            **options))
        return gateway.start() if start else gateway

    def resolver(self):
        for thing in self.started:
            if isinstance(thing, Resolver):
                return thing
        return self.keep(Resolver())

    def sink(self, *arguments, **options):
        return self.keep(Sink(*arguments, **options))

    def postfix(self, run=True, **options):
        """`run` false: for its tools only."""
        needs_root()
        postfix = self.keep(Postfix(self.work, **options))
        return postfix.start() if run else postfix

    def exim(self, **options):
        needs_root()
        return self.keep(Exim(self.work, **options)).start()

    def dovecot(self, **options):
        needs_root()
        return self.keep(Dovecot(self.work, **options)).start()

    def redis(self, options=""):
        return self.keep(Redis(self.work, options)).start()

    def stop(self):
        self.running.remove(self)
        failure = None
        while self.started:
            try:
                self.started.pop().stop()
            except Exception as e:
                failure = failure or e
        if failure:
            raise failure


@pytest.fixture
def start(work):
    starter = Starter(work)
    yield starter
    starter.stop()


@pytest.fixture(scope="module")
def module_start(module_work):
    starter = Starter(module_work)
    yield starter
    starter.stop()


@pytest.fixture(scope="session")
def authority():
    folder = new_folder()
    yield Authority(folder)
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="module")
def browser(module_work):
    browser = Browser(module_work)
    yield browser
    browser.stop()


@pytest.fixture
def gateway(start):
    """Two workers in front of a backend that takes everything."""
    return start.gateway({"in": start.sink().url}, start=False)
