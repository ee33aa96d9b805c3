#include <string.h>

#include "base/together.h"
#include "gateway/mail_memory.h"
#include "gateway/mail_parts.h"

static struct mail_part *
find(struct mail *m, int backend)
{
	struct mail_part *p = m->parts;

	while (p != NULL && p->backend != backend)
		p = p->next;
	return p;
}

static void
take_sender(struct envelope *e, const struct envelope *sender)
{
	e->sender = sender->sender;
	e->needs |= sender->needs;
	if (sender->ret != NULL)
		e->ret = sender->ret;
	if (sender->envid != NULL)
		e->envid = sender->envid;
	if (sender->body != BODY_NONE)
		e->body = sender->body;
	e->smtputf8 |= sender->smtputf8;
}

static struct mail_part *
begin(struct mail *m, int backend)
{
	struct mail_part *p = arena_new(m->arena, struct mail_part), **end;
	struct session *s = m->session;

	p->mail = m;
	p->backend = backend;
	p->envelope = m->envelope;
	p->envelope.rcpts = NULL;
	p->envelope.nrcpts = 0;
	/* A backend that tells its recipients apart needs somebody who can
	 * pass that on: the client, or the memory. */
	p->envelope.prdr = mail_tells_apart(m);
	if (m->sender != NULL)
		take_sender(&p->envelope, m->sender);
	p->tx = backend_begin(m->arena, backends_at(s->worker->backends,
	    (size_t)backend), &s->client, &p->envelope, s->id);
	for (end = &m->parts; *end != NULL; end = &(*end)->next)
		;
	return *end = p;
}

static void
add(struct mail_part *p, size_t fate, const struct rcpt *rcpt)
{
	struct arena *a = p->mail->arena;
	struct envelope *e = &p->envelope;
	struct rcpt *rcpts;
	size_t *fates;

	if (e->nrcpts == p->room) {
		p->room = p->room > 0 ? 4 * p->room : 2;
		rcpts = arena_new_n(a, p->room, struct rcpt);
		fates = arena_new_n(a, p->room, size_t);
		if (e->nrcpts > 0) {
			memcpy(rcpts, e->rcpts, e->nrcpts * sizeof(*rcpts));
			memcpy(fates, p->fates, e->nrcpts * sizeof(*fates));
		}
		e->rcpts = rcpts;
		p->fates = fates;
	}
	p->fates[e->nrcpts] = fate;
	e->rcpts[e->nrcpts++] = *rcpt;
}

bool
mail_parts_have_others(const struct mail *m, int backend)
{
	for (const struct mail_part *p = m->parts; p != NULL; p = p->next)
		if (p->backend != backend && p->envelope.nrcpts > 0)
			return true;
	return false;
}

MAY_YIELD struct reply
mail_part_ask(struct mail *m, int backend, const struct rcpt *rcpt,
    struct err *failure)
{
	struct mail_part *p = find(m, backend);
	struct reply answer;

	failure->kind = 0;
	if (p == NULL)
		p = begin(m, backend);
	m->asked = p;
	if (backend_rcpt(p->tx, rcpt, &answer, failure) < 0)
		return reply_err(failure);
	return answer;
}

void
mail_parts_add(struct mail *m, size_t fate, const struct rcpt *rcpt,
    unsigned needs)
{
	struct mail_part *p = m->asked;

	p->envelope.needs |= needs;
	add(p, fate, rcpt);
}

MAY_YIELD int
mail_parts_change_sender(struct mail *m, const struct envelope *sender,
    struct err *err)
{
	struct reply answer;
	int ret;

	m->sender = sender;
	mail_parts_rest(m);
	for (struct mail_part *p = m->parts; p != NULL; p = p->next) {
		take_sender(&p->envelope, sender);
		p->has_stray = false;
		ret = backend_renew(p->tx, &answer, err);
		if (ret < 0)
			return -1;
		if (ret > 0)
			return err_set(err, reply_is_permanent(&answer) ?
			    ERR_SYNTAX : ERR_UNAVAIL, "%s answered %d %s "
			    "%.200s", backend_where(p->tx), answer.code,
			    answer.enhanced, answer.text);
	}
	return 0;
}

void
mail_part_forget(struct mail *m)
{
	if (m->asked != NULL)
		m->asked->has_stray = true;
}

void
mail_parts_rest(struct mail *m)
{
	for (struct mail_part *p = m->parts; p != NULL; p = p->next)
		backend_rest(p->tx);
}

void
mail_parts_end(struct mail *m)
{
	for (struct mail_part *p = m->parts; p != NULL; p = p->next)
		backend_end(p->tx);
}

MAY_YIELD int
mail_parts_turn(struct mail *m, int backend, struct err *err)
{
	struct reply answer;
	const struct rcpt *rcpt;
	struct mail_part *p;

	if (m->parts != NULL && m->parts->next == NULL &&
	    m->parts->backend == backend)
		return 0;
	mail_parts_end(m);
	m->parts = NULL;
	p = begin(m, backend);
	for (size_t i = 0; i < m->nfates; i++) {
		if (m->fates[i].answer != NULL || m->fates[i].is_discarded)
			continue;
		rcpt = &m->envelope.rcpts[m->fates[i].rcpt];
		if (backend_rcpt(p->tx, rcpt, &answer, err) < 0)
			return -1;
		if (!reply_is_ok(&answer))
			return err_set(err, ERR_UNAVAIL, "quarantine %s "
			    "refuses a recipient: %d %.100s",
			    backend_where(p->tx), answer.code, answer.text);
		m->fates[i].part = p;
		add(p, i, rcpt);
	}
	return 0;
}

/* --- the message --- */

/* Who has an answer already is not sent it. False: nobody is left. */
static bool
leave_out_answered(struct mail_part *p)
{
	struct envelope *e = &p->envelope;
	size_t i, n = 0;

	for (i = 0; i < e->nrcpts; i++) {
		if (p->mail->fates[p->fates[i]].answer != NULL)
			continue;
		p->fates[n] = p->fates[i];
		e->rcpts[n++] = e->rcpts[i];
	}
	if (n > 0 && (n < e->nrcpts || p->has_stray))
		backend_rest(p->tx);	/* begun anew, with the others */
	p->has_stray = false;
	e->nrcpts = n;
	return n > 0;
}

struct delivery {
	struct mail_part **parts;
	size_t		 n;
	const struct backend_message *message;
};

static MAY_YIELD void
deliver(void *arg, size_t i)
{
	struct delivery *d = arg;
	struct mail_part *p = d->parts[i];
	const struct reply **answers;
	struct reply *failed;

	if (backend_send(p->tx, d->message, &answers, &p->failure) < 0) {
		failed = arena_new(p->mail->arena, struct reply);
		*failed = reply_err(&p->failure);
		for (size_t k = 0; k < p->envelope.nrcpts; k++) {
			p->mail->fates[p->fates[k]].answer = failed;
			p->mail->fates[p->fates[k]].why = &p->failure;
		}
		return;
	}
	for (size_t k = 0; k < p->envelope.nrcpts; k++)
		p->mail->fates[p->fates[k]].answer = answers[k];
	if (d->n > 1)
		mail_keep_early(p->mail, p->fates, p->envelope.nrcpts);
}

MAY_YIELD void
mail_parts_send(struct mail *m, const struct backend_message *message)
{
	struct delivery d = { .message = message };
	struct mail_part *p;
	size_t n = 0;

	for (p = m->parts; p != NULL; p = p->next)
		n++;
	d.parts = arena_new_n(m->arena, n, struct mail_part *);
	for (n = 0, p = m->parts; p != NULL; p = p->next)
		if (leave_out_answered(p))
			d.parts[n++] = p;
		else
			backend_end(p->tx);
	d.n = n;
	together("delivery", deliver, &d, n, n);
	for (size_t i = 0; i < n; i++)
		if (d.parts[i]->failure.kind != 0)
			m->failure = d.parts[i]->failure;
}

void
mail_parts_where(const struct mail *m, struct buf *out)
{
	for (const struct mail_part *p = m->parts; p != NULL; p = p->next) {
		if (out->len > 0)
			buf_puts(out, ", ");
		buf_puts(out, backend_where(p->tx));
	}
}
