#include <assert.h>

#include "policy/rule_test_internal.h"
#include "policy/rule_trace.h"

const char *
rule_test_name(const struct rule_test *test)
{
	return test->name;
}

struct place
rule_test_place(const struct rule_test *test)
{
	return test->at;
}

static void
complain(const struct rule_test *test, const struct expectation *x,
    struct test_run *run, struct buf *out)
{
	if (run->passed)
		buf_printf(out, "%s:%u: FAILED: %s\n", test->at.source->name,
		    test->at.line, test->name);
	run->passed = false;
	buf_printf(out, "  %s:%u: expected %.*s\n      got ",
	    x->at.source->name, x->at.line, SPAN_ARG(x->source));
	test_put_got(out, x, run);
	buf_puts(out, "\n");
}

/* --- running --- */

bool
test_ends_mail(enum action_kind kind)
{
	return kind != ACTION_ACCEPT && kind != ACTION_TRUST;
}

static void
run_phase(const struct rule_test *test, enum phase phase,
    struct test_run *run, struct buf *out)
{
	struct err err;
	int rc;

	if (!run->ended) {
		test_facts_reach(test->facts, phase);
		rc = evaluation_run(run->e, phase, run->arena,
		    &run->verdicts[run->n], &run->traces[run->n], &err);
		assert(rc == 0);	/* no fact of a test waits */
		run->ended = test_ends_mail(run->verdicts[run->n++].kind);
	}
	for (size_t i = 0; i < test->nexpected; i++)
		if (test->expected[i].phase == phase &&
		    !test_fits(&test->expected[i], run))
			complain(test, &test->expected[i], run, out);
}

static void
put_traces(const struct test_run *run, struct buf *out)
{
	for (size_t i = 0; i < run->n; i++)
		rule_trace_put(out, &run->traces[i], &run->verdicts[i]);
}

bool
rule_test_run(const struct rule_test *test, const struct rules *rules,
    struct buf *out)
{
	struct arena *a = arena_create("test");
	struct fact_source source = test_facts_source(test->facts);
	struct test_run *run = arena_new(a, struct test_run);
	bool passed;

	run->test = test;
	run->rules = rules;
	run->arena = a;
	run->passed = true;
	run->e = evaluation_begin(a, rules, &source);
	for (size_t i = 0; i < PHASES; i++)
		run_phase(test, (enum phase)i, run, out);
	if (!run->passed)
		put_traces(run, out);
	passed = run->passed;
	arena_destroy(&a);
	return passed;
}
