#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "gateway/judge.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "tests/fake/fake.h"
#include "tests/kit/hearing.h"
#include "tests/kit/t.h"

/* What rules ask of the store: greylist and limits, with a store that answers,
 * one that does not, and none. */
#define ACCEPTED	"accept, no rule decided"
#define STORE		"store { address lmdb:/nowhere timeout 500ms }\n"
#define MINUTE		(60 * CLOCK_S)

static const char zone[] =
    "spf.example TXT \"v=spf1 ip4:192.0.2.0/24 ip4:198.51.100.0/24 -all\"\n"
    "all.example TXT \"v=spf1 mx +All\"\n"
    "1.100.51.198.in-addr.arpa PTR mail.named.example\n"
    "mail.named.example A 198.51.100.1\n";

static const char *
one(struct hearing *h, const char *from, const char *to)
{
	hearing_mail(h, from);
	return hearing_rcpt(h, to);
}

/* --- greylist --- */

static void
comes_again(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("at first", one(h, "a@x.example", "b@here.example"),
	    "defer 451 4.7.1 \"in 1m\" by r:3");
	T_STR("and to whom else", hearing_rcpt(h, "c@here.example"),
	    "defer 451 4.7.1 \"in 1m\" by r:3");
	T_STR("its facts", hearing_logs(h), "new net:192.0.2.0/24");
	fake_clock_advance(10 * CLOCK_S);
	T_STR("too early", one(h, "a@x.example", "b@here.example"),
	    "defer 451 4.7.1 \"in 50s\" by r:3");
	T_STR("its facts", hearing_logs(h), "early net:192.0.2.0/24");
	fake_clock_advance(50 * CLOCK_S);
	T_STR("in time", one(h, "a@x.example", "b@here.example"), ACCEPTED);
	T_STR("its facts", hearing_logs(h), "passed net:192.0.2.0/24");
	T_STR("from now on", one(h, "a@x.example", "b@here.example"),
	    ACCEPTED);
	T_STR("its facts", hearing_logs(h), "known net:192.0.2.0/24");
	T_STR("another sender", one(h, "z@x.example", "b@here.example"),
	    "defer 451 4.7.1 \"in 1m\" by r:3");
	T_STR("no sender at all", one(h, "", "b@here.example"), ACCEPTED);
	T_STR("its facts", hearing_logs(h), "null-sender none");
}

static void
by_spf(struct hearing *h)
{
	hearing_helo(h, "c.example");
	one(h, "a@spf.example", "b@here.example");
	T_STR("by its domain", hearing_logs(h), "new spf:spf.example");
	one(h, "a@all.example", "b@here.example");
	T_STR("not if anybody may be it", hearing_logs(h),
	    "new net:192.0.2.0/24");
}

static void
by_name(struct hearing *h)
{
	hearing_helo(h, "c.example");
	one(h, "a@spf.example", "b@here.example");
	T_STR("another address, the same domain: too early",
	    hearing_logs(h), "early spf:spf.example");
	one(h, "a@x.example", "b@here.example");
	T_STR("by its name", hearing_logs(h), "new name:named.example");
}

static void
not_asked(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("this machine is exempt", one(h, "a@x.example",
	    "b@here.example"), ACCEPTED);
	T_STR("its facts", hearing_logs(h), "exempt none");
	T_INT("the store is not asked", fake_store_operations(), 0);
}

static void
without_need(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("trusted in front", one(h, "a@x.example", "b@here.example"),
	    "accept by r:2");
	hearing_message(h, "From: a@x.example\r\n\r\ntext\r\n");
	T_INT("the store is not asked", fake_store_operations(), 0);
}

/* Once for each recipient, however many rules ask, and whatever. */
static void
asks_once(struct hearing *h)
{
	unsigned each;

	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	fake_store_fail(0, 0, ERR_UNAVAIL);
	hearing_rcpt(h, "b@here.example");
	each = fake_store_operations();
	T_OK("it is asked", each > 0);
	hearing_rcpt(h, "c@here.example");
	T_INT("once a recipient", fake_store_operations(), 2 * each);
}

/* --- limits --- */

static void
every_phase(struct hearing *h)
{
	T_OK("at connect it does not refuse", judge_refusal(h->judge) ==
	    NULL);
	hearing_helo(h, "c.example");
	T_STR("one", one(h, "a@x.example", "b@here.example"), ACCEPTED);
	T_STR("its message", hearing_message(h, "From: a@x.example\r\n"
	    "\r\ntext\r\n"), ACCEPTED);
	T_STR("two", one(h, "a@x.example", "b@here.example"), ACCEPTED);
	T_STR("its message", hearing_message(h, "From: a@x.example\r\n"
	    "\r\ntext\r\n"), "reject 550 5.7.1 \"2 messages\" by d");
	T_STR("three", one(h, "a@x.example", "b@here.example"),
	    "defer 451 4.7.1 \"rcpt\" by t");
	T_STR("another recipient", hearing_rcpt(h, "c@here.example"),
	    ACCEPTED);
	T_STR("four", one(h, "a@x.example", "d@here.example"),
	    "defer 451 4.7.1 \"mail\" by m");
	fake_clock_advance(2 * 60 * MINUTE);
	T_STR("later", one(h, "a@x.example", "b@here.example"), ACCEPTED);
}

static void
first_session(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("a session is counted once", one(h, "x@y.example",
	    "y@here.example"), ACCEPTED);
	T_STR("whatever comes in it", one(h, "y@y.example",
	    "y@here.example"), ACCEPTED);
}

static void
second_session(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("the next session of this client", one(h, "y@y.example",
	    "y@here.example"), "defer 451 4.7.1 \"connect\" by c");
}

/* --- a store that fails --- */

static void
fails(struct hearing *h)
{
	int64_t began = clock_now();

	fake_store_fail(1, 1000, ERR_TIMEOUT);
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	for (int i = 0; i < 10; i++)
		T_STR("everybody passes", hearing_rcpt(h, "b@here.example"),
		    ACCEPTED);
	T_STR("it is said", hearing_logs(h), "unknown none");
	T_INT("one is waited for", fake_store_operations(), 1);
	T_OK("no longer than that", clock_now() - began < CLOCK_S);
	fake_store_fail(0, 0, ERR_TIMEOUT);
	fake_clock_advance(10 * CLOCK_S);
	T_STR("when it is back", one(h, "a@x.example", "b@here.example"),
	    "defer 451 4.7.1 \"in 1m\" by r:3");
	fake_store_fail(1, 1000, ERR_CONFIG);
	T_STR("full: who is new passes", one(h, "n@x.example",
	    "b@here.example"), ACCEPTED);
	T_STR("and the next one", one(h, "n@x.example", "b@here.example"),
	    ACCEPTED);
	T_INT("whose answer is asked for, since it does not wait",
	    fake_store_operations(), 2);
}

static void
limit_without_store(struct hearing *h)
{
	fake_store_fail(1, 1000, ERR_TIMEOUT);
	hearing_helo(h, "c.example");
	for (int i = 0; i < 3; i++)
		T_STR("counted here", one(h, "a@x.example",
		    "b@here.example"), ACCEPTED);
	T_STR("and it holds", one(h, "a@x.example", "b@here.example"),
	    "defer 451 4.7.1 \"Too many mails, try again later\" by l");
	T_INT("one is waited for", fake_store_operations(), 1);
}

static void
closing(struct hearing *h)
{
	struct arena *scratch = arena_create("rcpt");
	struct rcpt rcpt = {0};
	struct verdict v;
	bool is_apart;

	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	if (address_parse(SPAN_LIT("b@here.example"), true, &rcpt.addr,
	    &h->err) < 0 || judge_await(h->judge, PHASE_MAIL, &h->err) < 0)
		abort();
	fake_store_fail(1, 1, ERR_CLOSED);
	T_INT("the session ends", judge_rcpt(h->judge, scratch, &rcpt, 1, &v,
	    &is_apart, &h->err), -1);
	T_INT("for that", h->err.kind, ERR_CLOSED);
	fake_store_fail(0, 0, ERR_UNAVAIL);
	arena_destroy(&scratch);
}

/* --- no store --- */

static void
no_store(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("as in explain: nobody is asked", one(h, "a@x.example",
	    "b@here.example"), ACCEPTED);
	T_STR("nor counted", one(h, "a@x.example", "b@here.example"),
	    ACCEPTED);
}

/* As in explain. */
static void
only_looks(struct hearing *h)
{
	struct stock *stock = h->court->stock;

	hearing_helo(h, "c.example");
	for (int i = 0; i < 2; i++) {
		stock->only_looks = true;
		T_STR("would be asked", one(h, "a@x.example",
		    "b@here.example"), "defer 451 4.7.1 \"in 1m\" by r:3");
		T_STR("as a stranger", hearing_logs(h),
		    "new net:192.0.2.0/24");
	}
	T_INT("what the fact says", judge_greylist_answer(h->judge)->left, 60);
	stock->only_looks = false;
	one(h, "a@x.example", "b@here.example");
	fake_clock_advance(MINUTE);
	stock->only_looks = true;
	for (int i = 0; i < 2; i++) {
		T_STR("would pass", one(h, "a@x.example", "b@here.example"),
		    ACCEPTED);
		T_STR("for the first time", hearing_logs(h),
		    "passed net:192.0.2.0/24");
	}
	T_STR("no problem", stock->problem, "");
	fake_store_fail(1, 1000, ERR_UNAVAIL);
	one(h, "a@x.example", "b@here.example");
	T_STR("the first one", stock->problem, "the store fails");
}

static void
only_looks_at_limits(struct hearing *h)
{
	struct stock *stock = h->court->stock;

	hearing_helo(h, "c.example");
	T_STR("the first", one(h, "a@x.example", "b@here.example"), ACCEPTED);
	stock->only_looks = true;
	for (int i = 0; i < 3; i++)
		T_STR("the second would be let through", one(h,
		    "a@x.example", "b@here.example"), ACCEPTED);
	stock->only_looks = false;
	T_STR("and is", one(h, "a@x.example", "b@here.example"), ACCEPTED);
	stock->only_looks = true;
	T_OK("the third would not", strncmp(one(h, "a@x.example",
	    "b@here.example"), "defer 451", 9) == 0);
	fake_store_fail(1, 1000, ERR_UNAVAIL);
	T_STR("not known", one(h, "a@x.example", "b@here.example"), ACCEPTED);
	T_STR("why", stock->problem, "the store fails");
}

/* --- */

#define GREY	"on rcpt {\n" \
	"log \"{greylist} {greylist.identity}\"\n" \
	"greylist \"in {greylist.left}\"\n}\n"

static const struct {
	const char	*rules, *peer;
	void		(*run)(struct hearing *h);
	bool		 is_storeless, goes_on;	/* with what is in the store */
} hearings[] = {
	{ GREY, NULL, comes_again, false, false },
	{ GREY, NULL, by_spf, false, false },
	{ GREY, "198.51.100.1", by_name, false, true },
	{ GREY, "127.0.0.1", not_asked, false, false },
	{ "on connect {\ntrust\n}\n" GREY "on mail {\n"
	    "limit 1/1h per client.ip\n}\n", NULL, without_need, false,
	    false },
	{ GREY "on rcpt {\nlog \"x\" when greylist.left > 1s\n"
	    "log \"y\" when greylist is known\n}\n", NULL, asks_once, false,
	    false },
	{ "on connect {\nc: limit 1/1h per client.ip, else defer "
	    "\"connect\"\n}\n"
	    "on mail {\nm: limit 3/1h per sender, else defer \"mail\"\n}\n"
	    "on rcpt {\nt: limit 2/1h per rcpt, else defer \"rcpt\"\n}\n"
	    "on message {\nd: limit 1/1h per from.domain, else reject "
	    "\"2 messages\"\n}\n", NULL, every_phase, false, false },
	{ "on connect {\nc: limit 1/1h per client.ip, else defer "
	    "\"connect\"\n}\n", NULL, first_session, false, false },
	{ "on connect {\nc: limit 1/1h per client.ip, else defer "
	    "\"connect\"\n}\n", NULL, second_session, false, true },
	{ GREY, NULL, fails, false, false },
	{ "on mail {\nl: limit 3/1h per client.ip\n}\n", NULL,
	    limit_without_store, false, false },
	{ GREY, NULL, closing, false, false },
	{ GREY, NULL, only_looks, false, false },
	{ "on mail {\nlimit 2/1h per client.ip\n}\n", NULL,
	    only_looks_at_limits, false, false },
	{ GREY "on mail {\nlimit 1/1h per client.ip\n}\n", NULL, no_store,
	    true, false },
};

int
main(void)
{
	loop_create();
	for (size_t i = 0; i < sizeof(hearings) / sizeof(*hearings); i++) {
		struct hearing h = { .rules = hearings[i].rules,
		    .peer = hearings[i].peer, .zone = zone,
		    .has_store = true,
		    .conf = hearings[i].is_storeless ? NULL : STORE
		    "greylist { delay 1m }\n" };

		if (!hearings[i].goes_on)
			fake_store_clear();
		hearing_hold(&h, hearings[i].run);
	}
	fake_store_clear();
	T_INT("early", stats_get(STAT_GREYLIST_EARLY), 2);
	T_INT("passed", stats_get(STAT_GREYLIST_PASSED), 1);
	T_INT("known", stats_get(STAT_GREYLIST_KNOWN), 1);
	T_INT("without a sender", stats_get(STAT_GREYLIST_UNASKED), 1);
	T_INT("unknown", stats_get(STAT_GREYLIST_UNKNOWN), 12);
	T_OK("counted here", stats_get(STAT_LIMITS_LOCAL) == 4);
	loop_destroy();
	return t_done();
}
