#include <stdio.h>

#include "base/clock.h"
#include "filters/limit.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

#define MINUTE	(60 * CLOCK_S)
#define HOUR	(60 * MINUTE)

static struct arena	*arena;
static struct store	*store;		/* of all gateways */

static int64_t
count_for(struct limit_counts *gateway, struct store *s, const char *key,
    int64_t window)
{
	struct limit_answer answer;
	struct err err;

	if (limit_count(arena, gateway, s, span_z(key), window, &answer,
	    &err) < 0)
		return -1;
	T_OK("it says who counted", answer.is_local ==
	    (s == NULL || answer.problem != NULL));
	return answer.number;
}

/* To the first moment of the next window. */
static void
next_window(int64_t window)
{
	fake_clock_advance(window - clock_wall() % window);
}

/* The same with a store and without one. */
static void
test_sliding(struct store *s)
{
	struct limit_counts *c = limit_counts_create(arena);

	next_window(HOUR);
	for (int64_t i = 1; i <= 10; i++)
		T_INT("all of one window", count_for(c, s, "a", HOUR), i);
	T_INT("another key", count_for(c, s, "b", HOUR), 1);
	T_INT("another length", count_for(c, s, "a", 2 * HOUR), 1);
	next_window(HOUR);
	fake_clock_advance(MINUTE);
	T_INT("behind its end it still is there", count_for(c, s, "a", HOUR),
	    11);
	fake_clock_advance(HOUR / 2 - MINUTE);
	T_INT("half an hour later half of it", count_for(c, s, "a", HOUR),
	    2 + 5);
	fake_clock_advance(HOUR / 2 - CLOCK_S);
	T_INT("in the end next to nothing", count_for(c, s, "a", HOUR), 3);
	next_window(HOUR);
	T_INT("and the next one slides too", count_for(c, s, "a", HOUR),
	    1 + 3);
	fake_clock_advance(2 * HOUR);
	T_INT("who was away begins anew", count_for(c, s, "a", HOUR), 1);
}

static void
test_gateways(void)
{
	struct limit_counts *one = limit_counts_create(arena);
	struct limit_counts *two = limit_counts_create(arena);

	next_window(MINUTE);
	T_INT("on one", count_for(one, store, "g", MINUTE), 1);
	T_INT("on the other", count_for(two, store, "g", MINUTE), 2);
	T_INT("they add up", count_for(one, store, "g", MINUTE), 3);
}

static void
test_store_fails(void)
{
	struct limit_counts *c = limit_counts_create(arena);
	struct limit_counts *other = limit_counts_create(arena);
	struct limit_answer answer;
	struct err err;

	next_window(MINUTE);
	count_for(other, store, "f", MINUTE);
	T_INT("with the store", count_for(c, store, "f", MINUTE), 2);
	fake_store_fail(1, 1, ERR_TIMEOUT);
	T_INT("without it what is known here", count_for(c, store, "f",
	    MINUTE), 2);
	T_INT("after a failure nothing more is asked",
	    fake_store_operations(), 1);
	fake_store_fail(2, 2, ERR_UNAVAIL);
	T_INT("half an answer is none", count_for(c, store, "f", MINUTE), 3);
	T_INT("it is back", count_for(c, store, "f", MINUTE), 4);
	fake_store_fail(1, 1, ERR_TIMEOUT);
	T_INT("not an error", limit_count(arena, c, store, SPAN_LIT("f"),
	    MINUTE, &answer, &err), 0);
	T_STR("but a problem", answer.problem, "the store fails");
	fake_store_fail(1, 1, ERR_CLOSED);
	T_INT("the session ends", count_for(c, store, "f", MINUTE), -1);
	fake_store_fail(0, 0, ERR_UNAVAIL);
}

static int64_t
look_for(const char *key, const char **problem)
{
	struct limit_answer answer;
	struct err err;

	if (limit_look(arena, store, span_z(key), MINUTE, &answer, &err) < 0)
		return -1;
	*problem = answer.problem;
	return answer.number;
}

static void
test_look(void)
{
	struct limit_counts *c = limit_counts_create(arena);
	const char *problem;

	next_window(MINUTE);
	T_INT("the first would be", look_for("l", &problem), 1);
	T_INT("and still is", look_for("l", &problem), 1);
	T_INT("the first", count_for(c, store, "l", MINUTE), 1);
	count_for(c, store, "l", MINUTE);
	T_INT("the next would be", look_for("l", &problem), 3);
	next_window(MINUTE);
	fake_clock_advance(MINUTE / 2);
	T_INT("half a window later", look_for("l", &problem), 1 + 1);
	T_INT("so it is", count_for(c, store, "l", MINUTE), 1 + 1);
	T_OK("no problem", problem == NULL);
	for (unsigned n = 1; n <= 2; n++) {
		fake_store_fail(n, n, ERR_TIMEOUT);
		T_INT("no number", look_for("l", &problem), 0);
		T_STR("a problem", problem, "the store fails");
	}
	fake_store_fail(1, 1, ERR_CLOSED);
	T_INT("the session ends", look_for("l", &problem), -1);
	fake_store_fail(0, 0, ERR_UNAVAIL);
}

/* No more keys than there is room for are remembered, and the latest are. */
static void
test_bounds(void)
{
	struct limit_counts *c = limit_counts_create(arena);
	size_t before, kept = 0;
	char key[32];

	next_window(HOUR);
	count_for(c, NULL, "first", HOUR);
	before = arena_size(arena);
	for (int i = 0; i < 20 * LIMIT_LOCAL; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		fake_clock_advance(1);
		(void)count_for(c, NULL, key, HOUR);
	}
	T_INT("no more memory than at first", arena_size(arena), before);
	T_INT("who came long ago is forgotten", count_for(c, NULL, "first",
	    HOUR), 1);
	for (int i = 20 * LIMIT_LOCAL - LIMIT_LOCAL / 4;
	    i < 20 * LIMIT_LOCAL; i++) {
		snprintf(key, sizeof(key), "key %d", i);
		kept += count_for(c, NULL, key, HOUR) == 2;
	}
	T_OK("who came lately is not", kept > LIMIT_LOCAL / 4 * 99 / 100);
}

int
main(void)
{
	struct err err;

	arena = arena_create("limit test");
	store = store_open(arena, &(struct store_options){ 0 }, &err);
	test_sliding(store);
	test_sliding(NULL);
	test_gateways();
	test_store_fails();
	test_look();
	test_bounds();
	fake_store_clear();
	arena_destroy(&arena);
	return t_done();
}
