#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/log_value.h"
#include "base/utf8.h"

/*
 * Any bytes, as a value in a log line: valid UTF-8 without a control character
 * comes out, one value and not two, from which the bytes can be read back.
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

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	bool is_cut = size > LOG_VALUE_MOST, quoted;
	struct buf b = {0};
	struct span s, rest;
	size_t i, n;

	log_value_put(&b, span_n(data, size));
	s = buf_text(&b);
	for (rest = s; rest.len > 0; rest = span_n(rest.p + n, rest.len - n)) {
		n = utf8_char(rest);
		assert(n > 0 && !utf8_is_control(rest));
	}
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
