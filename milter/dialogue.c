#include <stdlib.h>

#include "base/clock.h"
#include "base/dial.h"
#include "base/mem.h"
#include "milter/command.h"
#include "milter/dialogue_internal.h"

#define GATHER	(64 * 1024)	/* octets that have no answer and wait for
				   what has one */

static const struct answer go_on = { .kind = ANSWER_CONTINUE };

/* --- open --- */

static MAY_YIELD int
dial_filter(const struct dialogue_conf *conf, int64_t deadline, int *fd,
    struct err *err)
{
	struct arena *a;
	int ret;

	if (conf->host == NULL)
		return dial(&conf->addr, deadline, fd, err);
	a = arena_create("dialogue");
	ret = dial_host(a, conf->host, conf->port, deadline, fd, err);
	arena_destroy(&a);
	return ret;
}

static MAY_YIELD int
agree(struct dialogue *d, int64_t deadline, struct err *err)
{
	struct packet p;

	option_put_offer(&d->out);
	if (conn_write(d->conn, d->out.p, d->out.len, deadline, err) < 0 ||
	    packet_read(d->conn, OPTION_CHUNK, deadline, &d->room, &p,
	    err) < 0)
		return -1;
	return option_read(&p, &d->terms, err);
}

MAY_YIELD int
dialogue_open(const struct dialogue_conf *conf, struct dialogue **d,
    struct err *err)
{
	int64_t deadline = clock_now() + conf->connect_time;
	int fd;

	if (dial_filter(conf, deadline, &fd, err) < 0)
		return err_prefix(err, "milter %s", conf->name);
	*d = mem_zalloc(sizeof(**d), "milter dialogue");
	(*d)->conf = conf;
	(*d)->conn = conn_open(fd);
	(*d)->client = (*d)->mail = go_on;
	if (agree(*d, deadline, err) == 0) {
		buf_free(&(*d)->out);
		buf_free(&(*d)->room);
		return 0;
	}
	dialogue_fail(*d, SMFIC_OPTNEG, err);
	free(*d);
	*d = NULL;
	return -1;
}

const struct terms *
dialogue_terms(const struct dialogue *d)
{
	return &d->terms;
}

/* --- a step --- */

static bool
is_of_message(char command)
{
	return command == SMFIC_HEADER || command == SMFIC_EOH ||
	    command == SMFIC_BODY || command == SMFIC_BODYEOB;
}

static bool
is_of_mail(char command)
{
	return command != SMFIC_CONNECT && command != SMFIC_HELO &&
	    command != SMFIC_UNKNOWN;
}

/* Sessions that rest between two mails hold no buffers. */
static void
release(struct dialogue *d)
{
	if (d->in_mail)
		return;
	buf_free(&d->out);
	buf_free(&d->room);
}

/* Of a command that the filter does not want to hear: it may ask for them at
 * another, with which they leave. sendmail and Postfix send them too. */
static MAY_YIELD int
put_macros(struct dialogue *d, char command, const struct span *macros,
    struct err *err)
{
	if (macros == NULL)
		return 0;
	buf_clear(&d->out);
	macro_put(&d->out, command, option_macros(&d->terms, command), macros);
	conn_put(d->conn, d->out.p, d->out.len);
	release(d);
	if (conn_pending(d->conn) < GATHER ||
	    conn_flush(d->conn, dialogue_deadline(d, command), err) == 0)
		return 0;
	return dialogue_fail(d, command, err);
}

MAY_YIELD int
dialogue_step(struct dialogue *d, char command, const struct span *macros,
    struct answer *verdict, struct err *err)
{
	*verdict = go_on;
	if (d->conn == NULL) {
		*err = d->why;
		return -1;
	}
	if (d->client.kind != ANSWER_CONTINUE) {
		*verdict = d->client;
		return 0;
	}
	if (is_of_mail(command) && d->mail.kind != ANSWER_CONTINUE) {
		*verdict = d->mail;
		return 0;
	}
	if (d->message_end == 0 && is_of_message(command))
		d->message_end = clock_now() + d->conf->most_time;
	if (!option_sends(&d->terms, command))
		return put_macros(d, command, macros, err);
	if (dialogue_is_quiet(d, err) < 0)
		return dialogue_fail(d, command, err);
	if (is_of_mail(command))
		d->in_mail = true;
	if (command != SMFIC_UNKNOWN)
		d->may_end = false;
	buf_clear(&d->out);
	if (macros != NULL)
		macro_put(&d->out, command, option_macros(&d->terms, command),
		    macros);
	return 1;
}

/* What has no answer leaves with what has one, the end at the latest; outside
 * of a mail at once. */
static MAY_YIELD int
send_only(struct dialogue *d, char command, struct err *err)
{
	conn_put(d->conn, d->out.p, d->out.len);
	if (is_of_mail(command) && conn_pending(d->conn) < GATHER)
		return 0;
	return conn_flush(d->conn, dialogue_deadline(d, command), err);
}

static MAY_YIELD int
say(struct arena *a, struct dialogue *d, char command, struct edits *edits,
    struct answer *verdict, struct err *err)
{
	int ret;

	if (!option_awaits(&d->terms, command))
		ret = send_only(d, command, err);
	else if ((ret = conn_write(d->conn, d->out.p, d->out.len,
	    dialogue_deadline(d, command), err)) == 0)
		ret = dialogue_answer(a, d, command, edits, verdict, err);
	if (ret < 0) {
		if (edits != NULL)
			*edits = (struct edits){ 0 };
		return dialogue_fail(d, command, err);
	}
	dialogue_hold(d, command, verdict);
	release(d);
	return 0;
}

/* --- the steps --- */

MAY_YIELD int
dialogue_connect(struct arena *a, struct dialogue *d,
    const struct span *macros, struct span host, const struct addr *client,
    struct answer *verdict, struct err *err)
{
	int go = dialogue_step(d, SMFIC_CONNECT, macros, verdict, err);

	if (go <= 0)
		return go;
	command_connect(&d->out, host, client);
	return say(a, d, SMFIC_CONNECT, NULL, verdict, err);
}

MAY_YIELD int
dialogue_helo(struct arena *a, struct dialogue *d, const struct span *macros,
    struct span name, struct answer *verdict, struct err *err)
{
	int go = dialogue_step(d, SMFIC_HELO, macros, verdict, err);

	if (go <= 0)
		return go;
	command_helo(&d->out, name);
	return say(a, d, SMFIC_HELO, NULL, verdict, err);
}

MAY_YIELD int
dialogue_mail(struct arena *a, struct dialogue *d, const struct span *macros,
    struct span address, const struct span *args, size_t nargs,
    struct answer *verdict, struct err *err)
{
	int go;

	dialogue_abort(d);
	go = dialogue_step(d, SMFIC_MAIL, macros, verdict, err);
	if (go <= 0)
		return go;
	command_mail(&d->out, address, args, nargs);
	return say(a, d, SMFIC_MAIL, NULL, verdict, err);
}

MAY_YIELD int
dialogue_rcpt(struct arena *a, struct dialogue *d, const struct span *macros,
    struct span address, const struct span *args, size_t nargs,
    struct answer *verdict, struct err *err)
{
	int go = dialogue_step(d, SMFIC_RCPT, macros, verdict, err);

	if (go <= 0)
		return go;
	command_rcpt(&d->out, address, args, nargs);
	return say(a, d, SMFIC_RCPT, NULL, verdict, err);
}

static MAY_YIELD int
say_bare(struct arena *a, struct dialogue *d, char command,
    const struct span *macros, struct edits *edits, struct answer *verdict,
    struct err *err)
{
	int go = dialogue_step(d, command, macros, verdict, err);

	if (go <= 0)
		return go;
	command_bare(&d->out, command);
	return say(a, d, command, edits, verdict, err);
}

MAY_YIELD int
dialogue_data(struct arena *a, struct dialogue *d, const struct span *macros,
    struct answer *verdict, struct err *err)
{
	return say_bare(a, d, SMFIC_DATA, macros, NULL, verdict, err);
}

MAY_YIELD int
dialogue_unknown(struct arena *a, struct dialogue *d,
    const struct span *macros, struct span line, struct answer *verdict,
    struct err *err)
{
	int go = dialogue_step(d, SMFIC_UNKNOWN, macros, verdict, err);

	if (go <= 0)
		return go;
	command_unknown(&d->out, line);
	return say(a, d, SMFIC_UNKNOWN, NULL, verdict, err);
}

MAY_YIELD int
dialogue_header(struct arena *a, struct dialogue *d, struct span name,
    struct span value, struct answer *verdict, struct err *err)
{
	int go = dialogue_step(d, SMFIC_HEADER, NULL, verdict, err);

	if (go <= 0)
		return go;
	if (command_header(&d->out, &d->terms, name, value, err) < 0)
		return dialogue_fail(d, SMFIC_HEADER, err);
	return say(a, d, SMFIC_HEADER, NULL, verdict, err);
}

MAY_YIELD int
dialogue_end_of_header(struct arena *a, struct dialogue *d,
    const struct span *macros, struct answer *verdict, struct err *err)
{
	return say_bare(a, d, SMFIC_EOH, macros, NULL, verdict, err);
}

MAY_YIELD int
dialogue_end(struct arena *a, struct dialogue *d, const struct span *macros,
    struct edits *edits, struct answer *verdict, struct err *err)
{
	*edits = (struct edits){ 0 };
	return say_bare(a, d, SMFIC_BODYEOB, macros, edits, verdict, err);
}

/* --- how it ends --- */

/* These have no answer. */
static MAY_YIELD int
tell(struct dialogue *d, char command, int64_t deadline, struct err *err)
{
	buf_clear(&d->out);
	command_bare(&d->out, command);
	if (conn_write(d->conn, d->out.p, d->out.len, deadline, err) < 0)
		return dialogue_fail(d, command, err);
	release(d);
	return 0;
}

MAY_YIELD void
dialogue_abort(struct dialogue *d)
{
	struct err err;	/* the next step tells it */

	d->message_end = 0;
	if (d->conn != NULL && d->in_mail)
		tell(d, SMFIC_ABORT, dialogue_deadline(d, SMFIC_ABORT), &err);
	d->in_mail = false;
	d->skips_body = false;
	d->mail = go_on;
	release(d);
}

bool
dialogue_is_usable(struct dialogue *d)
{
	return d->conn != NULL && !conn_is_stale(d->conn);
}

/* libmilter takes "next client" behind the end of a message that it let
 * continue, and nowhere else: there it passes it over without a word, and the
 * connect that follows too. */
MAY_YIELD bool
dialogue_next(struct dialogue *d)
{
	bool may = d->may_end && dialogue_is_usable(d) &&
	    option_sends(&d->terms, SMFIC_QUIT_NC);
	struct err err;

	d->may_end = false;	/* not once more for one of whom it hears
				   nothing */
	return may && tell(d, SMFIC_QUIT_NC, dialogue_deadline(d,
	    SMFIC_QUIT_NC), &err) == 0;
}

/* Answers come in the order of the commands: what it had still to say it has
 * said when it closes. */
MAY_YIELD bool
dialogue_prove(struct dialogue *d)
{
	int64_t deadline = clock_now() + DIALOGUE_PROOF;
	bool is_silent;
	struct err err;

	if (!d->may_end || !dialogue_is_usable(d) ||
	    tell(d, SMFIC_QUIT, deadline, &err) < 0)
		return false;
	is_silent = conn_fill(d->conn, deadline, &err) < 0 &&
	    err.kind == ERR_CLOSED && !fiber_is_stopped();
	err_set(&err, ERR_CLOSED, "it was told to quit");
	dialogue_fail(d, SMFIC_QUIT, &err);
	return is_silent;
}

MAY_YIELD void
dialogue_quit(struct dialogue **d)
{
	struct dialogue *old = *d;
	struct err err;

	*d = NULL;
	if (old->conn != NULL && old->in_mail)
		tell(old, SMFIC_ABORT, clock_now(), &err);
	if (old->conn != NULL)
		tell(old, SMFIC_QUIT, clock_now(), &err);
	conn_close(&old->conn);
	buf_free(&old->out);
	buf_free(&old->room);
	free(old);
}
