#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "base/store_lmdb.h"

/* Near the limit the free pages are counted again after so many changes, or
 * after so long: they are some milliseconds of looking for a full store. */
#define LOOK_CHANGES	64
#define LOOK_EVERY	(200 * CLOCK_MS)

/* What is full stays so until that share of it is free: around the limit it
 * would be full and not full a few times a second, and say so each time. */
#define RELIEF_SHARE	32

/* A change takes longer than one of them: it is seldom more than two. */
#define LENGTH_TRIES	100

#define SLACK_SHARE	2	/* of the size */
#define SLACK_MIN	(UINT64_C(256) << 20)

/* The oldest transaction that somebody still reads: a line about each, which
 * ends with its number, or "-". */
static int
note_reader(const char *line, void *arg)
{
	const char *number = strrchr(line, ' ');
	size_t *oldest = arg, txn;
	char *end;

	if (number == NULL)
		return 0;
	txn = strtoull(number, &end, 10);
	if (end != number && txn < *oldest)
		*oldest = txn;
	return 0;
}

uint64_t
store_lmdb_slack(const struct store_lmdb *l)
{
	uint64_t share = l->size / SLACK_SHARE;

	return (share > SLACK_MIN ? share : SLACK_MIN) / l->page;
}

/* How long the file is belongs to the last change, which may be behind what is
 * read: together they would tell of hundreds of pages that nobody holds. (A
 * writer that was killed as it ended leaves them apart until the next.) */
static int
renew_with_length(MDB_env *env, MDB_txn *reader, uint64_t *length)
{
	MDB_envinfo info;
	int code;

	for (unsigned i = 0; (code = mdb_txn_renew(reader)) == 0; i++) {
		mdb_env_info(env, &info);
		*length = info.me_last_pgno + 1;
		if (info.me_last_txnid == mdb_txn_id(reader) ||
		    i == LENGTH_TRIES)
			break;
		mdb_txn_reset(reader);
	}
	return code;
}

static int
take_free(MDB_txn *txn, size_t oldest, struct store_pages *pages)
{
	size_t freed, n;
	MDB_cursor *cursor;
	MDB_stat list;
	MDB_val k, v;
	int code;

	/* Table 0 lists the free pages: behind the number of a transaction
	 * how many it freed, then each. They are of use when nobody reads
	 * what was before it. */
	if ((code = mdb_cursor_open(txn, 0, &cursor)) != 0)
		return code;
	while (mdb_cursor_get(cursor, &k, &v, MDB_NEXT) == 0) {
		memcpy(&freed, k.mv_data, sizeof(freed));
		memcpy(&n, v.mv_data, sizeof(n));
		pages->held -= n;
		if (freed < oldest)
			pages->pinned -= n;
	}
	mdb_cursor_close(cursor);
	/* The list itself grows with the changes between two checkpoints, the
	 * removal of records among them: a store that is being emptied is not
	 * full for that. */
	if ((code = mdb_stat(txn, 0, &list)) == 0)
		pages->held -= list.ms_branch_pages + list.ms_leaf_pages +
		    list.ms_overflow_pages;
	return code;
}

int
store_lmdb_pages(MDB_env *env, MDB_txn *reader, struct store_pages *pages)
{
	size_t oldest = SIZE_MAX;
	int code = mdb_reader_list(env, note_reader, &oldest);

	if (code < 0)
		return code;
	if ((code = renew_with_length(env, reader, &pages->held)) != 0)
		return code;
	pages->pinned = pages->held;
	code = take_free(reader, oldest, pages);
	mdb_txn_reset(reader);
	return code;
}

int
store_lmdb_check_room(struct store_lmdb *l, struct err *err)
{
	uint64_t limit = l->size / l->page;
	struct store_pages pages;
	MDB_envinfo info;
	int code;

	if (l->is_full)
		limit -= limit / RELIEF_SHARE;
	mdb_env_info(l->env, &info);
	if (info.me_last_pgno + 1 < limit)
		return 0;
	if (l->looked == 0 || clock_now() - l->looked >= LOOK_EVERY ||
	    (!l->is_full && l->changes >= LOOK_CHANGES)) {
		code = store_lmdb_pages(l->env, l->reader, &pages);
		if (code != 0)
			return store_lmdb_fail(l, code, err);
		l->is_full = pages.held >= limit ||
		    pages.pinned >= limit + store_lmdb_slack(l);
		l->looked = clock_now();
		l->changes = 0;
	}
	l->changes++;
	return l->is_full ? store_lmdb_fail(l, MDB_MAP_FULL, err) : 0;
}

