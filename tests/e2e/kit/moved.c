/*
 * moved -- lets Dovecot run from a folder that it was not built for
 *
 * Dovecot's programs load modules from /usr/lib/dovecot/modules, a path that
 * was compiled in and that no setting changes for all of them. Preloaded into
 * its processes, this turns paths below $MOVED_FROM into ones below $MOVED_TO
 * where modules are looked for: opendir() and dlopen().
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *
moved(const char *path, char *buf, size_t size)
{
	const char *from = getenv("MOVED_FROM"), *to = getenv("MOVED_TO");

	if (path == NULL || from == NULL || to == NULL ||
	    strncmp(path, from, strlen(from)) != 0)
		return path;
	snprintf(buf, size, "%s%s", to, path + strlen(from));
	return buf;
}

DIR *
opendir(const char *path)
{
	DIR *(*real)(const char *) = dlsym(RTLD_NEXT, "opendir");
	char buf[PATH_MAX];

	return real(moved(path, buf, sizeof buf));
}

void *
dlopen(const char *path, int flags)
{
	void *(*real)(const char *, int) = dlsym(RTLD_NEXT, "dlopen");
	char buf[PATH_MAX];

	return real(moved(path, buf, sizeof buf), flags);
}
