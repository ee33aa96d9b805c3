#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/fingerprint.h"
#include "gateway/judge.h"
#include "gateway/mail.h"
#include "gateway/mail_milters.h"
#include "gateway/mail_outcome.h"
#include "gateway/mail_parts.h"
#include "gateway/message_check.h"
#include "gateway/transaction.h"

struct mail *
mail_begin(struct session *s)
{
	struct arena *a = arena_create("mail");
	struct mail *m = arena_new(a, struct mail);

	m->arena = a;
	m->session = s;
	m->number = (unsigned)++s->mails;
	m->started = clock_now();
	return m;
}

static struct mail_fate *
add_fate(struct mail *m)
{
	struct mail_fate *grown;

	if (m->nfates == m->fates_cap) {
		m->fates_cap = m->fates_cap ? 4 * m->fates_cap : 2;
		grown = arena_new_n(m->arena, m->fates_cap, struct mail_fate);
		if (m->nfates > 0)
			memcpy(grown, m->fates, m->nfates * sizeof(*grown));
		m->fates = grown;
	}
	return &m->fates[m->nfates++];
}

void
mail_add_discarded(struct mail *m)
{
	add_fate(m)->is_discarded = true;
	m->discarded++;
}

void
mail_add_rcpt(struct mail *m, const struct rcpt *r, unsigned needs,
    const struct reply *refused)
{
	struct envelope *e = &m->envelope;
	struct mail_fate *fate = add_fate(m);
	struct reply *kept;
	struct rcpt *grown;

	if (e->nrcpts == m->rcpts_cap) {
		m->rcpts_cap = m->rcpts_cap ? 4 * m->rcpts_cap : 2;
		grown = arena_new_n(m->arena, m->rcpts_cap, struct rcpt);
		if (e->nrcpts > 0)
			memcpy(grown, e->rcpts, e->nrcpts * sizeof(*grown));
		e->rcpts = grown;
	}
	grown = &e->rcpts[e->nrcpts++];
	grown->addr = address_copy(m->arena, &r->addr);
	if (r->notify != NULL)
		grown->notify = arena_strdup(m->arena, r->notify);
	if (r->orcpt != NULL)
		grown->orcpt = arena_strdup(m->arena, r->orcpt);
	e->needs |= needs;
	fate->rcpt = e->nrcpts - 1;
	fate->part = m->asked;
	if (refused == NULL)
		mail_parts_add(m, m->nfates - 1, grown, needs);
	else {
		kept = arena_new(m->arena, struct reply);
		*kept = *refused;
		fate->refused = kept;
	}
}

static enum newline_mode
newline_mode(const struct mail *m, bool bdat)
{
	if (bdat && m->envelope.body == BODY_BINARYMIME)
		return NEWLINE_BINARY;
	return message_newlines(m->session->conf, &m->session->client.addr);
}

void
mail_open_message(struct mail *m, bool bdat)
{
	const struct settings *settings = m->session->worker->settings;

	m->message_began = clock_now();
	m->spool = spool_open(m->arena, settings->spool);
	dotstream_begin(&m->in, newline_mode(m, bdat), bdat);
	header_scan_begin(&m->header);
	/* When a rule has discarded all recipients, nobody asks any more. */
	if (m->envelope.nrcpts > 0)
		judge_message_begin(m->session->judge);
	if (m->envelope.nrcpts > 0 && mail_remembers(m))
		m->print = fingerprint_begin(m->arena);
}

bool
mail_is_lost(const struct mail *m)
{
	return m->is_too_large || m->spool_err.kind != 0 ||
	    (m->in.faults != 0 && m->in.mode == NEWLINE_STRICT);
}

void
mail_feed(struct mail *m, struct span *in)
{
	struct span run;

	while (dotstream_next(&m->in, in, &run)) {
		if (mail_is_lost(m))
			continue;	/* read on to its end, keep nothing */
		if (m->in.size > m->session->max_size) {
			m->is_too_large = true;
			continue;
		}
		if (!m->header.done)
			header_feed(&m->header, run);
		judge_message_feed(m->session->judge, &m->header,
		    m->session->conf, run);
		/* Nor is one whose header is too large gathered: if it turns
		 * out to have none it is delivered, and not remembered. */
		if (m->header.size > m->session->conf->max_header_size)
			m->print = NULL;
		if (m->print != NULL)
			fingerprint_feed(m->print, &m->header, run);
		spool_write(m->spool, run, &m->spool_err);
	}
}

static MAY_YIELD ssize_t
read_buffered(struct mail *m, uint64_t max, int64_t deadline,
    struct err *err)
{
	struct conn *c = m->session->conn;
	struct span in;
	size_t n;

	if (conn_input(c).len == 0 && conn_fill(c, deadline, err) < 0)
		return -1;
	in = conn_input(c);
	if (in.len > max)
		in.len = max;
	n = in.len;
	mail_feed(m, &in);
	n -= in.len;
	conn_consume(c, n);
	return (ssize_t)n;
}

/*
 * Straight into the spool where the message can stay as it came: mostly
 * nothing is to be taken out of it, and never is anything put in. Repaired
 * line ends are, so those messages go the long way.
 */
MAY_YIELD ssize_t
mail_read(struct mail *m, uint64_t max, int64_t deadline, struct err *err)
{
	struct conn *c = m->session->conn;
	char *room = NULL;
	struct span in;
	size_t len;
	ssize_t n;

	if (!mail_is_lost(m) && m->in.mode != NEWLINE_NORMALIZE)
		room = spool_room(m->spool, &len);
	if (room == NULL)
		return read_buffered(m, max, deadline, err);
	n = conn_read(c, room, len < max ? len : max, deadline, err);
	if (n < 0)
		return -1;
	in = span_n(room, (size_t)n);
	mail_feed(m, &in);
	if (in.len > 0)
		conn_put_back(c, in);
	return n - (ssize_t)in.len;
}

MAY_YIELD void
mail_end(struct mail **mp)
{
	struct mail *m = *mp;

	if (m == NULL)
		return;
	m->found = arena_new(m->arena, struct findings);
	judge_found(m->session->judge, m->found);
	mail_count(m);
	mail_log_done(m);
	transaction_mail(m);
	log_turn();	/* the reply is still to come */
	mail_drop(mp);
}

MAY_YIELD void
mail_drop(struct mail **mp)
{
	struct arena *a = (*mp)->arena;

	mail_milters_end(*mp);
	judge_mail_end((*mp)->session->judge);
	*mp = NULL;
	arena_destroy(&a);
}
