#ifndef FILTERS_AUTHRES_RESULTS_H
#define FILTERS_AUTHRES_RESULTS_H
#include "base/arena.h"
#include "filters/authres.h"
#include "filters/checks.h"
#include "filters/received_spf.h"
#include "policy/envelope.h"
/*
 * authres_results -- what the checks found, in the words of RFC 8601 2.7
 *
 *	spf	smtp.mailfrom, and one of its own for smtp.helo; a mail with
 *		the null sender has only the latter (RFC 7208 2.4)
 *	dkim	each signature: header.d, .s, .i, .a, .b; bits of the key, test
 *		keys and partly signed bodies in a comment
 *	dmarc	header.from and policy.dmarc (what is asked of a mail that
 *		fails, after all options); what the record says in a comment
 *	iprev	policy.iprev; the confirmed name in a comment
 *	arc	header.oldest-pass, smtp.remote-ip (RFC 8617 10.1)
 *
 * What was not checked is not there. What is not a plain pass has a reason
 * where one is known.
 *
 * Memory    the entries and their texts live in the arena, or where the
 *           findings, client and envelope do
 */
void	authres_results(struct arena *a, const struct client *client,
	    const struct envelope *envelope, const struct findings *found,
	    struct authres *out);
/* RFC 7208 9.1: of the sender, or of the null sender's postmaster@HELO. The
 * SPF check was made. */
void	authres_results_spf(struct arena *a, const struct client *client,
	    const struct envelope *envelope, const struct findings *found,
	    const char *receiver, struct received_spf *out);
#endif
