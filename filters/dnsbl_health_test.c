#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/fake/fake.h"
#include "tests/kit/scene.h"
#include "tests/kit/t.h"

#define LISTED	"bl=listed(127.0.0.2) score=5 names=bl"
#define CLIENT	"9.2.0.192.bl.example A 127.0.0.2\n"

/* --- probes --- */

static void
test_good(void)
{
	struct scene s = {0};

	scene_world(true, CLIENT);
	scene_begin(&s, LISTING_CLIENT, 1);
	T_OK("not probed at once", !dnsbl_is_probed(s.dnsbl));
	lists_ask_client(&s.check, s.dnsbl, "192.0.2.9");
	lists_settle();
	T_STR("not asked before the first probe", lists_text(&s.check),
	    "bl=suspended score=0");
	T_OK("probed", dnsbl_is_probed(s.dnsbl));
	T_STR("then it counts", scene_client(&s, "192.0.2.9"), LISTED);
	lists_pass(3600 * CLOCK_S);
	T_STR("nothing to tell", scene_events(&s), "");
	scene_end(&s);
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
		scene_begin(&s, LISTING_IPV4, 1);
		scene_world(false, arena_printf(s.arena, "%s%s", sick[i].points,
		    sick[i].client));
		for (int k = 0; k < 20; k++) {
			T_STR(sick[i].name, scene_client(&s, "192.0.2.9"),
			    "bl=suspended score=0");
			T_INT("costs nothing", s.check.took, 0);
			T_INT("failed if it is silent", s.check.answer.failed,
			    k > 0 && strstr(sick[i].why, "answer (") != NULL);
			lists_pass(180 * CLOCK_S);
		}
		T_STR(sick[i].name, scene_events(&s), arena_printf(s.arena,
		    "bl IPv4 suspended: %s\n", sick[i].why));
		scene_world(true, CLIENT);
		lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
		T_STR("it comes back by itself", scene_events(&s),
		    "bl IPv4 back: found good by a probe\n");
		T_STR("and counts", scene_client(&s, "192.0.2.9"), LISTED);
		scene_end(&s);
	}
}

/* A list goes bad between two probes and is found out by the next. */
static void
test_goes_bad(void)
{
	struct scene s = {0};
	int64_t begun;

	scene_world(true, CLIENT);
	scene_begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	T_STR("good", scene_client(&s, "192.0.2.9"), LISTED);
	scene_world(true, CLIENT "1.0.0.127.bl.example A 127.0.0.2\n");
	begun = clock_now();
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("found out", scene_events(&s), "bl IPv4 suspended: lists its test "
	    "point 127.0.0.1, which must not be listed\n");
	T_OK("within five minutes and an eighth", clock_now() - begun <=
	    340 * CLOCK_S);
	scene_end(&s);
}

/* A list that does not answer is asked again soon. */
static void
test_silent_start(void)
{
	struct scene s = {0};

	scene_world(false, "2.0.0.127.bl.example timeout\n");
	scene_begin(&s, LISTING_IPV4, 1);
	lists_pass(5 * CLOCK_S);
	T_STR("no verdict yet", scene_events(&s), "");
	lists_pass(10 * CLOCK_S);
	T_STR("no answer", scene_events(&s),
	    "bl IPv4 suspended: does not answer (timeout)\n");
	T_OK("that is a probe too", dnsbl_is_probed(s.dnsbl));
	scene_world(true, "");
	lists_pass(DNSBL_RETRY);
	T_STR("asked again soon", scene_events(&s),
	    "bl IPv4 back: found good by a probe\n");
	scene_end(&s);
}

/* One probe in between that gets no answer changes nothing. */
static void
test_silent_probe(void)
{
	struct scene s = {0};

	scene_world(true, CLIENT);
	scene_begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	scene_world(false, CLIENT "2.0.0.127.bl.example servfail\n");
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8);
	T_STR("still good", scene_events(&s), "");
	T_STR("still counts", scene_client(&s, "192.0.2.9"), LISTED);
	lists_pass(DNSBL_RETRY * DNSBL_SILENCE_MOST);
	T_STR("several in a row do", scene_events(&s),
	    "bl IPv4 suspended: does not answer (servfail)\n");
	scene_end(&s);
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

	scene_world(false, "2.0.0.127.bl.example A 127.0.0.2\n" CLIENT
	    IPV6_CLIENT ".bl.example A 127.0.0.2\n"
	    "test.bl.example A 127.0.0.2\n"
	    "invalid.bl.example A 127.0.0.2\n"
	    "x.example.bl.example A 127.0.0.2\n");
	scene_begin(&s, LISTING_CLIENT | LISTING_HELO, 1);
	lists_pass(CLOCK_S);
	T_STR("each side by itself", scene_events(&s), "bl IPv6 suspended: "
	    "does not list its test point ::ffff:7f00:2\nbl domains suspended: "
	    "lists its test point INVALID, which must not be listed\n");
	T_STR("a good side", scene_client(&s, "192.0.2.9"), LISTED);
	T_STR("a sick one", scene_client(&s, "2001:db8::1"),
	    "bl=suspended score=0");
	T_STR("a sick one", scene_name(&s, "x.example"), "bl=suspended score=0");
	scene_world(true, IPV6_CLIENT ".bl.example A 127.0.0.2\n"
	    "x.example.bl.example A 127.0.0.2\n"
	    IPV6_TEST("1") ".other.example A 127.0.0.2\n");
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("both back", scene_events(&s), "bl IPv6 back: found good by a "
	    "probe\nbl domains back: found good by a probe\n");
	T_STR("IPv6 counts", scene_client(&s, "2001:db8::1"), LISTED);
	T_STR("names count", scene_name(&s, "x.example"), LISTED);
	scene_end(&s);
}

static void
test_no_points(void)
{
	struct scene s = {0};

	scene_world(false, CLIENT);
	scene_begin(&s, LISTING_IPV4, 1);
	s.lists[0].test_points = false;
	T_STR("asked at once", scene_client(&s, "192.0.2.9"), LISTED);
	lists_pass(3600 * CLOCK_S);
	T_STR("never found wanting", scene_events(&s), "");
	T_STR("still asked", scene_client(&s, "192.0.2.9"), LISTED);
	T_OK("probed all the same", dnsbl_is_probed(s.dnsbl));
	scene_end(&s);
}

/* --- what sessions find out --- */

/* The test points are right, yet nobody gets a good answer. */
static void
test_errors(bool has_points)
{
	static const char refused[] =
	    "9.2.0.192.bl.example A 127.255.255.255\n";
	struct scene s = {0};

	scene_world(true, refused);
	scene_begin(&s, LISTING_IPV4, 1);
	s.lists[0].test_points = has_points;
	lists_pass(CLOCK_S);
	for (int i = 0; i < DNSBL_ERRORS_MOST; i++) {
		T_STR("not told yet", scene_events(&s), "");
		T_STR("an error", scene_client(&s, "192.0.2.9"),
		    "bl=error score=0");
	}
	T_STR("told once", scene_events(&s), "bl IPv4 suspended: answers "
	    "127.255.255.255, which is no listing: we may not ask\n");
	for (int i = 0; i < 20; i++) {
		T_STR("not asked", scene_client(&s, "192.0.2.9"),
		    "bl=suspended score=0");
		lists_pass(180 * CLOCK_S);
	}
	T_STR("told once", scene_events(&s), "");
	scene_world(true, CLIENT);
	lists_pass(DNSBL_PROBE_INTERVAL * 9 / 8 + CLOCK_S);
	T_STR("back", scene_events(&s), "bl IPv4 back: found good by a probe\n");
	scene_end(&s);
}

static void
test_errors_between(void)
{
	struct scene s = {0};

	scene_world(true, "9.2.0.192.bl.example A 127.255.255.255\n"
	    "8.2.0.192.bl.example A 127.0.0.2\n");
	scene_begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	for (int i = 0; i < 20; i++) {
		scene_client(&s, "192.0.2.9");
		scene_client(&s, "192.0.2.9");
		T_STR("good answers in between", scene_client(&s, "192.0.2.8"),
		    LISTED);
	}
	T_STR("nothing to tell", scene_events(&s), "");
	scene_end(&s);
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

	scene_world(true, CLIENT);
	scene_begin(&s, LISTING_IPV4, 2);
	lists_pass(CLOCK_S);
	scene_world(true, silent);
	for (int i = 0; i < DNSBL_SILENCE_MOST; i++) {
		T_STR("fails alone", scene_client(&s, "192.0.2.9"), "bl=failed "
		    "other=listed(127.0.0.2) score=5 names=other");
		T_INT("and costs its timeout", s.check.took, DNSBL_TIMEOUT);
		T_INT("counted", s.check.answer.failed, 1);
	}
	T_STR("told", scene_events(&s),
	    "bl IPv4 suspended: does not answer (timeout)\n");
	T_STR("not asked", scene_client(&s, "192.0.2.9"), "bl=suspended "
	    "other=listed(127.0.0.2) score=5 names=other");
	T_INT("and costs nothing", s.check.took, 0);
	T_INT("counted still", s.check.answer.failed, 1);
	T_INT("counted apart too", s.check.answer.suspended, 1);
	scene_world(true, CLIENT "9.2.0.192.other.example A 127.0.0.2\n");
	lists_pass(DNSBL_RETRY + 11 * CLOCK_S);
	T_STR("back soon", scene_events(&s),
	    "bl IPv4 back: found good by a probe\n");
	scene_end(&s);
}

/* It was asked, and is suspended before the answer comes. */
static void
test_suspended_meanwhile(void)
{
	struct lists_check late = {0};
	struct scene s = {0};

	scene_world(true, CLIENT "9.2.0.192.bl.example delay 2000\n"
	    "8.2.0.192.bl.example A 203.0.113.7\n");
	scene_begin(&s, LISTING_IPV4, 1);
	lists_pass(CLOCK_S);
	lists_ask_client(&late, s.dnsbl, "192.0.2.9");
	for (int i = 0; i < DNSBL_ERRORS_MOST; i++)
		scene_client(&s, "192.0.2.8");
	lists_await(&late);
	T_STR("counts no more", lists_text(&late), "bl=suspended score=0");
	lists_forget(&late);
	scene_end(&s);
}

/* --- the end --- */

static void
test_end_under_way(void)
{
	struct lists_check check = {0};
	struct scene s = {0};

	scene_world(true, "9.2.0.192.bl.example timeout\n"
	    "2.0.0.127.other.example timeout\n");
	scene_begin(&s, LISTING_IPV4, 2);
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
	T_STR("nothing to tell", scene_events(&s), "");
	T_STR("one that comes too late does too", scene_client(&s, "192.0.2.8"),
	    "bl=unlisted other=suspended score=0");
	scene_end(&s);
}

static void
test_stopped(void)
{
	struct scene s = {0};

	scene_world(true, "9.2.0.192.bl.example timeout\n"
	    "9.2.0.192.other.example timeout\n");
	scene_begin(&s, LISTING_IPV4, 2);
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
	scene_end(&s);
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
		scene_world(true, CLIENT "8.2.0.192.other.example timeout\n");
		fake_fail_wait(++n, how);
		scene_begin(&s, LISTING_CLIENT | LISTING_HELO, 2);
		s.lists[1].timeout = CLOCK_S;
		lists_pass(CLOCK_S);
		said = scene_client(&s, "192.0.2.8");
		T_OK("not listed", s.check.ret < 0 ||
		    s.check.answer.nnames == 0);
		said = scene_client(&s, "192.0.2.9");
		T_OK("listed, or not known", s.check.ret < 0 ||
		    s.check.answer.nnames == 1 ||
		    strstr(said, "bl=failed") != NULL ||
		    strstr(said, "bl=suspended") != NULL);
		lists_pass(DNSBL_PROBE_INTERVAL * 2);
		scene_end(&s);
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
	test_end_under_way();
	test_stopped();
	test_failing_waits(FAIL_BY_TIMEOUT);
	test_failing_waits(FAIL_BY_CLOSING);
	loop_destroy();
	return t_done();
}
