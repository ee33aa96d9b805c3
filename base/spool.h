#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * spool -- the bytes of one message: in memory, then in a temporary file
 *
 * Written once from front to back, then read any number of times. Up to
 * `memory` bytes are held in memory (chunks from a pool of the process);
 * beyond that all goes to an unlinked temporary file in `dir` (O_TMPFILE, or
 * create and unlink), so that a crash leaves nothing.
 *
 * Memory    spool_open() registers its close with the arena.
 * Order     writes, then spool_end(), then reads; other orders are bugs
 *           (assert). Short writes to the file are gathered, so spool_end()
 *           can be the one that finds the disk full.
 * Errors    of writing: ERR_UNAVAIL, "spool /dir: No space left on
 *           device". The spool is then unusable but for the close.
 * Yields    never; writes go to the page cache.
 */
struct spool;

struct spool	*spool_open(struct arena *a, const char *dir, size_t memory);
int		 spool_write(struct spool *s, struct span bytes,
		    struct err *err);
/* Nothing more comes: what is gathered goes to the file. */
int		 spool_end(struct spool *s, struct err *err);
uint64_t	 spool_size(const struct spool *s);
/* The file that holds everything, from offset 0, or -1: all in memory. */
int		 spool_file(const struct spool *s);
/* Copies nothing: the next run of bytes at `offset` of a spool in memory;
 * empty at the end. For one in a file use spool_read(). */
struct span	 spool_run(const struct spool *s, uint64_t offset);
/* Reads up to len bytes at offset, from memory or file; 0 at the end. */
ssize_t		 spool_read(struct spool *s, uint64_t offset, void *p,
		    size_t len, struct err *err);
#endif
