#include <inttypes.h>
#include <stdio.h>

#include "base/utf8.h"
#include "gateway/replay_internal.h"

/* All that comes from the journal is of outside: nothing of it may act on a
 * terminal. */

#define TEXT_MOST	200	/* octets of a reply that are shown */
#define ADDRESS_MOST	320	/* more than an address can have */

static void
put(struct buf *out, struct span text, size_t most)
{
	if (!utf8_put_shown(out, text, most))
		buf_puts(out, "...");
}

/* A rule without a label is named by its place. */
static bool
is_place(struct span rule, struct span at)
{
	return at.len >= rule.len && span_eq(rule,
	    span_n(at.p + at.len - rule.len, rule.len));
}

static void
put_rule(struct buf *out, const struct recorded_verdict *v)
{
	if (v->rule.len == 0)
		return;
	buf_puts(out, " by ");
	if (v->at.len == 0 || !is_place(v->rule, v->at)) {
		put(out, v->rule, TEXT_MOST);
		if (v->at.len == 0)
			return;
		buf_puts(out, " (");
		put(out, v->at, TEXT_MOST);
		buf_puts(out, ")");
	} else
		put(out, v->at, TEXT_MOST);
}

void
replay_put_verdict(struct buf *out, const struct recorded_verdict *v,
    bool brief)
{
	if (v->action.len == 0)
		buf_puts(out, "accept");
	put(out, v->action, TEXT_MOST);
	if (v->name.len > 0) {
		buf_puts(out, " \"");
		put(out, v->name, TEXT_MOST);
		buf_puts(out, "\"");
	}
	if (v->code != 0) {
		buf_printf(out, " %d ", v->code);
		put(out, v->enhanced, TEXT_MOST);
	}
	if (v->text.len > 0 && !brief) {
		buf_puts(out, " \"");
		put(out, v->text, TEXT_MOST);
		buf_puts(out, "\"");
	}
	put_rule(out, v);
}

void
replay_put_id(struct buf *out, const struct recorded *r)
{
	put(out, r->session, TEXT_MOST);
	if (r->id.len == 0)
		return;
	buf_puts(out, ".");
	put(out, r->id, TEXT_MOST);
}

void
replay_put_address(struct buf *out, const struct recorded_fact *f)
{
	buf_puts(out, "<");
	if (f->kind == JSON_IN_OBJECT)
		buf_puts(out, "hidden");
	else if (f->kind == JSON_IN_STRING)
		put(out, f->text, ADDRESS_MOST);
	buf_puts(out, ">");
}

static void
put_whom(struct buf *out, const struct recorded *r,
    const struct difference *d)
{
	const struct recorded_fact *sender = recorded_find(&r->facts,
	    SPAN_LIT("sender"));

	if (sender != NULL) {
		buf_puts(out, " from=");
		replay_put_address(out, sender);
	}
	if (d->rcpt == NULL && r->nrcpts == 0)
		return;
	buf_puts(out, " to=");
	replay_put_address(out, d->rcpt != NULL ? &d->rcpt->to :
	    &r->rcpts[0].to);
	if (d->nrcpts > 1)
		buf_printf(out, " and %zu more", d->nrcpts - 1);
}

static void
put_difference(struct buf *out, const struct recorded *r,
    const struct difference *d)
{
	put(out, r->time, TEXT_MOST);
	buf_puts(out, " ");
	replay_put_id(out, r);
	put_whom(out, r, d);
	buf_puts(out, d->is_would ? ": would " : ": ");
	replay_put_verdict(out, &d->before, false);
	buf_puts(out, d->is_would ? " -> would " : " -> ");
	replay_put_verdict(out, &d->now, false);
	if (d->needs != NULL) {
		buf_puts(out, ", then not known: needs ");
		put(out, span_z(d->needs), TEXT_MOST);
	}
	buf_puts(out, "\n");
}

void
replay_text_mail(const struct recorded *r, const struct comparison *c)
{
	struct buf out = {0};
	size_t i;

	for (i = 0; i < c->n; i++)
		put_difference(&out, r, &c->list[i]);
	if (out.len > 0)
		fwrite(out.p, 1, out.len, stdout);
	buf_free(&out);
}

/* --- the end --- */

static void
put_pairs(const struct tally *t, bool is_would)
{
	const char *would = is_would ? "would " : "";
	bool is_first = true;
	size_t i;

	for (i = 0; i < t->npairs; i++) {
		const struct pair *p = &t->pairs[i];

		if (p->is_would != is_would)
			continue;
		if (is_first)
			printf("\n%s:\n", is_would ?
			    "what rules that observe would have done" :
			    "differences by rule");
		is_first = false;
		printf("%10" PRIu64 "  %s%s -> %s%s\n", p->count, would,
		    p->before, would, p->now);
	}
}

void
replay_text_end(const struct tally *t, const struct ruleset *rules,
    size_t nfiles)
{
	size_t i;

	if (t->changed + t->would > 0)
		printf("\n");
	printf("%" PRIu64 " records in %zu file%s by %s (%s): %" PRIu64
	    " mails, %" PRIu64 " sessions without one\n", t->records, nfiles,
	    nfiles == 1 ? "" : "s", rules->name, rules->hash, t->mails,
	    t->sessions);
	printf("%10" PRIu64 "  unchanged\n%10" PRIu64 "  changed\n",
	    t->unchanged, t->changed);
	if (t->would > 0)
		printf("%10" PRIu64 "  with another word of rules that "
		    "observe\n", t->would);
	printf("%10" PRIu64 "  cannot be judged\n", t->unjudged);
	for (i = 0; i < t->nneeds; i++)
		printf("%16" PRIu64 "  need %s\n", t->needs[i].count,
		    t->needs[i].name);
	if (t->cut > 0)
		printf("%10" PRIu64 "  not written whole, so not judged\n",
		    t->cut);
	if (t->bad > 0)
		printf("%10" PRIu64 "  lines that are no record\n", t->bad);
	printf("%10" PRIu64 "  were judged by the same rules then\n",
	    t->same_rules);
	put_pairs(t, false);
	put_pairs(t, true);
	if (t->other_pairs > 0)
		printf("%10" PRIu64 "  others\n", t->other_pairs);
}
