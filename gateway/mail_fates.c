#include "gateway/mail_envelope.h"
#include "gateway/mail_memory.h"
#include "gateway/outcome.h"
#include "gateway/stats.h"

void
mail_answer_rest(struct mail *m, const struct reply *r)
{
	struct reply *copy = arena_new(m->arena, struct reply);

	*copy = *r;
	for (size_t i = 0; i < m->nfates; i++)
		if (m->fates[i].answer == NULL)
			m->fates[i].answer = copy;
}

bool
mail_is_told(const struct mail *m)
{
	return !m->is_mixed || m->envelope.prdr;
}

static void
put_reply(struct session *s, const struct reply *r)
{
	static struct buf wire;		/* nothing here yields */

	reply_format(r, s->id, &wire);
	conn_put(s->conn, wire.p, wire.len);
	buf_clear(&wire);
}

/* What stands before the last word if there is a reply for each. */
static void
tell_each(struct mail *m)
{
	struct reply each = reply(353, "", "One reply for each recipient");
	struct reply dropped = reply(250, "2.0.0", "Ok");
	struct reply leaving = reply(451, "4.3.2", "The gateway is leaving");

	put_reply(m->session, &each);
	for (size_t i = 0; i < m->nfates; i++)
		put_reply(m->session, m->fates[i].is_discarded ? &dropped :
		    m->fates[i].answer->code == 0 ? &leaving :
		    m->fates[i].answer);
}

MAY_YIELD struct reply
mail_settle(struct mail *m)
{
	bool is_empty = mail_envelope_is_empty(m);
	struct outcome o = {0};
	struct reply r;

	/* Who was deleted counts only if there is nobody else. */
	for (size_t i = 0; i < m->nfates; i++)
		if (!m->fates[i].is_discarded && (is_empty ||
		    !m->fates[i].is_deleted))
			outcome_add(&o, m->fates[i].answer);
	m->ok = o.ok;
	m->temp = o.temp;
	m->perm = o.perm;
	m->is_mixed = outcome_is_mixed(&o);
	mail_keep(m);
	if (!m->is_mixed)
		return outcome_reply(&o);
	stats_add(STAT_MAILS_MIXED, 1);
	mail_log_fates(m);
	if (!m->envelope.prdr)
		r = outcome_reply(&o);
	else {
		tell_each(m);
		r = outcome_last_word(&o);
	}
	return r;
}
