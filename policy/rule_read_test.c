#include "base/buf.h"
#include "policy/rule_read.h"
#include "tests/kit/report_files.h"
#include "tests/kit/t.h"

/*
 * The files of tests/rules: those in good/ are read without a word; those in
 * bad/ and warn/ give exactly the report that stands, as a comment, at their
 * head. What the sources can say, some file there makes them say.
 */

static const char *const backends[] = { "inbound", "archive", NULL };
static const struct rule_context context = { backends, true };

/* What all files together were told, to be searched. */
static struct buf told;

static void
test_report(const char *path, const char *want, bool is_bad)
{
	struct arena *a = arena_create("rules test");
	struct diagnostics *d = diagnostics_create(a);
	struct rules *rules = rules_read(a, path, &context, d);
	const char *report = diagnostics_text(d, a);

	T_STR(path, report, want != NULL ? want : report_files_expected(a, path));
	T_OK(path, (rules == NULL) == is_bad);
	buf_puts(&told, report);
	arena_destroy(&a);
}

static void
test_good(const char *path)
{
	test_report(path, "", false);
}

static void
test_bad(const char *path)
{
	test_report(path, NULL, true);
}

static void
test_warn(const char *path)
{
	test_report(path, NULL, false);
}

int
main(void)
{
	report_files_find("tests/rules");
	report_files_each("good", "*.rules", test_good);
	report_files_each("bad", "*.rules", test_bad);
	report_files_each("warn", "*.rules", test_warn);
	buf_free(&told);
	return t_done();
}
