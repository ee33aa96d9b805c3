#include <stdlib.h>
#include <string.h>

#include "policy/rule_trace.h"
#include "policy/test_facts.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* Sets in Redis: what is asked, what came out, and what follows if nothing
 * did. */
#define S	"set s = redis \"s\"\n"
#define T	"set t = redis \"t\"\n"
#define WAIT	"\"Something could not be checked, please try again later\""

static const struct {
	const char	*name, *rules, *facts;
	enum phase	 phase;
	const char	*want;			/* trace */
} cases[] = {
	{ "a member", S "on mail {\nreject \"x\" when sender in $s\n}\n",
	    "sender = \"A@b.example\"\nset s = { \"u\", \"b.example\" }",
	    PHASE_MAIL, "at mail: reject 550 5.7.1 \"x\" by r:3\n"
	    "  r:3: when sender in $s [sender = \"A@b.example\", sender in $s "
	    "= \"b.example\"] -> reject 550 5.7.1 \"x\"\n" },
	{ "the first of two that are asked", S "on mail {\nlog \"x\" when "
	    "sender in $s\n}\n", "sender = \"a@b.example\"\n"
	    "set s = { \".example\", \"a@\" }", PHASE_MAIL,
	    "at mail: accept, no rule decided\n"
	    "  r:3: when sender in $s [sender = \"a@b.example\", sender in $s "
	    "= \"a@\"] -> log \"x\"\n" },
	{ "no member", S "on mail {\nlog \"x\" when sender not in $s\n}\n",
	    "sender = \"a@b.example\"\nset s = { \"B.example\" }",
	    PHASE_MAIL, "at mail: accept, no rule decided\n"
	    "  r:3: when sender not in $s [sender = \"a@b.example\", sender in "
	    "$s = no] -> log \"x\"\n" },
	{ "an address", S "on connect {\nlog \"x\" when client.ip in $s\n}\n",
	    "client.ip = 192.0.2.1\nset s = { 192.0.2.0/24 }", PHASE_CONNECT,
	    "at connect: accept, no rule decided\n"
	    "  r:3: when client.ip in $s [client.ip = 192.0.2.1, client.ip in "
	    "$s = \"192.0.2.0/24\"] -> log \"x\"\n" },
	{ "none is in no set and is not asked", S "on mail {\nlog \"x\" when "
	    "sender not in $s\n}\n", "sender = none\nset s = none", PHASE_MAIL,
	    "at mail: accept, no rule decided\n"
	    "  r:3: when sender not in $s [sender = none] -> log \"x\"\n" },
	{ "an empty list neither", S "on message {\nlog \"x\" when "
	    "dkim.domains in $s\n}\n", "set s = none", PHASE_MESSAGE,
	    "at message: accept, no rule decided\n"
	    "  r:3: when dkim.domains in $s [dkim.domains = { }] -> no\n" },
	{ "of a list any item", S "on message {\nlog \"x\" when dkim.domains "
	    "in $s\n}\n", "dkim.domains = { \"a.example\", \"b.test\" }\n"
	    "set s = { \".test\" }", PHASE_MESSAGE,
	    "at message: accept, no rule decided\n"
	    "  r:3: when dkim.domains in $s [dkim.domains = { \"a.example\", "
	    "\"b.test\" }, dkim.domains in $s = \".test\"] -> log \"x\"\n" },

	{ "no answer", S "on mail {\nlog \"x\" when sender in $s\n"
	    "log \"y\" when sender not in $s\n}\n", "set s = none",
	    PHASE_MAIL, "at mail: accept, no rule decided\n"
	    "  r:3: when sender in $s [sender = \"alice@example.com\", sender "
	    "in $s = unknown] -> cannot be told\n"
	    "  r:4: when sender not in $s [sender = \"alice@example.com\", "
	    "sender in $s = unknown] -> cannot be told\n" },
	{ "a refusal by it is none", S "on mail {\nreject \"x\" when sender "
	    "not in $s\nreject \"y\"\n}\n", "set s = none", PHASE_MAIL,
	    "at mail: reject 550 5.7.1 \"y\" by r:4\n"
	    "  r:3: when sender not in $s [sender = \"alice@example.com\", "
	    "sender in $s = unknown] -> cannot be told\n"
	    "  r:4: always -> reject 550 5.7.1 \"y\"\n" },
	{ "who may be trusted is not refused for good", S "on mail {\n"
	    "friend: trust when sender in $s\nreject \"y\"\n}\n",
	    "set s = none", PHASE_MAIL, "at mail: defer 451 4.3.0 " WAIT
	    " by r:4, since friend cannot be told\n"
	    "  r:3 friend: when sender in $s [sender = \"alice@example.com\", "
	    "sender in $s = unknown] -> cannot be told\n"
	    "  r:4: always -> reject 550 5.7.1 \"y\"\n" },
	{ "where it goes", S "on rcpt {\nroute one\nroute two when rcpt in $s\n}\n",
	    "set s = none", PHASE_RCPT,
	    "at rcpt: accept, no rule decided; its route depends on r:4, which "
	    "cannot be told\n"
	    "  r:3: always -> route one\n"
	    "  r:4: when rcpt in $s [rcpt = \"bob@example.org\", rcpt in $s = "
	    "unknown] -> cannot be told\n" },
	{ "where it goes, of which a later rule decides", S "on rcpt {\n"
	    "when rcpt in $s {\nroute one\n}\nroute two\n}\n",
	    "set s = none", PHASE_RCPT,
	    "at rcpt: accept, no rule decided\n"
	    "  r:3: when rcpt in $s [rcpt = \"bob@example.org\", rcpt in $s = "
	    "unknown] -> cannot be told\n"
	    "  r:6: always -> route two\n" },
	{ "where it would go", S "observe on rcpt {\nroute one when rcpt in $s\n"
	    "}\n", "set s = none", PHASE_RCPT,
	    "at rcpt: accept, no rule decided\n"
	    "  r:3: when rcpt in $s [rcpt = \"bob@example.org\", rcpt in $s = "
	    "unknown] -> cannot be told\n" },
	{ "a group", S "on mail {\nwhen sender in $s {\nlog \"x\"\n"
	    "accept\n}\ndisconnect 554 \"y\"\n}\n", "set s = none", PHASE_MAIL,
	    "at mail: disconnect 421 4.3.0 " WAIT
	    " by r:7, since r:5 cannot be told\n"
	    "  r:3: when sender in $s [sender = \"alice@example.com\", sender "
	    "in $s = unknown] -> cannot be told\n"
	    "  r:7: always -> disconnect 554 5.7.0 \"y\"\n" },
	{ "observed, the same", S "observe on mail {\naccept when sender in "
	    "$s\nreject \"y\"\n}\n", "set s = none", PHASE_MAIL,
	    "at mail: accept, no rule decided; would defer 451 4.3.0 " WAIT
	    " by r:4, since r:3 cannot be told\n"
	    "  r:3: when sender in $s [sender = \"alice@example.com\", sender "
	    "in $s = unknown] -> cannot be told\n"
	    "  r:4: always -> would reject 550 5.7.1 \"y\"\n" },
	{ "observers do not touch what acts", S "on mail {\nobserve accept "
	    "when sender in $s\nreject \"y\"\n}\n", "set s = none",
	    PHASE_MAIL, "at mail: reject 550 5.7.1 \"y\" by r:4\n"
	    "  r:3: when sender in $s [sender = \"alice@example.com\", sender "
	    "in $s = unknown] -> cannot be told\n"
	    "  r:4: always -> reject 550 5.7.1 \"y\"\n" },
};

/* A condition of s, which is told, and t, which is not: whether it holds. */
static const struct {
	const char	*when, *s;
	char		 want;			/* y, n, ? */
} logic[] = {
	{ "sender in $t", "", '?' },
	{ "not sender in $t", "", '?' },
	{ "sender in $t or sender in $s", "\"alice@\"", 'y' },
	{ "sender in $s or sender in $t", "\"alice@\"", 'y' },
	{ "sender in $t or sender in $s", "", '?' },
	{ "sender in $s or sender in $t", "", '?' },
	{ "sender in $t and sender in $s", "\"alice@\"", '?' },
	{ "sender in $s and sender in $t", "\"alice@\"", '?' },
	{ "sender in $t and sender in $s", "", 'n' },
	{ "sender in $s and sender in $t", "", 'n' },
	{ "not (sender in $t and sender in $s)", "", 'y' },
	{ "not (sender in $t or sender in $s)", "\"alice@\"", 'n' },
	{ "sender in $t and sender in $t or sender in $s", "\"alice@\"",
	    'y' },
	{ "(sender in $t or client.port > 5) and sender in $s", "", 'n' },
	{ "(sender in $t or client.port > 5) and (sender in $s or "
	    "sender.domain is \"example.com\")", "", '?' },
	{ "sender in $t or sender in $t or sender in $t or sender in $s", "",
	    '?' },
	{ "sender in $t or not (sender in $s and sender in $t)", "", 'y' },
};

/* What may have been different if it had been told, in front of a refusal. */
static const struct {
	const char	*action;
	bool		 helps;
} helpers[] = {
	{ "accept", true }, { "trust", true }, { "defer \"x\"", true },
	{ "disconnect 421 \"x\"", true }, { "disconnect 554 \"x\"", false },
	{ "reject \"x\"", false }, { "discard \"x\"", true },
	{ "tag a", true }, { "score 1", false }, { "score -1", true },
	{ "score rcpt.count", true }, { "log \"x\"", false },
	{ "delay 1s", false }, { "greylist", true },
	{ "limit 1/1h per client.ip, else reject \"x\"", false },
	{ "limit 1/1h per client.ip, else accept", true },
};

static void
test_traces(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct rule_trial t = { .rules = cases[i].rules,
		    .facts = cases[i].facts };

		if (!rule_trial_begin(&t))
			abort();
		T_INT(cases[i].name, rule_trial_run(&t, cases[i].phase), 0);
		T_STR(cases[i].name, rule_trial_trace(&t), cases[i].want);
		rule_trial_end(&t);
	}
}

static void
test_logic(void)
{
	for (size_t i = 0; i < sizeof(logic) / sizeof(*logic); i++) {
		char rules[512], facts[128];
		struct rule_trial t = { .rules = rules, .facts = facts };
		const struct rule_step *step;

		snprintf(rules, sizeof(rules), S T
		    "on mail {\nlog \"x\" when %s\n}\n", logic[i].when);
		snprintf(facts, sizeof(facts), "set s = { %s }\nset t = none",
		    logic[i].s);
		if (!rule_trial_begin(&t))
			abort();
		T_INT(logic[i].when, rule_trial_run(&t, PHASE_MAIL), 0);
		step = &t.trace.steps[0];
		T_INT(logic[i].when, step->is_untold ? '?' :
		    step->applied ? 'y' : 'n', logic[i].want);
		rule_trial_end(&t);
	}
}

static void
test_helpers(void)
{
	for (size_t i = 0; i < sizeof(helpers) / sizeof(*helpers); i++) {
		char rules[512];
		struct rule_trial t = { .rules = rules,
		    .facts = "set s = none" };

		snprintf(rules, sizeof(rules), S "on rcpt {\n%s when sender in "
		    "$s\nlog \"{score}\" when tagged a\nreject \"no\"\n}\n",
		    helpers[i].action);
		if (!rule_trial_begin(&t))
			abort();
		T_INT(helpers[i].action, rule_trial_run(&t, PHASE_RCPT), 0);
		T_INT(helpers[i].action, t.verdict.code,
		    helpers[i].helps ? 451 : 550);
		T_OK(helpers[i].action, (t.verdict.unsure != NULL) ==
		    helpers[i].helps);
		rule_trial_end(&t);
	}
}

static const char *
rcpt(struct rule_trial *t, const char *facts)
{
	t->given = rule_trial_facts(t, facts);
	if (t->given == NULL)
		abort();
	evaluation_forget(t->evaluation, FACT_OF_RCPT);
	if (rule_trial_run(t, PHASE_RCPT) < 0)
		abort();
	return t->verdict.kind == ACTION_DEFER ? "later" :
	    t->verdict.kind == ACTION_REJECT ? "no" : "yes";
}

static struct span
class_of(struct rule_trial *t)
{
	struct span class = span_z("");

	T_INT("class", evaluation_rcpt_class(t->evaluation, t->arena, &class,
	    &t->err), 0);
	return class;
}

/* As long as what its score would have been. */
static void
test_scopes(void)
{
	struct rule_trial t = { .rules = S T
	    "on connect {\naccept when client.ip in $s\n}\n"
	    "on rcpt {\naccept when rcpt in $t\nreject \"x\" when "
	    "rcpt.domain is \"x.example\"\n}\n"
	    "on message {\ndiscard \"x\"\n}\n",
	    .facts = "client.ip = 192.0.2.1" };
	struct span sure, unsure;

	if (!rule_trial_begin(&t))
		abort();
	rule_trial_run(&t, PHASE_CONNECT);
	T_INT("one question", t.asked, 1);
	T_STR("told", rcpt(&t, "rcpt = \"a@x.example\""), "no");
	T_STR("of one recipient not", rcpt(&t, "rcpt = \"b@x.example\"\n"
	    "set t = none"), "later");
	unsure = class_of(&t);
	T_STR("of the next one", rcpt(&t, "rcpt = \"c@x.example\""), "no");
	T_INT("each is asked once", t.asked, 4);
	T_STR("who is in it", rcpt(&t, "rcpt = \"c@y.example\""), "yes");
	sure = class_of(&t);
	T_OK("whom the message may refuse, and whom not, are apart",
	    !span_eq(sure, unsure));
	evaluation_rcpt_keep(t.evaluation);
	T_STR("unsure", rcpt(&t, "rcpt = \"b@y.example\"\nset t = none"),
	    "yes");
	evaluation_rcpt_restore(t.evaluation);
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT("the message is that of the first", t.verdict.kind,
	    ACTION_DISCARD);
	evaluation_forget(t.evaluation, FACT_OF_SESSION);
	t.given = rule_trial_facts(&t, "client.ip = 192.0.2.1\nset s = none");
	rule_trial_run(&t, PHASE_CONNECT);
	T_STR("of the client: for the session", rcpt(&t,
	    "rcpt = \"a@x.example\""), "later");
	T_STR("and the next recipient", rcpt(&t, "rcpt = \"c@x.example\""),
	    "later");
	rule_trial_run(&t, PHASE_MESSAGE);
	T_INT("nothing is thrown away", t.verdict.kind, ACTION_DEFER);
	rule_trial_end(&t);
}

/* The same question of two rules is one; of two facts, or sets, two. */
static void
test_once(void)
{
	struct rule_trial t = { .rules = S T
	    "set s2 = redis \"s\"\n"
	    "on mail {\nlog \"x\" when sender in $s or sender in $s2\n"
	    "log \"x\" when not sender in $s\nlog \"x\" when sender.domain in "
	    "$s\nlog \"x\" when sender in $t\n}\n"
	    "on rcpt {\nlog \"x\" when sender in $s\n}\n" };

	if (!rule_trial_begin(&t))
		abort();
	rule_trial_run(&t, PHASE_MAIL);
	T_INT("three questions", t.asked, 3);
	rule_trial_run(&t, PHASE_MAIL);
	rule_trial_run(&t, PHASE_RCPT);
	T_INT("once while the fact lasts", t.asked, 3);
	evaluation_forget(t.evaluation, FACT_OF_MAIL);
	rule_trial_run(&t, PHASE_MAIL);
	T_INT("and anew for the next mail", t.asked, 6);
	rule_trial_end(&t);
}

static unsigned refusals;

static MAY_YIELD int
not_yet(void *owner, const struct set_decl *set, const struct value *value,
    struct set_answer *answer, struct err *err)
{
	struct rule_trial *t = owner;

	if (refusals++ < 2)
		return err_set(err, ERR_UNAVAIL, "not yet");
	test_facts_ask(t->given, set, value, answer);
	return 0;
}

/* What cannot wait now is asked again; then all is as if it had waited. */
static void
test_not_yet(void)
{
	struct rule_trial t = { .rules = S "on mail {\nlog \"1\"\n"
	    "log \"x\" when sender in $s\n}\n",
	    .facts = "set s = { \"alice@\" }", .source.member = not_yet };

	if (!rule_trial_begin(&t))
		abort();
	T_INT("stops", rule_trial_run(&t, PHASE_MAIL), -1);
	T_STR("for that", t.err.text, "not yet");
	T_INT("still", rule_trial_run(&t, PHASE_MAIL), -1);
	T_INT("goes on", rule_trial_run(&t, PHASE_MAIL), 0);
	T_INT("with all of it", t.verdict.nlogs, 2);
	rule_trial_end(&t);
}

static void
test_json(void)
{
	struct rule_trial t = { .rules = S T "on mail {\n"
	    "log \"x\" when sender in $s\n"
	    "f: accept when sender.domain in $t\n"
	    "reject \"no\"\n}\n", .facts = "sender = \"a@b.example\"\n"
	    "set s = { \"a@\" }\nset t = none" };
	static const char *const wanted[] = {
		("{\"set\": \"s\", \"fact\": \"sender\", \"in\": true, "
		    "\"member\": \"a@\"}"),
		"{\"set\": \"t\", \"fact\": \"sender.domain\", \"in\": null}",
		"\"unsure\": \"f\"", "\"held\": null", "\"code\": 451",
	};
	json_t *json;
	char *text;

	if (!rule_trial_begin(&t))
		abort();
	rule_trial_run(&t, PHASE_MAIL);
	json = rule_trace_json(&t.trace, &t.verdict);
	text = json_dumps(json, 0);
	for (size_t i = 0; i < sizeof(wanted) / sizeof(*wanted); i++)
		T_OK(wanted[i], strstr(text, wanted[i]) != NULL);
	free(text);
	json_decref(json);
	rule_trial_end(&t);
}

int
main(void)
{
	test_traces();
	test_logic();
	test_helpers();
	test_scopes();
	test_once();
	test_not_yet();
	test_json();
	return t_done();
}
