#include <assert.h>
#include <errno.h>
#include <string.h>

#include "base/clock.h"
#include "base/mem.h"
#include "base/store_internal.h"
#include "base/store_lmdb.h"

/* For the changes of others: each ends within microseconds, unless its process
 * is stopped (by a signal, a debugger), waits for its disk or for a processor:
 * on a machine that has too few that can be some 100 ms. Everybody else of this
 * process waits too, so that it must not be long. */
#define PATIENCE	(1 * CLOCK_S)
#define PROBE_PATIENCE	(5 * CLOCK_MS)	/* it asks again and again */

uint32_t
store_lmdb_now(void)
{
	return (uint32_t)(clock_wall() / CLOCK_S);
}

static uint32_t
end_of(int64_t life)
{
	int64_t end = (clock_wall() + CLOCK_S - 1) / CLOCK_S +
	    (life - 1) / CLOCK_S + 1;

	return end > UINT32_MAX ? UINT32_MAX : (uint32_t)end;
}

uint32_t
store_lmdb_end(const MDB_val *record)
{
	const unsigned char *p = record->mv_data;

	if (record->mv_size < STORE_LMDB_HEAD)
		return 0;
	return (uint32_t)p[0] | (uint32_t)p[1] << 8 | (uint32_t)p[2] << 16 |
	    (uint32_t)p[3] << 24;
}

int
store_lmdb_fail(const struct store_lmdb *l, int code, struct err *err)
{
	switch (code) {
	case MDB_MAP_FULL:
		return err_set(err, ERR_CONFIG, "full: %ju MiB",
		    (uintmax_t)(l->size >> 20));
	case ETIMEDOUT:
		return err_set(err, ERR_TIMEOUT, "another process that "
		    "changes it does not end");
	case ENOSPC: case EDQUOT: case EROFS: case EFBIG:
		return err_set(err, ERR_CONFIG, "%s", strerror(code));
	case MDB_CORRUPTED: case MDB_PAGE_NOTFOUND: case MDB_PANIC:
	case MDB_INCOMPATIBLE: case MDB_BAD_VALSIZE:
		return err_set(err, ERR_UNAVAIL, "%s/data.mdb is damaged: %s",
		    l->folder, mdb_strerror(code));
	default:
		return err_set(err, ERR_UNAVAIL, "%s", mdb_strerror(code));
	}
}

/* --- reading --- */

static MDB_val
key_of(struct span key)
{
	return (MDB_val){ .mv_size = key.len, .mv_data = (void *)key.p };
}

/* What is there and lives: 0, else MDB_NOTFOUND or another code. */
static int
look(struct store_lmdb *l, MDB_txn *txn, struct span key, struct span *value,
    uint32_t *end)
{
	MDB_val k = key_of(key), v;
	int code = mdb_get(txn, l->records, &k, &v);

	if (code != 0)
		return code;
	*end = store_lmdb_end(&v);
	if (*end <= store_lmdb_now())
		return MDB_NOTFOUND;
	*value = span_n((char *)v.mv_data + STORE_LMDB_HEAD,
	    v.mv_size - STORE_LMDB_HEAD);
	return 0;
}

/* A copy, which has a pointer when it is empty too. */
static struct span
copy(struct arena *a, struct span value)
{
	return span_n(arena_copy(a, value), value.len);
}

static int
lmdb_get(void *kind, struct arena *a, struct span key, struct span *value,
    struct err *err)
{
	struct store_lmdb *l = kind;
	struct span found;
	uint32_t end;
	int code;

	*value = span_n(NULL, 0);
	if ((code = mdb_txn_renew(l->reader)) != 0)
		return store_lmdb_fail(l, code, err);
	code = look(l, l->reader, key, &found, &end);
	if (code == 0)
		*value = copy(a, found);
	mdb_txn_reset(l->reader);
	return code == 0 || code == MDB_NOTFOUND ? 0 :
	    store_lmdb_fail(l, code, err);
}

/* --- changing --- */

static int
begin_change(struct store_lmdb *l, MDB_txn **txn, struct err *err)
{
	int code = store_lmdb_change(l->env, l->lock_fd, PATIENCE, txn);

	return code == 0 ? 0 : store_lmdb_fail(l, code, err);
}

/* Ends the transaction: its changes count if all went well. */
static int
end_change(struct store_lmdb *l, MDB_txn *txn, int code, struct err *err)
{
	code = store_lmdb_changed(l->lock_fd, txn, code);
	return code == 0 ? 0 : store_lmdb_fail(l, code, err);
}

static void
end_unchanged(struct store_lmdb *l, MDB_txn *txn)
{
	(void)store_lmdb_changed(l->lock_fd, txn, MDB_NOTFOUND);
}

static int
write_record(struct store_lmdb *l, MDB_txn *txn, struct span key,
    struct span value, uint32_t end)
{
	MDB_val k = key_of(key);
	MDB_val v = { .mv_size = STORE_LMDB_HEAD + value.len };
	int code = mdb_put(txn, l->records, &k, &v, MDB_RESERVE);
	unsigned char *p = v.mv_data;

	if (code != 0)
		return code;
	for (int i = 0; i < STORE_LMDB_HEAD; i++)
		p[i] = (unsigned char)(end >> 8 * i);
	if (value.len > 0)
		memcpy(p + STORE_LMDB_HEAD, value.p, value.len);
	return 0;
}

static int
lmdb_put(void *kind, struct span key, struct span value, int64_t life,
    struct err *err)
{
	struct store_lmdb *l = kind;
	MDB_txn *txn;

	if (store_lmdb_check_room(l, err) < 0 || begin_change(l, &txn, err) < 0)
		return -1;
	return end_change(l, txn,
	    write_record(l, txn, key, value, end_of(life)), err);
}

/* Most claims are of what is there already, which costs no transaction that
 * others wait for. */
static int
lmdb_claim(void *kind, struct arena *a, struct span key, struct span value,
    int64_t life, struct span *old, struct err *err)
{
	struct store_lmdb *l = kind;
	struct span found;
	MDB_txn *txn;
	uint32_t end;
	int code;

	if (lmdb_get(kind, a, key, old, err) < 0)
		return -1;
	if (old->p != NULL)
		return 0;
	if (store_lmdb_check_room(l, err) < 0 || begin_change(l, &txn, err) < 0)
		return -1;
	code = look(l, txn, key, &found, &end);
	if (code == 0) {
		*old = copy(a, found);
		end_unchanged(l, txn);
		return 0;
	}
	if (code == MDB_NOTFOUND)
		code = write_record(l, txn, key, value, end_of(life));
	return end_change(l, txn, code, err);
}

static int
lmdb_add(void *kind, struct span key, int64_t n, int64_t life, int64_t *sum,
    struct err *err)
{
	struct store_lmdb *l = kind;
	struct buf text = {0};
	struct span found;
	int64_t before = 0;
	uint32_t end;
	MDB_txn *txn;
	int code;

	if (store_lmdb_check_room(l, err) < 0 || begin_change(l, &txn, err) < 0)
		return -1;
	code = look(l, txn, key, &found, &end);
	if (code == MDB_NOTFOUND) {
		end = end_of(life);
		code = 0;
	} else if (code == 0 && store_number(found, &before) < 0) {
		end_unchanged(l, txn);
		return err_set(err, ERR_CONFIG,
		    "what is to be added to is not a number");
	}
	if (__builtin_add_overflow(before, n, sum)) {
		end_unchanged(l, txn);
		return err_set(err, ERR_CONFIG, "the sum is too large");
	}
	if (code == 0) {
		buf_printf(&text, "%jd", (intmax_t)*sum);
		code = write_record(l, txn, key, buf_text(&text), end);
		buf_free(&text);
	}
	return end_change(l, txn, code, err);
}

/* What has ended is left to the sweep. */
static int
lmdb_drop(void *kind, struct span key, bool *was_there, struct err *err)
{
	struct store_lmdb *l = kind;
	MDB_val k = key_of(key);
	struct span found;
	MDB_txn *txn;
	uint32_t end;
	int code;

	*was_there = false;
	if (begin_change(l, &txn, err) < 0)
		return -1;
	code = look(l, txn, key, &found, &end);
	if (code == MDB_NOTFOUND) {
		end_unchanged(l, txn);
		return 0;
	}
	if (code == 0)
		code = mdb_del(txn, l->records, &k, NULL);
	*was_there = code == 0;
	return end_change(l, txn, code, err);
}

/* Can it be changed? (Or looked at, if that is all.) That takes a look at the
 * file too. */
static int
lmdb_probe(void *kind, struct err *err)
{
	struct store_lmdb *l = kind;
	MDB_txn *txn;
	int code;

	if (l->only_looks) {
		if ((code = mdb_txn_renew(l->reader)) == 0)
			mdb_txn_reset(l->reader);
	} else if ((code = store_lmdb_change(l->env, l->lock_fd,
	    PROBE_PATIENCE, &txn)) == 0)
		end_unchanged(l, txn);
	return code == 0 ? 0 : store_lmdb_fail(l, code, err);
}

/* --- open --- */

static const char *
lmdb_name(const void *kind)
{
	const struct store_lmdb *l = kind;

	return l->name;
}

static const struct store_ops lmdb_ops = {
	.name = lmdb_name,
	.get = lmdb_get,
	.put = lmdb_put,
	.claim = lmdb_claim,
	.add = lmdb_add,
	.drop = lmdb_drop,
	.walk = store_lmdb_walk,
	.probe = lmdb_probe,
	.stop = store_lmdb_stop,
	.status = store_lmdb_status,
};

const struct store_ops *
store_lmdb_open(struct arena *a, const struct store_options *options,
    struct store_stats *stats, void **kind, struct err *err)
{
	struct store_lmdb *l = arena_new(a, struct store_lmdb);

	l->stats = stats;
	l->size = options->size;
	l->only_looks = options->only_look;
	l->folder = arena_strdup(a, options->path);
	l->name = arena_printf(a, "lmdb %s", options->path);
	*kind = l;
	if (store_lmdb_begin(a, l, err) < 0) {
		err_prefix(err, "store %s", l->name);
		return NULL;
	}
	return &lmdb_ops;
}
