#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/dns_zone.h"
#include "base/loop.h"
#include "tests/kit/dns_cases.h"
#include "tests/kit/dnsd.h"
#include "tests/kit/t.h"

/*
 * The resolver against a server on the same loop (tests/kit/dnsd.c). Each
 * test has a context and a server of its own, so nothing is cached before.
 */
#define AT_ONCE		500
#define INVALID		20000

static struct dnsd *server;
static bool is_verbose;

static void
begin_with(const char *zone, const char *trust_anchor)
{
	const char *forward;
	struct dns_options options = { .forward = &forward, .nforward = 1,
	    .trust_anchor = trust_anchor };
	struct err err;

	server = dnsd_start(zone);
	forward = dnsd_address(server);
	if (dns_create(&options, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		exit(1);
	}
}

static void
finish(void)
{
	dns_destroy();
	dnsd_stop(&server);
	while (fiber_count() > 0)	/* its streams see the end */
		loop_turn(true);
}

static void
begin(const char *zone)
{
	begin_with(zone, NULL);
}

/* Fibers of the test alone: the server has its own. */
static unsigned alive;

struct job {
	void	(*fn)(void *);
	void	*arg;
};

MAY_YIELD static void
run_job(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	job.fn(job.arg);
	alive--;
}

static struct fiber *
start(void (*fn)(void *), void *arg)
{
	struct job *job = malloc(sizeof(*job));

	*job = (struct job){ fn, arg };
	alive++;
	return fiber_spawn("test", run_job, job);
}

static void
wait_all(void)
{
	while (alive > 0)
		loop_turn(true);
}

static void
run(void (*fn)(void *), void *arg)
{
	start(fn, arg);
	wait_all();
}

static int64_t
soon(void)
{
	return clock_now() + 20 * CLOCK_S;
}

/* --- one question --- */

struct asking {
	const char	*name;
	int64_t		 patience;
	int		 ret;
	bool		 done;
	char		 text[40];	/* outcome or reason */
};

MAY_YIELD static void
ask(void *arg)
{
	struct asking *q = arg;
	struct arena *a = arena_create("test");
	struct dns_answer w;
	struct err err;

	q->ret = dns_lookup(a, q->name, DNS_A, q->patience != 0 ?
	    clock_now() + q->patience : soon(), &w, &err);
	q->done = true;
	snprintf(q->text, sizeof(q->text), "%s", q->ret < 0 ?
	    err_kind_name(err.kind) : w.outcome == DNS_FAIL ? w.why :
	    dns_outcome_name(w.outcome));
	arena_destroy(&a);
}

static void
test_cache(void)
{
	static const char *const names[] = { "a.example", "none.example",
	    "only-mx.example" };
	size_t i;

	begin("a.example A 192.0.2.1\nonly-mx.example MX 1 a.example\n");
	for (i = 0; i < sizeof(names) / sizeof(names[0]); i++) {
		struct asking first = { .name = names[i] };
		struct asking again = { .name = names[i] };
		struct dns_stats stats;

		run(ask, &first);
		start(ask, &again);
		loop_turn(false);
		T_OK("a cached answer does not wait", again.done);
		T_STR("and is the same", again.text, first.text);
		T_INT("nobody is asked twice", dnsd_asked(server, names[i]),
		    1);
		dns_statistics(&stats);
		T_INT("counted", stats.cached, i + 1);
		T_INT("counted", stats.asked, 2 * (i + 1));
	}
	finish();
}

static void
test_no_life(void)
{
	struct asking q = { .name = "brief.example" };

	begin("brief.example 0 A 192.0.2.1\n");
	run(ask, &q);
	run(ask, &q);
	T_INT("an answer without a TTL is not kept",
	    dnsd_asked(server, "brief.example"), 2);
	finish();
}

static void
test_truncated(void)
{
	struct asking q = { .name = "big.example" };

	begin("big.example A 192.0.2.1\nbig.example truncate\n");
	run(ask, &q);
	T_STR("an answer cut over UDP is asked for over TCP", q.text, "ok");
	T_OK("over TCP", dnsd_by_tcp(server) > 0);
	finish();
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
	begin(zone.p);
	buf_free(&zone);
	run(ask, &q);
	T_STR("2000 addresses", q.text, "ok");
	finish();
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

	begin("silent.example timeout\ngood.example A 192.0.2.1\n"
	    "late.example A 192.0.2.2\nlate.example delay 200\n");
	run(ask, &silent);
	T_INT("a lookup ends at its deadline", silent.ret, 0);
	T_STR("a lookup ends at its deadline", silent.text, "timeout");
	dns_statistics(&stats);
	T_INT("the resolver goes on", stats.given_up, 1);
	T_INT("counted", stats.timeouts, 1);
	T_INT("counted", stats.failed, 1);
	run(ask, &good);
	T_STR("others are answered", good.text, "ok");

	start(ask, &late);
	run(ask, &later);
	T_STR("too late for one", late.text, "timeout");
	T_STR("in time for the other", later.text, "ok");
	dns_statistics(&stats);
	T_INT("one question less under way", stats.given_up, 1);
	T_INT("nobody waits", stats.waiting, 0);
	finish();	/* with a question under way */
}

static void
test_stop(void)
{
	struct asking q = { .name = "silent.example" };
	struct asking gone = { .name = "other.silent.example" };
	struct dns_stats stats;
	struct fiber *f;

	begin("silent.example timeout\nother.silent.example timeout\n");
	f = start(ask, &q);
	loop_turn(false);
	fiber_stop(f);
	loop_turn(true);
	T_INT("stopped while waiting", q.ret, -1);
	T_STR("stopped while waiting", q.text, err_kind_name(ERR_CLOSED));
	f = start(ask, &gone);
	fiber_stop(f);
	loop_turn(true);
	T_INT("stopped before", gone.ret, -1);
	dns_statistics(&stats);
	T_INT("nobody waits", stats.waiting, 0);
	finish();
}

MAY_YIELD static void
find_addresses(void *arg)
{
	struct arena *a = arena_create("test");
	struct dns_answer w;
	struct addr *addrs;
	struct err err;
	size_t n;

	*(int *)arg = dns_addresses(a, "silent.example", 25, soon(), &addrs,
	    &n, &w, &err);
	arena_destroy(&a);
}

static void
test_stop_addresses(void)
{
	struct dns_stats stats;
	struct fiber *f;
	int ret = 0;

	begin("silent.example timeout\n");
	f = start(find_addresses, &ret);
	loop_turn(false);
	loop_turn(false);
	dns_statistics(&stats);
	T_INT("both are asked at once", stats.waiting, 2);
	fiber_stop(f);
	wait_all();
	T_INT("both are stopped", ret, -1);
	dns_statistics(&stats);
	T_INT("nobody waits", stats.waiting, 0);
	finish();
}

/* --- many --- */

static void
test_many(void)
{
	struct asking *q = calloc(AT_ONCE, sizeof(*q));
	char (*names)[40] = calloc(AT_ONCE, sizeof(*names));
	unsigned round, ok;
	int i;

	begin("n.example A 192.0.2.1\n");
	for (round = 0; round < 2; round++) {
		int64_t begun = clock_now();

		for (i = 0; i < AT_ONCE; i++) {
			snprintf(names[i], sizeof(names[i]),
			    "x%d.n.example", i);
			q[i] = (struct asking){ .name = names[i] };
			start(ask, &q[i]);
		}
		wait_all();
		for (i = 0, ok = 0; i < AT_ONCE; i++)
			ok += strcmp(q[i].text, "nxdomain") == 0;
		T_INT(round == 0 ? "many at once" : "many at once, cached",
		    ok, AT_ONCE);
		if (is_verbose)
			printf("%d lookups at once: %lld us\n", AT_ONCE,
			    (long long)(clock_now() - begun));
	}
	finish();
	free(names);
	free(q);
}

/* Half of them silent: the good ones must not suffer. */
static void
test_many_silent(void)
{
	struct asking *q = calloc(AT_ONCE, sizeof(*q));
	char (*names)[40] = calloc(AT_ONCE, sizeof(*names));
	struct buf zone = { 0 };
	unsigned good = 0, late = 0;
	int i;

	for (i = 0; i < AT_ONCE; i++)
		buf_printf(&zone, i % 2 ? "x%d.example timeout\n" :
		    "x%d.example A 192.0.2.1\n", i);
	buf_put(&zone, "", 1);
	begin(zone.p);
	buf_free(&zone);
	for (i = 0; i < AT_ONCE; i++) {
		snprintf(names[i], sizeof(names[i]), "x%d.example", i);
		q[i] = (struct asking){ .name = names[i],
		    .patience = i % 2 ? 500 * CLOCK_MS : 20 * CLOCK_S };
		start(ask, &q[i]);
	}
	wait_all();
	for (i = 0; i < AT_ONCE; i++) {
		good += strcmp(q[i].text, "ok") == 0;
		late += strcmp(q[i].text, "timeout") == 0;
	}
	T_INT("good names among silent ones", good, AT_ONCE / 2);
	T_INT("silent names", late, AT_ONCE / 2);
	finish();
	free(names);
	free(q);
}

static void
test_overload(void)
{
	unsigned n = DNS_MOST_WAITING + 10, i, over = 0, late = 0;
	struct asking *q = calloc(n, sizeof(*q));
	struct asking after = { .name = "good.example" };
	struct dns_stats stats;

	begin("silent.example timeout\ngood.example A 192.0.2.1\n");
	for (i = 0; i < n; i++) {
		q[i] = (struct asking){ .name = "silent.example",
		    .patience = 300 * CLOCK_MS };
		start(ask, &q[i]);
	}
	wait_all();
	for (i = 0; i < n; i++) {
		over += strcmp(q[i].text, "overload") == 0;
		late += strcmp(q[i].text, "timeout") == 0;
	}
	T_INT("more than may wait", over, 10);
	T_INT("those that may", late, DNS_MOST_WAITING);
	dns_statistics(&stats);
	T_INT("counted", stats.overload, 10);
	run(ask, &after);
	T_STR("afterwards there is room", after.text, "ok");
	finish();
	free(q);
}

/* --- the rest --- */

MAY_YIELD static void
ask_invalid(void *arg)
{
	static const char *const names[] = { "a..b.example", "", ".",
	    "a234567890123456789012345678901234567890123456789012345678901234"
	    ".example" };
	struct arena *a = arena_create("test");
	size_t *grown = arg, before = mallinfo2().uordblks;
	struct dns_answer w;
	struct err err;
	int i;

	for (i = 0; i < INVALID; i++)
		dns_lookup(a, names[i % 4], DNS_A, soon(), &w, &err);
	*grown = mallinfo2().uordblks - before;
	arena_destroy(&a);
}

static void
test_invalid(void)
{
	size_t grown = 1;

	begin("");
	run(ask_invalid, &grown);
	T_INT("invalid names leave nothing behind", grown, 0);
	T_INT("nobody is asked", dnsd_asked(server, NULL), 0);
	finish();
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
	run(ask, &q);
	T_STR("no server", q.text, "timeout");
	run(ask, &local);
	T_STR("localhost needs none", local.text, "ok");
	dns_destroy();
}

static void
test_failure_kept(void)
{
	struct asking q = { .name = "broken.example" };
	struct dns_stats stats;

	begin("broken.example servfail\n");
	run(ask, &q);
	dns_statistics(&stats);
	T_INT("a failure asked for", stats.failed_at_once, 0);
	run(ask, &q);
	T_STR("a failure remembered", q.text, "servfail");
	dns_statistics(&stats);
	T_INT("is counted apart", stats.failed_at_once, 1);
	finish();
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
	begin_with("a.example A 192.0.2.1\na.other A 192.0.2.2\n", path);
	unlink(path);
	run(ask, &forged);
	T_STR("data without the signatures it must have", forged.text,
	    "bogus");
	run(ask, &other);
	T_STR("beside the anchor", other.text, "ok");
	finish();
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
	struct rlimit files;

	is_verbose = getenv("DNS_TEST_VERBOSE") != NULL;
	/* One socket for each question under way. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	loop_create();
	begin(dns_cases_zone);
	run(dns_cases_run, NULL);
	finish();
	test_cache();
	test_no_life();
	test_truncated();
	test_large();
	test_timeout();
	test_stop();
	test_stop_addresses();
	test_many();
	test_many_silent();
	test_overload();
	test_invalid();
	test_no_server();
	test_failure_kept();
	test_bogus();
	test_bad_options();
	test_forwarder_forms();
	loop_destroy();
	return t_done();
}
