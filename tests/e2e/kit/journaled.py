"""A gateway with a journal, and what is in it."""
import glob
import json
import os
import re

from kit.process import wait_until
from kit.ruled import ruled


def journaled(start, rules, settings="", top="", run=True, **options):
    """As ruled(); `settings` are lines in the journal's block. A worker writes
    some 50 ms behind the reply, or when it ends."""
    gateway = ruled(start, rules, run=False, top="journal {\n\tfile "
                    '"var/journal"\n%s}\n%s' % (settings, top), **options)
    gateway.own_folder("var")
    return gateway.start() if run else gateway


def files(gateway):
    """The oldest first."""
    found = glob.glob(gateway.path("var/journal*"))
    return sorted(found, key=lambda path: -int(
        re.search(r"journal(?:\.(\d+))?$", path).group(1) or 0))


def lines(gateway):
    found = []
    for path in files(gateway):
        with open(path, "rb") as f:
            data = f.read()
        # The last one may be on its way.
        found += [line for line in data.split(b"\n")[:-1] if line]
    return found


def records(gateway, count=0):
    """Each line is one, and of a form that any reader takes. `count`: once
    there are so many."""
    wait_until(lambda: len(lines(gateway)) >= count,
               what="%d records" % count)
    return [json.loads(line) for line in lines(gateway)]


def record(gateway, session, number=1):
    """That of a mail, or (number None) of a session without one."""
    def find():
        found = [r for r in records(gateway) if r["session"] == session and
                 r.get("id") == number]
        assert len(found) < 2, found
        return found
    return wait_until(find, what="the record of %s" % session)[0]


def session_of(reply):
    """Its id stands behind the text of every 4yz and 5yz."""
    return re.search(r"\[([0-9a-f]{12})\]$", reply.text).group(1)


def last_session(gateway, pattern="mail done"):
    return gateway.wait_line(pattern)[-1].split(" ")[2]


def logged(gateway, session, number=1):
    """Keys and values of the line "mail done"."""
    line, = gateway.wait_line(" %s mail done id=%d " % (session, number))
    return {key: value[1:-1].replace('\\"', '"') if value[:1] == '"' else value
            for key, value in re.findall(r'([\w-]+)=("(?:[^"\\]|\\.)*"|\S*)',
                                         line)}


def size(path):
    return os.stat(path).st_size
