#include <assert.h>

#include "conf/list.h"
#include "policy/action.h"
#include "policy/rule_eval_internal.h"
#include "policy/template.h"

/* What a rule does with the phase. */
enum outcome { STOPPED = -1, GOES_ON, DECIDED };

/* --- texts --- */

static size_t
most(enum action_kind kind)
{
	return kind == ACTION_ADD_HEADER || kind == ACTION_REPLACE_HEADER ||
	    kind == ACTION_PREFIX_SUBJECT ? VERDICT_VALUE_MAX :
	    VERDICT_TEXT_MAX;
}

static MAY_YIELD int
render(struct rule_run *run, const struct action *action, struct span *out,
    struct err *err)
{
	const struct template *t = &action->text;
	struct value *values;

	if (t->n == 0)
		return 0;
	values = arena_new_n(run->arena, t->n, struct value);
	for (size_t i = 0; i < t->n; i++)
		if (t->parts[i].ref.fact != NULL && rule_fact(run,
		    &t->parts[i].ref, &values[i], err) < 0)
			return -1;
	*out = template_render(run->arena, t, values, most(action->kind));
	return 0;
}

/* --- scores --- */

static int64_t
within(int64_t number, int64_t most)
{
	return number > most ? most : number < -most ? -most : number;
}

/* In hundredths, of whatever fact no more than a rule may say. */
static MAY_YIELD int
measure(struct rule_run *run, const struct action *action, int64_t *score,
    struct err *err)
{
	struct value v;

	*score = action->kind == ACTION_SCORE ? action->number : 0;
	if (action->ref.fact == NULL)
		return 0;
	if (rule_fact(run, &action->ref, &v, err) < 0)
		return -1;
	if (v.is_none)
		*score = 0;
	else if (v.type == TYPE_INT)
		*score = within(v.number, RULE_SCORE_MAX) * 100;
	else
		*score = within(v.number, RULE_SCORE_MAX * 100);
	return 0;
}

/* --- actions --- */

/* A fact that is none, or 0, adds nothing: it is not among the scores. */
static void
give(struct rule_run *run, enum world_kind w, const struct rule_step *step)
{
	if (action_in_effect(step->rule)->ref.fact == NULL ||
	    step->score != 0)
		given_add(run->e->arena,
		    &run->e->worlds[w].given[run->phase], step->rule,
		    step->score);
}

static void
end(struct rule_run *run, enum world_kind w, const struct rule *rule)
{
	run->e->worlds[w].ended = rule;
	run->e->worlds[w].ended_in = run->phase;
}

static void
decide(struct rule_run *run, enum world_kind w, struct verdict *v,
    const struct rule *rule, struct span text)
{
	const struct action *action = action_in_effect(rule);

	v->kind = action->kind;
	v->rule = rule;
	v->code = action->code;
	v->enhanced = action->enhanced;
	v->text = text;
	v->milter = action->milter;
	rule_soften(run, w, v);
}

static void
add_edit(struct rule_run *run, const struct action *action, struct span text)
{
	struct verdict *v = run->verdict;

	v->edits = list_room(run->arena, v->edits, v->nedits,
	    sizeof(*v->edits));
	v->edits[v->nedits++] = (struct header_edit){ action->kind,
	    action->name, text };
}

static void
add_log(struct rule_run *run, const struct rule *rule, struct span text)
{
	struct verdict *v = run->verdict;

	v->logs = list_room(run->arena, v->logs, v->nlogs, sizeof(*v->logs));
	v->logs[v->nlogs++] = (struct told){ rule, text, 0 };
}

/* Whoever waits longer than a client does delivers its mail twice. */
static void
add_delay(struct verdict *v, int64_t delay)
{
	v->delay += delay;
	if (v->delay > RULE_DELAY_MAX)
		v->delay = RULE_DELAY_MAX;
}

static void
add_hit(struct rule_run *run, const struct rule_step *step)
{
	struct verdict *v = run->verdict;

	v->hits = list_room(run->arena, v->hits, v->nhits, sizeof(*v->hits));
	v->hits[v->nhits++] = (struct told){ step->rule, step->text,
	    step->score };
}

static enum outcome
act(struct rule_run *run, const struct rule_step *step)
{
	const struct rule *rule = step->rule;
	const struct action *action = action_in_effect(rule);
	struct span text = step->text;

	add_hit(run, step);
	switch (action->kind) {
	case ACTION_TRUST:
		end(run, REAL, rule);
		decide(run, REAL, run->verdict, rule, text);
		return DECIDED;
	case ACTION_ACCEPT:
	case ACTION_REJECT:
	case ACTION_DEFER:
	case ACTION_DISCONNECT:
	case ACTION_DISCARD:
	case ACTION_QUARANTINE:
		decide(run, REAL, run->verdict, rule, text);
		return DECIDED;
	case ACTION_SCORE:
	case ACTION_TAG:
		give(run, REAL, step);
		give(run, SHADOW, step);
		break;
	case ACTION_DELAY:
		add_delay(run->verdict, action->number);
		break;
	case ACTION_ROUTE:
		run->verdict->route = action->name;
		run->verdict->unrouted = NULL;
		break;
	case ACTION_ADD_HEADER:
	case ACTION_REMOVE_HEADER:
	case ACTION_REPLACE_HEADER:
	case ACTION_PREFIX_SUBJECT:
		add_edit(run, action, text);
		break;
	case ACTION_LOG:
		add_log(run, rule, text);
		break;
	case ACTION_MILTER:
		if (run->phase != PHASE_MESSAGE)
			rule_milter_tell(run, action);
		else if (rule_milter_decides(step)) {
			decide(run, REAL, run->verdict, rule, text);
			return DECIDED;
		}
		break;
	case ACTION_GREYLIST:
	case ACTION_LIMIT:
		assert(false);		/* they have a brake, and no effect */
		break;
	}
	return GOES_ON;
}

/* --- what would be --- */

static void
add_observed(struct rule_run *run, const struct rule_step *step)
{
	struct verdict *v = run->verdict;

	v->observed = list_room(run->arena, v->observed, v->nobserved,
	    sizeof(*v->observed));
	v->observed[v->nobserved++] = (struct told){ step->rule, step->text,
	    step->score };
}

static void
observe(struct rule_run *run, const struct rule_step *step)
{
	const struct rule *rule = step->rule;
	enum action_kind kind = action_in_effect(rule)->kind;
	struct verdict *would;

	add_observed(run, step);
	if (kind == ACTION_SCORE || kind == ACTION_TAG)
		give(run, SHADOW, step);
	if (!action_is_final(kind))
		return;
	would = arena_new(run->arena, struct verdict);
	decide(run, SHADOW, would, rule, step->text);
	run->verdict->would = would;
	run->is_over = true;
	/* The next phase is asked behind accept alone: a recipient who is
	 * discarded is as little part of the message as one refused. */
	if (kind != ACTION_ACCEPT)
		end(run, SHADOW, rule);
}

/* --- rules --- */

static void
trace_add(struct rule_run *run, const struct rule_step *step)
{
	struct rule_trace *t = run->trace;

	if (t == NULL)
		return;
	t->steps = list_room(run->arena, t->steps, t->n, sizeof(*t->steps));
	t->steps[t->n++] = *step;
}

static void
note_limit(struct rule_run *run)
{
	if (run->step.gave_up == NULL || run->verdict->gave_up != NULL)
		return;
	run->verdict->gave_up = run->step.gave_up;
	run->verdict->gave_up_rule = run->step.rule;
}

/* The condition of the rule at hand cannot be told. */
static void
note_untold(struct rule_run *run)
{
	struct verdict *v = run->verdict;

	v->untold = list_room(run->arena, v->untold, v->nuntold,
	    sizeof(*v->untold));
	v->untold[v->nuntold++] = run->step.rule;
	rule_note_untold(run);
}

static MAY_YIELD enum outcome
do_action(struct rule_run *run, const struct rule *rule, struct err *err)
{
	const struct action *action = action_in_effect(rule);
	struct rule_step *step = &run->step;

	if (rule->action.brake != NULL && rule_brake(run, err) < 0)
		return STOPPED;
	if (step->is_let_pass)
		return GOES_ON;
	if (render(run, action, &step->text, err) < 0 ||
	    measure(run, action, &step->score, err) < 0)
		return STOPPED;
	step->observed = rule->observe;
	if (action->kind == ACTION_MILTER && run->phase == PHASE_MESSAGE &&
	    !rule->observe && rule_milter(run, err) < 0)
		return STOPPED;
	if (!rule->observe)
		return act(run, step);
	observe(run, step);
	return GOES_ON;
}

/* The condition and, if it holds, what a rule does; *applied tells a group
 * to go on with its own. */
static MAY_YIELD enum outcome
run_one(struct rule_run *run, const struct rule *rule, bool *applied,
    struct err *err)
{
	struct rule_step *step = &run->step;
	enum outcome outcome = GOES_ON;
	enum truth truth = TRUTH_YES;

	*step = (struct rule_step){ .rule = rule };
	run->world = rule->observe ? SHADOW : REAL;
	if (rule->when != NULL && rule_cond(run, rule->when, &truth, err) < 0)
		return STOPPED;
	step->applied = truth == TRUTH_YES;
	step->is_untold = truth == TRUTH_UNTOLD;
	if (step->is_untold)
		note_untold(run);
	note_limit(run);
	if (step->applied && rule->group == NULL)
		outcome = do_action(run, rule, err);
	if (outcome == STOPPED)
		return STOPPED;
	trace_add(run, step);
	*applied = step->applied;
	return outcome;
}

static MAY_YIELD enum outcome
run_rules(struct rule_run *run, const struct rule *rules, size_t n,
    struct err *err)
{
	for (size_t i = 0; i < n; i++) {
		enum outcome outcome;
		bool applied;

		if (rules[i].observe && run->is_over)
			continue;
		outcome = run_one(run, &rules[i], &applied, err);
		if (outcome == GOES_ON && applied && rules[i].group != NULL)
			outcome = run_rules(run, rules[i].group,
			    rules[i].ngroup, err);
		if (outcome != GOES_ON)
			return outcome;
	}
	return GOES_ON;
}

/* --- the evaluation --- */

struct evaluation *
evaluation_begin(struct arena *a, const struct rules *rules,
    const struct fact_source *source)
{
	struct evaluation *e = arena_new(a, struct evaluation);

	e->arena = a;
	e->rules = rules;
	e->source = source;
	e->slots = arena_new_n(a, rules->nslots, struct fact_slot *);
	e->counts = arena_new_n(a, rules->nlimits, struct count_slot);
	e->questions = arena_new_n(a, rules->nquestions,
	    struct question_slot);
	e->consults = arena_new_n(a, rules->nmilters, struct consult_slot);
	return e;
}

/* Of an earlier run of this phase, and what followed it. */
static void
start_over(struct evaluation *e, enum phase phase)
{
	for (size_t w = 0; w < WORLDS; w++) {
		struct world *world = &e->worlds[w];

		for (size_t i = phase; i < PHASES; i++)
			given_clear(&world->given[i]);
		if (world->ended_in >= phase)
			world->ended = NULL;
	}
}

MAY_YIELD int
evaluation_run(struct evaluation *e, enum phase phase, struct arena *a,
    struct verdict *verdict, struct rule_trace *trace, struct err *err)
{
	const struct phase_rules *rules = &e->rules->phases[phase];
	const struct rule *trusted, *would_end;
	struct rule_run run = { .e = e, .phase = phase, .arena = a,
	    .verdict = verdict, .trace = trace };

	start_over(e, phase);
	trusted = e->worlds[REAL].ended;
	would_end = trusted == NULL ? e->worlds[SHADOW].ended : NULL;
	*verdict = (struct verdict){ .kind = ACTION_ACCEPT, .rule = trusted };
	if (trace != NULL)
		*trace = (struct rule_trace){ .phase = phase,
		    .trusted = trusted, .would_end = would_end };
	if (trusted != NULL)
		return 0;
	run.is_over = would_end != NULL;
	return run_rules(&run, rules->rules, rules->n, err) == STOPPED ?
	    -1 : 0;
}

void
evaluation_forget(struct evaluation *e, enum fact_scope scope)
{
	rule_facts_forget(e, scope);
	rule_counts_forget(e, scope);
	rule_consults_forget(e, scope);
}
