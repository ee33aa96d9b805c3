"""Debian's rsyslogd, run from where peers.sh unpacked it."""
import glob
import json
import os

from kit.peers import library_folders, unpacked
from kit.ports import free_port
from kit.process import Process, wait_until

# What it made of a message, and the message as it came.
TEMPLATE = """template(name="all" type="list" option.jsonf="on") {
    property(outname="program" name="app-name" format="jsonf")
    property(outname="pid" name="procid" format="jsonf")
    property(outname="facility" name="syslogfacility-text" format="jsonf")
    property(outname="severity" name="syslogseverity" format="jsonf")
    property(outname="time" name="timereported" dateFormat="rfc3339"
        format="jsonf")
    property(outname="version" name="protocol-version" format="jsonf")
    property(outname="text" name="msg" format="jsonf")
}
"""


class Rsyslog:
    """A daemon with a socket in the old form, one in that of RFC 5424, and
    a port for UDP and TCP; all in a folder of its own."""

    def __init__(self, work):
        self.work = os.path.join(work, "rsyslog")
        os.makedirs(self.work)
        os.chmod(self.work, 0o755)
        self.tree = unpacked("rsyslog", work)
        self.port = free_port()
        self.old = os.path.join(self.work, "old")
        self.new = os.path.join(self.work, "new")
        self.got = os.path.join(self.work, "got")
        self.conf = os.path.join(self.work, "rsyslog.conf")
        self.process = None
        with open(self.conf, "w") as f:
            f.write(self.text())

    def text(self):
        return """global(workDirectory="%s" maxMessageSize="64k")
module(load="imuxsock" SysSock.Use="off")
input(type="imuxsock" Socket="%s" RateLimit.Interval="0")
input(type="imuxsock" Socket="%s" RateLimit.Interval="0"
    UseSpecialParser="off" ParseHostname="on")
module(load="imudp")
input(type="imudp" address="127.0.0.1" port="%d")
module(load="imptcp")
input(type="imptcp" address="127.0.0.1" port="%d")
%s*.* action(type="omfile" file="%s" template="all")
""" % (self.work, self.old, self.new, self.port, self.port, TEMPLATE,
            self.got)

    def target(self, how):
        return {"old": "syslog:" + self.old, "new": "syslog:rfc5424:" +
                self.new, "udp": "syslog:udp://127.0.0.1:%d" % self.port,
                "tcp": "syslog:tcp://127.0.0.1:%d" % self.port}[how]

    def start(self):
        modules, = glob.glob(os.path.join(
            self.tree, "usr/lib/*-linux-*/rsyslog"))
        self.process = Process("rsyslogd", [
            os.path.join(self.tree, "usr/sbin/rsyslogd"), "-n", "-f",
            self.conf, "-i", os.path.join(self.work, "pid"), "-M", modules],
            os.path.join(self.work, "log"),
            {"LD_LIBRARY_PATH": library_folders(self.tree)})
        self.process.wait_listening(("127.0.0.1", self.port))
        wait_until(lambda: os.path.exists(self.new), what="its socket")
        return self

    def messages(self):
        """What it wrote down from the gateway, in order."""
        try:
            with open(self.got, encoding="utf-8", errors="strict") as f:
                lines = f.read().split("\n")[:-1]
        except FileNotFoundError:
            return []
        found = [json.loads(line) for line in lines]
        return [m for m in found if m["program"] == "forepost"]

    def has(self, text):
        return any(text in m["text"] for m in self.messages())

    def kill(self):
        self.process.kill()

    def stop(self):
        if self.process is not None and self.process.alive():
            self.process.stop()
