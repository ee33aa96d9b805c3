#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/err.h"
#include "gateway/bind.h"

static int
fail(const struct addr *a, int e, struct err *err)
{
	char text[ADDR_TEXT];
	const char *hint = "";

	if (e == EACCES && !addr_is_unix(a))
		hint = " (ports below 1024 need root or "
		    "CAP_NET_BIND_SERVICE)";
	else if (e == EADDRINUSE)
		hint = " (another server listens there)";
	return err_set(err, ERR_UNAVAIL, "cannot listen on %s: %s%s",
	    addr_text(a, text), strerror(e), hint);
}

static int
open_socket(const struct addr *a)
{
	return socket(a->u.sa.sa_family,
	    SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
}

static void
set_option(int fd, int level, int name)
{
	const int on = 1;

	(void)setsockopt(fd, level, name, &on, sizeof(on));
}

static int
bind_tcp_socket(const struct addr *a, bool is_shared, int *fd)
{
	int e;

	*fd = open_socket(a);
	if (*fd < 0)
		return errno;
	set_option(*fd, SOL_SOCKET, SO_REUSEADDR);
	if (is_shared)
		set_option(*fd, SOL_SOCKET, SO_REUSEPORT);
	if (a->u.sa.sa_family == AF_INET6)
		set_option(*fd, IPPROTO_IPV6, IPV6_V6ONLY);
	set_option(*fd, IPPROTO_TCP, TCP_NODELAY);
	if (bind(*fd, &a->u.sa, a->len) == 0)
		return 0;
	e = errno;
	close(*fd);
	return e;
}

int
bind_tcp(const struct addr *a, bool is_first, int *fd, struct err *err)
{
	int e, probe;

	if (is_first && addr_port(a) != 0) {
		e = bind_tcp_socket(a, false, &probe);
		if (e != 0)
			return fail(a, e, err);
		close(probe);
	}
	e = bind_tcp_socket(a, true, fd);
	return e != 0 ? fail(a, e, err) : 0;
}

/* Somebody answers at the socket file. */
static bool
is_answering(const struct addr *a)
{
	int fd = open_socket(a);
	bool answers;

	if (fd < 0)
		return true;	/* do not remove what may be in use */
	answers = connect(fd, &a->u.sa, a->len) == 0 || errno == EAGAIN;
	close(fd);
	return answers;
}

static bool
is_left_over(const struct addr *a)
{
	struct stat st;

	return lstat(a->u.un.sun_path, &st) == 0 && S_ISSOCK(st.st_mode) &&
	    !is_answering(a);
}

int
bind_unix(const struct addr *a, mode_t mode, int *fd, struct bound_file *file,
    struct err *err)
{
	struct stat st = {0};
	mode_t mask;
	int e = 0;

	*fd = open_socket(a);
	if (*fd < 0)
		return fail(a, errno, err);
	if (is_left_over(a))
		(void)unlink(a->u.un.sun_path);
	/* The mode is right from the first moment on. */
	mask = umask(0777 & ~mode);
	if (bind(*fd, &a->u.sa, a->len) < 0)
		e = errno;
	umask(mask);
	if (e == 0) {
		(void)lstat(a->u.un.sun_path, &st);
		*file = (struct bound_file){ st.st_dev, st.st_ino };
		return 0;
	}
	close(*fd);
	return fail(a, e, err);
}

void
bind_remove_file(const struct addr *a, const struct bound_file *file)
{
	struct stat st;

	if (lstat(a->u.un.sun_path, &st) == 0 && st.st_dev == file->dev &&
	    st.st_ino == file->ino)
		(void)unlink(a->u.un.sun_path);
}
