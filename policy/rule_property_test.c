#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "policy/rule_trace.h"
#include "policy/test_facts.h"
#include "tests/kit/rule_job.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/*
 * Rules as pure functions: files of rules and facts made at random say the same
 * when they are evaluated twice, when the facts come late, in another order, or
 * stop the run at any place.
 */

/* Of all trials: they would show nothing without these. */
static size_t counted, asked, consulted;

/* --- all phases, whatever they decide --- */

static MAY_YIELD const char *
all_phases(struct rule_trial *t)
{
	const char *all = "";

	for (size_t i = 0; i < PHASES; i++) {
		if (rule_trial_run(t, (enum phase)i) < 0)
			return arena_printf(t->arena, "%s%s\n", all,
			    t->err.text);
		if (!t->untraced && !rule_job_lists_fit(t))
			return "the rules that acted are not those of the trace";
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
	const struct rule_job *job = arg;
	struct rule_trial t = { .rules = job->rules, .facts = job->facts,
	    .any_count = true,
	    .source = { .get = get_late, .count = count_late,
	    .member = member_late, .consult = consult_late } };

	if (rule_trial_begin(&t))
		rule_job_compare(job, "late facts, the same trace", all_phases(&t),
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
check_order(const struct rule_job *job)
{
	for (unsigned i = 0; i < 3; i++) {
		struct arrivals a = { .trial = { .rules = job->rules,
		    .facts = job->facts, .any_count = true,
		    .source = { .get = get_arrived } } };

		if (rule_trial_begin(&a.trial)) {
			shuffle(&a, job->from + i);
			rule_job_compare(job, "any order, the same trace",
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
check_stops(const struct rule_job *job)
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
			rule_job_compare(job, "stopped once, the same trace",
			    run_arriving(&a), job->want);
			if (a.trial.counted > a.trial.parsed->nlimits)
				rule_job_fail(job, "counted once", "twice", "");
			if (a.trial.consulted > a.trial.parsed->nmilters)
				rule_job_fail(job, "consulted once", "twice", "");
		}
		consulted += a.trial.consulted;
		counted += a.trial.counted;
		rule_trial_end(&a.trial);
	} while (a.asked >= fail_at);
}

/* --- all of it --- */

static void
check_again(const struct rule_job *job, struct rule_trial *t)
{
	rule_job_compare(job, "twice the same", all_phases(t), job->want);
	evaluation_forget(t->evaluation, FACT_OF_SESSION);
	rule_job_compare(job, "and again from the beginning", all_phases(t), job->want);
	evaluation_forget(t->evaluation, FACT_OF_MAIL);
	t->untraced = true;
	rule_job_compare(job, "and without a trace", all_phases(t), job->untraced);
}

static const char *
verdicts(struct rule_job *job)
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
check_one(struct rule_job *job)
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
	} else
		rule_job_fail(job, "these are rules", t.report, "");
	rule_trial_end(&t);
	return good;
}

int
main(void)
{
	unsigned good = 0;

	loop_create();
	for (uint64_t i = 1; i <= RULE_JOBS; i++) {
		struct rule_job job;

		rule_job_make(&job, i);
		good += check_one(&job);
		arena_destroy(&job.arena);
	}
	T_INT("all of them are rules", good, RULE_JOBS);
	T_OK("many count", counted > RULE_JOBS);
	T_OK("many ask sets", asked > RULE_JOBS);
	T_OK("many consult filters", consulted > RULE_JOBS);
	loop_destroy();
	return t_done();
}
