#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "filters/signature.h"
#include "gateway/judge_internal.h"
#include "gateway/recorded.h"
#include "gateway/transaction_internal.h"
#include "tests/kit/hearing.h"
#include "tests/kit/t.h"

/*
 * What is known of the facts at a point, told without asking anybody: nothing
 * is looked up for that, no time passes, and what was not looked for is not
 * there, nor is it neutral.
 */
static const char mail[] = "From: a@x.example\r\nSubject: hi\r\n\r\ntext\r\n";

static bool
is_known(struct hearing *h, const struct findings *found, enum fact_id id)
{
	const struct fact_ref ref = { .fact = fact_at(id),
	    .slot = FACT_NO_SLOT };
	struct value v;

	return judge_known(h->judge, found, &ref, &v);
}

/* Records leave these out if they are nothing: who finds the one beside it takes
 * it for known. */
static size_t looked_at;

static void
check_left_out(struct hearing *h, const struct findings *found)
{
	enum fact_id beside;

	for (enum fact_id id = 0; id < FACTS; id++)
		if (recorded_leaves_out(id, &beside) &&
		    is_known(h, found, beside)) {
			T_OK(fact_at(id)->name, is_known(h, found, id));
			looked_at++;
		}
}

/* The object of all facts that are known, of the recipient at hand too. */
static MAY_YIELD const char *
known(struct hearing *h, bool of_rcpt)
{
	struct transaction_plan *plan = transaction_plan(h->arena,
	    h->rules_read, NULL);
	int64_t began = clock_now();
	struct findings found;
	struct buf b = {0};
	struct teller t = tell_begin(&b, NULL);
	const char *text;

	for (size_t i = 0; i < plan->nfacts; i++)
		plan->facts[i].needs_no_nothing = false;
	(void)hearing_asked(h);
	/* That of hearing_rcpt() is gone; it is the same one. */
	if (of_rcpt)
		h->judge->mail->rcpt = &h->rcpts[0];
	judge_found(h->judge, &found);
	check_left_out(h, &found);
	if (of_rcpt)
		tell_facts(&t, h->judge, &found, plan->rcpt_facts,
		    plan->nrcpt_facts, true);
	else
		tell_facts(&t, h->judge, &found, plan->facts, plan->nfacts,
		    true);
	T_STR("nothing was looked up for it", hearing_asked(h), "");
	T_INT("nor waited for", clock_now() - began, 0);
	text = arena_copy(h->arena, buf_text(&b));
	buf_free(&b);
	return text;
}

/* "spf": its value, and a comma; NULL: it is not there. */
static bool
says(const char *text, const char *fact, const char *value)
{
	char want[200];
	const char *at;

	snprintf(want, sizeof(want), "\"%s\":", fact);
	at = strstr(text, want);
	if (at == NULL || value == NULL)
		return at == NULL && value == NULL;
	at += strlen(want);
	return strncmp(at, value, strlen(value)) == 0 &&
	    strchr(",}", at[strlen(value)]) != NULL;
}

static void
at_connect(struct hearing *h)
{
	const char *text = known(h, false);

	T_OK("the address", says(text, "client.ip", "\"192.0.2.9\""));
	T_OK("its name is being looked up", says(text, "client.name", NULL) &&
	    says(text, "client.reverse", NULL));
	T_OK("there is no HELO yet", says(text, "helo.name", NULL) &&
	    says(text, "client.tls", NULL));
	T_OK("nor a mail", says(text, "sender", NULL) &&
	    says(text, "spf", NULL) && says(text, "message.size", NULL));
}

static void
of_a_mail(struct hearing *h)
{
	const char *text;

	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	text = known(h, false);
	T_OK("the sender", says(text, "sender", "\"a@x.example\"") &&
	    says(text, "sender.domain", "\"x.example\""));
	T_OK("SPF is under way", says(text, "spf", NULL));
	T_STR("a recipient", hearing_rcpt(h, "b@here.example"),
	    "accept, no rule decided");
	text = known(h, true);
	T_OK("he is told", says(text, "rcpt.domain", "\"here.example\"") &&
	    says(text, "rcpt.count", "1"));
	T_OK("there is no greylist", says(text, "greylist", NULL));
	text = known(h, false);
	T_OK("what a rule has waited for", says(text, "spf", "\"fail\""));
	T_OK("and what was found beside it", says(text, "client.name",
	    "\"mail.example\"") && says(text, "client.reverse", "\"ok\""));
	T_OK("no rule asks for the HELO name: it is not known",
	    says(text, "helo.resolves", NULL) &&
	    says(text, "helo.name", "\"c.example\""));
	T_OK("there is no message", says(text, "header Subject", NULL) &&
	    says(text, "from.domain", NULL));
	T_STR("the message", hearing_message(h, mail),
	    "accept, no rule decided");
	text = known(h, false);
	T_OK("its size", says(text, "message.size", "40"));
	T_OK("what is told always", says(text, "header Subject", "\"hi\"") &&
	    says(text, "header To", "null"));
	T_OK("what nobody looked for", says(text, "dkim", NULL) &&
	    says(text, "dmarc", NULL) && says(text, "arc", NULL));
	hearing_mail_end(h);
	text = known(h, false);
	T_OK("behind it nothing of it is known", says(text, "sender", NULL) &&
	    says(text, "spf", NULL) && says(text, "header Subject", NULL));
}

static void
of_lists(struct hearing *h)
{
	const char *text;

	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_OK("not all have answered", says(known(h, false), "dnsbl.score",
	    NULL));
	hearing_rcpt(h, "b@here.example");
	text = known(h, false);
	T_OK("now they have", says(text, "dnsbl.score", "5.00") &&
	    says(text, "dnsbl.names", "[\"zen\"]") &&
	    says(text, "dnsbl.zen", "[\"127.0.0.2\"]") &&
	    says(text, "dnsbl.failed", "0"));
}

static void
without_rules(struct hearing *h)
{
	const char *text;

	hearing_helo(h, "C.example");
	hearing_mail(h, "a@x.example");
	hearing_rcpt(h, "b@here.example");
	text = known(h, true);
	T_OK("a recipient", says(text, "rcpt.domain", "\"here.example\""));
	text = known(h, false);
	T_OK("the client and the sender",
	    says(text, "helo.name", "\"c.example\"") &&
	    says(text, "sender", "\"a@x.example\""));
}

static void
many_times(struct hearing *h)
{
	size_t before = 0;

	hearing_helo(h, "c.example");
	for (int i = 0; i < 20; i++) {
		hearing_mail(h, "a@x.example");
		hearing_rcpt(h, "b@here.example");
		(void)known(h, true);
		hearing_message(h, mail);
		(void)known(h, false);
		if (i == 10)
			before = arena_size(h->judge->arena);
	}
	hearing_mail_end(h);
	T_OK("nothing of the session grows",
	    arena_size(h->judge->arena) <= before + 1024);
}

#define QUIET	"authres { add no }\n"
static const struct {
	void		(*run)(struct hearing *h);
	const char	*rules, *conf, *zone;
} cases[] = {
	{ at_connect, "on rcpt { log \"{client.name}\" }\n", QUIET,
	    "9.2.0.192.in-addr.arpa delay 2000\n" },
	{ of_a_mail, "on rcpt { score 1 when spf is fail }\n"
	    "on message { log \"{header \\\"X\\\"}\" }\n", QUIET,
	    "9.2.0.192.in-addr.arpa PTR mail.example\n"
	    "mail.example A 192.0.2.9\n"
	    "x.example TXT \"v=spf1 -all\"\nx.example delay 500\n" },
	{ of_lists, "on rcpt { score 1 when dnsbl.score > 0\n"
	    "log \"{dnsbl.zen}\" }\n", QUIET "dnsbl zen { "
	    "zone zen.example test_points no "
	    "reply 127.0.0.2 score 5 }\n",
	    "9.2.0.192.zen.example A 127.0.0.2\n"
	    "9.2.0.192.zen.example delay 1000\n" },
	{ without_rules, "", QUIET, NULL },
	{ many_times, "on rcpt { score 1 when spf is fail }\n"
	    "on message { log \"{header \\\"X\\\"} {from.domain}\" }\n", QUIET,
	    NULL },
};

int
main(void)
{
	struct err err;

	loop_create();
	if (signature_open(SIGNATURE_OWN, &err) < 0)
		abort();
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct hearing h = { .rules = cases[i].rules,
		    .conf = cases[i].conf, .zone = cases[i].zone };

		hearing_hold(&h, cases[i].run);
	}
	T_OK("much was looked at", looked_at > 100);
	signature_close();
	loop_destroy();
	return t_done();
}
