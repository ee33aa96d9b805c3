#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"
#include "base/diagnostic.h"
#include "base/utf8.h"
#include "conf/conf.h"
#include "policy/rule_read.h"
#include "policy/rule_test.h"
#include "gateway/exit_code.h"
#include "gateway/ruleset.h"
#include "gateway/test_command.h"

struct tally {
	size_t	 tests, failed;
	bool	 bad_file;
	bool	 json;
};

/* --- as JSON --- */

static json_t *
json_line(struct span line)
{
	struct buf text = {0};
	json_t *value;

	utf8_put_printable(&text, line, line.len, true);
	value = json_stringn(text.len > 0 ? text.p : "", text.len);
	buf_free(&text);
	return value;
}

/* The lines that say why it failed, but the first: that is the test's name. */
static json_t *
json_why(struct span out)
{
	json_t *why = json_array();

	span_until(&out, '\n');
	while (out.len > 0)
		json_array_append_new(why, json_line(span_until(&out, '\n')));
	return why;
}

static void
print_json(const struct rule_test *test, bool passed, struct span out)
{
	struct place at = rule_test_place(test);
	json_t *object = json_object();

	json_object_set_new(object, "file",
	    json_line(span_z(at.source->name)));
	json_object_set_new(object, "line", json_integer(at.line));
	json_object_set_new(object, "name",
	    json_line(span_z(rule_test_name(test))));
	json_object_set_new(object, "passed", json_boolean(passed));
	json_object_set_new(object, "why", json_why(out));
	json_dumpf(object, stdout, JSON_PRESERVE_ORDER);
	printf("\n");
	json_decref(object);
}

/* --- files --- */

/* NULL as the path: those of the configuration. Without one, any name of a
 * backend will do. */
static const struct rules *
read_rules(struct arena *a, const char *path, const struct settings *s,
    struct tally *tally)
{
	struct diagnostics *d = diagnostics_create(a);
	struct rule_context context = { .files = true, .has_store = true,
	    .has_redis = true };
	const struct rules *rules = NULL;
	const struct ruleset *set;

	if (s != NULL)
		context = ruleset_context(a, s);
	if (path != NULL)
		rules = rules_read(a, path, &context, d);
	else if ((set = ruleset_read(a, s, d)) != NULL)
		rules = set->rules;
	fputs(diagnostics_text(d, a), stderr);
	tally->bad_file |= rules == NULL;
	return rules;
}

static void
run_file(struct arena *a, const char *path, const struct rules *rules,
    struct tally *tally)
{
	struct diagnostics *d = diagnostics_create(a);
	struct rule_tests *tests = rule_tests_read(a, path, rules, d);
	struct buf out = {0};

	fputs(diagnostics_text(d, a), stderr);
	if (tests == NULL) {
		tally->bad_file = true;
		return;
	}
	for (size_t i = 0; i < tests->n; i++) {
		bool passed = rule_test_run(tests->list[i], rules, &out);

		tally->tests++;
		tally->failed += !passed;
		if (tally->json)
			print_json(tests->list[i], passed, buf_text(&out));
		else
			printf("%.*s", SPAN_ARG(buf_text(&out)));
		buf_clear(&out);
	}
	buf_free(&out);
}

/* x.rules for x.test; NULL: it is called otherwise. */
static const char *
rules_beside(struct arena *a, const char *path)
{
	const char *dot = strrchr(path, '.');

	if (dot == NULL || strcmp(dot, ".test") != 0)
		return NULL;
	return arena_printf(a, "%.*s.rules", (int)(dot - path), path);
}

static int
run_beside(const char *path, struct tally *tally)
{
	struct arena *a = arena_create("tests");
	const char *beside = rules_beside(a, path);
	const struct rules *rules;

	if (beside == NULL) {
		fprintf(stderr, "forepost: %s does not end in .test: which "
		    "rules are meant? (--rules FILE)\n", path);
		arena_destroy(&a);
		return EXIT_USAGE;
	}
	rules = read_rules(a, beside, NULL, tally);
	if (rules != NULL)
		run_file(a, path, rules, tally);
	arena_destroy(&a);
	return EXIT_GOOD;
}

static void
run_all(struct arena *a, const struct test_request *request,
    const struct settings *s, struct tally *tally)
{
	const struct rules *rules = read_rules(a, request->rules, s, tally);

	for (size_t i = 0; rules != NULL && i < request->nfiles; i++)
		run_file(a, request->files[i], rules, tally);
}

/* All files are tests of the same rules. */
static void
run_named(const struct test_request *request, struct tally *tally)
{
	struct arena *a = arena_create("tests");
	struct settings *s = NULL, acting;
	const char *report;

	if (request->config == NULL)
		run_all(a, request, NULL, tally);
	else if ((s = conf_load(a, request->config, false, &report)) != NULL) {
		acting = *s;
		acting.observe = false;
		run_all(a, request, &acting, tally);
		conf_free(&s);
	} else {
		fputs(report, stderr);
		tally->bad_file = true;
	}
	arena_destroy(&a);
}

int
test_command_run(const struct test_request *request)
{
	struct tally tally = { .json = request->json };
	int code;

	if (request->rules != NULL || request->config != NULL)
		run_named(request, &tally);
	else
		for (size_t i = 0; i < request->nfiles; i++) {
			code = run_beside(request->files[i], &tally);
			if (code != EXIT_GOOD)
				return code;
		}
	if (!tally.json)
		printf("%zu tests, %zu failed%s\n", tally.tests,
		    tally.failed, tally.bad_file ? 
		    ", and not all files could be read" : "");
	return tally.failed > 0 || tally.bad_file ? EXIT_CONFIG : EXIT_GOOD;
}
