#ifndef FILTERS_GREYLIST_SENDER_H
#define FILTERS_GREYLIST_SENDER_H
#include "base/arena.h"
#include "base/span.h"
/*
 * greylist_sender -- what stays the same in a sender from mail to mail
 *
 * Lists, shops and forwarders put a number, an id, a signature or the
 * recipient into the local part of the sender (VERP, BATV, SRS), and so each
 * mail has another one. To greylisting they would be new each time, for ever.
 * greylist_sender_local() leaves out what changes:
 *
 *	prvs=0123abcdef=joe		joe		BATV
 *	btv1==0123abcdef==joe		joe
 *	msprvs1=17543Jx8KQZ6P=bounces-7	bounces-#
 *	SRS0=HHH=TT=a.example=joe	a.example!joe	SRS
 *	SRS1=HHH=b.example==HHH=TT=a.example=joe
 *					a.example!joe
 *	list-bounces+ann=here.example	list-bounces	a tag behind "+"
 *	list-return-42-ann=here.example	list-return-#	a recipient
 *	owner-list*ann**here.example	owner-list
 *	bounce-42_HTML-7-99-10		bounce-#_html-#	numbers
 *	0100018c1f2a-6c1a-beef-000000	#		ids
 *	s-8mfxk4yfaw5h2rk		s-#
 *
 * It is for telling mails apart that are alike, not for reaching anybody:
 * two mailboxes may become one ("joe.1984", "joe.1985"), which only makes the
 * greylist ask less. A mailbox that is a number ("10001@qq.example") stays.
 * An id of letters alone cannot be told from a name, and stays too.
 *
 * Memory    the text lives in the arena given; not longer than `local`.
 * Limits    any octets; linear in their number.
 */
#define GREYLIST_SENDER_MAILBOX_DIGITS	12	/* a local part of digits alone
						   is a mailbox up to here: QQ
						   has 5 to 11, telephones 12 */
#define GREYLIST_SENDER_ID	8	/* octets: shorter words of letters and
					   digits are names ("mta12", "b2b") */
#define GREYLIST_SENDER_CHANGES	3	/* between letters and digits within
					   an id: names change once or twice */

struct span	greylist_sender_local(struct arena *a, struct span local);
/* Of one of our own recipients: lower case, without BATV, and without a tag
 * behind "+", which replies to a service have anew each time. */
struct span	greylist_sender_rcpt(struct arena *a, struct span local);
#endif
