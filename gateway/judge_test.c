#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/loop.h"
#include "filters/signature.h"
#include "gateway/judge_internal.h"
#include "tests/kit/hearing.h"
#include "tests/kit/t.h"

/*
 * What is looked up when, how long what was decided lasts, and that a client
 * who goes on and on makes nothing grow.
 */
#define ACCEPTED	"accept, no rule decided"
#define MANY		200

static const char mail[] = "From: a@x.example\r\n\r\ntext\r\n";

/* --- no lookup before it must be --- */

static void
trusted_at_once(struct hearing *h)
{
	const struct findings *f;

	T_OK("trusted at once", judge_is_trusted(h->judge));
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("trusted: no rule of others", hearing_rcpt(h,
	    "b@here.example"), "accept by ours");
	T_STR("nor of the message", hearing_message(h, mail),
	    "accept by ours");
	T_INT("no findings", judge_findings(h->judge, &f, &h->err), 0);
	T_OK("none at all", f == NULL);
	hearing_helo(h, "d.example");
	hearing_mail(h, "b@y.example");
	T_STR("trust lasts for the session", hearing_rcpt(h,
	    "c@here.example"), "accept by ours");
	T_STR("nothing was looked up", hearing_asked(h), "");
	T_OK("the name is known, as none", judge_has_name(h->judge));
}

static void
refused_at_once(struct hearing *h)
{
	T_STR("refused at once, nothing was looked up", hearing_asked(h), "");
	T_OK("refused", judge_refusal(h->judge) != NULL);
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("told at RCPT", hearing_rcpt(h, "b@here.example"),
	    "reject 550 5.7.1 \"not 192.0.2.9\" by bad");
	T_OK("later phases were not asked",
	    judge_verdict(h->judge, PHASE_HELO) == NULL &&
	    judge_verdict(h->judge, PHASE_MAIL) == NULL);
	T_STR("nor anything looked up", hearing_asked(h), "");
}

static void
refused_at_helo(struct hearing *h)
{
	T_STR("the name, for Received", hearing_asked(h),
	    "PTR 9.2.0.192.in-addr.arpa");
	hearing_helo(h, "bad.example");
	hearing_mail(h, "a@x.example");
	T_STR("refused by its HELO", hearing_rcpt(h, "b@here.example"),
	    "reject 550 5.7.1 \"no\" by bad");
	T_STR("nothing of name and sender was looked up", hearing_asked(h),
	    "");
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("the next HELO is another matter", hearing_rcpt(h,
	    "b@here.example"), ACCEPTED);
	T_STR("its lookups", hearing_asked(h),
	    "TXT x.example, A c.example, AAAA c.example");
}

static void
waits_for_the_greeting(struct hearing *h)
{
	T_STR("who spoke early is not known yet, nothing is looked up",
	    hearing_asked(h), "");
	T_OK("nor decided", judge_verdict(h->judge, PHASE_CONNECT) == NULL);
	judge_greeted(h->judge);
	T_OK("decided with the greeting",
	    judge_verdict(h->judge, PHASE_CONNECT) == NULL);
	T_STR("what comes behind is looked up from then on",
	    hearing_asked(h), "PTR 9.2.0.192.in-addr.arpa");
}

static void
refused_early_talker(struct hearing *h)
{
	h->client.early_talker = true;
	judge_greeted(h->judge);
	T_OK("an early talker is refused", judge_refusal(h->judge) != NULL);
	T_STR("without a lookup", hearing_asked(h), "");
}

/* --- what is begun when --- */

static void
begins_together(struct hearing *h)
{
	int64_t began = clock_now();

	T_STR("connect: the client's name and lists", hearing_asked(h),
	    "PTR 9.2.0.192.in-addr.arpa, A 9.2.0.192.zen.example");
	hearing_helo(h, "c.example");
	T_STR("HELO: its addresses and SPF", hearing_asked(h),
	    "TXT c.example, A c.example, AAAA c.example");
	hearing_helo(h, "c.example");
	T_STR("said again: nothing new", hearing_asked(h), "");
	hearing_mail(h, "a@x.example");
	T_STR("MAIL: SPF, and whether it takes mail", hearing_asked(h),
	    "TXT x.example, MX x.example, A x.example, AAAA x.example");
	T_INT("nothing has waited", clock_now() - began, 0);
	T_STR("RCPT waits for all of them", hearing_rcpt(h,
	    "b@here.example"), ACCEPTED);
	T_INT("in the time of the slowest", clock_now() - began,
	    3 * CLOCK_S);
	(void)hearing_asked(h);
	T_STR("the message", hearing_message(h, mail), ACCEPTED);
	T_STR("DMARC of its author", hearing_asked(h),
	    "TXT _dmarc.x.example, TXT _dmarc.example");
}

static void
only_what_is_wanted(struct hearing *h)
{
	T_STR("connect", hearing_asked(h), "PTR 9.2.0.192.in-addr.arpa");
	hearing_helo(h, "c.example");
	T_STR("nothing of HELO", hearing_asked(h), "");
	hearing_mail(h, "a@x.example");
	T_STR("SPF of the sender", hearing_asked(h), "TXT x.example");
	hearing_rcpt(h, "b@here.example");
	hearing_message(h, mail);
	T_STR("nothing of the message", hearing_asked(h), "");
}

/* --- phases --- */

static void
in_their_order(struct hearing *h)
{
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_OK("helo is free, but connect has the first word",
	    judge_refusal(h->judge) == NULL &&
	    judge_verdict(h->judge, PHASE_HELO) == NULL);
	T_STR("and refuses first", hearing_rcpt(h, "b@here.example"),
	    "reject 550 5.7.1 \"listed\" by listed");
}

/* As with STARTTLS: the same name again, but it was said in clear. */
static void
helo_over_tls(struct hearing *h)
{
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("in clear", hearing_rcpt(h, "b@here.example"),
	    "defer 451 4.7.1 \"none\" by clear");
	(void)hearing_asked(h);
	hearing_mail_end(h);
	h->client.tls_version = "TLSv1.3";
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("over TLS", hearing_rcpt(h, "b@here.example"), ACCEPTED);
	T_STR("what it said", hearing_logs(h), "TLSv1.3");
	T_STR("only now its name was looked up", hearing_asked(h),
	    "A c.example, AAAA c.example");
}

static void
scores(struct hearing *h)
{
	struct buf names = {0};

	hearing_helo(h, "c.example");
	for (int i = 0; i < 3; i++) {
		hearing_mail(h, "a@x.example");
		hearing_rcpt(h, "b@here.example");
		hearing_rcpt(h, "c@here.example");
		T_INT("scores are given once, in each mail",
		    judge_score(h->judge), 1111);
		hearing_message(h, mail);
		T_STR("the message has those of the first", hearing_logs(h),
		    "111.11 c, h, m, first, n");
	}
	judge_put_scores(h->judge, &names);
	T_OK("their names", span_is(buf_text(&names), "c,h,m,first,n"));
	buf_free(&names);
	hearing_helo(h, "d.example");
	T_INT("behind the next HELO", judge_score(h->judge), 11);
}

/* --- trust --- */

static void
trusted_helo(struct hearing *h)
{
	hearing_helo(h, "ours.example");
	hearing_mail(h, "a@x.example");
	T_STR("trusted by its HELO", hearing_rcpt(h, "b@here.example"),
	    "accept by ours");
	hearing_mail(h, "b@x.example");
	T_STR("the next mail too", hearing_rcpt(h, "b@here.example"),
	    "accept by ours");
	T_OK("no lookup but that of the name", strstr(hearing_asked(h),
	    "x.example") == NULL);
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("until the next HELO", hearing_rcpt(h, "b@here.example"),
	    "reject 550 5.7.1 \"no\" by all");
}

static void
trusted_mail(struct hearing *h)
{
	hearing_helo(h, "c.example");
	hearing_mail(h, "ours@x.example");
	T_STR("trusted by its sender", hearing_rcpt(h, "b@here.example"),
	    "accept by ours");
	T_STR("with its message", hearing_message(h, mail),
	    "accept by ours");
	hearing_mail(h, "a@x.example");
	T_STR("until the next mail", hearing_rcpt(h, "b@here.example"),
	    "reject 550 5.7.1 \"no\" by all");
}

static void
trusted_late(struct hearing *h)
{
	const struct findings *f;

	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("trusted by what was looked up", hearing_rcpt(h,
	    "b@here.example"), "accept by ours");
	(void)hearing_asked(h);
	T_STR("then no more is", hearing_message(h, mail),
	    "accept by ours");
	T_STR("nothing of the message", hearing_asked(h), "");
	T_OK("no findings", judge_findings(h->judge, &f, &h->err) == 0 &&
	    f == NULL);
}

static void
trusted_rcpt(struct hearing *h)
{
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("a recipient is trusted", hearing_rcpt(h,
	    "abuse@here.example"), "trust by abuse");
	T_STR("others are apart", hearing_rcpt(h, "b@here.example"),
	    "apart");
	T_STR("one more is not", hearing_rcpt(h, "abuse@here.example"),
	    "trust by abuse");
	T_STR("its message", hearing_message(h, mail), "accept by abuse");
	hearing_mail(h, "a@x.example");
	T_STR("not in the next mail", hearing_rcpt(h, "b@here.example"),
	    ACCEPTED);
	T_STR("who is trusted is apart then", hearing_rcpt(h,
	    "abuse@here.example"), "apart");
	T_STR("whose message is refused", hearing_message(h, mail),
	    "reject 550 5.7.1 \"no\" by all");
}

/* --- recipients --- */

static void
kept_recipient(struct hearing *h)
{
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("discarded, so it counts nowhere", hearing_rcpt(h,
	    "gone@here.example"), "discard \"x\" by gone");
	T_STR("the first that is taken", hearing_rcpt(h,
	    "one@here.example"), ACCEPTED);
	T_STR("another class", hearing_rcpt(h, "two@there.example"),
	    "apart");
	T_STR("the same class", hearing_rcpt(h, "two@HERE.example"),
	    ACCEPTED);
	T_STR("discarded last", hearing_rcpt(h, "gone@there.example"),
	    "discard \"x\" by gone");
	T_STR("the message", hearing_message(h, mail), ACCEPTED);
	T_STR("is that of the first", hearing_logs(h), "here.example 2");
}

static void
nobody_left(struct hearing *h)
{
	hearing_helo(h, "c.example");
	hearing_mail(h, "a@x.example");
	T_STR("all are discarded", hearing_rcpt(h, "gone@here.example"),
	    "discard \"x\" by gone");
	arena_destroy(&h->scratch);
	T_STR("a message for nobody", hearing_message(h, mail), ACCEPTED);
	T_STR("has no recipient", hearing_logs(h), "none 1");
}

/* --- DNS lists --- */

static void
growing_lists(struct hearing *h)
{
	hearing_helo(h, "bad.example");
	hearing_mail(h, "a@worse.example");
	T_STR("RCPT", hearing_rcpt(h, "b@here.example"), ACCEPTED);
	T_STR("client, HELO and sender", hearing_logs(h),
	    "7 zen, bad 127.0.0.2, 127.0.0.4");
	T_STR("the message", hearing_message(h,
	    "From: a@worst.example\r\n\r\ntext\r\n"), ACCEPTED);
	T_STR("and its author", hearing_logs(h),
	    "7 zen, bad 127.0.0.2, 127.0.0.4, 127.0.0.8");
	T_INT("each phase saw what was known by then", judge_score(h->judge),
	    123400);
	hearing_mail(h, "a@x.example");
	T_STR("the next mail", hearing_rcpt(h, "b@here.example"), ACCEPTED);
	T_STR("forgets the sender's and the author's", hearing_logs(h),
	    "7 zen, bad 127.0.0.2");
	hearing_helo(h, "good.example");
	hearing_mail(h, "a@x.example");
	T_STR("the next HELO", hearing_rcpt(h, "b@here.example"), ACCEPTED);
	T_STR("forgets the last one's", hearing_logs(h), "5 zen none");
}

/* --- who goes on and on --- */

static void
nothing_grows(struct hearing *h)
{
	size_t session = 0, one = 0;

	for (int i = 0; i < MANY; i++) {
		char *name = arena_printf(h->arena, "h%d.example", i);

		hearing_helo(h, name);
		hearing_mail(h, "a@x.example");
		hearing_rcpt(h, "b@here.example");
		hearing_message(h, mail);
		hearing_mail(h, "b@x.example");
		if (i == 1)
			session = arena_size(h->judge->arena);
	}
	T_INT("mails and HELO do not grow the judge",
	    arena_size(h->judge->arena), session);
	for (int i = 0; i < MANY; i++) {
		hearing_rcpt(h, arena_printf(h->arena, "bad%d@here.example",
		    i));
		if (i == 1)
			one = arena_size(h->judge->mail->arena);
	}
	T_INT("refused recipients do not grow the mail",
	    arena_size(h->judge->mail->arena), one);
	T_INT("nor the session", arena_size(h->judge->arena), session);
}

/* What the names before have set off is over before the next one's begins. */
static void
helo_without_end(struct hearing *h)
{
	int64_t began = clock_now();

	for (int i = 1; i <= 3; i++) {
		hearing_helo(h, arena_printf(h->arena, "slow%d.example", i));
		T_STR("one at a time", hearing_asked(h), arena_printf(
		    h->arena, "%sA slow%d.example, AAAA slow%d.example",
		    i == 1 ? "PTR 9.2.0.192.in-addr.arpa, " : "", i, i));
	}
	T_INT("each waits for the one before", clock_now() - began,
	    4 * CLOCK_S);
}

static void
mails_without_end(struct hearing *h)
{
	int64_t began = clock_now();

	hearing_helo(h, "c.example");
	(void)hearing_asked(h);
	for (int i = 1; i <= 3; i++) {
		hearing_mail(h, arena_printf(h->arena, "a@slow%d.example",
		    i));
		T_STR("one mail at a time", hearing_asked(h),
		    arena_printf(h->arena, "TXT slow%d.example", i));
	}
	T_INT("each waits for the one before", clock_now() - began,
	    4 * CLOCK_S);
}

/* --- */

#define ZEN	"dnsbl zen { zone zen.example reply 127.0.0.2 score 5 " \
		"test_points no }\n"
#define NAMES	"dnsbl bad { zone names.example checks helo sender " \
		"from reply 127.0.0.2-8 score 2 test_points no }\n"
#define QUIET	"authres { add no }\n"

static const struct {
	void		(*run)(struct hearing *h);
	const char	*rules, *conf, *zone;
	bool		 is_not_greeted;
} cases[] = {
	{ trusted_at_once, "on connect {\n"
	    "ours: trust when client.ip in { 192.0.2.0/24 }\n"
	    "reject \"no\" when dnsbl.score > 0\n}\n"
	    "on mail { reject \"no\" when spf is none }\n"
	    "on rcpt { reject \"no\" }\n"
	    "on message { reject \"no\" when dmarc is none }\n", ZEN, NULL,
	    false },
	{ refused_at_once, "on connect {\n"
	    "bad: reject \"not {client.ip}\" when client.port > 25\n"
	    "reject \"no\" when dnsbl.score > 0\n}\n"
	    "on mail { reject \"no\" when spf is none }\n", ZEN, NULL,
	    false },
	{ refused_at_helo, "on helo {\n"
	    "bad: reject \"no\" when helo.name is \"bad.example\"\n"
	    "reject \"no\" when not helo.resolves\n}\n"
	    "on mail { reject \"no\" when spf is fail }\n", QUIET,
	    "c.example A 192.0.2.1\n", false },
	{ waits_for_the_greeting, "on connect {\n"
	    "reject \"no\" when client.early-talker\n"
	    "reject \"no\" when client.name is none\n}\n", QUIET, NULL,
	    true },
	{ refused_early_talker, "on connect {\n"
	    "reject \"no\" when client.early-talker\n"
	    "reject \"no\" when client.name is none\n}\n", QUIET, NULL,
	    true },
	{ begins_together, "on connect { score 1 when dnsbl.score > 0 }\n"
	    "on helo { score 1 when helo.resolves and spf.helo is pass }\n"
	    "on mail { score 1 when sender.domain-accepts-mail "
	    "or spf is fail }\n"
	    "on message { score 1 when dmarc is fail }\n", ZEN,
	    "9.2.0.192.zen.example delay 3000\nc.example delay 2000\n"
	    "x.example delay 2500\n", false },
	{ only_what_is_wanted, "on rcpt { score 1 when spf is fail }\n",
	    ZEN QUIET, NULL, false },
	{ in_their_order, "on connect { listed: reject \"listed\" "
	    "when dnsbl.zen in { 127.0.0.2 } }\n"
	    "on helo { reject \"helo\" }\non mail { reject \"mail\" }\n",
	    ZEN QUIET, "9.2.0.192.zen.example A 127.0.0.2\n", false },
	{ helo_over_tls, "on helo {\n"
	    "clear: defer \"{tls.version}\" when not client.tls\n"
	    "score 1 when not helo.resolves\n}\n"
	    "on rcpt {\nlog \"{tls.version}\"\n"
	    "score 1 when not helo.resolves\n}\n", QUIET, NULL, false },
	{ scores, "on connect { score 0.01 \"c\" }\n"
	    "on helo { score 0.1 \"h\" }\non mail { score 1 \"m\" }\n"
	    "on rcpt {\nscore 10 \"first\" when rcpt.local is \"b\"\n"
	    "score 10 \"other\" when rcpt.local is \"c\"\n}\n"
	    "on message {\nscore 100 \"n\"\nlog \"{score} {scores}\"\n}\n",
	    QUIET, NULL, false },
	{ trusted_helo, "on helo { ours: trust when helo.name is "
	    "\"ours.example\" }\n"
	    "on mail { all: reject \"no\" when spf is none }\n", QUIET, NULL,
	    false },
	{ trusted_mail, "on mail { ours: trust when sender.local is "
	    "\"ours\" }\non rcpt { all: reject \"no\" }\n"
	    "on message { reject \"no\" when dmarc is none }\n", QUIET, NULL,
	    false },
	{ trusted_late, "on connect { ours: trust when client.name is "
	    "\"mail.example\" }\non rcpt { reject \"no\" }\n"
	    "on message { reject \"no\" when dmarc is none }\n", NULL,
	    "9.2.0.192.in-addr.arpa PTR mail.example\n"
	    "mail.example A 192.0.2.9\n", false },
	{ trusted_rcpt, "on rcpt { abuse: trust when rcpt.local is "
	    "\"abuse\" }\non message { all: reject \"no\" }\n", QUIET, NULL,
	    false },
	{ kept_recipient, "on rcpt { gone: discard \"x\" when rcpt.local is "
	    "\"gone\" }\non message { log \"{rcpt.domain} {rcpt.count}\" }\n",
	    QUIET, NULL, false },
	{ nobody_left, "on rcpt { gone: discard \"x\" when rcpt.local is "
	    "\"gone\" }\non message { log \"{rcpt.domain} {rcpt.count}\" }\n",
	    QUIET, NULL, false },
	{ growing_lists, "on connect { score 1000 when dnsbl.score is 5 }\n"
	    "on helo { score 200 when dnsbl.score is 7 }\n"
	    "on mail { score 30 when dnsbl.names in { \"bad\" } }\n"
	    "on rcpt {\nscore 4 when dnsbl.names in { \"bad\" }\n"
	    "log \"{dnsbl.score} {dnsbl.names} {dnsbl.bad}\"\n}\n"
	    "on message { log \"{dnsbl.score} {dnsbl.names} "
	    "{dnsbl.bad}\" }\n", ZEN NAMES QUIET,
	    "9.2.0.192.zen.example A 127.0.0.2\n"
	    "bad.example.names.example A 127.0.0.2\n"
	    "worse.example.names.example A 127.0.0.4\n"
	    "worst.example.names.example A 127.0.0.8\n", false },
	{ nothing_grows, "on connect { score 1 when client.name is none }\n"
	    "on helo {\nscore 1 when not helo.resolves\n"
	    "tag long when helo.name ends with \"e\"\n}\n"
	    "on mail {\nscore 1 when sender.domain in { \".example\" }\n"
	    "score 2 when spf is none or dnsbl.score > 1\n}\n"
	    "on rcpt {\nscore 1 when rcpt.domain contains \"e\"\n"
	    "log \"{dnsbl.names} {sender.domain} {scores}\"\n"
	    "reject \"{rcpt}\" when rcpt.local starts with \"bad\"\n}\n"
	    "on message { score 1 when dmarc is none and "
	    "rcpt.domain is \"x\" }\n", ZEN NAMES, NULL, false },
	{ helo_without_end, "on rcpt { score 1 when helo.resolves }\n",
	    QUIET, "slow1.example delay 2000\nslow2.example delay 2000\n"
	    "slow3.example delay 2000\n", false },
	{ mails_without_end, "on rcpt { score 1 when spf is fail }\n", QUIET,
	    "slow1.example delay 2000\nslow2.example delay 2000\n"
	    "slow3.example delay 2000\n", false },
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
		    .conf = cases[i].conf, .zone = cases[i].zone,
		    .is_not_greeted = cases[i].is_not_greeted };

		hearing_hold(&h, cases[i].run);
	}
	signature_close();
	loop_destroy();
	return t_done();
}
