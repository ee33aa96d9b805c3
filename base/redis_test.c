#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/played.h"
#include "tests/kit/t.h"

/* Calls and their answers; what goes wrong with links is in
 * redis_link_test.c. */
static struct redis_stats
stats(void)
{
	struct redis_stats now;

	redis_statistics(played.redis, &now);
	return now;
}

/* --- first words --- */

static const struct {
	const char *name, *user, *password;
	unsigned database;
	const char *want;
} hellos[] = {
	{ "nothing", NULL, NULL, 0, "PING;" },
	{ "password", NULL, "se cret", 0, "AUTH se cret;PING;" },
	{ "user", "fore", "x", 0, "AUTH fore x;PING;" },
	{ "database", NULL, NULL, 7, "SELECT 7;PING;" },
	{ "all", "fore", "x", 12, "AUTH fore x;SELECT 12;PING;" },
};

static void
test_hello(void)
{
	for (size_t i = 0; i < sizeof(hellos) / sizeof(hellos[0]); i++) {
		played_clear();
		played_open(&(struct redis_options){ .path = "/run/redis",
		    .user = hellos[i].user, .password = hellos[i].password,
		    .database = hellos[i].database, .timeout = CLOCK_S,
		    .connections = 1 });
		T_STR(hellos[i].name, played_log(), hellos[i].want);
		T_STR(hellos[i].name, played_asked("ECHO", "hi"), "hi ");
		T_STR("its name", redis_name(played.redis), "/run/redis");
		played_end();
	}
}

static const struct {
	const char *name, *pong, *greeting, *want;
} refusals[] = {
	{ "loading", "-LOADING Redis is loading the dataset\r\n", NULL,
	    "unavailable: PING: it is loading its data: "
	    "LOADING Redis is loading the dataset" },
	{ "password wanted", "-NOAUTH Authentication required.\r\n", NULL,
	    "unavailable: PING: it wants a password: "
	    "NOAUTH Authentication required." },
	{ "no PING for this user", "-NOPERM no ping\r\n", NULL, "hi " },
	{ "no room", "+PONG\r\n", "-ERR max number of clients reached\r\n",
	    "unavailable: PING: it refuses: "
	    "ERR max number of clients reached" },
	{ "another protocol", "+PONG\r\n", "220 mx.example ESMTP\r\n",
	    "unavailable: PING: not Redis: Protocol error, got \"2\" as "
	    "reply type byte" },
	{ "closes", "+PONG\r\n", "",
	    "unavailable: PING: read: Connection reset by peer" },
};

static void
test_refused_hello(void)
{
	for (size_t i = 0; i < sizeof(refusals) / sizeof(refusals[0]); i++) {
		played_begin(1);
		played.pong = refusals[i].pong;
		played.greeting = refusals[i].greeting;
		played_asked("CLOSE", NULL);
		played_pass(5 * CLOCK_S);
		T_STR(refusals[i].name, played_asked("ECHO", "hi"),
		    refusals[i].want);
		played.pong = "+PONG\r\n";
		played.greeting = NULL;
		played_pass(6 * CLOCK_S);
		T_STR("and when it is over", played_asked("ECHO", "hi"), "hi ");
		played_end();
	}
}

/* --- answers --- */

static const struct {
	const char *name, *say, *want;
} answers[] = {
	{ "status", "+OK\r\n", "OK " },
	{ "error", "-ERR no\r\n", "ERR no " },
	{ "number", ":-5\r\n", "-5 " },
	{ "string", "$2\r\nab\r\n", "ab " },
	{ "nil", "$-1\r\n", "nil " },
	{ "nested", "*2\r\n:1\r\n*2\r\n$1\r\na\r\n*0\r\n", "[1 [a []]]" },
};

static void
test_answers(void)
{
	struct asker *slow, *next;

	played_begin(1);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		T_STR(answers[i].name, played_asked("SAY", answers[i].say),
		    answers[i].want);
		slow = played_ask("DRIP", answers[i].say);
		next = played_ask("ECHO", "next");
		played_settle();
		T_STR("octet by octet", slow->said, answers[i].want);
		T_STR("and the next one", next->said, "next ");
	}
	T_INT("one connection", played.connections, 1);
	played_end();
}

/* Those behind it fail too; the ones that come later do not. */
static void
test_broken(const char *name, const char *verb, const char *word,
    const char *want)
{
	struct asker *first, *second;

	played_begin(1);
	played_hold();
	played_ask("HOLD", NULL);
	first = played_ask(verb, word);
	second = played_ask("ECHO", "behind");
	played_let_go();
	played_settle();
	T_STR(name, first->said, want);
	if (strcmp(verb, "SAY") != 0)
		T_STR("behind it", second->said, want);
	T_STR("afterwards", played_asked("ECHO", "hi"), "hi ");
	T_INT("one more connection", played.connections, 2);
	T_INT("one was lost", stats().lost, 1);
	played_end();
}

static void
test_all_broken(void)
{
	test_broken("closed", "CLOSE", NULL,
	    "unavailable: the connection broke: closed by the peer");
	test_broken("garbage", "SAY", "what?\r\n",
	    "unavailable: the connection broke: not Redis: Protocol error, "
	    "got \"w\" as reply type byte");
	test_broken("half an answer", "LAST", "$100\r\nabc",
	    "unavailable: the connection broke: closed by the peer");
	test_broken("two answers for one", "SAY", "+a\r\n+b\r\n+c\r\n",
	    "a ");
	test_broken("too many items", "SAY", "*999999\r\n",
	    "unavailable: the connection broke: not Redis: a reply has too "
	    "many items");
}

/* --- a thousand at once --- */

#define MANY	1000

static unsigned	wrong, early;

static MAY_YIELD void
echo_own(void *arg)
{
	unsigned me = (unsigned)(uintptr_t)arg;
	struct arena *a = arena_create("echo");
	struct redis_reply *replies[3];
	char keys[3][40];
	struct span words[3][2];
	struct redis_command commands[3];
	struct err err;
	size_t n = 1 + me % 3;
	int64_t patience;

	for (unsigned round = 0; round < 5; round++) {
		for (size_t i = 0; i < n; i++) {
			snprintf(keys[i], sizeof(keys[i]), "%u.%u.%zu", me,
			    round, i);
			words[i][0] = SPAN_LIT("ECHO");
			words[i][1] = span_z(keys[i]);
			commands[i] = (struct redis_command){ words[i], 2 };
		}
		/* Every third does not wait for it. */
		patience = (me + round) % 3 == 0 ? -1 : CLOCK_S;
		if (redis_ask(played.redis, a, commands, n, replies,
		    clock_now() + patience, &err) < 0) {
			early++;
			wrong += err.kind != ERR_TIMEOUT || patience > 0;
			continue;
		}
		for (size_t i = 0; i < n; i++)
			wrong += !span_is(replies[i]->text, keys[i]);
	}
	arena_destroy(&a);
}

static void
test_many(void)
{
	size_t others;

	played_begin(4);
	others = fiber_count();
	wrong = early = 0;
	for (unsigned i = 0; i < MANY; i++)
		fiber_spawn("echo", echo_own, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < 10000 && fiber_count() > others; i++)
		loop_turn(false);
	played_settle();
	T_INT("all have ended", fiber_count(), others);
	T_INT("each has its own answer", wrong, 0);
	T_INT("those that left", early, (5 * MANY + 2) / 3);
	T_INT("nobody waits", stats().waiting, 0);
	T_INT("over four connections", played.connections, 4);
	played_end();
}

int
main(void)
{
	struct err err;

	loop_create();
	test_hello();
	test_refused_hello();
	test_answers();
	test_all_broken();
	test_many();
	played.arena = arena_create("options");
	T_OK("no place", redis_open(played.arena, &(struct redis_options){
	    .connections = 1 }, &err) == NULL);
	T_STR("no place", err.text, "no host and port");
	T_OK("no connections", redis_open(played.arena,
	    &(struct redis_options){ .path = "/x" }, &err) == NULL);
	T_STR("no connections", err.text, "0 connections are not 1 to 16");
	arena_destroy(&played.arena);
	loop_destroy();
	return t_done();
}
