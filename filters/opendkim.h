#ifndef FILTERS_OPENDKIM_H
#define FILTERS_OPENDKIM_H
#include <stddef.h>
#include "base/arena.h"
#include "base/dns.h"
#include "base/span.h"
#include "filters/signature.h"
#include "filters/signature_field.h"
#include "policy/fields.h"
/*
 * opendkim -- the other engine for DKIM signatures: libopendkim 2.11
 *
 * For the answers that OpenDKIM and what is built upon it give. It gets the
 * fields of the header and those signatures that signature_field.h finds
 * valid, and asks for a key through its hook, when the answer is there
 * already. It knows nothing of time, limits and DNS of its own.
 *
 * What it gets to read is limited, since messages can do it harm:
 * - one that h= names more fields than the header has makes it write one
 *   pointer behind an array: all its memory has some room at the end;
 * - it needs memory for a line of the body as a whole: lines are limited;
 * - of a key record, it gets those tags that a key is made of: it cuts text
 *   behind 1024 octets.
 *
 * Limits    OPENDKIM_FIELD octets in a signature, OPENDKIM_LINE in a line of
 *           the body: beyond them the result is PERMERROR.
 */
#define OPENDKIM_FIELD	60000	/* it fails beyond 64 KiB, for all of them */
#define OPENDKIM_LINE	(1024 * 1024)

struct opendkim;		/* one message */

/* Where the library stands at the end with one signature. */
struct opendkim_verdict {
	const struct signature_field	*field;
	const struct dns_answer		*key;	/* before opendkim_finish() */
	enum signature_result		 result;
	const char			*reason;	/* or NULL */
	int				 bits;
	bool				 is_test;
};

struct opendkim	*opendkim_begin(struct arena *a, const struct fields *header,
		    struct opendkim_verdict *verdicts, size_t n);
void		 opendkim_body(struct opendkim *o, struct span octets);
void		 opendkim_finish(struct opendkim *o);

/* One handle in a process, on the main stack, before it locks itself in. */
int		 opendkim_open(struct err *err);
void		 opendkim_close(void);
#endif
