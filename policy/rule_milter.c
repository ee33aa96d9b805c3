#include <assert.h>

#include "conf/list.h"
#include "policy/action.h"
#include "policy/rule_eval_internal.h"

void
rule_milter_tell(struct rule_run *run, const struct action *action)
{
	assert(action->milter < RULE_MILTERS_MAX);
	run->verdict->milters |= UINT32_C(1) << action->milter;
}

static void
note(struct rule_run *run, size_t milter)
{
	struct verdict *v = run->verdict;

	for (size_t i = 0; i < v->nconsulted; i++)
		if (v->consulted[i].milter == milter)
			return;
	v->consulted = list_room(run->arena, v->consulted, v->nconsulted,
	    sizeof(*v->consulted));
	v->consulted[v->nconsulted++] = (struct milter_reading){ milter,
	    run->step.consulted };
}

/* Once for a message, however many rules name the filter: a run that had to
 * stop must not ask it again. */
MAY_YIELD int
rule_milter(struct rule_run *run, struct err *err)
{
	const struct fact_source *source = run->e->source;
	const struct action *action = action_in_effect(run->step.rule);
	struct consult_slot *slot;

	assert(action->milter < run->e->rules->nmilters);
	slot = &run->e->consults[action->milter];
	if (!slot->known) {
		slot->answer = (struct consult_answer){ 0 };
		if (source->consult(source->owner, action, &slot->answer,
		    err) < 0)
			return -1;
		slot->known = true;
	}
	run->step.is_consulted = true;
	run->step.consulted = slot->answer;
	note(run, action->milter);
	return 0;
}

bool
rule_milter_decides(const struct rule_step *step)
{
	return step->consulted.outcome == CONSULT_DEFERS ||
	    step->consulted.outcome == CONSULT_REFUSES;
}

void
rule_consults_forget(struct evaluation *e, enum fact_scope scope)
{
	for (size_t i = 0; scope <= FACT_OF_MESSAGE &&
	    i < e->rules->nmilters; i++)
		e->consults[i].known = false;
}
