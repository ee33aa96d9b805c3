#include <time.h>

#include "base/clock.h"
#include "gateway/journal.h"
#include "gateway/mail_milters.h"
#include "gateway/mail_outcome.h"
#include "gateway/mail_parts.h"
#include "gateway/ring.h"
#include "gateway/stats.h"
#include "gateway/transaction_internal.h"

#define FORMAT	1		/* of the format */
#define LIKELY	1920		/* octets of a record */

/* --- what all have --- */

static char *
put_digits(char *p, int64_t n, int64_t unit, char behind)
{
	for (; unit > 0; unit /= 10)
		*p++ = (char)('0' + n / unit % 10);
	*p++ = behind;
	return p;
}

/* RFC 3339, with microseconds, in UTC: of one width, so that texts sort as the
 * times do. */
static void
tell_time(struct teller *t)
{
	static char text[sizeof("2026-11-22T17:43:32.123456Z")], *fraction;
	static time_t told = -1;	/* up to the second */
	int64_t now = clock_wall();
	time_t second = (time_t)(now / CLOCK_S);
	char *p = text;
	struct tm tm;

	if (fraction == NULL || second != told) {
		gmtime_r(&second, &tm);
		p = put_digits(p, tm.tm_year + 1900, 1000, '-');
		p = put_digits(p, tm.tm_mon + 1, 10, '-');
		p = put_digits(p, tm.tm_mday, 10, 'T');
		p = put_digits(p, tm.tm_hour, 10, ':');
		p = put_digits(p, tm.tm_min, 10, ':');
		fraction = put_digits(p, tm.tm_sec, 10, '.');
		told = second;
	}
	p = put_digits(fraction, now % CLOCK_S, CLOCK_S / 10, 'Z');
	json_span(&t->o, "time", span_n(text, (size_t)(p - text)));
}

/* So that who reads knows that texts are not as they were. */
static void
tell_hidden(struct teller *t)
{
	static const char *const names[] = { [VEIL_SENDER] = "senders",
	    [VEIL_RCPT] = "recipients", [VEIL_SUBJECT] = "subject" };

	if (t->veil == NULL)
		return;
	json_open(&t->o, "hidden", '[');
	for (enum veil_what i = VEIL_SENDER; i <= VEIL_SUBJECT; i++)
		if (veil_hides(t->veil, i))
			json_z(&t->o, NULL, names[i]);
	json_close(&t->o, ']');
}

static void
tell_head(struct teller *t, const struct session *s, const char *kind,
    unsigned id)
{
	const struct transaction_plan *plan = s->worker->transactions;

	json_int(&t->o, "v", FORMAT);
	tell_time(t);
	json_z(&t->o, "session", s->id);
	if (id > 0)
		json_int(&t->o, "id", id);
	json_z(&t->o, "kind", kind);
	json_put_member(&t->o, plan->worker);
	json_z(&t->o, "listener", s->listener->conf->name);
	json_put_member(&t->o, plan->rules);
	tell_hidden(t);
}

static void
tell_by(struct teller *t, enum told_by by)
{
	const char *name = told_by_name(by);

	if (name != NULL)
		json_z(&t->o, "by", name);
}

static void
tell_phases(struct teller *t, const struct session *s)
{
	json_open(&t->o, "phases", '[');
	for (enum phase p = PHASE_CONNECT; p < PHASES; p++) {
		const struct verdict *v = p == PHASE_RCPT ? NULL :
		    judge_verdict(s->judge, p);

		if (v != NULL)
			tell_phase(t, p, s->worker->rules->rules, v);
	}
	json_close(&t->o, ']');
}

static void
tell_judged(struct teller *t, const struct session *s,
    const struct findings *found, enum told_extent extent)
{
	const struct transaction_plan *plan = s->worker->transactions;
	int64_t score = judge_score(s->judge);

	if (score != 0)
		json_decimal(&t->o, "score", score, 2);
	if (extent == TOLD_BARE)
		return;
	tell_facts(t, s->judge, found, plan->facts, plan->nfacts,
	    extent == TOLD_ALL);
	tell_phases(t, s);
}

static void
tell_stages(struct teller *t, const struct span *keys,
    const struct stages *of, size_t from, size_t upto)
{
	for (size_t i = from; i < upto; i++)
		if (stages_passed(of, (enum stage_time)i)) {
			json_put_key(&t->o, keys[i]);
			json_int_n(&t->o, JSON_NO_KEY, of->us[i]);
		}
}

static void
tell_times(struct teller *t, const struct session *s, const struct mail *m)
{
	const struct span *keys = s->worker->transactions->stages;

	json_open(&t->o, "us", '{');
	tell_stages(t, keys, &s->stages, STAGE_CONNECT, STAGE_MAIL);
	if (m != NULL)
		tell_stages(t, keys, &m->stages, STAGE_MAIL, STAGES);
	json_close(&t->o, '}');
}

/* --- a mail --- */

static const struct reply *
reply_of(const struct mail *m)
{
	if (m->answer != NULL && m->answer->code != 0)
		return m->answer;
	return m->envelope.nrcpts == 0 ? m->refusal : NULL;
}

static const struct rule *
rule_of(const struct mail *m)
{
	return m->rule != NULL || m->envelope.nrcpts > 0 ? m->rule :
	    m->rcpt_rule;
}

/* Whose word the reply is. */
static enum told_by
decided_by(const struct mail *m, enum mail_outcome outcome)
{
	bool has_refused = m->envelope.nrcpts == 0 && m->refusal != NULL;

	if (m->envelope.nrcpts == 0 && (m->discarded > 0 || has_refused))
		return transaction_first_by(m);
	if (outcome == MAIL_ABORTED)
		return m->failure.kind != 0 ? BY_US : BY_CLIENT;
	if (mail_milters_by(m) != NULL)
		return BY_MILTER;
	if (m->rule != NULL && outcome != MAIL_DELIVERED &&
	    outcome != MAIL_REMEMBERED && outcome != MAIL_MIXED)
		return BY_RULE;
	if (m->failure.kind != 0)
		return BY_US;
	return stages_passed(&m->stages, STAGE_BACKEND) ? BY_BACKEND : BY_US;
}

static void
tell_milters(struct teller *t, const struct mail *m)
{
	const struct settings *s = m->session->worker->settings;
	bool is_first = true;

	for (size_t i = 0; m->milters != NULL && i < s->nmilters; i++) {
		const char *said = mail_milters_said(m, i);
		int64_t us = m->milters->us[i];

		if (said == NULL && us == 0)
			continue;
		if (is_first)
			json_open(&t->o, "milters", '[');
		is_first = false;
		json_open(&t->o, NULL, '{');
		json_z(&t->o, "name", s->milters[i].name);
		if (said != NULL)
			json_z(&t->o, "word", said);
		json_int(&t->o, "us", us);
		if (m->milters->changed & (UINT32_C(1) << i))
			json_bool(&t->o, "changed", true);
		json_close(&t->o, '}');
	}
	if (!is_first)
		json_close(&t->o, ']');
}

static void
tell_where(struct teller *t, const struct mail *m)
{
	buf_clear(t->scratch);
	mail_parts_where(m, t->scratch);
	if (t->scratch->len > 0)
		json_span(&t->o, "backend", buf_text(t->scratch));
}

static void
tell_mail(struct teller *t, const struct mail *m, enum told_extent extent)
{
	enum mail_outcome outcome = mail_outcome(m);
	const struct session *s = m->session;
	const struct reply *r = reply_of(m);
	const struct rule *rule = rule_of(m);
	const char *milter = mail_milters_by(m);

	tell_find_subject(t, s->judge, m->found,
	    s->worker->transactions->subject);
	tell_watch_reply(t, judge_verdict(s->judge, PHASE_MESSAGE));
	json_open(&t->o, NULL, '{');
	tell_head(t, s, "mail", m->number);
	json_z(&t->o, "outcome", mail_outcome_name(outcome));
	if (r != NULL && r == m->refusal)
		tell_reply_of(t, SPAN_LIT("reply"), r, m->rcpt_milter == NULL ?
		    m->rcpt_rule : NULL);
	else if (r != NULL)
		tell_reply(t, SPAN_LIT("reply"), r);
	if (rule != NULL)
		tell_rule(t, rule);
	if (milter == NULL && m->envelope.nrcpts == 0)
		milter = m->rcpt_milter;
	if (milter != NULL)
		json_z(&t->o, "milter", milter);
	tell_by(t, decided_by(m, outcome));
	tell_judged(t, s, m->found, extent);
	if (extent != TOLD_BARE)
		tell_rcpts(t, m, extent == TOLD_ALL ? SIZE_MAX :
		    TRANSACTION_RCPTS);
	tell_milters(t, m);
	tell_where(t, m);
	if (m->spool != NULL)
		json_int(&t->o, "size", (int64_t)m->in.size);
	if (s->client.tls_version != NULL)
		json_z(&t->o, "tls", s->client.tls_version);
	if (m->failure.kind != 0)
		tell_text(t, SPAN_LIT("why"), span_z(m->failure.text));
	tell_times(t, s, m);
	if (extent != TOLD_ALL)
		json_bool(&t->o, "cut", true);
	json_close(&t->o, '}');
}

/* --- a session --- */

static void
tell_session(struct teller *t, const struct session *s,
    enum told_extent extent)
{
	const struct verdict *v = judge_refusal(s->judge);
	struct findings found;

	json_open(&t->o, NULL, '{');
	tell_head(t, s, "session", 0);
	json_z(&t->o, "outcome", "turned-away");
	tell_reply(t, SPAN_LIT("reply"), s->turned_away);
	if (v != NULL && v->rule != NULL)
		tell_rule(t, v->rule);
	tell_by(t, v != NULL ? BY_RULE : s->client.early_talker ? BY_US :
	    BY_MILTER);
	judge_found(s->judge, &found);
	tell_judged(t, s, &found, extent);
	if (s->client.tls_version != NULL)
		json_z(&t->o, "tls", s->client.tls_version);
	tell_times(t, s, NULL);
	if (extent != TOLD_ALL)
		json_bool(&t->o, "cut", true);
	json_close(&t->o, '}');
}

/* --- where it goes --- */

/* Of the mail, or of the session without one; no longer than `most`, and no
 * more of it than `extent`. With the end of its line. */
static void
make(struct buf *out, const struct session *s, const struct mail *m,
    enum told_extent extent, size_t most)
{
	const struct transaction_plan *plan = s->worker->transactions;

	for (;; extent++) {
		struct teller t = tell_begin(out, plan->veil);

		t.plan = plan;
		buf_clear(out);
		if (m != NULL) {
			tell_know(&t, m);
			tell_mail(&t, m, extent);
		} else
			tell_session(&t, s, extent);
		buf_put(out, "\n", 1);
		tell_end(&t);
		if (out->len <= most || extent == TOLD_BARE)
			return;
	}
}

static void
put(const struct session *s, const struct mail *m)
{
	static struct buf line;		/* nothing here yields */
	struct ring *ring = stats_ring(STATS_MINE);
	struct journal *journal = s->worker->journal;

	if (!transaction_is_wanted(s))
		return;
	ring_expect(ring, LIKELY);
	make(&line, s, m, TOLD_ALL, TRANSACTION_MOST);
	if (line.len <= RING_RECORD) {
		(void)ring_put(ring, buf_text(&line));
		journal_note(journal);
	} else {
		journal_put(journal, buf_text(&line));
		make(&line, s, m, TOLD_CUT, RING_RECORD);
		(void)ring_put_passed(ring, buf_text(&line));
	}
	if (line.cap > 2 * TRANSACTION_MOST)	/* of a huge header */
		buf_free(&line);
}

void
transaction_mail(struct mail *m)
{
	put(m->session, m);
}

void
transaction_session(struct session *s)
{
	if (s->mails > 0 || s->turned_away == NULL || s->judge == NULL ||
	    s->is_recorded)
		return;
	s->is_recorded = true;
	put(s, NULL);
}
