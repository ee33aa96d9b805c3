#include <assert.h>

#include "base/clock.h"
#include "base/together.h"
#include "milter/chain_internal.h"

/*
 * The message, told to all. Filters that may edit are asked in the line, by the
 * fiber of the caller; the others in fibers of their own, begun when their turn
 * comes, and waited for at the end.
 */

/* --- beside --- */

static MAY_YIELD void
ask_beside(void *arg)
{
	struct chain_link *l = arg;
	struct chain *c = l->chain;

	chain_ask(l);
	if (--c->nasking == 0)
		fiber_wake(c->asker);
}

/* Not if there are too many at work already: then it is asked in the line. */
static bool
begin_beside(struct chain_link *l)
{
	struct chain *c = l->chain;

	if (!together_enlist(1))
		return false;
	c->asker = fiber_self();
	c->nasking++;
	l->fiber = fiber_spawn_joinable("milter", ask_beside, l);
	return true;
}

static MAY_YIELD void
await_beside(struct chain *c)
{
	struct err err;

	while (c->nasking > 0 && fiber_wait(CLOCK_NEVER, &err) == 0)
		;
	for (size_t i = 0; i < c->n; i++) {
		if (c->links[i].fiber == NULL)
			continue;
		if (c->nasking > 0)	/* we must stop */
			fiber_stop(c->links[i].fiber);
		fiber_join(&c->links[i].fiber, CLOCK_NEVER, &err);
		together_dismiss(1);
	}
}

/* --- in order --- */

static bool
may_edit(const struct chain_link *l)
{
	return l->use.d != NULL && option_may_edit(dialogue_terms(l->use.d));
}

/* One that has been asked does not let it pass. */
static bool
is_refused(struct chain_link *const *list, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct chain_verdict *held = chain_held(list[i]);

		if (list[i]->is_asked && held != NULL &&
		    held->kind != CHAIN_PASS)
			return true;
	}
	return false;
}

static void
look(struct chain_link *l)
{
	const struct chain_source *source = l->chain->source;

	source->message(source->owner, &l->message);
}

static MAY_YIELD void
ask_all(struct chain *c, struct chain_link **list, size_t n)
{
	for (size_t i = 0; i < n && !is_refused(list, i); i++) {
		if (!list[i]->is_asked) {
			look(list[i]);
			if (i + 1 < n && !may_edit(list[i]) &&
			    begin_beside(list[i]))
				continue;
			chain_ask(list[i]);
		}
		chain_settle(list[i]);
	}
	await_beside(c);
	for (size_t i = 0; i < n; i++)
		if (list[i]->is_asked)
			chain_settle(list[i]);
}

MAY_YIELD void
chain_message(struct chain *c, size_t upto, struct chain_verdict *v)
{
	struct chain_link *list[MILTERS_MAX];
	size_t n = 0;

	assert(c->mail != NULL);
	if (chain_verdict_first(c, v))
		return;
	for (size_t i = 0; i < c->n && c->links[i].index <= upto; i++)
		if (chain_applies(&c->links[i]) && !c->links[i].is_settled &&
		    !chain_is_for_nobody(&c->links[i]))
			list[n++] = &c->links[i];
	chain_bring_all(list, n, CHAIN_AT_DATA);
	for (size_t i = 0; i < n; i++)
		chain_say_late(list[i]);
	if (chain_verdict_first(c, v))
		return;
	ask_all(c, list, n);
	chain_verdict_first(c, v);
}

/* --- by rules --- */

MAY_YIELD void
chain_consult(struct chain *c, size_t milter)
{
	struct chain_link *l = chain_find(c, milter);

	assert(c->mail != NULL);
	if (l == NULL || l->is_asked || !chain_fits(l))
		return;
	look(l);
	chain_ask(l);
}

MAY_YIELD void
chain_obey(struct chain *c, size_t milter, struct chain_verdict *v)
{
	struct chain_link *l = chain_find(c, milter);

	chain_verdict_pass(v);
	if (l == NULL || !chain_fits(l))
		return;
	chain_consult(c, milter);
	l->is_attached_mail = true;
	chain_settle(l);
	chain_verdict_now(l, v);
}
