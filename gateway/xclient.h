#ifndef GATEWAY_XCLIENT_H
#define GATEWAY_XCLIENT_H
#include <stdbool.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/span.h"
#include "policy/envelope.h"
/*
 * xclient -- XCLIENT and XFORWARD: another's client, told in a command
 *
 * Postfix's extensions, as its XCLIENT_README and XFORWARD_README say:
 * "XCLIENT NAME=... ADDR=...", values in xtext, [UNAVAILABLE] for what is not
 * known and [TEMPUNAVAIL] for what could not be found out now. Who may say it
 * is the session's business, and so is starting the dialogue anew.
 */
enum xclient_attribute {
	XCLIENT_NAME		= 1 << 0,
	XCLIENT_ADDR		= 1 << 1,
	XCLIENT_PORT		= 1 << 2,
	XCLIENT_PROTO		= 1 << 3,
	XCLIENT_HELO		= 1 << 4,
	XCLIENT_LOGIN		= 1 << 5,
	XCLIENT_DESTADDR	= 1 << 6,
	XCLIENT_DESTPORT	= 1 << 7,
	XCLIENT_IDENT		= 1 << 8,	/* XFORWARD only */
	XCLIENT_SOURCE		= 1 << 9	/* XFORWARD only */
};
/* What follows the keyword in an EHLO answer: "NAME ADDR PORT". Names that
 * are not known to us do not count. */
unsigned	xclient_attributes(struct span names);

/* Parses the arguments of an XCLIENT command and changes what they name in
 * *client; nothing is changed if anything is wrong. What is told to be
 * unavailable becomes unknown (name NULL, port 0, no login). A changed address
 * without a name makes the name unknown too: it was another client's. Strings
 * are copied into the arena.
 * Errors: ERR_SYNTAX; the answer to it is 501 5.5.4. */
int		xclient_parse(struct arena *a, struct span args,
		    struct client *client, struct err *err);

/* Appends the commands that tell `client` to a backend which offers these
 * attributes: none, one or more lines of at most 512 octets, each with CRLF.
 * Returns how many. After each XCLIENT line a backend greets anew. */
unsigned	xclient_format(struct buf *out, const struct client *client,
		    unsigned offered);
unsigned	xclient_format_forward(struct buf *out,
		    const struct client *client, const char *ident,
		    unsigned offered);
#endif
