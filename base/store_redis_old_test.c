#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/played.h"
#include "tests/kit/redis_store.h"
#include "tests/kit/t.h"

/*
 * Redis 6.2: a real one behind the played server, which does not know what
 * came with 7.0 and can change a key between two commands.
 */
static struct redis_store s;
static int	upstream;
static bool	gets_deleted, sets_put;	/* before a GET; before a SET */
static unsigned	sets;

static bool
has_word(const struct redis_reply *command, const char *word)
{
	for (size_t i = 1; i < command->n; i++)
		if (span_is(command->items[i].text, word))
			return true;
	return false;
}

static void
relay_answer(struct conn *c)
{
	struct redis_reader *reader = redis_reader_create();
	const struct redis_reply *reply;
	struct err err;
	char bytes[1000];
	ssize_t n;

	do {
		n = read(upstream, bytes, sizeof(bytes));
		if (n <= 0 || redis_reader_feed(reader, span_n(bytes,
		    (size_t)n), &err) < 0)
			abort();
		conn_put(c, bytes, (size_t)n);
	} while (redis_reader_next(reader, &reply, &err) == 0);
	redis_reader_destroy(&reader);
}

static int
forward(struct conn *c, const struct redis_reply *command)
{
	struct span verb = command->items[0].text;
	struct buf b = {0};

	sets += span_is(verb, "SET");
	if (span_is(verb, "SET") && has_word(command, "NX") &&
	    has_word(command, "GET")) {
		conn_puts(c, "-ERR syntax error\r\n");
		return 0;
	}
	if (span_is(verb, "GET") && gets_deleted)
		redis_server_tell(&s.server, "DEL fp:key");
	if (span_is(verb, "SET") && sets_put)
		redis_server_tell(&s.server, "SET fp:key other");
	buf_printf(&b, "*%zu\r\n", command->n);
	for (size_t i = 0; i < command->n; i++) {
		buf_printf(&b, "$%zu\r\n", command->items[i].text.len);
		buf_span(&b, command->items[i].text);
		buf_puts(&b, "\r\n");
	}
	if (write(upstream, b.p, b.len) != (ssize_t)b.len)
		abort();
	buf_free(&b);
	relay_answer(c);
	return 0;
}

static void
begin(void)
{
	struct sockaddr_un sun = { .sun_family = AF_UNIX };
	struct store_options o;

	redis_server_begin(&s.server, NULL);
	strcpy(sun.sun_path, s.server.socket);
	upstream = socket(AF_UNIX, SOCK_STREAM, 0);
	if (connect(upstream, (struct sockaddr *)&sun, sizeof(sun)) < 0)
		abort();
	played_clear();
	played.otherwise = forward;
	o = redis_store_options(&s);
	o.connections = 1;
	redis_store_open(&s, &o);
}

static void
end(void)
{
	redis_store_close(&s);
	played_end();
	close(upstream);
	redis_server_end(&s.server);
}

static const char *
doing(const char *verb, const char *key, const char *value)
{
	return redis_store_do(&s, verb, key, value);
}

int
main(void)
{
	if (!redis_server_is_there()) {
		t_skip("redis", "there is no redis-server");
		return t_done();
	}
	loop_create();
	begin();
	T_STR("a claim wins", doing("claim", "key", "1"), "-");
	T_INT("it was tried in the new way", sets, 2);
	T_STR("the next does not", doing("claim", "key", "2"), "1");
	T_INT("and not again", sets, 3);
	T_STR("and has changed nothing", doing("get", "key", NULL), "1");
	T_STR("with a life", redis_server_tell(&s.server, "PERSIST fp:key"),
	    "1");
	T_STR("a number begins", doing("add", "n", "5"), "5");
	T_STR("and grows", doing("add", "n", "-7"), "-2");
	T_STR("with a life", redis_server_tell(&s.server, "PERSIST fp:n"),
	    "1");

	gets_deleted = true;
	sets = 0;
	T_STR("gone in between", doing("claim", "key", "3"), "-");
	T_INT("was tried again", sets, 2);
	gets_deleted = false;
	redis_server_tell(&s.server, "SET fp:key 3");
	T_STR("and is there", doing("claim", "key", "4"), "3");
	gets_deleted = sets_put = true;
	T_STR("each time", doing("claim", "key", "5"),
	    "unavailable: the key comes and goes");
	gets_deleted = sets_put = false;

	redis_server_tell(&s.server, "DEL fp:key");
	redis_server_tell(&s.server, "RPUSH fp:key 1");
	T_OK("a list", strncmp(doing("claim", "key", "6"), "configuration: "
	    "the key holds another type", 41) == 0);
	end();
	loop_destroy();
	return t_done();
}
