/*
 * moved -- lets a program run from a folder that it was not built for
 *
 * Dovecot's programs load modules from /usr/lib/dovecot/modules, spamass-milter
 * starts /usr/bin/spamc: paths that were compiled in and that no setting
 * changes. Preloaded into a process, this turns paths below $MOVED_FROM into
 * ones below $MOVED_TO where modules are looked for, opendir() and dlopen(),
 * and where programs are started, execv() and execvp().
 */
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

int
execv(const char *path, char *const argv[])
{
	int (*real)(const char *, char *const []) = dlsym(RTLD_NEXT, "execv");
	char buf[PATH_MAX];

	return real(moved(path, buf, sizeof buf), argv);
}

int
execvp(const char *path, char *const argv[])
{
	int (*real)(const char *, char *const []) = dlsym(RTLD_NEXT, "execvp");
	char buf[PATH_MAX];

	return real(moved(path, buf, sizeof buf), argv);
}
