#include <stdio.h>

#include "base/clock.h"
#include "base/together.h"
#include "gateway/fingerprint.h"
#include "gateway/judge.h"
#include "gateway/mail_memory.h"
#include "gateway/stats.h"

/* How many recipients Redis is asked about at once; and LMDB, which does not
 * wait, before others may run. */
#define AT_ONCE		16
/* Of a mail that nobody refused there is no second try, but where our reply
 * was lost: and then the next try comes within hours. */
#define LIFE_UNMIXED	(24 * 3600 * CLOCK_S)
/* What is claimed by somebody who has died is free again after this. It is less
 * than the time after which senders come again, and enough for a process that
 * does not get to run for a while. */
#define LEASE		(30 * CLOCK_S)
#define RENEWED_EACH	(10 * CLOCK_S)

struct recall {
	struct mail	*mail;
	uint8_t		 print[DIGEST_SIZE];
	const char	*origin;
	int64_t		 life;
	int64_t		 until;		/* for all of one round */
	int64_t		 ours_until;	/* what is claimed */
	struct fiber	*holder;	/* renews that; NULL: none */
	bool		 is_one;	/* no other mail has this print */
	bool		 claims, is_quarantined;
	char		 owner[32];
};

static struct fate_id
id_of(const struct recall *c, const struct mail_fate *f)
{
	const struct envelope *e = &c->mail->envelope;

	return (struct fate_id){ c->print, e->sender.text,
	    e->rcpts[f->rcpt].addr.text, c->is_quarantined, c->origin };
}

static void
take_state(struct recall *c, struct mail_fate *f, enum fate_state state,
    struct reply *answer)
{
	struct mail *m = c->mail;

	switch (state) {
	case FATE_ALIEN:	/* it is delivered, and not remembered */
		break;
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

/* --- all recipients, of whom none waits for long --- */

static bool
waits_for_store(const struct mail *m)
{
	return m->session->worker->settings->store.kind == STORE_REDIS;
}

/* When all recipients of one round must have been asked for. */
static int64_t
end_of_round(const struct mail *m)
{
	return waits_for_store(m) ? clock_now() +
	    m->session->worker->settings->store_timeout : CLOCK_NEVER;
}

/* NULL: there is nothing to ask, or no time for it any more: a store may answer
 * each question just in time. */
static struct store *
memory_in_time(struct recall *c)
{
	struct store *store = mail_memory(c->mail);
	struct err late;

	if (store == NULL || clock_now() < c->until)
		return store;
	err_set(&late, ERR_TIMEOUT, "the store is too slow for %zu "
	    "recipients", c->mail->nfates);
	mail_memory_failed(c->mail, clock_now(), &late);
	return NULL;
}

static MAY_YIELD void
for_each(struct recall *c, together_fn *fn)
{
	struct mail *m = c->mail;

	c->until = end_of_round(m);
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

/* --- claims --- */

static MAY_YIELD void
recall_one(void *arg, size_t i)
{
	struct recall *c = arg;
	struct mail *m = c->mail;
	struct mail_fate *f = &m->fates[i];
	int64_t began = clock_now();
	enum fate_state state;
	struct reply *answer;
	struct store *store;
	struct fate_id id;
	struct err err;
	int ret;

	if (f->answer != NULL || f->is_discarded ||
	    (store = memory_in_time(c)) == NULL)
		return;
	id = id_of(c, f);
	ret = c->claims ? fate_claim(store, m->arena, &id, c->owner, LEASE,
	    &state, &answer, &err) : fate_look(store, m->arena, &id, &state,
	    &answer, &err);
	if (ret < 0)
		mail_memory_failed(m, began, &err);
	else
		take_state(c, f, state, answer);
}

/* What is claimed and has no answer yet. */
static MAY_YIELD void
renew_one(void *arg, size_t i)
{
	struct recall *c = arg;
	struct mail *m = c->mail;
	struct mail_fate *f = &m->fates[i];
	int64_t began = clock_now();
	struct store *store;
	struct arena *a;
	struct fate_id id;
	struct err err;

	if (f->answer != NULL || !f->is_claimed ||
	    (store = memory_in_time(c)) == NULL)
		return;
	a = arena_create("renewal");
	id = id_of(c, f);
	if (fate_renew(store, a, &id, c->owner, LEASE, &f->is_claimed,
	    &err) < 0)
		mail_memory_failed(m, began, &err);
	arena_destroy(&a);
}

/* A slow backend takes minutes, and who dies meanwhile must not keep others
 * waiting for as long. */
static MAY_YIELD void
hold(void *arg)
{
	struct recall *c = arg;
	int64_t began;
	struct err err;

	while (fiber_sleep(RENEWED_EACH, &err) == 0) {
		began = clock_now();
		for_each(c, renew_one);
		if (!c->mail->forgets)
			c->ours_until = began + LEASE;
	}
}

static MAY_YIELD void
let_go(struct recall *c)
{
	struct err err;

	if (c->holder == NULL)
		return;
	fiber_stop(c->holder);
	(void)fiber_join(&c->holder, CLOCK_NEVER, &err);
}

/* Who was taken for the mail that he has, and this is another one. */
static void
answer_refused(struct mail *m)
{
	for (size_t i = 0; i < m->nfates; i++)
		if (m->fates[i].answer == NULL)
			m->fates[i].answer = m->fates[i].refused;
}

static bool
has_claims(const struct mail *m)
{
	for (size_t i = 0; i < m->nfates; i++)
		if (m->fates[i].is_claimed)
			return true;
	return false;
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
	c->origin = judge_origin(m->session->judge, m->arena);
	c->ours_until = clock_now() + LEASE;
	c->claims = claims;
	c->is_quarantined = is_quarantined;
	snprintf(c->owner, sizeof(c->owner), "%s.%u", m->session->id,
	    m->number);
	c->is_one = fingerprint_end(m->print, &m->header, c->print);
	for_each(c, recall_one);
	for (size_t i = 0; i < m->nfates; i++)
		m->known += m->fates[i].is_known;
	answer_refused(m);
	if (claims && has_claims(m))
		c->holder = fiber_spawn_joinable("claims", hold, c);
}

/* --- what is kept --- */

/* Only a mixed outcome that cannot be told brings it again for sure. Else what
 * comes with the same words may be another mail, which must not be lost: so all
 * of it is forgotten, what was known too. */
static bool
is_forgotten(const struct recall *c)
{
	return !c->is_one && mail_is_told(c->mail);
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
	    (is_ok || (!mail_is_told(m) && reply_is_permanent(f->answer)));
	struct fate_id id = id_of(c, f);

	if (is_ok && keeps && (f->is_kept || (f->is_known && mail_is_told(m))))
		return 0;
	if (keeps)
		return fate_keep(store, &id, f->answer, c->life, err);
	/* If the lease has gone by it may be somebody else's. */
	return f->is_claimed && clock_now() >= c->ours_until ? 0 :
	    fate_release(store, &id, err);
}

/* He was named twice, and has it: that is what is known of him. */
static bool
has_it_nevertheless(const struct mail *m, const struct mail_fate *f)
{
	const struct rcpt *rcpts = m->envelope.rcpts;

	for (size_t i = 0; m->is_mixed && i < m->nfates; i++) {
		const struct mail_fate *other = &m->fates[i];

		if (!other->is_discarded && !other->is_deleted &&
		    reply_is_ok(other->answer) &&
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
	int64_t began = clock_now();
	struct store *store;
	struct err err;

	if (f->is_discarded || f->is_deleted ||
	    (!reply_is_ok(f->answer) && has_it_nevertheless(m, f)) ||
	    (store = memory_in_time(c)) == NULL)
		return;
	if (((f->is_claimed || f->is_known) &&
	    keep_fate(c, f, store, &err) < 0) ||
	    mail_leave_mark(m, f, store, c->life, &err) < 0)
		mail_memory_failed(m, began, &err);
}

static MAY_YIELD void
keep_all(void *arg)
{
	for_each(arg, keep_one);
}

/* A session that was told to stop cannot wait for Redis any more, and who has
 * got the mail has to be known nevertheless: another fiber waits for it. */
static MAY_YIELD void
run(struct recall *c, void (*work)(void *), void *arg)
{
	struct fiber *keeper;
	struct err err;

	if (!waits_for_store(c->mail)) {
		work(arg);
		return;
	}
	keeper = fiber_spawn_joinable("keep", work, arg);
	(void)fiber_join(&keeper, CLOCK_NEVER, &err);
}

MAY_YIELD void
mail_keep(struct mail *m)
{
	struct recall *c = m->recall;

	if (c == NULL)
		return;
	let_go(c);
	c->life = m->session->worker->settings->delivery_memory;
	if (!m->is_mixed && c->life > LIFE_UNMIXED)
		c->life = LIFE_UNMIXED;
	run(c, keep_all, c);
}

/* --- while others have no answer yet --- */

struct early {
	struct recall	*recall;
	const size_t	*fates;
	size_t		 n;
};

/* Whom there is no time for is kept with all others. */
static MAY_YIELD void
keep_some(void *arg)
{
	struct early *e = arg;
	struct mail *m = e->recall->mail;
	int64_t life = m->session->worker->settings->delivery_memory;
	int64_t until = end_of_round(m);
	struct err err;

	for (size_t i = 0; i < e->n && clock_now() < until; i++) {
		struct mail_fate *f = &m->fates[e->fates[i]];
		struct store *store = mail_memory(m);
		struct fate_id id = id_of(e->recall, f);
		int64_t began = clock_now();

		if (i % AT_ONCE == AT_ONCE - 1)
			fiber_yield();
		if (store == NULL || !f->is_claimed ||
		    !reply_is_ok(f->answer))
			continue;
		f->is_kept = fate_keep(store, &id, f->answer, life, &err) == 0;
		if (!f->is_kept)
			mail_memory_failed(m, began, &err);
	}
}

MAY_YIELD void
mail_keep_early(struct mail *m, const size_t *fates, size_t n)
{
	struct early e = { m->recall, fates, n };

	if (m->recall != NULL)
		run(m->recall, keep_some, &e);
}
