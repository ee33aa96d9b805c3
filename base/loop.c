#include <assert.h>
#include <stdlib.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/log.h"
#include "base/loop.h"
#include "base/spool_block.h"

#define LONGEST_SLEEP	(60 * CLOCK_S)

static struct {
	struct event_base	*base;
	struct event		*timer;
	int64_t			 armed;		/* when the timer fires */
	bool			 is_stopped;
	uint64_t		 turns;
	int64_t			 longest;
} loop;

static void
on_timer(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what, (void)arg;
	loop.armed = CLOCK_NEVER;	/* the turn itself does the work */
}

void
loop_create(void)
{
	struct event_config *config = event_config_new();

	assert(loop.base == NULL);
	event_config_set_flag(config, EVENT_BASE_FLAG_NOLOCK);
	event_config_require_features(config, EV_FEATURE_ET);
	loop.base = event_base_new_with_config(config);
	event_config_free(config);
	if (loop.base == NULL)
		abort();
	loop.timer = event_new(loop.base, -1, 0, on_timer, NULL);
	loop.armed = CLOCK_NEVER;
	loop.is_stopped = false;
	clock_tick();
}

void
loop_destroy(void)
{
	if (loop.base == NULL)
		return;
	event_free(loop.timer);
	event_base_free(loop.base);
	loop.base = NULL;
	fiber_pool_free();
}

struct event_base *
loop_base(void)
{
	return loop.base;
}

void
loop_stop(void)
{
	loop.is_stopped = true;
}

/*
 * The timer is moved only when it would fire too late. One that fires too
 * early costs an empty turn, which is cheaper than moving it at each wait.
 */
static void
arm_timer(int64_t now)
{
	int64_t next = fiber_next_deadline();
	struct timeval tv;

	if (next > spool_block_next_trim())
		next = spool_block_next_trim();
	if (next > log_next_try())
		next = log_next_try();
	if (next > now + LONGEST_SLEEP)
		next = now + LONGEST_SLEEP;
	if (next >= loop.armed)
		return;
	loop.armed = next;
	next = next > now ? next - now : 0;
	tv.tv_sec = next / CLOCK_S;
	tv.tv_usec = next % CLOCK_S;
	event_add(loop.timer, &tv);
}

void
loop_turn(bool wait)
{
	int64_t begin, took;
	bool more;

	arm_timer(clock_now());
	event_base_loop(loop.base, wait && !fiber_is_ready() ? EVLOOP_ONCE :
	    EVLOOP_ONCE | EVLOOP_NONBLOCK);
	clock_tick();
	begin = clock_now();
	fiber_expire(begin);
	do {
		more = fiber_run_ready();
		clock_tick();
	} while (more && clock_now() - begin < CLOCK_MS);
	took = clock_now() - begin;
	if (took > loop.longest)
		loop.longest = took;
	fiber_trim(clock_now());
	spool_block_trim(clock_now());
	log_turn();
	loop.turns++;
}

void
loop_run(void)
{
	while (!loop.is_stopped)
		loop_turn(true);
}

uint64_t
loop_turns(void)
{
	return loop.turns;
}

int64_t
loop_longest_turn(void)
{
	return loop.longest;
}
