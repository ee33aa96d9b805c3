#ifndef BASE_REDIS_REPLY_H
#define BASE_REDIS_REPLY_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * redis_reply -- what a Redis server says, read by hiredis (RESP2)
 *
 * Feed what came, then take replies until there is none:
 *
 *	redis_reader_feed(reader, bytes, &err);
 *	while ((ret = redis_reader_next(reader, &reply, &err)) > 0)
 *		...
 *
 * Errors    ERR_SYNTAX: no reply of Redis, or one beyond the limits; the
 *           reader is of no use then.
 * Limits    a reply takes REDIS_REPLY_MAX octets and REDIS_ITEMS_MAX items in
 *           all, so that a broken server cannot take the memory; arrays are
 *           nested 7 deep at most (hiredis).
 * Memory    a reply is the reader's, until the next call of it.
 */
#define REDIS_REPLY_MAX	(1024 * 1024)
#define REDIS_ITEMS_MAX	16384	/* the largest asked for is a SCAN of some
				   hundred keys */

enum redis_type {
	REDIS_NIL = 1,
	REDIS_STRING,
	REDIS_STATUS,		/* "OK" */
	REDIS_ERROR,
	REDIS_INTEGER,
	REDIS_ARRAY
};

struct redis_reply {
	enum redis_type		 type;
	struct span		 text;	/* string, status, error; p not NULL */
	int64_t			 number;
	size_t			 n;
	struct redis_reply	*items;
};

struct redis_reader;

struct redis_reader	*redis_reader_create(void);
void			 redis_reader_destroy(struct redis_reader **r);
int			 redis_reader_feed(struct redis_reader *r,
			    struct span bytes, struct err *err);
/* 1: a reply; 0: it takes more bytes. */
int			 redis_reader_next(struct redis_reader *r,
			    const struct redis_reply **reply, struct err *err);
struct redis_reply	*redis_reply_copy(struct arena *a,
			    const struct redis_reply *reply);

/* The first error in a reply, in an array too; NULL: none. */
const struct redis_reply *redis_reply_error(const struct redis_reply *reply);
/* Its code: "WRONGTYPE", "ERR"; empty if it has none. */
struct span		 redis_reply_code(const struct redis_reply *error);
/*
 * -1 if there is an error in it: what the code means and the server's text,
 * cut and printable. ERR_UNAVAIL: what passes by itself (LOADING,
 * CLUSTERDOWN, ...); ERR_CONFIG: the server will not do this (READONLY, OOM,
 * WRONGTYPE, ...).
 */
int			 redis_reply_check(const struct redis_reply *reply,
			    struct err *err);
#endif
