#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/dmarc.h"
#include "tests/fake/fake.h"
#include "tests/kit/dmarc_ask.h"
#include "tests/kit/t.h"

/* Several authors; what is asked, and how much at most; what is cut short. */
#define AT		DMARC_AT
#define SERVFAIL	DMARC_SERVFAIL
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
	const struct dmarc_asked *got;

	for (size_t i = 0; i < sizeof(authors) / sizeof(authors[0]); i++) {
		got = dmarc_ask(authors[i].zone, authors[i].from,
		    authors[i].ids);
		T_STR(authors[i].name, got->answer, authors[i].want);
		if (authors[i].reason != NULL)
			T_STR(authors[i].name, got->reason,
			    authors[i].reason);
	}
}

/* Which names policy discovery considers, in which order. */
static const struct {
	const char *name, *zone, *from, *want;
} walks[] = {
	{ "4.10", "", "a@a.b.c.d.e.f.g.h.i.j.mail.example.com",
	    "a.b.c.d.e.f.g.h.i.j.mail.example.com g.h.i.j.mail.example.com "
	    "h.i.j.mail.example.com i.j.mail.example.com "
	    "j.mail.example.com mail.example.com example.com com" },
	{ "eight labels", "", "a@a.b.c.d.e.f.g.com", "a.b.c.d.e.f.g.com "
	    "b.c.d.e.f.g.com c.d.e.f.g.com d.e.f.g.com e.f.g.com f.g.com "
	    "g.com com" },
	{ "nine labels", "", "a@z.a.b.c.d.e.f.g.com", "z.a.b.c.d.e.f.g.com "
	    "b.c.d.e.f.g.com c.d.e.f.g.com d.e.f.g.com e.f.g.com f.g.com "
	    "g.com com" },
	{ "to psd=n", AT("x.example", "p=none; psd=n"), "a@b.a.x.example",
	    "b.a.x.example a.x.example x.example" },
	{ "the author domain has one", AT("a.x.example", "p=none"),
	    "a@a.x.example", "a.x.example" },
	{ "to a failure", SERVFAIL("x.example"), "a@a.x.example",
	    "a.x.example x.example" },
};

static const struct {
	const char *name, *zone, *from, *ids;
	uint64_t want;
} lookups[] = {
	{ "eight of a walk", "", "a@a.b.c.d.e.f.g.h.i.j.mail.example.com",
	    "", 8 },
	{ "the same name", X, "a@x.example", "spf:x.example dkim:x.example",
	    2 },
	{ "a parent", X, "a@m.x.example", "spf:x.example dkim:m.x.example",
	    3 },
	{ "no name is asked twice", X, "a@x.example", "spf:a.x.example "
	    "dkim:a.x.example dkim:b.x.example dkim:y.example", 4 },
	{ "not what does not matter", X, "a@x.example",
	    "?spf:a.x.example dkim:x.example", 2 },
	{ "no record: no walks", "", "a@x.example",
	    "spf:a.x.example dkim:b.x.example", 2 },
	{ "four of five authors", "", "a@1.b.c.d.e.f.g.h, "
	    "a@2.b.c.d.e.f.h.i, a@3.b.c.d.e.f.i.j, a@4.b.c.d.e.f.j.k, "
	    "a@5.b.c.d.e.f.k.l", "", 4 * 8 },
};

static void
test_names(void)
{
	size_t i;

	for (i = 0; i < sizeof(walks) / sizeof(walks[0]); i++)
		T_STR(walks[i].name, dmarc_ask(walks[i].zone, walks[i].from,
		    "")->considered, walks[i].want);
	for (i = 0; i < sizeof(lookups) / sizeof(lookups[0]); i++)
		T_INT(lookups[i].name, dmarc_ask(lookups[i].zone,
		    lookups[i].from, lookups[i].ids)->lookups,
		    lookups[i].want);
}

static void
test_limits(void)
{
	char ids[2000] = "", from[400], label[64];
	const struct dmarc_asked *got;
	size_t i, at = 0;

	for (i = 0; i < 40; i++)
		at += (size_t)snprintf(ids + at, sizeof(ids) - at,
		    "dkim:%zu.a.b.c.d.e.f.g.y.x.example ", i);
	got = dmarc_ask(AT("x.example", "p=reject")
	    AT("y.x.example", "p=none; psd=n"), "a@x.example", ids);
	T_STR("40 signatures", got->answer,
	    "fail reject p@x.example org=x.example");
	T_INT("lookups", got->lookups, 2 + DMARC_IDENTIFIERS + 5);

	memset(label, 'a', 63);
	label[63] = '\0';
	snprintf(from, sizeof(from), "a@%.59s.%s.%s.%s", label, label, label,
	    label);
	got = dmarc_ask("", from, "");
	T_OK("a name too long for _dmarc.",
	    strncmp(got->answer, "none", 4) == 0);
	T_INT("is not asked for", got->lookups, 3);
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
	const char *right = "fail reject np@x.example org=x.example", *got;
	unsigned n = 0, waits, stopped = 0, wrong = 0;

	do {
		fake_fail_wait(++n, FAIL_BY_CLOSING);
		got = dmarc_ask(zone, "a@a.x.example",
		    "spf:y.example !dkim:b.x.example ?dkim:y.example")->answer;
		waits = fake_waits();
		if (strcmp(got, right) == 0)
			continue;
		stopped++;
		if (strncmp(got, "temperror", 9) != 0 &&
		    strcmp(got, "closed (by the test)") != 0) {
			T_STR("stopped", got, right);
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
	test_authors();
	test_names();
	test_limits();
	test_leaving();
	test_stopping();
	loop_destroy();
	return t_done();
}
