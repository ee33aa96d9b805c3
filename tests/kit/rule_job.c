#include <stdio.h>
#include <string.h>

#include "tests/kit/rule_job.h"
#include "tests/kit/rule_maker.h"
#include "tests/kit/t.h"

void
rule_job_make(struct rule_job *job, uint64_t i)
{
	struct rule_maker maker = { .seed = i * 7919 };

	*job = (struct rule_job){ .from = maker.seed,
	    .arena = arena_create("job") };
	job->rules = rule_maker_rules(job->arena, &maker);
	maker.observe = true;
	job->observing = rule_maker_rules(job->arena, &maker);
	job->facts = arena_printf(job->arena, "%s%s\n",
	    rule_maker_facts(job->arena, maker.seed), rule_maker_rcpt(i));
}

void
rule_job_fail(const struct rule_job *job, const char *what, const char *got,
    const char *want)
{
	char name[80];

	snprintf(name, sizeof(name), "seed %llu: %s",
	    (unsigned long long)job->from, what);
	T_STR(name, got, want);
}

void
rule_job_compare(const struct rule_job *job, const char *what,
    const char *got, const char *want)
{
	if (strcmp(got, want) != 0)
		rule_job_fail(job, what, got, want);
}

static bool
told_is(const struct told *list, size_t n, size_t at,
    const struct rule_step *s)
{
	return at < n && list[at].rule == s->rule &&
	    span_eq(list[at].text, s->text) && list[at].score == s->score;
}

bool
rule_job_lists_fit(const struct rule_trial *t)
{
	const struct verdict *v = &t->verdict;
	size_t observed = 0, hits = 0, untold = 0;

	for (size_t i = 0; i < t->trace.n; i++) {
		const struct rule_step *s = &t->trace.steps[i];

		if (s->is_untold && (untold == v->nuntold ||
		    v->untold[untold++] != s->rule))
			return false;
		if (!s->applied || s->is_let_pass || s->rule->group != NULL)
			continue;
		if (s->observed ? !told_is(v->observed, v->nobserved,
		    observed++, s) : !told_is(v->hits, v->nhits, hits++, s))
			return false;
	}
	return observed == v->nobserved && hits == v->nhits &&
	    untold == v->nuntold;
}
