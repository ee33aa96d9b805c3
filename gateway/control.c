#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>

#include <errno.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/span.h"
#include "gateway/bind.h"
#include "gateway/control.h"

#define MODE	0660

struct control_client {
	int		 fd;		/* -1: gone */
	bool		 is_used;	/* a parked one may outlive its fd */
	char		 in[128];
	size_t		 nin;
	bool		 is_too_long;
	int		 topic;		/* parked under it; 0: not parked */
	struct buf	 out;		/* empty until it is answered */
	int64_t		 deadline;	/* of reading, of writing */
};

struct control {
	int			 fd;
	struct addr		 addr;
	struct bound_file	 file;
	struct control_client	 clients[CONTROL_CLIENTS];
};

static int
address_of(const char *path, struct addr *a, struct err *err)
{
	size_t len = strlen(path);

	*a = (struct addr){ .len = sizeof(a->u.un) };
	if (len >= sizeof(a->u.un.sun_path))
		return err_set(err, ERR_CONFIG,
		    "control socket \"%.120s\": the path is too long", path);
	a->u.un.sun_family = AF_UNIX;
	memcpy(a->u.un.sun_path, path, len + 1);
	return 0;
}

/* The folder is in /run as a rule, which is empty after each boot. */
static void
make_folder(const char *path)
{
	char folder[sizeof(((struct sockaddr_un *)0)->sun_path)];
	const char *slash = strrchr(path, '/');

	if (slash == NULL || slash == path)
		return;
	memcpy(folder, path, (size_t)(slash - path));
	folder[slash - path] = '\0';
	(void)mkdir(folder, 0755);
}

struct control *
control_open(const char *path, struct err *err)
{
	struct control c = { .fd = -1 };
	struct control *opened;
	int fd;

	if (address_of(path, &c.addr, err) < 0)
		return NULL;
	make_folder(path);
	if (bind_unix(&c.addr, MODE, &fd, &c.file, err) < 0) {
		err_prefix(err, "control socket");
		return NULL;
	}
	if (listen(fd, CONTROL_CLIENTS) < 0) {
		err_set(err, ERR_UNAVAIL, "control socket %s: %s", path,
		    strerror(errno));
		bind_remove_file(&c.addr, &c.file);
		close(fd);
		return NULL;
	}
	opened = mem_zalloc(sizeof(*opened), "control socket");
	*opened = c;
	opened->fd = fd;
	return opened;
}

static void
drop(struct control_client *client)
{
	if (client->fd >= 0)
		close(client->fd);
	client->fd = -1;
	/* A parked request goes on; its answer then goes nowhere. */
	if (client->topic != 0)
		return;
	buf_free(&client->out);
	client->is_used = false;
}

void
control_close(struct control **c, bool is_owner)
{
	if (*c == NULL)
		return;
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &(*c)->clients[i];

		client->topic = 0;
		if (client->is_used)
			drop(client);
	}
	if (is_owner)
		bind_remove_file(&(*c)->addr, &(*c)->file);
	close((*c)->fd);
	free(*c);
	*c = NULL;
}

const char *
control_path(const struct control *c)
{
	return c->addr.u.un.sun_path;
}

size_t
control_poll(const struct control *c, struct pollfd *fds)
{
	size_t n = 0;

	fds[n++] = (struct pollfd){ .fd = c->fd, .events = POLLIN };
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		const struct control_client *client = &c->clients[i];

		if (client->is_used && client->fd >= 0)
			fds[n++] = (struct pollfd){ .fd = client->fd,
			    .events = client->out.len > 0 ? POLLOUT : POLLIN };
	}
	return n;
}

static struct control_client *
find_free(struct control *c)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		if (!c->clients[i].is_used)
			return &c->clients[i];
	}
	return NULL;
}

static void
take_clients(struct control *c, int64_t now)
{
	struct control_client *client;
	int fd;

	while ((fd = accept4(c->fd, NULL, NULL,
	    SOCK_CLOEXEC | SOCK_NONBLOCK)) >= 0) {
		client = find_free(c);
		if (client == NULL) {
			close(fd);
			continue;
		}
		*client = (struct control_client){ .fd = fd, .is_used = true,
		    .deadline = now + CONTROL_PATIENCE };
	}
}

static void
read_request(struct control_client *client,
    void (*run)(void *, struct control_client *, struct span), void *arg)
{
	char *end;
	ssize_t n;

	n = recv(client->fd, client->in + client->nin,
	    sizeof(client->in) - client->nin, 0);
	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n <= 0) {
		drop(client);
		return;
	}
	client->nin += (size_t)n;
	end = memchr(client->in, '\n', client->nin);
	if (end == NULL) {
		if (client->nin < sizeof(client->in))
			return;
		client->is_too_long = true;	/* read to its end first */
		client->nin = 0;
	} else if (client->is_too_long)
		control_answer(client, 2,
		    SPAN_LIT("the request is too long\n"));
	else
		run(arg, client,
		    span_n(client->in, (size_t)(end - client->in)));
}

static void
write_answer(struct control_client *client)
{
	ssize_t n = send(client->fd, client->out.p, client->out.len,
	    MSG_NOSIGNAL);

	if (n < 0 && (errno == EAGAIN || errno == EINTR))
		return;
	if (n > 0)
		buf_drop(&client->out, (size_t)n);
	if (n < 0 || client->out.len == 0)
		drop(client);
}

/* A parked client has said all and waits; it may only leave. */
static void
notice_leaving(struct control_client *client)
{
	char c;
	ssize_t n = recv(client->fd, &c, 1, 0);

	if (n == 0 || (n < 0 && errno != EAGAIN && errno != EINTR))
		drop(client);
}

void
control_turn(struct control *c, int64_t now,
    void (*run)(void *, struct control_client *, struct span), void *arg)
{
	take_clients(c, now);
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &c->clients[i];

		if (!client->is_used || client->fd < 0)
			continue;
		if (client->topic != 0) {
			notice_leaving(client);
			client->deadline = now + CONTROL_PATIENCE;
			continue;
		}
		if (client->out.len == 0)
			read_request(client, run, arg);
		if (client->out.len > 0)
			write_answer(client);
		if (client->is_used && client->topic == 0 &&
		    now >= client->deadline)
			drop(client);
	}
}

void
control_answer(struct control_client *client, int code, struct span text)
{
	client->topic = 0;
	if (client->fd < 0) {
		drop(client);
		return;
	}
	if (code == 0)
		buf_puts(&client->out, "ok\n");
	else
		buf_printf(&client->out, "fail %d\n", code);
	buf_span(&client->out, text);
}

void
control_park(struct control_client *client, int topic)
{
	client->topic = topic;
}

void
control_answer_all(struct control *c, int topic, int code, struct span text)
{
	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &c->clients[i];

		if (client->is_used && client->topic == topic)
			control_answer(client, code, text);
	}
}

bool
control_move(struct control *c, int from, int to)
{
	bool any = false;

	for (size_t i = 0; i < CONTROL_CLIENTS; i++) {
		struct control_client *client = &c->clients[i];

		if (client->is_used && client->topic == from) {
			client->topic = to;
			any = true;
		}
	}
	return any;
}

/* --- the administrator's side --- */

static int
read_all(int fd, int timeout_s, struct buf *all, struct err *err)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };
	char chunk[2048];
	ssize_t n;

	do {
		if (poll(&p, 1, timeout_s * 1000) == 0)
			return err_set(err, ERR_TIMEOUT,
			    "no answer in %d s", timeout_s);
		n = recv(fd, chunk, sizeof(chunk), 0);
		if (n > 0)
			buf_put(all, chunk, (size_t)n);
	} while (n > 0 || (n < 0 && errno == EINTR));
	if (n < 0)
		return err_set(err, ERR_UNAVAIL, "%s", strerror(errno));
	return 0;
}

static int
split_answer(const struct buf *all, int *code, struct buf *text,
    struct err *err)
{
	struct span rest = buf_text(all);
	struct span first = span_until(&rest, '\n');
	struct span word = span_word(&first);
	uint64_t n = 0;

	if (!span_is(word, "ok") && (!span_is(word, "fail") ||
	    span_uint(first, 255, &n) < 0))
		return err_set(err, ERR_UNAVAIL,
		    "the connection was closed without an answer");
	*code = (int)n;
	buf_span(text, rest);
	return 0;
}

static int
converse(int fd, const char *request, int timeout_s, int *code,
    struct buf *text, struct err *err)
{
	struct buf all = {0};
	int ret;

	buf_printf(&all, "%s\n", request);
	if (send(fd, all.p, all.len, MSG_NOSIGNAL) != (ssize_t)all.len) {
		buf_free(&all);
		return err_set(err, ERR_UNAVAIL, "%s", strerror(errno));
	}
	buf_clear(&all);
	ret = read_all(fd, timeout_s, &all, err);
	if (ret == 0)
		ret = split_answer(&all, code, text, err);
	buf_free(&all);
	return ret;
}

int
control_ask(const char *path, const char *request, int timeout_s, int *code,
    struct buf *text, struct err *err)
{
	struct addr a;
	int fd, ret;

	if (address_of(path, &a, err) < 0)
		return -1;
	fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (fd < 0 || connect(fd, &a.u.sa, a.len) < 0) {
		err_set(err, ERR_UNAVAIL, "control socket %s: %s%s", path,
		    strerror(errno), errno == ENOENT || errno == ECONNREFUSED ?
		    " (is Forepost running?)" : "");
		if (fd >= 0)
			close(fd);
		return -1;
	}
	ret = converse(fd, request, timeout_s, code, text, err);
	close(fd);
	return ret < 0 ? err_prefix(err, "control socket %s", path) : 0;
}
