#ifndef FILTERS_AUTHRES_FORGED_H
#define FILTERS_AUTHRES_FORGED_H
#include <stddef.h>
#include "base/arena.h"
#include "filters/authres_id.h"
#include "policy/fields.h"
/*
 * authres_forged -- Authentication-Results that claim to be ours   RFC 8601 5
 *
 * None that comes in can be: whoever reads the header behind us would believe
 * it. Each one goes, wherever it stands in the header. Those of other hosts
 * stay, and so does ARC-Authentication-Results, which is part of a chain of
 * signatures.
 *
 * A field claims to be ours if any reader could take it so, not only one that
 * follows RFC 8601 2.2. The name of the field: in any case, blanks, controls
 * and 8-bit octets left out, white space before it. Its value, as it is and
 * with encoded words (RFC 2047) decoded: a name of ours is found
 * - as any word, in a quoted string or not, that is neither a value (behind
 *   "=") nor the name of a method or property nor in a comment;
 * - as the words from the beginning or from a ";" put together, since folds,
 *   white space and comments may stand within;
 * - as the first word, whatever follows, for a reader to whom comments end at
 *   the next ")", or to whom quotes mean nothing, or parentheses either if
 *   there is no other word.
 * Controls count as white space, and so does what Unicode has of it.
 *
 * What is lost by that: fields of others with stray words that happen to be
 * our name; these are no valid fields.
 *
 * Memory    the list of cuts is in the arena given; some copies of one value
 *           at a time besides
 * Limits    linear; of one header AUTHRES_SLOW_MAX words above ASCII are
 *           compared, then a further one is taken for ours
 */
#define AUTHRES_SLOW_MAX 200	/* each costs some microseconds */

struct authres_cut {
	size_t	offset, len;	/* of the header's text: a whole field */
};

/* The parts of the header to leave out, in their order, one for each field.
 * Returns how many. */
size_t	authres_forged(struct arena *a, const struct fields *h,
	    const struct authres_ids *ours, struct authres_cut **cuts);
#endif
