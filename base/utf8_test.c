#include "base/utf8.h"
#include "tests/kit/t.h"

static const struct {
	const char	*name, *text;
	size_t		 len;
	bool		 control;
} cases[] = {
	{ "ASCII", "a", 1, false },
	{ "space", " ", 1, false },
	{ "LF", "\n", 1, true },
	{ "DEL", "\x7f", 1, true },
	{ "U+0080", "\xc2\x80", 2, true },
	{ "U+0085", "\xc2\x85", 2, true },
	{ "U+009F", "\xc2\x9f", 2, true },
	{ "U+00A0", "\xc2\xa0", 2, false },
	{ "U+07FF", "\xdf\xbf", 2, false },
	{ "U+0800", "\xe0\xa0\x80", 3, false },
	{ "U+D7FF", "\xed\x9f\xbf", 3, false },
	{ "U+E000", "\xee\x80\x80", 3, false },
	{ "U+10000", "\xf0\x90\x80\x80", 4, false },
	{ "U+10FFFF", "\xf4\x8f\xbf\xbf", 4, false },
	{ "continuation alone", "\x80", 0, false },
	{ "overlong of 2", "\xc0\xaf", 0, false },
	{ "overlong of 3", "\xe0\x9f\xbf", 0, false },
	{ "overlong of 4", "\xf0\x8f\xbf\xbf", 0, false },
	{ "surrogate", "\xed\xa0\x80", 0, false },
	{ "above U+10FFFF", "\xf4\x90\x80\x80", 0, false },
	{ "no such lead", "\xf5\x80\x80\x80", 0, false },
	{ "cut short", "\xe2\x82", 0, false },
	{ "bad third", "\xe2\x82(", 0, false },
};

/* What is put, and whether all of it was. */
static const struct {
	const char	*name, *text;
	size_t		 room;
	bool		 utf8;
	const char	*want;
	bool		 all;
} puttings[] = {
	{ "plain", "a text", 99, true, "a text", true },
	{ "plain, as much as there is room", "a text", 6, true, "a text", true },
	{ "plain, one too many", "a text", 5, true, "a tex", false },
	{ "no room", "a", 0, true, "", false },
	{ "nothing needs no room", "", 0, true, "", true },
	{ "line ends and NUL's neighbours", "a\r\nb\x01\x7f", 99, true,
	    "a??b??", true },
	{ "a tab is a space", "a\tb", 99, true, "a b", true },
	{ "a C1 control is one", "a\xc2\x85z", 99, true, "a?z", true },
	{ "UTF-8 stays", "gr\xc3\xbc\xc3\x9f", 99, true, "gr\xc3\xbc\xc3\x9f",
	    true },
	{ "or not", "gr\xc3\xbc\xc3\x9f", 99, false, "gr??", true },
	{ "no character is cut in two", "gr\xc3\xbc", 3, true, "gr", false },
	{ "but its replacement fits", "gr\xc3\xbc", 3, false, "gr?", true },
	{ "no UTF-8, octet by octet", "\xc3\xf0\x9fz", 99, true, "???z", true },
	{ "cut short at the end", "a\xe2\x82", 99, true, "a??", true },
};

static void
test_put(void)
{
	struct buf out = {0};
	bool all;

	for (size_t i = 0; i < sizeof(puttings) / sizeof(puttings[0]); i++) {
		all = utf8_put_printable(&out, span_z(puttings[i].text),
		    puttings[i].room, puttings[i].utf8);
		buf_put(&out, "", 1);
		T_STR(puttings[i].name, out.p, puttings[i].want);
		T_INT(puttings[i].name, all, puttings[i].all);
		buf_clear(&out);
	}
	buf_clear(&out);
	utf8_put_shown(&out, span_z("a\xe2\x80\xae\xc3\xbc\x1b"), 99);
	T_OK("shown", span_is(buf_text(&out), "a?\xc3\xbc?"));
	buf_clear(&out);
	utf8_put_printable(&out, span_n("a\0b", 3), 99, true);
	T_INT("NUL", span_is(buf_text(&out), "a?b"), 1);
	buf_free(&out);
}

int
main(void)
{
	struct span text;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		text = span_z(cases[i].text);
		T_INT(cases[i].name, utf8_char(text), cases[i].len);
		T_INT(cases[i].name, utf8_is_control(text), cases[i].control);
		T_INT(cases[i].name, utf8_is_printable(text),
		    cases[i].len > 0 && !cases[i].control);
		T_INT(cases[i].name, utf8_is_ascii(text), text.len == 1 &&
		    (unsigned char)text.p[0] < 0x80);
	}
	T_OK("an override turns", utf8_turns_text(span_z("\xe2\x80\xae!")));
	T_OK("an isolate too", utf8_turns_text(span_z("\xe2\x81\xa9")));
	T_OK("a line separator", utf8_turns_text(span_z("\xe2\x80\xa8")));
	T_OK("a dash does not", !utf8_turns_text(span_z("\xe2\x80\x93")));
	T_OK("nor half of one", !utf8_turns_text(span_z("\xe2\x80")));
	T_INT("empty: no character", utf8_char(span_z("")), 0);
	T_OK("empty: printable", utf8_is_printable(span_z("")));
	T_OK("a text", utf8_is_printable(span_z("gr\xc3\xbc\xc3\x9f e")));
	T_OK("a text with a bad end", !utf8_is_printable(span_z("gr\xc3")));
	test_put();
	return t_done();
}
