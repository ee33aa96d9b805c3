#include <stdint.h>

#include "conf/list.h"
#include "gateway/mail_parts.h"
#include "gateway/transaction_internal.h"

#define NO_FATE	SIZE_MAX

/* His object, but for its end. */
struct piece {
	struct span text;	/* bounded: TRANSACTION_REFUSED, _RCPT_TEXT */
	size_t	fate;		/* of the mail's; NO_FATE */
	struct span to;		/* who is hidden and not in the envelope */
};
struct transaction {
	struct piece	*pieces;
	size_t		 npieces;
	size_t		 len;		/* of all their texts */
	size_t		 refused;
	size_t		 left_out;
	enum told_by	 first_by;	/* on the first that was refused, or
					   the last that was discarded */
};

static struct transaction *
begin(struct mail *m)
{
	if (m->transaction == NULL)
		m->transaction = arena_new(m->arena, struct transaction);
	return m->transaction;
}

enum told_by
transaction_first_by(const struct mail *m)
{
	return m->transaction != NULL ? m->transaction->first_by : BY_NOBODY;
}

/* --- when he is told --- */

static enum told_by
who(const struct mail *m, const struct told_rcpt *r)
{
	if (r->milter != NULL)
		return BY_MILTER;
	if (r->rule != NULL)
		return BY_RULE;
	if (r->failure->kind != 0)
		return BY_US;
	return m->asked != NULL || r->is_known ? BY_BACKEND : BY_US;
}

static const char *
outcome(const struct told_rcpt *r)
{
	if (r->is_discarded)
		return "discarded";
	if (reply_is_ok(r->reply))
		return "taken";
	return reply_is_permanent(r->reply) ? "refused" : "deferred";
}

static void
tell_piece(struct teller *t, const struct mail *m, const struct told_rcpt *r)
{
	const struct session *s = m->session;
	const struct transaction_plan *plan = s->worker->transactions;
	const struct findings nothing = {0};

	veil_know(t->veil, VEIL_SENDER, m->envelope.sender.text);
	veil_know(t->veil, VEIL_RCPT, r->rcpt->addr.text);
	tell_watch_reply(t, r->verdict != NULL ? r->verdict :
	    judge_refusal(s->judge));
	json_open(&t->o, NULL, '{');
	veil_put(t->veil, &t->o, SPAN_LIT("to"), VEIL_RCPT, r->rcpt->addr.text);
	tell_reply(t, SPAN_LIT("reply"), r->reply);
	json_z(&t->o, "outcome", outcome(r));
	json_z(&t->o, "by", told_by_name(who(m, r)));
	if (r->milter != NULL)
		json_z(&t->o, "milter", r->milter);
	if (r->is_known)
		json_bool(&t->o, "known", true);
	if (!r->is_taken && m->asked != NULL)
		json_z(&t->o, "backend", s->worker->settings->backends[
		    m->asked->backend].name);
	if (r->failure->kind != 0)
		tell_text(t, SPAN_LIT("why"), span_z(r->failure->text));
	if (r->verdict == NULL) {
		if (r->rule != NULL)
			tell_rule(t, r->rule);
		return;
	}
	tell_verdict(t, s->worker->rules->rules, r->verdict);
	tell_facts(t, s->judge, &nothing, plan->rcpt_facts,
	    plan->nrcpt_facts, true);
}

static bool
is_left_out(struct transaction *t, const struct told_rcpt *r)
{
	if (!r->is_taken && t->refused++ >= TRANSACTION_REFUSED)
		return true;
	return t->len >= TRANSACTION_RCPT_TEXT;
}

void
transaction_rcpt(struct mail *m, const struct told_rcpt *r)
{
	const struct transaction_plan *plan = m->session->worker->transactions;
	static struct buf text;		/* nothing here yields */
	struct transaction *t;
	struct teller teller;
	struct piece *p;

	if (!transaction_is_wanted(m->session))
		return;
	t = begin(m);
	if (r->is_discarded || t->first_by == BY_NOBODY)
		if (!r->is_taken || r->is_discarded)
			t->first_by = who(m, r);
	if (is_left_out(t, r)) {
		t->left_out++;
		return;
	}
	buf_clear(&text);
	teller = tell_begin(&text, plan->veil);
	teller.plan = plan;
	tell_piece(&teller, m, r);
	tell_end(&teller);
	t->pieces = list_room(m->arena, t->pieces, t->npieces,
	    sizeof(*t->pieces));
	p = &t->pieces[t->npieces++];
	*p = (struct piece){ arena_span(m->arena, buf_text(&text)),
	    r->is_taken ? m->nfates - 1 : NO_FATE, SPAN_LIT("") };
	t->len += text.len;
	if (text.cap > TRANSACTION_RCPT_TEXT)
		buf_free(&text);
	if (veil_hides(plan->veil, VEIL_RCPT) &&
	    (!r->is_taken || r->is_discarded))
		p->to = arena_span(m->arena, r->rcpt->addr.text);
}

void
tell_know_refused(struct teller *t, const struct mail *m)
{
	const struct transaction *of = m->transaction;

	for (size_t i = 0; of != NULL && i < of->npieces; i++)
		veil_know(t->veil, VEIL_RCPT, of->pieces[i].to);
}

/* --- when the mail is over --- */

/* What became of one that was taken. */
static void
tell_fate(struct teller *t, const struct mail *m, const struct mail_fate *f)
{
	const struct settings *s = m->session->worker->settings;

	if (f->part != NULL)
		json_z(&t->o, "backend", s->backends[f->part->backend].name);
	if (f->refused != NULL)
		tell_reply(t, SPAN_LIT("refused"), f->refused);
	if (f->answer != NULL && (m->is_mixed || m->envelope.prdr))
		tell_reply(t, SPAN_LIT("final"), f->answer);
	if (f->is_known)
		json_bool(&t->o, "known", true);
	if (f->is_deleted)
		json_bool(&t->o, "deleted", true);
}

static void
tell_added(struct teller *t, const struct mail *m, const struct mail_fate *f)
{
	json_open(&t->o, NULL, '{');
	veil_put(t->veil, &t->o, SPAN_LIT("to"), VEIL_RCPT,
	    m->envelope.rcpts[f->rcpt].addr.text);
	json_z(&t->o, "outcome", "taken");
	json_z(&t->o, "by", told_by_name(BY_MILTER));
	json_bool(&t->o, "added", true);
	tell_fate(t, m, f);
	json_close(&t->o, '}');
}

static void
tell_pieces(struct teller *t, const struct mail *m, size_t most)
{
	const struct transaction *of = m->transaction;

	for (size_t i = 0; i < of->npieces && i < most; i++) {
		const struct piece *p = &of->pieces[i];

		json_raw(&t->o, NULL, p->text);
		if (p->fate != NO_FATE && !m->fates[p->fate].is_discarded)
			tell_fate(t, m, &m->fates[p->fate]);
		json_close(&t->o, '}');
	}
}

void
tell_rcpts(struct teller *t, const struct mail *m, size_t most)
{
	const struct transaction *of = m->transaction;

	if (of == NULL)
		return;
	json_open(&t->o, "rcpts", '[');
	tell_pieces(t, m, most);
	for (size_t i = 0; i < m->nfates && of->npieces <= most; i++)
		if (m->fates[i].is_added)
			tell_added(t, m, &m->fates[i]);
	json_close(&t->o, ']');
	if (of->left_out > 0)
		json_int(&t->o, "rcpts_left_out", (int64_t)of->left_out);
}
