#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "gateway/judge.h"
#include "gateway/stats.h"
#include "gateway/stock.h"
#include "tests/fake/fake.h"
#include "tests/kit/hearing.h"
#include "tests/kit/t.h"

/* Sets in Redis before a judge: asked once, remembered for a while, and what
 * becomes of mail when they do not answer. */
#define ACCEPTED	"accept, no rule decided"
#define WAIT		"defer 451 4.3.0 \"Something could not be checked, " \
			"please try again later\" by "
#define SETS		"set good = redis \"good\"\nset bad = redis \"bad\"\n"
#define REDIS		"store { address redis://192.0.2.1:6379 " \
			"timeout 500ms }\n"

static const char *
one(struct hearing *h, const char *from, const char *to)
{
	hearing_mail(h, from);
	return hearing_rcpt(h, to);
}

static void
asks(struct hearing *h)
{
	fake_store_part("bad", "x.example", "");
	fake_store_part("good", "friend@", "");
	hearing_helo(h, "c.example");
	T_STR("a domain", one(h, "a@x.example", "b@here.example"),
	    "reject 550 5.7.1 \"no\" by bad");
	T_INT("one question for each set", fake_store_operations(), 2);
	T_STR("another recipient", hearing_rcpt(h, "c@here.example"),
	    "reject 550 5.7.1 \"no\" by bad");
	T_STR("another mail", one(h, "a@x.example", "b@here.example"),
	    "reject 550 5.7.1 \"no\" by bad");
	T_INT("is answered out of memory", fake_store_operations(), 2);
	T_STR("who may", one(h, "Friend@x.example", "b@here.example"),
	    "accept by good");
	T_STR("nobody", one(h, "a@y.example", "b@here.example"), ACCEPTED);
	T_STR("no sender", one(h, "", "b@here.example"), ACCEPTED);
	T_INT("who is nobody is not asked for", fake_store_operations(), 5);
	fake_store_part("bad", "x.example", NULL);
	T_STR("a change takes a while", one(h, "a@x.example",
	    "b@here.example"), "reject 550 5.7.1 \"no\" by bad");
	fake_clock_advance(5 * CLOCK_S);
	T_STR("and is seen", one(h, "a@x.example", "b@here.example"),
	    ACCEPTED);
}

static void
fails(struct hearing *h)
{
	int64_t began;

	fake_store_part("bad", "x.example", "");
	fake_store_fail(1, 1000, ERR_TIMEOUT);
	hearing_helo(h, "c.example");
	began = clock_now();
	T_STR("a refusal by it is none", one(h, "a@x.example",
	    "b@here.example"), ACCEPTED);
	T_STR("who may be good is not refused", hearing_rcpt(h,
	    "spam@here.example"), WAIT "spam, since good cannot be told");
	T_STR("nor anybody else, in the next mail", one(h, "z@z.example",
	    "spam@here.example"), WAIT "spam, since good cannot be told");
	T_INT("one question is waited for", fake_store_operations(), 1);
	T_OK("no longer than that", clock_now() - began < CLOCK_S);
	fake_store_fail(0, 0, ERR_TIMEOUT);
	fake_clock_advance(STOCK_REST);
	T_STR("when it is back", one(h, "a@x.example", "b@here.example"),
	    "reject 550 5.7.1 \"no\" by bad");
	T_STR("for good", one(h, "z@z.example", "spam@here.example"),
	    "reject 550 5.7.1 \"spam\" by spam");
	fake_store_fail(1, 1000, ERR_CONFIG);
	T_STR("of another type: not told either", one(h, "y@y.example",
	    "spam@here.example"), WAIT "spam, since good cannot be told");
	T_INT("which nobody waits for", fake_store_operations(), 2);
	T_STR("who is remembered is told", one(h, "z@z.example",
	    "spam@here.example"), "reject 550 5.7.1 \"spam\" by spam");
}

/* What is remembered needs no waiting. */
static void
at_once(struct hearing *h)
{
	fake_store_part("good", ".example", "");
	hearing_helo(h, "c.example");
	T_OK("it has to be asked first", judge_verdict(h->judge,
	    PHASE_HELO) == NULL);
	T_STR("trusted", one(h, "a@x.example", "b@here.example"),
	    "accept by good");
	hearing_helo(h, "d.test");
	T_OK("another name too", judge_verdict(h->judge, PHASE_HELO) ==
	    NULL);
	T_STR("not trusted", one(h, "a@x.example", "b@here.example"),
	    ACCEPTED);
	hearing_helo(h, "c.example");
	T_OK("then it is known at once", judge_verdict(h->judge,
	    PHASE_HELO) != NULL);
	hearing_helo(h, "d.test");
	T_OK("that it is not, too", judge_verdict(h->judge, PHASE_HELO) !=
	    NULL);
}

static void
closing(struct hearing *h)
{
	fake_store_fail(1, 1, ERR_CLOSED);
	hearing_helo(h, "c.example");
	T_INT("the session ends", judge_await(h->judge, PHASE_HELO,
	    &h->err), -1);
	T_INT("for that", h->err.kind, ERR_CLOSED);
}

static void
no_store(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("nothing can be told", one(h, "a@x.example",
	    "spam@here.example"), WAIT "spam, since good cannot be told");
}

#define RULES	SETS "on rcpt {\n" \
	"good: accept when sender in $good\n" \
	"bad: reject \"no\" when sender in $bad\n" \
	"spam: reject \"spam\" when rcpt.local is \"spam\"\n}\n"
#define HELO	SETS "on helo {\ngood: trust when helo.name in $good\n}\n"

static const struct {
	const char	*rules, *conf;
	void		(*run)(struct hearing *h);
} hearings[] = {
	{ RULES, REDIS, asks }, { RULES, REDIS, fails },
	{ HELO, REDIS, at_once }, { HELO, REDIS, closing },
	{ RULES, NULL, no_store },
};

int
main(void)
{
	loop_create();
	for (size_t i = 0; i < sizeof(hearings) / sizeof(*hearings); i++) {
		struct hearing h = { .rules = hearings[i].rules,
		    .conf = hearings[i].conf, .has_store = true,
		    .has_redis = true };

		fake_store_clear();
		hearing_hold(&h, hearings[i].run);
	}
	fake_store_clear();
	loop_destroy();
	return t_done();
}
