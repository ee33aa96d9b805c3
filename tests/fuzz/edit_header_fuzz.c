#include <assert.h>
#include <stdint.h>
#include <string.h>

#include "gateway/dotstream.h"
#include "policy/header.h"
#include "tests/kit/edits.h"

/*
 * What a filter sends at the end of a message, made of a header: that of the
 * model comes out, nothing is lost that no edit named, and no field comes in
 * by the back door. The input: an octet of flags (1: leading space; the others:
 * how many fields stand above ours), packets (edits.h), and the header.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define OURS	SPAN_LIT("\0ours\r\n")	/* no NUL comes in */

/* --- the input --- */

static void
take_edits(struct arena *a, struct span *in, bool leading_space,
    struct edits *edits)
{
	struct answer answer;

	while (edits_take(a, in, leading_space, &answer))
		if (answer_is_edit(answer.kind) &&
		    answer.kind != ANSWER_REPLACE_BODY)
			edits_append(a, edits, &answer);
}

/* The fields, as they come out of a message with its line ends repaired. */
static struct span
take_header(struct arena *a, struct span in)
{
	struct header_scan scan;
	struct buf b = {0};
	struct dotstream d;
	struct fields h;
	struct span run;

	dotstream_begin(&d, NEWLINE_NORMALIZE, true);
	header_scan_begin(&scan);
	while (dotstream_next(&d, &in, &run)) {
		header_feed(&scan, run);
		buf_span(&b, run);
	}
	if (!d.ends_in_crlf)
		buf_puts(&b, "\r\n");
	header_feed(&scan, SPAN_LIT("\r\n"));
	header_scan_end(&scan);
	in = arena_span(a, buf_text(&b));
	buf_free(&b);
	if (scan.is_headless)
		return SPAN_LIT("");
	fields_parse(a, in, &h);
	return span_n(in.p, h.size);
}

/* --- what must hold whatever the model says --- */

static bool
is_named(const struct edits *edits, struct span name)
{
	for (const struct edit *e = edits->first; e != NULL; e = e->next)
		if ((e->answer.kind == ANSWER_CHANGE_HEADER ||
		    e->answer.kind == ANSWER_DELETE_HEADER) &&
		    span_eq_nocase(e->answer.name, name))
			return true;
	return false;
}

static void
check_kept(const struct header_list *in, const struct edits *edits,
    const struct header_list *out)
{
	size_t at = 0;

	for (size_t i = 0; i < in->n; i++) {
		const struct field *f = &in->list[i];

		if (is_named(edits, f->name))
			continue;
		while (at < out->n && out->list[at].whole.p != f->whole.p)
			at++;
		assert(at < out->n);
		assert(out->list[at].whole.len == f->whole.len);
		assert((at < out->nabove) == (i < in->nabove));
	}
}

static void
check_text(struct arena *a, struct span text, size_t n)
{
	struct fields h;

	fields_parse(a, text, &h);
	assert(h.n == n && h.size == text.len);
	for (size_t i = 0; i < text.len; i++) {
		if (text.p[i] == '\r')
			assert(i + 1 < text.len && text.p[i + 1] == '\n');
		if (text.p[i] == '\n')
			assert(i > 0 && text.p[i - 1] == '\r');
	}
}

static void
check(struct arena *a, const struct header_list *in,
    const struct edits *edits, const struct header_list *out)
{
	struct header_list above = *out, below = *out;
	struct buf text = {0};

	assert(out->n <= in->n + edits->n && out->nabove <= out->n);
	check_kept(in, edits, out);
	above.n = above.nabove;
	edits_put(&above, SPAN_LIT(""), &text);
	check_text(a, buf_text(&text), above.n);
	buf_clear(&text);
	below.list += below.nabove;
	below.n -= below.nabove;
	below.nabove = 0;
	edits_put(&below, SPAN_LIT(""), &text);
	check_text(a, buf_text(&text), below.n);
	buf_free(&text);
}

/* --- the model --- */

static void
compare(const struct header_list *in, const struct edits *edits,
    const struct header_list *out)
{
	struct buf one = {0}, two = {0};

	edits_put(in, OURS, &one);
	for (const struct edit *e = edits->first; e != NULL; e = e->next) {
		struct buf swap = one;

		buf_clear(&two);
		edits_model(&e->answer, OURS, buf_text(&one), &two);
		one = two;
		two = swap;
	}
	buf_clear(&two);
	edits_put(out, OURS, &two);
	assert(span_eq(buf_text(&one), buf_text(&two)));
	buf_free(&one);
	buf_free(&two);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct span rest = span_n(data, size);
	struct header_list in, out;
	struct edits edits = {0};
	struct arena *a;
	struct err err;
	int ret;

	if (size == 0)
		return 0;
	a = arena_create("fuzz");
	rest = span_n(data + 1, size - 1);
	take_edits(a, &rest, data[0] & 1, &edits);
	edit_header_read(a, SPAN_LIT(""), take_header(a, rest), &in);
	in.nabove = in.n == 0 ? 0 : (data[0] >> 1) % (in.n + 1);
	ret = edit_header(a, &in, &edits, &out, &err);
	assert(ret == 0);
	check(a, &in, &edits, &out);
	compare(&in, &edits, &out);
	arena_destroy(&a);
	return 0;
}
