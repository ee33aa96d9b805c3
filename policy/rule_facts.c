#include <assert.h>

#include "conf/list.h"
#include "policy/rule_eval_internal.h"

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

/* Its text may not last as long as the verdict. */
static void
keep(struct rule_run *run, const struct fact_ref *ref,
    const struct value *value)
{
	struct verdict *v = run->verdict;

	for (size_t i = 0; i < v->nread; i++)
		if (v->read[i].ref->slot == ref->slot)
			return;
	v->read = list_room(run->arena, v->read, v->nread, sizeof(*v->read));
	v->read[v->nread++] = (struct fact_reading){ ref,
	    value_copy(run->arena, value) };
}

static void
note(struct rule_run *run, const struct fact_ref *ref,
    const struct value *value)
{
	struct rule_step *s = &run->step;

	if (ref->fact->change == FACT_GROWS && run->verdict != NULL)
		keep(run, ref, value);
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
	if (!rule_fact_given(run, ref->fact, value) &&
	    read_slot(run, ref, value, err) < 0)
		return -1;
	note(run, ref, value);
	return 0;
}

const struct value *
evaluation_known(const struct evaluation *e, unsigned slot)
{
	const struct fact_slot *s = slot < e->rules->nslots ?
	    e->slots[slot] : NULL;

	return s != NULL && s->known && s->fact->change == FACT_STAYS ?
	    &s->value : NULL;
}

void
rule_facts_forget(struct evaluation *e, enum fact_scope scope)
{
	for (size_t i = 0; i < e->rules->nslots; i++)
		if (e->slots[i] != NULL &&
		    (e->slots[i]->fact->scope >= scope ||
		    e->slots[i]->fact->change == FACT_GROWS))
			e->slots[i]->known = false;
	rule_questions_forget(e, scope);
	given_forget(e, scope);
}

/* From here on. */
static void
fold(struct buf *out, size_t begin)
{
	for (size_t i = begin; i < out->len; i++)
		if (out->p[i] >= 'A' && out->p[i] <= 'Z')
			out->p[i] = (char)(out->p[i] + ('a' - 'A'));
}

void
rule_put_folded(struct buf *out, struct span text)
{
	size_t begin = out->len;

	buf_span(out, text);
	fold(out, begin);
}

void
rule_fact_put(struct buf *out, const struct fact_ref *ref,
    const struct value *value)
{
	size_t begin = out->len;

	value_put(out, value, ref->fact->words);
	fold(out, begin);
}
