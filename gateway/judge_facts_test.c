#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/loop.h"
#include "filters/signature.h"
#include "policy/fact.h"
#include "policy/test_facts.h"
#include "tests/kit/hearing.h"
#include "tests/kit/signed.h"
#include "tests/kit/t.h"

/*
 * Each row of policy/fact_table.h, as a rule reads it: of a client and a mail
 * of which something is to be said for every fact, and of a client that is
 * not looked up. A new row fails until it has a case here.
 */
static const char zone[] =
    "9.2.0.192.in-addr.arpa PTR mail.x.example\n"
    "mail.x.example A 192.0.2.9\n"
    "9.2.0.192.zen.example A 127.0.0.2\n"
    "9.2.0.192.mute.example timeout\n"
    "c.example TXT \"v=spf1 -all\"\n"
    "x.example MX 0 .\n"
    "x.example TXT \"v=spf1 -all exp=why.x.example\"\n"
    "why.x.example TXT \"not from %{i}\"\n"
    "_dmarc.x.example TXT \"v=DMARC1; p=reject; t=y\"\n";

static const char conf[] =
    "dnsbl zen { zone zen.example reply 127.0.0.2 score 5 tag bad "
	"test_points no }\n"
    "dnsbl mute { zone mute.example reply 127.0.0.2 score 5 "
	"test_points no }\n"
    "milter clamav { address unix:/run/clamav }\n"
    "milter spam { address unix:/run/spam }\n";

static const char message[] =
    "From: bob@x.example, ann@x.example\r\nX-Case: =?utf-8?q?=6fne?=\r\n"
    "X-Case: t\r\n wo\r\n"
    "ARC-Seal: i=1; cv=none; a=rsa-sha256; d=x.example; s=k; b=AAAA\r\n"
    "\r\ntext\r\n";

/* What a list is called, and a header field. */
#define HEADER	"X-Case"

static const struct expected {
	const char	*real;
	enum { AS_IT_IS, NEUTRAL } unchecked;	/* of a client that is not
						   looked up */
} cases[FACTS] = {
	[FACT_CLIENT_IP] = { .real = "192.0.2.9" },
	[FACT_CLIENT_PORT] = { .real = "4242" },
	[FACT_CLIENT_NETWORK] = { .real = "192.0.2.0/24" },
	[FACT_CLIENT_NAME] = { "mail.x.example", NEUTRAL },
	[FACT_CLIENT_REVERSE] = { "ok", NEUTRAL },
	[FACT_CLIENT_EARLY_TALKER] = { .real = "yes" },
	[FACT_CLIENT_PIPELINED_EARLY] = { .real = "yes" },
	[FACT_CLIENT_ERRORS] = { .real = "3" },
	[FACT_CLIENT_SESSIONS] = { .real = "2" },
	[FACT_CLIENT_NETWORK_SESSIONS] = { .real = "3" },
	[FACT_CLIENT_SITE_SESSIONS] = { .real = "4" },
	[FACT_LISTENER] = { .real = "l" },
	[FACT_DNSBL_SCORE] = { "5", NEUTRAL },
	[FACT_DNSBL_NAMES] = { "zen", NEUTRAL },
	[FACT_DNSBL_TAGS] = { "bad", NEUTRAL },
	[FACT_DNSBL_FAILED] = { "1", NEUTRAL },
	[FACT_DNSBL_LIST] = { "127.0.0.2", NEUTRAL },
	[FACT_CLIENT_TLS] = { .real = "yes" },
	[FACT_TLS_VERSION] = { .real = "TLSv1.3" },
	[FACT_TLS_CIPHER] = { .real = "TLS_AES_256_GCM_SHA384" },
	[FACT_TLS_CLIENT_NAME] = { .real = "xn--bcher-kva.example" },
	[FACT_HELO_NAME] = { .real = "c.example" },
	[FACT_HELO_KIND] = { .real = "helo" },
	[FACT_HELO_RESOLVES] = { "no", NEUTRAL },
	[FACT_HELO_MATCHES] = { "no", NEUTRAL },
	[FACT_SPF_HELO] = { "fail", NEUTRAL },
	[FACT_SENDER] = { .real = "A@X.example" },
	[FACT_SENDER_LOCAL] = { .real = "A" },
	[FACT_SENDER_DOMAIN] = { .real = "x.example" },
	[FACT_SENDER_IS_NULL] = { .real = "no" },
	[FACT_SENDER_ACCEPTS] = { "no", NEUTRAL },
	[FACT_SPF] = { "fail", NEUTRAL },
	[FACT_SPF_EXPLANATION] = { "not from 192.0.2.9", NEUTRAL },
	[FACT_DECLARED_SIZE] = { .real = "1234" },
	[FACT_RCPT] = { .real = "B@Here.example" },
	[FACT_RCPT_LOCAL] = { .real = "B" },
	[FACT_RCPT_DOMAIN] = { .real = "here.example" },
	[FACT_RCPT_COUNT] = { .real = "2" },
	[FACT_GREYLIST] = { "exempt", NEUTRAL },
	[FACT_GREYLIST_LEFT] = { "none", NEUTRAL },
	[FACT_GREYLIST_IDENTITY] = { "none", NEUTRAL },
	[FACT_MESSAGE_SIZE] = { .real = "" },		/* set by the test */
	[FACT_HEADER] = { .real = "one" },
	[FACT_HEADERS] = { .real = "one, t wo" },
	[FACT_HEADER_COUNT] = { .real = "2" },
	[FACT_FROM_DOMAIN] = { .real = "x.example" },
	[FACT_FROM_COUNT] = { .real = "2" },
	[FACT_DKIM] = { "pass", NEUTRAL },
	[FACT_DKIM_DOMAINS] = { "x.example", NEUTRAL },
	[FACT_DKIM_ALIGNED] = { "yes", NEUTRAL },
	[FACT_DMARC] = { "pass", NEUTRAL },
	[FACT_DMARC_POLICY] = { "quarantine", NEUTRAL },
	[FACT_DMARC_DOMAIN] = { "x.example", NEUTRAL },
	[FACT_DMARC_TESTING] = { "yes", NEUTRAL },
	[FACT_ARC] = { "fail", NEUTRAL },
	[FACT_MILTER] = { .real = "tempfail" },
	[FACT_SCORE] = { .real = "2.5" },
	[FACT_SCORES] = { .real = "given" },
};

/* --- rules that read every fact --- */

/* As a rule names it. */
static void
put_name(struct buf *out, const struct fact *f)
{
	buf_puts(out, f->name);
	if (f->argument == FACT_TAKES_HEADER)
		buf_puts(out, " \\\"" HEADER "\\\"");
	else if (f->argument == FACT_TAKES_LIST)
		buf_puts(out, "zen");
	else if (f->argument == FACT_TAKES_MILTER)
		buf_puts(out, "spam");
}

static const char *
make_rules(struct arena *a)
{
	struct buf out = {0};
	const char *text;

	buf_puts(&out, "on connect { score 2.5 \"given\" }\non message {\n");
	for (unsigned i = 0; i < FACTS; i++) {
		buf_puts(&out, "log \"{");
		put_name(&out, fact_at((enum fact_id)i));
		buf_puts(&out, "}\"\n");
	}
	buf_puts(&out, "}\n");
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

/* --- filters --- */

static MAY_YIELD int
ask(void *owner, size_t milter, unsigned *word, struct err *err)
{
	(void)owner;
	(void)err;
	T_INT("the filter of this name", (long long)milter, 1);
	*word = (unsigned)fact_word(fact_at(FACT_MILTER), span_z("tempfail"));
	return 0;
}

static const struct judge_milters milters = { .ask = ask };

/* --- a whole mail --- */

static MAY_YIELD void
send_mail(struct hearing *h)
{
	struct client *c = &h->client;

	c->early_talker = c->early_pipelining = true;
	h->errors = 3;
	judge_greeted(h->judge);
	c->tls_version = "TLSv1.3";
	c->tls_cipher = "TLS_AES_256_GCM_SHA384";
	c->tls_name = "b\303\274cher.example";
	hearing_helo(h, "C.example");
	c->esmtp = false;
	hearing_mail(h, "A@X.example");
	h->envelope.declared_size = 1234;
	hearing_rcpt(h, "B@Here.example");
	hearing_rcpt(h, "B@Here.example");	/* another would be apart */
	hearing_message(h, h->test);
}

static const char *
neutral(struct arena *a, const struct fact *f)
{
	struct buf out = {0};
	struct value v;
	const char *text;

	test_facts_neutral(f, &v);
	value_put_plain(&out, &v, f->words);
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static const char *
logged(struct hearing *h, unsigned i)
{
	return i < h->verdict.nlogs ?
	    arena_copy(h->arena, h->verdict.logs[i].text) : "(nothing)";
}

static const char *
size_of(const struct hearing *h)
{
	return arena_printf(h->arena, "%zu", strlen(h->test));
}

static void
checked(struct hearing *h)
{
	send_mail(h);
	T_INT("every fact was read", h->verdict.nlogs, FACTS);
	for (unsigned i = 0; i < FACTS; i++) {
		const struct fact *f = fact_at((enum fact_id)i);
		const char *want = cases[i].real;

		if (i == FACT_MESSAGE_SIZE)
			want = size_of(h);
		if (want == NULL)
			T_OK(f->name, !"has a case in this test");
		else
			T_STR(f->name, logged(h, i), want);
	}
}

static void
unchecked(struct hearing *h)
{
	T_STR("a client that is not looked up: nothing is", hearing_asked(h),
	    "");
	send_mail(h);
	T_STR("nor is its mail", hearing_asked(h), "");
	for (unsigned i = 0; i < FACTS; i++) {
		const struct fact *f = fact_at((enum fact_id)i);
		const char *want = cases[i].real;

		if (f->cost == FACT_DNS)
			T_INT(f->name, cases[i].unchecked, NEUTRAL);
		if (cases[i].unchecked == NEUTRAL)
			want = neutral(h->arena, f);
		if (i == FACT_MESSAGE_SIZE)
			want = size_of(h);
		else if (i == FACT_CLIENT_IP)
			want = "127.0.0.1";
		else if (i == FACT_CLIENT_NETWORK)
			want = "127.0.0.0/24";
		else if (i == FACT_CLIENT_NAME)
			want = "localhost";
		T_STR(f->name, logged(h, i), want != NULL ? want : "?");
	}
}

/* Those that can be none, or another word, of a client and a mail that give
 * nothing. */
static void
bare(struct hearing *h)
{
	judge_greeted(h->judge);
	hearing_helo(h, "[192.0.2.9]");
	hearing_mail(h, "");
	T_STR("a null sender", hearing_rcpt(h, "postmaster"),
	    "accept, no rule decided");
	T_STR("its facts", hearing_logs(h),
	    "none mismatch; [192.0.2.9] ehlo no none none none; "
	    "none none none yes none; postmaster postmaster none 1");
	T_STR("no header", hearing_message(h, "text\r\n"),
	    "accept, no rule decided");
	T_STR("nothing in it", hearing_logs(h), "6 none none 0 none 0");
}

static const char bare_rules[] =
    "on rcpt {\n"
    "log \"{client.name} {client.reverse}\"\n"
    "log \"{helo.name} {helo.kind} {client.tls} {tls.version} {tls.cipher} "
	"{tls.client-name}\"\n"
    "log \"{sender} {sender.local} {sender.domain} {sender.is-null} "
	"{message.declared-size}\"\n"
    "log \"{rcpt} {rcpt.local} {rcpt.domain} {rcpt.count}\"\n"
    "}\non message {\n"
    "log \"{message.size} {header \\\"Subject\\\"} {headers \\\"Subject\\\"} "
	"{header-count \\\"Subject\\\"} {from.domain} {from.count}\"\n"
    "}\n";

int
main(void)
{
	struct arena *a = arena_create("test");
	struct hearing h = { .conf = conf, .is_not_greeted = true,
	    .has_store = true, .milters = &milters };
	struct err err;

	loop_create();
	signed_keys_create();
	if (signature_open(SIGNATURE_OWN, &err) < 0)
		abort();
	h.rules = make_rules(a);
	h.zone = arena_printf(a, "%s%s", zone,
	    signed_zone(a, "v=DKIM1; k=ed25519; p=", SIGNED_ED25519));
	h.test = signed_message(a, SIGNED_ED25519,
	    "d=x.example; s=k; h=from", message);
	hearing_hold(&h, checked);
	h = (struct hearing){ .conf = conf, .is_not_greeted = true,
	    .rules = h.rules, .zone = h.zone, .test = h.test,
	    .peer = "127.0.0.1", .has_store = true, .milters = &milters };
	hearing_hold(&h, unchecked);
	h = (struct hearing){ .rules = bare_rules, .is_not_greeted = true,
	    .zone = "9.2.0.192.in-addr.arpa PTR other.example\n"
	    "other.example A 192.0.2.10\n" };
	hearing_hold(&h, bare);
	signature_close();
	loop_destroy();
	arena_destroy(&a);
	return t_done();
}
