#include <stdio.h>

#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* Rules that observe: what they see of each other, where they end, and that
 * no rule that acts sees them. */

/* --- one mail, all its phases --- */

#define QUIET3	"at connect: accept, no rule decided\n" \
		"at helo: accept, no rule decided\n" \
		"at mail: accept, no rule decided\n"

static const struct {
	const char	*name, *rules, *facts, *want;
} traces[] = {
	{ "observers do nothing, and see each other",
	    "on rcpt {\n"
	    "o1: observe score 5\n"
	    "score 1\n"
	    "o2: observe tag seen\n"
	    "o3: observe delay 3s\n"
	    "o4: observe route one\n"
	    "o5: observe log \"{score} {scores}\" when tagged seen\n"
	    "log \"{score} {scores}\" when not tagged seen\n"
	    "o6: observe trust when score >= 6\n"
	    "log \"x\" when score > 1\n"
	    "}\n", "",
	    QUIET3
	    "at rcpt: accept, no rule decided; would trust by o6\n"
	    "  r:2 o1: always -> would score 5\n"
	    "  r:3: always -> score 1\n"
	    "  r:4 o2: always -> would tag seen\n"
	    "  r:5 o3: always -> would delay 3s\n"
	    "  r:6 o4: always -> would route one\n"
	    "  r:7 o5: when tagged seen [score = 6, scores = { \"o1\", "
	    "\"r:3\" }] -> would log \"6 o1, r:3\"\n"
	    "  r:8: when not tagged seen [score = 1, scores = { \"r:3\" }] -> "
	    "log \"1 r:3\"\n"
	    "  r:9 o6: when score >= 6 [score = 6] -> would trust\n"
	    "  r:10: when score > 1 [score = 1] -> no\n"
	    "at message: accept, no rule decided; observation ended by o6\n" },
	{ "in later phases too",
	    "observe on connect {\nscore 2 \"c\"\n}\n"
	    "on mail {\nscore 1 \"m\"\n}\n"
	    "on message {\no: observe discard \"{scores}\" when score is 3\n"
	    "a: log \"{scores}\" when score is 1\n}\n", "",
	    "at connect: accept, no rule decided\n"
	    "  r:2: always -> would score 2 \"c\"\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "  r:5: always -> score 1 \"m\"\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: accept, no rule decided; would discard \"c, m\" by o\n"
	    "  r:8 o: when score is 3 [score = 3, scores = { \"c\", \"m\" }] -> "
	    "would discard \"c, m\"\n"
	    "  r:9 a: when score is 1 [score = 1, scores = { \"m\" }] -> "
	    "log \"m\"\n" },
	{ "the first that decides ends it for observers alone",
	    "on connect {\n"
	    "o1: observe accept when client.port is none\n"
	    "o2: observe reject \"not reached\"\n"
	    "when client.port is none {\no3: observe tag x\n}\n"
	    "when client.port is none {\no4: observe tag x\nlog \"a\"\n}\n"
	    "a: defer \"no\"\n"
	    "}\n", "",
	    "at connect: defer 451 4.7.1 \"no\" by a; would accept by o1\n"
	    "  r:2 o1: when client.port is none [client.port = none] -> "
	    "would accept\n"
	    "  r:7: when client.port is none [client.port = none] -> yes\n"
	    "  r:9: always -> log \"a\"\n"
	    "  r:11 a: always -> defer 451 4.7.1 \"no\"\n" },
	{ "accept ends its phase alone",
	    "on rcpt {\no1: observe accept\no2: observe tag x\n}\n"
	    "on message {\no3: observe quarantine \"q\"\no4: observe tag x\n"
	    "}\n", "",
	    QUIET3
	    "at rcpt: accept, no rule decided; would accept by o1\n"
	    "  r:2 o1: always -> would accept\n"
	    "at message: accept, no rule decided; would quarantine \"q\" by o3\n"
	    "  r:6 o3: always -> would quarantine \"q\"\n" },
	{ "discard ends the recipient",
	    "on rcpt {\nwhen rcpt.count is 1 {\no1: observe discard \"gone\"\n"
	    "}\n}\non message {\no2: observe quarantine \"q\"\n}\n", "",
	    QUIET3
	    "at rcpt: accept, no rule decided; would discard \"gone\" by o1\n"
	    "  r:2: when rcpt.count is 1 [rcpt.count = 1] -> yes\n"
	    "  r:3 o1: always -> would discard \"gone\"\n"
	    "at message: accept, no rule decided; observation ended by o1\n" },
	{ "behind a refusal nothing is observed",
	    "on helo {\no1: observe disconnect \"bye\"\n}\n"
	    "on mail {\no2: observe tag x\nlog \"a\"\n}\n"
	    "observe on message {\nreject \"no\"\n}\n", "",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided; would disconnect 421 4.7.0 "
	    "\"bye\" by o1\n"
	    "  r:2 o1: always -> would disconnect 421 4.7.0 \"bye\"\n"
	    "at mail: accept, no rule decided; observation ended by o1\n"
	    "  r:6: always -> log \"a\"\n"
	    "at rcpt: accept, no rule decided; observation ended by o1\n"
	    "at message: accept, no rule decided; observation ended by o1\n" },
	{ "nor behind trust",
	    "on connect {\no1: observe trust \"known\"\n}\n"
	    "observe on helo {\nlog \"x\"\n}\n"
	    "on mail {\na: reject \"no\"\n}\n", "",
	    "at connect: accept, no rule decided; would trust \"known\" by o1\n"
	    "  r:2 o1: always -> would trust \"known\"\n"
	    "at helo: accept, no rule decided; observation ended by o1\n"
	    "at mail: reject 550 5.7.1 \"no\" by a; observation ended by o1\n"
	    "  r:8 a: always -> reject 550 5.7.1 \"no\"\n" },
	{ "trust is trust for all",
	    "on connect {\no1: observe tag x\na: trust\no2: observe tag x\n}\n"
	    "on mail {\no3: observe reject \"no\"\n}\n", "",
	    "at connect: trust by a\n"
	    "  r:2 o1: always -> would tag x\n"
	    "  r:3 a: always -> trust\n"
	    "at helo: accept by a, which trusts\n"
	    "at mail: accept by a, which trusts\n"
	    "at rcpt: accept by a, which trusts\n"
	    "at message: accept by a, which trusts\n" },
	{ "the condition of a group is read for those that act",
	    "on mail {\n"
	    "o1: observe score 5\n"
	    "when score > 1 {\no2: observe tag x\nlog \"a\"\n}\n"
	    "when score > 2 {\nwhen score > 3 {\no3: observe tag x\n}\n}\n"
	    "}\n", "",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "  r:2 o1: always -> would score 5\n"
	    "  r:3: when score > 1 [score = 0] -> no\n"
	    "  r:7: when score > 2 [score = 5] -> yes\n"
	    "  r:8: when score > 3 [score = 5] -> yes\n"
	    "  r:9 o3: always -> would tag x\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: accept, no rule decided\n" },
};

static void
test_traces(void)
{
	for (size_t i = 0; i < sizeof(traces) / sizeof(traces[0]); i++) {
		struct rule_trial t = { .rules = traces[i].rules,
		    .facts = traces[i].facts };

		if (rule_trial_begin(&t))
			T_STR(traces[i].name, rule_trial_all(&t),
			    traces[i].want);
		else
			T_STR(traces[i].name, t.report, "");
		rule_trial_end(&t);
	}
}

/* --- how long an end lasts --- */

static const struct {
	const char	*name;
	enum phase	 phase;		/* would refuse, or trust, here */
	enum fact_scope	 within, beyond;
} lives[] = {
	{ "the session", PHASE_CONNECT, FACT_OF_HELO, FACT_OF_SESSION },
	{ "the HELO name", PHASE_HELO, FACT_OF_MAIL, FACT_OF_HELO },
	{ "the mail", PHASE_MAIL, FACT_OF_RCPT, FACT_OF_MAIL },
	{ "the recipient", PHASE_RCPT, FACT_OF_MESSAGE, FACT_OF_RCPT },
};

static void
check_life(size_t i, const char *action)
{
	struct rule_trial t = {0};
	static char rules[200];

	snprintf(rules, sizeof(rules), "on %s {\nend: observe %s\n}\n"
	    "on message {\nobserve tag x\n}\n", phase_name(lives[i].phase),
	    action);
	t.rules = rules;
	if (!rule_trial_begin(&t)) {
		T_STR(lives[i].name, t.report, "");
		return;
	}
	rule_trial_run(&t, lives[i].phase);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_STR(lives[i].name, t.trace.would_end == NULL ? "none" :
	    t.trace.would_end->name, "end");
	T_INT(lives[i].name, t.verdict.nobserved, 0);
	evaluation_forget(t.evaluation, lives[i].within);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT(lives[i].name, t.verdict.nobserved, 0);
	evaluation_forget(t.evaluation, lives[i].beyond);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT(lives[i].name, t.verdict.nobserved, 1);
	rule_trial_end(&t);
}

static void
test_lives(void)
{
	for (size_t i = 0; i < sizeof(lives) / sizeof(lives[0]); i++) {
		check_life(i, "reject \"no\"");
		check_life(i, "trust");
	}
}

/* --- many recipients --- */

static const char keeping[] =
    "on rcpt {\n"
    "score 1 \"acting\"\n"
    "observe score 2 \"a\" when rcpt.local is \"a\"\n"
    "observe score 4 \"b\" when rcpt.local is \"b\"\n"
    "observe reject \"no\" when rcpt.local is \"bad\"\n"
    "observe discard \"no\" when rcpt.local is \"gone\"\n"
    "observe trust when rcpt.local is \"c\"\n}\n"
    "on message {\nlog \"{scores}\"\nobserve log \"{scores}\"\n}\n";

static const struct {
	const char	*name, *taken[3];
	const char	*want;		/* what observes says of the message */
} kept[] = {
	{ "the first one", { "a", "b" }, "acting, a" },
	{ "the other way round", { "b", "a" }, "acting, b" },
	{ "the first that would not be refused", { "bad", "b", "a" },
	    "acting, b" },
	{ "the second would be", { "a", "bad" }, "acting, a" },
	{ "nor discarded", { "gone", "bad", "a" }, "acting, a" },
	{ "all would be", { "bad", "gone" }, "nothing" },
	{ "the first would be trusted", { "c", "a" }, "nothing" },
	{ "and behind one that is refused", { "bad", "c", "a" }, "nothing" },
};

static void
take(struct rule_trial *t, const char *rcpt)
{
	t->given = rule_trial_facts(t, arena_printf(t->arena,
	    "rcpt.local = \"%s\"", rcpt));
	evaluation_forget(t->evaluation, FACT_OF_RCPT);
	rule_trial_run(t, PHASE_RCPT);
	evaluation_rcpt_keep(t->evaluation);
}

static void
test_kept(void)
{
	for (size_t i = 0; i < sizeof(kept) / sizeof(kept[0]); i++) {
		struct rule_trial t = { .rules = keeping };
		const struct verdict *v = &t.verdict;

		if (!rule_trial_begin(&t)) {
			T_STR(kept[i].name, t.report, "");
			break;
		}
		for (size_t j = 0; j < 3 && kept[i].taken[j] != NULL; j++)
			take(&t, kept[i].taken[j]);
		evaluation_rcpt_restore(t.evaluation);
		rule_trial_run(&t, PHASE_MESSAGE);
		T_STR(kept[i].name, v->nobserved == 0 ? "nothing" :
		    arena_copy(t.arena, v->observed[0].text), kept[i].want);
		T_OK("what acts is told of one that acted",
		    span_is(v->logs[0].text, "acting"));
		evaluation_forget(t.evaluation, FACT_OF_MAIL);
		evaluation_rcpt_restore(t.evaluation);
		rule_trial_run(&t, PHASE_MESSAGE);
		T_INT("with the mail it is forgotten", v->nobserved, 1);
		T_OK("all of it", span_is(v->observed[0].text, "none"));
		rule_trial_end(&t);
	}
}

/* What a run that stopped had seen is not there twice. */
static MAY_YIELD int
get_at_last(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	struct rule_trial *t = owner;

	if (t->reads++ == 0)
		return err_set(err, ERR_UNAVAIL, "not known yet");
	rule_trial_find(t, ref, value);
	return 0;
}

static void
test_again(void)
{
	struct rule_trial t = { .source = { .get = get_at_last },
	    .facts = "client.errors = 7", .rules =
	    "observe on connect {\nscore client.errors \"a\"\ntag t\n"
	    "accept \"{scores}\" when tagged t and not client.early-talker\n}\n" };

	if (rule_trial_begin(&t)) {
		T_INT("it stops", rule_trial_run(&t, PHASE_CONNECT), -1);
		T_INT("it goes on", rule_trial_run(&t, PHASE_CONNECT), 0);
		T_OK("from the beginning", t.verdict.would != NULL &&
		    span_is(t.verdict.would->text, "a"));
		T_INT("what it would have added", t.verdict.observed[0].score,
		    700);
	} else
		T_STR("again: rules", t.report, "");
	rule_trial_end(&t);
}

int
main(void)
{
	test_traces();
	test_lives();
	test_kept();
	test_again();
	return t_done();
}
