#include <string.h>

#include "base/arena.h"
#include "base/clock.h"
#include "gateway/lookup.h"
#include "gateway/route.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

/* The backends of the table below: 0 main, 1 special, 2 suffix, 3 longer
 * suffix, 4 everything else. */
static const char *main_domains[] = { "a.example", "b.example",
    "[192.0.2.1]" };
static const char *special_rcpts[] = { "boss@a.example", "abuse@",
    "guest@elsewhere.example" };
static const char *suffix_domains[] = { ".example", "B.Example" };
static const char *longer_domains[] = { ".deep.example" };
static const char *any_domains[] = { "*" };

#define NAMES(list)	{ (list), sizeof(list) / sizeof((list)[0]) }

static struct route_conf routes[] = {
	{ .domains = NAMES(main_domains), .backend = 0 },
	{ .recipients = NAMES(special_rcpts), .backend = 1 },
	{ .domains = NAMES(suffix_domains), .backend = 2 },
	{ .domains = NAMES(longer_domains), .backend = 3 },
	{ .domains = NAMES(any_domains), .backend = 4 },
};

static const struct {
	const char	*name, *rcpt;
	size_t		 nroutes;	/* of those above, from the first */
	int		 want;
} cases[] = {
	{ "exact domain", "u@a.example", 4, 0 },
	{ "domain case", "u@A.EXAMPLE", 4, 0 },
	{ "address literal", "u@[192.0.2.1]", 4, 0 },
	{ "exact recipient", "boss@a.example", 4, 1 },
	{ "recipient case", "Boss@A.example", 4, 1 },
	{ "quoted recipient", "\"bo\\ss\"@a.example", 4, 1 },
	{ "recipient of no routed domain", "guest@elsewhere.example", 1, -1 },
	{ "recipient named opens just itself", "guest@elsewhere.example", 2,
	    1 },
	{ "others there are not taken", "x@elsewhere.example", 2, -1 },
	{ "local part of a routed domain", "abuse@b.example", 4, 1 },
	{ "local part, domain by suffix", "abuse@x.example", 4, 1 },
	{ "local part of no routed domain", "abuse@c.test", 4, -1 },
	{ "first of two equal domains", "u@b.example", 4, 0 },
	{ "suffix", "u@c.example", 4, 2 },
	{ "longest suffix", "u@x.deep.example", 4, 3 },
	{ "longest suffix, several labels", "u@x.y.deep.example", 4, 3 },
	{ "suffix is not the name itself", "u@deep.example", 4, 2 },
	{ "suffix is not a part of a label", "u@xexample", 4, -1 },
	{ "unknown domain", "u@a.test", 4, -1 },
	{ "unknown domain, star", "u@a.test", 5, 4 },
	{ "star is last", "u@c.example", 5, 2 },
	{ "postmaster alone", "postmaster", 4, 0 },
	{ "postmaster alone, case", "PostMaster", 4, 0 },
	{ "postmaster alone, no route", "postmaster", 0, -1 },
	{ "someone else alone", "root", 5, -1 },
	{ "no routes", "u@a.example", 0, -1 },
};

static struct address
address_of(const char *text)
{
	const char *at = strrchr(text, '@');
	struct address a = { .text = span_z(text) };

	a.local = at == NULL ? a.text : span_n(text, (size_t)(at - text));
	a.domain = at == NULL ? span_z("") : span_z(at + 1);
	return a;
}

static int64_t		 rests;
static struct err	 err;

static int
find(const struct routes *r, const struct address *rcpt)
{
	return route_find(r, rcpt, &rests, &err);
}

static void
test_long_parts(struct arena *a, const struct routes *r)
{
	char *local = arena_alloc(a, 5000), *domain = arena_alloc(a, 5000);
	struct address rcpt = { .local = { local, 4999 },
	    .domain = { domain, 4999 } };

	memset(local, 'x', 4999);
	local[0] = local[4998] = '"';
	memset(domain, '.', 4999);
	T_INT("parts of any length", find(r, &rcpt), -1);
}

/* --- in Redis --- */

static const struct {
	const char	*field, *backend;
} hash[] = {
	{ "boss@r.example", "special" }, { "abuse@", "any" },
	{ "r.example", "main" }, { ".r.example", "suffix" },
	{ ".deep.r.example", "longer" }, { "bad.example", "mian" },
	{ "a.example", "any" }, { "u@a.example", "any" },
	{ "xn--bcher-kva.example", "main" }, { "empty.example", "" },
	{ "[192.0.2.9]", "longer" }, { "*", "main" }, { "postmaster", "any" },
	{ "o'hara@r.example", "special" }, { ".a.b.c.d.e.f.g.example",
	    "longer" }, { ".f.g.example", "suffix" },
};

/* 0 and 1 of those above, then Redis, then 4 ("*") if there are 4 of them. */
static const struct {
	const char	*name, *rcpt;
	size_t		 nroutes;
	int		 want;
} there[] = {
	{ "exact domain", "u@r.example", 3, 0 },
	{ "case", "U@R.Example", 3, 0 },
	{ "exact recipient", "Boss@r.example", 3, 1 },
	{ "quoted", "\"o'hara\"@r.example", 3, 1 },
	{ "suffix", "u@x.r.example", 3, 2 },
	{ "longest suffix", "u@x.deep.r.example", 3, 3 },
	{ "suffix is not the name itself", "u@deep.r.example", 3, 2 },
	{ "the longest of those that are asked for",
	    "u@z.a.b.c.d.e.f.g.example", 3, 3 },
	{ "more labels hide no suffix",
	    "u@1.2.3.4.5.6.7.8.9.z.a.b.c.d.e.f.g.example", 3, 3 },
	{ "U-labels", "u@b\xc3\xbc" "cher.example", 3, 0 },
	{ "address literal", "u@[192.0.2.9]", 3, 3 },
	{ "a local part of the file, in a domain of Redis",
	    "abuse@r.example", 3, 1 },
	{ "a recipient of Redis before it", "boss@r.example", 3, 1 },
	{ "what the file names it names", "u@a.example", 3, 0 },
	{ "a local part opens no domain", "abuse@elsewhere.test", 3, -1 },
	{ "neither does a star there", "u@elsewhere.test", 3, -1 },
	{ "a backend that is none", "u@bad.example", 3, -2 },
	{ "nor is this", "u@empty.example", 3, -2 },
	{ "a star of the file comes last", "u@r.example", 4, 0 },
	{ "and takes the rest", "u@elsewhere.test", 4, 4 },
	{ "also of a local part", "abuse@elsewhere.test", 4, 1 },
	{ "postmaster goes with the file", "postmaster", 3, 0 },
	{ "nobody else does", "root", 3, -1 },
	{ "no domain", "u@..", 3, -1 },
};

static const char *hash_names[] = { "main", "special", "suffix", "longer",
    "any" };

static void
test_redis(struct arena *a)
{
	struct store_options none = {0};
	struct lookup_options options = { .timeout = CLOCK_S,
	    .cache = 5 * CLOCK_S };
	struct backend_conf backends[5] = { 0 };
	struct route_conf mixed[] = { { .redis = "h" }, routes[0], routes[1],
	    routes[4] };
	struct settings settings = { .routes = mixed, .backends = backends,
	    .nbackends = 5 };
	struct lookup *lookup;
	struct routes *r;
	struct address rcpt;

	for (size_t i = 0; i < 5; i++)
		backends[i].name = hash_names[i];
	for (size_t i = 0; i < sizeof(hash) / sizeof(*hash); i++)
		fake_store_part("h", hash[i].field, hash[i].backend);
	options.store = store_open(a, &none, &err);
	lookup = lookup_create(a, &options);
	for (size_t i = 0; i < sizeof(there) / sizeof(*there); i++) {
		settings.nroutes = there[i].nroutes;
		rcpt = address_of(there[i].rcpt);
		T_INT(there[i].name, find(routes_create(a, &settings, lookup),
		    &rcpt), there[i].want);
		if (there[i].want == ROUTE_UNKNOWN)
			T_INT(there[i].name, err.kind, ERR_CONFIG);
	}
	settings.nroutes = 1;
	r = routes_create(a, &settings, lookup);
	rcpt = address_of("Postmaster");
	T_INT("postmaster, with nothing else", find(r, &rcpt), 4);
	rcpt = address_of("abuse@r.example");
	T_INT("a local part there", find(r, &rcpt), 4);
	rcpt = address_of("u@bad.example");
	T_INT("no backend", find(r, &rcpt), ROUTE_UNKNOWN);
	T_STR("is told", err.text, "route h: its field bad.example names no "
	    "backend: \"mian\"");

	/* It fails: who can have none of its answers. */
	settings.nroutes = 4;
	fake_store_fail(1, 1000, ERR_UNAVAIL);
	r = routes_create(a, &settings, lookup_create(a, &options));
	rcpt = address_of("u@b.example");
	T_INT("the file goes on", find(r, &rcpt), 0);
	rcpt = address_of("u@elsewhere.test");
	T_INT("its star does not", find(r, &rcpt), ROUTE_UNKNOWN);
	T_STR("as is told", err.text, "route h: the store fails");
	r = routes_create(a, &settings, lookup);
	T_INT("what is remembered does", find(r, &rcpt), 4);
	fake_store_fail(1, 1, ERR_CLOSED);
	rcpt = address_of("u@other.test");
	T_INT("the session ends", find(r, &rcpt), ROUTE_UNKNOWN);
	T_INT("for that", err.kind, ERR_CLOSED);
	fake_store_clear();
}

int
main(void)
{
	struct settings settings = { .routes = routes };
	struct arena *a = arena_create("test");
	struct address rcpt;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		settings.nroutes = cases[i].nroutes;
		rcpt = address_of(cases[i].rcpt);
		T_INT(cases[i].name, find(routes_create(a, &settings, NULL),
		    &rcpt), cases[i].want);
	}
	settings.nroutes = 4;
	test_long_parts(a, routes_create(a, &settings, NULL));
	test_redis(a);
	arena_destroy(&a);
	return t_done();
}
