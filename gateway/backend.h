#ifndef GATEWAY_BACKEND_H
#define GATEWAY_BACKEND_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/json_write.h"
#include "base/spool.h"
#include "conf/settings.h"
#include "gateway/reply.h"
#include "policy/envelope.h"
/*
 * backend -- where mail goes: SMTP, LMTP and Maildir       RFC 5321, 2033
 *
 * A worker has one struct backends: each configured backend with the health
 * of its addresses, what they said they can do, and a pool of open
 * connections. A mail has one transaction (struct backend_tx) with exactly
 * one backend. The first recipient connects it (from the pool, or anew, with
 * failover over the addresses) and sends MAIL and RCPT in one flight; its
 * answer is the backend's own. A kept connection that turns out dead is
 * replaced unseen, once, as long as no recipient was accepted over it.
 *
 * Promise   backend_send() gives a recipient a 2yz only if the backend said 2yz
 *           to the message for it. When the reply is lost, the answer is 451
 *           and the log says so: the mail may then be there twice, never
 *           nowhere.
 * Answers   are for each recipient alone with LMTP, and with SMTP where the
 *           backend offers PRDR (draft-hall-prdr) and makes use of it; else
 *           there is one, for all.
 * Refusals  a refusal of MAIL is the answer to every recipient. A refusal
 *           (4yz, 5yz) passes as it came, but 421 and what speaks of the
 *           dialogue and not of the mail (500, 502, 503, 555) never does: that
 *           and a reply that makes no sense at its place (354 to RCPT, 250 to
 *           DATA, an answer too many, no number) ends the connection and
 *           is an error, or after the end of the message a 451. An ability
 *           that the mail needs and no address offers is 451 4.3.5.
 * Yields    for the dialogue, within the backend's own timeouts.
 * Errors    -1 for a failure to get a usable answer; err says which backend
 *           and address, what was said last, what happened: ERR_TIMEOUT,
 *           ERR_SYNTAX (nonsense), ERR_UNAVAIL (all else, the backend's
 *           leaving too), ERR_CLOSED (this fiber must stop). The caller answers
 *           451 (reply_err) and logs; the transaction is over, each later
 *           call fails in the same way.
 * Logs      state changes ("backend down", "backend up", "backend tls
 *           broken"), "reply lost after the end of the message", Maildir
 *           deliveries that failed.
 */
struct backends;
struct backend;
struct backend_tx;

/* Starts a probe fiber for each address (not for Maildir, whose folder is
 * made and checked here). Maildir deliveries bring threads, with the first
 * of them. The settings are kept by pointer. */
struct backends	*backends_create(const struct settings *settings,
		    struct err *err);
/* Closes idle connections (QUIT) and stops the probes. Its memory goes, and
 * the settings are free, when its fibers and the last transaction have
 * ended: the loop must still turn. */
void		 backends_destroy(struct backends **b);
struct backend	*backends_at(struct backends *b, size_t index);
const char	*backend_name(const struct backend *b);
/* -1: none is called so. */
int		 backends_find(const struct backends *b, struct span name);

/* What all backends can do (the intersection of their last EHLO answers; one
 * that was never reached does not count, and with none known it is what a
 * Maildir can do) and the smallest SIZE (0: none stated). CHUNKING and
 * PIPELINING are ours to offer and not part of it. */
unsigned	 backends_abilities(const struct backends *b,
		    uint64_t *max_size);

/* The first probe of every address has come to an end, good or bad. */
bool		 backends_are_probed(const struct backends *b);

/* `a` is the mail's arena: the transaction registers its own end there.
 * Client, envelope and id are kept by pointer. Each recipient that was taken is
 * added to the envelope's before the next call. */
struct backend_tx *backend_begin(struct arena *a, struct backend *b,
		    const struct client *client,
		    const struct envelope *envelope, const char *session_id);
MAY_YIELD int	 backend_rcpt(struct backend_tx *tx, const struct rcpt *rcpt,
		    struct reply *answer, struct err *err);

/* Nothing will be said for a while: the connection goes back to the pool. The
 * next recipient, or the message, begins the transaction anew, with every
 * recipient that the envelope then holds: before the message some may have
 * been taken out of it. */
void		 backend_rest(struct backend_tx *tx);

/* That it begins anew is not left for later: the envelope has another sender.
 * 1: somebody is refused now, *answer says how, and it rests again. */
MAY_YIELD int	 backend_renew(struct backend_tx *tx, struct reply *answer,
		    struct err *err);

struct backend_message {
	/* What stands before the spool's octets: our header fields and, where
	 * it was changed, the header; whole lines with CRLF ends. */
	struct span	 trace;
	struct spool	*spool;
	bool		 has_dots;	/* a line of it may begin so */
	bool		 ends_in_crlf;
	bool		 is_binary;	/* BINARYMIME: only by BDAT */
};
/* *answers: one for each recipient of the envelope, in its order, 2yz, 4yz or
 * 5yz; in the arena of the transaction. */
MAY_YIELD int	 backend_send(struct backend_tx *tx,
		    const struct backend_message *message,
		    const struct reply ***answers, struct err *err);
/* For the log: "inside smtp://10.0.0.5:25", or the name alone before a
 * connection exists. */
const char	*backend_where(const struct backend_tx *tx);
/* Ends the transaction: the connection goes back to the pool (RSET, if one is
 * needed, goes with the next mail) or is closed. Called by the arena too;
 * twice is harmless. */
void		 backend_end(struct backend_tx *tx);

/* One line a backend address: name, url, up/down/unknown, open, idle, since. */
void		 backends_status(const struct backends *b, struct json_out *o);
#endif
