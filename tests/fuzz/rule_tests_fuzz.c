#include <assert.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "policy/rule_read.h"
#include "policy/rule_test.h"

/*
 * Any text as a file of tests: it is taken, or refused with a reason; what is
 * taken runs, twice with the same outcome, and a test that fails says why.
 */
int	LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

#define TEXT_MAX	4096	/* more is the same, slower */

static const char rules_text[] =
    "dnsbl zen \"zen.example\" {\n127.0.0.2 score 5\n}\n"
    "on connect {\n"
    "friend: trust when client.ip in { 192.0.2.0/24 }\n"
    "delay 5s when client.name is none\n"
    "log \"hello {client.ip}\"\n"
    "}\n"
    "on mail {\nspf: score 4.5 when spf is fail\n"
    "many: limit 5/1h per sender\n}\n"
    "on rcpt {\n"
    "greylist\n"
    "gone: reject 550 5.1.1 \"no {rcpt}\" when rcpt.local is \"gone\"\n"
    "route one when rcpt.domain is \"one.example\"\n"
    "tag vip when rcpt.local is \"boss\"\n"
    "}\n"
    "on message {\n"
    "listed: reject 550 \"listed: {dnsbl.names}\" when dnsbl.score >= 5\n"
    "replace header \"X-Score\" \"{score} ({scores})\"\n"
    "remove header \"X-Old\" when header-count \"X-Old\" > 0\n"
    "prefix subject \"[{from.domain}]\" when from.count > 1\n"
    "accept when tagged \"vip\"\n"
    "odd: observe quarantine \"odd\" when header \"Date\" is none\n"
    "}\n"
    "set guests = redis \"g\"\nset lost = redis \"l\"\n"
    "on connect {\n"
    "guest: trust when client.ip in $guests or client.name in $lost\n"
    "}\n"
    "on mail {\nmilter clamav when sender is none\n}\n"
    "on message {\nvirus: milter clamav when milter.spam is not reject\n"
    "observe milter spam\n}\n";

static void
run(const struct rule_test *test, const struct rules *rules)
{
	struct buf once = {0}, again = {0};
	bool passed = rule_test_run(test, rules, &once);

	assert(passed == (once.len == 0));
	assert(passed == rule_test_run(test, rules, &again));
	assert(span_eq(buf_text(&once), buf_text(&again)));
	buf_free(&once);
	buf_free(&again);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const char *const backends[] = { "one", NULL };
	static const struct rule_context context = { .backends = backends,
	    .has_store = true, .has_redis = true };
	struct arena *a = arena_create("fuzz");
	struct diagnostics *d = diagnostics_create(a);
	struct rules *rules = rules_read_text(a, "fuzz.rules",
	    span_z(rules_text), &context, d);
	struct rule_tests *tests;

	assert(rules != NULL);
	d = diagnostics_create(a);
	tests = rule_tests_read_text(a, "fuzz.test", span_n(data,
	    size < TEXT_MAX ? size : TEXT_MAX), rules, d);
	assert((tests == NULL) == (diagnostics_errors(d) > 0));
	for (size_t i = 0; tests != NULL && i < tests->n; i++)
		run(tests->list[i], rules);
	arena_destroy(&a);
	return 0;
}
