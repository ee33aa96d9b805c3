#include <inttypes.h>

#include "base/clock.h"
#include "base/log.h"
#include "gateway/command.h"
#include "gateway/mail.h"
#include "gateway/mail_milters.h"
#include "gateway/series.h"
#include "gateway/session_count.h"

/* How much of a message that is too large is read on for politeness. */
#define OVERRUN(max)	(2 * (max) + (8 << 20))

/*
 * When the next octets must have come: between two reads data_timeout, and
 * in all no slower than min_data_rate, so that one octet a minute does not
 * hold a session for ever.
 */
static int64_t
data_deadline(const struct session *s, int64_t begin, uint64_t octets)
{
	int64_t patience = session_data_timeout(s), by_rate;
	int64_t next = clock_now() + patience;

	if (s->conf->min_data_rate == 0)
		return next;
	by_rate = begin + patience +
	    (int64_t)(octets / s->conf->min_data_rate) * CLOCK_S;
	return by_rate < next ? by_rate : next;
}

/* The client left or stalled within the message: nobody took it. */
static struct reply
message_broke_off(struct session *s, const struct err *err)
{
	struct reply r = reply_none();

	r.close = true;
	s->heard = clock_now();		/* the client's time is not ours */
	if (err->kind == ERR_TIMEOUT) {
		s->ended_by = "timeout";
		r = reply_close(421, "4.4.2", "The message did not come in "
		    "time");
	}
	return r;
}

static struct reply
far_too_large(struct session *s, struct mail *m)
{
	struct reply r = reply_close(552, "5.3.4",
	    "The message is larger than %" PRIu64 " octets", s->max_size);

	s->ended_by = "size";
	s->heard = clock_now();
	return m == NULL ? r : mail_answer(m, r);
}

/*
 * DATA -- the message, then the backend's verdict       RFC 5321 4.1.1.4
 *
 * 354 is ours to say: every recipient has the backend's consent already.
 */
MAY_YIELD struct reply
cmd_data(struct session *s, struct span args)
{
	struct mail *m = s->mail;
	struct reply r;
	struct err err;

	(void)args;
	if (m->envelope.body == BODY_BINARYMIME)
		return reply(503, "5.5.1", "BODY=BINARYMIME needs BDAT");
	r = mail_milters_data(m);
	if (r.code == 0 && !r.close && conn_unread(s->conn) > 0)
		r = command_sent_ahead(s);	/* while they were asked */
	if (r.code != 0 || r.close)
		return mail_answer(m, r);
	session_count_reply(s, 354);
	conn_puts(s->conn, "354 End with <CR><LF>.<CR><LF>\r\n");
	s->verb = WORD_VERB_MESSAGE;
	s->heard = clock_now();
	mail_open_message(m, false);
	while (!m->in.done) {
		if (mail_read(m, UINT64_MAX, data_deadline(s,
		    m->message_began, m->in.size), &err) < 0)
			return message_broke_off(s, &err);
		if (m->in.size > OVERRUN(s->max_size))
			return far_too_large(s, m);
	}
	s->heard = clock_now();
	return mail_deliver(m);
}

/* --- BDAT --- */

struct chunk {
	uint64_t	size;
	bool		is_last;
};

static int
parse_chunk(struct span args, struct chunk *chunk)
{
	struct span size = span_word(&args), last = span_trim(args);

	if (span_uint(size, INT64_MAX / 2, &chunk->size) < 0)
		return -1;
	chunk->is_last = last.len > 0;
	return last.len == 0 || span_is_nocase(last, "LAST") ? 0 : -1;
}

static MAY_YIELD ssize_t
read_away(struct session *s, uint64_t max, int64_t deadline, struct err *err)
{
	size_t n;

	if (conn_input(s->conn).len == 0 &&
	    conn_fill(s->conn, deadline, err) < 0)
		return -1;
	n = conn_input(s->conn).len;
	if (n > max)
		n = max;
	conn_consume(s->conn, n);
	return (ssize_t)n;
}

/* Reads the octets of a chunk, into the mail or (NULL) into nothing: they
 * come whatever we think of the command. */
static MAY_YIELD int
read_chunk(struct session *s, struct mail *m, uint64_t size, struct err *err)
{
	int64_t begin = clock_now();
	uint64_t left = size;
	ssize_t n;

	while (left > 0) {
		if (m != NULL)	/* the rate is that of the message, over all */
			n = mail_read(m, left, data_deadline(s,
			    m->message_began, m->in.size), err);
		else
			n = read_away(s, left, data_deadline(s, begin,
			    size - left), err);
		if (n < 0)
			return -1;
		left -= (uint64_t)n;
	}
	return 0;
}

/*
 * BDAT -- a message in counted chunks                        RFC 3030 2
 *
 * The octets of a chunk follow the command even where it is out of place,
 * so they are read first and the order is judged after. Text chunks obey the
 * same rule of line ends as DATA.
 */
MAY_YIELD struct reply
cmd_bdat(struct session *s, struct span args)
{
	enum stage stage = session_stage(s);
	struct reply r = reply_none();
	struct mail *m = NULL;
	bool is_first = false;
	struct chunk chunk;
	struct err err;

	if (parse_chunk(args, &chunk) < 0) {
		s->ended_by = "bdat-syntax";
		return reply_close(501, "5.5.4", "BDAT needs a size and "
		    "perhaps LAST: where the chunk ends is not known");
	}
	if (chunk.size > OVERRUN(s->max_size))
		return far_too_large(s, s->mail);
	if ((stage == AT_RCPT || stage == AT_BDAT) &&
	    (s->advertised & ABILITY_CHUNKING))
		m = s->mail;
	if (m != NULL && !m->has_bdat) {
		mail_open_message(m, true);
		m->has_bdat = is_first = true;
	}
	if (read_chunk(s, m, chunk.size, &err) < 0)
		return message_broke_off(s, &err);
	s->heard = clock_now();
	if (m == NULL && !(s->advertised & ABILITY_CHUNKING))
		return reply(502, "5.5.1", "BDAT is not offered here");
	if (m == NULL)
		return reply(503, "5.5.1", "BDAT needs a recipient that was "
		    "accepted");
	if (m->in.size > OVERRUN(s->max_size))
		return far_too_large(s, m);
	if (is_first)
		r = mail_milters_data(m);
	if (r.code != 0 || r.close)
		return mail_answer(m, r);
	/* A fault ends the session: what else was sent ahead is not read. */
	if (chunk.is_last ||
	    (m->in.faults != 0 && m->in.mode != NEWLINE_NORMALIZE))
		return mail_deliver(m);
	return reply(250, "2.0.0", "%" PRIu64 " octets received", chunk.size);
}
