#ifndef GATEWAY_RESULTS_H
#define GATEWAY_RESULTS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "filters/checks.h"
#include "gateway/court.h"
#include "policy/envelope.h"
#include "policy/fields.h"
#include "policy/header_edit.h"
/*
 * results -- the header fields that say what the checks found   RFC 8601, 7208
 *
 * Authentication-Results with `authres { add yes }`, Received-SPF with
 * `spf { received_spf yes }`. What came in under our name goes.
 */
bool	results_are_wanted(const struct settings *s);
/* The fields for the top of the header, with CRLF ends. */
void	results_put(struct arena *a, const struct settings *settings,
	    const struct client *client, const struct envelope *envelope,
	    const struct findings *found, struct buf *out);
/* Above them, if it is put aside: the quarantine's reader must see why,
 * whatever else the header says. */
void	results_put_quarantine(struct arena *a, const struct verdict *v,
	    bool utf8, struct buf *out);
/* Those of the rules; and what claims that another mail is put aside goes. */
size_t	results_edits(struct arena *a, const struct verdict *v,
	    const struct header_edit **edits);
/* What is to be left out of the header of whoever is checked, and of whom a
 * rule trusts too: a sender can say whom he likes. Returns how many parts. */
size_t	results_cuts(struct arena *a, const struct court *court,
	    const struct fields *header, const struct header_cut **cuts);
#endif
