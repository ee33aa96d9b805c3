#include <stdio.h>

#include "base/loop.h"
#include "tests/kit/dmarc_ask.h"
#include "tests/kit/t.h"

#define AT		DMARC_AT
#define SERVFAIL	DMARC_SERVFAIL
#define A(name)		name " A 192.0.2.1\n"
#define DEEP		"mail.a.b.c.d.e.f.g.example.com"

static const struct {
	const char *name, *zone, *domain, *ids, *want;
} cases[] = {
	/* B.1, B.4 and the examples of 4.4 and 4.10.2 */
	{ "B.1.1 example 1", AT("example.com", "p=none"), "example.com",
	    "spf:example.com", "pass none p@example.com org=example.com spf" },
	{ "B.1.1 example 2", AT("example.com", "p=none"), "example.com",
	    "spf:child.example.com",
	    "pass none p@example.com org=example.com spf" },
	{ "B.1.1 example 3", AT("example.com", "p=none"),
	    "child.example.com", "spf:example.net",
	    "fail none p@example.com org=example.com" },
	{ "B.1.2 example 1", AT("example.com", "p=none"), "example.com",
	    "dkim:example.com",
	    "pass none p@example.com org=example.com dkim" },
	{ "B.1.2 example 2", AT("example.com", "p=none"),
	    "child.example.com", "dkim:example.com",
	    "pass none p@example.com org=example.com dkim" },
	{ "B.1.2 example 3", AT("example.com", "p=none"),
	    "child.example.com", "dkim:example.net",
	    "fail none p@example.com org=example.com" },
	{ "B.4.1", AT("example.com", "p=reject")
	    AT("signing.example.com", "p=reject"), "example.com",
	    "spf:example.com dkim:signing.example.com",
	    "pass reject p@example.com org=example.com spf dkim" },
	{ "B.4.2", AT("example.com", "p=reject")
	    AT("signing.example.com", "p=reject"),
	    "a.b.c.d.e.f.g.h.i.j.k.example.com",
	    "spf:example.com dkim:signing.example.com",
	    "pass reject p@example.com org=example.com spf dkim" },
	{ "B.4.3", AT("bank.example", "p=none; psd=y")
	    AT("giant.bank.example", "p=quarantine"), "giant.bank.example",
	    "spf:mail.giant.bank.example dkim:mail.mega.bank.example",
	    "pass quarantine p@giant.bank.example org=giant.bank.example "
	    "spf" },
	{ "B.4.3, the neighbour", AT("bank.example", "p=reject; psd=y")
	    AT("giant.bank.example", "p=quarantine"), "mega.bank.example",
	    "spf:mail.giant.bank.example",
	    "fail reject p@bank.example org=mega.bank.example" },
	{ "4.10.2 example 1", AT("mail.example.com", "p=none")
	    AT("example.com", "p=reject"), "a.mail.example.com", "",
	    "fail reject p@example.com org=example.com" },
	{ "4.10.2 example 2", AT("mail.example.com", "p=none; psd=n")
	    AT("example.com", "p=reject"), "a.mail.example.com", "",
	    "fail none p@mail.example.com org=mail.example.com" },
	{ "4.10.2 example 3", AT("com", "p=quarantine; psd=y"),
	    "a.mail.example.com", "dkim:b.example.com",
	    "pass quarantine p@com org=example.com dkim" },
	{ "5.1.8", AT("example.com", "p=reject")
	    AT("b.c.d.e.f.g.example.com", "p=none; psd=n"), DEEP, "",
	    "fail reject p@example.com org=example.com" },
	{ "5.1.8, at the author domain", AT("example.com", "p=reject")
	    AT(DEEP, "p=quarantine"), DEEP, "",
	    "fail quarantine p@" DEEP " org=example.com" },
	{ "11.8", AT("mail.example.com", "p=reject")
	    AT("example.com", "p=reject"), "evil.example.com",
	    "dkim:mail.example.com",
	    "pass reject p@example.com org=example.com dkim" },

	/* records */
	{ "no record", "", "example.com", "dkim:example.com",
	    "none org=example.com" },
	{ "another TXT", "_dmarc.x.example TXT \"hello\"\n", "x.example",
	    "", "none org=x.example" },
	{ "another TXT beside it", "_dmarc.x.example TXT \"hello\"\n"
	    AT("x.example", "p=reject"), "x.example", "",
	    "fail reject p@x.example org=x.example" },
	{ "two records are none", AT("x.example", "p=reject")
	    AT("x.example", "p=none"), "x.example", "dkim:x.example",
	    "none org=x.example" },
	{ "two records, the walk goes on", AT("a.x.example", "p=reject")
	    AT("a.x.example", "p=none") AT("x.example", "p=quarantine"),
	    "a.x.example", "", "fail quarantine p@x.example org=x.example" },
	{ "strings joined", "_dmarc.x.example TXT \"v=DM\" \"ARC1;p=rej\" "
	    "\"ect\"\n", "x.example", "",
	    "fail reject p@x.example org=x.example" },
	{ "CNAME", "_dmarc.x.example CNAME _dmarc.y.example\n"
	    AT("y.example", "p=reject"), "x.example", "",
	    "fail reject p@x.example org=x.example" },
	{ "no valid policy, no rua", AT("x.example", "p=x"), "x.example",
	    "dkim:x.example", "none none p@x.example org=x.example" },
	{ "no valid policy, rua",
	    AT("x.example", "p=x; rua=mailto:a@x.example"), "x.example", "",
	    "fail none p@x.example org=x.example" },
	{ "an unusable one hides that above", AT("a.x.example", "adkim=s")
	    AT("x.example", "p=reject"), "a.x.example", "",
	    "none none p@a.x.example org=x.example" },

	/* p, sp, np, t */
	{ "p of its own", AT("x.example", "p=reject; sp=none; np=none"),
	    "x.example", "", "fail reject p@x.example org=x.example" },
	{ "own record of a subdomain: p", AT("x.example", "p=none")
	    AT("a.x.example", "p=reject; sp=none"), "a.x.example", "",
	    "fail reject p@a.x.example org=x.example" },
	{ "sp", AT("x.example", "p=reject; sp=quarantine") A("a.x.example"),
	    "a.x.example", "",
	    "fail quarantine sp@x.example org=x.example" },
	{ "np", AT("x.example", "p=none; sp=quarantine; np=reject"),
	    "a.x.example", "", "fail reject np@x.example org=x.example" },
	{ "np, it exists", AT("x.example", "p=none; np=reject")
	    A("a.x.example"), "a.x.example", "",
	    "fail none p@x.example org=x.example" },
	{ "np, it exists without an address",
	    AT("x.example", "p=none; np=reject")
	    "a.x.example MX 0 .\n", "a.x.example", "",
	    "fail none p@x.example org=x.example" },
	{ "np, a name beneath exists", AT("x.example", "p=none; np=reject")
	    A("b.a.x.example"), "a.x.example", "",
	    "fail none p@x.example org=x.example" },
	{ "no np: sp", AT("x.example", "p=none; sp=reject"), "a.x.example",
	    "", "fail reject sp@x.example org=x.example" },
	{ "np of a public suffix", AT("example", "p=none; np=reject; psd=y"),
	    "x.example", "", "fail reject np@example org=x.example" },
	{ "t, reject", AT("x.example", "p=reject; t=y"), "x.example", "",
	    "fail quarantine p@x.example org=x.example" },
	{ "t, quarantine", AT("x.example", "p=quarantine; t=y"), "x.example",
	    "", "fail none p@x.example org=x.example" },
	{ "t, none", AT("x.example", "p=none; t=y"), "x.example", "",
	    "fail none p@x.example org=x.example" },
	{ "t, sp", AT("x.example", "p=none; sp=reject; t=y"), "a.x.example",
	    "", "fail quarantine sp@x.example org=x.example" },

	/* psd */
	{ "its own, if the suffix has one too",
	    AT("example", "p=reject; psd=y") AT("x.example", "p=none"),
	    "a.x.example", "", "fail none p@x.example org=x.example" },
	{ "a suffix is its own organization",
	    AT("bank.example", "p=reject; psd=y"), "bank.example",
	    "dkim:a.bank.example",
	    "fail reject p@bank.example org=bank.example" },
	{ "a suffix, itself signed", AT("bank.example", "p=reject; psd=y"),
	    "bank.example", "dkim:bank.example",
	    "pass reject p@bank.example org=bank.example dkim" },
	{ "one below, which was cut",
	    AT("d.e.f.g.h.example.com", "p=reject; psd=y"),
	    "a.b.c.d.e.f.g.h.example.com", "",
	    "fail reject p@d.e.f.g.h.example.com "
	    "org=c.d.e.f.g.h.example.com" },
	{ "one below, no record there; a deeper one does not count",
	    AT("a.x.example", "p=none") AT("example", "p=reject; psd=y"),
	    "b.a.x.example", "", "fail reject p@example org=x.example" },
	{ "psd=n above the author domain", AT("a.b.x.example", "p=none")
	    AT("b.x.example", "p=reject; psd=n") AT("x.example", "p=none"),
	    "a.b.x.example", "dkim:c.b.x.example",
	    "pass none p@a.b.x.example org=b.x.example dkim" },
	{ "psd=n parts two of one name", AT("a.x.example", "p=reject; psd=n")
	    AT("x.example", "p=none"), "a.x.example",
	    "dkim:x.example dkim:b.x.example",
	    "fail reject p@a.x.example org=a.x.example" },
	{ "psd=n of the identifier", AT("a.x.example", "p=reject; psd=n")
	    AT("x.example", "p=none"), "x.example", "dkim:a.x.example",
	    "fail none p@x.example org=x.example" },
	{ "psd=u of a top level unites all beneath",
	    AT("example", "p=reject"), "x.example", "dkim:y.example",
	    "pass reject p@example org=example dkim" },

	/* alignment */
	{ "strict SPF", AT("x.example", "p=none; aspf=s"), "x.example",
	    "spf:a.x.example", "fail none p@x.example org=x.example" },
	{ "strict SPF, DKIM relaxed", AT("x.example", "p=none; aspf=s"),
	    "x.example", "spf:a.x.example dkim:a.x.example",
	    "pass none p@x.example org=x.example dkim" },
	{ "strict, inherited", AT("x.example", "p=none; adkim=s"),
	    "a.x.example", "dkim:x.example",
	    "fail none p@x.example org=x.example" },
	{ "strict, the same", AT("x.example", "p=none; adkim=s"),
	    "a.x.example", "dkim:A.X.Example.",
	    "pass none p@x.example org=x.example dkim" },
	{ "what fails does not count", AT("x.example", "p=none"),
	    "x.example", "!spf:x.example !dkim:x.example",
	    "fail none p@x.example org=x.example" },
	{ "top level as signer", AT("x.example", "p=reject"), "x.example",
	    "dkim:example", "fail reject p@x.example org=x.example" },
	{ "part of a label", AT("x.example", "p=reject"), "x.example",
	    "dkim:ax.example", "fail reject p@x.example org=x.example" },
	{ "U-labels", AT("xn--bcher-kva.example", "p=reject"),
	    "b\xc3\xbc" "cher.example", "dkim:a.b\xc3\xbc" "cher.example",
	    "pass reject p@xn--bcher-kva.example "
	    "org=xn--bcher-kva.example dkim" },
	{ "what is no name", AT("x.example", "p=reject"), "x.example",
	    "spf:[192.0.2.1] dkim:.x.example dkim:a..x.example dkim:x!",
	    "fail reject p@x.example org=x.example" },

	/* DNS fails */
	{ "at the author domain", SERVFAIL("x.example"), "x.example",
	    "dkim:x.example", "temperror org=?" },
	{ "timeout", "_dmarc.x.example timeout\n", "x.example",
	    "dkim:x.example", "temperror org=?" },
	{ "bogus", "_dmarc.x.example bogus\n", "x.example",
	    "dkim:x.example", "temperror org=?" },
	{ "above, no record yet", SERVFAIL("x.example") A("a.x.example"),
	    "a.x.example", "dkim:a.x.example", "temperror org=?" },
	{ "above the record", SERVFAIL("example") AT("x.example", "p=reject"),
	    "a.x.example", "", "temperror org=?" },
	{ "above the record of its own, the same name",
	    SERVFAIL("example") AT("x.example", "p=reject"), "x.example",
	    "dkim:x.example", "pass reject p@x.example org=? dkim" },
	{ "above the record of its own, strict",
	    SERVFAIL("example") AT("x.example", "p=reject; adkim=s"),
	    "x.example", "dkim:a.x.example",
	    "fail reject p@x.example org=?" },
	{ "above the record of its own, relaxed",
	    SERVFAIL("example") AT("x.example", "p=reject"), "x.example",
	    "dkim:a.x.example", "temperror reject p@x.example org=?" },
	{ "above the record of its own, nothing passed",
	    SERVFAIL("example") AT("x.example", "p=reject"), "x.example",
	    "!dkim:a.x.example", "fail reject p@x.example org=?" },
	{ "beyond the stop", SERVFAIL("example")
	    AT("x.example", "p=reject; psd=n"), "a.x.example",
	    "dkim:x.example", "pass reject p@x.example org=x.example dkim" },
	{ "of an identifier", SERVFAIL("a.x.example")
	    AT("x.example", "p=reject"), "x.example", "dkim:a.x.example",
	    "temperror reject p@x.example org=x.example" },
	{ "of one identifier of two", SERVFAIL("a.x.example")
	    AT("x.example", "p=reject"), "x.example",
	    "dkim:a.x.example spf:b.x.example",
	    "pass reject p@x.example org=x.example spf" },
	{ "of one that could not align", SERVFAIL("a.y.example")
	    AT("x.example", "p=reject"), "x.example", "dkim:a.y.example",
	    "fail reject p@x.example org=x.example" },
	{ "does it exist?", "a.x.example servfail\n"
	    AT("x.example", "p=none; np=reject"), "a.x.example", "",
	    "temperror none p@x.example org=x.example" },
	{ "does it exist? it passes", "a.x.example servfail\n"
	    AT("x.example", "p=none; np=reject"), "a.x.example",
	    "dkim:x.example", "pass none p@x.example org=x.example dkim" },
	{ "does it exist? no matter", "a.x.example servfail\n"
	    AT("x.example", "p=none; np=none"), "a.x.example", "",
	    "fail none p@x.example org=x.example" },
	{ "temporary error of SPF", AT("x.example", "p=reject"), "x.example",
	    "?spf:a.x.example", "temperror reject p@x.example org=x.example" },
	{ "temporary error of DKIM", AT("x.example", "p=reject"),
	    "x.example", "?dkim:x.example",
	    "temperror reject p@x.example org=x.example" },
	{ "temporary error of DKIM, SPF passes", AT("x.example", "p=reject"),
	    "x.example", "?dkim:x.example spf:x.example",
	    "pass reject p@x.example org=x.example spf" },
	{ "temporary error of another", AT("x.example", "p=reject"),
	    "x.example", "?dkim:y.example ?spf:x.y.example",
	    "fail reject p@x.example org=x.example" },
	{ "temporary error, strict", AT("x.example", "p=reject; aspf=s"),
	    "x.example", "?spf:a.x.example",
	    "fail reject p@x.example org=x.example" },
	{ "no record, temporary errors", "", "x.example", "?spf:x.example",
	    "none org=x.example" },

	{ "single label", AT("localhost", "p=reject"), "localhost",
	    "spf:localhost", "pass reject p@localhost org=localhost spf" },
	{ "all labels of one letter",
	    AT("q.r.s.t.u.v.w", "p=reject"),
	    "a.b.c.d.e.f.g.h.i.j.k.l.m.n.o.p.q.r.s.t.u.v.w", "",
	    "fail reject p@q.r.s.t.u.v.w org=q.r.s.t.u.v.w" },
};

static void
test_cases(void)
{
	char from[200];

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		snprintf(from, sizeof(from), "<someone@%s>", cases[i].domain);
		T_STR(cases[i].name, dmarc_ask(cases[i].zone, from,
		    cases[i].ids)->answer, cases[i].want);
	}
}

int
main(void)
{
	loop_create();
	test_cases();
	loop_destroy();
	return t_done();
}
