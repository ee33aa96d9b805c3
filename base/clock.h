#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H
#include <stdint.h>
#include <time.h>
/*
 * clock -- what time it is
 *
 * clock_now() is monotonic, in microseconds, and is the time at which this
 * turn of the loop began (clock_tick() reads it anew; the loop calls that
 * each turn). All deadlines are absolute values of it; CLOCK_NEVER is later
 * than all of them. clock_wall() is the civil time, in microseconds since
 * 1970. clock_exact() is monotonic, in nanoseconds, and read anew: to measure
 * what takes no turn of the loop; some 30 ns each. Tests replace this file
 * (tests/fake/clock.c).
 */
#define CLOCK_MS	INT64_C(1000)
#define CLOCK_S		INT64_C(1000000)
#define CLOCK_NEVER	INT64_MAX

int64_t	clock_now(void);
void	clock_tick(void);
int64_t	clock_wall(void);
int64_t	clock_exact(void);
#endif
