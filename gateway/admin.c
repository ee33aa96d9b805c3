#include <inttypes.h>

#include "gateway/exit_code.h"
#include "gateway/stats.h"
#include "gateway/stats_json.h"
#include "gateway/supervisor_internal.h"

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

/* All that there is, series and workers too: for `stats --watch`. */
static void
run_stats_all(struct supervisor *s, struct control_client *client)
{
	struct buf text = {0};

	if (s->fleet == NULL) {
		control_answer(client, EXIT_RUNTIME,
		    SPAN_LIT("the gateway is starting\n"));
		return;
	}
	stats_json_text(&text, s->fleet->settings, s->fleet->rules);
	answer(client, EXIT_GOOD, &text);
}

static void
run_status(struct supervisor *s, struct control_client *client)
{
	struct buf text = {0};

	supervisor_status(s, &text);
	answer(client, EXIT_GOOD, &text);
}

/* --- orders --- */

static void
run_reload(struct supervisor *s, struct control_client *client)
{
	struct buf text = {0};

	if (s->state != SUPERVISOR_RUNNING) {
		buf_printf(&text, "nothing has changed: the gateway is %s\n",
		    supervisor_state_name(s->state));
		answer(client, EXIT_RUNTIME, &text);
		return;
	}
	control_park(client, reload_goes_on(s) ? TOPIC_NEXT_RELOAD :
	    TOPIC_RELOAD);
	reload_begin(s);
}

static void
run_drain(struct supervisor *s, struct control_client *client)
{
	struct buf text = {0};

	supervisor_drain(s);
	buf_printf(&text, "%s, sessions open: %" PRId64 "\n",
	    supervisor_state_name(s->state), stats_get(STAT_SESSIONS_OPEN));
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
	{ "stats all", run_stats_all },
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
