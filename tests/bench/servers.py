"""servers -- the sinks, and each thing that is measured in front of them.

All listen on loopback ports of their own and keep their files in the folder
given. A server has: name, port, program (None for the sink itself).
"""
import os
import shutil
import subprocess
import time

from process import Program, fields, free_port

HERE = os.path.dirname(os.path.abspath(__file__))


class Missing(Exception):
    """This server cannot be had here; the reason is the text."""


class Server:
    def __init__(self, name, port, program=None):
        self.name, self.port, self.program = name, port, program


class Sink:
    def __init__(self, programs, folder, *options, name="sink"):
        self.port = free_port()
        self.program = Program(
            [os.path.join(programs, "sink"), *options,
             f"127.0.0.1:{self.port}"], folder, name)
        self.program.wait_ready(self.port)

    def stop(self):
        """What it took: messages, octets, connections."""
        return fields(self.program.stop())


def certificate(folder):
    """A key and a certificate of its own, made once."""
    key = os.path.join(folder, "key.pem")
    cert = os.path.join(folder, "cert.pem")
    if not os.path.exists(cert):
        subprocess.run(
            ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt",
             "ec_paramgen_curve:P-256", "-nodes", "-keyout", key, "-out",
             cert, "-days", "30", "-subj", "/CN=gate.bench.example"],
            check=True, capture_output=True)
        os.chmod(key, 0o644)
    return cert, key


def forepost(binary, folder, sink, name="forepost", settings="",
             rules="none", log=None, prefix=()):
    """`rules` as in the configuration: none, default, or a file in quotes.
    The log is the file `log` of its folder, if it is not said."""
    port = free_port()
    own = os.path.join(folder, name)
    os.makedirs(own)
    os.makedirs(own + "/spool")
    cert, key = certificate(folder)
    user = ""
    if os.geteuid() == 0:
        user = 'user "nobody"'
        shutil.chown(own + "/spool", "nobody")
    conf = os.path.join(own, "forepost.conf")
    with open(conf, "w") as f:
        f.write(f'''hostname "gate.bench.example"
{user}
workers auto
log "{log or own + '/log'}"
control "{own}/control"
spool "{own}/spool"
max_sessions 30000
max_sessions_per_network 30000
max_message_size 100M
listener bench {{
	address 127.0.0.1:{port}
	certificate "{cert}"
	key "{key}"
}}
backend sink {{ address smtp://127.0.0.1:{sink.port} }}
route {{ domains "*" backend sink }}
rules {rules}
{settings}''')
    program = Program([*prefix, binary, "serve", "--config", conf], own, name)
    program.wait_ready(port)
    return Server(name, port, program)


def _peer(folder, peer):
    """The tree of a Debian package, unpacked and not installed."""
    script = os.path.join(HERE, "..", "e2e", "peers.sh")
    done = subprocess.run(["sh", script, folder, peer],
                          capture_output=True, text=True)
    if done.returncode != 0:
        raise Missing(done.stderr.strip() or f"{peer} could not be unpacked")
    return os.path.join(folder, peer)


def _library_path(tree):
    return ":".join(os.path.join(tree, d) for d in (
        "usr/lib/postfix", "usr/lib/x86_64-linux-gnu",
        "usr/lib/aarch64-linux-gnu"))


def haproxy(peers, folder, sink, threads):
    env = dict(os.environ)
    binary = shutil.which("haproxy", path="/usr/sbin:" + env["PATH"])
    if binary is None:
        tree = _peer(peers, "haproxy")
        binary = os.path.join(tree, "usr/sbin/haproxy")
        env["LD_LIBRARY_PATH"] = _library_path(tree)
    port = free_port()
    conf = os.path.join(folder, "haproxy.cfg")
    with open(conf, "w") as f:
        f.write(f'''global
  nbthread {threads}
  maxconn 9000
defaults
  mode tcp
  timeout connect 5s
  timeout client 300s
  timeout server 300s
listen bench
  bind 127.0.0.1:{port}
  server sink 127.0.0.1:{sink.port}
''')
    program = Program([binary, "-db", "-f", conf], folder, "haproxy", env)
    program.wait_ready(port)
    return Server("haproxy", port, program)


POSTFIX_MASTER = '''anvil unix - - n - 1 anvil
rewrite unix - - n - - trivial-rewrite
proxymap unix - - n - - proxymap
tlsmgr unix - - n 1000? 1 tlsmgr
cleanup unix n - n - 0 cleanup
bounce unix - - n - 0 bounce
defer unix - - n - 0 bounce
trace unix - - n - 0 bounce
qmgr unix n - n 300 1 qmgr
smtp unix - - n - - smtp
scache unix - - n - 1 scache
error unix - - n - - error
retry unix - - n - - error
postlog unix-dgram n - n - 1 postlogd
'''
POSTFIX_QUEUES = ("active", "bounce", "corrupt", "defer", "deferred", "hold",
                  "incoming", "private", "public", "saved", "trace")
POSTFIX_MAIN = '''compatibility_level = 3.6
command_directory = {tree}/usr/sbin
daemon_directory = {tree}/usr/lib/postfix/sbin
shlib_directory = {tree}/usr/lib/postfix
meta_directory = {tree}/etc/postfix
queue_directory = {queue}
data_directory = {own}/data
mail_owner = daemon
setgid_group = mail
default_privs = nobody
import_environment = MAIL_CONFIG LD_LIBRARY_PATH LANG=C
maillog_file = {own}/log
maillog_file_prefixes = {own}
myhostname = gate.bench.example
mynetworks = 127.0.0.0/8
inet_interfaces = loopback-only
inet_protocols = ipv4
smtpd_peername_lookup = no
smtpd_recipient_restrictions = permit_mynetworks, reject
smtpd_relay_restrictions = permit_mynetworks, reject
smtpd_client_connection_count_limit = 0
message_size_limit = 0
alias_maps =
alias_database =
local_recipient_maps =
mydestination =
'''


def _own_folders(folder, names, owned):
    for name in names:
        os.makedirs(os.path.join(folder, name))
    for name in owned:
        shutil.chown(os.path.join(folder, name), "daemon")


def _smtpd(port, *settings):
    """A line of master.cf."""
    return (f"127.0.0.1:{port} inet n - n - 150 smtpd\n"
            + "".join(f"  -o {setting}\n" for setting in settings))


def _postfix(peers, folder, name, services, settings="", queue=None):
    """Postfix's master with these services, besides those that all need."""
    if os.geteuid() != 0:
        raise Missing("Postfix's master runs as root only")
    tree = _peer(peers, "postfix")
    own = os.path.join(folder, name)
    queue = queue or own + "/spool"
    _own_folders(own, ("etc", "data"), ("data",))
    _own_folders(queue, ("pid", *POSTFIX_QUEUES), POSTFIX_QUEUES)
    with open(own + "/etc/main.cf", "w") as f:
        f.write(POSTFIX_MAIN.format(tree=tree, own=own, queue=queue)
                + settings)
    with open(own + "/etc/master.cf", "w") as f:
        f.write("".join(services) + POSTFIX_MASTER)
    env = dict(os.environ, MAIL_CONFIG=own + "/etc",
               LD_LIBRARY_PATH=_library_path(tree))
    return Program([tree + "/usr/lib/postfix/sbin/master", "-d"], own, name,
                   env)


def postfix(peers, folder, sink):
    """Postfix with smtpd_proxy_filter: its smtpd speaks to the sink."""
    port = free_port()
    program = _postfix(peers, folder, "postfix", [
        _smtpd(port, f"smtpd_proxy_filter=127.0.0.1:{sink.port}")])
    program.wait_ready(port)
    return Server("postfix", port, program)


def postfix_milters(peers, folder, sink, rows, queue):
    """One Postfix with an smtpd for each of `rows`, {name: [socket, ...]}.

    Filters are told of a message only if it is queued: it goes to the sink
    from there. Its queue is in the folder `queue`.
    """
    ports = {name: free_port() for name in rows}
    program = _postfix(
        peers, folder, "postfix-milters",
        [_smtpd(ports[name], "smtpd_milters="
                + ",".join("unix:" + socket for socket in sockets))
         for name, sockets in rows.items()],
        f"relayhost = [127.0.0.1]:{sink.port}\n", queue)
    for port in ports.values():
        program.wait_ready(port)
    return [Server(name, port, program) for name, port in ports.items()]


def redis(peers, folder):
    """A server on a socket of its own, which keeps nothing on disk."""
    env = dict(os.environ)
    binary = shutil.which("redis-server")
    if binary is None:
        tree = _peer(peers, "redis")
        binary = os.path.join(tree, "usr/bin/redis-server")
        env["LD_LIBRARY_PATH"] = _library_path(tree)
    socket = os.path.join(folder, "redis.sock")
    server = Program([binary, "--port", "0", "--unixsocket", socket,
                      "--unixsocketperm", "777", "--save", "", "--dir",
                      folder], folder, "redis", env)
    for _ in range(100):
        if os.path.exists(socket):
            return server, socket
        time.sleep(0.1)
    raise RuntimeError(f"redis does not serve: {server.stop()}")
