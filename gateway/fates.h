#ifndef GATEWAY_FATES_H
#define GATEWAY_FATES_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/store.h"
#include "filters/digest.h"
#include "gateway/reply.h"
/*
 * fates -- what became of a mail for each recipient: the delivery memory
 *
 * A mail is told by its sender and its fingerprint, and has one record for
 * each recipient. Who delivers it to one claims it first: then a second copy
 * that comes meanwhile, over another connection or another gateway, waits
 * instead of being delivered too.
 *
 *	fate_claim(store, a, &id, owner, lease, &state, &answer, &err)
 *		FATE_NEW: deliver it to him, then fate_keep() or fate_release()
 *		FATE_OPEN: somebody is doing that now
 *		FATE_DELIVERED: he has it; *answer is what the backend said
 *
 *		FATE_REFUSED: for good, when others were not; *answer
 *		FATE_ALIEN: somebody else has sent the same
 *
 * At RCPT the message is not known yet. Beside the record a mark is left there
 * for those whose mail comes again because of others: it tells the mail by
 * sender, recipient and the size that MAIL declares, and says where it came
 * from, since that much can be another mail's too.
 *
 * Origin    where a mail comes from, in a word: what is known of its client,
 *           with commas between ("spf:a.example,net:192.0.2.0/24"). Two tries
 *           have one origin if they have any of these in common. What was
 *           noted of one origin says nothing of another's mail: or a copy that
 *           somebody sends ahead would keep a mail away.
 * Memory    answers are in the arena given.
 * Yields    all, as the store does.
 * Errors    those of store.h. A record that cannot be read, of a later version
 *           for example, is ERR_CONFIG. What then holds is for the caller.
 */
struct fate_id {
	const uint8_t	*print;		/* fingerprint.h */
	struct span	 sender, rcpt;	/* as written */
	bool		 is_quarantined;	/* it goes there: another mail */
	const char	*origin;
};
enum fate_state { FATE_NEW, FATE_OPEN, FATE_DELIVERED, FATE_REFUSED,
    FATE_ALIEN };

/* `owner` is one word, of the caller for this mail: what he has claimed
 * himself is FATE_NEW. Who dies keeps it claimed for `lease` microseconds. */
MAY_YIELD int	 fate_claim(struct store *s, struct arena *a,
		    const struct fate_id *id, const char *owner,
		    int64_t lease, enum fate_state *state,
		    struct reply **answer, struct err *err);
/* The same for who claims nothing. */
MAY_YIELD int	 fate_look(struct store *s, struct arena *a,
		    const struct fate_id *id, enum fate_state *state,
		    struct reply **answer, struct err *err);
/* What is claimed stays so for another while. False: it is not his any more,
 * after he has let his lease go by. */
MAY_YIELD int	 fate_renew(struct store *s, struct arena *a,
		    const struct fate_id *id, const char *owner,
		    int64_t lease, bool *is_his, struct err *err);
/* Delivered, or refused for good: by this answer. */
MAY_YIELD int	 fate_keep(struct store *s, const struct fate_id *id,
		    const struct reply *answer, int64_t life,
		    struct err *err);
MAY_YIELD int	 fate_release(struct store *s, const struct fate_id *id,
		    struct err *err);

/* --- at RCPT --- */

struct mark_id {
	struct span	 sender, rcpt;
	uint64_t	 size;		/* as declared; 0: it was not */
	const char	*origin;
};
struct fate_mark {
	struct reply	*answer;	/* NULL: there is none */
	bool		 is_alien;	/* of another origin */
};

MAY_YIELD int	 fate_mark(struct store *s, const struct mark_id *id,
		    const struct reply *answer, int64_t life,
		    struct err *err);
MAY_YIELD int	 fate_marked(struct store *s, struct arena *a,
		    const struct mark_id *id, struct fate_mark *mark,
		    struct err *err);
/* Once it was told: no other mail of this size is told the same. */
MAY_YIELD int	 fate_unmark(struct store *s, const struct mark_id *id,
		    struct err *err);
/* Whether there is a mark of anybody at all. */
MAY_YIELD int	 fate_has_marks(struct store *s, struct arena *a, bool *has,
		    struct err *err);
#endif
