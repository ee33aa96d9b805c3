#ifndef TESTS_KIT_REDIS_STORE_H
#define TESTS_KIT_REDIS_STORE_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/store.h"
#include "tests/kit/redis_server.h"
/*
 * redis_store -- a store in a real Redis, asked by one fiber at a time
 */
struct redis_store {
	struct redis_server	 server;
	struct arena		*arena;
	struct store		*store;
	struct buf		 told;		/* "down;up;" */
	char			 said[400];
	size_t			 others;	/* fibers there were */
};

/* Its options: the unix socket, a second of patience, two connections. */
struct store_options redis_store_options(struct redis_store *s);
/* The loop is there, and the server runs. */
void	redis_store_open(struct redis_store *s,
	    const struct store_options *options);
/* Its fibers have to end by that; it is a case. */
void	redis_store_close(struct redis_store *s);

/* In a fiber, which is waited for. */
void	redis_store_run(void (*fn)(void *), void *arg);
/*
 * "get", "put", "claim", "delete", "add" (value: by how much), "has" (set and
 * member), "field" (hash and field): what it says; "-" is nil. Or an error,
 * "configuration: it is full: ...", without the store's name. The life is an
 * hour. Good until the next call.
 */
const char *redis_store_do(struct redis_store *s, const char *verb,
	    const char *key, const char *value);
/* Waits, 30 s at most, for it to be so; it is a case. */
void	redis_store_await(struct redis_store *s, const char *name,
	    enum store_state state);
/* What was told since the last time. */
const char *redis_store_told(struct redis_store *s);
#endif
