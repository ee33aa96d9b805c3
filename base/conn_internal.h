#ifndef BASE_CONN_INTERNAL_H
#define BASE_CONN_INTERNAL_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/conn.h"
/*
 * conn_internal -- what the conn*.c files share, and nobody else
 *
 *	conn.c		life, events, waiting
 *	conn_in.c	input buffers, reading
 *	conn_out.c	output buffers, writing
 *
 * Readiness is edge-triggered: the kernel tells once, and is_readable stays
 * true until a read comes back short or empty. A dialogue of single lines so
 * costs one read a line, without a look that finds nothing. A reset by the
 * peer may be told together with its last octets and not again (libevent
 * reports it as readiness only): a write would find it, and who waits without
 * having written looks once more.
 */
struct event;
struct conn {
	int		 fd;
	bool		 is_readable;	/* may be: a read would tell */
	bool		 is_hung_up;	/* the peer will send no more */
	bool		 is_unproved;	/* read short and not written since: an
					   error may have come with the octets,
					   told by the same event */
	bool		 is_writable;
	unsigned	 reads;		/* since the last wait */
	struct event	*read_event, *write_event;
	struct fiber	*reader, *writer;
	struct tls	*tls;
	char		*in;		/* NULL, or cap octets */
	size_t		 in_cap, in_at, in_len;
	struct buf	 out;
	uint64_t	 bytes_in, bytes_out;
};

/* --- conn.c --- */
void	 conn_watch_read(struct conn *c);

/* --- conn_in.c --- */
/* A block of CONN_INPUT octets from the pool of the process. */
char	*conn_block_take(void);
void	 conn_block_give(char *p);
void	 conn_input_release(struct conn *c);

/* --- conn_out.c --- */
void	 conn_output_release(struct conn *c);
#endif
