#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/lexer.h"
#include "tests/kit/t.h"

/* Tokens are shown as word, "string", 'punctuation', /regex; ";" is the end
 * of a line. What is wrong is shown behind "!", by column and text. */
static const struct {
	const char *name;
	enum lex_mode mode;
	const char *in, *want;
} cases[] = {
	{ "nothing", LEX_CONF, "", "" },
	{ "white space and comments alone give no token", LEX_CONF,
	    " \t\n# x \"{\n\n", "" },
	{ "a setting", LEX_CONF, "workers 4\n", "workers 4 ;" },
	{ "no newline at the end", LEX_CONF, "workers 4", "workers 4 ;" },
	{ "CRLF ends a line too", LEX_CONF, "a 1\r\nb 2\r\n",
	    "a 1 ; b 2 ;" },
	{ "empty lines add no end of line", LEX_CONF, "\n\na\n\n\nb\n",
	    "a ; b ;" },
	{ "a comment ends a word", LEX_CONF, "a b#c\n", "a b ;" },
	{ "addresses, URLs and sizes are words", LEX_CONF,
	    "0.0.0.0:25 [::]:25 smtp://h:25?weight=2 50M a=b $x",
	    "0.0.0.0:25 [::]:25 smtp://h:25?weight=2 50M a=b $x ;" },
	{ "braces need no white space", LEX_CONF, "route{a b}",
	    "route '{' a b '}' ;" },
	{ "a quote ends a word", LEX_CONF, "a\"b\"c", "a \"b\" c ;" },
	{ "escapes", LEX_CONF, "\"a\\\"b\\\\c\\n\\td\"",
	    "\"a\"b\\c\n\td\" ;" },
	{ "UTF-8 is let through", LEX_CONF, "m\xc3\xbcller \"\xc3\xbc\"",
	    "m\xc3\xbcller \"\xc3\xbc\" ;" },
	{ "a byte order mark is skipped", LEX_CONF, "\xef\xbb\xbf" "a\x01",
	    "a ; !2 unexpected control character 0x01" },
	{ "an unclosed string ends with its line", LEX_CONF,
	    "a \"b # c\nd", "a \"b # c\" ; d ; "
	    "!3 the string is not closed on its line" },
	{ "a backslash at the end of a line escapes nothing", LEX_CONF,
	    "\"a\\\nb", "\"a\\\" ; b ; "
	    "!1 the string is not closed on its line" },
	{ "an unclosed string at the end of the text", LEX_CONF, "\"",
	    "\"\" ; !1 the string is not closed on its line" },
	{ "an unknown escape", LEX_CONF, "a \"x\\qy\"", "a \"xqy\" ; "
	    "!5 unknown escape \\q in a string: only \\\" \\\\ \\n and \\t "
	    "are known" },
	{ "a control character is left out", LEX_CONF, "a\x02" "b",
	    "a b ; !2 unexpected control character 0x02" },
	{ "CR alone is a control character", LEX_CONF, "a\rb",
	    "a b ; !2 unexpected control character 0x0d" },
	{ "a control character in a string", LEX_CONF, "\"a\x7f\"",
	    "\"a\x7f\" ; !3 control character 0x7f in a string" },
	{ "control characters in comments are nobody's business", LEX_CONF,
	    "a # \x01\x02\n", "a ;" },

	{ "a rule", LEX_RULES,
	    "listed: reject 554 5.7.1 \"{client.ip}\" when dnsbl.score >= 8",
	    "listed ':' reject 554 5.7.1 \"{client.ip}\" when dnsbl.score "
	    "'>=' 8 ;" },
	{ "all punctuation", LEX_RULES, "{}()[],:= == != < <= > >=",
	    "'{' '}' '(' ')' '[' ']' ',' ':' '=' '==' '!=' '<' '<=' '>' '>=' ;"
	    },
	{ "punctuation needs no white space", LEX_RULES, "a>=5,b!=\"c\"",
	    "a '>=' 5 ',' b '!=' \"c\" ;" },
	{ "a set of networks", LEX_RULES,
	    "set t = { 192.0.2.0/24, 2001:db8::/32 }",
	    "set t '=' '{' 192.0.2.0/24 ',' 2001:db8::/32 '}' ;" },
	{ "IPv6 addresses", LEX_RULES, "{::1,fe80::1 ::ffff:192.0.2.1 1:2:3}",
	    "'{' ::1 ',' fe80::1 ::ffff:192.0.2.1 1:2:3 '}' ;" },
	{ "a label that looks like the start of an address", LEX_RULES,
	    "bad: defer", "bad ':' defer ;" },
	{ "a label of hex digits before punctuation", LEX_RULES, "bad:{",
	    "bad ':' '{' ;" },
	{ "reply patterns, limits and numbers", LEX_RULES,
	    "127.0.*.1-3 score -4 100/1h spf-fail",
	    "127.0.*.1-3 score -4 100/1h spf-fail ;" },
	{ "a set's name", LEX_RULES, "in $my-names)", "in $my-names ')' ;" },
	{ "a $ without a name", LEX_RULES, "in $ )",
	    "in ')' ; !4 a name is missing after $" },
	{ "! alone", LEX_RULES, "!a",
	    "a ; !1 ! is only known as part of !=" },
	{ "a regular expression", LEX_RULES, "matches /^a b\\/[#\"{]$/i and",
	    "matches /^a b\\/[#\"{]$/i and ;" },
	{ "an unclosed regular expression", LEX_RULES, "matches /a\nb",
	    "matches /a ; b ; "
	    "!9 the regular expression is not closed on its line" },
};

static void
show(struct buf *out, const struct token *t)
{
	static const char *const forms[] = {
		[TOKEN_WORD] = "%.*s", [TOKEN_STRING] = "\"%.*s\"",
		[TOKEN_PUNCT] = "'%.*s'", [TOKEN_REGEX] = "/%.*s",
	};
	char text[200];

	if (out->len > 0)
		buf_puts(out, " ");
	if (t->kind == TOKEN_EOL)
		snprintf(text, sizeof(text), ";");
	else
		snprintf(text, sizeof(text), forms[t->kind],
		    SPAN_ARG(t->text));
	buf_puts(out, text);
}

/* From "x:1:5: text\n..." to "!5 text". */
static void
show_fault(struct buf *out, const char *report)
{
	const char *p = strchr(strchr(report, ':') + 1, ':') + 1;

	if (out->len > 0)
		buf_puts(out, " ");
	buf_printf(out, "!%.*s%.*s", (int)strcspn(p, ":"), p,
	    (int)strcspn(strchr(p, ':') + 1, "\n"), strchr(p, ':') + 1);
}

static void
test_tokens(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct arena *a = arena_create("lexer test");
		struct diagnostics *d = diagnostics_create(a);
		struct source source = { "x", span_z(cases[i].in) };
		struct tokens tokens = lex(a, &source, cases[i].mode, d);
		struct buf out = {0};
		size_t n;

		for (n = 0; n + 1 < tokens.n; n++)
			show(&out, &tokens.list[n]);
		if (diagnostics_errors(d) > 0)
			show_fault(&out, diagnostics_text(d, a));
		buf_put(&out, "", 1);
		T_STR(cases[i].name, out.p, cases[i].want);
		T_INT(cases[i].name, tokens.list[n].kind, TOKEN_END);
		buf_free(&out);
		arena_destroy(&a);
	}
}

static void
test_places(void)
{
	struct arena *a = arena_create("lexer test");
	struct diagnostics *d = diagnostics_create(a);
	struct source source = { "x", SPAN_LIT("a\n\n\tbc \"d\"") };
	struct tokens t = lex(a, &source, LEX_CONF, d);

	T_INT("end of line's column", t.list[1].place.column, 2);
	T_INT("line of a word", t.list[2].place.line, 3);
	T_INT("column of a word behind a tab", t.list[2].place.column, 2);
	T_INT("a string's place is its quote", t.list[3].place.column, 5);
	T_OK("a place knows its file", t.list[3].place.source == &source);
	T_OK("a word", token_is_word(&t.list[0], "a"));
	T_OK("a string is no word", !token_is_word(&t.list[3], "d"));
	T_OK("a word is no punctuation", !token_is_punct(&t.list[0], "a"));
	arena_destroy(&a);
}

static void
test_source(void)
{
	struct arena *a = arena_create("lexer test");
	char dir[] = "/tmp/lexer_test.XXXXXX", path[64], want[128];
	struct source *source = NULL;
	struct err err;
	FILE *f;

	if (mkdtemp(dir) == NULL) {
		t_skip("reading files", "no temporary folder");
		return;
	}
	snprintf(path, sizeof(path), "%s/f", dir);
	snprintf(want, sizeof(want), "cannot open %s: "
	    "No such file or directory", path);
	T_INT("no such file", source_read(a, path, &source, &err), -1);
	T_STR("no such file", err.text, want);

	f = fopen(path, "w");
	fputs("workers 4\n", f);
	fclose(f);
	T_INT("a file", source_read(a, path, &source, &err), 0);
	T_OK("its text", span_is(source->text, "workers 4\n"));
	T_STR("its name", source->name, path);

	f = fopen(path, "w");
	fclose(f);
	T_INT("an empty file", source_read(a, path, &source, &err), 0);
	T_INT("an empty file", source->text.len, 0);

	T_INT("too large", truncate(path, SOURCE_MAX + 1), 0);
	snprintf(want, sizeof(want), "%s is too large: 67108865 octets, "
	    "the most is 67108864", path);
	T_INT("too large", source_read(a, path, &source, &err), -1);
	T_STR("too large", err.text, want);
	unlink(path);

	snprintf(want, sizeof(want), "%s is not a file", dir);
	T_INT("a folder", source_read(a, dir, &source, &err), -1);
	T_STR("a folder", err.text, want);

	T_INT("make a pipe", mkfifo(path, 0600), 0);
	snprintf(want, sizeof(want), "%s is not a file", path);
	T_INT("a pipe does not stop us", source_read(a, path, &source, &err),
	    -1);
	T_STR("a pipe does not stop us", err.text, want);
	unlink(path);
	rmdir(dir);
	arena_destroy(&a);
}

int
main(void)
{
	test_tokens();
	test_places();
	test_source();
	return t_done();
}
