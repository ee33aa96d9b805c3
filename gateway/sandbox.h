#ifndef GATEWAY_SANDBOX_H
#define GATEWAY_SANDBOX_H
#include <stddef.h>
#include "base/err.h"
/*
 * sandbox -- what a worker gives up before it talks to strangers
 *
 * Most of it binds one thread and those that it makes: enter it before any
 * other thread exists.
 *
 * In this order, after the worker took its own identity: every capability,
 * the gaining of privileges (no_new_privs), the file system but for a few
 * folders (Landlock, as far as the kernel has it), and every system call
 * that is not on the list (seccomp; a forbidden one fails with EPERM).
 * Programs cannot be run and processes cannot be made; threads can.
 *
 * A process that stays uid 0 (`serve --demo` below a folder that only root
 * can enter) is then an owner of root's files, and nothing more.
 *
 * Sanitizer builds skip Landlock and seccomp: the sanitizers' own reports
 * read files and make processes that no worker needs.
 *
 * Errors    -1: seccomp, capabilities or no_new_privs could not be had.
 *           Landlock is best effort.
 */
struct sandbox_paths {
	const char *const	*folders;	/* read, write, make, remove */
	size_t			 nfolders;
	const char *const	*files;		/* read */
	size_t			 nfiles;
	const char		*log_folder;	/* NULL; files in it may be
						   written, not made */
	const char		*journal_folder;	/* NULL; written and
							   made */
};

int		 sandbox_enter(const struct sandbox_paths *paths,
		    struct err *err);
/* What is in force in this build, for `forepost version`. */
const char	*sandbox_text(void);
#endif
