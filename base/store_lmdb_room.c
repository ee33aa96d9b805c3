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

int
store_lmdb_pages(MDB_env *env, MDB_txn *txn, struct store_pages *pages)
{
	size_t oldest = SIZE_MAX, freed, n;
	MDB_envinfo info;
	MDB_cursor *cursor;
	MDB_stat list;
	MDB_val k, v;
	int code;

	if ((code = mdb_reader_list(env, note_reader, &oldest)) < 0)
		return code;
	mdb_env_info(env, &info);
	pages->held = pages->pinned = info.me_last_pgno + 1;
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

static int
count_pages(struct store_lmdb *l, struct store_pages *pages)
{
	int code = mdb_txn_renew(l->reader);

	if (code != 0)
		return code;
	code = store_lmdb_pages(l->env, l->reader, pages);
	mdb_txn_reset(l->reader);
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
		if ((code = count_pages(l, &pages)) != 0)
			return store_lmdb_fail(l, code, err);
		l->is_full = pages.held >= limit ||
		    pages.pinned >= limit + store_lmdb_slack(l);
		l->looked = clock_now();
		l->changes = 0;
	}
	l->changes++;
	return l->is_full ? store_lmdb_fail(l, MDB_MAP_FULL, err) : 0;
}

