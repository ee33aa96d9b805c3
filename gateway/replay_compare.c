#include "conf/list.h"
#include "gateway/replay_internal.h"
#include "gateway/transaction.h"
#include "gateway/veil.h"
#include "policy/action.h"

/*
 * What was done and what would be, recipient by recipient: the verdict that
 * decided about each, wherever on the way it was given.
 */

/* --- one verdict --- */

static bool
refuses(const struct verdict *v)
{
	return v->kind == ACTION_REJECT || v->kind == ACTION_DEFER ||
	    v->kind == ACTION_DISCONNECT;
}

/* Nothing stands against the mail; the rules after may. */
static bool
lets_pass(struct span action)
{
	return action.len == 0 || span_is(action, "accept") ||
	    span_is(action, "trust");
}

static struct recorded_verdict
as_recorded(struct arena *a, const struct verdict *v)
{
	struct recorded_verdict out = { .code = v->code, .text = v->text };

	out.action = span_z(action_name(v->kind));
	if (v->code != 0 && v->enhanced != NULL)
		out.enhanced = span_z(v->enhanced);
	if (v->rule == NULL)
		return out;
	out.rule = span_z(v->rule->name);
	if (v->rule->at.source != NULL)
		out.at = span_z(arena_printf(a, "%s:%u",
		    v->rule->at.source->name, v->rule->at.line));
	return out;
}

/* What hides addresses does not know which of them rules have by themselves:
 * who is to be asked for help. */
static bool
is_same_text(const struct recorded *r, struct span then, struct span now)
{
	struct buf a = {0}, b = {0};
	bool same = span_eq(then, now);

	if (same || !r->is_veiled)
		return same;
	veil_mask(then, &a);
	veil_mask(now, &b);
	same = span_eq(buf_text(&a), buf_text(&b));
	buf_free(&a);
	buf_free(&b);
	return same;
}

/* Or the text was hidden, and stands as in the rule file. */
static bool
is_text_of(const struct recorded *r, struct span then,
    const struct verdict *now)
{
	struct buf source = {0};
	bool same = is_same_text(r, then, now->text);

	if (same || !r->is_veiled || now->rule == NULL)
		return same;
	transaction_source(&source, now->rule);
	same = is_same_text(r, then, buf_text(&source));
	buf_free(&source);
	return same;
}

static bool
is_same(const struct recorded *r, const struct recorded_verdict *before,
    const struct verdict *now)
{
	struct span action = span_z(action_name(now->kind));

	if (lets_pass(before->action) || lets_pass(action))
		return lets_pass(before->action) && lets_pass(action);
	return span_eq(before->action, action) &&
	    before->code == now->code &&
	    is_text_of(r, before->text, now) &&
	    (now->code == 0 || span_eq(before->enhanced,
	    span_z(now->enhanced)));
}

/* --- who decided about a recipient --- */

/* Then: of client, HELO or sender; the recipient's; or the message's. */
static const struct recorded_verdict *
decided_then(const struct recorded *r, const struct recorded_rcpt *rcpt,
    enum phase *at)
{
	enum phase p;

	for (p = PHASE_CONNECT; p <= PHASE_MAIL; p++)
		if (recorded_refuses(&r->phases[p].verdict)) {
			*at = p;
			return &r->phases[p].verdict;
		}
	*at = PHASE_RCPT;
	if (rcpt == NULL)
		return &r->phases[PHASE_RCPT].verdict;	/* nothing */
	/* Also of whom rules refuse, if he has the mail already. */
	if (!span_is(rcpt->outcome, "taken") ||
	    !r->phases[PHASE_MESSAGE].is_there)
		return &rcpt->phase.verdict;
	*at = PHASE_MESSAGE;
	return &r->phases[PHASE_MESSAGE].verdict;
}

/* Now. NULL: that is not known, since something is missing. *at: as far as it
 * was asked. */
static const struct verdict *
decided_now(const struct judgement *j, const struct judged *rcpt,
    enum phase *at)
{
	static const struct verdict accepted = { .kind = ACTION_ACCEPT };
	const struct judged *last = NULL, *p;

	for (*at = PHASE_CONNECT; *at <= PHASE_MAIL; (*at)++) {
		p = &j->phases[*at];
		if (!p->is_asked)
			return j->missing != NULL ? NULL : last != NULL ?
			    &last->verdict : &accepted;
		if (refuses(&p->verdict))
			return &p->verdict;
		last = p;
	}
	if (rcpt == NULL)
		return last != NULL ? &last->verdict : &accepted;
	if (!rcpt->is_asked)
		return j->missing != NULL ? NULL : &accepted;
	if (!rcpt->is_taken)
		return &rcpt->verdict;
	*at = PHASE_MESSAGE;
	p = &j->phases[PHASE_MESSAGE];
	if (p->is_asked)
		return &p->verdict;
	return j->missing != NULL ? NULL : &rcpt->verdict;
}

/* --- the list --- */

static bool
same_verdict(const struct recorded_verdict *a,
    const struct recorded_verdict *b)
{
	return span_eq(a->action, b->action) && span_eq(a->rule, b->rule) &&
	    a->code == b->code && span_eq(a->text, b->text) &&
	    span_eq(a->name, b->name);
}

static void
add(struct arena *a, struct comparison *c, const struct difference *d)
{
	struct difference *last = c->n > 0 ? &c->list[c->n - 1] : NULL;

	if (last != NULL && last->is_would == d->is_would &&
	    last->is_handling == d->is_handling &&
	    same_verdict(&last->before, &d->before) &&
	    same_verdict(&last->now, &d->now) &&
	    (last->needs == NULL) == (d->needs == NULL)) {
		last->nrcpts += d->nrcpts;
		return;
	}
	c->list = list_room(a, c->list, c->n, sizeof(*c->list));
	c->list[c->n++] = *d;
}

/* What rules said of him then speaks of another place than what they say now:
 * it is different, though nobody knows what would have come behind it. */
static void
compare_rcpt(struct arena *a, const struct recorded *r,
    const struct judgement *j, const struct recorded_rcpt *rcpt,
    const struct judged *judged, struct comparison *c)
{
	enum phase then, at;
	const struct recorded_verdict *before = decided_then(r, rcpt, &then);
	const struct verdict *now = decided_now(j, judged, &at);
	struct difference d = { .rcpt = rcpt, .nrcpts = rcpt != NULL };

	if (now != NULL && is_same(r, before, now))
		return;
	if (now == NULL && (lets_pass(before->action) || at <= then)) {
		if (c->change == UNCHANGED)
			c->change = UNJUDGED;
		return;
	}
	c->change = CHANGED;
	d.before = *before;
	if (now != NULL)
		d.now = as_recorded(a, now);
	else {
		d.now.action = SPAN_LIT("accept");
		d.needs = j->missing;
	}
	add(a, c, &d);
}

/* --- what rules do to mail that is taken --- */

static bool
is_handling(struct span action)
{
	return span_is(action, "route") || span_is(action, "add header") ||
	    span_is(action, "remove header") ||
	    span_is(action, "replace header") ||
	    span_is(action, "prefix subject");
}

static const struct recorded_hit *
next_then(const struct recorded_phase *p, size_t *i)
{
	while (*i < p->nhits) {
		const struct recorded_hit *hit = &p->hits[(*i)++];

		if (!hit->is_observed && is_handling(hit->action))
			return hit;
	}
	return NULL;
}

static const struct told *
next_now(const struct verdict *v, size_t *i)
{
	while (*i < v->nhits) {
		const struct told *hit = &v->hits[(*i)++];

		if (is_handling(span_z(action_name(
		    action_in_effect(hit->rule)->kind))))
			return hit;
	}
	return NULL;
}

static bool
is_same_hit(const struct recorded *r, const struct recorded_hit *then,
    const struct told *now)
{
	const struct action *action;

	if (then == NULL || now == NULL)
		return then == NULL && now == NULL;
	action = action_in_effect(now->rule);
	return span_is(then->action, action_name(action->kind)) &&
	    span_eq(then->name, action->name) &&
	    is_same_text(r, then->text, now->text);
}

static struct recorded_verdict
hit_then(const struct recorded_hit *hit)
{
	struct recorded_verdict v = { .action = SPAN_LIT("accept") };

	if (hit != NULL)
		v = (struct recorded_verdict){ .action = hit->action,
		    .rule = hit->rule, .at = hit->at, .name = hit->name,
		    .text = hit->text };
	return v;
}

static struct recorded_verdict
hit_now(struct arena *a, const struct told *hit)
{
	struct verdict v = { .kind = ACTION_ACCEPT };
	struct recorded_verdict out;

	if (hit != NULL) {
		v.kind = action_in_effect(hit->rule)->kind;
		v.rule = hit->rule;
		v.text = hit->text;
	}
	out = as_recorded(a, &v);
	if (hit != NULL)
		out.name = action_in_effect(hit->rule)->name;
	return out;
}

/* The first that is different. */
static void
compare_handling(struct arena *a, const struct recorded *r,
    const struct recorded_phase *then, const struct judged *now,
    const struct recorded_rcpt *rcpt, struct comparison *c)
{
	struct difference d = { .is_handling = true, .rcpt = rcpt,
	    .nrcpts = rcpt != NULL };
	const struct recorded_hit *before;
	const struct told *hit;
	size_t i = 0, k = 0;

	if (!then->is_there || !now->is_asked ||
	    recorded_refuses(&then->verdict) || refuses(&now->verdict))
		return;
	do {
		before = next_then(then, &i);
		hit = next_now(&now->verdict, &k);
	} while (before != NULL && is_same_hit(r, before, hit));
	if (is_same_hit(r, before, hit))
		return;
	c->change = CHANGED;
	d.before = hit_then(before);
	d.now = hit_now(a, hit);
	add(a, c, &d);
}

/* --- what would be --- */

static void
compare_would(struct arena *a, const struct recorded *r,
    const struct recorded_phase *then, const struct judged *now,
    const struct recorded_rcpt *rcpt, struct comparison *c)
{
	static const struct verdict nothing = { .kind = ACTION_ACCEPT };
	struct difference d = { .is_would = true, .rcpt = rcpt,
	    .nrcpts = rcpt != NULL };
	const struct verdict *would;

	if (!then->is_there || !now->is_asked)
		return;
	would = now->verdict.would != NULL ? now->verdict.would : &nothing;
	if (is_same(r, &then->would, would))
		return;
	c->would = true;
	d.before = then->would;
	d.now = as_recorded(a, would);
	add(a, c, &d);
}

static void
compare_phases(struct arena *a, const struct recorded *r,
    const struct judgement *j, struct comparison *c)
{
	enum phase p;
	size_t i;

	for (p = PHASE_CONNECT; p < PHASES; p++) {
		compare_handling(a, r, &r->phases[p], &j->phases[p], NULL, c);
		compare_would(a, r, &r->phases[p], &j->phases[p], NULL, c);
	}
	for (i = 0; i < j->nrcpts; i++) {
		const struct recorded_rcpt *rcpt = &r->rcpts[i];

		compare_handling(a, r, &rcpt->phase, &j->rcpts[i], rcpt, c);
		compare_would(a, r, &rcpt->phase, &j->rcpts[i], rcpt, c);
	}
}

/* Of whom no rule was asked, then or now: a filter or a backend turned him
 * away, or one added him. */
static bool
is_of_rules(const struct recorded *r, const struct recorded_rcpt *rcpt,
    const struct judged *judged)
{
	enum phase at;

	(void)decided_then(r, rcpt, &at);
	return rcpt->phase.is_there || judged->is_asked || at < PHASE_RCPT;
}

void
replay_compare(struct arena *a, const struct recorded *r,
    const struct judgement *j, struct comparison *out)
{
	size_t i;

	*out = (struct comparison){ .change = UNCHANGED };
	for (i = 0; i < r->nrcpts; i++)
		if (is_of_rules(r, &r->rcpts[i], &j->rcpts[i]))
			compare_rcpt(a, r, j, &r->rcpts[i], &j->rcpts[i],
			    out);
	if (r->nrcpts == 0)
		compare_rcpt(a, r, j, NULL, NULL, out);
	compare_phases(a, r, j, out);
	if (out->change == UNCHANGED && j->missing != NULL)
		out->change = UNJUDGED;
}
