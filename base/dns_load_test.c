#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "tests/kit/resolver.h"
#include "tests/kit/t.h"

/* Many lookups at once, silent servers among them, and too many. */
#define AT_ONCE		500

static void
test_many(void)
{
	struct asking *q = calloc(AT_ONCE, sizeof(*q));
	char (*names)[40] = calloc(AT_ONCE, sizeof(*names));
	unsigned round, ok;
	int i;

	resolver_begin("n.example A 192.0.2.1\n");
	for (round = 0; round < 2; round++) {
		int64_t begun = clock_now();

		for (i = 0; i < AT_ONCE; i++) {
			snprintf(names[i], sizeof(names[i]),
			    "x%d.n.example", i);
			q[i] = (struct asking){ .name = names[i] };
			resolver_start(resolver_ask, &q[i]);
		}
		resolver_wait();
		for (i = 0, ok = 0; i < AT_ONCE; i++)
			ok += strcmp(q[i].text, "nxdomain") == 0;
		T_INT(round == 0 ? "many at once" : "many at once, cached",
		    ok, AT_ONCE);
		if (getenv("DNS_TEST_VERBOSE") != NULL)
			printf("%d lookups at once: %lld us\n", AT_ONCE,
			    (long long)(clock_now() - begun));
	}
	resolver_end();
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
	resolver_begin(zone.p);
	buf_free(&zone);
	for (i = 0; i < AT_ONCE; i++) {
		snprintf(names[i], sizeof(names[i]), "x%d.example", i);
		q[i] = (struct asking){ .name = names[i],
		    .patience = i % 2 ? 500 * CLOCK_MS : 20 * CLOCK_S };
		resolver_start(resolver_ask, &q[i]);
	}
	resolver_wait();
	for (i = 0; i < AT_ONCE; i++) {
		good += strcmp(q[i].text, "ok") == 0;
		late += strcmp(q[i].text, "timeout") == 0;
	}
	T_INT("good names among silent ones", good, AT_ONCE / 2);
	T_INT("silent names", late, AT_ONCE / 2);
	resolver_end();
	free(names);
	free(q);
}

static void
test_overload(void)
{
	unsigned n = DNS_MOST_WAITING + 10, i, over = 0, late = 0;
	struct asking *q = calloc(n, sizeof(*q));
	struct asking after = { .name = "good.example" };
	struct asking known = { .name = "known.example" };
	struct dns_stats stats;

	resolver_begin("silent.example timeout\ngood.example A 192.0.2.1\n"
	    "known.example A 192.0.2.2\n");
	resolver_run(resolver_ask, &known);
	for (i = 0; i < n; i++) {
		q[i] = (struct asking){ .name = "silent.example",
		    .patience = 300 * CLOCK_MS };
		resolver_start(resolver_ask, &q[i]);
	}
	known = (struct asking){ .name = "known.example" };
	resolver_start(resolver_ask, &known);
	resolver_wait();
	T_STR("what is in the cache needs no room", known.text, "ok");
	for (i = 0; i < n; i++) {
		over += strcmp(q[i].text, "overload") == 0;
		late += strcmp(q[i].text, "timeout") == 0;
	}
	T_INT("more than may wait", over, 10);
	T_INT("those that may", late, DNS_MOST_WAITING);
	dns_statistics(&stats);
	T_INT("counted", stats.overload, 10);
	resolver_run(resolver_ask, &after);
	T_STR("afterwards there is room", after.text, "ok");
	resolver_end();
	free(q);
}

int
main(void)
{
	struct rlimit files;

	/* One socket for each question under way. */
	if (getrlimit(RLIMIT_NOFILE, &files) == 0) {
		files.rlim_cur = files.rlim_max;
		setrlimit(RLIMIT_NOFILE, &files);
	}
	loop_create();
	test_many();
	test_many_silent();
	test_overload();
	loop_destroy();
	return t_done();
}
