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
    "slow: observe defer \"slow\" when client.name is none\n"
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
	{ "no observer", "client.name = \"a.example\"\nexpect would defer\n",
	    "got no rule that observes and fits\n" },
	{ "another observer", "expect would reject\n",
	    "got would defer by slow\n" },
	{ "sums", "spf = fail\nheader \"Subject\" = \"x\"\n"
	    "expect helo score 0\nexpect mail score 4.5\n"
	    "expect score == 4.50\nexpect score >= 4.5\n"
	    "expect score <= 4.5\nexpect score > 4.49\nexpect score < 5\n",
	    "" },
	{ "another sum", "spf = fail\nheader \"Subject\" = \"x\"\n"
	    "expect score 4\n", "got score 4.5\n" },
	{ "a tag", "sender = none\nexpect mail tagged \"bounce\"\n"
	    "expect helo not tagged \"bounce\"\nexpect tagged bounce\n"
	    "expect message accept by \"r:21\"\n", "" },
	{ "no tag", "expect tagged \"bounce\"\n", "got no such tag\n" },
	{ "that tag", "sender = none\nexpect not tagged \"bounce\"\n",
	    "got that tag\n" },
	{ "quarantine", "spf = fail\nexpect message quarantine\n", "" },
	{ "all that failed", "expect reject\nexpect score 1\n",
	    "t:1: FAILED: a test\n"
	    "  t:2: expected reject\n"
	    "      got accept, no rule decided\n"
	    "  t:3: expected score 1\n"
	    "      got score 0\n"
	    "at connect: accept, no rule decided\n"
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
	{ "an action that ends nothing", "test \"x\" {\nexpect delay\n}\n",
	    "expected accept, trust, reject" },
	{ "a code that is none", "test \"x\" {\nexpect reject 399\n}\n",
	    "expected a code from 400 to 599, or by, found \"399\"" },
	{ "a code where none is", "test \"x\" {\nexpect accept 250\n}\n",
	    "expected by and a label, found \"250\"" },
	{ "no such rule", "test \"x\" {\nexpect reject by lsited\n}\n",
	    "no rule is named \"lsited\"" },
	{ "the rule that was meant", "test \"x\" {\n"
	    "expect reject by lsited\n}\n", "did you mean \"listed\"?" },
	{ "no label", "test \"x\" {\nexpect reject by\n}\n",
	    "expected a label behind by, found the end of the line" },
	{ "no tag", "test \"x\" {\nexpect not \"a\"\n}\n",
	    "expected tagged behind not" },
	{ "no verdict", "test \"x\" {\nexpect no\n}\n",
	    "expected verdict, found the end of the line" },
	{ "no number", "test \"x\" {\nexpect score low\n}\n",
	    "score is a number" },
	{ "no name", "test {\nexpect accept\n}\n",
	    "expected what the test shows, in quotes, found {" },
	{ "no test", "spf = fail\n",
	    "expected test \"what it shows\" { ... }, found \"spf\"" },
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
	const struct rule_context context = {0};
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
