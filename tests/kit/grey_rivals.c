#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "tests/kit/grey_rivals.h"

#define DELAY	300
#define DAY	(86400 * CLOCK_S)

static long
now(void)
{
	return (long)(clock_wall() / CLOCK_S);
}

static struct span
text_of_now(struct arena *a)
{
	return span_z(arena_printf(a, "%ld", now()));
}

static const char *
network(struct arena *a, const struct addr *client, unsigned bits)
{
	const unsigned char *ip = (const unsigned char *)
	    &client->u.in.sin_addr;
	unsigned third = bits == 24 ? ip[2] : ip[2] & ~31U;

	return arena_printf(a, "%u.%u.%u", ip[0], ip[1], third);
}

/* --- postgrey --- */

static const char *
sender(struct arena *a, const char *from)
{
	char *out = arena_alloc(a, strlen(from) + 1);
	const char *p, *end, *at = strrchr(from, '@');
	bool is_word = false;
	size_t n = 0;

	for (p = from; p < at && *p != '+'; p = end) {
		for (end = p; isdigit((unsigned char)*end); end++)
			;
		if (end > p && !is_word && !isalnum((unsigned char)*end) &&
		    *end != '_') {
			out[n++] = '#';
			continue;
		}
		end = end > p ? end : p + 1;
		memcpy(out + n, p, (size_t)(end - p));
		n += (size_t)(end - p);
		is_word = isalnum((unsigned char)end[-1]) || end[-1] == '_';
	}
	strcpy(out + n, at);
	return out;
}

bool
grey_postgrey(struct arena *a, struct store *s, const struct grey_try *t)
{
	const char *net = network(a, &t->client, 24);
	struct span client = span_z(arena_printf(a, "pg/c/%s", net));
	struct span triplet = span_z(arena_printf(a, "pg/t/%s/%s/%s", net,
	    sender(a, t->from), t->to));
	struct span old;
	struct err err;
	int64_t sum;

	store_get(s, a, client, &old, &err);
	if (old.p != NULL && atoi(arena_copy(a, old)) >= 5) {
		store_put(s, client, SPAN_LIT("5"), 35 * DAY, &err);
		return true;
	}
	store_claim(s, a, triplet, text_of_now(a), 2 * DAY, &old, &err);
	if (old.p == NULL || now() - atol(arena_copy(a, old)) < DELAY)
		return false;
	store_put(s, triplet, old, 35 * DAY, &err);
	store_add(s, client, 1, 35 * DAY, &sum, &err);
	return true;
}

/* --- Rspamd --- */

static bool
is_old(struct arena *a, struct span value)
{
	return value.p != NULL && now() - atol(arena_copy(a, value)) >= DELAY;
}

static void
keep(struct store *s, struct span key, struct span value)
{
	struct err err;

	if (value.p != NULL)
		store_put(s, key, value, DAY, &err);
}

bool
grey_rspamd(struct arena *a, struct store *s, const struct grey_try *t)
{
	struct span meta = span_z(arena_printf(a, "rg/m/%s/%s/%s", t->from,
	    t->to, network(a, &t->client, 19)));
	struct span data = span_z(arena_printf(a, "rg/b/%s/%s", t->content,
	    t->to));
	struct span old_meta, old_data;
	struct err err;

	store_get(s, a, meta, &old_meta, &err);
	store_get(s, a, data, &old_data, &err);
	if (is_old(a, old_meta) || is_old(a, old_data)) {
		keep(s, meta, old_meta);
		keep(s, data, old_data);
		return true;
	}
	if (old_meta.p == NULL && old_data.p == NULL) {
		keep(s, meta, text_of_now(a));
		keep(s, data, text_of_now(a));
	}
	return false;
}
