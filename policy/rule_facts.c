#include <assert.h>

#include "conf/list.h"
#include "policy/rule_eval_internal.h"

/* --- what the rules give --- */

static const enum fact_scope scope_of_phase[PHASES] = {
	[PHASE_CONNECT] = FACT_OF_SESSION,
	[PHASE_HELO] = FACT_OF_HELO,
	[PHASE_MAIL] = FACT_OF_MAIL,
	[PHASE_RCPT] = FACT_OF_RCPT,
	[PHASE_MESSAGE] = FACT_OF_MESSAGE,
};

int64_t
rule_sum(int64_t a, int64_t b)
{
	int64_t sum;

	if (__builtin_add_overflow(a, b, &sum))
		return b > 0 ? INT64_MAX : INT64_MIN;
	return sum;
}

void
given_add(struct arena *a, struct given *given, const struct rule *rule)
{
	if (given->n == given->cap) {
		given->rules = list_room(a, given->rules, given->n,
		    sizeof(*given->rules));
		given->cap = given->n > 0 ? given->n * 2 : 1;
	}
	given->rules[given->n++] = rule;
	if (rule->action.kind == ACTION_SCORE)
		given->score = rule_sum(given->score, rule->action.number);
}

/* The array stays: the next mail is given about as much. */
void
given_clear(struct given *given)
{
	given->n = 0;
	given->score = 0;
}

void
given_copy(struct arena *a, struct given *to, const struct given *from)
{
	given_clear(to);
	for (size_t i = 0; i < from->n; i++)
		given_add(a, to, from->rules[i]);
}

int64_t
evaluation_score(const struct evaluation *e)
{
	int64_t sum = 0;

	for (size_t i = 0; i < PHASES; i++)
		sum = rule_sum(sum, e->given[i].score);
	return sum;
}

void
evaluation_put_scores(const struct evaluation *e, struct buf *out)
{
	bool is_first = true;

	for (size_t i = 0; i < PHASES; i++)
		for (size_t k = 0; k < e->given[i].n; k++) {
			const struct rule *r = e->given[i].rules[k];

			if (r->action.kind != ACTION_SCORE)
				continue;
			buf_puts(out, is_first ? "" : ",");
			buf_span(out, score_name(r));
			is_first = false;
		}
}

bool
evaluation_tagged(const struct evaluation *e, struct span tag)
{
	for (size_t i = 0; i < PHASES; i++)
		for (size_t j = 0; j < e->given[i].n; j++) {
			const struct action *a = &e->given[i].rules[j]->action;

			if (a->kind == ACTION_TAG && span_eq(a->name, tag))
				return true;
		}
	return false;
}

struct span
score_name(const struct rule *rule)
{
	return rule->action.name.len > 0 ? rule->action.name :
	    span_z(rule->name);
}

static void
read_scores(struct rule_run *run, struct value *v)
{
	const struct given *given = run->e->given;
	size_t n = 0;

	for (size_t i = 0; i < PHASES; i++)
		n += given[i].n;
	v->list.items = arena_new_n(run->arena, n, struct value);
	v->list.n = 0;
	for (size_t i = 0; i < PHASES; i++)
		for (size_t j = 0; j < given[i].n; j++) {
			const struct rule *r = given[i].rules[j];

			if (r->action.kind != ACTION_SCORE)
				continue;
			v->list.items[v->list.n++] = (struct value){
			    .type = TYPE_TEXT, .text = score_name(r) };
		}
}

static bool
read_own(struct rule_run *run, const struct fact *fact, struct value *v)
{
	if (fact->scope != FACT_OF_RULES)
		return false;
	*v = (struct value){ .type = fact->type };
	if (fact_id(fact) == FACT_SCORE)
		v->number = evaluation_score(run->e);
	else
		read_scores(run, v);
	return true;
}

/* --- facts of the source --- */

static bool
is_known(const struct rule_run *run, const struct fact_slot *slot)
{
	return slot->known && (slot->fact->change == FACT_STAYS ||
	    slot->phase >= run->phase);
}

static MAY_YIELD int
read_slot(struct rule_run *run, const struct fact_ref *ref,
    struct value *value, struct err *err)
{
	struct evaluation *e = run->e;
	struct fact_slot *slot;

	assert(ref->slot < e->rules->nslots);
	slot = e->slots[ref->slot];
	if (slot == NULL) {
		slot = arena_new(e->arena, struct fact_slot);
		slot->fact = ref->fact;
		e->slots[ref->slot] = slot;
	}
	if (!is_known(run, slot)) {
		struct value v = { .type = ref->fact->type };

		if (e->source->get(e->source->owner, ref, &v, err) < 0)
			return -1;
		assert(v.type == ref->fact->type);
		slot->value = v;
		slot->known = true;
		slot->phase = run->phase;
	}
	*value = slot->value;
	return 0;
}

static void
note(struct rule_run *run, const struct fact_ref *ref,
    const struct value *value)
{
	struct rule_step *s = &run->step;

	if (run->trace == NULL)
		return;
	for (size_t i = 0; i < s->nreadings; i++)
		if (s->readings[i].ref->slot == ref->slot)
			return;
	s->readings = list_room(run->arena, s->readings, s->nreadings,
	    sizeof(*s->readings));
	s->readings[s->nreadings++] = (struct fact_reading){ ref, *value };
}

MAY_YIELD int
rule_fact(struct rule_run *run, const struct fact_ref *ref,
    struct value *value, struct err *err)
{
	if (!read_own(run, ref->fact, value) &&
	    read_slot(run, ref, value, err) < 0)
		return -1;
	note(run, ref, value);
	return 0;
}

void
rule_facts_forget(struct evaluation *e, enum fact_scope scope)
{
	for (size_t i = 0; i < e->rules->nslots; i++)
		if (e->slots[i] != NULL &&
		    (e->slots[i]->fact->scope >= scope ||
		    e->slots[i]->fact->change == FACT_GROWS))
			e->slots[i]->known = false;
	for (size_t i = 0; i < PHASES; i++)
		if (scope_of_phase[i] >= scope)
			given_clear(&e->given[i]);
	if (e->trusted != NULL && scope_of_phase[e->trusted_in] >= scope)
		e->trusted = NULL;
	if (scope <= FACT_OF_MAIL) {
		given_clear(&e->kept.given);
		e->kept.trusted = NULL;
	}
}
