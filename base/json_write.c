#include <assert.h>
#include <string.h>

#include "base/json_write.h"
#include "base/utf8.h"

/* What stands for itself in a string and is no part of a longer character. */
static const bool plain[256] = {
	[' ' ... '!'] = true,
	['#' ... '['] = true,
	[']' ... '~'] = true,
};

#define ONES	UINT64_C(0x0101010101010101)	/* eight octets at once */
#define HIGH	(ONES * 0x80)

static const char hex[] = "0123456789abcdef";

/* --- strings --- */

static void
put_escape(struct buf *to, const char *high, unsigned char octet)
{
	char text[6] = { '\\', 'u', high[0], high[1], hex[octet >> 4],
	    hex[octet & 15] };

	buf_put(to, text, sizeof(text));
}

static void
put_odd_octet(struct json_out *o, unsigned char octet)
{
	if (o->keeps_octets) {
		put_escape(o->to, "dc", octet);
		o->has_kept = true;
	} else
		buf_put(o->to, "\xef\xbf\xbd", 3);	/* U+FFFD */
}

/* One character that is not plain; how many octets it was. */
static size_t
put_character(struct json_out *o, struct span s)
{
	char quoted[2] = { '\\', s.p[0] };
	size_t n;

	if (s.p[0] == '"' || s.p[0] == '\\') {
		buf_put(o->to, quoted, sizeof(quoted));
		return 1;
	}
	n = utf8_char(s);
	if (n == 0) {
		put_odd_octet(o, (unsigned char)s.p[0]);
		return 1;
	}
	if (utf8_is_control(s))	/* of two octets the last is the number */
		put_escape(o->to, "00", (unsigned char)s.p[n - 1]);
	else
		buf_put(o->to, s.p, n);
	return n;
}

/* A bit in each octet of the word that is 0. Behind such a one there may be
 * more of them, so only none at all is certain. */
static uint64_t
zeros(uint64_t word)
{
	return (word - ONES) & ~word & HIGH;
}

/* There is no octet in it that is not plain. */
static bool
is_plain_word(uint64_t word)
{
	return ((word | zeros(word & (ONES * 0xe0)) |	/* below a space */
	    zeros(word ^ (ONES * '"')) | zeros(word ^ (ONES * '\\')) |
	    zeros(word ^ (ONES * 0x7f))) & HIGH) == 0;
}

static size_t
plain_run(struct span s)
{
	size_t n = 0;
	uint64_t word;

	for (; s.len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, s.p + n, sizeof(word));
		if (!is_plain_word(word))
			break;
	}
	while (n < s.len && plain[(unsigned char)s.p[n]])
		n++;
	return n;
}

static void
put_inside(struct json_out *o, struct span s)
{
	size_t n;

	while (s.len > 0) {
		n = plain_run(s);
		if (n > 0)
			buf_put(o->to, s.p, n);
		else
			n = put_character(o, s);
		s = span_n(s.p + n, s.len - n);
	}
}

/* --- members --- */

static void
begin(struct json_out *o, const char *key)
{
	if (o->more)
		buf_put(o->to, ",", 1);
	o->more = true;
	if (key == NULL)
		return;
	buf_put(o->to, "\"", 1);
	put_inside(o, span_z(key));
	buf_put(o->to, "\":", 2);
}

void
json_key(struct json_out *o, struct span key)
{
	begin(o, NULL);
	buf_span(o->to, key);
	o->more = false;
}

void
json_key_span(struct json_out *o, const char *front, struct span text)
{
	begin(o, NULL);
	buf_put(o->to, "\"", 1);
	put_inside(o, span_z(front));
	put_inside(o, text);
	buf_put(o->to, "\":", 2);
	o->more = false;
}

void
json_open(struct json_out *o, const char *key, char bracket)
{
	begin(o, key);
	buf_put(o->to, &bracket, 1);
	o->more = false;
}

void
json_close(struct json_out *o, char bracket)
{
	buf_put(o->to, &bracket, 1);
	o->more = true;
}

void
json_raw(struct json_out *o, const char *key, struct span text)
{
	begin(o, key);
	buf_span(o->to, text);
}

void
json_span(struct json_out *o, const char *key, struct span text)
{
	begin(o, key);
	buf_put(o->to, "\"", 1);
	put_inside(o, text);
	buf_put(o->to, "\"", 1);
}

void
json_z(struct json_out *o, const char *key, const char *text)
{
	json_span(o, key, span_z(text));
}

/* The sign; what is left without it. */
static uint64_t
put_sign(struct json_out *o, int64_t n)
{
	if (n >= 0)
		return (uint64_t)n;
	buf_put(o->to, "-", 1);
	return -(uint64_t)n;
}

void
json_int(struct json_out *o, const char *key, int64_t n)
{
	begin(o, key);
	buf_uint(o->to, put_sign(o, n));
}

void
json_decimal(struct json_out *o, const char *key, int64_t n, unsigned digits)
{
	char behind[10] = { '.' };
	uint64_t whole;

	assert(digits > 0 && digits < sizeof(behind));
	begin(o, key);
	whole = put_sign(o, n);
	for (unsigned i = digits; i > 0; i--) {
		behind[i] = (char)('0' + whole % 10);
		whole /= 10;
	}
	buf_uint(o->to, whole);
	buf_put(o->to, behind, digits + 1);
}

void
json_bool(struct json_out *o, const char *key, bool value)
{
	json_raw(o, key, span_z(value ? "true" : "false"));
}

void
json_none(struct json_out *o, const char *key)
{
	json_raw(o, key, SPAN_LIT("null"));
}

/* --- */

void
json_forget_octets(char *text, size_t len)
{
	char *end = text + len, *p = text;

	while ((p = memchr(p, '\\', (size_t)(end - p))) != NULL &&
	    end - p >= 6) {
		if (memcmp(p, "\\udc", 4) == 0)
			memcpy(p + 2, "fffd", 4);
		p += 2;		/* what is escaped may be a backslash */
	}
}
