#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "milter/command.h"
#include "tests/kit/chain_drive.h"
#include "tests/kit/t.h"

/*
 * A filter that fails: at each step, in each way, with each failure action,
 * told early and late.
 */
#define ONE(text)	{ text, sizeof(text) - 1 }
#define STEPS		"CHMRTE"

/* What it hears of a mail, and in which step of the client if it is told
 * late. */
static const struct {
	char		 at;
	const char	*heard;
	char		 step, late_step;
} commands[] = {
	{ SMFIC_OPTNEG, "O", 'C', 'R' },
	{ SMFIC_CONNECT, "C", 'C', 'R' },
	{ SMFIC_HELO, "Hone", 'H', 'R' },
	{ SMFIC_MAIL, "M", 'M', 'R' },
	{ SMFIC_RCPT, "Rb", 'R', 'R' },
	{ SMFIC_DATA, "T", 'T', 'T' },
	{ SMFIC_HEADER, "Ls0", 'E', 'E' },
	{ SMFIC_EOH, "N", 'E', 'E' },
	{ SMFIC_BODY, "B", 'E', 'E' },
	{ SMFIC_BODYEOB, "E", 'E', 'E' },
};
#define COMMANDS	(sizeof(commands) / sizeof(commands[0]))

static const struct {
	const char	*name;
	enum milter_house_manner manner;
	struct span	 answer;
} troubles[] = {
	{ "closes", HOUSE_CLOSES, { 0 } },
	{ "says nothing", HOUSE_SILENT, { 0 } },
	{ "says nonsense", HOUSE_SAYS, ONE("HTTP/1.1 400 Bad Request\r\n") },
	{ "gives an unknown answer", HOUSE_SAYS, ONE("\0\0\0\1z") },
};

static const struct {
	const char	*name;
	enum milter_failure action;
	const char	*shown;
} actions[] = {
	{ "accept", MILTER_ACCEPT, "" },
	{ "tempfail", MILTER_TEMPFAIL, "(a failed 451 4.7.1)" },
	{ "reject", MILTER_REJECT, "(a failed 550 5.5.0)" },
	{ "shutdown", MILTER_SHUTDOWN, "(a failed close 421 4.7.1)" },
};
#define ACTIONS		(sizeof(actions) / sizeof(actions[0]))

static void
set_turn(struct chain_drive *drive, size_t command, size_t trouble)
{
	drive->filters[0].scene.turns[0] = (struct milter_house_turn){
	    .at = commands[command].at, .manner = troubles[trouble].manner,
	    .answer = troubles[trouble].answer };
}

static void
put_heard(struct buf *b, size_t upto)
{
	for (size_t i = 0; i <= upto; i++)
		buf_puts(b, commands[i].heard);
}

/* From the step in which it fails on: the failure holds, but MAIL tries
 * anew. */
static void
put_steps(struct buf *b, char from, const char *shown)
{
	bool has_failed = false, is_over = false;

	for (const char *at = STEPS; *at != '\0'; at++) {
		buf_put(b, at, 1);
		is_over = is_over || (has_failed && *at == 'M');
		has_failed = has_failed || *at == from;
		if (has_failed && !is_over)
			buf_puts(b, shown);
	}
}

/* The next MAIL goes through, over a connection that is made anew: that of the
 * next mail, or of this one if it failed before. */
static void
failure_test(bool early, size_t command, size_t trouble, size_t action)
{
	struct chain_drive drive = { .steps = STEPS "A" "MRTE" };
	struct buf want = { 0 };
	char name[120];

	drive.filters[0].tell_at = early ? MILTER_AT_CONNECT : MILTER_AT_RCPT;
	drive.filters[0].failure = actions[action].action;
	set_turn(&drive, command, trouble);
	snprintf(name, sizeof(name), "told %s, %s at %s, %s",
	    early ? "early" : "late", troubles[trouble].name,
	    command_name(commands[command].at), actions[action].name);
	put_steps(&want, early ? commands[command].step :
	    commands[command].late_step, actions[action].shown);
	buf_puts(&want, "AMRTE | ");
	put_heard(&want, command);
	put_heard(&want, COMMANDS - 1);
	if (early && command <= 2)	/* HELO */
		buf_puts(&want, "MRbTLs0NBE");
	buf_put(&want, "Q", 2);
	T_STR(name, chain_drive_play(&drive), want.p);
	buf_free(&want);
}

/* --- which stage's action --- */

static enum milter_failure *
action_at(struct milter_conf *conf, char step)
{
	switch (step) {
	case 'C':
		return &conf->failure_connect;
	case 'H':
		return &conf->failure_helo;
	case 'M':
		return &conf->failure_mail;
	case 'R':
		return &conf->failure_rcpt;
	default:
		return &conf->failure_message;
	}
}

/* That of the command, but of the step in which there is no connection. */
static void
stage_test(bool early, size_t command)
{
	char step = early ? commands[command].step :
	    commands[command].late_step;
	char stage = commands[command].at == SMFIC_OPTNEG ? step :
	    commands[command].step;
	struct chain_drive drive = { .n = 1 };
	struct buf want = { 0 };
	char name[80];

	drive.filters[0].tell_at = early ? MILTER_AT_CONNECT : MILTER_AT_RCPT;
	drive.filters[0].failure = MILTER_ACCEPT;
	set_turn(&drive, command, 0);
	snprintf(name, sizeof(name), "the action at %s, told %s",
	    command_name(commands[command].at), early ? "early" : "late");
	chain_drive_begin(&drive);
	*action_at(chain_drive_conf(0), stage) = MILTER_REJECT;
	chain_drive_clients(STEPS, 1);
	put_steps(&want, step, "(a failed 550 5.5.0)");
	buf_put(&want, "", 1);
	T_STR(name, chain_drive_shown(0), want.p);
	chain_drive_end();
	buf_free(&want);
}

/* --- how long --- */

static void
patience_test(void)
{
	static const int64_t seconds[COMMANDS] = { 10, 20, 20, 20, 20, 20, 20,
	    20, 25, 120 };
	struct chain_drive drive = { .n = 1 };
	char name[60];

	for (size_t i = 0; i < COMMANDS; i++) {
		drive.filters[0].failure = MILTER_ACCEPT;
		set_turn(&drive, i, 1);
		snprintf(name, sizeof(name), "so long it is waited at %s",
		    command_name(commands[i].at));
		chain_drive_begin(&drive);
		chain_drive_clients(STEPS, 1);
		T_INT(name, chain_drive_took(0) / CLOCK_S, seconds[i]);
		chain_drive_end();
	}
}

/* --- the fiber must stop --- */

/* It holds for MAIL too: whoever must stop cannot try anew. */
static void
put_stop(struct buf *b, char from)
{
	bool has_stopped = false;

	for (const char *at = STEPS; *at != '\0'; at++) {
		buf_put(b, at, 1);
		has_stopped = has_stopped || *at == from;
		if (has_stopped)
			buf_puts(b, "(stop)");
	}
	buf_put(b, "", 1);
}

static void
stop_test(size_t command, bool early)
{
	struct chain_drive drive = { .n = 2, .stop_after = 5 * CLOCK_S,
	    .shows_told = true };
	struct buf want = { 0 };
	struct json_out out = { .to = &want };
	char name[60];

	for (size_t i = 0; i < 2; i++)
		drive.filters[i].tell_at = early ? MILTER_AT_CONNECT :
		    MILTER_AT_RCPT;
	set_turn(&drive, command, 1);
	drive.filters[0].scene.turns[0].nth = HOUSE_ALWAYS;
	drive.filters[1].scene.steps = SMFIP_NR_CONN | SMFIP_NR_HELO |
	    SMFIP_NR_MAIL | SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR |
	    SMFIP_NR_EOH | SMFIP_NR_BODY;
	snprintf(name, sizeof(name), "a stop at %s%s",
	    command_name(commands[command].at), early ? ", early" : "");
	chain_drive_begin(&drive);
	for (int i = 0; i < MILTERS_FAILURES; i++)
		chain_drive_clients(STEPS, 1);
	T_OK(name, strstr(chain_drive_shown(0), "failed") == NULL);
	T_OK(name, strstr(chain_drive_shown(0), ": ") == NULL);
	milters_status(chain_drive_milters(), &out);
	buf_put(&want, "", 1);
	T_OK(name, strstr(want.p, "\"down\"") == NULL);
	chain_drive_end();
	drive = (struct chain_drive){ .n = 1, .stop_after = 5 * CLOCK_S };
	drive.filters[0].tell_at = early ? MILTER_AT_CONNECT : MILTER_AT_RCPT;
	set_turn(&drive, command, 1);
	chain_drive_begin(&drive);
	chain_drive_clients(STEPS, 1);
	buf_clear(&want);
	put_stop(&want, early ? commands[command].step :
	    commands[command].late_step);
	T_STR(name, chain_drive_shown(0), want.p);
	chain_drive_end();
	buf_free(&want);
}

/* --- more cases --- */

#define AWAY		.is_away = true
#define EARLY		.tell_at = MILTER_AT_CONNECT
#define SILENT(letter)	{ .at = letter, .manner = HOUSE_SILENT }
#define CLOSES(letter)	{ .at = letter, .manner = HOUSE_CLOSES }

static const struct {
	const char	*name;
	struct chain_drive drive;
	const char	*want;
} cases[] = {
	{ "not there, accept", { .filters[0] = { AWAY }, .steps = "CHMRTE=0" },
	    "CHMRTE=0error | " },
	{ "not there, tempfail: not tried again in this mail", {
	    .filters[0] = { AWAY, .failure = MILTER_TEMPFAIL },
	    .shows_told = true, .steps = "CHMRR" },
	    "CHMR[a options 0s unavailable: milter a: connect: "
	    "No such file or directory](a failed 451 4.7.1)"
	    "R(a failed 451 4.7.1) | " },
	{ "the others go on", { .n = 3, .filters[1].scene.turns[0] =
	    CLOSES('M'), .steps = "CHMRTE=0=1=2" },
	    "CHMRTE=0accepted=1error=2accepted | OCHoneMRbTLs0NBEQ | OCHoneM "
	    "| OCHoneMRbTLs0NBEQ" },
	{ "the first in order decides", { .n = 2, .filters = {
	    { .failure = MILTER_REJECT, .scene.turns[0] = SILENT('M') },
	    { .failure = MILTER_TEMPFAIL, .scene.turns[0] = CLOSES('M') } },
	    .steps = "CHMR" }, "CHMR(a failed 550 5.5.0) | OCHoneM | "
	    "OCHoneM" },
	{ "accept in front, a failure behind", { .n = 2, .filters = {
	    { .scene.turns[0] = SILENT('M') },
	    { .failure = MILTER_TEMPFAIL, .scene.turns[0] = CLOSES('M') } },
	    .steps = "CHMR" }, "CHMR(b failed 451 4.7.1) | OCHoneM | "
	    "OCHoneM" },
	{ "a failure behind a recipient taken: the mail", {
	    .filters[0] = { .failure = MILTER_TEMPFAIL, .scene.turns[0] = {
	    .at = 'R', .nth = 1, .manner = HOUSE_CLOSES } },
	    .steps = "CHMRRTE" }, "CHMRR(a failed 451 4.7.1)"
	    "T(a failed 451 4.7.1)E(a failed 451 4.7.1) | OCHoneMRbRc" },
	{ "RSET does not bring it back, MAIL does", { .filters[0] = { EARLY,
	    .failure = MILTER_TEMPFAIL, .scene.turns[0] = CLOSES('M') },
	    .steps = "CHMAHMR" },
	    "CHM(a failed 451 4.7.1)AH(a failed 451 4.7.1)MR | "
	    "OCHoneMOCHtwoMRbAQ" },
	{ "an unknown command", { .filters[0] = { EARLY,
	    .failure = MILTER_TEMPFAIL, .scene.turns[0] = CLOSES('U') },
	    .steps = "CUUHM" },
	    "CU(a failed 451 4.7.1)UH(a failed 451 4.7.1)M | "
	    "OCUXYZOCHoneMAQ" },
	{ "closed between two mails: unseen", { .filters[0] = { .failure =
	    MILTER_TEMPFAIL, .scene.turns[0] = CLOSES('A') },
	    .steps = "CHMRAzMR" }, "CHMRAzMR | OCHoneMRbAOCHoneMRbAQ" },
	{ "closed behind HELO, told at connect: unseen", {
	    .filters[0] = { EARLY, .failure = MILTER_TEMPFAIL,
	    .scene = { .steps = SMFIP_NR_HELO, .turns[0] = CLOSES('H') } },
	    .steps = "CHzMR" }, "CHzMR | OCHoneOCHoneMRbAQ" },
	{ "closed behind each HELO: a failure at last", {
	    .filters[0] = { EARLY, .failure = MILTER_TEMPFAIL,
	    .scene = { .steps = SMFIP_NR_HELO, .turns[0] = { .at = 'H',
	    .nth = HOUSE_ALWAYS, .manner = HOUSE_CLOSES } } },
	    .steps = "CHzMR" },
	    "CHzM(a failed 451 4.7.1)R(a failed 451 4.7.1) | OCHoneOCHone" },
	{ "closed in a mail", { .filters[0] = { .failure = MILTER_TEMPFAIL,
	    .scene = { .steps = SMFIP_NR_RCPT, .turns[0] = CLOSES('R') } },
	    .steps = "CHMRzT" },
	    "CHMRzT(a failed 451 4.7.1) | OCHoneMRb" },
	{ "edits that cannot be made", { .cannot_apply = true, .filters[0] = {
	    .failure = MILTER_TEMPFAIL, .scene = { .actions = SMFIF_ADDHDRS,
	    .turns[0] = { .at = 'E', .answer = ONE("\0\0\0\5hX\0v\0"
	    "\0\0\0\1c") } } }, .steps = "CHMRTE=0AMRTE=0" },
	    "CHMRTE(a failed 451 4.7.1)=0errorAMRTE=0accepted | "
	    "OCHoneMRbTLs0NBEMRbTLs0NBEQ" },
};

int
main(void)
{
	loop_create();
	spool_memory(1024 * 1024);
	for (int early = 0; early < 2; early++)
		for (size_t i = 0; i < COMMANDS; i++) {
			for (size_t k = 0; k < sizeof(troubles) /
			    sizeof(troubles[0]); k++)
				for (size_t n = 0; n < ACTIONS; n++)
					failure_test(early, i, k, n);
			stage_test(early, i);
			stop_test(i, early);
		}
	patience_test();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, chain_drive_play(&cases[i].drive),
		    cases[i].want);
	loop_destroy();
	return t_done();
}
