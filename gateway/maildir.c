#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/maildir.h"

#define HOST_MAX	128	/* octets of the host in a file name */
#define NAME_LEN	256	/* room for a file name; NAME_MAX is 255 */
#define WRITE_AT_ONCE	(1 << 20)	/* then the others may run */
#define NAME_TRIES	8

struct maildir {
	const char	*path, *new;
	char		 host[HOST_MAX];
	uint64_t	 count;		/* deliveries begun */
};

/* A message on its way. Belongs to the helper thread while that works. */
struct delivery {
	int		 fd;		/* open file in tmp/, or -1 */
	int		 error;		/* errno of what failed; 0 */
	const char	*failed;	/* and what that was */
	char		 tmp[PATH_MAX], new[PATH_MAX];
	char		 folder[PATH_MAX];	/* new/ itself */
};

/* --- opening --- */

/* A host name in a file name: "/" and ":" are written in octal. */
static void
host_for_name(char out[HOST_MAX])
{
	char host[HOST_MAX / 4];
	size_t i, n = 0;

	if (gethostname(host, sizeof(host)) < 0)
		strcpy(host, "localhost");
	host[sizeof(host) - 1] = '\0';
	for (i = 0; host[i] != '\0'; i++) {
		if (host[i] == '/' || host[i] == ':')
			n += (size_t)sprintf(out + n, "\\%03o",
			    (unsigned char)host[i]);
		else
			out[n++] = host[i];
	}
	out[n] = '\0';
}

static int
make_folder(const char *path, struct err *err)
{
	struct stat st;

	if (mkdir(path, 0700) == 0)
		return 0;
	if (errno != EEXIST)
		return err_set(err, ERR_CONFIG, "cannot make the folder %s: "
		    "%s", path, strerror(errno));
	if (stat(path, &st) < 0)
		return err_set(err, ERR_CONFIG, "%s: %s", path,
		    strerror(errno));
	if (!S_ISDIR(st.st_mode))
		return err_set(err, ERR_CONFIG, "%s is not a folder", path);
	return 0;
}

/* Writes a file: access(2) alone does not know of every reason why not. */
static int
check_writable(struct arena *a, const char *folder, struct err *err)
{
	const char *path = arena_printf(a, "%s/.forepost-%ld", folder,
	    (long)getpid());
	int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return err_set(err, ERR_CONFIG, "cannot write to %s: %s",
		    folder, strerror(errno));
	close(fd);
	unlink(path);
	return 0;
}

struct maildir *
maildir_open(struct arena *a, const char *path, struct err *err)
{
	struct maildir *m = arena_new(a, struct maildir);
	const char *tmp = arena_printf(a, "%s/tmp", path);
	const char *cur = arena_printf(a, "%s/cur", path);

	m->path = arena_strdup(a, path);
	m->new = arena_printf(a, "%s/new", path);
	host_for_name(m->host);
	if (strlen(tmp) + NAME_LEN >= PATH_MAX) {
		err_set(err, ERR_CONFIG, "the name of the folder is longer "
		    "than %d octets", PATH_MAX - NAME_LEN);
		return NULL;
	}
	if (make_folder(path, err) < 0 || make_folder(tmp, err) < 0 ||
	    make_folder(m->new, err) < 0 || make_folder(cur, err) < 0 ||
	    check_writable(a, tmp, err) < 0 ||
	    check_writable(a, m->new, err) < 0)
		return NULL;
	return m;
}

/* --- writing --- */

static int
failed(struct delivery *d, const char *what)
{
	d->error = errno;
	d->failed = what;
	return -1;
}

static int
create(struct maildir *m, struct delivery *d, uint64_t size)
{
	char unique[NAME_LEN];
	int64_t now;
	int i;

	d->fd = -1;
	for (i = 0; i < NAME_TRIES && d->fd < 0; i++) {
		now = clock_wall();
		/* time.unique.host is the rule; S= tells readers the size. */
		snprintf(unique, sizeof(unique), "%lld.M%06lldP%ldQ%llu.%s",
		    (long long)(now / CLOCK_S), (long long)(now % CLOCK_S),
		    (long)getpid(), (unsigned long long)++m->count, m->host);
		snprintf(d->tmp, sizeof(d->tmp), "%s/tmp/%s", m->path, unique);
		snprintf(d->new, sizeof(d->new), "%s/%s,S=%llu", m->new,
		    unique, (unsigned long long)size);
		snprintf(d->folder, sizeof(d->folder), "%s", m->new);
		d->fd = open(d->tmp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC,
		    0600);
		if (d->fd < 0 && errno != EEXIST)
			break;
	}
	return d->fd < 0 ? failed(d, "create") : 0;
}

static int
put(struct delivery *d, struct span s)
{
	ssize_t n;

	while (s.len > 0) {
		n = write(d->fd, s.p, s.len);
		if (n < 0 && errno != EINTR)
			return failed(d, "write");
		if (n > 0) {
			s.p += n;
			s.len -= (size_t)n;
		}
	}
	return 0;
}

static MAY_YIELD int
put_file(struct delivery *d, int from, uint64_t begin, uint64_t end)
{
	off_t at = (off_t)begin;
	ssize_t n;

	while ((uint64_t)at < end) {
		n = sendfile(d->fd, from, &at, WRITE_AT_ONCE);
		if (n == 0)
			errno = EIO;	/* the spool has become shorter */
		if (n <= 0 && errno != EINTR)
			return failed(d, "write");
		fiber_yield();
	}
	return 0;
}

static MAY_YIELD int
put_spool(struct delivery *d, struct spool *spool)
{
	uint64_t at = 0, rested = 0, begin;
	int file = spool_file(spool, &begin);
	struct iovec run;

	while (spool_runs(spool, at, &run, 1) > 0) {
		if (put(d, span_n(run.iov_base, run.iov_len)) < 0)
			return -1;
		at += run.iov_len;
		if (at - rested >= WRITE_AT_ONCE) {
			rested = at;
			fiber_yield();
		}
	}
	if (file < 0)
		return 0;
	return put_file(d, file, begin, begin + spool_size(spool) - at);
}

/* --- in the helper thread --- */

/* After the rename this only says that the folder is not known to be on the
 * disk; the message stays where it is. */
static void
sync_folder(struct delivery *d)
{
	int fd = open(d->folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0) {
		failed(d, "open folder");
		return;
	}
	if (fsync(fd) < 0)
		failed(d, "sync folder");
	close(fd);
}

static void
finish(void *arg, const atomic_bool *dropped)
{
	struct delivery *d = arg;
	bool is_renamed = false;

	if (fsync(d->fd) < 0)
		failed(d, "sync");
	if (close(d->fd) < 0 && d->error == 0)
		failed(d, "close");
	d->fd = -1;
	/* Who was told "later" will send it again. */
	if (d->error == 0 && !atomic_load(dropped)) {
		is_renamed = rename(d->tmp, d->new) == 0;
		if (!is_renamed)
			failed(d, "rename");
	}
	if (is_renamed)
		sync_folder(d);
	else
		unlink(d->tmp);
}

/* --- delivering --- */

static void
delivery_free(void *arg)
{
	struct delivery *d = arg;

	if (d->fd >= 0) {	/* finish() never ran */
		close(d->fd);
		unlink(d->tmp);
	}
	free(d);
}

static int
give_up(struct delivery *d, const char *folder, bool *is_full,
    struct err *err)
{
	*is_full = d->error == ENOSPC || d->error == EDQUOT ||
	    d->error == EFBIG;
	err_set(err, ERR_UNAVAIL, "%s in %s: %s", d->failed, folder,
	    strerror(d->error));
	delivery_free(d);
	return -1;
}

MAY_YIELD int
maildir_deliver(struct maildir *m, struct offload *offload, struct span head,
    struct spool *spool, int64_t deadline, bool *is_full, struct err *err)
{
	struct delivery *d = mem_zalloc(sizeof(*d), "maildir");

	*is_full = false;
	if (create(m, d, head.len + spool_size(spool)) < 0 ||
	    put(d, head) < 0 || put_spool(d, spool) < 0)
		return give_up(d, m->path, is_full, err);
	if (offload_run(offload, finish, delivery_free, d, deadline, err) < 0)
		return err_prefix(err, "sync in %s", m->path);
	if (d->error != 0)
		return give_up(d, m->path, is_full, err);
	delivery_free(d);
	return 0;
}
