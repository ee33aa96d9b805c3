#include <stdio.h>

#include "policy/rule_plan.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* What is looked up: as "needs | leading" of a phase. */

static const char lists[] =
    "dnsbl zen \"zen.example\" {\n127.0.0.2 score 5\n}\n"
    "dnsbl other \"o.example\" {\n127.0.0.2 score 2\n}\n";

static const struct {
	const char	*name, *rules;
	enum phase	 phase;
	const char	*want;
} cases[] = {
	{ "nothing", "", PHASE_CONNECT, "| 0" },
	{ "free facts start nothing",
	    "on connect {\ntrust when client.ip in { 192.0.2.0/24 }\n"
	    "reject \"{client.port}\" when client.early-talker\n}\n",
	    PHASE_CONNECT,
	    "client.ip client.early-talker client.port | 2" },
	{ "what trusts stands in front of lookups",
	    "on connect {\ntrust when client.ip in { 192.0.2.0/24 }\n"
	    "score 1 when client.name is none\n"
	    "score 2 when dnsbl.score > 3 or client.name is none\n"
	    "log \"x\"\n}\n", PHASE_CONNECT,
	    "client.ip client.name dnsbl.score | 1" },
	{ "a text needs its facts",
	    "on connect {\nlog \"{client.name} {client.ip}\"\n}\n",
	    PHASE_CONNECT, "client.name client.ip | 0" },
	{ "so does a score of one",
	    "on connect {\nscore client.errors\nscore dnsbl.score\n}\n",
	    PHASE_CONNECT, "client.errors dnsbl.score | 1" },
	{ "a group needs those of its rules",
	    "on connect {\nwhen client.early-talker {\n"
	    "log \"x\" when dnsbl.failed > 0\n}\n}\n", PHASE_CONNECT,
	    "client.early-talker dnsbl.failed | 0" },
	{ "and what needs the message",
	    "on message {\nreject \"no\" when client.name is none and "
	    "spf is fail and dmarc is fail\n}\n", PHASE_MESSAGE,
	    "client.name spf dmarc | 0" },
	{ "an earlier fact is not started again",
	    "on mail {\nlog \"{client.name}\"\n}\n", PHASE_MAIL,
	    "client.name | 0" },
	{ "headers by their names, each once",
	    "on message {\nlog \"x\" when header \"Subject\" contains \"a\" or "
	    "header \"SUBJECT\" contains \"b\" or headers \"To\" contains "
	    "\"c\" or header-count \"Subject\" > 1\n}\n", PHASE_MESSAGE,
	    "header:Subject headers:To header-count:Subject | 0" },
	{ "a limit counts, whatever its facts cost",
	    "on connect {\ntrust when client.ip is none\n"
	    "limit 5/1h per client.port, client.ip, else reject "
	    "\"{listener}\"\nlog \"x\"\n}\n", PHASE_CONNECT,
	    "client.ip client.port listener | 1" },
	{ "the greylist is asked",
	    "on rcpt {\nlog \"x\"\ngreylist when rcpt.count > 1\n}\n",
	    PHASE_RCPT, "rcpt.count greylist greylist.left | 1" },
	{ "scores are free",
	    "on rcpt {\nscore 1 when rcpt.count > 3\n"
	    "reject \"{scores}\" when score > 3 and not tagged \"x\"\n}\n",
	    PHASE_RCPT, "rcpt.count score scores | 2" },
};

static void
put_refs(struct buf *out, const struct fact_ref *const *refs, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		buf_puts(out, refs[i]->fact->name);
		if (refs[i]->fact->argument == FACT_TAKES_HEADER)
			buf_puts(out, ":");
		buf_span(out, refs[i]->argument);
		buf_puts(out, " ");
	}
}

static void
test_phases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_trial t = { .rules = cases[i].rules };
		struct buf out = {0};

		if (rule_trial_begin(&t)) {
			struct rule_plan *plan = rule_plan(t.arena, t.parsed);
			struct phase_plan *p = &plan->phases[cases[i].phase];

			put_refs(&out, p->needs, p->nneeds);
			buf_puts(&out, "| ");
			buf_printf(&out, "%zu", p->leading);
		}
		buf_put(&out, "", 1);
		T_STR(cases[i].name, out.p, cases[i].want);
		buf_free(&out);
		rule_trial_end(&t);
	}
}

static const struct {
	const char	*name, *condition, *want;	/* lists */
} names[] = {
	{ "no list is asked", "client.ip is none", "" },
	{ "one list", "dnsbl.other in { 127.0.0.2 }", "other " },
	{ "the score is of all lists", "dnsbl.score > 1", "zen other " },
	{ "the names are", "dnsbl.names contains \"x\"", "zen other " },
	{ "the failures are", "dnsbl.failed > 1", "zen other " },
};

static void
test_names(void)
{
	for (size_t i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct rule_trial t = {0};
		struct rule_plan *plan;
		struct buf out = {0};
		char text[512];

		snprintf(text, sizeof(text), "%son message {\nlog \"x\" when %s"
		    "\n}\n", lists, names[i].condition);
		t.rules = text;
		if (rule_trial_begin(&t)) {
			plan = rule_plan(t.arena, t.parsed);
			for (size_t j = 0; j < plan->nlists; j++)
				buf_printf(&out, "%.*s ",
				    SPAN_ARG(plan->lists[j]));
			T_OK(names[i].name, plan->facts[FACT_SPF] == false);
		}
		buf_put(&out, "", 1);
		T_STR(names[i].name, out.p, names[i].want);
		buf_free(&out);
		rule_trial_end(&t);
	}
}

int
main(void)
{
	test_phases();
	test_names();
	return t_done();
}
