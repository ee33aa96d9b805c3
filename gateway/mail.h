#ifndef GATEWAY_MAIL_H
#define GATEWAY_MAIL_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/spool.h"
#include "gateway/dotstream.h"
#include "gateway/session.h"
#include "gateway/stages.h"
#include "policy/envelope.h"
#include "policy/header.h"
#include "policy/rule.h"
/*
 * mail -- one transaction, from MAIL to its final reply
 *
 * Ends by the final reply, RSET, EHLO, STARTTLS or disconnect. All it owns is
 * in its arena or closed by it: envelope, spool, backend transactions. Ending
 * it is one call, which also writes the "mail done" line that explains it.
 *
 * Each recipient has a fate of its own. After the message the client is told
 * one reply for all of them, or (PRDR) one for each; where they differ, the
 * delivery memory (fates.h) keeps who has the mail, for when it comes again.
 */
struct findings;
struct mail_part;
struct fingerprint;
struct mail_milters;
struct recall;
struct transaction;

struct mail_fate {		/* of one recipient that was taken */
	size_t		 rcpt;		/* in the envelope, unless discarded */
	bool		 is_discarded;	/* by a rule */
	bool		 is_told;	/* filters have heard of him */
	bool		 is_deleted;	/* by a filter */
	bool		 is_added;	/* by a filter: the client knows nothing
					   of him */
	struct mail_part *part;		/* NULL: no backend was asked for him */
	const struct reply *answer;	/* to the message; NULL: none yet */
	const struct err *why;		/* it is ours; NULL: it is not */
	/* If he does not have the mail already: a filter's that has heard of
	 * him late, or the backend's or a rule's to RCPT, if he was taken since
	 * he seems to have it; else NULL. */
	const struct reply *refused;
	bool		 seems_to_have_it;
	bool		 is_known;	/* it was given when he got it before */
	bool		 is_claimed;	/* by this mail, until it is known */
	bool		 is_kept;	/* it is known that he has it */
};

struct mail {
	struct arena	*arena;
	struct session	*session;
	unsigned	 number;	/* in its session, from 1 */
	int64_t		 started;	/* clock_now() */
	struct stages	 stages;	/* from MAIL on; the others are the
					   session's */
	struct envelope	 envelope;
	size_t		 rcpts_cap;
	size_t		 refused;	/* recipients answered 4yz or 5yz */
	/* The first of them, for the line of a mail that has no other. */
	struct span	 refused_to;
	struct reply	*refusal;	/* NULL: none was */
	struct mail_fate *fates;	/* in the order of RCPT */
	size_t		 nfates, fates_cap;
	size_t		 discarded;	/* of them */
	bool		 is_alone;	/* it must not have two of them */
	const struct rule *rule;	/* who decided on the mail */
	/* Who discarded one, or refused the first: of a mail that has no
	 * recipient. */
	const struct rule *rcpt_rule;
	const char	*rcpt_milter;	/* the same: the filter */
	struct mail_part *parts;	/* by backend; mail_parts.h */
	struct mail_part *asked;	/* about the recipient at hand */
	const struct envelope *sender;	/* a filter's; NULL: the client's */
	struct fingerprint *print;	/* NULL: nobody needs it */
	struct spool	*spool;
	int64_t		 message_began;
	struct dotstream in;
	struct header_scan header;
	bool		 has_bdat;
	bool		 is_too_large;	/* and no longer kept */
	struct err	 spool_err;	/* kind 0: none */
	struct err	 failure;	/* why a 451 is ours; kind 0: none */
	struct reply	*answer;	/* to the message; NULL: none yet */
	enum action_kind fate;		/* of a message that was taken */
	size_t		 ok, temp, perm, known;	/* recipients */
	bool		 is_mixed;
	/* Why the memory of deliveries did not do its work; kind 0: it did, or
	 * there is none. */
	struct err	 forgotten;
	bool		 forgets;	/* so it is not asked any more */
	struct mail_milters *milters;	/* NULL: no filter can hear of it */
	struct recall	*recall;	/* mail_recall.c's */
	struct transaction *transaction;	/* its recipients so far; NULL:
						   none was told */
	struct findings	*found;		/* that is known; set at its end */
	bool		 has_marks;	/* the same: for the last recipient */
};

struct mail	*mail_begin(struct session *s);
/* Who was taken by the backend that was asked last, or (not NULL) refused by it
 * or by a rule and is taken all the same: he seems to have it. Copied. */
void		 mail_add_rcpt(struct mail *m, const struct rcpt *r,
		    unsigned needs, const struct reply *refused);
void		 mail_add_discarded(struct mail *m);
/* Where the message goes to; opened at DATA or the first BDAT. */
void		 mail_open_message(struct mail *m, bool bdat);
/* Octets as the client sent them; stops at the end of a DATA message and
 * leaves in *in what comes after. */
void		 mail_feed(struct mail *m, struct span *in);
/* The same, read from the client: at least one octet, at most `max`. Returns
 * how many were taken, or -1 as conn_fill(). */
MAY_YIELD ssize_t mail_read(struct mail *m, uint64_t max, int64_t deadline,
		    struct err *err);
/* All has come: what does not depend on the backend is judged (line ends,
 * size, header, hops), then the backend is given the message. */
MAY_YIELD struct reply mail_deliver(struct mail *m);
/* Records what the client is told of the message, and returns it. */
struct reply	mail_answer(struct mail *m, struct reply r);
/* Nothing more of it is kept: it will be refused. */
bool		mail_is_lost(const struct mail *m);

/* --- mail_fates.c, mail_recall.c, mail_marks.c: what becomes of it for each
 * recipient --- */

/* There is a memory of deliveries for it. */
bool		 mail_remembers(const struct mail *m);
/* It does no harm if its recipients have different fates: the client asks for
 * each, or there is a memory and it works. */
bool		 mail_tells_apart(const struct mail *m);
/* What an earlier try has left for this recipient, if this is the same mail:
 * not even a backend that will not have him now takes back what he has got, and
 * *refusal is his if he was refused. From somewhere else it may well be another
 * mail: only the message tells, so it must be one of his alone. */
enum rcpt_past { PAST_NONE, PAST_DELIVERED, PAST_REFUSED,
    PAST_REFUSED_ELSEWHERE };
MAY_YIELD enum rcpt_past mail_recall_rcpt(struct mail *m,
		    struct arena *scratch, const struct rcpt *rcpt,
		    struct reply *refusal);
/* The same for one who was PAST_NONE, before he is told a refusal: what another
 * worker or gateway has left in this second counts too. */
MAY_YIELD bool	 mail_has_got_it(struct mail *m, struct arena *scratch,
		    const struct rcpt *rcpt);
/* Who has got it before has an answer then, and who is getting it just now. Who
 * will not deliver it to the others does not claim them. */
MAY_YIELD void	 mail_recall(struct mail *m, bool claims,
		    bool is_quarantined);
/* The same answer to all who have none yet. */
void		 mail_answer_rest(struct mail *m, const struct reply *r);
/* All have an answer: it is kept who got it, and told. */
MAY_YIELD struct reply mail_settle(struct mail *m);

/* --- mail_log.c --- */
/* A line for each recipient, since they differ. */
void		 mail_log_fates(const struct mail *m);
/* One for each whom a filter has added and the message was refused for. */
void		 mail_log_lost(const struct mail *m);
/* The "mail done" line. */
void		 mail_log_done(const struct mail *m);
/* Writes the line and frees the mail. */
MAY_YIELD void	 mail_end(struct mail **m);
/* The same without a line: it never was a mail (bad MAIL command). */
MAY_YIELD void	 mail_drop(struct mail **m);
#endif
