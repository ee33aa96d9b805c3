#include <stdio.h>
#include <string.h>

#include "base/clock.h"
#include "gateway/lookup_cache.h"
#include "tests/fake/fake.h"
#include "tests/kit/t.h"

#define LIFE	(5 * CLOCK_S)

static struct arena		*arena;
static struct lookup_cache	*cache;

static const char *
found(enum lookup_kind kind, const char *key, const char *part)
{
	struct span value;

	if (!lookup_cache_find(cache, kind, span_z(key), span_z(part),
	    &value))
		return "unknown";
	return value.p == NULL ? "no" : arena_copy(arena, value);
}

static void
put(const char *key, const char *part, const char *value)
{
	lookup_cache_put(cache, LOOKUP_FIELD, span_z(key), span_z(part),
	    value != NULL ? span_z(value) : span_n(NULL, 0), LIFE);
}

static void
test_answers(void)
{
	T_STR("at first", found(LOOKUP_FIELD, "k", "p"), "unknown");
	put("k", "p", "inside");
	put("k", "q", NULL);
	put("k", "r", "");
	T_STR("yes", found(LOOKUP_FIELD, "k", "p"), "inside");
	T_STR("no", found(LOOKUP_FIELD, "k", "q"), "no");
	T_STR("there and empty", found(LOOKUP_FIELD, "k", "r"), "");
	T_STR("another part", found(LOOKUP_FIELD, "k", "s"), "unknown");
	T_STR("another key", found(LOOKUP_FIELD, "kp", ""), "unknown");
	T_STR("where one ends matters", found(LOOKUP_FIELD, "kp", "p"),
	    "unknown");
	T_STR("another kind", found(LOOKUP_MEMBER, "k", "p"), "unknown");
	fake_clock_advance(LIFE / 2);
	put("k", "p", NULL);
	T_STR("the last answer counts", found(LOOKUP_FIELD, "k", "p"), "no");
	fake_clock_advance(LIFE / 2);
	T_STR("and lives from then", found(LOOKUP_FIELD, "k", "p"), "no");
	T_STR("what was said before is over", found(LOOKUP_FIELD, "k", "q"),
	    "unknown");
	fake_clock_advance(LIFE / 2);
	T_STR("as that is", found(LOOKUP_FIELD, "k", "p"), "unknown");
}

static void
test_not_kept(void)
{
	char text[LOOKUP_VALUE_MAX + 2];

	memset(text, 'x', sizeof(text));
	text[LOOKUP_VALUE_MAX + 1] = '\0';
	put("k", "long", text);
	T_STR("too long", found(LOOKUP_FIELD, "k", "long"), "unknown");
	text[LOOKUP_VALUE_MAX] = '\0';
	put("k", "long", text);
	T_STR("just not", found(LOOKUP_FIELD, "k", "long"), text);
	lookup_cache_put(cache, LOOKUP_FIELD, span_z("k"), span_z("none"),
	    span_z("x"), 0);
	T_STR("without a life", found(LOOKUP_FIELD, "k", "none"), "unknown");
}

/* Many times what has room: those that came last are mostly there, those that
 * came long before are not, and nobody gets another's answer. */
static void
test_full(void)
{
	enum { MANY = 5 * LOOKUP_CACHE_PLACES };
	unsigned kept = 0, late = 0, wrong = 0;
	char part[16];

	for (unsigned i = 0; i < MANY; i++) {
		snprintf(part, sizeof(part), "%u", i);
		put("many", part, part);
		fake_clock_advance(1);
	}
	for (unsigned i = 0; i < MANY; i++) {
		const char *got;

		snprintf(part, sizeof(part), "%u", i);
		got = found(LOOKUP_FIELD, "many", part);
		if (strcmp(got, "unknown") == 0)
			continue;
		kept++;
		late += i >= MANY - LOOKUP_CACHE_PLACES / 2;
		wrong += strcmp(got, part) != 0;
	}
	T_INT("no answer of another", wrong, 0);
	T_OK("no more than there is room for", kept <= LOOKUP_CACHE_PLACES);
	T_OK("those that came last", late > LOOKUP_CACHE_PLACES / 2 * 9 / 10);
}

int
main(void)
{
	arena = arena_create("test");
	cache = lookup_cache_create(arena);
	test_answers();
	test_not_kept();
	test_full();
	arena_destroy(&arena);
	return t_done();
}
