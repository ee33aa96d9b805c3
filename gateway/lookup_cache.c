#include <string.h>

#include "base/clock.h"
#include "filters/digest.h"
#include "gateway/lookup_cache.h"

#define HASH	16		/* octets: two never meet */
#define WAYS	8		/* places of one hash */
#define SETS	(LOOKUP_CACHE_PLACES / WAYS)

struct place {
	uint8_t		 hash[HASH];
	int64_t		 end;		/* by clock_now(); 0: it is empty */
	bool		 is_there;
	uint8_t		 len;
	char		 value[LOOKUP_VALUE_MAX];
};

struct lookup_cache {
	struct arena	*arena;
	struct place	*table;		/* NULL: nothing was kept yet */
};

struct lookup_cache *
lookup_cache_create(struct arena *a)
{
	struct lookup_cache *c = arena_new(a, struct lookup_cache);

	c->arena = a;
	return c;
}

static void
hash(enum lookup_kind kind, struct span key, struct span part,
    uint8_t out[DIGEST_SIZE])
{
	struct digest *d = digest_begin();
	uint32_t head[2] = { (uint32_t)kind, (uint32_t)key.len };

	digest_add(d, span_n((const char *)head, sizeof(head)));
	digest_add(d, key);
	digest_add(d, part);
	digest_end(&d, out);
}

static struct place *
places(struct lookup_cache *c, const uint8_t h[DIGEST_SIZE])
{
	uint32_t at;

	memcpy(&at, h + HASH, sizeof(at));
	return c->table + at % SETS * WAYS;
}

bool
lookup_cache_find(struct lookup_cache *c, enum lookup_kind kind,
    struct span key, struct span part, struct span *value)
{
	uint8_t h[DIGEST_SIZE];
	struct place *set;

	if (c->table == NULL)
		return false;
	hash(kind, key, part, h);
	set = places(c, h);
	for (size_t i = 0; i < WAYS; i++) {
		if (set[i].end <= clock_now() ||
		    memcmp(set[i].hash, h, HASH) != 0)
			continue;
		*value = set[i].is_there ? span_n(set[i].value, set[i].len) :
		    span_n(NULL, 0);
		return true;
	}
	return false;
}

void
lookup_cache_put(struct lookup_cache *c, enum lookup_kind kind,
    struct span key, struct span part, struct span value, int64_t life)
{
	struct place *set, *taken;
	uint8_t h[DIGEST_SIZE];

	if (life <= 0 || value.len > LOOKUP_VALUE_MAX)
		return;
	if (c->table == NULL)
		c->table = arena_new_n(c->arena, LOOKUP_CACHE_PLACES,
		    struct place);
	hash(kind, key, part, h);
	taken = set = places(c, h);
	for (size_t i = 0; i < WAYS; i++) {
		if (memcmp(set[i].hash, h, HASH) == 0) {
			taken = &set[i];
			break;
		}
		if (set[i].end < taken->end)
			taken = &set[i];
	}
	memcpy(taken->hash, h, HASH);
	taken->end = clock_now() + life;
	taken->is_there = value.p != NULL;
	taken->len = (uint8_t)value.len;
	if (value.len > 0)
		memcpy(taken->value, value.p, value.len);
}
