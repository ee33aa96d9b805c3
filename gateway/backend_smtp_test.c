#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/relay.h"
#include "tests/kit/t.h"

#define GOOD	"rcpt 250 2.1.5 recipient ok, message 250 2.0.0 taken"
#define RCPT_OK	"rcpt 250 2.1.5 recipient ok"

static void
rule(struct relay *r, size_t n, const char *at, unsigned conn, unsigned nth,
    const char *say)
{
	r->servers[0].rules[n] = (struct mail_server_rule){ .at = at,
	    .conn = conn, .nth = nth, .say = say };
}

static void
test_xclient(void)
{
	struct mailing a = { .client = "192.0.2.1" };
	struct mailing b = { .client = "192.0.2.2", .no_message = true };
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].offers = "PIPELINING\nXCLIENT NAME ADDR HELO";
	r.conf.client_info = CLIENT_INFO_AUTO;
	relay_start(&r);
	T_STR("XCLIENT", relay_try(&r, &a), GOOD);
	T_STR("the same client", relay_try(&r, &a), GOOD);
	T_STR("another", relay_try(&r, &b), RCPT_OK);
	T_STR("and the first again", relay_try(&r, &a), GOOD);
	T_STR("each in its own name", mail_server_verbs(&r.servers[0]),
	    "1 EHLO XCLIENT EHLO MAIL+ RCPT DATA MAIL+ RCPT DATA "
	    "XCLIENT EHLO MAIL+ RCPT RSET XCLIENT EHLO MAIL+ RCPT DATA");
	T_OK("with its data", mail_server_was_told(&r.servers[0],
	    "1 XCLIENT ADDR=192.0.2.2 NAME=[UNAVAILABLE] "
	    "HELO=client.example\n"));
	relay_end(&r);
}

/* One that offers XCLIENT only once cannot serve another client. */
static void
test_xclient_once(void)
{
	struct mailing a = { .client = "192.0.2.1" };
	struct mailing b = { .client = "192.0.2.2" };
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].offers = "PIPELINING\nXCLIENT ADDR";
	rule(&r, 0, "EHLO", 0, 2, "250-fake.example\n250 PIPELINING");
	rule(&r, 1, "XCLIENT", 0, 2, "503 5.5.1 no");
	r.conf.client_info = CLIENT_INFO_XCLIENT;
	relay_start(&r);
	T_STR("the first client", relay_try(&r, &a), GOOD);
	T_STR("another", relay_try(&r, &b), GOOD);
	T_STR("gets a connection of its own",
	    mail_server_verbs(&r.servers[0]),
	    "1 EHLO XCLIENT EHLO MAIL+ RCPT DATA XCLIENT "
	    "2 EHLO XCLIENT EHLO MAIL+ RCPT DATA");
	relay_end(&r);
}

static void
test_xclient_refused(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].offers = "PIPELINING\nXCLIENT ADDR";
	rule(&r, 0, "XCLIENT", 0, 0, "550 5.7.0 not you");
	r.conf.client_info = CLIENT_INFO_XCLIENT;
	relay_start(&r);
	T_STR("no mail in our own name", relay_try(&r, &m),
	    "rcpt failed 451 4.4.1");
	T_OK("says why", strstr(m.err.text,
	    ": XCLIENT was answered 550 not you") != NULL);
	relay_end(&r);
}

static void
test_client_info(void)
{
	static const struct {
		const char	*name;
		enum client_info info;
		const char	*offers, *verbs;
	} cases[] = {
		{ "XFORWARD", CLIENT_INFO_XFORWARD,
		    "PIPELINING\nXFORWARD ADDR", "1 EHLO XFORWARD+ MAIL+ RCPT "
		    "DATA XFORWARD+ MAIL+ RCPT DATA" },
		{ "XFORWARD, no PIPELINING", CLIENT_INFO_XFORWARD,
		    "XFORWARD ADDR", "1 EHLO XFORWARD MAIL RCPT DATA XFORWARD "
		    "MAIL RCPT DATA" },
		{ "auto, only XFORWARD", CLIENT_INFO_AUTO,
		    "XFORWARD ADDR", "1 EHLO XFORWARD MAIL RCPT DATA XFORWARD "
		    "MAIL RCPT DATA" },
		{ "auto, both", CLIENT_INFO_AUTO,
		    "XFORWARD ADDR\nXCLIENT ADDR", "1 EHLO XCLIENT EHLO MAIL "
		    "RCPT DATA MAIL RCPT DATA" },
		{ "none wanted", CLIENT_INFO_NONE,
		    "XFORWARD ADDR\nXCLIENT ADDR",
		    "1 EHLO MAIL RCPT DATA MAIL RCPT DATA" },
		{ "none offered", CLIENT_INFO_AUTO, "8BITMIME",
		    "1 EHLO MAIL RCPT DATA MAIL RCPT DATA" },
		{ "XCLIENT wanted, XFORWARD offered", CLIENT_INFO_XCLIENT,
		    "XFORWARD ADDR", "1 EHLO MAIL RCPT DATA MAIL RCPT DATA" },
		{ "XCLIENT without attributes", CLIENT_INFO_XCLIENT,
		    "XCLIENT", "1 EHLO MAIL RCPT DATA MAIL RCPT DATA" },
	};
	struct mailing m = {0};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 1);
		r.servers[0].offers = cases[i].offers;
		r.conf.client_info = cases[i].info;
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), GOOD);
		T_STR(cases[i].name, relay_try(&r, &m), GOOD);
		T_STR(cases[i].name, mail_server_verbs(&r.servers[0]),
		    cases[i].verbs);
		relay_end(&r);
	}
}

static void
test_xforward_refused(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].offers = "PIPELINING\nXFORWARD ADDR";
	rule(&r, 0, "XFORWARD", 0, 0, "550 5.7.0 not you");
	r.conf.client_info = CLIENT_INFO_XFORWARD;
	relay_start(&r);
	T_STR("it is only for the log", relay_try(&r, &m), GOOD);
	relay_end(&r);
}

int
main(void)
{
	alarm(240);
	loop_create();
	test_xclient();
	test_xclient_once();
	test_xclient_refused();
	test_client_info();
	test_xforward_refused();
	loop_destroy();
	return t_done();
}
