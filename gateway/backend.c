#include <assert.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/backend_internal.h"
#include "gateway/stats.h"

/* --- what an answer means --- */

/* Answers to a dialogue that is out of step, or to what the backend said it
 * could do. None of them judges a recipient or a message. */
static bool
is_about_dialogue(int code)
{
	return code == 500 || code == 502 || code == 503 || code == 555;
}

int
backend_judge(struct backend_link *l, const char *to, const struct reply *r,
    struct err *err)
{
	int kind = r->code / 100;

	if (r->code == 421)
		return backend_smtp_no_good(l, to, r, err);
	if (kind != 2)
		l->refusals++;
	if (r->code / 10 == 25 ||
	    ((kind == 4 || kind == 5) && !is_about_dialogue(r->code)))
		return 0;
	backend_smtp_no_good(l, to, r, err);
	err->kind = ERR_SYNTAX;
	return -1;
}

/* --- one transaction --- */

const char *
backend_name(const struct backend *b)
{
	return b->conf->name;
}

static void
end_tx(void *arg)
{
	backend_end(arg);
}

struct backend_tx *
backend_begin(struct arena *a, struct backend *b, const struct client *client,
    const struct envelope *envelope, const char *session_id)
{
	struct backend_tx *tx = arena_new(a, struct backend_tx);

	tx->backend = b;
	tx->arena = a;
	tx->client = client;
	tx->envelope = envelope;
	tx->session_id = session_id;
	b->all->nusers++;
	arena_defer(a, end_tx, tx);
	return tx;
}

const char *
backend_where(const struct backend_tx *tx)
{
	return tx->addr != NULL ? tx->addr->where : tx->backend->conf->name;
}

/* The transaction is over, and every later call says why. */
static int
tx_failed(struct backend_tx *tx, struct err *err)
{
	err_prefix(err, "backend %s", backend_where(tx));
	if (tx->link != NULL) {
		stats_add(STAT_BACKEND_FAILURES, 1);
		tx->link->is_broken = true;
		backend_pool_give(&tx->link);
	}
	tx->failure = *err;
	return -1;
}

/* Our EHLO offered more than this backend can do now. */
static struct reply
lacks(unsigned missing)
{
	return reply(451, "4.3.5", "The mail server behind this gateway does "
	    "not offer %s now, please try again later",
	    missing & ABILITY_SMTPUTF8 ? "SMTPUTF8" :
	    missing & ABILITY_BINARYMIME ? "BINARYMIME" :
	    missing & ABILITY_8BITMIME ? "8BITMIME" : "DSN");
}

static unsigned
rcpt_needs(const struct rcpt *rcpt)
{
	return rcpt->notify != NULL || rcpt->orcpt != NULL ? ABILITY_DSN : 0;
}

/* --- Maildir: a transaction without a dialogue --- */

static void
rcpt_maildir(struct backend_tx *tx, const struct rcpt *rcpt,
    struct reply *answer)
{
	bool has_forced = false;
	unsigned missing;

	if (tx->addr == NULL)
		tx->addr = backend_health_choose(tx->backend, 0, &has_forced);
	missing = (tx->envelope->needs | rcpt_needs(rcpt)) &
	    ~tx->addr->abilities;
	*answer = missing != 0 ? lacks(missing) :
	    reply(250, "2.1.5", "Recipient ok");
}

static void
log_not_delivered(const struct backend_tx *tx, const struct err *why)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_ERROR, tx->session_id, "delivery failed");
	log_z(&l, "backend", tx->addr->where);
	log_z(&l, "why", why->text);
	log_end(&l);
}

/* Final delivery adds the Return-Path (RFC 5321 4.4). */
static MAY_YIELD int
send_maildir(struct backend_tx *tx, const struct backend_message *message,
    struct reply *answer, struct err *err)
{
	struct buf head = {0};
	bool is_full;
	int ret;

	buf_puts(&head, "Return-Path: <");
	buf_span(&head, tx->envelope->sender.text);
	buf_puts(&head, ">\r\n");
	buf_span(&head, message->trace);
	ret = maildir_deliver(tx->addr->maildir, tx->backend->all->offload,
	    buf_text(&head), message->spool, clock_now() +
	    tx->backend->conf->data_timeout, &is_full, err);
	buf_free(&head);
	if (ret == 0) {
		backend_health_up(tx->addr);
		*answer = reply(250, "2.0.0", "Delivered");
		return 0;
	}
	if (err->kind == ERR_CLOSED)
		return -1;
	log_not_delivered(tx, err);
	backend_health_down(tx->addr, err);
	*answer = is_full ?
	    reply(451, "4.3.1", "No room for the message, please try later") :
	    reply(451, "4.3.0", "The message cannot be stored, please try "
	    "later");
	return 0;
}

/* --- SMTP and LMTP --- */

/* A connection to the address, kept or new, in tx->link. 1: it failed, but
 * another address may do. */
static MAY_YIELD int
connect_to(struct backend_tx *tx, struct backend_addr *addr, bool fresh,
    struct err *err)
{
	if (backend_pool_take(addr, fresh, &tx->link, err) < 0)
		return -1;
	if (tx->link != NULL)
		return 0;
	if (backend_open(addr, &tx->link, err) == 0) {
		backend_health_up(addr);
		return 0;
	}
	if (err->kind == ERR_CLOSED)
		return -1;
	backend_health_down(addr, err);
	return 1;
}

/* MAIL and the first RCPT, over the connection there is. */
static MAY_YIELD int
open_transaction(struct backend_tx *tx, const struct rcpt *rcpt,
    struct reply *answer, struct err *err)
{
	int64_t began = clock_now();
	bool is_refused;

	tx->link->uses++;
	if (backend_smtp_begin(tx, rcpt, answer, &is_refused, err) < 0)
		return -1;
	backend_count_rcpt(tx, began);
	if (tx->link->is_kept)
		stats_add(STAT_BACKEND_REUSES, 1);
	if (is_refused) {
		tx->refusal = arena_new(tx->arena, struct reply);
		*tx->refusal = *answer;
	}
	return 0;
}

/*
 * Finds a backend that takes the transaction: over all addresses, and once
 * more over a new connection if a kept one turned out dead. An answer ends the
 * search, whatever it is.
 */
static MAY_YIELD int
find_and_open(struct backend_tx *tx, const struct rcpt *rcpt,
    struct reply *answer, struct err *err)
{
	unsigned needs = tx->envelope->needs | rcpt_needs(rcpt), missing = 0;
	bool fresh = false, has_forced = false;
	struct backend_addr *addr;
	uint64_t tried = 0;
	int ret;

	while ((addr = backend_health_choose(tx->backend, tried,
	    &has_forced)) != NULL) {
		tx->addr = addr;
		ret = connect_to(tx, addr, fresh, err);
		if (ret < 0)
			return -1;
		tried |= UINT64_C(1) << (addr - tx->backend->addrs);
		if (ret > 0)
			continue;
		if (needs & ~tx->link->abilities) {
			missing = needs & ~tx->link->abilities;
			backend_pool_give(&tx->link);
			continue;
		}
		if (open_transaction(tx, rcpt, answer, err) == 0)
			return 0;
		if (err->kind == ERR_CLOSED || !tx->link->is_kept || fresh)
			return -1;
		backend_pool_give(&tx->link);	/* broken: it is closed */
		tried &= ~(UINT64_C(1) << (addr - tx->backend->addrs));
		fresh = true;
	}
	if (missing == 0)
		return -1;	/* err is that of the last address */
	*answer = lacks(missing);
	return 0;
}

/* The first recipient of a transaction finds the backend, the others are
 * asked for over the connection there is. */
static MAY_YIELD int
ask(struct backend_tx *tx, const struct rcpt *rcpt, struct reply *answer,
    struct err *err)
{
	int64_t began = clock_now();
	unsigned missing;

	if (tx->backend->addrs[0].maildir != NULL) {
		rcpt_maildir(tx, rcpt, answer);
		return 0;
	}
	if (tx->link == NULL)
		return find_and_open(tx, rcpt, answer, err);
	missing = rcpt_needs(rcpt) & ~tx->link->abilities;
	if (missing != 0) {
		*answer = lacks(missing);
		return 0;
	}
	if (backend_smtp_rcpt(tx, rcpt, answer, err) < 0)
		return -1;
	backend_count_rcpt(tx, began);
	return 0;
}

/*
 * A client may take minutes to send its message, and a backend that waits so
 * long for DATA may leave. It was given nothing then, so the transaction is
 * begun anew, with every recipient that was promised. What it says now to one
 * of them is the answer for him. *taken: how many it takes again.
 */
static MAY_YIELD int
renew(struct backend_tx *tx, const struct reply **answers, size_t *taken,
    struct err *err)
{
	const struct envelope *e = tx->envelope;
	struct reply *answer = NULL;
	size_t i;

	*taken = 0;
	if (tx->link != NULL) {		/* else it was given back: it rests */
		tx->link->is_broken = true;
		backend_pool_give(&tx->link);
	}
	tx->is_resting = false;
	for (i = 0; i < e->nrcpts; i++) {
		if (answer == NULL)
			answer = arena_new(tx->arena, struct reply);
		if (ask(tx, &e->rcpts[i], answer, err) < 0)
			return -1;
		if (reply_is_ok(answer)) {
			(*taken)++;
			continue;
		}
		answers[i] = answer;
		if (tx->refusal != NULL || tx->link == NULL) {
			backend_answers_fill(tx, answers, answer);
			break;		/* that was for all of them */
		}
		answer = NULL;
	}
	return 0;
}

/* The same before the next recipient, where nobody can be told that an earlier
 * one is not taken any more. */
static MAY_YIELD int
renew_all(struct backend_tx *tx, struct err *err)
{
	size_t taken, n = tx->envelope->nrcpts;
	const struct reply **answers = arena_new_n(tx->arena, n,
	    const struct reply *);

	if (renew(tx, answers, &taken, err) < 0)
		return -1;
	return taken == n ? 0 : err_set(err, ERR_UNAVAIL, "refuses a recipient "
	    "that it had taken");
}

MAY_YIELD int
backend_rcpt(struct backend_tx *tx, const struct rcpt *rcpt,
    struct reply *answer, struct err *err)
{
	if (tx->failure.kind != 0) {
		*err = tx->failure;
		return -1;
	}
	if (tx->refusal != NULL) {
		*answer = *tx->refusal;
		return 0;
	}
	if ((!tx->is_resting || renew_all(tx, err) == 0) &&
	    ask(tx, rcpt, answer, err) == 0)
		return 0;
	if (tx->link != NULL)
		backend_count_message(tx, clock_now(), NULL);
	return tx_failed(tx, err);
}

MAY_YIELD int
backend_renew(struct backend_tx *tx, struct reply *answer, struct err *err)
{
	size_t taken, n = tx->envelope->nrcpts, i = 0;
	const struct reply **answers;

	if (tx->failure.kind != 0) {
		*err = tx->failure;
		return -1;
	}
	if (n == 0 || tx->backend->addrs[0].maildir != NULL)
		return 0;
	answers = arena_new_n(tx->arena, n, const struct reply *);
	if (renew(tx, answers, &taken, err) < 0)
		return tx_failed(tx, err);
	if (taken == n)
		return 0;
	while (answers[i] == NULL)
		i++;
	*answer = *answers[i];
	tx->refusal = NULL;
	backend_rest(tx);
	tx->is_resting = true;
	return 1;
}

/* It takes some of those that it took before, and nobody can be told so: all
 * come again, and then it says so at RCPT. */
static int
changed_its_mind(const struct backend_tx *tx, const struct reply **answers)
{
	struct reply later = reply(451, "4.4.2", "The mail server behind this "
	    "gateway has changed its mind about a recipient, please try again "
	    "later");

	for (size_t i = 0; i < tx->envelope->nrcpts; i++)
		answers[i] = NULL;
	backend_answers_fill(tx, answers, &later);
	return 0;
}

/* To a backend that may have to be asked for its recipients again. */
static MAY_YIELD int
send_in_dialogue(struct backend_tx *tx, const struct backend_message *message,
    const struct reply **answers, struct err *err)
{
	struct reply early;
	size_t taken = tx->envelope->nrcpts;
	int ret;

	if ((tx->is_resting || conn_is_stale(tx->link->conn)) &&
	    renew(tx, answers, &taken, err) < 0)
		return -1;
	if (taken == 0)
		return 0;
	if (taken < tx->envelope->nrcpts && !tx->envelope->prdr)
		return changed_its_mind(tx, answers);
	ret = backend_message_send(tx, message, &early, err);
	if (ret < 0)
		return -1;
	if (ret > 0)
		backend_answers_fill(tx, answers, &early);
	else
		backend_answers_read(tx, answers);
	return 0;
}

static MAY_YIELD int
send_to_maildir(struct backend_tx *tx, const struct backend_message *message,
    const struct reply **answers, struct err *err)
{
	struct reply answer;

	if (send_maildir(tx, message, &answer, err) < 0)
		return -1;
	backend_answers_fill(tx, answers, &answer);
	return 0;
}

MAY_YIELD int
backend_send(struct backend_tx *tx, const struct backend_message *message,
    const struct reply ***answers, struct err *err)
{
	int64_t began = clock_now();
	int ret;

	if (tx->failure.kind != 0) {
		*err = tx->failure;
		return -1;
	}
	assert(tx->envelope->nrcpts > 0);	/* or nobody would ask */
	*answers = arena_new_n(tx->arena, tx->envelope->nrcpts,
	    const struct reply *);
	ret = tx->addr->maildir != NULL ?
	    send_to_maildir(tx, message, *answers, err) :
	    send_in_dialogue(tx, message, *answers, err);
	backend_count_message(tx, began, ret < 0 ? NULL : *answers);
	return ret < 0 ? tx_failed(tx, err) : 0;
}

void
backend_rest(struct backend_tx *tx)
{
	if (tx->link == NULL || tx->failure.kind != 0 || tx->is_ended)
		return;
	backend_pool_give(&tx->link);
	tx->is_resting = true;
}

void
backend_end(struct backend_tx *tx)
{
	if (tx->is_ended)
		return;
	tx->is_ended = true;
	if (tx->link != NULL)
		backend_pool_give(&tx->link);
	backends_leave(tx->backend->all);
}
