#ifndef GATEWAY_LOOKUP_CACHE_H
#define GATEWAY_LOOKUP_CACHE_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * lookup_cache -- what Redis said of a member or a field, for a short while
 *
 * Yes and no alike, in this process alone. The table is made with the first
 * answer and never grows: who comes when its place is full takes that of the
 * answer that ends first. Keys and parts are kept as hashes, so their length
 * does not matter.
 *
 * Memory    the arena given to lookup_cache_create(), LOOKUP_CACHE_PLACES times
 *           some 100 octets.
 * Limits    values of more than LOOKUP_VALUE_MAX octets are not kept.
 */
#define LOOKUP_CACHE_PLACES	8192	/* 0.9 MB; at 5 s, 1600 answers a s */
#define LOOKUP_VALUE_MAX	64	/* names of backends have 63 */

enum lookup_kind { LOOKUP_MEMBER, LOOKUP_FIELD };
struct lookup_cache;

struct lookup_cache *lookup_cache_create(struct arena *a);
/* False: nothing is known. value->p NULL: it is not there. The value lives
 * until the next lookup_cache_put(). */
bool		 lookup_cache_find(struct lookup_cache *c,
		    enum lookup_kind kind, struct span key, struct span part,
		    struct span *value);
/* Holds for `life` microseconds; 0: not at all. */
void		 lookup_cache_put(struct lookup_cache *c,
		    enum lookup_kind kind, struct span key, struct span part,
		    struct span value, int64_t life);
#endif
