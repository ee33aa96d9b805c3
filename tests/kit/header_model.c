#include <stdio.h>
#include <string.h>

#include "base/utf8.h"
#include "policy/encoded_word.h"
#include "tests/kit/header_model.h"

struct line {
	const struct field	*field;		/* NULL: of an edit */
	struct span		 name;
	struct span		 front, text;	/* as shown */
	unsigned		 nfronts;
};

struct model {
	struct arena	*a;
	struct line	*lines;
	size_t		 n, ours;		/* those on top */
};

static bool
is_cut(const struct header_change *c, size_t offset)
{
	for (size_t i = 0; i < c->ncuts; i++)
		if (c->cuts[i].offset == offset)
			return true;
	return false;
}

static void
take_out(struct model *m, size_t i)
{
	m->n--;
	memmove(m->lines + i, m->lines + i + 1,
	    (m->n - i) * sizeof(*m->lines));
	if (i < m->ours)
		m->ours--;
}

static void
put_in(struct model *m, struct span name, struct span text)
{
	memmove(m->lines + m->ours + 1, m->lines + m->ours,
	    (m->n - m->ours) * sizeof(*m->lines));
	m->lines[m->ours++] = (struct line){ .name = name, .text = text };
	m->n++;
}

static size_t
find(const struct model *m, struct span name, size_t from)
{
	while (from < m->n && !span_eq_nocase(m->lines[from].name, name))
		from++;
	return from;
}

static void
drop_from(struct model *m, struct span name, size_t from)
{
	while ((from = find(m, name, from)) < m->n)
		take_out(m, from);
}

static struct span
shown(struct arena *a, const struct line *line)
{
	struct buf all = {0};
	struct span text;

	buf_span(&all, line->front);
	if (line->front.len > 0 && line->text.len > 0)
		buf_puts(&all, " ");
	buf_span(&all, line->text);
	for (size_t i = 0; i < all.len; i++)
		if (all.p[i] == '\t')
			all.p[i] = ' ';
	text = arena_span(a, buf_text(&all));
	buf_free(&all);
	return text;
}

static bool
is_letter(char c)
{
	return c != '\0' && strchr("0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
	    "abcdefghijklmnopqrstuvwxyz", c) != NULL;
}

static bool
has_prefix(struct span text, struct span prefix)
{
	if (text.len < prefix.len ||
	    memcmp(text.p, prefix.p, prefix.len) != 0)
		return false;
	return text.len == prefix.len ||
	    !is_letter(prefix.p[prefix.len - 1]) ||
	    !is_letter(text.p[prefix.len]);
}

static void
prefix(struct model *m, struct span text)
{
	struct line front;

	if (text.len == 0)
		return;
	if (find(m, SPAN_LIT("Subject"), 0) == m->n) {
		put_in(m, SPAN_LIT("Subject"), text);
		return;
	}
	for (size_t i = 0; i < m->n; i++) {
		struct line *l = &m->lines[i];

		if (!span_is_nocase(l->name, "Subject") ||
		    has_prefix(shown(m->a, l), text) ||
		    l->nfronts == HEADER_PREFIXES_MAX)
			continue;
		front = (struct line){ .front = text, .text = l->front };
		l->front = shown(m->a, &front);
		l->nfronts++;
	}
}

static void
apply(struct model *m, const struct header_edit *edit)
{
	struct buf line = {0};
	struct span text;
	size_t first;

	utf8_put_printable(&line, edit->value, VERDICT_VALUE_MAX, true);
	text = arena_span(m->a, span_trim(buf_text(&line)));
	buf_free(&line);
	first = find(m, edit->name, 0);
	if (edit->kind == ACTION_PREFIX_SUBJECT) {
		prefix(m, text);
	} else if (edit->kind == ACTION_REMOVE_HEADER) {
		drop_from(m, edit->name, 0);
	} else if (edit->kind == ACTION_REPLACE_HEADER && first < m->n) {
		drop_from(m, edit->name, first + 1);
		m->lines[first] = (struct line){ .name = edit->name,
		    .text = text };
	} else
		put_in(m, edit->name, text);
}

static void
make(struct model *m, const struct header_change *c)
{
	m->lines = arena_new_n(m->a, c->fields->n + c->nedits + 1,
	    struct line);
	for (size_t i = 0; i < c->fields->n; i++) {
		const struct field *f = &c->fields->list[i];

		if (!is_cut(c, f->offset))
			m->lines[m->n++] = (struct line){ .field = f,
			    .name = f->name, .text = encoded_word_text(m->a,
			    field_unfold(m->a, f)) };
	}
	for (size_t i = 0; i < c->nedits; i++)
		apply(m, &c->edits[i]);
}

static bool
is_as_it_came(const struct model *m, const struct header_change *c)
{
	for (size_t i = 0; i < m->n; i++)
		if (m->lines[i].field == NULL || m->lines[i].front.len > 0)
			return false;
	return m->n == c->fields->n;
}

/* --- what came out --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* White space in one piece, and none at the ends: folds may change it. */
static struct span
squeezed(struct arena *a, struct span text)
{
	char *out = arena_alloc(a, text.len + 1);
	size_t len = 0;

	text = span_trim(text);
	for (size_t i = 0; i < text.len; i++)
		if (!is_blank(text.p[i]))
			out[len++] = text.p[i];
		else if (!is_blank(text.p[i - 1]))
			out[len++] = ' ';
	return span_n(out, len);
}

struct shape {
	size_t	longest, blank;		/* lines, without CRLF */
	bool	is_printable;		/* lines */
};

static struct shape
shape_of(struct span text)
{
	struct shape shape = { .is_printable = true };
	struct span line;
	const char *end;

	while (text.len > 0) {
		end = memmem(text.p, text.len, "\r\n", 2);
		line = end == NULL ? text :
		    span_n(text.p, (size_t)(end - text.p));
		if (line.len > shape.longest)
			shape.longest = line.len;
		shape.blank += span_trim(line).len == 0;
		if (!utf8_is_printable(line))
			shape.is_printable = false;
		text = span_n(text.p + line.len, text.len - line.len);
		if (end != NULL)
			text = span_n(text.p + 2, text.len - 2);
	}
	return shape;
}

static struct span
without_front_space(struct span text)
{
	while (text.len > 0 && (is_blank(text.p[0]) || text.p[0] == '\r' ||
	    text.p[0] == '\n'))
		text = span_n(text.p + 1, text.len - 1);
	return text;
}

static bool
ends_with(struct span text, struct span end)
{
	return text.len >= end.len &&
	    memcmp(text.p + text.len - end.len, end.p, end.len) == 0;
}

static const char *
compare_line(struct arena *a, const struct line *want,
    const struct field *got, bool utf8)
{
	const struct field *came = want->field;
	struct shape is = shape_of(got->whole), was = {0};
	size_t head;

	if (came != NULL && want->front.len == 0)
		return span_eq(got->whole, came->whole) ? NULL :
		    "a field that no edit touches";
	if (!span_eq(got->name, want->name))
		return "the name of a field";
	if (!span_eq(squeezed(a, encoded_word_text(a,
	    field_unfold(a, got))), squeezed(a, shown(a, want))))
		return "the value of a field";
	if (came != NULL) {
		was = shape_of(came->whole);
		head = (size_t)(came->value.p - came->whole.p);
		if (got->whole.len < head ||
		    memcmp(got->whole.p, came->whole.p, head) != 0 ||
		    !ends_with(got->value, without_front_space(came->value)))
			return "a subject behind its prefix";
	} else {
		if (!is.is_printable)
			return "a control";
		if (!utf8 && !utf8_is_ascii(got->whole))
			return "more than ASCII";
		if (!ends_with(got->whole, SPAN_LIT("\r\n")))
			return "the end of a line";
	}
	if (is.longest > 998 && is.longest > was.longest)
		return "a long line";
	return is.blank > was.blank ? "a line of white space" : NULL;
}

const char *
header_model_compare(struct arena *a, const struct header_change *c,
    bool is_changed, struct span out)
{
	struct model m = { .a = a };
	const char *wrong = NULL;
	struct span end = c->text;
	struct fields h;

	if (c->fields->size > 0)
		end = span_n(end.p + c->fields->size,
		    end.len - c->fields->size);
	make(&m, c);
	if (is_changed == is_as_it_came(&m, c))
		return "whether it changes";
	if (!is_changed)
		return out.len == 0 ? NULL : "something is appended";
	fields_parse(a, out, &h);
	if (h.n != m.n)
		return "how many fields there are";
	for (size_t i = 0; i < h.n && wrong == NULL; i++)
		wrong = compare_line(a, &m.lines[i], &h.list[i], c->utf8);
	if (c->is_headless)
		end = SPAN_LIT("\r\n");
	if (h.size > 0)
		out = span_n(out.p + h.size, out.len - h.size);
	if (wrong == NULL && !span_eq(out, end))
		wrong = "the end of the header";
	return wrong;
}

void
header_model_print(const struct header_change *c, struct span out)
{
	printf("--- header%s\n%.*s\n", c->utf8 ? ", SMTPUTF8" : "",
	    SPAN_ARG(c->text));
	for (size_t i = 0; i < c->ncuts; i++)
		printf("--- cut %zu, %zu octets\n", c->cuts[i].offset,
		    c->cuts[i].len);
	for (size_t i = 0; i < c->nedits; i++)
		printf("--- edit %d \"%.*s\" \"%.*s\"\n",
		    (int)c->edits[i].kind, SPAN_ARG(c->edits[i].name),
		    SPAN_ARG(c->edits[i].value));
	printf("--- gives\n%.*s---\n", SPAN_ARG(out));
}
