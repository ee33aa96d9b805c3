#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "tests/kit/cert.h"
#include "tests/kit/relay.h"
#include "tests/kit/t.h"
#include "tests/kit/tls_pair.h"

#define GOOD	"rcpt 250 2.1.5 recipient ok, message 250 2.0.0 taken"
#define FAILED	"rcpt failed 451 4.4.1"
#define WITH	"PIPELINING\nSTARTTLS"
#define CLEAR	"1 EHLO MAIL+ RCPT DATA"
#define SECURE	"1 EHLO STARTTLS EHLO MAIL+ RCPT DATA"

static struct tls_server *server_a;

/* --- STARTTLS --- */

static const struct {
	const char	*name;
	enum backend_tls level;
	const char	*offers, *say;		/* to STARTTLS */
	bool		 is_capable;		/* speaks TLS after its 220 */
	const char	*want, *verbs, *why;
} levels[] = {
	{ "none", BACKEND_TLS_NONE, WITH, NULL, true, GOOD, CLEAR, NULL },
	{ "opportunistic", BACKEND_TLS_OPPORTUNISTIC, WITH, NULL, true, GOOD,
	    SECURE, NULL },
	{ "opportunistic, not offered", BACKEND_TLS_OPPORTUNISTIC,
	    "PIPELINING", NULL, true, GOOD, CLEAR, NULL },
	{ "opportunistic, refused", BACKEND_TLS_OPPORTUNISTIC, WITH,
	    "454 4.7.0 not now", true, GOOD,
	    "1 EHLO STARTTLS MAIL+ RCPT DATA", NULL },
	{ "opportunistic, handshake broken", BACKEND_TLS_OPPORTUNISTIC, WITH,
	    "220 go on\n!close", false, GOOD,
	    "1 EHLO STARTTLS 2 EHLO MAIL+ RCPT DATA", NULL },
	{ "opportunistic, 421", BACKEND_TLS_OPPORTUNISTIC, WITH,
	    "421 4.3.2 bye\n!close", false, FAILED, "1 EHLO STARTTLS",
	    ": STARTTLS was answered 421 bye" },
	{ "opportunistic, closed", BACKEND_TLS_OPPORTUNISTIC, WITH,
	    "!close", false, FAILED, "1 EHLO STARTTLS",
	    ": STARTTLS: closed by the peer" },
	{ "require", BACKEND_TLS_REQUIRE, WITH, NULL, true, GOOD, SECURE,
	    NULL },
	{ "require, not offered", BACKEND_TLS_REQUIRE, "PIPELINING", NULL,
	    true, FAILED, "1 EHLO", ": STARTTLS is not offered" },
	{ "require, refused", BACKEND_TLS_REQUIRE, WITH, "454 4.7.0 not now",
	    true, FAILED, "1 EHLO STARTTLS",
	    ": STARTTLS was answered 454 not now" },
	{ "require, handshake broken", BACKEND_TLS_REQUIRE, WITH,
	    "220 go on\n!close", false, FAILED, "1 EHLO STARTTLS",
	    ": TLS handshake: " },
	{ "require, text in clear behind 220", BACKEND_TLS_REQUIRE, WITH,
	    "220 go on\n250 you are home", true, "rcpt failed 451 4.3.0",
	    "1 EHLO STARTTLS",
	    ": text in clear behind the answer to STARTTLS" },
};

static void
test_levels(void)
{
	struct mailing m = {0};
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(levels) / sizeof(levels[0]); i++) {
		relay_begin(&r, 1);
		r.servers[0].offers = levels[i].offers;
		r.servers[0].tls = levels[i].is_capable ? server_a : NULL;
		if (levels[i].say != NULL)
			r.servers[0].rules[0] = (struct mail_server_rule){
				.at = "STARTTLS", .say = levels[i].say };
		r.conf.tls = levels[i].level;
		relay_start(&r);
		T_STR(levels[i].name, relay_try(&r, &m), levels[i].want);
		T_STR(levels[i].name, mail_server_verbs(&r.servers[0]),
		    levels[i].verbs);
		if (levels[i].why != NULL)
			T_OK(m.err.text, strstr(m.err.text,
			    levels[i].why) != NULL);
		relay_end(&r);
	}
}

/* After a handshake that broke it is clear at once for a while, and said so
 * once. */
static void
test_broken_tls_rests(void)
{
	struct mailing m = {0};
	static struct relay r;
	size_t i;

	relay_begin(&r, 1);
	r.servers[0].offers = WITH;
	r.servers[0].rules[0] = (struct mail_server_rule){
		.at = "STARTTLS", .say = "220 go on\n!close" };
	r.conf.tls = BACKEND_TLS_OPPORTUNISTIC;
	r.conf.max_idle = 0;
	relay_start(&r);
	for (i = 0; i < 3; i++)
		T_STR("in clear", relay_try(&r, &m), GOOD);
	T_INT("one handshake was tried", r.servers[0].connections, 4);
	T_INT("and told", relay_logged(&r, "warn - backend tls broken"), 1);
	relay_end(&r);
}

static void
test_verify(void)
{
	static const struct {
		const char *name, *cert, *tls_name, *want;
	} cases[] = {
		{ "by the address", "a", NULL, GOOD },
		{ "by a name", "a", "mx.example", GOOD },
		{ "wrong name", "a", "other.example", FAILED },
		{ "expired", "old", "old.example", FAILED },
		{ "unknown authority", "exact", "x.w.example", FAILED },
	};
	struct mailing m = {0};
	struct tls_server *tls;
	static struct relay r;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		tls = tls_pair_server(cases[i].cert, NULL, NULL);
		relay_begin(&r, 1);
		r.servers[0].offers = WITH;
		r.servers[0].tls = tls;
		r.conf.tls = BACKEND_TLS_VERIFY;
		r.conf.tls_ca = tls_pair_file("ca.pem");
		r.conf.tls_name = cases[i].tls_name;
		relay_start(&r);
		relay_try(&r, &m);
		if (strcmp(cases[i].want, FAILED) == 0)
			T_OK(cases[i].name, strstr(m.outcome, "rcpt failed "
			    "451") != NULL && strstr(m.err.text,
			    ": TLS handshake: ") != NULL);
		else
			T_STR(cases[i].name, m.outcome, cases[i].want);
		T_OK("no mail to a stranger", (r.servers[0].messages > 0) ==
		    (strcmp(cases[i].want, GOOD) == 0));
		relay_end(&r);
		tls_server_destroy(&tls);
	}
}

static void
test_fingerprint(void)
{
	struct mailing m = {0};
	static struct relay r;
	char good[100], bad[100];

	snprintf(good, sizeof(good), "%s",
	    cert_fingerprint(tls_pair_file("a.pem")));
	snprintf(bad, sizeof(bad), "%s",
	    cert_fingerprint(tls_pair_file("b.pem")));
	relay_begin(&r, 1);
	r.servers[0].offers = WITH;
	r.servers[0].tls = server_a;
	r.conf.tls = BACKEND_TLS_VERIFY;
	r.conf.tls_fingerprint = good;
	relay_start(&r);
	T_STR("its fingerprint", relay_try(&r, &m), GOOD);
	relay_end(&r);

	relay_begin(&r, 1);
	r.servers[0].offers = WITH;
	r.servers[0].tls = server_a;
	r.conf.tls = BACKEND_TLS_VERIFY;
	r.conf.tls_fingerprint = bad;
	relay_start(&r);
	T_STR("another's fingerprint", relay_try(&r, &m), FAILED);
	T_INT("no mail", r.servers[0].messages, 0);
	relay_end(&r);
}

static void
test_implicit_tls(void)
{
	struct mailing m = { .text = "0123456789abcd\r\n", .repeats = 20000,
	    .memory = 4096 };
	static struct relay r;

	relay_begin(&r, 1);
	r.servers[0].tls = server_a;
	r.servers[0].is_implicit_tls = true;
	r.servers[0].offers = "PIPELINING\nCHUNKING";
	r.urls[0].implicit_tls = true;
	relay_start(&r);
	T_STR("from the first octet", relay_try(&r, &m), GOOD);
	T_INT("all of a file", r.servers[0].message.len,
	    strlen("Received: by the test\r\n") + 16 * 20000);
	T_STR("and over a kept connection", relay_try(&r, &m), GOOD);
	T_INT("one", r.servers[0].connections, 1);
	relay_end(&r);

	relay_begin(&r, 1);
	r.urls[0].implicit_tls = true;
	relay_patience(&r, 200 * CLOCK_MS);
	relay_start(&r);
	relay_try(&r, &m);
	T_OK("a server in clear", strstr(m.outcome, "rcpt failed 451") !=
	    NULL && strstr(m.err.text, ": TLS handshake: ") != NULL);
	relay_end(&r);
}

/* --- where it is --- */

static void
test_unix(void)
{
	struct mailing m = {0};
	static struct relay r;
	char path[100];

	relay_begin(&r, 0);
	snprintf(path, sizeof(path), "%s/lmtp", r.folder);
	r.servers[0].is_lmtp = true;
	r.servers[0].offers = "PIPELINING";
	mail_server_begin_unix(&r.servers[0], path);
	r.urls[0] = (struct backend_url){ .text = "lmtp://unix:lmtp",
	    .proto = PROTO_LMTP, .addr = r.servers[0].addr, .weight = 1 };
	r.conf.nurls = 1;
	relay_start(&r);
	T_STR("LMTP over a unix socket", relay_try(&r, &m), GOOD);
	T_STR("where", m.where, "inside lmtp://unix:lmtp");
	mail_server_hang_up(&r.servers[0]);
	mail_server_refuse(&r.servers[0]);
	RELAY_UNTIL(r.servers[0].open == 0);
	T_STR("nobody listens", relay_try(&r, &m), FAILED);
	relay_end(&r);
}

static void
test_names(void)
{
	static const struct {
		const char *name, *host, *want, *why;
	} cases[] = {
		{ "one address", "one.example", GOOD, NULL },
		{ "the second address", "two.example", GOOD, NULL },
		{ "no such name", "none.example", FAILED,
		    ": no address of none.example: nxdomain" },
		{ "no address", "text.example", FAILED,
		    ": no address of text.example: nodata" },
		{ "broken", "broken.example", FAILED,
		    ": no address of broken.example: servfail" },
	};
	struct dns_options options = { .hosts =
	    "one.example A 127.0.0.1\n"
	    "two.example A 127.9.9.9\n"
	    "two.example A 127.0.0.1\n"
	    "text.example TXT \"x\"\n"
	    "broken.example servfail\n" };
	struct mailing m = {0};
	static struct relay r;
	struct err err;
	size_t i;

	dns_create(&options, &err);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		relay_begin(&r, 1);
		r.urls[0].host = cases[i].host;
		r.urls[0].port = addr_port(&r.servers[0].addr);
		relay_start(&r);
		T_STR(cases[i].name, relay_try(&r, &m), cases[i].want);
		if (cases[i].why != NULL)
			T_OK(m.err.text, strstr(m.err.text,
			    cases[i].why) != NULL);
		relay_end(&r);
	}
	dns_destroy();
}

/* --- settings that cannot work --- */

static void
test_bad_settings(void)
{
	static struct backend_url maildir[] = {
		{ .text = "maildir:/nowhere/x", .proto = PROTO_MAILDIR,
		    .path = "/nowhere/x" },
	};
	static struct backend_url both[] = {
		{ .text = "smtp://127.0.0.1:1", .proto = PROTO_SMTP },
		{ .text = "maildir:/nowhere/x", .proto = PROTO_MAILDIR,
		    .path = "/nowhere/x" },
	};
	static struct backend_url smtp[] = {
		{ .text = "smtp://127.0.0.1:1", .proto = PROTO_SMTP },
	};
	static const struct {
		const char		*name;
		struct backend_conf	 conf;
		const char		*want;
	} cases[] = {
		{ "folder cannot be made", { .urls = maildir, .nurls = 1 },
		    "backend b: cannot make the folder /nowhere/x: No such "
		    "file or directory" },
		{ "a server and a folder", { .urls = both, .nurls = 2 },
		    "backend b: maildir:/nowhere/x cannot stand beside "
		    "smtp://127.0.0.1:1" },
		{ "no address", { .urls = smtp, .nurls = 0 },
		    "backend b: 0 addresses: from 1 to 64 are possible" },
		{ "authorities missing", { .urls = smtp, .nurls = 1,
		    .tls = BACKEND_TLS_VERIFY, .tls_ca = "/nowhere/ca.pem" },
		    "backend b: CA certificates /nowhere/ca.pem: no such "
		    "file" },
	};
	struct settings settings = { .hostname = "gw.example",
	    .nbackends = 1 };
	struct backend_conf conf;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		conf = cases[i].conf;
		conf.name = "b";
		settings.backends = &conf;
		T_OK(cases[i].name, backends_create(&settings, &err) == NULL);
		T_STR(cases[i].name, err.text, cases[i].want);
	}
}

int
main(void)
{
	alarm(240);
	tls_pair_begin();
	server_a = tls_pair_server("a", NULL, NULL);
	test_levels();
	test_broken_tls_rests();
	test_verify();
	test_fingerprint();
	test_implicit_tls();
	test_unix();
	test_names();
	test_bad_settings();
	tls_server_destroy(&server_a);
	tls_pair_end();
	return t_done();
}
