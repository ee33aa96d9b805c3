#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/mem.h"
#include "base/store_lmdb.h"

#define MAGIC		"forepost store 1\n"
#define BOOT_SIZE	36	/* a UUID */
#define PAGE_MAX	(64 * 1024)

/* What `checkpoint` says, in this order, without padding. No pages: nothing
 * was ever written through. */
struct checkpoint {
	char	 magic[sizeof(MAGIC) - 1];
	char	 boot[BOOT_SIZE];
	char	 pages[2 * PAGE_MAX];
};
#define HEAD_SIZE	offsetof(struct checkpoint, pages)

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
	    O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, STORE_LMDB_MODE);
	int saved, ok;

	if (fd < 0)
		return store_lmdb_fail_file(l, "checkpoint.new", err);
	ok = write_all(fd, MAGIC, sizeof(MAGIC) - 1) == 0 &&
	    write_all(fd, l->boot, BOOT_SIZE) == 0 &&
	    write_all(fd, pages, n) == 0 && fsync(fd) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	if (!ok)
		return store_lmdb_fail_file(l, "checkpoint.new", err);
	if (renameat(l->folder_fd, "checkpoint.new", l->folder_fd,
	    "checkpoint") < 0 || fsync(l->folder_fd) < 0)
		return store_lmdb_fail_file(l, "checkpoint", err);
	return 0;
}

/* The last change that is complete, and the pages that lead to it: nobody
 * changes anything between the two. */
static int
pin(struct store_lmdb *l, MDB_txn *reader, char *pages)
{
	ssize_t want = (ssize_t)(2 * l->page);
	int lock_fd = l->keeper.writer_fd, code, fd;
	MDB_txn *stop;

	if ((code = mdb_env_get_fd(l->env, &fd)) != 0 ||
	    (code = store_lmdb_change(l->env, lock_fd, STORE_LMDB_PATIENCE,
	    &stop)) != 0)
		return code;
	code = mdb_txn_renew(reader);
	errno = 0;
	if (code == 0 && pread(fd, pages, (size_t)want, 0) != want) {
		code = errno != 0 ? errno : EIO;
		mdb_txn_reset(reader);
	}
	(void)store_lmdb_changed(lock_fd, stop, MDB_NOTFOUND);
	return code;
}

int
store_lmdb_checkpoint(struct store_lmdb *l, struct err *err)
{
	struct store_keeper *k = &l->keeper;
	char *pages = mem_alloc(2 * l->page, "store");
	MDB_txn *reader = k->pins[!k->pin];
	int code, ret = 0;

	if ((code = pin(l, reader, pages)) != 0) {
		free(pages);
		return store_lmdb_fail(l, code, err);
	}
	if ((code = mdb_env_sync(l->env, 1)) != 0)
		ret = store_lmdb_fail(l, code, err);
	else
		ret = write_checkpoint(l, pages, 2 * l->page, err);
	free(pages);
	if (ret < 0) {
		mdb_txn_reset(reader);
		return -1;
	}
	if (k->is_pinned)
		mdb_txn_reset(k->pins[k->pin]);
	k->pin = !k->pin;
	k->is_pinned = true;
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
			return store_lmdb_fail_file(l, "data.mdb", err);
		return 0;
	}
	fd = openat(l->folder_fd, "data.mdb", O_WRONLY | O_CLOEXEC);
	if (fd < 0)
		return store_lmdb_fail_file(l, "data.mdb", err);
	ok = pwrite(fd, c->pages, n, 0) == (ssize_t)n && fdatasync(fd) == 0;
	saved = errno;
	close(fd);
	errno = saved;
	return ok ? 0 : store_lmdb_fail_file(l, "data.mdb", err);
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
		return store_lmdb_fail_file(l, "checkpoint", err);
	got = read(fd, c, sizeof(*c));
	close(fd);
	if (got < 0)
		return store_lmdb_fail_file(l, "checkpoint", err);
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

int
store_lmdb_inspect(struct store_lmdb *l, struct err *err)
{
	struct checkpoint *c;
	size_t n = 0;
	int ret;

	if (read_boot(l, err) < 0)
		return -1;
	c = mem_alloc(sizeof(*c), "store");
	ret = read_checkpoint(l, c, &n, err);
	if (ret == 0 && memcmp(c->boot, l->boot, BOOT_SIZE) != 0)
		ret = err_set(err, ERR_UNAVAIL, "%s: the machine has been "
		    "started since it was used last: it is put in order when "
		    "the gateway is started", l->folder);
	free(c);
	return ret;
}

int
store_lmdb_prepare(struct store_lmdb *l, struct err *err)
{
	struct checkpoint *c;
	struct stat st;
	size_t n = 0;
	int ret;

	if (read_boot(l, err) < 0)
		return -1;
	if (fstatat(l->folder_fd, "data.mdb", &st, 0) < 0)
		return errno == ENOENT ?
		    write_checkpoint(l, NULL, 0, err) :
		    store_lmdb_fail_file(l, "data.mdb", err);
	c = mem_alloc(sizeof(*c), "store");
	ret = read_checkpoint(l, c, &n, err);
	if (ret == 0 && memcmp(c->boot, l->boot, BOOT_SIZE) != 0)
		ret = restore(l, c, n, err);
	free(c);
	return ret;
}
