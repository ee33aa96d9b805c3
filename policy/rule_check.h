#ifndef POLICY_RULE_CHECK_H
#define POLICY_RULE_CHECK_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/diagnostic.h"
#include "policy/rule.h"
#include "policy/rule_read.h"
/*
 * rule_check -- what the files of the checker share
 *
 * rule_check.c		each rule for itself: phases, names, labels
 * rule_check_type.c	conditions: do fact, operator and value fit?
 * rule_check_milter.c	names of filters
 * rule_check_set.c	sets are built; does the set fit the fact?
 * rule_check_flow.c	warnings: what is never reached, never or always true
 * rule_check_cube.c	... of conditions that hold together
 * rule_check_use.c	warnings: what nobody uses
 *
 * Errors of all files come first. Warnings are given only when there is no
 * error: much of what they say would follow from it.
 */
struct rule_checker {
	struct arena			*a;
	struct rules			*rules;
	const struct rule_context	*context;
	struct diagnostics		*d;
};

/* --- rule_check.c --- */
const char	*check_meant(struct rule_checker *c, const char *near);
const char	*check_show(struct rule_checker *c, struct span text);
/* As it is written: dnsbl.zen, header "Subject". */
const char	*check_fact_name(struct rule_checker *c,
		    const struct fact_ref *ref);

/* --- rule_check_type.c --- */
/* A leaf of a condition whose fact is known. */
void		 check_leaf(struct rule_checker *c, struct cond *cond);
bool		 check_literal(struct rule_checker *c, struct cond *cond,
		    const struct token *literal, struct value *value);

/* --- rule_check_milter.c --- */
bool		 check_milter_fact(struct rule_checker *c,
		    const struct fact_ref *ref);
void		 check_milter_action(struct rule_checker *c,
		    struct action *action);

/* --- rule_check_set.c --- */
void		 check_set_build(struct rule_checker *c,
		    struct set_decl *set);
void		 check_in(struct rule_checker *c, struct cond *cond);

/* --- rule_check_flow.c --- */
void		 check_flow(struct rule_checker *c);

/* --- rule_check_cube.c --- */
/* Conditions of which all hold, or fail where `is_not`. */
struct cube_member {
	const struct cond	*cond;
	bool			 is_not;
};
struct cube {
	const struct cube_member *members;
	size_t			 n;
};
/* Why they cannot all be so at once; NULL: they can, for all we know. */
const char	*cube_contradiction(struct rule_checker *c,
		    const struct cube *cube);
/* Of a word fact (or yes/no): the values for which it holds, a bit each. */
unsigned	 cond_words(const struct cond *cond, bool is_not);
bool		 cond_same(const struct cond *a, const struct cond *b);

/* --- rule_check_use.c --- */
void		 check_use(struct rule_checker *c);
#endif
