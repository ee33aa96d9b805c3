#ifndef TESTS_KIT_ARC_TRIAL_H
#define TESTS_KIT_ARC_TRIAL_H
#include <stdbool.h>
#include "base/dns.h"
#include "filters/arc.h"
/*
 * arc_trial -- the verifier (filters/arc.h), asked about one message
 *
 * With tests/fake/dns.c. The answer lives until the next question.
 */
struct arc_trial {
	const char		*message, *zone;
	size_t			 piece;		/* of the body; 0: all */
	bool			 leave;		/* before the keys are there */
	bool			 stop;		/* the fiber, before that */
	/* out */
	struct arena		*arena;
	struct arc_answer	 answer;
	struct dns_stats	 dns;
	int			 ret;		/* of arc_finish() */
};

const struct arc_answer	*arc_trial(struct arc_trial *t);
const char		*arc_trial_outcome(struct arc_trial *t);
void			 arc_trial_end(void);
#endif
