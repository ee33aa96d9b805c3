#ifndef CONF_SETTINGS_H
#define CONF_SETTINGS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/log.h"
#include "base/store.h"
#include "base/tls.h"
#include "conf/listing.h"
/*
 * settings -- the immutable result of reading forepost.conf
 *
 * Made by conf/load.c, checked by conf/check.c, never written afterwards.
 * Reload makes a new one; workers of the old one keep theirs until they leave.
 * Names are those of the table in conf/directive.c, which says what each
 * means. Times are microseconds, sizes octets.
 */
struct names {			/* a list of strings */
	const char	**list;
	size_t		  n;
};
struct networks {
	struct network	*list;
	size_t		 n;
};

enum tls_mode { TLS_MODE_NONE, TLS_MODE_OFFER, TLS_MODE_REQUIRE,
    TLS_MODE_IMPLICIT };
enum violation { VIOLATION_NOTE, VIOLATION_DROP };

/* What a listener's sessions obey. May be set at top level, where it is the
 * default of every listener, or in a listener. */
struct smtp_conf {
	uint64_t	 max_message_size;
	uint64_t	 max_recipients;
	uint64_t	 max_errors;
	uint64_t	 max_unknown_commands;
	uint64_t	 max_command_line;
	uint64_t	 max_header_size;
	uint64_t	 max_header_fields;
	uint64_t	 max_received;		/* hops */
	uint64_t	 max_mails;		/* a session; LIMITS MAILMAX */
	int64_t		 command_timeout;	/* for one whole command line */
	int64_t		 data_timeout;		/* between two reads of data */
	uint64_t	 min_data_rate;		/* octets/s, after data_timeout */
	int64_t		 stress_command_timeout;
	int64_t		 stress_data_timeout;
	int64_t		 greeting_delay;	/* early-talker wait */
	enum violation	 early_talker;
	enum violation	 early_pipelining;
	bool		 bare_newline_normalize;
	struct networks	 bare_newline_networks;	/* normalize only for these */
	struct names	 advertise;	/* empty: what the backends can do */
	enum tls_mode	 tls;
	struct names	 certificates;	/* the n-th belongs to the n-th key */
	struct names	 keys;
	enum tls_client_certs tls_client_certs;
	const char	*tls_client_ca;
	struct networks	 proxy_protocol;	/* trusted load balancers */
	struct networks	 xclient;		/* trusted to say XCLIENT */
	struct networks	 unchecked;	/* whose mail is not looked at */
	bool		 reject_at_connect;	/* not at RCPT */
};

struct listener_conf {
	const char	*name;
	struct names	 address_text;
	struct addr	*addresses;
	size_t		 naddresses;
	/* "systemd:NAME" addresses: sockets passed by LISTEN_FDS */
	struct names	 systemd;
	struct smtp_conf smtp;
};

enum backend_proto { PROTO_SMTP, PROTO_LMTP, PROTO_MAILDIR };
enum backend_tls { BACKEND_TLS_NONE, BACKEND_TLS_OPPORTUNISTIC,
    BACKEND_TLS_REQUIRE, BACKEND_TLS_VERIFY };
enum client_info { CLIENT_INFO_NONE, CLIENT_INFO_AUTO, CLIENT_INFO_XCLIENT,
    CLIENT_INFO_XFORWARD };

/* One "address": smtp://host:25, smtps://host:465, lmtp://host:24,
 * lmtp://unix:/path, maildir:/path, each with ?weight=N. */
struct backend_url {
	const char	*text;
	enum backend_proto proto;
	bool		 implicit_tls;
	const char	*host;		/* to look up; NULL: addr is known */
	int		 port;
	struct addr	 addr;
	const char	*path;		/* maildir */
	unsigned	 weight;	/* 1-100, default 1 */
};
struct backend_conf {
	const char	*name;
	struct backend_url *urls;
	size_t		 nurls;
	enum backend_tls tls;
	const char	*tls_ca;
	const char	*tls_name;
	const char	*tls_fingerprint;
	enum client_info client_info;
	const char	*helo;		/* NULL: hostname */
	int64_t		 connect_timeout;
	int64_t		 reply_timeout;	/* one command */
	int64_t		 data_timeout;	/* the reply after the message */
	uint64_t	 max_connections;	/* a worker; 0: no limit */
	uint64_t	 max_idle;		/* kept open, a worker */
	int64_t		 idle_time;
	uint64_t	 max_uses;		/* mails over one connection */
	int64_t		 max_age;
	int64_t		 probe_interval;
	int64_t		 retry_time;	/* a failed address rests so long */
};

struct route_conf {
	struct names	 domains;	/* "a.example", ".a.example", "*" */
	struct names	 recipients;	/* "u@a.example", "u@" */
	const char	*redis;		/* key of a hash, which has the rest;
					   or NULL */
	const char	*backend_name;
	size_t		 backend;	/* index into settings.backends */
};

struct dnsbl_conf {
	struct dnsbl_list list;
	uint64_t	 max_share;	/* list.max_share, as it is read */
};

/*
 * A filter that speaks the milter protocol, and when it is asked. The order of
 * the filters is that of the file.
 */
enum milter_failure { MILTER_ACCEPT, MILTER_TEMPFAIL, MILTER_REJECT,
    MILTER_SHUTDOWN };
enum milter_when { MILTER_ALWAYS, MILTER_BY_RULES };
enum milter_tell { MILTER_AT_RCPT, MILTER_AT_CONNECT };
enum milter_login { MILTER_LOGIN_ANY, MILTER_LOGIN_YES, MILTER_LOGIN_NO };

/* unix:/path, inet:host:port, inet6:[2001:db8::1]:port, and sendmail's
 * local:/path, inet:port@host and inet6:port@host; host:port alone. */
struct milter_url {
	const char	*text;
	const char	*host;		/* to look up; NULL: addr is known */
	int		 port;
	struct addr	 addr;
};
struct milter_conf {
	const char	*name;
	struct milter_url address;
	enum milter_when when;
	enum milter_tell tell_at;
	enum milter_login authenticated;
	struct names	 listeners;	/* empty: all */
	struct networks	 networks;	/* empty: all */
	struct networks	 except;
	int64_t		 connect_timeout;	/* and to agree on options */
	int64_t		 command_timeout;
	int64_t		 body_timeout;	/* each packet of the body */
	int64_t		 end_timeout;	/* the answer to the whole message */
	int64_t		 max_time;	/* a step, or the message */
	enum milter_failure failure;	/* where nothing else is set: */
	enum milter_failure failure_connect;
	enum milter_failure failure_helo;
	enum milter_failure failure_mail;
	enum milter_failure failure_rcpt;
	enum milter_failure failure_message;	/* from DATA on */
	uint64_t	 max_idle;	/* kept open, a worker */
	int64_t		 idle_time;
	int64_t		 retry_time;	/* one that failed rests so long */
};
#define MILTERS_MAX	32		/* a bit for each, in a word */

/* Which rules are asked. */
enum rules_choice { RULES_DEFAULT, RULES_NONE, RULES_FILE };
struct rules_conf {
	enum rules_choice choice;
	const char	*path;		/* of RULES_FILE */
};

/* What is kept beyond a session, and where: lmdb:/folder, redis://host:6379/0,
 * redis:unix:/path?db=0. */
struct store_conf {
	const char	*text;		/* NULL: nowhere */
	enum store_kind	 kind;
	const char	*path;		/* LMDB's folder; Redis's unix socket */
	const char	*host;		/* of Redis, if it has no path */
	int		 port;
	unsigned	 database;
};
/* A TCP address to listen on. */
struct address_conf {
	const char	*text;		/* NULL: none */
	struct addr	 addr;
};

#define STORE_CONNECTIONS_MAX	16	/* to Redis, of a worker */
#define STORE_DATABASE_MAX	16383	/* what Redis can be made to have */

struct settings {
	struct arena	*arena;
	const char	*path;		/* of the file; NULL: embedded */
	const char	*hostname;
	const char	*user;		/* NULL: gateway/identity.c decides */
	const char	*group;
	uint64_t	 workers;	/* 0: auto */
	const char	*log;
	enum log_format	 log_format;
	int64_t		 log_delay;
	const char	*control;	/* path of the control socket */
	const char	*spool;		/* folder */
	uint64_t	 spool_memory;	/* of a worker */
	int64_t		 drain_timeout;
	int64_t		 stop_timeout;	/* after SIGTERM */
	uint64_t	 max_sessions;	/* of each worker */
	/* Of all workers; 0: no limit. */
	uint64_t	 max_sessions_per_client;
	uint64_t	 max_sessions_per_network;
	uint64_t	 max_sessions_per_site;
	uint64_t	 stress_at;	/* percent of max_sessions */
	struct rules_conf rules;
	bool		 observe;	/* rules say what they would do */
	const char	*quarantine_name;
	size_t		 quarantine;	/* index into backends; SIZE_MAX:
					   none, mail goes its own way */
	struct names	 resolver_forward;
	const char	*resolver_trust_anchor;
	int64_t		 resolver_timeout;
	struct dnsbl_conf *lists;
	size_t		 nlists;
	bool		 spf;
	bool		 spf_libspf2;	/* the other engine */
	int64_t		 spf_timeout;	/* of one evaluation */
	bool		 spf_received;	/* add Received-SPF */
	bool		 dkim;
	bool		 dkim_libopendkim;	/* the other engine */
	uint64_t	 dkim_max_signatures;
	bool		 dmarc;
	bool		 arc;
	bool		 authres;
	const char	*authserv_id;
	struct names	 authserv_also;	/* forged ones are removed too */
	struct store_conf store;
	const char	*store_user, *store_password_file;	/* NULL: none */
	const char	*store_prefix;
	int64_t		 store_timeout;	/* of one operation */
	int64_t		 store_cache;	/* of sets and routes; 0: none */
	int64_t		 delivery_memory;	/* 0: there is none */
	uint64_t	 store_size;	/* LMDB */
	uint64_t	 store_connections;
	int64_t		 greylist_delay;
	int64_t		 greylist_window;
	int64_t		 greylist_memory;
	uint64_t	 greylist_passes;
	struct address_conf stats_address;	/* of the HTTP server */
	const char	*stats_token_file;	/* NULL: none */
	const char	*journal_file;		/* NULL: none */
	uint64_t	 journal_max_size;
	uint64_t	 journal_keep;		/* 0: it is not renamed */
	struct names	 journal_hide;	/* "senders", "recipients", "subject" */
	const char	*journal_key_file;	/* NULL: none */
	struct smtp_conf smtp;		/* defaults of the listeners */
	struct listener_conf *listeners;
	size_t		 nlisteners;
	struct backend_conf *backends;
	size_t		 nbackends;
	struct route_conf *routes;
	size_t		 nroutes;
	struct milter_conf *milters;	/* MILTERS_MAX at most */
	size_t		 nmilters;
};
#endif
