#include <dirent.h>
#include <fcntl.h>
#include <ftw.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "gateway/maildir.h"
#include "tests/kit/t.h"

static char dir[64];		/* everything of this test is below it */
static struct offload *offload;
static struct arena *arena;

static const char *
below(const char *name)
{
	return arena_printf(arena, "%s/%s", dir, name);
}

/* Counts the entries; the name of the last one is kept in *name. */
static int
entries(const char *folder, char name[256])
{
	DIR *d = opendir(folder);
	struct dirent *e;
	int n = 0;

	if (d == NULL)
		return -1;
	while ((e = readdir(d)) != NULL)
		if (e->d_name[0] != '.') {
			n++;
			snprintf(name, 256, "%s", e->d_name);
		}
	closedir(d);
	return n;
}

static int
entries_in(const char *maildir, const char *sub)
{
	char name[256];

	return entries(arena_printf(arena, "%s/%s", maildir, sub), name);
}

static const char *
only_message(const char *maildir)
{
	const char *folder = arena_printf(arena, "%s/new", maildir);
	struct buf text = {0};
	char name[256], block[1024];
	const char *copy;
	FILE *f;
	size_t n;

	if (entries(folder, name) != 1)
		return "not exactly one message";
	f = fopen(arena_printf(arena, "%s/%s", folder, name), "r");
	if (f == NULL)
		return "not readable";
	while ((n = fread(block, 1, sizeof(block), f)) > 0)
		buf_put(&text, block, n);
	fclose(f);
	copy = arena_copy(arena, buf_text(&text));
	buf_free(&text);
	return copy;
}

static struct spool *
spool_of(const char *text, size_t repeats, size_t memory)
{
	struct spool *s;
	struct err err;
	size_t i;

	spool_memory(memory);
	s = spool_open(arena, dir);
	for (i = 0; i < repeats; i++)
		spool_write(s, span_z(text), &err);
	spool_end(s, &err);
	return s;
}

static MAY_YIELD int
deliver(struct maildir *m, const char *head, struct spool *s, bool *is_full,
    struct err *err)
{
	return maildir_deliver(m, offload, span_z(head), s, CLOCK_NEVER,
	    is_full, err);
}

/* --- opening --- */

static void
test_open(void)
{
	static const struct {
		const char *name, *path, *want;
	} cases[] = {
		{ "parent is missing", "no/Maildir",
		    "cannot make the folder %s/no/Maildir: "
		    "No such file or directory" },
		{ "a file of that name", "file", "%s/file is not a folder" },
		{ "a file named new", "Odd", "%s/Odd/new is not a folder" },
	};
	struct stat st;
	struct err err;
	size_t i;

	close(open(below("file"), O_CREAT | O_WRONLY, 0600));
	mkdir(below("Odd"), 0700);
	close(open(below("Odd/new"), O_CREAT | O_WRONLY, 0600));
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		char want[256];

		snprintf(want, sizeof(want), cases[i].want, dir);
		T_OK(cases[i].name, maildir_open(arena,
		    below(cases[i].path), &err) == NULL);
		T_STR(cases[i].name, err.text, want);
		T_INT(cases[i].name, err.kind, ERR_CONFIG);
	}
	T_OK("a new folder", maildir_open(arena, below("Made"), &err));
	T_INT("is made", stat(below("Made/new"), &st), 0);
	T_INT("for its owner only", st.st_mode & 0777, 0700);
	T_INT("with cur", stat(below("Made/cur"), &st), 0);
	T_INT("and nothing in tmp", entries_in(below("Made"), "tmp"), 0);
	T_INT("or new", entries_in(below("Made"), "new"), 0);
	T_OK("again", maildir_open(arena, below("Made"), &err) != NULL);
}

static void
test_long_path(void)
{
	char *path = arena_alloc(arena, 5000);
	struct err err;

	memset(path, 'x', 4999);
	T_OK("a path that is too long", maildir_open(arena, path,
	    &err) == NULL);
	T_STR("is named so", err.text,
	    "the name of the folder is longer than 3840 octets");
}

/* --- delivering --- */

static MAY_YIELD void
test_bytes(void)
{
	static const struct {
		const char	*name, *head, *text;
		size_t		 repeats, memory;
	} cases[] = {
		{ "small", "Trace: us\r\n", "A: b\r\n\r\n.dot\r\n", 1, 1 << 20 },
		{ "no head", "", "A: b\r\n\r\nx\r\n", 1, 1 << 20 },
		{ "empty message", "Trace: us\r\n", "", 1, 1 << 20 },
		{ "no line end", "Trace: us\r\n", "A: b\r\n\r\nx", 1, 1 << 20 },
		{ "several blocks", "T: u\r\n", "0123456789abcde\n", 10000,
		    1 << 20 },
		{ "in a file", "T: u\r\n", "0123456789abcde\n", 200000, 4096 },
		{ "in memory and a file", "T: u\r\n", "0123456789abcd\n",
		    200000, 1 << 20 },
	};
	struct maildir *m;
	struct stat st;
	struct buf want = {0};
	struct err err;
	bool is_full;
	char name[256];
	size_t i, k;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		const char *path = arena_printf(arena, "%s/bytes%zu", dir, i);

		buf_clear(&want);
		buf_puts(&want, cases[i].head);
		for (k = 0; k < cases[i].repeats; k++)
			buf_puts(&want, cases[i].text);
		buf_put(&want, "", 1);
		m = maildir_open(arena, path, &err);
		T_INT(cases[i].name, deliver(m, cases[i].head,
		    spool_of(cases[i].text, cases[i].repeats,
		    cases[i].memory), &is_full, &err), 0);
		T_OK(cases[i].name, strcmp(only_message(path), want.p) == 0);
		T_INT(cases[i].name, entries_in(path, "tmp"), 0);
		entries(arena_printf(arena, "%s/new", path), name);
		T_OK("the name tells the size", strstr(name,
		    arena_printf(arena, ",S=%zu", want.len - 1)) != NULL);
		stat(arena_printf(arena, "%s/new/%s", path, name), &st);
		T_INT("for its owner only", st.st_mode & 0777, 0600);
	}
	buf_free(&want);
}

static MAY_YIELD void
test_many(void)
{
	struct err err;
	struct maildir *m = maildir_open(arena, below("many"), &err);
	struct spool *s = spool_of("A: b\r\n\r\n", 1, 1 << 20);
	bool is_full;
	int i;

	for (i = 0; i < 20; i++)
		deliver(m, "", s, &is_full, &err);
	T_INT("each has a name of its own", entries_in(below("many"), "new"),
	    20);
}

/* A limit on the size of files stands for a full disk. */
static MAY_YIELD void
test_full(void)
{
	static const struct {
		const char	*name;
		size_t		 repeats, memory;
	} cases[] = {
		{ "full, from memory", 1000, 1 << 20 },
		{ "full, from a file", 1000, 64 },
	};
	struct rlimit before, small;
	struct maildir *m;
	struct spool *s;
	struct err err;
	bool is_full;
	size_t i;

	signal(SIGXFSZ, SIG_IGN);
	getrlimit(RLIMIT_FSIZE, &before);
	small = before;
	small.rlim_cur = 4096;
	m = maildir_open(arena, below("full"), &err);
	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		s = spool_of("0123456789\r\n", cases[i].repeats,
		    cases[i].memory);
		setrlimit(RLIMIT_FSIZE, &small);
		is_full = false;
		T_INT(cases[i].name, deliver(m, "T: u\r\n", s, &is_full,
		    &err), -1);
		setrlimit(RLIMIT_FSIZE, &before);
		T_OK(cases[i].name, is_full);
		T_INT(cases[i].name, err.kind, ERR_UNAVAIL);
		T_STR(cases[i].name, err.text, arena_printf(arena,
		    "write in %s: File too large", below("full")));
		T_INT("nothing left", entries_in(below("full"), "tmp"), 0);
		T_INT("nothing there", entries_in(below("full"), "new"), 0);
	}
}

static MAY_YIELD void
test_folder_gone(void)
{
	struct err err;
	struct maildir *m = maildir_open(arena, below("gone"), &err);
	struct spool *s = spool_of("A: b\r\n\r\n", 1, 1 << 20);
	bool is_full;

	rmdir(below("gone/new"));
	T_INT("new/ is gone", deliver(m, "", s, &is_full, &err), -1);
	T_STR("and the error says it", err.text, arena_printf(arena,
	    "rename in %s: No such file or directory", below("gone")));
	T_OK("which is not full", !is_full);
	T_INT("nothing left", entries_in(below("gone"), "tmp"), 0);
	rmdir(below("gone/tmp"));
	T_INT("tmp/ is gone", deliver(m, "", s, &is_full, &err), -1);
	T_STR("and that error too", err.text, arena_printf(arena,
	    "create in %s: No such file or directory", below("gone")));
}

static MAY_YIELD void
test_late(void)
{
	struct err err;
	struct maildir *m = maildir_open(arena, below("late"), &err);
	struct spool *s = spool_of("A: b\r\n\r\n", 1, 1 << 20);
	bool is_full;

	T_INT("no time to wait", maildir_deliver(m, offload, span_z(""), s,
	    clock_now(), &is_full, &err), -1);
	T_INT("is a timeout", err.kind, ERR_TIMEOUT);
	T_OK("and not full", !is_full);
}

static void
in_fiber(void *arg)
{
	test_bytes();
	test_many();
	test_full();
	test_folder_gone();
	test_late();
	*(bool *)arg = true;
}

static int
remove_entry(const char *path, const struct stat *st, int type,
    struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

int
main(void)
{
	const char *tmp = getenv("TMPDIR");
	bool done = false;

	snprintf(dir, sizeof(dir), "%.40s/maildir-XXXXXX",
	    tmp != NULL ? tmp : "/tmp");
	if (mkdtemp(dir) == NULL) {
		perror(dir);
		return 1;
	}
	arena = arena_create("test");
	loop_create();
	offload = offload_create(2);
	test_open();
	test_long_path();
	fiber_spawn("test", in_fiber, &done);
	while (!done)
		loop_turn(true);
	offload_destroy(&offload);
	T_INT("nothing left of one too late", entries_in(below("late"),
	    "tmp"), 0);
	loop_destroy();
	nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
	arena_destroy(&arena);
	return t_done();
}
