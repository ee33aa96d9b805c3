#ifndef FILTERS_SIGNER_H
#define FILTERS_SIGNER_H
#include "base/arena.h"
#include "base/span.h"
/*
 * signer -- the names in d=, s= and i=, and where the key is
 *                                          RFC 6376 3.5 and 3.6.2.1, 8616 5
 *
 * Labels of letters, digits, "-" and "_" (which names of keys really have),
 * without a dot at the end. U-labels become A-labels; all in lower case.
 *
 * Memory    names live in the arena given.
 */

/* NULL: it is no such name. */
const char	*signer_name(struct arena *a, struct span value);
/* The name of the key record; NULL: too long for DNS. */
const char	*signer_key(struct arena *a, const char *selector,
		    const char *domain);
#endif
