#include <assert.h>
#include <stdlib.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/conn_internal.h"
#include "base/loop.h"
#include "base/tls.h"

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
	conn_input_release(c);
	conn_output_release(c);
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

void
conn_watch_read(struct conn *c)
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
		conn_watch_read(c);
	*who = fiber_self();
	while (!*flag && (ret = fiber_wait(deadline, err)) == 0)
		;
	*who = NULL;
	if (for_write)
		event_del(c->write_event);
	return ret;
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
