#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/poison.h"
#include "base/spool.h"
#include "base/spool_block.h"
#include "tests/kit/spooled.h"
#include "tests/kit/t.h"

static char dir[] = "/tmp/spool_test.XXXXXX";
static bool refuse_tmpfile;
static unsigned tmpfiles;

/* Stands in front of the C library's: a file system without O_TMPFILE. */
int
open(const char *path, int flags, ...)
{
	mode_t mode = 0;
	va_list ap;

	if ((flags & O_TMPFILE) == O_TMPFILE) {
		tmpfiles++;
		if (refuse_tmpfile) {
			errno = EOPNOTSUPP;
			return -1;
		}
	}
	if (flags & (O_CREAT | O_TMPFILE)) {
		va_start(ap, flags);
		mode = va_arg(ap, mode_t);
		va_end(ap);
	}
	return (int)syscall(SYS_openat, AT_FDCWD, path, flags, mode);
}

static struct spool *
open_spool(struct arena *a, size_t memory)
{
	spool_memory(memory);
	return spool_open(a, dir);
}

/* The part in memory, `max` runs at a time. */
static bool
runs_right(struct spool *s, uint64_t size, int max)
{
	struct iovec runs[8];
	uint64_t at = 0;
	int i, n;

	while ((n = spool_runs(s, at, runs, max)) > 0) {
		for (i = 0; i < n; i++) {
			if (!spooled_is_right(runs[i].iov_base, runs[i].iov_len, at))
				return false;
			at += runs[i].iov_len;
		}
	}
	return at == size;
}

static unsigned
files_in_dir(void)
{
	DIR *d = opendir(dir);
	struct dirent *e;
	unsigned n = 0;

	while ((e = readdir(d)) != NULL)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

static unsigned
open_descriptors(void)
{
	DIR *d = opendir("/proc/self/fd");
	unsigned n = 0;

	while (readdir(d) != NULL)
		n++;
	closedir(d);
	return n;
}

#define K 1024

#define BLOCK (sizeof(struct spool_block))

static const struct {
	const char *name;
	uint64_t size;
	size_t run, memory;
	uint64_t in_memory;
} cases[] = {
	{ "nothing", 0, 1, 4 * BLOCK, 0 },
	{ "nothing, no memory allowed", 0, 1, 0, 0 },
	{ "one byte", 1, 1, 4 * BLOCK, 1 },
	{ "less than a block is no memory", 1, 1, BLOCK - 1, 0 },
	{ "exactly the budget", 4 * SPOOL_BLOCK, 1000, 4 * BLOCK,
	    4 * SPOOL_BLOCK },
	{ "one byte more", 4 * SPOOL_BLOCK + 1, 1000, 4 * BLOCK,
	    4 * SPOOL_BLOCK },
	{ "exactly one block", SPOOL_BLOCK, 77, BLOCK, SPOOL_BLOCK },
	{ "one block and a byte", SPOOL_BLOCK + 1, 77, BLOCK, SPOOL_BLOCK },
	{ "many blocks in memory", 1000 * K, 60000, 1024 * K, 1000 * K },
	{ "one large run", 200 * K, 200 * K, 1024 * K, 200 * K },
	{ "one large run to both", 200 * K, 200 * K, BLOCK, SPOOL_BLOCK },
	{ "no memory allowed", 1, 1, 0, 0 },
	{ "lines to the file", 300 * K, 78, 0, 0 },
	{ "single bytes to the file", 140 * K, 1, 0, 0 },
	{ "10 MiB", 10 * K * K, 64 * K, 3 * BLOCK, 3 * SPOOL_BLOCK },
};

static void
check_file(struct spool *s, uint64_t size)
{
	uint64_t begin;
	int fd = spool_file(s, &begin);
	struct stat st;

	fstat(fd, &st);
	T_INT("the file holds the rest", st.st_size, size);
	T_INT("nobody else may read it", st.st_mode & 0777, 0600);
	T_INT("it has no name", st.st_nlink, 0);
	T_OK("children do not inherit it", fcntl(fd, F_GETFD) & FD_CLOEXEC);
}

static void
test_content(void)
{
	struct arena *a;
	struct spool *s;
	struct err err;
	uint64_t rest, begin;
	size_t i;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		a = arena_create("test");
		s = open_spool(a, cases[i].memory);
		T_INT(cases[i].name,
		    spooled_fill(s, cases[i].size, cases[i].run, &err), 0);
		T_INT(cases[i].name, spool_size(s), cases[i].size);
		T_INT(cases[i].name, spool_in_memory(s), cases[i].in_memory);
		rest = cases[i].size - cases[i].in_memory;
		T_INT(cases[i].name, spool_file(s, &begin) >= 0, rest > 0);
		T_OK(cases[i].name, spooled_reads_back(s, cases[i].size, 100000));
		if (cases[i].size < 200 * K)
			T_OK("read in small steps",
			    spooled_reads_back(s, cases[i].size, 7));
		T_OK("in runs", runs_right(s, cases[i].in_memory, 1));
		T_OK("in many runs", runs_right(s, cases[i].in_memory, 8));
		if (rest > 0)
			check_file(s, rest);
		T_INT("no file is to be seen", files_in_dir(), 0);
		arena_destroy(&a);
	}
}

static const struct {
	const char	*name;
	size_t		 memory, size, skip, in_memory;
	uint64_t	 begin;
} skips[] = {
	{ "nothing skipped", 1024 * K, 5000, 0, 5000, 0 },
	{ "all in memory", 1024 * K, 5000, 1234, 3766, 0 },
	{ "all of it", 1024 * K, 5000, 5000, 0, 0 },
	{ "over a block", 1024 * K, 300 * K, SPOOL_BLOCK + 9,
	    300 * K - SPOOL_BLOCK - 9, 0 },
	{ "exactly a block", 1024 * K, 300 * K, SPOOL_BLOCK,
	    300 * K - SPOOL_BLOCK, 0 },
	{ "into the file", BLOCK, 300 * K, SPOOL_BLOCK + 70000, 0, 70000 },
	{ "memory before a file", BLOCK, 300 * K, 500, SPOOL_BLOCK - 500, 0 },
	{ "all in the file", 0, 300 * K, 2000, 0, 2000 },
};

static void
test_skip(void)
{
	static char got[300 * K];
	uint64_t at, begin;
	struct arena *a;
	struct spool *s;
	struct err err;
	ssize_t n;

	for (size_t i = 0; i < sizeof(skips) / sizeof(skips[0]); i++) {
		a = arena_create("test");
		s = open_spool(a, skips[i].memory);
		spooled_fill(s, skips[i].size, 777, &err);
		spool_skip(s, skips[i].skip);
		for (at = 0; (n = spool_read(s, at, got + at, 5000,
		    &err)) > 0; at += (uint64_t)n)
			;
		T_INT(skips[i].name, at, skips[i].size - skips[i].skip);
		T_INT(skips[i].name, spool_size(s), at);
		T_OK(skips[i].name, spooled_is_right(got, at, skips[i].skip));
		T_INT(skips[i].name, spool_in_memory(s), skips[i].in_memory);
		T_INT(skips[i].name, spool_file(s, &begin) >= 0,
		    at > skips[i].in_memory);
		T_INT(skips[i].name, begin, skips[i].begin);
		arena_destroy(&a);
	}
}

/* Large messages use the budget up, and small ones stay in memory. */
static void
test_budget(void)
{
	struct arena *a = arena_create("test"), *other;
	struct spool *large = open_spool(a, 4 * BLOCK), *s;
	struct err err;

	spooled_fill(large, 10 * BLOCK, 60000, &err);
	T_INT("the first takes all", spool_in_memory(large), 4 * SPOOL_BLOCK);
	other = arena_create("test");
	s = spool_open(other, dir);
	spooled_fill(s, 2 * BLOCK, 60000, &err);
	T_INT("the next has one block", spool_in_memory(s), SPOOL_BLOCK);
	arena_destroy(&other);
	arena_destroy(&a);
	a = arena_create("test");
	s = spool_open(a, dir);
	spooled_fill(s, 3 * BLOCK, 60000, &err);
	T_INT("ends give it back", spool_in_memory(s), 3 * BLOCK);
	arena_destroy(&a);
}

/* As who reads from a socket into the room, and drops some bytes: the `drop`
 * first ones of each piece. */
static void
write_room(struct spool *s, uint64_t size, size_t piece, size_t drop)
{
	uint64_t at = 0;
	struct err err;
	size_t i, n;
	char *room;

	while (at < size) {
		room = spool_room(s, &n);
		T_OK("room enough", room != NULL && n >= SPOOL_ROOM);
		if (n > piece)
			n = piece;
		if (n > drop + size - at)
			n = drop + (size_t)(size - at);
		memset(room, '-', drop);
		for (i = drop; i < n; i++)
			room[i] = spooled_byte(at + i - drop);
		/* In two runs: the second is where it was read to. */
		i = drop + (n - drop) / 2;
		spool_write(s, span_n(room + drop, i - drop), &err);
		spool_write(s, span_n(room + i, n - i), &err);
		at += n - drop;
	}
}

static void
test_room(void)
{
	static const struct {
		const char *name;
		size_t piece, drop, memory;
	} ways[] = {
		{ "whole rooms, memory", 1 << 20, 0, 16 * BLOCK },
		{ "whole rooms, file", 1 << 20, 0, 0 },
		{ "whole rooms, both", 1 << 20, 0, 2 * BLOCK },
		{ "pieces", 30000, 0, 16 * BLOCK },
		{ "pieces to both", 30000, 0, 2 * BLOCK },
		{ "something is dropped", 30000, 1, 16 * BLOCK },
		{ "more is dropped, both", 16384, 9000, 2 * BLOCK },
	};
	const uint64_t size = 700 * K;
	struct arena *a;
	struct spool *s;
	struct err err;
	size_t i;

	for (i = 0; i < sizeof(ways) / sizeof(ways[0]); i++) {
		a = arena_create("test");
		s = open_spool(a, ways[i].memory);
		write_room(s, size, ways[i].piece, ways[i].drop);
		T_INT(ways[i].name, spool_end(s, &err), 0);
		T_INT(ways[i].name, spool_size(s), size);
		T_OK(ways[i].name, spooled_reads_back(s, size, 100000));
		T_OK(ways[i].name, runs_right(s, spool_in_memory(s), 5));
		arena_destroy(&a);
	}
}

/* What was not needed for a while goes back, but for a few blocks. */
static void
test_trim(void)
{
	struct arena *a = arena_create("test");
	struct spool *s = open_spool(a, 64 * BLOCK);
	struct err err;
	int64_t now;

	spooled_fill(s, 40 * SPOOL_BLOCK, 60000, &err);
	arena_destroy(&a);
	T_INT("blocks are kept for the next", spool_block_pooled(), 40);
	now = spool_block_next_trim();
	spool_block_trim(now - 1);
	spool_block_trim(now);
	T_INT("not given back at once", spool_block_pooled(), 40);
	a = arena_create("test");
	s = spool_open(a, dir);
	spooled_fill(s, 12 * SPOOL_BLOCK, 60000, &err);
	arena_destroy(&a);
	now = spool_block_next_trim();
	spool_block_trim(now);
	T_INT("what nobody used is", spool_block_pooled(), 12);
	now = spool_block_next_trim();
	spool_block_trim(now);
	T_INT("and in the end nearly all", spool_block_pooled(), SPOOL_KEEP);
	T_OK("then nothing is due", spool_block_next_trim() == CLOCK_NEVER);
}

static void
test_mixed_runs(void)
{
	static const size_t runs[] = {
		1, 78, 20000, 3, 16000, 40000, 2, 65536, 78, 78, 17000
	};
	struct arena *a = arena_create("test");
	struct spool *s = open_spool(a, 1000);
	static char bytes[65536];
	struct err err;
	uint64_t at = 0;
	size_t i, j, n;

	for (i = 0; i < 100; i++) {
		n = runs[i % (sizeof(runs) / sizeof(runs[0]))];
		for (j = 0; j < n; j++)
			bytes[j] = spooled_byte(at + j);
		spool_write(s, span_n(bytes, n), &err);
		at += n;
	}
	T_INT("long and short runs", spool_end(s, &err), 0);
	T_OK("arrive in their order", spooled_reads_back(s, at, 65536));
	arena_destroy(&a);
}

static void
test_without_tmpfile(void)
{
	struct arena *a = arena_create("test");
	struct spool *s = open_spool(a, 0);
	uint64_t begin;
	struct stat st;
	struct err err;

	tmpfiles = 0;
	spooled_fill(s, 100, 100, &err);
	T_INT("O_TMPFILE is what is used", tmpfiles, 1);
	s = open_spool(a, 0);
	refuse_tmpfile = true;
	T_INT("without O_TMPFILE", spooled_fill(s, 100000, 5000, &err), 0);
	refuse_tmpfile = false;
	T_OK("it works as well", spooled_reads_back(s, 100000, 4096));
	T_INT("the name is gone at once", files_in_dir(), 0);
	fstat(spool_file(s, &begin), &st);
	T_INT("and nobody else may read it", st.st_mode & 0777, 0600);
	arena_destroy(&a);
}

static void
test_closing(void)
{
	unsigned before = open_descriptors(), i;
	struct arena *a = arena_create("test");
	struct spool *s;
	struct err err;

	for (i = 0; i < 40; i++) {
		s = open_spool(a, i % 2 == 0 ? 0 : 100 * BLOCK);
		spooled_fill(s, 60 * K, 78, &err);
	}
	s = open_spool(a, 0);	/* left before its end */
	spool_write(s, SPAN_LIT("x"), &err);
	T_INT("files are open", open_descriptors(), before + 21);
	arena_destroy(&a);
	T_INT("the end of the arena closes them", open_descriptors(), before);
	T_INT("and no more blocks are kept than the least",
	    spool_block_pooled(), SPOOL_KEEP);
}

static void
test_poison(void)
{
#ifdef POISON_ASAN
	struct arena *a = arena_create("test");
	struct spool *s = open_spool(a, BLOCK);
	struct iovec run;
	struct err err;

	spool_write(s, SPAN_LIT("text"), &err);
	spool_end(s, &err);
	spool_runs(s, 0, &run, 1);
	T_OK("a run can be read", !__asan_address_is_poisoned(run.iov_base));
	arena_destroy(&a);
	T_OK("but not after the end of its spool",
	    __asan_address_is_poisoned(run.iov_base));
#endif
}

int
main(void)
{
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	test_trim();
	test_content();
	test_skip();
	test_budget();
	test_room();
	test_mixed_runs();
	test_without_tmpfile();
	test_closing();
	test_poison();
	rmdir(dir);
	return t_done();
}
