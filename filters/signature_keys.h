#ifndef FILTERS_SIGNATURE_KEYS_H
#define FILTERS_SIGNATURE_KEYS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/dns.h"
#include "base/err.h"
#include "base/fiber.h"
/*
 * signature_keys -- the key records of a message's signatures
 *
 * Looked up in the order in which they are wanted, each name once, in a fiber
 * of their own, while the body comes in. Where all of them are needed, none
 * is asked for behind one that is not there.
 *
 * Yields    signature_keys_wait(), until the deadline of the lookups.
 * Memory    records live as long as this: until the arena ends. Lookups that
 *           are under way then are given up.
 * Errors    -1 only with ERR_CLOSED: the waiting fiber must stop.
 * Limits    SIGNATURE_KEYS_TOGETHER lookups at a time
 */
#define SIGNATURE_KEYS_TOGETHER	10	/* one mail is not to fill the queue of
					   all (DNS_MOST_WAITING) */
struct signature_keys;

/* `most` names at most. */
struct signature_keys *signature_keys_create(struct arena *a, size_t most,
		    bool needs_all);
/* The number of that name. */
size_t		 signature_keys_want(struct signature_keys *k,
		    const char *name);
void		 signature_keys_start(struct signature_keys *k,
		    int64_t deadline);
MAY_YIELD int	 signature_keys_wait(struct signature_keys *k,
		    struct err *err);
/* Of a name that was wanted; false: it was not. */
bool		 signature_keys_find(const struct signature_keys *k,
		    const char *name, size_t *number);
/* DNS_FAIL for one that was not asked for. */
const struct dns_answer *signature_keys_get(const struct signature_keys *k,
		    size_t number);
#endif
