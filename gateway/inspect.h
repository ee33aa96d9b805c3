#ifndef GATEWAY_INSPECT_H
#define GATEWAY_INSPECT_H
#include "base/buf.h"
#include "base/log.h"
#include "base/span.h"
#include "gateway/mail.h"
/*
 * inspect -- the checks of one mail, from MAIL to its last octet
 *
 * Not inspected is mail of clients that are this machine itself, are on a
 * unix socket, or are in the networks of `unchecked`: for those every call
 * here does nothing.
 */
struct inspection;

/* Whether this client's mails are inspected. */
bool		 inspect_applies(const struct session *s);
/* At MAIL. Waits for what the checks of a mail before, that was broken off,
 * have still under way: a client that begins mails without end makes no more
 * lookups than one that sends them. Errors: ERR_CLOSED, this fiber must
 * stop. */
MAY_YIELD int	 inspect_begin(struct mail *m, struct err *err);
/* Waits until nothing is under way for this client any more. */
MAY_YIELD int	 inspect_settle(struct session *s, struct err *err);
/* The client is another one now, or has left. */
void		 inspect_forget(struct session *s);
/* The next octets of the message, behind header_feed(). */
void		 inspect_feed(struct mail *m, struct span octets);
/* All has come: waits for what is still under way. Errors: ERR_CLOSED, this
 * fiber must stop. */
MAY_YIELD int	 inspect_finish(struct mail *m, struct err *err);
/* Behind that: the fields that go on top of our Received. */
void		 inspect_put_fields(struct mail *m, struct buf *out);
/* The header without what is to be removed from it, if that is anything; the
 * spool then begins behind the header. */
void		 inspect_put_header(struct mail *m, struct buf *out);
void		 inspect_log(const struct mail *m, struct logline *l);
#endif
