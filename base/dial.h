#ifndef BASE_DIAL_H
#define BASE_DIAL_H
#include <stdint.h>
#include "base/addr.h"
#include "base/arena.h"
#include "base/err.h"
#include "base/fiber.h"
/*
 * dial -- connects a socket (TCP with TCP_NODELAY, or unix)
 *
 * Returns a non-blocking, close-on-exec descriptor that is the caller's.
 * Yields    until connected, at most until the deadline.
 * Errors    ERR_TIMEOUT, ERR_UNAVAIL (refused, unreachable, out of
 *           descriptors), ERR_CLOSED (this fiber must stop).
 * Tests     replace this file (tests/fake/dial.c).
 */
MAY_YIELD int	dial(const struct addr *to, int64_t deadline, int *fd,
		    struct err *err);
/* The addresses of a name in turn, each with its share of the time left; an
 * address is a name too. What is looked up lives in the arena. Errors: also
 * ERR_UNAVAIL, no address. (In dial_host.c, which tests do not replace.) */
MAY_YIELD int	dial_host(struct arena *a, const char *host, int port,
		    int64_t deadline, int *fd, struct err *err);
#endif
