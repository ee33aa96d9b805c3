#include "base/clock.h"
#include "filters/checks.h"
#include "gateway/mail.h"
#include "gateway/mail_outcome.h"
#include "gateway/series.h"
#include "gateway/session_count.h"
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
	return series_word_text(WORDS_OF_OUTCOME, outcome);
}

/* Where it is now, if it did not come to its end. */
static void
end_stages(struct mail *m)
{
	int64_t now = clock_now();

	if (m->message_began != 0 && !stages_passed(&m->stages, STAGE_DATA))
		stages_set(&m->stages, STAGE_DATA, now - m->message_began);
	stages_set(&m->stages, STAGE_TOTAL, now - m->started);
	for (enum stage_time i = STAGE_MAIL; i < STAGES; i++)
		if (stages_passed(&m->stages, i))
			session_count_stage(m->session, i, m->stages.us[i]);
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

/* --- what was found out about who sends it --- */

static void
count_check(unsigned check, unsigned result)
{
	series_add(SERIES_CHECKS, 0, check, result, 1);
}

static void
count_spf(unsigned check, const struct spf_answer *spf)
{
	static const unsigned words[] = {
		[SPF_NONE] = WORD_RESULT_NONE,
		[SPF_NEUTRAL] = WORD_RESULT_NEUTRAL,
		[SPF_PASS] = WORD_RESULT_PASS,
		[SPF_FAIL] = WORD_RESULT_FAIL,
		[SPF_SOFTFAIL] = WORD_RESULT_SOFTFAIL,
		[SPF_TEMPERROR] = WORD_RESULT_TEMPERROR,
		[SPF_PERMERROR] = WORD_RESULT_PERMERROR,
	};

	if (spf != NULL)
		count_check(check, words[spf->result]);
}

static void
count_dkim(const struct signature_answer *dkim)
{
	static const unsigned words[] = {
		[SIGNATURE_NONE] = WORD_RESULT_NONE,
		[SIGNATURE_PASS] = WORD_RESULT_PASS,
		[SIGNATURE_FAIL] = WORD_RESULT_FAIL,
		[SIGNATURE_NEUTRAL] = WORD_RESULT_NEUTRAL,
		[SIGNATURE_TEMPERROR] = WORD_RESULT_TEMPERROR,
		[SIGNATURE_PERMERROR] = WORD_RESULT_PERMERROR,
		[SIGNATURE_POLICY] = WORD_RESULT_POLICY,
	};

	if (dkim != NULL)
		count_check(WORD_CHECK_DKIM, words[dkim->best]);
}

static void
count_dmarc(const struct dmarc_answer *dmarc)
{
	static const unsigned words[] = {
		[DMARC_NONE] = WORD_RESULT_NONE,
		[DMARC_PASS] = WORD_RESULT_PASS,
		[DMARC_FAIL] = WORD_RESULT_FAIL,
		[DMARC_TEMPERROR] = WORD_RESULT_TEMPERROR,
		[DMARC_PERMERROR] = WORD_RESULT_PERMERROR,
	};

	if (dmarc != NULL)
		count_check(WORD_CHECK_DMARC, words[dmarc->result]);
}

static void
count_arc(const struct arc_answer *arc)
{
	static const unsigned words[] = {
		[ARC_NONE] = WORD_RESULT_NONE,
		[ARC_PASS] = WORD_RESULT_PASS,
		[ARC_FAIL] = WORD_RESULT_FAIL,
		[ARC_TEMPERROR] = WORD_RESULT_TEMPERROR,
	};

	if (arc != NULL)
		count_check(WORD_CHECK_ARC, words[arc->outcome]);
}

/* Once for each mail that came so far that they were asked for. */
static void
count_checks(const struct findings *found)
{
	count_spf(WORD_CHECK_SPF, found->spf);
	count_spf(WORD_CHECK_SPF_HELO, found->spf_helo);
	count_dkim(found->dkim);
	count_dmarc(found->dmarc);
	count_arc(found->arc);
}

void
mail_count(struct mail *m)
{
	enum mail_outcome outcome = mail_outcome(m);

	end_stages(m);
	count_outcome(m, outcome);
	series_add(SERIES_MAILS, session_subject(m->session), outcome, 0, 1);
	count_checks(m->found);
	if (outcome != MAIL_ABORTED && reply_is_ok(m->answer)) {
		m->session->delivered++;
		m->session->errors = 0;		/* so it is no idle guesser */
	}
}
