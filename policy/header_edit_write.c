#include <string.h>

#include "policy/encoded_word.h"
#include "policy/header_edit_internal.h"

struct span
header_text_join(struct arena *a, struct span front, struct span behind)
{
	char *text;

	if (behind.len == 0)
		return front;
	text = arena_alloc(a, front.len + 1 + behind.len);
	memcpy(text, front.p, front.len);
	text[front.len] = ' ';
	memcpy(text + front.len + 1, behind.p, behind.len);
	return span_n(text, front.len + 1 + behind.len);
}

/* Words of text, each with the spaces before it; *line is where the line that
 * they come to began. */
static void
put_folded(struct buf *out, size_t *line, struct span text)
{
	size_t n;

	while (text.len > 0) {
		for (n = 0; n < text.len && text.p[n] == ' '; n++)
			;
		for (; n < text.len && text.p[n] != ' '; n++)
			;
		if (out->len - *line + n > HEADER_FOLD_AT) {
			buf_puts(out, "\r\n");
			*line = out->len;
		}
		buf_put(out, text.p, n);
		text = span_n(text.p + n, text.len - n);
	}
}

/* " text", encoded and folded. Returns its last word. */
static struct span
put_text(struct arena *a, struct buf *out, size_t *line, struct span text,
    bool utf8)
{
	struct span words = encoded_word_encode(a, text, utf8);
	const char *space;

	if (words.len == 0)
		return words;
	put_folded(out, line, header_text_join(a, SPAN_LIT(""), words));
	space = memrchr(words.p, ' ', words.len);
	return space == NULL ? words : span_n(space + 1,
	    (size_t)(words.p + words.len - space - 1));
}

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

/* Up to its first CRLF. */
static struct span
first_line(struct span text)
{
	const char *end = text.len == 0 ? NULL :
	    memmem(text.p, text.len, "\r\n", 2);

	return end == NULL ? text : span_n(text.p, (size_t)(end - text.p));
}

/* A Subject behind its prefixes, on their line if there is room. A line of
 * nothing but white space is never made: some take it for the empty line. */
static void
put_behind(struct buf *out, size_t line, struct span value)
{
	struct span first = first_line(value);
	bool has_blank = first.len > 0 && is_blank(first.p[0]);

	if (out->len - line + !has_blank + first.len > HEADER_FOLD_AT) {
		if (span_trim(first).len > 0)
			buf_puts(out, "\r\n");
		else
			value = span_n(value.p + first.len,
			    value.len - first.len);
	}
	if (!has_blank && first.len > 0)
		buf_puts(out, " ");
	buf_span(out, value);
}

static bool
begins_encoded(struct span text)
{
	while (text.len > 0 && (is_blank(text.p[0]) || text.p[0] == '\r' ||
	    text.p[0] == '\n'))
		text = span_n(text.p + 1, text.len - 1);
	return text.len >= 2 && memcmp(text.p, "=?", 2) == 0;
}

static void
put_prefixed(struct arena *a, struct buf *out, const struct header_item *item,
    bool utf8)
{
	const struct field *f = item->field;
	size_t head = (size_t)(f->value.p - f->whole.p), tail, line;
	const char *fold = memrchr(f->whole.p, '\n', head);
	struct span last;

	tail = f->whole.len - head - f->value.len;
	line = out->len + (fold == NULL ? 0 :
	    (size_t)(fold + 1 - f->whole.p));
	buf_put(out, f->whole.p, head);
	last = put_text(a, out, &line, item->front, utf8);
	/* White space between two encoded words is not shown: RFC 2047 6.2. */
	if (begins_encoded(last) && begins_encoded(f->value))
		put_folded(out, &line, SPAN_LIT(" =?utf-8?Q?_?="));
	put_behind(out, line, f->value);
	buf_put(out, f->value.p + f->value.len, tail);
}

void
header_item_put(struct arena *a, struct buf *out,
    const struct header_item *item, bool utf8)
{
	size_t line = out->len;

	if (item->is_gone)
		return;
	if (item->field != NULL && item->front.len == 0) {
		buf_span(out, item->field->whole);
	} else if (item->field != NULL) {
		put_prefixed(a, out, item, utf8);
	} else {
		buf_span(out, item->name);
		buf_puts(out, ":");
		put_text(a, out, &line, item->front.len == 0 ? item->value :
		    header_text_join(a, item->front, item->value), utf8);
		buf_puts(out, "\r\n");
	}
}

