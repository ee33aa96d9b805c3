#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/meter.h"
#include "base/stack.h"

/*
 * Boost.Context's switch: plain C symbols, a few dozen instructions of
 * assembly for every architecture. `data` travels with the jump.
 */
struct transfer {
	void	*context;
	void	*data;
};
struct transfer	 jump_fcontext(void *to, void *data);
void		*make_fcontext(void *top, size_t size,
		    void (*fn)(struct transfer));

#define TRIM_AFTER	CLOCK_S		/* of waiting */
#define SAMPLE_EVERY	64		/* ends, for the high-water mark */
#define NOT_IN_HEAP	SIZE_MAX

enum fiber_state { READY, RUNNING, WAITING, DONE };
enum wake_reason { BY_WAKE, BY_DEADLINE, BY_STOP, BY_INTERRUPT };

/* Lives at the top of its own stack. */
struct fiber {
	struct stack	*stack;
	void		*context;	/* where it was left; also its sp */
	const char	*name;
	void		(*fn)(void *);
	void		*arg;
	void		*asan;
	enum fiber_state state;
	enum wake_reason why;
	bool		 is_woken;	/* a wake that no wait has seen */
	bool		 is_stopped;
	bool		 is_joinable;
	struct fiber	*joiner;
	int64_t		 deadline;
	size_t		 heap_at;
	int64_t		 since;		/* began to wait */
	struct meter	 meter;
	struct fiber	*next;		/* ready queue */
	struct fiber	*wait_next, *wait_prev;
};

/* One process, one thread, one scheduler. */
static struct {
	struct fiber	*current;
	struct meter	 meter;		/* of the main stack */
	void		*main_context;
	void		*main_asan;
	const void	*main_low;
	size_t		 main_size;
	struct fiber	*ready, **ready_end;
	struct fiber	*waiting_first, *waiting_last;	/* oldest first */
	struct fiber	*untrimmed;	/* the oldest wait not yet looked at */
	struct fiber	**heap;		/* by deadline */
	size_t		 nheap, heap_cap;
	size_t		 count;
	size_t		 high_water;
	uint64_t	 ended;
	void		(*main_fn)(void *);
	void		*main_arg;
} sched = { .ready_end = &sched.ready };

/* --- the heap of deadlines --- */

static void
heap_set(size_t i, struct fiber *f)
{
	sched.heap[i] = f;
	f->heap_at = i;
}

static void
heap_up(size_t i, struct fiber *f)
{
	while (i > 0 && sched.heap[(i - 1) / 2]->deadline > f->deadline) {
		heap_set(i, sched.heap[(i - 1) / 2]);
		i = (i - 1) / 2;
	}
	heap_set(i, f);
}

static void
heap_down(size_t i, struct fiber *f)
{
	size_t child;

	while ((child = 2 * i + 1) < sched.nheap) {
		if (child + 1 < sched.nheap && sched.heap[child + 1]->deadline <
		    sched.heap[child]->deadline)
			child++;
		if (sched.heap[child]->deadline >= f->deadline)
			break;
		heap_set(i, sched.heap[child]);
		i = child;
	}
	heap_set(i, f);
}

static void
heap_add(struct fiber *f)
{
	if (sched.nheap == sched.heap_cap) {
		sched.heap_cap = sched.heap_cap ? 2 * sched.heap_cap : 64;
		sched.heap = realloc(sched.heap,
		    sched.heap_cap * sizeof(*sched.heap));
		if (sched.heap == NULL)
			abort();
	}
	heap_up(sched.nheap++, f);
}

static void
heap_remove(struct fiber *f)
{
	size_t i = f->heap_at;
	struct fiber *last;

	if (i == NOT_IN_HEAP)
		return;
	f->heap_at = NOT_IN_HEAP;
	last = sched.heap[--sched.nheap];
	if (last == f)
		return;
	if (i > 0 && sched.heap[(i - 1) / 2]->deadline > last->deadline)
		heap_up(i, last);
	else
		heap_down(i, last);
}

/* --- the list of those that wait, oldest first --- */

static void
waiting_add(struct fiber *f)
{
	f->since = clock_now();
	f->wait_next = NULL;
	f->wait_prev = sched.waiting_last;
	if (sched.waiting_last != NULL)
		sched.waiting_last->wait_next = f;
	else
		sched.waiting_first = f;
	sched.waiting_last = f;
	if (sched.untrimmed == NULL)
		sched.untrimmed = f;
}

static void
waiting_remove(struct fiber *f)
{
	if (sched.untrimmed == f)
		sched.untrimmed = f->wait_next;
	if (f->wait_prev != NULL)
		f->wait_prev->wait_next = f->wait_next;
	else
		sched.waiting_first = f->wait_next;
	if (f->wait_next != NULL)
		f->wait_next->wait_prev = f->wait_prev;
	else
		sched.waiting_last = f->wait_prev;
}

static void
ready_push(struct fiber *f)
{
	f->state = READY;
	f->next = NULL;
	*sched.ready_end = f;
	sched.ready_end = &f->next;
}

static void
end_wait(struct fiber *f, enum wake_reason why)
{
	assert(f->state == WAITING);
	heap_remove(f);
	waiting_remove(f);
	f->why = why;
	ready_push(f);
}

/* --- how long one runs --- */

static struct meter *
meter_here(void)
{
	return sched.current != NULL ? &sched.current->meter : &sched.meter;
}

void
fiber_meter_begin(void)
{
	meter_begin(meter_here());
}

int64_t
fiber_meter_end(void)
{
	return meter_end(meter_here());
}

/* --- switching --- */

/* From a fiber to the loop. `ends` when it will never be resumed. */
static void
switch_to_main(struct fiber *f, bool ends)
{
	struct transfer t;

	meter_pause(&f->meter);
	stack_switch_begin(ends ? NULL : &f->asan, sched.main_low,
	    sched.main_size);
	t = jump_fcontext(sched.main_context, NULL);
	stack_switch_end(f->asan, &sched.main_low, &sched.main_size);
	sched.main_context = t.context;
	meter_go_on(&f->meter);
}

static void
fiber_entry(struct transfer t)
{
	struct fiber *f = t.data;

	stack_switch_end(NULL, &sched.main_low, &sched.main_size);
	sched.main_context = t.context;
	f->fn(f->arg);
	f->state = DONE;
	switch_to_main(f, true);
	abort();	/* nobody resumes a fiber that is done */
}

static void
fiber_free(struct fiber *f)
{
	size_t touched;

	if (sched.ended++ % SAMPLE_EVERY == 0) {
		touched = stack_touched(f->stack);
		if (touched > sched.high_water)
			sched.high_water = touched;
	}
	sched.count--;
	stack_give(f->stack);
}

/* From the loop to a fiber, until it waits again or ends. */
static void
fiber_resume(struct fiber *f)
{
	struct transfer t;

	assert(sched.current == NULL && f->state == READY);
	f->state = RUNNING;
	sched.current = f;
	stack_switch_begin(&sched.main_asan, f->stack->low, STACK_SIZE);
	t = jump_fcontext(f->context, f);
	stack_switch_end(sched.main_asan, NULL, NULL);
	f->context = t.context;
	sched.current = NULL;
	if (sched.main_fn != NULL) {
		void (*fn)(void *) = sched.main_fn;

		sched.main_fn = NULL;
		fn(sched.main_arg);
		ready_push(f);
	}
	if (f->state != DONE)
		return;
	if (!f->is_joinable)
		fiber_free(f);
	else if (f->joiner != NULL)
		fiber_wake(f->joiner);
}

static struct fiber *
spawn(const char *name, void (*fn)(void *), void *arg, bool joinable)
{
	struct stack *stack = stack_take();
	char *top = stack_top(stack) - ((sizeof(struct fiber) + 63) & ~63UL);
	struct fiber *f = (struct fiber *)top;

	memset(f, 0, sizeof(*f));
	f->stack = stack;
	f->name = name;
	f->fn = fn;
	f->arg = arg;
	f->is_joinable = joinable;
	f->heap_at = NOT_IN_HEAP;
	f->context = make_fcontext(top, top - stack->low, fiber_entry);
	sched.count++;
	ready_push(f);
	return f;
}

struct fiber *
fiber_spawn(const char *name, void (*fn)(void *), void *arg)
{
	return spawn(name, fn, arg, false);
}

struct fiber *
fiber_spawn_joinable(const char *name, void (*fn)(void *), void *arg)
{
	return spawn(name, fn, arg, true);
}

struct fiber *
fiber_self(void)
{
	return sched.current;
}

const char *
fiber_name(const struct fiber *f)
{
	return f->name;
}

/* --- waiting --- */

static enum wake_reason
suspend(struct fiber *f, int64_t deadline)
{
	if (deadline <= clock_now())
		return BY_DEADLINE;
	f->state = WAITING;
	f->deadline = deadline;
	if (deadline != CLOCK_NEVER)
		heap_add(f);
	waiting_add(f);
	switch_to_main(f, false);
	return f->why;
}

MAY_YIELD int
fiber_wait(int64_t deadline, struct err *err)
{
	struct fiber *f = sched.current;

	assert(f != NULL && f->state == RUNNING);
	if (f->is_stopped)
		return err_set(err, ERR_CLOSED, "stopping");
	if (f->is_woken) {
		f->is_woken = false;
		return 0;
	}
	switch (suspend(f, deadline)) {
	case BY_WAKE:
		f->is_woken = false;
		return 0;
	case BY_DEADLINE:
		return err_set(err, ERR_TIMEOUT, "timed out");
	case BY_INTERRUPT:
		return err_set(err, ERR_CLOSED, "interrupted");
	case BY_STOP:
		break;
	}
	return err_set(err, ERR_CLOSED, "stopping");
}

MAY_YIELD int
fiber_sleep(int64_t us, struct err *err)
{
	int64_t until = clock_now() + us;

	while (clock_now() < until)
		if (fiber_wait(until, err) < 0 && err->kind != ERR_TIMEOUT)
			return -1;
	return 0;
}

MAY_YIELD void
fiber_yield(void)
{
	struct fiber *f = sched.current;

	assert(f != NULL);
	ready_push(f);
	switch_to_main(f, false);
}

void
fiber_wake(struct fiber *f)
{
	assert(f->state != DONE);
	if (f->state == WAITING)
		end_wait(f, BY_WAKE);
	else
		f->is_woken = true;
}

void
fiber_stop(struct fiber *f)
{
	if (f->state == DONE)
		return;
	f->is_stopped = true;
	if (f->state == WAITING)
		end_wait(f, BY_STOP);
}

bool
fiber_is_stopped(void)
{
	assert(sched.current != NULL);
	return sched.current->is_stopped;
}

void
fiber_interrupt(struct fiber *f)
{
	if (f->state == WAITING)
		end_wait(f, BY_INTERRUPT);
}

MAY_YIELD int
fiber_join(struct fiber **fp, int64_t deadline, struct err *err)
{
	struct fiber *f = *fp;

	assert(sched.current != NULL && sched.current != f);
	assert(f->is_joinable && f->joiner == NULL);
	f->joiner = sched.current;
	while (f->state != DONE)
		if (suspend(sched.current, deadline) == BY_DEADLINE) {
			f->joiner = NULL;
			return err_set(err, ERR_TIMEOUT,
			    "%s has not ended in time", f->name);
		}
	fiber_free(f);
	*fp = NULL;
	return 0;
}

MAY_YIELD void
fiber_on_main(void (*fn)(void *), void *arg)
{
	struct fiber *f = sched.current;

	if (f == NULL) {
		fn(arg);
		return;
	}
	sched.main_fn = fn;
	sched.main_arg = arg;
	switch_to_main(f, false);
}

/* --- for the loop --- */

bool
fiber_run_ready(void)
{
	struct fiber *f, *list = sched.ready;

	/* Only those that are ready now: one that always yields must not
	 * keep the loop from its events. */
	sched.ready = NULL;
	sched.ready_end = &sched.ready;
	while ((f = list) != NULL) {
		list = f->next;
		fiber_resume(f);
	}
	return sched.ready != NULL;
}

bool
fiber_is_ready(void)
{
	return sched.ready != NULL;
}

int64_t
fiber_next_deadline(void)
{
	int64_t next = sched.nheap > 0 ? sched.heap[0]->deadline : CLOCK_NEVER;

	if (sched.untrimmed != NULL &&
	    sched.untrimmed->since + TRIM_AFTER < next)
		next = sched.untrimmed->since + TRIM_AFTER;
	return next;
}

void
fiber_expire(int64_t now)
{
	while (sched.nheap > 0 && sched.heap[0]->deadline <= now)
		end_wait(sched.heap[0], BY_DEADLINE);
}

void
fiber_trim(int64_t now)
{
	struct fiber *f;

	while ((f = sched.untrimmed) != NULL && f->since + TRIM_AFTER <= now) {
		stack_trim(f->stack, f->context);
		sched.untrimmed = f->wait_next;
	}
}

size_t
fiber_count(void)
{
	return sched.count;
}

size_t
fiber_stack_high_water(void)
{
	return sched.high_water;
}

void
fiber_pool_free(void)
{
	stack_pool_free();
	free(sched.heap);
	sched.heap = NULL;
	sched.heap_cap = sched.nheap = 0;
}
