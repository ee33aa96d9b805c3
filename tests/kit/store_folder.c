#include <errno.h>
#include <ftw.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fiber.h"
#include "base/loop.h"
#include "base/mem.h"
#include "tests/kit/store_folder.h"

static void
give_up(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	exit(1);
}

void
store_folder_make(struct store_folder *f)
{
	memset(f, 0, sizeof(*f));
	/* In memory, if there is such a place: nobody waits for a disk. */
	snprintf(f->path, sizeof(f->path), "%s/store_test.XXXXXX",
	    access("/dev/shm", W_OK | X_OK) == 0 ? "/dev/shm" : "/tmp");
	if (mkdtemp(f->path) == NULL)
		give_up(f->path, strerror(errno));
}

void
store_folder_open(struct store_folder *f, uint64_t size)
{
	const struct store_options options = {
		.kind = STORE_LMDB, .path = f->path, .size = size,
		.report = f->report, .owner = f->owner
	};
	struct err err;

	f->fibers = fiber_count();
	f->arena = arena_create("store");
	f->store = store_open(f->arena, &options, &err);
	if (f->store == NULL)
		give_up("store_open", err.text);
}

void
store_folder_close(struct store_folder *f)
{
	store_stop(f->store);
	while (fiber_count() > f->fibers)
		loop_turn(false);
	arena_destroy(&f->arena);
	f->store = NULL;
}

static int
remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st, (void)type, (void)ftw;
	return remove(path);
}

void
store_folder_remove(struct store_folder *f)
{
	nftw(f->path, remove_one, 8, FTW_DEPTH | FTW_PHYS);
}

static FILE *
open_file(const struct store_folder *f, const char *name, const char *mode)
{
	char path[128];
	FILE *file;

	snprintf(path, sizeof(path), "%s/%s", f->path, name);
	file = fopen(path, mode);
	if (file == NULL)
		give_up(path, strerror(errno));
	return file;
}

char *
store_folder_read(const struct store_folder *f, const char *name,
    size_t *size)
{
	FILE *file = open_file(f, name, "r");
	struct stat st;
	char *p;

	fstat(fileno(file), &st);
	*size = (size_t)st.st_size;
	p = mem_alloc(*size + 1, "test");
	if (fread(p, 1, *size, file) != *size)
		give_up(name, "cut short");
	fclose(file);
	return p;
}

void
store_folder_write(const struct store_folder *f, const char *name,
    const void *p, size_t size)
{
	FILE *file = open_file(f, name, "w");

	if (fwrite(p, 1, size, file) != size || fclose(file) != 0)
		give_up(name, strerror(errno));
}
