#include <string.h>

#include "base/arena.h"
#include "base/buf.h"
#include "policy/regex.h"
#include "tests/kit/t.h"

static const struct {
	const char	*name, *pattern, *flags, *subject;
	int		 want;
} cases[] = {
	{ "anywhere", "b+", "", "abbc", 1 },
	{ "nowhere", "b+c$", "", "abbd", 0 },
	{ "case counts", "viagra", "", "VIAGRA", 0 },
	{ "i: case does not count", "viagra", "i", "ViaGra", 1 },
	{ "an empty subject", "^$", "", "", 1 },
	{ "an empty pattern", "", "", "x", 1 },
	{ "UTF-8 is one character", "^.$", "", "\xc3\xa9", 1 },
	{ "its case too", "^\xc3\x89$", "i", "\xc3\xa9", 1 },
	{ "and in brackets", "^[\xc3\xa8\xc3\xa9]$", "", "\xc3\xa9", 1 },
	{ "\\w is ASCII", "^\\w$", "", "\xc3\xa9", 0 },
	{ "so a word ends there", "prix\\b", "", "prix\xc3\xa9", 1 },
	{ "(*UCP): \\w is any letter", "(*UCP)^\\w$", "", "\xc3\xa9", 1 },
	{ "and a word goes on", "(*UCP)prix\\b", "", "prix\xc3\xa9", 0 },
	{ "a script", "\\p{Cyrillic}", "", "a\xd0\xb0", 1 },
	{ "an octet that is no UTF-8 matches nothing", "a.b", "",
	    "a\xff""b", 0 },
	{ "and the rest is still looked at", "cd", "", "a\xff""bcd", 1 },
	{ "a slash", "a\\/b", "", "a/b", 1 },
};

static const struct {
	const char	*name, *pattern, *flags, *want;
	size_t		 offset;
} bad[] = {
	{ "a bracket", "ab(c", "", "missing closing parenthesis", 4 },
	{ "a flag", "abc", "gi", "unknown flag \"gi\": only i is known", 4 },
	{ "bytes of UTF-8", "a\\Cb", "",
	    "using \\C is disabled by the application", 3 },
	{ "not UTF-8", "a\xff", "",
	    "UTF-8 error: illegal byte (0xfe or 0xff)", 1 },
};

static struct regex *
compile(struct arena *a, const char *pattern)
{
	struct regex *re;
	struct err err = {0};
	size_t offset;

	re = regex_compile(a, span_z(pattern), span_z(""), &offset, &err);
	T_STR(pattern, err.text, "");
	return re;
}

/* Each would take from minutes to ages without limits. */
static void
test_hostile_subjects(struct arena *a)
{
	static const char *const patterns[] = {
		"^(a+)+$", "(a|aa)+$", "(a|a?)+$", "([a-zA-Z]+)*$",
		"(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)(.*)[^a]x$",
		"(x+x+)+y", "^(([a-z])+.)+[A-Z]([a-z])+$", "(?:a?){60}a{60}b",
		"(a*)*b", "((a+)+)+c", "(?s)(?=(a+))a*b\\1", "\\s+$",
		"a.*a.*a.*a.*a.*b",
	};
	struct buf subject = {0};

	for (size_t len = 30; len < REGEX_SUBJECT_MAX; len += len * 3 / 2)
		for (size_t i = 0; i < sizeof(patterns) / sizeof(*patterns);
		    i++) {
			struct regex *re = compile(a, patterns[i]);

			buf_clear(&subject);
			buf_reserve(&subject, len);
			memset(subject.p, patterns[i][0] == '\\' ? ' ' :
			    patterns[i][1] == 'x' ? 'x' : 'a', len);
			subject.len = len;
			buf_puts(&subject, "!");
			T_OK(patterns[i],
			    regex_match(re, buf_text(&subject)) <= 0);
		}
	buf_free(&subject);
}

static void
test_long_subject(struct arena *a)
{
	struct buf subject = {0};
	struct regex *re = compile(a, "^.*x");

	while (subject.len < REGEX_SUBJECT_MAX - 1)
		buf_puts(&subject, "a");
	buf_puts(&subject, "x");
	T_INT("all that is looked at is gone through",
	    regex_match(re, buf_text(&subject)), 1);
	subject.p[REGEX_SUBJECT_MAX - 1] = 'a';
	buf_puts(&subject, "x");
	T_INT("what is behind it is not",
	    regex_match(re, buf_text(&subject)), 0);
	buf_free(&subject);
}

int
main(void)
{
	struct arena *a = arena_create("regex test");
	struct regex *re;
	struct err err;
	size_t offset;
	char *longest;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		re = regex_compile(a, span_z(cases[i].pattern),
		    span_z(cases[i].flags), &offset, &err);
		T_OK(cases[i].name, re != NULL);
		if (re != NULL)
			T_INT(cases[i].name, regex_match(re,
			    span_z(cases[i].subject)), cases[i].want);
	}
	for (size_t i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		err = (struct err){0};
		T_OK(bad[i].name, regex_compile(a, span_z(bad[i].pattern),
		    span_z(bad[i].flags), &offset, &err) == NULL);
		T_STR(bad[i].name, err.text, bad[i].want);
		T_INT(bad[i].name, offset, bad[i].offset);
	}
	longest = arena_alloc(a, REGEX_PATTERN_MAX + 2);
	memset(longest, 'a', REGEX_PATTERN_MAX);
	T_OK("the longest pattern", compile(a, longest) != NULL);
	longest[REGEX_PATTERN_MAX] = 'a';
	T_OK("a longer one", regex_compile(a, span_z(longest), span_z(""),
	    &offset, &err) == NULL);
	T_STR("a longer one", err.text, "it is longer than 4096 octets");
	test_hostile_subjects(a);
	test_long_subject(a);
	arena_destroy(&a);
	return t_done();
}
