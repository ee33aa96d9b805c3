#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/span.h"
#include "gateway/route.h"

/* What a name of a route stands for, best match first. */
enum kind { KIND_RCPT, KIND_LOCAL, KIND_DOMAIN, KIND_SUFFIX, KINDS };

struct entry {
	struct span	 key;		/* the settings' own text */
	size_t		 route;		/* its number, in the file's order */
	int		 backend;
};

/* Sorted by key (ASCII case ignored), then by route: of two equal keys the
 * first in the file is found. */
struct table {
	struct entry	*list;
	size_t		 n;
};

struct routes {
	struct table	 by[KINDS];
	int		 first;		/* backend of the first route; -1 */
	int		 any;		/* of the first "*"; -1 */
};

#define LOCAL_MAX	256	/* more is no local part (RFC 5321: 64) */

static int
compare_keys(struct span a, struct span b)
{
	size_t len = a.len < b.len ? a.len : b.len;
	int c = len > 0 ? strncasecmp(a.p, b.p, len) : 0;

	if (c != 0)
		return c;
	return a.len < b.len ? -1 : a.len > b.len;
}

static int
compare_entries(const void *va, const void *vb)
{
	const struct entry *a = va, *b = vb;
	int c = compare_keys(a->key, b->key);

	if (c != 0)
		return c;
	return a->route < b->route ? -1 : a->route > b->route;
}

/* --- making --- */

static void
table_add(struct table *t, struct span key, size_t route, int backend)
{
	t->list[t->n++] = (struct entry){ key, route, backend };
}

static void
add_domain(struct routes *r, const char *name, size_t route, int backend)
{
	if (strcmp(name, "*") == 0) {
		if (r->any < 0)
			r->any = backend;
	} else if (name[0] == '.') {
		table_add(&r->by[KIND_SUFFIX], span_z(name), route, backend);
	} else {
		table_add(&r->by[KIND_DOMAIN], span_z(name), route, backend);
	}
}

static void
add_recipient(struct routes *r, const char *name, size_t route, int backend)
{
	struct span key = span_z(name);

	if (key.len > 0 && key.p[key.len - 1] == '@') {
		key.len--;
		table_add(&r->by[KIND_LOCAL], key, route, backend);
	} else {
		table_add(&r->by[KIND_RCPT], key, route, backend);
	}
}

struct routes *
routes_create(struct arena *a, const struct settings *s)
{
	struct routes *r = arena_new(a, struct routes);
	size_t domains = 0, rcpts = 0, i, k;

	for (i = 0; i < s->nroutes; i++) {
		domains += s->routes[i].domains.n;
		rcpts += s->routes[i].recipients.n;
	}
	for (k = 0; k < KINDS; k++)
		r->by[k].list = arena_new_n(a, k == KIND_RCPT ||
		    k == KIND_LOCAL ? rcpts : domains, struct entry);
	r->first = s->nroutes > 0 ? (int)s->routes[0].backend : -1;
	r->any = -1;
	for (i = 0; i < s->nroutes; i++) {
		const struct route_conf *route = &s->routes[i];

		for (k = 0; k < route->domains.n; k++)
			add_domain(r, route->domains.list[k], i,
			    (int)route->backend);
		for (k = 0; k < route->recipients.n; k++)
			add_recipient(r, route->recipients.list[k], i,
			    (int)route->backend);
	}
	for (k = 0; k < KINDS; k++)
		qsort(r->by[k].list, r->by[k].n, sizeof(struct entry),
		    compare_entries);
	return r;
}

/* --- finding --- */

/* The first of the equal ones, or -1. */
static int
table_find(const struct table *t, struct span key)
{
	size_t low = 0, high = t->n, middle;

	while (low < high) {
		middle = low + (high - low) / 2;
		if (compare_keys(t->list[middle].key, key) < 0)
			low = middle + 1;
		else
			high = middle;
	}
	if (low == t->n || compare_keys(t->list[low].key, key) != 0)
		return -1;
	return t->list[low].backend;
}

static int
find_domain(const struct routes *r, struct span domain)
{
	int found = table_find(&r->by[KIND_DOMAIN], domain);
	size_t i;

	/* From the left, so that the longest suffix is met first. A suffix is
	 * never the whole name: ".a.example" does not take "a.example". */
	for (i = 1; found < 0 && i < domain.len; i++)
		if (domain.p[i] == '.')
			found = table_find(&r->by[KIND_SUFFIX],
			    span_n(domain.p + i, domain.len - i));
	return found >= 0 ? found : r->any;
}

/* "u" and u name one mailbox (RFC 5321 4.1.2): without quotes and
 * backslashes. One that is too long stays as it is. */
static struct span
unquoted(struct span local, char out[LOCAL_MAX])
{
	size_t i, n = 0;

	if (local.len < 2 || local.len > LOCAL_MAX || local.p[0] != '"' ||
	    local.p[local.len - 1] != '"')
		return local;
	for (i = 1; i + 1 < local.len; i++) {
		if (local.p[i] == '\\' && i + 2 < local.len)
			i++;
		out[n++] = local.p[i];
	}
	return span_n(out, n);
}

/* Looks for local@domain among the exact recipients. */
static int
find_recipient(const struct table *t, struct span local, struct span domain)
{
	char key[LOCAL_MAX + 256 + 1];

	if (local.len > LOCAL_MAX || domain.len > 256 || t->n == 0)
		return -1;
	memcpy(key, local.p, local.len);
	key[local.len] = '@';
	memcpy(key + local.len + 1, domain.p, domain.len);
	return table_find(t, span_n(key, local.len + 1 + domain.len));
}

int
route_find(const struct routes *r, const struct address *rcpt)
{
	char buffer[LOCAL_MAX];
	struct span local = unquoted(rcpt->local, buffer);
	int exact, domain, by_local;

	if (rcpt->domain.len == 0)
		return span_is_nocase(local, "postmaster") ? r->first : -1;
	exact = find_recipient(&r->by[KIND_RCPT], local, rcpt->domain);
	if (exact >= 0)
		return exact;
	domain = find_domain(r, rcpt->domain);
	if (domain < 0)
		return -1;	/* "u@" opens no domain: never a relay */
	by_local = table_find(&r->by[KIND_LOCAL], local);
	return by_local >= 0 ? by_local : domain;
}
