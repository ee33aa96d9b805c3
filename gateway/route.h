#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H
#include <stddef.h>
#include <stdint.h>
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
#include "conf/settings.h"
#include "policy/address.h"
/*
 * route -- which backend takes this recipient
 *
 * An exact recipient ("u@a.example") wins over a local part ("u@") of any
 * routed domain, that over an exact domain, that over the longest suffix
 * (".a.example"), that over "*". "postmaster" without a domain
 * (RFC 5321 4.5.1) goes with the first route. What no route takes is
 * relaying and is refused by the caller: never an open relay.
 *
 * Redis     a hash there has the same kinds of names, but "*", as fields. It is
 *           asked for those that the routes in the file do not take, or only by
 *           "*", in one operation. A local part in the file is one of its
 *           domains too, and wins over its own. It is never asked for what the
 *           file names, which goes on without Redis. "postmaster" is a field
 *           for when no route of the file has a backend.
 * Limits    of the suffixes of a domain those are looked for in Redis that
 *           policy/set_ask.h says.
 * Yields    if Redis is asked.
 * Errors    ROUTE_UNKNOWN. ERR_CLOSED: this fiber must stop. Any other: Redis
 *           did not say, or names a backend that is none: our failure, so the
 *           recipient is told 451.
 */
#define ROUTE_NONE		(-1)
#define ROUTE_UNKNOWN		(-2)

struct lookup;
struct routes;
/* The lookup (lookup.h) answers for Redis; NULL: nobody does. */
struct routes	*routes_create(struct arena *a, const struct settings *s,
		    struct lookup *lookup);
/* Index of the backend in settings.backends, or one of the above.
 * `rests_until` as in lookup.h. */
MAY_YIELD int	 route_find(const struct routes *r,
		    const struct address *rcpt, int64_t *rests_until,
		    struct err *err);
#endif
