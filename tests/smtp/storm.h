#ifndef TESTS_SMTP_STORM_H
#define TESTS_SMTP_STORM_H
#include <stdbool.h>
#include "base/span.h"
/*
 * storm -- what the parts of a storm know of each other
 *
 * storm_servers.c plays the backends, SMTP and LMTP, and notes for whom they
 * have taken a message. storm_heard.c reads what the client is told, as a
 * client would, and holds each 2yz against that.
 */
#define STORM_MESSAGES	2	/* "id 1", ... in the body; 0: another */

unsigned storm_any(unsigned below);	/* of the storm's own dice */
#define STORM_ANY_OF(list) \
	((list)[storm_any(sizeof(list) / sizeof((list)[0]))])

/* --- the backends --- */

void	 storm_servers_begin(void);
/* Of what has come since. False: nothing had. */
bool	 storm_servers_turn(void);
void	 storm_servers_end(void);
/* How often somebody has this message. */
unsigned storm_copies(struct span sender, struct span rcpt, unsigned message);
/* The most that anybody has of one; *who is told in words. */
unsigned storm_most_copies(const char **who);

/* --- the client --- */

void	 storm_heard_begin(void);
/* Before it is sent: a command, maybe with a chunk behind it, or (message not
 * 0) the rest of a message and its dot. */
void	 storm_heard_say(const char *text, unsigned message);
/* Replies, as far as they have come. */
void	 storm_heard_read(void);
/* DATA was answered 354, and the message is not said yet. */
bool	 storm_heard_awaits_message(void);
#endif
