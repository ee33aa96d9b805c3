#include "conf/list.h"
#include "policy/action.h"
#include "policy/rule_eval_internal.h"
#include "policy/set_ask.h"

/* --- asking --- */

static bool
is_known(const struct rule_run *run, const struct question_slot *slot)
{
	return slot->known && (slot->fact->change == FACT_STAYS ||
	    slot->phase >= run->phase);
}

/* Each question once. */
static void
add(struct arena *a, struct set_reading **list, size_t *n,
    const struct set_reading *reading)
{
	for (size_t i = 0; i < *n; i++)
		if ((*list)[i].cond->question == reading->cond->question)
			return;
	*list = list_room(a, *list, *n, sizeof(**list));
	(*list)[(*n)++] = *reading;
}

static void
note(struct rule_run *run, const struct cond *c, const struct value *v,
    const struct set_answer *answer)
{
	struct rule_step *s = &run->step;
	struct verdict *verdict = run->verdict;
	struct set_reading reading = { .cond = c, .told = answer->told };
	struct span members[SET_QUESTIONS_MAX];

	if (answer->told == SET_HAS && answer->question <
	    set_questions(run->arena, v, members))
		reading.member = arena_span(run->arena,
		    members[answer->question]);
	if (verdict != NULL)
		add(run->arena, &verdict->asked, &verdict->nasked, &reading);
	if (run->trace != NULL)
		add(run->arena, &s->asked, &s->nasked, &reading);
}

MAY_YIELD int
rule_question(struct rule_run *run, const struct cond *c,
    const struct value *v, enum truth *truth, struct err *err)
{
	static const enum truth truths[] = { [SET_HAS_NOT] = TRUTH_NO,
	    [SET_HAS] = TRUTH_YES, [SET_UNTOLD] = TRUTH_UNTOLD };
	const struct fact_source *source = run->e->source;
	struct question_slot *slot = &run->e->questions[c->question];

	if (!is_known(run, slot)) {
		struct set_answer answer = { .told = SET_UNTOLD };

		if (source->member(source->owner, c->set, v, &answer,
		    err) < 0)
			return -1;
		*slot = (struct question_slot){ c->ref.fact, true,
		    run->phase, answer };
	}
	note(run, c, v, &slot->answer);
	*truth = truths[slot->answer.told];
	return 0;
}

void
rule_questions_forget(struct evaluation *e, enum fact_scope scope)
{
	for (size_t i = 0; i < e->rules->nquestions; i++) {
		struct question_slot *slot = &e->questions[i];

		if (slot->known && (slot->fact->scope >= scope ||
		    slot->fact->change == FACT_GROWS))
			slot->known = false;
	}
}

/* --- what cannot be told --- */

/* Would something else than a refusal for good have come of it, or might
 * it? */
static bool
could_help(const struct action *action)
{
	switch (action->kind) {
	case ACTION_REJECT:
	case ACTION_DISCONNECT:
		return action->code / 100 != 5;
	case ACTION_SCORE:
		return action->ref.fact != NULL || action->number < 0;
	default:
		return action_is_final(action->kind) ||
		    action->kind == ACTION_TAG ||
		    action->kind == ACTION_MILTER;
	}
}

static bool
routes(const struct action *action)
{
	return action->kind == ACTION_ROUTE;
}

/* The rule, or the first of its group, that could have done so in this world:
 * what only observes never does in the real one. */
static const struct rule *
find(const struct rule *rule, enum world_kind w,
    bool (*does)(const struct action *action))
{
	const struct rule *inner = NULL;

	if (w == REAL && rule->observe)
		return NULL;
	if (rule->group == NULL)
		return does(action_in_effect(rule)) ? rule : NULL;
	for (size_t i = 0; i < rule->ngroup && inner == NULL; i++)
		inner = find(&rule->group[i], w, does);
	return inner;
}

void
rule_note_untold(struct rule_run *run)
{
	const struct rule *router = find(run->step.rule, REAL, routes);

	if (router != NULL)
		run->verdict->unrouted = router;
	for (size_t w = REAL; w < WORLDS; w++) {
		struct given *given = &run->e->worlds[w].given[run->phase];

		if (given->untold == NULL)
			given->untold = find(run->step.rule,
			    (enum world_kind)w, could_help);
	}
}

void
rule_soften(const struct rule_run *run, enum world_kind w, struct verdict *v)
{
	const struct world *world = &run->e->worlds[w];
	bool is_for_good = v->kind == ACTION_DISCARD ||
	    (v->kind == ACTION_MILTER && run->step.consulted.outcome ==
	    CONSULT_REFUSES) ||
	    ((v->kind == ACTION_REJECT || v->kind == ACTION_DISCONNECT) &&
	    v->code / 100 == 5);

	for (size_t i = 0; i < PHASES && v->unsure == NULL; i++)
		v->unsure = world->given[i].untold;
	if (!is_for_good)
		v->unsure = NULL;
	if (v->unsure == NULL)
		return;
	v->code = v->kind == ACTION_DISCONNECT ? 421 : 451;
	if (v->kind != ACTION_DISCONNECT)
		v->kind = ACTION_DEFER;
	v->enhanced = "4.3.0";
	v->text = SPAN_LIT("Something could not be checked, "
	    "please try again later");
}
