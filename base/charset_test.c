#include <stdlib.h>
#include <string.h>

#include "base/charset.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "tests/kit/t.h"

#define NOT	"\xef\xbf\xbd"	/* U+FFFD */
#define UE	"\xc3\xbc"	/* U+00FC */
#define E_ACUTE	"\xc3\xa9"	/* U+00E9 */
#define NIHON	"\xe6\x97\xa5\xe6\x9c\xac"	/* U+65E5 U+672C */
#define ZHONG	"\xe4\xb8\xad"	/* U+4E2D */
#define GA	"\xea\xb0\x80"	/* U+AC00 */

static const struct {
	const char	*name, *charset, *in, *want;
} cases[] = {
	{ "ISO-8859-1", "iso-8859-1", "\xfc\xe9", UE E_ACUTE },
	{ "that is windows-1252", "ISO-8859-1", "\x80\x93", "\xe2\x82\xac"
	    "\xe2\x80\x9c" },
	{ "its alias", "Latin1", "\xfc", UE },
	{ "windows-1252", "windows-1252", "\x80", "\xe2\x82\xac" },
	{ "what it has not", "cp1252", "a\x81z", "a" NOT "z" },
	{ "ISO-8859-2", "iso-8859-2", "\xb1", "\xc4\x85" },
	{ "ISO-8859-3", "iso-8859-3", "\xe6", "\xc4\x89" },
	{ "ISO-8859-4", "iso-8859-4", "\xb1", "\xc4\x85" },
	{ "ISO-8859-5", "iso-8859-5", "\xd0", "\xd0\xb0" },
	{ "ISO-8859-6", "iso-8859-6", "\xc7", "\xd8\xa7" },
	{ "ISO-8859-7", "iso-8859-7", "\xe1", "\xce\xb1" },
	{ "ISO-8859-8", "iso-8859-8-i", "\xe0", "\xd7\x90" },
	{ "ISO-8859-9", "iso-8859-9", "\xfe\x80", "\xc5\x9f\xe2\x82\xac" },
	{ "ISO-8859-10", "iso-8859-10", "\xb1", "\xc4\x85" },
	{ "ISO-8859-11", "iso-8859-11", "\xa1", "\xe0\xb8\x81" },
	{ "ISO-8859-13", "iso-8859-13", "\xe0", "\xc4\x85" },
	{ "ISO-8859-14", "iso-8859-14", "\xf0", "\xc5\xb5" },
	{ "ISO-8859-15", "iso-8859-15", "\xa4", "\xe2\x82\xac" },
	{ "ISO-8859-16", "iso-8859-16", "\xa4", "\xe2\x82\xac" },
	{ "windows-1250", "windows-1250", "\xb9", "\xc4\x85" },
	{ "windows-1251", "windows-1251", "\xe0", "\xd0\xb0" },
	{ "windows-1253", "windows-1253", "\xe1", "\xce\xb1" },
	{ "windows-1254", "windows-1254", "\xfe", "\xc5\x9f" },
	{ "windows-1255", "windows-1255", "\xe0", "\xd7\x90" },
	{ "windows-1256", "windows-1256", "\xc7", "\xd8\xa7" },
	{ "windows-1257", "windows-1257", "\xe0", "\xc4\x85" },
	{ "windows-1258", "windows-1258", "\xfd", "\xc6\xb0" },
	{ "a letter and its accent are one", "windows-1258", "e\xec",
	    E_ACUTE },
	{ "a letter at the end", "windows-1258", "e", "e" },
	{ "windows-874", "windows-874", "\xa1", "\xe0\xb8\x81" },
	{ "TIS-620", "TIS-620", "\xa1\x85", "\xe0\xb8\x81\xe2\x80\xa6" },
	{ "KOI8-R", "koi8-r", "\xc1\xe1", "\xd0\xb0\xd0\x90" },
	{ "KOI8-U", "koi8-u", "\xa4", "\xd1\x94" },
	{ "IBM 866", "cp866", "\xa0", "\xd0\xb0" },
	{ "Macintosh", "macintosh", "\x9f", UE },
	{ "GB2312", "gb2312", "\xd6\xd0", ZHONG },
	{ "GBK", "GBK", "\x9d\x68", "\xe6\xbc\xa2" },
	{ "GB18030, four octets", "gb18030", "\x94\x39\xda\x33",
	    "\xf0\x9f\x92\xa9" },
	{ "Big5", "Big5", "\xa4\xa4", ZHONG },
	{ "ISO-2022-JP", "ISO-2022-JP", "\x1b$BF|K\\\x1b(B!", NIHON "!" },
	{ "not closed", "iso-2022-jp", "\x1b$BF|K\\", NIHON },
	{ "half-width", "iso-2022-jp", "\x1b(I1\x1b(B", "\xef\xbd\xb1" },
	{ "what it has not, as a pair", "iso-2022-jp",
	    "\x1b$B-!F|K\\\x1b(B", NOT NIHON },
	{ "Shift_JIS", "shift_jis", "\x93\xfa\x96\x7b", NIHON },
	{ "that of Windows", "shift_jis", "\x87\x40", "\xe2\x91\xa0" },
	{ "EUC-JP", "euc-jp", "\xc6\xfc\xcb\xdc", NIHON },
	{ "EUC-KR", "euc-kr", "\xb0\xa1", GA },
	{ "ks_c_5601-1987", "ks_c_5601-1987", "\xb0\xa1", GA },
	{ "that of Windows too", "ks_c_5601-1987", "\x81\x41",
	    "\xea\xb0\x82" },
	{ "an invalid pair", "euc-kr", "\xff\xff\xb0\xa1", NOT GA },
	{ "an invalid octet and a letter", "big5", "\xff" "a\xa4\xa4",
	    NOT "a" ZHONG },
	{ "half a character", "euc-jp", "a\xc6", "a" NOT },
	{ "UTF-7", "utf-7", "x+AOQ-y", "x\xc3\xa4y" },
	{ "UTF-7 with an octet", "utf-7", "x\xe4y", "x" NOT "y" },
	{ "UTF-8", "utf-8", UE NIHON, UE NIHON },
	{ "no UTF-8", "UTF-8", "a\xfc" "b" UE, "a" NOT "b" UE },
	{ "a surrogate", "utf-8", "\xed\xa0\x80", NOT NOT NOT },
	{ "a language", "iso-8859-2*pl", "\xb1", "\xc4\x85" },
	{ "nothing", "iso-8859-2", "", "" },
	{ "no charset: UTF-8", "", UE NIHON, UE NIHON },
	{ "no charset: not UTF-8", "", "\xfc\x80\xe9", UE "\xe2\x82\xac"
	    E_ACUTE },
	{ "no charset: both", "us-ascii", "\xfc" UE "\xfc", UE UE UE },
	{ "no charset: what windows-1252 has not", "x-unknown", "\x81",
	    NOT },
};

static void
t_put(const char *name, const char *charset, struct span in, const char *want)
{
	struct buf out = {0};

	charset_put(&out, charset_find(span_z(charset)), in);
	T_INT(name, out.len <= 4 * in.len, 1);
	buf_put(&out, "", 1);
	T_STR(name, out.p, want);
	buf_free(&out);
}

static void
test_wide(void)
{
	t_put("UTF-16", "utf-16", span_n("\xfc\0a\0", 4), UE "a");
	t_put("big-endian", "utf-16be", span_n("\0\xfc\0a", 4), UE "a");
	t_put("little-endian", "utf-16le", span_n("\xfc\0a\0", 4), UE "a");
	t_put("a half of a pair", "utf-16le", span_n("\0\xdc" "a\0", 4),
	    NOT "a");
	t_put("half a character", "utf-16le", span_n("a\0b", 3), "a" NOT);
}

/* A text that ends within something leaves nothing for the next one. */
static void
test_state(void)
{
	t_put("shifted", "iso-2022-jp", SPAN_LIT("\x1b$BF|"),
	    "\xe6\x97\xa5");
	t_put("not any more", "iso-2022-jp", SPAN_LIT("F|"), "F|");
	t_put("base64", "utf-7", SPAN_LIT("+AOQ"), "\xc3\xa4");
	t_put("not that either", "utf-7", SPAN_LIT("AOQ"), "AOQ");
	t_put("half", "gbk", SPAN_LIT("\xd6"), NOT);
	t_put("no other half", "gbk", SPAN_LIT("\xd0"), NOT);
}

#define LONG	(64 * 1024)

static MAY_YIELD void
convert_much(void *arg)
{
	static const char *const names[] = { "gb18030", "big5", "utf-7",
	    "iso-2022-jp", "euc-jp", "euc-kr", "shift_jis", "windows-1258",
	    "koi8-r", "utf-16", "utf-8", "" };
	static char text[LONG];
	struct buf out = {0};

	(void)arg;
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		for (size_t k = 0; k < LONG; k++)
			text[k] = (char)(i % 2 == 0 || k % 3 == 0 ? 0xff :
			    rand());
		buf_clear(&out);
		charset_put(&out, charset_find(span_z(names[i])),
		    span_n(text, LONG));
		T_OK(names[i], out.len > 0 && out.len <= 4 * LONG);
	}
	buf_free(&out);
}

/* The library's part of a fiber's stack is small. */
static void
test_fiber(void)
{
	loop_create();
	fiber_spawn("convert", convert_much, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	T_OK("stack", fiber_stack_high_water() < 24 * 1024);
	loop_destroy();
}

/* Before it is opened: as on a system without converters. */
static void
test_missing(void)
{
	T_OK("no name", charset_find(SPAN_LIT("utf-8")) == NULL);
	t_put("octets stay", "iso-8859-1", SPAN_LIT("a\xfc" UE),
	    "a\xfc" UE);
}

int
main(void)
{
	struct buf missing = {0};
	size_t i;

	test_missing();
	charset_open(&missing);
	buf_put(&missing, "", 1);
	T_STR("all are there", missing.p, "");
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		t_put(cases[i].name, cases[i].charset, span_z(cases[i].in),
		    cases[i].want);
	test_wide();
	test_state();
	test_fiber();
	T_OK("names are whole", charset_find(SPAN_LIT("iso-8859")) == NULL &&
	    charset_find(SPAN_LIT("iso-8859-11x")) == NULL &&
	    charset_find(SPAN_LIT("")) == NULL);
	T_OK("one charset by two names", charset_find(SPAN_LIT("GB2312")) ==
	    charset_find(SPAN_LIT("gbk*zh")));
	charset_close();
	test_missing();
	buf_free(&missing);
	return t_done();
}
