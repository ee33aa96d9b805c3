#include <string.h>

#include "base/buf.h"
#include "gateway/recorded.h"
#include "policy/rule_read.h"
#include "policy/set_ask.h"

/*
 * A record before rules: the phases of a session, and a source of facts that
 * has what was written of them.
 */
struct trial {
	struct arena		*arena;
	const struct recorded	*record;
	const struct rules	*rules;
	struct fact_source	 source;
	struct evaluation	*evaluation;
	struct judgement	*out;
	/* What is asked at the moment. */
	enum phase		 at;
	size_t			 rcpt;		/* at hand */
	const struct recorded_phase *then;
	/* Recipients who are taken now, the first of them, and how many were
	 * then. */
	size_t			 first, taken, were_taken;
	size_t			 discarded;	/* of both: he has a number */
	bool			 has_class;
	struct span		 class;
};

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

/* The phase as it was then; of rcpt, that of the recipient at hand. */
static const struct recorded_phase *
phase_then(const struct trial *t, enum phase phase)
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
		const struct recorded_phase *then = phase_then(t,
		    (enum phase)p);

		if (then != NULL &&
		    recorded_get(t->arena, &then->read, ref, v))
			return true;
	}
	return false;
}

static bool
is_nothing(const struct value *v)
{
	if (v->is_none)
		return true;
	if (type_is_list(v->type))
		return v->list.n == 0;
	return v->type == TYPE_YESNO ? !v->yes : v->number == 0;
}

/* Of all lists: a score of 0 may be the sum of two. */
static bool
was_never_anything(struct trial *t, const struct fact_ref *ref,
    const struct value *last)
{
	const struct fact_ref names = { .fact = fact_at(FACT_DNSBL_NAMES) };
	struct value v;

	if (!is_nothing(last))
		return false;
	return fact_id(ref->fact) != FACT_DNSBL_SCORE ||
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

#define HASH_DIGITS	16		/* of veil.h, in front of an @ */

static bool
has_hash_in(struct span text)
{
	size_t i, digits = 0;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] == '@' && digits >= HASH_DIGITS)
			return true;
		digits = (text.p[i] >= '0' && text.p[i] <= '9') ||
		    (text.p[i] >= 'a' && text.p[i] <= 'f') ? digits + 1 : 0;
	}
	return false;
}

static bool
has_hash(const struct value *v)
{
	size_t i;

	if (v->is_none)
		return false;
	if (v->type == TYPE_TEXT)
		return has_hash_in(v->text);
	for (i = 0; v->type == TYPE_TEXTS && i < v->list.n; i++)
		if (has_hash_in(v->list.items[i].text))
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

	if (fact_id(ref->fact) == FACT_RCPT_COUNT)
		return get_count(t, ref, v);
	if (ref->fact->change == FACT_GROWS)
		return get_growing(t, ref, v);
	if (ref->fact->scope == FACT_OF_RCPT && t->rcpt < r->nrcpts) {
		if (recorded_get(t->arena, &r->rcpts[t->rcpt].facts, ref, v))
			return true;
		if (fact_id(ref->fact) == FACT_RCPT)
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
	    has_hash(&v)))
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
		there.then = phase_then(&there, there.at);
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

enum consulted
recorded_consult(unsigned word)
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
	answer->outcome = recorded_consult(v.word);
	/* One that failed lets mail pass if the settings say so. */
	if (answer->outcome != CONSULT_UNASKED &&
	    milter_then(t, action->name, &said, &decided) && !decided)
		answer->outcome = CONSULT_PASSES;
	return 0;
}

/* --- phases --- */

static bool
refuses(const struct verdict *v)
{
	return v->kind == ACTION_REJECT || v->kind == ACTION_DEFER ||
	    v->kind == ACTION_DISCONNECT;
}

static bool
ask(struct trial *t, enum phase phase, struct judged *to)
{
	static const struct recorded_phase nothing;
	struct err err;

	t->at = phase;
	t->then = phase_then(t, phase);
	if (t->then == NULL)
		t->then = &nothing;
	to->is_asked = evaluation_run(t->evaluation, phase, t->arena,
	    &to->verdict, t->out->keeps_traces ? &to->trace : NULL,
	    &err) == 0;
	return to->is_asked;
}

static bool
has_fact(const struct recorded *r, const char *name)
{
	return recorded_find(&r->facts, span_z(name)) != NULL;
}

/* By which phase rules refused then; PHASES: by none before the recipients. */
static enum phase
refused_then(const struct recorded *r)
{
	enum phase p = PHASE_CONNECT;

	while (p <= PHASE_MAIL && !recorded_refuses(&r->phases[p].verdict))
		p++;
	return p <= PHASE_MAIL ? p : PHASES;
}

/* What the client came to, if rules refused him on the way. */
static enum phase
came_to(const struct recorded *r)
{
	if (has_fact(r, "sender.is-null") || has_fact(r, "sender"))
		return PHASE_RCPT;
	return has_fact(r, "helo.name") ? PHASE_MAIL : PHASE_HELO;
}

/* The first phase that is not asked. */
static enum phase
reach(const struct recorded *r)
{
	enum phase p;

	if (r->nrcpts > 0)
		return PHASE_RCPT;
	for (p = PHASE_RCPT; p > PHASE_CONNECT; p--)
		if (r->phases[p - 1].is_there)
			break;
	return refused_then(r) != PHASES && came_to(r) > p ? came_to(r) : p;
}

/* He was asked of rules, or would have been. */
static bool
is_rcpt_asked(const struct recorded *r, const struct recorded_rcpt *rcpt)
{
	return rcpt->phase.is_there || refused_then(r) != PHASES;
}

/* Who has the mail already is told so, whatever rules say of him now. */
static bool
is_taken(const struct recorded *r, const struct recorded_rcpt *rcpt,
    const struct verdict *v)
{
	bool was_refused = recorded_refuses(&rcpt->phase.verdict);

	if (span_is(rcpt->outcome, "taken") && (was_refused || !refuses(v)))
		return v->kind != ACTION_DISCARD;
	return !refuses(v) && v->kind != ACTION_DISCARD && (was_refused ||
	    span_is(rcpt->phase.verdict.action, "discard") ||
	    refused_then(r) != PHASES);
}

/* Of those whom the rules of the message tell apart only the first kind is in
 * this mail. What tells them apart may be missing: then nothing does. */
static bool
is_apart(struct trial *t)
{
	struct span class = {0};
	const char *before = t->out->missing;
	struct err err;
	bool apart;

	if (evaluation_rcpt_class(t->evaluation, t->arena, &class, &err) < 0) {
		t->out->missing = before;
		return false;
	}
	apart = t->has_class && !span_eq(t->class, class);
	if (!t->has_class) {
		t->has_class = true;
		t->class = class;
	}
	return apart;
}

static bool
ask_rcpt(struct trial *t, size_t i)
{
	const struct recorded_rcpt *rcpt = &t->record->rcpts[i];
	struct judged *to = &t->out->rcpts[i];

	t->rcpt = i;
	evaluation_forget(t->evaluation, FACT_OF_RCPT);
	if (!ask(t, PHASE_RCPT, to))
		return false;
	if (to->verdict.kind == ACTION_DISCARD)
		t->discarded++;
	else if (is_taken(t->record, rcpt, &to->verdict) && !is_apart(t)) {
		if (t->first == t->record->nrcpts)
			t->first = i;
		to->is_taken = true;
		t->taken++;
		evaluation_rcpt_keep(t->evaluation);
	}
	t->were_taken += span_is(rcpt->outcome, "taken") ||
	    span_is(rcpt->outcome, "discarded");
	return true;
}

static void
ask_message(struct trial *t)
{
	t->rcpt = t->first;
	evaluation_rcpt_restore(t->evaluation);
	ask(t, PHASE_MESSAGE, &t->out->phases[PHASE_MESSAGE]);
}

static void
ask_all(struct trial *t)
{
	const struct recorded *r = t->record;
	enum phase end = reach(r), p;
	size_t i;

	for (p = PHASE_CONNECT; p < end; p++) {
		struct judged *to = &t->out->phases[p];

		if (!ask(t, p, to) || refuses(&to->verdict))
			return;
	}
	for (i = 0; i < r->nrcpts; i++)
		if (is_rcpt_asked(r, &r->rcpts[i]) && !ask_rcpt(t, i))
			return;
	if (t->first < r->nrcpts && r->phases[PHASE_MESSAGE].is_there)
		ask_message(t);
}

void
recorded_judge(struct arena *a, const struct recorded *r,
    const struct rules *rules, struct judgement *out)
{
	struct trial t = { .arena = a, .record = r, .rules = rules,
	    .out = out, .first = r->nrcpts };

	*out = (struct judgement){ .keeps_traces = out->keeps_traces,
	    .nrcpts = r->nrcpts };
	out->rcpts = arena_new_n(a, r->nrcpts + 1, struct judged);
	t.source = (struct fact_source){ &t, get, count, member, consult };
	t.evaluation = evaluation_begin(a, rules, &t.source);
	ask_all(&t);
	out->score = evaluation_score(t.evaluation);
}
