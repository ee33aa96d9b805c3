#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/store_lmdb.h"

/* Address space, not memory: it is never too small, so that expired records
 * can be removed when the store is full, which takes pages too. */
#if UINTPTR_MAX > UINT32_MAX
#define MAP_SIZE	(UINT64_C(64) << 30)
#else
#define MAP_SIZE	(UINT64_C(1) << 30)
#endif
#define SIZE_MAX_SHARE	2	/* of it, a store is at most */
#define READERS		1024
#define PROCESS_READERS	4	/* of them, a process has */
#define FOLDER_MODE	0750

/* Opening takes milliseconds; who holds the lock longer is stopped. */
#define OPEN_TRIES	500
static const struct timespec open_pause = { .tv_nsec = 10 * 1000 * 1000 };

int
store_lmdb_fail_file(const struct store_lmdb *l, const char *file,
    struct err *err)
{
	return err_set(err, ERR_UNAVAIL, "%s/%s: %s", l->folder, file,
	    strerror(errno));
}

static int
lock_folder(const struct store_lmdb *l, struct err *err)
{
	for (unsigned i = 0; i < OPEN_TRIES; i++) {
		if (flock(l->folder_fd, LOCK_EX | LOCK_NB) == 0)
			return 0;
		nanosleep(&open_pause, NULL);
	}
	return err_set(err, ERR_UNAVAIL,
	    "%s: somebody else opens it and does not end", l->folder);
}

static int
open_lock(const struct store_lmdb *l, const char *file, int *fd,
    struct err *err)
{
	*fd = openat(l->folder_fd, file, O_RDWR | O_CREAT | O_CLOEXEC,
	    STORE_LMDB_MODE);
	return *fd < 0 ? store_lmdb_fail_file(l, file, err) : 0;
}

static int
open_place(struct store_lmdb *l, struct err *err)
{
	l->folder_fd = open(l->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	return l->folder_fd >= 0 ? 0 : err_set(err, ERR_UNAVAIL, "%s: %s",
	    l->folder, strerror(errno));
}

static int
open_folder(struct store_lmdb *l, struct err *err)
{
	if (l->size < STORE_SIZE_MIN || l->size > MAP_SIZE / SIZE_MAX_SHARE)
		return err_set(err, ERR_CONFIG, "a size of %ju MiB: it is "
		    "from %ju to %ju", (uintmax_t)(l->size >> 20),
		    (uintmax_t)STORE_SIZE_MIN >> 20,
		    (uintmax_t)(MAP_SIZE / SIZE_MAX_SHARE >> 20));
	if (mkdir(l->folder, FOLDER_MODE) < 0 && errno != EEXIST)
		return err_set(err, ERR_UNAVAIL, "%s: %s", l->folder,
		    strerror(errno));
	if (open_place(l, err) < 0)
		return -1;
	/* The keeper's thread is to wait for this one, so it has its own. */
	if (open_lock(l, "writer", &l->lock_fd, err) < 0 ||
	    open_lock(l, "writer", &l->keeper.writer_fd, err) < 0)
		return -1;
	return open_lock(l, "keeper", &l->keeper.lock_fd, err);
}

/* A file that is shorter than it says would end the process (SIGBUS). */
static int
check_length(struct store_lmdb *l, struct err *err)
{
	MDB_envinfo info;
	struct stat st;

	mdb_env_info(l->env, &info);
	if (fstatat(l->folder_fd, "data.mdb", &st, 0) < 0)
		return store_lmdb_fail_file(l, "data.mdb", err);
	if ((uint64_t)st.st_size / l->page > info.me_last_pgno)
		return 0;
	return err_set(err, ERR_CONFIG, "%s/data.mdb is damaged: it is cut "
	    "short", l->folder);
}

static int
make_readers(struct store_lmdb *l, struct err *err)
{
	struct store_keeper *k = &l->keeper;
	MDB_txn **all[PROCESS_READERS] = {
		&l->reader, &k->reader, &k->pins[0], &k->pins[1]
	};
	int code;

	for (size_t i = 0; i < (l->only_looks ? 1 : PROCESS_READERS); i++) {
		code = mdb_txn_begin(l->env, NULL, MDB_RDONLY, all[i]);
		/* The table of records is always the same. */
		if (code == 0 && i == 0)
			code = mdb_dbi_open(*all[i], NULL, 0, &l->records);
		if (code != 0)
			return store_lmdb_fail(l, code, err);
		mdb_txn_reset(*all[i]);
	}
	return 0;
}

static void
end_readers(struct store_lmdb *l)
{
	struct store_keeper *k = &l->keeper;
	MDB_txn *all[PROCESS_READERS] = {
		l->reader, k->reader, k->pins[0], k->pins[1]
	};

	for (size_t i = 0; i < PROCESS_READERS; i++)
		if (all[i] != NULL)
			mdb_txn_abort(all[i]);
}

static int
open_lmdb(struct store_lmdb *l, struct err *err)
{
	MDB_stat st;
	int code;

	if ((code = mdb_env_create(&l->env)) != 0 ||
	    (code = mdb_env_set_mapsize(l->env, (size_t)MAP_SIZE)) != 0 ||
	    (code = mdb_env_set_maxreaders(l->env, READERS)) != 0 ||
	    (code = mdb_env_open(l->env, l->folder, l->only_looks ?
	    MDB_NOTLS | MDB_RDONLY : MDB_NOTLS | MDB_NOSYNC,
	    STORE_LMDB_MODE)) != 0)
		return err_set(err, code > 0 ? ERR_UNAVAIL : ERR_CONFIG,
		    "%s/data.mdb: %s", l->folder, mdb_strerror(code));
	mdb_env_stat(l->env, &st);
	l->page = st.ms_psize;
	if (check_length(l, err) < 0)
		return -1;
	return make_readers(l, err);
}

static void
end(void *arg)
{
	struct store_lmdb *l = arg;
	struct store_keeper *k = &l->keeper;
	int fds[] = { k->lock_fd, k->writer_fd, l->lock_fd, l->folder_fd };
	bool is_locked = false;
	struct err err;

	assert(l->fiber == NULL);	/* stopped, and it has ended */
	if (l->env != NULL)
		is_locked = lock_folder(l, &err) == 0;
	if (k->is_keeper && k->is_pinned)
		(void)store_lmdb_checkpoint(l, &err);
	end_readers(l);
	if (l->env != NULL)
		mdb_env_close(l->env);
	if (is_locked)
		flock(l->folder_fd, LOCK_UN);
	for (size_t i = 0; i < sizeof(fds) / sizeof(fds[0]); i++)
		if (fds[i] >= 0)
			close(fds[i]);
}

/* The first checkpoint comes before the first change: what was found is then
 * safe, and so is which start of the machine it is. */
static int
open_locked(struct store_lmdb *l, struct err *err)
{
	if (store_lmdb_prepare(l, err) < 0 || open_lmdb(l, err) < 0)
		return -1;
	return store_lmdb_keeps(l) ? store_lmdb_checkpoint(l, err) : 0;
}

/* LMDB would make lock.mdb, for whoever this is. */
static int
look(struct store_lmdb *l, struct err *err)
{
	static const struct {
		const char	*name;
		int		 mode;
	} files[] = { { "data.mdb", R_OK }, { "lock.mdb", R_OK | W_OK } };

	for (size_t i = 0; i < sizeof(files) / sizeof(*files); i++)
		if (faccessat(l->folder_fd, files[i].name, files[i].mode,
		    AT_EACCESS) < 0)
			return store_lmdb_fail_file(l, files[i].name, err);
	if (store_lmdb_inspect(l, err) < 0)
		return -1;
	return open_lmdb(l, err);
}

int
store_lmdb_begin(struct arena *a, struct store_lmdb *l, struct err *err)
{
	int ret;

	l->folder_fd = l->lock_fd = -1;
	l->keeper.lock_fd = l->keeper.writer_fd = -1;
	ret = l->only_looks ? open_place(l, err) : open_folder(l, err);
	if (ret == 0 && (ret = lock_folder(l, err)) == 0) {
		ret = l->only_looks ? look(l, err) : open_locked(l, err);
		flock(l->folder_fd, LOCK_UN);
	}
	if (ret < 0) {
		end(l);
		return -1;
	}
	arena_defer(a, end, l);
	if (!l->only_looks)
		store_lmdb_start(l);
	return 0;
}
