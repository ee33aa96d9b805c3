#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/header.h"

/*
 * A message's header, in two pieces cut at a place that its first octet names,
 * and octet by octet: the counts are those of a plain walk over its lines.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* "name" blanks ":" */
static bool
is_field(struct span line, struct span *name)
{
	struct span rest = line;
	size_t i;

	*name = span_until(&rest, ':');
	if (name->len == line.len)
		return false;
	while (name->len > 0 && (name->p[name->len - 1] == ' ' ||
	    name->p[name->len - 1] == '\t'))
		name->len--;
	for (i = 0; i < name->len; i++)
		if ((unsigned char)name->p[i] <= ' ' ||
		    (unsigned char)name->p[i] >= 0x7f)
			return false;
	return name->len > 0;
}

static struct header_scan
walk(struct span text)
{
	struct header_scan h = {0};
	struct span line, name;
	size_t before;
	bool is_empty;

	while (text.len > 0) {
		before = text.len;
		line = span_until(&text, '\n');
		h.size += before - text.len;
		is_empty = (line.len == 0 || span_is(line, "\r")) &&
		    line.len < before;
		if (is_empty)
			return h;
		if (line.len > 0 && (line.p[0] == ' ' || line.p[0] == '\t')) {
			if (h.fields == 0)
				break;
			continue;
		}
		if (is_field(line, &name))
			h.received += span_is_nocase(name, "Received");
		else if (h.fields == 0)
			break;
		if (line.p[0] != '\r')
			h.fields++;
	}
	if (h.fields > 0)
		return h;
	return (struct header_scan){ .is_headless = true };
}

static void
check_same(const struct header_scan *got, const struct header_scan *want)
{
	assert(got->done);
	assert(got->is_headless == want->is_headless);
	assert(got->size == want->size);
	assert(got->fields == want->fields);
	assert(got->received == want->received);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct header_scan want, h;
	struct span text;
	size_t i, cut;

	if (size < 1)
		return 0;
	text = span_n(data + 1, size - 1);
	want = walk(text);
	cut = data[0] < text.len ? data[0] : text.len;
	header_scan_begin(&h);
	header_feed(&h, span_n(text.p, cut));
	header_feed(&h, span_n(text.p + cut, text.len - cut));
	header_scan_end(&h);
	check_same(&h, &want);
	header_scan_begin(&h);
	for (i = 0; i < text.len; i++)
		header_feed(&h, span_n(text.p + i, 1));
	header_scan_end(&h);
	check_same(&h, &want);
	return 0;
}
