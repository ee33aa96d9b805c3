#ifndef BASE_STORE_INTERNAL_H
#define BASE_STORE_INTERNAL_H
#include <stdbool.h>
#include <stdint.h>
#include "base/json_write.h"
#include "base/store.h"
/*
 * store_internal -- what base/store.c asks of a kind of store
 *
 * base/store.c keeps the statistics, decides whether the store is up, refuses
 * while it is not, probes, reports, and asserts sizes and lives; a kind
 * carries out one operation, whose arguments hold then. `kind` is what its
 * open() returned.
 *
 * Errors    as base/store.h says them; the text without the store's name,
 *           which store.c puts before it: "no answer in 500 ms", "full".
 *           ERR_CONFIG only for an operation's answer that came: it never
 *           makes a store down. A connection that cannot be had, for the
 *           password too, is ERR_UNAVAIL.
 * Ends      with the arena of open(), behind stop().
 */
struct store_ops {
	/* "redis 127.0.0.1:6379", "lmdb /var/lib/x": for errors and people. */
	const char	*(*name)(const void *kind);
	int		 (*get)(void *kind, struct arena *a, struct span key,
			    struct span *value, struct err *err);
	int		 (*put)(void *kind, struct span key, struct span value,
			    int64_t life, struct err *err);
	int		 (*claim)(void *kind, struct arena *a, struct span key,
			    struct span value, int64_t life, struct span *old,
			    struct err *err);
	int		 (*add)(void *kind, struct span key, int64_t n,
			    int64_t life, int64_t *sum, struct err *err);
	int		 (*drop)(void *kind, struct span key, bool *was_there,
			    struct err *err);
	int		 (*walk)(void *kind, struct span prefix,
			    store_each_fn *each, void *arg, struct err *err);
	/* NULL: there are no other people's keys. */
	int		 (*has_members)(void *kind, struct span set,
			    const struct span *members, size_t n, bool *has,
			    struct err *err);
	int		 (*fields)(void *kind, struct arena *a,
			    struct span hash, const struct span *fields,
			    size_t n, struct span *values, struct err *err);
	/* Does it answer again? Asked by a fiber of store.c's while the store
	 * is down, each STORE_PROBE_EVERY. NULL: operations are never refused
	 * and find out for themselves. */
	int		 (*probe)(void *kind, struct err *err);
	void		 (*stop)(void *kind);	/* NULL: it has no fibers */
	/* More of the line that tells about it: " records=7". NULL: none. */
	void		 (*status)(const void *kind, struct json_out *o);
};

#define STORE_PROBE_EVERY	INT64_C(500000)	/* us, behind the last */

/* Fills in *kind, which may keep no pointer into `options` and counts in
 * `stats` what only it knows. */
const struct store_ops *store_lmdb_open(struct arena *a,
		    const struct store_options *options,
		    struct store_stats *stats, void **kind, struct err *err);
const struct store_ops *store_redis_open(struct arena *a,
		    const struct store_options *options, void **kind,
		    struct err *err);

/* The number that store_add() keeps as text. -1: it is none. */
int		 store_number(struct span text, int64_t *n);
/* What stands before a kind's operations (tests have a kind of their own). */
struct store	*store_create(struct arena *a,
		    const struct store_options *options,
		    const struct store_ops *ops, void *kind,
		    struct store_stats *stats);
#endif
