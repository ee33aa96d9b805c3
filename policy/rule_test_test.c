#include <stdio.h>
#include <string.h>

#include "base/diagnostic.h"
#include "policy/rule_read.h"
#include "policy/rule_test.h"
#include "tests/kit/t.h"

/* Files of tests: what they may say, what is wrong with them, and what a
 * test that fails tells. */

static const char rules_text[] =
    "dnsbl zen \"zen.example\" {\n127.0.0.2 score 5\n}\n"
    "on connect {\n"
    "friend: trust when client.ip in { 192.0.2.0/24 }\n"
    "listed: reject 554 5.7.1 \"listed\" when dnsbl.score >= 5\n"
    "slow: observe defer \"slow\" when client.errors is 0\n"
    "}\n"
    "on mail {\n"
    "spf: score 4.5 when spf is fail\n"
    "tag bounce when sender is none and sender.is-null\n"
    "}\n"
    "on rcpt {\n"
    "when rcpt.count > 10 {\n"
    "many: defer 452 4.5.3 \"later\"\n"
    "}\n"
    "gone: discard \"gone\" when rcpt.local is \"gone\"\n"
    "}\n"
    "on message {\n"
    "quarantine \"bad\" when score > 4 and header \"Subject\" is none\n"
    "accept when tagged \"bounce\"\n"
    "}\n"
    "on rcpt {\n"
    "many-rcpts: limit 10/1h per client.ip, else tag full\n"
    "trial: observe limit 5/1h per rcpt, else discard \"full\"\n"
    "grey: greylist\n"
    "log \"full\" when tagged full\n"
    "limit 7/1h per rcpt\n"
    "}\n"
    "set ours = { \"ours.example\" }\n"
    "set guests = redis \"forepost:guests\"\n"
    "set guests-too = redis \"forepost:guests\"\n"
    "on rcpt {\n"
    "guest: log \"guest\" when sender in $guests or client.ip in "
    "$guests-too\n"
    "ours: log \"ours\" when sender in $ours\n"
    "}\n";

static const struct {
	const char	*name, *test;		/* what stands in braces */
	const char	*want;			/* "": passes; else in `out` */
} runs[] = {
	{ "nothing given", "expect no verdict\nexpect accept\n"
	    "expect score 0\n", "" },
	{ "at each phase behind the one that refuses",
	    "dnsbl.zen = 127.0.0.2\nexpect connect reject\n"
	    "expect rcpt reject 554\nexpect reject 554 5.7.1 by listed\n",
	    "" },
	{ "before it nothing", "rcpt = \"gone@a.example\"\n"
	    "expect mail no verdict\nexpect rcpt discard by gone\n"
	    "expect message discard by gone\n", "" },
	{ "another code", "dnsbl.zen = 127.0.0.2\nexpect reject 550\n",
	    "  t:3: expected reject 550\n"
	    "      got reject 554 5.7.1 \"listed\" by listed\n" },
	{ "another enhanced code",
	    "dnsbl.zen = 127.0.0.2\nexpect reject 554 5.7.2\n",
	    "expected reject 554 5.7.2\n" },
	{ "another rule", "dnsbl.zen = 127.0.0.2\nexpect reject by spf\n",
	    "expected reject by spf\n" },
	{ "no rule", "expect accept by listed # why\n",
	    "  t:2: expected accept by listed\n"
	    "      got accept, no rule decided\n" },
	{ "trust", "client.ip = 192.0.2.1\ndnsbl.zen = 127.0.0.2\n"
	    "expect connect trust by friend\nexpect rcpt accept by friend\n"
	    "expect accept\n", "" },
	{ "trust is a verdict", "client.ip = 192.0.2.1\nexpect no verdict\n",
	    "got accept by friend\n" },
	{ "in a group", "rcpt.count = 11\nexpect rcpt defer 452 by many\n",
	    "" },
	{ "an observer", "expect connect would defer 451 4.7.1 by slow\n"
	    "expect would defer\nexpect connect no verdict\n", "" },
	{ "no observer", "client.errors = 1\nexpect would defer\n",
	    "got no rule that observes and fits\n" },
	{ "another observer", "expect would reject\n",
	    "got would defer 451 4.7.1 \"slow\" by slow\n" },
	{ "sums", "spf = fail\nheader \"Subject\" = \"x\"\n"
	    "expect helo score 0\nexpect mail score 4.5\n"
	    "expect score == 4.50\nexpect score >= 4.5\n"
	    "expect score <= 4.5\nexpect score > 4.49\nexpect score < 5\n",
	    "" },
	{ "another sum", "spf = fail\nheader \"Subject\" = \"x\"\n"
	    "expect score 4\n", "got score 4.5 (spf)\n" },
	{ "a tag", "sender = none\nexpect mail tagged \"bounce\"\n"
	    "expect helo not tagged \"bounce\"\nexpect tagged bounce\n"
	    "expect message accept by \"r:21\"\n", "" },
	{ "no tag", "expect tagged \"bounce\"\n", "got no such tag\n" },
	{ "that tag", "sender = none\nexpect not tagged \"bounce\"\n",
	    "got that tag\n" },
	{ "quarantine", "spf = fail\nheader \"Subject\" = none\n"
	    "expect message quarantine\n", "" },
	{ "a count", "limit many-rcpts = 11\nexpect tagged full\n"
	    "expect rcpt no verdict\nexpect not would discard\n", "" },
	{ "a count up to the limit", "limit \"many-rcpts\" = 10\n"
	    "expect not tagged full\n", "" },
	{ "nothing is in a set", "expect no log \"guest\"\n", "" },
	{ "what is in a set", "set guests = { \"example.com\", \"x\" }\n"
	    "expect rcpt log \"guest\"\n", "" },
	{ "over several lines, by the key of the set",
	    "set guests-too = {\n198.51.100.0/24,\n\"x\"\n}\n"
	    "client.ip = 198.51.100.7\nexpect log \"guest\"\n", "" },
	{ "letter for letter", "set guests = { \"Example.com\" }\n"
	    "expect no log \"guest\"\n", "" },
	{ "of nothing", "set guests = { }\nexpect log \"guest\"\n",
	    "      got no log\n" },
	{ "a set that does not answer", "set guests = none\n"
	    "expect log \"guest\"\n", "client.ip = none, "
	    "sender in $guests = unknown] -> cannot be told\n" },
	{ "of a rule without a label", "limit \"r:28\" = 8\n"
	    "expect rcpt defer 451 4.7.1 \"Too many recipients\" by \"r:28\""
	    "\n", "" },
	{ "of an observer", "limit trial = 6\nclient.errors = 1\n"
	    "expect would discard \"full\" by trial\n", "" },
	{ "of a store that does not answer", "limit \"r:28\" = none\n"
	    "expect rcpt no verdict\n", "" },
	{ "the greylist", "greylist = early\ngreylist.left = 200s\n"
	    "expect rcpt defer 451 \"in 200s\" by grey\n", "" },
	{ "the greylist, first", "greylist = new\n"
	    "expect rcpt defer \"in 5m\" by grey\n", "" },
	{ "the greylist, later", "greylist = passed\n"
	    "expect rcpt no verdict\n", "" },
	{ "what a limit did", "limit \"r:28\" = 8\nexpect rcpt accept\n",
	    "got defer 451 4.7.1 \"Too many recipients, try again later\" by "
	    "r:28\n" },
	{ "all that failed", "expect reject\nexpect score 1\n",
	    "t:1: FAILED: a test\n"
	    "  t:2: expected reject\n"
	    "      got accept, no rule decided\n"
	    "  t:3: expected score 1\n"
	    "      got score 0\n"
	    "at connect: accept, no rule decided; would defer 451 4.7.1 "
	    "\"slow\" by slow\n"
	    "  r:5 friend: when client.ip in { 192.0.2.0/24 } [client.ip = "
	    "none] -> no\n" },
};

/* Of each error the text; the place is checked by the first. */
static const struct {
	const char	*name, *text, *want;
} errors[] = {
	{ "the place", "test \"x\" {\n  spf = pas\n  expect accept\n}\n",
	    "t:2:9: spf is never \"pas\": expected none, neutral, pass, fail, "
	    "softfail, temperror or permerror\n    spf = pas\n          ^\n"
	    "  did you mean \"pass\"?\n" },
	{ "no such fact", "test \"x\" {\nsppf = pass\nexpect accept\n}\n",
	    "unknown fact \"sppf\"" },
	{ "no such list", "test \"x\" {\ndnsbl.foo = 127.0.0.1\n"
	    "expect accept\n}\n", "the rules declare no list \"foo\"" },
	{ "a fact of rules", "test \"x\" {\nscore = 5\nexpect accept\n}\n",
	    "score is made by the rules" },
	{ "given twice", "test \"x\" {\nspf = pass\nspf = fail\n"
	    "expect accept\n}\n", "t:3:1: spf is given twice" },
	{ "the same header twice", "test \"x\" {\nheader \"A\" = \"1\"\n"
	    "header \"a\" = \"2\"\nexpect accept\n}\n",
	    "header is given twice" },
	{ "a count given twice", "test \"x\" {\nlimit trial = 1\n"
	    "limit \"trial\" = 2\nexpect accept\n}\n",
	    "t:3:7: limit \"trial\" is given twice" },
	{ "a set given twice", "test \"x\" {\nset guests = none\n"
	    "set guests-too = none\nexpect accept\n}\n",
	    "t:3:5: the set \"guests-too\" is given twice" },
	{ "a set that is not there", "test \"x\" {\nset guest = none\n"
	    "expect accept\n}\n", "t:2:5: the rules have no set \"guest\" in "
	    "Redis" },
	{ "a set of the rules", "test \"x\" {\nset ours = none\n"
	    "expect accept\n}\n", "t:2:5: the set \"ours\" is not in Redis: "
	    "what is in it stands in the rules" },
	{ "a set without a name", "test \"x\" {\nset = none\n"
	    "expect accept\n}\n", "expected the name of a set behind set, "
	    "found =" },
	{ "a set without equals", "test \"x\" {\nset guests { }\n"
	    "expect accept\n}\n", "expected = and the members, found {" },
	{ "a set without braces", "test \"x\" {\nset guests = \"x\"\n"
	    "expect accept\n}\n", "expected { and what is in the set, or "
	    "none, found \"x\"" },
	{ "a set without a comma", "test \"x\" {\nset guests = { \"x\" \"y\" "
	    "}\nexpect accept\n}\n", "expected } or , behind a member, found "
	    "\"y\"" },
	{ "no member of a set", "test \"x\" {\nset guests = { = }\n"
	    "expect accept\n}\n", "expected a member of the set, found =" },
	{ "a count of no limit", "test \"x\" {\nlimit grey = 1\n"
	    "expect accept\n}\n", "t:2:7: no limit is named \"grey\"" },
	{ "a count, misspelt", "test \"x\" {\nlimit trail = 1\n"
	    "expect accept\n}\n", "did you mean \"trial\"?" },
	{ "a count of nothing", "test \"x\" {\nlimit = 1\nexpect accept\n"
	    "}\n", "expected the label of a limit behind limit, found =" },
	{ "no count", "test \"x\" {\nlimit trial = many\nexpect accept\n"
	    "}\n", "expected a number or none, found \"many\"" },
	{ "a count without equals", "test \"x\" {\nlimit trial 5\n"
	    "expect accept\n}\n", "expected = and a number, found \"5\"" },
	{ "a count that no limit can reach", "test \"x\" {\n"
	    "limit trial = 2000000001\nexpect accept\n}\n",
	    "expected a number or none, found \"2000000001\"" },
	{ "expect a greylist", "test \"x\" {\nexpect greylist\n}\n",
	    "expected accept, trust, reject" },
	{ "expect a limit that would be", "test \"x\" {\n"
	    "expect would limit\n}\n",
	    "expected an action or nothing behind would, found \"limit\"" },
	{ "no value", "test \"x\" {\nspf =\nexpect accept\n}\n",
	    "expected a word, found the end of the line" },
	{ "no equals", "test \"x\" {\nspf fail\nexpect accept\n}\n",
	    "expected = and a value, found \"fail\"" },
	{ "neither yes nor no", "test \"x\" {\nclient.tls = 1\n"
	    "expect accept\n}\n", "expected yes or no, found \"1\"" },
	{ "never none", "test \"x\" {\nmessage.size = none\n"
	    "expect accept\n}\n", "t:2:16: " },
	{ "no list", "test \"x\" {\nspf = { fail }\nexpect accept\n}\n",
	    "expected a word, found {" },
	{ "a list that is not closed", "test \"x\" {\n"
	    "headers \"A\" = { \"a\" \"b\" }\nexpect accept\n}\n",
	    "expected } or , behind an item, found \"b\"" },
	{ "more on the line", "test \"x\" {\nspf = fail pass\n"
	    "expect accept\n}\n",
	    "expected the end of the line, found \"pass\"" },
	{ "nothing expected", "test \"x\" {\nspf = fail\n}\n",
	    "t:1:1: this test expects nothing" },
	{ "no such action", "test \"x\" {\nexpect rejct\n}\n",
	    "did you mean \"reject\"?" },
	{ "an action that ends nothing", "test \"x\" {\nexpect tag\n}\n",
	    "expected accept, trust, reject" },
	{ "a code that is none", "test \"x\" {\nexpect reject 399\n}\n",
	    "expected a code from 400 to 599, a text in quotes, or by, found "
	    "\"399\"" },
	{ "a code where none is", "test \"x\" {\nexpect accept 250\n}\n",
	    "expected a text in quotes, or by, found \"250\"" },
	{ "no such rule", "test \"x\" {\nexpect reject by lsited\n}\n",
	    "no rule is named \"lsited\"" },
	{ "the rule that was meant", "test \"x\" {\n"
	    "expect reject by lsited\n}\n", "did you mean \"listed\"?" },
	{ "no label", "test \"x\" {\nexpect reject by\n}\n",
	    "expected a label behind by, found the end of the line" },
	{ "no tag", "test \"x\" {\nexpect not \"a\"\n}\n",
	    "expected tagged, removed header or would behind not, found "
	    "\"a\"" },
	{ "no verdict", "test \"x\" {\nexpect no\n}\n",
	    "expected verdict, header, subject prefix, route, milter, delay or "
	    "log behind no, found the end of the line" },
	{ "no number", "test \"x\" {\nexpect score low\n}\n",
	    "score is a number" },
	{ "no name", "test {\nexpect accept\n}\n",
	    "expected what the test shows, in quotes, found {" },
	{ "no test", "spf = fail\n",
	    "expected test \"what it shows\" { ... }, found \"spf\"" },
	{ "no such phase", "test \"x\" {\nexpect recpt reject\n}\n",
	    "did you mean \"rcpt\"?" },
	{ "no such form", "test \"x\" {\nexpect heder \"X\"\n}\n",
	    "did you mean \"header\"?" },
	{ "no such thing", "test \"x\" {\nexpect no rute\n}\n",
	    "did you mean \"route\"?" },
	{ "not of a thing", "test \"x\" {\nexpect not header \"X\"\n}\n",
	    "expected tagged, removed header or would behind not, found "
	    "\"header\"" },
	{ "no such tag", "test \"x\" {\nexpect not tagged bonce\n}\n",
	    "t:2:19: no rule gives the tag \"bonce\"\n"
	    "  expect not tagged bonce\n"
	    "                    ^\n"
	    "  did you mean \"bounce\"?\n" },
	{ "two texts", "test \"x\" {\nexpect reject \"a\" \"b\"\n}\n",
	    "expected the end of the line, found \"b\"" },
	{ "a name behind by is not asked of rules of another kind",
	    "test \"x\" {\nexpect tagged spf\n}\n",
	    "no rule gives the tag \"spf\"" },
	{ "would what", "test \"x\" {\nexpect would\n}\n",
	    "expected an action or nothing behind would, found the end" },
	{ "not would nothing", "test \"x\" {\nexpect not would nothing\n}\n",
	    "expected an action behind would, found \"nothing\"" },
	{ "would what, misspelt", "test \"x\" {\nexpect would rejct\n}\n",
	    "did you mean \"reject\"?" },
	{ "a header field without a name", "test \"x\" {\nexpect header X\n"
	    "}\n", "expected the name of a header field in quotes, found "
	    "\"X\"" },
	{ "a header field that no rule adds", "test \"x\" {\n"
	    "expect no header \"X\"\n}\n",
	    "no rule adds a header field \"X\"" },
	{ "a header field that no rule removes", "test \"x\" {\n"
	    "expect removed header \"X\"\n}\n",
	    "no rule removes a header field \"X\"" },
	{ "removed what", "test \"x\" {\nexpect removed \"X\"\n}\n",
	    "expected header behind removed" },
	{ "a header field too early", "test \"x\" {\n"
	    "expect rcpt header \"X\"\n}\n",
	    "t:2:1: header fields are changed at message, not at rcpt" },
	{ "a subject too early", "test \"x\" {\n"
	    "expect rcpt subject prefix \"X\"\n}\n",
	    "header fields are changed at message, not at rcpt" },
	{ "a subject", "test \"x\" {\nexpect subject \"X\"\n}\n",
	    "expected prefix behind subject" },
	{ "which prefix", "test \"x\" {\nexpect subject prefix\n}\n",
	    "expected a text in quotes behind prefix" },
	{ "a route that no rule takes", "test \"x\" {\nexpect route two\n"
	    "}\n", "no rule routes to \"two\"" },
	{ "a route too early", "test \"x\" {\nexpect mail route two\n}\n",
	    "recipients are routed at rcpt, not at mail" },
	{ "which route", "test \"x\" {\nexpect route\n}\n",
	    "expected the name of a backend behind route" },
	{ "a delay", "test \"x\" {\nexpect delay long\n}\n",
	    "t:2:14: " },
	{ "a delay in quotes", "test \"x\" {\nexpect delay \"5s\"\n}\n",
	    "delay is a duration: expected one without quotes" },
	{ "which log", "test \"x\" {\nexpect log\n}\n",
	    "expected a text in quotes behind log" },
	{ "own what", "test \"x\" {\nexpect own \"a@b.example\"\n}\n",
	    "expected mail behind own" },
	{ "same what", "test \"x\" {\nexpect same mail\n}\n",
	    "expected for and a second recipient, found the end of the line" },
	{ "for whom", "test \"x\" {\nexpect own mail for none\n}\n",
	    "rcpt is a mailbox: expected one in quotes" },
	{ "for somebody", "test \"x\" {\nexpect own mail for \"me\"\n}\n",
	    "\"me\" is not a mailbox, as rcpt is: expected user@a.example" },
	{ "told apart too early", "test \"x\" {\n"
	    "expect mail own mail for \"a@b.example\"\n}\n",
	    "recipients are told apart at rcpt, not at mail" },
	{ "at which phase", "test \"x\" {\nat recpt dnsbl.score = 1\n"
	    "expect accept\n}\n", "t:2:4: expected connect, helo, mail, rcpt "
	    "or message behind at, found \"recpt\"\n" },
	{ "the phase that was meant", "test \"x\" {\n"
	    "at recpt dnsbl.score = 1\nexpect accept\n}\n",
	    "did you mean \"rcpt\"?" },
	{ "what does not grow", "test \"x\" {\nat message spf = fail\n"
	    "expect accept\n}\n", "t:2:1: spf is the same at each phase: "
	    "expected it without at\n" },
	{ "grows too early", "test \"x\" {\nat mail rcpt.count = 2\n"
	    "expect accept\n}\n", "rcpt.count is known at rcpt, not at mail" },
	{ "given twice from a phase on", "test \"x\" {\n"
	    "at mail dnsbl.score = 1\nat mail dnsbl.score = 2\n"
	    "expect accept\n}\n", "dnsbl.score is given twice" },
	{ "given twice from the start", "test \"x\" {\n"
	    "dnsbl.score = 1\nat connect dnsbl.score = 2\n"
	    "expect accept\n}\n", "dnsbl.score is given twice" },
	{ "a local part", "test \"x\" {\nrcpt = \"abuse\"\nexpect accept\n"
	    "}\n", "only \"postmaster\" has no domain" },
	{ "a sender without a domain", "test \"x\" {\n"
	    "sender = \"postmaster\"\nexpect accept\n}\n",
	    "the null sender is none" },
	{ "at what", "test \"x\" {\nat message\nexpect accept\n}\n",
	    "expected a fact or expect, found the end of the line" },
	{ "all of them", "test \"x\" {\nspf = fali\nexpect rejct\n"
	    "expect no rute\n}\n", "t:4:11: expected verdict" },
	{ "a text that is not closed", "test \"x\" {\nexpect log \"a\\\n}\n",
	    "t:2:12: " },
	{ "not closed", "test \"x\" {\nexpect accept\n",
	    "the { of this test is never closed" },
	{ "not closed, and another", "test \"x\" {\nexpect accept\n"
	    "test \"y\" {\nexpect accept\n}\n",
	    "t:1:1: the { of this test is never closed" },
	{ "not of text", "test \"x\" {\n\001spf = fail\nexpect accept\n}\n",
	    "unexpected control character 0x01" },
};

static void
test_runs(struct arena *a, const struct rules *rules)
{
	for (size_t i = 0; i < sizeof(runs) / sizeof(runs[0]); i++) {
		struct diagnostics *d = diagnostics_create(a);
		const char *text = arena_printf(a, "test \"a test\" {\n%s}\n",
		    runs[i].test);
		struct rule_tests *tests = rule_tests_read_text(a, "t",
		    span_z(text), rules, d);
		struct buf out = {0};
		bool passed;

		T_STR(runs[i].name, diagnostics_text(d, a), "");
		if (tests == NULL)
			continue;
		passed = rule_test_run(tests->list[0], rules, &out);
		buf_put(&out, "", 1);
		T_OK(runs[i].name, passed == (runs[i].want[0] == '\0'));
		if (strstr(out.p, runs[i].want) == NULL)
			T_STR(runs[i].name, out.p, runs[i].want);
		buf_free(&out);
	}
}

static void
test_errors(struct arena *a, const struct rules *rules)
{
	for (size_t i = 0; i < sizeof(errors) / sizeof(errors[0]); i++) {
		struct diagnostics *d = diagnostics_create(a);
		const char *report;

		T_OK(errors[i].name, rule_tests_read_text(a, "t",
		    span_z(errors[i].text), rules, d) == NULL);
		report = diagnostics_text(d, a);
		if (strstr(report, errors[i].want) == NULL)
			T_STR(errors[i].name, report, errors[i].want);
		else
			T_OK(errors[i].name, true);
	}
}

static void
test_file(struct arena *a, const struct rules *rules)
{
	struct diagnostics *d = diagnostics_create(a);
	struct rule_tests *tests = rule_tests_read_text(a, "t", span_z(
	    "# two of them\ntest \"one\" { expect accept }\n\n"
	    "test \"two\" {\n  headers \"X\" = {\n    \"a\",\n    \"b\",\n"
	    "  }\n  expect accept\n}\n"), rules, d);

	T_STR("a file", diagnostics_text(d, a), "");
	if (tests == NULL)
		return;
	T_INT("with two tests", tests->n, 2);
	T_STR("the first", rule_test_name(tests->list[0]), "one");
	T_INT("stands in line", rule_test_place(tests->list[1]).line, 4);
	T_OK("no file", rule_tests_read(a, "/nowhere/at.all", rules,
	    diagnostics_create(a)) == NULL);
}

int
main(void)
{
	const struct rule_context context = { .has_store = true,
	    .has_redis = true };
	struct arena *a = arena_create("test");
	struct diagnostics *d = diagnostics_create(a);
	struct rules *rules = rules_read_text(a, "r", span_z(rules_text),
	    &context, d);

	T_STR("the rules", diagnostics_text(d, a), "");
	if (rules != NULL) {
		test_runs(a, rules);
		test_errors(a, rules);
		test_file(a, rules);
	}
	arena_destroy(&a);
	return t_done();
}
