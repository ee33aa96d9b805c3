#include "base/clock.h"
#include "base/loop.h"
#include "base/task.h"
#include "tests/kit/t.h"

struct work {
	int64_t		 sleep;
	const char	*text;		/* its result */
	bool		*is_over;	/* outside: it has returned */
	bool		 was_stopped;
};

static MAY_YIELD void
work(struct arena *a, void *state)
{
	struct work *w = state;
	struct err err;

	w->was_stopped = fiber_sleep(w->sleep, &err) < 0;
	w->text = arena_printf(a, "slept %d", (int)w->sleep);
	*w->is_over = true;
}

static struct task *
begin(int64_t us, bool *is_over)
{
	struct task *t = task_create("work", sizeof(struct work));
	struct work *w = task_state(t);

	*is_over = false;
	w->sleep = us;
	w->is_over = is_over;
	task_start(t, work);
	return t;
}

static void
run(void (*fn)(void *), void *arg)
{
	fiber_spawn("test", fn, arg);
	while (fiber_count() > 0)
		loop_turn(true);
}

static MAY_YIELD void
await_it(void *arg)
{
	bool is_over;
	struct task *t = begin(2000, &is_over);
	const struct work *w = task_state(t);
	struct err err;

	(void)arg;
	T_OK("begun, not done", !task_is_done(t));
	T_INT("awaited", task_await(t, &err), 0);
	T_OK("done", task_is_done(t) && is_over);
	T_STR("its result", w->text, "slept 2000");
	T_INT("awaited again", task_await(t, &err), 0);
	task_drop(&t);
	T_OK("nulled", t == NULL);
	task_drop(&t);	/* of nothing: nothing */
}

static MAY_YIELD void
wait_in_company(void *arg)
{
	struct err err;

	T_INT("one of several waits", task_await(arg, &err), 0);
}

static MAY_YIELD void
await_by_many(void *arg)
{
	bool is_over;
	struct task *t = begin(3000, &is_over);
	struct fiber *one = fiber_spawn_joinable("one", wait_in_company, t);
	struct fiber *two = fiber_spawn_joinable("two", wait_in_company, t);
	struct err err;

	(void)arg;
	T_INT("the owner waits too", task_await(t, &err), 0);
	fiber_join(&one, CLOCK_NEVER, &err);
	fiber_join(&two, CLOCK_NEVER, &err);
	task_drop(&t);
}

static void
test_drop_under_way(void)
{
	bool is_over;
	struct task *t = begin(60 * CLOCK_S, &is_over);

	loop_turn(false);
	task_drop(&t);	/* what it holds is not freed under it */
	T_OK("told to stop, not gone at once", !is_over);
	while (fiber_count() > 0)
		loop_turn(true);
	T_OK("gone", is_over);
}

static void
test_drop_unstarted(void)
{
	struct task *t = task_create("never", sizeof(struct work));

	task_drop(&t);
	T_OK("a task that never began", t == NULL);
}

static void
note_run(struct arena *a, void *state)
{
	(void)a;
	**(bool **)state = true;
}

static void
test_drop_before_it_runs(void)
{
	struct task *t = task_create("begun", sizeof(bool *));
	bool has_run = false;

	*(bool **)task_state(t) = &has_run;
	task_start(t, note_run);
	task_drop(&t);
	while (fiber_count() > 0)
		loop_turn(true);
	T_OK("dropped at once, it does not run", !has_run);
}

static MAY_YIELD void
be_stopped(void *arg)
{
	struct err err;

	T_INT("a stopped fiber waits no longer", task_await(arg, &err), -1);
	T_INT("and is told so", err.kind, ERR_CLOSED);
}

static void
test_waiter_stopped(void)
{
	bool is_over;
	struct task *t = begin(60 * CLOCK_S, &is_over);
	struct fiber *f = fiber_spawn("waiter", be_stopped, t);

	loop_turn(false);
	fiber_stop(f);
	while (fiber_count() > 1)
		loop_turn(true);
	T_OK("the work goes on", !is_over);
	task_drop(&t);
	while (fiber_count() > 0)
		loop_turn(true);
}

int
main(void)
{
	loop_create();
	run(await_it, NULL);
	run(await_by_many, NULL);
	test_drop_under_way();
	test_drop_unstarted();
	test_drop_before_it_runs();
	test_waiter_stopped();
	loop_destroy();
	return t_done();
}
