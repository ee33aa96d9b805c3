#ifndef POLICY_SET_ASK_H
#define POLICY_SET_ASK_H
#include <stddef.h>
#include "base/arena.h"
#include "base/span.h"
#include "policy/value.h"
/*
 * set_ask -- what a set that somebody else keeps is asked for a value
 *
 * A set in this process is looked through by policy/set.h; one on a server can
 * only be asked whether it has this or that member. So a value is in it if the
 * set has one of these, of which the first that it has is named:
 *
 *	an address	192.0.2.1, 192.0.2.0/24
 *			2001:db8::1, 2001:db8::/64, 2001:db8::/48
 *	a network	the same from its own size on
 *	a name		a.b.example, .b.example, .example
 *	a mailbox	u@b.example, u@, b.example, .example
 *	a text		the text
 *	a list		all that its items would be asked, in their order
 *
 * Form      that of the items of policy/set.h: ASCII in lower case, names with
 *           A-labels and without a final dot, a local part without quotes,
 *           addresses as RFC 5952 writes them. Members in another form are
 *           never found. Networks of other sizes are not asked for.
 * Limits    SET_PARENTS_MAX of what is above a name, those nearest to the top,
 *           so that more labels hide nothing; SET_QUESTIONS_MAX in all: items
 *           of a list behind them count as not in the set. Nothing is asked
 *           for what is in no set (policy/set.h): empty, too long.
 * Memory    the arena given.
 */
#define SET_PARENTS_MAX		8	/* names in use have three or four */
#define SET_QUESTIONS_MAX	32	/* one command; a mailbox has 11 */

/* How many. `out` has room for SET_QUESTIONS_MAX. */
size_t		 set_questions(struct arena *a, const struct value *v,
		    struct span *out);
#endif
