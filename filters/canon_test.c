#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filters/canon.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *in, *simple, *relaxed;
} bodies[] = {
	{ "empty", "", "\r\n", "" },
	{ "empty lines only", "\r\n\r\n", "\r\n", "" },
	{ "white space only", " \t\r\n \r\n", " \t\r\n \r\n", "" },
	{ "white space without a line end", " \t", " \t\r\n", "" },
	{ "one line", "a\r\n", "a\r\n", "a\r\n" },
	{ "no line end", "a", "a\r\n", "a\r\n" },
	{ "empty lines at the end", "a\r\n\r\n\r\n", "a\r\n", "a\r\n" },
	{ "empty lines in front", "\r\n\r\na\r\n", "\r\n\r\na\r\n",
	    "\r\n\r\na\r\n" },
	{ "RFC 6376 3.4.5", " C \r\nD \t E\r\n\r\n\r\n",
	    " C \r\nD \t E\r\n", " C\r\nD E\r\n" },
	{ "blank lines between", "a\r\n \r\n\t\r\nb\r\n",
	    "a\r\n \r\n\t\r\nb\r\n", "a\r\n\r\n\r\nb\r\n" },
	{ "blank lines at the end", "a\r\n \r\n\t \r\n",
	    "a\r\n \r\n\t \r\n", "a\r\n" },
	{ "tab in front", "\ta\r\n", "\ta\r\n", " a\r\n" },
	{ "bare CR", "a\rb \r c\r\n", "a\rb \r c\r\n", "a\rb \r c\r\n" },
	{ "bare CR at the end", "a\r", "a\r\r\n", "a\r\r\n" },
	{ "two CR before LF", "a\r\r\n", "a\r\r\n", "a\r\r\n" },
	{ "bare LF is no line end", "a \n\n\r\n", "a \n\n\r\n",
	    "a \n\n\r\n" },
	{ "white space before a bare LF", "a  \nb\r\n", "a  \nb\r\n",
	    "a \nb\r\n" },
	{ "blank line before a bare CR", "a\r\n \r", "a\r\n \r\r\n",
	    "a\r\n \r\r\n" },
	{ "long line, then change", "0123456789 0123456789 0123456789 "
	    "0123456789  0123456789 \r\n0123456789\r\n\r\n0123456789",
	    "0123456789 0123456789 0123456789 0123456789  0123456789 \r\n"
	    "0123456789\r\n\r\n0123456789\r\n",
	    "0123456789 0123456789 0123456789 0123456789 0123456789\r\n"
	    "0123456789\r\n\r\n0123456789\r\n" },
};

static const struct {
	const char *name, *in, *simple, *relaxed;
} fields[] = {
	{ "RFC 6376 3.4.5", "B : Y\t\r\n\tZ  \r\n", "B : Y\t\r\n\tZ  \r\n",
	    "b:Y Z\r\n" },
	{ "upper case, no blank", "A:x\r\n", "A:x\r\n", "a:x\r\n" },
	{ "fold before the colon", "A \r\n : x\r\n", "A \r\n : x\r\n",
	    "a:x\r\n" },
	{ "empty value", "A: \r\n", "A: \r\n", "a:\r\n" },
	{ "folds only", "A:\r\n \r\n\tx\r\n", "A:\r\n \r\n\tx\r\n",
	    "a:x\r\n" },
	{ "no final line end", "A: x", "A: x\r\n", "a:x\r\n" },
	{ "8-bit octets", "\xc3\x84: \xc3\x84\r\n", "\xc3\x84: \xc3\x84\r\n",
	    "\xc3\x84:\xc3\x84\r\n" },
	{ "bare CR and LF", "A: x\ry\nz\r\n", "A: x\ry\nz\r\n",
	    "a:x\ry\nz\r\n" },
	{ "no colon", "words\r\n", "words\r\n", "words:\r\n" },
};

static const char *
body(struct buf *b, const char *text, size_t piece, enum canon how)
{
	struct span rest = span_z(text), in, out;
	struct canon_body c;

	buf_clear(b);
	canon_body_begin(&c, how);
	while (rest.len > 0) {
		in = span_n(rest.p, rest.len < piece ? rest.len : piece);
		rest = span_n(rest.p + in.len, rest.len - in.len);
		while (canon_body_next(&c, &in, &out))
			buf_span(b, out);
	}
	while (canon_body_end(&c, &out))
		buf_span(b, out);
	buf_put(b, "", 1);
	return b->p;
}

static const char *
field(struct buf *b, const char *text, enum canon how)
{
	buf_clear(b);
	canon_field(b, span_z(text), how);
	buf_put(b, "", 1);
	return b->p;
}

static void
cut_test(struct buf *b)
{
	const char *text = "Sig : a=x;  b = q w\r\n e ; c=y\r\n";
	struct span cut = { strstr(text, "= q") + 1, 9 };

	buf_clear(b);
	canon_signature(b, span_z(text), cut, CANON_RELAXED);
	buf_put(b, "", 1);
	T_STR("own field, relaxed", b->p, "sig:a=x; b =; c=y");
	buf_clear(b);
	canon_signature(b, span_z(text), cut, CANON_SIMPLE);
	buf_put(b, "", 1);
	T_STR("own field, simple", b->p, "Sig : a=x;  b =; c=y");
}

/* Empty lines are counted, not kept: a million of them before a word. */
static void
many_lines_test(struct buf *b)
{
	size_t lines = 1000000, i;
	char *text = malloc(2 * lines + 8);

	for (i = 0; i < lines; i++)
		memcpy(text + 2 * i, "\r\n", 2);
	memcpy(text + 2 * lines, "x \r\n\r\n", 7);
	for (i = 0; i < 2; i++) {
		body(b, text, 1001, i == 0 ? CANON_SIMPLE : CANON_RELAXED);
		T_INT("all lines are there", b->len, 2 * lines + 4 + (i == 0));
	}
	memcpy(text + 2 * lines, "\r", 2);
	body(b, text, 4096, CANON_RELAXED);
	T_INT("and before a lone CR", b->len, 2 * lines + 4);
	text[2 * lines] = '\0';
	body(b, text, 4096, CANON_RELAXED);
	T_INT("nothing behind them", b->len, 1);
	free(text);
}

int
main(void)
{
	static const size_t pieces[] = { 1, 2, 3, 17, 4096 };
	struct buf b = { 0 };
	size_t i, p;

	for (i = 0; i < sizeof(bodies) / sizeof(*bodies); i++)
		for (p = 0; p < sizeof(pieces) / sizeof(*pieces); p++) {
			T_STR(bodies[i].name, body(&b, bodies[i].in,
			    pieces[p], CANON_SIMPLE), bodies[i].simple);
			T_STR(bodies[i].name, body(&b, bodies[i].in,
			    pieces[p], CANON_RELAXED), bodies[i].relaxed);
		}
	for (i = 0; i < sizeof(fields) / sizeof(*fields); i++) {
		T_STR(fields[i].name, field(&b, fields[i].in, CANON_SIMPLE),
		    fields[i].simple);
		T_STR(fields[i].name, field(&b, fields[i].in, CANON_RELAXED),
		    fields[i].relaxed);
	}
	cut_test(&b);
	many_lines_test(&b);
	buf_free(&b);
	return t_done();
}
