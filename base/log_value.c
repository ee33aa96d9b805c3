#include <stdbool.h>
#include <stdint.h>

#include "base/log_value.h"

/* The length of the valid UTF-8 sequence at p; 0: none, or a C1 control. */
static size_t
utf8_sequence(const unsigned char *p, size_t len)
{
	size_t need, i;
	uint32_t c;

	if (p[0] >= 0xc2 && p[0] <= 0xdf)
		need = 2;
	else if (p[0] >= 0xe0 && p[0] <= 0xef)
		need = 3;
	else if (p[0] >= 0xf0 && p[0] <= 0xf4)
		need = 4;
	else
		return 0;
	if (len < need)
		return 0;
	c = p[0] & (0x7f >> need);
	for (i = 1; i < need; i++) {
		if ((p[i] & 0xc0) != 0x80)
			return 0;
		c = c << 6 | (p[i] & 0x3f);
	}
	if (c < 0xa0 || (need == 3 && c < 0x800) || (need == 4 && c < 0x10000))
		return 0;
	if ((c >= 0xd800 && c <= 0xdfff) || c > 0x10ffff)
		return 0;
	return need;
}

/* The bytes that stand for themselves in a value without quotes. */
static const bool plain[256] = {
	['!'] = true,
	['#' ... '<'] = true,
	['>' ... '['] = true,
	[']' ... '~'] = true,
};

static bool
is_plain(struct span s)
{
	size_t i;

	for (i = 0; i < s.len; i++)
		if (!plain[(unsigned char)s.p[i]])
			return false;
	return s.len > 0;
}

static void
put_quoted(struct buf *b, struct span s, const char *behind)
{
	const unsigned char *p = (const unsigned char *)s.p;
	size_t i = 0, run;

	buf_put(b, "\"", 1);
	while (i < s.len) {
		for (run = i; run < s.len &&
		    (plain[p[run]] || p[run] == ' ' || p[run] == '='); run++)
			;
		buf_put(b, p + i, run - i);
		if ((i = run) == s.len)
			break;
		run = utf8_sequence(p + i, s.len - i);
		if (run > 0)
			buf_put(b, p + i, run);
		else if (p[i] == '"' || p[i] == '\\')
			buf_printf(b, "\\%c", p[i]);
		else
			buf_printf(b, "\\x%02X", p[i]);
		i += run > 0 ? run : 1;
	}
	buf_puts(b, behind);
	buf_put(b, "\"", 1);
}

/* At most LOG_VALUE_MOST bytes, not ending within a UTF-8 sequence. */
static struct span
cut(struct span s)
{
	size_t len = LOG_VALUE_MOST, back;

	for (back = 1; back <= 3; back++)
		if (((unsigned char)s.p[len - back] & 0xc0) != 0x80)
			break;
	if (back <= 3 && (unsigned char)s.p[len - back] >= 0xc0 &&
	    utf8_sequence((const unsigned char *)s.p + len - back, back) == 0)
		len -= back;
	return span_n(s.p, len);
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
