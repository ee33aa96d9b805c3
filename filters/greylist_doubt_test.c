#include <stdio.h>
#include <string.h>

#include "filters/greylist.h"
#include "filters/greylist_admin.h"
#include "filters/greylist_key.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/*
 * Who begins much and seldom comes again (GREYLIST_DOUBT): what that does to
 * him, and what it does not do to others.
 */
#define MINUTE	(60 * CLOCK_S)
#define FIRST	(GREYLIST_DOUBT + 1)	/* who owes that many is doubted */

static struct greylist_options	 options;
static struct store		*store;
static struct arena		*arena;

/* A mail to the n-th recipient, from one of 200 networks. */
struct mail {
	const char	*spf, *name;
	unsigned	 network, rcpt;
};

static void
ask_of(const struct mail *m, bool only_look, struct greylist_answer *answer)
{
	struct address sender, rcpt;
	struct addr client;
	struct greylist_query q = { .client = &client, .spf = m->spf,
	    .name = m->name, .sender = &sender, .rcpt = &rcpt,
	    .only_look = only_look };
	struct err err;

	addr_parse_ip(span_z(arena_printf(arena, "198.51.%u.7", m->network)),
	    25, &client, &err);
	address_parse(SPAN_LIT("sale@offers.example"), false, &sender, &err);
	address_parse(span_z(arena_printf(arena, "rcpt%u@here.example",
	    m->rcpt)), false, &rcpt, &err);
	if (greylist_check(arena, store, &options, &q, answer, &err) < 0)
		T_STR("no error but ERR_CLOSED", err.text, "");
}

static const char *
ask(const struct mail *m)
{
	struct greylist_answer looked, answer;

	ask_of(m, true, &looked);
	ask_of(m, false, &answer);
	T_INT("looking says the same", looked.result, answer.result);
	T_INT("and as many seconds", looked.left, answer.left);
	return greylist_result_name(answer.result);
}

/* `n` recipients from the first on, each from a network of its own. */
static void
begin(const char *spf, const char *name, unsigned n)
{
	struct mail m = { .spf = spf, .name = name };

	fake_store_clear();
	greylist_defaults(&options);
	for (m.rcpt = 0; m.rcpt < n; m.rcpt++) {
		m.network = m.rcpt;
		T_STR("begins", ask(&m), "new");
	}
	fake_clock_advance(10 * MINUTE);
}

/* The first of so many comes again. */
static const struct {
	const char	*name, *spf, *host;
	unsigned	 begun;
	bool		 from_elsewhere;
	const char	*want;
} cases[] = {
	{ "few that are owed", "big.example", NULL, FIRST + 1, true,
	    "passed" },
	{ "many", "big.example", NULL, FIRST + 2, true, "new" },
	{ "many, but it comes from where it began", "big.example", NULL,
	    FIRST + 2, false, "passed" },
	{ "of a reverse domain", NULL, "out.big.example", FIRST + 2, true,
	    "new" },
	{ "a network is no crowd", NULL, NULL, FIRST + 2, false, "passed" },
};

static void
doubt_test(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct mail m = { .spf = cases[i].spf,
		    .name = cases[i].host };

		begin(cases[i].spf, cases[i].host, cases[i].begun);
		m.network = cases[i].from_elsewhere ? 150 : 0;
		T_STR(cases[i].name, ask(&m), cases[i].want);
	}
}

/* What was not believed waits from then on, where it is now. */
static void
wait_test(void)
{
	struct mail m = { .spf = "big.example", .network = 150 };

	begin("big.example", NULL, 2 * FIRST);
	T_STR("from elsewhere", ask(&m), "new");
	fake_clock_advance(MINUTE);
	T_STR("too early there", ask(&m), "early");
	fake_clock_advance(4 * MINUTE);
	m.network = 151;
	T_STR("and from elsewhere again", ask(&m), "new");
	fake_clock_advance(5 * MINUTE);
	T_STR("twice from one place", ask(&m), "passed");
	m.network = 152;
	T_STR("has passed", ask(&m), "known");
}

/* A big sender's first ten minutes here: a hundred mails, each of which comes
 * again, from anywhere, until it passes. */
static void
big_sender_test(void)
{
	unsigned tries = 0, waiting = 100, round, i;
	bool has_passed[100] = { false };

	begin("big.example", NULL, 100);
	for (round = 0; waiting > 0 && round < 10; round++) {
		for (i = 0; i < 100; i++) {
			struct mail m = { .spf = "big.example", .rcpt = i,
			    .network = 100 + (i * 7 + round) % 100 };

			if (has_passed[i])
				continue;
			tries++;
			has_passed[i] = strcmp(ask(&m), "new") != 0;
			waiting -= has_passed[i];
		}
		fake_clock_advance(20 * MINUTE);
	}
	T_INT("all pass with the second retry", round, 2);
	T_INT("and most with the first", tries, 100 + (100 - FIRST) / 2);
}

/* A queue whose every try is from elsewhere, of somebody who owes for good. */
static void
keep_on_test(void)
{
	struct mail m = { .spf = "big.example", .network = 100 };
	unsigned hours = 0;

	begin("big.example", NULL, 10 * FIRST);
	while (strcmp(ask(&m), "new") == 0 && hours < 4 * 24) {
		m.network++;
		hours += 4;
		fake_clock_advance(4 * 60 * MINUTE);
	}
	T_INT("gets its mail through behind a day", hours, 24);
}

/* Recipients of a few mails each, from anywhere, of whom some come up again
 * by chance. */
static void
chance_test(void)
{
	unsigned passed = 0, n;
	uint32_t dice = 1;

	begin("offers.example", NULL, 0);
	for (n = 0; n < 200; n++) {
		struct mail m = { .spf = "offers.example" };

		dice = dice * 1664525 + 1013904223;
		m.rcpt = (dice >> 8) % 400;
		m.network = n;
		passed += strcmp(ask(&m), "new") != 0;
		fake_clock_advance(10 * MINUTE);
	}
	T_OK("next to nothing passes", passed < 200 / 20);
}

static void
known_test(void)
{
	struct mail m = { .spf = "big.example" };
	unsigned i;

	begin("big.example", NULL, 10);
	for (i = 0; i < 5; i++) {
		m.rcpt = m.network = i;
		T_STR("comes again", ask(&m), "passed");
		fake_clock_advance(10 * MINUTE);
	}
	m.rcpt = m.network = 50;
	T_STR("five passes, and half came again", ask(&m), "identity-known");

	begin("big.example", NULL, 12);
	for (i = 0; i < 5; i++) {
		m.rcpt = m.network = i;
		T_STR("comes again", ask(&m), "passed");
		fake_clock_advance(10 * MINUTE);
	}
	m.rcpt = m.network = 50;
	T_STR("five passes, and most did not", ask(&m), "new");
	fake_clock_advance(10 * MINUTE);
	T_STR("until they do", ask(&m), "passed");
	fake_clock_advance(10 * MINUTE);
	m.rcpt = m.network = 5;
	ask(&m);
	m.rcpt = m.network = 51;
	T_STR("which is a pass like others", ask(&m), "identity-known");
}

/* Of a record without its network, and of a count of other hands. */
static void
record_test(void)
{
	struct mail m = { .spf = "big.example", .network = 150 };
	struct greylist_answer answer;
	struct address sender, rcpt;
	struct greylist_key key;
	struct err err;

	address_parse(SPAN_LIT("sale@offers.example"), false, &sender, &err);
	address_parse(SPAN_LIT("rcpt0@here.example"), false, &rcpt, &err);
	greylist_key_make(arena, SPAN_LIT("spf:big.example"), &sender, &rcpt,
	    &key);
	begin("big.example", NULL, 2 * FIRST);
	fake_store_set(key.triplet, span_z(arena_printf(arena,
	    "1 w %ld 0 0 - -", (long)(clock_wall() / CLOCK_S - 600))),
	    options.window);
	T_STR("any network", ask(&m), "passed");

	begin("big.example", NULL, 2 * FIRST);
	fake_store_set(key.owed, SPAN_LIT("x"), options.memory);
	ask_of(&m, true, &answer);
	T_STR("what is owed cannot be read", answer.problem,
	    "grey/o/spf:big.example: a damaged greylist count");
	T_OK("and so it passes", !answer.defer);

	begin("big.example", NULL, 2 * FIRST);
	fake_clock_advance(options.memory);
	T_STR("all is forgotten", ask(&m), "new");
	fake_clock_advance(10 * MINUTE);
	m.network = 151;
	T_STR("the debt too", ask(&m), "passed");
}

static void
admin_test(void)
{
	struct mail m = { .spf = "big.example", .network = 150 };
	struct greylist_stats stats;
	struct greylist_filter f;
	struct err err;
	uint64_t n;

	begin("big.example", NULL, FIRST - 1);
	greylist_stats(store, &stats, &err);
	T_INT("not doubted yet", stats.doubted, 0);
	begin("big.example", NULL, FIRST);
	greylist_stats(store, &stats, &err);
	T_INT("doubted", stats.doubted, 1);
	greylist_filter_make(arena, "spf:big.example", NULL, NULL, &f, &err);
	greylist_pass(arena, store, &options, &f, &n, &err);
	T_STR("passes by hand", ask(&m), "identity-known");
	greylist_forget(store, &f, &n, &err);
	T_INT("what people see is counted", n, FIRST + 1);
	greylist_stats(store, &stats, &err);
	T_INT("nothing is owed any more", stats.doubted, 0);
}

int
main(void)
{
	struct err err;

	arena = arena_create("test");
	store = store_open(arena, NULL, &err);
	doubt_test();
	wait_test();
	big_sender_test();
	keep_on_test();
	chance_test();
	known_test();
	record_test();
	admin_test();
	fake_store_clear();
	arena_destroy(&arena);
	return t_done();
}
