#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/store.h"
#include "base/store_internal.h"
#include "tests/fake/fake.h"
#include "tests/kit/store_folder.h"
#include "tests/kit/t.h"

#define HOUR	(3600 * CLOCK_S)

/* What every kind of store does, here with an LMDB. Time is a fake's. */
static struct store_folder folder;
static struct arena *arena;
static struct store *store;

static void
begin(void)
{
	store_folder_make(&folder);
	store_folder_open(&folder, STORE_SIZE_MIN);
	arena = folder.arena;
	store = folder.store;
}

static void
end(void)
{
	store_folder_close(&folder);
	store_folder_remove(&folder);
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

/* --- all keys --- */

struct seen {
	struct buf	 text;
	unsigned	 n, most;	/* stops with this many */
	bool		 removes;
};

static bool
see(void *arg, struct span key, struct span value, int64_t left)
{
	struct seen *seen = arg;
	struct err err;
	bool was_there;

	buf_printf(&seen->text, "%.*s=%.*s:%jd ", SPAN_ARG(key),
	    SPAN_ARG(value), (intmax_t)(left / CLOCK_S));
	if (seen->removes && (store_delete(store, key, &was_there,
	    &err) < 0 || !was_there))
		buf_puts(&seen->text, "NOT REMOVED ");
	return ++seen->n < seen->most;
}

static const char *
walk(const char *prefix, unsigned most, bool removes)
{
	struct seen seen = { .most = most, .removes = removes };
	const char *text;
	struct err err;

	if (store_walk(store, span_z(prefix), see, &seen, &err) < 0)
		return "failed";
	text = arena_copy(arena, buf_text(&seen.text));
	buf_free(&seen.text);
	return text;
}

static void
test_walk(void)
{
	struct err err;

	fake_clock_advance(CLOCK_S - clock_wall() % CLOCK_S);
	begin();
	T_STR("nothing", walk("", 9, false), "");
	store_put(store, span_z("a"), span_z("1"), 10 * CLOCK_S, &err);
	store_put(store, span_z("b1"), span_z("2"), 20 * CLOCK_S, &err);
	store_put(store, span_z("b2"), span_z(""), 2 * CLOCK_S, &err);
	store_put(store, span_z("b3"), span_z("4"), 40 * CLOCK_S, &err);
	T_STR("all", walk("", 9, false), "a=1:10 b1=2:20 b2=:2 b3=4:40 ");
	T_STR("some", walk("b", 9, false), "b1=2:20 b2=:2 b3=4:40 ");
	T_STR("one", walk("b3", 9, false), "b3=4:40 ");
	T_STR("none", walk("b4", 9, false), "");
	T_STR("no more than is wanted", walk("b", 1, false), "b1=2:20 ");
	fake_clock_advance(2 * CLOCK_S);
	T_STR("what has ended is not there", walk("b", 9, false),
	    "b1=2:18 b3=4:38 ");
	T_STR("removed on the way", walk("b", 9, true), "b1=2:18 b3=4:38 ");
	T_STR("the rest", walk("", 9, false), "a=1:8 ");
	end();
}

static bool
count_one(void *arg, struct span key, struct span value, int64_t left)
{
	(void)key, (void)value, (void)left;
	++*(unsigned *)arg;
	return true;
}

static void
test_walk_many(void)
{
	enum { MANY = 5000 };
	unsigned n = 0;
	struct err err;
	char key[8];

	begin();
	for (int i = 0; i < MANY; i++) {
		snprintf(key, sizeof(key), "%05d", i);
		store_put(store, span_z(key), span_n(NULL, 0), HOUR, &err);
	}
	T_INT("more than one transaction reads",
	    store_walk(store, span_n(NULL, 0), count_one, &n, &err), 0);
	T_INT("each once", n, MANY);
	end();
}

/* --- sizes --- */

static void
test_sizes(void)
{
	char *key = mem_zalloc(STORE_KEY_MAX, "test");
	char *value = mem_zalloc(STORE_VALUE_MAX, "test");
	struct span k = span_n(key, STORE_KEY_MAX), found;
	struct err err;

	memset(key, 0xff, STORE_KEY_MAX);
	for (size_t i = 0; i < STORE_VALUE_MAX; i++)
		value[i] = (char)(i * 7);
	begin();
	T_INT("the longest key and value", store_claim(store, arena, k,
	    span_n(value, STORE_VALUE_MAX), HOUR, &found, &err), 0);
	T_OK("are there", store_get(store, arena, k, &found, &err) == 0 &&
	    span_eq(found, span_n(value, STORE_VALUE_MAX)));
	T_OK("and not for a shorter key", store_get(store, arena,
	    span_n(key, STORE_KEY_MAX - 1), &found, &err) == 0 &&
	    found.p == NULL);
	end();
	free(key);
	free(value);
}

/* --- what is left of a store that is closed --- */

static void
test_again(void)
{
	struct span found;
	struct err err;

	begin();
	store_put(store, span_z("a"), span_z("1"), HOUR, &err);
	store_folder_close(&folder);
	store_folder_open(&folder, 2 * STORE_SIZE_MIN);
	T_OK("everything", store_get(folder.store, folder.arena, span_z("a"),
	    &found, &err) == 0 && span_is(found, "1"));
	end();
}

/* --- what cannot be opened --- */

enum harm { NONE, NO_PARENT, NO_FOLDER, GARBAGE, FOREIGN, OTHER_VERSION, SHORT_NOTE,
    CUT, SMALL, LARGE };

static const struct {
	const char	*name;
	enum harm	 harm;
	const char	*want;		/* behind the folder */
} harms[] = {
	{ "a folder that is not there is made", NONE, NULL },
	{ "its parent is not", NO_PARENT,
	    "unavailable: /none/store: No such file or directory" },
	{ "not a folder", NO_FOLDER,
	    "unavailable: /file: Not a directory" },
	{ "not LMDB's", GARBAGE, "configuration: /data.mdb: "
	    "MDB_INVALID: File is not an LMDB file" },
	{ "somebody else's", FOREIGN, "configuration: /data.mdb is not of a "
	    "store: there is no file checkpoint beside it" },
	{ "another version", OTHER_VERSION, "configuration: /checkpoint is damaged "
	    "or of another version" },
	{ "half a checkpoint", SHORT_NOTE,
	    "configuration: /checkpoint is damaged" },
	{ "a file that was cut", CUT, "configuration: /data.mdb is damaged: "
	    "it is cut short" },
	{ "too small", SMALL, "configuration: a size of 1 MiB: it is from 16 "
	    "to 32768" },
	{ "too large", LARGE, "configuration: a size of 1048576 MiB: it is "
	    "from 16 to 32768" },
};

static const char *
do_harm(enum harm harm, struct store_options *options)
{
	static char path[128];
	size_t size;
	char *p;

	snprintf(path, sizeof(path), "%s%s", folder.path,
	    harm == NO_PARENT ? "/none/store" : harm == NO_FOLDER ? "/file" :
	    harm == NONE ? "/new" : "");
	switch (harm) {
	case NO_FOLDER:
		store_folder_write(&folder, "file", "", 0);
		break;
	case GARBAGE:
		p = store_folder_read(&folder, "data.mdb", &size);
		memset(p, 'x', 4096);
		store_folder_write(&folder, "data.mdb", p, size);
		free(p);
		break;
	case FOREIGN:
		snprintf(path, sizeof(path), "%s/checkpoint", folder.path);
		unlink(path);
		strcpy(path, folder.path);
		break;
	case OTHER_VERSION: case SHORT_NOTE:
		p = store_folder_read(&folder, "checkpoint", &size);
		p[sizeof("forepost store ") - 1] += harm == OTHER_VERSION;
		store_folder_write(&folder, "checkpoint", p,
		    size - (harm == SHORT_NOTE));
		free(p);
		break;
	case CUT:
		p = store_folder_read(&folder, "data.mdb", &size);
		store_folder_write(&folder, "data.mdb", p, size - 4096);
		free(p);
		break;
	case SMALL:
		options->size = 1 << 20;
		break;
	case LARGE:
		options->size = UINT64_C(1) << 40;
		break;
	case NONE: case NO_PARENT:
		break;
	}
	return path;
}

/* Kind and text, without the name of the test's folder. */
static const char *
shorten(struct arena *a, const struct err *err)
{
	const char *text = err->text, *found;
	struct buf out = {0};
	const char *copied;

	found = strstr(text, ": ");	/* behind the store's name */
	text = found != NULL ? found + 2 : text;
	buf_printf(&out, "%s: ", err_kind_name(err->kind));
	while ((found = strstr(text, folder.path)) != NULL) {
		buf_put(&out, text, (size_t)(found - text));
		text = found + strlen(folder.path);
	}
	buf_puts(&out, text);
	copied = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return copied;
}

static void
test_open(void)
{
	for (size_t i = 0; i < sizeof(harms) / sizeof(harms[0]); i++) {
		struct store_options options = {
			.kind = STORE_LMDB, .size = STORE_SIZE_MIN
		};
		struct arena *a = arena_create("test");
		struct store *s;
		struct err err;

		store_folder_make(&folder);
		store_folder_open(&folder, STORE_SIZE_MIN);
		store_put(folder.store, span_z("a"), span_z("1"), HOUR, &err);
		store_folder_close(&folder);
		options.path = do_harm(harms[i].harm, &options);
		s = store_open(a, &options, &err);
		if (harms[i].want != NULL)
			T_STR(harms[i].name, s != NULL ? "opened" :
			    shorten(a, &err), harms[i].want);
		else
			T_OK(harms[i].name, s != NULL);
		if (s != NULL)
			store_stop(s);
		while (fiber_count() > 0)
			loop_turn(false);
		arena_destroy(&a);
		store_folder_remove(&folder);
	}
}

/* --- numbers, and what there is not --- */

static void
test_numbers(void)
{
	static const struct {
		const char	*text;
		int64_t		 want;	/* -1: none */
	} cases[] = {
		{ "0", 0 }, { "12", 12 }, { "-3", -3 }, { "", -1 },
		{ "-", -1 }, { " 1", -1 }, { "+1", -1 }, { "1 ", -1 },
		{ "0x1", -1 }, { "9223372036854775807", INT64_MAX },
		{ "9223372036854775808", -1 },
		{ "-9223372036854775808", INT64_MIN },
		{ "1111111111111111111111111111111", -1 },
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		int64_t n;

		if (store_number(span_z(cases[i].text), &n) < 0)
			n = -1;
		T_INT(cases[i].text, n, cases[i].want);
	}
}

static void
test_no_sets(void)
{
	struct span value, one = SPAN_LIT("one");
	struct err err;
	bool has;

	begin();
	T_INT("a set", store_has_members(store, span_z("s"), &one, 1,
	    &has, &err), -1);
	T_OK("is not had", err.kind == ERR_CONFIG &&
	    strstr(err.text, "has no sets") != NULL);
	T_INT("nor a hash", store_fields(store, arena, span_z("h"),
	    &one, 1, &value, &err), -1);
	T_OK("which does not make it down", store_state(store) == STORE_UP);
	end();
}

static void
test_status(void)
{
	struct buf out = {0};
	struct json_out o = { .to = &out };
	struct span found;
	const char *text;
	struct err err;

	begin();
	store_put(store, span_z("a"), span_z("1"), HOUR, &err);
	store_get(store, arena, span_z("a"), &found, &err);
	store_status(store, &o);
	text = arena_copy(arena, buf_text(&out));
	T_OK("state", strstr(text, "\"state\":\"up\",\"operations\":2,"
	    "\"failures\":0,\"timeouts\":0,\"declined\":0,\"refused\":0,"
	    "\"downs\":0,\"kind\":\"lmdb\",\"records\":1,\"file\":") !=
	    NULL);
	T_OK("the one that keeps", strstr(text,
	    "\"size\":16777216,\"swept\":0,\"keeper\":true}") != NULL);
	buf_free(&out);
	end();
}

int
main(void)
{
	loop_create();
	test_steps();
	test_walk();
	test_walk_many();
	test_sizes();
	test_again();
	test_open();
	test_numbers();
	test_no_sets();
	test_status();
	loop_destroy();
	return t_done();
}
