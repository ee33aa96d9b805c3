#ifndef GATEWAY_MILTER_MACROS_H
#define GATEWAY_MILTER_MACROS_H
#include "base/arena.h"
#include "base/span.h"
#include "gateway/mail.h"
#include "gateway/session.h"
#include "milter/chain.h"
#include "milter/macro.h"
/*
 * milter_macros -- what filters are told beside the commands: the values
 *                                  sendmail's op.me 5.1, Postfix MILTER_README
 * They are what sendmail and Postfix give, as far as both agree; where they do
 * not, docs/milters.md says which.
 *
 *	i		the session's id, as in our log and Received; of a mail
 *			with its number behind it, "ID.2", since filters take
 *			it for the name of one message
 *	r, s, b		the protocol ("ESMTPS"), the HELO name, the date: with MAIL
 *	{daemon_name}	the listener, as sendmail's daemon has a name: filters
 *			tell by it who submits mail and who sends it in
 *	{client_name}	the confirmed name, or "unknown"; {client_ptr} also one
 *			that is not confirmed, and _ says so
 *	{mail_mailer}	"smtp"; {rcpt_mailer} how it goes on: "smtp", "lmtp",
 *			"local" (Maildir), or "error" of who is refused; then
 *			{rcpt_host} is the enhanced code and {rcpt_addr} why
 *
 * Each function sets those of `values` (MACRO_COUNT, by enum macro) that it
 * knows of. Memory: in the arena given, or what the client and the mail hold.
 */
/* Of the client, whose name has been looked up. */
void	milter_macros_client(struct arena *a, const struct session *s,
	    struct span *values);
/* Of his TLS, if there is one. */
void	milter_macros_tls(struct arena *a, const struct client *client,
	    struct span *values);
void	milter_macros_mail(struct arena *a, const struct mail *m,
	    struct span *values);
/* Those that change within a mail: how many recipients, and the message. The
 * numbers are written to `counts`, and are the same until the next command:
 * recipients who are refused must not grow the mail. */
struct milter_counts {
	char	taken[24], refused[24];
};
void	milter_macros_counts(struct arena *a, struct mail *m,
	    struct milter_counts *counts, struct span *values);
/* `host` and `mailer`: where one goes who was taken. */
void	milter_macros_rcpt(const struct chain_rcpt *rcpt, const char *mailer,
	    const char *host, struct span *values);
#endif
