#ifndef POLICY_HEADER_EDIT_H
#define POLICY_HEADER_EDIT_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
#include "policy/fields.h"
#include "policy/rule_eval.h"
/*
 * header_edit -- the header of a message, as the rules want it
 *                                     RFC 5322 2.2, 3.6; RFC 2047; RFC 6532
 *
 * The edits are made in their order, and each sees what those before it made.
 * What is cut is gone before the first one. Names are compared without case.
 *
 * add       a new field above all that came; the first one added is topmost.
 * remove    all fields of the name.
 * replace   the first field of the name, in its place; the others go. If
 *           there is none, it is added.
 * prefix    each Subject, since with two of them (RFC 5322 3.6 allows one)
 *           nobody knows which will be shown; if there is none, it is added.
 *           One that begins with the text, decoded, stays as it is: a mail
 *           may pass the gateway twice. "SPAM" does not begin "SPAMALOT".
 *
 * All other octets stay as they came, and so do name and value of a Subject
 * behind its prefix; only a fold may come between the two. The value of a new
 * field is one line of text: controls and what is no UTF-8 in it become "?"
 * and tabs spaces, words that are not ASCII are encoded, unless `utf8`, and it
 * is folded at its spaces where a line would pass HEADER_FOLD_AT octets.
 *
 * A line that is no field (fields.h) stays, and a message may begin with one
 * or with white space: then it has no header at all, and header_scan says
 * is_headless. Give the text "" then, and is_headless. A header that comes out
 * of that has the empty line at its end; if none comes out, our own trace
 * fields need it, as ever. So the caller does
 *
 *	is_edited = header_edit_put(a, &change, &edited);
 *	trace.is_headless = m->header.is_headless && !is_edited;
 *
 * and sends: what stands above Received, Received, the edited header instead
 * of change.text, the rest of the message.
 *
 * Memory    what it works with is in the arena given: about 100 octets for
 *           each field and edit, and twice the octets of each Subject
 * Limits    a value is cut at VERDICT_VALUE_MAX octets; no line that it makes
 *           passes 998. HEADER_PREFIXES_MAX texts stand before a Subject, of
 *           more the first ones. Time is O(n log e), for n octets and e edits
 */
#define HEADER_FOLD_AT 76	/* RFC 2047 2; RFC 5322 2.1.1 allows 78 */
#define HEADER_PREFIXES_MAX 16	/* times all Subjects that somebody sent */

struct header_cut {
	size_t	offset, len;	/* of the text: a whole field */
};

struct header_change {
	struct span			 text;	/* with its empty line */
	const struct fields		*fields;	/* of it */
	const struct header_cut		*cuts;	/* in their order */
	size_t				 ncuts;
	const struct header_edit	*edits;
	size_t				 nedits;
	bool				 utf8;	/* sent with SMTPUTF8 */
	bool				 is_headless;
};

/* Appends the new header. False: nothing changes, and nothing is appended. */
bool	header_edit_put(struct arena *a, const struct header_change *c,
	    struct buf *out);
/* The same of a header whose first `nabove` fields stand above our own trace
 * fields: they are changed as the others are, and are appended to `above`; what
 * is added stands below them, at the top of `out`. */
bool	header_edit_put_apart(struct arena *a, const struct header_change *c,
	    size_t nabove, struct buf *above, struct buf *out);
#endif
