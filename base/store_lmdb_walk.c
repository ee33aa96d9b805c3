#include <string.h>

#include "base/clock.h"
#include "base/store_lmdb.h"

/* Copied in one transaction, told behind it: a function that takes its time
 * keeps no page from being used again. */
#define WALK_RECORDS	200
#define WALK_OCTETS	(256 * 1024)

/* Who changes all that he is told does so faster than checkpoints let go of
 * the pages that he frees: he is made to wait for them, in all so long. */
#define WAIT_STEP	(20 * CLOCK_MS)
#define WAIT_MOST	(30 * CLOCK_S)

struct walk {
	struct store_lmdb *l;
	struct span	 prefix;
	char		 place[512];	/* goes on behind this key */
	size_t		 place_len;
	struct buf	 records;	/* struct record, key, value of each */
	unsigned	 n;
	bool		 is_over;
	int64_t		 waited;
};

struct record {
	size_t		 key_len, value_len;
	uint32_t	 end;
};

static bool
has_prefix(const MDB_val *key, struct span prefix)
{
	return key->mv_size >= prefix.len && (prefix.len == 0 ||
	    memcmp(key->mv_data, prefix.p, prefix.len) == 0);
}

static void
note(struct walk *w, const MDB_val *key, const MDB_val *value)
{
	struct record r = {
		.key_len = key->mv_size,
		.value_len = value->mv_size - STORE_LMDB_HEAD,
		.end = store_lmdb_end(value)
	};

	buf_put(&w->records, &r, sizeof(r));
	buf_put(&w->records, key->mv_data, r.key_len);
	buf_put(&w->records, (const char *)value->mv_data + STORE_LMDB_HEAD,
	    r.value_len);
	w->n++;
}

static int
first(struct walk *w, MDB_cursor *cursor, MDB_val *key, MDB_val *value)
{
	struct span from = w->place_len > 0 ? span_n(w->place, w->place_len) :
	    w->prefix;
	int code;

	key->mv_size = from.len;
	key->mv_data = (void *)from.p;
	code = mdb_cursor_get(cursor, key, value,
	    from.len > 0 ? MDB_SET_RANGE : MDB_FIRST);
	if (code == 0 && w->place_len > 0 && key->mv_size == w->place_len &&
	    memcmp(key->mv_data, w->place, w->place_len) == 0)
		code = mdb_cursor_get(cursor, key, value, MDB_NEXT);
	return code;
}

/* The next records into `records`. One that has ended counts too: it takes
 * time. */
static int
gather(struct walk *w, MDB_cursor *cursor)
{
	uint32_t now = store_lmdb_now();
	MDB_val key, value;
	int code = first(w, cursor, &key, &value);

	for (unsigned i = 0; code == 0; i++) {
		if (!has_prefix(&key, w->prefix))
			break;
		if (i == WALK_RECORDS || w->records.len > WALK_OCTETS)
			return 0;
		w->place_len = key.mv_size;
		memcpy(w->place, key.mv_data, key.mv_size);
		if (store_lmdb_end(&value) > now)
			note(w, &key, &value);
		code = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
	}
	w->is_over = true;
	return code == MDB_NOTFOUND ? 0 : code;
}

static int
read_some(struct walk *w)
{
	MDB_txn *txn = w->l->reader;
	MDB_cursor *cursor;
	int code = mdb_txn_renew(txn);

	if (code != 0)
		return code;
	buf_clear(&w->records);
	w->n = 0;
	if ((code = mdb_cursor_open(txn, w->l->records, &cursor)) == 0) {
		code = gather(w, cursor);
		mdb_cursor_close(cursor);
	}
	mdb_txn_reset(txn);
	return code;
}

/* False: no more is wanted. */
static bool
tell(const struct walk *w, store_each_fn *each, void *arg)
{
	const char *p = w->records.p;
	struct record r;

	for (unsigned i = 0; i < w->n; i++) {
		struct span key, value;

		memcpy(&r, p, sizeof(r));
		key = span_n(p + sizeof(r), r.key_len);
		value = span_n(key.p + key.len, r.value_len);
		p = value.p + value.len;
		if (!each(arg, key, value,
		    (int64_t)r.end * CLOCK_S - clock_wall()))
			return false;
	}
	return true;
}

/* Half of what may be pinned is for others. */
static int
is_crowded(struct store_lmdb *l, bool *is)
{
	uint64_t most = l->size / l->page + store_lmdb_slack(l) / 2;
	struct store_pages pages;
	MDB_envinfo info;
	int code;

	*is = false;
	mdb_env_info(l->env, &info);
	if (info.me_last_pgno < most)
		return 0;
	code = store_lmdb_pages(l->env, l->reader, &pages);
	*is = code == 0 && pages.pinned >= most;
	return code;
}

static MAY_YIELD int
let_others(struct walk *w, struct err *err)
{
	bool is = true;
	int code;

	if (fiber_self() == NULL)
		return 0;
	fiber_yield();
	while (w->waited < WAIT_MOST) {
		if ((code = is_crowded(w->l, &is)) != 0)
			return store_lmdb_fail(w->l, code, err);
		if (!is)
			break;
		if (fiber_sleep(WAIT_STEP, err) < 0)
			return -1;
		w->waited += WAIT_STEP;
	}
	return 0;
}

MAY_YIELD int
store_lmdb_walk(void *kind, struct span prefix, store_each_fn *each,
    void *arg, struct err *err)
{
	struct walk w = { .l = kind, .prefix = prefix };
	int code = 0;

	while (!w.is_over) {
		if ((code = read_some(&w)) != 0 || !tell(&w, each, arg))
			break;
		if (!w.is_over && let_others(&w, err) < 0) {
			buf_free(&w.records);
			return -1;
		}
	}
	buf_free(&w.records);
	return code == 0 ? 0 : store_lmdb_fail(w.l, code, err);
}
