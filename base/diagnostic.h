#ifndef BASE_DIAGNOSTIC_H
#define BASE_DIAGNOSTIC_H
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
/*
 * diagnostic -- what is wrong in a text file that a person wrote, and where
 *
 * All findings of one check are gathered and shown together, in the order of
 * their places. On all who report one (configuration, rules) it reads:
 *	forepost.conf:31:1: unknown setting "max_recipient"
 *	  max_recipient 5
 *	  ^
 *	  did you mean "max_recipients"?
 * A warning has "warning: " before its text. A hint is given only when it is
 * nearly surely right.
 *
 * Places    line 0 is the file as a whole: name and text alone are shown.
 * Twice     the same text at the same place is one finding.
 * Limits    a text is cut at 400 octets, of a long line the part around the
 *           caret is shown, control characters become "?". The text shows
 *           the first 200 and says how many more there are.
 * Memory    the arena of diagnostics_create(); sources must live as long.
 */
struct source {			/* one text file, kept whole */
	const char	*name;
	struct span	 text;
};
struct place {
	const struct source *source;
	unsigned	 line, column;	/* from 1; columns are octets */
};

struct diagnostics;
struct diagnostics *diagnostics_create(struct arena *a);
void		 diagnostic(struct diagnostics *d, struct place at,
		    const char *hint,		/* NULL, or a line */
		    const char *fmt, ...) __attribute__((format(printf, 4, 5)));
void		 diagnostic_warn(struct diagnostics *d, struct place at,
		    const char *hint, const char *fmt, ...)
		    __attribute__((format(printf, 4, 5)));
/* A line with one of the errors behind the first `before` gets no more: what
 * is said of it from now on would follow from that error. */
void		 diagnostics_settle(struct diagnostics *d, size_t before);
size_t		 diagnostics_errors(const struct diagnostics *d);
size_t		 diagnostics_warnings(const struct diagnostics *d);
/* The text of all of them, sorted by file and place, with line and caret;
 * "" when there are none. */
const char	*diagnostics_text(const struct diagnostics *d, struct arena *a);
#endif
