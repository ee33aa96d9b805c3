#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/store.h"
#include "base/store_internal.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

#define HOUR	(3600 * CLOCK_S)

/* What every kind of store does, here with an LMDB. Time is a fake's. */
static char folder[64];
static struct arena *arena;
static struct store *store;

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

static void
begin(void)
{
	struct store_options options = {
		.kind = STORE_LMDB, .path = folder, .size = STORE_SIZE_MIN
	};
	struct err err;

	strcpy(folder, "/tmp/store_test.XXXXXX");
	if (mkdtemp(folder) == NULL)
		abort();
	arena = arena_create("test");
	store = store_open(arena, &options, &err);
	if (store == NULL) {
		printf("%s\n", err.text);
		abort();
	}
}

static void
end(void)
{
	store_stop(store);
	while (fiber_count() > 0)
		loop_turn(false);
	arena_destroy(&arena);
	nftw(folder, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

/* --- one operation after another --- */

enum verb { GET, PUT, CLAIM, ADD, DELETE, WAIT };

static const struct step {
	const char	*name;
	enum verb	 verb;
	const char	*key, *value;	/* ADD: a number */
	int64_t		 life;		/* WAIT: how long */
	const char	*want;		/* GET, CLAIM: what is there; ADD: the
					   sum; DELETE: yes, no */
} steps[] = {
	{ "nothing is there", GET, "a", NULL, 0, "-" },
	{ "a claim wins", CLAIM, "a", "1", HOUR, "-" },
	{ "the next does not", CLAIM, "a", "2", HOUR, "1" },
	{ "and has changed nothing", GET, "a", NULL, 0, "1" },
	{ "put replaces", PUT, "a", "3", HOUR, "ok" },
	{ "and is found", GET, "a", NULL, 0, "3" },
	{ "another key is another", GET, "ab", NULL, 0, "-" },
	{ "before the end of its life", WAIT, NULL, NULL, HOUR - 1, NULL },
	{ "it is there", GET, "a", NULL, 0, "3" },
	{ "at the end of the second", WAIT, NULL, NULL, CLOCK_S, NULL },
	{ "it is not", GET, "a", NULL, 0, "-" },
	{ "nor can it be deleted", DELETE, "a", NULL, 0, "no" },
	{ "and can be claimed", CLAIM, "a", "4", CLOCK_S, "-" },
	{ "deleted", DELETE, "a", NULL, 0, "yes" },
	{ "is gone", GET, "a", NULL, 0, "-" },
	{ "once", DELETE, "a", NULL, 0, "no" },
	{ "an empty value", CLAIM, "e", "", HOUR, "-" },
	{ "is there", CLAIM, "e", "x", HOUR, "" },
	{ "as such", GET, "e", NULL, 0, "" },
	{ "a number begins", ADD, "n", "5", 10 * CLOCK_S, "5" },
	{ "and grows", ADD, "n", "-7", HOUR, "-2" },
	{ "its text", GET, "n", NULL, 0, "-2" },
	{ "later", WAIT, NULL, NULL, 9 * CLOCK_S, NULL },
	{ "it lives", ADD, "n", "3", HOUR, "1" },
	{ "by its first life", WAIT, NULL, NULL, 3 * CLOCK_S, NULL },
	{ "then it begins anew", ADD, "n", "3", HOUR, "3" },
	{ "text", PUT, "t", "12x", HOUR, "ok" },
	{ "is no number", ADD, "t", "1", HOUR,
	    "configuration: what is to be added to is not a number" },
	{ "the largest", PUT, "m", "9223372036854775807", HOUR, "ok" },
	{ "nothing more", ADD, "m", "0", HOUR, "9223372036854775807" },
	{ "does not wrap", ADD, "m", "1", HOUR,
	    "configuration: the sum is too large" },
	{ "less", ADD, "m", "-9223372036854775807", HOUR, "0" },
	{ "a fraction of a second", PUT, "f", "1", 1, "ok" },
	{ "is a second", WAIT, NULL, NULL, CLOCK_S - 1, NULL },
	{ "at least", GET, "f", NULL, 0, "1" },
	{ "or two", WAIT, NULL, NULL, CLOCK_S, NULL },
	{ "at most", GET, "f", NULL, 0, "-" },
	{ "longer than the clock", PUT, "l", "1", INT64_MAX, "ok" },
	{ "it goes back", WAIT, NULL, NULL, -HOUR, NULL },
	{ "and what was there is", GET, "l", NULL, 0, "1" },
};

static const char *
print(struct span value)
{
	return value.p == NULL ? "-" : arena_copy(arena, value);
}

static const char *
do_step(const struct step *step)
{
	struct span key = span_z(step->key), value = span_z(step->value);
	struct span found;
	struct err err;
	bool was_there;
	int64_t sum;
	int ret = 0;

	switch (step->verb) {
	case WAIT:
		fake_clock_advance(step->life);
		return NULL;
	case GET:
		if ((ret = store_get(store, arena, key, &found, &err)) == 0)
			return print(found);
		break;
	case PUT:
		ret = store_put(store, key, value, step->life, &err);
		if (ret == 0)
			return "ok";
		break;
	case CLAIM:
		ret = store_claim(store, arena, key, value, step->life,
		    &found, &err);
		if (ret == 0)
			return print(found);
		break;
	case ADD:
		ret = store_add(store, key, atoll(step->value), step->life,
		    &sum, &err);
		if (ret == 0)
			return arena_printf(arena, "%jd", (intmax_t)sum);
		break;
	case DELETE:
		ret = store_delete(store, key, &was_there, &err);
		if (ret == 0)
			return was_there ? "yes" : "no";
		break;
	}
	return arena_printf(arena, "%s: %s", err_kind_name(err.kind),
	    strstr(err.text, ": ") + 2);
}

static void
test_steps(void)
{
	begin();
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++) {
		const char *got = do_step(&steps[i]);

		if (steps[i].verb != WAIT)
			T_STR(steps[i].name, got, steps[i].want);
	}
	end();
}

int
main(void)
{
	loop_create();
	test_steps();
	loop_destroy();
	return t_done();
}
