#ifndef POLICY_RULE_TEST_H
#define POLICY_RULE_TEST_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/diagnostic.h"
#include "base/span.h"
#include "policy/rule.h"
/*
 * rule_test -- tests of rules, in files that an administrator writes
 *
 *	test "a listed client is refused" {
 *	    client.ip = 203.0.113.9
 *	    dnsbl.zen = { 127.0.0.4 }
 *	    header "Subject" = "hello"
 *	    expect rcpt reject 554 by listed
 *	}
 *
 * Facts that are not given: see test_facts.h. One that grows on the way can be
 * given from a phase on, `at message dnsbl.score = 9`; the one recipient
 * without a domain is "postmaster".
 *
 * `limit LABEL = 101` gives what the limit of this label has counted, with what
 * the test brings: 0 without it, and `none` if the store does not say.
 *
 * `set NAME = { "a.example", 192.0.2.1 }` gives what is in a set that the rules
 * have in Redis, as it stands there: nothing without it, and `none` if the store
 * does not say.
 *
 * `milter.NAME = reject` gives what a filter says; it is not asked without it.
 * One whose word is error defers, as it does unless the configuration says
 * otherwise.
 *
 * What can be expected, each at one phase or, without one, at the end:
 *
 *	expect rcpt reject [554 [5.7.1]] ["text"] [by LABEL]
 *				and the other actions that end a phase; the
 *				text is a part of what is said. What greylist
 *				and limit do is that: defer by LABEL
 *	expect rcpt no verdict		accepted, and by no rule
 *	expect rcpt would reject ...	a rule that observes said so; any
 *					action. not would ...
 *	expect rcpt would nothing	no rule that observes would have acted
 *	expect mail score 5		or < <= > >= 5: the sum by then
 *	expect connect delay 5s		in the same ways. no delay
 *	expect mail tagged "x"		not tagged "x"
 *	expect rcpt route NAME		no route [NAME]
 *	expect message milter NAME [by LABEL]
 *				this filter decided: it rejects, defers or
 *				discards. no milter [NAME]
 *	expect mail milter NAME		at phases before: rules have it told.
 *					no milter [NAME]
 *	expect mail log "text"		a part of it. no log ["text"]
 *	expect header "X" ["value"]	the rules put it into the forwarded
 *					message. no header "X" ["value"]
 *	expect removed header "X"	not removed header "X"
 *	expect subject prefix "[x]"	no subject prefix ["[x]"]
 *	expect own mail for "b@x"	as a second recipient he would be told
 *					to come in a mail of his own
 *	expect same mail for "b@x"	he would not
 *
 * The phases run in their order up to the one that ends the mail; what a rule
 * did at connect, the verdict too, is found at each phase behind it. A label,
 * tag, route or header field that no rule has is an error of the test.
 *
 * Errors    all of a file are reported; NULL if there are any.
 * Memory    the arena given; `rules` must live as long.
 * Limits    RULE_TESTS_MAX in a file, each with RULE_TEST_LINES_MAX lines.
 */
#define RULE_TESTS_MAX		10000
#define RULE_TEST_LINES_MAX	1000

struct rule_test;
struct rule_tests {
	struct rule_test	**list;
	size_t			 n;
};

struct rule_tests *rule_tests_read(struct arena *a, const char *path,
		    const struct rules *rules, struct diagnostics *d);
struct rule_tests *rule_tests_read_text(struct arena *a, const char *name,
		    struct span text, const struct rules *rules,
		    struct diagnostics *d);

const char	*rule_test_name(const struct rule_test *test);
struct place	 rule_test_place(const struct rule_test *test);
/* Whether all came as expected. If not, `out` says what was expected, what
 * came instead, and why, rule for rule. */
bool		 rule_test_run(const struct rule_test *test,
		    const struct rules *rules, struct buf *out);
#endif
