#ifndef BASE_SPOOL_BLOCK_H
#define BASE_SPOOL_BLOCK_H
#include <stddef.h>
/*
 * spool_block -- pieces of memory for spools, from a pool of the process
 *
 * For spool.c only. Blocks come from mmap, so what is not written to takes
 * no memory, and what goes back beyond SPOOL_POOL blocks goes back to
 * the system: after a burst the process is as small as before.
 */
#define SPOOL_BLOCK	(32 * 1024 - sizeof(void *))
#define SPOOL_POOL	32

struct spool_block {
	struct spool_block	*next;	/* NULL from spool_block_get() */
	char			 bytes[SPOOL_BLOCK];
};

struct spool_block	*spool_block_get(void);	/* never NULL */
void			 spool_block_put(struct spool_block *b);
size_t			 spool_block_pooled(void);
#endif
