#ifndef GATEWAY_TRACE_H
#define GATEWAY_TRACE_H
#include "base/buf.h"
#include "policy/envelope.h"
/*
 * trace -- the header fields that we add on top     RFC 5321 4.4, 3848, 6531
 *
 *	Received: from HELO (NAME [ADDRESS])
 *		(using TLSv1.3 with cipher X (256/256 bits))
 *		by HOSTNAME (Forepost) with ESMTPS id ID
 *		for <rcpt>; Sun, 22 Nov 2026 01:50:18 +0000
 *
 * Folded further where a line would pass 78 octets. "for" only when there is
 * exactly one recipient. What comes from outside is made harmless: a name can
 * never add a line or end a comment.
 */
struct trace {
	const char		*hostname;
	const char		*id;
	const struct client	*client;
	const struct envelope	*envelope;
	int64_t			 when;		/* clock_wall() */
	bool			 is_headless;	/* add the empty line */
};
void	trace_received(struct buf *out, const struct trace *t);
/* "ESMTPS"                                              RFC 3848, 6531 4.3 */
const char *trace_protocol(const struct client *c, const struct envelope *e);
/* clock_wall(), in words; until the next call.     RFC 5321 4.4, RFC 5322 3.3 */
struct span trace_date(int64_t when);
#endif
