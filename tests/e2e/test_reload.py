"""Reload: nothing refused, nothing cut, nothing changed by a bad file."""
import os
import re
import signal
import socket
import threading
import time

import pytest

from kit.client import Client
from kit.gateway import USER, run
from kit.ports import free_port
from kit.process import can_connect, wait_until
from kit.running import (
    AS_ROOT, MAIL, admin, stats, edit, deliver, begin_mail)
from kit.web import get, shown


def test_reload_of_a_broken_file(gateway):
    gateway.start()
    workers = gateway.workers_alive()
    edit(gateway, "workers 2", "wrokers 2")
    answer = admin(gateway, "check")
    assert answer.returncode == 1
    gateway.wait_line("started")
    answer = run("reload", "--control", gateway.control)
    assert answer.returncode == 1
    assert "forepost.conf:2:1: unknown setting \"wrokers\"" in answer.stdout
    assert "did you mean \"workers\"" in answer.stdout
    assert gateway.wait_line("reload refused .*wrokers")
    assert gateway.workers_alive() == workers
    assert deliver(gateway.client()) == 250
    answer = run("stats", "--control", gateway.control)
    assert "\nreloads_failed 1\n" in answer.stdout


def put(gateway, name, text):
    with open(gateway.path(name), "w") as f:
        f.write(text)


def refused(gateway, count):
    """A reload that changes nothing: what it says."""
    workers = gateway.workers_alive()
    answer = admin(gateway, "reload")
    assert answer.returncode == 1
    gateway.wait_line("reload refused ", count=count)
    assert gateway.workers_alive() == workers
    assert deliver(gateway.client()) == 250
    return answer.stdout


def test_reload_of_broken_rules(gateway):
    """Rules are part of the configuration: a mistake in them, or in a set,
    changes nothing."""
    put(gateway, "in.rules", 'set bad = file "bad.txt"\n'
        'on mail { reject "no" when sender in $bad }\n')
    put(gateway, "bad.txt", "a.example\n")
    edit(gateway, "rules none", 'rules "in.rules"')
    gateway.start()
    put(gateway, "in.rules", 'set bad = file "bad.txt"\n'
        'on mail { rejct "no" when sender in $bda }\n')
    said = refused(gateway, 1)
    assert "in.rules:2:11: unknown action \"rejct\"\n" in said
    assert "did you mean \"reject\"?\n" in said
    assert gateway.wait_line("reload refused .*in.rules:2:.*rejct")
    put(gateway, "in.rules", 'set bad = file "bad.txt"\n'
        'on mail { reject "no" when sender in $bad }\n')
    put(gateway, "bad.txt", "a.example\nb..example\n")
    assert "bad.txt:2" in refused(gateway, 3)
    os.unlink(gateway.path("bad.txt"))
    assert "cannot open %s" % gateway.path("bad.txt") in refused(gateway, 4)
    os.rename(gateway.path("in.rules"), gateway.path("away"))
    assert "rules: cannot open" in refused(gateway, 5)
    # Good again; what is hardly meant is told, in the answer and the log.
    put(gateway, "bad.txt", "a.example\n")
    put(gateway, "in.rules", 'set bad = file "bad.txt"\non mail { }\n')
    answer = admin(gateway, "reload")
    assert answer.returncode == 0
    assert 'warning: the set "bad" is not used' in answer.stdout
    assert gateway.wait_line('configuration .*the set .*bad.* is not used')
    assert deliver(gateway.client()) == 250
    assert stats(gateway)["reloads_failed"] == 4


def last_reload(gateway):
    """What status says of it."""
    line, = [line for line in admin(gateway, "status").stdout.splitlines()
             if line.startswith("last reload ")]
    return line


def test_what_a_reload_says(gateway):
    """What is another one now, what stayed, and whom it does not concern."""
    put(gateway, "in.rules", "on mail { log \"x\" }\n")
    edit(gateway, "rules none", 'rules "in.rules"')
    gateway.start()
    assert "last reload" not in admin(gateway, "status").stdout
    where = "listening on 127.0.0.1:%d\n" % gateway.port
    rules = "  rules %s: " % gateway.path("in.rules")
    assert admin(gateway, "reload").stdout == \
        "reloaded: generation 2, 2 workers, %s%sunchanged\n" % (where, rules)
    assert last_reload(gateway).startswith("last reload result=done ago=")
    with gateway.client() as client:
        begin_mail(client)
        edit(gateway, "workers 2", "workers 1")
        put(gateway, "in.rules", "on mail { log \"y\" }\n")
        assert admin(gateway, "reload").stdout == (
            "reloaded: generation 3, 1 worker, %s"
            "  workers: 1, before 2\n%schanged\n"
            "  1 session goes on with the configuration before\n" % (
                where, rules))
        assert client.data(MAIL) == 250
    put(gateway, "in.rules", "on mail { lgo \"y\" }\n")
    answer = admin(gateway, "reload")
    assert answer.returncode == 1
    assert answer.stdout.endswith(
        "\nnothing has changed: generation 3 goes on\n")
    assert re.search(r"last reload result=refused ago=\d+s why=\".*in\.rules:"
                     r"1:11: unknown action", last_reload(gateway))
    begin_mail(gateway.client())
    assert admin(gateway, "drain").returncode == 0
    answer = admin(gateway, "reload")
    assert answer.returncode == 3
    assert answer.stdout == \
        "forepost: nothing has changed: the gateway is draining\n"


def test_what_a_reload_says_of_settings(start):
    """Each that is another one; of the token that it is."""
    gateway = shown(start, token="first").start()

    def reloaded():
        answer = admin(gateway, "reload")
        assert answer.returncode == 0, answer.stdout
        return [line for line in answer.stdout.splitlines()[1:]
                if not line.startswith("  rules ")]
    assert reloaded() == []
    with open(gateway.path("token"), "w") as f:
        f.write("second\n")
    assert reloaded() == ["  stats token: changed"]
    port = free_port()
    edit(gateway, "127.0.0.1:%d" % gateway.web, "127.0.0.1:%d" % port)
    journal = os.path.join(gateway.own_folder("var"), "journal")
    edit(gateway, "stats {", 'journal { file "%s" }\nstats {' % journal)
    assert reloaded() == [
        '  journal file: "%s", before none' % journal,
        '  stats address: "127.0.0.1:%d", before "127.0.0.1:%d"' % (
            port, gateway.web)]
    edit(gateway, '" }\nstats', '" max_size 1M hide subject }\nstats')
    assert reloaded() == ["  journal max_size: 1M, before 256M",
                          "  journal hide: subject, before none"]
    edit(gateway, "listener mx {", "listener mx {\n\tmax_recipients 7")
    assert reloaded() == ["  listener mx: changed"]
    assert reloaded() == []


def test_more_names_of_rules_than_are_told_apart(start):
    """No sum is given up for another: who did it says that it has happened."""
    def rules(version):
        return "on rcpt {\n%s\tv%d-refuse: reject \"no\"\n}\n" % ("".join(
            "\tv%d-%d: score 1 when rcpt.local is \"t\"\n" % (version, i)
            for i in range(5000)), version)
    gateway = shown(start)
    put(gateway, "in.rules", rules(1))
    edit(gateway, "rules none", 'rules "in.rules"')
    gateway.start()

    def refused():
        with gateway.client() as client:
            client.ehlo()
            assert client.envelope("a@x.test", "b@box.test") == 550
        time.sleep(1.1)		# an answer is good for a second
        row, = [row for row in get(gateway.web, "/stats.json").json()[
            "series"] if row["name"] == "rule_hits"]
        return {v["labels"][0]: v["value"] for v in row["values"]
                if v["value"] > 0}
    assert refused() == {"v1-refuse": 1}
    said = "more than 8191 names of rules since the last start: some are " \
        "counted together, as \"other\"\n"
    assert said not in admin(gateway, "reload").stdout
    put(gateway, "in.rules", rules(2))
    assert said in admin(gateway, "reload").stdout
    gateway.wait_line("warn - configuration .*more than 8191 names of rules")
    assert refused() == {"v1-refuse": 1, "other": 1}


def test_sessions_keep_the_rules_that_they_began_with(start):
    """New ones have the new rules; a bad file changes nothing for anybody."""
    def rules(version, answer):
        return ('on rcpt { v%d: reject "%s" when sender.local is "x" }\n'
                'on message { add header "X-Rules" "%s" }\n' % (
                    version, answer, answer))

    def ask(client):
        """What the rules of rcpt say, and those of the message."""
        assert client.cmd("MAIL FROM:<x@sender.test>") == 250
        said = client.cmd("RCPT TO:<b@box.test>").text.split(" ")[1]
        assert client.cmd("RSET") == 250
        sink.clear()
        assert client.mail(MAIL) == 250
        data = sink.wait(1)[0].data
        assert b"X-Rules: %s\r\n" % said.encode() in data
        return said

    sink = start.sink()
    gateway = start.gateway({"in": sink.url}, start=False,
                            top='rules "in.rules"')
    put(gateway, "in.rules", rules(1, "old"))
    gateway.start()
    old, new = gateway.client(), None
    old.ehlo()
    assert ask(old) == "old"
    begun = begin_mail(gateway.client())	# in the midst of a mail
    put(gateway, "in.rules", rules(2, "new"))
    assert admin(gateway, "reload").returncode == 0
    for _ in range(2):
        assert ask(old) == "old"
        new = gateway.client()
        new.ehlo()
        assert ask(new) == "new"
    sink.clear()
    assert begun.data(MAIL) == 250
    assert b"X-Rules: old\r\n" in sink.wait(1)[0].data
    put(gateway, "in.rules", rules(3, "bad").replace("reject", "rejct"))
    answer = admin(gateway, "reload")
    assert answer.returncode == 1
    assert 'in.rules:1:15: unknown action "rejct"' in answer.stdout
    another = gateway.client()
    another.ehlo()
    assert (ask(old), ask(new), ask(another)) == ("old", "new", "new")
    assert gateway.lines("rule=v1 ") and gateway.lines("rule=v2 ")
    assert not gateway.lines("rule=v3 ")
    for client in (old, new, another, begun):
        client.close()


def private_kib(pid):
    """Memory of a process that no other one has."""
    with open("/proc/%d/smaps_rollup" % pid) as f:
        return sum(int(line.split()[1]) for line in f
                   if line.startswith("Private_"))


def test_a_large_set_is_there_once(gateway):
    """Read before the workers begin: they have it together."""
    names = 1000000
    gateway.start()
    small = [private_kib(w) for w in gateway.workers_alive()]
    put(gateway, "big.txt", "".join("n%07d.example\n" % i
                                    for i in range(names)))
    put(gateway, "in.rules", 'set big = file "big.txt"\n'
        'on mail { reject "no" when sender in $big }\n')
    edit(gateway, "rules none", 'rules "in.rules"')
    answer = admin(gateway, "reload")
    assert answer.returncode == 0
    assert answer.stdout == (
        "reloaded: generation 2, 2 workers, listening on 127.0.0.1:%d\n"
        "  rules %s: changed\n" % (gateway.port, gateway.path("in.rules")))
    wait_until(lambda: len(gateway.workers_alive()) == 2,
               what="the old workers to leave")
    assert deliver(gateway.client()) == 250
    with open("/proc/%d/statm" % gateway.workers_alive()[0]) as f:
        resident = int(f.read().split()[1]) * os.sysconf("SC_PAGESIZE") // 1024
    assert resident > names * 16 // 1024	# the names are in it
    for worker in gateway.workers_alive():
        assert private_kib(worker) < max(small) + 8192


def test_reload_that_cannot_start(gateway):
    """A port in use and a spool that is not ours are found before anything
    has changed."""
    gateway.start()
    workers = gateway.workers_alive()
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        s.listen()
        with open(gateway.conf) as f:
            good = f.read()
        free = free_port()
        edit(gateway, "listener mx {", "listener more { address "
             "127.0.0.1:%d 127.0.0.1:%d }\nlistener mx {" % (
                 free, s.getsockname()[1]))
        answer = admin(gateway, "reload")
        assert answer.returncode == 3
        assert "Address already in use" in answer.stdout
        assert not can_connect(("127.0.0.1", free))
    if AS_ROOT:
        gateway.configure(good.replace(gateway.spool, "/root"))
        answer = admin(gateway, "reload")
        assert answer.returncode == 3
        assert "spool /root: user %s cannot write" % USER in answer.stdout
    gateway.configure(good)
    wait_until(lambda: gateway.workers_alive() == workers,
               what="the new workers to be gone")
    assert deliver(gateway.client()) == 250


class Knocking:
    """Threads that connect, say EHLO and QUIT, until told to end."""

    def __init__(self, address, threads=4):
        self.address, self.ending = address, False
        self.served, self.failures = 0, []
        self.threads = [threading.Thread(target=self.knock)
                        for _ in range(threads)]
        for t in self.threads:
            t.start()

    def knock(self):
        while not self.ending and len(self.failures) < 10:
            try:
                client = Client(self.address)
                client.ehlo()
                client.quit()
                self.served += 1
            except Exception as e:
                self.failures.append(repr(e))

    def end(self):
        self.ending = True
        for t in self.threads:
            t.join()
        assert self.failures == []
        assert self.served > 0


@pytest.mark.core
def test_twenty_reloads_refuse_nobody(gateway):
    gateway.start()
    sessions = [gateway.client() for _ in range(5)]
    for client in sessions:
        begin_mail(client)
    knocking = Knocking(gateway.address)
    for n in range(20):
        if n % 2:
            gateway.reload()
            gateway.wait_line(" reloaded ", count=n + 1)
        else:
            answer = admin(gateway, "reload")
            assert answer.returncode == 0
            assert answer.stdout.startswith(
                "reloaded: generation %d, 2 workers, listening on " % (n + 2))
    knocking.end()
    for client in sessions:		# in a transaction all the while
        assert client.data(MAIL) == 250
        client.quit()
    wait_until(lambda: len(gateway.workers_alive()) == 2,
               what="the old workers to leave")
    s = stats(gateway)
    assert s["reloads"] == 20 and s["worker_crashes"] == 0
    assert s["sessions_open"] == 0 and s["mails_delivered"] == 5


def test_more_and_fewer_workers(gateway):
    gateway.start()
    knocking = Knocking(gateway.address)
    before = 2
    for n in (5, 1, 3):
        edit(gateway, "workers %d" % before, "workers %d" % n)
        assert admin(gateway, "reload").returncode == 0
        wait_until(lambda: len(gateway.workers_alive()) == n,
                   what="%d workers" % n)
        # Of five sockets each has its share of these.
        clients = [gateway.client() for _ in range(40)]
        for client in clients:
            client.quit()
        before = n
    knocking.end()


def test_addresses_come_and_go(gateway, work):
    path = os.path.join(work, "smtp")
    gateway.start()
    old = gateway.client()
    port = free_port()
    edit(gateway, "127.0.0.1:%d" % gateway.port,
         '127.0.0.1:%d "unix:%s"' % (port, path))
    assert admin(gateway, "reload").returncode == 0
    assert deliver(Client(("127.0.0.1", port))) == 250
    assert deliver(Client(path)) == 250
    wait_until(lambda: not can_connect(gateway.address),
               what="the old address to close")
    assert deliver(old) == 250		# that session goes on
    edit(gateway, '127.0.0.1:%d "unix:%s"' % (port, path),
         "127.0.0.1:%d" % gateway.port)
    assert admin(gateway, "reload").returncode == 0
    assert deliver(gateway.client()) == 250
    assert not os.path.exists(path)


@pytest.mark.core
def test_is_done_when_nobody_is_served_as_before(gateway):
    """Not even by a worker that is late to hear of it."""
    put(gateway, "in.rules", 'on rcpt { reject "before" }\n')
    edit(gateway, "rules none", 'rules "in.rules"')
    gateway.start()
    late, _ = gateway.workers_alive()
    put(gateway, "in.rules", 'on rcpt { reject "now" }\n')
    answers = []
    reload = threading.Thread(
        target=lambda: answers.append(admin(gateway, "reload")))
    os.kill(late, signal.SIGSTOP)
    try:
        reload.start()
        wait_until(lambda: len(gateway.workers_alive()) == 3,
                   what="the new workers, and one before")
        reload.join(1)
        assert answers == []
    finally:
        os.kill(late, signal.SIGCONT)
    reload.join()
    assert answers[0].returncode == 0
    for _ in range(8):
        with gateway.client() as client:
            client.ehlo()
            assert "now" in client.envelope("a@x.test", "b@box.test").text


def test_drain_timeout(gateway):
    """A session that never ends does not keep an old worker for ever."""
    edit(gateway, "workers 2", "workers 1\ndrain_timeout 5s")
    gateway.start()
    idle, busy = gateway.client(), begin_mail(gateway.client())
    assert admin(gateway, "reload").returncode == 0
    assert idle.reply() == 421
    assert busy.data(MAIL) == 250
    wait_until(lambda: len(gateway.workers_alive()) == 1,
               what="the old worker to leave")


def test_reloads_at_once(gateway):
    """Two administrators: each is told about a reload that began after he
    asked."""
    gateway.start()
    answers = []
    threads = [threading.Thread(
        target=lambda: answers.append(admin(gateway, "reload")))
        for _ in range(6)]
    for t in threads:
        t.start()
    for t in threads:
        t.join()
    assert [a.returncode for a in answers] == [0] * 6
    assert deliver(gateway.client()) == 250
