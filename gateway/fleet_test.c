#include "base/clock.h"
#include "gateway/fleet.h"
#include "tests/kit/t.h"

#define MS	CLOCK_MS
#define S	CLOCK_S

int
main(void)
{
	/* One worker, crash after crash. */
	static const struct {
		const char *name;
		int64_t lived, want;
	} cases[] = {
		{ "first crash", 90 * S, 100 * MS },
		{ "at once again", 0, 200 * MS },
		{ "and again", 1 * S, 400 * MS },
		{ "and again", 59 * S, 800 * MS },
		{ "after a healthy minute", 60 * S, 100 * MS },
		{ "from there on", 0, 200 * MS },
		{ "it doubles", 0, 400 * MS },
		{ "it doubles", 0, 800 * MS },
		{ "it doubles", 0, 1600 * MS },
		{ "it doubles", 0, 3200 * MS },
		{ "it doubles", 0, 6400 * MS },
		{ "it doubles", 0, 12800 * MS },
		{ "it doubles", 0, 25600 * MS },
		{ "up to a limit", 0, 30 * S },
		{ "and stays there", 0, 30 * S },
	};
	struct fleet_slot slot = { .is_manned = true };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		T_INT(cases[i].name, fleet_worker_lost(&slot, cases[i].lived,
		    1000 * S), cases[i].want);
		T_INT(cases[i].name, slot.restart_at - 1000 * S,
		    cases[i].want);
	}
	T_OK("the slot is empty", !slot.is_manned);
	for (int i = 0; i < 1000; i++)
		fleet_worker_lost(&slot, 0, 0);
	T_INT("a thousand crashes later", fleet_worker_lost(&slot, 0, 0),
	    30 * S);
	return t_done();
}
