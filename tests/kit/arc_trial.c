#include <assert.h>
#include <stdint.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/arc_trial.h"

#define TIMEOUT	(200 * CLOCK_MS)

static struct arena *asked;	/* holds the last answer */

static void
give_body(struct arc *c, struct span body, size_t piece)
{
	struct span s;

	while (body.len > 0) {
		s = body;
		if (piece > 0 && s.len > piece)
			s.len = piece;
		arc_body(c, s);
		body = span_n(body.p + s.len, body.len - s.len);
	}
}

static MAY_YIELD void
run_trial(void *arg)
{
	struct arc_trial *t = arg;
	struct arc_options options = { TIMEOUT };
	struct arc *c = arc_begin(t->arena, &options);
	struct span message = span_z(t->message);
	struct fields *f = arena_new(t->arena, struct fields);
	size_t body;
	struct err err;

	fields_parse(t->arena, message, f);
	arc_header(c, f);
	if (t->leave) {
		fiber_yield();
		arena_destroy(&t->arena);
		return;
	}
	if (t->stop)
		fiber_stop(fiber_self());
	body = f->size + 2 < message.len ? f->size + 2 : message.len;
	give_body(c, span_n(message.p + body, message.len - body), t->piece);
	t->ret = arc_finish(c, &t->answer, &err);
}

const struct arc_answer *
arc_trial(struct arc_trial *t)
{
	struct dns_options options = { .hosts = t->zone };
	struct err err;
	int r;

	arc_trial_end();
	r = dns_create(&options, &err);
	assert(r == 0);
	t->arena = arena_create("trial");
	fiber_spawn("trial", run_trial, t);
	while (fiber_count() > 0)
		loop_turn(true);
	dns_statistics(&t->dns);
	dns_destroy();
	asked = t->arena;
	return &t->answer;
}

const char *
arc_trial_outcome(struct arc_trial *t)
{
	return arc_outcome_name(arc_trial(t)->outcome);
}

void
arc_trial_end(void)
{
	if (asked != NULL)
		arena_destroy(&asked);
}
