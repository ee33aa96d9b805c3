#ifndef BASE_STORE_H
#define BASE_STORE_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/histogram.h"
#include "base/json_write.h"
#include "base/span.h"
/*
 * store -- small values by key, each with a life; kept beside the process
 *
 * Two kinds: LMDB, a folder that all workers of one machine share, and Redis,
 * which several machines share. What one key holds is changed by one
 * operation, and no operation touches two keys, so that it does not matter
 * where a key lives; nothing is run on the server.
 *
 *	s = store_open(a, &options, &err);		once in a worker
 *	store_claim(s, a, key, value, life, &old, &err);
 *
 * Keys      any octets, 1 to STORE_KEY_MAX: who has more hashes them.
 * Values    any octets, STORE_VALUE_MAX at most. What store_add() keeps is a
 *           number in decimal.
 * Lives     microseconds, more than 0, rounded up to seconds; over, a key is
 *           not there. LMDB: by the civil time, so that a clock that is set
 *           back makes lives longer by as much. Redis: by the server's.
 * Loss      LMDB: of a crash of the machine, the last seconds; of a process,
 *           nothing. Redis: what its own persistence says.
 * Yields    with Redis each operation; with LMDB only store_walk().
 * Memory    what is returned lives in the arena given.
 * Errors    ERR_CLOSED: this fiber must stop. ERR_TIMEOUT, ERR_SYNTAX,
 *           ERR_UNAVAIL: the store did not answer, or not in its language.
 *           ERR_CONFIG: it answered that it will not do this (full, read
 *           only, not allowed, another type): nobody waits for that. What
 *           then holds is for the caller to decide, and is never a 5yz.
 * Bounded   Redis: an operation takes its `timeout` at most. LMDB: it waits
 *           for the changes of other processes, some tens of microseconds
 *           each and a second at most, and for the disk, if what it looks at is
 *           not in memory. After STORE_FAILURES in a row that got no answer
 *           the store is down, and operations fail at once until a probe of
 *           the store's own has succeeded.
 * Looking   A store that is opened `only_look` is not changed by it: nothing
 *           is made, kept or swept, and operations that change are a bug of
 *           the caller's. Of LMDB, files and the checkpoint have to be there
 *           and in order; its list of readers alone is written, in lock.mdb.
 * Told      `report` hears each change once: down and up, and whether
 *           changes are refused (STORE_FAILURES in a row) while the store is
 *           there.
 */
#define STORE_KEY_MAX	480		/* LMDB takes 511 */
#define STORE_VALUE_MAX	(16 * 1024)
#define STORE_FAILURES	3
#define STORE_ASKED_MAX	64		/* members or fields, at once */
#define STORE_SIZE_MIN	(16 * 1024 * 1024)	/* LMDB */

enum store_kind { STORE_LMDB, STORE_REDIS };

enum store_state {
	STORE_UP,
	STORE_NO_CHANGES,	/* it answers and refuses changes: full, ... */
	STORE_DOWN
};
const char	*store_state_name(enum store_state state); /* "up", ... */

struct store_event {			/* of report */
	enum store_state state, before;
	const char	*why;		/* what failed last */
};
/* It may run in any fiber or in the loop, and does not wait. */
typedef void store_event_fn(void *owner, const struct store_event *event);

struct store_options {
	enum store_kind	 kind;
	const char	*path;		/* LMDB: a folder; Redis: a unix socket */
	const char	*host;		/* Redis: an address or a name */
	int		 port;
	const char	*user, *password;	/* NULL: none */
	unsigned	 database;
	const char	*prefix;	/* Redis: of all keys; NULL: none */
	int64_t		 timeout;	/* Redis: of one operation, connecting
					   too */
	uint64_t	 size;		/* LMDB: octets that the file holds at
					   most; it may be half as large again
					   (256 MiB at least), by what changed
					   within the last seconds */
	size_t		 connections;	/* Redis: of a worker; pipelined */
	bool		 only_look;
	store_event_fn	*report;	/* NULL: nobody */
	void		*owner;
};

struct store;
/*
 * Behind fork() and loop_create(), as the user that the workers run as. Redis
 * may be down now. Where the folder is not there it is made (its parent must
 * be). It ends with the arena, behind store_stop() and when the fibers that
 * use it and its own have ended. Strings of the options are copied.
 *
 * Errors: ERR_CONFIG (damaged, of another version, options that cannot be),
 * ERR_UNAVAIL (the folder cannot be used). They name the file.
 */
struct store	*store_open(struct arena *a,
		    const struct store_options *options, struct err *err);
/* Its own fibers leave, soon. Operations still work, but nobody probes. */
void		 store_stop(struct store *s);

/* value->p NULL: it is not there. (An empty value has a pointer.) */
MAY_YIELD int	 store_get(struct store *s, struct arena *a,
		    struct span key, struct span *value, struct err *err);
MAY_YIELD int	 store_put(struct store *s, struct span key,
		    struct span value, int64_t life, struct err *err);
/* Puts it only if it is not there: old->p is NULL then, else what is. */
MAY_YIELD int	 store_claim(struct store *s, struct arena *a,
		    struct span key, struct span value, int64_t life,
		    struct span *old, struct err *err);
/* Adds to a number, which begins at 0 and whose life begins with it.
 * ERR_CONFIG: not a number, or it would not fit. */
MAY_YIELD int	 store_add(struct store *s, struct span key, int64_t n,
		    int64_t life, int64_t *sum, struct err *err);
MAY_YIELD int	 store_delete(struct store *s, struct span key,
		    bool *was_there, struct err *err);
/*
 * All keys that begin so, in no order, for people: what is put or deleted
 * meanwhile may be missed, and a key may be told twice. Ends (with 0) when
 * the function says false. It may use the store, and does not wait otherwise;
 * key and value are its own until it returns. `left` is of the life. With LMDB
 * a walk that changes so much that the file would grow beyond its size waits,
 * between two calls of the function and half a minute in all.
 */
typedef bool store_each_fn(void *arg, struct span key, struct span value,
    int64_t left);
MAY_YIELD int	 store_walk(struct store *s, struct span prefix,
		    store_each_fn *each, void *arg, struct err *err);

/* --- of other people's keys: Redis only (LMDB: ERR_CONFIG), and the prefix
 * is not put before them. A key that is not there has nothing in it. One
 * operation asks for up to STORE_ASKED_MAX of what is in it --- */
MAY_YIELD int	 store_has_members(struct store *s, struct span set,
		    const struct span *members, size_t n,
		    bool *has,		/* n of them */
		    struct err *err);
/* values[i].p NULL: there is no such field. */
MAY_YIELD int	 store_fields(struct store *s, struct arena *a,
		    struct span hash, const struct span *fields, size_t n,
		    struct span *values,	/* n of them */
		    struct err *err);

enum store_operation { STORE_GET, STORE_PUT, STORE_CLAIM, STORE_ADD,
    STORE_DELETE, STORE_WALK, STORE_MEMBERS, STORE_FIELDS, STORE_OPERATIONS };
/* FAILED: by none of the reasons that follow, which are those below. */
enum store_result { STORE_GOOD, STORE_FAILED, STORE_TIMED_OUT, STORE_DECLINED,
    STORE_REFUSED, STORE_RESULTS };
struct store_operation_stats {
	uint64_t		 results[STORE_RESULTS];
	struct histogram	 time;	/* without those refused */
};
struct store_stats {
	uint64_t	 operations;	/* begun, all that follow too */
	uint64_t	 failures;	/* all, without ERR_CLOSED */
	uint64_t	 timeouts;	/* of them */
	uint64_t	 declined;	/* of them: ERR_CONFIG */
	uint64_t	 refused;	/* of them: at once, while it was down */
	uint64_t	 downs;		/* times it went down */
	uint64_t	 swept;		/* LMDB: records removed by this worker */
	struct store_operation_stats by[STORE_OPERATIONS];
};
const struct store_stats *store_statistics(const struct store *s);
enum store_state store_state(const struct store *s);
/* The member "store" of an object: place, state, numbers, kind, what it holds,
 * why it is not up. */
void		 store_status(const struct store *s, struct json_out *o);
#endif
