#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/relay.h"
#include "tests/kit/t.h"

#define GOOD	"rcpt 250 2.1.5 recipient ok, message 250 2.0.0 taken"

static void
rule(struct relay *r, size_t server, const char *at, const char *say)
{
	r->servers[server].rules[0] = (struct mail_server_rule){ .at = at,
	    .say = say };
}

static size_t
index_of(const struct relay *r, const struct mailing *m)
{
	return strstr(m->where, r->url_text[0]) != NULL ? 0 : 1;
}

/* --- failover --- */

/* With the first address bad, every mail goes to the second, and only the
 * first failure is met and told. */
static void
test_failover(void)
{
	static const struct {
		const char *name, *at, *say;
	} cases[] = {
		{ "refuses", NULL, NULL },
		{ "closes", "connect", "!close" },
		{ "greets 554", "connect", "554 5.3.2 closed" },
		{ "greets 421", "connect", "421 4.3.2 busy\n!close" },
		{ "greets nonsense", "connect", "hello" },
		{ "is silent", "connect", "!hang" },
		{ "closes at EHLO", "EHLO", "!close" },
		{ "421 at EHLO", "EHLO", "421 4.3.2 busy" },
		{ "is silent at EHLO", "EHLO", "!hang" },
	};
	struct mailing m = {0};
	static struct relay r;
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 2);
		r.urls[0].weight = 100;
		if (strstr(cases[i].name, "silent") != NULL)
			relay_patience(&r, 200 * CLOCK_MS);
		if (cases[i].at == NULL)
			mail_server_refuse(&r.servers[0]);
		rule(&r, 0, cases[i].at, cases[i].say);
		relay_start(&r);
		for (k = 0; k < 20; k++)
			if (strcmp(relay_try(&r, &m), GOOD) != 0)
				break;
		T_STR(cases[i].name, m.outcome, GOOD);
		T_INT(cases[i].name, r.servers[1].messages, 20);
		T_INT(cases[i].name, r.servers[0].messages, 0);
		T_OK("it rests after one failure",
		    r.servers[0].connections <= 1);
		T_INT("which is told once", relay_logged(&r,
		    "warn - backend down backend=\"inside smtp"), 1);
		relay_end(&r);
	}
}

static void
test_down_and_up(void)
{
	struct mailing m = {0};
	static struct relay r;
	struct buf status = {0};
	struct json_out out = { .to = &status };

	relay_begin(&r, 1);
	r.conf.retry_time = 20 * CLOCK_MS;
	mail_server_refuse(&r.servers[0]);
	relay_start(&r);
	T_STR("refused", relay_try(&r, &m), "rcpt failed 451 4.4.1");
	T_OK("says where and why", strstr(m.err.text,
	    "backend inside smtp://127.0.0.1:") == m.err.text &&
	    strstr(m.err.text, ": connect: Connection refused") != NULL);
	T_STR("and again, though it rests", relay_try(&r, &m),
	    "rcpt failed 451 4.4.1");
	T_INT("told once", relay_logged(&r, "backend down"), 1);
	backends_status(r.backends, &out);
	T_OK("status", memmem(status.p, status.len,
	    "\"state\":\"down\",\"open\":0,\"idle\":0,", 33) != NULL);
	T_OK("and why", memmem(status.p, status.len, "Connection refused",
	    18) != NULL);
	mail_server_listen(&r.servers[0]);
	T_STR("back", relay_try(&r, &m), GOOD);
	T_INT("told too", relay_logged(&r, "info - backend up"), 1);
	buf_clear(&status);
	out.more = false;
	backends_status(r.backends, &out);
	T_OK("status", memmem(status.p, status.len,
	    "\"state\":\"up\",\"open\":1,\"idle\":1,", 31) != NULL);
	buf_free(&status);
	relay_end(&r);
}

/* After its rest a failed address gets one mail, that finds out. */
static void
test_rest(void)
{
	struct mailing m = {0};
	static struct relay r;
	size_t i;

	relay_begin(&r, 2);
	r.urls[0].weight = 100;
	r.conf.retry_time = 600 * CLOCK_MS;
	rule(&r, 0, "connect", "554 5.3.2 closed");
	relay_start(&r);
	RELAY_UNTIL(strcmp(relay_try(&r, &m), GOOD) != 0 ||
	    r.servers[0].connections == 1);
	T_STR("the other takes it", m.outcome, GOOD);
	relay_sleep(700 * CLOCK_MS);
	for (i = 0; i < 20; i++)
		relay_try(&r, &m);
	T_INT("tried again after its rest", r.servers[0].connections, 2);
	T_INT("and told nobody", relay_logged(&r, "backend down"), 1);
	mail_server_forget(&r.servers[0]);
	/* The second rest is twice as long. */
	relay_sleep(1300 * CLOCK_MS);
	for (i = 0; i < 20; i++)
		relay_try(&r, &m);
	T_OK("then it is back", r.servers[0].messages > 0);
	T_INT("and told so", relay_logged(&r, "backend up"), 1);
	relay_end(&r);
}

/* Both rest: one of them is tried, in turn. */
static void
test_all_rest(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 2);
	rule(&r, 0, "connect", "554 5.3.2 a");
	rule(&r, 1, "connect", "554 5.3.2 b");
	relay_start(&r);
	T_STR("both are bad", relay_try(&r, &m), "rcpt failed 451 4.4.1");
	T_INT("the first was tried", r.servers[0].connections, 1);
	T_INT("and the second", r.servers[1].connections, 1);
	relay_try(&r, &m);
	relay_try(&r, &m);
	T_INT("then in turn: the first", r.servers[0].connections, 2);
	T_INT("the second", r.servers[1].connections, 2);
	mail_server_forget(&r.servers[0]);
	mail_server_forget(&r.servers[1]);
	T_STR("and one that is back is found", relay_try(&r, &m), GOOD);
	relay_end(&r);
}

static void
test_weights(void)
{
	struct mailing m = {0};
	size_t count[2] = {0}, i;
	static struct relay r;

	relay_begin(&r, 2);
	r.urls[0].weight = 1;
	r.urls[1].weight = 3;
	relay_start(&r);
	for (i = 0; i < 400; i++) {
		relay_try(&r, &m);
		count[index_of(&r, &m)]++;
	}
	/* Expected 100; five standard deviations are 44. */
	T_OK("a quarter", count[0] > 56 && count[0] < 144);
	T_INT("all taken", r.servers[0].messages + r.servers[1].messages,
	    400);
	T_INT("over kept connections", r.servers[0].connections +
	    r.servers[1].connections, 2);
	relay_end(&r);
}

/* Only the connection may fail over: an answer is an answer. */
static void
test_answers_stand(void)
{
	static const struct {
		const char *name, *at, *say, *want;
	} cases[] = {
		{ "MAIL refused", "MAIL", "451 4.3.0 a", "rcpt 451 4.3.0 a" },
		{ "RCPT refused", "RCPT", "550 5.1.1 b", "rcpt 550 5.1.1 b" },
		{ "RCPT closes", "RCPT", "!close", "rcpt failed 451 4.4.1" },
	};
	struct mailing m = {0};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 2);
		rule(&r, 0, cases[i].at, cases[i].say);
		rule(&r, 1, cases[i].at, cases[i].say);
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), cases[i].want);
		T_INT("from one of them", r.servers[0].connections +
		    r.servers[1].connections, 1);
		T_INT("which is not down", relay_logged(&r, "backend down"),
		    0);
		relay_end(&r);
	}
}

/* --- abilities --- */

static void
test_missing_ability(void)
{
	static const struct {
		const char	*name;
		unsigned	 needs;
		const char	*want;
	} cases[] = {
		{ "8BITMIME", ABILITY_8BITMIME, "rcpt 451 4.3.5 The mail "
		    "server behind this gateway does not offer 8BITMIME now, "
		    "please try again later" },
		{ "SMTPUTF8", ABILITY_SMTPUTF8, "rcpt 451 4.3.5 The mail "
		    "server behind this gateway does not offer SMTPUTF8 now, "
		    "please try again later" },
		{ "DSN", ABILITY_DSN, "rcpt 451 4.3.5 The mail "
		    "server behind this gateway does not offer DSN now, "
		    "please try again later" },
		{ "what it has", 0, GOOD },
	};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing m = { .needs = cases[i].needs };

		relay_begin(&r, 1);
		r.servers[0].offers = "PIPELINING";
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), cases[i].want);
		T_INT("it is not down", relay_logged(&r, "backend down"), 0);
		relay_end(&r);
	}
}

static void
test_other_has_it(void)
{
	struct mailing m = { .needs = ABILITY_SMTPUTF8 };
	static struct relay r;
	size_t i;

	relay_begin(&r, 2);
	r.servers[0].offers = "PIPELINING";
	r.servers[1].offers = "PIPELINING\nSMTPUTF8";
	r.urls[0].weight = 100;
	relay_start(&r);
	for (i = 0; i < 10; i++)
		T_STR("the other can", relay_try(&r, &m), GOOD);
	T_INT("and takes them all", r.servers[1].messages, 10);
	T_INT("the first was only asked", r.servers[0].messages, 0);
	relay_end(&r);
}

static void
test_abilities(void)
{
	static const struct {
		const char	*name, *offers[2];
		unsigned	 want;
		uint64_t	 size;
	} cases[] = {
		{ "both the same", { "8BITMIME\nSMTPUTF8\nDSN",
		    "8BITMIME\nSMTPUTF8\nDSN" }, ABILITY_8BITMIME |
		    ABILITY_SMTPUTF8 | ABILITY_DSN, 0 },
		{ "what both can", { "8BITMIME\nDSN", "8BITMIME\nSMTPUTF8" },
		    ABILITY_8BITMIME, 0 },
		{ "the smaller size", { "SIZE 2000", "SIZE 1000" }, 0, 1000 },
		{ "a size without limit", { "SIZE 0", "SIZE 1000" }, 0,
		    1000 },
		{ "no size", { "SIZE", "8BITMIME" }, 0, 0 },
		{ "ours are not passed on", { "PIPELINING\nCHUNKING\n"
		    "STARTTLS\nXCLIENT ADDR", "PIPELINING\nCHUNKING\n"
		    "STARTTLS\nXCLIENT ADDR" }, 0, 0 },
		{ "BINARYMIME needs CHUNKING", { "BINARYMIME\nCHUNKING",
		    "BINARYMIME" }, 0, 0 },
		{ "BINARYMIME", { "BINARYMIME\nCHUNKING",
		    "chunking\nbinarymime" }, ABILITY_BINARYMIME, 0 },
		{ "case and odd words", { "8bitmime\n8BITMIMEX\nAUTH=x",
		    "8BitMime" }, ABILITY_8BITMIME, 0 },
		{ "the name is not a keyword", { "", "" }, 0, 0 },
	};
	static struct relay r;
	uint64_t size;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 2);
		r.servers[0].offers = cases[i].offers[0];
		r.servers[1].offers = cases[i].offers[1];
		r.conf.probe_interval = 60 * CLOCK_S;
		relay_start(&r);
		T_INT("before any is known", backends_abilities(r.backends,
		    &size), ABILITY_SIZE | ABILITY_8BITMIME |
		    ABILITY_SMTPUTF8);
		RELAY_UNTIL(r.servers[0].open == 1 && r.servers[1].open == 1);
		relay_sleep(5 * CLOCK_MS);
		T_INT(cases[i].name, backends_abilities(r.backends, &size),
		    ABILITY_SIZE | cases[i].want);
		T_INT(cases[i].name, size, cases[i].size);
		relay_end(&r);
	}
}

/* --- probes --- */

static void
test_probes(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 1);
	r.conf.probe_interval = 300 * CLOCK_MS;
	relay_start(&r);
	RELAY_UNTIL(strcmp(mail_server_verbs(&r.servers[0]), "1 EHLO") == 0);
	relay_sleep(2 * CLOCK_MS);
	T_STR("a probed connection is used", relay_try(&r, &m), GOOD);
	T_STR("for the first mail", mail_server_verbs(&r.servers[0]),
	    "1 EHLO MAIL+ RCPT DATA");
	RELAY_UNTIL(r.servers[0].connections == 2);
	mail_server_refuse(&r.servers[0]);
	RELAY_UNTIL(relay_logged(&r, "backend down") == 1);
	mail_server_listen(&r.servers[0]);
	RELAY_UNTIL(relay_logged(&r, "backend up") == 1);
	T_INT("down and up without a mail", relay_logged(&r, "backend down"),
	    1);
	relay_end(&r);
}

/* New connections of mails tell as much as probes do. */
static void
test_probe_not_needed(void)
{
	struct mailing m = {0};
	static struct relay r;
	int i;

	relay_begin(&r, 1);
	r.conf.probe_interval = 200 * CLOCK_MS;
	r.conf.max_idle = 0;
	relay_start(&r);
	for (i = 0; i < 60; i++) {
		relay_try(&r, &m);
		relay_sleep(5 * CLOCK_MS);
	}
	/* One for each mail, the first probe, and one more if the machine
	 * was asleep for long. */
	T_OK("only the first", r.servers[0].connections <= 62);
	relay_end(&r);
}

static void
test_ended_at_once(void)
{
	static struct relay r;

	relay_begin(&r, 2);
	r.conf.probe_interval = CLOCK_S;
	relay_start(&r);
	relay_end(&r);
	T_OK("probes that never ran", r.backends == NULL);

	relay_begin(&r, 2);
	rule(&r, 0, "connect", "!hang");
	r.conf.probe_interval = 60 * CLOCK_S;
	relay_start(&r);
	RELAY_UNTIL(r.servers[0].open == 1);
	backends_destroy(&r.backends);
	RELAY_UNTIL(r.servers[0].open == 0);
	T_INT("a probe cut short is no failure", relay_logged(&r,
	    "backend down"), 0);
	relay_end(&r);
}

/* A mail whose session must stop says nothing about the backend. */
static void
test_stopped(void)
{
	static const struct {
		const char *name, *at;
	} cases[] = {
		{ "at the greeting", "connect" }, { "at EHLO", "EHLO" },
		{ "at RCPT", "RCPT" }, { "at DATA", "DATA" },
		{ "at the end of the message", "message" },
	};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing m = {0};

		relay_begin(&r, 2);
		rule(&r, 0, cases[i].at, "!hang");
		rule(&r, 1, cases[i].at, "!hang");
		relay_start(&r);
		relay_spawn(&r, &m);
		RELAY_UNTIL(r.servers[0].open + r.servers[1].open == 1);
		relay_sleep(10 * CLOCK_MS);
		fiber_stop(m.fiber);
		relay_wait(&m);
		T_OK(cases[i].name, strstr(m.outcome, "message 250") == NULL);
		T_INT("one connection, no second try",
		    r.servers[0].connections + r.servers[1].connections, 1);
		T_INT("nothing is down", relay_logged(&r, "backend down"), 0);
		relay_end(&r);
	}
}

/* Sessions may outlive the end of the backends (a drain that was cut). */
static void
test_ends_under_a_mail(void)
{
	struct mailing m = { .hold = 20 * CLOCK_MS };
	static struct relay r;

	relay_begin(&r, 1);
	r.conf.probe_interval = CLOCK_S;
	relay_start(&r);
	relay_spawn(&r, &m);
	RELAY_UNTIL(r.servers[0].open > 0);
	relay_sleep(5 * CLOCK_MS);
	backends_destroy(&r.backends);
	relay_wait(&m);
	T_STR("its mail is delivered", m.outcome, GOOD);
	relay_end(&r);
}

int
main(void)
{
	alarm(240);
	loop_create();
	test_failover();
	test_down_and_up();
	test_rest();
	test_all_rest();
	test_weights();
	test_answers_stand();
	test_missing_ability();
	test_other_has_it();
	test_abilities();
	test_probes();
	test_probe_not_needed();
	test_ended_at_once();
	test_stopped();
	test_ends_under_a_mail();
	loop_destroy();
	return t_done();
}
