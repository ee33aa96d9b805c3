#ifndef FILTERS_SIGNED_HEADER_H
#define FILTERS_SIGNED_HEADER_H
#include <stdint.h>
#include "base/span.h"
#include "filters/canon.h"
#include "filters/digest.h"
#include "policy/fields.h"
/*
 * signed_header -- the digest of the header that a signature was made over
 *                                                      RFC 6376 3.7, 5.4.2
 *
 * The fields that h= names, each name from the bottom up; one that is named
 * more often than it is there stands for nothing, so that a field put in
 * later breaks the signature. Then the field of the signature itself, without
 * the value of b=; it is never one of those that h= names.
 *
 * Limits    time is the product of names and fields, and linear in their text
 */
struct signed_header {
	const struct field	*self;
	struct span		 names;	/* h= */
	struct span		 cut;	/* b=: canon_signature() */
	enum canon		 form;
};

void	signed_header_digest(const struct fields *header,
	    const struct signed_header *what, uint8_t digest[DIGEST_SIZE]);
#endif
