#ifndef TESTS_KIT_CROWDS_H
#define TESTS_KIT_CROWDS_H
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
/*
 * crowds -- what the tests of gateway/crowd.h have in common
 */
struct crowd;

struct addr	 crowds_address(const char *text);
struct crowd	*crowds_table(size_t sessions, size_t shares);
/* "client network site", until the next call. */
const char	*crowds_counts(const struct crowd *c, const struct addr *a);
uint64_t	 crowds_draw(void);	/* the same numbers in each run */
#endif
