#include <string.h>

#include "filters/spf_macro.h"
#include "tests/kit/t.h"

/* The values of RFC 7208 7.4. */
static const struct spf_macro_values values = {
	.sender = SPAN_LIT("strong-bad@email.example.com"),
	.local = SPAN_LIT("strong-bad"),
	.sender_domain = SPAN_LIT("email.example.com"),
	.domain = SPAN_LIT("email.example.com"),
	.ip = SPAN_LIT("192.0.2.3"),
	.ip_text = SPAN_LIT("192.0.2.3"),
	.client_name = SPAN_LIT("mx.example.org"),
	.ip_zone = SPAN_LIT("in-addr"),
	.helo = SPAN_LIT("a+b/c,d_e=f..g"),
	.receiver = SPAN_LIT("receiver.example"),
	.time = SPAN_LIT("1700000000"),
};

static const struct {
	const char *in, *want;
} texts[] = {
	{ "%{s}", "strong-bad@email.example.com" },
	{ "%{o}", "email.example.com" },
	{ "%{d}", "email.example.com" },
	{ "%{d4}", "email.example.com" },
	{ "%{d3}", "email.example.com" },
	{ "%{d2}", "example.com" },
	{ "%{d1}", "com" },
	{ "%{dr}", "com.example.email" },
	{ "%{d2r}", "example.email" },
	{ "%{d2R}", "example.email" },
	{ "%{d99999999999999999999}", "email.example.com" },
	{ "%{l}", "strong-bad" },
	{ "%{l-}", "strong.bad" },
	{ "%{lr}", "strong-bad" },
	{ "%{lr-}", "bad.strong" },
	{ "%{l1r-}", "strong" },
	{ "%{l1-}", "bad" },
	{ "%{ir}.%{v}._spf.%{d2}", "3.2.0.192.in-addr._spf.example.com" },
	{ "%{lr-}.lp._spf.%{d2}", "bad.strong.lp._spf.example.com" },
	{ "%{p2}.trusted", "example.org.trusted" },
	{ "%{h}", "a+b/c,d_e=f..g" },
	{ "%{h+/,_=}", "a.b.c.d.e.f..g" },
	{ "%{h3.}", "a+b/c,d_e=f..g" },
	{ "%{h2.}", ".g" },
	{ "%{hr.}", "g..a+b/c,d_e=f" },
	{ "%{c} %{r} %{t}", "192.0.2.3 receiver.example 1700000000" },
	{ "%%%_%-x", "% %20x" },
	{ "%{S}", "strong-bad%40email.example.com" },
	{ "%{H-}", "a%2Bb%2Fc%2Cd_e%3Df..g" },
	{ "plain", "plain" },
	{ "", "" },
};

static const struct {
	const char *name, *in, *want;
	enum spf_macro_place place;
} checks[] = {
	{ "all letters", "%{s}%{l}%{o}%{d}%{i}%{p}%{v}%{h}", "", SPF_IN_TERM },
	{ "upper case", "%{S}%{DR}", "", SPF_IN_TERM },
	{ "explanation letters", "%{c} %{r} %{t}", "", SPF_IN_EXPLANATION },
	{ "c in a term", "%{c}", "there is no macro %{c} here", SPF_IN_TERM },
	{ "r in a term", "%{R}", "there is no macro %{r} here", SPF_IN_TERM },
	{ "unknown letter", "%{x}", "there is no macro %{x} here",
	    SPF_IN_EXPLANATION },
	{ "space in a term", "a b", "octet 0x20 is not allowed", SPF_IN_TERM },
	{ "8 bit", "a\xc3\xa9", "octet 0xc3 is not allowed",
	    SPF_IN_EXPLANATION },
	{ "tab", "a\tb", "octet 0x09 is not allowed", SPF_IN_EXPLANATION },
	{ "DEL", "a\x7f", "octet 0x7f is not allowed", SPF_IN_TERM },
	{ "alone at the end", "a%", "a % that begins no macro", SPF_IN_TERM },
	{ "before a letter", "%a", "a % that begins no macro", SPF_IN_TERM },
	{ "round bracket", "%(i)", "a % that begins no macro", SPF_IN_TERM },
	{ "not closed", "%{d", "a % that begins no macro", SPF_IN_TERM },
	{ "opened only", "%{", "a % that begins no macro", SPF_IN_TERM },
	{ "empty", "%{}", "a % that begins no macro", SPF_IN_TERM },
	{ "zero parts", "%{d0}", "a % that begins no macro", SPF_IN_TERM },
	{ "r before number", "%{dr2}", "a % that begins no macro",
	    SPF_IN_TERM },
	{ "bad delimiter", "%{d*}", "a % that begins no macro", SPF_IN_TERM },
};

static void
test_texts(void)
{
	char out[100];

	for (size_t i = 0; i < sizeof(texts) / sizeof(texts[0]); i++) {
		spf_macro_text(span_z(texts[i].in), &values, out, sizeof(out));
		T_STR(texts[i].in, out, texts[i].want);
	}
	spf_macro_text(span_z("%{s}"), &values, out, 8);
	T_STR("cut to the size", out, "strong-");
}

static void
test_checks(void)
{
	for (size_t i = 0; i < sizeof(checks) / sizeof(checks[0]); i++) {
		struct err err = { .text = "" };

		spf_macro_check(span_z(checks[i].in), checks[i].place, &err);
		T_STR(checks[i].name, err.text, checks[i].want);
	}
	T_OK("NUL", spf_macro_check(span_n("a\0b", 3), SPF_IN_TERM,
	    &(struct err){ 0 }) < 0);
	T_OK("NUL as a delimiter", spf_macro_check(span_n("%{d\0}", 5),
	    SPF_IN_EXPLANATION, &(struct err){ 0 }) < 0);
	T_OK("uses", spf_macro_uses(span_z("a%{D}b"), "pd") &&
	    !spf_macro_uses(span_z("p%%{d}"), "pd"));
}

static void
test_names(void)
{
	struct spf_macro_values v = values;
	char out[SPF_NAME_SIZE], text[3000] = "", label[65] = "";

	T_INT("final dot", spf_macro_name(span_z("%{d}."), &v, out), 0);
	T_STR("final dot is gone", out, "email.example.com");
	T_INT("empty", spf_macro_name(span_z(""), &v, out), -1);
	T_INT("empty label", spf_macro_name(span_z("a..b"), &v, out), -1);
	memset(label, 'a', 64);
	T_INT("label of 64", spf_macro_name(span_z(label), &v, out), -1);
	T_INT("label of 63", spf_macro_name(span_z(label + 1), &v, out), 0);
	v.local = span_n("a\0b", 3);
	T_INT("NUL", spf_macro_name(span_z("%{l}.example"), &v, out), -1);

	/* 18 octets each; 13 of them and the end fit into 253, and the last
	 * label of a 14th. */
	for (int i = 0; i < 100; i++)
		strcat(text, "%{d}.");
	strcat(text, "1234.example");
	T_INT("far too long", spf_macro_name(span_z(text), &v, out), 0);
	T_INT("cut", strlen(out), 250);
	T_OK("at a label", strncmp(out, "com.email.", 10) == 0 &&
	    strcmp(out + 238, "1234.example") == 0);
	v.local = span_n(text, 300);	/* "%{d}.": no label fits */
	memset(text, 'x', 300);
	T_INT("one long label", spf_macro_name(span_z("%{l}"), &v, out), -1);
}

int
main(void)
{
	test_texts();
	test_checks();
	test_names();
	return t_done();
}
