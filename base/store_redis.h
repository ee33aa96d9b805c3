#ifndef BASE_STORE_REDIS_H
#define BASE_STORE_REDIS_H
#include <stdbool.h>
#include <stdint.h>
#include "base/redis.h"
#include "base/store_internal.h"
/*
 * store_redis -- the store in Redis 6.2 or later, one key an operation
 *
 * Keys are strings with EX. Numbers are what INCRBY makes of them. No scripts:
 * a user of an ACL needs GET, SET, DEL, INCRBY, MULTI, EXEC; SCAN and PTTL to
 * walk; SMISMEMBER and HMGET for other people's keys; SELECT if there is a
 * database.
 *
 *	store_redis.c		operations
 *	store_redis_walk.c	all keys, by SCAN
 */
struct store_redis {
	struct redis	*redis;
	const char	*name;
	struct span	 prefix;
	int64_t		 timeout;
	bool		 is_old;	/* before 7.0: no SET NX GET */
};

struct store_redis_key {	/* with the prefix before it */
	char		 text[2 * STORE_KEY_MAX];
	struct span	 span;
};

/* The key of that name, in `key`. */
struct span	 store_redis_key(const struct store_redis *k,
		    struct store_redis_key *key, struct span name);
/* As redis_ask(), within the store's timeout. */
MAY_YIELD int	 store_redis_ask(struct store_redis *k, struct arena *a,
		    const struct redis_command *commands, size_t n,
		    struct redis_reply **replies, struct err *err);
/* One command whose answer is no error. */
MAY_YIELD int	 store_redis_ask_one(struct store_redis *k, struct arena *a,
		    const struct span *words, size_t n,
		    struct redis_reply **reply, struct err *err);
/* Of another type than this command is answered with. */
int		 store_redis_odd(const char *to, struct err *err);
MAY_YIELD int	 store_redis_walk(void *kind, struct span prefix,
		    store_each_fn *each, void *arg, struct err *err);
#endif
