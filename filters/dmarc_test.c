#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/dmarc.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

#define PATIENCE	(30 * CLOCK_MS)
#define AT(domain, text) "_dmarc." domain " TXT \"v=DMARC1; " text "\"\n"
#define A(name)		name " A 192.0.2.1\n"
#define SERVFAIL(name)	"_dmarc." name " servfail\n"
#define DEEP		"mail.a.b.c.d.e.f.g.example.com"

/*
 * One message: the value of its From and what authenticated it, as words
 * "spf:x.example" and "dkim:x.example" for a pass; "?dkim:x.example" for a
 * temporary error, "!dkim:x.example" for a fail.
 */
static struct message {
	const char	*from, *ids;
	struct arena	*arena;
	char		 got[1000];	/* "fail reject sp@x.example
					   org=x.example spf dkim" */
	char		 considered[2100];
	const char	*reason;
	uint64_t	 asked;
} m;

static void
read_ids(struct dmarc_identifier *ids, size_t *n)
{
	struct span rest = span_z(m.ids), word;

	for (*n = 0; (word = span_word(&rest)).len > 0; ids++, (*n)++) {
		ids->outcome = word.p[0] == '?' ? DMARC_ID_TEMPERROR :
		    word.p[0] == '!' ? DMARC_ID_FAIL : DMARC_ID_PASS;
		if (ids->outcome != DMARC_ID_PASS)
			word = span_n(word.p + 1, word.len - 1);
		ids->method = word.p[0] == 's' ? DMARC_SPF : DMARC_DKIM;
		span_until(&word, ':');
		ids->domain = arena_copy(m.arena, word);
	}
}

static void
show(const struct dmarc_answer *w)
{
	size_t i, at = 0;

	at += (size_t)snprintf(m.got, sizeof(m.got), "%s",
	    dmarc_result_name(w->result));
	if (w->record_at != NULL)
		at += (size_t)snprintf(m.got + at, sizeof(m.got) - at,
		    " %s %s@%s", dmarc_policy_name(w->policy), w->policy_tag,
		    w->record_at);
	if (w->domain != NULL)
		at += (size_t)snprintf(m.got + at, sizeof(m.got) - at,
		    " org=%s", w->org_domain == NULL ? "?" : w->org_domain);
	snprintf(m.got + at, sizeof(m.got) - at, "%s%s",
	    w->aligned.by_spf ? " spf" : "", w->aligned.by_dkim ? " dkim" :
	    "");
	for (i = at = 0; i < w->nconsidered; i++)
		at += (size_t)snprintf(m.considered + at,
		    sizeof(m.considered) - at, "%s%s", i == 0 ? "" : " ",
		    w->considered[i]);
	m.reason = w->reason;
}

static MAY_YIELD void
check(void *arg)
{
	struct dmarc_identifier ids[40];
	struct span from = span_z(m.from);
	struct dmarc_answer answer;
	struct author author;
	struct dmarc *d;
	struct err err;
	size_t n, i;

	(void)arg;
	author_parse(m.arena, &from, 1, &author);
	d = dmarc_begin(m.arena, &author, clock_now() + PATIENCE);
	read_ids(ids, &n);
	for (i = 0; i < n; i++)
		dmarc_expect(d, ids[i].domain);
	if (dmarc_check(d, ids, n, clock_now() + 2 * PATIENCE, &answer,
	    &err) < 0)
		snprintf(m.got, sizeof(m.got), "%s", err.text);
	else
		show(&answer);
}

/* What it returns, and m, is valid until the next one. */
static const char *
ask(const char *zone, const char *from, const char *ids)
{
	struct dns_options options = { .hosts = zone };
	struct dns_stats stats;
	struct err err;

	if (m.arena != NULL)
		arena_destroy(&m.arena);
	m = (struct message){ .from = from, .ids = ids,
	    .arena = arena_create("test") };
	if (dns_create(&options, &err) < 0) {
		snprintf(m.got, sizeof(m.got), "%s", err.text);
		return m.got;
	}
	fiber_spawn("check", check, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	dns_statistics(&stats);
	m.asked = stats.asked;
	dns_destroy();
	return m.got;
}

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
		T_STR(cases[i].name, ask(cases[i].zone, from, cases[i].ids),
		    cases[i].want);
		T_OK(cases[i].name, m.reason != NULL);
	}
}

#define X	AT("x.example", "p=reject")
#define BANK	AT("bank.example", "p=reject")
static const struct {
	const char *name, *zone, *from, *ids, *want, *reason;
} authors[] = {
	{ "none", X, "Undisclosed:;", "spf:x.example", "permerror",
	    "no address" },
	{ "literal", X, "a@[192.0.2.1]", "spf:x.example", "permerror",
	    "an address literal has no domain" },
	{ "two, one fails", X BANK, "a@x.example, b@bank.example",
	    "spf:x.example", "fail reject p@bank.example org=bank.example",
	    "not aligned with bank.example: SPF of x.example; "
	    "2 author domains" },
	{ "two, both fail, the strictest counts",
	    AT("x.example", "p=none") BANK, "a@x.example, b@bank.example",
	    "", "fail reject p@bank.example org=bank.example",
	    "neither SPF nor DKIM passes; 2 author domains" },
	{ "two, one has no record", X, "a@x.example, b@y.example",
	    "spf:x.example", "permerror", "2 author domains" },
	{ "two, both pass", X BANK, "a@x.example, b@bank.example",
	    "spf:x.example dkim:bank.example", "permerror",
	    "2 author domains" },
	{ "two, one has a temporary error", SERVFAIL("bank.example") X,
	    "a@x.example, b@bank.example", "spf:x.example",
	    "temperror org=?", "DNS failed for _dmarc.bank.example: servfail; "
	    "2 author domains" },
	{ "malformed, with a victim in it", X BANK,
	    "<a@x.example>b@bank.example", "spf:x.example",
	    "fail reject p@bank.example org=bank.example", NULL },
	{ "malformed, no victim", X, "<<a@x.example>>", "spf:x.example",
	    "permerror", NULL },
	{ "six", X BANK, "a@a.example, b@b.example, c@bank.example, "
	    "d@d.example, e@e.example, f@f.example", "spf:x.example",
	    "fail reject p@bank.example org=bank.example", NULL },
};

static void
test_authors(void)
{
	for (size_t i = 0; i < sizeof(authors) / sizeof(authors[0]); i++) {
		T_STR(authors[i].name, ask(authors[i].zone, authors[i].from,
		    authors[i].ids), authors[i].want);
		if (authors[i].reason != NULL)
			T_STR(authors[i].name, m.reason, authors[i].reason);
	}
}

/* What is asked, and in which order it is considered. */
static void
test_names(void)
{
	ask("", "a@a.b.c.d.e.f.g.h.i.j.mail.example.com", "");
	T_STR("4.10", m.considered, "a.b.c.d.e.f.g.h.i.j.mail.example.com "
	    "g.h.i.j.mail.example.com h.i.j.mail.example.com "
	    "i.j.mail.example.com j.mail.example.com mail.example.com "
	    "example.com com");
	T_INT("eight lookups", m.asked, 8);
	ask("", "a@a.b.c.d.e.f.g.com", "");
	T_STR("eight labels", m.considered, "a.b.c.d.e.f.g.com "
	    "b.c.d.e.f.g.com c.d.e.f.g.com d.e.f.g.com e.f.g.com f.g.com "
	    "g.com com");
	ask("", "a@z.a.b.c.d.e.f.g.com", "");
	T_STR("nine labels", m.considered, "z.a.b.c.d.e.f.g.com "
	    "b.c.d.e.f.g.com c.d.e.f.g.com d.e.f.g.com e.f.g.com f.g.com "
	    "g.com com");
	ask(AT("x.example", "p=none; psd=n"), "a@b.a.x.example", "");
	T_STR("to psd=n", m.considered, "b.a.x.example a.x.example "
	    "x.example");
	ask(AT("a.x.example", "p=none"), "a@a.x.example", "");
	T_STR("the author domain has one", m.considered, "a.x.example");
	ask(SERVFAIL("x.example"), "a@a.x.example", "");
	T_STR("to a failure", m.considered, "a.x.example x.example");

	ask(X, "a@x.example", "spf:x.example dkim:x.example");
	T_INT("the same name: two lookups", m.asked, 2);
	ask(X, "a@m.x.example", "spf:x.example dkim:m.x.example");
	T_INT("a parent: three lookups", m.asked, 3);
	ask(X, "a@x.example", "spf:a.x.example dkim:a.x.example "
	    "dkim:b.x.example dkim:y.example");
	T_INT("no name is asked twice", m.asked, 4);
	ask(X, "a@x.example", "?spf:a.x.example dkim:x.example");
	T_INT("what does not matter is not asked", m.asked, 2);
	ask("", "a@x.example", "spf:a.x.example dkim:b.x.example");
	T_INT("no record: no walks", m.asked, 2);
}

static void
test_limits(void)
{
	char ids[2000] = "", from[400], label[64];
	size_t i, at = 0;

	for (i = 0; i < 40; i++)
		at += (size_t)snprintf(ids + at, sizeof(ids) - at,
		    "dkim:%zu.a.b.c.d.e.f.g.y.x.example ", i);
	ask(AT("x.example", "p=reject") AT("y.x.example", "p=none; psd=n"),
	    "a@x.example", ids);
	T_STR("40 signatures", m.got,
	    "fail reject p@x.example org=x.example");
	T_INT("lookups", m.asked, 2 + DMARC_IDENTIFIERS + 5);

	/* Four authors of 8 lookups; there is nothing more to ask. */
	ask("", "a@1.b.c.d.e.f.g.h, a@2.b.c.d.e.f.h.i, a@3.b.c.d.e.f.i.j, "
	    "a@4.b.c.d.e.f.j.k, a@5.b.c.d.e.f.k.l", "");
	T_INT("five authors", m.asked, 4 * 8);

	memset(label, 'a', 63);
	label[63] = '\0';
	snprintf(from, sizeof(from), "a@%.59s.%s.%s.%s", label, label, label,
	    label);
	ask("", from, "");
	T_OK("a name too long for _dmarc.", strncmp(m.got, "none", 4) == 0);
	T_INT("is not asked for", m.asked, 3);
}

/* The mail ends while lookups are under way. */
static void
leave(void *arg)
{
	struct arena *a = arena_create("mail");
	struct span from = span_z("a@x.example");
	struct author author;

	(void)arg;
	author_parse(a, &from, 1, &author);
	dmarc_begin(a, &author, clock_now() + 3600 * CLOCK_S);
	fiber_yield();
	fiber_yield();
	arena_destroy(&a);
}

static void
test_leaving(void)
{
	struct dns_options options = { .hosts = "_dmarc.x.example timeout\n" };
	struct err err;

	T_INT("zone", dns_create(&options, &err), 0);
	dmarc_prefetch("X.example");
	dmarc_prefetch("[192.0.2.1]");
	fiber_spawn("leave", leave, NULL);
	while (fiber_count() > 0)
		loop_turn(true);
	T_OK("nothing is left behind", fiber_count() == 0);
	dns_destroy();
}

/* Each wait in turn says that its fiber must stop: the answer is the right
 * one, or none at all, or a temporary error. */
static void
test_stopping(void)
{
	const char *zone = AT("x.example", "p=none; np=reject")
	    AT("b.x.example", "p=none");
	const char *right = "fail reject np@x.example org=x.example";
	unsigned n = 0, waits, stopped = 0, wrong = 0;

	do {
		fake_fail_wait(++n, FAIL_BY_CLOSING);
		ask(zone, "a@a.x.example", "spf:y.example !dkim:b.x.example "
		    "?dkim:y.example");
		waits = fake_waits();
		if (strcmp(m.got, right) == 0)
			continue;
		stopped++;
		if (strncmp(m.got, "temperror", 9) != 0 &&
		    strcmp(m.got, "closed (by the test)") != 0) {
			T_STR("stopped", m.got, right);
			wrong++;
		}
	} while (waits >= n);
	fake_fail_wait(0, FAIL_BY_CLOSING);
	T_OK("waits", n > 5 && stopped > 3);
	T_INT("wrong answers", wrong, 0);
}

int
main(void)
{
	loop_create();
	test_cases();
	test_authors();
	test_names();
	test_limits();
	test_leaving();
	test_stopping();
	if (m.arena != NULL)
		arena_destroy(&m.arena);
	loop_destroy();
	return t_done();
}
