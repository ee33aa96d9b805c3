#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/spf.h"
#include "tests/kit/t.h"

/*
 * Many evaluations in one thread, by both engines, with answers of DNS that
 * come late and out of order: each result is that of a run alone.
 */
#define DOMAINS		40
#define AT_ONCE		1000

struct trial {
	unsigned	 domain;	/* d0.example to d39.example */
	enum spf_engine	 engine;
	char		 answer[300];	/* result, mechanism, explanation */
};

static void
put_domain(struct buf *b, unsigned i)
{
	static const char *const ends[] = { "-all exp=e%u.example",
	    "~all", "redirect=r%u.example", "?all", "a:%%{l}.%%{d} -all" };
	char end[60];

	snprintf(end, sizeof(end), ends[i % 5], i % 7);
	buf_printf(b, "d%u.example TXT \"v=spf1 include:i%u.example mx:m%u."
	    "example exists:%%{ir}.x%u.example ptr:p%u.example %s\"\n", i,
	    i % 11, i % 13, i % 3, i % 4, end);
	buf_printf(b, "d%u.example delay %u\n", i, i % 4);
	buf_printf(b, "i%u.example TXT \"v=spf1 a:a%u.example ip4:192.0.2.%u\""
	    "\ni%u.example delay %u\n", i, i, i * 3, i, i * 7 % 5);
	buf_printf(b, "a%u.example A 198.51.100.%u\na%u.example delay %u\n",
	    i, i, i, i * 5 % 4);
	buf_printf(b, "m%u.example MX 1 a%u.example\nm%u.example MX 2 "
	    "a%u.example\n", i, i, i, i + 1);
	buf_printf(b, "e%u.example TXT \"%u: %%{d} %%{p} %%{i}\"\n"
	    "e%u.example delay 2\n", i, i, i);
	buf_printf(b, "r%u.example TXT \"v=spf1 -all exp=e%u.example\"\n",
	    i, i);
	buf_printf(b, "%u.100.51.198.in-addr.arpa PTR n%u.p%u.example\n"
	    "n%u.p%u.example A 198.51.100.%u\n"
	    "%u.100.51.198.in-addr.arpa delay %u\n", i, i, i / 4 % 5, i,
	    i / 4 % 5, i, i, i % 6);
	if (i % 9 == 8)
		buf_printf(b, "d%u.example servfail\n", i);
}

static MAY_YIELD void
check_one(void *arg)
{
	struct trial *t = arg;
	struct arena *a = arena_create("test");
	struct spf_options options = { .engine = t->engine };
	struct addr client;
	struct spf_query query = { .client = &client, .helo = "h.example",
	    .sender = span_z(arena_printf(a, "s@d%u.example", t->domain)) };
	struct spf_answer w;
	struct err err;

	addr_parse_ip(span_z(arena_printf(a, "198.51.100.%u",
	    t->domain * 17 % 60)), 25, &client, &err);
	if (spf_check(a, &options, &query, &w, &err) < 0)
		snprintf(t->answer, sizeof(t->answer), "%s", err.text);
	else
		snprintf(t->answer, sizeof(t->answer), "%s %s %s %u",
		    spf_result_name(w.result),
		    w.mechanism != NULL ? w.mechanism : "-",
		    w.explanation != NULL ? w.explanation : "-", w.lookups);
	arena_destroy(&a);
}

static void
run_all(void)
{
	while (fiber_count() > 0)
		loop_turn(true);
}

static void
run_trials(const struct trial *alone)
{
	struct trial *trials = calloc(AT_ONCE, sizeof(*trials));
	unsigned same = 0;

	for (unsigned i = 0; i < AT_ONCE; i++) {
		trials[i].domain = i % DOMAINS;
		trials[i].engine = i / DOMAINS % 2;
		fiber_spawn("test", check_one, &trials[i]);
	}
	run_all();
	for (unsigned i = 0; i < AT_ONCE; i++)
		same += strcmp(trials[i].answer,
		    alone[i % (2 * DOMAINS)].answer) == 0;
	T_INT("the same answers together", same, AT_ONCE);
	free(trials);
}

int
main(void)
{
	static struct trial alone[2 * DOMAINS];
	struct dns_options options;
	struct buf zone = { 0 };
	unsigned seen[7] = { 0 };
	struct err err;

	for (unsigned i = 0; i < 60; i++)
		put_domain(&zone, i);
	buf_put(&zone, "", 1);
	options = (struct dns_options){ .hosts = zone.p };
	loop_create();
	if (dns_create(&options, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	for (unsigned i = 0; i < 2 * DOMAINS; i++) {
		alone[i].domain = i % DOMAINS;
		alone[i].engine = i / DOMAINS;
		fiber_spawn("test", check_one, &alone[i]);
		run_all();
		for (int r = 0; r < 7; r++)
			if (strncmp(alone[i].answer, spf_result_name(r),
			    strlen(spf_result_name(r))) == 0)
				seen[r]++;
	}
	T_OK("the cases are of many kinds", seen[SPF_PASS] > 3 &&
	    seen[SPF_FAIL] > 3 && seen[SPF_SOFTFAIL] > 3 &&
	    seen[SPF_NEUTRAL] > 3 && seen[SPF_TEMPERROR] > 3);
	run_trials(alone);
	dns_destroy();
	buf_free(&zone);
	loop_destroy();
	return t_done();
}
