#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "base/utf8.h"
#include "gateway/xclient.h"

/*
 * The arguments of XCLIENT. What is taken is told on in commands that fit
 * their lines and hold printable ASCII only, and these tell the same again.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_same(const char *a, const char *b)
{
	/* What is too long for a line is told as unavailable. */
	assert((a == NULL && b == NULL) || (a != NULL && b == NULL &&
	    strlen(a) > 150) || strcmp(a, b) == 0);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct client c = {0}, again = {0};
	struct span rest, line;
	struct buf out = {0};
	unsigned lines, n = 0;
	struct err err;

	if (xclient_parse(a, span_n(data, size), &c, &err) < 0) {
		assert(err.kind == ERR_SYNTAX && err.text[0] != '\0');
		arena_destroy(&a);
		return 0;
	}
	lines = xclient_format(&out, &c, ~0u);
	assert(lines > 0);
	for (rest = buf_text(&out); rest.len > 0; n++) {
		line = span_until(&rest, '\n');
		assert(line.len <= 511 && line.p[line.len - 1] == '\r');
		line.len--;
		assert(utf8_is_printable(line) && utf8_is_ascii(line));
		assert(span_is(span_word(&line), "XCLIENT"));
		assert(xclient_parse(a, line, &again, &err) == 0);
	}
	assert(n == lines);
	assert(addr_same_ip(&c.addr, &again.addr) || c.addr.len == 0);
	assert(addr_port(&c.addr) == addr_port(&again.addr));
	assert(addr_port(&c.local) == addr_port(&again.local));
	assert(c.esmtp == again.esmtp);
	check_same(c.name, again.name);
	check_same(c.helo, again.helo);
	check_same(c.login, again.login);
	buf_clear(&out);
	xclient_format_forward(&out, &c, c.helo, ~0u);
	buf_free(&out);
	arena_destroy(&a);
	return 0;
}
