#include <string.h>

#include "base/log_value.h"
#include "tests/kit/t.h"

static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "plain", "<a@x.example>", "<a@x.example>" },
	{ "all that is plain", "!#$%&'()*+,-./09:;<>?@AZ[]^_`az{|}~",
	    "!#$%&'()*+,-./09:;<>?@AZ[]^_`az{|}~" },
	{ "nothing", "", "\"\"" },
	{ "space", "550 5.7.26", "\"550 5.7.26\"" },
	{ "equals sign", "a=b", "\"a=b\"" },
	{ "quote", "a\"b", "\"a\\\"b\"" },
	{ "backslash", "a\\b", "\"a\\\\b\"" },
	{ "line ends", "a\r\nb", "\"a\\x0D\\x0Ab\"" },
	{ "tab, escape, DEL", "\t\x1b[2J\x7f", "\"\\x09\\x1B[2J\\x7F\"" },
	{ "UTF-8 of two bytes", "f\xc3\xbcr", "\"f\xc3\xbcr\"" },
	{ "UTF-8 of three bytes", "\xe2\x82\xac", "\"\xe2\x82\xac\"" },
	{ "UTF-8 of four bytes", "\xf0\x9f\x93\xa7", "\"\xf0\x9f\x93\xa7\"" },
	{ "C1 control", "\xc2\x9b", "\"\\xC2\\x9B\"" },
	{ "no-break space stays", "\xc2\xa0", "\"\xc2\xa0\"" },
	{ "Latin-1", "f\xfcr", "\"f\\xFCr\"" },
	{ "overlong slash", "\xc0\xaf", "\"\\xC0\\xAF\"" },
	{ "surrogate", "\xed\xa0\x80", "\"\\xED\\xA0\\x80\"" },
	{ "above U+10FFFF", "\xf4\x90\x80\x80", "\"\\xF4\\x90\\x80\\x80\"" },
	{ "cut sequence at the end", "a\xe2\x82", "\"a\\xE2\\x82\"" },
	{ "a valid one behind a bad byte", "\x80\xc3\xa9",
	    "\"\\x80\xc3\xa9\"" },
	{ "a key that is none", "x\" status=sent",
	    "\"x\\\" status=sent\"" },
};

static const struct {
	const char *name, *in, *want;
} json_cases[] = {
	{ "plain", "<a@x.example>", "\"<a@x.example>\"" },
	{ "nothing", "", "\"\"" },
	{ "space, equals sign, slash", "a = b/c", "\"a = b/c\"" },
	{ "quote and backslash", "\"\\\"", "\"\\\"\\\\\\\"\"" },
	{ "a member that is none", "x\",\"status\":\"sent",
	    "\"x\\\",\\\"status\\\":\\\"sent\"" },
	{ "line ends", "a\r\nb", "\"a\\u000d\\u000ab\"" },
	{ "tab, escape, DEL", "\t\x1b[2J\x7f",
	    "\"\\u0009\\u001b[2J\\u007f\"" },
	{ "what looks like an escape", "\\u0041\\x41",
	    "\"\\\\u0041\\\\x41\"" },
	{ "UTF-8 of two, three, four bytes",
	    "\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7",
	    "\"\xc3\xbc\xe2\x82\xac\xf0\x9f\x93\xa7\"" },
	{ "C1 controls", "\xc2\x80\xc2\x9b\xc2\x9f",
	    "\"\\u0080\\u009b\\u009f\"" },
	{ "no-break space stays", "\xc2\xa0", "\"\xc2\xa0\"" },
	{ "Latin-1", "f\xfcr", "\"f\xef\xbf\xbdr\"" },
	{ "overlong slash", "\xc0\xaf",
	    "\"\xef\xbf\xbd\xef\xbf\xbd\"" },
	{ "a C1 control as one byte", "\x9b" "31m",
	    "\"\xef\xbf\xbd" "31m\"" },
	{ "cut sequence at the end", "a\xe2\x82",
	    "\"a\xef\xbf\xbd\xef\xbf\xbd\"" },
};

static const char *
put_json(struct buf *b, struct span value)
{
	buf_clear(b);
	log_value_json(b, value);
	buf_put(b, "", 1);
	return b->p;
}

static const char *
put(struct buf *b, struct span value)
{
	buf_clear(b);
	log_value_put(b, value);
	buf_put(b, "", 1);
	return b->p;
}

static void
test_length(struct buf *b)
{
	char text[LOG_VALUE_MOST + 20];
	const char *p;

	memset(text, 'x', sizeof(text));
	p = put(b, span_n(text, LOG_VALUE_MOST));
	T_INT("the longest value", strlen(p), LOG_VALUE_MOST);
	p = put(b, span_n(text, LOG_VALUE_MOST + 1));
	T_INT("one byte more is cut", strlen(p), LOG_VALUE_MOST + 3);
	T_STR("and marked", p + LOG_VALUE_MOST - 1, "x...");

	text[0] = ' ';
	p = put(b, span_n(text, sizeof(text)));
	T_STR("cut within quotes", p + LOG_VALUE_MOST, "x...\"");
	memcpy(text + LOG_VALUE_MOST - 1, "\xc3\xa9", 2);
	p = put(b, span_n(text, sizeof(text)));
	T_STR("not within a character", p + LOG_VALUE_MOST - 1, "x...\"");
	memcpy(text + LOG_VALUE_MOST - 2, "\xc3\xa9", 2);
	p = put(b, span_n(text, sizeof(text)));
	T_STR("behind a character", p + LOG_VALUE_MOST - 1,
	    "\xc3\xa9...\"");
	memcpy(text + LOG_VALUE_MOST - 3, "\xf0\x9f\x93\xa7", 4);
	p = put(b, span_n(text, sizeof(text)));
	T_STR("not within a long one", p + LOG_VALUE_MOST - 3, "x...\"");
	memset(text, 0x80, sizeof(text));
	p = put(b, span_n(text, sizeof(text)));
	T_INT("what is no text is cut as well", strlen(p),
	    LOG_VALUE_MOST * 4 + 5);
	p = put_json(b, span_n(text, sizeof(text)));
	T_INT("and in JSON", strlen(p), LOG_VALUE_MOST * 3 + 5);
	memset(text, 'x', sizeof(text));
	p = put_json(b, span_n(text, LOG_VALUE_MOST));
	T_INT("the longest value in JSON", strlen(p), LOG_VALUE_MOST + 2);
	memcpy(text + LOG_VALUE_MOST - 1, "\xc3\xa9", 2);
	p = put_json(b, span_n(text, sizeof(text)));
	T_STR("JSON is cut at the same place", p + LOG_VALUE_MOST - 1,
	    "x...\"");
}

/* Each octet at each place of values that are shorter and longer than what is
 * looked at together. */
static void
test_places(struct buf *b)
{
	char text[21];
	bool bare, same;
	int wrong = 0;

	for (size_t len = 1; len < sizeof(text); len++)
		for (size_t at = 0; at < len; at++)
			for (int c = 0; c < 256; c++) {
				memset(text, 'x', len);
				text[at] = (char)c;
				same = c >= ' ' && c < 0x7f && c != '"' &&
				    c != '\\';
				bare = same && c != ' ' && c != '=';
				put(b, span_n(text, len));
				if ((b->len == len + 1 &&
				    memcmp(b->p, text, len) == 0) != bare ||
				    (b->len == len + 3 &&
				    memcmp(b->p + 1, text, len) == 0) !=
				    (same && !bare))
					wrong++;
				put_json(b, span_n(text, len));
				if ((b->len == len + 3 &&
				    memcmp(b->p + 1, text, len) == 0) != same)
					wrong++;
			}
	T_INT("where it stands makes no difference", wrong, 0);
}

int
main(void)
{
	struct buf b = {0};
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, put(&b, span_z(cases[i].in)),
		    cases[i].want);
	for (i = 0; i < sizeof(json_cases) / sizeof(json_cases[0]); i++)
		T_STR(json_cases[i].name,
		    put_json(&b, span_z(json_cases[i].in)),
		    json_cases[i].want);
	T_STR("a NUL in JSON", put_json(&b, span_n("a\0b", 3)),
	    "\"a\\u0000b\"");
	T_STR("a NUL", put(&b, span_n("a\0b", 3)), "\"a\\x00b\"");
	T_STR("a zeroed span", put(&b, (struct span){0}), "\"\"");
	test_length(&b);
	test_places(&b);
	buf_free(&b);
	return t_done();
}
