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
 * Made once for a set of rules. The gateway starts together what a phase and
 * those behind it can need (`starts`), and looks up nothing else. It does not
 * start before it must: the rules in front that need only what is known
 * already (`leading`) come first, so that a client that they `trust` or
 * refuse costs no lookup. An easy way to have that: start all of them when
 * the evaluation asks for the first one that is not free, or when the phase
 * has ended without a decision.
 */
struct phase_plan {
	/* Every fact that a rule of this phase can ask for, in a condition
	 * or a text; each once, in the order in which they are first named. */
	const struct fact_ref	**needs;
	size_t			 nneeds;
	/* What costs something and has this phase as the one from which on it
	 * is known, if a rule of this phase or a later one can ask for it. */
	const struct fact_ref	**starts;
	size_t			 nstarts;
	/* Rules (and groups) in front whose facts are free. */
	size_t			 leading;
};

struct rule_plan {
	struct phase_plan	 phases[PHASES];
	bool			 facts[FACTS];	/* asked for anywhere */
	/* DNS lists whose answers are asked for: all that are declared if a
	 * rule reads their score, names, tags or failures. */
	struct span		*lists;
	size_t			 nlists;
	struct span		*headers;	/* names; case does not matter */
	size_t			 nheaders;
};

struct rule_plan *rule_plan(struct arena *a, const struct rules *rules);
/* Gives equal facts the same number (fact_ref.slot, below rules.nslots), and
 * notes what the message reads of a recipient (rules.rcpt_reads): the last
 * thing that is done to rules before they are used. */
void		 rule_plan_number(struct rules *rules);
void		 rule_plan_rcpt(struct rules *rules);	/* its second half */
#endif
