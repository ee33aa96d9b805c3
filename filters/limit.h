#ifndef FILTERS_LIMIT_H
#define FILTERS_LIMIT_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/store.h"
/*
 * limit -- how many events of a kind were there in the last while?
 *
 * Time is cut into windows of the length that is asked for, by the civil
 * clock, so that all gateways cut alike. An event counts in the window that it
 * falls into; of the window before, what still lies within the last `window`
 * is guessed as its share of the whole:
 *
 *	number = events of this window + those of the last one * what of it
 *	         lies less than `window` back
 *
 * rounded to the nearest. Exact if events come evenly; never more than all of
 * both windows, never less than those of this one.
 *
 * Local     each event is counted in this process too, and that holds when
 *           there is no store or it fails: nobody begins at 0 only since
 *           Redis was lost. The table is bounded; who comes when its place is
 *           full takes that of the key that was counted least lately.
 * Looking   limit_look() says what the number would be with one more event,
 *           and counts nothing: by the store alone, since what a gateway's
 *           processes counted is theirs.
 * Store     two operations, one if the first fails; keys limit/HASH/WINDOW,
 *           which live for two windows.
 * Yields    as the store does.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop. What the store
 *           failed with is a `problem` of the answer.
 * Never     replies or logs.
 */
#define LIMIT_LOCAL	16384	/* keys: a megabyte */

struct limit_counts;

/* Empty; its table is made with the first event. */
struct limit_counts *limit_counts_create(struct arena *a);

struct limit_answer {
	int64_t		 number;	/* this event included */
	bool		 is_local;	/* of this process alone */
	const char	*problem;	/* of the store; or NULL */
};

/* One more event of `key`, any octets. The store NULL: none is asked.
 * The window is in microseconds, more than 0. */
MAY_YIELD int	 limit_count(struct arena *a, struct limit_counts *counts,
		    struct store *store, struct span key, int64_t window,
		    struct limit_answer *answer, struct err *err);
/* With a `problem` there is no number: 0. */
MAY_YIELD int	 limit_look(struct arena *a, struct store *store,
		    struct span key, int64_t window,
		    struct limit_answer *answer, struct err *err);
#endif
