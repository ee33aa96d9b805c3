#include <string.h>

#include "gateway/recorded_internal.h"
#include "policy/set_ask.h"

/*
 * What rules ask for, as the record has it.
 */

/* --- what is missing --- */

static int
missing(struct trial *t, const char *name, struct err *err)
{
	t->out->missing = name;
	t->out->missing_at = t->at;
	t->out->missing_rcpt = t->rcpt;
	return err_set(err, ERR_UNAVAIL, "the journal does not have it");
}

static const char *
name_of(struct trial *t, const struct fact_ref *ref)
{
	return arena_printf(t->arena, "%s%s%.*s", ref->fact->name,
	    ref->argument.len == 0 || fact_is_dotted(ref->fact) ? "" : " ",
	    SPAN_ARG(ref->argument));
}

/* --- facts that grow --- */

const struct recorded_phase *
recorded_then(const struct trial *t, enum phase phase)
{
	if (phase != PHASE_RCPT)
		return &t->record->phases[phase];
	return t->rcpt < t->record->nrcpts ?
	    &t->record->rcpts[t->rcpt].phase : NULL;
}

/* The next reading from this phase on, up or down. */
static bool
read_near(struct trial *t, const struct fact_ref *ref, int from, int step,
    struct value *v)
{
	int p;

	for (p = from; p >= 0 && p < PHASES; p += step) {
		const struct recorded_phase *then = recorded_then(t,
		    (enum phase)p);

		if (then != NULL &&
		    recorded_get(t->arena, &then->read, ref, v))
			return true;
	}
	return false;
}

/* Of all lists: a score of 0 may be the sum of two. */
static bool
was_never_anything(struct trial *t, const struct fact_ref *ref,
    const struct value *last)
{
	const struct fact_ref names = { .fact = fact_at(FACT_DNSBL_NAMES) };
	struct value v;

	if (!value_is_nothing(last))
		return false;
	return ref->fact->id != FACT_DNSBL_SCORE ||
	    (recorded_get(t->arena, &t->record->facts, &names, &v) &&
	    v.list.n == 0);
}

static bool
get_growing(struct trial *t, const struct fact_ref *ref, struct value *v)
{
	const struct recorded_facts *end = &t->record->facts;
	struct value before, behind;
	bool has_behind;

	if (recorded_get(t->arena, &t->then->read, ref, v))
		return true;
	has_behind = read_near(t, ref, (int)t->at + 1, 1, &behind) ||
	    recorded_get(t->arena, end, ref, &behind);
	if (!has_behind)
		return false;
	*v = behind;
	if (t->at == PHASE_MESSAGE || was_never_anything(t, ref, &behind))
		return true;
	return read_near(t, ref, (int)t->at - 1, -1, &before) &&
	    value_equal(&before, &behind);
}

/* By its number among those that were taken; as it was then, if that were as
 * many. */
static bool
get_count(struct trial *t, const struct fact_ref *ref, struct value *v)
{
	const struct recorded_rcpt *rcpt = &t->record->rcpts[t->rcpt];

	if (t->taken + t->discarded == t->were_taken && (recorded_get(t->arena,
	    &t->then->read, ref, v) || (t->at == PHASE_RCPT &&
	    recorded_get(t->arena, &rcpt->facts, ref, v))))
		return true;
	v->number = (int64_t)t->taken;
	if (t->at == PHASE_RCPT)
		v->number += (int64_t)t->discarded + 1;
	return true;
}

/* --- texts in which addresses were hidden --- */

/* Each of them was, so no text that has one is as it was. */
static bool
has_address(const struct value *v)
{
	size_t i;

	if (v->is_none)
		return false;
	if (v->type == TYPE_TEXT)
		return v->text.len > 0 &&
		    memchr(v->text.p, '@', v->text.len) != NULL;
	for (i = 0; v->type == TYPE_TEXTS && i < v->list.n; i++)
		if (has_address(&v->list.items[i]))
			return true;
	return false;
}

/* --- the source --- */

/* What the filter said when rules of the message asked it. */
static bool
milter_then(struct trial *t, struct span name, struct span *said,
    bool *decided)
{
	const struct recorded_fact *f = recorded_find(
	    &t->record->phases[PHASE_MESSAGE].milters, name);
	struct json_value j;
	struct json_in in;
	struct err err;

	*said = SPAN_LIT("");
	*decided = false;
	if (f == NULL || f->kind != JSON_IN_OBJECT)
		return false;
	json_begin(&in, t->arena, f->text);
	while (json_next(&in, &j, &err) == 0 && j.kind != JSON_IN_CLOSE) {
		if (span_is(j.key, "said") && j.kind == JSON_IN_STRING)
			*said = j.text;
		if (span_is(j.key, "decided"))
			*decided = j.kind == JSON_IN_TRUE;
	}
	return said->len > 0;
}

static bool
get_milter(struct trial *t, const struct fact_ref *ref, struct value *v)
{
	struct span said;
	bool decided;
	int word;

	if (!milter_then(t, ref->argument, &said, &decided))
		return false;
	word = fact_word(ref->fact, said);
	v->word = word >= 0 ? (unsigned)word : 0;
	return word >= 0;
}

static bool
find_value(struct trial *t, const struct fact_ref *ref, struct value *v)
{
	const struct recorded *r = t->record;

	if (ref->fact->id == FACT_RCPT_COUNT)
		return get_count(t, ref, v);
	if (ref->fact->change == FACT_GROWS)
		return get_growing(t, ref, v);
	if (ref->fact->scope == FACT_OF_RCPT && t->rcpt < r->nrcpts) {
		if (recorded_get(t->arena, &r->rcpts[t->rcpt].facts, ref, v))
			return true;
		if (ref->fact->id == FACT_RCPT)
			return recorded_value(t->arena, ref->fact,
			    &r->rcpts[t->rcpt].to, v);
		return false;
	}
	return recorded_get(t->arena, &r->facts, ref, v) ||
	    (ref->fact->argument == FACT_TAKES_MILTER &&
	    get_milter(t, ref, v));
}

static int
get(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct trial *t = owner;
	struct value v = { .type = ref->fact->type };

	if (!find_value(t, ref, &v) || (t->record->is_veiled &&
	    has_address(&v)))
		return missing(t, name_of(t, ref), err);
	*value = v;
	return 0;
}

static int
count(void *owner, const struct rule *rule, struct span key, int64_t window,
    int64_t *number, struct err *err)
{
	struct trial *t = owner;
	const struct recorded_fact *f = recorded_find(&t->then->limits,
	    span_z(rule->name));

	(void)key;
	(void)window;
	*number = -1;
	if (f != NULL && (f->kind == JSON_IN_NULL ||
	    (f->kind == JSON_IN_NUMBER &&
	    json_in_decimal(f->text, 0, number) == 0)))
		return 0;
	return missing(t, arena_printf(t->arena, "limit %s", rule->name),
	    err);
}

/* The fact that a set was asked for then had this value. */
static bool
is_of(struct trial *t, const struct recorded_set *set,
    const struct value *value)
{
	struct fact_ref ref = {0};
	struct value v;
	size_t i;

	ref.fact = fact_find(set->fact, &ref.argument);
	for (i = 0; ref.fact == NULL && i < set->fact.len; i++)
		if (set->fact.p[i] == ' ') {
			ref.fact = fact_find(span_n(set->fact.p, i),
			    &ref.argument);
			ref.argument = span_n(set->fact.p + i + 1,
			    set->fact.len - i - 1);
		}
	return ref.fact != NULL && find_value(t, &ref, &v) &&
	    v.type == value->type && value_equal(&v, value);
}

static bool
answer_of(struct trial *t, const struct set_decl *set,
    const struct value *value, struct set_answer *answer)
{
	struct span members[SET_QUESTIONS_MAX];
	const struct recorded_set *s;
	size_t i, n;

	for (i = 0; i < t->then->nsets; i++) {
		s = &t->then->sets[i];
		if ((!span_eq(s->set, span_z(set->name)) &&
		    !span_eq(s->set, span_z(set->redis))) ||
		    !is_of(t, s, value))
			continue;
		answer->told = s->told;
		answer->question = 0;
		n = s->told == SET_HAS ? set_questions(t->arena, value,
		    members) : 0;
		while (answer->question < n &&
		    !span_eq(members[answer->question], s->member))
			answer->question++;
		return true;
	}
	return false;
}

/* What was answered to others for the same value. */
static bool
answer_elsewhere(struct trial *t, const struct set_decl *set,
    const struct value *value, struct set_answer *answer)
{
	struct trial there = *t;
	size_t i;

	for (i = 0; i < PHASES + t->record->nrcpts; i++) {
		there.at = i < PHASES ? (enum phase)i : PHASE_RCPT;
		there.rcpt = i < PHASES ? t->first : i - PHASES;
		there.then = recorded_then(&there, there.at);
		if (there.then != NULL &&
		    answer_of(&there, set, value, answer))
			return true;
	}
	return false;
}

static int
member(void *owner, const struct set_decl *set, const struct value *value,
    struct set_answer *answer, struct err *err)
{
	struct trial *t = owner;

	if (answer_of(t, set, value, answer) ||
	    answer_elsewhere(t, set, value, answer))
		return 0;
	return missing(t, arena_printf(t->arena, "set %s", set->name), err);
}

/* What rules of a message make of what a filter said. */
static enum consulted
consulted(unsigned word)
{
	static const struct {
		const char	*word;
		enum consulted	 outcome;
	} outcomes[] = {
		{ "accept", CONSULT_PASSES }, { "quarantine", CONSULT_PASSES },
		{ "tempfail", CONSULT_DEFERS }, { "error", CONSULT_DEFERS },
		{ "reject", CONSULT_REFUSES }, { "discard", CONSULT_REFUSES },
	};
	size_t i;

	for (i = 0; i < sizeof(outcomes) / sizeof(outcomes[0]); i++)
		if (fact_word(fact_at(FACT_MILTER),
		    span_z(outcomes[i].word)) == (int)word)
			return outcomes[i].outcome;
	return CONSULT_UNASKED;
}

static int
consult(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	struct trial *t = owner;
	const struct fact_ref ref = { .fact = fact_at(FACT_MILTER),
	    .argument = action->name };
	struct value v = { .type = TYPE_WORD };
	struct span said;
	bool decided;

	if (!find_value(t, &ref, &v))
		return missing(t, name_of(t, &ref), err);
	answer->word = v.word;
	answer->outcome = consulted(v.word);
	/* One that failed lets mail pass if the settings say so. */
	if (answer->outcome != CONSULT_UNASKED &&
	    milter_then(t, action->name, &said, &decided) && !decided)
		answer->outcome = CONSULT_PASSES;
	return 0;
}

struct fact_source
recorded_source(struct trial *t)
{
	return (struct fact_source){ t, get, count, member, consult };
}
