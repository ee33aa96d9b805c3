#ifndef GATEWAY_CROWD_H
#define GATEWAY_CROWD_H
#include <stdint.h>
#include "base/addr.h"
/*
 * crowd -- how many sessions each network has now
 *
 * A network is a /24 or a /64 (network_of). Only networks with a session
 * take room. Unix clients belong to none and are never counted.
 */
struct crowd;
struct crowd_member;

struct crowd		*crowd_create(void);
void			 crowd_destroy(struct crowd **c);
uint64_t		 crowd_count(const struct crowd *c,
			    const struct addr *a);
/* NULL if it is not counted. Each is left once. */
struct crowd_member	*crowd_enter(struct crowd *c, const struct addr *a);
void			 crowd_leave(struct crowd_member *m);
#endif
