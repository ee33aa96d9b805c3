#include "gateway/backend_internal.h"

/*
 * The answers to the message: one for all recipients, or one for each that was
 * accepted, in their order. LMTP always gives the latter (RFC 2033 4.2), an
 * SMTP server that was asked for PRDR if it says 353 first, and then one more
 * for the whole (draft-hall-prdr).
 */

void
backend_answers_fill(const struct backend_tx *tx, const struct reply **answers,
    const struct reply *r)
{
	struct reply *copy = arena_new(tx->arena, struct reply);

	*copy = *r;
	for (size_t i = 0; i < tx->envelope->nrcpts; i++)
		if (answers[i] == NULL)
			answers[i] = copy;
}

/* Once one got lost the connection is gone, and the others are not known
 * either: -1, and they are told the same, *lost. */
static MAY_YIELD int
read_each(struct backend_tx *tx, const struct reply **answers,
    const struct reply **lost)
{
	struct reply *r;
	int ret = 0;

	for (size_t i = 0; ret == 0 && i < tx->envelope->nrcpts; i++) {
		if (answers[i] != NULL)
			continue;	/* he is not in this transaction */
		r = arena_new(tx->arena, struct reply);
		ret = backend_message_read(tx, r);
		answers[i] = r;
		if (ret < 0) {
			backend_answers_fill(tx, answers, r);
			*lost = r;
		}
	}
	return ret;
}

/* Where the last word is not 2yz, no earlier one is. */
static void
overrule(const struct backend_tx *tx, const struct reply **answers,
    const struct reply *last)
{
	struct reply *copy = NULL;

	for (size_t i = 0; i < tx->envelope->nrcpts; i++) {
		if (!reply_is_ok(answers[i]))
			continue;
		if (copy == NULL) {
			copy = arena_new(tx->arena, struct reply);
			*copy = *last;
		}
		answers[i] = copy;
	}
}

static MAY_YIELD void
read_lmtp(struct backend_tx *tx, const struct reply **answers)
{
	const struct reply *lost;

	if (read_each(tx, answers, &lost) == 0)
		backend_message_done(tx->link,
		    answers[tx->envelope->nrcpts - 1]);
}

/* What was said to each counts with the last word. */
static MAY_YIELD void
read_prdr(struct backend_tx *tx, const struct reply **answers)
{
	const struct reply *lost;
	struct reply last;

	tx->asks_prdr = false;
	if (read_each(tx, answers, &lost) < 0) {
		overrule(tx, answers, lost);
		return;
	}
	if (backend_message_read(tx, &last) == 0)
		backend_message_done(tx->link, &last);
	if (!reply_is_ok(&last))
		overrule(tx, answers, &last);
}

MAY_YIELD void
backend_answers_read(struct backend_tx *tx, const struct reply **answers)
{
	struct reply one;

	if (tx->addr->url->proto == PROTO_LMTP) {
		read_lmtp(tx, answers);
		return;
	}
	if (backend_message_read(tx, &one) == 0) {
		if (one.code == 353) {
			read_prdr(tx, answers);
			return;
		}
		backend_message_done(tx->link, &one);
	}
	backend_answers_fill(tx, answers, &one);
}
