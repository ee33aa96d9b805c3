#include <assert.h>
#include <string.h>

#include "base/together.h"
#include "milter/chain_internal.h"

/* --- who applies --- */

static bool
fits_listener(const struct milter_conf *conf, const char *listener)
{
	for (size_t i = 0; i < conf->listeners.n; i++)
		if (strcmp(conf->listeners.list[i], listener) == 0)
			return true;
	return conf->listeners.n == 0;
}

static bool
fits_client(const struct milter_conf *conf, const char *listener,
    const struct addr *client)
{
	return fits_listener(conf, listener) && (conf->networks.n == 0 ||
	    network_any_has(conf->networks.list, conf->networks.n, client)) &&
	    !network_any_has(conf->except.list, conf->except.n, client);
}

bool
chain_fits(const struct chain_link *l)
{
	const struct chain *c = l->chain;

	return l->conf->authenticated == MILTER_LOGIN_ANY ||
	    (c->mail != NULL && c->is_authenticated ==
	    (l->conf->authenticated == MILTER_LOGIN_YES));
}

bool
chain_applies(const struct chain_link *l)
{
	return (l->conf->when == MILTER_ALWAYS || l->is_attached ||
	    l->is_attached_mail) && chain_fits(l);
}

struct chain_link *
chain_find(const struct chain *c, size_t milter)
{
	for (size_t i = 0; i < c->n; i++)
		if (c->links[i].index == milter)
			return &c->links[i];
	return NULL;
}

/* --- life --- */

struct chain *
chain_begin(struct arena *a, struct milters *m,
    const struct chain_source *source, const char *listener,
    const struct addr *client)
{
	struct chain *c;
	size_t n = 0;

	for (size_t i = 0; i < m->n; i++)
		n += fits_client(m->list[i].conf, listener, client);
	if (n == 0)
		return NULL;
	c = arena_new(a, struct chain);
	*c = (struct chain){ .arena = a, .milters = m, .source = source,
	    .links = arena_new_n(a, n, struct chain_link), .addr = *client };
	for (size_t i = 0; i < m->n; i++)
		if (fits_client(m->list[i].conf, listener, client))
			c->links[c->n++] = (struct chain_link){ .chain = c,
			    .index = i, .conf = m->list[i].conf,
			    .use = { .filter = &m->list[i] } };
	milters_enter(m);
	return c;
}

MAY_YIELD void
chain_end(struct chain **cp)
{
	struct chain *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	chain_abort(c);
	for (size_t i = 0; i < c->n; i++) {
		milters_release(&c->links[i].use);
		arena_destroy(&c->links[i].arena);
	}
	arena_destroy(&c->scratch);
	buf_free(&c->helo);
	milters_leave(c->milters);
}

static MAY_YIELD void
abort_one(void *arg, size_t i)
{
	struct chain_link **list = arg;

	dialogue_abort(list[i]->use.d);
}

static void
forget_mail(struct chain_link *l)
{
	l->v = NULL;
	l->is_over = l->is_attached_mail = false;
	l->mail = 0;
	l->rcpts = 0;
	l->has_data = false;
	l->late = NULL;
	l->nlate = 0;
	l->late_code = 0;
	l->is_asked = l->is_for_nobody = l->is_settled = false;
	l->edits = (struct edits){ 0 };
}

MAY_YIELD void
chain_abort(struct chain *c)
{
	struct chain_link *list[MILTERS_MAX];
	size_t n = 0;

	for (size_t i = 0; i < c->n; i++)
		if (chain_is_in_mail(&c->links[i]))
			list[n++] = &c->links[i];
	if (n > 0 && list[0]->is_asked)	/* they know that it is over */
		for (size_t i = 0; i < n; i++)
			abort_one(list, i);
	else
		together("milter", abort_one, list, n, n);
	for (size_t i = 0; i < c->n; i++)
		forget_mail(&c->links[i]);
	arena_destroy(&c->scratch);
	c->mail = NULL;
	c->rcpts = NULL;
	c->nrcpts = c->rcpts_cap = c->nrefused = 0;
	c->has_data = false;
}

/* --- a step, told to all who are to hear of it --- */

static bool
is_due(const struct chain_link *l, enum chain_stage stage)
{
	if (!chain_applies(l))
		return false;
	switch (stage) {
	case CHAIN_AT_CONNECT:
	case CHAIN_AT_MAIL:
		return l->conf->tell_at == MILTER_AT_CONNECT;
	case CHAIN_AT_HELO:
		return l->conf->tell_at == MILTER_AT_CONNECT ||
		    chain_is_told(l);
	case CHAIN_AT_RCPT:
		return true;
	case CHAIN_AT_DATA:
		break;
	}
	return chain_is_in_mail(l);
}

MAY_YIELD void
chain_tell_all(struct chain *c, enum chain_stage stage, struct chain_verdict *v)
{
	struct chain_link *due[MILTERS_MAX];
	size_t n = 0;

	if (chain_verdict_first(c, v))
		return;
	for (size_t i = 0; i < c->n; i++)
		if (is_due(&c->links[i], stage))
			due[n++] = &c->links[i];
	chain_bring_all(due, n, stage);
	for (size_t i = 0; i < n; i++)
		chain_say_late(due[i]);
	chain_verdict_first(c, v);
}

MAY_YIELD void
chain_connect(struct chain *c, struct span host, struct chain_verdict *v)
{
	assert(!c->has_connect);
	c->has_connect = true;
	c->host = arena_span(c->arena, host);
	chain_tell_all(c, CHAIN_AT_CONNECT, v);
}

MAY_YIELD void
chain_helo(struct chain *c, struct span name, struct chain_verdict *v)
{
	assert(c->has_connect);
	if (c->mail != NULL)
		chain_abort(c);
	c->has_helo = true;
	c->helos++;
	buf_clear(&c->helo);
	buf_span(&c->helo, name);
	chain_tell_all(c, CHAIN_AT_HELO, v);
}

MAY_YIELD void
chain_starttls(struct chain *c)
{
	chain_abort(c);
	c->has_helo = false;
}

void
chain_copy_args(struct arena *a, const struct span *args, size_t n,
    const struct span **out)
{
	struct span *copy = arena_new_n(a, n, struct span);

	for (size_t i = 0; i < n; i++)
		copy[i] = arena_span(a, args[i]);
	*out = copy;
}

/* What has failed is tried again. */
static void
forget_failure(struct chain_link *l)
{
	if (l->failure == NULL)
		return;
	l->failure = NULL;
	arena_destroy(&l->arena);
}

MAY_YIELD void
chain_mail(struct chain *c, struct arena *a, struct span sender,
    const struct span *args, size_t nargs, bool is_authenticated,
    struct chain_verdict *v)
{
	assert(c->has_connect);
	if (c->mail != NULL)
		chain_abort(c);
	for (size_t i = 0; i < c->n; i++)
		forget_failure(&c->links[i]);
	c->mail = a;
	c->mails++;
	c->sender = arena_span(a, sender);
	chain_copy_args(a, args, nargs, &c->args);
	c->nargs = nargs;
	c->is_authenticated = is_authenticated;
	chain_tell_all(c, CHAIN_AT_MAIL, v);
}

MAY_YIELD void
chain_data(struct chain *c, struct chain_verdict *v)
{
	assert(c->mail != NULL);
	c->has_data = true;
	chain_tell_all(c, CHAIN_AT_DATA, v);
}

/* --- unknown commands --- */

struct arena *
chain_scratch(struct chain *c)
{
	arena_destroy(&c->scratch);
	c->scratch = arena_create("milter command");
	return c->scratch;
}

struct unknown {
	struct chain_link	*list[MILTERS_MAX];
	struct span		 line;
	struct chain_verdict	*verdicts;
};

static MAY_YIELD void
tell_unknown(void *arg, size_t i)
{
	struct unknown *u = arg;
	struct chain_link *l = u->list[i];
	int again;

	do {
		chain_bring(l, CHAIN_AT_HELO);
		if (chain_holds(l)) {
			chain_verdict_now(l, &u->verdicts[i]);
			return;
		}
		again = chain_tell(l, l->chain->scratch, SMFIC_UNKNOWN,
		    CHAIN_AT_HELO, NULL, u->line, &u->verdicts[i]);
	} while (again > 0);
	if (again < 0)
		chain_verdict_now(l, &u->verdicts[i]);
}

MAY_YIELD void
chain_unknown(struct chain *c, struct span line, struct chain_verdict *v)
{
	struct unknown u = { .line = line };
	size_t n = 0;

	chain_verdict_pass(v);
	for (size_t i = 0; i < c->n; i++)
		if (chain_is_told(&c->links[i]) &&
		    chain_applies(&c->links[i]) &&
		    !chain_holds(&c->links[i]))
			u.list[n++] = &c->links[i];
	if (n == 0)
		return;
	u.verdicts = arena_new_n(chain_scratch(c), n, struct chain_verdict);
	together("milter", tell_unknown, &u, n, n);
	for (size_t i = 0; i < n && v->kind == CHAIN_PASS; i++)
		*v = u.verdicts[i];
	if (v->kind == CHAIN_PASS)
		chain_verdict_pass(v);
}

/* --- by rules --- */

void
chain_attach(struct chain *c, size_t milter, bool is_mail)
{
	struct chain_link *l = chain_find(c, milter);

	if (l != NULL && is_mail)
		l->is_attached_mail = true;
	else if (l != NULL)
		l->is_attached = true;
}
