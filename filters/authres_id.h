#ifndef FILTERS_AUTHRES_ID_H
#define FILTERS_AUTHRES_ID_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * authres_id -- the names that stand for us in Authentication-Results
 *                                                      RFC 8601 2.5 and 5
 *
 * Made once, from the names of the settings (host names, in UTF-8 or as
 * A-labels). A name is ours in any case of its letters, with final dots, as
 * U-labels or A-labels, in the full-width forms that UTS #46 maps to ASCII,
 * and in ISO 8859-1 where it is no UTF-8.
 *
 * Memory    the list lives in the arena given
 */
#define AUTHRES_ID_MAX 1020	/* octets of a name: IDN_LONGEST */

struct authres_ids {
	const char	**names;	/* A-labels, lower case */
	size_t		  n;
};

struct authres_ids authres_ids_make(struct arena *a, const char *const *names,
	    size_t n);
/* `a` is for work only; ASCII names need none. */
bool	authres_id_is_ours(struct arena *a, const struct authres_ids *ids,
	    struct span name);
#endif
