#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/mail_milters.h"
#include "policy/fact_list.h"

/*
 * What the rules of a message ask filters for (judge.h, judge_milters).
 */

static unsigned
word_of(enum chain_said said)
{
	static const char *const words[] = { [CHAIN_NONE] = "none",
	    [CHAIN_ACCEPTED] = "accept", [CHAIN_REJECTED] = "reject",
	    [CHAIN_TEMPFAILED] = "tempfail", [CHAIN_DISCARDED] = "discard",
	    [CHAIN_QUARANTINED] = "quarantine", [CHAIN_ERROR] = "error" };

	return (unsigned)fact_word(fact_at(FACT_MILTER),
	    span_z(words[said]));
}

const char *
mail_milters_said(const struct mail *m, size_t milter)
{
	enum chain_said said = chain_said(m->session->milters->chain, milter);

	return said == CHAIN_NONE ? NULL :
	    fact_at(FACT_MILTER)->words[word_of(said)];
}

static int
stopped(struct err *err)
{
	return fiber_is_stopped() ?
	    err_set(err, ERR_CLOSED, "the session is stopped") : 0;
}

static MAY_YIELD int
ask(void *owner, size_t milter, unsigned *word, struct err *err)
{
	struct session *s = owner;
	struct chain_verdict v;	/* it is held, and told behind the rules */

	*word = word_of(CHAIN_NONE);
	if (!mail_milters_hear(s->mail))
		return 0;
	if (s->worker->settings->milters[milter].when == MILTER_BY_RULES)
		chain_consult(s->milters->chain, milter);
	else
		chain_message(s->milters->chain, milter, &v);
	*word = word_of(chain_said(s->milters->chain, milter));
	return stopped(err);
}

static enum consulted
outcome(const struct chain_verdict *v)
{
	if (v->kind == CHAIN_PASS)
		return CONSULT_PASSES;
	return v->kind == CHAIN_DISCARD || v->code >= 500 ? CONSULT_REFUSES :
	    CONSULT_DEFERS;
}

static MAY_YIELD int
obey(void *owner, size_t milter, struct consult_answer *answer,
    struct err *err)
{
	struct session *s = owner;
	enum chain_said said;
	struct chain_verdict v;

	*answer = (struct consult_answer){ CONSULT_UNASKED,
	    word_of(CHAIN_NONE) };
	if (!mail_milters_hear(s->mail))
		return 0;
	chain_obey(s->milters->chain, milter, &v);
	said = chain_said(s->milters->chain, milter);
	if (said != CHAIN_NONE)
		*answer = (struct consult_answer){ outcome(&v),
		    word_of(said) };
	s->mail->milters->ruled = mail_milters_take(s->mail, &v);
	return stopped(err);
}

const struct judge_milters *
mail_milters_for_rules(struct session *s)
{
	struct judge_milters *asked;

	if (s->worker->settings->nmilters == 0)
		return NULL;
	asked = arena_new(s->arena, struct judge_milters);
	*asked = (struct judge_milters){ .owner = s, .ask = ask,
	    .obey = obey };
	return asked;
}
