#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/clock.h"
#include "base/utf8.h"
#include "gateway/status_text.h"
#include "gateway/watch_text.h"

/*
 * Any bytes, as what a gateway says at its control socket to "status" and to
 * "stats all": what comes out are lines without control characters, and a page
 * has the size that it was given.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
expect_lines(struct span text, size_t width, size_t height)
{
	size_t columns = 0, lines = 0, n;

	assert(text.len == 0 || text.p[text.len - 1] == '\n');
	for (; text.len > 0; text = span_n(text.p + n, text.len - n)) {
		n = utf8_char(text);
		assert(n > 0);
		columns++;
		if (text.p[0] == '\n') {
			assert(columns - 1 <= width);
			columns = 0;
			lines++;
		} else
			assert(!utf8_is_control(text) &&
			    !utf8_turns_text(text));
	}
	assert(lines <= height);
}

static void
show(struct arena *a, struct span text, const struct watch_page *page)
{
	struct watch_sample old, now;
	struct buf out = {0};
	struct err err;

	if (watch_sample_read(a, text, &old, &err) < 0)
		return;
	now = old;
	now.taken += CLOCK_S;
	watch_text_page(&out, page, &old, &now);
	expect_lines(buf_text(&out), page->width, page->height);
	buf_clear(&out);
	watch_text_line(&out, &old, &now);
	expect_lines(buf_text(&out), SIZE_MAX, 1);
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct watch_page page = { .is_plain = true };
	struct arena *a = arena_create("fuzz");
	struct buf out = {0};
	struct span text;
	struct err err;

	if (size >= 2) {
		page.width = data[0];
		page.height = data[1];
		text = span_n((const char *)data + 2, size - 2);
		if (status_text(a, text, &out, &err) == 0)
			expect_lines(buf_text(&out), SIZE_MAX, SIZE_MAX);
		show(a, text, &page);
	}
	buf_free(&out);
	arena_destroy(&a);
	return 0;
}
