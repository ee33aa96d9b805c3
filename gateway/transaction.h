#ifndef GATEWAY_TRANSACTION_H
#define GATEWAY_TRANSACTION_H
#include <stdbool.h>
#include "base/arena.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/veil.h"
/*
 * transaction -- all that happened to a mail, as one JSON object
 *
 * What was known of it, what the rules of each phase read and did, what each
 * recipient and the client was told: docs/journal.md has each member. Written
 * when the mail is over and before its last reply leaves; so is a session that
 * was turned away before it had a mail. It goes into the ring of this worker
 * (ring.h), and from there to the journal (journal.h). Nothing is written where nobody can
 * read it: without a journal and without an address in `stats`.
 *
 * What the rules of RCPT said lives as long as that command: it is written
 * down then, by transaction_rcpt().
 *
 * Facts     are those that are known by then (judge_known()): nothing is looked
 *           up, waited for or parsed to write them.
 * Memory    a few buffers of the worker; of a mail, the texts of its recipients,
 *           in its arena.
 * Limits    TRANSACTION_MOST octets in the journal, RING_RECORD in the ring:
 *           what is longer goes without header fields and without the
 *           recipients behind the first TRANSACTION_RCPTS, and has "cut"; if it
 *           is still longer, without phases and facts too. Refused recipients
 *           behind the first TRANSACTION_REFUSED, and all whose texts are
 *           beyond TRANSACTION_RCPT_TEXT together, are only counted.
 */
#define TRANSACTION_MOST	(1024 * 1024)
#define TRANSACTION_RCPTS	20
#define TRANSACTION_REFUSED	200
#define TRANSACTION_RCPT_TEXT	(256 * 1024)

struct transaction_plan;	/* of a worker: what it tells, and how */
struct transaction;		/* of a mail: its recipients so far */

/* `veil` may be NULL. The ruleset and the veil live as long. */
struct transaction_plan *transaction_plan(struct arena *a,
		    const struct ruleset *rules, const struct veil *veil);

/* Who decided. */
enum told_by { BY_NOBODY, BY_RULE, BY_MILTER, BY_BACKEND, BY_US, BY_CLIENT };

/* One recipient has been told `reply`. */
struct told_rcpt {
	const struct rcpt	*rcpt;
	const struct reply	*reply;
	const struct verdict	*verdict;	/* of his phase; NULL: no rule
						   of it was asked */
	const struct rule	*rule;		/* who decided; NULL */
	const char		*milter;	/* the same */
	const struct err	*failure;	/* kind 0: it was not ours */
	bool			 is_taken;	/* or discarded: the last fate
						   of the mail is his */
	bool			 is_discarded;
	bool			 is_known;	/* the delivery memory told */
};
void		 transaction_rcpt(struct mail *m, const struct told_rcpt *r);
/* The text of its action as it stands in the rule file, "no {rcpt}": what is
 * told of it where it names what is hidden. */
void		 transaction_source(struct buf *out, const struct rule *rule);
/* It is over. */
void		 transaction_mail(struct mail *m);
/* The session is over, or told so at HELO: once, if it had no mail and was
 * turned away. */
void		 transaction_session(struct session *s);
#endif
