#include "base/clock.h"
#include "tests/fake/fake.h"

/* Time that passes only when a test says so. */
static int64_t	now = 1000 * CLOCK_S;

int64_t
clock_now(void)
{
	return now;
}

void
clock_tick(void)
{
}

int64_t
clock_wall(void)
{
	return INT64_C(1795312218) * CLOCK_S + now;
}

int64_t
clock_exact(void)
{
	return now * 1000;
}

void
fake_clock_advance(int64_t us)
{
	now += us;
}
