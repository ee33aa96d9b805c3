#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/spool.h"
#include "base/spool_block.h"

/* Runs from this size on go to the file from where they are. */
#define DIRECT	(SPOOL_BLOCK / 2)
#define IOV	16

struct spool {
	const char		*dir;
	size_t			 memory;
	uint64_t		 size;
	int			 fd;		/* -1: all in memory */
	bool			 ended;
	int			 failure;	/* errno of a failed write, or 0 */
	/* In memory: the whole content, each block but the last full.
	 * In a file: at most one block, what is gathered for it. */
	struct spool_block	*first, *last;
	size_t			 used;		/* of the last */
};

static void
free_blocks(struct spool *s)
{
	struct spool_block *b, *next;

	for (b = s->first; b != NULL; b = next) {
		next = b->next;
		spool_block_put(b);
	}
	s->first = s->last = NULL;
	s->used = 0;
}

static void
spool_close(void *arg)
{
	struct spool *s = arg;

	free_blocks(s);
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

struct spool *
spool_open(struct arena *a, const char *dir, size_t memory)
{
	struct spool *s = arena_new(a, struct spool);

	s->dir = arena_strdup(a, dir);
	s->memory = memory;
	s->fd = -1;
	arena_defer(a, spool_close, s);
	return s;
}

static int
fail(struct spool *s, int error, struct err *err)
{
	s->failure = error;
	return err_set(err, ERR_UNAVAIL, "spool %s: %s", s->dir,
	    strerror(error));
}

/* Kernels and file systems without O_TMPFILE say so in different ways. */
static int
open_unlinked(const char *dir)
{
	char *path;
	int fd;

	fd = open(dir, O_TMPFILE | O_RDWR | O_CLOEXEC, 0600);
	if (fd >= 0 || (errno != EOPNOTSUPP && errno != EISDIR &&
	    errno != EINVAL && errno != ENOENT))
		return fd;
	if (asprintf(&path, "%s/forepost.XXXXXX", dir) < 0)
		return -1;
	fd = mkostemp(path, O_CLOEXEC);
	if (fd >= 0)
		unlink(path);
	free(path);	/* keeps errno, POSIX.1-2024 and glibc 2.33 */
	return fd;
}

/* All of it; iov is used up. */
static int
write_all(struct spool *s, struct iovec *iov, int count, struct err *err)
{
	ssize_t n;

	while (count > 0) {
		n = writev(s->fd, iov, count);
		if (n < 0 && errno == EINTR)
			continue;
		if (n <= 0)
			return fail(s, n < 0 ? errno : EIO, err);
		while (count > 0 && (size_t)n >= iov->iov_len) {
			n -= (ssize_t)iov->iov_len;
			iov++;
			count--;
		}
		if (count > 0) {
			iov->iov_base = (char *)iov->iov_base + n;
			iov->iov_len -= (size_t)n;
		}
	}
	return 0;
}

/* All blocks to the file. They go back to the pool but for one, which
 * gathers from here on. */
static int
write_blocks(struct spool *s, struct err *err)
{
	struct spool_block *b, *next;
	struct iovec iov[IOV];
	int n = 0;

	for (b = s->first; b != NULL; b = b->next) {
		iov[n].iov_base = b->bytes;
		iov[n++].iov_len = b == s->last ? s->used : SPOOL_BLOCK;
		if (n < IOV && b != s->last)
			continue;
		if (write_all(s, iov, n, err) < 0)
			return -1;
		n = 0;
	}
	while (s->first != s->last) {
		next = s->first->next;
		spool_block_put(s->first);
		s->first = next;
	}
	s->used = 0;
	return 0;
}

static int
move_to_file(struct spool *s, struct err *err)
{
	s->fd = open_unlinked(s->dir);
	if (s->fd < 0)
		return fail(s, errno, err);
	return write_blocks(s, err);
}

/* Room in the last block, of at least one byte. */
static size_t
room(struct spool *s)
{
	struct spool_block *b;

	if (s->last == NULL || s->used == SPOOL_BLOCK) {
		b = spool_block_get();
		if (s->last == NULL)
			s->first = b;
		else
			s->last->next = b;
		s->last = b;
		s->used = 0;
	}
	return SPOOL_BLOCK - s->used;
}

static void
copy_in(struct spool *s, struct span *bytes)
{
	size_t n = room(s);

	if (n > bytes->len)
		n = bytes->len;
	memcpy(s->last->bytes + s->used, bytes->p, n);
	s->used += n;
	bytes->p += n;
	bytes->len -= n;
}

static int
write_file(struct spool *s, struct span bytes, struct err *err)
{
	struct iovec iov[2];

	if (bytes.len >= DIRECT) {
		iov[0].iov_base = s->last != NULL ? s->last->bytes : NULL;
		iov[0].iov_len = s->used;
		iov[1].iov_base = (char *)bytes.p;
		iov[1].iov_len = bytes.len;
		s->used = 0;
		return write_all(s, iov, 2, err);
	}
	while (bytes.len > 0) {
		if (s->used == SPOOL_BLOCK && write_blocks(s, err) < 0)
			return -1;
		copy_in(s, &bytes);
	}
	return 0;
}

int
spool_write(struct spool *s, struct span bytes, struct err *err)
{
	assert(!s->ended);
	if (s->failure != 0)
		return fail(s, s->failure, err);
	if (bytes.len == 0)
		return 0;
	if (s->fd < 0 && bytes.len > s->memory - s->size &&
	    move_to_file(s, err) < 0)
		return -1;
	s->size += bytes.len;
	if (s->fd >= 0)
		return write_file(s, bytes, err);
	while (bytes.len > 0)
		copy_in(s, &bytes);
	return 0;
}

int
spool_end(struct spool *s, struct err *err)
{
	assert(!s->ended);
	if (s->failure != 0)
		return fail(s, s->failure, err);
	s->ended = true;
	if (s->fd < 0)
		return 0;
	if (s->used > 0 && write_blocks(s, err) < 0)
		return -1;
	free_blocks(s);
	return 0;
}

uint64_t
spool_size(const struct spool *s)
{
	return s->size;
}

int
spool_file(const struct spool *s)
{
	assert(s->ended && s->failure == 0);
	return s->fd;
}

struct span
spool_run(const struct spool *s, uint64_t offset)
{
	const struct spool_block *b = s->first;
	uint64_t at = offset;
	size_t len;

	assert(s->ended && s->failure == 0 && s->fd < 0);
	if (offset >= s->size)
		return SPAN_LIT("");
	for (; at >= SPOOL_BLOCK; at -= SPOOL_BLOCK)
		b = b->next;
	len = b == s->last ? s->used : SPOOL_BLOCK;
	return span_n(b->bytes + at, len - (size_t)at);
}

ssize_t
spool_read(struct spool *s, uint64_t offset, void *p, size_t len,
    struct err *err)
{
	struct span run;
	ssize_t n;

	assert(s->ended && s->failure == 0);
	if (offset >= s->size || len == 0)
		return 0;
	if (s->fd < 0) {
		run = spool_run(s, offset);
		if (len > run.len)
			len = run.len;
		memcpy(p, run.p, len);
		return (ssize_t)len;
	}
	do
		n = pread(s->fd, p, len, (off_t)offset);
	while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, ERR_UNAVAIL, "spool %s: %s", s->dir,
		    strerror(errno));
	if (n == 0)
		return err_set(err, ERR_UNAVAIL,
		    "spool %s: the file is shorter than what was written",
		    s->dir);
	return n;
}
