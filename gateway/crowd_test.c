#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/addr.h"
#include "base/err.h"
#include "gateway/crowd.h"
#include "gateway/stats.h"
#include "tests/kit/crowds.h"
#include "tests/kit/t.h"

/* Of one process, with the first share. */
static struct crowd *
table_alone(size_t sessions)
{
	struct crowd *c = crowds_table(sessions, 1);

	crowd_begin_share(c, 0);
	crowd_use_share(c, 0);
	return c;
}

/* --- what counts together --- */

static void
test_widths(void)
{
	static const char *const inside[] = { "192.0.2.1:1", "192.0.2.1:2",
	    "192.0.2.77:1", "[2001:db8:1:2::1]:1", "[2001:db8:1:2::99]:1",
	    "[2001:db8:1:3::1]:1", "[::ffff:198.51.100.1]:1",
	    "unix:/run/x" };
	static const struct {
		const char	*name, *client, *want;
	} cases[] = {
		{ "itself, by any port", "192.0.2.1:9", "2 3 3" },
		{ "another in its /24", "192.0.2.77:1", "1 3 3" },
		{ "a third that has none", "192.0.2.200:1", "0 3 3" },
		{ "the next /24", "192.0.3.1:1", "0 0 0" },
		{ "IPv6: all of a /64 are one", "[2001:db8:1:2::5]:1",
		    "2 2 3" },
		{ "its /48", "[2001:db8:1:ffff::5]:1", "0 0 3" },
		{ "the next /48", "[2001:db8:2:2::1]:1", "0 0 0" },
		{ "the /64 that looks like an IPv4 address",
		    "[0:0:c000:201::]:1", "0 0 0" },
		{ "mapped, by its IPv4 address", "198.51.100.1:1", "1 1 1" },
		{ "mapped, asked about", "[::ffff:192.0.2.1]:1", "2 3 3" },
		{ "the zeros of IPv4", "0.0.0.0:1", "0 0 0" },
		{ "the zeros of IPv6", "[::]:1", "0 0 0" },
		{ "unix clients", "unix:/run/x", "0 0 0" },
	};
	struct crowd_place places[8];
	struct crowd *c = table_alone(100);
	struct addr a;

	for (size_t i = 0; i < 8; i++) {
		a = crowds_address(inside[i]);
		crowd_enter(c, &a, &places[i]);
	}
	T_OK("unix clients have no place", places[7].crowd == NULL);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		a = crowds_address(cases[i].client);
		T_STR(cases[i].name, crowds_counts(c, &a), cases[i].want);
	}
	T_INT("what the table holds", stats_get(STAT_NETWORKS_COUNTED), 8);
	a = crowds_address("192.0.2.1:1");
	crowd_leave(&places[0]);
	T_STR("one left", crowds_counts(c, &a), "1 2 2");
	crowd_leave(&places[1]);
	T_STR("both left", crowds_counts(c, &a), "0 1 1");
	for (size_t i = 2; i < 8; i++)
		crowd_leave(&places[i]);
	crowd_leave(&places[0]);	/* is at no place any more */
	T_INT("it is empty", stats_get(STAT_NETWORKS_COUNTED), 0);
	a = (struct addr){0};
	T_STR("no address at all", crowds_counts(c, &a), "0 0 0");
	crowd_destroy(&c);
	T_OK("destroy nulls the pointer", c == NULL);
}

static struct addr
anybody(void)
{
	struct addr a = { .len = sizeof(a.u.in6) };
	uint64_t halves[2] = { crowds_draw() | 0x2000, crowds_draw() };

	a.u.in6.sin6_family = AF_INET6;
	memcpy(&a.u.in6.sin6_addr, halves, sizeof(halves));
	return a;
}

/* As many as there may be, each from elsewhere, and others after them. */
static void
test_room(void)
{
	enum { MOST = 20000, MORE = 100000 };
	static struct crowd_place places[MOST];
	static struct addr clients[MOST];
	struct crowd *c = table_alone(MOST);
	int64_t wrong = 0;

	for (int i = 0; i < MOST; i++) {
		clients[i] = anybody();
		crowd_enter(c, &clients[i], &places[i]);
	}
	for (int i = 0; i < MOST; i++)
		wrong += strcmp(crowds_counts(c, &clients[i]), "1 1 1") != 0;
	T_INT("20,000 are kept apart", wrong, 0);
	for (int i = 0; i < MORE; i++) {
		int one = (int)(crowds_draw() % MOST);

		crowd_leave(&places[one]);
		wrong += strcmp(crowds_counts(c, &clients[one]), "0 0 0") != 0;
		clients[one] = anybody();
		crowd_enter(c, &clients[one], &places[one]);
		wrong += strcmp(crowds_counts(c, &clients[one]), "1 1 1") != 0;
	}
	T_INT("however many come and go", wrong, 0);
	T_INT("all were counted", stats_get(STAT_SESSIONS_UNCOUNTED), 0);
	T_INT("each by two", stats_get(STAT_NETWORKS_COUNTED), 2 * MOST);
	T_OK("which leaves half of it free", crowd_networks(c) >= 4 * MOST);
	T_INT("room for those it was made for", crowd_room(c), MOST);
	for (int i = 0; i < MOST; i++)
		crowd_leave(&places[i]);
	for (int i = 0; i < MOST; i++)
		wrong += strcmp(crowds_counts(c, &clients[i]), "0 0 0") != 0;
	T_INT("and all leave", wrong, 0);
	crowd_destroy(&c);
}

/* More than it was made for: a reload may allow more. */
static void
test_overflow(void)
{
	enum { MANY = 2000 };
	static struct crowd_place places[MANY];
	static struct addr clients[MANY];
	struct crowd *c = table_alone(1);
	int64_t uncounted, counted = 0, known = 0;

	T_OK("it is small", crowd_networks(c) < 2 * MANY);
	for (int i = 0; i < MANY; i++) {
		struct crowd_counts n;

		clients[i] = anybody();
		crowd_enter(c, &clients[i], &places[i]);
		crowd_count(c, &clients[i], &n);
		counted += n.client + n.site == 2;
		known += n.client > 1 || n.site > 1;
	}
	uncounted = stats_get(STAT_SESSIONS_UNCOUNTED);
	T_INT("those without a place are told of", uncounted, MANY - counted);
	T_OK("it is full before that",
	    stats_get(STAT_NETWORKS_COUNTED) * 10 >
	    (int64_t)crowd_networks(c) * 9);
	T_INT("nobody counts for another", known, 0);
	for (int i = 0; i < MANY; i++)
		crowd_leave(&places[i]);
	T_INT("all leave", stats_get(STAT_NETWORKS_COUNTED), 0);
	crowd_enter(c, &clients[MANY - 1], &places[0]);
	T_STR("there is room again", crowds_counts(c, &clients[MANY - 1]),
	    "1 1 1");
	crowd_destroy(&c);
}

static void
test_no_memory(void)
{
	struct err err = {0};

	T_OK("more than there is address space",
	    crowd_create((size_t)1 << 44, 256, &err) == NULL);
	T_STR("is told", err.text,
	    "table of sessions by network: Cannot allocate memory");
}

int
main(void)
{
	test_widths();
	test_room();
	test_overflow();
	test_no_memory();
	return t_done();
}
