#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H
#include <stddef.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/err.h"
/*
 * crowd -- how many sessions a client and those near it have, in all workers
 *
 *		IPv4		IPv6
 *	client	the address	/64: a host there has addresses without number
 *	network	/24		/64 (network_of)
 *	site	/24		/48: what one customer is given (RFC 6177 2)
 *
 * Unix clients belong to none of them and are never counted.
 *
 * The table is memory that the supervisor shares with its workers. Each worker
 * process has a share of its own in it, which nobody else writes; a count is
 * the sum over the shares of all that are alive. So there is no lock that
 * a killed worker could hold, and what it had counted is exactly what is in
 * its share: the supervisor empties that when it collects its end. The table
 * stays the same through all reloads.
 *
 * Who enters first and counts then is never let in beyond a limit, whatever
 * the others do meanwhile; two who come at once for the last place may both
 * be sent away.
 *
 * Limits    room for the sessions of each worker that crowd_create() was told
 *           of. A session that finds no place is not counted, so that no
 *           limit refuses it, and is noted in STAT_SESSIONS_UNCOUNTED.
 *           Two are taken for one if 44 bits of a cipher with a secret key
 *           agree, and its bucket: nobody can choose addresses that meet.
 * Memory    32 octets for each session of a share, when it is written to or
 *           looked into; address space for all shares.
 */
struct crowd;

struct crowd_counts {
	uint64_t	 client, network, site;
};

struct crowd_place {		/* one session's */
	struct crowd	*crowd;		/* NULL: it is not counted */
	uint64_t	*seats[2];	/* NULL: no room for this one */
};

/* --- supervisor --- */
struct crowd	*crowd_create(size_t sessions, size_t shares, struct err *err);
void		 crowd_destroy(struct crowd **c);
/* A worker's sessions for which there is room, and how many addresses and
 * networks fit into its share. */
size_t		 crowd_room(const struct crowd *c);
size_t		 crowd_networks(const struct crowd *c);
void		 crowd_begin_share(struct crowd *c, size_t n); /* before fork */
void		 crowd_end_share(struct crowd *c, size_t n);	/* it is gone */

/* --- worker --- */
void		 crowd_use_share(struct crowd *c, size_t n);	/* after fork */
void		 crowd_enter(struct crowd *c, const struct addr *a,
		    struct crowd_place *place);
void		 crowd_leave(struct crowd_place *place);	/* once */
void		 crowd_count(const struct crowd *c, const struct addr *a,
		    struct crowd_counts *counts);
#endif
