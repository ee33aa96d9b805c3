#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* How long facts, scores, tags and trust last, and when facts are asked. */

static const char scoped[] =
    "on connect {\nscore 1 \"c\"\ntag c\n}\non helo {\nscore 2 \"h\"\n"
    "tag h\n}\non mail {\nscore 4 \"m\"\ntag m when client.ip is none\n}\n"
    "on rcpt {\nscore 8 \"r\"\ntag r when rcpt is not none\n}\n"
    "on message {\nscore 16 \"b\"\ntag b when spf is none\n}\n";

static const struct {
	const char	*name;
	enum fact_scope	 scope;
	int		 score;			/* that stays */
	const char	*tags;
} scopes[] = {
	{ "nothing", FACT_OF_RULES, 31, "chmrb" },
	{ "the message", FACT_OF_MESSAGE, 15, "chmr" },
	{ "the recipient", FACT_OF_RCPT, 7, "chm" },
	{ "the mail", FACT_OF_MAIL, 3, "ch" },
	{ "helo", FACT_OF_HELO, 1, "c" },
	{ "the session", FACT_OF_SESSION, 0, "" },
};

static void
test_scopes(void)
{
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		struct rule_trial t = { .rules = scoped };
		char tags[8] = "";
		size_t n = 0;

		if (!rule_trial_begin(&t)) {
			T_STR("scopes: rules", t.report, "");
			return;
		}
		rule_trial_all(&t);
		rule_trial_all(&t);	/* again: not twice as much */
		evaluation_forget(t.evaluation, scopes[i].scope);
		T_INT(scopes[i].name, evaluation_score(t.evaluation),
		    scopes[i].score * 100);
		for (const char *p = "chmrb"; *p != '\0'; p++)
			if (evaluation_tagged(t.evaluation, span_n(p, 1)))
				tags[n++] = *p;
		T_STR(scopes[i].name, tags, scopes[i].tags);
		rule_trial_end(&t);
	}
}

static void
test_reads(void)
{
	struct rule_trial t = { .rules = "on mail {\n"
	    "log \"{sender}\" when sender is none or sender is not none\n"
	    "log \"{spf}\"\nlog \"{client.ip} {client.ip}\"\n}\n"
	    "on rcpt {\nlog \"{sender} {rcpt}\"\n}\n" };

	if (!rule_trial_begin(&t)) {
		T_STR("reads: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_MAIL);
	T_INT("each fact is asked for once", t.reads, 3);
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("in later phases too", t.reads, 4);
	evaluation_forget(t.evaluation, FACT_OF_RCPT);
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("for the next recipient, what is of him", t.reads, 5);
	evaluation_forget(t.evaluation, FACT_OF_MAIL);
	rule_trial_run(&t, PHASE_MAIL);
	T_INT("for the next mail, what is of it", t.reads, 7);
	rule_trial_end(&t);
}

/* What grows is asked for anew by the first rule of a later phase that names
 * it; what stays is not. */
static void
test_grows(void)
{
	static const struct {
		enum phase	 phase;
		unsigned	 reads;		/* until then */
		const char	*name;
	} runs[] = {
		{ PHASE_CONNECT, 3, "each is asked for" },
		{ PHASE_CONNECT, 3, "once in the phase" },
		{ PHASE_HELO, 3, "no rule of helo asks" },
		{ PHASE_RCPT, 5, "two have grown since connect" },
		{ PHASE_RCPT, 5, "and none since" },
		{ PHASE_MESSAGE, 7, "both have grown again" },
		{ PHASE_RCPT, 7, "an earlier phase knows as much" },
	};
	struct rule_trial t = { .rules = "on connect {\n"
	    "log \"{dnsbl.score} {client.errors} {client.ip}\"\n"
	    "log \"{dnsbl.score} {client.errors} {client.ip}\"\n}\n"
	    "on rcpt {\nlog \"{dnsbl.score} {client.errors}\"\n"
	    "log \"{client.ip} {dnsbl.score}\"\n}\n"
	    "on message {\nlog \"{dnsbl.score} {client.errors}\"\n}\n" };

	if (!rule_trial_begin(&t)) {
		T_STR("grows: rules", t.report, "");
		return;
	}
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		rule_trial_run(&t, runs[i].phase);
		T_INT(runs[i].name, t.reads, runs[i].reads);
	}
	evaluation_forget(t.evaluation, FACT_OF_RCPT);
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("errors may have come with the last recipient", t.reads, 9);
	rule_trial_end(&t);
}

/* A fact of the recipient that is another one for the message. */
static void
test_count_grows(void)
{
	struct rule_trial t = { .rules = "on rcpt {\nlog \"{rcpt.count}\"\n"
	    "}\non message {\nlog \"{rcpt.count}\"\n}\n",
	    .facts = "rcpt.count = 1" };

	if (!rule_trial_begin(&t)) {
		T_STR("count: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_RCPT);
	T_OK("the first one", span_is(t.verdict.logs[0].text, "1"));
	t.given = rule_trial_facts(&t, "rcpt.count = 3");
	rule_trial_run(&t, PHASE_MESSAGE);
	T_OK("all", span_is(t.verdict.logs[0].text, "3"));
	rule_trial_end(&t);
}

static void
test_trust_scope(void)
{
	struct rule_trial t = { .rules = "on rcpt {\n"
	    "pm: trust when rcpt.count is 1\nscore 3\n}\n"
	    "on message {\nreject \"no\"\n}\n" };

	if (!rule_trial_begin(&t)) {
		T_STR("trust: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("a recipient is trusted", t.verdict.kind, ACTION_TRUST);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT("so is its message", t.verdict.kind, ACTION_ACCEPT);
	T_STR("by that rule", t.verdict.rule->name, "pm");
	T_INT("no rule was looked at", t.trace.n, 0);
	evaluation_forget(t.evaluation, FACT_OF_RCPT);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT("with the next recipient it ends", t.verdict.kind,
	    ACTION_REJECT);
	rule_trial_end(&t);
}

/* The phase is run again with what has grown. */
static void
test_trust_again(void)
{
	struct rule_trial t = { .rules = "on rcpt {\n"
	    "trust when client.errors is 0\n}\n"
	    "on message {\nreject \"no\"\n}\n" };

	if (!rule_trial_begin(&t)) {
		T_STR("trust again: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("it trusts", t.verdict.kind, ACTION_TRUST);
	t.given = rule_trial_facts(&t, "client.errors = 3");
	evaluation_forget(t.evaluation, FACT_OF_RULES);
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("now it does not", t.verdict.kind, ACTION_ACCEPT);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT("nor for the message", t.verdict.kind, ACTION_REJECT);
	rule_trial_end(&t);
}

int
main(void)
{
	test_scopes();
	test_reads();
	test_grows();
	test_count_grows();
	test_trust_scope();
	test_trust_again();
	return t_done();
}
