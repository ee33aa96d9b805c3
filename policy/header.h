#ifndef POLICY_HEADER_H
#define POLICY_HEADER_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/err.h"
#include "base/span.h"
/*
 * header -- the message header as it streams past            RFC 5322 2.2
 *
 * header_feed() is given the message from its first octet, in any pieces, and
 * stops caring at the empty line. It counts what the limits need, and tells
 * where our own trace header can stand: when the message does not begin with
 * a header field (nothing, a line without a colon, white space), an empty
 * line must follow ours, or text of the body would become header.
 */
struct header_scan {
	uint64_t	size;		/* octets, the empty line included */
	uint64_t	fields;		/* lines that do not continue one */
	uint64_t	received;	/* Received: fields */
	bool		done;		/* the header is over */
	bool		is_headless;	/* begins with something else: all of
					   it is body, the counts are 0 */
	/* the rest is header.c's own */
	unsigned char	state;
	unsigned char	match;
};

void	header_scan_begin(struct header_scan *h);
void	header_feed(struct header_scan *h, struct span bytes);
/* At the end of the message; it matters if the empty line never came. */
void	header_scan_end(struct header_scan *h);
#endif
