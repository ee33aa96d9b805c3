#include <assert.h>
#include <string.h>

#include "base/json_write.h"
#include "base/plain.h"
#include "base/utf8.h"

/* What stands for itself in a string and is no part of a longer character. */
static const bool plain[256] = {
	[' ' ... '!'] = true,
	['#' ... '['] = true,
	[']' ... '~'] = true,
};

#define STOCK	((size_t)2048)	/* octets that are fetched at once */
#define DIGITS_MOST 9		/* behind the point */

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
	if (o->keeps_octets)
		put_escape(o->to, "dc", octet);
	else
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

static size_t
plain_run(struct span s)
{
	size_t n = 0;
	uint64_t word;

	for (; s.len - n >= sizeof(word); n += sizeof(word)) {
		memcpy(&word, s.p + n, sizeof(word));
		if (plain_odd(word) & PLAIN_HIGH)
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

/* --- strings that are plain, as nearly all are: looked at while they are
 * copied --- */

/* The compiler's vectors have a name only so. */
typedef signed char sixteen __attribute__((vector_size(16)));
#define SIXTEEN(octet)	((sixteen){0} + (octet))

/* Those that are not plain, as bits. */
static inline sixteen
copy_sixteen(char *to, const char *from)
{
	sixteen v;

	memcpy(&v, from, sizeof(v));
	memcpy(to, &v, sizeof(v));
	return (v < SIXTEEN(' ')) | (v == SIXTEEN('"')) | (v == SIXTEEN('\\')) |
	    (v == SIXTEEN(0x7f));		/* above ASCII is below 0 */
}

static inline uint64_t
copy_eight(char *to, const char *from)
{
	uint64_t word;

	memcpy(&word, from, sizeof(word));
	memcpy(to, &word, sizeof(word));
	return plain_odd(word);
}

/* Four to seven, those in the middle twice. */
static inline uint64_t
copy_four(char *to, const char *from, size_t n)
{
	uint32_t head, tail;

	memcpy(&head, from, sizeof(head));
	memcpy(&tail, from + n - sizeof(tail), sizeof(tail));
	memcpy(to, &head, sizeof(head));
	memcpy(to + n - sizeof(tail), &tail, sizeof(tail));
	return plain_odd((uint64_t)tail << 32 | head);
}

/* One to three. */
static inline uint64_t
copy_one(char *to, const char *from, size_t n)
{
	bool all = plain[(unsigned char)from[0]] &
	    plain[(unsigned char)from[n / 2]] &
	    plain[(unsigned char)from[n - 1]];

	to[0] = from[0];
	to[n / 2] = from[n / 2];
	to[n - 1] = from[n - 1];
	return all ? 0 : PLAIN_HIGH;
}

/* Sixteen or more, some at the end twice. */
static inline uint64_t
copy_many(char *to, struct span s)
{
	sixteen odd = copy_sixteen(to + s.len - 16, s.p + s.len - 16);
	uint64_t both[2];

	for (size_t n = 0; n < s.len - 16; n += 16)
		odd |= copy_sixteen(to + n, s.p + n);
	memcpy(both, &odd, sizeof(both));
	return both[0] | both[1];
}

/* Whether all of it is plain, and has been copied. */
static inline bool
copy_plain(char *to, struct span s)
{
	uint64_t odd = 0;

	if (s.len >= 16)
		odd = copy_many(to, s);
	else if (s.len >= 8)
		odd = copy_eight(to, s.p) |
		    copy_eight(to + s.len - 8, s.p + s.len - 8);
	else if (s.len >= 4)
		odd = copy_four(to, s.p, s.len);
	else if (s.len > 0)
		odd = copy_one(to, s.p, s.len);
	return (odd & PLAIN_HIGH) == 0;
}

/* --- members --- */

#define FRAME	(sizeof(",\"\":\"\"") - 1)	/* but for its key and value */

static void
put_odd_key(struct json_out *o, struct span key)
{
	buf_put(o->to, ",", o->more);
	buf_put(o->to, "\"", 1);
	put_inside(o, key);
	buf_put(o->to, "\":", 2);
}

/* Where its value goes, with room for so many octets and two quotes. */
static inline char *
begin(struct json_out *o, struct span key, size_t most)
{
	char *p = buf_room(o->to, FRAME + key.len + most);

	*p = ',';
	p += o->more;
	if (key.p != NULL) {
		*p++ = '"';
		if (!copy_plain(p, key)) {
			put_odd_key(o, key);
			p = buf_room(o->to, FRAME + most);
		} else {
			p += key.len;
			*p++ = '"';
			*p++ = ':';
		}
	}
	o->more = true;
	return p;
}

void
json_open_n(struct json_out *o, struct span key, char bracket)
{
	char *p = begin(o, key, 1);

	*p++ = bracket;
	buf_end(o->to, p);
	o->more = false;
}

void
json_key_n(struct json_out *o, struct span key)
{
	buf_end(o->to, begin(o, key, 0));
	o->more = false;
}

void
json_close(struct json_out *o, char bracket)
{
	buf_put(o->to, &bracket, 1);
	o->more = true;
}

void
json_raw_n(struct json_out *o, struct span key, struct span text)
{
	buf_end(o->to, begin(o, key, text.len));
	buf_span(o->to, text);
}

void
json_span_n(struct json_out *o, struct span key, struct span text)
{
	char *p = begin(o, key, text.len);

	*p++ = '"';
	if (copy_plain(p, text))
		p += text.len;
	else {
		buf_end(o->to, p);
		put_inside(o, text);
		p = buf_room(o->to, 1);
	}
	*p++ = '"';
	buf_end(o->to, p);
}

/* The sign; what is left without it. */
static inline char *
put_sign(char *p, int64_t n, uint64_t *left)
{
	*p = '-';
	*left = n < 0 ? -(uint64_t)n : (uint64_t)n;
	return p + (n < 0);
}

void
json_int_n(struct json_out *o, struct span key, int64_t n)
{
	char *p = begin(o, key, sizeof("-") + BUF_UINT);
	uint64_t left;

	p = put_sign(p, n, &left);
	buf_end(o->to, buf_digits(p, left));
}

void
json_decimal_n(struct json_out *o, struct span key, int64_t n,
    unsigned digits)
{
	char *p = begin(o, key, sizeof("-.") + BUF_UINT + DIGITS_MOST);
	uint64_t left, unit = 1;

	assert(digits > 0 && digits <= DIGITS_MOST);
	p = put_sign(p, n, &left);
	for (unsigned i = 0; i < digits; i++)
		unit *= 10;
	p = buf_digits(p, left / unit);
	*p = '.';
	for (unsigned i = digits; i > 0; i--) {
		p[i] = (char)('0' + left % 10);
		left /= 10;
	}
	buf_end(o->to, p + 1 + digits);
}

void
json_bool_n(struct json_out *o, struct span key, bool value)
{
	char *p = begin(o, key, sizeof("false") - 1);

	memcpy(p, value ? "true " : "false", sizeof("false") - 1);
	buf_end(o->to, p + sizeof("false") - 1 - value);
}

void
json_none_n(struct json_out *o, struct span key)
{
	char *p = begin(o, key, sizeof("null") - 1);

	memcpy(p, "null", sizeof("null") - 1);
	buf_end(o->to, p + sizeof("null") - 1);
}

/* --- what is made ready --- */

struct span
json_ready(struct json_stock *s, struct span text)
{
	char *p;

	if (s->left < text.len + JSON_READY) {
		s->left = STOCK + text.len;
		s->at = arena_alloc(s->arena, s->left);
		memset(s->at, ' ', s->left);
	}
	p = s->at;
	if (text.len > 0)
		memcpy(p, text.p, text.len);
	s->at += text.len;
	s->left -= text.len;
	return span_n(p, text.len);
}

struct span
json_ready_key(struct json_stock *s, struct span key)
{
	struct buf text = {0};
	struct json_out o = { .to = &text };
	struct span ready;

	json_key_n(&o, key);
	ready = json_ready(s, buf_text(&text));
	buf_free(&text);
	return ready;
}

struct span
json_ready_member(struct json_stock *s, struct span key, struct span value)
{
	struct buf text = {0};
	struct json_out o = { .to = &text };
	struct span ready;

	json_raw_n(&o, key, value);
	ready = json_ready(s, buf_text(&text));
	buf_free(&text);
	return ready;
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
