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
	T_INT("empty: no character", utf8_char(span_z("")), 0);
	T_OK("empty: printable", utf8_is_printable(span_z("")));
	T_OK("a text", utf8_is_printable(span_z("gr\xc3\xbc\xc3\x9f e")));
	T_OK("a text with a bad end", !utf8_is_printable(span_z("gr\xc3")));
	return t_done();
}
