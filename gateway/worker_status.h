#ifndef GATEWAY_WORKER_STATUS_H
#define GATEWAY_WORKER_STATUS_H
#include <stdbool.h>
#include "base/buf.h"
#include "base/dns.h"
#include "gateway/listener.h"
/*
 * worker_status -- how a worker and all that it talks to are, as JSON
 *
 * One object: "backends", "milters", "lists" and "store" as they tell of
 * themselves, "resolver", "sessions", "stress", "log". The worker writes it
 * on its board once a second; `forepost status`, the page and the endpoint
 * show what is there, so nobody asks a worker and a worker that hangs has its
 * last words shown.
 *
 * Resolver  it is down after RESOLVER_FAILURES lookups without one that was
 *           answered: a name whose servers are broken is asked for again and
 *           again by one client, and does not make it so by itself as long as
 *           others are answered.
 */
#define RESOLVER_FAILURES	10

struct resolver_watch {
	struct dns_stats	before;
	uint64_t		failures;	/* since the last answer */
};

/* Once a second; true: it is up. */
bool	worker_status_resolver(struct resolver_watch *r,
	    const struct dns_stats *now);
void	worker_status(const struct worker *w, bool resolver_is_up,
	    struct buf *out);
#endif
