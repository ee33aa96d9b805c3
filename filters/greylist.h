#ifndef FILTERS_GREYLIST_H
#define FILTERS_GREYLIST_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "base/store.h"
#include "policy/address.h"
/*
 * greylist -- does a sender come again?                             RFC 6647
 *
 * Who is seen for the first time is asked to come again; servers that keep
 * their mail do, much of what infected machines send does not, and what comes
 * later meets DNS lists that know it. greylist_check() looks at one recipient
 * of one mail: has this identity (greylist_identity.h) sent from this sender
 * (greylist_sender.h) to this recipient before?
 *
 *	new	for the first time, or again after `window`	defer
 *	early	again, before `delay` is over			defer
 *	passed	again, behind `delay`: remembered from now on	let pass
 *	known	has passed within `memory`, which begins anew	let pass
 *	identity-known	whose identity has passed `passes` times, or
 *		was passed by the administrator; likewise	let pass
 *	null-sender	is not asked				let pass
 *	unknown	the store does not say				let pass
 *
 * Passes    of an identity are those of its triplets, the first one of each
 *           (passed) and the later ones (known). They count once in `delay`:
 *           a mail to many recipients, or all that waited while a sender was
 *           deferred, shows no more than one mail. They are counted for one
 *           `memory`, from the first on.
 * Owed      An identity owes a retry for each triplet that it began, and one
 *           that comes again, behind `delay`, pays for two (counted for one
 *           `memory` likewise). Who owes anything, since less than half of
 *           what he began came again, does not get known by his passes: a
 *           domain whose SPF covers the world seems to come again whenever
 *           any of its machines writes to somebody for the second time. Who
 *           owes more than GREYLIST_DOUBT is doubted: what comes again from
 *           another network (/24, /64) than it began in is new there. A big
 *           sender is not for long, since the retry counts as paid all the
 *           same. One who stays in doubt (his retries go to another server of
 *           ours, say) loses no mail for it: what comes again and again for
 *           GREYLIST_KEPT_ON passes from anywhere. Networks owe nothing.
 * Null sender  is never asked to come again. A server that our users' mail
 *           goes to may ask by "MAIL FROM:<>, RCPT TO:<the user>, QUIT"
 *           whether the user exists, and defer or refuse that mail if we
 *           defer; a bounce tells our user what became of a mail, and some
 *           servers try only once to deliver it. Neither can be told from
 *           junk at RCPT, and most domains sign no bounce addresses (BATV)
 *           that could tell. Who has them can refuse bounces to addresses
 *           that have no signature by a rule, at once and for good, which is
 *           better than to defer them. What is deferred all the same:
 *           inquiries that carry a sender ("double-bounce@..." of Postfix);
 *           they come again, and have one key each time.
 * Times     are civil, in seconds, by the clock of the gateway that asks. A
 *           record from the future, by more than `delay`, begins anew.
 * Store     one operation if the identity is known; else two to four for a
 *           mail that is deferred and three to eight for one that passes. Any
 *           number of gateways may ask at the same time: what one of two
 *           overwrites says the same.
 * Yields    as the store does. After the first operation that fails no other
 *           is tried: it takes the store's `timeout` once.
 * Memory    the answer's texts live in the arena given.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop. A store that
 *           fails, or holds what cannot be read, is a result (unknown); if
 *           only what passed could not be noted, a `problem` beside it.
 * Never     replies or logs.
 */
#define GREYLIST_DELAY		(5 * 60 * CLOCK_S)	/* what first retries
						   wait, or a little more */
#define GREYLIST_WINDOW		(2 * 86400 * CLOCK_S)	/* a weekend's outage */
#define GREYLIST_MEMORY		(36 * 86400 * CLOCK_S)	/* monthly mail */
#define GREYLIST_PASSES		5
#define GREYLIST_PAYS		2	/* half of what begins comes again */
#define GREYLIST_DOUBT		20	/* a mail to that many recipients, or
					   what a big sender sends before its
					   first retry, is no reason yet */
#define GREYLIST_KEPT_ON	86400	/* seconds: campaigns are over by then,
					   and queues keep mail for four days
					   and more (RFC 5321 4.5.4.1) */
#define GREYLIST_RENEW		86400	/* seconds: a memory is renewed once a
					   day, not with each mail */

struct greylist_options {
	int64_t		 delay, window, memory;	/* microseconds, whole
						   seconds, more than 0 */
	unsigned	 passes;		/* 0: no identity gets known */
};
/* The values above. */
void		greylist_defaults(struct greylist_options *o);

struct greylist_query {
	const struct addr	*client;
	const char		*spf;	/* the sender's domain, if SPF passed
					   otherwise than by "all", which says
					   nothing of who sends; else NULL */
	const char		*name;	/* of the client, confirmed, or NULL */
	const struct address	*sender, *rcpt;
	bool			 only_look;	/* as a fact: nothing is
						   changed */
};

enum greylist_result { GREYLIST_NEW, GREYLIST_EARLY, GREYLIST_PASSED,
    GREYLIST_KNOWN, GREYLIST_IDENTITY_KNOWN, GREYLIST_NULL_SENDER,
    GREYLIST_UNKNOWN };

struct greylist_answer {
	enum greylist_result	 result;
	bool			 defer;
	int64_t			 left;		/* seconds, if deferred */
	int64_t			 waited;	/* seconds since the first
						   try: early, passed */
	struct span		 identity;	/* "spf:big.example" */
	struct span		 sender, rcpt;	/* as they are compared */
	const char		*problem;	/* with the store; or NULL */
};

MAY_YIELD int	 greylist_check(struct arena *a, struct store *s,
		    const struct greylist_options *o,
		    const struct greylist_query *q,
		    struct greylist_answer *answer, struct err *err);
const char	*greylist_result_name(enum greylist_result result);
#endif
