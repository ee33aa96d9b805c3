#include <stdio.h>
#include <string.h>

#include "base/diagnostic.h"
#include "tests/kit/t.h"

static const char a_text[] = "hostname x\n\tmax_recipient 5\r\n"
    "m\xc3\xbcller \x01x\nlast";
static const struct source a_conf = { "a.conf", { a_text,
    sizeof(a_text) - 1 } };
static const struct source b_conf = { "b.conf", { "\xef\xbb\xbf" "bom", 6 } };

static struct place
at(const struct source *s, unsigned line, unsigned column)
{
	return (struct place){ s, line, column };
}

static void
test_text(void)
{
	struct arena *a = arena_create("diagnostic test");
	struct diagnostics *d = diagnostics_create(a);

	T_STR("no finding, no text", diagnostics_text(d, a), "");
	diagnostic(d, at(&b_conf, 1, 1), NULL, "mark");
	diagnostic_warn(d, at(&a_conf, 4, 5), NULL, "end of text");
	diagnostic(d, at(&a_conf, 3, 9), NULL, "control %s", "a\nb");
	diagnostic(d, at(&a_conf, 2, 2), "did you mean \"max_recipients\"?",
	    "unknown setting \"%s\"", "max_recipient");
	diagnostic(d, at(&a_conf, 0, 0), NULL, "no listener");
	diagnostic(d, (struct place){0}, NULL, "no file");
	diagnostic(d, at(&a_conf, 2, 2), NULL, "second at one place");
	diagnostic(d, at(&a_conf, 2, 2), NULL, "second at one %s", "place");
	T_STR("sorted, with line, caret and hint", diagnostics_text(d, a),
	    "no file\n"
	    "a.conf: no listener\n"
	    "a.conf:2:2: unknown setting \"max_recipient\"\n"
	    "   max_recipient 5\n"
	    "   ^\n"
	    "  did you mean \"max_recipients\"?\n"
	    "a.conf:2:2: second at one place\n"
	    "   max_recipient 5\n"
	    "   ^\n"
	    "a.conf:3:9: control a?b\n"
	    "  m\xc3\xbcller ?x\n"
	    "         ^\n"
	    "a.conf:4:5: warning: end of text\n"
	    "  last\n"
	    "      ^\n"
	    "b.conf:1:1: mark\n"
	    "  bom\n"
	    "  ^\n");
	T_INT("errors", diagnostics_errors(d), 6);
	T_INT("warnings", diagnostics_warnings(d), 1);
	arena_destroy(&a);
}

static void
test_limits(void)
{
	static char line[2000], word[1000];
	struct arena *a = arena_create("diagnostic test");
	struct diagnostics *d = diagnostics_create(a);
	struct source source = { "x", { line, sizeof(line) } };
	const char *text;

	memset(line, 'l', sizeof(line));
	line[999] = 'X';
	memset(word, 'w', sizeof(word) - 1);
	diagnostic(d, at(&source, 1, 1000), NULL, "%s", word);
	text = diagnostics_text(d, a);
	T_OK("a long text is cut", strstr(text, "ww...\n") != NULL &&
	    strlen(text) < 800);
	T_OK("of a long line the part around the caret is shown",
	    strchr(text, 'X') != NULL);
	text = strchr(strchr(text, '\n') + 1, '\n') + 1;
	T_INT("the caret stands below it", strcspn(text, "^"), 2 + 80);

	for (int i = 0; i < 20000; i++)
		diagnostic(d, at(&source, 0, 0), NULL, "number %d", i);
	T_INT("all are counted", diagnostics_errors(d), 20001);
	text = diagnostics_text(d, a);
	T_STR("not all are shown", strstr(text, "and "), "and 19801 more\n");
	arena_destroy(&a);
}

int
main(void)
{
	test_text();
	test_limits();
	return t_done();
}
