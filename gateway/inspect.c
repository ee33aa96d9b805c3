#include "filters/checks.h"
#include "gateway/fixed_policy.h"
#include "gateway/inspect.h"
#include "gateway/session.h"
#include "gateway/stats.h"
#include "gateway/worker.h"

struct inspection {
	struct arena		*arena;		/* it may outlive the mail */
	struct mail_checks	*checks;
	struct buf		 header;	/* gathered until it is over */
	bool			 is_over;	/* the header */
	bool			 is_waited;	/* for its end, or was */
	bool			 is_done;	/* there are findings */
	struct findings		 findings;
};

bool
inspect_applies(const struct session *s)
{
	const struct addr *a = &s->client.addr;

	return !addr_is_unix(a) && !addr_is_loopback(a) &&
	    !network_any_has(s->conf->unchecked.list, s->conf->unchecked.n,
	    a);
}

static void
inspection_destroy(struct inspection **inp)
{
	struct arena *a = (*inp)->arena;

	buf_free(&(*inp)->header);
	*inp = NULL;
	arena_destroy(&a);
}

/* The mail ends. Lookups are not called back, so dropping them would let the
 * next mail begin as many again. */
static void
leave(void *arg)
{
	struct mail *m = arg;

	if (m->inspection->is_waited)
		inspection_destroy(&m->inspection);
	else
		m->session->left = m->inspection;
}

static MAY_YIELD int
await_left(struct session *s, struct err *err)
{
	struct findings ignored;
	int ret;

	if (s->left == NULL)
		return 0;
	ret = mail_checks_finish(s->left->checks, &ignored, err);
	inspection_destroy(&s->left);
	return ret;
}

MAY_YIELD int
inspect_settle(struct session *s, struct err *err)
{
	if (s->checks == NULL)
		return 0;
	if (await_left(s, err) < 0)
		return -1;
	return client_checks_settle(s->checks, err);
}

void
inspect_forget(struct session *s)
{
	if (s->left != NULL)
		inspection_destroy(&s->left);
}

MAY_YIELD int
inspect_begin(struct mail *m, struct err *err)
{
	struct session *s = m->session;
	struct arena *a;

	if (s->checks == NULL)
		return 0;
	if (await_left(s, err) < 0)
		return -1;
	a = arena_create("inspection");
	m->inspection = arena_new(a, struct inspection);
	m->inspection->arena = a;
	m->inspection->checks = mail_checks_begin(a, s->checks, &s->client,
	    &m->envelope);
	arena_defer(m->arena, leave, m);
	return 0;
}

/* Of a message without a header all is body, what was gathered too. */
static void
header_is_over(struct inspection *in, bool is_headless)
{
	in->is_over = true;
	mail_checks_header(in->checks, is_headless ? SPAN_LIT("") :
	    buf_text(&in->header));
	if (is_headless)
		mail_checks_body(in->checks, buf_text(&in->header));
}

void
inspect_feed(struct mail *m, struct span octets)
{
	const struct smtp_conf *conf = m->session->conf;
	struct inspection *in = m->inspection;
	size_t n = octets.len;

	if (in == NULL)
		return;
	if (!in->is_over) {
		/* It will be refused for that: what is looked for in the
		 * header costs time with every field. */
		if (m->header.size > conf->max_header_size ||
		    m->header.fields > conf->max_header_fields)
			return;
		if (m->header.done)
			n = m->header.is_headless ? 0 :
			    (size_t)(m->header.size - in->header.len);
		buf_put(&in->header, octets.p, n);
		if (!m->header.done)
			return;
		header_is_over(in, m->header.is_headless);
		octets = span_n(octets.p + n, octets.len - n);
	}
	mail_checks_body(in->checks, octets);
}

MAY_YIELD int
inspect_finish(struct mail *m, struct err *err)
{
	struct inspection *in = m->inspection;

	if (in == NULL)
		return 0;
	if (!in->is_over)	/* the empty line never came */
		header_is_over(in, m->header.is_headless);
	in->is_waited = true;
	if (mail_checks_finish(in->checks, &in->findings, err) < 0)
		return -1;
	in->is_done = true;
	return 0;
}

void
inspect_put_fields(struct mail *m, struct buf *out)
{
	const struct session *s = m->session;

	if (m->inspection != NULL)
		fixed_policy_fields(m->arena, s->worker->settings, &s->client,
		    &m->envelope, &m->inspection->findings, out);
}

/* The octets between the cuts; the empty line, if there was one, too. */
void
inspect_put_header(struct mail *m, struct buf *out)
{
	const struct worker *w = m->session->worker;
	const struct inspection *in = m->inspection;
	struct authres_cut *cuts;
	struct span rest;
	size_t n, at = 0;

	if (in == NULL)
		return;
	n = fixed_policy_cuts(m->arena, w->settings, w->authserv_ids,
	    &in->findings, &cuts);
	if (n == 0)
		return;
	rest = buf_text(&in->header);
	for (size_t i = 0; i < n; i++) {
		buf_put(out, rest.p + at, cuts[i].offset - at);
		at = cuts[i].offset + cuts[i].len;
	}
	buf_put(out, rest.p + at, rest.len - at);
	spool_skip(m->spool, rest.len);
	stats_add(STAT_FORGED_RESULTS, (int64_t)n);
}

/* --- the log --- */

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

void
inspect_log(const struct mail *m, struct logline *l)
{
	const struct findings *f;

	if (m->inspection == NULL || !m->inspection->is_done)
		return;
	f = &m->inspection->findings;
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
