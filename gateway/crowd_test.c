#include <stdio.h>

#include "base/addr.h"
#include "base/err.h"
#include "base/span.h"
#include "gateway/crowd.h"
#include "tests/kit/t.h"

static struct addr
address(const char *text)
{
	struct addr a = {0};
	struct err err;

	if (addr_parse(span_z(text), &a, &err) < 0)
		T_STR(text, err.text, "");
	return a;
}

static void
test_networks(void)
{
	static const struct {
		const char	*name, *client;
		uint64_t	 want;
	} cases[] = {
		{ "itself", "192.0.2.1:1", 2 },
		{ "a neighbour in its /24", "192.0.2.200:2", 2 },
		{ "the next /24", "192.0.3.1:1", 0 },
		{ "IPv6, same /64", "[2001:db8::ffff]:1", 1 },
		{ "IPv6, another /64", "[2001:db8:0:1::1]:1", 0 },
		{ "the network 0.0.0.0/24", "0.0.0.1:1", 0 },
		{ "unix clients are not counted", "unix:/run/x", 0 },
	};
	struct crowd *c = crowd_create();
	const struct addr a = address("192.0.2.1:1025");
	const struct addr b = address("192.0.2.77:1026");
	const struct addr six = address("[2001:db8::1]:25");
	const struct addr un = address("unix:/run/x");

	struct crowd_member *one = crowd_enter(c, &a);
	struct crowd_member *two = crowd_enter(c, &b);

	crowd_enter(c, &six);
	T_OK("unix clients have no network", crowd_enter(c, &un) == NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct addr client = address(cases[i].client);

		T_INT(cases[i].name, crowd_count(c, &client), cases[i].want);
	}
	crowd_leave(one);
	T_INT("one left", crowd_count(c, &a), 1);
	crowd_leave(two);
	T_INT("both left", crowd_count(c, &a), 0);
	crowd_leave(NULL);
	crowd_destroy(&c);	/* with one still inside */
	T_OK("destroy nulls the pointer", c == NULL);
}

static void
test_many(void)
{
	struct crowd *c = crowd_create();
	static struct crowd_member *members[20000];
	struct addr a = address("10.0.0.1:25");
	uint64_t wrong = 0;

	for (uint32_t i = 0; i < 20000; i++) {
		a.u.in.sin_addr.s_addr = htonl(0x0a000001 + (i << 8));
		members[i] = crowd_enter(c, &a);
		wrong += crowd_count(c, &a) != 1;
	}
	T_INT("20,000 networks are kept apart", wrong, 0);
	for (uint32_t i = 0; i < 20000; i++) {
		a.u.in.sin_addr.s_addr = htonl(0x0a000001 + (i << 8));
		crowd_leave(members[i]);
		wrong += crowd_count(c, &a) != 0;
	}
	T_INT("and leave one by one", wrong, 0);
	crowd_destroy(&c);
}

int
main(void)
{
	test_networks();
	test_many();
	return t_done();
}
