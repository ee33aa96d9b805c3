#include "gateway/recorded_internal.h"

/*
 * A record before rules: the phases of a session, as far as it came then or
 * could have come.
 */

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
	t->then = recorded_then(t, phase);
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
	t.source = recorded_source(&t);
	t.evaluation = evaluation_begin(a, rules, &t.source);
	ask_all(&t);
	out->score = evaluation_score(t.evaluation);
}
