#include <assert.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/mem.h"
#include "milter/milters_internal.h"

/* --- the list of those that rest --- */

static struct dialogue *
pop(struct milters_filter *f, struct milters_idle **at)
{
	struct milters_idle *rest = *at;
	struct dialogue *d = rest->d;

	*at = rest->next;
	f->nidle--;
	free(rest);
	return d;
}

static MAY_YIELD void
quit(struct milters_filter *f, struct dialogue *d)
{
	f->nopen--;
	dialogue_quit(&d);
}

/* The one used last, since it is the likeliest to be alive. */
static MAY_YIELD struct dialogue *
take(struct milters_filter *f)
{
	struct dialogue *d;

	while (f->idle != NULL) {
		d = pop(f, &f->idle);
		if (dialogue_is_usable(d))
			return d;
		quit(f, d);
	}
	return NULL;
}

MAY_YIELD int64_t
milters_expire(struct milters_filter *f, int64_t before)
{
	int64_t next = CLOCK_NEVER;
	struct milters_idle **at = &f->idle;

	/* Newest first: the oldest of those that stay is looked at last. */
	for (; *at != NULL && (*at)->since > before; at = &(*at)->next)
		next = (*at)->since + f->conf->idle_time;
	while (*at != NULL)
		quit(f, pop(f, at));
	return next;
}

/* --- the keeper --- */

static MAY_YIELD void
keep(void *arg)
{
	struct milters *m = arg;
	int64_t until;
	struct err err;

	do {
		m->keeper_until = CLOCK_NEVER;
		for (size_t i = 0; i < m->n; i++) {
			struct milters_filter *f = &m->list[i];

			until = milters_expire(f, m->is_ending ? CLOCK_NEVER :
			    clock_now() - f->conf->idle_time);
			if (until < m->keeper_until)
				m->keeper_until = until;
		}
	} while (m->keeper_until != CLOCK_NEVER &&
	    (fiber_wait(m->keeper_until, &err) == 0 ||
	    err.kind == ERR_TIMEOUT));
	m->keeper = NULL;
	milters_leave(m);
}

void
milters_keep(struct milters *m)
{
	milters_enter(m);
	m->keeper_until = CLOCK_NEVER;
	m->keeper = fiber_spawn("milter keeper", keep, m);
}

static void
rest(struct milters_filter *f, struct dialogue *d)
{
	struct milters *m = f->all;
	struct milters_idle *r = mem_zalloc(sizeof(*r), "idle filter");

	r->d = d;
	r->since = clock_now();
	r->next = f->idle;
	f->idle = r;
	f->nidle++;
	if (m->keeper == NULL)
		milters_keep(m);
	else if (r->since + f->conf->idle_time < m->keeper_until)
		fiber_wake(m->keeper);
}

/* --- filters that do not answer all --- */

static bool
is_proved(const struct milters_filter *f, const struct dialogue *d)
{
	const struct terms *terms = dialogue_terms(d);

	return option_answers_all(terms) || f->proved == terms->steps;
}

struct proof {
	struct milters_filter	*filter;
	struct dialogue		*d;
};

static MAY_YIELD void
prove(void *arg)
{
	struct proof *p = arg;
	struct milters_filter *f = p->filter;
	uint32_t steps = dialogue_terms(p->d)->steps;

	if (dialogue_prove(p->d))
		f->proved = steps;
	f->is_proving = false;
	quit(f, p->d);
	free(p);
	milters_leave(f->all);
}

static void
begin_proof(struct milters_filter *f, struct dialogue *d)
{
	struct proof *p = mem_zalloc(sizeof(*p), "filter on trial");

	*p = (struct proof){ f, d };
	f->is_proving = true;
	milters_enter(f->all);
	fiber_spawn("milter proof", prove, p);
}

/* --- connections in use --- */

MAY_YIELD int
milters_open(struct milters_use *u, bool fresh, struct err *err)
{
	struct milters_filter *f = u->filter;
	int ret;

	assert(u->d == NULL);
	if (milters_may_try(u, err) < 0)
		return -1;
	u->d = fresh ? NULL : take(f);
	u->is_kept = u->d != NULL;
	f->stats.reused += u->is_kept;
	if (u->is_kept)
		return 0;
	u->is_waiting = true;
	f->nopen++;
	ret = dialogue_open(&f->dialogue, &u->d, err);
	u->is_waiting = false;
	if (ret < 0) {
		f->nopen--;
		f->stats.failed += err->kind != ERR_CLOSED;
		milters_failed(u, SMFIC_OPTNEG, err);
		return -1;
	}
	f->is_known = true;
	f->stats.opened++;
	milters_succeeded(u, SMFIC_OPTNEG, false);
	return 0;
}

static struct dialogue *
give_up(struct milters_use *u)
{
	struct dialogue *d = u->d;

	u->d = NULL;
	u->is_kept = false;
	if (u->filter->trial == u)
		u->filter->trial = NULL;
	return d;
}

MAY_YIELD void
milters_close(struct milters_use *u)
{
	struct dialogue *d = give_up(u);

	if (d != NULL)
		quit(u->filter, d);
}

MAY_YIELD void
milters_release(struct milters_use *u)
{
	struct milters_filter *f = u->filter;
	struct dialogue *d = give_up(u);

	if (d == NULL)
		return;
	if (f->all->is_ending || f->is_down || f->nidle >= f->conf->max_idle)
		quit(f, d);
	else if (!is_proved(f, d) && !f->is_proving)
		begin_proof(f, d);
	else if (is_proved(f, d) && dialogue_next(d))
		rest(f, d);
	else
		quit(f, d);
}
