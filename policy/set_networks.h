#ifndef POLICY_SET_NETWORKS_H
#define POLICY_SET_NETWORKS_H
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
/*
 * set_networks -- networks of one address family, found by longest prefix
 *
 * Sorted by their first address, shorter prefixes before longer ones; each
 * knows the next larger one around it. The last network that does not begin
 * behind an address lies within all those that hold the address: so they are
 * it, or above it. An index over some bits of the address shortens the search.
 *
 *	add, add, ...; build; find, find, ...
 *
 * Memory    about 10 octets for an IPv4 network, 22 for an IPv6 one.
 * Limits    less than 2^32 networks; a file that can be read has fewer. A look-up
 *           goes up 32 or 128 steps at the most.
 */
struct set_networks {
	unsigned	 width;		/* 4 or 16; set before the first */
	unsigned char	*list;		/* of address and prefix length */
	size_t		 n, cap;
	uint32_t	*above;		/* index of that around it */
	uint32_t	*first;		/* by bits: networks before these */
	unsigned	 skip, take;	/* the bits; take 0: no index */
};

void	set_networks_add(struct set_networks *s, const struct network *n);
void	set_networks_build(struct set_networks *s);
void	set_networks_free(struct set_networks *s);
size_t	set_networks_bytes(const struct set_networks *s);
/* The longest prefix of at most n->bits bits that holds all of `n`. */
bool	set_networks_find(const struct set_networks *s,
	    const struct network *n, struct network *found);
#endif
