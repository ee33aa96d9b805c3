#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/backend_internal.h"

#define BACK_OFF_STEPS	3	/* rests grow to 8 times retry_time */

/* --- which address --- */

static bool
is_tried(const struct backend_addr *addr, uint64_t tried)
{
	return (tried >> (addr - addr->backend->addrs)) & 1;
}

static bool
is_candidate(const struct backend_addr *addr, uint64_t tried)
{
	return !is_tried(addr, tried) && addr->rest_until <= clock_now();
}

/* Draws one of the candidates by weight; NULL if there is none. */
static struct backend_addr *
draw(struct backend *b, uint64_t tried)
{
	struct backend_addr *addr = NULL;
	uint32_t total = 0, at;
	size_t i, n = 0;

	for (i = 0; i < b->naddrs; i++)
		if (is_candidate(&b->addrs[i], tried)) {
			addr = &b->addrs[i];
			total += addr->url->weight;
			n++;
		}
	if (n < 2)
		return addr;
	at = arc4random_uniform(total);
	for (i = 0; i < b->naddrs; i++) {
		addr = &b->addrs[i];
		if (!is_candidate(addr, tried))
			continue;
		if (at < addr->url->weight)
			break;
		at -= addr->url->weight;
	}
	return addr;
}

static struct backend_addr *
longest_rested(struct backend *b, uint64_t tried)
{
	struct backend_addr *found = NULL;
	size_t i;

	for (i = 0; i < b->naddrs; i++)
		if (!is_tried(&b->addrs[i], tried) && (found == NULL ||
		    b->addrs[i].failed_at < found->failed_at))
			found = &b->addrs[i];
	return found;
}

struct backend_addr *
backend_health_choose(struct backend *b, uint64_t tried, bool *has_forced)
{
	struct backend_addr *addr = draw(b, tried);

	if (addr == NULL && !*has_forced) {
		/* All rest: trying one is better than refusing outright. */
		*has_forced = true;
		addr = longest_rested(b, tried);
	}
	/* One mail finds out whether it is back, the others stay away. */
	if (addr != NULL && addr->is_down && b->naddrs > 1)
		addr->rest_until = clock_now() + b->conf->retry_time;
	return addr;
}

/* --- up and down --- */

void
backend_health_up(struct backend_addr *addr)
{
	struct logline l;

	addr->failures = 0;
	addr->rest_until = 0;
	if (!addr->is_down)
		return;
	log_begin(&l, LOG_LABEL_INFO, NULL, "backend up");
	log_z(&l, "backend", addr->where);
	log_int(&l, "after", (clock_now() - addr->since) / CLOCK_S);
	log_end(&l);
	addr->is_down = false;
	addr->since = clock_now();
}

void
backend_health_down(struct backend_addr *addr, const struct err *why)
{
	int64_t now = clock_now();
	struct logline l;

	/* Connections that were begun together fail together: that is one
	 * failure, not many. */
	if (!addr->is_down || now >= addr->failed_at +
	    addr->backend->conf->retry_time)
		addr->failures++;
	addr->failed_at = now;
	addr->why = *why;
	addr->rest_until = now + (addr->backend->conf->retry_time <<
	    (addr->failures <= BACK_OFF_STEPS ? addr->failures - 1 :
	    BACK_OFF_STEPS));
	if (addr->is_down)
		return;
	addr->is_down = true;
	addr->since = now;
	log_begin(&l, LOG_LABEL_WARN, NULL, "backend down");
	log_z(&l, "backend", addr->where);
	log_z(&l, "why", why->text);
	log_end(&l);
}

/* --- what it can do --- */

void
backend_health_learn(struct backend_addr *addr, unsigned abilities,
    uint64_t max_size)
{
	addr->is_known = true;
	addr->abilities = abilities;
	addr->max_size = max_size;
	addr->learnt = clock_now();
}

/* --- probes --- */

static MAY_YIELD void
probe(struct backend_addr *addr)
{
	struct backend_link *l;
	struct err err;

	if (!backend_pool_try(addr))
		return;		/* all are busy: it lives */
	if (backend_open(addr, &l, &err) == 0) {
		backend_health_up(addr);
		if (addr->nidle == 0)	/* one in reserve is enough */
			backend_pool_give(&l);
		else
			backend_pool_dismiss(&l);
	} else if (err.kind != ERR_CLOSED) {
		backend_health_down(addr, &err);
	}
}

/* Each new connection of a mail tells as much as a probe does. */
static bool
wants_probe(const struct backend_addr *addr, int64_t interval)
{
	return !addr->is_known || addr->is_down ||
	    clock_now() - addr->learnt >= interval;
}

static void
probe_fiber(void *arg)
{
	struct backend_addr *addr = arg;
	struct backends *all = addr->backend->all;
	int64_t interval = addr->backend->conf->probe_interval, spread;
	struct err err;

	do {
		if (wants_probe(addr, interval))
			probe(addr);
		/* Workers that began together drift apart. */
		spread = arc4random_uniform((uint32_t)(interval / 8 /
		    CLOCK_MS + 1)) * CLOCK_MS;
	} while (!all->is_ending &&
	    fiber_sleep(interval + spread, &err) == 0);
	addr->probe = NULL;
	backends_leave(all);
}

void
backend_health_start(struct backend_addr *addr)
{
	struct backend *b = addr->backend;

	addr->since = clock_now();
	if (addr->maildir != NULL) {
		backend_health_learn(addr, BACKEND_OF_MAILDIR, 0);
		return;
	}
	if (b->conf->probe_interval == 0)
		return;
	b->all->nusers++;
	addr->probe = fiber_spawn("probe", probe_fiber, addr);
}
