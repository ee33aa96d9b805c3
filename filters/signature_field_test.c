#include <stdio.h>
#include <string.h>

#include "filters/signature_field.h"
#include "tests/kit/t.h"

#define HASH	"47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="
#define GOOD	"v=1; a=rsa-sha256; d=x.example; s=sel; h=from; bh=" HASH \
		"; b=AAAA"

static const struct {
	const char	*name, *value, *want;	/* NULL: it is valid */
} cases[] = {
	{ "the least there can be", GOOD, NULL },
	{ "a semicolon at the end", GOOD ";", NULL },
	{ "an unknown tag", GOOD "; zz=%; x_1=", NULL },
	{ "all tags", GOOD "; c=relaxed/simple; i=a@b.x.example; l=10; "
	    "q=dns/txt; t=1; x=2; z=From:a", NULL },
	{ "folding everywhere", "\r\n v\r\n = 1\r\n ;\ta = rsa-sha256 ;"
	    "d=x.example;s=sel;h=to :\r\n from : cc;bh=47DEQpj8HBSa+/TImW+5"
	    "\r\n JCeuQeRkm5NMpJWZG3hSuFU= ; b\r\n = AA\r\n AA ", NULL },
	{ "another order", "b=AAAA;bh=" HASH ";h=FROM;s=sel;d=X.Example;"
	    "a=RSA-SHA256;v=1", NULL },
	{ "Ed25519", "v=1;a=ed25519-sha256;d=x.example;s=sel;h=from;bh=" HASH
	    ";b=AAAA", NULL },
	{ "nothing", "", "an empty tag" },
	{ "not a tag list", "hello", "a tag without \"=\"" },
	{ "a tag twice", GOOD "; d=x.example", "tag \"d\" is there twice" },
	{ "an empty tag in the middle", "v=1;;" GOOD, "an empty tag" },
	{ "no version", "a=rsa-sha256; d=x.example; s=s; h=from; bh=" HASH
	    "; b=AAAA", "v= is missing" },
	{ "version 1.0", "v=1.0; a=rsa-sha256; d=x.example; s=s; h=from; bh="
	    HASH "; b=AAAA", "v= is not 1" },
	{ "SHA-1", "v=1; a=rsa-sha1; d=x.example; s=s; h=from; bh=" HASH
	    "; b=AAAA", "rsa-sha1 signatures are not valid any more" },
	{ "an unknown algorithm", "v=1; a=rsa-sha999; d=x.example; s=s; "
	    "h=from; bh=" HASH "; b=AAAA", "a= is an unknown algorithm" },
	{ "b= is empty", "v=1; a=rsa-sha256; d=x.example; s=s; h=from; bh="
	    HASH "; b=", "b= is empty" },
	{ "b= is not base64", "v=1; a=rsa-sha256; d=x.example; s=s; h=from; "
	    "bh=" HASH "; b=AA*A", "b= is not base64" },
	{ "bh= of SHA-1", "v=1; a=rsa-sha256; d=x.example; s=s; h=from; "
	    "bh=2jmj7l5rSw0yVb/vlWAYkK/YBwk=; b=AAAA",
	    "bh= is no SHA-256 hash" },
	{ "bh= is missing", "v=1; a=rsa-sha256; d=x.example; s=s; h=from; "
	    "b=AAAA", "bh= is missing" },
	{ "no such canonicalization", GOOD "; c=nowsp",
	    "c= is an unknown canonicalization" },
	{ "none for the body", GOOD "; c=relaxed/",
	    "c= is an unknown canonicalization" },
	{ "d= is empty", "v=1; a=rsa-sha256; d=; s=s; h=from; bh=" HASH
	    "; b=AAAA", "d= is no domain name" },
	{ "d= with a space", "v=1; a=rsa-sha256; d=x. example; s=s; h=from; "
	    "bh=" HASH "; b=AAAA", "d= is no domain name" },
	{ "d= with a dot at the end", "v=1; a=rsa-sha256; d=x.example.; s=s; "
	    "h=from; bh=" HASH "; b=AAAA", "d= is no domain name" },
	{ "s= with a dot at the end", "v=1; a=rsa-sha256; d=x.example; s=s.; "
	    "h=from; bh=" HASH "; b=AAAA", "s= is no selector" },
	{ "i= with a dot at the end", GOOD "; i=@x.example.",
	    "i= has no domain name" },
	{ "d= is a top-level domain", "v=1; a=rsa-sha256; d=example; s=s; "
	    "h=from; bh=" HASH "; b=AAAA", "d= is a top-level domain" },
	{ "h= is empty", "v=1; a=rsa-sha256; d=x.example; s=s; h=; bh=" HASH
	    "; b=AAAA", "h= does not name From" },
	{ "From is not signed", "v=1; a=rsa-sha256; d=x.example; s=s; "
	    "h=to:from2:subject; bh=" HASH "; b=AAAA",
	    "h= does not name From" },
	{ "i= in a subdomain", GOOD "; i=@a.b.x.example", NULL },
	{ "i= quoted-printable", GOOD "; i=a=3Db=20c@x.example", NULL },
	{ "i= with folding", GOOD "; i=a\r\n b@x.\r\n example", NULL },
	{ "i= of the parent", GOOD "; i=@example", "i= is not within d=" },
	{ "i= of another name", GOOD "; i=a@yx.example",
	    "i= is not within d=" },
	{ "i= without @", GOOD "; i=x.example", "i= is no identity" },
	{ "i= cut within an octet", GOOD "; i=a@x.example=2",
	    "i= is not quoted-printable" },
	{ "i= cut behind =", GOOD "; i=a@x.example=",
	    "i= is not quoted-printable" },
	{ "i= holds a line end", GOOD "; i=a=0D=0A@x.example",
	    "i= is no identity" },
	{ "i= holds a NUL", GOOD "; i=a=00@x.example", "i= is no identity" },
	{ "i= is not UTF-8", GOOD "; i=a=FF@x.example",
	    "i= is no identity" },
	{ "l= is not a number", GOOD "; l=-1", "l= is no number" },
	{ "l= is empty", GOOD "; l=", "l= is no number" },
	{ "q= of another kind", GOOD "; q=http", "q= has no known method" },
	{ "q= of several kinds", GOOD "; q=http : dns/txt", NULL },
	{ "s= of two labels", "v=1; a=rsa-sha256; d=x.example; s=a_1.b; "
	    "h=from; bh=" HASH "; b=AAAA", NULL },
	{ "s= with an empty label", "v=1; a=rsa-sha256; d=x.example; s=a..b; "
	    "h=from; bh=" HASH "; b=AAAA", "s= is no selector" },
	{ "t= is no time", GOOD "; t=1.5", "t= is no time" },
	{ "x= before t=", GOOD "; t=10; x=9", "x= is not later than t=" },
	{ "x= at t=", GOOD "; t=10; x=10", "x= is not later than t=" },
	{ "x= of 30 digits", GOOD "; t=10; x=999999999999999999999999999999",
	    NULL },
};

static void
parse(struct arena *a, const char *value, struct signature_field *out,
    struct err *err, int *ret)
{
	struct field *f = arena_new(a, struct field);

	f->whole = span_z(arena_printf(a, "DKIM-Signature:%s\r\n", value));
	f->name = span_n(f->whole.p, 14);
	f->value = span_n(f->whole.p + 15, f->whole.len - 17);
	*ret = signature_field_parse(a, f, out, err);
}

static void
test_cases(void)
{
	struct signature_field s;
	struct arena *a;
	struct err err;
	int ret;

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		a = arena_create("test");
		err.text[0] = '\0';
		parse(a, cases[i].value, &s, &err, &ret);
		T_STR(cases[i].name, ret == 0 ? NULL : err.text,
		    cases[i].want);
		arena_destroy(&a);
	}
}

static void
test_what_it_says(void)
{
	struct arena *a = arena_create("test");
	struct signature_field s;
	struct err err;
	int ret;

	parse(a, " v=1; a=Ed25519-SHA256; c=relaxed; d=X.EXAMPLE; s=Sel.1;\r\n"
	    "\th=to : From; i=Bob=40home@Mail.X.example; l=017; t=5; x=77;\r\n"
	    "\tbh=" HASH "; b= QU\r\n JD ", &s, &err, &ret);
	T_INT("valid", ret, 0);
	T_STR("algorithm", s.algorithm_name, "ed25519-sha256");
	T_INT("form of the header", s.header_form, CANON_RELAXED);
	T_INT("form of the body", s.body_form, CANON_SIMPLE);
	T_STR("domain", s.domain, "x.example");
	T_STR("selector", s.selector, "sel.1");
	T_STR("key name", s.key_name, "sel.1._domainkey.x.example");
	T_STR("identity", s.identity, "Bob@home@Mail.X.example");
	T_STR("its domain", s.identity_domain, "mail.x.example");
	T_INT("length", s.length, 17);
	T_INT("signed at", s.signed_at, 5);
	T_INT("expires", s.expires, 77);
	T_STR("signature", s.text, "QUJD");
	T_OK("its octets", span_is(s.signature, "ABC"));
	T_OK("what is cut out", span_is(s.cut, " QU\r\n JD "));

	parse(a, GOOD "; l=99999999999999999999999999", &s, &err, &ret);
	T_OK("a length beyond all", s.length == UINT64_MAX);
	T_STR("without i=", s.identity, "@x.example");

	parse(a, "v=2; a=rsa-sha1; d=x.example; s=sel; i=@y.example; h=from",
	    &s, &err, &ret);
	T_STR("the first error is told", err.text, "v= is not 1");
	T_STR("the signer is known all the same", s.domain, "x.example");
	T_STR("and the selector", s.selector, "sel");
	T_STR("and the algorithm", s.algorithm_name, "rsa-sha1");

	parse(a, "v=1; a=rsa-sha256; d=b\303\274cher.example; "
	    "s=gr\303\274n; h=from; i=\303\244@mail.b\303\274cher.example; "
	    "bh=" HASH "; b=AAAA", &s, &err, &ret);
	T_INT("UTF-8 is valid", ret, 0);
	T_STR("names become A-labels", s.key_name,
	    "xn--grn-ioa._domainkey.xn--bcher-kva.example");
	T_STR("the identity stays", s.identity,
	    "\303\244@mail.b\303\274cher.example");
	arena_destroy(&a);
}

static void
test_long_values(void)
{
	struct arena *a = arena_create("test");
	struct signature_field s;
	char names[4 * SIGNATURE_NAMES], label[80], *value;
	struct err err;
	int ret;

	memset(label, 'a', sizeof(label));
	label[64] = '\0';
	value = arena_printf(a, "v=1; a=rsa-sha256; d=%s.example; s=sel; "
	    "h=from; bh=" HASH "; b=AAAA", label);
	parse(a, value, &s, &err, &ret);
	T_STR("a label of 64", err.text, "d= is no domain name");
	label[63] = '\0';
	value = arena_printf(a, "v=1; a=rsa-sha256; d=%s.%s.%s.example; "
	    "s=%s; h=from; bh=" HASH "; b=AAAA", label, label, label, label);
	parse(a, value, &s, &err, &ret);
	T_STR("a key name too long for DNS", err.text,
	    "s= and d= make too long a name");

	names[0] = '\0';
	for (int i = 0; i < SIGNATURE_NAMES - 1; i++)
		strcat(names, "x:");
	value = arena_printf(a, "v=1; a=rsa-sha256; d=x.example; s=sel; "
	    "h=%sfrom; bh=" HASH "; b=AAAA", names);
	parse(a, value, &s, &err, &ret);
	T_INT("as many names as there may be", ret, 0);
	value = arena_printf(a, "v=1; a=rsa-sha256; d=x.example; s=sel; "
	    "h=%sx:from; bh=" HASH "; b=AAAA", names);
	parse(a, value, &s, &err, &ret);
	T_STR("one more", err.text, "h= has more than 256 names");
	arena_destroy(&a);
}

int
main(void)
{
	test_cases();
	test_what_it_says();
	test_long_values();
	return t_done();
}
