#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "tests/kit/dns_cases.h"
#include "tests/kit/resolver.h"
#include "tests/kit/t.h"

#define INVALID		20000

static void
test_cache(void)
{
	static const char *const names[] = { "a.example", "none.example",
	    "only-mx.example" };
	struct dns_stats stats;
	size_t i;

	resolver_begin("a.example A 192.0.2.1\n"
	    "only-mx.example MX 1 a.example\n");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct asking first = { .name = names[i] };
		struct asking again = { .name = names[i] };

		resolver_run(resolver_ask, &first);
		resolver_start(resolver_ask, &again);
		loop_turn(false);
		T_OK("a cached answer does not wait", again.done);
		T_STR("and is the same", again.text, first.text);
		T_INT("nobody is asked twice",
		    dnsd_asked(resolver_server(), names[i]), 1);
		dns_statistics(&stats);
		T_INT("counted", stats.cached, i + 1);
		T_INT("counted", stats.asked, 2 * (i + 1));
	}
	T_INT("by type and answer", stats.kinds[0].told[DNS_OK], 2);
	T_INT("by type and answer", stats.kinds[0].told[DNS_NXDOMAIN], 2);
	T_INT("by type and answer", stats.kinds[0].told[DNS_NODATA], 2);
	T_INT("timed, unless it was there",
	    histogram_count(&stats.kinds[0].time), 3);
	resolver_end();
}

static void
test_no_life(void)
{
	struct asking q = { .name = "brief.example" };

	resolver_begin("brief.example 0 A 192.0.2.1\n");
	resolver_run(resolver_ask, &q);
	resolver_run(resolver_ask, &q);
	T_INT("an answer without a TTL is not kept",
	    dnsd_asked(resolver_server(), "brief.example"), 2);
	resolver_end();
}

static void
test_truncated(void)
{
	struct asking q = { .name = "big.example" };

	resolver_begin("big.example A 192.0.2.1\nbig.example truncate\n");
	resolver_run(resolver_ask, &q);
	T_STR("an answer cut over UDP is asked for over TCP", q.text, "ok");
	T_OK("over TCP", dnsd_by_tcp(resolver_server()) > 0);
	resolver_end();
}

static void
test_large(void)
{
	struct buf zone = { 0 };
	struct asking q = { .name = "large.example" };
	int i;

	for (i = 0; i < 2000; i++)
		buf_printf(&zone, "large.example A 10.0.%d.%d\n", i >> 8,
		    i & 255);
	buf_put(&zone, "", 1);
	resolver_begin(zone.p);
	buf_free(&zone);
	resolver_run(resolver_ask, &q);
	T_STR("2000 addresses", q.text, "ok");
	resolver_end();
}

/* --- time --- */

/* A forwarder that knows most names at once looks some up for a while. */
static void
test_slow(void)
{
	struct asking quick[20], slow = { .name = "slow.example" };
	char names[20][20];
	int i;

	resolver_begin("n.example A 192.0.2.1\nslow.example A 192.0.2.2\n"
	    "slow.example delay 700\n");
	for (i = 0; i < 20; i++) {
		snprintf(names[i], sizeof(names[i]), "x%d.n.example", i);
		quick[i] = (struct asking){ .name = names[i] };
		resolver_run(resolver_ask, &quick[i]);
	}
	resolver_run(resolver_ask, &slow);
	T_STR("a slow answer among quick ones", slow.text, "ok");
	T_INT("is waited for, not asked for again",
	    dnsd_asked(resolver_server(), "slow.example"), 1);
	resolver_end();
}

MAY_YIELD static void
find_name(void *arg)
{
	struct arena *a = arena_create("test");
	struct addr ip;
	const char *name;
	struct err err;

	addr_parse_ip(SPAN_LIT("192.0.2.9"), 25, &ip, &err);
	(void)dns_reverse_name(a, &ip, resolver_soon(), arg, &name, &err);
	arena_destroy(&a);
}

static void
test_reverse_at_once(void)
{
	enum dns_reverse result = DNS_REVERSE_NONE;
	struct dns_stats stats;
	struct fiber *f;
	int turns;

	resolver_begin("9.2.0.192.in-addr.arpa PTR n1.example\n"
	    "9.2.0.192.in-addr.arpa PTR n2.example\n"
	    "9.2.0.192.in-addr.arpa PTR n3.example\n"
	    "n1.example timeout\nn2.example timeout\nn3.example timeout\n");
	f = resolver_start(find_name, &result);
	for (turns = 0; turns < 100; turns++) {
		loop_turn(true);
		dns_statistics(&stats);
		if (stats.waiting + stats.given_up == 3)
			break;
	}
	T_INT("all names are asked for at once",
	    stats.waiting + stats.given_up, 3);
	fiber_stop(f);
	resolver_wait();
	resolver_end();
}

/* --- giving up --- */

static void
test_timeout(void)
{
	struct asking silent = { .name = "silent.example",
	    .patience = 50 * CLOCK_MS };
	struct asking good = { .name = "good.example" };
	struct asking late = { .name = "late.example",
	    .patience = 20 * CLOCK_MS };
	struct asking later = { .name = "late.example" };
	struct dns_stats stats;

	resolver_begin("silent.example timeout\ngood.example A 192.0.2.1\n"
	    "late.example A 192.0.2.2\nlate.example delay 200\n");
	resolver_run(resolver_ask, &silent);
	T_INT("a lookup ends at its deadline", silent.ret, 0);
	T_STR("a lookup ends at its deadline", silent.text, "timeout");
	dns_statistics(&stats);
	T_INT("the resolver goes on", stats.given_up, 1);
	T_INT("counted", stats.timeouts, 1);
	T_INT("counted", stats.failed, 1);
	T_INT("by type", stats.kinds[0].told[DNS_TOLD - 1], 1);
	T_INT("and not as another failure", stats.kinds[0].told[DNS_FAIL], 0);
	resolver_run(resolver_ask, &good);
	T_STR("others are answered", good.text, "ok");

	resolver_start(resolver_ask, &late);
	resolver_run(resolver_ask, &later);
	T_STR("too late for one", late.text, "timeout");
	T_STR("in time for the other", later.text, "ok");
	dns_statistics(&stats);
	T_INT("one question less under way", stats.given_up, 1);
	T_INT("nobody waits", stats.waiting, 0);
	resolver_end();	/* with a question under way */
}

static void
test_stop(void)
{
	struct asking q = { .name = "silent.example" };
	struct asking gone = { .name = "other.silent.example" };
	struct dns_stats stats;
	struct fiber *f;

	resolver_begin("silent.example timeout\n"
	    "other.silent.example timeout\n");
	f = resolver_start(resolver_ask, &q);
	loop_turn(false);
	fiber_stop(f);
	loop_turn(true);
	T_INT("stopped while waiting", q.ret, -1);
	T_STR("stopped while waiting", q.text, err_kind_name(ERR_CLOSED));
	f = resolver_start(resolver_ask, &gone);
	fiber_stop(f);
	loop_turn(true);
	T_INT("stopped before", gone.ret, -1);
	dns_statistics(&stats);
	T_INT("nobody waits", stats.waiting, 0);
	resolver_end();
}

MAY_YIELD static void
find_addresses(void *arg)
{
	struct arena *a = arena_create("test");
	struct dns_answer w;
	struct addr *addrs;
	struct err err;
	size_t n;

	*(int *)arg = dns_addresses(a, "silent.example", 25, resolver_soon(),
	    &addrs, &n, &w, &err);
	arena_destroy(&a);
}

static void
test_stop_addresses(void)
{
	struct dns_stats stats;
	struct fiber *f;
	int ret = 0;

	resolver_begin("silent.example timeout\n");
	f = resolver_start(find_addresses, &ret);
	loop_turn(false);
	loop_turn(false);
	dns_statistics(&stats);
	T_INT("both are asked at once", stats.waiting, 2);
	fiber_stop(f);
	resolver_wait();
	T_INT("both are stopped", ret, -1);
	dns_statistics(&stats);
	T_INT("nobody waits", stats.waiting, 0);
	resolver_end();
}

/* --- the rest --- */

MAY_YIELD static void
ask_invalid(void *arg)
{
	static const char *const names[] = { "a..b.example", "", ".",
	    "64-octets-123456789012345678901234567890123456789012345678901234"
	};
	struct arena *a = arena_create("test");
	size_t *grown = arg, before = mallinfo2().uordblks;
	struct dns_answer w;
	struct err err;
	int i;

	for (i = 0; i < INVALID; i++)
		dns_lookup(a, names[i % 4], DNS_A, resolver_soon(), &w, &err);
	*grown = mallinfo2().uordblks - before;
	arena_destroy(&a);
}

static void
test_invalid(void)
{
	size_t grown = 1;

	resolver_begin("");
	resolver_run(ask_invalid, &grown);
	T_INT("invalid names leave nothing behind", grown, 0);
	T_INT("nobody is asked", dnsd_asked(resolver_server(), NULL), 0);
	resolver_end();
}

static void
test_no_server(void)
{
	const char *forward = "127.0.0.1:1";	/* nobody listens */
	struct dns_options options = { .forward = &forward, .nforward = 1 };
	struct asking q = { .name = "a.example", .patience = 50 * CLOCK_MS };
	struct asking local = { .name = "localhost" };
	struct err err;

	T_INT("no server", dns_create(&options, &err), 0);
	resolver_run(resolver_ask, &q);
	T_STR("no server", q.text, "timeout");
	resolver_run(resolver_ask, &local);
	T_STR("localhost needs none", local.text, "ok");
	dns_destroy();
}

static void
test_failure_kept(void)
{
	struct asking q = { .name = "broken.example" };
	struct dns_stats stats;

	resolver_begin("broken.example servfail\n");
	resolver_run(resolver_ask, &q);
	dns_statistics(&stats);
	T_INT("a failure asked for", stats.failed_at_once, 0);
	resolver_run(resolver_ask, &q);
	T_STR("a failure remembered", q.text, "servfail");
	dns_statistics(&stats);
	T_INT("is counted apart", stats.failed_at_once, 1);
	resolver_end();
}

/* The anchor says that example. is signed; the server has no signatures. */
static void
test_bogus(void)
{
	char path[] = "/tmp/forepost-anchor-XXXXXX";
	struct asking forged = { .name = "a.example" };
	struct asking other = { .name = "a.other" };
	int fd = mkstemp(path);

	if (fd < 0 || dprintf(fd, "example. 3600 IN DS 12345 13 2 "
	    "0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef"
	    "\n") < 0)
		abort();
	close(fd);
	resolver_begin_with("a.example A 192.0.2.1\na.other A 192.0.2.2\n",
	    path);
	unlink(path);
	resolver_run(resolver_ask, &forged);
	T_STR("data without the signatures it must have", forged.text,
	    "bogus");
	resolver_run(resolver_ask, &other);
	T_STR("beside the anchor", other.text, "ok");
	resolver_end();
}

static void
test_bad_options(void)
{
	static const struct {
		const char *name, *forward, *anchor, *want;
	} cases[] = {
		{ "name as forwarder", "ns.example", NULL, "forward "
		    "\"ns.example\": expected an address, with a port or "
		    "without" },
		{ "path as forwarder", "unix:/run/x", NULL, "forward "
		    "\"unix:/run/x\": expected an address, with a port or "
		    "without" },
		{ "no anchor", "127.0.0.1", "/nonexistent/root.key",
		    "trust anchor /nonexistent/root.key: No such file or "
		    "directory" },
		{ "not an anchor", "127.0.0.1", "/etc/passwd", "libunbound "
		    "did not start (initialization failure); is /etc/passwd "
		    "a trust anchor?" },
	};
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct dns_options options = { .forward = &cases[i].forward,
		    .nforward = 1, .trust_anchor = cases[i].anchor };

		T_INT(cases[i].name, dns_create(&options, &err), -1);
		T_STR(cases[i].name, err.text, cases[i].want);
	}
}

static void
test_forwarder_forms(void)
{
	static const char *const forms[] = { "127.0.0.1", "127.0.0.1:53",
	    "::1", "[::1]:53" };
	struct dns_options options = { .forward = forms, .nforward = 4 };
	struct err err;

	T_INT("forms of a forwarder", dns_create(&options, &err), 0);
	dns_destroy();
	T_INT("recursion", dns_create(&(struct dns_options){ 0 }, &err), 0);
	dns_destroy();
}

int
main(void)
{
	loop_create();
	resolver_begin(dns_cases_zone);
	resolver_run(dns_cases_run, NULL);
	resolver_end();
	test_cache();
	test_no_life();
	test_truncated();
	test_large();
	test_slow();
	test_reverse_at_once();
	test_timeout();
	test_stop();
	test_stop_addresses();
	test_invalid();
	test_no_server();
	test_failure_kept();
	test_bogus();
	test_bad_options();
	test_forwarder_forms();
	loop_destroy();
	return t_done();
}
