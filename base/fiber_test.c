#include <string.h>

#include <event2/event.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "base/stack.h"
#include "tests/kit/t.h"

/*
 * Each test writes letters into a trace; the order in which they stand there
 * is the interleaving that the test is about.
 */
static struct buf	trace;

static void
note(const char *what)
{
	buf_puts(&trace, what);
}

static const char *
traced(void)
{
	buf_put(&trace, "", 1);
	return trace.p;
}

static void
run_all(void)
{
	while (fiber_count() > 0)
		loop_turn(true);
}

static void
begin(void)
{
	buf_clear(&trace);
}

/* --- order --- */

static MAY_YIELD void
letters(void *arg)
{
	const char *p = arg;
	char one[2] = "";

	for (; *p != '\0'; p++) {
		one[0] = *p;
		note(one);
		fiber_yield();
	}
}

static void
test_order(void)
{
	begin();
	fiber_spawn("a", letters, "abc");
	fiber_spawn("b", letters, "123");
	note("-");	/* spawning runs nothing yet */
	run_all();
	T_STR("fibers that yield take turns", traced(), "-a1b2c3");
}

/* --- waking --- */

static struct fiber	*sleeper;

static MAY_YIELD void
wait_once(void *arg)
{
	struct err err;

	note("w");
	if (fiber_wait(clock_now() + *(int64_t *)arg, &err) == 0)
		note("ok");
	else
		note(err_kind_name(err.kind));
}

static MAY_YIELD void
wake_sleeper(void *arg)
{
	(void)arg;
	note("!");
	fiber_wake(sleeper);
}

static void
test_wake(void)
{
	int64_t long_time = 60 * CLOCK_S, short_time = 2 * CLOCK_MS;

	begin();
	sleeper = fiber_spawn("sleeper", wait_once, &long_time);
	fiber_spawn("waker", wake_sleeper, NULL);
	run_all();
	T_STR("a wake ends a wait", traced(), "w!ok");

	begin();
	sleeper = fiber_spawn("sleeper", wait_once, &long_time);
	fiber_wake(sleeper);
	run_all();
	T_STR("a wake before the wait counts", traced(), "wok");

	begin();
	fiber_spawn("sleeper", wait_once, &short_time);
	run_all();
	T_STR("a deadline ends a wait", traced(), "wtimeout");

	short_time = 0;
	begin();
	fiber_spawn("sleeper", wait_once, &short_time);
	run_all();
	T_STR("a deadline that is over does not wait", traced(), "wtimeout");
}

/* --- many deadlines --- */

struct nap {
	int64_t	 us;
	int	 number;
};
static int	 woke[100], nwoke;

static MAY_YIELD void
take_nap(void *arg)
{
	struct nap *n = arg;
	struct err err;

	if (fiber_sleep(n->us, &err) == 0)
		woke[nwoke++] = n->number;
}

static void
test_deadlines(void)
{
	static struct nap naps[100];
	int i, in_order = 1;

	nwoke = 0;
	for (i = 0; i < 100; i++) {
		naps[i].number = (i * 37) % 100;
		naps[i].us = (naps[i].number + 1) * 500;
		fiber_spawn("nap", take_nap, &naps[i]);
	}
	run_all();
	T_INT("all naps ended", nwoke, 100);
	for (i = 1; i < nwoke; i++)
		in_order &= naps[0].us && woke[i] >= woke[i - 1] - 10;
	T_OK("deadlines fire in their order", in_order);
}

/* --- stop and interrupt --- */

static bool was_stopped;

static MAY_YIELD void
wait_twice(void *arg)
{
	int64_t t = 60 * CLOCK_S;

	(void)arg;
	wait_once(&t);
	was_stopped = fiber_is_stopped();
	t = 2 * CLOCK_MS;
	wait_once(&t);
}

static MAY_YIELD void
stop_sleeper(void *arg)
{
	if (arg != NULL)
		fiber_stop(sleeper);
	else
		fiber_interrupt(sleeper);
}

static void
test_stop(void)
{
	int64_t short_time = 2 * CLOCK_MS;

	begin();
	sleeper = fiber_spawn("sleeper", wait_twice, NULL);
	fiber_spawn("stopper", stop_sleeper, "stop");
	run_all();
	T_STR("a stop fails every later wait", traced(), "wclosedwclosed");
	T_OK("a stopped fiber knows", was_stopped);

	begin();
	sleeper = fiber_spawn("sleeper", wait_twice, NULL);
	fiber_spawn("stopper", stop_sleeper, NULL);
	run_all();
	T_STR("an interrupt fails one wait", traced(), "wclosedwtimeout");
	T_OK("an interrupt is no stop", !was_stopped);

	begin();
	sleeper = fiber_spawn("sleeper", wait_once, &short_time);
	fiber_interrupt(sleeper);
	run_all();
	T_STR("an interrupt leaves one alone that does not wait", traced(),
	    "wtimeout");
}

/* --- join --- */

static MAY_YIELD void
joiner(void *arg)
{
	struct fiber *f = fiber_spawn_joinable("child", letters, arg);
	struct err err;

	note("(");
	if (fiber_join(&f, CLOCK_NEVER, &err) == 0 && f == NULL)
		note(")");
}

static MAY_YIELD void
late_joiner(void *arg)
{
	struct fiber *f = fiber_spawn_joinable("child", letters, arg);
	struct err err;

	fiber_yield();
	fiber_yield();
	fiber_yield();
	note("(");
	if (fiber_join(&f, CLOCK_NEVER, &err) == 0)
		note(")");
}

static MAY_YIELD void
impatient_joiner(void *arg)
{
	int64_t t = 20 * CLOCK_MS;
	struct fiber *f = fiber_spawn_joinable("child", wait_once, &t);
	struct err err;

	(void)arg;
	if (fiber_join(&f, clock_now() + CLOCK_MS, &err) < 0)
		note(err_kind_name(err.kind));
	fiber_stop(f);
	fiber_join(&f, CLOCK_NEVER, &err);
}

static void
test_join(void)
{
	begin();
	fiber_spawn("joiner", joiner, "ab");
	run_all();
	T_STR("a join waits for the end", traced(), "(ab)");

	begin();
	fiber_spawn("joiner", late_joiner, "a");
	run_all();
	T_STR("a join after the end returns at once", traced(), "a()");

	begin();
	sleeper = fiber_spawn("joiner", joiner, "abc");
	fiber_stop(sleeper);
	run_all();
	T_STR("a stopped fiber can still join", traced(), "(abc)");

	begin();
	fiber_spawn("joiner", impatient_joiner, NULL);
	run_all();
	T_STR("a join has a deadline", traced(), "wtimeoutclosed");
}

/* --- stacks --- */

static uintptr_t	 where_main;

/* AddressSanitizer may keep locals elsewhere, to see uses after return. */
#define ON_THE_STACK __attribute__((noinline, no_sanitize_address))

static ON_THE_STACK void
look_at_stack(void *arg)
{
	volatile char here = 0;

	*(uintptr_t *)arg = (uintptr_t)&here + here;
}

static uintptr_t
distance(uintptr_t a, uintptr_t b)
{
	return a > b ? a - b : b - a;
}

static MAY_YIELD void
call_main(void *arg)
{
	uintptr_t on_fiber, on_main;

	(void)arg;
	look_at_stack(&on_fiber);
	fiber_on_main(look_at_stack, &on_main);
	T_OK("fiber_on_main runs on another stack",
	    distance(on_main, on_fiber) > STACK_SIZE);
	T_OK("and on the main one",
	    distance(on_main, where_main) < STACK_SIZE);
}

/* Each call looks at the octets of the one above, so none can be a loop. */
static ON_THE_STACK int64_t
sum_deep(int depth, const volatile char *above)
{
	volatile char page[2000];

	memset((char *)page, depth, sizeof(page));
	return depth == 0 ? above[7] : sum_deep(depth - 1, page) + above[7];
}

static MAY_YIELD void
dig_then_wait(void *arg)
{
	struct err err;
	size_t *pages = arg;
	uintptr_t below;
	char here;

	sum_deep(16, "8 octets");
	*pages = 1;
	fiber_sleep(1200 * CLOCK_MS, &err);
	/* What was below is zero again: the kernel has taken it back. */
	below = (uintptr_t)&here;
	*pages = *(volatile char *)(below - 3 * 4096) == 0 &&
	    *(volatile char *)(below - 5 * 4096) == 0;
}

static void
test_stacks(void)
{
	size_t is_given_back = 0;

	look_at_stack(&where_main);
	fiber_spawn("on main", call_main, NULL);
	run_all();
#if !defined(__SANITIZE_ADDRESS__)
	fiber_spawn("digger", dig_then_wait, &is_given_back);
	run_all();
	T_OK("an idle fiber's unused stack is given back", is_given_back);
#else
	(void)is_given_back, (void)dig_then_wait, (void)sum_deep;
#endif
}

static int	 ended;

static MAY_YIELD void
end_at_once(void *arg)
{
	(void)arg;
	sum_deep(16, "8 octets");
	ended++;
}

static void
test_many(void)
{
	int i;

	ended = 0;
	for (i = 0; i < 2000; i++)
		fiber_spawn("many", end_at_once, NULL);
	T_INT("2000 fibers are alive", fiber_count(), 2000);
	run_all();
	T_INT("and all have run", ended, 2000);
	T_OK("the high-water mark saw what they used",
	    fiber_stack_high_water() >= 8 * 4096 &&
	    fiber_stack_high_water() <= STACK_SIZE);
}

/* --- deep waits keep the loop alive --- */

static void
on_tick(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	*(int *)arg = 1;
}

static MAY_YIELD void
spin(void *arg)
{
	while (*(volatile int *)arg == 0)
		fiber_yield();
}

static void
test_fair(void)
{
	struct timeval tv = { 0, 1000 };
	struct event *event;
	int ticked = 0;

	event = event_new(loop_base(), -1, 0, on_tick, &ticked);
	event_add(event, &tv);
	fiber_spawn("spin", spin, &ticked);
	run_all();
	event_free(event);
	T_OK("a fiber that always yields does not starve events", ticked);
}

/* --- how long one runs --- */

static int64_t met, unmet;

static void
run_a_while(int64_t ns)
{
	int64_t until = clock_exact() + ns;

	while (clock_exact() < until)
		;
}

static void
be_met(void *arg)
{
	int64_t began = clock_exact();
	struct err err;

	(void)arg;
	fiber_meter_begin();
	run_a_while(1000);
	fiber_sleep(50 * CLOCK_MS, &err);
	run_a_while(1000);
	met = fiber_meter_end();
	unmet = clock_exact() - began - met;
}

static void
test_meter(void)
{
	fiber_spawn("meter", be_met, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	T_OK("the meter runs before and behind a wait", met >= 2000);
	T_OK("and not during it", unmet >= 40 * 1000000);
	fiber_meter_begin();
	run_a_while(1000);
	T_OK("on the main stack too", fiber_meter_end() >= 1000);
}

int
main(void)
{
	loop_create();
	test_order();
	test_wake();
	test_deadlines();
	test_stop();
	test_join();
	test_stacks();
	test_many();
	test_fair();
	test_meter();
	loop_destroy();
	buf_free(&trace);
	return t_done();
}
