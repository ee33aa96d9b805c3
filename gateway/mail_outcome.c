#include "base/clock.h"
#include "gateway/mail.h"
#include "gateway/mail_outcome.h"
#include "gateway/stats.h"

enum mail_outcome
mail_outcome(const struct mail *m)
{
	if (m->answer == NULL || m->answer->code == 0)
		return MAIL_ABORTED;
	if (!reply_is_ok(m->answer) && m->is_mixed)
		return MAIL_MIXED;
	if (!reply_is_ok(m->answer))
		return reply_is_permanent(m->answer) ? MAIL_REFUSED :
		    MAIL_DEFERRED;
	if (m->fate == ACTION_DISCARD)
		return MAIL_DISCARDED;
	if (m->fate == ACTION_QUARANTINE)
		return MAIL_QUARANTINED;
	if (m->is_mixed)
		return MAIL_MIXED;
	/* All had it already: nothing was sent to anybody. */
	return m->known > 0 && m->known == m->envelope.nrcpts ?
	    MAIL_REMEMBERED : MAIL_DELIVERED;
}

const char *
mail_outcome_name(enum mail_outcome outcome)
{
	static const char *const names[] = {
#define X(id, name) [MAIL_##id] = name,
		MAIL_OUTCOMES(X)
#undef X
	};

	return names[outcome];
}

/* Where it is now, if it did not come to its end. */
static void
end_stages(struct mail *m)
{
	int64_t now = clock_now();

	if (m->message_began != 0 && !stages_passed(&m->stages, STAGE_DATA))
		stages_set(&m->stages, STAGE_DATA, now - m->message_began);
	stages_set(&m->stages, STAGE_TOTAL, now - m->started);
}

static void
count_outcome(const struct mail *m, enum mail_outcome outcome)
{
	if (outcome == MAIL_ABORTED) {
		stats_add(STAT_MAILS_ABORTED, 1);
		return;
	}
	if (!reply_is_ok(m->answer)) {
		stats_add(outcome == MAIL_REFUSED ? STAT_MAILS_PERM :
		    STAT_MAILS_TEMP, 1);
		return;
	}
	stats_add(STAT_MAILS_OK, 1);
	stats_add(STAT_MESSAGE_BYTES, (int64_t)m->in.size);
	if (outcome == MAIL_DISCARDED)
		stats_add(STAT_MAILS_DISCARDED, 1);
	else if (outcome == MAIL_QUARANTINED)
		stats_add(STAT_MAILS_QUARANTINED, 1);
}

void
mail_count(struct mail *m)
{
	enum mail_outcome outcome = mail_outcome(m);

	end_stages(m);
	count_outcome(m, outcome);
	if (outcome != MAIL_ABORTED && reply_is_ok(m->answer)) {
		m->session->delivered++;
		m->session->errors = 0;		/* so it is no idle guesser */
	}
}
