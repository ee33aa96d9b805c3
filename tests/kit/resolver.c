#include <stdio.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "tests/kit/resolver.h"

struct job {			/* what a fiber of the test does */
	void	(*fn)(void *);
	void	*arg;
};

static struct dnsd *server;
static unsigned alive;		/* fibers of the test */

void
resolver_begin_with(const char *zone, const char *trust_anchor)
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

void
resolver_end(void)
{
	dns_destroy();
	dnsd_stop(&server);
	while (fiber_count() > 0)	/* its streams see the end */
		loop_turn(true);
}

void
resolver_begin(const char *zone)
{
	resolver_begin_with(zone, NULL);
}

MAY_YIELD static void
run_job(void *arg)
{
	struct job job = *(struct job *)arg;

	free(arg);
	job.fn(job.arg);
	alive--;
}

struct fiber *
resolver_start(void (*fn)(void *), void *arg)
{
	struct job *job = malloc(sizeof(*job));

	*job = (struct job){ fn, arg };
	alive++;
	return fiber_spawn("test", run_job, job);
}

void
resolver_wait(void)
{
	while (alive > 0)
		loop_turn(true);
}

void
resolver_run(void (*fn)(void *), void *arg)
{
	resolver_start(fn, arg);
	resolver_wait();
}

struct dnsd *
resolver_server(void)
{
	return server;
}

int64_t
resolver_soon(void)
{
	return clock_now() + 20 * CLOCK_S;
}

MAY_YIELD void
resolver_ask(void *arg)
{
	struct asking *q = arg;
	struct arena *a = arena_create("test");
	struct dns_answer w;
	struct err err;

	q->ret = dns_lookup(a, q->name, DNS_A, q->patience != 0 ?
	    clock_now() + q->patience : resolver_soon(), &w, &err);
	q->done = true;
	snprintf(q->text, sizeof(q->text), "%s", q->ret < 0 ?
	    err_kind_name(err.kind) : w.outcome == DNS_FAIL ? w.why :
	    dns_outcome_name(w.outcome));
	arena_destroy(&a);
}
