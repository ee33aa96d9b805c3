#ifndef GATEWAY_RING_H
#define GATEWAY_RING_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/span.h"
/*
 * ring -- the last records of a process, the newest in the place of the oldest
 *
 * It lies in memory that processes share; its one writer may be killed at any
 * instant, and who comes into his place goes on behind his records. Positions
 * are words since the beginning and never turn back: `tail` is the oldest
 * whole record, `head` the end of the newest. No reader waits, none tries
 * twice: what was written over while he copied is left out.
 *
 * A zeroed ring is empty.
 *
 * Limits    a record is RING_RECORD octets at most. What is read is bounded by
 *           the ring, and lengths are checked: another process wrote them.
 *           Of the octets of a record nothing is known.
 * Tested    ring_test.c, with writers that are killed
 */
#define RING_WORDS	(64 * 1024)	/* 512 KiB: some 300 transactions */
#define RING_RECORD	(32 * 1024)

struct ring {
	uint64_t	head;
	uint64_t	tail;
	uint64_t	words[RING_WORDS];
};

/* False: it is empty, or too long, and not in the ring. */
bool	ring_put(struct ring *r, struct span record);
/* Tells of each record, the oldest first, until tell() returns false. The
 * record lies in *scratch, which the caller frees and may keep for the next. */
void	ring_each(const struct ring *r, struct buf *scratch,
	    bool (*tell)(void *owner, struct span record), void *owner);
#endif
