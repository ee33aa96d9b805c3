#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/json_read.h"
#include "base/json_write.h"
#include "base/log.h"
#include "gateway/board.h"
#include "gateway/stats.h"
#include "gateway/supervisor_internal.h"

const char *
supervisor_state_name(enum supervisor_state state)
{
	static const char *const names[] = { "running", "draining",
	    "stopping", "over" };

	return names[state];
}

/* The HTTP server. */
static void
put_web(const struct supervisor *s, struct json_out *o)
{
	struct web_crew_state web = web_crew_state(s->web);

	if (web.address == NULL)
		return;
	json_open(o, "stats", '{');
	json_z(o, "address", web.address);
	json_z(o, "state", web.pid != 0 ? "up" : "down");
	if (web.pid != 0) {
		json_int(o, "pid", web.pid);
		json_int(o, "up_s", (clock_now() - web.started) / CLOCK_S);
	}
	json_close(o, '}');
}

/* Members of an open object. */
static void
put_own(const struct supervisor *s, struct json_out *o)
{
	struct buf where = {0};

	json_z(o, "version", PACKAGE_VERSION);
	json_int(o, "pid", getpid());
	json_z(o, "state", supervisor_state_name(s->state));
	json_int(o, "up_s", (clock_now() - s->started) / CLOCK_S);
	json_int(o, "generation", s->fleet != NULL ? s->fleet->generation : 0);
	json_z(o, "configuration", fleet_source_name(s->source));
	sockets_text(s->sockets, &where);
	json_span(o, "listening", buf_text(&where));
	buf_free(&where);
	put_web(s, o);
	reload_status(s, o);
	json_open(o, "log", '{');
	json_int(o, "dropped", (int64_t)log_dropped());
	json_bool(o, "stuck", log_is_stuck());
	json_close(o, '}');
}

void
supervisor_show(struct supervisor *s, int64_t now)
{
	struct buf text = {0};
	struct json_out o = { .to = &text };

	if (s->shown != 0 && now < s->shown + CLOCK_S)
		return;
	s->shown = now;
	stats_add(STAT_LOG_DROPPED, (int64_t)(log_dropped() - s->dropped));
	s->dropped = log_dropped();
	json_open(&o, NULL, '{');
	put_own(s, &o);
	json_close(&o, '}');
	board_write(stats_board(STATS_SUPERVISOR), buf_text(&text));
	buf_free(&text);
}

/* A worker may be in anybody's hands: what is not JSON is not passed on. */
static void
put_board(struct json_out *o, const struct proc *p)
{
	struct buf text = {0};
	struct err err;

	if (board_read(stats_board(p->stats), &text) == 0 &&
	    json_check(buf_text(&text), &err) == 0)
		json_raw(o, "status", buf_text(&text));
	else
		json_none(o, "status");
	buf_free(&text);
}

static void
put_worker(struct json_out *o, const struct proc *p, int64_t now)
{
	json_open(o, NULL, '{');
	json_int(o, "index", (int64_t)p->index);
	json_int(o, "pid", p->pid);
	json_z(o, "state", proc_state_name(p->state));
	json_int(o, "sessions",
	    stats_get_slot(p->stats, STAT_SESSIONS_OPEN));
	json_int(o, "networks",
	    stats_get_slot(p->stats, STAT_NETWORKS_COUNTED));
	json_int(o, "networks_most", (int64_t)crowd_networks(p->crowd));
	json_int(o, "up_s", (now - p->started) / CLOCK_S);
	json_int(o, "silent_s",
	    (now - stats_last_beat(p->stats)) / CLOCK_S);
	put_board(o, p);
	json_close(o, '}');
}

void
supervisor_status(const struct supervisor *s, struct buf *out)
{
	struct json_out o = { .to = out };
	int64_t now = clock_now();

	json_open(&o, NULL, '{');
	put_own(s, &o);
	json_open(&o, "workers", '[');
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		put_worker(&o, p, now);
	json_close(&o, ']');
	json_close(&o, '}');
	buf_puts(out, "\n");
}
