#ifndef FILTERS_GREYLIST_KEY_H
#define FILTERS_GREYLIST_KEY_H
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
#include "policy/address.h"
/*
 * greylist_key -- where greylisting keeps what, and how it is written
 *
 *	grey/t/IDENTITY/HASH	a triplet: identity, sender and recipient
 *	grey/i/IDENTITY		an identity that is not asked any more
 *	grey/c/IDENTITY		how often it has passed (store_add)
 *	grey/p/IDENTITY		it has passed just now: that counts once
 *	grey/o/IDENTITY		how many of its triplets are owed: begun, less
 *				twice those that came again (store_add)
 *
 * IDENTITY is that of greylist_identity.h; HASH the first half of SHA-256 of
 * sender and recipient, in hexadecimal. The sender is what is the same in all
 * mails (greylist_sender.h) at its registrable domain, the recipient without
 * its tag. What belongs to one identity has one beginning, so that people can
 * ask for it. Keys are shorter than STORE_KEY_MAX whatever is hashed.
 *
 * A triplet or an identity is a record, a line of text: "1", its state, three
 * times in seconds since 1970, and for people sender and recipient, cut; of a
 * triplet also the network that it began in. (Without it, as 0.1.0 wrote them
 * first, any will do.)
 *
 * Memory    in the arena given.
 * Errors    of reading: ERR_SYNTAX, it is of another version or damaged.
 */
#define GREYLIST_KEY_PREFIX	"grey/"
#define GREYLIST_KEY_SHOWN	100	/* octets of an address in a record: ten
					   millions of them fit a small disk */
#define GREYLIST_KEY_HASH	32	/* hexadecimal digits */

struct greylist_key {
	struct span	identity, sender, rcpt;	/* the parts, whole */
	struct span	triplet, known, passes, pace, owed;	/* of the
							   store */
};

/* What the store holds under a key. */
enum greylist_key_kind { GREYLIST_KEY_TRIPLET, GREYLIST_KEY_KNOWN,
    GREYLIST_KEY_PASSES, GREYLIST_KEY_PACE, GREYLIST_KEY_OWED };

enum greylist_state { GREYLIST_STATE_WAITING, GREYLIST_STATE_PASSED };

struct greylist_record {
	enum greylist_state	 state;
	int64_t			 first;		/* tried, for the first time */
	int64_t			 passed;	/* or came again, and
						   waits all the same;
						   0: not yet */
	int64_t			 used;		/* last, to a day or so */
	struct span		 sender, rcpt;	/* cut; of an identity "-" */
	struct span		 network;	/* empty: not known */
};

void		greylist_key_make(struct arena *a, struct span identity,
		    const struct address *sender, const struct address *rcpt,
		    struct greylist_key *key);
/* The keys of an identity alone; those of a triplet are empty. */
void		greylist_key_identity(struct arena *a, struct span identity,
		    struct greylist_key *key);
/* All triplets of an identity begin so. */
struct span	greylist_key_triplets(struct arena *a, struct span identity);
/* Errors: it is none of ours. The identity lies within `key`. */
int		greylist_key_parse(struct span key,
		    enum greylist_key_kind *kind, struct span *identity,
		    struct err *err);

/* The normalised forms that are hashed, and shown (cut). */
struct span	greylist_key_sender(struct arena *a,
		    const struct address *sender);
struct span	greylist_key_rcpt(struct arena *a,
		    const struct address *rcpt);
struct span	greylist_key_shown(struct arena *a, struct span address);

struct span	greylist_key_format(struct arena *a,
		    const struct greylist_record *record);
/* Sender, recipient and network lie within `text`. */
int		greylist_key_read(struct span text,
		    struct greylist_record *record, struct err *err);
/* What an identity owes; may be less than 0. Of text->p NULL 0. */
int		greylist_key_owed(struct span text, int64_t *owed,
		    struct err *err);
#endif
