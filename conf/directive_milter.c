#include "conf/directive_rows.h"

/* Each list of words is in the order of its enum in settings.h. */
static const char *const when_words[] = { "always", "rules", NULL };
static const char *const tell_words[] = { "rcpt", "connect", NULL };
static const char *const login_words[] = { "any", "yes", "no", NULL };
static const char *const failure_words[] = {
	"accept", "tempfail", "reject", "shutdown", NULL };

static const struct directive rows[] = {
/* --- where it is --- */
{ .name = "address", .scopes = SCOPE_MILTER, .type = VALUE_MILTER,
    .offset = MILTER(address), .computed = "must be given",
    .help = "Where the filter listens: unix:/path, inet:host:port or "
	"inet6:[2001:db8::1]:port, or as sendmail writes it local:/path, "
	"inet:port@host or inet6:port@host; host:port alone is enough. The "
	"host is an address or a name, whose addresses, IPv4 and IPv6, are "
	"tried in turn." },

/* --- when it is asked --- */
{ .name = "when", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(when), .fallback = "always", .words = when_words,
    .help = "Whom the filter is told of. always: every client and mail that "
	"listeners, networks, except and authenticated leave; rules: of these "
	"only those for which a rule says milter NAME or asks for the fact "
	"milter.NAME (forepost-rules(5))." },
{ .name = "tell_at", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(tell_at), .fallback = "rcpt", .words = tell_words,
    .help = "When the filter first hears of a client. rcpt: when the rules "
	"and the backend have taken a recipient; it is then told of the "
	"connection, HELO, MAIL and this RCPT one after the other, and never "
	"of clients that are refused before. connect: at each stage, when "
	"the client comes to it, as Postfix and sendmail do; what it refuses "
	"before RCPT is answered where reject_at of the listener says." },
{ .name = "authenticated", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(authenticated), .fallback = "any", .words = login_words,
    .help = "Whether the filter is told of mails from clients that have "
	"logged in, which the gateway knows from LOGIN of XCLIENT. any: it "
	"makes no difference; yes: of those alone; no: of all others." },
{ .name = "listeners", .scopes = SCOPE_MILTER, .type = VALUE_NAMES,
    .offset = MILTER(listeners), .fallback = "all", .none = "all",
    .help = "The listeners whose clients the filter is told of." },
{ .name = "networks", .scopes = SCOPE_MILTER, .type = VALUE_NETWORKS,
    .offset = MILTER(networks), .fallback = "all", .none = "all",
    .help = "The networks whose clients the filter is told of. With "
	"networks, those on a unix socket are in none." },
{ .name = "except", .scopes = SCOPE_MILTER, .type = VALUE_NETWORKS,
    .offset = MILTER(except), .fallback = "none", .none = "none",
    .help = "Networks whose clients the filter is not told of, also if "
	"they are in networks." },

/* --- how long it may take --- */
{ .name = "connect_timeout", .scopes = SCOPE_MILTER, .type = VALUE_DURATION,
    .offset = MILTER(connect_timeout), .fallback = "10s",
    .min = MS(100), .max = MINUTES(5),
    .help = "How long it may take to reach the filter and to agree with it "
	"on what it wants to hear and may do." },
{ .name = "command_timeout", .scopes = SCOPE_MILTER, .type = VALUE_DURATION,
    .offset = MILTER(command_timeout), .fallback = "30s",
    .min = MS(100), .max = MINUTES(10),
    .help = "How long the filter may take for the connection, for one "
	"command, or for one field of the header." },
{ .name = "body_timeout", .scopes = SCOPE_MILTER, .type = VALUE_DURATION,
    .offset = MILTER(body_timeout), .fallback = "30s",
    .min = MS(100), .max = MINUTES(10),
    .help = "How long the filter may take for one piece of the body, 64 KiB "
	"unless it asked for larger ones." },
{ .name = "end_timeout", .scopes = SCOPE_MILTER, .type = VALUE_DURATION,
    .offset = MILTER(end_timeout), .fallback = "2m",
    .min = MS(100), .max = HOURS(1),
    .help = "How long the filter may take to answer the whole message. "
	"Clients should wait 10 minutes (RFC 5321) for all filters and the "
	"backend together." },
{ .name = "max_time", .scopes = SCOPE_MILTER, .type = VALUE_DURATION,
    .offset = MILTER(max_time), .fallback = "5m",
    .min = MS(100), .max = HOURS(1),
    .help = "How long one step may take in all; header, body and the "
	"answer to the whole message are one. A filter that reports "
	"progress gets the time of its step anew each time, but no more "
	"than this." },

/* --- what happens if it cannot be asked --- */
{ .name = "failure", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(failure), .fallback = "tempfail",
    .words = failure_words,
    .help = "What happens if the filter fails: it cannot be reached, takes "
	"too long, breaks the protocol, or wants an edit that cannot be made. "
	"accept: the mail goes on without it; tempfail: it is told 451, and "
	"comes again; reject: it is told 550 and lost to its sender; "
	"shutdown: the client is told 421 and the connection is closed. It "
	"holds for this mail; with the next one the filter is tried again." },
{ .name = "failure_connect", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(failure_connect), .computed = "failure",
    .words = failure_words,
    .help = "In place of failure if it fails when it is told of the "
	"connection. A filter that cannot be reached fails at the stage at "
	"which it was to be told, with tell_at rcpt at RCPT." },
{ .name = "failure_helo", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(failure_helo), .computed = "failure",
    .words = failure_words,
    .help = "In place of failure if it fails at HELO or EHLO." },
{ .name = "failure_mail", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(failure_mail), .computed = "failure",
    .words = failure_words,
    .help = "In place of failure if it fails at MAIL." },
{ .name = "failure_rcpt", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(failure_rcpt), .computed = "failure",
    .words = failure_words,
    .help = "In place of failure if it fails at RCPT." },
{ .name = "failure_message", .scopes = SCOPE_MILTER, .type = VALUE_CHOICE,
    .offset = MILTER(failure_message), .computed = "failure",
    .words = failure_words,
    .help = "In place of failure if it fails at DATA or the message, or if "
	"its edits cannot be made." },

/* --- its connections --- */
{ .name = "max_idle", .scopes = SCOPE_MILTER, .type = VALUE_COUNT,
    .offset = MILTER(max_idle), .fallback = "10", .max = 10000,
    .help = "Idle connections to the filter that one worker keeps for the "
	"next clients, if the filter can do that. 0: none are kept." },
{ .name = "idle_time", .scopes = SCOPE_MILTER, .type = VALUE_DURATION,
    .offset = MILTER(idle_time), .fallback = "1m",
    .min = MS(100), .max = HOURS(1),
    .help = "How long an idle connection is kept." },
{ .name = "retry_time", .scopes = SCOPE_MILTER, .type = VALUE_DURATION,
    .offset = MILTER(retry_time), .fallback = "30s",
    .min = MS(100), .max = HOURS(1),
    .help = "How long a worker leaves the filter alone after three failures "
	"behind each other: nobody waits for it, and what failure, or the "
	"setting of the stage, says happens at once. Then one session tries "
	"it, and if that fails the time begins anew." },
};

const struct directive_rows directive_milter = {
	rows, sizeof(rows) / sizeof(*rows)
};
