#ifndef FILTERS_CHECKS_H
#define FILTERS_CHECKS_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "base/span.h"
#include "conf/settings.h"
#include "filters/arc.h"
#include "filters/dmarc.h"
#include "filters/dnsbl.h"
#include "filters/signature.h"
#include "filters/spf.h"
#include "policy/author.h"
#include "policy/envelope.h"
#include "policy/fields.h"
/*
 * checks -- all checks of a client and of its mails, side by side
 *
 * Each check begins as soon as what it needs is known, in a fiber of its own,
 * and is waited for only at the end of the message:
 *
 *	client_checks_begin()	the address: DNS lists
 *	mail_checks_begin()	HELO name and sender: SPF, DNS lists, the DMARC
 *				record of the sender's domain ahead of need
 *	mail_checks_header()	keys of signatures, DMARC, lists of domains
 *	mail_checks_body()	octets are hashed as they come
 *	mail_checks_finish()	everything that was found
 *
 * The reverse name of the client is looked up beside them by who needs it for
 * other things too. What the settings switch off is not looked up.
 *
 * Yields    only mail_checks_finish() and client_checks_settle(), within the
 *           timeouts of the checks.
 * Memory    findings live in the arena of the mail. Checks under way end by
 *           themselves when their client or mail has ended.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Never     replies, logs or adds header fields.
 */
struct checker;			/* what all checks of a worker share */
struct client_checks;
struct mail_checks;

/* Once in a process, on the main stack, before it locks itself in. Errors:
 * ERR_UNAVAIL, a library did not start. */
int		 checks_open(const struct settings *settings, struct err *err);
void		 checks_close(void);
/* Starts the probes of DNS lists, whose suspensions and returns are told to
 * `report`. The settings are kept by pointer. It ends with the arena, which
 * outlives all fibers. */
struct checker	*checker_create(struct arena *a,
		    const struct settings *settings,
		    dnsbl_event_fn *report, void *owner);
/* Stops the probes; from now on no list is asked any more. */
void		 checker_stop(struct checker *c);
bool		 checker_is_probed(const struct checker *c);
const struct dnsbl *checker_lists(const struct checker *c);	/* or NULL */

/* The client is copied, as far as it is needed. */
struct client_checks *client_checks_begin(struct checker *c,
		    const struct client *client);
/* Waits for what is under way for the client. */
MAY_YIELD int	 client_checks_settle(struct client_checks *of,
		    struct err *err);
void		 client_checks_end(struct client_checks **c);

struct findings {
	const struct spf_answer		*spf;	/* NULL: not checked, as */
	const struct spf_answer		*spf_helo;	/* all that follow */
	const struct signature_answer	*dkim;
	const struct author		*author;
	const struct dmarc_answer	*dmarc;
	const struct arc_answer		*arc;
	const struct dnsbl_answer	*lists;	/* of client and mail */
	const struct fields		*header;
};

/* The client's checks are kept by pointer, what else is given is copied. Ends
 * with the arena. */
struct mail_checks *mail_checks_begin(struct arena *a,
		    struct client_checks *of, const struct client *client,
		    const struct envelope *envelope);
/* The whole header, with its empty line or without; kept by pointer too. */
void		 mail_checks_header(struct mail_checks *m, struct span text);
/* In any pieces. */
void		 mail_checks_body(struct mail_checks *m, struct span octets);
MAY_YIELD int	 mail_checks_finish(struct mail_checks *m,
		    struct findings *out, struct err *err);
#endif
