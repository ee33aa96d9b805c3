#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/loop.h"
#include "base/redis.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/*
 * The client against a server that this test plays: dial() gives one end of a
 * socketpair, time passes only when the test says so.
 */

/* --- the server: what it is told it mostly says --- */

static struct {
	int		 refuses;	/* of FAKE_DIAL_*, 0: it does not */
	const char	*greeting;	/* and then it closes; NULL: none */
	const char	*pong;
	bool		 is_held;	/* HOLD waits for the end of it */
	struct fiber	*holding;
	unsigned	 connections, dials;
	struct buf	 log;
} server;

static MAY_YIELD int
obey(struct conn *c, const struct redis_reply *command)
{
	const struct redis_reply *w = command->items;
	struct err err;

	if (span_is(w[0].text, "PING"))
		conn_puts(c, server.pong);
	else if (span_is(w[0].text, "ECHO"))
		conn_printf(c, "$%zu\r\n%.*s\r\n", w[1].text.len,
		    SPAN_ARG(w[1].text));
	else if (span_is(w[0].text, "SAY"))
		conn_put(c, w[1].text.p, w[1].text.len);
	else if (span_is(w[0].text, "DRIP")) {
		for (size_t i = 0; i < w[1].text.len; i++) {
			if (conn_write(c, w[1].text.p + i, 1, CLOCK_NEVER,
			    &err) < 0)
				return -1;
			fiber_yield();
		}
	} else if (span_is(w[0].text, "HOLD")) {
		server.holding = fiber_self();
		while (server.is_held)
			if (fiber_wait(CLOCK_NEVER, &err) < 0)
				return -1;
		server.holding = NULL;
		conn_puts(c, "+held\r\n");
	} else if (span_is(w[0].text, "LAST")) {
		conn_write(c, w[1].text.p, w[1].text.len, CLOCK_NEVER, &err);
		return -1;
	} else if (span_is(w[0].text, "CLOSE"))
		return -1;
	else
		conn_puts(c, "+OK\r\n");
	return 0;
}

static MAY_YIELD void
serve(void *arg)
{
	struct conn *c = arg;
	struct redis_reader *reader = redis_reader_create();
	const struct redis_reply *command;
	unsigned number = server.connections;
	struct err err;
	int ret = 0;

	if (server.greeting != NULL) {
		conn_puts(c, server.greeting);
		conn_flush(c, CLOCK_NEVER, &err);
		ret = -1;
	}
	while (ret >= 0) {
		ret = redis_reader_next(reader, &command, &err);
		if (ret > 0 && number > 0) {
			for (size_t i = 0; i < command->n; i++)
				buf_printf(&server.log, "%s%.*s",
				    i > 0 ? " " : "",
				    SPAN_ARG(command->items[i].text));
			buf_puts(&server.log, ";");
			ret = obey(c, command);
		} else if (ret == 0) {
			ret = conn_fill(c, CLOCK_NEVER, &err);
			if (ret == 0)
				ret = redis_reader_feed(reader, conn_input(c),
				    &err);
			if (ret == 0)
				conn_consume(c, conn_input(c).len);
		}
	}
	redis_reader_destroy(&reader);
	conn_close(&c);
}

static int
accept_dial(int fd)
{
	server.dials++;
	if (server.refuses != 0)
		return server.refuses;
	server.connections++;
	fiber_spawn("server", serve, conn_open(fd));
	return 0;
}

static const char *
logged(struct arena *a)
{
	const char *text = arena_copy(a, buf_text(&server.log));

	buf_clear(&server.log);
	return text;
}

static void
hold(void)
{
	server.is_held = true;
}

static void
let_go(void)
{
	server.is_held = false;
	if (server.holding != NULL)
		fiber_wake(server.holding);
}

/* --- the clients --- */

static struct arena	*arena;		/* of the test that runs */
static struct redis	*redis;

struct asker {
	const char	*verb, *word;	/* word NULL: none */
	int64_t		 patience;	/* 0: 1 s */
	struct fiber	*fiber;
	bool		 is_done;
	char		 said[200];
};

static void
show(struct buf *b, const struct redis_reply *reply)
{
	if (reply->type == REDIS_ARRAY) {
		buf_puts(b, "[");
		for (size_t i = 0; i < reply->n; i++)
			show(b, &reply->items[i]);
		buf_puts(b, "]");
	} else if (reply->type == REDIS_INTEGER)
		buf_printf(b, "%jd ", (intmax_t)reply->number);
	else if (reply->type == REDIS_NIL)
		buf_puts(b, "nil ");
	else
		buf_printf(b, "%.*s ", SPAN_ARG(reply->text));
}

static MAY_YIELD void
ask(void *arg)
{
	struct asker *asker = arg;
	struct span words[2] = { span_z(asker->verb), span_z(asker->word) };
	struct redis_command command = { words, asker->word != NULL ? 2 : 1 };
	struct arena *a = arena_create("asker");
	struct redis_reply *reply;
	struct buf b = {0};
	struct err err;

	if (redis_ask(redis, a, &command, 1, &reply, clock_now() +
	    (asker->patience > 0 ? asker->patience : CLOCK_S), &err) < 0)
		buf_printf(&b, "%s: %s", err_kind_name(err.kind), err.text);
	else
		show(&b, reply);
	snprintf(asker->said, sizeof(asker->said), "%.*s",
	    SPAN_ARG(buf_text(&b)));
	buf_free(&b);
	arena_destroy(&a);
	asker->is_done = true;
}

/* Lets everything happen that happens without time passing. */
static void
settle(void)
{
	for (unsigned i = 0; i < 60; i++)
		loop_turn(false);
}

static void
pass(int64_t us)
{
	fake_clock_advance(us);
	settle();
}

static struct asker *
spawn_asker(const char *verb, const char *word)
{
	struct asker *asker = arena_new(arena, struct asker);

	asker->verb = verb;
	asker->word = word;
	asker->fiber = fiber_spawn("asker", ask, asker);
	return asker;
}

static struct asker *
begin_asking(const char *verb, const char *word)
{
	struct asker *asker = spawn_asker(verb, word);

	settle();
	return asker;
}

static const char *
asked(const char *verb, const char *word)
{
	struct asker *asker = begin_asking(verb, word);

	return asker->is_done ? asker->said : "no answer";
}

static void
begin_with(const struct redis_options *options)
{
	struct err err;

	arena = arena_create("test");
	fake_dial = accept_dial;
	server.pong = "+PONG\r\n";
	server.connections = server.dials = 0;
	redis = redis_open(arena, options, &err);
	if (redis == NULL)
		abort();
	settle();
	/* Links are not new any more. */
	pass(2 * CLOCK_S);
}

static void
begin(size_t connections)
{
	begin_with(&(struct redis_options){ .host = "192.0.2.1", .port = 6379,
	    .timeout = CLOCK_S, .connections = connections });
	buf_clear(&server.log);
}

static void
end(void)
{
	redis_stop(redis);
	for (unsigned i = 0; i < 1000 && fiber_count() > 0; i++)
		loop_turn(false);
	T_INT("all fibers have ended", fiber_count(), 0);
	buf_free(&server.log);
	memset(&server, 0, sizeof(server));
	arena_destroy(&arena);
}

static struct redis_stats
stats(void)
{
	struct redis_stats now;

	redis_statistics(redis, &now);
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
		begin_with(&(struct redis_options){ .path = "/run/redis",
		    .user = hellos[i].user, .password = hellos[i].password,
		    .database = hellos[i].database, .timeout = CLOCK_S,
		    .connections = 1 });
		T_STR(hellos[i].name, logged(arena), hellos[i].want);
		T_STR(hellos[i].name, asked("ECHO", "hi"), "hi ");
		T_STR("its name", redis_name(redis), "/run/redis");
		end();
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
		begin(1);
		server.pong = refusals[i].pong;
		server.greeting = refusals[i].greeting;
		asked("CLOSE", NULL);
		pass(5 * CLOCK_S);
		T_STR(refusals[i].name, asked("ECHO", "hi"),
		    refusals[i].want);
		server.pong = "+PONG\r\n";
		server.greeting = NULL;
		pass(6 * CLOCK_S);
		T_STR("and when it is over", asked("ECHO", "hi"), "hi ");
		end();
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

	begin(1);
	for (size_t i = 0; i < sizeof(answers) / sizeof(answers[0]); i++) {
		T_STR(answers[i].name, asked("SAY", answers[i].say),
		    answers[i].want);
		slow = begin_asking("DRIP", answers[i].say);
		next = begin_asking("ECHO", "next");
		settle();
		T_STR("octet by octet", slow->said, answers[i].want);
		T_STR("and the next one", next->said, "next ");
	}
	T_INT("one connection", server.connections, 1);
	end();
}

/* Those behind it fail too; the ones that come later do not. */
static void
test_broken(const char *name, const char *verb, const char *word,
    const char *want)
{
	struct asker *first, *second;

	begin(1);
	hold();
	begin_asking("HOLD", NULL);
	first = begin_asking(verb, word);
	second = begin_asking("ECHO", "behind");
	let_go();
	settle();
	T_STR(name, first->said, want);
	if (strcmp(verb, "SAY") != 0)
		T_STR("behind it", second->said, want);
	T_STR("afterwards", asked("ECHO", "hi"), "hi ");
	T_INT("one more connection", server.connections, 2);
	T_INT("one was lost", stats().lost, 1);
	end();
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
		if (redis_ask(redis, a, commands, n, replies,
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

	begin(4);
	others = fiber_count();
	wrong = early = 0;
	for (unsigned i = 0; i < MANY; i++)
		fiber_spawn("echo", echo_own, (void *)(uintptr_t)i);
	for (unsigned i = 0; i < 10000 && fiber_count() > others; i++)
		loop_turn(false);
	settle();
	T_INT("all have ended", fiber_count(), others);
	T_INT("each has its own answer", wrong, 0);
	T_INT("those that left", early, (5 * MANY + 2) / 3);
	T_INT("nobody waits", stats().waiting, 0);
	T_INT("over four connections", server.connections, 4);
	end();
}

/* --- no answer --- */

static void
test_late(void)
{
	struct asker *held, *next;

	begin(1);
	hold();
	held = begin_asking("HOLD", NULL);
	next = begin_asking("ECHO", "next");
	pass(CLOCK_S / 2);
	T_OK("waits", !held->is_done && !next->is_done);
	pass(CLOCK_S);
	T_STR("its time is over", held->said, "timeout: no answer in time");
	T_STR("that of the next", next->said, "timeout: no answer in time");
	T_INT("their places stay", stats().waiting, 2);
	next = begin_asking("ECHO", "third");
	let_go();
	settle();
	T_STR("gets its own answer", next->said, "third ");
	T_INT("none is left", stats().waiting, 0);
	T_INT("over the same connection", server.connections, 1);
	T_INT("counted", stats().timeouts, 2);
	end();
}

static void
test_suspect(void)
{
	struct asker *held;

	begin(2);
	hold();
	held = begin_asking("HOLD", NULL);
	pass(CLOCK_S + 1);
	T_STR("one is silent", held->said, "timeout: no answer in time");
	for (unsigned i = 0; i < 4; i++)
		T_STR("the other is asked", asked("ECHO", "hi"), "hi ");
	let_go();
	end();
}

static void
test_silent(void)
{
	struct asker *held, *next;

	begin(1);
	hold();
	held = begin_asking("HOLD", NULL);
	pass(CLOCK_S + 1);
	T_OK("timed out", held->is_done);
	next = begin_asking("ECHO", "next");
	pass(CLOCK_S - 2);
	T_OK("still waited for", !next->is_done);
	server.refuses = FAKE_DIAL_REFUSED;
	fake_clock_advance(1);
	settle();
	T_STR("the connection is given up", next->said,
	    "unavailable: no answer in time, and none after it");
	T_STR("at once", asked("ECHO", "hi"),
	    "unavailable: connect: Connection refused");
	server.refuses = 0;
	pass(CLOCK_S);
	T_STR("and a new one serves", asked("ECHO", "hi"), "hi ");
	let_go();
	end();
}

static void
test_stopped(void)
{
	struct asker *held, *next;

	begin(1);
	hold();
	held = begin_asking("HOLD", NULL);
	next = begin_asking("ECHO", "next");
	fiber_stop(held->fiber);
	settle();
	T_STR("leaves", held->said, "closed: stopping");
	let_go();
	settle();
	T_STR("the others do not notice", next->said, "next ");

	hold();
	held = begin_asking("HOLD", NULL);
	redis_stop(redis);
	settle();
	T_STR("the client ends", held->said,
	    "unavailable: it is being closed");
	T_STR("nobody is served", asked("ECHO", "hi"),
	    "unavailable: it is being closed");
	let_go();
	end();
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
		if (redis_ask(redis, arena, &hold, 1, &reply, clock_now(),
		    err) == 0 || err->kind != ERR_TIMEOUT)
			break;
	T_INT("so many", i, REDIS_MOST_WAITING);
}

static void
test_limits(void)
{
	struct err err;

	begin(1);
	hold();
	fiber_spawn("leaves", leave_many, &err);
	settle();
	T_STR("and no more", err.text,
	    "10000 commands wait for it already");
	T_STR("others too", asked("ECHO", "hi"),
	    "unavailable: 10000 commands wait for it already");
	let_go();
	pass(CLOCK_S / 2);
	T_INT("until they are answered", stats().waiting, 0);
	T_STR("as before", asked("ECHO", "hi"), "hi ");
	end();
}

/* --- connecting --- */

static void
test_back_off(void)
{
	unsigned before;

	server.refuses = FAKE_DIAL_REFUSED;
	begin(1);
	T_STR("fails at once", asked("ECHO", "hi"),
	    "unavailable: connect: Connection refused");
	pass(CLOCK_S);
	for (unsigned i = 0; i < 200; i++)	/* its longest pause */
		pass(CLOCK_S / 10);
	before = server.dials;
	for (unsigned i = 0; i < 1000; i++)
		pass(CLOCK_S / 10);
	T_OK("4 to 5 s", server.dials - before >= 20 &&
	    server.dials - before <= 25);
	server.refuses = 0;
	pass(5 * CLOCK_S + 1);
	T_STR("and back", asked("ECHO", "hi"), "hi ");
	pass(2 * CLOCK_S);
	asked("CLOSE", NULL);
	T_INT("a good link is made again at once", server.connections, 2);
	asked("CLOSE", NULL);
	T_INT("one that lived shortly is not", server.connections, 2);
	pass(CLOCK_S / 8 + 1);
	T_INT("but soon", server.connections, 3);
	end();
}

static void
test_silent_connect(void)
{
	struct asker *asker;

	server.refuses = FAKE_DIAL_SILENT;
	arena = arena_create("test");
	fake_dial = accept_dial;
	server.pong = "";
	redis = redis_open(arena, &(struct redis_options){ .host = "::1",
	    .port = 1, .timeout = CLOCK_S, .connections = 2 },
	    &(struct err){0});
	T_STR("its name", redis_name(redis), "[::1]:1");
	asker = spawn_asker("ECHO", "hi");
	asker->patience = CLOCK_S / 2;
	settle();
	T_OK("a first attempt is waited for", !asker->is_done);
	pass(CLOCK_S / 2);
	T_STR("not for long", asker->said, "timeout: no connection in time");
	pass(CLOCK_S);
	T_STR("no second one", asked("ECHO", "hi"),
	    "unavailable: connect: timed out");
	server.refuses = 0;		/* connects, but says nothing */
	pass(CLOCK_S);
	T_OK("connected", server.connections > 0);
	pass(CLOCK_S + 1);
	T_STR("no answer to the first words", asked("ECHO", "hi"),
	    "unavailable: PING: timed out");
	end();
}

/* --- failover --- */

static void
test_read_only(void)
{
	static const char no[] = "-READONLY You can't write\r\n";

	begin(1);
	T_STR("the answer is told", asked("SAY", no),
	    "READONLY You can't write ");
	T_INT("a new connection", server.connections, 2);
	T_STR("serves", asked("SAY", no), "READONLY You can't write ");
	T_INT("not again at once", server.connections, 2);
	pass(CLOCK_S / 5);
	T_STR("nested", asked("SAY", "*2\r\n+OK\r\n-READONLY no\r\n"),
	    "[OK READONLY no ]");
	T_INT("but later", server.connections, 3);
	T_STR("no failure", asked("ECHO", "hi"), "hi ");
	T_INT("nor a loss", stats().lost, 0);
	end();
}

/* Those who wait on a link that is to be renewed get their answers. */
static void
test_renewal_waits(void)
{
	struct asker *held, *behind, *later;

	begin(1);
	hold();
	held = begin_asking("SAY", "-READONLY no\r\n");
	T_OK("answered", held->is_done);
	pass(CLOCK_S);
	held = spawn_asker("DRIP", "-READONLY no\r\n");
	spawn_asker("HOLD", NULL);
	behind = spawn_asker("ECHO", "behind");
	settle();
	later = begin_asking("ECHO", "later");
	T_STR("refused", held->said, "READONLY no ");
	T_OK("others wait", !behind->is_done && !later->is_done);
	T_INT("the old one is there", server.connections, 2);
	let_go();
	settle();
	T_STR("those behind it", behind->said, "behind ");
	T_STR("and those who come", later->said, "later ");
	T_INT("over the next", server.connections, 3);
	end();
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
	test_late();
	test_suspect();
	test_silent();
	test_stopped();
	test_limits();
	test_back_off();
	test_silent_connect();
	test_read_only();
	test_renewal_waits();
	arena = arena_create("options");
	T_OK("no place", redis_open(arena, &(struct redis_options){
	    .connections = 1 }, &err) == NULL);
	T_STR("no place", err.text, "no host and port");
	T_OK("no connections", redis_open(arena, &(struct redis_options){
	    .path = "/x" }, &err) == NULL);
	T_STR("no connections", err.text, "0 connections are not 1 to 16");
	arena_destroy(&arena);
	loop_destroy();
	return t_done();
}
