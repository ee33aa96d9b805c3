#ifndef POLICY_RULE_TEST_INTERNAL_H
#define POLICY_RULE_TEST_INTERNAL_H
#include "policy/rule_test.h"
#include "policy/test_facts.h"
/*
 * rule_test_internal -- what reading and running a test share
 */
enum expect_kind {
	EXPECT_ACTION,
	EXPECT_WOULD,			/* an action of a rule that observes */
	EXPECT_NO_VERDICT,
	EXPECT_SCORE,
	EXPECT_TAGGED, EXPECT_NOT_TAGGED
};

struct expectation {
	enum expect_kind	 kind;
	enum phase		 phase;
	enum action_kind	 action;
	int			 code;		/* 0: any */
	struct span		 enhanced;	/* "": any */
	struct span		 by;		/* "": any rule, or none */
	enum cond_op		 op;		/* of a score */
	int64_t			 score;		/* hundredths */
	struct span		 tag;
	struct place		 at;
	struct span		 text;		/* as written: "rcpt reject" */
};

struct rule_test {
	const char		*name;
	struct place		 at;
	struct test_facts	*facts;
	struct expectation	*expected;
	size_t			 nexpected;
};
#endif
