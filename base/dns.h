#ifndef BASE_DNS_H
#define BASE_DNS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
/*
 * dns -- lookups that wait in a fiber, over one libunbound context
 *
 * Every lookup ends in one of four outcomes. A failure of DNS (timeout,
 * SERVFAIL, bogus DNSSEC, too many lookups under way) is DNS_FAIL, a result,
 * not an error: callers turn it into a temporary error, never into "none".
 *
 * Yields    unless the answer is cached; at most until the deadline.
 * Memory    the answer lives in the arena given.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Deadline  a lookup that passes it is cancelled; outcome DNS_FAIL, why
 *           "timeout". Nothing is left behind.
 */
enum dns_type { DNS_A = 1, DNS_NS = 2, DNS_CNAME = 5, DNS_SOA = 6,
    DNS_PTR = 12, DNS_MX = 15, DNS_TXT = 16, DNS_AAAA = 28, DNS_TLSA = 52 };

enum dns_outcome { DNS_OK, DNS_NXDOMAIN, DNS_NODATA, DNS_FAIL };

struct dns_record {
	uint32_t	 ttl;
	uint16_t	 preference;	/* MX */
	struct span	 data;		/* A, AAAA: 4 or 16 octets; TXT: the
					   strings joined; TLSA: raw */
	const char	*name;		/* PTR, MX, NS, CNAME: presentation
					   form, lower case, no final dot */
};
struct dns_answer {
	enum dns_outcome	 outcome;
	const char		*why;	/* of DNS_FAIL: "timeout", "servfail",
					   "bogus", "overload", "bad name" */
	bool			 secure;	/* DNSSEC validated */
	uint32_t		 ttl;		/* least of the chain */
	size_t			 n;
	struct dns_record	*records;
};

struct dns_options {
	const char *const	*forward;	/* "192.0.2.1@53"; NULL: recurse */
	size_t			 nforward;
	const char		*trust_anchor;	/* file; NULL: no validation */
	const char		*hosts;		/* NULL, or a text zone: see
						   dns_zone.c (tests only) */
};

/* One context in a process, made after fork and on the main stack (the first
 * lookup, done here, needs 200 KB of it). */
int		 dns_create(const struct dns_options *options,
		    struct err *err);
void		 dns_destroy(void);

MAY_YIELD int	 dns_lookup(struct arena *a, const char *name,
		    enum dns_type type, int64_t deadline,
		    struct dns_answer *answer, struct err *err);
/* All addresses of a host name, A and AAAA at once; port is filled in. */
MAY_YIELD int	 dns_addresses(struct arena *a, const char *host, int port,
		    int64_t deadline, struct addr **addrs, size_t *n,
		    struct dns_answer *answer, struct err *err);
/* The name that an address points to and that points back (FCrDNS). */
enum dns_reverse { DNS_REVERSE_NONE, DNS_REVERSE_OK, DNS_REVERSE_MISMATCH,
    DNS_REVERSE_TEMPERROR };
MAY_YIELD int	 dns_reverse_name(struct arena *a, const struct addr *ip,
		    int64_t deadline, enum dns_reverse *result,
		    const char **name,	/* OK, MISMATCH: the name; else NULL */
		    struct err *err);
const char	*dns_outcome_name(enum dns_outcome outcome);

struct dns_stats {
	uint64_t asked, cached, failed, timeouts, overload;
	uint64_t us;		/* total time of those not cached */
};
void		 dns_statistics(struct dns_stats *out);
#endif
