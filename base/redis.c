#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include <hiredis/hiredis.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/redis_internal.h"

/* --- commands --- */

#define WORDS_MAX	16	/* of a command */

void
redis_put_command(struct buf *out, const struct redis_command *command)
{
	const char *words[WORDS_MAX];
	size_t lengths[WORDS_MAX];
	char *text;
	int len;

	assert(command->n > 0 && command->n <= WORDS_MAX);
	for (size_t i = 0; i < command->n; i++) {
		/* hiredis hands the pointer to memcpy() */
		words[i] = command->words[i].len > 0 ?
		    command->words[i].p : "";
		lengths[i] = command->words[i].len;
	}
	len = redisFormatCommandArgv(&text, (int)command->n, words, lengths);
	if (len < 0)
		mem_exhausted(0, "redis command");
	buf_put(out, text, (size_t)len);
	redisFreeCommand(text);
}

/* --- which link --- */

static bool
is_usable(const struct redis_link *l)
{
	return l->state == LINK_UP && !l->is_leaving;
}

static bool
is_better(const struct redis_link *l, const struct redis_link *than)
{
	if (l->is_suspect != than->is_suspect)
		return than->is_suspect;
	return l->waiting < than->waiting;
}

/* NULL: there is none. */
static struct redis_link *
best_link(struct redis *r)
{
	struct redis_link *best = NULL;
	struct redis_link *l;

	for (size_t i = 0; i < r->options.connections; i++) {
		l = &r->links[i];
		if (is_usable(l) && (best == NULL || is_better(l, best)))
			best = l;
	}
	return best;
}

/* A first attempt is worth waiting for: it mostly works, and soon. */
static bool
is_one_coming(const struct redis *r)
{
	for (size_t i = 0; i < r->options.connections; i++)
		if (r->links[i].attempts == 0 && (r->links[i].is_leaving ||
		    r->links[i].state != LINK_UP))
			return true;
	return false;
}

void
redis_wake_hopeful(struct redis *r)
{
	for (struct redis_hopeful *h = r->hopeful; h != NULL; h = h->next)
		fiber_wake(h->fiber);
}

static MAY_YIELD int
hope(struct redis *r, int64_t deadline, struct err *err)
{
	struct redis_hopeful me = { .fiber = fiber_self(),
	    .next = r->hopeful, .prev = &r->hopeful };
	int ret;

	if (me.next != NULL)
		me.next->prev = &me.next;
	r->hopeful = &me;
	ret = fiber_wait(deadline, err);
	*me.prev = me.next;
	if (me.next != NULL)
		me.next->prev = me.prev;
	return ret;
}

static MAY_YIELD int
find_link(struct redis *r, int64_t deadline, struct redis_link **l,
    struct err *err)
{
	while ((*l = best_link(r)) == NULL) {
		if (r->is_stopping)
			return err_set(err, ERR_UNAVAIL, "it is being closed");
		if (!is_one_coming(r)) {
			*err = r->links[0].why;
			err->kind = ERR_UNAVAIL;
			return -1;
		}
		if (hope(r, deadline, err) < 0)
			return err->kind == ERR_TIMEOUT ? err_set(err,
			    ERR_TIMEOUT, "no connection in time") : -1;
	}
	if ((*l)->waiting >= REDIS_MOST_WAITING ||
	    (*l)->out.len + (*l)->sending > REDIS_MOST_UNSENT)
		return err_set(err, ERR_UNAVAIL,
		    "%zu commands wait for it already", (*l)->waiting);
	return 0;
}

/* --- calls --- */

static struct redis_call *
enqueue(struct redis_link *l, struct arena *a,
    const struct redis_command *commands, size_t n,
    struct redis_reply **replies, int64_t deadline)
{
	struct redis_call *call = mem_zalloc(sizeof(*call), "redis call");

	call->fiber = fiber_self();
	call->arena = a;
	call->replies = replies;
	call->n = n;
	call->deadline = deadline;
	*l->end = call;
	l->end = &call->next;
	l->waiting++;
	for (size_t i = 0; i < n; i++)
		redis_put_command(&l->out, &commands[i]);
	fiber_wake(l->writer);
	return call;
}

static MAY_YIELD int
await(struct redis_link *l, struct redis_call *call, struct err *err)
{
	bool is_lost;

	while (!call->is_done) {
		if (fiber_wait(call->deadline, err) == 0 || call->is_done)
			continue;
		call->fiber = NULL;
		if (err->kind != ERR_TIMEOUT)
			return -1;
		l->is_suspect = true;
		l->redis->stats.timeouts++;
		return err_set(err, ERR_TIMEOUT, "no answer in time");
	}
	is_lost = call->is_lost;
	free(call);
	if (!is_lost)
		return 0;
	*err = l->lost;
	err->kind = ERR_UNAVAIL;
	return -1;
}

MAY_YIELD int
redis_ask(struct redis *r, struct arena *a,
    const struct redis_command *commands, size_t n,
    struct redis_reply **replies, int64_t deadline, struct err *err)
{
	struct redis_link *l;

	assert(n > 0 && n <= REDIS_COMMANDS_MAX);
	r->stats.calls++;
	if (find_link(r, deadline, &l, err) < 0) {
		r->stats.timeouts += err->kind == ERR_TIMEOUT;
		return -1;
	}
	return await(l, enqueue(l, a, commands, n, replies, deadline), err);
}

/* --- open, stop, tell --- */

static const char *
copy_text(struct arena *a, const char *text)
{
	return text != NULL ? arena_strdup(a, text) : NULL;
}

static int
check_options(struct redis *r, struct arena *a, struct err *err)
{
	const struct redis_options *o = &r->options;

	if (o->connections == 0 || o->connections > REDIS_CONNECTIONS_MAX)
		return err_set(err, ERR_CONFIG, "%zu connections are not 1 to "
		    "%d", o->connections, REDIS_CONNECTIONS_MAX);
	if (o->path != NULL) {
		r->name = o->path;
		return addr_parse(span_z(arena_printf(a, "unix:%s", o->path)),
		    &r->addr, err);
	}
	if (o->host == NULL || o->port <= 0 || o->port > 65535)
		return err_set(err, ERR_CONFIG, "no host and port");
	r->name = arena_printf(a, strchr(o->host, ':') != NULL ?
	    "[%s]:%d" : "%s:%d", o->host, o->port);
	return 0;
}

static void
end(void *arg)
{
	struct redis *r = arg;

	assert(r->hopeful == NULL);
	for (size_t i = 0; i < r->options.connections; i++)
		assert(r->links[i].fiber == NULL);	/* see redis_stop() */
}

struct redis *
redis_open(struct arena *a, const struct redis_options *options,
    struct err *err)
{
	struct redis *r = arena_new(a, struct redis);
	struct redis_options *o = &r->options;

	*o = *options;
	o->path = copy_text(a, o->path);
	o->host = copy_text(a, o->host);
	o->user = copy_text(a, o->user);
	o->password = copy_text(a, o->password);
	if (check_options(r, a, err) < 0)
		return NULL;
	r->links = arena_new_n(a, o->connections, struct redis_link);
	for (size_t i = 0; i < o->connections; i++) {
		r->links[i].redis = r;
		redis_link_start(&r->links[i]);
	}
	arena_defer(a, end, r);
	return r;
}

void
redis_stop(struct redis *r)
{
	r->is_stopping = true;
	for (size_t i = 0; i < r->options.connections; i++)
		if (r->links[i].fiber != NULL)
			fiber_stop(r->links[i].fiber);
	redis_wake_hopeful(r);
}

const char *
redis_name(const struct redis *r)
{
	return r->name;
}

void
redis_statistics(const struct redis *r, struct redis_stats *out)
{
	*out = r->stats;
	out->links = out->waiting = 0;
	for (size_t i = 0; i < r->options.connections; i++) {
		out->links += r->links[i].state == LINK_UP;
		out->waiting += r->links[i].waiting;
	}
}
