#ifndef TESTS_FAKE_FAKE_H
#define TESTS_FAKE_FAKE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
/*
 * fake -- what stands in for time, servers and failing waits
 *
 * tests/fake/clock.c and tests/fake/dial.c define the symbols of base/clock.c
 * and base/dial.c, so the real session code runs with a virtual clock and
 * with backends that a script plays. tests/fake/store.c defines those of
 * base/store.c over a table in memory. tests/fake/wait.c wraps fiber_wait()
 * (by the linker's --wrap) and can make the n-th wait fail. Product code
 * knows nothing of this.
 */
void	fake_clock_advance(int64_t us);

/* What dial() does next: hands the other end of a socketpair to the test
 * (returns its descriptor), refuses (-1) or never answers (-2). */
enum { FAKE_DIAL_REFUSED = -1, FAKE_DIAL_SILENT = -2 };
extern int	(*fake_dial)(int server_fd);
extern const struct addr *fake_dial_to;	/* whom, while it is called */

/* The n-th wait from now fails, from 1; 0: none. */
enum fake_failure { FAIL_BY_TIMEOUT, FAIL_BY_CLOSING };
void	fake_fail_wait(unsigned n, enum fake_failure how);
unsigned fake_waits(void);	/* counted since the last call of the above */

/* Operations `from` to `to` from now on fail, counted from 1; 0, 0: none. */
void	fake_store_fail(unsigned from, unsigned to, enum err_kind how);
/* It tells what it holds and takes no changes. */
void	fake_store_read_only(bool yes);
unsigned fake_store_operations(void);	/* since the last call of the above */
void	fake_store_clear(void);
void	fake_store_set(struct span key, struct span value, int64_t life);
/* A member of a set, the value "", or a field of a hash. NULL: it goes. */
void	fake_store_part(const char *key, const char *part, const char *value);
#endif
