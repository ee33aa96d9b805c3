#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "policy/fields.h"
#include "policy/header.h"

/*
 * Any octets as a header: the fields put together are the text up to the empty
 * line, a field's parts lie within it, and the counts are those of the scan
 * that reads the same message as a stream.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void
check_field(struct arena *a, const struct field *f, struct span text)
{
	struct span value = field_unfold(a, f);
	const char *end = f->whole.p + f->whole.len;
	size_t i;

	assert(f->whole.p == text.p + f->offset && f->whole.len > 0);
	assert(f->value.p >= f->whole.p + f->name.len &&
	    f->value.p + f->value.len <= end);
	if (f->name.len > 0) {
		assert(f->name.p == f->whole.p);
		assert(f->value.p[-1] == ':');
	}
	assert(value.len <= f->value.len);
	for (i = 0; i < value.len; i++)
		assert(value.p[i] != '\r' && value.p[i] != '\n');
}

/* Only CRLF ends a line here; the scan takes LF too, so it is compared only
 * where there is no other. */
static bool
has_bare(struct span text)
{
	size_t i;

	for (i = 0; i < text.len; i++) {
		if (text.p[i] == '\n')
			return true;
		if (text.p[i] != '\r')
			continue;
		if (i + 1 == text.len || text.p[i + 1] != '\n')
			return true;
		i++;
	}
	return false;
}

static void
compare_scan(const struct fields *h, struct span text)
{
	struct header_scan scan;

	header_scan_begin(&scan);
	header_feed(&scan, text);
	header_scan_end(&scan);
	if (scan.is_headless || has_bare(text))
		return;
	assert(scan.fields == h->n);
	assert(scan.size == h->size + (h->size < text.len ? 2 : 0));
	/* one that is folded before its colon is not in the scan's count */
	assert(scan.received <= fields_count(h, "Received"));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena *a = arena_create("fuzz");
	struct span text = span_n(data, size);
	struct fields h;
	size_t i, at = 0;

	fields_parse(a, text, &h);
	for (i = 0; i < h.n; i++) {
		assert(h.list[i].offset == at);
		at += h.list[i].whole.len;
		check_field(a, &h.list[i], text);
	}
	assert(at == h.size && h.size <= size);
	assert(h.size == size || memcmp(data + h.size, "\r\n", 2) == 0);
	compare_scan(&h, text);
	arena_destroy(&a);
	return 0;
}
