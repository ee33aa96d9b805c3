#ifndef MILTER_MILTERS_H
#define MILTER_MILTERS_H
#include "base/buf.h"
#include "base/fiber.h"
#include "base/json_write.h"
#include "conf/settings.h"
/*
 * milters -- the filters of a worker: which are well, and open connections
 *
 * What all sessions of a worker know of a filter. Who tells a client to filters
 * is chain.h.
 *
 * Health    MILTERS_FAILURES of them behind each other (no connection, silence,
 *           a connection lost, nonsense), and the filter rests for retry_time:
 *           nobody waits for it, its failure action is taken at once. Behind
 *           that one session tries, and the others when that has gone well. A
 *           failure is made good only by an answer to the same command, or to a
 *           later one of the dialogue: a filter that connects and then stalls
 *           at the end of each message is not well. What lies in one mail alone
 *           (a header field too large for a packet, edits that cannot be made)
 *           is no failure here.
 * Kept      connections that a finished session has left: max_idle of them, for
 *           idle_time; a filter must have agreed to that. One that has agreed
 *           to leave commands without an answer must have shown over one
 *           connection that it does (dialogue_prove()).
 * Memory    the settings are kept by pointer. milters_destroy() tells idle
 *           connections QUIT; memory and settings are free when the last chain
 *           has ended, and its own fiber: the loop must still turn.
 * Logs      "milter down" (warn) with the reason, "milter up"
 */
#define MILTERS_FAILURES	3	/* one is an accident, two a restart */

struct milters;

struct milters_stats {		/* of one filter: connections */
	uint64_t	 opened, reused, failed;
};

struct milters	*milters_create(const struct settings *settings);
void		 milters_destroy(struct milters **m);
/* A line each: name, address, up, resting or unknown; open, idle, since (in
 * seconds); if it rests, or its last answer was a failure, the failure action
 * and why. */
void		 milters_status(const struct milters *m, struct json_out *o);
/* `i` is the index in the settings. */
const struct milters_stats *milters_statistics(const struct milters *m,
		    size_t i);
#endif
