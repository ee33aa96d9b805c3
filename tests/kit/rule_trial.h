#ifndef TESTS_KIT_RULE_TRIAL_H
#define TESTS_KIT_RULE_TRIAL_H
#include <stdbool.h>
#include "base/arena.h"
#include "policy/rule_eval.h"
/*
 * rule_trial -- rules and facts as texts, evaluated phase by phase
 *
 *	struct rule_trial t = { "on connect { ... }", "spf = fail" };
 *	rule_trial_begin(&t);
 *	rule_trial_run(&t, PHASE_CONNECT);	fills in verdict and trace
 *	rule_trial_end(&t);
 *
 * There are the backends "one" and "two" and, for rules, the filters "clam" and
 * "spam". The facts are lines as in a rule test. They answer at once; `get` and `count`
 * in their place may wait or fail, and call rule_trial_find() and
 * rule_trial_count(). `given` can be replaced
 * by others: those of the next recipient.
 */
struct rule_trial {
	const char		*rules, *facts;	/* facts: NULL is none */
	struct fact_source	 source;	/* each: NULL, or a test's own */
	bool			 untraced;
	bool			 observe;	/* every rule */
	/* Limits have counted 0 to 3, the same for the same values of their
	 * facts, whether they observe or not; else what the facts say. */
	bool			 any_count;
	/* out */
	struct arena		*arena;
	const struct rules	*parsed;	/* NULL: `report` says why */
	const char		*report;
	struct evaluation	*evaluation;
	struct verdict		 verdict;
	struct rule_trace	 trace;
	struct test_facts	*given;
	unsigned		 reads;		/* of facts, from the source */
	unsigned		 counted;	/* by limits */
	unsigned		 asked;		/* sets in Redis */
	unsigned		 consulted;	/* filters */
	const char		*key;		/* of the last one */
	struct err		 err;
};

bool		 rule_trial_begin(struct rule_trial *t);
MAY_YIELD int	 rule_trial_run(struct rule_trial *t, enum phase phase);
/* The trace of the last run, or of all phases to the one that refuses. */
const char	*rule_trial_trace(struct rule_trial *t);
MAY_YIELD const char *rule_trial_all(struct rule_trial *t);
/* All that the verdict of the last run says. */
const char	*rule_trial_verdict(struct rule_trial *t);
/* Other facts for the same rules; NULL: t->report says why. */
struct test_facts *rule_trial_facts(struct rule_trial *t, const char *facts);
void		 rule_trial_find(struct rule_trial *t,
		    const struct fact_ref *ref, struct value *value);
int64_t		 rule_trial_count(struct rule_trial *t,
		    const struct rule *rule, struct span key);
void		 rule_trial_end(struct rule_trial *t);
#endif
