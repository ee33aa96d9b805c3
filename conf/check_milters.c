#include <inttypes.h>
#include <string.h>

#include "base/buf.h"
#include "conf/claim.h"
#include "conf/value.h"

/* A filter that waits for a listener that does not exist is never asked. */
static void
check_listeners(struct reading *r, const struct milter_conf *m,
    const struct origin *o)
{
	const struct settings *s = r->s;
	const char **names = arena_new_n(r->a, s->nlisteners + 1,
	    const char *);
	size_t i, j;

	for (j = 0; j < s->nlisteners; j++)
		names[j] = s->listeners[j].name;
	for (i = 0; i < m->listeners.n && !r->is_partial; i++) {
		const char *name = m->listeners.list[i];

		for (j = 0; j < s->nlisteners; j++)
			if (names[j] != NULL && strcmp(names[j], name) == 0)
				break;
		if (j == s->nlisteners)
			claim_missing(r, "listener", name, origin_item(o,
			    SCOPE_MILTER, "listeners", i), names,
			    s->nlisteners);
	}
}

/* The time of a step that max_time, the end of all steps, never lets pass. Who
 * sets max_time alone wants just that. */
static void
check_times(struct reading *r, const struct milter_conf *m,
    const struct origin *o)
{
	const struct {
		const char *name;
		int64_t time;
	} steps[] = {
		{ "command_timeout", m->command_timeout },
		{ "body_timeout", m->body_timeout },
		{ "end_timeout", m->end_timeout },
	};
	struct buf most = {0};

	value_put_duration(&most, m->max_time);
	for (size_t i = 0; i < sizeof(steps) / sizeof(*steps); i++)
		if (steps[i].time > m->max_time &&
		    origin_has(o, SCOPE_MILTER, steps[i].name))
			diagnostic_warn(r->d, origin_place(o, SCOPE_MILTER,
			    steps[i].name), NULL, "%s is longer than "
			    "max_time: no step takes more than %.*s",
			    steps[i].name, SPAN_ARG(buf_text(&most)));
	buf_free(&most);
}

static void
check_milter(struct reading *r, const struct milter_conf *m,
    const struct origin *o)
{
	if (!origin_has(o, SCOPE_MILTER, "address") && !o->has_unknown)
		diagnostic(r->d, o->at, NULL, "this milter has no address");
	if (m->when == MILTER_BY_RULES && r->s->rules.choice == RULES_NONE)
		diagnostic_warn(r->d, origin_place(o, SCOPE_MILTER, "when"),
		    NULL, "this filter is never asked: with rules none there "
		    "is no rule to say so");
	else if (m->when == MILTER_BY_RULES &&
	    r->s->rules.choice == RULES_DEFAULT)
		diagnostic_warn(r->d, origin_place(o, SCOPE_MILTER, "when"),
		    NULL, "this filter is never asked: the rules that come "
		    "along do not say so");
	check_listeners(r, m, o);
	check_times(r, m, o);
}

void
check_milters(struct reading *r)
{
	const struct settings *s = r->s;
	struct claims names = claims_create(r, s->nmilters);

	for (size_t i = 0; i < s->nmilters; i++) {
		const struct milter_conf *m = &s->milters[i];
		const struct origin *o = &r->milters[i];

		if (m->name != NULL)
			claim(&names, claim_small_letters(r->a, m->name),
			    o->at, i);
		check_milter(r, m, o);
	}
	if (s->nmilters > MILTERS_MAX)
		diagnostic(r->d, r->milters[MILTERS_MAX].at, NULL, "there "
		    "are %zu milters: no more than %d can be used",
		    s->nmilters, MILTERS_MAX);
	claims_check(r, &names, "the name of a milter");
}
