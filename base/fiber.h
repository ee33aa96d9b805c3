#ifndef BASE_FIBER_H
#define BASE_FIBER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
/*
 * fiber -- a function that can wait
 *
 * A session is a fiber: code that runs from top to bottom and is suspended
 * where it waits, with a stack of its own. Only the loop resumes fibers,
 * from a ready queue; waking one only puts it there. Nobody kills a fiber:
 * a deadline, fiber_stop() or fiber_interrupt() makes a wait return -1, and
 * the code returns upwards normally.
 *
 * MAY_YIELD marks prototype and definition of whatever can suspend. Nothing
 * shared stays borrowed over it: errno, OpenSSL's error queue, static
 * buffers, places in shared lists.
 *
 * Stacks    64 KiB (256 KiB under ASan) and a guard page, pooled. A fiber
 *           that has waited for a second gives the unused pages
 *           of its stack back to the kernel.
 * Errors    of a wait: ERR_TIMEOUT (deadline), ERR_CLOSED (stopped or
 *           interrupted).
 * Bugs      (assert): waiting outside a fiber, resuming a finished one, two
 *           fibers in one place meant for one.
 */
#define MAY_YIELD

struct fiber;

/* Runs fn(arg) as a fiber, first in this or the next turn of the loop. The
 * name must outlive it (a literal). The pointer is valid until fn returns. */
struct fiber	*fiber_spawn(const char *name, void (*fn)(void *), void *arg);
struct fiber	*fiber_self(void);	/* NULL on the main stack */
const char	*fiber_name(const struct fiber *f);

/* Waits for fiber_wake(). A wake that came since the last wait counts, so
 * "start it, then wait" has no gap. 0 = woken. Callers check their own
 * condition and wait again if it does not hold: spurious wakes are allowed. */
MAY_YIELD int	 fiber_wait(int64_t deadline, struct err *err);
MAY_YIELD int	 fiber_sleep(int64_t us, struct err *err);
MAY_YIELD void	 fiber_yield(void);	/* lets the others run first */
void		 fiber_wake(struct fiber *f);
/* Orderly stop: this wait and every later one return -1. */
void		 fiber_stop(struct fiber *f);
/* The running one: what failed with ERR_CLOSED may have failed by that, and
 * not by who is at the other end. */
bool		 fiber_is_stopped(void);
/* Once: the wait that is under way returns -1. A fiber that does not wait is
 * left alone: it looks for itself before its next wait. */
void		 fiber_interrupt(struct fiber *f);
/* Waits until f has returned (at once if it has). A fiber that is joined is
 * spawned by fiber_spawn_joinable and must be joined exactly once. Works in
 * a fiber that was stopped too (stop f first), and is not cut short by it:
 * what f uses may be on the joiner's stack. Fails only by ERR_TIMEOUT. */
struct fiber	*fiber_spawn_joinable(const char *name, void (*fn)(void *),
		    void *arg);
MAY_YIELD int	 fiber_join(struct fiber **f, int64_t deadline,
		    struct err *err);

/* How long who runs now has run between the two, in nanoseconds: without what
 * he has waited. One within another is no use. */
void		 fiber_meter_begin(void);
int64_t		 fiber_meter_end(void);

/* Runs fn(arg) on the main stack and waits for it: for library calls that
 * need much stack (getaddrinfo, the first lookup of libunbound). */
MAY_YIELD void	 fiber_on_main(void (*fn)(void *), void *arg);

size_t		 fiber_count(void);		/* alive */
size_t		 fiber_stack_high_water(void);	/* bytes, most of any fiber;
						   sampled at their end */
/* For the loop only. */
bool		 fiber_run_ready(void);		/* true: more became ready */
bool		 fiber_is_ready(void);		/* any */
int64_t		 fiber_next_deadline(void);
void		 fiber_expire(int64_t now);
void		 fiber_trim(int64_t now);
void		 fiber_pool_free(void);
#endif
