#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "tests/kit/lists.h"
#include "tests/kit/t.h"

/* Lists of several kinds, without a guard. */
struct scene {
	struct arena		*arena;
	struct dnsbl_list	 lists[5];
	struct dnsbl		*dnsbl;
	struct lists_check	 check;
};

static void
begin(struct scene *s, const char *zone)
{
	static const char *const zen[] = { "127.0.0.2-3 score 5",
	    "127.0.0.4-7 score 8 tag exploited", "127.0.0.10-11 score 3",
	    "127.0.0.255 error", NULL };
	static const char *const allow[] = { "127.0.*.1-3 score -4",
	    "127.0.*.3 tag trusted", "127.0.9.* ignore", NULL };
	static const char *const names[] = { "127.0.0.&2 score 1.5 tag black",
	    "127.0.0.&8 score 2.25 tag red", NULL };
	static const char *const plain[] = { NULL };
	struct dnsbl_options options = { .lists = s->lists, .n = 5 };

	*s = (struct scene){ .arena = arena_create("scene") };
	s->lists[0] = lists_make(s->arena, "zen.example", LISTING_CLIENT, zen);
	s->lists[1] = lists_make(s->arena, "wl.example", LISTING_CLIENT,
	    allow);
	s->lists[2] = lists_make(s->arena, "plain.example", LISTING_IPV4,
	    plain);
	s->lists[2].timeout = CLOCK_S;
	s->lists[3] = lists_make(s->arena, "uri.example", LISTING_SENDER |
	    LISTING_HELO | LISTING_REVERSE | LISTING_FROM | LISTING_DKIM,
	    names);
	s->lists[4] = lists_make(s->arena, "helo.example", LISTING_HELO,
	    plain);
	lists_zone(zone);
	s->dnsbl = dnsbl_create(s->arena, &options);
}

static void
end(struct scene *s)
{
	lists_forget(&s->check);
	lists_end();
	arena_destroy(&s->arena);
}

/* --- clients --- */

static const struct {
	const char *name, *client, *zone, *want;
	int64_t took;
} clients[] = {
	{ "nobody knows it", "192.0.2.9", "",
	    "zen=unlisted wl=unlisted plain=unlisted score=0", 0 },
	{ "one list", "192.0.2.9", "9.2.0.192.zen.example A 127.0.0.2\n",
	    "zen=listed(127.0.0.2) wl=unlisted plain=unlisted score=5 "
	    "names=zen", 0 },
	{ "a pattern counts once", "192.0.2.9",
	    "9.2.0.192.zen.example A 127.0.0.2\n"
	    "9.2.0.192.zen.example A 127.0.0.3\n",
	    "zen=listed(127.0.0.2 127.0.0.3) wl=unlisted plain=unlisted "
	    "score=5 names=zen", 0 },
	{ "several patterns", "192.0.2.9",
	    "9.2.0.192.zen.example A 127.0.0.2\n"
	    "9.2.0.192.zen.example A 127.0.0.4\n",
	    "zen=listed(127.0.0.2 127.0.0.4) wl=unlisted plain=unlisted "
	    "score=13 names=zen tags=exploited", 0 },
	{ "no pattern", "192.0.2.9", "9.2.0.192.zen.example A 127.0.0.9\n",
	    "zen=unlisted wl=unlisted plain=unlisted score=0", 0 },
	{ "a list without patterns", "192.0.2.9",
	    "9.2.0.192.plain.example A 127.0.0.9\n",
	    "zen=unlisted wl=unlisted plain=listed(127.0.0.9) score=0 "
	    "names=plain", 0 },
	{ "for and against", "192.0.2.9",
	    "9.2.0.192.zen.example A 127.0.0.10\n"
	    "9.2.0.192.wl.example A 127.0.5.3\n",
	    "zen=listed(127.0.0.10) wl=listed(127.0.5.3) plain=unlisted "
	    "score=-1 names=zen allow=wl tags=trusted", 0 },
	{ "ignored", "192.0.2.9", "9.2.0.192.wl.example A 127.0.9.3\n",
	    "zen=unlisted wl=unlisted plain=unlisted score=0", 0 },
	{ "IPv6", "2001:db8::1", "1.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
	    ".0.0.8.b.d.0.1.0.0.2.zen.example A 127.0.0.3\n",
	    "zen=listed(127.0.0.3) wl=unlisted score=5 names=zen", 0 },
	{ "by a CNAME", "192.0.2.9",
	    "9.2.0.192.zen.example CNAME here.zen.example\n"
	    "here.zen.example A 127.0.0.2\n",
	    "zen=listed(127.0.0.2) wl=unlisted plain=unlisted score=5 "
	    "names=zen", 0 },
	{ "you may not ask", "192.0.2.9",
	    "9.2.0.192.zen.example A 127.255.255.254\n"
	    "9.2.0.192.plain.example A 127.255.255.252\n",
	    "zen=error wl=unlisted plain=error score=0", 0 },
	{ "the list's own error", "192.0.2.9",
	    "9.2.0.192.zen.example A 127.0.0.255\n"
	    "9.2.0.192.zen.example A 127.0.0.2\n",
	    "zen=error wl=unlisted plain=unlisted score=0", 0 },
	{ "parked", "192.0.2.9", "9.2.0.192.plain.example A 203.0.113.7\n",
	    "zen=unlisted wl=unlisted plain=error score=0", 0 },
	{ "one hangs", "192.0.2.9", "9.2.0.192.zen.example timeout\n"
	    "9.2.0.192.plain.example A 127.0.0.2\n",
	    "zen=failed wl=unlisted plain=listed(127.0.0.2) score=0 "
	    "names=plain", 3 * CLOCK_S },
	{ "one hangs for its own time", "192.0.2.9",
	    "9.2.0.192.plain.example timeout\n"
	    "9.2.0.192.zen.example A 127.0.0.2\n",
	    "zen=listed(127.0.0.2) wl=unlisted plain=failed score=5 "
	    "names=zen", CLOCK_S },
	{ "one is late, for another's time", "192.0.2.9",
	    "9.2.0.192.plain.example delay 2000\n"
	    "9.2.0.192.plain.example A 127.0.0.2\n"
	    "9.2.0.192.zen.example delay 2000\n"
	    "9.2.0.192.zen.example A 127.0.0.2\n",
	    "zen=listed(127.0.0.2) wl=unlisted plain=failed score=5 "
	    "names=zen", 2 * CLOCK_S },
	{ "all hang at the same time", "192.0.2.9",
	    "9.2.0.192.zen.example timeout\n9.2.0.192.wl.example timeout\n"
	    "9.2.0.192.plain.example timeout\n",
	    "zen=failed wl=failed plain=failed score=0", 3 * CLOCK_S },
	{ "broken", "192.0.2.9", "9.2.0.192.zen.example servfail\n"
	    "9.2.0.192.wl.example bogus\n",
	    "zen=failed wl=failed plain=unlisted score=0", 0 },
	{ "private", "10.2.0.192", "", "score=0", 0 },
	{ "loopback", "::1", "", "score=0", 0 },
};

static void
test_clients(void)
{
	struct scene s;

	for (size_t i = 0; i < sizeof(clients) / sizeof(*clients); i++) {
		begin(&s, clients[i].zone);
		T_STR(clients[i].name, lists_client(&s.check, s.dnsbl,
		    clients[i].client), clients[i].want);
		T_INT(clients[i].name, s.check.took, clients[i].took);
		end(&s);
	}
}

/* --- names --- */

static const char *
ask_names(struct scene *s, const char *sender, const char *helo,
    const char *from, const char *dkim)
{
	const char *names[] = { sender, helo, from, dkim };
	const enum listing_check checks[] = { LISTING_SENDER, LISTING_HELO,
	    LISTING_FROM, LISTING_DKIM };

	lists_forget(&s->check);
	s->check = (struct lists_check){ .n = 0 };
	for (size_t i = 0; i < 4; i++)
		if (names[i] != NULL)
			s->check.subjects[s->check.n++] =
			    (struct dnsbl_subject){ .check = checks[i],
			    .name = span_z(names[i]) };
	lists_ask(&s->check, s->dnsbl);
	lists_await(&s->check);
	return lists_text(&s->check);
}

static const char names_zone[] =
    "bad.example.uri.example A 127.0.0.2\n"
    "worse.example.uri.example A 127.0.0.10\n"
    "xn--bcher-kva.example.uri.example A 127.0.0.8\n"
    "bad.example.helo.example A 127.0.0.2\n";

static void
test_names(void)
{
	struct scene s;

	begin(&s, names_zone);
	T_STR("the sender", ask_names(&s, "Bad.Example", NULL, NULL, NULL),
	    "uri=listed(127.0.0.2) score=1.5 names=uri tags=black");
	T_STR("each list by what it checks", ask_names(&s, NULL,
	    "bad.example", NULL, NULL), "uri=listed(127.0.0.2) "
	    "helo=listed(127.0.0.2) score=1.5 names=uri,helo tags=black");
	T_STR("bits", ask_names(&s, NULL, NULL, "worse.example", NULL),
	    "uri=listed(127.0.0.10) score=3.75 names=uri tags=black,red");
	T_STR("a name in UTF-8", ask_names(&s, NULL, NULL, NULL,
	    "b\xc3\xbc" "cher.example"),
	    "uri=listed(127.0.0.8) score=2.25 names=uri tags=red");
	T_STR("what it was asked as", s.check.answer.results[0].subject,
	    "xn--bcher-kva.example");
	T_STR("a name in several places is asked for once", ask_names(&s,
	    "bad.example", "bad.example", "BAD.example", "bad.example."),
	    "uri=listed(127.0.0.2) helo=listed(127.0.0.2) score=1.5 "
	    "names=uri,helo tags=black");
	T_STR("a pattern counts once for all names", ask_names(&s,
	    "bad.example", NULL, "worse.example", NULL),
	    "uri=listed(127.0.0.2) uri=listed(127.0.0.10) score=3.75 "
	    "names=uri tags=black,red");
	T_STR("literals and single labels are not asked", ask_names(&s,
	    "[192.0.2.1]", "localhost", "192.0.2.1", ""), "score=0");
	end(&s);
}

/* Several checks of one mail as one. */
static void
test_join(void)
{
	const struct dnsbl_answer *both[2];
	struct lists_check helo = {0}, all = {0};
	struct scene s;

	begin(&s, names_zone);
	ask_names(&s, NULL, "bad.example", NULL, NULL);
	helo = s.check;
	s.check = (struct lists_check){ .n = 0 };
	ask_names(&s, "worse.example", NULL, NULL, NULL);
	both[0] = &helo.answer;
	both[1] = &s.check.answer;
	all.arena = s.check.arena;
	dnsbl_join(s.arena, both, 2, &all.answer);
	T_STR("a pattern counts once for all of them", lists_text(&all),
	    "uri=listed(127.0.0.2) helo=listed(127.0.0.2) "
	    "uri=listed(127.0.0.10) score=3.75 names=uri,helo "
	    "tags=black,red");
	dnsbl_join(s.arena, both, 0, &all.answer);
	T_STR("nothing at all", lists_text(&all), "score=0");
	lists_forget(&helo);
	end(&s);
}

static MAY_YIELD void
ask_many(void *arg)
{
	struct scene *s = arg;
	static struct dnsbl_subject subjects[200];
	struct dnsbl_stats stats;
	struct dnsbl_answer answer;
	struct err err;

	for (size_t i = 0; i < 200; i++)
		subjects[i] = (struct dnsbl_subject){ .check = LISTING_DKIM,
		    .name = span_z(arena_printf(s->arena, "d%zu.example",
		    i)) };
	T_INT("many names", dnsbl_check(s->arena, s->dnsbl, subjects, 200,
	    &answer, &err), 0);
	T_INT("so many are asked", answer.nresults, DNSBL_QUESTIONS);
	T_INT("the rest is not", answer.left_out, 200 - DNSBL_QUESTIONS);
	T_STR("the first", answer.results[0].subject, "d0.example");
	stats = *dnsbl_statistics(s->dnsbl, 3);
	T_INT("counted", stats.asked, DNSBL_QUESTIONS);
	T_INT("and timed", histogram_count(&stats.time), DNSBL_QUESTIONS);
}

static void
test_many(void)
{
	struct scene s;

	begin(&s, "");
	fiber_spawn("many", ask_many, &s);
	while (fiber_count() > 0)
		loop_turn(false);
	end(&s);
}

/* --- reasons --- */

static const struct {
	const char *name, *txt, *want;
} reasons[] = {
	{ "plain", "TXT \"Listed, see http://bl.example/9\"",
	    "Listed, see http://bl.example/9" },
	{ "strings joined", "TXT \"Listed, \" \"see\"", "Listed, see" },
	{ "no line ends", "TXT \"see\\013\\010250 ok\\013\\010 http://x\"",
	    "see 250 ok http://x" },
	{ "no controls", "TXT \"a\\000b\\027[2J\\127c\"", "a b [2J c" },
	{ "no C1 controls", "TXT \"a\\194\\133b\"", "a b" },
	{ "no other octets", "TXT \"b\\195\\188cher \\252 \\228\\184\\173\"",
	    "b?cher ? ?" },
	{ "spaces at the ends", "TXT \"  a  b  \"", "a b" },
	{ "empty", "TXT \"\"", NULL },
	{ "only spaces", "TXT \" \\010 \"", NULL },
	{ "none", "A 127.0.0.2", NULL },
	{ "broken", "servfail", NULL },
	{ "silent", "timeout", NULL },
};

struct asking {
	struct dnsbl_result	 result;
	struct arena		*arena;
	const char		*text;
	int			 ret;
	bool			 is_over;
};

static MAY_YIELD void
ask_reason(void *arg)
{
	struct asking *q = arg;
	struct err err;

	q->ret = dnsbl_reason(q->arena, &q->result, clock_now() + CLOCK_S,
	    &q->text, &err);
	q->is_over = true;
}

static const char *
reason(struct arena *a)
{
	struct asking q = { .result = { .asked = "9.2.0.192.bl.example" },
	    .arena = a };

	fiber_spawn("reason", ask_reason, &q);
	lists_pass(2 * CLOCK_S);
	T_OK("over in time", q.is_over && q.ret == 0);
	return q.text;
}

static void
test_reasons(void)
{
	struct arena *a = arena_create("test");
	const char *text;

	for (size_t i = 0; i < sizeof(reasons) / sizeof(*reasons); i++) {
		lists_zone(arena_printf(a, "9.2.0.192.bl.example %s\n",
		    reasons[i].txt));
		T_STR(reasons[i].name, reason(a), reasons[i].want);
	}
	lists_zone(arena_printf(a, "9.2.0.192.bl.example TXT \"%0*d\" "
	    "\"%0*d\"\n", 250, 0, 250, 0));
	text = reason(a);
	T_INT("not longer than a reply has room for", (int64_t)strlen(text),
	    DNSBL_REASON_MAX);
	lists_end();
	arena_destroy(&a);
}

/* --- many sessions at once --- */

#define SESSIONS	1000

static void
test_together(void)
{
	static struct lists_check checks[SESSIONS];
	struct buf zone = {0};
	struct arena *a = arena_create("test");
	const char **alone = arena_new_n(a, SESSIONS, const char *);
	struct scene s;
	char ip[16];
	int i, same = 0;

	for (i = 0; i < SESSIONS; i++) {
		unsigned c = (unsigned)i / 250, d = (unsigned)i % 250;

		if (i % 2 == 0)
			buf_printf(&zone, "%u.%u.100.198.zen.example A "
			    "127.0.0.%d\n", d, c, 2 + i % 10);
		if (i % 7 == 0)
			buf_printf(&zone, "%u.%u.100.198.wl.example A "
			    "127.0.5.%d\n", d, c, 1 + i % 3);
		buf_printf(&zone, "%u.%u.100.198.%s.example delay %d\n", d, c,
		    i % 3 == 0 ? "zen" : "wl", i * 7919 % 2500);
		if (i % 11 == 0)
			buf_printf(&zone, "%u.%u.100.198.plain.example "
			    "timeout\n", d, c);
	}
	buf_put(&zone, "", 1);
	begin(&s, zone.p);
	for (i = 0; i < SESSIONS; i++) {
		snprintf(ip, sizeof(ip), "198.100.%d.%d", i / 250, i % 250);
		alone[i] = arena_strdup(a, lists_client(&s.check, s.dnsbl,
		    ip));
	}
	for (i = 0; i < SESSIONS; i++) {
		snprintf(ip, sizeof(ip), "198.100.%d.%d", i / 250, i % 250);
		lists_ask_client(&checks[i], s.dnsbl, ip);
	}
	for (i = 0; i < SESSIONS; i++) {
		lists_await(&checks[i]);
		same += strcmp(lists_text(&checks[i]), alone[i]) == 0;
		lists_forget(&checks[i]);
	}
	T_INT("all at once as one by one", same, SESSIONS);
	end(&s);
	buf_free(&zone);
	arena_destroy(&a);
}

#define LIST(name, asked, listed, failed, errors) \
	"{\"name\":\"" name "\",\"state\":\"good\",\"sides\":[]," \
	"\"asked\":" asked ",\"listed\":" listed ",\"failed\":" failed \
	",\"errors\":" errors ",\"suspended\":0}"

static void
test_status(void)
{
	struct buf out = {0};
	struct json_out o = { .to = &out };
	struct scene s;

	begin(&s, "9.2.0.192.zen.example A 127.0.0.2\n"
	    "9.2.0.192.wl.example servfail\n"
	    "9.2.0.192.plain.example A 203.0.113.7\n");
	lists_client(&s.check, s.dnsbl, "192.0.2.9");
	lists_client(&s.check, s.dnsbl, "192.0.2.8");
	dnsbl_status(s.dnsbl, &o);
	T_STR("status", arena_copy(s.arena, buf_text(&out)),
	    "\"lists\":[" LIST("zen", "2", "1", "0", "0")
	    "," LIST("wl", "2", "0", "1", "0")
	    "," LIST("plain", "2", "0", "0", "1")
	    "," LIST("uri", "0", "0", "0", "0")
	    "," LIST("helo", "0", "0", "0", "0") "]");
	buf_free(&out);
	end(&s);
}

int
main(void)
{
	loop_create();
	test_clients();
	test_names();
	test_join();
	test_many();
	test_reasons();
	test_together();
	test_status();
	loop_destroy();
	return t_done();
}
