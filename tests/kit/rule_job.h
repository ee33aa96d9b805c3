#ifndef TESTS_KIT_RULE_JOB_H
#define TESTS_KIT_RULE_JOB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "tests/kit/rule_trial.h"
/*
 * rule_job -- a file of rules and facts made at random, to be tried
 *
 * Made of a seed, which the name of a failed case tells.
 */
#define RULE_JOBS	400

struct rule_job {
	uint64_t	 from;
	struct arena	*arena;
	/* As they are; and with `observe` in front of each block. */
	const char	*rules, *observing, *facts;
	const char	*want;		/* trace and verdict, all phases */
	const char	*untraced;	/* verdict alone */
};

/* The i-th (from 1): rules and facts. Ended by arena_destroy(). */
void	rule_job_make(struct rule_job *job, uint64_t i);
void	rule_job_fail(const struct rule_job *job, const char *what,
	    const char *got, const char *want);
/* A case only if they differ. */
void	rule_job_compare(const struct rule_job *job, const char *what,
	    const char *got, const char *want);
/* The steps that acted, would have or cannot be told are those that the verdict
 * lists. */
bool	rule_job_lists_fit(const struct rule_trial *t);
#endif
