#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/store_redis.h"

#define SCAN_COUNT	"200"		/* keys that Redis looks at in a turn */
#define WALK_BATCH	64		/* keys asked for at once: their values
					   are far below REDIS_REPLY_MAX each */
#define WALK_TURNS	(10 * 1000 * 1000)	/* SCANs of a walk: 2 * 10^9
					   keys; a server that never ends it */

struct cursor {			/* as Redis told it */
	char	text[24];
};

struct walk {
	struct store_redis *kind;
	struct span	 pattern;	/* of keys, for SCAN */
	store_each_fn	*each;
	void		*arg;
	bool		 is_over;	/* `each` has said so */
};

/* What begins so, as a pattern of Redis. */
static struct span
pattern_of(const struct store_redis *k, struct arena *a, struct span prefix)
{
	struct store_redis_key full;
	struct buf b = {0};
	struct span pattern;

	store_redis_key(k, &full, prefix);
	for (size_t i = 0; i < full.span.len; i++) {
		if (strchr("*?[]\\^-", full.span.p[i]) != NULL)
			buf_puts(&b, "\\");
		buf_put(&b, &full.span.p[i], 1);
	}
	buf_puts(&b, "*");
	pattern = arena_span(a, buf_text(&b));
	buf_free(&b);
	return pattern;
}

/* A key is told if it is still there, and no list since. */
static void
tell(struct walk *w, struct span key, const struct redis_reply *value,
    const struct redis_reply *left)
{
	if (value->type != REDIS_STRING || left->type != REDIS_INTEGER ||
	    left->number < -1 || key.len < w->kind->prefix.len)
		return;
	key.p += w->kind->prefix.len;
	key.len -= w->kind->prefix.len;
	w->is_over = !w->each(w->arg, key, value->text, left->number < 0 ?
	    CLOCK_NEVER : left->number * CLOCK_MS);
}

/* At most WALK_BATCH of the keys that a SCAN has found. */
static MAY_YIELD int
tell_batch(struct walk *w, const struct redis_reply *keys, size_t n,
    struct err *err)
{
	struct arena *a = arena_create("redis walk");
	struct span (*words)[2] = arena_alloc(a, 2 * n * sizeof(*words));
	struct redis_command *commands = arena_new_n(a, 2 * n,
	    struct redis_command);
	struct redis_reply **replies = arena_new_n(a, 2 * n,
	    struct redis_reply *);
	int ret;

	for (size_t i = 0; i < 2 * n; i++) {
		words[i][0] = i % 2 == 0 ? SPAN_LIT("GET") : SPAN_LIT("PTTL");
		words[i][1] = keys[i / 2].text;
		commands[i] = (struct redis_command){ words[i], 2 };
	}
	ret = store_redis_ask(w->kind, a, commands, 2 * n, replies, err);
	for (size_t i = 0; ret == 0 && i < n && !w->is_over; i++)
		tell(w, keys[i].text, replies[2 * i], replies[2 * i + 1]);
	arena_destroy(&a);
	return ret;
}

static MAY_YIELD int
tell_all(struct walk *w, const struct redis_reply *keys, struct err *err)
{
	size_t n;

	for (size_t i = 0; i < keys->n; i++)
		if (keys->items[i].type != REDIS_STRING)
			return store_redis_odd("SCAN", err);
	for (size_t i = 0; i < keys->n && !w->is_over; i += n) {
		n = keys->n - i < WALK_BATCH ? keys->n - i : WALK_BATCH;
		if (tell_batch(w, keys->items + i, n, err) < 0)
			return -1;
	}
	return 0;
}

/* One turn: from a cursor to the next. */
static MAY_YIELD int
scan(struct walk *w, struct arena *a, struct cursor *cursor, struct err *err)
{
	struct span words[] = { SPAN_LIT("SCAN"), span_z(cursor->text),
	    SPAN_LIT("MATCH"), w->pattern, SPAN_LIT("COUNT"),
	    SPAN_LIT(SCAN_COUNT), SPAN_LIT("TYPE"), SPAN_LIT("string") };
	struct redis_reply *reply;
	struct span next;
	uint64_t value;

	if (store_redis_ask_one(w->kind, a, words, 8, &reply, err) < 0)
		return -1;
	if (reply->type != REDIS_ARRAY || reply->n != 2 ||
	    reply->items[0].type != REDIS_STRING ||
	    span_uint(reply->items[0].text, UINT64_MAX, &value) < 0 ||
	    reply->items[1].type != REDIS_ARRAY)
		return store_redis_odd("SCAN", err);
	next = reply->items[0].text;
	snprintf(cursor->text, sizeof(cursor->text), "%.*s", SPAN_ARG(next));
	return tell_all(w, &reply->items[1], err);
}

MAY_YIELD int
store_redis_walk(void *kind, struct span prefix, store_each_fn *each,
    void *arg, struct err *err)
{
	struct walk w = { .kind = kind, .each = each, .arg = arg };
	struct arena *all = arena_create("redis walk");
	struct cursor cursor = { "0" };
	struct arena *a;
	int ret = 0;

	w.pattern = pattern_of(kind, all, prefix);
	for (unsigned i = 0; ret == 0 && !w.is_over; i++) {
		a = arena_create("redis walk");
		ret = scan(&w, a, &cursor, err);
		arena_destroy(&a);
		if (strcmp(cursor.text, "0") == 0)
			break;
		if (ret == 0 && i == WALK_TURNS)
			ret = err_set(err, ERR_SYNTAX, "SCAN has no end");
	}
	arena_destroy(&all);
	return ret;
}
