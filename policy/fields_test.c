#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "policy/fields.h"
#include "tests/kit/t.h"

/* want: for each field [name|value unfolded]; "?" for the name of a line that
 * is no field. */
static const struct {
	const char	*name, *in, *want;
	size_t		 size;
} cases[] = {
	{ "two fields", "A: b\r\nC:d\r\n\r\nE: f\r\n", "[A|b][C|d]", 11 },
	{ "no empty line", "A: b\r\nC: d\r\n", "[A|b][C|d]", 12 },
	{ "no line end", "A: b\r\nC: d", "[A|b][C|d]", 10 },
	{ "nothing", "", "", 0 },
	{ "empty line first", "\r\nA: b\r\n", "", 0 },
	{ "folded", "A: b\r\n c\r\n\td\r\nE: f\r\n", "[A|b c\td][E|f]", 20 },
	{ "folded behind the colon", "A:\r\n b\r\n", "[A|b]", 8 },
	{ "line of blanks", "A: b\r\n \r\n c\r\n", "[A|b  c]", 13 },
	{ "empty value", "A:\r\nB: \r\n", "[A|][B|]", 9 },
	{ "blank before the colon", "From : x\r\nTo\t: y\r\n",
	    "[From|x][To|y]", 18 },
	{ "fold before the colon", "From\r\n : x\r\n", "[From|x]", 12 },
	{ "bare CR before the colon", "From\r: x\r\n", "[From|x]", 10 },
	{ "colon in the value", "A: b: c\r\n", "[A|b: c]", 9 },

	{ "no colon", "A: b\r\nhello\r\n c\r\nD: e\r\n",
	    "[A|b][?|hello c][D|e]", 23 },
	{ "no name", ": b\r\nA: b\r\n", "[?|: b][A|b]", 11 },
	{ "blank within the name", "A b: c\r\n", "[?|A b: c]", 8 },
	{ "fold within the name", "A\r\n b: c\r\n", "[?|A b: c]", 10 },
	{ "control in the name", "A\001: c\r\n", "[?|A\001: c]", 7 },
	{ "8-bit name", "\xc3\xbc: c\r\n", "[?|\xc3\xbc: c]", 7 },
	{ "white space first", " A: b\r\nC: d\r\n", "[?|A: b][C|d]", 13 },
	{ "mbox line", "From a@b Mon 00:00\r\nA: b\r\n",
	    "[?|From a@b Mon 00:00][A|b]", 26 },

	{ "bare LF is no line end", "A: b\nC: d\r\n\r\n", "[A|b C: d]", 11 },
	{ "bare CR is no line end", "A: b\rC: d\r\n\r\n", "[A|b C: d]", 11 },
	{ "bare LF and a blank", "A: b\n c\r\n", "[A|b  c]", 9 },
	{ "CR before the line end", "A: b\r\r\n\r\n", "[A|b]", 7 },
	{ "last CR", "A: b\r", "[A|b]", 5 },
};

static void
check(struct arena *a, size_t i)
{
	struct span text = span_z(cases[i].in), name, value;
	struct buf got = {0};
	struct fields h;
	size_t at = 0, k;
	char label[100];

	fields_parse(a, text, &h);
	for (k = 0; k < h.n; k++) {
		name = h.list[k].name;
		value = field_unfold(a, &h.list[k]);
		at += h.list[k].offset == at ? h.list[k].whole.len : 1000;
		buf_printf(&got, "[%.*s|%.*s]",
		    SPAN_ARG(name.len > 0 ? name : SPAN_LIT("?")),
		    SPAN_ARG(value));
	}
	buf_put(&got, "", 1);
	T_STR(cases[i].name, got.p, cases[i].want);
	snprintf(label, sizeof(label), "%s: octets", cases[i].name);
	T_INT(label, h.size, cases[i].size);
	snprintf(label, sizeof(label), "%s: nothing between", cases[i].name);
	T_INT(label, at, cases[i].size);
	buf_free(&got);
}

static void
check_find(struct arena *a)
{
	struct fields h;
	const struct field *f;

	fields_parse(a, span_z("A: 1\r\nfrom: 2\r\nno field\r\nFROM : 3\r\n"
	    "Fromage: 4\r\n"), &h);
	f = fields_find(&h, "From", NULL);
	T_OK("first", f == &h.list[1]);
	f = fields_find(&h, "From", f);
	T_OK("second", f == &h.list[3]);
	T_OK("no third", fields_find(&h, "From", f) == NULL);
	T_OK("not there", fields_find(&h, "To", NULL) == NULL);
	T_INT("count", fields_count(&h, "from"), 2);
	T_OK("raw value", span_is(h.list[1].value, " 2"));
	T_OK("whole", span_is(h.list[1].whole, "from: 2\r\n"));
	T_OK("unfolded in place", field_unfold(a, &h.list[1]).p ==
	    h.list[1].value.p + 1);
}

/* 10,000 fields, and one of 4 MB. */
static void
check_large(struct arena *a)
{
	struct buf text = {0};
	struct fields h;
	int i;

	for (i = 0; i < 10000; i++)
		buf_puts(&text, "Received: x\r\n");
	buf_puts(&text, "X: ");
	for (i = 0; i < 1000000; i++)
		buf_puts(&text, "y\r\n ");
	buf_puts(&text, "\r\n\r\nbody");
	fields_parse(a, buf_text(&text), &h);
	T_INT("10,001 fields", h.n, 10001);
	T_INT("a value of 4 MB", h.list[10000].value.len, 4000001);
	T_INT("unfolded", field_unfold(a, &h.list[10000]).len, 1999999);
	T_INT("up to the empty line", h.size, text.len - 6);
	buf_free(&text);
}

int
main(void)
{
	struct arena *a = arena_create("test");
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		check(a, i);
	check_find(a);
	check_large(a);
	arena_destroy(&a);
	return t_done();
}
