#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/mem.h"
#include "policy/set_table.h"

#define LINE		64	/* octets of a cache line */
#define SLOTS		12
#define FILL		9	/* keys to a group: three quarters full */

struct set_group {
	uint8_t		tag[SLOTS];	/* 0: free, and so are those behind */
	uint32_t	at[SLOTS];
	uint32_t	unused;		/* a whole cache line */
};

static_assert(sizeof(struct set_group) == LINE, "a group is one cache line");

void
set_table_add(struct set_table *t, struct span key)
{
	size_t need = t->len + key.len + 1;

	assert(need <= SET_TEXT_MAX);
	if (need > t->cap) {
		t->cap = need + need / 2 + 1024;
		t->text = mem_realloc(t->text, t->cap, "set");
	}
	if (key.len > 0)
		memcpy(t->text + t->len, key.p, key.len);
	t->text[t->len + key.len] = '\0';
	t->len = need;
	t->n++;
}

/* FNV's high bits are good, its low ones are not. */
static uint64_t
mix(uint64_t h)
{
	h ^= h >> 32;
	h *= 0x9e3779b97f4a7c15u;
	return h ^ h >> 29;
}

static uint8_t
tag_of(uint64_t mixed)
{
	uint8_t tag = (uint8_t)mixed;

	return tag != 0 ? tag : 1;
}

static size_t
group_of(const struct set_table *t, uint64_t mixed)
{
	return (size_t)((mixed >> 32) * t->ngroups >> 32);
}

static bool
is_at(const struct set_table *t, uint32_t at, struct span key)
{
	return key.len < t->len - at &&
	    t->text[at + key.len] == '\0' &&
	    memcmp(t->text + at, key.p, key.len) == 0;
}

/* Where it is, or where it can be put; *slot is its place in the group. */
static struct set_group *
find(const struct set_table *t, uint64_t mixed, struct span key, bool *found,
    unsigned *slot)
{
	size_t i = group_of(t, mixed);
	uint8_t tag = tag_of(mixed);
	struct set_group *g;
	unsigned s;

	for (;; i = i + 1 < t->ngroups ? i + 1 : 0) {
		g = &t->groups[i];
		for (s = 0; s < SLOTS && g->tag[s] != 0; s++)
			if (g->tag[s] == tag && is_at(t, g->at[s], key))
				break;
		if (s < SLOTS) {
			*found = g->tag[s] != 0;
			*slot = s;
			return g;
		}
	}
}

bool
set_table_has(const struct set_table *t, uint64_t hash, struct span key)
{
	unsigned slot;
	bool found;

	if (t->n == 0)
		return false;
	find(t, mix(hash), key, &found, &slot);
	return found;
}

static uint64_t
hash_of(struct span key)
{
	uint64_t h = SET_HASH_BEGIN;

	while (key.len > 0)
		h = set_hash_more(h, key.p[--key.len]);
	return h;
}

/* The key is in the text already. */
static bool
insert(struct set_table *t, struct span key)
{
	uint64_t mixed = mix(hash_of(key));
	struct set_group *g;
	unsigned slot;
	bool found;

	g = find(t, mixed, key, &found, &slot);
	if (found)
		return false;
	g->tag[slot] = tag_of(mixed);
	g->at[slot] = (uint32_t)(key.p - t->text);
	return true;
}

static void
make_groups(struct set_table *t)
{
	uintptr_t begin;

	t->ngroups = t->n / FILL + 1;
	t->block = mem_zalloc((t->ngroups + 1) * LINE, "set");
	begin = ((uintptr_t)t->block + LINE - 1) / LINE * LINE;
	t->groups = (struct set_group *)begin;
}

size_t
set_table_build(struct set_table *t, size_t count)
{
	size_t added = t->n, all = t->len, at = 0, len, counted = 0, i;

	assert(t->block == NULL && count <= added);
	if (added == 0)
		return 0;
	make_groups(t);
	t->n = t->len = 0;
	/* Kept keys move down over those that were dropped. */
	for (i = 0; i < added; i++) {
		len = strlen(t->text + at);
		memmove(t->text + t->len, t->text + at, len + 1);
		at += len + 1;
		t->len += len + 1;
		if (insert(t, span_n(t->text + t->len - len - 1, len))) {
			t->n++;
			counted += i < count;
		} else
			t->len -= len + 1;
	}
	assert(at == all);
	t->cap = t->len;
	t->text = mem_realloc(t->text, t->cap, "set");
	return counted;
}

void
set_table_free(struct set_table *t)
{
	free(t->text);
	free(t->block);
	*t = (struct set_table){ 0 };
}

size_t
set_table_bytes(const struct set_table *t)
{
	return t->cap + (t->block != NULL ? (t->ngroups + 1) * LINE : 0);
}
