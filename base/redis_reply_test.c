#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/redis_reply.h"
#include "tests/kit/t.h"

/* --- a reply as text --- */

static void
show(struct buf *b, const struct redis_reply *reply)
{
	switch (reply->type) {
	case REDIS_NIL:
		buf_puts(b, "nil");
		return;
	case REDIS_STRING:
		buf_printf(b, "'%.*s'", SPAN_ARG(reply->text));
		return;
	case REDIS_STATUS:
		buf_printf(b, "+%.*s", SPAN_ARG(reply->text));
		return;
	case REDIS_ERROR:
		buf_printf(b, "-%.*s", SPAN_ARG(reply->text));
		return;
	case REDIS_INTEGER:
		buf_printf(b, "%jd", (intmax_t)reply->number);
		return;
	case REDIS_ARRAY:
		buf_puts(b, "[");
		for (size_t i = 0; i < reply->n; i++) {
			buf_puts(b, i > 0 ? " " : "");
			show(b, &reply->items[i]);
		}
		buf_puts(b, "]");
		return;
	}
	buf_puts(b, "?");
}

/* All replies of a text that comes in pieces, and how it ends. */
static const char *
read_all(struct arena *a, struct span text, size_t piece)
{
	struct redis_reader *reader = redis_reader_create();
	const struct redis_reply *reply;
	struct buf b = {0};
	struct err err;
	const char *all;
	int ret = 0;

	while (text.len > 0 && ret == 0) {
		if (piece > text.len)
			piece = text.len;
		ret = redis_reader_feed(reader, span_n(text.p, piece), &err);
		text = span_n(text.p + piece, text.len - piece);
		while (ret == 0 &&
		    (ret = redis_reader_next(reader, &reply, &err)) > 0) {
			show(&b, redis_reply_copy(a, reply));
			buf_puts(&b, ";");
			ret = 0;
		}
	}
	if (ret < 0)
		buf_printf(&b, "%s: %s", err_kind_name(err.kind), err.text);
	all = arena_copy(a, buf_text(&b));
	buf_free(&b);
	redis_reader_destroy(&reader);
	return all;
}

static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "status", "+OK\r\n", "+OK;" },
	{ "empty status", "+\r\n", "+;" },
	{ "error", "-ERR no\r\n", "-ERR no;" },
	{ "number", ":1000\r\n", "1000;" },
	{ "number below 0", ":-7\r\n", "-7;" },
	{ "string", "$5\r\nhello\r\n", "'hello';" },
	{ "empty string", "$0\r\n\r\n", "'';" },
	{ "string with an end of line", "$4\r\na\r\nb\r\n", "'a\r\nb';" },
	{ "nil", "$-1\r\n", "nil;" },
	{ "nil array", "*-1\r\n", "nil;" },
	{ "empty array", "*0\r\n", "[];" },
	{ "array", "*3\r\n$1\r\na\r\n:2\r\n$-1\r\n", "['a' 2 nil];" },
	{ "error in an array", "*2\r\n+OK\r\n-OOM full\r\n",
	    "[+OK -OOM full];" },
	{ "nested", "*2\r\n$1\r\n0\r\n*2\r\n$1\r\na\r\n*1\r\n+b\r\n",
	    "['0' ['a' [+b]]];" },
	{ "many at once", "+a\r\n:1\r\n*0\r\n$1\r\nx\r\n", "+a;1;[];'x';" },
	{ "not all of it", "*2\r\n$1\r\na\r\n$5\r\nhel", "" },
	{ "one and a half", "+OK\r\n$5\r\nhel", "+OK;" },
	{ "seven deep", "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	    "[[[[[[[1]]]]]]];" },
	{ "too deep",
	    "*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n*1\r\n:1\r\n",
	    "syntax: not Redis: No support for nested multi bulk replies "
	    "with depth > 7" },
	{ "garbage", "HTTP/1.1 400 Bad Request\r\n",
	    "syntax: not Redis: Protocol error, got \"H\" as reply type "
	    "byte" },
	{ "garbage behind a reply", "+OK\r\n\r\n+OK\r\n",
	    "+OK;syntax: not Redis: Protocol error, got \"\\r\" as reply "
	    "type byte" },
	{ "no number", ":12x\r\n",
	    "syntax: not Redis: Bad integer value" },
	{ "a length that is none", "$five\r\n",
	    "syntax: not Redis: Bad bulk string length" },
	{ "a length below nil", "$-2\r\n",
	    "syntax: not Redis: Bulk string length out of range" },
	{ "an array below nil", "*-2\r\n",
	    "syntax: not Redis: Multi-bulk length out of range" },
	{ "an array beyond all numbers", "*4294967297\r\n",
	    "syntax: not Redis: Multi-bulk length out of range" },
	{ "too many items", "*16385\r\n",
	    "syntax: not Redis: a reply has too many items" },
	{ "too many in all", "*5\r\n*16380\r\n",
	    "syntax: not Redis: a reply has too many items" },
	{ "a double of RESP3", ",1.5\r\n",
	    "syntax: not Redis: Protocol error, got \",\" as reply type "
	    "byte" },
};

/* --- what has no end --- */

static void
test_endless(const char *name, const char *head, const char *piece)
{
	struct redis_reader *reader = redis_reader_create();
	const struct redis_reply *reply;
	struct buf b = {0};
	struct err err;
	size_t fed = 0;
	int ret;

	while (b.len < 16 * 1024)
		buf_puts(&b, piece);
	ret = redis_reader_feed(reader, span_z(head), &err);
	while (ret == 0 && fed < 4 * REDIS_REPLY_MAX) {
		ret = redis_reader_feed(reader, buf_text(&b), &err);
		fed += b.len;
		if (ret == 0)
			ret = redis_reader_next(reader, &reply, &err);
	}
	T_STR(name, ret < 0 ? err.text : "not refused",
	    "not Redis: a reply is too large");
	T_OK(name, fed <= REDIS_REPLY_MAX / 4 * 5);
	/* It stays so. */
	T_INT(name, redis_reader_next(reader, &reply, &err), -1);
	redis_reader_destroy(&reader);
	buf_free(&b);
}

/* A thousand replies of a kilobyte take no more than one of them. */
static void
test_long_life(void)
{
	struct redis_reader *reader = redis_reader_create();
	const struct redis_reply *reply;
	struct buf b = {0};
	struct err err;
	unsigned right = 0;

	for (unsigned i = 0; i < 3000; i++) {
		/* Half of the next one comes with each. */
		buf_clear(&b);
		if (i == 0)
			buf_puts(&b, "$1000\r\n");
		for (unsigned j = 0; j < 1000; j++)
			buf_puts(&b, "x");
		buf_puts(&b, "\r\n$1000\r\n");
		if (redis_reader_feed(reader, buf_text(&b), &err) == 0 &&
		    redis_reader_next(reader, &reply, &err) == 1 &&
		    reply->text.len == 1000 &&
		    redis_reader_next(reader, &reply, &err) == 0)
			right++;
	}
	T_INT("replies, one behind the other", right, 3000);
	redis_reader_destroy(&reader);
	buf_free(&b);
}

/* --- errors --- */

#define TEN	"0123456789"

static const struct {
	const char *name, *in, *want;
} checks[] = {
	{ "no error", "+OK\r\n", "ok" },
	{ "wrong type", "-WRONGTYPE Operation against a key\r\n",
	    "configuration: the key holds another type: "
	    "WRONGTYPE Operation against a key" },
	{ "full", "-OOM command not allowed\r\n",
	    "configuration: its memory is full: OOM command not allowed" },
	{ "replica", "-READONLY You can't write\r\n",
	    "configuration: it is a replica that takes no changes: "
	    "READONLY You can't write" },
	{ "loading", "-LOADING Redis is loading\r\n",
	    "unavailable: it is loading its data: LOADING Redis is loading" },
	{ "password", "-NOAUTH Authentication required.\r\n",
	    "configuration: it wants a password: "
	    "NOAUTH Authentication required." },
	{ "cluster", "-MOVED 3999 127.0.0.1:6381\r\n",
	    "configuration: it is a cluster, which is not supported: "
	    "MOVED 3999 127.0.0.1:6381" },
	{ "cluster that moves", "-ASK 3999 127.0.0.1:6381\r\n",
	    "configuration: it is a cluster, which is not supported: "
	    "ASK 3999 127.0.0.1:6381" },
	{ "cluster down", "-CLUSTERDOWN Hash slot not served\r\n",
	    "unavailable: its cluster is down: "
	    "CLUSTERDOWN Hash slot not served" },
	{ "inside", "*2\r\n:1\r\n*1\r\n-NOPERM no\r\n",
	    "configuration: its ACL forbids it to this user: NOPERM no" },
	{ "another", "-ERR unknown\r\n",
	    "configuration: it refuses: ERR unknown" },
	{ "no code", "-what is this\r\n",
	    "configuration: it refuses: what is this" },
	{ "a code alone", "-OOM\r\n",
	    "configuration: its memory is full: OOM" },
	{ "longer than a code", "-OOMx y\r\n",
	    "configuration: it refuses: OOMx y" },
	{ "nothing", "-\r\n", "configuration: it refuses: " },
	{ "not printable", "-ERR a\001b\377\t\033[0m\r\n",
	    "configuration: it refuses: ERR a?b???[0m" },
	{ "cut", "-ERR " TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN "\r\n",
	    "configuration: it refuses: ERR " TEN TEN TEN TEN TEN TEN TEN TEN
	    TEN TEN TEN "012345..." },
};

static const char *
check(struct arena *a, const char *in)
{
	struct redis_reader *reader = redis_reader_create();
	const struct redis_reply *reply;
	const char *said = "ok";
	struct err err;

	redis_reader_feed(reader, span_z(in), &err);
	if (redis_reader_next(reader, &reply, &err) != 1)
		said = "no reply";
	else if (redis_reply_check(reply, &err) < 0)
		said = arena_printf(a, "%s: %s", err_kind_name(err.kind),
		    err.text);
	redis_reader_destroy(&reader);
	return said;
}

int
main(void)
{
	struct arena *a = arena_create("test");

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		for (size_t piece = 1; piece < 1000; piece += 1 + 3 * piece)
			T_STR(cases[i].name, read_all(a, span_z(cases[i].in),
			    piece), cases[i].want);
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++)
		T_STR(checks[i].name, check(a, checks[i].in),
		    checks[i].want);
	test_endless("a string without end", "$1000000000\r\n", "x");
	test_endless("a line without end", "+", "x");
	test_endless("strings without end", "*16000\r\n",
	    "$100\r\n01234567890123456789012345678901234567890123456789"
	    "01234567890123456789012345678901234567890123456789\r\n");
	test_long_life();
	arena_destroy(&a);
	return t_done();
}
