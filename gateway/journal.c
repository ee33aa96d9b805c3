#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/journal.h"
#include "gateway/stats.h"

/* Who renames the file may need a moment to make a new one where workers may
 * not. */
#define MISSES	3
#define PIECES	128		/* of one writev(2) */

struct journal {
	const char	*path;
	struct ring	*ring;
	struct event	*timer;		/* NULL: none; runs while records wait */
	bool		 is_timed;
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

static bool
is_other_file(const struct journal *j)
{
	struct stat here, there;

	return j->fd < 0 || stat(j->path, &there) < 0 ||
	    fstat(j->fd, &here) < 0 || here.st_ino != there.st_ino ||
	    here.st_dev != there.st_dev;
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
	if (j->fd >= 0 && !is_removed(j->fd))
		journal_flush(j);
	fd = open_file(j->path, &error);
	if (fd < 0) {
		keep_or_give_up(j, error);
		return;
	}
	if (is_other_file(j))
		j->is_torn = false;
	if (j->fd >= 0)
		close(j->fd);
	j->fd = fd;
	j->missed = 0;
}

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	journal_flush(arg);
}

struct journal *
journal_open(struct arena *a, const struct settings *s, struct ring *ring,
    struct event_base *base)
{
	struct journal *j;

	if (s->journal_file == NULL)
		return NULL;
	j = arena_new(a, struct journal);
	j->path = s->journal_file;
	j->fd = -1;
	j->ring = ring;
	if (base != NULL)
		j->timer = evtimer_new(base, on_timer, j);
	journal_reopen(j);
	return j;
}

void
journal_close(struct journal *j)
{
	if (j == NULL)
		return;
	journal_flush(j);
	if (j->timer != NULL)
		event_free(j->timer);
	if (j->fd >= 0)
		close(j->fd);
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

/* How many lines end within the first `done` octets of these pieces. */
static uint64_t
count_lines(const struct iovec *pieces, size_t n, size_t done)
{
	uint64_t lines = 0;

	for (size_t i = 0; i < n && done >= pieces[i].iov_len; i++) {
		const char *p = pieces[i].iov_base;

		done -= pieces[i].iov_len;
		lines += p[pieces[i].iov_len - 1] == '\n';
	}
	return lines;
}

/* pieces[0] is for the end of a line that somebody has left without one: we
 * ourselves, or a worker that was killed in the middle of many, which nobody
 * sees. How many octets of the others are in the file; *error: why not all. */
static size_t
write_lines(struct journal *j, struct iovec *pieces, size_t n, int *error)
{
	bool may_join = j->is_torn || n > 2;
	ssize_t done;

	pieces[0] = (struct iovec){ (char *)"\n", may_join };
	*error = j->error;
	if (j->fd < 0)
		return 0;
	do
		done = writev(j->fd, pieces, (int)n);
	while (done < 0 && errno == EINTR);
	*error = done < 0 ? errno : ENOSPC;	/* no room for more, a limit */
	return done > 0 ? (size_t)done - may_join : 0;
}

static void
count(struct journal *j, const struct iovec *pieces, size_t n, size_t done,
    int error)
{
	uint64_t whole = count_lines(pieces, n, done);
	uint64_t lost = count_lines(pieces, n, SIZE_MAX) - whole;

	stats_add(STAT_JOURNAL_RECORDS, (int64_t)whole);
	j->is_torn = lost > 0;	/* or another worker's, who had no room */
	if (lost == 0) {
		recover(j);
		return;
	}
	j->dropped += lost;
	stats_add(STAT_JOURNAL_DROPPED, (int64_t)lost);
	fail(j, error);
	end_torn(j);
}

void
journal_flush(struct journal *j)
{
	struct iovec pieces[PIECES];
	uint64_t upto;
	size_t n, done;
	int error;

	while ((n = ring_begin(j->ring, pieces + 1, PIECES - 1, &upto)) > 0) {
		done = write_lines(j, pieces, n + 1, &error);
		/* Of who is killed before this the supervisor counts them. */
		ring_pass(j->ring, upto);
		count(j, pieces + 1, n, done, error);
	}
	j->is_timed = false;
}

void
journal_note(struct journal *j)
{
	static const struct timeval pause = { .tv_usec = JOURNAL_PAUSE };

	if (j == NULL)
		return;
	if (ring_waiting(j->ring) >= JOURNAL_BATCH)
		journal_flush(j);
	else if (!j->is_timed && j->timer != NULL) {
		event_add(j->timer, &pause);
		j->is_timed = true;
	}
}

void
journal_put(struct journal *j, struct span line)
{
	struct iovec pieces[2] = { [1] = { (char *)line.p, line.len } };
	size_t done;
	int error;

	if (j == NULL)
		return;
	journal_flush(j);
	done = write_lines(j, pieces, 2, &error);
	count(j, pieces + 1, 1, done, error);
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
