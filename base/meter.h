#ifndef BASE_METER_H
#define BASE_METER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/clock.h"
/*
 * meter -- adds up nanoseconds between going on and pausing; it costs two looks
 * at the clock
 */
struct meter {
	bool	is_on;
	int64_t	since, ran;
};

static inline void
meter_go_on(struct meter *m)
{
	if (m->is_on)
		m->since = clock_exact();
}

static inline void
meter_pause(struct meter *m)
{
	if (m->is_on)
		m->ran += clock_exact() - m->since;
}

static inline void
meter_begin(struct meter *m)
{
	*m = (struct meter){ .is_on = true };
	meter_go_on(m);
}

static inline int64_t
meter_end(struct meter *m)
{
	meter_pause(m);
	m->is_on = false;
	return m->ran;
}
#endif
