#include <sys/socket.h>
#include <sys/uio.h>

#include <errno.h>
#include <limits.h>
#include <string.h>

#include "base/err.h"
#include "base/span.h"
#include "gateway/channel.h"

int
channel_pair(int fd[2], struct err *err)
{
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK,
	    0, fd) < 0)
		return err_set(err, ERR_UNAVAIL, "channel to a worker: %s",
		    strerror(errno));
	return 0;
}

void
channel_say(int fd, enum channel_kind kind, struct span text)
{
	char letter = (char)kind;
	struct iovec iov[2] = {
		{ .iov_base = &letter, .iov_len = 1 },
		{ .iov_base = (char *)text.p, .iov_len = text.len },
	};
	struct msghdr m = { .msg_iov = iov, .msg_iovlen = 2 };

	if (iov[1].iov_len > CHANNEL_TEXT)
		iov[1].iov_len = CHANNEL_TEXT;
	/* A worker that is gone is noticed by its end, not here. */
	(void)sendmsg(fd, &m, MSG_NOSIGNAL);
}

struct channel_message
channel_hear(int fd)
{
	static char buffer[1 + CHANNEL_TEXT];
	ssize_t n;

	do
		n = recv(fd, buffer, sizeof(buffer), 0);
	while (n < 0 && errno == EINTR);
	if (n < 0 && errno == EAGAIN)
		return (struct channel_message){ .kind = CHANNEL_NONE };
	if (n <= 0)
		return (struct channel_message){ .kind = CHANNEL_CLOSED };
	return (struct channel_message){
		/* Whatever it is, it is not "nothing there" or "closed". */
		.kind = buffer[0] != 0 ?
		    (enum channel_kind)(unsigned char)buffer[0] : UCHAR_MAX,
		.text = span_n(buffer + 1, (size_t)n - 1),
	};
}
