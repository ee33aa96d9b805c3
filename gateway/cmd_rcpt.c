#include "base/log.h"
#include "gateway/command.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/path.h"
#include "gateway/route.h"
#include "gateway/sentence.h"
#include "gateway/stats.h"
#include "policy/action.h"

/* Recipients of one mail that are asked about and refused. Those that are to
 * come again are no errors of the client, but each is judged and logged. */
#define REFUSED_MOST	1000

static void
log_refused(const struct mail *m, const struct rcpt *rcpt,
    const struct reply *r, const struct rule *rule)
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
	if (rule != NULL) {
		log_z(&l, "rule", rule->name);
		log_z(&l, "action", action_name(rule->action.kind));
	}
	if (m->tx != NULL)
		log_z(&l, "backend", backend_where(m->tx));
	if (m->failure.kind != 0)
		log_z(&l, "why", m->failure.text);
	log_end(&l);
}

/* The backend's own answer, or ours if it gives none. */
static MAY_YIELD struct reply
ask_backend(struct mail *m, int index, const struct rcpt *rcpt)
{
	struct session *s = m->session;
	struct reply answer;

	if (m->failure.kind != 0)	/* it failed us a moment ago */
		return reply_err(&m->failure);
	if (m->tx == NULL) {
		m->backend = index;
		m->tx = backend_begin(m->arena,
		    backends_at(s->worker->backends, index), &s->client,
		    &m->envelope, s->id);
	}
	if (backend_rcpt(m->tx, rcpt, &answer, &m->failure) < 0)
		return reply_err(&m->failure);
	return answer;
}

static struct reply
apart(void)
{
	return reply(452, "4.5.3", "This recipient needs a mail of its own, "
	    "send it again");
}

static MAY_YIELD struct reply
refuse_by_rule(struct mail *m, const struct verdict *v,
    const struct rule **rule)
{
	stats_add(STAT_RULE_REFUSALS, 1);
	*rule = v->rule;
	if (v->kind == ACTION_DISCONNECT) {
		m->session->ended_by = "rule";
		m->rule = v->rule;
	}
	return sentence_reply(v, m->envelope.smtputf8);
}

/* Where it goes to: -1 with a reply if nowhere. What the configuration does
 * not route is relaying, whatever a rule says. */
static int
find_backend(struct mail *m, const struct rcpt *rcpt,
    const struct verdict *v, struct reply *r)
{
	struct worker *w = m->session->worker;
	int index = route_find(w->routes, &rcpt->addr);

	if (index < 0) {
		*r = sentence_relaying();
		return -1;
	}
	if (v->route.len > 0)
		index = backends_find(w->backends, v->route);
	/* One mail, one backend: there is one reply after the message. */
	if (m->backend >= 0 && m->backend != index) {
		*r = apart();
		return -1;
	}
	return index;
}

/* What the rules of this recipient say, and then the backend. */
static MAY_YIELD struct reply
judge_rcpt_and_ask(struct mail *m, const struct rcpt *rcpt,
    struct arena *scratch, const struct rule **rule, bool *is_discarded)
{
	struct session *s = m->session;
	struct verdict v;
	bool is_apart;
	struct reply r;
	int index;

	if (judge_rcpt(s->judge, scratch, rcpt, m->envelope.nrcpts +
	    m->discarded + 1, &v, &is_apart, &m->failure) < 0)
		return reply_err(&m->failure);
	sentence_log(s->id, PHASE_RCPT, &v);
	if (v.delay > 0 && m->tx != NULL)
		backend_rest(m->tx);
	if (session_delay(&v, &m->failure) < 0)
		return reply_err(&m->failure);
	if (v.kind == ACTION_REJECT || v.kind == ACTION_DEFER ||
	    v.kind == ACTION_DISCONNECT)
		return refuse_by_rule(m, &v, rule);
	if (v.kind == ACTION_DISCARD) {
		*rule = v.rule;
		*is_discarded = true;
		return reply(250, "2.1.5", "Ok");
	}
	index = find_backend(m, rcpt, &v, &r);
	if (index < 0)
		return r;
	return is_apart ? apart() : ask_backend(m, index, rcpt);
}

/* A refusal of an earlier phase comes first: it is told here. */
static MAY_YIELD struct reply
decide(struct mail *m, const struct rcpt *rcpt, struct arena *scratch,
    const struct rule **rule, bool *is_discarded)
{
	struct session *s = m->session;
	const struct verdict *refusal;

	if (judge_await(s->judge, PHASE_MAIL, &m->failure) < 0)
		return reply_err(&m->failure);
	session_tell_judged(s);
	refusal = judge_refusal(s->judge);
	if (refusal != NULL)
		return refuse_by_rule(m, refusal, rule);
	return judge_rcpt_and_ask(m, rcpt, scratch, rule, is_discarded);
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
    const struct rule *rule)
{
	if (m->refused++ > 0)
		return;
	m->refused_to = arena_span(m->arena, rcpt->addr.text);
	m->refusal = arena_new(m->arena, struct reply);
	*m->refusal = *r;
	if (m->discarded == 0)
		m->rcpt_rule = rule;
}

static MAY_YIELD struct reply
take_or_refuse(struct mail *m, const struct rcpt *rcpt, unsigned needs,
    struct arena *scratch)
{
	const struct rule *rule = NULL;
	bool is_discarded = false;
	struct reply r = decide(m, rcpt, scratch, &rule, &is_discarded);

	if (is_discarded) {
		m->discarded++;
		m->rcpt_rule = rule;
		log_discarded(m, rcpt, rule);
		stats_add(STAT_RCPTS_OK, 1);
		return r;
	}
	if (reply_is_ok(&r)) {
		m->envelope.needs |= needs;
		mail_add_rcpt(m, rcpt);
		judge_rcpt_taken(m->session->judge);
		stats_add(STAT_RCPTS_OK, 1);
		return r;
	}
	note_refused(m, rcpt, &r, rule);
	if (reply_is_permanent(&r)) {
		m->session->errors++;	/* somebody may be trying names */
		stats_add(STAT_RCPTS_PERM, 1);
	} else
		stats_add(STAT_RCPTS_TEMP, 1);
	log_refused(m, rcpt, &r, rule);
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
