#ifndef TESTS_KIT_RULE_MAKER_H
#define TESTS_KIT_RULE_MAKER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
/*
 * rule_maker -- files of rules, and facts for them, made at random
 *
 * The same seed makes the same, everywhere. All of them pass the checker, with
 * the filters of a rule_trial.
 */
struct rule_maker {
	uint64_t	 seed;		/* not 0 */
	bool		 observe;	/* in front of each block */
	bool		 act;		/* the same rules, and none observes */
	bool		 remove;	/* those that observe are left out */
	bool		 no_store;	/* nothing that needs one */
	bool		 no_milter;	/* nothing that asks a filter */
};

const char	*rule_maker_rules(struct arena *a,
		    const struct rule_maker *maker);
/* Lines for a rule_trial, of all but the recipient; each fact at most once. */
const char	*rule_maker_facts(struct arena *a, uint64_t seed);
/* One of a few recipients. */
const char	*rule_maker_rcpt(uint64_t i);
#endif
