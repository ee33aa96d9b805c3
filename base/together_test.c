#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "base/together.h"
#include "tests/kit/t.h"

#define CALLS	10

struct scene {
	size_t		 n, most;
	size_t		 now, peak;	/* at work */
	unsigned	 stopped;
	bool		 is_long;
	char		 order[CALLS + 1];
	unsigned	 called[CALLS];
	bool		 is_over;
};

static MAY_YIELD void
call(void *arg, size_t i)
{
	struct scene *s = arg;
	struct err err;

	s->order[strlen(s->order)] = (char)('0' + i);
	s->called[i]++;
	if (++s->now > s->peak)
		s->peak = s->now;
	/* The later ones are the quicker ones. */
	if (fiber_sleep(s->is_long ? 100 * CLOCK_S :
	    (int64_t)(CALLS - i) * CLOCK_MS, &err) < 0)
		s->stopped++;
	s->now--;
}

static MAY_YIELD void
ask(void *arg)
{
	struct scene *s = arg;

	together("test", call, s, s->n, s->most);
	s->is_over = true;
}

static void
test_calls(void)
{
	static const struct {
		const char	*name;
		size_t		 n, most, peak;
	} cases[] = {
		{ "none", 0, 4, 0 },
		{ "one", 1, 4, 1 },
		{ "fewer than may", 3, 4, 3 },
		{ "more than may", CALLS, 4, 4 },
		{ "one after another", CALLS, 1, 1 },
		{ "all", CALLS, CALLS, CALLS },
	};

	for (size_t k = 0; k < sizeof(cases) / sizeof(cases[0]); k++) {
		struct scene s = { .n = cases[k].n, .most = cases[k].most };
		bool each_once = true;

		fiber_spawn("asker", ask, &s);
		while (!s.is_over)
			loop_turn(true);
		for (size_t i = 0; i < CALLS; i++)
			each_once &= s.called[i] == (i < s.n);
		T_OK(cases[k].name, each_once);
		T_INT(cases[k].name, s.peak, cases[k].peak);
		T_INT(cases[k].name, s.now, 0);
		T_OK(cases[k].name, strncmp(s.order, "0123456789", s.n) == 0);
		T_INT(cases[k].name, fiber_count(), 0);
	}
}

static void
test_stop(void)
{
	struct scene s = { .n = CALLS, .most = 4, .is_long = true };
	struct fiber *asker = fiber_spawn("asker", ask, &s);

	while (s.now < 4)
		loop_turn(true);
	fiber_stop(asker);
	while (!s.is_over)
		loop_turn(true);
	T_INT("all were told to stop", s.stopped, CALLS);
	T_INT("and none is left", fiber_count(), 0);
}

/* Two askers, and room for the helpers of one. */
static void
test_limit(void)
{
	struct scene first = { .n = 4, .most = 4 }, second = first;

	together_limit(5);
	fiber_spawn("asker", ask, &first);
	fiber_spawn("asker", ask, &second);
	while (!first.is_over || !second.is_over)
		loop_turn(true);
	T_INT("together", first.peak, 4);
	T_INT("one after another", second.peak, 1);
	T_STR("in their order", second.order, "0123");
	T_OK("there is room again", together_enlist(5));
	T_OK("and no more", !together_enlist(1));
	together_dismiss(5);
	together_limit(SIZE_MAX);
}

int
main(void)
{
	alarm(60);
	loop_create();
	test_calls();
	test_stop();
	test_limit();
	loop_destroy();
	return t_done();
}
