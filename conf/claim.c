#include <stdlib.h>
#include <string.h>

#include "base/nearest.h"
#include "conf/claim.h"

struct claims
claims_create(struct reading *r, size_t max)
{
	return (struct claims){ arena_new_n(r->a, max, struct claim), 0 };
}

void
claim(struct claims *c, const char *what, struct place at, size_t group)
{
	c->list[c->n] = (struct claim){ what, at, group, c->n };
	c->n++;
}

static int
by_what(const void *a, const void *b)
{
	const struct claim *x = a, *y = b;
	int c = strcmp(x->what, y->what);

	return c != 0 ? c : x->order < y->order ? -1 : 1;
}

void
claims_check(struct reading *r, struct claims *c, const char *is_already)
{
	const struct claim *first = c->list, *now;

	qsort(c->list, c->n, sizeof(*c->list), by_what);
	for (now = c->list; now < c->list + c->n; now++) {
		if (strcmp(now->what, first->what) != 0)
			first = now;
		if (now->group != first->group)
			diagnostic(r->d, now->at, NULL,
			    "\"%s\" is already %s at %s:%u:%u", now->what,
			    is_already, first->at.source->name,
			    first->at.line, first->at.column);
	}
}

const char *
claim_small_letters(struct arena *a, const char *name)
{
	char *small = arena_strdup(a, name);

	for (char *c = small; *c != '\0'; c++)
		if (*c >= 'A' && *c <= 'Z')
			*c += 'a' - 'A';
	return small;
}

void
claim_missing(struct reading *r, const char *noun, const char *name,
    struct place at, const char *const *names, size_t n)
{
	const char **named = arena_new_n(r->a, n + 1, const char *);
	const char *hint;
	size_t nnamed = 0;

	for (size_t i = 0; i < n; i++)
		if (names[i] != NULL)
			named[nnamed++] = names[i];
	hint = nearest(span_z(name), named, nnamed);
	if (hint != NULL)
		hint = arena_printf(r->a, "did you mean \"%s\"?", hint);
	diagnostic(r->d, at, hint, "there is no %s \"%s\"", noun, name);
}
