#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fiber.h"
#include "base/loop.h"
#include "base/mem.h"
#include "base/store.h"
#include "tests/kit/store_folder.h"
#include "tests/kit/t.h"

/* An LMDB store that is only looked at, by another process than the one that
 * uses it, as by another program: LMDB takes one at a time. */
#define HOUR	(3600 * CLOCK_S)

static struct store_folder folder;

/* What another process sees, and its fibers; or why it sees nothing. */
static void
look(char *out, size_t size)
{
	const struct store_options options = { .kind = STORE_LMDB,
	    .path = folder.path, .size = STORE_SIZE_MIN, .only_look = true };
	struct arena *a = arena_create("looking");
	size_t fibers = fiber_count();
	struct store *s;
	struct span value;
	struct err err;

	s = store_open(a, &options, &err);
	if (s == NULL || store_get(s, a, SPAN_LIT("key"), &value, &err) < 0)
		snprintf(out, size, "%s", err.text);
	else
		snprintf(out, size, "key=%.*s fibers=%zu",
		    SPAN_ARG(value.p == NULL ? SPAN_LIT("none") : value),
		    fiber_count() - fibers);
	if (s != NULL)
		store_stop(s);
	arena_destroy(&a);
}

static const char *
look_from_elsewhere(void)
{
	static char text[400];
	ssize_t n;
	int ends[2];
	pid_t pid;

	if (pipe(ends) < 0 || (pid = fork()) < 0)
		abort();
	if (pid == 0) {
		char out[sizeof(text)] = "";

		look(out, sizeof(out));
		_exit(write(ends[1], out, strlen(out)) < 0);
	}
	close(ends[1]);
	n = read(ends[0], text, sizeof(text) - 1);
	text[n < 0 ? 0 : n] = '\0';
	close(ends[0]);
	waitpid(pid, NULL, 0);
	return text;
}

static void
put(const char *value)
{
	struct err err;

	T_INT("put", store_put(folder.store, SPAN_LIT("key"), span_z(value),
	    HOUR, &err), 0);
}

static bool
is_there(const char *name)
{
	char path[128];

	snprintf(path, sizeof(path), "%s/%s", folder.path, name);
	return access(path, F_OK) == 0;
}

static bool
says(const char *got, const char *want)
{
	return strstr(got, want) != NULL;
}

/* Nothing but LMDB's list of readers. */
static void
closed_test(void)
{
	static const char *const files[] = { "data.mdb", "checkpoint",
	    "writer", "keeper" };
	char *before[4], *after;
	size_t sizes[4], size;

	store_folder_make(&folder);
	store_folder_open(&folder, STORE_SIZE_MIN);
	put("one");
	store_folder_close(&folder);
	for (size_t i = 0; i < 4; i++)
		before[i] = store_folder_read(&folder, files[i], &sizes[i]);
	T_STR("while nobody uses it", look_from_elsewhere(),
	    "key=one fibers=0");
	for (size_t i = 0; i < 4; i++) {
		after = store_folder_read(&folder, files[i], &size);
		T_OK(files[i], size == sizes[i] &&
		    memcmp(after, before[i], size) == 0);
		free(after);
		free(before[i]);
	}
	T_OK("no file is new", !is_there("checkpoint.new"));
	store_folder_open(&folder, STORE_SIZE_MIN);
	put("two");
	T_STR("while somebody does", look_from_elsewhere(),
	    "key=two fibers=0");
	put("three");
	T_STR("who goes on", look_from_elsewhere(), "key=three fibers=0");
	store_folder_close(&folder);
	store_folder_remove(&folder);
}

static void
refused_test(void)
{
	char *checkpoint;
	size_t size;

	store_folder_make(&folder);
	T_OK("an empty folder", says(look_from_elsewhere(),
	    "/data.mdb: No such file"));
	T_OK("stays empty", rmdir(folder.path) == 0);
	T_OK("no folder", says(look_from_elsewhere(), "No such file"));
	T_INT("none is made", mkdir(folder.path, 0700), 0);

	store_folder_open(&folder, STORE_SIZE_MIN);
	put("one");
	store_folder_close(&folder);
	checkpoint = store_folder_read(&folder, "checkpoint", &size);
	checkpoint[20] ^= 1;		/* another start of the machine */
	store_folder_write(&folder, "checkpoint", checkpoint, size);
	T_OK("what would have to be put back", says(look_from_elsewhere(),
	    "is put in order when the gateway is started"));
	checkpoint[0] ^= 1;
	store_folder_write(&folder, "checkpoint", checkpoint, size);
	T_OK("a damaged checkpoint", says(look_from_elsewhere(),
	    "/checkpoint is damaged"));
	free(checkpoint);
	store_folder_remove(&folder);
}

int
main(void)
{
	loop_create();
	closed_test();
	refused_test();
	loop_destroy();
	return t_done();
}
