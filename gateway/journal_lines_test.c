#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "gateway/journal_lines.h"
#include "gateway/recorded.h"
#include "tests/kit/t.h"

/*
 * Lines of files: in their order, whatever their ends and lengths.
 */
static char folder[] = "/tmp/journal_lines_test.XXXXXX";

static void
write_file(const char *name, const char *text)
{
	FILE *f = fopen(name, "w");

	T_OK(name, f != NULL && fputs(text, f) >= 0);
	fclose(f);
}

/* "FILE:LINE=TEXT ", a line too long without its text. */
static const char *
all_lines(struct arena *a, const char *const *files, size_t n,
    const struct settings *s)
{
	struct journal_lines *l;
	enum journal_line kind;
	struct buf out = {0};
	struct span line;
	struct err err;
	char *text;

	if (journal_lines_open(a, files, n, s, &l, &err) < 0)
		return arena_strdup(a, err.text);
	while (journal_lines_next(l, &kind, &line, &err) == 0 &&
	    kind != JOURNAL_END) {
		buf_printf(&out, "%s:%llu", journal_lines_file(l),
		    (unsigned long long)journal_lines_number(l));
		if (kind == JOURNAL_LINE)
			buf_printf(&out, "=%.*s", SPAN_ARG(line));
		buf_puts(&out, " ");
	}
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static void
test_named(struct arena *a, const struct settings *s)
{
	static const char *const two[] = { "one", "two" };
	static const char *const none[] = { "one", "nowhere" };

	write_file("one", "a\nb\n\nc");
	write_file("two", "");
	T_STR("the last line has no end", all_lines(a, two, 2, s),
	    "one:1=a one:2=b one:3= one:4=c ");
	write_file("two", "d\n");
	T_STR("one file behind the other", all_lines(a, two, 2, s),
	    "one:1=a one:2=b one:3= one:4=c two:1=d ");
	T_STR("a file that is not there", all_lines(a, none, 2, s),
	    "nowhere: No such file or directory");
}

static void
test_configured(struct arena *a)
{
	struct settings s = { .journal_file = "journal" };

	T_STR("none yet", all_lines(a, NULL, 0, &s),
	    "journal journal: there is none yet");
	write_file("journal", "c\n");
	T_STR("one", all_lines(a, NULL, 0, &s), "journal:1=c ");
	write_file("journal.1", "b\n");
	write_file("journal.2", "a\n");
	write_file("journal.4", "not ours\n");
	T_STR("the oldest first", all_lines(a, NULL, 0, &s),
	    "journal.2:1=a journal.1:1=b journal:1=c ");
	unlink("journal");
	T_STR("renamed a moment ago", all_lines(a, NULL, 0, &s),
	    "journal.2:1=a journal.1:1=b ");
	T_INT("a second name", link("journal.1", "journal"), 0);
	T_STR("the same file twice", all_lines(a, NULL, 0, &s),
	    "journal.2:1=a journal:1=b ");
	s.journal_file = NULL;
	T_STR("no journal", all_lines(a, NULL, 0, &s), "no journal is named, "
	    "and the configuration has none (journal { file ... })");
}

static void
put_line(FILE *f, size_t n)
{
	size_t i;

	for (i = 0; i < n; i++)
		putc('x', f);
	putc('\n', f);
}

static void
test_long(struct arena *a, const struct settings *s)
{
	static const size_t most = RECORDED_LINE_MOST;
	static const char *const files[] = { "long" };
	FILE *f = fopen("long", "w");
	struct journal_lines *l;
	enum journal_line kind;
	struct span line;
	struct err err;
	size_t i;
	const struct {
		size_t			 n;
		enum journal_line	 want;
	} all[] = {
		{ 1, JOURNAL_LINE }, { most, JOURNAL_LINE },
		{ most + 1, JOURNAL_TOO_LONG }, { 2, JOURNAL_LINE },
		{ 2 * most, JOURNAL_TOO_LONG }, { 5 * most + 7,
		    JOURNAL_TOO_LONG }, { 3, JOURNAL_LINE },
		{ 2 * most - 1, JOURNAL_TOO_LONG }, { most, JOURNAL_LINE },
	};

	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++)
		put_line(f, all[i].n);
	fclose(f);
	T_INT("opened", journal_lines_open(a, files, 1, s, &l, &err), 0);
	for (i = 0; i < sizeof(all) / sizeof(all[0]); i++) {
		T_INT("read", journal_lines_next(l, &kind, &line, &err), 0);
		T_INT("whether it is too long", kind, all[i].want);
		T_INT("its number", journal_lines_number(l), i + 1);
		if (kind == JOURNAL_LINE)
			T_INT("its length", line.len, all[i].n);
	}
	T_INT("read", journal_lines_next(l, &kind, &line, &err), 0);
	T_INT("the end", kind, JOURNAL_END);
}

int
main(void)
{
	struct arena *a = arena_create("test");
	struct settings none = {0};
	char command[64];

	T_OK("folder", mkdtemp(folder) != NULL && chdir(folder) == 0);
	test_named(a, &none);
	test_configured(a);
	test_long(a, &none);
	arena_destroy(&a);
	snprintf(command, sizeof(command), "rm -r %s", folder);
	T_INT("the folder goes", system(command), 0);
	return t_done();
}
