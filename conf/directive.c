#include "base/clock.h"
#include "base/nearest.h"
#include "conf/directive.h"
#include "conf/settings.h"

#define TOP(field)	offsetof(struct settings, field)
#define SMTP(field)	offsetof(struct smtp_conf, field)
#define BACKEND(field)	offsetof(struct backend_conf, field)
#define ROUTE(field)	offsetof(struct route_conf, field)
#define DNSBL(field)	offsetof(struct dnsbl_conf, field)

#define KIB	UINT64_C(1024)
#define MIB	(KIB * 1024)
#define GIB	(MIB * 1024)
#define MS(n)	((n) * CLOCK_MS)
#define SECONDS(n) ((n) * CLOCK_S)
#define MINUTES(n) SECONDS((n) * 60)
#define HOURS(n) MINUTES((n) * 60)

/* Each list of words is in the order of its enum in settings.h or tls.h. */
static const char *const tls_words[] = {
	"none", "offer", "require", "implicit", NULL };
static const char *const violation_words[] = { "note", "drop", NULL };
static const char *const newline_words[] = { "reject", "normalize", NULL };
static const char *const client_cert_words[] = {
	"none", "ask", "require", NULL };
static const char *const yes_words[] = { "no", "yes", NULL };
static const char *const mode_words[] = { "enforce", "observe", NULL };
static const char *const reject_at_words[] = { "rcpt", "connect", NULL };
static const char *const engine_words[] = { "own", "libspf2", NULL };
static const char *const dkim_engine_words[] = {
	"own", "libopendkim", NULL };
static const char *const arc_words[] = { "off", "verify", NULL };
static const char *const backend_tls_words[] = {
	"none", "opportunistic", "require", "verify", NULL };
static const char *const client_info_words[] = {
	"none", "auto", "xclient", "xforward", NULL };

static const struct directive directives[] = {
/* --- the process --- */
{ .name = "hostname", .scopes = SCOPE_TOP, .type = VALUE_HOST,
    .offset = TOP(hostname), .none = "auto",
    .computed = "auto: the full host name of the system",
    .help = "The name of this gateway: in the greeting, in Received header "
	"fields, and as the name that it says to backends. It should be "
	"the name that the address of the gateway points back to." },
{ .name = "user", .scopes = SCOPE_TOP, .type = VALUE_NAME,
    .offset = TOP(user), .fallback = "auto", .none = "auto",
    .help = "The user that the workers run as; only root can choose. auto: "
	"the user forepost if root starts the gateway, otherwise whoever "
	"starts it." },
{ .name = "group", .scopes = SCOPE_TOP, .type = VALUE_NAME,
    .offset = TOP(group), .fallback = "auto", .none = "auto",
    .help = "The group that the workers run as. auto: the group of the "
	"user." },
{ .name = "workers", .scopes = SCOPE_TOP, .type = VALUE_COUNT,
    .offset = TOP(workers), .fallback = "auto", .none = "auto",
    .min = 1, .max = 100,
    .help = "How many worker processes serve sessions. auto: one for each "
	"processor." },
{ .name = "log", .scopes = SCOPE_TOP, .type = VALUE_LOG,
    .offset = TOP(log), .fallback = "stderr", .effect = EFFECT_RESTART,
    .help = "Where log lines go: stderr, syslog, or the path of a file (with "
	"a slash in it)." },
{ .name = "control", .scopes = SCOPE_TOP, .type = VALUE_PATH,
    .offset = TOP(control), .fallback = "/run/forepost/control",
    .effect = EFFECT_RESTART,
    .help = "The path of the socket over which forepost reload, drain and "
	"stats reach the running gateway." },
{ .name = "spool", .scopes = SCOPE_TOP, .type = VALUE_PATH,
    .offset = TOP(spool), .fallback = "/var/spool/forepost",
    .help = "The folder for what spool_memory does not hold of messages under "
	"way. Its files have no name and are gone when the transaction is "
	"over: nothing is queued. When it is full, messages are deferred." },
{ .name = "spool_memory", .scopes = SCOPE_TOP, .type = VALUE_SIZE,
    .offset = TOP(spool_memory), .fallback = "24M",
    .min = 4 * KIB, .max = 64 * GIB,
    .help = "How much memory one worker uses for all messages under way. What "
	"comes when it is used up goes to the spool folder, but for the "
	"first 128 KiB of each message. Less than 128k: all messages go to "
	"the spool folder." },
{ .name = "drain_timeout", .scopes = SCOPE_TOP, .type = VALUE_DURATION,
    .offset = TOP(drain_timeout), .fallback = "10m", .max = HOURS(24),
    .help = "How long the workers of the configuration before may go on with "
	"their sessions after a reload." },
{ .name = "stop_timeout", .scopes = SCOPE_TOP, .type = VALUE_DURATION,
    .offset = TOP(stop_timeout), .fallback = "30s", .max = HOURS(1),
    .help = "How long transactions may go on when the gateway is told to "
	"stop. Idle clients are told 421 at once." },
{ .name = "max_sessions", .scopes = SCOPE_TOP, .type = VALUE_COUNT,
    .offset = TOP(max_sessions), .fallback = "20000",
    .min = 1, .max = 1000000,
    .help = "Sessions that one worker serves at once. More are told 421." },
{ .name = "max_sessions_per_network", .scopes = SCOPE_TOP,
    .type = VALUE_COUNT, .offset = TOP(max_sessions_per_network),
    .fallback = "100", .max = 1000000,
    .help = "Sessions that one worker serves at once from one network: the "
	"/24 of an IPv4 address, the /64 of an IPv6 address. More are told "
	"421. A client that has left counts until what was looked up for it "
	"has been answered. 0: no limit." },
{ .name = "stress_at", .scopes = SCOPE_TOP, .type = VALUE_PERCENT,
    .offset = TOP(stress_at), .fallback = "80%", .min = 1, .max = 100,
    .help = "The share of max_sessions above which a worker counts as "
	"stressed: stress_command_timeout and stress_data_timeout hold "
	"then, and one network gets no more than a quarter of "
	"max_sessions_per_network." },

/* --- rules --- */
{ .name = "rules", .scopes = SCOPE_TOP, .type = VALUE_RULES,
    .offset = TOP(rules), .fallback = "default",
    .help = "The rules that decide what happens to mail (forepost-rules(5)): "
	"the path of a file in quotes, default or none. default: those that "
	"come with the gateway, which refuse only what is surely wrong; none: "
	"no rule is asked, and nothing is refused by one. The files are read "
	"again at each reload." },
{ .name = "mode", .scopes = SCOPE_TOP, .type = VALUE_FLAG,
    .offset = TOP(observe), .fallback = "enforce", .words = mode_words,
    .help = "Whether rules act. observe: every rule is as if the word observe "
	"stood in front of it; what it would have done is logged and "
	"counted." },
{ .name = "quarantine", .scopes = SCOPE_TOP, .type = VALUE_NAME,
    .offset = TOP(quarantine_name), .fallback = "none", .none = "none",
    .help = "The name of the backend that takes the mail that rules put into "
	"quarantine. none: such mail goes to its own backend. In both cases "
	"the header field X-Forepost-Quarantine says why." },

/* --- resolver block --- */
{ .name = "forward", .scopes = SCOPE_RESOLVER, .type = VALUE_FORWARD,
    .offset = TOP(resolver_forward), .fallback = "none", .none = "none",
    .help = "Name servers to ask, each as an address or address:port. none: "
	"the gateway asks the servers of each domain itself, from the root "
	"down." },
{ .name = "trust_anchor", .scopes = SCOPE_RESOLVER, .type = VALUE_PATH,
    .offset = TOP(resolver_trust_anchor), .fallback = "none", .none = "none",
    .help = "A file with the keys of the root zone. With it answers are "
	"validated (DNSSEC); none: they are not." },
{ .name = "timeout", .scopes = SCOPE_RESOLVER, .type = VALUE_DURATION,
    .offset = TOP(resolver_timeout), .fallback = "5s",
    .min = MS(100), .max = MINUTES(1),
    .help = "How long one lookup may take." },

/* --- dnsbl block --- */
{ .name = "zone", .scopes = SCOPE_DNSBL, .type = VALUE_ZONE,
    .offset = DNSBL(list.zone), .computed = "must be given",
    .help = "The domain of the list, as in zen.spamhaus.org. It is shown to "
	"nobody outside, so that it may hold a key." },
{ .name = "checks", .scopes = SCOPE_DNSBL, .type = VALUE_SUBJECTS,
    .offset = DNSBL(list.checks), .fallback = "client",
    .help = "What the list is asked about: client (its address; client-ipv4 "
	"or client-ipv6 if the list has only one kind), or domains: sender, "
	"helo, reverse (the confirmed name of the client), from (of the "
	"header) and dkim (of signatures that pass)." },
{ .name = "reply", .scopes = SCOPE_DNSBL, .type = VALUE_PATTERNS,
    .offset = DNSBL(list.patterns), .computed = "any answer is a listing, "
	"with a score of 0",
    .help = "What an answer of the list is worth: a pattern, as in 127.0.0.2, "
	"127.0.0.2-3, 127.0.*.1,3 or 127.0.0.&8 (this bit), and behind it "
	"score N, tag NAME, both, or ignore or error. An answer that fits "
	"several patterns counts each once." },
{ .name = "timeout", .scopes = SCOPE_DNSBL, .type = VALUE_DURATION,
    .offset = DNSBL(list.timeout), .fallback = "3s",
    .min = MS(100), .max = SECONDS(30),
    .help = "How long the list may take to answer." },
{ .name = "test_points", .scopes = SCOPE_DNSBL, .type = VALUE_FLAG,
    .offset = DNSBL(list.test_points), .fallback = "yes",
    .words = yes_words,
    .help = "Whether the list has the test entries of RFC 5782 (127.0.0.2 is "
	"listed, 127.0.0.1 is not; for domains TEST and INVALID). They are "
	"asked for at the start and every 5 minutes, and while the answers "
	"are wrong the list is not used." },
{ .name = "max_share", .scopes = SCOPE_DNSBL, .type = VALUE_PERCENT,
    .offset = DNSBL(max_share), .fallback = "95%", .min = 1, .max = 100,
    .help = "The share of the last clients that it may list before it "
	"counts as broken and is not used for a while. 100: all of them." },

/* --- who sent a mail --- */
{ .name = "check", .scopes = SCOPE_SPF, .type = VALUE_FLAG,
    .offset = TOP(spf), .fallback = "yes", .words = yes_words,
    .help = "Whether SPF is evaluated, for the HELO name and the sender." },
{ .name = "engine", .scopes = SCOPE_SPF, .type = VALUE_FLAG,
    .offset = TOP(spf_libspf2), .fallback = "own", .words = engine_words,
    .help = "Which evaluator. own: the one of the gateway, which follows RFC "
	"7208 to the letter; libspf2: that library, for the answers that "
	"Exim and OpenDMARC give. The limits of RFC 7208 hold for both." },
{ .name = "timeout", .scopes = SCOPE_SPF, .type = VALUE_DURATION,
    .offset = TOP(spf_timeout), .fallback = "10s",
    .min = MS(100), .max = MINUTES(1),
    .help = "How long one evaluation may take in all; after that it is "
	"temperror." },
{ .name = "received_spf", .scopes = SCOPE_SPF, .type = VALUE_FLAG,
    .offset = TOP(spf_received), .fallback = "no", .words = yes_words,
    .help = "Whether a Received-SPF header field is added too, for filters "
	"that know nothing else." },
{ .name = "check", .scopes = SCOPE_DKIM, .type = VALUE_FLAG,
    .offset = TOP(dkim), .fallback = "yes", .words = yes_words,
    .help = "Whether DKIM signatures are verified." },
{ .name = "engine", .scopes = SCOPE_DKIM, .type = VALUE_FLAG,
    .offset = TOP(dkim_libopendkim), .fallback = "own",
    .words = dkim_engine_words,
    .help = "Which verifier. own: the one of the gateway; libopendkim: that "
	"library, for the answers that OpenDKIM gives. Keys are looked up in "
	"the same way, and what RFC 8301 forbids does not pass with either." },
{ .name = "max_signatures", .scopes = SCOPE_DKIM, .type = VALUE_COUNT,
    .offset = TOP(dkim_max_signatures), .fallback = "10",
    .min = 1, .max = 100,
    .help = "Signatures of one message that are verified, from the top; "
	"further ones are counted and otherwise ignored." },
{ .name = "check", .scopes = SCOPE_DMARC, .type = VALUE_FLAG,
    .offset = TOP(dmarc), .fallback = "yes", .words = yes_words,
    .help = "Whether DMARC is evaluated (RFC 9989). It needs SPF and DKIM: "
	"what is not checked cannot pass." },
{ .name = "arc", .scopes = SCOPE_TOP, .type = VALUE_FLAG,
    .offset = TOP(arc), .fallback = "off", .words = arc_words,
    .help = "Whether the ARC chain of a message is verified (RFC 8617). Its "
	"result is reported; nothing else depends on it." },
{ .name = "add", .scopes = SCOPE_AUTHRES, .type = VALUE_FLAG,
    .offset = TOP(authres), .fallback = "yes", .words = yes_words,
    .help = "Whether an Authentication-Results header field with what was "
	"found is added, and those that claim to be ours are removed." },
{ .name = "id", .scopes = SCOPE_AUTHRES, .type = VALUE_HOST,
    .offset = TOP(authserv_id), .none = "auto", .computed = "hostname",
    .help = "The name that this field begins with. Whoever reads the fields "
	"behind the gateway trusts those with this name." },
{ .name = "also", .scopes = SCOPE_AUTHRES, .type = VALUE_HOSTS,
    .offset = TOP(authserv_also), .fallback = "none", .none = "none",
    .help = "Further names that are trusted behind the gateway: fields that "
	"come in with one of them are removed too." },

/* --- sessions: at top level for all listeners, or in one of them --- */
{ .name = "max_message_size", .scopes = SCOPE_SMTP, .type = VALUE_SIZE,
    .offset = SMTP(max_message_size), .fallback = "50M",
    .min = KIB, .max = 10 * GIB,
    .help = "The largest message. If a backend takes less, its limit "
	"holds." },
{ .name = "max_recipients", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(max_recipients), .fallback = "1000",
    .min = 1, .max = 100000,
    .help = "Recipients of one message; RFC 5321 asks for at least 100. "
	"Further ones are told 452 and come in the next transaction." },
{ .name = "max_errors", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(max_errors), .fallback = "20", .min = 1, .max = 100000,
    .help = "Commands that may be answered 5yz, refused recipients among "
	"them, before the session is closed. A mail that is delivered "
	"clears the count." },
{ .name = "max_unknown_commands", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(max_unknown_commands), .fallback = "5",
    .min = 1, .max = 100000,
    .help = "Unknown commands before the session is closed." },
{ .name = "max_command_line", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(max_command_line), .fallback = "2048",
    .min = 512, .max = 32768,
    .help = "Octets of one command line, its end included." },
{ .name = "max_header_size", .scopes = SCOPE_SMTP, .type = VALUE_SIZE,
    .offset = SMTP(max_header_size), .fallback = "256k",
    .min = KIB, .max = 64 * MIB,
    .help = "The largest header of a message." },
{ .name = "max_header_fields", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(max_header_fields), .fallback = "1000",
    .min = 1, .max = 1000000,
    .help = "Fields in the header of a message." },
{ .name = "max_received", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(max_received), .fallback = "100", .min = 1, .max = 1000,
    .help = "Received fields in the header of a message; with more it is "
	"refused as one that goes in circles." },
{ .name = "max_mails", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(max_mails), .fallback = "1000", .min = 1, .max = 1000000,
    .help = "Messages in one session." },
{ .name = "command_timeout", .scopes = SCOPE_SMTP, .type = VALUE_DURATION,
    .offset = SMTP(command_timeout), .fallback = "5m",
    .min = SECONDS(1), .max = HOURS(1),
    .help = "How long a client may take for one whole command line." },
{ .name = "data_timeout", .scopes = SCOPE_SMTP, .type = VALUE_DURATION,
    .offset = SMTP(data_timeout), .fallback = "3m",
    .min = SECONDS(1), .max = HOURS(1),
    .help = "How long a client may pause within a message." },
{ .name = "min_data_rate", .scopes = SCOPE_SMTP, .type = VALUE_COUNT,
    .offset = SMTP(min_data_rate), .fallback = "100", .max = 1000000,
    .help = "Octets a second that a message must reach once data_timeout "
	"has passed, so that nobody holds a session with one octet at a "
	"time. 0: no least rate." },
{ .name = "stress_command_timeout", .scopes = SCOPE_SMTP,
    .type = VALUE_DURATION, .offset = SMTP(stress_command_timeout),
    .fallback = "10s", .min = SECONDS(1), .max = HOURS(1),
    .help = "In place of command_timeout while the worker is stressed (see "
	"stress_at)." },
{ .name = "stress_data_timeout", .scopes = SCOPE_SMTP,
    .type = VALUE_DURATION, .offset = SMTP(stress_data_timeout),
    .fallback = "20s", .min = SECONDS(1), .max = HOURS(1),
    .help = "In place of data_timeout while the worker is stressed." },
{ .name = "greeting_delay", .scopes = SCOPE_SMTP, .type = VALUE_DURATION,
    .offset = SMTP(greeting_delay), .fallback = "0s", .max = MINUTES(1),
    .help = "How long the greeting waits for clients that speak too "
	"early." },
{ .name = "early_talker", .scopes = SCOPE_SMTP, .type = VALUE_CHOICE,
    .offset = SMTP(early_talker), .fallback = "note",
    .words = violation_words,
    .help = "What happens to a client that spoke before the greeting. note: "
	"it is logged and counted; drop: the connection is closed with "
	"554." },
{ .name = "early_pipelining", .scopes = SCOPE_SMTP, .type = VALUE_CHOICE,
    .offset = SMTP(early_pipelining), .fallback = "note",
    .words = violation_words,
    .help = "What happens to a client that sent commands ahead without being "
	"offered PIPELINING. note: it is logged and counted; drop: the "
	"connection is closed with 554. It is closed in any case where "
	"nothing may follow a command, as behind STARTTLS and DATA." },
{ .name = "bare_newline", .scopes = SCOPE_SMTP, .type = VALUE_FLAG,
    .offset = SMTP(bare_newline_normalize), .fallback = "reject",
    .words = newline_words,
    .help = "What happens to a message with a CR or LF that stands alone, or "
	"with a NUL. reject: it is refused with 550 and the connection is "
	"closed; normalize: line ends are repaired and each NUL is left "
	"out." },
{ .name = "bare_newline_from", .scopes = SCOPE_SMTP, .type = VALUE_NETWORKS,
    .offset = SMTP(bare_newline_networks), .fallback = "all", .none = "all",
    .help = "The networks whose messages are repaired with bare_newline "
	"normalize; those of all others are refused." },
{ .name = "advertise", .scopes = SCOPE_SMTP, .type = VALUE_KEYWORDS,
    .offset = SMTP(advertise), .fallback = "auto", .none = "auto",
    .help = "The extensions that the answer to EHLO offers, of 8BITMIME, "
	"BINARYMIME, CHUNKING, DSN, ENHANCEDSTATUSCODES, PIPELINING, SIZE "
	"and SMTPUTF8; STARTTLS goes by tls. auto: those that all backends "
	"can do, those that need no backend, and LIMITS." },
{ .name = "tls", .scopes = SCOPE_SMTP, .type = VALUE_CHOICE,
    .offset = SMTP(tls), .words = tls_words,
    .computed = "offer with a certificate, none without",
    .help = "TLS with clients. offer: STARTTLS is offered; require: no mail "
	"is taken before STARTTLS; implicit: TLS from the first octet, "
	"without STARTTLS." },
{ .name = "certificate", .scopes = SCOPE_SMTP, .type = VALUE_PATHS,
    .offset = SMTP(certificates), .fallback = "none", .none = "none",
    .help = "PEM files, each with a certificate and its chain. A client that "
	"asks for a name (SNI) gets the certificate that carries it, others "
	"the first. Certificates are read again at each reload." },
{ .name = "key", .scopes = SCOPE_SMTP, .type = VALUE_PATHS,
    .offset = SMTP(keys), .fallback = "none", .none = "none",
    .help = "PEM files with the private keys: the first belongs to the first "
	"certificate, and so on." },
{ .name = "tls_client_certificate", .scopes = SCOPE_SMTP,
    .type = VALUE_CHOICE, .offset = SMTP(tls_client_certs),
    .fallback = "none", .words = client_cert_words,
    .help = "Whether clients are asked for a certificate. require: without a "
	"good one there is no TLS." },
{ .name = "tls_client_ca", .scopes = SCOPE_SMTP, .type = VALUE_PATH,
    .offset = SMTP(tls_client_ca), .fallback = "none", .none = "none",
    .help = "A PEM file with the authorities that sign client "
	"certificates." },
{ .name = "proxy_protocol", .scopes = SCOPE_SMTP, .type = VALUE_NETWORKS,
    .offset = SMTP(proxy_protocol), .fallback = "none", .none = "none",
    .help = "The networks of load balancers that tell the address of the "
	"client with the PROXY protocol (version 1 or 2). From there it "
	"must come, from elsewhere it is not understood." },
{ .name = "xclient", .scopes = SCOPE_SMTP, .type = VALUE_NETWORKS,
    .offset = SMTP(xclient), .fallback = "none", .none = "none",
    .help = "The networks that may say XCLIENT, that is, be any client." },
{ .name = "unchecked", .scopes = SCOPE_SMTP, .type = VALUE_NETWORKS,
    .offset = SMTP(unchecked), .fallback = "none", .none = "none",
    .help = "The networks whose mail is passed on without any check of who "
	"sent it. Clients of this machine itself and those on a unix socket "
	"are never checked." },

{ .name = "reject_at", .scopes = SCOPE_SMTP, .type = VALUE_FLAG,
    .offset = SMTP(reject_at_connect), .fallback = "rcpt",
    .words = reject_at_words,
    .help = "When a client hears that a rule of connect, helo or mail refuses "
	"it. rcpt: at each recipient, so that the log has sender and "
	"recipients; connect: at once, in place of the greeting or as the "
	"reply to EHLO, HELO or MAIL." },

/* --- listener block --- */
{ .name = "address", .scopes = SCOPE_LISTENER, .type = VALUE_LISTEN,
    .computed = "must be given",
    .help = "Where to listen: 192.0.2.1:25, 0.0.0.0:25 (all IPv4 addresses), "
	"[2001:db8::1]:25, [::]:25 (all IPv6 addresses, and only those), "
	"unix:/path, or systemd:NAME for sockets that systemd passes under "
	"this FileDescriptorName." },

/* --- backend block --- */
{ .name = "address", .scopes = SCOPE_BACKEND, .type = VALUE_URLS,
    .computed = "must be given",
    .help = "The servers of this backend: smtp://host:port, "
	"smtps://host:port (TLS from the first octet), lmtp://host:port, "
	"lmtp://unix:/path or maildir:/path. The host is a name or an "
	"address (IPv6 in brackets); without a port it is 25, 465 or 24. "
	"?weight=N behind it (1 to 100, default 1) is its share of the "
	"connections. One that fails rests for retry_time, and the others "
	"take its share." },
{ .name = "tls", .scopes = SCOPE_BACKEND, .type = VALUE_CHOICE,
    .offset = BACKEND(tls), .fallback = "opportunistic",
    .words = backend_tls_words,
    .help = "TLS with the backend. opportunistic: if it is offered; require: "
	"always, with any certificate; verify: always, and the certificate "
	"must be right (tls_ca and tls_name, or tls_fingerprint)." },
{ .name = "tls_ca", .scopes = SCOPE_BACKEND, .type = VALUE_PATH,
    .offset = BACKEND(tls_ca), .fallback = "system", .none = "system",
    .help = "A PEM file with the authorities that may sign the certificate "
	"of the backend. system: those that the system trusts." },
{ .name = "tls_name", .scopes = SCOPE_BACKEND, .type = VALUE_HOST,
    .offset = BACKEND(tls_name), .fallback = "auto", .none = "auto",
    .help = "The name that the certificate of the backend must carry. auto: "
	"the host of its address." },
{ .name = "tls_fingerprint", .scopes = SCOPE_BACKEND,
    .type = VALUE_FINGERPRINT, .offset = BACKEND(tls_fingerprint),
    .fallback = "none", .none = "none",
    .help = "The SHA-256 of the certificate of the backend, in hex. If given, "
	"it alone decides." },
{ .name = "client_info", .scopes = SCOPE_BACKEND, .type = VALUE_CHOICE,
    .offset = BACKEND(client_info), .fallback = "none",
    .words = client_info_words,
    .help = "How the backend is told who the client is, if it offers the "
	"command. auto: XCLIENT, or else XFORWARD." },
{ .name = "helo", .scopes = SCOPE_BACKEND, .type = VALUE_HOST,
    .offset = BACKEND(helo), .fallback = "auto", .none = "auto",
    .help = "The name that the gateway gives to the backend. auto: "
	"hostname." },
{ .name = "connect_timeout", .scopes = SCOPE_BACKEND,
    .type = VALUE_DURATION, .offset = BACKEND(connect_timeout),
    .fallback = "30s", .min = MS(100), .max = MINUTES(10),
    .help = "How long a connection may take, from the first packet to the "
	"greeting." },
{ .name = "reply_timeout", .scopes = SCOPE_BACKEND, .type = VALUE_DURATION,
    .offset = BACKEND(reply_timeout), .fallback = "5m",
    .min = MS(100), .max = HOURS(1),
    .help = "How long the backend may take to answer one command." },
{ .name = "data_timeout", .scopes = SCOPE_BACKEND, .type = VALUE_DURATION,
    .offset = BACKEND(data_timeout), .fallback = "10m",
    .min = MS(100), .max = HOURS(1),
    .help = "How long the backend may take to answer the whole message." },
{ .name = "max_connections", .scopes = SCOPE_BACKEND, .type = VALUE_COUNT,
    .offset = BACKEND(max_connections), .fallback = "0", .max = 100000,
    .help = "Connections that one worker has to this backend at once. "
	"0: no limit." },
{ .name = "max_idle", .scopes = SCOPE_BACKEND, .type = VALUE_COUNT,
    .offset = BACKEND(max_idle), .fallback = "100", .max = 10000,
    .help = "Idle connections that one worker keeps for the next mails. "
	"0: none are kept." },
{ .name = "idle_time", .scopes = SCOPE_BACKEND, .type = VALUE_DURATION,
    .offset = BACKEND(idle_time), .fallback = "60s",
    .min = MS(100), .max = HOURS(1),
    .help = "How long an idle connection is kept." },
{ .name = "max_uses", .scopes = SCOPE_BACKEND, .type = VALUE_COUNT,
    .offset = BACKEND(max_uses), .fallback = "1000",
    .min = 1, .max = 1000000,
    .help = "Mails that go over one connection." },
{ .name = "max_age", .scopes = SCOPE_BACKEND, .type = VALUE_DURATION,
    .offset = BACKEND(max_age), .fallback = "10m",
    .min = MS(100), .max = HOURS(24),
    .help = "The age from which on a connection gets no further mail." },
{ .name = "probe_interval", .scopes = SCOPE_BACKEND, .type = VALUE_DURATION,
    .offset = BACKEND(probe_interval), .fallback = "60s", .max = HOURS(24),
    .help = "How often each address is asked whether it lives and what it "
	"can do. 0s: never; what it can do is then learnt from mails." },
{ .name = "retry_time", .scopes = SCOPE_BACKEND, .type = VALUE_DURATION,
    .offset = BACKEND(retry_time), .fallback = "30s",
    .min = MS(100), .max = HOURS(1),
    .help = "How long an address that failed is left alone; up to 8 times "
	"as long if it goes on failing. When all addresses rest, one is tried "
	"all the same." },

/* --- route block --- */
{ .name = "domains", .scopes = SCOPE_ROUTE, .type = VALUE_DOMAINS,
    .offset = ROUTE(domains), .computed = "or recipients must be given",
    .help = "Domains whose mail goes this way: a.example is that domain, "
	".a.example are all below it, * are all that no other route names. "
	"With the word file, the names are read from a file: one a line, "
	"comments begin with #." },
{ .name = "recipients", .scopes = SCOPE_ROUTE, .type = VALUE_RECIPIENTS,
    .offset = ROUTE(recipients),
    .computed = "or domains must be given",
    .help = "Single recipients whose mail goes this way: user@a.example, or "
	"user@ in every domain that has a route. They win over domains. "
	"With the word file, they are read from a file as domains are." },
{ .name = "backend", .scopes = SCOPE_ROUTE, .type = VALUE_NAME,
    .offset = ROUTE(backend_name), .computed = "must be given",
    .help = "The name of the backend that takes this mail." },
};

static const struct block blocks[] = {
	{ "resolver", SCOPE_RESOLVER, false, "the resolver",
	    "How names are looked up in the DNS." },
	{ "dnsbl", SCOPE_DNSBL, true, "a DNS list",
	    "A list in the DNS of addresses or domains, for their bad or their "
	    "good name (RFC 5782)." },
	{ "spf", SCOPE_SPF, false, "SPF",
	    "Whether the client may send for the domain of the sender "
	    "(RFC 7208)." },
	{ "dkim", SCOPE_DKIM, false, "DKIM",
	    "Whether the message is as its signers sent it (RFC 6376)." },
	{ "dmarc", SCOPE_DMARC, false, "DMARC",
	    "Whether one of both speaks for the author domain, and what its "
	    "owner asks for otherwise (RFC 9989)." },
	{ "authres", SCOPE_AUTHRES, false, "authres",
	    "The Authentication-Results header field (RFC 8601)." },
	{ "listener", SCOPE_LISTENER, true, "a listener",
	    "Addresses on which mail comes in. In it may also stand every "
	    "setting for sessions; it then holds for this listener instead "
	    "of the one at top level. A list replaces the list at top level "
	    "and is not added to it." },
	{ "backend", SCOPE_BACKEND, true, "a backend",
	    "A mail server behind the gateway, or several that can each do "
	    "the work." },
	{ "route", SCOPE_ROUTE, false, "a route",
	    "Which recipients belong to which backend. Recipients that no "
	    "route takes are refused: the gateway is never an open relay." },
};

#define DIRECTIVES	(sizeof(directives) / sizeof(*directives))
#define BLOCKS		(sizeof(blocks) / sizeof(*blocks))

size_t
directive_count(void)
{
	return DIRECTIVES;
}

const struct directive *
directive_at(size_t i)
{
	return &directives[i];
}

size_t
directive_index(const struct directive *row)
{
	return (size_t)(row - directives);
}

const struct directive *
directive_find(struct span name, unsigned scopes)
{
	for (size_t i = 0; i < DIRECTIVES; i++)
		if ((directives[i].scopes & scopes) &&
		    span_is(name, directives[i].name))
			return &directives[i];
	return NULL;
}

bool
directive_is_list(const struct directive *row)
{
	return row->type >= VALUE_PATHS;
}

void *
directive_field(const struct directive *row, enum scope scope, void *object)
{
	char *base = object;

	if (row->scopes == SCOPE_SMTP)
		base += scope == SCOPE_LISTENER ?
		    offsetof(struct listener_conf, smtp) : TOP(smtp);
	return base + row->offset;
}

size_t
block_count(void)
{
	return BLOCKS;
}

const struct block *
block_at(size_t i)
{
	return &blocks[i];
}

const struct block *
block_find(struct span name)
{
	for (size_t i = 0; i < BLOCKS; i++)
		if (span_is(name, blocks[i].name))
			return &blocks[i];
	return NULL;
}

const struct block *
block_of(enum scope scope)
{
	for (size_t i = 0; i < BLOCKS; i++)
		if (blocks[i].scope == scope)
			return &blocks[i];
	return NULL;
}

const char *
directive_nearest(struct span name, enum scope scope)
{
	const char *names[DIRECTIVES + BLOCKS + 1];
	size_t i, n = 0;

	for (i = 0; i < DIRECTIVES; i++)
		if (directives[i].scopes & scope)
			names[n++] = directives[i].name;
	for (i = 0; scope == SCOPE_TOP && i < BLOCKS; i++)
		names[n++] = blocks[i].name;
	if (scope == SCOPE_TOP)
		names[n++] = "include";
	return nearest(name, names, n);
}
