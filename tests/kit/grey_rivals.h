#ifndef TESTS_KIT_GREY_RIVALS_H
#define TESTS_KIT_GREY_RIVALS_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/store.h"
#include "tests/kit/grey_senders.h"
/*
 * grey_rivals -- greylisting as two others are documented to do it
 *
 * Their keys and times by default, written from their manuals, over our
 * store; the rest of them is not there. Both are taken at their best:
 *
 *	postgrey  network (/24), sender (without a tag, its numbers as "#") and
 *		recipient; 300 s, window 2 days, memory 35 days; a network is
 *		let pass after 5. Here each mail counts for that.
 *	Rspamd	one of two keys has to be 300 s old: sender, recipients and
 *		network (/19); or content and recipients. Memory 1 day, renewed
 *		by what passes. Rspamd asks only of mail with a score of 4 or
 *		more; here all of them ask of all mail.
 */
typedef bool	 grey_policy_fn(struct arena *a, struct store *s,
		    const struct grey_try *t);	/* true: let pass */

grey_policy_fn	 grey_postgrey;
grey_policy_fn	 grey_rspamd;
#endif
