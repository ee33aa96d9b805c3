#include <string.h>

#include "base/loop.h"
#include "policy/rule_trace.h"
#include "policy/test_facts.h"
#include "tests/kit/rule_job.h"
#include "tests/kit/rule_maker.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/*
 * Files of rules and facts made at random. When all of them only observe they
 * do nothing, and the trace is the same, to the phase that ends the mail; those
 * that do not observe say the same without those that do.
 */

/* Of all trials: they would show nothing without these. */
static size_t decided, observed;

/* --- rules that only observe --- */

static const char *
run_observing(const struct rule_job *job, struct rule_trial *t)
{
	const char *all = "";

	if (!rule_trial_begin(t))
		return t->report;
	for (size_t i = 0; i < PHASES; i++) {
		rule_trial_run(t, (enum phase)i);
		if (t->verdict.kind != ACTION_ACCEPT ||
		    t->verdict.rule != NULL || t->verdict.nedits > 0 ||
		    t->verdict.delay > 0 || t->verdict.route.len > 0 ||
		    t->verdict.nlogs > 0 || t->verdict.milters != 0 ||
		    t->consulted > 0 ||
		    evaluation_score(t->evaluation) != 0 ||
		    evaluation_tagged(t->evaluation, span_z("a")))
			rule_job_fail(job, "observers do nothing", "something",
			    "nothing");
		if (!rule_job_lists_fit(t))
			rule_job_fail(job, "all are listed", "another", "the trace's");
		all = arena_printf(t->arena, "%s%s%s", all,
		    rule_trial_trace(t), rule_trial_verdict(t));
	}
	return all;
}

/* In front of each block, and for the whole. */
static void
check_observing(const struct rule_job *job)
{
	struct rule_trial blocks = { .rules = job->observing,
	    .facts = job->facts, .any_count = true };
	struct rule_trial whole = { .rules = job->rules, .facts = job->facts,
	    .any_count = true, .observe = true };

	rule_job_compare(job, "observe everywhere, and as a mode",
	    run_observing(job, &whole), run_observing(job, &blocks));
	rule_trial_end(&blocks);
	rule_trial_end(&whole);
}

/* A step in words: its label, but not where it stands, nor whether it acted or
 * asked a filter. */
static const char *
step_text(struct rule_trial *t, const struct rule_step *step)
{
	struct rule_step same = *step;
	struct buf out = {0};
	const char *text, *would;

	same.is_consulted = false;
	rule_step_put(&out, &same);
	text = arena_copy(t->arena, buf_text(&out));
	buf_free(&out);
	text += strcspn(text + 2, " :") + 2;	/* behind "r:12" */
	would = strstr(text, "-> would ");
	if (would == NULL)
		return text;
	return arena_printf(t->arena, "%.*s-> %s", (int)(would - text), text,
	    would + strlen("-> would "));
}

static const char *
steps_text(struct rule_trial *t, bool acting_alone)
{
	const char *all = "";

	for (size_t i = 0; i < t->trace.n; i++)
		if (!acting_alone || !t->trace.steps[i].rule->observe)
			all = arena_printf(t->arena, "%s%s", all,
			    step_text(t, &t->trace.steps[i]));
	return all;
}

static const char *
decision_text(struct rule_trial *t, const struct verdict *v)
{
	struct buf out = {0};
	const char *text;

	rule_verdict_put(&out, v);
	text = arena_copy(t->arena, buf_text(&out));
	buf_free(&out);
	return text;
}

/* What observers would have decided is what rules that act did. */
static void
compare_would(const struct rule_job *job, struct rule_trial *a,
    struct rule_trial *b)
{
	struct verdict would = { .kind = ACTION_ACCEPT,
	    .rule = b->trace.would_end };

	if (b->verdict.would != NULL)
		would = *b->verdict.would;
	rule_job_compare(job, "the decision that would be", decision_text(b, &would),
	    decision_text(a, &a->verdict));
}

static bool
goes_on(const struct verdict *v)
{
	return v->kind == ACTION_ACCEPT || v->kind == ACTION_TRUST;
}

/* For observers a filter lets every mail pass. */
static MAY_YIELD int
consult_passing(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	(void)owner;
	(void)action;
	(void)err;
	answer->outcome = CONSULT_PASSES;
	return 0;
}

/* All act, as the gateway runs them: to the phase that refuses or discards. Of
 * observers no one is asked behind it. */
static void
check_same_trace(const struct rule_job *job)
{
	const struct rule_maker maker = { .seed = job->from, .act = true };
	const char *rules = rule_maker_rules(job->arena, &maker);
	struct rule_trial a = { .rules = rules, .facts = job->facts,
	    .any_count = true, .source = { .consult = consult_passing } };
	struct rule_trial b = { .rules = rules, .facts = job->facts,
	    .any_count = true, .observe = true };
	bool ended = false;

	if (!rule_trial_begin(&a) || !rule_trial_begin(&b))
		rule_job_fail(job, "acting rules are rules", "errors", "");
	for (size_t i = 0; a.parsed != NULL && b.parsed != NULL && i < PHASES;
	    i++) {
		rule_trial_run(&b, (enum phase)i);
		if (ended) {
			rule_job_compare(job, "no step behind the end",
			    steps_text(&b, false), "");
			continue;
		}
		rule_trial_run(&a, (enum phase)i);
		rule_job_compare(job, "observers have the same trace",
		    steps_text(&b, false), steps_text(&a, false));
		compare_would(job, &a, &b);
		ended = !goes_on(&a.verdict);
		decided += a.verdict.rule != NULL;
	}
	rule_trial_end(&a);
	rule_trial_end(&b);
}

/* --- rules that act, beside some that observe --- */

/* All that a client, the backend or a rule that acts can see. */
static MAY_YIELD const char *
seen(struct rule_trial *t, enum phase phase)
{
	struct buf out = {0};
	struct span class;
	const char *text;

	rule_trial_run(t, phase);
	observed += t->verdict.nobserved;
	t->verdict.nobserved = 0;
	t->verdict.would = NULL;
	t->verdict.gave_up = NULL;
	evaluation_put_scores(t->evaluation, &out);
	if (phase == PHASE_RCPT) {
		evaluation_rcpt_class(t->evaluation, t->arena, &class,
		    &t->err);
		buf_printf(&out, " class %.*s", SPAN_ARG(class));
		evaluation_rcpt_keep(t->evaluation);
		evaluation_rcpt_restore(t->evaluation);
	}
	buf_printf(&out, " score %lld tags",
	    (long long)evaluation_score(t->evaluation));
	for (const char *p = "abc"; *p != '\0'; p++)
		if (evaluation_tagged(t->evaluation, span_n(p, 1)))
			buf_printf(&out, " %c", *p);
	text = arena_printf(t->arena, "%s%s%.*s\n", steps_text(t, true),
	    rule_trial_verdict(t), SPAN_ARG(buf_text(&out)));
	buf_free(&out);
	return text;
}

static void
check_unseen(const struct rule_job *job)
{
	const struct rule_maker maker = { .seed = job->from, .remove = true };
	struct rule_trial with = { .rules = job->rules, .facts = job->facts,
	    .any_count = true };
	struct rule_trial without = { .facts = job->facts, .any_count = true,
	    .rules = rule_maker_rules(job->arena, &maker) };

	if (rule_trial_begin(&with) && rule_trial_begin(&without))
		for (size_t i = 0; i < PHASES; i++)
			rule_job_compare(job, "observers change nothing",
			    seen(&with, (enum phase)i),
			    seen(&without, (enum phase)i));
	else
		rule_job_fail(job, "rules without observers", "errors", "");
	rule_trial_end(&with);
	rule_trial_end(&without);
}

int
main(void)
{
	loop_create();
	for (uint64_t i = 1; i <= RULE_JOBS; i++) {
		struct rule_job job;

		rule_job_make(&job, i);
		check_observing(&job);
		check_same_trace(&job);
		check_unseen(&job);
		arena_destroy(&job.arena);
	}
	T_OK("many decide", decided > RULE_JOBS / 2);
	T_OK("many observe", observed > RULE_JOBS / 2);
	loop_destroy();
	return t_done();
}
