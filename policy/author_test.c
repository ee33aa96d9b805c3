#include <stdio.h>
#include <string.h>

#include "policy/author.h"
#include "tests/kit/t.h"

/* "domain", or "- all, its, domains: fault". */
static const char *
show(const struct author *w, char out[600])
{
	size_t i, len = 0;

	if (w->domain != NULL)
		return w->domain;
	len += (size_t)snprintf(out, 600, "-");
	for (i = 0; i < w->ndomains; i++)
		len += (size_t)snprintf(out + len, 600 - len, " %s",
		    w->domains[i]);
	snprintf(out + len, 600 - len, ": %s", w->fault);
	return out;
}

static const struct {
	const char *name, *value, *want;
} values[] = {
	{ "bare address", "a@x.example", "x.example" },
	{ "display name", "Alice Doe <a@x.example>", "x.example" },
	{ "lower case", "A@X.Example", "x.example" },
	{ "comma in quotes", "\"Doe, Alice\" <a@x.example>", "x.example" },
	{ "address in quotes", "\"<ceo@bank.example>\" <a@x.example>",
	    "x.example" },
	{ "escaped quote", "\"x\\\"@bank.example\" <a@x.example>",
	    "x.example" },
	{ "quoted string that ends in a backslash", "\"x\\\\\" <a@x.example>",
	    "x.example" },
	{ "comments everywhere",
	    "(a(b@c.example)) a (b) @ (c) x (d) . (e) example (f)",
	    "x.example" },
	{ "escape in a comment", "(\\)<ceo@bank.example>) a@x.example",
	    "x.example" },
	{ "folded", "Alice\r\n <a@x.example>", "x.example" },
	{ "a fold of white space only", "Alice\r\n \r\n <a@x.example>",
	    "x.example" },
	{ "CRLF of the field", " a@x.example\r\n", "x.example" },
	{ "8-bit name that is no UTF-8", "J\xfcrgen <a@x.example>",
	    "x.example" },
	{ "encoded word", "=?utf-8?B?PGNlb0BiYW5rLmV4YW1wbGU+?= "
	    "<a@x.example>", "x.example" },
	{ "dots in a display name", "J. R. Doe <a@x.example>", "x.example" },
	{ "brackets in a display name", "ACME [Sales] <a@x.example>",
	    "x.example" },
	{ "quoted local part", "\"x@bank.example\"@x.example", "x.example" },
	{ "percent hack", "a%bank.example@x.example", "x.example" },
	{ "obsolete local part", "a . \"b\" . c@x.example", "x.example" },
	{ "dots in a row in a local part", "a..b.@x.example", "x.example" },
	{ "8-bit local part", "\xc3\xbc@x.example", "x.example" },
	{ "route", "<@bank.example,@c.example:a@x.example>", "x.example" },
	{ "empty members", ",a@x.example,,", "x.example" },
	{ "two of one domain", "a@x.example, B <b@X.EXAMPLE>", "x.example" },
	{ "group", "Team: a@x.example, b@x.example;", "x.example" },
	{ "group and more", "Team: a@x.example;, b@x.example", "x.example" },
	{ "group not closed", "Mail From:<a@x.example>", "x.example" },
	{ "the address as display name", "a@x.example <b@X.example>",
	    "x.example" },
	{ "an address and more as display name",
	    "a@x.example via \"The List\" <l@x.example>", "x.example" },
	{ "comma in a name", "Doe, Alice <a@x.example>", "x.example" },
	{ "commas in a name", "A, B, \"C\" D., E <a@x.example>", "x.example" },
	{ "a name that is a comma away", "Doe, <a@x.example>", "x.example" },
	{ "comma in a name of a group", "T: Doe, A <a@x.example>;",
	    "x.example" },
	{ "U-label", "a@b\xc3\xbc" "cher.example", "xn--bcher-kva.example" },
	{ "A-label", "a@xn--bcher-kva.example", "xn--bcher-kva.example" },
	{ "ideographic full stop", "a@x\xe3\x80\x82" "example", "x.example" },
	{ "underscore", "a@x_y.example", "x_y.example" },
	{ "single label", "a@localhost", "localhost" },

	{ "empty", "", "-: no address" },
	{ "blanks", " \r\n ", "-: no address" },
	{ "empty group", "Undisclosed senders:;", "-: no address" },
	{ "null address", "<>", "-: unexpected \">\" at octet 2" },
	{ "no domain", "a@", "-: an address is not complete" },
	{ "no local part", "@x.example",
	    "- x.example: unexpected \"@\" at octet 1" },
	{ "no @", "<root>", "-: unexpected \">\" at octet 6" },
	{ "a word", "root", "-: a name without an address" },
	{ "words", "Alice, Bob", "-: a name without an address" },
	{ "a word behind an address", "<a@x.example>, Inc.",
	    "- x.example: a name without an address" },
	{ "a word between addresses", "a@x.example, b, c@x.example",
	    "- x.example: a name without an address" },
	{ "a word at the end of a group", "T: a@x.example, b;, <c@x.example>",
	    "- x.example: a name without an address" },
	{ "two domains", "a@x.example, b@bank.example",
	    "- x.example bank.example: 2 author domains" },
	{ "two of one organization", "a@x.example, b@m.x.example",
	    "- x.example m.x.example: 2 author domains" },
	{ "an encoded word and an address", "=?utf-8?B?PGI+?=,<a@x.example>",
	    "- x.example: a name without an address" },
	{ "an encoded word behind an address", "<a@x.example>, =?utf-8?Q?b?=",
	    "- x.example: a name without an address" },
	{ "an address in quotes and an address",
	    "\"b@bank.example\", <a@x.example>",
	    "- x.example: a name without an address" },
	{ "an escaped @ in quotes", "\"b\\@bank.example\", <a@x.example>",
	    "- x.example: a name without an address" },
	{ "semicolon in a name", "Doe; Alice <a@x.example>",
	    "- x.example: a name without an address" },
	{ "two addresses in < >", "A <b@bank.example> <a@x.example>",
	    "- bank.example x.example: unexpected \"<\" at octet 20" },
	{ "another address as display name",
	    "b@bank.example <a@x.example>",
	    "- bank.example x.example: an address stands before another one" },
	{ "another address and more as display name",
	    "b@bank.example via List <l@x.example>",
	    "- bank.example x.example: an address stands before another one" },
	{ "two addresses as display name",
	    "a@x.example b@bank.example <a@x.example>",
	    "- x.example bank.example: unexpected \"@\" at octet 14" },
	{ "words behind an address", "a@x.example Alice",
	    "- x.example: an address is not complete" },
	{ "text behind the address", "<a@x.example>b@bank.example",
	    "- x.example bank.example: unexpected \"b\" at octet 14" },
	{ "a name behind the address", "<a@x.example> Alice",
	    "- x.example: unexpected \"A\" at octet 15" },
	{ "8-bit name behind the address", "<a@x.example> \xfc",
	    "- x.example: unexpected octet 0xfc at octet 15" },
	{ "escape outside quotes", "<b@bank.example>\\,<a@x.example>",
	    "- bank.example x.example: unexpected \"\\\" at octet 17" },
	{ "escape in a local part", "a\\@bank.example@x.example",
	    "- bank.example x.example: unexpected \"\\\" at octet 2" },
	{ "two @", "a@bank.example@x.example",
	    "- bank.example x.example: unexpected \"@\" at octet 15" },
	{ "double angle", "<<a@x.example>>",
	    "- x.example: unexpected \"<\" at octet 2" },
	{ "name in quotes, no angle", "\"( b@bank.example)\" a@x.example",
	    "- x.example: unexpected \"@\" at octet 22" },
	{ "encoded word as local part", "<=?utf-8?Q?a=40b=3E?=@x.example>",
	    "- x.example: an address has an encoded word for a local part" },
	{ "quotes not closed", "\"Alice <a@x.example>",
	    "- x.example: the quoted string at octet 1 is not closed" },
	{ "comment not closed", "a@x.example (Alice",
	    "- x.example: the comment at octet 13 is not closed" },
	{ "escape at the end of a comment", "a@x.example (\\",
	    "- x.example: the comment at octet 13 is not closed" },
	{ "semicolon without a group", "a@x.example;",
	    "- x.example: unexpected \";\" at octet 12" },
	{ "group in a group", "A: B: a@x.example;;",
	    "- x.example: unexpected \":\" at octet 5" },
	{ "text behind a group", "A: a@x.example; b@bank.example",
	    "- x.example bank.example: unexpected \"b\" at octet 17" },
	{ "route without an address", "<@bank.example>",
	    "- bank.example: unexpected \">\" at octet 15" },
	{ "route without a comma", "<@bank.example@c.example:a@x.example>",
	    "- bank.example c.example x.example: unexpected \"@\" at octet "
	    "15" },
	{ "two dots in a domain", "a@x..example",
	    "-: unexpected \".\" at octet 5" },
	{ "final dot", "a@x.example.",
	    "- x.example: an address is not complete" },
	{ "8-bit domain that is no UTF-8", "a@b\xfc" "cher.example",
	    "-: an address whose domain is no name" },
	{ "bad sign in a domain", "a@x!y.example",
	    "-: an address whose domain is no name" },
	{ "slash out of a ligature", "a@bank.example\xe2\x84\x80.x.example",
	    "-: an address whose domain is no name" },
	{ "literal", "a@[192.0.2.1]", "-: an address literal has no domain" },
	{ "literal and a domain", "a@[IPv6:2001:db8::1], b@x.example",
	    "- x.example: an address literal has no domain" },
	{ "literal not closed", "a@[192.0.2.1",
	    "-: an address is not complete" },
	{ "address without brackets", "a@192.0.2.1",
	    "-: an address whose domain is no name" },
	{ "bare CR", "b@bank.example\rFrom: a@x.example",
	    "- bank.example x.example: octet 0x0d at octet 15" },
	{ "fold without white space", "a@x.example\r\nb",
	    "- x.example: octet 0x0d at octet 12" },
	{ "control", "a@x.example\x01",
	    "- x.example: octet 0x01 at octet 12" },
};

static void
test_values(void)
{
	struct author w;
	struct arena *a;
	struct span v;
	char out[600];

	for (size_t i = 0; i < sizeof(values) / sizeof(values[0]); i++) {
		a = arena_create("author");
		v = span_z(values[i].value);
		author_parse(a, &v, 1, &w);
		T_STR(values[i].name, show(&w, out), values[i].want);
		arena_destroy(&a);
	}
}

static const struct {
	const char *name, *header, *want;
} headers[] = {
	{ "no From", "Subject: x\r\n", "-: no From field" },
	{ "no header", "", "-: no From field" },
	{ "two fields", "From: a@x.example\r\nfrom: a@x.example\r\n",
	    "- x.example: 2 From fields" },
	{ "blank before the colon", "From : a@x.example\r\n", "x.example" },
	{ "fold before the colon",
	    "From\r\n : b@bank.example\r\nFrom: a@x.example\r\n",
	    "- bank.example x.example: 2 From fields" },
	{ "blank before the first field",
	    " From: b@bank.example\r\nFrom: a@x.example\r\n",
	    "- bank.example x.example: 2 From fields" },
	{ "control in the name",
	    "From\x01: b@bank.example\r\nFrom: a@x.example\r\n",
	    "- bank.example x.example: 2 From fields" },
	{ "nothing but a field that is none", " From: a@x.example\r\n",
	    "- x.example: a line that may be taken for a From field" },
	{ "nothing but a field whose name is folded",
	    "From\r\n : a@x.example\r\nResent-From: b@bank.example\r\n",
	    "- x.example: a From field whose name is folded" },
	{ "mbox line",
	    "From b@bank.example Mon Jun  2 10:00:00 2025\r\n"
	    "From: a@x.example\r\n", "x.example" },
	{ "X-From and Sender",
	    "X-From: b@bank.example\r\nSender: b@bank.example\r\n"
	    "From: a@x.example\r\n", "x.example" },
};

static void
test_headers(void)
{
	struct fields fields;
	struct author w;
	struct arena *a;
	char out[600];

	for (size_t i = 0; i < sizeof(headers) / sizeof(headers[0]); i++) {
		a = arena_create("author");
		fields_parse(a, span_z(headers[i].header), &fields);
		author_find(a, &fields, &w);
		T_STR(headers[i].name, show(&w, out), headers[i].want);
		arena_destroy(&a);
	}
}

static struct span
repeat(struct arena *a, const char *text, size_t times, const char *more)
{
	size_t len = strlen(text), i;
	char *p = arena_alloc(a, len * times + strlen(more) + 1);

	for (i = 0; i < times; i++)
		memcpy(p + i * len, text, len);
	strcpy(p + i * len, more);
	return span_z(p);
}

static void
test_limits(void)
{
	struct arena *a = arena_create("author");
	struct author w;
	struct span v;

	v = repeat(a, "a@x.example,", 100, "");
	author_parse(a, &v, 1, &w);
	T_STR("100 addresses", w.domain, "x.example");
	T_INT("counted", w.naddresses, 100);
	v = repeat(a, "a@x.example,", 1000, "b@bank.example");
	author_parse(a, &v, 1, &w);
	T_STR("1,000 addresses", w.fault, "too many addresses");
	T_OK("no domain", w.domain == NULL);
	T_INT("100 counted", w.naddresses, 100);
	v = span_z("a@a.example, a@b.example, a@c.example, a@d.example, "
	    "a@e.example");
	author_parse(a, &v, 1, &w);
	T_STR("five domains", w.fault, "too many author domains");
	T_INT("four kept", w.ndomains, AUTHOR_DOMAINS);
	v = repeat(a, "a@\xc3\xbc.example,", AUTHOR_CONVERTED, "b@x.example");
	author_parse(a, &v, 1, &w);
	T_STR("ten U-labels", w.fault, "2 author domains");
	v = repeat(a, "a@\xc3\xbc.example,", AUTHOR_CONVERTED + 1, "");
	author_parse(a, &v, 1, &w);
	T_STR("eleven U-labels", w.fault, "too many author domains");
	v = repeat(a, "(", 100000, "");
	author_parse(a, &v, 1, &w);
	T_OK("deep comment, not closed", w.domain == NULL);
	v = repeat(a, "()", 100000, "a@x.example");
	author_parse(a, &v, 1, &w);
	T_STR("100,000 comments", w.domain, "x.example");
	v = repeat(a, "\"@", 100001, "");
	author_parse(a, &v, 1, &w);
	T_OK("100,001 quotes", w.domain == NULL);
	v = repeat(a, "@a", 100000, "");
	author_parse(a, &v, 1, &w);
	T_INT("100,000 @", w.ndomains, 1);
	v = repeat(a, "a@", 1, repeat(a, "x.", 127, "example").p);
	author_parse(a, &v, 1, &w);
	T_STR("a name of more than 253 octets", w.fault,
	    "an address whose domain is no name");
	v = repeat(a, "a@", 1, repeat(a, "xxxx.", 300, "example").p);
	author_parse(a, &v, 1, &w);
	T_STR("a domain of 1,500 octets", w.fault, "a domain is too long");
	arena_destroy(&a);
}

int
main(void)
{
	test_values();
	test_headers();
	test_limits();
	return t_done();
}
