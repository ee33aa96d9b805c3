#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "filters/spf_record.h"
#include "tests/kit/t.h"

/* What was read, as "fail a x.example 24 128; redirect=y". */
static const struct {
	const char *in, *want;
} cases[] = {
	{ "v=spf1", "" },
	{ "v=spf1   ", "" },
	{ "V=SPF1 -ALL", "fail all" },
	{ "v=spf1 ~all ?all +all all", "softfail all; neutral all; pass all; "
	    "pass all" },
	{ "v=spf1 a mx ptr", "pass a - 32 128; pass mx - 32 128; pass ptr -" },
	{ "v=spf1 a/24 mx//64 a/0//0", "pass a - 24 128; pass mx - 32 64; "
	    "pass a - 0 0" },
	{ "v=spf1 a:x.example/24//64", "pass a x.example 24 64" },
	{ "v=spf1 -a:/x32.com//12", "fail a /x32.com 32 12" },
	{ "v=spf1 a:foo:bar/baz.example", "pass a foo:bar/baz.example 32 128" },
	{ "v=spf1 a:%{d}/8", "pass a %{d} 8 128" },
	{ "v=spf1 a:x%%", "pass a x%% 32 128" },
	{ "v=spf1 a:x.example.", "pass a x.example. 32 128" },
	{ "v=spf1 a:x.xn--zckzah a:x.a1 a:x.1-1", "pass a x.xn--zckzah 32 128; "
	    "pass a x.a1 32 128; pass a x.1-1 32 128" },
	{ "v=spf1 include:_s.example exists:%{i}.x.example",
	    "pass include _s.example; pass exists %{i}.x.example" },
	{ "v=spf1 ptr:x.example", "pass ptr x.example" },
	{ "v=spf1 ip4:192.0.2.1 ip4:10.0.0.0/8 ip6:2001:db8::/32 ip6:::1",
	    "pass ip4 c0000201/32; pass ip4 0a000000/8; "
	    "pass ip6 20010db8/32; pass ip6 00000000/128" },
	{ "v=spf1 redirect=x.example exp=e.%{d}", "redirect=x.example; "
	    "exp=e.%{d}" },
	{ "v=spf1 foo=bar:baz/24 f.o-o_1= mx=x -all", "fail all" },

	{ "v=spf1 -all.", "-all.: there is no such mechanism" },
	{ "v=spf1 all:x", "all:x: it takes no argument" },
	{ "v=spf1 all/8", "all/8: it takes no argument" },
	{ "v=spf1 -all moo", "moo: there is no such mechanism" },
	{ "v=spf1 -", "-: there is no such mechanism" },
	{ "v=spf1 +-all", "+-all: there is no such mechanism" },
	{ "v=spf1 redirect:x.example",
	    "redirect:x.example: there is no such mechanism" },
	{ "v=spf1 +redirect=x.example",
	    "+redirect=x.example: there is no such mechanism" },
	{ "v=spf1 1up=foo", "1up=foo: there is no such mechanism" },
	{ "v=spf1 =all", "=all: there is no such mechanism" },
	{ "v=spf1 a.b/c=d", "a.b/c=d: there is no such mechanism" },
	{ "v=spf1 a:", "a:: the domain is missing" },
	{ "v=spf1 a:/24", "a:/24: the domain is missing" },
	{ "v=spf1 a/", "a/: bad argument" },
	{ "v=spf1 a/33", "a/33: bad prefix length" },
	{ "v=spf1 a//129", "a//129: bad prefix length" },
	{ "v=spf1 a/024", "a/024: bad prefix length" },
	{ "v=spf1 a/24/64", "a/24/64: bad prefix length" },
	{ "v=spf1 a:museum", "a:museum: the domain does not end in a top-level "
	    "domain" },
	{ "v=spf1 a:museum.", "a:museum.: the domain does not end in a "
	    "top-level domain" },
	{ "v=spf1 a:1.2.3.4", "a:1.2.3.4: the domain does not end in a "
	    "top-level domain" },
	{ "v=spf1 a:x.-com", "a:x.-com: the domain does not end in a top-level "
	    "domain" },
	{ "v=spf1 a:x.com-", "a:x.com-: the domain does not end in a top-level "
	    "domain" },
	{ "v=spf1 a:x.com:80", "a:x.com:80: the domain does not end in a "
	    "top-level domain" },
	{ "v=spf1 a:%{d}com", "a:%{d}com: the domain does not end in a "
	    "top-level domain" },
	{ "v=spf1 a:x..", "a:x..: the domain does not end in a top-level "
	    "domain" },
	{ "v=spf1 include", "include: bad argument" },
	{ "v=spf1 include:x.com/24", "include:x.com/24: the domain does not "
	    "end in a top-level domain" },
	{ "v=spf1 exists", "exists: bad argument" },
	{ "v=spf1 ptr/0", "ptr/0: bad argument" },
	{ "v=spf1 ip4", "ip4: the address is missing" },
	{ "v=spf1 ip4:", "ip4:: no IPv4 address" },
	{ "v=spf1 ip4:1.2.3", "ip4:1.2.3: no IPv4 address" },
	{ "v=spf1 ip4:1.2.3.04", "ip4:1.2.3.04: no IPv4 address" },
	{ "v=spf1 ip4:1.2.3.4/33", "ip4:1.2.3.4/33: bad prefix length" },
	{ "v=spf1 ip4:1.2.3.4//32", "ip4:1.2.3.4//32: no IPv4 address" },
	{ "v=spf1 ip4:1.2.3.4\n", "ip4:1.2.3.4?: no IPv4 address" },
	{ "v=spf1 ip4:::1", "ip4:::1: no IPv4 address" },
	{ "v=spf1 ip6:1.2.3.4", "ip6:1.2.3.4: no IPv6 address" },
	{ "v=spf1 ip6:::1%eth0", "ip6:::1%eth0: no IPv6 address" },
	{ "v=spf1 ip6:::1/129", "ip6:::1/129: bad prefix length" },
	{ "v=spf1 exp=", "exp=: the domain is missing" },
	{ "v=spf1 exp=a.b exp=c.d", "exp=c.d: it is there twice" },
	{ "v=spf1 redirect=a.b Redirect=a.b", "Redirect=a.b: it is there "
	    "twice" },
	{ "v=spf1 foo=%abc", "foo=%abc: a % that begins no macro" },
	{ "v=spf1 a:\xef\xbb\xbfx.com", "a:???x.com: octet 0xef is not "
	    "allowed" },
};

static void
put_term(struct buf *b, const struct spf_term *t)
{
	static const char *const names[] = { "all", "include", "a", "mx",
	    "ptr", "ip4", "ip6", "exists" };

	buf_printf(b, "%s%s %s", b->len > 0 ? "; " : "",
	    spf_result_name(t->result), names[t->mechanism]);
	if (t->mechanism == SPF_MECH_IP4 || t->mechanism == SPF_MECH_IP6)
		buf_printf(b, " %02x%02x%02x%02x/%d", t->u.ip[0], t->u.ip[1],
		    t->u.ip[2], t->u.ip[3], t->mechanism == SPF_MECH_IP4 ?
		    t->bits4 : t->bits6);
	else if (t->u.domain.len > 0)
		buf_printf(b, " %.*s", SPAN_ARG(t->u.domain));
	else if (t->mechanism != SPF_MECH_ALL)
		buf_printf(b, " -");
	if (t->mechanism == SPF_MECH_A || t->mechanism == SPF_MECH_MX)
		buf_printf(b, " %d %d", t->bits4, t->bits6);
}

static const char *
read_record(struct arena *a, struct span text)
{
	struct spf_record record;
	struct buf b = { 0 };
	struct err err;
	const char *shown;

	if (spf_record_parse(a, text, &record, &err) < 0)
		return arena_strdup(a, err.text);
	for (size_t i = 0; i < record.n; i++)
		put_term(&b, &record.terms[i]);
	if (record.redirect.p != NULL)
		buf_printf(&b, "%sredirect=%.*s", b.len > 0 ? "; " : "",
		    SPAN_ARG(record.redirect));
	if (record.explanation.p != NULL)
		buf_printf(&b, "%sexp=%.*s", b.len > 0 ? "; " : "",
		    SPAN_ARG(record.explanation));
	shown = arena_copy(a, buf_text(&b));
	buf_free(&b);
	return shown;
}

static void
test_cases(struct arena *a)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].in, read_record(a, span_z(cases[i].in)),
		    cases[i].want);
}

static void
test_version(void)
{
	T_OK("alone", spf_record_is(span_z("v=spf1")));
	T_OK("any case", spf_record_is(span_z("V=sPf1 a")));
	T_OK("no space", !spf_record_is(span_z("v=spf1a")));
	T_OK("version 10", !spf_record_is(span_z("v=spf10 a")));
	T_OK("tab", !spf_record_is(span_z("v=spf1\ta")));
	T_OK("space in front", !spf_record_is(span_z(" v=spf1 a")));
	T_OK("empty", !spf_record_is(span_n(NULL, 0)));
}

static void
test_limits(struct arena *a)
{
	static char text[SPF_LIMIT_RECORD + 2];
	size_t len;

	memset(text, ' ', sizeof(text));
	memcpy(text, "v=spf1", 6);
	T_STR("spaces only", read_record(a, span_n(text, SPF_LIMIT_RECORD)),
	    "");
	T_STR("too long", read_record(a, span_n(text, SPF_LIMIT_RECORD + 1)),
	    "the record is longer than 16384 octets");
	memset(text + 6, 'x', 600);
	memcpy(text + 6, " a:", 3);
	memcpy(text + 600, ".a b", 4);
	T_OK("long domain", strstr(read_record(a, span_n(text, 602)),
	    "the domain is longer than 512 octets") != NULL);
	for (len = 7; len + 2 <= SPF_LIMIT_RECORD; len += 2)
		memcpy(text + len, "a ", 2);
	T_STR("too many terms", read_record(a, span_n(text, len)),
	    "more than 1500 terms are written there");
}

int
main(void)
{
	struct arena *a = arena_create("test");

	test_cases(a);
	test_version();
	test_limits(a);
	arena_destroy(&a);
	return t_done();
}
