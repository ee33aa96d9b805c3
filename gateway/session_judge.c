#include "gateway/court.h"
#include "gateway/crowd.h"
#include "gateway/judge.h"
#include "gateway/mail_milters.h"
#include "gateway/sentence.h"
#include "gateway/session.h"
#include "gateway/session_milters.h"
#include "gateway/stats.h"
#include "gateway/transaction.h"

/*
 * A session before its judge. A refusal of connect, helo or mail is told with
 * the next RCPT, so that the log has sender and recipient; or at once, if
 * `reject_at connect` says so or the rule is `disconnect`.
 */

/* Whoever says HELO without end does not fill the log. */
#define HELOS_TOLD	20

void
session_judge_client(struct session *s, bool name_is_known)
{
	const struct court *court = s->worker->court;
	struct judge_client who = {
		.client = &s->client,
		.listener = s->listener->conf->name,
		.wants = court_wants(court, s->conf, &s->client.addr),
		.is_unchecked = court_is_unchecked(s->conf, &s->client.addr),
		.errors = &s->errors,
		.milters = mail_milters_for_rules(s),
	};

	crowd_count(s->worker->crowd, &s->client.addr, &who.sessions);
	/* The one before, who was perhaps told to go. */
	transaction_session(s);
	s->turned_away = NULL;
	s->is_recorded = false;
	judge_end(&s->judge);
	s->told = 0;
	s->is_turned_away = false;
	if (!name_is_known)
		court_name(&s->client);
	s->judge = judge_begin(court, &who);
	judge_enter(s->judge, PHASE_CONNECT);
}

MAY_YIELD void
session_await_name(struct session *s)
{
	struct err err;

	(void)judge_name(s->judge, &err);
}

void
session_tell_judged(struct session *s)
{
	for (enum phase p = PHASE_CONNECT; p <= PHASE_MAIL; p++) {
		const struct verdict *v = judge_verdict(s->judge, p);

		if (v == NULL)
			s->told &= ~(1u << p);
		else if (!(s->told & (1u << p))) {
			s->told |= 1u << p;
			if (p != PHASE_HELO || s->helos_told++ < HELOS_TOLD)
				sentence_log(s->id, p, v);
		}
	}
}

MAY_YIELD int
session_delay(const struct verdict *v, struct err *err)
{
	struct err why;		/* a sleep that is over sets it too */

	if (v->delay <= 0 || fiber_sleep(v->delay, &why) == 0)
		return 0;
	*err = why;
	return -1;
}

MAY_YIELD struct reply
session_judge(struct session *s, enum phase phase)
{
	const struct verdict *v;
	struct reply r;
	struct err err;
	bool is_new;

	if (!court_is_prompt(s->worker->court, s->conf, phase))
		return reply_none();
	if (judge_await(s->judge, phase, &err) < 0)
		return reply_err(&err);
	is_new = !(s->told & (1u << phase));
	session_tell_judged(s);
	v = judge_verdict(s->judge, phase);
	if (v == NULL || !is_new)
		return reply_none();	/* refused before, told or to be told */
	if (session_delay(v, &err) < 0)
		return reply_err(&err);
	if (!sentence_is_at_once(v, s->conf))
		return reply_none();
	stats_add(STAT_RULE_REFUSALS, 1);
	if (v->code >= 500)
		s->errors++;	/* as a refused recipient is */
	r = phase == PHASE_CONNECT ? sentence_greeting(v) :
	    sentence_reply(v, false);
	if (r.close)
		s->ended_by = "rule";
	session_turned_away(s, &r);
	return r;
}

void
session_turned_away(struct session *s, const struct reply *r)
{
	struct reply *kept;

	if (s->turned_away != NULL)
		return;
	kept = arena_new(s->arena, struct reply);
	*kept = *r;
	s->turned_away = kept;
}

MAY_YIELD struct reply
session_greeting(struct session *s, bool is_proxy)
{
	struct reply r = reply_none();

	judge_greeted(s->judge);
	if (!is_proxy)
		r = session_judge(s, PHASE_CONNECT);
	if (r.code == 0 && !r.close)
		r = session_milters_greet(s, is_proxy);
	s->is_turned_away = r.code >= 500;
	if (r.code != 0 || r.close) {
		session_turned_away(s, &r);
		return r;
	}
	return reply(220, "", "%s ESMTP Forepost",
	    s->worker->settings->hostname);
}
