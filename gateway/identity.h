#ifndef GATEWAY_IDENTITY_H
#define GATEWAY_IDENTITY_H
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>
#include "base/err.h"
#include "conf/settings.h"
/*
 * identity -- who the workers are, and what must be theirs
 *
 * Started as root, workers become the `user` and `group` of the settings, or
 * the user "forepost" if there is one; without either there is no start.
 * Started as somebody else they stay that, and a `user` that names another
 * one is an error. All is looked up in the supervisor, before any fork.
 */
#define IDENTITY_GROUPS	64

struct identity {
	bool	 changes;	/* the worker gives its own identity up */
	uid_t	 uid;
	gid_t	 gid;
	gid_t	 groups[IDENTITY_GROUPS];
	size_t	 ngroups;
	char	 name[64];
};

/* Errors: ERR_CONFIG, naming the user or group. */
int	identity_find(const struct settings *s, struct identity *id,
	    struct err *err);
/*
 * `serve --demo DIR` by root: the owner of DIR, or "nobody" if that is root
 * and nobody could reach DIR. Below a folder that is closed to all but root
 * the workers stay root by name, but without a single capability.
 */
int	identity_find_demo(const char *dir, struct identity *id,
	    struct err *err);
/* Gives a folder that root made to the workers; others are left alone. */
void	identity_own_folder(const struct identity *id, const char *path);
/* The same for a file: the log, which workers open again after rotation. NULL:
 * it is none. */
void	identity_own_file(const struct identity *id, const char *path);
/* In the worker. Errors: ERR_UNAVAIL. */
int	identity_assume(const struct identity *id, struct err *err);
#endif
