#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* Actions, order, observers, trust, and sources that wait or end. */

/* --- what all phases say, as the trace tells it --- */

static const struct {
	const char	*name, *rules, *facts, *want;
} traces[] = {
	{ "nothing to say", "", "",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: accept, no rule decided\n" },
	{ "reject",
	    "on connect {\n"
	    "listed: reject 554 5.7.2 \"{client.ip} is listed\" when "
	    "dnsbl.failed >= 1\n"
	    "log \"not reached\"\n"
	    "}\n", "client.ip = 192.0.2.1\ndnsbl.failed = 2",
	    "at connect: reject 554 5.7.2 \"192.0.2.1 is listed\" by listed\n"
	    "  r:2 listed: when dnsbl.failed >= 1 [dnsbl.failed = 2, "
	    "client.ip = 192.0.2.1] -> reject 554 5.7.2 \"192.0.2.1 is "
	    "listed\"\n" },
	{ "codes of their own",
	    "on connect {\ndefer \"later\"\n}\n", "",
	    "at connect: defer 451 4.7.1 \"later\" by r:2\n"
	    "  r:2: always -> defer 451 4.7.1 \"later\"\n" },
	{ "a group is asked once",
	    "on mail {\n"
	    "when spf is fail {\n"
	    "score 2 \"spf\"\n"
	    "reject \"no\" when score > 2\n"
	    "}\n"
	    "when spf is pass {\n"
	    "score -1 \"good\"\n"
	    "}\n"
	    "discourage: score 0.5\n"
	    "}\non rcpt {\nlog \"{score} {scores}\"\n}\n", "spf = fail",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "  r:2: when spf is fail [spf = fail] -> yes\n"
	    "  r:3: always -> score 2 \"spf\"\n"
	    "  r:4: when score > 2 [score = 2] -> no\n"
	    "  r:6: when spf is pass [spf = fail] -> no\n"
	    "  r:9 discourage: always -> score 0.5\n"
	    "at rcpt: accept, no rule decided\n"
	    "  r:12: always [score = 2.5, scores = { \"spf\", \"discourage\" }]"
	    " -> log \"2.5 spf, discourage\"\n"
	    "at message: accept, no rule decided\n" },
	{ "trust", "on helo {\n"
	    "friend: trust \"known\" when helo.name is \"f.example\"\n"
	    "log \"not reached\"\n"
	    "}\non mail {\nreject \"no\"\n}\n", "helo.name = \"f.example\"",
	    "at connect: accept, no rule decided\n"
	    "at helo: trust \"known\" by friend\n"
	    "  r:2 friend: when helo.name is \"f.example\" [helo.name = "
	    "\"f.example\"] -> trust \"known\"\n"
	    "at mail: accept by friend, which trusts\n"
	    "at rcpt: accept by friend, which trusts\n"
	    "at message: accept by friend, which trusts\n" },
	{ "a text goes on in the next lines",
	    "on mail {\nlog \"spf\"\n\t\"is {spf},\"\n\n\t# not said\n"
	    "\t\"too\"\n\twhen spf is none\n"
	    "log \"another\"\n}\n", "",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "  r:2: when spf is none [spf = none] -> log \"spf is none, too\"\n"
	    "  r:8: always -> log \"another\"\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: accept, no rule decided\n" },
	{ "accept ends its phase alone",
	    "on connect {\naccept\nreject \"no\"\n}\n"
	    "on helo {\ndisconnect \"bye\"\n}\n", "",
	    "at connect: accept by r:2\n"
	    "  r:2: always -> accept\n"
	    "at helo: disconnect 421 4.7.0 \"bye\" by r:6\n"
	    "  r:6: always -> disconnect 421 4.7.0 \"bye\"\n" },
	{ "facts are shown as rules have them",
	    "on message {\nlog \"x\" when header \"Subject\" contains \"a\" and "
	    "headers \"To\" contains \"b\" and message.size < 1M and "
	    "client.ip is none and dmarc is none\n}\n",
	    "header \"subject\" = \"a \\\"b\\\"\"\n"
	    "headers \"To\" = { \"b\", \"c\" }\nmessage.size = 10k",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: accept, no rule decided\n"
	    "  r:2: when header \"Subject\" contains \"a\" and headers \"To\" "
	    "contains \"b\" and message.size < 1M and client.ip is none and "
	    "dmarc is none [header \"Subject\" = \"a \\\"b\\\"\", headers \"To\""
	    " = { \"b\", \"c\" }, message.size = 10k, client.ip = none, dmarc "
	    "= none] -> log \"x\"\n" },
	{ "the left side may settle it",
	    "on mail {\nlog \"x\" when client.tls and spf is pass\n"
	    "log \"y\" when spf is none or sender is none\n}\n", "",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "  r:2: when client.tls and spf is pass [client.tls = no] -> no\n"
	    "  r:3: when spf is none or sender is none [spf = none] -> "
	    "log \"y\"\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: accept, no rule decided\n" },
	{ "scores of facts",
	    "on mail {\n"
	    "score dnsbl.score\n"
	    "label: score client.errors\n"
	    "score client.errors \"name\" when client.errors > 1\n"
	    "score client.port\n"
	    "zero: observe score dnsbl.failed\n"
	    "log \"{score} {scores}\"\n"
	    "}\n", "dnsbl.score = -1.25\nclient.errors = 1000000",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "  r:2: always [dnsbl.score = -1.25] -> score -1.25 "
	    "\"dnsbl.score\"\n"
	    "  r:3 label: always [client.errors = 1000000] -> score 1000\n"
	    "  r:4: when client.errors > 1 [client.errors = 1000000] -> "
	    "score 1000 \"name\"\n"
	    "  r:5: always [client.port = none] -> score 0 \"client.port\"\n"
	    "  r:6 zero: always [dnsbl.failed = 0] -> would score 0\n"
	    "  r:7: always [score = 1998.75, scores = { \"dnsbl.score\", "
	    "\"label\", \"name\" }] -> log \"1998.75 dnsbl.score, label, "
	    "name\"\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: accept, no rule decided\n" },
	{ "quarantine, and what is done to the header",
	    "on message {\nadd header \"X-Spam\" \"{score}\"\n"
	    "remove header \"X-Old\"\nreplace header \"X-New\" \"n\"\n"
	    "prefix subject \"[spam] \"\nquarantine \"bad\"\n}\n", "",
	    "at connect: accept, no rule decided\n"
	    "at helo: accept, no rule decided\n"
	    "at mail: accept, no rule decided\n"
	    "at rcpt: accept, no rule decided\n"
	    "at message: quarantine \"bad\" by r:6\n"
	    "  r:2: always [score = 0] -> add header \"X-Spam\" \"0\"\n"
	    "  r:3: always -> remove header \"X-Old\"\n"
	    "  r:4: always -> replace header \"X-New\" \"n\"\n"
	    "  r:5: always -> prefix subject \"[spam]\"\n"
	    "  r:6: always -> quarantine \"bad\"\n" },
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

/* --- the verdict --- */

static void
test_verdict(void)
{
	struct rule_trial t = { .rules = "on rcpt {\n"
	    "delay 5s\nroute one\nlog \"first {rcpt}\"\n"
	    "delay 1500ms when rcpt.count is 1\nroute two\nlog \"second\"\n"
	    "delay 60s when rcpt.count is 2\n"
	    "full: defer 452 4.2.2 \"{rcpt} is full\"\n"
	    "}\n", .facts = "rcpt = \"u@a.example\"" };

	if (!rule_trial_begin(&t)) {
		T_STR("verdict: rules", t.report, "");
		return;
	}
	T_INT("rcpt", rule_trial_run(&t, PHASE_RCPT), 0);
	T_INT("delays add up", t.verdict.delay, 6500000);
	T_OK("the last route counts", span_is(t.verdict.route, "two"));
	T_INT("two lines of log", t.verdict.nlogs, 2);
	T_OK("the first", span_is(t.verdict.logs[0].text, "first u@a.example"));
	T_OK("the second", span_is(t.verdict.logs[1].text, "second"));
	T_INT("kind", t.verdict.kind, ACTION_DEFER);
	T_INT("code", t.verdict.code, 452);
	T_STR("enhanced", t.verdict.enhanced, "4.2.2");
	T_OK("text", span_is(t.verdict.text, "u@a.example is full"));
	T_STR("rule", t.verdict.rule->name, "full");
	T_INT("no edit", t.verdict.nedits, 0);
	rule_trial_end(&t);
}

static void
test_edits(void)
{
	struct rule_trial t = { .rules = "on message {\n"
	    "add header \"X-A\" \"{header \\\"Subject\\\"}\"\n"
	    "remove header \"X-B\"\nadd header \"X-A\" \"2\"\n"
	    "prefix subject \"[x]\"\nreplace header \"X-C\" \"3\"\n}\n",
	    .facts = "header \"Subject\" = \"one\\ntwo\"" };

	if (!rule_trial_begin(&t)) {
		T_STR("edits: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT("all edits", t.verdict.nedits, 5);
	T_INT("in order: add", t.verdict.edits[0].kind, ACTION_ADD_HEADER);
	T_OK("a fact adds no line", span_is(t.verdict.edits[0].value,
	    "one?two"));
	T_INT("remove", t.verdict.edits[1].kind, ACTION_REMOVE_HEADER);
	T_OK("its name", span_is(t.verdict.edits[1].name, "X-B"));
	T_OK("add", span_is(t.verdict.edits[2].value, "2"));
	T_INT("prefix", t.verdict.edits[3].kind, ACTION_PREFIX_SUBJECT);
	T_INT("replace", t.verdict.edits[4].kind, ACTION_REPLACE_HEADER);
	rule_trial_end(&t);
}

/* With or without a trace. */
static void
test_observed(bool untraced)
{
	struct rule_trial t = { .untraced = untraced, .rules = "on rcpt {\n"
	    "one: observe log \"no {rcpt}\"\n"
	    "observe score 3 when rcpt is none\n"
	    "when rcpt.count is 1 {\ntwo: observe tag seen\n}\n"
	    "three: observe reject 550 5.1.1 \"no {rcpt}\"\n"
	    "observe tag unseen\n"
	    "accept\nobserve discard \"not reached\"\n"
	    "}\n", .facts = "rcpt = \"u@a.example\"" };

	if (!rule_trial_begin(&t)) {
		T_STR("observed: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("those whose condition held", t.verdict.nobserved, 3);
	T_STR("in order", t.verdict.observed[0].rule->name, "one");
	T_OK("rendered", span_is(t.verdict.observed[0].text,
	    "no u@a.example"));
	T_STR("in a group too", t.verdict.observed[1].rule->name, "two");
	T_INT("that has no text", t.verdict.observed[1].text.len, 0);
	T_STR("and the one that decides", t.verdict.observed[2].rule->name,
	    "three");
	T_INT("which would be", t.verdict.would->kind, ACTION_REJECT);
	T_STR("by", t.verdict.would->rule->name, "three");
	T_INT("with", t.verdict.would->code, 550);
	T_STR("and", t.verdict.would->enhanced, "5.1.1");
	T_OK("saying", span_is(t.verdict.would->text, "no u@a.example"));
	T_INT("what is", t.verdict.kind, ACTION_ACCEPT);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT("of this run alone", t.verdict.nobserved, 0);
	T_OK("that would be, too", t.verdict.would == NULL);
	rule_trial_end(&t);
}

static void
test_gave_up(bool untraced)
{
	struct rule_trial t = { .untraced = untraced, .rules = "on mail {\n"
	    "log \"x\" when helo.name matches /^b/\n"
	    "one: log \"x\" when spf is fail or "
	    "helo.name matches /^(a+)+$/ or helo.name matches /^(a+)+x$/\n"
	    "two: reject \"x\" when helo.name matches /^(a+)+!$/\n}\n",
	    .facts = "helo.name = \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaab\"" };

	if (!rule_trial_begin(&t)) {
		T_STR("limits: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_HELO);
	T_OK("nothing met a limit", t.verdict.gave_up == NULL &&
	    t.verdict.gave_up_rule == NULL);
	rule_trial_run(&t, PHASE_MAIL);
	T_STR("then the first one", t.verdict.gave_up_rule == NULL ? "none" :
	    t.verdict.gave_up_rule->name, "one");
	T_OK("of its tests", t.verdict.gave_up != NULL &&
	    span_is(t.verdict.gave_up->text, "helo.name matches /^(a+)+$/"));
	rule_trial_run(&t, PHASE_RCPT);
	T_OK("of this run alone", t.verdict.gave_up == NULL);
	rule_trial_end(&t);
}

static void
test_untraced(void)
{
	struct rule_trial t = { .untraced = true, .rules =
	    "on connect {\nscore 1 \"c\"\n}\n"
	    "on mail {\nscore 2 \"m\" when client.ip is none\n}\n" };

	if (!rule_trial_begin(&t)) {
		T_STR("untraced: rules", t.report, "");
		return;
	}
	for (size_t i = 0; i < PHASES; i++)
		T_INT("without a trace", rule_trial_run(&t, (enum phase)i),
		    0);
	T_INT("the score is the same", evaluation_score(t.evaluation), 300);
	T_INT("nothing is noted", t.trace.n, 0);
	rule_trial_end(&t);
}

/* --- sources that wait --- */

static const char waiting[] = "on connect {\n"
    "score 1 \"x\" when client.name is none or dnsbl.failed > 3\n"
    "log \"{client.reverse}\"\n}\n"
    "on mail {\nwhen spf is fail {\nscore 2 \"s\"\n}\n"
    "reject \"no {sender}\" when score >= 3\n}\n";
static const char waited_for[] = "spf = fail\nsender = \"a@a.example\"";

static MAY_YIELD int
get_late(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	if (fiber_wait(clock_now() + 10, err) < 0 && err->kind == ERR_CLOSED)
		return -1;
	rule_trial_find(owner, ref, value);
	return 0;
}

/* All phases, in a fiber; what they say. */
struct late {
	unsigned		 fail;		/* this wait; 0: none */
	bool			 failed;
	char			 text[2048];
};

static void
run_late(void *arg)
{
	struct late *late = arg;
	struct rule_trial t = { .rules = waiting, .facts = waited_for,
	    .source = { .get = get_late } };

	if (rule_trial_begin(&t)) {
		fake_fail_wait(late->fail, FAIL_BY_CLOSING);
		late->failed = strstr(rule_trial_all(&t), "by the test") !=
		    NULL;
		fake_fail_wait(0, FAIL_BY_CLOSING);
		snprintf(late->text, sizeof(late->text), "%s",
		    rule_trial_all(&t));
	}
	rule_trial_end(&t);
}

static void
run_fiber(struct late *late)
{
	fiber_spawn("test", run_late, late);
	while (fiber_count() > 0)
		loop_turn(true);
}

static void
test_waits(void)
{
	static struct late whole, late;
	struct rule_trial t = { .rules = waiting, .facts = waited_for };

	run_fiber(&whole);
	if (rule_trial_begin(&t))
		T_STR("late facts, the same trace", whole.text,
		    rule_trial_all(&t));
	T_INT("it waited for", t.reads, 4);
	rule_trial_end(&t);
	for (late.fail = 1; late.fail <= 4; late.fail++) {
		run_fiber(&late);
		T_OK("a wait that ends ends the evaluation", late.failed);
		T_STR("what it had begun does not count", late.text,
		    whole.text);
	}
}

int
main(void)
{
	loop_create();
	test_traces();
	test_verdict();
	test_edits();
	test_observed(false);
	test_observed(true);
	test_gave_up(false);
	test_gave_up(true);
	test_untraced();
	test_waits();
	loop_destroy();
	return t_done();
}
