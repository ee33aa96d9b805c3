"""A small world of name servers: a root, a domain below it, and what is below
that; in a network of its own, where the addresses of the real root servers
lead to ours. So a resolver that knows nothing but those (the gateway's, as it
comes) finds its way from the root down.

The servers are NSD as peers.sh unpacked it, and odd_dns.py; ldns signs.
"""
import glob
import json
import os
import shutil
import signal
import subprocess
import sys

from kit.peers import library_folders, unpacked
from kit.process import Process, wait_until

HERE = os.path.dirname(os.path.abspath(__file__))

ROOTS = ("198.41.0.4", "199.9.14.201", "170.247.170.2", "192.33.4.12",
         "199.7.91.13", "192.203.230.10", "192.5.5.241", "192.112.36.4",
         "198.97.190.53", "192.36.148.17", "192.58.128.30", "193.0.14.129",
         "199.7.83.42", "202.12.27.33")
TOP, LEAF, LAME = "127.53.0.2", "127.53.0.3", "127.53.0.4"
ODD = {"silent": "127.53.0.10", "slow:30": "127.53.0.11",
       "servfail": "127.53.0.12", "cut": "127.53.0.13",
       "cutsilent": "127.53.0.14", "garbage": "127.53.0.15",
       "slow:1": "127.53.0.16", "picky": "127.53.0.17"}
NOBODY = "127.53.0.99"

# A network and process ids of its own; without root by a user of its own.
UNSHARE = ["unshare", "-n", "-p", "--fork"] + \
    ["-U", "-r"] * (os.geteuid() != 0)

SIGNED = ("good", "bogus", "expired", "stripped", "rolled")
SOA = "@ 300 SOA ns hostmaster 1 7200 3600 86400 60\n"
LONG_TEXT = "".join("%09d " % i for i in range(1000))


def strings(text):
    return " ".join('"%s"' % text[i:i + 250]
                    for i in range(0, len(text), 250))


# What is served at LEAF, by zone below example.
LEAVES = {
    "plain": "mail A 192.0.2.9\nmail AAAA 2001:db8::9\n@ MX 10 mail\n"
             "@ TXT \"v=spf1 mx -all\"\nbig TXT %s\n"
             "loop1 CNAME loop2\nloop2 CNAME loop1\nself CNAME self\n"
             "far CNAME www.good.example.\n" % strings(LONG_TEXT) +
             "".join("c%d CNAME c%d\n" % (i, i + 1) for i in range(40)) +
             "c40 A 192.0.2.40\n",
    "good": "www A 192.0.2.1\nwww TXT \"signed\"\n"
            "out CNAME mail.plain.example.\nbad CNAME www.bogus.example.\n",
    "bogus": "www A 192.0.2.2\n",
    "expired": "www A 192.0.2.3\n",
    "stripped": "www A 192.0.2.4\n",
    "rolled": "www A 192.0.2.5\n",
    "halflame": "www A 192.0.2.6\n",
    "halfsilent": "www A 192.0.2.7\n",
    "halfgone": "www A 192.0.2.8\n",
}

# Who the top says is responsible, where it is not LEAF alone.
DELEGATIONS = {
    "lame": [LAME], "halflame": [LAME, LEAF],
    "gone": [NOBODY], "halfgone": [NOBODY, LEAF],
    "silent": [ODD["silent"]], "halfsilent": [ODD["silent"], LEAF],
    "slow": [ODD["slow:30"]], "late": [ODD["slow:1"]],
    "servfail": [ODD["servfail"]], "cut": [ODD["cut"]],
    "cutsilent": [ODD["cutsilent"]], "garbage": [ODD["garbage"]],
}


class World:
    """start() builds and starts it all; ask() is the gateway's resolver."""

    def __init__(self, work):
        self.work = os.path.join(work, "dns")
        os.makedirs(self.work)
        self.tree = unpacked("nsd", work)
        self.env = {"LD_LIBRARY_PATH": library_folders(self.tree)}
        self.processes = []
        self.anchor = self.path("anchor")
        self.init = None	# the first process of our network

    def path(self, name):
        return os.path.join(self.work, name)

    def write(self, name, text):
        with open(self.path(name), "w") as f:
            f.write(text)
        return self.path(name)

    # --- the network ---

    def inside(self, *more):
        """The words before a command that shall run in our network."""
        words = ["nsenter", "-t", str(self.init), "-n", *more]
        if os.geteuid() != 0:
            words += ["-U", "--preserve-credentials"]
        return words + ["--"]

    def make_network(self):
        script = "ip link set lo up && for a in %s; do " \
            "ip addr add $a/32 dev lo || exit 1; done && touch %s && " \
            "exec sleep 100000" % (" ".join(ROOTS), self.path("ready"))
        holder = self.run([*UNSHARE, "sh", "-c", script], outside=True)
        wait_until(lambda: os.path.exists(self.path("ready")), what="network")
        self.init, = holder.children()

    def run(self, argv, outside=False):
        number = len(self.processes)
        process = Process(argv[0], argv if outside else
                          self.inside("-p") + argv, self.path("out%d" % number),
                          self.env)
        self.processes.append(process)
        return process

    # --- zones ---

    def tool(self, *argv):
        subprocess.run(argv, cwd=self.work, check=True, timeout=60,
                       env={**os.environ, **self.env},
                       stdout=subprocess.PIPE, stderr=subprocess.STDOUT)

    def sign(self, zone, name, expired=False):
        """Signs a zone file in place; returns its DS record."""
        known = set(glob.glob(self.path("*.ds")))
        self.tool(self.tree + "/usr/bin/ldns-keygen", "-k", "-a",
                  "ECDSAP256SHA256", name)
        ds, = set(glob.glob(self.path("*.ds"))) - known
        options = ["-i", "20200101000000", "-e", "20200201000000"] \
            if expired else []
        self.tool(self.tree + "/usr/bin/ldns-signzone", *options, "-n", "-f",
                  zone + ".signed", zone, ds[:-len(".ds")])
        os.rename(self.path(zone + ".signed"), self.path(zone))
        with open(ds) as f:
            return f.read()

    def edit(self, zone, change):
        with open(self.path(zone)) as f:
            text = f.read()
        changed = change(text)
        assert changed != text, zone
        self.write(zone, changed)

    def make_leaves(self):
        """The zones at LEAF; their DS records."""
        ds = {}
        for zone, records in LEAVES.items():
            name = zone + ".example."
            self.write(zone, "$ORIGIN %s\n$TTL 300\n%s@ NS ns\nns A %s\n%s" %
                       (name, SOA, LEAF, records))
            if zone in SIGNED:
                ds[zone] = self.sign(zone, name, zone == "expired")
        self.edit("bogus", lambda t: t.replace("192.0.2.2\n", "192.0.2.66\n"))
        self.edit("stripped", lambda t: "".join(
            line for line in t.splitlines(True)
            if "RRSIG" not in line and "DNSKEY" not in line and
            "NSEC" not in line))
        # A DS record of a key that the zone has not.
        ds["rolled"] = ds["rolled"].replace(
            ds["rolled"].split()[-1], "0123456789abcdef" * 4)
        return ds

    def make_zones(self):
        ds = self.make_leaves()
        text = "$ORIGIN example.\n$TTL 300\n%s@ NS ns\nns A %s\n" % (SOA, TOP)
        for zone in {**LEAVES, **DELEGATIONS}:
            servers = DELEGATIONS.get(zone, [LEAF])
            for i, address in enumerate(servers):
                ns = "ns%d.%s" % (i, zone) if zone in DELEGATIONS else \
                    "ns." + zone
                text += "%s NS %s\n%s A %s\n" % (zone, ns, ns, address)
            text += ds.get(zone, "")
        # Two domains that are each other's servers; nobody has an address.
        text += "hen NS ns.egg\negg NS ns.hen\n"
        # One that sends its visitors to many that do not exist.
        text += "".join("crowd NS ns%d.victim%d.example.\n" % (i, i)
                        for i in range(100))
        self.write("top", text)
        top_ds = self.sign("top", "example.")
        self.write("root", "$ORIGIN .\n$TTL 300\n"
                   ". SOA a.root-servers.net. x. 1 7200 3600 86400 60\n"
                   ". NS a.root-servers.net.\n"
                   "a.root-servers.net. A %s\n"
                   "example. NS ns.example.\nns.example. A %s\n%s" % (
                       ROOTS[0], TOP, top_ds))
        self.write("anchor", self.sign("root", "."))

    def nsd(self, name, addresses, zones):
        text = "server:\n" + "".join(
            " ip-address: %s\n" % a for a in addresses)
        text += " zonesdir: \"%s\"\n pidfile: \"\"\n database: \"\"\n" \
            " username: \"\"\n server-count: 1\n xfrdfile: \"%s\"\n" \
            " zonelistfile: \"%s\"\n xfrdir: \"%s\"\n cookie-secret-file: \"\"\n" \
            " rrl-ratelimit: 0\nremote-control:\n control-enable: no\n" % (
                self.work, self.path(name + ".xfrd"),
                self.path(name + ".list"), self.work)
        for zone, file in zones.items():
            text += "zone:\n name: \"%s\"\n zonefile: \"%s\"\n" % (zone, file)
        conf = self.write(name + ".conf", text)
        self.run([self.tree + "/usr/sbin/nsd", "-d", "-c", conf])

    # --- all of it ---

    def start(self):
        self.make_network()
        self.make_zones()
        self.nsd("nsd-root", ROOTS, {".": "root"})
        self.nsd("nsd-top", [TOP], {"example.": "top"})
        self.nsd("nsd-leaf", [LEAF], {z + ".example.": z for z in LEAVES})
        self.nsd("nsd-lame", [LAME], {"elsewhere.": self.write(
            "elsewhere", "$ORIGIN elsewhere.\n" + SOA + "@ 300 NS ns\n")})
        self.run([sys.executable, HERE + "/odd_dns.py"] +
                 ["%s=%s" % (a, b) for b, a in ODD.items()])
        wait_until(self.answers, what="the name servers")
        return self

    def answers(self):
        for process in self.processes:
            if not process.alive():
                raise RuntimeError(process.text())
        lines = self.ask(["A mail.plain.example", "A www.halflame.example",
                          "A www.late.example"], deadline=4000)
        return all(line["outcome"] == "ok" for line in lines)

    def ask(self, questions, deadline=5000, anchor=False, forward=(),
            seconds=120):
        """The answers, in the order in which they came."""
        # Not among our process ids: the leak checker looks into /proc.
        argv = self.inside() + [ask_program(), "--deadline", str(deadline)]
        if anchor:
            argv += ["--anchor", self.anchor]
        for address in forward:
            argv += ["--forward", address]
        ran = subprocess.run(argv, input="\n".join(questions) + "\n",
                             stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                             timeout=seconds, text=True)
        assert ran.returncode == 0, ran.stderr
        return [json.loads(line) for line in ran.stdout.splitlines()]

    def stop(self):
        """With the first process all others go, those of NSD's own too."""
        if self.init:
            os.kill(self.init, signal.SIGKILL)
        for process in self.processes:
            process.stop()
        shutil.rmtree(self.work, ignore_errors=True)


def ask_program():
    from kit.gateway import binary
    return os.path.join(os.path.dirname(binary()), "tests/kit/ask")


def can_make_networks():
    """Whether this user may have a network of its own here."""
    return all(map(shutil.which, ("unshare", "nsenter", "ip"))) and \
        subprocess.run([*UNSHARE, "true"],
                       stderr=subprocess.DEVNULL).returncode == 0
