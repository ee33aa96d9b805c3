#ifndef BASE_SPOOL_H
#define BASE_SPOOL_H
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>
#include <sys/uio.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * spool -- the bytes of one message: in memory, and then in a temporary file
 *
 * Written once from front to back, then read any number of times. All spools
 * of the process share one budget of memory (spool_memory()). While it lasts
 * a message is in memory; what comes when it is used up goes to an unlinked
 * temporary file in `dir` (O_TMPFILE, or create and unlink), so that a crash
 * leaves nothing. What was in memory already stays there: a spool is memory
 * first and file after, and either part may be empty. The first block of
 * each spool is in memory whatever the budget holds, so that a few large
 * messages do not send the small ones to the disk.
 *
 * Memory    spool_open() registers its close with the arena.
 * Order     writes, then spool_end(), then reads; other orders are bugs
 *           (assert). Writes to the file are gathered, so spool_end() can be
 *           the one that finds the disk full.
 * Errors    of writing: ERR_UNAVAIL, "spool /dir: No space left on
 *           device". The spool is then unusable but for the close.
 * Yields    never; writes go to the page cache.
 */
struct spool;

/* The budget of the process. Less than a block (128 KiB) is none: then all
 * goes to files. */
void		 spool_memory(size_t bytes);

struct spool	*spool_open(struct arena *a, const char *dir);
int		 spool_write(struct spool *s, struct span bytes,
		    struct err *err);
/* Where the next bytes may be put by the caller, to spare a copy: *len of
 * them, at least SPOOL_ROOM. spool_write() then takes from there what is to
 * stay, in one call or in several, front to back; other calls in between end
 * the loan. NULL: the disk is full or the like, as spool_write() will say. */
#define SPOOL_ROOM	(16 * 1024)
char		*spool_room(struct spool *s, size_t *len);
/* Nothing more comes: what is gathered goes to the file. */
int		 spool_end(struct spool *s, struct err *err);
/* Once, before the first read: what is read begins behind the first n octets,
 * and offsets and sizes count from there. */
void		 spool_skip(struct spool *s, uint64_t n);
uint64_t	 spool_size(const struct spool *s);
/* So many bytes, from the front, are in memory. */
uint64_t	 spool_in_memory(const struct spool *s);
/* The file that holds the rest, from this offset of it on; or -1: no rest. */
int		 spool_file(const struct spool *s, uint64_t *begin);
/* Copies nothing: the next runs of bytes in memory from `offset` on, at most
 * `max`. Returns how many; 0 at the end of what is in memory. */
int		 spool_runs(const struct spool *s, uint64_t offset,
		    struct iovec *runs, int max);
/* Reads up to len bytes at offset, from memory or file; 0 at the end. */
ssize_t		 spool_read(struct spool *s, uint64_t offset, void *p,
		    size_t len, struct err *err);
#endif
