#ifndef GATEWAY_MAIL_H
#define GATEWAY_MAIL_H
#include <stdbool.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/spool.h"
#include "gateway/backend.h"
#include "gateway/dotstream.h"
#include "gateway/session.h"
#include "policy/envelope.h"
#include "policy/header.h"
#include "policy/rule.h"
/*
 * mail -- one transaction, from MAIL to its final reply
 *
 * Ends by the final reply, RSET, EHLO, STARTTLS or disconnect. All it owns is
 * in its arena or closed by it: envelope, spool, backend transaction. Ending
 * it is one call, which also writes the "mail done" line that explains it.
 */
struct mail {
	struct arena	*arena;
	struct session	*session;
	unsigned	 number;	/* in its session, from 1 */
	int64_t		 started;	/* clock_now() */
	struct envelope	 envelope;
	size_t		 rcpts_cap;
	size_t		 refused;	/* recipients answered 4yz or 5yz */
	/* The first of them, for the line of a mail that has no other. */
	struct span	 refused_to;
	struct reply	*refusal;	/* NULL: none was */
	size_t		 discarded;	/* recipients, by a rule */
	const struct rule *rule;	/* who decided on the mail */
	/* Who discarded one, or refused the first: of a mail that has no
	 * recipient. */
	const struct rule *rcpt_rule;
	int		 backend;	/* index of its route; -1: none yet */
	struct backend_tx *tx;
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
	size_t		 ok, temp, perm;	/* LMTP outcomes */
};

struct mail	*mail_begin(struct session *s);
void		 mail_add_rcpt(struct mail *m, const struct rcpt *r); /* copies */
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
/* mail_log.c: the "mail done" line. */
void		mail_log_done(const struct mail *m);
/* Writes the line and frees the mail. */
void		 mail_end(struct mail **m);
/* The same without a line: it never was a mail (bad MAIL command). */
void		 mail_drop(struct mail **m);
#endif
