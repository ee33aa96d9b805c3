#include <assert.h>
#include <stdint.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/together.h"

static size_t helpers, helpers_most = SIZE_MAX;

void
together_limit(size_t most)
{
	helpers_most = most;
}

bool
together_enlist(size_t n)
{
	if (helpers > helpers_most || n > helpers_most - helpers)
		return false;
	helpers += n;
	return true;
}

void
together_dismiss(size_t n)
{
	assert(n <= helpers);
	helpers -= n;
}

struct crew {
	together_fn	*fn;
	void		*arg;
	size_t		 n, next;	/* of the calls */
	size_t		 working;
	struct fiber	*asker;
};

static MAY_YIELD void
work(void *arg)
{
	struct crew *c = arg;

	while (c->next < c->n)
		c->fn(c->arg, c->next++);
	if (--c->working == 0)
		fiber_wake(c->asker);
}

static MAY_YIELD void
await_all(struct crew *c, struct fiber **fibers, size_t n)
{
	struct err err;

	while (c->working > 0) {
		if (fiber_wait(CLOCK_NEVER, &err) == 0)
			continue;
		for (size_t i = 0; i < n; i++)
			fiber_stop(fibers[i]);
		break;
	}
	for (size_t i = 0; i < n; i++)
		fiber_join(&fibers[i], CLOCK_NEVER, &err);
}

MAY_YIELD void
together(const char *name, together_fn *fn, void *arg, size_t n, size_t most)
{
	struct crew c = { .fn = fn, .arg = arg, .n = n };
	struct fiber **fibers;

	c.working = n < most ? n : most;
	if (c.working <= 1 || !together_enlist(c.working)) {
		for (size_t i = 0; i < n; i++)
			fn(arg, i);
		return;
	}
	c.asker = fiber_self();
	most = c.working;
	fibers = mem_zalloc(most * sizeof(struct fiber *), "fibers");
	for (size_t i = 0; i < most; i++)
		fibers[i] = fiber_spawn_joinable(name, work, &c);
	await_all(&c, fibers, most);
	free(fibers);
	together_dismiss(most);
}
