#ifndef TESTS_KIT_REPORT_FILES_H
#define TESTS_KIT_REPORT_FILES_H
#include <stdbool.h>
#include "base/arena.h"
/*
 * report_files -- files that say at their head what is to be said of them
 *
 * The report that is expected of a bad file is the comment that it begins
 * with; a case is one file in a folder.
 */
/* Into the folder of the source tree, from wherever tests are run. */
bool		 report_files_find(const char *folder);
/* Runs `test` in the folder on each file ("*.conf"), so that reports name the
 * file alone; then goes back. */
void		 report_files_each(const char *folder, const char *pattern,
		    void (*test)(const char *path));
/* The comment at the head of a file, without "# ". */
const char	*report_files_expected(struct arena *a, const char *path);
#endif
