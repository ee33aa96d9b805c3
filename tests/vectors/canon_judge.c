#include "filters/canon.h"
#include "tests/vectors/judge.h"

/*
 * canon_judge -- canonical forms
 *
 * in   kind ("body" or "header"), algorithm, chunks (the input in pieces)
 * out  canonical
 */
static struct span
chunk(json_t *chunks, size_t i)
{
	json_t *text = json_array_get(chunks, i);

	return span_n(json_string_value(text), json_string_length(text));
}

static void
body(json_t *chunks, enum canon how, struct buf *b)
{
	struct canon_body c;
	struct span in, out;

	canon_body_begin(&c, how);
	for (size_t i = 0; i < json_array_size(chunks); i++) {
		in = chunk(chunks, i);
		while (canon_body_next(&c, &in, &out))
			buf_span(b, out);
	}
	while (canon_body_end(&c, &out))
		buf_span(b, out);
}

static MAY_YIELD void
decide(struct arena *a, json_t *in, json_t *out)
{
	json_t *chunks = json_object_get(in, "chunks");
	enum canon how = span_is(span_z(judge_text(in, "algorithm")),
	    "relaxed") ? CANON_RELAXED : CANON_SIMPLE;
	struct buf b = { 0 };

	(void)a;
	if (span_is(span_z(judge_text(in, "kind")), "header"))
		canon_field(&b, chunk(chunks, 0), how);
	else
		body(chunks, how, &b);
	json_object_set_new(out, "canonical", json_stringn(
	    b.len > 0 ? b.p : "", b.len));
	buf_free(&b);
}

int
main(int argc, char **argv)
{
	return judge_main(argc, argv, decide);
}
