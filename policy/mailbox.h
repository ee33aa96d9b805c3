#ifndef POLICY_MAILBOX_H
#define POLICY_MAILBOX_H
#include <stdbool.h>
#include <stddef.h>
#include "base/err.h"
#include "base/idn.h"
#include "base/span.h"
/*
 * mailbox -- the addresses in a From, Sender or Reply-To field
 *                                    RFC 5322 3.4, 4.4, RFC 6532, RFC 6854
 *
 *	if (mailbox_list_begin(value, &list, &err) < 0)
 *		...
 *	while ((r = mailbox_next(&list, &box, &err)) > 0)
 *		... box.domain ...
 *
 * Takes the value of a field, folded or not. Knows display names, quoted
 * strings, comments to any depth, groups, routes and the rest of the obsolete
 * syntax. What the grammar does not allow is an error, since readers differ
 * on where the address is; but for these, on which they agree:
 *
 *	ACME [Sales] <a@x.example>	brackets in a display name
 *	a@x.example via L <b@x.example>	an address in a display name, if its
 *					domain is the same
 *	Name: a@x.example		a group that is not closed
 *	Doe, John <a@x.example>		commas in a display name, if no address
 *					can be hidden in front of them (in an
 *					encoded word, as a quoted @)
 *	a..b.@x.example			dots anywhere in a local part
 *	octets above 127 that are no UTF-8, but in a domain
 *
 * Memory    none: a mailbox is filled in place.
 * Errors    ERR_SYNTAX, says what was found at which octet.
 * Limits    linear in the text, and no deeper stack for deeper comments.
 */
struct mailbox_list {
	struct span	 text;
	size_t		 at;
	bool		 in_group;
	bool		 in_name;	/* "Doe," was read */
};
struct mailbox {
	char		 domain[IDN_LONGEST + 1]; /* as written, without
						     comments and blanks */
	bool		 is_literal;		/* [192.0.2.1] */
};

/* Errors: a control character, a CR or LF that is no folding. */
int	mailbox_list_begin(struct span value, struct mailbox_list *list,
	    struct err *err);
/* 1: the next one; 0: no more. */
int	mailbox_next(struct mailbox_list *list, struct mailbox *box,
	    struct err *err);
#endif
