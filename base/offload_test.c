#include <semaphore.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/offload.h"
#include "tests/kit/t.h"

/* A job that ends when the test says so. */
struct held {
	sem_t		 begun, go;
	bool		 saw_dropped;
	unsigned	 runs;
};

static struct offload *offload;
static unsigned finished, drops;

static void
run_held(void *arg, const atomic_bool *dropped)
{
	struct held *h = *(struct held **)arg;

	sem_post(&h->begun);
	sem_wait(&h->go);
	h->saw_dropped = atomic_load(dropped);
	h->runs++;
}

static void
drop_held(void *arg)
{
	drops++;
	free(arg);
}

static void
held_begin(struct held *h)
{
	memset(h, 0, sizeof(*h));
	sem_init(&h->begun, 0, 0);
	sem_init(&h->go, 0, 0);
}

/* Runs the job for at most `patience` us. */
static int64_t patience;

static void
waiter(void *arg)
{
	struct held **job = mem_alloc(sizeof(*job), "test");
	struct err err;

	*job = arg;
	if (offload_run(offload, run_held, drop_held, job,
	    patience == CLOCK_NEVER ? CLOCK_NEVER : clock_now() + patience,
	    &err) == 0)
		free(job);
	else
		T_STR("the wait says why", err_kind_name(err.kind), "timeout");
	finished++;
}

static void
counter(void *arg)
{
	struct err err;
	unsigned *n = arg;

	for (*n = 0; *n < 100; ++*n)
		if (fiber_sleep(1, &err) < 0)
			break;
}

static void
turn_until(const unsigned *value, unsigned want)
{
	while (*value < want)
		loop_turn(true);
}

static void
test_others_go_on(void)
{
	struct held h;
	unsigned n = 0;

	held_begin(&h);
	patience = CLOCK_NEVER;
	finished = 0;
	fiber_spawn("waiter", waiter, &h);
	loop_turn(false);
	sem_wait(&h.begun);
	fiber_spawn("counter", counter, &n);
	turn_until(&n, 100);
	T_INT("a job keeps nobody else waiting", n, 100);
	T_INT("one fiber waits", offload_waiting(offload), 1);
	sem_post(&h.go);
	turn_until(&finished, 1);
	T_INT("it ran once", h.runs, 1);
	T_OK("and was not dropped", !h.saw_dropped);
}

static void
test_deadline(void)
{
	struct held h;

	held_begin(&h);
	patience = CLOCK_MS;
	finished = drops = 0;
	fiber_spawn("waiter", waiter, &h);
	turn_until(&finished, 1);
	T_INT("nothing dropped while it runs", drops, 0);
	sem_post(&h.go);
	turn_until(&drops, 1);
	T_OK("the job learns that nobody waits", h.saw_dropped);
	T_INT("dropped once", drops, 1);
}

static void
test_many(void)
{
	enum { MANY = 50 };
	static struct held h[MANY];
	unsigned i, runs = 0;

	patience = CLOCK_NEVER;
	finished = 0;
	for (i = 0; i < MANY; i++) {
		held_begin(&h[i]);
		sem_post(&h[i].go);
		fiber_spawn("waiter", waiter, &h[i]);
	}
	turn_until(&finished, MANY);
	for (i = 0; i < MANY; i++)
		runs += h[i].runs;
	T_INT("more jobs than threads", runs, MANY);
}

/* Dropped jobs end before offload_destroy() returns. */
static void
test_destroy(void)
{
	struct held h;

	held_begin(&h);
	patience = CLOCK_MS;
	finished = drops = 0;
	fiber_spawn("waiter", waiter, &h);
	turn_until(&finished, 1);
	sem_post(&h.go);
	offload_destroy(&offload);
	T_INT("ended with the rest", drops, 1);
	T_OK("pointer is nulled", offload == NULL);
}

int
main(void)
{
	loop_create();
	offload = offload_create(2);
	test_others_go_on();
	test_deadline();
	test_many();
	test_destroy();
	loop_destroy();
	return t_done();
}
