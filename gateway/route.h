#ifndef GATEWAY_ROUTE_H
#define GATEWAY_ROUTE_H
#include <stddef.h>
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
 */
struct routes;
struct routes	*routes_create(struct arena *a, const struct settings *s);
/* Index of the backend in settings.backends, or -1. */
int		 route_find(const struct routes *r,
		    const struct address *rcpt);
#endif
