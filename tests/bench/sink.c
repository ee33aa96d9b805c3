/*
 * sink -- an SMTP or LMTP server that takes everything and costs little
 *
 *	sink [-c] [-l] [-w processes] 127.0.0.1:PORT
 *
 *	-c	offer CHUNKING and take BDAT
 *	-l	speak LMTP: LHLO, and one reply a recipient
 *	-w N	N processes on the same port (default 1)
 *
 * At SIGTERM or SIGINT each process prints one line of what it took and
 * leaves. Input is looked at as little as the count of messages allows: the
 * end of DATA is searched in the last LOOK_BACK octets of each read only,
 * which holds for every client that waits for our 354 before a next message
 * and sends fewer octets of commands than that behind the dot.
 */
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "tests/bench/net.h"

#define READ_SIZE	(128 * 1024)
#define LOOK_BACK	4096
#define LINE_SIZE	2048
#define EVENTS		64

enum phase { PHASE_COMMAND, PHASE_DATA, PHASE_CHUNK };

struct client {
	int		 fd;
	enum phase	 phase;
	unsigned	 rcpts;
	uint64_t	 left;		/* of a chunk */
	bool		 is_last;	/* that chunk ends the message */
	bool		 quit;
	size_t		 nline;		/* a started line, or the last */
	char		 line[LINE_SIZE]; /* octets of the data before */
	size_t		 nout;
	char		 out[LINE_SIZE];
};

static struct {
	bool		chunking, lmtp;
	int		epoll;
	uint64_t	messages, octets, connections, commands, refused;
} sink;

static void
say(struct client *c, const char *text)
{
	size_t n = strlen(text);

	if (c->nout + n > sizeof c->out) {	/* a flight of replies */
		if (send(c->fd, c->out, c->nout, MSG_NOSIGNAL) < 0)
			c->quit = true;
		c->nout = 0;
	}
	memcpy(c->out + c->nout, text, n);
	c->nout += n;
}

static void
taken(struct client *c)
{
	sink.messages++;
	if (!sink.lmtp)
		c->rcpts = 1;
	for (; c->rcpts > 0; c->rcpts--)
		say(c, "250 2.0.0 taken\r\n");
}

static bool
is_verb(const char *line, size_t n, const char *verb)
{
	size_t len = strlen(verb);

	return n >= len && strncasecmp(line, verb, len) == 0;
}

static void
hello(struct client *c)
{
	say(c, "250-sink\r\n250-PIPELINING\r\n250-SIZE\r\n250-8BITMIME\r\n"
	    "250-SMTPUTF8\r\n250-ENHANCEDSTATUSCODES\r\n");
	say(c, sink.chunking ? "250-CHUNKING\r\n250 DSN\r\n" : "250 DSN\r\n");
}

static void
command(struct client *c, const char *line, size_t n)
{
	char *end;

	sink.commands++;
	if (is_verb(line, n, "MAIL")) {
		c->rcpts = 0;
		say(c, "250 2.1.0 ok\r\n");
	} else if (is_verb(line, n, "RCPT")) {
		c->rcpts++;
		say(c, "250 2.1.5 ok\r\n");
	} else if (is_verb(line, n, "DATA")) {
		c->phase = PHASE_DATA;
		/* What went before counts as a line end: ".CRLF" may be all */
		memcpy(c->line, "\r\n", 2);
		c->nline = 2;
		say(c, "354 go\r\n");
	} else if (sink.chunking && is_verb(line, n, "BDAT ")) {
		c->left = strtoull(line + 5, &end, 10);
		c->is_last = is_verb(end, n - (size_t)(end - line), " LAST");
		c->phase = PHASE_CHUNK;
	} else if (is_verb(line, n, sink.lmtp ? "LHLO" : "EHLO")) {
		hello(c);
	} else if (is_verb(line, n, "QUIT")) {
		say(c, "221 2.0.0 bye\r\n");
		c->quit = true;
	} else if (is_verb(line, n, "RSET") || is_verb(line, n, "NOOP") ||
	    is_verb(line, n, "HELO")) {
		say(c, "250 2.0.0 ok\r\n");
	} else {
		sink.refused++;
		say(c, "502 5.5.1 not here\r\n");
	}
}

/* Each of the three takes octets from the front and says how many. */

static size_t
take_command(struct client *c, const char *p, size_t n)
{
	const char *nl = memchr(p, '\n', n);
	size_t take = nl != NULL ? (size_t)(nl - p) + 1 : n;

	if (nl != NULL && c->nline == 0) {	/* a whole line, the usual */
		command(c, p, take);
		return take;
	}
	if (c->nline + take > sizeof c->line) {
		c->quit = true;
		return n;
	}
	memcpy(c->line + c->nline, p, take);
	c->nline += take;
	if (nl != NULL) {
		size_t len = c->nline;

		c->nline = 0;
		command(c, c->line, len);
	}
	return take;
}

static size_t
take_data(struct client *c, const char *p, size_t n)
{
	static const char dot[] = "\r\n.\r\n";
	char seam[8];
	size_t from = n > LOOK_BACK ? n - LOOK_BACK : 0;
	size_t ahead = n < 4 ? n : 4;
	const char *end = NULL;

	/* First over the seam: up to 4 octets of the read before, then ours */
	memcpy(seam, c->line, c->nline);
	memcpy(seam + c->nline, p, ahead);
	end = memmem(seam, c->nline + ahead, dot, 5);
	if (end != NULL) {
		n = (size_t)(end - seam) + 5 - c->nline;
	} else if (n >= 5 && memcmp(p + n - 5, dot, 5) == 0) {
		end = p;	/* nothing behind it, the usual */
	} else if (n >= 5 &&
	    (end = memmem(p + from, n - from, dot, 5)) != NULL) {
		n = (size_t)(end - p) + 5;
	}
	sink.octets += n;
	if (end != NULL) {
		c->nline = 0;
		c->phase = PHASE_COMMAND;
		taken(c);
	} else if (n >= 4) {
		memcpy(c->line, p + n - 4, 4);
		c->nline = 4;
	} else {
		size_t all = c->nline + n, keep = all < 4 ? all : 4;

		memcpy(c->line, seam + all - keep, keep);
		c->nline = keep;
	}
	return n;
}

static size_t
take_chunk(struct client *c, size_t n)
{
	size_t take = n < c->left ? n : c->left;

	c->left -= take;
	sink.octets += take;
	if (c->left == 0) {
		c->phase = PHASE_COMMAND;
		if (c->is_last)
			taken(c);
		else
			say(c, "250 2.0.0 ok\r\n");
	}
	return take;
}

static void
serve(struct client *c)
{
	static char in[READ_SIZE];
	ssize_t got = recv(c->fd, in, sizeof in, 0);
	const char *p = in;
	size_t n = got > 0 ? (size_t)got : 0;

	if (got < 0 && errno == EAGAIN)
		return;
	while ((n > 0 || (c->phase == PHASE_CHUNK && c->left == 0)) &&
	    !c->quit) {
		size_t took;

		if (c->phase == PHASE_COMMAND)
			took = take_command(c, p, n);
		else if (c->phase == PHASE_DATA)
			took = take_data(c, p, n);
		else
			took = take_chunk(c, n);
		p += took;
		n -= took;
	}
	if (c->nout > 0 && send(c->fd, c->out, c->nout, MSG_NOSIGNAL) < 0)
		c->quit = true;
	c->nout = 0;
	if (got <= 0 || c->quit) {
		close(c->fd);
		free(c);
	}
}

static void
welcome(int listener)
{
	int on = 1, fd = accept4(listener, NULL, NULL, SOCK_NONBLOCK);
	struct client *c;
	struct epoll_event event = { .events = EPOLLIN };

	if (fd < 0)
		return;
	c = calloc(1, sizeof *c);
	if (c == NULL)
		net_die("calloc");
	c->fd = fd;
	event.data.ptr = c;
	setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
	if (epoll_ctl(sink.epoll, EPOLL_CTL_ADD, fd, &event) < 0)
		net_die("epoll_ctl");
	sink.connections++;
	say(c, "220 sink ready\r\n");
	if (send(fd, c->out, c->nout, MSG_NOSIGNAL) < 0)
		c->quit = true;		/* the next read says so too */
	c->nout = 0;
}

static int
serve_all(const struct sockaddr_in *address, const sigset_t *signals)
{
	struct epoll_event events[EVENTS], event = { .events = EPOLLIN };
	int listener = net_listen(address);
	int signal_fd = signalfd(-1, signals, 0);
	int n;

	sink.epoll = epoll_create1(0);
	event.data.ptr = &listener;
	epoll_ctl(sink.epoll, EPOLL_CTL_ADD, listener, &event);
	event.data.ptr = &signal_fd;
	epoll_ctl(sink.epoll, EPOLL_CTL_ADD, signal_fd, &event);
	for (;;) {
		n = epoll_wait(sink.epoll, events, EVENTS, -1);
		for (int i = 0; i < n; i++) {
			if (events[i].data.ptr == &listener) {
				welcome(listener);
			} else if (events[i].data.ptr == &signal_fd) {
				printf("messages=%ju octets=%ju "
				    "connections=%ju commands=%ju "
				    "refused=%ju cpu_us=%jd\n",
				    (uintmax_t)sink.messages,
				    (uintmax_t)sink.octets,
				    (uintmax_t)sink.connections,
				    (uintmax_t)sink.commands,
				    (uintmax_t)sink.refused,
				    (intmax_t)net_cpu());
				return 0;
			} else {
				serve(events[i].data.ptr);
			}
		}
	}
}

int
main(int argc, char **argv)
{
	struct sockaddr_in address;
	int option, processes = 1;
	sigset_t signals;

	while ((option = getopt(argc, argv, "clw:")) != -1) {
		if (option == 'c')
			sink.chunking = true;
		else if (option == 'l')
			sink.lmtp = true;
		else if (option == 'w')
			processes = atoi(optarg);
		else
			return 100;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: sink [-c] [-l] [-w processes] "
		    "127.0.0.1:PORT\n");
		return 100;
	}
	address = net_address(argv[optind]);
	net_want_descriptors(4096);
	sigemptyset(&signals);
	sigaddset(&signals, SIGTERM);
	sigaddset(&signals, SIGINT);
	sigprocmask(SIG_BLOCK, &signals, NULL);
	/* The children get the signal of their parent's group. */
	if (processes > 1)
		setpgid(0, 0);
	for (int i = 1; i < processes; i++) {
		if (fork() == 0)
			return serve_all(&address, &signals);
	}
	serve_all(&address, &signals);
	fflush(stdout);
	if (processes > 1)
		kill(0, SIGTERM);
	while (wait(NULL) > 0)
		;
	return 0;
}
