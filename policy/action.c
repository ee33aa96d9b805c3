#include <stddef.h>

#include "policy/action.h"

static const struct {
	const char	*name;
	bool		 is_final, has_code;
} actions[] = {
	[ACTION_ACCEPT] = { "accept", true, false },
	[ACTION_TRUST] = { "trust", true, false },
	[ACTION_REJECT] = { "reject", true, true },
	[ACTION_DEFER] = { "defer", true, true },
	[ACTION_DISCONNECT] = { "disconnect", true, true },
	[ACTION_DISCARD] = { "discard", true, false },
	[ACTION_QUARANTINE] = { "quarantine", true, false },
	[ACTION_SCORE] = { "score", false, false },
	[ACTION_TAG] = { "tag", false, false },
	[ACTION_DELAY] = { "delay", false, false },
	[ACTION_ROUTE] = { "route", false, false },
	[ACTION_ADD_HEADER] = { "add header", false, false },
	[ACTION_REMOVE_HEADER] = { "remove header", false, false },
	[ACTION_REPLACE_HEADER] = { "replace header", false, false },
	[ACTION_PREFIX_SUBJECT] = { "prefix subject", false, false },
	[ACTION_LOG] = { "log", false, false },
	/* Of the message it decides, or not: as the filter says. */
	[ACTION_MILTER] = { "milter", false, false },
	/* If they do something it is that of their brake. */
	[ACTION_GREYLIST] = { "greylist", false, false },
	[ACTION_LIMIT] = { "limit", false, false },
};
#define NACTIONS	(sizeof(actions) / sizeof(actions[0]))

const char *
action_name(enum action_kind kind)
{
	return actions[kind].name;
}

int
action_find(struct span word, enum action_kind *kind)
{
	for (size_t i = 0; i < NACTIONS; i++)
		if (span_is(word, actions[i].name)) {
			*kind = (enum action_kind)i;
			return 0;
		}
	return -1;
}

bool
action_is_final(enum action_kind kind)
{
	return actions[kind].is_final;
}

bool
action_has_code(enum action_kind kind)
{
	return actions[kind].has_code;
}

const struct action *
action_in_effect(const struct rule *rule)
{
	return rule->action.brake != NULL ? rule->action.brake->action :
	    &rule->action;
}
