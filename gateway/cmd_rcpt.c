#include "base/log.h"
#include "gateway/command.h"
#include "gateway/mail.h"
#include "gateway/path.h"
#include "gateway/route.h"
#include "gateway/stats.h"

static void
log_refused(const struct mail *m, const struct rcpt *rcpt,
    const struct reply *r)
{
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, m->session->id, "rcpt refused");
	log_int(&l, "id", m->number);
	log_str(&l, "from", m->envelope.sender.text);
	log_str(&l, "to", rcpt->addr.text);
	log_int(&l, "code", r->code);
	if (r->enhanced[0] != '\0')
		log_z(&l, "enhanced", r->enhanced);
	log_str(&l, "reply", span_z(r->text));
	if (m->tx != NULL)
		log_z(&l, "backend", backend_where(m->tx));
	if (m->failure.kind != 0)
		log_z(&l, "why", m->failure.text);
	log_end(&l);
}

/* The backend's own answer, or ours if it gives none. */
static MAY_YIELD struct reply
ask_backend(struct mail *m, int index, const struct rcpt *rcpt)
{
	struct session *s = m->session;
	struct reply answer;

	if (m->failure.kind != 0)	/* it failed us a moment ago */
		return reply_err(&m->failure);
	if (m->tx == NULL) {
		m->backend = index;
		m->tx = backend_begin(m->arena,
		    backends_at(s->worker->backends, index), &s->client,
		    &m->envelope, s->id);
	}
	if (backend_rcpt(m->tx, rcpt, &answer, &m->failure) < 0)
		return reply_err(&m->failure);
	return answer;
}

static MAY_YIELD struct reply
decide(struct mail *m, const struct rcpt *rcpt)
{
	int index = route_find(m->session->worker->routes, &rcpt->addr);

	if (index < 0)
		return reply(550, "5.7.1", "Relaying is not permitted");
	/* One mail, one backend: there is one reply after the message. */
	if (m->backend >= 0 && m->backend != index)
		return reply(452, "4.5.3", "This recipient needs a mail of "
		    "its own, send it again");
	return ask_backend(m, index, rcpt);
}

/* Only the first is kept, so that refused ones do not grow the mail. */
static void
note_refused(struct mail *m, const struct rcpt *rcpt, const struct reply *r)
{
	if (m->refused++ > 0)
		return;
	m->refused_to = arena_span(m->arena, rcpt->addr.text);
	m->refusal = arena_new(m->arena, struct reply);
	*m->refusal = *r;
}

static MAY_YIELD struct reply
take_or_refuse(struct mail *m, const struct rcpt *rcpt, unsigned needs)
{
	struct reply r = decide(m, rcpt);

	if (reply_is_ok(&r)) {
		m->envelope.needs |= needs;
		mail_add_rcpt(m, rcpt);
		stats_add(STAT_RCPTS_OK, 1);
		return r;
	}
	note_refused(m, rcpt, &r);
	if (reply_is_permanent(&r)) {
		m->session->errors++;	/* somebody may be trying names */
		stats_add(STAT_RCPTS_PERM, 1);
	} else
		stats_add(STAT_RCPTS_TEMP, 1);
	log_refused(m, rcpt, &r);
	return r;
}

/*
 * RCPT -- take or refuse one recipient                  RFC 5321 4.1.1.3
 *
 * The backend is asked before we answer, so an unknown recipient is refused
 * here and never has to be bounced. What is refused must not grow the mail:
 * it is parsed into memory of its own.
 */
MAY_YIELD struct reply
cmd_rcpt(struct session *s, struct span args)
{
	struct path_limits limits = { s->advertised, s->max_size };
	struct mail *m = s->mail;
	struct path_fault fault;
	struct rcpt rcpt = {0};
	struct arena *scratch;
	unsigned needs = 0;
	struct reply r;

	if (m->envelope.nrcpts >= s->conf->max_recipients)
		return reply(452, "4.5.3", "Too many recipients");
	scratch = arena_create("rcpt");
	if (path_parse_rcpt(scratch, args, &limits, m->envelope.smtputf8,
	    &rcpt, &needs, &fault) < 0)
		r = reply(fault.code, fault.enhanced, "%s", fault.text);
	else
		r = take_or_refuse(m, &rcpt, needs);
	arena_destroy(&scratch);
	return r;
}
