#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/journal.h"
#include "gateway/stats.h"

/* Who renames the file may need a moment to make a new one where workers may
 * not. */
#define MISSES	3

struct journal {
	const char	*path;
	int		 fd;		/* -1: it could not be opened */
	bool		 is_torn;	/* ours ends in the middle of a line */
	bool		 is_failing;
	unsigned	 missed;	/* so often it could not be reopened */
	int		 error;		/* why, errno; 0: it is no file */
	uint64_t	 dropped;
	uint64_t	 told;		/* of them, in the log */
};

static const char *
why(const struct journal *j)
{
	return j->error == 0 ? "is no regular file" : strerror(j->error);
}

/* --- telling --- */

static void
fail(struct journal *j, int error)
{
	struct logline l;

	j->error = error;
	if (j->is_failing)
		return;
	j->is_failing = true;
	log_begin(&l, LOG_LABEL_WARN, "-", "journal fails");
	log_z(&l, "file", j->path);
	log_z(&l, "why", why(j));
	log_end(&l);
}

static void
recover(struct journal *j)
{
	struct logline l;

	if (!j->is_failing || j->missed >= MISSES)
		return;
	j->is_failing = false;
	log_begin(&l, LOG_LABEL_WARN, "-", "journal goes on");
	log_z(&l, "file", j->path);
	log_int(&l, "dropped", (int64_t)(j->dropped - j->told));
	log_end(&l);
	j->told = j->dropped;
}

/* --- the file --- */

/* Nobody can read what is written to it. */
static bool
is_removed(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || st.st_nlink == 0;
}

/* -1: *error says why. */
static int
open_file(const char *path, int *error)
{
	struct stat st;
	int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_NOFOLLOW |
	    O_NONBLOCK | O_NOCTTY | O_CLOEXEC, 0640);

	*error = errno;
	if (fd < 0)
		return -1;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode))
		return fd;
	*error = 0;
	close(fd);
	return -1;
}

/* The old one is better than none, if it has a name. */
static void
keep_or_give_up(struct journal *j, int error)
{
	if (j->fd >= 0 && is_removed(j->fd)) {
		close(j->fd);
		j->fd = -1;
	}
	if (j->fd < 0 || ++j->missed >= MISSES)
		fail(j, error);
}

void
journal_reopen(struct journal *j)
{
	int error, fd;

	if (j == NULL)
		return;
	fd = open_file(j->path, &error);
	if (fd < 0) {
		keep_or_give_up(j, error);
		return;
	}
	if (j->fd >= 0)
		close(j->fd);
	j->fd = fd;
	j->missed = 0;
	j->is_torn = false;
}

struct journal *
journal_open(struct arena *a, const struct settings *s)
{
	struct journal *j;

	if (s->journal_file == NULL)
		return NULL;
	j = arena_new(a, struct journal);
	j->path = s->journal_file;
	j->fd = -1;
	journal_reopen(j);
	return j;
}

void
journal_close(struct journal *j)
{
	if (j != NULL && j->fd >= 0)
		close(j->fd);
}

static bool
is_other_file(const struct journal *j)
{
	struct stat here, there;

	return j->fd < 0 || stat(j->path, &there) < 0 ||
	    fstat(j->fd, &here) < 0 || here.st_ino != there.st_ino ||
	    here.st_dev != there.st_dev;
}

/* Others may write behind it at any time. */
static void
end_torn(struct journal *j)
{
	if (j->is_torn && j->fd >= 0 && write(j->fd, "\n", 1) == 1)
		j->is_torn = false;
}

void
journal_turn(struct journal *j)
{
	if (j == NULL)
		return;
	if (is_other_file(j))
		journal_reopen(j);
	end_torn(j);
}

/* --- records --- */

static void
drop(struct journal *j, int error)
{
	j->dropped++;
	stats_add(STAT_JOURNAL_DROPPED, 1);
	j->is_torn = true;	/* or another worker's, who had the same */
	fail(j, error);
}

static ssize_t
write_line(const struct journal *j, struct span record, size_t *len)
{
	struct iovec iov[] = {
		{ (char *)"\n", j->is_torn ? 1 : 0 },
		{ (char *)record.p, record.len },
		{ (char *)"\n", 1 }
	};
	ssize_t n;

	*len = iov[0].iov_len + record.len + 1;
	do
		n = writev(j->fd, iov, 3);
	while (n < 0 && errno == EINTR);
	return n;
}

void
journal_put(struct journal *j, struct span record)
{
	size_t len;
	ssize_t n;

	if (j == NULL)
		return;
	if (j->fd < 0) {
		drop(j, j->error);
		return;
	}
	n = write_line(j, record, &len);
	if (n == (ssize_t)len) {
		j->is_torn = false;
		stats_add(STAT_JOURNAL_RECORDS, 1);
		recover(j);
		return;
	}
	/* Not all of it: no room for more, or a limit. */
	drop(j, n < 0 ? errno : ENOSPC);
	end_torn(j);
}

/* --- for people --- */

void
journal_status(const struct journal *j, struct json_out *o, const char *key)
{
	json_open(o, key, '{');
	json_z(o, "state", j == NULL ? "off" : j->is_failing ? "full" :
	    "good");
	json_int(o, "dropped", j == NULL ? 0 : (int64_t)j->dropped);
	if (j != NULL && j->is_failing)
		json_z(o, "why", why(j));
	json_close(o, '}');
}
