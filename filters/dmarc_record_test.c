#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "filters/dmarc_record.h"
#include "tests/kit/t.h"

/* "p sp np" and what else is not the default. */
static const char *
show(struct span text, char out[120])
{
	struct dmarc_record r;

	if (!dmarc_record_parse(text, &r))
		return "no record";
	snprintf(out, 120, "%s%s %s %s%s%s%s%s%s",
	    r.is_usable ? "" : "unusable ", dmarc_policy_name(r.p),
	    dmarc_policy_name(r.sp), dmarc_policy_name(r.np),
	    r.strict_dkim ? " adkim=s" : "", r.strict_spf ? " aspf=s" : "",
	    r.psd == DMARC_PSD_U ? "" : r.psd == DMARC_PSD_Y ? " psd=y" :
	    " psd=n", r.testing ? " t=y" : "", r.has_rua ? " rua" : "");
	return out;
}

#define NO	"no record"
#define UNUSABLE "unusable none none none"
static const struct {
	const char *name, *record, *want;
} cases[] = {
	{ "least", "v=DMARC1; p=none", "none none none" },
	{ "final semicolon", "v=DMARC1;p=reject;", "reject reject reject" },
	{ "all tags", "v=DMARC1; p=reject; sp=quarantine; np=none; adkim=s; "
	    "aspf=s; psd=n; t=y; rua=mailto:a@x.example; "
	    "ruf=mailto:a@x.example; fo=1:d",
	    "reject quarantine none adkim=s aspf=s psd=n t=y rua" },
	{ "blanks and tabs", "v \t=\t DMARC1 ;\tp = reject ",
	    "reject reject reject" },
	{ "case of names and values", "V=DMARC1; P=Reject; ADKIM=S; PSD=Y",
	    "reject reject reject adkim=s psd=y" },
	{ "p last", "v=DMARC1; sp=none; p=reject", "reject none none" },
	{ "np without sp", "v=DMARC1; p=none; np=reject",
	    "none none reject" },
	{ "np as sp", "v=DMARC1; p=none; sp=reject", "none reject reject" },

	{ "empty", "", NO },
	{ "another version", "v=DMARC2; p=none", NO },
	{ "version in lower case", "v=dmarc1; p=none", NO },
	{ "version with more", "v=DMARC1x; p=none", NO },
	{ "no semicolon behind it", "v=DMARC1 p=none", NO },
	{ "version not first", "p=none; v=DMARC1", NO },
	{ "blank before it", " v=DMARC1; p=none", NO },
	{ "SPF", "v=spf1 -all", NO },
	{ "version alone", "v=DMARC1", UNUSABLE },

	{ "no p", "v=DMARC1; adkim=s", UNUSABLE " adkim=s" },
	{ "no p, rua", "v=DMARC1; rua=mailto:a@x.example",
	    "none none none rua" },
	{ "bad p", "v=DMARC1; p=rejected", UNUSABLE },
	{ "empty p", "v=DMARC1; p=", UNUSABLE },
	{ "p without a value", "v=DMARC1; p", UNUSABLE },
	{ "bad p, rua", "v=DMARC1; p=x; sp=reject; rua=mailto:a@x.example",
	    "none none none rua" },
	{ "bad sp", "v=DMARC1; p=reject; sp=x", UNUSABLE },
	{ "bad sp, rua", "v=DMARC1; p=reject; sp=x; rua=mailto:a@x.example",
	    "none none none rua" },
	{ "bad np", "v=DMARC1; p=reject; np=x", UNUSABLE },
	{ "bad np, rua", "v=DMARC1; p=reject; np=x; rua=mailto:a@x.example",
	    "none none none rua" },
	{ "psd of an unusable one", "v=DMARC1; psd=y", UNUSABLE " psd=y" },

	{ "bad values of the others",
	    "v=DMARC1; p=reject; adkim=x; aspf=strict; psd=x; t=yes",
	    "reject reject reject" },
	{ "psd=u, t=n", "v=DMARC1; p=none; psd=u; t=n", "none none none" },
	{ "older tags", "v=DMARC1; p=reject; pct=0; rf=afrf; ri=3600",
	    "reject reject reject" },
	{ "unknown tags", "v=DMARC1; p=none; x=y; bogus; =; ;;", "none none "
	    "none" },
	{ "8-bit text in an unknown tag", "v=DMARC1; x=\xc3\xbc; p=reject",
	    "reject reject reject" },
	{ "8-bit text in p", "v=DMARC1; p=reject\xc3\xbc", UNUSABLE },
	{ "p twice", "v=DMARC1; p=none; p=reject", "none none none" },
	{ "t twice", "v=DMARC1; p=reject; t=n; t=y", "reject reject reject" },
	{ "name with a digit", "v=DMARC1; p=none; sp2=reject",
	    "none none none" },

	{ "two URIs, the first bad",
	    "v=DMARC1; rua=x@x.example , mailto:x@x.example",
	    "none none none rua" },
	{ "URI with a size", "v=DMARC1; rua=mailto:x@x.example!10m",
	    "none none none rua" },
	{ "URI with a size, no unit", "v=DMARC1; rua=mailto:x@x.example!10",
	    "none none none rua" },
	{ "another scheme", "v=DMARC1; rua=https://x.example/r?a=b%20c",
	    "none none none rua" },
	{ "no size", "v=DMARC1; rua=mailto:x@x.example!", UNUSABLE },
	{ "bad size", "v=DMARC1; rua=mailto:x@x.example!10p", UNUSABLE },
	{ "size alone", "v=DMARC1; rua=!10m", UNUSABLE },
	{ "no scheme", "v=DMARC1; rua=x@x.example", UNUSABLE },
	{ "bad scheme", "v=DMARC1; rua=_mailto:x@x.example", UNUSABLE },
	{ "empty URI", "v=DMARC1; rua=", UNUSABLE },
	{ "nothing behind the scheme", "v=DMARC1; rua=mailto:", UNUSABLE },
	{ "blank in a URI", "v=DMARC1; rua=mailto:a b@x.example", UNUSABLE },
	{ "bad escape", "v=DMARC1; rua=mailto:a%2@x.example", UNUSABLE },
};

int
main(void)
{
	char out[120], *long_text;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		T_STR(cases[i].name, show(span_z(cases[i].record), out),
		    cases[i].want);
	T_STR("NUL", show(SPAN_LIT("v=DMARC1\0; p=none"), out), NO);
	T_STR("NUL in p", show(SPAN_LIT("v=DMARC1; p=none\0"), out),
	    UNUSABLE);
	T_STR("NUL behind a URI",
	    show(SPAN_LIT("v=DMARC1; rua=mailto:a@x.example\0"), out),
	    UNUSABLE);
	long_text = malloc(65001);
	memset(long_text, ';', 65000);
	memcpy(long_text, "v=DMARC1", 8);
	memcpy(long_text + 64990, "p=reject", 8);
	long_text[65000] = '\0';
	T_STR("65,000 octets", show(span_z(long_text), out),
	    "reject reject reject");
	free(long_text);
	return t_done();
}
