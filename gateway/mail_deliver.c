#include "base/clock.h"
#include "base/log.h"
#include "gateway/court.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/mail_envelope.h"
#include "gateway/mail_milters.h"
#include "gateway/mail_parts.h"
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
edit_by_rules(struct mail *m, const struct verdict *v, struct buf *out)
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

/* The fields that are ours. */
static void
put_ours(struct mail *m, const struct verdict *v,
    const struct findings *found, bool is_headless, struct buf *out)
{
	struct session *s = m->session;
	const struct trace t = {
		.hostname = s->worker->settings->hostname,
		.id = s->id,
		.client = &s->client,
		.envelope = &m->envelope,
		.when = clock_wall(),
		.is_headless = is_headless,
	};

	results_put_quarantine(m->arena, v, m->envelope.smtputf8, out);
	if (found != NULL)
		results_put(m->arena, s->worker->settings, &s->client,
		    &m->envelope, found, out);
	trace_received(out, &t);
}

/* What came, with what the rules change of it. */
static void
make_message(struct mail *m, const struct verdict *v,
    const struct findings *found, struct buf *header,
    struct backend_message *out)
{
	struct buf edited = {0};
	bool is_edited = edit_by_rules(m, v, &edited);

	if (is_edited)
		spool_skip(m->spool, judge_header(m->session->judge).len);
	put_ours(m, v, found, m->header.is_headless && !is_edited, header);
	buf_span(header, buf_text(&edited));
	buf_free(&edited);
	*out = (struct backend_message){
		.trace = buf_text(header),
		.spool = m->spool,
		.has_dots = m->in.has_dots,
		.ends_in_crlf = m->in.ends_in_crlf,
		.is_binary = m->in.mode == NEWLINE_BINARY,
	};
}

/* What filters have made of it. */
static void
make_from_draft(struct mail *m, const struct verdict *v,
    const struct findings *found, struct buf *header,
    struct backend_message *out)
{
	struct buf ours = {0};

	put_ours(m, v, found, false, &ours);
	draft_put(mail_milters_draft(m), buf_text(&ours), header, out);
	buf_free(&ours);
}

/* --- what becomes of it --- */

/* The quarantine, instead of the backends that it would go to. */
static MAY_YIELD int
turn_to_quarantine(struct mail *m, struct err *err)
{
	const struct settings *settings = m->session->worker->settings;

	if (settings->quarantine_name == NULL)
		return 0;
	return mail_parts_turn(m, (int)settings->quarantine, err);
}

/* Whoever has it already is left out from here on. */
static MAY_YIELD int
hand_over(struct mail *m, const struct verdict *v, struct err *err)
{
	struct session *s = m->session;
	struct backend_message message;
	bool is_quarantined = v->kind == ACTION_QUARANTINE;
	const struct findings *found = NULL;
	struct buf header = {0};
	int64_t began;

	session_await_name(s);
	if (results_are_wanted(s->worker->settings) &&
	    judge_findings(s->judge, &found, err) < 0)
		return -1;
	/* Without a quarantine it goes where it would have gone. */
	mail_recall(m, true, is_quarantined &&
	    s->worker->settings->quarantine_name != NULL);
	if (is_quarantined && turn_to_quarantine(m, err) < 0)
		return -1;
	if (mail_milters_draft(m) != NULL)
		make_from_draft(m, v, found, &header, &message);
	else
		make_message(m, v, found, &header, &message);
	began = clock_now();
	mail_parts_send(m, &message);
	stages_add(&m->stages, STAGE_BACKEND, clock_now() - began);
	buf_free(&header);
	return 0;
}

/* A refusal is for those who have not got it at an earlier try. */
static MAY_YIELD struct reply
refuse(struct mail *m, const struct reply *r)
{
	mail_envelope_forget(m);
	mail_recall(m, false, false);
	mail_answer_rest(m, r);
	return mail_settle(m);
}

static MAY_YIELD struct reply
deliver(struct mail *m, const struct verdict *v)
{
	struct reply failed;

	if (hand_over(m, v, &m->failure) < 0) {
		failed = reply_err(&m->failure);
		mail_answer_rest(m, &failed);
	}
	return mail_settle(m);
}

static struct reply
drop(struct mail *m)
{
	m->fate = ACTION_DISCARD;
	mail_parts_end(m);
	return reply(250, "2.0.0", "Ok");
}

/* Filters come behind the rules, and may yet refuse it, or have it put aside. */
static MAY_YIELD struct reply
ask_and_deliver(struct mail *m, const struct verdict *v)
{
	struct reply r = mail_milters_message(m, v);
	struct verdict kept = *v;

	if (r.code != 0 || r.close)
		return refuse(m, &r);
	if (mail_milters_drop(m) || mail_envelope_is_empty(m))
		return drop(m);
	mail_milters_quarantine(m, &kept);
	if (kept.kind == ACTION_QUARANTINE)
		m->fate = ACTION_QUARANTINE;
	return deliver(m, &kept);
}

static MAY_YIELD struct reply
refuse_by_rule(struct mail *m, const struct verdict *v)
{
	struct reply r = sentence_reply(v, m->envelope.smtputf8);

	stats_add(STAT_RULE_REFUSALS, 1);
	if (v->kind == ACTION_DISCONNECT)
		m->session->ended_by = "rule";
	return refuse(m, &r);
}

/* The one that a rule has asked. */
static MAY_YIELD struct reply
obey_milter(struct mail *m)
{
	struct reply r = mail_milters_ruled(m);

	return mail_milters_drop(m) ? drop(m) : refuse(m, &r);
}

/* The rules of the message, and what they say. */
static MAY_YIELD struct reply
judge_and_deliver(struct mail *m)
{
	const struct reply *refusal = mail_milters_at_data(m);
	struct session *s = m->session;
	struct verdict v;

	/* A rule discarded all of them, or a filter the mail. */
	if (m->envelope.nrcpts == 0 || mail_milters_drop(m))
		return drop(m);
	if (refusal != NULL)
		return refuse(m, refusal);
	if (judge_message(s->judge, &m->header, m->in.size, &v,
	    &m->failure) < 0)
		return reply_err(&m->failure);
	sentence_log(s->id, PHASE_MESSAGE, &v);
	if (v.rule != NULL)
		m->rule = v.rule;
	if (v.delay > 0)
		mail_parts_rest(m);
	if (session_delay(&v, &m->failure) < 0)
		return reply_err(&m->failure);
	switch (v.kind) {
	case ACTION_REJECT:
	case ACTION_DEFER:
	case ACTION_DISCONNECT:
		return refuse_by_rule(m, &v);
	case ACTION_DISCARD:
		return drop(m);
	case ACTION_MILTER:
		return obey_milter(m);
	default:
		return ask_and_deliver(m, &v);
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
	int64_t came = clock_now();
	struct reply r;

	stages_set(&m->stages, STAGE_DATA, came - m->message_began);
	dotstream_end(&m->in);
	header_scan_end(&m->header);
	if (!mail_is_lost(m))
		spool_end(m->spool, &m->spool_err);
	r = check_message(m);
	if (r.code == 0)
		r = judge_and_deliver(m);
	stages_set(&m->stages, STAGE_MESSAGE, clock_now() - came -
	    m->stages.us[STAGE_BACKEND]);
	return mail_answer(m, r);
}

