#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/chain_drive.h"
#include "tests/kit/t.h"

/*
 * Who is told what and when, and what the client is told of it.
 */
#define ONE(text)	{ text, sizeof(text) - 1 }
#define AT(letter, n, text)	{ .at = letter, .nth = n, .answer = ONE(text) }
#define REJECT		"\0\0\0\1r"
#define TEMPFAIL	"\0\0\0\1t"
#define ACCEPT		"\0\0\0\1a"
#define DISCARD		"\0\0\0\1d"
#define SHUTDOWN	"\0\0\0\0014"
#define CONN_FAIL	"\0\0\0\1f"
#define REPLY		"\0\0\0\20y554 5.7.0 gone\0"
#define REPLY_421	"\0\0\0\20y421 4.7.0 away\0"

#define EARLY		.tell_at = MILTER_AT_CONNECT
#define NO_ANSWERS	(SMFIP_NR_CONN | SMFIP_NR_HELO | SMFIP_NR_MAIL | \
			    SMFIP_NR_RCPT | SMFIP_NR_DATA | SMFIP_NR_HDR | \
			    SMFIP_NR_EOH | SMFIP_NR_BODY | SMFIP_NR_UNKN)

static const struct {
	const char	*name;
	struct chain_drive drive;
	const char	*want;
} cases[] = {
	/* --- who is told when --- */
	{ "told at RCPT", { .steps = "CHMRTE" },
	    "CHMRTE | OCHoneMRbTLs0NBEQ" },
	{ "told at connect", { .filters[0] = { EARLY }, .steps = "CHMRTE" },
	    "CHMRTE | OCHoneMRbTLs0NBEQ" },
	{ "no recipient: nothing is told", { .steps = "CHM" }, "CHM | " },
	{ "none, but told at connect", { .filters[0] = { EARLY },
	    .steps = "CHM" }, "CHM | OCHoneMAQ" },
	{ "none at all, but told at connect", { .filters[0] = { EARLY },
	    .steps = "C" }, "C | OCQ" },
	{ "a refused recipient brings nobody in", { .steps = "CHMLA" },
	    "CHMLA | " },
	{ "two mails", { .steps = "CHMRTEAMRRTE" },
	    "CHMRTEAMRRTE | OCHoneMRbTLs0NBEMRbRcTLs0NBEQ" },
	{ "MAIL of a second mail waits for a recipient", {
	    .steps = "CHMRTEAM" }, "CHMRTEAM | OCHoneMRbTLs0NBEQ" },
	{ "MAIL of a second mail, told at connect", {
	    .filters[0] = { EARLY }, .steps = "CHMRTEAM" },
	    "CHMRTEAM | OCHoneMRbTLs0NBEMAQ" },
	{ "the client goes in a mail", { .steps = "CHMR" },
	    "CHMR | OCHoneMRbAQ" },
	{ "RSET", { .steps = "CHMRAMRTE" },
	    "CHMRAMRTE | OCHoneMRbAMRbTLs0NBEQ" },
	{ "RSET without end", { .steps = "CHMRAMRAMRAMRA" },
	    "CHMRAMRAMRAMRA | OCHoneMRbAMRbAMRbAMRbAQ" },
	{ "MAIL without RSET", { .steps = "CHMRMR" },
	    "CHMRMR | OCHoneMRbAMRbAQ" },
	{ "many recipients", { .steps = "CHMRRRRRRRRRRT" },
	    "CHMRRRRRRRRRRT | OCHoneMRbRcRdReRfRgRhRiRjRkTAQ" },
	{ "no HELO", { .steps = "CMRTE" }, "CMRTE | OCMRbTLs0NBEQ" },
	{ "HELO twice: a late one hears the last", { .steps = "CHHMR" },
	    "CHHMR | OCHtwoMRbAQ" },
	{ "HELO twice: one that is there hears both", {
	    .filters[0] = { EARLY }, .steps = "CHHMR" },
	    "CHHMR | OCHoneHtwoMRbAQ" },
	{ "HELO between two mails", { .steps = "CHMRTEAHMRTE" },
	    "CHMRTEAHMRTE | OCHoneMRbTLs0NBEHtwoMRbTLs0NBEQ" },
	{ "HELO in a mail", { .steps = "CHMRHMR" },
	    "CHMRHMR | OCHoneMRbAHtwoMRbAQ" },
	{ "STARTTLS before anything", { .steps = "CHSHMR" },
	    "CHSHMR | OCHtwoMRbAQ" },
	{ "STARTTLS, told at connect", { .filters[0] = { EARLY },
	    .steps = "CHSHMR" }, "CHSHMR | OCHoneHtwoMRbAQ" },
	{ "STARTTLS, and no HELO behind it", { .steps = "CHSMR" },
	    "CHSMR | OCMRbAQ" },
	{ "another client", { .steps = "CHMRXCHMR" },
	    "CHMRXCHMR | OCHoneMRbAQOCHoneMRbAQ" },
	{ "no DATA said", { .steps = "CHMRE" }, "CHMRE | OCHoneMRbLs0NBEQ" },
	{ "unknown commands", { .steps = "CUHMUR" }, "CUHMUR | OCHoneMRbAQ" },
	{ "unknown commands, told at connect", { .filters[0] = { EARLY },
	    .steps = "CUHMUR" }, "CUHMUR | OCUXYZHoneMUXYZRbAQ" },
	/* --- answers --- */
	{ "rejected at RCPT: one recipient", { .filters[0].scene.turns = {
	    AT('R', 0, REJECT) }, .steps = "CHMRRTE" },
	    "CHMR(a 550 5.7.1 Command rejected)RTE | "
	    "OCHoneMRbRcTLs0NBEQ" },
	{ "later at RCPT", { .filters[0].scene.turns = {
	    AT('R', 1, TEMPFAIL) }, .steps = "CHMRRTE" },
	    "CHMRR(a 451 4.7.1 Service unavailable - try again later)TE | "
	    "OCHoneMRbRcTLs0NBEQ" },
	{ "its own reply at RCPT", { .filters[0].scene.turns = {
	    AT('R', 0, REPLY) }, .steps = "CHMRR" },
	    "CHMR(a 554 5.7.0 gone)R | OCHoneMRbRcAQ" },
	{ "the reply 421 closes", { .filters[0].scene.turns = {
	    AT('R', 0, REPLY_421) }, .steps = "CHMR" },
	    "CHMR(a close 421 4.7.0 away) | OCHoneMRbAQ" },
	{ "discarded at RCPT: the whole mail", { .filters[0].scene.turns = {
	    AT('R', 0, DISCARD) }, .steps = "CHMRRTE" },
	    "CHMR(a discard)R(a discard)T(a discard)E(a discard) | "
	    "OCHoneMRbAQ" },
	{ "rejected at MAIL", { .filters[0].scene.turns = {
	    AT('M', 0, REJECT) }, .steps = "CHMRRAMR" },
	    "CHMR(a 550 5.7.1 Command rejected)"
	    "R(a 550 5.7.1 Command rejected)AMR | OCHoneMMRbAQ" },
	{ "rejected at MAIL, told at connect", { .filters[0] = { EARLY,
	    .scene.turns = { AT('M', 0, REJECT) } }, .steps = "CHMRAMR" },
	    "CHM(a 550 5.7.1 Command rejected)"
	    "R(a 550 5.7.1 Command rejected)AMR | OCHoneMMRbAQ" },
	{ "rejected at connect: until the client goes", { .filters[0] = {
	    EARLY, .scene.turns = { AT('C', 0, REPLY) } },
	    .steps = "CHMRAMRXC" },
	    "C(a 554 5.7.0 gone)H(a 554 5.7.0 gone)M(a 554 5.7.0 gone)"
	    "R(a 554 5.7.0 gone)AM(a 554 5.7.0 gone)R(a 554 5.7.0 gone)XC | "
	    "OCQOCQ" },
	{ "rejected at HELO, told late", { .filters[0].scene.turns = {
	    AT('H', 0, REJECT) }, .steps = "CHMRAHMR" },
	    "CHMR(a 550 5.7.1 Command rejected)A"
	    "H(a 550 5.7.1 Command rejected)M(a 550 5.7.1 Command rejected)"
	    "R(a 550 5.7.1 Command rejected) | OCHoneQ" },
	{ "accepted at connect", { .filters[0] = { EARLY, .scene.turns = {
	    AT('C', 0, ACCEPT) } }, .steps = "CHMRTEAMR" },
	    "CHMRTEAMR | OCQ" },
	{ "accepted at RCPT: this mail", { .filters[0].scene.turns = {
	    AT('R', 0, ACCEPT) }, .steps = "CHMRRTE=0AMR" },
	    "CHMRRTE=0acceptedAMR | OCHoneMRbMRbAQ" },
	{ "accepted in the header", { .filters[0].scene.turns = {
	    AT('L', 0, ACCEPT) }, .steps = "CHMRTE=0AMR" },
	    "CHMRTE=0acceptedAMR | OCHoneMRbTLs0MRbAQ" },
	{ "rejected at DATA", { .filters[0].scene.turns = {
	    AT('T', 0, REJECT) }, .steps = "CHMRTE=0" },
	    "CHMRT(a 550 5.7.1 Command rejected)"
	    "E(a 550 5.7.1 Command rejected)=0rejected | OCHoneMRbTAQ" },
	{ "later in the header", { .filters[0].scene.turns = {
	    AT('L', 0, TEMPFAIL) }, .steps = "CHMRTE=0" },
	    "CHMRTE(a 451 4.7.1 Service unavailable - try again later)"
	    "=0tempfailed | OCHoneMRbTLs0AQ" },
	{ "rejected behind the body", { .filters[0].scene.turns = {
	    AT('E', 0, REPLY) }, .steps = "CHMRTE=0AMRTE=0" },
	    "CHMRTE(a 554 5.7.0 gone)=0rejectedAMRTE=0accepted | "
	    "OCHoneMRbTLs0NBEMRbTLs0NBEQ" },
	{ "discarded behind the body", { .filters[0].scene.turns = {
	    AT('E', 0, DISCARD) }, .steps = "CHMRTE=0" },
	    "CHMRTE(a discard)=0discarded | OCHoneMRbTLs0NBEQ" },
	{ "shutdown in the body: the client too", { .filters[0].scene.turns =
	    { AT('B', 0, SHUTDOWN) }, .steps = "CHMRTEAMR" },
	    "CHMRTE(a close 421 4.7.0 Closing the connection)A"
	    "M(a close 421 4.7.0 Closing the connection)"
	    "R(a close 421 4.7.0 Closing the connection) | "
	    "OCHoneMRbTLs0NBAQ" },
	{ "connection failure at RCPT", { .filters[0].scene.turns =
	    { AT('R', 0, CONN_FAIL) }, .steps = "CHMRR" },
	    "CHMR(a close)R(a close) | OCHoneMRbAQ" },
	{ "unknown commands are answered", { .filters[0] = { EARLY,
	    .scene.turns = { AT('U', 0, REPLY) } }, .steps = "CUUH" },
	    "CU(a 554 5.7.0 gone)UH | OCUXYZUXYZHoneQ" },
	{ "an unknown command in a mail accepts it", { .filters[0] = { EARLY,
	    .scene.turns = { AT('U', 0, ACCEPT) } }, .steps = "CMRURTEMR" },
	    "CMRURTEMR | OCMRbUXYZMRbAQ" },
	{ "shutdown at an unknown command", { .filters[0] = { EARLY,
	    .scene.turns = { AT('U', 0, SHUTDOWN) } }, .steps = "CUH" },
	    "CU(a close 421 4.7.0 Closing the connection)"
	    "H(a close 421 4.7.0 Closing the connection) | OCUXYZQ" },
	{ "no answers", { .filters[0].scene.steps = NO_ANSWERS,
	    .steps = "CHMRRTEAMR" },
	    "CHMRRTEAMR | OCHoneMRbRcTLs0NBEMRbAQ" },
	/* --- refused recipients --- */
	{ "nobody wants refused ones", { .steps = "CHWMRWLR" },
	    "CHWnoMRWnoLR | OCHoneMRbRdAQ" },
	{ "one wants them", { .filters[0].scene.steps = SMFIP_RCPT_REJ,
	    .steps = "CHMWLRWLR" },
	    "CHMWnoLRWyesLR | OCHoneMRcRDReAQ" },
	{ "one wants them from the start", { .filters[0] = { EARLY,
	    .scene.steps = SMFIP_RCPT_REJ }, .steps = "CHMWLR" },
	    "CHMWyesLR | OCHoneMRBRcAQ" },
	{ "what it says to them is of no interest", { .filters[0] = { EARLY,
	    .scene = { .steps = SMFIP_RCPT_REJ, .turns = {
	    AT('R', 0, REJECT) } } }, .steps = "CHMLR" },
	    "CHMLR | OCHoneMRBRcAQ" },
	{ "refused ones are not told later", { .n = 2, .filters = {
	    { EARLY, .scene.steps = SMFIP_RCPT_REJ }, { .scene.steps =
	    SMFIP_RCPT_REJ } }, .steps = "CHMLRT" },
	    "CHMLRT | OCHoneMRBRcTAQ | OCHoneMRcTAQ" },
	/* --- several --- */
	{ "two: both hear all", { .n = 2, .steps = "CHMRTE" },
	    "CHMRTE | OCHoneMRbTLs0NBEQ | OCHoneMRbTLs0NBEQ" },
	{ "the first refuses one: the second hears nothing of him", {
	    .n = 2, .filters[0].scene.turns = { AT('R', 0, REJECT) },
	    .steps = "CHMRRT" }, "CHMR(a 550 5.7.1 Command rejected)RT | "
	    "OCHoneMRbRcTAQ | OCHoneMRcTAQ" },
	{ "the second refuses one", { .n = 3, .filters[1].scene.turns = {
	    AT('R', 0, REJECT) }, .steps = "CHMRRT" },
	    "CHMR(b 550 5.7.1 Command rejected)RT | "
	    "OCHoneMRbRcTAQ | OCHoneMRbRcTAQ | OCHoneMRcTAQ" },
	{ "two refuse at connect: the first decides", { .n = 2,
	    .filters = { { EARLY, .scene.turns = { { .at = 'C',
	    .nth = 0, .answer = ONE(TEMPFAIL), .delay = CLOCK_S } } },
	    { EARLY, .scene.turns = { AT('C', 0, REPLY) } } },
	    .steps = "CH" },
	    "C(a 451 4.7.1 Service unavailable - try again later)"
	    "H(a 451 4.7.1 Service unavailable - try again later) | "
	    "OCQ | OCQ" },
	{ "the second refuses at connect: the first hears no more", {
	    .n = 2, .filters = { { EARLY }, { EARLY, .scene.turns = {
	    AT('C', 0, REPLY) } } }, .steps = "CHM" },
	    "C(b 554 5.7.0 gone)H(b 554 5.7.0 gone)M(b 554 5.7.0 gone) | "
	    "OCQ | OCQ" },
	{ "the second refuses MAIL: the next is told to both", { .n = 2,
	    .filters[1].scene.turns = { AT('M', 0, REPLY) },
	    .steps = "CHMRAMRTE" },
	    "CHMR(b 554 5.7.0 gone)AMRTE | OCHoneMAMRbTLs0NBEQ | "
	    "OCHoneMMRbTLs0NBEQ" },
	{ "one early, one late", { .n = 2, .filters[0] = { EARLY },
	    .steps = "CHM" }, "CHM | OCHoneMAQ | " },
	{ "unknown command: the first in order", { .n = 2, .filters = {
	    { EARLY, .scene.turns = { { .at = 'U', .nth = 0,
	    .answer = ONE(REPLY), .delay = CLOCK_S } } },
	    { EARLY, .scene.turns = { AT('U', 0, REJECT) } } },
	    .steps = "CU" }, "CU(a 554 5.7.0 gone) | OCUXYZQ | OCUXYZQ" },
	/* --- conditions --- */
	{ "only who has logged in", { .filters[0] = {
	    .authenticated = MILTER_LOGIN_YES }, .steps = "CHMRTEANRTE" },
	    "CHMRTEANRTE | OCHoneMRbTLs0NBEQ" },
	{ "only who has not", { .filters[0] = { .authenticated =
	    MILTER_LOGIN_NO }, .steps = "CHNRTE=0AMRTE" },
	    "CHNRTE=0noneAMRTE | OCHoneMRbTLs0NBEQ" },
	{ "login, told at connect: from MAIL on", { .filters[0] = { EARLY,
	    .authenticated = MILTER_LOGIN_YES }, .steps = "CHMANR" },
	    "CHMANR | OCHoneMRbAQ" },
};

/* Times go by at the same time. */
static void
together_test(void)
{
	static const struct milter_house_turn slow = { .at = 'M', .nth = 0,
	    .delay = 5 * CLOCK_S };
	struct chain_drive drive = { .n = 3 };

	for (size_t i = 0; i < 3; i++)
		drive.filters[i].scene.turns[0] = slow;
	chain_drive_begin(&drive);
	chain_drive_clients("CHMRT", 1);
	T_STR("three slow filters", chain_drive_shown(0), "CHMRT");
	T_INT("take the time of one", chain_drive_took(0), 5 * CLOCK_S);
	chain_drive_end();
}

/* --- listeners and networks --- */

static void
fits_test(void)
{
	static const struct {
		const char	*name, *listener, *network, *except;
		bool		 fits;
	} list[] = {
		{ "any", NULL, NULL, NULL, true },
		{ "this listener", "main", NULL, NULL, true },
		{ "another listener", "other", NULL, NULL, false },
		{ "in the network", NULL, "192.0.2.0/24", NULL, true },
		{ "not in the network", NULL, "10.0.0.0/8", NULL, false },
		{ "in the exception", NULL, NULL, "192.0.2.1/32", false },
		{ "in both", NULL, "192.0.2.0/24", "192.0.2.1/32", false },
		{ "not in the exception", NULL, NULL, "10.0.0.0/8", true },
	};
	struct chain_drive drive = { .n = 1 };
	struct network network, except;
	struct milter_conf *conf;
	const char *listener;
	struct err err;

	for (size_t i = 0; i < sizeof(list) / sizeof(list[0]); i++) {
		chain_drive_begin(&drive);
		conf = chain_drive_conf(0);
		listener = list[i].listener;
		if (listener != NULL)
			conf->listeners = (struct names){ &listener, 1 };
		if (list[i].network != NULL &&
		    network_parse(span_z(list[i].network), &network,
		    &err) == 0)
			conf->networks = (struct networks){ &network, 1 };
		if (list[i].except != NULL &&
		    network_parse(span_z(list[i].except), &except, &err) == 0)
			conf->except = (struct networks){ &except, 1 };
		chain_drive_clients("CHMR", 1);
		T_STR(list[i].name, chain_drive_shown(0),
		    list[i].fits ? "CHMR" : "no chain");
		chain_drive_end();
	}
}

int
main(void)
{
	loop_create();
	spool_memory(1024 * 1024);
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, chain_drive_play(&cases[i].drive),
		    cases[i].want);
	together_test();
	fits_test();
	loop_destroy();
	return t_done();
}
