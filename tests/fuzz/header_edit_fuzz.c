#include <assert.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/charset.h"
#include "policy/header.h"
#include "tests/kit/header_model.h"

/*
 * Edits and a message of any octets: the header that comes out is that of the
 * model. The input: an octet of flags (1: SMTPUTF8; 2: cuts, and the others
 * tell which), edits as lines "kNAME:value", k the kind, an empty line, and
 * the message.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define EDITS_MAX 40

static size_t
read_edits(struct span *text, struct header_edit *edits)
{
	static const enum action_kind kinds[] = { ACTION_ADD_HEADER,
	    ACTION_REMOVE_HEADER, ACTION_REPLACE_HEADER,
	    ACTION_PREFIX_SUBJECT };
	size_t n = 0;

	while (text->len > 0 && n < EDITS_MAX) {
		struct span line = span_until(text, '\n'), name;

		if (line.len == 0)
			break;
		edits[n].kind = kinds[(unsigned char)line.p[0] % 4];
		line = span_n(line.p + 1, line.len - 1);
		name = span_until(&line, ':');
		edits[n].name = field_name_is_valid(name) ? name :
		    SPAN_LIT("X-Name");
		edits[n++].value = line;
	}
	return n;
}

static size_t
choose_cuts(struct arena *a, const struct fields *h, unsigned which,
    struct header_cut **cuts)
{
	size_t n = 0;

	*cuts = arena_new_n(a, h->n + 1, struct header_cut);
	for (size_t i = 0; i < h->n; i++)
		if (which >> i % 6 & 1)
			(*cuts)[n++] = (struct header_cut){
			    h->list[i].offset, h->list[i].whole.len };
	return n;
}

static void
fuzz(struct arena *a, unsigned flags, struct span text)
{
	struct header_edit edits[EDITS_MAX];
	struct header_change c = { .edits = edits, .utf8 = flags & 1 };
	struct header_cut *cuts = NULL;
	struct header_scan scan;
	struct buf out = {0};
	struct fields h;
	const char *wrong;
	bool changed;

	c.nedits = read_edits(&text, edits);
	header_scan_begin(&scan);
	header_feed(&scan, text);
	header_scan_end(&scan);
	c.is_headless = scan.is_headless;
	c.text = scan.is_headless ? SPAN_LIT("") : text;
	fields_parse(a, c.text, &h);
	c.fields = &h;
	c.ncuts = flags & 2 ? choose_cuts(a, &h, flags >> 2, &cuts) : 0;
	c.cuts = cuts;
	changed = header_edit_put(a, &c, &out);
	wrong = header_model_compare(a, &c, changed, buf_text(&out));
	if (wrong != NULL) {
		header_model_print(&c, buf_text(&out));
		assert(!wrong);
	}
	buf_free(&out);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct buf missing;
	struct arena *a = arena_create("fuzz");

	if (charset_find(SPAN_LIT("utf-8")) == NULL)
		charset_open(&missing);
	if (size > 0)
		fuzz(a, data[0], span_n(data + 1, size - 1));
	arena_destroy(&a);
	return 0;
}
