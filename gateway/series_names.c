#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "base/buf.h"
#include "base/mem.h"
#include "base/span.h"
#include "base/utf8.h"
#include "gateway/ruleset.h"
#include "gateway/series_internal.h"
#include "policy/rule.h"

/*
 * Found by hash, as a reload may bring thousands of rules. The supervisor's
 * own memory, which its children inherit as it was when they were made: what
 * they know never changes place, and of what came later they hear nothing.
 */
struct registry {
	struct series_name	*list;
	size_t			 n;
	uint32_t		*slots;		/* index + 1; 0: free */
	size_t			 nslots;	/* power of two, half are free */
};

static struct registry registries[SERIES_SUBJECTS_COUNT];

static const struct {
	const char	*what;
	size_t		 most;
} subjects[] = {
#define X(id, most, label, more) { label, most },
	SERIES_SUBJECTS(X)
#undef X
};

size_t
series_names(enum series_subject of)
{
	return of == OF_NOTHING ? 1 : registries[of].n;
}

const struct series_name *
series_name(enum series_subject of, size_t i)
{
	assert(i < registries[of].n);
	return &registries[of].list[i];
}

size_t
series_names_most(enum series_subject of)
{
	return subjects[of].most;
}

/* FNV-1a: names are the administrator's, nobody makes them collide. */
static size_t
hash(const char *a, const char *b)
{
	uint64_t h = UINT64_C(14695981039346656037);

	for (; *a != '\0'; a++)
		h = (h ^ (unsigned char)*a) * UINT64_C(1099511628211);
	h = (h ^ '\n') * UINT64_C(1099511628211);
	for (; *b != '\0'; b++)
		h = (h ^ (unsigned char)*b) * UINT64_C(1099511628211);
	return (size_t)(h ^ h >> 32);
}

static uint32_t *
find(struct registry *r, const char *a, const char *b)
{
	for (size_t i = hash(a, b);; i++) {
		uint32_t *slot = &r->slots[i & (r->nslots - 1)];
		const struct series_name *name;

		if (*slot == 0)
			return slot;
		name = &r->list[*slot - 1];
		if (strcmp(name->labels[0], a) == 0 &&
		    strcmp(name->labels[1], b) == 0)
			return slot;
	}
}

static char *
keep(const char *text)
{
	size_t size = strlen(text) + 1;

	return memcpy(mem_alloc(size, "names of series"), text, size);
}

static uint32_t
add(struct registry *r, uint32_t *slot, const char *a, const char *b)
{
	r->list[r->n] = (struct series_name){ .labels = { keep(a), keep(b) } };
	*slot = (uint32_t)++r->n;
	return *slot - 1;
}

static void
prepare(struct registry *r, enum series_subject of)
{
	const char *second = of == OF_ADDRESS ? SERIES_OTHER : "";

	if (r->list != NULL)
		return;
	r->list = mem_zalloc(subjects[of].most * sizeof(*r->list),
	    "names of series");
	for (r->nslots = 2; r->nslots < 2 * subjects[of].most; )
		r->nslots *= 2;
	r->slots = mem_zalloc(r->nslots * sizeof(*r->slots),
	    "names of series");
	(void)add(r, find(r, SERIES_OTHER, second), SERIES_OTHER, second);
}

/* Names of files may be any octets. Made printable here and not where they are
 * shown: what looks the same is one series. */
static const char *
make_printable(struct arena *a, const char *text)
{
	struct buf out = {0};
	const char *copy;

	(void)utf8_put_printable(&out, span_z(text), SIZE_MAX, true);
	copy = arena_copy(a, buf_text(&out));
	buf_free(&out);
	return copy;
}

/* False: there is no room, it is "other". */
static bool
enter(struct series_map *map, enum series_subject of, size_t i, const char *a,
    const char *b)
{
	struct registry *r = &registries[of];
	uint32_t *slot, name;

	assert(i < map->subjects[of].n);
	a = make_printable(map->arena, a);
	b = make_printable(map->arena, b);
	slot = find(r, a, b);
	if (*slot != 0)
		name = *slot - 1;
	else if (r->n < subjects[of].most)
		name = add(r, slot, a, b);
	else
		return false;
	map->subjects[of].names[i] = name;
	return true;
}

static void
make_room(struct series_map *map, enum series_subject of, size_t n)
{
	prepare(&registries[of], of);
	map->subjects[of].n = n;
	map->subjects[of].names = arena_new_n(map->arena, n + 1,
	    uint32_t);
}

/* --- rules --- */

static bool
enter_rules(struct series_map *map, const struct rule *rules, size_t n)
{
	bool fits = true;

	for (size_t i = 0; i < n; i++) {
		const struct rule *r = &rules[i];

		if (r->ngroup > 0)
			fits &= enter_rules(map, r->group, r->ngroup);
		else
			fits &= enter(map, OF_RULE, r->number, r->name, "");
	}
	return fits;
}

static void
enter_all_rules(struct series_map *map, const struct rules *rules,
    bool *fits)
{
	make_room(map, OF_RULE, rules->nrules);
	for (int i = 0; i < PHASES; i++)
		*fits &= enter_rules(map, rules->phases[i].rules,
		    rules->phases[i].n);
}

void
series_mark_current(const struct series_map *map)
{
	for (int of = OF_NOTHING + 1; of < SERIES_SUBJECTS_COUNT; of++) {
		struct registry *r = &registries[of];

		for (size_t i = 0; i < r->n; i++)
			r->list[i].is_current = false;
		for (size_t i = 0; i < map->subjects[of].n; i++)
			r->list[map->subjects[of].names[i]].is_current = true;
		/* What is in the place of those that have no room is shown
		 * once it counts: a number of a rule may be that of a group. */
		r->list[0].is_current = false;
	}
}

/* --- settings --- */

static void
enter_addresses(struct series_map *map, const struct settings *s,
    bool *fits)
{
	size_t n = 0;

	map->nbackends = s->nbackends;
	map->first_url = arena_new_n(map->arena, s->nbackends + 1, size_t);
	for (size_t i = 0; i < s->nbackends; i++) {
		map->first_url[i] = n;
		n += s->backends[i].nurls;
	}
	make_room(map, OF_ADDRESS, n);
	for (size_t i = 0; i < s->nbackends; i++) {
		const struct backend_conf *b = &s->backends[i];

		for (size_t j = 0; j < b->nurls; j++)
			*fits &= enter(map, OF_ADDRESS, map->first_url[i] + j,
			    b->name, b->urls[j].text);
	}
}

static void
warn(struct buf *out, enum series_subject of, bool fits)
{
	if (!fits)
		buf_printf(out, "more than %zu names of %ss since the last "
		    "start: some are counted together, as \"%s\"\n",
		    subjects[of].most - 1, subjects[of].what, SERIES_OTHER);
}

struct series_map *
series_enter(struct arena *a, const struct settings *s,
    const struct ruleset *rules, struct buf *warnings)
{
	struct series_map *map = arena_new(a, struct series_map);
	bool fits[SERIES_SUBJECTS_COUNT];

	map->arena = a;
	memset(fits, true, sizeof(fits));
	make_room(map, OF_LISTENER, s->nlisteners);
	for (size_t i = 0; i < s->nlisteners; i++)
		fits[OF_LISTENER] &= enter(map, OF_LISTENER, i,
		    s->listeners[i].name, "");
	make_room(map, OF_LIST, rules->nlists);
	for (size_t i = 0; i < rules->nlists; i++)
		fits[OF_LIST] &= enter(map, OF_LIST, i, rules->lists[i].name,
		    "");
	make_room(map, OF_MILTER, s->nmilters);
	for (size_t i = 0; i < s->nmilters; i++)
		fits[OF_MILTER] &= enter(map, OF_MILTER, i,
		    s->milters[i].name, "");
	enter_addresses(map, s, &fits[OF_ADDRESS]);
	enter_all_rules(map, rules->rules, &fits[OF_RULE]);
	for (int of = OF_NOTHING + 1; of < SERIES_SUBJECTS_COUNT; of++)
		warn(warnings, of, fits[of]);
	return map;
}
