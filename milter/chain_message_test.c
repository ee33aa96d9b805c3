#include "base/clock.h"
#include "base/loop.h"
#include "base/together.h"
#include "tests/kit/chain_drive.h"
#include "tests/kit/t.h"

/*
 * The message before several filters, and what rules do with them.
 */
#define ONE(text)	{ text, sizeof(text) - 1 }
#define AT(letter, text)	{ .at = letter, .answer = ONE(text) }
#define SLOW(letter, text) \
	{ .at = letter, .answer = ONE(text), .delay = 5 * CLOCK_S }
#define CONTINUE	"\0\0\0\1c"
#define REJECT		"\0\0\0\1r"
#define DISCARD		"\0\0\0\1d"
#define REPLY		"\0\0\0\20y554 5.7.0 gone\0"
#define LATER		"\0\0\0\20y450 4.7.0 wait\0"
#define EDIT		"\0\0\0\5hX\0v\0"
#define BODY		"\0\0\0\7bhello\n"
#define QUARANTINE	"\0\0\0\5qbad\0"
#define EDITS		.actions = SMFIF_ADDHDRS | SMFIF_CHGBODY
#define BY_RULES	.when = MILTER_BY_RULES
#define ALL		"OCHoneMRbTLs0NBE"
#define ALL1		"OCHoneMRbTLs1NBE"

static const struct {
	const char	*name;
	struct chain_drive drive;
	const char	*want;
} cases[] = {
	/* --- in order --- */
	{ "edits", { .filters[0].scene = { EDITS, .turns = {
	    AT('E', EDIT EDIT BODY CONTINUE) } }, .steps = "CHMRTE=0" },
	    "CHMRTE<a:2 body>=0accepted | " ALL "Q" },
	{ "edits, and accepted", { .filters[0].scene = { EDITS, .turns = {
	    AT('E', EDIT "\0\0\0\1a") } }, .steps = "CHMRTE" },
	    "CHMRTE<a:1> | " ALL "Q" },
	{ "edits, and refused", { .filters[0].scene = { EDITS, .turns = {
	    AT('E', EDIT REJECT) } }, .steps = "CHMRTE" },
	    "CHMRTE(a 550 5.7.1 Command rejected) | " ALL "Q" },
	{ "each sees the edits of those in front", { .n = 3, .filters = {
	    { .scene = { EDITS, .turns = { SLOW('E', EDIT CONTINUE) } } },
	    { .scene = { EDITS, .turns = { AT('E', EDIT CONTINUE) } } },
	    { .scene = { EDITS } } }, .steps = "CHMRTE" },
	    "CHMRTE<a:1><b:1> | " ALL "Q | " ALL1 "Q | OCHoneMRbTLs2NBEQ" },
	{ "refused: those behind are not asked", { .n = 2, .filters = {
	    { .scene = { EDITS, .turns = { AT('E', REPLY) } } },
	    { .scene = { EDITS } } }, .steps = "CHMRTE=0=1" },
	    "CHMRTE(a 554 5.7.0 gone)=0rejected=1none | " ALL "Q | "
	    "OCHoneMRbTAQ" },
	{ "discarded: those behind are not asked", { .n = 2, .filters = {
	    { .scene = { EDITS, .turns = { AT('B', DISCARD) } } },
	    { .scene = { EDITS } } }, .steps = "CHMRTE=0=1" },
	    "CHMRTE(a discard)=0discarded=1none | OCHoneMRbTLs0NBAQ | "
	    "OCHoneMRbTAQ" },
	{ "one that cannot be asked, and one behind it", { .n = 2,
	    .cannot_apply = true, .filters = {
	    { .scene = { EDITS, .turns = { AT('E', EDIT CONTINUE) } } },
	    { .scene = { EDITS } } }, .steps = "CHMRTE=0=1" },
	    "CHMRTE=0error=1accepted | " ALL "Q | " ALL "Q" },
	/* --- beside --- */
	{ "without edits: on the message at its turn", { .n = 3, .filters = {
	    { .scene.turns = { SLOW('L', CONTINUE) } },
	    { .scene = { EDITS, .turns = { AT('E', EDIT CONTINUE) } } },
	    { .scene.turns = { AT('E', CONTINUE) } } }, .steps = "CHMRTE" },
	    "CHMRTE<b:1> | " ALL "Q | " ALL "Q | " ALL1 "Q" },
	{ "both refuse: the first in order", { .n = 2, .filters = {
	    { .scene.turns = { SLOW('E', REPLY) } },
	    { .scene.turns = { AT('E', REJECT) } } }, .steps = "CHMRTE=0=1" },
	    "CHMRTE(a 554 5.7.0 gone)=0rejected=1rejected | " ALL "Q | " ALL
	    "Q" },
	{ "one beside refuses: an edit behind it is of no use", { .n = 2,
	    .filters = { { .scene.turns = { SLOW('E', REPLY) } },
	    { .scene = { EDITS, .turns = { AT('E', EDIT CONTINUE) } } } },
	    .steps = "CHMRTE" }, "CHMRTE<b:1>(a 554 5.7.0 gone) | " ALL "Q | "
	    ALL "Q" },
	{ "one beside refuses early: the next are not asked", { .n = 3,
	    .filters = { { .scene.turns = { AT('E', REPLY) } },
	    { .scene = { EDITS, .turns = { SLOW('E', EDIT CONTINUE) } } },
	    { .scene = { EDITS } } },
	    .steps = "CHMRTE=2" }, "CHMRTE<b:1>(a 554 5.7.0 gone)=2none | "
	    ALL "Q | " ALL "Q | OCHoneMRbTAQ" },
	{ "one in front of it refuses first", { .n = 2, .filters = {
	    { .scene = { EDITS, .turns = { AT('L', LATER) } } },
	    { .scene.turns = { AT('E', REJECT) } } }, .steps = "CHMRTE" },
	    "CHMRTE(a 450 4.7.0 wait) | OCHoneMRbTLs0AQ | OCHoneMRbTAQ" },
	{ "one beside closes", { .n = 2, .filters = { { .scene.turns = {
	    AT('N', "\0\0\0\0014") } } }, .steps = "CHMRTE" },
	    "CHMRTE(a close 421 4.7.0 Closing the connection) | "
	    "OCHoneMRbTLs0NAQ | " ALL "Q" },
	{ "one beside fails", { .n = 2, .filters = { { .failure =
	    MILTER_TEMPFAIL, .scene.turns = { { .at = 'N',
	    .manner = HOUSE_CLOSES } } } }, .steps = "CHMRTE=0=1" },
	    "CHMRTE(a failed 451 4.7.1)=0error=1accepted | OCHoneMRbTLs0N | "
	    ALL "Q" },
	{ "quarantine is an edit", { .filters[0].scene = {
	    .actions = SMFIF_QUARANTINE, .turns = {
	    AT('E', QUARANTINE CONTINUE) } }, .steps = "CHMRTE=0" },
	    "CHMRTE<a:1>=0quarantined | " ALL "Q" },
	{ "a part of them first", { .n = 3, .steps = "CHMRT^0^1=1=2E=2" },
	    "CHMRT^0^1=1accepted=2noneE=2accepted | " ALL "Q | " ALL "Q | "
	    ALL "Q" },
	{ "a part of them refuses", { .n = 2, .filters[0].scene.turns = {
	    AT('E', REPLY) }, .steps = "CHMRT^0E=1" },
	    "CHMRT^0(a 554 5.7.0 gone)E(a 554 5.7.0 gone)=1none | " ALL "Q | "
	    "OCHoneMRbTAQ" },
	{ "asked twice, told once", { .filters[0].scene = { EDITS,
	    .turns = { AT('E', EDIT CONTINUE) } }, .steps = "CHMRT^0EE" },
	    "CHMRT^0<a:1>EE | " ALL "Q" },
	/* --- by rules --- */
	{ "told nothing by itself", { .filters[0] = { BY_RULES },
	    .steps = "CHMRTE=0" }, "CHMRTE=0none | " },
	{ "attached to the client", { .filters[0] = { BY_RULES },
	    .steps = "+0CHMRTEAMR" }, "+0CHMRTEAMR | " ALL "MRbAQ" },
	{ "attached at HELO, told at connect", { .filters[0] = { BY_RULES,
	    .tell_at = MILTER_AT_CONNECT }, .steps = "CH+0M" },
	    "CH+0M | OCHoneMAQ" },
	{ "attached to the mail", { .filters[0] = { BY_RULES },
	    .steps = "CHM*0RTEAMRTE" }, "CHM*0RTEAMRTE | " ALL "Q" },
	{ "attached before the mail", { .filters[0] = { BY_RULES },
	    .steps = "CH*0MRTEAMR" }, "CH*0MRTEAMR | " ALL "Q" },
	{ "attached late: hears of all", { .filters[0] = { BY_RULES },
	    .steps = "CHMRR*0R" }, "CHMRR*0R | OCHoneMRbRcRdAQ" },
	{ "attached behind the last: asked about the message", {
	    .filters[0] = { BY_RULES }, .steps = "CHMRR*0TE" },
	    "CHMRR*0TE | OCHoneMRbRcTLs0NBEQ" },
	{ "attached late, refuses one who was taken", { .filters[0] = {
	    BY_RULES, .scene.turns = { AT('R', REPLY) } },
	    .steps = "CHMRR*0RTE=0" },
	    "CHMRR*0R<late 0(a 554 5.7.0 gone)>TE=0accepted | "
	    "OCHoneMRbRcRdTLs0NBEQ" },
	{ "refuses the only one who was taken", { .filters[0] = {
	    BY_RULES, .scene.turns = { AT('R', REPLY) } },
	    .steps = "CHMR*0TE=0" },
	    "CHMR*0TE<late 0(a 554 5.7.0 gone)>=0rejected | "
	    "OCHoneMRbAQ" },
	{ "who is refused late is not told to others", { .n = 2,
	    .filters = { { BY_RULES, .scene.turns = { AT('R', REPLY) } },
	    { BY_RULES } }, .steps = "CHMRR*0R*1R" },
	    "CHMRR*0R<late 0(a 554 5.7.0 gone)>*1R | "
	    "OCHoneMRbRcRdReAQ | OCHoneMRcRdReAQ" },
	{ "two refuse him late", { .n = 2, .filters = {
	    { BY_RULES, .scene.turns = { AT('R', REPLY) } },
	    { BY_RULES, .scene.turns = { AT('R', LATER) } } },
	    .steps = "CHMRR*0*1R" },
	    "CHMRR*0*1R<late 0(a 554 5.7.0 gone)> | "
	    "OCHoneMRbRcRdAQ | OCHoneMRbRcRdAQ" },
	{ "the reply 421 late: the mail", { .filters[0] = { BY_RULES,
	    .scene.turns = { AT('R', "\0\0\0\20y421 4.7.0 away\0") } },
	    .steps = "CHMRR*0RT" },
	    "CHMRR*0R(a close 421 4.7.0 away)T(a close 421 4.7.0 away) | "
	    "OCHoneMRbAQ" },
	{ "discarded late: the mail", { .filters[0] = { BY_RULES,
	    .scene.turns = { AT('R', DISCARD) } }, .steps = "CHMRR*0RTE" },
	    "CHMRR*0R(a discard)T(a discard)E(a discard) | OCHoneMRbAQ" },
	{ "consulted: nothing comes of it", { .filters[0] = { BY_RULES,
	    .scene.turns = { AT('E', REPLY) } }, .steps = "CHMRT?0=0E" },
	    "CHMRT?0=0rejectedE | " ALL "Q" },
	{ "consulted, then obeyed", { .filters[0] = { BY_RULES,
	    .scene.turns = { AT('E', REPLY) } }, .steps = "CHMRT?0?0!0E" },
	    "CHMRT?0?0!0(a 554 5.7.0 gone)E(a 554 5.7.0 gone) | " ALL "Q" },
	{ "edits of a consulted one", { .filters[0] = { BY_RULES, .scene = {
	    EDITS, .turns = { AT('E', EDIT CONTINUE) } } },
	    .steps = "CHMRT?0=0E!0!0" },
	    "CHMRT?0=0acceptedE!0<a:1>!0 | " ALL "Q" },
	{ "obeyed at once", { .filters[0] = { BY_RULES, .scene = { EDITS,
	    .turns = { AT('E', EDIT CONTINUE) } } }, .steps = "CHMRT!0=0E" },
	    "CHMRT!0<a:1>=0acceptedE | " ALL "Q" },
	{ "obeyed: the message as rules see it", { .n = 2, .filters = {
	    { BY_RULES, .scene = { EDITS, .turns = {
	    AT('E', EDIT CONTINUE) } } }, { .scene = { EDITS } } },
	    .steps = "CHMRT!0E" },
	    "CHMRT!0<a:1>E | " ALL "Q | " ALL1 "Q" },
	{ "consulted: refuses one late, if obeyed", { .filters[0] = {
	    BY_RULES, .scene.turns = { AT('R', LATER) } },
	    .steps = "CHMRRT?0=0!0" },
	    "CHMRRT?0=0accepted!0<late 0(a 450 4.7.0 wait)> | "
	    "OCHoneMRbRcTLs0NBEQ" },
	{ "consulted: would refuse all late", { .filters[0] = {
	    BY_RULES, .scene.turns = { { .at = 'R', .nth = HOUSE_ALWAYS,
	    .answer = ONE(LATER) } } }, .steps = "CHMRRT?0=0E" },
	    "CHMRRT?0=0tempfailedE | OCHoneMRbRcAQ" },
	{ "consulted and attached: obeyed in its turn", { .n = 2,
	    .filters[0] = { BY_RULES, .scene = { EDITS, .turns = {
	    AT('E', EDIT CONTINUE) } } }, .steps = "CHMR*0RT?0E" },
	    "CHMR*0RT?0E<a:1> | OCHoneMRbRcTLs0NBEQ | OCHoneMRbRcTLs1NBEQ" },
	{ "consulted in each mail", { .filters[0] = { BY_RULES },
	    .steps = "CHMRT?0EAMRTEAMRT?0E" },
	    "CHMRT?0EAMRTEAMRT?0E | " ALL "MRbTLs0NBEQ" },
	{ "consulted, but it does not fit", { .filters[0] = { BY_RULES,
	    .authenticated = MILTER_LOGIN_YES }, .steps = "CHMRT?0=0!0E" },
	    "CHMRT?0=0none!0E | " },
	{ "consulted, and not there", { .filters[0] = { BY_RULES,
	    .is_away = true, .failure = MILTER_REJECT },
	    .steps = "CHMRT?0=0E!0" },
	    "CHMRT?0=0errorE!0(a failed 550 5.5.0) | " },
	{ "nobody is left: another one is not told", { .n = 2, .filters = {
	    { BY_RULES, .scene.turns = { AT('R', REJECT) } }, { BY_RULES } },
	    .steps = "CHMRT!0=0?1=1!1E" }, "CHMRT!0<late 0(a 550 5.7.1 "
	    "Command rejected)>=0rejected?1=1none!1E | OCHoneMRbAQ | " },
	{ "nobody is left: one of `when always` behind it", { .n = 2,
	    .filters[0] = { BY_RULES, .scene.turns = { AT('R', REJECT) } },
	    .steps = "CHMRT!0E=1" }, "CHMRT!0<late 0(a 550 5.7.1 Command "
	    "rejected)>E=1none | OCHoneMRbAQ | OCHoneMRbTAQ" },
	{ "two refuse the same one: what they said of the message", { .n = 2,
	    .filters = { { BY_RULES, .scene.turns = { AT('R', REJECT) } },
	    { BY_RULES, .scene.turns = { AT('R', REJECT) } } },
	    .steps = "CHMRRT?0=0!1=1=0" }, "CHMRRT?0=0accepted!1<late 0(b 550 "
	    "5.7.1 Command rejected)>=1accepted=0accepted | "
	    "OCHoneMRbRcTLs0NBEQ | OCHoneMRbRcTLs0NBEQ" },
	{ "one that there is not", { .steps = "CHMRT?2=2!2+2*2E" },
	    "CHMRT?2=2none!2+2*2E | " ALL "Q" },
};

/* Those beside take the time of the slowest, those in the line their sum. */
static void
time_test(void)
{
	static const struct {
		const char	*name;
		bool		 may_edit[3];
		int64_t		 seconds;
	} list[] = {
		{ "all beside", { false, false, false }, 5 },
		{ "all in the line", { true, true, true }, 15 },
		{ "one in the line", { false, true, false }, 10 },
		{ "two beside one", { false, false, true }, 5 },
	};
	struct chain_drive drive;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		drive = (struct chain_drive){ .n = 3 };
		for (size_t k = 0; k < 3; k++)
			drive.filters[k].scene = (struct milter_house_scene){
			    .actions = list[i].may_edit[k] ? SMFIF_ADDHDRS : 0,
			    .turns = { SLOW('E', CONTINUE) } };
		chain_drive_begin(&drive);
		chain_drive_clients("CHMRTE", 1);
		T_STR(list[i].name, chain_drive_shown(0), "CHMRTE");
		T_INT(list[i].name, chain_drive_took(0) / CLOCK_S,
		    list[i].seconds);
		chain_drive_end();
	}
}

/* There are too many fibers already: then they are asked one by one. */
static void
crowded_test(void)
{
	struct chain_drive drive = { .n = 3 };

	for (size_t k = 0; k < 3; k++)
		drive.filters[k].scene.turns[0] = (struct milter_house_turn)
		    SLOW('E', CONTINUE);
	together_limit(1);
	chain_drive_begin(&drive);
	chain_drive_clients("CHMRTE", 1);
	T_STR("one helper for three", chain_drive_shown(0), "CHMRTE");
	T_INT("one helper for three", chain_drive_took(0) / CLOCK_S, 10);
	chain_drive_end();
	together_limit(SIZE_MAX);
}

/* Each step is in time; the message is not. */
static void
slow_test(void)
{
	struct chain_drive drive = { .n = 1,
	    .filters[0].failure = MILTER_TEMPFAIL };

	for (size_t i = 0; i < HOUSE_TURNS; i++)
		drive.filters[0].scene.turns[i] = (struct milter_house_turn){
		    .at = "LNBE"[i], .delay = 19 * CLOCK_S };
	chain_drive_begin(&drive);
	chain_drive_conf(0)->max_time = 60 * CLOCK_S;
	chain_drive_reload();
	chain_drive_clients("CHMRTE", 1);
	T_STR("slow at each step", chain_drive_shown(0), "CHMRTE(a failed "
	    "451 4.7.1)");
	T_INT("slow at each step", chain_drive_took(0) / CLOCK_S, 60);
	chain_drive_end();
	chain_drive_begin(&drive);
	chain_drive_clients("CHMRTE", 1);
	T_INT("slow, but in time", chain_drive_took(0) / CLOCK_S, 76);
	T_STR("slow, but in time", chain_drive_shown(0), "CHMRTE");
	chain_drive_end();
}

int
main(void)
{
	loop_create();
	spool_memory(1024 * 1024);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, chain_drive_play(&cases[i].drive),
		    cases[i].want);
	time_test();
	crowded_test();
	slow_test();
	loop_destroy();
	return t_done();
}
