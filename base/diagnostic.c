#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/diagnostic.h"

#define TEXT_MAX	400	/* octets of one message */
#define SHOWN_MAX	200	/* messages in one report */
#define KEPT_MAX	1000	/* messages remembered: of a file of garbage */
#define LINE_MAX_SHOWN	160	/* octets of the line that is quoted */

struct finding {
	struct place	 at;
	bool		 is_warning;
	bool		 is_settled;	/* nothing more of its line */
	size_t		 order;		/* of reporting, for equal places */
	const char	*text, *hint;
};

struct diagnostics {
	struct arena	*arena;
	struct finding	*list;
	size_t		 n, cap;
	size_t		 errors, warnings;
};

struct diagnostics *
diagnostics_create(struct arena *a)
{
	struct diagnostics *d = arena_new(a, struct diagnostics);

	d->arena = a;
	return d;
}

static char *
printable(char *text)
{
	for (char *p = text; *p != '\0'; p++)
		if ((unsigned char)*p < ' ' || *p == 0x7f)
			*p = '?';
	return text;
}

static bool
is_known(const struct diagnostics *d, struct place at, const char *text)
{
	for (size_t i = 0; i < d->n; i++) {
		const struct finding *f = &d->list[i];

		if (f->at.line != at.line || f->at.source != at.source)
			continue;
		if (f->is_settled || (f->at.column == at.column &&
		    strcmp(f->text, text) == 0))
			return true;
	}
	return false;
}

__attribute__((format(printf, 5, 0)))
static void
add(struct diagnostics *d, bool is_warning, struct place at, const char *hint,
    const char *fmt, va_list ap)
{
	char text[TEXT_MAX];
	struct finding *f;

	if (vsnprintf(text, sizeof(text), fmt, ap) >= (int)sizeof(text))
		memcpy(text + sizeof(text) - 4, "...", 4);
	printable(text);
	if (d->n < KEPT_MAX && is_known(d, at, text))
		return;
	if (is_warning)
		d->warnings++;
	else
		d->errors++;
	if (d->n == KEPT_MAX)
		return;
	if (d->n == d->cap) {
		size_t cap = d->cap ? d->cap * 2 : 16;
		struct finding *list;

		list = arena_new_n(d->arena, cap, struct finding);
		if (d->n > 0)
			memcpy(list, d->list, d->n * sizeof(*list));
		d->list = list;
		d->cap = cap;
	}
	f = &d->list[d->n];
	f->at = at;
	f->is_warning = is_warning;
	f->order = d->n++;
	f->text = arena_strdup(d->arena, text);
	if (hint != NULL)
		f->hint = printable(arena_strdup(d->arena, hint));
}

void
diagnostic(struct diagnostics *d, struct place at, const char *hint,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, false, at, hint, fmt, ap);
	va_end(ap);
}

void
diagnostic_warn(struct diagnostics *d, struct place at, const char *hint,
    const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	add(d, true, at, hint, fmt, ap);
	va_end(ap);
}

void
diagnostics_settle(struct diagnostics *d, size_t before)
{
	for (size_t i = 0, n = 0; i < d->n; i++)
		if (!d->list[i].is_warning && n++ >= before)
			d->list[i].is_settled = true;
}

size_t
diagnostics_errors(const struct diagnostics *d)
{
	return d->errors;
}

size_t
diagnostics_warnings(const struct diagnostics *d)
{
	return d->warnings;
}

static const char *
name_of(const struct place *at)
{
	return at->source != NULL ? at->source->name : "";
}

static int
by_place(const void *a, const void *b)
{
	const struct finding *x = a, *y = b;
	int c = strcmp(name_of(&x->at), name_of(&y->at));

	if (c != 0)
		return c;
	if (x->at.line != y->at.line)
		return x->at.line < y->at.line ? -1 : 1;
	if (x->at.column != y->at.column)
		return x->at.column < y->at.column ? -1 : 1;
	return x->order < y->order ? -1 : 1;
}

/* Where the next line begins is remembered, since findings come sorted and
 * a file may be long. */
struct reader {
	const struct source *source;
	struct span	 rest;
	struct span	 line;
	unsigned	 number;
};

static struct span
line_at(struct reader *r, struct place at)
{
	if (r->source != at.source || at.line < r->number) {
		r->source = at.source;
		r->rest = at.source->text;
		r->number = 0;
	}
	while (r->number < at.line) {
		r->line = span_until(&r->rest, '\n');
		r->number++;
	}
	/* A byte order mark is no part of the first line; see lexer.h. */
	if (at.line == 1 && r->line.len >= 3 &&
	    memcmp(r->line.p, "\xef\xbb\xbf", 3) == 0)
		return span_n(r->line.p + 3, r->line.len - 3);
	return r->line;
}

/* The quoted line and the caret below it. A caret stands below a character,
 * so the inner octets of UTF-8 are not counted. */
static void
put_line(struct buf *out, struct span line, unsigned column)
{
	size_t from = 0, i, at = column - 1;

	if (line.len > 0 && line.p[line.len - 1] == '\r')
		line.len--;
	if (at > line.len)
		at = line.len;
	if (at > LINE_MAX_SHOWN / 2 && line.len > LINE_MAX_SHOWN)
		from = at - LINE_MAX_SHOWN / 2;
	while (from > 0 && from < at && ((unsigned char)line.p[from] & 0xc0) ==
	    0x80)
		from++;
	buf_puts(out, "  ");
	for (i = from; i < line.len && i - from < LINE_MAX_SHOWN; i++) {
		char c = line.p[i];

		if (c == '\t')
			c = ' ';
		else if ((unsigned char)c < ' ' || c == 0x7f)
			c = '?';
		buf_put(out, &c, 1);
	}
	buf_puts(out, "\n  ");
	for (i = from; i < at; i++)
		if (((unsigned char)line.p[i] & 0xc0) != 0x80)
			buf_puts(out, " ");
	buf_puts(out, "^\n");
}

static void
put_finding(struct buf *out, const struct finding *f, struct reader *r)
{
	if (f->at.source != NULL && f->at.line > 0)
		buf_printf(out, "%s:%u:%u: ", f->at.source->name, f->at.line,
		    f->at.column);
	else if (f->at.source != NULL)
		buf_printf(out, "%s: ", f->at.source->name);
	buf_printf(out, "%s%s\n", f->is_warning ? "warning: " : "", f->text);
	if (f->at.source != NULL && f->at.line > 0)
		put_line(out, line_at(r, f->at), f->at.column);
	if (f->hint != NULL)
		buf_printf(out, "  %s\n", f->hint);
}

const char *
diagnostics_text(const struct diagnostics *d, struct arena *a)
{
	struct reader reader = {0};
	struct finding *sorted;
	struct buf out = {0};
	const char *text;
	size_t i;

	if (d->n == 0)
		return "";
	sorted = arena_new_n(a, d->n, struct finding);
	memcpy(sorted, d->list, d->n * sizeof(*sorted));
	qsort(sorted, d->n, sizeof(*sorted), by_place);
	for (i = 0; i < d->n && i < SHOWN_MAX; i++)
		put_finding(&out, &sorted[i], &reader);
	if (d->errors + d->warnings > i)
		buf_printf(&out, "and %zu more\n", d->errors + d->warnings - i);
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}
