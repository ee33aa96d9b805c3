#ifndef GATEWAY_NAMER_H
#define GATEWAY_NAMER_H
#include <stdbool.h>
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/dns.h"
#include "base/fiber.h"
/*
 * namer -- a client's reverse name, looked up beside the dialogue
 *
 * A lookup begins with the session and is waited for only where its result is
 * needed. Its fiber ends with the lookup, so an idle session has one stack.
 *
 * Memory    the namer is its owner's until namer_take() or namer_drop(); both
 *           null the pointer. The name is copied into the arena given.
 * Yields    only namer_take(), if the lookup is still under way.
 */
struct namer;

struct namer	*namer_start(const struct addr *ip, int64_t timeout);
bool		 namer_is_done(const struct namer *n);
/* The confirmed name, or NULL; *result says why. When this fiber is told to
 * stop, the result is DNS_REVERSE_TEMPERROR. */
MAY_YIELD const char *namer_take(struct namer **n, struct arena *a,
		    enum dns_reverse *result);
void		 namer_drop(struct namer **n);
#endif
