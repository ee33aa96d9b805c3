#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/chain_drive.h"
#include "tests/kit/t.h"

/*
 * What several clients have of the same filters: rests and kept connections.
 */
#define ONE(text)	{ text, sizeof(text) - 1 }
#define SILENT(letter, n) \
	{ .at = letter, .nth = n, .manner = HOUSE_SILENT }
#define CLOSES(letter, n) \
	{ .at = letter, .nth = n, .manner = HOUSE_CLOSES }
#define MAIL		"CHMRTE"
#define FAILED(letter)	letter "(a failed 451 4.7.1)"
#define MAIL_FAILED	"CHMRT" FAILED("E")
#define HEARD		"CHoneMRbTLs0NBE"

static struct chain_drive
tempfail(void)
{
	return (struct chain_drive){ .n = 1,
	    .filters[0].failure = MILTER_TEMPFAIL };
}

static void
begin_silent(char at, uint32_t times)
{
	struct chain_drive drive = tempfail();

	for (uint32_t i = 0; i < times && i < HOUSE_TURNS; i++)
		drive.filters[0].scene.turns[i] =
		    (struct milter_house_turn)SILENT(at, i);
	chain_drive_begin(&drive);
}

static const char *
status(void)
{
	static struct buf b;
	struct json_out out = { .to = &b };

	buf_clear(&b);
	milters_status(chain_drive_milters(), &out);
	buf_put(&b, "", 1);
	return b.p;
}

static void
client(const char *name, const char *steps, const char *want, int64_t seconds)
{
	chain_drive_clients(steps, 1);
	T_STR(name, chain_drive_shown(0), want);
	T_INT(name, chain_drive_took(0) / CLOCK_S, seconds);
}

/* --- rests --- */

#define A_IS(state, since) \
	"\"milters\":[{\"name\":\"a\",\"address\":\"unix:/s\",\"state\":\"" \
	state "\",\"open\":0,\"idle\":0,\"since_s\":" since
#define WHY(text)	",\"failure\":\"tempfail\",\"why\":\"milter a: " text "\"}]"

static void
rest_test(void)
{
	begin_silent('E', 3);
	T_STR("not known yet", status(), A_IS("unknown", "0") "}]");
	client("the first failure", MAIL, MAIL_FAILED, 120);
	T_STR("it has failed", status(), A_IS("up", "120")
	    ",\"failures\":1" WHY("end of message: timed out"));
	client("the second", MAIL, MAIL_FAILED, 120);
	T_OK("two are not enough", strstr(status(), "\"up\"") != NULL);
	client("the third", MAIL, MAIL_FAILED, 120);
	T_STR("it rests", status(), A_IS("down", "0")
	    WHY("end of message: timed out"));
	client("nobody waits", MAIL, "CHM" FAILED("R") FAILED("T")
	    FAILED("E"), 0);
	chain_drive_wait(29 * CLOCK_S);
	client("until it has rested", "CHMR", "CHM" FAILED("R"), 0);
	chain_drive_wait(CLOCK_S);
	client("then it is tried", MAIL, MAIL, 0);
	T_OK("it is up", strstr(status(), "\"up\"") != NULL);
	client("and all go there", MAIL, MAIL, 0);
	T_STR("what it has heard", chain_drive_end(), " | O" HEARD "O" HEARD
	    "O" HEARD "O" HEARD "QO" HEARD "Q");
}

static void
absent_test(void)
{
	struct chain_drive drive = tempfail();

	drive.filters[0].is_away = true;
	chain_drive_begin(&drive);
	for (int i = 0; i < MILTERS_FAILURES; i++)
		client("not there", "CHMR", "CHM" FAILED("R"), 0);
	T_STR("not there: it rests", status(), A_IS("down", "0")
	    WHY("connect: No such file or directory"));
	chain_drive_end();
	drive.shows_told = true;
	chain_drive_begin(&drive);
	for (int i = 0; i < MILTERS_FAILURES; i++)
		chain_drive_clients("CHMR", 1);
	client("at rest: what is said", "CHMR", "CHMR[a options 0s "
	    "unavailable: it rests after: milter a: connect: No such file or "
	    "directory](a failed 451 4.7.1)", 0);
	chain_drive_end();
}

/* Those that wait do so for connect_timeout at most, who comes later does
 * not. */
static void
crowd_test(void)
{
	struct chain_drive drive = tempfail();

	drive.filters[0].scene.turns[0] = (struct milter_house_turn)
	    SILENT('O', HOUSE_ALWAYS);
	chain_drive_begin(&drive);
	chain_drive_clients("CHMR", 8);
	for (size_t i = 0; i < 8; i++) {
		T_STR("one of a crowd", chain_drive_shown(i),
		    "CHM" FAILED("R"));
		T_INT("one of a crowd", chain_drive_took(i), 10 * CLOCK_S);
	}
	chain_drive_clients("CHMRAMR", 8);
	for (size_t i = 0; i < 8; i++)
		T_INT("who comes later", chain_drive_took(i), 0);
	chain_drive_wait(30 * CLOCK_S);
	chain_drive_clients("CHMR", 8);
	T_INT("one tries", chain_drive_took(0), 10 * CLOCK_S);
	for (size_t i = 1; i < 8; i++)
		T_INT("the others do not", chain_drive_took(i), 0);
	client("it has not gone well", "CHMR", "CHM" FAILED("R"), 0);
	T_OK("no connection is left", strstr(status(), "\"open\":0,\"idle\":0") !=
	    NULL);
	chain_drive_end();
}

/* The one who tries takes his time, but not by waiting for the filter: then
 * the next may try. */
static void
slow_trial_test(void)
{
	begin_silent('E', 3);
	for (int i = 0; i < MILTERS_FAILURES; i++)
		chain_drive_clients(MAIL, 1);
	chain_drive_wait(30 * CLOCK_S);
	client("who tries, and stays away", "CHMRZZ", "CHMRZZ", 62);
	T_OK("says nothing of the end", strstr(status(), "\"down\"") != NULL);
	client("the next tries", MAIL, MAIL, 0);
	T_OK("and finds it well", strstr(status(), "\"up\"") != NULL);
	chain_drive_end();
}

/* The one who tries waits longer than a rest: the others still do not. */
static void
long_trial_test(void)
{
	struct chain_drive drive = tempfail();

	drive.filters[0].scene.turns[0] = (struct milter_house_turn)
	    SILENT('E', HOUSE_ALWAYS);
	chain_drive_begin(&drive);
	for (int i = 0; i < MILTERS_FAILURES; i++)
		chain_drive_clients(MAIL, 1);
	chain_drive_wait(30 * CLOCK_S);
	chain_drive_clients("CHMRTEZAMRTE", 2);
	T_INT("who tries waits for the end", chain_drive_took(0) / CLOCK_S,
	    120 + 31 + 120);
	T_INT("the other one never", chain_drive_took(1) / CLOCK_S, 31);
	chain_drive_end();
}

/* It connects, answers RCPT, and stalls at the end of each message. */
static void
place_test(void)
{
	begin_silent('E', 3);
	for (int i = 0; i < MILTERS_FAILURES; i++) {
		client("answers before", "CHMR", "CHMR", 0);
		client("stalls at the end", MAIL, MAIL_FAILED, 120);
	}
	T_OK("that is no health", strstr(status(), "\"down\"") != NULL);
	chain_drive_end();
	begin_silent('M', 2);
	for (int i = 0; i < 2; i++)
		client("fails at MAIL", "CHMR", "CHM" FAILED("R"), 20);
	client("goes through", MAIL, MAIL, 0);
	T_OK("so it is forgotten", strstr(status(), "\"up\"") != NULL);
	chain_drive_end();
}

/* What lies in the mail puts nobody to rest. */
static void
mail_test(void)
{
	struct chain_drive drive = tempfail();

	drive.huge = 100000;
	chain_drive_begin(&drive);
	for (int i = 0; i < MILTERS_FAILURES; i++)
		client("a huge field", MAIL, "CHMRTE(a failed 552 5.3.4)", 0);
	T_OK("is no illness", strstr(status(), "\"up\"") != NULL);
	chain_drive_end();
}

/* Those that were there before may still find it well. */
static void
recover_test(void)
{
	struct chain_drive drive = tempfail();
	int passed = 0;

	for (uint32_t i = 0; i < 3; i++)
		drive.filters[0].scene.turns[i] =
		    (struct milter_house_turn)CLOSES('E', i);
	chain_drive_begin(&drive);
	chain_drive_clients("CHMRTzE", 4);
	for (size_t i = 0; i < 4; i++)
		passed += strcmp(chain_drive_shown(i), "CHMRTzE") == 0;
	T_INT("three fail, one does not", passed, 1);
	T_OK("it is up", strstr(status(), "\"up\"") != NULL);
	chain_drive_end();
}

/* --- kept connections --- */

static struct chain_drive
keeping(uint64_t max)
{
	struct chain_drive drive = tempfail();

	drive.filters[0].max_idle = max;
	return drive;
}

static void
keep_test(void)
{
	struct chain_drive drive = keeping(2);

	chain_drive_begin(&drive);
	for (int i = 0; i < 3; i++)
		client("one after the other", MAIL, MAIL, 0);
	T_STR("it is kept", status(), "\"milters\":[{\"name\":\"a\","
	    "\"address\":\"unix:/s\",\"state\":\"up\",\"open\":1,\"idle\":1,"
	    "\"since_s\":0}]");
	chain_drive_clients(MAIL, 5);
	T_OK("no more than two", strstr(status(),
	    "\"open\":2,\"idle\":2") != NULL);
	chain_drive_wait(59 * CLOCK_S);
	T_OK("for a minute", strstr(status(),
	    "\"open\":2,\"idle\":2") != NULL);
	chain_drive_wait(2 * CLOCK_S);
	T_OK("no longer", strstr(status(),
	    "\"open\":0,\"idle\":0") != NULL);
	client("then a new one", MAIL, MAIL, 0);
	T_OK("which is kept", strstr(status(),
	    "\"open\":1,\"idle\":1") != NULL);
	T_OK("all are told QUIT", strstr(chain_drive_end(), "QQO" HEARD
	    "KQ") != NULL);
}

static void
order_test(void)
{
	static const struct {
		const char	*name, *steps, *want;
	} list[] = {
		{ "behind a message", "CHMRTEXCHMR",
		    " | O" HEARD "KCHoneMRbAQ" },
		{ "behind two", "CHMRTEAMRTEXC",
		    " | O" HEARD "MRbTLs0NBEKQ" },
		{ "not behind RSET", "CHMRTEAMRXC", " | O" HEARD "MRbAQ" },
		{ "not behind HELO", "CHMRTEAHXC", " | O" HEARD "HtwoQ" },
	};
	struct chain_drive drive = keeping(2);

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		drive.steps = list[i].steps;
		T_OK(list[i].name, strcmp(chain_drive_play(&drive) +
		    strlen(list[i].steps), list[i].want) == 0);
	}
}

static void
dead_test(void)
{
	static const struct {
		const char	*name;
		struct milter_house_turn turn;
		uint32_t	 steps;
		const char	*want;
	} list[] = {
		{ "closed while it rests", CLOSES('K', 0), 0,
		    "CHMRTEXzCHMRTE | O" HEARD "KO" HEARD "KQ" },
		{ "closed at its first step", CLOSES('C', 1), 0,
		    "CHMRTEXzCHMRTE | O" HEARD "KCO" HEARD "KQ" },
		{ "closed later, before an answer", CLOSES('H', 1),
		    SMFIP_NOCONNECT, "CHMRTEXzCHMRTE | OHoneMRbTLs0NBEK"
		    "HoneOHoneMRbTLs0NBEKQ" },
		{ "closed at the end, before an answer", CLOSES('E', 1),
		    SMFIP_NOCONNECT | SMFIP_NOHELO | SMFIP_NOMAIL |
		    SMFIP_NORCPT | SMFIP_NODATA | SMFIP_NOHDRS |
		    SMFIP_NOEOH | SMFIP_NOBODY,
		    "CHMRTEXzCHMRTE | OEKEOEKQ" },
		{ "closed behind an answer: a failure", CLOSES('H', 1), 0,
		    "CHMRTEXzCHMR(a failed 451 4.7.1)T(a failed 451 4.7.1)"
		    "E(a failed 451 4.7.1) | O" HEARD "KCHone" },
		{ "silent: a failure", SILENT('C', 1), 0,
		    "CHMRTEXzCHMR(a failed 451 4.7.1)T(a failed 451 4.7.1)"
		    "E(a failed 451 4.7.1) | O" HEARD "KC" },
		{ "nonsense: a failure", { .at = 'C', .nth = 1,
		    .answer = ONE("\0\0\0\1z") }, 0,
		    "CHMRTEXzCHMR(a failed 451 4.7.1)T(a failed 451 4.7.1)"
		    "E(a failed 451 4.7.1) | O" HEARD "KC" },
		{ "talks while it rests: not used", { .at = 'K', .nth = 0,
		    .answer = ONE("\0\0\0\1c") }, 0,
		    "CHMRTEXzCHMRTE | O" HEARD "KQO" HEARD "KQ" },
	};
	struct chain_drive drive = keeping(2);

	drive.steps = "CHMRTEXzCHMRTE";
	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		drive.filters[0].scene.turns[0] = list[i].turn;
		drive.filters[0].scene.steps = list[i].steps;
		T_STR(list[i].name, chain_drive_play(&drive), list[i].want);
	}
}

/* Those that rest go with the filter's health. */
static void
ill_test(void)
{
	struct chain_drive drive = keeping(9);

	for (uint32_t i = 0; i < 3; i++)
		drive.filters[0].scene.turns[i] =
		    (struct milter_house_turn)CLOSES('E', i + 6);
	chain_drive_begin(&drive);
	chain_drive_clients(MAIL, 6);
	T_OK("six are kept", strstr(status(), "\"open\":6,\"idle\":6") != NULL);
	chain_drive_clients(MAIL, 3);
	T_OK("none, when it rests", strstr(status(), "\"open\":0,\"idle\":0") !=
	    NULL);
	chain_drive_end();
	for (uint32_t i = 0; i < 3; i++)
		drive.filters[0].scene.turns[i].nth = i + 1;
	chain_drive_begin(&drive);
	chain_drive_clients("CHMRTEz", 4);
	T_OK("none that is left while it rests", strstr(status(),
	    "\"open\":0,\"idle\":0") != NULL);
	chain_drive_end();
}

/* A filter that answers what it has agreed not to answer has an answer too
 * many, which may be long in coming. It is not the next client's. */
static void
stray_test(void)
{
	struct chain_drive drive = keeping(2);

	drive.filters[0].scene = (struct milter_house_scene){
	    .steps = SMFIP_NOHELO | SMFIP_NOMAIL | SMFIP_NORCPT |
	    SMFIP_NODATA | SMFIP_NOHDRS | SMFIP_NOEOH | SMFIP_NR_BODY,
	    .turns = { { .at = 'B', .answer = ONE("\0\0\0\1c") },
	    { .at = 'E', .answer = ONE("\0\0\0\1r"),
	    .delay = 5 * CLOCK_S } } };
	drive.steps = "CHMRTEXzCHMR";
	T_STR("the answer to another client's mail", chain_drive_play(&drive),
	    "CHMRTEXzCHMR | OCBEOCQ");
}

/* One that is silent where it had agreed to be has shown that with its first
 * client, and is kept with the next. */
static void
silent_test(void)
{
	struct chain_drive drive = keeping(2);

	drive.filters[0].scene.steps = SMFIP_NR_HELO | SMFIP_NR_BODY;
	drive.steps = "CHMRTEXzCHMRTEXzCHMRTE";
	T_STR("silent as agreed", chain_drive_play(&drive),
	    "CHMRTEXzCHMRTEXzCHMRTE | O" HEARD "QO" HEARD "K" HEARD "KQ");
	drive.steps = "CHMRXzCHMRTEXzCHMRTE";
	T_STR("no mail shows nothing", chain_drive_play(&drive),
	    "CHMRXzCHMRTEXzCHMRTE | OCHoneMRbAQO" HEARD "QO" HEARD "KQ");
}

/* New settings: who is there goes on, and keeps nothing. */
static MAY_YIELD void
reload(void *arg)
{
	struct err err;

	(void)arg;
	fiber_sleep(5 * CLOCK_S, &err);
	chain_drive_reload();
}

static void
reload_test(void)
{
	struct chain_drive drive = keeping(2);

	chain_drive_begin(&drive);
	fiber_spawn("reload", reload, NULL);
	chain_drive_clients("CHMRTEXCHMRZTEXCHMRTE", 1);
	T_STR("a reload in a mail", chain_drive_shown(0),
	    "CHMRTEXCHMRZTEXCHMRTE");
	T_STR("what it hears", chain_drive_end(), " | O" HEARD "K" HEARD
	    "QO" HEARD "KQ");
}

int
main(void)
{
	loop_create();
	spool_memory(1024 * 1024);
	rest_test();
	absent_test();
	crowd_test();
	slow_trial_test();
	long_trial_test();
	place_test();
	mail_test();
	recover_test();
	keep_test();
	order_test();
	dead_test();
	ill_test();
	stray_test();
	silent_test();
	reload_test();
	loop_destroy();
	return t_done();
}
