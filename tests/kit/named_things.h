#ifndef TESTS_KIT_NAMED_THINGS_H
#define TESTS_KIT_NAMED_THINGS_H
#include <stddef.h>
#include "base/arena.h"
#include "conf/settings.h"
#include "gateway/ruleset.h"
/*
 * named_things -- settings and rules that have names and nothing else, for what
 * counts by them
 */
struct named_things {
	struct settings	 settings;
	struct rules	 rules;
	struct ruleset	 set;
};

/* Lists of names, NULL at their end. A backend has two addresses, which are
 * its name and "/1" or "/2" behind it; a listener is the default of nothing.
 * Rules are of the phase mail, and the last is alone in a group. */
struct named_things *named_things(struct arena *a,
		    const char *const *listeners, const char *const *rules,
		    const char *const *backends);
#endif
