#include "filters/dnsbl_share.h"
#include "tests/kit/t.h"

/* So many of the last, `listed` of them listed and of these `company` by
 * others too; others list `elsewhere` of the rest. */
static const struct {
	const char *name;
	unsigned n, listed, company, elsewhere, percent;
	bool want;
} cases[] = {
	{ "none", 200, 0, 0, 0, 50, false },
	{ "half", 200, 100, 0, 0, 50, false },
	{ "more than half", 200, 101, 0, 0, 50, true },
	{ "all", 200, 200, 0, 0, 50, true },
	{ "all of too few", 199, 199, 0, 0, 50, false },
	{ "all may be", 200, 200, 0, 0, 100, false },
	{ "one may be", 200, 2, 0, 0, 1, false },
	{ "three may not", 200, 3, 0, 0, 1, true },
	{ "a wave that others see too", 200, 160, 150, 0, 50, false },
	{ "a wave that nobody else sees", 200, 160, 20, 0, 50, true },
	{ "others see another wave", 200, 160, 120, 40, 50, true },
	{ "everybody, and so do others", 200, 200, 200, 0, 50, true },
	{ "hardly anybody is left to tell by", 200, 195, 191, 0, 50, true },
};

int
main(void)
{
	struct dnsbl_share s;
	unsigned i, k;

	for (i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		unsigned listed = cases[i].listed;

		s = (struct dnsbl_share){ .n = 0 };
		for (k = 0; k < cases[i].n; k++)
			dnsbl_share_add(&s, k * 7919, k < listed,
			    k < cases[i].company || (k >= listed &&
			    k < listed + cases[i].elsewhere));
		T_INT(cases[i].name, dnsbl_share_is_over(&s,
		    cases[i].percent), cases[i].want);
		T_INT(cases[i].name, dnsbl_share_listed(&s), listed);
	}
	for (k = 0; k < 1000; k++)
		dnsbl_share_add(&s, 5, true, false);
	T_INT("who comes often counts once", s.n, 200);
	for (k = 0; k < 200; k++)
		dnsbl_share_add(&s, 1000000 + k, false, false);
	T_INT("the last count", dnsbl_share_listed(&s), 0);
	return t_done();
}
