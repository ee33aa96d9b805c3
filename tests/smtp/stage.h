#ifndef TESTS_SMTP_STAGE_H
#define TESTS_SMTP_STAGE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "gateway/listener.h"
#include "gateway/worker.h"
#include "tests/kit/script.h"
#include "tests/smtp/side.h"
/*
 * stage -- the gateway and its sides, set up for one performance of a script
 *
 * Everything happens in one process, on socketpairs, in virtual time. The
 * sides are stepped from the main stack between turns of the loop; a side that
 * waits for the gateway is stepped again after each turn.
 */
#define MAX_BACKENDS	8
#define MAX_CLIENTS	8

/* What is otherwise than the script says. */
struct variation {
	const char	*name;
	const char	*rules;		/* NULL: those of the script */
	bool		 observe;	/* none of them acts */
	bool		 inspect;	/* the client is checked, in any case */
};

struct stage {
	struct arena	*arena;
	const char	*folder;	/* for spools */
	struct script	*script;
	const struct variation *variation;
	struct settings	*settings;
	struct worker	 worker;
	struct listener	 listener;
	char		 sessions[MAX_CLIENTS][16];	/* their ids */
	size_t		 nsessions;
	struct side	 client;
	struct side	 backends[MAX_BACKENDS];
	size_t		 nbackends, next_backend;
	struct side	 filters[MAX_BACKENDS];	/* connections to them */
	const char	*filter_names[MAX_BACKENDS];
	bool		 is_filter_met[MAX_BACKENDS];
	size_t		 nfilters;
	/* All that the gateway sent, to the clients, to each backend, and to
	 * filters if no rules ask them: the ids of sessions and the time of
	 * day are masked. By stage_strike(), unless it is NULL. */
	struct buf	*sent;
};
extern struct stage stage;

bool	stage_has_key(const char *key);
/* With arena, folder, script and variation. False: problem() says why. */
bool	stage_set(void);
/* The client leaves, and another one comes. NULL: as the first one. */
void	stage_next_client(const char *ip);
/* The client leaves, and all must end. */
void	stage_strike(void);
/* Lets everything move until nothing does. */
void	stage_settle(void);
void	stage_pass_time(int64_t us);
/* The client waits in vain: for what, and who else does. */
void	stage_problem(void);
/* Appends what was sent, with ids and dates masked. */
void	stage_mask(struct buf *out, struct span s);
#endif
