#ifndef CONF_CLAIM_H
#define CONF_CLAIM_H
#include <stddef.h>
#include "base/lexer.h"
#include "conf/reading.h"
/*
 * claim -- names that only one may have, and names that one must have
 *
 * A check collects every use of a name, with its place, and then reports all
 * but the first. What is claimed and reported lives as long as the report.
 */

/* Something that may be there only once, and where it is. Two of the same
 * group may be equal. */
struct claim {
	const char	*what;
	struct place	 at;
	size_t		 group, order;
};
struct claims {
	struct claim	*list;
	size_t		 n;
};

struct claims	 claims_create(struct reading *r, size_t max);
/* No more than `max` in all. */
void		 claim(struct claims *c, const char *what, struct place at,
		    size_t group);
/* Those that are not the first: "x" is already `is_already` at ... */
void		 claims_check(struct reading *r, struct claims *c,
		    const char *is_already);
/* For names that are one to the rules if they differ in case alone. */
const char	*claim_small_letters(struct arena *a, const char *name);
/* There is no `noun` of this name; perhaps one of these n is meant, of which
 * some may be NULL. */
void		 claim_missing(struct reading *r, const char *noun,
		    const char *name, struct place at,
		    const char *const *names, size_t n);
#endif
