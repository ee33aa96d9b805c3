#include <stdint.h>
#include <string.h>

#include "base/utf8.h"

/* RFC 3629 4: the octets that may lead, and which second ones they allow. */
static const struct {
	unsigned char	from, to;
	unsigned char	low, high;
	size_t		len;
} forms[] = {
	{ 0xc2, 0xdf, 0x80, 0xbf, 2 },
	{ 0xe0, 0xe0, 0xa0, 0xbf, 3 },
	{ 0xe1, 0xec, 0x80, 0xbf, 3 },
	{ 0xed, 0xed, 0x80, 0x9f, 3 },
	{ 0xee, 0xef, 0x80, 0xbf, 3 },
	{ 0xf0, 0xf0, 0x90, 0xbf, 4 },
	{ 0xf1, 0xf3, 0x80, 0xbf, 4 },
	{ 0xf4, 0xf4, 0x80, 0x8f, 4 },
};

size_t
utf8_char(struct span text)
{
	const unsigned char *p = (const unsigned char *)text.p;
	size_t i, j;

	if (text.len == 0)
		return 0;
	if (p[0] < 0x80)
		return 1;
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		if (p[0] < forms[i].from || p[0] > forms[i].to)
			continue;
		if (text.len < forms[i].len || p[1] < forms[i].low ||
		    p[1] > forms[i].high)
			return 0;
		for (j = 2; j < forms[i].len; j++)
			if ((p[j] & 0xc0) != 0x80)
				return 0;
		return forms[i].len;
	}
	return 0;
}

bool
utf8_is_ascii(struct span text)
{
	uint64_t word, high = 0;
	size_t i = 0;

	for (; text.len - i >= sizeof(word); i += sizeof(word)) {
		memcpy(&word, text.p + i, sizeof(word));
		high |= word;
	}
	for (; i < text.len; i++)
		high |= (unsigned char)text.p[i];
	return (high & 0x8080808080808080) == 0;
}

bool
utf8_is_control(struct span text)
{
	const unsigned char *p = (const unsigned char *)text.p;

	if (text.len == 0)
		return false;
	if (p[0] < 0x80)
		return p[0] < ' ' || p[0] == 0x7f;
	return text.len > 1 && p[0] == 0xc2 && p[1] >= 0x80 && p[1] < 0xa0;
}

bool
utf8_turns_text(struct span text)
{
	const unsigned char *p = (const unsigned char *)text.p;

	if (text.len < 3 || p[0] != 0xe2)
		return false;
	return (p[1] == 0x80 && (p[2] == 0x8e || p[2] == 0x8f)) ||
	    (p[1] == 0x80 && p[2] >= 0xa8 && p[2] <= 0xae) ||
	    (p[1] == 0x81 && p[2] >= 0xa6 && p[2] <= 0xa9);
}

bool
utf8_is_printable(struct span text)
{
	size_t n;

	while (text.len > 0) {
		n = utf8_char(text);
		if (n == 0 || utf8_is_control(text))
			return false;
		text = span_n(text.p + n, text.len - n);
	}
	return true;
}

/* The ASCII at the front that stands for itself, at most `most` octets. */
static size_t
plain_run(struct span text, size_t most)
{
	size_t n = 0;

	while (n < text.len && n < most && text.p[n] >= ' ' &&
	    text.p[n] <= '~')
		n++;
	return n;
}

static bool
put(struct buf *out, struct span text, size_t room, bool utf8, bool turns)
{
	struct span shown;
	size_t n;

	for (; text.len > 0; text = span_n(text.p + n, text.len - n)) {
		n = plain_run(text, room);
		shown = span_n(text.p, n);
		if (n == 0) {
			n = utf8_char(text);
			shown.len = n;
			if (n == 0 || utf8_is_control(text) ||
			    (n > 1 && !utf8) ||
			    (!turns && utf8_turns_text(text)))
				shown = span_z(text.p[0] == '\t' ? " " : "?");
			n += n == 0;
		}
		if (shown.len > room)
			return false;
		buf_span(out, shown);
		room -= shown.len;
	}
	return true;
}

bool
utf8_put_printable(struct buf *out, struct span text, size_t room, bool utf8)
{
	return put(out, text, room, utf8, true);
}

bool
utf8_put_shown(struct buf *out, struct span text, size_t room)
{
	return put(out, text, room, true, false);
}
