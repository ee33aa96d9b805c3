#ifndef TESTS_BENCH_MEASURE_H
#define TESTS_BENCH_MEASURE_H
/*
 * measure -- what the benchmarks of one process share
 */
double		now(void);		/* s, of a clock that is never set */
/* 0 to sides - 1: the same numbers in each run. */
unsigned	dice(unsigned sides);
#endif
