#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/dialogue.h"
#include "tests/bench/net.h"

#define EVENTS		64
#define MAX_FAILURES	1000	/* then it gives up */
#define SHOWN_FAILURES	5

enum step { STEP_GREETING, STEP_XCLIENT, STEP_EHLO, STEP_MAIL, STEP_RCPT,
    STEP_DATA, STEP_BODY, STEP_QUIT };

static const struct {
	const char	*name;
	int		 code;
} steps[] = {
	[STEP_GREETING] = { "greeting", 220 },
	[STEP_XCLIENT] = { "XCLIENT", 220 },
	[STEP_EHLO] = { "EHLO", 250 },
	[STEP_MAIL] = { "MAIL", 250 },
	[STEP_RCPT] = { "RCPT", 250 },
	[STEP_DATA] = { "DATA", 354 },
	[STEP_BODY] = { "message", 250 },
	[STEP_QUIT] = { "QUIT", 221 },
};

struct session {
	int		 fd;
	enum step	 step;		/* whose reply is waited for */
	unsigned	 rcpts;		/* replies still to come */
	uint64_t	 sent;		/* messages of this connection */
	int64_t		 started;
	bool		 waits_for_room;
	int		 nout;		/* what the socket did not take yet */
	struct iovec	 out[4];
	const struct letter *letter;
	char		 id[LETTER_ID * 2];
	size_t		 nin;
	char		 in[1024];
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

static void
watch(struct session *s, int operation, uint32_t what)
{
	struct epoll_event event = { .events = what, .data.ptr = s };

	if (epoll_ctl(run.epoll, operation, s->fd, &event) < 0)
		net_die("epoll_ctl");
}

/* The connection ends; the session goes on with a new one if need be. */
static void
session_close(struct session *s)
{
	close(s->fd);
	s->fd = -1;
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
session_flush(struct session *s)
{
	struct msghdr m = { .msg_iov = s->out, .msg_iovlen = (size_t)s->nout };
	ssize_t n = sendmsg(s->fd, &m, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN) {
		/* A refusal may be waiting to be read: let the read tell. */
		s->nout = 0;
		n = 0;
	}
	for (; n > 0 && s->nout > 0; ) {
		if ((size_t)n < s->out[0].iov_len) {
			s->out[0].iov_base = (char *)s->out[0].iov_base + n;
			s->out[0].iov_len -= (size_t)n;
			break;
		}
		n -= (ssize_t)s->out[0].iov_len;
		memmove(s->out, s->out + 1, 3 * sizeof s->out[0]);
		s->nout--;
	}
	if ((s->nout > 0) != s->waits_for_room) {
		s->waits_for_room = s->nout > 0;
		watch(s, EPOLL_CTL_MOD,
		    EPOLLIN | (s->waits_for_room ? EPOLLOUT : 0));
	}
}

static void
put(struct session *s, const void *data, size_t n)
{
	s->out[s->nout++] = (struct iovec){ (void *)data, n };
}

static void
put_line(struct session *s, const char *line)
{
	put(s, line, strlen(line));
}

static void
session_open(struct session *s)
{
	run.begun++;		/* its first message is promised already */
	s->letter = next_letter();
	s->started = net_now();
	s->fd = net_connect(&run.d->to, 0, false);
	if (s->fd < 0)
		net_die("connect");
	s->step = STEP_GREETING;
	s->nin = 0;
	s->nout = 0;
	s->sent = 0;
	s->waits_for_room = false;
	run.open++;
	run.out->connections++;
	watch(s, EPOLL_CTL_ADD, EPOLLIN);
}

static bool
is_last_of_connection(const struct session *s)
{
	return run.d->kept != 0 && s->sent >= run.d->kept;
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
	put_line(s, s->letter->mail);
	if (run.d->pipelining)
		put(s, run.rcpt_flight, run.nrcpt_flight);
}

static void
send_rcpt(struct session *s)
{
	s->step = STEP_RCPT;
	s->rcpts = run.d->recipients;
	if (!run.d->pipelining)
		put_line(s, rcpt_line);
}

static void
send_data(struct session *s)
{
	s->step = STEP_DATA;
	if (!run.d->pipelining)
		put_line(s, "DATA\r\n");
}

static void
send_body(struct session *s)
{
	int n = snprintf(s->id, sizeof s->id,
	    "Message-ID: <%d.%010ju@bench.example>\r\n\r\n",
	    (int)getpid(), (uintmax_t)run.written++);

	s->step = STEP_BODY;
	put(s, s->letter->head, s->letter->nhead);
	put(s, s->id, (size_t)n);
	put(s, run.d->letters.body, run.d->letters.nbody);
	if (run.d->pipelining && is_last_of_connection(s))
		put_line(s, ".\r\nQUIT\r\n");
	else
		put_line(s, ".\r\n");
}

static void
send_quit(struct session *s)
{
	bool is_sent = s->step == STEP_BODY && run.d->pipelining &&
	    is_last_of_connection(s);

	s->step = STEP_QUIT;
	if (!is_sent)
		put_line(s, "QUIT\r\n");
}

/* The expected reply came: what comes next is put up for sending. */
static void
session_go_on(struct session *s)
{
	switch (s->step) {
	case STEP_GREETING:
		if (s->letter->xclient != NULL) {
			s->step = STEP_XCLIENT;
			put_line(s, s->letter->xclient);
			return;
		}
		/* fallthrough */
	case STEP_XCLIENT:
		s->step = STEP_EHLO;
		put_line(s, s->letter->hello);
		return;
	case STEP_EHLO:
		send_mail(s);
		return;
	case STEP_MAIL:
		send_rcpt(s);
		return;
	case STEP_RCPT:
		if (--s->rcpts == 0) {
			note(&run.out->rcpt, s->started);
			send_data(s);
		} else if (!run.d->pipelining) {
			put_line(s, rcpt_line);
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

/* Finds one whole reply, of however many lines, at the front of s->in. *last
 * is its last line and *end is behind it. False: more must be read. */
static bool
find_reply(struct session *s, char **last, char **end)
{
	char *line = s->in;

	for (;;) {
		char *nl = memchr(line, '\n', s->nin - (size_t)(line - s->in));

		if (nl == NULL)
			return false;
		*nl = '\0';
		*last = line;
		*end = nl + 1;
		if (nl - line < 4 || line[3] != '-')
			return true;
		*nl = '\n';
		line = nl + 1;
	}
}

static void
session_read(struct session *s)
{
	char *line, *end;
	ssize_t n = recv(s->fd, s->in + s->nin, sizeof s->in - s->nin, 0);

	if (n < 0 && errno == EAGAIN)
		return;
	if (n <= 0) {
		session_fail(s, n == 0 ? "connection closed" :
		    strerror(errno));
		return;
	}
	s->nin += (size_t)n;
	while (find_reply(s, &line, &end)) {
		if (atoi(line) != steps[s->step].code) {
			session_fail(s, line);
			return;
		}
		s->nin -= (size_t)(end - s->in);
		memmove(s->in, end, s->nin);
		if (s->step == STEP_QUIT) {
			session_end(s);
			return;
		}
		session_go_on(s);
	}
	if (s->nout > 0)
		session_flush(s);
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
	make_rcpt_flight();
	run.epoll = epoll_create1(0);
	for (unsigned i = 0; i < d->sessions && more_to_send(); i++)
		session_open(&all[i]);
	while (run.open > 0) {
		int n = epoll_wait(run.epoll, events, EVENTS, -1);

		for (int i = 0; i < n; i++) {
			struct session *s = events[i].data.ptr;

			if (events[i].events & EPOLLOUT)
				session_flush(s);
			if (events[i].events & ~(uint32_t)EPOLLOUT)
				session_read(s);
		}
	}
	close(run.epoll);
	free(run.rcpt_flight);
	free(all);
}
