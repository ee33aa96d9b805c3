#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "gateway/stats.h"
#include "tests/kit/relay.h"
#include "tests/kit/t.h"

#define GOOD	"rcpt 250 2.1.5 recipient ok, message 250 2.0.0 taken"
#define RCPT_OK	"rcpt 250 2.1.5 recipient ok"

static void
rule(struct relay *r, size_t n, const char *at, unsigned conn, unsigned nth,
    const char *say)
{
	r->servers[0].rules[n] = (struct mail_server_rule){ .at = at,
	    .conn = conn, .nth = nth, .say = say };
}

/* --- reuse --- */

static void
test_reuse(void)
{
	int64_t reuses = stats_get(STAT_BACKEND_REUSES);
	int64_t connects = stats_get(STAT_BACKEND_CONNECTS);
	struct mailing m = {0};
	static struct relay r;
	int i;

	relay_begin(&r, 1);
	relay_start(&r);
	for (i = 0; i < 3; i++)
		T_STR("kept connection", relay_try(&r, &m), GOOD);
	T_STR("no RSET after a message", mail_server_verbs(&r.servers[0]),
	    "1 EHLO MAIL+ RCPT DATA MAIL+ RCPT DATA MAIL+ RCPT DATA");
	T_INT("counted", stats_get(STAT_BACKEND_REUSES) - reuses, 2);
	T_INT("and the connection", stats_get(STAT_BACKEND_CONNECTS) -
	    connects, 1);
	T_INT("which is open", stats_get(STAT_BACKEND_OPEN), 1);
	relay_end(&r);
	T_INT("and then closed", stats_get(STAT_BACKEND_OPEN), 0);
}

/* What makes RSET necessary, and what does not. */
static void
test_rset(void)
{
	static const struct {
		const char	*name, *offers;
		struct mail_server_rule rule;
		bool		 no_message;
		const char	*verbs;
	} cases[] = {
		{ "given up after RCPT", "PIPELINING", {0}, true,
		    "1 EHLO MAIL+ RCPT RSET+ MAIL+ RCPT DATA" },
		{ "given up, no PIPELINING", "", {0}, true,
		    "1 EHLO MAIL RCPT RSET MAIL RCPT DATA" },
		{ "RCPT refused", "PIPELINING",
		    { .at = "RCPT", .nth = 1, .say = "550 5.1.1 no" }, true,
		    "1 EHLO MAIL+ RCPT RSET+ MAIL+ RCPT DATA" },
		{ "MAIL refused", "PIPELINING",
		    { .at = "MAIL", .nth = 1, .say = "550 5.1.0 no" }, true,
		    "1 EHLO MAIL+ RCPT MAIL+ RCPT DATA" },
		{ "MAIL refused, no PIPELINING", "",
		    { .at = "MAIL", .nth = 1, .say = "550 5.1.0 no" }, true,
		    "1 EHLO MAIL MAIL RCPT DATA" },
		{ "DATA refused", "PIPELINING",
		    { .at = "DATA", .nth = 1, .say = "451 4.3.0 no" }, false,
		    "1 EHLO MAIL+ RCPT DATA RSET+ MAIL+ RCPT DATA" },
		{ "message refused", "PIPELINING",
		    { .at = "message", .nth = 1, .say = "550 5.7.1 no" },
		    false, "1 EHLO MAIL+ RCPT DATA MAIL+ RCPT DATA" },
		{ "RSET is refused", "PIPELINING",
		    { .at = "RSET", .say = "550 5.5.1 no" }, true,
		    "1 EHLO MAIL+ RCPT RSET+ MAIL+ RCPT 2 EHLO MAIL+ RCPT "
		    "DATA" },
	};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing first = { .no_message = cases[i].no_message };
		struct mailing next = {0};

		relay_begin(&r, 1);
		r.servers[0].offers = cases[i].offers;
		r.servers[0].rules[0] = cases[i].rule;
		relay_start(&r);
		relay_try(&r, &first);
		T_STR(cases[i].name, relay_try(&r, &next), GOOD);
		T_STR(cases[i].name, mail_server_verbs(&r.servers[0]),
		    cases[i].verbs);
		relay_end(&r);
	}
}

/* --- kept connections that are dead --- */

static void
test_kept_is_dead(void)
{
	static const struct {
		const char	*name, *at, *say;
		unsigned	 nth;
		const char	*verbs;
	} cases[] = {
		{ "closes at MAIL", "MAIL", "!close", 2,
		    "1 EHLO MAIL+ RCPT DATA MAIL+ 2 EHLO MAIL+ RCPT DATA" },
		{ "resets at MAIL", "MAIL", "!reset", 2,
		    "1 EHLO MAIL+ RCPT DATA MAIL+ 2 EHLO MAIL+ RCPT DATA" },
		{ "closes at RCPT", "RCPT", "!close", 2,
		    "1 EHLO MAIL+ RCPT DATA MAIL+ RCPT 2 EHLO MAIL+ RCPT "
		    "DATA" },
		{ "421 at MAIL", "MAIL", "421 4.4.2 idle\n!close", 2,
		    "1 EHLO MAIL+ RCPT DATA MAIL+ 2 EHLO MAIL+ RCPT DATA" },
		{ "nonsense at MAIL", "MAIL", "hello", 2,
		    "1 EHLO MAIL+ RCPT DATA MAIL+ RCPT 2 EHLO MAIL+ RCPT "
		    "DATA" },
		{ "hangs at MAIL", "MAIL", "!hang", 2,
		    "1 EHLO MAIL+ RCPT DATA MAIL+ 2 EHLO MAIL+ RCPT DATA" },
		{ "speaks after the message", "message",
		    "250 2.0.0 taken\n250 and more", 1,
		    "1 EHLO MAIL+ RCPT DATA 2 EHLO MAIL+ RCPT DATA" },
		{ "closes after the message", "message",
		    "250 2.0.0 taken\n!close", 1,
		    "1 EHLO MAIL+ RCPT DATA 2 EHLO MAIL+ RCPT DATA" },
		{ "says 421 after the message", "message",
		    "250 2.0.0 taken\n421 4.3.2 bye\n!close", 1,
		    "1 EHLO MAIL+ RCPT DATA 2 EHLO MAIL+ RCPT DATA" },
	};
	struct mailing first = {0}, next = {0};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 1);
		rule(&r, 0, cases[i].at, 1, cases[i].nth, cases[i].say);
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &first), GOOD);
		if (strcmp(cases[i].say, "!hang") == 0)
			relay_patience(&r, 200 * CLOCK_MS);
		T_STR(cases[i].name, relay_try(&r, &next), GOOD);
		T_STR(cases[i].name, mail_server_verbs(&r.servers[0]),
		    cases[i].verbs);
		T_INT("and nobody hears of it", relay_logged(&r, "inside"), 0);
		relay_end(&r);
	}
}

static void
test_replaced_once(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 1);
	relay_start(&r);
	relay_try(&r, &m);
	rule(&r, 0, "MAIL", 0, 0, "!close");
	T_STR("a new connection that dies is an error", relay_try(&r, &m),
	    "rcpt failed 451 4.4.1");
	T_STR("two were tried", mail_server_verbs(&r.servers[0]),
	    "1 EHLO MAIL+ RCPT DATA MAIL+ 2 EHLO MAIL+");
	relay_end(&r);
}

static void
test_not_replaced_later(void)
{
	struct mailing m = { .nrcpts = 2 };
	static struct relay r;

	relay_begin(&r, 1);
	relay_start(&r);
	relay_try(&r, &m);
	rule(&r, 0, "RCPT", 1, 4, "!close");
	T_STR("lost after a recipient was taken", relay_try(&r, &m),
	    RCPT_OK ", rcpt failed 451 4.4.1, message failed 451 4.4.1");
	T_INT("nothing was delivered twice", r.servers[0].messages, 1);
	relay_end(&r);
}

static void
test_closed_meanwhile(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 1);
	relay_start(&r);
	relay_try(&r, &m);
	mail_server_hang_up(&r.servers[0]);
	RELAY_UNTIL(r.servers[0].open == 0);
	relay_sleep(CLOCK_MS);
	T_STR("closed meanwhile", relay_try(&r, &m), GOOD);
	T_STR("is seen without a word", mail_server_verbs(&r.servers[0]),
	    "1 EHLO MAIL+ RCPT DATA 2 EHLO MAIL+ RCPT DATA");
	relay_end(&r);
}

/* --- limits --- */

static void
test_limits(void)
{
	static const struct {
		const char	*name;
		uint64_t	 max_idle, max_uses;
		int64_t		 max_age, idle_time, pause;
		unsigned	 connections;
	} cases[] = {
		{ "kept", 10, 1000, 60 * CLOCK_S, 60 * CLOCK_S, 0, 1 },
		{ "none kept", 0, 1000, 60 * CLOCK_S, 60 * CLOCK_S, 0, 4 },
		{ "two uses", 10, 2, 60 * CLOCK_S, 60 * CLOCK_S, 0, 2 },
		{ "too old", 10, 1000, 10 * CLOCK_MS, 60 * CLOCK_S,
		    20 * CLOCK_MS, 4 },
		{ "idle too long", 10, 1000, 60 * CLOCK_S, 10 * CLOCK_MS,
		    40 * CLOCK_MS, 4 },
	};
	struct mailing m = {0};
	static struct relay r;
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 1);
		r.conf.max_idle = cases[i].max_idle;
		r.conf.max_uses = cases[i].max_uses;
		r.conf.max_age = cases[i].max_age;
		r.conf.idle_time = cases[i].idle_time;
		relay_start(&r);
		for (k = 0; k < 4; k++) {
			T_STR(cases[i].name, relay_try(&r, &m), GOOD);
			if (cases[i].pause > 0)
				relay_sleep(cases[i].pause);
		}
		T_INT(cases[i].name, r.servers[0].connections,
		    cases[i].connections);
		relay_end(&r);
	}
}

/* Servers count errors: a connection that met many is not kept, unless a
 * message was taken since. */
static void
test_refusals(void)
{
	struct mailing m = {0};
	static struct relay r;
	int i;

	relay_begin(&r, 1);
	rule(&r, 0, "RCPT", 1, 0, "550 5.1.1 no");
	relay_start(&r);
	for (i = 0; i < 6; i++)
		relay_try(&r, &m);
	T_STR("after five refusals another", m.outcome, GOOD);
	T_INT("one after the other", r.servers[0].connections, 2);
	rule(&r, 0, "message", 0, 0, "550 5.7.1 no");
	for (i = 0; i < 4; i++)
		relay_try(&r, &m);
	mail_server_forget(&r.servers[0]);
	for (i = 0; i < 4; i++)
		T_STR("a message makes good", relay_try(&r, &m), GOOD);
	T_INT("over that one", r.servers[0].connections, 2);
	relay_end(&r);
}

static void
test_quit(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 1);
	r.conf.idle_time = 10 * CLOCK_MS;
	relay_start(&r);
	relay_try(&r, &m);
	RELAY_UNTIL(r.servers[0].open == 0);
	T_STR("idle ones are told QUIT", mail_server_verbs(&r.servers[0]),
	    "1 EHLO MAIL+ RCPT DATA QUIT");
	relay_end(&r);

	relay_begin(&r, 1);
	relay_start(&r);
	relay_try(&r, &m);
	backends_destroy(&r.backends);
	RELAY_UNTIL(r.servers[0].open == 0);
	T_STR("at the end all are", mail_server_verbs(&r.servers[0]),
	    "1 EHLO MAIL+ RCPT DATA QUIT");
	relay_end(&r);

	relay_begin(&r, 1);
	rule(&r, 0, "QUIT", 0, 0, "!hang");
	r.conf.max_idle = 0;
	relay_start(&r);
	relay_try(&r, &m);
	T_STR("a server that ignores QUIT", relay_try(&r, &m), GOOD);
	relay_end(&r);

	relay_begin(&r, 1);
	rule(&r, 0, "QUIT", 1, 0, "!hang");
	r.conf.max_idle = 0;
	relay_start(&r);
	relay_try(&r, &m);
	RELAY_UNTIL(mail_server_was_told(&r.servers[0], "1 QUIT"));
	relay_try(&r, &m);
	RELAY_UNTIL(r.servers[0].open == 0);
	T_OK("one that leaves meanwhile is told QUIT too",
	    mail_server_was_told(&r.servers[0], "2 QUIT"));
	relay_end(&r);
}

static void
test_max_connections(void)
{
	static struct mailing first = { .hold = 50 * CLOCK_MS };
	static struct mailing second, third;
	static struct relay r;

	relay_begin(&r, 1);
	r.conf.max_connections = 1;
	relay_start(&r);
	relay_spawn(&r, &first);
	relay_spawn(&r, &second);
	relay_spawn(&r, &third);
	relay_wait(&second);
	T_OK("one after the other", first.done);
	relay_wait(&third);
	T_STR("the first", first.outcome, GOOD);
	T_STR("the second waits for its connection", second.outcome, GOOD);
	T_STR("and the third", third.outcome, GOOD);
	T_INT("over one connection", r.servers[0].connections, 1);
	relay_end(&r);
}

static void
test_no_connection_free(void)
{
	struct mailing first = { .hold = 300 * CLOCK_MS }, second = {0};
	static struct relay r;

	relay_begin(&r, 1);
	r.conf.max_connections = 1;
	r.conf.connect_timeout = 100 * CLOCK_MS;
	relay_start(&r);
	relay_spawn(&r, &first);
	RELAY_UNTIL(r.servers[0].connections == 1);
	T_STR("none in time", relay_try(&r, &second), "rcpt failed 451 "
	    "4.4.2");
	T_OK("says why", strstr(second.err.text,
	    ": all 1 connections are in use") != NULL);
	relay_wait(&first);
	T_STR("the other goes on", first.outcome, GOOD);
	T_STR("and the next has it", relay_try(&r, &second), GOOD);
	T_INT("over one connection", r.servers[0].connections, 1);
	relay_end(&r);
}

/* A place that a failed connection held is free again. */
static void
test_place_is_freed(void)
{
	struct mailing first = {0}, second = {0};
	static struct relay r;

	relay_begin(&r, 1);
	r.conf.max_connections = 1;
	rule(&r, 0, "EHLO", 1, 0, "!close");
	relay_start(&r);
	relay_spawn(&r, &first);
	relay_spawn(&r, &second);
	relay_wait(&first);
	relay_wait(&second);
	T_STR("the first fails", first.outcome, "rcpt failed 451 4.4.1");
	T_STR("the second has its place", second.outcome, GOOD);
	relay_end(&r);
}

/* An idle connection to one address makes place for another address. */
static void
test_place_of_another(void)
{
	struct mailing m = {0};
	static struct relay r;
	int i;

	relay_begin(&r, 2);
	r.conf.max_connections = 1;
	relay_start(&r);
	for (i = 0; i < 40; i++)
		if (strcmp(relay_try(&r, &m), GOOD) != 0)
			break;
	T_STR("one connection, two addresses", m.outcome, GOOD);
	T_OK("both are used", r.servers[0].messages > 0 &&
	    r.servers[1].messages > 0);
	relay_end(&r);
}

static void
test_stopped_waiter(void)
{
	static struct mailing first = { .hold = 50 * CLOCK_MS };
	static struct mailing second, third;
	static struct relay r;

	relay_begin(&r, 1);
	r.conf.max_connections = 1;
	relay_start(&r);
	relay_spawn(&r, &first);
	relay_spawn(&r, &second);
	relay_spawn(&r, &third);
	RELAY_UNTIL(r.servers[0].connections == 1);
	fiber_stop(second.fiber);
	relay_wait(&second);
	T_STR("who must stop is told nothing", second.outcome,
	    "rcpt failed 0");
	relay_wait(&third);
	T_STR("who waited behind it goes on", third.outcome, GOOD);
	relay_end(&r);
}

int
main(void)
{
	alarm(240);
	loop_create();
	test_reuse();
	test_rset();
	test_kept_is_dead();
	test_replaced_once();
	test_not_replaced_later();
	test_closed_meanwhile();
	test_limits();
	test_refusals();
	test_quit();
	test_max_connections();
	test_no_connection_free();
	test_place_is_freed();
	test_place_of_another();
	test_stopped_waiter();
	loop_destroy();
	return t_done();
}
