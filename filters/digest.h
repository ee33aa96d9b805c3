#ifndef FILTERS_DIGEST_H
#define FILTERS_DIGEST_H
#include <stdint.h>
#include "base/span.h"
/*
 * digest -- SHA-256 of text that comes in pieces
 *
 * OpenSSL fails here only for want of memory, which ends the process.
 */
#define DIGEST_SIZE	32

struct digest;

struct digest	*digest_begin(void);
/* A second one that goes on from here. */
struct digest	*digest_copy(const struct digest *d);
void		 digest_add(struct digest *d, struct span s);
/* Fills in `out` and frees the rest. */
void		 digest_end(struct digest **d, uint8_t out[DIGEST_SIZE]);
void		 digest_drop(struct digest **d);
#endif
