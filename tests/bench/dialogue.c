#include <sys/epoll.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/dialogue.h"
#include "tests/bench/net.h"
#include "tests/bench/wire.h"

#define EVENTS		64
#define MAX_FAILURES	1000	/* then it gives up */
#define SHOWN_FAILURES	5

enum step { STEP_GREETING, STEP_XCLIENT, STEP_EHLO, STEP_STARTTLS, STEP_MAIL,
    STEP_RCPT, STEP_DATA, STEP_BODY, STEP_QUIT };

static const struct {
	const char	*name;
	int		 code;
} steps[] = {
	[STEP_GREETING] = { "greeting", 220 },
	[STEP_XCLIENT] = { "XCLIENT", 220 },
	[STEP_EHLO] = { "EHLO", 250 },
	[STEP_STARTTLS] = { "STARTTLS", 220 },
	[STEP_MAIL] = { "MAIL", 250 },
	[STEP_RCPT] = { "RCPT", 250 },
	[STEP_DATA] = { "DATA", 354 },
	[STEP_BODY] = { "message", 250 },
	[STEP_QUIT] = { "QUIT", 221 },
};

struct session {
	struct wire	 wire;
	enum step	 step;		/* whose reply is waited for */
	unsigned	 rcpts;		/* replies still to come */
	uint64_t	 sent;		/* messages of this connection */
	int64_t		 started;
	const struct letter *letter;
	char		 id[LETTER_ID * 2];
};

static struct {
	const struct dialogue *d;
	struct outcome	*out;
	int		 epoll;
	char		*rcpt_flight;	/* and DATA behind them */
	size_t		 nrcpt_flight;
	uint64_t	 begun, open;
	uint64_t	 written;	/* messages: each has an id of its own */
} run;

static const char rcpt_line[] = "RCPT TO:<someone@inside.example>\r\n";

static void session_open(struct session *s);

static bool
more_to_send(void)
{
	if (run.out->failed > MAX_FAILURES)
		return false;
	if (run.d->until != 0)
		return net_now() < run.d->until;
	return run.begun < run.d->messages;
}

static void
note(struct series *t, int64_t since)
{
	if (t->n == t->room) {
		t->room = t->room * 2 + 4096;
		t->v = realloc(t->v, t->room * sizeof *t->v);
		if (t->v == NULL)
			net_die("realloc");
	}
	t->v[t->n++] = (uint32_t)(net_now() - since);
}

/* The letter that was promised last. */
static const struct letter *
next_letter(void)
{
	const struct letters *l = &run.d->letters;

	return &l->all[(run.begun - 1) % l->n];
}

/* The connection ends; the session goes on with a new one if need be. */
static void
session_close(struct session *s)
{
	wire_close(&s->wire);
	run.open--;
	if (more_to_send())
		session_open(s);
}

static void
session_fail(struct session *s, const char *why)
{
	if (run.out->failed++ < SHOWN_FAILURES)
		fprintf(stderr, "source: reply to %s: %s\n",
		    steps[s->step].name, why);
	session_close(s);
}

static void
session_open(struct session *s)
{
	run.begun++;		/* its first message is promised already */
	s->letter = next_letter();
	s->started = net_now();
	s->step = STEP_GREETING;
	s->sent = 0;
	run.open++;
	run.out->connections++;
	wire_open(&s->wire, &run.d->to, run.epoll, s);
}

static bool
is_last_of_connection(const struct session *s)
{
	return run.d->kept != 0 && s->sent >= run.d->kept;
}

static void
send_hello(struct session *s)
{
	s->step = STEP_EHLO;
	wire_put_line(&s->wire, s->letter->hello);
}

static void
send_mail(struct session *s)
{
	if (s->sent++ > 0) {
		run.begun++;
		s->letter = next_letter();
	}
	if (run.d->kept != 1)
		s->started = net_now();
	s->step = STEP_MAIL;
	wire_put_line(&s->wire, s->letter->mail);
	if (run.d->pipelining)
		wire_put(&s->wire, run.rcpt_flight, run.nrcpt_flight);
}

static void
send_rcpt(struct session *s)
{
	s->step = STEP_RCPT;
	s->rcpts = run.d->recipients;
	if (!run.d->pipelining)
		wire_put_line(&s->wire, rcpt_line);
}

static void
send_data(struct session *s)
{
	s->step = STEP_DATA;
	if (!run.d->pipelining)
		wire_put_line(&s->wire, "DATA\r\n");
}

static void
send_body(struct session *s)
{
	int n = snprintf(s->id, sizeof s->id,
	    "Message-ID: <%d.%010ju@bench.example>\r\n\r\n",
	    (int)getpid(), (uintmax_t)run.written++);

	s->step = STEP_BODY;
	wire_put(&s->wire, s->letter->head, s->letter->nhead);
	wire_put(&s->wire, s->id, (size_t)n);
	wire_put(&s->wire, run.d->letters.body, run.d->letters.nbody);
	if (run.d->pipelining && is_last_of_connection(s))
		wire_put_line(&s->wire, ".\r\nQUIT\r\n");
	else
		wire_put_line(&s->wire, ".\r\n");
}

static void
send_quit(struct session *s)
{
	bool is_sent = s->step == STEP_BODY && run.d->pipelining &&
	    is_last_of_connection(s);

	s->step = STEP_QUIT;
	if (!is_sent)
		wire_put_line(&s->wire, "QUIT\r\n");
}

/* The expected reply came: what comes next is put up for sending. */
static void
session_go_on(struct session *s)
{
	switch (s->step) {
	case STEP_GREETING:
		if (s->letter->xclient != NULL) {
			s->step = STEP_XCLIENT;
			wire_put_line(&s->wire, s->letter->xclient);
			return;
		}
		/* fallthrough */
	case STEP_XCLIENT:
		send_hello(s);
		return;
	case STEP_EHLO:
		if (run.d->tls && s->wire.tls == NULL) {
			s->step = STEP_STARTTLS;
			wire_put_line(&s->wire, "STARTTLS\r\n");
		} else {
			send_mail(s);
		}
		return;
	case STEP_STARTTLS:
		wire_start_tls(&s->wire);
		send_hello(s);
		return;
	case STEP_MAIL:
		send_rcpt(s);
		return;
	case STEP_RCPT:
		if (--s->rcpts == 0) {
			note(&run.out->rcpt, s->started);
			send_data(s);
		} else if (!run.d->pipelining) {
			wire_put_line(&s->wire, rcpt_line);
		}
		return;
	case STEP_DATA:
		send_body(s);
		return;
	case STEP_BODY:
		run.out->done++;
		note(&run.out->dot, s->started);
		if (run.d->kept != 1)
			note(&run.out->whole, s->started);
		if (is_last_of_connection(s) || !more_to_send())
			send_quit(s);
		else
			send_mail(s);
		return;
	case STEP_QUIT:
		return;
	}
}

static void
session_end(struct session *s)
{
	if (run.d->kept == 1)
		note(&run.out->whole, s->started);
	session_close(s);
}

static void
session_read(struct session *s)
{
	do {
		const char *why = wire_read(&s->wire), *line;

		if (why != NULL) {
			session_fail(s, why);
			return;
		}
		while ((line = wire_reply(&s->wire)) != NULL) {
			if (atoi(line) != steps[s->step].code) {
				session_fail(s, line);
				return;
			}
			if (s->step == STEP_QUIT) {
				session_end(s);
				return;
			}
			session_go_on(s);
		}
	} while (wire_wants_read(&s->wire));
	if (s->wire.nout > 0)
		wire_flush(&s->wire);
}

static void
make_rcpt_flight(void)
{
	size_t width = sizeof rcpt_line - 1, n = run.d->recipients * width;

	run.nrcpt_flight = n + 6;
	run.rcpt_flight = malloc(run.nrcpt_flight);
	if (run.rcpt_flight == NULL)
		net_die("malloc");
	for (size_t at = 0; at < n; at += width)
		memcpy(run.rcpt_flight + at, rcpt_line, width);
	memcpy(run.rcpt_flight + n, "DATA\r\n", 6);
}

void
dialogue_run(const struct dialogue *d, struct outcome *out)
{
	struct session *all = calloc(d->sessions, sizeof *all);
	struct epoll_event events[EVENTS];

	if (all == NULL)
		net_die("calloc");
	run.d = d;
	run.out = out;
	if (d->tls)
		wire_want_tls();
	make_rcpt_flight();
	run.epoll = epoll_create1(0);
	for (unsigned i = 0; i < d->sessions && more_to_send(); i++)
		session_open(&all[i]);
	while (run.open > 0) {
		int n = epoll_wait(run.epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct session *s = events[i].data.ptr;

			if (events[i].events & EPOLLOUT)
				wire_flush(&s->wire);
			if (events[i].events & ~(uint32_t)EPOLLOUT ||
			    s->wire.tls != NULL)
				session_read(s);
		}
	}
	close(run.epoll);
	free(run.rcpt_flight);
	free(all);
}
