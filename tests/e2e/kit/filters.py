"""Debian's own filters, run from where peers.sh unpacked them.

Each runs in the foreground, in a folder and at a loopback port or socket of
its own, and asks nobody outside: DNS answers are the test's. When the tests
run as root, filters are started as the user that the gateway's workers are.
`address` is what a milter block of the gateway's settings names; a filter
that was killed is started again at the same one. What each needs to run from
the wrong place is noted at its class.
"""
import glob
import os
import shutil
import signal
import struct

from kit.peers import USER, library_folders, moving, unpacked
from kit.ports import free_port
from kit.process import Process, can_connect, connected, wait_until
from kit.raw_filter import ACTIONS, VERSION, packet

AS_USER = ["setpriv", "--reuid=" + USER, "--regid=" + USER,
           "--clear-groups", "--"] if os.geteuid() == 0 else []

# What every scanner for viruses takes for one, and every scanner for spam.
EICAR = rb"X5O!P%@AP[4\PZX54(P^)7CC)7}$" \
    rb"EICAR-STANDARD-ANTIVIRUS-TEST-FILE!$H+H*"
GTUBE = b"XJS*C4JDBQADN1.NSBN3*2IDNEN*" \
    b"GTUBE-STANDARD-ANTI-UBE-TEST-EMAIL*C.34X"

# Whatever the filter wants it may.
NEGOTIATION = packet(b"O", struct.pack(">III", VERSION, ACTIONS, 0x1fffff))


def is_running(pid):
    """Has it closed what it had open? An ended process waits for whoever
    may ask how."""
    try:
        with open("/proc/%d/stat" % pid) as f:
            return f.read().rpartition(")")[2].split()[0] not in "ZX"
    except OSError:
        return False


class Daemon:
    """A process in a folder of its own, from the tree `name`."""

    name = ""
    is_unix = True

    def __init__(self, work, folder=None):
        self.work = os.path.join(work, folder or type(self).__name__.lower())
        os.makedirs(self.work)
        self.tree = unpacked(self.name, work)
        self.env = {"LD_LIBRARY_PATH": library_folders(
            self.tree, "usr/lib", "usr/lib/rspamd")}
        self.at = self.path("sock") if self.is_unix else \
            ("127.0.0.1", free_port())
        self.process = None

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        os.makedirs(os.path.dirname(self.path(name)), exist_ok=True)
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    def program(self, name, *arguments):
        return [os.path.join(self.tree, "usr", name), *arguments]

    def command(self):
        raise NotImplementedError

    def start(self):
        if self.is_unix and os.path.exists(self.at):
            os.unlink(self.at)	# of one that was killed
        if AS_USER:
            for folder, _, _ in os.walk(self.work):
                shutil.chown(folder, USER, USER)
        self.process = Process(self.name, AS_USER + self.command(),
                               self.path("out"), self.env, self.work)
        self.process.wait_started(self.answers)
        return self

    def answers(self):
        """As far as one can ask; else it listens."""
        return can_connect(self.at)

    def says(self, question, answer):
        """`answer` is how it begins."""
        with connected(self.at) as s:
            s.sendall(question)
            with s.makefile("rb") as f:
                return f.read(len(answer)) == answer

    def kill(self):
        """With the processes that it has started, which would go on."""
        children = self.process.children()
        self.process.kill()
        for pid in children:
            os.kill(pid, signal.SIGKILL)
        wait_until(lambda: not any(map(is_running, children)))

    def stop(self):
        """Nothing is lost with it, and sendmail's library takes its time to
        look whether it shall end."""
        if self.process and self.process.alive():
            self.kill()


class Filter(Daemon):
    @property
    def address(self):
        """As the gateway's settings have it."""
        return "unix:" + self.at if self.is_unix else \
            "inet:127.0.0.1:%d" % self.at[1]

    @property
    def socket(self):
        """As filters write it."""
        return "local:" + self.at if self.is_unix else \
            "inet:%d@127.0.0.1" % self.at[1]

    def answers(self):
        """It agrees about a session, which is then over."""
        with connected(self.at) as s:
            s.sendall(NEGOTIATION)
            with s.makefile("rb") as f:
                agrees = f.read(5)[4:] == b"O"
            s.sendall(packet(b"Q"))
            return agrees


class OpenDkim(Filter):
    """Verifies. `records` are the TXT records that it finds in the DNS."""

    name = "opendkim"
    is_unix = False
    CONF = """\
Mode v
AuthservID filter.e2e.test
AlwaysAddARHeader yes
On-BadSignature reject
"""

    def __init__(self, work, records, conf=None):
        super().__init__(work)
        self.write("opendkim.conf", "%s\nSocket %s\nSyslog no\n"
                   "RequireSafeKeys no\nTestDNSData file:%s\n" % (
                       conf or self.CONF, self.socket,
                       self.write("records", "".join(
                           "%s %s\n" % r for r in records.items()))))

    def command(self):
        return self.program("sbin/opendkim", "-f", "-x",
                            self.path("opendkim.conf"))


class OpenDkimSigner(OpenDkim):
    """Signs what comes from 192.0.2.20, exactly as it is. `key` is the text
    of a private key."""

    CONF = """\
Mode s
Canonicalization simple/simple
Domain sender.example
Selector s1
OversignHeaders From
InternalHosts 192.0.2.20
"""

    def __init__(self, work, key, conf=None):
        super().__init__(work, {}, (conf or self.CONF) + "KeyFile key\n")
        self.write("key", key.decode())


class OpenDmarc(Filter):
    """Believes what is in Authentication-Results by filter.e2e.test."""

    name = "opendmarc"
    CONF = """\
AuthservID filter.e2e.test
RejectFailures true
HoldQuarantinedMessages true
SoftwareHeader true
"""

    def __init__(self, work, records, conf=None):
        super().__init__(work)
        self.write("opendmarc.conf", "%s\nSocket %s\nSyslog false\n"
                   "IgnoreHosts %s\nTestDNSData %s\n" % (
                       conf or self.CONF, self.socket,
                       self.write("hosts", ""),
                       self.write("records", "".join(
                           "%s %s\n" % r for r in records.items()))))

    def command(self):
        return self.program("sbin/opendmarc", "-f", "-c",
                            self.path("opendmarc.conf"))


class Clamd(Daemon):
    """Knows one virus, which is none."""

    name = "clamav"

    def __init__(self, work):
        super().__init__(work)
        self.write("db/test.ndb", "Test.Eicar:0:*:%s\n" % EICAR.hex())
        self.write("clamd.conf", """\
LocalSocket %s
DatabaseDirectory %s
TemporaryDirectory %s
Foreground yes
Bytecode no
SelfCheck 0
MaxThreads 4
""" % (self.at, self.path("db"), self.work))

    def answers(self):
        return self.says(b"zPING\0", b"PONG")

    def command(self):
        return self.program("sbin/clamd", "-c", self.path("clamd.conf"))


class ClamavMilter(Filter):
    name = "clamav"
    CONF = """\
OnInfected %s
RejectMsg Infected by %%v
AddHeader Replace
ReportHostname filter.e2e.test
"""

    def __init__(self, work, clamd, on_infected="Reject", conf=None):
        super().__init__(work, "clamav-" + on_infected.lower())
        self.write("clamav-milter.conf", "%s\nMilterSocket unix:%s\n"
                   "ClamdSocket unix:%s\nTemporaryDirectory %s\n"
                   "Foreground yes\n" % (
                       conf or self.CONF % on_infected, self.at, clamd.at,
                       self.work))

    def command(self):
        return self.program("sbin/clamav-milter", "-c",
                            self.path("clamav-milter.conf"))


def perl_folders(*trees):
    """Perl programs run with taint checks: PERL5LIB would not be read."""
    return [f for tree in trees
            for pattern in ("usr/share/perl5", "usr/lib/*/perl5/5.*")
            for f in glob.glob(os.path.join(tree, pattern))]


class Spamd(Daemon):
    """With Debian's rules but for those that ask others, and with one of the
    test's: SUSPECT in the subject is spam, not so bad that it is refused."""

    name = "spamassassin"
    is_unix = False
    LOCAL = """\
report_safe 1
rewrite_header Subject [SPAM]
use_bayes 0
header TEST_SUSPECT Subject =~ /SUSPECT/
score TEST_SUSPECT 7
"""

    def __init__(self, work):
        super().__init__(work)
        rules = os.path.join(self.tree, "etc/spamassassin")
        shutil.copytree(rules, self.path("site"), dirs_exist_ok=True,
                        ignore=shutil.ignore_patterns("*hooks*"))
        self.write("site/local.cf", self.LOCAL)

    def answers(self):
        return self.says(b"PING SPAMC/1.5\r\n\r\n", b"SPAMD/")

    def command(self):
        folders = perl_folders(self.tree)
        return ["/usr/bin/perl", "-T", *("-I" + f for f in folders),
                os.path.join(self.tree, "usr/sbin/spamd"), "--local",
                "--nouser-config", "--max-children=2", "--syslog=stderr",
                "--listen=127.0.0.1:%d" % self.at[1],
                "--configpath=" + os.path.join(
                    self.tree, "usr/share/spamassassin"),
                "--siteconfigpath=" + self.path("site"),
                "--helper-home-dir=" + self.work]


class SpamassMilter(Filter):
    """It starts /usr/bin/spamc, wherever that is: see moved.c."""

    name = "spamassassin"

    def __init__(self, work, spamd, *options):
        super().__init__(work, "spamass%d" % len(options))
        self.spamd, self.options = spamd, options
        self.env.update(moving(self.work, "/usr/bin/spamc", os.path.join(
            self.tree, "usr/bin/spamc")))

    def command(self):
        return self.program("sbin/spamass-milter", "-p", self.at,
                            *self.options, "--", "-d", "127.0.0.1", "-p",
                            str(self.spamd.at[1]))


class Amavisd(Daemon):
    """Asks clamd and SpamAssassin, and refuses programs.

    It starts itself anew by its own path, so it is a copy whose second line
    says where its modules are.
    """

    name = "amavis"
    CONF = """\
$sa_tag2_level_deflt = 6; $sa_kill_level_deflt = 15;
@virus_lovers_maps = (['lab@box.test']);
$final_virus_destiny = D_DISCARD; $final_banned_destiny = D_REJECT;
$final_spam_destiny = D_REJECT;
"""

    def __init__(self, work, clamd, spamd, conf=CONF):
        super().__init__(work)
        with open(os.path.join(self.tree, "usr/sbin/amavisd")) as f:
            first, _, rest = f.read().partition("\n")
        self.write("amavisd", "%s\nuse lib qw(%s);\n%s" % (
            first, " ".join(perl_folders(self.tree, spamd.tree)), rest))
        os.chmod(self.path("amavisd"), 0o755)
        for folder in ("tmp", "db", "home"):
            os.makedirs(self.path(folder), 0o750)
        self.write("amavisd.conf", """\
use strict;
$MYHOME = '%(work)s';
$TEMPBASE = "$MYHOME/tmp"; $db_home = "$MYHOME/db";
$helpers_home = "$MYHOME/home"; $QUARANTINEDIR = undef;
$lock_file = "$MYHOME/lock"; $pid_file = "$MYHOME/pid";
$daemon_user = undef; $daemon_group = undef;
$max_servers = 2; $enable_db = 0; $enable_zmq = 0;
$do_syslog = 0; $log_level = 1;
$mydomain = 'box.test'; $myhostname = 'filter.e2e.test';
@local_domains_maps = (['.box.test']);
%(conf)s
$protocol = 'AM.PDP'; $unix_socketname = '%(at)s';
$inet_socket_port = undef;
@av_scanners = (['clamd', \\&ask_daemon, ["CONTSCAN {}\\n", '%(clamd)s'],
  qr/\\bOK$/m, qr/\\bFOUND$/m, qr/^.*?: (?!Infected Archive)(.*) FOUND$/m]);
@av_scanners_backup = ();
@decoders = (['mail', \\&do_mime_decode]);
$sa_configpath = '%(rules)s'; $sa_siteconfigpath = '%(site)s';
$sa_local_tests_only = 1; $sa_tag_level_deflt = undef;
$sa_spam_subject_tag = '***SPAM*** ';
$banned_filename_re = new_RE(qr'\\.exe$'i);
$final_bad_header_destiny = D_PASS;
$virus_quarantine_method = $banned_files_quarantine_method =
  $spam_quarantine_method = $bad_header_quarantine_method = undef;
$virus_admin = $spam_admin = $notify_method = $forward_method = undef;
$enable_dkim_verification = $enable_dkim_signing = 0;
1;
""" % {"work": self.work, "at": self.at, "clamd": clamd.at, "conf": conf,
            "site": spamd.path("site"),
            "rules": os.path.join(spamd.tree, "usr/share/spamassassin")})

    def command(self):
        # Its settings are the test's, who may not be root.
        return [self.path("amavisd"), "-X", "no_conf_file_writable_check",
                "-c", self.path("amavisd.conf"), "foreground"]


class AmavisdMilter(Filter):
    name = "amavis"
    is_unix = False

    def __init__(self, work, amavisd, *options):
        super().__init__(work)
        self.amavisd, self.options = amavisd, options

    def command(self):
        # Both read the message from amavisd's folder.
        return self.program("sbin/amavisd-milter", "-f", "-s", self.socket,
                            "-S", self.amavisd.at,
                            "-w", self.amavisd.path("tmp"),
                            "-p", self.path("pid"), *self.options)


class Rspamd(Filter):
    """The proxy worker in milter mode, which scans by itself: no Redis, no
    other worker, no list that is fetched. `resolver` is the kit's; `proxy`
    and `headers` are what local.d/ has of the worker and milter_headers."""

    name = "rspamd"
    is_unix = False
    PROXY = """\
milter = yes; timeout = 20s; spam_header = "X-Spam";
upstream "local" { default = yes; self_scan = yes; }
"""
    HEADERS = 'use = ["x-spamd-bar"]; extended_spam_headers = true;'

    def __init__(self, work, resolver, proxy=PROXY, headers=HEADERS):
        super().__init__(work)
        for folder in ("db", "run", "log", "local"):
            os.makedirs(self.path(folder))
        self.write("rspamd.conf", """\
options {
  filters = "dkim,regexp";
  dns { nameserver = "%(dns)s:1"; timeout = 1s; retransmits = 2; }
  url_tld = "%(tld)s";
  pidfile = "${RUNDIR}/pid"; tempdir = "${RUNDIR}";
  hs_cache_dir = "${DBDIR}"; disable_hyperscan = true;
  local_addrs = []; enable_test_patterns = true;
}
logging { type = "console"; level = "notice"; }
worker "rspamd_proxy" {
%(proxy)s
  bind_socket = "127.0.0.1:%(port)d"; count = 1;
}
modules { path = "${PLUGINSDIR}"; }
lua = "${RULESDIR}/rspamd.lua";
actions { reject = 15; rewrite_subject = 8; add_header = 6;
  greylist = null; subject = "***SPAM*** %%s"; }
milter_headers { %(headers)s }
regexp { TEST_LATER { re = 'Subject=/LATER/H'; score = 0; } }
force_actions { rules { later {
  action = "soft reject"; expression = "TEST_LATER";
  message = "Come back later"; } } }
dkim {} spf {} dmarc {}
""" % {"dns": resolver.address, "port": self.at[1], "proxy": proxy,
            "headers": headers,
            # Its own list takes seconds to read.
            "tld": self.write("tld", "test\nexample\n")})

    def command(self):
        share = os.path.join(self.tree, "usr/share/rspamd")
        folders = {
            "CONFDIR": os.path.join(self.tree, "etc/rspamd"),
            "LOCAL_CONFDIR": self.path("local"), "DBDIR": self.path("db"),
            "RUNDIR": self.path("run"), "LOGDIR": self.path("log"),
            "SHAREDIR": share, "WWWDIR": share + "/www",
            "RULESDIR": share + "/rules", "LUALIBDIR": share + "/lualib",
            "PLUGINSDIR": share + "/plugins"}
        return self.program("bin/rspamd", "-f", "-i", "-c",
                            self.path("rspamd.conf"),
                            *("--var=%s=%s" % f for f in folders.items()))
