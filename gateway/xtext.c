#include "gateway/xtext.h"

static int
hex_digit(char c)
{
	if (c >= '0' && c <= '9')
		return c - '0';
	if (c >= 'A' && c <= 'F')
		return c - 'A' + 10;
	if (c >= 'a' && c <= 'f')
		return c - 'a' + 10;
	return -1;
}

static bool
is_plain(unsigned char c)
{
	return c > ' ' && c < 0x7f && c != '+' && c != '=';
}

static bool
is_encoded(struct span text, size_t at)
{
	return text.p[at] == '+' && text.len - at >= 3 &&
	    hex_digit(text.p[at + 1]) >= 0 && hex_digit(text.p[at + 2]) >= 0;
}

bool
xtext_is_valid(struct span text, bool utf8)
{
	unsigned char c;
	size_t i;

	for (i = 0; i < text.len; i++) {
		c = (unsigned char)text.p[i];
		if (is_encoded(text, i))
			i += 2;
		else if (!is_plain(c) && !(utf8 && c >= 0x80))
			return false;
	}
	return true;
}

int
xtext_decode(struct span text, struct buf *out)
{
	size_t i;
	char c;

	if (!xtext_is_valid(text, false))
		return -1;
	for (i = 0; i < text.len; i++) {
		c = text.p[i];
		if (c == '+') {
			c = (char)(hex_digit(text.p[i + 1]) * 16 +
			    hex_digit(text.p[i + 2]));
			i += 2;
		}
		buf_put(out, &c, 1);
	}
	return 0;
}

void
xtext_encode(struct span text, struct buf *out)
{
	size_t i;

	for (i = 0; i < text.len; i++)
		if (is_plain((unsigned char)text.p[i]))
			buf_put(out, text.p + i, 1);
		else
			buf_printf(out, "+%02X", (unsigned char)text.p[i]);
}
