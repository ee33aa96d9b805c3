#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/lists.h"
#include "tests/kit/t.h"

/* A worker with its lists and what it was told of them. */
struct scene {
	struct arena		*arena;
	struct dnsbl_list	 lists[2];
	struct dnsbl		*dnsbl;
	struct buf		 events;
	struct lists_check	 check;
	const char		*zone;		/* without the test points */
};

static const char *const five[] = { "127.0.0.* score 5", NULL };

static void
begin(struct scene *s, unsigned checks, size_t n)
{
	struct dnsbl_options options = { .lists = s->lists, .n = n,
	    .probe_interval = DNSBL_PROBE_INTERVAL, .report = lists_report,
	    .owner = &s->events };

	s->arena = arena_create("scene");
	s->lists[0] = lists_make(s->arena, "bl.example", checks, five);
	s->lists[1] = lists_make(s->arena, "other.example", checks, five);
	s->dnsbl = dnsbl_create(s->arena, &options);
}

/* The world: whether the test points are right, and the rest. */
static void
world(bool is_right, const char *rest)
{
	struct buf zone = {0};

	if (is_right) {
		lists_put_points(&zone, "bl.example");
		lists_put_points(&zone, "other.example");
	}
	buf_puts(&zone, rest);
	buf_put(&zone, "", 1);
	lists_zone(zone.p);
	buf_free(&zone);
}

static const char *
events(struct scene *s)
{
	const char *text = arena_copy(s->arena, buf_text(&s->events));

	buf_clear(&s->events);
	return text;
}

static void
end(struct scene *s)
{
	lists_forget(&s->check);
	dnsbl_stop(s->dnsbl);
	lists_end();
	buf_free(&s->events);
	arena_destroy(&s->arena);
}

static const char *
client(struct scene *s, const char *ip)
{
	return lists_client(&s->check, s->dnsbl, ip);
}

static const char *
name(struct scene *s, const char *domain)
{
	lists_forget(&s->check);
	s->check = (struct lists_check){ .n = 1, .subjects = { {
	    .check = LISTING_HELO, .name = span_z(domain) } } };
	lists_ask(&s->check, s->dnsbl);
	lists_await(&s->check);
	return lists_text(&s->check);
}

#define LISTED	"bl=listed(127.0.0.2) score=5 names=bl"
#define CLIENT	"9.2.0.192.bl.example A 127.0.0.2\n"

/* --- probes --- */

static void
test_good(void)
{
	struct scene s = {0};

	world(true, CLIENT);
	begin(&s, LISTING_CLIENT, 1);
	T_OK("not probed at once", !dnsbl_is_probed(s.dnsbl));
	lists_ask_client(&s.check, s.dnsbl, "192.0.2.9");
	lists_settle();
	T_STR("not asked before the first probe", lists_text(&s.check),
	    "bl=suspended score=0");
	T_OK("probed", dnsbl_is_probed(s.dnsbl));
	T_STR("then it counts", client(&s, "192.0.2.9"), LISTED);
	lists_pass(3600 * CLOCK_S);
	T_STR("nothing to tell", events(&s), "");
	end(&s);
}

/* Zones in which the list says the same of everything, and what is told. */
static const struct {
	const char *name, *points, *client, *why;
} sick[] = {
	{ "you may not ask",
	    "2.0.0.127.bl.example A 127.255.255.254\n"
	    "1.0.0.127.bl.example A 127.255.255.254\n",
	    "9.2.0.192.bl.example A 127.255.255.254\n",
	    "answers 127.255.255.254, which is no listing: we may not ask" },
	{ "parked",
	    "2.0.0.127.bl.example A 203.0.113.7\n"
	    "1.0.0.127.bl.example A 203.0.113.7\n",
	    "9.2.0.192.bl.example A 203.0.113.7\n",
	    "answers 203.0.113.7, which is no listing" },
	{ "a wildcard",
	    "2.0.0.127.bl.example A 127.0.0.2\n"
	    "1.0.0.127.bl.example A 127.0.0.2\n", CLIENT,
	    "lists its test point 127.0.0.1, which must not be listed" },
	{ "a wildcard that no pattern counts",
	    "2.0.0.127.bl.example A 127.0.1.2\n"
	    "1.0.0.127.bl.example A 127.0.1.2\n", CLIENT,
	    "lists its test point 127.0.0.1, which must not be listed" },
	{ "emptied", "x.bl.example A 127.0.0.2\n", CLIENT,
	    "does not list its test point 127.0.0.2" },
	{ "half dead", "2.0.0.127.bl.example servfail\n"
	    "1.0.0.127.bl.example A 127.0.0.2\n", CLIENT,
	    "lists its test point 127.0.0.1, which must not be listed" },
	{ "dead", "2.0.0.127.bl.example servfail\n"
	    "1.0.0.127.bl.example servfail\n", CLIENT,
	    "does not answer (servfail)" },
	{ "silent", "2.0.0.127.bl.example timeout\n"
	    "1.0.0.127.bl.example timeout\n", CLIENT,
	    "does not answer (timeout)" },
};

static void
test_sick(void)
{
	struct scene s = {0};

	for (size_t i = 0; i < sizeof(sick) / sizeof(*sick); i++) {
		s = (struct scene){ .arena = NULL };
		begin(&s, LISTING_IPV4, 1);
		world(false, arena_printf(s.arena, "%s%s", sick[i].points,
		    sick[i].client));
		for (int k = 0; k < 20; k++) {
			T_STR(sick[i].name, client(&s, "192.0.2.9"),
			    "bl=suspended score=0");
			T_INT("costs nothing", s.check.took, 0);
			T_INT("failed if it is silent", s.check.answer.failed,
			    k > 0 && strstr(sick[i].why, "answer (") != NULL);
			lists_pass(180 * CLOCK_S);
		}
		T_STR(sick[i].name, events(&s), arena_printf(s.arena,
		    "bl IPv4 suspended: %s\n", sick[i].why));
		world(true, CLIENT);
		lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
		T_STR("it comes back by itself", events(&s),
		    "bl IPv4 back: found good by a probe\n");
		T_STR("and counts", client(&s, "192.0.2.9"), LISTED);
		end(&s);
	}
}

/* A list goes bad between two probes and is found out by the next. */
static void
test_goes_bad(void)
{
	struct scene s = {0};
	int64_t begun;

	world(true, CLIENT);
	begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	T_STR("good", client(&s, "192.0.2.9"), LISTED);
	world(true, CLIENT "1.0.0.127.bl.example A 127.0.0.2\n");
	begun = clock_now();
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("found out", events(&s), "bl IPv4 suspended: lists its test "
	    "point 127.0.0.1, which must not be listed\n");
	T_OK("within five minutes and an eighth", clock_now() - begun <=
	    340 * CLOCK_S);
	end(&s);
}

/* A list that does not answer is asked again soon. */
static void
test_silent_start(void)
{
	struct scene s = {0};

	world(false, "2.0.0.127.bl.example timeout\n");
	begin(&s, LISTING_IPV4, 1);
	lists_pass(5 * CLOCK_S);
	T_STR("no verdict yet", events(&s), "");
	lists_pass(10 * CLOCK_S);
	T_STR("no answer", events(&s),
	    "bl IPv4 suspended: does not answer (timeout)\n");
	T_OK("that is a probe too", dnsbl_is_probed(s.dnsbl));
	world(true, "");
	lists_pass(DNSBL_RETRY);
	T_STR("asked again soon", events(&s),
	    "bl IPv4 back: found good by a probe\n");
	end(&s);
}

/* One probe in between that gets no answer changes nothing. */
static void
test_silent_probe(void)
{
	struct scene s = {0};

	world(true, CLIENT);
	begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	world(false, CLIENT "2.0.0.127.bl.example servfail\n");
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8);
	T_STR("still good", events(&s), "");
	T_STR("still counts", client(&s, "192.0.2.9"), LISTED);
	lists_pass(DNSBL_RETRY * DNSBL_SILENCE_MOST);
	T_STR("several in a row do", events(&s),
	    "bl IPv4 suspended: does not answer (servfail)\n");
	end(&s);
}

/* --- sides --- */

#define IPV6_TEST(last)	last ".0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0" \
	".0.0.0.0.0.0.0.0"
#define IPV6_CLIENT	"1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.8.b" \
	".d.0.1.0.0.2"

static void
test_sides(void)
{
	struct scene s = {0};

	world(false, "2.0.0.127.bl.example A 127.0.0.2\n" CLIENT
	    IPV6_CLIENT ".bl.example A 127.0.0.2\n"
	    "test.bl.example A 127.0.0.2\n"
	    "invalid.bl.example A 127.0.0.2\n"
	    "x.example.bl.example A 127.0.0.2\n");
	begin(&s, LISTING_CLIENT | LISTING_HELO, 1);
	lists_pass(CLOCK_S);
	T_STR("each side by itself", events(&s), "bl IPv6 suspended: does not "
	    "list its test point ::ffff:7f00:2\nbl domains suspended: lists "
	    "its test point INVALID, which must not be listed\n");
	T_STR("a good side", client(&s, "192.0.2.9"), LISTED);
	T_STR("a sick one", client(&s, "2001:db8::1"),
	    "bl=suspended score=0");
	T_STR("a sick one", name(&s, "x.example"), "bl=suspended score=0");
	world(true, IPV6_CLIENT ".bl.example A 127.0.0.2\n"
	    "x.example.bl.example A 127.0.0.2\n"
	    IPV6_TEST("1") ".other.example A 127.0.0.2\n");
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("both back", events(&s), "bl IPv6 back: found good by a "
	    "probe\nbl domains back: found good by a probe\n");
	T_STR("IPv6 counts", client(&s, "2001:db8::1"), LISTED);
	T_STR("names count", name(&s, "x.example"), LISTED);
	end(&s);
}

static void
test_no_points(void)
{
	struct scene s = {0};

	world(false, CLIENT);
	begin(&s, LISTING_IPV4, 1);
	s.lists[0].test_points = false;
	T_STR("asked at once", client(&s, "192.0.2.9"), LISTED);
	lists_pass(3600 * CLOCK_S);
	T_STR("never found wanting", events(&s), "");
	T_STR("still asked", client(&s, "192.0.2.9"), LISTED);
	T_OK("probed all the same", dnsbl_is_probed(s.dnsbl));
	end(&s);
}

/* --- what sessions find out --- */

/* The test points are right, yet nobody gets a good answer. */
static void
test_errors(bool has_points)
{
	static const char refused[] =
	    "9.2.0.192.bl.example A 127.255.255.255\n";
	struct scene s = {0};

	world(true, refused);
	begin(&s, LISTING_IPV4, 1);
	s.lists[0].test_points = has_points;
	lists_pass(CLOCK_S);
	for (int i = 0; i < DNSBL_ERRORS_MOST; i++) {
		T_STR("not told yet", events(&s), "");
		T_STR("an error", client(&s, "192.0.2.9"),
		    "bl=error score=0");
	}
	T_STR("told once", events(&s), "bl IPv4 suspended: answers "
	    "127.255.255.255, which is no listing: we may not ask\n");
	for (int i = 0; i < 20; i++) {
		T_STR("not asked", client(&s, "192.0.2.9"),
		    "bl=suspended score=0");
		lists_pass(180 * CLOCK_S);
	}
	T_STR("told once", events(&s), "");
	world(true, CLIENT);
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("back", events(&s), "bl IPv4 back: found good by a probe\n");
	end(&s);
}

static void
test_errors_between(void)
{
	struct scene s = {0};

	world(true, "9.2.0.192.bl.example A 127.255.255.255\n"
	    "8.2.0.192.bl.example A 127.0.0.2\n");
	begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	for (int i = 0; i < 20; i++) {
		client(&s, "192.0.2.9");
		client(&s, "192.0.2.9");
		T_STR("good answers in between", client(&s, "192.0.2.8"),
		    LISTED);
	}
	T_STR("nothing to tell", events(&s), "");
	end(&s);
}

/* Two lists, one falls silent: it costs its timeout a few times, then
 * nothing; the other is never touched by it. */
static void
test_falls_silent(void)
{
	static const char silent[] = "9.2.0.192.bl.example timeout\n"
	    "2.0.0.127.bl.example timeout\n"
	    "9.2.0.192.other.example A 127.0.0.2\n";
	struct scene s = {0};

	world(true, CLIENT);
	begin(&s, LISTING_IPV4, 2);
	lists_pass(CLOCK_S);
	world(true, silent);
	for (int i = 0; i < DNSBL_SILENCE_MOST; i++) {
		T_STR("fails alone", client(&s, "192.0.2.9"), "bl=failed "
		    "other=listed(127.0.0.2) score=5 names=other");
		T_INT("and costs its timeout", s.check.took, DNSBL_TIMEOUT);
		T_INT("counted", s.check.answer.failed, 1);
	}
	T_STR("told", events(&s),
	    "bl IPv4 suspended: does not answer (timeout)\n");
	T_STR("not asked", client(&s, "192.0.2.9"), "bl=suspended "
	    "other=listed(127.0.0.2) score=5 names=other");
	T_INT("and costs nothing", s.check.took, 0);
	T_INT("counted still", s.check.answer.failed, 1);
	T_INT("counted apart too", s.check.answer.suspended, 1);
	world(true, CLIENT "9.2.0.192.other.example A 127.0.0.2\n");
	lists_pass(DNSBL_RETRY + 11 * CLOCK_S);
	T_STR("back soon", events(&s),
	    "bl IPv4 back: found good by a probe\n");
	end(&s);
}

/* It was asked, and is suspended before the answer comes. */
static void
test_suspended_meanwhile(void)
{
	struct lists_check late = {0};
	struct scene s = {0};

	world(true, CLIENT "9.2.0.192.bl.example delay 2000\n"
	    "8.2.0.192.bl.example A 203.0.113.7\n");
	begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	lists_ask_client(&late, s.dnsbl, "192.0.2.9");
	for (int i = 0; i < DNSBL_ERRORS_MOST; i++)
		client(&s, "192.0.2.8");
	lists_await(&late);
	T_STR("counts no more", lists_text(&late), "bl=suspended score=0");
	lists_forget(&late);
	end(&s);
}

/* --- the share of clients --- */

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
		client(s, arena_printf(s->arena, "198.51.%u.1", i));
}

static void
share_world(unsigned listed, unsigned by_other)
{
	struct buf zone = {0};

	put_clients(&zone, "bl.example", 0, listed);
	put_clients(&zone, "other.example", 0, by_other);
	buf_put(&zone, "", 1);
	world(true, zone.p);
	buf_free(&zone);
}

static void
test_share(void)
{
	struct scene s = {0};

	share_world(101, 0);
	begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	send_clients(&s, 101, 99);
	send_clients(&s, 0, 100);
	T_STR("a hundred of 199", events(&s), "");
	send_clients(&s, 100, 1);
	T_STR("101 of 200", events(&s),
	    "bl IPv4 suspended: lists 101 of the last 200 asked about\n");
	T_STR("its last listing counts no more", lists_text(&s.check),
	    "bl=suspended score=0");
	lists_pass(3600 * CLOCK_S);
	T_STR("those who came last are still listed", events(&s), "");
	send_clients(&s, 150, 9);
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("most of the last are not listed", events(&s),
	    "bl IPv4 back: found good by a probe\n");
	send_clients(&s, 0, 100);
	T_STR("it is counted anew", events(&s), "");
	end(&s);
}

static void
test_share_borne_out(void)
{
	struct scene s = {0};

	share_world(160, 150);
	begin(&s, LISTING_IPV4, 2);
	lists_pass(CLOCK_S);
	send_clients(&s, 0, 200);
	T_STR("a wave of bad clients that both see", events(&s), "");
	end(&s);
}

static void
test_share_of_one(void)
{
	struct scene s = {0};

	world(true, CLIENT);
	begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	for (int i = 0; i < 500; i++)
		client(&s, "192.0.2.9");
	T_STR("one client that comes often", events(&s), "");
	end(&s);
}

static void
test_share_allowed(void)
{
	struct scene s = {0};

	share_world(200, 0);
	begin(&s, LISTING_IPV4, 1);
	s.lists[0].max_share = 100;
	lists_pass(CLOCK_S);
	send_clients(&s, 0, 250);
	T_STR("a list that may list everybody", events(&s), "");
	end(&s);
}

/* --- the end --- */

static void
test_end_under_way(void)
{
	struct lists_check check = {0};
	struct scene s = {0};

	world(true, "9.2.0.192.bl.example timeout\n"
	    "2.0.0.127.other.example timeout\n");
	begin(&s, LISTING_IPV4, 2);
	lists_pass(CLOCK_S);
	lists_ask_client(&check, s.dnsbl, "192.0.2.9");
	lists_settle();
	dnsbl_stop(s.dnsbl);
	lists_await(&check);
	T_STR("a check comes to its end", lists_text(&check),
	    "bl=failed other=suspended score=0");
	lists_forget(&check);
	lists_settle();
	T_INT("no fiber is left", fiber_count(), 0);
	T_STR("nothing to tell", events(&s), "");
	T_STR("one that comes too late does too", client(&s, "192.0.2.8"),
	    "bl=unlisted other=suspended score=0");
	end(&s);
}

static void
test_stopped(void)
{
	struct scene s = {0};

	world(true, "9.2.0.192.bl.example timeout\n"
	    "9.2.0.192.other.example timeout\n");
	begin(&s, LISTING_IPV4, 2);
	s.lists[1].timeout = CLOCK_S;	/* not looked up with the first */
	lists_pass(CLOCK_S);
	lists_ask_client(&s.check, s.dnsbl, "192.0.2.9");
	lists_settle();
	fiber_stop(s.check.fiber);
	lists_settle();
	T_OK("a session that is over waits no longer", s.check.is_over);
	T_INT("and is told so", s.check.ret, -1);
	T_INT("and is told so", s.check.err.kind, ERR_CLOSED);
	T_INT("its lookups are over too", fiber_count(), 2);
	end(&s);
}

/* Every wait of a worker's first minutes fails once, by time or by a stop:
 * nobody is listed by that, and nothing is left behind. */
static void
test_failing_waits(enum fake_failure how)
{
	struct scene s = {0};
	const char *said;
	unsigned n = 0;

	do {
		world(true, CLIENT "8.2.0.192.other.example timeout\n");
		fake_fail_wait(++n, how);
		begin(&s, LISTING_CLIENT | LISTING_HELO, 2);
		s.lists[1].timeout = CLOCK_S;
		lists_pass(CLOCK_S);
		said = client(&s, "192.0.2.8");
		T_OK("not listed", s.check.ret < 0 ||
		    s.check.answer.nnames == 0);
		said = client(&s, "192.0.2.9");
		T_OK("listed, or not known", s.check.ret < 0 ||
		    s.check.answer.nnames == 1 ||
		    strstr(said, "bl=failed") != NULL ||
		    strstr(said, "bl=suspended") != NULL);
		lists_pass(DNSBL_PROBE_INTERVAL * 2);
		end(&s);
		s = (struct scene){ .arena = NULL };
	} while (fake_waits() >= n);
	T_OK("some waits", n > 20);
	fake_fail_wait(0, how);
}

int
main(void)
{
	loop_create();
	test_good();
	test_sick();
	test_goes_bad();
	test_silent_start();
	test_silent_probe();
	test_sides();
	test_no_points();
	test_errors(true);
	test_errors(false);
	test_errors_between();
	test_falls_silent();
	test_suspended_meanwhile();
	test_share();
	test_share_borne_out();
	test_share_of_one();
	test_share_allowed();
	test_end_under_way();
	test_stopped();
	test_failing_waits(FAIL_BY_TIMEOUT);
	test_failing_waits(FAIL_BY_CLOSING);
	loop_destroy();
	return t_done();
}
