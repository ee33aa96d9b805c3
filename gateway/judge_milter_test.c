#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "gateway/judge.h"
#include "tests/kit/hearing.h"
#include "tests/kit/t.h"

/* Filters before a judge: when the rules of a message ask them, and what
 * becomes of what they say. */
#define ACCEPTED	"accept, no rule decided"

enum { CLAM, SPAM };
static struct {
	char		 asked[200];	/* "ask clam, obey spam" */
	const char	*word;		/* what each says */
	enum consulted	 outcome;
	bool		 is_closed;
} part;

static unsigned
word(void)
{
	return (unsigned)fact_word(fact_at(FACT_MILTER), span_z(part.word));
}

/* Each takes its time. */
static MAY_YIELD int
note(const char *what, size_t milter, struct err *err)
{
	static const char *const names[] = { [CLAM] = "clam",
	    [SPAM] = "spam" };
	size_t len = strlen(part.asked);

	snprintf(part.asked + len, sizeof(part.asked) - len, "%s%s %s",
	    len > 0 ? ", " : "", what, names[milter]);
	if (part.is_closed)
		return err_set(err, ERR_CLOSED, "over");
	if (fiber_wait(clock_now() + CLOCK_S, err) < 0 &&
	    err->kind == ERR_CLOSED)
		return -1;
	return 0;
}

static MAY_YIELD int
ask(void *owner, size_t milter, unsigned *said, struct err *err)
{
	(void)owner;
	*said = word();
	return note("ask", milter, err);
}

static MAY_YIELD int
obey(void *owner, size_t milter, struct consult_answer *answer,
    struct err *err)
{
	(void)owner;
	*answer = (struct consult_answer){ part.outcome, word() };
	return note("obey", milter, err);
}

static const struct judge_milters milters = { .ask = ask, .obey = obey };

static const char *
asked(struct hearing *h)
{
	const char *text = arena_strdup(h->arena, part.asked);

	part.asked[0] = '\0';
	return text;
}

static void
say(const char *said, enum consulted outcome)
{
	part.word = said;
	part.outcome = outcome;
}

static const char *
mail(struct hearing *h, const char *to)
{
	hearing_mail(h, "a@x.example");
	hearing_rcpt(h, to);
	return hearing_message(h, "From: a@x.example\r\n\r\ntext\r\n");
}

static void
decides(struct hearing *h)
{
	hearing_helo(h, "c.example");
	say("reject", CONSULT_REFUSES);
	T_STR("it refuses", mail(h, "b@here.example"), "milter clam by virus");
	T_INT("this one", (long long)h->verdict.milter, CLAM);
	T_STR("asked once, and nobody else", asked(h), "obey clam");
	T_OK("which is the mail's verdict",
	    judge_verdict(h->judge, PHASE_MESSAGE)->kind == ACTION_MILTER);
	say("accept", CONSULT_PASSES);
	T_STR("the next one passes", mail(h, "b@here.example"),
	    "reject 550 5.7.1 \"accept\" by late");
	T_STR("both are asked, the fact once", asked(h),
	    "obey clam, ask spam");
	say("error", CONSULT_DEFERS);
	T_STR("it failed", mail(h, "b@here.example"), "milter clam by virus");
	asked(h);
}

static void
before(struct hearing *h)
{
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("a recipient has one told", hearing_rcpt(h, "b@here.example"),
	    ACCEPTED);
	T_INT("both phases have", (long long)(h->verdict.milters |
	    judge_verdict(h->judge, PHASE_HELO)->milters), 3);
	T_STR("another does not: it is the same mail",
	    hearing_rcpt(h, "c@here.example"), ACCEPTED);
	T_INT("for him none", h->verdict.milters, 0);
	judge_message_begin(h->judge);
	T_STR("nobody is asked before the message is there", asked(h), "");
}

static void
observed(struct hearing *h)
{
	hearing_helo(h, "c.example");
	say("reject", CONSULT_REFUSES);
	T_STR("an observer has nobody asked", mail(h, "b@here.example"),
	    ACCEPTED);
	T_STR("nobody", asked(h), "");
	T_INT("it is listed", (long long)h->verdict.nobserved, 1);
}

static void
alone(struct hearing *h)
{
	hearing_helo(h, "c.example");
	T_STR("without filters the rules go on", mail(h, "b@here.example"),
	    "reject 550 5.7.1 \"none\" by late");
}

static void
closing(struct hearing *h)
{
	struct header_scan scan = { .done = true };

	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	hearing_rcpt(h, "b@here.example");
	part.is_closed = true;
	judge_message_begin(h->judge);
	T_INT("the session ends", judge_message(h->judge, &scan, 0,
	    &h->verdict, &h->err), -1);
	T_INT("for that", h->err.kind, ERR_CLOSED);
	part.is_closed = false;
	asked(h);
}

#define CONF	"milter clam { address unix:/run/clam when rules }\n" \
		"milter spam { address unix:/run/spam when rules }\n"
#define DECIDES	"on message {\nvirus: milter clam\n" \
		"late: reject \"{milter.spam}\" when milter.spam is " \
		"not reject\n}\n"
#define BEFORE	"on helo {\nmilter clam\n}\n" \
		"on rcpt {\nmilter spam when rcpt.local is \"b\"\n}\n" \
		"on message {\nmilter clam\n}\n"
#define OBSERVED "on message {\nobserve milter clam\n}\n"

static const struct {
	const char	*rules;
	const struct judge_milters *milters;
	void		(*run)(struct hearing *h);
} hearings[] = {
	{ DECIDES, &milters, decides }, { BEFORE, &milters, before },
	{ OBSERVED, &milters, observed }, { DECIDES, NULL, alone },
	{ DECIDES, &milters, closing },
};

int
main(void)
{
	loop_create();
	for (size_t i = 0; i < sizeof(hearings) / sizeof(*hearings); i++) {
		struct hearing h = { .rules = hearings[i].rules,
		    .conf = CONF, .milters = hearings[i].milters };

		hearing_hold(&h, hearings[i].run);
	}
	loop_destroy();
	return t_done();
}
