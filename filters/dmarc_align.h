#ifndef FILTERS_DMARC_ALIGN_H
#define FILTERS_DMARC_ALIGN_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "filters/dmarc_walk.h"
/*
 * dmarc_align -- which authenticated identifiers belong to the author domain
 *                                                RFC 9989 3.2.10 and 4.10.2
 *
 * Strict: the same name. Relaxed: the same organizational domain, for which
 * the identifier's own walk is made, unless it is the author domain or not
 * within the author's organizational domain (which is above each of its own).
 *
 * Yields    for the walks of all of them at once, until the deadline.
 * Memory    in the arena given; what is learnt of names, in that of `known`.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Limits    the first DMARC_IDENTIFIERS.
 */
#define DMARC_IDENTIFIERS	16	/* SPF and the DKIM signatures that are
					   looked at (10) */

enum dmarc_method { DMARC_SPF, DMARC_DKIM };
enum dmarc_outcome { DMARC_ID_FAIL, DMARC_ID_PASS, DMARC_ID_TEMPERROR };

/* What SPF or one DKIM signature says. SPF: the domain of MAIL FROM, of HELO
 * for the null sender; DKIM: d=. */
struct dmarc_identifier {
	enum dmarc_method	 method;
	enum dmarc_outcome	 outcome;
	const char		*domain;	/* lower case, A-labels; NULL:
						   no name, never aligned */
};

struct dmarc_aligned {
	struct dmarc_identifier	*ids;
	size_t			 n;
	bool			 by_spf, by_dkim;
	/* DNS failed here, so that for one it is not known; NULL: for none. */
	const struct dmarc_name	*failed;
};

/* Looks at the identifiers with this outcome. What was found for the author
 * domain must have a policy. */
MAY_YIELD int	 dmarc_align(struct arena *a, struct dmarc_names *known,
		    const char *author, const struct dmarc_found *found,
		    const struct dmarc_identifier *ids, size_t n,
		    enum dmarc_outcome outcome, int64_t deadline,
		    struct dmarc_aligned *out, struct err *err);
#endif
