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
#include "filters/rdns.h"
#include "filters/signature.h"
#include "filters/spf.h"
#include "policy/author.h"
#include "policy/envelope.h"
#include "policy/fields.h"
/*
 * checks -- all checks of a client and of its mails, side by side
 *
 * Each check begins when its owner says so, in a fiber of its own, and is
 * waited for only where its result is asked for:
 *
 *	client_checks_start()	the address: its name, DNS lists
 *	client_checks_helo()	the HELO name: its addresses, SPF, DNS lists
 *	mail_checks_begin()	the sender: SPF, whether its domain takes mail,
 *				DNS lists, its DMARC record ahead of need
 *	mail_checks_header()	keys of signatures, DMARC, lists of domains
 *	mail_checks_body()	octets are hashed as they come
 *	mail_checks_finish()	everything that was found
 *
 * Only what is wanted is looked up: what rules ask for and what our header
 * fields say (enum check). What the settings switch off is not wanted.
 *
 * Yields    those that are marked, within the timeouts of the checks.
 * Memory    findings live in the arena of the mail. Checks under way end by
 *           themselves when their client or mail has ended.
 * Errors    -1 only with ERR_CLOSED: this fiber must stop.
 * Never     replies, logs or adds header fields.
 */
enum check {
	CHECK_NAME	= 1 << 0,	/* the client's confirmed name */
	CHECK_LISTS	= 1 << 1,
	CHECK_HELO	= 1 << 2,	/* addresses of the HELO name */
	CHECK_SPF_HELO	= 1 << 3,
	CHECK_SPF	= 1 << 4,
	CHECK_SENDER	= 1 << 5,	/* its domain accepts mail */
	CHECK_DKIM	= 1 << 6,
	CHECK_DMARC	= 1 << 7,	/* makes use of SPF and DKIM */
	CHECK_ARC	= 1 << 8
};
struct checker;			/* what all checks of a worker share */
struct client_checks;
struct mail_checks;

/* Once in a process, on the main stack, before it locks itself in. Errors:
 * ERR_UNAVAIL, a library did not start. */
int		 checks_open(const struct settings *settings, struct err *err);
void		 checks_close(void);

struct checker_options {
	const struct settings	*settings;	/* outlive it, as do the lists */
	const struct dnsbl_list	*lists;
	size_t			 nlists;
	unsigned		 wants;		/* bits of enum check */
	dnsbl_event_fn		*report;	/* NULL: nobody */
	void			*owner;
};
/* Starts the probes of DNS lists, whose suspensions and returns are told to
 * `report`. It ends with the arena, which outlives all fibers. */
struct checker	*checker_create(struct arena *a,
		    const struct checker_options *options);
/* Stops the probes; from now on no list is asked any more. */
void		 checker_stop(struct checker *c);
bool		 checker_is_probed(const struct checker *c);
const struct dnsbl *checker_lists(const struct checker *c);	/* or NULL */

/* --- a client --- */

/* `wants` is a part of the checker's. Nothing begins yet. */
struct client_checks *client_checks_begin(struct checker *c, unsigned wants);
/* The client is copied, as far as it is needed. */
void		 client_checks_start(struct client_checks *of,
		    const struct client *client);
/* Begins what hangs on the HELO name, unless that was done. */
void		 client_checks_helo(struct client_checks *of,
		    const struct client *client);
/* The name and what became of it go into the client; the name lives in `a`. A
 * client that has one, or whose name is not wanted, keeps what it has. */
bool		 client_checks_has_name(const struct client_checks *of);
MAY_YIELD int	 client_checks_name(struct client_checks *of,
		    struct arena *a, struct client *client, struct err *err);
/* These give NULL for what was not begun. */
MAY_YIELD int	 client_checks_spf(struct client_checks *of,
		    const struct spf_answer **answer, struct err *err);
MAY_YIELD int	 client_checks_resolve(struct client_checks *of,
		    const struct rdns_helo **answer, struct err *err);
/* What the lists say of the client, and of its HELO name or without that; in
 * `a`. */
MAY_YIELD int	 client_checks_lists(struct client_checks *of,
		    bool with_helo, struct arena *a,
		    const struct dnsbl_answer **answer, struct err *err);
/* Waits for what the HELO name before set off, unless it is still the same. */
MAY_YIELD int	 client_checks_settle_helo(struct client_checks *of,
		    const struct client *client, struct err *err);
/* Waits for what is under way for the client. */
MAY_YIELD int	 client_checks_settle(struct client_checks *of,
		    struct err *err);
void		 client_checks_end(struct client_checks **c);

/* --- a mail --- */

struct findings {
	const struct spf_answer		*spf;	/* NULL: not checked, as */
	const struct spf_answer		*spf_helo;	/* all that follow */
	const struct signature_answer	*dkim;
	const struct author		*author;
	const struct dmarc_answer	*dmarc;
	const struct arc_answer		*arc;
	const struct dnsbl_answer	*lists;	/* of client and mail */
	bool				 has_all_lists;	/* or some are still
							   being asked */
	const struct rdns_helo		*helo;
	const struct rdns_sender	*sender;
	const struct fields		*header;
};

/* The client's checks are kept by pointer, what else is given is copied. Ends
 * with the arena. */
struct mail_checks *mail_checks_begin(struct arena *a,
		    struct client_checks *of, const struct client *client,
		    const struct envelope *envelope);
/* As of the client. */
MAY_YIELD int	 mail_checks_spf(struct mail_checks *m,
		    const struct spf_answer **answer, struct err *err);
MAY_YIELD int	 mail_checks_sender(struct mail_checks *m,
		    const struct rdns_sender **answer, struct err *err);
/* Those of the client too, in `a`. */
MAY_YIELD int	 mail_checks_lists(struct mail_checks *m, struct arena *a,
		    const struct dnsbl_answer **answer, struct err *err);
/* Both are kept by pointer. */
void		 mail_checks_header(struct mail_checks *m,
		    const struct fields *header, const struct author *author);
/* In any pieces. */
void		 mail_checks_body(struct mail_checks *m, struct span octets);
/* What is known without waiting, for the log: of a client (m NULL) or a mail.
 * What has to be joined for that lives in `a`. */
void		 checks_known(struct client_checks *of,
		    struct mail_checks *m, struct arena *a,
		    struct findings *out);
/* Everything. A second call gives the same. */
MAY_YIELD int	 mail_checks_finish(struct mail_checks *m,
		    struct findings *out, struct err *err);
#endif
