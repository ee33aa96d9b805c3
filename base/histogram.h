#ifndef BASE_HISTOGRAM_H
#define BASE_HISTOGRAM_H
#include <stddef.h>
#include <stdint.h>
/*
 * histogram -- how long things took: how often each of some bounds was kept,
 * and all of it together
 *
 * Bucket i has the times of at most 128 us * 2^i that no bucket before it has;
 * the last one, of 537 s, has what is longer as well. There is no count beside
 * the buckets: it is their sum, so that whoever reads one that is being written
 * has buckets and count that agree.
 *
 * Here for the layers that know no statistics (gateway/series.h has the same
 * buckets in memory that is shared): they keep one in what they count, and who
 * collects that takes what came since the last time.
 *
 * Limits    a time below 0 counts as 0.
 */
#define HISTOGRAM_BUCKETS	23
#define HISTOGRAM_FIRST		128	/* us */

/* The sum stands beside the bucket that most times are in: they mostly share a
 * line of the cache. */
struct histogram {
	uint64_t sum;			/* us */
	uint64_t buckets[HISTOGRAM_BUCKETS];
};

/* 0 to HISTOGRAM_BUCKETS - 1. */
static inline size_t
histogram_bucket(int64_t us)
{
	uint64_t above;
	size_t i;

	if (us <= HISTOGRAM_FIRST)
		return 0;
	above = (uint64_t)(us - 1) / HISTOGRAM_FIRST;	/* bounds belong to
							   their bucket */
	i = 64 - (size_t)__builtin_clzll(above);
	return i < HISTOGRAM_BUCKETS ? i : HISTOGRAM_BUCKETS - 1;
}

static inline void
histogram_add(struct histogram *h, int64_t us)
{
	h->buckets[histogram_bucket(us)]++;
	if (us > 0)
		h->sum += (uint64_t)us;
}

static inline uint64_t
histogram_count(const struct histogram *h)
{
	uint64_t n = 0;

	for (size_t i = 0; i < HISTOGRAM_BUCKETS; i++)
		n += h->buckets[i];
	return n;
}
#endif
