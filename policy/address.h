#ifndef POLICY_ADDRESS_H
#define POLICY_ADDRESS_H
#include <stdbool.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/span.h"
/*
 * address -- mailboxes and domains                     RFC 5321 4.1.2, 6531
 *
 * A mailbox is kept as it was written, its local part still quoted. UTF-8
 * (RFC 6531) is valid only if `utf8`.
 *
 * Lenient where real senders need it: the local part may be longer than 64
 * octets as long as the whole fits a path of 256 (bounce addresses that carry
 * the recipient do that), and its dots may stand anywhere.
 */
struct address {
	struct span	text;		/* as written, without < >; "" = null */
	struct span	local;		/* as written */
	struct span	domain;		/* as written; "" only for postmaster */
	bool		utf8;		/* holds octets above 127 */
};

/* Errors: ERR_SYNTAX, says what was found at which octet. */
int	address_parse(struct span text, bool utf8, struct address *out,
	    struct err *err);
/* A name as RFC 5321 allows after EHLO: letters, digits, hyphens in labels of
 * 1-63, at most 255; underscore is let through, as everyone does. */
bool	domain_is_valid(struct span name, bool utf8);
/* [192.0.2.1], [IPv6:...] and general address literals. */
bool	domain_is_literal(struct span name);
struct address address_copy(struct arena *a, const struct address *from);
#endif
