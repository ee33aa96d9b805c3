#include "tests/fake/fake.h"

static unsigned		 counted, failing;
static enum fake_failure failure;

MAY_YIELD int	 __real_fiber_wait(int64_t deadline, struct err *err);
MAY_YIELD int	 __wrap_fiber_wait(int64_t deadline, struct err *err);

void
fake_fail_wait(unsigned n, enum fake_failure how)
{
	counted = 0;
	failing = n;
	failure = how;
}

unsigned
fake_waits(void)
{
	return counted;
}

MAY_YIELD int
__wrap_fiber_wait(int64_t deadline, struct err *err)
{
	if (++counted != failing)
		return __real_fiber_wait(deadline, err);
	if (failure == FAIL_BY_TIMEOUT)
		return err_set(err, ERR_TIMEOUT, "timed out (by the test)");
	return err_set(err, ERR_CLOSED, "closed (by the test)");
}
