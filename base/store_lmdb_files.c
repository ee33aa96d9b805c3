#include <assert.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/store_lmdb.h"

/* Address space, not memory: it is never too small, so that expired records
 * can be removed when the store is full, which takes pages too. */
#if UINTPTR_MAX > UINT32_MAX
#define MAP_SIZE	(UINT64_C(64) << 30)
#else
#define MAP_SIZE	(UINT64_C(1) << 30)
#endif
#define SIZE_MAX_SHARE	2	/* of it, a store is at most */
#define READERS		512	/* processes; and a keeper's second */
#define FILE_MODE	0640
#define FOLDER_MODE	0750

#define MAGIC		"forepost store 1\n"
#define BOOT_SIZE	36	/* a UUID */
#define PAGE_MAX	(64 * 1024)

/* Opening takes milliseconds; who holds the lock longer is stopped. */
#define OPEN_TRIES	500
static const struct timespec open_pause = { .tv_nsec = 10 * 1000 * 1000 };

/* What `checkpoint` says, in this order, without padding. No pages: nothing
 * was ever written through. */
struct checkpoint {
	char	 magic[sizeof(MAGIC) - 1];
	char	 boot[BOOT_SIZE];
	char	 pages[2 * PAGE_MAX];
};
#define HEAD_SIZE	offsetof(struct checkpoint, pages)

static int
fail(const struct store_lmdb *l, const char *file, struct err *err)
{
	return err_set(err, ERR_UNAVAIL, "%s/%s: %s", l->folder, file,
	    strerror(errno));
}

/* --- the state that a crash of the machine leaves --- */

static int
write_all(int fd, const void *p, size_t n)
{
	const char *at = p;

	while (n > 0) {
		ssize_t done = write(fd, at, n);

		if (done < 0)
			return -1;
		at += done;
		n -= (size_t)done;
	}
	return 0;
}

/* Complete or not at all, a crash of the machine included. */
static int
write_checkpoint(const struct store_lmdb *l, const void *pages, size_t n,
    struct err *err)
{
	int fd = openat(l->folder_fd, "checkpoint.new",
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, FILE_MODE);
	int saved, ok;

	if (fd < 0)
		return fail(l, "checkpoint.new", err);
	ok = write_all(fd, MAGIC, sizeof(MAGIC) - 1) == 0 &&
	    write_all(fd, l->boot, BOOT_SIZE) == 0 &&
	    write_all(fd, pages, n) == 0 && fsync(fd) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	if (!ok)
		return fail(l, "checkpoint.new", err);
	if (renameat(l->folder_fd, "checkpoint.new", l->folder_fd,
	    "checkpoint") < 0 || fsync(l->folder_fd) < 0)
		return fail(l, "checkpoint", err);
	return 0;
}

/* The last change that is complete, and the pages that lead to it: nobody
 * changes anything between the two. */
static int
pin(struct store_lmdb *l, MDB_txn **reader, char *pages)
{
	ssize_t want = (ssize_t)(2 * l->page);
	MDB_txn *stop;
	int code, fd;

	if ((code = mdb_env_get_fd(l->env, &fd)) != 0 ||
	    (code = mdb_txn_begin(l->env, NULL, 0, &stop)) != 0)
		return code;
	code = mdb_txn_begin(l->env, NULL, MDB_RDONLY, reader);
	errno = 0;
	if (code == 0 && pread(fd, pages, (size_t)want, 0) != want) {
		code = errno != 0 ? errno : EIO;
		mdb_txn_abort(*reader);
	}
	mdb_txn_abort(stop);
	return code;
}

int
store_lmdb_checkpoint(struct store_lmdb *l, struct err *err)
{
	struct store_keeper *k = &l->keeper;
	char *pages = mem_alloc(2 * l->page, "store");
	MDB_txn *reader;
	int code, ret = 0;

	if ((code = pin(l, &reader, pages)) != 0) {
		free(pages);
		return store_lmdb_fail(l, code, err);
	}
	if ((code = mdb_env_sync(l->env, 1)) != 0)
		ret = store_lmdb_fail(l, code, err);
	else
		ret = write_checkpoint(l, pages, 2 * l->page, err);
	free(pages);
	if (ret < 0) {
		mdb_txn_abort(reader);
		return -1;
	}
	if (k->pin != NULL)
		mdb_txn_abort(k->pin);
	k->pin = reader;
	k->pinned = mdb_txn_id(reader);
	return 0;
}

/* Puts back what was written through before the machine was started. */
static int
restore(const struct store_lmdb *l, const struct checkpoint *c, size_t n,
    struct err *err)
{
	int fd, saved, ok;

	if (n == 0) {
		if (unlinkat(l->folder_fd, "data.mdb", 0) < 0)
			return fail(l, "data.mdb", err);
		return 0;
	}
	fd = openat(l->folder_fd, "data.mdb", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return fail(l, "data.mdb", err);
	ok = pwrite(fd, c->pages, n, 0) == (ssize_t)n && fdatasync(fd) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	return ok ? 0 : fail(l, "data.mdb", err);
}

/* n: octets of pages; a page is a power of 2. */
static int
read_checkpoint(const struct store_lmdb *l, struct checkpoint *c, size_t *n,
    struct err *err)
{
	int fd = openat(l->folder_fd, "checkpoint", O_RDONLY | O_CLOEXEC);
	ssize_t got;

	if (fd < 0 && errno == ENOENT)
		return err_set(err, ERR_CONFIG, "%s/data.mdb is not of a "
		    "store: there is no file checkpoint beside it",
		    l->folder);
	if (fd < 0)
		return fail(l, "checkpoint", err);
	got = read(fd, c, sizeof(*c));
	close(fd);
	if (got < 0)
		return fail(l, "checkpoint", err);
	if ((size_t)got < HEAD_SIZE ||
	    memcmp(c->magic, MAGIC, sizeof(c->magic)) != 0)
		return err_set(err, ERR_CONFIG, "%s/checkpoint is damaged or "
		    "of another version", l->folder);
	*n = (size_t)got - HEAD_SIZE;
	if ((*n & (*n - 1)) != 0)
		return err_set(err, ERR_CONFIG, "%s/checkpoint is damaged",
		    l->folder);
	return 0;
}

/* Before LMDB opens it. */
static int
prepare(const struct store_lmdb *l, struct err *err)
{
	struct checkpoint *c;
	struct stat st;
	size_t n = 0;
	int ret;

	if (fstatat(l->folder_fd, "data.mdb", &st, 0) < 0)
		return errno == ENOENT ?
		    write_checkpoint(l, NULL, 0, err) :
		    fail(l, "data.mdb", err);
	c = mem_alloc(sizeof(*c), "store");
	ret = read_checkpoint(l, c, &n, err);
	if (ret == 0 && memcmp(c->boot, l->boot, BOOT_SIZE) != 0)
		ret = restore(l, c, n, err);
	free(c);
	return ret;
}

static int
read_boot(struct store_lmdb *l, struct err *err)
{
	static const char path[] = "/proc/sys/kernel/random/boot_id";
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	ssize_t n = fd < 0 ? -1 : read(fd, l->boot, BOOT_SIZE);

	if (fd >= 0)
		close(fd);
	if (n != BOOT_SIZE)
		return err_set(err, ERR_UNAVAIL, "%s cannot be read", path);
	return 0;
}

/* --- open and close --- */

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
	l->folder_fd = open(l->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (l->folder_fd < 0)
		return err_set(err, ERR_UNAVAIL, "%s: %s", l->folder,
		    strerror(errno));
	l->keeper.lock_fd = openat(l->folder_fd, "keeper",
	    O_RDWR | O_CREAT | O_CLOEXEC, FILE_MODE);
	return l->keeper.lock_fd < 0 ? fail(l, "keeper", err) : 0;
}

/* A file that is shorter than it says would end the process (SIGBUS). */
static int
check_length(struct store_lmdb *l, struct err *err)
{
	MDB_envinfo info;
	struct stat st;

	mdb_env_info(l->env, &info);
	if (fstatat(l->folder_fd, "data.mdb", &st, 0) < 0)
		return fail(l, "data.mdb", err);
	if ((uint64_t)st.st_size / l->page > info.me_last_pgno)
		return 0;
	return err_set(err, ERR_CONFIG, "%s/data.mdb is damaged: it is cut "
	    "short", l->folder);
}

static int
open_lmdb(struct store_lmdb *l, struct err *err)
{
	MDB_txn *txn;
	MDB_stat st;
	int code;

	if ((code = mdb_env_create(&l->env)) != 0 ||
	    (code = mdb_env_set_mapsize(l->env, (size_t)MAP_SIZE)) != 0 ||
	    (code = mdb_env_set_maxreaders(l->env, READERS)) != 0 ||
	    (code = mdb_env_open(l->env, l->folder, MDB_NOTLS | MDB_NOSYNC,
	    FILE_MODE)) != 0)
		return err_set(err, code > 0 ? ERR_UNAVAIL : ERR_CONFIG,
		    "%s/data.mdb: %s", l->folder, mdb_strerror(code));
	mdb_env_stat(l->env, &st);
	l->page = st.ms_psize;
	if (check_length(l, err) < 0)
		return -1;
	if ((code = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &txn)) != 0)
		return store_lmdb_fail(l, code, err);
	code = mdb_dbi_open(txn, NULL, 0, &l->records);
	if (code == 0)
		code = mdb_txn_commit(txn);
	else
		mdb_txn_abort(txn);
	if (code == 0)
		code = mdb_txn_begin(l->env, NULL, MDB_RDONLY, &l->reader);
	if (code != 0)
		return store_lmdb_fail(l, code, err);
	mdb_txn_reset(l->reader);
	return 0;
}

static void
end(void *arg)
{
	struct store_lmdb *l = arg;
	struct store_keeper *k = &l->keeper;
	bool is_locked = false;
	struct err err;

	assert(l->fiber == NULL);	/* stopped, and it has ended */
	if (l->folder_fd >= 0)
		is_locked = lock_folder(l, &err) == 0;
	if (k->is_keeper && k->pin != NULL)
		(void)store_lmdb_checkpoint(l, &err);
	if (k->pin != NULL)
		mdb_txn_abort(k->pin);
	if (l->reader != NULL)
		mdb_txn_abort(l->reader);
	if (l->env != NULL)
		mdb_env_close(l->env);
	if (k->lock_fd >= 0)
		close(k->lock_fd);
	if (is_locked)
		flock(l->folder_fd, LOCK_UN);
	if (l->folder_fd >= 0)
		close(l->folder_fd);
}

/* The first checkpoint comes before the first change: what was found is then
 * safe, and so is which start of the machine it is. */
static int
open_locked(struct store_lmdb *l, struct err *err)
{
	if (prepare(l, err) < 0 || open_lmdb(l, err) < 0)
		return -1;
	return store_lmdb_keeps(l) ? store_lmdb_checkpoint(l, err) : 0;
}

int
store_lmdb_begin(struct arena *a, struct store_lmdb *l, struct err *err)
{
	int ret;

	l->folder_fd = l->keeper.lock_fd = -1;
	arena_defer(a, end, l);
	if (open_folder(l, err) < 0 || read_boot(l, err) < 0 ||
	    lock_folder(l, err) < 0)
		return -1;
	ret = open_locked(l, err);
	flock(l->folder_fd, LOCK_UN);
	if (ret < 0)
		return -1;
	store_lmdb_start(l);
	return 0;
}
