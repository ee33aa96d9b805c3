#include <string.h>

#include "base/json_read.h"
#include "base/utf8.h"

/* The octets that stand for themselves in a string, and are ASCII. */
static const bool plain[256] = {
	[' ' ... '!'] = true,
	['#' ... '['] = true,
	[']' ... 0x7f] = true,
};

static int
bad(const struct json_in *in, struct err *err, const char *what)
{
	return err_set(err, ERR_SYNTAX, "JSON, octet %td: %s",
	    in->p - in->begin + 1, what);
}

static struct span
rest(const struct json_in *in)
{
	return span_n(in->p, (size_t)(in->end - in->p));
}

static void
skip_space(struct json_in *in)
{
	while (in->p < in->end && (*in->p == ' ' || *in->p == '\t' ||
	    *in->p == '\n' || *in->p == '\r'))
		in->p++;
}

static int
hex4(struct span s)
{
	int value = 0, digit;
	size_t i;
	char c;

	if (s.len < 4)
		return -1;
	for (i = 0; i < 4; i++) {
		c = s.p[i];
		if (c >= '0' && c <= '9')
			digit = c - '0';
		else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
			digit = (c | 0x20) - 'a' + 10;
		else
			return -1;
		value = value * 16 + digit;
	}
	return value;
}

static size_t
put_utf8(char *out, unsigned c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* Behind "\u": the character, or the octet, that it names; how many octets of
 * the text that took. 0: none. */
static size_t
read_u(struct span s, char *out, size_t *n)
{
	int c = hex4(s), low;

	if (c < 0)
		return 0;
	if (c >= 0xdc80 && c <= 0xdcff) {
		out[0] = (char)(c & 0xff);
		*n = 1;
		return 4;
	}
	if (c < 0xd800 || c > 0xdfff) {
		*n = put_utf8(out, (unsigned)c);
		return 4;
	}
	if (c >= 0xdc00 || s.len < 6 || s.p[4] != '\\' || s.p[5] != 'u')
		return 0;
	low = hex4(span_n(s.p + 6, s.len - 6));
	if (low < 0xdc00 || low > 0xdfff)
		return 0;
	*n = put_utf8(out, 0x10000u + (((unsigned)c & 0x3ff) << 10) +
	    ((unsigned)low & 0x3ff));
	return 10;
}

/* Behind "\": likewise. */
static size_t
read_escape(struct span s, char *out, size_t *n)
{
	static const char names[] = "\"\\/bfnrt";
	static const char chars[] = "\"\\/\b\f\n\r\t";
	const char *at;
	size_t took;

	if (s.len == 0)
		return 0;
	if (s.p[0] == 'u') {
		took = read_u(span_n(s.p + 1, s.len - 1), out, n);
		return took > 0 ? took + 1 : 0;
	}
	at = memchr(names, s.p[0], sizeof(names) - 1);
	if (at == NULL)
		return 0;
	out[0] = chars[at - names];
	*n = 1;
	return 1;
}

/* The string whose first quote has been taken: to where it ends. Whether it
 * has escapes, which are checked. */
static int
scan_string(struct json_in *in, bool *escaped, struct err *err)
{
	char ignored[4];
	size_t n, len;

	*escaped = false;
	for (;;) {
		while (in->p < in->end && plain[(unsigned char)*in->p])
			in->p++;
		if (in->p == in->end)
			return bad(in, err, "a string does not end");
		if (*in->p == '"')
			return 0;
		if (*in->p == '\\') {
			*escaped = true;
			n = read_escape(span_n(in->p + 1,
			    (size_t)(in->end - in->p) - 1), ignored, &len);
			if (n == 0)
				return bad(in, err, "a wrong escape");
			in->p += n + 1;
			continue;
		}
		n = (unsigned char)*in->p < ' ' ? 0 : utf8_char(rest(in));
		if (n == 0)
			return bad(in, err, (unsigned char)*in->p < ' ' ?
			    "a control character in a string" :
			    "a string is no UTF-8");
		in->p += n;
	}
}

static struct span
unescape(struct arena *a, struct span raw)
{
	char *out = arena_alloc(a, raw.len);	/* escapes are longer */
	size_t i, n, len = 0;

	for (i = 0; i < raw.len; ) {
		if (raw.p[i] != '\\') {
			out[len++] = raw.p[i++];
			continue;
		}
		i += 1 + read_escape(span_n(raw.p + i + 1, raw.len - i - 1),
		    out + len, &n);
		len += n;
	}
	return span_n(out, len);
}

static int
read_string(struct json_in *in, struct span *text, struct err *err)
{
	const char *begin = ++in->p;
	bool escaped;

	if (scan_string(in, &escaped, err) < 0)
		return -1;
	*text = span_n(begin, (size_t)(in->p++ - begin));
	if (escaped && in->arena != NULL)
		*text = unescape(in->arena, *text);
	return 0;
}

static bool
skip_digits(struct json_in *in)
{
	const char *begin = in->p;

	while (in->p < in->end && *in->p >= '0' && *in->p <= '9')
		in->p++;
	return in->p > begin;
}

static bool
skip_char(struct json_in *in, char c)
{
	if (in->p == in->end || *in->p != c)
		return false;
	in->p++;
	return true;
}

static int
read_number(struct json_in *in, struct span *text, struct err *err)
{
	const char *begin = in->p;

	skip_char(in, '-');
	if (!skip_char(in, '0') && !skip_digits(in))
		return bad(in, err, "expected a digit");
	if (skip_char(in, '.') && !skip_digits(in))
		return bad(in, err, "expected a digit behind the point");
	if (skip_char(in, 'e') || skip_char(in, 'E')) {
		if (!skip_char(in, '+'))
			skip_char(in, '-');
		if (!skip_digits(in))
			return bad(in, err, "expected an exponent");
	}
	*text = span_n(begin, (size_t)(in->p - begin));
	return 0;
}

static int
read_word(struct json_in *in, const char *word, struct err *err)
{
	size_t len = strlen(word);

	if ((size_t)(in->end - in->p) < len || memcmp(in->p, word, len) != 0)
		return bad(in, err, "expected a value");
	in->p += len;
	return 0;
}

static int
open_inner(struct json_in *in, bool is_array, struct err *err)
{
	if (in->depth == JSON_DEPTH_MOST)
		return bad(in, err, "too many objects within each other");
	in->p++;
	in->depth++;
	in->arrays = (in->arrays & ~(1u << in->depth)) |
	    (uint32_t)is_array << in->depth;
	in->is_first = true;
	return 0;
}

static int
read_value(struct json_in *in, struct json_value *v, struct err *err)
{
	if (in->p == in->end)
		return bad(in, err, "expected a value");
	switch (*in->p) {
	case '{':
		v->kind = JSON_IN_OBJECT;
		return open_inner(in, false, err);
	case '[':
		v->kind = JSON_IN_ARRAY;
		return open_inner(in, true, err);
	case '"':
		v->kind = JSON_IN_STRING;
		return read_string(in, &v->text, err);
	case 't':
		v->kind = JSON_IN_TRUE;
		return read_word(in, "true", err);
	case 'f':
		v->kind = JSON_IN_FALSE;
		return read_word(in, "false", err);
	case 'n':
		v->kind = JSON_IN_NULL;
		return read_word(in, "null", err);
	default:
		v->kind = JSON_IN_NUMBER;
		return read_number(in, &v->text, err);
	}
}

static int
read_key(struct json_in *in, struct span *key, struct err *err)
{
	if (in->p == in->end || *in->p != '"')
		return bad(in, err, "expected a key");
	if (read_string(in, key, err) < 0)
		return -1;
	skip_space(in);
	if (!skip_char(in, ':'))
		return bad(in, err, "expected a colon");
	skip_space(in);
	return 0;
}

void
json_begin(struct json_in *in, struct arena *a, struct span text)
{
	*in = (struct json_in){
		.arena = a,
		.begin = text.p,
		.p = text.p,
		.end = text.p + text.len,
	};
}

int
json_next(struct json_in *in, struct json_value *v, struct err *err)
{
	bool is_array = in->arrays >> in->depth & 1;

	v->kind = JSON_IN_END;
	v->key = v->text = span_n("", 0);
	if (in->end - in->begin > JSON_TEXT_MOST)
		return bad(in, err, "the text is too long");
	skip_space(in);
	if (in->depth == 0 && in->is_read)
		return in->p == in->end ? 0 :
		    bad(in, err, "something behind the value");
	in->is_read = true;
	if (in->depth == 0)
		return read_value(in, v, err);
	if (skip_char(in, is_array ? ']' : '}')) {
		v->kind = JSON_IN_CLOSE;
		in->depth--;
		in->is_first = false;
		return 0;
	}
	if (!in->is_first && !skip_char(in, ','))
		return bad(in, err, is_array ? "expected a comma or \"]\"" :
		    "expected a comma or \"}\"");
	in->is_first = false;
	skip_space(in);
	if (!is_array && read_key(in, &v->key, err) < 0)
		return -1;
	return read_value(in, v, err);
}

int
json_skip(struct json_in *in, const struct json_value *v, struct err *err)
{
	unsigned depth = in->depth;
	struct json_value inner;

	if (v->kind != JSON_IN_OBJECT && v->kind != JSON_IN_ARRAY)
		return 0;
	while (in->depth >= depth)
		if (json_next(in, &inner, err) < 0)
			return -1;
	return 0;
}

int
json_check(struct span text, struct err *err)
{
	struct json_value v;
	struct json_in in;

	json_begin(&in, NULL, text);
	do {
		if (json_next(&in, &v, err) < 0)
			return -1;
	} while (v.kind != JSON_IN_END);
	return 0;
}

int
json_in_decimal(struct span number, unsigned digits, int64_t *value)
{
	bool negative = number.len > 0 && number.p[0] == '-';
	bool behind = false;
	size_t i = negative ? 1 : 0;
	int64_t n = 0;

	if (i == number.len)
		return -1;
	for (; i < number.len; i++) {
		if (number.p[i] == '.' && !behind) {
			behind = true;
			continue;
		}
		if (number.p[i] < '0' || number.p[i] > '9' ||
		    (behind && digits-- == 0) ||
		    __builtin_mul_overflow(n, 10, &n) ||
		    __builtin_sub_overflow(n, number.p[i] - '0', &n))
			return -1;
	}
	for (; digits > 0; digits--)
		if (__builtin_mul_overflow(n, 10, &n))
			return -1;
	if (!negative && n == INT64_MIN)
		return -1;
	*value = negative ? n : -n;
	return 0;
}
