#include <inttypes.h>
#include <string.h>
#include <sys/file.h>

#include "base/clock.h"
#include "base/store_lmdb.h"

#define LOOK_EVERY	(100 * CLOCK_MS)	/* what there is to do */
#define ASK_EVERY	(250 * CLOCK_MS)	/* for the keeper's lock */
#define CHECKPOINT_EVERY (2 * CLOCK_S)
#define CHECK_EVERY	(60 * CLOCK_S)		/* for readers that died */

/* Pages that a change copies are not used again before the next checkpoint
 * but one: when they come to so much it is time. */
#define CHANGE_PAGES	6	/* the way down to a record, and free lists */
#define PINNED_MOST	(32 * 1024 * 1024)	/* octets */

/* A sweep looks at a record in some 0.1 us. One transaction keeps all who
 * change something waiting, for 0.3 ms with so many records. */
#define SWEEP_REST	(300 * CLOCK_S)
#define SWEEP_REST_TIGHT (5 * CLOCK_S)
#define SWEEP_STEPS	10	/* of a job */
#define SWEEP_LOOK	2000	/* records, in one reading transaction */
#define SWEEP_REMOVE	500	/* in one transaction that changes */

static bool
is_tight(uint64_t pages, const struct store_lmdb *l)
{
	return pages >= l->size / l->page / 8 * 7;
}

/* --- in the helper thread --- */

struct batch {
	struct buf	 keys;	/* behind the length of each */
	unsigned	 n;
};

/* Goes on behind `place`, and notes the next. */
static int
gather(struct store_lmdb *l, MDB_cursor *cursor, struct batch *b)
{
	struct store_keeper *k = &l->keeper;
	uint32_t now = store_lmdb_now();
	MDB_val key = { .mv_size = k->place_len, .mv_data = k->place }, value;
	int code = mdb_cursor_get(cursor, &key, &value,
	    k->place_len > 0 ? MDB_SET_RANGE : MDB_FIRST);

	if (code == 0 && key.mv_size == k->place_len &&
	    memcmp(key.mv_data, k->place, k->place_len) == 0)
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	for (unsigned i = 0; code == 0; i++) {
		if (i == SWEEP_LOOK || b->n == SWEEP_REMOVE)
			return 0;
		k->place_len = key.mv_size;
		memcpy(k->place, key.mv_data, key.mv_size);
		if (store_lmdb_end(&value) <= now) {
			buf_put(&b->keys, &key.mv_size, sizeof(key.mv_size));
			buf_put(&b->keys, key.mv_data, key.mv_size);
			b->n++;
		}
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	k->is_sweeping = false;
	k->place_len = 0;
	return code == MDB_NOTFOUND ? 0 : code;
}

static int
find_ended(struct store_lmdb *l, struct batch *b)
{
	MDB_cursor *cursor;
	MDB_txn *txn = l->keeper.reader;
	int code = mdb_txn_renew(txn);

	if (code != 0)
		return code;
	if ((code = mdb_cursor_open(txn, l->records, &cursor)) == 0) {
		code = gather(l, cursor, b);
		mdb_cursor_close(cursor);
	}
	mdb_txn_reset(txn);
	return code;
}

/* One may have been put anew meanwhile. */
static int
remove_ended(struct store_lmdb *l, MDB_txn *txn, const struct batch *b)
{
	uint32_t now = store_lmdb_now();
	const char *p = b->keys.p;
	MDB_val key, value;
	int code = 0;

	for (unsigned i = 0; i < b->n && code == 0; i++) {
		memcpy(&key.mv_size, p, sizeof(key.mv_size));
		key.mv_data = (void *)(p + sizeof(key.mv_size));
		p += sizeof(key.mv_size) + key.mv_size;
		code = mdb_get(txn, l->records, &key, &value);
		if (code == 0 && store_lmdb_end(&value) <= now) {
			code = mdb_del(txn, l->records, &key, NULL);
			l->keeper.swept += code == 0;
		}
		if (code == MDB_NOTFOUND)
			code = 0;
	}
	return code;
}

static int
sweep_step(struct store_lmdb *l)
{
	struct batch b = {0};
	MDB_txn *txn;
	int code = find_ended(l, &b);

	if (code == 0 && b.n > 0 &&
	    (code = store_lmdb_change(l->env, l->keeper.writer_fd,
	    STORE_LMDB_PATIENCE, &txn)) == 0)
		code = store_lmdb_changed(l->keeper.writer_fd, txn,
		    remove_ended(l, txn, &b));
	buf_free(&b.keys);
	return code;
}

static int
sweep(struct store_lmdb *l, const atomic_bool *dropped)
{
	int code = 0;

	l->keeper.is_sweeping = true;
	for (unsigned i = 0; i < SWEEP_STEPS && l->keeper.is_sweeping &&
	    code == 0 && !atomic_load(dropped); i++)
		code = sweep_step(l);
	return code;
}

static int
look_at_room(struct store_lmdb *l)
{
	struct store_pages pages;
	int code = store_lmdb_pages(l->env, l->keeper.reader, &pages);

	l->keeper.is_tight = code == 0 && is_tight(pages.held, l);
	return code;
}

static void
work(void *arg, const atomic_bool *dropped)
{
	struct store_lmdb *l = arg;
	struct store_keeper *k = &l->keeper;
	MDB_envinfo info;
	int dead, code = 0;

	k->swept = 0;
	k->trouble.kind = 0;
	if (k->do_checkpoint)
		(void)store_lmdb_checkpoint(l, &k->trouble);
	if (k->do_check)
		code = mdb_reader_check(l->env, &dead);
	if (k->do_sweep && code == 0)
		code = sweep(l, dropped);
	mdb_env_info(l->env, &info);
	k->is_tight = false;
	if (code == 0 && is_tight(info.me_last_pgno + 1, l))
		code = look_at_room(l);
	if (code != 0)
		store_lmdb_fail(l, code, &k->trouble);
}

/* --- in the loop's thread --- */

bool
store_lmdb_keeps(struct store_lmdb *l)
{
	struct store_keeper *k = &l->keeper;

	if (!k->is_keeper)
		k->is_keeper = flock(k->lock_fd, LOCK_EX | LOCK_NB) == 0;
	return k->is_keeper;
}

static bool
is_over(int64_t *last, int64_t time)
{
	int64_t now = clock_now();

	if (*last != 0 && now - *last < time)
		return false;
	*last = now;
	return true;
}

static bool
wants_checkpoint(struct store_lmdb *l)
{
	struct store_keeper *k = &l->keeper;
	MDB_envinfo info;

	mdb_env_info(l->env, &info);
	if (k->is_pinned && info.me_last_txnid == k->pinned)
		return false;
	if (!k->is_pinned || (info.me_last_txnid - k->pinned) * CHANGE_PAGES >
	    PINNED_MOST / l->page)
		k->checkpoint_time = 0;
	return is_over(&k->checkpoint_time, CHECKPOINT_EVERY);
}

static bool
has_work(struct store_lmdb *l)
{
	struct store_keeper *k = &l->keeper;

	k->do_checkpoint = wants_checkpoint(l);
	k->do_sweep = k->is_sweeping || is_over(&k->sweep_time,
	    k->is_tight ? SWEEP_REST_TIGHT : SWEEP_REST);
	k->do_check = is_over(&k->check_time, CHECK_EVERY);
	return k->do_checkpoint || k->do_sweep || k->do_check;
}

static void
drop(void *arg)
{
	(void)arg;	/* the store's, which ends behind the helper thread */
}

static MAY_YIELD void
keep(void *arg)
{
	struct store_lmdb *l = arg;
	struct store_keeper *k = &l->keeper;
	struct offload *helper = offload_create(1);
	struct err err;

	while (fiber_sleep(k->is_keeper ? LOOK_EVERY : ASK_EVERY, &err) == 0) {
		if (!store_lmdb_keeps(l) || !has_work(l))
			continue;
		if (offload_run(helper, work, drop, l, CLOCK_NEVER, &err) == 0)
			err = k->trouble;
		else if (err.kind == ERR_CLOSED)
			break;
		l->trouble = err;
		l->stats->swept += k->swept;
		k->swept = 0;
	}
	offload_destroy(&helper);
	l->fiber = NULL;
}

void
store_lmdb_start(struct store_lmdb *l)
{
	l->fiber = fiber_spawn("store keeper", keep, l);
}

void
store_lmdb_stop(void *kind)
{
	struct store_lmdb *l = kind;

	if (l->fiber != NULL)
		fiber_stop(l->fiber);
}

void
store_lmdb_status(const void *kind, struct json_out *o)
{
	const struct store_lmdb *l = kind;
	MDB_envinfo info;
	MDB_stat st;

	mdb_env_stat(l->env, &st);
	mdb_env_info(l->env, &info);
	json_z(o, "kind", "lmdb");
	json_int(o, "records", (int64_t)st.ms_entries);
	json_int(o, "file", (int64_t)((info.me_last_pgno + 1) * l->page));
	json_int(o, "size", (int64_t)l->size);
	json_int(o, "swept", (int64_t)l->stats->swept);
	json_bool(o, "keeper", l->keeper.is_keeper);
	if (l->trouble.kind != 0)
		json_z(o, "trouble", l->trouble.text);
}
