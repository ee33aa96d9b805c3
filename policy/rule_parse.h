#ifndef POLICY_RULE_PARSE_H
#define POLICY_RULE_PARSE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/lexer.h"
#include "policy/rule.h"
/*
 * rule_parse -- what the files of the parser share
 *
 * rule_read.c		from a file to rules that can be used
 * rule_parse.c		a file: declarations, blocks, groups, rules
 * rule_parse_decl.c	set, dnsbl, include
 * rule_parse_action.c	actions: one table
 * rule_parse_brake.c	greylist and limit, which do another action or nothing
 * rule_parse_cond.c	conditions
 * rule_parse_fact.c	names of facts, and texts with facts in them
 * rule_lines.c		which ends of lines end a statement
 *
 * A function that reads something returns false when that was wrong; it is
 * reported then, and the caller looks for a place to go on. Where something
 * is wrong that does not keep the rest from being understood it is reported
 * and true is returned, so that one run finds all errors.
 *
 * Limits    so that a file of any kind is read in bounded time and stack.
 */
#define RULES_MAX	10000	/* rules and groups; people write hundreds */
#define RULE_SETS_MAX	1000
#define RULE_LISTS_MAX	100	/* each is a lookup for every client */
#define RULE_NEST_MAX	50	/* brackets and `not` in a condition: they
				   are read by recursion */
#define RULE_GROUPS_MAX	10	/* groups in groups, for the same reason */
#define RULE_TERMS_MAX	1000	/* comparisons of one condition */
#define RULE_INCLUDES_MAX 10	/* files in files */

/* Their real names: each file is read once. */
struct rule_files {
	const char	**names;
	size_t		 n;
};

/* The file at hand. */
struct rule_parser {
	struct arena		*a;
	struct rules		*rules;
	struct diagnostics	*d;
	const struct token	*t;		/* the next token */
	const struct source	*source;
	struct rule_files	*files;		/* those of this run */
	const struct rule_parser *parent;	/* the including file */
	bool			 observe;	/* "observe include": all rules */
	const char		**lines;	/* where each begins */
	unsigned		 depth;		/* of a condition */
	size_t			 terms;
};

/* --- rule_parse.c --- */
void		 rule_parse_file(struct rule_parser *p);
/* For messages: "x", the end of the line, a regular expression. */
const char	*rule_show(struct rule_parser *p, const struct token *t);
const char	*rule_meant(struct rule_parser *p, const char *near);
/* What stands at this place, and where it ends. */
const char	*rule_at(const struct rule_parser *p, const struct token *t);
const char	*rule_behind(const struct rule_parser *p,
		    const struct token *t);
/* Before the end of this statement. */
void		 rule_skip(struct rule_parser *p);
bool		 rule_is_value(const struct token *t);	/* word or string */

/* --- rule_parse_decl.c --- */
bool		 rule_parse_set(struct rule_parser *p);
bool		 rule_parse_dnsbl(struct rule_parser *p);
bool		 rule_parse_include(struct rule_parser *p, bool observe);
/* "{ a, b }", the { at hand. */
bool		 rule_parse_items(struct rule_parser *p, struct set_decl *set);
/* The set of this name, declared or to be. */
struct set_decl	*rule_set(struct rule_parser *p, struct span name);

/* --- rule_parse_action.c --- */
bool		 rule_parse_action(struct rule_parser *p, enum phase phase,
		    struct action *action);
/* "5", "-1.5": at most two digits behind the point; up to `most` either way. */
bool		 rule_read_number(struct span text, int64_t most,
		    int64_t *hundredths);
bool		 rule_is_action(struct span word);
const char	*rule_nearest_action(struct span word);

/* --- rule_parse_brake.c --- */
/* What stands behind the word. */
bool		 rule_parse_greylist(struct rule_parser *p,
		    struct action *action);
bool		 rule_parse_limit(struct rule_parser *p, enum phase phase,
		    struct action *action);

/* --- rule_parse_cond.c --- */
struct cond	*rule_parse_cond(struct rule_parser *p);	/* or NULL */

/* --- rule_parse_fact.c --- */
/* A fact and its argument; NULL as `fact` if there is none of that name. */
bool		 rule_parse_fact(struct rule_parser *p, struct fact_ref *ref);
/* The text at hand, and those that begin the lines behind it: they are one,
 * with a space between them. */
void		 rule_parse_template(struct rule_parser *p,
		    struct template *template);

/* --- rule_lines.c --- */
/* Leaves out the line ends that end no statement. */
void		 rule_lines(struct tokens *tokens);
#endif
