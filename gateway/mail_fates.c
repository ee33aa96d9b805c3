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
		if (!m->fates[i].is_added)
			put_reply(m->session, m->fates[i].is_discarded ?
			    &dropped : m->fates[i].answer->code == 0 ?
			    &leaving : m->fates[i].answer);
}

/* --- recipients of filters --- */

static bool
is_lost(const struct mail_fate *f)
{
	return f->is_added && reply_is_permanent(f->answer);
}

/* Each reply is for somebody whom the client knows: it can be told each if that
 * leaves out nobody for whom it has to come again. */
static bool
knows_all(const struct mail *m)
{
	bool has_own = false;

	for (size_t i = 0; i < m->nfates; i++) {
		const struct mail_fate *f = &m->fates[i];

		if (f->is_added && !reply_is_ok(f->answer) && !is_lost(f))
			return false;
		has_own |= !f->is_added && !f->is_deleted && !f->is_discarded;
	}
	return has_own;
}

/* Who is to get it, added or not. Those who cannot be helped by another try are
 * left out if there is somebody else. */
static void
add_all(const struct mail *m, struct outcome *o)
{
	size_t lost = 0;

	for (size_t i = 0; i < m->nfates; i++) {
		const struct mail_fate *f = &m->fates[i];

		if (f->is_discarded || f->is_deleted ||
		    (f->is_added && m->envelope.prdr))
			continue;
		if (is_lost(f))
			lost++;
		else
			outcome_add(o, f->answer);
	}
	for (size_t i = 0; o->n == 0 && lost > 0 && i < m->nfates; i++)
		if (is_lost(&m->fates[i]))
			outcome_add(o, m->fates[i].answer);
}

MAY_YIELD struct reply
mail_settle(struct mail *m)
{
	struct outcome o = {0};
	struct reply r;

	m->envelope.prdr &= knows_all(m);
	add_all(m, &o);
	m->ok = o.ok;
	m->temp = o.temp;
	m->perm = o.perm;
	m->is_mixed = outcome_is_mixed(&o);
	mail_keep(m);
	mail_log_lost(m);
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
