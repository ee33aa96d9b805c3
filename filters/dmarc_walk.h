#ifndef FILTERS_DMARC_WALK_H
#define FILTERS_DMARC_WALK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "filters/dmarc_record.h"
/*
 * dmarc_walk -- the DNS tree walk: which record applies to a domain, and what
 * is its organizational domain                              RFC 9989 4.10
 *
 *	dmarc_walk_names(domain, names)		what may have to be asked
 *	dmarc_names_ask(known, names, n, ...)	asks it, all at once
 *	dmarc_discover(known, domain, &found)	walks over the answers
 *
 * The RFC asks one name after the other and stops at a psd tag; asking all of
 * them at once costs one round trip in place of eight, and what lies beyond
 * the stop is not looked at. A name is asked once for each message.
 *
 * Names     lower case, A-labels, no final dot (base/idn.h).
 * Yields    dmarc_names_ask(), until the deadline.
 * Memory    all in the arena of `struct dmarc_names`.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop. A failure of DNS is
 *           what was found at that name.
 * Limits    DMARC_WALK names for a domain.
 */
#define DMARC_WALK	8	/* RFC 9989 4.10 */

enum dmarc_at { DMARC_NO_RECORD, DMARC_RECORD, DMARC_DNS_FAILED };

struct dmarc_name {
	const char		*domain;	/* without its _dmarc */
	enum dmarc_at		 at;
	struct dmarc_record	 record;
	const char		*text;		/* of the record */
	const char		*why;		/* DNS failed */
	struct dmarc_name	*next;
};
/* What is known: begins as { .arena = a }. */
struct dmarc_names {
	struct arena		*arena;
	struct dmarc_name	*first;
};

struct dmarc_found {
	const struct dmarc_name	*policy;	/* NULL: none, or failed */
	const struct dmarc_name	*failed;	/* DNS failed here */
	bool			 is_own;	/* policy is at the domain */
	const char		*org;		/* NULL: DNS failed on the way */
	const struct dmarc_name	*org_failed;	/* here */
	/* The names that policy discovery considered, in its order. */
	const char		*considered[DMARC_WALK];
	size_t			 nconsidered;
};

/* The domain and the parents that its walk may come to; they point into it.
 * Returns how many. */
size_t		 dmarc_walk_names(const char *domain,
		    const char *names[DMARC_WALK]);
MAY_YIELD int	 dmarc_names_ask(struct dmarc_names *known,
		    const char *const *domains, size_t n, int64_t deadline,
		    struct err *err);
/* Begins the lookups of a domain's walk, for whoever asks soon. */
void		 dmarc_walk_prefetch(const char *domain);
/* 4.10.1 and 4.10.2; all names of the domain's walk must be known. */
void		 dmarc_discover(const struct dmarc_names *known,
		    const char *domain, struct dmarc_found *out);
/* 4.10.2 alone; NULL: DNS failed, and *failed says where. */
const char	*dmarc_org_domain(const struct dmarc_names *known,
		    const char *domain, const struct dmarc_name **failed);
#endif
