#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/dns_zone.h"
#include "base/loop.h"
#include "tests/kit/dns_cases.h"
#include "tests/kit/t.h"

static void
run(void (*fn)(void *))
{
	fiber_spawn("test", fn, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
}

static void
test_cases(void)
{
	struct dns_options options = { .hosts = dns_cases_zone };
	struct err err;

	T_INT("zone", dns_create(&options, &err), 0);
	run(dns_cases_run);
	dns_destroy();
}

MAY_YIELD static void
rules(void *unused)
{
	struct arena *a = arena_create("test");
	struct dns_answer w;
	struct err err;

	(void)unused;
	dns_lookup(a, "forged.example", DNS_A, CLOCK_NEVER, &w, &err);
	T_OK("bogus", w.outcome == DNS_FAIL && strcmp(w.why, "bogus") == 0);
	dns_lookup(a, "signed.example", DNS_A, CLOCK_NEVER, &w, &err);
	T_OK("secure", w.outcome == DNS_OK && w.secure);
	dns_lookup(a, "slow.example", DNS_A, CLOCK_NEVER, &w, &err);
	T_OK("slow, in time", w.outcome == DNS_OK && !w.secure);
	dns_lookup(a, "slow.example", DNS_A, clock_now() + 5 * CLOCK_MS, &w,
	    &err);
	T_OK("slow, too late", w.outcome == DNS_FAIL &&
	    strcmp(w.why, "timeout") == 0);
	dns_lookup(a, "two  words.example", DNS_A, CLOCK_NEVER, &w, &err);
	T_OK("a name with spaces", w.outcome == DNS_OK && w.n == 1);
	arena_destroy(&a);
}

static void
test_rules(void)
{
	struct dns_options options = { .hosts = "# comment\n\n"
	    "forged.example A 192.0.2.1\nforged.example bogus\n"
	    "signed.example A 192.0.2.2\nsigned.example secure\n"
	    "slow.example A 192.0.2.3\nslow.example delay 30\n"
	    "\"two  words.example\" A 192.0.2.4" };
	struct err err;

	T_INT("zone", dns_create(&options, &err), 0);
	run(rules);
	dns_destroy();
}

MAY_YIELD static void
wait_in_vain(void *arg)
{
	struct arena *a = arena_create("test");
	struct dns_answer w;
	struct err err;

	*(int *)arg = dns_lookup(a, "silent.example", DNS_A, CLOCK_NEVER, &w,
	    &err);
	arena_destroy(&a);
}

static void
test_stop(void)
{
	struct dns_options options = { .hosts = "silent.example timeout" };
	struct fiber *f;
	struct err err;
	int ret = 0;

	T_INT("zone", dns_create(&options, &err), 0);
	f = fiber_spawn("test", wait_in_vain, &ret);
	loop_turn(false);
	fiber_stop(f);
	while (fiber_count() > 0)
		loop_turn(true);
	T_INT("a stopped fiber gets no answer", ret, -1);
	dns_destroy();
}

static void
test_bad_zones(void)
{
	static const struct {
		const char *name, *text, *want;
	} cases[] = {
		{ "name", "\na..b A 192.0.2.1", "zone line 2: bad name "
		    "\"a..b\"" },
		{ "type", "a.b HINFO x", "zone line 1: unknown type "
		    "\"HINFO\"" },
		{ "nothing", "a.b", "zone line 1: unknown type \"\"" },
		{ "address", "a.b A 192.0.2", "zone line 1: bad data for A: "
		    "\"192.0.2\"" },
		{ "exchanger", "a.b MX mail.b", "zone line 1: bad data for "
		    "MX: \"mail.b\"" },
		{ "quotes", "a.b TXT \"x", "zone line 1: bad data for TXT: "
		    "\"\"x\"" },
		{ "hex", "a.b TLSA 3 1 1 0g", "zone line 1: bad data for "
		    "TLSA: \"3 1 1 0g\"" },
	};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_options options = { .hosts = cases[i].text };

		T_INT(cases[i].name, dns_create(&options, &err), -1);
		T_STR(cases[i].name, err.text, cases[i].want);
	}
}

int
main(void)
{
	loop_create();
	test_cases();
	test_rules();
	test_stop();
	test_bad_zones();
	loop_destroy();
	return t_done();
}
