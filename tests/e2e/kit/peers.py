"""Debian's own mail servers, run from where peers.sh unpacked them.

Each runs in a folder of its own on loopback ports of its own; nothing of a
mail server that the machine may have is read or touched. All three start as
root and change to the user `daemon`, which every Debian has, for their files.
What each needs to run from the wrong place is noted at its class.
"""
import glob
import os
import pwd
import re
import shutil
import subprocess

from kit.client import Client, Closed
from kit.ports import free_port
from kit.process import PATIENCE, Process, connected, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))
USER = "daemon"


def unpacked(name, work, as_us=False):
    """The tree of a peer. Its programs run as another user than root, so if
    the build folder is closed to others they get a copy, but not those that
    run as us."""
    root = os.environ.get("FOREPOST_PEERS") or os.path.join(
        HERE, "../../../build/peers")
    tree = os.path.realpath(os.path.join(root, name))
    if not os.path.exists(os.path.join(tree, ".complete")):
        raise RuntimeError("%s is not there: run tests/e2e/peers.sh %s" % (
            tree, root))
    part = tree
    while part != "/" and not as_us:
        if not os.stat(part).st_mode & 0o001:
            copy = os.path.join(work, name + "-tree")
            if not os.path.exists(copy):
                shutil.copytree(tree, copy, symlinks=True)
            return copy
        part = os.path.dirname(part)
    return tree


def library_folders(tree, *more):
    """The LD_LIBRARY_PATH of a tree: /usr/lib/TRIPLET and what is named."""
    found = [os.path.join(tree, m) for m in more]
    for pattern in ("usr/lib/*-linux-*", "lib/*-linux-*"):
        found += glob.glob(os.path.join(tree, pattern))
    return ":".join(found)


def moving(work, start, to):
    """The environment in which a program finds what it looks for below
    `start` below `to`."""
    shim = os.path.join(work, "moved.so")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", shim,
                    os.path.join(HERE, "moved.c"), "-ldl"], check=True)
    return {"LD_PRELOAD": shim, "MOVED_FROM": start, "MOVED_TO": to}


def make_folder(path, mode=0o755, group=-1):
    os.makedirs(path, exist_ok=True)
    user = pwd.getpwnam(USER)
    os.chown(path, user.pw_uid, user.pw_gid if group == -1 else group)
    os.chmod(path, mode)
    return path


# Service, type, private, unprivileged, chroot, wakeup, processes, program.
MASTER_CF = """\
127.0.0.1:%d inet n - n - - smtpd
cleanup unix n - n - 0 cleanup
qmgr unix n - n 300 1 qmgr
rewrite unix - - n - - trivial-rewrite
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
verify unix - - n - 1 verify
flush unix n - n - 0 flush
proxymap unix - - n - - proxymap
smtp unix - - n - - smtp
relay unix - - n - - smtp
virtual unix - n n - - virtual
error unix - - n - - error
retry unix - - n - - error
anvil unix - - n - 1 anvil
scache unix - - n - 1 scache
tlsmgr unix - - n - 1 tlsmgr
postlog unix-dgram n - n - 1 postlogd
"""


class Peer:
    """Common to the three: a folder, a mailbox folder, a process."""

    name = ""

    def __init__(self, work, folder=None):
        self.work = os.path.join(work, folder or self.name)
        os.makedirs(self.work, exist_ok=True)
        os.chmod(self.work, 0o755)
        self.tree = unpacked(self.name, work)
        self.log = os.path.join(self.work, "log")
        self.process = None
        self.box = make_folder(os.path.join(self.work, "box"))

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def run(self, argv, env, hello="EHLO"):
        """Until a mail was begun and given up again: behind an open port the
        rest may still be on its way."""
        def answers():
            try:
                with Client(self.port) as client:
                    return [client.cmd(line).code // 100 for line in (
                        hello + " kit.e2e.test", "MAIL FROM:<>",
                        "RCPT TO:<kit@box.test>", "RSET", "QUIT")] in (
                            [2, 2, 2, 2, 2], [2, 2, 5, 2, 2])
            except (Closed, AssertionError):
                return False
        self.process = Process(self.name, argv, self.path("out"), env)
        self.process.wait_started(answers)

    def stop(self):
        if self.process:
            self.process.stop()

    def delivered(self):
        """The stored messages, CRLF line ends, oldest first."""
        files = glob.glob(self.box + "/**/new/*", recursive=True)
        files.sort(key=os.path.getmtime)
        messages = []
        for name in files:
            with open(name, "rb") as f:
                messages.append(f.read().replace(b"\n", b"\r\n"))
        return messages

    def wait(self, marker, seconds=PATIENCE):
        """The stored message that holds `marker`."""
        def find():
            return [m for m in self.delivered() if marker in m]
        return wait_until(find, seconds, "%s in %s" % (
            marker.decode(), self.name))[0]


class Postfix(Peer):
    """Postfix, as a backend (SMTP) and as a client (relayhost), with more
    `settings` (a dict for main.cf) and `services` (lines of master.cf).

    - Its programs look for their libraries in /usr/lib/postfix; they get
      LD_LIBRARY_PATH, which master passes on only if import_environment
      names it. (The set-gid postdrop would ignore it; mail comes in by SMTP.)
    - master is started directly: `postfix start` would check and repair a
      system-wide installation. master -s stays in the foreground.
    - mail_owner and setgid_group are a user and a group that exist already
      and do not belong together, as Postfix demands; no user is made.
    - The queue folders that the package's scripts would make are made here.
    - Nothing is chrooted: there are no files in the queue folder for it.
    """

    name = "postfix"
    QUEUE = ("active bounce corrupt defer deferred flush hold incoming "
             "private saved trace").split()

    def __init__(self, work, relayhost=None, tls=None, settings=None,
                 services=""):
        super().__init__(work)
        self.port = free_port()
        conf, queue = self.path("conf"), self.path("queue")
        os.makedirs(conf, exist_ok=True)
        for folder in self.QUEUE:
            make_folder(os.path.join(queue, folder), 0o700)
        for folder, mode in (("public", 0o710), ("maildrop", 0o730)):
            make_folder(os.path.join(queue, folder), mode, group=8)
        os.makedirs(os.path.join(queue, "pid"), exist_ok=True)
        make_folder(self.path("data"), 0o700)
        lib = os.path.join(self.tree, "usr/lib/postfix")
        main = {
            "compatibility_level": "3.6",
            "queue_directory": queue,
            "data_directory": self.path("data"),
            "daemon_directory": os.path.join(lib, "sbin"),
            "command_directory": os.path.join(self.tree, "usr/sbin"),
            "shlib_directory": lib,
            "meta_directory": conf,
            "mail_owner": USER,
            "setgid_group": "mail",
            "default_privs": "nobody",
            "import_environment": "MAIL_CONFIG TZ LD_LIBRARY_PATH",
            "maillog_file": self.log,
            "maillog_file_prefixes": self.work,
            "inet_interfaces": "127.0.0.1",
            "inet_protocols": "ipv4",
            "myhostname": "postfix.e2e.test",
            "mydestination": "",
            "alias_maps": "",
            "alias_database": "",
            "mynetworks": "127.0.0.0/8",
            "smtpd_relay_restrictions": "permit_mynetworks, reject",
            "smtpd_peername_lookup": "no",
            "disable_dns_lookups": "yes",
            "smtp_dns_support_level": "disabled",
            "virtual_mailbox_domains": "box.test",
            "virtual_mailbox_base": self.box,
            "virtual_mailbox_maps": "static:Maildir/",
            "virtual_minimum_uid": "1",
            "virtual_uid_maps": "static:1",
            "virtual_gid_maps": "static:1",
            # A deferred mail is tried again soon, but not at once: one whose
            # file is still open from the last try would rest for 5 minutes.
            "queue_run_delay": "1s",
            "minimal_backoff_time": "2s",
            "maximal_backoff_time": "3s",
        }
        if relayhost:
            main["relayhost"] = relayhost
        if tls:
            main["smtp_tls_security_level"] = tls
        main.update(settings or {})
        self.write("conf/main.cf", "".join(
            "%s = %s\n" % item for item in main.items()))
        self.write("conf/master.cf", MASTER_CF % self.port + services)
        self.env = {"LD_LIBRARY_PATH": library_folders(
            self.tree, "usr/lib/postfix"), "MAIL_CONFIG": conf}

    def start(self):
        self.run([os.path.join(self.tree, "usr/lib/postfix/sbin/master"),
                  "-s", "-c", self.path("conf")], self.env)
        return self

    def look_again(self):
        """At every mail that it has, whatever time it meant to."""
        with connected(self.path("queue/public/qmgr")) as s:
            s.sendall(b"FADI")		# as `postqueue -f`

    @property
    def url(self):
        return "smtp://127.0.0.1:%d" % self.port

    def smtp_source(self, *arguments, timeout=60):
        """Runs smtp-source, Postfix's load generator."""
        return subprocess.run(
            [os.path.join(self.tree, "usr/sbin/smtp-source"), *arguments],
            env={**os.environ, **self.env}, stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            timeout=timeout, text=True)


class Exim(Peer):
    """Exim, as a backend (SMTP) that delivers to a Maildir, and with `relay`,
    a port, as a client: then it keeps sender.test only, so bounces too. With
    `prdr`, statements of an ACL, it asks that for each recipient after DATA.

    - Debian's Exim asks for the user Debian-exim before it reads anything.
      That user is made only by its package's installation, so nss_wrapper
      (preloaded; unpacked with Exim) shows it as another name of `daemon`.
    - Exim starts itself again, also as that user for a bounce: a copy without
      the set-uid bit, with which LD_LIBRARY_PATH would be ignored.
    - It empties its environment before: keep_environment names what has to
      survive.
    - A configuration given by -C keeps root's rights only if root owns it.
    """

    name = "exim"
    KEEP = ("LD_LIBRARY_PATH", "LD_PRELOAD", "NSS_WRAPPER_PASSWD",
            "NSS_WRAPPER_GROUP")

    RELAY = ("""\
relay:
  driver = manualroute
  domains = !sender.test
  route_list = * 127.0.0.1
  self = send
  transport = relay
""", """\
relay:
  driver = smtp
  port = %d
  allow_localhost
  hosts_try_prdr = *
""")
    PRDR = """\
prdr_enable
acl_smtp_data_prdr = prdr
""", """\
prdr:
%s  accept
"""

    def __init__(self, work, relay=None, prdr=None):
        super().__init__(work, "exim-client" if relay else None)
        self.port = free_port()
        make_folder(self.path("spool"), 0o750)
        make_folder(self.path("logs"))
        self.program = shutil.copyfile(
            os.path.join(self.tree, "usr/sbin/exim4"), self.path("exim4"))
        os.chmod(self.program, 0o755)
        self.log = self.path("logs/mainlog")
        user = pwd.getpwnam(USER)
        self.write("passwd", "root:x:0:0::/root:/bin/sh\n" + "".join(
            "%s:x:%d:%d::/nonexistent:/bin/false\n" % (
                name, user.pw_uid, user.pw_gid)
            for name in ("Debian-exim", USER)))
        self.write("group", "root:x:0:\n" + "".join(
            "%s:x:%d:\n" % (name, user.pw_gid)
            for name in ("Debian-exim", USER)))
        self.write("exim.conf", """
primary_hostname = exim.e2e.test
exim_user = %(user)s
exim_group = %(user)s
exim_path = %(work)s/exim4
spool_directory = %(work)s/spool
log_file_path = %(work)s/logs/%%slog
pid_file_path = %(work)s/pid
keep_environment = %(keep)s
deliver_drop_privilege
host_lookup =
rfc1413_query_timeout = 0s
smtp_accept_max = 0
smtp_accept_queue_per_connection = 0
local_interfaces = 127.0.0.1
daemon_smtp_ports = %(port)d
tls_advertise_hosts =
chunking_advertise_hosts = *
smtputf8_advertise_hosts = *
dsn_advertise_hosts = *
acl_smtp_rcpt = accept
acl_smtp_data = accept
log_selector = +smtp_confirmation
received_header_text = Received: by exim.e2e.test id $message_exim_id
%(main)sbegin acl
%(acl)sbegin routers
%(router)sbox:
  driver = accept
  transport = box
begin transports
%(transport)sbox:
  driver = appendfile
  directory = %(work)s/box/Maildir
  maildir_format
  create_directory
  envelope_to_add
  user = %(user)s
begin retry
* * F,1h,1s
""" % {"user": USER, "work": self.work, "keep": " : ".join(self.KEEP),
            "port": self.port,
            "router": self.RELAY[0] if relay else "",
            "transport": self.RELAY[1] % relay if relay else "",
            "main": self.PRDR[0] if prdr is not None else "",
            "acl": self.PRDR[1] % prdr if prdr is not None else ""})
        # A client tries again what was deferred.
        self.queue_runs = "-q1s" if relay else "-q1m"

    def start(self):
        env = {"LD_LIBRARY_PATH": library_folders(self.tree),
               "LD_PRELOAD": "libnss_wrapper.so",
               "NSS_WRAPPER_PASSWD": self.path("passwd"),
               "NSS_WRAPPER_GROUP": self.path("group")}
        self.run([self.program, "-C", self.path("exim.conf"), "-bdf",
                  self.queue_runs], env)
        return self

    def lines(self, pattern):
        """Of its log."""
        if not os.path.exists(self.log):
            return []
        with open(self.log, errors="replace") as f:
            return [line for line in f.read().split("\n")
                    if re.search(pattern, line)]

    def wait_log(self, pattern, seconds=PATIENCE):
        """The lines of its log that match, once there are some."""
        try:
            return wait_until(lambda: self.lines(pattern), seconds)
        except TimeoutError:
            raise TimeoutError("no line with %s in Exim's log:\n%s" % (
                pattern, "\n".join(self.lines("")))) from None

    def wait_done(self, seconds=60):
        """Until it has no mail left, bounces included."""
        def ids(pattern):
            return {line.split(" ")[2] for line in self.lines(pattern)}
        try:
            wait_until(lambda: ids(" <= ") and ids(" <= ") == ids(
                " Completed$"), seconds)
        except TimeoutError:
            raise TimeoutError("Exim still has mail:\n" + "\n".join(
                self.lines(""))) from None

    @property
    def url(self):
        return "smtp://127.0.0.1:%d" % self.port


class Dovecot(Peer):
    """Dovecot's LMTP, on a port and on a unix socket, storing in Maildirs.

    - dovecot starts doveconf from a compiled-in path to read its settings;
      doveconf is run first here and starts dovecot itself (-e).
    - Modules are loaded from a compiled-in path: see moved.c, which is built
      when Dovecot is first started.
    - auth needs a module of the old-stats folder as a library.
    - Its internal users are set to ones that exist; import_environment
      passes on what its processes need to find their libraries.
    The mailboxes of all whose name is like `full` are.
    """

    name = "dovecot"
    KEEP = "TZ LD_LIBRARY_PATH LD_PRELOAD MOVED_FROM MOVED_TO"

    def __init__(self, work, full="full"):
        super().__init__(work)
        self.port = free_port()
        self.socket = self.path("lmtp.sock")
        os.makedirs(self.path("base"), exist_ok=True)
        lib = os.path.join(self.tree, "usr/lib/dovecot")
        self.write("dovecot.conf", """
base_dir = %(work)s/base
state_dir = %(work)s/base
instance_name = e2e
libexec_dir = %(lib)s
mail_plugin_dir = %(lib)s/modules
login_plugin_dir = %(lib)s/modules/login
import_environment = %(keep)s
default_internal_user = %(user)s
default_internal_group = %(user)s
default_login_user = nobody
protocols = lmtp
ssl = no
log_path = %(log)s
info_log_path = %(log)s
mail_location = maildir:%(work)s/box/%%u
first_valid_uid = 1
passdb {
  driver = static
  args = nopassword=y
}
userdb {
  driver = static
  args = uid=%(user)s gid=%(user)s home=%(work)s/box/%%u allow_all_users=yes \
quota_rule=*:bytes=%%{if;%%n;*;%(full)s;10;1000000000}
}
mail_plugins = quota
plugin {
  quota = maildir:all of it
}
service lmtp {
  inet_listener lmtp {
    address = 127.0.0.1
    port = %(port)d
  }
  unix_listener %(socket)s {
    mode = 0666
  }
}
""" % {"work": self.work, "lib": lib, "keep": self.KEEP, "user": USER,
            "log": self.log, "port": self.port, "socket": self.socket,
            "full": full})

    def start(self):
        modules = "usr/lib/dovecot/modules"
        env = {"LD_LIBRARY_PATH": library_folders(
                   self.tree, "usr/lib/dovecot", modules,
                   modules + "/old-stats"),
               **moving(self.work, "/usr/lib/dovecot",
                        os.path.join(self.tree, "usr/lib/dovecot"))}
        conf = self.path("dovecot.conf")
        self.run([os.path.join(self.tree, "usr/bin/doveconf"), "-c", conf,
                  "-m", "master", "-e",
                  os.path.join(self.tree, "usr/sbin/dovecot"), "-F", "-c",
                  conf], env, "LHLO")
        return self

    def url(self, unix=False):
        if unix:
            return "lmtp://unix:" + self.socket
        return "lmtp://127.0.0.1:%d" % self.port
