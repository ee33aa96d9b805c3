#include <assert.h>
#include <string.h>

#include "policy/action.h"
#include "policy/rule_test_internal.h"
#include "policy/rule_trace.h"

/* --- actions --- */

static bool
contains(struct span text, struct span part)
{
	return part.len == 0 || (text.len > 0 &&
	    memmem(text.p, text.len, part.p, part.len) != NULL);
}

static bool
fits_enhanced(const struct expectation *x, const char *enhanced)
{
	return x->enhanced.len == 0 ||
	    (enhanced != NULL && span_is(x->enhanced, enhanced));
}

static bool
fits_rule(const struct expectation *x, const struct rule *rule)
{
	return x->by.len == 0 || (rule != NULL && span_is(x->by, rule->name));
}

static bool
fits_verdict(const struct expectation *x, const struct verdict *v)
{
	return v->kind == x->action && (x->code == 0 || x->code == v->code) &&
	    fits_enhanced(x, v->enhanced) && fits_rule(x, v->rule) &&
	    (!x->has_text || contains(v->text, x->text));
}

static bool
fits_amount(const struct expectation *x, const struct told *told)
{
	return x->number == (x->action == ACTION_SCORE ? told->score :
	    action_in_effect(told->rule)->number);
}

static bool
fits_told(const struct expectation *x, const struct told *told)
{
	const struct action *a = action_in_effect(told->rule);

	if (a->kind != x->action || (x->code != 0 && x->code != a->code) ||
	    (x->has_number && !fits_amount(x, told)) ||
	    (x->name.len > 0 && !span_eq_nocase(x->name, a->name)))
		return false;
	return fits_enhanced(x, a->enhanced) && fits_rule(x, told->rule) &&
	    (!x->has_text || contains(told->text, x->text));
}

const struct told *
test_next_observed(const struct test_run *run, size_t *phase, size_t *i)
{
	for (; *phase < run->n; (*phase)++, *i = 0)
		if (*i < run->verdicts[*phase].nobserved)
			return &run->verdicts[*phase].observed[(*i)++];
	return NULL;
}

static bool
fits_observed(const struct expectation *x, const struct test_run *run)
{
	const struct told *told;
	size_t phase = 0, i = 0;

	while ((told = test_next_observed(run, &phase, &i)) != NULL)
		if (x->kind == EXPECT_WOULD_NOTHING || fits_told(x, told))
			return true;
	return false;
}

/* --- numbers --- */

static bool
fits_number(const struct expectation *x, int64_t number)
{
	switch (x->op) {
	case COND_LESS:
		return number < x->number;
	case COND_LESS_EQUAL:
		return number <= x->number;
	case COND_GREATER:
		return number > x->number;
	case COND_GREATER_EQUAL:
		return number >= x->number;
	default:
		assert(x->op == COND_EQUAL);
		return number == x->number;
	}
}

int64_t
test_delay(const struct test_run *run)
{
	int64_t sum = 0;

	for (size_t i = 0; i < run->n; i++)
		if (__builtin_add_overflow(sum, run->verdicts[i].delay, &sum))
			return INT64_MAX;
	return sum;
}

/* --- the header --- */

static bool
fits_text(const struct expectation *x, struct span text)
{
	return !x->has_text || span_eq(x->text, text);
}

/* Whether a field of this name and value is there when all edits are made. */
static bool
fits_header(const struct expectation *x, const struct verdict *v)
{
	bool is_there = false;

	for (size_t i = 0; i < v->nedits; i++) {
		const struct header_edit *edit = &v->edits[i];

		if (!span_eq_nocase(edit->name, x->name))
			continue;
		if (edit->kind == ACTION_ADD_HEADER)
			is_there |= fits_text(x, edit->value);
		else
			is_there = edit->kind == ACTION_REPLACE_HEADER &&
			    fits_text(x, edit->value);
	}
	return is_there;
}

static bool
fits_edit(const struct expectation *x, const struct verdict *v,
    enum action_kind kind)
{
	for (size_t i = 0; i < v->nedits; i++)
		if (v->edits[i].kind == kind && (x->name.len == 0 ||
		    span_eq_nocase(v->edits[i].name, x->name)) &&
		    fits_text(x, v->edits[i].value))
			return true;
	return false;
}

/* --- routes, logs --- */

/* The last one counts. */
struct span
test_route(const struct test_run *run)
{
	struct span route = span_z("");

	for (size_t i = 0; i < run->n; i++)
		if (run->verdicts[i].route.len > 0)
			route = run->verdicts[i].route;
	return route;
}

static bool
fits_route(const struct expectation *x, const struct test_run *run)
{
	struct span route = test_route(run);

	return x->name.len > 0 ? span_eq(x->name, route) : route.len > 0;
}

/* --- filters --- */

uint32_t
test_milters(const struct test_run *run)
{
	uint32_t milters = 0;

	for (size_t i = 0; i < run->n; i++)
		milters |= run->verdicts[i].milters;
	return milters;
}

static bool
fits_milter(const struct expectation *x, const struct test_run *run)
{
	const struct verdict *v = &run->verdicts[run->n - 1];
	uint32_t milters = test_milters(run);

	if (x->phase == PHASE_MESSAGE)
		return v->kind == ACTION_MILTER && fits_rule(x, v->rule) &&
		    (x->name.len == 0 || span_eq(x->name,
		    action_in_effect(v->rule)->name));
	if (x->name.len == 0)
		return milters != 0;
	for (size_t i = 0; i < run->rules->nmilters; i++)
		if (span_is(x->name, run->rules->milters[i].name))
			return (milters >> i & 1) != 0;
	return false;
}

static bool
fits_log(const struct expectation *x, const struct test_run *run)
{
	for (size_t i = 0; i < run->n; i++)
		for (size_t j = 0; j < run->verdicts[i].nlogs; j++)
			if (!x->has_text || contains(
			    run->verdicts[i].logs[j].text, x->text))
				return true;
	return false;
}

/* --- a second recipient --- */

static bool
find_class(const struct test_run *run, struct test_facts *facts,
    struct span *class, struct verdict *verdict)
{
	struct fact_source source = test_facts_source(facts);
	struct evaluation *e = evaluation_begin(run->arena, run->rules,
	    &source);
	struct err err;
	int rc;

	for (size_t i = 0; i <= PHASE_RCPT; i++) {
		test_facts_reach(facts, (enum phase)i);
		rc = evaluation_run(e, (enum phase)i, run->arena, verdict,
		    NULL, &err);
		assert(rc == 0);	/* no fact of a test waits */
		if (test_ends_mail(verdict->kind))
			return false;
	}
	rc = evaluation_rcpt_class(e, run->arena, class, &err);
	assert(rc == 0);
	return true;
}

enum test_mail
test_mail_of(const struct expectation *x, const struct test_run *run,
    struct verdict *verdict)
{
	struct test_facts *second = test_facts_next_rcpt(run->arena,
	    run->test->facts, x->rcpt);
	struct span a, b;

	if (!find_class(run, run->test->facts, &a, verdict) ||
	    !find_class(run, second, &b, verdict))
		return TEST_MAIL_NEITHER;
	return span_eq(a, b) ? TEST_MAIL_SAME : TEST_MAIL_OWN;
}

static bool
fits_mail(const struct expectation *x, const struct test_run *run)
{
	struct verdict verdict;

	return test_mail_of(x, run, &verdict) ==
	    (x->kind == EXPECT_OWN_MAIL ? TEST_MAIL_OWN : TEST_MAIL_SAME);
}

/* --- all of them --- */

static bool
fits_plain(const struct expectation *x, const struct test_run *run)
{
	const struct verdict *v = &run->verdicts[run->n - 1];

	switch (x->kind) {
	case EXPECT_ACTION:
		return fits_verdict(x, v);
	case EXPECT_VERDICT:
		return v->rule != NULL;
	case EXPECT_WOULD:
		return fits_observed(x, run);
	case EXPECT_WOULD_NOTHING:
		return !fits_observed(x, run);
	case EXPECT_SCORE:
		return fits_number(x, evaluation_score(run->e));
	case EXPECT_DELAY:
		return fits_number(x, test_delay(run));
	case EXPECT_TAGGED:
		return evaluation_tagged(run->e, x->name);
	case EXPECT_HEADER:
		return fits_header(x, v);
	case EXPECT_REMOVED:
		return fits_edit(x, v, ACTION_REMOVE_HEADER);
	case EXPECT_PREFIX:
		return fits_edit(x, v, ACTION_PREFIX_SUBJECT);
	case EXPECT_ROUTE:
		return fits_route(x, run);
	case EXPECT_MILTER:
		return fits_milter(x, run);
	case EXPECT_LOG:
		return fits_log(x, run);
	default:
		return fits_mail(x, run);
	}
}

bool
test_fits(const struct expectation *x, const struct test_run *run)
{
	return fits_plain(x, run) != x->is_not;
}
