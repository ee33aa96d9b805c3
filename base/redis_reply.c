#include <limits.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/mem.h"
#include "base/redis_reply.h"

#define SCRATCH_MAX	(64 * 1024)	/* kept from one reply to the next */
#define TEXT_MAX	120		/* of the server's, in an error */

/* Their number is what newer versions of hiredis changed the type of. */
#if HIREDIS_MAJOR >= 1
typedef size_t	item_count;
#else
typedef int	item_count;
#endif

struct redis_reader {
	redisReader	*hiredis;
	struct arena	*scratch;	/* of the reply that is being read */
	size_t		 octets, items;	/* of it */
	const char	*why;		/* what we refused */
};

/* --- what hiredis builds replies with --- */

/* The place of a reply: an item of its array, or by itself. NULL makes
 * hiredis give up. */
static struct redis_reply *
place(const redisReadTask *task, size_t octets)
{
	struct redis_reader *r = task->privdata;
	struct redis_reply *parent;

	r->octets += octets;
	if (r->octets > REDIS_REPLY_MAX) {
		r->why = "a reply is too large";
		return NULL;
	}
	if (task->parent == NULL)
		return arena_new(r->scratch, struct redis_reply);
	parent = task->parent->obj;
	return &parent->items[task->idx];
}

static void *
make_string(const redisReadTask *task, char *text, size_t len)
{
	struct redis_reader *r = task->privdata;
	struct redis_reply *reply = place(task, len);

	if (reply == NULL)
		return NULL;
	switch (task->type) {
	case REDIS_REPLY_STATUS:
		reply->type = REDIS_STATUS;
		break;
	case REDIS_REPLY_ERROR:
		reply->type = REDIS_ERROR;
		break;
	case REDIS_REPLY_STRING:
		reply->type = REDIS_STRING;
		break;
	default:
		r->why = "a type that was not asked for";
		return NULL;
	}
	reply->text = span_n(arena_copy(r->scratch, span_n(text, len)), len);
	return reply;
}

static void *
make_array(const redisReadTask *task, item_count n)
{
	struct redis_reader *r = task->privdata;
	struct redis_reply *reply = place(task, 0);

	if (reply == NULL)
		return NULL;
	if (task->type != REDIS_REPLY_ARRAY) {
		r->why = "a type that was not asked for";
		return NULL;
	}
	if ((size_t)n > REDIS_ITEMS_MAX - r->items) {
		r->why = "a reply has too many items";
		return NULL;
	}
	r->items += (size_t)n;
	reply->type = REDIS_ARRAY;
	reply->n = (size_t)n;
	if (n > 0)
		reply->items = arena_new_n(r->scratch, (size_t)n,
		    struct redis_reply);
	return reply;
}

static void *
make_integer(const redisReadTask *task, long long number)
{
	struct redis_reply *reply = place(task, 0);

	if (reply == NULL)
		return NULL;
	reply->type = REDIS_INTEGER;
	reply->number = number;
	return reply;
}

static void *
make_nil(const redisReadTask *task)
{
	struct redis_reply *reply = place(task, 0);

	if (reply != NULL)
		reply->type = REDIS_NIL;
	return reply;
}

#if HIREDIS_MAJOR >= 1
/* Of RESP3, which is never asked for. */
static void *
make_double(const redisReadTask *task, double d, char *text, size_t len)
{
	(void)task, (void)d, (void)text, (void)len;
	return NULL;
}

static void *
make_bool(const redisReadTask *task, int value)
{
	(void)task, (void)value;
	return NULL;
}
#endif

static void
forget(void *reply)
{
	(void)reply;	/* all of them are in the arena */
}

static redisReplyObjectFunctions functions = {
	.createString = make_string,
	.createArray = make_array,
	.createInteger = make_integer,
	.createNil = make_nil,
#if HIREDIS_MAJOR >= 1
	.createDouble = make_double,
	.createBool = make_bool,
#endif
	.freeObject = forget,
};

/* --- reading --- */

struct redis_reader *
redis_reader_create(void)
{
	struct redis_reader *r = mem_zalloc(sizeof(*r), "redis reader");

	r->hiredis = redisReaderCreateWithFunctions(&functions);
	if (r->hiredis == NULL)
		mem_exhausted(sizeof(*r->hiredis), "redis reader");
	r->hiredis->privdata = r;
	r->scratch = arena_create("redis reply");
	return r;
}

void
redis_reader_destroy(struct redis_reader **rp)
{
	struct redis_reader *r = *rp;

	if (r == NULL)
		return;
	*rp = NULL;
	redisReaderFree(r->hiredis);
	arena_destroy(&r->scratch);
	free(r);
}

static int
failed(const struct redis_reader *r, struct err *err)
{
	return err_set(err, ERR_SYNTAX, "not Redis: %s",
	    r->why != NULL ? r->why : r->hiredis->errstr);
}

int
redis_reader_feed(struct redis_reader *r, struct span bytes, struct err *err)
{
	if (redisReaderFeed(r->hiredis, bytes.p, bytes.len) != REDIS_OK)
		return failed(r, err);
	return 0;
}

int
redis_reader_next(struct redis_reader *r, const struct redis_reply **reply,
    struct err *err)
{
	void *got = NULL;

	/* Between two replies: what the last one took goes. */
	if (r->hiredis->ridx == -1) {
		r->octets = r->items = 0;
		if (arena_size(r->scratch) > SCRATCH_MAX) {
			arena_destroy(&r->scratch);
			r->scratch = arena_create("redis reply");
		}
	}
	if (redisReaderGetReply(r->hiredis, &got) != REDIS_OK)
		return failed(r, err);
	*reply = got;
	if (got != NULL)
		return 1;
	/* A string that has not come whole is in hiredis' own memory. */
	if (r->hiredis->len - r->hiredis->pos > REDIS_REPLY_MAX) {
		r->why = "a reply is too large";
		return failed(r, err);
	}
	return 0;
}

static void
copy_to(struct arena *a, struct redis_reply *to,
    const struct redis_reply *from)
{
	*to = *from;
	if (from->text.p != NULL)
		to->text = span_n(arena_copy(a, from->text), from->text.len);
	if (from->n == 0)
		return;
	to->items = arena_new_n(a, from->n, struct redis_reply);
	for (size_t i = 0; i < from->n; i++)	/* 7 deep at most */
		copy_to(a, &to->items[i], &from->items[i]);
}

struct redis_reply *
redis_reply_copy(struct arena *a, const struct redis_reply *reply)
{
	struct redis_reply *copy = arena_new(a, struct redis_reply);

	copy_to(a, copy, reply);
	return copy;
}

/* --- errors --- */

static const struct {
	const char	*code, *means;
	enum err_kind	 kind;
} codes[] = {
	{ "ASK", "it is a cluster, which is not supported", ERR_CONFIG },
	{ "BUSY", "it is busy with a script", ERR_UNAVAIL },
	{ "CLUSTERDOWN", "its cluster is down", ERR_UNAVAIL },
	{ "DENIED", "it takes no connection from here", ERR_CONFIG },
	{ "LOADING", "it is loading its data", ERR_UNAVAIL },
	{ "MASTERDOWN", "it is a replica without its master", ERR_UNAVAIL },
	{ "MISCONF", "it cannot save its data", ERR_CONFIG },
	{ "MOVED", "it is a cluster, which is not supported", ERR_CONFIG },
	{ "NOAUTH", "it wants a password", ERR_CONFIG },
	{ "NOPERM", "its ACL forbids it to this user", ERR_CONFIG },
	{ "NOREPLICAS", "it has too few replicas", ERR_CONFIG },
	{ "OOM", "its memory is full", ERR_CONFIG },
	{ "READONLY", "it is a replica that takes no changes", ERR_CONFIG },
	{ "TRYAGAIN", "its cluster is moving keys", ERR_UNAVAIL },
	{ "UNBLOCKED", "its master has changed", ERR_UNAVAIL },
	{ "WRONGPASS", "user or password is wrong", ERR_CONFIG },
	{ "WRONGTYPE", "the key holds another type", ERR_CONFIG },
};

const struct redis_reply *
redis_reply_error(const struct redis_reply *reply)
{
	const struct redis_reply *error = NULL;

	if (reply->type == REDIS_ERROR)
		return reply;
	for (size_t i = 0; i < reply->n && error == NULL; i++)
		error = redis_reply_error(&reply->items[i]);
	return error;
}

struct span
redis_reply_code(const struct redis_reply *error)
{
	struct span text = error->text;
	size_t n = 0;

	while (n < text.len && text.p[n] >= 'A' && text.p[n] <= 'Z')
		n++;
	return span_n(text.p, n == text.len || text.p[n] == ' ' ? n : 0);
}

static const char *
printable(struct span text, char out[TEXT_MAX + 4])
{
	size_t n = text.len < TEXT_MAX ? text.len : TEXT_MAX;

	for (size_t i = 0; i < n; i++)
		out[i] = text.p[i] >= ' ' && text.p[i] <= '~' ?
		    text.p[i] : '?';
	strcpy(out + n, n < text.len ? "..." : "");
	return out;
}

int
redis_reply_check(const struct redis_reply *reply, struct err *err)
{
	const struct redis_reply *error = redis_reply_error(reply);
	char text[TEXT_MAX + 4];
	struct span code;

	if (error == NULL)
		return 0;
	code = redis_reply_code(error);
	printable(error->text, text);
	for (size_t i = 0; i < sizeof(codes) / sizeof(codes[0]); i++)
		if (span_is(code, codes[i].code))
			return err_set(err, codes[i].kind, "%s: %s",
			    codes[i].means, text);
	return err_set(err, ERR_CONFIG, "it refuses: %s", text);
}
