#ifndef POLICY_RULE_EVAL_INTERNAL_H
#define POLICY_RULE_EVAL_INTERNAL_H
#include "policy/rule_eval.h"
/*
 * rule_eval_internal -- what the files of the evaluation share
 *
 * rule_eval.c	runs the rules of a phase
 * rule_cond.c	whether a condition holds
 * rule_facts.c	facts: read once, kept for their scope; those made by rules
 * rule_eval_rcpt.c	many recipients, and one message for them
 */

/* A fact that was read. The place is kept when its scope ends: the next mail
 * asks for the same ones. */
struct fact_slot {
	const struct fact	*fact;
	bool			 known;
	enum phase		 phase;		/* in which it was read */
	struct value		 value;
};

/* What the rules of one phase gave. */
struct given {
	const struct rule	**rules;	/* `score` and `tag` that applied */
	size_t			 n, cap;
	int64_t			 score;
};

struct evaluation {
	struct arena		*arena;
	const struct rules	*rules;
	const struct fact_source *source;
	struct fact_slot	**slots;	/* by fact_ref.slot */
	struct given		 given[PHASES];
	const struct rule	*trusted;	/* by this rule */
	enum phase		 trusted_in;
	struct {			/* by evaluation_rcpt_keep() */
		struct given		 given;
		const struct rule	*trusted;	/* at rcpt */
	}			 kept;
};

/* One evaluation_run(). */
struct rule_run {
	struct evaluation	*e;
	enum phase		 phase;
	struct arena		*arena;
	struct verdict		*verdict;
	struct rule_trace	*trace;		/* NULL: not wanted */
	struct rule_step	 step;		/* of the rule at hand */
	unsigned		 limits;	/* met in the test at hand */
	/* Conditions whose left side is at work: in an array, since a fiber's
	 * stack is small and "or" may have a thousand members. */
	const struct cond	**open;
	size_t			 open_cap;
};

/* --- rule_facts.c --- */
MAY_YIELD int	 rule_fact(struct rule_run *run, const struct fact_ref *ref,
		    struct value *value, struct err *err);
void		 rule_facts_forget(struct evaluation *e,
		    enum fact_scope scope);
void		 given_add(struct arena *a, struct given *given,
		    const struct rule *rule);
void		 given_clear(struct given *given);
/* Of the rules that gave; `to` keeps its own array. */
void		 given_copy(struct arena *a, struct given *to,
		    const struct given *from);
struct span	 score_name(const struct rule *rule);
int64_t		 rule_sum(int64_t a, int64_t b);	/* stops at the end */

/* --- rule_cond.c --- */
MAY_YIELD int	 rule_cond(struct rule_run *run, const struct cond *cond,
		    bool *holds, struct err *err);
#endif
