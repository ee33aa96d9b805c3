#ifndef GATEWAY_RING_H
#define GATEWAY_RING_H
#include <stdbool.h>
#include <stdint.h>
#include "base/buf.h"
#include "base/span.h"
struct iovec;
/*
 * ring -- the last records of a process, the newest in the place of the oldest
 *
 * It lies in memory that processes share; its one writer may be killed at any
 * instant, and who comes into his place goes on behind his records. Positions
 * are words since the beginning and never turn back: `tail` is the oldest
 * whole record, `head` the end of the newest. No reader waits, none tries
 * twice: what was written over while he copied is left out.
 *
 * The writer may have to pass records on to somewhere else, the journal: then
 * the ring is also where they wait, and where they still are when he is killed.
 * `passed` is how far he has come. Before he begins with some he says up to
 * where (`begun`), so that it is known of which he may have passed on a part.
 * What waits must be passed on before it is written over: that is his affair.
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
	uint64_t	passed;
	uint64_t	begun;
	uint64_t	words[RING_WORDS];
};

/* One of about so many octets will come at once: the processor may fetch its
 * place. */
void	ring_expect(const struct ring *r, size_t len);
/* False: it is empty, or too long, and not in the ring. */
bool	ring_put(struct ring *r, struct span record);
/* One that is passed on already, and all before it: it never waits. */
bool	ring_put_passed(struct ring *r, struct span record);
/* Tells of each record, the oldest first, until tell() returns false. The
 * record lies in *scratch, which the caller frees and may keep for the next. */
void	ring_each(const struct ring *r, struct buf *scratch,
	    bool (*tell)(void *owner, struct span record), void *owner);

/* --- what waits to be passed on --- */

/* Octets, about. */
size_t	ring_waiting(const struct ring *r);
/* The writer: the oldest of them, whole, in n > 1 pieces at most (one that lies
 * over the ring's end has two); 0: none waits. They are begun with, up to the
 * position *upto. */
size_t	ring_begin(struct ring *r, struct iovec *pieces, size_t n,
	    uint64_t *upto);
/* These are passed on. */
void	ring_pass(struct ring *r, uint64_t upto);
/* So are all. */
void	ring_pass_all(struct ring *r);
/* As ring_each(), of those that wait; whoever wrote them is gone. */
void	ring_each_waiting(const struct ring *r, struct buf *scratch,
	    bool (*tell)(void *owner, struct span record), void *owner);
/* He had begun with some of them, from the oldest on. */
bool	ring_is_begun(const struct ring *r);
#endif
