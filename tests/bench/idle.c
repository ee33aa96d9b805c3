/*
 * idle -- opens many SMTP sessions and holds them
 *
 *	idle [-n sessions] [-t] 127.0.0.1:PORT
 *
 *	-n N	sessions (default 1000)
 *	-t	with STARTTLS
 *
 * Each session goes as far as the reply to EHLO (with -t: to the second one,
 * in TLS). When all are open it says so on stdout and waits for the end of
 * stdin; then it looks how many are still open, says that, and leaves. The
 * exit status is 1 when a session could not be opened or was lost.
 *
 * Sessions are opened one after the other by plain blocking calls: what is
 * asked here is what they cost once they are open. On our side a TLS session
 * is forgotten as soon as it stands; only its socket stays.
 */
#include <sys/socket.h>
#include <sys/time.h>

#include <openssl/ssl.h>

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tests/bench/net.h"

#define SOURCES		20	/* addresses that we come from */
#define REPLY_TIMEOUT	30	/* seconds */

struct line {			/* one side of a dialogue */
	int	 fd;
	SSL	*ssl;		/* NULL: in clear */
};

/* Sends `command` unless it is NULL, and reads one whole reply. */
static int
ask(const struct line *l, const char *command)
{
	char in[2048];
	size_t n = 0;
	int got;

	if (command != NULL && l->ssl != NULL &&
	    SSL_write(l->ssl, command, (int)strlen(command)) <= 0)
		return -1;
	if (command != NULL && l->ssl == NULL &&
	    send(l->fd, command, strlen(command), MSG_NOSIGNAL) < 0)
		return -1;
	for (;;) {
		char *line;

		got = l->ssl != NULL ?
		    SSL_read(l->ssl, in + n, (int)(sizeof in - 1 - n)) :
		    (int)recv(l->fd, in + n, sizeof in - 1 - n, 0);
		if (got <= 0)
			return -1;
		n += (size_t)got;
		in[n] = '\0';
		if (in[n - 1] != '\n')
			continue;
		in[n - 1] = '\0';
		line = strrchr(in, '\n');
		line = line == NULL ? in : line + 1;
		if (strlen(line) < 4 || line[3] != '-')
			return atoi(line);
		in[n - 1] = '\n';
	}
}

static int
open_session(const struct sockaddr_in *to, unsigned from, SSL_CTX *tls)
{
	struct timeval patience = { .tv_sec = REPLY_TIMEOUT };
	struct line l = { .fd = net_connect(to, from, true) };
	bool ok;

	if (l.fd < 0)
		return -1;
	setsockopt(l.fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
	ok = ask(&l, NULL) == 220 &&
	    ask(&l, "EHLO idle.bench.example\r\n") == 250;
	if (ok && tls != NULL) {
		ok = ask(&l, "STARTTLS\r\n") == 220;
		l.ssl = SSL_new(tls);
		SSL_set_fd(l.ssl, l.fd);
		ok = ok && SSL_connect(l.ssl) == 1 &&
		    ask(&l, "EHLO idle.bench.example\r\n") == 250;
		SSL_free(l.ssl);
	}
	if (!ok) {
		close(l.fd);
		return -1;
	}
	return l.fd;
}

static bool
is_open(int fd)
{
	char octet;
	ssize_t n = recv(fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);

	return n < 0 && errno == EAGAIN;
}

int
main(int argc, char **argv)
{
	struct sockaddr_in to;
	unsigned long sessions = 1000, opened = 0, left = 0;
	SSL_CTX *tls = NULL;
	int64_t started;
	char octet;
	int option, *fds;

	while ((option = getopt(argc, argv, "n:t")) != -1) {
		if (option == 'n')
			sessions = strtoul(optarg, NULL, 10);
		else if (option == 't')
			tls = SSL_CTX_new(TLS_client_method());
		else
			return 100;
	}
	if (optind + 1 != argc) {
		fprintf(stderr, "usage: idle [-n sessions] [-t] "
		    "127.0.0.1:PORT\n");
		return 100;
	}
	to = net_address(argv[optind]);
	net_want_descriptors(sessions + 64);
	fds = calloc(sessions, sizeof *fds);
	if (fds == NULL)
		net_die("calloc");
	started = net_now();
	while (opened < sessions) {
		fds[opened] = open_session(&to, 1 + opened % SOURCES, tls);
		if (fds[opened] < 0)
			break;
		opened++;
	}
	printf("opened=%lu seconds=%.3f\n", opened,
	    (double)(net_now() - started) / 1e6);
	fflush(stdout);
	while (read(STDIN_FILENO, &octet, 1) > 0)
		;
	for (unsigned long i = 0; i < opened; i++)
		left += is_open(fds[i]);
	printf("open=%lu lost=%lu\n", left, opened - left);
	return left < sessions;
}
