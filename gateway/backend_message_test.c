#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <dirent.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/loop.h"
#include "tests/kit/relay.h"
#include "tests/kit/t.h"

#define TRACE	"Received: by the test\r\n"
#define GOOD	"rcpt 250 2.1.5 recipient ok, message 250 2.0.0 taken"
#define RCPT_OK	"rcpt 250 2.1.5 recipient ok, "
#define PIPED	"PIPELINING\n8BITMIME"
#define CHUNKED	"PIPELINING\nCHUNKING\n8BITMIME\nBINARYMIME"

/* --- bytes --- */

static const struct {
	const char	*name;
	struct mailing	 mail;
} messages[] = {
	{ "short", {0} },
	{ "empty", { .text = "" } },
	{ "no line end", { .text = "A: b\r\n\r\nend", .no_crlf = true } },
	{ "dots", { .text = ".a\r\n..\r\n.\r\n\r\n.b\r\n", .has_dots = true } },
	{ "a dot and no line end", { .text = "A: b\r\n\r\n.",
	    .has_dots = true, .no_crlf = true } },
	{ "16 KiB and a bit", { .text = "0123456789abcd\r\n",
	    .repeats = 1030 } },
	{ "several blocks", { .text = "0123456789abcd\r\n",
	    .repeats = 20000 } },
	{ "several blocks with dots", { .text = ".123456789abc\r\n",
	    .repeats = 20000, .has_dots = true } },
	{ "in a file", { .text = "0123456789abcd\r\n", .repeats = 200000,
	    .memory = 4096 } },
	{ "in a file, with dots", { .text = ".\r\n.2345\r\n",
	    .repeats = 50000, .memory = 4096, .has_dots = true } },
	{ "in memory and a file", { .text = "0123456789abcde\r\n",
	    .repeats = 200000, .memory = 1 << 20 } },
	{ "in memory and a file, with dots", { .text = ".\r\n.2345\r\n",
	    .repeats = 50000, .memory = 150000, .has_dots = true } },
	{ "much in memory", { .text = "0123456789abcde\r\n",
	    .repeats = 200000 } },
	{ "in memory and a file, no line end", { .text = "0123456789abcde",
	    .repeats = 20000, .memory = 150000, .no_crlf = true } },
};

/* What the server must hold. The caller frees it. */
static struct buf
expected(const struct mailing *m, bool is_data)
{
	struct buf want = {0};
	size_t i, n = m->repeats > 0 ? m->repeats : 1;

	buf_puts(&want, TRACE);
	for (i = 0; i < n; i++)
		buf_puts(&want, m->text != NULL ? m->text :
		    "Subject: hi\r\n\r\nbody\r\n");
	if (is_data && m->no_crlf)
		buf_puts(&want, "\r\n");
	return want;
}

static void
test_bytes(void)
{
	static const struct {
		const char	*name, *offers;
		bool		 is_data, is_lmtp;
	} ways[] = {
		{ "DATA", PIPED, true, false },
		{ "BDAT", CHUNKED, false, false },
		{ "LMTP DATA", PIPED, true, true },
	};
	static struct relay r;
	size_t i, k;

	for (k = 0; k < sizeof(ways) / sizeof(ways[0]); k++) {
		relay_begin(&r, 1);
		r.servers[0].offers = ways[k].offers;
		r.servers[0].is_lmtp = ways[k].is_lmtp;
		if (ways[k].is_lmtp)
			r.urls[0].proto = PROTO_LMTP;
		relay_start(&r);
		for (i = 0; i < sizeof(messages) / sizeof(messages[0]); i++) {
			struct mailing m = messages[i].mail;
			struct buf want = expected(&m, ways[k].is_data);

			T_STR(messages[i].name, relay_try(&r, &m), GOOD);
			T_OK(messages[i].name, span_eq(buf_text(&want),
			    buf_text(&r.servers[0].message)));
			buf_free(&want);
		}
		T_INT("over one connection", r.servers[0].connections, 1);
		T_OK("without a fault",
		    !mail_server_was_told(&r.servers[0], "FAULT"));
		relay_end(&r);
	}
}

static void
test_one_packet(void)
{
	struct mailing m = {0};
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].offers = CHUNKED;
	relay_start(&r);
	relay_try(&r, &m);
	T_OK("BDAT, trace and a short message are one packet",
	    mail_server_was_told(&r.servers[0], "1 BDAT 44 LAST +\n"));
	relay_end(&r);
}

static void
test_binary(void)
{
	struct mailing m = { .is_binary = true, .body = BODY_BINARYMIME,
	    .needs = ABILITY_BINARYMIME };
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].offers = CHUNKED;
	relay_start(&r);
	T_STR("BINARYMIME", relay_try(&r, &m), GOOD);
	T_OK("is told", mail_server_was_told(&r.servers[0],
	    "1 MAIL FROM:<from@there.example> BODY=BINARYMIME +\n"));
	relay_end(&r);

	/* RFC 3030 3: BINARYMIME is nothing without CHUNKING. */
	relay_begin(&r, 1);
	r.servers[0].offers = "PIPELINING\nBINARYMIME";
	relay_start(&r);
	T_STR("without CHUNKING", relay_try(&r, &m), "rcpt 451 4.3.5 The "
	    "mail server behind this gateway does not offer BINARYMIME now, "
	    "please try again later");
	m.needs = 0;
	T_STR("not even unasked", relay_try(&r, &m), RCPT_OK
	    "message 451 4.3.5 The mail server behind this gateway does not "
	    "offer BINARYMIME now, please try again later");
	T_INT("nothing was sent", r.servers[0].messages, 0);
	relay_end(&r);
}

/* A server that refuses before it has all of the message. */
static void
test_early_refusal(void)
{
	static const struct {
		const char *name, *say, *want;
	} cases[] = {
		{ "refuses and closes", "552 5.3.4 too large\n!close",
		    RCPT_OK "message 552 5.3.4 too large" },
		{ "refuses for now", "452 4.3.1 full\n!close",
		    RCPT_OK "message 452 4.3.1 full" },
		{ "leaves", "421 4.3.0 leaving\n!close",
		    RCPT_OK "message failed 451 4.4.1" },
		{ "claims to have it", "250 2.0.0 thanks\n!close",
		    RCPT_OK "message failed 451 4.4.1" },
		{ "resets", "!reset", RCPT_OK "message failed 451 4.4.1" },
	};
	struct mailing m = { .text = "0123456789abcd\r\n",
	    .repeats = 4000000, .memory = 4096 };
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 1);
		r.servers[0].offers = CHUNKED;
		r.servers[0].rules[0] = (struct mail_server_rule){
			.at = "BDAT", .say = cases[i].say };
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), cases[i].want);
		T_INT("not kept", r.servers[0].open, 0);
		relay_end(&r);
	}
}

/* --- LMTP --- */

static void
test_lmtp_answers(void)
{
#define OK3	RCPT_OK RCPT_OK RCPT_OK
	static const struct {
		const char	*name, *say[3], *want;
		const char	*codes;		/* of each recipient */
	} cases[] = {
		{ "all take it", { NULL, NULL, NULL }, OK3
		    "message 250 2.0.0 taken", "250 250 250" },
		{ "all refuse", { "550 5.1.1 a", "552 5.2.2 b", "550 5.7.1 c" },
		    OK3 "message 550 5.1.1 a", "550 552 550" },
		{ "all later", { "450 4.2.0 a", "451 4.3.0 b", "452 4.2.2 c" },
		    OK3 "message 450 4.2.0 a", "450 451 452" },
		{ "one refuses", { NULL, "552 5.2.2 full", NULL }, OK3
		    "message 451 4.3.0 2 of 3 recipients have the message, "
		    "please try again for the others, mixed 2+0+1", "250 552 250" },
		{ "one later", { NULL, NULL, "452 4.2.2 full" }, OK3
		    "message 451 4.3.0 2 of 3 recipients have the message, "
		    "please try again for the others, mixed 2+1+0", "250 250 452" },
		{ "refused and later", { "550 5.1.1 a", "452 4.2.2 b",
		    "550 5.1.1 c" }, OK3
		    "message 451 4.3.0 0 of 3 recipients have the message, "
		    "please try again for the others, mixed 0+1+2", "550 452 550" },
		{ "closes after the first", { "250 2.0.0 taken\n!close", NULL,
		    NULL }, OK3 "message 451 4.3.0 1 of 3 recipients have the "
		    "message, please try again for the others, mixed 1+2+0", "250 451 451" },
		{ "closes after a later", { "450 4.2.0 a\n!close", NULL,
		    NULL }, OK3 "message 450 4.2.0 a", "450 451 451" },
		{ "closes", { "!close", NULL, NULL }, OK3
		    "message 451 4.4.2 The mail server behind this gateway "
		    "did not confirm the message, please try again later", "451 451 451" },
		{ "leaves after the first", { NULL, "421 4.3.2 bye\n!close",
		    NULL }, OK3 "message 451 4.3.0 1 of 3 recipients have the "
		    "message, please try again for the others, mixed 1+2+0", "250 451 451" },
		{ "nonsense after the first", { NULL, "354 go on", NULL },
		    OK3 "message 451 4.3.0 1 of 3 recipients have the "
		    "message, please try again for the others, mixed 1+2+0", "250 451 451" },
	};
	static struct relay r;
	size_t i, k, n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing m = { .nrcpts = 3 };

		relay_begin(&r, 1);
		r.servers[0].is_lmtp = true;
		r.urls[0].proto = PROTO_LMTP;
		for (k = n = 0; k < 3; k++)
			if (cases[i].say[k] != NULL)
				r.servers[0].rules[n++] =
				    (struct mail_server_rule){
					.at = "message", .nth = k + 1,
					.say = cases[i].say[k] };
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), cases[i].want);
		T_STR(cases[i].name, m.codes, cases[i].codes);
		relay_end(&r);
	}
}

static void
test_lmtp_some_refused(void)
{
	struct mailing m = { .nrcpts = 3 };
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].is_lmtp = true;
	r.urls[0].proto = PROTO_LMTP;
	r.servers[0].rules[0] = (struct mail_server_rule){
		.at = "RCPT", .nth = 2, .say = "550 5.1.1 no" };
	r.servers[0].rules[1] = (struct mail_server_rule){
		.at = "message", .nth = 2, .say = "452 4.2.2 full" };
	relay_start(&r);
	T_STR("answers are for those that were accepted", relay_try(&r, &m),
	    RCPT_OK "rcpt 550 5.1.1 no, " RCPT_OK "message 451 4.3.0 1 of 2 "
	    "recipients have the message, please try again for the others, "
	    "mixed 1+1+0");
	T_STR("in their order", m.codes, "250 452");
	relay_end(&r);
}

/* --- PRDR: the same from an SMTP server --- */

static void
test_prdr(void)
{
	static const struct {
		const char	*name, *offers, *say, *want, *codes;
		bool		 is_unasked;
	} cases[] = {
		{ "one for each", "PIPELINING\nPRDR", "353 each\n250 a\n550 "
		    "5.7.1 b\n452 4.2.2 c\n250 done", OK3 "message 451 4.3.0 1 "
		    "of 3 recipients have the message, please try again for "
		    "the others, mixed 1+1+1", "250 550 452", false },
		{ "one for all", "PIPELINING\nPRDR", "250 2.0.0 taken", OK3
		    "message 250 2.0.0 taken", "250 250 250", false },
		{ "none takes it", "PRDR", "353 each\n550 5.7.1 a\n550 5.7.1 "
		    "b\n550 5.7.1 c\n550 5.7.1 no", OK3 "message 550 5.7.1 a",
		    "550 550 550", false },
		{ "all take it, and the last word is no", "PRDR", "353 each\n"
		    "250 a\n250 b\n550 5.7.1 c\n451 4.3.0 disk", OK3
		    "message 451 4.3.0 0 of 3 recipients have the message, "
		    "please try again for the others, mixed 0+2+1",
		    "451 451 550", false },
		{ "closes among them", "PRDR", "353 each\n250 a\n!close", OK3
		    "message 451 4.4.2 The mail server behind this gateway "
		    "did not confirm the message, please try again later",
		    "451 451 451", false },
		{ "closes before the last word", "PRDR", "353 each\n250 a\n"
		    "250 b\n250 c\n!close", OK3, "451 451 451", false },
		{ "353 twice", "PRDR", "353 each\n353 each", OK3,
		    "451 451 451", false },
		{ "unasked", "PRDR", "353 each\n250 a\n250 b\n250 c\n250 "
		    "done", OK3, "451 451 451", true },
		{ "not offered", "PIPELINING", "353 each", OK3, "451 451 451",
		    false },
	};
	static struct relay r;

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct mailing m = { .nrcpts = 3,
		    .prdr = !cases[i].is_unasked };
		const char *outcome;

		relay_begin(&r, 1);
		r.servers[0].offers = cases[i].offers;
		r.servers[0].rules[0] = (struct mail_server_rule){
			.at = "message", .say = cases[i].say };
		relay_start(&r);
		outcome = relay_try(&r, &m);
		if (strlen(cases[i].want) > strlen(OK3))
			T_STR(cases[i].name, outcome, cases[i].want);
		T_STR(cases[i].name, m.codes, cases[i].codes);
		relay_end(&r);
	}
}

/* --- Maildir --- */

static size_t
count_files(const char *folder)
{
	DIR *d = opendir(folder);
	struct dirent *e;
	size_t n = 0;

	while (d != NULL && (e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	if (d != NULL)
		closedir(d);
	return n;
}

static void
test_maildir(void)
{
	static struct mailing m = { .nrcpts = 2 };
	static struct mailing dsn = { .needs = ABILITY_DSN };
	static struct relay r;
	char path[128], text[300];
	uint64_t size;

	relay_begin(&r, 0);
	snprintf(path, sizeof(path), "%s/Maildir", r.folder);
	r.urls[0] = (struct backend_url){ .text = "maildir:here",
	    .proto = PROTO_MAILDIR, .path = path, .weight = 1 };
	r.conf.nurls = 1;
	r.conf.probe_interval = CLOCK_S;
	relay_start(&r);
	T_INT("it is known at once", backends_abilities(r.backends, &size),
	    ABILITY_SIZE | ABILITY_8BITMIME | ABILITY_SMTPUTF8);
	T_STR("Maildir", relay_try(&r, &m), "rcpt 250 2.1.5 Recipient ok, "
	    "rcpt 250 2.1.5 Recipient ok, message 250 2.0.0 Delivered");
	T_STR("where", m.where, "inside maildir:here");
	snprintf(text, sizeof(text), "%s/new", path);
	T_INT("one file", count_files(text), 1);
	snprintf(text, sizeof(text), "cat %s/new/* | head -2 | tr -d '\\r' | "
	    "tr '\\n' '|' | grep -q '^Return-Path: <from@there.example>|"
	    "Received: by the test|$'", path);
	T_INT("with the sender on top", system(text), 0);
	T_STR("DSN is not done", relay_try(&r, &dsn), "rcpt 451 4.3.5 The "
	    "mail server behind this gateway does not offer DSN now, please "
	    "try again later");
	snprintf(text, sizeof(text), "rm -r %s/new && : > %s/new", path,
	    path);
	T_INT("its folder is gone", system(text), 0);
	T_STR("is a failure of ours", relay_try(&r, &m),
	    "rcpt 250 2.1.5 Recipient ok, rcpt 250 2.1.5 Recipient ok, "
	    "message 451 4.3.0 The message cannot be stored, please try "
	    "later");
	T_INT("which is logged", relay_logged(&r, "delivery failed "
	    "backend=\"inside maildir:here\" why=\"rename in"), 1);
	T_INT("and a state", relay_logged(&r, "backend down"), 1);
	snprintf(text, sizeof(text), "rm -r %s", path);
	T_INT("tidy", system(text), 0);
	relay_end(&r);
}

int
main(void)
{
	alarm(240);
	loop_create();
	test_bytes();
	test_one_packet();
	test_binary();
	test_early_refusal();
	test_lmtp_answers();
	test_lmtp_some_refused();
	test_prdr();
	test_maildir();
	loop_destroy();
	return t_done();
}
