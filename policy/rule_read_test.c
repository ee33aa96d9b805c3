#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/lexer.h"
#include "policy/rule_read.h"
#include "tests/kit/report_files.h"
#include "tests/kit/t.h"

/*
 * The files of tests/rules: those in good/ are read without a word; those in
 * bad/ and warn/ give exactly the report that stands, as a comment, at their
 * head. What the sources can say, some file there makes them say.
 */

static const char *const backends[] = { "inbound", "archive", NULL };
static const struct rule_milter milters[] = {
	{ "clamav", true }, { "spam", true }, { "opendkim", false },
};
static const struct rule_context context = { .backends = backends,
    .files = true, .has_store = true, .has_redis = true,
    .milters = milters, .nmilters = sizeof(milters) / sizeof(*milters) };

/* What all files together were told, to be searched. */
static struct buf told;

static void
test_report(const char *path, const char *want, bool is_bad)
{
	struct arena *a = arena_create("rules test");
	struct diagnostics *d = diagnostics_create(a);
	struct rules *rules = rules_read(a, path, &context, d);
	const char *report = diagnostics_text(d, a);

	if (want == NULL)
		want = report_files_expected(a, path);
	T_STR(path, report, want);
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

/* Those for which a file would be too long. */
static void
test_many(const char *name, const char *head, const char *item, size_t n,
    const char *tail, const char *want)
{
	struct arena *a = arena_create("rules test");
	struct diagnostics *d = diagnostics_create(a);
	struct buf text = {0};
	const char *report;

	buf_puts(&text, head);
	for (size_t i = 0; i < n; i++)
		buf_printf(&text, item, (unsigned)i);
	buf_puts(&text, tail);
	T_OK(name, rules_read_text(a, "many", buf_text(&text), &context,
	    d) == NULL);
	report = diagnostics_text(d, a);
	T_OK(name, strstr(report, want) != NULL);
	buf_puts(&told, report);
	buf_free(&text);
	arena_destroy(&a);
}

/* --- filters --- */

static const struct rule_milter same_milters[] = {
	{ "clam", true }, { "Clam", false },
};

static const struct {
	const char	*name, *rules;
	struct rule_context context;
	const char	*want;
} milter_cases[] = {
	{ "no filter at all", "on mail {\nmilter clamav\n}\n",
	    { .milters = milters },
	    "r:2:8: unknown milter \"clamav\": the configuration has none\n"
	    "  milter clamav\n         ^\n" },
	{ "names that only differ in case", "on mail {\naccept\n}\n",
	    { .milters = same_milters, .nmilters = 2 },
	    "r: the milters \"clam\" and \"Clam\" of the configuration need "
	    "names that differ in more than their case\n" },
	{ "any name without a configuration", "on message {\n"
	    "milter clamav when milter.other is not reject\n}\n", {0}, "" },
};

static void
test_milters(void)
{
	for (size_t i = 0; i < sizeof(milter_cases) / sizeof(milter_cases[0]);
	    i++) {
		struct arena *a = arena_create("rules test");
		struct diagnostics *d = diagnostics_create(a);
		const char *report;

		rules_read_text(a, "r", span_z(milter_cases[i].rules),
		    &milter_cases[i].context, d);
		report = diagnostics_text(d, a);
		T_STR(milter_cases[i].name, report, milter_cases[i].want);
		buf_puts(&told, report);
		arena_destroy(&a);
	}
}

static void
test_many_milters(void)
{
	static const struct rule_context bare = {0};
	struct arena *a = arena_create("rules test");
	struct diagnostics *d = diagnostics_create(a);
	struct buf text = {0};

	buf_puts(&text, "on mail {\n");
	for (unsigned i = 0; i <= RULE_MILTERS_MAX; i++)
		buf_printf(&text, "milter m%u\n", i);
	buf_puts(&text, "}\n");
	T_OK("too many filters", rules_read_text(a, "r", buf_text(&text),
	    &bare, d) == NULL);
	T_STR("too many filters, told", diagnostics_text(d, a), "r:34:8: this "
	    "is one milter too many: the most is 32\n  milter m32\n"
	    "         ^\n");
	buf_puts(&told, diagnostics_text(d, a));
	buf_free(&text);
	arena_destroy(&a);
}

/* --- without a store --- */

static const struct {
	const char	*name, *rules, *want;
} needy[] = {
	{ "the action, once", "on rcpt {\n\tgreylist\n}\n",
	    "r:2:2: \"greylist\" needs a store: \"store\" in the configuration"
	    "\n   greylist\n   ^\n" },
	{ "whatever its text", "on rcpt {\n\tgreylist \"{greylist.left}\"\n}",
	    "r:2:2: \"greylist\" needs a store: \"store\" in the configuration"
	    "\n   greylist \"{greylist.left}\"\n   ^\n" },
	{ "a limit, and what it does", "on mail {\n"
	    "limit 1/1h per client.ip, else score client.ip\n}\n",
	    "r:2:1: \"limit\" needs a store: \"store\" in the configuration\n"
	    "  limit 1/1h per client.ip, else score client.ip\n  ^\n"
	    "r:2:38: client.ip is an address: score adds numbers\n"
	    "  limit 1/1h per client.ip, else score client.ip\n"
	    "                                       ^\n" },
	{ "a fact", "on message {\nlog \"x\" when greylist.left > 5s\n}\n",
	    "r:2:14: \"greylist.left\" needs a store: \"store\" in the "
	    "configuration\n  log \"x\" when greylist.left > 5s\n"
	    "               ^\n" },
	{ "a set in Redis", "set s = redis \"key\"\non mail {\n"
	    "log \"x\" when sender in $s\n}\n",
	    "r:1:15: a set in Redis needs it as the store: \"store { address "
	    "redis://... }\" in the configuration\n"
	    "  set s = redis \"key\"\n                ^\n" },
	{ "in a text", "on rcpt {\nlog \"{greylist.identity}\"\n}\n",
	    "r:2:7: \"greylist.identity\" needs a store: \"store\" in the "
	    "configuration\n  log \"{greylist.identity}\"\n        ^\n" },
};

static void
test_no_store(void)
{
	static const struct rule_context bare = {0};

	for (size_t i = 0; i < sizeof(needy) / sizeof(needy[0]); i++) {
		struct arena *a = arena_create("rules test");
		struct diagnostics *d = diagnostics_create(a);
		const char *report;

		T_OK(needy[i].name, rules_read_text(a, "r",
		    span_z(needy[i].rules), &bare, d) == NULL);
		report = diagnostics_text(d, a);
		T_STR(needy[i].name, report, needy[i].want);
		buf_puts(&told, report);
		arena_destroy(&a);
	}
}

/* --- every message --- */

/* All of a line's fragments, which stand between %s and the like. */
static bool
is_told(const char *format)
{
	for (const char *line = told.p; line != NULL && *line != '\0'; ) {
		const char *end = strchr(line, '\n'), *at = line, *f = format;
		bool fits = true;

		while (*f != '\0' && fits) {
			size_t len = strcspn(f, "%");
			const char *found = len == 0 ? at : memmem(at,
			    (size_t)(end - at), f, len);

			fits = found != NULL;
			if (fits)
				at = found + len;
			f += len;
			if (*f == '%') {
				f += 1 + strspn(f + 1, ".*zl-0123456789");
				f += *f != '\0';
			}
		}
		if (fits)
			return true;
		line = end + 1;
	}
	return false;
}

/* The next string of C code, with those that are joined to it. */
static const char *
read_string(struct buf *out, const char *p)
{
	buf_clear(out);
	while (*p == '"') {
		for (p++; *p != '"'; p++) {
			if (*p == '\\' && *++p == 't')
				continue;
			buf_put(out, p, 1);
		}
		p++;
		p += strspn(p, " \t\n");
	}
	buf_put(out, "", 1);
	return p;
}

/* The strings of one call, to its closing bracket. */
static void
check_call(const char *p)
{
	struct buf text = {0};
	unsigned depth = 0;

	do {
		if (*p == '"') {
			p = read_string(&text, p);
			if (strchr(text.p, ' ') != NULL)
				T_OK(text.p, is_told(text.p));
			continue;
		}
		if (*p == '\'')	/* of one octet */
			p += p[1] == '\\' ? 3 : 2;
		depth += *p == '(';
		depth -= *p == ')';
		p++;
	} while (depth > 0);
	buf_free(&text);
}

static void
test_every_message(const char *path)
{
	static const char *const calls[] = { "diagnostic(",
	    "diagnostic_warn(", "complain(" };
	struct arena *a = arena_create("rules test");
	struct source *source;
	struct err err;
	const char *text;

	T_INT(path, source_read(a, path, &source, &err), 0);
	text = arena_copy(a, source->text);
	for (size_t i = 0; i < sizeof(calls) / sizeof(*calls); i++)
		for (const char *p = text; (p = strstr(p, calls[i])) != NULL;
		    p += strlen(calls[i]))
			if (p > text && strchr(" \t\n", p[-1]) != NULL)
				check_call(strchr(p, '('));
	arena_destroy(&a);
}

int
main(void)
{
	report_files_find("tests/rules");
	report_files_each("good", "*.rules", test_good);
	report_files_each("bad", "*.rules", test_bad);
	report_files_each("warn", "*.rules", test_warn);
	test_many("too many rules", "on mail {\n", "log \"%u\"\n", 10001, "}",
	    "this is one rule too many: the most is 10000");
	test_many("too many sets", "", "set s%u = { \"a\" }\n", 1001, "",
	    "this is one set too many: the most is 1000");
	test_no_store();
	test_milters();
	test_many_milters();
	T_OK("folder", chdir("../../policy") == 0);
	report_files_each(".", "rule_parse*.c", test_every_message);
	report_files_each(".", "rule_check*.c", test_every_message);
	buf_free(&told);
	return t_done();
}
