#include <sys/stat.h>

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/err.h"
#include "conf/settings.h"
#include "gateway/identity.h"

#define DEFAULT_USER	"forepost"

static void
become_user(struct identity *id, const struct passwd *pw)
{
	int n = IDENTITY_GROUPS;

	id->changes = true;
	id->uid = pw->pw_uid;
	id->gid = pw->pw_gid;
	snprintf(id->name, sizeof(id->name), "%s", pw->pw_name);
	if (getgrouplist(pw->pw_name, pw->pw_gid, id->groups, &n) < 0)
		n = IDENTITY_GROUPS;	/* the first ones */
	id->ngroups = (size_t)n;
}

static void
stay(struct identity *id)
{
	const struct passwd *pw = getpwuid(geteuid());

	*id = (struct identity){ .uid = geteuid(), .gid = getegid() };
	if (pw != NULL)
		snprintf(id->name, sizeof(id->name), "%s", pw->pw_name);
	else
		snprintf(id->name, sizeof(id->name), "uid %u",
		    (unsigned)id->uid);
}

static int
set_group(struct identity *id, const char *name, struct err *err)
{
	const struct group *gr = getgrnam(name);

	if (gr == NULL)
		return err_set(err, ERR_CONFIG, "there is no group \"%s\"",
		    name);
	if (id->changes)
		id->gid = gr->gr_gid;
	else if (gr->gr_gid != id->gid)
		return err_set(err, ERR_CONFIG,
		    "group \"%s\": only root can change its group", name);
	return 0;
}

static int
find_as_root(const struct settings *s, struct identity *id, struct err *err)
{
	const char *name = s->user != NULL ? s->user : DEFAULT_USER;
	const struct passwd *pw = getpwnam(name);

	if (pw == NULL && s->user != NULL)
		return err_set(err, ERR_CONFIG, "there is no user \"%s\"",
		    name);
	if (pw == NULL)
		return err_set(err, ERR_CONFIG, "started as root, but workers "
		    "must not be root: set \"user\", or make a user \"%s\"",
		    name);
	if (pw->pw_uid == 0)
		return err_set(err, ERR_CONFIG,
		    "user \"%s\" is root: workers must not be root", name);
	become_user(id, pw);
	return 0;
}

int
identity_find(const struct settings *s, struct identity *id, struct err *err)
{
	const struct passwd *pw;

	stay(id);
	if (geteuid() == 0) {
		if (find_as_root(s, id, err) < 0)
			return -1;
	} else if (s->user != NULL) {
		pw = getpwnam(s->user);
		if (pw == NULL)
			return err_set(err, ERR_CONFIG,
			    "there is no user \"%s\"", s->user);
		if (pw->pw_uid != id->uid)
			return err_set(err, ERR_CONFIG, "user \"%s\": "
			    "only root can change its user (we are %s)",
			    s->user, id->name);
	}
	if (s->group != NULL)
		return set_group(id, s->group, err);
	return 0;
}

static bool
is_open_to_all(const char *path)
{
	struct stat st;

	return stat(path, &st) == 0 && (st.st_mode & S_IXOTH);
}

/* Everybody may enter the folder and pass through all those above it. */
static bool
is_reachable(const char *path)
{
	char *real = realpath(path, NULL);
	bool ok = real != NULL && is_open_to_all(real);

	for (char *p = real; ok && p != NULL; p = strchr(p + 1, '/')) {
		char saved = p[1];

		p[1] = '\0';		/* up to and including this slash */
		ok = is_open_to_all(real);
		p[1] = saved;
	}
	free(real);
	return ok;
}

int
identity_find_demo(const char *dir, struct identity *id, struct err *err)
{
	const struct passwd *pw = NULL;
	struct stat st;
	bool is_new = mkdir(dir, 0755) == 0;

	if ((!is_new && errno != EEXIST) ||
	    (is_new && chmod(dir, 0755) < 0))	/* whatever the umask */
		return err_set(err, ERR_UNAVAIL, "folder %s: %s", dir,
		    strerror(errno));
	stay(id);
	if (geteuid() != 0)
		return 0;
	if (stat(dir, &st) < 0)
		return err_set(err, ERR_UNAVAIL, "folder %s: %s", dir,
		    strerror(errno));
	if (st.st_uid != 0)
		pw = getpwuid(st.st_uid);
	else if (is_reachable(dir))
		pw = getpwnam("nobody");
	if (pw == NULL)
		return 0;	/* root by name, see sandbox.h */
	become_user(id, pw);
	if (is_new && chown(dir, id->uid, id->gid) < 0)
		return err_set(err, ERR_UNAVAIL, "folder %s: %s", dir,
		    strerror(errno));
	return 0;
}

/* By descriptor and never through a link: the folder around it may belong to
 * somebody who wants something else to be given away. */
static void
own(const struct identity *id, const char *path, mode_t type, int flags)
{
	struct stat st;
	int fd;

	if (!id->changes)
		return;
	fd = open(path, flags | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
	if (fd < 0)
		return;
	if (fstat(fd, &st) == 0 && (st.st_mode & S_IFMT) == type &&
	    st.st_uid == 0 && (type == S_IFDIR || st.st_nlink == 1))
		(void)!fchown(fd, id->uid, id->gid);
	close(fd);
}

void
identity_own_folder(const struct identity *id, const char *path)
{
	own(id, path, S_IFDIR, O_RDONLY | O_DIRECTORY);
}

void
identity_own_file(const struct identity *id, const char *path)
{
	if (path != NULL)
		own(id, path, S_IFREG, O_WRONLY);
}

int
identity_assume(const struct identity *id, struct err *err)
{
	if (!id->changes)
		return 0;
	if (setgroups(id->ngroups, id->groups) < 0)
		return err_set(err, ERR_UNAVAIL, "groups of user %s: %s",
		    id->name, strerror(errno));
	if (setresgid(id->gid, id->gid, id->gid) < 0 ||
	    setresuid(id->uid, id->uid, id->uid) < 0)
		return err_set(err, ERR_UNAVAIL, "becoming user %s: %s",
		    id->name, strerror(errno));
	if (setuid(0) == 0)
		return err_set(err, ERR_UNAVAIL,
		    "user %s can become root again", id->name);
	return 0;
}
