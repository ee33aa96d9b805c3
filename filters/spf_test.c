#include <stdio.h>
#include <string.h>

#include "base/buf.h"
#include "base/dns.h"
#include "base/loop.h"
#include "filters/spf.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/* What the suites (tests/vectors) do not ask: identities, clients without an
 * address, limits, what is asked ahead, waits that fail. */

static const char zone[] =
    "x.example TXT \"v=spf1 ip4:192.0.2.1 -all exp=why.x.example\"\n"
    "why.x.example TXT \"%{s} from %{c}, %{h}, %{d}\"\n"
    "xn--bcher-kva.example TXT \"v=spf1 exists:%{l}.u.example "
    "include:%{l}.u.example ip4:192.0.2.1 -all exp=why.x.example\"\n"
    "a.u.example TXT \"v=spf1 -all\"\n"
    "redirect-l.example TXT \"v=spf1 redirect=%{l}.u.example\"\n"
    "ptr.example TXT \"v=spf1 ptr -all\"\n"
    "9.2.0.192.in-addr.arpa PTR mail.ptr.example\n"
    "mail.ptr.example A 192.0.2.9\n"
    "broken-ptr.example TXT \"v=spf1 ptr ip4:192.0.2.7 -all\"\n"
    "7.2.0.192.in-addr.arpa servfail\n"
    "silent.example TXT \"v=spf1 a:nobody.example ~all\"\n"
    "nobody.example timeout\n"
    "forged.example bogus\n"
    "tell.example TXT \"v=spf1 ?include:x.example a/24 -all\"\n"
    "tell.example A 192.0.2.77\n"
    "deep.example TXT \"v=spf1 include:deeper.example -all\"\n"
    "deeper.example TXT \"v=spf1 a:%{q}.example\"\n"
    "none-inside.example TXT \"v=spf1 include:nothing.example -all\"\n"
    "to-none.example TXT \"v=spf1 redirect=nothing.example\"\n"
    "malformed.example TXT \"v=spf1 include:a..%{d} -all\"\n"
    /* 10 terms, each with 10 names of its own, none of which fits. */
    "names.example TXT \"v=spf1 mx mx mx mx mx mx mx mx mx mx -all\"\n"
    "names.example MX 1 h.example\nnames.example MX 2 h.example\n"
    "names.example MX 3 h.example\nnames.example MX 4 h.example\n"
    "names.example MX 5 h.example\nnames.example MX 6 h.example\n"
    "names.example MX 7 h.example\nnames.example MX 8 h.example\n"
    "names.example MX 9 h.example\nnames.example MX 10 h.example\n"
    "h.example A 192.0.2.200\n"
    /* Nine includes in each record, of itself. */
    "flood.example TXT \"v=spf1 include:1.flood.example "
    "include:2.flood.example include:3.flood.example include:4.flood.example "
    "include:5.flood.example include:6.flood.example include:7.flood.example "
    "include:8.flood.example include:9.flood.example -all\"\n"
    "1.flood.example CNAME loop.example\n2.flood.example CNAME loop.example\n"
    "3.flood.example CNAME loop.example\n4.flood.example CNAME loop.example\n"
    "5.flood.example CNAME loop.example\n6.flood.example CNAME loop.example\n"
    "7.flood.example CNAME loop.example\n8.flood.example CNAME loop.example\n"
    "9.flood.example CNAME loop.example\n"
    "loop.example TXT \"v=spf1 a:h.example a:h.example a:h.example "
    "a:h.example a:h.example a:h.example a:h.example a:h.example a:h.example"
    "\"\n"
    /* A term that finds nothing counts once, whatever it asked. */
    "voids.example TXT \"v=spf1 mx a:nothing.example a:h.example ~all\"\n"
    "voids.example MX 1 a.nothing.example\n"
    "voids.example MX 2 b.nothing.example\n"
    "voids.example MX 3 c.nothing.example\n"
    "voids-3.example TXT \"v=spf1 mx a:nothing.example exists:n.example -all"
    "\"\nvoids-3.example MX 1 a.nothing.example\n"
    "digits.example TXT \"v=spf1 a:%{d99999999999999999999} ip4:192.0.2.1 "
    "-all\"\n"
    "digits.example A 192.0.2.200\n"
    "ahead.example TXT \"v=spf1 a mx include:x.example exists:%{i}.ahead."
    "example ptr a:%{p} ip4:192.0.2.50 a:never.example -all\"\n"
    "ahead.example A 192.0.2.200\nahead.example MX 5 h.example\n"
    "wide.example TXT \"v=spf1 a:1.wide.example a:2.wide.example "
    "a:3.wide.example a:4.wide.example a:5.wide.example a:6.wide.example "
    "a:7.wide.example a:8.wide.example a:9.wide.example a:10.wide.example "
    "a:11.wide.example -all\"\n"
    "wide.example A 192.0.2.200\n";

#define OWN	1
#define OTHER	2
#define BOTH	3

/* Empty fields: the client is 192.0.2.1, anything will do for the rest. */
static const struct {
	const char	*name, *client, *helo, *sender;
	int		 engines;
	const char	*result, *domain, *mechanism, *explanation, *problem;
} cases[] = {
	{ "sender", "", "h.example", "a@x.example", BOTH, "pass",
	    "x.example", "", "", "" },
	{ "null sender: postmaster@HELO", "192.0.2.2", "x.example", "", OWN,
	    "fail", "x.example", "-all",
	    "postmaster@x.example from 192.0.2.2, x.example, x.example", "" },
	{ "HELO identity", "192.0.2.2", "X.Example.", "HELO", BOTH, "fail",
	    "x.example", "", "", "" },
	{ "no HELO", "", NULL, "", BOTH, "none", "", "", "",
	    "the HELO name is not a domain name with several labels" },
	{ "HELO is a literal", "", "[192.0.2.1]", "", BOTH, "none", "", "", "",
	    "" },
	{ "HELO has one label", "", "localhost.", "", BOTH, "none", "", "", "",
	    "" },
	{ "HELO with odd characters", "", "a b.example", "HELO", BOTH, "none",
	    "", "", "", "" },
	{ "no local part", "192.0.2.2", "h.example", "@x.example", OWN, "fail",
	    "x.example", "", "postmaster@x.example from 192.0.2.2, h.example, "
	    "x.example", "" },
	{ "no @", "", "h.example", "postmaster", BOTH, "none", "", "", "",
	    "the sender has no domain name with several labels" },
	{ "@ in the local part", "192.0.2.2", "h.example", "\"a@b\"@x.example",
	    OWN, "fail", "x.example", "", "\"a@b\"@x.example from 192.0.2.2, "
	    "h.example, x.example", "" },
	{ "unix socket", "unix:/run/s", "h.example", "a@x.example", BOTH,
	    "none", "x.example", "", "", "the client has no IP address" },
	{ "IPv4 as IPv6", "::ffff:192.0.2.1", "h.example", "a@x.example", BOTH,
	    "pass", "", "", "", "" },
	{ "U-labels in the sender", "", "h.example",
	    "a@b\xc3\xbc" "cher.example", BOTH, "pass",
	    "xn--bcher-kva.example", "", "", "" },
	{ "U-labels in HELO", "192.0.2.2", "b\xc3\xbc" "cher.example",
	    "a@x.example", OWN, "fail", "", "", "a@x.example from 192.0.2.2, "
	    "xn--bcher-kva.example, x.example", "" },
	{ "UTF-8 local part matches no %{l}", "", "h.example",
	    "\xc3\xbc@b\xc3\xbc" "cher.example", OWN, "pass", "",
	    "ip4:192.0.2.1", "", "" },
	{ "UTF-8 local part in an explanation", "192.0.2.2", "h.example",
	    "\xc3\xbc@x.example", OWN, "fail", "", "", "?\?@x.example from "
	    "192.0.2.2, h.example, x.example", "" },
	{ "redirect by an UTF-8 local part", "", "h.example",
	    "\xc3\xbc@redirect-l.example", OWN, "permerror", "", "", "",
	    "redirect-l.example: redirect=%{l}.u.example: it is no domain "
	    "name when expanded" },
	{ "no label of that length", "", "h.example", "a@aaaaaaaaaaaaaaaaaaaa"
	    "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa.example", BOTH,
	    "none", "", "", "", "" },
	{ "no record", "", "h.example", "a@mail.ptr.example", BOTH, "none",
	    "mail.ptr.example", "", "", "" },
	{ "no name at all", "", "h.example", "a@nothing.example", OWN, "none",
	    "", "", "", "nothing.example: no SPF record" },
	{ "ptr", "192.0.2.9", "h.example", "a@ptr.example", BOTH, "pass", "",
	    "", "", "" },
	{ "ptr, no reverse name", "192.0.2.8", "h.example", "a@ptr.example",
	    BOTH, "fail", "", "", "", "" },
	{ "ptr, DNS fails", "192.0.2.7", "h.example", "a@broken-ptr.example",
	    OWN, "pass", "", "ip4:192.0.2.7", "", "" },
	{ "silent server", "", "h.example", "a@silent.example", BOTH,
	    "temperror", "", "", "", "" },
	{ "silent server, told", "", "h.example", "a@silent.example", OWN,
	    "temperror", "", "", "", "silent.example: a:nobody.example: A of "
	    "nobody.example: timeout" },
	{ "bogus", "", "h.example", "a@forged.example", BOTH, "temperror", "",
	    "", "", "forged.example: TXT of forged.example: bogus" },
	{ "the outer term is told", "", "h.example", "a@tell.example", OWN,
	    "neutral", "", "?include:x.example", "", "" },
	{ "with its prefix", "192.0.2.2", "h.example", "a@tell.example", OWN,
	    "pass", "", "a/24", "", "" },
	{ "the inner error is told", "", "h.example", "a@deep.example", OWN,
	    "permerror", "", "", "", "deeper.example: a:%{q}.example: there "
	    "is no macro %{q} here" },
	{ "include of nothing", "", "h.example", "a@none-inside.example", OWN,
	    "permerror", "", "", "", "none-inside.example: include:nothing."
	    "example: that domain has no SPF record" },
	{ "redirect to nothing", "", "h.example", "a@to-none.example", OWN,
	    "permerror", "", "", "", "to-none.example: redirect=nothing."
	    "example: that domain has no SPF record" },
	{ "include of no name", "", "h.example", "a@malformed.example", OWN,
	    "permerror", "", "", "", "malformed.example: include:a..%{d}: it "
	    "is no domain name when expanded" },
	{ "ten terms of ten names", "", "h.example", "a@names.example", OWN,
	    "fail", "", "-all", "", "" },
	{ "includes by nines", "", "h.example", "a@flood.example", BOTH,
	    "permerror", "", "", "", "" },
	{ "an mx that finds nothing is one void", "", "h.example",
	    "a@voids.example", BOTH, "softfail", "", "", "", "" },
	{ "three voids", "", "h.example", "a@voids-3.example", BOTH,
	    "permerror", "", "", "", "" },
	{ "huge number of parts", "", "h.example", "a@digits.example", OWN,
	    "pass", "", "ip4:192.0.2.1", "", "" },
	{ "huge number of parts, libspf2", "", "h.example",
	    "a@digits.example", OTHER, "permerror", "", "", "", "" },
};

struct job {
	size_t			 i;
	enum spf_engine		 engine;
	int			 ret;
	unsigned		 lookups;
};

static struct buf	 begun_ahead;	/* names, each with a space behind */

void	__wrap_dns_prefetch(const char *name, int type);

void
__wrap_dns_prefetch(const char *name, int type)
{
	buf_printf(&begun_ahead, "%s/%d ", name, type);
}

static void
compare(const char *what, size_t i, const char *got, const char *want)
{
	char name[120];

	snprintf(name, sizeof(name), "%s: %s", cases[i].name, what);
	if (want[0] != '\0')
		T_STR(name, got, want);
}

static MAY_YIELD int
check(struct arena *a, const struct job *job, struct spf_answer *answer,
    struct err *err)
{
	struct spf_options options = { .engine = job->engine,
	    .lookup_timeout = 50 * CLOCK_MS };
	const char *client = cases[job->i].client;
	const char *sender = cases[job->i].sender;
	struct addr addr = { 0 };
	struct spf_query query = {
		.client = &addr, .helo = cases[job->i].helo,
		.sender = span_z(sender),
	};

	if (strncmp(client, "unix:", 5) == 0)
		addr_parse(span_z(client), &addr, err);
	else
		addr_parse_ip(span_z(client[0] == '\0' ? "192.0.2.1" : client),
		    25, &addr, err);
	if (strcmp(sender, "HELO") == 0)
		query.identity = SPF_HELO;
	return spf_check(a, &options, &query, answer, err);
}

static MAY_YIELD void
run_case(void *arg)
{
	struct job *job = arg;
	struct arena *a = arena_create("test");
	struct spf_answer w;
	struct err err;

	T_INT(cases[job->i].name, check(a, job, &w, &err), 0);
	compare("result", job->i, spf_result_name(w.result),
	    cases[job->i].result);
	compare("domain", job->i, w.domain, cases[job->i].domain);
	if (job->engine == SPF_ENGINE_OWN) {
		compare("mechanism", job->i, w.mechanism,
		    cases[job->i].mechanism);
		compare("explanation", job->i, w.explanation,
		    cases[job->i].explanation);
		compare("problem", job->i, w.problem, cases[job->i].problem);
	}
	T_OK("within the limits", w.terms <= SPF_LIMIT_TERMS &&
	    w.voids <= SPF_LIMIT_VOIDS);
	job->lookups = w.lookups;
	arena_destroy(&a);
}

static void
run(void (*fn)(void *), void *arg)
{
	fiber_spawn("test", fn, arg);
	while (fiber_count() > 0)
		loop_turn(true);
}

static size_t
find(const char *name)
{
	size_t i = 0;

	while (strcmp(cases[i].name, name) != 0)
		i++;
	return i;
}

static void
test_cases(void)
{
	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		struct job own = { .i = i, .engine = SPF_ENGINE_OWN };
		struct job other = { .i = i, .engine = SPF_ENGINE_LIBSPF2 };

		if (cases[i].engines & OWN)
			run(run_case, &own);
		if (cases[i].engines & OTHER)
			run(run_case, &other);
	}
}

/* What a record can make us ask, at most. */
static void
test_cost(void)
{
	struct job job = { .i = find("ten terms of ten names") };

	run(run_case, &job);
	T_INT("TXT, and ten times an MX and ten addresses", job.lookups, 111);
	for (int e = 0; e < 2; e++) {
		job = (struct job){ .i = find("includes by nines"),
		    .engine = (enum spf_engine)e };
		run(run_case, &job);
		T_INT("TXT, and ten terms", job.lookups, 11);
	}
}

/* --- what is asked ahead --- */

static MAY_YIELD void
look_at(void *arg)
{
	struct spf_options options = { 0 };
	struct arena *a = arena_create("test");
	struct addr addr;
	struct spf_query query = { .client = &addr, .helo = "h.example",
	    .sender = span_z(arg) };
	struct spf_answer w;
	struct err err;

	addr_parse_ip(SPAN_LIT("192.0.2.50"), 25, &addr, &err);
	buf_clear(&begun_ahead);
	spf_check(a, &options, &query, &w, &err);
	buf_put(&begun_ahead, "", 1);
	arena_destroy(&a);
}

static void
test_ahead(void)
{
	run(look_at, (void *)"a@ahead.example");
	T_STR("not the first, none with p, none behind a match",
	    begun_ahead.p, "ahead.example/15 x.example/16 "
	    "192.0.2.50.ahead.example/1 ");
	run(look_at, (void *)"a@wide.example");
	T_STR("no more than there may be terms", begun_ahead.p,
	    "2.wide.example/1 3.wide.example/1 4.wide.example/1 "
	    "5.wide.example/1 6.wide.example/1 7.wide.example/1 "
	    "8.wide.example/1 9.wide.example/1 10.wide.example/1 ");
	run(look_at, (void *)"a@flood.example");
	T_OK("nor in all records together", begun_ahead.len <
	    10 * sizeof("1.flood.example/16 ") + 1);
	buf_free(&begun_ahead);
}

/* --- waits that fail --- */

static MAY_YIELD void
fail_wait(void *arg)
{
	struct job *job = arg;
	struct arena *a = arena_create("test");
	struct spf_answer w;
	struct err err;

	job->ret = check(a, job, &w, &err);
	if (job->ret < 0)
		T_INT("only because it must stop", err.kind, ERR_CLOSED);
	else
		T_OK("an answer", spf_result_name(w.result) != NULL);
	arena_destroy(&a);
}

static void
test_waits(void)
{
	static const char *const names[] = {
		"ptr",
		"an mx that finds nothing is one void",
		"U-labels in the sender",
		"null sender: postmaster@HELO",
		"ten terms of ten names",
		"the outer term is told",
	};
	struct job job = { 0 };
	unsigned n, waits;

	for (size_t i = 0; i < 2 * sizeof(names) / sizeof(names[0]); i++) {
		job.i = find(names[i / 2]);
		job.engine = i % 2;
		fake_fail_wait(0, FAIL_BY_CLOSING);
		run(fail_wait, &job);
		waits = fake_waits();
		T_OK("it waits", waits > 1 && job.ret == 0);
		for (n = 1; n <= waits; n++) {
			fake_fail_wait(n, FAIL_BY_CLOSING);
			run(fail_wait, &job);
			T_INT("stopped", job.ret, -1);
			fake_fail_wait(n, FAIL_BY_TIMEOUT);
			run(fail_wait, &job);
			T_INT("late", job.ret, 0);
		}
		fake_fail_wait(0, FAIL_BY_CLOSING);
	}
}

int
main(void)
{
	struct dns_options options = { .hosts = zone };
	struct err err;

	loop_create();
	if (dns_create(&options, &err) < 0) {
		fprintf(stderr, "%s\n", err.text);
		return 1;
	}
	test_cases();
	test_cost();
	test_ahead();
	test_waits();
	dns_destroy();
	loop_destroy();
	return t_done();
}
