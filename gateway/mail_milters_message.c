#include "base/log.h"
#include "gateway/judge.h"
#include "gateway/mail_envelope.h"
#include "gateway/mail_milters.h"
#include "gateway/results.h"
#include "gateway/series.h"
#include "gateway/stats.h"

/*
 * The message before the filters: what they see of it, what they change, and
 * what comes of that.
 */

/* --- the draft --- */

/* What claims to be a result of ours goes before anybody can believe it. */
static void
cut_forged(struct mail *m, struct draft *d)
{
	struct session *s = m->session;
	const struct header_cut *cuts;
	size_t n;

	if (court_is_unchecked(s->conf, &s->client.addr))
		return;
	n = results_cuts(m->arena, s->worker->court, judge_fields(s->judge),
	    &cuts);
	stats_add(STAT_FORGED_RESULTS, (int64_t)n);
	if (n > 0)
		draft_rules(d, cuts, n, NULL, 0, false);
}

static void
make_rules_edits(struct mail *m)
{
	struct mail_milters *mm = m->milters;
	const struct header_edit *edits;
	size_t n;

	if (mm->has_rules || mm->verdict == NULL)
		return;
	mm->has_rules = true;
	n = results_edits(m->arena, mm->verdict, &edits);
	if (n > 0)
		draft_rules(mm->draft, NULL, 0, edits, n,
		    m->envelope.smtputf8);
}

static void
make_draft(struct mail *m)
{
	struct session *s = m->session;
	struct mail_milters *mm = m->milters;
	const struct backend_message came = {
		.spool = m->spool,
		.has_dots = m->in.has_dots,
		.ends_in_crlf = m->in.ends_in_crlf,
		.is_binary = m->in.mode == NEWLINE_BINARY,
	};

	if (mm->draft != NULL)
		return;
	mm->draft = arena_new(m->arena, struct draft);
	draft_begin(mm->draft, m->arena, s->worker->settings->spool,
	    judge_header(s->judge), &came);
	cut_forged(m, mm->draft);
	make_rules_edits(m);
}

void
mail_milters_show(struct mail *m, struct chain_message *out)
{
	const struct draft *d;

	make_draft(m);
	d = m->milters->draft;
	*out = (struct chain_message){ .fields = d->header.list,
	    .nfields = d->header.n, .body = d->body };
}

static void
take_quarantine(struct mail *m, size_t milter, const struct edits *edits)
{
	const struct settings *s = m->session->worker->settings;

	for (const struct edit *e = edits->first; e != NULL; e = e->next)
		if (e->answer.kind == ANSWER_QUARANTINE)
			m->milters->quarantine = span_z(arena_printf(m->arena,
			    "milter %s: %.*s", s->milters[milter].name,
			    SPAN_ARG(e->answer.text)));
}

static MAY_YIELD int
edit(struct mail *m, const struct edits *edits, struct err *err)
{
	struct draft *draft = m->milters->draft, before = *draft;

	*err = edits->lost;
	if (err->kind != 0)
		return err_prefix(err, "its new body");
	if (draft_edit(draft, edits, err) < 0)
		return -1;
	if (mail_envelope_edit(m, edits, err) == 0)
		return 0;
	*draft = before;
	return -1;
}

/* All of it, or nothing. */
MAY_YIELD int
mail_milters_apply(struct mail *m, size_t milter, const struct edits *edits,
    struct err *err)
{
	const struct settings *s = m->session->worker->settings;
	struct mail_milters *mm = m->milters;

	if (edit(m, edits, err) < 0) {
		if (err->kind == ERR_SYNTAX)
			return -1;
		mm->broken = *err;
		err_prefix(&mm->broken, "what milter %s wants",
		    s->milters[milter].name);
		return 0;
	}
	take_quarantine(m, milter, edits);
	mm->changed |= UINT32_C(1) << milter;
	stats_add(STAT_MILTER_EDITS, 1);
	series_add(SERIES_MILTER_EDITS, milter, 0, 0, 1);
	return 0;
}

/* A refusal of a filter stands. */
static struct reply
unless_broken(struct mail *m, struct reply r)
{
	const struct mail_milters *mm = m->milters;
	struct logline l;

	if (mm->broken.kind == 0 || r.code != 0 || r.close || mm->is_dropped)
		return r;
	m->failure = mm->broken;
	if (mm->broken.kind == ERR_CLOSED)
		return reply_err(&mm->broken);
	log_begin(&l, LOG_LABEL_WARN, m->session->id, "changes of filters");
	log_z(&l, "why", mm->broken.text);
	log_end(&l);
	return reply(451, "4.3.0", "The message cannot be processed now, "
	    "please try again later");
}

MAY_YIELD struct reply
mail_milters_message(struct mail *m, const struct verdict *v)
{
	struct mail_milters *mm = m->milters;
	struct chain_verdict said;

	if (!mail_milters_hear(m))
		return reply_none();
	mm->verdict = v;
	if (mm->draft != NULL)
		make_rules_edits(m);
	chain_message(m->session->milters->chain, SIZE_MAX, &said);
	mm->verdict = NULL;
	return unless_broken(m, mail_milters_take(m, &said));
}

struct reply
mail_milters_ruled(struct mail *m)
{
	return m->milters->ruled;
}

bool
mail_milters_drop(const struct mail *m)
{
	return m->milters != NULL && m->milters->is_dropped;
}

/* The rules' own reason comes first. Nobody else's stays in the header. */
void
mail_milters_quarantine(struct mail *m, struct verdict *v)
{
	struct mail_milters *mm = m->milters;
	const struct header_edit *edits;
	size_t n;

	if (mm == NULL || mm->quarantine.p == NULL ||
	    v->kind == ACTION_QUARANTINE)
		return;
	*v = (struct verdict){ .kind = ACTION_QUARANTINE,
	    .text = mm->quarantine };
	n = results_edits(m->arena, v, &edits);
	draft_rules(mm->draft, NULL, 0, edits, n, m->envelope.smtputf8);
}

const struct draft *
mail_milters_draft(const struct mail *m)
{
	return m->milters == NULL ? NULL : m->milters->draft;
}

void
mail_milters_put_changed(const struct mail *m, struct buf *out)
{
	const struct settings *s = m->session->worker->settings;

	for (size_t i = 0; m->milters != NULL && i < s->nmilters; i++) {
		if (!(m->milters->changed & (UINT32_C(1) << i)))
			continue;
		buf_puts(out, out->len > 0 ? "," : "");
		buf_puts(out, s->milters[i].name);
	}
}
