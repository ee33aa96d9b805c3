#ifndef BASE_SPOOL_BLOCK_H
#define BASE_SPOOL_BLOCK_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
/*
 * spool_block -- pieces of memory for spools, within a budget of the process
 *
 * For spool.c and loop.c only. Blocks come from mmap, so what is not written
 * to takes no memory. Those that come back are kept to be used again, the
 * last one first while it is in the processor's cache; what nobody has used
 * for SPOOL_IDLE goes back to the system but for SPOOL_KEEP blocks. After
 * a burst the process is as small as before.
 */
#define SPOOL_BLOCK	(128 * 1024 - sizeof(void *) - sizeof(size_t))
#define SPOOL_KEEP	8
#define SPOOL_IDLE	(1 * CLOCK_S)

struct spool_block {
	struct spool_block	*next;	/* NULL from spool_block_get() */
	size_t			 len;	/* and 0; spool.c counts */
	char			 bytes[SPOOL_BLOCK];
};

/* For all blocks in use; what does not make up a block counts as nothing. */
void			 spool_block_budget(size_t bytes);
size_t			 spool_block_allowed(void);	/* blocks */
/* NULL: the budget is used up. Who must have one gets it all the same. */
struct spool_block	*spool_block_get(bool must);
void			 spool_block_put(struct spool_block *b);
size_t			 spool_block_pooled(void);
/* When there is something to give back, or CLOCK_NEVER; and doing it. */
int64_t			 spool_block_next_trim(void);
void			 spool_block_trim(int64_t now);
#endif
