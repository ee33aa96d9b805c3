#include <inttypes.h>
#include <stdlib.h>

#include "base/clock.h"
#include "base/log.h"
#include "base/mem.h"
#include "gateway/backend_internal.h"
#include "gateway/dotstream.h"
#include "gateway/stats.h"

#define SMALL		(16 * 1024)
#define PIECE		(1 << 20)	/* of a file, between two looks */
#define PIECE_RUNS	8		/* of memory, the same */
#define STUFF_AT_ONCE	(32 * 1024)
#define EARLY_TIMEOUT	(5 * CLOCK_S)	/* for the rest of an early reply */

/* RFC 5321 4.5.3.2.5 counts each block of data anew, and so do we. */
static int64_t
block_deadline(const struct backend_link *l)
{
	return clock_now() + l->addr->backend->conf->data_timeout;
}

/* --- the octets: 0 when they are sent or gathered, else -1 --- */

/* Between two pieces: a large message lets others run, and a backend that
 * speaks now has heard enough. */
static MAY_YIELD int
pause_between(struct backend_link *l, struct err *err)
{
	if (conn_unread(l->conn) > 0)
		return err_set(err, ERR_UNAVAIL, "answered before the end");
	fiber_yield();
	return 0;
}

/* Cheaper to copy than to send alone: it leaves with what ends the message. */
static void
put_small(struct backend_link *l, const struct spool *spool)
{
	struct iovec run;
	uint64_t at;

	for (at = 0; spool_runs(spool, at, &run, 1) > 0; at += run.iov_len)
		conn_put(l->conn, run.iov_base, run.iov_len);
}

/* The part in memory, and `end` when that is all. */
static MAY_YIELD int
put_memory(struct backend_link *l, const struct spool *spool,
    struct span end, struct err *err)
{
	uint64_t at = 0, size = spool_in_memory(spool);
	struct iovec runs[PIECE_RUNS + 1];
	int i, n;

	if (size <= SMALL) {
		put_small(l, spool);
		conn_put(l->conn, end.p, end.len);
		return 0;
	}
	while (at < size) {
		n = spool_runs(spool, at, runs, PIECE_RUNS);
		for (i = 0; i < n; i++)
			at += runs[i].iov_len;
		if (at == size)
			runs[n++] = (struct iovec){ (void *)end.p, end.len };
		if (conn_writev(l->conn, runs, n, block_deadline(l), err) < 0)
			return -1;
		if (at < size && pause_between(l, err) < 0)
			return -1;
	}
	return 0;
}

/* What is not in memory. */
static MAY_YIELD int
put_file(struct backend_link *l, const struct spool *spool, struct err *err)
{
	uint64_t at, n, size = spool_size(spool) - spool_in_memory(spool);
	uint64_t begin;
	int file = spool_file(spool, &begin);

	for (at = 0; at < size; at += n) {
		n = size - at < PIECE ? size - at : PIECE;
		if (conn_send_file(l->conn, file, (int64_t)(begin + at), n,
		    block_deadline(l), err) < 0)
			return -1;
		if (at + n < size && pause_between(l, err) < 0)
			return -1;
	}
	return 0;
}

static MAY_YIELD int
put_stuffed_block(struct backend_link *l, const struct buf *block, bool last,
    struct err *err)
{
	if (last && block->len <= SMALL) {
		conn_put(l->conn, block->p, block->len);
		return 0;
	}
	return conn_write(l->conn, block->p, block->len, block_deadline(l),
	    err);
}

/* RFC 5321 4.5.2 */
static MAY_YIELD int
put_stuffed(struct backend_link *l, struct spool *spool, struct err *err)
{
	char *block = mem_alloc(STUFF_AT_ONCE, "dot-stuffing");
	uint64_t at = 0, size = spool_size(spool);
	struct buf stuffed = {0};
	bool line_start = true;
	ssize_t n = 0;
	int ret = 0;

	while (ret == 0 && at < size) {
		n = spool_read(spool, at, block, STUFF_AT_ONCE, err);
		if (n <= 0) {
			ret = n < 0 ? -1 : err_set(err, ERR_UNAVAIL,
			    "the spool is shorter than it was");
			break;
		}
		at += (uint64_t)n;
		buf_clear(&stuffed);
		dot_stuff(&stuffed, span_n(block, (size_t)n), &line_start);
		ret = put_stuffed_block(l, &stuffed, at == size, err);
		if (ret == 0 && at < size && at % PIECE == 0)
			ret = pause_between(l, err);
	}
	buf_free(&stuffed);
	free(block);
	return ret;
}

/* RFC 5321 4.1.1.4: the end of DATA is no part of the message. */
static struct span
end_of(const struct backend_message *m, bool is_data)
{
	if (!is_data)
		return SPAN_LIT("");
	return m->ends_in_crlf ? SPAN_LIT(".\r\n") : SPAN_LIT("\r\n.\r\n");
}

static MAY_YIELD int
put_body(struct backend_link *l, const struct backend_message *m,
    bool is_data, struct err *err)
{
	struct span end = end_of(m, is_data);
	uint64_t begin;
	bool has_file = spool_file(m->spool, &begin) >= 0;

	if (is_data && m->has_dots) {
		if (put_stuffed(l, m->spool, err) < 0)
			return -1;
	} else {
		if (put_memory(l, m->spool, has_file ? SPAN_LIT("") : end,
		    err) < 0)
			return -1;
		if (!has_file)
			return 0;
		if (put_file(l, m->spool, err) < 0)
			return -1;
	}
	conn_put(l->conn, end.p, end.len);
	return 0;
}

/* It may hold lines of the message itself (its header, changed), and fields
 * that a rule has named. */
static void
put_head(struct backend_link *l, const struct backend_message *m, bool is_data)
{
	struct buf stuffed = {0};
	bool line_start = true;

	if (is_data) {
		dot_stuff(&stuffed, m->trace, &line_start);
		conn_put(l->conn, stuffed.p, stuffed.len);
		buf_free(&stuffed);
	} else
		conn_put(l->conn, m->trace.p, m->trace.len);
}

/* --- the dialogue around them --- */

/* A backend may refuse a message before it has all of it, and close. What it
 * said then is worth more than "broken pipe". */
static MAY_YIELD bool
is_refused_early(struct backend_link *l, struct reply *answer)
{
	struct err err;

	return reply_read(l->conn, clock_now() + EARLY_TIMEOUT, answer,
	    &err) == 0 && !reply_is_ok(answer) &&
	    backend_judge(l, "the message", answer, &err) == 0;
}

/* The link counts as broken until the answer to the message has come: a
 * message that is not finished can only be broken off. */
static MAY_YIELD int
send_octets(struct backend_link *l, const struct backend_message *m,
    bool is_data, struct reply *answer, struct err *err)
{
	bool has_spoken;

	l->is_broken = true;
	put_head(l, m, is_data);
	if (put_body(l, m, is_data, err) == 0 &&
	    conn_flush(l->conn, block_deadline(l), err) == 0)
		return 0;
	has_spoken = err->kind == ERR_CLOSED || conn_unread(l->conn) > 0;
	backend_smtp_failed(l, "sending the message", err);
	if (has_spoken && err->kind != ERR_CLOSED &&
	    is_refused_early(l, answer))
		return 1;
	return -1;
}

/* 0: the message may follow. */
static MAY_YIELD int
ask_for_data(struct backend_link *l, struct reply *answer, struct err *err)
{
	conn_puts(l->conn, "DATA\r\n");
	if (backend_smtp_read(l, "DATA",
	    l->addr->backend->conf->reply_timeout, answer, err) < 0)
		return -1;
	if (answer->code == 354)
		return backend_smtp_in_step(l, err);
	if (reply_is_ok(answer)) {
		backend_smtp_no_good(l, "DATA", answer, err);
		err->kind = ERR_SYNTAX;
		return -1;
	}
	return backend_judge(l, "DATA", answer, err) < 0 ? -1 : 1;
}

MAY_YIELD int
backend_message_send(struct backend_tx *tx, const struct backend_message *m,
    struct reply *answer, struct err *err)
{
	struct backend_link *l = tx->link;
	bool is_data = !(l->abilities & ABILITY_CHUNKING);
	int ret;

	if (m->is_binary && !(l->abilities & ABILITY_BINARYMIME)) {
		*answer = reply(451, "4.3.5", "The mail server behind this "
		    "gateway does not offer BINARYMIME now, please try "
		    "again later");
		return 1;
	}
	if (backend_smtp_in_step(l, err) < 0)
		return -1;
	if (is_data) {
		ret = ask_for_data(l, answer, err);
		if (ret != 0)
			return ret;
	} else
		conn_printf(l->conn, "BDAT %" PRIu64 " LAST\r\n",
		    m->trace.len + spool_size(m->spool));
	return send_octets(l, m, is_data, answer, err);
}

/* --- the answer --- */

static void
log_lost(const struct backend_tx *tx, const struct err *why)
{
	struct logline l;

	stats_add(STAT_BACKEND_FAILURES, 1);
	log_begin(&l, LOG_LABEL_WARN, tx->session_id,
	    "reply lost after the end of the message");
	log_z(&l, "backend", tx->addr->where);
	log_z(&l, "why", why->text);
	log_z(&l, "delivered", "perhaps");
	log_end(&l);
}

MAY_YIELD int
backend_message_read(struct backend_tx *tx, struct reply *answer)
{
	struct backend_link *l = tx->link;
	struct err err;

	if (backend_smtp_read(l, "the message",
	    l->addr->backend->conf->data_timeout, answer, &err) == 0) {
		if (answer->code == 353 && tx->asks_prdr)
			return 0;
		if (backend_judge(l, "the message", answer, &err) == 0)
			return 0;
		if (answer->code == 421) {	/* a clear refusal, for now */
			answer->code = 451;
			return -1;
		}
	}
	tx->is_lost = true;
	log_lost(tx, &err);
	*answer = reply(451, err.kind == ERR_SYNTAX ? "4.3.0" : "4.4.2",
	    "The mail server behind this gateway did not confirm the "
	    "message, please try again later");
	return -1;
}

void
backend_message_done(struct backend_link *l, const struct reply *answer)
{
	l->is_broken = l->needs_rset = false;
	if (reply_is_ok(answer))
		l->refusals = 0;
}
