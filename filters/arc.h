#ifndef FILTERS_ARC_H
#define FILTERS_ARC_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "policy/fields.h"
/*
 * arc -- is the chain of seals on this message whole?              RFC 8617
 *
 *	c = arc_begin(a, &options);
 *	arc_header(c, &fields);		the key lookups begin
 *	arc_body(c, piece);		as it arrives, in any pieces
 *	arc_finish(c, &answer, &err);
 *
 * The steps of section 5.2: all sets there are; no failure noted by the last
 * sealer; structure; the newest ARC-Message-Signature; every ARC-Seal. What
 * it costs to tell the oldest signature that still passes is spent only on a
 * chain that passes, and only within the limits below.
 *
 * For RFC 8617 5.2.1 every failure is for good, even one of DNS: the chain
 * validation status of ARC_TEMPERROR is "fail" (arc_status()). It is an
 * outcome of its own because a later try may come to another end. A chain
 * that cannot pass whatever DNS says is ARC_FAIL.
 *
 * Yields    arc_finish(): until the keys are there, and between signatures.
 * Memory    all in the arena, which also ends the lookups if nobody waits for
 *           them. The fields and their text must live until the answer is
 *           not needed any more: parts of them are the answer.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Limits    ARC_SETS_MOST sets (RFC 8617 5.2). For n sets at most n + 1
 *           lookups, ten at a time (signature_keys.h), all within the timeout,
 *           and n + 2 signature checks; a chain that passes 2n - 2 more. A
 *           header with more than three fields for each set allowed is not
 *           even parsed. The body is hashed once (twice without c=).
 * Never     replies, logs or seals.
 */
#define ARC_SETS_MOST		50
#define ARC_NAMES_MOST		1000	/* of h=; as many as a header has */
#define ARC_RECORDS_MOST	10	/* key records looked at for a name */
#define ARC_OLDER_WORK		(2 << 20) /* octets of header and names to
					   compare, for all but the newest
					   signature */
#define ARC_OLDEST_UNKNOWN	(-1)

enum arc_outcome { ARC_NONE, ARC_PASS, ARC_FAIL, ARC_TEMPERROR };

struct arc_options {
	int64_t		 timeout;	/* us, for all lookups together */
};

struct arc_seal {
	const char	*domain;	/* d=, as A-labels in lower case */
	const char	*selector;
	struct span	 results;	/* its ARC-Authentication-Results, raw,
					   behind "i=N;" */
};

struct arc_answer {
	enum arc_outcome outcome;
	unsigned	 sets;		/* the highest instance; 0 of NONE and
					   where nothing was parsed */
	const char	*sealer;	/* d= of the newest seal; NULL if that
					   could not be read */
	const char	*reason;	/* one line in words */
	/* of ARC_PASS only */
	struct arc_seal	*seals;		/* by instance, [0] is i=1 */
	bool		 is_partial;	/* l=: text behind the signed part */
	int		 oldest_pass;	/* 0: all; RFC 8617 5.2 step 5 */
};

struct arc;

struct arc	*arc_begin(struct arena *a, const struct arc_options *options);
void		 arc_header(struct arc *c, const struct fields *header);
void		 arc_body(struct arc *c, struct span piece);
MAY_YIELD int	 arc_finish(struct arc *c, struct arc_answer *answer,
		    struct err *err);
const char	*arc_outcome_name(enum arc_outcome outcome);
/* As RFC 8617 knows it: "none", "pass" or "fail". */
const char	*arc_status(enum arc_outcome outcome);
#endif
