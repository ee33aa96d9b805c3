#include "base/store.h"
#include "conf/directive_rows.h"

/* Each list of words is in the order of its enum in settings.h, log.h or
 * tls.h. */
static const char *const yes_words[] = { "no", "yes", NULL };
static const char *const mode_words[] = { "enforce", "observe", NULL };
static const char *const engine_words[] = { "own", "libspf2", NULL };
static const char *const dkim_engine_words[] = {
	"own", "libopendkim", NULL };
static const char *const log_words[] = { "text", "json", NULL };
static const char *const arc_words[] = { "off", "verify", NULL };

static const struct directive rows[] = {
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
    .help = "Where log lines go: stderr, syslog, the path of a file (with a "
	"slash in it), a syslog daemon elsewhere, as "
	"syslog:udp://192.0.2.1:514 or syslog:tcp://192.0.2.1:514 (an address, "
	"no name), or one here by its socket, as syslog:/PATH or, in the form "
	"of RFC 5424, syslog:rfc5424:/dev/log (for daemons that read it "
	"there)." },
{ .name = "log_format", .scopes = SCOPE_TOP, .type = VALUE_CHOICE,
    .offset = TOP(log_format), .fallback = "text", .words = log_words,
    .effect = EFFECT_RESTART,
    .help = "How log lines are written. text: for people, with key=value; "
	"json: each line is a JSON object." },
{ .name = "log_delay", .scopes = SCOPE_TOP, .type = VALUE_DURATION,
    .offset = TOP(log_delay), .fallback = "50ms", .max = SECONDS(1),
    .help = "How long lines of a worker may wait to be written together, in "
	"memory that outlives the worker. 0: the line of a mail is written "
	"before its client has the last reply." },
{ .name = "control", .scopes = SCOPE_TOP, .type = VALUE_PATH,
    .offset = TOP(control), .fallback = "/run/forepost/control",
    .effect = EFFECT_RESTART,
    .help = "The path of the socket over which forepost status, stats, "
	"reload, drain and stop reach the running gateway." },
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
{ .name = "max_sessions_per_client", .scopes = SCOPE_TOP,
    .type = VALUE_COUNT, .offset = TOP(max_sessions_per_client),
    .fallback = "0", .max = 1000000,
    .help = "Sessions that all workers together serve at once for one client: "
	"an IPv4 address, or the /64 of an IPv6 address, in which one host has "
	"as many addresses as it likes. More are told 421. 0: no limit but "
	"that of its network." },
{ .name = "max_sessions_per_network", .scopes = SCOPE_TOP,
    .type = VALUE_COUNT, .offset = TOP(max_sessions_per_network),
    .fallback = "100", .max = 1000000,
    .help = "Sessions that all workers together serve at once for one "
	"network: the /24 of an IPv4 address, the /64 of an IPv6 address. "
	"More are told 421. A client that has left counts until what was "
	"looked up for it has been answered. 0: no limit." },
{ .name = "max_sessions_per_site", .scopes = SCOPE_TOP,
    .type = VALUE_COUNT, .offset = TOP(max_sessions_per_site),
    .computed = "five times max_sessions_per_network", .max = 5000000,
    .help = "Sessions that all workers together serve at once for one site: "
	"the /24 of an IPv4 address, the /48 of an IPv6 address. A customer "
	"of an IPv6 provider often has a /48 and so 65,536 networks; so does "
	"a large sender. More are told 421. 0: no limit." },
{ .name = "stress_at", .scopes = SCOPE_TOP, .type = VALUE_PERCENT,
    .offset = TOP(stress_at), .fallback = "80%", .min = 1, .max = 100,
    .help = "The share of max_sessions above which a worker counts as "
	"stressed: stress_command_timeout and stress_data_timeout hold "
	"then, and it takes no more than a quarter of the sessions that "
	"max_sessions_per_client, max_sessions_per_network and "
	"max_sessions_per_site allow." },

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
    .help = "The name of the backend that takes the mail that rules or milters "
	"put into quarantine. none: such mail goes to its own backend. In both cases "
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

/* --- store block --- */
{ .name = "address", .scopes = SCOPE_STORE, .type = VALUE_STORE,
    .offset = TOP(store), .fallback = "none", .none = "none",
    .help = "Where the gateway remembers what must outlast a session, for "
	"greylisting, limits and who has got a mail: lmdb:/path is a folder of "
	"this machine that all workers share, redis://host:port or redis:unix:/path a "
	"Redis server that several gateways share, with /N behind the port "
	"or ?db=N behind the path for its database N. none: rules that say "
	"greylist or limit cannot be used, and what some recipients of a "
	"mail did not take may be delivered to the others twice." },
{ .name = "user", .scopes = SCOPE_STORE, .type = VALUE_NAME,
    .offset = TOP(store_user), .fallback = "none", .none = "none",
    .help = "The user to be with Redis (its ACL). none: the default one." },
{ .name = "password_file", .scopes = SCOPE_STORE, .type = VALUE_PATH,
    .offset = TOP(store_password_file), .fallback = "none", .none = "none",
    .help = "A file whose first line is the password for Redis. It is read "
	"before the workers give up the rights of whoever starts them, so "
	"that root alone may be able to read it." },
{ .name = "prefix", .scopes = SCOPE_STORE, .type = VALUE_NAME,
    .offset = TOP(store_prefix), .fallback = "forepost:",
    .help = "What all keys in Redis begin with. Gateways that shall know of "
	"each other have the same one." },
{ .name = "timeout", .scopes = SCOPE_STORE, .type = VALUE_DURATION,
    .offset = TOP(store_timeout), .fallback = "500ms",
    .min = MS(10), .max = SECONDS(30),
    .help = "How long one question to Redis may take. After three in a row "
	"that got no answer nobody waits for it until it answers again." },
{ .name = "cache", .scopes = SCOPE_STORE, .type = VALUE_DURATION,
    .offset = TOP(store_cache), .fallback = "5s", .max = HOURS(1),
    .help = "How long a worker remembers what a set of rules or a route in "
	"Redis answered, yes and no: so long a change there takes. 0s: it asks "
	"each time." },
{ .name = "size", .scopes = SCOPE_STORE, .type = VALUE_SIZE,
    .offset = TOP(store_size), .fallback = "1G",
    .min = STORE_SIZE_MIN, .max = 32 * GIB,
    .help = "How much the records of LMDB may take. Its file is larger by what "
	"changed within the last seconds: by half of this at most, or "
	"256 MiB. It is in memory that the workers share as far as it is in "
	"use. A full store takes nothing new until something in it has "
	"expired." },
{ .name = "connections", .scopes = SCOPE_STORE, .type = VALUE_COUNT,
    .offset = TOP(store_connections), .fallback = "2",
    .min = 1, .max = STORE_CONNECTIONS_MAX,
    .help = "Connections to Redis of one worker. Each carries any number of "
	"questions at once." },

{ .name = "delivery_memory", .scopes = SCOPE_STORE, .type = VALUE_DURATION,
    .offset = TOP(delivery_memory), .fallback = "5d", .max = HOURS(24 * 30),
    .help = "How long it is remembered who has got a mail that others did not "
	"get, so that it is not delivered twice when it comes again; of a mail "
	"that all got, a day at most. As long as senders go on trying. 0s: not "
	"at all." },

/* --- greylist block --- */
{ .name = "delay", .scopes = SCOPE_GREYLIST, .type = VALUE_DURATION,
    .offset = TOP(greylist_delay), .fallback = "5m",
    .min = SECONDS(1), .max = HOURS(24),
    .help = "How long after its first attempt a mail is deferred." },
{ .name = "window", .scopes = SCOPE_GREYLIST, .type = VALUE_DURATION,
    .offset = TOP(greylist_window), .fallback = "2d",
    .min = MINUTES(1), .max = HOURS(24) * 30,
    .help = "How long after its first attempt a mail is waited for. Who comes "
	"later begins anew." },
{ .name = "memory", .scopes = SCOPE_GREYLIST, .type = VALUE_DURATION,
    .offset = TOP(greylist_memory), .fallback = "36d",
    .min = HOURS(1), .max = HOURS(24) * 366,
    .help = "How long who has passed is remembered, from the last mail on." },
{ .name = "passes", .scopes = SCOPE_GREYLIST, .type = VALUE_COUNT,
    .offset = TOP(greylist_passes), .fallback = "5",
    .max = 1000,
    .help = "How often a sender must have passed for its further mails, "
	"to whomever, not to be deferred any more. 0: each mail is looked "
	"at for itself." },
};

const struct directive_rows directive_gateway = {
	rows, sizeof(rows) / sizeof(*rows)
};
