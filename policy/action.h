#ifndef POLICY_ACTION_H
#define POLICY_ACTION_H
#include <stdbool.h>
#include "base/span.h"
#include "policy/rule.h"
/*
 * action -- the names of what rules can do
 */
const char	*action_name(enum action_kind kind);	/* "add header" */
/* By one word: not those of the header. -1: there is none. */
int		 action_find(struct span word, enum action_kind *kind);
bool		 action_is_final(enum action_kind kind); /* ends the phase */
bool		 action_has_code(enum action_kind kind); /* it is a reply */
/* What a rule does if it does anything: of greylist and limit, what these do
 * then. */
const struct action *action_in_effect(const struct rule *rule);
#endif
