#ifndef FILTERS_GREYLIST_IDENTITY_H
#define FILTERS_GREYLIST_IDENTITY_H
#include <stdbool.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/span.h"
/*
 * greylist_identity -- who is asked to come again
 *
 * A big sender tries again from another address, so an address says little.
 * In this order:
 *
 *	spf:big.example		the sender's domain, if SPF passes for it
 *	name:big.example	the confirmed reverse name of the client
 *	net:192.0.2.0/24	its network; /64 for IPv6
 *	net:local		it has no IP address
 *
 * Domains   stand for all below them: registrable domains by the public
 *           suffix list (with its private part, so that the customers of
 *           hosting services are not one). Who may put a name below one, or
 *           an SPF record, has it from the owner; big senders use many
 *           ("eu-west-1.", "em1234."), and small ones only one. The list is
 *           libpsl's built-in one: no file is read.
 * Apart     what proved the identity is a part of it. The mail servers of an
 *           access provider pass SPF; what its name says of a customer's
 *           line must not profit from it.
 * Names     that spell the address ("dyn-2-0-192.isp.example", in decimal or
 *           hexadecimal) name the network's owner, who is not the sender:
 *           otherwise the thousand infected machines of one provider would
 *           be one sender who has tried again. Then the network counts.
 * Memory    the text lives in the arena given; GREYLIST_IDENTITY_MAX octets
 *           at most.
 */
#define GREYLIST_IDENTITY_MAX	264	/* "spf:" and a name, or longer */

/* `spf`: the domain, if it passed; `name`: if it is confirmed; else NULL. */
struct span	greylist_identity(struct arena *a, const struct addr *client,
		    const char *spf, const char *name);
/* Of the client: "192.0.2.0/24", "local". */
struct span	greylist_identity_network(struct arena *a,
		    const struct addr *client);
/* The registrable domain of a name as DNS has it: lower case, A-labels; the
 * name itself if it has none (a public suffix, "localhost"). */
struct span	greylist_identity_domain(struct arena *a, struct span name);
/* The name spells the address. */
bool		greylist_identity_is_generic(const struct addr *client,
		    const char *name);
#endif
