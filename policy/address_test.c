#include <stdio.h>
#include <string.h>

#include "policy/address.h"
#include "tests/kit/t.h"

#define A64 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"
#define A63 "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"

/* A good one comes back as "local|domain". */
static const struct {
	const char *name, *in, *want;
	bool utf8;
} cases[] = {
	{ "plain", "bob@here.example", "bob|here.example", false },
	{ "all of atext", "!#$%&'*+-/=?^_`{|}~09azAZ@x",
	    "!#$%&'*+-/=?^_`{|}~09azAZ|x", false },
	{ "dots", "a.b.c@x.example", "a.b.c|x.example", false },
	{ "dots of mobile carriers", ".a..b.@x.example",
	    ".a..b.|x.example", false },
	{ "long local part", A64 "b@x.example", A64 "b|x.example", false },
	{ "underscore in a domain", "a@b_c.example", "a|b_c.example", false },
	{ "quoted", "\"a b\"@x.example", "\"a b\"|x.example", false },
	{ "quoted at", "\"a@b\"@x.example", "\"a@b\"|x.example", false },
	{ "quoted pair", "\"a\\\"b\\\\\"@x", "\"a\\\"b\\\\\"|x", false },
	{ "empty quotes", "\"\"@x.example", "\"\"|x.example", false },
	{ "IPv4 literal", "a@[192.0.2.1]", "a|[192.0.2.1]", false },
	{ "IPv6 literal", "a@[IPv6:2001:db8::1]", "a|[IPv6:2001:db8::1]",
	    false },
	{ "postmaster", "postMaster", "postMaster|", false },
	{ "UTF-8", "\xc3\xbc@b\xc3\xbc.example",
	    "\xc3\xbc|b\xc3\xbc.example", true },
	{ "UTF-8 in quotes", "\"\xc3\xbc \"@x", "\"\xc3\xbc \"|x", true },
	{ "UTF-8 not asked for", "\xc3\xbc@x.example",
	    "the address is not ASCII and SMTPUTF8 was not asked for", false },
	{ "not UTF-8", "\xfc@x.example",
	    "the address is not printable UTF-8", true },
	{ "a line end of UTF-8", "a\xc2\x85@x",
	    "the address is not printable UTF-8", true },
	{ "quoted pair of UTF-8", "\"\\\xc3\xbc\"@x",
	    "unexpected octet 0xc3 at octet 3 of the address", true },
	{ "empty", "", "the address is empty", false },
	{ "no domain", "bob", "the address has no domain", false },
	{ "nothing behind the @", "bob@", "nothing behind the @", false },
	{ "nothing before the @", "@x.example", "nothing before the @",
	    false },
	{ "two @", "a@b@c", "\"b@c\" is not a domain or an address literal",
	    false },
	{ "space", "a b@x", "unexpected octet 0x20 at octet 2 of the address",
	    false },
	{ "bracket", "a<b@x", "unexpected \"<\" at octet 2 of the address",
	    false },
	{ "control", "a\001@x",
	    "unexpected octet 0x01 at octet 2 of the address", false },
	{ "control in quotes", "\"a\n\"@x",
	    "unexpected octet 0x0a at octet 3 of the address", false },
	{ "quoted control", "\"a\\\n\"@x",
	    "unexpected octet 0x0a at octet 4 of the address", false },
	{ "quotes not closed", "\"a@x", "missing \" after the local part",
	    false },
	{ "backslash at the end", "\"a\\", "missing \" after the local part",
	    false },
	{ "text behind the quotes", "\"a\"b@x",
	    "unexpected \"b\" at octet 4 of the address", false },
	{ "quotes in a word", "a\"b\"@x",
	    "unexpected \"\"\" at octet 2 of the address", false },
	{ "empty label", "a@b..c",
	    "\"b..c\" is not a domain or an address literal", false },
	{ "dot at the end", "a@b.", "\"b.\" is not a domain or an address "
	    "literal", false },
	{ "bad IPv4 literal", "a@[192.0.2.256]",
	    "\"[192.0.2.256]\" is not a domain or an address literal",
	    false },
	{ "literal not closed", "a@[192.0.2.1",
	    "\"[192.0.2.1\" is not a domain or an address literal", false },
	{ "too long", A64 A64 A64 "@" A63,
	    "the address is longer than 254 octets", false },
};

static void
test_addresses(void)
{
	struct address a;
	struct err err;
	char got[600];
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (address_parse(span_z(cases[i].in), cases[i].utf8, &a,
		    &err) < 0) {
			T_STR(cases[i].name, err.text, cases[i].want);
			T_INT(cases[i].name, err.kind, ERR_SYNTAX);
			continue;
		}
		snprintf(got, sizeof(got), "%.*s|%.*s", SPAN_ARG(a.local),
		    SPAN_ARG(a.domain));
		T_STR(cases[i].name, got, cases[i].want);
		T_OK(cases[i].name, span_is(a.text, cases[i].in));
		T_INT(cases[i].name, a.utf8, cases[i].utf8);
	}
}

static void
test_domains(void)
{
	static const struct {
		const char *name;
		bool valid, utf8;
	} rows[] = {
		{ "a", true, false },
		{ "a.b-c.example", true, false },
		{ "1.2.3.4", true, false },
		{ "_dmarc.a", true, false },
		{ A63 ".a", true, false },
		{ A64 ".a", false, false },
		{ A63 "." A63 "." A63 "." A63, true, false },
		{ A63 "." A63 "." A63 "." A63 ".a", false, false },
		{ "", false, false },
		{ ".", false, false },
		{ ".a", false, false },
		{ "a..b", false, false },
		{ "a.", false, false },
		{ "a b", false, false },
		{ "a\nb", false, false },
		{ "a(b", false, false },
		{ "b\xc3\xbc", true, true },
		{ "b\xc3\xbc", false, false },
		{ "b\xc3", false, true },
		{ "b\xc2\x85", false, true },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		T_INT(rows[i].name, domain_is_valid(span_z(rows[i].name),
		    rows[i].utf8), rows[i].valid);
}

static void
test_literals(void)
{
	static const struct {
		const char *name;
		bool valid;
	} rows[] = {
		{ "[192.0.2.1]", true },
		{ "[IPv6:::1]", true },
		{ "[ipv6:2001:db8::1]", true },
		{ "[IPv6:::ffff:192.0.2.1]", true },
		{ "[x-tag:content]", true },
		{ "[]", false },
		{ "[1]", false },
		{ "192.0.2.1", false },
		{ "[192.0.2.1", false },
		{ "[192.0.2.1 ]", false },
		{ "[IPv6:192.0.2.1]", false },
		{ "[IPv6:]", false },
		{ "[IPv6:1:2:3:4:5:6:7:8:9]", false },
		{ "[tag-:x]", false },
		{ "[tag:a b]", false },
		{ "[tag:a[b]", false },
		{ "[:x]", false },
	};
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++)
		T_INT(rows[i].name, domain_is_literal(span_z(rows[i].name)),
		    rows[i].valid);
	T_OK("NUL in a literal",
	    !domain_is_literal(span_n("[192.0.2.1\0]", 12)));
}

static void
test_copy(void)
{
	struct arena *a = arena_create("test");
	char text[] = "\"a b\"@x.example";
	struct address from, to;
	struct err err;

	T_INT("copy: parse", address_parse(span_z(text), false, &from, &err),
	    0);
	to = address_copy(a, &from);
	memset(text, '?', strlen(text));
	T_OK("copy: text", span_is(to.text, "\"a b\"@x.example"));
	T_OK("copy: local", span_is(to.local, "\"a b\""));
	T_OK("copy: domain", span_is(to.domain, "x.example"));
	T_OK("copy: one piece", to.local.p == to.text.p);
	arena_destroy(&a);
}

int
main(void)
{
	test_addresses();
	test_domains();
	test_literals();
	test_copy();
	return t_done();
}
