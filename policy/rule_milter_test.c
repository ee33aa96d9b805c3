#include <stdlib.h>
#include <string.h>

#include "policy/rule_plan.h"
#include "policy/rule_test.h"
#include "policy/rule_trace.h"
#include "policy/test_facts.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* Filters: which are told, what they decide, and what is said of it. */
#define S	"set s = redis \"s\"\n"
#define WAIT	"\"Something could not be checked, please try again later\""

static const struct {
	const char	*name, *rules, *facts;
	enum phase	 phase;
	const char	*want;			/* trace */
	unsigned	 consulted;
} cases[] = {
	{ "it refuses, and nothing is asked behind it", "on message {\n"
	    "virus: milter clam\nlog \"behind\"\n}\n", "milter.clam = reject",
	    PHASE_MESSAGE, "at message: milter clam by virus\n"
	    "  r:2 virus: always -> milter clam: reject\n", 1 },
	{ "it defers", "on message {\nmilter clam\n}\n",
	    "milter.clam = tempfail", PHASE_MESSAGE,
	    "at message: milter clam by r:2\n"
	    "  r:2: always -> milter clam: tempfail\n", 1 },
	{ "it discards", "on message {\nmilter clam\n}\n",
	    "milter.clam = discard", PHASE_MESSAGE,
	    "at message: milter clam by r:2\n"
	    "  r:2: always -> milter clam: discard\n", 1 },
	{ "one that failed defers", "on message {\nmilter clam\n}\n",
	    "milter.clam = error", PHASE_MESSAGE,
	    "at message: milter clam by r:2\n"
	    "  r:2: always -> milter clam: error\n", 1 },
	{ "what it lets pass goes on", "on message {\nmilter clam\n"
	    "milter spam\nlog \"behind\"\n}\n",
	    "milter.clam = accept\nmilter.spam = quarantine", PHASE_MESSAGE,
	    "at message: accept, no rule decided\n"
	    "  r:2: always -> milter clam: accept, goes on\n"
	    "  r:3: always -> milter spam: quarantine, goes on\n"
	    "  r:4: always -> log \"behind\"\n", 2 },
	{ "one that is not told", "on message {\nmilter clam\nlog \"x\"\n}\n",
	    NULL, PHASE_MESSAGE, "at message: accept, no rule decided\n"
	    "  r:2: always -> milter clam: not asked\n"
	    "  r:3: always -> log \"x\"\n", 1 },
	{ "twice, and it is asked once", "on message {\nmilter clam\n"
	    "milter clam when milter.clam is accept\n}\n",
	    "milter.clam = accept", PHASE_MESSAGE,
	    "at message: accept, no rule decided\n"
	    "  r:2: always -> milter clam: accept, goes on\n"
	    "  r:3: when milter.clam is accept [milter.clam = accept] -> "
	    "milter clam: accept, goes on\n", 1 },
	{ "asking for the fact decides nothing", "on message {\n"
	    "score 3 when milter.clam is reject\n"
	    "quarantine \"{milter.clam}\" when score >= 3\n}\n",
	    "milter.clam = reject", PHASE_MESSAGE,
	    "at message: quarantine \"reject\" by r:3\n"
	    "  r:2: when milter.clam is reject [milter.clam = reject] -> "
	    "score 3\n"
	    "  r:3: when score >= 3 [score = 3, milter.clam = reject] -> "
	    "quarantine \"reject\"\n", 0 },
	{ "where the condition does not hold nobody is asked", "on message {\n"
	    "milter clam when message.size < 1k\n}\n", "message.size = 2k\n"
	    "milter.clam = reject", PHASE_MESSAGE,
	    "at message: accept, no rule decided\n"
	    "  r:2: when message.size < 1k [message.size = 2k] -> no\n", 0 },
	{ "too many of a limit", "on message {\nmany: limit 5/1h per "
	    "client.ip, else milter clam\n}\n",
	    "limit many = 6\nmilter.clam = reject", PHASE_MESSAGE,
	    "at message: milter clam by many\n"
	    "  r:2 many: limit 5/1h per client.ip [limit = 6, client.ip = "
	    "none] -> milter clam: reject\n", 1 },

	/* --- before the message --- */
	{ "they are told, and nothing ends", "on mail {\nmilter spam\n"
	    "milter clam when spf is pass\nmilter spam\nlog \"x\"\n}\n",
	    "milter.spam = reject\nspf = pass", PHASE_MAIL,
	    "at mail: accept, no rule decided\n"
	    "  r:2: always -> milter spam\n"
	    "  r:3: when spf is pass [spf = pass] -> milter clam\n"
	    "  r:4: always -> milter spam\n"
	    "  r:5: always -> log \"x\"\n", 0 },
	{ "a refusal behind it", "on rcpt {\nmilter clam\nreject \"no\"\n}\n",
	    NULL, PHASE_RCPT, "at rcpt: reject 550 5.7.1 \"no\" by r:3\n"
	    "  r:2: always -> milter clam\n"
	    "  r:3: always -> reject 550 5.7.1 \"no\"\n", 0 },

	/* --- rules that observe --- */
	{ "an observer asks nobody", "on message {\no: observe milter clam\n"
	    "o2: observe log \"behind\"\nlog \"x\"\n}\n",
	    "milter.clam = reject", PHASE_MESSAGE,
	    "at message: accept, no rule decided\n"
	    "  r:2 o: always -> would milter clam\n"
	    "  r:3 o2: always -> would log \"behind\"\n"
	    "  r:4: always -> log \"x\"\n", 0 },
	{ "and has nobody told", "observe on connect {\nmilter clam\n}\n",
	    NULL, PHASE_CONNECT, "at connect: accept, no rule decided\n"
	    "  r:2: always -> would milter clam\n", 0 },

	/* --- what cannot be told --- */
	{ "who may be a friend is not refused by a filter", S "on message {\n"
	    "friend: accept when sender in $s\nmilter clam\n}\n",
	    "set s = none\nmilter.clam = reject", PHASE_MESSAGE,
	    "at message: defer 451 4.3.0 " WAIT " by r:4, since friend cannot "
	    "be told\n"
	    "  r:3 friend: when sender in $s [sender = \"alice@example.com\", "
	    "sender in $s = unknown] -> cannot be told\n"
	    "  r:4: always -> milter clam: reject\n", 1 },
	{ "nor is his mail discarded", S "on mail {\ntag friend when sender in "
	    "$s\n}\non message {\nmilter clam when not tagged friend\n}\n",
	    "set s = none\nmilter.clam = discard", PHASE_MESSAGE,
	    "at message: defer 451 4.3.0 " WAIT " by r:6, since r:3 cannot be "
	    "told\n"
	    "  r:6: when not tagged friend -> milter clam: discard\n", 1 },
	{ "what it defers is deferred by it", S "on message {\n"
	    "accept when sender in $s\nmilter clam\n}\n",
	    "set s = none\nmilter.clam = tempfail", PHASE_MESSAGE,
	    "at message: milter clam by r:4\n"
	    "  r:3: when sender in $s [sender = \"alice@example.com\", sender "
	    "in $s = unknown] -> cannot be told\n"
	    "  r:4: always -> milter clam: tempfail\n", 1 },
	{ "a filter that was not asked might have deferred", S "on message {\n"
	    "m: milter clam when sender in $s\nreject \"no\"\n}\n",
	    "set s = none\nmilter.clam = accept", PHASE_MESSAGE,
	    "at message: defer 451 4.3.0 " WAIT " by r:4, since m cannot be "
	    "told\n"
	    "  r:3 m: when sender in $s [sender = \"alice@example.com\", "
	    "sender in $s = unknown] -> cannot be told\n"
	    "  r:4: always -> reject 550 5.7.1 \"no\"\n", 0 },
};

static void
test_traces(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_trial t = { .rules = cases[i].rules,
		    .facts = cases[i].facts };

		if (rule_trial_begin(&t)) {
			for (size_t p = 0; p <= cases[i].phase; p++)
				rule_trial_run(&t, (enum phase)p);
			T_STR(cases[i].name, rule_trial_trace(&t),
			    cases[i].want);
			T_INT(cases[i].name, t.consulted, cases[i].consulted);
		} else
			T_STR(cases[i].name, t.report, "");
		rule_trial_end(&t);
	}
}

/* --- who is to be told --- */

static void
test_told(void)
{
	struct rule_trial t = { .rules = "on connect {\nmilter spam when "
	    "client.port is 1\n}\non mail {\nmilter spam\n}\non rcpt {\n"
	    "milter clam\nobserve milter spam\n}\n" };
	static const unsigned want[PHASES] = { [PHASE_MAIL] = 1u << 1,
	    [PHASE_RCPT] = 1u << 0 };

	if (!rule_trial_begin(&t))
		T_STR("these are rules", t.report, "");
	for (size_t i = 0; t.parsed != NULL && i < PHASES; i++) {
		rule_trial_run(&t, (enum phase)i);
		T_INT("a bit for each, of this phase alone",
		    t.verdict.milters, want[i]);
	}
	rule_trial_end(&t);
}

/* --- a run that stops, and another message --- */

static unsigned left;			/* facts that are not known yet */

static MAY_YIELD int
get_later(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	if (left > 0 && ref->fact->id == FACT_DMARC) {
		left--;
		return err_set(err, ERR_UNAVAIL, "not known yet");
	}
	rule_trial_find(owner, ref, value);
	return 0;
}

static void
test_once(void)
{
	struct rule_trial t = { .rules = "on message {\nmilter clam\n"
	    "log \"x\" when dmarc is fail\nmilter spam\n}\n",
	    .facts = "milter.clam = accept\nmilter.spam = reject",
	    .source = { .get = get_later } };

	left = 1;
	if (rule_trial_begin(&t)) {
		T_INT("it stops", rule_trial_run(&t, PHASE_MESSAGE), -1);
		T_INT("the first was asked", t.consulted, 1);
		T_INT("it goes on", rule_trial_run(&t, PHASE_MESSAGE), 0);
		T_INT("and is not asked again", t.consulted, 2);
		T_INT("the second decides", t.verdict.kind, ACTION_MILTER);
		T_INT("which is this one", (long long)t.verdict.milter, 1);
		evaluation_forget(t.evaluation, FACT_OF_MAIL);
		rule_trial_run(&t, PHASE_MESSAGE);
		T_INT("another mail asks both", t.consulted, 4);
	}
	rule_trial_end(&t);
}

/* --- JSON --- */

static void
test_json(void)
{
	struct rule_trial t = { .rules = "on message {\nmilter spam\n"
	    "milter clam\n}\n", .facts = "milter.spam = quarantine\n"
	    "milter.clam = reject" };
	json_t *json;
	char *text;

	if (rule_trial_begin(&t)) {
		rule_trial_run(&t, PHASE_MESSAGE);
		json = rule_trace_json(&t.trace, &t.verdict);
		text = json_dumps(json, JSON_COMPACT);
		T_STR("json", text, "{\"phase\":\"message\",\"verdict\":"
		    "{\"action\":\"milter\",\"file\":\"r\",\"line\":3,"
		    "\"rule\":\"r:3\",\"name\":\"clam\"},\"rules\":["
		    "{\"file\":\"r\",\"line\":2,\"rule\":\"r:2\",\"held\":true,"
		    "\"observed\":false,\"action\":\"milter\",\"name\":\"spam\","
		    "\"said\":\"quarantine\",\"decided\":false,\"facts\":{}},"
		    "{\"file\":\"r\",\"line\":3,\"rule\":\"r:3\",\"held\":true,"
		    "\"observed\":false,\"action\":\"milter\",\"name\":\"clam\","
		    "\"said\":\"reject\",\"decided\":true,\"facts\":{}}]}");
		free(text);
		json_decref(json);
	}
	rule_trial_end(&t);
}

/* --- the plan --- */

static void
test_plan(void)
{
	struct rule_trial t = { .rules = "on connect {\nmilter spam\n"
	    "trust when client.ip is none\n}\non message {\nlog \"x\"\n"
	    "milter spam\n}\n" };

	if (rule_trial_begin(&t)) {
		struct rule_plan *plan = rule_plan(t.arena, t.parsed);

		T_INT("to have one told costs nothing",
		    (long long)plan->phases[PHASE_CONNECT].leading, 2);
		T_INT("to ask one does",
		    (long long)plan->phases[PHASE_MESSAGE].leading, 1);
		T_OK("without its fact", !plan->facts[FACT_MILTER]);
	}
	rule_trial_end(&t);
}

/* --- tests of rules --- */

static const char tested[] =
    "on mail {\nmilter spam when sender is none\n}\n"
    "on message {\nvirus: milter clam\n"
    "trial: observe milter spam when milter.spam is reject\n"
    "late: reject \"no\" when message.size > 1k\n}\n";

static const struct {
	const char	*name, *lines;
	const char	*want;		/* of the test; "": it passes */
} tests[] = {
	{ "it decides", "milter.clam = reject\nexpect milter clam\n"
	    "expect milter clam by virus\nexpect message milter clam\n", "" },
	{ "or not", "milter.clam = accept\nexpect no milter\n"
	    "expect no milter clam\nexpect no verdict\n", "" },
	{ "it was not given", "message.size = 2k\nexpect reject by late\n",
	    "" },
	{ "it is told", "sender = none\nexpect mail milter spam\n"
	    "expect rcpt milter spam\nexpect no milter\n"
	    "expect connect no milter\nexpect mail no milter clam\n", "" },
	{ "what would be", "milter.spam = reject\n"
	    "expect would milter spam by trial\n"
	    "expect not would milter clam\n", "" },
	{ "another one decides", "milter.clam = discard\n"
	    "expect no milter clam\nexpect milter spam by virus\n",
	    "f:1: FAILED: t\n"
	    "  f:3: expected no milter clam\n"
	    "      got milter clam by virus\n"
	    "  f:4: expected milter spam by virus\n"
	    "      got milter clam by virus\n" },
	{ "another one is told", "sender = none\n"
	    "expect mail milter clam\nexpect connect milter spam\n"
	    "expect rcpt no milter\n",
	    "f:1: FAILED: t\n"
	    "  f:4: expected connect milter spam\n"
	    "      got no milter\n"
	    "  f:3: expected mail milter clam\n"
	    "      got milter spam\n"
	    "  f:5: expected rcpt no milter\n"
	    "      got milter spam\n" },
};

static void
test_test(size_t i)
{
	struct rule_trial t = { .rules = tested };
	struct diagnostics *d;
	struct rule_tests *list;
	struct buf out = {0};
	const char *got;

	if (!rule_trial_begin(&t))
		return;
	d = diagnostics_create(t.arena);
	list = rule_tests_read_text(t.arena, "f", span_z(arena_printf(t.arena,
	    "test \"t\" {\n%s}\n", tests[i].lines)), t.parsed, d);
	T_STR(tests[i].name, diagnostics_text(d, t.arena), "");
	if (list != NULL)
		T_INT(tests[i].name, rule_test_run(list->list[0], t.parsed,
		    &out), tests[i].want[0] == '\0');
	/* Without the traces behind it. */
	got = arena_copy(t.arena, buf_text(&out));
	if (strstr(got, "at connect: ") != NULL)
		got = arena_copy(t.arena, span_n(got,
		    (size_t)(strstr(got, "at connect: ") - got)));
	T_STR(tests[i].name, got, tests[i].want);
	buf_free(&out);
	rule_trial_end(&t);
}

static const struct {
	const char	*name, *line, *want;
} bad_lines[] = {
	{ "a filter that there is not", "milter.clm = reject\nexpect accept",
	    "f:2:1: unknown milter \"clm\"\n  milter.clm = reject\n  ^\n"
	    "  did you mean \"milter.clam\"?\n" },
	{ "nothing like one", "milter.zzz = reject\nexpect accept",
	    "f:2:1: unknown milter \"zzz\"\n  milter.zzz = reject\n  ^\n" },
	{ "a word that it cannot say", "milter.clam = pass\nexpect accept",
	    "f:2:15: milter.clam is never \"pass\": expected none, accept, "
	    "reject, tempfail, discard, quarantine or error\n"
	    "  milter.clam = pass\n                ^\n" },
	{ "no name", "expect milter",
	    "f:2:14: expected the name of a filter behind milter, found the "
	    "end of the line\n  expect milter\n               ^\n" },
	{ "a name of no rule", "expect milter clm",
	    "f:2:15: no rule has a milter \"clm\"\n  expect milter clm\n"
	    "                ^\n  did you mean \"clam\"?\n" },
	{ "by, where none decides", "expect mail milter spam by virus",
	    "f:2:25: expected the end of the line, found \"by\"\n"
	    "  expect mail milter spam by virus\n"
	    "                          ^\n" },
};

static void
test_bad_lines(void)
{
	for (size_t i = 0; i < sizeof(bad_lines) / sizeof(bad_lines[0]); i++) {
		struct rule_trial t = { .rules = tested };
		struct diagnostics *d;

		if (rule_trial_begin(&t)) {
			d = diagnostics_create(t.arena);
			rule_tests_read_text(t.arena, "f", span_z(arena_printf(
			    t.arena, "test \"t\" {\n%s\n}\n",
			    bad_lines[i].line)), t.parsed, d);
			T_STR(bad_lines[i].name, diagnostics_text(d, t.arena),
			    bad_lines[i].want);
		}
		rule_trial_end(&t);
	}
}

int
main(void)
{
	test_traces();
	test_told();
	test_once();
	test_json();
	test_plan();
	for (size_t i = 0; i < sizeof(tests) / sizeof(tests[0]); i++)
		test_test(i);
	test_bad_lines();
	return t_done();
}
