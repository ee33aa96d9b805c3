#include <stdbool.h>
#include <string.h>

#include "base/log_value.h"
#include "base/plain.h"
#include "base/utf8.h"

/* The bytes that stand for themselves in a value without quotes. */
static const bool plain[256] = {
	['!'] = true,
	['#' ... '<'] = true,
	['>' ... '['] = true,
	[']' ... '~'] = true,
};

static inline uint64_t
eight(const char *p)
{
	uint64_t word;

	memcpy(&word, p, sizeof(word));
	return word;
}

static inline uint64_t
odd_in_eight(const char *p)
{
	uint64_t word = eight(p);

	return plain_odd(word) | plain_is(word, ' ') | plain_is(word, '=');
}

static bool
is_plain(struct span s)
{
	uint64_t odd = 0;
	size_t i;

	if (s.len < 8) {
		for (i = 0; i < s.len; i++)
			if (!plain[(unsigned char)s.p[i]])
				return false;
		return s.len > 0;
	}
	for (i = 0; i < s.len - 8; i += 8)
		odd |= odd_in_eight(s.p + i);
	odd |= odd_in_eight(s.p + s.len - 8);
	return (odd & PLAIN_HIGH) == 0;
}

/* How many bytes at the front are the same within quotes; 0: the first one
 * has to be escaped. */
static size_t
same_in_quotes(struct span s)
{
	size_t n = 0;

	while (s.len - n >= 8 && (plain_odd(eight(s.p + n)) & PLAIN_HIGH) == 0)
		n += 8;
	while (n < s.len && (plain[(unsigned char)s.p[n]] ||
	    s.p[n] == ' ' || s.p[n] == '='))
		n++;
	if (n == 0 && (unsigned char)s.p[0] >= 0x80 && !utf8_is_control(s) &&
	    !utf8_turns_text(s))
		n = utf8_char(s);
	return n;
}

static void
put_in_quotes(struct buf *b, struct span s, bool is_quoted)
{
	size_t n;

	for (; s.len > 0; s = span_n(s.p + n, s.len - n)) {
		n = same_in_quotes(s);
		if (n > 0) {
			buf_put(b, s.p, n);
			continue;
		}
		n = 1;
		if (s.p[0] == '"' && !is_quoted)
			buf_put(b, s.p, 1);
		else if (s.p[0] == '"' || s.p[0] == '\\')
			buf_printf(b, "\\%c", s.p[0]);
		else
			buf_printf(b, "\\x%02X", (unsigned char)s.p[0]);
	}
}

static void
put_quoted(struct buf *b, struct span s, const char *behind)
{
	buf_put(b, "\"", 1);
	put_in_quotes(b, s, true);
	buf_puts(b, behind);
	buf_put(b, "\"", 1);
}

void
log_value_words(struct buf *b, struct span value)
{
	put_in_quotes(b, value, false);
}

/* At most LOG_VALUE_MOST bytes, not ending within a UTF-8 sequence. */
static struct span
cut(struct span s)
{
	size_t len = LOG_VALUE_MOST, back = 1;

	while (back < 4 && ((unsigned char)s.p[len - back] & 0xc0) == 0x80)
		back++;
	if (utf8_char(span_n(s.p + len - back, s.len - len + back)) > back)
		len -= back;
	return span_n(s.p, len);
}

/* What cannot stand for itself in a string of JSON; how many bytes it was. */
static size_t
put_escaped(struct buf *b, struct span s)
{
	size_t n = utf8_char(s);

	if (n == 0) {
		buf_puts(b, "\xef\xbf\xbd");	/* U+FFFD */
		return 1;
	}
	if (s.p[0] == '"' || s.p[0] == '\\')
		buf_printf(b, "\\%c", s.p[0]);
	else if (n == 3)	/* U+200E to U+2069 */
		buf_printf(b, "\\u20%02x", ((unsigned char)s.p[1] & 3) << 6 |
		    ((unsigned char)s.p[2] & 0x3f));
	else	/* below U+00A0: of two bytes the last one is the number */
		buf_printf(b, "\\u%04x", (unsigned char)s.p[n - 1]);
	return n;
}

void
log_value_json(struct buf *b, struct span value)
{
	const char *behind = "";
	size_t n;

	if (value.len > LOG_VALUE_MOST) {
		value = cut(value);
		behind = "...";
	}
	buf_put(b, "\"", 1);
	for (; value.len > 0; value = span_n(value.p + n, value.len - n)) {
		n = same_in_quotes(value);
		if (n > 0)
			buf_put(b, value.p, n);
		else
			n = put_escaped(b, value);
	}
	buf_puts(b, behind);
	buf_put(b, "\"", 1);
}

void
log_value_put(struct buf *b, struct span value)
{
	const char *behind = "";

	if (value.len > LOG_VALUE_MOST) {
		value = cut(value);
		behind = "...";
	}
	if (is_plain(value)) {
		buf_span(b, value);
		buf_puts(b, behind);
	} else
		put_quoted(b, value, behind);
}
