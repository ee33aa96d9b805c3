#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/conn.h"
#include "base/loop.h"
#include "base/tls.h"

/*
 * Readiness is edge-triggered: the kernel tells once, and is_readable stays
 * true until a read comes back short or empty. A dialogue of single lines so
 * costs one read a line, without a look that finds nothing. A reset by the
 * peer may be told together with its last octets and not again (libevent
 * reports it as readiness only): a write would find it, and who waits without
 * having written looks once more.
 */
#define PARK		4096	/* of a partial line, while it waits */
#define POOL_MAX	32	/* input buffers kept by the process */
#define TLS_GATHER	16384	/* one record */
#define READS_IN_A_ROW	4	/* without a wait, before others run */

struct conn {
	int		 fd;
	bool		 is_readable;	/* may be: a read would tell */
	bool		 is_hung_up;	/* the peer will send no more */
	bool		 is_unproved;	/* read short and not written since: an
					   error may have come with the octets,
					   told by the same event */
	bool		 is_writable;
	unsigned	 reads;		/* since the last wait */
	struct event	*read_event, *write_event;
	struct fiber	*reader, *writer;
	struct tls	*tls;
	char		*in;		/* NULL, or cap octets */
	size_t		 in_cap, in_at, in_len;
	struct buf	 out;
	uint64_t	 bytes_in, bytes_out;
};

/* --- input buffers --- */

static char	*pool[POOL_MAX];
static size_t	 pool_size;

static char *
block_take(void)
{
	char *p;

	if (pool_size > 0)
		return pool[--pool_size];
	p = malloc(CONN_INPUT);
	if (p == NULL)
		abort();
	return p;
}

static void
block_give(char *p)
{
	if (pool_size < POOL_MAX)
		pool[pool_size++] = p;
	else
		free(p);
}

/* More than CONN_INPUT is rare: conn_put_back() alone asks for it. */
static void
input_take(struct conn *c, size_t least)
{
	c->in_cap = least > CONN_INPUT ? least : CONN_INPUT;
	if (c->in_cap > CONN_INPUT) {
		c->in = malloc(c->in_cap);
		if (c->in == NULL)
			abort();
	} else
		c->in = block_take();
	c->in_at = 0;
}

static void
input_release(struct conn *c)
{
	if (c->in == NULL)
		return;
	if (c->in_cap == CONN_INPUT)
		block_give(c->in);
	else
		free(c->in);
	c->in = NULL;
	c->in_cap = c->in_at = c->in_len = 0;
}

/* Before a wait: an empty buffer goes back, and a few octets of a line that
 * may be long in coming do not hold a whole one. */
static void
input_park(struct conn *c)
{
	size_t len = c->in_len;
	char *small;

	if (len == 0) {
		input_release(c);
		return;
	}
	if (c->in_cap < CONN_INPUT || len > PARK / 2)
		return;
	small = malloc(PARK);
	if (small == NULL)
		abort();
	memcpy(small, c->in + c->in_at, len);
	input_release(c);
	c->in = small;
	c->in_cap = PARK;
	c->in_len = len;
}

/* Room for more behind what is unread; false when all is full. */
static bool
input_room(struct conn *c)
{
	char *block;

	if (c->in_cap < CONN_INPUT) {
		block = block_take();
		if (c->in_len > 0)
			memcpy(block, c->in + c->in_at, c->in_len);
		free(c->in);
		c->in = block;
		c->in_cap = CONN_INPUT;
		c->in_at = 0;
	} else if (c->in_at > 0) {
		memmove(c->in, c->in + c->in_at, c->in_len);
		c->in_at = 0;
	}
	return c->in_len < c->in_cap;
}

/* --- output buffers: an idle conn holds none --- */

static struct buf	spare;		/* memory for the next that needs some */

static void
output_begin(struct conn *c)
{
	if (c->out.cap > 0)
		return;
	c->out = spare;
	spare = (struct buf){0};
}

static void
output_release(struct conn *c)
{
	if (c->out.cap > spare.cap && c->out.cap <= TLS_GATHER) {
		buf_free(&spare);
		spare = c->out;
		spare.len = 0;
		c->out = (struct buf){0};
	}
	buf_free(&c->out);
}

/* --- life --- */

struct conn *
conn_open(int fd)
{
	struct conn *c = calloc(1, sizeof(*c));

	if (c == NULL)
		abort();
	c->fd = fd;
	c->is_readable = c->is_writable = true;
	return c;
}

void
conn_close(struct conn **cp)
{
	struct conn *c = *cp;

	if (c == NULL)
		return;
	*cp = NULL;
	assert(c->reader == NULL && c->writer == NULL);
	tls_close(&c->tls);
	if (c->read_event != NULL)
		event_free(c->read_event);
	if (c->write_event != NULL)
		event_free(c->write_event);
	close(c->fd);
	input_release(c);
	output_release(c);
	free(c);
}

int
conn_fd(const struct conn *c)
{
	return c->fd;
}

/* --- waiting --- */

static void
on_event(evutil_socket_t fd, short what, void *arg)
{
	struct conn *c = arg;

	(void)fd;
	if (what & (EV_READ | EV_CLOSED)) {
		c->is_readable = true;
		if (what & EV_CLOSED)
			c->is_hung_up = true;
		if (c->reader != NULL)
			fiber_wake(c->reader);
	}
	if (what & EV_WRITE) {
		c->is_writable = true;
		if (c->writer != NULL)
			fiber_wake(c->writer);
	}
}

static void
watch_read(struct conn *c)
{
	if (c->read_event == NULL) {
		c->read_event = event_new(loop_base(), c->fd,
		    EV_READ | EV_CLOSED | EV_ET | EV_PERSIST, on_event, c);
		if (c->read_event == NULL || event_add(c->read_event, NULL) < 0)
			abort();
	}
}

/* Writes seldom have to wait, so their event comes and goes. */
static void
watch_write(struct conn *c)
{
	if (c->write_event == NULL)
		c->write_event = event_new(loop_base(), c->fd,
		    EV_WRITE | EV_ET | EV_PERSIST, on_event, c);
	if (c->write_event == NULL || event_add(c->write_event, NULL) < 0)
		abort();
}

MAY_YIELD int
conn_wait(struct conn *c, bool for_write, int64_t deadline, struct err *err)
{
	struct fiber **who = for_write ? &c->writer : &c->reader;
	bool *flag = for_write ? &c->is_writable : &c->is_readable;
	int ret = 0;

	assert(*who == NULL);	/* one fiber at a time */
	*flag = false;		/* the caller, or OpenSSL, has just found out */
	c->reads = 0;
	if (for_write)
		watch_write(c);
	else
		watch_read(c);
	*who = fiber_self();
	while (!*flag && (ret = fiber_wait(deadline, err)) == 0)
		;
	*who = NULL;
	if (for_write)
		event_del(c->write_event);
	return ret;
}

/* --- reading --- */

/* As read(2); -1 with errno EAGAIN also when TLS must write first, which
 * *want_write then says. */
static ssize_t
read_some(struct conn *c, void *p, size_t len, bool *want_write)
{
	ssize_t n;

	*want_write = false;
	if (c->tls != NULL)
		return tls_read(c->tls, p, len, want_write);
	do {
		n = recv(c->fd, p, len, 0);
	} while (n < 0 && errno == EINTR);
	/* A short read has emptied the socket: the next octet is told by a
	 * new event. An end of the stream may have come with this one. */
	if (n > 0 && (size_t)n < len && !c->is_hung_up &&
	    c->read_event != NULL) {
		c->is_readable = false;
		c->is_unproved = true;
	}
	return n;
}

/* As read_some(), with its errors told: how many octets came; 0: nothing
 * there; -1: err. */
static ssize_t
read_to(struct conn *c, void *p, size_t len, bool *want_write,
    struct err *err)
{
	ssize_t n = read_some(c, p, len, want_write);

	if (n > 0) {
		c->bytes_in += n;
		return n;
	}
	if (n == 0)
		return err_set(err, ERR_CLOSED, "closed by the peer");
	if (errno == EAGAIN || errno == EWOULDBLOCK)
		return 0;
	return err_set(err, ERR_CLOSED, "read: %s", strerror(errno));
}

/* The same, to the input buffer. */
static ssize_t
read_once(struct conn *c, size_t max, bool *want_write, struct err *err)
{
	size_t room;
	ssize_t n;

	if (!input_room(c))
		return err_set(err, ERR_SYNTAX, "more than %d octets unread",
		    CONN_INPUT);
	room = c->in_cap - c->in_at - c->in_len;
	n = read_to(c, c->in + c->in_at + c->in_len,
	    room < max ? room : max, want_write, err);
	if (n > 0)
		c->in_len += n;
	return n;
}

/*
 * Before a read. A peer that sends faster than we work never makes this fiber
 * wait: the others run all the same, what it was answered goes out, and its
 * deadline holds.
 */
static MAY_YIELD int
take_turns(struct conn *c, int64_t deadline, struct err *err)
{
	if (c->reads++ < READS_IN_A_ROW)
		return 0;
	c->reads = 0;
	if (conn_flush(c, deadline, err) < 0)
		return -1;
	fiber_yield();
	if (clock_now() >= deadline)
		return err_set(err, ERR_TIMEOUT, "timed out");
	return 0;
}

/* At most max octets to p, or (NULL) to the input buffer; waits for them. */
static MAY_YIELD ssize_t
fill(struct conn *c, void *p, size_t max, int64_t deadline, struct err *err)
{
	bool want_write;
	ssize_t ret;

	if (take_turns(c, deadline, err) < 0)
		return -1;
	for (;;) {
		want_write = false;
		if (c->is_readable ||
		    (c->tls != NULL && tls_pending(c->tls) > 0)) {
			ret = p != NULL ?
			    read_to(c, p, max, &want_write, err) :
			    read_once(c, max, &want_write, err);
			if (ret != 0)
				return ret;
			if (want_write)
				c->is_writable = false;
			else if (c->read_event != NULL)
				c->is_readable = false;
		}
		if (c->out.len > 0) {
			if (conn_flush(c, deadline, err) < 0)
				return -1;
			continue;	/* the answer may be there by now */
		}
		if (c->is_unproved) {
			c->is_unproved = false;
			c->is_readable = true;
			continue;	/* wait only for what is not there */
		}
		input_park(c);
		if (c->read_event == NULL && !want_write) {
			/* Its first event tells what is there already. */
			watch_read(c);
			c->is_readable = false;
		}
		if (conn_wait(c, want_write, deadline, err) < 0)
			return -1;
	}
}

MAY_YIELD int
conn_fill(struct conn *c, int64_t deadline, struct err *err)
{
	return conn_fill_upto(c, CONN_INPUT, deadline, err);
}

MAY_YIELD int
conn_fill_upto(struct conn *c, size_t max, int64_t deadline, struct err *err)
{
	return fill(c, NULL, max, deadline, err) < 0 ? -1 : 0;
}

MAY_YIELD ssize_t
conn_read(struct conn *c, void *p, size_t len, int64_t deadline,
    struct err *err)
{
	if (c->in_len == 0)
		return fill(c, p, len, deadline, err);
	if (len > c->in_len)
		len = c->in_len;
	memcpy(p, c->in + c->in_at, len);
	conn_consume(c, len);
	return len;
}

void
conn_put_back(struct conn *c, struct span bytes)
{
	assert(c->in_len == 0);
	if (bytes.len == 0)
		return;
	input_release(c);
	input_take(c, bytes.len);
	memcpy(c->in, bytes.p, bytes.len);
	c->in_len = bytes.len;
}

struct span
conn_input(const struct conn *c)
{
	if (c->in == NULL)
		return span_n("", 0);
	return span_n(c->in + c->in_at, c->in_len);
}

void
conn_consume(struct conn *c, size_t n)
{
	assert(n <= c->in_len);
	c->in_at += n;
	c->in_len -= n;
	if (c->in_len == 0)
		c->in_at = 0;
}

void
conn_drop_input(struct conn *c)
{
	input_release(c);
}

size_t
conn_unread(struct conn *c)
{
	bool want_write;
	struct err err;

	if (c->in_len == 0 && c->is_readable) {
		if (read_once(c, CONN_INPUT, &want_write, &err) < 0)
			return 0;	/* the next read will say why */
		if (c->in_len == 0) {
			if (c->read_event == NULL)
				watch_read(c);
			c->is_readable = false;
		}
	}
	return c->in_len + (c->tls != NULL ? tls_pending(c->tls) : 0);
}

/* Under TLS what waits in the socket may be a session ticket, which is no
 * reason to distrust: only reading tells. */
static bool
is_stale_tls(struct conn *c)
{
	bool want_write;
	struct err err;

	if (read_once(c, CONN_INPUT, &want_write, &err) != 0)
		return true;
	input_release(c);
	if (c->read_event != NULL)
		c->is_readable = false;
	return false;
}

bool
conn_is_stale(struct conn *c)
{
	char octet;
	ssize_t n;

	if (c->in_len > 0 || c->is_hung_up)
		return true;
	if (!c->is_readable)
		return false;
	if (c->tls != NULL)
		return is_stale_tls(c);
	n = recv(c->fd, &octet, 1, MSG_PEEK | MSG_DONTWAIT);
	if (n < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)) {
		if (c->read_event != NULL)
			c->is_readable = false;
		return false;
	}
	return true;
}

/* --- writing --- */

void
conn_put(struct conn *c, const void *p, size_t len)
{
	output_begin(c);
	buf_put(&c->out, p, len);
}

void
conn_puts(struct conn *c, const char *text)
{
	output_begin(c);
	buf_puts(&c->out, text);
}

void
conn_printf(struct conn *c, const char *fmt, ...)
{
	va_list ap;

	output_begin(c);
	va_start(ap, fmt);
	buf_vprintf(&c->out, fmt, ap);
	va_end(ap);
}

size_t
conn_pending(const struct conn *c)
{
	return c->out.len;
}

static int
write_failed(struct err *err)
{
	return err_set(err, ERR_CLOSED, "write: %s", strerror(errno));
}

/* After a write that returned -1: waits if that is what it takes. */
static MAY_YIELD int
wait_writable(struct conn *c, bool want_write, int64_t deadline,
    struct err *err)
{
	if (errno != EAGAIN && errno != EWOULDBLOCK)
		return write_failed(err);
	if (want_write)
		c->is_writable = false;
	else
		c->is_readable = false;
	return conn_wait(c, want_write, deadline, err);
}

static MAY_YIELD int
write_tls(struct conn *c, const char *p, size_t len, int64_t deadline,
    struct err *err)
{
	bool want_write;
	ssize_t n;

	while (len > 0) {
		want_write = true;
		n = tls_write(c->tls, p, len, &want_write);
		if (n < 0) {
			if (wait_writable(c, want_write, deadline, err) < 0)
				return -1;
			continue;
		}
		p += n;
		len -= n;
		c->bytes_out += n;
	}
	return 0;
}

static MAY_YIELD int
write_plain(struct conn *c, struct iovec *iov, int niov, int flags,
    int64_t deadline, struct err *err)
{
	struct msghdr msg = { .msg_iov = iov, .msg_iovlen = niov };
	ssize_t n;

	while (msg.msg_iovlen > 0) {
		if (msg.msg_iov->iov_len == 0) {
			msg.msg_iov++;
			msg.msg_iovlen--;
			continue;
		}
		n = msg.msg_iovlen > 1 ?
		    sendmsg(c->fd, &msg, MSG_NOSIGNAL | flags) :
		    send(c->fd, msg.msg_iov->iov_base, msg.msg_iov->iov_len,
		    MSG_NOSIGNAL | flags);
		if (n < 0) {
			if (errno != EINTR &&
			    wait_writable(c, true, deadline, err) < 0)
				return -1;
			continue;
		}
		c->is_unproved = false;
		c->bytes_out += n;
		while (msg.msg_iovlen > 0 &&
		    (size_t)n >= msg.msg_iov->iov_len) {
			n -= msg.msg_iov->iov_len;
			msg.msg_iov++;
			msg.msg_iovlen--;
		}
		if (n > 0) {
			msg.msg_iov->iov_base =
			    (char *)msg.msg_iov->iov_base + n;
			msg.msg_iov->iov_len -= n;
		}
	}
	return 0;
}

static MAY_YIELD int
write_out_tls(struct conn *c, const struct iovec *runs, int n,
    int64_t deadline, struct err *err)
{
	int i = 0, ret = 0;

	if (n > 0 && c->out.len > 0 &&
	    c->out.len + runs[0].iov_len <= TLS_GATHER) {
		buf_put(&c->out, runs[0].iov_base, runs[0].iov_len);
		i = 1;
	}
	if (c->out.len > 0)
		ret = write_tls(c, c->out.p, c->out.len, deadline, err);
	for (; i < n && ret == 0; i++)
		ret = write_tls(c, runs[i].iov_base, runs[i].iov_len,
		    deadline, err);
	return ret;
}

static MAY_YIELD int
write_out(struct conn *c, const struct iovec *runs, int n, int flags,
    int64_t deadline, struct err *err)
{
	struct iovec iov[1 + CONN_RUNS];
	int ret;

	assert(n <= CONN_RUNS);
	if (c->tls != NULL)
		ret = write_out_tls(c, runs, n, deadline, err);
	else {
		iov[0] = (struct iovec){ c->out.p, c->out.len };
		if (n > 0)
			memcpy(iov + 1, runs, n * sizeof(*iov));
		ret = write_plain(c, iov, 1 + n, flags, deadline, err);
	}
	output_release(c);
	return ret;
}

MAY_YIELD int
conn_flush(struct conn *c, int64_t deadline, struct err *err)
{
	if (c->out.len == 0)
		return 0;
	return write_out(c, NULL, 0, 0, deadline, err);
}

MAY_YIELD int
conn_write(struct conn *c, const void *p, size_t len, int64_t deadline,
    struct err *err)
{
	struct iovec run = { (void *)p, len };

	return write_out(c, &run, 1, 0, deadline, err);
}

MAY_YIELD int
conn_writev(struct conn *c, const struct iovec *runs, int n,
    int64_t deadline, struct err *err)
{
	return write_out(c, runs, n, 0, deadline, err);
}

static MAY_YIELD int
copy_file(struct conn *c, int fd, int64_t offset, size_t len, int64_t deadline,
    struct err *err)
{
	char *block = block_take();
	ssize_t n = 0;
	int ret = 0;

	while (ret == 0 && len > 0) {
		n = pread(fd, block, len < CONN_INPUT ? len : CONN_INPUT,
		    offset);
		if (n <= 0) {
			ret = err_set(err, ERR_UNAVAIL, "temporary file: %s",
			    n < 0 ? strerror(errno) : "shorter than it was");
			break;
		}
		ret = conn_write(c, block, n, deadline, err);
		offset += n;
		len -= n;
	}
	block_give(block);
	return ret;
}

MAY_YIELD int
conn_send_file(struct conn *c, int fd, int64_t offset, size_t len,
    int64_t deadline, struct err *err)
{
	off_t at = offset;
	ssize_t n;

	if (c->tls != NULL)
		return copy_file(c, fd, offset, len, deadline, err);
	if (c->out.len > 0 &&
	    write_out(c, NULL, 0, len > 0 ? MSG_MORE : 0, deadline, err) < 0)
		return -1;
	while (len > 0) {
		n = sendfile(c->fd, fd, &at, len);
		if (n == 0)
			return err_set(err, ERR_UNAVAIL,
			    "temporary file: shorter than it was");
		if (n < 0) {
			if (errno != EINTR &&
			    wait_writable(c, true, deadline, err) < 0)
				return -1;
			continue;
		}
		c->bytes_out += n;
		len -= n;
	}
	return 0;
}

MAY_YIELD void
conn_linger(struct conn *c, size_t most, int64_t deadline)
{
	struct err err;
	size_t n;

	if (conn_flush(c, deadline, &err) < 0)
		return;
	if (c->tls == NULL)	/* under TLS its own alert tells the end */
		shutdown(c->fd, SHUT_WR);
	for (;;) {
		n = conn_input(c).len;
		conn_consume(c, n);
		if (n >= most || conn_fill(c, deadline, &err) < 0)
			return;
		most -= n;
	}
}

uint64_t
conn_bytes_in(const struct conn *c)
{
	return c->bytes_in;
}

uint64_t
conn_bytes_out(const struct conn *c)
{
	return c->bytes_out;
}

struct tls *
conn_tls(const struct conn *c)
{
	return c->tls;
}

void
conn_set_tls(struct conn *c, struct tls *tls)
{
	c->tls = tls;
	/* The end of the handshake may have been read together with what came
	 * behind it, which no event will tell. */
	c->is_readable = true;
}
