#include <sys/epoll.h>
#include <sys/socket.h>

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/err.h>

#include "tests/bench/net.h"
#include "tests/bench/wire.h"

#define RECORD	16384	/* octets: what one TLS record holds */

static SSL_CTX *tls_context;

static void
watch(struct wire *w, int operation)
{
	struct epoll_event event = {
		.events = EPOLLIN | (w->waits_for_room ? EPOLLOUT : 0),
		.data.ptr = w->owner,
	};

	if (epoll_ctl(w->epoll, operation, w->fd, &event) < 0)
		net_die("epoll_ctl");
}

void
wire_open(struct wire *w, const struct sockaddr_in *to, int epoll, void *owner)
{
	w->fd = net_connect(to, 0, false);
	if (w->fd < 0)
		net_die("connect");
	w->epoll = epoll;
	w->owner = owner;
	w->tls = NULL;
	w->waits_for_room = false;
	w->nout = 0;
	w->ntaken = 0;
	w->nin = 0;
	watch(w, EPOLL_CTL_ADD);
}

/* Without close_notify: after QUIT nobody waits for it. */
void
wire_close(struct wire *w)
{
	SSL_free(w->tls);
	w->tls = NULL;
	close(w->fd);
	w->fd = -1;
}

/* --- TLS --- */

static _Noreturn void
tls_die(const char *what)
{
	fprintf(stderr, "%s: ", what);
	ERR_print_errors_fp(stderr);
	exit(111);
}

void
wire_want_tls(void)
{
	SSL_CTX *context = SSL_CTX_new(TLS_client_method());

	if (context == NULL ||
	    SSL_CTX_set_min_proto_version(context, TLS1_3_VERSION) != 1)
		tls_die("SSL_CTX_new");
	SSL_CTX_set_verify(context, SSL_VERIFY_NONE, NULL);
	SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_OFF);
	/* What is tried again is put together anew, at the same place. */
	SSL_CTX_set_mode(context, SSL_MODE_ENABLE_PARTIAL_WRITE |
	    SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
	tls_context = context;
	signal(SIGPIPE, SIG_IGN);	/* OpenSSL writes, it does not send */
}

void
wire_start_tls(struct wire *w)
{
	w->tls = SSL_new(tls_context);
	if (w->tls == NULL || SSL_set_fd(w->tls, w->fd) != 1)
		tls_die("SSL_new");
	/* What came in clear behind the reply counts for nothing (RFC 3207,
	 * 4.2). */
	w->nin = 0;
	w->ntaken = 0;
	SSL_set_connect_state(w->tls);
}

static const char *
tls_problem(int error)
{
	const char *reason = ERR_reason_error_string(ERR_peek_error());

	if (error == SSL_ERROR_SSL)
		return reason != NULL ? reason : "TLS failed";
	if (error == SSL_ERROR_SYSCALL && errno != 0)
		return strerror(errno);
	return "connection closed";
}

static const char *
read_tls(struct wire *w)
{
	int n, error;

	ERR_clear_error();
	errno = 0;
	n = SSL_read(w->tls, w->in + w->nin, (int)(sizeof w->in - w->nin));
	error = SSL_get_error(w->tls, n);
	if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE)
		return NULL;
	if (error != SSL_ERROR_NONE)
		return tls_problem(error);
	w->nin += (size_t)n;
	return NULL;
}

/* --- out --- */

void
wire_put(struct wire *w, const void *data, size_t n)
{
	w->out[w->nout++] = (struct iovec){ (void *)data, n };
}

void
wire_put_line(struct wire *w, const char *line)
{
	wire_put(w, line, strlen(line));
}

static void
drop_sent(struct wire *w, size_t n)
{
	while (n > 0 && w->nout > 0) {
		if (n < w->out[0].iov_len) {
			w->out[0].iov_base = (char *)w->out[0].iov_base + n;
			w->out[0].iov_len -= n;
			return;
		}
		n -= w->out[0].iov_len;
		memmove(w->out, w->out + 1, 3 * sizeof w->out[0]);
		w->nout--;
	}
}

/* True: what is left waits for room. */
static bool
send_clear(struct wire *w)
{
	struct msghdr m = { .msg_iov = w->out, .msg_iovlen = (size_t)w->nout };
	ssize_t n = sendmsg(w->fd, &m, MSG_NOSIGNAL);

	if (n < 0 && errno != EAGAIN)
		w->nout = 0;
	if (n > 0)
		drop_sent(w, (size_t)n);
	return w->nout > 0;
}

/* The front of what is put up, as much as one record holds. */
static int
gather(const struct wire *w, char *record)
{
	size_t n = 0;

	for (int i = 0; i < w->nout && n < RECORD; i++) {
		size_t some = w->out[i].iov_len;

		if (some > RECORD - n)
			some = RECORD - n;
		memcpy(record + n, w->out[i].iov_base, some);
		n += some;
	}
	return (int)n;
}

/* As send_clear(), in as few records as can be. */
static bool
send_tls(struct wire *w)
{
	static char record[RECORD];

	if (SSL_in_init(w->tls))	/* the reads bring it to its end */
		return SSL_want_write(w->tls);
	while (w->nout > 0) {
		int n;

		ERR_clear_error();
		n = SSL_write(w->tls, record, gather(w, record));
		switch (SSL_get_error(w->tls, n)) {
		case SSL_ERROR_NONE:
			drop_sent(w, (size_t)n);
			break;
		case SSL_ERROR_WANT_WRITE:
			return true;
		case SSL_ERROR_WANT_READ:
			return false;
		default:
			w->nout = 0;
		}
	}
	return false;
}

void
wire_flush(struct wire *w)
{
	bool must_wait = w->tls != NULL ? send_tls(w) : send_clear(w);

	if (must_wait != w->waits_for_room) {
		w->waits_for_room = must_wait;
		watch(w, EPOLL_CTL_MOD);
	}
}

/* --- in --- */

static const char *
read_clear(struct wire *w)
{
	ssize_t n = recv(w->fd, w->in + w->nin, sizeof w->in - w->nin, 0);

	if (n < 0 && errno == EAGAIN)
		return NULL;
	if (n <= 0)
		return n == 0 ? "connection closed" : strerror(errno);
	w->nin += (size_t)n;
	return NULL;
}

static void
drop_taken(struct wire *w)
{
	w->nin -= w->ntaken;
	memmove(w->in, w->in + w->ntaken, w->nin);
	w->ntaken = 0;
}

const char *
wire_read(struct wire *w)
{
	drop_taken(w);
	if (w->nin == sizeof w->in)
		return "longer than any reply";
	return w->tls != NULL ? read_tls(w) : read_clear(w);
}

bool
wire_wants_read(const struct wire *w)
{
	return w->tls != NULL &&
	    (SSL_in_before(w->tls) || SSL_pending(w->tls) > 0);
}

char *
wire_reply(struct wire *w)
{
	char *line = w->in;

	drop_taken(w);
	for (;;) {
		char *nl = memchr(line, '\n', w->nin - (size_t)(line - w->in));

		if (nl == NULL)
			return NULL;
		*nl = '\0';
		if (nl - line < 4 || line[3] != '-') {
			w->ntaken = (size_t)(nl + 1 - w->in);
			return line;
		}
		*nl = '\n';
		line = nl + 1;
	}
}
