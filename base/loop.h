#ifndef BASE_LOOP_H
#define BASE_LOOP_H
#include <stdbool.h>
#include <stdint.h>
struct event_base;
/*
 * loop -- one per process: readiness, timers, signals, then ready fibers
 *
 * A turn is: wait for events (at most until the next deadline), run their
 * callbacks, run the fibers that became ready, write the log. Made after
 * fork (loop_create), never shared with a child. There is exactly one loop in
 * a process; it is one of the few globals (with log, clock).
 *
 * loop_run() returns when loop_stop() was called. Callbacks of libevent run
 * on the main stack: they must not wait, they wake fibers.
 */
void			 loop_create(void);
void			 loop_destroy(void);
struct event_base	*loop_base(void);
void			 loop_run(void);
void			 loop_stop(void);
/* One turn; `wait` false only polls. For tests and for draining. */
void			 loop_turn(bool wait);
uint64_t		 loop_turns(void);
/* The longest that one turn kept everyone else waiting, us. */
int64_t			 loop_longest_turn(void);
#endif
