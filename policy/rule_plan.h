#ifndef POLICY_RULE_PLAN_H
#define POLICY_RULE_PLAN_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
#include "policy/rule.h"
/*
 * rule_plan -- what rules can ask for, and when it is worth looking it up
 *
 * Made once for a set of rules. The gateway looks up together, as soon as it
 * can be known, what any rule can ask for (`facts`, `lists`), and nothing
 * else. It does not begin before it must: the rules in front that need only
 * what is known already (`leading`) come first, so that a client that they
 * trust or refuse costs no lookup.
 */
struct phase_plan {
	/* Every fact that a rule of this phase can ask for, in a condition
	 * or a text; each once, in the order in which they are first named. */
	const struct fact_ref	**needs;
	size_t			 nneeds;
	/* Rules (and groups) in front whose facts are free, and that count
	 * nothing and ask no set in Redis and no filter. */
	size_t			 leading;
};

struct rule_plan {
	struct phase_plan	 phases[PHASES];
	bool			 facts[FACTS];	/* asked for anywhere */
	/* DNS lists whose answers are asked for: all that are declared if a
	 * rule reads their score, names, tags or failures. */
	struct span		*lists;
	size_t			 nlists;
};

struct rule_plan *rule_plan(struct arena *a, const struct rules *rules);
/* Gives equal facts the same number (fact_ref.slot, below rules.nslots), equal
 * questions to sets in Redis (cond.question, below rules.nquestions) and each
 * limit its own (brake.slot, below rules.nlimits), and notes what the message
 * reads of a recipient (rules.rcpt_reads): the last thing that is done to rules
 * before they are used. */
void		 rule_plan_number(struct rules *rules);
void		 rule_plan_rcpt(struct rules *rules);	/* its second half */
#endif
