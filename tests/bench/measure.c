#include <stdint.h>
#include <time.h>

#include "tests/bench/measure.h"

unsigned
dice(unsigned sides)
{
	static uint64_t state = 1;

	state = state * UINT64_C(6364136223846793005) +
	    UINT64_C(1442695040888963407);
	return (unsigned)(state >> 33) % sides;
}

double
now(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
