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

bool
rule_job_observed_fits(const struct rule_trial *t)
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
