#ifndef TESTS_KIT_MILTER_PART_H
#define TESTS_KIT_MILTER_PART_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/span.h"
#include "milter/option.h"
/*
 * milter_part -- a filter played in a fiber: it says "continue" but once
 *
 * It serves one connection to the listener, answers what it has agreed to
 * answer, and ends when it is told to quit or loses the connection. Where the
 * scene says so it answers otherwise, or not at all.
 */
enum milter_manner {
	MILTER_SAYS,		/* the octets of `answer` */
	MILTER_CLOSES,
	MILTER_SILENT,
	MILTER_FOREVER		/* progress, without an end */
};

struct milter_scene {
	uint32_t	 actions, steps;	/* as it negotiates */
	char		 at;		/* the command answered so; 0: none */
	unsigned	 nth;		/* which of them, from 0 */
	enum milter_manner manner;
	struct span	 answer;
};

struct milter_part {
	const struct milter_scene *scene;
	int		 listener;
	struct terms	 terms;		/* as it has agreed */
	char		 heard[200];	/* the commands, without macros */
	size_t		 body;		/* octets of this mail's */
	bool		 body_is_right;	/* spooled_byte() */
};

/* For fiber_spawn(); the part is the argument. */
MAY_YIELD void	milter_part_play(void *part);
#endif
