#include <string.h>

#include "policy/field_writer.h"
#include "tests/kit/t.h"

static const struct {
	const char	*name, *text;
	bool		 token, dot_atom, utf8_dot_atom;
	const char	*quoted, *utf8_quoted;	/* NULL: as quoted */
} texts[] = {
	{ "word", "abc", true, true, true, "\"abc\"", NULL },
	{ "dots", "a.b", true, true, true, "\"a.b\"", NULL },
	{ "dot first", ".a", true, false, false, "\".a\"", NULL },
	{ "dot last", "a.", true, false, false, "\"a.\"", NULL },
	{ "two dots", "a..b", true, false, false, "\"a..b\"", NULL },
	{ "slash and equals", "a/b=c", false, true, true, "\"a/b=c\"", NULL },
	{ "empty", "", false, false, false, "\"\"", NULL },
	{ "blank", "a b", false, false, false, "\"a b\"", NULL },
	{ "at sign", "a@b", false, false, false, "\"a@b\"", NULL },
	{ "quote", "a\"b", false, false, false, "\"a\\\"b\"", NULL },
	{ "backslash", "a\\", false, false, false, "\"a\\\\\"", NULL },
	{ "line end", "a\r\nb", false, false, false, "\"a?" "?b\"", NULL },
	{ "tab", "a\tb", false, false, false, "\"a?b\"", NULL },
	{ "DEL", "\177", false, false, false, "\"?\"", NULL },
	{ "UTF-8", "\xc3\xbc", false, false, true, "\"?" "?\"",
	    "\"\xc3\xbc\"" },
	{ "no UTF-8", "\xc3(", false, false, false, "\"?(\"", NULL },
	{ "C1", "\xc2\x85", false, false, false, "\"?" "?\"", NULL },
};

static void
check_text(struct arena *a, size_t i)
{
	struct span text = span_z(texts[i].text);
	const char *utf8 = texts[i].utf8_quoted;

	T_INT(texts[i].name, text_is_token(text), texts[i].token);
	T_INT(texts[i].name, text_is_dot_atom(text, false),
	    texts[i].dot_atom);
	T_INT(texts[i].name, text_is_dot_atom(text, true),
	    texts[i].utf8_dot_atom);
	T_STR(texts[i].name, arena_copy(a, text_quoted(a, text, false)),
	    texts[i].quoted);
	T_STR(texts[i].name, arena_copy(a, text_quoted(a, text, true)),
	    utf8 != NULL ? utf8 : texts[i].quoted);
}

static const struct {
	const char	*name, *text, *want;
} comments[] = {
	{ "words", "a b  c", " (a b c)" },
	{ "nothing", "", "" },
	{ "blanks", " \t ", "" },
	{ "parentheses", "a) (b \\)", " (a] [b /])" },
	{ "what could be a result", "x); \"a\"=b", " (x], 'a'=b)" },
	{ "line end", "a\r\n b", " (a?" "? b)" },
	{ "UTF-8", "\xe2\x82\xac", " (?" "?" "?)" },
};

static struct span
with_comment(struct arena *a, struct span text, bool utf8)
{
	struct buf out = {0};
	struct field_writer w;
	struct span copy;

	field_begin(&w, &out, "X", utf8);
	field_comment(&w, text);
	field_end(&w);
	copy = arena_span(a, buf_text(&out));
	buf_free(&out);
	return copy;
}

static void
check_comments(struct arena *a)
{
	char many[2 * FIELD_COMMENT_MAX];
	struct span got;
	size_t i;

	for (i = 0; i < sizeof(comments) / sizeof(comments[0]); i++)
		T_STR(comments[i].name, arena_copy(a, with_comment(a,
		    span_z(comments[i].text), false)),
		    arena_printf(a, "X:%s\r\n", comments[i].want));
	T_STR("UTF-8 is allowed", arena_copy(a, with_comment(a,
	    span_z("\xe2\x82\xac"), true)), "X: (\xe2\x82\xac)\r\n");
	memset(many, 'x', sizeof(many));
	got = with_comment(a, span_n(many, sizeof(many)), false);
	T_INT("long comment", got.len, FIELD_COMMENT_MAX + 9);
	many[0] = 'x';
	for (i = 1; i + 1 < sizeof(many); i += 2)
		memcpy(many + i, "\xc3\xbc", 2);
	got = with_comment(a, span_n(many, sizeof(many) - 1), true);
	T_OK("no half character", memmem(got.p, got.len, "?", 1) == NULL);
}

int
main(void)
{
	struct arena *a = arena_create("test");
	struct buf out = {0};
	struct field_writer w;
	char word[77];
	size_t i;

	for (i = 0; i < sizeof(texts) / sizeof(texts[0]); i++)
		check_text(a, i);
	check_comments(a);
	memset(word, 'x', sizeof(word));
	field_begin(&w, &out, "X", false);
	field_word(&w, span_z("a"));
	field_word(&w, span_n(word, 72));
	field_word(&w, span_n(word, 1));
	field_fold(&w);
	field_fold(&w);
	field_word(&w, span_z("b"));
	field_word(&w, span_n(word, sizeof(word)));
	field_end(&w);
	buf_put(&out, "", 1);
	T_STR("folds", out.p, arena_printf(a,
	    "X: a %.72s\r\n\tx\r\n\tb\r\n\t%.77s\r\n", word, word));
	buf_free(&out);
	arena_destroy(&a);
	return t_done();
}
