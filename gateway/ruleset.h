#ifndef GATEWAY_RULESET_H
#define GATEWAY_RULESET_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/diagnostic.h"
#include "conf/settings.h"
#include "policy/rule.h"
#include "policy/rule_plan.h"
#include "policy/rule_read.h"
/*
 * ruleset -- the rules that a configuration names, read and checked whole
 *
 * `rules FILE`, `rules default` (built in) or `rules none`. Read with the
 * configuration and before any worker is made: workers inherit the memory of
 * large sets, and share it. Immutable from then on.
 *
 * The DNS lists of the configuration and those of the rule files are one set,
 * so that a rule can ask for either.
 */
struct ruleset {
	const char		*name;		/* of the file, for people */
	char			 hash[17];	/* of rules.hash, 16 digits */
	const struct rules	*rules;		/* of `none`: without a rule */
	const struct rule_plan	*plan;
	const struct dnsbl_list	*lists;		/* of settings, then of rules */
	size_t			 nlists;
};

/* NULL if there are errors; all of them, and warnings, are in `d`. Ends with
 * the arena; the settings must live as long. */
struct ruleset	*ruleset_read(struct arena *a, const struct settings *s,
		    struct diagnostics *d);
/* What rules of this configuration may refer to, and whether they act. */
struct rule_context ruleset_context(struct arena *a,
		    const struct settings *s);
/* Of good rules, what only the whole configuration shows to be hardly meant:
 * more warnings, for `forepost check`. */
void		 ruleset_check(const struct rules *rules,
		    const struct settings *s, struct diagnostics *d);
#endif
