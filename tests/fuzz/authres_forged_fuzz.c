#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "base/buf.h"
#include "filters/authres_forged.h"

/*
 * Any octets as a header: what is to be cut are whole fields in their order,
 * a second look at what is left finds nothing more, and a field with our name
 * in front is always cut, whatever follows.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const names[] = { "mx.gw.example",
    "m\xc3\xbcller.example" };

static void
keep_rest(struct span text, const struct authres_cut *cuts, size_t n,
    struct buf *rest)
{
	size_t at = 0, i;

	for (i = 0; i < n; i++) {
		assert(cuts[i].len > 0 && cuts[i].offset >= at);
		assert(cuts[i].offset + cuts[i].len <= text.len);
		assert(cuts[i].offset == 0 ||
		    text.p[cuts[i].offset - 1] == '\n');
		buf_put(rest, text.p + at, cuts[i].offset - at);
		at = cuts[i].offset + cuts[i].len;
	}
	buf_put(rest, text.p + at, text.len - at);
}

static size_t
look(struct arena *a, struct span text, struct authres_cut **cuts)
{
	struct authres_ids ours = authres_ids_make(a, names, 2);
	struct fields h;

	fields_parse(a, text, &h);
	return authres_forged(a, &h, &ours, cuts);
}

static void
check_whole(struct arena *a, struct span text)
{
	struct authres_cut *cuts;
	struct buf rest = {0};
	size_t n = look(a, text, &cuts);

	keep_rest(text, cuts, n, &rest);
	/* Nothing was cut from between a field and what continues it. */
	assert(look(a, buf_text(&rest), &cuts) == 0);
	buf_free(&rest);
}

static void
check_ours(struct arena *a, struct span tail)
{
	struct buf text = {0};
	struct authres_cut *cuts;

	buf_puts(&text, "Authentication-Results:\r\n (x;) \"mx.gw\\.example\"; ");
	buf_span(&text, tail);
	assert(look(a, buf_text(&text), &cuts) >= 1);
	assert(cuts[0].offset == 0);
	buf_free(&text);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");

	check_whole(a, span_n(data, size));
	check_ours(a, span_n(data, size));
	arena_destroy(&a);
	return 0;
}
