#include <stdio.h>
#include <string.h>

#include "base/diagnostic.h"
#include "policy/rule_read.h"
#include "policy/rule_test.h"
#include "tests/kit/t.h"

/* What a test of rules can expect but actions, and how it fails. */

static const char rules_text[] =
    "dnsbl zen \"zen.example\" {\n127.0.0.2 score 5\n}\n"
    "on connect {\n"
    "delay 5s when client.errors is 0\n"
    "log \"hello {client.ip}\" when client.errors is 0\n"
    "}\n"
    "on helo {\n"
    "delay 500ms when client.tls\n"
    "near: observe reject 554 5.7.1 \"near {helo.name}\"\n"
    "	when helo.name is \"near.example\"\n"
    "}\n"
    "on rcpt {\n"
    "gone: reject 550 5.1.1 \"no {rcpt.local} here\"\n"
    "	when rcpt.local is \"gone\"\n"
    "route one when rcpt.domain is \"one.example\"\n"
    "route two when rcpt.local is \"two\"\n"
    "tag vip when rcpt.local is \"boss\"\n"
    "postmaster: accept when rcpt.domain is none\n"
    "}\n"
    "on message {\n"
    "listed: reject 550 5.7.1 \"listed: {dnsbl.names}\"\n"
    "	when dnsbl.score >= 5\n"
    "add header \"X-Size\" \"{message.size}\"\n"
    "replace header \"X-Size\" \"large\" when message.size > 1M\n"
    "remove header \"X-Size\" when message.size > 1G\n"
    "add header \"X-Size\" \"huge\" when message.size > 1G\n"
    "remove header \"X-Old\" when header \"X-Old\" is not none\n"
    "prefix subject \"[list]\" when header \"List-Id\" is not none\n"
    "accept \"vip\" when tagged \"vip\"\n"
    "observe add header \"X-Odd\" \"{header \\\"Date\\\"}\"\n"
    "	when header \"Date\" is none\n"
    "observe when client.tls {\n"
    "score 2.5 \"tls\"\ndelay 1s\nlog \"tls\"\nremove header \"X-Old\"\n"
    "prefix subject \"[tls]\"\n"
    "}\n"
    "}\n";

static const struct {
	const char	*name, *test, *want;	/* "": passes; else in `out` */
} runs[] = {
	/* --- delays, logs --- */
	{ "a delay", "expect connect delay 5s\nexpect helo delay 5s\n"
	    "expect delay >= 5s\nexpect delay < 6s\n", "" },
	{ "the sum of delays", "client.tls = yes\nexpect connect delay 5s\n"
	    "expect helo delay 5500ms\n", "" },
	{ "another delay", "expect delay 4s\n", "got delay 5s\n" },
	{ "no delay", "client.errors = 1\nexpect no delay\n"
	    "expect delay 0s\n", "" },
	{ "some delay", "expect no delay\n",
	    "t:2: expected no delay\n      got delay 5s\n" },
	{ "a log", "client.ip = 192.0.2.1\nexpect connect log \"192.0.2.1\"\n"
	    "expect log \"hello 192.0.2.1\"\nexpect no log \"bye\"\n", "" },
	{ "another log", "expect log \"bye\"\n", "got log \"hello none\"\n" },
	{ "no log", "client.errors = 1\nexpect no log\n", "" },
	{ "some log", "expect no log\n", "got log \"hello none\"\n" },
	{ "none at all", "client.errors = 1\nexpect log \"h\"\n",
	    "got no log\n" },
	/* --- routes --- */
	{ "a route", "rcpt = \"a@one.example\"\nexpect rcpt route one\n"
	    "expect route one\nexpect no route two\n", "" },
	{ "the last one counts", "rcpt = \"two@one.example\"\n"
	    "expect route \"two\"\n", "" },
	{ "another route", "rcpt = \"a@one.example\"\nexpect route two\n",
	    "got route one\n" },
	{ "no route", "expect no route\nexpect rcpt no route\n", "" },
	{ "none, but one", "expect route one\n", "got no route\n" },
	{ "one, but none", "rcpt = \"a@one.example\"\nexpect no route\n",
	    "got route one\n" },
	/* --- the header --- */
	{ "a header field", "message.size = 10k\n"
	    "expect header \"X-Size\" \"10k\"\nexpect header \"x-size\"\n"
	    "expect message no header \"X-Size\" \"large\"\n", "" },
	{ "another value", "message.size = 1k\n"
	    "expect header \"X-Size\" \"1\"\n",
	    "expected header \"X-Size\" \"1\"\n"
	    "      got add header \"X-Size\" \"1k\"\n" },
	{ "replaced", "message.size = 2M\n"
	    "expect header \"X-Size\" \"large\"\n"
	    "expect no header \"X-Size\" \"2M\"\n", "" },
	{ "removed, and added anew", "message.size = 2G\n"
	    "expect header \"X-Size\" \"huge\"\n"
	    "expect no header \"X-Size\" \"large\"\n"
	    "expect removed header \"X-Size\"\n", "" },
	{ "all that is done to one", "message.size = 2G\n"
	    "expect header \"X-Size\" \"x\"\n",
	    "got add header \"X-Size\" \"2G\", replace header "
	    "\"X-Size\" \"large\", remove header \"X-Size\", add header "
	    "\"X-Size\" \"huge\"\n" },
	{ "none that is refused", "dnsbl.zen = 127.0.0.2\n"
	    "expect no header \"X-Size\"\nexpect header \"X-Size\"\n",
	    "got no change of this field\n" },
	{ "there", "expect no header \"X-Size\"\n",
	    "got add header \"X-Size\" \"0\"\n" },
	{ "one that came is removed", "header \"X-Old\" = \"1\"\n"
	    "expect removed header \"x-old\"\n", "" },
	{ "one that did not", "expect not removed header \"X-Old\"\n", "" },
	{ "it was not", "expect removed header \"X-Old\"\n",
	    "got no change of this field\n" },
	{ "it was", "header \"X-Old\" = \"1\"\n"
	    "expect not removed header \"X-Old\"\n",
	    "got remove header \"X-Old\"\n" },
	{ "a prefix", "header \"List-Id\" = \"<a.example>\"\n"
	    "expect message subject prefix \"[list]\"\n"
	    "expect no subject prefix \"[tls]\"\n", "" },
	{ "no prefix", "expect no subject prefix\n", "" },
	{ "another prefix", "header \"List-Id\" = \"<a.example>\"\n"
	    "expect subject prefix \"[l]\"\n",
	    "got prefix subject \"[list]\"\n" },
	{ "none, but a prefix", "expect subject prefix \"[list]\"\n",
	    "got no prefix of the subject\n" },
	/* --- texts --- */
	{ "a text", "rcpt = \"gone@a.example\"\n"
	    "expect rcpt reject 550 5.1.1 \"no gone\" by gone\n"
	    "expect reject \"here\"\nexpect reject 550 \"no\"\n", "" },
	{ "another text", "rcpt = \"gone@a.example\"\n"
	    "expect reject \"nobody \\\"x\\\"\" # why\n",
	    "expected reject \"nobody \\\"x\\\"\"\n"
	    "      got reject 550 5.1.1 \"no gone here\" by gone\n" },
	{ "of an accept", "rcpt = \"boss@a.example\"\nexpect accept \"vip\"\n",
	    "" },
	/* --- rules that observe --- */
	{ "nothing", "expect would nothing\nexpect connect would nothing\n",
	    "" },
	{ "not yet", "helo.name = \"near.example\"\n"
	    "expect connect would nothing\n"
	    "expect connect not would reject\n"
	    "expect helo would reject 554 5.7.1 \"near near.example\" by near\n"
	    "expect not would reject 550\nexpect not would reject \"far\"\n",
	    "" },
	{ "something", "helo.name = \"near.example\"\n"
	    "expect rcpt would nothing\n",
	    "got would reject 554 5.7.1 \"near near.example\" by near\n" },
	{ "it would", "helo.name = \"near.example\"\n"
	    "expect not would reject by near\n",
	    "got would reject 554 5.7.1 \"near near.example\" by near\n" },
	{ "what else would be done", "client.tls = yes\n"
	    "header \"Date\" = none\n"
	    "expect would score\nexpect would score 2.5\n"
	    "expect not would score 2\nexpect would delay 1s\n"
	    "expect not would delay 2s\nexpect would delay\n"
	    "expect would log \"tl\"\n"
	    "expect would add header\nexpect would add header \"x-odd\"\n"
	    "expect would add header \"X-Odd\" \"none\" by \"r:31\"\n"
	    "expect not would add header \"X-Odd\" \"some\"\n"
	    "expect would remove header \"X-Old\"\n"
	    "expect not would replace header\n"
	    "expect would prefix subject \"[tls]\"\n"
	    "expect not would tag vip\nexpect not would route one\n"
	    "expect no header \"X-Odd\"\nexpect no subject prefix\n"
	    "expect no log \"tls\"\nexpect score 0\n", "" },
	/* --- facts that grow --- */
	{ "grows", "rcpt = \"a@a.example\"\n"
	    "at message dnsbl.score = 5\nexpect rcpt no verdict\n"
	    "expect message reject by listed\n", "" },
	{ "a list that answers later", "at message dnsbl.zen = 127.0.0.2\n"
	    "expect reject \"listed: zen\"\n", "" },
	{ "from one to another", "dnsbl.score = 5\nat rcpt dnsbl.score = 4\n"
	    "expect message no verdict\n", "" },
	{ "the last phase counts, wherever it stands",
	    "at message dnsbl.score = 5\nat helo dnsbl.score = 4\n"
	    "dnsbl.score = 3\nexpect message reject\n", "" },
	/* --- mailboxes --- */
	{ "postmaster", "rcpt = \"Postmaster\"\n"
	    "expect rcpt accept by postmaster\n", "" },
	{ "somebody of a domain", "rcpt = \"postmaster@a.example\"\n"
	    "expect rcpt no verdict\n", "" },
	/* --- a second recipient --- */
	{ "told apart", "rcpt = \"boss@a.example\"\n"
	    "expect own mail for \"b@a.example\"\n"
	    "expect rcpt own mail for \"postmaster\"\n"
	    "expect same mail for \"boss@b.example\"\n", "" },
	{ "not told apart", "rcpt = \"a@a.example\"\n"
	    "expect same mail for \"b@one.example\"\n"
	    "expect own mail for \"boss@a.example\"\n", "" },
	{ "not apart", "expect own mail for \"b@one.example\"\n",
	    "got the same mail: no rule of the message can tell the two "
	    "apart\n" },
	{ "not together", "expect same mail for \"boss@one.example\"\n",
	    "got an own mail: rules of the message can tell the two "
	    "apart\n" },
	{ "a second one that is refused",
	    "expect same mail for \"gone@one.example\"\n",
	    "got no mail for one of the two: reject 550 5.1.1 \"no gone "
	    "here\" by gone\n" },
	{ "a first one that is refused", "rcpt = \"gone@a.example\"\n"
	    "expect own mail for \"boss@one.example\"\n",
	    "got no mail for one of the two: reject" },
};

/* Of facts that are not given: what a condition finds. */
static const struct {
	const char	*name, *given, *when;
} facts[] = {
	{ "an ordinary message", "", "header \"From\" is not none and header "
	    "\"To\" is not none and header \"Subject\" is not none and header "
	    "\"Date\" is not none and header \"message-id\" is not none" },
	{ "each field once", "", "header-count \"Date\" is 1 and headers "
	    "\"Date\" is not none and header-count \"From\" is 1" },
	{ "and no more", "", "header \"Cc\" is none and header-count \"Cc\" "
	    "is 0 and headers \"List-Id\" is none" },
	{ "an author", "", "from.domain is \"example.com\" and "
	    "from.count is 1" },
	{ "taken away", "header \"Date\" = none\n", "header \"Date\" is none "
	    "and header-count \"Date\" is 0 and headers \"Date\" is none" },
	{ "by its count", "header-count \"Date\" = 0\n",
	    "header \"Date\" is none" },
	{ "several", "headers \"To\" = { \"a\", \"b\" }\n",
	    "header-count \"To\" is 2 and header \"To\" is \"a\"" },
	{ "no author", "header \"From\" = none\n",
	    "from.domain is none and from.count is 0" },
	{ "no author, by number", "from.count = 0\n",
	    "from.domain is none and header \"From\" is none" },
	{ "no From, by number", "header-count \"From\" = 0\n",
	    "from.domain is none and from.count is 0" },
	{ "another author", "header \"From\" = \"B <b@B.example>\"\n",
	    "from.domain is \"b.example\" and from.count is 1" },
	{ "two authors", "header \"From\" = \"a@a.example, b@b.example\"\n",
	    "from.domain is none and from.count is 2" },
	{ "two authors, by number", "from.count = 2\n",
	    "from.domain is none" },
	{ "two of one domain", "header \"From\" = \"a@a.example, b@a.example\""
	    "\n", "from.domain is \"a.example\" and from.count is 2" },
	{ "two From", "headers \"From\" = { \"a@a.example\", \"b@a.example\" }"
	    "\n", "from.domain is none and header-count \"From\" is 2" },
	{ "two From, by number", "header-count \"From\" = 2\n",
	    "from.domain is none" },
	{ "the author's domain", "from.domain = \"bank.example\"\n",
	    "header \"From\" contains \"@bank.example\" and from.count is 1" },
	{ "no author's domain", "from.domain = none\n", "from.domain is none" },
	{ "none of a group", "header \"From\" = \"undisclosed:;\"\n",
	    "from.domain is none and from.count is 0" },
	{ "a name in UTF-8", "header \"From\" = \"П <п@почта.example>\"\n",
	    "from.domain is \"почта.example\"" },
	{ "an ordinary session", "", "client.name is \"mail.example.com\" and "
	    "helo.name is \"mail.example.com\" and client.reverse is ok" },
	{ "a client without a name", "client.name = none\n",
	    "client.name is none and client.reverse is none" },
	{ "a reverse name that does not lead back",
	    "client.reverse = mismatch\n", "client.name is none" },
	{ "a reverse name that does", "client.reverse = ok\n",
	    "client.name is not none" },
	{ "a unix socket", "client.ip = none\n", "client.name is none" },
	{ "an ordinary envelope", "", "sender is \"alice@example.com\" and "
	    "sender.domain is \"example.com\" and not sender.is-null and "
	    "rcpt is \"bob@example.org\" and rcpt.local is \"bob\"" },
	{ "the null sender", "sender = none\n", "sender.is-null and "
	    "sender.domain is none and sender.local is none" },
	{ "the null sender, by its fact", "sender.is-null = yes\n",
	    "sender is none and sender.domain is none" },
	{ "not the null sender", "sender.is-null = no\n",
	    "sender is not none" },
	{ "a growing fact at its first phase", "at message rcpt.count = 3\n",
	    "rcpt.count is 3" },
	{ "before it", "at message client.errors = 3\n",
	    "tagged \"no-errors\" and client.errors is 3" },
};

static void
run_one(struct arena *a, const struct rules *rules, const char *name,
    const char *test, const char *want)
{
	struct diagnostics *d = diagnostics_create(a);
	const char *text = arena_printf(a, "test \"a test\" {\n%s}\n", test);
	struct rule_tests *tests = rule_tests_read_text(a, "t", span_z(text),
	    rules, d);
	struct buf out = {0};
	bool passed;

	T_STR(name, diagnostics_text(d, a), "");
	if (tests == NULL)
		return;
	passed = rule_test_run(tests->list[0], rules, &out);
	buf_put(&out, "", 1);
	T_OK(name, passed == (want[0] == '\0'));
	if (strstr(out.p, want) == NULL || (want[0] == '\0' && !passed))
		T_STR(name, out.p, want);
	buf_free(&out);
}

static struct rules *
read_rules(struct arena *a, const char *text)
{
	static const char *const backends[] = { "one", "two", NULL };
	const struct rule_context context = { .backends = backends };
	struct diagnostics *d = diagnostics_create(a);
	struct rules *rules = rules_read_text(a, "r", span_z(text), &context,
	    d);

	T_STR("the rules", rules != NULL ? "" : diagnostics_text(d, a), "");
	return rules;
}

static void
test_facts_found(struct arena *a, const char *name, const char *given,
    const char *when)
{
	struct rules *rules = read_rules(a, arena_printf(a, "on connect {\n"
	    "tag no-errors when client.errors is 0\n}\n"
	    "on message {\nfound: reject \"found\" when %s\n}\n", when));

	if (rules != NULL)
		run_one(a, rules, name, arena_printf(a, "%sexpect reject by "
		    "found\n", given), "");
}

int
main(void)
{
	struct arena *a = arena_create("test");
	struct rules *rules = read_rules(a, rules_text);

	for (size_t i = 0; rules != NULL && i < sizeof(runs) /
	    sizeof(runs[0]); i++)
		run_one(a, rules, runs[i].name, runs[i].test, runs[i].want);
	for (size_t i = 0; i < sizeof(facts) / sizeof(facts[0]); i++)
		test_facts_found(a, facts[i].name, facts[i].given,
		    facts[i].when);
	arena_destroy(&a);
	return t_done();
}
