#ifndef FILTERS_DNSBL_PROBE_H
#define FILTERS_DNSBL_PROBE_H
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "conf/listing.h"
#include "filters/dnsbl_query.h"
/*
 * dnsbl_probe -- is a DNS list in its right mind?                 RFC 5782 5
 *
 * Asks for the test points of one side of the list (if it has them; 127.0.0.2,
 * ::ffff:7f00:2 or TEST must be listed; 127.0.0.1, ::ffff:7f00:1 or INVALID
 * must not, by whatever address) and about the clients or names given, of
 * which it may not list more than `percent`, all at once. Any answer that is
 * an error makes it sick.
 *
 * Yields    DNSBL_PROBE_TIMEOUT at most; nobody waits for it.
 * Memory    the arena given.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 */
#define DNSBL_PROBE_TIMEOUT	(10 * CLOCK_S)
#define DNSBL_PROBE_MOST	16	/* clients or names */

/* What is said of lists in two places. */
#define DNSBL_SAYS_NOTHING	"does not answer (%s)"
#define DNSBL_LISTS_MANY	"lists %u of the last %u asked about"

enum dnsbl_condition { DNSBL_GOOD, DNSBL_SICK, DNSBL_SILENT };
struct dnsbl_finding {
	enum dnsbl_condition	 condition;
	const char		*why;		/* of all but GOOD */
};
MAY_YIELD int	 dnsbl_probe(struct arena *a, const struct dnsbl_list *list,
		    enum dnsbl_side side,
		    const char *const *prefixes, size_t n,
		    unsigned percent, struct dnsbl_finding *found,
		    struct err *err);
#endif
