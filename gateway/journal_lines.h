#ifndef GATEWAY_JOURNAL_LINES_H
#define GATEWAY_JOURNAL_LINES_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "conf/settings.h"
/*
 * journal_lines -- the lines of a journal's files, the oldest first
 *
 * Files as they are named, "-" for the standard input; or, if none is, those of
 * the configuration: what was renamed (journal.2, journal.1) and then the one
 * that is being written. All of these are opened before the first is read, so
 * that a renaming meanwhile neither hides a file nor gives it twice.
 *
 * Memory    one buffer, whatever the files have; a line is valid until the
 *           next.
 * Errors    ERR_UNAVAIL: a file cannot be opened or read.
 * Limits    a line of RECORDED_LINE_MOST; of a longer one nothing is given but
 *           that it was there. JOURNAL_FILES_MOST renamed files.
 */
#define JOURNAL_FILES_MOST	1000	/* as many as `keep` can be, within the
					   1,024 descriptors of a process */
struct journal_lines;

enum journal_line { JOURNAL_END, JOURNAL_LINE, JOURNAL_TOO_LONG };

/* Closed with the arena. */
int	journal_lines_open(struct arena *a, const char *const *files, size_t n,
	    const struct settings *s, struct journal_lines **out,
	    struct err *err);
/* -1: a file cannot be read any further. */
int	journal_lines_next(struct journal_lines *l, enum journal_line *kind,
	    struct span *line, struct err *err);
/* Where the last line stands; and how many files there are. */
const char *journal_lines_file(const struct journal_lines *l);
uint64_t journal_lines_number(const struct journal_lines *l);
size_t	journal_lines_files(const struct journal_lines *l);
#endif
