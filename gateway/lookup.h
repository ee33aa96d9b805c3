#ifndef GATEWAY_LOOKUP_H
#define GATEWAY_LOOKUP_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/store.h"
/*
 * lookup -- sets and hashes that others keep in Redis, with a short memory
 *
 * Rules ask sets whether they have a member, routes ask a hash for a field;
 * one question of either kind is one operation of the store, whatever it asks
 * for. What was answered, yes or no, holds in this process for as long as
 * `cache` of the settings says (lookup_cache.h): so long a change takes until
 * it is seen.
 *
 * Patience  a client that has waited for Redis in vain is not made to wait for
 *           it again for STOCK_REST: until then it gets what is remembered, or
 *           an error at once. `rests_until` is that client's.
 * Told      a key that Redis will not be asked for (of another type, not
 *           allowed) is logged when that begins and when it ends. That Redis
 *           itself is down is told by gateway/stock.h.
 * Yields    as the store does: within its timeout.
 * Errors    ERR_CLOSED: this fiber must stop. Any other: it is not known.
 */
struct lookup;

struct lookup_options {
	struct store	*store;		/* NULL: nothing is ever known */
	int64_t		 timeout;	/* of one operation */
	int64_t		 cache;		/* 0: nothing is remembered */
	bool		 is_quiet;	/* nothing is logged */
};

/* The store lives as long as the arena. */
struct lookup	*lookup_create(struct arena *a,
		    const struct lookup_options *options);
/* The first of the members that the set has: its number in *which, or n. */
MAY_YIELD int	 lookup_set(struct lookup *l, int64_t *rests_until,
		    struct span key, const struct span *members, size_t n,
		    size_t *which, struct err *err);
/* The same if it is remembered, without asking. */
bool		 lookup_set_known(struct lookup *l, struct span key,
		    const struct span *members, size_t n, size_t *which);
/* values[i].p NULL: there is no such field. They live in the arena. */
MAY_YIELD int	 lookup_hash(struct lookup *l, struct arena *a,
		    int64_t *rests_until, struct span key,
		    const struct span *fields, size_t n, struct span *values,
		    struct err *err);
#endif
