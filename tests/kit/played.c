#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/played.h"
#include "tests/kit/t.h"

/* --- the server --- */

struct played played;

static MAY_YIELD int
obey(struct conn *c,
    const struct redis_reply *command)
{
	const struct redis_reply *w = command->items;
	struct err err;

	if (span_is(w[0].text, "PING"))
		conn_puts(c, played.pong);
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
		played.holding = fiber_self();
		while (played.is_held)
			if (fiber_wait(CLOCK_NEVER, &err) < 0)
				return -1;
		played.holding = NULL;
		conn_puts(c, "+held\r\n");
	} else if (span_is(w[0].text, "LAST")) {
		conn_write(c, w[1].text.p, w[1].text.len, CLOCK_NEVER, &err);
		return -1;
	} else if (span_is(w[0].text, "CLOSE"))
		return -1;
	else if (played.otherwise != NULL)
		return played.otherwise(c, command);
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
	struct err err;
	int ret = 0;

	if (played.greeting != NULL) {
		conn_puts(c, played.greeting);
		conn_flush(c, CLOCK_NEVER, &err);
		ret = -1;
	}
	while (ret >= 0) {
		ret = redis_reader_next(reader, &command, &err);
		if (ret > 0) {
			for (size_t i = 0; i < command->n; i++)
				buf_printf(&played.log, "%s%.*s",
				    i > 0 ? " " : "",
				    SPAN_ARG(command->items[i].text));
			buf_puts(&played.log, ";");
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
	played.dials++;
	if (played.refuses != 0)
		return played.refuses;
	played.connections++;
	fiber_spawn("server", serve, conn_open(fd));
	return 0;
}

const char *
played_log(void)
{
	const char *text = arena_copy(played.arena, buf_text(&played.log));

	buf_clear(&played.log);
	return text;
}

void
played_hold(void)
{
	played.is_held = true;
}

void
played_let_go(void)
{
	played.is_held = false;
	if (played.holding != NULL)
		fiber_wake(played.holding);
}

/* --- the clients --- */

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

	if (redis_ask(played.redis, a, &command, 1, &reply,
	    clock_now() + asker->patience, &err) < 0)
		buf_printf(&b, "%s: %s", err_kind_name(err.kind), err.text);
	else
		show(&b, reply);
	snprintf(asker->said, sizeof(asker->said), "%.*s",
	    SPAN_ARG(buf_text(&b)));
	buf_free(&b);
	arena_destroy(&a);
	asker->is_done = true;
}

void
played_settle(void)
{
	for (unsigned i = 0; i < 60; i++)
		loop_turn(false);
}

void
played_pass(int64_t us)
{
	fake_clock_advance(us);
	played_settle();
}

struct asker *
played_spawn(const char *verb, const char *word)
{
	struct asker *asker = arena_new(played.arena, struct asker);

	asker->verb = verb;
	asker->word = word;
	asker->patience = CLOCK_S;
	asker->fiber = fiber_spawn("asker", ask, asker);
	return asker;
}

struct asker *
played_ask(const char *verb, const char *word)
{
	struct asker *asker = played_spawn(verb, word);

	played_settle();
	return asker;
}

const char *
played_asked(const char *verb, const char *word)
{
	struct asker *asker = played_ask(verb, word);

	return asker->is_done ? asker->said : "no answer";
}

/* --- life --- */

void
played_clear(void)
{
	memset(&played, 0, sizeof(played));
	played.arena = arena_create("trial");
	played.pong = "+PONG\r\n";
	fake_dial = accept_dial;
}

void
played_open(const struct redis_options *options)
{
	struct err err;

	played.redis = redis_open(played.arena, options, &err);
	if (played.redis == NULL)
		abort();
	played_settle();
}

void
played_begin(size_t connections)
{
	played_clear();
	played_open(&(struct redis_options){ .host = "192.0.2.1",
	    .port = 6379, .timeout = CLOCK_S, .connections = connections });
	played_pass(2 * CLOCK_S);
	buf_clear(&played.log);
}

void
played_end(void)
{
	if (played.redis != NULL)
		redis_stop(played.redis);
	for (unsigned i = 0; i < 1000 && fiber_count() > 0; i++)
		loop_turn(false);
	T_INT("all fibers have ended", fiber_count(), 0);
	buf_free(&played.log);
	arena_destroy(&played.arena);
}
