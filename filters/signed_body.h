#ifndef FILTERS_SIGNED_BODY_H
#define FILTERS_SIGNED_BODY_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/span.h"
#include "filters/canon.h"
#include "filters/digest.h"
/*
 * signed_body -- the digests of a body that signatures were made over
 *                                                      RFC 6376 3.7, 3.4.5
 *
 * Of the simple and the relaxed form, whole or of their first octets (l=);
 * all at once while the body arrives, in any pieces. Each form is made once,
 * whatever number of signatures wants it, and each length is hashed once.
 *
 * Memory    ends with the arena
 */
struct signed_body;

struct body_digest {
	uint64_t	 length;	/* octets hashed, at most */
	uint64_t	 total;		/* octets the form has */
	uint8_t		 digest[DIGEST_SIZE];
	/* signed_body.c's own */
	struct digest	*hash;
	struct body_digest *next;
};

struct signed_body *signed_body_create(struct arena *a);
/* Before the first octets. The same for the same form and length; UINT64_MAX
 * is all of it. Filled in by signed_body_end(). */
const struct body_digest *signed_body_want(struct signed_body *b,
	    enum canon form, uint64_t length);
void	signed_body_add(struct signed_body *b, struct span octets);
void	signed_body_end(struct signed_body *b);
#endif
