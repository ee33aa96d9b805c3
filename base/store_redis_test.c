#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/redis_store.h"
#include "tests/kit/t.h"

/* What the store does in a real Redis that is well. */
static struct redis_store s;

#define HOUR	(3600 * CLOCK_S)

static const char *
at_server(const char *verb, const char *key)
{
	return redis_server_tell(&s.server, "%s %s", verb, key);
}

/* --- one operation after another --- */

static const struct {
	const char *name, *verb, *key, *value, *want;
} steps[] = {
	{ "nothing is there", "get", "a", NULL, "-" },
	{ "a claim wins", "claim", "a", "1", "-" },
	{ "the next does not", "claim", "a", "2", "1" },
	{ "and has changed nothing", "get", "a", NULL, "1" },
	{ "put replaces", "put", "a", "3", "ok" },
	{ "and is found", "get", "a", NULL, "3" },
	{ "another key is another", "get", "ab", NULL, "-" },
	{ "deleted", "delete", "a", NULL, "yes" },
	{ "is gone", "get", "a", NULL, "-" },
	{ "once", "delete", "a", NULL, "no" },
	{ "an empty value", "claim", "e", "", "-" },
	{ "is there", "claim", "e", "x", "" },
	{ "as such", "get", "e", NULL, "" },
	{ "a number begins", "add", "n", "5", "5" },
	{ "and grows", "add", "n", "-7", "-2" },
	{ "its text", "get", "n", NULL, "-2" },
	{ "text", "put", "t", "12x", "ok" },
	{ "is no number", "add", "t", "1", "configuration: it refuses: "
	    "ERR value is not an integer or out of range" },
	{ "the largest", "put", "m", "9223372036854775807", "ok" },
	{ "does not grow", "add", "m", "1", "configuration: it refuses: "
	    "ERR increment or decrement would overflow" },
	{ "and stays", "get", "m", NULL, "9223372036854775807" },
	{ "a list is no value", "get", "list", NULL, "configuration: the key "
	    "holds another type: WRONGTYPE Operation against a key holding "
	    "the wrong kind of value" },
	{ "nor claimed", "claim", "list", "1", "configuration: the key "
	    "holds another type: WRONGTYPE Operation against a key holding "
	    "the wrong kind of value" },
	{ "nor a number", "add", "list", "1", "configuration: the key "
	    "holds another type: WRONGTYPE Operation against a key holding "
	    "the wrong kind of value" },
	{ "but replaced", "put", "list", "1", "ok" },
	{ "a member", "has", "a:set", "x", "yes" },
	{ "no member", "has", "a:set", "y", "no" },
	{ "of no set", "has", "none", "y", "no" },
	{ "of a hash", "has", "a:hash", "x", "configuration: the key "
	    "holds another type: WRONGTYPE Operation against a key holding "
	    "the wrong kind of value" },
	{ "a field", "field", "a:hash", "x", "smtp://192.0.2.1" },
	{ "no field", "field", "a:hash", "y", "-" },
	{ "of no hash", "field", "none", "y", "-" },
};

static void
test_steps(void)
{
	redis_server_tell(&s.server, "RPUSH fp:list 1");
	redis_server_tell(&s.server, "SADD a:set x");
	redis_server_tell(&s.server, "HSET a:hash x smtp://192.0.2.1");
	for (size_t i = 0; i < sizeof(steps) / sizeof(steps[0]); i++)
		T_STR(steps[i].name, redis_store_do(&s, steps[i].verb,
		    steps[i].key, steps[i].value), steps[i].want);
	T_STR("nothing of that makes it down",
	    store_state_name(store_state(s.store)), "up");
}

/* --- lives --- */

static int64_t
life_of(const char *key)
{
	return strtoll(at_server("PTTL", key), NULL, 10);
}

static MAY_YIELD void
put_for(void *arg)
{
	int64_t *life = arg, sum;
	struct err err;

	T_INT("put", store_put(s.store, SPAN_LIT("life"), SPAN_LIT("x"),
	    *life, &err), 0);
	T_INT("add", store_add(s.store, SPAN_LIT("life-n"), 1, *life, &sum,
	    &err), 0);
}

static void
test_lives(void)
{
	int64_t life = 1;
	int64_t left;

	redis_store_run(put_for, &life);
	left = life_of("fp:life");
	T_OK("rounded up to a second", left > 0 && left <= 1000);
	life = 100 * CLOCK_S + 1;
	redis_store_run(put_for, &life);
	left = life_of("fp:life");
	T_OK("so is another", left > 90000 && left <= 101000);
	left = life_of("fp:life-n");
	T_OK("a number keeps its first", left > 0 && left <= 1000);
	redis_server_tell(&s.server, "DEL fp:life-n");
	redis_store_run(put_for, &life);
	left = life_of("fp:life-n");
	T_OK("and gets another when it begins anew",
	    left > 90000 && left <= 101000);
	redis_store_do(&s, "claim", "claimed", "x");
	redis_store_do(&s, "add", "added", "7");
	left = life_of("fp:claimed");
	T_OK("a claim has one", left > 3590000 && left <= 3600000);
	left = life_of("fp:added");
	T_OK("a number has one", left > 3590000 && left <= 3600000);
}

/* --- octets --- */

static MAY_YIELD void
put_octets(void *arg)
{
	static char large[STORE_VALUE_MAX];
	struct arena *a = arg;
	char key[STORE_KEY_MAX];
	struct span value, name;
	struct err err;

	for (size_t i = 0; i < sizeof(large); i++)
		large[i] = (char)(i * 7);
	for (size_t i = 0; i < sizeof(key); i++)
		key[i] = (char)i;
	name = span_n(key, sizeof(key));
	T_INT("the largest", store_put(s.store, name,
	    span_n(large, sizeof(large)), HOUR, &err), 0);
	T_INT("is got", store_get(s.store, a, name, &value, &err), 0);
	T_OK("as it was", span_eq(value, span_n(large, sizeof(large))));
	T_INT("is claimed", store_claim(s.store, a, name, SPAN_LIT("no"), HOUR,
	    &value, &err), 0);
	T_OK("by whom it was", span_eq(value, span_n(large, sizeof(large))));
}

/* --- the walk --- */

struct seen {
	unsigned	 n, most, wrong;
	unsigned char	 times[2000];
};

static bool
see(void *arg, struct span key, struct span value, int64_t left)
{
	struct seen *seen = arg;
	char text[40];
	unsigned number;

	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(key));
	if (sscanf(text, "w*[%u]", &number) != 1 || number >= 2000 ||
	    !span_is(value, text) || left <= 0 || left > HOUR) {
		seen->wrong++;
		return true;
	}
	seen->times[number]++;
	return ++seen->n < seen->most;
}

static MAY_YIELD void
put_many(void *arg)
{
	char key[40];
	struct err err;

	for (unsigned i = 0; i < 2000; i++) {
		snprintf(key, sizeof(key), "w*[%u]", i);
		if (store_put(s.store, span_z(key), span_z(key), HOUR,
		    &err) < 0)
			(*(unsigned *)arg)++;
	}
}

static MAY_YIELD void
walk(void *arg)
{
	struct err err;

	T_INT("walk", store_walk(s.store, SPAN_LIT("w*["), see, arg, &err),
	    0);
}

/* What it sees is large: not on the frame of main. */
static __attribute__((noinline)) void
test_walk(void)
{
	struct seen seen = { .most = 100000 }, few = { .most = 3 };
	unsigned failed = 0, missed = 0;

	redis_store_run(put_many, &failed);
	T_INT("put", failed, 0);
	/* What a pattern would find if it were one, and what has no value. */
	redis_store_do(&s, "put", "wxb", "no");
	redis_store_do(&s, "put", "w*", "no");
	redis_server_tell(&s.server, "RPUSH fp:w*[list 1");
	redis_server_tell(&s.server, "SET other:w*[9] 1");
	redis_store_run(walk, &seen);
	for (unsigned i = 0; i < 2000; i++)
		missed += seen.times[i] == 0;
	T_INT("none is missed", missed, 0);
	T_INT("none is another", seen.wrong, 0);
	redis_store_run(walk, &few);
	T_INT("it ends when it is told to", few.n, 3);
}

/* --- many at once --- */

#define MANY	1000

static struct {
	unsigned	running, won, wrong, early;
} crowd;

static MAY_YIELD void
one_of_many(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct arena *a = arena_create("one");
	struct span value, old;
	char key[40];
	struct err err;
	int64_t sum;

	snprintf(key, sizeof(key), "own-%u", me);
	for (unsigned i = 0; i < 5; i++) {
		crowd.wrong += store_put(s.store, span_z(key), span_z(key),
		    HOUR, &err) < 0 || store_get(s.store, a, span_z(key),
		    &value, &err) < 0 || !span_is(value, key);
		crowd.wrong += store_add(s.store, SPAN_LIT("sum"), 1, HOUR,
		    &sum, &err) < 0;
	}
	if (store_claim(s.store, a, SPAN_LIT("prize"), span_z(key), HOUR,
	    &old, &err) < 0)
		crowd.wrong++;
	else
		crowd.won += old.p == NULL;
	arena_destroy(&a);
	crowd.running--;
}

static void
test_many(void)
{
	crowd.running = MANY;
	for (unsigned i = 0; i < MANY; i++)
		fiber_spawn("one", one_of_many, (void *)(uintptr_t)i);
	while (crowd.running > 0)
		loop_turn(true);
	T_INT("each gets what it put", crowd.wrong, 0);
	T_INT("one wins", crowd.won, 1);
	T_STR("all are counted", redis_store_do(&s, "get", "sum", NULL),
	    "5000");
}

/* Some leave in the middle of it: the others do not notice. */
static MAY_YIELD void
one_that_may_leave(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct arena *a = arena_create("one");
	struct span value;
	char key[40];
	struct err err;

	snprintf(key, sizeof(key), "own-%u", me);
	for (unsigned i = 0; i < 50; i++) {
		if (store_get(s.store, a, span_z(key), &value, &err) < 0) {
			crowd.early++;
			crowd.wrong += err.kind != ERR_CLOSED;
			break;
		}
		crowd.wrong += !span_is(value, key);
	}
	arena_destroy(&a);
	crowd.running--;
}

static void
test_leaving(void)
{
	static struct fiber *fibers[MANY];

	memset(&crowd, 0, sizeof(crowd));
	crowd.running = MANY;
	for (unsigned i = 0; i < MANY; i++)
		fibers[i] = fiber_spawn("one", one_that_may_leave,
		    (void *)(uintptr_t)i);
	for (unsigned i = 0; i < 5; i++)
		loop_turn(true);
	T_INT("all are there", crowd.running, MANY);
	for (unsigned i = 0; i < MANY; i += 3)
		fiber_stop(fibers[i]);
	while (crowd.running > 0)
		loop_turn(true);
	T_INT("those have left", crowd.early, (MANY + 2) / 3);
	T_INT("the others got their own", crowd.wrong, 0);
}

/* --- who and where --- */

static void
test_places(void)
{
	struct redis_store other = { .server = s.server };
	struct store_options o = redis_store_options(&other);

	o.path = NULL;
	o.host = "127.0.0.1";
	o.port = s.server.port;
	o.database = 3;
	redis_store_do(&s, "put", "place", "0");
	redis_store_open(&other, &o);
	T_STR("another database", redis_store_do(&other, "get", "place",
	    NULL), "-");
	redis_store_do(&other, "put", "place", "3");
	redis_store_close(&other);
	T_STR("is another", redis_store_do(&s, "get", "place", NULL), "0");

	o.database = 99;
	redis_store_open(&other, &o);
	T_STR("none", redis_store_do(&other, "get", "place", NULL),
	    "unavailable: SELECT: it refuses: ERR DB index is out of range");
	redis_store_close(&other);

	o.database = 3;
	o.prefix = NULL;
	redis_store_open(&other, &o);
	T_STR("no prefix", redis_store_do(&other, "get", "fp:place", NULL),
	    "3");
	redis_store_close(&other);
}

static void
test_status(void)
{
	struct buf b = {0};
	struct json_out out = { .to = &b };

	store_status(s.store, &out);
	T_OK("connections", memmem(b.p, b.len,
	    "\"connections\":2,\"waiting\":0,", 28) != NULL);
	buf_free(&b);
}

int
main(void)
{
	struct store_options o;
	struct arena *a;

	if (!redis_server_is_there()) {
		t_skip("redis", "there is no redis-server");
		return t_done();
	}
	loop_create();
	a = arena_create("test");
	redis_server_begin(&s.server, NULL);
	o = redis_store_options(&s);
	o.timeout = 20 * CLOCK_S;
	redis_store_open(&s, &o);
	test_steps();
	test_lives();
	redis_store_run(put_octets, a);
	test_walk();
	test_many();
	test_leaving();
	test_places();
	test_status();
	redis_store_close(&s);
	redis_server_end(&s.server);
	arena_destroy(&a);
	loop_destroy();
	return t_done();
}
