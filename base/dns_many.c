#include "base/clock.h"
#include "base/dns.h"
#include "base/fiber.h"

/* All lookups of one call; on the stack of the fiber that asks. */
struct batch {
	struct arena		*arena;
	int64_t			 deadline;
	struct fiber		*asker;
	size_t			 left;		/* still under way */
};
struct lookup {
	struct batch		*batch;
	struct dns_query	*query;
	struct fiber		*fiber;
	struct err		 err;
	int			 ret;
};

static MAY_YIELD int
look_up(struct arena *a, struct dns_query *q, int64_t deadline,
    struct err *err)
{
	int64_t began = clock_now();
	int ret = dns_lookup(a, q->name, q->type, deadline, &q->answer, err);

	q->us = clock_now() - began;
	return ret;
}

static MAY_YIELD void
run_lookup(void *arg)
{
	struct lookup *l = arg;
	struct batch *b = l->batch;

	l->ret = look_up(b->arena, l->query, b->deadline, &l->err);
	if (--b->left == 0)
		fiber_wake(b->asker);
}

/* Each lookup has a deadline, so only a stop cuts the wait short. */
static MAY_YIELD int
await_all(const struct batch *b, struct err *err)
{
	while (b->left > 0)
		if (fiber_wait(CLOCK_NEVER, err) < 0)
			return -1;
	return 0;
}

MAY_YIELD int
dns_lookup_all(struct arena *a, struct dns_query *queries, size_t n,
    int64_t deadline, struct err *err)
{
	struct batch b = { a, deadline, fiber_self(), n };
	struct lookup *all;
	struct err never;
	int ret;

	if (n == 1)	/* a single question costs no fiber */
		return look_up(a, queries, deadline, err);
	all = arena_new_n(a, n, struct lookup);
	for (size_t i = 0; i < n; i++) {
		all[i].batch = &b;
		all[i].query = &queries[i];
		all[i].fiber = fiber_spawn_joinable("dns", run_lookup,
		    &all[i]);
	}
	ret = await_all(&b, err);
	for (size_t i = 0; i < n; i++) {
		if (ret < 0)
			fiber_stop(all[i].fiber);
		fiber_join(&all[i].fiber, CLOCK_NEVER, &never);
		if (ret == 0 && all[i].ret < 0) {
			*err = all[i].err;
			ret = -1;
		}
	}
	return ret;
}
