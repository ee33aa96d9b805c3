"""A server that asks filters on its mail: Postfix or the gateway, set up
alike, each with a sink behind it. `have` lets a client have a dialogue with
it and tells what became of it.
"""
import os
import re
import ssl

from kit.client import Client, Closed
from kit.dialogues import Left, REFUSED_REPLY
from kit.ports import free_port
from kit.process import wait_until
from kit.recorder import Recorder, all_closed, calls
from kit.sink import Sink

HOSTNAME = "gw.e2e.test"	# of both
REFUSED_RCPT = "no@box.test"


class Outcome:
    """`replies` are (what was said, reply), `heard` the calls of filters,
    `messages` what the sink took."""

    def __init__(self, talk, heard, messages, own_ports):
        self.replies, self.heard = talk.replies, heard
        self.messages, self.own_ports = messages, own_ports
        self.client_port = talk.port


class Talk:
    """The client's side of a dialogue."""

    def __init__(self, mta, address):
        self.mta = mta
        self.replies = []
        self.client = Client(address, greet=False)
        self.port = self.client.sock.getsockname()[1]

    def note(self, what, reply):
        self.replies.append((what, reply))
        return reply

    def command(self, line):
        """Its reply, noted with its first word."""
        self.client.send(line.encode() + b"\r\n")
        return self.note(line.split(":")[0].split(" ")[0].upper(),
                         self.client.reply())

    def start_tls(self, has_certificate):
        context = ssl._create_unverified_context()
        context.maximum_version = ssl.TLSVersion.TLSv1_2
        context.set_ciphers("ECDHE-ECDSA-AES256-GCM-SHA384")
        if has_certificate:
            context.load_cert_chain(*self.mta.client_certificate)
        self.client.start_tls_now(context, HOSTNAME)

    def run(self, steps):
        try:
            self.note("connect", self.client.reply())
            for step in steps:
                if isinstance(step, str):
                    self.command(step)
                else:
                    step.run(self)
                if self.replies[-1][1].code == 421:
                    self.note("then", self.client.reply())
        except Left:
            pass
        except (Closed, ConnectionError):
            self.replies.append(("closed", None))
        self.client.close()


class Mta:
    """Common to both. A listener is a name: "mx" has one filter, "two" has
    two, "ipv6" and "proxy" (whose clients may say XCLIENT) have one."""

    name = ""

    def __init__(self, start, authority):
        self.work = os.path.join(start.work, self.name)
        os.makedirs(self.work)
        os.chmod(self.work, 0o755)
        self.sink = start.keep(Sink())
        self.sink.rcpt_replies[REFUSED_RCPT] = (
            REFUSED_REPLY + "\r\n").encode()
        self.certificate = authority.issue(HOSTNAME)
        self.client_certificate = authority.issue("client.e2e.test")
        self.filters = [start.keep(Recorder(self.work, n)) for n in "ab"]
        self.log = os.path.join(self.work, "heard")
        self.ports = {}

    def address(self, listener):
        return ("::1" if listener == "ipv6" else "127.0.0.1",
                self.ports[listener])

    def have(self, dialogue, listener=None):
        if os.path.exists(self.log):
            os.unlink(self.log)
        self.sink.clear()
        try:
            for recorder, words in zip(self.filters, dialogue.filters):
                recorder.start(self.log, words)
            self.begin()
            talk = Talk(self, self.address(listener or dialogue.at))
            talk.run(dialogue.steps)
            self.wait_end(talk)
            wait_until(lambda: all_closed(self.log),
                       what="what filters hear to end: %s" % "; ".join(
                           str(c) for c in calls(self.log)))
        finally:
            for recorder in self.filters:
                recorder.stop()
        return Outcome(talk, calls(self.log), list(self.sink.messages),
                       [self.sink.port, *self.ports.values()])

    def begin(self):
        """Before each dialogue."""


class PostfixMta(Mta):
    """Postfix relays to the sink once it has taken a mail."""

    name = "postfix"
    SERVICE = """\
%s:%d inet n - n - - smtpd
  -o smtpd_milters=%s
"""

    def __init__(self, start, authority):
        super().__init__(start, authority)
        sockets = ["unix:" + r.socket for r in self.filters]
        services = ""
        for listener, host, n in (("mx", "127.0.0.1", 1),
                                  ("two", "127.0.0.1", 2),
                                  ("proxy", "127.0.0.1", 1),
                                  ("ipv6", "[::1]", 1)):
            self.ports[listener] = free_port(host.strip("[]"))
            services += self.SERVICE % (host, self.ports[listener],
                                        ",".join(sockets[:n]))
        cert, key = self.certificate
        self.postfix = start.postfix(
            relayhost="[127.0.0.1]:%d" % self.sink.port, services=services,
            settings={
                "myhostname": HOSTNAME,
                "inet_protocols": "all",
                "inet_interfaces": "127.0.0.1, [::1]",
                "virtual_mailbox_domains": "",
                "smtpd_relay_restrictions": "reject_unauth_destination",
                "relay_domains": "box.test",
                "smtpd_recipient_restrictions": "check_recipient_access "
                "inline:{ {%s = %s} }" % (REFUSED_RCPT, REFUSED_REPLY),
                "smtpd_authorized_xclient_hosts": "127.0.0.0/8",
                "local_header_rewrite_clients": "",
                "smtpd_tls_security_level": "may",
                "smtpd_tls_cert_file": cert,
                "smtpd_tls_key_file": key,
                "smtpd_tls_ask_ccert": "yes",
                "smtpd_tls_CAfile": authority.cert,
                # Loopback is counted like others.
                "smtpd_client_event_limit_exceptions": "",
            })

    def begin(self):
        self.logged = os.path.getsize(self.postfix.log)

    def wait_end(self, talk):
        """Until each mail that it took is gone, or rests as it should. One
        discarded before DATA never got into the queue."""
        ids = [m[1] for _, reply in talk.replies if reply is not None
               for m in [re.search(r"queued as (\w+)", reply.text)] if m]

        def over():
            with open(self.postfix.log, errors="replace") as f:
                f.seek(self.logged)
                log = f.read()
            left = [i for i in ids if not re.search(
                r"%s: (removed|milter-(discard|hold))" % i, log)]
            return len(left) <= log.count("NOQUEUE: milter-discard")
        wait_until(over, what="Postfix to deliver")


class ForepostMta(Mta):
    """Its listener "late" is as "mx", but with all settings of its filter as
    they are: it hears of clients when a recipient was taken."""

    name = "forepost"
    TOP = """\
certificate "%s"
key "%s"
tls_client_certificate ask
tls_client_ca "%s"
reject_at connect
"""
    LISTENER = """\
listener %s {
	address %s:%d
	%s
}
"""
    MILTER = """\
milter %s {
	address unix:%s
	listeners %s
	%s
}
"""

    def __init__(self, start, authority):
        super().__init__(start, authority)
        a, b = (r.socket for r in self.filters)
        top = self.TOP % (*self.certificate, authority.cert)
        for name, host, more in (("two", "127.0.0.1", ""),
                                 ("ipv6", "[::1]", ""),
                                 ("proxy", "127.0.0.1",
                                  "xclient 127.0.0.0/8"),
                                 ("late", "127.0.0.1", "reject_at rcpt")):
            self.ports[name] = free_port(host.strip("[]"))
            top += self.LISTENER % (name, host, self.ports[name], more)
        for milter in (("first", a, "mx two ipv6 proxy", "tell_at connect"),
                       ("second", b, "two", "tell_at connect"),
                       ("alone", a, "late", "")):
            top += self.MILTER % milter
        self.gateway = start.gateway({"in": self.sink.url}, top=top)
        self.ports["mx"] = self.gateway.port
        self.sessions = 0

    def begin(self):
        self.sessions = len(self.gateway.lines(" session end "))

    def wait_end(self, talk):
        self.gateway.wait_line(" session end ", count=self.sessions + 1)
