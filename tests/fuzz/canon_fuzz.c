#include <assert.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "filters/canon.h"

/*
 * A body in pieces whose sizes its first octets name, in one piece, and as a
 * plain reading of RFC 6376 3.4 makes it, line by line: all the same, and
 * what is canonical stays as it is. The same text as a header field, with a
 * part cut out.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
body(struct buf *b, struct span text, const uint8_t *sizes, size_t n,
    enum canon how)
{
	struct canon_body c;
	struct span in, out;
	size_t i = 0, len;

	canon_body_begin(&c, how);
	while (text.len > 0) {
		len = n > 0 ? (size_t)sizes[i++ % n] + 1 : text.len;
		in = span_n(text.p, len < text.len ? len : text.len);
		text = span_n(text.p + in.len, text.len - in.len);
		while (canon_body_next(&c, &in, &out)) {
			assert(out.len > 0);
			buf_span(b, out);
		}
		assert(in.len == 0);
	}
	while (canon_body_end(&c, &out))
		buf_span(b, out);
}

/* --- the plain reading --- */

static bool
is_blank(char c)
{
	return c == ' ' || c == '\t';
}

static void
plain_line(struct buf *b, struct span line, enum canon how)
{
	if (how == CANON_SIMPLE) {
		buf_span(b, line);
		return;
	}
	while (line.len > 0 && is_blank(line.p[line.len - 1]))
		line.len--;
	for (size_t i = 0; i < line.len; i++)
		if (!is_blank(line.p[i]))
			buf_put(b, &line.p[i], 1);
		else if (!is_blank(line.p[i + 1]))
			buf_put(b, " ", 1);
}

static void
plain_body(struct buf *b, struct span text, enum canon how)
{
	struct span line;
	const char *end;

	while (text.len > 0) {
		end = memmem(text.p, text.len, "\r\n", 2);
		line = span_n(text.p, end != NULL ?
		    (size_t)(end - text.p) : text.len);
		plain_line(b, line, how);
		buf_puts(b, "\r\n");
		line.len += end != NULL ? 2 : 0;
		text = span_n(text.p + line.len, text.len - line.len);
	}
	while (b->len >= 4 && memcmp(b->p + b->len - 4, "\r\n\r\n", 4) == 0)
		b->len -= 2;
	if (b->len == 2 && how == CANON_RELAXED)
		b->len = 0;
	if (b->len == 0 && how == CANON_SIMPLE)
		buf_puts(b, "\r\n");
}

static void
check_same(const struct buf *a, const struct buf *b)
{
	assert(a->len == b->len);
	assert(a->len == 0 || memcmp(a->p, b->p, a->len) == 0);
}

static void
check_body(struct span text, const uint8_t *sizes, size_t n, enum canon how)
{
	struct buf plain = { 0 }, whole = { 0 }, pieces = { 0 }, again = { 0 };

	plain_body(&plain, text, how);
	body(&whole, text, NULL, 0, how);
	body(&pieces, text, sizes, n, how);
	check_same(&plain, &whole);
	check_same(&plain, &pieces);
	body(&again, buf_text(&whole), sizes, n, how);
	check_same(&whole, &again);
	buf_free(&plain);
	buf_free(&whole);
	buf_free(&pieces);
	buf_free(&again);
}

/* Each line but the first begins with white space. */
static bool
is_field(struct span text)
{
	for (size_t i = 0; i + 2 < text.len; i++)
		if (memcmp(text.p + i, "\r\n", 2) == 0 &&
		    !is_blank(text.p[i + 2]))
			return false;
	return true;
}

static void
check_field(struct span text, const uint8_t *cuts, enum canon how)
{
	struct buf b = { 0 }, again = { 0 };
	const char *colon = memchr(text.p, ':', text.len);
	size_t end = text.len, from, len;

	canon_field(&b, text, how);
	assert(b.len >= 2 && memcmp(b.p + b.len - 2, "\r\n", 2) == 0);
	if (is_field(text)) {
		canon_field(&again, buf_text(&b), how);
		check_same(&b, &again);
	}
	buf_clear(&b);
	if (end >= 2 && memcmp(text.p + end - 2, "\r\n", 2) == 0)
		end -= 2;
	from = colon != NULL ? (size_t)(colon + 1 - text.p) : end;
	if (from < end) {
		from += cuts[0] % (end - from);
		len = cuts[1] % (end - from + 1);
		canon_signature(&b, text, span_n(text.p + from, len), how);
		assert(b.len <= end);
	}
	buf_free(&b);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span text;

	if (size < 4)
		return 0;
	text = span_n(data + 4, size - 4);
	for (enum canon how = CANON_SIMPLE; how <= CANON_RELAXED; how++) {
		check_body(text, data, 4, how);
		check_field(text, data, how);
	}
	return 0;
}
