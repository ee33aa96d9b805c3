#include <assert.h>

#include "milter/command.h"
#include "milter/dialogue_internal.h"

#define PIECE_RUNS	(CONN_RUNS - 1)		/* and the head of a packet */

/* What of the body has not been sent: runs, or a spool from `at` on. */
struct rest {
	const struct iovec	*runs;
	size_t			 n, skip;	/* octets of the first run */
	struct spool		*spool;		/* NULL: runs */
	uint64_t		 at;
};

/* Takes the next runs in memory, of `most` octets at most; 0: no more. */
static int
take_runs(struct rest *r, size_t most, struct iovec *out, size_t *len)
{
	size_t left;
	int n = 0;

	for (*len = 0; r->n > 0 && n < PIECE_RUNS && *len < most;) {
		left = r->runs->iov_len - r->skip;
		if (left > most - *len)
			left = most - *len;
		if (left > 0)
			out[n++] = (struct iovec){ (char *)r->runs->iov_base +
			    r->skip, left };
		*len += left;
		r->skip += left;
		if (r->skip == r->runs->iov_len) {
			r->runs++;
			r->n--;
			r->skip = 0;
		}
	}
	return n;
}

static int
take_spooled(struct rest *r, size_t most, struct iovec *out, size_t *len)
{
	int n = spool_runs(r->spool, r->at, out, PIECE_RUNS), used = 0;

	for (*len = 0; used < n && *len < most; used++) {
		if (out[used].iov_len > most - *len)
			out[used].iov_len = most - *len;
		*len += out[used].iov_len;
	}
	r->at += *len;
	return used;
}

static MAY_YIELD int
send_file(struct dialogue *d, struct rest *r, struct err *err)
{
	uint64_t begin, left = spool_size(r->spool) - r->at;
	size_t n = left < d->terms.chunk ? (size_t)left : d->terms.chunk;
	int fd = spool_file(r->spool, &begin);
	char head[PACKET_HEAD];

	assert(fd >= 0);
	begin += r->at - spool_in_memory(r->spool);
	r->at += n;
	packet_head(head, SMFIC_BODY, n);
	conn_put(d->conn, head, sizeof(head));
	return conn_send_file(d->conn, fd, (int64_t)begin, n,
	    dialogue_deadline(d, SMFIC_BODY), err);
}

/* One packet. 0: there was nothing left. */
static MAY_YIELD int
send_packet(struct dialogue *d, struct rest *r, struct err *err)
{
	struct iovec runs[CONN_RUNS];
	char head[PACKET_HEAD];
	size_t len;
	int n;

	if (r->spool != NULL)
		n = take_spooled(r, d->terms.chunk, runs + 1, &len);
	else
		n = take_runs(r, d->terms.chunk, runs + 1, &len);
	if (n == 0) {
		if (r->spool == NULL || r->at >= spool_size(r->spool))
			return 0;
		return send_file(d, r, err) < 0 ? -1 : 1;
	}
	packet_head(head, SMFIC_BODY, len);
	runs[0] = (struct iovec){ head, sizeof(head) };
	return conn_writev(d->conn, runs, n + 1,
	    dialogue_deadline(d, SMFIC_BODY), err) < 0 ? -1 : 1;
}

static MAY_YIELD int
send_rest(struct arena *a, struct dialogue *d, struct rest *r,
    struct answer *verdict, struct err *err)
{
	int sent;

	while (verdict->kind == ANSWER_CONTINUE && !d->skips_body) {
		if (dialogue_is_quiet(d, err) < 0)
			return -1;
		sent = send_packet(d, r, err);
		if (sent <= 0)
			return sent;
		if (!option_awaits(&d->terms, SMFIC_BODY)) {
			fiber_yield();
			continue;
		}
		if (dialogue_answer(a, d, SMFIC_BODY, NULL, verdict, err) < 0)
			return -1;
		dialogue_hold(d, SMFIC_BODY, verdict);
	}
	return 0;
}

static MAY_YIELD int
send_body(struct arena *a, struct dialogue *d, struct rest *r,
    struct answer *verdict, struct err *err)
{
	int go;

	go = dialogue_step(d, SMFIC_BODY, NULL, verdict, err);
	if (go <= 0)
		return go;
	if (send_rest(a, d, r, verdict, err) < 0)
		return dialogue_fail(d, SMFIC_BODY, err);
	return 0;
}

MAY_YIELD int
dialogue_body(struct arena *a, struct dialogue *d, const struct iovec *runs,
    size_t n, struct answer *verdict, struct err *err)
{
	struct rest r = { .runs = runs, .n = n };

	return send_body(a, d, &r, verdict, err);
}

MAY_YIELD int
dialogue_body_spool(struct arena *a, struct dialogue *d, struct spool *spool,
    uint64_t offset, struct answer *verdict, struct err *err)
{
	struct rest r = { .spool = spool, .at = offset };

	return send_body(a, d, &r, verdict, err);
}
