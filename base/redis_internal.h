#ifndef BASE_REDIS_INTERNAL_H
#define BASE_REDIS_INTERNAL_H
#include <stdbool.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/conn.h"
#include "base/redis.h"
/*
 * redis_internal -- what the redis*.c files share, and nobody else
 *
 *	redis.c		calls: a link for each, and waiting
 *	redis_link.c	a link: connecting, sending, answers, its end
 *
 * A link has two fibers: one connects and then reads; the other, beside it,
 * writes, and watches that answers come. So a call never writes itself, and
 * calls of one turn of the loop leave in one packet.
 */
struct redis_call {			/* in the queue of a link, by malloc */
	struct redis_call	*next;
	struct fiber		*fiber;	/* NULL: it has left */
	struct arena		*arena;	/* these two are the caller's */
	struct redis_reply	**replies;
	size_t			 n, answered;
	int64_t			 deadline;
	bool			 is_done;	/* and off the queue */
	bool			 is_lost;	/* the link broke */
};

enum link_state { LINK_DOWN, LINK_CONNECTING, LINK_UP };

struct redis_link {
	struct redis		*redis;
	struct fiber		*fiber, *writer;	/* NULL: none */
	enum link_state		 state;
	bool			 is_leaving;	/* takes no more calls */
	bool			 is_suspect;	/* has missed a deadline */
	bool			 is_silent;	/* closed for that */
	unsigned		 attempts;	/* in a row without success */
	unsigned		 renewals;	/* for READONLY, lately */
	int64_t			 renew_at;	/* not before */
	struct conn		*conn;
	struct redis_reader	*reader;
	struct buf		 out;		/* not yet with the writer */
	size_t			 sending;	/* octets with it */
	struct redis_call	*first, **end;	/* the oldest first */
	size_t			 waiting;
	struct err		 why;		/* it is down */
	struct err		 lost;		/* why the last one broke */
};

struct redis_hopeful {		/* waits for a link, on its own stack */
	struct fiber		*fiber;
	struct redis_hopeful	*next, **prev;
};

struct redis {
	struct redis_options	 options;
	struct addr		 addr;		/* of the unix socket */
	const char		*name;
	bool			 is_stopping;
	struct redis_link	*links;
	struct redis_hopeful	*hopeful;
	struct redis_stats	 stats;
};

/* --- redis.c --- */
void		 redis_wake_hopeful(struct redis *r);
void		 redis_put_command(struct buf *out,
		    const struct redis_command *command);

/* --- redis_link.c --- */
void		 redis_link_start(struct redis_link *l);
#endif
