#ifndef BASE_REDIS_H
#define BASE_REDIS_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/redis_reply.h"
#include "base/span.h"
/*
 * redis -- asks a Redis server, from many fibers over a few connections
 *
 * Commands of all fibers go out as they come and are answered in order, so
 * that a connection carries any number of them at once. Those of one call go
 * out back to back on one connection: no other fiber's come between them.
 *
 *	struct span words[] = { SPAN_LIT("GET"), key };
 *	struct redis_command get = { words, 2 };
 *	redis_ask(r, a, &get, 1, &reply, deadline, &err);
 *
 * Links     are made by fibers of its own and made again when they break: at
 *           once, then after 100 ms to 5 s, with jitter. A host name is looked
 *           up each time. While the first attempt is under way calls wait for
 *           it; behind one that failed they fail at once, with its reason.
 * Leaving   a fiber that leaves early, by deadline or stop, leaves its
 *           commands behind: they are carried out, and what they are answered
 *           is thrown away.
 * Silence   a link that has not answered in time gets new commands only if
 *           there is no better one. If it stays silent for another `timeout`
 *           it is closed, and all that wait on it fail.
 * Failover  READONLY or NOAUTH in an answer has the link made anew (at most
 *           each 100 ms to 5 s): its address may belong to a replica now.
 * Yields    redis_ask(), to its deadline at most.
 * Memory    replies live in the arena given.
 * Errors    ERR_CLOSED: this fiber must stop. ERR_TIMEOUT: not answered in
 *           time; it may be carried out all the same. ERR_UNAVAIL: there is no
 *           link, it broke (then also), or too much waits. What Redis answers
 *           is never an error here: redis_reply_check().
 * Limits    those of redis_reply.h; REDIS_MOST_WAITING calls and
 *           REDIS_MOST_UNSENT octets on one link.
 */
#define REDIS_MOST_WAITING	10000	/* some hundred octets each */
#define REDIS_MOST_UNSENT	(8 * 1024 * 1024)
#define REDIS_CONNECTIONS_MAX	16
#define REDIS_COMMANDS_MAX	1024	/* of one call */

struct redis_options {
	const char	*path;		/* a unix socket; or */
	const char	*host;		/* an address or a name, and */
	int		 port;
	const char	*user;		/* NULL: the default one */
	const char	*password;	/* NULL: none */
	unsigned	 database;
	int64_t		 timeout;	/* of connecting, first words too */
	size_t		 connections;	/* 1 to REDIS_CONNECTIONS_MAX */
};

struct redis_command {
	const struct span	*words;	/* the first is its name */
	size_t			 n;
};

struct redis_stats {
	uint64_t	calls, timeouts;
	uint64_t	connects, connects_failed;
	uint64_t	lost;		/* links that broke while in use */
	size_t		links;		/* there now */
	size_t		waiting;	/* calls now, those left behind too */
};

struct redis;

/* Options are copied. Connecting begins at once, in fibers of its own. It ends
 * with the arena, behind redis_stop() and when no fiber uses it. Errors:
 * ERR_CONFIG, ERR_SYNTAX (path too long, no host, ...). */
struct redis	*redis_open(struct arena *a,
		    const struct redis_options *options, struct err *err);
/* Its fibers leave soon; all calls fail. */
void		 redis_stop(struct redis *r);
/* Each command has its reply, in the same order. */
MAY_YIELD int	 redis_ask(struct redis *r, struct arena *a,
		    const struct redis_command *commands, size_t n,
		    struct redis_reply **replies, int64_t deadline,
		    struct err *err);
/* "127.0.0.1:6379", "/run/redis.sock". */
const char	*redis_name(const struct redis *r);
void		 redis_statistics(const struct redis *r,
		    struct redis_stats *out);
#endif
