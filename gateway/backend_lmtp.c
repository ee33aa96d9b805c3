#include "base/log.h"
#include "gateway/backend_internal.h"

/*
 * What LMTP does differently (RFC 2033): LHLO, which backend_open.c says, and
 * one answer to the message for each recipient that was accepted, in their
 * order. Our client gets one answer for all of them.
 */
enum outcome { OUTCOME_OK, OUTCOME_TEMP, OUTCOME_PERM, OUTCOMES };

struct fate {			/* of one recipient */
	int		 code;
	const char	*enhanced, *text;
};

static enum outcome
outcome_of(const struct reply *r)
{
	if (reply_is_ok(r))
		return OUTCOME_OK;
	return reply_is_permanent(r) ? OUTCOME_PERM : OUTCOME_TEMP;
}

/* Who got it must be known to people as long as a retry delivers it twice. */
static void
log_fates(const struct backend_tx *tx, const struct fate *fates)
{
	const struct envelope *e = tx->envelope;
	struct logline l;
	size_t i;

	for (i = 0; i < tx->accepted && i < e->nrcpts; i++) {
		log_begin(&l, LOG_LABEL_INFO, tx->session_id,
		    "mixed outcome");
		log_str(&l, "to", e->rcpts[i].addr.text);
		log_int(&l, "code", fates[i].code);
		log_z(&l, "enhanced", fates[i].enhanced);
		log_z(&l, "reply", fates[i].text);
		log_end(&l);
	}
}

/* What one recipient's answer is, once there was one that got lost: the
 * connection is gone, and the others are not known either. */
static MAY_YIELD void
read_answers(struct backend_tx *tx, struct fate *fates, size_t count[OUTCOMES],
    struct reply *first)
{
	struct reply *r = arena_new(tx->arena, struct reply);
	enum outcome outcome;
	bool is_lost = false;
	size_t i;

	for (i = 0; i < tx->accepted; i++) {
		if (!is_lost)
			is_lost = backend_message_read(tx, r) < 0;
		outcome = outcome_of(r);
		if (count[outcome]++ == 0)
			first[outcome] = *r;
		fates[i].code = r->code;
		fates[i].enhanced = arena_strdup(tx->arena, r->enhanced);
		fates[i].text = arena_strdup(tx->arena, r->text);
	}
	if (!is_lost)
		backend_message_done(tx->link, r);
}

MAY_YIELD void
backend_lmtp_answer(struct backend_tx *tx, struct backend_result *result)
{
	struct fate *fates = arena_new_n(tx->arena, tx->accepted, struct fate);
	struct reply *first = arena_new_n(tx->arena, OUTCOMES, struct reply);
	size_t count[OUTCOMES] = {0};

	read_answers(tx, fates, count, first);
	result->ok = count[OUTCOME_OK];
	result->temp = count[OUTCOME_TEMP];
	result->perm = count[OUTCOME_PERM];
	if (result->ok == tx->accepted) {
		result->answer = first[OUTCOME_OK];
	} else if (result->temp == tx->accepted) {
		result->answer = first[OUTCOME_TEMP];
	} else if (result->perm == tx->accepted) {
		result->answer = first[OUTCOME_PERM];
	} else {
		result->is_mixed = true;
		result->answer = reply(451, "4.3.0", "%zu of %zu recipients "
		    "have the message, please try again for the others",
		    result->ok, tx->accepted);
		log_fates(tx, fates);
	}
}
