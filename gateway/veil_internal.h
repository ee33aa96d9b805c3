#ifndef GATEWAY_VEIL_INTERNAL_H
#define GATEWAY_VEIL_INTERNAL_H
#include <stdbool.h>
#include <stddef.h>
#include "gateway/veil.h"
/*
 * veil_internal -- what the files of a veil share
 *
 * veil.c	what is hidden, hashes, addresses within a text
 * veil_known.c	the names in front of the @ of a mail's own addresses, wherever
 *		they stand alone
 */
#define VEIL_BUCKETS	256

struct veil_name {
	struct span	 local;		/* as it is found in texts */
	struct span	 address;	/* of which the hash is */
	size_t		 next;		/* in its bucket, from 1 on; 0: none */
};

struct veil_known {
	struct veil_name *names;
	size_t		 n, cap;
	size_t		 buckets[VEIL_BUCKETS];
	size_t		 work;		/* left of VEIL_WORK */
};

void	veil_known_begin(struct veil_known *k);
void	veil_known_free(struct veil_known *k);
/* `address` lives as long as the record. */
void	veil_known_add(struct veil_known *k, struct span address);
/* The longest one that begins at text.p[at], as a word, and how much of the
 * text it is: not all of the name if the text is cut. NULL: none. */
const struct veil_name *veil_known_at(struct veil_known *k, struct span text,
	    size_t at, size_t *len);
bool	veil_known_is_in(struct veil_known *k, struct span text);
/* Another address is in front of the @ of this one, or one of the names. It
 * may be without its @ and what is behind that. */
bool	veil_known_is_within(struct veil_known *k, struct span address);
bool	veil_is_address_like(struct span text);
#endif
