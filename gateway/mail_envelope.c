#include <string.h>

#include "gateway/judge.h"
#include "gateway/mail_envelope.h"
#include "gateway/mail_parts.h"
#include "gateway/path.h"
#include "gateway/route.h"

#define ALL_ABILITIES	(~0u)

/* What comes of the edits, before anything is done. */
struct wish {
	struct mail		*mail;
	struct arena		*arena;		/* the mail's */
	const struct envelope	*sender;	/* NULL: the same as before */
	bool			*is_deleted;	/* of each fate */
	struct rcpt		*added;
	size_t			 nadded;
};

/* --- reading --- */

static bool
is_same(struct span a, struct span b)
{
	return a.len == b.len && strncasecmp(a.p, b.p, a.len) == 0;
}

/* "FROM:<address> parameters", as a client would have said it. */
static struct span
as_command(struct arena *a, const char *keyword, const struct answer *edit)
{
	struct buf text = {0};
	struct span said;

	buf_printf(&text, "%s<%.*s>", keyword, SPAN_ARG(edit->address));
	for (size_t i = 0; i < edit->nargs; i++)
		buf_printf(&text, " %.*s", SPAN_ARG(edit->args[i]));
	said = arena_span(a, buf_text(&text));
	buf_free(&text);
	return said;
}

static int
cannot_be(const struct path_fault *fault, const struct answer *edit,
    struct err *err)
{
	return err_set(err, ERR_SYNTAX, "%s <%.*s>: %s",
	    answer_name(edit->kind), SPAN_ARG(path_excerpt(edit->address)),
	    fault->text);
}

static int
read_sender(struct wish *w, const struct answer *edit, struct err *err)
{
	const struct path_limits limits = { ALL_ABILITIES, 0 };
	struct envelope *sender = arena_new(w->arena, struct envelope);
	struct path_fault fault;

	if (path_parse_mail(w->arena, as_command(w->arena, "FROM:", edit),
	    &limits, sender, &fault) < 0)
		return cannot_be(&fault, edit, err);
	sender->needs &= ~(unsigned)ABILITY_DSN;
	/* Whether lines mean anything is known, and no other word goes out. */
	if (w->mail->in.mode == NEWLINE_BINARY ||
	    sender->body == BODY_BINARYMIME) {
		sender->body = BODY_NONE;
		sender->needs &= ~(unsigned)ABILITY_BINARYMIME;
	}
	w->sender = sender;
	return 0;
}

static bool
is_there(const struct wish *w, struct span address)
{
	const struct mail *m = w->mail;

	for (size_t i = 0; i < m->nfates; i++)
		if (!w->is_deleted[i] && is_same(address,
		    m->envelope.rcpts[m->fates[i].rcpt].addr.text))
			return true;
	for (size_t i = 0; i < w->nadded; i++)
		if (is_same(address, w->added[i].addr.text))
			return true;
	return false;
}

static int
read_added(struct wish *w, const struct answer *edit, struct err *err)
{
	const struct path_limits limits = { ALL_ABILITIES, 0 };
	struct rcpt *rcpt = &w->added[w->nadded];
	const struct mail *m = w->mail;
	struct path_fault fault;
	unsigned needs = 0;

	if (path_parse_rcpt(w->arena, as_command(w->arena, "TO:", edit),
	    &limits, m->envelope.smtputf8, rcpt, &needs, &fault) < 0)
		return cannot_be(&fault, edit, err);
	if (is_there(w, rcpt->addr.text))
		return 0;
	w->nadded++;
	if (m->envelope.nrcpts + w->nadded > m->session->conf->max_recipients)
		return err_set(err, ERR_SYNTAX, "%s <%.*s>: too many "
		    "recipients", answer_name(edit->kind),
		    SPAN_ARG(path_excerpt(edit->address)));
	return 0;
}

static void
read_deleted(struct wish *w, const struct answer *edit)
{
	const struct mail *m = w->mail;
	size_t n = 0;

	for (size_t i = 0; i < m->nfates; i++)
		if (is_same(edit->address,
		    m->envelope.rcpts[m->fates[i].rcpt].addr.text))
			w->is_deleted[i] = true;
	for (size_t i = 0; i < w->nadded; i++)
		if (!is_same(edit->address, w->added[i].addr.text))
			w->added[n++] = w->added[i];
	w->nadded = n;
}

static int
read_edits(struct wish *w, const struct edits *edits, struct err *err)
{
	for (const struct edit *e = edits->first; e != NULL; e = e->next) {
		int ret = 0;

		if (e->answer.kind == ANSWER_CHANGE_SENDER)
			ret = read_sender(w, &e->answer, err);
		else if (e->answer.kind == ANSWER_ADD_RCPT)
			ret = read_added(w, &e->answer, err);
		else if (e->answer.kind == ANSWER_DELETE_RCPT)
			read_deleted(w, &e->answer);
		if (ret < 0)
			return -1;
	}
	return 0;
}

/* --- doing --- */

/* How it was, for when it cannot be done. */
struct before {
	struct mail_part	*part;
	struct envelope		 envelope;
};

static size_t
count_parts(const struct mail *m)
{
	size_t n = 0;

	for (const struct mail_part *p = m->parts; p != NULL; p = p->next)
		n++;
	return n;
}

/* What is wanted of DSN is no reason not to deliver to him. */
static MAY_YIELD struct reply
ask_backend(struct mail *m, int index, struct rcpt *rcpt, struct err *err)
{
	struct reply answer = mail_part_ask(m, index, rcpt, err);

	if (err->kind != 0 || reply_is_ok(&answer) ||
	    (rcpt->notify == NULL && rcpt->orcpt == NULL))
		return answer;
	rcpt->notify = rcpt->orcpt = NULL;
	return mail_part_ask(m, index, rcpt, err);
}

/* Nonsense from a store or a backend is no fault of the filter. */
static int
not_its_fault(struct err *err)
{
	if (err->kind == ERR_SYNTAX)
		err->kind = ERR_UNAVAIL;
	return -1;
}

static MAY_YIELD int
ask_for(struct wish *w, struct rcpt *rcpt, struct err *err)
{
	struct mail *m = w->mail;
	struct session *s = m->session;
	int index = route_find(s->worker->routes, &rcpt->addr,
	    judge_store_rest(s->judge), err);
	struct reply answer;
	size_t fate;

	if (index == ROUTE_UNKNOWN)
		return not_its_fault(err);
	if (index < 0)
		return err_set(err, ERR_SYNTAX, "no route takes it");
	answer = ask_backend(m, index, rcpt, err);
	if (err->kind != 0)
		return not_its_fault(err);
	if (!reply_is_ok(&answer))
		return err_set(err, reply_is_permanent(&answer) ? ERR_SYNTAX :
		    ERR_UNAVAIL, "%s answered %d %s %.200s",
		    backend_where(m->asked->tx), answer.code, answer.enhanced,
		    answer.text);
	fate = m->nfates;
	mail_add_rcpt(m, rcpt, 0, NULL);
	m->fates[fate].is_added = true;
	return 0;
}

static MAY_YIELD int
ask_for_added(struct wish *w, struct err *err)
{
	for (size_t i = 0; i < w->nadded; i++)
		if (ask_for(w, &w->added[i], err) < 0)
			return err_prefix(err, "%s <%.*s>",
			    answer_name(ANSWER_ADD_RCPT), SPAN_ARG(
			    path_excerpt(w->added[i].addr.text)));
	return 0;
}

static void
delete_them(struct wish *w, size_t n)
{
	struct reply *gone = arena_new(w->arena, struct reply);
	struct mail *m = w->mail;

	*gone = reply(250, "2.1.5", "Ok");
	for (size_t i = 0; i < n; i++)
		if (w->is_deleted[i] && m->fates[i].answer == NULL &&
		    m->fates[i].refused == NULL) {
			m->fates[i].answer = gone;
			m->fates[i].is_deleted = true;
		}
}

static void
undo(struct mail *m, const struct before *list, size_t n)
{
	const struct mail_part *p = m->parts;

	mail_parts_rest(m);
	for (size_t i = 0; i < n; i++, p = p->next) {
		/* Those who were there stand in front, where there is room. */
		struct rcpt *rcpts = list[i].part->envelope.rcpts;

		list[i].part->envelope = list[i].envelope;
		list[i].part->envelope.rcpts = rcpts;
	}
	for (; p != NULL; p = p->next)
		backend_end(p->tx);
	if (n > 0)
		list[n - 1].part->next = NULL;
	else
		m->parts = NULL;
}

static MAY_YIELD int
change_sender(struct wish *w, struct err *err)
{
	if (w->sender == NULL ||
	    mail_parts_change_sender(w->mail, w->sender, err) == 0)
		return 0;
	return err_prefix(err, "%s <%.*s>", answer_name(ANSWER_CHANGE_SENDER),
	    SPAN_ARG(path_excerpt(w->sender->sender.text)));
}

static MAY_YIELD int
do_it(struct wish *w, struct err *err)
{
	struct mail *m = w->mail;
	const struct envelope *sender = m->sender;
	size_t nfates = m->nfates, nrcpts = m->envelope.nrcpts, i = 0;
	size_t nparts = count_parts(m);
	unsigned needs = m->envelope.needs;
	struct before *before = arena_new_n(w->arena, nparts + 1,
	    struct before);

	for (struct mail_part *p = m->parts; p != NULL; p = p->next)
		before[i++] = (struct before){ p, p->envelope };
	if (change_sender(w, err) == 0 && ask_for_added(w, err) == 0) {
		delete_them(w, nfates);
		return 0;
	}
	undo(m, before, nparts);
	m->sender = sender;
	m->nfates = nfates;
	m->envelope.nrcpts = nrcpts;
	m->envelope.needs = needs;
	return -1;
}

MAY_YIELD int
mail_envelope_edit(struct mail *m, const struct edits *edits, struct err *err)
{
	struct wish w = { .mail = m, .arena = m->arena };

	w.is_deleted = arena_new_n(m->arena, m->nfates + 1, bool);
	for (size_t i = 0; i < m->nfates; i++)
		w.is_deleted[i] = m->fates[i].is_discarded ||
		    m->fates[i].is_deleted;
	w.added = arena_new_n(m->arena, edits->n + 1, struct rcpt);
	if (read_edits(&w, edits, err) < 0)
		return -1;
	return do_it(&w, err);
}

void
mail_envelope_forget(struct mail *m)
{
	size_t n = 0;

	for (; n < m->nfates && !m->fates[n].is_added; n++)
		if (m->fates[n].is_deleted) {
			m->fates[n].is_deleted = false;
			m->fates[n].answer = NULL;
		}
	m->envelope.nrcpts -= m->nfates - n;
	m->nfates = n;
}

bool
mail_envelope_is_empty(const struct mail *m)
{
	for (size_t i = 0; i < m->nfates; i++)
		if (!m->fates[i].is_discarded && !m->fates[i].is_deleted)
			return false;
	return true;
}
