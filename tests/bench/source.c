/*
 * source -- an SMTP client that sends many messages over many sessions
 *
 *	source [-s sessions] [-n messages | -t seconds] [-l octets]
 *	    [-k messages] [-r recipients] [-p] 127.0.0.1:PORT
 *
 *	-s N	sessions at a time (default 1: one at a time)
 *	-n N	messages in all (default 1000)
 *	-t N	begin messages for so many seconds instead
 *	-l N	octets of a message, header included (default 4096)
 *	-k N	messages over one connection (default 1; 0: no limit)
 *	-r N	recipients of a message (default 1)
 *	-p	pipeline: MAIL, RCPT and DATA in one flight, QUIT behind the dot
 *
 * It waits for each reply and checks its code. One line of results goes to
 * stdout; latencies are microseconds from connect() to the reply to QUIT, or
 * with kept connections from MAIL to the reply to the message. The exit
 * status is 1 when any message failed.
 */
#include <sys/epoll.h>
#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/net.h"

#define EVENTS		64
#define MAX_FAILURES	1000	/* then it gives up */
#define SHOWN_FAILURES	5

enum step { STEP_GREETING, STEP_EHLO, STEP_MAIL, STEP_RCPT, STEP_DATA,
    STEP_BODY, STEP_QUIT };

static const struct {
	const char	*name;
	int		 code;
} steps[] = {
	[STEP_GREETING] = { "greeting", 220 },
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
	struct iovec	 out[3];
	char		 header[256];
	size_t		 nin;
	char		 in[1024];
};

static struct {
	struct sockaddr_in to;
	int		 epoll;
	uint64_t	 messages, kept;
	unsigned	 recipients;
	bool		 pipelining;
	size_t		 size;
	int64_t		 until;		/* 0: by count */
	char		*body;		/* the same for all messages */
	size_t		 nbody;
	char		*rcpt_flight;
	size_t		 nrcpt_flight;
	uint64_t	 begun, done, failed, connections, open;
	uint32_t	*latency;
	size_t		 nlatency, room;
} run = { .messages = 1000, .kept = 1, .recipients = 1, .size = 4096 };

static const char mail_line[] = "MAIL FROM:<sender@bench.example>\r\n";
static const char rcpt_line[] = "RCPT TO:<someone@inside.example>\r\n";

static void session_open(struct session *s);

static bool
more_to_send(void)
{
	if (run.failed > MAX_FAILURES)
		return false;
	if (run.until != 0)
		return net_now() < run.until;
	return run.begun < run.messages;
}

static void
note_latency(int64_t since)
{
	if (run.nlatency == run.room) {
		run.room = run.room * 2 + 4096;
		run.latency = realloc(run.latency,
		    run.room * sizeof *run.latency);
		if (run.latency == NULL)
			net_die("realloc");
	}
	run.latency[run.nlatency++] = (uint32_t)(net_now() - since);
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
	if (run.failed++ < SHOWN_FAILURES)
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
		memmove(s->out, s->out + 1, 2 * sizeof s->out[0]);
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
session_open(struct session *s)
{
	run.begun++;		/* its first message is promised already */
	s->started = net_now();
	s->fd = net_connect(&run.to, 0, false);
	if (s->fd < 0)
		net_die("connect");
	s->step = STEP_GREETING;
	s->nin = 0;
	s->nout = 0;
	s->sent = 0;
	s->waits_for_room = false;
	run.open++;
	run.connections++;
	watch(s, EPOLL_CTL_ADD, EPOLLIN);
}

static bool
is_last_of_connection(const struct session *s)
{
	return run.kept != 0 && s->sent >= run.kept;
}

static void
send_mail(struct session *s)
{
	if (s->sent++ > 0)
		run.begun++;
	if (run.kept != 1)
		s->started = net_now();
	s->step = STEP_MAIL;
	if (run.pipelining)
		put(s, run.rcpt_flight, run.nrcpt_flight);
	else
		put(s, mail_line, sizeof mail_line - 1);
}

static void
send_rcpt(struct session *s)
{
	s->step = STEP_RCPT;
	s->rcpts = run.recipients;
	if (!run.pipelining)
		put(s, rcpt_line, sizeof rcpt_line - 1);
}

static void
send_data(struct session *s)
{
	s->step = STEP_DATA;
	if (!run.pipelining)
		put(s, "DATA\r\n", 6);
}

static void
send_body(struct session *s)
{
	int n = snprintf(s->header, sizeof s->header,
	    "From: <sender@bench.example>\r\n"
	    "To: <someone@inside.example>\r\n"
	    "Date: Mon, 02 Nov 2026 09:30:00 +0000\r\n"
	    "Message-ID: <%d.%010ju@bench.example>\r\n"
	    "Subject: one of many\r\n"
	    "\r\n", (int)getpid(), (uintmax_t)run.done);

	s->step = STEP_BODY;
	put(s, s->header, (size_t)n);
	put(s, run.body, run.nbody);
	if (run.pipelining && is_last_of_connection(s))
		put(s, ".\r\nQUIT\r\n", 9);
	else
		put(s, ".\r\n", 3);
}

static void
send_quit(struct session *s)
{
	bool is_sent = s->step == STEP_BODY && run.pipelining &&
	    is_last_of_connection(s);

	s->step = STEP_QUIT;
	if (!is_sent)
		put(s, "QUIT\r\n", 6);
}

/* The expected reply came: what comes next is put up for sending. */
static void
session_go_on(struct session *s)
{
	switch (s->step) {
	case STEP_GREETING:
		s->step = STEP_EHLO;
		put(s, "EHLO source.bench.example\r\n", 27);
		return;
	case STEP_EHLO:
		send_mail(s);
		return;
	case STEP_MAIL:
		send_rcpt(s);
		return;
	case STEP_RCPT:
		if (--s->rcpts == 0)
			send_data(s);
		else if (!run.pipelining)
			put(s, rcpt_line, sizeof rcpt_line - 1);
		return;
	case STEP_DATA:
		send_body(s);
		return;
	case STEP_BODY:
		run.done++;
		if (run.kept != 1)
			note_latency(s->started);
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
	if (run.kept == 1)
		note_latency(s->started);
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
make_body(void)
{
	static const char line[] =
	    "VGhpcyBpcyBhIGxpbmUgb2YgYW4gYXR0YWNobWVudCwgZW5jb2RlZCBhcyBtb3"
	    "N0IG9mIHRoZW0gYXJl\r\n";
	const size_t width = sizeof line - 1;
	const size_t header = 200;	/* what send_body() puts before it */
	size_t room = run.size > header + 2 ? run.size - header : 2;

	run.body = malloc(room);
	run.nrcpt_flight = sizeof mail_line - 1 +
	    run.recipients * (sizeof rcpt_line - 1) + 6;
	run.rcpt_flight = malloc(run.nrcpt_flight + 1);
	if (run.body == NULL || run.rcpt_flight == NULL)
		net_die("malloc");
	for (run.nbody = 0; run.nbody < room; run.nbody++)
		run.body[run.nbody] = line[run.nbody % width];
	memcpy(run.body + room - 2, "\r\n", 2);
	strcpy(run.rcpt_flight, mail_line);
	for (unsigned i = 0; i < run.recipients; i++)
		strcat(run.rcpt_flight, rcpt_line);
	strcat(run.rcpt_flight, "DATA\r\n");
}

static int
by_value(const void *a, const void *b)
{
	uint32_t x = *(const uint32_t *)a, y = *(const uint32_t *)b;

	return (x > y) - (x < y);
}

static uint32_t
percentile(unsigned percent)
{
	if (run.nlatency == 0)
		return 0;
	return run.latency[(run.nlatency - 1) * percent / 100];
}

static void
report(int64_t elapsed)
{
	double seconds = (double)elapsed / 1e6;

	qsort(run.latency, run.nlatency, sizeof *run.latency, by_value);
	printf("messages=%ju failed=%ju connections=%ju seconds=%.3f "
	    "rate=%.1f mb_s=%.2f p50=%u p90=%u p99=%u max=%u cpu_us=%jd\n",
	    (uintmax_t)run.done, (uintmax_t)run.failed,
	    (uintmax_t)run.connections, seconds, (double)run.done / seconds,
	    (double)run.done * (double)run.size / 1e6 / seconds,
	    percentile(50), percentile(90), percentile(99), percentile(100),
	    (intmax_t)net_cpu());
}

static unsigned
options(int argc, char **argv)
{
	unsigned sessions = 1;
	int option;

	while ((option = getopt(argc, argv, "s:n:t:l:k:r:p")) != -1) {
		switch (option) {
		case 's': sessions = (unsigned)atoi(optarg); break;
		case 'n': run.messages = strtoull(optarg, NULL, 10); break;
		case 't': run.until = (int64_t)(atof(optarg) * 1e6); break;
		case 'l': run.size = strtoull(optarg, NULL, 10); break;
		case 'k': run.kept = strtoull(optarg, NULL, 10); break;
		case 'r': run.recipients = (unsigned)atoi(optarg); break;
		case 'p': run.pipelining = true; break;
		default: exit(100);
		}
	}
	if (optind + 1 != argc || sessions == 0 || run.recipients == 0) {
		fprintf(stderr, "usage: source [-s sessions] [-n messages | "
		    "-t seconds] [-l octets] [-k messages] [-r recipients] "
		    "[-p] 127.0.0.1:PORT\n");
		exit(100);
	}
	run.to = net_address(argv[optind]);
	return sessions;
}

int
main(int argc, char **argv)
{
	unsigned sessions = options(argc, argv);
	struct session *all = calloc(sessions, sizeof *all);
	struct epoll_event events[EVENTS];
	int64_t started;

	if (all == NULL)
		net_die("calloc");
	net_want_descriptors(sessions + 64);
	make_body();
	run.epoll = epoll_create1(0);
	started = net_now();
	if (run.until != 0)
		run.until += started;
	for (unsigned i = 0; i < sessions && more_to_send(); i++)
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
	report(net_now() - started);
	return run.failed > 0;
}
