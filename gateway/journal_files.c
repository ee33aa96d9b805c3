#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "gateway/journal.h"
#include "gateway/stats.h"

/*
 * The supervisor's part. The folder may belong to the workers, who are not
 * trusted: names are renamed and removed, and no link is followed.
 */

/* --- the file --- */

static bool
is_torn(int fd)
{
	struct stat st;
	char last;

	return fstat(fd, &st) == 0 && st.st_size > 0 &&
	    pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n';
}

/* -1 with errno. */
static int
open_regular(const char *path, int mode)
{
	int fd = open(path, mode | O_NOFOLLOW | O_NONBLOCK | O_NOCTTY |
	    O_CLOEXEC);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && S_ISREG(st.st_mode)))
		return fd;
	close(fd);
	errno = EINVAL;
	return -1;
}

/* One with a second name may be somebody else's, and what the worker left may
 * be made for it. */
static int
open_to_write(const char *path)
{
	int fd = open_regular(path, O_RDWR | O_APPEND);
	struct stat st;

	if (fd < 0 || (fstat(fd, &st) == 0 && st.st_nlink == 1))
		return fd;
	close(fd);
	errno = EMLINK;
	return -1;
}

static void
end_torn(int fd)
{
	if (fd >= 0 && is_torn(fd))
		(void)!write(fd, "\n", 1);
}

static void
make(const char *path, const struct identity *id)
{
	int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0640);

	if (fd >= 0)
		close(fd);
	identity_own_file(id, path);
}

void
journal_prepare(const struct settings *s, const struct identity *id)
{
	int fd;

	if (s->journal_file == NULL)
		return;
	make(s->journal_file, id);
	/* All of us may have been killed. */
	fd = open_to_write(s->journal_file);
	end_torn(fd);
	if (fd >= 0)
		close(fd);
}

/* --- rotation --- */

static const char *
name_of(struct arena *a, const char *path, uint64_t n)
{
	return n == 0 ? path : arena_printf(a, "%s.%" PRIu64, path, n);
}

static void
tell(enum log_label label, const char *event, const char *path,
    const char *why)
{
	struct logline l;

	log_begin(&l, label, "-", event);
	log_z(&l, "file", path);
	log_z(&l, "why", why);
	log_end(&l);
}

/* The last one goes; none of the others is lost if one cannot be renamed. */
static bool
shift(struct arena *a, const char *path, uint64_t keep)
{
	for (uint64_t n = keep; n > 0; n--)
		if (rename(name_of(a, path, n - 1), name_of(a, path, n)) < 0 &&
		    errno != ENOENT)
			return false;
	return true;
}

/* Where the folder is root's, nobody else can make it. */
static bool
make_again(const struct settings *s, const struct identity *id)
{
	struct stat st;

	if (lstat(s->journal_file, &st) == 0 || errno != ENOENT)
		return false;
	journal_prepare(s, id);
	return lstat(s->journal_file, &st) == 0;
}

bool
journal_rotate(const struct settings *s, const struct identity *id)
{
	static bool has_failed;		/* so that it is told once */
	const char *path = s->journal_file;
	struct arena *a;
	struct stat st;
	bool good;

	if (path == NULL)
		return false;
	if (make_again(s, id))
		return true;
	if (s->journal_keep == 0 || lstat(path, &st) < 0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size < s->journal_max_size)
		return false;
	a = arena_create("journal");
	good = shift(a, path, s->journal_keep);
	if (!good && !has_failed)
		tell(LOG_LABEL_WARN, "journal is not rotated", path,
		    strerror(errno));
	has_failed = !good;
	arena_destroy(&a);
	if (!good)
		return false;
	tell(LOG_LABEL_INFO, "journal rotated", path, NULL);
	journal_prepare(s, id);
	return true;
}

/* --- a worker is gone --- */

/* Others may have written so much behind it meanwhile: the supervisor comes
 * within milliseconds. */
#define TAIL	((off_t)8 * 1024 * 1024)

struct rescue {
	const char	*path;
	int		 fd;		/* -1: error says why */
	int		 error;
	struct buf	 tail;		/* of the file, and of FILE.1 */
	size_t		 at;		/* what is looked for is behind it */
	bool		 looks;		/* the next may be there */
	uint64_t	 written, dropped;
};

static void
read_tail(struct rescue *r, const char *path)
{
	int fd = open_regular(path, O_RDONLY);
	struct stat st;
	ssize_t n;
	off_t begin;

	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && st.st_size > 0) {
		begin = st.st_size > TAIL ? st.st_size - TAIL : 0;
		buf_reserve(&r->tail, (size_t)(st.st_size - begin));
		n = pread(fd, r->tail.p + r->tail.len,
		    (size_t)(st.st_size - begin), begin);
		r->tail.len += n > 0 ? (size_t)n : 0;
	}
	close(fd);
}

/*
 * `line` is not there, but perhaps a part of it; and before that was ended,
 * another worker may have written one line of its own behind it. That one is
 * written again.
 */
static void
separate(const struct rescue *r, struct span line)
{
	static const char begins[] = "{\"v\":";	/* as each record does */
	const size_t len = sizeof(begins) - 1;
	struct span rest = span_n(r->tail.p + r->at, r->tail.len - r->at);
	const char *other, *p;
	size_t same;

	while (rest.len > 0) {
		struct span both = span_until(&rest, '\n');

		for (same = 0; same < both.len && same < line.len &&
		    both.p[same] == line.p[same]; same++)
			;
		if (same == 0 || same == both.len)
			continue;	/* nothing of it, or nothing behind */
		other = NULL;
		for (p = both.p + 1; (p = memmem(p, (size_t)(both.p + both.len -
		    p), begins, len)) != NULL && p <= both.p + same; p++)
			other = p;	/* the last one */
		if (other == NULL)
			continue;
		(void)!write(r->fd, other, (size_t)(rest.p - other));
		return;
	}
}

/* They were written one behind the other, the oldest first: behind the first
 * that is not there none is. */
static bool
is_there(struct rescue *r, struct span line)
{
	const char *p = NULL;

	if (r->looks && r->tail.len > r->at) {
		p = memmem(r->tail.p + r->at, r->tail.len - r->at, line.p,
		    line.len);
		if (p == NULL)
			separate(r, line);
	}
	r->looks = p != NULL;
	if (p != NULL)
		r->at = (size_t)(p - r->tail.p) + line.len;
	return p != NULL;
}

static bool
rescue(void *owner, struct span line)
{
	struct rescue *r = owner;
	ssize_t n = -1;

	if (is_there(r, line)) {
		r->written++;
		return true;
	}
	if (r->fd >= 0) {
		n = write(r->fd, line.p, line.len);
		r->error = n < 0 ? errno : ENOSPC;
	}
	if (n == (ssize_t)line.len)
		r->written++;
	else
		r->dropped++;
	return true;
}

static void
tell_rescue(const struct rescue *r)
{
	struct logline l;

	stats_add(STAT_JOURNAL_RECORDS, (int64_t)r->written);
	stats_add(STAT_JOURNAL_DROPPED, (int64_t)r->dropped);
	if (r->dropped == 0)
		return;
	log_begin(&l, LOG_LABEL_WARN, "-", "journal lacks records");
	log_z(&l, "file", r->path);
	log_z(&l, "why", strerror(r->error));
	log_int(&l, "dropped", (int64_t)r->dropped);
	log_end(&l);
}

void
journal_rescue(const char *path, const struct identity *id, struct ring *ring)
{
	struct rescue r = { .path = path };
	struct buf scratch = {0};
	struct arena *a;

	if (path == NULL)
		return;
	r.fd = open_to_write(path);
	if (r.fd < 0 && errno == ENOENT && ring_waiting(ring) > 0) {
		make(path, id);		/* somebody has renamed it just now */
		r.fd = open_to_write(path);
	}
	r.error = errno;
	/* Before it is read: what others write then is not in that line. */
	end_torn(r.fd);
	r.looks = ring_is_begun(ring);
	if (r.looks) {
		a = arena_create("journal");
		read_tail(&r, name_of(a, path, 1));
		read_tail(&r, path);
		arena_destroy(&a);
	}
	ring_each_waiting(ring, &scratch, rescue, &r);
	ring_pass_all(ring);
	tell_rescue(&r);
	buf_free(&scratch);
	buf_free(&r.tail);
	if (r.fd >= 0)
		close(r.fd);
}
