#ifndef BASE_DNS_H
#define BASE_DNS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/histogram.h"
#include "base/span.h"
/*
 * dns -- lookups that wait in a fiber, over one libunbound context
 *
 * Every lookup ends in one of four outcomes. A failure of DNS (timeout,
 * SERVFAIL, bogus DNSSEC, too many lookups under way) is DNS_FAIL, a result,
 * not an error: callers turn it into a temporary error, never into "none".
 *
 * Names     as text, each octet standing for itself: no escapes, a final dot
 *           is allowed. Non-ASCII names are the caller's to turn into
 *           A-labels. Names in answers are escaped (dns_name.h), so one that
 *           holds a backslash is no host name and cannot be asked for.
 * Yields    unless the answer is cached; at most until the deadline.
 * Memory    the answer lives in the arena given.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Deadline  a lookup that passes it is given up: DNS_FAIL, why "timeout".
 *           The resolver may go on with it for itself for some 10 s, or 30 s
 *           where servers are silent over TCP.
 * Limits    DNS_MOST_WAITING lookups in a process that somebody waits for,
 *           DNS_MOST with those given up (each is a socket and some 15 KB in
 *           libunbound); more are DNS_FAIL, "overload", except those that the
 *           cache answers. (A thousand sessions with the lookups of a mail
 *           each, all to silent servers, leave room for others.)
 * Tests     tests/fake/dns.c answers from a text zone (dns_zone.h) instead.
 */
#define DNS_MOST_WAITING	6000
#define DNS_MOST		8000

enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6,
    DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };

enum dns_outcome { DNS_OK, DNS_NXDOMAIN, DNS_NODATA, DNS_FAIL };

struct dns_record {
	uint32_t	 ttl;
	uint16_t	 preference;	/* MX */
	struct span	 data;		/* A, AAAA: 4 or 16 octets; TXT: the
					   strings joined; TLSA: raw */
	const char	*name;		/* PTR, MX, NS, CNAME: presentation
					   form, lower case, no final dot;
					   "" is the root (null MX) */
};
struct dns_answer {
	enum dns_outcome	 outcome;
	const char		*why;	/* of DNS_FAIL: "timeout", "servfail",
					   "bogus", "overload", "bad name",
					   "malformed" */
	bool			 secure;	/* DNSSEC validated */
	uint32_t		 ttl;		/* least of the chain; of a
						   negative answer by RFC 2308;
						   0 of a failure */
	size_t			 n;
	struct dns_record	*records;
};

struct dns_options {
	const char *const	*forward;	/* "192.0.2.1", "192.0.2.1:53",
						   "[2001:db8::1]:53";
						   NULL: recurse */
	size_t			 nforward;
	const char		*trust_anchor;	/* file; NULL: no validation */
	const char		*hosts;		/* a text zone (dns_zone.h): for
						   tests/fake/dns.c only */
};

/* One context in a process, made after fork and on the main stack (the first
 * lookup, done here, needs 200 KB of it), before the process locks itself in.
 * Errors: ERR_CONFIG, naming the forwarder or the anchor's file. Nobody may
 * wait for a lookup when it is destroyed. */
int		 dns_create(const struct dns_options *options,
		    struct err *err);
void		 dns_destroy(void);

MAY_YIELD int	 dns_lookup(struct arena *a, const char *name,
		    enum dns_type type, int64_t deadline,
		    struct dns_answer *answer, struct err *err);
/* Several questions at once, each with an answer of its own; in the time of
 * the slowest. */
struct dns_query {
	const char		*name;
	enum dns_type		 type;
	struct dns_answer	 answer;
	int64_t			 us;	/* that it took */
};
MAY_YIELD int	 dns_lookup_all(struct arena *a, struct dns_query *queries,
		    size_t n, int64_t deadline, struct err *err);
/* Begins a lookup that nobody waits for yet: one that is made soon after
 * finds the answer in the cache or on its way. Never yields, never fails. */
void		 dns_prefetch(const char *name, enum dns_type type);
/* All addresses of a host name, A and AAAA at once; port is filled in. The
 * IPv4 ones come first. An address in place of the name is itself. The answer
 * is DNS_OK when there is any address, and holds the records of both types. */
MAY_YIELD int	 dns_addresses(struct arena *a, const char *host, int port,
		    int64_t deadline, struct addr **addrs, size_t *n,
		    struct dns_answer *answer, struct err *err);
struct addr	 dns_record_addr(const struct dns_record *record, int port);
/* The name that an address points to and that points back (FCrDNS), of the
 * first DNS_REVERSE_NAMES that it points to, by the alphabet (RFC 8601 3 wants
 * a limit); for a MISMATCH the first. They are asked for at once: two round
 * trips. */
#define DNS_REVERSE_NAMES	10
enum dns_reverse { DNS_REVERSE_NONE, DNS_REVERSE_OK, DNS_REVERSE_MISMATCH,
    DNS_REVERSE_TEMPERROR };
MAY_YIELD int	 dns_reverse_name(struct arena *a, const struct addr *ip,
		    int64_t deadline, enum dns_reverse *result,
		    const char **name,	/* OK, MISMATCH: the name; else NULL */
		    struct err *err);
const char	*dns_outcome_name(enum dns_outcome outcome);

/* A, AAAA, MX, PTR, TXT, TLSA, all others */
#define DNS_KINDS	7
/* The four of enum dns_outcome, and a failure that is a timeout. */
#define DNS_TOLD	5
struct dns_kind_stats {
	uint64_t		 told[DNS_TOLD];
	struct histogram	 time;	/* of those not answered at once */
};
struct dns_stats {
	uint64_t asked, cached, failed, timeouts, overload;
	uint64_t ahead;		/* by dns_prefetch(); not in `asked` */
	uint64_t us;		/* total time of those not cached */
	uint64_t failed_at_once;	/* of the failed: nobody was asked, as
					   with servers known to be dead */
	size_t waiting, given_up;	/* now under way; prefetched
					   ones count as given up */
	struct dns_kind_stats	 kinds[DNS_KINDS];
};
void		 dns_statistics(struct dns_stats *out);
/* Of those who answer: a lookup is over. `us` below 0: it took no time. */
void		 dns_count(struct dns_stats *stats, enum dns_type type,
		    const struct dns_answer *answer, int64_t us);
#endif
