#ifndef POLICY_AUTHOR_H
#define POLICY_AUTHOR_H
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
#include "policy/fields.h"
/*
 * author -- whose name a message bears: the domains of its From field
 *                                  RFC 5322 3.6.2, RFC 9989 5.3.1 and 11.5
 *
 * There is one author domain when there is one From field, it is well formed
 * (mailbox.h says what passes for that) and all its addresses have the same
 * domain. Everything else has a fault: no field, several fields, several
 * domains, an address literal, text that can be read in two ways. Whoever
 * asks "who wrote this" looks at `domain`; `domains` are all that a reader of
 * the mail might take for it, those of a malformed field too.
 *
 * Names     lower case, A-labels, no final dot.
 * Memory    the names and the fault live in the arena given.
 * Limits    AUTHOR_ADDRESSES are read in all, AUTHOR_CONVERTED of them at
 *           domains in UTF-8, and AUTHOR_DOMAINS different domains kept: a
 *           From with more of one has a fault.
 */
#define AUTHOR_ADDRESSES	100	/* real ones have 1 to 3 */
#define AUTHOR_CONVERTED	10	/* each costs up to 0.1 ms */
#define AUTHOR_DOMAINS		4	/* each costs DMARC up to 9 lookups */

struct author {
	const char	*domain;	/* NULL: there is a fault */
	const char	*fault;		/* for people; NULL: there is none */
	size_t		 nfields;
	size_t		 naddresses;	/* not more than AUTHOR_ADDRESSES */
	size_t		 nconverted;	/* domains in UTF-8 that were met */
	size_t		 ndomains;
	const char	*domains[AUTHOR_DOMAINS];
};

/* Of the values of all From fields. */
void	author_parse(struct arena *a, const struct span *fields, size_t n,
	    struct author *out);
/* Of the message header. A line that is no field but that a reader could take
 * for a From (" From: x" as the first one) counts as a field too. */
void	author_find(struct arena *a, const struct fields *header,
	    struct author *out);
#endif
