#include <errno.h>
#include <sys/file.h>
#include <time.h>

#include "base/store_lmdb.h"

#define SECOND	INT64_C(1000000)

/* Of a change that is under way: some tens of microseconds. */
static const struct timespec retry_pause = { .tv_nsec = 20 * 1000 };

/* Not the loop's time, which stands still meanwhile. */
static int64_t
now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * SECOND + ts.tv_nsec / 1000;
}

static int
lock(int fd, int64_t patience)
{
	int64_t began = 0;

	while (flock(fd, LOCK_EX | LOCK_NB) < 0) {
		if (errno != EWOULDBLOCK)
			return errno;
		if (began == 0)
			began = now();
		else if (now() - began > patience)
			return ETIMEDOUT;
		nanosleep(&retry_pause, NULL);
	}
	return 0;
}

int
store_lmdb_change(MDB_env *env, int fd, int64_t patience, MDB_txn **txn)
{
	int code = lock(fd, patience);

	if (code != 0)
		return code;
	code = mdb_txn_begin(env, NULL, 0, txn);
	if (code != 0)
		flock(fd, LOCK_UN);
	return code;
}

int
store_lmdb_changed(int fd, MDB_txn *txn, int code)
{
	if (code == 0)
		code = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	flock(fd, LOCK_UN);
	return code;
}
