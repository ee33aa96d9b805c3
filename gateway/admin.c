#include <inttypes.h>
#include <unistd.h>

#include "base/clock.h"
#include "gateway/exit_code.h"
#include "gateway/stats.h"
#include "gateway/supervisor_internal.h"

/* How long workers may take to say how they are. */
#define STATUS_TIME	(1 * CLOCK_S)

static void
answer(struct control_client *client, int code, struct buf *text)
{
	control_answer(client, code, buf_text(text));
	buf_free(text);
}

static void
run_stats(struct supervisor *s, struct control_client *client)
{
	struct buf text = {0};

	(void)s;
	stats_text(&text);
	answer(client, EXIT_GOOD, &text);
}

static void
run_stats_json(struct supervisor *s, struct control_client *client)
{
	struct buf text = {0};

	(void)s;
	stats_json(&text);
	answer(client, EXIT_GOOD, &text);
}

/* --- status: every worker is asked, and answers in its own time --- */

static void
run_status(struct supervisor *s, struct control_client *client)
{
	control_park(client, TOPIC_STATUS);
	if (s->status_by != CLOCK_NEVER)
		return;		/* the answer under way is fresh enough */
	for (struct proc *p = s->procs; p != NULL; p = p->next) {
		buf_clear(&p->status);
		p->owes_status = p->state != PROC_STARTING;
		if (p->owes_status)
			proc_say(p, CHANNEL_ASK);
	}
	s->status_by = clock_now() + STATUS_TIME;
}

static void
put_worker(struct buf *out, const struct proc *p)
{
	struct span rest = buf_text(&p->status);

	buf_printf(out, "worker %zu pid=%d state=%s sessions=%" PRId64
	    " networks=%" PRId64 "/%zu up=%" PRId64 "s\n", p->index, p->pid,
	    proc_state_name(p->state),
	    stats_get_slot(p->stats, STAT_SESSIONS_OPEN),
	    stats_get_slot(p->stats, STAT_NETWORKS_COUNTED),
	    crowd_networks(p->crowd),
	    (clock_now() - p->started) / CLOCK_S);
	while (rest.len > 0) {
		struct span line = span_until(&rest, '\n');

		buf_printf(out, "  %.*s\n", SPAN_ARG(line));
	}
	if (p->owes_status)
		buf_puts(out, "  no answer\n");
}

static void
put_status(struct buf *out, const struct supervisor *s)
{
	static const char *const states[] = { "running", "draining",
	    "stopping", "over" };
	size_t before;

	buf_printf(out, "forepost " PACKAGE_VERSION " pid=%d state=%s "
	    "up=%" PRId64 "s configuration=%s\n", getpid(), states[s->state],
	    (clock_now() - s->started) / CLOCK_S,
	    fleet_source_name(s->source));
	buf_puts(out, "listening ");
	before = out->len;
	sockets_text(s->sockets, out);
	buf_puts(out, out->len == before ? "nowhere\n" : "\n");
	for (const struct proc *p = s->procs; p != NULL; p = p->next)
		put_worker(out, p);
}

void
admin_turn(struct supervisor *s, int64_t now)
{
	struct buf text = {0};

	if (s->status_by == CLOCK_NEVER)
		return;
	for (const struct proc *p = s->procs; p != NULL; p = p->next) {
		if (p->owes_status && now < s->status_by)
			return;
	}
	put_status(&text, s);
	control_answer_all(s->control, TOPIC_STATUS, EXIT_GOOD,
	    buf_text(&text));
	buf_free(&text);
	s->status_by = CLOCK_NEVER;
}

/* --- orders --- */

static void
run_reload(struct supervisor *s, struct control_client *client)
{
	if (s->state != SUPERVISOR_RUNNING) {
		control_answer(client, EXIT_RUNTIME,
		    SPAN_LIT("the gateway is ending\n"));
		return;
	}
	control_park(client, s->next != NULL ? TOPIC_NEXT_RELOAD :
	    TOPIC_RELOAD);
	reload_begin(s);
}

static void
run_drain(struct supervisor *s, struct control_client *client)
{
	struct buf text = {0};

	supervisor_drain(s);
	buf_printf(&text, "draining, sessions open: %" PRId64 "\n",
	    stats_get(STAT_SESSIONS_OPEN));
	answer(client, EXIT_GOOD, &text);
}

static void
run_stop(struct supervisor *s, struct control_client *client)
{
	supervisor_stop(s);
	control_answer(client, EXIT_GOOD, SPAN_LIT("stopping\n"));
}

static const struct {
	const char *text;
	void (*run)(struct supervisor *s, struct control_client *client);
} requests[] = {
	{ "stats", run_stats },
	{ "stats json", run_stats_json },
	{ "status", run_status },
	{ "reload", run_reload },
	{ "drain", run_drain },
	{ "stop", run_stop },
};

void
admin_run(void *arg, struct control_client *client, struct span request)
{
	for (size_t i = 0; i < sizeof(requests) / sizeof(requests[0]); i++) {
		if (span_is(request, requests[i].text)) {
			requests[i].run(arg, client);
			return;
		}
	}
	control_answer(client, EXIT_USAGE,
	    SPAN_LIT("this gateway does not know that request\n"));
}
