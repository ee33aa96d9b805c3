#include <stdio.h>
#include <string.h>

#include "gateway/xclient.h"
#include "tests/kit/t.h"

#define ALL	(XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_PORT | XCLIENT_PROTO | \
		XCLIENT_HELO | XCLIENT_LOGIN | XCLIENT_DESTADDR | \
		XCLIENT_DESTPORT)
#define A50	"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

static void
client_begin(struct client *c)
{
	struct err err;

	*c = (struct client){
		.helo = "h.example", .name = "n.example",
		.reverse = DNS_REVERSE_OK, .esmtp = true, .login = "joe"
	};
	addr_parse(span_z("192.0.2.1:4711"), &c->addr, &err);
	addr_parse(span_z("192.0.2.25:25"), &c->local, &err);
}

static const char *
or_none(const char *text)
{
	return text != NULL ? text : "-";
}

static const char *
describe(const struct client *c)
{
	static const char *const reverse[] = { "none", "ok", "mismatch",
	    "temperror" };
	static char text[600];
	char addr[ADDR_TEXT] = "-", local[ADDR_TEXT] = "-";

	if (c->addr.len > 0)
		addr_text(&c->addr, addr);
	if (c->local.len > 0)
		addr_text(&c->local, local);
	snprintf(text, sizeof(text), "%s %s %s %s %s %s %s", addr, local,
	    or_none(c->name), reverse[c->reverse], or_none(c->helo),
	    c->esmtp ? "ESMTP" : "SMTP", or_none(c->login));
	return text;
}

static const struct {
	const char *name, *in, *want;
} cases[] = {
	{ "all", "NAME=a.example ADDR=198.51.100.7 PORT=99 PROTO=smtp "
	    "HELO=b.example LOGIN=x DESTADDR=198.51.100.8 DESTPORT=26",
	    "198.51.100.7:99 198.51.100.8:26 a.example ok b.example SMTP x" },
	{ "IPv6", "addr=IPv6:2001:db8::7 name=a",
	    "[2001:db8::7]:0 192.0.2.25:25 a ok h.example ESMTP -" },
	{ "an address alone forgets whose name and login it was",
	    "ADDR=198.51.100.7",
	    "198.51.100.7:0 192.0.2.25:25 - none h.example ESMTP -" },
	{ "HELO alone", "HELO=[192.0.2.9]",
	    "192.0.2.1:4711 192.0.2.25:25 n.example ok [192.0.2.9] ESMTP joe" },
	{ "xtext", "HELO=a+20+2B LOGIN=+C3+BC",
	    "192.0.2.1:4711 192.0.2.25:25 n.example ok a + ESMTP \xc3\xbc" },
	{ "unavailable", "NAME=[UNAVAILABLE] LOGIN=[unavailable] "
	    "ADDR=[UNAVAILABLE] PORT=[UNAVAILABLE]",
	    "- 192.0.2.25:25 - none h.example ESMTP -" },
	{ "later", "NAME=[TEMPUNAVAIL]",
	    "192.0.2.1:4711 192.0.2.25:25 - temperror h.example ESMTP joe" },
	{ "port before address", "PORT=7 ADDR=198.51.100.7",
	    "198.51.100.7:7 192.0.2.25:25 - none h.example ESMTP -" },

	{ "nothing", " ", "No attributes" },
	{ "no such attribute", "COLOUR=red", "Bad attribute \"COLOUR=red\"" },
	{ "of XFORWARD only", "SOURCE=LOCAL",
	    "Bad attribute \"SOURCE=LOCAL\"" },
	{ "no value", "NAME", "Bad attribute \"NAME\"" },
	{ "empty value", "HELO=", "Bad attribute \"HELO=\"" },
	{ "twice", "HELO=a HELO=b", "Bad attribute \"HELO=b\"" },
	{ "not a name", "NAME=a+0Ab", "Bad attribute \"NAME=a+0Ab\"" },
	{ "line end in HELO", "HELO=a+0D+0Ab",
	    "Bad attribute \"HELO=a+0D+0Ab\"" },
	{ "NUL in HELO", "HELO=a+00b", "Bad attribute \"HELO=a+00b\"" },
	{ "not an address", "ADDR=a.example",
	    "Bad attribute \"ADDR=a.example\"" },
	{ "not a port", "PORT=65536", "Bad attribute \"PORT=65536\"" },
	{ "not a protocol", "PROTO=LMTP", "Bad attribute \"PROTO=LMTP\"" },
	{ "not xtext", "LOGIN=a+2", "Bad attribute \"LOGIN=a+2\"" },
	{ "good ones before a bad one", "ADDR=198.51.100.7 X=1",
	    "Bad attribute \"X=1\"" },
};

static void
test_parse(void)
{
	struct arena *a = arena_create("test");
	struct client c;
	struct err err;
	char before[600];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		client_begin(&c);
		snprintf(before, sizeof(before), "%s", describe(&c));
		if (xclient_parse(a, span_z(cases[i].in), &c, &err) == 0) {
			T_STR(cases[i].name, describe(&c), cases[i].want);
			continue;
		}
		T_STR(cases[i].name, err.text, cases[i].want);
		T_STR(cases[i].name, describe(&c), before);
	}
	arena_destroy(&a);
}

static void
check_format(const char *name, const struct client *c, unsigned offered,
    unsigned lines, const char *want)
{
	struct buf out = {0};

	T_INT(name, xclient_format(&out, c, offered), lines);
	buf_put(&out, "", 1);
	T_STR(name, out.p, want);
	buf_free(&out);
}

static void
test_format(void)
{
	struct buf out = {0};
	struct client c;
	struct err err;

	client_begin(&c);
	check_format("all", &c, ALL, 1, "XCLIENT ADDR=192.0.2.1 "
	    "PORT=4711 NAME=n.example PROTO=ESMTP HELO=h.example LOGIN=joe "
	    "DESTADDR=192.0.2.25 DESTPORT=25\r\n");
	check_format("what is offered", &c, XCLIENT_ADDR | XCLIENT_SOURCE, 1,
	    "XCLIENT ADDR=192.0.2.1\r\n");
	check_format("nothing offered", &c, 0, 0, "");

	addr_parse(span_z("[2001:db8::1]:1"), &c.addr, &err);
	c.name = c.login = NULL;
	c.reverse = DNS_REVERSE_TEMPERROR;
	c.helo = "a b+\r\n";
	check_format("not known, and hostile", &c,
	    ALL & ~(XCLIENT_DESTADDR | XCLIENT_DESTPORT), 1,
	    "XCLIENT ADDR=IPV6:2001:db8::1 PORT=1 NAME=[TEMPUNAVAIL] "
	    "PROTO=ESMTP HELO=a+20b+2B+0D+0A LOGIN=[UNAVAILABLE]\r\n");

	c.name = A50 A50 A50 A50 A50;
	c.helo = A50 A50 A50 A50 A50;
	check_format("two lines", &c, XCLIENT_NAME | XCLIENT_HELO, 2,
	    "XCLIENT NAME=" A50 A50 A50 A50 A50 "\r\n"
	    "XCLIENT HELO=" A50 A50 A50 A50 A50 "\r\n");
	c.helo = "++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++"
	    "+++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++"
	    "+++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++++";
	check_format("too long for a line", &c, XCLIENT_HELO, 1,
	    "XCLIENT HELO=[UNAVAILABLE]\r\n");

	client_begin(&c);
	T_INT("forward", xclient_format_forward(&out, &c, "5f3a",
	    ALL | XCLIENT_IDENT | XCLIENT_SOURCE), 1);
	buf_put(&out, "", 1);
	T_STR("forward", out.p, "XFORWARD ADDR=192.0.2.1 PORT=4711 "
	    "NAME=n.example PROTO=ESMTP HELO=h.example IDENT=5f3a SOURCE=REMOTE"
	    "\r\n");
	buf_clear(&out);
	addr_parse(span_z("unix:/run/x"), &c.addr, &err);
	T_INT("local", xclient_format_forward(&out, &c, NULL, XCLIENT_ADDR |
	    XCLIENT_PORT | XCLIENT_IDENT | XCLIENT_SOURCE), 1);
	buf_put(&out, "", 1);
	T_STR("local", out.p, "XFORWARD ADDR=[UNAVAILABLE] "
	    "PORT=[UNAVAILABLE] IDENT=[UNAVAILABLE] SOURCE=LOCAL\r\n");
	buf_free(&out);
}

int
main(void)
{
	T_INT("attributes", xclient_attributes(
	    span_z(" NAME addr  HELO NEWTHING ")),
	    XCLIENT_NAME | XCLIENT_ADDR | XCLIENT_HELO);
	test_parse();
	test_format();
	return t_done();
}
