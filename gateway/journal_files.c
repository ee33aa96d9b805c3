#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/log.h"
#include "gateway/journal.h"

/*
 * The supervisor's part. The folder may belong to the workers, who are not
 * trusted: names are renamed and removed, and no link is followed.
 */

void
journal_prepare(const struct settings *s, const struct identity *id)
{
	int fd;

	if (s->journal_file == NULL)
		return;
	fd = open(s->journal_file, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
	    0640);
	if (fd >= 0)
		close(fd);
	identity_own_file(id, s->journal_file);
}

/* --- rotation --- */

static const char *
name_of(struct arena *a, const char *path, uint64_t n)
{
	return n == 0 ? path : arena_printf(a, "%s.%" PRIu64, path, n);
}

static void
tell(enum log_label label, const char *event, const char *path,
    const char *why)
{
	struct logline l;

	log_begin(&l, label, "-", event);
	log_z(&l, "file", path);
	log_z(&l, "why", why);
	log_end(&l);
}

/* The last one goes; none of the others is lost if one cannot be renamed. */
static bool
shift(struct arena *a, const char *path, uint64_t keep)
{
	for (uint64_t n = keep; n > 0; n--)
		if (rename(name_of(a, path, n - 1), name_of(a, path, n)) < 0 &&
		    errno != ENOENT)
			return false;
	return true;
}

/* Where the folder is root's, nobody else can make it. */
static bool
make_again(const struct settings *s, const struct identity *id)
{
	struct stat st;

	if (lstat(s->journal_file, &st) == 0 || errno != ENOENT)
		return false;
	journal_prepare(s, id);
	return lstat(s->journal_file, &st) == 0;
}

bool
journal_rotate(const struct settings *s, const struct identity *id)
{
	static bool has_failed;		/* so that it is told once */
	const char *path = s->journal_file;
	struct arena *a;
	struct stat st;
	bool good;

	if (path == NULL)
		return false;
	if (make_again(s, id))
		return true;
	if (s->journal_keep == 0 || lstat(path, &st) < 0 ||
	    !S_ISREG(st.st_mode) || (uint64_t)st.st_size < s->journal_max_size)
		return false;
	a = arena_create("journal");
	good = shift(a, path, s->journal_keep);
	if (!good && !has_failed)
		tell(LOG_LABEL_WARN, "journal is not rotated", path,
		    strerror(errno));
	has_failed = !good;
	arena_destroy(&a);
	if (!good)
		return false;
	tell(LOG_LABEL_INFO, "journal rotated", path, NULL);
	journal_prepare(s, id);
	return true;
}

/* --- */

void
journal_mend(const struct settings *s)
{
	struct stat st;
	char last;
	int fd;

	if (s->journal_file == NULL)
		return;
	fd = open(s->journal_file, O_RDWR | O_APPEND | O_NOFOLLOW |
	    O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && S_ISREG(st.st_mode) && st.st_size > 0 &&
	    pread(fd, &last, 1, st.st_size - 1) == 1 && last != '\n')
		(void)!write(fd, "\n", 1);
	close(fd);
}
