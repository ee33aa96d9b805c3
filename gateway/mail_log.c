#include "base/clock.h"
#include "base/log.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/mail_milters.h"
#include "gateway/mail_outcome.h"
#include "gateway/mail_parts.h"
#include "gateway/sentence.h"
#include "policy/action.h"

/*
 * The "mail done" line: it explains the mail alone.
 */

/* Nothing here yields, so one buffer serves all lines. */
static struct buf *
scratch(void)
{
	static struct buf b;

	buf_clear(&b);
	return &b;
}

static void
log_addr(struct logline *l, const char *key, struct span address)
{
	struct buf *b = scratch();

	buf_puts(b, "<");
	buf_span(b, address);
	buf_puts(b, ">");
	log_str(l, key, buf_text(b));
}

static void
log_reply(struct logline *l, const struct reply *r)
{
	struct span rest = span_z(r->text), first = span_until(&rest, '\n');
	struct buf *b = scratch();

	buf_uint(b, (uint64_t)r->code);
	buf_puts(b, " ");
	buf_puts(b, r->enhanced);
	buf_puts(b, r->enhanced[0] != '\0' ? " " : "");
	buf_put(b, first.p, first.len < 100 ? first.len : 100);
	log_str(l, "reply", buf_text(b));
}

static void
log_lists(const struct dnsbl_answer *lists, struct logline *l)
{
	struct buf text = {0};

	for (size_t i = 0; i < lists->nnames; i++) {
		buf_puts(&text, i > 0 ? "," : "");
		buf_puts(&text, lists->names[i]);
	}
	if (text.len > 0) {
		log_str(l, "dnsbl", buf_text(&text));
		buf_clear(&text);
		listing_put_score(&text, lists->score);
		log_str(l, "dnsbl-score", buf_text(&text));
	}
	buf_free(&text);
	if (lists->failed > 0)
		log_int(l, "dnsbl-failed", (int64_t)lists->failed);
}

/* What could not be found out, and on which name: the first cause, as the
 * others mostly share it. */
static void
log_unsure(const struct findings *f, struct logline *l)
{
	const char *why = NULL;

	if (f->spf != NULL && f->spf->result == SPF_TEMPERROR)
		why = f->spf->problem;
	for (size_t i = 0; why == NULL && f->dkim != NULL &&
	    i < f->dkim->n; i++)
		if (f->dkim->list[i].result == SIGNATURE_TEMPERROR)
			why = f->dkim->list[i].reason;
	if (why == NULL && f->dmarc != NULL &&
	    f->dmarc->result == DMARC_TEMPERROR)
		why = f->dmarc->reason;
	log_z(l, "unsure", why);
}

/* What was found of it, as far as anybody asked. */
static void
log_findings(const struct findings *f, struct logline *l)
{
	if (f->spf != NULL)
		log_z(l, "spf", spf_result_name(f->spf->result));
	if (f->dkim != NULL)
		log_z(l, "dkim", signature_result_name(f->dkim->best));
	if (f->dmarc != NULL) {
		log_z(l, "dmarc", dmarc_result_name(f->dmarc->result));
		log_z(l, "author", f->dmarc->domain);
	}
	if (f->arc != NULL)
		log_z(l, "arc", arc_outcome_name(f->arc->outcome));
	if (f->lists != NULL)
		log_lists(f->lists, l);
	log_unsure(f, l);
}

/* The filter that decided, and those that changed something. */
static void
log_milters(const struct mail *m, struct logline *l)
{
	const char *by = mail_milters_by(m);
	struct buf *b = scratch();

	log_z(l, "milter", by != NULL || m->envelope.nrcpts > 0 ? by :
	    m->rcpt_milter);
	mail_milters_put_changed(m, b);
	if (b->len > 0)
		log_str(l, "changed-by", buf_text(b));
	if (m->fate == ACTION_QUARANTINE && m->milters != NULL &&
	    m->milters->quarantine.p != NULL)
		log_str(l, "quarantine", m->milters->quarantine);
}

static void
log_judged(const struct mail *m, struct logline *l)
{
	struct judge *j = m->session->judge;
	struct buf *b;
	int64_t score = judge_score(j);
	const struct rule *rule = m->rule != NULL ||
	    m->envelope.nrcpts > 0 ? m->rule : m->rcpt_rule;

	if (rule != NULL) {
		log_z(l, "rule", rule->name);
		log_z(l, "action", action_name(rule->action.kind));
	}
	if (m->discarded > 0)
		log_int(l, "discarded", (int64_t)m->discarded);
	log_milters(m, l);
	sentence_put_would(l, judge_would(j));
	if (score != 0) {
		b = scratch();
		listing_put_score(b, score);
		log_str(l, "score", buf_text(b));
		buf_clear(b);
		judge_put_scores(j, b);
		log_str(l, "scores", buf_text(b));
	}
	log_findings(m->found, l);
}

static void
log_backends(const struct mail *m, struct logline *l)
{
	struct buf *b = scratch();

	mail_parts_where(m, b);
	if (b->len > 0)
		log_str(l, "backend", buf_text(b));
}

/* Who took it, where that is not the same for all. */
static void
log_fates(const struct mail *m, struct logline *l)
{
	if (m->is_mixed) {
		log_int(l, "ok", (int64_t)m->ok);
		log_int(l, "temp", (int64_t)m->temp);
		log_int(l, "perm", (int64_t)m->perm);
		if (m->envelope.prdr)	/* the client was told each */
			log_z(l, "prdr", "yes");
	}
	if (m->known > 0)
		log_int(l, "known", (int64_t)m->known);
	if (m->forgotten.kind != 0)
		log_z(l, "memory", m->forgotten.text);
}

static void
log_fate(const struct mail *m, const struct mail_fate *f,
    enum log_label label, const char *event)
{
	struct logline l;

	log_begin(&l, label, m->session->id, event);
	log_int(&l, "id", m->number);
	log_str(&l, "to", m->envelope.rcpts[f->rcpt].addr.text);
	log_int(&l, "code", f->answer->code);
	log_z(&l, "enhanced", f->answer->enhanced);
	log_z(&l, "reply", f->answer->text);
	if (f->is_added)	/* the client knows nothing of him */
		log_z(&l, "added", "yes");
	if (f->is_known)
		log_z(&l, "known", "yes");
	if (f->part != NULL)
		log_z(&l, "backend", backend_where(f->part->tx));
	if (f->why != NULL)
		log_z(&l, "why", f->why->text);
	log_end(&l);
}

void
mail_log_fates(const struct mail *m)
{
	for (size_t i = 0; i < m->nfates; i++)
		if (!m->fates[i].is_discarded)
			log_fate(m, &m->fates[i], LOG_LABEL_INFO,
			    "mixed outcome");
}

void
mail_log_lost(const struct mail *m)
{
	for (size_t i = 0; i < m->nfates; i++)
		if (m->fates[i].is_added &&
		    reply_is_permanent(m->fates[i].answer))
			log_fate(m, &m->fates[i], LOG_LABEL_WARN,
			    "added recipient refused");
}

void
mail_log_done(const struct mail *m)
{
	const struct session *s = m->session;
	const struct envelope *e = &m->envelope;
	char ip[ADDR_TEXT];
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, s->id, "mail done");
	log_int(&l, "id", m->number);
	log_z(&l, "outcome", mail_outcome_name(mail_outcome(m)));
	log_z(&l, "client", addr_ip(&s->client.addr, ip));
	log_z(&l, "helo", s->client.helo);
	log_addr(&l, "from", e->sender.text);
	if (e->nrcpts > 0)
		log_addr(&l, "to", e->rcpts[0].addr.text);
	else if (m->refusal != NULL)
		log_addr(&l, "to", m->refused_to);
	log_int(&l, "rcpts", e->nrcpts);
	if (m->refused > 0)
		log_int(&l, "refused", m->refused);
	if (m->spool != NULL)
		log_int(&l, "size", m->in.size);
	if (m->answer != NULL && m->answer->code != 0)
		log_reply(&l, m->answer);
	else if (e->nrcpts == 0 && m->refusal != NULL)
		log_reply(&l, m->refusal);
	log_backends(m, &l);
	log_fates(m, &l);
	log_judged(m, &l);
	if (m->in.faults != 0)
		log_z(&l, "fault", dotstream_fault_name(m->in.faults));
	if (m->failure.kind != 0)
		log_z(&l, "why", m->failure.text);
	if (s->client.tls_version != NULL)
		log_z(&l, "tls", s->client.tls_version);
	log_int(&l, "ms", (clock_now() - m->started) / CLOCK_MS);
	log_end(&l);
}
