#ifndef TESTS_KIT_PLAYED_H
#define TESTS_KIT_PLAYED_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/conn.h"
#include "base/redis.h"
/*
 * played -- base/redis.c against a server that the test plays
 *
 * dial() gives the client one end of a socketpair (tests/fake/dial.c), time
 * passes only when the test says so (tests/fake/clock.c). The server does what
 * it is told:
 *
 *	PING		`pong`
 *	ECHO word	the word, as a string
 *	SAY word	the word as it is: an answer, or rubbish
 *	DRIP word	the same, octet by octet
 *	LAST word	the same, and closes
 *	CLOSE		closes
 *	HOLD		nothing more, until played_let_go()
 *
 * and what else it is told is answered by `otherwise`, or by OK.
 */
struct played {
	/* the server; set by the test at any time */
	int		 refuses;	/* one of FAKE_DIAL_*; 0: it does not */
	const char	*greeting;	/* and then it closes; NULL: none */
	const char	*pong;
	int		 (*otherwise)(struct conn *c,
			    const struct redis_reply *command);
	unsigned	 connections, dials;
	struct buf	 log;		/* "AUTH x;PING;" */
	bool		 is_held;
	struct fiber	*holding;
	/* the client */
	struct arena	*arena;
	struct redis	*redis;
};
extern struct played played;		/* one at a time */

struct asker {			/* a fiber with one command */
	const char	*verb, *word;	/* word NULL: none */
	int64_t		 patience;
	struct fiber	*fiber;
	bool		 is_done;
	char		 said[200];	/* the answer, or the error */
};

/* The loop is there. Clears the server; what the test wants of it is set
 * behind played_clear(), before or behind played_open(). */
void		 played_clear(void);
void		 played_open(const struct redis_options *options);
/* With a server of its own at 192.0.2.1; its links are not new any more. */
void		 played_begin(size_t connections);
/* All fibers must end by that; it is a case. */
void		 played_end(void);

/* What was told since the last time. */
const char	*played_log(void);
void		 played_hold(void);
void		 played_let_go(void);

/* Lets everything happen that happens without time passing; or with. */
void		 played_settle(void);
void		 played_pass(int64_t us);

/* Begins to ask, with a second of patience; `ask` also lets it happen. */
struct asker	*played_spawn(const char *verb, const char *word);
struct asker	*played_ask(const char *verb, const char *word);
/* The answer, or that there is none yet. */
const char	*played_asked(const char *verb, const char *word);
#endif
