#ifndef MILTER_EDIT_HEADER_H
#define MILTER_EDIT_HEADER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "milter/dialogue.h"
#include "policy/fields.h"
/*
 * edit_header -- the header of a mail, as a filter wants it
 *                                              RFC 5322 2.2; libmilter's API
 *
 * The edits are made in their order, each on what those before it have left.
 * Those of envelope and body are passed over. What no edit names stays as it
 * is, octet by octet, in its place.
 *
 * add       at the end, even if there is a field of that name.
 * insert    counts as sendmail does: from the top, and the fields that we add
 *           ourselves (Received, results: our block) are one field, in their
 *           place, of which nobody else is told. 0 is above all, 1 directly
 *           below the topmost, which is our block as long as nothing was put
 *           above it; more than there are fields is the end. The same number
 *           twice: the second stands above the first.
 * change    the n-th field of that name, case ignored, with all its lines; it
 *           gets the name as the filter writes it. Our block is not counted:
 *           nobody changes our Received. If there are fewer, the field is
 *           added at the end.
 * delete    as change; if there are fewer, nothing. It is not counted any
 *           more: of three, twice the first leaves the third. (Filters delete
 *           from the last one up; then it is all the same.)
 *
 * A line that is no field (fields.h) is not counted, since no filter is told
 * of it: the numbers are those of what it was told. Insert puts the new field
 * directly below the one that it counts to, above such a line: a reader to
 * whom the header ends there still sees it.
 *
 * The answers are those of answer_read(): their values have CRLF in folds and
 * the space behind the colon that the filter agreed on.
 *
 * Memory    what is new, and the new list, are in the arena; fields that stay
 *           are the same spans as before. `in` stays as it is.
 * Errors    ERR_SYNTAX: more work than EDIT_HEADER_STEPS. `out` is untouched.
 * Limits    EDIT_HEADER_STEPS fields are looked at, all edits together. The
 *           list grows by the edits, which dialogue.h limits.
 */
/* Ten times as many as for a mail of 1000 fields with 1000 edits, which are
 * the usual limits; some hundredths of a second. */
#define EDIT_HEADER_STEPS	(10 * 1000 * 1000)

struct header_list {
	const struct field	*list;	/* from the top; each ends in CRLF */
	size_t			 n;
	size_t			 nabove;	/* of them above our block */
};

/* Of a field that was made here: it stands in no text. */
#define EDIT_HEADER_OFFSET	SIZE_MAX

/* The header that these fields make; an empty line ends each text. The spans
 * point into them. */
void	edit_header_read(struct arena *a, struct span above,
	    struct span below, struct header_list *out);
int	edit_header(struct arena *a, const struct header_list *in,
	    const struct edits *edits, struct header_list *out,
	    struct err *err);
/* One of the edits is of the header. */
bool	edit_header_has(const struct edits *edits);
#endif
