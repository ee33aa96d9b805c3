#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/spool.h"
#include "base/spool_block.h"

struct spool {
	const char		*dir;
	uint64_t		 size;
	uint64_t		 in_memory;
	uint64_t		 skipped;	/* of what was in memory */
	uint64_t		 file_begin;
	int			 fd;		/* -1: all in memory */
	bool			 ended;
	int			 failure;	/* errno of a failed write, or 0 */
	struct spool_block	*first, *last;	/* what is in memory */
	struct spool_block	*gathered;	/* for the file; while writing */
};

static void
spool_close(void *arg)
{
	struct spool *s = arg;
	struct spool_block *b, *next;

	for (b = s->first; b != NULL; b = next) {
		next = b->next;
		spool_block_put(b);
	}
	if (s->gathered != NULL)
		spool_block_put(s->gathered);
	s->first = s->last = s->gathered = NULL;
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
}

void
spool_memory(size_t bytes)
{
	spool_block_budget(bytes);
}

struct spool *
spool_open(struct arena *a, const char *dir)
{
	struct spool *s = arena_new(a, struct spool);

	s->dir = arena_strdup(a, dir);
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

static int
write_gathered(struct spool *s, struct err *err)
{
	const char *p = s->gathered->bytes;
	ssize_t n;

	for (; s->gathered->len > 0; s->gathered->len -= (size_t)n) {
		n = write(s->fd, p, s->gathered->len);
		if (n < 0 && errno == EINTR)
			n = 0;
		else if (n <= 0)
			return fail(s, n < 0 ? errno : EIO, err);
		p += n;
	}
	return 0;
}

/* One more block of memory; false: the rest goes to the file. */
static bool
grow(struct spool *s)
{
	struct spool_block *b;

	b = spool_block_get(s->first == NULL && spool_block_allowed() > 0);
	if (b == NULL)
		return false;
	if (s->first == NULL)
		s->first = b;
	else
		s->last->next = b;
	s->last = b;
	return true;
}

/* The block that takes the next bytes, with room for `least`; NULL: err. */
static struct spool_block *
tail(struct spool *s, size_t least, struct err *err)
{
	if (s->fd < 0) {
		if (s->last != NULL && SPOOL_BLOCK - s->last->len >= least)
			return s->last;
		if (grow(s))
			return s->last;
		s->fd = open_unlinked(s->dir);
		if (s->fd < 0) {
			fail(s, errno, err);
			return NULL;
		}
		s->gathered = spool_block_get(true);
	}
	if (SPOOL_BLOCK - s->gathered->len < least &&
	    write_gathered(s, err) < 0)
		return NULL;
	return s->gathered;
}

char *
spool_room(struct spool *s, size_t *len)
{
	struct spool_block *b;
	struct err err;

	assert(!s->ended);
	if (s->failure != 0)
		return NULL;
	b = tail(s, SPOOL_ROOM, &err);
	if (b == NULL)
		return NULL;
	*len = SPOOL_BLOCK - b->len;
	return b->bytes + b->len;
}

/* What lies in the room that was lent moves down to where it belongs; mostly
 * it is there already. */
static bool
take_from_room(struct spool *s, struct span bytes)
{
	struct spool_block *b = s->fd < 0 ? s->last : s->gathered;

	if (b == NULL || bytes.p < b->bytes + b->len ||
	    bytes.p >= b->bytes + SPOOL_BLOCK)
		return false;
	assert(bytes.len <= (size_t)(b->bytes + SPOOL_BLOCK - bytes.p));
	if (bytes.p != b->bytes + b->len)
		memmove(b->bytes + b->len, bytes.p, bytes.len);
	b->len += bytes.len;
	return true;
}

static int
copy(struct spool *s, struct span bytes, struct err *err)
{
	struct spool_block *b;
	size_t n;

	for (; bytes.len > 0; bytes = span_n(bytes.p + n, bytes.len - n)) {
		b = tail(s, 1, err);
		if (b == NULL)
			return -1;
		n = SPOOL_BLOCK - b->len;
		if (n > bytes.len)
			n = bytes.len;
		memcpy(b->bytes + b->len, bytes.p, n);
		b->len += n;
		if (s->fd < 0)
			s->in_memory += n;
	}
	return 0;
}

int
spool_write(struct spool *s, struct span bytes, struct err *err)
{
	assert(!s->ended);
	if (s->failure != 0)
		return fail(s, s->failure, err);
	if (take_from_room(s, bytes)) {
		if (s->fd < 0)
			s->in_memory += bytes.len;
	} else if (copy(s, bytes, err) < 0)
		return -1;
	s->size += bytes.len;
	return 0;
}

int
spool_end(struct spool *s, struct err *err)
{
	assert(!s->ended);
	if (s->failure != 0)
		return fail(s, s->failure, err);
	s->ended = true;
	if (s->gathered == NULL)
		return 0;
	if (write_gathered(s, err) < 0)
		return -1;
	spool_block_put(s->gathered);
	s->gathered = NULL;
	return 0;
}

void
spool_skip(struct spool *s, uint64_t n)
{
	assert(s->ended && s->failure == 0 && n <= s->size);
	s->size -= n;
	s->skipped = n < s->in_memory ? n : s->in_memory;
	s->in_memory -= s->skipped;
	s->file_begin = n - s->skipped;
}

uint64_t
spool_size(const struct spool *s)
{
	return s->size;
}

int
spool_file(const struct spool *s, uint64_t *begin)
{
	assert(s->ended && s->failure == 0);
	*begin = s->file_begin;
	return s->size > s->in_memory ? s->fd : -1;
}

uint64_t
spool_in_memory(const struct spool *s)
{
	assert(s->ended && s->failure == 0);
	return s->in_memory;
}

int
spool_runs(const struct spool *s, uint64_t offset, struct iovec *runs,
    int max)
{
	struct spool_block *b = s->first;
	int n;

	assert(s->ended && s->failure == 0);
	offset += s->skipped;
	for (; b != NULL && offset >= b->len; b = b->next)
		offset -= b->len;
	for (n = 0; b != NULL && b->len > 0 && n < max; b = b->next, n++) {
		runs[n].iov_base = b->bytes + offset;
		runs[n].iov_len = b->len - (size_t)offset;
		offset = 0;
	}
	return n;
}

static ssize_t
read_file(struct spool *s, uint64_t offset, void *p, size_t len,
    struct err *err)
{
	ssize_t n;

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

ssize_t
spool_read(struct spool *s, uint64_t offset, void *p, size_t len,
    struct err *err)
{
	struct iovec run;

	assert(s->ended && s->failure == 0);
	if (offset >= s->size || len == 0)
		return 0;
	if (spool_runs(s, offset, &run, 1) == 0)
		return read_file(s, s->file_begin + offset -
		    s->in_memory, p, len, err);
	if (len > run.iov_len)
		len = run.iov_len;
	memcpy(p, run.iov_base, len);
	return (ssize_t)len;
}
