#ifndef BASE_TASK_H
#define BASE_TASK_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/fiber.h"
/*
 * task -- work in a fiber of its own, beside its owner
 *
 * Begun as soon as its input is known, and waited for only where its result
 * is needed. The owner may leave first: then the work is told to stop, and
 * what it holds ends when it has returned. Work that has not begun to run by
 * then never does.
 *
 *	struct task *t = task_create("spf", sizeof(struct work));
 *	struct work *w = task_state(t);		zeroed, in the task's arena
 *	... fill in *w, copying into task_arena(t) ...
 *	task_start(t, look_up);			runs look_up(arena, w)
 *	... later, or never ...
 *	if (task_await(t, &err) == 0)		w holds the result
 *	task_drop(&t);				in every case, once
 *
 * Memory    the task's own arena, gone with task_drop() or, if it still runs
 *           then, when it returns. Copy what must live longer.
 * Yields    only task_await(), until the work returns: it bounds itself by
 *           deadlines of its own.
 * Errors    task_await(): ERR_CLOSED, the waiting fiber must stop.
 */
struct task;
typedef MAY_YIELD void task_fn(struct arena *a, void *state);

struct task	*task_create(const char *name, size_t state_size);
struct arena	*task_arena(struct task *t);
void		*task_state(struct task *t);
void		 task_start(struct task *t, task_fn *run);
bool		 task_is_done(const struct task *t);
/* Any number of fibers may wait for one task. */
MAY_YIELD int	 task_await(struct task *t, struct err *err);
void		 task_drop(struct task **t);	/* nulls the pointer */
#endif
