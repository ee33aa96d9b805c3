#ifndef GATEWAY_FIXED_POLICY_H
#define GATEWAY_FIXED_POLICY_H
#include <stddef.h>
#include "base/arena.h"
#include "base/buf.h"
#include "conf/settings.h"
#include "filters/authres_forged.h"
#include "filters/checks.h"
#include "policy/envelope.h"
/*
 * fixed_policy -- what becomes of what the checks found
 *
 * No mail is refused or changed for it. The header says what was found
 * (RFC 8601), and what came in under our name goes. Both only with
 * `authres { add yes }`.
 */

/* The names under which results count as ours. */
struct authres_ids fixed_policy_ids(struct arena *a,
	    const struct settings *settings);
/* The fields for the top of the header, with CRLF ends. */
void	fixed_policy_fields(struct arena *a, const struct settings *settings,
	    const struct client *client, const struct envelope *envelope,
	    const struct findings *found, struct buf *out);
/* What is to be left out of the header. Returns how many parts. */
size_t	fixed_policy_cuts(struct arena *a, const struct settings *settings,
	    const struct authres_ids *ours, const struct findings *found,
	    struct authres_cut **cuts);
#endif
