#include "base/clock.h"
#include "base/log.h"
#include "gateway/court.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/message_check.h"
#include "gateway/results.h"
#include "gateway/sentence.h"
#include "gateway/stats.h"
#include "gateway/trace.h"
#include "policy/header_edit.h"

/* What can be said without asking anybody. Code 0: nothing against it. */
static struct reply
check_message(struct mail *m)
{
	struct session *s = m->session;
	struct reply r = message_check(s->conf, s->max_size, &m->in,
	    &m->header);

	if (r.close) {
		stats_add(STAT_SMUGGLING, 1);
		s->ended_by = "bare-newline";
	}
	if (r.code != 0 || m->spool_err.kind == 0)
		return r;
	m->failure = m->spool_err;
	log_event(LOG_LABEL_ERROR, s->id, "message not kept: %s",
	    m->spool_err.text);
	return reply(452, "4.3.1", "Insufficient storage, try later");
}

/* --- the header --- */

/* What the rules, and forged results, change of it. False: nothing. */
static bool
edit_header(struct mail *m, const struct verdict *v, struct buf *out)
{
	struct session *s = m->session;
	struct header_change change = {
		.utf8 = m->envelope.smtputf8,
		.is_headless = m->header.is_headless,
	};

	change.nedits = results_edits(m->arena, v, &change.edits);
	change.text = judge_header(s->judge);
	change.fields = judge_fields(s->judge);
	if (!court_is_unchecked(s->conf, &s->client.addr))
		change.ncuts = results_cuts(m->arena, s->worker->court,
		    change.fields, &change.cuts);
	if (change.ncuts + change.nedits == 0)
		return false;
	stats_add(STAT_FORGED_RESULTS, (int64_t)change.ncuts);
	return header_edit_put(m->arena, &change, out);
}

/* All that stands before what is left of the message in the spool. */
static void
put_header(struct mail *m, const struct verdict *v,
    const struct findings *found, struct buf *out)
{
	struct session *s = m->session;
	struct buf edited = {0};
	struct trace t = {
		.hostname = s->worker->settings->hostname,
		.id = s->id,
		.client = &s->client,
		.envelope = &m->envelope,
		.when = clock_wall(),
		.is_headless = m->header.is_headless,
	};

	results_put_quarantine(m->arena, v, m->envelope.smtputf8, out);
	if (found != NULL)
		results_put(m->arena, s->worker->settings, &s->client,
		    &m->envelope, found, out);
	if (edit_header(m, v, &edited)) {
		t.is_headless = false;
		spool_skip(m->spool, judge_header(s->judge).len);
	}
	trace_received(out, &t);
	buf_span(out, buf_text(&edited));
	buf_free(&edited);
}

/* --- what becomes of it --- */

/* To the quarantine instead of its own backend, with all its recipients. */
static MAY_YIELD int
turn_to_quarantine(struct mail *m, struct err *err)
{
	struct session *s = m->session;
	const struct settings *settings = s->worker->settings;
	struct reply answer;

	if (settings->quarantine_name == NULL ||
	    settings->quarantine == (size_t)m->backend)
		return 0;
	backend_end(m->tx);
	m->backend = (int)settings->quarantine;
	m->tx = backend_begin(m->arena, backends_at(s->worker->backends,
	    m->backend), &s->client, &m->envelope, s->id);
	for (size_t i = 0; i < m->envelope.nrcpts; i++) {
		if (backend_rcpt(m->tx, &m->envelope.rcpts[i], &answer,
		    err) < 0)
			return -1;
		if (!reply_is_ok(&answer))
			return err_set(err, ERR_UNAVAIL, "quarantine %s "
			    "refuses a recipient: %d %.100s",
			    backend_where(m->tx), answer.code, answer.text);
	}
	return 0;
}

static MAY_YIELD struct reply
hand_over(struct mail *m, const struct verdict *v)
{
	struct session *s = m->session;
	struct buf header = {0};
	struct backend_message message = {
		.spool = m->spool,
		.has_dots = m->in.has_dots,
		.ends_in_crlf = m->in.ends_in_crlf,
		.is_binary = m->in.mode == NEWLINE_BINARY,
	};
	struct backend_result *result = arena_new(m->arena,
	    struct backend_result);
	const struct findings *found = NULL;
	int ret;

	session_await_name(s);
	if (results_are_wanted(s->worker->settings) &&
	    judge_findings(s->judge, &found, &m->failure) < 0)
		return reply_err(&m->failure);
	if (v->kind == ACTION_QUARANTINE &&
	    turn_to_quarantine(m, &m->failure) < 0)
		return reply_err(&m->failure);
	put_header(m, v, found, &header);
	message.trace = buf_text(&header);
	ret = backend_send(m->tx, &message, result, &m->failure);
	buf_free(&header);
	if (ret < 0)
		return reply_err(&m->failure);
	m->ok = result->ok;
	m->temp = result->temp;
	m->perm = result->perm;
	if (result->is_mixed)
		stats_add(STAT_MAILS_MIXED, 1);
	return result->answer;
}

static struct reply
drop(struct mail *m)
{
	m->fate = ACTION_DISCARD;
	if (m->tx != NULL)
		backend_end(m->tx);
	return reply(250, "2.0.0", "Ok");
}

/* The rules of the message, and what they say. */
static MAY_YIELD struct reply
judge_and_hand_over(struct mail *m)
{
	struct session *s = m->session;
	struct verdict v;

	if (m->envelope.nrcpts == 0)	/* a rule discarded all of them */
		return drop(m);
	if (judge_message(s->judge, &m->header, m->in.size, &v,
	    &m->failure) < 0)
		return reply_err(&m->failure);
	sentence_log(s->id, PHASE_MESSAGE, &v);
	if (v.rule != NULL)
		m->rule = v.rule;
	if (v.delay > 0)
		backend_rest(m->tx);
	if (session_delay(&v, &m->failure) < 0)
		return reply_err(&m->failure);
	switch (v.kind) {
	case ACTION_REJECT:
	case ACTION_DEFER:
	case ACTION_DISCONNECT:
		stats_add(STAT_RULE_REFUSALS, 1);
		if (v.kind == ACTION_DISCONNECT)
			s->ended_by = "rule";
		return sentence_reply(&v, m->envelope.smtputf8);
	case ACTION_DISCARD:
		return drop(m);
	case ACTION_QUARANTINE:
		m->fate = ACTION_QUARANTINE;
		return hand_over(m, &v);
	default:
		return hand_over(m, &v);
	}
}

struct reply
mail_answer(struct mail *m, struct reply r)
{
	m->answer = arena_new(m->arena, struct reply);
	*m->answer = r;
	return r;
}

MAY_YIELD struct reply
mail_deliver(struct mail *m)
{
	struct reply r;

	dotstream_end(&m->in);
	header_scan_end(&m->header);
	if (!mail_is_lost(m))
		spool_end(m->spool, &m->spool_err);
	r = check_message(m);
	if (r.code == 0)
		r = judge_and_hand_over(m);
	return mail_answer(m, r);
}

