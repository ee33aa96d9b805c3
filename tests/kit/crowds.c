#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/err.h"
#include "base/span.h"
#include "gateway/crowd.h"
#include "tests/kit/crowds.h"
#include "tests/kit/t.h"

struct addr
crowds_address(const char *text)
{
	struct addr a = {0};
	struct err err;

	if (addr_parse(span_z(text), &a, &err) < 0)
		T_STR(text, err.text, "");
	return a;
}

struct crowd *
crowds_table(size_t sessions, size_t shares)
{
	struct err err;
	struct crowd *c = crowd_create(sessions, shares, &err);

	if (c == NULL) {
		printf("%s\n", err.text);
		exit(1);
	}
	return c;
}

const char *
crowds_counts(const struct crowd *c, const struct addr *a)
{
	static char text[80];
	struct crowd_counts n;

	crowd_count(c, a, &n);
	snprintf(text, sizeof(text), "%" PRIu64 " %" PRIu64 " %" PRIu64,
	    n.client, n.network, n.site);
	return text;
}

uint64_t
crowds_draw(void)
{
	static uint64_t state = 1;

	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}
