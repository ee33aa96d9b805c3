#ifndef POLICY_RULE_H
#define POLICY_RULE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/diagnostic.h"
#include "base/lexer.h"
#include "base/span.h"
#include "policy/fact.h"
#include "policy/phase.h"
#include "policy/value.h"
/*
 * rule -- what a rule file says, as a tree
 *
 * rule_parse.c makes it: grammar, names of facts, sets and actions.
 * rule_check.c judges it: types, phases, words; it turns the literals into
 * values of the facts that they are compared with, compiles regular
 * expressions and builds the sets; last, rule_plan_number() numbers the facts.
 * From then on it is immutable: rule_eval.c walks it, rule_plan.c tells what
 * it can ask for. All of it lives in one arena, the sources too.
 */

/* A fact with its argument, as a condition or text names it. */
struct fact_ref {
	const struct fact	*fact;
	struct span		 argument;	/* header or list name; "": none */
	struct place		 at;
	unsigned		 slot;		/* by rule_plan_number() */
};
#define FACT_NO_SLOT	((unsigned)-1)		/* no rule names it */

/* "Listed by {dnsbl.names}": text and facts by turns. */
struct template_part {
	struct span		 text;		/* or */
	struct fact_ref		 ref;		/* ref.fact != NULL */
};
struct template {
	struct template_part	*parts;
	size_t			 n;
	struct place		 at;
};

enum cond_op {
	COND_AND, COND_OR, COND_NOT,	/* left, right */
	COND_YES,			/* a yes/no fact alone */
	COND_NONE,			/* ref is none */
	COND_EQUAL, COND_LESS, COND_LESS_EQUAL, COND_GREATER,
	COND_GREATER_EQUAL,		/* ref and value */
	COND_IN,			/* ref and set */
	COND_MATCHES,			/* ref and regex */
	COND_CONTAINS, COND_STARTS, COND_ENDS,	/* ref and value (text) */
	COND_TAGGED			/* value (text) */
};

struct cond {
	enum cond_op		 op;
	struct place		 at;
	struct span		 text;		/* of it in the source */
	struct cond		*left, *right;
	struct fact_ref		 ref;
	const struct token	*literal;	/* what `value` is made of */
	struct value		 value;		/* by rule_check.c */
	struct set_decl		*set;		/* an inline one has no name */
	unsigned		 question;	/* of a set in Redis, by
						   rule_plan_number() */
	struct regex		*regex;		/* by rule_check.c */
};

/* "set partners = { "a.example", ".a.example" }", or file "partners.txt", or
 * redis "partners" */
struct set_decl {
	const char		*name;		/* NULL: inline, in a condition */
	struct place		 at;
	const struct token	**items;	/* of { } */
	size_t			 nitems;
	const struct token	*bare;		/* first item without quotes
						   that is no address */
	const char		*file;		/* as written; NULL: { } */
	struct place		 file_at;
	const char		*redis;		/* its key there, whole; or NULL:
						   then `set` is NULL for good */
	struct place		 redis_at;
	struct set		*set;		/* by rule_check.c */
	size_t			 uses;
	bool			 is_declared;	/* not only named by a rule */
	bool			 is_bad;	/* reported */
};

enum action_kind {
	ACTION_ACCEPT, ACTION_TRUST, ACTION_REJECT, ACTION_DEFER,
	ACTION_DISCONNECT, ACTION_DISCARD, ACTION_QUARANTINE, ACTION_SCORE,
	ACTION_TAG, ACTION_DELAY, ACTION_ROUTE, ACTION_ADD_HEADER, ACTION_REMOVE_HEADER,
	ACTION_REPLACE_HEADER, ACTION_PREFIX_SUBJECT, ACTION_LOG,
	ACTION_MILTER, ACTION_GREYLIST, ACTION_LIMIT
};

#define RULE_SCORE_MAX	1000		/* up or down, of one rule */
/* us, of one rule and of all of a phase: so long clients wait for a reply,
 * RFC 5321 4.5.3.2. */
#define RULE_DELAY_MAX	(INT64_C(300) * 1000000)

#define RULE_MILTERS_MAX	32	/* filters: a bit for each, in a word */

#define RULE_LIMIT_MAX		1000000000	/* events in a window */
#define RULE_LIMIT_FACTS_MAX	10		/* that they are counted by */
/* us: a shorter window is as many tries as its client likes, and what is
 * counted for a longer one is kept all that time. */
#define RULE_LIMIT_WINDOW_MIN	(INT64_C(1) * 1000000)
#define RULE_LIMIT_WINDOW_MAX	(INT64_C(30) * 86400 * 1000000)

/*
 * Of `greylist` and `limit`: what decides whether they do something, and what
 * that is. If it is nothing the rules go on.
 */
struct brake {
	/* GREYLIST: greylist. LIMIT: those by whose values it counts. */
	struct fact_ref		*facts;
	size_t			 nfacts;
	int64_t			 most;		/* LIMIT: events ... */
	int64_t			 window;	/* in this time, us */
	unsigned		 slot;		/* by rule_plan_number() */
	struct action		*action;	/* has no brake */
};

struct action {
	enum action_kind	 kind;
	int			 code;		/* REJECT, DEFER, DISCONNECT */
	const char		*enhanced;	/* "5.7.1" */
	struct template		 text;		/* reply, reason, value, log */
	struct span		 name;		/* tag, score, header, route,
						   milter */
	struct place		 name_at;
	int64_t			 number;	/* SCORE: hundredths; DELAY: us */
	size_t			 milter;	/* MILTER: of rules.milters, by
						   rule_check.c */
	struct fact_ref		 ref;		/* SCORE: of this fact's value,
						   if ref.fact != NULL */
	struct brake		*brake;		/* GREYLIST, LIMIT; else NULL */
	struct place		 at;
};

struct rule {
	const char		*name;		/* label, or "file:line" */
	bool			 has_label;
	bool			 observe;	/* its own or its block's; of a
						   group: all its rules do */
	struct place		 at;
	struct action		 action;
	struct cond		*when;		/* NULL: always */
	/* A group has rules of its own in the place of an action. */
	struct rule		*group;
	size_t			 ngroup;
	unsigned		 number;	/* in its file set, for statistics */
};

struct phase_rules {
	struct rule		*rules;
	size_t			 n;
};

/* A filter of the configuration, which knows more of it. */
struct rule_milter {
	const char		*name;
	bool			 is_by_rules;	/* told what a rule has it told */
};

/* What those rules of the message that act can read of one recipient. */
struct rcpt_reads {
	const struct cond	**tests;	/* of its facts and tags */
	size_t			 ntests;
	const struct fact_ref	**texts;	/* facts that actions name */
	size_t			 ntexts;
	bool			 score, scores;	/* that rcpt rules can give */
	bool			 trust;		/* rcpt rules can give that */
};

struct rules {
	struct arena		*arena;
	struct phase_rules	 phases[PHASES];
	struct set_decl		**sets;		/* those with a name */
	size_t			 nsets;
	struct dnsbl_list	*lists;		/* conf/listing.h */
	struct place		*list_places;
	size_t			 nlists;
	size_t			 nconfigured;	/* of them, in front: of the
						   configuration */
	/* All of the configuration, in its order; without one, those that
	 * are named. */
	struct rule_milter	*milters;
	size_t			 nmilters;
	size_t			 nrules;	/* `number` is below it */
	size_t			 nslots;	/* different facts that are named */
	size_t			 nlimits;	/* brake.slot is below it */
	size_t			 nquestions;	/* cond.question is below it */
	uint64_t		 hash;		/* base/text_hash.h: of all files
						   that were read, and the files
						   of sets, in their order */
	struct rcpt_reads	 rcpt_reads;
};
#endif
