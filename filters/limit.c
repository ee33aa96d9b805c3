#include <assert.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "filters/digest.h"
#include "filters/limit.h"

#define HASH	16		/* octets: two keys never meet */
#define WAYS	8		/* places of one key */
#define SETS	(LIMIT_LOCAL / WAYS)

struct count {
	uint8_t		 hash[HASH];
	int64_t		 window;	/* its number; of the count below */
	int64_t		 used;		/* by clock_now() */
	uint64_t	 now, before;	/* events, and of the window before; now
					   is 0 where nothing is */
};

struct limit_counts {
	struct arena	*arena;
	struct count	*table;		/* NULL: nothing was counted */
};

struct limit_counts *
limit_counts_create(struct arena *a)
{
	struct limit_counts *c = arena_new(a, struct limit_counts);

	c->arena = a;
	return c;
}

/* --- both --- */

struct event {
	uint8_t	 hash[DIGEST_SIZE];
	int64_t	 window;		/* its length */
	int64_t	 number;		/* of the window that it is in */
	int64_t	 gone;			/* of this one */
};

/* A key is for one length of windows only, whoever asks. */
static void
make_event(struct event *e, struct span key, int64_t window)
{
	struct digest *d = digest_begin();
	int64_t now = clock_wall();
	char length[24];

	snprintf(length, sizeof(length), "%" PRId64 " ", window);
	digest_add(d, span_z(length));
	digest_add(d, key);
	digest_end(&d, e->hash);
	e->window = window;
	e->number = now / window;
	e->gone = now % window;
}

static int64_t
estimate(const struct event *e, uint64_t now, uint64_t before)
{
	double share = (double)(e->window - e->gone) / (double)e->window;

	return (int64_t)(now + (uint64_t)((double)before * share + 0.5));
}

/* --- in this process --- */

static struct count *
find(struct limit_counts *c, const struct event *e)
{
	struct count *set, *oldest;
	uint32_t at;

	if (c->table == NULL)
		c->table = arena_new_n(c->arena, LIMIT_LOCAL, struct count);
	memcpy(&at, e->hash + HASH, sizeof(at));
	set = oldest = c->table + at % SETS * WAYS;
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].now > 0 &&
		    memcmp(set[i].hash, e->hash, HASH) == 0)
			return &set[i];
		if (set[i].used < oldest->used)
			oldest = &set[i];
	}
	memset(oldest, 0, sizeof(*oldest));
	memcpy(oldest->hash, e->hash, HASH);
	oldest->window = e->number;
	return oldest;
}

static int64_t
count_here(struct limit_counts *c, const struct event *e)
{
	struct count *count = find(c, e);

	if (count->window != e->number) {
		count->before = count->window == e->number - 1 ?
		    count->now : 0;
		count->now = 0;
		count->window = e->number;
	}
	count->now++;
	count->used = clock_now();
	return estimate(e, count->now, count->before);
}

/* --- in the store --- */

static struct span
key_of(struct arena *a, const struct event *e, int64_t number)
{
	char hex[2 * HASH + 1];

	for (size_t i = 0; i < HASH; i++) {
		hex[2 * i] = "0123456789abcdef"[e->hash[i] >> 4];
		hex[2 * i + 1] = "0123456789abcdef"[e->hash[i] & 15];
	}
	hex[2 * HASH] = '\0';
	return span_z(arena_printf(a, "limit/%s/%" PRId64, hex, number));
}

/* Of a window that nothing was counted in 0. */
static MAY_YIELD int
read_count(struct arena *a, struct store *store, const struct event *e,
    int64_t number, uint64_t *n, struct err *err)
{
	struct span text;

	*n = 0;
	if (store_get(store, a, key_of(a, e, number), &text, err) < 0)
		return -1;
	if (text.p != NULL && span_uint(text, INT64_MAX, n) < 0)
		return err_set(err, ERR_SYNTAX, "what a limit counted is not "
		    "a number");
	return 0;
}

static MAY_YIELD int
count_there(struct arena *a, struct store *store, const struct event *e,
    int64_t *number, struct err *err)
{
	uint64_t before;
	int64_t now;

	if (store_add(store, key_of(a, e, e->number), 1, 2 * e->window, &now,
	    err) < 0 ||
	    read_count(a, store, e, e->number - 1, &before, err) < 0)
		return -1;
	*number = estimate(e, now > 0 ? (uint64_t)now : 0, before);
	return 0;
}

MAY_YIELD int
limit_count(struct arena *a, struct limit_counts *counts,
    struct store *store, struct span key, int64_t window,
    struct limit_answer *answer, struct err *err)
{
	struct event e;

	assert(window > 0);
	make_event(&e, key, window);
	*answer = (struct limit_answer){ .number = count_here(counts, &e),
	    .is_local = true };
	if (store == NULL)
		return 0;
	if (count_there(a, store, &e, &answer->number, err) == 0) {
		answer->is_local = false;
		return 0;
	}
	if (err->kind == ERR_CLOSED)
		return -1;
	answer->problem = arena_strdup(a, err->text);
	return 0;
}

MAY_YIELD int
limit_look(struct arena *a, struct store *store, struct span key,
    int64_t window, struct limit_answer *answer, struct err *err)
{
	uint64_t now, before;
	struct event e;

	assert(window > 0);
	make_event(&e, key, window);
	*answer = (struct limit_answer){ .number = 0 };
	if (read_count(a, store, &e, e.number, &now, err) == 0 &&
	    read_count(a, store, &e, e.number - 1, &before, err) == 0) {
		answer->number = estimate(&e, now + 1, before);
		return 0;
	}
	if (err->kind == ERR_CLOSED)
		return -1;
	answer->problem = arena_strdup(a, err->text);
	return 0;
}
