#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/spool.h"
#include "base/spool_block.h"
#include "tests/kit/spooled.h"
#include "tests/kit/t.h"

/* Folders and disks that do not take what a spool writes. */
#define K 1024

#define BLOCK (sizeof(struct spool_block))

static char dir[] = "/tmp/spool_test.XXXXXX";

static struct spool *
open_spool(struct arena *a, size_t memory)
{
	spool_memory(memory);
	return spool_open(a, dir);
}

static void
test_bad_dir(void)
{
	struct arena *a = arena_create("test");
	struct spool *s = spool_open(a, "/nowhere/at/all");
	static char bytes[SPOOL_BLOCK];
	struct err err;
	size_t len;

	spool_memory(BLOCK);
	T_INT("memory needs no folder",
	    spool_write(s, span_n(bytes, sizeof(bytes)), &err), 0);
	T_INT("the file does", spool_write(s, SPAN_LIT("x"), &err), -1);
	T_INT("which is our fault", err.kind, ERR_UNAVAIL);
	T_STR("and is named", err.text,
	    "spool /nowhere/at/all: No such file or directory");
	err.text[0] = '\0';
	T_OK("there is no room either", spool_room(s, &len) == NULL);
	T_INT("it stays so", spool_write(s, SPAN_LIT("x"), &err), -1);
	T_STR("with the same words", err.text,
	    "spool /nowhere/at/all: No such file or directory");
	T_INT("to the end", spool_end(s, &err), -1);
	arena_destroy(&a);
}

static void
test_file_limit(void)
{
	struct rlimit old, low = { .rlim_cur = 100000 };
	struct arena *a = arena_create("test");
	struct spool *s = open_spool(a, 0);
	struct err err;
	char want[100];

	snprintf(want, sizeof(want), "spool %s: %s", dir, strerror(EFBIG));
	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &old);
	low.rlim_max = old.rlim_max;
	setrlimit(RLIMIT_FSIZE, &low);
	T_INT("a file that may not grow", spooled_fill(s, 200000, 64 * K, &err), -1);
	T_STR("is said so", err.text, want);
	s = open_spool(a, 0);
	T_INT("the last bytes are found missing at the end",
	    spooled_fill(s, 100001, 78, &err), -1);
	T_STR("and that is said", err.text, want);
	s = open_spool(a, 0);
	T_INT("what fits is taken", spooled_fill(s, 100000, 78, &err), 0);
	setrlimit(RLIMIT_FSIZE, &old);
	arena_destroy(&a);
}

static int
write_proc(const char *path, const char *text)
{
	int fd = open(path, O_WRONLY);
	bool ok = fd >= 0 && write(fd, text, strlen(text)) > 0;

	if (fd >= 0)
		close(fd);
	return ok ? 0 : -1;
}

/* Who is not root becomes it in a namespace of this process. */
static int
become_root(void)
{
	char uid[32], gid[32];

	snprintf(uid, sizeof(uid), "0 %u 1", geteuid());
	snprintf(gid, sizeof(gid), "0 %u 1", getegid());
	if (unshare(CLONE_NEWUSER) < 0 ||
	    write_proc("/proc/self/setgroups", "deny") < 0 ||
	    write_proc("/proc/self/uid_map", uid) < 0)
		return -1;
	return write_proc("/proc/self/gid_map", gid);
}

/* A small file system that no other process sees. */
static int
mount_small(void)
{
	if (geteuid() != 0 && become_root() < 0)
		return -1;
	if (unshare(CLONE_NEWNS) < 0 ||
	    mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return -1;
	return mount("none", dir, "tmpfs", 0, "size=256k");
}

static void
test_full_disk(void)
{
	struct arena *a;
	struct spool *s;
	struct err err;
	char want[100];

	if (mount_small() < 0) {
		t_skip("full disk", "mounting a tmpfs is not allowed");
		return;
	}
	snprintf(want, sizeof(want), "spool %s: %s", dir, strerror(ENOSPC));
	a = arena_create("test");
	s = open_spool(a, 64 * K);
	T_INT("a full disk", spooled_fill(s, 300 * K, 64 * K, &err), -1);
	T_STR("is said so", err.text, want);
	arena_destroy(&a);

	a = arena_create("test");
	s = open_spool(a, 2 * BLOCK);
	T_INT("a full disk for what memory does not hold",
	    spooled_fill(s, 2 * BLOCK + 300 * K, 1000, &err), -1);
	T_STR("is said so too", err.text, want);
	arena_destroy(&a);

	a = arena_create("test");
	s = open_spool(a, 0);
	T_INT("ending gave the space back", spooled_fill(s, 200 * K, 78, &err), 0);
	T_OK("and the next message is whole", spooled_reads_back(s, 200 * K, 5000));
	arena_destroy(&a);
	umount(dir);
}

int
main(void)
{
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	test_bad_dir();
	test_file_limit();
	test_full_disk();
	rmdir(dir);
	return t_done();
}
