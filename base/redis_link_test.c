#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/played.h"
#include "tests/kit/t.h"

static struct redis_stats
stats(void)
{
	struct redis_stats now;

	redis_statistics(played.redis, &now);
	return now;
}

/* --- no answer --- */

static void
test_late(void)
{
	struct asker *held, *next;

	played_begin(1);
	played_hold();
	held = played_ask("HOLD", NULL);
	next = played_ask("ECHO", "next");
	played_pass(CLOCK_S / 2);
	T_OK("waits", !held->is_done && !next->is_done);
	played_pass(CLOCK_S);
	T_STR("its time is over", held->said, "timeout: no answer in time");
	T_STR("that of the next", next->said, "timeout: no answer in time");
	T_INT("their places stay", stats().waiting, 2);
	next = played_ask("ECHO", "third");
	played_let_go();
	played_settle();
	T_STR("gets its own answer", next->said, "third ");
	T_INT("none is left", stats().waiting, 0);
	T_INT("over the same connection", played.connections, 1);
	T_INT("counted", stats().timeouts, 2);
	played_end();
}

static void
test_suspect(void)
{
	struct asker *held;

	played_begin(2);
	played_hold();
	held = played_ask("HOLD", NULL);
	played_pass(CLOCK_S + 1);
	T_STR("one is silent", held->said, "timeout: no answer in time");
	for (unsigned i = 0; i < 4; i++)
		T_STR("the other is asked", played_asked("ECHO", "hi"), "hi ");
	played_let_go();
	played_end();
}

static void
test_silent(void)
{
	struct asker *held, *next;

	played_begin(1);
	played_hold();
	held = played_ask("HOLD", NULL);
	played_pass(CLOCK_S + 1);
	T_OK("timed out", held->is_done);
	next = played_ask("ECHO", "next");
	played_pass(CLOCK_S - 2);
	T_OK("still waited for", !next->is_done);
	played.refuses = FAKE_DIAL_REFUSED;
	fake_clock_advance(1);
	played_settle();
	T_STR("the connection is given up", next->said,
	    "unavailable: no answer in time, and none after it");
	T_STR("at once", played_asked("ECHO", "hi"),
	    "unavailable: connect: Connection refused");
	played.refuses = 0;
	played_pass(CLOCK_S);
	T_STR("and a new one serves", played_asked("ECHO", "hi"), "hi ");
	played_let_go();
	played_end();
}

/* Whoever comes while it is being given up gets the next one. */
static void
test_between(void)
{
	struct asker *next;

	for (unsigned turns = 0; turns < 6; turns++) {
		played_begin(1);
		played_hold();
		played_ask("HOLD", NULL);
		played_pass(CLOCK_S + 1);
		fake_clock_advance(CLOCK_S);
		for (unsigned i = 0; i < turns; i++)
			loop_turn(false);
		next = played_spawn("ECHO", "hi");
		played_settle();
		T_STR("a call in between", next->said, turns > 0 ? "hi " :
		    "unavailable: no answer in time, and none after it");
		played_let_go();
		played_end();
	}
}

static void
test_stopped(void)
{
	struct asker *held, *next;

	played_begin(1);
	played_hold();
	held = played_ask("HOLD", NULL);
	next = played_ask("ECHO", "next");
	fiber_stop(held->fiber);
	played_settle();
	T_STR("leaves", held->said, "closed: stopping");
	played_let_go();
	played_settle();
	T_STR("the others do not notice", next->said, "next ");

	played_hold();
	held = played_ask("HOLD", NULL);
	redis_stop(played.redis);
	played_settle();
	T_STR("the client ends", held->said,
	    "unavailable: it is being closed");
	T_STR("nobody is served", played_asked("ECHO", "hi"),
	    "unavailable: it is being closed");
	played_let_go();
	played_end();
}

static MAY_YIELD void
leave_many(void *arg)
{
	struct span words[2] = { SPAN_LIT("HOLD") };
	struct redis_command hold = { words, 1 };
	struct redis_reply *reply;
	struct err *err = arg;
	unsigned i;

	for (i = 0; i <= REDIS_MOST_WAITING; i++)
		if (redis_ask(played.redis, played.arena, &hold, 1, &reply,
		    clock_now(), err) == 0 || err->kind != ERR_TIMEOUT)
			break;
	T_INT("so many", i, REDIS_MOST_WAITING);
}

static void
test_limits(void)
{
	struct err err;

	played_begin(1);
	played_hold();
	fiber_spawn("leaves", leave_many, &err);
	played_settle();
	T_STR("and no more", err.text,
	    "10000 commands wait for it already");
	T_STR("others too", played_asked("ECHO", "hi"),
	    "unavailable: 10000 commands wait for it already");
	played_let_go();
	played_pass(CLOCK_S / 2);
	T_INT("until they are answered", stats().waiting, 0);
	T_STR("as before", played_asked("ECHO", "hi"), "hi ");
	played_end();
}

/* --- connecting --- */

static void
test_back_off(void)
{
	unsigned before;

	played_clear();
	played.refuses = FAKE_DIAL_REFUSED;
	played_open(&(struct redis_options){ .host = "192.0.2.1", .port = 1,
	    .timeout = CLOCK_S, .connections = 1 });
	T_STR("fails at once", played_asked("ECHO", "hi"),
	    "unavailable: connect: Connection refused");
	played_pass(CLOCK_S);
	for (unsigned i = 0; i < 200; i++)	/* its longest pause */
		played_pass(CLOCK_S / 10);
	before = played.dials;
	for (unsigned i = 0; i < 1000; i++)
		played_pass(CLOCK_S / 10);
	T_OK("4 to 5 s", played.dials - before >= 20 &&
	    played.dials - before <= 25);
	played.refuses = 0;
	played_pass(5 * CLOCK_S + 1);
	T_STR("and back", played_asked("ECHO", "hi"), "hi ");
	played_pass(2 * CLOCK_S);
	played_asked("CLOSE", NULL);
	T_INT("a good link is made again at once", played.connections, 2);
	played_asked("CLOSE", NULL);
	T_INT("one that lived shortly is not", played.connections, 2);
	played_pass(CLOCK_S / 8 + 1);
	T_INT("but soon", played.connections, 3);
	played_end();
}

static void
test_silent_connect(void)
{
	struct asker *asker;

	played_clear();
	played.refuses = FAKE_DIAL_SILENT;
	played.pong = "";
	played_open(&(struct redis_options){ .host = "::1", .port = 1,
	    .timeout = CLOCK_S, .connections = 2 });
	T_STR("its name", redis_name(played.redis), "[::1]:1");
	asker = played_spawn("ECHO", "hi");
	asker->patience = CLOCK_S / 2;
	played_settle();
	T_OK("a first attempt is waited for", !asker->is_done);
	played_pass(CLOCK_S / 2);
	T_STR("not for long", asker->said, "timeout: no connection in time");
	played_pass(CLOCK_S);
	T_STR("no second one", played_asked("ECHO", "hi"),
	    "unavailable: connect: timed out");
	played.refuses = 0;		/* connects, but says nothing */
	played_pass(CLOCK_S);
	T_OK("connected", played.connections > 0);
	played_pass(CLOCK_S + 1);
	T_STR("no answer to the first words", played_asked("ECHO", "hi"),
	    "unavailable: PING: timed out");
	played_end();
}

/* --- failover --- */

static void
test_read_only(void)
{
	static const char no[] = "-READONLY You can't write\r\n";

	played_begin(1);
	T_STR("the answer is told", played_asked("SAY", no),
	    "READONLY You can't write ");
	T_INT("a new connection", played.connections, 2);
	T_STR("serves", played_asked("SAY", no), "READONLY You can't write ");
	T_INT("not again at once", played.connections, 2);
	played_pass(CLOCK_S / 5);
	T_STR("nested", played_asked("SAY", "*2\r\n+OK\r\n-READONLY no\r\n"),
	    "[OK READONLY no ]");
	T_INT("but later", played.connections, 3);
	T_STR("no failure", played_asked("ECHO", "hi"), "hi ");
	T_INT("nor a loss", stats().lost, 0);
	played_end();
}

/* Those who wait on a link that is to be renewed get their answers. */
static void
test_renewal_waits(void)
{
	struct asker *held, *behind, *later;

	played_begin(1);
	played_hold();
	held = played_ask("SAY", "-READONLY no\r\n");
	T_OK("answered", held->is_done);
	played_pass(CLOCK_S);
	held = played_spawn("DRIP", "-READONLY no\r\n");
	played_spawn("HOLD", NULL);
	behind = played_spawn("ECHO", "behind");
	played_settle();
	later = played_ask("ECHO", "later");
	T_STR("refused", held->said, "READONLY no ");
	T_OK("others wait", !behind->is_done && !later->is_done);
	T_INT("the old one is there", played.connections, 2);
	played_let_go();
	played_settle();
	T_STR("those behind it", behind->said, "behind ");
	T_STR("and those who come", later->said, "later ");
	T_INT("over the next", played.connections, 3);
	played_end();
}

/* --- every wait fails once --- */

static unsigned
count_wrong(struct asker *const *askers, unsigned n)
{
	unsigned wrong = 0;

	for (unsigned i = 0; i < n; i++)
		wrong += !askers[i]->is_done ||
		    (strncmp(askers[i]->said, "unavailable: ", 13) != 0 &&
		    strncmp(askers[i]->said, "timeout: ", 9) != 0 &&
		    strncmp(askers[i]->said, "closed: ", 8) != 0 &&
		    strcmp(askers[i]->said, i % 2 == 0 ? "even " : "odd ") !=
		    0);
	return wrong;
}

/* How many waits there were. */
static unsigned
fail_wait(unsigned nth, enum fake_failure how, unsigned *wrong)
{
	struct asker *askers[6];
	unsigned waits;

	played_clear();
	fake_fail_wait(nth, how);
	played_open(&(struct redis_options){ .host = "192.0.2.1", .port = 1,
	    .password = "x", .timeout = CLOCK_S, .connections = 2 });
	for (unsigned i = 0; i < 6; i++) {
		askers[i] = i % 2 == 0 ? played_spawn("ECHO", "even") :
		    played_spawn("DRIP", "$3\r\nodd\r\n");
		if (i % 3 == 2)
			played_settle();
	}
	played_pass(3 * CLOCK_S);
	*wrong += count_wrong(askers, 6);
	waits = fake_waits();
	fake_fail_wait(0, how);
	played_pass(6 * CLOCK_S);
	*wrong += strcmp(played_asked("ECHO", "hi"), "hi ") != 0;
	redis_stop(played.redis);
	played_settle();
	*wrong += fiber_count() > 0;
	played_end();
	return waits;
}

static void
test_failing_waits(void)
{
	unsigned n, wrong = 0;

	for (n = 1; n <= fail_wait(n, FAIL_BY_TIMEOUT, &wrong); n++)
		;
	T_OK("some waits", n > 10);
	for (n = 1; n <= fail_wait(n, FAIL_BY_CLOSING, &wrong); n++)
		;
	T_INT("each gets its own answer or an error, and it serves again",
	    wrong, 0);
}

int
main(void)
{
	loop_create();
	test_late();
	test_suspect();
	test_silent();
	test_between();
	test_stopped();
	test_limits();
	test_back_off();
	test_silent_connect();
	test_read_only();
	test_renewal_waits();
	test_failing_waits();
	loop_destroy();
	return t_done();
}
