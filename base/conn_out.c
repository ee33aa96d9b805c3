#include <assert.h>
#include <errno.h>
#include <stdarg.h>
#include <string.h>
#include <sys/sendfile.h>
#include <sys/socket.h>
#include <sys/uio.h>
#include <unistd.h>

#include "base/conn_internal.h"
#include "base/tls.h"

#define TLS_GATHER	16384	/* one record */

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

void
conn_output_release(struct conn *c)
{
	if (c->out.cap > spare.cap && c->out.cap <= TLS_GATHER) {
		buf_free(&spare);
		spare = c->out;
		spare.len = 0;
		c->out = (struct buf){0};
	}
	buf_free(&c->out);
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
	conn_output_release(c);
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
	char *block = conn_block_take();
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
	conn_block_give(block);
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
