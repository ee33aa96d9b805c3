#ifndef GATEWAY_GREYLIST_COMMAND_H
#define GATEWAY_GREYLIST_COMMAND_H
#include <stdbool.h>
#include "conf/settings.h"
/*
 * greylist_command -- `forepost greylist`: what it holds, and changes by hand
 *
 *	list [WHO]	what is known, one line each
 *	pass WHO	from now on they are not asked to come again
 *	forget WHO	as if they had never come
 *	stats		how many of each kind
 *
 * WHO is as greylist_filter_make() says; --from and --to narrow it down, or
 * stand for it. Opens the store of the configuration, beside a gateway that
 * runs or without one: LMDB as the user that the workers are, so that its
 * files stay theirs, and only if it is there.
 *
 * As JSON `list` and `stats` write objects, one a line.
 *
 * Returns   EXIT_USAGE if it cannot be told who is meant; EXIT_CONFIG if no
 *           store is set; EXIT_RUNTIME if the store does not answer.
 */
struct greylist_request {
	const char	*verb;		/* NULL: none was given */
	const char	*who;		/* the same */
	const char	*from, *to;	/* the same */
	const char	*demo;		/* its folder; NULL: no demo */
	bool		 json;
};

int	greylist_command_run(const struct greylist_request *request,
	    const struct settings *s);
#endif
