#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/redis_store.h"
#include "tests/kit/t.h"

/* What the store says when a real Redis is not well, and that it is there
 * again when Redis is. */
static struct redis_store s;

static void
begin(const char *conf)
{
	struct store_options o;

	redis_server_begin(&s.server, conf);
	o = redis_store_options(&s);
	redis_store_open(&s, &o);
}

static void
end(void)
{
	redis_store_close(&s);
	redis_server_end(&s.server);
}

static const char *
doing(const char *verb, const char *key, const char *value)
{
	return redis_store_do(&s, verb, key, value);
}

static bool
begins(const char *text, const char *with)
{
	return strncmp(text, with, strlen(with)) == 0;
}

/* Until it is down; each fails in the way told. */
static void
fail_until_down(const char *name, const char *with)
{
	for (unsigned i = 0; i < STORE_FAILURES; i++) {
		T_STR(name, store_state_name(store_state(s.store)), "up");
		doing("get", "key", NULL);
		if (!begins(s.said, with))
			T_STR(name, s.said, with);
	}
	T_STR(name, redis_store_told(&s), "down;");
	doing("get", "key", NULL);
	T_OK(name, begins(s.said, "unavailable: is down: "));
}

static void
is_back(const char *name)
{
	redis_store_await(&s, name, STORE_UP);
	T_STR(name, redis_store_told(&s), "up;");
	T_STR(name, doing("put", "new", "2"), "ok");
	T_STR(name, doing("get", "new", NULL), "2");
}

/* --- it goes away --- */

static void
test_killed(void)
{
	begin(NULL);
	doing("put", "key", "1");
	redis_server_kill(&s.server);
	fail_until_down("killed", "unavailable: ");
	redis_server_start(&s.server);
	is_back("started again");
	T_STR("what was there", doing("get", "key", NULL), "1");
	end();
}

static void
test_replaced(void)
{
	char command[100];

	begin(NULL);
	doing("put", "key", "1");
	redis_server_kill(&s.server);
	snprintf(command, sizeof(command), "rm -rf %s/appendonlydir",
	    s.server.folder);
	T_INT("its data is lost", system(command), 0);
	fail_until_down("killed", "unavailable: ");
	redis_server_start(&s.server);
	is_back("replaced");
	T_STR("what was there", doing("get", "key", NULL), "-");
	end();
}

/* It was never there. */
static void
test_absent(void)
{
	struct store_options o;

	redis_server_begin(&s.server, NULL);
	o = redis_store_options(&s);
	redis_server_kill(&s.server);
	redis_store_open(&s, &o);
	fail_until_down("absent", "unavailable: connect: ");
	redis_server_start(&s.server);
	is_back("there");
	end();
}

static void
test_flushed(void)
{
	begin(NULL);
	doing("put", "key", "1");
	redis_server_tell(&s.server, "FLUSHALL");
	T_STR("flushed", doing("get", "key", NULL), "-");
	T_STR("claimed anew", doing("claim", "key", "2"), "-");
	T_STR("all is well", redis_store_told(&s), "");
	end();
}

/* --- it is slow --- */

static void
test_frozen(void)
{
	begin(NULL);
	doing("put", "key", "1");
	redis_server_freeze(&s.server);
	fail_until_down("frozen", "");
	/* The first two have each a link; one of these is given up by the end
	 * of the third. */
	T_OK("timeouts", store_statistics(s.store)->timeouts >= 2);
	T_INT("refused at once", store_statistics(s.store)->refused, 1);
	redis_server_thaw(&s.server);
	is_back("thawed");
	T_STR("its own answers", doing("get", "key", NULL), "1");
	T_STR("and the next", doing("get", "none", NULL), "-");
	end();
}

/* So long that its links are given up and cannot be had again. */
static void
test_frozen_long(void)
{
	int64_t until;

	begin(NULL);
	doing("put", "key", "1");
	redis_server_freeze(&s.server);
	fail_until_down("frozen", "");
	until = clock_now() + 4 * CLOCK_S;
	while (clock_now() < until)
		loop_turn(true);
	T_OK("still", begins(doing("get", "key", NULL),
	    "unavailable: is down: "));
	redis_server_thaw(&s.server);
	is_back("thawed");
	T_STR("its own answers", doing("get", "key", NULL), "1");
	end();
}

static MAY_YIELD void
thaw_soon(void *arg)
{
	struct err err;

	(void)arg;
	fiber_sleep(200 * CLOCK_MS, &err);
	redis_server_thaw(&s.server);
}

static void
test_slow(void)
{
	begin(NULL);
	doing("put", "key", "1");
	redis_server_freeze(&s.server);
	fiber_spawn("thaw", thaw_soon, NULL);
	T_STR("slow, but in time", doing("get", "key", NULL), "1");
	T_STR("all is well", redis_store_told(&s), "");
	end();
}

/* --- it refuses --- */

static void
test_full(void)
{
	static const char full[] = "configuration: its memory is full: OOM "
	    "command not allowed when used memory > 'maxmemory'.";

	begin(NULL);
	doing("put", "key", "1");
	redis_server_tell(&s.server, "CONFIG SET maxmemory 1000");
	T_STR("put", doing("put", "key", "2"), full);
	T_STR("claim", doing("claim", "key", "2"), full);
	T_STR("add", doing("add", "key", "1"), full);
	T_STR("told", redis_store_told(&s), "no-changes;");
	T_STR("what is there", doing("get", "key", NULL), "1");
	T_STR("is found", store_state_name(store_state(s.store)),
	    "no-changes");
	redis_server_tell(&s.server, "CONFIG SET maxmemory 0");
	T_STR("put again", doing("put", "key", "2"), "ok");
	T_STR("told", redis_store_told(&s), "up;");
	end();
}

static void
test_replica(void)
{
	static const char replica[] = "configuration: it is a replica that "
	    "takes no changes: READONLY You can't write against a read only "
	    "replica.";

	begin("repl-diskless-load disabled");
	doing("put", "key", "1");
	redis_server_tell(&s.server, "REPLICAOF 127.0.0.1 1");
	for (unsigned i = 0; i < STORE_FAILURES; i++) {
		T_STR("put", doing("put", "key", "2"), replica);
		T_STR("get", doing("get", "key", NULL), "1");
	}
	T_STR("add", doing("add", "n", "2"), replica);
	T_STR("told", redis_store_told(&s), "no-changes;");
	redis_server_tell(&s.server, "REPLICAOF NO ONE");
	T_STR("put again", doing("put", "key", "2"), "ok");
	T_STR("told", redis_store_told(&s), "up;");
	end();
}

static void
test_stale(void)
{
	begin("replica-serve-stale-data no");
	doing("put", "key", "1");
	redis_server_tell(&s.server, "REPLICAOF 127.0.0.1 1");
	fail_until_down("stale", "unavailable: it is a replica without its "
	    "master: MASTERDOWN ");
	redis_server_tell(&s.server, "REPLICAOF NO ONE");
	is_back("a master");
	end();
}

/* --- who may --- */

static const struct {
	const char *name, *user, *password, *want;
} users[] = {
	{ "no password", NULL, NULL, "unavailable: PING: it wants a password: "
	    "NOAUTH Authentication required." },
	{ "a wrong one", NULL, "x", "unavailable: AUTH: user or password is "
	    "wrong: WRONGPASS invalid username-password pair or user is "
	    "disabled." },
	{ "the right one", NULL, "se cret", "-" },
	{ "a user", "fore", "pw", "-" },
	{ "without password", "fore", "", "unavailable: AUTH: user or "
	    "password is wrong: WRONGPASS invalid username-password pair or "
	    "user is disabled." },
};

static void
try_all(void)
{
	static const char *const verbs[] = { "get", "put", "claim", "delete" };

	for (size_t i = 0; i < sizeof(verbs) / sizeof(verbs[0]); i++)
		T_OK(verbs[i], !begins(doing(verbs[i], "k", "1"), "conf"));
	T_STR("add", doing("add", "n", "1"), "1");
	T_OK("not that", begins(doing("has", "fp:s", "x"), "configuration: "
	    "its ACL forbids it to this user: NOPERM "));
	T_OK("not there", begins(doing("field", "other", "x"),
	    "configuration: its ACL forbids it to this user: NOPERM "));
	T_STR("nothing of that makes it down", redis_store_told(&s), "");
}

static void
test_users(void)
{
	struct store_options o;

	redis_server_begin(&s.server, "requirepass \"se cret\"\n"
	    "user fore on >pw ~fp:* -@all +get +set +del +incrby +multi "
	    "+exec +scan +pttl +hget");
	o = redis_store_options(&s);
	for (size_t i = 0; i < sizeof(users) / sizeof(users[0]); i++) {
		o.user = users[i].user;
		o.password = users[i].password;
		redis_store_open(&s, &o);
		T_STR(users[i].name, doing("get", "key", NULL),
		    users[i].want);
		if (o.user != NULL && *o.password != '\0')
			try_all();
		redis_store_close(&s);
	}
	redis_server_end(&s.server);
}

/* --- a crowd, and it comes and goes --- */

#define MANY	200

static struct {
	unsigned	running, right, wrong, failed;
	bool		is_over;
} crowd;

static MAY_YIELD void
one_of_many(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct arena *a = arena_create("one");
	struct span value;
	char key[40];
	struct err err;

	snprintf(key, sizeof(key), "own-%u", me);
	while (!crowd.is_over) {
		if (store_put(s.store, span_z(key), span_z(key),
		    3600 * CLOCK_S, &err) < 0 ||
		    store_get(s.store, a, span_z(key), &value, &err) < 0) {
			crowd.failed++;
			crowd.wrong += err.kind != ERR_UNAVAIL &&
			    err.kind != ERR_TIMEOUT;
		} else if (span_is(value, key))
			crowd.right++;
		else
			crowd.wrong++;
		fiber_sleep(2 * CLOCK_MS, &err);
	}
	arena_destroy(&a);
	crowd.running--;
}

static void
go_on(int64_t us)
{
	int64_t until = clock_now() + us;

	while (clock_now() < until)
		loop_turn(true);
}

static void
test_crowd(void)
{
	unsigned before;

	begin(NULL);
	crowd.running = MANY;
	for (unsigned i = 0; i < MANY; i++)
		fiber_spawn("one", one_of_many, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < 3; i++) {
		go_on(300 * CLOCK_MS);
		redis_server_kill(&s.server);
		go_on(200 * CLOCK_MS);
		redis_server_launch(&s.server);
		redis_store_await(&s, "back", STORE_UP);
		go_on(100 * CLOCK_MS);
		redis_server_freeze(&s.server);
		go_on(1500 * CLOCK_MS);
		redis_server_thaw(&s.server);
		redis_store_await(&s, "thawed", STORE_UP);
	}
	before = crowd.right;
	go_on(500 * CLOCK_MS);
	T_OK("they are served", crowd.right > before);
	crowd.is_over = true;
	while (crowd.running > 0)
		loop_turn(true);
	T_INT("none got another's", crowd.wrong, 0);
	T_OK("some failed", crowd.failed > 0);
	end();
}

int
main(void)
{
	if (!redis_server_is_there()) {
		t_skip("redis", "there is no redis-server");
		return t_done();
	}
	loop_create();
	test_killed();
	test_replaced();
	test_absent();
	test_flushed();
	test_frozen();
	test_frozen_long();
	test_slow();
	test_full();
	test_replica();
	test_stale();
	test_users();
	test_crowd();
	loop_destroy();
	return t_done();
}
