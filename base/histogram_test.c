#include "base/histogram.h"
#include "tests/kit/t.h"

static const struct {
	const char *name;
	int64_t us;
	size_t bucket;
} cases[] = {
	{ "a clock that went back", -5, 0 },
	{ "nothing", 0, 0 },
	{ "one", 1, 0 },
	{ "the first bound belongs to the first", 128, 0 },
	{ "behind it", 129, 1 },
	{ "the second bound", 256, 1 },
	{ "behind the second", 257, 2 },
	{ "a second", 1000000, 13 },
	{ "the last bound but one", INT64_C(128) << 21, 21 },
	{ "behind it", (INT64_C(128) << 21) + 1, 22 },
	{ "the last bound", INT64_C(128) << 22, 22 },
	{ "longer than all bounds", (INT64_C(128) << 22) + 1, 22 },
	{ "longer than anything", INT64_MAX, 22 },
};

int
main(void)
{
	struct histogram h = {0};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_INT(cases[i].name, histogram_bucket(cases[i].us),
		    cases[i].bucket);
	histogram_add(&h, 100);
	histogram_add(&h, 128);
	histogram_add(&h, 1000);
	histogram_add(&h, -7);
	T_INT("three are in the first", h.buckets[0], 3);
	T_INT("one further on", h.buckets[3], 1);
	T_INT("the sum", h.sum, 1228);
	T_INT("the count is that of the buckets", histogram_count(&h), 4);
	return t_done();
}
