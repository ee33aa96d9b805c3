#include <errno.h>
#include <string.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include <event2/event.h>

#include "base/clock.h"
#include "base/dial.h"
#include "base/loop.h"

#define BACKLOG_PAUSE	(10 * CLOCK_MS)

static void
on_connected(evutil_socket_t fd, short what, void *arg)
{
	(void)fd, (void)what;
	fiber_wake(arg);
}

/* Waits until the connect that is under way has ended. */
static MAY_YIELD int
await_connect(int fd, int64_t deadline, struct err *err)
{
	struct event *event;
	socklen_t len = sizeof(int);
	int failed = 0, ret;

	event = event_new(loop_base(), fd, EV_WRITE, on_connected,
	    fiber_self());
	if (event == NULL || event_add(event, NULL) < 0) {
		if (event != NULL)
			event_free(event);
		return err_set(err, ERR_UNAVAIL, "cannot watch a socket");
	}
	/* A wake meant for something else must not pass for this one. */
	while ((ret = fiber_wait(deadline, err)) == 0 &&
	    event_pending(event, EV_WRITE, NULL))
		;
	event_free(event);
	if (ret < 0)
		return err_prefix(err, "connect");
	if (getsockopt(fd, SOL_SOCKET, SO_ERROR, &failed, &len) < 0)
		failed = errno;
	if (failed != 0)
		return err_set(err, ERR_UNAVAIL, "connect: %s",
		    strerror(failed));
	return 0;
}

static MAY_YIELD int
connect_socket(int fd, const struct addr *to, int64_t deadline,
    struct err *err)
{
	for (;;) {
		if (connect(fd, &to->u.sa, to->len) == 0)
			return 0;
		if (errno == EINPROGRESS)
			return await_connect(fd, deadline, err);
		/* A unix socket with a full backlog says "again" at once and
		 * tells nothing when there is room. */
		if (errno != EAGAIN && errno != EINTR)
			return err_set(err, ERR_UNAVAIL, "connect: %s",
			    strerror(errno));
		if (clock_now() >= deadline)
			return err_set(err, ERR_TIMEOUT, "connect: timed out");
		if (fiber_sleep(BACKLOG_PAUSE, err) < 0)
			return -1;
	}
}

MAY_YIELD int
dial(const struct addr *to, int64_t deadline, int *fd, struct err *err)
{
	int one = 1, s;

	s = socket(to->u.sa.sa_family,
	    SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	if (s < 0)
		return err_set(err, ERR_UNAVAIL, "socket: %s",
		    strerror(errno));
	if (!addr_is_unix(to))
		setsockopt(s, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
	if (connect_socket(s, to, deadline, err) < 0) {
		close(s);
		return -1;
	}
	*fd = s;
	return 0;
}
