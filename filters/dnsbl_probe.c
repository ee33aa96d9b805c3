#include <assert.h>

#include "base/clock.h"
#include "base/dns.h"
#include "filters/dnsbl_probe.h"

#define IPV6_POINT \
	".0.0.0.0.0.f.7.f.f.f.f.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0.0"
static const struct {
	const char	*listed, *unlisted;	/* prefixes */
	const char	*listed_name, *unlisted_name;
} points[DNSBL_SIDES] = {
	[DNSBL_IPV4] = { "2.0.0.127", "1.0.0.127", "127.0.0.2", "127.0.0.1" },
	[DNSBL_IPV6] = { "2" IPV6_POINT, "1" IPV6_POINT, "::ffff:7f00:2",
	    "::ffff:7f00:1" },
	[DNSBL_DOMAIN] = { "test", "invalid", "TEST", "INVALID" },
};
#define POINTS	2	/* the listed one, then the other */

/* All that is asked at once: the test points, then clients. */
struct probe {
	const struct dnsbl_list	*list;
	enum dnsbl_side		 side;
	struct dns_query	 queries[POINTS + DNSBL_PROBE_MOST];
	struct dnsbl_reading	 readings[POINTS + DNSBL_PROBE_MOST];
	size_t			 npoints, n;
	unsigned		 percent;
};

static void
add_query(struct arena *a, struct probe *p, const char *prefix)
{
	const char *name = dnsbl_query_name(a, prefix, p->list->zone);

	if (name != NULL)
		p->queries[p->n++] = (struct dns_query){ .name = name,
		    .type = DNS_A };
}

static const char *
find_error(const struct probe *p)
{
	for (size_t i = 0; i < p->n; i++)
		if (p->readings[i].state == DNSBL_ERROR)
			return p->readings[i].why;
	return NULL;
}

/* Any address is a listing here, whether a pattern counts it or not. */
static bool
is_listed(const struct dnsbl_reading *r)
{
	return r->verdict == LISTING_LISTED || r->verdict == LISTING_OTHER;
}

static const char *
find_wrong_point(struct arena *a, const struct probe *p)
{
	if (p->npoints == 0)
		return NULL;
	if (is_listed(&p->readings[1]))
		return arena_printf(a, "lists its test point %s, which must "
		    "not be listed", points[p->side].unlisted_name);
	if (p->readings[0].state != DNSBL_FAILED &&
	    !is_listed(&p->readings[0]))
		return arena_printf(a, "does not list its test point %s",
		    points[p->side].listed_name);
	return NULL;
}

/* About one of the test points; without them, about everything. */
static const char *
find_silence(struct arena *a, const struct probe *p)
{
	size_t n = p->npoints > 0 ? p->npoints : p->n, failed = 0;
	const char *why = NULL;

	for (size_t i = 0; i < n; i++)
		if (p->readings[i].state == DNSBL_FAILED) {
			failed++;
			why = p->readings[i].why;
		}
	if (failed == 0 || (p->npoints == 0 && failed < n))
		return NULL;
	return arena_printf(a, DNSBL_SAYS_NOTHING, why);
}

static const char *
find_many(struct arena *a, const struct probe *p)
{
	unsigned asked = 0, listed = 0;

	for (size_t i = p->npoints; i < p->n; i++) {
		asked += p->readings[i].state != DNSBL_FAILED;
		listed += p->readings[i].state == DNSBL_LISTED;
	}
	if (listed * 100 <= p->percent * asked)
		return NULL;
	return arena_printf(a, DNSBL_LISTS_MANY, listed, asked);
}

/* Sick outweighs silent: it is known. */
static struct dnsbl_finding
conclude(struct arena *a, const struct probe *p)
{
	const char *why = find_error(p);

	if (why == NULL)
		why = find_wrong_point(a, p);
	if (why != NULL)
		return (struct dnsbl_finding){ DNSBL_SICK, why };
	why = find_silence(a, p);
	if (why != NULL)
		return (struct dnsbl_finding){ DNSBL_SILENT, why };
	why = find_many(a, p);
	return (struct dnsbl_finding){ why != NULL ? DNSBL_SICK : DNSBL_GOOD,
	    why };
}

MAY_YIELD int
dnsbl_probe(struct arena *a, const struct dnsbl_list *list,
    enum dnsbl_side side, const char *const *prefixes, size_t n,
    unsigned percent, struct dnsbl_finding *found, struct err *err)
{
	struct probe *p = arena_new(a, struct probe);

	assert(n <= DNSBL_PROBE_MOST);
	p->list = list;
	p->side = side;
	p->percent = percent;
	if (list->test_points) {
		add_query(a, p, points[side].listed);
		add_query(a, p, points[side].unlisted);
	}
	p->npoints = p->n;
	for (size_t i = 0; i < n; i++)
		add_query(a, p, prefixes[i]);
	if (p->n > 0 && dns_lookup_all(a, p->queries, p->n, clock_now() +
	    DNSBL_PROBE_TIMEOUT, err) < 0)
		return -1;
	for (size_t i = 0; i < p->n; i++)
		dnsbl_query_read(a, list, &p->queries[i].answer,
		    &p->readings[i]);
	*found = conclude(a, p);
	return 0;
}
