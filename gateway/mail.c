#include <inttypes.h>
#include <string.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/inspect.h"
#include "gateway/mail.h"
#include "gateway/stats.h"
#include "gateway/trace.h"

struct mail *
mail_begin(struct session *s)
{
	struct arena *a = arena_create("mail");
	struct mail *m = arena_new(a, struct mail);

	m->arena = a;
	m->session = s;
	m->number = (unsigned)++s->mails;
	m->started = clock_now();
	m->backend = -1;
	return m;
}

void
mail_add_rcpt(struct mail *m, const struct rcpt *r)
{
	struct envelope *e = &m->envelope;
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
}

static enum newline_mode
newline_mode(const struct mail *m, bool bdat)
{
	const struct smtp_conf *conf = m->session->conf;

	if (bdat && m->envelope.body == BODY_BINARYMIME)
		return NEWLINE_BINARY;
	if (conf->bare_newline_normalize &&
	    (conf->bare_newline_networks.n == 0 ||
	    network_any_has(conf->bare_newline_networks.list,
	    conf->bare_newline_networks.n, &m->session->client.addr)))
		return NEWLINE_NORMALIZE;
	return NEWLINE_STRICT;
}

void
mail_open_message(struct mail *m, bool bdat)
{
	const struct settings *settings = m->session->worker->settings;

	m->message_began = clock_now();
	m->spool = spool_open(m->arena, settings->spool);
	dotstream_begin(&m->in, newline_mode(m, bdat), bdat);
	header_scan_begin(&m->header);
}

static bool
is_lost(const struct mail *m)
{
	return m->is_too_large || m->spool_err.kind != 0 ||
	    (m->in.faults != 0 && m->in.mode == NEWLINE_STRICT);
}

void
mail_feed(struct mail *m, struct span *in)
{
	struct span run;

	while (dotstream_next(&m->in, in, &run)) {
		if (is_lost(m))
			continue;	/* read on to its end, keep nothing */
		if (m->in.size > m->session->max_size) {
			m->is_too_large = true;
			continue;
		}
		if (!m->header.done)
			header_feed(&m->header, run);
		inspect_feed(m, run);
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

	if (!is_lost(m) && m->in.mode != NEWLINE_NORMALIZE)
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

/* What can be said without asking anybody. Code 0: nothing against it. */
static struct reply
judge(struct mail *m)
{
	const struct smtp_conf *conf = m->session->conf;
	unsigned faults = m->in.faults;

	if (faults != 0 && m->in.mode != NEWLINE_NORMALIZE) {
		stats_add(STAT_SMUGGLING, 1);
		m->session->ended_by = "bare-newline";
		return reply_close(550, "5.6.0", "The message holds a %s: "
		    "lines must end in CRLF", dotstream_fault_name(faults));
	}
	if (m->is_too_large)
		return reply(552, "5.3.4", "The message is larger than %" PRIu64
		    " octets", m->session->max_size);
	if (m->spool_err.kind != 0) {
		m->failure = m->spool_err;
		log_event(LOG_LABEL_ERROR, m->session->id, "message not kept: "
		    "%s", m->spool_err.text);
		return reply(452, "4.3.1", "Insufficient storage, try later");
	}
	if (m->header.size > conf->max_header_size)
		return reply(552, "5.3.4", "The header is larger than %" PRIu64
		    " octets", conf->max_header_size);
	if (m->header.fields > conf->max_header_fields)
		return reply(554, "5.6.0", "The header has more than %" PRIu64
		    " fields", conf->max_header_fields);
	if (m->header.received > conf->max_received)
		return reply(554, "5.4.6", "Mail loop: more than %" PRIu64
		    " Received fields", conf->max_received);
	return reply_none();
}

static MAY_YIELD struct reply
hand_over(struct mail *m)
{
	struct session *s = m->session;
	struct buf trace = {0};
	struct trace t = {
		.hostname = s->worker->settings->hostname,
		.id = s->id,
		.client = &s->client,
		.envelope = &m->envelope,
		.when = clock_wall(),
		.is_headless = m->header.is_headless,
	};
	struct backend_message message = {
		.spool = m->spool,
		.has_dots = m->in.has_dots,
		.ends_in_crlf = m->in.ends_in_crlf,
		.is_binary = m->in.mode == NEWLINE_BINARY,
	};
	struct backend_result *result = arena_new(m->arena,
	    struct backend_result);
	int ret;

	session_await_name(s);
	if (inspect_finish(m, &m->failure) < 0)
		return reply_err(&m->failure);
	inspect_put_fields(m, &trace);
	trace_received(&trace, &t);
	inspect_put_header(m, &trace);
	message.trace = buf_text(&trace);
	ret = backend_send(m->tx, &message, result, &m->failure);
	buf_free(&trace);
	if (ret < 0)
		return reply_err(&m->failure);
	m->ok = result->ok;
	m->temp = result->temp;
	m->perm = result->perm;
	if (result->is_mixed)
		stats_add(STAT_MAILS_MIXED, 1);
	return result->answer;
}

struct reply
mail_answer(struct mail *m, struct reply r)
{
	m->answer = arena_new(m->arena, struct reply);
	*m->answer = r;
	return r;
}

MAY_YIELD struct reply
mail_deliver(struct mail *m)
{
	struct reply r;

	dotstream_end(&m->in);
	header_scan_end(&m->header);
	if (!is_lost(m))
		spool_end(m->spool, &m->spool_err);
	r = judge(m);
	if (r.code == 0)
		r = hand_over(m);
	return mail_answer(m, r);
}

/* --- the line that explains it --- */

static const char *
outcome(const struct mail *m)
{
	if (m->answer == NULL || m->answer->code == 0) {
		stats_add(STAT_MAILS_ABORTED, 1);
		return "aborted";
	}
	if (reply_is_ok(m->answer)) {
		stats_add(STAT_MAILS_OK, 1);
		stats_add(STAT_MESSAGE_BYTES, m->in.size);
		m->session->delivered++;
		m->session->errors = 0;		/* so it is no idle guesser */
		return "delivered";
	}
	if (reply_is_permanent(m->answer)) {
		stats_add(STAT_MAILS_PERM, 1);
		return "refused";
	}
	stats_add(STAT_MAILS_TEMP, 1);
	return "deferred";
}

/* Nothing here yields, so one buffer serves all lines. */
static struct buf *
scratch(void)
{
	static struct buf b;

	buf_clear(&b);
	return &b;
}

static void
log_addr(struct logline *l, const char *key, struct span address)
{
	struct buf *b = scratch();

	buf_puts(b, "<");
	buf_span(b, address);
	buf_puts(b, ">");
	log_str(l, key, buf_text(b));
}

static void
log_reply(struct logline *l, const struct reply *r)
{
	struct span rest = span_z(r->text), first = span_until(&rest, '\n');
	struct buf *b = scratch();

	buf_uint(b, (uint64_t)r->code);
	buf_puts(b, " ");
	buf_puts(b, r->enhanced);
	buf_puts(b, r->enhanced[0] != '\0' ? " " : "");
	buf_put(b, first.p, first.len < 100 ? first.len : 100);
	log_str(l, "reply", buf_text(b));
}

static void
log_done(const struct mail *m)
{
	const struct session *s = m->session;
	const struct envelope *e = &m->envelope;
	char ip[ADDR_TEXT];
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, s->id, "mail done");
	log_int(&l, "id", m->number);
	log_z(&l, "outcome", outcome(m));
	log_z(&l, "client", addr_ip(&s->client.addr, ip));
	log_z(&l, "helo", s->client.helo);
	log_addr(&l, "from", e->sender.text);
	if (e->nrcpts > 0)
		log_addr(&l, "to", e->rcpts[0].addr.text);
	else if (m->refusal != NULL)
		log_addr(&l, "to", m->refused_to);
	log_int(&l, "rcpts", e->nrcpts);
	if (m->refused > 0)
		log_int(&l, "refused", m->refused);
	if (m->spool != NULL)
		log_int(&l, "size", m->in.size);
	if (m->answer != NULL && m->answer->code != 0)
		log_reply(&l, m->answer);
	else if (e->nrcpts == 0 && m->refusal != NULL)
		log_reply(&l, m->refusal);
	if (m->tx != NULL)
		log_z(&l, "backend", backend_where(m->tx));
	if (m->temp + m->perm > 0 && m->ok > 0) {
		log_int(&l, "lmtp-ok", m->ok);
		log_int(&l, "lmtp-temp", m->temp);
		log_int(&l, "lmtp-perm", m->perm);
	}
	inspect_log(m, &l);
	if (m->in.faults != 0)
		log_z(&l, "fault", dotstream_fault_name(m->in.faults));
	if (m->failure.kind != 0)
		log_z(&l, "why", m->failure.text);
	if (s->client.tls_version != NULL)
		log_z(&l, "tls", s->client.tls_version);
	log_int(&l, "ms", (clock_now() - m->started) / CLOCK_MS);
	log_end(&l);
}

void
mail_end(struct mail **mp)
{
	struct mail *m = *mp;

	if (m == NULL)
		return;
	log_done(m);
	mail_drop(mp);
}

void
mail_drop(struct mail **mp)
{
	struct arena *a = (*mp)->arena;

	*mp = NULL;
	arena_destroy(&a);
}
