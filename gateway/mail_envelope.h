#ifndef GATEWAY_MAIL_ENVELOPE_H
#define GATEWAY_MAIL_ENVELOPE_H
#include "base/err.h"
#include "base/fiber.h"
#include "gateway/mail.h"
#include "milter/dialogue.h"
/*
 * mail_envelope -- what a filter changes of a mail's sender and recipients
 *
 * Behind the end of the message, before it is delivered. Who is added goes
 * where the routes say, and his backend is asked; of another sender the backends
 * are told at once, in transactions that are begun anew. Rules, the delivery memory and the log go on with what the client
 * said.
 *
 * add       nothing if he is there already, else one more who gets the mail.
 *           The client knows nothing of him. If his backend fails with the
 *           message (4yz) it has to come again: the outcome is mixed (mail.h),
 *           and with PRDR too there is one reply. If it refuses the message for
 *           good that is logged, and no reply tells of it, unless nobody else
 *           would get it: coming again would help nobody.
 * delete    an address in any case, with or without < >; who is not there: no
 *           error. He is told 250 and gets nothing, unless somebody refuses
 *           him or the message.
 * sender    the last one counts; of its parameters RET, ENVID, SMTPUTF8 and
 *           BODY, but not from or to BINARYMIME
 * DSN       what a filter wants of it (NOTIFY, ORCPT, RET, ENVID) is left out
 *           where the backend cannot do it
 * all       in their order, or none: what the filter did before is as it was.
 *
 * Yields    for routes and backends, within their timeouts.
 * Errors    ERR_SYNTAX: what the filter wants cannot be (an address, a
 *           parameter, no route, a 5yz of the backend), and why. Any other: it
 *           may be possible later (route or backend do not answer, a 4yz).
 *           ERR_CLOSED: this fiber must stop.
 * Limits    max_recipients of the listener
 */
MAY_YIELD int	mail_envelope_edit(struct mail *m, const struct edits *edits,
		    struct err *err);
/* The message is refused: all that filters have changed of its recipients is of
 * no interest. */
void		mail_envelope_forget(struct mail *m);
/* Nobody is left who would get it. */
bool		mail_envelope_is_empty(const struct mail *m);
#endif
