#ifndef GATEWAY_MAIL_MEMORY_H
#define GATEWAY_MAIL_MEMORY_H
#include "gateway/fates.h"
#include "gateway/mail.h"
/*
 * mail_memory -- the delivery memory as one mail uses it
 *
 *	mail_marks.c	at RCPT, and what is left there for the next try
 *	mail_recall.c	who has it; claims, and what is kept of the answers
 *	mail_fates.c	the reply that comes of it
 *
 * Waits     for a store that does not answer `timeout` once in a mail; and as
 *           long at most for all that is asked before the message is delivered,
 *           and again behind that, however many recipients there are. With
 *           several backends the second may be twice as long.
 */
/* NULL: it is not asked now. */
struct store	*mail_memory(const struct mail *m);
/* After a store that did not answer the mail does without; one that cannot do
 * with one record may well have the next. */
void		 mail_memory_failed(struct mail *m, int64_t began,
		    const struct err *why);
/* What was refused, to somebody who does not come again for the others. */
bool		 mail_is_told(const struct mail *m);

/* For RCPT, when the mail comes again because of the others. */
MAY_YIELD int	 mail_leave_mark(struct mail *m, const struct mail_fate *f,
		    struct store *store, int64_t life, struct err *err);

/* Some have their answers while others wait for theirs: what they have got is
 * kept at once. */
MAY_YIELD void	 mail_keep_early(struct mail *m, const size_t *fates,
		    size_t n);
/* All have an answer, and the client is not told yet: if it is not told, it
 * comes again. */
MAY_YIELD void	 mail_keep(struct mail *m);
#endif
