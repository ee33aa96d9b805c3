#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/log_target.h"
#include "base/mem.h"

/* Workers write for milliseconds until somebody looks after one that is
 * gone. */
#define TAIL	((off_t)4 * 1024 * 1024)

uint64_t
log_target_count(struct span lines)
{
	const char *p = lines.p, *end = lines.p + lines.len;
	uint64_t n = 0;

	while (p < end && (p = memchr(p, '\n', (size_t)(end - p))) != NULL) {
		n++;
		p++;
	}
	return n;
}

/* sd-daemon(3): the variable alone is no proof, it is inherited by programs
 * whose stderr is something else. */
static bool
is_journal(const struct stat *st)
{
	const char *want = getenv("JOURNAL_STREAM");
	char have[48];

	snprintf(have, sizeof(have), "%ju:%ju", (uintmax_t)st->st_dev,
	    (uintmax_t)st->st_ino);
	return want != NULL && strcmp(want, have) == 0;
}

/*
 * The file description of stderr is shared with the shell and others, so
 * O_NONBLOCK must not be set on it: a pipe or terminal is opened anew.
 */
static void
find_stderr(struct log_target *t)
{
	struct stat st;

	t->fd = STDERR_FILENO;
	if (fstat(STDERR_FILENO, &st) < 0 || S_ISREG(st.st_mode)) {
		t->way = LOG_WAY_FILE;
	} else if (S_ISSOCK(st.st_mode)) {
		t->way = LOG_WAY_STREAM;
		t->is_journal = is_journal(&st);
	} else {
		t->fd = open("/proc/self/fd/2",
		    O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
		t->way = LOG_WAY_PIPE;
		if (t->fd < 0) {
			t->fd = STDERR_FILENO;
			t->way = LOG_WAY_SHARED_PIPE;
		}
	}
}

static int
open_file(const char *path)
{
	return open(path, O_WRONLY | O_CREAT | O_APPEND | O_NONBLOCK |
	    O_NOCTTY | O_CLOEXEC, 0640);
}

/* A path may be that of a pipe. */
static enum log_way
way_of_file(int fd)
{
	struct stat st;

	return fstat(fd, &st) < 0 || S_ISREG(st.st_mode) ? LOG_WAY_FILE :
	    LOG_WAY_PIPE;
}

static int
fail(const char *path, struct err *err)
{
	return err_set(err, ERR_UNAVAIL, "log %s: %s", path, strerror(errno));
}

static void
drop_fd(struct log_target *t)
{
	if (t->fd >= 0 &&
	    !(t->type == LOG_TO_STDERR && t->fd == STDERR_FILENO))
		close(t->fd);
	t->fd = -1;
}

int
log_target_open(struct log_target *t, const char *name, struct err *err)
{
	struct span s = span_z(name);

	*t = (struct log_target){ .fd = -1 };
	if (span_is(s, "stderr")) {
		find_stderr(t);
		return 0;
	}
	t->way = LOG_WAY_FILE;
	if (span_is(s, "syslog") || span_starts_nocase(s, "syslog:")) {
		t->type = LOG_TO_SYSLOG;
		return log_syslog_open(&t->syslog, name, err);
	}
	t->type = LOG_TO_FILE;
	if (strchr(name, '/') == NULL)
		return err_set(err, ERR_CONFIG, "log \"%s\": expected "
		    "\"stderr\", \"syslog\" or a path with a \"/\"", name);
	t->fd = open_file(name);
	if (t->fd < 0)
		return fail(name, err);
	t->way = way_of_file(t->fd);
	t->path = strcpy(mem_alloc(strlen(name) + 1, "log"), name);
	return 0;
}

void
log_target_look(struct log_target *t)
{
	if (t->way == LOG_WAY_UNKNOWN)
		find_stderr(t);
}

int
log_target_reopen(struct log_target *t, struct err *err)
{
	int fd;

	if (t->type == LOG_TO_STDERR)
		return 0;
	if (t->type == LOG_TO_SYSLOG)
		return log_syslog_reopen(&t->syslog, err);
	fd = open_file(t->path);
	if (fd < 0)
		return fail(t->path, err);
	drop_fd(t);
	t->fd = fd;
	t->way = way_of_file(fd);
	t->torn = false;
	return 0;
}

void
log_target_close(struct log_target *t)
{
	if (t->type == LOG_TO_SYSLOG)
		log_syslog_close(&t->syslog);
	else if (t->way != LOG_WAY_UNKNOWN)
		drop_fd(t);
	free(t->path);
	*t = (struct log_target){0};
}

void
log_target_forked(struct log_target *t)
{
	if (t->type == LOG_TO_SYSLOG)
		log_syslog_forked(&t->syslog);
}

/* As many whole lines as go out in one piece, at least one. */
static size_t
one_piece(const struct log_target *t, struct span lines)
{
	const char *end;

	if (t->way == LOG_WAY_FILE || lines.len <= PIPE_BUF)
		return lines.len;
	end = memrchr(lines.p, '\n', PIPE_BUF);
	if (end == NULL)
		end = memchr(lines.p, '\n', lines.len);
	return end != NULL ? (size_t)(end + 1 - lines.p) : lines.len;
}

static ssize_t
write_piece(struct log_target *t, const char *p, size_t len)
{
	struct pollfd pfd = { .fd = t->fd, .events = POLLOUT };
	struct iovec iov[2] = {
		{ (char *)"\n", t->torn ? 1 : 0 },
		{ (char *)p, len }
	};
	ssize_t n;

	if (t->way == LOG_WAY_STREAM)
		return send(t->fd, p, len, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (t->way == LOG_WAY_SHARED_PIPE) {
		if (poll(&pfd, 1, 0) <= 0) {
			errno = EAGAIN;
			return -1;
		}
		if (len > PIPE_BUF)	/* room for more is not certain */
			len = iov[1].iov_len = PIPE_BUF;
	}
	if (!t->torn)
		return write(t->fd, p, len);
	n = writev(t->fd, iov, 2);
	if (n <= 0)
		return n;
	t->torn = false;
	return n - 1;
}

static size_t
write_bytes(struct log_target *t, struct span lines, uint64_t *dropped)
{
	struct span rest = lines;
	ssize_t n;

	while (rest.len > 0) {
		n = write_piece(t, rest.p, one_piece(t, rest));
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0 && (errno == EAGAIN || errno == ENOBUFS))
			return lines.len - rest.len;
		if (n < 0) {
			/* No space, no reader: later lines may fare better,
			 * but must not be joined to half of one. */
			*dropped += log_target_count(rest);
			if (rest.len < lines.len)
				t->torn = rest.p[-1] != '\n';
			return lines.len;
		}
		rest.p += n;
		rest.len -= (size_t)n;
	}
	return lines.len;
}

size_t
log_target_write(struct log_target *t, struct span lines, uint64_t *dropped)
{
	log_target_look(t);
	if (t->type == LOG_TO_SYSLOG)
		return log_syslog_write(&t->syslog, lines, dropped);
	return write_bytes(t, lines, dropped);
}

void
log_target_tail(struct log_target *t, struct buf *out)
{
	char name[40];
	struct stat st;
	off_t begin;
	ssize_t n;
	int fd;

	log_target_look(t);
	if (t->type == LOG_TO_SYSLOG || t->way != LOG_WAY_FILE)
		return;
	snprintf(name, sizeof(name), "/proc/self/fd/%d", t->fd);
	fd = open(name, O_RDONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0) {
		begin = st.st_size > TAIL ? st.st_size - TAIL : 0;
		buf_reserve(out, (size_t)(st.st_size - begin));
		n = pread(fd, out->p + out->len,
		    (size_t)(st.st_size - begin), begin);
		out->len += n > 0 ? (size_t)n : 0;
		if (out->len > 0)
			t->torn = out->p[out->len - 1] != '\n';
	}
	close(fd);
}
