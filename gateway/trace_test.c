#include <string.h>

#include "base/clock.h"
#include "gateway/trace.h"
#include "tests/kit/t.h"

#define WHEN	(INT64_C(1795312218) * CLOCK_S)
#define DATE	"Sun, 22 Nov 2026 01:50:18 +0000"
#define A50	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static struct client client;
static struct envelope envelope;
static struct rcpt rcpts[2];

/* A client and a mail as most are; the cases change what they are about. */
static void
begin(void)
{
	struct err err;

	client = (struct client){
		.helo = "mail.c.example", .name = "out.c.example",
		.reverse = DNS_REVERSE_OK, .esmtp = true
	};
	addr_parse(span_z("192.0.2.1:4711"), &client.addr, &err);
	address_parse(span_z("bob@here.example"), false, &rcpts[0].addr,
	    &err);
	rcpts[1] = rcpts[0];
	envelope = (struct envelope){ .rcpts = rcpts, .nrcpts = 1 };
}

static void
check_at(const char *name, int64_t when, bool is_headless, const char *want)
{
	struct trace t = {
		.hostname = "mx.here.example", .id = "5f3a91c2",
		.client = &client, .envelope = &envelope, .when = when,
		.is_headless = is_headless
	};
	struct buf out = {0};

	trace_received(&out, &t);
	buf_put(&out, "", 1);
	T_STR(name, out.p, want);
	buf_free(&out);
	begin();
}

static void
check(const char *name, const char *want)
{
	check_at(name, WHEN, false, want);
}

#define BY	"\tby mx.here.example (Forepost) with "
#define ID	" id 5f3a91c2\r\n"
#define FOR	"\tfor <bob@here.example>; " DATE "\r\n"
#define FROM	"Received: from mail.c.example (out.c.example [192.0.2.1])\r\n"

static void
test_forms(void)
{
	check("ESMTP", FROM BY "ESMTP" ID FOR);

	client.esmtp = false;
	check("SMTP", FROM BY "SMTP" ID FOR);

	client.tls_version = "TLSv1.3";
	client.tls_cipher = "TLS_AES_256_GCM_SHA384";
	client.tls_bits = 256;
	check("ESMTPS", FROM "\t(using TLSv1.3 with cipher "
	    "TLS_AES_256_GCM_SHA384 (256/256 bits))\r\n" BY "ESMTPS" ID FOR);

	envelope.smtputf8 = true;
	check("UTF8SMTP", FROM BY "UTF8SMTP" ID FOR);

	envelope.smtputf8 = true;
	client.tls_version = "TLSv1.2";
	client.tls_cipher = "ECDHE-RSA-AES128-GCM-SHA256";
	client.tls_bits = 128;
	check("UTF8SMTPS", FROM "\t(using TLSv1.2 with cipher "
	    "ECDHE-RSA-AES128-GCM-SHA256 (128/128 bits))\r\n"
	    BY "UTF8SMTPS" ID FOR);

	envelope.nrcpts = 2;
	check("two recipients are not told", FROM BY "ESMTP" " id 5f3a91c2;"
	    "\r\n\t" DATE "\r\n");

	check_at("headless", WHEN, true, FROM BY "ESMTP" ID FOR "\r\n");
}

static void
test_clients(void)
{
	struct err err;

	client.name = NULL;
	check("no name", "Received: from mail.c.example (unknown "
	    "[192.0.2.1])\r\n" BY "ESMTP" ID FOR);

	client.helo = "[IPv6:2001:db8::1]";
	addr_parse(span_z("[2001:db8::1]:25"), &client.addr, &err);
	check("IPv6", "Received: from [IPv6:2001:db8::1] (out.c.example "
	    "[IPv6:2001:db8::1])\r\n" BY "ESMTP" ID FOR);

	addr_parse(span_z("unix:/run/x"), &client.addr, &err);
	check("unix socket", "Received: from mail.c.example (local socket)"
	    "\r\n" BY "ESMTP" ID FOR);

	client.addr.len = 0;
	client.helo = client.name = NULL;
	check("nothing is known", "Received: from unknown (unknown)\r\n"
	    BY "ESMTP" ID FOR);

	client.helo = A50 A50 ".example";
	check("a long name is folded", "Received: from\r\n\t" A50 A50
	    ".example\r\n\t(out.c.example [192.0.2.1])\r\n" BY "ESMTP" ID FOR);

	client.helo = A50 A50 A50 A50 A50 A50;
	check("a name without end is cut", "Received: from\r\n\t" A50 A50 A50
	    A50 A50 "aaaaa\r\n\t(out.c.example [192.0.2.1])\r\n"
	    BY "ESMTP" ID FOR);
}

static void
test_hostile(void)
{
	client.helo = "a\r\nX: y";
	check("line end in HELO", "Received: from a??X:?y (out.c.example "
	    "[192.0.2.1])\r\n" BY "ESMTP" ID FOR);

	client.helo = "a)(b;c<d>\"e\\";
	check("comments and quotes in HELO", "Received: from a??b?c?d??e? "
	    "(out.c.example [192.0.2.1])\r\n" BY "ESMTP" ID FOR);

	client.name = "a)\033[1m";
	check("name", "Received: from mail.c.example (a??[1m [192.0.2.1])\r\n"
	    BY "ESMTP" ID FOR);

	client.helo = "b\xc3\xbc.example";
	check("UTF-8 HELO, ASCII mail", "Received: from b?.example "
	    "(out.c.example [192.0.2.1])\r\n" BY "ESMTP" ID FOR);

	client.helo = "b\xc3\xbc\xc2\x85\xff.example";
	envelope.smtputf8 = true;
	check("UTF-8 HELO, UTF-8 mail", "Received: from b\xc3\xbc??.example "
	    "(out.c.example [192.0.2.1])\r\n" BY "UTF8SMTP" ID FOR);

	client.tls_version = client.tls_cipher = "x)\r\n";
	check("TLS names", FROM "\t(using x??? with cipher x??? (0/0 bits))"
	    "\r\n" BY "ESMTPS" ID FOR);
}

static void
test_dates(void)
{
	check_at("the epoch", 0, false, FROM BY "ESMTP" ID
	    "\tfor <bob@here.example>; Thu, 01 Jan 1970 00:00:00 +0000\r\n");
	check_at("a leap day", INT64_C(1709251199) * CLOCK_S + 999999, false,
	    FROM BY "ESMTP" ID
	    "\tfor <bob@here.example>; Thu, 29 Feb 2024 23:59:59 +0000\r\n");
}

int
main(void)
{
	begin();
	test_forms();
	test_clients();
	test_hostile();
	test_dates();
	return t_done();
}
