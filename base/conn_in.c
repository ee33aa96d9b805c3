#include <assert.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "base/clock.h"
#include "base/conn_internal.h"
#include "base/tls.h"

#define PARK		4096	/* of a partial line, while it waits */
#define POOL_MAX	32	/* input buffers kept by the process */
#define READS_IN_A_ROW	4	/* without a wait, before others run */

/* --- input buffers --- */

static char	*pool[POOL_MAX];
static size_t	 pool_size;

char *
conn_block_take(void)
{
	char *p;

	if (pool_size > 0)
		return pool[--pool_size];
	p = malloc(CONN_INPUT);
	if (p == NULL)
		abort();
	return p;
}

void
conn_block_give(char *p)
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
		c->in = conn_block_take();
	c->in_at = 0;
}

void
conn_input_release(struct conn *c)
{
	if (c->in == NULL)
		return;
	if (c->in_cap == CONN_INPUT)
		conn_block_give(c->in);
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
		conn_input_release(c);
		return;
	}
	if (c->in_cap < CONN_INPUT || len > PARK / 2)
		return;
	small = malloc(PARK);
	if (small == NULL)
		abort();
	memcpy(small, c->in + c->in_at, len);
	conn_input_release(c);
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
		block = conn_block_take();
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
			conn_watch_read(c);
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
	conn_input_release(c);
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
conn_rest(struct conn *c)
{
	if (c->in_len == 0)
		conn_input_release(c);
}

void
conn_drop_input(struct conn *c)
{
	conn_input_release(c);
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
				conn_watch_read(c);
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
	conn_input_release(c);
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
