#ifndef GATEWAY_CHANNEL_H
#define GATEWAY_CHANNEL_H
#include "base/err.h"
#include "base/span.h"
/*
 * channel -- what supervisor and worker say to each other
 *
 * A pair of SOCK_SEQPACKET sockets made before the fork. A message is one
 * letter and an optional text. That the other end is gone is seen as
 * CHANNEL_CLOSED, however it died, so a worker learns of the end of its
 * supervisor and the other way round.
 *
 * Never     blocks: a message that does not fit is lost. They are few and
 *           short.
 */
#define CHANNEL_TEXT	1024
/* What a worker says in its life; who says more is taken over, and killed. */
#define CHANNEL_WORDS	16

enum channel_kind {
	CHANNEL_NONE = 0,	/* nothing there now */
	CHANNEL_CLOSED = -1,
	/* supervisor to worker */
	CHANNEL_GO = 'g',	/* accept */
	CHANNEL_DRAIN = 'd',
	CHANNEL_STOP = 's',
	CHANNEL_REOPEN = 'l',	/* the log was rotated */
	/* worker to supervisor */
	CHANNEL_READY = 'r',
	CHANNEL_SHUT = 'c',	/* draining: it lets nobody in any more */
	CHANNEL_FAILED = 'f'	/* could not start; the text says why */
};

struct channel_message {
	enum channel_kind	kind;
	struct span		text;	/* of a static buffer, until the next */
};

int	channel_pair(int fd[2], struct err *err);
void	channel_say(int fd, enum channel_kind kind, struct span text);
struct channel_message
	channel_hear(int fd);
#endif
