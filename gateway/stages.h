#ifndef GATEWAY_STAGES_H
#define GATEWAY_STAGES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "gateway/series_table.h"
/*
 * stages -- where the time of a session and of its mails goes
 *
 *	connect	from accepting to the greeting, without greeting_delay
 *	helo	EHLO or HELO until its reply, the last one
 *	mail	the same of MAIL
 *	rcpt	of all its RCPTs, together
 *	data	354, or the first BDAT, to the end of the message: the client's
 *	message	judging it: rules, checks that were still under way, filters
 *	backend	handing it over, until all have answered
 *	total	from MAIL to the end
 *
 * Those of connect and helo are the session's, which its mails have in common;
 * the others are the mail's. They are clock_now()'s, so what takes no turn of
 * the loop takes no time.
 */
enum stage_time {
#define X(list, id, name) STAGE_##id,
	WORDS_STAGE(X)
#undef X
	STAGES
};

struct stages {
	int64_t		 us[STAGES];
	unsigned	 passed;	/* bits: 1 << stage; the others have no
					   time */
};

static inline bool
stages_passed(const struct stages *s, enum stage_time stage)
{
	return s->passed & (1u << stage);
}

/* It goes on from where it was. */
static inline void
stages_add(struct stages *s, enum stage_time stage, int64_t us)
{
	s->us[stage] += us;
	s->passed |= 1u << stage;
}

/* It begins anew. */
static inline void
stages_set(struct stages *s, enum stage_time stage, int64_t us)
{
	s->us[stage] = us;
	s->passed |= 1u << stage;
}
#endif
