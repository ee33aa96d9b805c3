#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "base/arena.h"
#include "base/span.h"
#include "gateway/lookup.h"
#include "gateway/route.h"
#include "policy/set_ask.h"

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
	const struct settings *settings;
	struct lookup	*lookup;
	const char	*redis;		/* the hash; NULL: there is none */
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
routes_create(struct arena *a, const struct settings *s,
    struct lookup *lookup)
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
	r->settings = s;
	r->lookup = lookup;
	r->first = r->any = ROUTE_NONE;
	for (i = 0; i < s->nroutes; i++) {
		const struct route_conf *route = &s->routes[i];

		if (route->redis != NULL)
			r->redis = route->redis;
		else if (r->first < 0)
			r->first = (int)route->backend;
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
	return found;
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

/* --- in Redis --- */

/* The backend that a field names. */
static int
backend_named(const struct routes *r, struct span field, struct span name,
    struct err *err)
{
	const struct settings *s = r->settings;

	for (size_t i = 0; i < s->nbackends; i++)
		if (s->backends[i].name != NULL &&
		    span_is(name, s->backends[i].name))
			return (int)i;
	err_set(err, ERR_CONFIG, "route %s: its field %.*s names no backend: "
	    "\"%.*s\"", r->redis, SPAN_ARG(field), (int)(name.len < 64 ?
	    name.len : 64), name.p);
	return ROUTE_UNKNOWN;
}

static MAY_YIELD int
ask(const struct routes *r, struct arena *a, int64_t *rests_until,
    const struct span *fields, size_t n, struct span *values,
    struct err *err)
{
	if (r->lookup == NULL)
		return err_set(err, ERR_UNAVAIL, "route %s: there is no Redis "
		    "to ask", r->redis);
	if (lookup_hash(r->lookup, a, rests_until, span_z(r->redis), fields,
	    n, values, err) == 0)
		return 0;
	return err->kind == ERR_CLOSED ? -1 :
	    err_prefix(err, "route %s", r->redis);
}

static MAY_YIELD int
find_postmaster(const struct routes *r, struct arena *a, int64_t *rests_until,
    struct err *err)
{
	struct span field = SPAN_LIT("postmaster"), value;

	if (ask(r, a, rests_until, &field, 1, &value, err) < 0)
		return ROUTE_UNKNOWN;
	return value.p != NULL ? backend_named(r, field, value, err) :
	    ROUTE_NONE;
}

/* What a set would be asked for the mailbox (set_ask.h): itself, its local
 * part, its domain, what is above that. */
static MAY_YIELD int
find_there(const struct routes *r, struct arena *a,
    const struct address *rcpt, int by_local, int64_t *rests_until,
    struct err *err)
{
	struct value mailbox = { .type = TYPE_MAILBOX, .text = rcpt->text };
	struct span fields[SET_QUESTIONS_MAX], values[SET_QUESTIONS_MAX];
	size_t n = set_questions(a, &mailbox, fields), i;

	if (n < 3)		/* a domain that cannot be */
		return r->any;
	if (ask(r, a, rests_until, fields, n, values, err) < 0)
		return ROUTE_UNKNOWN;
	if (values[0].p != NULL)
		return backend_named(r, fields[0], values[0], err);
	for (i = 2; i < n && values[i].p == NULL; i++)
		;
	if (i == n && r->any < 0)
		return ROUTE_NONE;
	if (by_local >= 0)
		return by_local;
	if (values[1].p != NULL)
		return backend_named(r, fields[1], values[1], err);
	return i < n ? backend_named(r, fields[i], values[i], err) : r->any;
}

/* --- both --- */

static MAY_YIELD int
find_elsewhere(const struct routes *r, const struct address *rcpt,
    int by_local, int64_t *rests_until, struct err *err)
{
	struct arena *a = arena_create("route");
	int index = rcpt->domain.len == 0 ?
	    find_postmaster(r, a, rests_until, err) :
	    find_there(r, a, rcpt, by_local, rests_until, err);

	arena_destroy(&a);
	return index;
}

MAY_YIELD int
route_find(const struct routes *r, const struct address *rcpt,
    int64_t *rests_until, struct err *err)
{
	char buffer[LOCAL_MAX];
	struct span local = unquoted(rcpt->local, buffer);
	int found, by_local;

	if (rcpt->domain.len == 0) {
		if (!span_is_nocase(local, "postmaster"))
			return ROUTE_NONE;
		return r->first >= 0 || r->redis == NULL ? r->first :
		    find_elsewhere(r, rcpt, -1, rests_until, err);
	}
	found = find_recipient(&r->by[KIND_RCPT], local, rcpt->domain);
	if (found >= 0)
		return found;
	by_local = table_find(&r->by[KIND_LOCAL], local);
	found = find_domain(r, rcpt->domain);
	if (found < 0 && r->redis != NULL)
		return find_elsewhere(r, rcpt, by_local, rests_until, err);
	if (found < 0)
		found = r->any;
	if (found < 0)
		return ROUTE_NONE;	/* "u@" opens no domain, never */
	return by_local >= 0 ? by_local : found;
}
