#ifndef BASE_OFFLOAD_H
#define BASE_OFFLOAD_H
#include <stdatomic.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/fiber.h"
/*
 * offload -- calls that block (fsync), made by helper threads
 *
 * The fiber that asks is suspended, everything else goes on. Jobs are begun
 * in the order given, as many at once as there are threads.
 *
 * Threads   are made with the first job, so that they are inside whatever
 *           sandbox the process has entered by then, and block all signals,
 *           so that those stay with the loop. No fork afterwards.
 * Jobs      run(arg, dropped) touches nothing but arg and the kernel: no log,
 *           no fiber, no arena. It must return: nobody can cut it short.
 *           *dropped becomes true when nobody waits for it any more.
 * Yields    offload_run(), until the job is done, at most to the deadline.
 * Memory    arg is the caller's again after 0. After -1 it is not: the job
 *           may still run, and drop(arg) is called in the loop's thread when
 *           it has ended (at once, if it was never begun).
 * Errors    ERR_TIMEOUT, ERR_CLOSED (this fiber must stop): of the wait.
 *           ERR_UNAVAIL: no thread can be had.
 */
struct offload;

struct offload	*offload_create(unsigned threads);
/* Waits for the jobs under way. No fiber may still wait for one. */
void		 offload_destroy(struct offload **o);
MAY_YIELD int	 offload_run(struct offload *o,
		    void (*run)(void *arg, const atomic_bool *dropped),
		    void (*drop)(void *arg), void *arg, int64_t deadline,
		    struct err *err);
size_t		 offload_waiting(const struct offload *o); /* fibers */
#endif
