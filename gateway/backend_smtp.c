#include <unistd.h>

#include "base/clock.h"
#include "gateway/backend_internal.h"
#include "gateway/path.h"
#include "gateway/xclient.h"

/* A wait that cannot last tells whether this fiber must stop. */
static MAY_YIELD bool
must_stop(void)
{
	struct err err;

	return fiber_wait(clock_now(), &err) < 0 && err.kind == ERR_CLOSED;
}

MAY_YIELD int
backend_smtp_failed(struct backend_link *l, const char *doing,
    struct err *err)
{
	l->is_broken = true;
	if (err->kind == ERR_CLOSED && !must_stop())
		err->kind = ERR_UNAVAIL;	/* the backend left, not we */
	return err_prefix(err, "%s", doing);
}

MAY_YIELD int
backend_smtp_read(struct backend_link *l, const char *to, int64_t patience,
    struct reply *r, struct err *err)
{
	if (reply_read(l->conn, clock_now() + patience, r, err) < 0)
		return backend_smtp_failed(l, to, err);
	return 0;
}

static MAY_YIELD int
read_reply(struct backend_link *l, const char *to, struct reply *r,
    struct err *err)
{
	return backend_smtp_read(l, to,
	    l->addr->backend->conf->reply_timeout, r, err);
}

int
backend_smtp_no_good(struct backend_link *l, const char *to,
    const struct reply *r, struct err *err)
{
	struct span text = span_z(r->text), first = span_until(&text, '\n');

	l->is_broken = true;
	return err_set(err, ERR_UNAVAIL, "%s was answered %d %.*s", to,
	    r->code, SPAN_ARG(first));
}

int
backend_smtp_in_step(struct backend_link *l, struct err *err)
{
	if (conn_unread(l->conn) == 0)
		return 0;
	l->is_broken = true;
	return err_set(err, ERR_SYNTAX, "answered more than it was asked");
}

/* --- the client, told to the backend --- */

/* What is told by XCLIENT holds for the connection, so a kept one must be
 * told anew for another client. It is the session anew: 220, EHLO. */
static MAY_YIELD int
say_xclient(struct backend_link *l, struct span lines, struct err *err)
{
	unsigned offered = l->xclient;
	struct span line;
	struct reply r;

	if (l->needs_rset) {
		conn_puts(l->conn, "RSET\r\n");
		if (read_reply(l, "RSET", &r, err) < 0)
			return -1;
		if (r.code != 250)
			return backend_smtp_no_good(l, "RSET", &r, err);
		l->needs_rset = false;
	}
	buf_clear(&l->client);
	buf_span(&l->client, lines);
	while (lines.len > 0) {
		line = span_until(&lines, '\n');
		conn_put(l->conn, line.p, line.len + 1);
		if (read_reply(l, "XCLIENT", &r, err) < 0)
			return -1;
		if (r.code != 220)
			return backend_smtp_no_good(l, "XCLIENT", &r, err);
	}
	if (backend_open_hello(l, err) < 0)
		return -1;
	/* One that no longer offers it will refuse the next, but it must be
	 * asked: or that client's mail would come in this one's name. */
	l->abilities |= ABILITY_XCLIENT;
	l->xclient = offered;
	return 0;
}

static bool
uses_xclient(const struct backend_link *l)
{
	enum client_info how = l->addr->backend->conf->client_info;

	return (how == CLIENT_INFO_AUTO || how == CLIENT_INFO_XCLIENT) &&
	    (l->abilities & ABILITY_XCLIENT);
}

static bool
uses_xforward(const struct backend_link *l)
{
	enum client_info how = l->addr->backend->conf->client_info;

	return (how == CLIENT_INFO_XFORWARD ||
	    (how == CLIENT_INFO_AUTO && !uses_xclient(l))) &&
	    (l->abilities & ABILITY_XFORWARD);
}

static MAY_YIELD int
tell_client(struct backend_tx *tx, struct err *err)
{
	struct backend_link *l = tx->link;
	struct buf lines = {0};
	int ret = 0;

	if (!uses_xclient(l))
		return 0;
	if (xclient_format(&lines, tx->client, l->xclient) > 0 &&
	    !span_eq(buf_text(&lines), buf_text(&l->client)))
		ret = say_xclient(l, buf_text(&lines), err);
	buf_free(&lines);
	return ret;
}

/* --- a transaction's first commands, in one flight if possible --- */

#define STEPS_MAX	16	/* XFORWARD: at most one for each attribute */

enum step_kind { STEP_RSET, STEP_XFORWARD, STEP_MAIL, STEP_RCPT };

static const char *const step_names[] = {
	[STEP_RSET] = "RSET", [STEP_XFORWARD] = "XFORWARD",
	[STEP_MAIL] = "MAIL", [STEP_RCPT] = "RCPT"
};

struct flight {
	struct buf	text;
	size_t		n;
	struct {
		enum step_kind	kind;
		size_t		end;	/* in text */
	} steps[STEPS_MAX];
};

/* What was appended to the text is one command more. */
static void
flight_step(struct flight *f, enum step_kind kind)
{
	f->steps[f->n].kind = kind;
	f->steps[f->n++].end = f->text.len;
}

static void
flight_add_xforward(struct flight *f, const struct backend_tx *tx)
{
	struct buf lines = {0};
	struct span rest, line;

	xclient_format_forward(&lines, tx->client, tx->session_id,
	    tx->link->xforward);
	rest = buf_text(&lines);
	while (rest.len > 0) {
		line = span_until(&rest, '\n');
		buf_put(&f->text, line.p, line.len + 1);
		flight_step(f, STEP_XFORWARD);
	}
	buf_free(&lines);
}

static void
flight_make(struct flight *f, struct backend_tx *tx, const struct rcpt *rcpt)
{
	const struct backend_link *l = tx->link;

	tx->asks_prdr = tx->envelope->prdr && (l->abilities & ABILITY_PRDR);
	if (l->needs_rset) {
		buf_puts(&f->text, "RSET\r\n");
		flight_step(f, STEP_RSET);
	}
	if (uses_xforward(l))
		flight_add_xforward(f, tx);
	path_format_mail(&f->text, tx->envelope, l->abilities,
	    tx->envelope->declared_size);
	buf_puts(&f->text, "\r\n");
	flight_step(f, STEP_MAIL);
	path_format_rcpt(&f->text, rcpt, l->abilities);
	buf_puts(&f->text, "\r\n");
	flight_step(f, STEP_RCPT);
}

/* 0: go on. 1: MAIL was refused. */
static int
take_answer(struct backend_link *l, enum step_kind kind,
    const struct reply *r, struct err *err)
{
	switch (kind) {
	case STEP_RSET:
		if (r->code != 250)
			return backend_smtp_no_good(l, "RSET", r, err);
		l->needs_rset = false;
		return 0;
	case STEP_XFORWARD:	/* it is only for the backend's log */
		return r->code == 421 ? backend_smtp_no_good(l, "XFORWARD", r, err) : 0;
	case STEP_MAIL:
		if (backend_judge(l, "MAIL", r, err) < 0)
			return -1;
		l->needs_rset = reply_is_ok(r);
		return reply_is_ok(r) ? 0 : 1;
	case STEP_RCPT:
		break;
	}
	return backend_judge(l, "RCPT", r, err);
}

/* After MAIL was refused that is the answer, whatever RCPT is told. Mostly it
 * is 503; a consent, or none, means that the dialogue is out of step. */
static MAY_YIELD void
skip_rcpt(struct backend_link *l)
{
	struct reply r;
	struct err err;

	if (read_reply(l, "RCPT", &r, &err) < 0 || reply_is_ok(&r) ||
	    r.code == 421)
		l->is_broken = true;
}

static MAY_YIELD int
flight_send(struct flight *f, struct backend_link *l, struct reply *answer,
    bool *is_refused, struct err *err)
{
	bool together = l->abilities & ABILITY_PIPELINING;
	size_t i, at = 0;
	int ret;

	if (together)
		conn_put(l->conn, f->text.p, f->text.len);
	for (i = 0; i < f->n; i++) {
		if (!together && backend_smtp_in_step(l, err) < 0)
			return -1;
		if (!together)
			conn_put(l->conn, f->text.p + at,
			    f->steps[i].end - at);
		at = f->steps[i].end;
		if (read_reply(l, step_names[f->steps[i].kind], answer,
		    err) < 0)
			return -1;
		ret = take_answer(l, f->steps[i].kind, answer, err);
		if (ret < 0)
			return -1;
		*is_refused = ret > 0;
		if (*is_refused && together)
			skip_rcpt(l);
		if (*is_refused)
			break;
	}
	return 0;
}

MAY_YIELD int
backend_smtp_begin(struct backend_tx *tx, const struct rcpt *rcpt,
    struct reply *answer, bool *is_refused, struct err *err)
{
	struct flight f = {0};
	int ret;

	*is_refused = false;
	if (tell_client(tx, err) < 0)
		return -1;
	flight_make(&f, tx, rcpt);
	ret = flight_send(&f, tx->link, answer, is_refused, err);
	buf_free(&f.text);
	return ret;
}

MAY_YIELD int
backend_smtp_rcpt(struct backend_tx *tx, const struct rcpt *rcpt,
    struct reply *answer, struct err *err)
{
	struct backend_link *l = tx->link;
	struct buf line = {0};

	if (backend_smtp_in_step(l, err) < 0)
		return -1;
	path_format_rcpt(&line, rcpt, l->abilities);
	buf_puts(&line, "\r\n");
	conn_put(l->conn, line.p, line.len);
	buf_free(&line);
	if (read_reply(l, "RCPT", answer, err) < 0)
		return -1;
	return backend_judge(l, "RCPT", answer, err);
}
