#include <stdio.h>

#include "base/buf.h"
#include "base/utf8.h"
#include "gateway/explain_record_internal.h"
#include "gateway/replay_internal.h"
#include "policy/rule_trace.h"

#define VALUE_MOST	400	/* octets of a fact; JSON has all of it */

static void
put(struct buf *out, struct span text)
{
	if (!utf8_put_shown(out, text, VALUE_MOST))
		buf_puts(out, "...");
}

/* `title` in front, if there is something. */
static void
put_line(struct buf *out, const char *title, struct span text)
{
	if (text.len == 0)
		return;
	buf_printf(out, "  %-11s ", title);
	put(out, text);
	buf_puts(out, "\n");
}

static void
put_address(struct buf *out, const struct recorded_fact *f)
{
	if (f->kind != JSON_IN_OBJECT) {
		replay_put_address(out, f);
		return;
	}
	buf_puts(out, "(hidden) ");
	put(out, f->text);
}

/* --- what became of it --- */

static void
put_head(struct buf *out, const struct recorded *r)
{
	replay_put_id(out, r);
	buf_puts(out, ", ");
	put(out, r->time);
	buf_puts(out, span_is(r->kind, "mail") ? ": a mail, " :
	    ": a session without a mail, ");
	put(out, r->outcome);
	buf_puts(out, "\n");
}

static void
put_who(struct buf *out, const struct recorded *r)
{
	if (r->by.len == 0 && r->rule.len == 0)
		return;
	buf_printf(out, "  %-11s ", "decided by");
	put(out, r->by);
	if (r->rule.len > 0) {
		buf_puts(out, ": ");
		put(out, r->action);
		buf_puts(out, " by ");
		put(out, r->rule);
		if (!span_eq(r->rule, r->at) && r->at.len > 0) {
			buf_puts(out, " (");
			put(out, r->at);
			buf_puts(out, ")");
		}
	}
	buf_puts(out, "\n");
}

static void
put_rcpt(struct buf *out, const struct recorded_rcpt *rcpt)
{
	buf_printf(out, "  %-11s ", "to");
	put_address(out, &rcpt->to);
	buf_puts(out, ": ");
	put(out, rcpt->outcome);
	if (rcpt->backend.len > 0) {
		buf_puts(out, ", backend ");
		put(out, rcpt->backend);
	}
	if (rcpt->reply.len > 0) {
		buf_puts(out, ": ");
		put(out, rcpt->reply);
	}
	if (rcpt->final.len > 0) {
		buf_puts(out, "; to the message: ");
		put(out, rcpt->final);
	}
	buf_puts(out, "\n");
}

static void
put_summary(struct buf *out, const struct recorded *r)
{
	const struct recorded_fact *sender = recorded_find(&r->facts,
	    SPAN_LIT("sender"));
	size_t i;

	put_line(out, "reply", r->reply);
	put_who(out, r);
	put_line(out, "listener", r->listener);
	if (sender != NULL) {
		buf_printf(out, "  %-11s ", "from");
		put_address(out, sender);
		buf_puts(out, "\n");
	}
	for (i = 0; i < r->nrcpts; i++)
		put_rcpt(out, &r->rcpts[i]);
	put_line(out, "backend", r->backend);
	put_line(out, "size", r->size);
	put_line(out, "score", r->score);
	put_line(out, "TLS", r->tls);
	put_line(out, "filters", r->milters);
	put_line(out, "our failure", r->why);
	put_line(out, "times (us)", r->us);
	if (r->is_cut)
		buf_puts(out, "  not all of it was written: it is large\n");
}

/* --- what rules did --- */

static void
put_hit(struct buf *out, const struct recorded_hit *hit)
{
	buf_puts(out, hit->is_observed ? "    would " : "    ");
	put(out, hit->action);
	if (hit->name.len > 0) {
		buf_puts(out, " ");
		put(out, hit->name);
	}
	if (hit->score.len > 0) {
		buf_puts(out, " ");
		put(out, hit->score);
	}
	if (hit->text.len > 0) {
		buf_puts(out, " \"");
		put(out, hit->text);
		buf_puts(out, "\"");
	}
	buf_puts(out, " by ");
	put(out, hit->rule);
	buf_puts(out, "\n");
}

static void
put_phase(struct buf *out, const char *name, const struct recorded_fact *to,
    const struct recorded_phase *p)
{
	size_t i;

	if (!p->is_there)
		return;
	buf_printf(out, "  at %s", name);
	if (to != NULL) {
		buf_puts(out, " ");
		put_address(out, to);
	}
	buf_puts(out, ": ");
	replay_put_verdict(out, &p->verdict, false);
	if (p->would.action.len > 0) {
		buf_puts(out, "; would ");
		replay_put_verdict(out, &p->would, false);
	}
	buf_puts(out, "\n");
	for (i = 0; i < p->nhits; i++)
		put_hit(out, &p->hits[i]);
}

static void
put_phases(struct buf *out, const struct recorded *r)
{
	enum phase p;
	size_t i;

	buf_puts(out, "\nwhat the rules did then:\n");
	for (p = PHASE_CONNECT; p < PHASES; p++) {
		for (i = 0; p == PHASE_RCPT && i < r->nrcpts; i++)
			put_phase(out, phase_name(p), &r->rcpts[i].to,
			    &r->rcpts[i].phase);
		if (p != PHASE_RCPT)
			put_phase(out, phase_name(p), NULL, &r->phases[p]);
	}
}

static void
put_facts(struct buf *out, const struct recorded_facts *facts)
{
	static const char *const words[] = { [JSON_IN_TRUE] = "yes",
	    [JSON_IN_FALSE] = "no", [JSON_IN_NULL] = "none" };
	size_t i;

	for (i = 0; i < facts->n; i++) {
		const struct recorded_fact *f = &facts->list[i];

		buf_puts(out, "  ");
		put(out, f->name);
		buf_puts(out, " = ");
		if (f->kind == JSON_IN_TRUE || f->kind == JSON_IN_FALSE ||
		    f->kind == JSON_IN_NULL)
			buf_puts(out, words[f->kind]);
		else if (f->kind == JSON_IN_OBJECT) {
			buf_puts(out, "(hidden) ");
			put(out, f->text);
		} else
			put(out, f->text);
		buf_puts(out, "\n");
	}
}

/* --- by the rules of today --- */

/* `to`: whose it is, NULL if there is no need to say so. */
static void
put_judged(struct buf *out, const struct judged *p,
    const struct recorded_fact *to)
{
	if (!p->is_asked)
		return;
	if (to != NULL) {
		buf_puts(out, "to ");
		put_address(out, to);
		buf_puts(out, ":\n");
	}
	rule_trace_put(out, &p->trace, &p->verdict);
}

static void
put_trace(struct buf *out, const struct recorded *r,
    const struct judgement *j, const struct ruleset *rules)
{
	enum phase p;
	size_t i;

	buf_printf(out, "\ntrace by %s, %s:\n", rules->name,
	    span_is(r->rules, rules->hash) ?
	    "the same rules as then" : "which has CHANGED since");
	for (p = PHASE_CONNECT; p < PHASES; p++) {
		if (p != PHASE_RCPT)
			put_judged(out, &j->phases[p], NULL);
		for (i = 0; p == PHASE_RCPT && i < j->nrcpts; i++)
			put_judged(out, &j->rcpts[i], j->nrcpts > 1 ?
			    &r->rcpts[i].to : NULL);
	}
	if (j->missing != NULL)
		buf_printf(out, "at %s: it ends here, as the journal does "
		    "not have %s\n", phase_name(j->missing_at), j->missing);
}

void
explain_record_text(const struct recorded *r, const struct judgement *j,
    const struct ruleset *rules, bool is_further)
{
	struct buf out = {0};
	size_t i;

	if (is_further)
		buf_puts(&out, "\n");
	put_head(&out, r);
	put_summary(&out, r);
	put_phases(&out, r);
	buf_puts(&out, "\nfacts:\n");
	put_facts(&out, &r->facts);
	for (i = 0; i < r->nrcpts; i++)
		if (r->rcpts[i].facts.n > 0) {
			buf_puts(&out, "of recipient ");
			put_address(&out, &r->rcpts[i].to);
			buf_puts(&out, ":\n");
			put_facts(&out, &r->rcpts[i].facts);
		}
	put_trace(&out, r, j, rules);
	fwrite(out.p, 1, out.len, stdout);
	buf_free(&out);
}
