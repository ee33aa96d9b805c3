#ifndef FILTERS_GREYLIST_ADMIN_H
#define FILTERS_GREYLIST_ADMIN_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/store.h"
#include "filters/greylist.h"
#include "filters/greylist_key.h"
#include "policy/address.h"
/*
 * greylist_admin -- what the greylist holds: look, let pass, forget
 *
 * For a person, who names whom he means by a filter: an identity, a sender,
 * a recipient, or any two or all of them. All of them walk over the whole
 * greylist, except greylist_pass() of an identity or of a whole triplet.
 *
 * Memory    in the arena given; an entry is valid until its function returns.
 * Yields    as the store does.
 * Errors    ERR_SYNTAX: of the filter, says what was found. Else the store's;
 *           what was done before stays done. Records that cannot be read are
 *           counted by greylist_stats() and forgotten by greylist_forget(),
 *           if sender and recipient do not matter; otherwise passed over.
 */
struct greylist_filter {
	struct span	identities[2];	/* any of them; empty: any at all */
	struct address	sender, rcpt;	/* text empty: any */
	struct span	shown_sender, shown_rcpt;	/* as in a record */
};
/*
 * `who` as people name it: "spf:big.example", "name:big.example",
 * "net:192.0.2.0/24"; "big.example" is the first two, an address or a network
 * the last. A domain stands for the registrable one that it belongs to.
 * Sender and recipient are addresses. NULL: any.
 */
int		 greylist_filter_make(struct arena *a, const char *who,
		    const char *sender, const char *rcpt,
		    struct greylist_filter *filter, struct err *err);

struct greylist_entry {
	enum greylist_key_kind	 kind;
	struct span		 identity;
	struct greylist_record	 record;	/* of triplets and identities */
	int64_t			 passes;	/* GREYLIST_KEY_PASSES */
	int64_t			 owed;		/* GREYLIST_KEY_OWED */
	int64_t			 left;		/* of its life, microseconds */
};
/* Of what is owed, that of doubted identities alone. False: enough. It does
 * not wait. */
typedef bool	 greylist_each_fn(void *arg,
		    const struct greylist_entry *entry);
MAY_YIELD int	 greylist_list(struct store *s,
		    const struct greylist_filter *filter,
		    greylist_each_fn *each, void *arg, struct err *err);

/*
 * An identity alone, or identity, sender and recipient, need not have been
 * seen: from now on they pass, for one `memory`. Otherwise what is waiting
 * and fits passes. `n`: how many.
 */
MAY_YIELD int	 greylist_pass(struct arena *a, struct store *s,
		    const struct greylist_options *o,
		    const struct greylist_filter *filter, uint64_t *n,
		    struct err *err);
/* An identity alone: it, its passes and its triplets. Otherwise triplets. */
MAY_YIELD int	 greylist_forget(struct store *s,
		    const struct greylist_filter *filter, uint64_t *n,
		    struct err *err);

struct greylist_stats {
	uint64_t	 waiting, passed;	/* triplets */
	uint64_t	 known, counted;	/* identities: not asked any
						   more; that have passed */
	uint64_t	 doubted;		/* identities */
	uint64_t	 unreadable;
};
MAY_YIELD int	 greylist_stats(struct store *s,
		    struct greylist_stats *stats, struct err *err);
#endif
