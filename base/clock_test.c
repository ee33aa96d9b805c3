#include "base/clock.h"
#include "tests/kit/t.h"

int
main(void)
{
	int64_t first = clock_now(), later;
	struct timespec pause = { 0, 2000 * 1000 };

	T_OK("the first reading needs no tick", first > 0);
	nanosleep(&pause, NULL);
	T_INT("the time stands still within a turn", clock_now(), first);
	clock_tick();
	later = clock_now();
	T_OK("a tick moves it on, in microseconds",
	    later >= first + 2 * CLOCK_MS);
	T_OK("it is earlier than never", later < CLOCK_NEVER);
	/* 2020-01-01 and 2200-01-01 */
	T_OK("the wall clock counts microseconds since 1970",
	    clock_wall() > INT64_C(1577836800) * CLOCK_S &&
	    clock_wall() < INT64_C(7258118400) * CLOCK_S);
	return t_done();
}
