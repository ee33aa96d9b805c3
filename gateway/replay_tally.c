#include <stdlib.h>
#include <string.h>

#include "conf/list.h"
#include "gateway/replay_internal.h"

static char *
words(struct arena *a, const struct recorded_verdict *v)
{
	struct buf out = {0};
	char *text;

	replay_put_verdict(&out, v, true);
	text = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return text;
}

static struct pair *
find(struct tally *t, const char *before, const char *now, bool is_would)
{
	size_t i;

	for (i = 0; i < t->npairs; i++)
		if (t->pairs[i].is_would == is_would &&
		    strcmp(t->pairs[i].before, before) == 0 &&
		    strcmp(t->pairs[i].now, now) == 0)
			return &t->pairs[i];
	return NULL;
}

/* `scratch` ends with the record. */
static void
count(struct tally *t, struct arena *scratch, const struct difference *d)
{
	const char *before = words(scratch, &d->before);
	const char *now = words(scratch, &d->now);
	struct pair *p;

	if (d->needs != NULL)
		now = arena_printf(scratch, "%s, then not known", now);
	p = find(t, before, now, d->is_would);
	if (p == NULL && t->npairs == REPLAY_PAIRS_MOST) {
		t->other_pairs++;
		return;
	}
	if (p == NULL) {
		t->pairs = list_room(t->arena, t->pairs, t->npairs,
		    sizeof(*t->pairs));
		p = &t->pairs[t->npairs++];
		p->before = arena_strdup(t->arena, before);
		p->now = arena_strdup(t->arena, now);
		p->is_would = d->is_would;
	}
	p->count++;
}

void
tally_need(struct tally *t, const char *name)
{
	size_t i;

	for (i = 0; i < t->nneeds; i++)
		if (strcmp(t->needs[i].name, name) == 0) {
			t->needs[i].count++;
			return;
		}
	t->needs = list_room(t->arena, t->needs, t->nneeds,
	    sizeof(*t->needs));
	t->needs[t->nneeds++] = (struct need){ arena_strdup(t->arena, name),
	    1 };
}

void
tally_add(struct tally *t, struct arena *scratch, const struct comparison *c)
{
	size_t i;

	t->unchanged += c->change == UNCHANGED;
	t->changed += c->change == CHANGED;
	t->unjudged += c->change == UNJUDGED;
	t->would += c->would;
	for (i = 0; i < c->n; i++)
		count(t, scratch, &c->list[i]);
}

static int
by_count(const void *a, const void *b)
{
	const struct pair *p = a, *q = b;

	if (p->is_would != q->is_would)
		return p->is_would ? 1 : -1;
	if (p->count != q->count)
		return p->count < q->count ? 1 : -1;
	return strcmp(p->now, q->now);
}

static int
by_need(const void *a, const void *b)
{
	const struct need *p = a, *q = b;

	if (p->count != q->count)
		return p->count < q->count ? 1 : -1;
	return strcmp(p->name, q->name);
}

void
tally_sort(struct tally *t)
{
	if (t->npairs > 0)
		qsort(t->pairs, t->npairs, sizeof(*t->pairs), by_count);
	if (t->nneeds > 0)
		qsort(t->needs, t->nneeds, sizeof(*t->needs), by_need);
}
