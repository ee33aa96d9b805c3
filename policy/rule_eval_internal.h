#ifndef POLICY_RULE_EVAL_INTERNAL_H
#define POLICY_RULE_EVAL_INTERNAL_H
#include "policy/rule_eval.h"
/*
 * rule_eval_internal -- what the files of the evaluation share
 *
 * rule_eval.c	runs the rules of a phase
 * rule_cond.c	whether a condition holds
 * rule_facts.c	facts of the source: read once, kept for their scope
 * rule_question.c	sets in Redis, and what follows if they do not answer
 * rule_milter.c	filters: who is to be told, and what they say
 * rule_brake.c	whether greylist and limit do something
 * rule_given.c	what rules give: scores and tags, and facts made of them
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

/* What a `limit` counted last. */
struct count_slot {
	bool			 known;
	enum phase		 phase;		/* of its rule */
	int64_t			 number;
};

/* What a filter said of the message. */
struct consult_slot {
	bool			 known;
	struct consult_answer	 answer;
};

/* What a set in Redis said of a fact. */
struct question_slot {
	const struct fact	*fact;
	bool			 known;
	enum phase		 phase;		/* in which it was asked */
	struct set_answer	 answer;
};

/* Of a `score` or `tag` that applied. */
struct gift {
	const struct rule	*rule;
	int64_t			 score;		/* hundredths */
};
/* What the rules of one phase gave. */
struct given {
	struct gift		*list;
	size_t			 n, cap;
	int64_t			 score;
	/* The first that could have spoken for the mail, if its condition could
	 * be told. */
	const struct rule	*untold;
};

/* As it is, by the rules that act; and as it would be if those that observe
 * acted too. Each rule reads its own, so that no observer is seen by a rule
 * that acts. */
enum world_kind { REAL, SHADOW, WORLDS };
struct world {
	struct given		 given[PHASES];
	/* By this rule later phases are not asked: it trusts or, in the
	 * shadow, would refuse or discard. When that is real, whoever runs the
	 * phases does not go on. */
	const struct rule	*ended;
	enum phase		 ended_in;
};

struct evaluation {
	struct arena		*arena;
	const struct rules	*rules;
	const struct fact_source *source;
	struct fact_slot	**slots;	/* by fact_ref.slot */
	struct count_slot	*counts;	/* by brake.slot */
	struct question_slot	*questions;	/* by cond.question */
	struct consult_slot	*consults;	/* by action.milter */
	struct world		 worlds[WORLDS];
	struct {			/* by evaluation_rcpt_keep() */
		bool			 is_kept;
		struct given		 given;		/* at rcpt */
		const struct rule	*ended;
	}			 kept[WORLDS];
};

enum truth { TRUTH_NO, TRUTH_YES, TRUTH_UNTOLD };

/* Whose left side is at work; or its right one, if what the left side says
 * cannot be told. */
struct open_cond {
	const struct cond	*cond;
	bool			 is_right;
};

/* One evaluation_run(). */
struct rule_run {
	struct evaluation	*e;
	enum phase		 phase;
	enum world_kind		 world;		/* of the rule at hand */
	bool			 is_over;	/* for rules that observe */
	struct arena		*arena;
	struct verdict		*verdict;
	struct rule_trace	*trace;		/* NULL: not wanted */
	struct rule_step	 step;		/* of the rule at hand */
	unsigned		 limits;	/* met in the test at hand */
	/* Conditions whose left side is at work: in an array, since a fiber's
	 * stack is small and "or" may have a thousand members. */
	struct open_cond	*open;
	size_t			 open_cap;
};

/* --- rule_facts.c --- */
MAY_YIELD int	 rule_fact(struct rule_run *run, const struct fact_ref *ref,
		    struct value *value, struct err *err);
void		 rule_facts_forget(struct evaluation *e,
		    enum fact_scope scope);
void		 rule_put_folded(struct buf *out, struct span text);
/* As a text that is the same for values that are: their case does not
 * matter. */
void		 rule_fact_put(struct buf *out, const struct fact_ref *ref,
		    const struct value *value);

/* --- rule_question.c --- */
/* Of a value that is not none. */
MAY_YIELD int	 rule_question(struct rule_run *run, const struct cond *c,
		    const struct value *v, enum truth *truth,
		    struct err *err);
void		 rule_questions_forget(struct evaluation *e,
		    enum fact_scope scope);
/* The condition of the rule at hand cannot be told. */
void		 rule_note_untold(struct rule_run *run);
/* A verdict of this world that is final becomes one that it may be. */
void		 rule_soften(const struct rule_run *run, enum world_kind w,
		    struct verdict *v);

/* --- rule_brake.c --- */
/* Of the rule at hand, whose action has a brake: fills in what the step says
 * of it. */
MAY_YIELD int	 rule_brake(struct rule_run *run, struct err *err);
void		 rule_counts_forget(struct evaluation *e,
		    enum fact_scope scope);

/* --- rule_milter.c --- */
/* Of the rule at hand, of the message, which acts: fills in what the step says
 * of it. */
MAY_YIELD int	 rule_milter(struct rule_run *run, struct err *err);
/* The same at the phases before; never waits. */
void		 rule_milter_tell(struct rule_run *run,
		    const struct action *action);
/* Whether what it says ends the phase. */
bool		 rule_milter_decides(const struct rule_step *step);
void		 rule_consults_forget(struct evaluation *e,
		    enum fact_scope scope);

/* --- rule_given.c --- */
/* How long what is given at a phase lasts. */
enum fact_scope	 rule_scope(enum phase phase);
void		 given_add(struct arena *a, struct given *given,
		    const struct rule *rule, int64_t score);
void		 given_clear(struct given *given);
/* `to` keeps its own array. */
void		 given_copy(struct arena *a, struct given *to,
		    const struct given *from);
/* What was given at a phase of this scope or a narrower one is over. */
void		 given_forget(struct evaluation *e, enum fact_scope scope);
struct span	 score_name(const struct rule *rule);
int64_t		 rule_sum(int64_t a, int64_t b);	/* stops at the end */
bool		 world_tagged(const struct world *world, struct span tag);
/* score, scores; false: it is a fact of the source. */
bool		 rule_fact_given(struct rule_run *run,
		    const struct fact *fact, struct value *value);

/* --- rule_cond.c --- */
MAY_YIELD int	 rule_cond(struct rule_run *run, const struct cond *cond,
		    enum truth *truth, struct err *err);
#endif
