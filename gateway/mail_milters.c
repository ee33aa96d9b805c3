#include <assert.h>

#include "gateway/mail_milters.h"
#include "gateway/mail_parts.h"
#include "gateway/milter_macros.h"

/* --- what a verdict is to the mail --- */

static struct chain *
chain_of(const struct mail *m)
{
	return m->session->milters->chain;
}

static bool
is_against(const struct reply *r)
{
	return r->code != 0 || r->close;
}

struct reply
mail_milters_take(struct mail *m, const struct chain_verdict *v)
{
	struct mail_milters *mm = m->milters;

	if (v->kind != CHAIN_PASS)
		mm->by = v->milter;
	if (v->kind == CHAIN_DISCARD)
		mm->is_dropped = true;
	if (v->is_failure && m->failure.kind == 0)
		m->failure = v->why;
	return session_milters_reply(m->session, v);
}

static const char *
name_of(const struct mail *m, size_t milter)
{
	return milter == CHAIN_NOBODY ? NULL :
	    m->session->worker->settings->milters[milter].name;
}

const char *
mail_milters_by(const struct mail *m)
{
	return m->milters == NULL ? NULL : name_of(m, m->milters->by);
}

const char *
mail_milters_rcpt_by(const struct mail *m)
{
	return m->milters == NULL ? NULL : name_of(m, m->milters->rcpt_by);
}

/* --- MAIL --- */

/* The words of the parameters. Returns how many. */
static size_t
split(struct arena *a, struct span params, const struct span **words)
{
	struct span rest = params, word, *list;
	size_t n = 0;

	while ((word = span_word(&rest)).len > 0)
		n++;
	list = arena_new_n(a, n + 1, struct span);
	n = 0;
	for (rest = params; (word = span_word(&rest)).len > 0; n++)
		list[n] = word;
	*words = list;
	return n;
}

/* Also of a client who is refused: some of the recipients may be taken all the
 * same (cmd_rcpt.c). */
static MAY_YIELD void
tell(struct mail *m)
{
	const struct envelope *e = &m->envelope;
	struct mail_milters *mm = m->milters;
	struct session *s = m->session;
	struct chain_verdict v;
	const struct span *args;
	size_t nargs;

	if (mm->is_told)
		return;
	mm->is_told = true;
	session_milters_know(s);
	session_milters_forgive(s);
	milter_macros_mail(m->arena, m, mm->values);
	nargs = split(m->arena, e->params, &args);
	chain_mail(chain_of(m), m->arena, e->sender.text, args, nargs,
	    s->client.login != NULL, &v);
	mm->held = mail_milters_take(m, &v);
}

MAY_YIELD struct reply
mail_milters_begin(struct mail *m)
{
	struct session *s = m->session;

	if (!session_milters_begin(s))
		return reply_none();
	m->milters = arena_new(m->arena, struct mail_milters);
	m->milters->mail = m;
	m->milters->by = m->milters->rcpt_by = CHAIN_NOBODY;
	m->milters->us = arena_new_n(m->arena, s->worker->settings->nmilters,
	    int64_t);
	if (!s->milters->is_prompt)
		return reply_none();
	for (enum phase p = PHASE_CONNECT; p <= PHASE_MAIL; p++)
		session_milters_attach(s, p);
	tell(m);
	return m->milters->held.close || s->conf->reject_at_connect ?
	    m->milters->held : reply_none();
}

struct reply
mail_milters_held(const struct mail *m)
{
	return m->milters == NULL ? reply_none() : m->milters->held;
}

MAY_YIELD void
mail_milters_end(struct mail *m)
{
	if (m->milters != NULL)
		chain_abort(chain_of(m));
}

/* --- recipients --- */

void
mail_milters_attach(struct mail *m, const struct verdict *v)
{
	if (m->milters == NULL)
		return;
	for (size_t i = 0; i < m->session->worker->settings->nmilters; i++)
		if (v->milters & (UINT32_C(1) << i))
			chain_attach(chain_of(m), i, true);
}

MAY_YIELD struct reply
mail_milters_rcpt(struct mail *m, const struct rcpt *rcpt,
    struct arena *scratch)
{
	struct chain_rcpt told = { .address = rcpt->addr.text };
	struct mail_milters *mm = m->milters;
	struct chain_verdict v;
	size_t before;
	struct reply r;

	if (mm == NULL)
		return reply_none();
	tell(m);
	mm->rcpt_by = before = mm->by;
	if (is_against(&mm->held))
		return mm->held;
	told.nargs = split(scratch, rcpt->params, &told.args);
	chain_rcpt(chain_of(m), &told, &v);
	r = mail_milters_take(m, &v);
	mm->rcpt_by = v.milter;
	if (v.kind == CHAIN_REFUSE)	/* on him alone */
		mm->by = before;
	return r;
}

MAY_YIELD void
mail_milters_refused(struct mail *m, const struct rcpt *rcpt,
    struct arena *scratch, const struct reply *r)
{
	struct chain_rcpt told = { .address = rcpt->addr.text,
	    .is_refused = true, .enhanced = r->enhanced,
	    .why = span_z(r->text) };
	struct chain_verdict v;

	if (m->milters == NULL || !m->milters->is_told ||
	    is_against(&m->milters->held) ||
	    !chain_wants_refused(chain_of(m)))
		return;
	told.nargs = split(scratch, rcpt->params, &told.args);
	chain_rcpt(chain_of(m), &told, &v);
}

/* Filters that are told late may refuse who was taken; unless he has it. */
void
mail_milters_refuse(struct mail *m, size_t index,
    const struct chain_verdict *v)
{
	struct reply *r = arena_new(m->arena, struct reply);
	size_t i;

	*r = session_milters_reply(m->session, v);
	for (i = 0; i < m->nfates; i++)
		if (m->fates[i].is_told && index-- == 0)
			break;
	assert(i < m->nfates);
	if (m->fates[i].refused == NULL)
		m->fates[i].refused = r;
}

/* --- macros --- */

static void
give_where(const struct mail *m, const struct chain_rcpt *rcpt,
    struct span *values)
{
	static const char *const mailers[] = { [PROTO_SMTP] = "smtp",
	    [PROTO_LMTP] = "lmtp", [PROTO_MAILDIR] = "local" };
	const struct backend_conf *b;

	if (m->asked == NULL) {
		milter_macros_rcpt(rcpt, NULL, NULL, values);
		return;
	}
	b = &m->session->worker->settings->backends[m->asked->backend];
	milter_macros_rcpt(rcpt, mailers[b->urls[0].proto], b->name, values);
}

void
mail_milters_macros(struct mail *m, const struct chain_rcpt *rcpt,
    struct span *values)
{
	const struct mail_milters *mm = m->milters;

	for (size_t i = 0; i < MACRO_COUNT; i++)
		if (mm->values[i].p != NULL)
			values[i] = mm->values[i];
	milter_macros_counts(m->arena, m, &m->milters->counts, values);
	if (rcpt != NULL)
		give_where(m, rcpt, values);
}

/* --- the message --- */

/* Without a recipient libmilter takes neither DATA nor a message: whoever was
 * taken without them, or in spite of them, gets nothing that he has not got. */
bool
mail_milters_hear(const struct mail *m)
{
	for (size_t i = 0; m->milters != NULL && i < m->nfates; i++)
		if (m->fates[i].is_told)
			return true;
	return false;
}

static bool
has_one_who_has_it(const struct mail *m)
{
	for (size_t i = 0; i < m->nfates; i++)
		if (m->fates[i].seems_to_have_it)
			return true;
	return false;
}

MAY_YIELD struct reply
mail_milters_data(struct mail *m)
{
	struct chain_verdict v;
	struct reply r;

	if (!mail_milters_hear(m))
		return reply_none();
	chain_data(chain_of(m), &v);
	r = mail_milters_take(m, &v);
	if (r.close || !reply_is_permanent(&r) || !has_one_who_has_it(m))
		return r;
	m->milters->at_data = r;
	return reply_none();
}

const struct reply *
mail_milters_at_data(const struct mail *m)
{
	return m->milters == NULL || m->milters->at_data.code == 0 ? NULL :
	    &m->milters->at_data;
}
