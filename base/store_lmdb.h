#ifndef BASE_STORE_LMDB_H
#define BASE_STORE_LMDB_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <lmdb.h>

#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/json_write.h"
#include "base/offload.h"
#include "base/store.h"
/*
 * store_lmdb -- what the files of the LMDB store share
 *
 * A record: the key as it is, and as its value STORE_LMDB_HEAD octets (the
 * second, of 1970, in which its life ends; the lowest octet first) and the
 * value.
 *
 * A folder  data.mdb and lock.mdb are LMDB's. `checkpoint` is the state that
 *           the file is put back to after a crash of the machine. `writer` is
 *           locked by who changes something, `keeper` by the process that
 *           looks after the rest, the folder itself by who opens or closes.
 * A process that crashes   A change is there or not, and all locks are free:
 *           the kernel sees to that. LMDB's own mutex for changes is taken
 *           over from the dead too; but when one of several that wait for it
 *           is killed, another may wait for ever. So `writer` is locked first
 *           and nobody ever waits for the mutex. For the same reason readers
 *           are registered while the folder is locked, and then used again.
 * A machine that crashes   Changes are not written through (that takes a
 *           disk's latency for each), so that blocks of the file get to the
 *           disk in any order. Therefore the keeper holds a reading
 *           transaction, so that no page of what it reads is used again;
 *           writes the file through; and only then notes the file's first two
 *           pages, from which LMDB finds all others, in `checkpoint`. Who
 *           opens the folder and finds there that the machine has been
 *           started since puts these two pages back. A checkpoint is let go
 *           when the next one is complete. (Between a keeper's end and the
 *           first checkpoint of the next, some 100 ms, nobody holds it.)
 * Keeper    one process at a time, whichever has the lock of `keeper`, which
 *           the kernel frees when it ends in whatever way. A checkpoint each
 *           CHECKPOINT_EVERY if there were changes, sooner when many; expired
 *           records are removed, some hundred in one transaction; readers
 *           that died are forgotten.
 * Threads   LMDB's transactions belong to what began them: the keeper's to
 *           its helper thread (and to the loop's before that is begun and
 *           after it has ended), all others to the loop's thread.
 */
#define STORE_LMDB_HEAD	4
#define STORE_LMDB_MODE	0640	/* of each file */
/* Of the keeper, for the changes of others, us. */
#define STORE_LMDB_PATIENCE	INT64_C(5000000)

struct store_keeper {		/* the job's while it runs */
	int		 lock_fd;	/* of `keeper` */
	bool		 is_keeper;
	int		 writer_fd;	/* of `writer`, for the job */
	MDB_txn		*reader;	/* reset */
	MDB_txn		*pins[2];	/* one reads the checkpoint's state */
	unsigned	 pin;		/* which */
	bool		 is_pinned;	/* false: none yet */
	size_t		 pinned;	/* the transaction that it reads */
	char		 place[512];	/* the sweep goes on behind this key */
	size_t		 place_len;
	bool		 is_sweeping;
	bool		 is_tight;	/* nearly full */
	uint64_t	 swept;		/* records removed by this job */
	struct err	 trouble;	/* of this job; kind 0: none */
	bool		 do_checkpoint, do_sweep, do_check;	/* what to do */
	/* When it was last begun; the loop's. */
	int64_t		 checkpoint_time, sweep_time, check_time;
};

struct store_lmdb {
	MDB_env		*env;
	MDB_dbi		 records;
	MDB_txn		*reader;	/* reset; of the loop's thread */
	const char	*folder, *name;
	int		 folder_fd;
	int		 lock_fd;	/* of `writer`; the loop's thread */
	uint64_t	 size;
	bool		 only_looks;
	size_t		 page;		/* octets */
	char		 boot[40];	/* which start of the machine this is */
	struct store_stats *stats;
	struct store_keeper keeper;
	struct fiber	*fiber;		/* of the keeper, NULL: ended */
	struct err	 trouble;	/* of keeping, kind 0: none */

	/* Is there room? Looked up anew now and then. */
	bool		 is_full;
	int64_t		 looked;	/* when, 0: never */
	unsigned	 changes;	/* since then */
};

/* --- store_lmdb.c --- */
/* The second that it is now; a life is over when it is that of the record. */
uint32_t	 store_lmdb_now(void);
uint32_t	 store_lmdb_end(const MDB_val *record);	/* 0: it is damaged */
int		 store_lmdb_fail(const struct store_lmdb *l, int code,
		    struct err *err);

/* --- store_lmdb_txn.c --- */
/* Begins a change, with a descriptor of `writer` that this thread alone uses.
 * ETIMEDOUT: others did not end theirs within `patience` us. */
int		 store_lmdb_change(MDB_env *env, int fd, int64_t patience,
		    MDB_txn **txn);
/* Ends it: done, if `code` is 0, else undone. What came of it. */
int		 store_lmdb_changed(int fd, MDB_txn *txn, int code);

/* --- store_lmdb_room.c --- */
struct store_pages {
	uint64_t	 held;		/* with records in them */
	uint64_t	 pinned;	/* and those that did, for somebody who
					   still reads it: for checkpoints */
};
/* Of one moment, while others change something. `reader` is reset, before and
 * after. 0, or LMDB's code. */
int		 store_lmdb_pages(MDB_env *env, MDB_txn *reader,
		    struct store_pages *pages);
/* That many pages may be pinned beyond the store's size. */
uint64_t	 store_lmdb_slack(const struct store_lmdb *l);
/* Before a change that may need pages. */
int		 store_lmdb_check_room(struct store_lmdb *l, struct err *err);

/* --- store_lmdb_files.c --- */
int		 store_lmdb_begin(struct arena *a, struct store_lmdb *l,
		    struct err *err);
/* With errno. */
int		 store_lmdb_fail_file(const struct store_lmdb *l,
		    const char *file, struct err *err);

/* --- store_lmdb_checkpoint.c --- */
/* Before LMDB opens data.mdb: puts it back, if it must be. */
int		 store_lmdb_prepare(struct store_lmdb *l, struct err *err);
/* Instead, for who only looks: errors if it must be put back. */
int		 store_lmdb_inspect(struct store_lmdb *l, struct err *err);
/* By the keeper alone. */
int		 store_lmdb_checkpoint(struct store_lmdb *l, struct err *err);

/* --- store_lmdb_keep.c --- */
/* Is this process the keeper (now)? */
bool		 store_lmdb_keeps(struct store_lmdb *l);
void		 store_lmdb_start(struct store_lmdb *l);
void		 store_lmdb_stop(void *kind);
void		 store_lmdb_status(const void *kind, struct json_out *o);

/* --- store_lmdb_walk.c --- */
MAY_YIELD int	 store_lmdb_walk(void *kind, struct span prefix,
		    store_each_fn *each, void *arg, struct err *err);
#endif
