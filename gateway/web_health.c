#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "gateway/board.h"
#include "gateway/proc.h"
#include "gateway/stats.h"
#include "gateway/web_internal.h"

/* A loop turns at least once a second. */
#define HANGS	(10 * CLOCK_S)

static void
answer(struct web_exchange *x, const char *good, struct buf *why)
{
	if (why->len == 0)
		web_say(x, HTTP_OK, good);
	else if (!x->is_trusted)
		web_say(x, HTTP_UNAVAILABLE, "no");
	else {
		x->answer.status = HTTP_UNAVAILABLE;
		x->answer.body = span_n(arena_copy(x->arena, buf_text(why)),
		    why->len);
	}
	buf_free(why);
}

/* The next slot with a worker; -1 as `slot` begins, and ends. */
static int
next_worker(int slot, struct stats_proc *p)
{
	while ((slot = stats_share_next(slot)) != -1) {
		if (slot != STATS_SUPERVISOR && stats_proc_get(slot, p) == 0 &&
		    p->index >= 0)
			break;
	}
	return slot;
}

/* --- is it alive? --- */

void
web_healthz(struct web_exchange *x)
{
	struct buf why = {0};
	struct stats_proc p;
	size_t workers = 0;
	int64_t silent;

	for (int slot = -1; (slot = next_worker(slot, &p)) != -1;) {
		silent = clock_now() - stats_last_beat(slot);
		workers++;
		if (silent > HANGS)
			buf_printf(&why, "worker %" PRId64 " pid=%" PRId64
			    " hangs: its loop has not turned for %" PRId64
			    " s\n", p.index, p.pid, silent / CLOCK_S);
	}
	if (workers == 0)
		buf_puts(&why, "there is no worker\n");
	answer(x, "ok", &why);
}

/* --- can it take mail? --- */

/* How the addresses of a backend are, as all workers that accept see them. */
struct backend_view {
	bool	is_known;
	bool	has_good;	/* one that is not down */
};

/* One address: which backend, and whether it is down. */
static int
read_address(struct json_in *in, const struct settings *s,
    struct backend_view *views)
{
	struct span name = {0}, state = {0};
	struct json_value v;
	struct err err;

	for (;;) {
		if (json_next(in, &v, &err) < 0)
			return -1;
		if (v.kind == JSON_IN_CLOSE)
			break;
		if (v.kind == JSON_IN_STRING && span_is(v.key, "name"))
			name = v.text;
		else if (v.kind == JSON_IN_STRING && span_is(v.key, "state"))
			state = v.text;
		else if (json_skip(in, &v, &err) < 0)
			return -1;
	}
	for (size_t i = 0; i < s->nbackends; i++) {
		if (!span_is(name, s->backends[i].name))
			continue;
		views[i].is_known = true;
		views[i].has_good |= !span_is(state, "down");
	}
	return 0;
}

static int
read_addresses(struct json_in *in, const struct settings *s,
    struct backend_view *views)
{
	struct json_value v;
	struct err err;

	for (;;) {
		if (json_next(in, &v, &err) < 0)
			return -1;
		if (v.kind == JSON_IN_CLOSE)
			return 0;
		if (v.kind == JSON_IN_OBJECT) {
			if (read_address(in, s, views) < 0)
				return -1;
		} else if (json_skip(in, &v, &err) < 0)
			return -1;
	}
}

/* What a worker says; where it makes no sense, it is as if it said nothing. */
static void
read_board(struct arena *a, int slot, const struct settings *s,
    struct backend_view *views)
{
	struct buf text = {0};
	struct json_value v;
	struct json_in in;
	struct err err;

	if (board_read(stats_board(slot), &text) < 0) {
		buf_free(&text);
		return;
	}
	json_begin(&in, a, buf_text(&text));
	if (json_next(&in, &v, &err) < 0 || v.kind != JSON_IN_OBJECT) {
		buf_free(&text);
		return;
	}
	while (json_next(&in, &v, &err) == 0 && v.kind != JSON_IN_CLOSE) {
		if (v.kind == JSON_IN_ARRAY && span_is(v.key, "backends")) {
			if (read_addresses(&in, s, views) < 0)
				break;
		} else if (json_skip(&in, &v, &err) < 0)
			break;
	}
	buf_free(&text);
}

static void
tell_state(struct buf *why)
{
	struct stats_proc p;

	if (stats_proc_get(STATS_SUPERVISOR, &p) < 0)
		buf_puts(why, "there is no supervisor\n");
	else if (p.state == PROC_DRAINING)
		buf_puts(why, "draining\n");
	else if (p.state == PROC_STOPPING)
		buf_puts(why, "stopping\n");
}

void
web_readyz(struct web_exchange *x)
{
	const struct settings *s = x->web->start->settings;
	struct backend_view *views = arena_new_n(x->arena, s->nbackends + 1,
	    struct backend_view);
	struct buf why = {0};
	struct stats_proc p;
	size_t accepting = 0;

	tell_state(&why);
	for (int slot = -1; (slot = next_worker(slot, &p)) != -1;) {
		if (p.state != PROC_RUNNING)
			continue;
		accepting++;
		read_board(x->arena, slot, s, views);
	}
	if (accepting == 0)
		buf_puts(&why, "no worker accepts mail\n");
	for (size_t i = 0; i < s->nbackends; i++) {
		if (views[i].is_known && !views[i].has_good)
			buf_printf(&why, "backend %s is down\n",
			    s->backends[i].name);
	}
	answer(x, "ready", &why);
}
