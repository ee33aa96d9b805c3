#include <assert.h>

#include "base/clock.h"
#include "base/task.h"

/* A fiber that waits; the struct is on its stack. */
struct waiter {
	struct fiber	*fiber;
	struct waiter	*next;
};

struct task {
	struct arena	*arena;		/* the task itself lives here */
	const char	*name;
	void		*state;
	task_fn		*run;
	struct fiber	*fiber;		/* NULL: not begun, or ended */
	struct waiter	*waiters;
	bool		 is_done;
	bool		 is_dropped;	/* the owner has left */
};

struct task *
task_create(const char *name, size_t state_size)
{
	struct arena *a = arena_create(name);
	struct task *t = arena_new(a, struct task);

	t->arena = a;
	t->name = name;
	t->state = arena_alloc(a, state_size);
	return t;
}

struct arena *
task_arena(struct task *t)
{
	return t->arena;
}

void *
task_state(struct task *t)
{
	return t->state;
}

static void
task_free(struct task *t)
{
	struct arena *a = t->arena;

	arena_destroy(&a);
}

static MAY_YIELD void
task_main(void *arg)
{
	struct task *t = arg;

	/* Who sends MAIL and RSET in one piece costs no lookups. */
	if (!t->is_dropped)
		t->run(t->arena, t->state);
	t->fiber = NULL;
	t->is_done = true;
	if (t->is_dropped)
		task_free(t);
	else
		for (struct waiter *w = t->waiters; w != NULL; w = w->next)
			fiber_wake(w->fiber);
}

void
task_start(struct task *t, task_fn *run)
{
	assert(t->fiber == NULL && !t->is_done);
	t->run = run;
	t->fiber = fiber_spawn(t->name, task_main, t);
}

bool
task_is_done(const struct task *t)
{
	return t->is_done;
}

MAY_YIELD int
task_await(struct task *t, struct err *err)
{
	struct waiter self = { fiber_self(), t->waiters }, **at;
	int ret = 0;

	if (t->is_done)
		return 0;
	assert(t->fiber != NULL);
	t->waiters = &self;
	while (!t->is_done && (ret = fiber_wait(CLOCK_NEVER, err)) == 0)
		;
	for (at = &t->waiters; *at != &self; at = &(*at)->next)
		;
	*at = self.next;
	return t->is_done ? 0 : ret;
}

void
task_drop(struct task **tp)
{
	struct task *t = *tp;

	*tp = NULL;
	if (t == NULL)
		return;
	assert(t->waiters == NULL && !t->is_dropped);
	if (t->fiber == NULL) {
		task_free(t);
		return;
	}
	t->is_dropped = true;
	fiber_stop(t->fiber);
}
