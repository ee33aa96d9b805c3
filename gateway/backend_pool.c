#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "gateway/backend_internal.h"
#include "gateway/stats.h"

#define GOODBYE_TIMEOUT	(2 * CLOCK_S)	/* for the answer to QUIT */
/* Servers count errors and grow slow, or leave (Postfix: after 10 and 20
 * without a message). The next client must not pay for the last one's. */
#define REFUSALS_MAX	5

/* --- places --- */

static bool
has_place(const struct backend *b)
{
	uint64_t max = b->conf->max_connections;

	return max == 0 || b->nopen < max;
}

/* An idle connection can always be used, or make place for another. */
static bool
can_go(const struct backend *b)
{
	return has_place(b) || b->nidle > 0;
}

static void
wake_first_waiter(struct backend *b)
{
	if (b->waiters != NULL && can_go(b))
		fiber_wake(b->waiters->fiber);
}

static void
take_place(struct backend_addr *addr)
{
	addr->nopen++;
	addr->backend->nopen++;
}

void
backend_pool_release(struct backend_addr *addr)
{
	addr->nopen--;
	addr->backend->nopen--;
	wake_first_waiter(addr->backend);
}

/* First come, first served. */
static MAY_YIELD int
await_turn(struct backend *b, struct err *err)
{
	struct backend_waiter self = { .fiber = fiber_self() }, **w;
	int64_t deadline = clock_now() + b->conf->connect_timeout;
	int ret = 0;

	if (b->waiters == NULL && can_go(b))
		return 0;
	*b->waiters_end = &self;
	b->waiters_end = &self.next;
	while (ret == 0 && !(b->waiters == &self && can_go(b)))
		ret = fiber_wait(deadline, err);
	for (w = &b->waiters; *w != &self; w = &(*w)->next)
		;
	*w = self.next;
	if (*w == NULL)
		b->waiters_end = w;
	if (ret == 0)
		return 0;
	wake_first_waiter(b);	/* who was behind may be able to go */
	if (err->kind == ERR_CLOSED)
		return -1;
	return err_set(err, ERR_TIMEOUT, "all %zu connections are in use",
	    b->nopen);
}

/* --- connections --- */

struct backend_link *
backend_pool_add(struct backend_addr *addr, struct conn *conn)
{
	struct backend_link *l = mem_zalloc(sizeof(*l), "backend connection");

	l->addr = addr;
	l->conn = conn;
	l->born = clock_now();
	stats_add(STAT_BACKEND_CONNECTS, 1);
	stats_add(STAT_BACKEND_OPEN, 1);
	return l;
}

static void
link_free(struct backend_link *l)
{
	stats_add(STAT_BACKEND_OPEN, -1);
	conn_close(&l->conn);
	buf_free(&l->client);
	free(l);
}

void
backend_pool_discard(struct backend_link **l)
{
	link_free(*l);
	*l = NULL;
}

/* Gives its place up; what is left to do is QUIT, if that makes sense. */
static void
leave(struct backend_link *l)
{
	struct backend *b = l->addr->backend;

	backend_pool_release(l->addr);
	if (l->is_broken || b->keeper == NULL) {
		link_free(l);
		return;
	}
	l->next = b->leaving;
	b->leaving = l;
	fiber_wake(b->keeper);
}

static struct backend_link *
pop_idle(struct backend_addr *addr)
{
	struct backend_link *l = addr->idle;

	if (l == NULL)
		return NULL;
	addr->idle = l->next;
	addr->nidle--;
	addr->backend->nidle--;
	return l;
}

static bool
is_worn(const struct backend_link *l)
{
	const struct backend_conf *conf = l->addr->backend->conf;

	return l->uses >= conf->max_uses || l->refusals >= REFUSALS_MAX ||
	    clock_now() - l->born >= conf->max_age;
}

/* The one used last, since it is the likeliest to be alive. */
static struct backend_link *
take_idle(struct backend_addr *addr)
{
	struct backend_link *l;

	while ((l = pop_idle(addr)) != NULL) {
		if (conn_is_stale(l->conn))
			l->is_broken = true;
		else if (!is_worn(l))
			return l;
		leave(l);
	}
	return NULL;
}

/* Takes those out that have been idle since before `before`, oldest at the
 * end of each list. Returns how long the others may stay. */
static int64_t
expire_idle(struct backend *b, int64_t before)
{
	int64_t oldest = CLOCK_NEVER;
	struct backend_link **end, *l;
	size_t i;

	for (i = 0; i < b->naddrs; i++) {
		end = &b->addrs[i].idle;
		while (*end != NULL && (*end)->idle_since > before) {
			if ((*end)->idle_since < oldest)
				oldest = (*end)->idle_since;
			end = &(*end)->next;
		}
		while ((l = *end) != NULL) {
			*end = l->next;
			b->addrs[i].nidle--;
			b->nidle--;
			l->is_broken |= conn_is_stale(l->conn);
			leave(l);
		}
	}
	return oldest == CLOCK_NEVER ? CLOCK_NEVER :
	    oldest + b->conf->idle_time;
}

/* Room for a connection to another address of the backend. */
static void
make_place(struct backend *b)
{
	struct backend_link *l;
	size_t i;

	for (i = 0; !has_place(b) && i < b->naddrs; i++)
		if ((l = pop_idle(&b->addrs[i])) != NULL)
			leave(l);
}

MAY_YIELD int
backend_pool_take(struct backend_addr *addr, bool fresh,
    struct backend_link **l, struct err *err)
{
	struct backend *b = addr->backend;

	if (await_turn(b, err) < 0)
		return -1;
	*l = fresh ? NULL : take_idle(addr);
	if (*l == NULL) {
		make_place(b);
		take_place(addr);
	}
	wake_first_waiter(b);
	return 0;
}

bool
backend_pool_try(struct backend_addr *addr)
{
	if (addr->backend->waiters != NULL || !has_place(addr->backend))
		return false;
	take_place(addr);
	return true;
}

void
backend_pool_give(struct backend_link **lp)
{
	struct backend_link *l = *lp;
	struct backend *b = l->addr->backend;

	*lp = NULL;
	/* An answer that nobody asked for would be taken for the next. */
	if (conn_input(l->conn).len > 0 || conn_pending(l->conn) > 0)
		l->is_broken = true;
	if (l->is_broken || b->all->is_ending || is_worn(l) ||
	    b->nidle >= b->conf->max_idle) {
		leave(l);
		return;
	}
	l->is_kept = true;
	l->idle_since = clock_now();
	l->next = l->addr->idle;
	l->addr->idle = l;
	l->addr->nidle++;
	b->nidle++;
	wake_first_waiter(b);
	if (b->keeper != NULL &&
	    b->keeper_until > l->idle_since + b->conf->idle_time)
		fiber_wake(b->keeper);
}

void
backend_pool_dismiss(struct backend_link **l)
{
	leave(*l);
	*l = NULL;
}

/* --- good-bye --- */

/* Tells all of them, then waits for all of them. */
static MAY_YIELD void
say_goodbye(struct backend *b)
{
	struct backend_link *list = b->leaving, *l;
	int64_t deadline = clock_now() + GOODBYE_TIMEOUT;
	struct reply r;
	struct err err;

	b->leaving = NULL;
	for (l = list; l != NULL; l = l->next) {
		conn_puts(l->conn, "QUIT\r\n");
		if (conn_flush(l->conn, deadline, &err) < 0)
			l->is_broken = true;
	}
	while ((l = list) != NULL) {
		list = l->next;
		if (!l->is_broken)
			reply_read(l->conn, deadline, &r, &err);
		link_free(l);
	}
}

/* What becomes idle or leaves while it waits for a good-bye wakes it in vain:
 * it looks again. */
static MAY_YIELD void
look_after(struct backend *b)
{
	bool has_waited;

	do {
		b->keeper_until = expire_idle(b, clock_now() -
		    b->conf->idle_time);
		has_waited = b->leaving != NULL;
		say_goodbye(b);
	} while (has_waited);
}

static void
keeper_fiber(void *arg)
{
	struct backend *b = arg;
	struct err err;

	do
		look_after(b);
	while (!b->all->is_ending &&
	    (fiber_wait(b->keeper_until, &err) == 0 ||
	    err.kind == ERR_TIMEOUT));
	say_goodbye(b);		/* those that the end has added */
	b->keeper = NULL;
	backends_leave(b->all);
}

void
backend_pool_start(struct backend *b)
{
	b->waiters_end = &b->waiters;
	b->keeper_until = CLOCK_NEVER;
	b->all->nusers++;
	b->keeper = fiber_spawn("keeper", keeper_fiber, b);
}

void
backend_pool_end(struct backend *b)
{
	expire_idle(b, CLOCK_NEVER);
}
