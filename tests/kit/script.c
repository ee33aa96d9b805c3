#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "tests/kit/script.h"

#define MAX_LINES	200
#define MAX_WORDS	200

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t' || c == '\n';
}

static char
hex_octet(const char *p)
{
	char digits[3] = { p[0], p[1], '\0' };

	return (char)strtol(digits, NULL, 16);
}

/* One escape behind a backslash; moves *p over it. */
static char
unescape(const char **p, const char *end)
{
	char c = *(*p)++;

	switch (c) {
	case 'r':
		return '\r';
	case 'n':
		return '\n';
	case 't':
		return '\t';
	case '0':
		return '\0';
	case 'x':
		if (end - *p >= 2) {
			*p += 2;
			return hex_octet(*p - 2);
		}
		return 'x';
	default:
		return c;
	}
}

static int
read_quoted(struct arena *a, const char **p, const char *end,
    struct word *word)
{
	struct buf text = {0};
	char c;

	for (++*p; *p < end && **p != '"'; buf_put(&text, &c, 1)) {
		c = *(*p)++;
		if (c == '\\' && *p < end)
			c = unescape(p, end);
	}
	word->is_quoted = true;
	word->text = arena_span(a, buf_text(&text));
	buf_free(&text);
	if (*p == end)
		return -1;
	++*p;
	return 0;
}

static int
split_words(struct arena *a, struct script_line *line)
{
	const char *p = line->rest.p, *end = p + line->rest.len, *begin;

	line->words = arena_new_n(a, MAX_WORDS, struct word);
	while (line->n < MAX_WORDS) {
		while (p < end && is_blank(*p))
			p++;
		if (p == end || *p == '#')
			return 0;
		if (*p == '"') {
			if (read_quoted(a, &p, end,
			    &line->words[line->n++]) < 0)
				return -1;
			continue;
		}
		for (begin = p; p < end && !is_blank(*p); p++)
			;
		line->words[line->n++].text = span_n(begin, p - begin);
	}
	return -1;
}

static struct buf
read_file(const char *path)
{
	struct buf text = {0};
	char block[2048];
	FILE *f = fopen(path, "r");
	size_t n;

	if (f == NULL)
		return text;
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_put(&text, block, n);
	fclose(f);
	return text;
}

/* "key: rest", with the lines that go on with it joined. */
static struct span
next_line(struct span *text, unsigned *number)
{
	struct span line = *text;
	const char *p = text->p, *end = text->p + text->len, *eol;

	do {
		eol = memchr(p, '\n', end - p);
		p = eol != NULL ? eol + 1 : end;
		++*number;
	} while (p < end && (*p == ' ' || *p == '\t'));
	line.len = p - line.p;
	text->len -= line.len;
	text->p = p;
	return line;
}

struct script *
script_read(struct arena *a, const char *path, struct err *err)
{
	struct buf file = read_file(path);
	struct script *script = arena_new(a, struct script);
	struct span text = arena_span(a, buf_text(&file)), line;
	unsigned number = 1, begin;
	struct script_line *l;

	buf_free(&file);
	if (text.len == 0) {
		err_set(err, ERR_CONFIG, "%s: %s", path, strerror(errno));
		return NULL;
	}
	script->path = arena_strdup(a, path);
	script->lines = arena_new_n(a, MAX_LINES, struct script_line);
	while (text.len > 0 && script->n < MAX_LINES) {
		begin = number;
		line = next_line(&text, &number);
		if (line.len == 0 || line.p[0] == '#' || line.p[0] == '\n')
			continue;
		l = &script->lines[script->n++];
		l->number = begin;
		l->key = arena_copy(a, span_until(&line, ':'));
		l->rest = line;
		while (l->rest.len > 0 &&
		    is_blank(l->rest.p[l->rest.len - 1]))
			l->rest.len--;
		while (l->rest.len > 0 && is_blank(l->rest.p[0])) {
			l->rest.p++;
			l->rest.len--;
		}
		if (split_words(a, l) < 0) {
			err_set(err, ERR_CONFIG, "%s:%u: a quote is not "
			    "closed, or too many words", path, begin);
			return NULL;
		}
	}
	return script;
}

bool
word_is(const struct word *w, const char *text)
{
	return !w->is_quoted && span_is(w->text, text);
}
