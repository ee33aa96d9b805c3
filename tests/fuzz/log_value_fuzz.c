#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_value.h"
#include "base/utf8.h"

/*
 * Any bytes, as a value in a log line: valid UTF-8 without a control character
 * comes out, one value and not two, from which the bytes can be read back. As
 * JSON: one string, whose escapes are all of JSON, and which has a character
 * for each character of the text and each byte that belongs to none.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned char
hex_byte(const char *p)
{
	char digits[3] = { p[0], p[1], '\0' };

	return (unsigned char)strtoul(digits, NULL, 16);
}

/* Takes a byte off the front of what stood within quotes. */
static unsigned char
take_byte(struct span *s, bool quoted)
{
	unsigned char c = (unsigned char)s->p[0];
	size_t used = 1;

	assert(c != '"');
	if (quoted && c == '\\') {
		assert(s->len >= 2);
		c = (unsigned char)s->p[1];
		used = 2;
		if (c == 'x') {
			assert(s->len >= 4);
			c = hex_byte(s->p + 2);
			used = 4;
		}
	}
	*s = span_n(s->p + used, s->len - used);
	return c;
}

static void
expect_printable(struct span s)
{
	size_t n;

	for (; s.len > 0; s = span_n(s.p + n, s.len - n)) {
		n = utf8_char(s);
		assert(n > 0 && !utf8_is_control(s) && !utf8_turns_text(s));
	}
}

/* Takes a character off the front of what stood within quotes. */
static void
take_json(struct span *out, struct span *in)
{
	static const char replacement[] = "\xef\xbf\xbd";
	size_t used = utf8_char(*out), from = utf8_char(*in);
	char want[8];

	assert(used > 0 && out->p[0] != '"');
	if (out->p[0] == '\\' && out->len >= 6 && out->p[1] == 'u') {
		used = 6;
		snprintf(want, sizeof(want), "\\u%04x", from < 3 ?
		    (unsigned char)in->p[from - 1] : (unsigned)(0x2000 |
		    (in->p[1] & 0x3f) << 6 | (in->p[2] & 0x3f)));
		assert((utf8_is_control(*in) || utf8_turns_text(*in)) &&
		    memcmp(out->p, want, 6) == 0);
	} else if (out->p[0] == '\\') {
		used = 2;
		assert(out->len >= 2 && out->p[1] == in->p[0]);
		assert(in->p[0] == '"' || in->p[0] == '\\');
	} else if (from == 0) {
		from = 1;
		assert(used == 3 && memcmp(out->p, replacement, 3) == 0);
	} else
		assert(used == from && memcmp(out->p, in->p, used) == 0);
	*out = span_n(out->p + used, out->len - used);
	*in = span_n(in->p + from, in->len - from);
}

static void
fuzz_json(struct span in)
{
	bool is_cut = in.len > LOG_VALUE_MOST;
	struct buf b = {0};
	struct span out, rest = in;

	log_value_json(&b, in);
	out = buf_text(&b);
	expect_printable(out);
	assert(out.len >= 2 && out.p[0] == '"' && out.p[out.len - 1] == '"');
	out = span_n(out.p + 1, out.len - 2);
	if (is_cut) {
		assert(out.len > 3);
		assert(memcmp(out.p + out.len - 3, "...", 3) == 0);
		out.len -= 3;
	}
	while (out.len > 0 && rest.len > 0)
		take_json(&out, &rest);
	assert(out.len == 0);
	assert(is_cut ? in.len - rest.len <= LOG_VALUE_MOST &&
	    in.len - rest.len >= LOG_VALUE_MOST - 3 : rest.len == 0);
	buf_free(&b);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_cut = size > LOG_VALUE_MOST, quoted;
	struct buf b = {0};
	struct span s;
	size_t i;

	fuzz_json(span_n(data, size));
	log_value_put(&b, span_n(data, size));
	s = buf_text(&b);
	expect_printable(s);
	quoted = s.p[0] == '"';
	if (quoted) {
		assert(s.len >= 2 && s.p[s.len - 1] == '"');
		s = span_n(s.p + 1, s.len - 2);
	} else
		assert(memchr(s.p, ' ', s.len) == NULL);
	if (is_cut) {
		assert(s.len > 3 && memcmp(s.p + s.len - 3, "...", 3) == 0);
		s.len -= 3;
	}
	for (i = 0; s.len > 0; i++)
		assert(i < size && take_byte(&s, quoted) == data[i]);
	assert(is_cut ? i <= LOG_VALUE_MOST && i >= LOG_VALUE_MOST - 3 :
	    i == size);
	buf_free(&b);
	return 0;
}
