#ifndef POLICY_RULE_TEST_INTERNAL_H
#define POLICY_RULE_TEST_INTERNAL_H
#include "policy/rule_eval.h"
#include "policy/rule_parse.h"
#include "policy/rule_test.h"
#include "policy/test_facts.h"
/*
 * rule_test_internal -- what reading and running a test share
 *
 * rule_test_read.c	a file: tests, facts that they give
 * rule_test_set.c	... members of sets in Redis
 * rule_test_expect.c	what they expect
 * rule_test_action.c	... of actions, those of rules that observe too
 * rule_test_name.c	names that the rules have
 * rule_test.c		runs them
 * rule_test_fit.c	whether it came so
 * rule_test_got.c	what came instead
 */
enum expect_kind {
	EXPECT_ACTION,
	EXPECT_VERDICT,			/* no verdict */
	EXPECT_WOULD,			/* an action of a rule that observes */
	EXPECT_WOULD_NOTHING,
	EXPECT_SCORE,
	EXPECT_DELAY,
	EXPECT_TAGGED,
	EXPECT_HEADER,			/* that the rules add or replace */
	EXPECT_REMOVED,			/* header fields */
	EXPECT_PREFIX,			/* of the subject */
	EXPECT_ROUTE,
	EXPECT_MILTER,			/* is told; of the message, decides */
	EXPECT_LOG,
	EXPECT_OWN_MAIL,		/* for a second recipient */
	EXPECT_SAME_MAIL
};

struct expectation {
	enum expect_kind	 kind;
	bool			 is_not;
	enum phase		 phase;
	enum action_kind	 action;
	int			 code;		/* 0: any */
	struct span		 enhanced;	/* "": any */
	struct span		 by;		/* "": any rule, or none */
	struct span		 name;		/* tag, header, route */
	bool			 has_text;	/* else any */
	struct span		 text;
	enum cond_op		 op;		/* of a score, a delay */
	bool			 has_number;	/* else any */
	int64_t			 number;	/* hundredths; us */
	struct span		 rcpt;		/* the second one */
	struct place		 at;
	struct span		 source;	/* as written: "rcpt reject" */
};

struct rule_test {
	const char		*name;
	struct place		 at;
	struct test_facts	*facts;
	struct expectation	*expected;
	size_t			 nexpected;
};

/* What came of the phases, up to the last that was run. */
struct test_run {
	const struct rule_test	*test;
	const struct rules	*rules;
	struct evaluation	*e;
	struct arena		*arena;
	struct verdict		 verdicts[PHASES];
	struct rule_trace	 traces[PHASES];
	size_t			 n;		/* phases that were run */
	bool			 ended;		/* the mail is */
	bool			 passed;
};

/* A file at hand: a statement a line, each read by a function that returns
 * false once it has reported what is wrong; the next line goes on. */
struct test_reading {
	struct rule_parser	 p;	/* tokens, and messages about them */
	const struct rules	*rules;
	struct rule_test	*test;
	size_t			 lines;	/* of this test */
};

/* --- rule_test.c --- */
bool		 test_ends_mail(enum action_kind kind);

/* --- rule_test_fit.c --- */
bool		 test_fits(const struct expectation *x,
		    const struct test_run *run);
/* The next rule that would have acted, in any phase so far, and its place; NULL
 * behind the last one. */
const struct told *test_next_observed(const struct test_run *run,
		    size_t *phase, size_t *i);
int64_t		 test_delay(const struct test_run *run);
struct span	 test_route(const struct test_run *run);
/* Filters that are to be told: bits as in the verdicts. */
uint32_t	 test_milters(const struct test_run *run);
enum test_mail {
	TEST_MAIL_SAME,
	TEST_MAIL_OWN,
	TEST_MAIL_NEITHER		/* one of the two is refused, by this
					   verdict */
};
enum test_mail	 test_mail_of(const struct expectation *x,
		    const struct test_run *run, struct verdict *verdict);

/* --- rule_test_got.c --- */
void		 test_put_got(struct buf *out, const struct expectation *x,
		    const struct test_run *run);

/* --- rule_test_read.c --- */
/* Both false. */
bool		 test_expected(struct test_reading *r, const char *what);
bool		 test_expected_near(struct test_reading *r, const char *what,
		    const char *const *words, size_t n);
bool		 test_take_word(struct test_reading *r, const char *word);
bool		 test_ends_line(struct test_reading *r);
/* The phase at hand, if there is one. */
bool		 test_take_phase(struct test_reading *r, enum phase *phase);
/* A value as a condition reads what `ref` is compared with. */
bool		 test_take_item(struct test_reading *r,
		    const struct fact_ref *ref, enum type type,
		    struct value *value);

/* Lines may end in it. */
void		 test_skip_line_ends(struct test_reading *r);
bool		 test_take_punct(struct test_reading *r, const char *text,
		    const char *where);

/* --- rule_test_set.c --- */
/* The line of a set in Redis. */
bool		 test_take_set(struct test_reading *r);

/* --- rule_test_name.c --- */
enum test_named { NAMED_RULE, NAMED_LIMIT, NAMED_TAG, NAMED_ROUTE,
    NAMED_MILTER, NAMED_HEADER, NAMED_REMOVED };
/* The word or string at hand: a name that no rule has can only be
 * misspelt. */
bool		 test_take_name(struct test_reading *r, enum test_named what,
		    struct span *name);

/* --- rule_test_expect.c --- */
/* The line of an expectation. */
bool		 test_expect(struct test_reading *r);

/* --- rule_test_action.c --- */
/* Whether it is one that ends a phase; *good: read, with what stands behind
 * it. */
bool		 test_takes_action(struct test_reading *r,
		    struct expectation *x, bool *good);
/* "by LABEL", or nothing. */
bool		 test_take_by(struct test_reading *r, struct expectation *x);
/* Behind "would". */
bool		 test_expect_would(struct test_reading *r,
		    struct expectation *x);
void		 test_take_text(struct test_reading *r,
		    struct expectation *x);
bool		 test_take_header(struct test_reading *r,
		    struct expectation *x, enum test_named what);
bool		 test_take_number(struct test_reading *r,
		    struct expectation *x, enum type type);
#endif
