#include "base/log.h"
#include "gateway/command.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/mail_milters.h"
#include "gateway/mail_parts.h"
#include "gateway/path.h"
#include "gateway/route.h"
#include "gateway/sentence.h"
#include "gateway/series.h"
#include "gateway/session_count.h"
#include "gateway/stats.h"
#include "gateway/transaction.h"
#include "policy/action.h"

/* Recipients of one mail that are asked about and refused. Those that are to
 * come again are no errors of the client, but each is judged and logged. */
#define REFUSED_MOST	1000

/* Why a recipient is answered so. */
struct reason {
	const struct rule	*rule;		/* NULL: none */
	bool			 is_discarded;
	bool			 is_known;	/* the delivery memory knew */
	bool			 is_alone;	/* no other in this mail */
	bool			 has_it;	/* he seems to */
	bool			 is_told;	/* filters have let him pass */
	const char		*milter;	/* who refuses; NULL: none does */
	/* By the backend or a rule, but he seems to have it and is taken. */
	struct reply		*refused;
	struct err		 failure;	/* of ours; kind 0: none */
	const struct verdict	*verdict;	/* of his phase; NULL: none */
};

static void
log_refused(const struct mail *m, const struct rcpt *rcpt,
    const struct reply *r, const struct reason *why)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, m->session->id, "rcpt refused");
	log_int(&l, "id", m->number);
	log_str(&l, "from", m->envelope.sender.text);
	log_str(&l, "to", rcpt->addr.text);
	log_int(&l, "code", r->code);
	if (r->enhanced[0] != '\0')
		log_z(&l, "enhanced", r->enhanced);
	log_str(&l, "reply", span_z(r->text));
	if (why->rule != NULL) {
		log_z(&l, "rule", why->rule->name);
		log_z(&l, "action", action_name(why->rule->action.kind));
	}
	log_z(&l, "milter", why->milter);
	if (why->is_known)
		log_z(&l, "known", "yes");
	if (m->asked != NULL)
		log_z(&l, "backend", backend_where(m->asked->tx));
	if (why->failure.kind != 0)
		log_z(&l, "why", why->failure.text);
	log_end(&l);
}

static struct reply
apart(void)
{
	return reply(452, "4.5.3", "This recipient needs a mail of its own, "
	    "send it again");
}

static struct reply
refuse_by_rule(struct mail *m, const struct verdict *v, struct reason *why)
{
	stats_add(STAT_RULE_REFUSALS, 1);
	why->rule = v->rule;
	if (v->kind == ACTION_DISCONNECT) {
		m->session->ended_by = "rule";
		m->rule = v->rule;
	}
	return sentence_reply(v, m->envelope.smtputf8);
}

/* Where it goes to: -1 with a reply if nowhere. What the configuration does
 * not route is relaying, whatever a rule says. */
static MAY_YIELD int
find_backend(struct mail *m, const struct rcpt *rcpt,
    const struct verdict *v, struct reply *r)
{
	struct session *s = m->session;
	struct worker *w = s->worker;
	struct err err;
	int index = route_find(w->routes, &rcpt->addr,
	    judge_store_rest(s->judge), &err);

	if (index < 0) {
		*r = index == ROUTE_UNKNOWN ? sentence_unrouted(s->id, &err) :
		    sentence_relaying();
		return -1;
	}
	if (v->unrouted != NULL) {
		sentence_set_unrouted(v->unrouted, &err);
		*r = sentence_unrouted(s->id, &err);
		return -1;
	}
	if (v->route.len > 0)
		index = backends_find(w->backends, v->route);
	if (mail_parts_have_others(m, index) && !mail_tells_apart(m)) {
		*r = apart();
		return -1;
	}
	return index;
}

/* He seems to have the mail already. If it is another, that is his answer. */
static struct reply
taken_nevertheless(struct arena *scratch, struct reply refused,
    struct reason *why)
{
	why->refused = arena_new(scratch, struct reply);
	*why->refused = refused;
	return reply(250, "2.1.5", "Ok");
}

/* A refusal, unless he has it. */
static MAY_YIELD struct reply
take_from_nobody(struct mail *m, const struct rcpt *rcpt, struct reply r,
    struct arena *scratch, struct reason *why)
{
	if (!why->has_it && !why->is_alone && reply_is_permanent(&r))
		why->has_it = mail_has_got_it(m, scratch, rcpt);
	return !why->has_it || reply_is_ok(&r) ? r :
	    taken_nevertheless(scratch, r, why);
}

/* The backend's own answer, ours if it gives none, or what the sender was not
 * told yet because others of the mail had another fate. */
static MAY_YIELD struct reply
recall_or_ask(struct mail *m, int backend, const struct rcpt *rcpt,
    struct arena *scratch, struct reason *why)
{
	struct reply r = reply_none();
	enum rcpt_past past = mail_recall_rcpt(m, scratch, rcpt, &r);

	why->is_known = past == PAST_REFUSED;
	why->is_alone = past == PAST_REFUSED_ELSEWHERE;
	if (why->is_known)
		return r;
	if ((m->is_alone || why->is_alone) && m->nfates > 0)
		return apart();
	why->has_it = past == PAST_DELIVERED;
	r = mail_part_ask(m, backend, rcpt, &why->failure);
	return take_from_nobody(m, rcpt, r, scratch, why);
}

/* Filters hear of him whom all others have taken. Of who is taken since he
 * seems to have it they hear too, but they cannot take that from him. */
static MAY_YIELD __attribute__((noinline)) struct reply
ask_milters(struct mail *m, const struct rcpt *rcpt, struct arena *scratch,
    struct reply taken, struct reason *why)
{
	struct reply r = mail_milters_rcpt(m, rcpt, scratch);

	why->is_told = r.code == 0 && !r.close;
	if (why->is_told)
		return taken;
	why->milter = mail_milters_rcpt_by(m);
	if (why->refused != NULL)
		return taken;
	mail_part_forget(m);
	return r.close ? r : take_from_nobody(m, rcpt, r, scratch, why);
}

/* A refusal before his backend was asked is final, or one who seems to have the
 * mail would be told that he has not. */
static MAY_YIELD __attribute__((noinline)) bool
is_final(struct mail *m, const struct rcpt *rcpt, const struct reply *r,
    struct arena *scratch)
{
	struct reply *refusal = arena_new(scratch, struct reply);

	return r->close || !reply_is_permanent(r) ||
	    (mail_recall_rcpt(m, scratch, rcpt, refusal) != PAST_DELIVERED &&
	    !mail_has_got_it(m, scratch, rcpt));
}

/* Rules may change their mind between two tries: that takes from nobody what he
 * has got. */
static MAY_YIELD struct reply
refuse_unless_he_has_it(struct mail *m, const struct rcpt *rcpt,
    const struct verdict *v, struct arena *scratch, struct reason *why)
{
	struct reply r = refuse_by_rule(m, v, why);

	return is_final(m, rcpt, &r, scratch) ? r :
	    taken_nevertheless(scratch, r, why);
}

static const struct verdict *
keep(struct arena *scratch, const struct verdict *v)
{
	struct verdict *kept = arena_new(scratch, struct verdict);

	*kept = *v;
	return kept;
}

/* What the rules of this recipient say, and then the backend. */
static MAY_YIELD __attribute__((noinline)) struct reply
judge_rcpt_and_ask(struct mail *m, const struct rcpt *rcpt,
    struct arena *scratch, struct reason *why)
{
	struct session *s = m->session;
	struct verdict v;
	bool is_apart;
	struct reply r;
	int index;

	if (judge_rcpt(s->judge, scratch, rcpt, m->envelope.nrcpts +
	    m->discarded + 1, &v, &is_apart, &why->failure) < 0)
		return reply_err(&why->failure);
	why->verdict = keep(scratch, &v);
	sentence_log(s->id, PHASE_RCPT, &v);
	mail_milters_attach(m, &v);
	if (v.delay > 0)
		mail_parts_rest(m);
	if (session_delay(&v, &why->failure) < 0)
		return reply_err(&why->failure);
	if (v.kind == ACTION_REJECT || v.kind == ACTION_DEFER ||
	    v.kind == ACTION_DISCONNECT)
		return refuse_unless_he_has_it(m, rcpt, &v, scratch, why);
	if (v.kind == ACTION_DISCARD) {
		why->rule = v.rule;
		why->is_discarded = true;
		return reply(250, "2.1.5", "Ok");
	}
	index = find_backend(m, rcpt, &v, &r);
	if (index < 0)
		return r;
	return is_apart ? apart() :
	    recall_or_ask(m, index, rcpt, scratch, why);
}

/* Of client or sender. */
static __attribute__((noinline)) struct reply
refuse_by_milter(struct mail *m, struct reason *why)
{
	struct reply r = mail_milters_held(m);

	if (r.code != 0 || r.close)
		why->milter = mail_milters_by(m);
	else
		for (enum phase p = PHASE_CONNECT; p <= PHASE_MAIL; p++)
			session_milters_attach(m->session, p);
	return r;
}

/* A refusal of an earlier phase comes first: it is told here. */
static MAY_YIELD struct reply
decide(struct mail *m, const struct rcpt *rcpt, struct arena *scratch,
    struct reason *why)
{
	struct session *s = m->session;
	const struct verdict *refusal;
	struct reply r;

	if (judge_await(s->judge, PHASE_MAIL, &why->failure) < 0)
		return reply_err(&why->failure);
	session_tell_judged(s);
	refusal = judge_refusal(s->judge);
	if (refusal != NULL)
		return refuse_by_rule(m, refusal, why);
	r = refuse_by_milter(m, why);
	if ((r.code != 0 || r.close) && is_final(m, rcpt, &r, scratch))
		return r;
	why->milter = NULL;
	r = judge_rcpt_and_ask(m, rcpt, scratch, why);
	return reply_is_ok(&r) && !why->is_discarded ?
	    ask_milters(m, rcpt, scratch, r, why) : r;
}

static void
log_discarded(const struct mail *m, const struct rcpt *rcpt,
    const struct rule *rule)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, m->session->id, "rcpt discarded");
	log_int(&l, "id", m->number);
	log_str(&l, "from", m->envelope.sender.text);
	log_str(&l, "to", rcpt->addr.text);
	log_z(&l, "rule", rule->name);
	log_end(&l);
}

/* Only the first is kept, so that refused ones do not grow the mail. */
static void
note_refused(struct mail *m, const struct rcpt *rcpt, const struct reply *r,
    const struct reason *why)
{
	if (m->refused++ > 0)
		return;
	m->refused_to = arena_span(m->arena, rcpt->addr.text);
	m->refusal = arena_new(m->arena, struct reply);
	*m->refusal = *r;
	if (m->discarded > 0)
		return;
	m->rcpt_rule = why->rule;
	m->rcpt_milter = why->milter;
}

static void
note_told(struct mail *m, const struct rcpt *rcpt, const struct reply *r,
    const struct reason *why)
{
	const struct told_rcpt told = {
		.rcpt = rcpt,
		.reply = r,
		.verdict = why->verdict,
		.rule = why->rule,
		.milter = why->milter,
		.failure = &why->failure,
		.is_taken = reply_is_ok(r),
		.is_discarded = why->is_discarded,
		.is_known = why->is_known,
	};

	transaction_rcpt(m, &told);
}

static MAY_YIELD struct reply
take_or_refuse(struct mail *m, const struct rcpt *rcpt, unsigned needs,
    struct arena *scratch)
{
	struct reason why = {0};
	struct reply r;

	m->asked = NULL;
	r = decide(m, rcpt, scratch, &why);
	if (why.failure.kind != 0)
		m->failure = why.failure;
	if (why.is_discarded) {
		mail_add_discarded(m);
		m->rcpt_rule = why.rule;
		m->rcpt_milter = NULL;
		log_discarded(m, rcpt, why.rule);
		note_told(m, rcpt, &r, &why);
		return r;
	}
	if (reply_is_ok(&r)) {
		mail_add_rcpt(m, rcpt, needs, why.refused);
		m->fates[m->nfates - 1].is_told = why.is_told;
		m->fates[m->nfates - 1].seems_to_have_it = why.has_it ||
		    why.refused != NULL;
		m->is_alone = why.is_alone;
		judge_rcpt_taken(m->session->judge);
		note_told(m, rcpt, &r, &why);
		return r;
	}
	note_refused(m, rcpt, &r, &why);
	/* Somebody may be trying names. */
	if (reply_is_permanent(&r) && !why.is_known)
		m->session->errors++;
	log_refused(m, rcpt, &r, &why);
	note_told(m, rcpt, &r, &why);
	if (why.milter == NULL)
		mail_milters_refused(m, rcpt, scratch, &r);
	return r;
}

static void
count(const struct session *s, const struct reply *r, bool is_discarded)
{
	unsigned word = WORD_RCPT_DEFERRED;

	if (r->code == 0)
		return;		/* nobody is told anything */
	if (reply_is_ok(r)) {
		stats_add(STAT_RCPTS_OK, 1);
		word = is_discarded ? WORD_RCPT_DISCARDED : WORD_RCPT_TAKEN;
	} else if (reply_is_permanent(r)) {
		stats_add(STAT_RCPTS_PERM, 1);
		word = WORD_RCPT_REFUSED;
	} else
		stats_add(STAT_RCPTS_TEMP, 1);
	series_add(SERIES_RECIPIENTS, session_subject(s), word, 0, 1);
}

static MAY_YIELD struct reply
answer(struct session *s, struct span args)
{
	struct path_limits limits = { s->advertised, s->max_size };
	struct mail *m = s->mail;
	struct path_fault fault;
	struct rcpt rcpt = {0};
	struct arena *scratch;
	unsigned needs = 0;
	struct reply r;

	if (m->envelope.nrcpts + m->discarded >= s->conf->max_recipients ||
	    m->refused >= REFUSED_MOST)
		return reply(452, "4.5.3", "Too many recipients");
	scratch = arena_create("rcpt");
	if (path_parse_rcpt(scratch, args, &limits, m->envelope.smtputf8,
	    &rcpt, &needs, &fault) < 0)
		r = reply(fault.code, fault.enhanced, "%s", fault.text);
	else
		r = take_or_refuse(m, &rcpt, needs, scratch);
	arena_destroy(&scratch);
	return r;
}

/*
 * RCPT -- take or refuse one recipient                  RFC 5321 4.1.1.3
 *
 * The backend is asked before we answer, so an unknown recipient is refused
 * here and never has to be bounced. What is refused must not grow the mail:
 * it is parsed into memory of its own.
 */
MAY_YIELD struct reply
cmd_rcpt(struct session *s, struct span args)
{
	size_t discarded = s->mail->discarded;
	struct reply r = answer(s, args);

	count(s, &r, s->mail->discarded > discarded);
	return r;
}
