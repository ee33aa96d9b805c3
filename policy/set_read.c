#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "policy/set_internal.h"
#include "policy/set_item.h"

/* The lines of a file, one buffer at a time. */
struct lines {
	const char	*path;
	int		 fd;
	size_t		 left;		/* of the size it had at first */
	char		*p;		/* SET_LINE_MAX octets */
	size_t		 at, len;
	bool		 in_long;	/* the rest of a line is to be skipped */
	unsigned	 number;	/* of the line that was read last */
};

struct line {
	struct span	 text;		/* without its end */
	bool		 is_cut;	/* it is longer than the buffer */
};

static int
cannot(const char *what, const char *path, struct err *err)
{
	return err_set(err, ERR_CONFIG, "cannot %s %s: %s", what, path,
	    strerror(errno));
}

static int
lines_open(struct lines *l, const char *path, struct err *err)
{
	struct stat st;

	/* A FIFO must not stop us; it is refused once it is open. */
	*l = (struct lines){ .path = path, .fd = open(path,
	    O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY) };
	if (l->fd < 0)
		return cannot("open", path, err);
	if (fstat(l->fd, &st) < 0)
		return cannot("read", path, err);
	if (!S_ISREG(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is not a file", path);
	if (st.st_size > SET_FILE_MAX)
		return err_set(err, ERR_CONFIG,
		    "%s is too large: %lld octets, the most is %d", path,
		    (long long)st.st_size, SET_FILE_MAX);
	l->left = (size_t)st.st_size;
	l->p = mem_alloc(SET_LINE_MAX, "lines of a set");
	return 0;
}

static void
lines_close(struct lines *l)
{
	if (l->fd >= 0)
		close(l->fd);
	free(l->p);
}

/* What has not been used goes to the front, and the rest is filled. Neither
 * more is read nor less than there was when we looked. */
static int
fill(struct lines *l, struct err *err)
{
	size_t want;
	ssize_t n;

	l->len -= l->at;
	memmove(l->p, l->p + l->at, l->len);
	l->at = 0;
	while (l->len < SET_LINE_MAX && l->left > 0) {
		want = SET_LINE_MAX - l->len;
		n = read(l->fd, l->p + l->len, want < l->left ? want : l->left);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return cannot("read", l->path, err);
		if (n == 0)
			l->left = 0;
		else
			l->left -= (size_t)n;
		l->len += (size_t)n;
	}
	return 0;
}

/* The line that the buffer has at `at`, if it has all of it. */
static bool
take_line(struct lines *l, struct span *text)
{
	const char *begin = l->p + l->at;
	const char *end = memchr(begin, '\n', l->len - l->at);

	if (end == NULL && (l->left > 0 || l->at == l->len))
		return false;
	if (end == NULL)		/* the last, without an end */
		end = l->p + l->len;
	*text = span_n(begin, (size_t)(end - begin));
	l->at += text->len + (l->at + text->len < l->len);
	return true;
}

/* 1: a line; 0: no more. The text stays until the next call. */
static int
lines_next(struct lines *l, struct line *line, struct err *err)
{
	for (;;) {
		line->is_cut = false;
		if (take_line(l, &line->text)) {
			if (!l->in_long)
				break;
			l->in_long = false;
			continue;
		}
		if (l->left == 0)
			return 0;
		line->is_cut = !l->in_long && l->at == 0 &&
		    l->len == SET_LINE_MAX;
		if (line->is_cut) {
			line->text = span_n(l->p, l->len);
			l->in_long = true;
			l->at = l->len;
			break;
		}
		if (l->in_long)
			l->at = l->len;
		if (fill(l, err) < 0)
			return -1;
	}
	l->number++;
	return 1;
}

/* What stands in it, without white space and comment; *column where. */
static struct span
item_of(struct line *line, unsigned *column)
{
	struct span text = line->text, item;
	const char *hash = text.p;

	if (!line->is_cut && text.len > 0 && text.p[text.len - 1] == '\r')
		text.len--;
	while ((hash = memchr(hash, '#',
	    text.len - (size_t)(hash - text.p))) != NULL) {
		if (hash == text.p || hash[-1] == ' ' || hash[-1] == '\t') {
			text.len = (size_t)(hash - text.p);
			line->is_cut = false;
			break;
		}
		hash++;
	}
	item = span_trim(text);
	*column = (unsigned)(item.p - text.p) + 1;
	return item;
}

static bool
is_quoted(struct span item)
{
	return item.len > 1 && item.p[0] == '"' && item.p[item.len - 1] == '"';
}

static int
add_line(struct set_builder *b, struct line *line, unsigned *column,
    struct err *err)
{
	struct span item = item_of(line, column);

	if (line->is_cut)
		return err_set(err, ERR_CONFIG,
		    "a line of more than %d octets", SET_LINE_MAX);
	if (item.len == 0)
		return 0;
	if (is_quoted(item))
		return err_set(err, ERR_CONFIG,
		    "the items of a file stand without quotes");
	return set_add(b, item, err);
}

/*
 * The family that most of the items have, as far as the first buffer reaches:
 * a line that is something else is an error then wherever it stands, and not
 * the lines behind it. Words of one label decide nothing.
 */
static enum set_family
guess(struct lines l)
{
	size_t counts[SET_TEXTS + 1] = { 0 };
	enum set_family most = SET_EMPTY, f;
	struct set_item item;
	struct line line;
	unsigned column;
	struct err err;
	struct span text;

	while (take_line(&l, &line.text)) {
		line.is_cut = false;
		text = item_of(&line, &column);
		if (text.len == 0 || is_quoted(text) ||
		    set_item_read(text, &item, &err) < 0)
			continue;
		if (item.kind == SET_ITEM_NETWORK)
			counts[SET_ADDRESSES]++;
		else if (item.kind == SET_ITEM_TEXT)
			counts[SET_TEXTS]++;
		else if (item.kind == SET_ITEM_NAME ||
		    memchr(text.p, '.', text.len) != NULL)
			counts[SET_NAMES]++;
	}
	for (f = SET_ADDRESSES; f <= SET_TEXTS; f++)
		if (counts[f] > counts[most])
			most = f;
	return most;
}

static int
read_lines(struct lines *l, struct set_builder *b, void (*tell)(void *arg,
    unsigned line, unsigned column, const struct err *why), void *arg,
    struct err *err)
{
	struct line line;
	unsigned column;
	struct err why;
	int r;

	if (fill(l, err) < 0)
		return -1;
	if (l->len >= 3 && memcmp(l->p, "\xef\xbb\xbf", 3) == 0)
		l->at = 3;
	set_expect(b, guess(*l));
	while ((r = lines_next(l, &line, err)) > 0)
		if (add_line(b, &line, &column, &why) < 0)
			tell(arg, l->number, column, &why);
	return r;
}

int
set_read(struct arena *a, const char *path, void (*tell)(void *arg,
    unsigned line, unsigned column, const struct err *why), void *arg,
    struct set **set, struct err *err)
{
	struct set_builder *b = set_begin(a);
	struct lines l;
	int r = lines_open(&l, path, err);

	if (r == 0)
		r = read_lines(&l, b, tell, arg, err);
	lines_close(&l);
	if (r < 0)
		return -1;
	*set = set_end(&b);
	return 0;
}
