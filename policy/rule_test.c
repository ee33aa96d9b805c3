#include <assert.h>

#include "policy/action.h"
#include "policy/rule_eval.h"
#include "policy/rule_test_internal.h"
#include "policy/rule_trace.h"

/* What came of the phases, up to the last that was run. */
struct test_run {
	struct evaluation	*e;
	struct arena		*arena;
	struct verdict		 verdicts[PHASES];
	struct rule_trace	 traces[PHASES];
	size_t			 n;		/* phases that were run */
	bool			 ended;		/* the mail is */
	bool			 passed;
};

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

/* --- what was expected --- */

static bool
fits_action(const struct expectation *x, const struct rule *rule,
    enum action_kind kind, int code, const char *enhanced)
{
	if (kind != x->action)
		return false;
	if (x->code != 0 && x->code != code)
		return false;
	if (x->enhanced.len > 0 && (enhanced == NULL ||
	    !span_is(x->enhanced, enhanced)))
		return false;
	return x->by.len == 0 ||
	    (rule != NULL && span_is(x->by, rule->name));
}

static bool
fits_verdict(const struct expectation *x, const struct verdict *v)
{
	return fits_action(x, v->rule, v->kind, v->code, v->enhanced);
}

/* A rule of one of the phases so far would have done it. */
static bool
fits_observed(const struct expectation *x, const struct test_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		for (size_t j = 0; j < run->traces[i].n; j++) {
			const struct rule_step *s = &run->traces[i].steps[j];
			const struct action *a = &s->rule->action;

			if (s->observed && fits_action(x, s->rule, a->kind,
			    a->code, a->enhanced))
				return true;
		}
	return false;
}

static bool
fits_score(const struct expectation *x, int64_t score)
{
	switch (x->op) {
	case COND_LESS:
		return score < x->score;
	case COND_LESS_EQUAL:
		return score <= x->score;
	case COND_GREATER:
		return score > x->score;
	case COND_GREATER_EQUAL:
		return score >= x->score;
	default:
		assert(x->op == COND_EQUAL);
		return score == x->score;
	}
}

static bool
fits(const struct expectation *x, const struct test_run *run)
{
	const struct verdict *v = &run->verdicts[run->n - 1];

	switch (x->kind) {
	case EXPECT_ACTION:
		return fits_verdict(x, v);
	case EXPECT_WOULD:
		return fits_observed(x, run);
	case EXPECT_NO_VERDICT:
		return v->rule == NULL;
	case EXPECT_SCORE:
		return fits_score(x, evaluation_score(run->e));
	default:
		return evaluation_tagged(run->e, x->tag) ==
		    (x->kind == EXPECT_TAGGED);
	}
}

/* --- what came --- */

static void
put_would(struct buf *out, const struct test_run *run)
{
	size_t n = 0;

	for (size_t i = 0; i < run->n; i++)
		for (size_t j = 0; j < run->traces[i].n; j++) {
			const struct rule_step *s = &run->traces[i].steps[j];

			if (!s->observed)
				continue;
			buf_printf(out, "%s%s by %s", n++ == 0 ? "would " :
			    ", ", action_name(s->rule->action.kind),
			    s->rule->name);
		}
	if (n == 0)
		buf_puts(out, "no rule that observes and fits");
}

static void
put_got(struct buf *out, const struct expectation *x,
    const struct test_run *run)
{
	struct value score = { .type = TYPE_NUMBER };

	switch (x->kind) {
	case EXPECT_WOULD:
		put_would(out, run);
		break;
	case EXPECT_SCORE:
		score.number = evaluation_score(run->e);
		buf_puts(out, "score ");
		value_put(out, &score, NULL);
		break;
	case EXPECT_TAGGED:
		buf_puts(out, "no such tag");
		break;
	case EXPECT_NOT_TAGGED:
		buf_puts(out, "that tag");
		break;
	default:
		rule_verdict_put(out, &run->verdicts[run->n - 1]);
	}
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
	    x->at.source->name, x->at.line, SPAN_ARG(x->text));
	put_got(out, x, run);
	buf_puts(out, "\n");
}

/* --- running --- */

static bool
ends_mail(enum action_kind kind)
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
		rc = evaluation_run(run->e, phase, run->arena,
		    &run->verdicts[run->n], &run->traces[run->n], &err);
		assert(rc == 0);	/* no fact of a test waits */
		run->ended = ends_mail(run->verdicts[run->n++].kind);
	}
	for (size_t i = 0; i < test->nexpected; i++)
		if (test->expected[i].phase == phase &&
		    !fits(&test->expected[i], run))
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
