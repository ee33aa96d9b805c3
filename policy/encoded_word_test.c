#include <string.h>

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
	arena_destroy(&a);
	return t_done();
}
