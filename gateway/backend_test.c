#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/relay.h"
#include "tests/kit/t.h"

#define GOOD	"rcpt 250 2.1.5 recipient ok, message 250 2.0.0 taken"
#define PIPED	"PIPELINING\n8BITMIME"
#define CHUNKED	"PIPELINING\nCHUNKING\n8BITMIME"

/* --- the usual dialogue --- */

static void
test_dialogue(void)
{
	static const struct {
		const char	*name, *offers, *verbs;
		struct mail_server_rule rule;
		bool		 is_lmtp;
	} cases[] = {
		{ "DATA, in one flight", PIPED,
		    "1 EHLO MAIL+ RCPT DATA", {0}, false },
		{ "BDAT", CHUNKED, "1 EHLO MAIL+ RCPT BDAT+", {0}, false },
		{ "no PIPELINING", "8BITMIME", "1 EHLO MAIL RCPT DATA", {0},
		    false },
		{ "no extension", "", "1 EHLO MAIL RCPT DATA", {0}, false },
		{ "no EHLO", "", "1 EHLO HELO MAIL RCPT DATA",
		    { .at = "EHLO", .say = "500 what" }, false },
		{ "LMTP", PIPED, "1 LHLO MAIL+ RCPT DATA", {0}, true },
		{ "LMTP, BDAT", CHUNKED, "1 LHLO MAIL+ RCPT BDAT+", {0},
		    true },
	};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing m = {0};

		relay_begin(&r, 1);
		r.servers[0].offers = cases[i].offers;
		r.servers[0].rules[0] = cases[i].rule;
		r.servers[0].is_lmtp = cases[i].is_lmtp;
		r.urls[0].proto = cases[i].is_lmtp ? PROTO_LMTP : PROTO_SMTP;
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), GOOD);
		T_STR(cases[i].name, mail_server_verbs(&r.servers[0]),
		    cases[i].verbs);
		T_INT(cases[i].name, r.servers[0].messages, 1);
		T_INT(cases[i].name, m.ok, 1);
		relay_end(&r);
	}
}

/* --- faults, at each step --- */

#define RCPT_LOST	"rcpt failed 451 4.4.1"
#define RCPT_LATE	"rcpt failed 451 4.4.2"
#define RCPT_ODD	"rcpt failed 451 4.3.0"
#define RCPT_OK		"rcpt 250 2.1.5 recipient ok, "
#define LOST		"message failed 451 4.4.1"
#define LATE		"message failed 451 4.4.2"
#define ODD		"message failed 451 4.3.0"
#define UNSURE		"message 451 4.4.2 The mail server behind this gateway " \
    "did not confirm the message, please try again later"
#define UNSURE_ODD	"message 451 4.3.0 The mail server behind this gateway " \
    "did not confirm the message, please try again later"

static const struct {
	const char	*name, *at, *say, *want;
} faults[] = {
	{ "connection closed at once", "connect", "!close", RCPT_LOST },
	{ "connection reset", "connect", "!reset", RCPT_LOST },
	{ "no greeting", "connect", "!hang", RCPT_LATE },
	{ "greeting 421", "connect", "421 busy", RCPT_LOST },
	{ "greeting 554", "connect", "554 no", RCPT_LOST },
	{ "greeting 250", "connect", "250 hello", RCPT_LOST },
	{ "greeting of another protocol", "connect", "SSH-2.0-x", RCPT_ODD },
	{ "greeting with a bare LF", "connect", "220 a\x0b\r", RCPT_ODD },
	{ "EHLO closes", "EHLO", "!close", RCPT_LOST },
	{ "EHLO hangs", "EHLO", "!hang", RCPT_LATE },
	{ "EHLO nonsense", "EHLO", "hello", RCPT_ODD },
	{ "EHLO 421", "EHLO", "421 busy", RCPT_LOST },
	{ "EHLO 450", "EHLO", "450 busy", RCPT_LOST },
	{ "EHLO 354", "EHLO", "354 go on", RCPT_LOST },
	{ "MAIL closes", "MAIL", "!close", RCPT_LOST },
	{ "MAIL hangs", "MAIL", "!hang", RCPT_LATE },
	{ "MAIL nonsense", "MAIL", "ok", RCPT_ODD },
	{ "MAIL 421", "MAIL", "421 4.3.2 leaving", RCPT_LOST },
	{ "MAIL 450", "MAIL", "450 4.1.0 not now", "rcpt 450 4.1.0 not now" },
	{ "MAIL 550", "MAIL", "550 5.1.0 never", "rcpt 550 5.1.0 never" },
	{ "MAIL 503", "MAIL", "503 5.5.1 order", RCPT_ODD },
	{ "MAIL 555", "MAIL", "555 5.5.4 parameter", RCPT_ODD },
	{ "MAIL 354", "MAIL", "354 go on", RCPT_ODD },
	{ "MAIL 220", "MAIL", "220 hello", RCPT_ODD },
	{ "RCPT closes", "RCPT", "!close", RCPT_LOST },
	{ "RCPT hangs", "RCPT", "!hang", RCPT_LATE },
	{ "RCPT nonsense", "RCPT", "", RCPT_LATE },
	{ "RCPT 251", "RCPT", "251 2.1.5 will forward", "rcpt 251 2.1.5 will "
	    "forward, message 250 2.0.0 taken" },
	{ "RCPT 252", "RCPT", "252 2.1.5 perhaps", "rcpt 252 2.1.5 perhaps, "
	    "message 250 2.0.0 taken" },
	{ "RCPT 421", "RCPT", "421 leaving\n!close", RCPT_LOST },
	{ "RCPT 450", "RCPT", "450 4.2.0 greylisted",
	    "rcpt 450 4.2.0 greylisted" },
	{ "RCPT 550", "RCPT", "550 5.1.1 no such user",
	    "rcpt 550 5.1.1 no such user" },
	{ "RCPT 550 of two lines", "RCPT", "550-5.1.1 no\n550 5.1.1 such user",
	    "rcpt 550 5.1.1 no\nsuch user" },
	{ "RCPT lines of two codes", "RCPT", "550-no\n250 yes", RCPT_ODD },
	{ "RCPT without enhanced code", "RCPT", "550 no", "rcpt 550 no" },
	{ "RCPT 354", "RCPT", "354 go on", RCPT_ODD },
	{ "RCPT 334", "RCPT", "334 x", RCPT_ODD },
	{ "RCPT 503", "RCPT", "503 5.5.1 order", RCPT_ODD },
	{ "RCPT twice answered", "RCPT", "250 2.1.5 recipient ok\n250 ok",
	    RCPT_OK ODD },
	{ "RCPT answered with DATA's", "RCPT", "250 2.1.5 recipient ok\n354 go",
	    RCPT_OK ODD },
	{ "DATA closes", "DATA", "!close", RCPT_OK LOST },
	{ "DATA hangs", "DATA", "!hang", RCPT_OK LATE },
	{ "DATA nonsense", "DATA", "*", RCPT_OK ODD },
	{ "DATA 250", "DATA", "250 ok", RCPT_OK ODD },
	{ "DATA 220", "DATA", "220 ok", RCPT_OK ODD },
	{ "DATA twice answered", "DATA", "354 go on\n250 ok", RCPT_OK ODD },
	{ "DATA 421", "DATA", "421 leaving", RCPT_OK LOST },
	{ "DATA 451", "DATA", "451 4.3.1 full", RCPT_OK
	    "message 451 4.3.1 full" },
	{ "DATA 554", "DATA", "554 5.5.1 no valid recipients", RCPT_OK
	    "message 554 5.5.1 no valid recipients" },
	{ "message closes", "message", "!close", RCPT_OK UNSURE },
	{ "message resets", "message", "!reset", RCPT_OK UNSURE },
	{ "message hangs", "message", "!hang", RCPT_OK UNSURE },
	{ "message nonsense", "message", "2500 ok", RCPT_OK UNSURE_ODD },
	{ "message 354", "message", "354 go on", RCPT_OK UNSURE_ODD },
	{ "message 220", "message", "220 hello", RCPT_OK UNSURE_ODD },
	{ "message 503", "message", "503 order", RCPT_OK UNSURE_ODD },
	{ "message 421", "message", "421 4.3.0 leaving", RCPT_OK
	    "message 451 4.3.0 leaving" },
	{ "message 452", "message", "452 4.2.2 over quota", RCPT_OK
	    "message 452 4.2.2 over quota" },
	{ "message 552", "message", "552 5.3.4 too large", RCPT_OK
	    "message 552 5.3.4 too large" },
	{ "message 250 and then closes", "message",
	    "250 2.0.0 taken\n!close", GOOD },
};

#define NFAULTS	(sizeof(faults) / sizeof(faults[0]))

/* For every fault: what our client is told; that a 2yz is only told when the
 * server said it to the message; that the next mail goes well. */
static void
run_fault(size_t i, const char *offers, bool is_lmtp)
{
	struct mailing first = {0}, next = {0};
	static struct relay r;
	const char *got;

	relay_begin(&r, 1);
	r.servers[0].offers = offers;
	r.servers[0].is_lmtp = is_lmtp;
	r.urls[0].proto = is_lmtp ? PROTO_LMTP : PROTO_SMTP;
	r.servers[0].rules[0] = (struct mail_server_rule){
		.at = faults[i].at, .say = faults[i].say };
	if (strcmp(faults[i].say, "!hang") == 0 || faults[i].say[0] == '\0')
		relay_patience(&r, 250 * CLOCK_MS);
	relay_start(&r);
	got = relay_try(&r, &first);
	T_STR(faults[i].name, got, faults[i].want);
	T_OK(faults[i].name, strstr(got, "message 250") == NULL ||
	    r.servers[0].messages == 1);
	T_OK(faults[i].name, (strstr(got, "did not confirm") != NULL) ==
	    (relay_logged(&r, "reply lost after the end of the message") ==
	    1));
	mail_server_forget(&r.servers[0]);
	relay_patience(&r, 20 * CLOCK_S);
	T_STR("the next mail after a fault", relay_try(&r, &next), GOOD);
	T_INT("is there once", r.servers[0].messages, 1);
	relay_end(&r);
}

static void
test_faults(void)
{
	size_t i;

	for (i = 0; i < NFAULTS; i++)
		run_fault(i, PIPED, false);
	/* One by one: the same, but an answer more is for the next command. */
	for (i = 0; i < NFAULTS; i++)
		run_fault(i, "8BITMIME", false);
	for (i = 0; i < NFAULTS; i++)
		if (strncmp(faults[i].at, "message", 7) == 0)
			run_fault(i, CHUNKED, false);
	for (i = 0; i < NFAULTS; i++)
		if (strcmp(faults[i].at, "EHLO") != 0)
			run_fault(i, PIPED, true);
}

/* One answer too many, early: who is out of step takes no mail. */
static void
test_extra_answer(void)
{
	static const struct {
		const char *name, *offers, *want;
	} cases[] = {
		{ "in one flight", PIPED, "rcpt 250 2.1.0 more, " ODD },
		{ "one by one", "8BITMIME", RCPT_ODD },
		{ "BDAT", CHUNKED, "rcpt 250 2.1.0 more, " ODD },
	};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing m = {0};

		relay_begin(&r, 1);
		r.servers[0].offers = cases[i].offers;
		r.servers[0].rules[0] = (struct mail_server_rule){
			.at = "MAIL", .say = "250 2.1.0 ok\n250 2.1.0 more" };
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), cases[i].want);
		T_INT("no message", r.servers[0].messages, 0);
		relay_end(&r);
	}
}

/* What the first recipient met holds for the others. */
static void
test_two_recipients(void)
{
	static const struct {
		const char *name, *at, *say, *want, *verbs;
	} cases[] = {
		{ "both taken", NULL, NULL, RCPT_OK GOOD,
		    "1 EHLO MAIL+ RCPT RCPT DATA" },
		{ "MAIL refused", "MAIL", "550 5.1.0 never",
		    "rcpt 550 5.1.0 never, rcpt 550 5.1.0 never",
		    "1 EHLO MAIL+ RCPT" },
		{ "connection lost", "RCPT", "!close",
		    RCPT_LOST ", " RCPT_LOST, "1 EHLO MAIL+ RCPT" },
		{ "refused one by one", "RCPT", "450 4.2.0 later",
		    "rcpt 450 4.2.0 later, rcpt 450 4.2.0 later",
		    "1 EHLO MAIL+ RCPT RCPT" },
	};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing m = { .nrcpts = 2 };

		relay_begin(&r, 1);
		r.servers[0].rules[0] = (struct mail_server_rule){
			.at = cases[i].at, .say = cases[i].say };
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), cases[i].want);
		T_STR(cases[i].name, mail_server_verbs(&r.servers[0]),
		    cases[i].verbs);
		relay_end(&r);
	}
}

int
main(void)
{
	alarm(240);
	loop_create();
	test_dialogue();
	test_faults();
	test_extra_answer();
	test_two_recipients();
	loop_destroy();
	return t_done();
}
