#include <stdlib.h>
#include <string.h>

#include "policy/rule_plan.h"
#include "policy/rule_trace.h"
#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* Actions that do another one or nothing: greylist and limit. */

static const struct {
	const char	*name, *rules, *facts;
	enum phase	 phase;
	const char	*want;			/* trace */
} cases[] = {
	{ "no store has been asked", "on rcpt {\ngreylist\n}\n", NULL,
	    PHASE_RCPT, "at rcpt: accept, no rule decided\n"
	    "  r:2: greylist [greylist = exempt] -> goes on\n" },
	{ "the first try", "on rcpt {\ngreylist\n}\n", "greylist = new",
	    PHASE_RCPT, "at rcpt: defer 451 4.7.1 \"Greylisted, try again in "
	    "5m\" by r:2\n"
	    "  r:2: greylist [greylist = new, greylist.left = 5m] -> defer 451 "
	    "4.7.1 \"Greylisted, try again in 5m\"\n" },
	{ "too soon", "on rcpt {\ng: greylist \"{greylist.left} more\" when "
	    "client.port > 0\n}\n", "greylist = early\ngreylist.left = 200s\n"
	    "client.port = 25", PHASE_RCPT,
	    "at rcpt: defer 451 4.7.1 \"200s more\" by g\n"
	    "  r:2 g: when client.port > 0, greylist [client.port = 25, "
	    "greylist = early, greylist.left = 200s] -> defer 451 4.7.1 "
	    "\"200s more\"\n" },
	{ "a condition that does not hold", "on rcpt {\ngreylist when "
	    "client.port > 25\n}\n", "greylist = new\nclient.port = 25",
	    PHASE_RCPT, "at rcpt: accept, no rule decided\n"
	    "  r:2: when client.port > 25, greylist [client.port = 25] -> no\n"
	    },
	{ "come again", "on rcpt {\ngreylist\n}\n", "greylist = passed",
	    PHASE_RCPT, "at rcpt: accept, no rule decided\n"
	    "  r:2: greylist [greylist = passed] -> goes on\n" },
	{ "known", "on rcpt {\ngreylist\n}\n", "greylist = identity-known",
	    PHASE_RCPT, "at rcpt: accept, no rule decided\n"
	    "  r:2: greylist [greylist = identity-known] -> goes on\n" },
	{ "no answer", "on rcpt {\ngreylist\n}\n", "greylist = unknown",
	    PHASE_RCPT, "at rcpt: accept, no rule decided\n"
	    "  r:2: greylist [greylist = unknown] -> goes on\n" },
	{ "observed", "on rcpt {\nobserve greylist\nlog \"on\"\n}\n",
	    "greylist = new", PHASE_RCPT,
	    "at rcpt: accept, no rule decided; would defer 451 4.7.1 "
	    "\"Greylisted, try again in 5m\" by r:2\n"
	    "  r:2: greylist [greylist = new, greylist.left = 5m] -> would "
	    "defer 451 4.7.1 \"Greylisted, try again in 5m\"\n"
	    "  r:3: always -> log \"on\"\n" },

	{ "under the limit", "on connect {\nlimit 100/1h per client.network\n"
	    "}\n", "client.ip = 192.0.2.1", PHASE_CONNECT,
	    "at connect: accept, no rule decided\n"
	    "  r:2: limit 100/1h per client.network [limit = 0, "
	    "client.network = 192.0.2.0/24] -> goes on\n" },
	{ "at the limit", "on mail {\nl: limit 100/1h per client.ip\n}\n",
	    "limit l = 100", PHASE_MAIL, "at mail: accept, no rule decided\n"
	    "  r:2 l: limit 100/1h per client.ip [limit = 100, client.ip = "
	    "none] -> goes on\n" },
	{ "over it", "on mail {\nl: limit 100/1h per client.ip, spf\n}\n",
	    "limit l = 101", PHASE_MAIL,
	    "at mail: defer 451 4.7.1 \"Too many mails, try again later\" by "
	    "l\n"
	    "  r:2 l: limit 100/1h per client.ip, spf [limit = 101, client.ip "
	    "= none, spf = none] -> defer 451 4.7.1 \"Too many mails, try "
	    "again later\"\n" },
	{ "another action, and its facts", "on rcpt {\nl: limit 1/90m per "
	    "rcpt, else reject 552 \"no, {rcpt.local}\" when client.port is 25"
	    "\nlog \"x\"\n}\n", "limit \"l\" = 2\nclient.port = 25",
	    PHASE_RCPT, "at rcpt: reject 552 5.7.1 \"no, bob\" by l\n"
	    "  r:2 l: when client.port is 25, limit 1/90m per rcpt [limit = 2, "
	    "client.port = 25, rcpt = \"bob@example.org\", rcpt.local = "
	    "\"bob\"] -> reject 552 5.7.1 \"no, bob\"\n" },
	{ "one that goes on", "on helo {\nl: limit 1/1s per helo.name, else "
	    "score 2\nlimit 1/1s per client.ip, else tag x\n"
	    "log \"{score} {scores}\" when not tagged x\n}\n",
	    "limit l = 2\nlimit \"r:3\" = 1", PHASE_HELO,
	    "at helo: accept, no rule decided\n"
	    "  r:2 l: limit 1/1s per helo.name [limit = 2, helo.name = "
	    "\"mail.example.com\"] -> score 2\n"
	    "  r:3: limit 1/1s per client.ip [limit = 1, client.ip = none] -> "
	    "goes on\n"
	    "  r:4: when not tagged x [score = 2, scores = { \"l\" }] -> log "
	    "\"2 l\"\n" },
	{ "the store does not say", "on connect {\nl: limit 1/1s per "
	    "client.ip\n}\n", "limit l = none", PHASE_CONNECT,
	    "at connect: accept, no rule decided\n"
	    "  r:2 l: limit 1/1s per client.ip [limit = unknown, client.ip = "
	    "none] -> goes on\n" },
	{ "an observer", "on connect {\nl: observe limit 5/1d per client.ip, "
	    "else disconnect \"x\"\nlog \"on\"\n}\n", "limit l = 6",
	    PHASE_CONNECT, "at connect: accept, no rule decided; would "
	    "disconnect 421 4.7.0 \"x\" by l\n"
	    "  r:2 l: limit 5/1d per client.ip [limit = 6, client.ip = none] "
	    "-> would disconnect 421 4.7.0 \"x\"\n"
	    "  r:3: always -> log \"on\"\n" },
	{ "a header field", "on message {\nl: limit 5/1d per header \"X-Id\", "
	    "header-count \"X\", else discard \"x\"\n}\n",
	    "limit l = 6\nheader \"x-id\" = \"7\"", PHASE_MESSAGE,
	    "at message: discard \"x\" by l\n"
	    "  r:2 l: limit 5/1d per header \"X-Id\", header-count \"X\" "
	    "[limit = 6, header \"X-Id\" = \"7\", header-count \"X\" = 0] -> "
	    "discard \"x\"\n" },
};

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct rule_trial t = { .rules = cases[i].rules,
		    .facts = cases[i].facts };

		if (!rule_trial_begin(&t)) {
			T_STR(cases[i].name, t.report, "");
			continue;
		}
		T_INT(cases[i].name, rule_trial_run(&t, cases[i].phase), 0);
		T_STR(cases[i].name, rule_trial_trace(&t), cases[i].want);
		rule_trial_end(&t);
	}
}

/* --- what is counted, and when --- */

static const struct {
	const char	*name, *rule, *facts;
	const char	*want;			/* key */
} keys[] = {
	{ "by label", "big: limit 9/2h per client.ip",
	    "client.ip = 192.0.2.1", "limit big 7200s client.ip=192.0.2.1" },
	{ "by number", "limit 9/1m per client.network",
	    "client.ip = 2001:db8::7", "limit #1 60s client.network="
	    "2001:db8::/64" },
	{ "an observer has its own", "big: observe limit 9/1m per client.ip",
	    NULL, "observe big 60s client.ip=none" },
	{ "several facts, whatever their case", "big: limit 9/1d per sender, "
	    "header \"List-Id\", spf", "sender = \"Joe@A.example\"\n"
	    "header \"list-id\" = \"A \\\"list\\\" Of \xc3\x84\"",
	    "limit big 86400s sender=\"joe@a.example\" "
	    "header list-id=\"a \\\"list\\\" of \xc3\x84\" spf=none" },
	{ "a label has a case", "Big: limit 9/1d per client.tls", NULL,
	    "limit Big 86400s client.tls=no" },
};

static void
test_keys(void)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		struct arena *a = arena_create("keys");
		struct rule_trial t = { .facts = keys[i].facts };

		t.rules = arena_printf(a, "on message {\nlog \"x\"\n%s\n}\n",
		    keys[i].rule);
		if (rule_trial_begin(&t)) {
			rule_trial_run(&t, PHASE_MESSAGE);
			T_STR(keys[i].name, t.key, keys[i].want);
		} else
			T_STR(keys[i].name, t.report, "");
		rule_trial_end(&t);
		arena_destroy(&a);
	}
}

static const char counting[] =
    "on connect {\nlimit 9/1h per client.ip\n}\n"
    "on helo {\nlimit 9/1h per client.ip\n}\n"
    "on mail {\nlimit 9/1h per client.ip\n}\n"
    "on rcpt {\nlimit 9/1h per rcpt\nobserve limit 9/1h per rcpt\n}\n"
    "on message {\nlimit 9/1h per client.ip when client.port is 25\n}\n";

static const struct {
	const char	*name;
	enum fact_scope	 scope;			/* that is over */
	unsigned	 counted;		/* anew */
} scopes[] = {
	{ "once, however often they are run", FACT_OF_RULES, 0 },
	{ "the next recipient", FACT_OF_RCPT, 2 },
	{ "the next mail", FACT_OF_MAIL, 3 },
	{ "the next HELO", FACT_OF_HELO, 4 },
	{ "the next session", FACT_OF_SESSION, 5 },
};

static void
test_scopes(void)
{
	struct rule_trial t = { .rules = counting };

	if (!rule_trial_begin(&t)) {
		T_STR("scopes: rules", t.report, "");
		return;
	}
	rule_trial_all(&t);
	T_INT("what is not reached counts nothing", t.counted, 5);
	for (size_t i = 0; i < sizeof(scopes) / sizeof(scopes[0]); i++) {
		t.counted = 0;
		evaluation_forget(t.evaluation, scopes[i].scope);
		rule_trial_all(&t);
		rule_trial_all(&t);
		T_INT(scopes[i].name, t.counted, scopes[i].counted);
	}
	evaluation_rcpt_keep(t.evaluation);
	evaluation_rcpt_restore(t.evaluation);
	t.counted = 0;
	rule_trial_all(&t);
	T_INT("a recipient for the message is no other one", t.counted, 0);
	rule_trial_end(&t);
}

/* --- what is not known yet --- */

static unsigned asked, spf_asked;

static MAY_YIELD int
get_late(void *owner, const struct fact_ref *ref, struct value *value,
    struct err *err)
{
	if (ref->fact == fact_at(FACT_SPF) && spf_asked++ == 0)
		return err_set(err, ERR_UNAVAIL, "not known yet");
	rule_trial_find(owner, ref, value);
	return 0;
}

static MAY_YIELD int
count_late(void *owner, const struct rule *rule, struct span key,
    int64_t window, int64_t *number, struct err *err)
{
	struct rule_trial *t = owner;

	(void)key;
	if (asked++ == 0)
		return err_set(err, ERR_UNAVAIL, "not known yet");
	T_STR("of this rule", rule->name, "l");
	T_INT("in microseconds", window, INT64_C(3600) * 1000000);
	*number = 40 + ++t->counted;
	return 0;
}

static void
test_restart(void)
{
	struct rule_trial t = { .rules = "on mail {\nl: limit 40/1h per "
	    "client.ip, else score 1\nlog \"{spf}\"\n}\n",
	    .source = { .get = get_late, .count = count_late } };

	if (!rule_trial_begin(&t)) {
		T_STR("restart: rules", t.report, "");
		return;
	}
	T_INT("the store has not answered", rule_trial_run(&t, PHASE_MAIL),
	    -1);
	T_INT("now it has; SPF has not", rule_trial_run(&t, PHASE_MAIL), -1);
	T_INT("now all is known", rule_trial_run(&t, PHASE_MAIL), 0);
	T_INT("it was counted once", t.counted, 1);
	T_INT("and scored once", evaluation_score(t.evaluation), 100);
	T_STR("with that", rule_trial_trace(&t),
	    "at mail: accept, no rule decided\n"
	    "  r:2 l: limit 40/1h per client.ip [limit = 41, client.ip = none]"
	    " -> score 1\n"
	    "  r:3: always [spf = none] -> log \"none\"\n");
	rule_trial_end(&t);
}

/* --- trust --- */

static void
test_trust(void)
{
	struct rule_trial t = { .rules = "on connect {\nl: limit 1/1h per "
	    "client.ip, else trust\n}\non mail {\nreject \"x\"\n}\n",
	    .facts = "limit l = 2" };

	if (rule_trial_begin(&t)) {
		rule_trial_all(&t);
		T_STR("it lasts", rule_trial_verdict(&t),
		    "accept by l\ndelay 0\nroute \n");
	} else
		T_STR("trust: rules", t.report, "");
	rule_trial_end(&t);
}

/* --- recipients of one message --- */

static const struct {
	const char	*name, *rules;
	bool		 differ;
} classes[] = {
	{ "counted by the client", "on message {\nlimit 9/1h per client.ip\n}",
	    false },
	{ "counted by recipient", "on message {\nlimit 9/1h per rcpt\n}",
	    true },
	{ "whose text names him", "on message {\nlimit 9/1h per client.ip, "
	    "else reject \"{rcpt}\"\n}", true },
	{ "an observer", "on message {\nobserve limit 9/1h per rcpt\n}",
	    false },
	{ "a score that a limit gives", "on rcpt {\n"
	    "l: limit 9/1h per rcpt, else score 2\n}\n"
	    "on message {\nlog \"x\" when score > 1\n}", true },
	{ "a fact of the greylist", "on message {\nlog \"x\" when greylist "
	    "is known\n}", true },
};

static const char *
class_of(struct rule_trial *t, const char *facts)
{
	struct span class;

	t->given = rule_trial_facts(t, facts);
	evaluation_forget(t->evaluation, FACT_OF_RCPT);
	rule_trial_run(t, PHASE_RCPT);
	T_INT("class", evaluation_rcpt_class(t->evaluation, t->arena, &class,
	    &t->err), 0);
	return arena_copy(t->arena, class);
}

static void
test_classes(void)
{
	for (size_t i = 0; i < sizeof(classes) / sizeof(classes[0]); i++) {
		struct rule_trial t = { .rules = classes[i].rules };
		bool gives;

		if (!rule_trial_begin(&t)) {
			T_STR(classes[i].name, t.report, "");
			continue;
		}
		gives = t.parsed->phases[PHASE_RCPT].n > 0;
		T_INT(classes[i].name, strcmp(class_of(&t,
		    "rcpt = \"a@a.example\""), class_of(&t, gives ?
		    "rcpt = \"b@a.example\"\nlimit l = 10" :
		    "rcpt = \"b@a.example\"\ngreylist = known")) != 0,
		    classes[i].differ);
		rule_trial_end(&t);
	}
}

/* --- JSON --- */

static void
test_json(void)
{
	struct rule_trial t = { .rules = "on message {\n"
	    "l: limit 5/90s per client.ip, header-count \"To\", else reject "
	    "\"{client.port}\"\n}\n"
	    "on rcpt {\ngreylist\n"
	    "l2: limit 5/90s per client.ip, else score 2 when client.tls\n"
	    "l3: limit 5/1h per client.ip, else score 2\n}\n",
	    .facts = "limit l = 6\nlimit l3 = none" };
	json_t *json;
	char *text;

	if (!rule_trial_begin(&t)) {
		T_STR("json: rules", t.report, "");
		return;
	}
	rule_trial_run(&t, PHASE_RCPT);
	json = rule_trace_json(&t.trace, &t.verdict);
	text = json_dumps(json_object_get(json, "rules"), JSON_COMPACT |
	    JSON_REAL_PRECISION(6));
	T_STR("what lets pass", text,
	    "[{\"file\":\"r\",\"line\":5,\"rule\":\"r:5\",\"held\":true,"
	    "\"observed\":false,\"action\":\"greylist\",\"let-pass\":true,"
	    "\"effect\":{\"action\":\"defer\",\"code\":451,\"enhanced\":"
	    "\"4.7.1\"},\"facts\":{\"greylist\":\"exempt\"}},"
	    "{\"file\":\"r\",\"line\":6,\"rule\":\"l2\",\"when\":"
	    "\"client.tls\",\"held\":false,\"observed\":false,\"action\":"
	    "\"limit\",\"most\":5,\"window\":90.0,\"per\":[\"client.ip\"],"
	    "\"effect\":{\"action\":\"score\",\"score\":2.0},\"facts\":"
	    "{\"client.tls\":false}},"
	    "{\"file\":\"r\",\"line\":7,\"rule\":\"l3\",\"held\":true,"
	    "\"observed\":false,\"action\":\"limit\",\"most\":5,\"window\":"
	    "3600.0,\"per\":[\"client.ip\"],\"number\":null,\"let-pass\":true,"
	    "\"effect\":{\"action\":\"score\",\"score\":2.0},\"facts\":"
	    "{\"client.ip\":null}}]");
	free(text);
	json_decref(json);
	rule_trial_run(&t, PHASE_MESSAGE);
	json = rule_trace_json(&t.trace, &t.verdict);
	text = json_dumps(json, JSON_COMPACT | JSON_REAL_PRECISION(6));
	T_STR("what does not", text,
	    "{\"phase\":\"message\",\"verdict\":{\"action\":\"reject\","
	    "\"file\":\"r\",\"line\":2,\"rule\":\"l\",\"code\":550,"
	    "\"enhanced\":\"5.7.1\",\"text\":\"none\"},\"rules\":[{\"file\":"
	    "\"r\",\"line\":2,\"rule\":\"l\",\"held\":true,\"observed\":false,"
	    "\"action\":\"limit\",\"most\":5,\"window\":90.0,\"per\":"
	    "[\"client.ip\",\"header-count To\"],\"number\":6,\"let-pass\":"
	    "false,\"effect\":{\"action\":\"reject\",\"code\":550,"
	    "\"enhanced\":\"5.7.1\",\"text\":\"none\"},\"facts\":{\"client.ip\":"
	    "null,\"header-count To\":1,\"client.port\":null}}]}");
	free(text);
	json_decref(json);
	rule_trial_end(&t);
}

int
main(void)
{
	test_cases();
	test_keys();
	test_scopes();
	test_restart();
	test_trust();
	test_classes();
	test_json();
	return t_done();
}
