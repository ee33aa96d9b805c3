#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/store_redis.h"

#define CLAIM_TRIES	3	/* each saw the key end between two commands */

/* --- words --- */

struct number {
	char	text[24];
};

static struct span
decimal(struct number *n, int64_t value)
{
	int len = snprintf(n->text, sizeof(n->text), "%jd", (intmax_t)value);

	return span_n(n->text, (size_t)len);
}

static struct span
seconds(struct number *n, int64_t life)
{
	return decimal(n, life / CLOCK_S + (life % CLOCK_S > 0));
}

struct span
store_redis_key(const struct store_redis *k, struct store_redis_key *key,
    struct span name)
{
	memcpy(key->text, k->prefix.p, k->prefix.len);
	memcpy(key->text + k->prefix.len, name.p, name.len);
	key->span = span_n(key->text, k->prefix.len + name.len);
	return key->span;
}

/* --- asking --- */

MAY_YIELD int
store_redis_ask(struct store_redis *k, struct arena *a,
    const struct redis_command *commands, size_t n,
    struct redis_reply **replies, struct err *err)
{
	return redis_ask(k->redis, a, commands, n, replies,
	    clock_now() + k->timeout, err);
}

MAY_YIELD int
store_redis_ask_one(struct store_redis *k, struct arena *a,
    const struct span *words, size_t n, struct redis_reply **reply,
    struct err *err)
{
	struct redis_command command = { words, n };

	if (store_redis_ask(k, a, &command, 1, reply, err) < 0)
		return -1;
	return redis_reply_check(*reply, err);
}

int
store_redis_odd(const char *to, struct err *err)
{
	return err_set(err, ERR_SYNTAX, "an answer to %s that cannot be", to);
}

/* A string, or nil: span->p NULL. */
static int
take_string(const struct redis_reply *reply, const char *to,
    struct span *value, struct err *err)
{
	if (reply->type == REDIS_NIL)
		*value = span_n(NULL, 0);
	else if (reply->type == REDIS_STRING)
		*value = reply->text;
	else
		return store_redis_odd(to, err);
	return 0;
}

/* 0 or 1. */
static int
take_bool(const struct redis_reply *reply, const char *to, bool *yes,
    struct err *err)
{
	if (reply->type != REDIS_INTEGER)
		return store_redis_odd(to, err);
	*yes = reply->number > 0;
	return 0;
}

/* For what needs an answer no longer than it is looked at. */
static MAY_YIELD int
ask_bool(struct store_redis *k, const struct span *words, size_t n, bool *yes,
    struct err *err)
{
	struct arena *a = arena_create("redis answer");
	struct redis_reply *reply;
	char verb[16];
	int ret;

	snprintf(verb, sizeof(verb), "%.*s", SPAN_ARG(words[0]));
	ret = store_redis_ask_one(k, a, words, n, &reply, err);
	if (ret == 0)
		ret = take_bool(reply, verb, yes, err);
	arena_destroy(&a);
	return ret;
}

/* --- operations --- */

static const char *
store_redis_name(const void *kind)
{
	const struct store_redis *k = kind;

	return k->name;
}

static MAY_YIELD int
store_redis_get(void *kind, struct arena *a, struct span key,
    struct span *value, struct err *err)
{
	struct store_redis *k = kind;
	struct store_redis_key full;
	struct span words[] = { SPAN_LIT("GET"),
	    store_redis_key(k, &full, key) };
	struct redis_reply *reply;

	if (store_redis_ask_one(k, a, words, 2, &reply, err) < 0)
		return -1;
	return take_string(reply, "GET", value, err);
}

static MAY_YIELD int
store_redis_put(void *kind, struct span key, struct span value, int64_t life,
    struct err *err)
{
	struct store_redis *k = kind;
	struct number n;
	struct store_redis_key full;
	struct span words[] = { SPAN_LIT("SET"), store_redis_key(k, &full, key),
	    value, SPAN_LIT("EX"), seconds(&n, life) };
	struct arena *a = arena_create("redis answer");
	struct redis_reply *reply;
	int ret;

	ret = store_redis_ask_one(k, a, words, 5, &reply, err);
	arena_destroy(&a);
	return ret;
}

/*
 * In Redis 7.0 one command. Before, NX and GET exclude each other; SET NX and
 * GET behind it do the same: if it was put, the first says so and is all. If
 * not, what GET finds is what stood in the way, or what replaced it since:
 * either way it was there when we were refused or later, as if the claim had
 * been made then. Only if the key has ended in between it is tried again. (A
 * MULTI would tell nothing more.)
 */
static MAY_YIELD int
claim_old(struct store_redis *k, struct arena *a, const struct span *set,
    struct span *old, struct err *err)
{
	struct span get[] = { SPAN_LIT("GET"), set[1] };
	struct redis_command commands[] = { { set, 6 }, { get, 2 } };
	struct redis_reply *replies[2];

	for (unsigned i = 0; i < CLAIM_TRIES; i++) {
		if (store_redis_ask(k, a, commands, 2, replies, err) < 0 ||
		    redis_reply_check(replies[0], err) < 0)
			return -1;
		if (replies[0]->type != REDIS_NIL) {
			*old = span_n(NULL, 0);
			return 0;
		}
		if (redis_reply_check(replies[1], err) < 0 ||
		    take_string(replies[1], "GET", old, err) < 0)
			return -1;
		if (old->p != NULL)
			return 0;
	}
	return err_set(err, ERR_UNAVAIL, "the key comes and goes");
}

static bool
is_syntax_error(const struct redis_reply *reply)
{
	return reply->type == REDIS_ERROR &&
	    span_is_nocase(reply->text, "ERR syntax error");
}

static MAY_YIELD int
store_redis_claim(void *kind, struct arena *a, struct span key,
    struct span value, int64_t life, struct span *old, struct err *err)
{
	struct store_redis *k = kind;
	struct number n;
	struct store_redis_key full;
	struct span words[] = { SPAN_LIT("SET"), store_redis_key(k, &full, key),
	    value, SPAN_LIT("EX"), seconds(&n, life), SPAN_LIT("NX"),
	    SPAN_LIT("GET") };
	struct redis_command command = { words, 7 };
	struct redis_reply *reply;

	if (k->is_old)
		return claim_old(k, a, words, old, err);
	if (store_redis_ask(k, a, &command, 1, &reply, err) < 0)
		return -1;
	if (is_syntax_error(reply)) {
		k->is_old = true;
		return claim_old(k, a, words, old, err);
	}
	if (redis_reply_check(reply, err) < 0)
		return -1;
	return take_string(reply, "SET", old, err);
}

static int
take_sum(struct redis_reply *const replies[4], int64_t *sum, struct err *err)
{
	const struct redis_reply *done = replies[3];

	/* What stands before EXEC says why it was not done. */
	for (size_t i = 0; i < 4; i++)
		if (redis_reply_check(replies[i], err) < 0)
			return -1;
	if (done->type != REDIS_ARRAY || done->n != 2 ||
	    done->items[1].type != REDIS_INTEGER)
		return store_redis_odd("EXEC", err);
	*sum = done->items[1].number;
	return 0;
}

/*
 * The life begins with the number: SET NX gives both, to a number that is not
 * there. In a MULTI, which stops the clock of lives: else a number that ends
 * between the two would begin again in INCRBY, without an end. (EXPIRE NX,
 * which would do it behind INCRBY, came with 7.0.)
 */
static MAY_YIELD int
store_redis_add(void *kind, struct span key, int64_t add, int64_t life,
    int64_t *sum, struct err *err)
{
	struct store_redis *k = kind;
	struct number n, by;
	struct store_redis_key full;
	struct span multi = SPAN_LIT("MULTI"), exec = SPAN_LIT("EXEC");
	struct span set[] = { SPAN_LIT("SET"), store_redis_key(k, &full, key),
	    SPAN_LIT("0"), SPAN_LIT("EX"), seconds(&n, life),
	    SPAN_LIT("NX") };
	struct span incrby[] = { SPAN_LIT("INCRBY"), full.span,
	    decimal(&by, add) };
	struct redis_command commands[] = { { &multi, 1 }, { set, 6 },
	    { incrby, 3 }, { &exec, 1 } };
	struct redis_reply *replies[4];
	struct arena *a = arena_create("redis answer");
	int ret;

	ret = store_redis_ask(k, a, commands, 4, replies, err);
	if (ret == 0)
		ret = take_sum(replies, sum, err);
	arena_destroy(&a);
	return ret;
}

static MAY_YIELD int
store_redis_drop(void *kind, struct span key, bool *was_there,
    struct err *err)
{
	struct store_redis *k = kind;
	struct store_redis_key full;
	struct span words[] = { SPAN_LIT("DEL"),
	    store_redis_key(k, &full, key) };

	return ask_bool(k, words, 2, was_there, err);
}

/* One command about some members or fields of a key: as many answers. */
static MAY_YIELD int
ask_parts(struct store_redis *k, struct arena *a, const char *verb,
    struct span key, const struct span *parts, size_t n,
    const struct redis_reply **reply, struct err *err)
{
	struct span words[STORE_ASKED_MAX + 2] = { span_z(verb), key };
	struct redis_reply *got;

	memcpy(words + 2, parts, n * sizeof(*parts));
	if (store_redis_ask_one(k, a, words, n + 2, &got, err) < 0)
		return -1;
	if (got->type != REDIS_ARRAY || got->n != n)
		return store_redis_odd(verb, err);
	*reply = got;
	return 0;
}

/* All of them by one SMISMEMBER: one answer, for which one waits once. */
static MAY_YIELD int
store_redis_has_members(void *kind, struct span set,
    const struct span *members, size_t n, bool *has, struct err *err)
{
	struct arena *a = arena_create("redis answer");
	const struct redis_reply *reply;
	int ret = ask_parts(kind, a, "SMISMEMBER", set, members, n, &reply,
	    err);

	for (size_t i = 0; i < n && ret == 0; i++)
		ret = take_bool(&reply->items[i], "SMISMEMBER", &has[i], err);
	arena_destroy(&a);
	return ret;
}

static MAY_YIELD int
store_redis_fields(void *kind, struct arena *a, struct span hash,
    const struct span *fields, size_t n, struct span *values,
    struct err *err)
{
	const struct redis_reply *reply;

	if (ask_parts(kind, a, "HMGET", hash, fields, n, &reply, err) < 0)
		return -1;
	for (size_t i = 0; i < n; i++)
		if (take_string(&reply->items[i], "HMGET", &values[i],
		    err) < 0)
			return -1;
	return 0;
}

/* --- open, stop, tell --- */

/* By a GET: some states let PING pass and nothing else. */
static MAY_YIELD int
store_redis_probe(void *kind, struct err *err)
{
	struct store_redis *k = kind;
	struct store_redis_key full;
	struct span words[] = { SPAN_LIT("GET"),
	    store_redis_key(k, &full, SPAN_LIT("probe")) };
	struct arena *a = arena_create("redis answer");
	struct redis_reply *reply;
	int ret;

	ret = store_redis_ask_one(k, a, words, 2, &reply, err);
	/* Refused is answered; what passes by itself is neither. */
	if (ret < 0 && err->kind == ERR_CONFIG)
		ret = 0;
	arena_destroy(&a);
	return ret;
}

static void
store_redis_stop(void *kind)
{
	struct store_redis *k = kind;

	redis_stop(k->redis);
}

static void
store_redis_status(const void *kind, struct json_out *o)
{
	const struct store_redis *k = kind;
	struct redis_stats stats;

	redis_statistics(k->redis, &stats);
	json_z(o, "kind", "redis");
	json_int(o, "connections", (int64_t)stats.links);
	json_int(o, "waiting", (int64_t)stats.waiting);
	json_int(o, "connects", (int64_t)stats.connects);
	json_int(o, "connects_failed", (int64_t)stats.connects_failed);
	json_int(o, "lost", (int64_t)stats.lost);
}

static const struct store_ops ops = {
	.name = store_redis_name,
	.get = store_redis_get,
	.put = store_redis_put,
	.claim = store_redis_claim,
	.add = store_redis_add,
	.drop = store_redis_drop,
	.walk = store_redis_walk,
	.has_members = store_redis_has_members,
	.fields = store_redis_fields,
	.probe = store_redis_probe,
	.stop = store_redis_stop,
	.status = store_redis_status,
};

const struct store_ops *
store_redis_open(struct arena *a, const struct store_options *options,
    void **kind, struct err *err)
{
	struct redis_options wanted = {
		.path = options->path, .host = options->host,
		.port = options->port, .user = options->user,
		.password = options->password, .database = options->database,
		.timeout = options->timeout,
		.connections = options->connections,
	};
	struct store_redis *k = arena_new(a, struct store_redis);

	k->prefix = arena_span(a, span_z(options->prefix));
	k->timeout = options->timeout;
	if (k->prefix.len > STORE_KEY_MAX) {
		err_set(err, ERR_CONFIG, "store redis: the prefix is longer "
		    "than %d octets", STORE_KEY_MAX);
		return NULL;
	}
	k->redis = redis_open(a, &wanted, err);
	if (k->redis == NULL) {
		err_prefix(err, "store redis");
		return NULL;
	}
	k->name = arena_printf(a, "redis %s", redis_name(k->redis));
	*kind = k;
	return &ops;
}
