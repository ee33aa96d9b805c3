#include <stdio.h>
#include <string.h>

#include "base/span.h"
#include "tests/kit/t.h"

static const char *
z(struct span s)
{
	static char text[4][128];
	static unsigned turn;
	char *p = text[turn++ % 4];

	snprintf(p, sizeof(text[0]), "%.*s", SPAN_ARG(s));
	return p;
}

static const struct {
	const char *name, *a, *b;
	bool eq, eq_nocase, starts;
} pairs[] = {
	{ "the same", "MAIL", "MAIL", true, true, true },
	{ "other case", "MAIL", "mAiL", false, true, true },
	{ "begins so", "mail from", "MAIL", false, false, true },
	{ "shorter", "MAI", "MAIL", false, false, false },
	{ "other letter", "MAIN", "MAIL", false, false, false },
	{ "both empty", "", "", true, true, true },
	{ "empty prefix", "x", "", false, false, true },
	{ "case is for letters only", "[", "{", false, false, false },
	{ "nor beyond ASCII", "\xc4", "\xe4", false, false, false },
};

static void
test_compare(void)
{
	static const char nul[] = { 'a', '\0', 'b' };
	struct span none = {0}, a;
	size_t i;

	for (i = 0; i < sizeof(pairs) / sizeof(pairs[0]); i++) {
		a = span_z(pairs[i].a);
		T_INT(pairs[i].name, span_eq(a, span_z(pairs[i].b)),
		    pairs[i].eq);
		T_INT(pairs[i].name, span_is(a, pairs[i].b), pairs[i].eq);
		T_INT(pairs[i].name, span_eq_nocase(a, span_z(pairs[i].b)),
		    pairs[i].eq_nocase);
		T_INT(pairs[i].name, span_is_nocase(a, pairs[i].b),
		    pairs[i].eq_nocase);
		T_INT(pairs[i].name, span_starts_nocase(a, pairs[i].b),
		    pairs[i].starts);
	}
	T_OK("a zeroed span is empty", span_is(none, ""));
	T_OK("and equals itself", span_eq(none, none));
	T_OK("and has the empty prefix", span_starts_nocase(none, ""));
	T_OK("a NUL does not end a span", !span_is(span_n(nul, 3), "a"));
	T_OK("a NUL is compared", span_eq(span_n(nul, 3), span_n(nul, 3)));
	T_INT("NULL is an empty text", span_z(NULL).len, 0);
	T_STR("SPAN_LIT", z(SPAN_LIT("lit")), "lit");
}

static const struct {
	const char *name, *in, *word, *rest;
} words[] = {
	{ "one word", "QUIT", "QUIT", "" },
	{ "two words", "RCPT TO:<a b>", "RCPT", "TO:<a b>" },
	{ "tab", "a\tb", "a", "b" },
	{ "white space behind it goes too", "a \t b ", "a", "b " },
	{ "trailing space", "a  ", "a", "" },
	{ "leading space: an empty word", " a", "", "a" },
	{ "nothing", "", "", "" },
	{ "space only", "   ", "", "" },
	{ "CR is no white space", "a\rb", "a\rb", "" },
};

static const struct {
	const char *name, *in, *part, *rest;
} parts[] = {
	{ "colon", "a:b:c", "a", "b:c" },
	{ "none", "abc", "abc", "" },
	{ "first", ":b", "", "b" },
	{ "last", "a:", "a", "" },
	{ "nothing", "", "", "" },
};

static const struct {
	const char *name, *in, *want;
} trims[] = {
	{ "both ends", " \ta b\t ", "a b" },
	{ "neither", "a", "a" },
	{ "all of it", " \t ", "" },
	{ "line ends stay", "\na\r\n", "\na\r\n" },
};

static void
test_pieces(void)
{
	struct span s, none = {0};
	size_t i;

	for (i = 0; i < sizeof(words) / sizeof(words[0]); i++) {
		s = span_z(words[i].in);
		T_STR(words[i].name, z(span_word(&s)), words[i].word);
		T_STR(words[i].name, z(s), words[i].rest);
	}
	for (i = 0; i < sizeof(parts) / sizeof(parts[0]); i++) {
		s = span_z(parts[i].in);
		T_STR(parts[i].name, z(span_until(&s, ':')), parts[i].part);
		T_STR(parts[i].name, z(s), parts[i].rest);
	}
	for (i = 0; i < sizeof(trims) / sizeof(trims[0]); i++)
		T_STR(trims[i].name, z(span_trim(span_z(trims[i].in))),
		    trims[i].want);
	T_INT("word of a zeroed span", span_word(&none).len, 0);
	T_INT("part of a zeroed span", span_until(&none, ':').len, 0);
	T_INT("trim of a zeroed span", span_trim(none).len, 0);
}

static const struct {
	const char *name, *in;
	uint64_t max;
	int result;
	uint64_t value;
} numbers[] = {
	{ "zero", "0", 10, 0, 0 },
	{ "the most", "65535", 65535, 0, 65535 },
	{ "one more", "65536", 65535, -1, 0 },
	{ "ten times", "655350", 65535, -1, 0 },
	{ "leading zeros", "0025", 99, 0, 25 },
	{ "digit above a small max", "9", 5, -1, 0 },
	{ "max 0", "0", 0, 0, 0 },
	{ "above max 0", "1", 0, -1, 0 },
	{ "2^64-1", "18446744073709551615", UINT64_MAX, 0, UINT64_MAX },
	{ "2^64", "18446744073709551616", UINT64_MAX, -1, 0 },
	{ "many digits", "99999999999999999999999", UINT64_MAX, -1, 0 },
	{ "nothing", "", 10, -1, 0 },
	{ "sign", "+1", 10, -1, 0 },
	{ "minus", "-1", 10, -1, 0 },
	{ "space in front", " 1", 10, -1, 0 },
	{ "space behind", "1 ", 10, -1, 0 },
	{ "hexadecimal", "0x1", 10, -1, 0 },
	{ "digits beyond ASCII", "\xd9\xa1", 10, -1, 0 },
};

static void
test_numbers(void)
{
	uint64_t value;
	size_t i;

	for (i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
		value = 0;
		T_INT(numbers[i].name, span_uint(span_z(numbers[i].in),
		    numbers[i].max, &value), numbers[i].result);
		T_OK(numbers[i].name, value == numbers[i].value);
	}
}

int
main(void)
{
	test_compare();
	test_pieces();
	test_numbers();
	return t_done();
}
