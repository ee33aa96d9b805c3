#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "policy/rule_eval.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* What a verdict keeps of that by which its phase went: facts that grow, sets
 * in Redis, limits, filters; what acted, and what could not be told. */

static char text[2048];

static void
put_told(struct buf *out, const char *what, const struct told *list, size_t n)
{
	for (size_t i = 0; i < n; i++)
		buf_printf(out, "%s %s \"%.*s\"; ", what, list[i].rule->name,
		    SPAN_ARG(list[i].text));
}

static const char *
readings(const struct verdict *v)
{
	static const char *const told[] = { "no", "yes", "unknown" };
	struct buf b = {0};

	for (size_t i = 0; i < v->nread; i++) {
		buf_printf(&b, "%s%.*s = ", v->read[i].ref->fact->name,
		    SPAN_ARG(v->read[i].ref->argument));
		value_put(&b, &v->read[i].value, v->read[i].ref->fact->words);
		buf_puts(&b, "; ");
	}
	for (size_t i = 0; i < v->nasked; i++)
		buf_printf(&b, "%s in %s: %s %.*s; ",
		    v->asked[i].cond->ref.fact->name,
		    v->asked[i].cond->set->name, told[v->asked[i].told],
		    SPAN_ARG(v->asked[i].member));
	for (size_t i = 0; i < v->ncounted; i++)
		buf_printf(&b, "%s counted %lld; ",
		    v->counted[i].rule->name,
		    (long long)v->counted[i].number);
	for (size_t i = 0; i < v->nconsulted; i++)
		buf_printf(&b, "filter %zu said %u; ",
		    v->consulted[i].milter, v->consulted[i].answer.word);
	put_told(&b, "hit", v->hits, v->nhits);
	put_told(&b, "would", v->observed, v->nobserved);
	for (size_t i = 0; i < v->nuntold; i++)
		buf_printf(&b, "untold %s; ", v->untold[i]->name);
	snprintf(text, sizeof(text), "%.*s", SPAN_ARG(buf_text(&b)));
	buf_free(&b);
	return text;
}

static const struct {
	const char	*name, *rules, *facts;
	enum phase	 phase;
	const char	*want;
} cases[] = {
	{ "a fact that grows, once", "on mail {\nlog \"{dnsbl.score}\" when "
	    "dnsbl.score > 0\nlog \"{dnsbl.names}\"\n}\n",
	    "dnsbl.score = 3\ndnsbl.names = { \"zen\" }", PHASE_MAIL,
	    "dnsbl.score = 3; dnsbl.names = { \"zen\" }; hit r:2 \"3\"; "
	    "hit r:3 \"zen\"; " },
	{ "one that stays is no reading of a phase", "on mail {\nlog \"x\" "
	    "when spf is fail\n}\n", "spf = fail", PHASE_MAIL,
	    "hit r:2 \"x\"; " },
	{ "what is not read is not there", "on mail {\nlog \"x\" when spf is "
	    "fail and client.errors > 0\n}\n", "spf = pass", PHASE_MAIL, "" },
	{ "observers read too", "on mail {\nobserve log \"x\" when "
	    "client.errors is 0\n}\n", NULL, PHASE_MAIL,
	    "client.errors = 0; would r:2 \"x\"; " },
	{ "sets, limits and filters", "set s = redis \"s\"\non message {\n"
	    "tag a when sender in $s\ntag b when sender in $s\n"
	    "few: limit 5/1h per sender\n"
	    "milter clam\nmilter clam\nmilter spam\n}\n",
	    "sender = \"a@b.example\"\nset s = { \"b.example\" }\n"
	    "limit few = 3\nmilter.clam = accept", PHASE_MESSAGE,
	    "sender in s: yes b.example; few counted 3; filter 0 said 1; "
	    "filter 1 said 0; hit r:3 \"\"; hit r:4 \"\"; hit r:6 \"\"; "
	    "hit r:7 \"\"; hit r:8 \"\"; " },
	{ "what did not answer", "set s = redis \"s\"\non mail {\n"
	    "tag a when sender in $s\nl: limit 5/1h per sender\n}\n",
	    "set s = none\nlimit l = none", PHASE_MAIL,
	    "sender in s: unknown ; l counted -1; untold r:3; " },
	{ "a group is no hit, its rules are", "on mail {\nwhen spf is fail {\n"
	    "tag a\nreject \"no\"\ntag b\n}\n}\n", "spf = fail", PHASE_MAIL,
	    "hit r:3 \"\"; hit r:4 \"no\"; " },
};

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_trial t = { .rules = cases[i].rules,
		    .facts = cases[i].facts, .untraced = i % 2 == 0 };

		if (!rule_trial_begin(&t)) {
			T_STR(cases[i].name, t.report, "");
			continue;
		}
		T_INT(cases[i].name, rule_trial_run(&t, cases[i].phase), 0);
		T_STR(cases[i].name, readings(&t.verdict), cases[i].want);
		T_INT("run again", rule_trial_run(&t, cases[i].phase), 0);
		T_STR("it says the same", readings(&t.verdict),
		    cases[i].want);
		rule_trial_end(&t);
	}
}

/* --- a run that had to stop --- */

static struct rule_trial *trial;
static unsigned fails;
static char passing[] = "passing";

static MAY_YIELD int
get(void *owner, const struct fact_ref *ref, struct value *v,
    struct err *err)
{
	(void)owner;
	if (ref->fact->id == FACT_SPF && fails > 0) {
		fails--;
		return err_set(err, ERR_UNAVAIL, "not yet");
	}
	rule_trial_find(trial, ref, v);
	if (ref->fact->id == FACT_DNSBL_NAMES) {
		v->list.items = arena_new(trial->arena, struct value);
		v->list.items[0] = (struct value){ .type = TYPE_TEXT,
		    .text = { passing, 4 } };
		v->list.n = 1;
	}
	return 0;
}

static void
test_stopped(void)
{
	struct rule_trial t = { .rules = "on mail {\n"
	    "log \"{dnsbl.names}\"\nlog \"{spf}\"\n}\n",
	    .source = { .get = get } };

	trial = &t;
	fails = 1;
	if (!rule_trial_begin(&t)) {
		T_STR("rules", t.report, "");
		return;
	}
	T_INT("stops", rule_trial_run(&t, PHASE_MAIL), -1);
	T_INT("and is run again", rule_trial_run(&t, PHASE_MAIL), 0);
	memcpy(passing, "GONE", 4);
	T_STR("each reading once, and it outlives what it was made of",
	    readings(&t.verdict), "dnsbl.names = { \"pass\" }; "
	    "hit r:2 \"pass\"; hit r:3 \"none\"; ");
	rule_trial_end(&t);
}

int
main(void)
{
	test_cases();
	test_stopped();
	return t_done();
}
