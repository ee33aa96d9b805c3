#include "conf/directive_rows.h"

/* Each list of words is in the order of its enum in settings.h or tls.h. */
static const char *const tls_words[] = {
	"none", "offer", "require", "implicit", NULL };
static const char *const violation_words[] = { "note", "drop", NULL };
static const char *const newline_words[] = { "reject", "normalize", NULL };
static const char *const client_cert_words[] = {
	"none", "ask", "require", NULL };
static const char *const reject_at_words[] = { "rcpt", "connect", NULL };
static const char *const backend_tls_words[] = {
	"none", "opportunistic", "require", "verify", NULL };
static const char *const client_info_words[] = {
	"none", "auto", "xclient", "xforward", NULL };

static const struct directive rows[] = {
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
	"BINARYMIME, CHUNKING, DSN, ENHANCEDSTATUSCODES, PIPELINING, PRDR, "
	"SIZE and SMTPUTF8; STARTTLS goes by tls. auto: those that all backends "
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
    .help = "The networks that may say XCLIENT, that is, be any client. "
	"Their sessions count for whom they tell: see "
	"max_sessions_per_network." },
{ .name = "unchecked", .scopes = SCOPE_SMTP, .type = VALUE_NETWORKS,
    .offset = SMTP(unchecked), .fallback = "none", .none = "none",
    .help = "The networks whose mail is passed on without any check of who "
	"sent it. Clients of this machine itself and those on a unix socket "
	"are never checked." },

{ .name = "reject_at", .scopes = SCOPE_SMTP, .type = VALUE_FLAG,
    .offset = SMTP(reject_at_connect), .fallback = "rcpt",
    .words = reject_at_words,
    .help = "When a client hears that a rule of connect, helo or mail, or a "
	"milter with tell_at connect, refuses it. rcpt: at each recipient, so that the log has sender and "
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
    .offset = ROUTE(domains),
    .computed = "or recipients or redis must be given",
    .help = "Domains whose mail goes this way: a.example is that domain, "
	".a.example are all below it, * are all that no other route names. "
	"With the word file, the names are read from a file: one a line, "
	"comments begin with #." },
{ .name = "recipients", .scopes = SCOPE_ROUTE, .type = VALUE_RECIPIENTS,
    .offset = ROUTE(recipients),
    .computed = "or domains or redis must be given",
    .help = "Single recipients whose mail goes this way: user@a.example, or "
	"user@ in every domain that has a route. They win over domains. "
	"With the word file, they are read from a file as domains are." },
{ .name = "redis", .scopes = SCOPE_ROUTE, .type = VALUE_NAME,
    .offset = ROUTE(redis),
    .computed = "or domains or recipients must be given",
    .help = "The key of a hash in Redis, the store, which routes what no other "
	"route names: its fields are user@a.example, user@, a.example and "
	".a.example as in domains and recipients, in small letters, their "
	"values names of backends. One route may be so, and has nothing else. "
	"While Redis does not answer, mail that it might route is told 451." },
{ .name = "backend", .scopes = SCOPE_ROUTE, .type = VALUE_NAME,
    .offset = ROUTE(backend_name), .computed = "must be given without redis",
    .help = "The name of the backend that takes this mail." },
};

const struct directive_rows directive_mail = {
	rows, sizeof(rows) / sizeof(*rows)
};
