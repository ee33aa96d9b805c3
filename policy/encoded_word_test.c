#include <string.h>

#include "base/charset.h"
#include "policy/encoded_word.h"
#include "tests/kit/t.h"

static const struct {
	const char	*name, *in, *want;
} cases[] = {
	{ "no word", "a =b? c", "a =b? c" },
	{ "Q", "=?us-ascii?Q?Keith_Moore?=", "Keith Moore" },
	{ "q with octets", "=?iso-8859-1?q?Andr=E9=3d=?=", "Andr\xe9==" },
	{ "Q text that begins with =", "=?utf-8?q?=41?=", "A" },
	{ "B", "=?UTF-8?B?bXguZ3c=?=", "mx.gw" },
	{ "b without padding", "=?x?b?bXguZ3c?=", "mx.gw" },
	{ "b with foreign octets", "=?x?b?bX\r\n gu Z3c?=", "mx.gw" },
	{ "language", "=?utf-8*en?q?a?=", "a" },
	{ "no charset", "=?" "?q?a?=", "a" },
	{ "between text", "a=?x?q?b?=c", "abc" },
	{ "white space between two is dropped", "=?x?q?a?= \r\n =?x?q?b?= c",
	    "ab c" },
	{ "not that between a word and text", "=?x?q?a?= b =?x?q?c?=",
	    "a b c" },
	{ "question mark in the text", "=?x?q?a?b?=", "a?b" },
	{ "empty", "=?x?q?" "?=", "" },
	{ "unknown encoding", "=?x?z?a?=", "=?x?z?a?=" },
	{ "not closed", "=?x?q?a?", "=?x?q?a?" },
	{ "cut short", "=?x?q", "=?x?q" },
	{ "only the marks", "=?=", "=?=" },
	{ "half an octet", "=?x?q?=4?=", "=4" },
	{ "a second try", "=?x =?x?q?a?=", "=?x a" },
};

#define NOT	"\xef\xbf\xbd"	/* U+FFFD */
#define UE	"\xc3\xbc"	/* U+00FC */
#define NIHON	"\xe6\x97\xa5\xe6\x9c\xac"	/* U+65E5 U+672C */

/* Of encoded_word_text(). */
static const struct {
	const char	*name, *in, *want;
} texts[] = {
	{ "ASCII", "a b", "a b" },
	{ "UTF-8", "a " UE, "a " UE },
	{ "ISO-8859-1", "=?ISO-8859-1?Q?=FCber_alles?=", UE "ber alles" },
	{ "a language", "=?iso-8859-1*de?Q?=FCber?=", UE "ber" },
	{ "windows-1252, B", "=?windows-1252?B?gPw=?=",
	    "\xe2\x82\xac" UE },
	{ "KOI8-R", "=?koi8-r?B?wdc=?=", "\xd0\xb0\xd0\xb2" },
	{ "ISO-2022-JP", "=?ISO-2022-JP?B?GyRCRnxLXBsoQg==?=", NIHON },
	{ "a charset without a name", "=?" "?q?=FC?=", UE },
	{ "one that nobody knows", "=?x-none?q?=FC_=C3=BC?=", UE " " UE },
	{ "us-ascii that is not", "=?us-ascii?q?=FC?=", UE },
	{ "no UTF-8", "=?utf-8?q?a=FCb?=", "a" NOT "b" },
	{ "a character in two words", "=?utf-8?q?a=C3?= =?utf-8?q?=BC?= b",
	    "a" UE " b" },
	{ "in words of two encodings", "=?utf-8?q?=C3?=\r\n =?UTF-8?b?vA==?=",
	    UE },
	{ "in words that touch", "=?utf-8?q?=C3?==?utf-8?q?=BC?=", UE },
	{ "by two names", "=?gb2312?q?=D6?= =?GBK?q?=D0?=",
	    "\xe4\xb8\xad" },
	{ "shifted through two words",
	    "=?iso-2022-jp?B?GyRCRnw=?= =?iso-2022-jp?B?S1wbKEI=?=", NIHON },
	{ "not with text between", "=?utf-8?q?=C3?= a =?utf-8?q?=BC?=",
	    NOT " a " NOT },
	{ "not of two charsets", "=?utf-8?q?=C3?= =?iso-8859-1?q?=BC?=",
	    NOT "\xc2\xbc" },
	{ "two charsets", "=?koi8-r?q?=C1?= =?iso-8859-1?q?=FC?=",
	    "\xd0\xb0" UE },
	{ "raw octets", "\xfc" "ber", UE "ber" },
	{ "raw octets and UTF-8", "\xfc " UE, UE " " UE },
	{ "raw octets beside words", "\xfc =?koi8-r?q?=C1?= \xfc",
	    UE " \xd0\xb0 " UE },
	{ "white space behind the last", "=?utf-8?q?a?= ", "a " },
	{ "an empty word", "a =?koi8-r?q?" "?= b", "a  b" },
};

static void
test_text(struct arena *a)
{
	struct buf missing = {0}, many = {0};
	struct span out;

	charset_open(&missing);
	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		T_STR(texts[i].name, arena_copy(a,
		    encoded_word_text(a, span_z(texts[i].in))),
		    texts[i].want);
	while (many.len < 256 * 1024)
		buf_puts(&many, "=?koi8-r?q?=80?= =?big5?q?=80?= \x80");
	out = encoded_word_text(a, buf_text(&many));
	T_OK("no longer than four times", out.len <= 4 * many.len);
	buf_free(&many);
	buf_free(&missing);
	charset_close();
}

#define Q(text)	"=?utf-8?Q?" text "?="

static const struct {
	const char	*name, *in;
	bool		 utf8;
	const char	*want;
} encodings[] = {
	{ "ASCII", "a b", false, "a b" },
	{ "nothing", "", false, "" },
	{ "a word", "gr\xc3\xbc\xc3\x9f", false, Q("gr=C3=BC=C3=9F") },
	{ "that may stand", "gr\xc3\xbc\xc3\x9f", true, "gr\xc3\xbc\xc3\x9f" },
	{ "only the words that need it", "J\xc3\xbcrgen <j@a.example>", false,
	    Q("J=C3=BCrgen") " <j@a.example>" },
	{ "two in a row with their spaces", "a \xc3\xbc  \xc3\x9f z", false,
	    "a " Q("=C3=BC__=C3=9F") " z" },
	{ "two apart", "\xc3\xbc a \xc3\x9f", false,
	    Q("=C3=BC") " a " Q("=C3=9F") },
	{ "white space at the ends", "  \xc3\xbc ", false,
	    "  " Q("=C3=BC") " " },
	{ "no false word", "a =?x?q?b?= c", true,
	    "a " Q("=3D=3Fx=3Fq=3Fb=3F=3D") " c" },
	{ "what has a meaning in words", "\xc3\xbc=_?\"(", false,
	    Q("=C3=BC=3D=5F=3F=22=28") },
	{ "pieces of 75 octets, between characters",
	    "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac"
	    "\xe2\x82\xac\xe2\x82\xac\xe2\x82\xac", false,
	    Q("=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC=E2=82=AC"
	    "=E2=82=AC") " " Q("=E2=82=AC") },
};

static void
test_encode(struct arena *a)
{
	for (size_t i = 0; i < sizeof(encodings) / sizeof(encodings[0]); i++) {
		struct span text = encoded_word_encode(a,
		    span_z(encodings[i].in), encodings[i].utf8);

		T_STR(encodings[i].name, arena_copy(a, text),
		    encodings[i].want);
		T_STR(encodings[i].name, arena_copy(a,
		    encoded_word_decode(a, text)), encodings[i].in);
	}
}

int
main(void)
{
	struct arena *a = arena_create("test");
	static char many[70000];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, arena_copy(a,
		    encoded_word_decode(a, span_z(cases[i].in))),
		    cases[i].want);
	for (i = 0; i < sizeof(many); i += 7)
		memcpy(many + i, "=?x?q?a", 7);
	T_INT("10,000 words that do not end", encoded_word_decode(a,
	    span_n(many, sizeof(many))).len, sizeof(many));
	T_OK("there could be one", encoded_word_is_in(span_z("a =?")));
	T_OK("there is none", !encoded_word_is_in(span_z("a = ?")));
	test_encode(a);
	test_text(a);
	arena_destroy(&a);
	return t_done();
}
