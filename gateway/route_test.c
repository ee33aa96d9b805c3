#include <string.h>

#include "base/arena.h"
#include "gateway/route.h"
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

static void
test_long_parts(struct arena *a, const struct routes *r)
{
	char *local = arena_alloc(a, 5000), *domain = arena_alloc(a, 5000);
	struct address rcpt = { .local = { local, 4999 },
	    .domain = { domain, 4999 } };

	memset(local, 'x', 4999);
	local[0] = local[4998] = '"';
	memset(domain, '.', 4999);
	T_INT("parts of any length", route_find(r, &rcpt), -1);
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
		T_INT(cases[i].name, route_find(routes_create(a, &settings),
		    &rcpt), cases[i].want);
	}
	settings.nroutes = 4;
	test_long_parts(a, routes_create(a, &settings));
	arena_destroy(&a);
	return t_done();
}
