#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "base/redis_reply.h"

/*
 * What a server says: in whatever pieces it comes, the same replies are read,
 * within the limits, and the same error ends it. The first octet says how
 * large the pieces are.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static size_t
check_reply(struct buf *b, const struct redis_reply *reply, unsigned depth)
{
	size_t items = 1;

	assert(depth <= 8);
	buf_printf(b, "%d:%jd:%zu:", reply->type, (intmax_t)reply->number,
	    reply->text.len);
	switch (reply->type) {
	case REDIS_STRING:
	case REDIS_STATUS:
	case REDIS_ERROR:
		assert(reply->text.p != NULL);
		buf_span(b, reply->text);
		break;
	case REDIS_ARRAY:
		for (size_t i = 0; i < reply->n; i++)
			items += check_reply(b, &reply->items[i], depth + 1);
		break;
	case REDIS_NIL:
	case REDIS_INTEGER:
		break;
	default:
		assert(!"a type");
	}
	return items;
}

static void
check_error(struct buf *b, const struct redis_reply *reply)
{
	struct err err;

	if (redis_reply_check(reply, &err) == 0) {
		assert(redis_reply_error(reply) == NULL);
		return;
	}
	for (const char *p = err.text; *p != '\0'; p++)
		assert(*p >= ' ' && *p <= '~');
	buf_puts(b, err.text);
}

static void
read_in_pieces(struct buf *b, struct span text, size_t piece)
{
	struct redis_reader *reader = redis_reader_create();
	struct arena *a = arena_create("fuzz");
	const struct redis_reply *reply;
	struct err err;
	int ret = 0;

	while (text.len > 0 && ret >= 0) {
		if (piece > text.len)
			piece = text.len;
		ret = redis_reader_feed(reader, span_n(text.p, piece), &err);
		text = span_n(text.p + piece, text.len - piece);
		while (ret >= 0 && (ret = redis_reader_next(reader, &reply,
		    &err)) > 0) {
			reply = redis_reply_copy(a, reply);
			assert(check_reply(b, reply, 0) <=
			    REDIS_ITEMS_MAX + 1);
			check_error(b, reply);
		}
	}
	if (ret < 0)
		buf_puts(b, err.text);
	arena_destroy(&a);
	redis_reader_destroy(&reader);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct buf whole = {0}, pieces = {0};
	struct span text;

	if (size < 2)
		return 0;
	text = span_n(data + 1, size - 1);
	read_in_pieces(&whole, text, text.len);
	read_in_pieces(&pieces, text, 1 + data[0] % 64);
	assert(span_eq(buf_text(&whole), buf_text(&pieces)));
	buf_free(&whole);
	buf_free(&pieces);
	return 0;
}
