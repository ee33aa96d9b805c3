#include <stdio.h>
#include <string.h>

#include "tests/kit/rule_trial.h"
#include "tests/kit/t.h"

/* Every operator, over every type that it takes, with none and with lists.
 * The facts of each are given as in a rule test. */

static const char before[] =
    "set nets = { 192.0.2.0/24, 2001:db8::/32 }\n"
    "set names = { \"a.example\", \".b.example\" }\n"
    "set people = { \"u@a.example\", \"root@\" }\n"
    "dnsbl zen \"zen.example\" {\n127.0.0.2 score 5 tag spam\n"
    "127.0.0.3 score 1.5\n}\n"
    "dnsbl other \"o.example\" {\n127.0.0.2 score 2\n}\n";

static const struct {
	const char	*name, *cond, *facts;
	bool		 want;
} cases[] = {
	{ "yes", "client.early-talker", "client.early-talker = yes", true },
	{ "no", "client.early-talker", "client.early-talker = no", false },
	{ "not yes", "not client.early-talker", "client.early-talker = yes",
	    false },
	{ "word", "spf is fail", "spf = fail", true },
	{ "another word", "spf is fail", "spf = pass", false },
	{ "word, ==", "spf == fail", "spf = fail", true },
	{ "word, !=", "spf != fail", "spf = pass", true },
	{ "word none", "spf is none", "spf = none", true },
	{ "not word none", "spf is not none", "spf = fail", true },
	{ "words", "dmarc.policy in { quarantine, reject }",
	    "dmarc.policy = reject", true },
	{ "no such words", "dmarc.policy in { quarantine, reject }",
	    "dmarc.policy = none", false },
	{ "not in words", "dmarc.policy not in { quarantine, reject }",
	    "dmarc.policy = none", true },
	{ "int <", "rcpt.count < 3", "rcpt.count = 2", true },
	{ "int < the same", "rcpt.count < 3", "rcpt.count = 3", false },
	{ "int <=", "rcpt.count <= 3", "rcpt.count = 3", true },
	{ "int >", "rcpt.count > 3", "rcpt.count = 4", true },
	{ "int > the same", "rcpt.count > 3", "rcpt.count = 3", false },
	{ "int >=", "rcpt.count >= 3", "rcpt.count = 3", true },
	{ "int ==", "rcpt.count == 3", "rcpt.count = 3", true },
	{ "int !=", "rcpt.count != 3", "rcpt.count = 3", false },
	{ "number in hundredths", "dnsbl.score > 1.49", "dnsbl.score = 1.5",
	    true },
	{ "number below 0", "dnsbl.score < 0", "dnsbl.score = -0.01", true },
	{ "size", "message.size < 25M", "message.size = 24M", true },
	{ "size, no unit", "message.size <= 1024", "message.size = 1k", true },
	{ "size none: no order", "message.declared-size < 25M", "", false },
	{ "size none: no order the other way",
	    "message.declared-size >= 0", "", false },
	{ "not an order of none", "not message.declared-size < 25M", "",
	    true },
	{ "number none is not", "client.port is 25", "", false },
	{ "number none is something else", "client.port is not 25", "", true },
	{ "name", "helo.name is \"a.example\"", "helo.name = \"A.EXAMPLE\"",
	    true },
	{ "name in names", "helo.name in $names", "helo.name = \"a.example\"",
	    true },
	{ "name below", "helo.name in $names", "helo.name = \"x.b.example\"",
	    true },
	{ "below is not it", "helo.name in $names",
	    "helo.name = \"b.example\"", false },
	{ "none in nothing", "client.name in $names", "", false },
	{ "none not in names", "client.name not in $names", "", true },
	{ "none", "client.name is none", "client.name = none", true },
	{ "some is not none", "client.name is none",
	    "client.name = \"x.example\"", false },
	{ "is not none", "client.name is not none",
	    "client.name = \"x.example\"", true },
	{ "none is no name", "client.name is \"x.example\"", "", false },
	{ "none is not that name", "client.name is not \"x.example\"", "",
	    true },
	{ "mailbox", "sender is \"u@a.example\"", "sender = \"u@a.example\"",
	    true },
	{ "mailbox in", "sender in $people", "sender = \"u@a.example\"",
	    true },
	{ "local part anywhere", "sender in $people",
	    "sender = \"root@z.example\"", true },
	{ "mailbox below a name", "sender in $names",
	    "sender = \"x@c.b.example\"", true },
	{ "the null sender", "sender is none", "sender = none", true },
	{ "null sender follows", "sender.is-null", "sender = none", true },
	{ "sender's domain follows", "sender.domain is \"a.example\"",
	    "sender = \"u@a.example\"", true },
	{ "sender's local part follows", "sender.local is \"u\"",
	    "sender = \"u@a.example\"", true },
	{ "address", "client.ip is 192.0.2.1", "client.ip = 192.0.2.1", true },
	{ "address in networks", "client.ip in $nets",
	    "client.ip = 192.0.2.9", true },
	{ "IPv6 in networks", "client.ip in $nets",
	    "client.ip = 2001:db8::1", true },
	{ "address outside", "client.ip in $nets", "client.ip = 192.0.3.1",
	    false },
	{ "no address in networks", "client.ip in $nets", "", false },
	{ "sessions of the network follow", "client.network.sessions is 7",
	    "client.sessions = 7", true },
	{ "and of the site", "client.site.sessions is 8",
	    "client.sessions = 7\nclient.network.sessions = 8",
	    true },
	{ "those of the client do not", "client.sessions is 0",
	    "client.network.sessions = 8", true },
	{ "network follows", "client.network is 192.0.2.0/24",
	    "client.ip = 192.0.2.77", true },
	{ "text", "header \"Subject\" is \"Hello\"",
	    "header \"subject\" = \"hello\"", true },
	{ "contains", "header \"Subject\" contains \"LL\"",
	    "header \"Subject\" = \"hello\"", true },
	{ "contains not", "header \"Subject\" contains \"lL \"",
	    "header \"Subject\" = \"hello\"", false },
	{ "contains at the end", "header \"Subject\" contains \"lo\"",
	    "header \"Subject\" = \"hello\"", true },
	{ "not contains", "header \"Subject\" not contains \"x\"",
	    "header \"Subject\" = \"hello\"", true },
	{ "starts with", "header \"Subject\" starts with \"hel\"",
	    "header \"Subject\" = \"Hello\"", true },
	{ "starts with more", "header \"Subject\" starts with \"hello!\"",
	    "header \"Subject\" = \"Hello\"", false },
	{ "ends with", "helo.name ends with \".example\"",
	    "helo.name = \"a.example\"", true },
	{ "ends with more", "helo.name ends with \"xa.example\"",
	    "helo.name = \"a.example\"", false },
	{ "matches", "header \"Subject\" matches /^h.l+o$/",
	    "header \"Subject\" = \"hello\"", true },
	{ "matches with case", "header \"Subject\" matches /HELLO/",
	    "header \"Subject\" = \"hello\"", false },
	{ "matches without case", "header \"Subject\" matches /HELLO/i",
	    "header \"Subject\" = \"hello\"", true },
	{ "mailbox matches", "sender matches /^[0-9]+@/",
	    "sender = \"123@a.example\"", true },
	{ "none contains nothing", "header \"Cc\" contains \"a\"", "",
	    false },
	{ "none matches nothing", "header \"Cc\" matches /.*/", "",
	    false },
	{ "none matches nothing, so not", "header \"Cc\" not matches /./",
	    "", true },
	{ "an item contains", "headers \"To\" contains \"b@\"",
	    "headers \"To\" = { \"a@x\", \"b@x\" }", true },
	{ "no item contains", "headers \"To\" contains \"c@\"",
	    "headers \"To\" = { \"a@x\", \"b@x\" }", false },
	{ "an item matches", "headers \"To\" matches /^b/",
	    "headers \"To\" = { \"a@x\", \"b@x\" }", true },
	{ "no item of nothing", "headers \"Cc\" matches /.*/", "", false },
	{ "an item in names", "dkim.domains in $names",
	    "dkim.domains = { \"z.example\", \"a.example\" }", true },
	{ "no item in names", "dkim.domains in $names",
	    "dkim.domains = { \"z.example\" }", false },
	{ "nothing in names", "dkim.domains not in $names", "", true },
	{ "an address of a list", "dnsbl.zen in { 127.0.0.3 }",
	    "dnsbl.zen = { 127.0.0.2, 127.0.0.3 }", true },
	{ "one item without braces", "dnsbl.zen in { 127.0.0.2 }",
	    "dnsbl.zen = 127.0.0.2", true },
	{ "score follows from lists", "dnsbl.score is 8.5",
	    "dnsbl.zen = { 127.0.0.2, 127.0.0.3 }\ndnsbl.other = 127.0.0.2",
	    true },
	{ "so do names", "dnsbl.names contains \"other\"",
	    "dnsbl.other = 127.0.0.2", true },
	{ "so do tags", "dnsbl.tags contains \"spam\"",
	    "dnsbl.zen = 127.0.0.2", true },
	{ "an error is no listing", "dnsbl.score > 0",
	    "dnsbl.zen = { 127.0.0.2, 127.255.255.254 }", false },
	{ "first header follows", "header \"X\" is \"a\"",
	    "headers \"X\" = { \"a\", \"b\" }", true },
	{ "number of headers follows", "header-count \"X\" == 2",
	    "headers \"x\" = { \"a\", \"b\" }", true },
	{ "one header makes a list", "headers \"X\" contains \"a\"",
	    "header \"X\" = \"a\"", true },
	{ "reverse name follows", "client.reverse is ok",
	    "client.name = \"a.example\"", true },
	{ "no reverse name follows", "client.reverse is none",
	    "client.name = none", true },
	{ "neutral: helo resolves", "helo.resolves", "", true },
	{ "neutral: sender takes mail", "sender.domain-accepts-mail", "",
	    true },
	{ "neutral: ehlo", "helo.kind is ehlo", "", true },
	{ "neutral: spf", "spf is none", "", true },
	{ "and", "spf is fail and helo.resolves", "spf = fail", true },
	{ "and, left", "spf is pass and helo.resolves", "spf = fail", false },
	{ "and, right", "helo.resolves and spf is pass", "spf = fail",
	    false },
	{ "or", "spf is pass or helo.resolves", "spf = fail", true },
	{ "or, neither", "spf is pass or not helo.resolves", "spf = fail",
	    false },
	{ "and before or", "helo.resolves or spf is pass and spf is pass", "",
	    true },
	{ "brackets", "(helo.resolves or spf is pass) and spf is pass", "",
	    false },
	{ "not of brackets", "not (spf is pass or spf is fail)", "", true },
	{ "not not", "not not helo.resolves", "", true },
	{ "not before and", "not spf is pass and helo.resolves", "", true },
	{ "deep", "not (not (spf is fail and (helo.resolves or client.tls)) "
	    "or client.tls)", "spf = fail", true },
	{ "not tagged", "tagged \"x\"", "", false },
};

static bool
holds(const char *cond, const char *facts)
{
	char text[2048];
	struct rule_trial t = { .rules = text, .facts = facts };
	bool result = false;

	snprintf(text, sizeof(text), "%son message {\nscore 1 when %s\n}\n",
	    before, cond);
	if (!rule_trial_begin(&t)) {
		T_OK(cond, t.parsed != NULL);
	} else {
		T_INT(cond, rule_trial_run(&t, PHASE_MESSAGE), 0);
		result = evaluation_score(t.evaluation) == 100;
		T_INT(cond, t.trace.n, 1);
		T_OK(cond, t.trace.steps[0].applied == result);
	}
	rule_trial_end(&t);
	return result;
}

/* "or" of a thousand members: no stack is used for them. */
static void
test_long_chain(const char *op, const char *one, bool want)
{
	struct buf text = {0};

	buf_puts(&text, one);
	for (int i = 0; i < 900; i++)
		buf_printf(&text, " %s\n    header \"X-%d\" is \"a\"", op, i);
	buf_puts(&text, "\n}\n");
	buf_put(&text, "", 1);
	{
		struct rule_trial t = { .facts = "header \"X-899\" = \"a\"" };
		struct buf rules = {0};

		buf_printf(&rules, "on message {\nscore 1 when %s", text.p);
		buf_put(&rules, "", 1);
		t.rules = rules.p;
		if (rule_trial_begin(&t))
			rule_trial_run(&t, PHASE_MESSAGE);
		T_OK(op, t.parsed != NULL &&
		    (evaluation_score(t.evaluation) == 100) == want);
		rule_trial_end(&t);
		buf_free(&rules);
	}
	buf_free(&text);
}

/* The classic: steps double with each letter. */
static void
test_bad_pattern(void)
{
	struct rule_trial t = { .rules = "on message {\n"
	    "spam: reject 550 5.7.1 \"no\" "
	    "when header \"Subject\" matches /^(a+)+$/\n"
	    "log \"went on\" when header \"Subject\" not matches /^(a+)+$/\n"
	    "}\n" };
	static char facts[4096];

	snprintf(facts, sizeof(facts), "header \"Subject\" = \"%0*d!\"", 3000,
	    0);
	for (char *p = strchr(facts, '0'); *p == '0'; p++)
		*p = 'a';
	t.facts = facts;
	if (!rule_trial_begin(&t)) {
		T_OK("a bad pattern is let through", t.parsed != NULL);
		rule_trial_end(&t);
		return;
	}
	T_INT("a bad pattern ends", rule_trial_run(&t, PHASE_MESSAGE), 0);
	T_INT("and does not match", t.verdict.kind, ACTION_ACCEPT);
	T_INT("the next rule comes", t.verdict.nlogs, 1);
	T_OK("the step says so", t.trace.steps[0].gave_up != NULL);
	T_OK("so does the trace", strstr(rule_trial_trace(&t), "-> no (met a "
	    "limit, so no match: header \"Subject\" matches /^(a+)+$/)") !=
	    NULL);
	rule_trial_end(&t);
}

/* Items that cost all of the steps: a few are borne, then the rest is left. */
static void
test_bad_items(const char *name, unsigned bad, bool want)
{
	struct rule_trial t = { .rules = "on message {\nscore 1 when "
	    "headers \"X\" matches /^(a+)+$/\n}\n" };
	struct buf facts = {0};

	buf_puts(&facts, "headers \"X\" = {");
	for (unsigned i = 0; i < bad; i++) {
		buf_puts(&facts, " \"");
		for (unsigned j = 0; j < 300; j++)
			buf_puts(&facts, "a");
		buf_puts(&facts, "!\",");
	}
	buf_puts(&facts, " \"a\" }");
	buf_put(&facts, "", 1);
	t.facts = facts.p;
	if (rule_trial_begin(&t))
		rule_trial_run(&t, PHASE_MESSAGE);
	T_OK(name, t.parsed != NULL && t.trace.n == 1 &&
	    t.trace.steps[0].applied == want &&
	    (t.trace.steps[0].gave_up != NULL) == (bad > 0));
	rule_trial_end(&t);
	buf_free(&facts);
}

int
main(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_OK(cases[i].name, holds(cases[i].cond, cases[i].facts) ==
		    cases[i].want);
	test_long_chain("or", "spf is fail", true);
	test_long_chain("and", "spf is none", false);
	test_bad_pattern();
	test_bad_items("an item that matches", 0, true);
	test_bad_items("behind some that met the limit", 7, true);
	test_bad_items("behind too many", 8, false);
	return t_done();
}
