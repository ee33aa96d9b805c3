#ifndef FILTERS_SIGNATURE_KEYS_H
#define FILTERS_SIGNATURE_KEYS_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/fiber.h"
/*
 * signature_keys -- the key records of a message's signatures
 *
 * All are looked up at once, each name once, in a fiber of their own, while
 * the body comes in.
 *
 * Yields    signature_keys_wait(), until the deadline of the lookups.
 * Memory    records live as long as this: until the arena ends. Lookups that
 *           are under way then are given up.
 * Errors    -1 only with ERR_CLOSED: the waiting fiber must stop.
 */
struct signature_keys;

struct signature_keys *signature_keys_create(struct arena *a, size_t most);
/* The number of that name. */
size_t		 signature_keys_want(struct signature_keys *k,
		    const char *name);
void		 signature_keys_start(struct signature_keys *k,
		    int64_t deadline);
MAY_YIELD int	 signature_keys_wait(struct signature_keys *k,
		    struct err *err);
const struct dns_answer *signature_keys_get(const struct signature_keys *k,
		    size_t number);
#endif
