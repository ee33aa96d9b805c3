#ifndef TESTS_KIT_MAIL_SERVER_H
#define TESTS_KIT_MAIL_SERVER_H
#include <stdbool.h>
#include <stddef.h>
#include "base/addr.h"
#include "base/buf.h"
#include "base/fiber.h"
#include "base/tls.h"
/*
 * mail_server -- an SMTP or LMTP server in the test's own process
 *
 * Fibers on the test's loop serve connections to 127.0.0.1 or a unix socket.
 * It takes everything, but where a rule says otherwise: rules are what makes
 * it a bad server. What it was told is in its log, one line a command:
 * "1 MAIL FROM:<a@x.example>" for the first connection; " +" at the end says
 * that more had come with it, in the same packet.
 *
 *	at	what is answered: "connect", "EHLO" (LHLO too), "MAIL", "RCPT",
 *		"DATA", "BDAT", "message" (the end of it), "XCLIENT", ...
 *	say	the answer, lines separated by "\n"; then, or alone, "!hang"
 *		(says nothing more), "!close" or "!reset". "" says nothing and
 *		goes on with the next command.
 *	conn	only on the n-th connection; 0: on each
 *	nth	only the n-th time on its connection; 0: each time
 */
#define MAIL_SERVER_RULES 8

struct mail_server_rule {
	const char	*at, *say;
	unsigned	 conn, nth;
};

struct mail_server {
	/* set by the test, at any time */
	const char	*offers;	/* EHLO keywords, separated by "\n" */
	bool		 is_lmtp;
	struct mail_server_rule rules[MAIL_SERVER_RULES];
	const struct tls_server *tls;	/* for STARTTLS, or at once */
	bool		 is_implicit_tls;

	struct addr	 addr;		/* where it is */
	unsigned	 connections, open;
	unsigned	 messages;	/* taken with a 2yz */
	struct buf	 log;
	struct buf	 message;	/* the last one, as it was meant */

	struct mail_server_listen *listen;	/* its own */
	struct mail_server_client *clients;
	bool		 is_ended;
};

void	mail_server_begin(struct mail_server *s);	/* any port */
void	mail_server_begin_unix(struct mail_server *s, const char *path);
/* Connections are refused, until it listens again at the same place. */
void	mail_server_refuse(struct mail_server *s);
void	mail_server_listen(struct mail_server *s);
/* Closes all open connections; it goes on listening. */
void	mail_server_hang_up(struct mail_server *s);
/* Ends all. Its fibers need some turns of the loop to be gone. */
void	mail_server_end(struct mail_server *s);
/* Forgets rules, counts and log. Open connections stay. */
void	mail_server_forget(struct mail_server *s);
/* The verbs of the log, "1 EHLO MAIL+ RCPT 2 EHLO"; good until the next. */
const char *mail_server_verbs(struct mail_server *s);
bool	mail_server_was_told(struct mail_server *s, const char *text);
#endif
