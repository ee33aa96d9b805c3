#ifndef POLICY_RULE_READ_H
#define POLICY_RULE_READ_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/diagnostic.h"
#include "policy/rule.h"
/*
 * rule_read -- rule files, from text to rules that can be used
 *
 * rule_parse.c reads the file and what it includes into the tree of rule.h
 * (grammar; names of facts, sets, lists, actions); rule_check.c does the rest.
 * All errors of a run are reported, in one go, with the nearest right name.
 */
struct dnsbl_list;			/* conf/listing.h */
struct rule_context {			/* what a file may refer to */
	const char *const	*backends;	/* for `route`; NULL-ended */
	bool			 files;		/* open those of sets */
	/* DNS lists of the configuration. They come first in rules.lists, and
	 * must live as long as the rules. */
	const struct dnsbl_list	*lists;
	size_t			 nlists;
	/* Filters of the configuration, RULE_MILTERS_MAX at most; NULL: they
	 * are not known, and any name will do. */
	const struct rule_milter *milters;
	size_t			 nmilters;
	bool			 observe;	/* every rule, as if it said so */
	bool			 has_store;	/* for greylist and limit */
	bool			 has_redis;	/* ... and for sets there */
};

/* NULL if there are errors. Warnings are in `d` too. Ends with the arena. */
struct rules	*rules_read(struct arena *a, const char *path,
		    const struct rule_context *context, struct diagnostics *d);
/* The same from a text; `name` stands for the file. */
struct rules	*rules_read_text(struct arena *a, const char *name,
		    struct span text, const struct rule_context *context,
		    struct diagnostics *d);

/* --- the two halves --- */
struct rules	*rule_parse(struct arena *a, const struct source *source,
		    struct diagnostics *d);
void		 rule_check(struct rules *rules,
		    const struct rule_context *context, struct diagnostics *d);
#endif
