#ifndef GATEWAY_WATCH_SAMPLE_H
#define GATEWAY_WATCH_SAMPLE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/histogram.h"
#include "base/span.h"
/*
 * watch_sample -- what a gateway tells of itself (stats_json.h), read
 *
 * Memory    all of it is in the arena; spans that had no escapes lie in the
 *           text, which has to live as long.
 * Errors    ERR_SYNTAX: not JSON. What is not known is left out.
 * Limits    WATCH_ROWS of each kind, more are left out: labels are bounded by
 *           the gateway, which may be another version.
 */
#define WATCH_ROWS	4096
#define WATCH_LABELS	3

struct watch_row {
	struct span	name;		/* of the series: "rule_hits" */
	bool		is_plain;	/* a counter of the whole gateway: these
					   have names of series too */
	struct span	labels[WATCH_LABELS];
	size_t		nlabels;
	int64_t		value;		/* of a histogram the count */
	int64_t		buckets[HISTOGRAM_BUCKETS];
};

/* Something that the gateway talks to, over all workers. */
struct watch_thing {
	const char	*kind;		/* "backend", "list" */
	struct span	name, address;
	size_t		n, good;	/* workers that know it; to whom it is up */
	struct span	state, why;	/* to one that has trouble with it */
};

struct watch_sample {
	int64_t		 taken;		/* clock_now(), the reader's */
	struct span	 version, time, state, hostname;
	int64_t		 up, generation;
	size_t		 workers;
	struct watch_row *rows;
	size_t		 nrows;
	struct watch_thing *things;
	size_t		 nthings;
};

int	watch_sample_read(struct arena *a, struct span json,
	    struct watch_sample *out, struct err *err);
/* A counter or gauge of the whole gateway. */
int64_t	watch_sample_plain(const struct watch_sample *s, const char *name);
/* The sum over all rows of a series. */
int64_t	watch_sample_sum(const struct watch_sample *s, const char *name);
/* Over those whose label number `label` is `text`. */
int64_t	watch_sample_of(const struct watch_sample *s, const char *name,
	    size_t label, struct span text);
#endif
