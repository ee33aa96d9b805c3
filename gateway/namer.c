#include "base/clock.h"
#include "gateway/namer.h"

struct namer {
	struct arena	*arena;		/* the namer itself lives here */
	struct addr	 ip;
	int64_t		 timeout;
	struct fiber	*fiber;		/* NULL: it has ended */
	struct fiber	*waiter;
	bool		 is_dropped;	/* nobody wants to know any more */
	enum dns_reverse result;
	const char	*name;
};

static void
namer_free(struct namer *n)
{
	struct arena *a = n->arena;

	arena_destroy(&a);
}

static MAY_YIELD void
look_up(void *arg)
{
	struct namer *n = arg;
	struct err err;

	if (dns_reverse_name(n->arena, &n->ip, clock_now() + n->timeout,
	    &n->result, &n->name, &err) < 0)
		n->result = DNS_REVERSE_TEMPERROR;
	n->fiber = NULL;
	if (n->is_dropped)
		namer_free(n);
	else if (n->waiter != NULL)
		fiber_wake(n->waiter);
}

struct namer *
namer_start(const struct addr *ip, int64_t timeout)
{
	struct arena *a = arena_create("name");
	struct namer *n = arena_new(a, struct namer);

	n->arena = a;
	n->ip = *ip;
	n->timeout = timeout;
	n->result = DNS_REVERSE_TEMPERROR;
	n->fiber = fiber_spawn("name", look_up, n);
	return n;
}

bool
namer_is_done(const struct namer *n)
{
	return n->fiber == NULL;
}

MAY_YIELD const char *
namer_take(struct namer **np, struct arena *a, enum dns_reverse *result)
{
	struct namer *n = *np;
	const char *name = NULL;
	struct err err;

	n->waiter = fiber_self();
	while (n->fiber != NULL && fiber_wait(CLOCK_NEVER, &err) == 0)
		;	/* the lookup has a deadline of its own */
	n->waiter = NULL;
	*result = DNS_REVERSE_TEMPERROR;
	if (n->fiber == NULL) {
		*result = n->result;
		if (n->result == DNS_REVERSE_OK)
			name = arena_strdup(a, n->name);
	}
	namer_drop(np);
	return name;
}

void
namer_drop(struct namer **np)
{
	struct namer *n = *np;

	*np = NULL;
	if (n == NULL)
		return;
	if (n->fiber == NULL) {
		namer_free(n);
		return;
	}
	n->is_dropped = true;
	fiber_stop(n->fiber);
}
