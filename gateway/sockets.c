#include <sys/socket.h>

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/addr.h"
#include "base/buf.h"
#include "base/err.h"
#include "base/mem.h"
#include "base/span.h"
#include "conf/settings.h"
#include "gateway/bind.h"
#include "gateway/sockets.h"

#define FIRST_PASSED	3		/* SD_LISTEN_FDS_START */
#define UNIX_MODE	0666

enum kind { KIND_TCP, KIND_UNIX, KIND_PASSED };

struct sock {
	enum kind		 kind;
	int			 fd;
	size_t			 slot;		/* KIND_TCP */
	struct addr		 addr;		/* as in the settings */
	struct addr		 bound;		/* with the port it got */
	struct bound_file	 file;		/* KIND_UNIX */
	char			*name;		/* KIND_PASSED */
	bool			 is_new;	/* since the last commit */
	bool			 is_wanted;	/* by the last prepare */
};

struct sockets {
	struct sock	*list;
	size_t		 n;
};

static struct sock *
append(struct sockets *set, struct sock s)
{
	set->list = mem_realloc(set->list,
	    (set->n + 1) * sizeof(*set->list), "listening sockets");
	set->list[set->n] = s;
	return &set->list[set->n++];
}

static void
read_bound(struct sock *s)
{
	struct sockaddr_storage sa;
	socklen_t len = sizeof(sa);

	if (getsockname(s->fd, (struct sockaddr *)&sa, &len) == 0)
		addr_from((struct sockaddr *)&sa, len, &s->bound);
}

/* --- sockets that the service manager passed --- */

static void
take_passed(struct sockets *set, size_t count, struct span names)
{
	for (size_t i = 0; i < count; i++) {
		struct span name = span_until(&names, ':');
		struct sock s = { .kind = KIND_PASSED,
		    .fd = FIRST_PASSED + (int)i };
		int flags = fcntl(s.fd, F_GETFL);

		if (flags < 0)
			continue;
		(void)fcntl(s.fd, F_SETFL, flags | O_NONBLOCK);
		(void)fcntl(s.fd, F_SETFD, FD_CLOEXEC);
		if (name.len == 0)
			name = span_z("unknown");	/* as systemd does */
		s.name = mem_zalloc(name.len + 1, "listening sockets");
		memcpy(s.name, name.p, name.len);
		read_bound(&s);
		append(set, s);
	}
}

struct sockets *
sockets_create(void)
{
	struct sockets *set = mem_zalloc(sizeof(*set), "listening sockets");
	uint64_t pid, count;

	if (span_uint(span_z(getenv("LISTEN_PID")), INT32_MAX, &pid) == 0 &&
	    (pid_t)pid == getpid() &&
	    span_uint(span_z(getenv("LISTEN_FDS")), 1024, &count) == 0)
		take_passed(set, count, span_z(getenv("LISTEN_FDNAMES")));
	unsetenv("LISTEN_PID");
	unsetenv("LISTEN_FDS");
	unsetenv("LISTEN_FDNAMES");
	return set;
}

static int
check_passed(const struct sock *s, struct err *err)
{
	int type = 0, listens = 0;
	socklen_t len = sizeof(int);

	if (getsockopt(s->fd, SOL_SOCKET, SO_TYPE, &type, &len) < 0)
		return err_set(err, ERR_CONFIG,
		    "what was passed as \"%s\" is not a socket", s->name);
	len = sizeof(int);
	(void)getsockopt(s->fd, SOL_SOCKET, SO_ACCEPTCONN, &listens, &len);
	if (type != SOCK_STREAM || !listens)
		return err_set(err, ERR_CONFIG, "the socket passed as \"%s\" "
		    "is not a listening stream socket", s->name);
	return 0;
}

static void
passed_names(const struct sockets *set, bool unused_only, struct buf *out)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct sock *s = &set->list[i];

		if (s->kind == KIND_PASSED && !(unused_only && s->is_wanted))
			buf_printf(out, "%s%s", out->len > 0 ? ", " : "",
			    s->name);
	}
}

static int
want_passed(struct sockets *set, const char *name, struct err *err)
{
	struct buf names = {0};
	bool found = false;
	int ret;

	for (size_t i = 0; i < set->n; i++) {
		struct sock *s = &set->list[i];

		if (s->kind != KIND_PASSED || strcmp(s->name, name) != 0)
			continue;
		if (check_passed(s, err) < 0)
			return -1;
		s->is_wanted = found = true;
	}
	if (found)
		return 0;
	passed_names(set, false, &names);
	if (names.len == 0)
		buf_puts(&names, "none");
	ret = err_set(err, ERR_CONFIG, "no socket \"%s\" was passed by the "
	    "service manager (passed: %.*s)", name,
	    SPAN_ARG(buf_text(&names)));
	buf_free(&names);
	return ret;
}

void
sockets_unused(const struct sockets *set, struct buf *out)
{
	passed_names(set, true, out);
}

/* --- sockets of our own --- */

static bool
is_same(const struct addr *a, const struct addr *b)
{
	return a->len == b->len && memcmp(&a->u, &b->u, a->len) == 0;
}

static struct sock *
find(struct sockets *set, const struct addr *a, size_t slot)
{
	for (size_t i = 0; i < set->n; i++) {
		struct sock *s = &set->list[i];

		if (s->kind != KIND_PASSED && s->slot == slot &&
		    is_same(&s->addr, a))
			return s;
	}
	return NULL;
}

/* The set has a socket that stands in the way of a plain bind. */
static bool
has_port_of(const struct sockets *set, const struct addr *a)
{
	for (size_t i = 0; i < set->n; i++) {
		const struct sock *s = &set->list[i];

		if (s->kind == KIND_TCP &&
		    s->bound.u.sa.sa_family == a->u.sa.sa_family &&
		    addr_port(&s->bound) == addr_port(a))
			return true;
	}
	return false;
}

static int
add_tcp(struct sockets *set, const struct addr *a, size_t slot,
    struct err *err)
{
	struct sock s = { .kind = KIND_TCP, .slot = slot, .addr = *a,
	    .is_new = true, .is_wanted = true };
	const struct sock *first = find(set, a, 0);
	const struct addr *where = first != NULL ? &first->bound : a;

	if (bind_tcp(where, !has_port_of(set, where), &s.fd, err) < 0)
		return -1;
	read_bound(&s);
	append(set, s);
	return 0;
}

static int
add_unix(struct sockets *set, const struct addr *a, struct err *err)
{
	struct sock s = { .kind = KIND_UNIX, .addr = *a, .bound = *a,
	    .is_new = true, .is_wanted = true };

	if (bind_unix(a, UNIX_MODE, &s.fd, &s.file, err) < 0)
		return -1;
	append(set, s);
	return 0;
}

static int
want_address(struct sockets *set, const struct addr *a, size_t workers,
    struct err *err)
{
	size_t slots = addr_is_unix(a) ? 1 : workers;

	for (size_t slot = 0; slot < slots; slot++) {
		struct sock *s = find(set, a, slot);
		int ret = 0;

		if (s != NULL)
			s->is_wanted = true;
		else if (addr_is_unix(a))
			ret = add_unix(set, a, err);
		else
			ret = add_tcp(set, a, slot, err);
		if (ret < 0)
			return -1;
	}
	/* Those of former workers: their queues go on being served. */
	for (size_t slot = slots; find(set, a, slot) != NULL; slot++)
		find(set, a, slot)->is_wanted = true;
	return 0;
}

static int
want_listener(struct sockets *set, const struct listener_conf *l,
    size_t workers, struct err *err)
{
	for (size_t i = 0; i < l->naddresses; i++) {
		if (want_address(set, &l->addresses[i], workers, err) < 0)
			return -1;
	}
	for (size_t i = 0; i < l->systemd.n; i++) {
		if (want_passed(set, l->systemd.list[i], err) < 0)
			return -1;
	}
	return 0;
}

static void
end(struct sock *s, bool removes_file)
{
	if (removes_file && s->kind == KIND_UNIX)
		bind_remove_file(&s->addr, &s->file);
	close(s->fd);
	free(s->name);
}

/* Closes those for which `is_gone` holds. */
static void
sweep(struct sockets *set, bool (*is_gone)(const struct sock *))
{
	size_t kept = 0;

	for (size_t i = 0; i < set->n; i++) {
		if (is_gone(&set->list[i]))
			end(&set->list[i], true);
		else
			set->list[kept++] = set->list[i];
	}
	set->n = kept;
}

int
sockets_prepare(struct sockets *set, const struct settings *settings,
    size_t workers, struct err *err)
{
	for (size_t i = 0; i < set->n; i++)
		set->list[i].is_wanted = false;
	for (size_t i = 0; i < settings->nlisteners; i++) {
		const struct listener_conf *l = &settings->listeners[i];

		if (want_listener(set, l, workers, err) < 0)
			return err_prefix(err, "listener %s", l->name);
	}
	return 0;
}

static bool
is_unwanted(const struct sock *s)
{
	return !s->is_wanted && s->kind != KIND_PASSED;
}

int
sockets_commit(struct sockets *set, struct err *err)
{
	char text[ADDR_TEXT];

	for (size_t i = 0; i < set->n; i++) {
		const struct sock *s = &set->list[i];

		if (s->is_new && listen(s->fd, SOMAXCONN) < 0)
			return err_set(err, ERR_UNAVAIL,
			    "cannot listen on %s: %s",
			    addr_text(&s->bound, text), strerror(errno));
	}
	for (size_t i = 0; i < set->n; i++)
		set->list[i].is_new = false;
	sweep(set, is_unwanted);
	return 0;
}

static bool
is_new(const struct sock *s)
{
	return s->is_new;
}

void
sockets_rollback(struct sockets *set)
{
	sweep(set, is_new);
}

static bool
is_ours(const struct sock *s)
{
	return s->kind != KIND_PASSED;
}

void
sockets_close(struct sockets *set)
{
	sweep(set, is_ours);
}

void
sockets_destroy(struct sockets **set, bool is_owner)
{
	for (size_t i = 0; i < (*set)->n; i++)
		end(&(*set)->list[i], is_owner);
	free((*set)->list);
	free(*set);
	*set = NULL;
}

/* --- what a worker gets --- */

static bool
is_for(const struct sock *s, const struct listener_conf *l, size_t index,
    size_t workers)
{
	if (s->kind == KIND_PASSED) {
		for (size_t i = 0; i < l->systemd.n; i++) {
			if (strcmp(l->systemd.list[i], s->name) == 0)
				return true;
		}
		return false;
	}
	if (s->kind == KIND_TCP && s->slot % workers != index)
		return false;
	for (size_t i = 0; i < l->naddresses; i++) {
		if (is_same(&l->addresses[i], &s->addr))
			return true;
	}
	return false;
}

size_t
sockets_of_worker(const struct sockets *set, const struct settings *settings,
    size_t index, size_t workers, struct socket_use **list)
{
	size_t n = 0;

	*list = mem_zalloc((settings->nlisteners * set->n + 1) *
	    sizeof(**list), "listening sockets");
	for (size_t i = 0; i < settings->nlisteners; i++) {
		const struct listener_conf *l = &settings->listeners[i];

		for (size_t j = 0; j < set->n; j++) {
			const struct sock *s = &set->list[j];

			if (is_for(s, l, index, workers))
				(*list)[n++] = (struct socket_use){ s->fd, l,
				    s->kind == KIND_PASSED };
		}
	}
	return n;
}

void
sockets_keep(struct sockets **set, const struct socket_use *list, size_t n)
{
	for (size_t i = 0; i < (*set)->n; i++) {
		struct sock *s = &(*set)->list[i];
		bool is_used = false;

		for (size_t j = 0; j < n; j++)
			is_used |= list[j].fd == s->fd;
		if (!is_used)
			close(s->fd);
		free(s->name);
	}
	free((*set)->list);
	free(*set);
	*set = NULL;
}

void
sockets_text(const struct sockets *set, struct buf *out)
{
	const char *space = "";
	char text[ADDR_TEXT];

	for (size_t i = 0; i < set->n; i++) {
		const struct sock *s = &set->list[i];

		if (!s->is_wanted || s->slot != 0)
			continue;
		buf_printf(out, "%s%s", space, addr_text(&s->bound, text));
		space = " ";
	}
}
