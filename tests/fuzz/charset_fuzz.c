#include <assert.h>
#include <stdint.h>

#include "base/arena.h"
#include "base/charset.h"
#include "base/utf8.h"
#include "policy/encoded_word.h"

/*
 * A charset's name, a NUL, its text: and all of it as a header field. What
 * comes out is UTF-8, and not too long.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check(struct span in, struct span out)
{
	size_t n;

	assert(out.len <= 4 * in.len);
	while (out.len > 0) {
		n = utf8_char(out);
		assert(n > 0);
		out = span_n(out.p + n, out.len - n);
	}
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf missing;
	struct arena *a = arena_create("fuzz");
	struct span all = span_n(data, size), text = all, name;
	struct buf out = {0}, again = {0};

	if (charset_find(SPAN_LIT("utf-8")) == NULL)
		charset_open(&missing);
	check(all, encoded_word_text(a, all));
	name = span_until(&text, '\0');
	charset_put(&out, charset_find(name), text);
	check(text, buf_text(&out));
	/* Nothing of it is left for the next one. */
	charset_put(&again, charset_find(name), text);
	assert(span_eq(buf_text(&out), buf_text(&again)));
	buf_free(&out);
	buf_free(&again);
	arena_destroy(&a);
	return 0;
}
