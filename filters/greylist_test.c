#include <stdio.h>
#include <string.h>

#include "filters/greylist.h"
#include "filters/greylist_key.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

#define MINUTE	(60 * CLOCK_S)
#define HOUR	(60 * MINUTE)
#define DAY	(24 * HOUR)

/* One mail's recipient, and what is asked about it by default. */
struct mail {
	const char	*client, *spf, *name, *from, *to;
};
static const struct mail ordinary = {
	"192.0.2.1", "big.example", NULL, "a@big.example", "b@here.example"
};

static struct greylist_options	 options;
static struct store		*gateways[2];
static struct arena		*arena;

static int
ask_of(unsigned gateway, const struct mail *m, bool only_look,
    struct greylist_answer *answer)
{
	struct address sender = { 0 }, rcpt;
	struct addr client;
	struct greylist_query q = {
		.client = &client, .spf = m->spf, .name = m->name,
		.sender = &sender, .rcpt = &rcpt, .only_look = only_look
	};
	struct err err;

	if (addr_parse_ip(span_z(m->client), 25, &client, &err) < 0 ||
	    (m->from[0] != '\0' &&
	    address_parse(span_z(m->from), true, &sender, &err) < 0) ||
	    address_parse(span_z(m->to), true, &rcpt, &err) < 0) {
		T_STR("the test's addresses", err.text, "");
		return -1;
	}
	if (greylist_check(arena, gateways[gateway], &options, &q, answer,
	    &err) == 0)
		return 0;
	T_INT("errors are ERR_CLOSED", err.kind, ERR_CLOSED);
	return -1;
}

/* "new 300", "passed", ...: what one gateway says. */
static const char *
ask(const struct mail *m)
{
	struct greylist_answer answer;

	if (ask_of(0, m, false, &answer) < 0)
		return "closed";
	if (!answer.defer)
		return greylist_result_name(answer.result);
	return arena_printf(arena, "%s %d",
	    greylist_result_name(answer.result), (int)answer.left);
}

static void
begin(void)
{
	fake_store_clear();
	greylist_defaults(&options);
}

/* A triplet of its own for each n, that has passed. */
static void
pass_another(unsigned n, int64_t behind)
{
	struct mail m = ordinary;

	m.to = arena_printf(arena, "rcpt%u@here.example", n);
	ask(&m);
	fake_clock_advance(behind);
	T_STR("another one passes", ask(&m), "passed");
}

/* What one mail hears, that is tried again and again. Times are from the
 * first try, in seconds. */
static const struct {
	const char	*name;
	struct {
		int64_t		 at;
		const char	*want;
	} tries[8];
} courses[] = {
	{ "too early", { { 0, "new 300" }, { 1, "early 299" },
	    { 120, "early 180" }, { 299, "early 1" } } },
	{ "early tries do not move the end", { { 0, "new 300" },
	    { 250, "early 50" }, { 300, "passed" } } },
	{ "the seconds that it was told", { { 0, "new 300" },
	    { 300, "passed" }, { 301, "known" } } },
	{ "an hour later", { { 0, "new 300" }, { 3600, "passed" } } },
	{ "the end of the window", { { 0, "new 300" },
	    { 2 * 86400 - 1, "passed" } } },
	{ "behind the window it begins anew", { { 0, "new 300" },
	    { 2 * 86400, "new 300" }, { 2 * 86400 + 300, "passed" } } },
	{ "known for 36 days", { { 0, "new 300" }, { 300, "passed" },
	    { 300 + 36 * 86400 - 1, "known" } } },
	{ "and no longer", { { 0, "new 300" }, { 300, "passed" },
	    { 300 + 36 * 86400, "new 300" } } },
	{ "use renews the memory", { { 0, "new 300" }, { 300, "passed" },
	    { 30 * 86400, "known" }, { 60 * 86400, "known" },
	    { 90 * 86400, "known" }, { 130 * 86400, "new 300" } } },
};

static void
course_test(void)
{
	int64_t at;

	for (size_t i = 0; i < sizeof(courses) / sizeof(*courses); i++) {
		begin();
		at = 0;
		for (size_t j = 0; j < 8 && courses[i].tries[j].want != NULL;
		    j++) {
			fake_clock_advance((courses[i].tries[j].at - at) *
			    CLOCK_S);
			at = courses[i].tries[j].at;
			T_STR(courses[i].name, ask(&ordinary),
			    courses[i].tries[j].want);
		}
	}
}

/* Two tries ten minutes apart: is the second one the first one's? */
static const struct {
	const char	*name;
	struct mail	 first, second;
	const char	*want;
} retries[] = {
	{ "another address of one SPF domain",
	    { "192.0.2.1", "big.example", NULL, "a@big.example",
	    "b@h.example" },
	    { "198.51.100.9", "big.example", NULL, "a@big.example",
	    "b@h.example" }, "passed" },
	{ "another subdomain with SPF",
	    { "192.0.2.1", "m1.big.example", NULL, "a@m1.big.example",
	    "b@h.example" },
	    { "198.51.100.9", "m2.big.example", NULL, "a@m2.big.example",
	    "b@h.example" }, "passed" },
	{ "another host of one reverse domain",
	    { "192.0.2.1", NULL, "m1.big.example", "a@x.example",
	    "b@h.example" },
	    { "198.51.100.9", NULL, "m2.big.example", "a@x.example",
	    "b@h.example" }, "passed" },
	{ "another host of one access provider",
	    { "192.0.2.1", NULL, "dyn-2-1.isp.example", "a@x.example",
	    "b@h.example" },
	    { "198.51.100.9", NULL, "dyn-100-9.isp.example", "a@x.example",
	    "b@h.example" }, "new 300" },
	{ "another address of one network",
	    { "192.0.2.1", NULL, NULL, "a@x.example", "b@h.example" },
	    { "192.0.2.200", NULL, NULL, "a@x.example", "b@h.example" },
	    "passed" },
	{ "another network",
	    { "192.0.2.1", NULL, NULL, "a@x.example", "b@h.example" },
	    { "192.0.3.1", NULL, NULL, "a@x.example", "b@h.example" },
	    "new 300" },
	{ "another address of one IPv6 network",
	    { "2001:db8::1", NULL, NULL, "a@x.example", "b@h.example" },
	    { "2001:db8::2:1", NULL, NULL, "a@x.example", "b@h.example" },
	    "passed" },
	{ "SPF does not speak for a provider's other hosts",
	    { "192.0.2.1", "isp.example", NULL, "a@isp.example",
	    "b@h.example" },
	    { "192.0.2.1", NULL, "h.isp.example", "a@isp.example",
	    "b@h.example" }, "new 300" },
	{ "the next mail of a list",
	    { "192.0.2.1", "l.example", NULL,
	    "news-return-41-b=h.example@l.example", "b@h.example" },
	    { "192.0.2.1", "l.example", NULL,
	    "news-return-42-b=h.example@l.example", "b@h.example" },
	    "passed" },
	{ "another recipient",
	    { "192.0.2.1", "big.example", NULL, "a@big.example",
	    "b@h.example" },
	    { "192.0.2.1", "big.example", NULL, "a@big.example",
	    "c@h.example" }, "new 300" },
};

static void
retry_test(void)
{
	for (size_t i = 0; i < sizeof(retries) / sizeof(*retries); i++) {
		begin();
		T_STR(retries[i].name, ask(&retries[i].first), "new 300");
		fake_clock_advance(10 * MINUTE);
		T_STR(retries[i].name, ask(&retries[i].second),
		    retries[i].want);
	}
}

static void
identity_test(void)
{
	struct mail m = ordinary;
	unsigned i;

	begin();
	for (i = 0; i < 4; i++)
		pass_another(i, 10 * MINUTE);
	m.to = "new@here.example";
	T_STR("four passes are not enough", ask(&m), "new 300");
	pass_another(4, 10 * MINUTE);
	m.to = "newer@here.example";
	T_STR("five are", ask(&m), "identity-known");
	fake_store_fail(0, 0, ERR_UNAVAIL);
	m.from = "other@m3.big.example";
	T_STR("from any sender", ask(&m), "identity-known");
	T_INT("one operation", fake_store_operations(), 1);
	m.client = "203.0.113.5";
	T_STR("from any address", ask(&m), "identity-known");
	m.spf = NULL;
	T_STR("but not without SPF", ask(&m), "new 300");
	m.spf = "big.example";
	for (i = 0; i < 4; i++) {
		fake_clock_advance(30 * DAY);
		T_STR("renewed by use", ask(&m), "identity-known");
	}
	fake_clock_advance(36 * DAY);
	T_STR("until it is not used", ask(&m), "new 300");
}

static void
pace_test(void)
{
	struct mail m = ordinary;
	unsigned i;

	begin();
	for (i = 0; i < 20; i++) {
		m.to = arena_printf(arena, "rcpt%u@here.example", i);
		T_STR("twenty recipients", ask(&m), "new 300");
	}
	fake_clock_advance(10 * MINUTE);
	for (i = 0; i < 20; i++) {
		m.to = arena_printf(arena, "rcpt%u@here.example", i);
		T_STR("of one mail", ask(&m), "passed");
	}
	m.to = "another@here.example";
	T_STR("are one pass", ask(&m), "new 300");

	begin();
	options.passes = 0;
	for (i = 0; i < 8; i++)
		pass_another(i, HOUR);
	m.to = "yet-another@here.example";
	T_STR("no identity gets known", ask(&m), "new 300");

	begin();
	for (i = 0; i < 6; i++) {
		ask(&ordinary);
		fake_clock_advance(DAY);
	}
	m.to = "another@here.example";
	T_STR("five mails of one triplet count too", ask(&m),
	    "identity-known");

	begin();
	options.passes = 1;
	pass_another(0, HOUR);
	T_STR("at once", ask(&m), "identity-known");
}

static void
null_sender_test(void)
{
	struct mail m = ordinary;
	struct greylist_answer answer;

	begin();
	m.from = "";
	T_STR("a bounce", ask(&m), "null-sender");
	T_INT("asks for nothing", fake_store_operations(), 0);
	T_INT("twice", ask_of(0, &m, true, &answer), 0);
	T_OK("passes", !answer.defer && answer.problem == NULL);
}

static void
answer_test(void)
{
	struct mail m = { "192.0.2.1", "m.big.example", NULL,
	    "prvs=0123abcdef=Joe@m.big.example", "B+x@Here.Example" };
	struct greylist_answer answer;

	begin();
	ask_of(0, &m, false, &answer);
	T_STR("identity", arena_copy(arena, answer.identity),
	    "spf:big.example");
	T_STR("sender", arena_copy(arena, answer.sender), "joe@big.example");
	T_STR("recipient", arena_copy(arena, answer.rcpt), "b@here.example");
	T_OK("deferred", answer.defer && answer.left == 300 &&
	    answer.waited == 0);
	fake_clock_advance(100 * CLOCK_S);
	ask_of(0, &m, false, &answer);
	T_OK("early", answer.defer && answer.left == 200 &&
	    answer.waited == 100);
	fake_clock_advance(900 * CLOCK_S);
	ask_of(0, &m, false, &answer);
	T_OK("passed", !answer.defer && answer.left == 0 &&
	    answer.waited == 1000);
}

static void
look_test(void)
{
	struct greylist_answer answer;

	begin();
	ask_of(0, &ordinary, true, &answer);
	T_INT("looking at a new one", answer.result, GREYLIST_NEW);
	fake_clock_advance(HOUR);
	T_STR("does not begin it", ask(&ordinary), "new 300");
	fake_clock_advance(HOUR);
	ask_of(0, &ordinary, true, &answer);
	T_INT("would pass", answer.result, GREYLIST_PASSED);
	fake_clock_advance(2 * DAY);
	ask_of(0, &ordinary, true, &answer);
	T_INT("does not pass it", answer.result, GREYLIST_NEW);
}

static void
gateways_test(void)
{
	struct greylist_answer answer;
	unsigned i;

	begin();
	ask_of(0, &ordinary, false, &answer);
	fake_clock_advance(10 * MINUTE);
	ask_of(1, &ordinary, false, &answer);
	T_INT("begun at one, passes at the other", answer.result,
	    GREYLIST_PASSED);
	ask_of(0, &ordinary, false, &answer);
	T_INT("known to both", answer.result, GREYLIST_KNOWN);
	for (i = 1; i < 5; i++) {
		struct mail m = ordinary;

		m.to = arena_printf(arena, "rcpt%u@here.example", i);
		ask_of(i % 2, &m, false, &answer);
		fake_clock_advance(10 * MINUTE);
		ask_of((i + 1) % 2, &m, false, &answer);
	}
	T_STR("passes add up", ask(&(struct mail){ "192.0.2.7", "big.example",
	    NULL, "z@big.example", "z@here.example" }), "identity-known");
}

/* What other hands, clocks and versions leave in the store. */
static const struct {
	const char *name, *value;	/* "%ld" is the time now plus `off` */
	int64_t off;
	const char *want;
} records[] = {
	{ "waiting", "1 w %ld 0 0 - -", -400, "passed" },
	{ "a clock that is a minute ahead", "1 w %ld 0 0 - -", 60,
	    "early 300" },
	{ "a clock that was a year ahead", "1 w %ld 0 0 - -", 365 * 86400,
	    "new 300" },
	{ "a window that has been shortened", "1 w %ld 0 0 - -", -3 * 86400,
	    "new 300" },
	{ "a memory that has been shortened", "1 p 7 7 %ld - -", -37 * 86400,
	    "new 300" },
	{ "passed", "1 p 7 7 %ld - -", -10 * 86400, "known" },
	{ "another version", "2 %ld", 0, "unknown" },
	{ "nothing of ours", "x", 0, "unknown" },
	{ "empty", "", 0, "unknown" },
};

static void
put(struct span key, const char *format, int64_t off)
{
	char value[100];

	snprintf(value, sizeof(value), "%s", format);
	if (strstr(format, "%ld") != NULL)
		snprintf(value, sizeof(value), "%.*s%ld%s",
		    (int)(strstr(format, "%ld") - format), format,
		    (long)(clock_wall() / CLOCK_S + off),
		    strstr(format, "%ld") + 3);
	fake_store_set(key, span_z(value), 100 * DAY);
}

static void
record_test(void)
{
	struct address sender, rcpt;
	struct greylist_answer answer;
	struct greylist_key key;
	struct err err;

	address_parse(span_z(ordinary.from), false, &sender, &err);
	address_parse(span_z(ordinary.to), false, &rcpt, &err);
	greylist_key_make(arena, SPAN_LIT("spf:big.example"), &sender, &rcpt,
	    &key);
	for (size_t i = 0; i < sizeof(records) / sizeof(*records); i++) {
		begin();
		put(key.triplet, records[i].value, records[i].off);
		T_STR(records[i].name, ask(&ordinary), records[i].want);
	}
	begin();
	put(key.triplet, "1 w %ld 0 0 - -", 365 * 86400);
	ask(&ordinary);
	fake_clock_advance(10 * MINUTE);
	T_STR("it is put right", ask(&ordinary), "passed");

	begin();
	put(key.known, "1 p 7 7 %ld - -", -37 * 86400);
	T_STR("an identity, forgotten", ask(&ordinary), "new 300");
	begin();
	put(key.known, "x", 0);
	ask_of(0, &ordinary, false, &answer);
	T_INT("an identity, unreadable", answer.result, GREYLIST_UNKNOWN);
	T_STR("says why", answer.problem, "grey/i/spf:big.example: a "
	    "greylist record of another version");
}

/*
 * The n-th operation fails, and all behind it: the store goes down in the
 * middle. `want` is what the n-th failure makes of an answer; the last one
 * is without failure.
 */
static const struct {
	const char *name;
	int64_t since;		/* the first try, seconds; 0: there was none */
	bool has_passed;	/* five minutes behind it */
	const char *want[8];
} faults[] = {
	{ "new", 0, false, { "unknown", "unknown", "unknown", "new 300" } },
	{ "early", 60, false, { "unknown", "unknown", "early 240" } },
	{ "passed", 600, false, { "unknown", "unknown", "passed", "passed",
	    "passed", "passed", "passed" } },
	{ "known", 2 * 86400, true, { "unknown", "unknown", "known",
	    "known", "known", "known" } },
};

static void
prepare(size_t fault)
{
	begin();
	if (faults[fault].since == 0)
		return;
	ask(&ordinary);
	if (!faults[fault].has_passed) {
		fake_clock_advance(faults[fault].since * CLOCK_S);
		return;
	}
	fake_clock_advance(5 * MINUTE);
	ask(&ordinary);
	fake_clock_advance(faults[fault].since * CLOCK_S - 5 * MINUTE);
}

static void
fault_test(void)
{
	struct greylist_answer answer;
	unsigned n, operations;

	for (size_t i = 0; i < sizeof(faults) / sizeof(*faults); i++)
		for (n = 1; faults[i].want[n - 1] != NULL; n++) {
			prepare(i);
			fake_store_fail(n, 1000, ERR_TIMEOUT);
			T_STR(faults[i].name, ask(&ordinary),
			    faults[i].want[n - 1]);
			operations = fake_store_operations();
			T_OK("nothing is tried after a failure",
			    operations <= n);
			prepare(i);
			fake_store_fail(n, 1000, ERR_CLOSED);
			T_OK("the fiber stops", operations < n ||
			    ask_of(0, &ordinary, false, &answer) < 0);
		}
	begin();
	fake_store_fail(1, 1, ERR_TIMEOUT);
	ask_of(0, &ordinary, false, &answer);
	T_STR("the reason", answer.problem, "the store fails");
	T_OK("and no delay", !answer.defer && answer.left == 0);
	prepare(2);
	fake_store_fail(3, 3, ERR_CONFIG);
	ask_of(0, &ordinary, false, &answer);
	T_INT("what passed", answer.result, GREYLIST_PASSED);
	T_STR("and could not be noted", answer.problem, "the store fails");
	fake_store_fail(0, 0, ERR_CONFIG);
	T_STR("passes again", ask(&ordinary), "passed");
}

/* The store is flushed, or comes back empty, in the middle. */
static void
flush_test(void)
{
	begin();
	ask(&ordinary);
	fake_clock_advance(10 * MINUTE);
	fake_store_clear();
	T_STR("begins anew", ask(&ordinary), "new 300");
	fake_clock_advance(10 * MINUTE);
	T_STR("and ends", ask(&ordinary), "passed");
}

int
main(void)
{
	struct err err;

	arena = arena_create("test");
	gateways[0] = store_open(arena, NULL, &err);
	gateways[1] = store_open(arena, NULL, &err);
	course_test();
	retry_test();
	identity_test();
	pace_test();
	null_sender_test();
	answer_test();
	look_test();
	gateways_test();
	record_test();
	fault_test();
	flush_test();
	fake_store_clear();
	arena_destroy(&arena);
	return t_done();
}
