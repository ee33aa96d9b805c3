#include <assert.h>
#include <string.h>

#include "milter/chain_internal.h"

/*
 * Recipients: told in order, one filter after the other, and kept for those
 * that hear of them late.
 */

static void
take(struct chain *c, const struct chain_rcpt *rcpt)
{
	struct chain_taken *list;
	struct chain_rcpt *r;

	if (c->nrcpts == c->rcpts_cap) {
		c->rcpts_cap = c->rcpts_cap > 0 ? 2 * c->rcpts_cap : 4;
		list = arena_new_n(c->mail, c->rcpts_cap, struct chain_taken);
		if (c->nrcpts > 0)
			memcpy(list, c->rcpts, c->nrcpts * sizeof(*list));
		c->rcpts = list;
	}
	r = &c->rcpts[c->nrcpts++].rcpt;
	*r = (struct chain_rcpt){ .address = arena_span(c->mail,
	    rcpt->address), .nargs = rcpt->nargs };
	chain_copy_args(c->mail, rcpt->args, rcpt->nargs, &r->args);
	for (size_t i = 0; i < c->n; i++)
		if (chain_is_in_mail(&c->links[i]))
			c->links[i].rcpts = c->nrcpts;
}

static MAY_YIELD void
tell_rcpt(struct chain_link *l, const struct chain_rcpt *rcpt,
    struct chain_verdict *v)
{
	int again = 1;

	while (again > 0) {
		chain_bring(l, CHAIN_AT_RCPT);
		chain_say_late(l);
		if (chain_holds(l))
			break;
		again = chain_tell(l, l->chain->scratch, SMFIC_RCPT,
		    CHAIN_AT_RCPT, rcpt, (struct span){ 0 }, v);
		if (again == 0)
			return;
	}
	chain_verdict_now(l, v);
}

static bool
wants_refused(const struct chain_link *l)
{
	return chain_is_in_mail(l) && !chain_holds(l) &&
	    option_wants_refused(dialogue_terms(l->use.d));
}

bool
chain_wants_refused(const struct chain *c)
{
	for (size_t i = 0; i < c->n; i++)
		if (wants_refused(&c->links[i]))
			return true;
	return false;
}

static MAY_YIELD void
tell_refused(struct chain *c, const struct chain_rcpt *rcpt,
    struct chain_verdict *v)
{
	for (size_t i = 0; i < c->n; i++)
		if (wants_refused(&c->links[i]))
			tell_rcpt(&c->links[i], rcpt, v);
	chain_verdict_pass(v);
}

MAY_YIELD void
chain_rcpt(struct chain *c, const struct chain_rcpt *rcpt,
    struct chain_verdict *v)
{
	assert(c->mail != NULL && !c->has_data);
	chain_scratch(c);
	if (rcpt->is_refused) {
		tell_refused(c, rcpt, v);
		return;
	}
	chain_tell_all(c, CHAIN_AT_RCPT, v);
	for (size_t i = 0; v->kind == CHAIN_PASS && i < c->n; i++)
		if (chain_applies(&c->links[i]))
			tell_rcpt(&c->links[i], rcpt, v);
	if (v->kind != CHAIN_PASS)
		return;
	take(c, rcpt);
	chain_verdict_pass(v);
}
