#ifndef FILTERS_AUTHRES_H
#define FILTERS_AUTHRES_H
#include <stdbool.h>
#include <stddef.h>
#include "base/arena.h"
#include "base/buf.h"
#include "base/span.h"
/*
 * authres -- the Authentication-Results field that we write        RFC 8601
 *
 *	Authentication-Results: mx.example.org;
 *		spf=pass smtp.mailfrom=a@x.example;
 *		dkim=pass (2048-bit key) header.d=x.example header.s=s1
 *		header.b="Ab/dEf12";
 *		dmarc=pass (p=reject) header.from=x.example
 *
 * One field for all methods; without a result it says "none" (2.2). Values
 * come from outside, and no octet of theirs can end the value, the result or
 * the line. By kind:
 * - a domain: as A-labels in lower case;
 * - a mailbox: local-part "@" domain, the local part a quoted string if it
 *   has to be; "@" domain; or a domain;
 * - a text: a token.
 * Whatever is not of its kind is put as a quoted string, in which what cannot
 * be shown is "?". Only the local part, texts, reasons and comments can hold
 * UTF-8, and only if the message was sent with SMTPUTF8 (6532, 8601 2.2):
 * domains are A-labels always, so that every reader can compare them.
 *
 * Of one result, the values that are quoted strings come last: some readers
 * do not know that something can follow them.
 *
 * Memory    `a` is for work; the field goes into `out`
 * Limits    a value longer than AUTHRES_VALUE_MAX octets is left out with its
 *           name, since a part of it could be somebody else's; a reason is
 *           cut at that length, a comment at FIELD_COMMENT_MAX. Lines have at
 *           most 78 octets if words allow it, and never more than 998.
 */
#define AUTHRES_VALUE_MAX	400	/* more than any mailbox or domain */
#define AUTHRES_PROPERTIES	8	/* of one result */

enum authres_kind { AUTHRES_TEXT, AUTHRES_DOMAIN, AUTHRES_MAILBOX };

struct authres_property {
	const char		*name;	/* "header.d"; of our making */
	enum authres_kind	 kind;
	struct span		 value;
};

struct authres_entry {
	const char	*method;	/* "dkim"; of our making, as is ... */
	const char	*result;	/* "pass" */
	struct span	 comment;	/* "": none */
	struct span	 reason;	/* "": none */
	struct authres_property	properties[AUTHRES_PROPERTIES];
	size_t		 nproperties;
};

struct authres {
	const char	*authserv_id;
	bool		 utf8;		/* the message came with SMTPUTF8 */
	struct authres_entry *entries;
	size_t		 n;
};

void	authres_write(struct arena *a, struct buf *out,
	    const struct authres *r);
/* Adds a property to an entry, if the value is not empty. */
void	authres_add(struct authres_entry *e, const char *name,
	    enum authres_kind kind, struct span value);
#endif
