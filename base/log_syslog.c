#include <errno.h>
#include <netinet/tcp.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/log_syslog.h"

#define SYSLOG_SOCKET	"/dev/log"
#define SYSLOG_BATCH	16	/* lines in one call */
/* After that without an acknowledgement a connection is dead, or its reader
 * asleep: the lines that wait may as well go to the next one. */
#define TCP_PATIENCE_MS	60000

/* --- names --- */

static bool
is_remote(const struct log_syslog *s)
{
	return !addr_is_unix(&s->to);
}

static int
parse_path(struct span path, struct log_syslog *s, struct err *err)
{
	struct sockaddr_un *un = &s->to.u.un;

	s->type = SOCK_DGRAM;
	if (path.len >= sizeof(un->sun_path))
		return err_set(err, ERR_CONFIG, "%.*s...: the path is too "
		    "long for a socket", 100, path.p);
	un->sun_family = AF_UNIX;
	memcpy(un->sun_path, path.p, path.len);
	s->to.len = sizeof(*un);
	return 0;
}

int
log_syslog_parse(struct span text, struct log_syslog *s, struct err *err)
{
	bool is_tcp = span_starts_nocase(text, "tcp://");

	*s = (struct log_syslog){ .form = LOG_RFC5424, .fd = -1 };
	if (span_starts_nocase(text, "rfc5424:/"))
		return parse_path(span_n(text.p + 8, text.len - 8), s, err);
	if (span_starts_nocase(text, "/")) {
		s->form = LOG_RFC3164;
		return parse_path(text, s, err);
	}
	s->type = is_tcp ? SOCK_STREAM : SOCK_DGRAM;
	if ((is_tcp || span_starts_nocase(text, "udp://")) &&
	    addr_parse(span_n(text.p + 6, text.len - 6), &s->to, err) == 0 &&
	    addr_port(&s->to) != 0)
		return 0;	/* what is no address of a network has none */
	return err_set(err, ERR_CONFIG, "expected an address (no name) and a "
	    "port, as in syslog:udp://192.0.2.1:514 or "
	    "syslog:tcp://[2001:db8::1]:514, or a socket, as in "
	    "syslog:rfc5424:/dev/log");
}

/* --- the socket --- */

static void
drop_fd(struct log_syslog *s)
{
	if (s->fd >= 0)
		close(s->fd);
	s->fd = -1;
	s->sent = 0;
}

/* A descriptor that a daemon is or may be behind of, or -1 and errno. */
static int
open_socket(const struct log_syslog *s)
{
	int patience = TCP_PATIENCE_MS, fd, saved;

	fd = socket(s->to.u.sa.sa_family,
	    s->type | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (fd < 0)
		return -1;
	if (s->type == SOCK_STREAM)
		(void)setsockopt(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, &patience,
		    sizeof(patience));
	if (connect(fd, &s->to.u.sa, s->to.len) < 0 && errno != EINPROGRESS) {
		saved = errno;
		close(fd);
		errno = saved;
		return -1;
	}
	return fd;
}

static bool
reconnect(struct log_syslog *s)
{
	drop_fd(s);
	if (clock_now() < s->retry)
		return false;
	s->retry = clock_now() + CLOCK_S;
	s->fd = open_socket(s);
	return s->fd >= 0;
}

int
log_syslog_open(struct log_syslog *s, const char *name, struct err *err)
{
	const char *where = name[6] == ':' ? name + 7 : SYSLOG_SOCKET;

	if (log_syslog_parse(span_z(where), s, err) < 0)
		return err_prefix(err, "log \"%.120s\"", name);
	if (!is_remote(s))
		return log_syslog_reopen(s, err);
	(void)reconnect(s);
	return 0;
}

int
log_syslog_reopen(struct log_syslog *s, struct err *err)
{
	int fd;

	if (is_remote(s))
		return 0;
	fd = open_socket(s);
	if (fd < 0)
		return err_set(err, ERR_UNAVAIL, "log %s: %s",
		    s->to.u.un.sun_path, strerror(errno));
	drop_fd(s);
	s->fd = fd;
	return 0;
}

void
log_syslog_close(struct log_syslog *s)
{
	drop_fd(s);
}

void
log_syslog_forked(struct log_syslog *s)
{
	if (s->type != SOCK_STREAM)
		return;
	drop_fd(s);
	s->retry = 0;
}

/* --- datagrams --- */

/* Sends the first lines, one datagram each; returns the bytes done with, or
 * -1 and errno if the first could not be sent. */
static ssize_t
send_datagrams(struct log_syslog *s, struct span lines)
{
	struct mmsghdr msgs[SYSLOG_BATCH];
	struct iovec iov[SYSLOG_BATCH];
	struct span line;
	unsigned count;
	ssize_t done = 0;
	int sent, i;

	memset(msgs, 0, sizeof(msgs));
	for (count = 0; count < SYSLOG_BATCH && lines.len > 0; count++) {
		line = span_until(&lines, '\n');
		iov[count].iov_base = (char *)line.p;
		iov[count].iov_len = line.len;
		msgs[count].msg_hdr.msg_iov = &iov[count];
		msgs[count].msg_hdr.msg_iovlen = 1;
	}
	sent = sendmmsg(s->fd, msgs, count, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (sent < 0)
		return -1;
	for (i = 0; i < sent; i++)
		done += (ssize_t)iov[i].iov_len + 1;
	return done;
}

/* --- TCP --- */

/* Daemons do not answer. Without the look, lines that follow the end of a
 * connection would be taken by the kernel and lost. */
static bool
is_closed(int fd)
{
	char unused[256];
	ssize_t n = recv(fd, unused, sizeof(unused), MSG_DONTWAIT);

	return n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR);
}

/* Leaves `n` octets at the front out. */
static void
skip(struct iovec *iov, size_t n)
{
	size_t some;

	for (; n > 0; n -= some, iov++) {
		some = n < iov->iov_len ? n : iov->iov_len;
		iov->iov_base = (char *)iov->iov_base + some;
		iov->iov_len -= some;
	}
}

/* Sends on where it ended last time. Returns the bytes of the lines that are
 * out as a whole, or -1 and errno if nothing went out. */
static ssize_t
send_frames(struct log_syslog *s, struct span lines)
{
	char heads[SYSLOG_BATCH][24];
	struct iovec iov[2 * SYSLOG_BATCH];
	size_t frames[SYSLOG_BATCH], head, i, count;
	struct msghdr msg = { .msg_iov = iov };
	struct span rest = lines, line;
	ssize_t n, done = 0;

	for (count = 0; count < SYSLOG_BATCH && rest.len > 0; count++) {
		line = span_until(&rest, '\n');
		head = (size_t)snprintf(heads[count], sizeof(heads[count]),
		    "%zu ", line.len);
		iov[2 * count] = (struct iovec){ heads[count], head };
		iov[2 * count + 1] =
		    (struct iovec){ (char *)line.p, line.len };
		frames[count] = head + line.len;
	}
	skip(iov, s->sent);
	msg.msg_iovlen = 2 * count;
	n = sendmsg(s->fd, &msg, MSG_DONTWAIT | MSG_NOSIGNAL);
	if (n < 0)
		return -1;
	s->sent += (size_t)n;
	for (i = 0; i < count && s->sent >= frames[i]; i++) {
		s->sent -= frames[i];
		done += (ssize_t)span_until(&lines, '\n').len + 1;
	}
	return done;
}

size_t
log_syslog_write(struct log_syslog *s, struct span lines, uint64_t *dropped)
{
	bool is_tcp = s->type == SOCK_STREAM;
	struct span rest = lines;
	ssize_t n;

	if (is_tcp && s->fd >= 0 && is_closed(s->fd))
		drop_fd(s);
	while (rest.len > 0) {
		if (s->fd < 0 && !reconnect(s))
			break;
		n = is_tcp ? send_frames(s, rest) : send_datagrams(s, rest);
		if (n >= 0) {
			rest.p += n;
			rest.len -= (size_t)n;
		} else if (errno == EMSGSIZE) {
			span_until(&rest, '\n');
			++*dropped;
		} else if (errno == EAGAIN || errno == ENOBUFS) {
			break;
		} else if (errno != EINTR && !reconnect(s)) {
			break;
		}
	}
	return lines.len - rest.len;
}
