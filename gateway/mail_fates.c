#include <stdio.h>

#include "base/clock.h"
#include "base/together.h"
#include "gateway/fates.h"
#include "gateway/fingerprint.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/outcome.h"
#include "gateway/stats.h"
#include "gateway/stock.h"

/* How many recipients Redis is asked about at once; and LMDB, which does not
 * wait, before others may run. */
#define AT_ONCE		16
/* Of a mail that nobody refused there is no second try, but where our reply
 * was lost: and then the next try comes within hours. */
#define LIFE_UNMIXED	(24 * 3600 * CLOCK_S)
/* A claim outlives the longest delivery by this. */
#define LEASE_MORE	(10 * CLOCK_S)

/* --- whether there is a memory --- */

bool
mail_remembers(const struct mail *m)
{
	const struct worker *w = m->session->worker;

	return w->stock->store != NULL && w->settings->delivery_memory > 0;
}

/* NULL: it is not asked now. */
static struct store *
memory(const struct mail *m)
{
	return m->forgets || !mail_remembers(m) ? NULL :
	    judge_store(m->session->judge);
}

bool
mail_tells_apart(const struct mail *m)
{
	struct store *store = memory(m);

	return m->envelope.prdr ||
	    (store != NULL && store_state(store) == STORE_UP);
}

/* After a store that did not answer the mail does without; one that cannot do
 * with one record may well have the next. */
static void
note_failure(struct mail *m, int64_t began, const struct err *why)
{
	stats_add(STAT_MEMORY_FAILED, 1);
	judge_store_waited(m->session->judge, began);
	m->forgets |= why->kind != ERR_CONFIG;
	if (m->forgotten.kind == 0)
		m->forgotten = *why;
}

/* --- at RCPT --- */

static struct mark_id
mark_of(const struct mail *m, const struct rcpt *rcpt)
{
	return (struct mark_id){ m->envelope.sender.text, rcpt->addr.text,
	    m->envelope.declared_size };
}

/* Where a mail comes from, as far as its next try mostly comes from there. */
static const char *
network_of_client(const struct mail *m, char text[ADDR_TEXT])
{
	const struct addr *a = &m->session->client.addr;
	struct network n;

	if (a->len == 0 || addr_is_unix(a))
		return "-";
	network_of(a, &n);
	return network_text(&n, text);
}

static MAY_YIELD int
find_mark(struct mail *m, struct arena *scratch, struct store *store,
    const struct rcpt *rcpt, struct fate_mark *mark, struct err *err)
{
	struct mark_id id = mark_of(m, rcpt);
	char network[ADDR_TEXT];

	mark->answer = NULL;
	if (stock_has_marks(m->session->worker->stock, &m->has_marks, err) < 0)
		return -1;
	if (!m->has_marks)
		return 0;
	if (fate_marked(store, scratch, &id, network_of_client(m, network),
	    mark, err) < 0)
		return -1;
	if (mark->answer == NULL || reply_is_ok(mark->answer) ||
	    !mark->is_from_there)
		return 0;
	/* Nor is it told without a size, or again and again. */
	mark->is_from_there = false;
	if (id.size == 0)
		return 0;
	if (fate_unmark(store, &id, err) < 0)
		return -1;
	mark->is_from_there = true;
	return 0;
}

MAY_YIELD enum rcpt_past
mail_recall_rcpt(struct mail *m, struct arena *scratch,
    const struct rcpt *rcpt, struct reply *refusal)
{
	struct store *store = memory(m);
	int64_t began = clock_now();
	struct fate_mark mark;
	struct err err;

	if (store == NULL)
		return PAST_NONE;
	if (find_mark(m, scratch, store, rcpt, &mark, &err) < 0)
		note_failure(m, began, &err);
	if (mark.answer == NULL)
		return PAST_NONE;
	if (reply_is_ok(mark.answer))
		return PAST_DELIVERED;
	if (!mark.is_from_there)
		return PAST_REFUSED_ELSEWHERE;
	stats_add(STAT_REFUSALS_RECALLED, 1);
	*refusal = *mark.answer;
	return PAST_REFUSED;
}

MAY_YIELD bool
mail_has_got_it(struct mail *m, struct arena *scratch,
    const struct rcpt *rcpt)
{
	struct reply refusal;

	if (m->has_marks || memory(m) == NULL)
		return false;
	stock_look_for_marks(m->session->worker->stock);
	return mail_recall_rcpt(m, scratch, rcpt, &refusal) == PAST_DELIVERED;
}

/* --- before it is delivered --- */

struct recall {
	struct mail	*mail;
	uint8_t		 print[DIGEST_SIZE];
	int64_t		 lease, life;
	bool		 is_one;	/* no other mail has this print */
	bool		 claims, is_quarantined;
	char		 owner[32];
};

static struct fate_id
id_of(const struct recall *c, const struct mail_fate *f)
{
	const struct envelope *e = &c->mail->envelope;

	return (struct fate_id){ c->print, e->sender.text,
	    e->rcpts[f->rcpt].addr.text, c->is_quarantined };
}

static void
take_state(struct recall *c, struct mail_fate *f, enum fate_state state,
    struct reply *answer)
{
	struct mail *m = c->mail;

	switch (state) {
	case FATE_NEW:
		f->is_claimed = c->claims;
		break;
	case FATE_DELIVERED:
	case FATE_REFUSED:
		stats_add(state == FATE_DELIVERED ? STAT_DELIVERIES_RECALLED :
		    STAT_REFUSALS_RECALLED, 1);
		f->answer = answer;
		f->is_known = true;
		break;
	case FATE_OPEN:
		if (!c->claims)
			break;
		stats_add(STAT_DELIVERIES_MET, 1);
		answer = arena_new(m->arena, struct reply);
		*answer = reply(451, "4.3.0", "The same mail is on its way to "
		    "the recipient already, please try again later");
		f->answer = answer;
		break;
	}
}

static MAY_YIELD void
recall_one(void *arg, size_t i)
{
	struct recall *c = arg;
	struct mail *m = c->mail;
	struct mail_fate *f = &m->fates[i];
	struct store *store = memory(m);
	int64_t began = clock_now();
	enum fate_state state;
	struct reply *answer;
	struct fate_id id;
	struct err err;
	int ret;

	if (f->answer != NULL || f->is_discarded || store == NULL)
		return;
	id = id_of(c, f);
	ret = c->claims ? fate_claim(store, m->arena, &id, c->owner, c->lease,
	    &state, &answer, &err) : fate_look(store, m->arena, &id, &state,
	    &answer, &err);
	if (ret < 0)
		note_failure(m, began, &err);
	else
		take_state(c, f, state, answer);
}

static bool
waits_for_store(const struct mail *m)
{
	return m->session->worker->settings->store.kind == STORE_REDIS;
}

static MAY_YIELD void
for_each(struct recall *c, together_fn *fn)
{
	struct mail *m = c->mail;

	if (waits_for_store(m)) {
		together("recipient", fn, c, m->nfates, AT_ONCE);
		return;
	}
	for (size_t i = 0; i < m->nfates; i++) {
		if (i % AT_ONCE == AT_ONCE - 1)
			fiber_yield();
		fn(c, i);
	}
}

/* Nobody delivers it for longer. */
static int64_t
patience(const struct mail *m)
{
	const struct settings *settings = m->session->worker->settings;
	int64_t longest = 0;

	for (size_t i = 0; i < settings->nbackends; i++)
		if (settings->backends[i].data_timeout > longest)
			longest = settings->backends[i].data_timeout;
	return longest;
}

/* Who was taken for the mail that he has, and this is another one. */
static void
answer_refused(struct mail *m)
{
	for (size_t i = 0; i < m->nfates; i++)
		if (m->fates[i].answer == NULL)
			m->fates[i].answer = m->fates[i].refused;
}

MAY_YIELD void
mail_recall(struct mail *m, bool claims, bool is_quarantined)
{
	struct recall *c;

	if (m->print == NULL) {
		answer_refused(m);
		return;
	}
	c = m->recall = arena_new(m->arena, struct recall);
	c->mail = m;
	c->lease = patience(m) + LEASE_MORE;
	c->claims = claims;
	c->is_quarantined = is_quarantined;
	snprintf(c->owner, sizeof(c->owner), "%s.%u", m->session->id,
	    m->number);
	c->is_one = fingerprint_end(m->print, &m->header, c->print);
	for_each(c, recall_one);
	for (size_t i = 0; i < m->nfates; i++)
		m->known += m->fates[i].is_known;
	answer_refused(m);
}

/* --- behind it --- */

void
mail_answer_rest(struct mail *m, const struct reply *r)
{
	struct reply *copy = arena_new(m->arena, struct reply);

	*copy = *r;
	for (size_t i = 0; i < m->nfates; i++)
		if (m->fates[i].answer == NULL)
			m->fates[i].answer = copy;
}

/* What was refused, to somebody who does not come again for the others. */
static bool
is_told(const struct mail *m)
{
	return !m->is_mixed || m->envelope.prdr;
}

/* Only a mixed outcome that cannot be told brings it again for sure. Else what
 * comes with the same words may be another mail, which must not be lost: so all
 * of it is forgotten, what was known too. */
static bool
is_forgotten(const struct recall *c)
{
	return !c->is_one && is_told(c->mail);
}

/* Who has it is known for as long as the mail may come again, reckoned from its
 * last try. What was refused is known until it is told: if it is sent once more
 * after that, the backend is asked. */
static MAY_YIELD int
keep_fate(struct recall *c, struct mail_fate *f, struct store *store,
    struct err *err)
{
	const struct mail *m = c->mail;
	bool is_ok = reply_is_ok(f->answer);
	bool keeps = !is_forgotten(c) &&
	    (is_ok || (!is_told(m) && reply_is_permanent(f->answer)));
	struct fate_id id = id_of(c, f);

	if (f->is_known && is_ok && keeps && is_told(m))
		return 0;
	return keeps ? fate_keep(store, &id, f->answer, c->life, err) :
	    fate_release(store, &id, err);
}

/* For RCPT, when the mail comes again because of the others. */
static MAY_YIELD int
leave_mark(struct recall *c, struct mail_fate *f, struct store *store,
    struct err *err)
{
	struct mail *m = c->mail;
	struct mark_id id = mark_of(m, &m->envelope.rcpts[f->rcpt]);
	char network[ADDR_TEXT];

	if (is_told(m))
		return f->is_known && reply_is_permanent(f->answer) ?
		    fate_unmark(store, &id, err) : 0;
	if (!reply_is_ok(f->answer) && !reply_is_permanent(f->answer))
		return 0;
	stock_note_mark(m->session->worker->stock);
	return fate_mark(store, &id, network_of_client(m, network), f->answer,
	    c->life, err);
}

/* He was named twice, and has it: that is what is known of him. */
static bool
has_it_nevertheless(const struct mail *m, const struct mail_fate *f)
{
	const struct rcpt *rcpts = m->envelope.rcpts;

	for (size_t i = 0; m->is_mixed && i < m->nfates; i++) {
		const struct mail_fate *other = &m->fates[i];

		if (!other->is_discarded && reply_is_ok(other->answer) &&
		    span_eq(rcpts[other->rcpt].addr.text,
		    rcpts[f->rcpt].addr.text))
			return true;
	}
	return false;
}

static MAY_YIELD void
keep_one(void *arg, size_t i)
{
	struct recall *c = arg;
	struct mail *m = c->mail;
	struct mail_fate *f = &m->fates[i];
	struct store *store = memory(m);
	int64_t began = clock_now();
	struct err err;

	if (f->is_discarded || store == NULL)
		return;
	if (!reply_is_ok(f->answer) && has_it_nevertheless(m, f))
		return;
	if (((f->is_claimed || f->is_known) &&
	    keep_fate(c, f, store, &err) < 0) ||
	    leave_mark(c, f, store, &err) < 0)
		note_failure(m, began, &err);
}

static MAY_YIELD void
keep_all(void *arg)
{
	for_each(arg, keep_one);
}

/* Before the client is told anything: if it is not told, it comes again. A
 * session that was told to stop cannot wait for Redis any more, and who has got
 * the mail has to be known nevertheless: another fiber waits for it. */
static MAY_YIELD void
keep(struct mail *m)
{
	struct recall *c = m->recall;
	struct fiber *keeper;
	struct err err;

	if (c == NULL)
		return;
	c->life = m->session->worker->settings->delivery_memory;
	if (!m->is_mixed && c->life > LIFE_UNMIXED)
		c->life = LIFE_UNMIXED;
	if (!waits_for_store(m)) {
		keep_all(c);
		return;
	}
	keeper = fiber_spawn_joinable("keep", keep_all, c);
	(void)fiber_join(&keeper, CLOCK_NEVER, &err);
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
	struct outcome o = {0};
	struct reply r;

	for (size_t i = 0; i < m->nfates; i++)
		if (!m->fates[i].is_discarded)
			outcome_add(&o, m->fates[i].answer);
	m->ok = o.ok;
	m->temp = o.temp;
	m->perm = o.perm;
	m->is_mixed = outcome_is_mixed(&o);
	keep(m);
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
