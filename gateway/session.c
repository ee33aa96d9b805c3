#include <stdio.h>
#include <string.h>
#include <sys/random.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/command.h"
#include "gateway/dotstream.h"
#include "gateway/judge.h"
#include "gateway/listener.h"
#include "gateway/mail.h"
#include "gateway/proxyproto.h"
#include "gateway/sentence.h"
#include "gateway/series.h"
#include "gateway/session.h"
#include "gateway/session_count.h"
#include "gateway/session_milters.h"
#include "gateway/stats.h"
#include "gateway/transaction.h"

#define PROXY_TIMEOUT	(5 * CLOCK_S)
#define TLS_TIMEOUT	(60 * CLOCK_S)
#define GOODBYE_TIMEOUT	(3 * CLOCK_S)
#define LINGER		(256 * 1024)	/* octets read away before closing */
#define REPLIES_MAX	(16 * 1024)	/* gathered, to pipelined commands */

/* --- life --- */

/* 12 hex digits: a random start for each worker, then counted. */
static void
make_id(char id[16])
{
	static uint64_t next;

	if (next == 0 && getrandom(&next, sizeof(next), 0) < 0)
		next = (uint64_t)clock_wall();
	next++;
	snprintf(id, 16, "%012llx",
	    (unsigned long long)(next & 0xffffffffffffULL));
}

static void
enlist(struct session *s)
{
	struct worker *w = s->worker;

	s->next = w->sessions;
	s->prevp = &w->sessions;
	if (s->next != NULL)
		s->next->prevp = &s->next;
	w->sessions = s;
	w->nsessions++;
	session_count_begin(s);
}

static void
delist(struct session *s)
{
	*s->prevp = s->next;
	if (s->next != NULL)
		s->next->prevp = s->prevp;
	s->worker->nsessions--;
	stats_add(STAT_SESSIONS_OPEN, -1);
	series_add(SERIES_SESSIONS_OPEN, session_subject(s), 0, 0, -1);
}

static void
log_end_line(const struct session *s)
{
	char ip[ADDR_TEXT];
	struct logline l;

	log_begin(&l, LOG_LABEL_INFO, s->id, "session end");
	log_z(&l, "client", addr_ip(&s->client.addr, ip));
	if (s->client.name != NULL)
		log_z(&l, "name", s->client.name);
	if (s->client.helo != NULL)
		log_z(&l, "helo", s->client.helo);
	log_z(&l, "listener", s->listener->conf->name);
	log_z(&l, "by", s->ended_by);
	log_z(&l, "at", s->where);
	if (s->judge != NULL)
		sentence_put(&l, judge_refusal(s->judge));
	log_int(&l, "mails", s->mails);
	log_int(&l, "delivered", s->delivered);
	log_int(&l, "commands", s->commands);
	if (s->errors > 0)
		log_int(&l, "errors", s->errors);
	if (s->last_error[0] != '\0')
		log_z(&l, "last-error", s->last_error);
	if (s->client.early_talker)
		log_z(&l, "early-talker", "yes");
	if (s->client.early_pipelining)
		log_z(&l, "early-pipelining", "yes");
	if (s->client.tls_version != NULL)
		log_z(&l, "tls", s->client.tls_version);
	log_int(&l, "in", conn_bytes_in(s->conn));
	log_int(&l, "out", conn_bytes_out(s->conn));
	log_int(&l, "ms", (clock_now() - s->started) / CLOCK_MS);
	log_end(&l);
}

/*
 * A lookup that is under way cannot be taken back. So a client that has left
 * counts among the sessions of its network until its lookups are over: those
 * who come and go make no more of them than those who stay. (A trusted proxy
 * that is counted for all of its clients does not wait for them.)
 */
static MAY_YIELD void
settle(struct session *s)
{
	struct err err;

	if (s->may_xclient || s->judge == NULL)
		return;
	s->is_idle = true;	/* nobody stops later for that */
	if (s->worker->state != WORKER_STOPPING)
		(void)judge_settle(s->judge, &err);
	s->is_idle = false;
}

static MAY_YIELD void
session_end(struct session *s)
{
	struct arena *a = s->arena;

	mail_end(&s->mail);
	if (s->judge != NULL && judge_has_name(s->judge))
		session_await_name(s);
	session_count_end(s);
	transaction_session(s);
	log_end_line(s);
	conn_close(&s->conn);
	session_milters_end(s);
	settle(s);
	judge_end(&s->judge);
	delist(s);
	arena_destroy(&a);
}

/* --- what the handlers ask --- */

int64_t
session_command_timeout(const struct session *s)
{
	return s->worker->is_stressed ? s->conf->stress_command_timeout :
	    s->conf->command_timeout;
}

int64_t
session_data_timeout(const struct session *s)
{
	return s->worker->is_stressed ? s->conf->stress_data_timeout :
	    s->conf->data_timeout;
}

void
session_early_pipelining(struct session *s)
{
	if (s->client.early_pipelining)
		return;
	s->client.early_pipelining = true;
	stats_add(STAT_EARLY_PIPELINING, 1);
}

bool
session_offers_tls(const struct session *s)
{
	return s->listener->tls != NULL && conn_tls(s->conn) == NULL &&
	    s->conf->tls != TLS_MODE_NONE;
}

void
session_tls_began(struct session *s)
{
	const struct tls *tls = conn_tls(s->conn);

	s->client.tls_version = tls_version(tls);
	s->client.tls_cipher = tls_cipher(tls);
	s->client.tls_bits = tls_bits(tls);
	s->client.tls_name = tls_peer_name(tls);
	s->client.tls_issuer = tls_peer_issuer(tls);
	s->client.tls_verified = tls_verified(tls);
	s->client.helo = NULL;
	s->client.esmtp = false;
	s->advertised = 0;
	stats_add(STAT_SESSIONS_TLS, 1);
}

static void
say(struct session *s, const struct reply *r)
{
	static struct buf wire;		/* nothing here yields */

	if (r->code == 0)
		return;
	reply_format(r, s->id, &wire);
	conn_put(s->conn, wire.p, wire.len);
	buf_clear(&wire);
}

static MAY_YIELD void
say_goodbye(struct session *s, const struct reply *r)
{
	struct err err;

	say(s, r);
	/* If it does not take it in time, it has left all the same. Who is
	 * told off may still be sending, and should see why it is cut. */
	if (r->code >= 400 && s->worker->state != WORKER_STOPPING)
		conn_linger(s->conn, LINGER, clock_now() + GOODBYE_TIMEOUT);
	else
		(void)conn_flush(s->conn, clock_now() + GOODBYE_TIMEOUT, &err);
}

/* --- before the greeting --- */

static MAY_YIELD int
take_proxy_header(struct session *s)
{
	struct proxy_header header;
	struct reply r;
	struct err err;
	char ip[ADDR_TEXT];
	struct logline l;

	if (!network_any_has(s->conf->proxy_protocol.list,
	    s->conf->proxy_protocol.n, &s->client.addr))
		return 0;
	if (proxyproto_read(s->conn, clock_now() + PROXY_TIMEOUT, &header,
	    &err) < 0) {
		s->ended_by = "proxy-header";
		log_begin(&l, LOG_LABEL_WARN, s->id, "no PROXY header");
		log_z(&l, "client", addr_ip(&s->client.addr, ip));
		log_z(&l, "why", err.text);
		log_end(&l);
		return -1;
	}
	if (header.is_local)	/* it asks how we are: counted nowhere */
		return 0;
	s->client.addr = header.client;
	s->client.local = header.local;
	if (listener_admit(s))
		return 0;
	s->ended_by = "crowd";
	r = reply_close(421, "", "%s Too many sessions from your network, try "
	    "again later", s->worker->settings->hostname);
	if (s->conf->tls != TLS_MODE_IMPLICIT) {
		session_count_greeting(s, r.code);
		say_goodbye(s, &r);
	}
	return -1;
}

static MAY_YIELD int
take_implicit_tls(struct session *s)
{
	struct logline l;
	struct err err;

	if (s->conf->tls != TLS_MODE_IMPLICIT)
		return 0;
	if (tls_accept(s->conn, s->listener->tls, clock_now() + TLS_TIMEOUT,
	    &err) < 0) {
		s->ended_by = "tls";
		log_begin(&l, LOG_LABEL_INFO, s->id, "tls failed");
		log_z(&l, "why", err.text);
		log_end(&l);
		return -1;
	}
	session_tls_began(s);
	return 0;
}

/* Legitimate clients wait for the greeting. *us: how long that was put off. */
static MAY_YIELD int
watch_early_talker(struct session *s, int64_t *us)
{
	int64_t began = clock_now();
	struct err err;

	if (conn_unread(s->conn) == 0) {
		if (s->conf->greeting_delay == 0)
			return 0;
		if (conn_fill(s->conn, clock_now() + s->conf->greeting_delay,
		    &err) < 0) {
			*us = clock_now() - began;
			if (err.kind == ERR_TIMEOUT)
				return 0;	/* as it should be */
			s->ended_by = "client";
			return -1;
		}
	}
	s->client.early_talker = true;
	stats_add(STAT_EARLY_TALKERS, 1);
	if (s->conf->early_talker != VIOLATION_DROP)
		return 0;
	s->ended_by = "early-talker";
	return -1;
}

static MAY_YIELD __attribute__((noinline)) int
open_dialogue(struct session *s)
{
	int64_t put_off = 0;
	struct reply r;

	if (take_proxy_header(s) < 0)
		return -1;
	s->may_xclient = network_any_has(s->conf->xclient.list,
	    s->conf->xclient.n, &s->client.addr);
	session_judge_client(s, false);
	if (take_implicit_tls(s) < 0)
		return -1;
	if (watch_early_talker(s, &put_off) < 0) {
		if (!s->client.early_talker)
			return -1;
		r = reply_close(554, "5.5.1", "You spoke before the greeting");
		session_turned_away(s, &r);
		session_count_greeting(s, r.code);
		say_goodbye(s, &r);
		return -1;
	}
	r = session_greeting(s, s->may_xclient);
	stages_set(&s->stages, STAGE_CONNECT, clock_now() - s->started -
	    put_off);
	session_count_stage(s, STAGE_CONNECT, s->stages.us[STAGE_CONNECT]);
	session_count_greeting(s, r.code);
	if (!r.close) {
		say(s, &r);
		return 0;
	}
	say_goodbye(s, &r);
	return -1;
}

/* --- the dialogue --- */

static struct reply
faulty_line(struct session *s, const struct line *line)
{
	s->errors++;
	stats_add(STAT_COMMAND_ERRORS, 1);
	switch (line->fault) {
	case LINE_TOO_LONG:
		return reply(500, "5.5.6", "The command line is longer than "
		    "%llu octets",
		    (unsigned long long)s->conf->max_command_line);
	case LINE_BARE_LF:
		s->ended_by = "bare-newline";
		return reply_close(500, "5.5.2",
		    "Bare LF: command lines must end in CRLF");
	case LINE_BARE_CR:
		s->ended_by = "bare-newline";
		return reply_close(500, "5.5.2", "Bare CR in a command");
	default:
		return reply(500, "5.5.2", "NUL in a command");
	}
}

static struct reply
stopping(struct session *s)
{
	s->ended_by = "us";
	return reply_close(421, "4.3.2", "Service is stopping");
}

/* More was waiting than the client might send ahead: what an EHLO offers
 * holds behind its reply (RFC 2920 3.1). */
static struct reply
check_pipelining(struct session *s, struct reply r)
{
	if (r.close || conn_input(s->conn).len == 0)
		return r;
	session_early_pipelining(s);
	if (s->conf->early_pipelining != VIOLATION_DROP)
		return r;
	s->ended_by = "early-pipelining";
	return reply_close(554, "5.5.0",
	    "You sent more before the reply to %s", s->where);
}

/* The reply to one line. Apart from the loop, so that the stack of a session
 * that waits for its next command does not hold what replies need. */
static MAY_YIELD __attribute__((noinline)) bool
answer_line(struct session *s, const struct line *line)
{
	struct reply r;
	bool pipelines = s->advertised & ABILITY_PIPELINING;

	s->verb = WORD_VERB_OTHER;
	s->heard = clock_now();
	if (line->fault == LINE_GOOD)
		r = command_run(s, line->text);
	else
		r = faulty_line(s, line);
	if (reply_is_permanent(&r))
		snprintf(s->last_error, sizeof(s->last_error),
		    "%.10s: %d %s%s%.40s", s->where, r.code, r.enhanced, r.enhanced[0] ? " " : "",
		    r.text);
	/* A mail ends with its reply, and is logged before it is told. */
	if (s->mail != NULL && s->mail->answer != NULL)
		mail_end(&s->mail);
	if (!pipelines)
		r = check_pipelining(s, r);
	if (r.code == 0 && r.close && s->worker->state == WORKER_STOPPING)
		r = stopping(s);	/* cut in the middle of a command */
	session_count_reply(s, r.code);
	if (!r.close && s->errors >= s->conf->max_errors) {
		say(s, &r);
		s->ended_by = "errors";
		r = reply_close(421, "4.7.0", "Too many errors");
	}
	if (r.close)
		say_goodbye(s, &r);
	else
		say(s, &r);
	return !r.close;
}

/* Commands that came in one read are answered together, but not without
 * bounds: short ones may have long replies, and there may be no reader. */
static MAY_YIELD int
bound_replies(struct session *s, struct err *err)
{
	if (conn_pending(s->conn) < REPLIES_MAX)
		return 0;
	if (conn_flush(s->conn, clock_now() + session_command_timeout(s),
	    err) < 0)
		return -1;
	fiber_yield();
	return 0;
}

static MAY_YIELD __attribute__((noinline)) void
line_failed(struct session *s, const struct err *err)
{
	struct reply r;

	if (err->kind == ERR_TIMEOUT) {
		s->ended_by = "timeout";
		r = reply_close(421, "4.4.2", "No command in time");
	} else if (s->worker->state == WORKER_STOPPING) {
		r = stopping(s);
	} else {
		/* It may only have closed its side: what it is owed, the
		 * reply to a message above all, still reaches it then. */
		s->ended_by = "client";
		r = reply_none();
	}
	say_goodbye(s, &r);
}

/* Between two commands of a session without a mail. */
static bool
is_over(struct session *s, struct err *err)
{
	if (s->worker->state != WORKER_STOPPING || s->mail != NULL)
		return false;
	err_set(err, ERR_CLOSED, "stopping");
	return true;
}

static MAY_YIELD void
session_run(void *arg)
{
	struct session *s = arg;
	struct line line;
	struct err err;
	int ret;

	if (open_dialogue(s) == 0)
		do {
			if (is_over(s, &err)) {
				line_failed(s, &err);
				break;
			}
			if (bound_replies(s, &err) < 0) {
				line_failed(s, &err);
				break;
			}
			s->is_idle = s->mail == NULL;
			ret = line_read(s->conn, s->conf->max_command_line,
			    clock_now() + session_command_timeout(s), &line,
			    &err);
			s->is_idle = false;
			if (ret < 0) {
				line_failed(s, &err);
				break;
			}
		} while (answer_line(s, &line));
	session_end(s);
}

void
session_accept(struct listener *l, int fd, const struct addr *peer)
{
	struct arena *a = arena_create("session");
	struct session *s = arena_new(a, struct session);
	struct sockaddr_storage local;
	socklen_t len = sizeof(local);

	s->arena = a;
	s->worker = l->worker;
	s->listener = l;
	s->conf = &l->conf->smtp;
	s->conn = conn_open(fd);
	s->client.addr = *peer;
	if (getsockname(fd, (struct sockaddr *)&local, &len) == 0)
		addr_from((struct sockaddr *)&local, len, &s->client.local);
	s->client.reverse = DNS_REVERSE_TEMPERROR;
	s->where = "connect";
	s->ended_by = "client";
	s->max_size = s->conf->max_message_size;
	s->started = clock_now();
	make_id(s->id);
	enlist(s);
	s->fiber = fiber_spawn("session", session_run, s);
}

void
sessions_wake_idle(struct worker *w)
{
	struct session *s;

	for (s = w->sessions; s != NULL; s = s->next)
		if (s->is_idle)
			fiber_interrupt(s->fiber);
}

void
sessions_stop(struct worker *w)
{
	struct session *s;

	for (s = w->sessions; s != NULL; s = s->next)
		fiber_stop(s->fiber);
}
