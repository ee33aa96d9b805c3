#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "policy/rule_trace.h"
#include "policy/test_facts.h"
#include "tests/kit/rule_maker.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/*
 * Rules as pure functions: files of rules and facts made at random (by a seed
 * that the name of a failed case tells) say the same when they are evaluated
 * twice, when the facts come late, in another order, or stop the run at any
 * place. When all of them only observe they do nothing, and the trace is the
 * same, to the phase that ends the mail; those that do not observe say the same
 * without those that do.
 */
#define TRIALS		400

/* Of all trials: they would show nothing without these. */
static size_t decided, observed, counted, asked, consulted;

/* What is made of a seed, and what it says when all facts are there. */
struct job {
	uint64_t	 from;
	struct arena	*arena;
	const char	*rules, *observing, *facts;
	const char	*want;		/* trace and verdict, all phases */
	const char	*untraced;	/* verdict alone */
};

static void
fail(const struct job *job, const char *what, const char *got,
    const char *want)
{
	char name[80];

	snprintf(name, sizeof(name), "seed %llu: %s",
	    (unsigned long long)job->from, what);
	T_STR(name, got, want);
}

static void
compare(const struct job *job, const char *what, const char *got,
    const char *want)
{
	if (strcmp(got, want) != 0)
		fail(job, what, got, want);
}

/* --- all phases, whatever they decide --- */

/* What the verdict lists are the steps that would have acted. */
static bool
observed_fits(const struct rule_trial *t)
{
	const struct verdict *v = &t->verdict;
	size_t n = 0;

	for (size_t i = 0; i < t->trace.n; i++) {
		const struct rule_step *s = &t->trace.steps[i];

		if (!s->observed)
			continue;
		if (n == v->nobserved || v->observed[n].rule != s->rule ||
		    !span_eq(v->observed[n].text, s->text))
			return false;
		n++;
	}
	return n == v->nobserved;
}

static MAY_YIELD const char *
all_phases(struct rule_trial *t)
{
	const char *all = "";

	for (size_t i = 0; i < PHASES; i++) {
		if (rule_trial_run(t, (enum phase)i) < 0)
			return arena_printf(t->arena, "%s%s\n", all,
			    t->err.text);
		if (!t->untraced && !observed_fits(t))
			return "the observed rules are not those of the trace";
		all = arena_printf(t->arena, "%s%s%s", all, t->untraced ? "" :
		    rule_trial_trace(t), rule_trial_verdict(t));
	}
	return all;
}

/* --- facts that come late, or stop the run --- */

static MAY_YIELD int
get_late(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct rule_trial *t = owner;

	/* Some come at once, some after others have been waited for. */
	if ((ref->slot * 7 + t->reads) % 5 == 0 && fiber_wait(
	    clock_now() + (int64_t)(ref->slot % 5) * 20, err) < 0 &&
	    err->kind == ERR_CLOSED)
		return -1;
	rule_trial_find(t, ref, value);
	return 0;
}

static MAY_YIELD int
count_late(void *owner, const struct rule *rule, struct span key,
    int64_t window, int64_t *number, struct err *err)
{
	(void)window;
	if (rule->number % 2 && fiber_wait(clock_now() + 20, err) < 0 &&
	    err->kind == ERR_CLOSED)
		return -1;
	*number = rule_trial_count(owner, rule, key);
	return 0;
}

static MAY_YIELD int
member_late(void *owner, const struct set_decl *set,
    const struct value *value, struct set_answer *answer, struct err *err)
{
	struct rule_trial *t = owner;

	if (fiber_wait(clock_now() + 20, err) < 0 &&
	    err->kind == ERR_CLOSED)
		return -1;
	test_facts_ask(t->given, set, value, answer);
	return 0;
}

static MAY_YIELD int
consult_late(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	struct rule_trial *t = owner;

	if (fiber_wait(clock_now() + 20, err) < 0 &&
	    err->kind == ERR_CLOSED)
		return -1;
	test_facts_consult(t->given, action, answer);
	return 0;
}

static void
check_late(void *arg)
{
	const struct job *job = arg;
	struct rule_trial t = { .rules = job->rules, .facts = job->facts,
	    .any_count = true,
	    .source = { .get = get_late, .count = count_late,
	    .member = member_late, .consult = consult_late } };

	if (rule_trial_begin(&t))
		compare(job, "late facts, the same trace", all_phases(&t),
		    job->want);
	rule_trial_end(&t);
}

/* Facts arrive one by one, in any order; until then they are not known. */
struct arrivals {
	struct rule_trial	 trial;		/* first: it is the owner */
	bool			*here;		/* by slot */
	unsigned		*order;		/* slots */
	size_t			 n;
	unsigned		 asked, fail;	/* this one is not known yet */
};

static int
not_yet(struct err *err)
{
	return err_set(err, ERR_UNAVAIL, "not known yet");
}

static MAY_YIELD int
get_arrived(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct arrivals *a = owner;

	if (!a->here[ref->slot])
		return not_yet(err);
	rule_trial_find(&a->trial, ref, value);
	return 0;
}

static void
shuffle(struct arrivals *a, uint64_t seed)
{
	size_t n = a->trial.parsed->nslots;

	a->here = arena_new_n(a->trial.arena, n + 1, bool);
	a->order = arena_new_n(a->trial.arena, n + 1, unsigned);
	for (size_t i = 0; i < n; i++) {
		size_t j;

		seed = seed * UINT64_C(6364136223846793005) + 1442695;
		j = (size_t)(seed >> 33) % (i + 1);
		a->order[i] = a->order[j];
		a->order[j] = (unsigned)i;
	}
}

/* Each phase as often as it stops. */
static const char *
run_arriving(struct arrivals *a)
{
	struct rule_trial *t = &a->trial;
	const char *all = "";

	for (size_t i = 0; i < PHASES; i++) {
		while (rule_trial_run(t, (enum phase)i) < 0) {
			if (a->n == t->parsed->nslots)
				return "a fact that never comes";
			a->here[a->order[a->n++]] = true;
		}
		all = arena_printf(t->arena, "%s%s%s", all,
		    rule_trial_trace(t), rule_trial_verdict(t));
	}
	return all;
}

static void
check_order(const struct job *job)
{
	for (unsigned i = 0; i < 3; i++) {
		struct arrivals a = { .trial = { .rules = job->rules,
		    .facts = job->facts, .any_count = true,
		    .source = { .get = get_arrived } } };

		if (rule_trial_begin(&a.trial)) {
			shuffle(&a, job->from + i);
			compare(job, "any order, the same trace",
			    run_arriving(&a), job->want);
		}
		rule_trial_end(&a.trial);
	}
}

static MAY_YIELD int
get_but_one(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct arrivals *a = owner;

	if (++a->asked == a->fail)
		return not_yet(err);
	rule_trial_find(&a->trial, ref, value);
	return 0;
}

static MAY_YIELD int
count_but_one(void *owner, const struct rule *rule, struct span key,
    int64_t window, int64_t *number, struct err *err)
{
	struct arrivals *a = owner;

	(void)window;
	if (++a->asked == a->fail)
		return not_yet(err);
	*number = rule_trial_count(&a->trial, rule, key);
	return 0;
}

static MAY_YIELD int
member_but_one(void *owner, const struct set_decl *set,
    const struct value *value, struct set_answer *answer, struct err *err)
{
	struct arrivals *a = owner;

	if (++a->asked == a->fail)
		return not_yet(err);
	asked += 1;
	test_facts_ask(a->trial.given, set, value, answer);
	return 0;
}

static MAY_YIELD int
consult_but_one(void *owner, const struct action *action,
    struct consult_answer *answer, struct err *err)
{
	struct arrivals *a = owner;

	if (++a->asked == a->fail)
		return not_yet(err);
	a->trial.consulted++;
	test_facts_consult(a->trial.given, action, answer);
	return 0;
}

/* Once at each fact, count, set and filter that is asked for. */
static void
check_stops(const struct job *job)
{
	struct arrivals a;
	unsigned fail_at = 0;

	do {
		a = (struct arrivals){ .trial = { .rules = job->rules,
		    .facts = job->facts, .any_count = true,
		    .source = { .get = get_but_one, .count = count_but_one,
		    .member = member_but_one,
		    .consult = consult_but_one } },
		    .fail = ++fail_at };
		if (rule_trial_begin(&a.trial)) {
			shuffle(&a, job->from);
			compare(job, "stopped once, the same trace",
			    run_arriving(&a), job->want);
			if (a.trial.counted > a.trial.parsed->nlimits)
				fail(job, "counted once", "twice", "");
			if (a.trial.consulted > a.trial.parsed->nmilters)
				fail(job, "consulted once", "twice", "");
		}
		consulted += a.trial.consulted;
		counted += a.trial.counted;
		rule_trial_end(&a.trial);
	} while (a.asked >= fail_at);
}

/* --- rules that only observe --- */

static const char *
run_observing(const struct job *job, struct rule_trial *t)
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
			fail(job, "observers do nothing", "something",
			    "nothing");
		if (!observed_fits(t))
			fail(job, "all are listed", "another", "the trace's");
		all = arena_printf(t->arena, "%s%s%s", all,
		    rule_trial_trace(t), rule_trial_verdict(t));
	}
	return all;
}

/* In front of each block, and for the whole. */
static void
check_observing(const struct job *job)
{
	struct rule_trial blocks = { .rules = job->observing,
	    .facts = job->facts, .any_count = true };
	struct rule_trial whole = { .rules = job->rules, .facts = job->facts,
	    .any_count = true, .observe = true };

	compare(job, "observe everywhere, and as a mode",
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
compare_would(const struct job *job, struct rule_trial *a,
    struct rule_trial *b)
{
	struct verdict would = { .kind = ACTION_ACCEPT,
	    .rule = b->trace.would_end };

	if (b->verdict.would != NULL)
		would = *b->verdict.would;
	compare(job, "the decision that would be", decision_text(b, &would),
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
check_same_trace(const struct job *job)
{
	const struct rule_maker maker = { .seed = job->from, .act = true };
	const char *rules = rule_maker_rules(job->arena, &maker);
	struct rule_trial a = { .rules = rules, .facts = job->facts,
	    .any_count = true, .source = { .consult = consult_passing } };
	struct rule_trial b = { .rules = rules, .facts = job->facts,
	    .any_count = true, .observe = true };
	bool ended = false;

	if (!rule_trial_begin(&a) || !rule_trial_begin(&b))
		fail(job, "acting rules are rules", "errors", "");
	for (size_t i = 0; a.parsed != NULL && b.parsed != NULL && i < PHASES;
	    i++) {
		rule_trial_run(&b, (enum phase)i);
		if (ended) {
			compare(job, "no step behind the end",
			    steps_text(&b, false), "");
			continue;
		}
		rule_trial_run(&a, (enum phase)i);
		compare(job, "observers have the same trace",
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
check_unseen(const struct job *job)
{
	const struct rule_maker maker = { .seed = job->from, .remove = true };
	struct rule_trial with = { .rules = job->rules, .facts = job->facts,
	    .any_count = true };
	struct rule_trial without = { .facts = job->facts, .any_count = true,
	    .rules = rule_maker_rules(job->arena, &maker) };

	if (rule_trial_begin(&with) && rule_trial_begin(&without))
		for (size_t i = 0; i < PHASES; i++)
			compare(job, "observers change nothing",
			    seen(&with, (enum phase)i),
			    seen(&without, (enum phase)i));
	else
		fail(job, "rules without observers", "errors", "");
	rule_trial_end(&with);
	rule_trial_end(&without);
}

/* --- all of it --- */

static void
check_again(const struct job *job, struct rule_trial *t)
{
	compare(job, "twice the same", all_phases(t), job->want);
	evaluation_forget(t->evaluation, FACT_OF_SESSION);
	compare(job, "and again from the beginning", all_phases(t), job->want);
	evaluation_forget(t->evaluation, FACT_OF_MAIL);
	t->untraced = true;
	compare(job, "and without a trace", all_phases(t), job->untraced);
}

static const char *
verdicts(struct job *job)
{
	struct rule_trial t = { .rules = job->rules, .facts = job->facts,
	    .any_count = true, .untraced = true };
	const char *all;

	rule_trial_begin(&t);
	all = arena_strdup(job->arena, all_phases(&t));
	rule_trial_end(&t);
	return all;
}

static bool
check_one(struct job *job)
{
	struct rule_trial t = { .rules = job->rules, .facts = job->facts,
	    .any_count = true };
	bool good = rule_trial_begin(&t);

	if (good) {
		job->want = all_phases(&t);
		job->untraced = verdicts(job);
		check_again(job, &t);
		fiber_spawn("late", check_late, job);
		while (fiber_count() > 0)
			loop_turn(true);
		check_order(job);
		check_stops(job);
		check_observing(job);
		check_same_trace(job);
		check_unseen(job);
	} else
		fail(job, "these are rules", t.report, "");
	rule_trial_end(&t);
	return good;
}

int
main(void)
{
	unsigned good = 0;

	loop_create();
	for (uint64_t i = 1; i <= TRIALS; i++) {
		struct rule_maker maker = { .seed = i * 7919 };
		struct job job = { .from = maker.seed,
		    .arena = arena_create("job") };

		job.rules = rule_maker_rules(job.arena, &maker);
		maker.observe = true;
		job.observing = rule_maker_rules(job.arena, &maker);
		job.facts = arena_printf(job.arena, "%s%s\n",
		    rule_maker_facts(job.arena, maker.seed),
		    rule_maker_rcpt(i));
		good += check_one(&job);
		arena_destroy(&job.arena);
	}
	T_INT("all of them are rules", good, TRIALS);
	T_OK("many decide", decided > TRIALS / 2);
	T_OK("many observe", observed > TRIALS / 2);
	T_OK("many count", counted > TRIALS);
	T_OK("many ask sets", asked > TRIALS);
	T_OK("many consult filters", consulted > TRIALS);
	loop_destroy();
	return t_done();
}
