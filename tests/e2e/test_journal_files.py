"""The journal's files: rotation, SIGUSR1, a full disk, workers that are killed,
addresses that are hidden. Mail goes on whatever becomes of them, and no mail
that a client was told of is missing."""
import hmac
import json
import os
import re
import signal
import threading
import time

import pytest

from kit.client import Closed, Client
from kit.journaled import (files, journaled, last_session, lines, record,
                           records, session_of, size)
from kit.process import wait_until
from kit.ruled import another, client_at
from kit.running import stats

LONG = "on message { long: add header \"X-Long\" \"%s\" }" % ("x" * 800)


class Load:
    """Clients that send mail after mail, and what they were told: for each
    session its id, and how many of its mails had a reply."""

    def __init__(self, gateway, threads=4):
        self.gateway, self.over = gateway, False
        self.told, self.failed = [], 0
        self.threads = [threading.Thread(target=self.work)
                        for _ in range(threads)]
        for thread in self.threads:
            thread.start()

    def work(self):
        while not self.over:
            told, ident = 0, None
            try:
                with Client(self.gateway.address, before=b"PROXY TCP4 "
                            b"192.0.2.1 198.51.100.1 4000 25\r\n") as c:
                    c.ehlo()
                    for _ in range(20):
                        c.envelope("a@x.test", "bob@box.test")
                        c.data(another())
                        told += 1
                        # A 5yz tells the session's id.
                        if ident is None:
                            ident = session_of(c.cmd("NONSENSE"))
                    c.quit()
            except (Closed, OSError, AttributeError):
                self.failed += 1
            if ident:
                self.told.append((ident, told))

    def end(self):
        self.over = True
        for thread in self.threads:
            thread.join()
        return self


def all_told(load, found):
    """Each mail that a client heard of is there, and once."""
    have = {}
    for r in found:
        have.setdefault(r["session"], []).append(r["id"])
    for ident, told in load.told:
        ids = sorted(have.get(ident, []))
        assert ids[:told] == list(range(1, told + 1)), (ident, told, ids)
        # One that was under way when its worker died was told to nobody.
        assert len(ids) <= told + 1


def open_files(gateway):
    """The journal's that its processes have open."""
    found = set()
    for pid in gateway.workers_alive():
        try:
            for fd in os.listdir("/proc/%d/fd" % pid):
                path = os.readlink("/proc/%d/fd/%s" % (pid, fd))
                if "/var/journal" in path:
                    found.add(os.path.basename(path))
        except OSError:
            pass
    return found


def first_record(path):
    with open(path, "rb") as f:
        return json.loads(next(line for line in f if line != b"\n"))


def test_rotation_under_load(start):
    gateway = journaled(start, LONG, "\tmax_size 64k\n\tkeep 500\n",
                        backends={"in": start.sink().url}, workers=3)
    load = Load(gateway)
    wait_until(lambda: len(files(gateway)) >= 5, 30)
    load.end()
    assert load.failed == 0
    count = sum(told for _, told in load.told)
    found = records(gateway, count)
    all_told(load, found)
    assert len(found) == count
    wait_until(lambda: stats(gateway)["journal_records"] == count)
    assert stats(gateway)["journal_dropped"] == 0
    # In the order of time, but for what several workers write at once.
    names = [os.path.basename(path) for path in files(gateway)]
    assert names[-1] == "journal" and names[-2] == "journal.1"
    firsts = [first_record(path)["time"] for path in files(gateway)
              if size(path)]
    assert firsts == sorted(firsts)
    assert all(size(path) >= 64 * 1024 for path in files(gateway)[:-1])
    assert gateway.lines("journal rotated")


def test_only_so_many_are_kept(start):
    gateway = journaled(start, LONG, "\tmax_size 64k\n\tkeep 2\n",
                        backends={"in": start.sink().url})
    load = Load(gateway)
    wait_until(lambda: len(gateway.lines("journal rotated")) >= 4, 30)
    load.end()
    time.sleep(1.5)
    assert {os.path.basename(path) for path in files(gateway)} <= {
        "journal", "journal.1", "journal.2"}
    assert load.failed == 0


def mode_and_owner(path):
    st = os.stat(path)
    return st.st_mode & 0o7777, st.st_uid, st.st_gid


def test_somebody_else_rotates(start):
    gateway = journaled(start, LONG, "\tkeep 0\n",
                        backends={"in": start.sink().url})
    path = gateway.path("var/journal")
    first = mode_and_owner(path)
    assert first[0] == 0o640
    load = Load(gateway)
    for n in range(1, 4):
        time.sleep(0.7)
        os.rename(path, "%s.%d" % (path, 10 - n))
        gateway.process.signal(signal.SIGUSR1)
        wait_until(lambda: os.path.exists(path) and
                   open_files(gateway) == {"journal"})
        assert mode_and_owner(path) == first
    load.end()
    assert load.failed == 0
    count = sum(told for _, told in load.told)
    found = records(gateway, count)
    all_told(load, found)
    assert len(found) == count
    # Nor is it lost if nobody says so.
    os.unlink(path)
    wait_until(lambda: os.path.exists(path))
    wait_until(lambda: open_files(gateway) == {"journal"})
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.envelope("a@x.test", "bob@box.test")
        assert c.data(another()) == 250
        c.quit()
    wait_until(lambda: size(path) > 0)


def send_one(gateway):
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.envelope("a@x.test", "bob@box.test")
        assert c.data(another()) == 250
        c.quit()


def good_lines(data):
    """Records, and how many lines are none."""
    found, broken = [], 0
    for line in data.split(b"\n"):
        try:
            found.append(json.loads(line))
        except ValueError:
            broken += bool(line)
    return found, broken


def test_the_disk_is_full(start):
    """A file that may grow no further is as a full disk, also to root."""
    gateway = journaled(start, LONG, backends={"in": start.sink().url},
                        workers=2, run=False)
    gateway.start(prefix=["prlimit", "--fsize=60000"])
    path = gateway.path("var/journal")
    for _ in range(40):
        send_one(gateway)
    def settled():
        said = stats(gateway)
        return said["journal_records"] + said["journal_dropped"] == 40

    wait_until(settled)
    fails = gateway.lines("warn - journal fails ")
    assert 1 <= len(fails) <= 2 and "why=" in fails[0]	# once a worker
    with open(path, "rb") as f:
        found, broken = good_lines(f.read())
    counted = stats(gateway)
    assert counted["journal_records"] == len(found) > 5
    assert counted["journal_dropped"] > 5
    assert broken == 1
    # There is room again.
    os.rename(path, path + ".1")
    gateway.process.signal(signal.SIGUSR1)
    wait_until(lambda: os.path.exists(path) and
               open_files(gateway) == {"journal"})
    for _ in range(10):
        send_one(gateway)
    wait_until(lambda: stats(gateway)["journal_records"] ==
               counted["journal_records"] + 10)
    goes_on = gateway.wait_line("warn - journal goes on ")
    assert re.search(r" dropped=[1-9]", goes_on[0])
    with open(path, "rb") as f:
        after = f.read()
    assert good_lines(after)[1] == 0 and after.endswith(b"\n")
    assert len(good_lines(after)[0]) == 10
    assert stats(gateway)["journal_dropped"] == counted["journal_dropped"]


def test_the_folder_is_gone(start):
    gateway = journaled(start, LONG, backends={"in": start.sink().url},
                        workers=1)
    send_one(gateway)
    os.rename(gateway.path("var"), gateway.path("away"))
    gateway.wait_line("warn - journal fails ")
    send_one(gateway)
    os.rename(gateway.path("away"), gateway.path("var"))
    time.sleep(1.5)
    send_one(gateway)
    assert len(records(gateway, 3)) == 3	# the file was still open


def test_no_journal_can_be_opened(start):
    gateway = journaled(start, LONG, backends={"in": start.sink().url},
                        workers=1)
    gateway.stop()
    os.unlink(gateway.path("var/journal"))
    os.symlink("/dev/null", gateway.path("var/journal"))
    gateway.start()
    gateway.wait_line("warn - journal fails ")
    send_one(gateway)
    wait_until(lambda: stats(gateway)["journal_dropped"] == 1)
    os.unlink(gateway.path("var/journal"))
    wait_until(lambda: os.path.isfile(gateway.path("var/journal")))
    send_one(gateway)
    assert len(records(gateway, 1)) == 1
    assert "dropped=1" in gateway.wait_line("journal goes on")[0]


def test_workers_are_killed(start):
    gateway = journaled(start, LONG, "\tmax_size 1M\n\tkeep 100\n",
                        backends={"in": start.sink().url}, workers=3)
    load = Load(gateway, 6)
    for _ in range(25):
        time.sleep(0.2)
        pids = [pid for pid in gateway.workers_alive()
                if "forepost-w" in open("/proc/%d/comm" % pid).read()]
        if pids:
            os.kill(pids[0], signal.SIGKILL)
    load.end()
    wait_until(lambda: len(gateway.workers_alive()) >= 3, 20)
    gateway.stop()
    found, broken = [], 0
    for path in files(gateway):
        with open(path, "rb") as f:
            some, bad = good_lines(f.read())
        found += some
        broken += bad
    assert broken <= 25			# one for each kill, at most
    all_told(load, found)
    idents = [(r["session"], r["id"]) for r in found]
    assert len(set(idents)) == len(idents)
    assert len(load.told) > 20


def one_told(gateway):
    """Its worker is killed as soon as the client has its reply."""
    with Client(gateway.address, before=b"PROXY TCP4 192.0.2.1 198.51.100.1 "
                b"4000 25\r\n") as c:
        c.ehlo()
        ident = session_of(c.cmd("NONSENSE"))
        c.envelope("a@x.test", "bob@box.test")
        assert c.data(another()) == 250
        for pid in gateway.workers_alive():
            os.kill(pid, signal.SIGKILL)
    return ident


def test_what_was_told_is_there_whoever_is_killed(start):
    """The record waits to be written with others."""
    gateway = journaled(start, LONG, backends={"in": start.sink().url},
                        workers=1)
    idents = []
    for _ in range(6):		# each is started again later than the last
        idents.append(wait_until(lambda: told_or_none(gateway), 60))
    found = records(gateway, len(idents))
    assert [r["session"] for r in found] == idents
    wait_until(lambda: stats(gateway)["journal_records"] == len(idents))
    assert stats(gateway)["journal_dropped"] == 0


def told_or_none(gateway):
    """None: nobody takes connections yet."""
    try:
        return one_told(gateway)
    except (Closed, OSError):
        return None


def test_what_is_left_cannot_be_written(start):
    gateway = journaled(start, LONG, backends={"in": start.sink().url},
                        workers=1)
    path = gateway.path("var/journal")
    os.unlink(path)
    os.mkdir(path)
    one_told(gateway)
    line, = gateway.wait_line("warn - journal lacks records ")
    assert "dropped=1" in line and 'why="Is a directory"' in line
    wait_until(lambda: stats(gateway)["journal_dropped"] == 1)



HIDES = ("\thide senders recipients subject\n"
         "\tkey_file \"journal.key\"\n")
TELLING = """
on rcpt {
	named: reject 550 5.7.1 "{rcpt} of {sender}"
		when rcpt.local is "refused"
	log "{sender} to {rcpt}"
	friends: observe defer 451 4.7.1 "no"
		when sender in { "ann@secret.test" }
}
on message {
	subject: add header "X-Was"
		"{header \\"Subject\\"} {header \\"Cc\\"} {rcpt}"
	observe reject "x" when header "X-Any" contains "carl"
}
"""


@pytest.fixture
def hiding(start):
    sink = start.sink(lmtp=True)
    sink.lmtp_reply = lambda rcpt: (
        b"552 5.2.2 <%s> is over quota\r\n" % rcpt.encode())
    sink.rcpt_replies["unknown@box.test"] = (
        b"550 5.1.1 <unknown@box.test>: who is unknown@box.test?\r\n")
    gateway = start.gateway({"in": sink.url}, start=False, workers=1,
                            listener="\tproxy_protocol 127.0.0.1\n",
                            top='rules "in.rules"\njournal {\n\tfile '
                            '"var/journal"\n%s}\n' % HIDES)
    gateway.own_folder("var")
    with open(gateway.path("in.rules"), "w") as f:
        f.write(TELLING)
    with open(gateway.path("journal.key"), "w") as f:
        f.write("a key of the test\n")
    return gateway.start()


SECRETS = ("ann@secret", "ann ", "bob@box", "unknown@box", "refused@box",
           "carl@elsewhere", "surprise", "dora@")


def test_hidden_addresses_are_nowhere(hiding):
    letter = (b"From: Ann <ann@secret.test>\r\nTo: bob@box.test\r\n"
              b"Cc: carl@elsewhere.test\r\nSubject: surprise\r\n"
              b"X-Any: by carl@elsewhere.test, \"dora\"@x.test\r\n"
              b"Message-ID: <1@secret.test>\r\n"
              b"Date: Sun, 22 Nov 2026 01:00:00 +0000\r\n\r\nHello.\r\n")
    with client_at(hiding, "192.0.2.1") as c:
        c.ehlo()
        c.envelope("ann@secret.test", ["unknown@box.test", "refused@box.test",
                                       "bob@box.test"])
        assert c.data(letter) == 552
        c.envelope("ANN@secret.test", ["BOB@box.test"])
        c.cmd("RSET")
        c.quit()
    ident = last_session(hiding)
    first, second = record(hiding, ident, 1), record(hiding, ident, 2)
    with open(hiding.path("var/journal")) as f:
        text = f.read()
    for secret in SECRETS:
        assert secret.lower() not in text.lower(), secret
    sender = first["facts"]["sender"]
    assert set(sender) == {"hash", "domain"} and len(sender["hash"]) == 16
    assert sender["domain"] == "secret.test"
    assert second["facts"]["sender"]["hash"] == sender["hash"]
    assert second["rcpts"][0]["to"] == first["rcpts"][2]["to"]
    assert first["facts"]["sender.domain"] == "secret.test"
    hashes = [x["to"]["hash"] for x in first["rcpts"]]
    assert len(set(hashes)) == 3
    assert first["rcpts"][0]["reply"] == (
        "550 5.1.1 <%s@box.test>: who is %s@box.test?" % (
            hashes[0], hashes[0]))
    assert first["rcpts"][1]["text"] == "%s@box.test of %s@secret.test" % (
        hashes[1], sender["hash"])
    assert set(first["facts"]["header Subject"]) == {"hash"}


def test_the_key_makes_the_hash(hiding):
    one = hash_of(hiding)
    assert one == hmac.new(b"a key of the test", b"ann@secret.test",
                           "sha256").hexdigest()[:16]
    hiding.stop()
    hiding.start()
    assert hash_of(hiding) == one
    with open(hiding.path("journal.key"), "w") as f:
        f.write("another\n")
    hiding.stop()
    hiding.start()
    assert hash_of(hiding) != one


def hash_of(gateway):
    with client_at(gateway, "192.0.2.1") as c:
        c.ehlo()
        c.envelope("ann@secret.test", "bob@box.test")
        c.cmd("RSET")
        c.quit()
    return record(gateway, last_session(gateway))["facts"]["sender"]["hash"]


def test_a_new_name_by_reload(start):
    gateway = journaled(start, LONG, backends={"in": start.sink().url},
                        workers=1)
    send_one(gateway)
    with open(gateway.conf) as f:
        text = f.read()
    gateway.configure(text.replace("var/journal", "var/journal-new"))
    gateway.reload()
    gateway.wait_line("reloaded")
    send_one(gateway)
    for name in ("var/journal", "var/journal-new"):
        wait_until(lambda: size(gateway.path(name)) > 0)
        with open(gateway.path(name)) as f:
            assert len(f.readlines()) == 1
