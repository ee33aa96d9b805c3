#include <assert.h>

#include "base/clock.h"
#include "milter/command.h"
#include "milter/dialogue_internal.h"

static int64_t
time_of(const struct dialogue *d, char command)
{
	switch (command) {
	case SMFIC_BODY:
		return d->conf->body_time;
	case SMFIC_BODYEOB:
		return d->conf->end_time;
	default:
		return d->conf->command_time;
	}
}

int64_t
dialogue_deadline(const struct dialogue *d, char command)
{
	int64_t deadline = clock_now() + time_of(d, command);

	return d->message_end > 0 && d->message_end < deadline ?
	    d->message_end : deadline;
}

int
dialogue_fail(struct dialogue *d, char command, struct err *err)
{
	conn_close(&d->conn);
	buf_free(&d->out);
	buf_free(&d->room);
	err_prefix(err, "milter %s: %s", d->conf->name, command_name(command));
	d->why = *err;
	return -1;
}

int
dialogue_is_quiet(struct dialogue *d, struct err *err)
{
	size_t n;

	if (!conn_is_stale(d->conn))
		return 0;
	n = conn_unread(d->conn);
	if (n == 0)
		return err_set(err, ERR_CLOSED, "closed by the peer");
	return err_set(err, ERR_SYNTAX, "the filter has sent %zu octets that "
	    "nobody waited for", n);
}

/* --- edits --- */

/* If our disk is full that is not the filter's fault, nor is its answer. */
static int
keep_body(struct arena *a, const struct dialogue *d, struct edits *edits,
    struct span piece, struct err *err)
{
	if (edits->lost.kind != 0)
		return 0;
	if (edits->body == NULL)
		edits->body = spool_open(a, d->conf->spool_dir);
	if (piece.len > d->conf->body_most - spool_size(edits->body))
		return err_set(err, ERR_SYNTAX, "a new body of more than %ju "
		    "octets", (uintmax_t)d->conf->body_most);
	(void)spool_write(edits->body, piece, &edits->lost);
	return 0;
}

/* --- answers --- */

struct waiting {
	struct arena	*arena;
	struct edits	*edits;
	struct edit	**end;
	size_t		 octets;	/* of edits, without the body */
	int64_t		 deadline, most;
	unsigned	 progress;
};

static MAY_YIELD int
read_packet(struct dialogue *d, struct waiting *w, struct packet *p,
    struct err *err)
{
	int64_t deadline = w->deadline < w->most ? w->deadline : w->most;

	if (packet_read(d->conn, d->terms.chunk, deadline, &d->room, p,
	    err) == 0)
		return 0;
	if (w->progress > 0)
		err_prefix(err, "after progress (%u)", w->progress);
	return -1;
}

static int
keep(struct dialogue *d, struct waiting *w, char command,
    const struct answer *answer, struct err *err)
{
	struct edit *edit;

	if (answer->kind == ANSWER_PROGRESS) {
		w->deadline = dialogue_deadline(d, command);
		if (++w->progress > DIALOGUE_PROGRESS)
			return err_set(err, ERR_SYNTAX, "more than %d packets "
			    "of progress", DIALOGUE_PROGRESS);
		return 0;
	}
	assert(w->edits != NULL && answer_is_edit(answer->kind));
	if (answer->kind == ANSWER_REPLACE_BODY)
		return keep_body(w->arena, d, w->edits, answer->body, err);
	if (++w->edits->n > DIALOGUE_EDITS)
		return err_set(err, ERR_SYNTAX, "more than %d edits",
		    DIALOGUE_EDITS);
	edit = arena_new(w->arena, struct edit);
	edit->answer = *answer;
	*w->end = edit;
	w->end = &edit->next;
	return 0;
}

/* Before the packet is read into the arena. */
static int
check_octets(struct waiting *w, const struct packet *p, struct err *err)
{
	if (p->command != SMFIR_REPLBODY)
		w->octets += p->data.len;
	if (w->octets > DIALOGUE_EDIT_OCTETS)
		return err_set(err, ERR_SYNTAX, "edits of more than %zu "
		    "octets", DIALOGUE_EDIT_OCTETS);
	return 0;
}

/* What else has come by now: this was the answer to something earlier, or is
 * one of two. */
static int
check_alone(struct dialogue *d, struct err *err)
{
	size_t n = conn_unread(d->conn);

	return n == 0 ? 0 : err_set(err, ERR_SYNTAX, "the filter has sent %zu "
	    "octets behind its answer", n);
}

static int
end_edits(struct dialogue *d, struct edits *edits,
    const struct answer *verdict, struct err *err)
{
	if (edits == NULL)
		return 0;
	if (check_alone(d, err) < 0)
		return -1;
	if (edits->body != NULL && edits->lost.kind == 0)
		(void)spool_end(edits->body, &edits->lost);
	if (verdict->kind != ANSWER_CONTINUE &&
	    verdict->kind != ANSWER_ACCEPT)
		*edits = (struct edits){ 0 };
	return 0;
}

MAY_YIELD int
dialogue_answer(struct arena *a, struct dialogue *d, char command,
    struct edits *edits, struct answer *verdict, struct err *err)
{
	struct waiting w = { .arena = a, .edits = edits,
	    .end = edits != NULL ? &edits->first : NULL,
	    .deadline = dialogue_deadline(d, command),
	    .most = clock_now() + d->conf->most_time };
	struct packet p;

	for (;;) {
		if (read_packet(d, &w, &p, err) < 0 ||
		    check_octets(&w, &p, err) < 0 ||
		    answer_read(a, &d->terms, command, &p, verdict, err) < 0)
			return -1;
		if (answer_is_final(verdict->kind))
			return end_edits(d, edits, verdict, err);
		if (keep(d, &w, command, verdict, err) < 0)
			return -1;
	}
}

/* --- what holds --- */

static bool
is_refusal(enum answer_kind kind)
{
	return kind == ANSWER_REJECT || kind == ANSWER_TEMPFAIL ||
	    kind == ANSWER_REPLY;
}

/* A filter that has let the mail go, or has not taken it, is not told of its
 * end; one that was in the middle of it is, as from sendmail. */
static void
hold_mail(struct dialogue *d, char command, const struct answer *verdict)
{
	d->mail = *verdict;
	if (command == SMFIC_MAIL || verdict->kind == ANSWER_ACCEPT)
		d->in_mail = false;
}

/* To libmilter "accept" is the end of the mail here too: it has no ear for
 * what else there is of it. Nor has it one for "next client" then. */
static void
hold_unknown(struct dialogue *d, const struct answer *verdict)
{
	d->may_end = false;
	if (verdict->kind == ANSWER_ACCEPT && d->in_mail)
		hold_mail(d, SMFIC_UNKNOWN, verdict);
}

void
dialogue_hold(struct dialogue *d, char command, struct answer *verdict)
{
	if (command == SMFIC_BODYEOB) {
		d->in_mail = false;
		d->may_end = verdict->kind == ANSWER_CONTINUE;
	}
	switch (verdict->kind) {
	case ANSWER_CONTINUE:
		return;
	case ANSWER_SKIP:
		d->skips_body = true;
		*verdict = (struct answer){ .kind = ANSWER_CONTINUE };
		return;
	case ANSWER_SHUTDOWN:
	case ANSWER_CONN_FAIL:
		d->client = *verdict;
		return;
	default:
		break;
	}
	if (command == SMFIC_CONNECT || command == SMFIC_HELO)
		d->client = *verdict;
	else if (command == SMFIC_UNKNOWN)
		hold_unknown(d, verdict);
	else if (command != SMFIC_RCPT || !is_refusal(verdict->kind))
		hold_mail(d, command, verdict);
}
