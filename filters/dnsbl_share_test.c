#include "base/clock.h"
#include "base/loop.h"
#include "filters/dnsbl_share.h"
#include "tests/kit/scene.h"
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

static void
test_counting(void)
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
}

/* --- a worker and its clients --- */

#define LISTED	"bl=listed(127.0.0.2) score=5 names=bl"
#define CLIENT	"9.2.0.192.bl.example A 127.0.0.2\n"
#define ZEROS		".0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0."
#define IPV6_NETWORK	".0.0.8.b.d.0.1.0.0.2"

/* So many clients of different networks, the first ones listed. */
static void
put_clients(struct buf *out, const char *zone, unsigned from, unsigned listed)
{
	for (unsigned i = from; i < from + listed; i++)
		buf_printf(out, "1.%u.51.198.%s A 127.0.0.2\n", i, zone);
}

static void
send_clients(struct scene *s, unsigned from, unsigned n)
{
	for (unsigned i = from; i < from + n; i++)
		scene_client(s, arena_printf(s->arena, "198.51.%u.1", i));
}

static void
share_world(unsigned listed, unsigned by_other)
{
	struct buf zone = {0};

	put_clients(&zone, "bl.example", 0, listed);
	put_clients(&zone, "other.example", 0, by_other);
	buf_put(&zone, "", 1);
	scene_world(true, zone.p);
	buf_free(&zone);
}

static void
test_share(void)
{
	struct scene s = {0};

	share_world(101, 0);
	scene_begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	send_clients(&s, 101, 99);
	send_clients(&s, 0, 100);
	T_STR("a hundred of 199", scene_events(&s), "");
	send_clients(&s, 100, 1);
	T_STR("101 of 200", scene_events(&s),
	    "bl IPv4 suspended: lists 101 of the last 200 asked about\n");
	T_STR("its last listing counts no more", lists_text(&s.check),
	    "bl=suspended score=0");
	lists_pass(3600 * CLOCK_S);
	T_STR("those who came last are still listed", scene_events(&s), "");
	send_clients(&s, 150, 9);
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("most of the last are not listed", scene_events(&s),
	    "bl IPv4 back: found good by a probe\n");
	send_clients(&s, 0, 100);
	T_STR("it is counted anew", scene_events(&s), "");
	scene_end(&s);
}

static void
test_share_borne_out(void)
{
	struct scene s = {0};

	share_world(160, 150);
	scene_begin(&s, LISTING_IPV4, 2);
	lists_pass(CLOCK_S);
	send_clients(&s, 0, 200);
	T_STR("a wave of bad clients that both see", scene_events(&s), "");
	scene_end(&s);
}

static void
test_share_of_one(void)
{
	struct scene s = {0};

	scene_world(true, CLIENT);
	scene_begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	for (int i = 0; i < 500; i++)
		scene_client(&s, "192.0.2.9");
	T_STR("one client that comes often", scene_events(&s), "");
	scene_end(&s);
}

static void
test_share_allowed(void)
{
	struct scene s = {0};

	share_world(200, 0);
	scene_begin(&s, LISTING_IPV4, 1);
	s.lists[0].max_share = 100;
	lists_pass(CLOCK_S);
	send_clients(&s, 0, 250);
	T_STR("a list that may list everybody", scene_events(&s), "");
	scene_end(&s);
}

/* Listed names and addresses of one network are had for nothing: who sends
 * from them does not get the list suspended by that. */
static void
test_share_by_intent(void)
{
	struct buf zone = {0};
	struct scene s = {0};

	scene_begin(&s, LISTING_CLIENT | LISTING_HELO, 1);
	for (unsigned i = 0; i < 250; i++) {
		buf_printf(&zone, "d%u.example.bl.example A 127.0.0.2\n", i);
		buf_printf(&zone, "1" ZEROS "%x.%x" IPV6_NETWORK
		    ".bl.example A 127.0.0.2\n", i % 16, i / 16);
	}
	buf_put(&zone, "", 1);
	scene_world(true, zone.p);
	buf_free(&zone);
	lists_pass(CLOCK_S);
	for (unsigned i = 0; i < 250; i++) {
		T_STR("a listed name", scene_name(&s, arena_printf(s.arena,
		    "d%u.example", i)), LISTED);
		T_STR("a listed network of 64 bits", scene_client(&s, arena_printf(
		    s.arena, "2001:db8:%x::1", i)), LISTED);
	}
	T_STR("the list stays", scene_events(&s), "");
	scene_end(&s);
}

int
main(void)
{
	loop_create();
	test_counting();
	test_share();
	test_share_borne_out();
	test_share_of_one();
	test_share_allowed();
	test_share_by_intent();
	loop_destroy();
	return t_done();
}
