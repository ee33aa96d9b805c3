#ifndef TESTS_KIT_CHAIN_CLIENT_H
#define TESTS_KIT_CHAIN_CLIENT_H
#include "base/buf.h"
#include "tests/kit/chain_drive.h"
/*
 * chain_client -- one client of chain_drive.h, in a fiber
 */
struct chain_client {
	/* given */
	const struct chain_drive *drive;
	const char		*steps;
	struct milters		**milters;
	const char		*folder;	/* for spools */
	int64_t			 began;
	/* what came of it; `took` and `held` as in chain_drive.h */
	struct buf		 shown;
	bool			 is_gone;
	int64_t			 took;
	size_t			 held;
	/* its own */
	struct arena		*arena, *mail;
	struct chain		*chain;
	struct chain_source	 source;
	unsigned		 helos, rcpts, applied;
};

/* For fiber_spawn(); the client is the argument. */
MAY_YIELD void	chain_client_run(void *client);
#endif
