#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "conf/list.h"
#include "gateway/journal_lines.h"
#include "gateway/recorded.h"

#define ROOM	(2 * RECORDED_LINE_MOST)

struct file {
	const char	*name;
	int		 fd;
	dev_t		 device;
	ino_t		 inode;
};

struct journal_lines {
	struct arena	*arena;
	struct file	*files;		/* the oldest first */
	size_t		 nfiles, at;
	uint64_t	 number;	/* of the line */
	char		*buf;
	size_t		 begin, end;	/* of what was read, and not given */
	bool		 is_over;	/* this file */
	bool		 skips;		/* the rest of a long line */
};

static void
close_all(void *arg)
{
	struct journal_lines *l = arg;
	size_t i;

	for (i = 0; i < l->nfiles; i++)
		if (l->files[i].fd > STDIN_FILENO)
			close(l->files[i].fd);
}

static bool
is_open(const struct journal_lines *l, const struct stat *st)
{
	size_t i;

	for (i = 0; i < l->nfiles; i++)
		if (l->files[i].device == st->st_dev &&
		    l->files[i].inode == st->st_ino)
			return true;
	return false;
}

/* -1 with errno. What has another name now is not opened twice. */
static int
add(struct journal_lines *l, const char *name, bool is_once)
{
	bool is_stdin = strcmp(name, "-") == 0;
	int fd = is_stdin ? STDIN_FILENO : open(name, O_RDONLY | O_CLOEXEC);
	struct stat st;

	if (fd < 0 || fstat(fd, &st) < 0)
		return -1;
	if (is_once && is_open(l, &st)) {
		close(fd);
		return 0;
	}
	l->files = list_room(l->arena, l->files, l->nfiles,
	    sizeof(*l->files));
	l->files[l->nfiles++] = (struct file){
	    is_stdin ? "(standard input)" : name, fd, st.st_dev, st.st_ino };
	return 0;
}

static void
turn_round(struct journal_lines *l)
{
	size_t i;

	for (i = 0; i < l->nfiles / 2; i++) {
		struct file f = l->files[i];

		l->files[i] = l->files[l->nfiles - 1 - i];
		l->files[l->nfiles - 1 - i] = f;
	}
}

/* From the newest on: what is renamed meanwhile is met again, not missed. */
static int
add_configured(struct journal_lines *l, const char *path, struct err *err)
{
	unsigned i;

	if (add(l, path, true) < 0 && errno != ENOENT)
		return err_set(err, ERR_UNAVAIL, "journal %s: %s", path,
		    strerror(errno));
	for (i = 1; i <= JOURNAL_FILES_MOST; i++)
		if (add(l, arena_printf(l->arena, "%s.%u", path, i),
		    true) < 0) {
			if (errno == ENOENT)
				break;
			return err_set(err, ERR_UNAVAIL, "journal %s.%u: %s",
			    path, i, strerror(errno));
		}
	if (l->nfiles == 0)
		return err_set(err, ERR_UNAVAIL, "journal %s: there is none "
		    "yet", path);
	turn_round(l);
	return 0;
}

int
journal_lines_open(struct arena *a, const char *const *files, size_t n,
    const struct settings *s, struct journal_lines **out, struct err *err)
{
	struct journal_lines *l = arena_new(a, struct journal_lines);
	size_t i;

	l->arena = a;
	arena_defer(a, close_all, l);
	l->buf = arena_alloc(a, ROOM);
	*out = l;
	if (n == 0 && s->journal_file == NULL)
		return err_set(err, ERR_CONFIG, "no journal is named, and the "
		    "configuration has none (journal { file ... })");
	if (n == 0)
		return add_configured(l, s->journal_file, err);
	for (i = 0; i < n; i++)
		if (add(l, files[i], false) < 0)
			return err_set(err, ERR_UNAVAIL, "%s: %s", files[i],
			    strerror(errno));
	return 0;
}

/* --- lines --- */

static int
fill(struct journal_lines *l, struct err *err)
{
	struct file *f = &l->files[l->at];
	ssize_t n;

	if (l->begin > 0) {
		memmove(l->buf, l->buf + l->begin, l->end - l->begin);
		l->end -= l->begin;
		l->begin = 0;
	}
	do {
		n = read(f->fd, l->buf + l->end, ROOM - l->end);
	} while (n < 0 && errno == EINTR);
	if (n < 0)
		return err_set(err, ERR_UNAVAIL, "%s: %s", f->name,
		    strerror(errno));
	l->end += (size_t)n;
	l->is_over = n == 0;
	return 0;
}

/* Takes a line off the front of what was read. false: it has no end yet. */
static bool
take(struct journal_lines *l, struct span *line)
{
	char *begin = l->buf + l->begin;
	char *end = memchr(begin, '\n', l->end - l->begin);

	if (end == NULL && !l->is_over)
		return false;
	*line = span_n(begin, end != NULL ? (size_t)(end - begin) :
	    l->end - l->begin);
	l->begin += line->len + (end != NULL);
	return true;
}

static bool
next_file(struct journal_lines *l)
{
	if (++l->at >= l->nfiles)
		return false;
	l->begin = l->end = 0;
	l->number = 0;
	l->is_over = l->skips = false;
	return true;
}

/* What is read of a long line goes at once. */
static bool
is_too_long(struct journal_lines *l)
{
	if (l->end - l->begin <= RECORDED_LINE_MOST)
		return false;
	l->begin = l->end = 0;
	return true;
}

int
journal_lines_next(struct journal_lines *l, enum journal_line *kind,
    struct span *line, struct err *err)
{
	*kind = JOURNAL_END;
	while (l->at < l->nfiles) {
		if (l->is_over && l->begin == l->end && !l->skips) {
			if (!next_file(l))
				break;
			continue;
		}
		if (!take(l, line)) {
			l->skips |= is_too_long(l);
			if (fill(l, err) < 0)
				return -1;
			continue;
		}
		l->number++;
		*kind = l->skips || line->len > RECORDED_LINE_MOST ?
		    JOURNAL_TOO_LONG : JOURNAL_LINE;
		l->skips = false;
		return 0;
	}
	return 0;
}

const char *
journal_lines_file(const struct journal_lines *l)
{
	return l->at < l->nfiles ? l->files[l->at].name : "";
}

uint64_t
journal_lines_number(const struct journal_lines *l)
{
	return l->number;
}

size_t
journal_lines_files(const struct journal_lines *l)
{
	return l->nfiles;
}
